/*
 * mix.c - the arithmetic of the mix, as plain loops.
 *
 * There is no SIMD by hand: EACH tells the compiler that one turn of a loop does not depend on the one before, which
 * mix.h promises (same array or none shared), and gcc and clang then make vectors of all of them, also when dst is src.
 * Only mix_energy is different: C does not allow a sum of floats to be reordered, so it keeps eight sums by hand.
 */
#include <math.h>
#include <string.h>

#include "mix.h"

#if defined(__clang__)
#pragma clang diagnostic ignored "-Wpass-failed"        /* or builds that do not optimise complain of each loop */
#define EACH _Pragma("clang loop vectorize(assume_safety)")
#else
#define EACH _Pragma("GCC ivdep")
#endif

enum { LANES = 8 };

/* The knee is 57/64 (-1.01 dBFS): a sum of powers of two, so that KNEE + REST is 1.0 to the last bit. */
#define KNEE 0.890625f
#define REST 0.109375f

void mix_clear(float *dst, size_t n)
{
	memset(dst, 0, n * sizeof(*dst));
}

void mix_add(float *sum, const float *src, size_t n)
{
	EACH
	for (size_t i = 0; i < n; i++)
		sum[i] += src[i];
}

void mix_add_gain(float *sum, const float *src, float gain, size_t n)
{
	EACH
	for (size_t i = 0; i < n; i++)
		sum[i] += src[i] * gain;
}

void mix_minus(float *dst, const float *sum, const float *own, size_t n)
{
	EACH
	for (size_t i = 0; i < n; i++)
		dst[i] = sum[i] - own[i];
}

void mix_ramp(float *dst, const float *src, float from, float to, size_t n)
{
	const float step = n ? (to - from) / (float)n : 0.0f;

	/* An int turns into a float in one vector instruction, a size_t does not; no block has 2^31 samples. */
	EACH
	for (int32_t i = 0; i < (int32_t)n; i++)
		dst[i] = src[i] * (from + step * (float)i);
}

/* Above the knee: y = KNEE + REST * u / (1 + u), u the excess in units of REST. Its slope at the knee is 1 and its
 * limit is full scale. The clamp catches infinity (inf/inf would be NaN); a NaN fails the comparison: replaced. */
static inline float limit_one(float x)
{
	float a = fabsf(x), u, y;

	a = a < 1e9f ? a : 1e9f;
	u = (a - KNEE) * (1.0f / REST);
	u = u > 0.0f ? u : 0.0f;
	y = a < KNEE ? a : KNEE + REST * (u / (1.0f + u));
	y = copysignf(y, x);
	return x == x ? y : 0.0f;
}

void mix_limit(float *smp, size_t n)
{
	EACH
	for (size_t i = 0; i < n; i++)
		smp[i] = limit_one(smp[i]);
}

float mix_energy(const float *smp, size_t n)
{
	float lane[LANES] = {0}, sum = 0.0f;
	size_t i = 0;

	if (!n)
		return 0.0f;

	for (; i + LANES <= n; i += LANES)
		for (size_t k = 0; k < LANES; k++)
			lane[k] += smp[i + k] * smp[i + k];

	for (; i < n; i++)
		sum += smp[i] * smp[i];
	for (size_t k = 0; k < LANES; k++)
		sum += lane[k];

	return sum / (float)n;
}

void mix_mono_to_stereo(float *dst, const float *src, size_t n_smp)
{
	EACH
	for (size_t i = 0; i < n_smp; i++) {
		dst[2 * i] = src[i];
		dst[2 * i + 1] = src[i];
	}
}

void mix_stereo_to_mono(float *dst, const float *src, size_t n_smp)
{
	EACH
	for (size_t i = 0; i < n_smp; i++)
		dst[i] = 0.5f * (src[2 * i] + src[2 * i + 1]);
}

void mix_from_s16(float *dst, const int16_t *src, size_t n)
{
	EACH
	for (size_t i = 0; i < n; i++)
		dst[i] = (float)src[i] * (1.0f / 32768.0f);
}

/* Adding and taking away 1.5 * 2^23 rounds to the nearest whole number, in any vector unit; lrintf would be a call. */
static inline int16_t s16_one(float x)
{
	float v = x * 32768.0f;

	v = v < 32767.0f ? v : 32767.0f;
	v = v > -32768.0f ? v : -32768.0f;
	v = (v + 12582912.0f) - 12582912.0f;
	return (int16_t)(int32_t)(x == x ? v : 0.0f);
}

void mix_to_s16(int16_t *dst, const float *src, size_t n)
{
	EACH
	for (size_t i = 0; i < n; i++)
		dst[i] = s16_one(src[i]);
}
