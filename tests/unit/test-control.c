/*
 * Rooms and members through control_run, told as little stories; then thousands of random commands by random
 * actors, after each of which what must always hold is checked. The mixer is a stand-in here that remembers what it
 * was told: whether a muted leg is silent is the mixer's own test, that it IS muted is this one's.
 */
#include <errno.h>
#include <glib.h>
#include <math.h>
#include <string.h>
#include "control/control.h"
#include "control/event.h"
#include "control/snapshot.h"
#include "control/sound.h"
#include "control/wheel.h"
#include "handclock.h"
#include "nomixer.h"

/* --- faces, and what they are told --- */

enum { N_ENDS = 24 };

struct end {                              /* one phone */
	struct leg leg;
	struct face face;
	uint32_t member;                  /* 0: not in */
	unsigned n_bye;
	char bye_why[64];
	struct control *c;
};

static struct end ends[N_ENDS];
static struct control *c;
static struct event_lsnr *all;
static GString *story;                    /* events as text, since the last story_is */

static void on_bye(void *arg, const char *why)
{
	struct end *e = arg;

	g_assert_null(e->leg.bus);
	if (e->member)
		g_assert_null(control_member_room(c, e->member));
	e->member = 0;
	e->n_bye++;
	g_strlcpy(e->bye_why, why, sizeof(e->bye_why));
}

/* Versions seen per room, by lower-case name: none skipped, none twice. */
static GHashTable *versions;
/* Rosters as a listener would keep them from events alone. */
static GHashTable *rosters;               /* room -> GHashTable set of member ids */

static void check_version(const struct event *ev)
{
	char *key = g_ascii_strdown(ev->room, -1);
	uint64_t last = (uint64_t)GPOINTER_TO_SIZE(g_hash_table_lookup(versions, key));

	g_assert_cmpuint(ev->version, ==, last + 1);
	g_assert_cmpint(ev->type == EVENT_ROOM_CREATED, ==, ev->version == 1);
	if (ev->type == EVENT_ROOM_ENDED) {
		g_hash_table_remove(versions, key);
		GHashTable *r = g_hash_table_lookup(rosters, key);
		g_assert_true(!r || g_hash_table_size(r) == 0);
		g_hash_table_remove(rosters, key);
		g_free(key);
		return;
	}
	g_hash_table_insert(versions, key, GSIZE_TO_POINTER((gsize)ev->version));
}

static void keep_roster(const struct event *ev)
{
	char *key = g_ascii_strdown(ev->room, -1);
	GHashTable *r = g_hash_table_lookup(rosters, key);

	if (!r) {
		r = g_hash_table_new(NULL, NULL);
		g_hash_table_insert(rosters, g_strdup(key), r);
	}
	if (ev->type == EVENT_MEMBER_JOINED)
		g_assert_true(g_hash_table_add(r, GUINT_TO_POINTER(ev->member)));
	else if (ev->type == EVENT_MEMBER_LEFT)
		g_assert_true(g_hash_table_remove(r, GUINT_TO_POINTER(ev->member)));
	else if (ev->member)
		g_assert_true(g_hash_table_contains(r, GUINT_TO_POINTER(ev->member)));
	g_free(key);
}

/* The snapshot inside the call is the room as of this very version. */
static void check_snapshot(const struct event *ev)
{
	struct snapshot *s = NULL;
	int err = snapshot_take(&s, c, ev->room);

	if (ev->type == EVENT_ROOM_ENDED) {
		g_assert_cmpint(err, ==, ENOENT);
		return;
	}
	g_assert_cmpint(err, ==, 0);
	g_assert_cmpuint(s->version, ==, ev->version);
	bool in = false;
	for (size_t i = 0; i < s->n_members; i++)
		in |= s->member[i].id == ev->member;
	g_assert_cmpint(in, ==, ev->member && ev->type != EVENT_MEMBER_LEFT);
	mem_deref(s);
}

static void on_event(const struct event *ev, void *arg)
{
	struct actor sys = { .kind = ACTOR_SYSTEM };
	struct command cmd = { .verb = VERB_LOCK, .room = ev->room, .on = true };

	check_version(ev);
	if (ev->type != EVENT_ROOM_ENDED)
		keep_roster(ev);
	check_snapshot(ev);
	g_assert_cmpint(control_run(c, &sys, &cmd, NULL), ==, EDEADLK);
	g_string_append_printf(story, "%s%s %s", story->len ? "; " : "", ev->room, event_name(ev->type));
	if (ev->detail[0])
		g_string_append_printf(story, " %s", ev->detail);
}

static const struct control_conf plain = {
	.auto_rooms = true, .max_rooms = 8, .max_members_per_room = 6, .max_members = 12, .empty_timeout_s = 30,
};

static void begin(const struct control_conf *conf)
{
	memset(ends, 0, sizeof(ends));
	memset(&the_mixer, 0, sizeof(the_mixer));
	versions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	rosters = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_hash_table_destroy);
	story = g_string_new(NULL);
	g_assert_cmpint(control_alloc(&c, conf, &the_mixer), ==, 0);
	g_assert_cmpint(event_listen(&all, c, NULL, on_event, NULL), ==, 0);
	for (size_t i = 0; i < N_ENDS; i++) {
		struct face face = { .leg = &ends[i].leg, .bye = on_bye, .arg = &ends[i], .call_id = "id@host" };
		ends[i].face = face;
	}
}

static void end(void)
{
	c = mem_deref(c);
	all = mem_deref(all);
	for (size_t i = 0; i < N_ENDS; i++)
		g_assert_null(ends[i].leg.bus);
	g_assert_cmpuint(the_mixer.n_buses, ==, 0);
	g_hash_table_destroy(versions);
	g_hash_table_destroy(rosters);
	g_string_free(story, TRUE);
}

#define story_is(text) do { g_assert_cmpstr(story->str, ==, text); g_string_truncate(story, 0); } while (0)

/* --- short hands --- */

static const struct actor sys = { .kind = ACTOR_SYSTEM };

static int join_as(const struct actor *actor, int i, const char *room, enum role role)
{
	struct command cmd = { .verb = VERB_JOIN, .room = room, .uri = "sip:x@y", .name = "X", .role = role, .face = &ends[i].face };
	struct result res = { 0 };
	int err = control_run(c, actor, &cmd, &res);

	if (!err)
		ends[i].member = res.member;
	return err;
}

static int join(int i, const char *room, enum role role)
{
	return join_as(&sys, i, room, role);
}

