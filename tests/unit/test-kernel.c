/*
 * test-kernel.c - every table of kernel.h against the reference: all short lengths, all addresses, all strange values.
 *
 * Compared are bits; only that a NaN is a NaN is enough, its payload is the processor's. polyphase is held to the
 * bound its header states. Arrays end where a page that may not be touched begins, so that reading too far is a fault.
 */
#include <glib.h>
#include <errno.h>
#include <float.h>
#include <math.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mixer/kernel.h"
#include "mixer/mix.h"

enum { N_MAX = 200, OFF_MAX = 16, SIZE = 2 * N_MAX + OFF_MAX };

enum kind { NOISE, LOUD, STRANGE, TINY, N_KINDS };

static const float strange[] = {
	0.0f, -0.0f, 1.0f, -1.0f, NAN, -NAN, INFINITY, -INFINITY, FLT_MIN, -FLT_MIN, FLT_MIN / 2, -FLT_TRUE_MIN, FLT_MAX,
	-FLT_MAX, 32767.0f / 32768.0f, 32767.5f / 32768.0f, -32768.5f / 32768.0f, 0.5f / 32768.0f, -0.5f / 32768.0f,
	1.5f / 32768.0f, 0.890625f, -0.890625f, 0.89062506f, 1e9f, -2e9f, 0.99999994f, 1e-40f, 1.0000001f, 8031.0f / 8192.0f,
};

/* One function of the table: what it reads and writes, in units of n. */
struct arrays {
	float *a, *b, *dst;           /* guarded, each of SIZE */
	int16_t *s;
	uint8_t *u;
	size_t off;
};

typedef void (run_h)(const struct kernel *k, void *dst, const struct arrays *v, size_t n);

static unsigned seed;
static bool flushed;                      /* denormals count as 0 */

static unsigned draw(void)
{
	seed = seed * 1664525u + 1013904223u;
	return seed >> 8;
}

static float draw_float(enum kind kind)
{
	const float x = (float)draw() / 8388608.0f - 1.0f;

	switch (kind) {
	case LOUD:    return 4.0f * x;
	case STRANGE: return draw() % 3 ? x : strange[draw() % G_N_ELEMENTS(strange)];
	case TINY:    return x * 1e-39f;
	default:      return x;
	}
}

/* `bytes` that end at a page nobody may touch. */
static void *guarded(size_t bytes)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = (bytes + page - 1) / page * page;
	char *p = mmap(NULL, whole + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	g_assert_true(p != MAP_FAILED);
	g_assert_cmpint(mprotect(p + whole, page, PROT_NONE), ==, 0);
	return p + whole - bytes;
}

static struct arrays arrays_make(void)
{
	return (struct arrays){
		.a = guarded(SIZE * sizeof(float)), .b = guarded(SIZE * sizeof(float)), .dst = guarded(SIZE * sizeof(float)),
		.s = guarded(SIZE * sizeof(int16_t)), .u = guarded(SIZE),
	};
}

static void arrays_fill(struct arrays *v, enum kind kind)
{
	for (size_t i = 0; i < SIZE; i++) {
		v->a[i] = draw_float(kind);
		v->b[i] = draw_float(kind);
		v->dst[i] = draw_float(kind);
		v->s[i] = (int16_t)draw();
		v->u[i] = (uint8_t)draw();
	}
}

/* Sources end at the guard when off is 0, else off samples before it. */
#define END(p, v, len) ((p) + SIZE - (v)->off - (len))

static const float gains[] = {0.5f, 0.0f, -1.7f, 1e-30f, INFINITY};

static float gain_of(size_t n)
{
	return gains[n % G_N_ELEMENTS(gains)];
}

static void run_add(const struct kernel *k, void *dst, const struct arrays *v, size_t n)
{
	k->add(dst, END(v->a, v, n), n);
}

static void run_add_gain(const struct kernel *k, void *dst, const struct arrays *v, size_t n)
{
	k->add_gain(dst, END(v->a, v, n), gain_of(n), n);
}

static void run_add_balance(const struct kernel *k, void *dst, const struct arrays *v, size_t n)
{
	k->add_balance(dst, END(v->a, v, 2 * n), gain_of(n), gain_of(n + 1), n);
}

