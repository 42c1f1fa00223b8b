/*
 * test-clockout.c - beats that are told, as MIDI clock.
 */
#include <string.h>
#include <glib.h>
#include <re.h>
#include "client/clockout.h"
#include "client/midiwire.h"

enum { MS = 1000, BEAT = 500 * MS };

static struct midiwire *wire;
static struct clockout c;
static GString *played;
static unsigned n_clock;
static uint64_t last_us, longest_us;

static void begin(void)
{
	g_assert_cmpint(midiwire_alloc(&wire), ==, 0);
	clockout_init(&c, wire);
	played = g_string_new(NULL);
	n_clock = 0;
	last_us = longest_us = 0;
}

static void end(void)
{
	wire = mem_deref(wire);
	g_string_free(played, TRUE);
}

/* Clocks are counted, and how far they were apart; all else is written down. */
static void listen_until(uint64_t us)
{
	const struct midiwire_event *ev;

	clockout_turn(&c, us);
	while ((ev = midiwire_due_rt(wire, UINT64_MAX)) != NULL) {
		if (ev->data[0] != 0xf8) {
			g_string_append_printf(played, ev->len > 1 ? "%02x:%u " : "%02x ", ev->data[0], ev->data[1] | ev->data[2] << 7);
			continue;
		}
		if (last_us && ev->at_us - last_us > longest_us)
			longest_us = ev->at_us - last_us;
		last_us = ev->at_us;
		n_clock++;
	}
}

static void run(uint64_t from_us, uint64_t to_us)
{
	for (uint64_t t = from_us; t < to_us; t += MS)
		listen_until(t);
}

/* Beats n of bars of four from `first`, each told 4 ms late. */
static void beats(unsigned first, unsigned n, uint64_t at_us, uint32_t mbpm)
{
	const uint64_t beat_us = UINT64_C(60000000000) / mbpm;

	for (unsigned i = first; i < first + n; i++, at_us += beat_us) {
		clockout_beat(&c, at_us, (int32_t)i / 4, i % 4, mbpm, at_us + 4 * MS);
		run(at_us + 4 * MS, at_us + beat_us + 4 * MS);
	}
}

static void test_start(void)
{
	begin();
	beats(0, 8, 1000 * MS, 120000);
	g_assert_cmpstr(played->str, ==, "fa ");
	g_assert_cmpuint(n_clock, >=, 8 * 24);
	g_assert_cmpuint(n_clock, <=, 8 * 24 + 1);
	g_assert_cmpuint(longest_us, <=, BEAT / 24 + MS);
	clockout_stop(&c, 6000 * MS);
	listen_until(6000 * MS);
	g_assert_cmpstr(played->str, ==, "fa fc ");
	g_assert_true(clockout_due(&c) == UINT64_MAX);
	end();
}

/* Who comes while it runs goes on with the next bar, at its place. */
static void test_continue(void)
{
	begin();
	beats(6, 2, 1000 * MS, 120000);
	g_assert_cmpstr(played->str, ==, "");
	g_assert_cmpuint(n_clock, ==, 0);
	beats(8, 4, 2000 * MS, 120000);
	g_assert_cmpstr(played->str, ==, "f2:32 fb ");
	g_assert_cmpuint(n_clock, >=, 4 * 24);
	end();
}

/* Another tempo from a beat on: 24 clocks to each all the same. */
static void test_tempo(void)
{
	begin();
	beats(0, 4, 1000 * MS, 120000);
	n_clock = 0;
	beats(4, 8, 3000 * MS, 180000);
	g_assert_cmpuint(n_clock, >=, 8 * 24 - 1);
	g_assert_cmpuint(n_clock, <=, 8 * 24 + 1);
	g_assert_cmpstr(played->str, ==, "fa ");
	end();
}

/* Beats that are told a little early or late: none twice, none left out. */
static void test_jitter(void)
{
	GRand *rand = g_rand_new_with_seed(2);

	begin();
	for (unsigned i = 0; i < 100; i++) {
		const uint64_t at = 1000 * MS + i * (uint64_t)BEAT, off = (uint64_t)g_rand_int_range(rand, 0, 5 * MS);

		clockout_beat(&c, at + off, (int32_t)i / 4, i % 4, 120000, at + 6 * MS);
		run(at + 6 * MS, at + BEAT + 6 * MS);
	}
	g_assert_cmpuint(n_clock, >=, 100 * 24);
	g_assert_cmpuint(n_clock, <=, 100 * 24 + 2);
	g_assert_cmpuint(longest_us, <=, BEAT / 24 + 6 * MS);
	end();
	g_rand_free(rand);
}

/* A new beginning, counting in, and the end of all news. */
static void test_again(void)
{
	begin();
	beats(0, 12, 1000 * MS, 120000);
	beats(0, 4, 7000 * MS, 120000);           /* started again without a word */
	g_assert_cmpstr(played->str, ==, "fa fa ");
	run(9000 * MS, 14000 * MS);
	g_assert_cmpstr(played->str, ==, "fa fa fc ");
	g_assert_true(clockout_due(&c) == UINT64_MAX);
	clockout_beat(&c, 15000 * MS, -1, 0, 120000, 15000 * MS);
	clockout_beat(&c, 15000 * MS, 3, 0, 0, 15000 * MS);
	clockout_beat(&c, 15000 * MS, 3, 99, 120000, 15000 * MS);
	g_assert_true(clockout_due(&c) == UINT64_MAX);
	end();
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/clockout/start", test_start);
	g_test_add_func("/clockout/continue", test_continue);
	g_test_add_func("/clockout/tempo", test_tempo);
	g_test_add_func("/clockout/jitter", test_jitter);
	g_test_add_func("/clockout/again", test_again);
	return g_test_run();
}
