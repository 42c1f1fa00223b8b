/*
 * test-section.c - what musicians choose for themselves: sections with a fader, what their buffer holds, redundancy, when they hear
 * the beat, and bars that are counted in.
 */
#include <errno.h>
#include <glib.h>
#include <math.h>
#include <string.h>
#include <re.h>
#include "control/control.h"
#include "control/snapshot.h"
#include "nomixer.h"

enum { HOST, ANN, BEN, EAR, ENDS };

static struct control *c;
static struct event_lsnr *lsnr;
static struct leg legs[ENDS];
static struct leg_stats stats[ENDS];
static struct face faces[ENDS];
static uint32_t ids[ENDS];
static unsigned n_events;
static char detail[32];

static void bye(void *arg, const char *why) {}

static void heard(const struct event *ev, void *arg)
{
	n_events++;
	g_strlcpy(detail, ev->detail, sizeof(detail));
}

static int run(int who, const struct command *cmd)
{
	struct actor a = {.kind = ACTOR_MEMBER, .member = ids[who]};

	return control_run(c, &a, cmd, NULL);
}

static void joins(int i, const char *room)
{
	static const enum role roles[ENDS] = {ROLE_HOST, ROLE_SPEAKER, ROLE_SPEAKER, ROLE_LISTENER};
	struct command cmd = {.verb = VERB_JOIN, .room = room, .uri = "sip:x@y", .role = roles[i], .face = &faces[i], .on = true};
	struct actor sys = {.kind = ACTOR_SYSTEM};
	struct result res = {0};

	faces[i] = (struct face){.leg = &legs[i], .bye = bye};
	legs[i].stats = &stats[i];
	g_assert_cmpint(control_run(c, &sys, &cmd, &res), ==, 0);
	ids[i] = res.member;
}

static void begin(void)
{
	struct control_conf conf = {.auto_rooms = true, .max_rooms = 4, .max_members = 10};

	memset(legs, 0, sizeof(legs));
	memset(stats, 0, sizeof(stats));
	the_mixer.smp = 480000;
	g_assert_cmpint(control_alloc(&c, &conf, &the_mixer), ==, 0);
	for (int i = 0; i < ENDS; i++)
		joins(i, "band");
	g_assert_cmpint(event_listen(&lsnr, c, "band", heard, NULL), ==, 0);
	n_events = 0;
}

static void end(void)
{
	lsnr = mem_deref(lsnr);
	c = mem_deref(c);
}

static struct snapshot *now(void)
{
	struct snapshot *s = NULL;

	g_assert_cmpint(snapshot_take(&s, c, "band"), ==, 0);
	return s;
}

static int section(int who, int whom, const char *name)
{
	return run(who, &(struct command){.verb = VERB_SECTION, .member = ids[whom], .text = name});
}

static int section_gain(int who, const char *name, float db)
{
	return run(who, &(struct command){.verb = VERB_SECTION_GAIN, .room = "band", .name = name, .value = db});
}

static int section_view(int who, int whom, const char *name, float db)
{
	return run(who, &(struct command){.verb = VERB_SECTION_VIEW, .member = ids[whom], .name = name, .value = db});
}

#define DB(db) powf(10.0f, (db) / 20.0f)
#define NEAR(a, b) g_assert_cmpfloat(fabs((double)(a) - (double)(b)), <, 1e-4)

/* A room that opens for somebody who wants music is one. */
static void opened_for_music(void)
{
	struct snapshot *s;

	begin();
	s = now();
	g_assert_true(s->music);
	mem_deref(s);
	end();
}

