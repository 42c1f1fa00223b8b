/* test-latency.c - what an end says of its delay, and how late two ends without a server hear each other. */
#include <errno.h>
#include <glib.h>
#include "client/latency.h"

static int read_four(struct latency *l, int a, int b, int c, int d)
{
	const struct osc_arg args[] = {{.tag = 'i', .v.i = a}, {.tag = 'i', .v.i = b}, {.tag = 'i', .v.i = c}, {.tag = 'i', .v.i = d}};
	uint8_t buf[128];
	struct osc_writer w;
	struct osc_msg msg;
	size_t len;

	osc_w_init(&w, buf, sizeof(buf));
	osc_w_msg(&w, LATENCY_ADDR, args, d < 0 ? 3 : 4);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	g_assert_cmpint(osc_msg_read(&msg, buf, len), ==, 0);
	return latency_read(l, &msg);
}

static void test_read(void)
{
	struct latency l = {.rtt_us = 7};

	g_assert_cmpint(read_four(&l, 1, 2, 3, -1), ==, EBADMSG);
	g_assert_cmpint(read_four(&l, 1, -2, 3, 4), ==, EBADMSG);
	g_assert_cmpint(read_four(&l, 1, 2, 3, 2000001), ==, EBADMSG);
	g_assert_cmpuint(l.rtt_us, ==, 7);
	g_assert_cmpint(read_four(&l, 1, 2, 3, 4), ==, 0);
	g_assert_true(l.capture_us == 1 && l.playback_us == 2 && l.buffer_us == 3 && l.rtt_us == 4);
}

/* The longest wait goes with the least round trip; the mean where none is known. */
static void test_sums(void)
{
	const struct leg_stats s = {.rx_delay_us = 2000, .rx_wait_us = 5000, .tx_delay_us = -700};
	struct latency theirs, ours;
	struct band_path p;

	latency_of(&theirs, 500, 0, &s, 0);
	g_assert_cmpuint(theirs.capture_us, ==, 0);
	g_assert_cmpuint(theirs.buffer_us, ==, 2000);
	latency_of(&theirs, 1700, 1300, &s, 8000);
	g_assert_cmpuint(theirs.capture_us, ==, 1000);
	g_assert_cmpuint(theirs.buffer_us, ==, 5000);
	ours = theirs;
	latency_path(&p, &theirs, &ours);
	g_assert_cmpuint(p.total, ==, 1000 + 4000 + 5000 + 1300);
	ours.rtt_us = 0;
	latency_path(&p, &theirs, &ours);
	g_assert_cmpuint(p.net_up, ==, 4000);
	theirs.rtt_us = 0;
	latency_path(&p, &theirs, &ours);
	g_assert_cmpuint(p.total, ==, 0);
	g_assert_true(latency_differs(&theirs, &(struct latency){.rtt_us = 300}));
	g_assert_false(latency_differs(&ours, &ours));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/latency/read", test_read);
	g_test_add_func("/latency/sums", test_sums);
	return g_test_run();
}
