/* A call's record says who, where, as what, how long and how it ended; and as CSV no name becomes a formula. */
#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include <re.h>
#include "control/cdr.h"
#include "control/event.h"
#include "control/loop.h"

static struct mixer *mixer;
static struct control *control;
static struct store *store;
static struct cdrs *cdrs;
static char *dir, *path;

static void setup(void)
{
	const struct mixer_conf mc = { .port_min = 34000, .port_max = 48000 };
	struct control_conf cc = { .auto_rooms = true };
	char *why = NULL;

	dir = g_dir_make_tmp("tutti-cdr-XXXXXX", NULL);
	path = g_build_filename(dir, "tutti.db", NULL);
	g_assert_cmpint(loop_init(), ==, 0);
	g_assert_cmpint(store_open(&store, path, &why), ==, 0);
	cc.store = store;
	g_assert_cmpint(mixer_alloc(&mixer, &mc), ==, 0);
	g_assert_cmpint(control_alloc(&control, &cc, mixer), ==, 0);
	g_assert_cmpint(cdrs_alloc(&cdrs, control), ==, 0);
}

static void house_down(void)
{
	cdrs = mem_deref(cdrs);
	control = mem_deref(control);
	mixer = mem_deref(mixer);
	store = mem_deref(store);
}

static void teardown(void)
{
	house_down();
	loop_close();
	g_unlink(path);
	g_assert_cmpint(g_rmdir(dir), ==, 0);
	g_free(path);
	g_free(dir);
}

static const struct actor sys = { .kind = ACTOR_SYSTEM };

static uint32_t join(const char *room, const char *uri, enum role role)
{
	static const struct face face = { .leg = NULL };
	const struct command cmd = { .verb = VERB_JOIN, .room = room, .uri = uri, .role = role, .face = &face };
	struct result res = { 0 };

	g_assert_cmpint(control_run(control, &sys, &cmd, &res), ==, 0);
	return res.member;
}

static void leave(uint32_t member, const char *why)
{
	const struct command cmd = { .verb = VERB_LEAVE, .member = member, .text = why };

	g_assert_cmpint(control_run(control, &sys, &cmd, NULL), ==, 0);
}

static struct cdr *begin(const char *call_id, bool outgoing)
{
	const struct cdr_call call = { call_id, "sip:ann@x", "Ann", "sip:band@y", NULL, outgoing };
	struct cdr *c = NULL;

	g_assert_cmpint(cdr_begin(&c, cdrs, &call), ==, 0);
	return c;
}

static void on_sync(int err, void *arg)
{
	g_assert_cmpint(err, ==, 0);
	loop_stop();
}

static bool to_text(uint64_t id, const struct store_cdr *c, void *arg)
{
	g_assert_cmpuint(c->start_ms, >, 1700000000000);
	g_assert_true(!c->answer_ms || (c->answer_ms >= c->start_ms && c->end_ms >= c->answer_ms));
	g_assert_cmpuint(c->end_ms, >=, c->start_ms);
	g_string_append_printf(arg, "%s %s %s %s [%s] %s %u %s%s; ", c->call_id, c->from, c->to, c->outgoing ? "out" : "in", c->room,
			       c->role[0] ? c->role : "-", c->status, c->why, c->answer_ms ? " answered" : "");
	return true;
}

static char *rows(void)
{
	GString *text = g_string_new(NULL);

	g_assert_cmpint(store_sync(store, on_sync, NULL), ==, 0);
	g_assert_cmpint(loop_run(NULL), ==, 0);
	g_assert_cmpint(store_cdrs(store, &(struct store_cdr_query){ .limit = 0 }, to_text, text), ==, 0);
	return g_string_free(text, FALSE);
}

#define EXPECT(want) \
	do { \
		char *rows_ = rows(); \
		g_assert_cmpstr(rows_, ==, want); \
		g_free(rows_); \
	} while (0)

