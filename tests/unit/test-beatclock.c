/*
 * test-beatclock.c - the tempo of MIDI clocks that come with jitter, with losses, in bursts, or not at all.
 */
#include <glib.h>
#include <math.h>
#include <string.h>
#include "osc/beatclock.h"

struct clock { double us, mbpm; uint64_t last; };

/* Plays so many seconds; the last tempo that was told, 0: none. *told counts them. */
static uint32_t play(struct beatclock *c, struct clock *k, double s, double jitter_us, double loss, unsigned *told)
{
	double end = k->us + s * 1e6;
	uint32_t mbpm = 0, m;

	while (k->us < end) {
		uint64_t at;

		k->us += 60e9 / (k->mbpm * 24);
		if (g_test_rand_double() < loss)
			continue;
		at = (uint64_t)(k->us + g_test_rand_double() * jitter_us);
		at = at > k->last ? at : k->last;         /* they stay in order */
		k->last = at;
		if (beatclock_tick_rt(c, at, &m)) {
			mbpm = m;
			(*told)++;
		}
	}
	return mbpm;
}

static void steady(void)
{
	static const struct { double mbpm, jitter_us, loss, within; } table[] = {
		{120000, 0, 0, 5}, {20000, 0, 0, 5}, {400000, 0, 0, 20}, {97300, 1000, 0, 150}, {133333, 3000, 0, 700},
		{60000, 5000, 0, 500}, {174000, 5000, 0, 2500}, {120000, 2000, 0.05, 400}, {90000, 0, 0.2, 50},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		struct clock k = {.us = 1e9, .mbpm = table[i].mbpm};
		struct beatclock c;
		unsigned told = 0;

		g_test_message("%.0f jitter %.0f loss %.2f", table[i].mbpm, table[i].jitter_us, table[i].loss);
		c = (struct beatclock){0};
		play(&c, &k, 30, table[i].jitter_us, table[i].loss, &told);
		g_assert_cmpuint(told, >=, 1);
		g_assert_cmpuint(told, <=, 60);
		g_assert_cmpfloat(fabs(c.mbpm - table[i].mbpm), <, table[i].within);
	}
}

/* From one tempo to another: told within a beat and a half second, and then it is the new one. */
static void changes(void)
{
	static const double to[] = {60000, 121000, 240000, 100000, 90000};
	struct clock k = {.us = 1e9, .mbpm = 120000};
	struct beatclock c;
	unsigned told = 0;

	c = (struct beatclock){0};
	play(&c, &k, 10, 500, 0, &told);
	for (size_t i = 0; i < G_N_ELEMENTS(to); i++) {
		k.mbpm = to[i];
		play(&c, &k, 60e3 / to[i] + 60e3 / to[i] + 1.0, 500, 0, &told);
		play(&c, &k, 4, 500, 0, &told);
		g_assert_cmpfloat(fabs(c.mbpm - to[i]), <, to[i] * 0.004);
	}
}

static void nothing_told(void)
{
	struct beatclock c;
	uint32_t mbpm = 0;

	c = (struct beatclock){0};
	for (uint64_t i = 0; i < 23; i++)
		g_assert_false(beatclock_tick_rt(&c, 1000000 + i * 20000, &mbpm));
	c = (struct beatclock){0};
	for (uint64_t i = 0; i < 1000; i++)               /* slower than 20 a minute */
		g_assert_false(beatclock_tick_rt(&c, 1000000 + i * 130000, &mbpm));
	c = (struct beatclock){0};
	for (uint64_t i = 0; i < 10000; i++)              /* all at once */
		g_assert_false(beatclock_tick_rt(&c, 1000000, &mbpm));
	c = (struct beatclock){0};
	for (uint64_t i = 0; i < 10000; i++)              /* faster than 400 */
		g_assert_false(beatclock_tick_rt(&c, 1000000 + i * 6000, &mbpm));
	c = (struct beatclock){0};
	for (uint64_t i = 0; i < 10000; i++)              /* backwards, far forward */
		if (beatclock_tick_rt(&c, (uint64_t)g_test_rand_int() * (uint64_t)g_test_rand_int(), &mbpm))
			g_assert_true(mbpm >= 20000 && mbpm <= 400000);
}

/* It pauses, and goes on at another tempo. */
static void pauses(void)
{
	struct clock k = {.us = 1e9, .mbpm = 120000};
	struct beatclock c;
	unsigned told = 0;

	c = (struct beatclock){0};
	play(&c, &k, 5, 500, 0, &told);
	k.us += 10e6;
	k.mbpm = 77000;
	play(&c, &k, 5, 500, 0, &told);
	g_assert_cmpfloat(fabs(c.mbpm - 77000.0), <, 200);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/beatclock/steady", steady);
	g_test_add_func("/beatclock/changes", changes);
	g_test_add_func("/beatclock/nothing-told", nothing_told);
	g_test_add_func("/beatclock/pauses", pauses);
	return g_test_run();
}