static void sections(void)
{
	struct snapshot *s;

	begin();
	g_assert_cmpint(section(ANN, ANN, "brass"), ==, 0);
	g_assert_cmpstr(detail, ==, "section");
	g_assert_cmpint(section(ANN, BEN, "brass"), ==, EPERM);
	g_assert_cmpint(section(EAR, EAR, "brass"), ==, EPERM);
	g_assert_cmpint(section(ANN, ANN, "no slash/"), ==, EINVAL);
	g_assert_cmpint(section(ANN, ANN, "a234567890b234567890c234567890d23"), ==, EINVAL);
	g_assert_cmpint(section_gain(ANN, "brass", -6), ==, EPERM);
	g_assert_cmpint(section_gain(HOST, "brass", 21), ==, EINVAL);
	g_assert_cmpint(section_gain(HOST, "brass", NAN), ==, EINVAL);
	g_assert_cmpint(section_gain(HOST, "", -6), ==, EINVAL);
	g_assert_cmpint(section_gain(HOST, "brass", -6), ==, 0);
	NEAR(legs[ANN].gain, DB(-6));
	NEAR(legs[BEN].gain, 1);
	/* on top of its own; and who comes in later */
	g_assert_cmpint(run(HOST, &(struct command){.verb = VERB_GAIN, .member = ids[ANN], .value = 2}), ==, 0);
	NEAR(legs[ANN].gain, DB(-4));
	g_assert_cmpint(section(HOST, BEN, "brass"), ==, 0);
	NEAR(legs[BEN].gain, DB(-6));
	s = now();
	g_assert_cmpuint(s->n_sections, ==, 1);
	g_assert_cmpstr(s->section[0].name, ==, "brass");
	g_assert_cmpstr(s->member[BEN].section, ==, "brass");
	mem_deref(s);
	/* what is so already is no event */
	n_events = 0;
	g_assert_cmpint(section_gain(HOST, "brass", -6), ==, 0);
	g_assert_cmpint(section(HOST, BEN, "brass"), ==, 0);
	g_assert_cmpuint(n_events, ==, 0);
	/* at the foot it is silent; and back */
	g_assert_cmpint(section_gain(HOST, "brass", -60), ==, 0);
	NEAR(legs[BEN].gain, 0);
	g_assert_cmpint(section_gain(HOST, "brass", 0), ==, 0);
	NEAR(legs[BEN].gain, 1);
	s = now();
	g_assert_cmpuint(s->n_sections, ==, 0);
	mem_deref(s);
	end();
}

/* In another room the section is another. */
static void sections_stay_in_their_room(void)
{
	begin();
	g_assert_cmpint(section(HOST, ANN, "brass"), ==, 0);
	g_assert_cmpint(section_gain(HOST, "brass", -20), ==, 0);
	NEAR(legs[ANN].gain, DB(-20));
	g_assert_cmpint(run(HOST, &(struct command){.verb = VERB_MOVE, .member = ids[ANN], .room = "other"}), ==, 0);
	NEAR(legs[ANN].gain, 1);
	end();
}

static void sections_are_bounded(void)
{
	begin();
	for (int i = 0; i < 32; i++) {
		g_autofree char *name = g_strdup_printf("s%d", i);

		g_assert_cmpint(section_gain(HOST, name, -1), ==, 0);
	}
	g_assert_cmpint(section_gain(HOST, "more", -1), ==, ENOSPC);
	g_assert_cmpint(section_gain(HOST, "s3", 0), ==, 0);
	g_assert_cmpint(section_gain(HOST, "more", -1), ==, 0);
	end();
}

