/*
 * beatclock.h - the tempo of a MIDI clock, from the times at which its timing clocks (F8, 24 to a beat) come.
 *
 * A line is laid through the last clocks, four beats at most, by least squares: what the network jitters averages out. A new
 * tempo is told when it is sure that it is one. Pure, no allocation, handed the time.
 */
#ifndef OSC_BEATCLOCK_H
#define OSC_BEATCLOCK_H

#include <stdbool.h>
#include <stdint.h>

enum { BEATCLOCK_MAX = 96, BEATCLOCK_MIN = 24, BEATCLOCK_TELL_US = 500000 };

struct beatclock {
	unsigned n, next;         /* clocks in the ring, and where the next goes */
	struct { uint64_t us; uint32_t k; } tick[BEATCLOCK_MAX];
	uint32_t k;               /* of the last one, counting those that were lost */
	unsigned slow;            /* in a row it seemed that some were */
	uint32_t mbpm;            /* as last told; 0: nothing was */
	uint64_t told_us;
};

/* One came, captured at that time. true: *mbpm (thousandths of a beat a minute) is what it runs at from now on; at most
 * twice a second. */
bool beatclock_tick_rt(struct beatclock *c, uint64_t us, uint32_t *mbpm);

#endif
