/*
 * flow-conference.c - each way of being kept out of a conference's sound, or let into it, as the ears of all find it.
 *
 *     a is host. b calls, and waits     control_run(join) > entry > member-waiting ...   a hears no b, b hears nobody
 *     a lets b in                       control_run(admit) > member > leg ...            both hear each other
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
#include "tests/lib/signal.h"
#include "tests/lib/stage.h"
#include "tests/unit/handclock.h"

#define PEAK 0.1

enum { A, B, C, D, N };

static const double hz[N] = { 441.7, 703.3, 1109.1, 1511.9 };

struct end { struct member *mb; struct face face; uint32_t id; unsigned n_bye; };

static struct stage *stage;
static struct control *control;
static struct end end[N];
static const struct actor sys = { .kind = ACTOR_SYSTEM };

static void on_bye(void *arg, const char *why)
{
	struct end *e = arg;

	e->n_bye++;
	e->id = 0;
}

/* Peers call; none is in a room yet. */
static void open_house(const char *settings)
{
	static const struct control_conf conf = { .auto_rooms = true, .empty_timeout_s = 1, .seat_time_s = 300 };
	g_auto(GStrv) words = g_strsplit(settings, ";", -1);
	struct setting set[8];
	struct command create = { .verb = VERB_CREATE, .room = "band", .settings = set };

	memset(end, 0, sizeof(end));
	stage = stage_new(2500);
	g_assert_cmpint(control_alloc(&control, &conf, stage->m), ==, 0);
	for (unsigned i = 0; i < N; i++) {
		const struct peer_conf peer = { "L16", 48000, 98, 1, 10000, hz[i], PEAK, false, NULL };

		end[i].mb = stage_member(stage, &peer);
		end[i].face = (struct face){ .leg = end[i].mb->leg, .bye = on_bye, .arg = &end[i] };
	}
	for (; words[create.n_settings] && words[create.n_settings][0]; create.n_settings++) {
		char *eq = strchr(words[create.n_settings], '=');

		*eq = '\0';
		set[create.n_settings] = (struct setting){ words[create.n_settings], eq + 1 };
	}
	g_assert_cmpint(control_run(control, &sys, &create, NULL), ==, 0);
}

static void turn(uint32_t ms)
{
	stage_run(stage, ms);
	clock_advance(ms);
}

static void close_house(void)
{
	control = mem_deref(control);
	stage_run(stage, 100);
	stage_free(stage);
	wheel_close();
	sound_close();
}

static int joins_pin(unsigned i, enum role role, const char *pin)
{
	g_autofree char *uri = g_strdup_printf("sip:%u@h", i);
	struct command cmd = { .verb = VERB_JOIN, .room = "band", .uri = uri, .role = role, .face = &end[i].face, .text = pin };
	struct result res;
	int err = control_run(control, &sys, &cmd, &res);

	if (!err)
		end[i].id = res.member;
	return err;
}

static void joins(unsigned i, enum role role)
{
	g_assert_cmpint(joins_pin(i, role, NULL), ==, 0);
}

static void by(unsigned who, enum verb verb, unsigned i, bool on)
{
	struct actor a = { .kind = ACTOR_MEMBER, .member = end[who].id };
	struct command cmd = { .verb = verb, .member = end[i].id, .on = on, .role = ROLE_LISTENER, .room = "band", .name = "side" };

	g_assert_cmpint(control_run(control, &a, &cmd, NULL), ==, 0);
}

static void by_room(unsigned who, enum verb verb, bool on, const char *uri)
{
	struct actor a = { .kind = ACTOR_MEMBER, .member = end[who].id };
	struct command cmd = { .verb = verb, .room = "band", .on = on, .uri = uri };

	g_assert_cmpint(control_run(control, &a, &cmd, NULL), ==, 0);
}

