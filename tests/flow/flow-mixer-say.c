/*
 * flow-mixer-say.c - what a member is told alone, and what a room is told.
 *
 *     a talks )))  > sum >  one encode  > c, d
 *                          sum + said   > b              b is told something; c and d notice nothing, to the bit
 */
#include <glib.h>
#include <math.h>
#include <string.h>
#include <re.h>
#include "mixer/engine.h"
#include "mixer/leg.h"
#include "tests/lib/signal.h"
#include "tests/lib/stage.h"

#define PEAK 0.25
#define HZ_TALK 441.7
#define HZ_SAID 1709.3
#define HZ_NEXT 2713.9

struct kind { const char *name, *codec; uint32_t clock; uint8_t pt; uint32_t ptime_us; };

static const struct kind kinds[] = {
	{"pcmu", "PCMU", 8000, 0, 20000},
	{"g722", "G722", 8000, 9, 20000},
	{"opus", "opus", 48000, 96, 20000},
	{"opus-10ms", "opus", 48000, 96, 10000},
	{"l16", "L16", 48000, 97, 5000},
};

struct room { struct stage *s; struct bus *b; const struct kind *k; };

static struct room room_new(const struct kind *k)
{
	struct bus_conf conf = {.quantum_smp = 0};
	struct room r = {.s = stage_new(1000), .k = k};

	g_assert_cmpint(bus_alloc(&r.b, r.s->m, &conf), ==, 0);
	return r;
}

static struct member *join(struct room *r, double hz)
{
	struct peer_conf c = {r->k->codec, r->k->clock, r->k->pt, 1, r->k->ptime_us, hz, hz > 0 ? PEAK : 0, 0, NULL};
	struct member *mb = stage_member(r->s, &c);

	if (r->b)
		g_assert_cmpint(leg_set_bus(mb->leg, r->b), ==, 0);
	return mb;
}

static void room_end(struct room *r)
{
	while (r->s->n)
		stage_remove(r->s, r->s->member[0]);
	mem_deref(r->b);
	stage_free(r->s);
}

static float *sine_new(double hz, uint32_t ms)
{
	float *smp = mem_zalloc(48 * ms * sizeof(*smp), NULL);

	g_assert_nonnull(smp);
	signal_sine(smp, 48 * (size_t)ms, 0, 48000, hz, PEAK);
	return smp;
}

static struct leg_say piece(float *smp, uint32_t ms, float under)
{
	return (struct leg_say){.smp = smp, .n = 48 * (size_t)ms, .owner = smp, .gain = 1, .under = under};
}

static void hears(const struct member *mb, double hz, double db_expected, uint32_t ms)
{
	double db = member_hears_db(mb, hz, PEAK, ms);

	if (db_expected < -50)
		g_assert_cmpfloat(db, <, db_expected);
	else
		g_assert_cmpfloat(fabs(db - db_expected), <, 0.7);
}

static void no_gap(const struct member *mb)
{
	g_assert_cmpuint(mb->peer->n_seq_gaps, ==, 0);
	g_assert_cmpuint(mb->peer->n_ts_gaps, ==, 0);
	g_assert_cmpuint(mb->peer->n_bad, ==, 0);
}

/* --- to one alone --- */

static void test_alone_hears(gconstpointer arg)
{
	struct room r = room_new(arg);
	float *said = sine_new(HZ_SAID, 1000);
	struct leg_say p = piece(said, 1000, 0.25f);
	struct member *a = join(&r, HZ_TALK), *b = join(&r, 0), *c = join(&r, 0);

	stage_run(r.s, 2000);
	stage_forget(r.s);
	g_assert_cmpint(leg_say(b->leg, &p, 1, LEG_SAY_AFTER), ==, 0);
	g_assert_cmpuint(mem_nrefs(said), ==, 2);
	stage_run(r.s, 800);
	hears(b, HZ_SAID, 0, 500);
	hears(b, HZ_TALK, -12, 500);              /* turned down beneath it */
	hears(c, HZ_SAID, -55, 500);
	hears(c, HZ_TALK, 0, 500);
	hears(a, HZ_SAID, -55, 500);
	g_assert_cmpuint(b->n_said, ==, 0);
	stage_run(r.s, 800);
	g_assert_cmpuint(b->n_said, ==, 1);
	g_assert_cmpuint(c->n_said, ==, 0);
	g_assert_cmpuint(mem_nrefs(said), ==, 1);
	hears(b, HZ_SAID, -55, 400);
	hears(b, HZ_TALK, 0, 400);
	no_gap(b);
	no_gap(c);
	mem_deref(said);
	room_end(&r);
}

