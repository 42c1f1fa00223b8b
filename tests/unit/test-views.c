/*
 * test-views.c - what each receiver gets of a packet, and who is told why not.
 */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "osc/gest.h"
#include "osc/views.h"

enum { TIME = 77 };

/* "a b c": a bundle of messages with one f each, and the last also an s; one word: a message. */
static size_t packet(uint8_t *buf, size_t room, const char *words)
{
	const struct osc_arg a[2] = {{.tag = 'f', .v.f = 1}, {.tag = 's', .v.s = "x"}};
	gchar **w = g_strsplit(words, " ", 0);
	const guint n = g_strv_length(w);
	struct osc_writer o;
	size_t len;

	osc_w_init(&o, buf, room);
	if (n > 1)
		osc_w_bundle(&o, TIME);
	for (guint i = 0; i < n; i++)
		osc_w_msg(&o, w[i], a, i && i == n - 1 ? 2 : 1);
	if (n > 1)
		osc_w_bundle_end(&o);
	g_assert_cmpint(osc_w_end(&o, &len), ==, 0);
	g_strfreev(w);
	return len;
}

#define BIT(e) (1u << (e))

static const struct {
	const char *name, *in;
	struct views view;
	const char *out;          /* addresses that are left */
	unsigned errors;
} table[] = {
	{"prefix", "/a", {VIEW_PREFIX, NULL, true, 1200, "bob", "anna", 1, NULL, false, 0}, "/p/anna/a", 0},
	{"prefix in a bundle", "/a /b", {VIEW_PREFIX, NULL, true, 1200, "bob", "anna", 1, NULL, false, 0}, "/p/anna/a /p/anna/b", 0},
	{"source", "/a /b", {VIEW_SOURCE, NULL, true, 1200, "bob", "anna", 1, NULL, false, 0}, "/a /b", 0},
	{"a type too many", "/a /b", {VIEW_SOURCE, "if", true, 1200, "bob", "anna", 1, NULL, false, 0}, "/a", BIT(GEST_TYPE)},
	{"no type at all", "/a", {VIEW_SOURCE, "i", true, 1200, "bob", "anna", 1, NULL, false, 0}, "", BIT(GEST_TYPE)},
	{"reserved", "/p/bob/a /b", {VIEW_FLAT, NULL, true, 1200, "bob", "anna", 1, NULL, false, 0}, "/b", BIT(GEST_RESERVED)},
	{"control", "/_gest/leave /b", {VIEW_FLAT, NULL, true, 1200, "bob", "anna", 1, NULL, false, 0}, "/b", 0},
	{"two slashes, OSC 1.1", "/a//b", {VIEW_FLAT, NULL, true, 1200, "bob", "anna", 1, NULL, false, 0}, "/a//b", 0},
	{"two slashes, OSC 1.0", "/a//b", {VIEW_FLAT, NULL, false, 1200, "bob", "anna", 1, NULL, false, 0}, "", 0},
	{"to who it is", "/to/bob/x/y", {VIEW_PREFIX, NULL, true, 1200, "bob", "anna", 1, NULL, false, 0}, "/p/anna/x/y", 0},
	{"to another", "/to/bobby/x /a", {VIEW_PREFIX, NULL, true, 1200, "bob", "anna", 1, NULL, false, 0}, "/p/anna/a", 0},
	{"to nobody", "/to/bob /a", {VIEW_PREFIX, NULL, true, 1200, "bob", "anna", 1, NULL, false, 0}, "/p/anna/a", BIT(GEST_UNKNOWN)},
	{"to and to", "/to/bob/to/x/y", {VIEW_PREFIX, NULL, true, 1200, "bob", "anna", 1, NULL, false, 0}, "", BIT(GEST_UNKNOWN)},
	{"to as another", "/to/bob/p/x/y", {VIEW_PREFIX, NULL, true, 1200, "bob", "anna", 1, NULL, false, 0}, "", BIT(GEST_RESERVED)},
	{"control to one", "/to/bob/_gest/leave", {VIEW_PREFIX, NULL, true, 1200, "bob", "anna", 1, NULL, false, 0}, "", 0},
	{"too long for one of them", "/a /bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", {VIEW_PREFIX, NULL, true, 64, "bob", "anna", 1, NULL, false, 0}, "/p/anna/a",
		BIT(GEST_TOO_BIG)},
	{"no name", "/a", {VIEW_PREFIX, NULL, true, 1200, "bob", "an/na", 1, NULL, false, 0}, "", 0},
};

