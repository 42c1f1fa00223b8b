/*
 * mix.c - the door to the loops of kernel.h, and what they leave out.
 */
#include <string.h>
#ifdef __SSE2__
#include <xmmintrin.h>
#endif

#include "kernel.h"
#include "mix.h"

void mix_clear(float *dst, size_t n)
{
	memset(dst, 0, n * sizeof(*dst));
}

void mix_add(float *sum, const float *src, size_t n)
{
	kernel_now->add(sum, src, n);
}

void mix_add_gain(float *sum, const float *src, float gain, size_t n)
{
	kernel_now->add_gain(sum, src, gain, n);
}

void mix_add_balance(float *sum, const float *src, float left, float right, size_t n_smp)
{
	kernel_now->add_balance(sum, src, left, right, n_smp);
}

void mix_minus(float *dst, const float *sum, const float *own, size_t n)
{
	kernel_now->minus(dst, sum, own, n);
}

void mix_ramp(float *dst, const float *src, float from, float to, size_t n)
{
	kernel_now->ramp(dst, src, from, to, n);
}

void mix_limit(float *smp, size_t n)
{
	kernel_now->limit(smp, n);
}

float mix_energy(const float *smp, size_t n)
{
	return n ? kernel_now->energy(smp, n) / (float)n : 0.0f;
}

void mix_mono_to_stereo(float *dst, const float *src, size_t n_smp)
{
	kernel_now->mono_to_stereo(dst, src, n_smp);
}

void mix_stereo_to_mono(float *dst, const float *src, size_t n_smp)
{
	kernel_now->stereo_to_mono(dst, src, n_smp);
}

void mix_from_s16(float *dst, const int16_t *src, size_t n)
{
	kernel_now->from_s16(dst, src, n);
}

void mix_to_s16(int16_t *dst, const float *src, size_t n)
{
	kernel_now->to_s16(dst, src, n);
}

void mix_from_pcmu(float *dst, const uint8_t *src, size_t n)
{
	kernel_now->from_pcmu(dst, src, n);
}

void mix_to_pcmu(uint8_t *dst, const float *src, size_t n)
{
	kernel_now->to_pcmu(dst, src, n);
}

void mix_from_pcma(float *dst, const uint8_t *src, size_t n)
{
	kernel_now->from_pcma(dst, src, n);
}

void mix_to_pcma(uint8_t *dst, const float *src, size_t n)
{
	kernel_now->to_pcma(dst, src, n);
}

void mix_flush_denormals(bool on)
{
#if defined(__SSE2__)
	const unsigned flush = 0x8000 | 0x0040;           /* results (FTZ) and operands (DAZ) */

	_mm_setcsr(on ? _mm_getcsr() | flush : _mm_getcsr() & ~flush);
#elif defined(__aarch64__)
	const uint64_t flush = 1u << 24;                  /* FPCR.FZ: both */
	uint64_t v;

	__asm__ volatile("mrs %0, fpcr" : "=r"(v));
	v = on ? v | flush : v & ~flush;
	__asm__ volatile("msr fpcr, %0" : : "r"(v));
#else
	(void)on;                                         /* no such switch is known here; it only costs time */
#endif
}
