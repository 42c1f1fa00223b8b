/*
 * flow-play.c - a room that plays together: who comes in, who is far away, who calls by telephone.
 *
 *     a, b  L16 of 64 samples, as tutti-join sends it
 *     c     a phone, now and then
 */
#include <glib.h>
#include <math.h>
#include <string.h>
#include <re.h>
#include "control/control.h"
#include "control/snapshot.h"
#include "mixer/engine.h"
#include "mixer/leg.h"
#include "tests/lib/stage.h"

enum { STEP_US = 333, PERIOD = 4800 };

static const struct peer_conf player = {"L16", 48000, 96, 2, 1334, 440, 0.25, false, NULL};

/* --- impulses --- */

/* One in a tenth of a second. */
static const float *impulses(void)
{
	static float smp[PERIOD];

	smp[17] = 0.9f;
	return smp;
}

/* Where in the period they lie in what mb heard, all at one place; -1: there are none. */
static int heard_at(const struct member *mb, unsigned *n)
{
	const struct peer *p = mb->peer;
	int at = -1;

	*n = 0;
	g_assert_cmpuint(p->n_ts_gaps, ==, 0);
	for (size_t i = 0; i < p->n_rec; i++) {
		if (fabs((double)p->rec[i * p->conf.channels]) < 0.5)
			continue;
		if (at >= 0)
			g_assert_cmpint((int)((p->first_ts + i) % PERIOD), ==, at);
		at = (int)((p->first_ts + i) % PERIOD);
		++*n;
	}
	return at;
}

/* --- a phone in the room --- */

struct phone { const char *name; struct peer_conf conf; };

static const struct phone phones[] = {
	{"PCMU", {"PCMU", 8000, 0, 1, 20000, 700, 0.1, false, NULL}},
	{"opus", {"opus", 48000, 98, 2, 20000, 700, 0.1, false, NULL}},
};

static struct stage *s;
static struct bus *b;

static struct member *comes(const struct peer_conf *conf)
{
	struct member *mb = stage_member(s, conf);

	g_assert_cmpint(leg_set_bus(mb->leg, b), ==, 0);
	return mb;
}

static int delay_of_second(struct member *listener, unsigned ms)
{
	unsigned n;
	int at;

	stage_forget(s);
	stage_run(s, ms);
	at = heard_at(listener, &n);
	g_assert_cmpuint(n + 2, >=, ms / 100);
	g_assert_cmpuint(n, <=, ms / 100 + 1);
	return at;
}

static void phone_delays_nobody(const void *arg)
{
	const struct phone *ph = arg;
	struct bus_conf conf = {.music = true};
	struct member *a, *c, *d;
	int before;

	s = stage_new(STEP_US);
	s->jitter_music_fit = true;
	s->jitter_music_ms = 5;
	g_assert_cmpint(bus_alloc(&b, s->m, &conf), ==, 0);
	a = comes(&player);
	c = comes(&player);
	a->peer->play = impulses();
	a->peer->n_play = PERIOD;
	c->peer->conf.peak = 0;
	stage_run(s, 12000);              /* until the buffers have found their size */
	before = delay_of_second(c, 2000);
	g_assert_cmpint(before, >=, 0);
	d = comes(&ph->conf);
	g_assert_cmpint(delay_of_second(c, 1000), ==, before);    /* it comes */
	g_assert_cmpint(delay_of_second(c, 3000), ==, before);    /* and talks */
	g_assert_cmpfloat(member_hears_db(c, 700, 0.1, 500), >, -3);
	g_assert_cmpfloat(member_hears_db(d, 700, 0.1, 100), <, -20);
	stage_remove(s, d);
	g_assert_cmpint(delay_of_second(c, 2000), ==, before);    /* and is gone */
	g_test_message("%s: heard at %d of %d samples all the time", ph->name, before, PERIOD);
	stage_free(s);
	b = mem_deref(b);
}

/* --- who comes later --- */

