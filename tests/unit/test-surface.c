/*
 * test-surface.c - a map of faders and keys, and what is played on them.
 */
#include <errno.h>
#include <glib.h>
#include <math.h>
#include <string.h>
#include "osc/surface.h"

static void maps(void)
{
	static const struct { const char *text; int err; unsigned n; } table[] = {
		{"", 0, 0}, {"   ", 0, 0},
		{"cc:1:7=me/gain", 0, 1},
		{"cc:N:7=me/mix/N/fader cc:1:N=me/mix/N/pan  note:1:40=me/mute pitch:16=tempo", 0, 4},
		{"note:16:127=transport/start cc:1:0=room/lock", 0, 2},
		{"cc:1:7", EINVAL, 0}, {"cc:1=me/gain", EINVAL, 0}, {"cc:0:7=me/gain", EINVAL, 0}, {"cc:17:7=me/gain", EINVAL, 0},
		{"cc:1:128=me/gain", EINVAL, 0}, {"cc:1:7=me/nothing", EINVAL, 0}, {"cc::7=me/gain", EINVAL, 0}, {"cc:1:=me/gain", EINVAL, 0},
		{"cc:1:7:8=me/gain", EINVAL, 0}, {"cc:-1:7=me/gain", EINVAL, 0}, {"cc:0001:7=me/gain", EINVAL, 0},
		{"note:1:40=me/gain", EINVAL, 0},         /* a key has no place */
		{"pitch:1:2=me/gain", EINVAL, 0}, {"pitch=me/gain", EINVAL, 0}, {"prog:1:2=me/gain", EINVAL, 0},
		{"cc:1:7=me/mix/N/fader", EINVAL, 0},     /* whose? */
		{"cc:N:7=me/gain", EINVAL, 0}, {"cc:N:N=me/mix/N/fader", EINVAL, 0},
		{"cc:1:7=tempo/follow", EINVAL, 0}, {"cc:1:7=beat", EINVAL, 0}, {"cc:1:7=clock", EINVAL, 0},
		{"cc:1:7=me/mix/anna/fader", 0, 1},
		{"cc:1:7=me/mix/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/fader", EINVAL, 0},
	};
	struct surface s;
	const char *wrong;
	GString *many = g_string_new(NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		g_test_message("%s", table[i].text);
		g_assert_cmpint(surface_read(&s, table[i].text, NULL), ==, table[i].err);
		if (!table[i].err)
			g_assert_cmpuint(s.n, ==, table[i].n);
	}
	g_assert_cmpint(surface_read(&s, "cc:1:7=me/gain cc:x=1", &wrong), ==, EINVAL);
	g_assert_cmpstr(wrong, ==, "cc:x=1");
	for (int i = 0; i < SURFACE_MAX + 1; i++)
		g_string_append_printf(many, "cc:1:%d=me/gain ", i);
	g_assert_cmpint(surface_read(&s, many->str, NULL), ==, E2BIG);
	g_string_free(many, TRUE);
}

static const char map[] = "cc:1:7=me/gain cc:N:7=me/mix/N/fader cc:2:10=me/pan note:10:40=me/mute note:10:41=transport/start "
			  "cc:3:1=room/record cc:3:2=transport/stop pitch:9=tempo cc:4:N=me/mix/N/pan cc:5:1=me/click/gain cc:5:2=tempo/bar";

