/*
 * test-spoken.c - who is told what, and when: rooms, keys and waiting on a clock turned by hand.
 *
 * The mixer is a stand-in that writes down which sounds it is given. The prompts are files of a length of their own each,
 * so that a length is a word.
 */
#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <sndfile.h>
#include <string.h>
#include "control/sound.h"
#include "control/spoken.h"
#include "control/wheel.h"
#include "handclock.h"
#include "nomixer.h"

/* --- the files --- */

static char *dir;

static void wave_at(const char *folder, const char *name, int rate, size_t n)
{
	char *at = g_build_filename(dir, folder, NULL), *file = g_strdup_printf("%s/%s.wav", at, name);
	SF_INFO info = { .samplerate = rate, .channels = 1, .format = SF_FORMAT_WAV | SF_FORMAT_PCM_16 };
	static float smp[8000];
	SNDFILE *f;

	g_mkdir_with_parents(at, 0700);
	f = sf_open(file, SFM_WRITE, &info);
	g_assert_nonnull(f);
	for (size_t left = n, m; left; left -= m) {
		m = MIN(left, G_N_ELEMENTS(smp));
		g_assert_cmpint(sf_writef_float(f, smp, (sf_count_t)m), ==, m);
	}
	sf_close(f);
	g_free(file);
	g_free(at);
}

static void wave(const char *folder, const char *name, size_t n)
{
	wave_at(folder, name, 48000, n);
}

/* --- sounds are words --- */

enum { BASE = 2000 };                     /* samples of the first word; the next has one more */

static const char *word_of(const struct leg_say *p)
{
	static char number[8];
	const char *name = NULL;
	size_t i = p->n - BASE;

	if (p->loop && p->n > 48000)
		return "music";
	if (p->n >= 5000 && p->n < 5000 + 128) {
		g_snprintf(number, sizeof(number), "%u", p->n == 5000 + 100 ? 100 : (unsigned)(p->n - 5000));
		return number;
	}
	return p->n >= BASE && !prompt_name(&name, i) ? name : "tone";
}

static GString *by_room;                  /* what the room was told */

static GString *ears(const struct leg *l);        /* what one was told alone */

static void write_down(const struct leg *l, const struct bus *b, const struct leg_say *list, size_t n, enum leg_say_how how)
{
	GString *said = b ? by_room : ears(l);

	g_string_append(said, how == LEG_SAY_NOW ? "!" : "+");
	for (size_t i = 0; i < n; i++)
		g_string_append_printf(said, "%s%s", i ? " " : "", word_of(&list[i]));
}

/* --- a house --- */

enum { N_ENDS = 8 };

static struct end { struct leg leg; GString *said; struct face face; uint32_t member; } ends[N_ENDS];
static struct control *c;
static struct prompts *prompts;
static struct spoken *spoken;

static GString *ears(const struct leg *l)
{
	for (size_t i = 0; i < N_ENDS; i++)
		if (l == &ends[i].leg)
			return ends[i].said;
	g_assert_not_reached();
}

static void on_bye(void *arg, const char *why)
{
	((struct end *)arg)->member = 0;
}

static void begin_with(const char *sounds, bool words, bool tones)
{
	const struct control_conf conf = { .auto_rooms = true, .empty_timeout_s = 1 };
	const struct prompt_conf pc = { .dir = sounds, .language = "en" };
	struct spoken_conf sc = { .words = words, .tones = tones };

	memset(ends, 0, sizeof(ends));
	memset(&the_mixer, 0, sizeof(the_mixer));
	nomixer_said = write_down;
	by_room = g_string_new(NULL);
	g_assert_cmpint(control_alloc(&c, &conf, &the_mixer), ==, 0);
	g_assert_cmpint(prompts_alloc(&prompts, &pc), ==, 0);
	sc.prompts = prompts;
	g_assert_cmpint(spoken_alloc(&spoken, c, &sc), ==, 0);
	for (size_t i = 0; i < N_ENDS; i++) {
		ends[i].said = g_string_new(NULL);
		ends[i].face = (struct face){ .leg = &ends[i].leg, .bye = on_bye, .arg = &ends[i] };
	}
	clock_advance(10000);
}

static void begin(void)
{
	begin_with(dir, true, true);
}

static void end(void)
{
	spoken = mem_deref(spoken);
	c = mem_deref(c);
	prompts = mem_deref(prompts);
	for (size_t i = 0; i < N_ENDS; i++)
		g_string_free(ends[i].said, TRUE);
	g_string_free(by_room, TRUE);
}

