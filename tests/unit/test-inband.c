/* test-inband.c - keys in the sound: all of them, off their frequency, twisted, in noise; and none in speech and music. */
#include <glib.h>
#include <math.h>
#include <string.h>
#include <re.h>
#include "mixer/codec.h"
#include "mixer/inband.h"
#include "tests/lib/signal.h"

enum { MAX = 48000 * 60 };

static const char all[] = "123A456B789C*0#D";
static const double rows[] = {697, 770, 852, 941}, cols[] = {1209, 1336, 1477, 1633};

static float sound[MAX];
static double srate = 8000;
static size_t n_sound;

static void begin(double rate)
{
	srate = rate;
	n_sound = 0;
	memset(sound, 0, sizeof(sound));
}

static void pause_ms(unsigned ms)
{
	n_sound += (size_t)(srate * ms / 1000);
	g_assert_cmpuint(n_sound, <, MAX);
}

struct press { unsigned ms; double off, row_db, col_db; };

static const struct press usual = {100, 1, -12, -12};

static double peak(double db) { return pow(10, db / 20) * sqrt(2); }

static void press(char key, const struct press *p)
{
	const int i = (int)(strchr(all, key) - all);
	const size_t n = (size_t)(srate * p->ms / 1000);

	for (size_t k = 0; k < n; k++)
		sound[n_sound + k] += (float)(peak(p->row_db) * sin(2 * M_PI * rows[i / 4] * p->off * (double)k / srate) +
					      peak(p->col_db) * sin(2 * M_PI * cols[i % 4] * p->off * (double)k / srate));
	n_sound += n;
}

static void noise(double db)
{
	static float buf[MAX];
	uint32_t seed = 7;

	signal_noise(buf, n_sound, &seed, pow(10, db / 20));
	for (size_t i = 0; i < n_sound; i++)
		sound[i] += buf[i];
}

/* In frames of 20 ms, as it comes. */
static const char *heard(void)
{
	static char text[256];
	const size_t frame = (size_t)(srate / 50);
	struct inband d;
	size_t n = 0;

	inband_init(&d, (uint32_t)srate);
	for (size_t at = 0; at + frame <= n_sound; at += frame) {
		char key = inband_rt(&d, sound + at, frame);

		if (key && n + 1 < sizeof(text))
			text[n++] = key;
	}
	text[n] = 0;
	return text;
}

static void all_keys(const struct press *p, unsigned gap)
{
	pause_ms(37);
	for (size_t i = 0; all[i]; i++) {
		press(all[i], p);
		pause_ms(gap);
	}
	pause_ms(100);
}

static void test_all(void)
{
	const double rates[] = {8000, 16000, 44100, 48000};

	for (size_t i = 0; i < G_N_ELEMENTS(rates); i++) {
		begin(rates[i]);
		all_keys(&usual, 100);
		g_assert_cmpstr(heard(), ==, all);
	}
}

/* ITU-T Q.24: 1.5 % off is a key, 3.5 % is none. */
static void test_off(void)
{
	const struct { double off; bool is; } row[] = {{1.015, true}, {0.985, true}, {1.04, false}, {0.96, false}};

	for (size_t i = 0; i < G_N_ELEMENTS(row); i++) {
		struct press p = usual;

		p.off = row[i].off;
		begin(8000);
		all_keys(&p, 100);
		if (row[i].is)
			g_assert_cmpstr(heard(), ==, all);
		else
			g_assert_cmpuint(strlen(heard()), <=, 4);        /* low rows are narrow: 3.5 % of 697 Hz is a third of a block's width */
	}
}

static void test_twist(void)
{
	const struct { double row_db, col_db; bool is; } row[] = {
		{-12, -5, true}, {-12, -15.5, true}, {-5, -12, true}, {-12, 0, false}, {-3, -15, false}, {-30, -30, true}, {-60, -60, false} };

	for (size_t i = 0; i < G_N_ELEMENTS(row); i++) {
		struct press p = usual;

		p.row_db = row[i].row_db - 3;
		p.col_db = row[i].col_db - 3;
		begin(8000);
		all_keys(&p, 100);
		g_assert_cmpstr(heard(), ==, row[i].is ? all : "");
	}
}

