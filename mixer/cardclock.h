/*
 * cardclock.h - a card's time in samples, and the system's beside it: how far they are apart, and when periods were left out.
 * Pure arithmetic.
 */
#ifndef MIXER_CARDCLOCK_H
#define MIXER_CARDCLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct cardclock {
	bool begun;
	uint64_t smp;             /* of the period that runs, or comes next */
	int64_t off_ns;           /* the system's time less ours, where the card is served in time */
	int64_t owed_smp;         /* left out and not yet passed over, as only whole periods are; or the other way round */
	int64_t late_ns, least_ns;        /* of the last period; of those that were late in a row */
	unsigned n_late;
	uint32_t n, grid;         /* the last period; what smp is to be a multiple of; for so long they have been as long: */
	unsigned n_same;
};

/* From smp on, or from where now_us is, if that is later. */
void cardclock_init(struct cardclock *c, uint64_t smp);
/* A period of n begins. Returns how many samples were left out before it, which smp has passed over.
 * Frames begin at multiples of their length. So that they end where periods do, as far as they can, smp is a multiple of what
 * n has in common with all frames' lengths; when n has changed for good, it passes over some samples for that. */
uint64_t cardclock_begin_rt(struct cardclock *c, uint32_t n, uint64_t now_us);

static inline int64_t cardclock_ns(uint64_t smp) { return (int64_t)(smp / 6 * 125000 + smp % 6 * 125000 / 6); }

#endif
