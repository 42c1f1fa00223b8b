/*
 * flow-mixer-views.c - private mixes: who hears whom how loud and where, what it costs in encodes, and that no change clicks.
 *
 *     a, b, c, d talk )))  sum >  each hears   sum - own + (cell - 1) x the others
 */
#include <errno.h>
#include <glib.h>
#include <math.h>
#include <string.h>
#include <re.h>
#include "mixer/engine.h"
#include "mixer/leg.h"
#include "tests/lib/signal.h"
#include "tests/lib/stage.h"

#define PEAK 0.1

enum { N = 4 };

static const double tones[] = {441.7, 703.3, 1109.1, 1741.9};

struct room { struct stage *s; struct bus *b; struct member *mb[STAGE_MAX]; unsigned n; };

static struct room room_new(uint32_t quantum, bool music)
{
	struct bus_conf conf = {.quantum_smp = quantum, .music = music};
	struct room r = {.s = stage_new(1000)};

	g_assert_cmpint(bus_alloc(&r.b, r.s->m, &conf), ==, 0);
	return r;
}

static struct member *room_join_as(struct room *r, const struct peer_conf *c)
{
	struct member *mb = stage_member(r->s, c);

	g_assert_cmpint(leg_set_bus(mb->leg, r->b), ==, 0);
	r->mb[r->n++] = mb;
	return mb;
}

static struct member *room_l16(struct room *r, uint8_t ch, double hz)
{
	return room_join_as(r, &(struct peer_conf){"L16", 48000, 98, ch, 5000, hz, hz > 0 ? PEAK : 0, 0, NULL});
}

static void room_end(struct room *r)
{
	while (r->s->n)
		stage_remove(r->s, r->s->member[0]);
	mem_deref(r->b);
	stage_free(r->s);
}

/* What it hears of a tone in one channel over the last half second, in dB of what was sent. */
static double hears_db(const struct member *mb, unsigned channel, double hz)
{
	size_t n = mb->peer->codec->srate / 2;
	g_autofree float *smp = peer_last(mb->peer, n, channel);

	return 20 * log10(signal_tone_peak(smp, n, mb->peer->codec->srate, hz) / PEAK + 1e-10);
}

static double db(double gain) { return 20 * log10(gain + 1e-10); }

static void check_db(const struct member *mb, unsigned channel, double hz, double gain)
{
	double heard = hears_db(mb, channel, hz);
	/* the steps of G.711, 37 dB under three tones, make products of them; a few fall near the fourth */
	double floor_db = strncmp(mb->peer->codec->name, "PCM", 3) ? -60 : -52;

	g_test_message("%.0f Hz in channel %u: %.2f dB, wanted %.2f", hz, channel, heard, db(gain));
	if (gain < 1e-3)
		g_assert_cmpfloat(heard, <, floor_db);
	else
		g_assert_cmpfloat(fabs(heard - db(gain)), <, 0.5);
}

/* The sharpest bend in what it hears of one channel since it was told to forget, in units of that of a tone at hz. Of tones[0]
 * a gain that moves by 1 in 2.5 ms bends by 2.5, and a step of a tenth of the tone by 30. */
static double bend(const struct member *mb, unsigned channel, double hz)
{
	size_t n = mb->peer->n_rec;
	g_autofree float *smp = peer_last(mb->peer, n, channel);
	double w = 2 * G_PI * hz / mb->peer->codec->srate, max = 0;

	for (size_t i = 1; i + 1 < n; i++)
		max = MAX(max, fabs(smp[i - 1] - 2.0 * smp[i] + smp[i + 1]));
	g_test_message("sharpest bend %.1f of %zu samples", max / (PEAK * w * w), n);
	return max / (PEAK * w * w);
}

static uint32_t cells(const struct room *r)
{
	struct mixer_stats st;

	mixer_stats(r->s->m, &st);
	return st.views;
}

static void set(struct member *mb, struct member *other, float gain, float pan)
{
	g_assert_cmpint(leg_set_view(mb->leg, other->leg, gain, pan), ==, 0);
}

/* --- the matrix --- */

struct kind { const char *name, *codec; uint32_t clock, ptime_us, quantum; uint8_t pt, ch; bool rows; };

