/* test-jsonout.c - a room that changes in, lines of JSON out; json-glib reads each. */
#include <glib.h>
#include <json-glib/json-glib.h>
#include <re.h>
#include <string.h>
#include "client/jsonout.h"

static struct band band;
static struct jsonout *out;
static GPtrArray *lines;

static void take(const char *line, size_t len, void *arg)
{
	g_autoptr(JsonParser) p = json_parser_new();
	g_autoptr(GError) err = NULL;

	g_assert_cmpuint(len, <=, JSONOUT_LINE);
	g_assert_cmpint(line[len - 1], ==, '\n');
	g_assert_null(memchr(line, '\n', len - 1));
	g_test_message("%.*s", (int)len - 1, line);
	json_parser_load_from_data(p, line, (gssize)len, &err);
	g_assert_no_error(err);
	g_assert_true(JSON_NODE_HOLDS_OBJECT(json_parser_get_root(p)));
	g_ptr_array_add(lines, json_node_copy(json_parser_get_root(p)));
}

static void set_up(void)
{
	band_init(&band);
	lines = g_ptr_array_new_with_free_func((GDestroyNotify)json_node_unref);
	g_assert_cmpint(jsonout_alloc(&out, take, NULL), ==, 0);
}

static void tear_down(void)
{
	out = mem_deref(out);
	g_ptr_array_unref(lines);
}

static JsonObject *line(unsigned i)
{
	return i < lines->len ? json_node_get_object(lines->pdata[i]) : NULL;
}

/* The names of the events since the last time, "state me joined". */
static char *look(uint64_t unix_ms)
{
	GString *s = g_string_new(NULL);

	g_ptr_array_set_size(lines, 0);
	jsonout_look(out, &band, unix_ms);
	for (unsigned i = 0; i < lines->len; i++)
		g_string_append_printf(s, "%s%s", i ? " " : "", json_object_get_string_member(line(i), "event"));
	return g_string_free(s, FALSE);
}

#define LOOK(ms, want)                                                                                                                       \
	do {                                                                                                                                 \
		g_autofree char *got = look(ms);                                                                                             \
		g_assert_cmpstr(got, ==, want);                                                                                              \
	} while (0)

static void test_changes(void)
{
	struct band_member *m;

	set_up();
	LOOK(1000, "me");
	strcpy(band.own.state, "calling");
	LOOK(1050, "state");
	LOOK(1100, "");
	strcpy(band.own.state, "up");
	strcpy(band.own.codec, "L16 stereo");
	band.own.ptime_us = 1333;
	LOOK(1150, "state");
	g_assert_cmpfloat(json_object_get_double_member(line(0), "ptime_ms"), ==, 1.333);
	g_assert_cmpfloat(json_object_get_double_member(line(0), "at"), ==, 1.15);
	m = band_come(&band, "anna");
	LOOK(1200, "joined member");
	g_assert_cmpstr(json_object_get_string_member(line(0), "name"), ==, "anna");
	g_assert_false(json_object_get_boolean_member(line(0), "me"));
	m->muted = true;
	LOOK(1250, "member");
	g_assert_false(json_object_has_member(line(0), "role"));
	strcpy(m->role, "host");
	LOOK(1275, "member");
	g_assert_cmpstr(json_object_get_string_member(line(0), "role"), ==, "host");
	m->level_db = -3;
	LOOK(1300, "");
	band_say(&band, 0, "anna", "he said \"no\" \\ and");
	band_say(&band, 0, "", "yes");
	LOOK(1350, "text text");
	g_assert_cmpstr(json_object_get_string_member(line(0), "text"), ==, "he said \"no\" \\ and");
	band.beat = (struct band_beat){.known = true, .running = true, .bar = -1, .in_bar = 3, .per_bar = 4, .mbpm = 97500, .at_us = 77};
	LOOK(1400, "room beat");
	g_assert_cmpint(json_object_get_int_member(line(1), "bar"), ==, -1);
	LOOK(1450, "");
	band.own.muted = true;
	LOOK(1500, "me");
	band_empty(&band);
	LOOK(1550, "left");
	tear_down();
}

/* Once a second for each, and only what is worth it. */
static void test_delay(void)
{
	struct band_member *m;

	set_up();
	m = band_come(&band, "anna");
	LOOK(1000, "me joined member");
	m->to_me.total = 8400;
	LOOK(1050, "delay");
	g_assert_cmpfloat(json_object_get_double_member(line(0), "ms"), ==, 8.4);
	m->to_me.total = 20000;
	LOOK(1100, "");
	LOOK(2049, "");
	LOOK(2050, "delay");
	m->to_me.total = 20499;
	LOOK(4000, "");
	m->to_me.total = 20500;
	LOOK(4050, "delay");
	g_assert_false(json_object_has_member(line(0), "at_least"));
	m->at_least = true;                                       /* that is worth a line, too */
	LOOK(5050, "delay");
	g_assert_true(json_object_get_boolean_member(line(0), "at_least"));
	LOOK(7000, "");
	for (unsigned i = 0; i < 3 * BAND_MAX; i++) {             /* many who come and go one after the other */
		g_autofree char *name = g_strdup_printf("m%u", i);

		band_empty(&band);
		band_come(&band, name)->to_me.total = 1000;
		LOOK(8000 + i, "left joined member delay");
	}
	tear_down();
}

static void test_texts_many(void)
{
	set_up();
	LOOK(1000, "me");
	for (unsigned i = 0; i < 3 * BAND_TEXTS; i++)
		band_say(&band, 0, "anna", "x");
	g_ptr_array_set_size(lines, 0);
	jsonout_look(out, &band, 1050);
	g_assert_cmpuint(lines->len, ==, BAND_TEXTS);
	tear_down();
}

/* The longest there can be: still one line, still JSON. */
static void test_bounds(void)
{
	char text[BAND_TEXT + 1];

	set_up();
	for (unsigned i = 0; i < BAND_MAX; i++) {
		g_autofree char *name = g_strdup_printf("%032u", i);

		band_come(&band, name)->level_db = -100;
	}
	memset(band.own.driver, 'x', sizeof(band.own.driver) - 1);
	memset(&band.own.gest, 0xff, sizeof(band.own.gest));
	band.own.gest.midi_lost = 7;
	jsonout_stats(out, &band, UINT64_C(1800000000000));
	g_assert_cmpint(json_object_get_int_member(json_object_get_object_member(line(0), "gestures"), "midi_lost"), ==, 7);
	g_assert_cmpuint(json_object_get_size(json_object_get_object_member(line(0), "levels")), ==, BAND_MAX);
	memset(text, '"', BAND_TEXT);
	text[BAND_TEXT] = '\0';
	jsonout_error(out, 0, text);
	g_assert_cmpstr(json_object_get_string_member(line(1), "why"), ==, text);
	memset(text, 1, BAND_TEXT);
	jsonout_error(out, 0, text);
	g_assert_cmpstr(json_object_get_string_member(line(2), "why"), ==, text);
	jsonout_lost(out, 0, 3);
	g_assert_cmpint(json_object_get_int_member(line(3), "lines"), ==, 3);
	tear_down();
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/jsonout/changes", test_changes);
	g_test_add_func("/jsonout/delay", test_delay);
	g_test_add_func("/jsonout/texts-many", test_texts_many);
	g_test_add_func("/jsonout/bounds", test_bounds);
	return g_test_run();
}