/* The same room twice; once somebody is told something. Freed with g_free: what another member hears. */
static float *what_c_hears(const struct kind *k, bool tell, size_t *n)
{
	struct room r = room_new(k);
	float *said = sine_new(HZ_SAID, 500), *heard;
	struct leg_say p = piece(said, 500, 0);
	struct member *b, *c;

	join(&r, HZ_TALK);
	b = join(&r, 0);
	c = join(&r, 0);
	join(&r, 0);
	stage_run(r.s, 1000);
	stage_forget(r.s);
	if (tell)
		g_assert_cmpint(leg_say(b->leg, &p, 1, LEG_SAY_AFTER), ==, 0);
	stage_run(r.s, 6000);             /* b goes back to the shared stream in this time */
	*n = c->peer->n_rec;
	heard = peer_last(c->peer, *n, 0);
	mem_deref(said);
	room_end(&r);
	return heard;
}

static void test_others_unchanged(gconstpointer arg)
{
	size_t n, m;
	g_autofree float *without = what_c_hears(arg, false, &n), *with = what_c_hears(arg, true, &m);

	g_assert_cmpuint(n, >, 0);
	g_assert_cmpmem(with, m * sizeof(*with), without, n * sizeof(*without));
}

/* The talker's tone goes on beneath, through an encoder of its own and back into the shared one. */
static void test_no_seam(gconstpointer arg)
{
	const struct kind *k = arg;
	struct room r = room_new(k);
	float *said = mem_zalloc(48 * 300 * sizeof(*said), NULL);
	struct leg_say p = piece(said, 300, 1);
	struct member *b;
	size_t n;

	join(&r, HZ_TALK);
	b = join(&r, 0);
	join(&r, 0);
	stage_run(r.s, 5000);
	stage_forget(r.s);
	g_assert_nonnull(b->leg->rt->share.leader);
	g_assert_cmpint(leg_say(b->leg, &p, 1, LEG_SAY_AFTER), ==, 0);
	stage_run(r.s, 100);
	g_assert_null(b->leg->rt->share.leader);
	stage_run(r.s, 5000);
	g_assert_nonnull(b->leg->rt->share.leader);
	no_gap(b);
	n = b->peer->n_rec;
	{
		g_autofree float *smp = peer_last(b->peer, n, 0);

		g_assert_cmpfloat(signal_phase_jump(smp, n, b->peer->codec->srate, HZ_TALK), <, 0.2);
		if (b->peer->codec->srate == 48000 && k->ptime_us == 5000)
			g_assert_cmpuint(signal_clicks(smp, n, 48000, 3), ==, 0);
	}
	mem_deref(said);
	room_end(&r);
}

/* Neither the beginning nor the end of a piece clicks, nor one cut short, wherever in a wave that is. */
static void test_no_click(void)
{
	struct room r = room_new(&kinds[4]);
	float *said = sine_new(HZ_TALK, 333);     /* begins at 0, but ends anywhere */
	struct leg_say p[2];
	struct member *b;
	size_t n;

	p[0] = p[1] = piece(said, 333, 1);
	p[1].smp += 37;                           /* and begins anywhere */
	p[1].n -= 50;
	join(&r, HZ_TALK);
	b = join(&r, 0);
	stage_run(r.s, 1000);
	stage_forget(r.s);
	g_assert_cmpint(leg_say(b->leg, p, 2, LEG_SAY_AFTER), ==, 0);
	stage_run(r.s, 900);
	g_assert_cmpint(leg_say(b->leg, p, 2, LEG_SAY_AFTER), ==, 0);
	stage_run(r.s, 120);
	g_assert_cmpint(leg_say(b->leg, NULL, 0, LEG_SAY_NOW), ==, 0);
	stage_run(r.s, 300);
	n = b->peer->n_rec;
	{
		g_autofree float *smp = peer_last(b->peer, n, 0);

		g_assert_cmpuint(signal_clicks(smp, n, 48000, 6), ==, 0);      /* the corner of a ramp is none */
	}
	mem_deref(said);
	room_end(&r);
}

