/*
 * test-view.c - the matrix of private mixes against a plain array of N x N, and the rows made of it.
 */
#include <errno.h>
#include <glib.h>
#include <math.h>
#include <string.h>

#include "mixer/view.h"
#include "tests/lib/rtguard.h"

enum { N = 12, ROUNDS = 20000 };

struct band { struct view_pool pool; struct view_end end[N]; };

static struct band *band_new(uint32_t max)
{
	struct band *b = g_new0(struct band, 1);

	b->pool.max = max;
	for (unsigned i = 0; i < N; i++)
		view_end_init(&b->end[i], &b->pool);
	return b;
}

static void band_free(struct band *b)
{
	for (unsigned i = 0; i < N; i++)
		view_end_clear(&b->end[i]);
	g_assert_cmpuint(b->pool.n, ==, 0);
	g_free(b);
}

static struct view_row *row_of(struct view_end *e)
{
	struct view_row *r;

	g_assert_cmpint(view_row_alloc(&r, e), ==, 0);
	return r;
}

/* --- what may be said --- */

static void test_bounds(void)
{
	static const struct { float gain, pan; int err; } row[] = {
		{0, 0, 0}, {1, LEG_PAN_SAME, 0}, {16, -1, 0}, {0.5f, 1, 0}, {2, LEG_PAN_SAME, 0},
		{-0.01f, 0, EINVAL}, {16.01f, 0, EINVAL}, {NAN, 0, EINVAL}, {INFINITY, 0, EINVAL}, {-INFINITY, 0, EINVAL},
		{1, -1.01f, EINVAL}, {1, 1.01f, EINVAL}, {1, 3, EINVAL}, {1, NAN, EINVAL}, {1, INFINITY, EINVAL},
	};
	struct band *b = band_new(1000), *other = band_new(1000);
	float gain, pan;

	for (unsigned i = 0; i < G_N_ELEMENTS(row); i++) {
		view_begin(&b->end[0]);
		g_assert_cmpint(view_set(&b->end[0], &b->end[1], row[i].gain, row[i].pan), ==, row[i].err);
		view_get(&b->end[0], &b->end[1], &gain, &pan);
		if (!row[i].err) {
			g_assert_true(gain == row[i].gain && pan == row[i].pan);
		}
	}
	g_assert_cmpint(view_set(&b->end[0], &b->end[0], 0.5f, 0), ==, EINVAL);
	g_assert_cmpint(view_set(&b->end[0], &other->end[1], 0.5f, 0), ==, EINVAL);
	g_assert_cmpuint(b->pool.n, ==, 1);
	g_assert_cmpuint(b->pool.refused, ==, 0);
	band_free(b);
	band_free(other);
}

/* The middle is exactly 1, the ends are exactly 0 on the far side, the power is the same all the way. */
static void test_place(void)
{
	for (int i = -100; i <= 100; i++) {
		struct view_pair p = view_place((float)i / 100);

		g_assert_cmpfloat(fabs(p.l * p.l + p.r * p.r - 2), <, 1e-5);
		g_assert_true(p.l >= 0 && p.r >= 0);
		g_assert_true(i < 0 ? p.l > p.r : i > 0 ? p.l < p.r : p.l == 1 && p.r == 1);
		g_assert_true(i != 100 || p.l == 0);
		g_assert_true(i != -100 || p.r == 0);
	}
}

static void test_limit(void)
{
	struct band *b = band_new(3);
	struct view_row *r;

	view_begin(&b->end[0]);
	for (unsigned i = 1; i < 4; i++)
		g_assert_cmpint(view_set(&b->end[0], &b->end[i], 0.5f, 0), ==, 0);
	r = row_of(&b->end[0]);
	view_begin(&b->end[1]);
	g_assert_cmpint(view_set(&b->end[1], &b->end[0], 1, LEG_PAN_SAME), ==, 0);       /* needs no cell */
	g_assert_cmpint(view_set(&b->end[1], &b->end[0], 0.5f, 0), ==, ENOSPC);
	g_assert_cmpuint(b->pool.refused, ==, 1);
	g_assert_cmpuint(b->pool.n, ==, 3);
	g_assert_cmpint(view_set(&b->end[0], &b->end[2], 0.25f, 0), ==, 0);              /* has one */
	view_end_clear(&b->end[3]);
	g_assert_cmpint(view_set(&b->end[1], &b->end[0], 0.5f, 0), ==, 0);
	mem_deref(r);
	band_free(b);
}

