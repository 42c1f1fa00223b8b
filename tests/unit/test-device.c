/*
 * test-device.c - devices without a card: what their callback is told, and files in and out.
 *
 * Counted by frames, never by time: the machine may be as slow as it likes.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <sndfile.h>
#include <re.h>
#include "tests/lib/rtguard.h"
#include "tests/lib/signal.h"
#include "client/device.h"

enum { RATE = 48000, CH = 2, TAKE_MAX = RATE * 4 };

struct ear {
	_Atomic uint32_t n;               /* frames turned */
	uint32_t stop_at;                 /* what comes later is not kept */
	uint64_t first_us, last_us;
	bool steps_right;                 /* each at_us is the one before and a period */
	bool through;                     /* out is in */
	bool watched;                     /* allocations between two turns are counted */
	unsigned allocated;
	float *took;
};

static void turn(const float *in, float *out, uint32_t n, uint64_t at_us, void *arg)
{
	struct ear *e = arg;
	const uint32_t had = e->n;

	if (e->watched && had)
		e->allocated += rtguard_end();
	memset(out, 0, n * CH * sizeof(*out));
	if (e->through)
		memcpy(out, in, n * CH * sizeof(*out));
	if (!had)
		e->first_us = at_us;
	else if (at_us + 2 < e->last_us + n * 1000000ull / RATE)
		e->steps_right = false;
	e->last_us = at_us;
	if (had + n <= e->stop_at)
		memcpy(e->took + had * CH, in, n * CH * sizeof(*in));
	e->n = had + n;
	if (e->watched)
		rtguard_begin();
}

static void ear_init(struct ear *e, uint32_t stop_at)
{
	memset(e, 0, sizeof(*e));
	e->steps_right = true;
	e->stop_at = stop_at;
	e->took = g_new0(float, (size_t)TAKE_MAX * CH);
}

static struct device_conf conf_of(const char *driver, struct ear *e)
{
	return (struct device_conf){
		.driver = driver, .device = "", .name = "", .inputs = 1, .tone_hz = 1000, .turnh = turn, .arg = e,
	};
}

static struct device *open_ok(const struct device_conf *conf)
{
	struct device *d = NULL;
	const char *why = NULL;
	int err = device_open(&d, &why, conf);

	if (err)
		g_error("device_open: %s (%s)", why, g_strerror(err));
	return d;
}

/* A minute is for a machine that stands still. */
#define WAIT_UNTIL(cond) \
	for (unsigned i_ = 0; !(cond); i_++) { \
		g_assert_cmpuint(i_, <, 30000); \
		g_usleep(2000); \
	}

static void wait_frames(const struct ear *e, uint32_t n)
{
	WAIT_UNTIL(e->n >= n);
}

static char *tmp_path(const char *name)
{
	static char *dir;

	if (!dir)
		dir = g_dir_make_tmp("tutti-device-XXXXXX", NULL);
	g_assert_nonnull(dir);
	return g_build_filename(dir, name, NULL);
}

static void write_sound(const char *path, int format, int rate, int channels, const float *smp, size_t n)
{
	SF_INFO info = {.samplerate = rate, .channels = channels, .format = format};
	SNDFILE *f = sf_open(path, SFM_WRITE, &info);

	g_assert_nonnull(f);
	g_assert_cmpint(sf_writef_float(f, smp, (sf_count_t)n), ==, n);
	sf_close(f);
}

static float *read_sound(const char *path, SF_INFO *info)
{
	SNDFILE *f;
	float *smp;

	memset(info, 0, sizeof(*info));
	f = sf_open(path, SFM_READ, info);
	g_assert_nonnull(f);
	smp = g_new0(float, (size_t)(info->frames * info->channels) + 1);
	g_assert_cmpint(sf_readf_float(f, smp, info->frames), ==, info->frames);
	sf_close(f);
	return smp;
}

/* --- what is wrong, in words --- */

