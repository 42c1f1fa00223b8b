/*
 * leg_xr.c - what extended reports say of a leg (RFC 3611): how good the sound is that comes in, and round trips.
 *
 *     voice metrics       what the jitter buffer gave and what it missed, packet by packet; once a second as figures for
 *                         the control thread, and in the reports of a peer that asked for them
 *     reference time      who sends no sound gets no SR answered, so does not know its round trip: its RRTR is answered by
 *                         DLRR; and we send one where we only listen
 */
#include <math.h>
#include <string.h>
#include "leg.h"

enum { WATCH_US = 1000000 };

/* --- what came and what did not --- */

void leg_xr_forget_rt(struct leg_rt *l)
{
	memset(&l->xr, 0, sizeof(l->xr));
}

/* Counters of another buffer: from here on. */
static void follow_rt(struct leg_xr *x, const struct jitter *j, const struct jitter_stats *s, uint64_t dropped)
{
	x->of = j;
	x->lost = s->lost;
	x->late = s->late;
	x->dropped = dropped;
}

void leg_xr_frame_rt(struct leg_rt *l, const struct jitter *j)
{
	const struct jitter_stats *s = jitter_counted(j);
	uint64_t dropped = s->overflow + s->dropped_shrink;
	struct leg_xr *x = &l->xr;

	if (j != x->of || s->lost < x->lost || s->late < x->late || dropped < x->dropped)
		follow_rt(x, j, s, dropped);
	for (; x->lost < s->lost; x->lost++)
		xr_runs_rt(&x->runs, XR_LOST);
	for (; x->dropped < dropped; x->dropped++)
		xr_runs_rt(&x->runs, XR_DISCARDED);
	x->n_late += (uint32_t)(s->late - x->late);
	x->late = s->late;
	xr_runs_rt(&x->runs, XR_RECEIVED);
}

/* --- as figures --- */

static uint8_t dbov(float energy)
{
	float db = energy > 0 ? -10 * log10f(energy) : 127;

	return db < 0 ? 0 : db > 127 ? 127 : (uint8_t)lroundf(db);
}

static void fill_rt(const struct leg_rt *l, struct xr_voip *v)
{
	const struct leg_play *p = &l->play;
	const struct jitter_conf *conf = &l->plan->jitter_conf[p->jitter];
	struct xr_runs runs = l->xr.runs;
	uint32_t late = l->xr.n_late < runs.lost ? l->xr.n_late : runs.lost;
	struct jitter_stats js;
	struct xr_state s;

	jitter_stats(l->plan->jitter[p->jitter], &js);
	/* RFC 3611 4.7.1: discarded are those "due to late or early arrival"; the buffer took them for lost when their time
	 * came. */
	runs.lost -= late;
	runs.discarded += late;
	s = (struct xr_state){
		.ssrc = l->rep.src.ssrc, .packet_us = (uint32_t)(p->frame_smp * 1000ULL / 48),
		.rtt_us = (uint32_t)count_get(&l->n.rtt_us),
		.jb_ms = js.target_ms, .jb_max_ms = conf->max_ms, .jb_adaptive = !conf->fixed, .level_dbov = dbov(l->xr.loud),
		.ie = XR_IE_G711, .bpl = XR_BPL_G711 };
	if (js.excess_us > 0)
		s.jb_ms += (uint32_t)js.excess_us / 1000;
	xr_voip_fill(v, &runs, &s);
}

static bool known_rt(const struct leg_rt *l)
{
	return l->plan && l->play.jitter >= 0 && l->rep.src.any && l->xr.runs.received;
}

/* To the control thread in words that are written whole: MSB first known, r, mos_lq, mos_cq, loss, discard, densities. */
static uint64_t pack_quality(const struct xr_voip *v)
{
	return 1ULL << 56 | (uint64_t)v->r << 48 | (uint64_t)v->mos_lq << 40 | (uint64_t)v->mos_cq << 32 | (uint64_t)v->loss << 24 |
	       (uint64_t)v->discard << 16 | (uint64_t)v->burst_density << 8 | v->gap_density;
}

static uint64_t pack_bursts(const struct xr_voip *v)
{
	return (uint64_t)v->burst_ms << 32 | (uint64_t)v->gap_ms << 16 | v->end_ms;
}

