/*
 * test-codec.c - one suite run on every codec: what goes in comes out, how long a payload is, what is refused, what is
 * heard when a packet is lost, and that no _rt function allocates. Then what is special in one codec.
 */
#include <glib.h>
#include <math.h>
#include <opus.h>
#include <re.h>
#include <spandsp.h>
#include <string.h>
#include <time.h>

#include "mixer/codec.h"
#include "tests/lib/signal.h"

/* --- allocations are counted, unless a sanitizer or mixer/rtguard has taken malloc for itself --- */

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(TUTTI_RTGUARD)
#define SANITIZED 1
#endif

static unsigned n_allocs;         /* ever */
static int n_live, allowed = -1;  /* allowed: so many more succeed; -1: all */

#ifndef SANITIZED
extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);
extern void __libc_free(void *p);

static bool may_alloc(void)
{
	if (!allowed)
		return false;
	if (allowed > 0)
		allowed--;
	n_allocs++;
	n_live++;
	return true;
}

void *malloc(size_t n)
{
	return may_alloc() ? __libc_malloc(n) : NULL;
}

void *calloc(size_t n, size_t size)
{
	return may_alloc() ? __libc_calloc(n, size) : NULL;
}

void *realloc(void *p, size_t n)
{
	n_allocs++;
	n_live += !p;
	return __libc_realloc(p, n);
}

void free(void *p)
{
	n_live -= !!p;
	__libc_free(p);
}
#endif

/* --- one row per kind --- */

static const struct kind {
	const char *path, *name;
	uint32_t clock;
	struct codec_param prm;
	double peak, snr;         /* of a 997 Hz sine */
	bool plc;                 /* concealed by plc.c; libopus does it itself and fades in its own time */
} kinds[] = {
	{"pcmu", "PCMU", 8000, {.channels = 1, .ptime_us = 20000}, 0.316, 36.0, true},
	{"pcma", "PCMA", 8000, {.channels = 1, .ptime_us = 20000}, 0.316, 36.0, true},
	{"pcma-10ms", "PCMA", 8000, {.channels = 1, .ptime_us = 10000}, 0.316, 36.0, true},
	{"g722", "G722", 8000, {.channels = 1, .ptime_us = 20000}, 0.316, 20.0, true},
	{"l16-8", "L16", 8000, {.channels = 1, .ptime_us = 20000}, 0.708, 90.0, true},
	{"l16-16", "L16", 16000, {.channels = 1, .ptime_us = 20000}, 0.708, 90.0, true},
	{"l16-44", "L16", 44100, {.channels = 2, .ptime_us = 10000}, 0.708, 90.0, true},
	{"l16-48-mono", "L16", 48000, {.channels = 1, .ptime_us = 5000}, 0.708, 90.0, true},
	{"l16-48-stereo", "L16", 48000, {.channels = 2, .ptime_us = 2500}, 0.708, 90.0, true},
	{"l24-8", "L24", 8000, {.channels = 1, .ptime_us = 20000}, 0.316, 120.0, true},
	{"l24-48-stereo", "L24", 48000, {.channels = 2, .ptime_us = 2500}, 0.316, 120.0, true},
	{"opus-32k", "opus", 48000,
	 {.channels = 1, .ptime_us = 20000, .bitrate = 32000, .complexity = 5, .voice = true}, 0.316, 20.0, false},
	{"opus-64k-stereo", "opus", 48000,
	 {.channels = 2, .ptime_us = 20000, .bitrate = 64000, .complexity = 5}, 0.316, 20.0, false},
	{"opus-2.5ms", "opus", 48000,
	 {.channels = 2, .ptime_us = 2500, .bitrate = 192000, .complexity = 9, .lowdelay = true, .cbr = true},
	 0.316, 20.0, false},
	{"opus-60ms", "opus", 48000,
	 {.channels = 1, .ptime_us = 60000, .bitrate = 24000, .complexity = 9, .voice = true, .fec = true,
	  .loss_pct = 10},
	 0.316, 20.0, false},
};

enum { HZ = 997, SMP_MAX = 2 * 48000, BYTES_MAX = 4000 };

struct pair {
	const struct codec *c;
	struct codec_enc *enc;
	struct codec_dec *dec;
	size_t ch, n_smp;         /* of a frame */
};

static struct pair setup(const struct kind *k)
{
	struct pair p = {.c = codec_find(k->name, k->clock), .ch = k->prm.channels};

	g_assert_nonnull(p.c);
	g_assert_cmpint(p.c->enc_alloc(&p.enc, p.c, &k->prm), ==, 0);
	g_assert_cmpint(p.c->dec_alloc(&p.dec, p.c, &k->prm), ==, 0);
	p.n_smp = (size_t)((uint64_t)p.c->srate * k->prm.ptime_us / 1000000);
	return p;
}

