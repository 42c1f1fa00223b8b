/*
 * A conference that is held, told as little stories: who comes in and as what, who waits, who comes back; settings,
 * hours, bans, the floor, smaller rooms. The store is the real one, in a file of its own; the mixer is a stand-in.
 */
#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include "control/control.h"
#include "control/event.h"
#include "control/policy.h"
#include "control/setting.h"
#include "control/snapshot.h"
#include "control/sound.h"
#include "control/store.h"
#include "control/wheel.h"
#include "handclock.h"
#include "nomixer.h"

enum { N_ENDS = 12 };

struct end { struct leg leg; struct face face; uint32_t member; unsigned n_bye; char why[64]; };

static struct end ends[N_ENDS];
static struct control *c;
static struct event_lsnr *lsnr;
static GString *story;
static struct store *store;
static char *store_path;
static uint64_t last_number;

static const struct actor sys = { .kind = ACTOR_SYSTEM };
static const struct control_conf plain = { .auto_rooms = true, .max_rooms = 20, .max_members_per_room = 10,
					   .empty_timeout_s = 5, .seat_time_s = 300 };

static void on_bye(void *arg, const char *why)
{
	struct end *e = arg;

	g_assert_null(e->leg.bus);
	e->member = 0;
	e->n_bye++;
	g_strlcpy(e->why, why, sizeof(e->why));
}

/* Who waits is in no mix, and who is told of as in is in one. */
static void check_waiting(const struct event *ev)
{
	struct snapshot_member m;

	if (event_member(&m, ev))
		return;
	g_assert_cmpint(ev->type == EVENT_MEMBER_WAITING, <=, m.waiting != WAITING_NO);
	if (ev->type == EVENT_MEMBER_JOINED)
		g_assert_cmpint(m.waiting, ==, WAITING_NO);
	if (m.waiting)
		for (int i = 0; i < N_ENDS; i++)
			if (ends[i].member == m.id)
				g_assert_null(ends[i].leg.bus);
}

static void on_event(const struct event *ev, void *arg)
{
	if (last_number)
		g_assert_cmpuint(ev->number, ==, last_number + 1);
	last_number = ev->number;
	check_waiting(ev);
	g_string_append_printf(story, "%s%s %s%s%s", story->len ? "; " : "", ev->room, event_name(ev->type),
			       ev->detail[0] ? " " : "", ev->detail);
}

#define story_is(text) do { g_assert_cmpstr(story->str, ==, text); g_string_truncate(story, 0); } while (0)
#define forget() g_string_truncate(story, 0)

static void start(void)
{
	struct control_conf conf = plain;

	conf.store = store;
	memset(ends, 0, sizeof(ends));
	memset(&the_mixer, 0, sizeof(the_mixer));
	last_number = 0;
	for (int i = 0; i < N_ENDS; i++)
		ends[i].face = (struct face){ .leg = &ends[i].leg, .bye = on_bye, .arg = &ends[i] };
	g_assert_cmpint(control_alloc(&c, &conf, &the_mixer), ==, 0);
	g_assert_cmpint(event_listen(&lsnr, c, NULL, on_event, NULL), ==, 0);
	story = g_string_new(NULL);
}

static void stop(void)
{
	c = mem_deref(c);
	lsnr = mem_deref(lsnr);
	g_assert_cmpuint(the_mixer.n_buses, ==, 0);
	g_string_free(story, TRUE);
}

/* --- short hands --- */

/* e.g. "PIN" in text; uri "sip:I@h" of end I. */
static int join_pin(int i, const char *room, enum role role, const char *pin)
{
	g_autofree char *uri = g_strdup_printf("sip:%d@h", i);
	struct command cmd = { .verb = VERB_JOIN, .room = room, .uri = uri, .role = role, .face = &ends[i].face, .text = pin };
	struct result res = { 0 };
	int err = control_run(c, &sys, &cmd, &res);

	if (!err)
		ends[i].member = res.member;
	return err;
}

static int join(int i, const char *room, enum role role)
{
	return join_pin(i, room, role, NULL);
}

static struct actor by(int i)
{
	return (struct actor){ .kind = ACTOR_MEMBER, .member = ends[i].member };
}

/* End `who` does it to end i; who -1: the system. */
static int does(int who, enum verb verb, int i, bool on)
{
	struct actor a = who < 0 ? sys : by(who);
	struct command cmd = { .verb = verb, .member = ends[i].member, .on = on };
	int err = control_run(c, &a, &cmd, NULL);

	if (!err && verb == VERB_LEAVE)
		ends[i].member = 0;
	return err;
}

static int room_does(int who, enum verb verb, const char *room, bool on, const char *uri)
{
	struct actor a = who < 0 ? sys : by(who);
	struct command cmd = { .verb = verb, .room = room, .on = on, .uri = uri };

	return control_run(c, &a, &cmd, NULL);
}

static int move(int who, int i, const char *room, const char *pin)
{
	struct actor a = who < 0 ? sys : by(who);
	struct command cmd = { .verb = VERB_MOVE, .room = room, .member = ends[i].member, .text = pin };

	return control_run(c, &a, &cmd, NULL);
}

static int breakout(int who, const char *room, int i, const char *name)
{
	struct actor a = who < 0 ? sys : by(who);
	struct command cmd = { .verb = VERB_BREAKOUT, .room = room, .member = ends[i].member, .name = name };

	return control_run(c, &a, &cmd, NULL);
}

static int set_role(int i, enum role role)
{
	struct command cmd = { .verb = VERB_ROLE, .member = ends[i].member, .role = role };

	return control_run(c, &sys, &cmd, NULL);
}

static char wrong[64];                    /* the setting refused by the last of: */

/* Name and value in turns, in one string: "lobby=on floor=on". */
static int settings_run(enum verb verb, const char *room, const char *text, bool all)
{
	g_auto(GStrv) words = g_strsplit(text, ";", -1);
	struct setting set[32];
	struct command cmd = { .verb = verb, .room = room, .settings = set, .on = all };
	struct result res = { 0 };

	for (size_t i = 0; words[i] && words[i][0]; i++) {
		char *eq = strchr(words[i], '=');

		*eq = '\0';
		set[cmd.n_settings++] = (struct setting){ words[i], eq + 1 };
	}
	int err = control_run(c, &sys, &cmd, &res);
	g_strlcpy(wrong, res.wrong ? res.wrong : "", sizeof(wrong));
	return err;
}

