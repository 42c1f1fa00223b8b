/*
 * flow-mixer-loud.c - what is done about loudness: the sum under full scale.
 *
 *     a, b, c talk, each at -6 dBFS )))  > sum 1.5 > limiter > d, e        tones stay tones, nothing over full scale
 */
#include <glib.h>
#include <math.h>
#include <string.h>
#include <re.h>
#include "mixer/engine.h"
#include "mixer/leg.h"
#include "tests/lib/signal.h"
#include "tests/lib/stage.h"

#define LOUD 0.5

static const double tones[] = {441.7, 703.3, 1109.1};

static struct member *l16_join(struct stage *s, struct bus *b, double hz, double peak)
{
	struct peer_conf c = {"L16", 48000, 96, 1, 10000, hz, peak, 0, NULL};
	struct member *mb = stage_member(s, &c);

	g_assert_cmpint(leg_set_bus(mb->leg, b), ==, 0);
	return mb;
}

/* --- limiter --- */

/* What is left of smp, against it, when the three tones are taken out. */
static double rest_db(const float *smp, size_t n)
{
	g_autofree double *x = g_new(double, n);
	double all = 0, rest = 0;

	for (size_t i = 0; i < n; i++) {
		x[i] = (double)smp[i];
		all += x[i] * x[i];
	}
	/* tones are not quite at right angles in a second: twice around is enough */
	for (unsigned round = 0; round < 8; round++) {
		const double w = 2 * G_PI * tones[round % 3] / 48000;
		double re = 0, im = 0;

		for (size_t i = 0; i < n; i++)
			re += x[i] * cos(w * (double)i), im += x[i] * sin(w * (double)i);
		for (size_t i = 0; i < n; i++)
			x[i] -= 2 / (double)n * (re * cos(w * (double)i) + im * sin(w * (double)i));
	}
	for (size_t i = 0; i < n; i++)
		rest += x[i] * x[i];
	return 10 * log10(rest / all + 1e-12);
}

static double top(const float *smp, size_t n)
{
	double peak = 0;

	for (size_t i = 0; i < n; i++)
		peak = MAX(peak, fabs((double)smp[i]));
	return peak;
}

static void test_limiter(void)
{
	struct stage *s = stage_new(1000);
	struct bus_conf conf = {.quantum_smp = 480};
	struct bus *b = NULL;
	struct member *ear;
	g_autofree float *smp = NULL;

	g_assert_cmpint(bus_alloc(&b, s->m, &conf), ==, 0);
	for (unsigned i = 0; i < 3; i++)
		l16_join(s, b, tones[i], LOUD);
	ear = l16_join(s, b, 0, 0);
	stage_run(s, 3000);
	smp = peer_last(ear->peer, 48000, 0);
	g_test_message("peak %.3f, what is no tone %.1f dB", top(smp, 48000), rest_db(smp, 48000));
	g_assert_cmpfloat(top(smp, 48000), >, 0.8);
	g_assert_cmpfloat(top(smp, 48000), <, 0.95);
	g_assert_cmpfloat(rest_db(smp, 48000), <, -30);
	mem_deref(b);
	stage_free(s);
}

/* Two listen to one stream; then one of them whispers and hears a mix of its own, turned down as far as the other's. */
static void test_limiter_parts(void)
{
	struct stage *s = stage_new(1000);
	struct bus_conf conf = {.quantum_smp = 480};
	struct member *talker[3], *ear[2];
	g_autofree float *x = NULL, *y = NULL;
	struct bus *b = NULL;
	double most = 0;

	g_assert_cmpint(bus_alloc(&b, s->m, &conf), ==, 0);
	for (unsigned i = 0; i < 3; i++)
		talker[i] = l16_join(s, b, tones[i], 0.05);
	for (unsigned i = 0; i < 2; i++)
		ear[i] = l16_join(s, b, 0, 0);
	stage_run(s, 2000);
	g_assert_true(ear[1]->leg->rt->share.leader == ear[0]->leg->rt);
	for (unsigned i = 0; i < 3; i++)
		talker[i]->peer->conf.peak = LOUD;
	stage_run(s, 1000);
	g_assert_true(ear[1]->leg->rt->share.leader == ear[0]->leg->rt);
	stage_forget(s);
	stage_run(s, 500);
	ear[1]->peer->conf.hz = 300;
	ear[1]->peer->conf.peak = 2e-3;
	stage_run(s, 500);
	g_assert_null(ear[1]->leg->rt->share.leader);
	x = peer_last(ear[0]->peer, 46000, 0);
	y = peer_last(ear[1]->peer, 46000, 0);
	for (size_t i = 0; i < 46000; i++)
		most = MAX(most, fabs((double)x[i] - (double)y[i]));
	g_test_message("they differ by %.4f at most", most);
	g_assert_cmpfloat(most, >, 5e-4);         /* the whisper */
	g_assert_cmpfloat(most, <, 5e-3);
	ear[1]->peer->conf.peak = 0;
	stage_run(s, 3000);
	g_assert_nonnull(ear[1]->leg->rt->share.leader);
	mem_deref(b);
	stage_free(s);
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/loud/limiter", test_limiter);
	g_test_add_func("/loud/limiter-parts", test_limiter_parts);
	return g_test_run();
}
