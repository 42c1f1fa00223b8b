/*
 * test-sharedclock.c - the server's clock as a client knows it, over a network with jitter: never further off than it says.
 */
#include <errno.h>
#include <glib.h>
#include <math.h>
#include <string.h>
#include "osc/sharedclock.h"

/* The server's clock by the client's: off by so much, and faster by so many ppm. */
struct world { double off_us, ppm; uint64_t now_us; };

static uint64_t server(const struct world *w, uint64_t us)
{
	return (uint64_t)((double)us + w->off_us + ((double)us - 1e9) * w->ppm / 1e6);
}

static uint64_t way(double least_us, double jitter_us)
{
	double q = g_test_rand_double();

	return (uint64_t)(least_us + jitter_us * q * q * q);      /* mostly short, sometimes long */
}

static void exchange(struct sharedclock *c, struct world *w, double there_us, double back_us, double jitter_us)
{
	uint64_t t0 = w->now_us, t1 = t0 + way(there_us, jitter_us), t2 = t1 + 50, t3 = t2 + way(back_us, jitter_us);

	g_assert_cmpint(sharedclock_add(c, t0, server(w, t1), server(w, t2), t3), ==, 0);
	w->now_us = t3;
}

static void accuracy(void)
{
	static const struct { double ppm, there, back, jitter; } table[] = {
		{0, 200, 200, 0}, {0, 200, 200, 5000}, {50, 10000, 10000, 20000}, {-80, 10000, 10000, 20000}, {90, 5000, 15000, 30000},
		{30, 100, 30000, 1000}, {-100, 50, 50, 200000},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		struct world w = {.off_us = 1e12 * (g_test_rand_double() - 0.0), .ppm = table[i].ppm, .now_us = 1000000000};
		struct sharedclock c;
		double worst = 0;

		sharedclock_init(&c);
		for (int n = 0; n < 2000; n++) {
			struct sharedtime t;
			double wrong;

			exchange(&c, &w, table[i].there, table[i].back, table[i].jitter);
			w.now_us += (uint64_t)g_test_rand_int_range(100000, 2000000);
			g_assert_cmpint(sharedclock_at(&c, &t, w.now_us), ==, 0);
			wrong = fabs((double)(int64_t)(t.server_us - server(&w, w.now_us)));
			g_assert_cmpfloat(wrong, <=, t.accuracy_us);
			if (n > 100)
				worst = fmax(worst, wrong);
		}
		g_test_message("ppm %.0f ways %.0f+%.0f jitter %.0f: never off by more than %.0f us", table[i].ppm, table[i].there,
			       table[i].back, table[i].jitter, worst);
		g_assert_cmpfloat(worst, <, fabs(table[i].there - table[i].back) / 2 + table[i].jitter / 5 + 500);
	}
}

static void samples(void)
{
	struct world w = {.off_us = 5e9, .ppm = 40, .now_us = 1000000000};
	struct sharedclock c;
	struct sharedtime t;

	sharedclock_init(&c);
	g_assert_cmpuint(sharedclock_rtt_us(&c), ==, 0);
	g_assert_cmpint(sharedclock_at(&c, &t, 1), ==, EAGAIN);
	for (int n = 0; n < 30; n++) {
		exchange(&c, &w, 300, 300, 2000);
		w.now_us += 1000000;
	}
	for (int i = -20; i <= 20; i++) {
		uint64_t ask = w.now_us + (uint64_t)(i * 100000LL);

		g_assert_cmpint(sharedclock_at(&c, &t, ask), ==, 0);
	}
	g_assert_cmpfloat(fabs(t.drift_ppm - 40), <, 60);
	g_assert_cmpuint(sharedclock_rtt_us(&c), >=, 590 - 8 * 40);        /* both ways at their best, nearly; less what drifts meanwhile */
	g_assert_cmpuint(sharedclock_rtt_us(&c), <, 1500);
}

static void impossible(void)
{
	struct sharedtime far;
	struct sharedclock c;

	sharedclock_init(&c);
	g_assert_cmpint(sharedclock_add(&c, 10, 0, 0, 9), ==, EBADMSG);
	g_assert_cmpint(sharedclock_add(&c, 10, 5, 4, 20), ==, EBADMSG);
	g_assert_cmpint(sharedclock_add(&c, 10, 0, 100, 20), ==, EBADMSG);
	g_assert_cmpint(sharedclock_add(&c, 0, 0, 0, SHAREDCLOCK_RTT_MAX_US + 1), ==, EBADMSG);
	g_assert_cmpuint(c.n, ==, 0);
	g_assert_cmpint(sharedclock_add(&c, UINT64_MAX - 5, 3, 4, UINT64_MAX), ==, 0);
	/* 2^63 us later nothing is known of it: as much as can be said, not what is left of a larger number. */
	g_assert_cmpint(sharedclock_at(&c, &far, INT64_MAX), ==, 0);
	g_assert_cmpuint(far.accuracy_us, ==, UINT32_MAX);
	for (int i = 0; i < 100000; i++) {
		struct sharedtime t;

		(void)sharedclock_add(&c, (uint64_t)g_test_rand_int() << 32, (uint64_t)g_test_rand_int() << 33, UINT64_MAX >> (i % 64),
				      (uint64_t)g_test_rand_int() << 32);
		(void)sharedclock_at(&c, &t, (uint64_t)g_test_rand_int());
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/sharedclock/accuracy", accuracy);
	g_test_add_func("/sharedclock/samples", samples);
	g_test_add_func("/sharedclock/impossible", impossible);
	return g_test_run();
}
