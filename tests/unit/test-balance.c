/*
 * test-balance.c - which room moves where: shares in percent in, room and thread out.
 */
#include <glib.h>
#include "mixer/balance.h"

enum { POINT = 10000 };

struct row {
	const char *what;
	uint32_t thread[4];       /* percent; 999: there is none */
	struct { unsigned thread; uint32_t share; } room[4];      /* share 0: there is none */
	int want;
	unsigned to;
};

static const struct row rows[] = {
	{"nothing to do", {0, 0, 999, 999}, {{0, 0}}, -1, 0},
	{"busy, but all are", {90, 70, 999, 999}, {{0, 20}, {0, 70}}, -1, 0},
	{"uneven, but nobody is busy", {60, 0, 999, 999}, {{0, 30}, {0, 30}}, -1, 0},
	{"one room is all there is", {90, 0, 999, 999}, {{0, 90}}, -1, 0},
	{"one big and one small: the small one", {90, 10, 999, 999}, {{0, 80}, {0, 10}}, 1, 1},
	{"the one that evens best", {80, 0, 999, 999}, {{0, 10}, {0, 45}, {0, 25}}, 1, 1},
	{"to the one with the least", {80, 40, 10, 30}, {{0, 40}, {0, 40}}, 0, 2},
	{"not the rooms of others", {80, 10, 999, 999}, {{1, 10}, {0, 30}}, 1, 1},
	{"less than it is worth", {70, 10, 999, 999}, {{0, 4}, {0, 66}}, -1, 0},
	{"measured as more than the thread has", {70, 0, 999, 999}, {{0, 90}, {0, 30}}, 1, 1},
	{"the last thread is the busy one", {0, 5, 95, 999}, {{2, 50}, {2, 45}}, 0, 0},
	{"one thread", {100, 999, 999, 999}, {{0, 50}, {0, 50}}, -1, 0},
};

static void test_choose(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		const struct row *r = &rows[i];
		struct balance_room room[4];
		uint32_t share[4];
		unsigned n = 0, to;
		size_t n_rooms = 0;

		for (; n < 4 && r->thread[n] != 999; n++)
			share[n] = r->thread[n] * POINT;
		for (; n_rooms < 4 && r->room[n_rooms].share; n_rooms++)
			room[n_rooms] = (struct balance_room){r->room[n_rooms].thread, r->room[n_rooms].share * POINT};
		g_test_message("%s", r->what);
		g_assert_cmpint(balance_choose(&to, share, n, room, n_rooms), ==, r->want);
		if (r->want >= 0)
			g_assert_cmpuint(to, ==, r->to);
	}
}

/* After a move the same rule must not want it back. */
static void test_stays(void)
{
	for (uint32_t a = 0; a <= 100; a += 5)
		for (uint32_t b = 0; b <= 100; b += 5)
			for (uint32_t s = 5; s <= a; s += 5) {
				uint32_t share[2] = {a * POINT, b * POINT};
				struct balance_room room = {0, s * POINT};
				unsigned to;

				if (balance_choose(&to, share, 2, &room, 1) < 0)
					continue;
				share[0] -= room.share;
				share[1] += room.share;
				room.thread = 1;
				g_assert_cmpint(balance_choose(&to, share, 2, &room, 1), ==, -1);
			}
}

static void test_ripe(void)
{
	struct balance b = {0, 0};

	g_assert_false(balance_ripe(&b, true, 1000));
	g_assert_false(balance_ripe(&b, false, 2000));
	g_assert_false(balance_ripe(&b, true, 3000));
	g_assert_true(balance_ripe(&b, true, 4000));
	for (uint64_t ms = 5000; ms < 9000; ms += 1000)
		g_assert_false(balance_ripe(&b, true, ms));
	g_assert_true(balance_ripe(&b, true, 9000));
	g_assert_false(balance_ripe(&b, false, 20000));
	g_assert_false(balance_ripe(&b, true, 21000));
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/balance/choose", test_choose);
	g_test_add_func("/balance/stays", test_stays);
	g_test_add_func("/balance/ripe", test_ripe);
	return g_test_run();
}