/* What each hears, a line a listener: "a hears bc". Below -60 dB is not heard, within 0.7 dB is; nothing lies between. */
static char *all_hear(void)
{
	GString *s = g_string_new(NULL);

	stage_forget(stage);
	turn(1000);
	for (unsigned i = 0; i < N; i++) {
		g_string_append_printf(s, "%s%c:", i ? " " : "", 'a' + i);
		for (unsigned j = 0; j < N; j++) {
			double db = member_hears_db(end[i].mb, hz[j], PEAK, 500);

			if (!(db < -60 || fabs(db) < 0.7))
				g_error("%c hears %c at %.1f dB", 'a' + i, 'a' + j, db);
			if (db > -60)
				g_string_append_c(s, (char)('a' + j));
		}
	}
	return g_string_free(s, FALSE);
}

#define heard(want) do { \
	g_autofree char *is = all_hear(); \
	g_assert_cmpstr(is, ==, want); \
} while (0)

static void waits_and_is_let_in(void)
{
	open_house("lobby=on");
	joins(A, ROLE_HOST);
	joins(B, ROLE_SPEAKER);
	joins(C, ROLE_SPEAKER);
	heard("a: b: c: d:");                     /* they do not hear each other either */
	by(A, VERB_ADMIT, B, false);
	heard("a:b b:a c: d:");
	by(A, VERB_REFUSE, C, false);
	g_assert_cmpuint(end[C].n_bye, ==, 1);
	heard("a:b b:a c: d:");
	joins(D, ROLE_HOST);
	heard("a:bd b:ad c: d:ab");
	close_house();
}

static void waits_for_host(void)
{
	open_house("wait-for-host=on");
	joins(B, ROLE_SPEAKER);
	joins(C, ROLE_LISTENER);
	heard("a: b: c: d:");
	joins(A, ROLE_HOST);
	heard("a:b b:a c:ab d:");
	close_house();
}

static void waits_for_the_hour(void)
{
	wall_ms = 2000000000000 - now_ms;         /* 2033-05-18T03:33:20Z */
	open_house("start=2033-05-18T03:34");
	joins(A, ROLE_SPEAKER);
	joins(B, ROLE_SPEAKER);
	heard("a: b: c: d:");
	turn(30000);
	heard("a: b: c: d:");
	turn(10000);
	heard("a:b b:a c: d:");
	close_house();
}

/* a hosts; the three others come one by one. */
static void quartet(const char *settings)
{
	open_house(settings);
	for (unsigned i = 0; i < N; i++)
		joins(i, i ? ROLE_SPEAKER : ROLE_HOST);
}

static void mutes(void)
{
	quartet("");
	heard("a:bcd b:acd c:abd d:abc");
	by(B, VERB_MUTE, B, true);
	by(A, VERB_MUTE, C, true);
	heard("a:d b:ad c:ad d:a");
	by(A, VERB_ASK_UNMUTE, C, false);
	heard("a:d b:ad c:ad d:a");
	by(C, VERB_MUTE, C, false);
	heard("a:cd b:acd c:ad d:ac");
	by_room(A, VERB_MUTE_ALL, true, NULL);
	heard("a: b:a c:a d:a");
	by_room(A, VERB_MUTE_ALL, false, NULL);
	by(A, VERB_ROLE, D, false);               /* a listener from now on */
	heard("a:c b:ac c:a d:ac");
	by(A, VERB_DEAF, C, true);
	heard("a:c b:ac c: d:ac");
	close_house();
}

static void comes_in_muted(void)
{
	quartet("mute-on-entry=on");
	heard("a: b:a c:a d:a");
	by(B, VERB_MUTE, B, false);
	heard("a:b b:a c:ab d:ab");
	close_house();
}

static void one_speaks(void)
{
	quartet("floor=on");
	heard("a: b:a c:a d:a");
	by(B, VERB_HAND, B, true);
	heard("a: b:a c:a d:a");
	by(A, VERB_FLOOR, B, true);
	heard("a:b b:a c:ab d:ab");
	by(A, VERB_FLOOR, C, true);
	heard("a:c b:ac c:a d:ac");
	by(C, VERB_LEAVE, C, false);
	end[C].id = 0;
	heard("a: b:a c: d:a");
	close_house();
}

