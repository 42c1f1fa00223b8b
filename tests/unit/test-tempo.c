/*
 * test-tempo.c - a room's tempo, its beat, who hears it, and whose clock it follows.
 */
#include <errno.h>
#include <glib.h>
#include <math.h>
#include <string.h>
#include <re.h>
#include "control/control.h"
#include "control/snapshot.h"
#include "nomixer.h"

enum { HOST, SPEAKER, LISTENER, ENDS };

static struct control *c;
static struct event_lsnr *lsnr;
static struct leg legs[ENDS];
static struct face faces[ENDS];
static uint32_t ids[ENDS];
static unsigned n_tempo, n_transport, n_click;

static void bye(void *arg, const char *why) {}

static void heard(const struct event *ev, void *arg)
{
	n_tempo += ev->type == EVENT_ROOM_CHANGED && !strcmp(ev->detail, "tempo");
	n_transport += ev->type == EVENT_ROOM_CHANGED && !strcmp(ev->detail, "transport");
	n_click += ev->type == EVENT_MEMBER_CHANGED && !strcmp(ev->detail, "click");
}

static int run(int who, const struct command *cmd)
{
	struct actor a = {.kind = ACTOR_MEMBER, .member = ids[who]};

	return control_run(c, &a, cmd, NULL);
}

static void begin_in(bool music)
{
	static const enum role roles[ENDS] = {ROLE_HOST, ROLE_SPEAKER, ROLE_LISTENER};
	struct control_conf conf = {.auto_rooms = true, .music_default = music, .max_rooms = 4, .max_members = 10};
	struct actor sys = {.kind = ACTOR_SYSTEM};

	memset(legs, 0, sizeof(legs));
	the_mixer.smp = 480000;
	n_tempo = n_transport = n_click = 0;
	g_assert_cmpint(control_alloc(&c, &conf, &the_mixer), ==, 0);
	for (int i = 0; i < ENDS; i++) {
		struct command cmd = {.verb = VERB_JOIN, .room = "band", .uri = "sip:x@y", .role = roles[i], .face = &faces[i]};
		struct result res = {0};

		faces[i] = (struct face){.leg = &legs[i], .bye = bye};
		g_assert_cmpint(control_run(c, &sys, &cmd, &res), ==, 0);
		ids[i] = res.member;
	}
	g_assert_cmpint(event_listen(&lsnr, c, "band", heard, NULL), ==, 0);
}

static void begin(void)
{
	begin_in(false);
}

static void end(void)
{
	lsnr = mem_deref(lsnr);
	c = mem_deref(c);
}

static int tempo(int who, float bpm, uint32_t beats)
{
	return run(who, &(struct command){.verb = VERB_TEMPO, .room = "band", .value = bpm, .beats = beats});
}

static int transport(int who, const char *what)
{
	return run(who, &(struct command){.verb = VERB_TRANSPORT, .room = "band", .text = what});
}

static int click(int who, int whom, bool on, float db)
{
	return run(who, &(struct command){.verb = VERB_CLICK, .member = ids[whom], .on = on, .value = db});
}

static int follow(int who, int whom, bool on)
{
	return run(who, &(struct command){.verb = VERB_FOLLOW, .member = ids[whom], .room = "band", .on = on});
}

static struct snapshot *now(void)
{
	struct snapshot *s = NULL;

	g_assert_cmpint(snapshot_take(&s, c, "band"), ==, 0);
	return s;
}

static void test_tempo(void)
{
	struct snapshot *s;

	begin();
	g_assert_cmpint(tempo(SPEAKER, 90, 0), ==, EPERM);
	g_assert_cmpint(tempo(LISTENER, 90, 0), ==, EPERM);
	g_assert_cmpint(tempo(HOST, 19, 0), ==, EINVAL);
	g_assert_cmpint(tempo(HOST, 401, 0), ==, EINVAL);
	g_assert_cmpint(tempo(HOST, NAN, 0), ==, EINVAL);
	g_assert_cmpint(tempo(HOST, 90, 33), ==, EINVAL);
	g_assert_cmpint(tempo(HOST, -90, 0), ==, EINVAL);
	g_assert_cmpuint(n_tempo, ==, 0);
	g_assert_cmpint(tempo(HOST, 97.5f, 3), ==, 0);
	g_assert_cmpint(tempo(HOST, 97.5f, 3), ==, 0);    /* what is so already */
	g_assert_cmpint(tempo(HOST, 0, 3), ==, 0);
	g_assert_cmpuint(n_tempo, ==, 1);
	g_assert_cmpuint(legs[HOST].bus->beat.now.mbpm, ==, 97500);
	s = now();
	g_assert_cmpuint(s->tempo.mbpm, ==, 97500);
	g_assert_cmpuint(s->tempo.beats, ==, 3);
	g_assert_false(s->tempo.running);
	mem_deref(s);
	end();
}