static void run_minus(const struct kernel *k, void *dst, const struct arrays *v, size_t n)
{
	k->minus(dst, END(v->a, v, n), END(v->b, v, n), n);
}

static void run_minus_in_place(const struct kernel *k, void *dst, const struct arrays *v, size_t n)
{
	k->minus(dst, dst, END(v->b, v, n), n);
}

static void run_ramp(const struct kernel *k, void *dst, const struct arrays *v, size_t n)
{
	k->ramp(dst, END(v->a, v, n), gain_of(n), gain_of(n + 1), n);
}

static void run_ramp_in_place(const struct kernel *k, void *dst, const struct arrays *v, size_t n)
{
	k->ramp(dst, dst, 0.25f, 1.0f, n);
}

static void run_limit(const struct kernel *k, void *dst, const struct arrays *v, size_t n)
{
	k->limit(dst, n);
}

static void run_energy(const struct kernel *k, void *dst, const struct arrays *v, size_t n)
{
	if (n)
		*(float *)dst = k->energy(END(v->a, v, n), n);
}

static void run_mono_to_stereo(const struct kernel *k, void *dst, const struct arrays *v, size_t n)
{
	k->mono_to_stereo(dst, END(v->a, v, n), n);
}

static void run_stereo_to_mono(const struct kernel *k, void *dst, const struct arrays *v, size_t n)
{
	k->stereo_to_mono(dst, END(v->a, v, 2 * n), n);
}

static void run_stereo_to_mono_in_place(const struct kernel *k, void *dst, const struct arrays *v, size_t n)
{
	k->stereo_to_mono(dst, dst, n);
}

static void run_from_s16(const struct kernel *k, void *dst, const struct arrays *v, size_t n)
{
	k->from_s16(dst, END(v->s, v, n), n);
}

static void run_to_s16(const struct kernel *k, void *dst, const struct arrays *v, size_t n)
{
	k->to_s16(dst, END(v->a, v, n), n);
}

static void run_from_pcmu(const struct kernel *k, void *dst, const struct arrays *v, size_t n)
{
	k->from_pcmu(dst, END(v->u, v, n), n);
}

static void run_to_pcmu(const struct kernel *k, void *dst, const struct arrays *v, size_t n)
{
	k->to_pcmu(dst, END(v->a, v, n), n);
}

static void run_from_pcma(const struct kernel *k, void *dst, const struct arrays *v, size_t n)
{
	k->from_pcma(dst, END(v->u, v, n), n);
}

static void run_to_pcma(const struct kernel *k, void *dst, const struct arrays *v, size_t n)
{
	k->to_pcma(dst, END(v->a, v, n), n);
}

static const struct row {
	const char *name;
	run_h *run;
	uint8_t bytes;                /* of one result */
	uint8_t per;                  /* results for each of n; 0: one in all */
	uint8_t reads;                /* floats of dst that it reads for each of n, when more than it writes */
} rows[] = {
	{"add", run_add, 4, 1, 0},
	{"add-gain", run_add_gain, 4, 1, 0},
	{"add-balance", run_add_balance, 4, 2, 0},
	{"minus", run_minus, 4, 1, 0},
	{"minus-in-place", run_minus_in_place, 4, 1, 0},
	{"ramp", run_ramp, 4, 1, 0},
	{"ramp-in-place", run_ramp_in_place, 4, 1, 0},
	{"limit", run_limit, 4, 1, 0},
	{"energy", run_energy, 4, 0, 0},
	{"mono-to-stereo", run_mono_to_stereo, 4, 2, 0},
	{"stereo-to-mono", run_stereo_to_mono, 4, 1, 0},
	{"stereo-to-mono-in-place", run_stereo_to_mono_in_place, 4, 1, 2},
	{"from-s16", run_from_s16, 4, 1, 0},
	{"to-s16", run_to_s16, 2, 1, 0},
	{"from-pcmu", run_from_pcmu, 4, 1, 0},
	{"to-pcmu", run_to_pcmu, 1, 1, 0},
	{"from-pcma", run_from_pcma, 4, 1, 0},
	{"to-pcma", run_to_pcma, 1, 1, 0},
};

