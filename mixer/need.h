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

struct need_packet { bool any; int64_t us, ts; };         /* how long after its timestamp it came */

/* Do packets leave at the ticks of a clock, and come as they leave? */
struct need_grid {
	bool     known[2];
	struct need_packet last;
	uint64_t no;              /* of that */
	int64_t  change_us[2];    /* from one to the next, last: sooner, later */
	uint64_t off_us;          /* when it was otherwise */
};

struct need {
	uint64_t since_us;        /* of the period that runs */
	unsigned n;               /* packets of it */
	uint32_t clock, tick;     /* of the timestamps; what the reader takes at a time, 0: not known */
	int64_t  phase;           /* where timestamp 0 would lie in such a tick */
	struct need_grid grid;
	/* [0]: of this period, [1]: of the last one */
	uint8_t  times[2][NEED_PLACES];   /* each place of a row of frames was seen; */
	struct need_packet best[2][NEED_PLACES];          /* and the fastest there */
	struct need_packet worst[2][NEED_PLACES];         /* while the net was still; by places in the reader's tick */
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