static void unpack(struct leg_quality *q, uint64_t w)
{
	q->known = w >> 56;
	q->r = (uint8_t)(w >> 48);
	q->mos_lq = (uint8_t)(w >> 40);
	q->mos_cq = (uint8_t)(w >> 32);
	q->loss = (uint8_t)(w >> 24);
	q->discard = (uint8_t)(w >> 16);
	q->burst_density = (uint8_t)(w >> 8);
	q->gap_density = (uint8_t)w;
}

void leg_xr_stats(struct leg_stats *s, const struct leg_count *n)
{
	uint64_t w = count_get(&n->bursts);

	unpack(&s->heard, count_get(&n->quality));
	s->heard.burst_ms = (uint16_t)(w >> 32);
	s->heard.gap_ms = (uint16_t)(w >> 16);
	s->heard.end_ms = (uint16_t)w;
	unpack(&s->peer, count_get(&n->peer_quality));
	w = count_get(&n->peer_bursts);
	s->peer.burst_ms = (uint16_t)(w >> 32);
	s->peer.gap_ms = (uint16_t)(w >> 16);
	s->peer.end_ms = (uint16_t)w;
}

void leg_xr_watch_rt(struct leg_rt *l, uint64_t now_us)
{
	const struct level *lv = &l->play.level;
	struct leg_xr *x = &l->xr;
	struct xr_voip v;

	if (now_us < x->next_us)
		return;
	x->next_us = now_us + WATCH_US;
	if (lv->talking)
		x->loud += x->loud > 0 ? (lv->smooth - x->loud) / 8 : lv->smooth;
	if (!known_rt(l))
		return;
	fill_rt(l, &v);
	count_set(&l->n.quality, pack_quality(&v));
	count_set(&l->n.bursts, pack_bursts(&v));
}

/* --- on the wire --- */

void leg_xr_read_rt(struct leg_rt *l, const uint8_t *buf, size_t len, uint64_t now_us)
{
	struct leg_xr *x = &l->xr;
	struct xr_info info;

	if (xr_read(&info, buf, len))
		return;
	if (info.rrtr) {
		x->asked = true;
		x->asked_ssrc = info.ssrc;
		x->asked_ntp = (uint32_t)(info.ntp >> 16);
		x->asked_us = now_us;
	}
	for (unsigned i = 0; i < info.n_dlrr; i++) {
		int64_t rtt = info.dlrr[i].ssrc == l->ssrc ? xr_rtt_us(&info.dlrr[i], leg_ntp_rt(l, now_us)) : -1;

		if (rtt >= 0)
			count_set(&l->n.rtt_us, (uint64_t)rtt);
	}
	if (info.voip && info.v.ssrc == l->ssrc) {
		count_set(&l->n.peer_quality, pack_quality(&info.v));
		count_set(&l->n.peer_bursts, pack_bursts(&info.v));
	}
}

/* RFC 3611 4.5: "the delay, expressed in units of 1/65536 seconds, between receiving the last Receiver Reference Time
 * Report Block from participant SSRC_n and sending this DLRR Report Block". Answered once. */
static void answer_rt(struct leg_xr *x, struct xr_info *info, uint64_t now_us)
{
	if (!x->asked)
		return;
	x->asked = false;
	info->n_dlrr = 1;
	info->dlrr[0] = (struct xr_dlrr){x->asked_ssrc, x->asked_ntp, (uint32_t)((now_us - x->asked_us) * 65536 / 1000000)};
}

size_t leg_xr_write_rt(struct leg_rt *l, uint8_t *buf, size_t size, bool sender, uint64_t now_us)
{
	const struct leg_desc *d = &l->plan->desc;
	struct xr_info info = {.ssrc = l->ssrc, .rrtr = d->xr_rtt && !sender, .voip = d->xr_voip && known_rt(l)};
	int n;

	answer_rt(&l->xr, &info, now_us);
	if (!info.rrtr && !info.voip && !info.n_dlrr)
		return 0;
	if (info.rrtr)
		info.ntp = leg_ntp_rt(l, now_us);
	if (info.voip)
		fill_rt(l, &info.v);
	n = xr_write(buf, size, &info);
	return n > 0 ? (size_t)n : 0;
}
