/*
 * offer_gest.c - what the lines of gestures have in common.
 *
 * A part is made in two halves. The first decides whether the line can be at all, without asking anybody; the second asks the
 * call for a port and for the name, so that nothing is opened for a line that is refused for what it says.
 *
 * Two parts with one mark mean the same to the relay: a session refresh that repeats a line then disturbs no stream. The mark
 * is a digest of what the relay would be told, keys in it, so that none has to be compared or kept a second time.
 */
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include "offer_gest.h"

int gest_refuse(const char **why, int err, const char *text)
{
	*why = text;
	return err;
}

bool gest_is(const struct offer_kind *kind)
{
	for (unsigned i = 0; i < GESTLINE_KINDS; i++)
		if (kind == gest_kind((enum gestline_kind)i))
			return true;
	return false;
}

const struct offer_kind *gest_kind(enum gestline_kind kind)
{
	static const struct offer_kind *const kinds[GESTLINE_KINDS] = {
		[GESTLINE_MIDI] = &gest_midi_kind, [GESTLINE_OSC] = &gest_osc_kind, [GESTLINE_UDP] = &gest_udp_kind,
		[GESTLINE_TCP] = &gest_tcp_kind, [GESTLINE_TLS] = &gest_tls_kind,
	};

	return kinds[kind];
}

const struct gestline *gest_line(const void *part)
{
	return &((const struct gest *)part)->line;
}

const uint8_t *gest_mark(const void *part)
{
	return ((const struct gest *)part)->mark;
}

void gest_spare(void *part)
{
	struct gest *g = part;

	g->spare = true;
	g->line.dir &= LEG_DIR_RECV;
	g->mark[0] ^= 1;
}

bool gest_is_spare(const void *part)
{
	return ((const struct gest *)part)->spare;
}

bool gest_is_pair(const void *part)
{
	return ((const struct gest *)part)->pair;
}

bool gest_on_rtp(enum gestline_kind kind)
{
	return kind == GESTLINE_MIDI || kind == GESTLINE_OSC;
}

/* --- parts --- */

static void destructor(void *arg)
{
	struct gest *g = arg;

	offer_keys_wipe(&g->keys);
	gestline_reset(&g->line);
	mem_deref(g->fmtp);
}

int gest_new(struct gest **gp, enum gestline_kind kind, const struct gest *before)
{
	struct gest *g = mem_zalloc(sizeof(*g), destructor);

	if (!g)
		return ENOMEM;
	gestline_init(&g->line, kind);
	if (before)
		memcpy(g->keys.own, before->keys.own, sizeof(g->keys.own));
	*gp = g;
	return 0;
}

int gest_hand_over(void **part, struct gest *g, int err)
{
	if (err)
		mem_deref(g);
	else
		*part = g;
	return err;
}

static bool takes(const struct offer_conf *conf, enum gestline_kind kind)
{
	return conf->gest.open && (conf->gest.takes | conf->gest.offers) & 1u << kind;
}

static int check_line(const struct gest *g, const char **why, const struct offer_ctx *ctx, const struct sdesc_media *m)
{
	if (!takes(ctx->conf, g->line.kind))
		return gest_refuse(why, ENOTSUP, "gestures of that kind are switched off here");
	if (ctx->other)
		return gest_refuse(why, ENOTSUP, "a running line cannot become one of another kind");
	if (m->n_ports != 1)
		return gest_refuse(why, ENOTSUP, "several ports in one line are not supported");
	if (m->proto.l >= sizeof(g->proto))
		return gest_refuse(why, ENOTSUP, "a transport that is not supported");
	if ((g->line.kind == GESTLINE_UDP || g->line.kind == GESTLINE_TCP) && ctx->conf->srtp == OFFER_SRTP_REQUIRED)
		return gest_refuse(why, ENOTSUP, "gestures in the clear are not allowed here");
	for (size_t i = 0; i < m->n_attr; i++)
		if (m->attr[i].value.l > GEST_LEN_MAX)
			return gest_refuse(why, ENOTSUP, "an attribute that is too long");
	return 0;
}

static int read_transport(struct gest *g, const char **why, const struct offer_ctx *ctx, const struct gest *before,
			  const struct sdesc *d, const struct sdesc_media *m)
{
	int err = offer_net_rtp(&g->line.peer, why, ctx->conf, before ? &before->line.peer : NULL, d, m);

	if (err)
		return err == EBADMSG ? ENOTSUP : err;
	if (!gest_on_rtp(g->line.kind))
		return 0;
	if (!g->line.rtcp_mux)
		offer_net_rtcp(&g->line.peer_rtcp, &g->line.peer, m);
	return 0;
}