static void same_float(const struct kernel *k, const struct row *r, float got, float want, size_t n, size_t i)
{
	if (isnan(want) ? isnan(got) : !memcmp(&got, &want, sizeof(got)))
		return;
	if (flushed && fabs((double)got) < (double)FLT_MIN && fabs((double)want) < (double)FLT_MIN)
		return;
	g_error("%s %s: n %zu, result %zu: %a, the reference says %a", k->name, r->name, n, i, (double)got, (double)want);
}

/* dst lies `off` results before the guard as well; what stands before it must stay. */
static void compare(const struct kernel *k, const struct row *r, const struct arrays *v, size_t n)
{
	static float before[SIZE], want[SIZE];
	const size_t len = (r->per > r->reads ? r->per : r->reads) * n + !r->per;
	char *dst = (char *)(v->dst + SIZE) - (len + v->off) * r->bytes;
	const size_t n_res = r->per ? r->per * n : n > 0;

	memcpy(before, v->dst, sizeof(before));
	r->run(kernel_all[0], dst, v, n);
	memcpy(want, v->dst, sizeof(want));
	memcpy(v->dst, before, sizeof(before));
	r->run(k, dst, v, n);

	g_assert_cmpmem(v->dst, (size_t)(dst - (char *)v->dst), before, (size_t)(dst - (char *)v->dst));
	for (size_t i = 0; i < n_res; i++) {
		const char *w = (const char *)want + (dst - (char *)v->dst) + i * r->bytes;
		float got, should;

		if (r->bytes == 4) {
			memcpy(&got, dst + i * 4, 4);
			memcpy(&should, w, 4);
			same_float(k, r, got, should, n, i);
		} else if (memcmp(dst + i * r->bytes, w, r->bytes)) {
			g_error("%s %s: n %zu, result %zu differs", k->name, r->name, n, i);
		}
	}
	g_assert_cmpmem(dst + n_res * r->bytes, (size_t)((char *)(v->dst + SIZE) - dst) - n_res * r->bytes,
	                (char *)before + (dst - (char *)v->dst) + n_res * r->bytes,
	                (size_t)((char *)(v->dst + SIZE) - dst) - n_res * r->bytes);
	memcpy(v->dst, before, sizeof(before));
}

struct one {
	const struct kernel *k;
	const struct row *r;
};

static struct arrays shared;

static void same_bits(gconstpointer data)
{
	const struct one *o = data;

	for (enum kind kind = 0; kind < N_KINDS; kind++) {
		arrays_fill(&shared, kind);
		for (size_t n = 0; n <= N_MAX; n++)
			for (shared.off = 0; shared.off < OFF_MAX && 2 * n + shared.off < SIZE; shared.off++)
				compare(o->k, o->r, &shared, n);
	}
}

/* As a media thread runs it. */
static void same_when_flushed(gconstpointer data)
{
	volatile float tiny = FLT_MIN;

	flushed = true;
	mix_flush_denormals(true);
	tiny *= 0.5f;
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		for (enum kind kind = STRANGE; kind <= TINY; kind++) {
			arrays_fill(&shared, kind);
			for (size_t n = 0; n <= 70; n++) {
				shared.off = n % OFF_MAX;
				compare(data, &rows[i], &shared, n);
			}
		}
	mix_flush_denormals(false);
	flushed = false;
#if defined(__SSE2__) || defined(__aarch64__)
	g_assert_cmpfloat(tiny, ==, 0.0f);
#endif
	tiny = FLT_MIN;
	tiny *= 0.5f;
	g_assert_cmpfloat(tiny, >, 0.0f);
}

static void add_tests(const struct kernel *k)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct one *o = g_new(struct one, 1);
		char *path = g_strdup_printf("/kernel/%s/%s", k->name, rows[i].name);

		*o = (struct one){k, &rows[i]};
		g_test_add_data_func_full(path, o, same_bits, g_free);
		g_free(path);
	}
}

static double bound(const float *a, const float *b, size_t n)
{
	double sum = 0.0;

	for (size_t i = 0; i < n; i++)
		sum += fabs((double)a[i] * (double)b[i]);
	return sum * (double)n * ldexp(1.0, -24) + 1e-45;
}