static double loudness(const struct member *mb, size_t from, size_t n)
{
	const struct peer *p = mb->peer;
	double sum = 0;

	g_assert_cmpuint(p->n_rec, >=, from + n);
	for (size_t i = from; i < from + n; i++)
		sum += (double)p->rec[i * p->conf.channels] * (double)p->rec[i * p->conf.channels];
	return sqrt(2 * sum / (double)n);
}

/* From its first sound on, over 300 ms, with no step; and what comes before says when that was. */
static void fades_in(void)
{
	struct bus_conf conf = {.music = true};
	struct member *a, *c;
	size_t first = 0;

	s = stage_new(STEP_US);
	g_assert_cmpint(bus_alloc(&b, s->m, &conf), ==, 0);
	a = comes(&player);
	a->peer->conf.peak = 0;
	stage_run(s, 300);
	stage_forget(s);
	c = comes(&player);
	c->peer->mute = true;             /* its call is there before its sound */
	stage_run(s, 700);
	c->peer->mute = false;
	stage_run(s, 1000);
	g_assert_cmpuint(a->peer->n_ts_gaps, ==, 0);
	while (first < a->peer->n_rec && fabs((double)a->peer->rec[first * 2]) < 1e-4)
		first++;
	g_assert_cmpuint(first, >=, 600 * 48);
	for (unsigned ms = 0; ms < 400; ms += 20) {
		double want = 0.25 * MIN(1, (ms + 10) / 300.0);

		g_assert_cmpfloat(fabs(loudness(a, first + ms * 48, 20 * 48) - want), <, 0.02);
	}
	stage_free(s);
	b = mem_deref(b);
}

/* --- near and far --- */

enum { FAR = 3, LISTEN_MS = 4000 };

static const struct { uint32_t capture_us, playback_us, buffer_us, rtt_us; } ends[FAR] = {
	{1300, 2700, 1300, 800}, {2700, 6700, 2700, 9000}, {1300, 10700, 8000, 42000},
};

struct ear { struct member *mb; uint32_t id; size_t had; bool quiet; double at_ms[8]; unsigned n; };

static void bye(void *arg, const char *why)
{
	(void)arg;
	(void)why;
}

/* What came with this packet is in the air so much later. */
static void hear(struct ear *e, unsigned i)
{
	const struct peer *p = e->mb->peer;

	for (size_t k = e->had; k < p->n_rec; k++) {
		bool loud = fabs((double)p->rec[k * 2]) > 0.05;

		if (loud && e->quiet && e->n < G_N_ELEMENTS(e->at_ms))
			e->at_ms[e->n++] = (s->now_us + ends[i].rtt_us / 2 + ends[i].buffer_us + ends[i].playback_us) / 1000.0 +
					   (double)(k - e->had) / 48;
		if (loud)
			e->quiet = false;
		else if (k >= 4800)
			e->quiet = e->quiet || loudness(e->mb, k - 2400, 2400) < 0.001;
	}
	e->had = p->n_rec;
}

static void ends_join(struct control *c, struct face *faces, struct ear *ears, const char *sync)
{
	const struct actor sys = {.kind = ACTOR_SYSTEM};

	for (unsigned i = 0; i < FAR; i++) {
		struct command join = {.verb = VERB_JOIN, .room = "band", .uri = "sip:x@y", .role = ROLE_HOST, .face = &faces[i], .on = true};
		struct command say = {.verb = VERB_LATENCY, .capture_us = ends[i].capture_us, .playback_us = ends[i].playback_us,
				      .buffer_us = ends[i].buffer_us, .rtt_us = ends[i].rtt_us};
		struct result res = {0};

		ears[i] = (struct ear){.mb = stage_member(s, &player)};
		ears[i].mb->peer->conf.peak = 0;
		faces[i] = (struct face){.leg = ears[i].mb->leg, .bye = bye};
		g_assert_cmpint(control_run(c, &sys, &join, &res), ==, 0);
		ears[i].id = say.member = res.member;
		g_assert_cmpint(control_run(c, &sys, &say, NULL), ==, 0);
	}
	stage_run(s, 1000);
	for (unsigned i = 0; i < FAR; i++) {
		g_assert_cmpint(control_run(c, &sys, &(struct command){.verb = VERB_CLICK, .member = ears[i].id, .on = true}, NULL), ==, 0);
		g_assert_cmpint(control_run(c, &sys, &(struct command){.verb = VERB_CLICK_SYNC, .member = ears[i].id, .text = sync}, NULL), ==, 0);
	}
	stage_run(s, 100);
}