/* A line whose peer holds by its address is sent nothing. */
static void settle_dir(struct gest *g, const struct sdesc *d, const struct sdesc_media *m)
{
	g->line.dir = g->dir & offer_dir_flip(offer_dir_theirs(d, m));
	if (offer_net_held(d, m))
		g->line.dir &= (uint8_t)~LEG_DIR_SEND;
}

static void use_keys(struct gest *g)
{
	g->line.dtls = g->keys.dtls.peer;
	g->line.srtp_tx = g->keys.tx;
	g->line.srtp_rx = g->keys.rx;
}

static struct offer_keys_line keys_of(const struct offer_ctx *ctx, const struct gest *before)
{
	return (struct offer_keys_line){.conf = ctx->conf, .before = before ? &before->keys : NULL};
}

int gest_begin(struct gest *g, const char **why, const struct offer_ctx *ctx, const struct gest *before, const struct sdesc *d,
	       const struct sdesc_media *m)
{
	struct offer_keys_line keys = keys_of(ctx, before);
	int err = check_line(g, why, ctx, m);

	if (!err && gest_on_rtp(g->line.kind))
		err = offer_net_profile(&keys.profile, why, &m->proto);
	if (err)
		return err;
	(void)pl_strcpy(&m->proto, g->proto, sizeof(g->proto));
	if (before && strcmp(g->proto, before->proto))
		return gest_refuse(why, ENOTSUP, "the transport of a running line cannot change");
	g->line.rtcp_mux = gest_on_rtp(g->line.kind) && sdesc_media_attr(m, "rtcp-mux", NULL);
	err = read_transport(g, why, ctx, before, d, m);
	if (!err && gest_on_rtp(g->line.kind))
		err = offer_keys_answer(&g->keys, why, &keys, d, m);
	if (err)
		return err;
	use_keys(g);
	g->dir = offer_dir_flip(offer_dir_theirs(d, m)) & (ctx->hold ? LEG_DIR_SEND : LEG_DIR_BOTH);
	settle_dir(g, d, m);
	return 0;
}

/* --- what they say --- */

static bool is_space(const struct pl *name)
{
	return name->l > 4 && !memcmp(name->p, "osc-", 4);
}

static bool declares(const struct pl *name)
{
	return !pl_strcmp(name, "osc-schema") || !pl_strcmp(name, "osc-space");
}

static int read_space(struct gest *g, const char **why, const struct sdesc_media *m)
{
	int err = 0;

	for (size_t i = 0; i < m->n_attr && !err; i++) {
		const struct sdesc_attr *a = &m->attr[i];

		if (!is_space(&a->name) || !a->value.p)
			continue;
		g->spaces |= declares(&a->name);
		if (!g->line.space)
			err = gestspace_alloc(&g->line.space);
		if (!err)
			err = gestspace_attr(g->line.space, a->name.p, a->name.l, a->value.p, a->value.l);
	}
	return err == EPROTO ? gest_refuse(why, ENOTSUP, "too many spaces, maps or claims") : err;
}

static bool can_view(const struct gest *g, enum osc_view view)
{
	/* "needs gest-sources of 2 or more; G2 only" */
	return view != VIEW_SOURCE || (g->line.kind == GESTLINE_OSC && g->line.sources > 1);
}

/* In an offer a list in order of preference, in an answer one value. */
static int read_view(struct gest *g, const char **why, const struct sdesc_media *m, bool one)
{
	const struct sdesc_attr *a = sdesc_media_attr(m, "osc-view", NULL);
	enum osc_view list[8];
	unsigned n;

	g->viewed = a && a->value.p;
	if (!g->viewed)
		return 0;
	n = gestline_views_read(list, 8, a->value.p, a->value.l);
	for (unsigned i = 0; i < n && (!one || n == 1); i++) {
		if (!can_view(g, list[i]))
			continue;
		g->line.view = list[i];
		return 0;
	}
	return gest_refuse(why, ENOTSUP, "no view in common");
}

static void read_counts(struct gest *g, const struct sdesc_media *m)
{
	const struct sdesc_attr *a = sdesc_media_attr(m, "gest-sources", NULL);

	g->counted = a && a->value.p;
	if (g->counted)
		g->line.sources = gestline_sources_read(a->value.p, a->value.l);
	a = sdesc_media_attr(m, "gest-merge", NULL);
	g->line.spread = a && a->value.p && !pl_strcasecmp(&a->value, "spread");
	g->as = m->bandwidth_as > 0;
}

