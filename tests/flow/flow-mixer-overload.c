/*
 * flow-mixer-overload.c - a media thread that has too much to do: sound is lost, and counted; the delay stays.
 *
 *     a talks )))  > ticks, each of which takes longer than it lasts >  b
 *
 * The clock is turned by hand: a turn every 50 ms where the room wants one every 20 ms. How late a sound leaves is what waits in a's
 * jitter buffer, and how far the time stamps that b gets are behind the clock.
 */
#include <glib.h>
#include <limits.h>
#include <math.h>
#include <string.h>
#include <re.h>
#include "mixer/engine.h"
#include "tests/lib/signal.h"
#include "tests/lib/stage.h"

#define PEAK 0.25
#define HZ   441.7

struct kind {
	const char *name, *codec;
	uint32_t clock;
	uint8_t pt;
	uint32_t ptime_us, turn_us;
	bool music;
	double part;              /* of the sound in the ticks that are done: single frames of 2.5 ms are little but seams in Opus */
};

static const struct kind kinds[] = {
	{"pcmu", "PCMU", 8000, 0, 20000, 50000, false, 0.7},
	{"pcmu-odd", "PCMU", 8000, 0, 20000, 63000, false, 0.7},
	{"opus", "opus", 48000, 96, 20000, 45000, false, 0.7},
	{"opus-2.5ms", "opus", 48000, 96, 2500, 16000, true, 0.04},
	{"l16", "L16", 48000, 98, 5000, 24000, true, 0.7},
};

struct place {
	struct stage *s;
	struct bus *b;
	struct member *talker, *ear;
	uint64_t begin_us;        /* when the ear began to hear */
	int wait_ms;              /* the most that waited lately, in the buffer and in time stamps */
};

static void look(struct place *p)
{
	const struct peer *e = p->ear->peer;
	int64_t heard_us = (int64_t)(e->last_ts - e->first_ts) * 1000000 / e->codec->clock;
	int64_t behind_us = (int64_t)(p->s->now_us - p->begin_us) - heard_us;
	struct leg_stats st;

	leg_stats(p->talker->leg, &st);
	p->wait_ms = MAX(p->wait_ms, (int)st.buffer_ms + (int)(behind_us / 1000));
}

static void run(struct place *p, uint32_t turn_us, uint32_t ms)
{
	p->wait_ms = INT_MIN;
	for (uint64_t end = p->s->now_us + ms * 1000ULL; p->s->now_us < end;) {
		p->s->now_us += turn_us;
		for (unsigned i = 0; i < p->s->n; i++)
			peer_send(p->s->member[i]->peer, p->s->now_us);
		thread_turn_rt(p->s->m->threads[0], p->s->now_us, true);
		mixer_dispatch(p->s->m);
		for (unsigned i = 0; i < p->s->n; i++)
			peer_receive(p->s->member[i]->peer);
		if (!p->begin_us && p->ear->peer->any)
			p->begin_us = p->s->now_us;
		if (p->begin_us)
			look(p);
	}
}

static struct mixer_stats stats_of(const struct place *p)
{
	struct mixer_stats st;

	mixer_stats(p->s->m, &st);
	return st;
}

/* Of the tone's energy, over two seconds. */
static double heard_share(const struct member *mb)
{
	size_t n = 2 * mb->peer->codec->srate;
	g_autofree float *smp = peer_last(mb->peer, n, 0);

	return pow(10, signal_level_db(smp, n) / 10) / (PEAK * PEAK / 2);
}

static void test_overload(const void *arg)
{
	const struct kind *k = arg;
	const struct peer_conf a = {k->codec, k->clock, k->pt, 1, k->ptime_us, HZ, PEAK, 0, NULL};
	const struct peer_conf b = {k->codec, k->clock, k->pt, 1, k->ptime_us, 0, 0, 0, NULL};
	const struct bus_conf bc = {.music = k->music};
	struct place p = {.s = stage_new(1000)};
	struct mixer_stats before, after;
	int first, second, calm;
	uint64_t encodes, ticks;
	double share;

	p.s->jitter_min_ms = k->music ? 5 : 20;
	g_assert_cmpint(bus_alloc(&p.b, p.s->m, &bc), ==, 0);
	p.talker = stage_member(p.s, &a);
	p.ear = stage_member(p.s, &b);
	leg_set_bus(p.talker->leg, p.b);
	leg_set_bus(p.ear->leg, p.b);
	run(&p, 500, 2000);
	run(&p, 500, 1000);
	calm = p.wait_ms;

	before = stats_of(&p);
	run(&p, k->turn_us, 3000);
	first = p.wait_ms;
	run(&p, k->turn_us, 3000);
	second = p.wait_ms;
	after = stats_of(&p);
	ticks = after.ticks - before.ticks;
	encodes = after.encodes - before.encodes;
	g_test_message("waits %d ms, under overload %d and then %d ms; %" G_GUINT64_FORMAT " ticks, %" G_GUINT64_FORMAT
		       " dropped, %" G_GUINT64_FORMAT " encodes", calm, first, second, ticks, after.dropped_ticks - before.dropped_ticks,
		       encodes);
	g_assert_cmpuint(after.dropped_ticks - before.dropped_ticks, >, ticks / 5);
	/* a turn later than calm, a frame to cut at, and what the buffer takes the turns for: jitter of one more */
	g_assert_cmpint(first, <=, calm + (int)(2 * k->turn_us + 2 * k->ptime_us) / 1000);
	g_assert_cmpint(second, <=, first + (int)k->ptime_us / 1000);
	/* what is dropped is not worked for: no silence is encoded in its place */
	g_assert_cmpuint(encodes, <=, 2 * ticks + 4);
	/* the talker is heard in the ticks there are */
	share = (double)ticks / (double)(ticks + after.dropped_ticks - before.dropped_ticks);
	g_test_message("%.0f %% of the ticks, and %.0f %% of the sound", 100 * share, 100 * heard_share(p.ear));
	g_assert_cmpfloat(heard_share(p.ear), >, share * k->part);

	run(&p, 500, 9000);
	run(&p, 500, 1000);
	g_test_message("waits %d ms when it is over", p.wait_ms);
	g_assert_cmpint(p.wait_ms, <=, calm + 20);
	/* all of it, at whatever pitch: what still waits too long goes by playing faster, by up to 5 in 1000 */
	g_assert_cmpfloat(fabs(10 * log10(heard_share(p.ear))), <, 0.5);
	mem_deref(p.talker->leg);
	mem_deref(p.ear->leg);
	p.talker->leg = p.ear->leg = NULL;
	mem_deref(p.b);
	stage_free(p.s);
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_autofree char *path = g_strdup_printf("/overload/%s", kinds[i].name);

		g_test_add_data_func(path, &kinds[i], test_overload);
	}
	return g_test_run();
}
