/*
 * line_rtp.c - whose packets are taken, SRTP, streams in and out.
 *
 * "The server accepts media only from the negotiated remote address [..] or, if configured, after latching on the first authenticated
 * packet": with SRTP the first packet whose tag is true fixes the address when it comes from elsewhere; without, the address in the
 * SDP is the only one. What is sent follows what is fixed and never goes to an address that was not negotiated or authenticated.
 *
 * Reports are in line_report.c.
 */
#include <errno.h>
#include <string.h>
#include "line_rtp.h"
#include "line_rtp_priv.h"

enum { PLACE_US = 1000000, RENUMBER_US = 10000000, CAPTURED_MAX_US = 1000000 };

/* ---- control thread ---- */

int line_rtp_alloc(struct line_rtp *r, struct line_rt *l, const struct gestline *desc, const struct line_rtp_ops *ops, unsigned outs)
{
	const bool srtp = desc->srtp_tx.suite != LEG_SRTP_NONE;
	const unsigned most = srtp ? LINE_RTP_OUTS_SRTP : LINE_RTP_OUTS;
	int err = 0;

	r->line = l;
	r->ops  = ops;
	r->n_out = outs < most ? outs : most;
	r->report_us = UINT64_MAX;
	if (srtp)
		err = seal_alloc(&r->tx, &desc->srtp_tx);
	if (!err && desc->srtp_rx.suite != LEG_SRTP_NONE)
		err = seal_alloc(&r->rx, &desc->srtp_rx);
	if (err)
		line_rtp_end(r);
	return err;
}

void line_rtp_end(struct line_rtp *r)
{
	r->tx = mem_deref(r->tx);
	r->rx = mem_deref(r->rx);
}

/* ---- streams ---- */

static struct line_rtp_out *out_of_ssrc(struct line_rtp *r, uint32_t ssrc)
{
	for (unsigned i = 0; i < r->n_out; i++) {
		if (r->out[i].used && r->out[i].ssrc == ssrc)
			return &r->out[i];
	}
	return NULL;
}

struct line_rtp_out *line_rtp_out_find_rt(struct line_rtp *r, uint32_t ssrc)
{
	return out_of_ssrc(r, ssrc);
}

struct line_rtp_in *line_rtp_in_find_rt(struct line_rtp *r, uint32_t ssrc)
{
	for (unsigned i = 0; i < LINE_RTP_INS; i++) {
		if (r->in[i].used && r->in[i].ssrc == ssrc)
			return &r->in[i];
	}
	return NULL;
}

static uint32_t free_ssrc(struct line_rtp *r)
{
	uint32_t ssrc;

	do
		ssrc = forward_random_rt(r->line->forward);
	while (!ssrc || out_of_ssrc(r, ssrc) || line_rtp_in_find_rt(r, ssrc));
	return ssrc;
}

static void out_begin(struct line_rtp *r, struct line_rtp_out *out, struct player_rt *from)
{
	*out = (struct line_rtp_out){.used = true, .from = from, .ts_base = forward_random_rt(r->line->forward)};
	/* 10.2: "The SSRC of the source is kept where `gest-sources` > 1" */
	out->ssrc = from && from->ssrc && !out_of_ssrc(r, from->ssrc) && !line_rtp_in_find_rt(r, from->ssrc) ? from->ssrc :
		    0;
	if (!out->ssrc)
		out->ssrc = free_ssrc(r);
}

struct line_rtp_out *line_rtp_open_rt(struct line_rtp *r, struct player_rt *from, uint64_t now_us)
{
	(void)now_us;
	for (unsigned i = 1; i < r->n_out; i++) {
		if (r->out[i].used)
			continue;
		out_begin(r, &r->out[i], from);
		return &r->out[i];
	}
	return NULL;
}

struct line_rtp_out *line_rtp_of(struct line_rtp *r, const struct player_rt *from)
{
	for (unsigned i = 1; from && i < r->n_out; i++) {
		if (r->out[i].used && r->out[i].from == from)
			return &r->out[i];
	}
	return NULL;
}

bool line_rtp_free_rt(const struct line_rtp *r, uint32_t ssrc, const struct line_rtp_out *except)
{
	for (unsigned i = 0; i < r->n_out; i++) {
		if (r->out[i].used && &r->out[i] != except && r->out[i].ssrc == ssrc)
			return false;
	}
	for (unsigned i = 0; i < LINE_RTP_INS; i++) {
		if (r->in[i].used && r->in[i].ssrc == ssrc)
			return false;
	}
	return true;
}

void line_rtp_anew_rt(struct line_rtp *r, struct line_rtp_out *out, uint32_t ssrc, uint64_t now_us)
{
	struct player_rt *from = out->from;
	const uint32_t other = ssrc ? ssrc : free_ssrc(r);

	line_rtp_shut_rt(r, out, now_us);
	*out = (struct line_rtp_out){.used = true, .from = from, .ssrc = other, .ts_base = forward_random_rt(r->line->forward)};
}