/* The name the party would like: one that is only too long is cut, an illegal one is no wish. */
static void read_wish(char wish[VIEW_NAME_MAX + 1], const struct sdesc *d, const struct sdesc_media *m)
{
	const struct sdesc_attr *a = sdesc_media_attr(m, "gest-name", NULL);
	size_t len;

	wish[0] = '\0';
	if (!a || !a->value.p)
		a = sdesc_attr(d, "gest-name");
	if (!a || !a->value.p)
		return;
	len = MIN(a->value.l, VIEW_NAME_MAX);
	if (!views_name_ok(a->value.p, len))
		return;
	memcpy(wish, a->value.p, len);
	wish[len] = '\0';
}

static void claim(struct gest *g, const struct offer_gest_conf *conf)
{
	if (g->line.view == VIEW_FLAT && g->line.space && g->line.space->n_claim && conf->claims)
		g->claims = conf->claims(g->line.space, conf->arg);
}

static int mark(struct gest *g, const struct sdesc_media *m)
{
	const struct gestline *l = &g->line;
	struct mbuf *mb = mbuf_alloc(1024);
	int err;

	if (!mb)
		return ENOMEM;
	err = mbuf_printf(mb, "%u %u %J %J %d %u %u %d %d %d ", l->kind, l->dir, &l->peer, &l->peer_rtcp, l->rtcp_mux, l->pt, l->rate,
			  l->pli, l->journal, l->party_exec);
	err |= mbuf_printf(mb, "%J %J %d %u %u %d %u %s %d %d %d %u ", &l->peer_from, &l->peer_from_rtcp, l->renew,
			   l->view, l->sources, l->spread, l->framing, l->fingerprint, l->anchor, l->lossless, l->always_marked,
			   l->guard_us);
	err |= mbuf_printf(mb, "%d %s %zu %u %u %u %u %u ", l->takes.deep, l->takes.types, l->takes.max, l->takes.red, l->takes.guard_ms,
			   l->takes.late_ms, l->takes.refresh_ms, l->takes.rate);
	err |= mbuf_printf(mb, "%d %d %s %s ", l->dtls.on, l->dtls.active, l->dtls.fingerprint, l->dtls.tls_id);
	err |= mbuf_write_mem(mb, (const uint8_t *)&l->srtp_tx.suite, sizeof(l->srtp_tx.suite));
	err |= mbuf_write_mem(mb, l->srtp_tx.key, l->srtp_tx.len);
	err |= mbuf_write_mem(mb, l->srtp_rx.key, l->srtp_rx.len);
	if (g->fmtp)
		err |= mbuf_write_str(mb, g->fmtp);
	for (size_t i = 0; i < m->n_attr; i++)
		if (is_space(&m->attr[i].name))
			err |= mbuf_printf(mb, "\n%r:%r", &m->attr[i].name, &m->attr[i].value);
	if (!err && !EVP_Digest(mb->buf, mb->end, g->mark, NULL, EVP_sha256(), NULL))
		err = EIO;
	OPENSSL_cleanse(mb->buf, mb->size);
	mem_deref(mb);
	return err;
}

static int open_port(struct gest *g, const char **why, const struct offer_ctx *ctx, const char *wish)
{
	const struct offer_gest_conf *conf = &ctx->conf->gest;
	int err = conf->open(&g->local, g->name, g->line.kind, wish, conf->arg);

	return err ? gest_refuse(why, err == ENOMEM ? err : ENOTSUP, "no port for gestures") : 0;
}

static int read_tells(struct gest *g, const char **why, const struct sdesc_media *m, bool one)
{
	int err = 0;

	read_counts(g, m);
	if (g->line.kind != GESTLINE_MIDI)
		err = read_view(g, why, m, one);
	return err ? err : read_space(g, why, m);
}

int gest_finish(struct gest *g, const char **why, const struct offer_ctx *ctx, const struct sdesc *d, const struct sdesc_media *m)
{
	char wish[VIEW_NAME_MAX + 1];
	int err = read_tells(g, why, m, false);

	read_wish(wish, d, m);
	if (!err)
		err = open_port(g, why, ctx, wish);
	if (err)
		return err;
	claim(g, &ctx->conf->gest);
	return mark(g, m);
}

/* --- our offers, and their answers --- */