static void test_member(void)
{
	const struct command role = { .verb = VERB_ROLE, .role = ROLE_HOST };
	struct command cmd = role;
	struct cdr *c;
	uint32_t id;

	setup();
	c = begin("one", false);
	id = join("band", "sip:ann@x", ROLE_SPEAKER);
	cdr_joined(c, id);
	cdr_final(c, 200);
	EXPECT("");

	cmd.member = id;
	g_assert_cmpint(control_run(control, &sys, &cmd, NULL), ==, 0);
	leave(id, "bye");
	cdr_end(c, "bye", NULL);
	cdr_end(c, "again", NULL);
	mem_deref(c);
	EXPECT("one sip:ann@x sip:band@y in [band] host 200 bye answered; ");
	teardown();
}

static void test_moved(void)
{
	struct command move = { .verb = VERB_MOVE, .room = "duo" };
	uint32_t id, other;
	struct cdr *c;

	setup();
	c = begin("one", false);
	other = join("duo", "sip:bob@x", ROLE_LISTENER);
	id = join("band", "sip:ann@x", ROLE_SPEAKER);
	cdr_joined(c, id);
	cdr_final(c, 200);
	move.member = id;
	g_assert_cmpint(control_run(control, &sys, &move, NULL), ==, 0);
	leave(other, "bye");              /* not this one's role */
	leave(id, "bye");
	cdr_end(c, "bye", NULL);
	mem_deref(c);
	EXPECT("one sip:ann@x sip:band@y in [duo] speaker 200 bye answered; ");
	teardown();
}

/* No member, no answer, no call at all. */
static void test_others(void)
{
	const struct cdr_call call = { "five", "sip:eve@x", "", "sip:band@y", "band", false };
	struct cdr *c;

	setup();
	c = begin("echo", false);
	cdr_final(c, 200);
	cdr_end(c, "bye", NULL);
	mem_deref(c);

	c = begin("busy", true);
	cdr_final(c, 486);
	cdr_final(c, 200);                /* the first one counts */
	cdr_end(c, "Busy Here", NULL);
	mem_deref(c);

	c = begin("turned-away", false);  /* cdr_refused tells it */
	cdr_final(c, 403);
	cdr_end(c, "Forbidden", NULL);
	mem_deref(c);

	c = begin("dropped", true);       /* freed without an end: nothing is written */
	mem_deref(c);

	cdr_refused(cdrs, &call, 403, "Forbidden");
	EXPECT("five sip:eve@x sip:band@y in [band] - 403 Forbidden; busy sip:ann@x sip:band@y out [] - 486 Busy Here; "
	       "echo sip:ann@x sip:band@y in [] - 200 bye answered; ");
	teardown();
}

static void test_flood(void)
{
	const struct cdr_call call = { "flood", "sip:eve@x", "", "sip:band@y", "band", false };
	struct cdrs_stats st;

	setup();
	for (unsigned i = 0; i < 10000; i++)
		cdr_refused(cdrs, &call, 403, "Forbidden");
	cdrs_stats(cdrs, &st);
	g_assert_cmpuint(st.written, >=, 200);
	g_assert_cmpuint(st.written, <, 2000);
	g_assert_cmpuint(st.written + st.left_out, ==, 10000);
	g_assert_cmpuint(st.failed, ==, 0);
	teardown();
}

/* The process goes while a call runs: the next one tells it, with the room it was in. */
static void test_cut(void)
{
	struct cdr *answered, *ringing;
	char *why = NULL;

	setup();
	answered = begin("answered", false);
	cdr_final(answered, 200);
	cdr_joined(answered, join("band", "sip:ann@x", ROLE_SPEAKER));
	ringing = begin("ringing", true);
	mem_deref(answered);
	mem_deref(ringing);
	house_down();

	g_assert_cmpint(store_open(&store, path, &why), ==, 0);
	EXPECT("answered sip:ann@x sip:band@y in [band] speaker 200 killed answered; ");
	teardown();
}

/* A house without a store: everything goes its way, nothing is written. */
static void test_no_store(void)
{
	struct control_conf cc = { .auto_rooms = true };
	struct cdrs_stats st;
	struct cdr *c;

	setup();
	cdrs = mem_deref(cdrs);
	control = mem_deref(control);
	g_assert_cmpint(control_alloc(&control, &cc, mixer), ==, 0);
	g_assert_cmpint(cdrs_alloc(&cdrs, control), ==, 0);
	c = begin("one", false);
	cdr_final(c, 200);
	cdr_end(c, "bye", NULL);
	mem_deref(c);
	cdr_final(NULL, 200);
	cdr_joined(NULL, 1);
	cdr_end(NULL, "bye", NULL);
	cdrs_stats(cdrs, &st);
	g_assert_cmpuint(st.written + st.failed, ==, 0);
	teardown();
}

