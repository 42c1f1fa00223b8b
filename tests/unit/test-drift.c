/*
 * test-drift.c - a sender whose clock is wrong, and a network: what is known of the clock?
 */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "mixer/drift.h"

enum { CLOCK = 8000 };

static uint32_t rnd(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* Packets every 20 ms from a sender of so many ppm over a network of `base_us` and 5 ms of jitter, for n packets. */
static void packets(struct drift *d, double ppm, unsigned first, unsigned n, double base_us, uint32_t *seed)
{
	for (unsigned k = first; k < first + n; k++)
		drift_packet_rt(d, k * 160, (uint64_t)(1e6 + k * 20000.0 / (1 + ppm * 1e-6) + base_us + rnd(seed) % 5000));
}

/* A route that becomes 30 ms longer, then 20 shorter: the estimate stays. Not known before half a minute. */
static void routes(void)
{
	uint32_t seed = 3;
	struct drift d;
	float est = 0;

	drift_init(&d, CLOCK);
	packets(&d, 80, 0, 1000, 20000, &seed);
	g_assert_false(drift_known(&d, &est));
	packets(&d, 80, 1000, 5000, 20000, &seed);
	for (unsigned at = 6000; at < 18000; at += 200) {
		packets(&d, 80, at, 200, at < 12000 ? 50000 : 30000, &seed);
		g_assert_true(drift_known(&d, &est));
		g_assert_cmpfloat(fabs((double)est - 80), <, 15.0);
	}
	g_assert_cmpfloat(fabs((double)est - 80), <, 3.0);

	/* a sender that begins anew with other timestamps is the same clock */
	packets(&d, 80, 0x10000000, 1000, 20000, &seed);
	g_assert_true(drift_known(&d, &est));
	g_assert_cmpfloat(fabs((double)est - 80), <, 5.0);
	drift_reset_rt(&d);
	g_assert_false(drift_known(&d, &est));
}

/* Whatever timestamps and delays come: numbers within their bounds. */
static void nonsense(void)
{
	uint32_t seed = 9;
	uint64_t now_us = 0;
	struct drift d;
	float est;

	drift_init(&d, CLOCK);
	for (unsigned i = 0; i < 200000; i++) {
		now_us += rnd(&seed) % (i % 1000 ? 20000 : 20000000);
		drift_packet_rt(&d, i % 3 ? i * 160 : rnd(&seed) << 8, now_us);
		if (drift_known(&d, &est))
			g_assert_true(est >= -500 && est <= 500);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/drift/routes", routes);
	g_test_add_func("/drift/nonsense", nonsense);
	return g_test_run();
}