static void teardown(struct pair *p)
{
	mem_deref(p->enc);
	mem_deref(p->dec);
}

/* The k-th frame of a 997 Hz sine (which no rate here divides);
 * on the right at half the peak, turned by 180 degrees. */
static int encode_sine(struct pair *p, uint8_t *buf, size_t size, size_t k, double peak)
{
	static float mono[CODEC_SMP_MAX], smp[2 * CODEC_SMP_MAX];

	signal_sine(mono, p->n_smp, k * p->n_smp, p->c->srate, HZ, peak);
	for (size_t i = 0; i < p->n_smp * p->ch; i++)
		smp[i] = p->ch == 1 ? mono[i] : i % 2 ? -0.5f * mono[i / 2] : mono[i / 2];
	return p->c->encode_rt(p->enc, buf, size, smp, p->n_smp);
}

static void channel(float *mono, const float *smp, size_t n, size_t ch, size_t which)
{
	for (size_t i = 0; i < n; i++)
		mono[i] = smp[i * ch + which];
}

static float smp[2 * SMP_MAX + 2 * CODEC_SMP_MAX], mono[SMP_MAX + CODEC_SMP_MAX];

/* One second through the codec, frames lost[0..n_lost) do not arrive; n_smp that came out. */
static size_t through(struct pair *p, double peak, size_t lost_from, size_t n_lost)
{
	const size_t frames = p->c->srate / p->n_smp;
	uint8_t buf[BYTES_MAX];
	size_t n = 0;

	for (size_t k = 0; k < frames; k++) {
		const int len = encode_sine(p, buf, sizeof(buf), k, peak);
		int got;

		g_assert_cmpint(len, >, 0);
		if (k >= lost_from && k - lost_from < n_lost)
			got = p->c->conceal_rt(p->dec, smp + n * p->ch, p->n_smp, NULL, 0);
		else
			got = p->c->decode_rt(p->dec, smp + n * p->ch, CODEC_SMP_MAX, buf, (size_t)len);
		g_assert_cmpint(got, ==, (int)p->n_smp);
		n += (size_t)got;
	}
	return n;
}

static void quality(gconstpointer data)
{
	const struct kind *k = data;
	struct pair p = setup(k);
	const size_t n = through(&p, k->peak, 0, 0), half = n / 2;

	for (size_t c = 0; c < p.ch; c++) {
		const double want = 20.0 * log10(k->peak * (c ? 0.5 : 1.0)) - 3.01;
		double snr, level;

		channel(mono, smp, n, p.ch, c);
		snr = signal_snr_db(mono + half, n - half, p.c->srate, HZ);
		level = signal_level_db(mono + half, n - half);
		g_test_message("%s, channel %zu: SNR %.1f dB, level %+.3f dB", k->path, c, snr, level - want);
		g_assert_cmpfloat(snr, >=, k->snr - (c ? 6.1 : 0.0));
		g_assert_cmpfloat(fabs(level - want), <=, 0.5);
		g_assert_cmpuint(signal_clicks(mono + half, n - half, p.c->srate, 4.0), ==, 0);
	}
	teardown(&p);
}

/* What it says that it delays is where its tone is, but for whole periods. */
static void delay(gconstpointer data)
{
	const struct kind *k = data;
	struct pair p = setup(k);
	const size_t n = through(&p, k->peak, 0, 0), half = n / 2;
	const double said_us = p.c->delay_us ? p.c->delay_us(p.enc) : 0, period_us = 1e6 / HZ;
	double re = 0, im = 0, us;

	channel(mono, smp, n, p.ch, 0);
	for (size_t i = half; i < n; i++) {
		const double hann = 0.5 - 0.5 * cos(2 * G_PI * ((double)(i - half) + 0.5) / (double)(n - half));

		re += hann * mono[i] * sin(2 * G_PI * HZ * (double)i / p.c->srate);
		im -= hann * mono[i] * cos(2 * G_PI * HZ * (double)i / p.c->srate);
	}
	us = remainder(atan2(im, re) / (2 * G_PI) * period_us - said_us, period_us);
	g_test_message("%s: says %.0f us, and %+.1f", k->path, said_us, us);
	g_assert_cmpfloat(fabs(us), <=, k->plc ? 30 : 100);
	teardown(&p);
}

