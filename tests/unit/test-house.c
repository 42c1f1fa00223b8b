/*
 * test-house.c - messages under /tutti/, and what each asks for.
 */
#include <errno.h>
#include <glib.h>
#include <math.h>
#include <string.h>
#include "osc/house.h"

struct value { char tag; double n; const char *s; };

static int reads(struct house_order *o, const char *addr, const struct value *v, size_t n)
{
	static uint8_t buf[512];
	struct osc_arg args[5];
	struct osc_writer w;
	struct osc_msg msg;
	size_t len;

	memset(args, 0, sizeof(args));
	for (size_t i = 0; i < n; i++) {
		args[i].tag = v[i].tag;
		switch (v[i].tag) {
		case 'i': args[i].v.i = (int32_t)v[i].n; break;
		case 'f': args[i].v.f = (float)v[i].n; break;
		case 'h': args[i].v.h = (int64_t)v[i].n; break;
		case 'd': args[i].v.d = v[i].n; break;
		case 's': args[i].v.s = v[i].s; break;
		}
	}
	osc_w_init(&w, buf, sizeof(buf));
	osc_w_msg(&w, addr, args, n);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	g_assert_cmpint(osc_msg_read(&msg, buf, len), ==, 0);
	return house_read(o, &msg);
}

static const struct {
	const char *addr;
	struct value v;
	int err;
	enum house_what what;
	enum house_whom whom;
	enum verb verb;
	bool on;
	float value, pan;
	const char *text, *name;
} table[] = {
#define C HOUSE_COMMAND
#define SAME COMMAND_PAN_SAME
	{"/tutti/me/mute", {'T', 0, 0}, 0, C, HOUSE_ME, VERB_MUTE, true, 0, SAME, NULL, ""},
	{"/tutti/me/mute", {'F', 0, 0}, 0, C, HOUSE_ME, VERB_MUTE, false, 0, SAME, NULL, ""},
	{"/tutti/me/mute", {'i', 1, 0}, 0, C, HOUSE_ME, VERB_MUTE, true, 0, SAME, NULL, ""},
	{"/tutti/me/mute", {'f', 0, 0}, 0, C, HOUSE_ME, VERB_MUTE, false, 0, SAME, NULL, ""},
	{"/tutti/me/mute", {'s', 0, "on"}, EINVAL, 0, 0, 0, 0, 0, 0, NULL, NULL},
	{"/tutti/me/mute", {0, 0, 0}, EINVAL, 0, 0, 0, 0, 0, 0, NULL, NULL},
	{"/tutti/me/deaf", {'i', 2, 0}, 0, C, HOUSE_ME, VERB_DEAF, true, 0, SAME, NULL, ""},
	{"/tutti/me/hand", {'d', 1, 0}, 0, C, HOUSE_ME, VERB_HAND, true, 0, SAME, NULL, ""},
	{"/tutti/me/gain", {'f', -6, 0}, 0, C, HOUSE_ME, VERB_GAIN, false, -6, SAME, NULL, ""},
	{"/tutti/me/gain", {'i', 20, 0}, 0, C, HOUSE_ME, VERB_GAIN, false, 20, SAME, NULL, ""},
	{"/tutti/me/gain", {'f', 20.5, 0}, EINVAL, 0, 0, 0, 0, 0, 0, NULL, NULL},
	{"/tutti/me/gain", {'f', NAN, 0}, EINVAL, 0, 0, 0, 0, 0, 0, NULL, NULL},
	{"/tutti/me/pan", {'f', -1, 0}, 0, C, HOUSE_ME, VERB_PAN, false, 0, -1, NULL, ""},
	{"/tutti/me/pan", {'f', 2, 0}, EINVAL, 0, 0, 0, 0, 0, 0, NULL, NULL},
	{"/tutti/me/click", {'i', 1, 0}, 0, C, HOUSE_ME, VERB_CLICK, true, 0, SAME, NULL, ""},
	{"/tutti/me/click/gain", {'f', 3, 0}, 0, C, HOUSE_ME, VERB_CLICK, true, 3, SAME, NULL, ""},
	{"/tutti/me/buffer", {'i', -1, 0}, 0, C, HOUSE_ME, VERB_BUFFER, false, -1, SAME, NULL, ""},
	{"/tutti/me/buffer", {'i', 3, 0}, 0, C, HOUSE_ME, VERB_BUFFER, false, 3, SAME, NULL, ""},
	{"/tutti/me/buffer", {'i', 4, 0}, EINVAL, 0, 0, 0, 0, 0, 0, NULL, NULL},
	{"/tutti/me/buffer/odds", {'i', 4, 0}, EACCES, 0, 0, 0, 0, 0, 0, NULL, NULL},
	{"/tutti/me/red", {'i', 1, 0}, 0, C, HOUSE_ME, VERB_RED, true, 0, SAME, NULL, ""},
	{"/tutti/transport/countin", {'i', 2, 0}, 0, C, HOUSE_ROOM, VERB_TRANSPORT, false, 2, SAME, "count-in", ""},
	{"/tutti/transport/countin", {'i', 9, 0}, EINVAL, 0, 0, 0, 0, 0, 0, NULL, NULL},
	{"/tutti/section/brass/gain", {'f', -6, 0}, 0, C, HOUSE_ROOM, VERB_SECTION_GAIN, false, -6, SAME, NULL, ""},
	{"/tutti/section//gain", {'f', -6, 0}, ENOENT, 0, 0, 0, 0, 0, 0, NULL, NULL},
	{"/tutti/me/mix-section/brass/gain", {'f', -6, 0}, 0, C, HOUSE_ME, VERB_SECTION_VIEW, false, -6, SAME, NULL, ""},
	{"/tutti/member/anna/section", {'i', 1, 0}, EINVAL, 0, 0, 0, 0, 0, 0, NULL, NULL},
	{"/tutti/me/click/sync", {0, 0, 0}, EINVAL, 0, 0, 0, 0, 0, 0, NULL, NULL},
	{"/tutti/me/mix/anna/gain", {'f', -60, 0}, 0, C, HOUSE_ME, VERB_VIEW, false, -60, SAME, NULL, "anna"},
	{"/tutti/me/mix/a.b-2/fader", {'f', 0.75, 0}, 0, C, HOUSE_ME, VERB_VIEW, false, 0, SAME, NULL, "a.b-2"},
	{"/tutti/me/mix/anna/pan", {'f', 0.5, 0}, 0, C, HOUSE_ME, VERB_VIEW, false, 0, 0.5f, NULL, "anna"},
	{"/tutti/me/mix/anna/pan", {'i', 2, 0}, 0, C, HOUSE_ME, VERB_VIEW, false, 0, SAME, NULL, "anna"},
	{"/tutti/me/mix/anna/pan", {'f', 1.5, 0}, EINVAL, 0, 0, 0, 0, 0, 0, NULL, NULL},
	{"/tutti/me/mix/anna", {'f', 1, 0}, ENOENT, 0, 0, 0, 0, 0, 0, NULL, NULL},
	{"/tutti/me/mix/123456789012345678901234567890123/gain", {'f', 1, 0}, ENOENT, 0, 0, 0, 0, 0, 0, NULL, NULL},
	{"/tutti/room/record", {'i', 1, 0}, 0, C, HOUSE_ROOM, VERB_RECORD, true, 0, SAME, "start", ""},
	{"/tutti/room/record", {'i', 0, 0}, 0, C, HOUSE_ROOM, VERB_RECORD, false, 0, SAME, "stop", ""},
	{"/tutti/room/record/pause", {'i', 0, 0}, 0, C, HOUSE_ROOM, VERB_RECORD, false, 0, SAME, "resume", ""},
	{"/tutti/room/lock", {'T', 0, 0}, 0, C, HOUSE_ROOM, VERB_LOCK, true, 0, SAME, NULL, ""},
	{"/tutti/member/bob/mute", {'T', 0, 0}, 0, C, HOUSE_OTHER, VERB_MUTE, true, 0, SAME, NULL, "bob"},
	{"/tutti/member/bob/level", {'f', 0, 0}, EACCES, 0, 0, 0, 0, 0, 0, NULL, NULL},
	{"/tutti/tempo", {'f', 97.5, 0}, 0, C, HOUSE_ROOM, VERB_TEMPO, false, 97.5f, SAME, NULL, ""},
	{"/tutti/tempo", {'f', 19.9, 0}, EINVAL, 0, 0, 0, 0, 0, 0, NULL, NULL},
	{"/tutti/tempo/bar", {'i', 33, 0}, EINVAL, 0, 0, 0, 0, 0, 0, NULL, NULL},
	{"/tutti/tempo/follow", {'s', 0, "bob"}, 0, C, HOUSE_OTHER, VERB_FOLLOW, true, 0, SAME, NULL, "bob"},
	{"/tutti/tempo/follow", {'s', 0, ""}, 0, C, HOUSE_ROOM, VERB_FOLLOW, false, 0, SAME, NULL, ""},
	{"/tutti/tempo/follow", {'s', 0, "123456789012345678901234567890123"}, EINVAL, 0, 0, 0, 0, 0, 0, NULL, NULL},
	{"/tutti/transport/start", {0, 0, 0}, 0, C, HOUSE_ROOM, VERB_TRANSPORT, false, 0, SAME, "start", ""},
	{"/tutti/transport/stop", {'f', 1, 0}, 0, C, HOUSE_ROOM, VERB_TRANSPORT, false, 0, SAME, "stop", ""},
	{"/tutti/transport/stop", {'f', 0, 0}, 0, HOUSE_NOTHING, HOUSE_ROOM, VERB_TRANSPORT, false, 0, SAME, "stop", ""},
	{"/tutti/transport", {'i', 1, 0}, EACCES, 0, 0, 0, 0, 0, 0, NULL, NULL},
	{"/tutti/clock", {'h', 5, 0}, 0, HOUSE_NOTHING, HOUSE_ME, VERB_N, false, 0, SAME, NULL, ""},
	{"/tutti/clock", {'i', 5, 0}, EINVAL, 0, 0, 0, 0, 0, 0, NULL, NULL},
	{"/tutti/levels", {'i', 1, 0}, 0, HOUSE_LEVELS, HOUSE_ME, VERB_N, true, 0, SAME, NULL, ""},
	{"/tutti/ask", {0, 0, 0}, 0, HOUSE_ASK, HOUSE_ME, VERB_N, false, 0, SAME, NULL, ""},
	{"/tutti/nothing", {'i', 1, 0}, ENOENT, 0, 0, 0, 0, 0, 0, NULL, NULL},
	{"/tutti/me/mute/x", {'i', 1, 0}, ENOENT, 0, 0, 0, 0, 0, 0, NULL, NULL},
	{"/tutti", {'i', 1, 0}, ENOENT, 0, 0, 0, 0, 0, 0, NULL, NULL},
	{"/tutti/me/m?te", {'i', 1, 0}, ENOENT, 0, 0, 0, 0, 0, 0, NULL, NULL},
#undef C
#undef SAME
};

