/*
 * test-oscquery.c - an address space as JSON: the tree, its attributes, values of all types, text of any octets.
 */
#include <errno.h>
#include <glib.h>
#include <json-glib/json-glib.h>
#include <math.h>
#include <re.h>
#include <string.h>

#include "osc/osc.h"
#include "osc/oscquery_tree.h"

enum { NODES = 16 };

static struct oscquery_node nodes[NODES];
static uint8_t bytes[NODES][256];
static unsigned n_nodes;

/* values: as osc_arg, tags from them */
static void add(const char *addr, const struct osc_arg *args, unsigned n, const char *text)
{
	struct oscquery_node *o = &nodes[n_nodes];
	struct osc_writer w;
	struct osc_msg msg;

	osc_w_init(&w, bytes[n_nodes], sizeof(bytes[0]));
	osc_w_msg(&w, addr, args, n);
	g_assert_cmpint(osc_w_end(&w, &o->len), ==, 0);
	g_assert_cmpint(osc_msg_read(&msg, bytes[n_nodes], o->len), ==, 0);
	o->addr   = msg.addr;
	o->tags   = msg.tags;
	o->access = OSCQUERY_READ;
	o->text   = text;
	o->msg    = bytes[n_nodes++];
}

static char *written(const char *path, enum oscquery_attr attr, int want)
{
	struct mbuf *mb = mbuf_alloc(64);
	char *text;

	g_assert_cmpint(oscquery_write(mb, nodes, n_nodes, path, strlen(path), attr), ==, want);
	text = want ? NULL : g_strndup((const char *)mb->buf, mb->end);
	mem_deref(mb);
	if (text) {
		JsonParser *parser = json_parser_new();
		GError *err = NULL;

		(void)json_parser_load_from_data(parser, text, -1, &err);
		g_assert_no_error(err);
		g_object_unref(parser);
	}
	return text;
}

static void expect(const char *path, enum oscquery_attr attr, const char *json)
{
	char *text = written(path, attr, json ? 0 : attr == OSCQUERY_ALL ? ENOENT : ENODATA);

	g_assert_cmpstr(text, ==, json);
	g_free(text);
}

static void test_tree(void)
{
	const struct osc_arg f = {'f', .v.f = 0.5f}, i = {'i', .v.i = 100};

	n_nodes = 0;
	expect("/", OSCQUERY_ALL, "{\"FULL_PATH\":\"/\",\"ACCESS\":0}");
	add("/p/anna/gain-2", &f, 1, NULL);
	add("/p/bob/midi/1/note/60", &i, 1, NULL);
	add("/p/anna/gain", &f, 1, "How loud");
	add("/p/anna/gain/fine", &f, 1, NULL);
	add("/p/anna/gain", &i, 1, "again");
	n_nodes = oscquery_sort(nodes, n_nodes);
	g_assert_cmpuint(n_nodes, ==, 4);
	expect("/p/anna", OSCQUERY_ALL,
	       "{\"FULL_PATH\":\"/p/anna\",\"CONTENTS\":{"
	       "\"gain\":{\"FULL_PATH\":\"/p/anna/gain\",\"CONTENTS\":{"
	       "\"fine\":{\"FULL_PATH\":\"/p/anna/gain/fine\",\"TYPE\":\"f\",\"ACCESS\":1,\"VALUE\":[0.5]}},"
	       "\"TYPE\":\"f\",\"ACCESS\":1,\"VALUE\":[0.5],\"DESCRIPTION\":\"How loud\"},"
	       "\"gain-2\":{\"FULL_PATH\":\"/p/anna/gain-2\",\"TYPE\":\"f\",\"ACCESS\":1,\"VALUE\":[0.5]}},\"ACCESS\":0}");
	expect("/p/bob/midi/1/note/60", OSCQUERY_ALL,
	       "{\"FULL_PATH\":\"/p/bob/midi/1/note/60\",\"TYPE\":\"i\",\"ACCESS\":1,\"VALUE\":[100],"
	       "\"RANGE\":[{\"MIN\":0,\"MAX\":127}]}");
	expect("/p/ann", OSCQUERY_ALL, NULL);
	expect("/p/anna/gain/", OSCQUERY_ALL, NULL);
	expect("/q", OSCQUERY_ALL, NULL);
	expect("/p/anna/gain", OSCQUERY_VALUE, "{\"VALUE\":[0.5]}");
	expect("/p/anna/gain", OSCQUERY_TYPE, "{\"TYPE\":\"f\"}");
	expect("/p/anna/gain", OSCQUERY_ACCESS, "{\"ACCESS\":1}");
	expect("/p/anna/gain", OSCQUERY_DESCRIPTION, "{\"DESCRIPTION\":\"How loud\"}");
	expect("/p/anna/gain", OSCQUERY_RANGE, NULL);
	expect("/p/anna", OSCQUERY_VALUE, NULL);
	expect("/p/anna", OSCQUERY_FULL_PATH, "{\"FULL_PATH\":\"/p/anna\"}");
	expect("/", OSCQUERY_FULL_PATH, "{\"FULL_PATH\":\"/\"}");
}

