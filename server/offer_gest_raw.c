/*
 * offer_gest_raw.c - OSC without RTP in a session description: m=application 57120 UDP/OSC osc, and over TCP and TLS.
 *
 * RFC 4145: we are the passive side of a connection always; who wants to be passive as well gets port 0.
 */
#include <string.h>
#include "offer_gest.h"

enum { UDP_MAX = 1472, REFRESH_MS = 1000 };

static const char *const protos[GESTLINE_KINDS] = {
	[GESTLINE_UDP] = "UDP/OSC", [GESTLINE_TCP] = "TCP/OSC", [GESTLINE_TLS] = "TCP/TLS/OSC",
};

static bool mine(const struct sdesc_media *m, enum gestline_kind kind)
{
	return !pl_strcmp(&m->type, "application") && !pl_strcasecmp(&m->proto, protos[kind]);
}

static bool is_stream(enum gestline_kind kind)
{
	return kind != GESTLINE_UDP;
}

static const char *frame_name(enum gestline_framing f)
{
	return f == GESTLINE_SLIP ? "slip" : "size";
}

/* --- what a stream says of itself --- */

/* RFC 4145 4: "If the setup attribute is not present ... active" in an offer. */
static int read_setup(const char **why, const struct sdesc *d, const struct sdesc_media *m)
{
	const struct sdesc_attr *a = sdesc_media_attr(m, "setup", NULL);

	if (!a)
		a = sdesc_attr(d, "setup");
	if (a && pl_strcasecmp(&a->value, "active") && pl_strcasecmp(&a->value, "actpass"))
		return gest_refuse(why, ENOTSUP, "we are the passive side of a connection");
	return 0;
}

static int read_fingerprint(struct gest *g, const char **why, const struct offer_ctx *ctx, const struct sdesc *d,
			    const struct sdesc_media *m)
{
	const struct sdesc_attr *a = sdesc_media_attr(m, "fingerprint", NULL);

	if (!ctx->conf->gest.fingerprint)
		return gest_refuse(why, ENOTSUP, "no certificate for gestures here");
	if (!a)
		a = sdesc_attr(d, "fingerprint");
	if (!a || !a->value.p || !offer_dtls_good_print(&a->value))
		return gest_refuse(why, ENOTSUP, "TLS without a fingerprint that we can check");
	return pl_strcpy(&a->value, g->line.fingerprint, sizeof(g->line.fingerprint)) ?
		gest_refuse(why, ENOTSUP, "a fingerprint that is too long") : 0;
}

static int read_stream(struct gest *g, const char **why, const struct offer_ctx *ctx, const struct sdesc *d, const struct sdesc_media *m)
{
	int err = is_stream(g->line.kind) ? read_setup(why, d, m) : 0;

	if (!err && g->line.kind == GESTLINE_TLS)
		err = read_fingerprint(g, why, ctx, d, m);
	return err;
}

/* RFC 4145 5: a later offer may keep the connection, or want one in its place. */
static void read_connection(struct gest *g, const struct sdesc_media *m, const struct gest *before)
{
	const struct sdesc_attr *a = sdesc_media_attr(m, "connection", NULL);

	g->existing = before && a && !pl_strcasecmp(&a->value, "existing");
	g->line.renew = before && !g->existing && is_stream(g->line.kind);
}

/* --- parameters --- */

static int read_fmtp(struct gest *g, struct gestline_fmtp *f, const char **why, const struct sdesc_media *m)
{
	struct pl params;

	if (m->n_fmt != 1 || pl_strcasecmp(&m->fmt[0], "osc"))
		return gest_refuse(why, ENOTSUP, "the only format of this line is osc");
	if (gest_fmtp(&params, m, -1) || gestline_fmtp_read(f, g->line.kind, params.p, params.l))
		return gest_refuse(why, ENOTSUP, "parameters given twice or outside their syntax");
	g->line.takes = f->takes;
	/* "On G3 to G5 tt=exec needs a=ts-refclk on both sides with the same clock; otherwise it is read as none": ours has none. */
	g->line.party_exec = false;
	return 0;
}

static int pick_framing(struct gest *g, struct gestline_fmtp *f, const char **why, const struct gest *before)
{
	if (!is_stream(g->line.kind))
		return 0;
	/* "An offer without it is read as slip,size." An answer without it does not get here. */
	if (!f->n_framing) {
		f->framing[f->n_framing++] = GESTLINE_SLIP;
		f->framing[f->n_framing++] = GESTLINE_SIZE;
	}
	for (unsigned i = 0; i < f->n_framing; i++) {
		if (before && f->framing[i] != before->line.framing)
			continue;
		g->line.framing = f->framing[i];
		return 0;
	}
	return gest_refuse(why, ENOTSUP, "no framing in common");
}

static int make_answer(struct gest *g, const char **why, const struct offer_ctx *ctx, const struct gest *before,
		       const struct sdesc *d, const struct sdesc_media *m)
{
	struct gestline_fmtp f = {.n_framing = 0};
	int err = gest_begin(g, why, ctx, before, d, m);

	if (!err)
		err = read_fmtp(g, &f, why, m);
	if (!err)
		err = pick_framing(g, &f, why, before);
	if (!err)
		err = read_stream(g, why, ctx, d, m);
	if (!err)
		read_connection(g, m, before);
	return err ? err : gest_finish(g, why, ctx, d, m);
}

