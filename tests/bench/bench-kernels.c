/*
 * bench-kernels.c - what the loops of mixer/kernel.h cost: nanoseconds for one frame, and how many times the reference.
 *
 *     build/tests/bench/bench-kernels [SAMPLES]         480 when not said (10 ms at 48 kHz)
 *
 * Thread CPU time, the best of many short runs: other work on the machine makes a run longer, never shorter. All arrays
 * together fit the first cache, as a leg's frame does while it is worked on.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <re.h>

#include "mixer/kernel.h"
#include "mixer/mix.h"
#include "mixer/resample.h"

enum { N_MAX = 960, ROUNDS = 150, ROUND_NS = 40000, N_IMPL_MAX = 8 };

/* Sixteen bytes past a cache line, where memory from the allocator is. */
static struct {
	_Alignas(64) float off[4];
	float a[2 * N_MAX], b[2 * N_MAX], dst[2 * N_MAX], loud[2 * N_MAX], tiny[2 * N_MAX], work[2 * N_MAX];
} buf;

static float *const a = buf.a, *const b = buf.b, *const dst = buf.dst, *const loud = buf.loud, *const tiny = buf.tiny;
static float wide[6 * N_MAX + 64];
static int16_t s16[2 * N_MAX];
static uint8_t u8[2 * N_MAX];
static struct resample *re;
static volatile float sink;

typedef void (run_h)(const struct kernel *k, size_t n);

static void run_add(const struct kernel *k, size_t n)         { k->add(dst, a, n); }
static void run_add_tiny(const struct kernel *k, size_t n)    { k->add(dst, tiny, n); }
static void run_add_gain(const struct kernel *k, size_t n)    { k->add_gain(dst, a, 0.5f, n); }
static void run_gain_tiny(const struct kernel *k, size_t n)   { k->add_gain(dst, tiny, 0.5f, n); }

static void run_gain_flushed(const struct kernel *k, size_t n)
{
	mix_flush_denormals(true);
	k->add_gain(dst, tiny, 0.5f, n);
	mix_flush_denormals(false);
}

static void run_add_balance(const struct kernel *k, size_t n) { k->add_balance(dst, a, 0.5f, 0.25f, n); }
static void run_minus(const struct kernel *k, size_t n)       { k->minus(dst, a, b, n); }
static void run_ramp(const struct kernel *k, size_t n)        { k->ramp(dst, a, 0.5f, 0.75f, n); }
static void run_limit(const struct kernel *k, size_t n)       { k->limit(a, n); }

static void run_limit_loud(const struct kernel *k, size_t n)
{
	memcpy(buf.work, loud, n * sizeof(*loud));
	k->limit(buf.work, n);
}

static void run_energy(const struct kernel *k, size_t n)    { sink = k->energy(a, n); }
static void run_to_stereo(const struct kernel *k, size_t n) { k->mono_to_stereo(dst, a, n); }
static void run_to_mono(const struct kernel *k, size_t n)   { k->stereo_to_mono(dst, a, n); }
static void run_from_s16(const struct kernel *k, size_t n)  { k->from_s16(dst, s16, n); }
static void run_to_s16(const struct kernel *k, size_t n)    { k->to_s16(s16, a, n); }
static void run_from_pcmu(const struct kernel *k, size_t n) { k->from_pcmu(dst, u8, n); }
static void run_to_pcmu(const struct kernel *k, size_t n)   { k->to_pcmu(u8, a, n); }
static void run_from_pcma(const struct kernel *k, size_t n) { k->from_pcma(dst, u8, n); }
static void run_to_pcma(const struct kernel *k, size_t n)   { k->to_pcma(u8, a, n); }

/* These go through resample.h, so through the table that is forced. */
static void run_resample(const struct kernel *k, size_t n)
{
	(void)resample_rt(re, wide, a, n);
}