static void messages(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		struct house_order o;

		g_test_message("%s", table[i].addr);
		g_assert_cmpint(reads(&o, table[i].addr, &table[i].v, table[i].v.tag ? 1 : 0), ==, table[i].err);
		if (table[i].err)
			continue;
		g_assert_cmpint(o.what, ==, table[i].what);
		g_assert_cmpint(o.whom, ==, table[i].whom);
		g_assert_cmpint(o.cmd.verb, ==, table[i].verb);
		g_assert_cmpint(o.cmd.on, ==, table[i].on);
		g_assert_cmpfloat(o.cmd.value, ==, table[i].value);
		g_assert_cmpfloat(o.cmd.pan, ==, table[i].pan);
		g_assert_cmpstr(o.cmd.text, ==, table[i].text);
		g_assert_cmpstr(o.name, ==, table[i].name);
		g_assert_cmpint(o.mix, ==, o.cmd.verb == VERB_VIEW);
	}
}

static void too_many(void)
{
	const struct value v[2] = {{'i', 1, 0}, {'i', 1, 0}};
	struct house_order o;

	g_assert_cmpint(reads(&o, "/tutti/me/mute", v, 2), ==, EINVAL);
	g_assert_cmpint(reads(&o, "/tutti/transport/start", v, 2), ==, EINVAL);
}

