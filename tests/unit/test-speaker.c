/*
 * test-speaker.c - talkers, coughs and noise by the clock in; who has the floor, when, and how often it changes.
 *
 * Members hear what they really are: sound through the detector of level.h, as in a bus.
 */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "mixer/level.h"
#include "mixer/speaker.h"
#include "tests/lib/signal.h"

enum { RATE = 8000, TICK = 80, TICK_US = 10000, SECONDS = 40, MEMBERS = 6 };

enum kind { SPEECH = 1, COUGH, NOISE, TONE };

struct part {                     /* from..to in ms, and how loud: peak, or rms of noise */
	unsigned who;             /* 1 .. MEMBERS */
	enum kind kind;
	unsigned from, to;
	double amp;
};

struct want { unsigned from, to; uint32_t who; };        /* the change to `who` comes between these, in ms */

static float sound[MEMBERS][RATE * SECONDS];

static void add(float *dst, const struct part *p, uint32_t seed)
{
	const size_t at = p->from * RATE / 1000, n = (p->to - p->from) * RATE / 1000;
	g_autofree float *x = g_new0(float, n);

	switch (p->kind) {
	case SPEECH: signal_speech(x, n, RATE, &seed, p->amp); break;
	case COUGH:
	case NOISE:  signal_noise(x, n, &seed, p->amp); break;
	case TONE:   signal_sine(x, n, 0, RATE, 400, p->amp); break;
	}
	for (size_t i = 0; i < n; i++)
		dst[at + i] += x[i];
}

static const struct row {
	const char *name;
	unsigned min_ms, until_s;
	struct part part[6];
	struct want want[6];
} rows[] = {
	{"nobody", 0, 5, {{0}}, {{0}}},
	{"one speaks", 0, 10, {{1, SPEECH, 2000, 9000, .3}}, {{2200, 3200, 1}}},
	{"a cough is no speaker", 0, 10, {{1, COUGH, 3000, 3250, .3}}, {{0}}},
	{"nor is noise, of a fan that starts", 0, 20, {{1, NOISE, 3000, 20000, .0025}, {2, SPEECH, 6000, 12000, .3}}, {{6200, 7200, 2}}},
	{"one after the other", 0, 30, {{1, SPEECH, 1000, 8000, .3}, {2, SPEECH, 9000, 18000, .3}, {3, SPEECH, 19000, 28000, .1}},
		{{1200, 2200, 1}, {9200, 10500, 2}, {19200, 20500, 3}}},
	{"who falls silent keeps it", 0, 20, {{1, SPEECH, 1000, 8000, .3}}, {{1200, 2200, 1}}},
	{"coughs of others do not take it", 0, 20, {{1, SPEECH, 1000, 19000, .2}, {2, COUGH, 5000, 5250, .5}, {3, COUGH, 8000, 8250, .5},
		{2, COUGH, 12000, 12250, .7}}, {{1200, 2200, 1}}},
	{"a quiet voice beside a loud one does not", 0, 30, {{1, SPEECH, 1000, 29000, .4}, {2, SPEECH, 4000, 29000, .1}},
		{{1200, 2200, 1}}},
	{"a much louder one does", 0, 20, {{1, SPEECH, 1000, 19000, .05}, {2, SPEECH, 8000, 19000, .8}},
		{{1200, 2200, 1}, {8400, 10000, 2}}},
	{"an interjection of half a second does not", 0, 20, {{1, SPEECH, 1000, 19000, .3}, {2, SPEECH, 8000, 8500, .3}},
		{{1200, 2200, 1}}},
	{"at most one change in three seconds", 3000, 30, {{1, SPEECH, 1000, 5000, .3}, {2, SPEECH, 2500, 8000, .9}, {3, SPEECH, 8200, 12000, .3}},
		{{1200, 2200, 1}, {4000, 6000, 2}, {8400, 9600, 3}}},
};

static void run(const struct row *r)
{
	static struct level level[MEMBERS];
	struct speaker_leg leg[MEMBERS];
	const struct want *w = r->want;
	uint32_t last = SPEAKER_NONE;
	struct speaker s;

	memset(sound, 0, sizeof(sound));
	for (const struct part *p = r->part; p < r->part + G_N_ELEMENTS(r->part) && p->who; p++)
		add(sound[p->who - 1], p, p->who * 17 + p->from);
	speaker_init(&s, r->min_ms);
	for (unsigned i = 0; i < MEMBERS; i++) {
		speaker_join(&leg[i], i + 1);
		level_init(&level[i]);
	}

	for (unsigned ms = 0; ms < r->until_s * 1000; ms += 10) {
		struct speaker_event ev = {0};

		for (unsigned i = 0; i < MEMBERS; i++) {
			const float *x = sound[i] + ms * RATE / 1000;

			(void)level_update_rt(&level[i], x, TICK, TICK_US);
			if (level[i].talking)
				speaker_hear_rt(&s, &leg[i], level_dbov_rt(x, TICK));
		}
		if (!speaker_tick_rt(&s, &ev, TICK_US))
			continue;
		g_test_message("%s: %u ms: %u after %u", r->name, ms, ev.now, ev.before);
		g_assert_cmpuint(ev.before, ==, last);
		g_assert_cmpuint(ev.now, ==, w->who);
		g_assert_cmpuint(ms, >=, w->from);
		g_assert_cmpuint(ms, <=, w->to);
		last = ev.now;
		w++;
	}
	g_assert_cmpuint(w->who, ==, 0);  /* none is missing */
	for (unsigned i = 0; i < MEMBERS; i++)
		speaker_leave_rt(&s, &leg[i]);
	g_assert_true(list_isempty(&s.active));
}

