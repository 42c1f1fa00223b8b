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
	if (i < n) {                      /* what is left, and squares of zeros, which change no sum */
		memset(lane, 0, sizeof(lane));
		memcpy(lane, smp + i, (n - i) * sizeof(*lane));
		for (int k = 0; k < ACCS; k++)
			acc[k] += load(lane + k * VL) * load(lane + k * VL);
	}
	memcpy(lane, acc, sizeof(lane));
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

		store(dst + i, 0.5f * v_pairs(a, b));
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
 * A float too is a sign, an exponent and what comes behind the highest bit set. So a magnitude made a float shows the
 * segment in its exponent and the four bits at the top of its mantissa: code = float >> 19, less where exponents
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

/*
 * R filters over P stretches of sound, each `step` on from the one before, all at once: what is loaded serves several,
 * and the sums do not wait for each other. Every sum is one chain in the order of its taps, so how outputs are grouped
 * (here or in `any`) does not show in their bits, and a block may be cut anywhere. P and R are known when this is
 * compiled.
 */
static inline __attribute__((always_inline)) void grid(float *out, size_t stride, const float *row, const float *x,
                                                       size_t step, size_t n, const int P, const int R)
{
	DF s[12] = {{0}};
	float sum[12];

	for (size_t i = 0; i < n; i += DL) {
		DF v[8];

		for (int p = 0; p < P; p++)
			v[p] = d_load(x + (size_t)p * step + i);
		for (int r = 0; r < R; r++) {
			const DF tap = d_load(row + (size_t)r * n + i);

			for (int p = 0; p < P; p++)
				s[p * R + r] = d_fma(v[p], tap, s[p * R + r]);
		}
	}
	for (int k = 0; k < P * R; k += 4)
		d_sum4(stride == 1 ? out + k : sum + k, s[k], s[k + 1], s[k + 2], s[k + 3]);
	for (int k = 0; k < P * R && stride != 1; k++)
		out[(size_t)k * stride] = sum[k];
}

/* Any four outputs, or the last ones, fewer than four. */
static void any(float *out, size_t stride, const float *const row[4], const float *const x[4], size_t n, size_t n_out)
{
	DF a = {0}, b = {0}, c = {0}, d = {0};
	float sum[4];

	for (size_t i = 0; i < n; i += DL) {
		a = d_fma(d_load(x[0] + i), d_load(row[0] + i), a);
		b = d_fma(d_load(x[1] + i), d_load(row[1] + i), b);
		c = d_fma(d_load(x[2] + i), d_load(row[2] + i), c);
		d = d_fma(d_load(x[3] + i), d_load(row[3] + i), d);
	}
	d_sum4(sum, a, b, c, d);
	for (size_t k = 0; k < n_out; k++)
		out[k * stride] = sum[k];
}

static void polyphase_any(float *out, size_t stride, const struct polyphase *f, uint32_t ph, const float *x,
                          size_t n_out)
{
	const uint32_t whole_x = f->m / f->l, more_ph = f->m % f->l;
	const float *rows[4], *xs[4];

	while (n_out) {
		const size_t n = n_out < 4 ? n_out : 4;

		for (size_t k = 0; k < 4; k++) {
			if (k >= n) {             /* the last again: further on there may be no sound */
				rows[k] = rows[n - 1];
				xs[k] = xs[n - 1];
				continue;
			}
			rows[k] = f->phase + ph * f->taps;
			xs[k] = x;
			ph += more_ph;
			x += whole_x + (ph >= f->l);
			ph -= ph >= f->l ? f->l : 0;
		}
		any(out, stride, rows, xs, f->taps, n);
		out += n * stride;
		n_out -= n;
	}
}

#define GRID(P, R, STEP) \
	for (; n_out >= (P) * (R); n_out -= (P) * (R), x += (P) * (STEP), out += (P) * (R) * stride) \
		grid(out, stride, f->phase, x, STEP, f->taps, P, R)

static void polyphase(float *out, size_t stride, const struct polyphase *f, uint32_t ph, const float *x, size_t n_out)
{
	if (ph)
		;                         /* only between whole rounds of phases */
	else if (f->m == 1 && f->l == 6)
		GRID(2, 6, 1);
	else if (f->m == 1 && f->l == 4)
		GRID(2, 4, 1);
	else if (f->m == 1 && f->l == 3)
		GRID(4, 3, 1);
	else if (f->m == 1 && f->l == 2)
		GRID(4, 2, 1);
	else if (f->l == 1)
		GRID(8, 1, f->m);
	polyphase_any(out, stride, f, ph, x, n_out);
}

#define KERNEL(NAME, USABLE) { \
	NAME, USABLE, \
	add, add_gain, add_balance, minus, ramp, limit, energy, mono_to_stereo, stereo_to_mono, \
	from_s16, to_s16, from_pcmu, to_pcmu, from_pcma, to_pcma, polyphase, \
}