static const struct row {
	const char *name;
	run_h *run;
	uint32_t from, to;            /* resample: n is 20 ms */
} rows[] = {
	{"add", run_add, 0, 0},
	{"add, denormals", run_add_tiny, 0, 0},
	{"add_gain", run_add_gain, 0, 0},
	{"add_gain, denormals", run_gain_tiny, 0, 0},
	{"add_gain, flushed", run_gain_flushed, 0, 0},
	{"add_balance", run_add_balance, 0, 0},
	{"minus", run_minus, 0, 0},
	{"ramp", run_ramp, 0, 0},
	{"limit, below", run_limit, 0, 0},
	{"limit, copy and bend", run_limit_loud, 0, 0},
	{"energy", run_energy, 0, 0},
	{"mono_to_stereo", run_to_stereo, 0, 0},
	{"stereo_to_mono", run_to_mono, 0, 0},
	{"from_s16", run_from_s16, 0, 0},
	{"to_s16", run_to_s16, 0, 0},
	{"from_pcmu", run_from_pcmu, 0, 0},
	{"to_pcmu", run_to_pcmu, 0, 0},
	{"from_pcma", run_from_pcma, 0, 0},
	{"to_pcma", run_to_pcma, 0, 0},
	{"8 to 48 kHz, 20 ms", run_resample, 8000, 48000},
	{"16 to 48 kHz, 20 ms", run_resample, 16000, 48000},
	{"24 to 48 kHz, 20 ms", run_resample, 24000, 48000},
	{"44.1 to 48 kHz, 20 ms", run_resample, 44100, 48000},
	{"48 to 8 kHz, 20 ms", run_resample, 48000, 8000},
	{"48 to 16 kHz, 20 ms", run_resample, 48000, 16000},
	{"48 to 24 kHz, 20 ms", run_resample, 48000, 24000},
	{"48 to 44.1 kHz, 20 ms", run_resample, 48000, 44100},
};

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double repeat_ns(const struct row *r, const struct kernel *k, size_t n, unsigned times)
{
	const double start = now_ns();

	for (unsigned i = 0; i < times; i++)
		r->run(k, n);
	return (now_ns() - start) / times;
}

static void fill(void)
{
	for (size_t i = 0; i < 2 * N_MAX; i++) {
		a[i] = 0.5f * sinf((float)i * 0.1f);
		b[i] = 0.3f * sinf((float)i * 0.37f);
		loud[i] = 3.0f * sinf((float)i * 0.1f);
		tiny[i] = 1e-39f * sinf((float)i * 0.1f);
		s16[i] = (int16_t)(a[i] * 32767.0f);
		u8[i] = (uint8_t)(i * 37);
		dst[i] = 0.0f;
	}
}

static double best_ns(const struct row *r, const struct kernel *k, size_t n)
{
	unsigned times = 16;
	double best;

	fill();
	if (r->from) {
		kernel_now = k;
		n = r->from / 50;
		if (resample_alloc(&re, r->from, r->to, 1))
			return NAN;
	}
	best = repeat_ns(r, k, n, times);
	times = best > ROUND_NS / 2 ? 2 : (unsigned)(ROUND_NS / (best + 1.0));
	for (int i = 0; i < ROUNDS; i++)
		best = fmin(best, repeat_ns(r, k, n, times));
	re = mem_deref(re);
	return best;
}

int main(int argc, char **argv)
{
	const struct kernel *const chosen = kernel_now, *use[N_IMPL_MAX];
	const size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 480;
	size_t n_use = 0;

	if (!n || n > N_MAX) {
		fprintf(stderr, "usage: bench-kernels [SAMPLES]        1 to %d\n", N_MAX);
		return 2;
	}

	for (const struct kernel *const *k = kernel_all; *k && n_use < N_IMPL_MAX; k++)
		if ((*k)->usable())
			use[n_use++] = *k;
	printf("ns for %zu samples (times faster than the reference); the mixer uses %s\n%-24s", n, chosen->name, "");
	for (size_t i = 0; i < n_use; i++)
		printf("%20s", use[i]->name);
	putchar('\n');

	for (size_t r = 0; r < sizeof(rows) / sizeof(*rows); r++) {
		double first = 0.0;

		printf("%-24s", rows[r].name);
		for (size_t i = 0; i < n_use; i++) {
			const double ns = best_ns(&rows[r], use[i], n);

			if (!i)
				first = ns;
			printf("%11.1f (%5.1f)", ns, first / ns);
			fflush(stdout);
		}
		putchar('\n');
	}
	return 0;
}