static void own_mix_of_a_section(void)
{
	begin();
	g_assert_cmpint(section(ANN, ANN, "brass"), ==, 0);
	g_assert_cmpint(section_view(ANN, EAR, "brass", -6), ==, EPERM);
	g_assert_cmpint(section_view(EAR, EAR, "brass", -6), ==, 0);
	g_assert_true(legs[EAR].view.other == &legs[ANN]);
	NEAR(legs[EAR].view.gain, DB(-6));
	g_assert_cmpfloat((double)legs[EAR].view.pan, ==, (double)LEG_PAN_SAME);
	/* who joins it later, and who leaves it */
	g_assert_cmpint(section(BEN, BEN, "brass"), ==, 0);
	g_assert_true(legs[EAR].view.other == &legs[BEN]);
	NEAR(legs[EAR].view.gain, DB(-6));
	g_assert_cmpint(section(BEN, BEN, ""), ==, 0);
	g_assert_true(legs[EAR].view.other == &legs[BEN]);
	NEAR(legs[EAR].view.gain, 1);
	g_assert_cmpint(section_view(EAR, EAR, "brass", -60), ==, 0);
	g_assert_true(legs[EAR].view.other == &legs[ANN]);
	NEAR(legs[EAR].view.gain, 0);
	/* nobody hears itself, also in its own section */
	g_assert_cmpint(section_view(ANN, ANN, "brass", -6), ==, 0);
	g_assert_null(legs[ANN].view.other);
	end();
}

static void buffers(void)
{
	static const struct { int who, whom; float n; int err; } rows[] = {
		{ANN, ANN, 2, 0}, {EAR, EAR, 0, 0}, {ANN, BEN, 2, EPERM}, {HOST, BEN, 3, 0}, {ANN, ANN, 4, EINVAL}, {ANN, ANN, -2, EINVAL},
		{ANN, ANN, 1.5f, EINVAL}, {ANN, ANN, NAN, EINVAL}, {ANN, ANN, -1, 0},
	};
	struct snapshot *s;

	begin();
	g_assert_cmpint(legs[ANN].buffer, ==, BUFFER_AUTO);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		int was = legs[rows[i].whom].buffer;

		g_assert_cmpint(run(rows[i].who, &(struct command){.verb = VERB_BUFFER, .member = ids[rows[i].whom], .value = rows[i].n}), ==,
				rows[i].err);
		g_assert_cmpint(legs[rows[i].whom].buffer, ==, rows[i].err ? was : (int)rows[i].n);
	}
	g_assert_cmpint(run(ANN, &(struct command){.verb = VERB_RED, .member = ids[ANN], .on = true}), ==, 0);
	g_assert_cmpint(legs[ANN].red, ==, LEG_RED_ALWAYS);
	g_assert_cmpint(run(HOST, &(struct command){.verb = VERB_RED, .member = ids[BEN]}), ==, 0);
	g_assert_cmpint(legs[BEN].red, ==, LEG_RED_NEVER);
	g_assert_cmpint(legs[EAR].red, ==, LEG_RED_BY_LOSS);
	/* it is the member's, in whichever room */
	g_assert_cmpint(run(HOST, &(struct command){.verb = VERB_MOVE, .member = ids[BEN], .room = "other"}), ==, 0);
	g_assert_cmpint(legs[BEN].buffer, ==, 3);
	s = now();
	g_assert_true(s->member[ANN].red);
	g_assert_cmpint(s->member[ANN].buffer, ==, BUFFER_AUTO);
	mem_deref(s);
	end();
}

static int sync_to(int who, const char *word)
{
	return run(who, &(struct command){.verb = VERB_CLICK_SYNC, .member = ids[who], .text = word});
}

static int transport(const char *what, float n)
{
	return run(HOST, &(struct command){.verb = VERB_TRANSPORT, .room = "band", .text = what, .value = n});
}