static struct actor by(int i)
{
	return (struct actor){ .kind = ACTOR_MEMBER, .member = ends[i].member, .role = ROLE_HOST };  /* its claim counts nothing */
}

static int does_on(const struct actor *actor, enum verb verb, int i, bool on)
{
	struct command cmd = { .verb = verb, .member = ends[i].member, .on = on };

	return control_run(c, actor, &cmd, NULL);
}

static int does(int who, enum verb verb, int i, bool on)
{
	struct actor a = by(who);

	return does_on(&a, verb, i, on);
}

static int room_does(const struct actor *actor, enum verb verb, const char *room, bool on)
{
	struct command cmd = { .verb = verb, .room = room, .on = on };

	return control_run(c, actor, &cmd, NULL);
}

static int gain(int who, int i, float db)
{
	struct actor a = by(who);
	struct command cmd = { .verb = VERB_GAIN, .member = ends[i].member, .value = db };

	return control_run(c, &a, &cmd, NULL);
}

static int pan(int who, int i, float to)
{
	struct actor a = by(who);
	struct command cmd = { .verb = VERB_PAN, .member = ends[i].member, .pan = to };

	return control_run(c, &a, &cmd, NULL);
}

static int view(int who, int i, uint32_t other, float db, float to)
{
	struct actor a = by(who);
	struct command cmd = { .verb = VERB_VIEW, .member = ends[i].member, .other = other, .value = db, .pan = to };

	return control_run(c, &a, &cmd, NULL);
}

static int set_role(const struct actor *a, int i, enum role role)
{
	struct command cmd = { .verb = VERB_ROLE, .member = ends[i].member, .role = role };

	return control_run(c, a, &cmd, NULL);
}

static int move(const struct actor *a, int i, const char *room)
{
	struct command cmd = { .verb = VERB_MOVE, .member = ends[i].member, .room = room };

	return control_run(c, a, &cmd, NULL);
}

static void press(int i, const char *keys)
{
	for (; *keys; keys++) {
		struct leg_event ev = { .type = LEG_EVENT_DTMF, .key = *keys };
		control_leg_event(c, ends[i].member, &ev);
	}
}

static void leg_says(int i, enum leg_event_type type, bool on)
{
	struct leg_event ev = { .type = type, .on = on };

	control_leg_event(c, ends[i].member, &ev);
}

static int leave(int i)
{
	struct actor a = by(i);
	int err = does_on(&a, VERB_LEAVE, i, false);

	ends[i].member = 0;
	return err;
}

static bool heard(int i)
{
	return ends[i].leg.bus && !ends[i].leg.mute;
}

/* --- stories --- */

static void test_names(void)
{
	static const struct { const char *name; bool ok; } row[] = {
		{ "band", true }, { "a", true }, { "A.b_c~d+e-9", true }, { "", false }, { NULL, false }, { "echo", false },
		{ "Lobby", false }, { "CONFERENCE", false }, { "echoes", true }, { "a b", false }, { "a/b", false },
		{ "a%20b", false }, { "b\xc3\xa9", false }, { "a\n", false },
		{ "123456789012345678901234567890123456789012345678901234567890123", true },
		{ "1234567890123456789012345678901234567890123456789012345678901234", false },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(row); i++)
		g_assert_cmpint(control_room_name_valid(row[i].name), ==, row[i].ok);
}

/* a calls, the room opens; b calls it by another case; both leave; half a minute later the room is gone. */
static void test_come_and_go(void)
{
	begin(&plain);
	g_assert_cmpint(join(0, "Band", ROLE_SPEAKER), ==, 0);
	g_assert_cmpint(join(1, "bAND", ROLE_SPEAKER), ==, 0);
	story_is("Band room-created auto; Band member-joined; Band member-joined");
	g_assert_cmpuint(control_rooms(c), ==, 1);
	g_assert_cmpuint(control_members(c), ==, 2);
	g_assert_true(control_room_exists(c, "band"));
	g_assert_cmpstr(control_member_room(c, ends[1].member), ==, "Band");
	g_assert_true(heard(0) && heard(1) && ends[0].leg.bus == ends[1].leg.bus);
	g_assert_cmpint(leave(0), ==, 0);
	g_assert_null(ends[0].leg.bus);
	g_assert_cmpint(leave(1), ==, 0);
	story_is("Band member-left bye; Band member-left bye");
	clock_advance(29000);
	g_assert_cmpint(join(2, "band", ROLE_SPEAKER), ==, 0);    /* just in time */
	clock_advance(60000);
	g_assert_cmpint(leave(2), ==, 0);
	clock_advance(31000);
	story_is("Band member-joined; Band member-left bye; Band room-ended empty");
	g_assert_cmpuint(control_rooms(c), ==, 0);
	g_assert_cmpint(join(2, "band", ROLE_SPEAKER), ==, 0);    /* a new room, counted from one */
	story_is("band room-created auto; band member-joined");
	g_assert_cmpuint(ends[0].n_bye + ends[1].n_bye + ends[2].n_bye, ==, 0);
	end();
}

static void test_open(void)
{
	struct control_conf closed = plain;
	struct actor speaker = { .kind = ACTOR_ACCOUNT, .role = ROLE_SPEAKER }, host = { .kind = ACTOR_ACCOUNT, .role = ROLE_HOST };

	closed.auto_rooms = false;
	begin(&closed);
	g_assert_cmpint(join(0, "band", ROLE_SPEAKER), ==, ENOENT);
	g_assert_cmpint(room_does(&speaker, VERB_CREATE, "band", false), ==, EPERM);
	g_assert_cmpint(room_does(&host, VERB_CREATE, "band", false), ==, 0);
	g_assert_cmpint(room_does(&host, VERB_CREATE, "BAND", false), ==, EEXIST);
	g_assert_cmpint(room_does(&host, VERB_CREATE, "echo", false), ==, EINVAL);
	g_assert_cmpint(join(0, "band", ROLE_SPEAKER), ==, 0);
	g_assert_cmpint(leave(0), ==, 0);
	clock_advance(3600 * 1000);                               /* it stays */
	story_is("band room-created; band member-joined; band member-left bye");
	g_assert_cmpint(room_does(&host, VERB_END, "band", false), ==, 0);
	story_is("band room-ended ended");
	g_assert_cmpint(room_does(&host, VERB_END, "band", false), ==, ENOENT);
	control_reconf(c, &plain);
	g_assert_cmpint(join(0, "echo", ROLE_SPEAKER), ==, ENOENT);
	g_assert_cmpint(join(0, "no such/room", ROLE_SPEAKER), ==, ENOENT);
	g_assert_cmpint(join(0, "band", ROLE_SPEAKER), ==, 0);
	end();
}

