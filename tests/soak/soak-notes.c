/*
 * soak-notes.c - an hour of a band's notes and faders on a clock turned by hand: does a note hang, is one missed, does anything grow?
 *
 *     keys     plays all the time; a quiet line
 *     drums    the same; a line that loses one packet in twenty
 *     ear      listens, with --align; its line loses one in twenty, too
 *     desk     listens on a quiet line
 *     the fourth   comes and goes five times a minute, each time over another line, plays, and leaves in the middle of its notes:
 *                  it hangs up, or is cut off
 *
 * Shown each time the fourth has gone: of its notes none sounds at anybody's instrument or program. After each minute, with a pause: no
 * note of anybody does; notes of who stays were heard, each begin with its end; every fader of each program stands where it was put;
 * heap and descriptors are as after the first minute.
 *
 * Where nothing is lost all notes are heard, once. Where packets are, one in 5,000 may be missed: one whose packet was lost, and what would
 * have told it before its end (two of some 200,000 in an hour).
 *
 * NOTES_MINUTES=60 for the hour; two minutes otherwise.
 */
#include <dirent.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include "tests/lib/bandmate.h"

enum {
	MS = 1000, VISITS = 5, STAY_MS = 6000, AWAY_MS = 5000, CALM_MS = 4000, MINUTES = 2, MINUTES_MAX = 24 * 60,
	NOTE_MIN_MS = 80, NOTE_MAX_MS = 500, BEAT_MS = 40, FADERS = 16, VOICES = 8,
};

/* Who plays: voices that are silent or sound until a moment. */
struct hands {
	struct mate *m;
	unsigned channel;
	struct { bool on; uint8_t key; unsigned until; } voice[VOICES];
	uint64_t played;
	bool rest;                        /* no more new notes */
};

struct minute { size_t heap; unsigned fds; };

static struct bandroom hall;
static struct mate keys, drums, ear, desk, fourth;
static struct hands hands[3] = {{.m = &keys, .channel = 0}, {.m = &drums, .channel = 9}, {.m = &fourth, .channel = 3}};
static unsigned now_ms;
static uint32_t dice_seed = 1;
static struct minute minute[MINUTES_MAX];

static uint32_t dice(uint32_t below)
{
	dice_seed = dice_seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)(dice_seed >> 8) * below >> 24);
}

/* --- hands --- */

static void strike(struct hands *h, unsigned voice)
{
	h->voice[voice].on = true;
	/* A key of its own for each voice, so that what is heard can be counted. */
	h->voice[voice].key = (uint8_t)(36 + voice + VOICES * dice(6));
	h->voice[voice].until = now_ms + NOTE_MIN_MS + dice(NOTE_MAX_MS - NOTE_MIN_MS);
	mate_plays(h->m, (uint8_t)(0x90 | h->channel), h->voice[voice].key, (uint8_t)(1 + dice(127)));
	h->played++;
}

static void let_go(struct hands *h, unsigned voice)
{
	h->voice[voice].on = false;
	mate_plays(h->m, (uint8_t)(0x80 | h->channel), h->voice[voice].key, 64);
}

static void hands_play(struct hands *h)
{
	char addr[32];

	if (!h->m->g || !h->m->room)
		return;
	for (unsigned v = 0; v < VOICES; v++) {
		if (h->voice[v].on && now_ms >= h->voice[v].until)
			let_go(h, v);
		else if (!h->voice[v].on && !h->rest && now_ms >= h->voice[v].until + NOTE_MIN_MS && !dice(10))
			strike(h, v);
	}
	g_snprintf(addr, sizeof(addr), "/fader/%u", dice(FADERS));
	mate_sets(h->m, addr, (int)dice(1000) + 1);
	if (!dice(4))
		mate_plays(h->m, (uint8_t)(0xb0 | h->channel), 1, (uint8_t)dice(128));
}

static void play_for(unsigned ms)
{
	for (const unsigned until = now_ms + ms; now_ms < until; now_ms += BEAT_MS) {
		for (unsigned i = 0; i < G_N_ELEMENTS(hands); i++)
			hands_play(&hands[i]);
		gestnet_run(hall.net, BEAT_MS);
	}
}

/* --- who comes and goes --- */

static const struct gestlink *any_line(void)
{
	static struct gestlink link;

	link = (struct gestlink){.loss = dice(10), .twice = dice(4), .delay_us = 1000 + dice(40000), .jitter_us = dice(5000)};
	return &link;
}

static unsigned held_of(const struct mate *m, unsigned channel)
{
	unsigned n = 0;

	for (int k = 0; k < 128; k++)
		n += m->held[channel][k];
	return n;
}

static void no_note_of_the_fourth(const struct mate *m)
{
	GHashTableIter it;
	gpointer addr, value;

	g_assert_cmpuint(held_of(m, hands[2].channel), ==, 0);
	g_hash_table_iter_init(&it, m->state);
	while (g_hash_table_iter_next(&it, &addr, &value)) {
		if (g_str_has_prefix(addr, "/p/fourth/midi/4/note/") && GPOINTER_TO_INT(value))
			g_error("%s thinks that %s sounds", m->name, (char *)addr);
	}
}

