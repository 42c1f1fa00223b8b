/*
 * chirp.h - short sounds that are found again in what comes back, to the sample: how long sound takes. Pure.
 */
#ifndef CLIENT_CHIRP_H
#define CLIENT_CHIRP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CHIRP_SMP = 480,                  /* 10 ms at 48 kHz, 1 to 6 kHz: what every codec for music lets through */
	CHIRP_GAP_SMP = 19200,            /* from one to the next, nearly */
	CHIRP_SEEK_SMP = 18000,           /* so late it may be */
};

/* Sample n of an endless row of chirps. They begin at other places within a frame each time. */
float  chirp_at(uint64_t n);
uint64_t chirp_begin(uint64_t k);         /* where the kth begins */

struct chirp_found { unsigned sent, heard; uint32_t min_smp, median_smp, max_smp; };
/* How late each is in `heard`, of which sample 0 was played when sample 0 of the row was taken. Those that could not
 * have come whole are not counted as sent. */
void chirp_find(struct chirp_found *f, const float *heard, size_t n);

#endif
