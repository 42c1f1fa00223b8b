/* test-ivr.c - a caller's keys on a clock turned by hand: what is said, and where it ends. */
#include <errno.h>
#include <glib.h>
#include <string.h>
#include <re.h>
#include "control/ivr.h"
#include "control/wheel.h"
#include "handclock.h"

static struct {
	struct ivr *v;
	GString *said;            /* words with spaces, "|" between two times of saying */
	unsigned tries_left, failed_room, failed_pin;
	char in[64];              /* the room it came into */
	const char *ended;
	int refuse;               /* the room's answer to who has the right PIN */
	unsigned tried;           /* how often enter was asked */
	bool wants_name, hearing, named;
} t;

static void say(const char *const *word, unsigned n, void *arg)
{
	g_string_append(t.said, "|");
	for (unsigned i = 0; i < n; i++)
		g_string_append_printf(t.said, "%s%s", i ? " " : "", word[i]);
}

static bool may_try(void *arg)
{
	if (!t.tries_left)
		return false;
	t.tries_left--;
	return true;
}

static bool find(char *room, size_t size, const char *digits, void *arg)
{
	if (strcmp(digits, "100") && strcmp(digits, "200"))
		return false;
	g_strlcpy(room, digits[0] == '1' ? "open" : "secret", size);
	return true;
}

static bool needs_pin(const char *room, void *arg)
{
	return strcmp(room, "secret") == 0;
}

static int enter(const char *room, const char *pin, void *arg)
{
	t.tried++;
	if (needs_pin(room, NULL) && g_strcmp0(pin, "4711"))
		return EACCES;
	if (!t.refuse && t.wants_name && !t.named)
		return ENOMSG;
	if (!t.refuse)
		g_strlcpy(t.in, room, sizeof(t.in));
	return t.refuse;
}

static void hear(bool on, void *arg)
{
	t.hearing = on;
	t.named = t.named || !on;
}

static void failed(const char *what, void *arg)
{
	if (!strcmp(what, "room"))
		t.failed_room++;
	else
		t.failed_pin++;
}

static void end(const char *why, void *arg)
{
	t.ended = why;
	t.v = mem_deref(t.v);
}

static const struct ivr_ops ops = { say, may_try, find, needs_pin, enter, hear, failed, end };

static void begin(const char *room)
{
	memset(&t, 0, sizeof(t));
	t.said = g_string_new(NULL);
	t.tries_left = 100;
	g_assert_cmpint(ivr_alloc(&t.v, room, &ops, NULL), ==, 0);
	clock_advance(500);
	g_assert_cmpstr(t.said->str, ==, "");     /* the first words would be cut off */
	clock_advance(400);
}

static void over(void)
{
	mem_deref(t.v);
	g_string_free(t.said, TRUE);
	wheel_close();
}

static void keys(const char *k)
{
	for (; *k && t.v; k++) {
		ivr_key(t.v, *k);
		clock_advance(200);
	}
}

static void last_said(const char *words)
{
	g_assert_cmpstr(strrchr(t.said->str, '|') + 1, ==, words);
}

static void test_room(void)
{
	begin(NULL);
	last_said("welcome enter-room");
	keys("1");
	last_said("");                            /* a key stops the words */
	keys("00");
	g_assert_cmpstr(t.in, ==, "");
	keys("#");
	g_assert_cmpstr(t.in, ==, "open");
	g_assert_cmpuint(t.failed_room, ==, 0);
	clock_advance(200000);                    /* it is done, and asks no more */
	g_assert_null(t.ended);
	over();
}

static void test_pin(void)
{
	begin(NULL);
	keys("200#");
	last_said("enter-pin");
	g_assert_cmpuint(t.tried, ==, 0);
	keys("4711#");
	g_assert_cmpstr(t.in, ==, "secret");
	over();
	begin("secret");
	last_said("enter-pin");
	keys("99*4711#");                         /* taken back */
	g_assert_cmpstr(t.in, ==, "secret");
	over();
}

/* A room that wants to hear a name gets it after the PIN, which is not asked for again. */
static void test_name(void)
{
	begin("secret");
	t.wants_name = true;
	keys("4711#");
	last_said("say-name");
	g_assert_false(t.hearing);
	ivr_said(t.v);
	g_assert_true(t.hearing);
	clock_advance(2900);
	g_assert_cmpstr(t.in, ==, "");
	clock_advance(200);
	g_assert_false(t.hearing);
	g_assert_cmpstr(t.in, ==, "secret");
	g_assert_cmpuint(t.failed_pin, ==, 0);
	over();
}

/* The hash ends it, or skips it; nobody waits for ever for words to end; no PIN is needed for it. */
static void test_name_keys(void)
{
	begin("secret");
	t.wants_name = true;
	keys("4711#");
	ivr_said(t.v);
	keys("5");
	g_assert_true(t.hearing);
	keys("#");
	g_assert_cmpstr(t.in, ==, "secret");
	over();
	begin("secret");
	t.wants_name = true;
	keys("4711##");
	g_assert_true(t.named);
	last_said("");
	g_assert_cmpstr(t.in, ==, "secret");
	over();
	begin("secret");
	t.wants_name = true;
	keys("4711#");
	clock_advance(13000);
	g_assert_true(t.hearing);
	over();
	begin("open");
	g_assert_cmpstr(t.in, ==, "open");
	over();
}

