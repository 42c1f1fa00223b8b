/*
 * test-mix.c - every function of mix.h against a scalar of its own, over all short lengths and odd addresses.
 */
#include <glib.h>
#include <math.h>
#include <string.h>

#include "mixer/mix.h"

enum { N_MAX = 67, PAD = 4, SIZE = 2 * N_MAX + 4 * PAD };

static float noise(unsigned i)
{
	unsigned x = i * 2654435761u + 12345u;

	x ^= x >> 15;
	x *= 2246822519u;
	x ^= x >> 13;
	return (float)(x & 0xffff) / 32768.0f - 1.0f;
}

struct arrays {
	float a[SIZE], b[SIZE], dst[SIZE];
	int16_t s[SIZE], s_dst[SIZE];
};

static void fill(struct arrays *v, unsigned seed)
{
	for (unsigned i = 0; i < SIZE; i++) {
		v->a[i] = noise(seed + i);
		v->b[i] = noise(seed + i + 1000);
		v->dst[i] = 7.0f;
		v->s[i] = (int16_t)(noise(seed + i + 2000) * 32767.0f);
		v->s_dst[i] = 77;
	}
}

/* What stands before and behind the n results must be untouched. */
static void untouched(const float *dst, size_t off, size_t n)
{
	for (size_t i = 0; i < SIZE; i++)
		if (i < off || i >= off + n)
			g_assert_cmpfloat(dst[i], ==, 7.0f);
}

static void check_sums(struct arrays *v, size_t off, size_t n)
{
	float *d = v->dst + off, *a = v->a + off, *b = v->b + 1;

	mix_clear(d, n);
	for (size_t i = 0; i < n; i++)
		g_assert_cmpfloat(d[i], ==, 0.0f);
	mix_add(d, a, n);
	mix_add(d, b, n);
	for (size_t i = 0; i < n; i++)
		g_assert_cmpfloat(d[i], ==, a[i] + b[i]);
	mix_add_gain(d, a, 0.5f, n);
	for (size_t i = 0; i < n; i++)
		g_assert_cmpfloat_with_epsilon(d[i], a[i] + b[i] + 0.5f * a[i], 1e-6f);
	mix_minus(d, a, b, n);
	for (size_t i = 0; i < n; i++)
		g_assert_cmpfloat(d[i], ==, a[i] - b[i]);
	mix_minus(d, d, b, n);            /* in place */
	for (size_t i = 0; i < n; i++)
		g_assert_cmpfloat_with_epsilon(d[i], a[i] - 2.0f * b[i], 1e-6f);
	untouched(v->dst, off, n);
}

static void check_gain(struct arrays *v, size_t off, size_t n)
{
	float *d = v->dst + off, *a = v->a + off;
	double sum = 0.0;

	mix_ramp(d, a, 0.25f, 1.0f, n);
	for (size_t i = 0; i < n; i++)
		g_assert_cmpfloat_with_epsilon(d[i], a[i] * (0.25f + 0.75f * (float)i / (float)n), 1e-6f);
	mix_ramp(d, d, 1.0f, 1.0f, n);
	for (size_t i = 0; i < n; i++)
		g_assert_cmpfloat_with_epsilon(d[i], a[i] * (0.25f + 0.75f * (float)i / (float)n), 1e-6f);
	untouched(v->dst, off, n);

	for (size_t i = 0; i < n; i++)
		sum += (double)a[i] * (double)a[i];
	g_assert_cmpfloat_with_epsilon(mix_energy(a, n), n ? sum / (double)n : 0.0, 1e-6);
}

static void check_shapes(struct arrays *v, size_t off, size_t n)
{
	float *d = v->dst + off, *a = v->a + off;

	mix_mono_to_stereo(d, a, n);
	for (size_t i = 0; i < 2 * n; i++)
		g_assert_cmpfloat(d[i], ==, a[i / 2]);
	untouched(v->dst, off, 2 * n);

	for (size_t i = 0; i < 2 * n; i++)
		d[i] = 7.0f;
	mix_stereo_to_mono(d, a, n);
	for (size_t i = 0; i < n; i++)
		g_assert_cmpfloat(d[i], ==, (a[2 * i] + a[2 * i + 1]) / 2.0f);
	untouched(v->dst, off, n);

	memcpy(d, a, 2 * n * sizeof(*d));
	mix_stereo_to_mono(d, d, n);      /* in place */
	for (size_t i = 0; i < n; i++)
		g_assert_cmpfloat(d[i], ==, (a[2 * i] + a[2 * i + 1]) / 2.0f);
}

static void check_balance(struct arrays *v, size_t off, size_t n)
{
	float *d = v->dst + off, *b = v->b + off;

	mix_clear(d, 2 * n);
	mix_add_balance(d, b, 3.0f, 0.5f, n);
	for (size_t i = 0; i < n; i++) {
		g_assert_cmpfloat_with_epsilon(d[2 * i], 3.0f * b[2 * i], 1e-6f);
		g_assert_cmpfloat_with_epsilon(d[2 * i + 1], 0.5f * b[2 * i + 1], 1e-6f);
	}
	untouched(v->dst, off, 2 * n);
}

