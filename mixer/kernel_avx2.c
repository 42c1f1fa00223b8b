/*
 * kernel_avx2.c - eight samples at once.
 */
#include <immintrin.h>
#include <stdbool.h>
#include <stdint.h>

#define VL 8
#define DL 8
#include "kernel_lanes.h"
#include "kernel_dot256.h"

static bool usable(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static inline VF v_min(VF a, VF b)        /* a < b ? a : b, as the reference says it, so b when a is NaN */
{
	return (VF)_mm256_min_ps((__m256)a, (__m256)b);
}

static inline VF v_max(VF a, VF b)
{
	return (VF)_mm256_max_ps((__m256)a, (__m256)b);
}

static inline VF v_if_number(VF y, VF x)  /* x == x ? y : 0 */
{
	return (VF)_mm256_and_ps((__m256)y, _mm256_cmp_ps((__m256)x, (__m256)x, _CMP_ORD_Q));
}

static inline bool v_all_below(VF a, VF b)
{
	return _mm256_movemask_ps(_mm256_cmp_ps((__m256)a, (__m256)b, _CMP_LT_OQ)) == 0xff;
}

static inline VF v_pairs(VF a, VF b)      /* a[0] + a[1], a[2] + a[3], ... and so on with b */
{
	const __m256d h = (__m256d)_mm256_hadd_ps((__m256)a, (__m256)b);      /* a0123 b0123 a4567 b4567 */

	return (VF)_mm256_permute4x64_pd(h, _MM_SHUFFLE(3, 1, 2, 0));
}

static inline VI v_round(VF x)
{
	return (VI)_mm256_cvtps_epi32((__m256)x);
}

static inline VI v_load_s16(const int16_t *p)
{
	return (VI)_mm256_cvtepi16_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
}

static inline __m128i narrow(VI v)
{
	return _mm_packs_epi32(_mm256_castsi256_si128((__m256i)v), _mm256_extracti128_si256((__m256i)v, 1));
}

static inline void v_store_s16(int16_t *p, VI v)
{
	_mm_storeu_si128((__m128i *)(void *)p, narrow(v));
}

static inline VI v_load_u8(const uint8_t *p)
{
	return (VI)_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p));
}

static inline void v_store_u8(uint8_t *p, VI v)
{
	const __m128i w = narrow(v);

	_mm_storel_epi64((__m128i *)(void *)p, _mm_packus_epi16(w, w));
}

#include "kernel_body.h"

const struct kernel kernel_avx2 = KERNEL("avx2", usable);