static int create(const char *room, const char *text)
{
	return settings_run(VERB_CREATE, room, text, false);
}

static int change(const char *room, const char *text)
{
	return settings_run(VERB_CHANGE, room, text, false);
}

static bool in(int i)
{
	return ends[i].leg.bus != NULL;
}

static bool heard(int i)
{
	return in(i) && !ends[i].leg.mute;
}

static struct snapshot_member state(int i)
{
	struct snapshot_member m = { 0 };
	struct snapshot *s;

	g_assert_cmpint(snapshot_take(&s, c, control_member_room(c, ends[i].member)), ==, 0);
	for (size_t k = 0; k < s->n_members; k++)
		if (s->member[k].id == ends[i].member)
			m = s->member[k];
	mem_deref(s);
	g_assert_cmpuint(m.id, ==, ends[i].member);
	return m;
}

static char *setting_of(const char *room, const char *name)
{
	struct snapshot *s;
	char *value;

	g_assert_cmpint(snapshot_take(&s, c, room), ==, 0);
	value = g_strdup(snapshot_setting(s, name));
	mem_deref(s);
	return value;
}

#define setting_is(room, name, want) do { \
	g_autofree char *is = setting_of(room, name); \
	g_assert_cmpstr(is, ==, want); \
} while (0)

/* --- settings --- */

static void test_settings(void)
{
	struct snapshot *s;

	start();
	g_assert_cmpint(create("band", "title=The Band;lobby=on;repeat=daily"), ==, EINVAL);
	g_assert_cmpstr(wrong, ==, "repeat");
	g_assert_cmpint(create("band", "title=The Band;max-members=many"), ==, EINVAL);
	g_assert_cmpstr(wrong, ==, "max-members");
	g_assert_cmpint(create("band", "colour=red"), ==, EINVAL);
	story_is("");
	g_assert_cmpint(create("band", "title=The Band;aliases=100,+4930;guest-pin=1234;max-members=2"), ==, 0);
	story_is("band room-created");
	g_assert_cmpint(create("Band", ""), ==, EEXIST);
	g_assert_cmpint(create("100", ""), ==, EEXIST);
	g_assert_cmpint(create("other", "aliases=7,+4930"), ==, EEXIST);
	g_assert_cmpstr(wrong, ==, "aliases");
	g_assert_cmpint(create("other", "aliases=band"), ==, EEXIST);
	g_assert_cmpint(change("band", "title=New;lobby=perhaps"), ==, EINVAL);
	g_assert_cmpint(change("band", ""), ==, EINVAL);
	setting_is("band", "title", "The Band");
	g_assert_cmpint(change("band", "title=New;tones=off"), ==, 0);
	story_is("band room-changed settings");
	g_assert_cmpint(change("band", "title=New;tones=off;guest-pin=1234"), ==, 0);
	story_is("");                                             /* as it was: no change */
	setting_is("band", "title", "New");
	setting_is("band", "guest-pin", NULL);
	g_assert_cmpint(snapshot_take(&s, c, "band"), ==, 0);
	g_assert_true(s->has_guest_pin && !s->has_host_pin && s->kept && !s->hide_numbers);
	g_assert_cmpstr(s->title, ==, "New");
	for (size_t i = 0; i < s->n_settings; i++)
		g_assert_null(strstr(s->settings[i].value, "pbkdf2"));
	mem_deref(s);
	g_assert_cmpstr(control_room_for(c, "100"), ==, "band");
	g_assert_cmpstr(control_room_for(c, "BAND"), ==, "band");
	g_assert_null(control_room_for(c, "101"));
	g_assert_cmpint(change("100", "aliases=101"), ==, 0);     /* a number does for a name */
	g_assert_null(control_room_for(c, "100"));
	g_assert_cmpint(settings_run(VERB_CHANGE, "band", "title=Only", true), ==, 0);
	g_assert_null(control_room_for(c, "101"));
	setting_is("band", "tones", "on");
	setting_is("band", "keep", "on");
	g_assert_false(control_needs_pin(c, "band", "sip:x@y"));
	stop();
}

static void test_profile(void)
{
	start();
	create("band", "profile=voice;max-members=2");
	g_assert_cmpint(change("band", "profile=music"), ==, 0);
	join(0, "band", ROLE_SPEAKER);
	g_assert_true(ends[0].leg.bus->conf.music);
	g_assert_cmpint(change("band", "profile=voice;title=x"), ==, EBUSY);
	g_assert_cmpstr(wrong, ==, "profile");
	setting_is("band", "title", "");
	join(1, "band", ROLE_SPEAKER);
	g_assert_cmpint(join(2, "band", ROLE_SPEAKER), ==, EUSERS);
	g_assert_cmpint(join(3, "band", ROLE_HOST), ==, 0);
	g_assert_cmpint(change("band", "max-members=0"), ==, 0);
	g_assert_cmpint(join(2, "band", ROLE_SPEAKER), ==, 0);
	stop();
}

/* Automatic, then kept, then not any more. */
static void test_keep(void)
{
	start();
	join(0, "a", ROLE_SPEAKER);
	setting_is("a", "keep", "off");
	setting_is("a", "empty-timeout", "5");
	g_assert_cmpint(change("a", "keep=on"), ==, 0);
	does(0, VERB_LEAVE, 0, false);
	clock_advance(60000);
	g_assert_true(control_room_exists(c, "a"));
	g_assert_cmpint(change("a", "keep=off;empty-timeout=20"), ==, 0);
	clock_advance(19000);
	g_assert_true(control_room_exists(c, "a"));
	clock_advance(2000);
	g_assert_false(control_room_exists(c, "a"));
	forget();
	/* A host in the room ends the meeting, not the room; who runs the server ends the room. */
	create("b", "");
	join(0, "b", ROLE_HOST);
	join(1, "b", ROLE_SPEAKER);
	forget();
	g_assert_cmpint(room_does(0, VERB_END, "b", false, NULL), ==, 0);
	story_is("b member-left ended; b member-left ended");
	g_assert_cmpuint(ends[0].n_bye + ends[1].n_bye, ==, 2);
	g_assert_cmpint(room_does(-1, VERB_CLEAR, "b", false, NULL), ==, 0);
	g_assert_true(control_room_exists(c, "b"));
	g_assert_cmpint(room_does(-1, VERB_END, "b", false, NULL), ==, 0);
	g_assert_false(control_room_exists(c, "b"));
	join(0, "c", ROLE_HOST);
	g_assert_cmpint(room_does(0, VERB_CLEAR, "c", false, NULL), ==, 0);
	g_assert_false(control_room_exists(c, "c"));              /* not kept: it has gone with its people */
	stop();
}

