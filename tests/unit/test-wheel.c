/* The wheel on a clock turned by hand. */
#include <glib.h>
#include "control/wheel.h"
#include "handclock.h"

struct probe {
	struct wheel_tmr t;
	uint64_t at;                      /* when it fired; 0: not yet */
	unsigned n;
	struct probe *other;
};

static void fired(void *arg)
{
	struct probe *p = arg;

	p->at = now_ms;
	p->n++;
}

static void test_times(void)
{
	static const uint64_t delay[] = { 0, 1, 99, 100, 101, 250, 1000, 409500, 409600, 409700, 1800000, 86400000 };
	struct probe p[G_N_ELEMENTS(delay)] = { 0 };
	uint64_t t0 = now_ms;

	for (size_t i = 0; i < G_N_ELEMENTS(delay); i++)
		wheel_start(&p[i].t, delay[i], fired, &p[i]);
	clock_advance(86400000 + 200);
	for (size_t i = 0; i < G_N_ELEMENTS(delay); i++) {
		g_assert_cmpuint(p[i].n, ==, 1);
		g_assert_cmpuint(p[i].at, >=, t0 + delay[i]);
		g_assert_cmpuint(p[i].at, <=, t0 + delay[i] + 100);
		g_assert_false(wheel_running(&p[i].t));
	}
}

static void test_restart(void)
{
	struct probe p = { 0 };
	uint64_t t0 = now_ms;

	wheel_start(&p.t, 500, fired, &p);
	clock_advance(400);
	wheel_start(&p.t, 500, fired, &p);
	clock_advance(400);
	g_assert_cmpuint(p.n, ==, 0);
	g_assert_true(wheel_running(&p.t));
	clock_advance(200);
	g_assert_cmpuint(p.n, ==, 1);
	g_assert_cmpuint(p.at, >=, t0 + 900);
	wheel_start(&p.t, 500, fired, &p);
	wheel_cancel(&p.t);
	wheel_cancel(&p.t);
	g_assert_false(wheel_running(&p.t));
	clock_advance(2000);
	g_assert_cmpuint(p.n, ==, 1);
}

/* Nothing pending: the loop sleeps. */
static void test_idle(void)
{
	struct probe p = { 0 };

	g_assert_cmpuint(clock_advance(10000), ==, 0);
	wheel_start(&p.t, 1000, fired, &p);
	g_assert_cmpuint(clock_advance(10000), <=, 11);
	g_assert_cmpuint(p.n, ==, 1);
	g_assert_cmpuint(clock_advance(10000), ==, 0);
}

/* One that is due sooner than what the wheel waits for. */
static void test_sooner(void)
{
	struct probe late = { 0 }, soon = { 0 };
	uint64_t t0 = now_ms;

	wheel_start(&late.t, 60000, fired, &late);
	clock_advance(1000);
	wheel_start(&soon.t, 500, fired, &soon);
	clock_advance(60000);
	g_assert_cmpuint(soon.at, >=, t0 + 1500);
	g_assert_cmpuint(soon.at, <=, t0 + 1600);
	g_assert_cmpuint(late.at, <=, t0 + 60100);
	wheel_start(&soon.t, 500, fired, &soon);
	wheel_start(&late.t, 60000, fired, &late);
	wheel_cancel(&soon.t);
	clock_advance(61000);
	g_assert_cmpuint(late.n, ==, 2);
	g_assert_cmpuint(soon.n, ==, 1);
}

static void cancel_other(void *arg)
{
	struct probe *p = arg;

	p->n++;
	wheel_cancel(&p->other->t);
	p->other = NULL;
}

static void again(void *arg)
{
	struct probe *p = arg;

	if (++p->n < 5)
		wheel_start(&p->t, 0, again, p);
}

/* Two due in one tick, the first cancels the second; one that starts itself anew does not hold the tick for ever. */
static void test_handlers(void)
{
	struct probe a = { 0 }, b = { 0 }, c = { 0 };

	a.other = &b;
	wheel_start(&a.t, 100, cancel_other, &a);
	wheel_start(&b.t, 100, fired, &b);
	wheel_start(&c.t, 100, again, &c);
	clock_advance(200);
	g_assert_cmpuint(a.n, ==, 1);
	g_assert_cmpuint(b.n, ==, 0);
	g_assert_cmpuint(c.n, <=, 2);
	clock_advance(1000);
	g_assert_cmpuint(c.n, ==, 5);
}

static uint64_t order_due;

static void in_order(void *arg)
{
	struct probe *p = arg;

	g_assert_cmpuint(p->t.due, >=, order_due);
	order_due = p->t.due;
	fired(p);
}

/* The clock jumps (a suspended machine): all fire, in the order they were due. */
static void test_jump(void)
{
	struct probe p[200] = { 0 };

	order_due = 0;
	for (size_t i = 0; i < G_N_ELEMENTS(p); i++)
		wheel_start(&p[i].t, g_test_rand_int_range(0, 3600 * 1000), in_order, &p[i]);
	now_ms += 2 * 3600 * 1000;
	tmr_poll(clock_far.le.list);
	for (size_t i = 0; i < G_N_ELEMENTS(p); i++)
		g_assert_cmpuint(p[i].n, ==, 1);
}

enum { MANY = 100000 };

static void test_many(void)
{
	struct probe *p = g_new0(struct probe, MANY);
	uint64_t t0 = now_ms, *due = g_new0(uint64_t, MANY);

	for (size_t i = 0; i < MANY; i++) {
		due[i] = t0 + (uint64_t)g_test_rand_int_range(0, 1800 * 1000);
		wheel_start(&p[i].t, due[i] - t0, fired, &p[i]);
	}
	gint64 a = g_get_monotonic_time();
	for (size_t i = 0; i < MANY; i++)                 /* restart among 100,000 that wait */
		wheel_start(&p[i].t, due[i] - t0, fired, &p[i]);
	double us = (double)(g_get_monotonic_time() - a) / MANY;
	g_test_message("restart among %d: %.3f us", MANY, us);
	g_assert_cmpfloat(us, <, 20);                     /* libre's list takes 165 us; under sanitizers we take 2 */
	for (size_t i = 0; i < MANY; i += 3)
		wheel_cancel(&p[i].t);
	clock_advance(1800 * 1000 + 200);
	for (size_t i = 0; i < MANY; i++) {
		g_assert_cmpuint(p[i].n, ==, i % 3 != 0);
		if (i % 3)
			g_assert_true(p[i].at >= due[i] && p[i].at <= due[i] + 100);
	}
	g_free(p);
	g_free(due);
}

static void test_close(void)
{
	struct probe p = { 0 };

	wheel_start(&p.t, 1000, fired, &p);
	wheel_close();
	g_assert_false(wheel_running(&p.t));
	g_assert_cmpuint(clock_advance(5000), ==, 0);
	wheel_start(&p.t, 1000, fired, &p);
	clock_advance(2000);
	g_assert_cmpuint(p.n, ==, 1);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	if (libre_init())
		return 1;
	clock_open();
	g_test_add_func("/wheel/times", test_times);
	g_test_add_func("/wheel/restart", test_restart);
	g_test_add_func("/wheel/idle", test_idle);
	g_test_add_func("/wheel/sooner", test_sooner);
	g_test_add_func("/wheel/handlers", test_handlers);
	g_test_add_func("/wheel/jump", test_jump);
	g_test_add_func("/wheel/many", test_many);
	g_test_add_func("/wheel/close", test_close);
	int rc = g_test_run();
	clock_close();
	wheel_close();
	libre_close();
	return rc;
}
