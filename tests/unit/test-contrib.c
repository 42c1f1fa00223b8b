/*
 * test-contrib.c - who was heard in which tick in, lists and header bytes out; and at random against all kept and sorted.
 */
#include <glib.h>
#include <string.h>
#include "mixer/contrib.h"

enum { ID = 3, STREAM = 0x5000, OWN = 0x7000 };

static void add(struct contrib *c, uint32_t ssrc, uint8_t dbov)
{
	contrib_add_rt(c, (struct contrib_src){1000 + ssrc, ssrc, dbov});
}

/* The packet as it would go out, to one whose own SSRC is `own`. */
static struct rtp_pkt sent(const struct contrib *c, uint32_t n48, uint32_t own)
{
	static uint8_t ext[CONTRIB_EXT], buf[256];
	struct rtp_pkt pkt = {.ssrc = STREAM}, back;
	size_t len = sizeof(buf);

	contrib_write_rt(c, &pkt, ext, &(struct contrib_to){n48, own, ID, NULL, NULL});
	g_assert_cmpint(rtp_write_hdr(buf, &len, &pkt), ==, 0);
	g_assert_cmpint(rtp_read(&back, buf, len), ==, 0);
	if (!back.n_csrc)
		g_assert_cmpuint(len, ==, RTP_HDR_LEN);
	return back;
}

/* "7:20 9:35", the level of each as an element of the extension says it. */
static char *list(const struct contrib *c, uint32_t n48, uint32_t own)
{
	struct rtp_pkt p = sent(c, n48, own);
	GString *s = g_string_new(NULL);
	size_t len = 0;
	const uint8_t *level = rtp_ext_find(&p, ID, &len);

	g_assert_cmpuint(len, ==, p.n_csrc);
	for (unsigned i = 0; i < p.n_csrc; i++)
		g_string_append_printf(s, "%s%u:%u", i ? " " : "", p.csrc[i], level[i]);
	return g_string_free(s, FALSE);
}

#define LIST(c, n48, own, text) do { \
	g_autofree char *list_ = list(c, n48, own); \
	g_assert_cmpstr(list_, ==, text); \
} while (0)

static void want(struct contrib *c, uint32_t a, uint32_t b)
{
	const uint32_t n48[] = {a, b};

	contrib_want_rt(c, n48, b ? 2 : a ? 1 : 0);
}

static void test_frames(void)
{
	struct contrib c = {0};

	want(&c, 480, 960);
	contrib_tick_rt(&c, 960);
	LIST(&c, 480, OWN, "");
	add(&c, 1, 30);
	add(&c, 2, 20);
	LIST(&c, 480, OWN, "2:20 1:30");
	contrib_tick_rt(&c, 1440);        /* the longer frame goes on, and its loudest moment counts */
	add(&c, 1, 10);
	add(&c, 2, 40);
	add(&c, 3, 50);
	LIST(&c, 480, OWN, "1:10 2:40 3:50");
	LIST(&c, 960, OWN, "1:10 2:20 3:50");
	contrib_tick_rt(&c, 1920);
	LIST(&c, 960, OWN, "");
	LIST(&c, 120, OWN, "");           /* nobody asked for these */
}

/* A tick may be longer than a frame, and no multiple of one: 15 ms in ticks of 10. */
static void test_odd_frames(void)
{
	struct contrib c = {0};

	want(&c, 240, 720);
	contrib_tick_rt(&c, 0);
	add(&c, 1, 30);
	LIST(&c, 240, OWN, "1:30");
	contrib_tick_rt(&c, 480);
	add(&c, 2, 30);
	LIST(&c, 240, OWN, "2:30");
	LIST(&c, 720, OWN, "1:30 2:30");
	contrib_tick_rt(&c, 960);
	LIST(&c, 720, OWN, "");
}

static void test_want(void)
{
	struct contrib c = {0};
	uint32_t many[CONTRIB_FRAMES + 3];

	want(&c, 960, 0);
	contrib_tick_rt(&c, 0);
	add(&c, 1, 30);
	want(&c, 480, 960);               /* one more asks: the others' list is not lost */
	contrib_tick_rt(&c, 480);
	add(&c, 2, 40);
	LIST(&c, 960, OWN, "1:30 2:40");
	LIST(&c, 480, OWN, "2:40");
	want(&c, 0, 0);
	LIST(&c, 960, OWN, "");
	for (unsigned i = 0; i < G_N_ELEMENTS(many); i++)
		many[i] = 64 * (i + 1);
	contrib_want_rt(&c, many, G_N_ELEMENTS(many));
	contrib_tick_rt(&c, 0);
	add(&c, 1, 30);
	LIST(&c, 64 * CONTRIB_FRAMES, OWN, "1:30");
	LIST(&c, 64 * (CONTRIB_FRAMES + 1), OWN, "");
}

