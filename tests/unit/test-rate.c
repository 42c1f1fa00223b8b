/*
 * test-rate.c - token buckets: how many at once, how many a second, of whom; and no more memory for more keys.
 */
#include <glib.h>
#include "web/rate.h"

enum { SECOND = 1000000 };

static unsigned taken(struct rate *r, const char *key, int64_t now, unsigned tries)
{
	unsigned n = 0;

	while (tries--)
		n += rate_take(r, key, now);
	return n;
}

static void test_one(void)
{
	struct rate *r = rate_new(10, 20);

	g_assert_cmpuint(taken(r, "a", SECOND, 100), ==, 20);
	g_assert_cmpuint(taken(r, "a", SECOND + SECOND / 2, 100), ==, 5);
	g_assert_cmpuint(taken(r, "b", SECOND + SECOND / 2, 100), ==, 20);
	g_assert_cmpuint(taken(r, "a", 100 * SECOND, 100), ==, 20);
	g_assert_cmpuint(taken(r, "a", 99 * SECOND, 100), ==, 0);     /* a clock that goes back gives nothing */
	g_free(r);
}

static void test_none(void)
{
	struct rate *r = rate_new(0, 0), *named = rate_new(1, 1);

	g_assert_cmpuint(taken(r, "a", SECOND, 1000), ==, 1000);
	g_assert_cmpuint(taken(named, "", SECOND, 1000), ==, 1000);   /* the administrator's token has no name */
	g_free(r);
	g_free(named);
}

static void test_many(void)
{
	struct rate *r = rate_new(10, 10);
	unsigned n = 0;

	for (int i = 0; i < 100000; i++) {
		char key[16];

		g_snprintf(key, sizeof(key), "k%d", i);
		n += rate_take(r, key, SECOND);
	}
	g_assert_cmpuint(n, ==, 100000);
	g_assert_cmpuint(taken(r, "k99999", SECOND, 100), ==, 9);
	g_free(r);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/rate/one", test_one);
	g_test_add_func("/rate/none", test_none);
	g_test_add_func("/rate/many", test_many);
	return g_test_run();
}