/* What is as it was makes no row; what is neutral stays in it until it is forgotten. */
static void test_neutral(void)
{
	struct band *b = band_new(1000);
	struct view_row *r;

	view_begin(&b->end[0]);
	g_assert_cmpint(view_set(&b->end[0], &b->end[1], 1, LEG_PAN_SAME), ==, 0);
	g_assert_null(row_of(&b->end[0]));
	g_assert_cmpint(view_set(&b->end[0], &b->end[1], 0, LEG_PAN_SAME), ==, 0);
	r = row_of(&b->end[0]);
	g_assert_false(r->neutral);
	mem_deref(r);
	view_begin(&b->end[0]);
	g_assert_cmpint(view_set(&b->end[0], &b->end[1], 0, LEG_PAN_SAME), ==, 0);
	g_assert_null(row_of(&b->end[0]));
	view_set_neutral(&b->end[0]);
	r = row_of(&b->end[0]);
	g_assert_true(r->neutral);
	g_assert_cmpuint(r->n, ==, 1);
	mem_deref(r);
	view_forget(&b->end[0]);
	g_assert_cmpuint(b->pool.n, ==, 0);
	band_free(b);
}

/* Equal is who makes the same of everybody, whatever else it once had. */
static void test_equal(void)
{
	struct band *b = band_new(1000);
	struct view_row *r[4];

	for (unsigned i = 0; i < 4; i++) {
		view_begin(&b->end[i]);
		g_assert_cmpint(view_set(&b->end[i], &b->end[7], 0.5f, 0), ==, 0);
		g_assert_cmpint(view_set(&b->end[i], &b->end[9], 2, i == 3 ? 0.5f : 0.25f), ==, 0);
	}
	g_assert_cmpint(view_set(&b->end[1], &b->end[8], 2, 0), ==, 0);
	g_assert_cmpint(view_set(&b->end[1], &b->end[8], 1, LEG_PAN_SAME), ==, 0);
	g_assert_cmpint(view_set(&b->end[2], &b->end[10], 2, 0), ==, 0);
	for (unsigned i = 0; i < 4; i++)
		r[i] = row_of(&b->end[i]);
	g_assert_true(view_row_equal(r[0], r[0]));
	g_assert_true(view_row_equal(r[0], r[1]));
	g_assert_true(view_row_equal(r[1], r[0]));
	for (unsigned i = 2; i < 4; i++) {
		g_assert_false(view_row_equal(r[0], r[i]));
		r[i]->hash = r[0]->hash;           /* ... and not only by a number that could be the same by chance */
		g_assert_false(view_row_equal(r[0], r[i]));
		g_assert_false(view_row_equal(r[i], r[0]));
	}
	for (unsigned i = 0; i < 4; i++)
		mem_deref(r[i]);
	band_free(b);
}

static void test_inherit(void)
{
	struct band *b = band_new(1000);
	struct view_row *old, *new;

	view_begin(&b->end[0]);
	for (unsigned i = 2; i < N; i += 2)
		g_assert_cmpint(view_set(&b->end[0], &b->end[i], 0.5f, 0), ==, 0);
	old = row_of(&b->end[0]);
	for (uint32_t i = 0; i < old->n; i++) {
		old->gain[i].state = VIEW_LIVE;
		ramp_set(&old->gain[i].l, (float)i);
	}
	view_end_clear(&b->end[4]);
	view_begin(&b->end[0]);
	for (unsigned i = 1; i < N; i += 2)
		g_assert_cmpint(view_set(&b->end[0], &b->end[i], 0.5f, 0), ==, 0);
	new = row_of(&b->end[0]);
	view_row_inherit_rt(new, old);
	for (unsigned i = 1; i < N; i++) {
		const struct view_gain *g = view_row_find_rt(new, b->end[i].id);

		g_assert_true(i == 4 ? !g : g && g->state == (i % 2 ? VIEW_FRESH : VIEW_LIVE));
		if (g && i % 2 == 0) {
			g_assert_cmpfloat(g->l.now, ==, (float)(i / 2 - 1));
		}
	}
	mem_deref(old);
	mem_deref(new);
	band_free(b);
}

/* Every allocation fails once: an error, and nothing is other than it was. */
static void test_oom(void)
{
	struct band *b = band_new(1000);

	rtguard_fail(1);
	g_free(g_try_malloc(1));
	if (!rtguard_fail(0)) {
		g_test_skip("no allocation fails in this build");
		band_free(b);
		return;
	}
	view_begin(&b->end[0]);
	for (unsigned i = 1; i < 4; i++)
		g_assert_cmpint(view_set(&b->end[0], &b->end[i], 0.5f, 0), ==, 0);
	for (unsigned nth = 1, err = ENOMEM; err; nth++) {
		struct view_row *r = NULL;
		float gain, pan;

		view_begin(&b->end[0]);
		view_set_neutral(&b->end[0]);
		rtguard_fail(nth);
		err = (unsigned)view_set(&b->end[0], &b->end[5], 2, 0);
		if (!err)
			err = (unsigned)view_set(&b->end[0], &b->end[6], 2, 0);
		if (!err)
			err = (unsigned)view_row_alloc(&r, &b->end[0]);
		if (rtguard_fail(0)) {
			g_assert_cmpuint(err, ==, ENOMEM);
			view_rollback(&b->end[0]);
			g_assert_cmpuint(b->pool.n, ==, 3);
			view_get(&b->end[0], &b->end[2], &gain, &pan);
			g_assert_true(gain == 0.5f && pan == 0);
		} else {
			g_assert_cmpuint(nth, ==, 4);      /* two cells and a row */
		}
		mem_deref(r);
	}
	band_free(b);
}

