/*
 * mix.h - sum all once, take away your own, limit: arithmetic on float[], no state. All lengths in floats, but n_smp
 * counts samples per channel. The vector unit is chosen when the program starts (kernel.h); all give the same bits.
 *
 * Nothing here needs aligned pointers. A destination may be the very same array as a source, but must not overlap one
 * in part. What is not finite passes through every function as IEEE 754 says, except mix_limit and mix_to_s16, which
 * are the ways out of the mix, as mix_to_pcmu and mix_to_pcma are: after them NaN is 0 and infinity is full scale.
 */
#ifndef MIXER_MIX_H
#define MIXER_MIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void  mix_clear(float *dst, size_t n);
void  mix_add(float *sum, const float *src, size_t n);
void  mix_add_gain(float *sum, const float *src, float gain, size_t n);

/* Stereo into a stereo sum. */
void  mix_add_balance(float *sum, const float *src, float left, float right, size_t n_smp);
void  mix_minus(float *dst, const float *sum, const float *own, size_t n);         /* dst = sum - own */

/* dst = src * gain; the gain is `from` at the first sample and would be `to` at the one after the last, so that the
 * next block goes on from there. */
void  mix_ramp(float *dst, const float *src, float from, float to, size_t n);
void  mix_limit(float *smp, size_t n);                    /* soft knee above -1 dBFS, never over +-1.0, NaN becomes 0 */
float mix_energy(const float *smp, size_t n);             /* mean square; 0 of no samples */
void  mix_mono_to_stereo(float *dst, const float *src, size_t n_smp);              /* both equal; not in place */
void  mix_stereo_to_mono(float *dst, const float *src, size_t n_smp);              /* (L+R)/2; dst may be src */
void  mix_from_s16(float *dst, const int16_t *src, size_t n);
void  mix_to_s16(int16_t *dst, const float *src, size_t n);                        /* rounded, saturated */

/* ITU-T G.711: 0 is +0.0, full scale of the code a little under 1.0. Encoding rounds to 16 bits first. */
void  mix_from_pcmu(float *dst, const uint8_t *src, size_t n);
void  mix_to_pcmu(uint8_t *dst, const float *src, size_t n);
void  mix_from_pcma(float *dst, const uint8_t *src, size_t n);
void  mix_to_pcma(uint8_t *dst, const float *src, size_t n);

/* The calling thread's numbers under 1.2e-38 become 0, on or off; what ends below -750 dBFS in a fade costs 50 times as
 * much else. A media thread turns it on when it starts. Then, for such numbers alone, kernels may differ. */
void  mix_flush_denormals(bool on);

#endif