static void test_profile(void)
{
	struct control_conf conf = plain;

	conf.alone_music = true;
	begin(&conf);
	join(0, "talk", ROLE_SPEAKER);
	join(1, "Music-trio", ROLE_SPEAKER);
	g_assert_false(ends[0].leg.bus->conf.music);
	g_assert_false(ends[0].leg.bus->conf.music);
	g_assert_nonnull(ends[0].leg.bus->conf.alone);
	g_assert_cmpuint(ends[0].leg.bus->conf.n_alone, >, 0);
	g_assert_true(ends[1].leg.bus->conf.music);
	g_assert_true(ends[1].leg.bus->conf.music);
	g_assert_null(ends[1].leg.bus->conf.alone);
	conf.alone_music = false;
	conf.music_default = true;
	control_reconf(c, &conf);
	join(2, "other", ROLE_SPEAKER);
	g_assert_true(ends[2].leg.bus->conf.music);
	end();
}

/* Muted by oneself and muted by a host are two locks on one door. */
static void test_mute(void)
{
	begin(&plain);
	join(0, "r", ROLE_HOST);
	join(1, "r", ROLE_SPEAKER);
	join(2, "r", ROLE_LISTENER);
	g_string_truncate(story, 0);
	g_assert_true(heard(0) && heard(1) && !heard(2));
	g_assert_cmpint(does(1, VERB_MUTE, 1, true), ==, 0);
	g_assert_cmpint(does(0, VERB_MUTE, 1, true), ==, 0);
	g_assert_cmpint(does(0, VERB_MUTE, 1, false), ==, 0);
	g_assert_false(heard(1));                                 /* it closed its own microphone */
	g_assert_cmpint(does(1, VERB_MUTE, 1, false), ==, 0);
	g_assert_true(heard(1));
	story_is("r member-changed muted; r member-changed muted-by-host; r member-changed unmuted-by-host; "
		 "r member-changed unmuted");
	g_assert_cmpint(does(0, VERB_MUTE, 1, true), ==, 0);
	g_assert_cmpint(does(1, VERB_MUTE, 1, false), ==, EPERM);
	g_assert_cmpint(does(1, VERB_MUTE, 0, true), ==, EPERM);
	g_assert_cmpint(does(0, VERB_MUTE, 1, true), ==, 0);      /* no change, no event */
	story_is("r member-changed muted-by-host");
	g_assert_cmpint(does(2, VERB_MUTE, 2, true), ==, 0);
	g_assert_cmpint(does(2, VERB_MUTE, 2, false), ==, EPERM); /* a listener has nothing to open */
	does_on(&sys, VERB_MUTE, 0, true);
	g_assert_false(heard(0));
	g_assert_cmpint(does(0, VERB_MUTE, 0, false), ==, 0);     /* a host frees itself */
	g_assert_true(heard(0));
	end();
}

static void test_mute_all(void)
{
	struct actor host;

	begin(&plain);
	join(0, "r", ROLE_HOST);
	join(1, "r", ROLE_SPEAKER);
	host = by(0);
	g_assert_cmpint(does(1, VERB_MUTE_ALL, 0, true), ==, EINVAL);     /* names no room */
	struct actor speaker = by(1);
	g_assert_cmpint(room_does(&speaker, VERB_MUTE_ALL, "r", true), ==, EPERM);
	g_string_truncate(story, 0);
	g_assert_cmpint(room_does(&host, VERB_MUTE_ALL, "r", true), ==, 0);
	story_is("r room-changed muted-all; r member-changed muted-by-host");
	join(2, "r", ROLE_SPEAKER);
	join(3, "r", ROLE_HOST);
	g_assert_true(heard(0) && !heard(1) && !heard(2) && heard(3));
	g_assert_cmpint(set_role(&host, 1, ROLE_HOST), ==, 0);
	g_assert_cmpint(set_role(&host, 3, ROLE_SPEAKER), ==, 0);
	g_assert_true(heard(1) && !heard(3));
	g_assert_cmpint(does(0, VERB_MUTE, 2, false), ==, 0);     /* the host gives one the floor */
	g_assert_true(heard(2));
	g_assert_cmpint(room_does(&host, VERB_MUTE_ALL, "r", false), ==, 0);
	g_assert_true(heard(0) && heard(1) && heard(2) && heard(3));
	join(4, "r", ROLE_SPEAKER);
	g_assert_true(heard(4));
	end();
}

static void test_lock(void)
{
	struct actor host;

	begin(&plain);
	join(0, "r", ROLE_HOST);
	host = by(0);
	g_assert_cmpint(room_does(&host, VERB_LOCK, "r", true), ==, 0);
	g_assert_cmpint(join(1, "r", ROLE_SPEAKER), ==, EPERM);
	g_assert_cmpint(join(2, "r", ROLE_HOST), ==, 0);
	ends[3].face.dialed_out = true;                           /* a host called it in */
	g_assert_cmpint(join(3, "r", ROLE_SPEAKER), ==, 0);
	join(4, "other", ROLE_HOST);
	join(5, "other", ROLE_SPEAKER);
	struct actor stranger = by(4);
	g_assert_cmpint(move(&stranger, 5, "r"), ==, EPERM);      /* not through the back door either */
	g_assert_cmpint(move(&sys, 5, "r"), ==, 0);
	g_assert_cmpint(room_does(&host, VERB_LOCK, "r", false), ==, 0);
	g_assert_cmpint(join(1, "r", ROLE_SPEAKER), ==, 0);
	end();
}

static void test_roles(void)
{
	struct actor host, speaker;
	struct actor account = { .kind = ACTOR_ACCOUNT, .role = ROLE_SPEAKER };

	begin(&plain);
	join(0, "r", ROLE_HOST);
	join(1, "r", ROLE_SPEAKER);
	join(2, "other", ROLE_SPEAKER);
	host = by(0);
	speaker = by(1);
	g_assert_cmpint(set_role(&speaker, 1, ROLE_HOST), ==, EPERM);
	g_assert_cmpint(set_role(&host, 2, ROLE_LISTENER), ==, EPERM);    /* not its room */
	g_assert_cmpint(does(0, VERB_KICK, 2, false), ==, EPERM);
	g_assert_cmpint(room_does(&host, VERB_END, "other", false), ==, EPERM);
	g_assert_cmpint(room_does(&host, VERB_CREATE, "third", false), ==, EPERM);
	g_assert_cmpint(set_role(&host, 1, ROLE_LISTENER), ==, 0);
	g_assert_false(heard(1));
	g_assert_cmpint(gain(1, 1, 3), ==, EPERM);
	g_assert_cmpint(set_role(&host, 1, ROLE_SPEAKER), ==, 0);
	g_assert_true(heard(1));
	g_assert_cmpint(join_as(&account, 3, "r", ROLE_HOST), ==, EPERM); /* nobody brings more than he has */
	g_assert_cmpint(join_as(&account, 3, "r", ROLE_SPEAKER), ==, 0);
	g_assert_cmpint(does_on(&account, VERB_KICK, 1, false), ==, EPERM);
	account.role = ROLE_HOST;
	g_assert_cmpint(does_on(&account, VERB_KICK, 1, false), ==, 0);   /* in any room */
	host = by(1);
	host.member = 4711;
	g_assert_cmpint(does_on(&host, VERB_HAND, 0, true), ==, ENOENT);  /* an actor that is gone */
	end();
}

