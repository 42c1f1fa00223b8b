/*
 * test-device_alsa.c - ALSA without a card: its own plugins, and one of ours (fakecard) that has xruns and goes away
 * when it is told to.
 */
#include <errno.h>
#include <string.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <re.h>
#include "client/device.h"

enum { CH = 2 };

static const char config[] =
	"pcm_type.fakecard { lib \"" FAKECARD "\" }\n"
	"pcm.null { type null }\n"
	"pcm.card { type fakecard }\n"
	"pcm.mic { type fakecard channels 1 }\n"
	"pcm.studio { type fakecard channels 4 }\n"
	"pcm.cd { type fakecard rate 44100 }\n"
	"pcm.plugcd { type plug slave.pcm null }\n"
	"pcm.slow { type fakecard clean 128 }\n"
	"pcm.pulled { type fakecard gone 4800 }\n"
	"pcm.player { type asym playback.pcm card }\n"
	"pcm.deaf { type asym capture.pcm card }\n";

static char *dir, *out_path;

struct ear { _Atomic uint32_t n; float l, r; };

static void turn(const float *in, float *out, uint32_t n, uint64_t at_us, void *arg)
{
	struct ear *e = arg;

	e->l = in[0];
	e->r = in[1];
	for (uint32_t i = 0; i < n; i++) {
		out[i * CH] = 0.5f;
		out[i * CH + 1] = -0.25f;
	}
	e->n = e->n + n;
}

static struct device_conf conf_of(const char *name, struct ear *e)
{
	memset(e, 0, sizeof(*e));
	return (struct device_conf){.driver = "alsa", .device = name, .name = "", .inputs = 2, .turnh = turn, .arg = e};
}

static struct device *open_ok(const struct device_conf *conf, const char **why)
{
	struct device *d = NULL;
	int err = device_open(&d, why, conf);

	if (err)
		g_error("device_open: %s (%s)", *why, g_strerror(err));
	return d;
}

static void wait_frames(const struct ear *e, uint32_t n)
{
	for (unsigned i = 0; e->n < n; i++) {
		g_assert_cmpuint(i, <, 30000);
		g_usleep(2000);
	}
}

/* What a card takes on its channels (1/4, 1/2, ...) as inputs, from left to right. */
static void test_inputs(void)
{
	static const struct { const char *name; unsigned inputs; float l, r; } row[] = {
		{"card",   2, 0.25f, 0.5f},
		{"card",   1, 0.25f, 0.25f},
		{"card",   4, 0.25f + 0.5f, 0.5f * 2 / 3},        /* it has two: left, and left of the middle */
		{"mic",    1, 0.25f, 0.25f},
		{"mic",    2, 0.25f, 0.25f},      /* one for both */
		{"studio", 2, 0.25f, 0.5f},
		{"studio", 3, 0.25f + 0.5f, 0.5f + 0.75f},        /* the second is in the middle */
		{"null",   2, 0, 0},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(row); i++) {
		struct ear e;
		struct device_conf conf = conf_of(row[i].name, &e);
		struct device_info info;
		const char *why;
		struct device *d;

		conf.inputs = row[i].inputs;
		d = open_ok(&conf, &why);
		g_assert_cmpstr(why, ==, "");
		wait_frames(&e, 2000);
		device_info(d, &info);
		mem_deref(d);
		g_assert_cmpfloat_with_epsilon(e.l, row[i].l, 1e-6);
		g_assert_cmpfloat_with_epsilon(e.r, row[i].r, 1e-6);
		g_assert_cmpstr(info.driver, ==, "alsa");
		g_assert_cmpstr(info.device, ==, row[i].name);
		g_assert_cmpuint(info.period, ==, 64);
		g_assert_cmpuint(info.xruns, ==, 0);
		g_assert_false(info.gone);
		g_assert_cmpuint(info.capture_us, >=, 1333);
		g_assert_cmpuint(info.capture_us, <=, 2 * 1334);
		g_assert_cmpuint(info.playback_us, >=, 1333);
		g_assert_cmpuint(info.playback_us, <=, 3 * 1334);
	}
}

static void test_period(void)
{
	static const uint32_t period[] = {64, 128, 240, 1024};

	for (size_t i = 0; i < G_N_ELEMENTS(period); i++) {
		struct ear e;
		struct device_conf conf = conf_of("card", &e);
		struct device_info info;
		const char *why;
		struct device *d;

		conf.period = period[i];
		d = open_ok(&conf, &why);
		wait_frames(&e, 1);
		device_info(d, &info);
		mem_deref(d);
		g_assert_cmpuint(info.period, ==, period[i]);
		g_assert_cmpuint(e.n % period[i], ==, 0);
	}
}