static const struct actor sys = { .kind = ACTOR_SYSTEM };

static void join(int i, const char *room, enum role role)
{
	char uri[32];
	struct command cmd = { .verb = VERB_JOIN, .room = room, .uri = uri, .name = "X", .role = role, .face = &ends[i].face };
	struct result res = { 0 };

	g_snprintf(uri, sizeof(uri), "sip:%d@y", i);
	g_assert_cmpint(control_run(c, &sys, &cmd, &res), ==, 0);
	ends[i].member = res.member;
}

static int room_does(enum verb verb, const char *room, bool on, const char *text)
{
	struct command cmd = { .verb = verb, .room = room, .on = on, .text = text };

	return control_run(c, &sys, &cmd, NULL);
}

static void setting(const char *room, const char *name, const char *value)
{
	const struct setting s = { name, value };
	struct command cmd = { .verb = VERB_CHANGE, .room = room, .settings = &s, .n_settings = 1 };

	g_assert_cmpint(control_run(c, &sys, &cmd, NULL), ==, 0);
}

static int does(enum verb verb, int i, bool on)
{
	struct command cmd = { .verb = verb, .member = ends[i].member, .on = on };

	return control_run(c, &sys, &cmd, NULL);
}

static void press(int i, const char *keys)
{
	for (; *keys; keys++) {
		struct leg_event ev = { .type = LEG_EVENT_DTMF, .key = *keys };

		control_leg_event(c, ends[i].member, &ev);
	}
}

static void take(GString *said, const char *expected)
{
	g_assert_cmpstr(said->str, ==, expected);
	g_string_truncate(said, 0);
}

#define hears(i, text) take(ends[i].said, text)
#define room_hears(text) take(by_room, text)

/* Two who are in and have heard what there was. The first is a host. */
static void begin_two(void)
{
	begin();
	join(0, "r", ROLE_HOST);
	join(1, "r", ROLE_SPEAKER);
	clock_advance(2000);
	g_string_truncate(ends[0].said, 0);
	g_string_truncate(ends[1].said, 0);
	g_string_truncate(by_room, 0);
}

/* --- coming and going --- */

static void test_greeting(void)
{
	begin();
	join(0, "r", ROLE_SPEAKER);
	clock_advance(600);
	hears(0, "");                             /* the first words would be cut off */
	clock_advance(200);
	hears(0, "+only-person");
	room_hears("+tone");
	join(1, "r", ROLE_SPEAKER);
	clock_advance(1000);
	hears(1, "");                             /* there is nothing it must know */
	room_hears("+tone");
	does(VERB_LEAVE, 1, false);
	room_hears("+tone");
	room_does(VERB_MUTE_ALL, "r", true, NULL);
	clock_advance(10);
	room_hears("+all-muted");
	join(2, "r", ROLE_SPEAKER);
	clock_advance(1000);
	hears(2, "+muted");
	end();
}

/* A name as it was said, when its owner comes and when it leaves; who said none, and where nobody wants to hear it: the tone. */
static void test_names(void)
{
	float *smp = mem_zalloc(7000 * sizeof(*smp), NULL);
	struct sound *name;

	begin_two();
	g_assert_cmpint(sound_take(&name, smp, 7000), ==, 0);
	setting("r", "announce-names", "on");
	ends[2].face.said_name = name;
	join(2, "r", ROLE_SPEAKER);
	room_hears("+tone name-joined");
	g_assert_cmpuint(mem_nrefs(name), ==, 2);
	clock_advance(1000);
	does(VERB_LEAVE, 2, false);
	room_hears("+tone name-left");
	g_assert_cmpuint(mem_nrefs(name), ==, 1); /* gone with its owner */
	clock_advance(1000);
	join(3, "r", ROLE_SPEAKER);
	room_hears("+tone");
	setting("r", "announce-names", "off");
	clock_advance(1000);
	join(2, "r", ROLE_SPEAKER);
	room_hears("+tone");
	end();
	mem_deref(name);
}

