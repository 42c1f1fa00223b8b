/* test-ini.c - a text in, the stream of items out, or the line that is wrong and why. */
#include <glib.h>
#include <string.h>
#include "server/ini.h"

struct row {
	const char *text;
	const char *items;        /* "section/instance/key=value|..." */
	const char *why;          /* NULL: no error */
	unsigned line;
};

static const struct row rows[] = {
	{"", "", NULL, 0},
	{"# a\n; b\n\n   \n", "", NULL, 0},
	{"[sip]\nlisten = a b", "sip//|sip//listen=a b|", NULL, 0},
	{"[sip]\r\nlisten=a\r\n", "sip//|sip//listen=a|", NULL, 0},
	{"\xef\xbb\xbf[sip]\n", "sip//|", NULL, 0},
	{"[account ann]\npassword = x", "account/ann/|account/ann/password=x|", NULL, 0},
	{" [ did   +49 30 ] # office\n", "did/+49 30/|", NULL, 0},
	{"[a]\nk = sip:x@y;transport=tcp", "a//|a//k=sip:x@y;transport=tcp|", NULL, 0},
	{"[a]\nk = v # c\nl = v ; c\nm = v#1", "a//|a//k=v|a//l=v|a//m=v#1|", NULL, 0},
	{"[a]\nk = \" v # \\\" \\\\ \" # c", "a//|a//k= v # \" \\ |", NULL, 0},
	{"[a]\nk =\nl = # c", "a//|a//k=|a//l=|", NULL, 0},
	{"[a]\nk = b = c", "a//|a//k=b = c|", NULL, 0},
	{"k = v", "", "a setting before the first [section]", 1},
	{"[a]\n= v", "a//|", "a value without a key", 2},
	{"[a]\nword", "a//|", "neither [section] nor key = value", 2},
	{"[a\n", "", "closing ] is missing", 1},
	{"[a] b\n", "", "text after ]", 1},
	{"[ ]\n", "", "section without a name", 1},
	{"[a]\n\nk = \"v\n", "a//|", "closing quote is missing", 3},
	{"[a]\nk = \"v\" w\n", "a//|", "text after the closing quote", 2},
	{"[a]\nk = v\x01\n", "a//|", "control character", 2},
};

static int collect(const struct ini_item *it, const char **why, void *arg)
{
	GString *s = arg;

	g_string_append_printf(s, "%s/%s/", it->section, it->instance);
	if (it->key)
		g_string_append_printf(s, "%s=%s", it->key, it->value);
	g_string_append_c(s, '|');
	return 0;
}

static void test_rows(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); ++i) {
		GString *s = g_string_new(NULL);
		const char *why = NULL;
		unsigned line = 99;
		int err = ini_read(rows[i].text, strlen(rows[i].text), collect, s, &why, &line);

		g_test_message("%s", rows[i].text);
		g_assert_cmpstr(s->str, ==, rows[i].items);
		g_assert_cmpstr(why, ==, rows[i].why);
		g_assert_cmpint(err != 0, ==, rows[i].why != NULL);
		if (err)
			g_assert_cmpuint(line, ==, rows[i].line);
		g_string_free(s, TRUE);
	}
}

static void test_bounds(void)
{
	GString *s = g_string_new("[a]\nk = ");
	GString *out = g_string_new(NULL);
	const char *why;
	unsigned line;
	char *big;

	while (s->len < 4 + INI_LINE_MAX - 1)             /* the longest line that fits */
		g_string_append_c(s, 'x');
	g_assert_cmpint(ini_read(s->str, s->len, collect, out, &why, &line), ==, 0);
	g_string_append_c(s, 'x');
	g_assert_cmpint(ini_read(s->str, s->len, collect, out, &why, &line), !=, 0);
	g_assert_cmpuint(line, ==, 2);
	g_assert_cmpint(ini_read("[a]\nk = v\0w", 11, collect, out, &why, &line), !=, 0);

	big = g_malloc(INI_TEXT_MAX + 1);
	memset(big, '\n', INI_TEXT_MAX + 1);
	g_assert_cmpint(ini_read(big, INI_TEXT_MAX, collect, out, &why, &line), ==, 0);
	g_assert_cmpint(ini_read(big, INI_TEXT_MAX + 1, collect, out, &why, &line), !=, 0);
	g_assert_cmpstr(why, ==, "file is too long");

	g_free(big);
	g_string_free(s, TRUE);
	g_string_free(out, TRUE);
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ini/rows", test_rows);
	g_test_add_func("/ini/bounds", test_bounds);
	return g_test_run();
}
