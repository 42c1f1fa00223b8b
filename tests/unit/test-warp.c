/*
 * test-warp.c - sines played faster and slower: nothing but the pitch may change, and of that no more than asked for.
 */
#include <errno.h>
#include <glib.h>
#include <math.h>
#include <string.h>
#include <re.h>

#include "mixer/warp.h"
#include "tests/lib/signal.h"

enum { RATE = 48000, N = 2 * RATE };

static float in[2 * N], out[2 * N + 4096];

/* Without an end. */
static size_t warp(struct warp *w, float *to, const float *from, size_t n, float ppm)
{
	uint64_t endless = UINT64_MAX;

	return warp_slip_rt(w, to, from, n, ppm, &endless);
}

/* The most that can come out. */
static size_t most(size_t n)
{
	return n + n * WARP_PPM_MAX / (1000000 - WARP_PPM_MAX) + 2;
}

/* n samples in frames of `frame`; returns how many came out. */
static size_t run(struct warp *w, size_t n, size_t frame, uint8_t ch, float ppm)
{
	size_t got = 0;

	for (size_t at = 0; at < n; at += frame) {
		const size_t len = n - at < frame ? n - at : frame, made = warp(w, out + got * ch, in + at * ch, len, ppm);

		g_assert_cmpuint(made, <=, most(len));
		got += made;
	}
	return got;
}

static void counts(void)
{
	static const float ppm[] = {0, 1, -1, 50, 200, -200, 1000, -5000, 5000, 0.01f};

	for (unsigned i = 0; i < G_N_ELEMENTS(ppm); i++) {
		struct warp w;
		size_t got;

		g_assert_cmpint(warp_init(&w, 1), ==, 0);
		got = run(&w, N, 441, 1, ppm[i]);
		g_assert_cmpfloat(fabs((double)got - N / (1.0 + (double)ppm[i] * 1e-6)), <=, 1.0);
	}
}

static void snr(void)
{
	static const struct { double hz; float ppm; double least; } row[] = {
		{100, 200, 90}, {1000, 200, 75}, {1000, -200, 75}, {4000, 37, 70}, {10000, -200, 70}, {15000, 200, 70}, {19000, 200, 70},
		{1000, 5000, 70}, {1000, -5000, 70},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(row); i++) {
		const double hz = row[i].hz * (1.0 + (double)row[i].ppm * 1e-6);
		struct warp w;
		double db, peak;
		size_t got;

		g_assert_cmpint(warp_init(&w, 1), ==, 0);
		signal_sine(in, N, 0, RATE, row[i].hz, 0.5);
		got = run(&w, N, 480, 1, row[i].ppm);
		db = signal_snr_db(out + 2000, got - 2000, RATE, hz);
		peak = 20 * log10(signal_tone_peak(out + 2000, got - 2000, RATE, hz) / 0.5);
		g_test_message("%g Hz, %+g ppm: SNR %.1f dB, level %+.3f dB", row[i].hz, (double)row[i].ppm, db, peak);
		g_assert_cmpfloat(db, >, row[i].least);
		g_assert_cmpfloat(fabs(peak), <, 0.1);
	}
}

/* A right clock: the same samples, WARP_DELAY later, in both channels. */
static void straight(void)
{
	uint32_t seed = 1;
	struct warp w;

	g_assert_cmpint(warp_init(&w, 2), ==, 0);
	signal_noise(in, 2 * N, &seed, 0.3);
	g_assert_cmpuint(run(&w, N, 120, 2, 0), ==, N);
	for (size_t i = 0; i < 2 * (N - WARP_DELAY); i++)
		g_assert_cmpfloat(fabs((double)(out[i + 2 * WARP_DELAY] - in[i])), <, 1e-6);
}

/* The speed moves all the time, as drift.h moves it and faster: no click, no step of the phase. */
static void moving(void)
{
	struct warp w;
	size_t got = 0;

	g_assert_cmpint(warp_init(&w, 1), ==, 0);
	signal_sine(in, N, 0, RATE, 1000.0, 0.5);
	for (size_t at = 0; at < N; at += 480)
		got += warp(&w, out + got, in + at, 480, (float)(500.0 * sin((double)at / 5000.0)));
	g_assert_cmpuint(signal_clicks(out + 100, got - 100, RATE, 2.0), ==, 0);
	g_assert_cmpfloat(signal_phase_jump(out + 100, got - 100, RATE, 1000.0), <, 0.05);
	g_assert_cmpfloat(signal_snr_db(out + 100, 4000, RATE, 1000.0), >, 30.0);
}

static void stereo_reset_bad(void)
{
	struct warp w;
	size_t got;

	g_assert_cmpint(warp_init(NULL, 1), ==, EINVAL);
	g_assert_cmpint(warp_init(&w, 0), ==, EINVAL);
	g_assert_cmpint(warp_init(&w, 3), ==, EINVAL);
	g_assert_cmpint(warp_init(&w, 2), ==, 0);
	for (size_t i = 0; i < N; i++) {
		in[2 * i] = (float)sin((double)i * 0.1);
		in[2 * i + 1] = -0.5f * in[2 * i];
	}
	got = run(&w, N, 64, 2, 150);
	for (size_t i = 0; i < got; i++)
		g_assert_cmpfloat(fabs((double)(out[2 * i + 1] + 0.5f * out[2 * i])), <, 1e-6);

	warp_reset_rt(&w, 2);
	memset(in, 0, sizeof(in));
	got = run(&w, 1000, 64, 2, NAN);   /* as if it were 0 */
	g_assert_cmpuint(got, ==, 1000);
	for (size_t i = 0; i < 2 * got; i++)
		g_assert_true(out[i] == 0.0f);
}

static void cost(void)
{
	for (uint8_t ch = 1; ch <= 2; ch++) {
		struct warp w;
		gint64 t;

		g_assert_cmpint(warp_init(&w, ch), ==, 0);
		signal_sine(in, N, 0, RATE, 440.0, 0.5);
		t = g_get_monotonic_time();
		g_assert_cmpuint(run(&w, N, 480, ch, 123), >, 0);
		g_test_message("%u ch: %.2f us for 10 ms", ch, (double)(g_get_monotonic_time() - t) / (N / 480));
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/warp/counts", counts);
	g_test_add_func("/warp/snr", snr);
	g_test_add_func("/warp/straight", straight);
	g_test_add_func("/warp/moving", moving);
	g_test_add_func("/warp/stereo-reset-bad", stereo_reset_bad);
	g_test_add_func("/warp/cost", cost);
	return g_test_run();
}
