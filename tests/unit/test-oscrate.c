/*
 * test-oscrate.c - buckets and what waits for them; time is a number here.
 */
#include <errno.h>
#include <glib.h>
#include <re.h>
#include <string.h>

#include "osc/oscrate.h"

static struct osc_msg message(const char *addr, int32_t v)
{
	static uint8_t buf[8][64];
	static unsigned at;
	uint8_t *b = buf[at++ % 8];
	const struct osc_arg a = {.tag = 'i', .v.i = v};
	struct osc_writer w;
	struct osc_msg msg;
	size_t len;

	osc_w_init(&w, b, sizeof(buf[0]));
	osc_w_msg(&w, addr, &a, 1);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	g_assert_cmpint(osc_msg_read(&msg, b, len), ==, 0);
	return msg;
}

static int32_t value(const struct osc_msg *msg)
{
	struct osc_args it;
	struct osc_arg a;

	osc_args_init(&it, msg);
	g_assert_true(osc_arg_next(&it, &a));
	return a.v.i;
}

/* "`rate` per second and a burst of `rate`/4 (at least 16)" */
static void burst(void)
{
	static const struct { uint32_t rate; unsigned burst, in_ten_s; } table[] = {
		{1, 16, 10}, {10, 16, 100}, {1000, 250, 10000}, {100000, 25000, 1000000},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(table); i++) {
		uint64_t now = 77;
		struct bucket b;
		unsigned n = 0;

		bucket_init(&b, table[i].rate, now);
		while (bucket_take_rt(&b, now))
			n++;
		g_assert_cmpuint(n, ==, table[i].burst);
		for (n = 0; now < 77 + 10000000; now += 7)
			n += bucket_take_rt(&b, now);
		g_assert_cmpuint(n, >=, table[i].in_ten_s - 1);
		g_assert_cmpuint(n, <=, table[i].in_ten_s);
		now += UINT64_C(1) << 60;         /* years later it is full, not fuller */
		for (n = 0; bucket_take_rt(&b, now);)
			n++;
		g_assert_cmpuint(n, ==, table[i].burst);
	}
}

static void due(void)
{
	struct bucket b;

	bucket_init(&b, 1000, 0);
	while (bucket_take_rt(&b, 0))
		;
	g_assert_cmpuint(bucket_due_rt(&b, 0), ==, 1000);
	g_assert_false(bucket_take_rt(&b, 999));
	g_assert_true(bucket_take_rt(&b, 1000));
	g_assert_cmpuint(bucket_due_rt(&b, 500), ==, 2000 - 500);        /* a clock that goes back gives nothing */
}

/* Over the rate the last value of each key goes, who waited longest first; events do not wait. */
static void coalesce(void)
{
	struct osc_msg msg;
	struct oscrate *r;

	g_assert_cmpint(oscrate_alloc(&r, 10, 0, 0, 1, 0), ==, 0);
	msg = message("/a", 0);
	for (int i = 0; i < 16; i++)
		g_assert_cmpint(oscrate_offer_rt(r, &msg, OSC_STATE, 0), ==, OSCRATE_SEND);
	g_assert_cmpuint(oscrate_due_rt(r, 0), ==, UINT64_MAX);

	msg = message("/b", 1);
	g_assert_cmpint(oscrate_offer_rt(r, &msg, OSC_STATE, 0), ==, OSCRATE_HELD);
	msg = message("/c", 1);
	g_assert_cmpint(oscrate_offer_rt(r, &msg, OSC_STATE, 0), ==, OSCRATE_HELD);
	msg = message("/b", 2);
	g_assert_cmpint(oscrate_offer_rt(r, &msg, OSC_STATE, 0), ==, OSCRATE_HELD);
	g_assert_cmpint(oscrate_offer_rt(r, &msg, OSC_EVENT, 0), ==, OSCRATE_DROPPED);
	g_assert_cmpuint(r->n_coalesced, ==, 1);
	g_assert_cmpuint(oscrate_due_rt(r, 0), ==, 100000);

	g_assert_false(oscrate_next_rt(r, &msg, 99999));
	g_assert_true(oscrate_next_rt(r, &msg, 100000));
	g_assert_cmpstr(msg.addr, ==, "/b");
	g_assert_cmpint(value(&msg), ==, 2);
	g_assert_false(oscrate_next_rt(r, &msg, 100000));
	msg = message("/d", 1);                   /* there is a token, but /c was first */
	g_assert_cmpint(oscrate_offer_rt(r, &msg, OSC_STATE, 200000), ==, OSCRATE_HELD);
	g_assert_true(oscrate_next_rt(r, &msg, 200000));
	g_assert_cmpstr(msg.addr, ==, "/c");
	g_assert_true(oscrate_next_rt(r, &msg, 300000));
	g_assert_false(oscrate_next_rt(r, &msg, 9000000));
	msg = message("/d", 2);
	g_assert_cmpint(oscrate_offer_rt(r, &msg, OSC_STATE, 9000000), ==, OSCRATE_SEND);
	mem_deref(r);

	g_assert_cmpint(oscrate_alloc(&r, 0, 0, 0, 1, 0), ==, EINVAL);
	g_assert_cmpint(oscrate_alloc(&r, OSCRATE_MAX + 1, 0, 0, 1, 0), ==, EINVAL);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/oscrate/burst", burst);
	g_test_add_func("/oscrate/due", due);
	g_test_add_func("/oscrate/coalesce", coalesce);
	return g_test_run();
}