/* Cut off: for a second nothing gets through either way, not even the ends of notes; then its call is over. */
static void fourth_leaves(void)
{
	if (dice(2)) {
		mate_link(&fourth, &(struct gestlink){.loss = 100, .delay_us = MS});
		play_for(1000);
	}
	mate_goes(&fourth);
	memset(hands[2].voice, 0, sizeof(hands[2].voice));
}

static void visit(void)
{
	fourth.align = dice(2);
	fourth.delay_us = 30 * MS;
	mate_comes(&fourth, &hall, "fourth", dice(100) * (uint64_t)1000000);
	mate_link(&fourth, any_line());
	play_for(STAY_MS);
	while (!held_of(&keys, hands[2].channel))         /* in the middle of a note */
		play_for(BEAT_MS);
	fourth_leaves();
	play_for(AWAY_MS);
	no_note_of_the_fourth(&keys);
	no_note_of_the_fourth(&drums);
	no_note_of_the_fourth(&ear);
	no_note_of_the_fourth(&desk);
}

/* --- a minute --- */

static void same_faders(const struct mate *from, const struct mate *at)
{
	GHashTableIter it;
	gpointer addr, value;

	g_hash_table_iter_init(&it, from->set);
	while (g_hash_table_iter_next(&it, &addr, &value)) {
		char *there = g_strdup_printf("/p/%s%s", from->name, (char *)addr);
		const int got = GPOINTER_TO_INT(g_hash_table_lookup(at->state, there));

		if (got != GPOINTER_TO_INT(value))
			g_error("%s has %s at %d, it is %d", at->name, there, got, GPOINTER_TO_INT(value));
		g_free(there);
	}
}

static void silent(const struct mate *m)
{
	g_assert_cmpuint(mate_sounding(m), ==, 0);
	g_assert_cmpuint(mate_sounding_osc(m), ==, 0);
}

static unsigned descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void rest(bool on)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(hands); i++)
		hands[i].rest = on;
}

/* All let go, and what was lost has been told again. */
static void calm_down(void)
{
	rest(true);
	play_for(NOTE_MAX_MS + BEAT_MS);
	gestnet_run(hall.net, CALM_MS);
	silent(&keys);
	silent(&drums);
	silent(&ear);
	silent(&desk);
	same_faders(&keys, &ear);
	same_faders(&drums, &ear);
	same_faders(&keys, &drums);
	same_faders(&drums, &desk);
	same_faders(&drums, &keys);
	rest(false);
}

/* Since it came. */
static void heard_all(const struct mate *m, const struct hands *h, bool losing)
{
	const uint64_t began = m->notes[h->channel].on, ended = m->notes[h->channel].off;

	g_test_message("%s has heard %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " notes of %s", m->name, began, h->played, h->m->name);
	g_assert_cmpuint(began, <=, h->played);
	g_assert_cmpuint(began, >=, h->played - (losing ? 1 + h->played / 5000 : 0));
	g_assert_cmpuint(ended, ==, began);
}

static void minute_run(struct minute *m)
{
	const uint64_t visitor = hands[2].played;

	for (unsigned i = 0; i < VISITS; i++)
		visit();
	calm_down();
	heard_all(&desk, &hands[0], false);
	heard_all(&desk, &hands[1], true);
	heard_all(&ear, &hands[0], true);
	heard_all(&ear, &hands[1], true);
	g_test_message("the fourth played %" G_GUINT64_FORMAT " notes", hands[2].played - visitor);
	m->heap = mallinfo2().uordblks;
	m->fds = descriptors();
}

static unsigned minutes_wanted(void)
{
	const char *env = getenv("NOTES_MINUTES");
	unsigned n = env ? (unsigned)strtoul(env, NULL, 10) : MINUTES;

	return CLAMP(n, 2, MINUTES_MAX);
}

static void judge(const struct minute *m, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		g_assert_cmpuint(m[i].fds, ==, m[0].fds);
	g_assert_cmpuint(m[n - 1].heap, <, m[n > 2 ? 1 : 0].heap + 64 * 1024);
}

static void open_band(void)
{
	bandroom_open(&hall, 500, 1);
	ear.align = true;
	ear.delay_us = 40 * MS;
	mate_comes(&keys, &hall, "keys", 0);
	mate_comes(&drums, &hall, "drums", 5000000);
	mate_comes(&ear, &hall, "ear", 77000000);
	mate_comes(&desk, &hall, "desk", 0);
	mate_link(&keys, &(struct gestlink){.delay_us = 2 * MS, .jitter_us = 200});
	mate_link(&desk, &(struct gestlink){.delay_us = 2 * MS, .jitter_us = 200});
	mate_link(&drums, &(struct gestlink){.loss = 5, .twice = 1, .delay_us = 9 * MS, .jitter_us = 3 * MS});
	mate_link(&ear, &(struct gestlink){.loss = 5, .delay_us = 5 * MS, .jitter_us = 5 * MS});
	play_for(10000);
	calm_down();
}

static void test_soak(void)
{
	const unsigned n = minutes_wanted();

	open_band();
	for (unsigned i = 0; i < n; i++) {
		minute_run(&minute[i]);
		g_test_message("minute %u: heap %zu KiB, %u fds", i + 1, minute[i].heap / 1024, minute[i].fds);
	}
	judge(minute, n);
	mate_goes(&desk);
	mate_goes(&ear);
	mate_goes(&drums);
	mate_goes(&keys);
	bandroom_close(&hall);
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/soak/notes", test_soak);
	return g_test_run();
}
