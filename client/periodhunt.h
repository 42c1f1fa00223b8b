/*
 * periodhunt.h - the smallest period that runs clean: when is the next longer one tried. Pure.
 *
 * In the first seconds with a period two xruns are enough; after that it takes a row of them, so that a program that
 * was started meanwhile and took the processor once does not cost delay for the rest of the evening. It never goes
 * back.
 */
#ifndef CLIENT_PERIODHUNT_H
#define CLIENT_PERIODHUNT_H

#include <stdbool.h>
#include <stdint.h>

enum { PERIODHUNT_FIRST = 64, PERIODHUNT_LAST = 512 };

struct periodhunt {
	uint32_t period;          /* to be asked for */
	bool     fixed;           /* somebody has chosen it */
	uint64_t began_us, row_us;
	unsigned row;             /* xruns since row_us */
};

/* period 0: hunt. */
void periodhunt_init(struct periodhunt *h, uint32_t period);
/* It runs, since now, with what the device made of our wish. */
void periodhunt_runs(struct periodhunt *h, uint32_t period, uint64_t now_us);
/* An xrun. true: the device is to be opened anew with another period. */
bool periodhunt_xrun(struct periodhunt *h, uint64_t now_us);

#endif
