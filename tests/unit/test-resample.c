/*
 * test-resample.c - every pair of rates: exact counts, no seams between blocks, ripple, stop band, delay.
 */
#include <glib.h>
#include <complex.h>
#include <math.h>
#include <string.h>
#include <re.h>

#include "mixer/resample.h"
#include "tests/lib/signal.h"

enum { IN_MAX = 48000, OUT_MAX = 2 * 48000 * 6 + 64 };

static const struct pair { uint32_t from, to; } pairs[] = {
	{8000, 48000}, {12000, 48000}, {16000, 48000}, {24000, 48000}, {32000, 48000}, {44100, 48000},
	{48000, 8000}, {48000, 12000}, {48000, 16000}, {48000, 24000}, {48000, 32000}, {48000, 44100},
	{8000, 16000}, {16000, 8000}, {44100, 8000},
};

static float in[2 * IN_MAX], out[OUT_MAX], whole[OUT_MAX];

static struct resample *make(const struct pair *p, uint8_t channels)
{
	struct resample *r = NULL;

	g_assert_cmpint(resample_alloc(&r, p->from, p->to, channels), ==, 0);
	return r;
}

static void counts(gconstpointer data)
{
	const struct pair *p = data;
	struct resample *r = make(p, 1);
	uint64_t n_in = 0, n_out = 0;

	for (int k = 0; k < 1200; k++) {
		const size_t n = k < 400 ? p->from / 400 : (size_t)g_test_rand_int_range(0, 1500);
		const size_t got = resample_rt(r, out, in, n);
		const double share = (double)n * p->to / p->from;

		n_in += n;
		n_out += got;
		g_assert_cmpuint(got, <=, resample_max(r, n));
		g_assert_cmpfloat(fabs((double)got - share), <=, 1.0);
		g_assert_cmpuint(n_out, ==, (n_in * p->to + p->from - 1) / p->from);
	}
	mem_deref(r);
}

static void no_seams(gconstpointer data)
{
	const struct pair *p = data;
	struct resample *r = make(p, 1);
	uint32_t seed = 1;
	size_t n_whole, n_out = 0;

	signal_noise(in, 8000, &seed, 0.2);
	n_whole = resample_rt(r, whole, in, 8000);
	mem_deref(r);
	r = make(p, 1);
	for (size_t at = 0, n; at < 8000; at += n) {
		n = (size_t)g_test_rand_int_range(1, 700);
		n = MIN(n, 8000 - at);
		n_out += resample_rt(r, out + n_out, in + at, n);
	}
	g_assert_cmpmem(out, n_out * sizeof(float), whole, n_whole * sizeof(float));
	mem_deref(r);
}

static void stereo_is_two_monos(gconstpointer data)
{
	const struct pair *p = data;
	struct resample *mono = make(p, 1), *stereo = make(p, 2);
	uint32_t seed = 1;
	size_t n;

	signal_noise(in, 4000, &seed, 0.2);
	n = resample_rt(mono, whole, in, 2000);
	for (size_t i = 4000; i--;)
		in[i] = i % 2 ? -2.0f * in[i / 2] : in[i / 2];
	g_assert_cmpuint(resample_rt(stereo, out, in, 2000), ==, n);
	for (size_t i = 0; i < n; i++) {
		g_assert_cmpfloat(out[2 * i], ==, whole[i]);
		g_assert_cmpfloat(out[2 * i + 1], ==, -2.0f * whole[i]);
	}
	mem_deref(mono);
	mem_deref(stereo);
}

/* A third of a second of a sine; the second half is past every transient. Returns how many samples that half has. */
static size_t sine_through(const struct pair *p, double hz)
{
	struct resample *r = make(p, 1);
	size_t n;

	signal_sine(in, p->from / 3, 0, p->from, hz, 0.5);
	n = resample_rt(r, out, in, p->from / 3);
	mem_deref(r);
	memmove(out, out + n / 2, (n - n / 2) * sizeof(*out));
	return n - n / 2;
}

static void pass_band(gconstpointer data)
{
	const struct pair *p = data;
	const double low = MIN(p->from, p->to);
	double lo = 1e9, hi = -1e9, snr = 1e9;

	for (double at = 0.01; at <= 0.4501; at += 0.02) {
		const size_t n = sine_through(p, at * low);
		const double db = 20.0 * log10(signal_tone_peak(out, n, p->to, at * low) / 0.5);

		lo = MIN(lo, db);
		hi = MAX(hi, db);
		if (at <= 0.44)           /* its images are past the stop band's edge */
			snr = fmin(snr, signal_snr_db(out, n, p->to, at * low));
	}
	g_test_message("%u to %u: %+.4f .. %+.4f dB up to 0.45, images %.1f dB down", p->from, p->to, lo, hi, snr);
	g_assert_cmpfloat(lo, >, -0.1);
	g_assert_cmpfloat(hi, <, 0.1);
	g_assert_cmpfloat(snr, >, 60.0);
}

