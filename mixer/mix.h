/*
 * mix.h - sum all once, take away your own, limit: arithmetic on float[], no state. All lengths in floats.
 */
#ifndef MIXER_MIX_H
#define MIXER_MIX_H

#include <stddef.h>
#include <stdint.h>

void  mix_clear(float *dst, size_t n);
void  mix_add(float *sum, const float *src, size_t n);
void  mix_add_gain(float *sum, const float *src, float gain, size_t n);
void  mix_minus(float *dst, const float *sum, const float *own, size_t n);         /* dst = sum - own */
void  mix_ramp(float *dst, const float *src, float from, float to, size_t n);      /* dst = src * gain moving from..to */
void  mix_limit(float *smp, size_t n);                    /* soft knee above -1 dBFS, never over +-1.0, NaN becomes 0 */
float mix_energy(const float *smp, size_t n);             /* mean square */
void  mix_mono_to_stereo(float *dst, const float *src, size_t n_smp);              /* both channels equal */
void  mix_stereo_to_mono(float *dst, const float *src, size_t n_smp);              /* (L+R)/2 */
void  mix_from_s16(float *dst, const int16_t *src, size_t n);
void  mix_to_s16(int16_t *dst, const float *src, size_t n);                        /* rounded, saturated */

#endif
