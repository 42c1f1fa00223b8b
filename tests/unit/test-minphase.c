/*
 * test-minphase.c - filters whose minimum-phase twin is known, and the properties that make one.
 */
#include <glib.h>
#include <complex.h>
#include <math.h>
#include <string.h>

#include "mixer/minphase.h"

static double loudness(const double *tap, size_t n, double w)
{
	double complex sum = 0.0;

	for (size_t i = 0; i < n; i++)
		sum += tap[i] * cexp(-I * w * (double)i);
	return cabs(sum);
}

/* A zero outside the circle comes in: 1 + z^-1/r for r + z^-1; what has its zeros inside stays. */
static const struct { const char *name; size_t n; double in[4], out[4]; } rows[] = {
	{"nothing-but-a-gain", 1, {0.5}, {0.5}},
	{"late", 3, {0, 0, 1}, {1, 0, 0}},
	{"minimal-stays", 3, {0.8, 0.3, -0.1}, {0.8, 0.3, -0.1}},
	{"maximal-turns-round", 3, {-0.1, 0.3, 0.8}, {0.8, 0.3, -0.1}},
	{"one-zero-comes-in", 3, {0.3, 0.85, 0.5}, {0.6, 0.8, 0.25}},
	{"sign-is-lost", 2, {-0.8, -0.2}, {0.8, 0.2}},
};

static void known(gconstpointer data)
{
	const size_t i = GPOINTER_TO_UINT(data);
	double tap[4];

	memcpy(tap, rows[i].in, sizeof(tap));
	g_assert_cmpint(minphase(tap, rows[i].n, 1e-6), ==, 0);
	for (size_t k = 0; k < rows[i].n; k++)
		g_assert_cmpfloat_with_epsilon(tap[k], rows[i].out[k], 1e-4);
}

/* A low pass of linear phase: as loud everywhere, and its weight moves from the middle to the front. */
static void low_pass(void)
{
	enum { N = 101 };
	double tap[N], before[N], sum = 0.0, early = 0.0, early_before = 0.0;

	for (int i = 0; i < N; i++) {
		const double t = i - (N - 1) / 2.0, w = 0.5 - 0.5 * cos(2 * G_PI * (i + 1) / (N + 1));

		tap[i] = w * (t == 0.0 ? 0.25 : sin(0.25 * G_PI * t) / (G_PI * t));
		sum += tap[i];
	}
	for (int i = 0; i < N; i++)
		before[i] = tap[i] /= sum;
	g_assert_cmpint(minphase(tap, N, 1e-5), ==, 0);
	for (double w = 0.0; w <= G_PI; w += 0.01)
		g_assert_cmpfloat_with_epsilon(loudness(tap, N, w), loudness(before, N, w), 5e-4);
	for (int i = 0; i < N; i++) {
		early += tap[i] * tap[i];
		early_before += before[i] * before[i];
		g_assert_cmpfloat(early, >=, early_before - 1e-4);     /* of all filters as loud, the one with most energy soonest */
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		char *path = g_strdup_printf("/minphase/%s", rows[i].name);

		g_test_add_data_func(path, GUINT_TO_POINTER(i), known);
		g_free(path);
	}
	g_test_add_func("/minphase/low-pass", low_pass);
	return g_test_run();
}
