/*
 * flow-gestend.c - programs and instruments at two ends, and a server between them, over links that lose.
 *
 *     program, instrument ~~ gestend (anna) ~~ relay ~~ link ~~ the server's relay ~~ link ~~ relay ~~ gestend (bob) ~~ program, instrument
 */
#include <errno.h>
#include <string.h>
#include "mixer/beat.h"
#include "tests/lib/bandmate.h"

enum { MS = 1000, S = 1000000, RATE = 500 };

static struct bandroom hall;

static void link_all(struct mate *const *list, unsigned n, const struct gestlink *link)
{
	for (unsigned i = 0; i < n; i++)
		mate_link(list[i], link);
}

static struct mate anna, bob, carl;

/* --- state --- */

static void same_state(const struct mate *from, const struct mate *at)
{
	GHashTableIter it;
	gpointer addr, value;

	g_hash_table_iter_init(&it, from->set);
	while (g_hash_table_iter_next(&it, &addr, &value)) {
		char *there = g_strdup_printf("/p/%s%s", from->name, (char *)addr);

		if (GPOINTER_TO_INT(g_hash_table_lookup(at->state, there)) != GPOINTER_TO_INT(value))
			g_error("%s knows %s as %d, it is %d", at->name, there,
				GPOINTER_TO_INT(g_hash_table_lookup(at->state, there)), GPOINTER_TO_INT(value));
		g_free(there);
	}
}

static void fader(struct mate *e, unsigned n)
{
	char addr[32];

	g_snprintf(addr, sizeof(addr), "/fader/%u", n);
	mate_sets(e, addr, (int)gestnet_draw(hall.net, 1000) + 1);
}

static void test_state(gconstpointer arg)
{
	struct mate *const both[] = {&anna, &bob};
	const unsigned loss = GPOINTER_TO_UINT(arg);

	bandroom_open(&hall, RATE, loss + 1);
	mate_comes(&anna, &hall, "anna", 5 * S);
	mate_comes(&bob, &hall, "bob", 77 * (uint64_t)S);
	link_all(both, 2, &(struct gestlink){.loss = loss, .twice = loss / 6, .delay_us = 8 * MS, .jitter_us = 6 * MS});
	for (int i = 0; i < 2000; i++) {
		if (!gestnet_draw(hall.net, 5))
			fader(&anna, gestnet_draw(hall.net, 30));
		if (!gestnet_draw(hall.net, 9))
			fader(&bob, gestnet_draw(hall.net, 30));
		bandroom_run(&hall, 5);
	}
	bandroom_run(&hall, 4000);
	same_state(&anna, &bob);
	same_state(&bob, &anna);
	mate_goes(&bob);
	mate_goes(&anna);
	bandroom_close(&hall);
}

/* A program's bundle goes on as one; what it may not say, and what is no OSC, is counted. */
static void test_program(void)
{
	static const struct osc_arg one = {.tag = 'i', .v.i = 1};
	struct gestend_stats st;
	struct osc_writer w;
	uint8_t buf[512];
	size_t len;

	bandroom_open(&hall, RATE, 1);
	mate_comes(&anna, &hall, "anna", 0);
	mate_comes(&bob, &hall, "bob", 0);
	osc_w_init(&w, buf, sizeof(buf));
	osc_w_bundle(&w, OSC_NOW);
	osc_w_msg(&w, "/a", &one, 1);
	osc_w_msg(&w, "/b", &one, 1);
	osc_w_bundle_end(&w);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	mate_sends(&anna, buf, len);
	mate_sets(&anna, "/to/bob/only", 3);
	mate_sets(&anna, "/p/bob/lie", 4);
	mate_sets(&anna, "/_gest/refresh", 4);
	mate_sends(&anna, (const uint8_t *)"noise", 5);
	bandroom_run(&hall, 50);
	g_assert_cmpint(GPOINTER_TO_INT(g_hash_table_lookup(bob.state, "/p/anna/a")), ==, 1);
	g_assert_cmpint(GPOINTER_TO_INT(g_hash_table_lookup(bob.state, "/p/anna/b")), ==, 1);
	g_assert_cmpint(GPOINTER_TO_INT(g_hash_table_lookup(bob.state, "/p/anna/only")), ==, 3);
	g_assert_false(g_hash_table_contains(bob.state, "/p/anna/p/bob/lie"));
	gestend_stats(anna.g, &st);
	g_assert_cmpuint(st.osc_bad, ==, 3);
	g_assert_cmpint(gestend_sayf(anna.g, "/text", "s", "hello"), ==, 0);
	g_assert_cmpint(gestend_sayf(anna.g, "/text", "x", 1), ==, EINVAL);
	bandroom_run(&hall, 50);
	g_assert_true(g_hash_table_contains(bob.state, "/p/anna/text"));
	g_assert_cmpuint(bob.n_house, >=, 1);
	mate_goes(&bob);
	mate_goes(&anna);
	bandroom_close(&hall);
}

