/* The verbs as the faces see them: names that parse back, arguments that are refused when missing. */
#include <errno.h>
#include <glib.h>
#include "control/command.h"

static void test_names(void)
{
	for (unsigned v = 0; v < VERB_N; v++) {
		const struct verb_info *i = command_info((enum verb)v);

		g_assert_nonnull(i);
		g_assert_cmpint(i->verb, ==, v);
		g_assert_true(g_regex_match_simple("^[a-z]+(-[a-z]+)*$", i->name, 0, 0));
		g_assert_cmpuint(i->args, !=, 0);
		g_assert_cmpstr(i->help, !=, "");
		g_assert_true(command_find(i->name) == i);
	}
	g_assert_null(command_info(VERB_N));
	g_assert_null(command_info((enum verb)-1));
	g_assert_null(command_find("explode"));
	g_assert_null(command_find(""));
	g_assert_null(command_find(NULL));
}

static void test_roles(void)
{
	for (unsigned r = 0; r < ROLE_N; r++) {
		enum role role = ROLE_N;

		g_assert_cmpint(role_parse(&role, role_name((enum role)r)), ==, 0);
		g_assert_cmpint(role, ==, r);
	}
	enum role role = ROLE_SPEAKER;
	g_assert_cmpint(role_parse(&role, "king"), ==, EINVAL);
	g_assert_cmpint(role_parse(&role, NULL), ==, EINVAL);
	g_assert_cmpint(role, ==, ROLE_SPEAKER);
	g_assert_cmpstr(role_name(ROLE_N), ==, "?");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/command/names", test_names);
	g_test_add_func("/command/roles", test_roles);
	return g_test_run();
}