/* --- the door --- */

static void test_pin(void)
{
	struct actor host = { .kind = ACTOR_ACCOUNT, .role = ROLE_HOST };

	start();
	create("r", "guest-pin=1111;host-pin=9999");
	forget();
	g_assert_true(control_needs_pin(c, "r", "sip:0@h"));
	g_assert_false(control_needs_pin(c, "nowhere", "sip:0@h"));
	g_assert_cmpint(join(0, "r", ROLE_SPEAKER), ==, EACCES);
	g_assert_cmpint(join_pin(0, "r", ROLE_SPEAKER, ""), ==, EACCES);
	g_assert_cmpint(join_pin(0, "r", ROLE_SPEAKER, "1112"), ==, EACCES);
	g_assert_cmpint(join_pin(0, "r", ROLE_SPEAKER, "11111"), ==, EACCES);
	story_is("");
	g_assert_cmpint(join_pin(0, "r", ROLE_SPEAKER, "1111"), ==, 0);
	g_assert_cmpint(join_pin(1, "r", ROLE_LISTENER, "9999"), ==, 0);
	g_assert_cmpint(state(0).role, ==, ROLE_SPEAKER);
	g_assert_cmpint(state(1).role, ==, ROLE_HOST);
	ends[2].face.dialed_out = true;                           /* called in */
	g_assert_cmpint(join(2, "r", ROLE_SPEAKER), ==, 0);
	g_assert_cmpint(join(3, "r", ROLE_HOST), ==, 0);          /* by its account */
	/* No way round it by way of another room. */
	join(4, "open", ROLE_HOST);
	g_assert_cmpint(move(4, 4, "r", NULL), ==, 0);            /* a host of the server's is one everywhere */
	join(5, "open", ROLE_SPEAKER);
	g_assert_cmpint(move(5, 5, "r", NULL), ==, EACCES);
	g_assert_cmpint(move(5, 5, "r", "1112"), ==, EACCES);
	g_assert_cmpint(move(5, 5, "r", "1111"), ==, 0);
	join(6, "open", ROLE_SPEAKER);
	struct command led = { .verb = VERB_MOVE, .room = "r", .member = ends[6].member };
	g_assert_cmpint(control_run(c, &host, &led, NULL), ==, 0);
	/* Only hosts have one: it is asked, and who says nothing is a guest. */
	g_assert_cmpint(change("r", "guest-pin="), ==, 0);
	g_assert_true(control_needs_pin(c, "r", "sip:7@h"));
	g_assert_cmpint(join(7, "r", ROLE_SPEAKER), ==, EACCES);
	g_assert_cmpint(join_pin(7, "r", ROLE_SPEAKER, "1234"), ==, EACCES);
	g_assert_cmpint(join_pin(7, "r", ROLE_SPEAKER, ""), ==, 0);
	g_assert_cmpint(state(7).role, ==, ROLE_SPEAKER);
	stop();
}

static void test_lobby(void)
{
	start();
	create("r", "lobby=on");
	join(0, "r", ROLE_HOST);
	forget();
	g_assert_cmpint(join(1, "r", ROLE_SPEAKER), ==, 0);
	story_is("r member-waiting admit");
	g_assert_cmpint(control_member_waiting(c, ends[1].member), ==, WAITING_ADMIT);
	g_assert_true(!in(1) && in(0));
	g_assert_cmpint(does(1, VERB_ADMIT, 1, false), ==, EPERM);
	g_assert_cmpint(does(1, VERB_MUTE, 1, true), ==, 0);      /* its own microphone it may close */
	g_assert_cmpint(does(1, VERB_MUTE, 1, false), ==, 0);
	forget();
	g_assert_cmpint(does(0, VERB_REFUSE, 0, false), ==, EINVAL);      /* does not wait */
	g_assert_cmpint(does(0, VERB_ADMIT, 1, false), ==, 0);
	story_is("r member-joined admitted");
	g_assert_true(heard(1));
	g_assert_cmpint(does(0, VERB_ADMIT, 1, false), ==, 0);
	story_is("");
	join(2, "r", ROLE_SPEAKER);
	forget();
	g_assert_cmpint(does(0, VERB_REFUSE, 2, false), ==, 0);
	story_is("r member-left refused");
	g_assert_cmpuint(ends[2].n_bye, ==, 1);
	g_assert_cmpstr(ends[2].why, ==, "refused");
	/* Talking, and not heard, is not told. */
	join(3, "r", ROLE_SPEAKER);
	forget();
	struct leg_event talks = { .type = LEG_EVENT_TALKING, .on = true }, floor = { .type = LEG_EVENT_FLOOR, .on = true };
	control_leg_event(c, ends[3].member, &talks);
	control_leg_event(c, ends[3].member, &floor);
	story_is("");
	does(0, VERB_ADMIT, 3, false);
	story_is("r member-joined admitted; r member-talking on");
	join(4, "r", ROLE_SPEAKER);
	forget();
	g_assert_cmpint(change("r", "lobby=off"), ==, 0);
	story_is("r room-changed settings; r member-joined admitted");
	/* No memory for it: it waits on. */
	change("r", "lobby=on");
	join(5, "r", ROLE_SPEAKER);
	the_mixer.fail_set_bus = ENOMEM;
	forget();
	g_assert_cmpint(does(0, VERB_ADMIT, 5, false), ==, ENOMEM);
	the_mixer.fail_set_bus = 0;
	story_is("");
	g_assert_cmpint(control_member_waiting(c, ends[5].member), ==, WAITING_ADMIT);
	stop();
}

