/*
 * resample.h - from a codec's rate to the mix's 48 kHz and back. Streaming, no allocation after resample_alloc.
 * 8, 12, 16, 24 and 32 kHz by own polyphase filters; other rates (44.1 kHz) by libsamplerate. 48 kHz is a copy.
 */
#ifndef MIXER_RESAMPLE_H
#define MIXER_RESAMPLE_H

#include <stddef.h>
#include <stdint.h>

struct resample;

int    resample_alloc(struct resample **rp, uint32_t from, uint32_t to, uint8_t channels);
void   resample_reset_rt(struct resample *r);
/* Interleaved float in and out; returns samples per channel written (all of in is consumed; *out must have room for
 * resample_max). The total over time is exactly n_in * to / from: no drift, at most one sample of jitter per call. */
size_t resample_rt(struct resample *r, float *out, const float *in, size_t n_in);
size_t resample_max(const struct resample *r, size_t n_in);
uint32_t resample_delay_us(const struct resample *r);     /* group delay of the filter */

#endif
