/* test-line_twice.c - what goes again, when, and what does not. */
#include <glib.h>
#include <string.h>
#include "osc/line_twice.h"

static void test_only_where_lost(void)
{
	struct line_twice t = {0};
	size_t len;

	line_twice_sent_rt(&t, (const uint8_t *)"a", 1, 1000);
	line_twice_report_rt(&t, 0, 1000);
	line_twice_sent_rt(&t, (const uint8_t *)"b", 1, 1000);
	g_assert_cmpuint(line_twice_due_rt(&t), ==, UINT64_MAX);
	g_assert_null(line_twice_next_rt(&t, &len, UINT64_MAX - 1));
	line_twice_report_rt(&t, 1, 2000);
	line_twice_report_rt(&t, 0, 3000);        /* all came twice: no loss to be seen, but it is believed */
	line_twice_sent_rt(&t, (const uint8_t *)"c", 1, 4000);
	g_assert_cmpuint(line_twice_due_rt(&t), >, 4000);
	g_assert_null(line_twice_next_rt(&t, &len, 4000));
	g_assert_cmpmem(line_twice_next_rt(&t, &len, line_twice_due_rt(&t)), 1, "c", 1);
	g_assert_cmpuint(len, ==, 1);
	g_assert_cmpuint(line_twice_due_rt(&t), ==, UINT64_MAX);
	line_twice_sent_rt(&t, (const uint8_t *)"d", 1, 3600000000);
	g_assert_cmpuint(line_twice_due_rt(&t), ==, UINT64_MAX);
}

static void test_bounds(void)
{
	static const uint8_t zeros[LINE_TWICE_MAX + 1];
	struct line_twice t = {0};
	size_t len;

	line_twice_report_rt(&t, 255, 1);
	line_twice_sent_rt(&t, zeros, sizeof(zeros), 1);
	g_assert_cmpuint(t.n, ==, 0);
	for (int round = 0; round < 3; round++) {
		for (uint8_t i = 0; i < LINE_TWICE_WAIT + 3; i++)
			line_twice_sent_rt(&t, &i, 1, 10);
		for (uint8_t i = 0; i < LINE_TWICE_WAIT; i++)
			g_assert_cmpuint(*line_twice_next_rt(&t, &len, 100000), ==, i);
		g_assert_null(line_twice_next_rt(&t, &len, 100000));
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/line_twice/only-where-lost", test_only_where_lost);
	g_test_add_func("/line_twice/bounds", test_bounds);
	return g_test_run();
}