static void test_limbo(void)
{
	struct room r = room_new(&kinds[0]);
	float *said = sine_new(HZ_SAID, 5000);
	struct leg_say p = piece(said, 5000, 0);
	struct bus *b = r.b;
	struct member *w;

	r.b = NULL;
	w = join(&r, 0);
	stage_run(r.s, 500);
	g_assert_cmpint(leg_say(w->leg, &p, 1, LEG_SAY_AFTER), ==, 0);
	stage_run(r.s, 1000);
	hears(w, HZ_SAID, 0, 500);
	g_assert_cmpint(leg_set_bus(w->leg, b), ==, 0);   /* it goes on where it was */
	stage_run(r.s, 1000);
	hears(w, HZ_SAID, 0, 500);
	r.b = b;
	mem_deref(said);
	room_end(&r);
}

static void test_deaf(void)
{
	struct room r = room_new(&kinds[0]);
	float *said = sine_new(HZ_SAID, 1000);
	struct leg_say p = piece(said, 1000, 0.25f);
	struct member *b;

	join(&r, HZ_TALK);
	b = join(&r, 0);
	leg_set_deaf(b->leg, true);
	stage_run(r.s, 1000);
	g_assert_cmpint(leg_say(b->leg, &p, 1, LEG_SAY_AFTER), ==, 0);
	stage_run(r.s, 800);
	hears(b, HZ_SAID, 0, 500);
	hears(b, HZ_TALK, -55, 500);
	mem_deref(said);
	room_end(&r);
}

/* A talker hears the others and what it is told, and the others hear nothing of that. */
static void test_talker(void)
{
	struct room r = room_new(&kinds[0]);
	float *said = sine_new(HZ_SAID, 1000);
	struct leg_say p = piece(said, 1000, 0);
	struct member *a = join(&r, HZ_TALK), *b = join(&r, HZ_NEXT);

	stage_run(r.s, 1000);
	g_assert_cmpint(leg_say(a->leg, &p, 1, LEG_SAY_AFTER), ==, 0);
	stage_run(r.s, 800);
	hears(a, HZ_SAID, 0, 500);
	hears(a, HZ_NEXT, -55, 500);              /* instead of the mix */
	hears(b, HZ_TALK, 0, 500);
	hears(b, HZ_SAID, -55, 500);
	mem_deref(said);
	room_end(&r);
}

/* --- the queue --- */

static void test_order(void)
{
	struct room r = room_new(&kinds[0]);
	float *one = sine_new(HZ_SAID, 500), *two = sine_new(HZ_NEXT, 500);
	struct leg_say p[2];
	struct member *b = join(&r, 0);

	p[0] = piece(one, 500, 0);
	p[1] = piece(two, 500, 0);
	stage_run(r.s, 500);
	g_assert_cmpint(leg_say(b->leg, p, 2, LEG_SAY_AFTER), ==, 0);
	g_assert_cmpint(leg_say(b->leg, p, 1, LEG_SAY_AFTER), ==, 0);
	stage_run(r.s, 450);
	hears(b, HZ_SAID, 0, 300);
	stage_run(r.s, 500);
	hears(b, HZ_NEXT, 0, 300);
	hears(b, HZ_SAID, -40 - 11, 300);
	stage_run(r.s, 500);
	hears(b, HZ_SAID, 0, 300);
	g_assert_cmpuint(b->n_said, ==, 0);
	stage_run(r.s, 200);
	g_assert_cmpuint(b->n_said, ==, 1);
	g_assert_cmpuint(mem_nrefs(one), ==, 1);
	mem_deref(one);
	mem_deref(two);
	room_end(&r);
}