static void expect(const uint8_t *buf, size_t len, const char *words)
{
	gchar **w = g_strsplit(words, " ", 0);
	guint n = 0;
	struct osc_iter it;
	struct osc_msg msg;

	if (len)
		g_assert_cmpint(osc_check(buf, len, 1200), ==, 0);
	osc_iter_init(&it, buf, len);
	for (; len && osc_next(&it, &msg); n++) {
		g_assert_cmpuint(n, <, g_strv_length(w));
		g_assert_cmpstr(msg.addr, ==, w[n]);
		g_assert_true(it.timetag == TIME || !strchr(words, ' '));
	}
	g_assert_cmpuint(n, ==, *words ? g_strv_length(w) : 0);
	g_strfreev(w);
}

static void views(void)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(table); i++) {
		uint8_t in[1200], out[1200];
		const size_t n = packet(in, sizeof(in), table[i].in);
		size_t len = sizeof(out);

		g_test_message("%s", table[i].name);
		g_assert_cmphex(views_write_rt(out, &len, &table[i].view, in, n), ==, table[i].errors);
		expect(out, len, table[i].out);
	}
}

/* "If the result exceeds 255 octets of address [...]: not forwarded, error 2" */
static void long_address(void)
{
	const struct views v = {VIEW_PREFIX, NULL, true, 1200, "bob", "anna", 1, NULL, false, 0};
	char addr[300] = "/";
	uint8_t in[1200], out[1200];
	size_t n, len = sizeof(out);

	memset(addr + 1, 'x', OSC_ADDR_MAX - 8);
	n = packet(in, sizeof(in), addr);
	g_assert_cmphex(views_write_rt(out, &len, &v, in, n), ==, 0);
	g_assert_cmpuint(len, >, 0);
	addr[strlen(addr)] = 'x';
	n = packet(in, sizeof(in), addr);
	len = sizeof(out);
	g_assert_cmphex(views_write_rt(out, &len, &v, in, n), ==, BIT(GEST_TOO_BIG));
	g_assert_cmpuint(len, ==, 0);
}

static void owners(void)
{
	static struct owners o;
	struct views v = {VIEW_FLAT, NULL, true, 1200, "carl", "anna", 1, &o, false, 0};
	uint8_t in[1200], out[1200];
	size_t n = packet(in, sizeof(in), "/lights/1 /sound/1 /l*/1"), len = sizeof(out);

	g_assert_cmphex(views_write_rt(out, &len, &v, in, n), ==, 0);
	expect(out, len, "/lights/1 /sound/1 /l*/1");

	g_assert_cmpint(owners_claim(&o, 2, "/lights/*"), ==, 0);
	g_assert_cmpint(owners_claim(&o, 2, "/lights/*"), ==, 0);
	g_assert_cmpint(owners_claim(&o, 2, "/lights/{1,2}"), ==, 0);
	g_assert_cmpint(owners_claim(&o, 1, "/lights/3"), ==, EACCES);
	g_assert_cmpint(owners_claim(&o, 1, "/*/3"), ==, EACCES);
	g_assert_cmpint(owners_claim(&o, 1, "/sound/*"), ==, 0);
	g_assert_cmpint(owners_claim(&o, 1, "/a//b"), ==, EINVAL);
	g_assert_cmpint(owners_claim(&o, 1, "lights"), ==, EINVAL);
	g_assert_cmpuint(o.n, ==, 3);

	len = sizeof(out);
	g_assert_cmphex(views_write_rt(out, &len, &v, in, n), ==, BIT(GEST_OWNER));
	expect(out, len, "/sound/1");

	/* who owns all there is may write patterns */
	owners_release(&o, 2);
	len = sizeof(out);
	g_assert_cmphex(views_write_rt(out, &len, &v, in, n), ==, 0);
	expect(out, len, "/lights/1 /sound/1 /l*/1");
	g_assert_cmpint(owners_claim(&o, 3, "/lights/3"), ==, 0);
	g_assert_true(owners_may(&o, 1, "/lights/1", 9));
	g_assert_false(owners_may(&o, 1, "/lights/3", 9));
	g_assert_false(owners_may(&o, 1, "/l*", 3));

	/* claims bind towards flat receivers only */
	v.view = VIEW_SOURCE;
	n = packet(in, sizeof(in), "/lights/3");
	len = sizeof(out);
	g_assert_cmphex(views_write_rt(out, &len, &v, in, n), ==, 0);
}