static void test_transport(void)
{
	struct beat_point p;
	struct snapshot *s;
	struct beat b;

	begin();
	g_assert_cmpint(transport(SPEAKER, "start"), ==, EPERM);
	g_assert_cmpint(transport(HOST, "begin"), ==, EINVAL);
	g_assert_cmpint(transport(HOST, "stop"), ==, 0);
	g_assert_cmpuint(n_transport, ==, 0);
	g_assert_cmpint(transport(HOST, "start"), ==, 0);
	g_assert_cmpuint(n_transport, ==, 1);
	s = now();
	g_assert_true(s->tempo.running);
	g_assert_cmpuint(s->tempo.origin, >=, the_mixer.smp + BEAT_LEAD_SMP);
	g_assert_cmpuint(s->tempo.origin, <=, the_mixer.smp + 4800);
	mem_deref(s);
	the_mixer.smp += 100000;
	g_assert_cmpint(transport(HOST, "stop"), ==, 0);
	g_assert_false(legs[0].bus->beat.running);
	g_assert_cmpint(transport(HOST, "continue"), ==, 0);
	g_assert_cmpint(transport(HOST, "continue"), ==, 0);
	g_assert_cmpuint(n_transport, ==, 3);
	g_assert_cmpint(control_beat(c, "band", &b), ==, 0);
	g_assert_true(beat_next(&p, &b, the_mixer.smp, 1));
	g_assert_cmpuint(p.beat, ==, 4);          /* at 120: 0 24000 48000 72000 were */
	g_assert_cmpint(control_beat(c, "else", &b), ==, ENOENT);
	end();
}

static void test_click(void)
{
	struct snapshot *s;

	begin();
	g_assert_cmpint(click(SPEAKER, LISTENER, true, 0), ==, EPERM);
	g_assert_cmpint(click(LISTENER, LISTENER, true, 21), ==, EINVAL);
	g_assert_cmpint(click(LISTENER, LISTENER, true, 0), ==, 0);
	g_assert_cmpfloat(legs[LISTENER].click, ==, 1);
	g_assert_cmpint(click(LISTENER, LISTENER, true, 0), ==, 0);
	g_assert_cmpuint(n_click, ==, 1);
	g_assert_cmpint(click(HOST, LISTENER, true, 20), ==, 0);
	g_assert_cmpfloat(fabsf(legs[LISTENER].click - 10), <, 1e-4f);
	g_assert_cmpfloat(legs[HOST].click, ==, 0);
	s = now();
	g_assert_true(s->member[LISTENER].click);
	g_assert_cmpfloat(s->member[LISTENER].click_db, ==, 20);
	mem_deref(s);
	g_assert_cmpint(click(LISTENER, LISTENER, false, 0), ==, 0);
	g_assert_cmpfloat(legs[LISTENER].click, ==, 0);
	g_assert_cmpuint(n_click, ==, 3);
	end();
}

static void test_follow(void)
{
	struct actor sys = {.kind = ACTOR_SYSTEM};

	begin();
	g_assert_cmpint(follow(SPEAKER, SPEAKER, true), ==, EPERM);
	g_assert_cmpint(control_follow_tempo(c, ids[SPEAKER], 99000), ==, ENOENT);
	g_assert_cmpint(follow(HOST, SPEAKER, true), ==, 0);
	g_assert_cmpuint(control_follows(c, "band"), ==, ids[SPEAKER]);
	g_assert_cmpint(tempo(HOST, 100, 0), ==, EBUSY);
	g_assert_cmpint(tempo(HOST, 0, 5), ==, 0);
	g_assert_cmpint(control_follow_tempo(c, ids[LISTENER], 99000), ==, ENOENT);
	g_assert_cmpint(control_follow_tempo(c, ids[SPEAKER], 99000), ==, 0);
	g_assert_cmpint(control_follow_tempo(c, ids[SPEAKER], 500000), ==, EINVAL);
	g_assert_cmpuint(legs[0].bus->beat.now.mbpm, ==, 99000);
	g_assert_cmpint(follow(HOST, LISTENER, false), ==, 0);    /* it is not the one */
	g_assert_cmpuint(control_follows(c, "band"), ==, ids[SPEAKER]);
	g_assert_cmpint(follow(HOST, SPEAKER, false), ==, 0);
	g_assert_cmpuint(control_follows(c, "band"), ==, 0);
	g_assert_cmpint(follow(HOST, SPEAKER, true), ==, 0);
	g_assert_cmpint(control_run(c, &sys, &(struct command){.verb = VERB_LEAVE, .member = ids[SPEAKER]}, NULL), ==, 0);
	g_assert_cmpuint(control_follows(c, "band"), ==, 0);
	g_assert_cmpint(control_run(c, &sys, &(struct command){.verb = VERB_FOLLOW, .room = "band", .on = true}, NULL), ==, EINVAL);
	end();
}

static int leave(int who)
{
	return run(who, &(struct command){.verb = VERB_LEAVE, .member = ids[who]});
}

/* In a room of music everybody who may speak leads, as long as no host is in. */
static void test_led_by_all(void)
{
	begin_in(true);
	g_assert_cmpint(tempo(SPEAKER, 90, 0), ==, EPERM);
	g_assert_cmpint(leave(HOST), ==, 0);
	g_assert_cmpint(tempo(SPEAKER, 90, 0), ==, 0);
	g_assert_cmpint(transport(SPEAKER, "start"), ==, 0);
	g_assert_cmpint(follow(SPEAKER, LISTENER, true), ==, 0);
	g_assert_cmpint(tempo(LISTENER, 91, 0), ==, EPERM);
	g_assert_cmpint(run(SPEAKER, &(struct command){.verb = VERB_LOCK, .room = "band", .on = true}), ==, EPERM);
	end();

	begin();
	g_assert_cmpint(leave(HOST), ==, 0);
	g_assert_cmpint(transport(SPEAKER, "start"), ==, EPERM);
	end();
}

int main(int argc, char **argv)
{
	int err;

	g_test_init(&argc, &argv, NULL);
	libre_init();
	g_test_add_func("/tempo/tempo", test_tempo);
	g_test_add_func("/tempo/transport", test_transport);
	g_test_add_func("/tempo/click", test_click);
	g_test_add_func("/tempo/follow", test_follow);
	g_test_add_func("/tempo/led-by-all", test_led_by_all);
	err = g_test_run();
	libre_close();
	return err;
}
