/*
 * kernel_dot256.h - sums of products, eight at a time: for AVX2, and for AVX-512, whose sixteen would not divide the
 * 40 taps of our filters.
 */
static inline DF d_fma(DF a, DF b, DF c)
{
	return (DF)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
}

static inline void d_sum4(float *out, DF a, DF b, DF c, DF d)
{
	const __m256 h = _mm256_hadd_ps(_mm256_hadd_ps((__m256)a, (__m256)b), _mm256_hadd_ps((__m256)c, (__m256)d));

	_mm_storeu_ps(out, _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1)));
}
