/*
 * test-odds.c - frames that would be missing a minute, counted over the last minute.
 */
#include <glib.h>
#include <math.h>
#include <string.h>
#include "mixer/odds.h"

enum { FRAME_US = 2500, A_SECOND = 400 };

/* Seconds of frames, of which each so many-th never comes, and each so many-th comes too late for the choices in `late`. */
static uint64_t pass(struct odds *o, uint64_t now_us, unsigned seconds, unsigned lost_every, unsigned late_every, unsigned late)
{
	for (unsigned i = 1; i <= seconds * A_SECOND; i++, now_us += FRAME_US) {
		const unsigned it = late_every && i % late_every == 0 ? late : 0;

		odds_due_rt(o, 1, now_us);
		if (!lost_every || i % lost_every)
			odds_came_rt(o, it, it);
	}
	return now_us;
}

static void near(const struct odds *o, float a, float b, float c, float d)
{
	const float want[ODDS_CHOICES] = {a, b, c, d};
	float got[ODDS_CHOICES];

	g_assert_true(odds_minute(o, FRAME_US, got));
	for (unsigned i = 0; i < ODDS_CHOICES; i++)
		g_assert_cmpfloat(fabs((double)(got[i] - want[i])), <, 1);
}

static void counted(void)
{
	struct odds o;
	float got[ODDS_CHOICES];
	uint64_t now = 1000000;

	odds_clear_rt(&o);
	g_assert_false(odds_minute(&o, FRAME_US, got));
	now = pass(&o, now, 1, 0, 0, 0);
	g_assert_false(odds_minute(&o, FRAME_US, got));           /* too little */
	now = pass(&o, now, 9, 0, 0, 0);
	near(&o, 0, 0, 0, 0);
	g_assert_false(odds_minute(&o, 0, got));
	/* one of a hundred is lost, one of 80 too late with none or one held */
	odds_clear_rt(&o);
	now = pass(&o, now, 20, 100, 80, 3);
	near(&o, 240 + 300 - 60, 240 + 300 - 60, 240, 240);       /* one of 400 would be both */
}

static void forgotten(void)
{
	uint64_t now = 1000000;
	struct odds o;

	odds_clear_rt(&o);
	now = pass(&o, now, 20, 0, 10, 1);
	near(&o, 2400, 0, 0, 0);
	now = pass(&o, now, 20, 0, 0, 0);
	near(&o, 1200, 0, 0, 0);
	now = pass(&o, now, 60, 0, 0, 0);
	near(&o, 0, 0, 0, 0);
	/* who pauses keeps its odds */
	now = pass(&o, now, 5, 10, 0, 0);
	now += 3600000000ULL;
	odds_due_rt(&o, 1, now);
	g_assert_true(odds_minute(&o, FRAME_US, (float[ODDS_CHOICES]){0}));
}

/* What comes once more than it was due is none less than none. */
static void never_negative(void)
{
	uint64_t now = 1000000;
	struct odds o;

	odds_clear_rt(&o);
	now = pass(&o, now, 5, 0, 0, 0);
	for (unsigned i = 0; i < 50; i++)
		odds_came_rt(&o, 0, 0);
	near(&o, 0, 0, 0, 0);
	g_assert_cmpuint(now, >, 0);
}

/* As few steps as leave five a minute that more would have saved, however many packets there are; what no number of steps
 * saves is no reason for one. */
static void steps(void)
{
	uint64_t now = 1000000;
	struct odds o;

	odds_clear_rt(&o);
	now = pass(&o, now, 3, 0, 0, 0);
	g_assert_cmpint(odds_steps(&o, FRAME_US, 5), ==, -1);
	now = pass(&o, now, 7, 0, 0, 0);
	g_assert_cmpint(odds_steps(&o, FRAME_US, 5), ==, 0);
	now = pass(&o, now, 10, 0, A_SECOND * 2, 7);              /* one in two seconds */
	g_assert_cmpint(odds_steps(&o, FRAME_US, 5), ==, 0);
	now = pass(&o, now, 10, 0, A_SECOND * 2, 7);
	g_assert_cmpint(odds_steps(&o, FRAME_US, 5), ==, 7);
	now = pass(&o, now, 61, 0, A_SECOND, ODDS_STEPS + 1);
	g_assert_cmpint(odds_steps(&o, FRAME_US, 5), ==, 0);
	now = pass(&o, now, 5, 2, 0, 0);
	g_assert_cmpint(odds_steps(&o, FRAME_US, 5), ==, 0);
	(void)now;
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/odds/counted", counted);
	g_test_add_func("/odds/forgotten", forgotten);
	g_test_add_func("/odds/never-negative", never_negative);
	g_test_add_func("/odds/steps", steps);
	return g_test_run();
}