static int answer(void **part, const char **why, const struct offer_ctx *ctx, const void *before, const struct sdesc *d,
		  const struct sdesc_media *m, enum gestline_kind kind)
{
	struct gest *g;
	int err = gest_new(&g, kind, before);

	if (err)
		return err;
	err = make_answer(g, why, ctx, before, d, m);
	return gest_hand_over(part, g, err);
}

static int offer(void **part, const struct offer_ctx *ctx, const struct gest *before, enum gestline_kind kind)
{
	struct gest *g;
	int err = gest_new(&g, kind, before);

	if (err)
		return err;
	err = gest_offer(g, ctx, before);
	str_ncpy(g->proto, protos[kind], sizeof(g->proto));
	g->line.framing = before ? before->line.framing : GESTLINE_SLIP;
	g->offered = !before;
	g->existing = before != NULL;
	return gest_hand_over(part, g, err);
}

static int make_accept(struct gest *g, const char **why, const struct offer_ctx *ctx, const struct gest *offered,
		       const struct gest *before, const struct sdesc *d, const struct sdesc_media *m)
{
	struct gestline_fmtp f = {.n_framing = 0};
	int err = read_fmtp(g, &f, why, m);

	/* "framing: none: REQUIRED in the answer" */
	if (!err && is_stream(g->line.kind) && (f.n_framing != 1 || (!offered->offered && f.framing[0] != offered->line.framing)))
		err = gest_refuse(why, ENOTSUP, "the answer's framing is not one value of those offered");
	if (!err)
		err = pick_framing(g, &f, why, NULL);
	if (!err)
		err = read_stream(g, why, ctx, d, m);
	return err ? err : gest_accept(g, why, ctx, offered, before, d, m);
}

static int accept_answer(void **part, const char **why, const struct offer_ctx *ctx, const void *offered, const void *before,
			 const struct sdesc *d, const struct sdesc_media *m)
{
	struct gest *g;
	int err = gest_new(&g, gest_line(offered)->kind, offered);

	if (err)
		return err;
	err = make_accept(g, why, ctx, offered, before, d, m);
	return gest_hand_over(part, g, err);
}

/* --- out --- */

static int print_params(struct mbuf *mb, const struct offer_ctx *ctx, const struct gest *g)
{
	const struct offer_gest_conf *conf = &ctx->conf->gest;
	int err = mbuf_write_str(mb, "a=fmtp:osc ");

	if (!is_stream(g->line.kind)) {
		err |= gest_print_takes(mb, MIN(conf->stream_max, UDP_MAX));
		err |= mbuf_printf(mb, "; refresh=%u", REFRESH_MS);
	} else {
		err |= gest_print_takes(mb, conf->stream_max);
		err |= mbuf_printf(mb, "; framing=%s", g->offered ? "slip,size" : frame_name(g->line.framing));
	}
	return err | mbuf_printf(mb, "; rate=%u; tt=none\r\n", conf->rate);
}

/* In an offer too: who calls us must connect to us, for a phone behind a router could not be reached. */
static int print_connection(struct mbuf *mb, const struct offer_ctx *ctx, const struct gest *g)
{
	int err;

	if (!is_stream(g->line.kind))
		return 0;
	err = mbuf_printf(mb, "a=setup:passive\r\na=connection:%s\r\n", g->existing ? "existing" : "new");
	if (g->line.kind == GESTLINE_TLS)
		err |= mbuf_printf(mb, "a=fingerprint:%s\r\n", ctx->conf->gest.fingerprint);
	return err;
}

static int print(struct mbuf *mb, const struct offer_ctx *ctx, const void *part)
{
	const struct gest *g = part;
	int err = mbuf_printf(mb, "m=application %u %s osc\r\n", sa_port(&g->local), g->proto);

	err |= gest_print_as(mb, g);
	err |= print_params(mb, ctx, g);
	err |= gest_print_attrs(mb, g, g->offered);
	return err | print_connection(mb, ctx, g);
}

/* --- three kinds --- */

#define RAW_KIND(kind, text, id) \
	static bool mine_##kind(const struct sdesc_media *m) { return mine(m, id); } \
	static int answer_##kind(void **part, const char **why, const struct offer_ctx *ctx, const void *before, \
				 const struct sdesc *d, const struct sdesc_media *m) \
		{ return answer(part, why, ctx, before, d, m, id); } \
	static int offer_##kind(void **part, const struct offer_ctx *ctx, const void *before) \
		{ return offer(part, ctx, before, id); } \
	const struct offer_kind gest_##kind##_kind = {.name = text, .max = 1, .mine = mine_##kind, .answer = answer_##kind, \
						      .offer = offer_##kind, .accept = accept_answer, .print = print}

RAW_KIND(udp, "OSC over UDP", GESTLINE_UDP);
RAW_KIND(tcp, "OSC over TCP", GESTLINE_TCP);
RAW_KIND(tls, "OSC over TLS", GESTLINE_TLS);
