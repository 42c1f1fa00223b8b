/*
 * test-cn.c - comfort noise: the level of the packet is the level heard,
 * the spectrum is the packet's, nothing explodes.
 */
#include <errno.h>
#include <glib.h>
#include <math.h>
#include <string.h>

#include "mixer/cn.h"
#include "mixer/level.h"
#include "tests/lib/signal.h"

enum { N = 32000, RATE = 8000, SETTLE = 4000 };

static float smp[N];

static double heard_db(struct cn *c)
{
	cn_fill_rt(c, smp, N);
	return signal_level_db(smp + SETTLE, N - SETTLE);
}

static void levels(void)
{
	static const struct { size_t len; uint8_t b[20]; double tol; } row[] = {
		{1, {40}, 0.5}, {1, {60}, 0.5}, {1, {78}, 0.5}, {1, {20}, 0.5},
		{2, {50, 127}, 0.5},
		{2, {50, 20}, 0.8},               /* k = -0.84: low frequencies */
		{2, {50, 230}, 0.8},              /* k = +0.81: high */
		{11, {45, 80, 150, 110, 127, 140, 127, 127, 120, 130, 127}, 0.8},
		{3, {50, 127, 255}, 0.5},         /* reserved index: as if none */
		{20, {50, 90, 150, 90, 150, 90, 150, 90, 150, 90, 150, 90, 150, 90, 150, 90, 150, 0, 254, 0}, 0.8},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(row); i++) {
		struct cn c;
		double db;

		cn_init(&c, 77 + i);
		g_assert_cmpint(cn_parse_rt(&c, row[i].b, row[i].len), ==, 0);
		db = heard_db(&c);
		g_test_message("%zu bytes, -%u dBov: %.2f dB", row[i].len, row[i].b[0], db);
		g_assert_cmpfloat(fabs(db + row[i].b[0]), <, row[i].tol);
	}
}

static void malformed(void)
{
	struct cn c;

	cn_init(&c, 1);
	g_assert_cmpint(cn_parse_rt(&c, (const uint8_t *)"", 0), ==, EBADMSG);
	g_assert_cmpfloat(heard_db(&c), ==, -200.0);      /* still silent */
	g_assert_cmpint(cn_parse_rt(&c, (const uint8_t *)"\xa8", 1), ==, 0);
	g_assert_cmpfloat(fabs(heard_db(&c) + 40.0), <, 0.5);     /* the unused bit is not part of the level */
}

static double band_db(double from, double to)
{
	double power = 0.0;

	for (double hz = from; hz < to; hz += 50.0) {
		const double a = signal_tone_peak(smp + SETTLE, N - SETTLE, RATE, hz);

		power += a * a;
	}
	return 10.0 * log10(power / ((to - from) / 50.0));
}

/* k1 < 0 is a room full of low frequencies: RFC 3389 speaks of the coefficients of the predictor's lattice, where the
 * first one of a correlated signal is negative. */
static void spectrum(void)
{
	static const struct { uint8_t index; int sign; } row[] = {{27, 1}, {227, -1}, {127, 0}};

	for (unsigned i = 0; i < G_N_ELEMENTS(row); i++) {
		const uint8_t b[] = {40, row[i].index};
		struct cn c;
		double tilt;

		cn_init(&c, 5);
		g_assert_cmpint(cn_parse_rt(&c, b, sizeof(b)), ==, 0);
		(void)heard_db(&c);
		tilt = band_db(200.0, 800.0) - band_db(3200.0, 3800.0);
		g_test_message("index %u: low over high %.1f dB", row[i].index, tilt);
		if (row[i].sign)
			g_assert_cmpfloat(tilt * row[i].sign, >, 8.0);
		else
			g_assert_cmpfloat(fabs(tilt), <, 4.0);
	}
}

/* Every payload of hostile coefficients, changed all the time, stays a number under full scale. */
static void hostile(void)
{
	uint32_t seed = 3;
	struct cn c;

	cn_init(&c, 1);
	for (int turn = 0; turn < 2000; turn++) {
		uint8_t b[40];
		float x[40];

		signal_noise(x, G_N_ELEMENTS(x), &seed, 0.57);
		for (unsigned i = 0; i < sizeof(b); i++)
			b[i] = turn % 3 ? (x[i] > 0.0f ? 254 : 0) : (uint8_t)(int)(x[i] * 127.0f);
		b[0] &= 0x7f;
		g_assert_cmpint(cn_parse_rt(&c, b, 1 + (size_t)turn % sizeof(b)), ==, 0);
		cn_fill_rt(&c, smp, 160);
		for (int i = 0; i < 160; i++)
			g_assert_true(fabsf(smp[i]) <= 1.0f);
	}
	cn_set_level_rt(&c, 60);
	g_assert_cmpfloat(fabs(heard_db(&c) + 60.0), <, 0.5);
}

/* A change of level glides; 127 is silence. */
static void no_click(void)
{
	struct cn c;
	float first;

	cn_init(&c, 1);
	cn_set_level_rt(&c, 30);
	cn_fill_rt(&c, &first, 1);
	g_assert_cmpfloat(fabsf(first), <, 0.002f);
	g_assert_cmpfloat(fabs(heard_db(&c) + 30.0), <, 0.5);
	cn_set_level_rt(&c, 127);
	cn_fill_rt(&c, smp, N);
	g_assert_cmpfloat(signal_level_db(smp, 40), >, -40.0);
	g_assert_cmpuint(level_dbov_rt(smp + N - 100, 100), ==, 127);
}

static void two_differ(void)
{
	static float b[N];
	struct cn c, d;

	cn_init(&c, 1);
	cn_init(&d, 2);
	cn_set_level_rt(&c, 40);
	cn_set_level_rt(&d, 40);
	cn_fill_rt(&c, smp, N);
	cn_fill_rt(&d, b, N);
	for (int i = 0; i < N; i++)
		smp[i] += b[i];
	g_assert_cmpfloat(fabs(signal_level_db(smp + SETTLE, N - SETTLE) + 37.0), <, 0.5);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/cn/levels", levels);
	g_test_add_func("/cn/malformed", malformed);
	g_test_add_func("/cn/spectrum", spectrum);
	g_test_add_func("/cn/hostile", hostile);
	g_test_add_func("/cn/no-click", no_click);
	g_test_add_func("/cn/two-differ", two_differ);
	return g_test_run();
}