static void test_gain_deaf_hold(void)
{
	static const struct { float db; int err; } row[] = {
		{ -60, 0 }, { 20, 0 }, { -60.01f, EINVAL }, { 20.01f, EINVAL }, { NAN, EINVAL }, { INFINITY, EINVAL }, { -6, 0 },
	};
	begin(&plain);
	join(0, "r", ROLE_SPEAKER);
	for (size_t i = 0; i < G_N_ELEMENTS(row); i++)
		g_assert_cmpint(gain(0, 0, row[i].db), ==, row[i].err);
	g_assert_cmpfloat_with_epsilon(ends[0].leg.gain, 0.501187, 1e-5);
	g_assert_cmpint(does(0, VERB_DEAF, 0, true), ==, 0);
	g_assert_true(ends[0].leg.deaf && heard(0));
	g_string_truncate(story, 0);
	g_assert_cmpint(does(0, VERB_HOLD, 0, true), ==, 0);
	g_assert_false(heard(0));                                 /* no hold music for the room */
	g_assert_cmpint(does(0, VERB_HOLD, 0, false), ==, 0);
	g_assert_true(heard(0));
	story_is("r member-changed hold; r member-changed resume");
	end();
}

static void test_pan(void)
{
	static const struct { float pan; int err; } row[] = {
		{ -1, 0 }, { 1, 0 }, { -1.01f, EINVAL }, { 1.01f, EINVAL }, { NAN, EINVAL }, { COMMAND_PAN_SAME, EINVAL }, { 0.25f, 0 },
	};
	struct snapshot *s = NULL;

	begin(&plain);
	join(0, "r", ROLE_SPEAKER);
	g_string_truncate(story, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(row); i++)
		g_assert_cmpint(pan(0, 0, row[i].pan), ==, row[i].err);
	g_assert_cmpint(pan(0, 0, 0.25f), ==, 0);                  /* no change, no event */
	g_assert_true(ends[0].leg.pan == 0.25f);
	story_is("r member-changed pan; r member-changed pan; r member-changed pan");
	g_assert_cmpint(snapshot_take(&s, c, "r"), ==, 0);
	g_assert_true(s->member[0].pan == 0.25f);
	mem_deref(s);
	end();
}

static void test_view(void)
{
	static const struct { float db, pan; int err; float gain; } row[] = {
		{ -60, 0, 0, 0 }, { 0, COMMAND_PAN_SAME, 0, 1 }, { -6, -1, 0, 0.501187f }, { -60.01f, 0, EINVAL, 0 },
		{ 20.01f, 0, EINVAL, 0 }, { NAN, 0, EINVAL, 0 }, { 0, NAN, EINVAL, 0 }, { 20, 0, ENOSPC, 10 },
	};

	begin(&plain);
	join(0, "r", ROLE_LISTENER);
	join(1, "r", ROLE_HOST);
	join(2, "elsewhere", ROLE_SPEAKER);
	for (size_t i = 0; i < G_N_ELEMENTS(row); i++) {
		g_assert_cmpint(view(0, 0, ends[1].member, row[i].db, row[i].pan), ==, row[i].err);
		if (row[i].err == EINVAL)
			continue;
		g_assert_true(ends[0].leg.view.other == &ends[1].leg);
		g_assert_cmpfloat_with_epsilon(ends[0].leg.view.gain, row[i].gain, 1e-5);
	}
	g_assert_cmpint(view(0, 0, ends[0].member, 0, 0), ==, EINVAL);
	g_assert_cmpint(view(0, 0, ends[2].member, 0, 0), ==, ENOENT);
	g_assert_cmpint(view(0, 0, 4711, 0, 0), ==, ENOENT);
	g_assert_cmpint(view(0, 0, 0, 0, 0), ==, EINVAL);
	g_assert_cmpint(view(0, 1, ends[0].member, 0, 0), ==, EPERM);      /* what others hear is theirs, or a host's */
	g_string_truncate(story, 0);
	g_assert_cmpint(view(1, 0, ends[1].member, -6, 0), ==, 0);
	g_assert_cmpint(view(1, 0, ends[1].member, -6, 0), ==, 0);
	story_is("r member-changed view");
	end();
}

static void test_kick_end(void)
{
	struct actor host;

	begin(&plain);
	for (int i = 0; i < 4; i++)
		join(i, "r", i ? ROLE_SPEAKER : ROLE_HOST);
	host = by(0);
	g_string_truncate(story, 0);
	struct command cmd = { .verb = VERB_KICK, .member = ends[1].member, .text = "noisy\r\nX: y" };
	g_assert_cmpint(control_run(c, &host, &cmd, NULL), ==, 0);
	story_is("r member-left noisy??X: y");
	g_assert_cmpuint(ends[1].n_bye, ==, 1);
	g_assert_cmpint(room_does(&host, VERB_END, "r", false), ==, 0);
	story_is("r member-left ended; r member-left ended; r member-left ended; r room-ended ended");
	for (int i = 0; i < 4; i++)
		g_assert_cmpuint(ends[i].n_bye, ==, 1);
	g_assert_cmpstr(ends[3].bye_why, ==, "ended");
	g_assert_cmpuint(control_members(c), ==, 0);
	end();
}

/* A face that acts again from inside its bye: into the room that has just ended. */
static void bye_and_back(void *arg, const char *why)
{
	struct end *e = arg;

	on_bye(arg, why);
	if (e->n_bye == 1)
		g_assert_cmpint(join((int)(e - ends), "r", ROLE_SPEAKER), ==, 0);
}

