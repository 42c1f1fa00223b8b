/*
 * kernel_one.h - what happens to one sample: the reference, and what stands behind the last whole vector.
 *
 * These files are compiled without contraction (a * b + c stays two roundings), or the machines would differ.
 */
#ifndef MIXER_KERNEL_ONE_H
#define MIXER_KERNEL_ONE_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* The knee is 57/64 (-1.01 dBFS): a sum of powers of two, so that KNEE + REST is 1.0 to the last bit. */
#define KNEE 0.890625f
#define REST 0.109375f
#define HUGE_SMP 1e9f             /* infinity is made this, or inf/inf would be NaN */
#define S16 32768.0f

enum {
	MU_BIAS = 33,
	MU_TOP  = 8191,           /* 13 bits of magnitude and the bias within them */
	A_TOP   = 4095,
};

/* Above the knee: y = KNEE + REST * u / (1 + u), u the excess in units of REST. Its slope at the knee is 1 and its
 * limit is full scale. A NaN fails the comparison: replaced. */
static inline float limit_one(float x)
{
	float a = fabsf(x), u, y;

	a = a < HUGE_SMP ? a : HUGE_SMP;
	u = (a - KNEE) * (1.0f / REST);
	u = u > 0.0f ? u : 0.0f;
	y = a < KNEE ? a : KNEE + REST * (u / (1.0f + u));
	y = copysignf(y, x);
	return x == x ? y : 0.0f;
}

/* Adding and taking away 1.5 * 2^23 rounds to the nearest whole number, ties to even; lrintf would be a call. */
static inline int32_t s16_one(float x)
{
	float v = x * S16;

	v = v < 32767.0f ? v : 32767.0f;
	v = v > -32768.0f ? v : -32768.0f;
	v = (v + 12582912.0f) - 12582912.0f;
	return (int32_t)(x == x ? v : 0.0f);
}

/*
 * G.711, both laws: a sign, a segment of three bits, four bits within the segment. A segment is twice as coarse as the
 * one below it, so a code is a small floating-point number: the segment is the place of the highest bit set.
 */
static inline int top_bit(unsigned v)
{
	return 31 - __builtin_clz(v);
}

static inline uint8_t pcmu_one(float x)
{
	const int32_t s = s16_one(x);
	const int32_t mag = ((s < 0 ? -s : s) >> 2) + MU_BIAS;        /* 14 bits are the law's resolution */
	const int32_t m = mag < MU_TOP ? mag : MU_TOP;
	const int seg = top_bit((unsigned)m) - 5;

	return (uint8_t)((s < 0 ? 0x7f : 0xff) ^ (seg << 4 | ((m >> (seg + 1)) & 15)));
}

/* G.711 counts A-law intervals from -1 down; even bits are inverted on the wire. */
static inline uint8_t pcma_one(float x)
{
	const int32_t s = s16_one(x);
	const int32_t mag = (s < 0 ? -s - 1 : s) >> 3;
	const int32_t m = mag < A_TOP ? mag : A_TOP;
	const int seg = m < 32 ? 0 : top_bit((unsigned)m) - 4;

	return (uint8_t)((s < 0 ? 0x55 : 0xd5) ^ (seg << 4 | ((m >> (seg ? seg : 1)) & 15)));
}

static inline float from_pcmu_one(uint8_t code)
{
	const int seg = (~code >> 4) & 7, low = ~code & 15;
	const int mag = (((low << 1) + MU_BIAS) << seg) - MU_BIAS;

	return (float)(code & 0x80 ? mag : -mag) * (1.0f / 8192.0f);
}

static inline float from_pcma_one(uint8_t code)
{
	const int seg = ((code ^ 0x55) >> 4) & 7, low = (code ^ 0x55) & 15;
	const int mag = seg ? ((low << 1) + 33) << (seg - 1) : (low << 1) + 1;

	return (float)(code & 0x80 ? mag : -mag) * (1.0f / 4096.0f);
}

/* The last step of energy, the same for all: 32 sums to one. */
static inline float lanes_sum(float *lane, size_t n)
{
	for (size_t half = n / 2; half; half /= 2)
		for (size_t k = 0; k < half; k++)
			lane[k] += lane[k + half];
	return lane[0];
}

#endif
