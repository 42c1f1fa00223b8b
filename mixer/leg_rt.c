/*
 * leg_rt.c - what a media thread does to a leg as a whole: take it in, let it go, change its plan, watch over it.
 *
 * A leg never leaves at once. `leaving` turns its gains down; when they have arrived at zero, bus.c moves it, gives it
 * back or ends it. A second wish while it is leaving only changes where it goes.
 */
#include <sys/epoll.h>
#include <string.h>
#include "leg.h"
#include "share.h"

enum { COUNT_US = 100000 };

static void watch_socket(struct thread *t, struct leg_sock *s, int op)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = s};

	epoll_ctl(t->rt.epoll, op, s->fd, &ev);
}

void leg_attach_rt(struct leg_rt *l, struct thread *t)
{
	l->t = t;
	l->leaving = LEG_STAYS;
	l->rtp.leg = l->rtcp.leg = l;
	l->rtcp.rtcp = true;
	watch_socket(t, &l->rtp, EPOLL_CTL_ADD);
	watch_socket(t, &l->rtcp, EPOLL_CTL_ADD);
}

void leg_detach_rt(struct leg_rt *l)
{
	watch_socket(l->t, &l->rtp, EPOLL_CTL_DEL);
	watch_socket(l->t, &l->rtcp, EPOLL_CTL_DEL);
	l->t = NULL;
	l->bus = NULL;
}

bool leg_left_rt(struct leg_rt *l)
{
	return l->leaving != LEG_STAYS && ramp_silent(&l->play.gain) && ramp_silent(&l->send.gain) &&
	       ramp_silent(&l->send.say.open);
}

uint8_t leg_channels_rt(const struct leg_rt *l)
{
	const struct leg_plan *p = l->plan;

	return p && (p->channels == 2 || (p->enc && p->desc.tx.param.channels == 2)) ? 2 : 1;
}

uint32_t leg_frame_rt(const struct leg_rt *l)
{
	const struct leg_plan *p = l->plan;

	return p && p->enc && (p->desc.dir & LEG_DIR_SEND) ? p->frame_smp : 0;
}

/* A new address in the SDP is a new peer; so is, with SRTP, a new key. */
static void unlatch_rt(struct leg_rt *l, const struct leg_plan *p, const struct leg_plan *old)
{
	if (!sa_cmp(&p->desc.rtp, &old->desc.rtp, SA_ALL) || !p->key_rx_equal) {
		l->rtp.latched = l->rtcp.latched = false;
		atomic_store_explicit(&l->n.latched, false, memory_order_relaxed);
	}
	if (!sa_cmp(&p->desc.rtcp, &old->desc.rtcp, SA_ALL) || p->desc.rtcp_mux != old->desc.rtcp_mux)
		l->rtcp.latched = false;
}

/* It may be silent for the whole time-out from now on, if it was not expected to speak before. */
static void restart_timeout_rt(struct leg_rt *l, const struct leg_plan *p, const struct leg_plan *old, uint64_t now_us)
{
	if (!old || (p->desc.dir & LEG_DIR_RECV) != (old->desc.dir & LEG_DIR_RECV))
		l->last_rx_us = now_us;
}

static struct leg_lost lost_of_rt(const struct leg_plan *p)
{
	struct leg_lost n = {0};
	struct jitter_stats s;

	for (int i = 0; p && i < p->n_jitter; i++) {
		jitter_stats(p->jitter[i], &s);
		n.lost += s.lost;
		n.late += s.late;
		n.duplicate += s.duplicate;
		n.reordered += s.reordered;
		n.dropped += s.overflow + s.dropped_shrink;
	}
	return n;
}

/* What the buffers that go with the old plan have counted; those that stay bring theirs along. */
static void keep_counts_rt(struct leg_rt *l, struct leg_lost before, struct leg_lost after)
{
	l->lost.lost += before.lost - after.lost;
	l->lost.late += before.late - after.late;
	l->lost.duplicate += before.duplicate - after.duplicate;
	l->lost.reordered += before.reordered - after.reordered;
	l->lost.dropped += before.dropped - after.dropped;
}