/* Who comes back is as it was, in a room that has forgotten it. */
static void test_again(void)
{
	bandroom_open(&hall, RATE, 3);
	mate_comes(&anna, &hall, "anna", 0);
	for (unsigned i = 0; i < 300; i++) {
		fader(&anna, i);
		bandroom_run(&hall, 4);
	}
	mate_plays(&anna, 0xb0, 7, 99);
	mate_plays(&anna, 0x90, 60, 99);
	bandroom_run(&hall, 100);
	mate_hangs_up(&anna);
	g_assert_cmpint(gestend_sayf(anna.g, "/x", "i", 1), ==, ENOTCONN);
	mate_sets(&anna, "/fader/0", 5000);    /* while nobody is there */
	bandroom_run(&hall, 40000);
	mate_comes(&bob, &hall, "bob", 0);
	mate_calls(&anna);
	bandroom_run(&hall, 3000);
	same_state(&anna, &bob);
	g_assert_cmpint(GPOINTER_TO_INT(g_hash_table_lookup(bob.state, "/p/anna/midi/1/cc/7")), ==, 99);
	g_assert_cmpuint(mate_sounding(&bob), ==, 0);
	g_assert_cmpuint(mate_sounding_osc(&bob), ==, 0);
	mate_goes(&anna);
	mate_goes(&bob);
	bandroom_close(&hall);
}

/* --- notes --- */

static void any_note(struct mate *e)
{
	const uint8_t ch = (uint8_t)gestnet_draw(hall.net, 2), key = (uint8_t)(40 + gestnet_draw(hall.net, 24));

	mate_plays(e, (uint8_t)((gestnet_draw(hall.net, 2) ? 0x90 : 0x80) | ch), key, 64);
}

static void no_note(const struct mate *e)
{
	g_assert_cmpuint(mate_sounding(e), ==, 0);
	g_assert_cmpuint(mate_sounding_osc(e), ==, 0);
}

/* Somebody goes while notes are held: first who plays, then who hears. With and without alignment. */
static void test_notes(gconstpointer arg)
{
	struct mate *const all[] = {&anna, &bob, &carl};
	const unsigned loss = GPOINTER_TO_UINT(arg);

	bandroom_open(&hall, RATE, loss + 7);
	bob.align = true;
	bob.delay_us = 30 * MS;
	mate_comes(&anna, &hall, "anna", 0);
	mate_comes(&bob, &hall, "bob", 9 * S);
	mate_comes(&carl, &hall, "carl", 0);
	link_all(all, 3, &(struct gestlink){.loss = loss, .delay_us = 3 * MS, .jitter_us = 4 * MS});
	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < 1500; i++) {
			if (!gestnet_draw(hall.net, 6))
				any_note(gestnet_draw(hall.net, 2) ? &anna : &carl);
			bandroom_run(&hall, 2);
		}
		g_assert_cmpuint(mate_sounding(&bob), >, 0);
		if (round % 2) {
			mate_hangs_up(&bob);
			no_note(&bob);
			mate_calls(&bob);
		}
		mate_hangs_up(&anna);
		mate_hangs_up(&carl);
		bandroom_run(&hall, 4000);
		no_note(&bob);
		mate_calls(&anna);
		mate_calls(&carl);
	}
	mate_goes(&carl);
	mate_goes(&bob);
	mate_goes(&anna);
	bandroom_close(&hall);
}