static void test_loop(void)
{
	struct room r = room_new(&kinds[0]);
	float *music = sine_new(1000, 100), *said = sine_new(HZ_NEXT, 300);
	struct leg_say loop = piece(music, 100, 0), p = piece(said, 300, 0);
	struct member *b = join(&r, 0);
	size_t n = 8000;

	loop.loop = true;
	stage_run(r.s, 500);
	g_assert_cmpint(leg_say(b->leg, &loop, 1, LEG_SAY_AFTER), ==, 0);
	stage_run(r.s, 1500);
	{
		g_autofree float *smp = peer_last(b->peer, n, 0);

		g_assert_cmpfloat(signal_snr_db(smp, n, 8000, 1000), >, 30);      /* 100 whole periods: no seam */
	}
	g_assert_cmpint(leg_say(b->leg, &p, 1, LEG_SAY_AFTER), ==, 0);
	stage_run(r.s, 250);
	hears(b, HZ_NEXT, 0, 150);
	stage_run(r.s, 400);
	hears(b, 1000, -55, 200);
	g_assert_cmpuint(b->n_said, ==, 1);
	g_assert_cmpuint(mem_nrefs(music), ==, 1);
	mem_deref(music);
	mem_deref(said);
	room_end(&r);
}

static void test_now(void)
{
	struct room r = room_new(&kinds[0]);
	float *one = sine_new(HZ_SAID, 1000), *two = sine_new(HZ_NEXT, 1000);
	struct leg_say p[2];
	struct member *b = join(&r, 0);

	p[0] = piece(one, 1000, 0);
	p[1] = piece(two, 1000, 0);
	stage_run(r.s, 500);
	for (int i = 0; i < 4; i++)
		g_assert_cmpint(leg_say(b->leg, p, 1, LEG_SAY_AFTER), ==, 0);
	stage_run(r.s, 300);
	g_assert_cmpint(leg_say(b->leg, &p[1], 1, LEG_SAY_NOW), ==, 0);
	stage_run(r.s, 400);
	hears(b, HZ_NEXT, 0, 300);
	hears(b, HZ_SAID, -51, 300);
	g_assert_cmpuint(mem_nrefs(one), ==, 1);
	g_assert_cmpint(leg_say(b->leg, NULL, 0, LEG_SAY_NOW), ==, 0);
	stage_run(r.s, 400);
	hears(b, HZ_NEXT, -55, 300);
	g_assert_cmpuint(b->n_said, ==, 0);       /* nothing of it was said to its end */
	g_assert_cmpuint(mem_nrefs(two), ==, 1);
	mem_deref(one);
	mem_deref(two);
	room_end(&r);
}

static void test_bounds(void)
{
	struct room r = room_new(&kinds[0]);
	float *one = sine_new(HZ_SAID, 100);
	struct leg_say p = piece(one, 100, 0), bad;
	struct member *b = join(&r, 0);

	for (int i = 0; i < LEG_SAY_MAX; i++)
		g_assert_cmpint(leg_say(b->leg, &p, 1, LEG_SAY_AFTER), ==, 0);
	g_assert_cmpint(leg_say(b->leg, &p, 1, LEG_SAY_AFTER), ==, ENOSPC);
	bad = p;
	bad.n = 0;
	g_assert_cmpint(leg_say(b->leg, &bad, 1, LEG_SAY_NOW), ==, EINVAL);
	bad = p;
	bad.gain = NAN;
	g_assert_cmpint(leg_say(b->leg, &bad, 1, LEG_SAY_NOW), ==, EINVAL);
	bad = p;
	bad.under = 2;
	g_assert_cmpint(bus_say(r.b, &bad, 1, LEG_SAY_NOW), ==, EINVAL);
	g_assert_cmpint(leg_say(b->leg, NULL, 0, LEG_SAY_AFTER), ==, EINVAL);
	stage_run(r.s, LEG_SAY_MAX * 100 + 500);
	g_assert_cmpuint(b->n_said, ==, 1);
	g_assert_cmpint(leg_say(b->leg, &p, 1, LEG_SAY_AFTER), ==, 0);
	stage_remove(r.s, b);                     /* in the middle of it */
	stage_run(r.s, 100);
	g_assert_cmpuint(mem_nrefs(one), ==, 1);
	mem_deref(one);
	room_end(&r);
}

