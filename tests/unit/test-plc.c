/*
 * test-plc.c - concealment at every rate: a voice goes on at its pitch, nothing clicks, silence comes in time, the two
 * channels stay where they were.
 */
#include <errno.h>
#include <glib.h>
#include <math.h>
#include <re.h>
#include <string.h>

#include "mixer/plc.h"
#include "tests/lib/signal.h"

enum { RATE_MAX = 48000, SECONDS = 4 };

static const uint32_t rates[] = {8000, 16000, 44100, 48000};

static float in[RATE_MAX * SECONDS], out[2 * RATE_MAX * SECONDS], good[2 * 4000];

static struct plc *make(uint32_t srate, uint8_t ch)
{
	struct plc *p = NULL;

	g_assert_cmpint(plc_alloc(&p, srate, ch), ==, 0);
	return p;
}

/* `in` in frames; those for which lost() says so do not come. Stereo: right is half of left. */
static void run(struct plc *p, size_t n, size_t frame, uint8_t ch, bool (*lost)(size_t k))
{
	for (size_t k = 0; (k + 1) * frame <= n; k++) {
		float *dst = out + k * frame * ch;

		if (lost(k)) {
			plc_fill_rt(p, dst, frame);
			continue;
		}
		for (size_t i = 0; i < frame * ch; i++)
			dst[i] = in[k * frame + i / ch] * (i % ch ? 0.5f : 1.0f);
		plc_good_rt(p, dst, frame);
	}
}

static bool never(size_t k) { return false; }
static bool every_fifth(size_t k) { return k > 10 && k % 5 == 0; }
static bool the_20th(size_t k) { return k == 20; }
static bool from_20_to_40(size_t k) { return k >= 20 && k < 40; }

static void untouched_without_loss(gconstpointer data)
{
	const uint32_t rate = *(const uint32_t *)data;
	struct plc *p = make(rate, 1);
	uint32_t seed = 1;

	signal_speech(in, rate, rate, &seed, 0.5);
	run(p, rate, rate / 50, 1, never);
	g_assert_cmpmem(out, rate / 50 * 50 * sizeof(float), in, rate / 50 * 50 * sizeof(float));
	mem_deref(p);
}

/* A vowel: harmonics of a steady pitch. The concealed 10 ms are near to what was lost. */
static void vowel(gconstpointer data)
{
	static const double pitch[] = {85.0, 110.0, 163.0, 240.0, 330.0};
	const uint32_t rate = *(const uint32_t *)data;
	const size_t frame = rate / 100;

	for (unsigned k = 0; k < G_N_ELEMENTS(pitch); k++) {
		struct plc *p = make(rate, 1);
		double err = 0.0, sum = 0.0;

		for (size_t i = 0; i < rate; i++) {
			in[i] = 0.0f;
			for (int h = 1; h <= 8; h++)
				in[i] += (float)(0.2 / h * sin(2.0 * M_PI * pitch[k] * h * (double)i / rate + h * h));
		}
		run(p, rate, frame, 1, the_20th);
		for (size_t i = 20 * frame; i < 21 * frame; i++) {
			err += (double)(out[i] - in[i]) * (double)(out[i] - in[i]);
			sum += (double)in[i] * (double)in[i];
		}
		g_test_message("%u Hz, pitch %.0f: error %.1f dB", rate, pitch[k], 10.0 * log10(err / sum));
		g_assert_cmpfloat(10.0 * log10(err / sum), <, -8.0);
		g_assert_cmpuint(signal_clicks(out, rate, rate, 10.0), ==, 0);
		mem_deref(p);
	}
}

static double bend(const float *x, size_t from, size_t to)
{
	double top = 0.0;

	for (size_t i = from; i + 2 < to; i++)
		top = fmax(top, fabs((double)(x[i] - 2.0f * x[i + 1] + x[i + 2])));
	return top;
}

/* Speech with a fifth of it lost: as loud as before within 1 dB, and neither a concealed frame nor its joints bend more
 * sharply than the speech around does: no clicks. */
static void speech(gconstpointer data)
{
	const uint32_t rate = *(const uint32_t *)data;
	const size_t n = rate * SECONDS, frame = rate / 50;
	struct plc *p = make(rate, 1);
	uint32_t seed = 7;
	double worst = 0.0, level;

	signal_speech(in, n, rate, &seed, 0.5);
	run(p, n, frame, 1, every_fifth);
	for (size_t k = 0; (k + 4) * frame < n; k++) {
		const double had = bend(in, k > 3 ? (k - 3) * frame : 0, (k + 3) * frame);

		if (every_fifth(k))
			worst = fmax(worst, bend(out, k * frame - 4, (k + 2) * frame) / (had + 1e-3));
	}
	level = signal_level_db(out, n) - signal_level_db(in, n);
	g_test_message("%u Hz: level %+.2f dB, sharpest bend %.2f of what is near", rate, level, worst);
	g_assert_cmpfloat(fabs(level), <, 1.0);
	g_assert_cmpfloat(worst, <, 1.5);
	mem_deref(p);
}