/* One held for 52 ms is heard wherever its blocks lie, one of 25 ms never; one of 38 pressed twice within 60 ms is two. */
static void test_length(void)
{
	struct press p = usual;

	for (unsigned gap = 40; gap < 60; gap++) {
		begin(8000);
		p.ms = 52;
		all_keys(&p, gap + 14);
		g_assert_cmpstr(heard(), ==, all);
		begin(8000);
		p.ms = 25;
		all_keys(&p, gap);
		g_assert_cmpstr(heard(), ==, "");
	}
	begin(8000);
	for (int i = 0; i < 3; i++) {
		press('5', &usual);
		pause_ms(60);
	}
	p.ms = 3000;                              /* and one held is one */
	press('5', &p);
	pause_ms(100);
	g_assert_cmpstr(heard(), ==, "5555");
}

static void test_noise(void)
{
	begin(8000);
	all_keys(&usual, 100);
	noise(-9 - 12);                           /* 12 dB under both tones together */
	g_assert_cmpstr(heard(), ==, all);
	begin(8000);
	pause_ms(50000);
	noise(-10);
	g_assert_cmpstr(heard(), ==, "");
}

/* A frame that is lost within a key neither loses nor doubles it. */
static void test_lost(void)
{
	struct inband d;
	unsigned n = 0;

	begin(8000);
	pause_ms(40);
	press('7', &(struct press){200, 1, -12, -12});
	pause_ms(100);
	inband_init(&d, 8000);
	for (size_t at = 0; at + 160 <= n_sound; at += 160)
		if (at / 160 != 6 && inband_rt(&d, sound + at, 160) == '7')
			n++;
	g_assert_cmpuint(n, ==, 1);
}

/* Through the codecs of phones, and back. */
static void test_codecs(void)
{
	const struct { const char *name; uint32_t clock; uint8_t pt; } row[] = {{"PCMU", 8000, 0}, {"PCMA", 8000, 8}, {"G722", 8000, 9}};

	for (size_t i = 0; i < G_N_ELEMENTS(row); i++) {
		const struct codec *c = codec_find(row[i].name, row[i].clock);
		const struct codec_param p = {.channels = 1, .ptime_us = 20000};
		struct codec_enc *e = NULL;
		struct codec_dec *dec = NULL;
		uint8_t buf[2048];

		begin(c->srate);
		all_keys(&(struct press){80, 1, -20, -18}, 80);
		g_assert_cmpint(c->enc_alloc(&e, c, &p), ==, 0);
		g_assert_cmpint(c->dec_alloc(&dec, c, &p), ==, 0);
		for (size_t at = 0, n = c->srate / 50; at + n <= n_sound; at += n) {
			int len = c->encode_rt(e, buf, sizeof(buf), sound + at, n);

			g_assert_cmpint(len, >, 0);
			g_assert_cmpint(c->decode_rt(dec, sound + at, n, buf, (size_t)len), ==, (int)n);
		}
		g_assert_cmpstr(heard(), ==, all);
		mem_deref(e);
		mem_deref(dec);
	}
}

/* Talk-off: half an hour of speech. */
static void test_speech(void)
{
	unsigned found = 0;

	for (uint32_t i = 1; i <= 30; i++) {
		uint32_t seed = i * 977;

		begin(8000);
		n_sound = 8000 * 60;
		signal_speech(sound, n_sound, 8000, &seed, 0.5);
		found += (unsigned)strlen(heard());
	}
	g_test_message("%u keys in 30 minutes of speech", found);
	g_assert_cmpuint(found, ==, 0);
}

/* Not a number, and what is far over full scale, is no key, and the next one is heard. */
static void test_nonsense(void)
{
	begin(8000);
	pause_ms(100);
	sound[400] = NAN;
	sound[500] = INFINITY;
	pause_ms(100);
	press('3', &usual);
	pause_ms(100);
	g_assert_cmpstr(heard(), ==, "3");
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/inband/all", test_all);
	g_test_add_func("/inband/off-frequency", test_off);
	g_test_add_func("/inband/twist", test_twist);
	g_test_add_func("/inband/length", test_length);
	g_test_add_func("/inband/noise", test_noise);
	g_test_add_func("/inband/lost", test_lost);
	g_test_add_func("/inband/codecs", test_codecs);
	g_test_add_func("/inband/speech", test_speech);
	g_test_add_func("/inband/nonsense", test_nonsense);
	return g_test_run();
}