/* As far away as its end and its round trip say. */
static void heard_sooner(void)
{
	const struct command far = {.verb = VERB_LATENCY, .member = ids[ANN], .capture_us = 1000, .playback_us = 4000, .buffer_us = 2000};
	struct command cmd = far;
	struct snapshot *s;
	uint64_t lead;

	begin();
	cmd.member = ids[ANN];
	stats[ANN].rtt_us = 20000;
	g_assert_cmpint(run(ANN, &cmd), ==, 0);
	g_assert_cmpint(sync_to(ANN, "moon"), ==, EINVAL);
	g_assert_cmpint(sync_to(ANN, "ear"), ==, 0);
	g_assert_cmpuint(legs[ANN].click_ahead, ==, 16 * 48);     /* 10 + 2 + 4 ms */
	g_assert_cmpint(sync_to(ANN, "mix"), ==, 0);
	g_assert_cmpuint(legs[ANN].click_ahead, ==, 27 * 48);     /* and 1 + 10 */
	/* the beat waits for who must know it soonest, if that one hears it */
	g_assert_cmpint(transport("start", 0), ==, 0);
	s = now();
	lead = s->tempo.origin - the_mixer.smp;
	mem_deref(s);
	g_assert_cmpint(run(ANN, &(struct command){.verb = VERB_CLICK, .member = ids[ANN], .on = true}), ==, 0);
	the_mixer.smp += 48000;
	g_assert_cmpint(transport("start", 0), ==, 0);
	s = now();
	g_assert_cmpuint(s->tempo.origin - the_mixer.smp, ==, lead + 27 * 48);
	g_assert_cmpint(s->member[ANN].click_sync, ==, CLICK_MIX);
	mem_deref(s);
	/* more than a quarter of a second is not waited for */
	stats[ANN].rtt_us = 900000;
	g_assert_cmpint(sync_to(ANN, "ear"), ==, 0);
	g_assert_cmpuint(legs[ANN].click_ahead, ==, LEG_CLICK_AHEAD_MAX);
	g_assert_cmpint(sync_to(ANN, "room"), ==, 0);
	g_assert_cmpuint(legs[ANN].click_ahead, ==, 0);
	end();
}

static void counted_in(void)
{
	struct beat_point p;
	struct snapshot *s;
	struct beat b;

	begin();
	g_assert_cmpint(transport("count-in", 9), ==, EINVAL);
	g_assert_cmpint(transport("count-in", -1), ==, EINVAL);
	g_assert_cmpint(transport("count-in", 0.5f), ==, EINVAL);
	g_assert_cmpint(transport("count-in", 2), ==, 0);
	g_assert_cmpstr(detail, ==, "count-in");
	g_assert_cmpint(transport("start", 0), ==, 0);
	g_assert_cmpint(control_beat(c, "band", &b), ==, 0);
	g_assert_true(beat_next(&p, &b, the_mixer.smp, 1));
	g_assert_cmpint((int64_t)p.bar, ==, -2);
	g_assert_cmpint((int64_t)p.beat, ==, -8);
	g_assert_cmpuint(p.in_bar, ==, 0);
	for (int i = -7; i <= 4; i++) {
		g_assert_true(beat_next(&p, &b, p.smp + 1, 1));
		g_assert_cmpint((int64_t)p.beat, ==, i);
		g_assert_cmpint((int64_t)p.bar, ==, i < -4 ? -2 : i < 0 ? -1 : i / 4);
		g_assert_cmpuint(p.in_bar, ==, (unsigned)(i + 8) % 4);
	}
	/* from the middle of a bar of the song it goes on, and is not counted in */
	the_mixer.smp = p.smp + 1;
	g_assert_cmpint(transport("stop", 0), ==, 0);
	g_assert_cmpint(transport("continue", 0), ==, 0);
	s = now();
	g_assert_cmpint(s->tempo.beat, ==, 5);
	g_assert_cmpuint(s->tempo.count_in, ==, 2);
	mem_deref(s);
	end();
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/section/opened-for-music", opened_for_music);
	g_test_add_func("/section/for-all", sections);
	g_test_add_func("/section/of-a-room", sections_stay_in_their_room);
	g_test_add_func("/section/bounded", sections_are_bounded);
	g_test_add_func("/section/own-mix", own_mix_of_a_section);
	g_test_add_func("/section/buffer-and-redundancy", buffers);
	g_test_add_func("/section/click-sync", heard_sooner);
	g_test_add_func("/section/count-in", counted_in);
	return g_test_run();
}