int gest_offer(struct gest *g, const struct offer_ctx *ctx, const struct gest *before)
{
	const struct offer_keys_line keys = keys_of(ctx, before);
	const char *why;
	int err = open_port(g, &why, ctx, "");

	if (err)
		return err;
	g->dir = ctx->hold ? LEG_DIR_SEND : LEG_DIR_BOTH;
	g->as = g->viewed = g->counted = g->spaces = true;
	if (before) {
		g->line.view  = before->line.view;
		g->line.space = mem_ref(before->line.space);
		claim(g, &ctx->conf->gest);
	}
	if (!gest_on_rtp(g->line.kind))
		return 0;
	g->line.rtcp_mux = before ? before->line.rtcp_mux : true;
	str_ncpy(g->proto, before ? before->proto : offer_net_profile_name(offer_keys_profile(&keys)), sizeof(g->proto));
	return offer_keys_offer(&g->keys, &keys);
}

int gest_accept(struct gest *g, const char **why, const struct offer_ctx *ctx, const struct gest *offered, const struct gest *before,
		const struct sdesc *d, const struct sdesc_media *m)
{
	struct offer_keys_line keys = keys_of(ctx, before);
	int err;

	if (pl_strcasecmp(&m->proto, offered->proto))
		return gest_refuse(why, ENOTSUP, "the answer's transport is not the one offered");
	err = check_line(g, why, ctx, m);
	if (err)
		return err;
	str_ncpy(g->proto, offered->proto, sizeof(g->proto));
	str_ncpy(g->name, offered->name, sizeof(g->name));
	g->local = offered->local;
	g->dir = offered->dir;
	g->line.rtcp_mux = offered->line.rtcp_mux && sdesc_media_attr(m, "rtcp-mux", NULL);
	err = read_transport(g, why, ctx, before, d, m);
	if (!err && gest_on_rtp(g->line.kind))
		err = offer_net_profile(&keys.profile, why, &m->proto);
	if (!err && gest_on_rtp(g->line.kind))
		err = offer_keys_accept(&g->keys, why, &keys, &offered->keys, d, m);
	if (!err)
		err = read_tells(g, why, m, true);
	if (err)
		return err;
	use_keys(g);
	settle_dir(g, d, m);
	claim(g, &ctx->conf->gest);
	return mark(g, m);
}

/* --- small readers --- */

bool gest_rtpmap(struct sdesc_rtpmap *map, bool *extra, const struct sdesc_media *m, const struct pl *fmt)
{
	unsigned n = 0;

	if (sdesc_rtpmap(map, m, fmt))
		return false;
	*extra = false;
	for (size_t i = 0; i < m->n_attr; i++) {
		if (m->attr[i].pt != (int)map->pt || pl_strcmp(&m->attr[i].name, "rtpmap"))
			continue;
		*extra = pl_strrchr(&m->attr[i].value, '/') != pl_strchr(&m->attr[i].value, '/');
		n++;
	}
	return n == 1;
}

/* Of a=fmtp:osc: what comes after the word. */
static bool after_osc(struct pl *params, const struct sdesc_attr *a)
{
	struct pl word;

	*params = a->value;
	return a->value.p && sdesc_word(&word, params) && !pl_strcasecmp(&word, "osc");
}

int gest_fmtp(struct pl *params, const struct sdesc_media *m, int pt)
{
	struct pl rest, word;
	unsigned n = 0;

	*params = (struct pl){"", 0};
	for (size_t i = 0; i < m->n_attr; i++) {
		const struct sdesc_attr *a = &m->attr[i];

		if (pl_strcmp(&a->name, "fmtp") || a->pt != pt || (pt < 0 && !after_osc(&rest, a)))
			continue;
		rest = a->value;
		(void)sdesc_word(&word, &rest);
		while (rest.l && *rest.p == ' ')
			pl_advance(&rest, 1);
		*params = rest;
		n++;
	}
	/* "A parameter given twice ... two fmtp lines for one payload type count as duplicates" */
	return n > 1 ? EPROTO : 0;
}

bool gest_has_pli(const struct sdesc_media *m, uint8_t pt)
{
	const struct sdesc_attr *a = NULL;
	struct pl rest, word;
	uint64_t n;

	if (m->proto.p[m->proto.l - 1] != 'F')
		return false;
	while ((a = sdesc_media_attr(m, "rtcp-fb", a)) != NULL) {
		rest = a->value;
		if (!rest.p || !sdesc_word(&word, &rest) || (pl_strcmp(&word, "*") && (!sdesc_number(&n, &word, 127) || n != pt)))
			continue;
		if (sdesc_word(&word, &rest) && !pl_strcasecmp(&word, "nack") && sdesc_word(&word, &rest) &&
		    !pl_strcasecmp(&word, "pli"))
			return true;
	}
	return false;
}