static void scenes(void)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++)
		run(&rows[i]);
}

/* Two equally loud ones talk at once for half a minute: the floor does not go to and fro. */
static void overlap(void)
{
	static const struct part both[] = {{1, SPEECH, 0, 38000, .3}, {2, SPEECH, 0, 38000, .3}};
	struct level level[2];
	struct speaker_leg leg[2];
	struct speaker_event ev = {0};
	unsigned changes = 0;
	struct speaker s;

	memset(sound, 0, sizeof(sound));
	speaker_init(&s, 0);
	for (unsigned i = 0; i < 2; i++) {
		add(sound[i], &both[i], i + 40);
		speaker_join(&leg[i], i + 1);
		level_init(&level[i]);
	}
	for (size_t at = 0; at < 38 * RATE; at += TICK) {
		for (unsigned i = 0; i < 2; i++) {
			(void)level_update_rt(&level[i], sound[i] + at, TICK, TICK_US);
			if (level[i].talking)
				speaker_hear_rt(&s, &leg[i], level_dbov_rt(sound[i] + at, TICK));
		}
		changes += speaker_tick_rt(&s, &ev, TICK_US);
	}
	g_test_message("%u changes in 38 s", changes);
	g_assert_cmpuint(changes, >=, 1);
	g_assert_cmpuint(changes, <=, 6);
}

static bool talk(struct speaker *s, struct speaker_event *ev, struct speaker_leg *l, unsigned ms)
{
	bool any = false;

	for (unsigned i = 0; i < ms; i += 10) {
		struct speaker_event e;

		if (l)
			speaker_hear_rt(s, l, 20);
		if (speaker_tick_rt(s, &e, TICK_US)) {
			*ev = e;
			any = true;
		}
	}
	return any;
}

/* The holder leaves, and who never had it. */
static void leaving(void)
{
	struct speaker_event ev = {0};
	struct speaker_leg leg[10];
	struct speaker s;

	speaker_init(&s, 0);
	for (unsigned i = 0; i < 10; i++) {
		speaker_join(&leg[i], 100 + i);
		g_assert_true(talk(&s, &ev, &leg[i], 4000));
		g_assert_cmpuint(ev.now, ==, 100 + i);
	}
	g_assert_true(talk(&s, &ev, &leg[7], 4000));

	speaker_leave_rt(&s, &leg[9]);
	speaker_leave_rt(&s, &leg[7]);
	g_assert_true(talk(&s, &ev, NULL, 100));
	g_assert_true(ev.now == SPEAKER_NONE && ev.before == 107);
	g_assert_false(talk(&s, &ev, NULL, 10000));
	g_assert_true(list_isempty(&s.active));
	g_assert_true(talk(&s, &ev, &leg[0], 1000));
	g_assert_true(ev.now == 100 && ev.before == SPEAKER_NONE);
}

/* Five thousand members of whom three talk cost what three cost. */
static void many(void)
{
	enum { ALL = 5000 };
	g_autofree struct speaker_leg *leg = g_new0(struct speaker_leg, ALL);
	struct speaker_event ev = {0};
	struct speaker s;

	speaker_init(&s, 0);
	for (unsigned i = 0; i < ALL; i++)
		speaker_join(&leg[i], i + 1);
	for (unsigned t = 0; t < 1000; t++) {
		for (unsigned i = 0; i < 3; i++)
			speaker_hear_rt(&s, &leg[i * 1000], (uint8_t)(20 + 10 * i));
		(void)speaker_tick_rt(&s, &ev, TICK_US);
		g_assert_cmpuint(list_count(&s.active), ==, 3);
	}
	g_assert_cmpuint(s.told, ==, 1);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/speaker/scenes", scenes);
	g_test_add_func("/speaker/overlap", overlap);
	g_test_add_func("/speaker/leaving", leaving);
	g_test_add_func("/speaker/many", many);
	return g_test_run();
}