void line_rtp_shut_rt(struct line_rtp *r, struct line_rtp_out *out, uint64_t now_us)
{
	if (out->through)
		r->ops->shut_rt(r->line, out, now_us);
	/* RFC 3550 6.3.7: who never sent RTP or RTCP must not send a BYE either */
	if (out->packets || out->said)
		line_rtp_bye_rt(r, out, now_us);
	out->used = false;
}

static bool same_keys(const struct gestline *a, const struct gestline *b)
{
	return seal_key_equal(&a->srtp_tx, &b->srtp_tx) && seal_key_equal(&a->srtp_rx, &b->srtp_rx);
}

static void swap_seals(struct line_rtp *r, struct line_rtp *old)
{
	struct seal *tx = r->tx, *rx = r->rx;

	r->tx = old->tx;
	r->rx = old->rx;
	old->tx = tx;
	old->rx = rx;
}

void line_rtp_inherit_rt(struct line_rtp *r, struct line_rtp *old, uint64_t now_us)
{
	struct line_rt *l = r->line;

	(void)now_us;
	if (old) {
		if (same_keys(&l->desc, &old->line->desc))
			swap_seals(r, old);
		memcpy(r->in, old->in, sizeof(r->in));
		memcpy(r->out, old->out, sizeof(r->out));
		r->report_us = old->report_us;
		r->wall = old->wall;
		line_twice_inherit_rt(&r->twice, &old->twice);
		if (old->latched && sa_cmp(&l->desc.peer, &old->line->desc.peer, SA_ALL)) {
			r->latched = true;
			l->sock[0].to = old->line->sock[0].to;
			l->sock[1].to = old->line->sock[1].to;
		}
	}
	if (!r->out[0].used)
		out_begin(r, &r->out[0], NULL);
}

/* ---- time ---- */

uint32_t line_rtp_ts_rt(const struct line_rtp *r, const struct line_rtp_out *out, uint64_t at_us)
{
	const uint64_t rate = r->line->desc.rate;

	/* seconds and their rest apart, so that nothing overflows or drifts */
	return out->ts_base + (uint32_t)(at_us / 1000000 * rate + at_us % 1000000 * rate / 1000000);
}

/* When that report left, however long ago that is: by how long it took as the two clocks have it. */
static int64_t reported_at(const struct line_rtp *r, const struct line_rtp_in *in)
{
	const int64_t took = (int64_t)(rtcp_ntp(in->sr_us) - in->sr_ntp - r->wall.diff);  /* in 2^-32 s */

	if (!r->wall.measured || !in->sr_ntp || took < 0 || took > (int64_t)CAPTURED_MAX_US << 12)
		return (int64_t)in->sr_us;
	return (int64_t)in->sr_us - (took >> 12) * 1000000 / (1 << 20);
}

uint64_t line_rtp_captured_rt(const struct line_rtp *r, const struct line_rtp_in *in, uint32_t ts, uint64_t now_us)
{
	const int64_t off = (int64_t)rtp_ts_diff(ts, in->sr_ts) * 1000000 / (int64_t)r->line->desc.rate;
	const int64_t at = reported_at(r, in) + off;

	if (!in->sr || at > (int64_t)now_us || (int64_t)now_us - at > CAPTURED_MAX_US)
		return now_us;
	return (uint64_t)at;
}

/* ---- in ---- */

/* 1: the party, -1: a stranger, 0: the party if SRTP says so. */
static int whose(const struct line_rtp *r, unsigned sock, const struct sa *from)
{
	const struct line_rt *l = r->line;
	const struct sa *to = &l->sock[sock].to, *pair = &l->desc.peer_from;

	/* Of two lines that are one it plays on the other (RFC 6295 C.5); reports come of both. */
	if (sa_isset(pair, SA_ALL) && sa_cmp(pair, from, sock || l->desc.rtcp_mux ? SA_ADDR : SA_ALL))
		return 1;
	if (sa_isset(pair, SA_ALL) && !sock && !l->desc.rtcp_mux)
		return -1;
	if (sa_cmp(to, from, sock ? SA_ADDR : SA_ALL))
		return 1;
	return r->rx && !r->latched ? 0 : -1;
}

/* The first authenticated packet fixes where the party is. RTCP of its own port is at the next one, as far as is known. */
static void latch(struct line_rtp *r, unsigned sock, const struct sa *from)
{
	struct line_rt *l = r->line;

	if (!r->rx || r->latched || sock)
		return;
	r->latched = true;
	if (sa_cmp(&l->sock[0].to, from, SA_ALL))
		return;
	l->sock[0].to = *from;
	if (l->desc.dtls.on && !l->desc.rtcp_mux)
		return;                   /* its reports have no keys */
	l->sock[1].to = *from;
	sa_set_port(&l->sock[1].to, (uint16_t)(sa_port(from) + 1));
}

