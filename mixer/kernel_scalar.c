/*
 * kernel_scalar.c - the reference: one sample after the other, in the words of the definition. It is compiled without
 * the compiler's own vectors, so that the benchmark has something to compare with; processors that have no table of
 * their own use it too.
 */
#include "kernel.h"
#include "kernel_one.h"

static bool usable(void)
{
	return true;
}

static void add(float *sum, const float *src, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum[i] += src[i];
}

static void add_gain(float *sum, const float *src, float gain, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sum[i] += src[i] * gain;
}

static void add_balance(float *sum, const float *src, float left, float right, size_t n_smp)
{
	for (size_t i = 0; i < n_smp; i++) {
		sum[2 * i] += src[2 * i] * left;
		sum[2 * i + 1] += src[2 * i + 1] * right;
	}
}

static void minus(float *dst, const float *sum, const float *own, size_t n)
{
	for (size_t i = 0; i < n; i++)
		dst[i] = sum[i] - own[i];
}

static void ramp(float *dst, const float *src, float from, float to, size_t n)
{
	const float step = n ? (to - from) / (float)n : 0.0f;

	for (size_t i = 0; i < n; i++)
		dst[i] = src[i] * (from + step * (float)i);
}

static void limit(float *smp, size_t n)
{
	for (size_t i = 0; i < n; i++)
		smp[i] = limit_one(smp[i]);
}

static float energy(const float *smp, size_t n)
{
	float lane[KERNEL_LANES] = {0};

	for (size_t i = 0; i < n; i++)
		lane[i % KERNEL_LANES] += smp[i] * smp[i];
	return lanes_sum(lane, KERNEL_LANES);
}

static void mono_to_stereo(float *dst, const float *src, size_t n_smp)
{
	for (size_t i = 0; i < n_smp; i++) {
		dst[2 * i] = src[i];
		dst[2 * i + 1] = src[i];
	}
}

static void stereo_to_mono(float *dst, const float *src, size_t n_smp)
{
	for (size_t i = 0; i < n_smp; i++)
		dst[i] = 0.5f * (src[2 * i] + src[2 * i + 1]);
}

static void from_s16(float *dst, const int16_t *src, size_t n)
{
	for (size_t i = 0; i < n; i++)
		dst[i] = (float)src[i] * (1.0f / S16);
}

static void to_s16(int16_t *dst, const float *src, size_t n)
{
	for (size_t i = 0; i < n; i++)
		dst[i] = (int16_t)s16_one(src[i]);
}

static void from_pcmu(float *dst, const uint8_t *src, size_t n)
{
	for (size_t i = 0; i < n; i++)
		dst[i] = from_pcmu_one(src[i]);
}

static void to_pcmu(uint8_t *dst, const float *src, size_t n)
{
	for (size_t i = 0; i < n; i++)
		dst[i] = pcmu_one(src[i]);
}

static void from_pcma(float *dst, const uint8_t *src, size_t n)
{
	for (size_t i = 0; i < n; i++)
		dst[i] = from_pcma_one(src[i]);
}

static void to_pcma(uint8_t *dst, const float *src, size_t n)
{
	for (size_t i = 0; i < n; i++)
		dst[i] = pcma_one(src[i]);
}

static float dot(const float *a, const float *b, size_t n)
{
	float lane[KERNEL_TAPS] = {0};

	for (size_t i = 0; i < n; i += KERNEL_TAPS)
		for (size_t k = 0; k < KERNEL_TAPS; k++)
			lane[k] += a[i + k] * b[i + k];
	return lanes_sum(lane, KERNEL_TAPS);
}

static void polyphase(float *out, size_t stride, const struct polyphase *f, uint32_t ph, const float *x, size_t n_out)
{
	for (size_t t = 0; t < n_out; t++) {
		out[t * stride] = dot(f->phase + ph * f->taps, x, f->taps);
		ph += f->m;
		x += ph / f->l;
		ph %= f->l;
	}
}

const struct kernel kernel_scalar = {
	"scalar", usable,
	add, add_gain, add_balance, minus, ramp, limit, energy, mono_to_stereo, stereo_to_mono,
	from_s16, to_s16, from_pcmu, to_pcmu, from_pcma, to_pcma, polyphase,
};
