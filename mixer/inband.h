/*
 * inband.h - key presses in the sound itself (ITU-T Q.23), for phones that have no other way to tell them. Pure, no
 * allocation.
 */
#ifndef MIXER_INBAND_H
#define MIXER_INBAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { INBAND_TONES = 8, INBAND_AGREE = 3 };

struct inband {
	/* of this rate */
	uint32_t srate, block;            /* block: samples */
	float coeff[INBAND_TONES];
	/* of this block */
	float s1[INBAND_TONES], s2[INBAND_TONES];
	float energy;
	uint32_t n;
	/* over blocks */
	char seen;                        /* in the last block; 0: nothing */
	float power;                      /* ... and how strong */
	uint8_t agreed, silent;           /* blocks in a row: with it, and without the key that is held */
	char held;                        /* told, and not over yet */
};

void inband_init(struct inband *d, uint32_t srate);
/* Mono samples. A key (0-9 * # A-D) when one has been held for 38 ms or more, once for as long as it is held; else 0. No
 * more than one is found in 50 ms of sound. */
char inband_rt(struct inband *d, const float *smp, size_t n_smp);

#endif
