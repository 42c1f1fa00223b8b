/* test-glyph.c - what may be shown of the text of others, and how many cells it takes. */
#include <glib.h>
#include <string.h>
#include "client/glyph.h"

static const struct { const char *in, *out; unsigned width; } rows[] = {
	{"anna", "anna", 4},
	{"", "", 0},
	{"Zoë Größe", "Zoë Größe", 9},
	{"日本語", "日本語", 6},
	{"한국 ok", "한국 ok", 7},
	{"e\xcc\x81", "e\xcc\x81", 1},                              /* e and an accent of its own */
	{"\xf0\x9f\x8e\xb8 bass", "\xf0\x9f\x8e\xb8 bass", 7},      /* a guitar */
	{"a\x1b[2Jb", "a?[2Jb", 6},
	{"a\nb\tc\x7f", "a?b?c?", 6},
	{"\xc2\x9b" "31m", "?31m", 4},                              /* CSI in one character */
	{"\xe2\x80\xae" "gpj.exe", "?gpj.exe", 8},                  /* from right to left */
	{"\xe2\x80\x8b" "x", "?x", 2},
	{"\xff\xfe", "??", 2},
	{"\xc0\xaf", "??", 2},                                      /* a slash, too long */
	{"\xe2\x82", "??", 2},                                      /* cut off */
	{"\xed\xa0\x80", "?", 1},                                 /* a surrogate */
	{"\xf4\x90\x80\x80", "????", 4},
	{"\xee\x80\x80", "?", 1},                                   /* private use */
};

static void test_rows(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		char out[64];

		g_assert_cmpuint(glyph_clean(out, sizeof(out), rows[i].in), ==, strlen(rows[i].out));
		g_assert_cmpstr(out, ==, rows[i].out);
		g_assert_cmpuint(glyph_width(out), ==, rows[i].width);
	}
}

static void test_cut(void)
{
	char out[6];

	g_assert_cmpuint(glyph_clean(out, sizeof(out), "ab日本"), ==, 5);
	g_assert_cmpstr(out, ==, "ab日");
	g_assert_cmpuint(glyph_clean(out, sizeof(out), "abc日本"), ==, 3);
	g_assert_cmpstr(out, ==, "abc");
	g_assert_cmpuint(glyph_clean(out, 1, "abc"), ==, 0);
	g_assert_cmpuint(glyph_clean(out, sizeof(out), NULL), ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/glyph/rows", test_rows);
	g_test_add_func("/glyph/cut", test_cut);
	return g_test_run();
}
