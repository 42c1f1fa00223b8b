/*
 * test-static.c - the embedded console: found by path and by nothing else, known by its tag, and whole.
 */
#include <glib.h>
#include <string.h>
#include "web/static.h"

static void test_find(void)
{
	static const struct { const char *path; const char *type; } rows[] = {
		{ "/",                     "text/html; charset=utf-8" },
		{ "/ui/app.js",            "text/javascript; charset=utf-8" },
		{ "/ui/style.css",         "text/css; charset=utf-8" },
		{ "/ui/icon.svg",          "image/svg+xml" },
		{ "",                      NULL },
		{ "/index.html",           NULL },
		{ "/ui/",                  NULL },
		{ "/ui/index.html",        NULL },
		{ "/ui/app.js/",           NULL },
		{ "/ui/APP.JS",            NULL },
		{ "/ui/../app.js",         NULL },
		{ "/ui/../../etc/passwd",  NULL },
		{ "//ui/app.js",           NULL },
		{ "/ui/types.d.ts",        NULL },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		const struct static_file *f = static_find(rows[i].path);

		g_assert_cmpstr(f ? f->type : NULL, ==, rows[i].type);
	}
}

static void test_known(void)
{
	static const struct static_file f = { "/", "text/html", "\"abc\"", "", 0 };
	static const struct { const char *header; bool known; } rows[] = {
		{ NULL, false }, { "", false }, { "\"abc\"", true }, { "W/\"abc\"", true }, { "*", true }, { "\"x\", \"abc\"", true },
		{ "\"x\",W/\"abc\" ", true }, { "\"ab\"", false }, { "\"abcd\"", false }, { "abc", false }, { ",,,", false }, { "W/", false },
		{ "\"x\"", false }, { "W/W/\"abc\"", false }, { " * ", true },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		g_assert_cmpint(static_known(&f, rows[i].header), ==, rows[i].known);
}

/* All that a page asks for is there: what the markup names and what modules import. */
static void test_whole(void)
{
	for (const struct static_file *f = static_files; f->path; f++) {
		g_assert_cmpuint(f->n, ==, strlen(f->data));
		g_assert_true(f->etag[0] == '"' && f->etag[strlen(f->etag) - 1] == '"');
		for (const char *p = f->data; (p = strstr(p, "from './")) != NULL; p++) {
			char *path = g_strdup_printf("/ui/%.*s", (int)strcspn(p + 8, "'"), p + 8);

			g_assert_nonnull(static_find(path));
			g_free(path);
		}
		for (const char *p = f->data; (p = strstr(p, "=\"/ui/")) != NULL; p++) {
			char *path = g_strndup(p + 2, strcspn(p + 2, "\""));

			g_assert_nonnull(static_find(path));
			g_free(path);
		}
	}
}

/* What the policy forbids would not run; it should not be there either. */
static void test_nothing_inline(void)
{
	const struct static_file *page = static_find("/");

	g_assert_null(strstr(page->data, "<style"));
	g_assert_null(strstr(page->data, " style="));
	g_assert_null(strstr(page->data, "<script>"));
	g_assert_null(strstr(page->data, "onclick"));
	for (const struct static_file *f = static_files; f->path; f++) {
		g_assert_null(strstr(f->data, "innerHTML"));
		g_assert_null(strstr(f->data, "insertAdjacentHTML"));
		g_assert_null(strstr(f->data, "eval("));
		if (strcmp(f->path, "/ui/icon.svg") && strcmp(f->path, "/ui/icons.js"))
			g_assert_null(strstr(f->data, "://www"));
	}
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/static/find", test_find);
	g_test_add_func("/static/known", test_known);
	g_test_add_func("/static/whole", test_whole);
	g_test_add_func("/static/nothing-inline", test_nothing_inline);
	return g_test_run();
}
