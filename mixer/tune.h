/*
 * tune.h - the music that a member hears who is alone in a room.
 */
#ifndef MIXER_TUNE_H
#define MIXER_TUNE_H

#include <stddef.h>

/* A mono loop at 48 kHz, 16 s, -26 dBFS (rms of a sine of that peak: -29 dBov), without a seam from its last sample to
 * its first. *smp is freed with mem_deref. Takes some 20 ms: called once, at start. 0 or ENOMEM. */
int tune_make(float **smp, size_t *n);

#endif