static const struct kind kinds[] = {
	{"l16", "L16", 48000, 5000, 120, 98, 1, false}, {"l16-rows", "L16", 48000, 5000, 64, 98, 1, true},
	{"stereo", "L16", 48000, 5000, 120, 98, 2, true}, {"pcmu", "PCMU", 8000, 20000, 0, 0, 1, false},
	{"opus", "opus", 48000, 20000, 480, 96, 1, true},
};

static const float matrix[N][N] = {
	{1, 0, 0.5f, 2}, {0.25f, 1, 1, 0}, {4, 0.1f, 1, 0.7f}, {0, 0, 1, 1},
};

static void set_row(struct member *mb, struct member *const *other, const float *gain, unsigned me, bool whole)
{
	struct leg_view v[N];
	unsigned n = 0;

	for (unsigned i = 0; i < N; i++) {
		if (i == me)
			continue;
		v[n++] = (struct leg_view){other[i]->leg, gain[i], LEG_PAN_SAME};
		if (!whole)
			set(mb, other[i], gain[i], LEG_PAN_SAME);
	}
	if (whole)
		g_assert_cmpint(leg_set_views(mb->leg, v, n), ==, 0);
}

static void test_matrix(const void *arg)
{
	const struct kind *k = arg;
	struct room r = room_new(k->quantum, false);

	for (unsigned i = 0; i < N; i++)
		room_join_as(&r, &(struct peer_conf){k->codec, k->clock, k->pt, k->ch, k->ptime_us, tones[i], PEAK, 0, NULL});
	stage_run(r.s, 500);
	for (unsigned i = 0; i < N; i++)
		set_row(r.mb[i], r.mb, matrix[i], i, k->rows);
	stage_run(r.s, 1500);
	for (unsigned i = 0; i < N; i++)
		for (unsigned m = 0; m < N; m++)
			check_db(r.mb[i], 0, tones[m], i == m ? 0 : matrix[i][m]);
	for (unsigned i = 0; i < N; i++)
		g_assert_cmpint(leg_clear_views(r.mb[i]->leg), ==, 0);
	stage_run(r.s, 1000);
	for (unsigned i = 0; i < N; i++) {
		for (unsigned m = 0; m < N; m++)
			check_db(r.mb[i], 0, tones[m], i != m);
		g_assert_null(r.mb[i]->leg->rt->view.row);
		g_assert_cmpuint(r.mb[i]->peer->n_seq_gaps + r.mb[i]->peer->n_ts_gaps, ==, 0);
	}
	g_assert_cmpuint(cells(&r), ==, 0);
	room_end(&r);
}

/* A cell is on top of what the other's gain is for all, and does not open a closed microphone. */
static void test_on_top(void)
{
	struct room r = room_new(120, false);
	struct member *a = room_l16(&r, 1, 0), *c = room_l16(&r, 1, tones[1]), *d = room_l16(&r, 1, 0);

	set(a, c, 2, LEG_PAN_SAME);
	leg_set_gain(c->leg, 0.25f);
	stage_run(r.s, 1000);
	check_db(a, 0, tones[1], 0.5);
	check_db(d, 0, tones[1], 0.25);
	leg_set_mute(c->leg, true);
	stage_run(r.s, 1000);
	check_db(a, 0, tones[1], 0);
	room_end(&r);
}

/* --- places --- */

static double side(float pan, unsigned channel)
{
	double a = (pan + 1) * G_PI / 4;

	return G_SQRT2 * (channel ? sin(a) : cos(a));
}