static void stop_band(gconstpointer data)
{
	const struct pair *p = data;
	double worst = -1e9;

	if (p->from < p->to)
		return;
	for (double hz = 0.565 * p->to; hz < 0.5 * p->from; hz += 0.031 * p->to)
		worst = fmax(worst, signal_level_db(out, sine_through(p, hz)) - 20.0 * log10(0.5) + 3.01);
	if (worst < -1e8)
		return;
	g_test_message("%u to %u: aliases %.1f dB down", p->from, p->to, -worst);
	g_assert_cmpfloat(worst, <, -60.0);
}

/* What an impulse becomes, in out. */
static size_t impulse(const struct pair *p)
{
	struct resample *r = make(p, 1);
	size_t n;

	memset(in, 0, sizeof(in));
	in[0] = 1.0f;
	n = resample_rt(r, out, in, 1000);
	mem_deref(r);
	return n;
}

/* Group delay of that at hz, in us: of its spectrum and of that of n * h[n]. */
static double group_delay_us(size_t n, double rate, double hz)
{
	double complex h = 0.0, nh = 0.0;

	for (size_t i = 0; i < n; i++) {
		const double complex x = (double)out[i] * cexp(-2.0 * I * G_PI * hz * (double)i / rate);

		h += x;
		nh += (double)i * x;
	}
	return creal(nh / h) * 1e6 / rate;
}

/* Minimum phase: one of linear phase is 2.2 ms late at 8 kHz. */
static void delay(gconstpointer data)
{
	const struct pair *p = data;
	const double low = MIN(p->from, p->to), per = 8000.0 / low, rate = p->to;
	struct resample *r = make(p, 1);
	const double said = resample_delay_us(r);
	const size_t n = impulse(p);
	double speech = 0.0, worst = 0.0;

	for (double at = 300.0; at <= 1000.0; at += 50.0)
		speech = fmax(speech, group_delay_us(n, rate, at / per));
	for (double at = 100.0; at <= 3400.0; at += 50.0)
		worst = fmax(worst, group_delay_us(n, rate, at / per));
	g_test_message("%u to %u: delay %.0f us, said %.0f, up to %.0f Hz at most %.0f, up to %.0f Hz %.0f", p->from, p->to,
		       group_delay_us(n, rate, 0.0), said, 1000.0 / per, speech, 3400.0 / per, worst);
	g_assert_cmpfloat(fabs(group_delay_us(n, rate, 0.0) - said), <, 0.2e6 / p->to);
	g_assert_cmpfloat(speech, <, 300.0 * per);
	g_assert_cmpfloat(worst, <, 700.0 * per);
	mem_deref(r);
}

static void constant_stays(gconstpointer data)
{
	const struct pair *p = data;
	struct resample *r = make(p, 1);
	size_t n;

	for (size_t i = 0; i < 4000; i++)
		in[i] = 0.25f;
	n = resample_rt(r, out, in, 4000);
	for (size_t i = n / 2; i < n; i++)
		g_assert_cmpfloat_with_epsilon(out[i], 0.25f, 1e-5f);
	mem_deref(r);
}

static void cost(gconstpointer data)
{
	const struct pair *p = data;
	struct resample *r = make(p, 1);
	gint64 t;

	t = g_get_monotonic_time();
	for (int k = 0; k < 500; k++)
		(void)resample_rt(r, out, in, p->from / 50);
	g_test_message("%u to %u: %.1f us for 20 ms", p->from, p->to, (double)(g_get_monotonic_time() - t) / 500.0);
	mem_deref(r);
}

static void equal_rates_copy(void)
{
	const struct pair p = {48000, 48000};
	struct resample *r = make(&p, 2);
	uint32_t seed = 1;

	signal_noise(in, 200, &seed, 0.2);
	g_assert_cmpuint(resample_rt(r, out, in, 100), ==, 100);
	g_assert_cmpmem(in, 200 * sizeof(*in), out, 200 * sizeof(*out));
	g_assert_cmpuint(resample_delay_us(r), ==, 0);
	g_assert_cmpuint(resample_max(r, 100), ==, 100);
	mem_deref(r);
}

static void refused(void)
{
	static const struct { uint32_t from, to; uint8_t ch; } row[] = {
		{0, 48000, 1}, {48000, 0, 1}, {8000, 48000, 0}, {8000, 48000, 3}, {96000, 48000, 1}, {47999, 48000, 1},
	};
	struct resample *r = NULL;

	for (unsigned i = 0; i < G_N_ELEMENTS(row); i++)
		g_assert_cmpint(resample_alloc(&r, row[i].from, row[i].to, row[i].ch), ==, EINVAL);
	g_assert_null(r);
}

static void add(const char *name, void (*func)(gconstpointer))
{
	for (unsigned i = 0; i < G_N_ELEMENTS(pairs); i++) {
		char *path = g_strdup_printf("/resample/%s/%u-%u", name, pairs[i].from, pairs[i].to);

		g_test_add_data_func(path, &pairs[i], func);
		g_free(path);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add("counts", counts);
	add("no-seams", no_seams);
	add("stereo-is-two-monos", stereo_is_two_monos);
	add("pass-band", pass_band);
	add("stop-band", stop_band);
	add("delay", delay);
	add("constant-stays", constant_stays);
	add("cost", cost);
	g_test_add_func("/resample/equal-rates-copy", equal_rates_copy);
	g_test_add_func("/resample/refused", refused);
	return g_test_run();
}