static void test_bye_again(void)
{
	begin(&plain);
	for (int i = 0; i < 3; i++) {
		ends[i].face.bye = bye_and_back;
		join(i, "r", ROLE_SPEAKER);
	}
	g_assert_cmpint(room_does(&sys, VERB_END, "r", false), ==, 0);
	g_assert_cmpuint(control_members(c), ==, 3);
	g_assert_cmpuint(control_rooms(c), ==, 1);
	end();
}

static void test_limits(void)
{
	struct control_conf conf = plain;

	conf.max_rooms = 2;
	conf.max_members_per_room = 3;
	conf.max_members = 4;
	begin(&conf);
	for (int i = 0; i < 3; i++)
		g_assert_cmpint(join(i, "a", ROLE_SPEAKER), ==, 0);
	g_assert_cmpint(join(3, "a", ROLE_HOST), ==, EUSERS);
	g_assert_cmpint(join(3, "b", ROLE_SPEAKER), ==, 0);
	g_assert_cmpint(move(&sys, 3, "a"), ==, EUSERS);
	g_assert_cmpint(join(4, "b", ROLE_SPEAKER), ==, EUSERS);
	g_assert_cmpint(leave(0), ==, 0);
	g_assert_cmpint(join(4, "c", ROLE_SPEAKER), ==, ENOSPC);
	g_assert_cmpint(move(&sys, 3, "c"), ==, ENOSPC);
	g_assert_cmpint(room_does(&sys, VERB_CREATE, "c", false), ==, ENOSPC);
	the_mixer.fail_set_bus = ENOMEM;
	g_assert_cmpint(join(4, "b", ROLE_SPEAKER), ==, ENOMEM);
	g_assert_cmpint(move(&sys, 3, "a"), ==, ENOMEM);
	the_mixer.fail_set_bus = 0;
	g_assert_cmpstr(control_member_room(c, ends[3].member), ==, "b");
	g_assert_true(heard(3));
	g_assert_cmpuint(control_members(c), ==, 3);
	g_assert_cmpint(join(4, "b", ROLE_SPEAKER), ==, 0);
	end();
}

static void test_move(void)
{
	struct actor host;

	begin(&plain);
	join(0, "a", ROLE_HOST);
	join(1, "a", ROLE_SPEAKER);
	join(2, "b", ROLE_SPEAKER);
	host = by(0);
	gain(1, 1, 6);
	does(1, VERB_HAND, 1, true);
	leg_says(1, LEG_EVENT_TALKING, true);
	uint32_t id = ends[1].member;
	g_string_truncate(story, 0);
	struct actor speaker = by(1);
	g_assert_cmpint(move(&speaker, 0, "b"), ==, EPERM);
	g_assert_cmpint(move(&host, 1, "b"), ==, 0);
	story_is("a member-left moved; b member-joined moved; b member-talking on");
	g_assert_cmpstr(control_member_room(c, id), ==, "b");
	g_assert_true(ends[1].leg.bus == ends[2].leg.bus);
	g_assert_cmpint(move(&host, 1, "a"), ==, EPERM);          /* out of its reach now */
	struct snapshot *s;
	g_assert_cmpint(snapshot_take(&s, c, "b"), ==, 0);
	g_assert_cmpuint(s->member[1].id, ==, id);
	g_assert_true(s->member[1].hand && s->member[1].talking);
	g_assert_cmpfloat(s->member[1].gain_db, ==, 6);
	g_assert_cmpuint(s->member[1].leg.rx_packets, ==, 7);
	mem_deref(s);
	room_does(&sys, VERB_MUTE_ALL, "a", true);
	g_assert_cmpint(move(&sys, 1, "a"), ==, 0);
	g_assert_false(heard(1));                                 /* the rule of the room it came into */
	g_assert_cmpint(move(&sys, 1, "a"), ==, 0);               /* it is there */
	g_assert_cmpint(move(&sys, 1, "new"), ==, 0);
	g_assert_true(control_room_exists(c, "new"));
	end();
}

/* Made a host in one room, it leads somebody into another: there it is what it came as. */
static void test_move_role(void)
{
	struct actor host, second;

	begin(&plain);
	join(0, "a", ROLE_HOST);
	join(1, "a", ROLE_SPEAKER);
	join(2, "b", ROLE_SPEAKER);
	host = by(0);
	g_assert_cmpint(set_role(&host, 1, ROLE_HOST), ==, 0);
	second = by(1);
	room_does(&sys, VERB_LOCK, "b", true);
	g_assert_cmpint(move(&second, 1, "b"), ==, EPERM);        /* a host's gift opens no other room's lock */
	room_does(&sys, VERB_LOCK, "b", false);
	the_mixer.fail_set_bus = ENOMEM;
	g_assert_cmpint(move(&second, 1, "b"), ==, ENOMEM);
	the_mixer.fail_set_bus = 0;
	g_assert_cmpint(does(1, VERB_HAND, 0, true), ==, 0);      /* still host where it is */
	g_assert_cmpint(move(&second, 1, "b"), ==, 0);
	g_assert_cmpint(does(1, VERB_KICK, 2, false), ==, EPERM);
	g_assert_cmpint(move(&host, 0, "b"), ==, 0);              /* who came as host is one everywhere */
	g_assert_cmpint(does(0, VERB_KICK, 2, false), ==, 0);
	join(3, "a", ROLE_SPEAKER);
	g_assert_cmpint(set_role(&sys, 3, ROLE_HOST), ==, 0);
	second = by(3);
	g_assert_cmpint(move(&second, 3, "fresh"), ==, 0);        /* nobody is there to be ruled */
	g_assert_cmpint(does(3, VERB_MUTE_ALL, 3, true), ==, EINVAL);
	g_assert_cmpint(room_does(&second, VERB_MUTE_ALL, "fresh", true), ==, 0);
	join(4, "a", ROLE_SPEAKER);
	the_mixer.fail_set_bus = ENOMEM;
	g_assert_cmpint(move(&sys, 4, "fresh"), ==, ENOMEM);      /* the rule of a room it did not reach is not for it */
	the_mixer.fail_set_bus = 0;
	g_assert_true(heard(4));
	end();
}

static void test_talking(void)
{
	begin(&plain);
	join(0, "r", ROLE_SPEAKER);
	g_string_truncate(story, 0);
	leg_says(0, LEG_EVENT_TALKING, true);
	leg_says(0, LEG_EVENT_TALKING, true);
	does(0, VERB_MUTE, 0, true);
	leg_says(0, LEG_EVENT_TALKING, false);
	leg_says(0, LEG_EVENT_TALKING, true);                     /* nobody hears it: nothing is told */
	does(0, VERB_MUTE, 0, false);
	leg_says(0, LEG_EVENT_TALKING, false);
	story_is("r member-talking on; r member-changed muted; r member-talking off; r member-changed unmuted; "
		 "r member-talking on; r member-talking off");
	end();
}

