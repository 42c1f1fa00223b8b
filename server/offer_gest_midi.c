/*
 * offer_gest_midi.c - RTP MIDI in a session description (RFC 6295): m=audio 40012 RTP/AVP 97, a=rtpmap:97 rtp-midi/48000.
 *
 * A line is MIDI when its first payload type is: the sound lines of phones never begin with one. What the parameters may be and
 * what we answer to them is osc/midi_fmtp's to say.
 *
 *     m=audio 5004 ..   a=sendonly  a=mid:1  musicport=12  }  a=group:FID 1 2: "virtual sendrecv" (RFC 6295 C.5), one line of
 *     m=audio 5006 ..   a=recvonly  a=mid:2  musicport=12  }  ours: what comes on one and what goes out on the other is one
 *                                                             party's. The second part holds both.
 */
#include <string.h>
#include <openssl/crypto.h>
#include "offer_gest.h"
#include "offer_group.h"

enum { PT_MIDI = 97, CLOCK_MIDI = 48000 };

static bool is_generic(const struct pl *name)
{
	return !pl_strcasecmp(name, "mpeg4-generic");
}

/* mpeg4-generic carries many things; with mode=rtp-midi it is RTP MIDI (RFC 6295 6.2). */
static bool is_midi(const struct sdesc_rtpmap *map, const struct sdesc_media *m)
{
	struct pl params, mode;

	if (!pl_strcasecmp(&map->name, "rtp-midi"))
		return true;
	return is_generic(&map->name) && !sdesc_fmtp(&params, m, map->pt) && !sdesc_fmtp_param(&mode, &params, "mode") &&
		!pl_strcasecmp(&mode, "rtp-midi");
}

static bool mine(const struct sdesc_media *m)
{
	struct sdesc_rtpmap map;

	return !pl_strcmp(&m->type, "audio") && sdesc_is_rtp(&m->proto) && !sdesc_rtpmap(&map, m, &m->fmt[0]) && is_midi(&map, m);
}

static bool good_clock(uint32_t clock)
{
	return clock == 44100 || clock == 48000 || clock == 88200 || clock == 96000;
}

/* --- parameters --- */

static int write_params(char **text, const struct midi_fmtp *f)
{
	char *buf = mem_alloc(FMTP_LEN_MAX, NULL);
	size_t len = FMTP_LEN_MAX;
	int err;

	if (!buf)
		return ENOMEM;
	err = midi_fmtp_write(buf, &len, f);
	if (!err && len)
		err = str_dup(text, buf);
	mem_deref(buf);
	return err;
}

static int use_subset(struct gestline *l, const struct midi_fmtp *f)
{
	if (!f->n_subsets)
		return 0;
	l->subset = mem_zalloc(sizeof(*l->subset), NULL);
	if (!l->subset)
		return ENOMEM;
	midi_subset_make(l->subset, f);
	return 0;
}

static int use_params(struct gest *g, const struct midi_fmtp *f)
{
	g->line.anchor = f->j_update == J_UPDATE_ANCHOR;
	if (f->guardtime.there)
		g->line.guard_us = (uint32_t)((uint64_t)f->guardtime.value * 1000000 / g->line.rate);
	return use_subset(&g->line, f);
}

/* One payload type. ENOMEM, or ENOTSUP: it cannot be taken. *text: our parameters. */
static int read_pt(struct gest *g, char **text, struct midi_fmtp *theirs, const struct sdesc_media *m, const struct pl *fmt)
{
	struct midi_fmtp ours;
	struct sdesc_rtpmap map;
	struct pl params;
	bool extra;
	int err;

	if (!gest_rtpmap(&map, &extra, m, fmt) || extra || !is_midi(&map, m) || !good_clock(map.clock))
		return ENOTSUP;
	if (gest_fmtp(&params, m, map.pt) || midi_fmtp_read(theirs, params.p, params.l) ||
	    midi_fmtp_answer(&ours, theirs, map.clock, false))
		return ENOTSUP;
	g->line.pt = map.pt;
	g->line.rate = map.clock;
	g->line.always_marked = is_generic(&map.name);
	(void)pl_strcpy(&map.name, g->encoding, sizeof(g->encoding));
	err = write_params(text, &ours);
	if (!err)
		err = use_params(g, &ours);
	return err == ENOMEM ? err : err ? ENOTSUP : 0;
}

