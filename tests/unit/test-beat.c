/*
 * test-beat.c - where beats are, to the sample; and that no change of tempo loses or doubles one.
 */
#include <errno.h>
#include <glib.h>
#include "mixer/beat.h"

static struct beat_point next(const struct beat *b, uint64_t smp, uint32_t pulses)
{
	struct beat_point p;

	g_assert_true(beat_next(&p, b, smp, pulses));
	return p;
}

static void places(void)
{
	static const struct { uint32_t mbpm; uint64_t n, smp; } table[] = {
		{120000, 0, 0}, {120000, 1, 24000}, {120000, 1000000, UINT64_C(24000000000)},
		{70000, 1, 41142}, {70000, 7, 288000}, {70000, 700000000, UINT64_C(28800000000000)},
		{133333, 1, 21600}, {133333, 133333, 2880000000}, {400000, 1, 7200}, {20000, 1, 144000},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		const uint64_t origin = 123457;
		struct beat_point p;
		struct beat b;

		beat_init(&b);
		g_assert_cmpint(beat_tempo(&b, 0, table[i].mbpm, 4), ==, 0);
		beat_start(&b, origin);
		p = next(&b, origin + table[i].smp, 1);
		g_assert_cmpuint(p.smp, ==, origin + table[i].smp);
		g_assert_cmpuint(p.beat, ==, table[i].n);
		g_assert_cmpuint(p.bar, ==, table[i].n / 4);
		g_assert_cmpuint(p.in_bar, ==, table[i].n % 4);
		g_assert_cmpuint(next(&b, origin + table[i].smp + 1, 1).beat, ==, table[i].n + 1);
	}
}

static void pulses(void)
{
	struct beat b;
	uint64_t smp = 0;

	beat_init(&b);
	g_assert_cmpint(beat_tempo(&b, 0, 97300, 3), ==, 0);
	beat_start(&b, 1000);
	for (uint64_t k = 0; k < 24 * 50; k++) {
		struct beat_point p = next(&b, smp, BEAT_CLOCKS);

		g_assert_cmpuint(p.smp, ==, 1000 + k * UINT64_C(2880000000) / (97300 * 24));
		g_assert_cmpuint(p.beat, ==, k / 24);
		g_assert_cmpuint(p.pulse, ==, k % 24);
		if (!p.pulse)
			g_assert_cmpuint(p.smp, ==, next(&b, p.smp, 1).smp);
		smp = p.smp + 1;
	}
}

static void refused(void)
{
	static const struct { uint32_t mbpm; uint8_t per_bar; } bad[] = {{19999, 4}, {400001, 4}, {120000, 0}, {120000, 33}, {0, 4}};
	struct beat_point p;
	struct beat b, was;

	beat_init(&b);
	was = b;
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		g_assert_cmpint(beat_tempo(&b, 0, bad[i].mbpm, bad[i].per_bar), ==, EINVAL);
	g_assert_cmpmem(&b, sizeof(b), &was, sizeof(was));
	g_assert_false(beat_next(&p, &b, 0, 1));
}

/* 2 s at 120, then 60 asked for between two beats: the next one far enough away is the first of the new tempo. */
static void changes(void)
{
	struct beat b;

	beat_init(&b);
	beat_start(&b, 0);
	g_assert_cmpint(beat_tempo(&b, 95000, 60000, 4), ==, 0);          /* 1000 before beat 4 at 96000 */
	g_assert_cmpuint(next(&b, 95000, 1).smp, ==, 96000);              /* as it was */
	g_assert_cmpuint(next(&b, 96001, 1).smp, ==, 120000);             /* beat 5: here it begins */
	g_assert_cmpuint(next(&b, 120001, 1).smp, ==, 168000);
	g_assert_cmpuint(next(&b, 120001, 1).beat, ==, 6);
	g_assert_cmpint(beat_tempo(&b, 110000, 240000, 4), ==, 0);        /* on second thoughts */
	g_assert_cmpuint(next(&b, 96001, 1).smp, ==, 120000);
	g_assert_cmpuint(next(&b, 120001, 1).smp, ==, 132000);
	g_assert_cmpuint(next(&b, 132000, 1).bar, ==, 1);
	g_assert_cmpuint(next(&b, 132000, 1).in_bar, ==, 2);
	g_assert_cmpint(beat_tempo(&b, 125000, 240000, 3), ==, 0);        /* a bar begins with it */
	g_assert_cmpuint(next(&b, 132000, 1).bar, ==, 2);
	g_assert_cmpuint(next(&b, 132000, 1).in_bar, ==, 0);
	g_assert_cmpuint(next(&b, 132000 + 3 * 12000, 1).bar, ==, 3);
}

static void stops(void)
{
	struct beat_point p;
	struct beat b;

	beat_init(&b);
	beat_start(&b, 0);
	beat_stop(&b, 50000);
	g_assert_false(beat_next(&p, &b, 50000, 1));
	g_assert_false(beat_next(&p, &b, 50000, BEAT_CLOCKS));
	g_assert_cmpuint(next(&b, 40000, 1).smp, ==, 48000);              /* which may still sound */
	beat_continue(&b, 100000);
	g_assert_cmpuint(next(&b, 50000, 1).smp, ==, 100000);
	g_assert_cmpuint(next(&b, 50000, 1).beat, ==, 3);
	beat_start(&b, 200000);
	g_assert_cmpuint(next(&b, 0, 1).beat, ==, 0);
	beat_stop(&b, 100);                                               /* before it began */
	g_assert_false(beat_next(&p, &b, 0, 1));
}

/* Whatever is asked for and when: beats are counted one by one, and no two are further apart or closer than tempos allow. */
static void random_changes(void)
{
	struct beat_point p, q;
	struct beat b;
	uint64_t now = 0;

	beat_init(&b);
	beat_start(&b, 2400);
	p = next(&b, 0, 1);
	for (int i = 0; i < 20000; i++) {
		now += (uint64_t)g_test_rand_int_range(0, 30000);
		while (next(&b, p.smp + 1, 1).smp < now) {
			q = next(&b, p.smp + 1, 1);
			g_assert_cmpuint(q.beat, ==, p.beat + 1);
			g_assert_cmpuint(q.smp - p.smp, >=, 7200 - 1);
			g_assert_cmpuint(q.smp - p.smp, <=, 144001);
			g_assert_true(q.bar == p.bar ? q.in_bar == p.in_bar + 1 : q.bar > p.bar && !q.in_bar);
			p = q;
		}
		g_assert_cmpint(beat_tempo(&b, now, (uint32_t)g_test_rand_int_range(20000, 400001),
					   (uint8_t)g_test_rand_int_range(1, 33)), ==, 0);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/beat/places", places);
	g_test_add_func("/beat/pulses", pulses);
	g_test_add_func("/beat/refused", refused);
	g_test_add_func("/beat/changes", changes);
	g_test_add_func("/beat/stops", stops);
	g_test_add_func("/beat/random-changes", random_changes);
	return g_test_run();
}