/* Shut while it said its name; or with another PIN. */
static void test_name_too_late(void)
{
	begin("secret");
	t.wants_name = true;
	keys("4711#");
	ivr_said(t.v);
	t.refuse = EPERM;
	keys("#");
	last_said("locked-out goodbye");
	over();
}

/* Who forgets the hash is not left waiting. */
static void test_pause(void)
{
	begin(NULL);
	keys("100");
	clock_advance(4000);
	g_assert_cmpstr(t.in, ==, "");
	clock_advance(1500);
	g_assert_cmpstr(t.in, ==, "open");
	over();
}

static void test_three_tries(void)
{
	begin("secret");
	keys("0000#");
	last_said("wrong-pin enter-pin");
	keys("1111#");
	last_said("wrong-pin enter-pin");
	keys("2222#");
	last_said("wrong-pin goodbye");
	g_assert_cmpuint(t.failed_pin, ==, 3);
	g_assert_null(t.ended);
	keys("4711#");                            /* too late */
	g_assert_cmpstr(t.in, ==, "");
	g_assert_cmpuint(t.tried, ==, 3);
	ivr_said(t.v);
	g_assert_cmpstr(t.ended, ==, "too many tries");
	over();
	begin(NULL);
	keys("1#2#3#");
	last_said("no-room goodbye");
	g_assert_cmpuint(t.failed_room, ==, 3);
	clock_advance(9000);                      /* nobody told that it was said */
	g_assert_cmpstr(t.ended, ==, "too many tries");
	over();
}

/* Over the limit the right PIN is as good as a wrong one, and is not tried. */
static void test_limit(void)
{
	begin("secret");
	t.tries_left = 1;
	keys("0000#");
	last_said("wrong-pin enter-pin");
	keys("4711#");
	last_said("try-later goodbye");
	g_assert_cmpuint(t.tried, ==, 1);
	g_assert_cmpstr(t.in, ==, "");
	ivr_said(t.v);
	g_assert_cmpstr(t.ended, ==, "too many tries");
	over();
}

static void test_refused(void)
{
	static const struct { int err; const char *words; } row[] = {
		{ EPERM, "locked-out goodbye" }, { EAGAIN, "not-open goodbye" }, { EUSERS, "full goodbye" }, { ENOENT, "no-room goodbye" },
		{ EINVAL, "not-admitted goodbye" } };

	for (size_t i = 0; i < G_N_ELEMENTS(row); i++) {
		begin("secret");
		t.refuse = row[i].err;
		keys("4711#");
		last_said(row[i].words);
		ivr_said(t.v);
		g_assert_cmpstr(t.ended, ==, "room refused");
		over();
	}
}

/* Silence: asked three times. And who types for ever is not there for ever. */
static void test_time(void)
{
	begin(NULL);
	ivr_said(t.v);
	clock_advance(12500);
	last_said("enter-room");
	clock_advance(12500);
	last_said("enter-room");
	clock_advance(12500);
	last_said("goodbye");
	clock_advance(9000);
	g_assert_cmpstr(t.ended, ==, "too many tries");
	over();
	begin(NULL);
	for (int i = 0; i < 100 && t.v; i++) {
		keys("1*");
		clock_advance(1000);
	}
	g_assert_cmpstr(t.ended, ==, "no room entered");
	over();
}

/* More digits than any number has are no number, and no end of memory. */
static void test_long(void)
{
	begin(NULL);
	for (int i = 0; i < 500; i++)
		ivr_key(t.v, '1');
	ivr_key(t.v, '#');
	last_said("no-room enter-room");
	ivr_key(t.v, 'A');
	ivr_key(t.v, '\0');
	keys("100#");
	g_assert_cmpstr(t.in, ==, "open");
	over();
}

int main(int argc, char *argv[])
{
	int err;

	g_test_init(&argc, &argv, NULL);
	if (libre_init())
		return 1;
	clock_open();
	g_test_add_func("/ivr/room", test_room);
	g_test_add_func("/ivr/pin", test_pin);
	g_test_add_func("/ivr/name", test_name);
	g_test_add_func("/ivr/name-keys", test_name_keys);
	g_test_add_func("/ivr/name-too-late", test_name_too_late);
	g_test_add_func("/ivr/pause", test_pause);
	g_test_add_func("/ivr/three-tries", test_three_tries);
	g_test_add_func("/ivr/limit", test_limit);
	g_test_add_func("/ivr/refused", test_refused);
	g_test_add_func("/ivr/time", test_time);
	g_test_add_func("/ivr/long", test_long);
	err = g_test_run();
	clock_close();
	libre_close();
	return err;
}