static void duration(gconstpointer data)
{
	const struct kind *k = data;
	struct pair p = setup(k);
	uint8_t buf[BYTES_MAX];
	const uint8_t ch = k->prm.channels;
	const int len = encode_sine(&p, buf, sizeof(buf), 0, 0.3);

	g_assert_cmpint(len, >, 0);
	g_assert_cmpuint((size_t)len, <=, p.c->max_bytes_ms * ch * ((k->prm.ptime_us + 999) / 1000));
	g_assert_cmpint(p.c->duration_rt(p.c, buf, (size_t)len, ch), ==, (int)p.n_smp);
	g_assert_cmpint(p.c->duration_rt(p.c, buf, 0, ch), ==, -EBADMSG);
	g_assert_cmpint(p.c->decode_rt(p.dec, smp, CODEC_SMP_MAX, buf, 0), ==, -EBADMSG);
	g_assert_cmpint(p.c->decode_rt(p.dec, smp, p.n_smp - 1, buf, (size_t)len), ==, -EBADMSG);
	g_assert_cmpint(p.c->decode_rt(p.dec, smp, p.n_smp, buf, (size_t)len), ==, (int)p.n_smp);
	teardown(&p);
}

/* A payload too long for 120 ms is refused, and so is a buffer too short for the payload. */
static void bounds(gconstpointer data)
{
	const struct kind *k = data;
	struct pair p = setup(k);
	static uint8_t big[65536];
	uint8_t small[8] = {[4] = 0x5a, 0x5a, 0x5a, 0x5a};

	memset(big, 0xff, sizeof(big));
	g_assert_cmpint(p.c->duration_rt(p.c, big, sizeof(big), k->prm.channels), ==, -EBADMSG);
	g_assert_cmpint(p.c->decode_rt(p.dec, smp, CODEC_SMP_MAX, big, sizeof(big)), ==, -EBADMSG);

	if (strcmp(k->name, "opus")) {        /* Opus makes its packet as short as it must */
		g_assert_cmpint(encode_sine(&p, small, 4, 0, 0.3), ==, -EOVERFLOW);
	} else {
		g_assert_cmpint(encode_sine(&p, small, 4, 0, 0.3), <=, 4);
		g_assert_cmpint(p.c->encode_rt(p.enc, big, sizeof(big), smp, 100), ==, -EINVAL);
	}
	for (int i = 4; i < 8; i++)
		g_assert_cmpuint(small[i], ==, 0x5a);
	teardown(&p);
}

static void refused(gconstpointer data)
{
	const struct kind *k = data;
	const struct codec *c = codec_find(k->name, k->clock);
	struct codec_param prm = k->prm;
	struct codec_enc *e = NULL;
	struct codec_dec *d = NULL;

	prm.channels = 0;
	g_assert_cmpint(c->enc_alloc(&e, c, &prm), ==, EINVAL);
	g_assert_cmpint(c->dec_alloc(&d, c, &prm), ==, EINVAL);
	prm.channels = c->max_channels + 1;
	g_assert_cmpint(c->enc_alloc(&e, c, &prm), ==, EINVAL);
	g_assert_cmpint(c->dec_alloc(&d, c, &prm), ==, EINVAL);
	g_assert_null(e);
	g_assert_null(d);
}

/* Twenty milliseconds are lost out of a steady tone: the tone goes on, and neither joint clicks. */
static void one_lost(gconstpointer data)
{
	const struct kind *k = data;
	struct pair p = setup(k);
	const size_t from = p.c->srate / 2 / p.n_smp, n_lost = MAX(1, 20000 / k->prm.ptime_us);
	const size_t n = through(&p, 0.316, from, n_lost);
	double level;
	size_t clicks;

	channel(mono, smp, n, p.ch, 0);
	level = signal_level_db(mono + from * p.n_smp, n_lost * p.n_smp) - (20.0 * log10(0.316) - 3.01);
	clicks = signal_clicks(mono + n / 4, n / 2, p.c->srate, 4.0);
	g_test_message("%s: lost %zu ms at %+.2f dB, %zu clicks", k->path, n_lost * k->prm.ptime_us / 1000, level,
		       clicks);
	g_assert_cmpfloat(level, >, k->plc ? -2.0 : k->prm.ptime_us > 20000 ? -12.0 : -6.0);
	g_assert_cmpfloat(level, <, 1.0);
	g_assert_cmpuint(clicks, ==, 0);
	teardown(&p);
}

