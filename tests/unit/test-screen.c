/*
 * test-screen.c - a room in, whole pictures out: tests/unit/screens/NAME.txt. SCREENS_WRITE=1 writes them anew; look at them then.
 */
#include <glib.h>
#include <re.h>
#include <stdio.h>
#include <string.h>
#include "client/screen.h"

static struct band band;
static struct screen_view view;

static void come(const char *name, float db, uint32_t delay_us)
{
	struct band_member *m = band_come(&band, name);

	m->level_db = db;
	m->to_me = (struct band_path){delay_us, delay_us / 8, delay_us / 4, delay_us / 8, delay_us / 8, delay_us / 4, delay_us / 8};
}

static void set_up(void)
{
	struct band_own *o = &band.own;

	band_init(&band);
	memset(&view, 0, sizeof(view));
	strcpy(o->room, "music-band@example.org");
	strcpy(o->state, "up");
	strcpy(o->codec, "L16 stereo");
	strcpy(o->driver, "jack");
	o->period = 64;
	o->ptime_us = 1333;
	o->srtp = true;
	o->in_db = -18;
	o->out_db = -9.4f;
	o->capture_us = 1333;
	o->net_us = 2100;
	o->buffer_us = 1333;
	o->mix_us = 1333;
	o->playback_us = 2667;
	o->jitter_us = 130;
	o->loss_pct = 0.2f;
	view.up_s = 754;
	view.now_us = 10000000;
	strcpy(band.me, "carl");
}

static void five(void)
{
	set_up();
	come("anna", -12, 8400);
	come("bob", -30.2f, 19300);
	come("carl", -18, 0);
	come("dora", -127, 31000);
	come("phone-7", -2, 0);
	band.member[0].speaking = true;
	band.member[1].muted = band.member[3].hand = true;
	strcpy(band.member[0].role, "host");
	strcpy(band.member[1].role, "speaker");
	strcpy(band.member[2].role, "speaker");
	strcpy(band.member[4].role, "listener");
	band_set_mix(&band, "anna", -6, -0.3f);
	band_set_mix(&band, "dora", -60, 2);
	band_set_mix(&band, "bob", 0, 0);
	strcpy(view.chosen, "bob");
	band.beat = (struct band_beat){.known = true, .running = true, .bar = 11, .in_bar = 2, .per_bar = 4, .mbpm = 97500};
	band_say(&band, 45296000, "anna", "from the top");
	band_say(&band, 45300000, "", "one, two");
	band_say(&band, 45360000, "*", "dora is 31 ms away: too far to play in time");
}

static void muted(void)
{
	five();
	band.own.muted = band.own.deaf = band.recording = band.locked = true;
	band.own.xruns = 3;
	band.own.loss_pct = 4.3f;
	band.own.concealed_min = 17;
	band.own.buffer_odds[0] = 130;
	band.own.buffer_odds[1] = 12;
	band.own.buffer_odds[2] = 0.4f;
	band.own.buffer_odds[3] = 0;
	band.own.buffer_quanta = 1;
	band.beat.bar = -1;
	band.own.volume_db = -3;
}

static void hostile(void)
{
	set_up();
	come("日本語の名前長い", -20, 5000);
	come("0123456789abcdef0123456789abcdef", -20, 999900);
	come("Zoe\xcc\x88", -20, 5000);
	come("d", -20, 5000);
	strcpy(band.member[3].name, "a\x1b[2Jb\nc");              /* band_come would not take it */
	band_say(&band, 0, "\x1b]0;x\x07", "\xe2\x80\xae" "drow 日本語 and so on, much longer than any line of a small terminal could be, but still a line");
	view.typing = true;
	strcpy(view.typed, "日本語 ok");
}

static void many(void)
{
	set_up();
	for (unsigned i = 0; i < BAND_MAX; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "player-%u", i + 1);
		come(name, -60 + (float)i, 1000 * i);
	}
	strcpy(view.chosen, "player-40");
}

/* Without a server, and nothing told by the other end. */
static void direct(void)
{
	set_up();
	come("bob", -30.2f, 9400);
	band.member[0].at_least = true;
}

static void waiting(void)
{
	set_up();
	memset(&band.own, 0, sizeof(band.own));
	strcpy(band.own.room, "band@host");
	strcpy(band.own.state, "waiting");
	strcpy(band.own.why, "no answer; again in 4 s");
	strcpy(band.own.driver, "null");
	band.own.in_db = band.own.out_db = -127;
	view.up_s = 0;
	view.leaving = true;
}

static void helping(void)
{
	five();
	view.help = true;
}

