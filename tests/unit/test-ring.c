/*
 * test-ring.c - order, bounds, and a million numbers between two real threads.
 */
#include <errno.h>
#include <glib.h>
#include <re.h>
#include "mixer/ring.h"

static void test_bad(void)
{
	struct ring *r = NULL;

	g_assert_cmpint(ring_alloc(&r, 0, 4), ==, EINVAL);
	g_assert_cmpint(ring_alloc(&r, 4, 0), ==, EINVAL);
	g_assert_cmpint(ring_alloc(&r, 4, UINT32_MAX), ==, EINVAL);
	g_assert_cmpint(ring_alloc(&r, SIZE_MAX / 2, 4), ==, EOVERFLOW);
	g_assert_null(r);
}

/* Fill, refuse, empty, refuse; again and again, so that the counters pass the ring's end many times. */
static void test_bounds(void)
{
	static const struct { uint32_t asked, holds; } row[] = { {1, 1}, {2, 2}, {3, 4}, {8, 8}, {100, 128} };

	for (size_t i = 0; i < G_N_ELEMENTS(row); i++) {
		struct ring *r = NULL;
		uint64_t in = 0, out = 0, v;

		g_assert_cmpint(ring_alloc(&r, sizeof(v), row[i].asked), ==, 0);
		for (int round = 0; round < 5; round++) {
			for (uint32_t n = 0; n < row[i].holds; n++, in++)
				g_assert_cmpint(ring_push(r, &in), ==, 0);
			g_assert_cmpint(ring_push(r, &in), ==, ENOSPC);
			g_assert_cmpuint(ring_count(r), ==, row[i].holds);

			while (ring_pop(r, &v) == 0)
				g_assert_cmpuint(v, ==, out++);
			g_assert_cmpuint(out, ==, in);
			g_assert_cmpuint(ring_count(r), ==, 0);

			/* shift the phase, so that full does not always fall on the same place */
			g_assert_cmpint(ring_push(r, &in), ==, 0);
			in++;
			g_assert_cmpint(ring_pop(r, &v), ==, 0);
			g_assert_cmpuint(v, ==, out++);
		}
		mem_deref(r);
	}
}

struct big { uint64_t a; char text[37]; uint64_t b; };

enum { N_THREADED = 1000000 };

static void *writer(void *arg)
{
	struct ring *r = arg;

	for (uint64_t i = 0; i < N_THREADED; i++) {
		const struct big e = { .a = i, .text = "tutti", .b = ~i };

		while (ring_push(r, &e))
			g_thread_yield();
	}

	return NULL;
}

/* Both halves of an element must belong together: a torn or early read would show as a != ~b or out of order. */
static void test_threads(void)
{
	struct ring *r = NULL;
	GThread *t;
	uint64_t next = 0;

	g_assert_cmpint(ring_alloc(&r, sizeof(struct big), 256), ==, 0);
	t = g_thread_new("writer", writer, r);

	while (next < N_THREADED) {
		struct big e;

		g_assert_cmpuint(ring_count(r), <=, 256);
		if (ring_pop(r, &e)) {
			g_thread_yield();
			continue;
		}
		g_assert_cmpuint(e.a, ==, next);
		g_assert_cmpuint(e.b, ==, ~next);
		next++;
	}

	g_thread_join(t);
	g_assert_cmpuint(ring_count(r), ==, 0);
	mem_deref(r);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ring/bad", test_bad);
	g_test_add_func("/ring/bounds", test_bounds);
	g_test_add_func("/ring/threads", test_threads);
	return g_test_run();
}