static void test_wait_for_host(void)
{
	start();
	create("r", "wait-for-host=on;lobby=on");
	join(0, "r", ROLE_SPEAKER);
	join(1, "r", ROLE_LISTENER);
	forget();
	join(2, "r", ROLE_HOST);
	story_is("r member-joined; r member-waiting admit; r member-waiting admit");
	g_assert_cmpint(change("r", "lobby=off"), ==, 0);
	g_assert_true(in(0) && in(1));
	does(2, VERB_LEAVE, 2, false);
	g_assert_true(in(0));                                     /* who is in stays in */
	join(3, "r", ROLE_SPEAKER);
	g_assert_cmpint(control_member_waiting(c, ends[3].member), ==, WAITING_HOST);
	forget();
	set_role(0, ROLE_HOST);
	story_is("r member-changed host; r member-joined admitted");
	/* Who waits and is made a host comes in, and others with it. */
	set_role(0, ROLE_SPEAKER);
	join(4, "r", ROLE_SPEAKER);
	join(5, "r", ROLE_SPEAKER);
	forget();
	set_role(4, ROLE_HOST);
	g_assert_true(in(4) && in(5));
	/* A host's word is enough. */
	set_role(4, ROLE_SPEAKER);
	join(6, "r", ROLE_SPEAKER);
	g_assert_cmpint(does(-1, VERB_ADMIT, 6, false), ==, 0);
	g_assert_true(in(6));
	stop();
}

static void test_end_with_host(void)
{
	start();
	create("r", "end-with-host=on;end-grace=30");
	join(0, "r", ROLE_SPEAKER);
	join(1, "r", ROLE_HOST);
	forget();
	does(1, VERB_LEAVE, 1, false);
	story_is("r member-left bye; r room-changed host-gone");
	clock_advance(29000);
	join(1, "r", ROLE_HOST);
	story_is("r member-joined; r room-changed host-back");
	clock_advance(60000);
	g_assert_true(in(0));
	set_role(1, ROLE_SPEAKER);
	forget();
	clock_advance(31000);
	story_is("r member-left host-left; r member-left host-left");
	g_assert_true(control_room_exists(c, "r"));
	g_assert_cmpuint(ends[0].n_bye, ==, 1);
	/* Never had one: goes on without. The last one out: nobody to send away. */
	join(0, "r", ROLE_SPEAKER);
	clock_advance(60000);
	g_assert_true(in(0));
	does(0, VERB_LEAVE, 0, false);
	join(1, "r", ROLE_HOST);
	forget();
	does(1, VERB_LEAVE, 1, false);
	story_is("r member-left bye");
	clock_advance(60000);
	join(2, "auto", ROLE_SPEAKER);
	change("auto", "end-with-host=on;end-grace=0");
	join(3, "auto", ROLE_HOST);
	does(3, VERB_LEAVE, 3, false);
	clock_advance(200);
	g_assert_false(control_room_exists(c, "auto"));
	stop();
}

static void test_ban(void)
{
	struct snapshot_bans *b;

	start();
	create("r", "");
	join(0, "r", ROLE_HOST);
	join(1, "r", ROLE_SPEAKER);
	forget();
	g_assert_cmpint(room_does(0, VERB_BAN, "r", false, "sips:1@H:5061;x=y"), ==, 0);
	story_is("r room-changed banned; r member-left banned");
	g_assert_cmpstr(ends[1].why, ==, "banned");
	g_assert_cmpint(join(1, "r", ROLE_SPEAKER), ==, EPERM);
	g_assert_cmpint(join(1, "r", ROLE_HOST), ==, EPERM);
	g_assert_cmpint(room_does(0, VERB_BAN, "r", false, "sip:1@h"), ==, 0);
	g_assert_cmpint(room_does(0, VERB_BAN, "r", false, "sip:"), ==, EINVAL);
	g_assert_cmpint(room_does(0, VERB_BAN, "r", false, "2"), ==, 0);          /* at any host */
	g_assert_cmpint(join(2, "r", ROLE_SPEAKER), ==, EPERM);
	g_assert_cmpint(snapshot_bans(&b, c, "r"), ==, 0);
	g_assert_cmpuint(b->n, ==, 2);
	g_assert_cmpstr(b->ban[0].uri, ==, "1@h");
	mem_deref(b);
	forget();
	g_assert_cmpint(room_does(0, VERB_UNBAN, "r", false, "sip:1@h"), ==, 0);
	story_is("r room-changed unbanned");
	g_assert_cmpint(room_does(0, VERB_UNBAN, "r", false, "sip:1@h"), ==, ENOENT);
	g_assert_cmpint(join(1, "r", ROLE_SPEAKER), ==, 0);
	join(2, "other", ROLE_SPEAKER);
	g_assert_cmpint(move(2, 2, "r", NULL), ==, EPERM);
	stop();
}

/* --- seats --- */

static void test_seat(void)
{
	start();
	create("r", "guest-pin=1111;host-pin=9999");
	join_pin(0, "r", ROLE_SPEAKER, "9999");
	join_pin(1, "r", ROLE_SPEAKER, "1111");
	does(1, VERB_MUTE, 1, true);
	does(0, VERB_MUTE, 1, true);
	does(0, VERB_LEAVE, 0, false);
	struct leg_event lost = { .type = LEG_EVENT_RTP_TIMEOUT };
	control_leg_event(c, ends[1].member, &lost);
	g_assert_cmpuint(ends[1].n_bye, ==, 1);
	g_assert_false(control_needs_pin(c, "r", "sip:0@h"));
	g_assert_true(control_needs_pin(c, "r", "sip:2@h"));
	room_does(-1, VERB_LOCK, "r", true, NULL);                /* who comes back is not new */
	forget();
	/* A name that was claimed from outside was asked for the PIN, and sits on nobody's seat. */
	g_assert_cmpint(join_pin(0, "r", ROLE_SPEAKER, "0000"), ==, EACCES);
	g_assert_cmpint(join_pin(0, "r", ROLE_SPEAKER, ""), ==, EACCES);
	g_assert_cmpint(join(0, "r", ROLE_SPEAKER), ==, 0);
	g_assert_cmpint(join(1, "r", ROLE_SPEAKER), ==, 0);
	story_is("r member-joined back; r member-joined back");
	g_assert_cmpint(state(0).role, ==, ROLE_HOST);
	g_assert_true(state(1).muted && state(1).muted_by_host);
	does(0, VERB_MUTE, 1, false);
	g_assert_true(state(1).muted);                            /* ... and by itself */
	/* One seat, one caller: while it is taken nobody else sits there. */
	g_assert_cmpint(join(1, "r", ROLE_SPEAKER), ==, EACCES);
	/* Sent away is not left. */
	does(0, VERB_KICK, 1, false);
	g_assert_cmpint(join(1, "r", ROLE_SPEAKER), ==, EACCES);
	/* Too late. */
	does(0, VERB_LEAVE, 0, false);
	clock_advance(299000);
	g_assert_false(control_needs_pin(c, "r", "sip:0@h"));
	clock_advance(2000);
	g_assert_cmpint(join(0, "r", ROLE_SPEAKER), ==, EACCES);
	stop();
}

