/*
 * test-wallclock.c - how far a party's wallclock is, from reports that took their time.
 */
#include <glib.h>
#include "mixer/rtcp.h"
#include "osc/wallclock.h"

enum { OURS = 5000, NOT = -1 };                   /* our clock is so many seconds ahead of `now` */

/* A report at `ms` of our clock, of a party that is `behind_us` behind; it took up_ms, and the answer's way here down_ms. */
struct row { uint32_t ms; int64_t behind_us; int up_ms, down_ms; int64_t learned_us; };

static int64_t learned(const struct wallclock *w)
{
	return (int64_t)((double)(int64_t)w->diff / 4294.967296 + ((int64_t)w->diff < 0 ? -.5 : .5));
}

/* down_ms: from us to the party; NOT: nothing of ours has come there, so no round trip. */
static void report(struct wallclock *w, const struct row *r)
{
	const uint64_t now = r->ms * UINT64_C(1000), ours = OURS * UINT64_C(1000000) + now;
	const uint64_t sent = ours - (uint64_t)r->up_ms * 1000;

	wallclock_report_rt(w, rtcp_ntp(sent - (uint64_t)r->behind_us), rtcp_ntp(ours), r->down_ms == NOT ? -1 :
			    (r->up_ms + r->down_ms) * INT64_C(1000), now);
}

static void run(const struct row *row, unsigned n)
{
	struct wallclock w = {0};

	for (unsigned i = 0; i < n; i++) {
		report(&w, &row[i]);
		g_assert_true(w.known);
		g_test_message("row %u: %" G_GINT64_FORMAT, i, learned(&w));
		g_assert_cmpint(ABS(learned(&w) - row[i].learned_us), <=, 160);
	}
}

/* The shortest way here and the shortest way back, of whichever reports. */
static void test_round_trip(void)
{
	static const struct row rows[] = {
		{1000, 1000000000, 20, 20, 1000000000},
		{2000, 1000000000, 80, 20, 1000000000},           /* no news of either */
		{3000, 1000000000, 10, 20, 1000000000 - 5000},    /* wrong by half of what one took longer */
		{4000, 1000000000, 60, 10, 1000000000},           /* a bad round trip, but a good way back */
		{5000, 1000000000, 5, 5, 1000000000},
		{6000, 1000000000, 5, NOT, 1000000000},           /* the way here is known of that one too */
		{7000, 1000000000, 3, NOT, 1000000000 - 1000},
	};
	static const struct row ahead[] = {{1000, -1000000000, 30, 30, -1000000000}};

	run(rows, G_N_ELEMENTS(rows));
	run(ahead, 1);
}

/* Without: what took least, and what took it is in it. */
static void test_one_way(void)
{
	static const struct row rows[] = {
		{1000, -500000, 30, NOT, -500000 + 30000},
		{2000, -500000, 90, NOT, -500000 + 30000},
		{3000, -500000, 10, NOT, -500000 + 10000},
		{4000, -500000, 40, 40, -500000 - 15000},         /* with one it is known between which bounds */
		{5000, -500000, 0, 10, -500000 - 5000},
	};

	run(rows, G_N_ELEMENTS(rows));
}

/* What is old is trusted less: 25 millionths of its age. What drifts more contradicts what is older. */
static void test_drift(void)
{
	static const struct row rows[] = {
		{1000, 1000, 4, 4, 1000},
		{2000, 1025, 5, 5, 1000},
		{12000, 1275, 4, 4, 1275 - 137},                  /* half way: both bounds are wide by then */
		{73000, 4000, 3, NOT, 7000},                      /* nothing measured for a minute: the way is in it again */
	};
	static const struct row slow[] = {
		{0, 0, 5, NOT, 5000},
		{10000, 500, 5, NOT, 5250},                       /* up by 50 ppm is followed, half as fast at first */
		{11000, 500, 6, NOT, 5275},
	};
	struct wallclock w = {0};

	run(rows, G_N_ELEMENTS(rows));
	run(slow, G_N_ELEMENTS(slow));
	for (uint32_t s = 0; s < 600; s++) {                      /* 100 ppm over a way without jitter: followed within 1.5 ms */
		report(&w, &(struct row){s * 1000, (int64_t)s * 100, 4, 4, 0});
		g_assert_cmpint(ABS(learned(&w) - (int64_t)s * 100), <=, 1500);
	}
}

/* 2 to 12 ms each way, a report a second: what the least of thirty takes longer than it must is little. */
static void test_jitter(void)
{
	GRand *rand = g_rand_new_with_seed(5);
	struct wallclock w = {0};
	unsigned far = 0;

	for (uint32_t s = 0; s < 1000; s++) {
		report(&w, &(struct row){s * 1000, 7000000, g_rand_int_range(rand, 2, 13), g_rand_int_range(rand, 2, 13), 0});
		far += s > 30 && ABS(learned(&w) - 7000000) > 1000;
		g_assert_cmpint(ABS(learned(&w) - 7000000), <=, (int64_t)w.error_us + 100);
	}
	g_assert_cmpuint(far, <=, 20);
	g_rand_free(rand);
}

/* Somebody set the clock. */
static void test_set(void)
{
	static const struct row measured[] = {
		{1000, 0, 2, 2, 0},
		{2000, 60000, 10, 10, 60000},                     /* cannot be one clock */
		{3000, -60000, 10, 10, -60000},
		{4000, -3600000000, 10, NOT, -3600000000 + 10000},        /* earlier than it was sent */
	};
	static const struct row one_way[] = {
		{1000, 0, 2, NOT, 2000},
		{2000, 3600000000, 2, NOT, 2000},
		{3000, 3600000000, 2, NOT, 2000},
		{4000, 0, 9, NOT, 2000},                          /* that was the way, then */
		{5000, 3600000000, 2, NOT, 2000},
		{6000, 3600000000, 2, NOT, 2000},
		{7000, 3600000000, 2, NOT, 3600002000},
	};

	run(measured, G_N_ELEMENTS(measured));
	run(one_way, G_N_ELEMENTS(one_way));
}

/* "A sender that has no notion of wallclock or elapsed time may set the NTP timestamp to zero." */
static void test_no_clock(void)
{
	struct wallclock w = {0};

	wallclock_report_rt(&w, 0, rtcp_ntp(1000), 10, 1000);
	g_assert_false(w.known);
}

/* Whatever is said, nothing overflows (the sanitizers watch). */
static void test_any(void)
{
	struct wallclock w = {0};
	GRand *rand = g_rand_new_with_seed(3);
	uint64_t now = 0;

	for (unsigned i = 0; i < 20000; i++) {
		const uint64_t theirs = (uint64_t)g_rand_int(rand) << 32 | g_rand_int(rand);

		now += g_rand_int_range(rand, 0, 100000000);
		wallclock_report_rt(&w, theirs, rtcp_ntp(now), g_rand_int_range(rand, -1, 60000000), now);
	}
	g_assert_true(w.known);
	g_rand_free(rand);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/wallclock/round-trip", test_round_trip);
	g_test_add_func("/wallclock/one-way", test_one_way);
	g_test_add_func("/wallclock/drift", test_drift);
	g_test_add_func("/wallclock/jitter", test_jitter);
	g_test_add_func("/wallclock/set", test_set);
	g_test_add_func("/wallclock/no-clock", test_no_clock);
	g_test_add_func("/wallclock/any", test_any);
	return g_test_run();
}