static void leave(struct control *c, const struct ear *ears)
{
	const struct actor sys = {.kind = ACTOR_SYSTEM};

	for (unsigned i = 0; i < FAR; i++)
		g_assert_cmpint(control_run(c, &sys, &(struct command){.verb = VERB_LEAVE, .member = ears[i].id}, NULL), ==, 0);
	stage_run(s, 100);
}

/* How far apart the ends hear the clicks of two bars, one of them counted in; *late: after the beat, the latest. */
static double spread_ms(const char *sync, double *late)
{
	const struct control_conf cc = {.auto_rooms = true, .max_rooms = 2, .max_members = 8};
	const struct actor sys = {.kind = ACTOR_SYSTEM};
	struct face faces[FAR];
	struct ear ears[FAR];
	struct control *c = NULL;
	struct beat beat;
	double spread = 0;

	s = stage_new(STEP_US);
	g_assert_cmpint(control_alloc(&c, &cc, s->m), ==, 0);
	ends_join(c, faces, ears, sync);
	g_assert_cmpint(control_run(c, &sys, &(struct command){.verb = VERB_TRANSPORT, .room = "band", .text = "count-in", .value = 1}, NULL), ==, 0);
	g_assert_cmpint(control_run(c, &sys, &(struct command){.verb = VERB_TRANSPORT, .room = "band", .text = "start"}, NULL), ==, 0);
	g_assert_cmpint(control_beat(c, "band", &beat), ==, 0);
	stage_forget(s);
	for (uint64_t end = s->now_us + LISTEN_MS * 1000; s->now_us < end;) {
		stage_step(s);
		for (unsigned i = 0; i < FAR; i++) {
			ears[i].quiet = ears[i].quiet || !ears[i].n;
			hear(&ears[i], i);
		}
	}
	*late = 0;
	for (unsigned k = 0; k < 7; k++) {
		struct beat_point p;
		double least = INFINITY, most = -INFINITY;

		g_assert_true(beat_next(&p, &beat, beat.now.at_smp + k * 24000, 1));
		for (unsigned i = 0; i < FAR; i++) {
			g_assert_cmpuint(ears[i].n, >, k);
			least = fmin(least, ears[i].at_ms[k]);
			most = fmax(most, ears[i].at_ms[k]);
		}
		spread = fmax(spread, most - least);
		*late = fmax(*late, fabs(most - (double)p.smp / 48));
	}
	leave(c, ears);
	mem_deref(c);
	stage_free(s);
	return spread;
}

static void heard_together(void)
{
	double late, room = spread_ms("room", &late), ear = spread_ms("ear", &late), mix;

	g_test_message("with the mix: %.1f ms apart; ear: %.2f ms apart, %.2f ms from the beat", room, ear, late);
	g_assert_cmpfloat(room, >, 20);
	g_assert_cmpfloat(ear, <, 1);
	g_assert_cmpfloat(late, <, 2);
	/* so much sooner as the way back takes, which is another for each */
	mix = spread_ms("mix", &late);
	g_assert_cmpfloat(mix, >, 15);
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	for (unsigned i = 0; i < G_N_ELEMENTS(phones); i++) {
		g_autofree char *path = g_strdup_printf("/play/phone/%s", phones[i].name);

		g_test_add_data_func(path, &phones[i], phone_delays_nobody);
	}
	g_test_add_func("/play/fades-in", fades_in);
	g_test_add_func("/play/heard-together", heard_together);
	return g_test_run();
}
