/*
 * flow-property.c - anybody does anything, for minutes: commands by random actors on a house of eight phones that all
 * sound, and after each handful of them what must always hold is held against what all hear.
 *
 *   - who is in a room's roster, by its snapshot and by its events, is who is in its mix; who waits is in none
 *   - the numbers of all events have no gap, and the versions of each room have none
 *   - who is muted, on hold, waiting, or only listens is silent in every other's sound; all others are heard, as loud as they are set
 *   - no limit is passed; where one speaker has the floor nobody else but hosts is heard
 *   - no PIN in any event, snapshot or setting
 *   - killed at any moment, the house comes back with the rooms it keeps, as they were
 *
 * TUTTI_PROPERTY_SEED begins with another seed, TUTTI_PROPERTY_MINUTES makes it longer (simulated, a seed; 0.4).
 */
#include <errno.h>
#include <glib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "control/control.h"
#include "control/event.h"
#include "control/setting.h"
#include "control/snapshot.h"
#include "control/sound.h"
#include "control/store.h"
#include "control/wheel.h"
#include "mixer/leg.h"
#include "tests/lib/signal.h"
#include "tests/lib/stage.h"
#include "tests/unit/handclock.h"

#define PEAK 0.03
#define HOST_PIN "90210733"
#define GUEST_PIN "41186925"

enum { N = 8, SEEDS = 3, ROUND_MS = 700, LISTEN_MS = 250 };

static const double hz[N] = { 441.7, 703.3, 1109.1, 1511.9, 1913.7, 2377.3, 2791.1, 3307.9 };

struct end { struct member *mb; struct face face; uint32_t id; };

static const struct control_conf limits = { .auto_rooms = true, .max_rooms = 6, .max_members_per_room = 6, .max_members = 8,
					    .empty_timeout_s = 3, .seat_time_s = 20 };
static const char *const names[] = { "band", "choir", "choir.side", "100", "nowhere", "no/name" };

static struct stage *stage;
static struct control *control;
static struct event_lsnr *lsnr;
static struct store *store;
static char *store_path;
static struct end end[N];
static GRand *dice;
static uint64_t number;                   /* of the last event */
static GHashTable *versions;              /* room, in small letters -> its last version */
static GHashTable *rosters;               /* ... -> set of members, from events alone */
static unsigned n_commands, n_done, n_heard, n_silent, n_crashes;

static const struct actor sys = { .kind = ACTOR_SYSTEM };

static int any(int n)
{
	return g_rand_int_range(dice, 0, n);
}

static void no_pin(const char *text)
{
	g_assert_true(!strstr(text, HOST_PIN) && !strstr(text, GUEST_PIN) && !strstr(text, "pbkdf2"));
}

/* --- what is told --- */

static void count_version(const struct event *ev, const char *room)
{
	uint64_t last = GPOINTER_TO_SIZE(g_hash_table_lookup(versions, room));

	g_assert_cmpuint(ev->version, ==, last + 1);
	g_assert_cmpint(ev->type == EVENT_ROOM_CREATED, ==, ev->version == 1);
	if (ev->type == EVENT_ROOM_ENDED)
		g_hash_table_remove(versions, room);
	else
		g_hash_table_insert(versions, g_strdup(room), GSIZE_TO_POINTER((gsize)ev->version));
}

static void keep_roster(const struct event *ev, const char *room)
{
	GHashTable *set = g_hash_table_lookup(rosters, room);
	gpointer id = GUINT_TO_POINTER(ev->member);

	if (!set)
		g_hash_table_insert(rosters, g_strdup(room), set = g_hash_table_new(NULL, NULL));
	if (ev->type == EVENT_MEMBER_JOINED || ev->type == EVENT_MEMBER_WAITING)
		g_hash_table_add(set, id);
	else if (ev->type == EVENT_MEMBER_LEFT)
		g_assert_true(g_hash_table_remove(set, id));
	else if (ev->member)
		g_assert_true(g_hash_table_contains(set, id));
	if (ev->type == EVENT_ROOM_ENDED) {
		g_assert_cmpuint(g_hash_table_size(set), ==, 0);
		g_hash_table_remove(rosters, room);
	}
}