void leg_swap_rt(struct leg_rt *l, struct leg_plan *p, uint64_t now_us)
{
	struct leg_plan *old = l->plan;
	struct leg_lost before = lost_of_rt(old);

	share_part_rt(l);
	leg_play_swap_rt(l, p);
	leg_send_swap_rt(l, p);
	if (old) {
		leg_plan_inherit_rt(p, old);
		unlatch_rt(l, p, old);
	}
	keep_counts_rt(l, before, lost_of_rt(p));
	restart_timeout_rt(l, p, old, now_us);
	l->plan = p;
	l->bus->changed = true;
	atomic_store_explicit(&l->n.tx_codec, p->enc ? p->desc.tx.codec : NULL, memory_order_relaxed);
}

void leg_dtmf_rt(struct leg_rt *l, const char *keys)
{
	for (; *keys; keys++)
		if (dtmf_tx_push(&l->send.dtmf, *keys))
			count_up(&l->n.discarded);
}

static void watch_timeout_rt(struct leg_rt *l, uint64_t now_us)
{
	struct leg_event ev = {.type = LEG_EVENT_RTP_TIMEOUT};

	if (!l->plan || !(l->plan->desc.dir & LEG_DIR_RECV))
		l->last_rx_us = now_us;
	if (!l->rtp_timeout_ms || l->timed_out || now_us < l->last_rx_us + l->rtp_timeout_ms * 1000ULL)
		return;
	l->timed_out = true;
	thread_event_rt(l->t, l, &ev);
}

/* Who follows sends when its leader does. */
static void watch_delays_rt(struct leg_rt *l)
{
	const struct mean *m = &(l->share.leader ? l->share.leader : l)->send.delay;
	const bool sends = l->plan->enc;

	count_set(&l->n.rx_delay_us, (uint64_t)mean_of(&l->play.delay));
	count_set(&l->n.rx_wait_us, (uint64_t)waits_us(&l->play.waits));
	count_set(&l->n.tx_delay_us, sends ? (uint64_t)(mean_of(m) * 1000 / 48 + l->plan->tx_delay_us) : 0);
	count_set(&l->n.tx_wait_us, sends ? (uint64_t)(mean_least(m) * 1000 / 48 + l->plan->tx_delay_us) : 0);
}

static void watch_odds_rt(struct leg_rt *l)
{
	float odds[JITTER_ODDS];
	bool known = l->play.jitter >= 0 && jitter_odds(l->plan->jitter[l->play.jitter], odds);

	for (int i = 0; i < JITTER_ODDS; i++)
		atomic_store_explicit(&l->n.odds[i], known ? odds[i] : -1, memory_order_relaxed);
}

/* What the jitter buffers count is gathered from many places, for readers who look once a second. */
static void watch_counters_rt(struct leg_rt *l, uint64_t now_us)
{
	struct jitter_stats s = {0};
	struct leg_lost n;

	if (!l->plan || now_us < l->counted_us + COUNT_US)
		return;
	l->counted_us = now_us;
	n = lost_of_rt(l->plan);
	count_set(&l->n.jit_lost, l->lost.lost + n.lost);
	count_set(&l->n.jit_late, l->lost.late + n.late);
	count_set(&l->n.jit_dup, l->lost.duplicate + n.duplicate);
	count_set(&l->n.jit_reord, l->lost.reordered + n.reordered);
	count_set(&l->n.jit_dropped, l->lost.dropped + n.dropped);
	if (l->play.jitter >= 0)
		jitter_stats(l->plan->jitter[l->play.jitter], &s);
	count_set(&l->n.buffer_ms, s.depth_ms);
	watch_odds_rt(l);
	count_set(&l->n.jitter_us, s.jitter_us);
	watch_delays_rt(l);
	count_set(&l->n.rx_ago_ms, (now_us - l->last_rx_us) / 1000);
	count_set(&l->n.rx_frame_us, (l->play.frame_smp * 1000ULL + 24) / 48);
	leg_xr_watch_rt(l, now_us);
}

void leg_watch_rt(struct leg_rt *l, uint64_t now_us)
{
	watch_timeout_rt(l, now_us);
	watch_counters_rt(l, now_us);
	leg_report_rt(l, now_us, false);
}
