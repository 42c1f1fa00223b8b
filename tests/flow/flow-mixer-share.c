/*
 * flow-mixer-share.c - encode once: what a room costs in encodes, and that nobody hears how it is done.
 *
 *     a talks )))  > sum >  one encode  > b, c, d        a hears sum - a by an encode of its own
 *     b talks )))  b takes a copy of the encoder with it, c and d go on as before; and back
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

static const double tones[] = {441.7, 703.3, 1109.1};

struct room { struct stage *s; struct bus *b; struct member *mb[STAGE_MAX]; unsigned n; };

static struct room room_new(uint32_t quantum)
{
	struct bus_conf conf = {.quantum_smp = quantum};
	struct room r = {.s = stage_new(1000)};

	g_assert_cmpint(bus_alloc(&r.b, r.s->m, &conf), ==, 0);
	return r;
}

static struct member *room_join(struct room *r, const char *codec, uint32_t clock, uint8_t pt, uint32_t ptime_us, double hz)
{
	struct peer_conf c = {codec, clock, pt, 1, ptime_us, hz, hz > 0 ? PEAK : 0, 0, NULL};
	struct member *mb = stage_member(r->s, &c);

	g_assert_cmpint(leg_set_bus(mb->leg, r->b), ==, 0);
	r->mb[r->n++] = mb;
	return mb;
}

static void room_end(struct room *r)
{
	while (r->s->n)
		stage_remove(r->s, r->s->member[0]);
	mem_deref(r->b);
	stage_free(r->s);
}

static uint64_t encodes_in(struct room *r, uint32_t ms)
{
	struct mixer_stats before, after;

	mixer_stats(r->s->m, &before);
	stage_run(r->s, ms);
	mixer_stats(r->s->m, &after);
	return after.encodes - before.encodes;
}

/* --- cost --- */

static void check_hears(const struct member *mb)
{
	for (unsigned k = 0; k < 3; k++) {
		double db = member_hears_db(mb, tones[k], PEAK, 500);

		if (tones[k] == mb->peer->conf.hz)
			g_assert_cmpfloat(member_hears_db(mb, tones[k], PEAK, 1000), <, -60);
		else
			g_assert_cmpfloat(fabs(db), <, 0.5);
	}
}

/* Three talk and nine listen, in two codecs, one of them under two numbers: 3 + 2 encodes for 12 members. */
static void test_cost(void)
{
	struct room r = room_new(480);
	g_autofree float *first = NULL;
	uint64_t n;

	for (unsigned i = 0; i < 3; i++)
		room_join(&r, i ? "PCMU" : "opus", i ? 8000 : 48000, i ? 0 : 96, 20000, tones[i]);
	for (unsigned i = 0; i < 5; i++)
		room_join(&r, "PCMU", 8000, i % 2 ? 0 : 97, 20000, 0);
	for (unsigned i = 0; i < 4; i++)
		room_join(&r, "opus", 48000, (uint8_t)(96 + i), 20000, 0);
	stage_run(r.s, 4500);
	stage_forget(r.s);
	n = encodes_in(&r, 2000);
	g_test_message("%" G_GUINT64_FORMAT " encodes in 2 s for 12 members, 3 of them talk", n);
	g_assert_cmpuint(n, >=, 5 * 99);
	g_assert_cmpuint(n, <=, 5 * 101);
	for (unsigned i = 0; i < r.n; i++) {
		check_hears(r.mb[i]);
		g_assert_cmpuint(r.mb[i]->peer->n_seq_gaps, ==, 0);
		g_assert_cmpuint(r.mb[i]->peer->n_ts_gaps, ==, 0);
		g_assert_cmpuint(r.mb[i]->peer->n_bad, ==, 0);
	}
	first = peer_last(r.mb[3]->peer, 8000, 0);
	for (unsigned i = 4; i < 8; i++) {
		g_autofree float *smp = peer_last(r.mb[i]->peer, 8000, 0);

		g_assert_cmpmem(smp, 8000 * sizeof(*smp), first, 8000 * sizeof(*first));
	}
	room_end(&r);
}

/* A newcomer's ear knows no encoder yet: it hears all the others' at once, also while somebody talks. */
static void test_newcomers(void)
{
	struct room r = room_new(0);
	uint64_t n;

	room_join(&r, "opus", 48000, 96, 20000, tones[0]);
	for (unsigned i = 0; i < 2; i++)
		room_join(&r, "opus", 48000, 96, 20000, 0);
	stage_run(r.s, 4500);
	for (unsigned i = 0; i < 8; i++)
		room_join(&r, "opus", 48000, 96, 20000, 0);
	stage_run(r.s, 100);
	stage_forget(r.s);
	n = encodes_in(&r, 1000);
	g_test_message("%" G_GUINT64_FORMAT " encodes in 1 s for 11 members, 8 of them new", n);
	g_assert_cmpuint(n, >=, 99);
	g_assert_cmpuint(n, <=, 101);
	for (unsigned i = 1; i < r.n; i++) {
		g_assert_cmpfloat(fabs(member_hears_db(r.mb[i], tones[0], PEAK, 500)), <, 0.5);
		g_assert_cmpuint(r.mb[i]->peer->n_seq_gaps, ==, 0);
		g_assert_cmpuint(r.mb[i]->peer->n_ts_gaps, ==, 0);
	}
	room_end(&r);
}

/* --- transitions --- */

struct kind { const char *name, *codec; uint32_t clock; uint8_t pt; uint32_t ptime_us, quantum; };