static void on_event(const struct event *ev, void *arg)
{
	g_autofree char *room = g_ascii_strdown(ev->room, -1);
	struct snapshot_member m;

	if (number)
		g_assert_cmpuint(ev->number, ==, number + 1);
	number = ev->number;
	count_version(ev, room);
	keep_roster(ev, room);
	no_pin(ev->detail);
	if (!event_member(&m, ev)) {
		no_pin(m.uri);
		no_pin(m.name);
	}
}

static void on_bye(void *arg, const char *why)
{
	struct end *e = arg;

	g_assert_null(e->mb->leg->bus);
	e->id = 0;
}

/* --- the house --- */

/* Rooms that came back from the store were told to nobody. */
static void note_versions(void)
{
	struct snapshot_rooms *n;

	g_assert_cmpint(snapshot_rooms(&n, control), ==, 0);
	for (size_t k = 0; k < n->n; k++) {
		struct snapshot *s;

		g_assert_cmpint(snapshot_take(&s, control, n->room[k].room), ==, 0);
		g_hash_table_insert(versions, g_ascii_strdown(s->room, -1), GSIZE_TO_POINTER((gsize)s->version));
		mem_deref(s);
	}
	mem_deref(n);
}

static void open_control(void)
{
	struct control_conf conf = limits;
	char *why = NULL;

	g_assert_cmpint(store_open(&store, store_path, &why), ==, 0);
	conf.store = store;
	number = 0;
	versions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	rosters = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_hash_table_destroy);
	g_assert_cmpint(control_alloc(&control, &conf, stage->m), ==, 0);
	g_assert_cmpint(event_listen(&lsnr, control, NULL, on_event, NULL), ==, 0);
	note_versions();
}

/* As a kill would: nobody is told anything, legs apart, which belong to their faces. */
static void close_control(void)
{
	control = mem_deref(control);
	lsnr = mem_deref(lsnr);
	store = mem_deref(store);
	g_hash_table_destroy(versions);
	g_hash_table_destroy(rosters);
	for (unsigned i = 0; i < N; i++)
		end[i].id = 0;
}

static void open_house(uint32_t seed)
{
	dice = g_rand_new_with_seed(seed);
	stage = stage_new(5000);
	memset(end, 0, sizeof(end));
	for (unsigned i = 0; i < N; i++) {
		const struct peer_conf peer = { "L16", 48000, 98, 1, 20000, hz[i], PEAK, false, NULL };

		end[i].mb = stage_member(stage, &peer);
		end[i].face = (struct face){ .leg = end[i].mb->leg, .bye = on_bye, .arg = &end[i] };
	}
	open_control();
}

static void close_house(void)
{
	close_control();
	stage_run(stage, 100);
	stage_free(stage);
	wheel_close();
	sound_close();
	g_rand_free(dice);
}

/* --- anything --- */

static const char *const settings[][2] = {
	{ "lobby", "on" }, { "lobby", "off" }, { "lobby", "off" }, { "wait-for-host", "on" }, { "wait-for-host", "off" },
	{ "floor", "on" }, { "floor", "off" }, { "floor", "off" }, { "end-with-host", "on" }, { "end-with-host", "off" },
	{ "end-grace", "2" }, { "mute-on-entry", "on" }, { "mute-on-entry", "off" }, { "guest-pin", GUEST_PIN },
	{ "guest-pin", "" }, { "host-pin", HOST_PIN }, { "max-members", "3" }, { "max-members", "0" }, { "keep", "on" },
	{ "keep", "off" }, { "aliases", "100" }, { "aliases", "" }, { "title", "x" }, { "profile", "music" }, { "profile", "voice" },
	{ "empty-timeout", "1" }, { "lobby", "maybe" }, { "colour", "red" }, { "repeat", "daily" }, { "hide-numbers", "on" },
	{ "start", "2033-05-18T03:34" }, { "start", "" }, { "end", "2033-05-18T03:40" }, { "end", "" }, { "tones", "off" },
};

static const char *any_pin(void)
{
	static const char *const pins[] = { GUEST_PIN, GUEST_PIN, HOST_PIN, "", "1234", NULL };

	return pins[any(G_N_ELEMENTS(pins))];
}

