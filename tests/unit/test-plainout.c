/* test-plainout.c - a room that changes in, lines for people out. */
#include <glib.h>
#include <re.h>
#include <string.h>
#include "client/plainout.h"

static struct band band;
static struct plainout *out;
static GString *said;

static void take(const char *line, void *arg)
{
	(void)arg;
	g_string_append_printf(said, "%s|", line);
}

static void look(const char *want)
{
	g_string_truncate(said, 0);
	plainout_look(out, &band);
	g_assert_cmpstr(said->str, ==, want);
}

static void test_lines(void)
{
	struct band_own *o = &band.own;

	band_init(&band);
	said = g_string_new(NULL);
	g_assert_cmpint(plainout_alloc(&out, take, NULL), ==, 0);
	look("");
	strcpy(o->state, "calling");
	look("calling|");
	look("");
	strcpy(o->state, "up");
	strcpy(o->peer, "sip:band@host");
	strcpy(o->codec, "L16 stereo");
	strcpy(o->driver, "jack");
	o->ptime_us = 2500;
	o->period = 64;
	o->srtp = true;
	look("up: sip:band@host, L16 stereo, 2.50 ms, SRTP, jack 64|");
	(void)band_come(&band, "anna");
	band_say(&band, 0, "*", "the sound device is back");
	look("joined: anna|the sound device is back|");
	band_say(&band, 0, "anna", "hello");
	band_say(&band, 0, "", "hello yourself");
	look("anna: hello|you: hello yourself|");
	band.n = 0;
	look("left: anna|");
	(void)band_come(&band, "bob");
	look("joined: bob|");
	band_empty(&band);                        /* it is not they who have gone */
	strcpy(o->state, "waiting");
	strcpy(o->why, "no answer; again in 4 s");
	o->again_s = 4;
	look("waiting: no answer; again in 4 s|");
	strcpy(o->why, "no answer; again in 3 s");
	o->again_s = 3;
	look("");
	for (unsigned i = 0; i < 3 * BAND_TEXTS; i++)
		band_say(&band, 0, "a", "b");
	g_string_truncate(said, 0);
	plainout_look(out, &band);
	g_assert_cmpuint(said->len, ==, BAND_TEXTS * strlen("a: b|"));
	mem_deref(out);
	g_string_free(said, TRUE);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/plainout/lines", test_lines);
	return g_test_run();
}
