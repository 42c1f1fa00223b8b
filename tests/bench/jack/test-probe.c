/*
 * test-probe.c - the instrument is judged: a chirp is found where it is, however loud, in noise, and nowhere else.
 */
#include <glib.h>
#include <math.h>
#include "probe.h"

enum { N = 9600 };

static void noise(float *smp, size_t n, double peak)
{
	for (size_t i = 0; i < n; i++)
		smp[i] = (float)((2 * g_test_rand_double() - 1) * peak);
}

static void lay(float *smp, size_t at, double gain)
{
	float probe[PROBE_SMP];

	probe_make(probe);
	for (size_t i = 0; i < PROBE_SMP; i++)
		smp[at + i] += (float)(gain * (double)probe[i]);
}

static void test_place(void)
{
	static const struct { size_t at; double gain, noise, within; } rows[] = {
		{1, 1, 0, 0.01}, {4711, 1, 0, 0.01}, {N - PROBE_SMP - 1, 1, 0, 0.01},
		{1000, 0.2, 0, 0.01}, {1000, -1, 0, 0.01}, {5000, 1, 0.1, 0.5}, {5000, 0.5, 0.05, 0.5},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		float smp[N];
		struct probe_hit hit;

		noise(smp, N, rows[i].noise);
		lay(smp, rows[i].at, rows[i].gain);
		g_assert_true(probe_find(&hit, smp, N));
		g_assert_cmpfloat(fabs(hit.at - (double)rows[i].at), <=, rows[i].within);
		g_assert_cmpfloat(fabs(hit.level_db - 20 * log10(fabs(rows[i].gain))), <, 1);
	}
}

/* Half a sample between two: what a resampler does. */
static void test_between(void)
{
	float smp[N] = {0};
	struct probe_hit hit;

	lay(smp, 300, 0.5);
	lay(smp, 301, 0.5);
	g_assert_true(probe_find(&hit, smp, N));
	g_assert_cmpfloat(fabs(hit.at - 300.5), <, 0.1);
}

static void test_nothing(void)
{
	float smp[N] = {0};
	struct probe_hit hit;

	g_assert_false(probe_find(&hit, smp, N));
	for (unsigned i = 0; i < 20; i++) {
		noise(smp, N, 0.4);
		g_assert_false(probe_find(&hit, smp, N));
	}
	for (size_t i = 0; i < N; i++)
		smp[i] = (float)(0.5 * sin(0.06 * (double)i));
	g_assert_false(probe_find(&hit, smp, N));
}

static void test_figures(void)
{
	double v[100];
	struct probe_figures f;

	for (unsigned i = 0; i < 100; i++)
		v[i] = 99 - i;
	probe_figures(&f, v, 100);
	g_assert_cmpfloat(f.least, ==, 0);
	g_assert_cmpfloat(f.p50, ==, 50);
	g_assert_cmpfloat(f.p95, ==, 95);
	g_assert_cmpfloat(f.most, ==, 99);
	probe_figures(&f, v, 0);
	g_assert_cmpuint(f.n, ==, 0);
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/probe/place", test_place);
	g_test_add_func("/probe/between", test_between);
	g_test_add_func("/probe/nothing", test_nothing);
	g_test_add_func("/probe/figures", test_figures);
	return g_test_run();
}