static uint32_t speaker(const char *room)
{
	struct snapshot *s = NULL;
	uint32_t id;

	g_assert_cmpint(snapshot_take(&s, c, room), ==, 0);
	id = s->speaker;
	mem_deref(s);
	return id;
}

static void test_speaker(void)
{
	begin(&plain);
	for (int i = 0; i < 3; i++)
		join(i, "r", ROLE_SPEAKER);
	g_assert_cmpuint(speaker("r"), ==, 0);
	g_string_truncate(story, 0);
	leg_says(0, LEG_EVENT_FLOOR, true);
	leg_says(0, LEG_EVENT_FLOOR, true);
	g_assert_cmpuint(speaker("r"), ==, ends[0].member);
	leg_says(1, LEG_EVENT_FLOOR, true);
	leg_says(0, LEG_EVENT_FLOOR, false);                      /* it had lost it already */
	g_assert_cmpuint(speaker("r"), ==, ends[1].member);
	leg_says(1, LEG_EVENT_FLOOR, false);
	g_assert_cmpuint(speaker("r"), ==, 0);
	leg_says(1, LEG_EVENT_FLOOR, false);
	story_is("r speaker; r speaker; r speaker");
	leg_says(2, LEG_EVENT_FLOOR, true);
	g_assert_cmpint(move(&sys, 2, "new"), ==, 0);
	g_assert_cmpuint(speaker("r") + speaker("new"), ==, 0);
	story_is("r speaker; new room-created auto; r member-left moved; r speaker; new member-joined moved");
	leg_says(1, LEG_EVENT_FLOOR, true);
	g_string_truncate(story, 0);
	g_assert_cmpint(leave(0), ==, 0);
	g_assert_cmpuint(speaker("r"), ==, ends[1].member);
	g_assert_cmpint(leave(1), ==, 0);
	story_is("r member-left bye; r member-left bye; r speaker");
	g_assert_cmpuint(control_speakers(c), ==, 4);
	end();
}

static void test_keys(void)
{
	begin(&plain);
	join(0, "r", ROLE_HOST);
	join(1, "r", ROLE_SPEAKER);
	g_string_truncate(story, 0);
	press(1, "5*6");
	g_assert_false(heard(1));
	story_is("r member-key 5; r member-key *; r member-key 6; r member-changed muted");
	press(1, "*");
	clock_advance(3200);
	press(1, "6");                                            /* too late: a key like another */
	g_assert_false(heard(1));
	press(1, "*");
	clock_advance(2500);
	press(1, "6");
	g_assert_true(heard(1));
	press(1, "**6");                                          /* begun anew */
	g_assert_false(heard(1));
	press(1, "*96*6");
	g_assert_true(heard(1));
	does(0, VERB_MUTE, 1, true);
	press(1, "*6");
	g_assert_false(heard(1));                                 /* not against a host */
	does(0, VERB_MUTE, 1, false);
	g_assert_true(heard(1));
	press(1, "*4*4*4*7");
	g_assert_cmpfloat_with_epsilon(ends[1].leg.gain, 0.501187, 1e-5);
	for (int i = 0; i < 50; i++)
		press(1, "*4");
	g_assert_cmpfloat_with_epsilon(ends[1].leg.gain, 0.0316228, 1e-6);        /* -30 dB and no further */
	g_string_truncate(story, 0);
	press(1, "*3*3");
	story_is("r member-key *; r member-key 3; r member-changed hand-up; r member-key *; r member-key 3; "
		 "r member-changed hand-down");
	press(1, "xX\n");
	story_is("");
	struct actor a = by(1);
	struct command cmd = { .verb = VERB_KEY, .member = ends[1].member, .text = "12" };
	g_assert_cmpint(control_run(c, &a, &cmd, NULL), ==, EINVAL);
	end();
}

static void test_rtp_timeout(void)
{
	begin(&plain);
	join(0, "r", ROLE_SPEAKER);
	join(1, "r", ROLE_SPEAKER);
	g_string_truncate(story, 0);
	leg_says(0, LEG_EVENT_RTP_TIMEOUT, false);
	story_is("r member-left rtp-timeout");
	g_assert_cmpstr(ends[0].bye_why, ==, "rtp-timeout");
	does(1, VERB_HOLD, 1, true);
	leg_says(1, LEG_EVENT_RTP_TIMEOUT, false);                /* on hold silence is no death */
	clock_advance(60000);
	does(1, VERB_HOLD, 1, false);
	clock_advance(5000);
	does(1, VERB_HOLD, 1, true);
	clock_advance(60000);
	does(1, VERB_HOLD, 1, false);
	clock_advance(5000);
	leg_says(1, LEG_EVENT_RTP_BACK, false);
	clock_advance(60000);
	g_assert_cmpuint(ends[1].n_bye, ==, 0);
	does(1, VERB_HOLD, 1, true);
	leg_says(1, LEG_EVENT_RTP_TIMEOUT, false);
	does(1, VERB_HOLD, 1, false);
	clock_advance(11000);                                     /* taken back, and still not a packet */
	g_assert_cmpuint(ends[1].n_bye, ==, 1);
	leg_says(1, LEG_EVENT_TALKING, true);                     /* an echo of who is gone */
	end();
}

static char dialed[64];

static int on_dial(void *arg, const char *room, const char *uri)
{
	if (strcmp(uri, "sip:allowed@x") != 0)
		return EPERM;
	g_snprintf(dialed, sizeof(dialed), "%s %s", room, uri);
	return 0;
}

static int dial(const struct actor *a, const char *uri)
{
	struct command cmd = { .verb = VERB_DIAL, .room = "r", .uri = uri };

	return control_run(c, a, &cmd, NULL);
}