static bool is_ours(struct line_rtp *r, const struct rtp_pkt *pkt)
{
	for (unsigned i = 0; i < pkt->n_csrc; i++) {
		if (out_of_ssrc(r, pkt->csrc[i]))
			return true;
	}
	return false;
}

/* RFC 3550 8.2: another SSRC for ours and BYE for the old one; what comes back under the new one too is a loop, and only dropped. */
static void collision(struct line_rtp *r, struct line_rtp_out *out, uint64_t now_us)
{
	tally_up_rt(&line_count(r->line)->loops);
	if (r->renumbered_us && now_us - r->renumbered_us < RENUMBER_US) {
		r->renumbered_us = now_us;
		return;
	}
	r->renumbered_us = now_us;
	line_rtp_bye_rt(r, out, now_us);
	out->ssrc = free_ssrc(r);
	out->packets = out->octets = out->packets_before = 0;
	out->said = false;
	r->ops->renumber_rt(r->line, out, now_us);
}

/* A place for a new stream: a free one, or that of one that has been silent. */
static struct line_rtp_in *place(struct line_rtp *r, uint64_t now_us)
{
	struct line_rtp_in *oldest = &r->in[0];

	for (unsigned i = 0; i < LINE_RTP_INS; i++) {
		if (!r->in[i].used)
			return &r->in[i];
		if (r->in[i].heard_us < oldest->heard_us)
			oldest = &r->in[i];
	}
	return now_us - oldest->heard_us > PLACE_US ? oldest : NULL;
}

static struct line_rtp_in *source(struct line_rtp *r, const struct rtp_pkt *pkt, uint64_t now_us)
{
	struct line_rtp_in *in = line_rtp_in_find_rt(r, pkt->ssrc);

	if (in)
		return in;
	in = place(r, now_us);
	if (!in)
		return NULL;
	*in = (struct line_rtp_in){.used = true, .ssrc = pkt->ssrc};
	rtcp_src_init(&in->src, pkt->ssrc, r->line->desc.rate);
	r->line->player->ssrc = pkt->ssrc;
	r->ops->source_rt(r->line, in, now_us);
	return in;
}

static void rtp_in(struct line_rtp *r, const uint8_t *buf, size_t len, uint64_t now_us)
{
	struct relay_count *n = line_count(r->line);
	struct line_rtp_out *out;
	struct line_rtp_in *in;
	struct rtcp_src before;
	struct rtp_pkt pkt;

	/* "RTP packet with unknown PT, V≠2, or from another address: dropped, counted" */
	if (rtp_read(&pkt, buf, len) || pkt.pt != r->line->desc.pt) {
		tally_up_rt(&n->malformed);
		return;
	}
	out = out_of_ssrc(r, pkt.ssrc);
	if (out) {
		collision(r, out, now_us);
		return;
	}
	in = is_ours(r, &pkt) ? NULL : source(r, &pkt, now_us);
	if (!in || in->looped) {
		tally_up_rt(&n->loops);
		return;
	}
	line_heard_rt(r->line, now_us);
	in->heard_us = now_us;
	before = in->src;
	rtcp_src_packet_rt(&in->src, &pkt, now_us);
	line_report_begin_rt(r, now_us);
	if (!r->ops->packet_rt(r->line, in, &pkt, now_us))
		in->src = before;
}

void line_rtp_recv_rt(struct line_rtp *r, unsigned sock, const struct sa *from, uint8_t *buf, size_t len, uint64_t now_us)
{
	const bool rtcp = sock || (r->line->desc.rtcp_mux && rtp_is_rtcp(buf, len));
	struct relay_count *n = line_count(r->line);
	const bool keyless = sock && r->line->desc.dtls.on;      /* the keys are those of the other socket's way */
	const int who = keyless ? -1 : whose(r, sock, from);
	int err = 0;

	if (who < 0) {
		tally_up_rt(&n->stranger);
		return;
	}
	if (r->rx)
		err = rtcp ? seal_open_rtcp_rt(r->rx, buf, &len, len + LINE_ROOM) : seal_open_rtp_rt(r->rx, buf, &len, len + LINE_ROOM);
	if (err) {
		tally_up_rt(err == EACCES ? &n->auth : &n->malformed);
		return;
	}
	latch(r, sock, from);
	if (rtcp)
		line_report_read_rt(r, buf, len, now_us);
	else
		rtp_in(r, buf, len, now_us);
}

/* ---- out ---- */

void line_rtp_send_rt(struct line_rtp *r, struct line_rtp_out *out, uint8_t *buf, size_t len, uint64_t now_us)
{
	const size_t plain = len;

	if (r->tx && seal_rtp_rt(r->tx, buf, &len, len + SEAL_ROOM))
		return;
	out->packets++;
	out->octets += (uint32_t)(plain - RTP_HDR_LEN);
	line_report_begin_rt(r, now_us);
	line_send_rt(r->line, 0, buf, len);
	line_twice_sent_rt(&r->twice, buf, len, now_us);
}
