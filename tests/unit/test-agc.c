/*
 * test-agc.c - soft, loud and noisy voices in; how loud the words are that come out, and what pauses do.
 */
#include <glib.h>
#include <math.h>

#include "mixer/agc.h"
#include "mixer/mix.h"
#include "tests/lib/signal.h"

enum { RATE = 48000, FRAME = 480, SECONDS = 30, N = RATE * SECONDS };

static float smp[N], in[N];

static void run(struct agc *a, struct level *l, float *x, size_t n)
{
	for (size_t at = 0; at + FRAME <= n; at += FRAME) {
		(void)level_update_rt(l, x + at, FRAME, 10000);
		agc_rt(a, l, x + at, FRAME, 1);
	}
}

/* Mean square of the 50 ms pieces within 12 dB of the loudest one: what is loud in speech, found another way than agc.c. */
static double speech_db(const float *x, size_t n)
{
	enum { PIECE = RATE / 20 };
	double top = 0.0, sum = 0.0;
	unsigned count = 0;

	for (size_t at = 0; at + PIECE <= n; at += PIECE)
		top = MAX(top, (double)mix_energy(x + at, PIECE));
	for (size_t at = 0; at + PIECE <= n; at += PIECE) {
		const double e = (double)mix_energy(x + at, PIECE);

		if (e > top * 0.063)
			sum += e, count++;
	}
	return 10.0 * log10(sum / count);
}

static void voices(void)
{
	static const struct { double peak, noise_db; float target; double min_db, max_db; } row[] = {
		{0.06, -90, -23, -26, -20}, {0.1, -90, -23, -26, -20}, {0.5, -90, -23, -26, -20}, {1.0, -90, -23, -26, -20},
		{0.3, -60, -20, -23, -17}, {0.3, -60, -26, -29, -23},
		{0.01, -90, -23, -37, -34},          /* 20 dB up and no more */
		{0.0003, -110, -23, -86, -84},       /* nobody is talking */
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(row); i++) {
		struct agc_conf conf = AGC_CONF_DEFAULT;
		uint32_t seed = 5 + i;
		struct level l;
		struct agc a;
		double db;

		conf.target_db = row[i].target;
		agc_init(&a, &conf);
		level_init(&l);
		signal_speech(smp, N, RATE, &seed, row[i].peak);
		signal_noise(in, N, &seed, pow(10.0, row[i].noise_db / 20.0));
		mix_add(smp, in, N);
		db = speech_db(smp, N);
		run(&a, &l, smp, N);
		g_test_message("peak %g: %.1f dB in, %.1f after 10 s, gain %.1f", row[i].peak, db,
			speech_db(smp + 10 * RATE, N - 10 * RATE), (double)a.gain_db);
		g_assert_cmpfloat(speech_db(smp + 10 * RATE, N - 10 * RATE), >=, row[i].min_db);
		g_assert_cmpfloat(speech_db(smp + 10 * RATE, N - 10 * RATE), <=, row[i].max_db);
	}
}

/* After it has settled the gain of a steady talker stays within 2 dB: no pumping with syllables. */
static void steady(void)
{
	float lo = 100.0f, hi = -100.0f;
	uint32_t seed = 3;
	struct level l;
	struct agc a;

	agc_init(&a, NULL);
	level_init(&l);
	signal_speech(smp, N, RATE, &seed, 0.08);
	run(&a, &l, smp, 8 * RATE);
	for (size_t at = 8 * RATE; at + FRAME <= N; at += FRAME) {
		run(&a, &l, smp + at, FRAME);
		lo = MIN(lo, a.gain_db);
		hi = MAX(hi, a.gain_db);
	}
	g_test_message("gain %.2f .. %.2f dB", (double)lo, (double)hi);
	g_assert_cmpfloat((double)(hi - lo), <, 2.0);
}

