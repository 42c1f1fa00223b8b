/*
 * flow-mixer-click.c - the beat in the ear of who asked for it, at the right sample, and in nobody else's.
 *
 *     bus_set_beat   beat n at origin + n * 60 * 48000 / bpm
 *     a (click on)   hears it just there;  b, c hear nothing of it
 */
#include <glib.h>
#include <math.h>
#include <string.h>
#include <re.h>
#include "mixer/click.h"
#include "mixer/engine.h"
#include "mixer/leg.h"
#include "mixer/move.h"
#include "tests/lib/rtguard.h"
#include "tests/lib/signal.h"
#include "tests/lib/stage.h"

#define HZ 441.7
#define PEAK 0.25

struct kind { const char *name; uint32_t clock; uint8_t channels; uint32_t ptime_us; bool music; };

static const struct kind kinds[] = {
	{"l16-5ms", 48000, 1, 5000, false},
	{"l16-20ms", 48000, 1, 20000, false},
	{"l16-64", 48000, 2, 1333, true},
	{"l16-2.5ms", 48000, 2, 2500, true},
};

struct room { struct stage *s; struct bus *b; const struct kind *k; struct click_sound sound; };

static struct room room_new(const struct kind *k)
{
	struct bus_conf conf = {.music = k->music};
	struct room r = {.s = stage_new(k->ptime_us < 2000 ? 333 : 500), .k = k};

	click_make(&r.sound);
	g_assert_cmpint(bus_alloc(&r.b, r.s->m, &conf), ==, 0);
	return r;
}

static struct member *join(struct room *r, double hz)
{
	struct peer_conf c = {"L16", r->k->clock, 97, r->k->channels, r->k->ptime_us, hz, hz > 0 ? PEAK : 0, 0, NULL};
	struct member *mb = stage_member(r->s, &c);

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

/* The sample count of what was recorded first: RTP time is the engine's, but for where it began. */
static uint64_t rec_smp(const struct room *r, const struct member *mb)
{
	uint32_t low = mb->peer->first_ts - mb->leg->rt->send.ts_base;
	uint64_t now = mixer_smp(r->s->m);

	return (now & ~(uint64_t)0xffffffff) + low - (low > (uint32_t)now + 96000 ? UINT64_C(0x100000000) : 0);
}

static double rec(const struct member *mb, size_t i, unsigned c)
{
	return (double)mb->peer->rec[i * mb->peer->conf.channels + c];
}

/* What must be heard of the beat at that sample: the definition, not what the mixer's loop makes of it. */
static double ticks_at(const struct room *r, const struct beat *b, uint64_t smp)
{
	struct beat_point p;
	double sum = 0;

	for (uint64_t from = smp - CLICK_SMP + 1; beat_next(&p, b, from, 1) && p.smp <= smp; from = p.smp + 1)
		sum += (double)(p.in_bar ? r->sound.beat : r->sound.bar)[smp - p.smp];
	return sum;
}

/* From `skip` on, sample for sample; and how many beats began in it. */
static unsigned hears_beat(const struct room *r, const struct member *mb, const struct beat *b, float gain, size_t skip)
{
	uint64_t first = rec_smp(r, mb);
	struct beat_point p;
	unsigned n = 0;

	g_assert_cmpuint(mb->peer->n_ts_gaps, ==, 0);
	g_assert_cmpuint(mb->peer->n_rec, >, skip);
	for (size_t i = skip; i < mb->peer->n_rec; i++)
		for (unsigned c = 0; c < mb->peer->conf.channels; c++)
			g_assert_cmpfloat(fabs(rec(mb, i, c) - (double)gain * ticks_at(r, b, first + i)), <, 1.5 / 32768);
	for (uint64_t from = first + skip; beat_next(&p, b, from, 1) && p.smp < first + mb->peer->n_rec; from = p.smp + 1)
		n++;
	return n;
}

static void hears_nothing(const struct member *mb)
{
	g_assert_cmpuint(mb->peer->n_ts_gaps, ==, 0);
	for (size_t i = 0; i < mb->peer->n_rec * mb->peer->conf.channels; i++)
		g_assert_cmpfloat(fabs((double)mb->peer->rec[i]), <, 1.5 / 32768);
}

static struct beat start(struct room *r, uint32_t mbpm, uint8_t per_bar)
{
	struct beat b;

