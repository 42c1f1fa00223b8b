/*
 * minphase.h - a filter's taps made anew so that it delays as little as any filter of its loudness curve can.
 */
#ifndef MIXER_MINPHASE_H
#define MIXER_MINPHASE_H

#include <stddef.h>

/* tap[n], whose sum is about 1, becomes as many of minimum phase; where the old ones let less than `floor` through, the new
 * ones let through about that. ENOMEM: nothing has changed. Control thread; takes a millisecond for 500 taps. */
int minphase(double *tap, size_t n, double floor);

#endif
