/* Files made here, read back: their length, level and pitch at 48 kHz mono; and files that are none. */
#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <math.h>
#include <sndfile.h>
#include <string.h>
#include "control/sound.h"
#include "control/wheel.h"
#include "tests/lib/signal.h"
#include "handclock.h"

static char *dir;

/* A sine on the left and nothing on the other channels, `seconds` long. */
static char *make(const char *name, int format, int rate, int channels, double seconds)
{
	char *path = g_build_filename(dir, name, NULL);
	SF_INFO info = { .samplerate = rate, .channels = channels, .format = format };
	SNDFILE *f = sf_open(path, SFM_WRITE, &info);
	size_t n = (size_t)(seconds * rate);

	g_assert_nonnull(f);
	for (size_t at = 0; at < n; ) {
		float mono[4800], out[4800 * 8] = { 0 };
		size_t m = MIN(n - at, 4800);

		signal_sine(mono, m, at, rate, 440, 0.5);
		for (size_t i = 0; i < m; i++)
			out[i * (size_t)channels] = mono[i];
		g_assert_cmpint(sf_writef_float(f, out, (sf_count_t)m), ==, m);
		at += m;
	}
	sf_close(f);
	return path;
}

static void test_kinds(void)
{
	static const struct { const char *name; int format, rate, channels; double snr; } row[] = {
		{ "a.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 48000, 1, 60 },
		{ "b.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 8000, 1, 50 },
		{ "c.wav", SF_FORMAT_WAV | SF_FORMAT_FLOAT, 44100, 2, 50 },
		{ "d.flac", SF_FORMAT_FLAC | SF_FORMAT_PCM_24, 44100, 2, 50 },
		{ "e.ogg", SF_FORMAT_OGG | SF_FORMAT_VORBIS, 44100, 1, 20 },
		{ "f.wav", SF_FORMAT_WAV | SF_FORMAT_ULAW, 8000, 1, 30 },
		{ "h.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_24, 96000, 2, 80 },
		{ "i.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_24, 22050, 1, 80 },
		{ "j.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_24, 47999, 1, 80 },
		{ "g.wav", SF_FORMAT_WAVEX | SF_FORMAT_PCM_16, 48000, 6, 50 },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(row); i++) {
		char *path = make(row[i].name, row[i].format, row[i].rate, row[i].channels, 1.5);
		struct sound *s = NULL;

		g_assert_cmpint(sound_load(&s, path), ==, 0);
		g_assert_cmpuint(sound_len(s), >=, 72000 - 1);
		g_assert_cmpuint(sound_len(s), <=, 72000 + 1);
		const float *mid = sound_smp(s) + 12000;
		g_assert_cmpfloat(signal_snr_db(mid, 48000, 48000, 440), >, row[i].snr);
		g_assert_cmpfloat_with_epsilon(signal_tone_peak(mid, 48000, 48000, 440), 0.5 / row[i].channels, 0.02);
		mem_deref(s);
		g_unlink(path);
		g_free(path);
	}
}

static void test_refused(void)
{
	struct sound *s = NULL;
	char *path;

	g_assert_cmpint(sound_load(&s, "/no/such/file.wav"), ==, ENOENT);
	path = g_build_filename(dir, "text.wav", NULL);
	g_assert_true(g_file_set_contents(path, "RIFF, said the dog", -1, NULL));
	g_assert_cmpint(sound_load(&s, path), ==, EBADMSG);
	g_unlink(path);
	g_free(path);
	path = make("empty.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 48000, 1, 0);
	g_assert_cmpint(sound_load(&s, path), ==, ENODATA);
	g_unlink(path);
	g_free(path);
	path = make("fast.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_16, 384000, 1, 0.1);
	g_assert_cmpint(sound_load(&s, path), ==, ENOTSUP);
	g_unlink(path);
	g_free(path);
	path = make("long.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_U8, 8000, 1, SOUND_MAX_S + 1);
	g_assert_cmpint(sound_load(&s, path), ==, E2BIG);
	g_unlink(path);
	g_free(path);
	path = make("full.wav", SF_FORMAT_WAV | SF_FORMAT_PCM_U8, 8000, 1, SOUND_MAX_S);
	g_assert_cmpint(sound_load(&s, path), ==, 0);
	mem_deref(s);
	g_unlink(path);
	g_free(path);
}

/* A float file may hold anything; a sum of legs with a NaN in it is noise for the whole room. */
static void test_nan(void)
{
	static const float in[6] = { 0.5f, NAN, INFINITY, -INFINITY, 1e30f, -0.25f };
	static const float out[6] = { 0.5f, 0, 0, 0, 1, -0.25f };
	char *path = g_build_filename(dir, "nan.wav", NULL);
	SF_INFO info = { .samplerate = 48000, .channels = 1, .format = SF_FORMAT_WAV | SF_FORMAT_FLOAT };
	SNDFILE *f = sf_open(path, SFM_WRITE, &info);
	struct sound *s = NULL;

	sf_writef_float(f, in, 6);
	sf_close(f);
	g_assert_cmpint(sound_load(&s, path), ==, 0);
	g_assert_cmpuint(sound_len(s), ==, 6);
	for (int i = 0; i < 6; i++)
		g_assert_cmpfloat(sound_smp(s)[i], ==, out[i]);
	mem_deref(s);
	g_unlink(path);
	g_free(path);
}

static bool gone;

static void on_gone(void *arg)
{
	gone = true;
}

/* Given up, it can still be read for a second: under the address sanitizer this fails when it cannot. */
static void test_retire(void)
{
	struct sound *s = NULL, *other;
	size_t n_before = 0, n;
	struct memstat st;
	bool counted = mem_get_stat(&st) == 0;

	n_before = counted ? st.blocks_cur : 0;
	g_assert_cmpint(sound_tune(&s), ==, 0);
	g_assert_cmpuint(sound_len(s), >, 48000);
	g_assert_cmpfloat(signal_level_db(sound_smp(s), sound_len(s)), <, -20);
	other = mem_ref(s);
	sound_retire(other);                              /* not the last */
	const float *smp = sound_smp(s);
	sound_retire(s);
	clock_advance(900);
	g_assert_true(isfinite(smp[0]) && isfinite(smp[47999]));
	clock_advance(300);
	if (counted && mem_get_stat(&st) == 0) {
		n = st.blocks_cur;
		g_assert_cmpuint(n, ==, n_before);
	}
	struct wheel_tmr t = { 0 };
	g_assert_cmpint(sound_tune(&s), ==, 0);
	smp = sound_smp(s);
	sound_retire(s);
	wheel_start(&t, 500, on_gone, NULL);
	clock_advance(700);
	g_assert_true(gone && isfinite(smp[0]));
	wheel_close();                                    /* the loop has ended: no grace will come */
	g_assert_true(isfinite(smp[0]));
	sound_close();
	sound_retire(NULL);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	if (libre_init())
		return 1;
	clock_open();
	dir = g_dir_make_tmp("sound-XXXXXX", NULL);
	g_test_add_func("/sound/kinds", test_kinds);
	g_test_add_func("/sound/refused", test_refused);
	g_test_add_func("/sound/nan", test_nan);
	g_test_add_func("/sound/retire", test_retire);
	int rc = g_test_run();
	g_rmdir(dir);
	g_free(dir);
	wheel_close();
	clock_close();
	libre_close();
	return rc;
}
