/*
 * wallclock.h - how far a party's wallclock is from ours, as its sender reports tell.
 *
 *     ours     LSR -----.                     .----> A         A - T is too great by what its way took,
 *                        \                   /                 LSR - (T - DLSR) too small by what ours took
 *     theirs              `---> (DLSR) ---> T                  both of one and the same report
 *
 * Of the last reports the least of the one and the greatest of the other are the bounds between which the difference lies; it is
 * taken to be in the middle. So each direction needs one packet that did not wait, and not both the same one. What is older says less,
 * so that drift is followed; bounds that contradict each other mean that the oldest is not true any more: a clock drifts more than
 * that, or was set. Where no round trip is known there is one bound, and the difference is too great by what that report took. Pure; no
 * allocation.
 */
#ifndef OSC_WALLCLOCK_H
#define OSC_WALLCLOCK_H

#include <stdbool.h>
#include <stdint.h>

enum { WALLCLOCK_MAX = 32 };

struct wallclock {
	bool     known, measured; /* measured: with a round trip */
	uint64_t diff;            /* ours less theirs, in 2^-32 s, mod 2^64 */
	uint64_t error_us;        /* half of what is between the bounds */
	unsigned strays;          /* reports in a row that came far too late */
	unsigned n;
	struct { uint64_t off, at_us; int64_t rtt_us; } x[WALLCLOCK_MAX];         /* A - T; the oldest first */
};

/* A sender report that says `theirs` (NTP; 0: it has no clock) came at `now_us` of a clock that shows `ours`. rtt_us: what its blocks
 * tell of the way, -1 nothing. */
void wallclock_report_rt(struct wallclock *w, uint64_t theirs, uint64_t ours, int64_t rtt_us, uint64_t now_us);

#endif