static void test_dial_drain(void)
{
	struct face dialer = { .dial = on_dial };
	struct actor host, speaker;

	begin(&plain);
	join(0, "r", ROLE_HOST);
	join(1, "r", ROLE_SPEAKER);
	host = by(0);
	speaker = by(1);
	g_assert_cmpint(dial(&host, "sip:allowed@x"), ==, EPERM); /* no dialer: nothing dials out */
	control_set_dialer(c, &dialer);
	g_assert_cmpint(dial(&host, "sip:+900@x"), ==, EPERM);
	g_assert_cmpint(dial(&speaker, "sip:allowed@x"), ==, EPERM);
	g_assert_cmpint(dial(&host, "sip:allowed@x"), ==, 0);
	g_assert_cmpstr(dialed, ==, "r sip:allowed@x");
	control_drain(c);
	g_assert_cmpint(dial(&host, "sip:allowed@x"), ==, ESHUTDOWN);
	g_assert_cmpint(join(2, "r", ROLE_HOST), ==, ESHUTDOWN);
	g_assert_cmpint(join(2, "new", ROLE_HOST), ==, ESHUTDOWN);
	g_assert_cmpint(room_does(&sys, VERB_CREATE, "new", false), ==, ESHUTDOWN);
	g_assert_cmpint(does(0, VERB_MUTE, 1, true), ==, 0);      /* who is in may go on */
	g_assert_cmpint(leave(1), ==, 0);
	end();
}

static void test_text(void)
{
	char longname[400];
	struct snapshot *s;

	begin(&plain);
	memset(longname, 'n', sizeof(longname) - 1);
	longname[sizeof(longname) - 1] = '\0';
	ends[0].face.leg = NULL;                                  /* a member without sound */
	struct command cmd = { .verb = VERB_JOIN, .room = "r", .uri = "sip:\xff\x1b[2J@x", .name = longname, .role = ROLE_SPEAKER,
			       .face = &ends[0].face };
	g_assert_cmpint(control_run(c, &sys, &cmd, NULL), ==, 0);
	g_assert_cmpint(snapshot_take(&s, c, "R"), ==, 0);
	g_assert_cmpstr(s->member[0].uri, ==, "sip:??[2J@x");
	g_assert_cmpuint(strlen(s->member[0].name), ==, 127);
	g_assert_cmpstr(s->member[0].call_id, ==, "id@host");
	mem_deref(s);
	g_assert_cmpint(snapshot_take(&s, c, "nowhere"), ==, ENOENT);
	struct snapshot_rooms *n;
	room_does(&sys, VERB_CREATE, "second", false);
	g_assert_cmpint(snapshot_rooms(&n, c), ==, 0);
	g_assert_cmpuint(n->n, ==, 2);
	g_assert_cmpstr(n->room[0].room, ==, "r");
	g_assert_cmpstr(n->room[1].room, ==, "second");
	mem_deref(n);
	end();
}

/* Each verb refuses to begin without what its row of the table says it reads. */
static void test_missing(void)
{
	begin(&plain);
	join(0, "r", ROLE_HOST);
	for (unsigned v = 0; v < VERB_N; v++) {
		const struct verb_info *i = command_info((enum verb)v);

		for (unsigned bit = 1; bit <= ARG_FACE; bit <<= 1) {
			struct command cmd = { .verb = (enum verb)v, .room = "r", .member = ends[0].member, .uri = "u",
					       .name = "n", .text = "1", .face = &ends[1].face, .role = ROLE_HOST };
			if (!(i->args & bit) || bit == ARG_ON)
				continue;
			switch (bit) {
			case ARG_ROOM:   cmd.room = NULL; break;
			case ARG_MEMBER: cmd.member = 0; break;
			case ARG_VALUE:  cmd.value = NAN; break;
			case ARG_ROLE:   cmd.role = ROLE_N; break;
			case ARG_URI:    cmd.uri = NULL; break;
			case ARG_NAME:   cmd.name = NULL; break;
			case ARG_TEXT:   cmd.text = NULL; break;
			case ARG_FACE:   cmd.face = NULL; break;
			}
			g_assert_cmpint(control_run(c, &sys, &cmd, NULL), ==, EINVAL);
		}
	}
	struct command none = { .verb = VERB_N };
	g_assert_cmpint(control_run(c, &sys, &none, NULL), ==, EINVAL);
	g_assert_cmpint(control_run(c, &sys, NULL, NULL), ==, EINVAL);
	end();
}

/* --- listeners --- */

static struct event_lsnr *la, *lb, *lc;
static unsigned na, nb, nc;

static void hear_a(const struct event *ev, void *arg)
{
	na++;
	lb = mem_deref(lb);                                       /* the next in line */
	la = mem_deref(la);                                       /* and itself */
}

static void hear_b(const struct event *ev, void *arg) { nb++; }
static void hear_c(const struct event *ev, void *arg) { nc++; }

static void test_listeners(void)
{
	begin(&plain);
	g_assert_cmpint(event_listen(&la, c, "r", hear_a, NULL), ==, ENOENT);
	join(0, "r", ROLE_SPEAKER);
	join(1, "other", ROLE_SPEAKER);
	g_assert_cmpint(event_listen(&la, c, "R", hear_a, NULL), ==, 0);
	g_assert_cmpint(event_listen(&lb, c, "r", hear_b, NULL), ==, 0);
	g_assert_cmpint(event_listen(&lc, c, "r", hear_c, NULL), ==, 0);
	does(1, VERB_HAND, 1, true);                              /* another room */
	g_assert_cmpuint(nc, ==, 0);
	does(0, VERB_HAND, 0, true);
	g_assert_cmpuint(na, ==, 1);
	g_assert_cmpuint(nb, ==, 0);
	g_assert_cmpuint(nc, ==, 1);
	room_does(&sys, VERB_END, "r", false);
	g_assert_cmpuint(nc, ==, 3);                              /* left, ended: the last it hears */
	join(0, "r", ROLE_SPEAKER);
	g_assert_cmpuint(nc, ==, 3);
	end();
	lc = mem_deref(lc);                                       /* it may outlive all */
}

/* --- anything, by anybody, in any order --- */

static const char *const room_names[] = { "a", "B", "b", "music-x", "echo", "d", "no/room", "F", "g" };

static void check_member(const struct snapshot_member *m, const char *room)
{
	const struct end *e = NULL;

	for (size_t i = 0; i < N_ENDS; i++)
		if (ends[i].member == m->id)
			e = &ends[i];
	g_assert_nonnull(e);
	g_assert_nonnull(e->leg.bus);
	g_assert_cmpint(e->leg.mute, ==, m->muted || m->hold || m->role == ROLE_LISTENER);
	g_assert_true(!m->muted_by_host || m->muted);
	g_assert_cmpint(e->leg.deaf, ==, m->deaf);
	g_assert_cmpfloat_with_epsilon(e->leg.gain, powf(10, m->gain_db / 20), 1e-3);
	g_assert_true(!m->talking || !e->leg.mute);
	g_assert_cmpstr(control_member_room(c, m->id), ==, room);
}

