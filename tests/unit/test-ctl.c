/* tuttictl's own pieces: JSON, text that may be shown, the table of commands. */
#include <errno.h>
#include <glib.h>
#include <string.h>
#include "web/ctl.h"
#include "web/ctl_text.h"

/* The tree as text again: what was read is what stands there. */
static void write_tree(GString *s, const struct json *j)
{
	if (j->key)
		g_string_append_printf(s, "%s:", j->key);
	switch (j->type) {
	case JSON_NULL:
		g_string_append(s, "null");
		break;
	case JSON_FALSE:
	case JSON_TRUE:
		g_string_append(s, j->type == JSON_TRUE ? "true" : "false");
		break;
	case JSON_NUMBER:
		g_string_append_len(s, j->text, (gssize)strspn(j->text, "-+.eE0123456789"));
		break;
	case JSON_STRING:
		g_string_append_printf(s, "'%s'", j->text);
		break;
	case JSON_ARRAY:
	case JSON_OBJECT:
		g_string_append_c(s, j->type == JSON_ARRAY ? '[' : '{');
		for (const struct json *c = j->child; c; c = c->next) {
			write_tree(s, c);
			g_string_append_c(s, ' ');
		}
		g_string_append_c(s, j->type == JSON_ARRAY ? ']' : '}');
		break;
	}
}

static void test_json(void)
{
	static const struct { const char *in, *out; int err; } rows[] = {
		{ "null", "null", 0 },
		{ " [ ] ", "[]", 0 },
		{ "{\"a\":1,\"b\":[true,false,null,{}]}", "{a:1 b:[true false null {} ] }", 0 },
		{ "-0.5e+10", "-0.5e+10", 0 },
		{ "\"\\u00e4\\ud83d\\ude00\"", "'\xc3\xa4\xf0\x9f\x98\x80'", 0 },
		{ "\"\\ud83d x\\udc00\\u0000\"", "'\xef\xbf\xbd x\xef\xbf\xbd\xef\xbf\xbd'", 0 },
		{ "\"\\\"\\\\\\/\\n\\t\"", "'\"\\/\n\t'", 0 },
		{ "", NULL, EBADMSG }, { "[", NULL, EBADMSG }, { "[1", NULL, EBADMSG }, { "[1,]", NULL, EBADMSG }, { "{\"a\"}", NULL, EBADMSG },
		{ "{a:1}", NULL, EBADMSG }, { "01", NULL, EBADMSG }, { "1.", NULL, EBADMSG }, { "1e", NULL, EBADMSG }, { "+1", NULL, EBADMSG },
		{ "nul", NULL, EBADMSG }, { "\"\\x\"", NULL, EBADMSG }, { "\"\\u12g4\"", NULL, EBADMSG }, { "\"a\nb\"", NULL, EBADMSG },
		{ "\"a", NULL, EBADMSG }, { "1 2", NULL, EBADMSG }, { "[1}", NULL, EBADMSG }, { "\"\\", NULL, EBADMSG }, { "\"\\u12", NULL, EBADMSG },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		char *text = g_strdup(rows[i].in);
		GString *s = g_string_new(NULL);
		struct json *root = NULL;

		g_test_message("%s", rows[i].in);
		g_assert_cmpint(json_parse(&root, text, strlen(text)), ==, rows[i].err);
		if (!rows[i].err)
			write_tree(s, root);
		g_assert_cmpstr(s->str, ==, rows[i].out ? rows[i].out : "");
		json_free(root);
		g_string_free(s, TRUE);
		g_free(text);
	}
}