/* Two hold one note: it ends with the last. */
static void test_shared_note(void)
{
	bandroom_open(&hall, RATE, 5);
	mate_comes(&anna, &hall, "anna", 0);
	mate_comes(&bob, &hall, "bob", 0);
	mate_comes(&carl, &hall, "carl", 0);
	mate_plays(&anna, 0x90, 60, 100);
	mate_plays(&carl, 0x90, 60, 100);
	bandroom_run(&hall, 50);
	g_assert_cmpuint(mate_sounding(&bob), >, 0);
	mate_hangs_up(&anna);
	g_assert_cmpuint(mate_sounding(&bob), >, 0);
	g_assert_cmpuint(mate_sounding_osc(&bob), ==, 1);
	mate_plays(&carl, 0x80, 60, 64);
	bandroom_run(&hall, 50);
	no_note(&bob);
	mate_goes(&carl);
	mate_goes(&bob);
	mate_goes(&anna);
	bandroom_close(&hall);
}

/* --- alignment --- */

static uint64_t seen_at(const struct mate *e, const char *addr, int value)
{
	for (unsigned i = 0; i < e->n_seen; i++)
		if (e->seen[i].value == value && !strcmp(e->seen[i].addr, addr))
			return e->seen[i].at_us - e->ahead_us;
	g_error("%s never saw %s %d", e->name, addr, value);
	return 0;
}

static uint64_t played_at(const struct mate *e, uint8_t key)
{
	for (unsigned i = 0; i < e->n_played; i++)
		if ((e->played[i].data[0] & 0xf0) == 0x90 && e->played[i].data[1] == key)
			return e->played[i].at_us - e->ahead_us;
	g_error("%s never played %u", e->name, key);
	return 0;
}

/* How far from 30 ms after it was played. */
static unsigned judge(int64_t *worst, int64_t off)
{
	*worst = ABS(off) > *worst ? ABS(off) : *worst;
	return ABS(off) > MS;
}

/* Clocks are 5 and 77 s ahead, the links take 2 to 12 ms, in any order: what anna plays comes out 30 ms later, whatever each packet
 * took. What only a journal tells, as its packet was overtaken, has the time of the packet with the journal. */
static void test_aligned(void)
{
	struct mate *const both[] = {&anna, &bob};
	unsigned wrong_osc = 0, wrong_midi = 0;
	struct gestend_stats st;
	int64_t worst = 0;

	bandroom_open(&hall, RATE, 11);
	bob.align = true;
	bob.delay_us = 30 * MS;
	mate_comes(&anna, &hall, "anna", 5 * S);
	mate_comes(&bob, &hall, "bob", 77 * (uint64_t)S);
	link_all(both, 2, &(struct gestlink){.delay_us = 2 * MS, .jitter_us = 10 * MS});
	for (int i = 0; i < 1500; i++) {                  /* reports come about once a second while somebody plays */
		fader(&anna, 99);
		bandroom_run(&hall, 40);
	}
	bob.n_seen = bob.n_played = 0;
	for (int i = 1; i <= 100; i++) {
		const uint64_t at = gestnet_now_us(hall.net);

		mate_plays(&anna, 0x90, (uint8_t)i, 100);
		mate_sets(&anna, "/pad", i);
		mate_turn(at + anna.ahead_us, &anna);
		bandroom_run(&hall, 50 + gestnet_draw(hall.net, 40));
		wrong_osc  += judge(&worst, (int64_t)(seen_at(&bob, "/p/anna/pad", i) - at) - bob.delay_us);
		wrong_midi += judge(&worst, (int64_t)(played_at(&bob, (uint8_t)i) - at) - bob.delay_us);
		mate_plays(&anna, 0x80, (uint8_t)i, 64);
	}
	gestend_stats(bob.g, &st);
	g_test_message("more than 1 ms off: %u of OSC, %u of MIDI; %" G_GINT64_FORMAT " us at most", wrong_osc, wrong_midi, worst);
	g_assert_cmpuint(wrong_osc, <=, 5);
	g_assert_cmpuint(wrong_midi, <=, 5);
	g_assert_cmpint(worst, <=, 20 * MS);      /* who was overtaken on both links */
	g_assert_cmpuint(st.late, <=, 5);
	mate_goes(&bob);
	mate_goes(&anna);
	bandroom_close(&hall);
}