static void test_pan(void)
{
	static const float pans[] = {-1, -0.4f, 0, 0.7f, 1};
	struct room r = room_new(120, false);
	struct member *a = room_l16(&r, 2, 0), *c = room_l16(&r, 1, tones[1]), *d = room_l16(&r, 1, 0);

	for (unsigned i = 0; i < G_N_ELEMENTS(pans); i++) {
		float pan = pans[i];

		g_assert_cmpint(leg_set_pan(c->leg, pan), ==, 0);
		g_assert_cmpint(leg_clear_views(a->leg), ==, 0);
		stage_run(r.s, 700);
		for (unsigned ch = 0; ch < 2; ch++)
			check_db(a, ch, tones[1], side(pan, ch));
		check_db(d, 0, tones[1], (side(pan, 0) + side(pan, 1)) / 2);
		check_db(c, 0, tones[1], 0);                       /* its own voice, also from a place */
		set(a, c, 0.5f, LEG_PAN_SAME);                     /* where it is for all */
		stage_run(r.s, 700);
		for (unsigned ch = 0; ch < 2; ch++)
			check_db(a, ch, tones[1], 0.5 * side(pan, ch));
		set(a, c, 0.5f, -pan);                             /* somewhere else, and also from a far end */
		stage_run(r.s, 700);
		for (unsigned ch = 0; ch < 2; ch++)
			check_db(a, ch, tones[1], 0.5 * side(-pan, ch));
		check_db(d, 0, tones[1], (side(pan, 0) + side(pan, 1)) / 2);
	}
	g_assert_cmpint(leg_set_pan(c->leg, NAN), ==, EINVAL);
	g_assert_cmpint(leg_set_pan(c->leg, 1.1f), ==, EINVAL);
	g_assert_cmpint(leg_set_pan(c->leg, -1.1f), ==, EINVAL);
	room_end(&r);
}

/* A stereo instrument keeps its sides, and a room of mono phones stays mono: its sound is what the mean says. */
static void test_pan_mono(void)
{
	struct room r = room_new(120, false);
	struct member *a = room_l16(&r, 1, 0), *c = room_l16(&r, 1, tones[1]), *d;

	g_assert_cmpint(leg_set_pan(c->leg, 1), ==, 0);
	stage_run(r.s, 1000);
	check_db(a, 0, tones[1], M_SQRT1_2);
	stage_forget(r.s);
	stage_run(r.s, 50);
	d = room_l16(&r, 2, 0);                            /* the bus is stereo from here on, and back */
	stage_run(r.s, 1000);
	check_db(d, 0, tones[1], 0);
	check_db(d, 1, tones[1], G_SQRT2);
	stage_remove(r.s, d);
	stage_run(r.s, 1000);
	check_db(a, 0, tones[1], M_SQRT1_2);
	g_assert_cmpfloat(bend(a, 0, tones[1]), <, 4);
	room_end(&r);
}

/* --- no click --- */

static void test_smooth(const void *arg)
{
	static const struct { float gain, pan; uint32_t ms; } step[] = {
		{0.5f, LEG_PAN_SAME, 41}, {0, LEG_PAN_SAME, 43}, {2, 0, 47}, {2, -1, 53}, {1, 1, 3}, {0, 0, 3}, {1.5f, 0.5f, 3},
		{1, LEG_PAN_SAME, 2}, {0.3f, -0.5f, 1}, {1, LEG_PAN_SAME, 200}, {0, LEG_PAN_SAME, 37}, {1, LEG_PAN_SAME, 1},
	};
	struct room r = room_new(*(const uint32_t *)arg, false);
	struct member *a = room_l16(&r, 2, 0), *c = room_l16(&r, 1, tones[0]), *d = room_l16(&r, 1, 0);

	stage_run(r.s, 1500);
	stage_forget(r.s);
	for (unsigned i = 0; i < G_N_ELEMENTS(step); i++) {
		set(a, c, step[i].gain, step[i].pan);
		stage_run(r.s, step[i].ms);
		if (i % 3 == 0) {
			g_assert_cmpint(leg_set_pan(c->leg, (float)i / 12), ==, 0);
			stage_run(r.s, 13);
		}
	}
	stage_run(r.s, 100);
	for (unsigned ch = 0; ch < 2; ch++)
		g_assert_cmpfloat(bend(a, ch, tones[0]), <, 15);   /* up to 2.8 and back */
	g_assert_cmpfloat(bend(d, 0, tones[0]), <, 4);
	g_assert_cmpuint(a->peer->n_seq_gaps + a->peer->n_ts_gaps, ==, 0);
	g_assert_cmpuint(cells(&r), ==, 0);
	room_end(&r);
}

/* --- who goes, and where to --- */

