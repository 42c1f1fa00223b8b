/* test-line_twice.c - what goes again, when, and what does not. */
#include <glib.h>
#include <string.h>
#include "osc/line_twice.h"

enum { SECOND = 1000000 };

static const uint8_t zeros[LINE_TWICE_MAX + 1];

/* A report about something that was sent. */
static void reports(struct line_twice *t, uint8_t fraction, uint64_t now_us)
{
	t->sent = true;
	line_twice_report_rt(t, fraction, now_us);
}

static bool goes_twice(struct line_twice *t, uint64_t now_us)
{
	size_t len;

	line_twice_sent_rt(t, (const uint8_t *)"x", 1, now_us);
	return line_twice_next_rt(t, &len, UINT64_MAX - 1) != NULL;
}

static void test_only_where_lost(void)
{
	struct line_twice t = {0};
	size_t len;

	line_twice_sent_rt(&t, (const uint8_t *)"a", 1, 1000);
	line_twice_report_rt(&t, 0, 1000);
	line_twice_sent_rt(&t, (const uint8_t *)"b", 1, 1000);
	g_assert_cmpuint(line_twice_due_rt(&t), ==, UINT64_MAX);
	g_assert_null(line_twice_next_rt(&t, &len, UINT64_MAX - 1));
	line_twice_report_rt(&t, 1, 2000);
	line_twice_report_rt(&t, 0, 3000);        /* all came twice: no loss to be seen, but it is believed */
	line_twice_sent_rt(&t, (const uint8_t *)"c", 1, 4000);
	g_assert_cmpuint(line_twice_due_rt(&t), >, 4000);
	g_assert_null(line_twice_next_rt(&t, &len, 4000));
	g_assert_cmpmem(line_twice_next_rt(&t, &len, line_twice_due_rt(&t)), 1, "c", 1);
	g_assert_cmpuint(len, ==, 1);
	g_assert_cmpuint(line_twice_due_rt(&t), ==, UINT64_MAX);
	line_twice_sent_rt(&t, (const uint8_t *)"d", 1, 3600000000);
	g_assert_cmpuint(line_twice_due_rt(&t), ==, UINT64_MAX);
}

static void test_bounds(void)
{
	struct line_twice t = {0};
	size_t len;

	reports(&t, 255, SECOND);
	line_twice_sent_rt(&t, zeros, sizeof(zeros), SECOND);
	g_assert_cmpuint(t.n, ==, 0);
	for (int round = 0; round < 3; round++) {
		for (uint8_t i = 0; i < LINE_TWICE_WAIT + 3; i++)
			line_twice_sent_rt(&t, &i, 1, SECOND + 10);
		for (uint8_t i = 0; i < LINE_TWICE_WAIT; i++)
			g_assert_cmpuint(*line_twice_next_rt(&t, &len, SECOND + 100000), ==, i);
		g_assert_null(line_twice_next_rt(&t, &len, SECOND + 100000));
	}
}

/* Of any lengths, around the end of the memory: what comes out is what went in, in that order. */
static void test_ring(void)
{
	struct line_twice t = {0};
	GRand *rnd = g_rand_new_with_seed(1);
	struct { size_t len; uint8_t fill; } in[LINE_TWICE_WAIT];
	unsigned n = 0, taken = 0, left = 0;

	for (uint64_t us = SECOND; us < 400 * (uint64_t)SECOND; us += 3000) {
		uint8_t buf[LINE_TWICE_MAX];
		const size_t size = (size_t)g_rand_int_range(rnd, 1, g_rand_int_range(rnd, 2, 700));
		const uint8_t *got;
		size_t len;

		if (us % 300000 == 100000)
			reports(&t, taken ? 0 : 13, us);
		memset(buf, (int)(us / 3000), size);
		line_twice_sent_rt(&t, buf, size, us);
		if (t.n > n) {
			in[n].len = size;
			in[n++].fill = (uint8_t)(us / 3000);
			taken++;
		} else {
			left++;
		}
		if (g_rand_boolean(rnd))
			continue;
		got = line_twice_next_rt(&t, &len, UINT64_MAX - 1);
		if (!n) {
			g_assert_null(got);
			continue;
		}
		g_assert_cmpuint(len, ==, in[0].len);
		for (size_t i = 0; i < len; i++)
			g_assert_cmpuint(got[i], ==, in[0].fill);
		memmove(in, in + 1, --n * sizeof(in[0]));
	}
	g_assert_cmpuint(taken, >, 1000);
	g_assert_cmpuint(left, >, 1000);
	g_rand_free(rnd);
}

