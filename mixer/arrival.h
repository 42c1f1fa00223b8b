/*
 * arrival.h - how much later than the fastest one do a stream's packets come? The distribution of the last seconds.
 *
 * "Transit" is arrival time less media time, in microseconds of any origin; only differences of it mean something.
 * Private to jitter.c. Pure, no allocation.
 */
#ifndef MIXER_ARRIVAL_H
#define MIXER_ARRIVAL_H

#include <stdbool.h>
#include <stdint.h>

enum { ARRIVAL_BINS = 128 };

struct arrival_window {
	uint32_t n;
	int64_t  min_us, max_us;
	uint16_t bin[ARRIVAL_BINS];       /* saturated */
};

struct arrival {
	uint64_t cur_since_us;
	int64_t  anchor_us;       /* transit at which bin 0 begins; at most one bin below the fastest packet */
	uint32_t bin_us, rare;
	int      top;             /* no bin above it holds anything */
	int64_t  base_us;         /* transit of the fastest packet of both windows */
	uint32_t spread_us;       /* all but one of `rare` packets came no later than base + spread */
	uint32_t latest_us;       /* and the last one of them base + latest */
	int64_t  last_us;         /* transit of the packet before */
	uint32_t jitter_q4;       /* RFC 3550 A.8, in 1/16 microseconds */
	struct arrival_window cur, prev;
};

/* Differences over range_ms count as range_ms. */
void arrival_init(struct arrival *a, uint32_t range_ms, uint32_t rare);
void arrival_clear_rt(struct arrival *a);
void arrival_add_rt(struct arrival *a, int64_t transit_us, uint64_t now_us);
static inline bool arrival_any(const struct arrival *a) { return a->cur.n || a->prev.n; }
static inline bool arrival_sure(const struct arrival *a) { return a->prev.n; }    /* a whole window has been seen */

#endif