/* --- anything, against a plain array --- */

struct naive { float gain[N][N], pan[N][N]; };

static void naive_clear(struct naive *m, unsigned row, bool col)
{
	for (unsigned i = 0; i < N; i++) {
		m->gain[row][i] = 1;
		m->pan[row][i] = LEG_PAN_SAME;
		if (col) {
			m->gain[i][row] = 1;
			m->pan[i][row] = LEG_PAN_SAME;
		}
	}
}

static void check_row(struct view_row *r, struct band *b, const struct naive *m, unsigned row, GRand *rand)
{
	bool neutral = true;

	for (uint32_t i = 1; i < r->n; i++)
		g_assert_cmpuint(r->gain[i - 1].id, <, r->gain[i].id);
	for (unsigned k = 0; k < N; k++) {
		unsigned i = (unsigned)g_rand_int_range(rand, 0, N);
		const struct view_gain *g = view_row_find_rt(r, b->end[i].id);
		struct view_pair p = view_place(m->pan[row][i] == LEG_PAN_SAME ? 0 : m->pan[row][i]);

		g_assert_true((g ? g->gain : 1) == m->gain[row][i] && (g ? g->pan : LEG_PAN_SAME) == m->pan[row][i]);
		if (g) {
			g_assert_cmpfloat(fabs(g->side.l - g->gain * p.l), <, 1e-6);
			g_assert_cmpfloat(fabs(g->side.r - g->gain * p.r), <, 1e-6);
		}
	}
	for (unsigned i = 0; i < N; i++)
		neutral = neutral && m->gain[row][i] == 1 && m->pan[row][i] == LEG_PAN_SAME;
	g_assert_true(r->neutral == neutral);
}

static void check_all(const struct band *b, const struct naive *m)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < N; i++)
		for (unsigned k = 0; k < N; k++) {
			float gain, pan;

			view_get(&b->end[i], &b->end[k], &gain, &pan);
			g_assert_true(gain == m->gain[i][k] && pan == m->pan[i][k]);
		}
	for (unsigned i = 0; i < N; i++)
		n += list_count(&b->end[i].row);
	g_assert_cmpuint(n, ==, b->pool.n);
	g_assert_cmpuint(n, <=, b->pool.max);
}

static void random_set(struct band *b, struct naive *m, unsigned row, GRand *rand)
{
	static const float gains[] = {0, 0.5f, 1, 1, 2, 16}, pans[] = {-1, -0.3f, 0, 1, LEG_PAN_SAME, LEG_PAN_SAME};
	unsigned col = (unsigned)g_rand_int_range(rand, 0, N);
	float gain = gains[g_rand_int_range(rand, 0, G_N_ELEMENTS(gains))];
	float pan = pans[g_rand_int_range(rand, 0, G_N_ELEMENTS(pans))];
	int err = view_set(&b->end[row], &b->end[col], gain, pan);

	g_assert_true(err == 0 || err == (row == col ? EINVAL : ENOSPC));
	if (err)
		return;
	m->gain[row][col] = gain;
	m->pan[row][col] = pan;
}

static void test_random(void)
{
	GRand *rand = g_rand_new_with_seed(7);
	struct band *b = band_new(90);
	struct naive m, before;

	for (unsigned i = 0; i < N; i++)
		naive_clear(&m, i, true);
	for (unsigned n = 0; n < ROUNDS; n++) {
		unsigned row = (unsigned)g_rand_int_range(rand, 0, N), what = (unsigned)g_rand_int_range(rand, 0, 20);
		struct view_row *r;

		before = m;
		view_begin(&b->end[row]);
		if (what == 0) {                   /* it goes, and another takes its place, with a number of its own */
			view_end_clear(&b->end[row]);
			view_end_init(&b->end[row], &b->pool);
			naive_clear(&m, row, true);
			before = m;
		} else if (what == 1) {
			view_set_neutral(&b->end[row]);
			naive_clear(&m, row, false);
		} else if (what == 2) {
			view_forget(&b->end[row]);
			continue;
		}
		for (unsigned k = what == 3 ? N : 1; k; k--)
			random_set(b, &m, row, rand);
		if (what > 15) {
			view_rollback(&b->end[row]);
			m = before;
		}
		r = row_of(&b->end[row]);
		if (r)
			check_row(r, b, &m, row, rand);
		mem_deref(r);
		check_all(b, &m);
	}
	g_assert_cmpuint(b->pool.refused, >, 0);
	band_free(b);
	g_rand_free(rand);
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/view/bounds", test_bounds);
	g_test_add_func("/view/place", test_place);
	g_test_add_func("/view/limit", test_limit);
	g_test_add_func("/view/neutral", test_neutral);
	g_test_add_func("/view/equal", test_equal);
	g_test_add_func("/view/inherit", test_inherit);
	g_test_add_func("/view/oom", test_oom);
	g_test_add_func("/view/random", test_random);
	return g_test_run();
}
