/*
 * test-tune.c - the music of a lonely member: its level, its length, no seam, no holes, quick to make.
 */
#include <glib.h>
#include <math.h>
#include <re.h>
#include <string.h>
#include <time.h>

#include "mixer/tune.h"
#include "tests/lib/signal.h"

enum { RATE = 48000 };

/* The highest note's partials bend 35 times as much as the median sample. */
#define CLICK 40.0

static float *loop;
static size_t n;

static void shape(void)
{
	float top = 0.0f;
	double mean = 0.0;

	g_assert_cmpuint(n, >=, 10 * RATE);
	g_assert_cmpuint(n, <=, 20 * RATE);
	for (size_t i = 0; i < n; i++) {
		g_assert_true(isfinite(loop[i]));
		top = fmaxf(top, fabsf(loop[i]));
		mean += (double)loop[i] / (double)n;
	}
	g_test_message("level %.2f dB, peak %.2f dBFS", signal_level_db(loop, n), 20.0 * log10((double)top));
	g_assert_cmpfloat(fabs(signal_level_db(loop, n) + 29.0), <, 1.0);
	g_assert_cmpfloat(top, <, 0.25f);
	g_assert_cmpfloat(fabs(mean), <, 1e-4);
}

/* Twice round: neither the seam nor any note clicks, and the level at the seam is that of elsewhere. */
static void seamless(void)
{
	float *twice = g_malloc(2 * n * sizeof(*twice));
	const size_t half = RATE / 2;
	double step = 0.0;

	memcpy(twice, loop, n * sizeof(*twice));
	memcpy(twice + n, loop, n * sizeof(*twice));
	for (size_t i = 1; i < n; i++)
		step = fmax(step, fabs((double)(loop[i] - loop[i - 1])));
	g_assert_cmpfloat(fabs((double)(loop[0] - loop[n - 1])), <=, step);
	g_assert_cmpuint(signal_clicks(twice, 2 * n, RATE, CLICK), ==, 0);
	g_assert_cmpfloat(fabs(signal_level_db(twice + n - half, 2 * half) + 29.0), <, 4.0);
	twice[n] += 0.005f;                   /* ... and the measure would see a small one */
	g_assert_cmpuint(signal_clicks(twice, 2 * n, RATE, CLICK), ==, 1);
	g_free(twice);
}

/* A phone's listener never takes it for a dead line. */
static void no_holes(void)
{
	for (size_t at = 0; at + RATE / 4 <= n; at += RATE / 4)
		g_assert_cmpfloat(signal_level_db(loop + at, RATE / 4), >, -40.0);
	g_assert_cmpuint(signal_gap(loop, n, 1e-3), <, RATE / 50);
}

/* What a narrow-band phone cannot play is hardly there. */
static void fits_a_phone(void)
{
	double high = 0.0;

	for (double hz = 3400.0; hz < 8000.0; hz += 20.0)       /* a window of 0.2 s is 20 Hz wide */
		high = fmax(high, signal_tone_peak(loop + 2 * RATE, RATE / 5, RATE, hz));
	g_assert_cmpfloat(20.0 * log10(high), <, -70.0);
}

static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void quick_and_the_same(void)
{
	const double before = cpu_ms();
	float *again = NULL;
	size_t n_again;

	g_assert_cmpint(tune_make(&again, &n_again), ==, 0);
	g_test_message("made in %.1f ms", cpu_ms() - before);
#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	g_assert_cmpfloat(cpu_ms() - before, <, 50.0);
#endif
	g_assert_cmpmem(again, n_again * sizeof(*again), loop, n * sizeof(*loop));
	mem_deref(again);
}

int main(int argc, char **argv)
{
	int ret;

	g_test_init(&argc, &argv, NULL);
	if (tune_make(&loop, &n))
		return 1;
	g_test_add_func("/tune/shape", shape);
	g_test_add_func("/tune/seamless", seamless);
	g_test_add_func("/tune/no-holes", no_holes);
	g_test_add_func("/tune/fits-a-phone", fits_a_phone);
	g_test_add_func("/tune/quick-and-the-same", quick_and_the_same);
	ret = g_test_run();
	mem_deref(loop);
	return ret;
}