static void forget_pt(struct gest *g)
{
	g->fmtp = mem_deref(g->fmtp);
	g->line.subset = mem_deref(g->line.subset);
}

static int read_formats(struct gest *g, struct midi_fmtp *f, const char **why, const struct sdesc_media *m, const struct gest *before)
{
	for (size_t i = 0; i < MIN(m->n_fmt, GEST_FORMATS); i++) {
		int err = read_pt(g, &g->fmtp, f, m, &m->fmt[i]);

		if (err == ENOMEM || (!err && (!before || before->line.rate == g->line.rate)))
			return err;
		forget_pt(g);
	}
	return gest_refuse(why, ENOTSUP, "no payload type for MIDI in common");
}

/* --- two lines as one --- */

/* Without keys: reports about what comes on one would have to be sealed with its own. */
static bool is_pair(const struct gest *a, const struct gest *b)
{
	return !a->keys.n_line && !b->keys.n_line && !a->keys.dtls.peer.on && !b->keys.dtls.peer.on && a->dir + b->dir == LEG_DIR_BOTH && a->dir && b->dir && a->line.pt == b->line.pt &&
		a->line.rate == b->line.rate && !strcmp(a->proto, b->proto) && a->line.rtcp_mux == b->line.rtcp_mux &&
		a->line.always_marked == b->line.always_marked && a->musicport == b->musicport;
}

/* The part of the second line tells the relay of both. */
static void join_pair(struct gest *g, const struct gest *other)
{
	struct gestline both;
	const struct gestline *to = g->dir == LEG_DIR_SEND ? &g->line : &other->line;
	const struct gestline *from = g->dir == LEG_DIR_SEND ? &other->line : &g->line;

	gestline_copy(&both, to);
	both.dir |= from->dir;
	both.peer_from = from->peer;
	both.peer_from_rtcp = from->peer_rtcp;
	gestline_reset(&g->line);
	g->line = both;
	OPENSSL_cleanse(&both, sizeof(both));
	g->pair = true;
}

/* "musicport: accepted only with several G1 lines and a=group:FID" */
static int check_musicport(struct gest *g, const char **why, const struct offer_groups *groups, const struct midi_fmtp *f,
			   const struct sdesc *d, const struct sdesc_media *m)
{
	if (!f->musicport.there)
		return 0;
	g->musicport = (uint64_t)f->musicport.value + 1;
	for (size_t i = 0; i < d->n_media; i++)
		if (&d->media[i] != m && offer_groups_fid(groups, i, (size_t)(m - d->media)) && mine(&d->media[i]))
			return 0;
	return gest_refuse(why, ENOTSUP, "musicport without another line of its FID group");
}

static int pair_up(struct gest *g, const char **why, const struct offer_ctx *ctx, const struct sdesc *d, const struct sdesc_media *m)
{
	const struct gest *other = ctx->sibling;

	if (!other)
		return 0;
	if (!g->musicport || !is_pair(g, other) || !offer_groups_fid(ctx->groups, ctx->sibling_at, (size_t)(m - d->media)))
		return gest_refuse(why, ENOTSUP, "one line of each kind of gestures");
	join_pair(g, other);
	return 0;
}

/* --- offer, answer --- */

static int make_answer(struct gest *g, const char **why, const struct offer_ctx *ctx, const struct gest *before,
		       const struct sdesc *d, const struct sdesc_media *m)
{
	struct midi_fmtp f = {.n_subsets = 0};
	int err = gest_begin(g, why, ctx, before, d, m);

	if (!err)
		err = read_formats(g, &f, why, m, before);
	if (!err)
		err = check_musicport(g, why, ctx->groups, &f, d, m);
	if (!err)
		err = pair_up(g, why, ctx, d, m);
	return err ? err : gest_finish(g, why, ctx, d, m);
}