static void test_bad(void)
{
	static const struct {
		const char *driver, *in, *out;
		float hz;
		unsigned inputs;
		int err;
		const char *word;
	} row[] = {
		{"trombone", NULL,               NULL,         1000, 1, EINVAL,  "no such driver: trombone"},
		{"tone",     NULL,               NULL,            0, 1, EINVAL,  "tone"},
		{"tone",     NULL,               NULL,        24000, 1, EINVAL,  "tone"},
		{"file",     NULL,               NULL,         1000, 1, EINVAL,  "file to play"},
		{"null",     "/nonexistent.wav", NULL,         1000, 1, ENOENT,  "/nonexistent.wav"},
		{"null",     "/dev/null",        NULL,         1000, 1, EBADMSG, "no sound"},
		{"null",     NULL,               "/tmp/x.mp3", 1000, 1, EINVAL,  ".wav or .flac"},
		{"null",     NULL,               "/none/x.wav", 1000, 1, ENOENT, "/none/x.wav"},
	};
	struct ear e;

	ear_init(&e, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(row); i++) {
		struct device_conf conf = conf_of(row[i].driver, &e);
		struct device *d = NULL;
		const char *why = NULL;

		conf.in_file = row[i].in;
		conf.out_file = row[i].out;
		conf.tone_hz = row[i].hz;
		g_assert_cmpint(device_open(&d, &why, &conf), ==, row[i].err);
		g_assert_null(d);
		g_assert_nonnull(strstr(why, row[i].word));
	}
	g_free(e.took);
}

static void test_bad_conf(void)
{
	struct ear e;
	const char *why;
	struct device *d = NULL;
	struct device_conf conf;

	ear_init(&e, 0);
	conf = conf_of("null", &e);
	conf.inputs = 0;
	g_assert_cmpint(device_open(&d, &why, &conf), ==, EINVAL);
	conf.inputs = DEVICE_INPUTS_MAX + 1;
	g_assert_cmpint(device_open(&d, &why, &conf), ==, EINVAL);
	conf = conf_of("null", &e);
	conf.period = DEVICE_PERIOD_MAX + 1;
	g_assert_cmpint(device_open(&d, &why, &conf), ==, EINVAL);
	conf = conf_of("null", &e);
	conf.turnh = NULL;
	g_assert_cmpint(device_open(&d, &why, &conf), ==, EINVAL);
	g_free(e.took);
}

/* --- the clock --- */

static void test_null(void)
{
	static const uint32_t period[] = {0, 64, 100, 1024, DEVICE_PERIOD_MAX};

	for (size_t i = 0; i < G_N_ELEMENTS(period); i++) {
		struct device_info info;
		struct device_conf conf;
		struct device *d;
		struct ear e;
		uint64_t us, smp;

		ear_init(&e, TAKE_MAX);
		conf = conf_of("null", &e);
		conf.period = period[i];
		d = open_ok(&conf);
		wait_frames(&e, 20000);
		device_info(d, &info);
		mem_deref(d);
		g_assert_cmpstr(info.driver, ==, "null");
		g_assert_cmpuint(info.rate, ==, RATE);
		g_assert_cmpuint(info.period, ==, period[i] ? period[i] : 64);
		g_assert_cmpuint(e.n % info.period, ==, 0);
		g_assert_true(e.steps_right);
		/* The periods' own times: exactly as far apart as their samples, but for what an xrun left out. */
		us = e.last_us - e.first_us;
		smp = e.n - info.period;
		if (!info.xruns)
			g_assert_cmpfloat_with_epsilon((double)us, (double)smp * 1e6 / RATE, 2);
		for (uint32_t k = 0; k < 20000; k++)
			g_assert_true(e.took[k] == 0);
		g_free(e.took);
	}
}

/* After mem_deref nothing is called. */
static void test_end(void)
{
	struct ear e;
	struct device_conf conf;
	struct device *d;
	uint32_t n;

	ear_init(&e, 0);
	conf = conf_of("null", &e);
	d = open_ok(&conf);
	wait_frames(&e, 64);
	mem_deref(d);
	n = e.n;
	g_usleep(20000);
	g_assert_cmpuint(e.n, ==, n);
	g_free(e.took);
}

static void take_side(float *mono, const float *took, uint32_t n, unsigned ch)
{
	for (uint32_t i = 0; i < n; i++)
		mono[i] = took[i * CH + ch];
}

static void test_tone(void)
{
	enum { N = 9600 };
	struct ear e;
	struct device_conf conf;
	struct device *d;
	float mono[N];

	ear_init(&e, TAKE_MAX);
	conf = conf_of("tone", &e);
	conf.tone_hz = 440;
	d = open_ok(&conf);
	wait_frames(&e, N);
	mem_deref(d);
	for (unsigned ch = 0; ch < CH; ch++) {
		take_side(mono, e.took, N, ch);
		g_assert_cmpfloat_with_epsilon(signal_tone_peak(mono, N, RATE, 440), 0.1, 0.001);
		g_assert_cmpfloat(signal_snr_db(mono, N, RATE, 440), >, 90);
	}
	g_free(e.took);
}