/* It calls again before its lost call has timed out. Who is heard, or holds, is not lost. */
static void test_ghost(void)
{
	static const char uri[] = "sip:0@h";
	struct command again = { .verb = VERB_JOIN, .room = "r", .uri = uri, .role = ROLE_SPEAKER, .face = &ends[9].face };
	struct result res;

	start();
	create("r", "guest-pin=1111;host-pin=9999;max-members=2");
	join_pin(0, "r", ROLE_SPEAKER, "9999");
	join_pin(1, "r", ROLE_SPEAKER, "1111");
	does(0, VERB_MUTE, 0, true);
	ends[0].leg.rx_ago_ms = 4900;
	g_assert_true(control_needs_pin(c, "r", uri));
	g_assert_cmpint(control_run(c, &sys, &again, NULL), ==, EACCES);
	ends[0].leg.rx_ago_ms = 60000;
	does(0, VERB_HOLD, 0, true);
	g_assert_cmpint(control_run(c, &sys, &again, NULL), ==, EACCES);
	does(0, VERB_HOLD, 0, false);
	join(5, "open", ROLE_SPEAKER);
	struct command moves = { .verb = VERB_MOVE, .room = "r", .member = ends[5].member };
	g_assert_cmpint(control_run(c, &sys, &moves, NULL), ==, EUSERS);
	forget();
	g_assert_false(control_needs_pin(c, "r", uri));
	g_assert_cmpint(control_run(c, &sys, &again, &res), ==, 0);       /* full, but it takes its own place */
	ends[9].member = res.member;
	story_is("r member-joined back; r member-left replaced");
	g_assert_cmpuint(ends[0].n_bye, ==, 1);
	g_assert_cmpint(state(9).role, ==, ROLE_HOST);
	g_assert_true(state(9).muted && !state(9).muted_by_host);
	stop();
}

/* All who hide are one caller; what nobody changed needs no seat; none are kept when the setting says so. */
static void test_no_seat(void)
{
	struct control_conf conf = plain;
	struct command anon = { .verb = VERB_JOIN, .room = "r", .uri = "sip:anonymous@anonymous.invalid", .role = ROLE_SPEAKER,
				.face = &ends[0].face, .text = "1111" };
	struct result res;

	start();
	create("r", "guest-pin=1111");
	g_assert_cmpint(control_run(c, &sys, &anon, &res), ==, 0);
	ends[0].member = res.member;
	does(0, VERB_LEAVE, 0, false);
	anon.text = NULL;
	g_assert_cmpint(control_run(c, &sys, &anon, NULL), ==, EACCES);
	conf.seat_time_s = 0;
	control_reconf(c, &conf);
	join_pin(1, "r", ROLE_SPEAKER, "1111");
	does(1, VERB_LEAVE, 1, false);
	g_assert_cmpint(join(1, "r", ROLE_SPEAKER), ==, EACCES);
	control_reconf(c, &plain);
	join(2, "plain", ROLE_SPEAKER);
	set_role(2, ROLE_LISTENER);
	does(2, VERB_LEAVE, 2, false);
	join(2, "plain", ROLE_SPEAKER);
	g_assert_cmpint(state(2).role, ==, ROLE_LISTENER);        /* a demotion is not escaped by hanging up */
	does(2, VERB_LEAVE, 2, false);
	join(2, "plain", ROLE_HOST);
	g_assert_cmpint(state(2).role, ==, ROLE_HOST);            /* but an account's host stays one */
	stop();
}

/* --- hours --- */

/* The clock on the wall is UTC; the day begins at DAY. */
#define DAY 1700006400000ull              /* 2023-11-15T00:00Z, a Wednesday */

static void set_wall(unsigned hour, unsigned minute)
{
	wall_ms = DAY + (uint64_t)hour * 3600000 + (uint64_t)minute * 60000 - now_ms;
}

static void test_hours(void)
{
	uint64_t was = wall_ms;
	struct snapshot *s;

	set_wall(9, 50);
	start();
	g_assert_cmpint(create("r", "start=2023-11-15T10:00;end=2023-11-15T11:00;repeat=daily"), ==, 0);
	g_assert_cmpint(join(0, "r", ROLE_SPEAKER), ==, 0);
	g_assert_cmpint(control_member_waiting(c, ends[0].member), ==, WAITING_START);
	g_assert_cmpint(join(1, "r", ROLE_HOST), ==, 0);
	g_assert_true(!in(0) && in(1));
	g_assert_cmpint(change("r", "early=turn-away"), ==, 0);
	g_assert_cmpint(join(2, "r", ROLE_SPEAKER), ==, EAGAIN);
	g_assert_cmpint(snapshot_take(&s, c, "r"), ==, 0);
	g_assert_cmpint(s->hours, ==, SNAPSHOT_BEFORE);
	g_assert_cmpuint(s->starts_ms, ==, DAY + 10 * 3600000);
	g_assert_cmpuint(s->n_waiting, ==, 1);
	mem_deref(s);
	forget();
	clock_advance(10 * 60000 - 200);
	story_is("");
	clock_advance(400);
	story_is("r room-changed opened; r member-joined admitted");
	g_assert_cmpint(join(2, "r", ROLE_SPEAKER), ==, 0);
	forget();
	clock_advance(54 * 60000);
	story_is("");
	clock_advance(2 * 60000);
	story_is("r room-changed ending");
	clock_advance(5 * 60000);
	story_is("r member-left schedule; r member-left schedule; r member-left schedule");
	g_assert_cmpuint(ends[0].n_bye, ==, 1);
	g_assert_true(control_room_exists(c, "r"));
	g_assert_cmpint(join(0, "r", ROLE_SPEAKER), ==, EAGAIN);
	clock_advance(23 * 3600000);                              /* tomorrow */
	g_assert_cmpint(join(0, "r", ROLE_SPEAKER), ==, 0);
	g_assert_true(in(0));
	stop();
	wall_ms = was;
}

