/*
 * kernel_body.h - every loop, written once over vectors of VL samples; included by one file for each vector unit, which
 * brings the few steps that C's vectors cannot say (v_...: least, round, narrow; d_...: dot products).
 *
 * Whole vectors first, then kernel_one.h for what is left: the same arithmetic in the same order, so the bits are the
 * same as those of kernel_scalar.c. All loads come before the store of the same turn: dst may be src.
 */
#include <string.h>
#include "kernel.h"
#include "kernel_one.h"

#define ACCS (KERNEL_LANES / VL)

static inline VF load(const float *p)
{
	VF v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline void store(float *p, VF v)
{
	memcpy(p, &v, sizeof(v));
}

static inline VF splat(float x)
{
	return x - (VF){0};               /* not +: -0.0 must stay what it is */
}

static inline VF alternate(float left, float right)
{
	VF v = {0};

	for (int i = 0; i < VL; i += 2) {
		v[i] = left;
		v[i + 1] = right;
	}
	return v;
}

static void add(float *sum, const float *src, size_t n)
{
	size_t i = 0;

	for (; i + VL <= n; i += VL)
		store(sum + i, load(sum + i) + load(src + i));
	for (; i < n; i++)
		sum[i] += src[i];
}

static void add_gain(float *sum, const float *src, float gain, size_t n)
{
	size_t i = 0;

	for (; i + VL <= n; i += VL)
		store(sum + i, load(sum + i) + load(src + i) * gain);
	for (; i < n; i++)
		sum[i] += src[i] * gain;
}

static void add_pan(float *sum, const float *src, float left, float right, size_t n_smp)
{
	const VF gain = alternate(left, right);
	size_t i = 0;

	for (; i + VL <= n_smp; i += VL) {
		const VF s = load(src + i);
		float *d = sum + 2 * i;

		store(d, load(d) + __builtin_shufflevector(s, s, TWICE_LOW) * gain);
		store(d + VL, load(d + VL) + __builtin_shufflevector(s, s, TWICE_HIGH) * gain);
	}
	for (; i < n_smp; i++) {
		sum[2 * i] += src[i] * left;
		sum[2 * i + 1] += src[i] * right;
	}
}

static void add_balance(float *sum, const float *src, float left, float right, size_t n_smp)
{
	const VF gain = alternate(left, right);
	size_t i = 0;

	for (; i + VL <= 2 * n_smp; i += VL)
		store(sum + i, load(sum + i) + load(src + i) * gain);
	for (; i < 2 * n_smp; i += 2) {
		sum[i] += src[i] * left;
		sum[i + 1] += src[i + 1] * right;
	}
}

static void minus(float *dst, const float *sum, const float *own, size_t n)
{
	size_t i = 0;

	for (; i + VL <= n; i += VL)
		store(dst + i, load(sum + i) - load(own + i));
	for (; i < n; i++)
		dst[i] = sum[i] - own[i];
}

static void ramp(float *dst, const float *src, float from, float to, size_t n)
{
	const float step = n ? (to - from) / (float)n : 0.0f;
	VI at = {0};
	size_t i = 0;

	for (int k = 0; k < VL; k++)
		at[k] = k;
	for (; i + VL <= n; i += VL, at += VL)
		store(dst + i, load(src + i) * (from + step * __builtin_convertvector(at, VF)));
	for (; i < n; i++)
		dst[i] = src[i] * (from + step * (float)i);
}

/* As limit_one. Nearly all sound is below the knee and stays what it is: then there is no division and no store. */
static void limit(float *smp, size_t n)
{
	const VI sign = (VI){0} + INT32_MIN;
	const VF knee = splat(KNEE), zero = {0};
	size_t i = 0;

	for (; i + VL <= n; i += VL) {
		const VF x = load(smp + i);
		VF a = (VF)((VI)x & ~sign), u, y;

		if (v_all_below(a, knee))
			continue;
		a = v_min(a, splat(HUGE_SMP));
		u = v_max((a - KNEE) * (1.0f / REST), zero);
		y = v_min(a, knee) + REST * (u / (1.0f + u));
		y = (VF)((VI)y | ((VI)x & sign));
		store(smp + i, v_if_number(y, x));
	}
	for (; i < n; i++)
		smp[i] = limit_one(smp[i]);
}

static float energy(const float *smp, size_t n)
{
	float lane[KERNEL_LANES];
	VF acc[ACCS] = {{0}};
	size_t i = 0;

	for (; i + KERNEL_LANES <= n; i += KERNEL_LANES)
		for (int k = 0; k < ACCS; k++)
			acc[k] += load(smp + i + k * VL) * load(smp + i + k * VL);
	for (int k = 0; k < ACCS && i + VL <= n; k++, i += VL)
		acc[k] += load(smp + i) * load(smp + i);

	memcpy(lane, acc, sizeof(lane));
	for (; i < n; i++)
		lane[i % KERNEL_LANES] += smp[i] * smp[i];
	return lanes_sum(lane, KERNEL_LANES);
}

static void mono_to_stereo(float *dst, const float *src, size_t n_smp)
{
	size_t i = 0;

	for (; i + VL <= n_smp; i += VL) {
		const VF s = load(src + i);

		store(dst + 2 * i, __builtin_shufflevector(s, s, TWICE_LOW));
		store(dst + 2 * i + VL, __builtin_shufflevector(s, s, TWICE_HIGH));
	}
	for (; i < n_smp; i++) {
		dst[2 * i] = src[i];
		dst[2 * i + 1] = src[i];
	}
}

static void stereo_to_mono(float *dst, const float *src, size_t n_smp)
{
	size_t i = 0;

	for (; i + VL <= n_smp; i += VL) {
		const VF a = load(src + 2 * i), b = load(src + 2 * i + VL);

		store(dst + i, 0.5f * (__builtin_shufflevector(a, b, EVEN) + __builtin_shufflevector(a, b, ODD)));
	}
	for (; i < n_smp; i++)
		dst[i] = 0.5f * (src[2 * i] + src[2 * i + 1]);
}

static void from_s16(float *dst, const int16_t *src, size_t n)
{
	size_t i = 0;

	for (; i + VL <= n; i += VL)
		store(dst + i, __builtin_convertvector(v_load_s16(src + i), VF) * (1.0f / S16));
	for (; i < n; i++)
		dst[i] = (float)src[i] * (1.0f / S16);
}

/* As s16_one. */
static inline VI whole(VF x)
{
	return v_round(v_if_number(v_max(v_min(x * S16, splat(32767.0f)), splat(-32768.0f)), x));
}

static void to_s16(int16_t *dst, const float *src, size_t n)
{
	size_t i = 0;

	for (; i + VL <= n; i += VL)
		v_store_s16(dst + i, whole(load(src + i)));
	for (; i < n; i++)
		dst[i] = (int16_t)s16_one(src[i]);
}

/*
 * A float too is a sign, an exponent and what comes behind the highest bit set. So a magnitude turned into a float shows
 * the segment in its exponent and the four bits at the top of its mantissa: code = float >> 19, less where exponents
 * begin. And back: a code put there is the float in the middle of its interval, when the bit below is set.
 */
enum {
	FRACTION = 19,            /* 23 bits of mantissa, four of them ours */
	EXPONENT = 127 << 4,      /* of 1.0, in units of a code */
	MIDDLE   = 1 << 18,
};

static void to_pcmu(uint8_t *dst, const float *src, size_t n)
{
	size_t i = 0;

	for (; i + VL <= n; i += VL) {
		const VI s = whole(load(src + i)), neg = s >> 31;
		const VI mag = (((s ^ neg) - neg) >> 2) + MU_BIAS;
		const VI f = (VI)v_min(__builtin_convertvector(mag, VF), splat(MU_TOP));

		v_store_u8(dst + i, ((f >> FRACTION) - (EXPONENT + (5 << 4))) ^ 0xff ^ (neg & 0x80));
	}
	for (; i < n; i++)
		dst[i] = pcmu_one(src[i]);
}

/* The lowest A-law segment is linear; s ^ neg is -s - 1 when s is negative, and there A-law's intervals begin. */
static void to_pcma(uint8_t *dst, const float *src, size_t n)
{
	size_t i = 0;

	for (; i + VL <= n; i += VL) {
		const VI s = whole(load(src + i)), neg = s >> 31;
		const VI mag = (s ^ neg) >> 3, low = (mag - 32) >> 31;
		const VI f = ((VI)__builtin_convertvector(mag, VF) >> FRACTION) - (EXPONENT + (4 << 4));

		v_store_u8(dst + i, ((low & (mag >> 1)) | (~low & f)) ^ 0xd5 ^ (neg & 0x80));
	}
	for (; i < n; i++)
		dst[i] = pcma_one(src[i]);
}

/* The bias carries the sign too: -33 - -33 is 0.0, as a whole number's 0 would be, not -0.0. */
static void from_pcmu(float *dst, const uint8_t *src, size_t n)
{
	const VI bias = (VI)splat(MU_BIAS);
	size_t i = 0;

	for (; i + VL <= n; i += VL) {
		const VI c = ~v_load_u8(src + i), sign = (c & 0x80) << 24;
		const VI f = ((c & 0x7f) << FRACTION) + (((EXPONENT + (5 << 4)) << FRACTION) | MIDDLE);

		store(dst + i, ((VF)(f | sign) - (VF)(bias | sign)) * (1.0f / 8192.0f));
	}
	for (; i < n; i++)
		dst[i] = from_pcmu_one(src[i]);
}

/* In the linear segment: as in the one above it, less the 32 at which that one begins. */
static void from_pcma(float *dst, const uint8_t *src, size_t n)
{
	const VI begin = (VI)splat(32.0f);
	size_t i = 0;

	for (; i + VL <= n; i += VL) {
		const VI c = v_load_u8(src + i) ^ 0x55, code = c & 0x7f, low = (code - 16) >> 31;
		const VI sign = (~c & 0x80) << 24;
		const VI f = ((code + (low & 16)) << FRACTION) + (((EXPONENT + (4 << 4)) << FRACTION) | MIDDLE);

		store(dst + i, (VF)((VI)(((VF)f - (VF)(low & begin)) * (1.0f / 4096.0f)) | sign));
	}
	for (; i < n; i++)
		dst[i] = from_pcma_one(src[i]);
}

static inline DF d_load(const float *p)
{
	DF v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static float dot(const float *a, const float *b, size_t n)
{
	DF s[4] = {{0}};
	size_t i = 0;

	for (; i + 4 * DL <= n; i += 4 * DL)
		for (int k = 0; k < 4; k++)
			s[k] = d_fma(d_load(a + i + k * DL), d_load(b + i + k * DL), s[k]);
	for (int k = 0; k < 4 && i < n; k++, i += DL)
		s[k] = d_fma(d_load(a + i), d_load(b + i), s[k]);
	return d_sum((s[0] + s[1]) + (s[2] + s[3]));
}

/* R filters side by side, R known when it is compiled. */
static inline __attribute__((always_inline)) void side_by_side(float *out, const float *row, const float *x, size_t n,
                                                               const int R)
{
	DF s[6] = {{0}};
	float sum[8];

	for (size_t i = 0; i < n; i += DL) {
		const DF v = d_load(x + i);

		for (int r = 0; r < R; r++)
			s[r] = d_fma(v, d_load(row + (size_t)r * n + i), s[r]);
	}
	d_sum4(sum, s[0], s[1], s[2], s[3]);
	if (R > 4)
		d_sum4(sum + 4, s[4], s[5], s[4], s[5]);
	memcpy(out, sum, (size_t)R * sizeof(*out));
}

static void dots(float *out, const float *row, size_t n_rows, const float *x, size_t n)
{
	for (; n_rows >= 6; n_rows -= 6, out += 6, row += 6 * n)
		side_by_side(out, row, x, n, 6);
	for (; n_rows >= 3; n_rows -= 3, out += 3, row += 3 * n)
		side_by_side(out, row, x, n, 3);
	if (n_rows == 2)
		side_by_side(out, row, x, n, 2);
	else if (n_rows)
		*out = dot(row, x, n);
}

#define KERNEL(NAME, USABLE) { \
	NAME, USABLE, \
	add, add_gain, add_pan, add_balance, minus, ramp, limit, energy, mono_to_stereo, stereo_to_mono, \
	from_s16, to_s16, from_pcmu, to_pcmu, from_pcma, to_pcma, dot, dots, \
}