/* A long loss: silence after 100 ms, and the stream comes back without a click. */
static void many_lost(gconstpointer data)
{
	const struct kind *k = data;
	struct pair p = setup(k);
	const size_t from = p.c->srate / 4 / p.n_smp, n_lost = p.c->srate / 4 / p.n_smp;
	const size_t n = through(&p, 0.316, from, n_lost), gone = from * p.n_smp + p.c->srate / 10;
	const size_t back = (from + n_lost) * p.n_smp;
	double late;

	channel(mono, smp, n, p.ch, 0);
	late = signal_level_db(mono + gone, back - gone);
	g_test_message("%s: %.0f dB after 100 ms", k->path, late);
	if (k->plc)
		g_assert_cmpfloat(late, ==, -200.0);
	else
		g_assert_cmpfloat(late, <, -13.0);        /* not louder than before; libopus keeps a noise floor */
	g_assert_cmpuint(signal_clicks(mono + n / 8, n * 6 / 8, p.c->srate, 6.0), ==, 0);
	g_assert_cmpfloat(fabs(signal_level_db(mono + n * 3 / 4, n / 4) - (20.0 * log10(0.316) - 3.01)), <, 0.5);
	teardown(&p);
}

/* Whatever length is asked for is given, also before anything was heard, and longer than any packet. */
static void conceal_any_length(gconstpointer data)
{
	static const size_t len[] = {0, 1, 7, 64, 120, 121, 441, 960, 5760, 12000};
	const struct kind *k = data;
	struct pair p = setup(k);
	const uint8_t junk[3] = {0xff, 0xff, 0xff};
	uint8_t buf[BYTES_MAX];

	for (unsigned turn = 0; turn < 2; turn++) {
		for (unsigned i = 0; i < G_N_ELEMENTS(len); i++) {
			memset(smp, 0x7f, sizeof(smp));
			g_assert_cmpint(p.c->conceal_rt(p.dec, smp, len[i], turn ? junk : NULL, sizeof(junk)), ==,
					(int)len[i]);
			for (size_t s = 0; s < len[i] * p.ch; s++)
				g_assert_true(fabsf(smp[s]) <= 1.5f);
			g_assert_true(smp[len[i] * p.ch] > 1e30f);
		}
		p.c->decode_rt(p.dec, smp, CODEC_SMP_MAX, buf, (size_t)encode_sine(&p, buf, sizeof(buf), turn, 0.3));
	}
	teardown(&p);
}

static void no_allocation(gconstpointer data)
{
	const struct kind *k = data;
	struct pair p = setup(k);
	uint8_t buf[BYTES_MAX];
	unsigned before;

	before = n_allocs;
#ifdef SANITIZED
	g_test_skip("a sanitizer has malloc");
#else
	g_assert_cmpuint(before, >, 0);       /* the count counts */
#endif
	for (size_t i = 0; i < 50; i++) {
		const int len = encode_sine(&p, buf, sizeof(buf), i, 0.3);

		(void)p.c->duration_rt(p.c, buf, (size_t)len, k->prm.channels);
		(void)p.c->conceal_rt(p.dec, smp, p.n_smp, i % 2 ? buf : NULL, (size_t)len);
		(void)p.c->decode_rt(p.dec, smp, CODEC_SMP_MAX, buf, (size_t)len);
	}
	g_assert_cmpuint(n_allocs, ==, before);
	teardown(&p);
}

/* Each allocation fails once: ENOMEM, and nothing is left behind. */
static void no_memory(gconstpointer data)
{
	const struct kind *k = data;
	const struct codec *c = codec_find(k->name, k->clock);
	int fails = 0, err = ENOMEM;

#ifdef SANITIZED
	g_test_skip("a sanitizer has malloc");
	return;
#endif
	for (int n = 0; err; n++) {
		struct codec_enc *e = NULL;
		struct codec_dec *d = NULL;
		const int before = n_live;
		int after;

		allowed = n;
		err = c->enc_alloc(&e, c, &k->prm);
		if (!err)
			err = c->dec_alloc(&d, c, &k->prm);
		allowed = -1;
		mem_deref(d);
		mem_deref(e);
		after = n_live;
		g_assert_cmpint(after, ==, before);
		g_assert_true(!err || err == ENOMEM);
		fails += !!err;
	}
	g_assert_cmpint(fails, >=, 3);
}

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* Prints only: the promises on cost are kept by the benchmarks, on a quiet machine. */
static void cost(gconstpointer data)
{
	const struct kind *k = data;
	struct pair p = setup(k);
	static float in[2 * CODEC_SMP_MAX];
	uint8_t buf[BYTES_MAX];
	double enc = 0.0, dec = 0.0, plc = 0.0;
	uint32_t seed = 1;

	signal_speech(in, p.n_smp * p.ch, p.c->srate, &seed, 0.3);
	for (size_t i = 0; i < 100; i++) {
		const double t0 = cpu_us();
		const int len = p.c->encode_rt(p.enc, buf, sizeof(buf), in, p.n_smp);
		const double t1 = cpu_us();
		double t2;

		(void)p.c->decode_rt(p.dec, smp, CODEC_SMP_MAX, buf, (size_t)len);
		t2 = cpu_us();
		(void)p.c->conceal_rt(p.dec, smp, p.n_smp, NULL, 0);
		enc += (t1 - t0) / 100.0;
		dec += (t2 - t1) / 100.0;
		plc += (cpu_us() - t2) / 100.0;
	}
	g_test_message("%s: encode %.1f, decode %.1f, conceal %.1f us", k->path, enc, dec, plc);
	teardown(&p);
}