/* --- CSV --- */

static void test_csv(void)
{
	static const struct { const char *name, *cell; } texts[] = {
		{ "Ann", "Ann" },
		{ "", "" },
		{ "Ann, the \"loud\"", "\"Ann, the \"\"loud\"\"\"" },
		{ "=HYPERLINK(\"http://x\")", "\"'=HYPERLINK(\"\"http://x\"\")\"" },
		{ "+49 30 123", "\"'+49 30 123\"" },
		{ "-1", "\"'-1\"" },
		{ "@SUM(A1)", "\"'@SUM(A1)\"" },
		{ "\tx", "\"'\tx\"" },
		{ "\r=x", "\"'\r=x\"" },
		{ "a\nb", "\"a\nb\"" },
		{ "a=b+c", "a=b+c" },
		{ "100%s", "100%s" },
	};
	struct store_cdr c = { .call_id = "id", .from = "sip:ann@x", .to = "sip:band@y", .start_ms = 1732147200123, .end_ms = 1732147202000,
			       .status = 404, .why = "Not Found" };
	struct cdr_row row = { 7, &c };
	char *got = NULL, *want;

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_strlcpy(c.from_name, texts[i].name, sizeof(c.from_name));
		g_assert_cmpint(re_sdprintf(&got, "%H", cdr_csv, &row), ==, 0);
		want = g_strdup_printf("7,id,in,sip:ann@x,%s,sip:band@y,,,2024-11-21T00:00:00.123Z,,2024-11-21T00:00:02.000Z,0.000,404,"
				       "Not Found,,0,0,0,0,0,0,0,0,,\r\n", texts[i].cell);
		g_assert_cmpstr(got, ==, want);
		g_free(want);
		got = mem_deref(got);
	}
}

static void test_csv_full(void)
{
	const struct store_cdr c = {
		.call_id = "id", .from = "sip:band@y", .to = "sip:ann@x", .room = "band", .role = "host", .why = "bye", .codec = "opus",
		.outgoing = true, .start_ms = 1732147200000, .answer_ms = 1732147201500, .end_ms = 1732147261502, .status = 200,
		.rx_packets = 5000000000, .tx_packets = 2, .lost = 3, .late = 4, .concealed = 5, .jitter_us = 6, .rtt_us = 7,
		.buffer_ms = 8, .r_factor = 91.4f, .mos = 4.3f,
	};
	const struct cdr_row row = { 1, &c };
	char *head = NULL, *got = NULL;
	char **names, **cells;

	g_assert_cmpint(re_sdprintf(&head, "%H", cdr_csv_head, NULL), ==, 0);
	g_assert_cmpint(re_sdprintf(&got, "%H", cdr_csv, &row), ==, 0);
	g_assert_cmpstr(got, ==, "1,id,out,sip:band@y,,sip:ann@x,band,host,2024-11-21T00:00:00.000Z,2024-11-21T00:00:01.500Z,"
			"2024-11-21T00:01:01.502Z,60.002,200,bye,opus,5000000000,2,3,4,5,6,7,8,91.4,4.3\r\n");
	names = g_strsplit(head, ",", -1);
	cells = g_strsplit(got, ",", -1);
	g_assert_cmpuint(g_strv_length(names), ==, g_strv_length(cells));
	g_strfreev(names);
	g_strfreev(cells);
	mem_deref(head);
	mem_deref(got);
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/cdr/member", test_member);
	g_test_add_func("/cdr/moved", test_moved);
	g_test_add_func("/cdr/others", test_others);
	g_test_add_func("/cdr/flood", test_flood);
	g_test_add_func("/cdr/cut", test_cut);
	g_test_add_func("/cdr/no-store", test_no_store);
	g_test_add_func("/cdr/csv", test_csv);
	g_test_add_func("/cdr/csv-full", test_csv_full);
	return g_test_run();
}
