/*
 * test-midiwire.c - MIDI in order of its times, within bounds, and between two real threads.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <glib.h>
#include <re.h>
#include "tests/lib/rtguard.h"
#include "client/midiwire.h"

enum { N_HOLDS = 256 };           /* each ring, and the heap */

static struct midiwire *wire(void)
{
	struct midiwire *w = NULL;

	g_assert_cmpint(midiwire_alloc(&w), ==, 0);
	return w;
}

static bool rings(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) == 1;
}

static void play(struct midiwire *w, uint64_t at_us, uint8_t key)
{
	const uint8_t note[] = {0x90, key, 100};

	g_assert_cmpint(midiwire_play(w, at_us, note, sizeof(note)), ==, 0);
}

static void assert_dropped(const struct midiwire *w, uint64_t n)
{
	struct midiwire_stats s;

	midiwire_stats(w, &s);
	g_assert_cmpuint(s.dropped, ==, n);
}

static void test_in(void)
{
	struct midiwire *w = wire();
	struct midiwire_event ev;
	const uint8_t note[] = {0x90, 60, 1}, program[] = {0xc0, 7};

	g_assert_false(midiwire_take(w, &ev));
	g_assert_false(rings(midiwire_fd(w)));
	midiwire_came_rt(w, 1000, note, sizeof(note));
	midiwire_came_rt(w, 1001, program, sizeof(program));
	g_assert_true(rings(midiwire_fd(w)));

	g_assert_true(midiwire_take(w, &ev));
	g_assert_cmpuint(ev.at_us, ==, 1000);
	g_assert_cmpmem(ev.data, ev.len, note, sizeof(note));
	g_assert_true(rings(midiwire_fd(w)));
	g_assert_true(midiwire_take(w, &ev));
	g_assert_cmpmem(ev.data, ev.len, program, sizeof(program));
	g_assert_false(midiwire_take(w, &ev));
	g_assert_false(rings(midiwire_fd(w)));
	mem_deref(w);
}

static void test_in_bounds(void)
{
	struct midiwire *w = wire();
	struct midiwire_event ev;
	uint8_t sysex[MIDIWIRE_MAX + 1] = {0xf0};
	unsigned n = 0;

	midiwire_came_rt(w, 1, sysex, sizeof(sysex));
	midiwire_came_rt(w, 1, sysex, 0);
	assert_dropped(w, 2);
	for (unsigned i = 0; i < N_HOLDS + 10; i++)
		midiwire_came_rt(w, i, sysex, MIDIWIRE_MAX);
	assert_dropped(w, 12);
	for (; midiwire_take(w, &ev); n++)
		g_assert_cmpuint(ev.at_us, ==, n);
	g_assert_cmpuint(n, ==, N_HOLDS);
	mem_deref(w);
}

/* Played in any order, due in the order of times, and those of one moment as they were played. */
static void test_order(void)
{
	static const struct { uint64_t at_us; uint8_t key; } row[] = {
		{500, 1}, {100, 2}, {300, 3}, {100, 4}, {900, 5}, {300, 6}, {100, 7}, {200, 8},
	};
	static const uint8_t until_300[] = {2, 4, 7, 8}, rest[] = {3, 6, 1, 5};
	struct midiwire *w = wire();
	const struct midiwire_event *ev;

	g_assert_cmpuint(midiwire_next_us_rt(w), ==, UINT64_MAX);
	for (size_t i = 0; i < G_N_ELEMENTS(row); i++)
		play(w, row[i].at_us, row[i].key);
	g_assert_true(rings(midiwire_bell_fd(w)));
	g_assert_cmpuint(midiwire_next_us_rt(w), ==, 100);
	for (size_t i = 0; i < G_N_ELEMENTS(until_300); i++) {
		ev = midiwire_due_rt(w, 300);
		g_assert_nonnull(ev);
		g_assert_cmpuint(ev->data[1], ==, until_300[i]);
	}
	g_assert_null(midiwire_due_rt(w, 300));
	for (size_t i = 0; i < G_N_ELEMENTS(rest); i++) {
		ev = midiwire_due_rt(w, 1000);
		g_assert_nonnull(ev);
		g_assert_cmpuint(ev->data[1], ==, rest[i]);
	}
	g_assert_null(midiwire_due_rt(w, UINT64_MAX));
	mem_deref(w);
}

/* What was handed out stays whole while others come, until the next is asked for. */
static void test_valid(void)
{
	struct midiwire *w = wire();
	const struct midiwire_event *ev;

	for (unsigned round = 0; round < 1000; round++) {
		play(w, 10, 1);
		ev = midiwire_due_rt(w, 20);
		for (unsigned i = 0; i < N_HOLDS; i++)
			play(w, 100 + i, 2);
		g_assert_cmpuint(midiwire_next_us_rt(w), ==, 100);
		g_assert_cmpuint(ev->data[1], ==, 1);
		for (unsigned i = 0; i < N_HOLDS; i++) {
			ev = midiwire_due_rt(w, UINT64_MAX);
			g_assert_cmpuint(ev->at_us, ==, 100 + i);
		}
		g_assert_null(midiwire_due_rt(w, UINT64_MAX));
	}
	mem_deref(w);
}

