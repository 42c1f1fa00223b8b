/*
 * test-chirp.c - chirps found again: to the sample, in noise, softer, some missing.
 */
#include <glib.h>
#include <math.h>
#include <string.h>
#include "client/chirp.h"
#include "tests/lib/signal.h"

enum { N = 5 * 48000 };

static float heard[N];

/* The row as it comes back: late, at another loudness, with noise. */
static void comes_back(uint32_t late, float gain, double noise)
{
	uint32_t seed = 7;

	memset(heard, 0, sizeof(heard));
	if (noise > 0)
		signal_noise(heard, N, &seed, noise);
	for (uint32_t i = late; i < N; i++)
		heard[i] += gain * chirp_at(i - late);
}

static void test_late(void)
{
	static const struct { uint32_t late; float gain; double noise; } rows[] = {
		{0, 1, 0}, {1, 1, 0}, {64, 1, 0}, {333, 0.1f, 0}, {4800, 1, 0.01}, {17999, 1, 0}, {960, 1, 0.05}, {700, 0.01f, 0},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct chirp_found f;

		g_test_message("%u", rows[i].late);
		comes_back(rows[i].late, rows[i].gain, rows[i].noise);
		chirp_find(&f, heard, N);
		g_assert_cmpuint(f.sent, >=, 11);
		g_assert_cmpuint(f.heard, ==, f.sent);
		g_assert_cmpuint(f.median_smp, ==, rows[i].late);
		g_assert_cmpuint(f.max_smp - f.min_smp, <=, rows[i].noise > 0 ? 1 : 0);
	}
}

static void test_nothing(void)
{
	struct chirp_found f;
	uint32_t seed = 3;

	memset(heard, 0, sizeof(heard));
	chirp_find(&f, heard, N);
	g_assert_cmpuint(f.heard, ==, 0);
	g_assert_cmpuint(f.sent, >, 0);
	signal_noise(heard, N, &seed, 0.1);
	chirp_find(&f, heard, N);
	g_assert_cmpuint(f.heard, ==, 0);
	chirp_find(&f, heard, 1000);                      /* too short for one */
	g_assert_cmpuint(f.sent, ==, 0);
}

static void test_some(void)
{
	struct chirp_found f;
	uint64_t gone = chirp_begin(3);

	comes_back(240, 1, 0.001);
	for (unsigned i = 0; i < CHIRP_SMP + 480; i++)
		heard[gone + i] = 0;
	/* and from the sixth on it is later: a buffer that grew */
	for (uint64_t i = N - 1; i >= chirp_begin(6) + 240; i--)
		heard[i] = heard[i - 240];
	chirp_find(&f, heard, N);
	g_assert_cmpuint(f.heard, ==, f.sent - 1);
	g_assert_cmpuint(f.min_smp, ==, 240);
	g_assert_cmpuint(f.max_smp, ==, 480);
}

/* Wherever in a frame something is that happens once a frame, a chirp begins there now and then. */
static void test_phases(void)
{
	bool seen[64] = {false};
	unsigned n = 0;

	for (uint64_t k = 0; k < 25; k++) {
		g_assert_cmpfloat(fabsf(chirp_at(chirp_begin(k) + CHIRP_SMP)), ==, 0);
		g_assert_cmpuint(chirp_begin(k + 1) - chirp_begin(k), >, CHIRP_SEEK_SMP);
		n += !seen[chirp_begin(k) % 64];
		seen[chirp_begin(k) % 64] = true;
	}
	g_assert_cmpuint(n, >=, 15);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/chirp/late", test_late);
	g_test_add_func("/chirp/nothing", test_nothing);
	g_test_add_func("/chirp/some", test_some);
	g_test_add_func("/chirp/phases", test_phases);
	return g_test_run();
}