static struct actor any_actor(void)
{
	return (struct actor){ .kind = any(3) ? ACTOR_MEMBER : any(2) ? ACTOR_SYSTEM : ACTOR_ACCOUNT, .role = (enum role)any(ROLE_N),
			       .member = end[any(N)].id };
}

/* What is played, recorded or keyed in is for other tests; END and its like would leave nothing to look at. */
static enum verb any_verb(void)
{
	for (;;) {
		enum verb v = any(3) ? (enum verb)any(VERB_N) : VERB_JOIN;

		if (v == VERB_ANNOUNCE || v == VERB_PLAY || v == VERB_COUNT || v == VERB_RECORD || v == VERB_KEY || v == VERB_PAN)
			continue;
		if ((v == VERB_END || v == VERB_CLEAR || v == VERB_BAN || v == VERB_LOCK) && any(8))
			continue;
		return v;
	}
}

static void any_command(void)
{
	unsigned i = (unsigned)any(N), j = (unsigned)any(N);
	g_autofree char *uri = g_strdup_printf("sip:%u@h", i);
	struct actor a = any_actor();
	struct setting set[2];
	struct command cmd = { .verb = any_verb(), .room = names[any(G_N_ELEMENTS(names))], .on = !any(3), .value = (float)any(12) - 10,
			       .role = (enum role)any(ROLE_N), .uri = uri, .name = any(2) ? "side" : "b/d", .settings = set,
			       .n_settings = 1 + (size_t)any(2), .member = any(2) && a.kind == ACTOR_MEMBER ? a.member : end[i].id,
			       .other = end[j].id, .pan = COMMAND_PAN_SAME, .text = any_pin(), .face = &end[i].face };
	struct result res = { 0 };

	for (size_t k = 0; k < 2; k++) {
		const char *const *pair = settings[any(G_N_ELEMENTS(settings))];
		set[k] = (struct setting){ pair[0], pair[1] };
	}
	if (cmd.verb == VERB_JOIN && end[i].id)
		return;
	if (cmd.verb != VERB_JOIN && cmd.verb != VERB_MOVE)
		cmd.text = "because";             /* there it is no PIN */
	if (cmd.verb == VERB_JOIN && any(4))
		a = sys;
	end[i].face.dialed_out = !any(6);
	n_commands++;
	int err = control_run(control, &a, &cmd, &res);
	n_done += err == 0;
	if (!err && cmd.verb == VERB_JOIN)
		end[i].id = res.member;
	for (unsigned k = 0; !err && cmd.verb == VERB_LEAVE && k < N; k++)
		if (end[k].id == cmd.member)
			end[k].id = 0;
}

static void plainly(enum verb verb, unsigned i, const char *room, bool on, bool self)
{
	static const struct setting title = { "title", "calm" };
	struct actor a = { .kind = self ? ACTOR_MEMBER : ACTOR_SYSTEM, .member = end[i].id };
	struct command cmd = { .verb = verb, .member = end[i].id, .room = room, .on = on, .role = ROLE_SPEAKER, .settings = &title,
			       .n_settings = 1, .face = &end[i].face, .uri = "sip:calm@h", .value = 0 };
	struct result res = { 0 };

	if (!control_run(control, &a, &cmd, &res) && verb == VERB_JOIN)
		end[i].id = res.member;
}

/* Now and then most of them sit in rooms as rooms usually are, and talk; or after hours of this nobody would be heard. */
static void calm(void)
{
	for (size_t k = 0; k < 2; k++) {
		plainly(VERB_CHANGE, 0, names[k], true, false);
		plainly(VERB_MUTE_ALL, 0, names[k], false, false);
	}
	for (unsigned i = 0; i < N; i++) {
		if (!end[i].id) {
			end[i].face.dialed_out = true;
			plainly(VERB_JOIN, i, names[i % 2], false, false);
		}
		plainly(VERB_ROLE, i, NULL, false, false);
		plainly(VERB_HOLD, i, NULL, false, true);
		plainly(VERB_DEAF, i, NULL, false, true);
		plainly(VERB_MUTE, i, NULL, false, true);
	}
}

/* --- what must hold --- */

static struct end *end_of(uint32_t id)
{
	for (unsigned i = 0; i < N; i++)
		if (end[i].id == id)
			return &end[i];
	g_error("member %u is nobody's", id);
	return NULL;
}

