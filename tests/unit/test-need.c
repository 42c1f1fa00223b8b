/*
 * test-need.c - what frames and ticks ask for, told from what a network does.
 */
#include <glib.h>
#include "mixer/gcd.h"
#include "mixer/need.h"

enum { CLOCK = 48000, TICK = 64, FRAME = 120 };

/* Frames of 120 from a card of 64: each leaves when its last sample's tick is over. Returns what the last one would
 * have met. */
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
	g_assert_cmpint(behind, <=, 10);
}

struct ends { uint32_t card, frame, tick; };        /* of the sender, in its packets, of the reader */

/* A packet leaves when the period is over that has its last sample. */
static int64_t leaves(const struct ends *e, int64_t no)
{
	return ((no + 1) * e->frame + e->card - 1) / e->card * e->card;
}

/* What the packets from..to-1 need, the reader asking for so much at each of its ticks. */
static int64_t worst_of(const struct need *n, const struct ends *e, int64_t from, int64_t to)
{
	int64_t most = INT64_MIN;

	for (int64_t no = from; no < to; no++) {
		const int64_t us = (leaves(e, no) - no * e->frame) * 1000000 / CLOCK + need_ahead_us(n, no * e->frame);

		most = MAX(most, us);
	}
	return most;
}

/* held_us: the network holds each so much longer. */
static void send(struct need *n, const struct ends *e, int64_t no, int64_t held_us)
{
	const int64_t at_us = leaves(e, no) * 1000000 / CLOCK + held_us;

	need_add_rt(n, (uint64_t)no, no * e->frame, at_us - no * e->frame * 1000000 / CLOCK, 1000000 + (uint64_t)at_us);
}

static const struct ends all_ends[] = {
	{64, 64, 64}, {64, 64, 128}, {128, 64, 64}, {64, 64, 441}, {441, 64, 64}, {441, 64, 441}, {441, 120, 64}, {64, 120, 64},
	{64, 120, 441}, {64, 120, 1024}, {1024, 120, 64}, {1024, 64, 1024}, {480, 64, 64}, {64, 64, 480}, {96, 64, 48},
	{48, 240, 192}, {882, 64, 128},
};

static uint32_t meet_smp(const struct ends *e)
{
	const uint32_t two = e->card / gcd(e->card, e->frame) * e->frame;

	return two / gcd(two, e->tick) * e->tick;
}

/* Whatever the lengths are, a second of a network that does nothing tells what they need, as all have met in every way;
 * or if that takes longer, nearly. */
static void lengths(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(all_ends); i++) {
		const struct ends *e = &all_ends[i];
		const int64_t second = CLOCK / e->frame + 1;
		int64_t least = INT64_MAX, most = INT64_MIN;
		struct need n;

		need_clear_rt(&n);
		need_reader_rt(&n, CLOCK, e->tick, 5 % e->tick, 0);
		for (int64_t no = 0; no < 3 * second; no++) {
			send(&n, e, no, 0);
			if (no < second || no % 50)
				continue;
			least = MIN(least, n.most_us - worst_of(&n, e, no, no + second));
			most = MAX(most, n.most_us - worst_of(&n, e, 0, 8 * second));
		}
		g_test_message("card %u, frame %u, tick %u: %d to %d us", e->card, e->frame, e->tick, (int)least, (int)most);
		g_assert_cmpint(least, >=, meet_smp(e) < 28800 ? -2 : -350);
		g_assert_cmpint(most, <=, 2);
	}
}

/* When the reader comes into step in another way, and when it takes another length, what is known of packets holds. */
static void other_step(void)
{
	const struct ends e = {441, 64, 441}, after = {441, 64, 128};
	struct need n;
	int64_t no;

	need_clear_rt(&n);
	need_reader_rt(&n, CLOCK, e.tick, 0, 0);
	for (no = 0; no < 1500; no++)
		send(&n, &e, no, 0);
	for (unsigned ahead = 0; ahead < e.tick; ahead += 37) {
		/* a place's longest stands for all in it */
		const int64_t grain_us = 1 + (e.tick / NEED_PLACES + 1) * 1000 / 48;

		need_reader_rt(&n, CLOCK, e.tick, ahead, 0);
		g_assert_cmpint(n.most_us, >=, worst_of(&n, &e, no, no + 441) - grain_us);
		g_assert_cmpint(n.most_us, <=, worst_of(&n, &e, no, no + 441) + 2);
	}
	need_reader_rt(&n, CLOCK, after.tick, 0, 0);
	for (; no < 1500 + 250; no++)
		send(&n, &after, no, 0);
	g_assert_cmpint(ABS(n.most_us - worst_of(&n, &after, no, no + 441)), <=, 300);
}

/* What the network does now and then is not what the ends need: a packet held up, one overtaken, a while of nothing and
 * then all at once. */
static void now_and_then(void)
{
	static const struct ends ends[] = {{64, 64, 128}, {64, 120, 64}, {441, 64, 64}};

	for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
		const struct ends *e = &ends[i];
		int64_t most, stall_us = 0, left = 0;
		struct need n;

		need_clear_rt(&n);
		need_reader_rt(&n, CLOCK, e->tick, 0, 0);
		most = worst_of(&n, e, 0, 2000);
		for (int64_t no = 0; no < 20000; no++) {
			const int64_t left_us = leaves(e, no) * 1000000 / CLOCK;

			if (no % 1000 == 999)
				stall_us = left_us + 5000 + no % 7 * 300;
			left = stall_us > left_us ? stall_us - left_us : no % 317 == 316 ? 900 : 0;
			if (no % 700 == 650)
				continue;         /* comes after the one behind it */
			send(&n, e, no, left);
			if (no % 700 == 651)
				send(&n, e, no - 1, 6000);
			if (no > 2000)
				g_assert_cmpint(n.most_us, <=, most + 2);
		}
	}
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
	g_test_add_func("/need/lengths", lengths);
	g_test_add_func("/need/other-step", other_step);
	g_test_add_func("/need/now-and-then", now_and_then);
	g_test_add_func("/need/reader", reader);
	return g_test_run();
}