static void test_values(void)
{
	static const struct { struct osc_arg arg[4]; unsigned n; const char *value; } cases[] = {
		{{{'i', .v.i = -7}}, 1, "[-7]"},
		{{{'h', .v.h = INT64_C(-9007199254740993)}}, 1, "[-9007199254740993]"},
		{{{'d', .v.d = 0.1}}, 1, "[0.10000000000000001]"},
		{{{'f', .v.f = 1e20f}}, 1, "[1.00000002e+20]"},
		{{{'f', .v.f = (float)INFINITY}, {'d', .v.d = NAN}}, 2, "[null,null]"},
		{{{.tag = 'T'}, {.tag = 'F'}, {.tag = 'N'}, {.tag = 'I'}}, 4, "[true,false,null,null]"},
		{{{'s', .v.s = "a\"b\\c\n\x7f"}}, 1, "[\"a\\\"b\\\\c\\u000a\\u007f\"]"},
		{{{'s', .v.s = "\xc3\xa4 \xc3 \xed\xa0\x80 \xf0\x9d\x84\x9e \xc0\xaf"}}, 1,
		 "[\"\xc3\xa4 \xef\xbf\xbd \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd \xf0\x9d\x84\x9e \xef\xbf\xbd\xef\xbf\xbd\"]"},
		{{{'c', .v.c = 'x'}, {'c', .v.c = 0x1d11e}}, 2, "[\"x\",null]"},
		{{{'r', .v.m = {1, 0xab, 255, 0}}}, 1, "[\"#01ABFF00\"]"},
		{{{.tag = '['}, {'i', .v.i = 1}, {.tag = ']'}, {'i', .v.i = 2}}, 4, "[[1],2]"},
		{{{.tag = '['}, {.tag = ']'}, {.tag = '['}, {.tag = ']'}}, 4, "[[],[]]"},
		{{{.tag = '['}, {.tag = '['}, {.tag = ']'}, {.tag = ']'}}, 4, "[[[]]]"},
		{{{'t', .v.t = 1}, {'b', .v.b = {(const uint8_t *)"x", 1}}, {'m', .v.m = {0}}}, 3, "[null,null,null]"},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		char *want = g_strdup_printf("{\"VALUE\":%s}", cases[i].value);

		n_nodes = 0;
		add("/x", cases[i].arg, cases[i].n, NULL);
		expect("/x", OSCQUERY_VALUE, want);
		g_free(want);
	}
}

static void test_ranges(void)
{
	static const struct { const char *addr; char tag; const char *range; } cases[] = {
		{"/midi/16/bend", 'i', "{\"RANGE\":[{\"MIN\":0,\"MAX\":16383}]}"},
		{"/p/x/midi/1/cc/7", 'f', "{\"RANGE\":[{\"MIN\":0,\"MAX\":1}]}"},
		{"/midi/1/cc/7", 'd', NULL}, {"/midi/1/other", 'i', NULL}, {"/midi/cc/7", 'i', NULL}, {"/mid/1/cc/7", 'i', NULL},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(cases); i++) {
		const struct osc_arg arg = {.tag = cases[i].tag};

		n_nodes = 0;
		add(cases[i].addr, &arg, 1, NULL);
		expect(cases[i].addr, OSCQUERY_RANGE, cases[i].range);
	}
}

/* As deep as an address can be: the tree ends before the stack does. */
static void test_deep(void)
{
	char addr[OSC_ADDR_MAX + 1];
	char *text;

	for (unsigned i = 0; i < 254; i++)
		addr[i] = i % 2 ? 'a' : '/';
	addr[254] = '\0';
	n_nodes = 0;
	nodes[0] = (struct oscquery_node){.addr = addr, .tags = "i", .access = OSCQUERY_WRITE};
	n_nodes = 1;
	text = written("/", OSCQUERY_ALL, 0);
	g_assert_nonnull(strstr(text, "/a/a/a"));
	g_free(text);
	text = written(addr, OSCQUERY_ALL, 0);
	g_assert_nonnull(strstr(text, "\"ACCESS\":2"));
	g_assert_null(strstr(text, "VALUE"));
	g_free(text);
}

static void test_attrs(void)
{
	g_assert_cmpint(oscquery_attr("VALUE", 5), ==, OSCQUERY_VALUE);
	g_assert_cmpint(oscquery_attr("FULL_PATH", 9), ==, OSCQUERY_FULL_PATH);
	g_assert_cmpint(oscquery_attr("value", 5), ==, OSCQUERY_ATTRS);
	g_assert_cmpint(oscquery_attr("VALU", 4), ==, OSCQUERY_ATTRS);
	g_assert_cmpint(oscquery_attr("", 0), ==, OSCQUERY_ATTRS);
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/oscquery/tree", test_tree);
	g_test_add_func("/oscquery/values", test_values);
	g_test_add_func("/oscquery/ranges", test_ranges);
	g_test_add_func("/oscquery/deep", test_deep);
	g_test_add_func("/oscquery/attributes", test_attrs);
	return g_test_run();
}