/* 10 ms full, then down, nothing after 80 ms; no frame louder than the one before it. */
static void fade(gconstpointer data)
{
	const uint32_t rate = *(const uint32_t *)data;
	const size_t frame = rate / 100, lost = 20 * frame;
	struct plc *p = make(rate, 1);
	double last = -7.0;

	signal_sine(in, rate, 0, rate, 500.0, 0.5);
	run(p, rate, frame, 1, from_20_to_40);
	for (size_t k = 0; k < 8; k++) {
		const double db = signal_level_db(out + lost + k * frame, frame);

		g_assert_cmpfloat(db, <, last);
		last = db;
	}
	g_assert_cmpfloat(signal_level_db(out + lost, frame), >, -9.6);
	g_assert_cmpfloat(signal_level_db(out + lost + 4 * frame, frame), >, -20.0);
	g_assert_cmpfloat(signal_level_db(out + lost + 8 * frame, 12 * frame), ==, -200.0);
	g_assert_cmpuint(signal_clicks(out, rate, rate, 8.0), ==, 0);
	mem_deref(p);
}

static void noise_does_not_grow(gconstpointer data)
{
	const uint32_t rate = *(const uint32_t *)data;
	struct plc *p = make(rate, 1);
	uint32_t seed = 5;

	signal_noise(in, rate, &seed, 0.1);
	run(p, rate, rate / 50, 1, every_fifth);
	for (size_t at = 0; at + rate / 50 <= rate; at += rate / 50)
		g_assert_cmpfloat(fabs(signal_level_db(out + at, rate / 50) + 20.0), <, 3.0);
	mem_deref(p);
}

static void stereo_stays(gconstpointer data)
{
	const uint32_t rate = *(const uint32_t *)data;
	struct plc *p = make(rate, 2);
	uint32_t seed = 7;

	signal_speech(in, rate, rate, &seed, 0.5);
	run(p, rate, rate / 50, 2, every_fifth);
	for (size_t i = 0; i < rate / 50 * 50; i++)
		g_assert_cmpfloat_with_epsilon(out[2 * i + 1], 0.5f * out[2 * i], 1e-6f);
	mem_deref(p);
}

/* Frames of any length, in any order of lost and not: what is made up is never louder than what came, whatever the order. */
static void any_order(gconstpointer data)
{
	const double rms = 0.2;
	const float peak = (float)(rms * sqrt(3.0)) + 1e-6f;      /* of signal_noise() */
	const uint32_t rate = *(const uint32_t *)data;
	struct plc *p = make(rate, 2);
	uint32_t seed = 9;

	for (int k = 0; k < 2000; k++) {
		const size_t n = (size_t)g_test_rand_int_range(0, 4000) / (k % 2 ? 1 : 50);

		signal_noise(good, 2 * n, &seed, rms);
		if (g_test_rand_bit())
			plc_good_rt(p, good, n);
		else
			plc_fill_rt(p, good, n);
		for (size_t i = 0; i < 2 * n; i++)
			g_assert_cmpfloat(fabsf(good[i]), <=, peak);
	}
	mem_deref(p);
}

static void refused(void)
{
	struct plc *p = NULL;

	g_assert_cmpint(plc_alloc(&p, 7999, 1), ==, EINVAL);
	g_assert_cmpint(plc_alloc(&p, 48001, 1), ==, EINVAL);
	g_assert_cmpint(plc_alloc(&p, 8000, 0), ==, EINVAL);
	g_assert_cmpint(plc_alloc(&p, 8000, 3), ==, EINVAL);
	g_assert_null(p);
}

static void cost(gconstpointer data)
{
	const uint32_t rate = *(const uint32_t *)data;
	struct plc *p = make(rate, 1);
	uint32_t seed = 7;
	gint64 t;

	signal_speech(in, rate, rate, &seed, 0.5);
	t = g_get_monotonic_time();
	for (int k = 0; k < 500; k++) {
		plc_fill_rt(p, out, rate / 50);
		plc_good_rt(p, in, rate / 50);
	}
	g_test_message("%u Hz: %.1f us for a loss of 20 ms", rate, (double)(g_get_monotonic_time() - t) / 500.0);
	mem_deref(p);
}

static void add(const char *name, void (*func)(gconstpointer))
{
	for (unsigned i = 0; i < G_N_ELEMENTS(rates); i++) {
		char *path = g_strdup_printf("/plc/%s/%u", name, rates[i]);

		g_test_add_data_func(path, &rates[i], func);
		g_free(path);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add("untouched-without-loss", untouched_without_loss);
	add("vowel", vowel);
	add("speech", speech);
	add("fade", fade);
	add("noise-does-not-grow", noise_does_not_grow);
	add("stereo-stays", stereo_stays);
	add("any-order", any_order);
	add("cost", cost);
	g_test_add_func("/plc/refused", refused);
	return g_test_run();
}
