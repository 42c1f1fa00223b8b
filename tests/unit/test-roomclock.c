/*
 * test-roomclock.c - when the clock is asked for, and which answers count.
 */
#include <glib.h>
#include "client/roomclock.h"

enum { AHEAD = 1000000000 };              /* of the server's clock */

static bool answered(struct roomclock *c, int64_t t0, int64_t t1, int64_t t2, uint64_t at_us)
{
	const struct osc_arg args[] = {{.tag = 'h', .v.h = t0}, {.tag = 'h', .v.h = t1}, {.tag = 'h', .v.h = t2}, {.tag = 'h', .v.h = 0}};
	struct osc_writer w;
	struct osc_msg msg;
	uint8_t buf[96];
	size_t len;

	osc_w_init(&w, buf, sizeof(buf));
	osc_w_msg(&w, "/tutti/clock/reply", args, 4);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	g_assert_cmpint(osc_msg_read(&msg, buf, len), ==, 0);
	return roomclock_hear(c, &msg, at_us);
}

/* Each millisecond of this many seconds; gives how often it was asked. */
static unsigned asked(struct roomclock *c, uint64_t *now_us, unsigned seconds)
{
	uint8_t buf[ROOMCLOCK_MSG_MAX];
	unsigned n = 0;
	size_t len;

	for (unsigned ms = 0; ms < seconds * 1000; ms++, *now_us += 1000)
		n += roomclock_ask(c, buf, &len, *now_us);
	return n;
}

static void test_often(void)
{
	uint64_t now = 5000;
	struct roomclock c;

	roomclock_init(&c);
	g_assert_cmpuint(asked(&c, &now, 10), ==, 0);
	roomclock_begin(&c, now);
	g_assert_cmpuint(asked(&c, &now, 3), ==, 9);      /* 8 times 0.3 s, then */
	g_assert_cmpuint(asked(&c, &now, 20), ==, 20);
}

static void test_answers(void)
{
	uint64_t now = 5000;
	struct sharedtime t;
	struct roomclock c;

	roomclock_init(&c);
	roomclock_begin(&c, now);
	(void)asked(&c, &now, 1);                         /* at 5000, 305000, 605000, 905000 */
	g_assert_false(answered(&c, 4000, AHEAD, AHEAD, 6000));
	g_assert_true(answered(&c, 305000, AHEAD + 307000, AHEAD + 307100, 309100));
	g_assert_false(answered(&c, 305000, AHEAD + 307000, AHEAD + 307100, 409100));      /* once more */
	g_assert_false(answered(&c, 0, AHEAD, AHEAD, 5));
	g_assert_cmpint(sharedclock_at(&c.clock, &t, 309100), ==, 0);
	g_assert_cmpint(ABS((int64_t)t.server_us - (AHEAD + 309100)), <=, 60);
	roomclock_begin(&c, now);                         /* somebody else */
	g_assert_cmpint(sharedclock_at(&c.clock, &t, 309100), !=, 0);
	g_assert_false(answered(&c, 605000, AHEAD, AHEAD, 606000));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/roomclock/often", test_often);
	g_test_add_func("/roomclock/answers", test_answers);
	return g_test_run();
}
