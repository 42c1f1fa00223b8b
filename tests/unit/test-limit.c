/*
 * test-limit.c - so many a second and a burst, each source for itself, and a flood of sources takes no memory.
 */
#include <glib.h>
#include "server/limit.h"

static struct sa source(const char *text)
{
	struct sa sa;

	g_assert_cmpint(sa_set_str(&sa, text, 5060), ==, 0);
	return sa;
}

static unsigned take_n(struct limit *l, const struct sa *src, uint64_t now_ms, unsigned n)
{
	unsigned got = 0;

	while (n--)
		got += limit_take(l, src, now_ms);
	return got;
}

static void buckets(void)
{
	struct sa a = source("192.0.2.1"), b = source("192.0.2.2"), c = source("2001:db8::1"), c2 = source("2001:db8::2:1");
	struct limit *l;

	g_assert_cmpint(limit_alloc(&l, 10, 20), ==, 0);
	g_assert_cmpuint(take_n(l, &a, 1000, 100), ==, 20);
	g_assert_cmpuint(take_n(l, &a, 1099, 100), ==, 0);
	g_assert_cmpuint(take_n(l, &a, 1100, 100), ==, 1);
	g_assert_cmpuint(take_n(l, &a, 2100, 100), ==, 10);
	g_assert_cmpuint(take_n(l, &a, 1000000, 100), ==, 20);
	g_assert_cmpuint(take_n(l, &a, 5, 100), ==, 0);           /* the clock went back */
	g_assert_cmpuint(take_n(l, &b, 1000, 100), ==, 20);       /* another source has its own */
	g_assert_cmpuint(take_n(l, &c, 1000, 15), ==, 15);
	g_assert_cmpuint(take_n(l, &c2, 1000, 15), ==, 5);        /* the same /64 */
	mem_deref(l);
	g_assert_cmpint(limit_alloc(&l, 0, 0), ==, 0);
	g_assert_cmpuint(take_n(l, &a, 1000, 1000), ==, 1000);
	mem_deref(l);
}

/* What is given back can be taken again, and no more than there ever was. */
static void given_back(void)
{
	struct sa a = source("192.0.2.1"), b = source("192.0.2.2");
	struct limit *l;

	g_assert_cmpint(limit_alloc(&l, 1, 3), ==, 0);
	g_assert_cmpuint(take_n(l, &a, 1000, 10), ==, 3);
	limit_give(l, &a);
	g_assert_cmpuint(take_n(l, &a, 1000, 10), ==, 1);
	for (int i = 0; i < 10; i++)
		limit_give(l, &a);
	g_assert_cmpuint(take_n(l, &a, 1000, 10), ==, 3);
	limit_give(l, &b);                                        /* it has taken nothing */
	g_assert_cmpuint(take_n(l, &b, 1000, 10), ==, 3);
	mem_deref(l);
}

static void many_sources(void)
{
	struct sa a = source("192.0.2.1"), s;
	struct limit *l;
	unsigned got = 0;

	g_assert_cmpint(limit_alloc(&l, 1, 1), ==, 0);
	for (uint32_t i = 0; i < 100000; i++) {
		sa_set_in(&s, 0x0a000000 + i, 5060);
		g_assert_true(limit_take(l, &s, 1000 + i / 1000));
		/* One that keeps coming keeps its bucket: it is never the quietest for long. */
		got += limit_take(l, &a, 1000 + i / 1000);
	}
	g_assert_cmpuint(got, <=, 60);
	mem_deref(l);
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/limit/buckets", buckets);
	g_test_add_func("/limit/given-back", given_back);
	g_test_add_func("/limit/many-sources", many_sources);
	return g_test_run();
}