/* Noise between two sentences: in the pause the gain does not move, and noise is not lifted over -50 dBov. */
static void pause_stands_still(void)
{
	uint32_t seed = 9;
	struct level l;
	struct agc a;
	float before;

	agc_init(&a, NULL);
	level_init(&l);
	signal_noise(in, N, &seed, pow(10.0, -55.0 / 20.0));
	signal_speech(smp, 10 * RATE, RATE, &seed, 0.05);
	mix_add(smp, in, 10 * RATE);
	run(&a, &l, smp, 10 * RATE);
	mix_clear(smp, RATE);
	mix_add(smp, in + 10 * RATE, RATE);
	run(&a, &l, smp, RATE);           /* the hang of the detector, and its floor, settle in this second */
	before = a.gain_db;
	for (size_t at = 11 * RATE; at + FRAME <= N; at += FRAME) {
		run(&a, &l, in + at, FRAME);
		g_assert_true(a.gain_db == before);
	}
	g_assert_cmpfloat((double)before, >, 3.0);
	g_assert_cmpfloat(signal_level_db(in + 12 * RATE, RATE), <, -49.0);
}

/* From a whisper to a shout and back: how long until the words are within 3 dB of the target again. */
static void changes(void)
{
	static const struct { double peak; unsigned settle_s; } row[] = {{0.05, 2}, {0.8, 2}, {0.05, 6}};
	struct level l;
	struct agc a;

	agc_init(&a, NULL);
	level_init(&l);
	for (unsigned i = 0; i < G_N_ELEMENTS(row); i++) {
		uint32_t seed = 21;
		const size_t skip = row[i].settle_s * RATE;
		double db;

		signal_speech(smp, 10 * RATE, RATE, &seed, row[i].peak);
		run(&a, &l, smp, 10 * RATE);
		db = speech_db(smp + skip, 10 * RATE - skip);
		g_test_message("peak %g: %.1f dB after %u s", row[i].peak, db, row[i].settle_s);
		g_assert_cmpfloat(fabs(db + 23.0), <, 3.0);
	}
}

/* Whatever the gain does, a tone through it has no click. */
static void no_click(void)
{
	struct level l;
	struct agc a;

	agc_init(&a, NULL);
	level_init(&l);
	signal_sine(smp, 4 * RATE, 0, RATE, 440.0, 0.8);
	for (unsigned i = 0; i < 4; i++) {
		agc_set(&a, i != 2);      /* off and on again on the way */
		run(&a, &l, smp + i * RATE, RATE);
	}
	g_assert_cmpfloat((double)a.gain_db, <, -10.0);
	g_assert_cmpuint(signal_clicks(smp, 4 * RATE, RATE, 8.0), ==, 0);
}

/* Off: back to the very same samples. Two channels get one gain. Broken frames teach nothing. */
static void off_stereo_broken(void)
{
	struct level l;
	struct agc a;

	agc_init(&a, NULL);
	level_init(&l);
	signal_sine(in, N, 0, RATE, 440.0, 0.9);
	for (size_t i = 0; i < 4 * RATE; i++)
		smp[i] = in[i];
	run(&a, &l, smp, RATE);
	g_assert_cmpfloat((double)a.gain, <, 0.5);
	agc_set(&a, false);
	run(&a, &l, smp + RATE, 3 * RATE);
	for (size_t i = 3 * RATE; i < 4 * RATE; i++)
		g_assert_true(smp[i] == in[i]);

	agc_set(&a, true);
	mix_mono_to_stereo(smp, in, RATE);
	for (size_t at = 0; at + FRAME <= RATE; at += FRAME) {
		(void)level_update_rt(&l, smp + 2 * at, 2 * FRAME, 10000);
		agc_rt(&a, &l, smp + 2 * at, FRAME, 2);
	}
	g_assert_cmpfloat((double)a.gain, <, 0.5);
	for (size_t i = 0; i < RATE; i++)
		g_assert_cmpfloat(fabs((double)(smp[2 * i] - smp[2 * i + 1])), <, 1e-2);

	for (unsigned i = 0; i < 100; i++) {
		for (size_t k = 0; k < FRAME; k++)
			smp[k] = i & 1 ? NAN : INFINITY;
		run(&a, &l, smp, FRAME);
	}
	g_assert_true(isfinite(a.gain) && a.gain > 0.1f && a.gain < 10.0f);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/agc/voices", voices);
	g_test_add_func("/agc/steady", steady);
	g_test_add_func("/agc/pause-stands-still", pause_stands_still);
	g_test_add_func("/agc/changes", changes);
	g_test_add_func("/agc/no-click", no_click);
	g_test_add_func("/agc/off-stereo-broken", off_stereo_broken);
	return g_test_run();
}