static const struct { const char *name; void (*room)(void); unsigned cols, rows; bool ascii; } pictures[] = {
	{"five-80x24", five, 80, 24, false},
	{"five-200x60", five, 200, 60, false},
	{"five-40x12", five, 40, 12, false},
	{"five-20x5", five, 20, 5, false},
	{"five-ascii", five, 80, 24, true},
	{"muted-80x24", muted, 80, 24, false},
	{"muted-132x30", muted, 132, 30, false},
	{"hostile-80x24", hostile, 80, 24, false},
	{"hostile-40x12", hostile, 40, 12, false},
	{"many-80x24", many, 80, 24, false},
	{"many-200x60", many, 200, 60, false},
	{"waiting-80x24", waiting, 80, 24, false},
	{"direct-80x24", direct, 80, 24, false},
	{"help-80x24", helping, 80, 24, false},
	{"help-40x12", helping, 40, 12, false},
};

static char *drawn(unsigned cols, unsigned rows, bool ascii)
{
	struct grid *g;
	char *text = g_malloc((size_t)cols * rows * 16 + 1);

	g_assert_cmpint(grid_alloc(&g, cols, rows), ==, 0);
	g->ascii = ascii;
	screen_draw(g, &band, &view);
	grid_text(g, text, (size_t)cols * rows * 16 + 1);
	mem_deref(g);
	return text;
}

static void test_pictures(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(pictures); i++) {
		g_autofree char *file = g_strconcat(pictures[i].name, ".txt", NULL), *path = NULL, *text = NULL, *want = NULL;

		path = g_test_build_filename(G_TEST_DIST, "screens", file, NULL);
		pictures[i].room();
		text = drawn(pictures[i].cols, pictures[i].rows, pictures[i].ascii);
		if (g_getenv("SCREENS_WRITE"))
			g_assert_true(g_file_set_contents(path, text, -1, NULL));
		g_assert_true(g_file_get_contents(path, &want, NULL, NULL));
		if (strcmp(text, want))
			g_test_message("%s is now:\n%s", pictures[i].name, text);
		g_assert_cmpstr(text, ==, want);
	}
}

/* Any size, also none to speak of: nothing is written where it must not be (the sanitizer looks). */
static void test_sizes(void)
{
	void (*const room[])(void) = {five, muted, hostile, many, waiting, helping};

	for (size_t i = 0; i < G_N_ELEMENTS(room); i++) {
		room[i]();
		for (unsigned cols = 1; cols < 140; cols += cols < 12 ? 1 : 13)
			for (unsigned rows = 1; rows < 40; rows++)
				g_free(drawn(cols, rows, rows & 1));
	}
}

static enum grid_style style_at(unsigned x, unsigned y)
{
	struct grid *g;
	enum grid_style s;

	g_assert_cmpint(grid_alloc(&g, 80, 24), ==, 0);
	screen_draw(g, &band, &view);
	s = (enum grid_style)g->cell[y * 80 + x].style;
	mem_deref(g);
	return s;
}

static void test_styles(void)
{
	five();
	g_assert_cmpint(style_at(0, 0), ==, GRID_BAR);
	g_assert_cmpint(style_at(79, 23), ==, GRID_BAR);
	g_assert_cmpint(style_at(2, 6), ==, GRID_PLAIN);          /* anna */
	g_assert_cmpint(style_at(2, 7), ==, GRID_MARK);           /* bob is chosen */
	g_assert_cmpint(style_at(2, 8), ==, GRID_BOLD);           /* we */
}

/* Who is chosen stays in view, and the list does not move while it is. */
static void test_scroll(void)
{
	many();
	g_free(drawn(80, 24, false));
	g_assert_cmpuint(view.first, >, 20);
	unsigned first = view.first;

	screen_choose(&band, &view, -1);
	g_assert_cmpstr(view.chosen, ==, "player-39");
	g_free(drawn(80, 24, false));
	g_assert_cmpuint(view.first, ==, first);
	strcpy(view.chosen, "player-1");
	g_free(drawn(80, 24, false));
	g_assert_cmpuint(view.first, ==, 0);
	screen_choose(&band, &view, -1);
	g_assert_cmpstr(view.chosen, ==, "player-64");
	screen_choose(&band, &view, 1);
	g_assert_cmpstr(view.chosen, ==, "player-1");
}

static void test_choose(void)
{
	five();
	view.chosen[0] = '\0';
	screen_choose(&band, &view, 1);
	g_assert_cmpstr(view.chosen, ==, "anna");
	screen_choose(&band, &view, 1);
	screen_choose(&band, &view, 1);
	g_assert_cmpstr(view.chosen, ==, "dora");                 /* not ourselves */
	band.n = 3;
	screen_choose(&band, &view, 1);
	g_assert_cmpstr(view.chosen, ==, "anna");                 /* dora has gone */
	set_up();
	screen_choose(&band, &view, 1);
	come("carl", 0, 0);
	view.chosen[0] = '\0';
	screen_choose(&band, &view, 1);
	g_assert_cmpstr(view.chosen, ==, "");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/screen/pictures", test_pictures);
	g_test_add_func("/screen/sizes", test_sizes);
	g_test_add_func("/screen/styles", test_styles);
	g_test_add_func("/screen/scroll", test_scroll);
	g_test_add_func("/screen/choose", test_choose);
	return g_test_run();
}