static void full(void)
{
	static struct owners o;
	char p[32];

	for (int i = 0; i <= OWNERS_MAX; i++) {
		g_snprintf(p, sizeof(p), "/a/%d", i);
		g_assert_cmpint(owners_claim(&o, 1, p), ==, i < OWNERS_MAX ? 0 : E2BIG);
	}
}

static void names(void)
{
	g_assert_true(views_name_ok("anna", 4));
	g_assert_true(views_name_ok("-a.b_9", 6));
	g_assert_true(views_name_ok("12345678901234567890123456789012", 32));
	g_assert_false(views_name_ok("123456789012345678901234567890123", 33));
	g_assert_false(views_name_ok("", 0));
	g_assert_false(views_name_ok("_a", 2));
	g_assert_false(views_name_ok(".a", 2));
	g_assert_false(views_name_ok("a/b", 3));
	g_assert_false(views_name_ok("a b", 3));
}

/* "A time tag of value 1 (\"immediately\") is always immediate": in any depth the others move. */
static void timetags(void)
{
	static const uint64_t tags[] = {UINT64_C(0xe8f0000080000000), 77, OSC_NOW, UINT64_MAX};
	struct views v = {VIEW_PREFIX, NULL, true, 1200, "bob", "anna", 1, NULL, false, (uint64_t)-5 << 32};
	const struct osc_arg a = {.tag = 'i', .v.i = 1};
	uint8_t in[1200], out[1200];
	struct osc_writer w;
	struct osc_iter it;
	struct osc_msg msg;
	size_t n, len;

	osc_w_init(&w, in, sizeof(in));
	for (unsigned i = 0; i < G_N_ELEMENTS(tags); i++) {
		osc_w_bundle(&w, tags[i]);
		osc_w_msg(&w, "/a", &a, 1);
	}
	for (unsigned i = 0; i < G_N_ELEMENTS(tags); i++)
		osc_w_bundle_end(&w);
	g_assert_cmpint(osc_w_end(&w, &n), ==, 0);
	for (unsigned at_once = 0; at_once < 2; at_once++) {
		v.at_once = at_once;
		len = sizeof(out);
		g_assert_cmphex(views_write_rt(out, &len, &v, in, n), ==, 0);
		osc_iter_init(&it, out, len);
		for (unsigned i = 0; i < G_N_ELEMENTS(tags); i++) {
			g_assert_true(osc_next(&it, &msg));
			g_assert_cmphex(it.timetag, ==, at_once || tags[i] == OSC_NOW ? OSC_NOW : tags[i] - (UINT64_C(5) << 32));
		}
		g_assert_false(osc_next(&it, &msg));
	}
}

/* Whatever is left out, what remains is a packet no longer than may be. */
static void any_size(void)
{
	uint8_t in[1200], out[1200];
	const struct views whole = {VIEW_PREFIX, NULL, true, 1200, "bob", "anna", 1, NULL, false, 0};
	const size_t n = packet(in, sizeof(in), "/a /bbbb /cccccccc /dddddddddddd /e");
	size_t all = sizeof(out);

	g_assert_cmphex(views_write_rt(out, &all, &whole, in, n), ==, 0);
	g_assert_cmpuint(all, <, 200);
	for (size_t max = 0; max <= 200; max += 4) {
		const struct views v = {VIEW_PREFIX, NULL, true, max, "bob", "anna", 1, NULL, false, 0};
		size_t len = sizeof(out);
		const unsigned errors = views_write_rt(out, &len, &v, in, n);

		g_assert_cmpuint(len, <=, max);
		if (len)
			g_assert_cmpint(osc_check(out, len, max), ==, 0);
		g_assert_cmphex(errors, ==, max < all ? BIT(GEST_TOO_BIG) : 0);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/views/timetags", timetags);
	g_test_add_func("/views/views", views);
	g_test_add_func("/views/long-address", long_address);
	g_test_add_func("/views/owners", owners);
	g_test_add_func("/views/full", full);
	g_test_add_func("/views/names", names);
	g_test_add_func("/views/any-size", any_size);
	return g_test_run();
}
