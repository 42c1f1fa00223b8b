/*
 * mix.h - sum all once, take away your own, limit: arithmetic on float[], no state. All lengths in floats.
 *
 * Nothing here needs aligned pointers. A destination may be the very same array as a source, but must not overlap one
 * in part. What is not finite passes through every function as IEEE 754 says, except mix_limit and mix_to_s16, which
 * are the two ways out of the mix: after them NaN is 0 and infinity is full scale.
 */
#ifndef MIXER_MIX_H
#define MIXER_MIX_H

#include <stddef.h>
#include <stdint.h>

void  mix_clear(float *dst, size_t n);
void  mix_add(float *sum, const float *src, size_t n);
void  mix_add_gain(float *sum, const float *src, float gain, size_t n);
void  mix_minus(float *dst, const float *sum, const float *own, size_t n);         /* dst = sum - own */

/* dst = src * gain; the gain is `from` at the first sample and would be `to` at the one after the last, so that the
 * next block goes on from there. */
void  mix_ramp(float *dst, const float *src, float from, float to, size_t n);
void  mix_limit(float *smp, size_t n);                    /* soft knee above -1 dBFS, never over +-1.0, NaN becomes 0 */
float mix_energy(const float *smp, size_t n);             /* mean square; 0 of no samples */
void  mix_mono_to_stereo(float *dst, const float *src, size_t n_smp);              /* both equal; not in place */
void  mix_stereo_to_mono(float *dst, const float *src, size_t n_smp);              /* (L+R)/2; not in place */
void  mix_from_s16(float *dst, const int16_t *src, size_t n);
void  mix_to_s16(int16_t *dst, const float *src, size_t n);                        /* rounded, saturated */

#endif