/* Once, and over. The clock is set while it runs. */
static void test_hours_once(void)
{
	uint64_t was = wall_ms;

	set_wall(9, 0);
	start();
	create("r", "start=2023-11-15T10:00;end=2023-11-15T11:00;keep=off;empty-timeout=1");
	clock_advance(30000);
	g_assert_true(control_room_exists(c, "r"));               /* empty, but its hour comes */
	set_wall(10, 30);
	clock_advance(60100);
	g_assert_cmpint(join(0, "r", ROLE_SPEAKER), ==, 0);
	g_assert_true(in(0));
	/* Who is in is not thrown out by a form. */
	g_assert_cmpint(change("r", "start=2023-11-15T12:00;end=2023-11-15T13:00"), ==, 0);
	clock_advance(60000);
	g_assert_true(in(0));
	set_wall(13, 0);
	clock_advance(60100);
	g_assert_false(control_room_exists(c, "r"));
	g_assert_cmpstr(ends[0].why, ==, "schedule");
	create("old", "end=2023-11-15T12:00");
	g_assert_cmpint(join(1, "old", ROLE_SPEAKER), ==, EAGAIN);
	g_assert_cmpint(join(1, "old", ROLE_HOST), ==, 0);
	stop();
	wall_ms = was;
}

/* --- the floor --- */

static void test_floor(void)
{
	struct snapshot *s;

	start();
	create("r", "floor=on");
	for (int i = 0; i < 4; i++)
		join(i, "r", i == 3 ? ROLE_LISTENER : ROLE_SPEAKER);
	g_assert_true(!heard(0) && !heard(1) && !heard(2));
	g_assert_cmpint(does(0, VERB_MUTE, 0, false), ==, EPERM);
	forget();
	does(0, VERB_HAND, 0, true);                              /* no host, and nobody speaks: it is given */
	story_is("r member-changed hand-up; r member-changed floor-given");
	g_assert_true(heard(0) && !state(0).hand);
	clock_advance(10);
	does(2, VERB_HAND, 2, true);
	clock_advance(10);
	does(1, VERB_FLOOR, 1, true);                             /* the same as a hand */
	g_assert_true(heard(0) && !heard(1) && !heard(2));
	g_assert_cmpint(snapshot_take(&s, c, "r"), ==, 0);
	g_assert_cmpuint(s->floor, ==, ends[0].member);
	mem_deref(s);
	does(0, VERB_FLOOR, 0, false);                            /* gives it back: to who asked first */
	g_assert_true(!heard(0) && !heard(1) && heard(2));
	does(2, VERB_LEAVE, 2, false);
	g_assert_true(heard(1));
	join(4, "r", ROLE_HOST);
	g_assert_true(heard(4) && heard(1));
	does(0, VERB_HAND, 0, true);
	does(1, VERB_FLOOR, 1, false);
	g_assert_true(!heard(0) && !heard(1));                    /* a host is in: it decides */
	g_assert_cmpint(does(4, VERB_FLOOR, 0, true), ==, 0);
	g_assert_true(heard(0));
	g_assert_cmpint(does(4, VERB_FLOOR, 1, true), ==, 0);
	g_assert_true(!heard(0) && heard(1));
	g_assert_cmpint(does(4, VERB_MUTE, 0, false), ==, 0);     /* unmuted by a host is given the floor */
	g_assert_true(heard(0) && !heard(1));
	g_assert_cmpint(does(4, VERB_FLOOR, 3, true), ==, EINVAL);
	g_assert_cmpint(does(1, VERB_FLOOR, 0, false), ==, EPERM);
	room_does(4, VERB_MUTE_ALL, "r", true, NULL);
	g_assert_false(heard(0));
	room_does(4, VERB_MUTE_ALL, "r", false, NULL);
	g_assert_true(heard(0) && !heard(1));
	set_role(0, ROLE_LISTENER);
	g_assert_false(heard(0));
	set_role(0, ROLE_SPEAKER);
	g_assert_false(heard(0));
	move(-1, 1, "elsewhere", NULL);
	g_assert_true(heard(1));
	change("r", "floor=off");
	g_assert_true(heard(0));
	g_assert_cmpint(does(4, VERB_FLOOR, 0, true), ==, EINVAL);
	stop();
}

static void test_ask_unmute(void)
{
	start();
	join(0, "r", ROLE_HOST);
	join(1, "r", ROLE_SPEAKER);
	join(2, "r", ROLE_LISTENER);
	forget();
	g_assert_cmpint(does(0, VERB_ASK_UNMUTE, 1, false), ==, 0);
	story_is("");
	does(0, VERB_MUTE, 1, true);
	g_assert_cmpint(does(1, VERB_MUTE, 1, false), ==, EPERM);
	forget();
	g_assert_cmpint(does(0, VERB_ASK_UNMUTE, 1, false), ==, 0);
	story_is("r member-changed asked-unmute");
	g_assert_false(heard(1));                                 /* nobody opens its microphone for it */
	g_assert_cmpint(does(1, VERB_MUTE, 1, false), ==, 0);
	g_assert_true(heard(1));
	g_assert_cmpint(does(0, VERB_ASK_UNMUTE, 2, false), ==, EINVAL);
	stop();
}

static void test_mute_on_entry(void)
{
	start();
	create("r", "mute-on-entry=on");
	join(0, "r", ROLE_HOST);
	join(1, "r", ROLE_SPEAKER);
	g_assert_true(heard(0) && !heard(1));
	g_assert_cmpint(does(1, VERB_MUTE, 1, false), ==, 0);
	g_assert_true(heard(1));
	does(1, VERB_LEAVE, 1, false);
	join(1, "r", ROLE_SPEAKER);
	g_assert_true(heard(1));                                  /* it is not new */
	stop();
}

/* --- smaller rooms --- */