/* --- files --- */

/* A WAV that all know, not the kind for more than 4 GB. */
static void assert_riff(const char *path)
{
	char magic[4] = "";
	FILE *f = fopen(path, "rb");

	g_assert_nonnull(f);
	g_assert_cmpuint(fread(magic, 1, 4, f), ==, 4);
	fclose(f);
	g_assert_cmpmem(magic, 4, "RIFF", 4);
}

/* The take begins with the device and has the file in it from the first sample on. */
static void through_file(const char *driver, const char *in, const char *out, uint32_t n)
{
	struct ear e;
	struct device_conf conf;
	struct device_info info;
	struct device *d;

	ear_init(&e, 0);
	e.through = true;
	conf = conf_of(driver, &e);
	conf.in_file = in;
	conf.out_file = out;
	d = open_ok(&conf);
	wait_frames(&e, n + 2048);
	device_info(d, &info);
	g_assert_true(info.in_ended);
	g_assert_cmpuint(info.file_lost_smp, ==, 0);
	mem_deref(d);
	g_free(e.took);
}

static void test_exact(void)
{
	enum { N = 30001 };
	char *in = tmp_path("in.wav"), *out = tmp_path("out.wav");
	float *smp = g_new(float, (size_t)N * CH), *got;
	uint32_t seed = 6;
	SF_INFO info;

	signal_noise(smp, (size_t)N * CH, &seed, 0.5);
	smp[7] = 3.25f;           /* over full scale, and far under it */
	smp[8] = 1e-20f;
	write_sound(in, SF_FORMAT_WAV | SF_FORMAT_FLOAT, RATE, CH, smp, N);
	through_file("file", in, out, N);

	got = read_sound(out, &info);
	g_assert_cmpint(info.samplerate, ==, RATE);
	g_assert_cmpint(info.channels, ==, CH);
	assert_riff(out);
	g_assert_cmpint(info.frames, >=, N);
	g_assert_cmpmem(got, (size_t)N * CH * sizeof(float), smp, (size_t)N * CH * sizeof(float));
	for (sf_count_t i = (sf_count_t)N * CH; i < info.frames * CH; i++)
		g_assert_true(got[i] == 0);
	g_free(got);
	g_free(smp);
	g_unlink(in);
	g_unlink(out);
	g_free(in);
	g_free(out);
}

/* FLAC in, of one channel: on both sides; FLAC out: within its 24 bits, and what is too loud is cut, not wrapped
 * around. */
static void test_flac(void)
{
	enum { N = 20000 };
	char *in = tmp_path("in.flac"), *out = tmp_path("out.flac");
	float *smp = g_new(float, N), *got;
	SF_INFO info;

	signal_sine(smp, N, 0, RATE, 997, 1.0);
	write_sound(in, SF_FORMAT_FLAC | SF_FORMAT_PCM_16, RATE, 1, smp, N);
	through_file("null", in, out, N);
	got = read_sound(out, &info);
	g_assert_cmpint(info.format & SF_FORMAT_TYPEMASK, ==, SF_FORMAT_FLAC);
	g_assert_cmpint(info.frames, >=, N);
	for (uint32_t i = 0; i < N; i++) {
		g_assert_cmpfloat_with_epsilon(got[i * CH], smp[i], 1.0 / 10000);
		g_assert_true(got[i * CH] == got[i * CH + 1]);
	}
	g_free(got);
	g_free(smp);
	g_unlink(in);
	g_unlink(out);
	g_free(in);
	g_free(out);
}

