/*
 * flow-callname.c - a caller says its name: what is kept of it, through its codec and its jitter buffer.
 */
#include <errno.h>
#include <glib.h>
#include <math.h>
#include <string.h>
#include <re.h>
#include "control/callname.h"
#include "control/sound.h"
#include "control/wheel.h"
#include "tests/lib/signal.h"
#include "tests/lib/sim.h"
#include "tests/lib/stage.h"

enum { SAY_SMP = 9600, QUIET_SMP = 4800, RATE = 8000 };

/* Quiet for 0.6 s, a word of 1.2 s, and quiet again. */
static float *word(double hz)
{
	float *smp = g_new0(float, RATE * 4);

	signal_sine(smp + QUIET_SMP, SAY_SMP, 0, RATE, hz, 0.3);
	return smp;
}

/* The wheel runs on the loop's clock, the engine on the stage's: both are turned together. */
static void passes(struct stage *s, unsigned ms)
{
	for (unsigned i = 0; i < ms / 10; i++) {
		stage_run(s, 10);
		sim_advance(10);
	}
}

static struct member *caller(struct stage *s, const float *play)
{
	struct peer_conf conf = { "PCMU", 8000, 0, 1, 20000, 0, 0, 0, NULL };
	struct member *mb = stage_member(s, &conf);

	mb->peer->play = play;
	mb->peer->n_play = RATE * 4;
	return mb;
}

static void test_said(void)
{
	g_autofree float *play = word(859.7);
	struct stage *s = stage_new(1000);
	struct member *mb = caller(s, play);
	struct sound *name = NULL;
	struct callname *n;
	double db;

	g_assert_cmpint(callname_alloc(&n, s->m, mb->leg), ==, 0);
	passes(s, 2800);
	g_assert_cmpint(callname_end(&name, n), ==, 0);
	mem_deref(n);
	g_test_message("%.2f s of a word of 1.20", (double)sound_len(name) / 48000);
	g_assert_cmpuint(sound_len(name), >=, 48000 * 12 / 10);
	g_assert_cmpuint(sound_len(name), <=, 48000 * 14 / 10);
	db = 20 * log10(signal_tone_peak(sound_smp(name) + 9600, 38400, 48000, 859.7) / 0.3);
	g_test_message("%.2f dB against what was said", db);
	g_assert_cmpfloat(fabs(db), <, 0.5);
	g_assert_cmpfloat(fabsf(sound_smp(name)[0]), <, 1e-3f);   /* no click at its edges */
	mem_deref(name);
	passes(s, 100);
	stage_free(s);
}

static void test_silent(void)
{
	g_autofree float *play = g_new0(float, RATE * 4);
	struct stage *s = stage_new(1000);
	struct member *mb = caller(s, play);
	struct sound *name = NULL;
	struct callname *n;

	g_assert_cmpint(callname_alloc(&n, s->m, mb->leg), ==, 0);
	passes(s, 1500);
	g_assert_cmpint(callname_end(&name, n), ==, ENODATA);
	g_assert_null(name);
	mem_deref(n);
	g_assert_cmpint(callname_alloc(&n, s->m, mb->leg), ==, 0);        /* hung up in the middle */
	passes(s, 300);
	mem_deref(n);
	passes(s, 100);
	stage_free(s);
}

/* Longer than is listened to: the first three seconds. */
static void test_long(void)
{
	g_autofree float *play = g_new0(float, RATE * 4);
	struct stage *s = stage_new(1000);
	struct member *mb = caller(s, play);
	struct sound *name = NULL;
	struct callname *n;

	signal_sine(play, RATE * 4, 0, RATE, 500, 0.3);
	g_assert_cmpint(callname_alloc(&n, s->m, mb->leg), ==, 0);
	passes(s, 5000);
	g_assert_cmpint(callname_end(&name, n), ==, 0);
	g_assert_cmpuint(sound_len(name), <=, 48000 * 3);
	g_assert_cmpuint(sound_len(name), >, 48000 * 28 / 10);
	mem_deref(n);
	mem_deref(name);
	passes(s, 100);
	stage_free(s);
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_assert_cmpint(sim_init(1), ==, 0);
	g_test_add_func("/callname/said", test_said);
	g_test_add_func("/callname/silent", test_silent);
	g_test_add_func("/callname/long", test_long);
	argc = g_test_run();
	wheel_close();
	sim_close();
	return argc;
}
