/* test-waits.c - how long the fastest packet of a stream waits, and the least of what came lately. */
#include <glib.h>
#include "mixer/waits.h"

enum { CLOCK = 48000, FRAME = 64, PERIOD = 500000, WAY = 7000, SHAKE = 5000 };

struct line { struct waits w; uint32_t ts; double sent_us; uint32_t seed; };

static uint32_t dice(struct line *l, uint32_t n)
{
	l->seed = l->seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)(l->seed >> 8) * n >> 24);
}

/* So many packets of a way that shakes, each played wait_us after the fastest would have come. */
static void plays(struct line *l, unsigned n, int64_t wait_us)
{
	for (unsigned i = 0; i < n; i++) {
		const uint64_t sent = (uint64_t)l->sent_us, came = sent + WAY + dice(l, SHAKE), played = sent + WAY + (uint64_t)wait_us;

		waits_add_rt(&l->w, l->ts, CLOCK, came, (int64_t)(played - came), played, PERIOD);
		l->ts += FRAME;
		l->sent_us += FRAME * 1e6 / CLOCK;
	}
}

static void is_about(const struct line *l, int64_t wait_us)
{
	g_assert_cmpint(waits_us(&l->w), <=, wait_us + 1);
	g_assert_cmpint(waits_us(&l->w), >=, wait_us - SHAKE / 50);       /* of some hundred packets none came as soon as may be */
}

/* Timestamps go around at once. */
static const struct line fresh = {.ts = UINT32_MAX - 1000, .sent_us = 3e9, .seed = 1};

static void test_moves(void)
{
	struct line l = fresh;

	g_assert_cmpint(waits_us(&l.w), ==, 0);
	plays(&l, 750, 5500);
	is_about(&l, 5500);
	plays(&l, 100, 4167);             /* the buffer is a frame shorter: an eighth of a second, and it is known */
	is_about(&l, 4167);
	plays(&l, 100, 5500);
	is_about(&l, 5500);
}

/* A packet was missing; a card left out periods. That is no delay that others have. */
static void test_late_reader(void)
{
	struct line l = fresh;

	plays(&l, 750, 5500);
	for (int i = 0; i < 20; i++) {
		plays(&l, 5, 6833);
		is_about(&l, 5500);
		plays(&l, 60, 5500);
		plays(&l, 30, 36000);
		is_about(&l, 5500);
		plays(&l, 280, 5500);
	}
}

/* For two hours, with a clock that is 200 ppm fast. */
static void test_long(void)
{
	struct line l = fresh;

	for (unsigned i = 0; i < 7200; i++) {
		plays(&l, 750, 5500);
		l.sent_us -= 200;
	}
	g_assert_cmpint(waits_us(&l.w), <=, 5500 + 400);
	g_assert_cmpint(waits_us(&l.w), >=, 5500 - 400);
}

/* What was known is of no use to another count of timestamps. */
static void test_other_stream(void)
{
	struct line l = fresh;

	plays(&l, 750, 5500);
	l.ts += 12345678;
	plays(&l, 750, 8000);
	is_about(&l, 8000);
	l.sent_us += 3600e6;              /* nothing for an hour */
	plays(&l, 750, 3000);
	is_about(&l, 3000);
}

static void test_least(void)
{
	struct mean m = {0};

	mean_add_rt(&m, 7, 10, 100);      /* a clock that has just begun */
	g_assert_cmpint(mean_least(&m), ==, 7);
	mean_add_rt(&m, 5, 20, 100);
	mean_add_rt(&m, 9, 120, 100);
	g_assert_cmpint(mean_least(&m), ==, 5);
	mean_add_rt(&m, 9, 230, 100);
	g_assert_cmpint(mean_least(&m), ==, 9);
	g_assert_cmpint(mean_of(&m), ==, 9);
	mean_add_rt(&m, -3, 240, 100);
	g_assert_cmpint(mean_least(&m), ==, -3);
	mean_add_rt(&m, 4, 1000, 100);
	g_assert_cmpint(mean_least(&m), ==, 4);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/waits/moves", test_moves);
	g_test_add_func("/waits/late-reader", test_late_reader);
	g_test_add_func("/waits/long", test_long);
	g_test_add_func("/waits/other-stream", test_other_stream);
	g_test_add_func("/waits/least", test_least);
	return g_test_run();
}
