/*
 * test-noisegate.c - noise between words goes down, words keep their beginnings and ends.
 */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "mixer/noisegate.h"
#include "mixer/mix.h"
#include "tests/lib/signal.h"

enum { RATE = 48000, FRAME = 480, N = 12 * RATE };

static float in[N], out[N];

static void run(struct noisegate *g, struct level *l, float *x, size_t n, size_t frame)
{
	for (size_t at = 0; at + frame <= n; at += frame) {
		(void)level_update_rt(l, x + at, frame, (uint32_t)(frame * 1000 / 48));
		noisegate_rt(g, l, x + at, frame, 1);
	}
}

/* Noise of -50 dBov, a word of 400 ms at 6, 7, ... s that dies away with a time constant of 80 ms. */
static void words(uint32_t seed)
{
	signal_noise(in, N, &seed, pow(10.0, -50.0 / 20.0));
	for (size_t s = 6; s < 12; s++)
		for (size_t i = 0; i < RATE * 6 / 10; i++) {
			const double t = (double)i / RATE, env = t < 0.3 ? 1.0 : exp(-(t - 0.3) / 0.08);

			in[s * RATE + i] += (float)(0.2 * env * sin(2 * M_PI * 220.0 * t));
		}
	memcpy(out, in, sizeof(out));
}

static double db_between(const float *x, double from_s, double to_s)
{
	return signal_level_db(x + (size_t)(from_s * RATE), (size_t)((to_s - from_s) * RATE));
}

static void run_at(size_t frame)
{
	struct level l;
	struct noisegate g;

	level_init(&l);
	noisegate_init(&g, NULL);
	words(4);
	run(&g, &l, out, N, frame);

	/* noise alone: 12 dB softer */
	g_assert_cmpfloat(fabs(db_between(in, 4, 6) - db_between(out, 4, 6) - 12.0), <, 0.5);

	for (size_t s = 6; s < 12; s++) {
		const double t = (double)s;

		/* first 20 ms of the word: no more than 1 dB missing; the middle: untouched to the bit */
		g_assert_cmpfloat(db_between(in, t, t + 0.02) - db_between(out, t, t + 0.02), <, 1.0);
		g_assert_true(!memcmp(in + (size_t)((t + 0.02) * RATE), out + (size_t)((t + 0.02) * RATE), RATE / 4 * sizeof(float)));
		/* its end, 26 dB down (80 ms * 3), is all there; and the tail to the last 10 ms before the noise */
		g_assert_cmpfloat(fabs(db_between(in, t + 0.3, t + 0.54) - db_between(out, t + 0.3, t + 0.54)), <, 0.01);
		/* closed again before the next */
		if (s < 11)
			g_assert_cmpfloat(db_between(in, t + 0.98, t + 1) - db_between(out, t + 0.98, t + 1), >, 3.0);
	}
	g_assert_cmpuint(signal_clicks(out + 4 * RATE, 2 * RATE, RATE, 30.0), ==, 0);
}

static void frames(void)
{
	static const size_t frame[] = {64, 120, 240, 480, 960};

	for (unsigned i = 0; i < G_N_ELEMENTS(frame); i++)
		run_at(frame[i]);
}

/* Speech in a quiet room is not shut: what comes out differs by less than half a dB. */
static void speech(void)
{
	uint32_t seed = 8;
	struct level l;
	struct noisegate g;

	level_init(&l);
	noisegate_init(&g, NULL);
	signal_speech(in, N, RATE, &seed, 0.2);
	memcpy(out, in, sizeof(out));
	run(&g, &l, out, N, FRAME);
	g_assert_cmpfloat(fabs(signal_level_db(in, N) - signal_level_db(out, N)), <, 0.5);
}

/* A level that swings around the threshold does not make it flap: at most one change for each hold. */
static void hysteresis(void)
{
	unsigned changes = 0;
	uint32_t seed = 2;
	struct level l;
	struct noisegate g;

	level_init(&l);
	noisegate_init(&g, NULL);
	signal_noise(in, N, &seed, 0.003);
	for (size_t i = 4 * RATE; i < N; i++)     /* 6 dB up and down, 5 times a second */
		in[i] *= (float)(2.0 + sin(2 * M_PI * 5.0 * (double)i / RATE));
	for (size_t at = 0; at + FRAME <= N; at += FRAME) {
		const bool was = g.open;

		run(&g, &l, in + at, FRAME, FRAME);
		changes += was != g.open;
	}
	g_assert_cmpuint(changes, <=, 6);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/noisegate/frames", frames);
	g_test_add_func("/noisegate/speech", speech);
	g_test_add_func("/noisegate/hysteresis", hysteresis);
	return g_test_run();
}