static void test_breakout(void)
{
	struct snapshot *s;

	start();
	create("r", "guest-pin=1111;tones=off;aliases=5");
	join_pin(0, "r", ROLE_HOST, NULL);
	for (int i = 1; i < 4; i++)
		join_pin(i, "r", ROLE_SPEAKER, "1111");
	forget();
	g_assert_cmpint(breakout(1, "r", 1, "a"), ==, EPERM);
	g_assert_cmpint(breakout(0, "r", 1, ""), ==, EINVAL);
	g_assert_cmpint(breakout(0, "r", 1, "a/b"), ==, EINVAL);
	g_assert_cmpint(breakout(0, "r", 1, "a"), ==, 0);
	story_is("r.a room-created breakout; r.a room-changed locked; r member-left moved; r.a member-joined breakout");
	g_assert_cmpint(breakout(0, "r", 2, "a"), ==, 0);
	g_assert_true(ends[1].leg.bus == ends[2].leg.bus && ends[1].leg.bus != ends[0].leg.bus);
	setting_is("r.a", "tones", "off");
	setting_is("r.a", "aliases", "");
	g_assert_cmpint(snapshot_take(&s, c, "r.a"), ==, 0);
	g_assert_cmpstr(s->parent, ==, "r");
	g_assert_true(s->has_guest_pin);
	mem_deref(s);
	g_assert_cmpint(join_pin(5, "r.a", ROLE_SPEAKER, "1111"), ==, EPERM);     /* not by calling it */
	g_assert_cmpint(change("r.a", "keep=on"), ==, EINVAL);
	g_assert_cmpint(does(0, VERB_MUTE, 1, true), ==, 0);      /* the host has its say there */
	g_assert_cmpint(does(1, VERB_KICK, 2, false), ==, EPERM);
	g_assert_cmpint(move(3, 3, "r.a", NULL), ==, EACCES);
	g_assert_cmpint(move(3, 3, "r.a", "1111"), ==, EPERM);
	g_assert_cmpint(move(0, 0, "r.a", NULL), ==, 0);          /* visits */
	g_assert_cmpint(move(2, 2, "r", NULL), ==, 0);            /* all may come back, without a PIN */
	g_assert_cmpint(breakout(0, "r", 3, "b"), ==, 0);
	forget();
	g_assert_cmpint(room_does(0, VERB_RECALL, "r", false, NULL), ==, 0);
	g_assert_false(control_room_exists(c, "r.a") || control_room_exists(c, "r.b"));
	for (int i = 0; i < 4; i++)
		g_assert_cmpstr(control_member_room(c, ends[i].member), ==, "r");
	g_assert_cmpint(state(0).role, ==, ROLE_HOST);
	/* Banned from the room is banned from all. Ended, all end. */
	breakout(0, "r", 1, "a");
	g_assert_cmpint(room_does(0, VERB_BAN, "r.a", false, "sip:1@h"), ==, 0);
	g_assert_cmpuint(ends[1].n_bye, ==, 1);
	breakout(0, "r", 2, "a");
	g_assert_cmpint(room_does(-1, VERB_END, "r", false, NULL), ==, 0);
	g_assert_cmpuint(ends[2].n_bye, ==, 1);
	g_assert_cmpuint(control_rooms(c), ==, 0);
	/* A room that is not kept is waited for while others are beside it; a room of that name that was there before is not one. */
	join(0, "x", ROLE_HOST);
	join(1, "x.a", ROLE_SPEAKER);
	g_assert_cmpint(breakout(0, "x", 0, "a"), ==, EEXIST);
	g_assert_cmpint(breakout(0, "x", 0, "b"), ==, 0);
	clock_advance(60000);
	g_assert_true(control_room_exists(c, "x"));
	does(0, VERB_LEAVE, 0, false);
	clock_advance(60000);
	g_assert_false(control_room_exists(c, "x") || control_room_exists(c, "x.b"));
	stop();
}

/* --- the store --- */

static void reopen(void)
{
	char *why = NULL;

	store = mem_deref(store);
	g_assert_cmpint(store_open(&store, store_path, &why), ==, 0);
	mem_deref(why);
}

/* As if the process had been killed: nobody leaves, nobody is told. */
static void crash(void)
{
	stop();
	reopen();
	start();
}