static double exact(const float *a, const float *b, size_t n)
{
	double sum = 0.0;

	for (size_t i = 0; i < n; i++)
		sum += (double)a[i] * (double)b[i];
	return sum;
}

static const struct shape { uint32_t l, m; size_t taps; } shapes[] = {
	{6, 1, 40}, {4, 1, 40}, {3, 1, 40}, {2, 1, 40}, {5, 1, 8}, {1, 1, 8}, {1, 6, 64}, {1, 4, 72}, {1, 3, 16}, {1, 2, 8},
	{3, 2, 24}, {2, 3, 56}, {160, 147, 40}, {147, 160, 48},
};

/* What stands behind the last output, and between two of a stereo pair, must stay; the sound ends at the guard. */
static void outputs(const struct kernel *k, const struct shape *s, const float *phase, uint32_t ph, size_t n_out)
{
	const struct polyphase f = {phase, s->taps, s->l, s->m};
	const size_t len = n_out ? (ph + (n_out - 1) * s->m) / s->l + s->taps : 0;
	const float *x = END(shared.a, &shared, len);
	float out[2 * N_MAX + 2], cut[N_MAX];

	for (size_t stride = 1; stride <= 2; stride++) {
		for (size_t i = 0; i < G_N_ELEMENTS(out); i++)
			out[i] = 7.0f;
		k->polyphase(out, stride, &f, ph, x, n_out);
		for (size_t t = 0; t < n_out; t++) {
			const float *row = phase + (ph + t * s->m) % s->l * s->taps, *at = x + (ph + t * s->m) / s->l;

			g_assert_cmpfloat(fabs((double)out[t * stride] - exact(row, at, s->taps)), <=, bound(row, at, s->taps));
			k->polyphase(&cut[t], 1, &f, (uint32_t)((ph + t * s->m) % s->l), at, 1);
			g_assert_cmpmem(&cut[t], 4, &out[t * stride], 4);
			if (stride == 2)
				g_assert_cmpfloat(out[2 * t + 1], ==, 7.0f);
		}
		g_assert_cmpfloat(out[n_out * stride], ==, 7.0f);
	}
}

static void polyphase_bound(gconstpointer data)
{
	static float phase[160 * 72];

	for (size_t i = 0; i < G_N_ELEMENTS(phase); i++)
		phase[i] = draw_float(NOISE);
	for (enum kind kind = NOISE; kind <= LOUD; kind++) {
		arrays_fill(&shared, kind);
		for (size_t i = 0; i < G_N_ELEMENTS(shapes); i++)
			for (size_t n_out = 0; n_out <= 50; n_out++) {
				shared.off = n_out % OFF_MAX;
				outputs(data, &shapes[i], phase, 0, n_out);
				outputs(data, &shapes[i], phase, draw() % shapes[i].l, n_out);
			}
	}
}

/* A NaN or an infinity must come out of each output it is in, and of no other. */
static void polyphase_not_finite(gconstpointer data)
{
	const struct kernel *k = data;
	float x[64], phase[40], out[24];

	for (int i = 0; i < 40; i++)
		phase[i] = 0.5f;
	for (int i = 0; i < 64; i++) {
		const struct polyphase f = {phase, 40, 1, 1};

		for (int j = 0; j < 64; j++)
			x[j] = 0.25f;
		x[i] = i % 2 ? NAN : INFINITY;
		k->polyphase(out, 1, &f, 0, x, 24);
		for (int t = 0; t < 24; t++)
			g_assert_true(isfinite(out[t]) == (i < t || i >= t + 40));
	}
}

