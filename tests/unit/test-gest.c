/*
 * test-gest.c - control messages there and back, what a party may send, and how often an error is told.
 */
#include <errno.h>
#include <glib.h>

#include "osc/gest.h"

static const struct {
	struct gest g;
	const char *addr, *tags;
	bool party;
} table[] = {
	{{.kind = GEST_REFRESH}, "/_gest/refresh", "", true},
	{{.kind = GEST_PING, .n = 7}, "/_gest/ping", "i", true},
	{{.kind = GEST_PONG, .n = 7, .now = 1234567890123}, "/_gest/pong", "it", true},
	{{.kind = GEST_JOIN, .name = "anna"}, "/_gest/join", "s", false},
	{{.kind = GEST_LEAVE, .name = "anna"}, "/_gest/leave", "s", false},
	{{.kind = GEST_SNAPSHOT_BEGIN, .name = "anna", .n = 3}, "/_gest/snapshot/begin", "si", false},
	{{.kind = GEST_SNAPSHOT_END, .name = "anna"}, "/_gest/snapshot/end", "s", false},
	{{.kind = GEST_OWNER_OF, .text = "/lights/*", .name = "bob"}, "/_gest/owner", "ss", false},
	{{.kind = GEST_ERROR, .n = GEST_OWNER, .name = "/lights/1", .text = "not yours"}, "/_gest/error", "iss", false},
};

static void there_and_back(void)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(table); i++) {
		uint8_t buf[128];
		size_t len = sizeof(buf), none = 8;
		struct osc_msg msg;
		struct gest g;

		g_assert_cmpint(gest_write(buf, &none, &table[i].g), ==, ENOSPC);
		g_assert_cmpint(gest_write(buf, &len, &table[i].g), ==, 0);
		g_assert_cmpint(osc_msg_read(&msg, buf, len), ==, 0);
		g_assert_cmpstr(msg.addr, ==, table[i].addr);
		g_assert_cmpstr(msg.tags, ==, table[i].tags);
		gest_read(&g, &msg);
		g_assert_cmpint(g.kind, ==, table[i].g.kind);
		g_assert_cmpint(g.n, ==, table[i].g.n);
		g_assert_cmpuint(g.now, ==, table[i].g.now);
		g_assert_cmpstr(g.name, ==, table[i].g.name);
		g_assert_cmpstr(g.text, ==, table[i].g.text);
		g_assert_cmpint(gest_from_party(g.kind), ==, table[i].party);
	}
}

static void others(void)
{
	static const struct { const char *buf; size_t len; } none[] = {
		{"/_gest/refresh\0\0,i\0\0\0\0\0\1", 24}, {"/_gest/ping\0,\0\0\0", 16}, {"/_gest/Ping\0,i\0\0\0\0\0\1", 20},
		{"/_gest/unknown\0\0,\0\0\0", 20}, {"/synth/gain\0,\0\0\0", 16}, {"/_gest/p*\0\0\0,i\0\0\0\0\0\1", 20},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(none); i++) {
		struct osc_msg msg;
		struct gest g;

		g_assert_cmpint(osc_msg_read(&msg, (const uint8_t *)none[i].buf, none[i].len), ==, 0);
		gest_read(&g, &msg);
		g_assert_cmpint(g.kind, ==, GEST_OTHER);
		g_assert_false(gest_from_party(g.kind));
	}
}

static void errors(void)
{
	struct gest_said s = {{0}};

	g_assert_true(gest_may_say(&s, GEST_RATE, 5000000));
	g_assert_false(gest_may_say(&s, GEST_RATE, 5999999));
	g_assert_true(gest_may_say(&s, GEST_TYPE, 5000001));
	g_assert_true(gest_may_say(&s, GEST_RATE, 6000000));
	g_assert_false(gest_may_say(&s, GEST_NONE, 6000000));
	g_assert_false(gest_may_say(&s, GEST_ERRORS, 6000000));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/gest/there-and-back", there_and_back);
	g_test_add_func("/gest/others", others);
	g_test_add_func("/gest/errors", errors);
	return g_test_run();
}
