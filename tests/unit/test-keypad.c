/* test-keypad.c - codes: which tables are taken. What they do is in test-control. */
#include <glib.h>
#include <string.h>
#include "control/keypad.h"

static void test_default(void)
{
	enum keypad_action pair[2];
	struct keypad_conf conf;

	keypad_defaults(&conf);
	g_assert_cmpstr(conf.code[KEYPAD_MUTE], ==, "*6");
	for (int i = 0; i < KEYPAD_N; i++) {
		g_assert_cmpuint(strlen(conf.code[i]), >=, 2);
		g_assert_null(keypad_code_wrong(conf.code[i]));
	}
	g_assert_false(keypad_confused(pair, &conf));
}

/* Every way in which one digit of one code can get lost, by hand: none of them is a code, nor begins as one does and goes on. */
static void test_lost_digit(void)
{
	struct keypad_conf conf;

	keypad_defaults(&conf);
	for (int i = 0; i < KEYPAD_N; i++) {
		const char *code = conf.code[i];

		for (size_t lost = 0; code[lost]; lost++) {
			char rest[KEYPAD_CODE_MAX + 1] = "";

			memcpy(rest, code, lost);
			strcpy(rest + lost, code + lost + 1);
			for (int k = 0; k < KEYPAD_N; k++)
				g_assert_cmpstr(rest, !=, conf.code[k]);
		}
	}
}

static void test_confused(void)
{
	static const struct { const char *a, *b; bool confused; } row[] = {
		{ "*6", "*7", false }, { "*6", "*6", true }, { "*1", "*12", true }, { "*12", "*1", true }, { "*12", "*2", true },
		{ "*12", "*13", false }, { "*123", "*12", true }, { "*123", "*13", true }, { "*123", "*23", true }, { "##", "#1", false },
		{ "#1#", "##", true }, { "#1#", "#1", true }, { "", "*6", false }, { "*123", "*4", false }, { "**1", "*1", true } };
	enum keypad_action pair[2];

	for (size_t i = 0; i < G_N_ELEMENTS(row); i++) {
		struct keypad_conf conf = { 0 };

		strcpy(conf.code[KEYPAD_LOCK], row[i].a);
		strcpy(conf.code[KEYPAD_HELP], row[i].b);
		g_assert_cmpint(keypad_confused(pair, &conf), ==, row[i].confused);
		if (row[i].confused)
			g_assert_true(pair[0] != pair[1]);
	}
}

static void test_code(void)
{
	static const char *const right[] = { "", "*6", "##", "*12", "#99#", "**" }, *const wrong[] = { "6", "*", "#", "*12345", "*a", "66", "*6 ", "*A" };

	for (size_t i = 0; i < G_N_ELEMENTS(right); i++)
		g_assert_null(keypad_code_wrong(right[i]));
	for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++)
		g_assert_nonnull(keypad_code_wrong(wrong[i]));
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/keypad/default", test_default);
	g_test_add_func("/keypad/lost-digit", test_lost_digit);
	g_test_add_func("/keypad/confused", test_confused);
	g_test_add_func("/keypad/code", test_code);
	return g_test_run();
}
