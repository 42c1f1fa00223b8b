/*
 * test-arrival.c - transits in, base and spread out.
 */
#include <glib.h>
#include "mixer/arrival.h"

enum { RANGE_MS = 128 };          /* bins of 1 ms */

struct feeder { struct arrival a; uint64_t now_us; };

/* n packets, 20 ms apart, all of one transit */
static void feed(struct feeder *f, unsigned n, int64_t transit_us)
{
	for (; n; n--, f->now_us += 20000)
		arrival_add_rt(&f->a, transit_us, f->now_us);
}

static void test_first(void)
{
	struct feeder f = { .now_us = 77 };

	arrival_init(&f.a, RANGE_MS, 100);
	g_assert_false(arrival_any(&f.a));
	g_assert_cmpuint(f.a.spread_us, ==, 0);
	feed(&f, 1, -5000000);
	g_assert_true(arrival_any(&f.a));
	g_assert_cmpint(f.a.base_us, ==, -5000000);
	g_assert_cmpuint(f.a.spread_us, ==, 0);
	g_assert_cmpuint(f.a.jitter_q4, ==, 0);
	feed(&f, 1, -5000000 + 300);
	g_assert_cmpuint(f.a.spread_us, ==, 300);
	g_assert_cmpuint(f.a.jitter_q4, ==, 300);
}

static void test_grows_at_once(void)
{
	struct feeder f = { 0 };

	arrival_init(&f.a, RANGE_MS, 100);
	feed(&f, 50, 0);
	feed(&f, 1, 40500);               /* one of 51: more than one in a hundred */
	g_assert_cmpuint(f.a.spread_us, ==, 40500);
	feed(&f, 49, 0);                  /* one of 100: no more */
	g_assert_cmpuint(f.a.spread_us, ==, 1000);
	feed(&f, 2, 40500);               /* three of 102 */
	g_assert_cmpuint(f.a.spread_us, ==, 40500);
	feed(&f, 1, 9000000);             /* out of range counts as the range, and is one of the hundred */
	g_assert_cmpuint(f.a.spread_us, <=, 128000);
}

/* Faster packets move everything up, by whole bins of a common grid; forgetting them moves it down within 8 seconds. */
static void test_moves(void)
{
	struct feeder f = { 0 };

	arrival_init(&f.a, RANGE_MS, 100);
	feed(&f, 400, 50000);
	g_assert_cmpuint(f.a.spread_us, ==, 0);
	feed(&f, 10, 20300);
	g_assert_cmpint(f.a.base_us, ==, 20300);
	g_assert_cmpint(f.a.spread_us, >=, 29700);
	g_assert_cmpint(f.a.spread_us, <=, 31000);
	feed(&f, 150, 50000);
	g_assert_cmpint(f.a.base_us, ==, 20300);
	feed(&f, 250, 50000);
	g_assert_cmpint(f.a.base_us, ==, 50000);
	g_assert_cmpuint(f.a.spread_us, <=, 2000);
	feed(&f, 1, -3000000);            /* further than the range: the old ones end in the last bin */
	g_assert_cmpint(f.a.base_us, ==, -3000000);
	g_assert_cmpuint(f.a.spread_us, ==, 128000);
	feed(&f, 401, -3000000);
	g_assert_cmpuint(f.a.spread_us, ==, 0);
}

/* A sender that pauses long does not lose what was known to the clock alone. */
static void test_sparse(void)
{
	struct feeder f = { 0 };

	arrival_init(&f.a, RANGE_MS, 100);
	for (unsigned i = 0; i < 19; i++, f.now_us += 1000000)
		arrival_add_rt(&f.a, i % 2 ? 30000 : 0, f.now_us);
	g_assert_cmpint(f.a.base_us, ==, 0);
	g_assert_cmpuint(f.a.spread_us, ==, 30000);
}

static void test_jitter(void)
{
	struct feeder f = { 0 };

	arrival_init(&f.a, RANGE_MS, 100);
	for (unsigned i = 0; i < 500; i++)
		feed(&f, 1, i % 2 ? 5000 : 0);
	g_assert_cmpuint(f.a.jitter_q4 >> 4, >=, 4990);
	g_assert_cmpuint(f.a.jitter_q4 >> 4, <=, 5000);
	arrival_clear_rt(&f.a);
	g_assert_false(arrival_any(&f.a));
	g_assert_cmpuint(f.a.jitter_q4, ==, 0);
	g_assert_cmpuint(f.a.bin_us, ==, 1000);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/arrival/first", test_first);
	g_test_add_func("/arrival/grows-at-once", test_grows_at_once);
	g_test_add_func("/arrival/moves", test_moves);
	g_test_add_func("/arrival/sparse", test_sparse);
	g_test_add_func("/arrival/jitter", test_jitter);
	return g_test_run();
}
