/*
 * test-body.c - what is JSON within bounds, and what is not; and what the library makes of the former.
 */
#include <glib.h>
#include <string.h>
#include "web/body.h"

static void good(const char *text, size_t len)
{
	const char *why = NULL;
	JsonObject *o = body_parse(text, len, &why);

	if (!o)
		g_error("%.60s: %s", text, why);
	g_assert_null(why);
	json_object_unref(o);
}

static void bad(const char *text, size_t len, const char *wanted)
{
	const char *why = NULL;
	JsonObject *o = body_parse(text, len, &why);

	if (o)
		g_error("%.60s passes", text);
	g_assert_cmpstr(why, ==, wanted);
}

static void test_good(void)
{
	static const char *const texts[] = {
		"", "{}", " {\t}\r\n", "{\"a\":1}", "{\"a\":-0.5e+3}", "{\"a\":0}", "{\"a\":[1,[],{},null,true,false]}",
		"{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e4\\ud83d\\ude00\"}", "{\"\xc3\xa4\":\"\xf0\x9f\x98\x80\"}",
		"{\"a\":1,\"a\":2}", "{\"{[\":\"]}\"}",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		good(texts[i], strlen(texts[i]));
}

static void test_bad(void)
{
	static const struct { const char *text, *why; } rows[] = {
		{ "{", "a name in quotes is missing" },
		{ "}", "not a number" },
		{ "[]", "not an object" },
		{ "1", "not an object" },
		{ "\"a\"", "not an object" },
		{ "null", "not an object" },
		{ "nul", "not JSON" },
		{ " ", "it ends too early" },
		{ "{\"a\"}", "a colon is missing" },
		{ "{\"a\":}", "not a number" },
		{ "{\"a\":1,}", "a name in quotes is missing" },
		{ "{\"a\":[1,]}", "not a number" },
		{ "{\"a\":[1 2]}", "a comma or a closing bracket is missing" },
		{ "{a:1}", "a name in quotes is missing" },
		{ "{'a':1}", "a name in quotes is missing" },
		{ "{\"a\":'b'}", "not a number" },
		{ "{\"a\":01}", "a number begins with 0" },
		{ "{\"a\":1.}", "not a number" },
		{ "{\"a\":.5}", "not a number" },
		{ "{\"a\":1e}", "not a number" },
		{ "{\"a\":+1}", "not a number" },
		{ "{\"a\":NaN}", "not a number" },
		{ "{\"a\":0x10}", "a comma or a closing bracket is missing" },
		{ "{/**/}", "a name in quotes is missing" },
		{ "{} // x", "something follows the value" },
		{ "{}{}", "something follows the value" },
		{ "{\"a\":\"\\x\"}", "a wrong escape in a string" },
		{ "{\"a\":\"\\u12\"}", "a wrong \\u in a string" },
		{ "{\"a\":\"\\u0000\"}", "a \\u that is no character" },
		{ "{\"a\":\"\\udc00\"}", "a \\u that is no character" },
		{ "{\"a\":\"\\ud800x\"}", "half a surrogate pair" },
		{ "{\"a\":\"\\ud800\\u0041\"}", "half a surrogate pair" },
		{ "{\"a\":\"b", "a string without end" },
		{ "{\"a\":\"\n\"}", "a control character in a string" },
		{ "{\"a\":\"\xc3(\"}", "not UTF-8" },
		{ "{\"a\":\"\xed\xa0\x80\"}", "not UTF-8" },
		{ "\xef\xbb\xbf{}", "not a number" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		bad(rows[i].text, strlen(rows[i].text), rows[i].why);
	bad("{\"a\0\":1}", 8, "not UTF-8");
}

static void test_bounds(void)
{
	GString *s = g_string_new("{\"a\":");

	for (int i = 1; i < BODY_DEPTH_MAX; i++)
		g_string_append_c(s, '[');
	for (int i = 1; i < BODY_DEPTH_MAX; i++)
		g_string_append_c(s, ']');
	g_string_append_c(s, '}');
	good(s->str, s->len);
	g_string_insert_c(s, 5, '[');
	bad(s->str, s->len, "too deep");

	g_string_assign(s, "");
	for (int i = 0; i < 50000; i++)
		g_string_append_c(s, '[');
	bad(s->str, s->len, "too deep");

	g_string_assign(s, "{\"a\":[0");
	for (int i = 3; i < BODY_VALUES_MAX; i++)
		g_string_append(s, ",0");
	g_string_append(s, "]}");
	good(s->str, s->len);
	g_string_insert(s, 7, ",1");
	bad(s->str, s->len, "too many values");

	g_string_assign(s, "{\"a\":\"");
	while (s->len < BODY_SIZE_MAX - 2)
		g_string_append_c(s, 'x');
	g_string_append(s, "\"}");
	good(s->str, s->len);
	g_string_append_c(s, ' ');
	bad(s->str, s->len, "too large");
	g_string_free(s, TRUE);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/body/good", test_good);
	g_test_add_func("/body/bad", test_bad);
	g_test_add_func("/body/bounds", test_bounds);
	return g_test_run();
}
