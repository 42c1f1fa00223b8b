/*
 * leg_rtcp.c - reports: what we sent and how well the peer is received, at random intervals (RFC 3550 section 6).
 */
#include <string.h>
#include "leg.h"

enum { REPORT_MAX = 1024 };

/* RFC 3550 6.3.1 wants the interval random so that members do not speak in step; a plain generator is enough here. */
static double chance_rt(struct leg_rt *l)
{
	l->rep.seed = l->rep.seed * 1664525u + 1013904223u;
	return (double)(l->rep.seed >> 8) / 16777216.0;
}

/* RTP time of this moment: what is collected but not sent lies between. */
static uint32_t time_now_rt(const struct leg_send *s)
{
	return s->ts_base + (uint32_t)((s->pos + s->n) * s->clock / CLOCK_RATE);
}

uint64_t leg_ntp_rt(const struct leg_rt *l, uint64_t now_us)
{
	return rtcp_ntp(now_us + l->t->rt.unix_off_us);
}

/* RFC 3550 6.4: blocks are for "synchronization sources from which this receiver has received RTP data packets since the
 * last report": of one that is silent there is nothing to say, and "nothing lost" would be a lie. */
static bool heard_rt(struct leg_reports *r)
{
	const bool heard = r->src.any && r->src.received != r->received_at_last;

	r->received_at_last = r->src.received;
	return heard;
}

static size_t compose_rt(struct leg_rt *l, uint8_t *buf, uint64_t now_us, bool bye)
{
	struct leg_reports *r = &l->rep;
	struct rtcp_block block;
	struct rtcp_report rep = {
		.ssrc = l->ssrc, .cname = l->cname, .bye = bye,
		/* RFC 3550 6.4: SR "if a site has sent any data packets during the interval since issuing the last report or
		 * the previous one" */
		.sender = r->packets != r->packets_before,
		.ntp = leg_ntp_rt(l, now_us), .rtp_ts = time_now_rt(&l->send),
		.packets = r->packets, .octets = r->octets,
		.blocks = &block };
	int n;

	if (heard_rt(r)) {
		rtcp_src_block_rt(&r->src, &block, now_us);
		rep.n_blocks = 1;
	}
	n = rtcp_write(buf, REPORT_MAX, &rep);
	r->packets_before = r->packets_at_last;
	r->packets_at_last = r->packets;
	if (n <= 0)
		return 0;
	/* RFC 3550 6.1: "BYE SHOULD be the last packet sent with a given SSRC" */
	return (size_t)n + (bye ? 0 : leg_xr_write_rt(l, buf + n, REPORT_MAX - (size_t)n, rep.sender, now_us));
}

/* The keys of DTLS are of the path of RTP. */
static bool unsayable_rt(const struct leg_plan *p) { return p->keyless || (p->dtls && !p->desc.rtcp_mux); }

static void say_rt(struct leg_rt *l, uint64_t now_us, bool bye)
{
	uint8_t *buf = l->t->rt.scratch.dgram;
	const struct leg_plan *p = l->plan;
	size_t len = unsayable_rt(p) ? 0 : compose_rt(l, buf, now_us, bye);

	if (!len || (p->seal_tx && seal_rtcp_rt(p->seal_tx, buf, &len, DGRAM_MAX)))
		return;
	leg_emit_rt(l, p->desc.rtcp_mux ? &l->rtp : &l->rtcp, buf, len);
	l->rep.said = true;
}

void leg_report_rt(struct leg_rt *l, uint64_t now_us, bool bye)
{
	struct leg_reports *r = &l->rep;

	if (!l->plan)
		return;
	if (bye) {
		/* RFC 3550 6.3.7: who never sent RTP or RTCP must not send a BYE either. */
		if (r->said || r->sent_rtp)
			say_rt(l, now_us, true);
		return;
	}
	if (!r->begun) {
		r->begun = true;
		r->next_us = now_us + rtcp_interval_ms(chance_rt(l), true) * 1000ULL;
	}
	if (now_us < r->next_us)
		return;
	r->next_us = now_us + rtcp_interval_ms(chance_rt(l), false) * 1000ULL;
	say_rt(l, now_us, false);
}

static void block_rt(struct leg_rt *l, const struct rtcp_block *b, uint64_t now_us)
{
	int64_t rtt = rtcp_rtt_us(b, leg_ntp_rt(l, now_us));

	atomic_store_explicit(&l->n.fraction, b->fraction, memory_order_relaxed);
	leg_red_judge_rt(l, b->fraction, now_us);
	if (rtt >= 0)
		count_set(&l->n.rtt_us, (uint64_t)rtt);
}

/* false: not RTCP. */
bool leg_rtcp_rt(struct leg_rt *l, const uint8_t *buf, size_t len, uint64_t now_us)
{
	struct leg_event ev = {.type = LEG_EVENT_BYE};
	struct leg_reports *r = &l->rep;
	struct rtcp_info info;

	if (rtcp_read(&info, buf, len))
		return false;
	if (info.sr && r->src.any && info.ssrc == r->src.ssrc)
		rtcp_src_sr_rt(&r->src, &info, now_us);
	for (int i = 0; i < info.n_blocks; i++)
		if (info.block[i].ssrc == l->ssrc)
			block_rt(l, &info.block[i], now_us);
	leg_xr_read_rt(l, buf, len, now_us);
	if (info.bye && (!r->src.any || info.ssrc == r->src.ssrc))
		thread_event_rt(l->t, l, &ev);
	return true;
}
