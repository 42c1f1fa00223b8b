/*
 * test-level.c - the RFC 6464 level of known sounds, and who is found to be speaking in which noise.
 */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "mixer/level.h"
#include "tests/lib/signal.h"

enum { RATE = 8000, SECONDS = 20, N = RATE * SECONDS, FRAME = RATE / 50 };

static float smp[N], noise[N];

static void accuracy(void)
{
	uint32_t seed = 1;

	for (int db = 3; db < 127; db++) {
		signal_sine(smp, RATE, 0, RATE, 1003.0, pow(10.0, -(db - 3.01) / 20.0));
		g_assert_cmpint(ABS((int)level_dbov_rt(smp, FRAME) - db), <=, 1);
		g_assert_cmpint(level_dbov_rt(smp, RATE), ==, db);
		signal_noise(smp, RATE, &seed, pow(10.0, -db / 20.0));
		g_assert_cmpint(ABS((int)level_dbov_rt(smp, RATE) - db), <=, 1);
	}
}

static void extremes(void)
{
	static const struct { float x; uint8_t dbov; } row[] = {
		{0.0f, 127}, {1.0f, 0}, {-1.0f, 0}, {4.0f, 0}, {1e-7f, 127}, {1e-30f, 127}, {NAN, 127}, {INFINITY, 0},
		{0.1f, 20}, {1e-6f, 120},
	};
	float x[37];

	for (unsigned i = 0; i < G_N_ELEMENTS(row); i++) {
		for (unsigned k = 0; k < G_N_ELEMENTS(x); k++)
			x[k] = row[i].x;
		g_assert_cmpuint(level_dbov_rt(x, G_N_ELEMENTS(x)), ==, row[i].dbov);
	}
	g_assert_cmpuint(level_dbov_rt(x, 0), ==, 127);
}

/* Feeds n samples in frames; returns how many frames were talking, and how often it switched. */
static unsigned feed(struct level *l, const float *x, size_t n, unsigned *switches)
{
	unsigned talking = 0;

	for (size_t at = 0; at + FRAME <= n; at += FRAME) {
		const bool was = l->talking, changed = level_update_rt(l, x + at, FRAME, 20000);

		g_assert_true(changed == (was != l->talking));
		*switches += changed;
		talking += l->talking;
	}
	return talking;
}

/* Twenty seconds: noise alone, speech in noise from 5 s to 15 s, noise alone. Never heard where nobody speaks (but for
 * the first two seconds, when the floor is not known yet), heard nearly all the time where somebody does. */
static void speech_in_noise(void)
{
	static const struct { double noise_db, speech_peak; } row[] = {
		{-90.0, 0.3}, {-70.0, 0.1}, {-60.0, 0.05}, {-50.0, 0.1}, {-45.0, 0.3}, {-40.0, 0.4},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(row); i++) {
		unsigned before, during, after, sw = 0, sw_during = 0;
		uint32_t seed = 11 + i;
		struct level l;

		level_init(&l);
		signal_noise(smp, N, &seed, pow(10.0, row[i].noise_db / 20.0));
		signal_speech(noise, 10 * RATE, RATE, &seed, row[i].speech_peak);
		for (size_t k = 0; k < 10 * RATE; k++)
			smp[5 * RATE + k] += noise[k];

		(void)feed(&l, smp, 2 * RATE, &sw);
		sw = 0;
		before = feed(&l, smp + 2 * RATE, 3 * RATE, &sw);
		during = feed(&l, smp + 5 * RATE, 10 * RATE, &sw_during);
		(void)feed(&l, smp + 15 * RATE, RATE, &sw_during);      /* the hang-over */
		after = feed(&l, smp + 16 * RATE, 4 * RATE, &sw);
		g_test_message("noise %.0f dB, speech peak %.2f: talking %u, %u, %u frames; %u switches in speech",
			       row[i].noise_db, row[i].speech_peak, before, during, after, sw_during);
		g_assert_cmpuint(before, ==, 0);
		g_assert_cmpuint(during, >=, 475);
		g_assert_cmpuint(sw_during, <=, 3);
		g_assert_cmpuint(after, ==, 0);
	}
}

/* No syllable is lost: talking within 40 ms of the first. */
static void quick(void)
{
	struct level l;
	uint32_t seed = 2;
	unsigned sw = 0;

	level_init(&l);
	signal_noise(smp, N, &seed, 1e-3);
	(void)feed(&l, smp, 5 * RATE, &sw);
	signal_sine(noise, RATE, 0, RATE, 300.0, 0.1);
	sw = 0;
	(void)feed(&l, noise, 2 * FRAME, &sw);
	g_assert_true(l.talking);
	g_assert_cmpuint(sw, ==, 1);
}

/* A held note is talking as long as it lasts; so is music of a loud member. A fan that starts is noise within 3 s. */
static void steady(void)
{
	struct level l;
	uint32_t seed = 2;
	unsigned sw = 0;

	level_init(&l);
	signal_sine(smp, N, 0, RATE, 440.0, 0.2);
	g_assert_cmpuint(feed(&l, smp, N, &sw), >=, N / FRAME - 2);
	g_assert_cmpuint(sw, ==, 1);

	level_init(&l);
	signal_noise(smp, N, &seed, 0.003);
	(void)feed(&l, smp, 3 * RATE, &sw);
	g_assert_cmpuint(feed(&l, smp + 3 * RATE, N - 3 * RATE, &sw), ==, 0);
}

static void frame_length_does_not_matter(void)
{
	static const unsigned frame[] = {FRAME / 8, FRAME, FRAME * 3};

	for (unsigned i = 0; i < G_N_ELEMENTS(frame); i++) {
		const uint32_t us = (uint32_t)(frame[i] * 1000000ULL / RATE);
		uint32_t seed = 4, on_us = 0;
		struct level l;

		level_init(&l);
		signal_noise(smp, N, &seed, 1e-4);
		signal_speech(noise, 5 * RATE, RATE, &seed, 0.2);
		memcpy(smp + 5 * RATE, noise, 5 * RATE * sizeof(*smp));
		for (size_t at = 0; at + frame[i] <= N; at += frame[i]) {
			(void)level_update_rt(&l, smp + at, frame[i], us);
			on_us += l.talking ? us : 0;
		}
		g_test_message("frames of %u us: talking %u ms", us, on_us / 1000);
		g_assert_cmpuint(on_us, >, 4700000);
		g_assert_cmpuint(on_us, <, 5700000);
	}
}

static void broken_frames(void)
{
	float x[FRAME];
	struct level l;

	level_init(&l);
	for (int i = 0; i < FRAME; i++)
		x[i] = i % 2 ? NAN : INFINITY;
	g_assert_false(level_update_rt(&l, x, FRAME, 20000));
	g_assert_false(level_update_rt(&l, x, 0, 0));
	g_assert_false(level_update_rt(&l, x, FRAME, UINT32_MAX));
	g_assert_true(isfinite(l.smooth) && isfinite(l.floor));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/level/accuracy", accuracy);
	g_test_add_func("/level/extremes", extremes);
	g_test_add_func("/level/speech-in-noise", speech_in_noise);
	g_test_add_func("/level/quick", quick);
	g_test_add_func("/level/steady", steady);
	g_test_add_func("/level/frame-length-does-not-matter", frame_length_does_not_matter);
	g_test_add_func("/level/broken-frames", broken_frames);
	return g_test_run();
}