/* --- the table --- */

static void find(void)
{
	static const struct { const char *name; uint32_t clock, srate; uint8_t pt; } row[] = {
		{"PCMU", 8000, 8000, 0}, {"pcmu", 0, 8000, 0}, {"PCMA", 8000, 8000, 8}, {"G722", 8000, 16000, 9},
		{"OPUS", 48000, 48000, 0xff}, {"L16", 44100, 44100, 0xff}, {"L16", 0, 48000, 0xff},
		{"l16", 8000, 8000, 0xff}, {"L16", 16000, 16000, 0xff}, {"L24", 48000, 48000, 0xff},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(row); i++) {
		const struct codec *c = codec_find(row[i].name, row[i].clock);

		g_assert_nonnull(c);
		g_assert_cmpuint(c->srate, ==, row[i].srate);
		g_assert_cmpuint(c->pt, ==, row[i].pt);
	}
	g_assert_null(codec_find("PCMU", 16000));
	g_assert_null(codec_find("L16", 22050));
	g_assert_null(codec_find("G729", 0));
	g_assert_null(codec_find("", 0));
	g_assert_null(codec_find(NULL, 0));
}

static void list(void)
{
	const struct codec *c;
	size_t n;

	c = codec_list(&n);
	g_assert_cmpuint(n, >=, 8);
	for (size_t i = 0; i < n; i++)
		g_assert_true(codec_find(c[i].name, c[i].clock) == &c[i]);
}

/* --- G.711 --- */

/* Every 16-bit sample to the same byte, and every byte to the same sample, as spandsp's tables say. */
static void g711_by_another(void)
{
	const struct codec *mu = codec_find("PCMU", 0), *al = codec_find("PCMA", 0);
	const struct codec_param prm = {.channels = 1};
	struct codec_enc *mu_e, *al_e;
	struct codec_dec *mu_d, *al_d;

	g_assert_cmpint(mu->enc_alloc(&mu_e, mu, &prm) | al->enc_alloc(&al_e, al, &prm), ==, 0);
	g_assert_cmpint(mu->dec_alloc(&mu_d, mu, &prm) | al->dec_alloc(&al_d, al, &prm), ==, 0);
	for (int s = -32768; s < 32768; s++) {
		const float x = (float)s / 32768.0f;
		uint8_t m, a;

		g_assert_cmpint(mu->encode_rt(mu_e, &m, 1, &x, 1) + al->encode_rt(al_e, &a, 1, &x, 1), ==, 2);
		g_assert_cmphex(m, ==, linear_to_ulaw(s));
		g_assert_cmphex(a, ==, linear_to_alaw(s));
	}
	for (int i = 0; i < 256; i++) {
		const uint8_t b = (uint8_t)i;
		float m, a;

		g_assert_cmpint(mu->decode_rt(mu_d, &m, 1, &b, 1) + al->decode_rt(al_d, &a, 1, &b, 1), ==, 2);
		g_assert_cmpfloat(m, ==, (float)ulaw_to_linear(b) / 32768.0f);
		g_assert_cmpfloat(a, ==, (float)alaw_to_linear(b) / 32768.0f);
	}
	mem_deref(mu_e);
	mem_deref(al_e);
	mem_deref(mu_d);
	mem_deref(al_d);
}

/* Codes must be the same whether one asks for samples that are numbers or not. */
static void not_finite(gconstpointer data)
{
	const struct kind *k = data;
	struct pair p = setup(k);
	uint8_t buf[BYTES_MAX];
	int len;

	if (!strcmp(k->name, "opus")) {       /* asks for finite samples: mix_limit stands before every encoder */
		g_test_skip("not promised");
		teardown(&p);
		return;
	}
	for (size_t i = 0; i < p.n_smp * p.ch; i++)
		smp[i] = i % 3 ? i % 3 == 1 ? NAN : -INFINITY : 3.0f;
	len = p.c->encode_rt(p.enc, buf, sizeof(buf), smp, p.n_smp);
	g_assert_cmpint(p.c->decode_rt(p.dec, smp, CODEC_SMP_MAX, buf, (size_t)len), ==, (int)p.n_smp);
	for (size_t i = 0; i < p.n_smp * p.ch; i++)
		g_assert_true(fabsf(smp[i]) <= 1.0f);
	teardown(&p);
}