static void kicked_and_banned(void)
{
	quartet("");
	by(A, VERB_KICK, B, false);
	by_room(A, VERB_BAN, true, "sip:2@h");
	heard("a:d b: c: d:a");
	g_assert_cmpint(joins_pin(B, ROLE_SPEAKER, NULL), ==, 0);
	g_assert_cmpint(joins_pin(C, ROLE_SPEAKER, NULL), ==, EPERM);
	heard("a:bd b:ad c: d:ab");
	by_room(A, VERB_UNBAN, true, "sip:2@h");
	joins(C, ROLE_SPEAKER);
	heard("a:bcd b:acd c:abd d:abc");
	close_house();
}

static void smaller_rooms(void)
{
	quartet("");
	by(A, VERB_BREAKOUT, B, false);
	by(A, VERB_BREAKOUT, C, false);
	heard("a:d b:c c:b d:a");
	by_room(A, VERB_RECALL, true, NULL);
	heard("a:bcd b:acd c:abd d:abc");
	close_house();
}

static void comes_back(void)
{
	open_house("guest-pin=1234;host-pin=4321");
	g_assert_cmpint(joins_pin(A, ROLE_SPEAKER, "4321"), ==, 0);
	g_assert_cmpint(joins_pin(B, ROLE_SPEAKER, "1234"), ==, 0);
	g_assert_cmpint(joins_pin(C, ROLE_SPEAKER, NULL), ==, EACCES);
	heard("a:b b:a c: d:");
	by(A, VERB_MUTE, B, true);
	by(B, VERB_LEAVE, B, false);
	end[B].id = 0;
	joins(B, ROLE_SPEAKER);                   /* no PIN, and no way out of the mute */
	heard("a: b:a c: d:");
	by(A, VERB_MUTE, B, false);
	heard("a:b b:a c: d:");
	close_house();
}

/* b's network is gone, and b calls again before anybody has noticed: as who it was, and there is one b. */
static void calls_again(void)
{
	open_house("guest-pin=1234");
	joins(A, ROLE_HOST);
	g_assert_cmpint(joins_pin(B, ROLE_SPEAKER, "1234"), ==, 0);
	by(A, VERB_MUTE, B, true);
	heard("a: b:a c: d:");
	const struct command again = { .verb = VERB_JOIN, .room = "band", .uri = "sip:1@h", .role = ROLE_SPEAKER, .face = &end[C].face };
	struct result res;
	g_assert_cmpint(control_run(control, &sys, &again, &res), ==, EACCES);
	end[B].mb->peer->mute = true;
	turn(4000);
	g_assert_cmpint(control_run(control, &sys, &again, &res), ==, EACCES);
	turn(2000);
	g_assert_cmpint(control_run(control, &sys, &again, &res), ==, 0);
	end[C].id = res.member;
	g_assert_cmpuint(end[B].n_bye, ==, 1);
	heard("a: b: c:a d:");
	by(A, VERB_MUTE, C, false);
	heard("a:c b: c:a d:");
	close_house();
}

static void ends_without_host(void)
{
	quartet("end-with-host=on;end-grace=3");
	by(A, VERB_LEAVE, A, false);
	end[A].id = 0;
	heard("a: b:cd c:bd d:bc");
	turn(3000);
	for (unsigned i = B; i < N; i++)
		g_assert_cmpuint(end[i].n_bye, ==, 1);
	heard("a: b: c: d:");
	close_house();
}

int main(int argc, char **argv)
{
	g_setenv("TZ", "UTC", TRUE);
	g_test_init(&argc, &argv, NULL);
	if (libre_init())
		return 1;
	clock_open();
	g_test_add_func("/conference/lobby", waits_and_is_let_in);
	g_test_add_func("/conference/host", waits_for_host);
	g_test_add_func("/conference/hour", waits_for_the_hour);
	g_test_add_func("/conference/mute", mutes);
	g_test_add_func("/conference/muted-on-entry", comes_in_muted);
	g_test_add_func("/conference/floor", one_speaks);
	g_test_add_func("/conference/kick-ban", kicked_and_banned);
	g_test_add_func("/conference/breakout", smaller_rooms);
	g_test_add_func("/conference/seat", comes_back);
	g_test_add_func("/conference/lost", calls_again);
	g_test_add_func("/conference/end", ends_without_host);
	int rc = g_test_run();
	clock_close();
	libre_close();
	return rc;
}
