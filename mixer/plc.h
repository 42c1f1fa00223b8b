/*
 * plc.h - sound for a packet that did not come, for codecs that cannot help themselves (G.711, G.722, L16, L24).
 * Any rate from 8 to 48 kHz, one or two interleaved channels. Memory only in plc_alloc; one media thread.
 */
#ifndef MIXER_PLC_H
#define MIXER_PLC_H

#include <stddef.h>
#include <stdint.h>

struct plc;

int  plc_alloc(struct plc **pp, uint32_t srate, uint8_t channels);

/* What was decoded, to be remembered. After a loss its first 4 ms are blended, in place, with where the concealment
 * had got to, so that there is no click. */
void plc_good_rt(struct plc *p, float *smp, size_t n_smp);

/* What comes next does not follow on what was, though nothing is missing: it is blended as after a loss. */
void plc_seam_rt(struct plc *p);

/* Somebody else's sound comes next. */
void plc_reset_rt(struct plc *p);

/* The sound goes on for n_smp as it was, and fades to silence within 80 ms. */
void plc_fill_rt(struct plc *p, float *smp, size_t n_smp);

#endif