static void test_bad(void)
{
	static const struct { const char *name; int err; const char *word; } row[] = {
		{"nonesuch", ENODEV,  "nonesuch"},
		{"cd",       ENOTSUP, "plugcd"},
		{"deaf",     ENODEV,  "plays nothing"},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(row); i++) {
		struct ear e;
		struct device_conf conf = conf_of(row[i].name, &e);
		struct device *d = NULL;
		const char *why = NULL;

		g_assert_cmpint(device_open(&d, &why, &conf), ==, row[i].err);
		g_assert_nonnull(strstr(why, row[i].word));
		g_assert_cmpuint(e.n, ==, 0);
	}
}

/* One that takes no sound plays all the same, and says so. */
static void test_player(void)
{
	struct ear e;
	struct device_conf conf = conf_of("player", &e);
	const char *why;
	struct device *d = open_ok(&conf, &why);

	g_assert_nonnull(strstr(why, "takes no sound"));
	wait_frames(&e, 2000);
	mem_deref(d);
	g_assert_true(e.l == 0 && e.r == 0);
}

/* What the callback plays is what the card gets, from after the silence it begins with. */
static void test_plays(void)
{
	struct ear e;
	struct device_conf conf = conf_of("tofile", &e);
	const char *why;
	struct device *d = open_ok(&conf, &why);
	gchar *raw;
	gsize size;
	const int16_t *smp;

	wait_frames(&e, 2000);
	mem_deref(d);
	g_assert_true(g_file_get_contents(out_path, &raw, &size, NULL));
	smp = (const int16_t *)(void *)raw;
	g_assert_cmpuint(size, >=, (128 + 1000) * CH * sizeof(*smp));
	for (size_t i = 0; i < 128 + 1000; i++) {
		g_assert_cmpint(smp[i * CH], ==, i < 128 ? 0 : 16384);
		g_assert_cmpint(smp[i * CH + 1], ==, i < 128 ? 0 : -8192);
	}
	g_free(raw);
	g_unlink(out_path);
}

/* 64 and 96 do not run clean on this one; it goes on sounding, and stays at 128. */
static void test_hunt(void)
{
	struct ear e;
	struct device_conf conf = conf_of("slow", &e);
	struct device_info info = {.period = 0};
	const char *why;
	struct device *d = open_ok(&conf, &why);
	uint32_t n;

	for (unsigned i = 0; info.period < 128; i++) {
		g_assert_cmpuint(i, <, 30000);
		g_usleep(2000);
		device_info(d, &info);
	}
	g_assert_cmpuint(info.xruns, >=, 4);
	n = e.n;
	wait_frames(&e, n + 40000);
	device_info(d, &info);
	mem_deref(d);
	g_assert_cmpuint(info.period, ==, 128);
	g_assert_cmpuint(info.xruns, <=, 12);
	g_assert_false(info.gone);
}

/* Who has chosen a period keeps it, xruns or not. */
static void test_fixed(void)
{
	struct ear e;
	struct device_conf conf = conf_of("slow", &e);
	struct device_info info;
	const char *why;
	struct device *d;

	conf.period = 96;
	d = open_ok(&conf, &why);
	wait_frames(&e, 19200 * 4);
	device_info(d, &info);
	mem_deref(d);
	g_assert_cmpuint(info.period, ==, 96);
	g_assert_cmpuint(info.xruns, >=, 3);
	g_assert_false(info.gone);
}

static void test_gone(void)
{
	struct ear e;
	struct device_conf conf = conf_of("pulled", &e);
	struct device_info info = {.gone = false};
	const char *why;
	struct device *d = open_ok(&conf, &why);

	for (unsigned i = 0; !info.gone; i++) {
		g_assert_cmpuint(i, <, 30000);
		g_usleep(2000);
		device_info(d, &info);
	}
	g_assert_cmpuint(e.n, <=, 4800);
	mem_deref(d);
}

int main(int argc, char **argv)
{
	char *path, *more;
	int err;

	g_test_init(&argc, &argv, NULL);
	dir = g_dir_make_tmp("tutti-alsa-XXXXXX", NULL);
	path = g_build_filename(dir, "asound.conf", NULL);
	out_path = g_build_filename(dir, "out.raw", NULL);
	more = g_strdup_printf("%spcm.written { type file slave.pcm card file \"%s\" format raw }\n"
	                       "pcm.tofile { type asym playback.pcm written capture.pcm card }\n", config, out_path);
	g_assert_true(g_file_set_contents(path, more, -1, NULL));
	g_setenv("ALSA_CONFIG_PATH", path, TRUE);
	libre_init();
	g_test_add_func("/device_alsa/inputs", test_inputs);
	g_test_add_func("/device_alsa/period", test_period);
	g_test_add_func("/device_alsa/bad", test_bad);
	g_test_add_func("/device_alsa/player", test_player);
	g_test_add_func("/device_alsa/plays", test_plays);
	g_test_add_func("/device_alsa/hunt", test_hunt);
	g_test_add_func("/device_alsa/fixed", test_fixed);
	g_test_add_func("/device_alsa/gone", test_gone);
	err = g_test_run();
	libre_close();
	g_unlink(path);
	g_rmdir(dir);
	g_free(more);
	g_free(path);
	g_free(out_path);
	g_free(dir);
	return err;
}
