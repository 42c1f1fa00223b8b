/* test-stroke.c - keys, one after the other, and what each asks for. */
#include <glib.h>
#include <string.h>
#include "client/stroke.h"

static struct band band;
static struct screen_view view;

static void set_up(void)
{
	band_init(&band);
	memset(&view, 0, sizeof(view));
	(void)band_come(&band, "anna");
	(void)band_come(&band, "bob");
}

static bool press(uint32_t key, struct act *a)
{
	memset(a, 0xff, sizeof(*a));
	return stroke_take(&view, &band, key, a);
}

static void type(const char *text)
{
	struct act a;

	for (const char *p = text; *p; p = g_utf8_next_char(p))
		g_assert_false(press(g_utf8_get_char(p), &a));
}

static void test_simple(void)
{
	static const struct { uint32_t key; enum act_kind kind; enum act_how how; float value; } rows[] = {
		{'m', ACT_MUTE, ACT_TOGGLE, 0}, {'M', ACT_DEAF, ACT_TOGGLE, 0}, {'h', ACT_HAND, ACT_TOGGLE, 0}, {'c', ACT_CLICK, ACT_TOGGLE, 0},
		{'r', ACT_RECORD, ACT_TOGGLE, 0}, {'b', ACT_BEAT, ACT_OFF, 0}, {'+', ACT_VOLUME, ACT_OFF, 1}, {'=', ACT_VOLUME, ACT_OFF, 1},
		{'-', ACT_VOLUME, ACT_OFF, -1},
	};
	struct act a;

	set_up();
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_assert_true(press(rows[i].key, &a));
		g_assert_cmpint(a.kind, ==, rows[i].kind);
		g_assert_cmpint(a.how, ==, rows[i].how);
		g_assert_cmpfloat(a.value, ==, rows[i].value);
		g_assert_cmpstr(a.name, ==, "");
	}
	for (uint32_t key = 0; key < 0x110010; key += key < 0x80 ? 1 : 0x101)     /* none that surprises */
		if (press(key, &a))
			g_assert_cmpint(a.kind, <, ACT_N);
}

static void test_mix(void)
{
	struct act a;

	set_up();
	g_assert_false(press(STROKE_LEFT, &a));                   /* nobody is chosen */
	g_assert_false(press('0', &a));
	g_assert_false(press(STROKE_DOWN, &a));
	g_assert_cmpstr(view.chosen, ==, "anna");
	g_assert_false(press('j', &a));
	g_assert_cmpstr(view.chosen, ==, "bob");
	g_assert_true(press(STROKE_LEFT, &a));
	g_assert_cmpint(a.kind, ==, ACT_MIX);
	g_assert_cmpstr(a.name, ==, "bob");
	g_assert_true(a.relative && a.value == -1);
	g_assert_true(press('.', &a));
	g_assert_cmpint(a.kind, ==, ACT_PAN);
	g_assert_true(press('p', &a));
	g_assert_true(!a.relative && a.value == BAND_PAN_SAME);
	g_assert_true(press('0', &a));
	g_assert_true(!a.relative && a.kind == ACT_MIX && a.value == 0);
	g_assert_false(press('k', &a));
	g_assert_cmpstr(view.chosen, ==, "anna");
}

static void test_buffer(void)
{
	struct act a;

	set_up();
	for (int i = -1; i <= 3; i++) {
		band.own.buffer_quanta = i;
		g_assert_true(press('B', &a));
		g_assert_cmpint(a.kind, ==, ACT_BUFFER);
		g_assert_cmpfloat(a.value, ==, i == 3 ? -1 : i + 1);
	}
}

static void test_typing(void)
{
	struct act a;

	set_up();
	g_assert_false(press('t', &a));
	type("qm? größe 日本\x07");
	g_assert_cmpstr(view.typed, ==, "qm? größe 日本");
	g_assert_false(press(STROKE_UP, &a));
	g_assert_false(press(STROKE_BACK, &a));
	g_assert_cmpstr(view.typed, ==, "qm? größe 日");
	g_assert_true(press(STROKE_ENTER, &a));
	g_assert_cmpint(a.kind, ==, ACT_SAY);
	g_assert_cmpstr(a.text, ==, "qm? größe 日");
	g_assert_false(view.typing);
	g_assert_cmpstr(view.typed, ==, "");
	press('t', &a);
	type("no");
	g_assert_false(press(STROKE_ESCAPE, &a));
	g_assert_false(view.typing);
	press('t', &a);
	g_assert_cmpstr(view.typed, ==, "");
	g_assert_false(press(STROKE_BACK, &a));
	g_assert_false(press(STROKE_ENTER, &a));                  /* nothing is not sent */
}

/* As long as a line may be, to the octet, and no character in part. */
static void test_long(void)
{
	struct act a;

	set_up();
	press('t', &a);
	for (unsigned i = 0; i < 2 * BAND_TEXT; i++)
		press(0x65e5, &a);                                /* three octets */
	g_assert_cmpuint(strlen(view.typed), ==, BAND_TEXT);
	g_assert_true(g_utf8_validate(view.typed, -1, NULL));
	g_assert_true(press(STROKE_ENTER, &a));
	g_assert_cmpuint(strlen(a.text), ==, BAND_TEXT);
}

static void test_leaving(void)
{
	struct act a;

	set_up();
	g_assert_false(press('q', &a));
	g_assert_true(view.leaving);
	g_assert_false(press('m', &a));                           /* stays, and is not muted either */
	g_assert_false(view.leaving);
	g_assert_false(press('q', &a));
	g_assert_true(press('q', &a));
	g_assert_cmpint(a.kind, ==, ACT_LEAVE);
	g_assert_false(press('?', &a));
	g_assert_true(view.help);
	g_assert_false(press('q', &a));                           /* out of the help only */
	g_assert_true(!view.help && !view.leaving);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/stroke/simple", test_simple);
	g_test_add_func("/stroke/mix", test_mix);
	g_test_add_func("/stroke/buffer", test_buffer);
	g_test_add_func("/stroke/typing", test_typing);
	g_test_add_func("/stroke/long", test_long);
	g_test_add_func("/stroke/leaving", test_leaving);
	return g_test_run();
}
