/*
 * waits.h - how long does the packet wait that came the fastest way? Of a stream whose packets come up to so much later than that one.
 *
 *     sent      came          played        what is played lies behind what is sent by the way, and by the wait; together they are the
 *      |- way ---|--- wait ----|            same for all packets, as long as the buffer does not move. So of any packet it is known how
 *      |-- fastest --|-- wait --------|     long the fastest one of the last second would have waited in its place, as soon as it is played.
 *
 * The longest wait of the last second says the same as long as nothing moves; when the buffer has become shorter it is true again a second
 * later. What is played is looked at for an eighth of that, and the soonest counts: a reader that is late for a few periods, or a buffer that
 * is a frame longer because a packet was missing, says nothing of the others. Pure, no allocation.
 */
#ifndef MIXER_WAITS_H
#define MIXER_WAITS_H

#include <stdbool.h>
#include "mean.h"

struct waits {
	bool     any;
	uint32_t ts0;             /* of a packet that came at came0_us */
	uint64_t came0_us;
	struct mean transit;      /* came less sent, and played less sent, from that packet on */
	struct mean played;
};

enum { WAITS_JUMP_US = 1000000, WAITS_MINUTE_S = 60, WAITS_PLAYED = 8 /* of the period */ };

/* So much longer than that of the first was its way. */
static inline int64_t waits_transit_rt(struct waits *w, uint32_t ts, uint32_t clock, uint64_t came_us)
{
	const uint32_t minute = WAITS_MINUTE_S * clock;

	while ((int32_t)(ts - w->ts0) > (int32_t)minute && w->any) {
		w->ts0      += minute;
		w->came0_us += WAITS_MINUTE_S * 1000000ull;
	}
	return (int64_t)(came_us - w->came0_us) - (int64_t)(int32_t)(ts - w->ts0) * 1000000 / (int64_t)clock;
}

/* A packet is played: it came at came_us and has waited for wait_us. now and period as mean_add_rt's. */
static inline void waits_add_rt(struct waits *w, uint32_t ts, uint32_t clock, uint64_t came_us, int64_t wait_us, uint64_t now,
				uint64_t period)
{
	int64_t transit = waits_transit_rt(w, ts, clock, came_us);
	const int64_t step = transit - mean_least(&w->transit);

	if (!w->any || step > WAITS_JUMP_US || step < -WAITS_JUMP_US) {   /* other timestamps: another stream */
		*w = (struct waits){.any = true, .ts0 = ts, .came0_us = came_us};
		transit = 0;
	}
	mean_add_rt(&w->transit, transit, now, period);
	mean_add_rt(&w->played, transit + wait_us, now, period / WAITS_PLAYED);
}

/* 0: nothing was played. */
static inline int64_t waits_us(const struct waits *w)
{
	return mean_least(&w->played) - mean_least(&w->transit);
}

#endif
