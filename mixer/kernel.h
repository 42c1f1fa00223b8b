/*
 * kernel.h - the loops in which the mixer spends its time, once in plain C and once for each vector unit.
 *
 * Callers do not include this: mix.h and resample.h are the doors. One table is chosen before main, the best that this
 * processor can do, or the one the environment names in TUTTI_KERNEL (scalar, sse2, avx2, avx512, neon); it never
 * changes while the server runs, so it is read without a lock.
 *
 * Every table gives the same bits as `scalar`, for any length, address and value (a NaN stays a NaN, its payload is the
 * processor's own), so a room sounds the same on all machines. The one exception is polyphase: it may fuse multiply and
 * add, and add in its own order; each output is right within taps * 2^-24 * sum |tap[i] * x[i]|. Nothing need be
 * aligned. A destination may be the very array of a source where mix.h says so.
 */
#ifndef MIXER_KERNEL_H
#define MIXER_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	KERNEL_LANES = 32,        /* energy is 32 sums side by side, added in halves: 0..15 + 16..31 and so on */
	KERNEL_TAPS  = 8,         /* the taps of a phase are a multiple */
};

/* A low pass as its phases, see resample.c. */
struct polyphase {
	const float *phase;       /* [l][taps] */
	size_t   taps;
	uint32_t l, m;            /* to and from, in lowest terms */
};

struct kernel {
	const char *name;
	bool  (*usable)(void);    /* on this processor and operating system */

	void  (*add)(float *sum, const float *src, size_t n);
	void  (*add_gain)(float *sum, const float *src, float gain, size_t n);
	void  (*add_balance)(float *sum, const float *src, float left, float right, size_t n_smp);
	void  (*minus)(float *dst, const float *sum, const float *own, size_t n);
	void  (*ramp)(float *dst, const float *src, float from, float to, size_t n);
	void  (*limit)(float *smp, size_t n);
	float (*energy)(const float *smp, size_t n);          /* the sum of squares */
	void  (*mono_to_stereo)(float *dst, const float *src, size_t n_smp);
	void  (*stereo_to_mono)(float *dst, const float *src, size_t n_smp);
	void  (*from_s16)(float *dst, const int16_t *src, size_t n);
	void  (*to_s16)(int16_t *dst, const float *src, size_t n);
	void  (*from_pcmu)(float *dst, const uint8_t *src, size_t n);
	void  (*to_pcmu)(uint8_t *dst, const float *src, size_t n);
	void  (*from_pcma)(float *dst, const uint8_t *src, size_t n);
	void  (*to_pcma)(uint8_t *dst, const float *src, size_t n);

	/* n_out outputs, `stride` floats apart: the first is phase ph over x[0..taps-1], each further one m phases on, and
	 * past the last phase one x on. The same bits however the outputs are cut into calls. */
	void  (*polyphase)(float *out, size_t stride, const struct polyphase *f, uint32_t ph, const float *x, size_t n_out);
};

extern const struct kernel kernel_scalar, kernel_sse2, kernel_avx2, kernel_avx512, kernel_neon;
extern const struct kernel *kernel_now;                   /* never NULL */
extern const struct kernel *const kernel_all[];           /* what was compiled in, slowest first, ends with NULL */

/* For tests and the benchmark, while no other thread mixes. ENOENT: no such table; ENOTSUP: not on this processor. */
int kernel_force(const char *name);

#endif
