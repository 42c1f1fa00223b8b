/*
 * test-need.c - what frames and ticks ask for, told from what a network does.
 */
#include <glib.h>
#include "mixer/need.h"

enum { CLOCK = 48000, TICK = 64, FRAME = 120 };

/* Frames of 120 from a card of 64: each leaves when its last sample's tick is over. Returns what the last one would have met. */
static int64_t pass(struct need *n, unsigned from, unsigned to, double clock_ppm, GRand *r, int32_t jitter_us)
{
	for (unsigned k = from; k < to; k++) {
		const unsigned ticks = (k * FRAME + FRAME + TICK - 1) / TICK;
		const double at_us = ticks * TICK / 48e-3 * (1 + clock_ppm * 1e-6) + (jitter_us ? g_rand_int_range(r, 0, jitter_us) : 0);

		need_add_rt(n, k, (int64_t)k * FRAME, (int64_t)at_us - (int64_t)k * FRAME * 1000000 / CLOCK, (uint64_t)at_us);
	}
	return n->most_us;
}

/* 120 samples until it is whole, and up to 56 until its tick is over. */
enum { MOST_US = (FRAME + 56) * 1000 / 48 };

static void phases(void)
{
	struct need n;

	need_clear_rt(&n);
	g_assert_false(need_known(&n));
	g_assert_cmpint(ABS(pass(&n, 0, 1000, 0, NULL, 0) - MOST_US), <=, 1);
	g_assert_true(need_known(&n));
}

/* A millisecond of jitter looks like a third of it at most. */
static void jitter(void)
{
	GRand *r = g_rand_new_with_seed(7);
	struct need n;

	need_clear_rt(&n);
	pass(&n, 0, 400, 0, r, 1000);
	for (unsigned k = 400; k < 4000; k += 40)
		g_assert_cmpint(pass(&n, k, k + 40, 0, r, 1000) - MOST_US, <=, 500);
	g_rand_free(r);
}

/* A slow clock is followed by no more than a second behind. */
static void slow(void)
{
	const unsigned frames = 60 * 400;
	struct need n;
	int64_t behind;

	need_clear_rt(&n);
	behind = MOST_US + (int64_t)(frames * 2500 * 200e-6) - pass(&n, 0, frames, 200, NULL, 0);
	g_assert_cmpint(behind, >=, 0);
	g_assert_cmpint(behind, <=, 210);
}

/* The reader who takes 64 at a time wants some sooner than they are played, at once where that changes. */
static void reader(void)
{
	struct need n;

	need_clear_rt(&n);
	pass(&n, 0, 1000, 0, NULL, 0);
	need_reader_rt(&n, CLOCK, TICK, 8, 10 * FRAME);
	g_assert_cmpint(need_ahead_us(&n, 10 * FRAME), ==, 8 * 1000 / 48);
	g_assert_cmpint(need_ahead_us(&n, 11 * FRAME), ==, 0);    /* 8 + 120 is two ticks */
	g_assert_cmpint(need_ahead_us(&n, 9 * FRAME), ==, 16 * 1000 / 48);
	g_assert_cmpint(n.most_us, >=, MOST_US);
	g_assert_cmpint(n.most_us, <=, MOST_US + 56 * 1000 / 48 + 1);
	need_reader_rt(&n, CLOCK, 0, 0, 0);
	g_assert_cmpint(ABS(n.most_us - MOST_US), <=, 1);
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/need/phases", phases);
	g_test_add_func("/need/jitter", jitter);
	g_test_add_func("/need/slow", slow);
	g_test_add_func("/need/reader", reader);
	return g_test_run();
}
