/*
 * kernel_sse2.c - four samples at once; every x86-64 has it.
 */
#include <emmintrin.h>
#include <stdbool.h>
#include <stdint.h>

#define VL 4
#define DL 4
#include "kernel_lanes.h"

static bool usable(void)
{
	return true;
}

static inline VF v_min(VF a, VF b)        /* a < b ? a : b, as the reference says it, so b when a is NaN */
{
	return (VF)_mm_min_ps((__m128)a, (__m128)b);
}

static inline VF v_max(VF a, VF b)
{
	return (VF)_mm_max_ps((__m128)a, (__m128)b);
}

static inline VF v_if_number(VF y, VF x)  /* x == x ? y : 0 */
{
	return (VF)_mm_and_ps((__m128)y, _mm_cmpord_ps((__m128)x, (__m128)x));
}

static inline bool v_all_below(VF a, VF b)
{
	return _mm_movemask_ps(_mm_cmplt_ps((__m128)a, (__m128)b)) == 0xf;
}

static inline VF v_pairs(VF a, VF b)      /* a[0] + a[1], a[2] + a[3], ... and so on with b */
{
	return __builtin_shufflevector(a, b, EVEN) + __builtin_shufflevector(a, b, ODD);
}

static inline VI v_round(VF x)
{
	return (VI)_mm_cvtps_epi32((__m128)x);
}

static inline VI v_load_s16(const int16_t *p)
{
	const __m128i s = _mm_loadl_epi64((const __m128i *)(const void *)p);

	return (VI)_mm_srai_epi32(_mm_unpacklo_epi16(s, s), 16);
}

static inline void v_store_s16(int16_t *p, VI v)
{
	_mm_storel_epi64((__m128i *)(void *)p, _mm_packs_epi32((__m128i)v, (__m128i)v));
}

static inline VI v_load_u8(const uint8_t *p)
{
	const __m128i zero = _mm_setzero_si128();
	int32_t four;

	__builtin_memcpy(&four, p, sizeof(four));
	return (VI)_mm_unpacklo_epi16(_mm_unpacklo_epi8(_mm_cvtsi32_si128(four), zero), zero);
}

static inline void v_store_u8(uint8_t *p, VI v)
{
	const __m128i w = _mm_packs_epi32((__m128i)v, (__m128i)v);
	const int32_t four = _mm_cvtsi128_si32(_mm_packus_epi16(w, w));

	__builtin_memcpy(p, &four, sizeof(four));
}

static inline DF d_fma(DF a, DF b, DF c)  /* there is no fused one */
{
	return a * b + c;
}

static inline void d_sum4(float *out, DF a, DF b, DF c, DF d)
{
	__m128 r0 = (__m128)a, r1 = (__m128)b, r2 = (__m128)c, r3 = (__m128)d;

	_MM_TRANSPOSE4_PS(r0, r1, r2, r3);
	_mm_storeu_ps(out, _mm_add_ps(_mm_add_ps(r0, r2), _mm_add_ps(r1, r3)));
}

#include "kernel_body.h"

const struct kernel kernel_sse2 = KERNEL("sse2", usable);
