/* test-band.c - messages of the house in, the room as it is known out. */
#include <glib.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "client/band.h"

static struct band band;

/* tags: i f s h T F I, the values behind it. */
static bool hear(const char *addr, const char *tags, ...)
{
	static uint8_t buf[1024];
	struct osc_arg args[8];
	struct osc_writer w;
	struct osc_msg msg;
	va_list ap;
	size_t len, n = strlen(tags);

	va_start(ap, tags);
	for (size_t i = 0; i < n; i++) {
		args[i].tag = tags[i];
		if (tags[i] == 'i')
			args[i].v.i = va_arg(ap, int);
		else if (tags[i] == 'f')
			args[i].v.f = (float)va_arg(ap, double);
		else if (tags[i] == 's')
			args[i].v.s = va_arg(ap, const char *);
	}
	va_end(ap);
	osc_w_init(&w, buf, sizeof(buf));
	osc_w_msg(&w, addr, args, n);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	g_assert_cmpint(osc_msg_read(&msg, buf, len), ==, 0);
	return band_hear(&band, &msg, 5000000, 60000);
}

static void test_who(void)
{
	band_init(&band);
	g_assert_false(hear("/tutti/member/anna/level", "f", -6.0));
	g_assert_cmpuint(band.n, ==, 0);
	g_assert_true(hear("/tutti/joined", "s", "anna"));
	g_assert_true(hear("/tutti/joined", "s", "bob"));
	g_assert_false(hear("/tutti/joined", "s", "anna"));
	g_assert_false(hear("/tutti/joined", "s", ""));
	g_assert_false(hear("/tutti/joined", "i", 3));
	g_assert_false(hear("/tutti/joined", "s", "a\x1b[2J"));
	g_assert_cmpuint(band.n, ==, 2);
	g_assert_true(hear("/tutti/me/name", "s", "bob"));
	g_assert_true(band_find(&band, "bob")->me && !band_find(&band, "anna")->me);
	g_assert_true(hear("/tutti/member/anna/mute", "i", 1));
	g_assert_false(hear("/tutti/member/anna/mute", "T"));
	g_assert_true(hear("/tutti/member/anna/hand", "i", 1));
	g_assert_true(hear("/tutti/member/anna/role", "s", "host"));
	g_assert_false(hear("/tutti/member/anna/role", "s", "host"));
	g_assert_cmpstr(band_find(&band, "anna")->role, ==, "host");
	g_assert_true(hear("/tutti/member/bob/role", "s", "longer than any role is"));
	g_assert_cmpuint(strlen(band_find(&band, "bob")->role), <, sizeof(band.member[0].role));
	g_assert_true(hear("/tutti/member/anna/level", "f", -6.0));
	g_assert_cmpfloat(band.member[0].level_db, ==, -6);
	g_assert_true(hear("/tutti/room/speaker", "s", "anna"));
	g_assert_true(band.member[0].speaking);
	g_assert_true(hear("/tutti/room/speaker", "s", ""));
	g_assert_false(band.member[0].speaking);
	g_assert_true(hear("/tutti/left", "s", "anna"));
	g_assert_false(hear("/tutti/left", "s", "anna"));
	g_assert_cmpstr(band.member[0].name, ==, "bob");
	g_assert_cmpuint(band.n, ==, 1);
}

static void test_full(void)
{
	char name[40];

	band_init(&band);
	for (unsigned i = 0; i < BAND_MAX + 5; i++) {
		(void)snprintf(name, sizeof(name), "m%u", i);
		g_assert(hear("/tutti/joined", "s", name) == (i < BAND_MAX));
	}
	memset(name, 'x', BAND_NAME + 1);
	name[BAND_NAME + 1] = '\0';
	g_assert_true(hear("/tutti/left", "s", "m63"));
	g_assert_false(hear("/tutti/joined", "s", name));
	name[BAND_NAME] = '\0';
	g_assert_true(hear("/tutti/joined", "s", name));
	g_assert_true(hear("/tutti/left", "s", "m0"));
	g_assert_cmpstr(band.member[BAND_MAX - 2].name, ==, name);
}

static void test_delay(void)
{
	band_init(&band);
	hear("/tutti/joined", "s", "anna");
	g_assert_true(hear("/tutti/member/anna/delay", "f", 8.4));
	g_assert_true(hear("/tutti/member/anna/delay/parts", "ffffff", 1.0, 2.0, 1.25, 1.5, 2.0, 0.5));
	g_assert_false(hear("/tutti/member/anna/delay", "f", 8.4));
	g_assert_cmpuint(band.member[0].to_me.total, ==, 8400);
	g_assert_cmpuint(band.member[0].to_me.buffer, ==, 1250);
	g_assert_cmpuint(band.member[0].to_me.playback, ==, 500);
	g_assert_true(hear("/tutti/member/anna/delay", "f", (double)NAN));
	g_assert_cmpuint(band.member[0].to_me.total, ==, 0);
	hear("/tutti/member/anna/delay", "f", -5.0);
	g_assert_cmpuint(band.member[0].to_me.total, ==, 0);
	hear("/tutti/member/anna/delay", "f", 1e30);
	g_assert_cmpuint(band.member[0].to_me.total, ==, 100000000);
	g_assert_true(hear("/tutti/warn/delay", "sf", "anna", 31.0));
	g_assert_cmpstr(band_text(&band, 0)->text, ==, "anna is 31 ms away: too far to play in time");
}