static void check_s16(struct arrays *v, size_t off, size_t n)
{
	float *d = v->dst + off;
	int16_t *s = v->s + off, *sd = v->s_dst + 1;

	mix_from_s16(d, s, n);
	mix_to_s16(sd, d, n);
	for (size_t i = 0; i < n; i++) {
		g_assert_cmpfloat(d[i], ==, (float)s[i] / 32768.0f);
		g_assert_cmpint(sd[i], ==, s[i]);
	}
	untouched(v->dst, off, n);
	g_assert_cmpint(sd[-1], ==, 77);
	g_assert_cmpint(sd[n], ==, 77);
}

static void lengths(void)
{
	static const struct { void (*check)(struct arrays *, size_t, size_t); } checks[] = {
		{check_sums}, {check_gain}, {check_shapes}, {check_balance}, {check_s16},
	};
	struct arrays v;

	for (unsigned c = 0; c < G_N_ELEMENTS(checks); c++)
		for (size_t n = 0; n <= N_MAX; n++)
			for (size_t off = 0; off < PAD; off++) {
				fill(&v, (unsigned)(n * 100 + off));
				checks[c].check(&v, off, n);
			}
}

static void limit_table(void)
{
	static const struct { float in, lo, hi; } row[] = {
		{0.0f, 0.0f, 0.0f}, {0.5f, 0.5f, 0.5f}, {-0.89f, -0.89f, -0.89f}, {0.89125f, 0.8910f, 0.8913f},
		{1.0f, 0.93f, 0.96f}, {2.0f, 0.98f, 1.0f}, {-2.0f, -1.0f, -0.98f}, {1e30f, 0.999f, 1.0f},
		{-1e30f, -1.0f, -0.999f}, {INFINITY, 0.999f, 1.0f}, {-INFINITY, -1.0f, -0.999f}, {NAN, 0.0f, 0.0f},
		{-NAN, 0.0f, 0.0f}, {1e-40f, 1e-40f, 1e-40f},
	};
	float x[40];

	/* Each value in each lane of the vector and in the rest behind it. */
	for (unsigned r = 0; r < G_N_ELEMENTS(row); r++)
		for (unsigned at = 0; at < G_N_ELEMENTS(x) - 1; at++) {
			memset(x, 0, sizeof(x));
			x[at] = row[r].in;
			mix_limit(x, G_N_ELEMENTS(x) - 1);
			g_assert_true(x[at] >= row[r].lo && x[at] <= row[r].hi);
			g_assert_cmpfloat(x[at ? at - 1 : 1], ==, 0.0f);
		}
}

static void limit_is_monotonic(void)
{
	float last = 0.0f;

	for (float in = 0.0f; in < 50.0f; in += 0.001f) {
		float x = in;

		mix_limit(&x, 1);
		g_assert_true(x >= last && x <= 1.0f);
		last = x;
	}
}

static void s16_table(void)
{
	static const struct { float in; int16_t out; } row[] = {
		{0.0f, 0}, {1.0f, 32767}, {-1.0f, -32768}, {1.5f, 32767}, {-1.5f, -32768}, {INFINITY, 32767},
		{-INFINITY, -32768}, {NAN, 0}, {1e30f, 32767}, {-1e30f, -32768}, {0.6f / 32768.0f, 1},
		{-0.6f / 32768.0f, -1}, {0.4f / 32768.0f, 0}, {100.49f / 32768.0f, 100}, {-100.51f / 32768.0f, -101},
	};
	float x[19];
	int16_t s[19];

	for (unsigned r = 0; r < G_N_ELEMENTS(row); r++)
		for (unsigned at = 0; at < G_N_ELEMENTS(x); at++) {
			memset(x, 0, sizeof(x));
			x[at] = row[r].in;
			mix_to_s16(s, x, G_N_ELEMENTS(x));
			g_assert_cmpint(s[at], ==, row[r].out);
		}
}

/* A broken number from one member stays in the samples it came in, and ends at the limiter. */
static void not_finite(void)
{
	static const float bad[] = {INFINITY, -INFINITY, NAN};

	for (unsigned k = 0; k < G_N_ELEMENTS(bad); k++) {
		float sum[9] = {0}, own[9] = {0}, out[9];

		own[4] = bad[k];
		mix_add(sum, own, 9);
		mix_minus(out, sum, own, 9);
		mix_limit(out, 9);
		for (unsigned i = 0; i < 9; i++)
			g_assert_cmpfloat(out[i], ==, 0.0f);
		mix_limit(sum, 9);
		for (unsigned i = 0; i < 9; i++)
			g_assert_true(fabsf(sum[i]) <= 1.0f);
		g_assert_cmpfloat(sum[3], ==, 0.0f);
	}
}

static void own_voice_goes_away(void)
{
	float sum[480] = {0}, own[480], out[480];

	for (unsigned i = 0; i < 480; i++)
		own[i] = noise(i);
	for (unsigned k = 1; k < 30; k++)
		for (unsigned i = 0; i < 480; i++)
			sum[i] += noise(i + 480 * k) * 0.1f;
	memcpy(out, sum, sizeof(out));
	mix_add(sum, own, 480);
	mix_minus(sum, sum, own, 480);
	mix_minus(out, out, sum, 480);
	g_assert_cmpfloat(10.0 * log10((double)mix_energy(out, 480) + 1e-30), <, -120.0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/mix/lengths", lengths);
	g_test_add_func("/mix/limit-table", limit_table);
	g_test_add_func("/mix/limit-is-monotonic", limit_is_monotonic);
	g_test_add_func("/mix/s16-table", s16_table);
	g_test_add_func("/mix/not-finite", not_finite);
	g_test_add_func("/mix/own-voice-goes-away", own_voice_goes_away);
	return g_test_run();
}
