/*
 * docs/conference.md tells which role may do what, and which settings a room has: both tables are written here anew
 * from the code, and must stand in the document as they are. When one does not, this prints it.
 */
#include <glib.h>
#include <string.h>
#include "control/command.h"
#include "control/policy.h"
#include "control/setting.h"

static char *manual(void)
{
	g_autofree char *path = g_build_filename(g_getenv("G_TEST_SRCDIR"), "..", "..", "docs", "conference.md", NULL);
	char *text = NULL;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	return text;
}

static void must_hold(const char *table)
{
	g_autofree char *text = manual();

	if (strstr(text, table))
		return;
	g_printerr("docs/conference.md should hold:\n%s", table);
	g_test_fail();
}

static const char *right(enum role role, enum verb verb, bool self)
{
	switch (policy_right(role, verb, self)) {
	case RIGHT_NO:   return "-";
	case RIGHT_ON:   return "on";
	case RIGHT_FREE: return "free";
	case RIGHT_YES:  return "yes";
	}
	return "?";
}

static void rights(GString *s, enum verb verb, bool self, bool there)
{
	g_string_append(s, " |");
	for (int role = ROLE_LISTENER; role < ROLE_N; role++)
		g_string_append_printf(s, " %s", there ? right((enum role)role, verb, self) : "");
}

static void test_verbs(void)
{
	g_autoptr(GString) s = g_string_new("| verb | on itself | on others, on the room | what |\n|---|---|---|---|\n");

	for (unsigned v = 0; v < VERB_N; v++) {
		const struct verb_info *info = command_info((enum verb)v);
		bool on_member = v == VERB_JOIN || info->args & (ARG_MEMBER | ARG_WHERE);

		g_string_append_printf(s, "| `%s`", info->name);
		if (on_member)
			rights(s, (enum verb)v, true, true);
		else
			g_string_append(s, " |");
		rights(s, (enum verb)v, false, true);
		g_string_append_printf(s, " | %s |\n", info->help);
	}
	must_hold(s->str);
}

static void test_settings(void)
{
	g_autoptr(GString) s = g_string_new("| setting | value | default | |\n|---|---|---|---|\n");

	for (size_t i = 0; setting_at(i); i++) {
		const struct setting_info *info = setting_at(i);
		g_auto(GStrv) words = g_strsplit(info->choices ? info->choices : "", "|", -1);
		g_autofree char *choices = g_strjoinv(", ", words), *range = g_strdup_printf("%u to %u", info->lo, info->hi);

		g_string_append_printf(s, "| `%s` | %s | %s | %s |\n", info->name,
				       info->choices ? choices : strcmp(info->kind, "number") == 0 ? range : info->kind, info->def,
				       info->help);
	}
	must_hold(s->str);
}

/* "free" of the manual is a right of the code: no word there that the legend does not explain. */
static void test_legend(void)
{
	static const char *const words[] = { "`yes`", "`-`", "`on`", "`free`" };
	g_autofree char *text = manual();

	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		g_assert_nonnull(strstr(text, words[i]));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/manual/verbs", test_verbs);
	g_test_add_func("/manual/settings", test_settings);
	g_test_add_func("/manual/legend", test_legend);
	return g_test_run();
}