/* --- L16, L24 --- */

static void linear_bytes(void)
{
	static const struct { float x; uint8_t l16[2], l24[3]; } row[] = {
		{0.0f, {0, 0}, {0, 0, 0}}, {0.5f, {0x40, 0}, {0x40, 0, 0}}, {-1.0f, {0x80, 0}, {0x80, 0, 0}},
		{1.0f, {0x7f, 0xff}, {0x7f, 0xff, 0xff}}, {-0.25f, {0xe0, 0}, {0xe0, 0, 0}},
		{1.0f / 32768.0f, {0, 1}, {0, 1, 0}}, {-1.0f / 32768.0f, {0xff, 0xff}, {0xff, 0xff, 0}},
		{-1.0f / 8388608.0f, {0, 0}, {0xff, 0xff, 0xff}},
	};
	const struct codec *a = codec_find("L16", 48000), *b = codec_find("L24", 48000);
	const struct codec_param prm = {.channels = 1};
	struct codec_enc *ea, *eb;
	struct codec_dec *db;

	g_assert_cmpint(a->enc_alloc(&ea, a, &prm) | b->enc_alloc(&eb, b, &prm) | b->dec_alloc(&db, b, &prm), ==, 0);
	for (unsigned i = 0; i < G_N_ELEMENTS(row); i++) {
		uint8_t buf[3];
		float back;

		g_assert_cmpint(a->encode_rt(ea, buf, 2, &row[i].x, 1), ==, 2);
		g_assert_cmpmem(buf, 2, row[i].l16, 2);
		g_assert_cmpint(b->encode_rt(eb, buf, 3, &row[i].x, 1), ==, 3);
		g_assert_cmpmem(buf, 3, row[i].l24, 3);
		g_assert_cmpint(b->decode_rt(db, &back, 1, buf, 3), ==, 1);
		g_assert_cmpfloat_with_epsilon(back, row[i].x, 1.2e-7f);
	}
	mem_deref(ea);
	mem_deref(eb);
	mem_deref(db);
}

static void linear_lengths(void)
{
	static const struct { const char *name; uint32_t clock; size_t len; uint8_t ch; int n; } row[] = {
		{"L16", 48000, 2, 1, 1}, {"L16", 48000, 3, 1, -EBADMSG}, {"L16", 48000, 4, 2, 1},
		{"L16", 48000, 6, 2, -EBADMSG}, {"L16", 48000, 11520, 1, 5760}, {"L16", 48000, 11522, 1, -EBADMSG},
		{"L16", 8000, 320, 1, 160}, {"L24", 48000, 6, 2, 1}, {"L24", 48000, 4, 1, -EBADMSG},
		{"L16", 48000, 4, 0, -EBADMSG}, {"L16", 48000, 4, 3, -EBADMSG}, {"PCMU", 8000, 5760, 1, 5760},
		{"PCMU", 8000, 5761, 1, -EBADMSG}, {"PCMU", 8000, 4, 2, -EBADMSG}, {"G722", 8000, 160, 1, 320},
		{"G722", 8000, 2881, 1, -EBADMSG},
	};
	static uint8_t buf[20000];

	for (unsigned i = 0; i < G_N_ELEMENTS(row); i++) {
		const struct codec *c = codec_find(row[i].name, row[i].clock);

		g_assert_cmpint(c->duration_rt(c, buf, row[i].len, row[i].ch), ==, row[i].n);
	}
}

/* --- Opus --- */

static const struct kind opus_voice = {
	"opus-voice", "opus", 48000,
	{.channels = 1, .ptime_us = 20000, .bitrate = 24000, .complexity = 5, .voice = true, .fec = true,
	 .loss_pct = 20},
	0.0, 0.0, false,
};

/* RFC 6716, 3.1 and 3.2: every configuration, and packets of several frames up to 120 ms. */
static void opus_durations(void)
{
	static const int ms10[] = {25, 50, 100, 200, 400, 600};
	const struct codec *c = codec_find("opus", 0);
	struct pair p = setup(&opus_voice);

	for (unsigned i = 0; i < G_N_ELEMENTS(ms10); i++) {
		const size_t n = (size_t)ms10[i] * 48 / 10;
		OpusRepacketizer *rp = opus_repacketizer_create();
		uint8_t one[1500], many[8000];
		int len, frames = MIN(1200 / ms10[i], 48);

		signal_sine(smp, n, 0, 48000, HZ, 0.3);
		len = c->encode_rt(p.enc, one, sizeof(one), smp, n);
		g_assert_cmpint(len, >, 0);
		g_assert_cmpint(c->duration_rt(c, one, (size_t)len, 1), ==, (int)n);
		g_assert_cmpint(c->decode_rt(p.dec, smp, CODEC_SMP_MAX, one, (size_t)len), ==, (int)n);

		for (int k = 0; k < frames; k++)
			g_assert_cmpint(opus_repacketizer_cat(rp, one, len), ==, OPUS_OK);
		len = opus_repacketizer_out(rp, many, sizeof(many));
		g_assert_cmpint(c->duration_rt(c, many, (size_t)len, 1), ==, CODEC_SMP_MAX);
		g_assert_cmpint(c->decode_rt(p.dec, smp, CODEC_SMP_MAX, many, (size_t)len), ==, CODEC_SMP_MAX);
		opus_repacketizer_destroy(rp);
	}
	teardown(&p);
}

