/*
 * resample.h - from a codec's rate to the mix's 48 kHz and back. Streaming, no allocation after resample_alloc.
 *
 * Any two rates from 8 to 48 kHz whose ratio is a fraction of small numbers (8, 12, 16, 24, 32 and 44.1 kHz to 48 and
 * back are). With fs the lower of the two: flat within 0.02 dB up to 0.45 fs, what would alias from above 0.56 fs is
 * down by 63 dB or more. The filters are of minimum phase: at 8 kHz sound is 0.24 ms late up to 1 kHz, 0.6 at 3.4 kHz, and
 * the less the higher the rate. Equal rates are a copy.
 */
#ifndef MIXER_RESAMPLE_H
#define MIXER_RESAMPLE_H

#include <stddef.h>
#include <stdint.h>

struct resample;

/* EINVAL: rates or channels (1 or 2) that it cannot do. Control thread; freed with mem_deref, also there. */
int    resample_alloc(struct resample **rp, uint32_t from, uint32_t to, uint8_t channels);
/* dst goes on where src is; both were made for the same rates and channels. */
void   resample_copy_rt(struct resample *dst, const struct resample *src);
/* Interleaved float in and out, not the same array; returns samples per channel written (all of in is consumed; *out
 * must have room for resample_max). After n_in samples in all, exactly ceil(n_in * to / from) have come out: no drift,
 * at most one sample of jitter per call. */
size_t resample_rt(struct resample *r, float *out, const float *in, size_t n_in);
size_t resample_max(const struct resample *r, size_t n_in);
uint32_t resample_delay_us(const struct resample *r);     /* of the filter, for low notes */

#endif
