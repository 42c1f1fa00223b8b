/*
 * wallclock.h - how far a party's wallclock is from ours, as its sender reports tell.
 *
 *     ours     LSR -----.                     .----> A         difference = A - T - round trip / 2
 *                        \                   /                 round trip = (A - LSR) - (T - when LSR came)
 *     theirs              `---> (DLSR) ---> T                  both of one and the same report
 *
 * The report with the shortest round trip counts; it is wrong by half of that at most, and by a little more as it grows old: so
 * drift is learned slowly, and a clock that was set is noticed at once. Where no round trip is known yet the report that took least
 * counts, and how long it took is not known. Pure; no allocation.
 */
#ifndef OSC_WALLCLOCK_H
#define OSC_WALLCLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct wallclock {
	bool     known, measured; /* measured: with a round trip */
	uint64_t diff;            /* ours less theirs, in 2^-32 s, mod 2^64 */
	uint64_t error_us;        /* half of the round trip */
	uint64_t at_us;           /* when that was learned */
	unsigned strays;          /* reports in a row that came far too late for it */
};

/* A sender report that says `theirs` (NTP; 0: it has no clock) came at `now_us` of a clock that shows `ours`. rtt_us: what its blocks
 * tell of the way, -1 nothing. */
void wallclock_report_rt(struct wallclock *w, uint64_t theirs, uint64_t ours, int64_t rtt_us, uint64_t now_us);

#endif