static void check_room(const char *name, size_t *n_members)
{
	struct snapshot *s;
	char *key = g_ascii_strdown(name, -1);
	GHashTable *roster = g_hash_table_lookup(rosters, key);

	g_assert_cmpint(snapshot_take(&s, c, name), ==, 0);
	g_assert_cmpuint(s->version, ==, GPOINTER_TO_SIZE(g_hash_table_lookup(versions, key)));
	g_assert_cmpuint(s->n_members, <=, plain.max_members_per_room);
	g_assert_cmpuint(s->n_members, ==, roster ? g_hash_table_size(roster) : 0);
	for (size_t i = 0; i < s->n_members; i++) {
		g_assert_true(g_hash_table_contains(roster, GUINT_TO_POINTER(s->member[i].id)));
		check_member(&s->member[i], s->room);
	}
	if (s->speaker)
		g_assert_true(g_hash_table_contains(roster, GUINT_TO_POINTER(s->speaker)));
	*n_members += s->n_members;
	mem_deref(s);
	g_free(key);
}

static void check_house(void)
{
	struct snapshot_rooms *n;
	size_t n_members = 0, in = 0;

	g_assert_cmpint(snapshot_rooms(&n, c), ==, 0);
	g_assert_cmpuint(n->n, ==, control_rooms(c));
	g_assert_cmpuint(n->n, ==, g_hash_table_size(versions));
	g_assert_cmpuint(n->n, ==, the_mixer.n_buses);
	g_assert_cmpuint(n->n, <=, plain.max_rooms);
	for (size_t i = 0; i < n->n; i++)
		check_room(n->room[i].room, &n_members);
	g_assert_cmpuint(n_members, ==, control_members(c));
	g_assert_cmpuint(n_members, <=, plain.max_members);
	for (size_t i = 0; i < N_ENDS; i++) {
		g_assert_cmpint(ends[i].member != 0, ==, ends[i].leg.bus != NULL);
		in += ends[i].member != 0;
	}
	g_assert_cmpuint(in, ==, n_members);
	mem_deref(n);
}

static int any(int n)
{
	return g_test_rand_int_range(0, n);
}

static struct actor any_actor(void)
{
	struct actor a = { .kind = any(3) ? ACTOR_MEMBER : any(2) ? ACTOR_SYSTEM : ACTOR_ACCOUNT, .role = (enum role)any(ROLE_N),
			   .member = ends[any(N_ENDS)].member };

	return a;
}

static void any_command(void)
{
	struct actor a = any_actor();
	int i = any(N_ENDS);
	bool own = any(2);
	struct command cmd = { .verb = any(3) ? (enum verb)any(VERB_N) : VERB_JOIN, .on = any(2), .value = (float)any(100) - 70,
			       .role = (enum role)any(ROLE_N + !any(9)), .uri = "sip:a@b", .text = any(2) ? "*" : "6",
			       .room = room_names[any(G_N_ELEMENTS(room_names))],
			       .member = own && a.kind == ACTOR_MEMBER ? a.member : ends[i].member };
	struct result res = { 0 };

	if (cmd.verb == VERB_END && any(8))
		return;
	if (cmd.verb == VERB_JOIN) {
		if (ends[i].member)
			return;
		cmd.face = &ends[i].face;
		if (any(2))
			a.kind = ACTOR_SYSTEM;
	}
	if (!any(50))
		the_mixer.fail_set_bus = ENOMEM;
	g_string_truncate(story, 0);
	int err = control_run(c, &a, &cmd, &res);
	the_mixer.fail_set_bus = 0;
	if (err && err != ENOMEM && err != EUSERS && err != EPERM)
		g_assert_cmpuint(story->len, ==, 0);              /* refused: nothing has changed */
	if (err)                                                  /* at most a room was opened for who then was refused */
		g_assert_null(strstr(story->str, "member"));
	if (!err && cmd.verb == VERB_JOIN)
		ends[i].member = res.member;
	if (!err && cmd.verb == VERB_LEAVE)
		for (size_t j = 0; j < N_ENDS; j++)
			if (ends[j].member == cmd.member)
				ends[j].member = 0;
}

static void any_leg_event(void)
{
	struct leg_event ev = { .type = any(20) ? LEG_EVENT_TALKING : (enum leg_event_type)any(LEG_EVENT_FLOOR + 1), .on = any(2),
				.key = "0123456789*#ABCDx"[any(17)] };

	control_leg_event(c, ends[any(N_ENDS)].member, &ev);
}

static void test_random(void)
{
	begin(&plain);
	for (int i = 0; i < 30000; i++) {
		if (any(4))
			any_command();
		else if (any(3))
			any_leg_event();
		else
			clock_advance((uint64_t)any(4000));
		check_house();
	}
	for (int i = 0; i < N_ENDS; i++)
		if (ends[i].member)
			g_assert_cmpint(leave(i), ==, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(room_names); i++)
		room_does(&sys, VERB_END, room_names[i], false);
	check_house();
	g_assert_cmpuint(control_rooms(c), ==, 0);
	end();
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	if (libre_init())
		return 1;
	clock_open();
	g_test_add_func("/control/names", test_names);
	g_test_add_func("/control/come-and-go", test_come_and_go);
	g_test_add_func("/control/open", test_open);
	g_test_add_func("/control/profile", test_profile);
	g_test_add_func("/control/mute", test_mute);
	g_test_add_func("/control/mute-all", test_mute_all);
	g_test_add_func("/control/lock", test_lock);
	g_test_add_func("/control/roles", test_roles);
	g_test_add_func("/control/gain-deaf-hold", test_gain_deaf_hold);
	g_test_add_func("/control/pan", test_pan);
	g_test_add_func("/control/view", test_view);
	g_test_add_func("/control/kick-end", test_kick_end);
	g_test_add_func("/control/bye-again", test_bye_again);
	g_test_add_func("/control/limits", test_limits);
	g_test_add_func("/control/move", test_move);
	g_test_add_func("/control/move-role", test_move_role);
	g_test_add_func("/control/talking", test_talking);
	g_test_add_func("/control/speaker", test_speaker);
	g_test_add_func("/control/keys", test_keys);
	g_test_add_func("/control/rtp-timeout", test_rtp_timeout);
	g_test_add_func("/control/dial-drain", test_dial_drain);
	g_test_add_func("/control/text", test_text);
	g_test_add_func("/control/missing", test_missing);
	g_test_add_func("/control/listeners", test_listeners);
	g_test_add_func("/control/random", test_random);
	int rc = g_test_run();
	wheel_close();
	sound_close();
	clock_close();
	libre_close();
	return rc;
}