static void test_leave(void)
{
	struct room r = room_new(120, false);
	struct member *a = room_l16(&r, 1, 0), *c = room_l16(&r, 1, tones[0]), *d = room_l16(&r, 1, tones[1]);
	float gain, pan;

	set(a, c, 4, LEG_PAN_SAME);
	set(a, d, 0.5f, LEG_PAN_SAME);
	set(d, c, 0.5f, LEG_PAN_SAME);
	set(c, a, 0, LEG_PAN_SAME);
	stage_run(r.s, 1000);
	g_assert_cmpuint(cells(&r), ==, 4);
	leg_set_gain(c->leg, 0.25f);
	stage_run(r.s, 700);
	stage_forget(r.s);
	stage_run(r.s, 50);
	stage_remove(r.s, c);
	set(a, d, 0.25f, LEG_PAN_SAME);            /* a new row while the one who left still fades out */
	stage_run(r.s, 700);
	g_assert_cmpuint(cells(&r), ==, 1);
	check_db(a, 0, tones[0], 0);
	check_db(a, 0, tones[1], 0.25);
	g_assert_cmpfloat(bend(a, 0, tones[1]), <, 4);
	c = room_l16(&r, 1, tones[0]);             /* who comes new is heard as by all, whatever memory it lies in */
	stage_run(r.s, 1000);
	check_db(a, 0, tones[0], 1);
	leg_view(a->leg, c->leg, &gain, &pan);
	g_assert_true(gain == 1 && pan == LEG_PAN_SAME);
	leg_view(a->leg, d->leg, &gain, &pan);
	g_assert_true(gain == 0.25f && pan == LEG_PAN_SAME);
	stage_remove(r.s, a);
	stage_run(r.s, 100);
	g_assert_cmpuint(cells(&r), ==, 0);
	room_end(&r);
}

static void test_survives(void)
{
	struct room r = room_new(120, false);
	struct bus_conf conf = {.quantum_smp = 480};
	struct bus *other = NULL;
	struct member *a = room_l16(&r, 1, 0), *c = room_l16(&r, 1, tones[0]);
	struct peer_conf opus = {"opus", 48000, 96, 2, 20000, 0, 0, false, NULL};

	g_assert_cmpint(bus_alloc(&other, r.s->m, &conf), ==, 0);
	set(a, c, 0.5f, LEG_PAN_SAME);
	stage_run(r.s, 1000);
	check_db(a, 0, tones[0], 0.5);
	peer_codec(a->peer, &opus);
	peer_desc(a->peer, &a->desc);
	member_set(a);
	stage_run(r.s, 1000);
	check_db(a, 0, tones[0], 0.5);
	g_assert_cmpint(leg_set_bus(a->leg, other), ==, 0);
	stage_run(r.s, 1000);
	check_db(a, 0, tones[0], 0);
	set(a, c, 0.25f, LEG_PAN_SAME);            /* said while they are apart */
	g_assert_cmpint(leg_set_bus(c->leg, other), ==, 0);
	stage_run(r.s, 1000);
	check_db(a, 0, tones[0], 0.25);
	mem_deref(other);
	room_end(&r);
}

/* --- encodes --- */

static double encodes(struct room *r, uint32_t ms)
{
	struct mixer_stats before, after;

	mixer_stats(r->s->m, &before);
	stage_run(r->s, ms);
	mixer_stats(r->s->m, &after);
	g_test_message("%.2f encodes a frame", (double)(after.encodes - before.encodes) * 20 / ms);
	return (double)(after.encodes - before.encodes) * 20 / ms;
}

#define ENCODES(r, want) g_assert_cmpfloat(fabs(encodes(r, 1000) - (want)), <, 0.15)

/* Two talk and eight listen. Encodes: the two, one for all others, and one for each mix that is another, however many
 * hear it and however many cells it has; none for a row about someone who is silent. */