static void test_random(void)
{
	struct midiwire *w = wire();
	GRand *rand = g_rand_new_with_seed(6);
	uint64_t waiting = 0;

	for (unsigned round = 0; round < 2000; round++) {
		const uint64_t now = round * 100u;
		const struct midiwire_event *ev;
		uint64_t last = 0;

		for (unsigned i = g_rand_int_range(rand, 0, 8); i && waiting < N_HOLDS; i--, waiting++)
			play(w, now + (unsigned)g_rand_int_range(rand, 0, 3000), 3);
		while ((ev = midiwire_due_rt(w, now + 100))) {
			g_assert_cmpuint(ev->at_us, >=, last);
			g_assert_cmpuint(ev->at_us, <, now + 100);
			last = ev->at_us;
			waiting--;
		}
	}
	assert_dropped(w, 0);
	g_rand_free(rand);
	mem_deref(w);
}

static void test_out_bounds(void)
{
	struct midiwire *w = wire();
	const uint8_t big[MIDIWIRE_MAX + 1] = {0xf0};
	unsigned n = 0;

	g_assert_cmpint(midiwire_play(w, 1, big, sizeof(big)), ==, EINVAL);
	g_assert_cmpint(midiwire_play(w, 1, big, 0), ==, EINVAL);
	for (unsigned i = 0; i < N_HOLDS; i++)
		g_assert_cmpint(midiwire_play(w, 1000 - i, big, MIDIWIRE_MAX), ==, 0);
	g_assert_cmpint(midiwire_play(w, 1, big, 1), ==, ENOSPC);
	assert_dropped(w, 3);
	g_assert_null(midiwire_due_rt(w, 0));     /* now they are in the heap, and the ring holds as many again */
	for (unsigned i = 0; i < N_HOLDS; i++)
		g_assert_cmpint(midiwire_play(w, 2000, big, 1), ==, 0);
	g_assert_cmpint(midiwire_play(w, 1, big, 1), ==, ENOSPC);
	while (midiwire_due_rt(w, 5000))
		n++;
	g_assert_cmpuint(n, ==, 2 * N_HOLDS);
	mem_deref(w);
}

static void test_refused(void)
{
	struct midiwire *w = wire();
	struct midiwire_stats s;

	play(w, 1, 1);
	play(w, 2, 2);
	g_assert_nonnull(midiwire_due_rt(w, 10));
	midiwire_refused_rt(w);
	g_assert_nonnull(midiwire_due_rt(w, 10));
	midiwire_stats(w, &s);
	g_assert_cmpuint(s.out, ==, 1);
	g_assert_cmpuint(s.dropped, ==, 1);
	mem_deref(w);
}

/* Nothing is allocated on the device's side. */
static void test_quiet(void)
{
	struct midiwire *w = wire();
	const uint8_t note[] = {0x90, 60, 1};

	for (unsigned i = 0; i < N_HOLDS; i++)
		play(w, 1000 - i, 1);
	rtguard_begin();
	for (unsigned i = 0; i < N_HOLDS; i++) {
		midiwire_came_rt(w, i, note, sizeof(note));
		midiwire_due_rt(w, 1000);
		midiwire_next_us_rt(w);
	}
	g_assert_cmpuint(rtguard_end(), ==, 0);
	mem_deref(w);
}

enum { N_THREADED = 20000 };

static void store32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, sizeof(v));
}

static uint32_t load32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* The device: plays back at once all that is due, and sends each on as if it came in. */
static void *echo_device(void *arg)
{
	struct midiwire *w = arg;
	const struct midiwire_event *ev;

	for (uint32_t n = 0; n < N_THREADED;) {
		ev = midiwire_due_rt(w, UINT64_MAX);
		if (!ev) {
			g_thread_yield();
			continue;
		}
		g_assert_cmpuint(load32(ev->data), ==, n);
		midiwire_came_rt(w, ev->at_us, ev->data, ev->len);
		n++;
	}
	return NULL;
}

/* No more on the way than the rings hold, so none is lost; each is whole, and they are in order. */
static void test_threads(void)
{
	struct midiwire *w = wire();
	GThread *t = g_thread_new("device", echo_device, w);
	struct midiwire_event ev;
	uint8_t data[64];
	uint32_t played = 0, taken = 0;

	while (taken < N_THREADED) {
		for (; played < N_THREADED && played - taken < N_HOLDS; played++) {
			memset(data, (int)(played & 0x7f), sizeof(data));
			store32(data, played);
			g_assert_cmpint(midiwire_play(w, 1, data, sizeof(data)), ==, 0);
		}
		if (!midiwire_take(w, &ev)) {
			struct pollfd p = {.fd = midiwire_fd(w), .events = POLLIN};

			g_assert_cmpint(poll(&p, 1, 60000), ==, 1);       /* no bell is missed */
			continue;
		}
		g_assert_cmpuint(load32(ev.data), ==, taken);
		g_assert_cmpuint(ev.data[63], ==, taken & 0x7f);
		taken++;
	}
	g_thread_join(t);
	assert_dropped(w, 0);
	mem_deref(w);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/midiwire/in", test_in);
	g_test_add_func("/midiwire/in-bounds", test_in_bounds);
	g_test_add_func("/midiwire/order", test_order);
	g_test_add_func("/midiwire/valid", test_valid);
	g_test_add_func("/midiwire/random", test_random);
	g_test_add_func("/midiwire/out-bounds", test_out_bounds);
	g_test_add_func("/midiwire/refused", test_refused);
	g_test_add_func("/midiwire/quiet", test_quiet);
	g_test_add_func("/midiwire/threads", test_threads);
	return g_test_run();
}
