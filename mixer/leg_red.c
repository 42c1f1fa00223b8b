/*
 * leg_red.c - redundant audio on a leg (RFC 2198): which packets are it, and when we send it.
 *
 * Redundancy costs as much again as the sound, so who agreed to it gets it only while its reports say that packets are
 * lost, and plain packets with the codec's own number else; the RFC allows both in one stream:
 *
 *      reported loss   0   0  |  2 %   1 %   0   0   0  |  0           more than RED_LOSSY: on at once
 *      sent            plain  |  redundant . . . . . .  |  plain       none at all for CALM_US: off
 *
 * A musician may have them always or never (leg_set_red): who waits for the first report has heard what was lost before it.
 *
 * A peer that sends no reports gets none. The frames sent before are kept all the time (of a group that shares its
 * encoder, by the leader), so that the first redundant packet has them already.
 */
#include "leg.h"

enum {
	LOSSY = 3,                /* of 256: over 1 % */
	CALM_US = 15000000,       /* three reports */
	PACKET_MAX = 1400,        /* RTP_MTU less IPv6, UDP, RTP and SRTP headers */
};

const struct leg_red_rx *leg_red_find_rt(const struct leg_desc *d, uint8_t pt)
{
	for (unsigned i = 0; i < d->n_red_rx && i < LEG_RED_MAX; i++)
		if (d->red_rx[i].pt == pt)
			return &d->red_rx[i];
	return NULL;
}

void leg_red_judge_rt(struct leg_rt *l, uint8_t fraction, uint64_t now_us)
{
	struct leg_red *r = &l->red;

	if (fraction)
		r->lossy_us = now_us;
	if (fraction >= LOSSY)
		r->on = true;
	else if (now_us - r->lossy_us >= CALM_US)
		r->on = false;
}

bool leg_red_on_rt(const struct leg_rt *l)
{
	switch ((enum leg_red_choice)atomic_load_explicit(&l->red_choice, memory_order_relaxed)) {

	case LEG_RED_BY_LOSS:
		break;

	case LEG_RED_ALWAYS:
		return l->plan->red;

	case LEG_RED_NEVER:
		return false;
	}
	return l->red.on && !l->red_asked;
}

void leg_red_pause_rt(struct leg_rt *l)
{
	if (l->plan->red)
		l->plan->red->n = 0;
}

size_t leg_red_pack_rt(struct leg_rt *l, int len)
{
	struct scratch *x = &l->t->rt.scratch;
	const struct leg_send *s = &l->send;
	struct red_tx *t = l->plan->red;
	int n;

	if (!t)
		return 0;
	if (len <= 0) {           /* nothing is sent, and what comes after the pause does not need what was before */
		t->n = 0;
		return 0;
	}
	/* Only differences of this time go out, and it is the same for all of a group, unlike their RTP time. */
	n = red_write_rt(t, x->red, PACKET_MAX, l->plan->desc.tx.pt, (uint32_t)(s->pos * s->clock / CLOCK_RATE), x->payload,
			 (size_t)len);
	return n > len + 1 ? (size_t)n : 0;
}