static int answer(void **part, const char **why, const struct offer_ctx *ctx, const void *before, const struct sdesc *d,
		  const struct sdesc_media *m)
{
	struct gest *g;
	int err = gest_new(&g, GESTLINE_MIDI, before);

	if (err)
		return err;
	err = make_answer(g, why, ctx, before, d, m);
	return gest_hand_over(part, g, err);
}

static int make_offer(struct gest *g, const struct offer_ctx *ctx, const struct gest *before)
{
	int err = gest_offer(g, ctx, before);

	str_ncpy(g->encoding, before ? before->encoding : "rtp-midi", sizeof(g->encoding));
	g->line.pt = before ? before->line.pt : PT_MIDI;
	g->line.rate = before ? before->line.rate : CLOCK_MIDI;
	/* Of a pair each line goes one way. */
	if (before && before->musicport)
		g->dir &= before->dir;
	if (before)
		g->musicport = before->musicport;
	g->offered = !before;
	if (err)
		return err;
	if (!before)
		return re_sdprintf(&g->fmtp, "j_update=closed-loop; rtp_ptime=0; rtp_maxptime=0; guardtime=%u", CLOCK_MIDI);
	g->fmtp = mem_ref(before->fmtp);
	return 0;
}

static int offer(void **part, const struct offer_ctx *ctx, const void *before)
{
	struct gest *g;
	int err = gest_new(&g, GESTLINE_MIDI, before);

	if (err)
		return err;
	err = make_offer(g, ctx, before);
	return gest_hand_over(part, g, err);
}

static int make_accept(struct gest *g, const char **why, const struct offer_ctx *ctx, const struct gest *offered,
		       const struct gest *before, const struct sdesc *d, const struct sdesc_media *m)
{
	struct midi_fmtp f = {.n_subsets = 0};
	char *text = NULL;
	int err = read_pt(g, &text, &f, m, &m->fmt[0]);

	mem_deref(text);
	if (err == ENOMEM)
		return err;
	if (err || g->line.pt != offered->line.pt || g->line.rate != offered->line.rate ||
	    strcasecmp(g->encoding, offered->encoding))
		return gest_refuse(why, ENOTSUP, "the answer's payload type is not the one offered");
	g->fmtp = mem_ref(offered->fmtp);
	g->musicport = offered->musicport;
	err = gest_accept(g, why, ctx, offered, before, d, m);
	if (!err && ctx->sibling && is_pair(g, ctx->sibling))
		join_pair(g, ctx->sibling);
	else if (!err && ctx->sibling)
		err = gest_refuse(why, ENOTSUP, "one line of each kind of gestures");
	return err;
}

static int accept_answer(void **part, const char **why, const struct offer_ctx *ctx, const void *offered, const void *before,
			 const struct sdesc *d, const struct sdesc_media *m)
{
	struct gest *g;
	int err = gest_new(&g, GESTLINE_MIDI, offered);

	if (err)
		return err;
	err = make_accept(g, why, ctx, offered, before, d, m);
	return gest_hand_over(part, g, err);
}

static int print(struct mbuf *mb, const struct offer_ctx *ctx, const void *part)
{
	const struct gest *g = part;
	int err;

	(void)ctx;
	err = mbuf_printf(mb, "m=audio %u %s %u\r\n", sa_port(&g->local), g->proto, g->line.pt);
	err |= gest_print_as(mb, g);
	err |= mbuf_printf(mb, "a=rtpmap:%u %s/%u\r\n", g->line.pt, g->encoding, g->line.rate);
	if (g->fmtp)
		err |= mbuf_printf(mb, "a=fmtp:%u %s\r\n", g->line.pt, g->fmtp);
	return err | gest_print_attrs(mb, g, g->offered);
}

const struct offer_kind gest_midi_kind = {
	.name = "RTP MIDI", .max = 2, .mine = mine, .answer = answer, .offer = offer, .accept = accept_answer, .print = print,
};
