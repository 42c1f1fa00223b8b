/*
 * offer_gest_rtp.c - OSC over RTP in a session description: m=application 40010 RTP/AVP 98, a=rtpmap:98 osc/48000.
 *
 * "Several payload types on one line are alternatives": the first that we can take is taken. A running line keeps its clock and
 * its way of making good what was lost; a payload type that would change them is none we can take.
 */
#include "offer_gest.h"

enum { PT_OSC = 98, CLOCK_OSC = 48000, CLOCK_MIN = 8000, CLOCK_MAX = 192000 };

static bool mine(const struct sdesc_media *m)
{
	return !pl_strcmp(&m->type, "application") && sdesc_is_rtp(&m->proto);
}

static bool pick_rec(struct gest *g, const struct gestline_fmtp *f, const struct gest *before)
{
	for (unsigned i = 0; i < f->n_rec; i++) {
		if (before && f->rec_journal[i] != before->line.journal)
			continue;
		g->line.journal = f->rec_journal[i];
		return true;
	}
	return false;
}

/* One payload type: the encoding, then its parameters. */
static bool read_pt(struct gest *g, struct gestline_fmtp *f, const struct sdesc_media *m, const struct pl *fmt)
{
	struct sdesc_rtpmap map;
	struct pl params;
	bool extra;

	/* "A parameter after the clock rate MUST NOT appear." */
	if (!gest_rtpmap(&map, &extra, m, fmt) || extra || pl_strcasecmp(&map.name, "osc") || map.clock < CLOCK_MIN ||
	    map.clock > CLOCK_MAX)
		return false;
	if (gest_fmtp(&params, m, map.pt) || gestline_fmtp_read(f, GESTLINE_OSC, params.p, params.l))
		return false;
	(void)pl_strcpy(&map.name, g->encoding, sizeof(g->encoding));
	g->line.pt = map.pt;
	g->line.rate = map.clock;
	g->line.takes = f->takes;
	g->line.party_exec = f->exec;
	g->line.pli = gest_has_pli(m, map.pt);
	return true;
}

static int read_formats(struct gest *g, const char **why, const struct sdesc_media *m, const struct gest *before)
{
	struct gestline_fmtp f = {.n_rec = 0};

	for (size_t i = 0; i < MIN(m->n_fmt, GEST_FORMATS); i++)
		if (read_pt(g, &f, m, &m->fmt[i]) && (!before || before->line.rate == g->line.rate) && pick_rec(g, &f, before))
			return 0;
	return gest_refuse(why, ENOTSUP, "no payload type for OSC in common");
}

static int answer(void **part, const char **why, const struct offer_ctx *ctx, const void *before, const struct sdesc *d,
		  const struct sdesc_media *m)
{
	struct gest *g;
	int err = gest_new(&g, GESTLINE_OSC, before);

	if (err)
		return err;
	err = gest_begin(g, why, ctx, before, d, m);
	if (!err)
		err = read_formats(g, why, m, before);
	if (!err)
		err = gest_finish(g, why, ctx, d, m);
	return gest_hand_over(part, g, err);
}

static int offer(void **part, const struct offer_ctx *ctx, const void *arg)
{
	const struct gest *before = arg;
	struct gest *g;
	int err = gest_new(&g, GESTLINE_OSC, before);

	if (err)
		return err;
	err = gest_offer(g, ctx, before);
	str_ncpy(g->encoding, before ? before->encoding : "osc", sizeof(g->encoding));
	g->line.pt = before ? before->line.pt : PT_OSC;
	g->line.rate = before ? before->line.rate : CLOCK_OSC;
	g->line.journal = before ? before->line.journal : true;
	g->line.pli = before && before->line.pli;
	/* What runs does not change any more: then the list has one value. */
	g->offered = !before;
	return gest_hand_over(part, g, err);
}

/* "answer with values not offered, different PT: offerer ends the line with a new offer" */
static int read_answer(struct gest *g, const char **why, const struct gest *offered, const struct sdesc_media *m)
{
	struct gestline_fmtp f = {.n_rec = 0};

	if (!read_pt(g, &f, m, &m->fmt[0]) || g->line.pt != offered->line.pt || g->line.rate != offered->line.rate)
		return gest_refuse(why, ENOTSUP, "the answer's payload type is not the one offered");
	if (f.n_rec != 1 || (!offered->offered && f.rec_journal[0] != offered->line.journal))
		return gest_refuse(why, ENOTSUP, "the answer's rec is not one value of those offered");
	g->line.journal = f.rec_journal[0];
	return 0;
}

static int accept_answer(void **part, const char **why, const struct offer_ctx *ctx, const void *offered, const void *before,
			 const struct sdesc *d, const struct sdesc_media *m)
{
	struct gest *g;
	int err = gest_new(&g, GESTLINE_OSC, offered);

	if (err)
		return err;
	err = read_answer(g, why, offered, m);
	if (!err)
		err = gest_accept(g, why, ctx, offered, before, d, m);
	return gest_hand_over(part, g, err);
}

static int print(struct mbuf *mb, const struct offer_ctx *ctx, const void *part)
{
	const struct gest *g = part;
	const char *rec = g->offered ? "journal,none" : g->line.journal ? "journal" : "none";
	/* Class S: what we send. All we forward is of our own wallclock, or 1. */
	const char *tags = g->line.dir & LEG_DIR_SEND ? "exec" : "none";
	int err;

	err = mbuf_printf(mb, "m=application %u %s %u\r\n", sa_port(&g->local), g->proto, g->line.pt);
	err |= gest_print_as(mb, g);
	err |= mbuf_printf(mb, "a=rtpmap:%u %s/%u\r\na=fmtp:%u ", g->line.pt, g->encoding, g->line.rate, g->line.pt);
	err |= gest_print_takes(mb, ctx->conf->gest.mtu);
	err |= mbuf_printf(mb, "; rec=%s; red=2; guard=1000; rate=%u; tt=%s\r\n", rec, ctx->conf->gest.rate, tags);
	if (g->line.pli)
		err |= mbuf_printf(mb, "a=rtcp-fb:%u nack pli\r\n", g->line.pt);
	return err | gest_print_attrs(mb, g, g->offered);
}

const struct offer_kind gest_osc_kind = {
	.name = "OSC over RTP", .max = 1, .mine = mine, .answer = answer, .offer = offer, .accept = accept_answer, .print = print,
};
