/*
 * test-kind.c - state or event, rule by rule.
 */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "osc/kind.h"

static struct osc_msg message(const char *addr, const char *tags)
{
	static uint8_t buf[512];
	struct osc_arg args[8];
	struct osc_writer w;
	struct osc_msg msg;
	size_t len;

	memset(args, 0, sizeof(args));
	for (size_t i = 0; tags[i]; i++) {
		args[i].tag = tags[i];
		if (tags[i] == 's')
			args[i].v.s = "x";
	}
	osc_w_init(&w, buf, sizeof(buf));
	osc_w_msg(&w, addr, args, strlen(tags));
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	g_assert_cmpint(osc_msg_read(&msg, buf, len), ==, 0);
	return msg;
}

static const struct {
	const char *addr, *tags;
	enum osc_kind plain, declared;        /* without and with the declarations below */
} table[] = {
	{"/synth/gain", "f", OSC_STATE, OSC_STATE},
	{"/synth/gain", "N", OSC_STATE, OSC_STATE},
	{"/synth/*", "f", OSC_EVENT, OSC_EVENT},
	{"/key", "ii", OSC_STATE, OSC_EVENT},
	{"/p/anna/key", "ii", OSC_STATE, OSC_EVENT},
	{"/bang", "", OSC_EVENT, OSC_STATE},
	{"/bang/1", "", OSC_EVENT, OSC_EVENT},
	{"/x", "iI", OSC_EVENT, OSC_EVENT},
	{"/x", "m", OSC_EVENT, OSC_EVENT},
	{"/x//y", "f", OSC_EVENT, OSC_EVENT},
	{"/_gest/ping", "i", OSC_EVENT, OSC_EVENT},
	{"/to/anna/gain", "f", OSC_EVENT, OSC_EVENT},
	{"/midi/1/note/60", "i", OSC_STATE, OSC_STATE},
	{"/midi/1/off/60", "i", OSC_EVENT, OSC_EVENT},
	{"/p/bob/midi/1/off/60", "i", OSC_EVENT, OSC_EVENT},
	{"/midi/16/mode/123", "i", OSC_EVENT, OSC_EVENT},
	{"/midi/1/cc/7", "i", OSC_STATE, OSC_STATE},
	{"/midi/sys/position", "i", OSC_EVENT, OSC_EVENT},
	{"/midi/sys/mtc", "i", OSC_EVENT, OSC_EVENT},
	{"/midi/sys/song", "i", OSC_STATE, OSC_STATE},
	{"/midi/sysex", "b", OSC_EVENT, OSC_EVENT},
	{"/midi/1/off/x", "i", OSC_STATE, OSC_STATE},
};

static void rules(void)
{
	static struct kinds k;

	g_assert_cmpint(kinds_add(&k, "/key", OSC_EVENT), ==, 0);
	g_assert_cmpint(kinds_add(&k, "/ba*", OSC_STATE), ==, 0);
	g_assert_cmpint(kinds_add(&k, "/_gest/*", OSC_STATE), ==, 0);     /* cannot be declared */
	g_assert_cmpint(kinds_add(&k, "/to/anna/*", OSC_STATE), ==, 0);
	g_assert_cmpint(kinds_add(&k, "/bang", OSC_EVENT), ==, 0);        /* an earlier line has said otherwise */

	for (unsigned i = 0; i < G_N_ELEMENTS(table); i++) {
		const struct osc_msg msg = message(table[i].addr, table[i].tags);

		g_test_message("%s ,%s", table[i].addr, table[i].tags);
		g_assert_cmpint(kind_of(NULL, &msg), ==, table[i].plain);
		g_assert_cmpint(kind_of(&k, &msg), ==, table[i].declared);
	}
}

static void full(void)
{
	static struct kinds k;

	for (int i = 0; i < KIND_SPACES_MAX; i++)
		g_assert_cmpint(kinds_add(&k, "/a", OSC_EVENT), ==, 0);
	g_assert_cmpint(kinds_add(&k, "/a", OSC_EVENT), ==, E2BIG);
	g_assert_cmpint(kinds_add(&k, "/a[", OSC_EVENT), ==, EINVAL);
}

static void notes(void)
{
	g_assert_true(kind_is_note("/midi/1/note/60", 15));
	g_assert_true(kind_is_note("/p/bob/midi/1/note/60", 21));
	g_assert_false(kind_is_note("/midi/1/note/60/x", 17));
	g_assert_false(kind_is_note("/midi/1/note/", 13));
	g_assert_false(kind_is_note("/midi/111/note/1", 16));
	g_assert_false(kind_is_note("/p/midi/1/note/6", 16));
	g_assert_cmpuint(kind_prefix("/p/anna/x", 9), ==, 7);
	g_assert_cmpuint(kind_prefix("/p//x", 5), ==, 0);
	g_assert_cmpuint(kind_prefix("/p/anna", 7), ==, 0);
}

static void offs(void)
{
	static const struct { const char *addr, *key; } all[] = {
		{"/midi/1/off/60", "/midi/1/note/60"}, {"/p/bob/midi/16/off/1", "/p/bob/midi/16/note/1"}, {"/midi/1/note/60", NULL},
		{"/midi/1/off/60/x", NULL}, {"/midi/off/60", NULL}, {"/off/60", NULL},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(all); i++) {
		const struct osc_msg msg = message(all[i].addr, "i");
		uint8_t buf[KIND_OFF_MAX];
		struct osc_msg key;
		size_t len;

		g_assert_cmpint(kind_off_key(buf, &len, &msg), ==, all[i].key != NULL);
		if (!all[i].key)
			continue;
		g_assert_cmpint(osc_msg_read(&key, buf, len), ==, 0);
		g_assert_cmpstr(key.addr, ==, all[i].key);
		g_assert_cmpstr(key.tags, ==, "i");
		g_assert_false(kind_is_held(&key));
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/kind/rules", rules);
	g_test_add_func("/kind/full", full);
	g_test_add_func("/kind/notes", notes);
	g_test_add_func("/kind/offs", offs);
	return g_test_run();
}