/* Who can be asked for its name is not let in without having been; once, and not who was called in. */
static void test_name_wanted(void)
{
	struct command cmd = { .verb = VERB_JOIN, .room = "r", .uri = "sip:2@y", .name = "X", .role = ROLE_SPEAKER, .face = &ends[2].face };
	struct result res = { 0 };

	begin_two();
	setting("r", "announce-names", "on");
	g_assert_true(control_asks_name(c, "r", "sip:2@y"));
	ends[2].face.can_ask = true;
	g_assert_cmpint(control_run(c, &sys, &cmd, &res), ==, ENOMSG);
	ends[2].face.can_ask = false;
	g_assert_cmpint(control_run(c, &sys, &cmd, &res), ==, 0);
	ends[2].member = res.member;
	ends[3].face.can_ask = ends[3].face.dialed_out = true;
	cmd.uri = "sip:3@y";
	cmd.face = &ends[3].face;
	g_assert_cmpint(control_run(c, &sys, &cmd, &res), ==, 0);
	ends[3].member = res.member;
	setting("r", "announce-names", "off");
	g_assert_false(control_asks_name(c, "r", "sip:2@y"));
	end();
}

/* A hundred at once ring a few times. */
static void test_many(void)
{
	begin();
	for (int i = 0; i < N_ENDS; i++)
		join(i, "r", ROLE_SPEAKER);
	room_hears("+tone");
	end();
}

static void test_tones_off(void)
{
	begin();
	room_does(VERB_CREATE, "r", false, NULL);
	setting("r", "tones", "off");
	join(0, "r", ROLE_SPEAKER);
	room_hears("");
	end();
	begin_with(dir, false, false);
	join(0, "r", ROLE_HOST);
	clock_advance(1000);
	press(0, "*6");
	hears(0, "");
	room_hears("");
	end();
}

/* Nothing by itself, but answers to keys. */
static void test_music(void)
{
	begin();
	join(0, "music-r", ROLE_HOST);
	clock_advance(1000);
	hears(0, "");
	room_hears("");
	room_does(VERB_MUTE_ALL, "music-r", true, NULL);
	room_hears("");
	press(0, "*6");
	hears(0, "!muted");
	end();
}

/* Who has only just come is told how it is, and not how it came to be. */
static void test_first(void)
{
	begin_two();
	join(2, "r", ROLE_SPEAKER);
	clock_advance(300);
	does(VERB_MUTE, 2, true);
	clock_advance(300);
	hears(2, "");
	clock_advance(500);
	hears(2, "+muted");
	does(VERB_MUTE, 2, false);
	hears(2, "+unmuted-by-host");
	join(3, "r", ROLE_SPEAKER);
	press(3, "*3");                           /* who presses keys listens already */
	hears(3, "!hand-up");
	clock_advance(1000);
	hears(3, "");
	end();
}

/* --- waiting --- */

static void test_waiting(void)
{
	begin();
	room_does(VERB_CREATE, "r", false, NULL);
	setting("r", "wait-for-host", "on");
	setting("r", "lobby", "on");
	join(0, "r", ROLE_SPEAKER);
	clock_advance(500);
	hears(0, "");
	clock_advance(300);
	hears(0, "+waiting-host music");
	room_hears("");
	join(1, "r", ROLE_HOST);
	hears(0, "!waiting-admit music");
	clock_advance(1000);
	hears(1, "+only-person");
	does(VERB_ADMIT, 0, false);
	hears(0, "!+joining");
	clock_advance(2000);
	hears(0, "");
	join(2, "r", ROLE_SPEAKER);
	clock_advance(1000);
	g_string_truncate(by_room, 0);
	does(VERB_REFUSE, 2, false);
	room_hears("");                           /* nobody has heard that it came */
	end();
}

/* --- keys --- */

static void test_keys(void)
{
	begin_two();
	press(1, "*6");
	hears(1, "!muted");
	press(1, "*6");
	hears(1, "!unmuted");
	press(1, "*3");
	hears(1, "!hand-up");
	press(1, "*4");
	hears(1, "!quieter");
	press(1, "*7");
	hears(1, "!louder");
	press(1, "*5");
	hears(1, "!not-allowed");
	press(1, "*9");
	hears(1, "!not-allowed");
	press(1, "##");
	hears(1, "!not-allowed");
	press(1, "*2");
	hears(1, "!count-before 2 count-after");
	press(0, "*9");
	hears(0, "!locked");
	press(0, "*9");
	hears(0, "!unlocked");
	room_hears("");
	press(0, "*5");
	hears(0, "");
	hears(1, "");                             /* the room is told, once */
	room_hears("+all-muted");
	clock_advance(10);
	press(0, "*5");
	room_hears("+all-unmuted");
	end();
}