static void test_json_bounds(void)
{
	char deep[2 * JSON_DEPTH_MAX + 3] = "";
	struct json *root = NULL;

	memset(deep, '[', JSON_DEPTH_MAX);
	memset(deep + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
	g_assert_cmpint(json_parse(&root, deep, strlen(deep)), ==, 0);
	json_free(root);
	memset(deep, '[', JSON_DEPTH_MAX + 1);
	memset(deep + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
	g_assert_cmpint(json_parse(&root, deep, strlen(deep)), ==, E2BIG);
	g_assert_null(root);
	/* A NUL in the middle. */
	memcpy(deep, "[1]\0[2]", 8);
	g_assert_cmpint(json_parse(&root, deep, 7), ==, EBADMSG);
}

static void test_json_questions(void)
{
	char text[] = "{\"id\":18446744073709551615,\"f\":-2.5,\"s\":\"x\",\"b\":true,\"l\":[1,2,3],\"o\":{\"s\":\"y\"}}";
	struct json *root = NULL;

	g_assert_cmpint(json_parse(&root, text, strlen(text)), ==, 0);
	g_assert_cmpuint(json_whole(root, "id"), ==, UINT64_MAX);
	g_assert_cmpfloat(json_number(root, "f"), ==, -2.5);
	g_assert_cmpstr(json_text(root, "s"), ==, "x");
	g_assert_cmpstr(json_text(root, "f"), ==, "");
	g_assert_true(json_true(root, "b"));
	g_assert_false(json_true(root, "s"));
	g_assert_cmpuint(json_length(json_get(root, "l")), ==, 3);
	g_assert_cmpstr(json_text(json_get(root, "o"), "s"), ==, "y");
	g_assert_null(json_get(json_get(root, "l"), "s"));
	g_assert_cmpstr(json_text(NULL, "s"), ==, "");
	json_free(root);
}

static void test_clean(void)
{
	static const struct { const char *in, *out; size_t width; } rows[] = {
		{ "Ann", "Ann", 3 },
		{ "\xc3\xa4\xe2\x82\xac", "\xc3\xa4\xe2\x82\xac", 2 },
		{ "\033[31m", "\\x1b[31m", 8 },
		{ "a\nb\177", "a\\x0ab\\x7f", 10 },
		{ "\xc2\x9b", "\\u009b", 6 },                     /* CSI in 8 bits */
		{ "\xe2\x80\xae" "x", "\\u202ex", 7 },            /* from here on to the left */
		{ "\xff\xc3", "\\xff\\xc3", 8 },
		{ "\xc0\x80", "\\xc0\\x80", 8 },                  /* too long a form */
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80", 12 },        /* half a pair */
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct txt t = { .p = NULL };
		size_t width = 99;

		txt_clean(&t, rows[i].in, strlen(rows[i].in), &width);
		g_assert_cmpstr(t.p, ==, rows[i].out);
		g_assert_cmpuint(width, ==, rows[i].width);
		txt_free(&t);
	}
}

static void test_text(void)
{
	struct txt t = { .p = NULL };

	txt_url(&t, "a b/\xc3\xa4~");
	txt_str(&t, " ");
	txt_json(&t, "\"x\"\\\n\xc3\xa4");
	txt_printf(&t, " %d", -5);
	g_assert_cmpstr(t.p, ==, "a%20b%2F%C3%A4~ \"\\\"x\\\"\\\\\\u000a\xc3\xa4\" -5");
	for (int i = 0; i < 1000; i++)
		txt_printf(&t, "%0100d", i);
	g_assert_cmpuint(strlen(t.p), ==, t.n);
	g_assert_false(t.bad);
	txt_free(&t);
}

/* The table fits together: each argument of a path and a body is one of the command's, and no command hides another. */
static void test_words(void)
{
	size_t n;
	const struct ctl_word *w = ctl_words(&n);

	for (size_t i = 0; i < n; i++) {
		char *v[CTL_ARGS_MAX] = { (char *)w[i].noun, (char *)w[i].verb };
		struct ctl_args a = { &w[i], v, 0 };
		const char *list = w[i].args;
		struct ctl_arg arg;
		int used = 0;

		g_assert_true(ctl_find(v, w[i].verb ? 2 : 1, &used) == &w[i]);
		g_assert_cmpint(used, ==, w[i].verb ? 2 : 1);
		g_assert_true(w[i].run || w[i].method);
		while (ctl_arg_next(&arg, &list))
			v[a.n++] = arg.name;
		g_assert_true(ctl_args_fit(&w[i], a.n));
		g_assert_true(a.n == 0 || strchr(w[i].args, '[') || !ctl_args_fit(&w[i], a.n - 1));
		for (const char *p = w[i].path; p && (p = strchr(p, '{')); p++) {
			char *name = g_strndup(p + 1, strcspn(p + 1, "}"));

			g_assert_cmpint(ctl_arg_index(&a, name), >=, 0);
			g_free(name);
		}
		for (const char *p = w[i].body; p && (p = strpbrk(p, "$#@~!*")); p++) {
			char *name = g_strndup(p + 1, strcspn(p + 1, ": "));

			g_assert_cmpint(ctl_arg_index(&a, name), >=, 0);
			g_free(name);
		}
	}
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ctl/json", test_json);
	g_test_add_func("/ctl/json-bounds", test_json_bounds);
	g_test_add_func("/ctl/json-questions", test_json_questions);
	g_test_add_func("/ctl/clean", test_clean);
	g_test_add_func("/ctl/text", test_text);
	g_test_add_func("/ctl/words", test_words);
	return g_test_run();
}
