/*
 * flow-control.c - commands in, sound out: what control says of a member is what the others' ears find.
 *
 *     control_run(mute b)  >  member > leg ...  a hears silence
 */
#include <glib.h>
#include <math.h>
#include <string.h>
#include "control/control.h"
#include "control/event.h"
#include "control/snapshot.h"
#include "control/sound.h"
#include "control/wheel.h"
#include "mixer/leg.h"
#include "tests/lib/signal.h"
#include "tests/lib/stage.h"

#define PEAK 0.25
#define HEARS(i, hz) g_assert_cmpfloat(fabs(member_hears_db(end[i].mb, hz, PEAK, 500)), <, 0.7)
#define SILENT(i, hz) g_assert_cmpfloat(member_hears_db(end[i].mb, hz, PEAK, 600), <, -60)

static const double hz[] = { 441.7, 703.3, 1109.1 };

struct end { struct member *mb; struct face face; uint32_t id; unsigned n_bye; };

static struct stage *stage;
static struct control *control;
static struct end end[3];
static const struct actor sys = { .kind = ACTOR_SYSTEM };

static void on_bye(void *arg, const char *why)
{
	struct end *e = arg;

	e->n_bye++;
	e->id = 0;
}

static void open_house(bool alone_music)
{
	struct control_conf conf = { .auto_rooms = true, .alone_music = alone_music, .empty_timeout_s = 1 };

	memset(end, 0, sizeof(end));
	stage = stage_new(1250);
	g_assert_cmpint(control_alloc(&control, &conf, stage->m), ==, 0);
}

static void joins(unsigned i, const char *room, enum role role)
{
	const struct peer_conf conf = { "L16", 48000, 98, 1, 10000, hz[i], PEAK, false, NULL };
	struct command cmd = { .verb = VERB_JOIN, .room = room, .uri = "sip:x@y", .role = role, .face = &end[i].face };
	struct result res;

	end[i].mb = stage_member(stage, &conf);
	end[i].face = (struct face){ .leg = end[i].mb->leg, .bye = on_bye, .arg = &end[i] };
	g_assert_cmpint(control_run(control, &sys, &cmd, &res), ==, 0);
	end[i].id = res.member;
}

static void trio(void)
{
	open_house(false);
	for (unsigned i = 0; i < 3; i++)
		joins(i, "band", i ? ROLE_SPEAKER : ROLE_HOST);
	stage_run(stage, 1500);
}

static void close_house(void)
{
	struct command cmd = { .verb = VERB_LEAVE };

	for (unsigned i = 0; i < 3; i++) {
		cmd.member = end[i].id;
		if (end[i].id)
			g_assert_cmpint(control_run(control, &sys, &cmd, NULL), ==, 0);
	}
	control = mem_deref(control);
	stage_run(stage, 100);                    /* fading out, without a control to ask */
	stage_free(stage);
	wheel_close();
	sound_close();
}

static void by(unsigned who, enum verb verb, unsigned i, bool on)
{
	struct actor a = { .kind = ACTOR_MEMBER, .member = end[who].id };
	struct command cmd = { .verb = verb, .member = end[i].id, .on = on };

	g_assert_cmpint(control_run(control, &a, &cmd, NULL), ==, 0);
	stage_run(stage, 1000);
}

static void everybody_hears_the_others(void)
{
	for (unsigned i = 0; i < 3; i++)
		for (unsigned j = 0; j < 3; j++)
			if (i == j)
				SILENT(i, hz[j]);
			else
				HEARS(i, hz[j]);
}

/* a is host. Each way of not being heard, and back. */
static void not_heard(void)
{
	static const struct { unsigned who; enum verb verb; } row[] = {
		{ 1, VERB_MUTE }, { 0, VERB_MUTE }, { 1, VERB_HOLD },
	};
	trio();
	everybody_hears_the_others();
	for (size_t i = 0; i < G_N_ELEMENTS(row); i++) {
		by(row[i].who, row[i].verb, 1, true);
		SILENT(0, hz[1]);
		SILENT(2, hz[1]);
		HEARS(1, hz[0]);                  /* it hears on */
		HEARS(1, hz[2]);
		by(row[i].who, row[i].verb, 1, false);
		everybody_hears_the_others();
	}
	close_house();
}