static void test_help(void)
{
	begin_two();
	press(1, "*0");
	hears(1, "!help-mute key-star 6 help-hand key-star 3 help-quieter key-star 4 help-louder key-star 7 help-count key-star 2");
	press(0, "*0");
	hears(0, "!help-mute key-star 6 help-hand key-star 3 help-quieter key-star 4 help-louder key-star 7 help-mute-all key-star 5 "
		 "help-lock key-star 9 help-record key-star 8 help-count key-star 2 help-end key-hash key-hash");
	end();
}

static void test_end_for_all(void)
{
	begin_two();
	press(0, "##");
	hears(0, "!end-confirm");
	press(0, "2");
	hears(0, "!end-cancelled");
	press(0, "##");
	clock_advance(11000);
	press(0, "1");                            /* too late to mean it */
	g_assert_cmpuint(ends[1].member, !=, 0);
	press(0, "##1");
	g_assert_cmpuint(ends[0].member, ==, 0);
	g_assert_cmpuint(ends[1].member, ==, 0);
	end();
}

/* --- verbs --- */

static void test_verbs(void)
{
	struct command cmd = { .verb = VERB_COUNT };

	begin_two();
	g_assert_cmpint(room_does(VERB_ANNOUNCE, "r", false, "welcome"), ==, 0);
	room_hears("+welcome");
	g_assert_cmpint(room_does(VERB_ANNOUNCE, "r", false, "jingle"), ==, 0);
	room_hears("+tone");                      /* it is no prompt, and has a length that is no word's */
	g_assert_cmpint(room_does(VERB_ANNOUNCE, "r", false, "nothing"), ==, ENOENT);
	g_assert_cmpint(room_does(VERB_ANNOUNCE, "r", false, "../en/welcome"), ==, EINVAL);
	g_assert_cmpint(room_does(VERB_ANNOUNCE, "r", false, ".hidden"), ==, EINVAL);
	g_assert_cmpint(room_does(VERB_PLAY, "r", true, "jingle.wav"), ==, 0);
	room_hears("!tone");
	g_assert_cmpint(room_does(VERB_PLAY, "r", true, NULL), ==, EINVAL);
	g_assert_cmpint(room_does(VERB_PLAY, "r", false, NULL), ==, 0);
	room_hears("!");
	cmd.room = "r";
	g_assert_cmpint(control_run(c, &sys, &cmd, NULL), ==, 0);
	room_hears("+count-before 2 count-after");
	end();
}

/* Files that are being played are in memory, each once, and bounded. */
static void test_files(void)
{
	static const char *const names[] = { "long-a", "long-b", "long-c" };
	struct sound *s[4] = { NULL };

	for (size_t i = 0; i < 3; i++)
		wave_at("", names[i], 8000, 8000 * 250);
	begin();
	g_assert_cmpint(prompt_sound(&s[0], prompts, NULL, "long-a"), ==, 0);
	g_assert_cmpint(prompt_sound(&s[1], prompts, NULL, "long-a"), ==, 0);
	g_assert_true(s[0] == s[1]);
	g_assert_cmpint(prompt_sound(&s[2], prompts, NULL, "long-b"), ==, 0);
	g_assert_cmpint(prompt_sound(&s[3], prompts, NULL, "long-c"), ==, ENOSPC);
	mem_deref(s[2]);
	g_assert_cmpint(prompt_sound(&s[3], prompts, NULL, "long-c"), ==, 0);
	mem_deref(s[0]);
	mem_deref(s[1]);
	mem_deref(s[3]);
	end();
}

/* --- prompts --- */

static void test_no_prompts(void)
{
	begin_with("", true, true);
	join(0, "r", ROLE_HOST);
	clock_advance(1000);
	hears(0, "");                             /* nobody needs a tone for that */
	press(0, "*6");
	hears(0, "!tone");
	press(0, "*0");
	hears(0, "");
	g_assert_cmpint(room_does(VERB_ANNOUNCE, "r", false, "jingle"), ==, ENOENT);
	end();
}

static void test_language(void)
{
	begin();
	room_does(VERB_CREATE, "r", false, NULL);
	setting("r", "language", "de");
	join(0, "r", ROLE_HOST);
	clock_advance(1000);
	hears(0, "+tone");                        /* the German for only-person, here */
	press(0, "*6");
	hears(0, "!muted");                       /* which the set lacks: the server's own language */
	end();
}

