/*
 * test-limiter.c - what is under full scale is untouched, what is over it is turned down and hardly bent.
 */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "mixer/limiter.h"
#include "mixer/mix.h"
#include "tests/lib/signal.h"

enum { RATE = 48000, N = 2 * RATE, TALKERS = 16 };

static float in[2 * N], out[2 * N];

static const size_t quantum[] = {64, 120, 240, 480};

static void run(struct limiter *l, float *x, size_t n, size_t q)
{
	for (size_t at = 0; at < n; at += q)
		limiter_rt(l, x + at, n - at < q ? n - at : q, 1);
}

static float peak(const float *x, size_t n)
{
	float p = 0;

	for (size_t i = 0; i < n; i++)
		p = MAX(p, fabsf(x[i]));
	return p;
}

/* Below the knee: the same bits. */
static void untouched(void)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(quantum); i++) {
		struct limiter l;

		limiter_init(&l);
		signal_sine(in, N, 0, RATE, 997.0, 0.89);
		memcpy(out, in, N * sizeof(*in));
		run(&l, out, N, quantum[i]);
		g_assert_true(!memcmp(in, out, N * sizeof(*in)));
	}
}

/* Sines from -1 to +24 dBFS: distortion and noise together of the second second, against that of the knee alone. */
static void distortion(void)
{
	static const struct { double dbfs, hz, least; } row[] = {
		{-1, 997, 100}, {0, 997, 60}, {6, 997, 60}, {12, 100, 60}, {12, 997, 60}, {12, 5003, 60}, {24, 40, 60}, {24, 440, 60},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(row); i++)
		for (unsigned q = 0; q < G_N_ELEMENTS(quantum); q++) {
			const double amp = pow(10.0, row[i].dbfs / 20.0);
			struct limiter l;
			double thd, knee;

			limiter_init(&l);
			signal_sine(in, N, 0, RATE, row[i].hz, amp);
			memcpy(out, in, N * sizeof(*in));
			run(&l, out, N, quantum[q]);
			mix_limit(in, N);
			g_assert_cmpfloat((double)peak(out, N), <=, 1.0);
			thd = signal_snr_db(out + RATE, RATE, RATE, row[i].hz);
			knee = signal_snr_db(in + RATE, RATE, RATE, row[i].hz);
			g_test_message("%g Hz at %+g dBFS, quantum %zu: THD+N -%.1f dB, the knee alone -%.1f", row[i].hz, row[i].dbfs,
				quantum[q], thd, knee);
			g_assert_cmpfloat(thd, >, row[i].least);
			g_assert_cmpfloat(thd, >, MIN(knee - 0.5, 90.0));
			if (row[i].dbfs >= 0)     /* where it should be: just under the knee */
				g_assert_cmpfloat(fabs(20 * log10(signal_tone_peak(out + RATE, RATE, RATE, row[i].hz)) + 1.0), <, 0.5);
		}
}

/* Sixteen at full scale: nothing over full scale, all still there at the levels they had to each other. */
static void talkers(void)
{
	double lo = 1e9, hi = 0;
	struct limiter l;

	limiter_init(&l);
	mix_clear(out, N);
	for (unsigned t = 0; t < TALKERS; t++) {
		signal_sine(in, N, 0, RATE, 300.0 + 170.0 * t, 1.0);
		mix_add(out, in, N);
	}
	run(&l, out, N, 120);
	g_assert_cmpfloat((double)peak(out, N), <=, 1.0);
	for (unsigned t = 0; t < TALKERS; t++) {
		const double p = signal_tone_peak(out + RATE, RATE, RATE, 300.0 + 170.0 * t);

		lo = MIN(lo, p);
		hi = MAX(hi, p);
	}
	g_test_message("16 tones of 1.0: %.4f .. %.4f each", lo, hi);
	g_assert_cmpfloat(20 * log10(hi / lo), <, 0.5);
	g_assert_cmpfloat(lo, >, 1.0 / TALKERS / 2);
	/* a tone between theirs: what bending would have made */
	g_assert_cmpfloat(20 * log10(signal_tone_peak(out + RATE, RATE, RATE, 385.0) / lo), <, -40.0);
}

/* A quiet talker comes back after a loud one has gone: within a second, without a click. */
static void release(void)
{
	struct limiter l;

	limiter_init(&l);
	signal_sine(in, N, 0, RATE, 440.0, 0.2);
	for (size_t i = RATE / 4; i < RATE / 2; i++)
		in[i] *= 20;
	memcpy(out, in, N * sizeof(*in));
	run(&l, out, N, 120);
	g_assert_cmpfloat(fabs(20 * log10(signal_tone_peak(out + N - RATE / 4, RATE / 4, RATE, 440.0) / 0.2)), <, 0.1);
	g_assert_true(!memcmp(in, out, RATE / 4 * sizeof(*in)));
	g_assert_cmpuint(signal_clicks(out + RATE * 6 / 10, RATE, RATE, 3.0), ==, 0);
}

/* Both channels are turned down alike; broken samples end as zero or full scale, and the mix recovers from them. */
static void stereo_broken(void)
{
	static const float bad[] = {NAN, INFINITY, -INFINITY, 1e30f, -1e9f};
	struct limiter l;

	limiter_init(&l);
	signal_sine(in, RATE, 0, RATE, 440.0, 4.0);
	for (size_t i = 0; i < RATE; i++) {
		out[2 * i] = in[i];
		out[2 * i + 1] = in[i] * 0.25f;
	}
	for (size_t at = 0; at < RATE; at += 120)
		limiter_rt(&l, out + 2 * at, 120, 2);
	for (size_t i = RATE / 10; i < RATE; i++)
		g_assert_cmpfloat(fabs((double)(out[2 * i] * 0.25f - out[2 * i + 1])), <, 2e-3);

	for (unsigned b = 0; b < G_N_ELEMENTS(bad); b++) {
		signal_sine(out, N, 0, RATE, 440.0, 0.5);
		out[1000] = out[1001] = bad[b];
		run(&l, out, N, 120);
		for (size_t i = 0; i < N; i++)
			g_assert_true(fabsf(out[i]) <= 1.0f);
		g_assert_cmpfloat(fabs(signal_tone_peak(out + N - RATE / 4, RATE / 4, RATE, 440.0) - 0.5), <, 0.02);
	}
}

/* Not a test of time, but told: what it costs where nothing is loud, and where all is. */
static void cost(void)
{
	for (unsigned i = 0; i < 2; i++) {
		struct limiter l;
		gint64 t;

		limiter_init(&l);
		signal_sine(in, N, 0, RATE, 440.0, i ? 3.0 : 0.5);
		t = g_get_monotonic_time();
		run(&l, in, N, 120);
		t = g_get_monotonic_time() - t;
		g_test_message("%s: %.0f ns for 2.5 ms", i ? "loud" : "soft", (double)t * 1e3 / (N / 120));
		g_assert_cmpfloat((double)peak(in, N), <=, 1.0);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/limiter/untouched", untouched);
	g_test_add_func("/limiter/distortion", distortion);
	g_test_add_func("/limiter/talkers", talkers);
	g_test_add_func("/limiter/release", release);
	g_test_add_func("/limiter/stereo-broken", stereo_broken);
	g_test_add_func("/limiter/cost", cost);
	return g_test_run();
}