static bool speaks(const struct snapshot_member *m)
{
	return !m->waiting && !m->muted && !m->hold && m->role != ROLE_LISTENER;
}

static void check_members(const struct snapshot *s)
{
	g_autofree char *key = g_ascii_strdown(s->room, -1);
	GHashTable *set = g_hash_table_lookup(rosters, key);
	const struct bus *bus = NULL;
	size_t n_waiting = 0;

	g_assert_cmpuint(s->n_members, ==, set ? g_hash_table_size(set) : 0);
	for (size_t i = 0; i < s->n_members; i++) {
		const struct snapshot_member *m = &s->member[i];
		const struct leg *leg = end_of(m->id)->mb->leg;

		g_assert_true(g_hash_table_contains(set, GUINT_TO_POINTER(m->id)));
		g_assert_cmpint(m->waiting != WAITING_NO, ==, leg->bus == NULL);
		g_assert_true(!leg->bus || !bus || leg->bus == bus);
		bus = leg->bus ? leg->bus : bus;
		n_waiting += m->waiting != WAITING_NO;
		if (m->role == ROLE_HOST)
			g_assert_cmpint(m->waiting, ==, WAITING_NO);
	}
	g_assert_cmpuint(s->n_waiting, ==, n_waiting);
}

static void check_floor(const struct snapshot *s)
{
	bool held = false;

	for (size_t i = 0; i < s->n_members; i++) {
		held |= s->member[i].id == s->floor;
		if (strcmp(snapshot_setting(s, "floor"), "on") == 0 && s->member[i].role != ROLE_HOST && s->member[i].id != s->floor)
			g_assert_true(s->member[i].muted);
	}
	g_assert_true(held || !s->floor);
}

static void check_room(const struct snapshot *s)
{
	g_autofree char *key = g_ascii_strdown(s->room, -1);

	g_assert_cmpuint(s->version, ==, GPOINTER_TO_SIZE(g_hash_table_lookup(versions, key)));
	g_assert_cmpuint(s->n_members, <=, limits.max_members_per_room);
	check_members(s);
	check_floor(s);
	for (size_t i = 0; i < s->n_settings; i++)
		no_pin(s->settings[i].value);
	g_assert_null(snapshot_setting(s, "guest-pin"));
}

/* How loud the one hears the other, by what control says of both; -200: not at all. */
static double expected_db(const struct snapshot_member *who, const struct snapshot_member *other)
{
	float gain, pan;

	if (who == other || who->waiting || who->deaf || !speaks(other))
		return -200;
	leg_view(end_of(who->id)->mb->leg, end_of(other->id)->mb->leg, &gain, &pan);
	return gain > 0 ? other->gain_db + 20 * log10(gain) : -200;
}

static void check_ear(const struct end *e, const struct snapshot *s, const struct snapshot_member *m)
{
	double want[N];

	for (unsigned i = 0; i < N; i++)
		want[i] = -200;
	for (size_t k = 0; m && k < s->n_members; k++)
		want[end_of(s->member[k].id) - end] = expected_db(m, &s->member[k]);
	for (unsigned i = 0; i < N; i++) {
		double is = member_hears_db(e->mb, hz[i], PEAK, LISTEN_MS);

		if (want[i] < -100 ? is > -50 : fabs(is - want[i]) > 1)
			g_error("%u of %s hears %u at %.1f dB, not %.1f", (unsigned)(e - end), s ? s->room : "-", i, is, want[i]);
		n_heard += want[i] > -100;
		n_silent += want[i] < -100;
	}
}

/* A phone that holds is told little, and does not mind. */
static void check_house(bool listen)
{
	struct snapshot_rooms *n;
	size_t in = 0;

	g_assert_cmpint(snapshot_rooms(&n, control), ==, 0);
	g_assert_cmpuint(n->n, <=, limits.max_rooms);
	for (size_t k = 0; k < n->n; k++) {
		struct snapshot *s;

		g_assert_cmpint(snapshot_take(&s, control, n->room[k].room), ==, 0);
		check_room(s);
		for (size_t i = 0; listen && i < s->n_members; i++)
			if (!s->member[i].hold)
				check_ear(end_of(s->member[i].id), s, &s->member[i]);
		in += s->n_members;
		mem_deref(s);
	}
	mem_deref(n);
	g_assert_cmpuint(in, ==, control_members(control));
	g_assert_cmpuint(in, <=, limits.max_members);
	for (unsigned i = 0; i < N; i++) {
		in -= end[i].id != 0;
		if (!end[i].id)
			g_assert_null(end[i].mb->leg->bus);
		if (listen && !end[i].id)
			check_ear(&end[i], NULL, NULL);
	}
	g_assert_cmpuint(in, ==, 0);
}

