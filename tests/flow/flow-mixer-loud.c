/*
 * flow-mixer-loud.c - what is done about loudness: the sum under full scale, talkers about equally loud, noise softer.
 *
 *     a, b, c talk, each at -6 dBFS )))  > sum 1.5 > limiter > d, e        tones stay tones, nothing over full scale
 *     soft and loud talkers )))  agc > ear          words and hiss )))  noise gate > ear
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

/* --- automatic gain, noise gate --- */

enum { TALK_S = 10 };

/* The level an L16 ear hears of one talker who sends smp (mono, at its codec's rate), in dB, over the last ms. */
static double heard_db(const struct peer_conf *talker, float *smp, size_t n, bool music, bool agc, bool gate, uint32_t ms)
{
	struct stage *s = stage_new(1000);
	struct bus_conf conf = {.quantum_smp = 480, .music = music};
	struct member *mb, *ear;
	struct bus *b = NULL;
	float *heard;
	double db;

	s->agc = agc;
	s->noise_gate = gate;
	s->ungated = true;
	g_assert_cmpint(bus_alloc(&b, s->m, &conf), ==, 0);
	mb = stage_member(s, talker);
	g_assert_cmpint(leg_set_bus(mb->leg, b), ==, 0);
	mb->peer->play = smp;
	mb->peer->n_play = n;
	ear = l16_join(s, b, 0, 0);
	stage_run(s, TALK_S * 1000);
	heard = peer_last(ear->peer, ms * 48, 0);
	db = signal_level_db(heard, ms * 48);
	g_free(heard);
	mem_deref(b);
	stage_free(s);
	return db;
}

static void test_agc(void)
{
	static const double peak[] = {0.05, 1.0};
	static const struct peer_conf talker = {"L16", 48000, 97, 1, 20000, 0, 0, 0, NULL};
	static float smp[48000 * TALK_S];
	double as_sent[2], db[2], music[2];

	for (unsigned i = 0; i < 2; i++) {
		uint32_t seed = 5;

		signal_speech(smp, G_N_ELEMENTS(smp), 48000, &seed, peak[i]);
		as_sent[i] = heard_db(&talker, smp, G_N_ELEMENTS(smp), false, false, false, 5000);
		db[i] = heard_db(&talker, smp, G_N_ELEMENTS(smp), false, true, false, 5000);
		music[i] = heard_db(&talker, smp, G_N_ELEMENTS(smp), true, true, false, 5000);
		g_test_message("peak %.2f: %.1f dB as sent, %.1f with agc, %.1f as music", peak[i], as_sent[i], db[i], music[i]);
		g_assert_cmpfloat(fabs(music[i] - as_sent[i]), <, 0.1);
	}
	g_assert_cmpfloat(db[0], >, as_sent[0] + 6);
	g_assert_cmpfloat(db[1], <, as_sent[1] - 3);
	g_assert_cmpfloat(fabs(db[1] - db[0]), <, 5);
}

/* A word, then a hissing line: what comes of the hiss. */
static void test_noise_gate(void)
{
	static const struct { const char *codec; uint32_t clock, rate; uint8_t pt; bool music; double lo, hi; } row[] = {
		{"PCMU", 8000, 8000, 0, false, -13, -9}, {"G722", 8000, 16000, 9, false, -13, -9},
		{"PCMU", 8000, 8000, 0, true, -0.2, 0.2}, {"L16", 48000, 48000, 97, false, -0.2, 0.2},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(row); i++) {
		struct peer_conf talker = {row[i].codec, row[i].clock, row[i].pt, 1, 20000, 0, 0, 0, NULL};
		size_t n = (size_t)row[i].rate * TALK_S, word = row[i].rate / 2;
		g_autofree float *smp = g_new(float, n), *w = g_new(float, word);
		uint32_t seed = 5, hiss = 9;
		double off, on;

		signal_noise(smp, n, &hiss, 2e-3);
		signal_speech(w, word, row[i].rate, &seed, 0.4);
		for (size_t k = 0; k < word; k++)
			smp[n / 2 + k] += w[k];
		off = heard_db(&talker, smp, n, row[i].music, false, false, 2000);
		on = heard_db(&talker, smp, n, row[i].music, false, true, 2000);
		g_test_message("%s%s: hiss %.1f dB, gated %.1f", row[i].codec, row[i].music ? ", music" : "", off, on);
		g_assert_cmpfloat(on - off, >=, row[i].lo);
		g_assert_cmpfloat(on - off, <=, row[i].hi);
	}
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/loud/limiter", test_limiter);
	g_test_add_func("/loud/limiter-parts", test_limiter_parts);
	g_test_add_func("/loud/agc", test_agc);
	g_test_add_func("/loud/noise-gate", test_noise_gate);
	return g_test_run();
}