static double speech_error(struct pair *p, bool fec)
{
	static float in[48000 * 4];
	static uint8_t pkt[200][BYTES_MAX];
	int len[200];
	struct codec_dec *ref = NULL;
	double err = 0.0, sum = 1e-30;
	uint32_t seed = 4;

	g_assert_cmpint(p->c->dec_alloc(&ref, p->c, &opus_voice.prm), ==, 0);
	signal_speech(in, G_N_ELEMENTS(in), 48000, &seed, 0.5);
	for (int k = 0; k < 200; k++)
		len[k] = p->c->encode_rt(p->enc, pkt[k], BYTES_MAX, in + k * 960, 960);
	for (int k = 0; k < 199; k++) {
		float want[960], got[960];
		const bool lost = k > 20 && k % 5 == 0;

		p->c->decode_rt(ref, want, 960, pkt[k], (size_t)len[k]);
		if (!lost)
			p->c->decode_rt(p->dec, got, 960, pkt[k], (size_t)len[k]);
		else
			p->c->conceal_rt(p->dec, got, 960, fec ? pkt[k + 1] : NULL, fec ? (size_t)len[k + 1] : 0);
		for (int i = 0; i < 960 && lost; i++) {
			err += (double)(got[i] - want[i]) * (double)(got[i] - want[i]);
			sum += (double)want[i] * (double)want[i];
		}
	}
	mem_deref(ref);
	return 10.0 * log10(err / sum);
}

/* Every fifth packet is lost: with the next packet's copy of it the error is far smaller than made up. */
static void opus_fec(void)
{
	struct pair a = setup(&opus_voice), b = setup(&opus_voice);
	const double without = speech_error(&a, false), with = speech_error(&b, true);

	g_test_message("error of lost frames: %.1f dB made up, %.1f dB from FEC", without, with);
	g_assert_cmpfloat(with, <, without - 3.0);
	teardown(&a);
	teardown(&b);
}

static unsigned packets_of_silence(bool dtx)
{
	struct kind k = opus_voice;
	struct pair p;
	uint8_t buf[BYTES_MAX];
	unsigned sent = 0;

	k.prm.dtx = dtx;
	p = setup(&k);
	memset(smp, 0, sizeof(smp));
	for (int i = 0; i < 200; i++)
		sent += p.c->encode_rt(p.enc, buf, sizeof(buf), smp, 960) > 0;
	teardown(&p);
	return sent;
}

static void opus_dtx(void)
{
	g_assert_cmpuint(packets_of_silence(false), ==, 200);
	g_assert_cmpuint(packets_of_silence(true), <, 40);
	g_assert_cmpuint(packets_of_silence(true), >, 2);
}

/* A receiver that made a stereo decoder gets stereo from a mono packet, and the other way round. */
static void opus_channels(void)
{
	struct kind k1 = opus_voice, k2 = opus_voice;
	struct pair p1, p2;
	uint8_t buf[BYTES_MAX];

	k2.prm.channels = 2;
	k2.prm.bitrate = 64000;
	p1 = setup(&k1);
	p2 = setup(&k2);
	for (size_t i = 0; i < 20; i++) {
		const int len = encode_sine(&p1, buf, sizeof(buf), i, 0.3);

		g_assert_cmpint(p2.c->decode_rt(p2.dec, smp, 960, buf, (size_t)len), ==, 960);
	}
	for (size_t i = 0; i < 960; i++)
		g_assert_cmpfloat(smp[2 * i], ==, smp[2 * i + 1]);
	g_assert_cmpfloat(signal_level_db(smp, 1920), >, -16.0);

	for (size_t i = 20; i < 40; i++) {
		const int len = encode_sine(&p2, buf, sizeof(buf), i, 0.3);

		g_assert_cmpint(p1.c->decode_rt(p1.dec, smp, 960, buf, (size_t)len), ==, 960);
	}
	/* left + right of 1 and -0.5, halved: a quarter */
	g_assert_cmpfloat(fabs(signal_tone_peak(smp, 960, 48000, HZ) - 0.075), <, 0.02);
	teardown(&p1);
	teardown(&p2);
}