/* --- killed --- */

static void write_room(GString *text, const struct snapshot *s)
{
	g_string_append_printf(text, "%s %d %d %d %d %zu", s->room, s->locked, s->muted_all, s->has_host_pin, s->has_guest_pin, s->n_bans);
	for (size_t i = 0; i < s->n_settings; i++)
		g_string_append_printf(text, " %s=%s", s->settings[i].name, s->settings[i].value);
	g_string_append_c(text, '\n');
}

static char *kept_rooms(void)
{
	GString *text = g_string_new(NULL);
	struct snapshot_rooms *n;

	g_assert_cmpint(snapshot_rooms(&n, control), ==, 0);
	for (size_t k = 0; k < n->n; k++) {
		struct snapshot *s;

		g_assert_cmpint(snapshot_take(&s, control, n->room[k].room), ==, 0);
		if (s->kept)
			write_room(text, s);
		mem_deref(s);
	}
	mem_deref(n);
	return g_string_free(text, FALSE);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* In the order of their being kept, which a room that became so later changes: sorted. */
static char *sorted(char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	char *joined;

	qsort(lines, g_strv_length(lines), sizeof(lines[0]), by_text);
	joined = g_strjoinv("\n", lines);
	g_free(text);
	return joined;
}

static void crash(void)
{
	g_autofree char *before = sorted(kept_rooms()), *after = NULL;

	n_crashes++;
	close_control();
	open_control();
	after = sorted(kept_rooms());
	g_assert_cmpstr(after, ==, before);
}

/* --- minutes of it --- */

static void run(uint32_t seed, double minutes)
{
	open_house(seed);
	for (double ms = 0; ms < minutes * 60000; ms += ROUND_MS) {
		for (int n = 1 + any(24); n; n--) {
			any_command();
			check_house(false);
		}
		if (!any(5))
			clock_advance((uint64_t)any(5000));
		if (!any(40))
			crash();
		if (!any(5))
			calm();
		stage_forget(stage);
		stage_run(stage, ROUND_MS);
		check_house(true);
		clock_advance(ROUND_MS);
		check_house(false);
	}
	close_house();
}

static void anything(void)
{
	const char *minutes = g_getenv("TUTTI_PROPERTY_MINUTES"), *seed = g_getenv("TUTTI_PROPERTY_SEED");
	g_autofree char *dir = g_dir_make_tmp("tutti-property-XXXXXX", NULL);

	wall_ms = 2000000000000 - now_ms;         /* 2033-05-18T03:33:20Z */
	for (uint32_t i = 0; i < SEEDS; i++) {
		uint32_t s = (seed ? (uint32_t)strtoul(seed, NULL, 10) : 1) + i;

		g_test_message("seed %u", s);
		store_path = g_strdup_printf("%s/%u.db", dir, s);
		run(s, minutes ? g_ascii_strtod(minutes, NULL) : 0.4);
		g_free(store_path);
	}
	g_test_message("%u commands, %u of them done, %u times heard, %u times silent, %u crashes", n_commands, n_done, n_heard,
		       n_silent, n_crashes);
	g_assert_cmpuint(n_done, >, n_commands / 10);             /* not all is refused, and not all is silence */
	g_assert_cmpuint(n_heard, >, 100);
	g_autofree char *rm = g_strdup_printf("rm -rf %s", dir);
	g_assert_cmpint(system(rm), ==, 0);
}

int main(int argc, char **argv)
{
	g_setenv("TZ", "UTC", TRUE);
	g_test_init(&argc, &argv, NULL);
	if (libre_init())
		return 1;
	clock_open();
	g_test_add_func("/property/anything", anything);
	int rc = g_test_run();
	clock_close();
	libre_close();
	return rc;
}