/* A delay that is too small for the link: at once, and counted. */
static void test_late(void)
{
	struct mate *const both[] = {&anna, &bob};
	struct gestend_stats st;

	bandroom_open(&hall, RATE, 12);
	bob.align = true;
	bob.delay_us = 5 * MS;
	mate_comes(&anna, &hall, "anna", 0);
	mate_comes(&bob, &hall, "bob", 0);
	link_all(both, 2, &(struct gestlink){.delay_us = 10 * MS});
	bandroom_run(&hall, 3000);
	for (int i = 1; i <= 10; i++) {
		mate_sets(&anna, "/pad", i);
		bandroom_run(&hall, 100);
	}
	same_state(&anna, &bob);
	gestend_stats(bob.g, &st);
	g_assert_cmpuint(st.late, ==, 10);
	g_assert_cmpuint(st.late_us, >, 13 * MS);
	g_assert_cmpuint(st.late_us, <, 25 * MS);
	mate_goes(&bob);
	mate_goes(&anna);
	bandroom_close(&hall);
}

/* --- too much --- */

/* 10,000 a second for three seconds: the server has to drop nothing of it, the last values arrive, the clock is still asked. */
static void test_flood(void)
{
	struct relay_stats before, after;
	struct sharedtime t;
	struct gestend_stats st;
	int n = 0;

	bandroom_open(&hall, RATE, 13);
	mate_comes(&anna, &hall, "anna", 0);
	mate_comes(&bob, &hall, "bob", 0);
	bandroom_run(&hall, 200);
	relay_stats(gestnet_relay(hall.net), &before);
	for (int ms = 0; ms < 3000; ms++) {
		for (int i = 0; i < 9; i++)
			fader(&anna, (unsigned)(n++ % 100));
		mate_sets(&anna, "/hit/*", n);         /* an event */
		bandroom_run(&hall, 1);
	}
	g_hash_table_remove(anna.set, "/hit/*");
	gestend_stats(anna.g, &st);
	g_assert_cmpuint(st.osc_in, >=, 30000);
	g_assert_cmpuint(st.dropped, >, 1000);
	g_assert_cmpint(sharedclock_at(gestend_clock(anna.g), &t, gestnet_now_us(hall.net)), ==, 0);
	g_assert_cmpuint(gestend_clock(anna.g)->n, >=, 8);
	bandroom_run(&hall, 2000);
	relay_stats(gestnet_relay(hall.net), &after);
	g_assert_cmpuint(after.rate_dropped, ==, before.rate_dropped);
	g_assert_cmpuint(after.messages_in - before.messages_in, <=, 5 * RATE + RATE / 4);
	same_state(&anna, &bob);
	mate_goes(&bob);
	mate_goes(&anna);
	bandroom_close(&hall);
}

/* An end that keeps up with 40 a second: it has the last values all the same, and hears of who leaves. */
static void test_slow_end(void)
{
	struct relay_stats st;

	bandroom_open(&hall, RATE, 17);
	bob.rate = 40;
	mate_comes(&anna, &hall, "anna", 0);
	mate_comes(&bob, &hall, "bob", 0);
	mate_plays(&anna, 0x90, 60, 100);
	for (int i = 0; i < 900; i++) {
		fader(&anna, (unsigned)i % 20);
		bandroom_run(&hall, 3);
	}
	bandroom_run(&hall, 3000);
	relay_stats(bob.relay, &st);
	g_assert_cmpuint(st.coalesced, >, 100);
	same_state(&anna, &bob);
	g_assert_cmpuint(mate_sounding(&bob), ==, 1);
	mate_hangs_up(&anna);
	no_note(&bob);
	mate_goes(&bob);
	mate_goes(&anna);
	bandroom_close(&hall);
}