static void check_cost(const char *codec, uint32_t clock, uint8_t pt)
{
	struct room r = room_new(0, false);
	struct member **mb = r.mb;

	for (unsigned i = 0; i < 10; i++)
		room_join_as(&r, &(struct peer_conf){codec, clock, pt, 1, 20000, i < 2 ? tones[i] : 0, i < 2 ? PEAK : 0, 0, NULL});
	stage_run(r.s, 5000);
	ENCODES(&r, 3);
	set(mb[9], mb[8], 0, LEG_PAN_SAME);                /* silent ones */
	set(mb[9], mb[7], 0, LEG_PAN_SAME);
	stage_run(r.s, 4000);
	ENCODES(&r, 3);
	set(mb[2], mb[0], 0.5f, LEG_PAN_SAME);
	set(mb[2], mb[1], 2, LEG_PAN_SAME);
	stage_run(r.s, 4000);
	ENCODES(&r, 4);
	for (unsigned i = 3; i < 5; i++) {                 /* the same, said in another way */
		set(mb[i], mb[9], 3, 0.5f);
		set(mb[i], mb[1], 2, LEG_PAN_SAME);
		set(mb[i], mb[0], 0.5f, LEG_PAN_SAME);
		set(mb[i], mb[9], 1, LEG_PAN_SAME);
	}
	stage_run(r.s, 4000);
	ENCODES(&r, 4);
	set(mb[5], mb[1], 0.5f, LEG_PAN_SAME);
	stage_run(r.s, 4000);
	ENCODES(&r, 5);
	for (unsigned i = 2; i < 6; i++)
		check_db(mb[i], 0, tones[0], i < 5 ? 0.5 : 1);
	check_db(mb[4], 0, tones[1], 2);
	check_db(mb[5], 0, tones[1], 0.5);
	check_db(mb[6], 0, tones[1], 1);
	stage_forget(r.s);
	set(mb[3], mb[0], 0, LEG_PAN_SAME);                /* one of three goes its own way, one comes back */
	g_assert_cmpint(leg_clear_views(mb[5]->leg), ==, 0);
	stage_run(r.s, 4000);
	ENCODES(&r, 5);
	check_db(mb[2], 0, tones[0], 0.5);
	check_db(mb[3], 0, tones[0], 0);
	check_db(mb[4], 0, tones[0], 0.5);
	check_db(mb[5], 0, tones[1], 1);
	for (unsigned i = 0; i < 10; i++)
		g_assert_cmpuint(r.mb[i]->peer->n_seq_gaps + r.mb[i]->peer->n_ts_gaps, ==, 0);
	room_end(&r);
}

static void test_cost_pcmu(void) { check_cost("PCMU", 8000, 0); }

static void test_cost_opus(void) { check_cost("opus", 48000, 96); }

/* Whom its row is about begins to speak, is silent for long, and speaks again: without a seam, each in its own way. */
static void test_dormant(void)
{
	struct room r = room_new(0, false);
	struct member *a, *c, *d, *e;

	c = room_join_as(&r, &(struct peer_conf){"L16", 48000, 98, 1, 10000, tones[0], PEAK, 0, NULL});
	for (unsigned i = 0; i < 4; i++)
		room_join_as(&r, &(struct peer_conf){"opus", 48000, 96, 1, 20000, 0, 0, 0, NULL});
	a = r.mb[1];
	d = r.mb[2];
	e = r.mb[3];
	set(a, d, 0.1f, LEG_PAN_SAME);             /* a leads the plain stream when d begins to speak */
	stage_run(r.s, 4500);
	g_assert_true(a->leg->rt->share.leader == a->leg->rt && e->leg->rt->share.leader == a->leg->rt);
	stage_forget(r.s);
	for (unsigned i = 0; i < 2; i++) {
		d->peer->conf.hz = tones[1];
		d->peer->conf.peak = PEAK;
		stage_run(r.s, 1000);
		g_assert_true(a->leg->rt->view.on && e->leg->rt->share.leader != a->leg->rt);
		check_db(a, 0, tones[1], 0.1);
		check_db(e, 0, tones[1], 1);
		check_db(a, 0, tones[0], 1);
		check_db(e, 0, tones[0], 1);
		d->peer->conf.peak = 0;
		stage_run(r.s, 3000);
		g_assert_true(a->leg->rt->view.on);
		stage_run(r.s, 7000);
		g_assert_true(!a->leg->rt->view.on && a->leg->rt->share.leader == e->leg->rt->share.leader);
		stage_forget(r.s);
	}
	g_assert_nonnull(c);
	g_assert_cmpuint(a->peer->n_seq_gaps + a->peer->n_ts_gaps, ==, 0);
	room_end(&r);
}