static void test_beat(void)
{
	band_init(&band);
	g_assert_false(band.beat.known);
	g_assert_true(hear("/tutti/tempo", "f", 97.5));
	g_assert_true(hear("/tutti/tempo/bar", "i", 3));
	g_assert_true(hear("/tutti/transport", "i", 1));
	g_assert_true(hear("/tutti/beat", "iii", -1, 2, 97500));
	g_assert_cmpint(band.beat.bar, ==, -1);
	g_assert_cmpuint(band.beat.in_bar, ==, 2);
	g_assert_cmpuint(band.beat.mbpm, ==, 97500);
	g_assert_cmpuint(band.beat.at_us, ==, 5000000);
	g_assert_false(hear("/tutti/beat", "i", 3));
	hear("/tutti/beat", "iii", 2, 1000000, -5);
	g_assert_cmpuint(band.beat.in_bar, ==, 31);
	hear("/tutti/transport", "i", 0);
	g_assert_false(band.beat.running);
	band_empty(&band);
	g_assert_false(band.beat.known);
}

static void test_own(void)
{
	band_init(&band);
	g_assert_cmpint(band.own.buffer_quanta, ==, -1);
	g_assert_true(hear("/tutti/me/mute", "i", 1));
	g_assert_true(band.own.muted);
	hear("/tutti/me/deaf", "T");
	hear("/tutti/me/hand", "i", 1);
	hear("/tutti/me/click", "f", 1.0);
	hear("/tutti/me/red", "i", 1);
	g_assert_true(band.own.deaf && band.own.hand && band.own.click && band.own.red);
	hear("/tutti/me/buffer", "i", 2);
	g_assert_cmpint(band.own.buffer_quanta, ==, 2);
	hear("/tutti/me/buffer", "i", 99);
	g_assert_cmpint(band.own.buffer_quanta, ==, 3);
	hear("/tutti/me/buffer/odds", "ffff", 100.0, 10.0, 1.0, 0.0);
	g_assert_cmpfloat(band.own.buffer_odds[1], ==, 10);
	hear("/tutti/room/lock", "i", 1);
	hear("/tutti/room/record", "i", 1);
	g_assert_true(band.locked && band.recording);
	g_assert_false(hear("/tutti/nothing/known", "i", 1));
	g_assert_false(hear("/fader/1", "f", 1.0));
	g_assert_false(hear("/tutti/member/anna", "i", 1));
}

static void test_words(void)
{
	band_init(&band);
	g_assert_true(hear("/p/anna/text", "si", "from the top", 7));
	g_assert_false(hear("/p/anna/text", "si", "from the top", 7));
	g_assert_true(hear("/p/anna/text", "si", "from the top", 8));
	g_assert_true(hear("/p/bob/text", "s", "a\x1b[2Jb"));
	g_assert_true(hear("/p/bob/text", "s", "a\x1b[2Jb"));
	g_assert_false(hear("/p/bob/text", "i", 3));
	g_assert_false(hear("/p/bob/texts", "s", "x"));
	g_assert_true(hear("/tutti/error", "ss", "/tutti/room/lock", "not allowed"));
	g_assert_cmpuint(band.n_text, ==, 5);
	g_assert_cmpstr(band_text(&band, 0)->from, ==, "anna");
	g_assert_cmpstr(band_text(&band, 2)->text, ==, "a?[2Jb");
	g_assert_cmpstr(band_text(&band, 4)->text, ==, "/tutti/room/lock: not allowed");
	g_assert_cmpuint(band_text(&band, 4)->at_ms, ==, 60000);
	for (unsigned i = 0; i < BAND_TEXTS + 3; i++)
		band_say(&band, i, "", i == BAND_TEXTS + 2 ? "last" : "x");
	g_assert_cmpuint(band.n_text, ==, BAND_TEXTS);
	g_assert_cmpuint(band_text(&band, 0)->at_ms, ==, 3);
	g_assert_cmpstr(band_text(&band, BAND_TEXTS - 1)->text, ==, "last");
	g_assert_null(band_text(&band, BAND_TEXTS));
	g_assert_cmpuint(band.texts, ==, 5 + BAND_TEXTS + 3);
}

/* A wish about somebody's loudness lasts longer than the call. */
static void test_mix(void)
{
	band_init(&band);
	hear("/tutti/joined", "s", "anna");
	g_assert_cmpfloat(band.member[0].mix_pan, ==, BAND_PAN_SAME);
	band_set_mix(&band, "anna", -6, 0.5f);
	g_assert_cmpfloat(band.member[0].mix_db, ==, -6);
	band_empty(&band);
	g_assert_cmpuint(band.n, ==, 0);
	hear("/tutti/joined", "s", "anna");
	g_assert_cmpfloat(band.member[0].mix_db, ==, -6);
	g_assert_cmpfloat(band.member[0].mix_pan, ==, 0.5);
	band_set_mix(&band, "anna", -100, 7);
	g_assert_cmpfloat(band.member[0].mix_db, ==, -60);
	g_assert_cmpfloat(band.member[0].mix_pan, ==, BAND_PAN_SAME);
	for (unsigned i = 0; i < BAND_MAX + 3; i++) {
		char name[8];

		(void)snprintf(name, sizeof(name), "m%u", i);
		band_set_mix(&band, name, 1, 0);
	}
	g_assert_cmpuint(band.n_mix, ==, BAND_MAX);
	g_assert_cmpstr(band.mix[0].name, ==, "m3");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/band/who", test_who);
	g_test_add_func("/band/full", test_full);
	g_test_add_func("/band/delay", test_delay);
	g_test_add_func("/band/beat", test_beat);
	g_test_add_func("/band/own", test_own);
	g_test_add_func("/band/words", test_words);
	g_test_add_func("/band/mix", test_mix);
	return g_test_run();
}