/* A phone that holds us hears nothing; what was to be said is over in its time, and not heard later. */
static void test_hold(void)
{
	struct room r = room_new(&kinds[0]);
	float *one = sine_new(HZ_SAID, 500);
	struct leg_say p = piece(one, 500, 0);
	struct member *b = join(&r, 0);

	stage_run(r.s, 300);
	b->desc.dir = LEG_DIR_RECV;
	member_set(b);
	stage_run(r.s, 100);
	g_assert_cmpint(leg_say(b->leg, &p, 1, LEG_SAY_AFTER), ==, 0);
	stage_run(r.s, 400);
	g_assert_cmpuint(b->n_said, ==, 0);
	stage_run(r.s, 200);
	g_assert_cmpuint(b->n_said, ==, 1);
	b->desc.dir = LEG_DIR_BOTH;
	member_set(b);
	stage_forget(r.s);
	stage_run(r.s, 500);
	hears(b, HZ_SAID, -55, 300);
	mem_deref(one);
	room_end(&r);
}

/* --- to a room --- */

static void test_room(gconstpointer arg)
{
	struct room r = room_new(arg);
	float *said = sine_new(HZ_SAID, 1000);
	struct leg_say p = piece(said, 1000, 0);
	struct mixer_stats before, after;
	struct member *mb[6];

	mb[0] = join(&r, HZ_TALK);
	for (int i = 1; i < 6; i++)
		mb[i] = join(&r, 0);
	stage_run(r.s, 5000);
	stage_forget(r.s);
	g_assert_cmpint(bus_say(r.b, &p, 1, LEG_SAY_AFTER), ==, 0);
	mixer_stats(r.s->m, &before);
	stage_run(r.s, 800);
	mixer_stats(r.s->m, &after);
	g_assert_cmpuint(after.encodes - before.encodes, <=, 2 * 801000 / r.k->ptime_us);   /* the talker's and everybody's */
	for (int i = 0; i < 6; i++) {
		hears(mb[i], HZ_SAID, 0, 500);
		hears(mb[i], HZ_TALK, i ? 0 : -55, 500);
		no_gap(mb[i]);
	}
	stage_run(r.s, 500);
	for (int i = 0; i < 6; i++)
		hears(mb[i], HZ_SAID, -55, 200);
	g_assert_cmpuint(mem_nrefs(said), ==, 1);
	mem_deref(said);
	room_end(&r);
}

/* Who comes when all have gone is not told what was meant for them. */
static void test_room_empty(void)
{
	struct room r = room_new(&kinds[0]);
	float *said = sine_new(HZ_SAID, 5000);
	struct leg_say p = piece(said, 5000, 0);
	struct member *b = join(&r, 0);

	stage_run(r.s, 300);
	g_assert_cmpint(bus_say(r.b, &p, 1, LEG_SAY_AFTER), ==, 0);
	stage_run(r.s, 300);
	stage_remove(r.s, b);
	stage_run(r.s, 100);
	g_assert_cmpuint(mem_nrefs(said), ==, 1);
	g_assert_cmpint(bus_say(r.b, &p, 1, LEG_SAY_AFTER), ==, 0);
	stage_run(r.s, 50);
	g_assert_cmpuint(mem_nrefs(said), ==, 1);
	b = join(&r, 0);
	stage_run(r.s, 500);
	hears(b, HZ_SAID, -55, 300);
	mem_deref(said);
	room_end(&r);
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_autofree char *a = g_strdup_printf("/say/alone/%s", kinds[i].name),
			*o = g_strdup_printf("/say/others-unchanged/%s", kinds[i].name),
			*s = g_strdup_printf("/say/no-seam/%s", kinds[i].name),
			*m = g_strdup_printf("/say/room/%s", kinds[i].name);

		g_test_add_data_func(a, &kinds[i], test_alone_hears);
		g_test_add_data_func(o, &kinds[i], test_others_unchanged);
		g_test_add_data_func(s, &kinds[i], test_no_seam);
		g_test_add_data_func(m, &kinds[i], test_room);
	}
	g_test_add_func("/say/no-click", test_no_click);
	g_test_add_func("/say/limbo", test_limbo);
	g_test_add_func("/say/deaf", test_deaf);
	g_test_add_func("/say/talker", test_talker);
	g_test_add_func("/say/order", test_order);
	g_test_add_func("/say/loop", test_loop);
	g_test_add_func("/say/now", test_now);
	g_test_add_func("/say/bounds", test_bounds);
	g_test_add_func("/say/hold", test_hold);
	g_test_add_func("/say/room-empty", test_room_empty);
	return g_test_run();
}