static void played(void)
{
	static const struct {
		uint8_t status, a, b;
		int err;
		enum house_what what;
		enum verb verb;
		float value, pan;
		bool on, toggle;
		unsigned nth;
	} table[] = {
#define C HOUSE_COMMAND
#define SAME COMMAND_PAN_SAME
		{0xb0, 7, 127, 0, C, VERB_GAIN, 10, SAME, false, false, 0},
		{0xb0, 7, 0, 0, C, VERB_GAIN, -60, SAME, false, false, 0},
		{0xb0, 7, 95, 0, C, VERB_GAIN, 0, SAME, false, false, 0},
		{0xb1, 7, 127, 0, C, VERB_VIEW, 10, SAME, false, false, 2},
		{0xbf, 7, 0, 0, C, VERB_VIEW, -60, SAME, false, false, 16},
		{0xb1, 10, 64, 0, C, VERB_PAN, 0, 0, false, false, 0},
		{0xb1, 10, 127, 0, C, VERB_PAN, 0, 1, false, false, 0},
		{0xb1, 10, 0, 0, C, VERB_PAN, 0, -1, false, false, 0},
		{0x99, 40, 100, 0, C, VERB_MUTE, 0, SAME, true, true, 0},
		{0x99, 40, 0, 0, HOUSE_NOTHING, VERB_MUTE, 0, SAME, false, true, 0},
		{0x89, 40, 64, 0, HOUSE_NOTHING, VERB_MUTE, 0, SAME, true, true, 0},
		{0x99, 41, 1, 0, C, VERB_TRANSPORT, 0, SAME, false, false, 0},
		{0x89, 41, 1, 0, HOUSE_NOTHING, VERB_TRANSPORT, 0, SAME, false, false, 0},
		{0xb2, 1, 127, 0, C, VERB_RECORD, 0, SAME, true, false, 0},
		{0xb2, 1, 0, 0, C, VERB_RECORD, 0, SAME, false, false, 0},
		{0xb2, 2, 127, 0, C, VERB_TRANSPORT, 0, SAME, false, false, 0},
		{0xb2, 2, 0, 0, HOUSE_NOTHING, VERB_TRANSPORT, 0, SAME, false, false, 0},
		{0xe8, 127, 127, 0, C, VERB_TEMPO, 167, SAME, false, false, 0},
		{0xe8, 0, 0, 0, C, VERB_TEMPO, 40, SAME, false, false, 0},
		{0xb3, 0, 127, 0, C, VERB_VIEW, 0, 1, false, false, 1},
		{0xb3, 9, 0, 0, C, VERB_VIEW, 0, -1, false, false, 10},
		{0xb4, 1, 95, 0, C, VERB_CLICK, 0, SAME, true, false, 0},
		{0xb4, 2, 0, 0, C, VERB_TEMPO, 0, SAME, false, false, 0},
		{0x98, 40, 100, ENOENT, 0, 0, 0, 0, 0, 0, 0},
		{0xb0, 8, 100, ENOENT, 0, 0, 0, 0, 0, 0, 0},
		{0xe0, 0, 0, ENOENT, 0, 0, 0, 0, 0, 0, 0},
		{0xf8, 0, 0, ENOENT, 0, 0, 0, 0, 0, 0, 0},
#undef C
#undef SAME
	};
	struct surface s;

	g_assert_cmpint(surface_read(&s, map, NULL), ==, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		struct midi_cmd cmd = midi_short(table[i].status, table[i].a, table[i].b);
		struct house_order o;

		g_test_message("%02x %u %u", table[i].status, table[i].a, table[i].b);
		g_assert_cmpint(surface_order(&o, &s, &cmd), ==, table[i].err);
		if (table[i].err)
			continue;
		g_assert_cmpint(o.what, ==, table[i].what);
		g_assert_cmpint(o.cmd.verb, ==, table[i].verb);
		g_assert_cmpfloat(fabsf(o.cmd.value - table[i].value), <, 1e-4f);
		g_assert_cmpfloat(fabsf(o.cmd.pan - table[i].pan), <, 1e-4f);
		g_assert_cmpint(o.toggle, ==, table[i].toggle);
		g_assert_cmpint(o.cmd.on, ==, table[i].on);
		g_assert_cmpuint(o.nth, ==, table[i].nth);
	}
}

static void words(void)
{
	struct midi_cmd cmd = midi_short(0xb2, 1, 127);
	struct house_order o;
	struct surface s;

	g_assert_cmpint(surface_read(&s, map, NULL), ==, 0);
	g_assert_cmpint(surface_order(&o, &s, &cmd), ==, 0);
	g_assert_cmpstr(o.cmd.text, ==, "start");
	house_set_flag(&o, false);
	g_assert_cmpstr(o.cmd.text, ==, "stop");
}

/* Whatever is played, whatever the map says: an order or a refusal, and numbers in range. */
static void anything(void)
{
	struct house_order o;
	struct surface s;

	g_assert_cmpint(surface_read(&s, map, NULL), ==, 0);
	for (int i = 0; i < 200000; i++) {
		struct midi_cmd cmd = midi_short((uint8_t)g_test_rand_int_range(0x80, 0x100), (uint8_t)g_test_rand_int_range(0, 128),
						 (uint8_t)g_test_rand_int_range(0, 128));

		if (surface_order(&o, &s, &cmd))
			continue;
		g_assert_true(o.cmd.value >= -60 && o.cmd.value <= 400);
		g_assert_true(o.cmd.pan >= -1 && o.cmd.pan <= 2);
		g_assert_cmpuint(o.nth, <=, 128);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/surface/maps", maps);
	g_test_add_func("/surface/played", played);
	g_test_add_func("/surface/words", words);
	g_test_add_func("/surface/anything", anything);
	return g_test_run();
}