/* Octets that go twice, in ten seconds of far more. */
static void test_rate(void)
{
	struct line_twice t = {0};
	size_t octets = 0, len;

	reports(&t, 13, SECOND);
	for (uint64_t us = SECOND; us < 11 * (uint64_t)SECOND; us += 1000) {
		line_twice_sent_rt(&t, zeros, 172, us);
		if (line_twice_next_rt(&t, &len, UINT64_MAX - 1))
			octets += len + 28;
	}
	g_assert_cmpuint(octets, <=, 10 * LINE_TWICE_RATE + LINE_TWICE_BURST);
	g_assert_cmpuint(octets, >, 9 * LINE_TWICE_RATE);
}

/* Loss that it does not halve: it is left after three reports, tried again after half a minute, then after a minute. */
static void test_in_vain(void)
{
	struct line_twice t = {0};
	uint64_t s = 1;

	reports(&t, 40, s * SECOND);
	g_assert_true(goes_twice(&t, s * SECOND));
	for (s = 2; s < 6; s++) {         /* the first of them is too soon to judge by */
		g_assert_true(goes_twice(&t, s * SECOND));
		reports(&t, 40, s * SECOND);
	}
	for (; s < 35; s++) {
		g_assert_false(goes_twice(&t, s * SECOND));
		reports(&t, 40, s * SECOND);
	}
	reports(&t, 60, s * SECOND);
	for (s++; s < 40; s++) {
		g_assert_true(goes_twice(&t, s * SECOND));
		reports(&t, 60, s * SECOND);
	}
	for (; s < 98; s++) {
		g_assert_false(goes_twice(&t, s * SECOND));
		reports(&t, 60, s * SECOND);
	}
	reports(&t, 60, ++s * SECOND);
	reports(&t, 60, ++s * SECOND);
	g_assert_true(goes_twice(&t, s * SECOND));
}

/* Half as much as before is what it is for; and now and then as much is chance. */
static void test_helps(void)
{
	struct line_twice t = {0};

	reports(&t, 40, SECOND);
	for (unsigned s = 2; s < 2000; s++) {
		g_assert_true(goes_twice(&t, (uint64_t)s * SECOND));
		reports(&t, s % 3 ? 40 : 20, (uint64_t)s * SECOND);
	}
	t = (struct line_twice){0};
	reports(&t, 40, SECOND);
	for (unsigned s = 2; s < 300; s++) {
		line_twice_report_rt(&t, 40, (uint64_t)s * SECOND);       /* nothing was sent: it tells of nothing */
		g_assert_cmpuint(t.in_vain, ==, 0);
	}
}

/* Nobody reports: all goes once, until somebody does. */
static void test_deaf(void)
{
	struct line_twice t = {0};

	reports(&t, 40, SECOND);
	g_assert_true(goes_twice(&t, 20 * (uint64_t)SECOND));
	g_assert_false(goes_twice(&t, 22 * (uint64_t)SECOND));
	reports(&t, 0, 23 * (uint64_t)SECOND);
	g_assert_true(goes_twice(&t, 24 * (uint64_t)SECOND));
}

static void test_inherit(void)
{
	struct line_twice old = {0}, t = {0};

	reports(&old, 40, SECOND);
	line_twice_sent_rt(&old, zeros, 9, SECOND);
	line_twice_inherit_rt(&t, &old);
	g_assert_cmpuint(line_twice_due_rt(&t), ==, UINT64_MAX);
	g_assert_true(goes_twice(&t, 2 * SECOND));
	g_assert_cmpuint(sizeof(t), <, 2500);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/line_twice/only-where-lost", test_only_where_lost);
	g_test_add_func("/line_twice/bounds", test_bounds);
	g_test_add_func("/line_twice/ring", test_ring);
	g_test_add_func("/line_twice/rate", test_rate);
	g_test_add_func("/line_twice/in-vain", test_in_vain);
	g_test_add_func("/line_twice/helps", test_helps);
	g_test_add_func("/line_twice/deaf", test_deaf);
	g_test_add_func("/line_twice/inherit", test_inherit);
	return g_test_run();
}
