/*
 * kernel_avx512.c - sixteen samples at once.
 */
#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

#define VL 16
#define DL 8
#include "kernel_lanes.h"
#include "kernel_dot256.h"

/* VBMI2 is not needed: it tells Ice Lake, Zen 4 and what followed from Skylake, where a few of these instructions lower
 * the clock of the whole core for a millisecond, and the encoder that runs next pays for what the mix saved. */
static bool usable(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
		__builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
		__builtin_cpu_supports("fma") && __builtin_cpu_supports("avx512vbmi2");
}

static inline VF v_min(VF a, VF b)        /* a < b ? a : b, as the reference says it, so b when a is NaN */
{
	return (VF)_mm512_min_ps((__m512)a, (__m512)b);
}

static inline VF v_max(VF a, VF b)
{
	return (VF)_mm512_max_ps((__m512)a, (__m512)b);
}

static inline VF v_if_number(VF y, VF x)  /* x == x ? y : 0 */
{
	return (VF)_mm512_maskz_mov_ps(_mm512_cmp_ps_mask((__m512)x, (__m512)x, _CMP_ORD_Q), (__m512)y);
}

static inline bool v_all_below(VF a, VF b)
{
	return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_LT_OQ) == 0xffff;
}

static inline VF v_pairs(VF a, VF b)      /* a[0] + a[1], a[2] + a[3], ... and so on with b */
{
	return __builtin_shufflevector(a, b, EVEN) + __builtin_shufflevector(a, b, ODD);
}

static inline VI v_round(VF x)
{
	return (VI)_mm512_cvtps_epi32((__m512)x);
}

static inline VI v_load_s16(const int16_t *p)
{
	return (VI)_mm512_cvtepi16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)p));
}

static inline void v_store_s16(int16_t *p, VI v)
{
	_mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtepi32_epi16((__m512i)v));
}

static inline VI v_load_u8(const uint8_t *p)
{
	return (VI)_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
}

static inline void v_store_u8(uint8_t *p, VI v)
{
	_mm_storeu_si128((__m128i *)(void *)p, _mm512_cvtepi32_epi8((__m512i)v));
}

#include "kernel_body.h"

const struct kernel kernel_avx512 = KERNEL("avx512", usable);