/* --- time --- */

static void test_clock(void)
{
	struct mate *const one[] = {&anna};
	struct sharedtime t;

	bandroom_open(&hall, RATE, 14);
	mate_comes(&anna, &hall, "anna", 12345 * MS);
	link_all(one, 1, &(struct gestlink){.loss = 10, .delay_us = 4 * MS, .jitter_us = 2 * MS});
	bandroom_run(&hall, 20000);
	g_assert_cmpint(sharedclock_at(gestend_clock(anna.g), &t, gestnet_now_us(hall.net) + anna.ahead_us), ==, 0);
	g_assert_cmpint(ABS((int64_t)(t.server_us - gestnet_now_us(hall.net))), <=, t.accuracy_us);
	g_assert_cmpuint(t.accuracy_us, <=, 8 * MS);
	mate_goes(&anna);
	bandroom_close(&hall);
}

static unsigned count(const struct mate *e, uint8_t status)
{
	unsigned n = 0;

	for (unsigned i = 0; i < e->n_played; i++)
		n += e->played[i].data[0] == status;
	return n;
}

/* The room's beat comes out as 24 clocks each, as much later as the click is heard. */
static void test_beat(void)
{
	struct mate *const one[] = {&anna};
	struct beat b, stop;
	unsigned k = 0;

	bandroom_open(&hall, RATE, 15);
	anna.align = true;
	anna.delay_us = 15 * MS;
	mate_comes(&anna, &hall, "anna", 5 * S);
	link_all(one, 1, &(struct gestlink){.delay_us = 3 * MS, .jitter_us = 4 * MS});
	bandroom_run(&hall, 30000);
	beat_init(&b);
	beat_start(&b, mixer_us_smp(gestnet_now_us(hall.net) + 100 * MS));
	g_assert_cmpint(ensemble_set_beat(hall.band, &b), ==, 0);
	bandroom_run(&hall, 10100);
	g_assert_cmpuint(count(&anna, 0xfa), ==, 1);
	for (unsigned i = 0; i < anna.n_played; i++) {
		const uint64_t want = mixer_smp_us(b.now.at_smp) + anna.delay_us + (uint64_t)k * 500 * MS / 24;
		const int64_t off = (int64_t)(anna.played[i].at_us - anna.ahead_us - want);

		if (anna.played[i].data[0] != 0xf8)
			continue;
		if (ABS(off) > 2 * MS)
			g_error("clock %u is off by %d us", k, (int)off);
		k++;
	}
	g_assert_cmpuint(k, >=, 20 * 24);
	g_assert_cmpuint(k, <=, 20 * 24 + 2);
	stop = b;
	beat_stop(&stop, mixer_us_smp(gestnet_now_us(hall.net)));
	g_assert_cmpint(ensemble_set_beat(hall.band, &stop), ==, 0);
	bandroom_run(&hall, 4000);                           /* nobody says /tutti/transport here: no news of the beat is enough */
	g_assert_cmpuint(count(&anna, 0xfc), ==, 1);
	mate_goes(&anna);
	bandroom_close(&hall);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (unsigned loss = 0; loss <= 30; loss += 15) {
		char *name = g_strdup_printf("/gestend/state/%u", loss);

		g_test_add_data_func(name, GUINT_TO_POINTER(loss), test_state);
		g_free(name);
	}
	g_test_add_func("/gestend/program", test_program);
	g_test_add_func("/gestend/again", test_again);
	g_test_add_data_func("/gestend/notes/0", GUINT_TO_POINTER(0), test_notes);
	g_test_add_data_func("/gestend/notes/30", GUINT_TO_POINTER(30), test_notes);
	g_test_add_func("/gestend/shared-note", test_shared_note);
	g_test_add_func("/gestend/aligned", test_aligned);
	g_test_add_func("/gestend/late", test_late);
	g_test_add_func("/gestend/flood", test_flood);
	g_test_add_func("/gestend/slow-end", test_slow_end);
	g_test_add_func("/gestend/clock", test_clock);
	g_test_add_func("/gestend/beat", test_beat);
	return g_test_run();
}