/* Every 16-bit sample, against the laws as G.711's tables state them. */
static void g711_all(gconstpointer data)
{
	static const int mu_ends[] = {31, 95, 223, 479, 991, 2015, 4063, 8159};
	const struct kernel *k = data;
	float x[1024], y[1024];
	uint8_t u[1024];

	for (int s = -32768; s < 32768; s += 1024) {
		for (int i = 0; i < 1024; i++)
			x[i] = (float)(s + i) / 32768.0f;
		k->to_pcmu(u, x, 1024);
		k->from_pcmu(y, u, 1024);
		for (int i = 0; i < 1024; i++) {
			const int v = s + i, mag = (v < 0 ? -v : v) >> 2;
			int seg = 0;

			while (seg < 7 && mag >= mu_ends[seg])
				seg++;
			g_assert_cmpint(u[i] >> 7, ==, v >= 0);
			g_assert_cmpint((~u[i] >> 4) & 7, ==, seg);
			g_assert_true(fabsf(y[i] - x[i]) <= (mag > 8158 ? 161 : 1 << seg) / 8192.0f);
		}
		k->to_pcma(u, x, 1024);
		k->from_pcma(y, u, 1024);
		for (int i = 0; i < 1024; i++) {
			const int v = s + i, mag = (v < 0 ? -v - 1 : v) >> 3;
			int seg = 0;

			while (seg < 7 && mag >= 32 << seg)
				seg++;
			g_assert_cmpint(u[i] >> 7, ==, v >= 0);
			g_assert_cmpint(((u[i] ^ 0x55) >> 4) & 7, ==, seg);
			g_assert_true(fabsf(y[i] - x[i]) <= (float)(seg ? 1 << (seg - 1) : 1) / 4096.0f);
		}
	}
}

static void g711_there_and_back(gconstpointer data)
{
	const struct kernel *k = data;
	uint8_t in[256], out[256];
	float x[256];

	for (int i = 0; i < 256; i++)
		in[i] = (uint8_t)i;
	k->from_pcma(x, in, 256);
	k->to_pcma(out, x, 256);
	g_assert_cmpmem(in, 256, out, 256);
	k->from_pcmu(x, in, 256);
	k->to_pcmu(out, x, 256);
	in[0x7f] = 0xff;                  /* minus zero becomes zero */
	g_assert_cmpmem(in, 256, out, 256);
	g_assert_cmpfloat(x[0xff], ==, 0.0f);
	g_assert_false(signbit(x[0xff]) || signbit(x[0x7f]));
}

static void forced(void)
{
	const struct kernel *const before = kernel_now;
	float sum[3] = {1, 2, 3};

	for (const struct kernel *const *k = kernel_all; *k; k++) {
		const int err = kernel_force((*k)->name);

		g_assert_cmpint(err, ==, (*k)->usable() ? 0 : ENOTSUP);
		g_assert_true((kernel_now == *k) == !err);
		mix_add(sum, sum, 3);
	}
	g_assert_cmpint(kernel_force("mmx"), ==, ENOENT);
	kernel_now = before;
	g_assert_true(sum[0] >= 2.0f && sum[2] == 3.0f * sum[0]);
}

/* The environment's word, or else the last that works; this program may itself be run under TUTTI_KERNEL. */
static void chosen(void)
{
	const char *name = g_getenv("TUTTI_KERNEL");
	const struct kernel *best = NULL;

	for (const struct kernel *const *k = kernel_all; *k; k++)
		if ((*k)->usable() && (!name || !strcmp(name, (*k)->name)))
			best = *k;
	g_assert_true(!best || kernel_now == best);
	g_test_message("chosen: %s", kernel_now->name);
}

static void add_for(const char *name, const struct kernel *k, GTestDataFunc func)
{
	char *path = g_strdup_printf("/kernel/%s/%s", k->name, name);

	g_test_add_data_func(path, k, func);
	g_free(path);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	shared = arrays_make();
	g_test_add_func("/kernel/chosen", chosen);
	g_test_add_func("/kernel/forced", forced);
	for (const struct kernel *const *k = kernel_all; *k; k++) {
		if (!(*k)->usable()) {
			g_printerr("# %s: not on this processor\n", (*k)->name);
			continue;
		}
		if (k != kernel_all)
			add_tests(*k);
		add_for("same-when-flushed", *k, same_when_flushed);
		add_for("polyphase-bound", *k, polyphase_bound);
		add_for("polyphase-not-finite", *k, polyphase_not_finite);
		add_for("g711-all", *k, g711_all);
		add_for("g711-there-and-back", *k, g711_there_and_back);
	}
	return g_test_run();
}