/* A tone in a file of another rate has its pitch and its length. */
static void test_rate(void)
{
	static const int rate[] = {44100, 96000, 8000, 22050};

	for (size_t r = 0; r < G_N_ELEMENTS(rate); r++) {
		enum { SECONDS = 1, SKIP = 2000, N = 40000 };
		char *in = tmp_path("rate.wav");
		const uint32_t n_file = (uint32_t)rate[r] * SECONDS;
		float *smp = g_new(float, n_file), mono[N];
		struct ear e;
		struct device_conf conf;
		struct device *d;
		uint32_t end = RATE * SECONDS + 200;

		signal_sine(smp, n_file, 0, rate[r], 1000, 0.5);
		write_sound(in, SF_FORMAT_WAV | SF_FORMAT_FLOAT, rate[r], 1, smp, n_file);
		ear_init(&e, TAKE_MAX);
		conf = conf_of("null", &e);
		conf.in_file = in;
		d = open_ok(&conf);
		wait_frames(&e, RATE * SECONDS + 4096);
		mem_deref(d);

		take_side(mono, e.took + SKIP * CH, N, 0);
		g_assert_cmpfloat_with_epsilon(signal_tone_peak(mono, N, RATE, 1000), 0.5, 0.005);
		g_assert_cmpfloat(signal_snr_db(mono, N, RATE, 1000), >, 70);
		g_assert_cmpfloat(signal_level_db(e.took + (RATE * SECONDS - 600) * CH, 800), >, -20);
		for (uint32_t i = end; i < end + 1000; i++)
			g_assert_true(e.took[i * CH] == 0);
		g_free(e.took);
		g_free(smp);
		g_unlink(in);
		g_free(in);
	}
}

/* Over and over, without a hole where it begins anew. */
static void test_loop(void)
{
	enum { N = 4800, ROUNDS = 6 };
	char *in = tmp_path("loop.wav");
	float smp[N];
	struct ear e;
	struct device_conf conf;
	struct device_info info;
	struct device *d;

	signal_sine(smp, N, 0, RATE, 1000, 0.5);
	write_sound(in, SF_FORMAT_WAV | SF_FORMAT_FLOAT, RATE, 1, smp, N);
	ear_init(&e, TAKE_MAX);
	conf = conf_of("file", &e);
	conf.in_file = in;
	conf.loop = true;
	d = open_ok(&conf);
	wait_frames(&e, N * ROUNDS);
	device_info(d, &info);
	mem_deref(d);
	g_assert_false(info.in_ended);
	if (!info.file_lost_smp)
		for (uint32_t i = 0; i < N * ROUNDS; i++)
			g_assert_true(e.took[i * CH] == smp[i % N]);
	g_free(e.took);
	g_unlink(in);
	g_free(in);
}

/* A device that is opened again does not write over what was played before it had gone. */
static void test_again(void)
{
	char *first = tmp_path("again.wav"), *second = tmp_path("again-2.wav"), *third = tmp_path("again-3.wav");
	const char *name[] = {first, second, third};
	const double hz[] = {440, 1000, 2500};
	SF_INFO info;

	for (unsigned i = 0; i < 3; i++) {
		struct ear e;
		struct device_conf conf;
		struct device *d;

		ear_init(&e, 0);
		e.through = true;
		conf = conf_of("tone", &e);
		conf.tone_hz = (float)hz[i];
		conf.out_file = first;
		d = open_ok(&conf);
		wait_frames(&e, 4800);
		mem_deref(d);
		g_free(e.took);
	}
	for (unsigned i = 0; i < 3; i++) {
		float *got = read_sound(name[i], &info), mono[4800];

		take_side(mono, got, 4800, 0);
		g_assert_cmpfloat_with_epsilon(signal_tone_peak(mono, 4800, RATE, hz[i]), 0.1, 0.001);
		g_free(got);
		g_unlink(name[i]);
	}
	g_free(first);
	g_free(second);
	g_free(third);
}

/* Nothing is allocated or freed on the device's thread, with files in and out. */
static void test_quiet(void)
{
	enum { N = 48000 };
	char *in = tmp_path("quiet.wav"), *out = tmp_path("quiet-out.wav");
	float *smp = g_new0(float, N);
	struct ear e;
	struct device_conf conf;
	struct device *d;

	write_sound(in, SF_FORMAT_WAV | SF_FORMAT_FLOAT, RATE, 1, smp, N);
	ear_init(&e, 0);
	e.watched = true;
	conf = conf_of("tone", &e);
	conf.in_file = in;
	conf.out_file = out;
	conf.loop = true;
	d = open_ok(&conf);
	wait_frames(&e, N);
	mem_deref(d);
	g_assert_cmpint(e.allocated, ==, 0);
	g_free(e.took);
	g_free(smp);
	g_unlink(in);
	g_unlink(out);
	g_free(in);
	g_free(out);
}

