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
#include "warp.h"

enum {
	BLOCK      = 480,
	PHASE_BITS = 7,
	PHASES     = 1 << PHASE_BITS,
	REST_BITS  = 32 - PHASE_BITS,
};

#define KAISER_BETA 6.76          /* 70 dB */

typedef float v4 __attribute__((vector_size(16)));

/* A block of sound with what came before it, each channel by itself. */
struct lane { float smp[WARP_CH][WARP_KEEP + BLOCK]; };

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

int warp_init(struct warp *w, uint8_t channels)
{
	if (!w || channels < 1 || channels > WARP_CH)
		return EINVAL;

	pthread_once(&table_once, table_fill);
	warp_reset_rt(w, channels);

	return 0;
}

void warp_reset_rt(struct warp *w, uint8_t channels)
{
	memset(w, 0, sizeof(*w));
	w->ch = channels;
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
static inline void output_rt(const struct lane *l, uint8_t ch, float *out, size_t at, uint32_t frac)
{
	const float *a = table[frac >> REST_BITS], *b = a + WARP_TAPS;
	const float rest = (float)(frac & ((1u << REST_BITS) - 1)) * (1.0f / (1u << REST_BITS));
	v4 sum[WARP_CH] = {{0}};

	for (size_t k = 0; k < WARP_TAPS; k += 4) {
		const v4 va = load_rt(a + k), h = va + (load_rt(b + k) - va) * rest;

		sum[0] += h * load_rt(l->smp[0] + at + k);
		if (ch == 2)
			sum[1] += h * load_rt(l->smp[1] + at + k);
	}
	for (uint8_t c = 0; c < ch; c++)
		out[c] = sum_rt(sum[c]);
}

/* --- speed --- */

struct tempo { uint64_t slip; bool slower; };      /* per output, in 32.32 samples */

static struct tempo tempo_of(float ppm)
{
	const float abs = fabsf(ppm), bound = abs > WARP_PPM_MAX ? WARP_PPM_MAX : abs == abs ? abs : 0;

	return (struct tempo){(uint64_t)((double)bound * 4294.967296), ppm < 0};
}

static inline uint64_t step_rt(struct tempo p, uint64_t *left)
{
	const uint64_t slip = p.slip < *left ? p.slip : *left;

	*left -= slip;
	return p.slower ? (1ull << 32) - slip : (1ull << 32) + slip;
}

/* --- sound --- */

static void load_lane_rt(struct lane *l, const struct warp *w, const float *in, size_t n)
{
	for (uint8_t c = 0; c < w->ch; c++) {
		memcpy(l->smp[c], w->hist[c], sizeof(w->hist[c]));
		for (size_t i = 0; i < n; i++)
			l->smp[c][WARP_KEEP + i] = in[i * w->ch + c];
	}
}

static size_t block_rt(struct warp *w, float *out, const float *in, size_t n, struct tempo p, uint64_t *left)
{
	const uint64_t end = (uint64_t)n << 32;
	size_t n_out = 0;
	struct lane l;

	load_lane_rt(&l, w, in, n);
	for (; w->pos < end; w->pos += step_rt(p, left), n_out++)
		output_rt(&l, w->ch, out + n_out * w->ch, (size_t)(w->pos >> 32), (uint32_t)w->pos);
	w->pos -= end;

	for (uint8_t c = 0; c < w->ch; c++)
		memcpy(w->hist[c], l.smp[c] + n, sizeof(w->hist[c]));

	return n_out;
}

static size_t blocks_rt(struct warp *w, float *out, const float *in, size_t n_in, struct tempo p, uint64_t *left)
{
	size_t n_out = 0;

	while (n_in) {
		const size_t n = n_in < BLOCK ? n_in : BLOCK;

		n_out += block_rt(w, out + n_out * w->ch, in, n, p, left);
		in += n * w->ch;
		n_in -= n;
	}

	return n_out;
}

size_t warp_slip_rt(struct warp *w, float *out, const float *in, size_t n_in, float ppm, uint64_t *left)
{
	return blocks_rt(w, out, in, n_in, tempo_of(ppm), left);
}

size_t warp_skip_rt(struct warp *w, size_t n_in, float ppm, uint64_t *left)
{
	const struct tempo p = tempo_of(ppm);
	const uint64_t end = (uint64_t)n_in << 32;
	size_t n_out = 0;

	for (; w->pos < end; w->pos += step_rt(p, left))
		n_out++;
	w->pos -= end;

	return n_out;
}

size_t warp_need(const struct warp *w, size_t n_out, float ppm)
{
	const struct tempo p = tempo_of(ppm);
	const uint64_t step = p.slower ? (1ull << 32) - p.slip : (1ull << 32) + p.slip;

	return n_out ? (size_t)((w->pos + (n_out - 1) * step) >> 32) + 1 : 0;
}

/* --- begin and end --- */

void warp_join_rt(struct warp *w, const float *last, uint8_t channels)
{
	warp_reset_rt(w, channels);
	w->pos = (uint64_t)WARP_DELAY << 32;      /* the first out is the first that comes in now */
	for (uint8_t c = 0; last && c < channels; c++)
		for (size_t i = 0; i < WARP_KEEP; i++)
			w->hist[c][i] = last[i * channels + c];
}

size_t warp_part_rt(struct warp *w, float *out)
{
	const size_t from = WARP_DELAY - 1 + (size_t)(w->pos >> 32);
	size_t n = 0;

	for (size_t i = from; i < WARP_KEEP; i++, n++)
		for (uint8_t c = 0; c < w->ch; c++)
			out[n * w->ch + c] = w->hist[c][i];

	return n;
}

size_t warp_stretch_rt(struct warp *w, float *out, const float *in, size_t n_in)
{
	const struct tempo p = {w->pos / n_in, true};
	uint64_t endless = UINT64_MAX;
	const size_t n_out = blocks_rt(w, out, in, n_in, p, &endless);

	w->pos = 0;               /* but for some ten millionths */
	return n_out;
}

void warp_channels_rt(struct warp *w, uint8_t channels)
{
	if (w->ch == 1 && channels == 2)
		memcpy(w->hist[1], w->hist[0], sizeof(w->hist[0]));
	for (size_t i = 0; i < WARP_KEEP && w->ch == 2 && channels == 1; i++)
		w->hist[0][i] = (w->hist[0][i] + w->hist[1][i]) * 0.5f;
	w->ch = channels;
}

bool warp_silent(const struct warp *w)
{
	for (uint8_t c = 0; c < w->ch; c++)
		for (size_t i = 0; i < WARP_KEEP; i++)
			if (w->hist[c][i] != 0.0f)
				return false;
	return true;
}
