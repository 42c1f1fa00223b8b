/*
 * test-periodhunt.c - when is the next longer period tried.
 */
#include <glib.h>
#include "client/periodhunt.h"

enum { MS = 1000, S = 1000000 };

/* begins at t 0 with period `has`; xruns at these times; what the last of them says. */
struct row { const char *what; uint32_t asked, has; unsigned n; uint64_t xrun[8]; bool moves; uint32_t to; };

static const struct row rows[] = {
	{"a single one",               0,  64, 1, {2 * S},                               false,  64},
	{"two",                        0,  64, 2, {2 * S, 3 * S},                        true,   96},
	{"two far from each other",    0,  64, 2, {1 * S, 7 * S},                        false,  64},
	{"while it begins",            0,  64, 3, {50 * MS, 100 * MS, 200 * MS},         false,  64},
	{"and one more",               0,  64, 3, {50 * MS, 100 * MS, 400 * MS},         false,  64},
	{"later, two",                 0,  64, 2, {60 * S, 61 * S},                      false,  64},
	{"later, a row",               0,  64, 6, {60 * S, 61 * S, 62 * S, 63 * S, 64 * S, 65 * S}, true, 96},
	{"later, no row",              0,  64, 6, {60 * S, 62 * S, 64 * S, 66 * S, 68 * S, 70 * S}, false, 64},
	{"the next after the device's", 0, 100, 2, {1 * S, 2 * S},                       true,  128},
	{"256 to 512",                 0, 256, 2, {1 * S, 2 * S},                        true,  512},
	{"512 is the last",            0, 512, 2, {1 * S, 2 * S},                        false, 512},
	{"longer than all",            0, 900, 2, {1 * S, 2 * S},                        false, 900},
	{"a chosen one stays",       128, 128, 4, {1 * S, 2 * S, 3 * S, 4 * S},          false, 128},
};

static void test_rows(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		const struct row *r = &rows[i];
		const uint64_t t0 = 123456789;
		struct periodhunt h;
		bool moves = false;

		g_test_message("%s", r->what);
		periodhunt_init(&h, r->asked);
		g_assert_cmpuint(h.period, ==, r->asked ? r->asked : PERIODHUNT_FIRST);
		periodhunt_runs(&h, r->has, t0);
		for (unsigned k = 0; k < r->n; k++) {
			g_assert_false(moves);
			moves = periodhunt_xrun(&h, t0 + r->xrun[k]);
		}
		g_assert_true(moves == r->moves);
		g_assert_cmpuint(h.period, ==, r->to);
	}
}

/* A machine that is too slow for all but the last gets there, and no further. */
static void test_up(void)
{
	static const uint32_t steps[] = {96, 128, 192, 256, 512};
	struct periodhunt h;
	uint64_t t = 5 * S;

	periodhunt_init(&h, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
		periodhunt_runs(&h, h.period, t);
		g_assert_false(periodhunt_xrun(&h, t + 1 * S));
		g_assert_true(periodhunt_xrun(&h, t + 2 * S));
		g_assert_cmpuint(h.period, ==, steps[i]);
		t += 3 * S;
	}
	for (unsigned i = 0; i < 100; i++)
		g_assert_false(periodhunt_xrun(&h, t + i * S));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/periodhunt/rows", test_rows);
	g_test_add_func("/periodhunt/up", test_up);
	return g_test_run();
}