/* Held: silence until it is told to play, and then all of it, from the beginning. */
static void test_hold(void)
{
	enum { N = 1000 };
	char *in = tmp_path("hold.wav");
	float smp[N];
	struct ear e;
	struct device_conf conf;
	struct device_info info;
	struct device *d;
	uint32_t at = 0;

	for (uint32_t i = 0; i < N; i++)
		smp[i] = (float)(i + 1);
	write_sound(in, SF_FORMAT_WAV | SF_FORMAT_FLOAT, RATE, 1, smp, N);
	ear_init(&e, TAKE_MAX);
	conf = conf_of("file", &e);
	conf.in_file = in;
	conf.hold = true;
	d = open_ok(&conf);
	wait_frames(&e, 3 * N);
	device_info(d, &info);
	g_assert_false(info.in_ended);
	device_play(d);
	WAIT_UNTIL((device_info(d, &info), info.in_ended));
	mem_deref(d);
	g_assert_cmpuint(info.file_lost_smp, ==, 0);
	while (at < TAKE_MAX && e.took[at * CH] == 0)
		at++;
	g_assert_cmpuint(at, >=, 3 * N);
	for (uint32_t i = 0; i < N; i++)
		g_assert_true(e.took[(at + i) * CH] == smp[i]);
	g_free(e.took);
	g_unlink(in);
	g_free(in);
}

/* Longer than the ring: the reader's thread brings the rest. */
static void test_long(void)
{
	enum { N = RATE * 3 + 500 };
	char *in = tmp_path("long.wav");
	float *smp = g_new(float, N);
	struct ear e;
	struct device_conf conf;
	struct device_info info;
	struct device *d;

	for (uint32_t i = 0; i < N; i++)
		smp[i] = (float)i;
	write_sound(in, SF_FORMAT_WAV | SF_FORMAT_FLOAT, RATE, 1, smp, N);
	ear_init(&e, TAKE_MAX);
	conf = conf_of("file", &e);
	conf.in_file = in;
	d = open_ok(&conf);
	wait_frames(&e, N + 1024);
	device_info(d, &info);
	mem_deref(d);
	if (!info.file_lost_smp) {
		g_assert_true(info.in_ended);
		for (uint32_t i = 0; i < N; i++)
			g_assert_true(e.took[i * CH] == smp[i]);
	}
	g_free(e.took);
	g_free(smp);
	g_unlink(in);
	g_free(in);
}

/* What was written so far can be read while it goes on, as after a crash. */
static void test_crash(void)
{
	char *out = tmp_path("crash.wav");
	struct ear e;
	struct device_conf conf;
	struct device *d;
	SF_INFO info;
	float *got;

	ear_init(&e, 0);
	e.through = true;
	conf = conf_of("tone", &e);
	conf.out_file = out;
	d = open_ok(&conf);
	for (unsigned i = 0;; i++) {
		SNDFILE *f;

		g_assert_cmpuint(i, <, 600);
		g_usleep(100000);
		memset(&info, 0, sizeof(info));
		f = sf_open(out, SFM_READ, &info);
		sf_close(f);
		if (info.frames > 10000)
			break;
	}
	got = read_sound(out, &info);
	g_assert_cmpfloat(signal_level_db(got, 10000), >, -30);
	mem_deref(d);
	g_free(got);
	g_free(e.took);
	g_unlink(out);
	g_free(out);
}

int main(int argc, char **argv)
{
	int err;

	g_test_init(&argc, &argv, NULL);
	libre_init();
	g_test_add_func("/device/bad", test_bad);
	g_test_add_func("/device/bad-conf", test_bad_conf);
	g_test_add_func("/device/null", test_null);
	g_test_add_func("/device/end", test_end);
	g_test_add_func("/device/tone", test_tone);
	g_test_add_func("/device/exact", test_exact);
	g_test_add_func("/device/flac", test_flac);
	g_test_add_func("/device/rate", test_rate);
	g_test_add_func("/device/loop", test_loop);
	g_test_add_func("/device/again", test_again);
	g_test_add_func("/device/quiet", test_quiet);
	g_test_add_func("/device/hold", test_hold);
	g_test_add_func("/device/long", test_long);
	g_test_add_func("/device/crash", test_crash);
	err = g_test_run();
	libre_close();
	return err;
}