static void test_numbers(void)
{
	static const struct { uint32_t n; const char *words; } row[] = {
		{ 0, "0" }, { 7, "7" }, { 99, "99" }, { 100, "100" }, { 101, "100 1" }, { 342, "300 42" }, { 1000, "1000" }, { 1234, "1000 200 34" },
		{ 9999, "9000 900 99" }, { 4000000000, "9000 900 99" } };

	for (size_t i = 0; i < G_N_ELEMENTS(row); i++) {
		char words[PROMPT_NUMBER_WORDS][8];
		unsigned n = prompt_number(words, row[i].n);
		GString *s = g_string_new(words[0]);

		for (unsigned k = 1; k < n; k++)
			g_string_append_printf(s, " %s", words[k]);
		g_assert_cmpstr(s->str, ==, row[i].words);
		g_string_free(s, TRUE);
	}
}

/* The tables of both languages have a text for each word, and no others. */
static void test_tables(void)
{
	static const char *const files[] = { "en.txt", "de.txt" };
	const char *name;

	for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
		char *path = g_build_filename(g_getenv("G_TEST_SRCDIR"), "..", "..", "sounds", files[i], NULL), *text = NULL;
		unsigned found = 0, n_lines = 0;
		char **lines;

		g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
		lines = g_strsplit(text, "\n", -1);
		for (char **l = lines; *l; l++)
			n_lines += **l && **l != '#' && !g_str_has_prefix(*l, "voice\t");
		for (size_t k = 0; !prompt_name(&name, k); k++) {
			char *begins = g_strdup_printf("%s\t", name);
			unsigned here = 0;

			for (char **l = lines; *l; l++)
				here += g_str_has_prefix(*l, begins) && strlen(*l) > strlen(begins);
			g_assert_cmpuint(here, ==, 1);
			found += here;
			g_free(begins);
		}
		g_assert_cmpuint(found, ==, n_lines);
		g_strfreev(lines);
		g_free(text);
		g_free(path);
	}
}

static void make_files(void)
{
	const char *name;
	char number[8];

	dir = g_dir_make_tmp("tutti-spoken-XXXXXX", NULL);
	for (size_t i = 0; !prompt_name(&name, i); i++)
		wave("en", name, BASE + i);
	for (unsigned i = 0; i < 10; i++) {
		g_snprintf(number, sizeof(number), "%u", i);
		wave("en", number, 5000 + i);
	}
	wave("de", "only-person", 1500);
	wave("", "jingle", 1000);
}

static void remove_files(const char *path)
{
	GDir *d = g_dir_open(path, 0, NULL);
	const char *name;

	while (d && (name = g_dir_read_name(d))) {
		char *p = g_build_filename(path, name, NULL);

		if (g_file_test(p, G_FILE_TEST_IS_DIR))
			remove_files(p);
		else
			g_unlink(p);
		g_free(p);
	}
	if (d)
		g_dir_close(d);
	g_rmdir(path);
}

int main(int argc, char *argv[])
{
	int err;

	g_test_init(&argc, &argv, NULL);
	if (libre_init())
		return 1;
	clock_open();
	make_files();
	g_test_add_func("/spoken/greeting", test_greeting);
	g_test_add_func("/spoken/names", test_names);
	g_test_add_func("/spoken/name-wanted", test_name_wanted);
	g_test_add_func("/spoken/many", test_many);
	g_test_add_func("/spoken/tones-off", test_tones_off);
	g_test_add_func("/spoken/music", test_music);
	g_test_add_func("/spoken/first", test_first);
	g_test_add_func("/spoken/waiting", test_waiting);
	g_test_add_func("/spoken/keys", test_keys);
	g_test_add_func("/spoken/help", test_help);
	g_test_add_func("/spoken/end-for-all", test_end_for_all);
	g_test_add_func("/spoken/verbs", test_verbs);
	g_test_add_func("/spoken/files", test_files);
	g_test_add_func("/spoken/no-prompts", test_no_prompts);
	g_test_add_func("/spoken/language", test_language);
	g_test_add_func("/spoken/numbers", test_numbers);
	g_test_add_func("/spoken/tables", test_tables);
	err = g_test_run();
	remove_files(dir);
	g_free(dir);
	sound_close();
	wheel_close();
	clock_close();
	libre_close();
	return err;
}