static void test_store(void)
{
	struct snapshot *s;
	struct snapshot_bans *b;

	g_autofree char *dir = g_dir_make_tmp("tutti-conference-XXXXXX", NULL);
	store_path = g_build_filename(dir, "tutti.db", NULL);
	reopen();
	start();
	create("one", "title=First;aliases=11;host-pin=9999;guest-pin=1111;start=2023-01-01T10:00");
	create("two", "keep=off");
	create("gone", "");
	room_does(-1, VERB_END, "gone", false, NULL);
	join(0, "auto", ROLE_SPEAKER);
	room_does(-1, VERB_LOCK, "one", true, NULL);
	room_does(-1, VERB_MUTE_ALL, "one", true, NULL);
	room_does(-1, VERB_BAN, "one", false, "sip:bad@h");
	room_does(-1, VERB_BAN, "one", false, "sip:worse@h");
	room_does(-1, VERB_UNBAN, "one", false, "sip:bad@h");
	change("one", "title=Changed");
	room_does(-1, VERB_LOCK, "one", false, NULL);
	join_pin(1, "one", ROLE_SPEAKER, "9999");
	join_pin(2, "one", ROLE_SPEAKER, "1111");
	join_pin(3, "one", ROLE_SPEAKER, "1111");
	ends[1].leg.rx_ago_ms = 6000;
	struct command again = { .verb = VERB_JOIN, .room = "one", .uri = "sip:1@h", .role = ROLE_SPEAKER, .face = &ends[9].face };
	struct result res;
	g_assert_cmpint(control_run(c, &sys, &again, &res), ==, 0);       /* replaces its lost call, and has its seat */
	ends[1].member = res.member;
	does(1, VERB_MUTE, 2, false);                             /* spoken to by the host, among all who are muted */
	does(2, VERB_MUTE, 2, true);
	does(1, VERB_KICK, 3, false);
	crash();
	g_assert_cmpuint(control_rooms(c), ==, 1);
	g_assert_cmpstr(control_room_for(c, "11"), ==, "one");
	g_assert_cmpint(snapshot_take(&s, c, "one"), ==, 0);
	g_assert_true(!s->locked && s->muted_all && s->kept && s->has_host_pin && s->n_members == 0);
	g_assert_cmpstr(s->title, ==, "Changed");
	g_assert_cmpstr(snapshot_setting(s, "start"), ==, "2023-01-01T10:00");
	mem_deref(s);
	g_assert_cmpint(snapshot_bans(&b, c, "one"), ==, 0);
	g_assert_true(b->n == 1 && strcmp(b->ban[0].uri, "worse@h") == 0);
	mem_deref(b);
	g_assert_cmpint(join(4, "one", ROLE_SPEAKER), ==, EACCES);
	g_assert_cmpint(join_pin(4, "one", ROLE_SPEAKER, "1112"), ==, EACCES);
	g_assert_cmpint(join_pin(4, "one", ROLE_SPEAKER, "1111"), ==, 0);
	g_assert_cmpint(join(1, "one", ROLE_SPEAKER), ==, 0);     /* to their seats, without a PIN */
	g_assert_cmpint(state(1).role, ==, ROLE_HOST);
	g_assert_cmpint(join(2, "one", ROLE_SPEAKER), ==, 0);
	g_assert_true(state(2).muted && !state(2).muted_by_host);
	g_assert_cmpint(join(3, "one", ROLE_SPEAKER), ==, EACCES);
	/* Left before the crash: free until then, not until the start and then some. */
	does(4, VERB_LEAVE, 4, false);
	clock_advance(200000);
	crash();
	g_assert_false(control_needs_pin(c, "one", "sip:4@h"));
	clock_advance(101000);
	g_assert_true(control_needs_pin(c, "one", "sip:4@h"));
	g_assert_false(control_needs_pin(c, "one", "sip:2@h"));
	clock_advance(200000);
	g_assert_true(control_needs_pin(c, "one", "sip:2@h"));
	/* Not kept any more. */
	change("one", "keep=off");
	crash();
	g_assert_cmpuint(control_rooms(c), ==, 0);
	stop();
	store = mem_deref(store);
	g_autofree char *rm = g_strdup_printf("rm -rf %s", dir);
	g_assert_cmpint(system(rm), ==, 0);
	g_clear_pointer(&store_path, g_free);
}

/* --- the whole table --- */

static int dialled(void *arg, const char *room, const char *uri)
{
	return 0;
}

/* A room with the member who acts (0), another one (1) and one who waits (2). */
static void stage_for(enum role role)
{
	const struct face dialer = { .dial = dialled };

	start();
	control_set_dialer(c, &dialer);
	create("r", "lobby=on;floor=on");
	join(1, "r", ROLE_HOST);
	set_role(1, ROLE_SPEAKER);
	join(0, "r", role);
	if (ends[0].member && control_member_waiting(c, ends[0].member))
		does(-1, VERB_ADMIT, 0, false);
	join(2, "r", ROLE_SPEAKER);
	set_role(1, ROLE_SPEAKER);
}

static int acts(enum verb verb, bool self, bool on)
{
	static const struct setting title = { "title", "x" };
	struct actor a = by(0);
	bool waits = verb == VERB_ADMIT || verb == VERB_REFUSE;
	const struct verb_info *info = command_info(verb);
	struct command cmd = { .verb = verb, .room = "r", .on = on, .role = ROLE_LISTENER, .uri = "sip:9@h", .name = "x", .text = "1",
			       .settings = &title, .n_settings = 1, .face = &ends[9].face, .value = 0, .pan = 0 };

	if (info->args & (ARG_MEMBER | ARG_WHERE))
		cmd.member = ends[self ? 0 : waits ? 2 : 1].member;
	if (verb == VERB_MOVE)
		cmd.room = "elsewhere";
	if (verb == VERB_CREATE)
		cmd.room = "r";
	cmd.other = ends[self ? 1 : 0].member;
	return control_run(c, &a, &cmd, NULL);
}

/* Each verb, by each role, on itself and on others: EPERM where the table says no, and nowhere else. */
static void test_table(void)
{
	for (unsigned v = 0; v < VERB_N; v++) {
		bool on_member = command_info((enum verb)v)->args & (ARG_MEMBER | ARG_WHERE);

		for (unsigned role = 0; role < ROLE_N; role++) {
			for (unsigned self = 0; self <= on_member; self++) {
				enum right right = policy_right((enum role)role, (enum verb)v, self);

				if (v == VERB_JOIN)       /* a member brings in nobody: faces do, as the system or an account */
					continue;
				stage_for((enum role)role);
				int err = acts((enum verb)v, self, true);
				g_test_message("%s by %s on %s: %s", command_info((enum verb)v)->name, role_name((enum role)role),
					       self ? "itself" : "others", g_strerror(err));
				g_assert_cmpint(err == EPERM, ==, right == RIGHT_NO);
				stop();
			}
		}
	}
}

int main(int argc, char **argv)
{
	g_setenv("TZ", "UTC", TRUE);
	g_test_init(&argc, &argv, NULL);
	if (libre_init())
		return 1;
	clock_open();
	g_test_add_func("/conference/settings", test_settings);
	g_test_add_func("/conference/profile", test_profile);
	g_test_add_func("/conference/keep", test_keep);
	g_test_add_func("/conference/pin", test_pin);
	g_test_add_func("/conference/lobby", test_lobby);
	g_test_add_func("/conference/wait-for-host", test_wait_for_host);
	g_test_add_func("/conference/end-with-host", test_end_with_host);
	g_test_add_func("/conference/ban", test_ban);
	g_test_add_func("/conference/seat", test_seat);
	g_test_add_func("/conference/ghost", test_ghost);
	g_test_add_func("/conference/no-seat", test_no_seat);
	g_test_add_func("/conference/hours", test_hours);
	g_test_add_func("/conference/hours-once", test_hours_once);
	g_test_add_func("/conference/floor", test_floor);
	g_test_add_func("/conference/ask-unmute", test_ask_unmute);
	g_test_add_func("/conference/mute-on-entry", test_mute_on_entry);
	g_test_add_func("/conference/breakout", test_breakout);
	g_test_add_func("/conference/store", test_store);
	g_test_add_func("/conference/table", test_table);
	int rc = g_test_run();
	wheel_close();
	sound_close();
	clock_close();
	libre_close();
	return rc;
}
