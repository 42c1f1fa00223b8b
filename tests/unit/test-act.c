/* test-act.c - lines of a script, and what each asks for. */
#include <errno.h>
#include <glib.h>
#include <string.h>
#include "client/act.h"

static const struct {
	const char *line;
	int err;
	enum act_kind kind;
	enum act_how how;
	float value;
	const char *name, *word, *text;
} rows[] = {
	{"mute on", 0, ACT_MUTE, ACT_ON, 0, "", "", ""},
	{"  mute \t off ", 0, ACT_MUTE, ACT_OFF, 0, "", "", ""},
	{"hand toggle", 0, ACT_HAND, ACT_TOGGLE, 0, "", "", ""},
	{"mix anna -6", 0, ACT_MIX, 0, -6, "anna", "", ""},
	{"mix anna-2 +3.5", 0, ACT_MIX, 0, 3.5f, "anna-2", "", ""},
	{"pan bob -0.25", 0, ACT_PAN, 0, -0.25f, "bob", "", ""},
	{"pan bob 2", 0, ACT_PAN, 0, 2, "bob", "", ""},
	{"buffer auto", 0, ACT_BUFFER, 0, -1, "", "", ""},
	{"buffer 3", 0, ACT_BUFFER, 0, 3, "", "", ""},
	{"beat start", 0, ACT_BEAT, 0, 0, "", "start", ""},
	{"sync ear", 0, ACT_SYNC, 0, 0, "", "ear", ""},
	{"section", 0, ACT_SECTION, 0, 0, "", "", ""},
	{"section strings", 0, ACT_SECTION, 0, 0, "", "strings", ""},
	{"say  from the  top ", 0, ACT_SAY, 0, 0, "", "", "from the  top "},
	{"leave", 0, ACT_LEAVE, 0, 0, "", "", ""},
	{"", ENODATA, 0, 0, 0, "", "", ""},
	{"# a note", ENODATA, 0, 0, 0, "", "", ""},
	{"mute", EINVAL, 0, 0, 0, "", "", ""},
	{"mute yes", EINVAL, 0, 0, 0, "", "", ""},
	{"Mute on", EINVAL, 0, 0, 0, "", "", ""},
	{"mix anna", EINVAL, 0, 0, 0, "", "", ""},
	{"mix anna 21", EINVAL, 0, 0, 0, "", "", ""},
	{"mix anna nan", EINVAL, 0, 0, 0, "", "", ""},
	{"mix anna 1e1", EINVAL, 0, 0, 0, "", "", ""},
	{"mix anna -", EINVAL, 0, 0, 0, "", "", ""},
	{"mix 0123456789012345678901234567890123 1", EINVAL, 0, 0, 0, "", "", ""},
	{"buffer 1.5", EINVAL, 0, 0, 0, "", "", ""},
	{"buffer 4", EINVAL, 0, 0, 0, "", "", ""},
	{"beat sta", EINVAL, 0, 0, 0, "", "", ""},
	{"tempo 19", EINVAL, 0, 0, 0, "", "", ""},
	{"say", EINVAL, 0, 0, 0, "", "", ""},
	{"say \x1b[2J", EINVAL, 0, 0, 0, "", "", ""},
	{"leave now", EINVAL, 0, 0, 0, "", "", ""},
	{"jump", EINVAL, 0, 0, 0, "", "", ""},
};

static void test_rows(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		char wrong[128] = "";
		struct act a;
		int err = act_read(&a, rows[i].line, wrong, sizeof(wrong));

		g_test_message("%s: %s", rows[i].line, wrong);
		g_assert_cmpint(err, ==, rows[i].err);
		g_assert((err == EINVAL) == (wrong[0] != '\0'));
		if (err)
			continue;
		g_assert_cmpint(a.kind, ==, rows[i].kind);
		g_assert_cmpint(a.how, ==, rows[i].how);
		g_assert_cmpfloat(a.value, ==, rows[i].value);
		g_assert_cmpstr(a.name, ==, rows[i].name);
		g_assert_cmpstr(a.word, ==, rows[i].word);
		g_assert_cmpstr(a.text, ==, rows[i].text);
	}
}

static void test_long(void)
{
	char line[400], wrong[128];
	struct act a;

	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\0';
	g_assert_cmpint(act_read(&a, line, wrong, sizeof(wrong)), ==, EINVAL);
	memcpy(line, "say ", 4);
	line[4 + BAND_TEXT] = '\0';
	g_assert_cmpint(act_read(&a, line, wrong, sizeof(wrong)), ==, 0);
	g_assert_cmpuint(strlen(a.text), ==, BAND_TEXT);
	line[4 + BAND_TEXT] = 'x';
	line[5 + BAND_TEXT] = '\0';
	g_assert_cmpint(act_read(&a, line, wrong, sizeof(wrong)), ==, EINVAL);
}

/* Each kind has a command, and the manual tells of it. */
static void test_usages(void)
{
	g_autofree char *doc = NULL, *path = g_test_build_filename(G_TEST_DIST, "..", "..", "docs", "tutti-join.md", NULL);
	size_t n = 0;

	g_assert_true(g_file_get_contents(path, &doc, NULL, NULL));
	for (; act_usage(n); n++) {
		g_autofree char *quoted = g_strdup_printf("`%s`", act_usage(n));

		g_test_message("%s", quoted);
		g_assert_nonnull(strstr(doc, quoted));
	}
	g_assert_cmpuint(n, ==, ACT_N);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/act/rows", test_rows);
	g_test_add_func("/act/long", test_long);
	g_test_add_func("/act/usages", test_usages);
	return g_test_run();
}
