/*
 * test-signal.c - the judge must be right before it judges: each measure on sounds whose answer is known.
 */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "tests/lib/signal.h"

enum { N = 48000, RATE = 48000 };

static float a[N], b[N];

static void near(double x, double want, double tol)
{
	g_assert_cmpfloat(x, >=, want - tol);
	g_assert_cmpfloat(x, <=, want + tol);
}

static void level(void)
{
	uint32_t seed = 1;

	signal_sine(a, N, 0, RATE, 1000.0, 1.0);
	near(signal_level_db(a, N), -3.01, 0.01);
	signal_noise(a, N, &seed, 0.1);
	near(signal_level_db(a, N), -20.0, 0.1);
	memset(a, 0, sizeof(a));
	near(signal_level_db(a, N), -200.0, 0.0);
	near(signal_level_db(a, 0), -200.0, 0.0);
}

static void blocks_fit(void)
{
	signal_sine(a, N, 0, RATE, 441.0, 0.5);
	signal_sine(b, 1000, 0, RATE, 441.0, 0.5);
	signal_sine(b + 1000, N - 1000, 1000, RATE, 441.0, 0.5);
	g_assert_cmpmem(a, sizeof(a), b, sizeof(b));
}

/* Two tones 60 dB apart, 100 Hz away from each other: each is measured as if it were alone. */
static void tone(void)
{
	signal_sine(a, N, 0, RATE, 1000.0, 0.5);
	signal_sine(b, N, 7, RATE, 1100.0, 0.0005);
	for (size_t i = 0; i < N; i++)
		a[i] += b[i];
	near(signal_tone_peak(a, 9600, RATE, 1000.0), 0.5, 0.001);
	near(20.0 * log10(signal_tone_peak(a, 9600, RATE, 1100.0)), -66.0, 0.5);
	g_assert_cmpfloat(signal_tone_peak(a, 9600, RATE, 3000.0), <, 1e-5);
}

static void snr(void)
{
	static const double want[] = {10.0, 40.0, 80.0};
	uint32_t seed = 3;

	for (unsigned k = 0; k < G_N_ELEMENTS(want); k++) {
		signal_sine(a, N, 11, RATE, 997.0, 0.5);
		signal_noise(b, N, &seed, 0.5 / sqrt(2.0) * pow(10.0, -want[k] / 20.0));
		for (size_t i = 0; i < N; i++)
			a[i] += b[i];
		near(signal_snr_db(a, N, RATE, 997.0), want[k], 0.2);
	}
	g_assert_cmpfloat(signal_snr_db(a, N, RATE, 1500.0), <, -20.0);
}

static void gap(void)
{
	signal_sine(a, N, 0, RATE, 1000.0, 0.5);
	g_assert_cmpuint(signal_gap(a, N, 0.05), <=, 3);
	memset(a + 10000, 0, 960 * sizeof(*a));
	g_assert_cmpuint(signal_gap(a, N, 0.05), >=, 960);
	g_assert_cmpuint(signal_gap(a, N, 0.05), <=, 964);
	g_assert_cmpuint(signal_gap(a, 0, 0.05), ==, 0);
}

static void delay(void)
{
	static const size_t want[] = {0, 1, 57, 480};
	uint32_t seed = 5;

	signal_noise(a, 4000, &seed, 0.1);
	for (unsigned k = 0; k < G_N_ELEMENTS(want); k++) {
		memset(b, 0, sizeof(b));
		memcpy(b + want[k], a, (4000 - want[k]) * sizeof(*a));
		g_assert_cmpuint(signal_delay(b, a, 4000, 500), ==, want[k]);
	}
}

static void clicks(void)
{
	uint32_t seed = 7;

	signal_sine(a, N, 0, RATE, 1000.0, 0.5);
	g_assert_cmpuint(signal_clicks(a, N, RATE, 3.0), ==, 0);
	memmove(a + 10000, a + 10005, 5000 * sizeof(*a));       /* five samples out, five twice */
	g_assert_cmpuint(signal_clicks(a, N, RATE, 3.0), ==, 2);

	signal_chirp(a, N, RATE, 300.0, 2000.0, 0.5);
	g_assert_cmpuint(signal_clicks(a, N, RATE, 12.0), ==, 0);
	a[20000] += 0.4f;
	g_assert_cmpuint(signal_clicks(a, N, RATE, 12.0), ==, 1);

	signal_noise(a, N, &seed, 0.1);
	g_assert_cmpuint(signal_clicks(a, N, RATE, 12.0), ==, 0);
}

static void phase_jump(void)
{
	signal_sine(a, N, 0, RATE, 1000.0, 0.5);
	g_assert_cmpfloat(signal_phase_jump(a, N, RATE, 1000.0), <, 0.001);
	signal_sine(a + N / 2, N / 2, N / 2 + 12, RATE, 1000.0, 0.5);   /* a quarter of a period is gone */
	near(signal_phase_jump(a, N, RATE, 1000.0), M_PI / 2.0, 0.01);
}

static void speech(void)
{
	uint32_t seed = 9, again = 9;
	float top = 0.0f;

	signal_speech(a, N, RATE, &seed, 0.5);
	signal_speech(b, N, RATE, &again, 0.5);
	g_assert_cmpmem(a, sizeof(a), b, sizeof(b));
	for (size_t i = 0; i < N; i++)
		top = fmaxf(top, fabsf(a[i]));
	near((double)top, 0.5, 0.01);
	near(signal_level_db(a, N), -20.0, 6.0);
	g_assert_cmpuint(signal_gap(a, N, 1e-4), >=, RATE * 6 / 100);
	g_assert_cmpuint(signal_gap(a, N, 1e-4), <=, RATE * 27 / 100);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/signal/level", level);
	g_test_add_func("/signal/blocks-fit", blocks_fit);
	g_test_add_func("/signal/tone", tone);
	g_test_add_func("/signal/snr", snr);
	g_test_add_func("/signal/gap", gap);
	g_test_add_func("/signal/delay", delay);
	g_test_add_func("/signal/clicks", clicks);
	g_test_add_func("/signal/phase-jump", phase_jump);
	g_test_add_func("/signal/speech", speech);
	return g_test_run();
}
