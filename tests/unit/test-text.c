/* Peer text made harmless: rows of bytes in, text out. */
#include <glib.h>
#include <string.h>
#include "control/text.h"

static const struct { const char *in; size_t size; const char *out; } row[] = {
	{ "Ann", 16, "Ann" },
	{ NULL, 16, "" },
	{ "Jos\xc3\xa9", 16, "Jos\xc3\xa9" },
	{ "\xe6\x9d\xb1\xe4\xba\xac", 16, "\xe6\x9d\xb1\xe4\xba\xac" },
	{ "\xf0\x9f\x8e\xbb", 16, "\xf0\x9f\x8e\xbb" },
	{ "a\r\n\tb\x7f", 16, "a???b?" },
	{ "\xc3", 16, "?" },
	{ "\xc3(", 16, "?(" },
	{ "\xc0\xaf", 16, "??" },                         /* overlong */
	{ "\xed\xa0\x80", 16, "???" },                    /* surrogate */
	{ "\xf4\x90\x80\x80", 16, "????" },               /* past U+10FFFF */
	{ "\xe2\x80\xae" "evil", 16, "???evil" },         /* right-to-left override */
	{ "\xef\xbf\xbf", 16, "???" },                    /* U+FFFF is no XML character */
	{ "abcdef", 4, "abc" },
	{ "ab\xc3\xa9", 4, "ab" },                        /* not half a character */
	{ "x", 1, "" },
};

static void test_clean(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(row); i++) {
		char buf[16];

		g_assert_cmpuint(text_clean(buf, row[i].size, row[i].in), ==, strlen(row[i].out));
		g_assert_cmpstr(buf, ==, row[i].out);
	}
}

/* Any bytes: what comes out is what GLib too calls UTF-8, and short enough. */
static void test_random(void)
{
	for (int i = 0; i < 20000; i++) {
		char in[24] = "", out[16];

		for (int j = 0; j < 23; j++)
			in[j] = (char)g_test_rand_int_range(1, 256);
		g_assert_cmpuint(text_clean(out, sizeof(out), in), <, sizeof(out));
		g_assert_true(g_utf8_validate(out, -1, NULL));
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/text/clean", test_clean);
	g_test_add_func("/text/random", test_random);
	return g_test_run();
}
