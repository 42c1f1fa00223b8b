/*
 * signal.c - sounds for tests, and sound judged in numbers.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/signal.h"

#define TAU (2.0 * M_PI)

void signal_sine(float *smp, size_t n, size_t first, double srate, double hz, double peak)
{
	for (size_t i = 0; i < n; i++)
		smp[i] = (float)(peak * sin(TAU * fmod(hz * (double)(first + i) / srate, 1.0)));
}

void signal_chirp(float *smp, size_t n, double srate, double hz_from, double hz_to, double peak)
{
	double phase = 0.0;

	for (size_t i = 0; i < n; i++) {
		smp[i] = (float)(peak * sin(phase));
		phase += TAU * (hz_from + (hz_to - hz_from) * (double)i / (double)n) / srate;
	}
}

/* xorshift32, -1 .. 1 */
static double draw(uint32_t *seed)
{
	uint32_t x = *seed ? *seed : 1;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	*seed = x;
	return (double)x / 2147483648.0 - 1.0;
}

static double draw_between(uint32_t *seed, double lo, double hi)
{
	return lo + (hi - lo) * (draw(seed) + 1.0) / 2.0;
}

void signal_noise(float *smp, size_t n, uint32_t *seed, double rms)
{
	const double peak = rms * sqrt(3.0);

	for (size_t i = 0; i < n; i++)
		smp[i] = (float)(peak * draw(seed));
}

/* One syllable: harmonics under two formants, a sine-shaped beginning and end. */
static void syllable(float *smp, size_t n, double srate, uint32_t *seed, double peak)
{
	const double pitch = draw_between(seed, 100.0, 180.0), glide = draw_between(seed, -0.15, 0.15);
	const double f1 = draw_between(seed, 350.0, 800.0), f2 = draw_between(seed, 1100.0, 2300.0);
	double weight[20], phase = 0.0, sum = 0.0;

	for (int h = 0; h < 20; h++) {
		const double hz = pitch * (h + 1), d1 = (hz - f1) / 150.0, d2 = (hz - f2) / 250.0;

		weight[h] = hz > 3400.0 ? 0.0 : 1.0 / (1.0 + d1 * d1) + 0.4 / (1.0 + d2 * d2);
		sum += weight[h];
	}
	for (size_t i = 0; i < n; i++) {
		const double at = (double)i / (double)n;
		double x = 0.0;

		for (int h = 0; h < 20; h++)
			x += weight[h] * sin(phase * (h + 1));
		smp[i] = (float)(peak * x / sum * sqrt(sin(M_PI * at)));
		phase += TAU * pitch * (1.0 + glide * at) / srate;
	}
}

static void peak_to(float *smp, size_t n, double peak)
{
	double top = 1e-9;

	for (size_t i = 0; i < n; i++)
		top = fmax(top, fabs((double)smp[i]));
	for (size_t i = 0; i < n; i++)
		smp[i] = (float)((double)smp[i] * peak / top);
}

void signal_speech(float *smp, size_t n, double srate, uint32_t *seed, double peak)
{
	size_t at = 0;

	memset(smp, 0, n * sizeof(*smp));
	while (at < n) {
		size_t len = (size_t)(srate * draw_between(seed, 0.120, 0.280));

		if (len > n - at)
			len = n - at;
		syllable(smp + at, len, srate, seed, 1.0);
		peak_to(smp + at, len, at ? peak * draw_between(seed, 0.25, 1.0) : peak);
		at += len + (size_t)(srate * draw_between(seed, 0.060, 0.250));
	}
}

double signal_level_db(const float *smp, size_t n)
{
	double sum = 0.0;

	for (size_t i = 0; i < n; i++)
		sum += (double)smp[i] * (double)smp[i];
	return n && sum > 0.0 ? fmax(-200.0, 10.0 * log10(sum / (double)n)) : -200.0;
}

double signal_tone_peak(const float *smp, size_t n, double srate, double hz)
{
	double re = 0.0, im = 0.0, gain = 0.0;

	for (size_t i = 0; i < n; i++) {
		const double w = 0.5 - 0.5 * cos(TAU * ((double)i + 0.5) / (double)n);
		const double a = TAU * fmod(hz * (double)i / srate, 1.0);

		re += w * (double)smp[i] * cos(a);
		im += w * (double)smp[i] * sin(a);
		gain += w;
	}
	return n ? 2.0 * hypot(re, im) / gain : 0.0;
}