	beat_init(&b);
	g_assert_cmpint(beat_tempo(&b, 0, mbpm, per_bar), ==, 0);
	beat_start(&b, mixer_smp(r->s->m) + 2 * BEAT_LEAD_SMP);
	g_assert_cmpint(bus_set_beat(r->b, &b), ==, 0);
	return b;
}

static void test_to_the_sample(gconstpointer arg)
{
	struct room r = room_new(arg);
	struct member *a = join(&r, 0), *b = join(&r, 0);
	struct beat beat;

	stage_run(r.s, 500);
	leg_set_click(a->leg, 0.5f);
	stage_run(r.s, 100);
	stage_forget(r.s);
	beat = start(&r, 133333, 3);
	stage_run(r.s, 4000);
	g_assert_cmpuint(hears_beat(&r, a, &beat, 0.5f, 0), ==, 9);
	hears_nothing(b);
	room_end(&r);
}

/* A new tempo begins with a beat; stopped, the last tick is heard to its end, and no other follows. */
static void test_changes(gconstpointer arg)
{
	struct room r = room_new(arg);
	struct member *a = join(&r, 0);
	struct beat beat;

	(void)join(&r, 0);
	leg_set_click(a->leg, 1);
	stage_run(r.s, 500);
	stage_forget(r.s);
	beat = start(&r, 120000, 4);
	stage_run(r.s, 1230);
	g_assert_cmpuint(hears_beat(&r, a, &beat, 1, 0), ==, 3);
	g_assert_cmpint(beat_tempo(&beat, mixer_smp(r.s->m), 400000, 2), ==, 0);
	g_assert_cmpint(bus_set_beat(r.b, &beat), ==, 0);
	stage_forget(r.s);
	stage_run(r.s, 1700);
	g_assert_cmpuint(hears_beat(&r, a, &beat, 1, 0), ==, 9);
	beat_stop(&beat, mixer_smp(r.s->m));
	g_assert_cmpint(bus_set_beat(r.b, &beat), ==, 0);
	stage_forget(r.s);
	stage_run(r.s, 500);
	g_assert_cmpuint(hears_beat(&r, a, &beat, 1, 0), <=, 1);
	stage_forget(r.s);
	stage_run(r.s, 500);
	hears_nothing(a);
	room_end(&r);
}

/* Somebody talks: who hears no click still shares what is encoded, and hears the talker as before. */
static void test_others(gconstpointer arg)
{
	struct room r = room_new(arg);
	struct member *t = join(&r, HZ), *a = join(&r, 0), *b = join(&r, 0), *c = join(&r, 0);
	struct mixer_stats before, after;
	uint64_t alone, with;

	stage_run(r.s, 3000);
	mixer_stats(r.s->m, &before);
	stage_run(r.s, 1000);
	mixer_stats(r.s->m, &after);
	alone = after.encodes - before.encodes;
	(void)start(&r, 240000, 4);
	leg_set_click(a->leg, 1);
	stage_run(r.s, 500);
	stage_forget(r.s);
	mixer_stats(r.s->m, &before);
	stage_run(r.s, 1000);
	mixer_stats(r.s->m, &after);
	with = after.encodes - before.encodes;
	g_assert_cmpfloat(fabs((double)with / (double)alone - 1.5), <, 0.05);     /* t's, all others', and now a's */
	g_assert_cmpfloat(fabs(member_hears_db(b, HZ, PEAK, 500)), <, 0.2);
	g_assert_cmpfloat(fabs(member_hears_db(a, HZ, PEAK, 500)), <, 0.2);
	g_assert_cmpfloat(member_hears_db(b, 1000, PEAK, 500), <, -60);
	g_assert_cmpfloat(member_hears_db(c, 2000, PEAK, 500), <, -60);
	g_assert_cmpfloat(member_hears_db(t, 1000, PEAK, 500), <, -60);
	g_assert_cmpfloat(member_hears_db(a, 1000, PEAK, 500), >, -40);
	leg_set_click(a->leg, 0);
	stage_run(r.s, 4000);
	mixer_stats(r.s->m, &before);
	stage_run(r.s, 1000);
	mixer_stats(r.s->m, &after);
	g_assert_cmpuint(after.encodes - before.encodes, ==, alone);              /* back with all */
	room_end(&r);
}

static void test_deaf_hears_it(gconstpointer arg)
{
	struct room r = room_new(arg);
	struct member *a = join(&r, 0);
	struct beat beat;

	(void)join(&r, HZ);
	leg_set_deaf(a->leg, true);
	leg_set_click(a->leg, 1);
	stage_run(r.s, 500);
	stage_forget(r.s);
	beat = start(&r, 180000, 1);
	stage_run(r.s, 1000);
	g_assert_cmpuint(hears_beat(&r, a, &beat, 1, 0), ==, 3);
	room_end(&r);
}

/* In another room there is another beat, or none. */
static void test_other_room(gconstpointer arg)
{
	struct room r = room_new(arg);
	struct bus_conf conf = {.music = r.k->music};
	struct member *a = join(&r, 0);
	struct bus *other;

	(void)join(&r, 0);
	g_assert_cmpint(bus_alloc(&other, r.s->m, &conf), ==, 0);
	leg_set_click(a->leg, 1);
	(void)start(&r, 400000, 4);
	stage_run(r.s, 500);
	g_assert_cmpint(leg_set_bus(a->leg, other), ==, 0);
	stage_run(r.s, 100);
	stage_forget(r.s);
	stage_run(r.s, 1000);
	hears_nothing(a);
	g_assert_cmpint(leg_set_bus(a->leg, NULL), ==, 0);
	stage_run(r.s, 100);
	mem_deref(other);
	room_end(&r);
}

/* The room goes to another media thread, and a new tempo is set while it is on its way. */
static void test_room_moves(gconstpointer arg)
{
	struct mixer_conf conf = {.n_turned = 2, .port_min = 40000, .port_max = 49999};
	struct bus_conf bc = {.music = ((const struct kind *)arg)->music};
	struct room r = {.k = arg};
	struct member *a;
	struct beat beat;

	r.s = stage_new(r.k->ptime_us < 2000 ? 333 : 500);
	mem_deref(r.s->m);
	g_assert_cmpint(mixer_alloc(&r.s->m, &conf), ==, 0);
	g_assert_cmpint(bus_alloc(&r.b, r.s->m, &bc), ==, 0);
	click_make(&r.sound);
	a = join(&r, 0);
	(void)join(&r, 0);
	leg_set_click(a->leg, 1);
	stage_run(r.s, 500);
	stage_forget(r.s);
	beat = start(&r, 200000, 4);
	stage_run(r.s, 300);
	g_assert_cmpint(bus_move(r.b, r.s->m->threads[r.b->t == r.s->m->threads[0]]), ==, 0);
	g_assert_true(bus_moving(r.b));
	g_assert_cmpint(beat_tempo(&beat, mixer_smp(r.s->m), 300000, 4), ==, 0);
	g_assert_cmpint(bus_set_beat(r.b, &beat), ==, 0);
	stage_run(r.s, 1000);
	g_assert_false(bus_moving(r.b));
	g_assert_cmpuint(hears_beat(&r, a, &beat, 1, 0), ==, 6);
	room_end(&r);
}

static void test_nothing_allocated(gconstpointer arg)
{
	struct room r = room_new(arg);
	struct member *a = join(&r, HZ), *b = join(&r, 0);

	leg_set_click(a->leg, 1);
	leg_set_click(b->leg, 2);
	stage_run(r.s, 500);
	(void)start(&r, 400000, 4);
	stage_run(r.s, 10);
	rtguard_begin();
	for (int i = 0; i < 200; i++)
		mixer_turn(r.s->m, r.s->now_us += r.s->step_us);
	g_assert_cmpuint(rtguard_end(), ==, 0);
	room_end(&r);
}

int main(int argc, char **argv)
{
	static const struct { const char *name; GTestDataFunc func; } tests[] = {
		{"to-the-sample", test_to_the_sample}, {"changes", test_changes}, {"others", test_others},
		{"deaf", test_deaf_hears_it}, {"other-room", test_other_room}, {"room-moves", test_room_moves}, {"allocates-nothing", test_nothing_allocated},
	};
	int err;

	g_test_init(&argc, &argv, NULL);
	libre_init();
	for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
		for (size_t k = 0; k < G_N_ELEMENTS(kinds); k++) {
			char *path = g_strdup_printf("/mixer/click/%s/%s", tests[i].name, kinds[k].name);

			g_test_add_data_func(path, &kinds[k], tests[i].func);
			g_free(path);
		}
	err = g_test_run();
	libre_close();
	return err;
}