static void only_listens(void)
{
	struct command cmd = { .verb = VERB_ROLE, .role = ROLE_LISTENER };

	trio();
	cmd.member = end[2].id;
	g_assert_cmpint(control_run(control, &sys, &cmd, NULL), ==, 0);
	stage_run(stage, 1000);
	SILENT(0, hz[2]);
	HEARS(0, hz[1]);
	HEARS(2, hz[1]);
	by(0, VERB_DEAF, 2, true);
	SILENT(2, hz[0]);
	SILENT(2, hz[1]);
	close_house();
}

static void louder(void)
{
	struct command cmd = { .verb = VERB_GAIN, .value = -12 };

	trio();
	cmd.member = end[1].id;
	g_assert_cmpint(control_run(control, &sys, &cmd, NULL), ==, 0);
	stage_run(stage, 1000);
	g_assert_cmpfloat(fabs(member_hears_db(end[0].mb, hz[1], PEAK, 500) + 12), <, 0.7);
	HEARS(0, hz[2]);
	SILENT(1, hz[1]);
	close_house();
}

/* Two hear the third, each in its own way. */
static void hears_otherwise(void)
{
	struct command cmd = { .verb = VERB_VIEW, .value = -12, .pan = COMMAND_PAN_SAME };

	trio();
	cmd.member = end[0].id;
	cmd.other = end[1].id;
	g_assert_cmpint(control_run(control, &sys, &cmd, NULL), ==, 0);
	stage_run(stage, 1000);
	g_assert_cmpfloat(fabs(member_hears_db(end[0].mb, hz[1], PEAK, 500) + 12), <, 0.7);
	HEARS(0, hz[2]);
	HEARS(2, hz[1]);
	cmd.value = -60;
	g_assert_cmpint(control_run(control, &sys, &cmd, NULL), ==, 0);
	stage_run(stage, 1000);
	SILENT(0, hz[1]);
	HEARS(2, hz[1]);
	close_house();
}

static void moves(void)
{
	struct command cmd = { .verb = VERB_MOVE, .room = "music-other" };

	trio();
	cmd.member = end[1].id;
	g_assert_cmpint(control_run(control, &sys, &cmd, NULL), ==, 0);
	stage_run(stage, 1000);
	SILENT(0, hz[1]);
	SILENT(1, hz[0]);
	HEARS(0, hz[2]);
	cmd.member = end[2].id;
	g_assert_cmpint(control_run(control, &sys, &cmd, NULL), ==, 0);
	stage_run(stage, 1000);
	HEARS(1, hz[2]);
	HEARS(2, hz[1]);
	SILENT(0, hz[2]);
	close_house();
}

static void kicked(void)
{
	struct command cmd = { .verb = VERB_KICK };
	struct snapshot *s;

	trio();
	cmd.member = end[1].id;
	g_assert_cmpint(control_run(control, &sys, &cmd, NULL), ==, 0);
	g_assert_cmpuint(end[1].n_bye, ==, 1);
	stage_run(stage, 1000);
	SILENT(0, hz[1]);
	SILENT(1, hz[0]);
	HEARS(0, hz[2]);
	g_assert_cmpint(snapshot_take(&s, control, "band"), ==, 0);
	g_assert_cmpuint(s->n_members, ==, 2);
	g_assert_cmpuint(s->member[0].leg.rx_packets, >, 50);
	g_assert_cmpstr(s->member[0].leg.rx_codec, ==, "L16");
	mem_deref(s);
	close_house();
}

static double hears_level(unsigned i)
{
	g_autofree float *smp = peer_last(end[i].mb->peer, 24000, 0);

	return signal_level_db(smp, 24000);
}