double signal_snr_db(const float *smp, size_t n, double srate, double hz)
{
	double ss = 0.0, sc = 0.0, cc = 0.0, xs = 0.0, xc = 0.0, a, b, det, tone = 0.0, rest = 1e-30;

	for (size_t i = 0; i < n; i++) {
		const double t = TAU * fmod(hz * (double)i / srate, 1.0), s = sin(t), c = cos(t);

		ss += s * s;
		sc += s * c;
		cc += c * c;
		xs += (double)smp[i] * s;
		xc += (double)smp[i] * c;
	}
	det = ss * cc - sc * sc;
	if (det <= 0.0)
		return -200.0;

	a = (xs * cc - xc * sc) / det;
	b = (xc * ss - xs * sc) / det;
	for (size_t i = 0; i < n; i++) {
		const double t = TAU * fmod(hz * (double)i / srate, 1.0), fit = a * sin(t) + b * cos(t);

		tone += fit * fit;
		rest += ((double)smp[i] - fit) * ((double)smp[i] - fit);
	}
	return tone > 0.0 ? 10.0 * log10(tone / rest) : -200.0;
}

size_t signal_gap(const float *smp, size_t n, double threshold)
{
	size_t run = 0, longest = 0;

	for (size_t i = 0; i < n; i++) {
		run = fabs((double)smp[i]) < threshold ? run + 1 : 0;
		longest = run > longest ? run : longest;
	}
	return longest;
}

size_t signal_delay(const float *smp, const float *ref, size_t n, size_t max)
{
	double best = -INFINITY;
	size_t at = 0;

	for (size_t lag = 0; lag <= max && lag < n; lag++) {
		double ab = 0.0, aa = 1e-30;

		for (size_t i = 0; i + max < n; i++) {
			ab += (double)smp[i + lag] * (double)ref[i];
			aa += (double)smp[i + lag] * (double)smp[i + lag];
		}
		if (ab / sqrt(aa) > best) {
			best = ab / sqrt(aa);
			at = lag;
		}
	}
	return at;
}

static int by_size(const void *a, const void *b)
{
	const float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

static double median(const float *v, size_t n)
{
	float *copy = malloc(n * sizeof(*copy));
	double m;

	if (!copy)
		abort();
	memcpy(copy, v, n * sizeof(*copy));
	qsort(copy, n, sizeof(*copy), by_size);
	m = (double)copy[n / 2];
	free(copy);
	return m;
}

size_t signal_clicks(const float *smp, size_t n, double srate, double ratio)
{
	const size_t apart = (size_t)(srate * 0.005);
	size_t count = 0, last = 0;
	double limit;
	float *d2;

	if (n < 3)
		return 0;
	d2 = malloc((n - 2) * sizeof(*d2));
	if (!d2)
		abort();
	for (size_t i = 0; i + 2 < n; i++)
		d2[i] = fabsf(smp[i] - 2.0f * smp[i + 1] + smp[i + 2]);

	limit = ratio * median(d2, n - 2) + 1e-6;
	for (size_t i = 0; i + 2 < n; i++)
		if ((double)d2[i] > limit) {
			count += !count || i - last >= apart;
			last = i;
		}
	free(d2);
	return count;
}

static double phase_of(const float *smp, size_t first, size_t n, double srate, double hz)
{
	double re = 0.0, im = 0.0;

	for (size_t i = 0; i < n; i++) {
		const double w = 0.5 - 0.5 * cos(TAU * ((double)i + 0.5) / (double)n);
		const double a = TAU * fmod(hz * (double)(first + i) / srate, 1.0);

		re += w * (double)smp[first + i] * cos(a);
		im += w * (double)smp[first + i] * sin(a);
	}
	return atan2(re, im);
}

double signal_phase_jump(const float *smp, size_t n, double srate, double hz)
{
	const size_t win = (size_t)(srate * 0.010);
	double last = 0.0, worst = 0.0;

	for (size_t at = 0; at + win <= n; at += win) {
		const double ph = phase_of(smp, at, win, srate, hz);

		if (at)
			worst = fmax(worst, fabs(remainder(ph - last, TAU)));
		last = ph;
	}
	return worst;
}