static void test_own(void)
{
	struct contrib c = {0};
	struct rtp_pkt p;

	want(&c, 960, 0);
	contrib_tick_rt(&c, 0);
	add(&c, OWN, 3);
	LIST(&c, 960, OWN, "");           /* nobody but the listener: the plain header */
	add(&c, STREAM, 5);    /* somebody chose the SSRC under which we send to it */
	LIST(&c, 960, OWN, "");
	for (unsigned i = 0; i < 20; i++)
		add(&c, 100 + i, (uint8_t)(20 + i));
	p = sent(&c, 960, 1);
	g_assert_cmpuint(p.n_csrc, ==, 15);
	g_assert_cmpuint(p.csrc[0], ==, OWN);
	p = sent(&c, 960, OWN);           /* of 16 that are kept two are not for it */
	g_assert_cmpuint(p.n_csrc, ==, 14);
	g_assert_cmpuint(p.csrc[0], ==, 100);
	contrib_tick_rt(&c, 960);
	for (unsigned i = 0; i < 20; i++)
		add(&c, 100 + i, (uint8_t)(40 - i));
	p = sent(&c, 960, 115);           /* one of the loudest still sees 15 others */
	g_assert_cmpuint(p.n_csrc, ==, 15);
	g_assert_cmpuint(p.csrc[14], ==, 104);
}

static bool even(uint64_t member, void *arg) { return member % 2 == *(unsigned *)arg; }

/* A listener that does not hear all is told of those it hears. */
static void test_skip(void)
{
	struct contrib c = {0};
	struct rtp_pkt p = {.ssrc = STREAM};
	uint8_t ext[CONTRIB_EXT];
	unsigned rest = 0;

	want(&c, 960, 0);
	contrib_tick_rt(&c, 0);
	for (uint32_t i = 1; i <= 4; i++)
		add(&c, i, 20);
	contrib_write_rt(&c, &p, ext, &(struct contrib_to){960, OWN, ID, even, &rest});
	g_assert_cmpuint(p.n_csrc, ==, 2);
	g_assert_cmpuint(p.csrc[0], ==, 1);
	g_assert_cmpuint(p.csrc[1], ==, 3);
}

/* Levels out of range, and the bytes themselves. */
static void test_bytes(void)
{
	struct contrib c = {0};
	struct rtp_pkt p;

	want(&c, 960, 0);
	contrib_tick_rt(&c, 0);
	add(&c, 1, 255);
	add(&c, 2, 0);
	p = sent(&c, 960, OWN);
	g_assert_cmphex(p.ext_profile, ==, 0xbede);
	g_assert_cmpmem(p.ext, p.ext_len, "\x31\x00\x7f\x00", 4);
	for (unsigned i = 3; i < 20; i++)
		add(&c, i, 9);
	p = sent(&c, 960, OWN);
	g_assert_cmpuint(p.ext_len, ==, 16);
	g_assert_cmphex(p.ext[0], ==, 0x3e);
}

/* --- at random --- */

enum { SOURCES = 40, ROUNDS = 2000 };

static int softer(const void *a, const void *b)
{
	const uint8_t x = *(const uint8_t *)a, y = *(const uint8_t *)b;

	return (x > y) - (x < y);
}

/* All of a frame kept, loudest moment of each. 255: not heard. */
static void test_random(void)
{
	struct contrib c = {0};
	uint8_t loudest[SOURCES], sorted[SOURCES];
	GRand *rnd = g_rand_new_with_seed(7);

	want(&c, 1920, 0);
	for (uint64_t tick = 0; tick < ROUNDS; tick++) {
		struct rtp_pkt p;

		contrib_tick_rt(&c, tick * 480);
		if (tick % 4 == 0)
			memset(loudest, 255, sizeof(loudest));
		for (unsigned i = 0; i < SOURCES; i++) {
			uint8_t dbov = (uint8_t)g_rand_int_range(rnd, 0, 128);

			if (g_rand_int_range(rnd, 0, 3) < (int)(tick / 4 % 3))
				continue;
			add(&c, i + 1, dbov);
			loudest[i] = MIN(loudest[i], dbov);
		}
		p = sent(&c, 1920, OWN);
		memcpy(sorted, loudest, sizeof(sorted));
		qsort(sorted, SOURCES, 1, softer);
		for (unsigned i = 0; i < p.n_csrc; i++) {
			g_assert_cmpuint(p.ext[1 + i], ==, sorted[i]);
			g_assert_cmpuint(loudest[p.csrc[i] - 1], ==, sorted[i]);
		}
		g_assert_true(p.n_csrc == RTP_CSRC_MAX || sorted[p.n_csrc] == 255);
	}
	g_rand_free(rnd);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/contrib/frames", test_frames);
	g_test_add_func("/contrib/odd-frames", test_odd_frames);
	g_test_add_func("/contrib/want", test_want);
	g_test_add_func("/contrib/own", test_own);
	g_test_add_func("/contrib/skip", test_skip);
	g_test_add_func("/contrib/bytes", test_bytes);
	g_test_add_func("/contrib/random", test_random);
	return g_test_run();
}
