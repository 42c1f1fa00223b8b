/* test-latency.c - what an end says of its delay. */
#include <glib.h>
#include "client/latency.h"

/* What the fastest packet waits goes with the least round trip; the mean where none is known. */
static void test_sums(void)
{
	const struct leg_stats s = {.rx_delay_us = 2000, .rx_wait_us = 5000, .tx_delay_us = -700, .tx_wait_us = -900};
	struct latency l;

	latency_of(&l, 500, 0, &s, 0);
	g_assert_cmpuint(l.capture_us, ==, 0);
	g_assert_cmpuint(l.buffer_us, ==, 2000);
	latency_of(&l, 1700, 1300, &s, 8000);
	g_assert_cmpuint(l.capture_us, ==, 800);
	g_assert_cmpuint(l.buffer_us, ==, 5000);
	g_assert_true(latency_differs(&l, &(struct latency){.rtt_us = 300}));
	g_assert_false(latency_differs(&l, &l));
}

/* Our buffer has become shorter since the sum was told. */
static void test_live(void)
{
	const struct latency now = {.buffer_us = 3000, .playback_us = 1300};

	g_assert_cmpuint(latency_live(20000, 6800, &now), ==, 17500);
	g_assert_cmpuint(latency_live(1000, 6800, &now), ==, 0);  /* what cannot be */
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/latency/sums", test_sums);
	g_test_add_func("/latency/live", test_live);
	return g_test_run();
}
