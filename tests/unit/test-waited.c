/* test-waited.c - the wait of the packet whose way was the shortest. */
#include <glib.h>
#include "mixer/waited.h"

enum { FRAME = 64, CLOCK = 48000, PERIOD_US = 500000, WAY_US = 3000 };

struct sim {
	struct waited w;
	uint32_t n, ts;           /* frames so far, and where the sender's count is */
};

static uint64_t sent_us(const struct sim *s) { return 1000000 + (uint64_t)s->n * FRAME * 1000000 / CLOCK; }

/* A frame that is `jitter_us` longer on its way than the shortest, and played so long after it was sent. */
static void frame(struct sim *s, uint32_t jitter_us, uint32_t after_us)
{
	waited_add_rt(&s->w, s->ts, CLOCK, sent_us(s) + WAY_US + jitter_us, sent_us(s) + after_us, PERIOD_US);
	s->n++;
	s->ts += FRAME;
}

static uint32_t some_jitter(const struct sim *s) { return s->n * 7919 % 2001; }

/* Two seconds. */
static void frames(struct sim *s, uint32_t after_us)
{
	for (int i = 0; i < 1500; i++)
		frame(s, some_jitter(s), after_us);
}

#define assert_waited(s, us) g_assert_cmpint(ABS(waited_of(&(s)->w) - (us)), <=, 10)

static void test_steady(void)
{
	struct sim s = {.ts = 0xffffff00};

	g_assert_cmpint(waited_of(&s.w), ==, 0);
	frames(&s, 8000);
	assert_waited(&s, 5000);
	frames(&s, 11000);
	assert_waited(&s, 8000);
	frames(&s, 6000);
	assert_waited(&s, 3000);
}

/* A reader that is late for 40 frames of each half second is where it was for all others. */
static void test_late_reader(void)
{
	struct sim s = {0};

	for (int i = 0; i < 1500; i++)
		frame(&s, some_jitter(&s), i % 375 < 40 ? 38000 : 8000);
	assert_waited(&s, 5000);
}

/* Another source begins anywhere, in the sender's time and in ours; and nothing that is older than the sound counts. */
static void test_jumps(void)
{
	struct sim s = {0};

	frames(&s, 8000);
	s.ts += 0x40000000;
	frames(&s, 9000);
	assert_waited(&s, 6000);
	s.n += 100000;
	frames(&s, 7000);
	assert_waited(&s, 4000);
	/* the redundant copy of a frame comes with a later packet */
	s.ts -= FRAME;
	frame(&s, 1333, 7000 - 1333);
	frames(&s, 7000);
	assert_waited(&s, 4000);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/waited/steady", test_steady);
	g_test_add_func("/waited/late-reader", test_late_reader);
	g_test_add_func("/waited/jumps", test_jumps);
	return g_test_run();
}
