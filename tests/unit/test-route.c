/*
 * test-route.c - paths to routes, 405 and its Allow, escapes, scopes; and the table itself.
 */
#include <glib.h>
#include <string.h>
#include "web/route.h"

static void test_find(void)
{
	static const struct { const char *method, *path, *found, *p0, *p1, *p2; } rows[] = {
		{ "GET", "/healthz", "/healthz", "", "", "" },
		{ "HEAD", "/healthz", "/healthz", "", "", "" },
		{ "GET", "/api/v1/rooms", "/api/v1/rooms", "", "", "" },
		{ "GET", "/api/v1/rooms/band", "/api/v1/rooms/{room}", "band", "", "" },
		{ "DELETE", "/api/v1/rooms/band", "/api/v1/rooms/{room}", "band", "", "" },
		{ "GET", "/api/v1/rooms/band/views", "/api/v1/rooms/{room}/views", "band", "", "" },
		{ "POST", "/api/v1/rooms/band/lock", "/api/v1/rooms/{room}/{verb}", "band", "lock", "" },
		{ "POST", "/api/v1/rooms/a b/members/12/mute", "/api/v1/rooms/{room}/members/{member}/{verb}", "a b", "12", "mute" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct route_match m;

		g_assert_true(route_find(&m, rows[i].method, rows[i].path));
		g_assert_cmpstr(m.route->path, ==, rows[i].found);
		g_assert_cmpstr(m.param[0], ==, rows[i].p0);
		g_assert_cmpstr(m.param[1], ==, rows[i].p1);
		g_assert_cmpstr(m.param[2], ==, rows[i].p2);
	}
}

static void test_not_found(void)
{
	static const char *const paths[] = {
		"", "/api", "/api/v1", "/api/v1/", "/api/v1/rooms/", "/api/v1/rooms//lock", "/api/v1/rooms/band/", "/healthz/",
		"/api/v1/rooms/band/members//mute", "/api/v1/rooms/band/members/1/mute/x", "//healthz", "/Healthz", "healthz",
	};
	struct route_match m;
	char *part = g_strnfill(ROUTE_PARAM_MAX, 'x'), *path = g_strconcat("/api/v1/rooms/", part, NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(paths); i++) {
		g_assert_false(route_find(&m, "GET", paths[i]));
		g_assert_cmpstr(m.allow, ==, "");
	}
	g_assert_false(route_find(&m, "GET", path));
	path[strlen(path) - 1] = '\0';
	g_assert_true(route_find(&m, "GET", path));
	g_free(path);
	g_free(part);
}

static void test_allow(void)
{
	struct route_match m;

	g_assert_false(route_find(&m, "DELETE", "/healthz"));
	g_assert_cmpstr(m.allow, ==, "GET, HEAD");
	g_assert_false(route_find(&m, "POST", "/api/v1/rooms/band"));
	g_assert_cmpstr(m.allow, ==, "GET, HEAD, PUT, PATCH, DELETE");
	g_assert_false(route_find(&m, "get", "/healthz"));
	g_assert_false(route_find(&m, "OPTIONS", "/api/v1/rooms"));
	g_assert_cmpstr(m.allow, ==, "GET, HEAD, POST");
}

static void test_decode(void)
{
	static const struct { const char *raw, *text; } rows[] = {
		{ "/a", "/a" }, { "/%41%7e", "/A~" }, { "/%c3%a4", "/\xc3\xa4" }, { "/a%2Fb", "/a/b" }, { "", "" },
		{ "/%", NULL }, { "/%4", NULL }, { "/%4g", NULL }, { "/%00", NULL }, { "/%0a", NULL }, { "/\x7f", NULL }, { "/%ff", NULL },
	};
	char buf[16];

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_assert_cmpint(route_decode(buf, sizeof(buf), rows[i].raw), ==, rows[i].text != NULL);
		if (rows[i].text)
			g_assert_cmpstr(buf, ==, rows[i].text);
	}
	g_assert_true(route_decode(buf, 4, "abc"));
	g_assert_false(route_decode(buf, 4, "abcd"));
}

static void test_scopes(void)
{
	g_assert_cmpint(scope_parse("read"), ==, SCOPE_READ);
	g_assert_cmpint(scope_parse("read control"), ==, SCOPE_CONTROL);
	g_assert_cmpint(scope_parse("admin,read"), ==, SCOPE_ADMIN);
	g_assert_cmpint(scope_parse(""), ==, SCOPE_NONE);
	g_assert_cmpint(scope_parse("read root"), ==, SCOPE_NONE);
	g_assert_cmpint(scope_parse("none"), ==, SCOPE_NONE);
	g_assert_cmpint(scope_parse("Admin"), ==, SCOPE_NONE);
}

/* Every row is found by its own path, says who may and why it is there; what changes something is not for everybody. */
static void test_table(void)
{
	size_t n;
	const struct route *table = route_table(&n);

	g_assert_cmpuint(n, >, 10);
	for (size_t i = 0; i < n; i++) {
		struct route_match m;

		g_assert_true(route_find(&m, table[i].method, table[i].path));
		g_assert_true(m.route == &table[i]);
		g_assert_nonnull(table[i].h);
		g_assert_nonnull(table[i].help);
		g_assert_nonnull(table[i].status);
		g_assert_cmpint(table[i].flags & ROUTE_BODY ? 1 : 0, ==, table[i].body != NULL);
		if (strcmp(table[i].method, "GET") && !strstr(table[i].path, "/log"))
			g_assert_cmpint(table[i].scope, >=, SCOPE_CONTROL);
		if (g_str_has_prefix(table[i].path, "/api/") && !strcmp(table[i].method, "GET"))
			g_assert_cmpint(table[i].scope, >=, SCOPE_READ);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/route/find", test_find);
	g_test_add_func("/route/not-found", test_not_found);
	g_test_add_func("/route/allow", test_allow);
	g_test_add_func("/route/decode", test_decode);
	g_test_add_func("/route/scopes", test_scopes);
	g_test_add_func("/route/table", test_table);
	return g_test_run();
}