static const struct kind kinds[] = {
	{"pcmu", "PCMU", 8000, 0, 20000, 0},
	{"pcmu-10ms", "PCMU", 8000, 0, 20000, 480},
	{"g722", "G722", 8000, 9, 20000, 480},
	{"opus", "opus", 48000, 96, 20000, 0},
	{"opus-64", "opus", 48000, 96, 20000, 64},
	{"l16-44", "L16", 44100, 97, 10000, 240},
	{"l16", "L16", 48000, 98, 5000, 120},
};

/* The steadiness of tone 0 over the last ms. */
static double jump(const struct member *mb, uint32_t ms)
{
	size_t n = (size_t)ms * mb->peer->codec->srate / 1000;
	g_autofree float *smp = peer_last(mb->peer, n, 0);

	return signal_phase_jump(smp, n, mb->peer->codec->srate, tones[0]);
}

static size_t clicks(const struct member *mb, uint32_t ms)
{
	size_t n = (size_t)ms * mb->peer->codec->srate / 1000;
	g_autofree float *smp = peer_last(mb->peer, n, 0);

	return signal_clicks(smp, n, mb->peer->codec->srate, 6);
}

/* One talks all the time; three listen; each of them, the leader first, says something below what could be heard, and
 * falls silent again. */
static void test_transition(const void *arg)
{
	const struct kind *k = arg;
	struct room r = room_new(k->quantum);
	double steady;

	room_join(&r, "L16", 48000, 99, 10000, tones[0]);
	for (unsigned i = 0; i < 3; i++)
		room_join(&r, k->codec, k->clock, k->pt, k->ptime_us, 0);
	stage_run(r.s, 4500);
	steady = MAX(jump(r.mb[1], 1000), 0.025);         /* the adaptive ones need a moment at the seam: under 6 degrees */
	for (unsigned i = 1; i < 4; i++) {
		stage_forget(r.s);
		r.mb[i]->peer->conf.hz = tones[1];
		r.mb[i]->peer->conf.peak = 2e-3;           /* -57 dB: it is in the sum, and masks no click */
		stage_run(r.s, 700);
		g_assert_null(r.mb[i]->leg->rt->share.leader);
		r.mb[i]->peer->conf.peak = 0;
		stage_run(r.s, 4300);
		g_assert_nonnull(r.mb[i]->leg->rt->share.leader);
		for (unsigned m = 1; m < 4; m++) {
			const double step = jump(r.mb[m], 4800), db = member_hears_db(r.mb[m], tones[0], PEAK, 500);
			const size_t n_clicks = clicks(r.mb[m], 4800);

			g_test_message("%s: %u after %u: phase jump %.4f (steady %.4f), %zu clicks, %.2f dB", k->name, m, i, step, steady,
				       n_clicks, db);
			g_assert_cmpfloat(step, <, 4 * steady);
			g_assert_cmpuint(n_clicks, ==, 0);
			g_assert_cmpfloat(fabs(db), <, 0.5);
			g_assert_cmpuint(r.mb[m]->peer->n_seq_gaps, ==, 0);
			g_assert_cmpuint(r.mb[m]->peer->n_ts_gaps, ==, 0);
		}
	}
	room_end(&r);
}

/* The leader goes, holds, changes its codec, gets a key: the others hear nothing of it. */
static void test_leader_goes(void)
{
	struct room r = room_new(480);
	struct member *last;

	room_join(&r, "L16", 48000, 99, 10000, tones[0]);
	for (unsigned i = 0; i < 5; i++)
		room_join(&r, "opus", 48000, 96, 20000, 0);
	last = r.mb[5];
	stage_run(r.s, 4500);
	g_assert_true(last->leg->rt->share.leader == r.mb[1]->leg->rt);
	stage_forget(r.s);
	stage_remove(r.s, r.mb[1]);
	stage_run(r.s, 500);
	g_assert_true(last->leg->rt->share.leader == r.mb[2]->leg->rt);
	r.mb[2]->desc.dir = LEG_DIR_RECV;
	member_set(r.mb[2]);
	stage_run(r.s, 500);
	g_assert_true(last->leg->rt->share.leader == r.mb[3]->leg->rt);
	g_assert_cmpint(leg_send_dtmf(r.mb[3]->leg, "12"), ==, 0);
	leg_set_deaf(r.mb[4]->leg, true);
	stage_run(r.s, 1000);
	g_assert_cmpstr(r.mb[3]->peer->keys, ==, "12");
	g_assert_cmpfloat(member_hears_db(r.mb[4], tones[0], PEAK, 500), <, -60);
	g_assert_true(last->leg->rt->share.leader == r.mb[3]->leg->rt);
	leg_set_deaf(r.mb[3]->leg, true);
	stage_run(r.s, 500);
	g_assert_true(last->leg->rt->share.leader == last->leg->rt);
	g_assert_cmpuint(clicks(last, 2300), ==, 0);
	g_assert_cmpfloat(jump(last, 2300), <, 0.05);
	g_assert_cmpuint(last->peer->n_seq_gaps, ==, 0);
	g_assert_cmpuint(last->peer->n_ts_gaps, ==, 0);
	room_end(&r);
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/share/cost", test_cost);
	g_test_add_func("/share/newcomers", test_newcomers);
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_autofree char *path = g_strdup_printf("/share/transition/%s", kinds[i].name);

		g_test_add_data_func(path, &kinds[i], test_transition);
	}
	g_test_add_func("/share/leader-goes", test_leader_goes);
	return g_test_run();
}
