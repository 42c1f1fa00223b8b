/*
 * test-align.c - what waits for its moment, and what may not overtake what.
 */
#include <string.h>
#include <glib.h>
#include "client/align.h"

static struct align *a;

static void put(enum align_what what, const char *from, const char *addr, int value, uint64_t due_us, uint32_t early_us)
{
	const struct osc_arg arg = {.tag = 'i', .v.i = value};
	struct osc_writer w;
	struct osc_msg msg;
	uint8_t buf[256];
	size_t len;

	osc_w_init(&w, buf, sizeof(buf));
	osc_w_msg(&w, addr, &arg, 1);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	g_assert_cmpint(osc_msg_read(&msg, buf, len), ==, 0);
	g_assert_cmpint(align_put(a, what, from, &msg, due_us, early_us), ==, 0);
}

/* -1: nothing. */
static int take(uint64_t now_us)
{
	const struct align_item *item = align_take(a, now_us);
	struct osc_args it;
	struct osc_arg arg;

	if (!item)
		return -1;
	osc_args_init(&it, &item->msg);
	g_assert_true(osc_arg_next(&it, &arg));
	return arg.v.i;
}

static void begin(void) { g_assert_cmpint(align_alloc(&a), ==, 0); }
static void end(void)   { a = mem_deref(a); }

static void test_order(void)
{
	begin();
	g_assert_true(align_due(a) == UINT64_MAX);
	put(ALIGN_OSC, "anna", "/a", 1, 300, 0);
	put(ALIGN_OSC, "anna", "/b", 2, 100, 0);
	put(ALIGN_OSC, "bob", "/a", 3, 200, 0);
	put(ALIGN_OSC, "bob", "/c", 4, 200, 0);
	g_assert_cmpuint(align_due(a), ==, 100);
	g_assert_cmpint(take(99), ==, -1);
	g_assert_cmpint(take(100), ==, 2);
	g_assert_cmpint(take(250), ==, 3);
	g_assert_cmpint(take(250), ==, 4);
	g_assert_cmpint(take(250), ==, -1);
	g_assert_cmpint(take(300), ==, 1);
	g_assert_true(align_due(a) == UINT64_MAX);
	end();
}

/* The same address, and all MIDI of a player, keep the order in which they came. */
static void test_tied(void)
{
	struct osc_msg msg = {.addr = "/midi/1/note/60", .addr_len = 15};

	begin();
	put(ALIGN_OSC, "anna", "/a", 1, 300, 0);
	put(ALIGN_OSC, "anna", "/a", 2, 100, 0);          /* a journal's: it lost its time */
	put(ALIGN_MIDI, "anna", "/midi/1/note/60", 3, 400, 50);
	put(ALIGN_MIDI, "anna", "/midi/1/off/60", 4, 100, 50);
	put(ALIGN_MIDI, "bob", "/midi/1/note/60", 5, 100, 50);
	g_assert_true(align_waits(a, ALIGN_MIDI, "bob", &msg));
	g_assert_false(align_waits(a, ALIGN_OSC, "bob", &msg));
	g_assert_cmpint(take(100), ==, 5);
	g_assert_cmpint(take(299), ==, -1);
	g_assert_cmpint(take(300), ==, 1);
	g_assert_cmpint(take(300), ==, 2);
	g_assert_cmpint(take(349), ==, -1);
	g_assert_cmpint(take(350), ==, 3);                /* 50 before its time */
	g_assert_cmpint(take(350), ==, 4);
	end();
}

static void test_drop(void)
{
	begin();
	put(ALIGN_OSC, "anna", "/a", 1, 100, 0);
	put(ALIGN_OSC, "bob", "/a", 2, 100, 0);
	align_drop(a, "anna");
	g_assert_cmpint(take(100), ==, 2);
	put(ALIGN_OSC, "anna", "/a", 1, 100, 0);
	align_drop(a, NULL);
	g_assert_cmpint(take(100), ==, -1);
	end();
}

/* Beyond the bound the oldest is due before its time, and nothing is lost. */
static void test_full(void)
{
	begin();
	for (int i = 0; i < ALIGN_ITEMS + 10; i++)
		put(ALIGN_OSC, "anna", i % 2 ? "/a" : "/b", i, 1000000 + (uint64_t)i, 0);
	for (int i = 0; i < 10; i++) {
		g_assert_cmpuint(align_due(a), ==, 0);
		g_assert_cmpint(take(0), ==, i);
	}
	g_assert_cmpint(take(0), ==, -1);
	for (int i = 10; i < ALIGN_ITEMS + 10; i++)
		g_assert_cmpint(take(UINT64_MAX), ==, i);
	end();
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/align/order", test_order);
	g_test_add_func("/align/tied", test_tied);
	g_test_add_func("/align/drop", test_drop);
	g_test_add_func("/align/full", test_full);
	return g_test_run();
}