/* --- bounds --- */

static void test_refused(void)
{
	struct room r = room_new(120, false);
	struct member *a = room_l16(&r, 1, 0), *c = room_l16(&r, 1, tones[0]), *d = room_l16(&r, 1, tones[1]);
	struct leg_view v[2] = {{c->leg, 0.5f, 0}, {d->leg, 17, 0}};
	struct mixer_stats st;
	float gain, pan;

	r.s->m->views.max = 2;
	g_assert_cmpint(leg_set_view(a->leg, a->leg, 0.5f, 0), ==, EINVAL);
	g_assert_cmpint(leg_set_view(a->leg, c->leg, NAN, 0), ==, EINVAL);
	g_assert_cmpint(leg_set_view(a->leg, c->leg, -1, 0), ==, EINVAL);
	g_assert_cmpint(leg_set_view(a->leg, c->leg, 16.1f, 0), ==, EINVAL);
	g_assert_cmpint(leg_set_view(a->leg, c->leg, 1, -1.5f), ==, EINVAL);
	g_assert_cmpint(leg_set_views(a->leg, v, 2), ==, EINVAL);
	g_assert_cmpuint(cells(&r), ==, 0);
	v[1].gain = 0;
	g_assert_cmpint(leg_set_views(a->leg, v, 2), ==, 0);
	stage_run(r.s, 1000);
	g_assert_cmpint(leg_set_view(c->leg, d->leg, 0.5f, 0), ==, ENOSPC);
	v[0].gain = NAN;
	g_assert_cmpint(leg_set_views(a->leg, v, 2), ==, EINVAL);
	leg_view(a->leg, c->leg, &gain, &pan);
	g_assert_true(gain == 0.5f && pan == 0);
	mixer_stats(r.s->m, &st);
	g_assert_cmpuint(st.views, ==, 2);
	g_assert_cmpuint(st.views_refused, ==, 1);
	stage_run(r.s, 700);
	check_db(a, 0, tones[0], 0.5);
	check_db(a, 0, tones[1], 0);
	check_db(c, 0, tones[1], 1);
	room_end(&r);
}

/* The engine goes first, with rows on their way and in use. */
static void test_engine_goes(void)
{
	struct room r = room_new(120, false);
	struct member *a = room_l16(&r, 1, 0), *c = room_l16(&r, 1, tones[0]);

	stage_run(r.s, 200);
	set(a, c, 0.5f, LEG_PAN_SAME);
	stage_run(r.s, 100);
	set(a, c, 0.25f, LEG_PAN_SAME);
	r.s->m = mem_deref(r.s->m);
	g_assert_cmpint(leg_set_view(a->leg, c->leg, 0.5f, 0), ==, ENODEV);
	g_assert_cmpint(leg_clear_views(a->leg), ==, ENODEV);
	g_assert_cmpint(leg_set_pan(a->leg, 0), ==, ENODEV);
	room_end(&r);
}

int main(int argc, char *argv[])
{
	static const uint32_t quanta[] = {64, 120, 480, 960};

	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_autofree char *path = g_strdup_printf("/views/matrix/%s", kinds[i].name);

		g_test_add_data_func(path, &kinds[i], test_matrix);
	}
	g_test_add_func("/views/on-top", test_on_top);
	g_test_add_func("/views/pan", test_pan);
	g_test_add_func("/views/pan-mono", test_pan_mono);
	for (size_t i = 0; i < G_N_ELEMENTS(quanta); i++) {
		g_autofree char *path = g_strdup_printf("/views/smooth/%u", quanta[i]);

		g_test_add_data_func(path, &quanta[i], test_smooth);
	}
	g_test_add_func("/views/leave", test_leave);
	g_test_add_func("/views/survives", test_survives);
	g_test_add_func("/views/cost/pcmu", test_cost_pcmu);
	g_test_add_func("/views/cost/opus", test_cost_opus);
	g_test_add_func("/views/dormant", test_dormant);
	g_test_add_func("/views/refused", test_refused);
	g_test_add_func("/views/engine-goes", test_engine_goes);
	return g_test_run();
}