/* Alone: music. Together: each other, and no music under it. Alone again: music; and the music outlives its room. */
static void alone(void)
{
	struct command leave = { .verb = VERB_LEAVE };

	open_house(true);
	joins(0, "band", ROLE_SPEAKER);
	stage_run(stage, 2000);
	g_assert_cmpfloat(hears_level(0), >, -45);
	joins(1, "band", ROLE_SPEAKER);
	by(1, VERB_MUTE, 1, true);
	stage_run(stage, 1000);
	g_assert_cmpfloat(hears_level(0), <, -60);
	leave.member = end[1].id;
	g_assert_cmpint(control_run(control, &sys, &leave, NULL), ==, 0);
	end[1].id = 0;
	stage_run(stage, 2000);
	g_assert_cmpfloat(hears_level(0), >, -45);
	close_house();
}

static void silent_alone(void)
{
	open_house(false);
	joins(0, "band", ROLE_SPEAKER);
	stage_run(stage, 2000);
	g_assert_cmpfloat(hears_level(0), <, -60);
	close_house();
}

static uint32_t speaker(void)
{
	struct snapshot *s;
	uint32_t id;

	g_assert_cmpint(snapshot_take(&s, control, "band"), ==, 0);
	id = s->speaker;
	mem_deref(s);
	return id;
}

static void on_event(const struct event *ev, void *arg)
{
	if (ev->type == EVENT_SPEAKER)
		g_string_append_printf(arg, "%u ", ev->member);
}

static void on_leg(const struct leg_event *ev, void *arg)
{
	control_leg_event(control, ((struct end *)arg)->id, ev);
}

static void speaks(unsigned i, uint32_t ms)
{
	static float word[48000 * 3];
	uint32_t seed = 5 + i;

	signal_speech(word, G_N_ELEMENTS(word), 48000, &seed, PEAK);
	end[i].mb->peer->play = word;
	end[i].mb->peer->n_play = G_N_ELEMENTS(word);
	stage_run(stage, ms);
	end[i].mb->peer->play = NULL;
}

/* Two in turns; the second is muted, which ends its turn, and is not heard of while it is; the first goes. */
static void turns(void)
{
	struct command leave = { .verb = VERB_LEAVE };
	g_autoptr(GString) story = g_string_new(NULL);
	g_autofree char *want = NULL;
	struct event_lsnr *lsnr;
	uint32_t a, b;

	open_house(false);
	for (unsigned i = 0; i < 2; i++) {
		joins(i, "band", ROLE_SPEAKER);
		end[i].mb->peer->conf.peak = 0;
		end[i].mb->leg->conf.eventh = on_leg;
		end[i].mb->leg->conf.arg = &end[i];
	}
	a = end[0].id;
	b = end[1].id;
	g_assert_cmpint(event_listen(&lsnr, control, "band", on_event, story), ==, 0);
	stage_run(stage, 1000);
	g_assert_cmpuint(speaker(), ==, 0);
	speaks(0, 3000);
	g_assert_cmpuint(speaker(), ==, a);
	speaks(1, 3000);
	g_assert_cmpuint(speaker(), ==, b);
	by(1, VERB_MUTE, 1, true);
	g_assert_cmpuint(speaker(), ==, 0);
	speaks(1, 3000);
	g_assert_cmpuint(speaker(), ==, 0);
	speaks(0, 3000);
	g_assert_cmpuint(speaker(), ==, a);
	leave.member = a;
	end[0].id = 0;
	g_assert_cmpint(control_run(control, &sys, &leave, NULL), ==, 0);
	g_assert_cmpuint(speaker(), ==, 0);
	want = g_strdup_printf("%u %u 0 %u 0 ", a, b, a);
	g_assert_cmpstr(story->str, ==, want);
	g_assert_cmpuint(control_speakers(control), ==, 3);
	mem_deref(lsnr);
	close_house();
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	if (libre_init())
		return 1;
	g_test_add_func("/control/not-heard", not_heard);
	g_test_add_func("/control/only-listens", only_listens);
	g_test_add_func("/control/louder", louder);
	g_test_add_func("/control/hears-otherwise", hears_otherwise);
	g_test_add_func("/control/moves", moves);
	g_test_add_func("/control/kicked", kicked);
	g_test_add_func("/control/speaker", turns);
	g_test_add_func("/control/alone", alone);
	g_test_add_func("/control/silent-alone", silent_alone);
	int rc = g_test_run();
	libre_close();
	return rc;
}
