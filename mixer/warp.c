/*
 * warp.c - sound a few hundred millionths slower or faster.
 *
 *     in    o    o    o    o    o    o         out = the input filtered by a windowed sinc that sits where the output
 *     out     x    x     x     x    x          sample falls between two of the input
 *
 * 128 such filters stand in a table, of 24 taps each; what falls between two of them takes a mixture of both. The place
 * is a fixed point number with 32 bits behind the point, so an hour of sound adds up to the sample. Where the place is a
 * whole number the filter is one 1 and zeros (its cut-off is half the sample rate): a leg whose clock is right passes
 * through unchanged, but for the delay.
 *
 * libsamplerate was measured and left: docs/decisions/0042-own-warp.md.
 */
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <string.h>
#include <re.h>

#include "warp.h"

enum {
	BLOCK      = 480,
	CH_MAX     = 2,
	PHASE_BITS = 7,
	PHASES     = 1 << PHASE_BITS,
	REST_BITS  = 32 - PHASE_BITS,
};

#define KAISER_BETA 6.76          /* 70 dB */

typedef float v4 __attribute__((vector_size(16)));

struct warp {
	uint64_t pos;             /* 32.32: place of the next output in the block to come */
	uint8_t  ch;
	float    hist[CH_MAX][WARP_TAPS - 1 + BLOCK];
};

/* [p] is the filter for a place p / PHASES behind a sample, oldest input first; one more than PHASES to mix with. */
static float table[PHASES + 1][WARP_TAPS];
static pthread_once_t table_once = PTHREAD_ONCE_INIT;

static double bessel_i0(double x)
{
	double sum = 1.0, term = 1.0;

	for (int k = 1; term > 1e-12 * sum; k++) {
		term *= (x / (2.0 * k)) * (x / (2.0 * k));
		sum += term;
	}
	return sum;
}

static double tap(double t)
{
	const double edge = 1.0 - t * t / (WARP_DELAY * WARP_DELAY);
	const double sinc = fabs(t) < 1e-9 ? 1.0 : sin(M_PI * t) / (M_PI * t);

	return edge <= 0.0 ? 0.0 : sinc * bessel_i0(KAISER_BETA * sqrt(edge)) / bessel_i0(KAISER_BETA);
}

/* Each scaled so that it passes a constant unchanged. */
static void table_fill(void)
{
	for (int p = 0; p <= PHASES; p++) {
		double sum = 0.0;

		for (int k = 0; k < WARP_TAPS; k++)
			sum += tap(k - (WARP_DELAY - 1) - (double)p / PHASES);
		for (int k = 0; k < WARP_TAPS; k++)
			table[p][k] = (float)(tap(k - (WARP_DELAY - 1) - (double)p / PHASES) / sum);
	}
}

int warp_alloc(struct warp **wp, uint8_t channels)
{
	struct warp *w;

	if (!wp || channels < 1 || channels > CH_MAX)
		return EINVAL;

	pthread_once(&table_once, table_fill);
	w = mem_zalloc(sizeof(*w), NULL);
	if (!w)
		return ENOMEM;
	w->ch = channels;
	*wp = w;

	return 0;
}

void warp_reset_rt(struct warp *w)
{
	w->pos = 0;
	memset(w->hist, 0, sizeof(w->hist));
}

static inline v4 load_rt(const float *p)
{
	v4 v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline float sum_rt(v4 s)
{
	return (s[0] + s[2]) + (s[1] + s[3]);
}

/* One output, of all channels: the mixed filter is made once. */
static inline void output_rt(const struct warp *w, float *out, size_t at, uint32_t frac)
{
	const float *a = table[frac >> REST_BITS], *b = a + WARP_TAPS;
	const float rest = (float)(frac & ((1u << REST_BITS) - 1)) * (1.0f / (1u << REST_BITS));
	v4 sum[CH_MAX] = {{0}};

	for (size_t k = 0; k < WARP_TAPS; k += 4) {
		const v4 va = load_rt(a + k), h = va + (load_rt(b + k) - va) * rest;

		sum[0] += h * load_rt(w->hist[0] + at + k);
		if (w->ch == 2)
			sum[1] += h * load_rt(w->hist[1] + at + k);
	}
	for (uint8_t c = 0; c < w->ch; c++)
		out[c] = sum_rt(sum[c]);
}

static size_t block_rt(struct warp *w, float *out, const float *in, size_t n, uint64_t step)
{
	const uint64_t end = (uint64_t)n << 32;
	size_t n_out = 0;

	for (uint8_t c = 0; c < w->ch; c++)
		for (size_t i = 0; i < n; i++)
			w->hist[c][WARP_TAPS - 1 + i] = in[i * w->ch + c];

	for (; w->pos < end; w->pos += step, n_out++)
		output_rt(w, out + n_out * w->ch, (size_t)(w->pos >> 32), (uint32_t)w->pos);
	w->pos -= end;

	for (uint8_t c = 0; c < w->ch; c++)
		memmove(w->hist[c], w->hist[c] + n, (WARP_TAPS - 1) * sizeof(float));

	return n_out;
}

size_t warp_rt(struct warp *w, float *out, const float *in, size_t n_in, float ppm)
{
	const float bound = ppm > WARP_PPM_MAX ? WARP_PPM_MAX : ppm < -WARP_PPM_MAX ? -WARP_PPM_MAX : ppm == ppm ? ppm : 0;
	const uint64_t step = (1ull << 32) + (uint64_t)(int64_t)((double)bound * 4294.967296);
	size_t n_out = 0;

	while (n_in) {
		const size_t n = n_in < BLOCK ? n_in : BLOCK;

		n_out += block_rt(w, out + n_out * w->ch, in, n, step);
		in += n * w->ch;
		n_in -= n;
	}

	return n_out;
}

size_t warp_max(size_t n_in)
{
	return n_in + n_in * WARP_PPM_MAX / (1000000 - WARP_PPM_MAX) + 2;
}