/* Whose argument is a word, in the message or in the address. */
static void words(void)
{
	static const struct { const char *addr, *said, *word, *name; bool section; enum verb verb; } rows_[] = {
		{"/tutti/member/anna/section", "brass", "brass", "anna", false, VERB_SECTION},
		{"/tutti/member/anna/section", "", "", "anna", false, VERB_SECTION},
		{"/tutti/me/click/sync", "ear", "ear", "", false, VERB_CLICK_SYNC},
		{"/tutti/section/brass/gain", NULL, "brass", "", true, VERB_SECTION_GAIN},
		{"/tutti/me/mix-section/brass/gain", NULL, "brass", "", true, VERB_SECTION_VIEW},
	};
	const struct value db = {'f', -3, NULL}, long_word = {'s', 0, "123456789012345678901234567890123"};
	struct house_order o;

	for (size_t i = 0; i < G_N_ELEMENTS(rows_); i++) {
		const struct value said = {'s', 0, rows_[i].said};

		g_assert_cmpint(reads(&o, rows_[i].addr, rows_[i].said ? &said : &db, 1), ==, 0);
		g_assert_cmpint(o.cmd.verb, ==, rows_[i].verb);
		g_assert_cmpstr(o.word, ==, rows_[i].word);
		g_assert_cmpstr(o.name, ==, rows_[i].name);
		g_assert_true(o.section == rows_[i].section && o.worded == !rows_[i].section);
	}
	g_assert_cmpint(reads(&o, "/tutti/me/click/sync", &long_word, 1), ==, EINVAL);
}