static size_t bytes_per_s(const struct codec_param *prm)
{
	struct kind k = opus_voice;
	struct pair p;
	uint8_t buf[BYTES_MAX];
	uint32_t seed = 2;
	size_t sum = 0;

	k.prm = *prm;
	p = setup(&k);
	signal_speech(smp, 48000, 48000, &seed, 0.5);
	for (int i = 0; i < 50; i++)
		sum += (size_t)p.c->encode_rt(p.enc, buf, sizeof(buf), smp + i * 960, 960);
	teardown(&p);
	return sum;
}

/* What is negotiated is obeyed: rate, constant rate, a narrow-band player. */
static void opus_params(void)
{
	struct codec_param prm = {.channels = 1, .ptime_us = 20000, .bitrate = 40000, .complexity = 5, .cbr = true};
	struct kind k = opus_voice;
	struct pair p;
	uint8_t buf[BYTES_MAX];
	uint32_t seed = 2;

	g_assert_cmpuint(bytes_per_s(&prm), ==, 5000);
	prm.bitrate = 16000;
	g_assert_cmpuint(bytes_per_s(&prm), ==, 2000);
	prm.bitrate = 0;
	g_assert_cmpuint(bytes_per_s(&prm), >, 2000);

	k.prm.max_playback = 8000;
	p = setup(&k);
	signal_speech(smp, 48000, 48000, &seed, 0.5);
	for (int i = 0; i < 50; i++) {
		g_assert_cmpint(p.c->encode_rt(p.enc, buf, sizeof(buf), smp + i * 960, 960), >, 0);
		g_assert_cmpint(opus_packet_get_bandwidth(buf), ==, OPUS_BANDWIDTH_NARROWBAND);
	}
	teardown(&p);
}

/* RFC 6716, 3.4: a packet that breaks one of the requirements there is no packet. */
static void opus_malformed(void)
{
	static const struct { uint8_t len, b[6]; } row[] = {
		{2, {0x01, 0xff}},                /* R3: two equal frames, odd rest */
		{3, {0x02, 0xfc, 0x00}},          /* R4: first of two frames longer than the packet */
		{1, {0x03}},                      /* R6: no count */
		{2, {0x03, 0x00}},                /* R5: no frames */
		{2, {0x1b, 0x3f}},                /* R5: 63 frames, more than 120 ms */
		{3, {0x03, 0x43, 0xff}},          /* R6: padding beyond the end */
	};
	struct pair p = setup(&opus_voice);

	for (unsigned i = 0; i < G_N_ELEMENTS(row); i++)
		g_assert_cmpint(p.c->decode_rt(p.dec, smp, CODEC_SMP_MAX, row[i].b, row[i].len), ==, -EBADMSG);
	g_assert_cmpint(p.c->duration_rt(p.c, row[2].b, 1, 1), ==, -EBADMSG);
	g_assert_cmpint(p.c->duration_rt(p.c, row[4].b, 2, 1), ==, -EBADMSG);
	teardown(&p);
}

static void add(const char *name, void (*func)(gconstpointer))
{
	for (unsigned i = 0; i < G_N_ELEMENTS(kinds); i++) {
		char *path = g_strdup_printf("/codec/%s/%s", name, kinds[i].path);

		g_test_add_data_func(path, &kinds[i], func);
		g_free(path);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add("quality", quality);
	add("delay", delay);
	add("duration", duration);
	add("bounds", bounds);
	add("refused", refused);
	add("one-lost", one_lost);
	add("many-lost", many_lost);
	add("conceal-any-length", conceal_any_length);
	add("no-allocation", no_allocation);
	add("not-finite", not_finite);
	add("no-memory", no_memory);
	add("cost", cost);
	g_test_add_func("/codec/find", find);
	g_test_add_func("/codec/list", list);
	g_test_add_func("/codec/g711-by-another", g711_by_another);
	g_test_add_func("/codec/linear-bytes", linear_bytes);
	g_test_add_func("/codec/linear-lengths", linear_lengths);
	g_test_add_func("/codec/opus-durations", opus_durations);
	g_test_add_func("/codec/opus-fec", opus_fec);
	g_test_add_func("/codec/opus-dtx", opus_dtx);
	g_test_add_func("/codec/opus-channels", opus_channels);
	g_test_add_func("/codec/opus-params", opus_params);
	g_test_add_func("/codec/opus-malformed", opus_malformed);
	return g_test_run();
}
