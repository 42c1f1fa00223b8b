/*
 * need.h - how long before its time must a packet be here, on a network that does nothing to it? What the frames of the
 * sender and the ticks of both ends ask for, and no more.
 *
 * Private to jitter.c. Pure, no allocation.
 */
#ifndef MIXER_NEED_H
#define MIXER_NEED_H

#include <stdbool.h>
#include <stdint.h>

enum { NEED_PLACES = 32 };        /* a power of two */

struct need {
	uint64_t since_us;        /* of the period that runs */
	uint32_t clock, tick;     /* of the timestamps; what the reader takes at a time, 0: not known */
	int64_t  phase;           /* where timestamp 0 would lie in such a tick */
	unsigned n;               /* packets of this period */
	uint8_t  times[2][NEED_PLACES];   /* each place was seen, of this period and of the last one, as all that follows */
	struct need_best { int64_t us, ts; } best[2][NEED_PLACES];
	bool     known;
	int64_t  most_us;         /* the answer */
};

void need_clear_rt(struct need *n);
/* The reader takes `tick` at a time; where in such a tick its next sample lies, and of which timestamp that is. */
void need_reader_rt(struct need *n, uint32_t clock, uint32_t tick, uint32_t ahead, int64_t next_ts);
/* So much sooner than the first sample of `ts` is played does the reader want it. */
int64_t need_ahead_us(const struct need *n, int64_t ts);
/* The packet with the `no`th frame (its timestamp by the length of a frame) was here so long after its timestamp. */
void need_add_rt(struct need *n, uint64_t no, int64_t ts, int64_t transit_us, uint64_t now_us);
static inline bool need_known(const struct need *n) { return n->known; }

#endif