static void latency(void)
{
	const struct value v[4] = {{'i', 2700, 0}, {'f', 4000, 0}, {'i', 1300, 0}, {'i', 6000, 0}};
	struct value wrong[5] = {v[0], v[1], v[2], v[3], {'i', 0, 0}};
	struct house_order o;

	g_assert_cmpint(reads(&o, "/tutti/me/latency", v, 3), ==, 0);
	g_assert_cmpint(o.cmd.verb, ==, VERB_LATENCY);
	g_assert_cmpint(o.whom, ==, HOUSE_ME);
	g_assert_cmpuint(o.cmd.capture_us, ==, 2700);
	g_assert_cmpuint(o.cmd.playback_us, ==, 4000);
	g_assert_cmpuint(o.cmd.buffer_us, ==, 1300);
	g_assert_cmpuint(o.cmd.rtt_us, ==, 0);
	g_assert_cmpint(reads(&o, "/tutti/me/latency", v, 4), ==, 0);
	g_assert_cmpuint(o.cmd.rtt_us, ==, 6000);
	for (size_t n = 0; n < 3; n++)
		g_assert_cmpint(reads(&o, "/tutti/me/latency", v, n), ==, EINVAL);
	for (size_t i = 0; i < 4; i++) {
		wrong[i].n = -1;
		g_assert_cmpint(reads(&o, "/tutti/me/latency", wrong, 4), ==, EINVAL);
		wrong[i].n = 2000001;
		g_assert_cmpint(reads(&o, "/tutti/me/latency", wrong, 4), ==, EINVAL);
		wrong[i].n = v[i].n;
	}
	g_assert_cmpint(reads(&o, "/tutti/me/latency", wrong, 4), ==, 0);
	wrong[2].tag = 's';
	wrong[2].s = "x";
	g_assert_cmpint(reads(&o, "/tutti/me/latency", wrong, 4), ==, EINVAL);
}

/* What can be written is read, what cannot is refused, and no row hides another. */
static void rows(void)
{
	const struct house_addr *a, *b;
	size_t n = 0;

	for (; (a = house_addr_at(n)) != NULL; n++) {
		const struct value one = {a->tags[0], a->min, "x"}, v[4] = {one, one, one, one};
		struct house_order o;
		int err = reads(&o, a->address, v, MIN(strlen(a->tags), G_N_ELEMENTS(v)));

		g_test_message("%s", a->address);
		g_assert_cmpint(err, ==, a->access & HOUSE_WRITE ? 0 : EACCES);
		g_assert_true(a->text[0] && g_str_has_prefix(a->address, "/tutti/"));
		for (size_t i = 0; i < n && (b = house_addr_at(i)) != NULL; i++)
			g_assert_cmpstr(a->address, !=, b->address);
	}
	g_assert_cmpuint(n, >, 30);
}

static void faders(void)
{
	float last = -61;

	g_assert_cmpfloat(house_fader_db(-1), ==, -60);
	g_assert_cmpfloat(house_fader_db(0), ==, -60);
	g_assert_cmpfloat(house_fader_db(0.75f), ==, 0);
	g_assert_cmpfloat(house_fader_db(1), ==, 10);
	g_assert_cmpfloat(house_fader_db(7), ==, 10);
	for (int i = 0; i <= 1000; i++) {
		float db = house_fader_db((float)i / 1000);

		g_assert_cmpfloat(db, >=, last);
		g_assert_cmpfloat(db - last, <, 1.01);
		last = db;
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/house/messages", messages);
	g_test_add_func("/house/too-many", too_many);
	g_test_add_func("/house/words", words);
	g_test_add_func("/house/latency", latency);
	g_test_add_func("/house/rows", rows);
	g_test_add_func("/house/faders", faders);
	return g_test_run();
}
