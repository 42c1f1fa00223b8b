/*
 * flow-mixer-tap.c - what a recorder gets of a room: the mix is the sum of its stems, whatever happens to the room.
 *
 *     a, b, c, d  )))  room > tap > mix[], stem[]         compared sample by sample, on the room's sample count
 */
#include <glib.h>
#include <math.h>
#include <string.h>
#include <re.h>
#include "mixer/engine.h"
#include "mixer/leg.h"
#include "mixer/move.h"
#include "mixer/tap.h"
#include "tests/lib/signal.h"
#include "tests/lib/stage.h"

#define PEAK 0.2
#define TINY 2e-6                 /* what rounding makes of a sum of four */

enum { SECONDS = 12, MAX = 48000 * SECONDS, STEMS = 6, TAP_BYTES = 4 << 20, N_TURNED = 3 };

/* Everything a tap gave, laid out from its first sample on. */
struct reel {
	struct tap *tap;
	bool any;
	uint64_t first, end;
	float *mix;               /* stereo always */
	struct { uint64_t leg; float *smp; unsigned n_told, n_muted; uint64_t joined, muted_at, left; } stem[STEMS];
	unsigned n_stems, n_woke, n_lost, n_jumps, n_mono, n_stereo;
	uint64_t missing;         /* samples */
	uint32_t quanta[8];
	unsigned n_quanta;
};

static struct stage *stage;
static struct bus *bus;
static struct reel reel;

static unsigned stem_of(uint64_t leg)
{
	for (unsigned i = 0; i < reel.n_stems; i++)
		if (reel.stem[i].leg == leg)
			return i;
	g_assert_cmpuint(reel.n_stems, <, STEMS);
	reel.stem[reel.n_stems].leg = leg;
	reel.stem[reel.n_stems].smp = g_new0(float, 2 * MAX);
	return reel.n_stems++;
}

static void take_tick(const struct tap_block *b)
{
	unsigned i;

	if (!reel.any)
		reel.first = reel.end = b->pos;
	reel.any = true;
	reel.n_woke += b->why & TAP_WOKE ? 1 : 0;
	reel.n_lost += b->why & TAP_LOST ? 1 : 0;
	if (b->pos != reel.end) {
		g_assert_cmpuint(b->pos, >, reel.end);
		reel.n_jumps++;
		reel.missing += b->pos - reel.end;
	}
	reel.end = b->pos + b->n_smp;
	for (i = 0; i < reel.n_quanta && reel.quanta[i] != b->n_smp; i++)
		;
	if (i == reel.n_quanta && i < G_N_ELEMENTS(reel.quanta))
		reel.quanta[reel.n_quanta++] = b->n_smp;
	reel.n_mono += b->channels == 1;
	reel.n_stereo += b->channels == 2;
}

static void take_member(const struct tap_block *b)
{
	unsigned i = stem_of(b->leg);

	if (!reel.stem[i].n_told++)
		reel.stem[i].joined = reel.end;
	if (b->muted) {
		reel.stem[i].n_muted++;
		reel.stem[i].muted_at = reel.end;
	}
}

static void take_left(const struct tap_block *b)
{
	g_assert_cmpuint(b->pos, ==, reel.end);
	reel.stem[stem_of(b->leg)].left = b->pos;
}

static void take_sound(float *to, const struct tap_block *b)
{
	for (uint32_t i = 0; i < b->n_smp; i++)
		for (unsigned c = 0; c < 2; c++)
			to[2 * (b->pos - reel.first + i) + c] += b->smp[b->channels == 2 ? 2 * i + c : i];
}

static void reel_read(void)
{
	struct tap_block b;

	while (tap_read(reel.tap, &b)) {
		if (b.kind == TAP_TICK) {
			take_tick(&b);
			continue;
		}
		g_assert_cmpuint(reel.end - reel.first, <=, MAX);
		if (b.kind == TAP_MEMBER)
			take_member(&b);
		else if (b.kind == TAP_LEFT)
			take_left(&b);
		else
			take_sound(b.kind == TAP_MIX ? reel.mix : reel.stem[stem_of(b.leg)].smp, &b);
	}
}

/* The tap is read every 10 ms: a recorder is never far behind. */
static void run(uint32_t ms)
{
	for (; ms; ms -= 10) {
		stage_run(stage, 10);
		reel_read();
	}
}

static void reel_begin(size_t bytes)
{
	g_assert_cmpint(tap_alloc(&reel.tap, bytes, true), ==, 0);
	g_assert_cmpint(bus_set_tap(bus, reel.tap), ==, 0);
	reel.mix = g_new0(float, 2 * MAX);
}

static void reel_end(void)
{
	g_assert_cmpint(bus_set_tap(bus, NULL), ==, 0);
	g_assert_false(tap_closed(reel.tap));
	stage_step(stage);
	stage_step(stage);
	g_assert_true(tap_closed(reel.tap));
	reel_read();
	g_assert_cmpuint(mem_nrefs(reel.tap), ==, 1);     /* the bus has let go */
}

static void open_house(const struct bus_conf *conf, unsigned n_turned)
{
	struct mixer_conf mc = {.n_turned = n_turned, .port_min = 40000, .port_max = 49999};

	memset(&reel, 0, sizeof(reel));
	stage = stage_new(1250);
	mem_deref(stage->m);
	stage->m = NULL;
	g_assert_cmpint(mixer_alloc(&stage->m, &mc), ==, 0);
	g_assert_cmpint(bus_alloc(&bus, stage->m, conf), ==, 0);
}

static void close_house(void)
{
	while (stage->n)
		stage_remove(stage, stage->member[0]);
	bus = mem_deref(bus);
	stage_run(stage, 100);
	stage_free(stage);
	mem_deref(reel.tap);
	g_free(reel.mix);
	for (unsigned i = 0; i < reel.n_stems; i++)
		g_free(reel.stem[i].smp);
}

static struct member *joins(const char *codec, uint32_t clock, uint8_t pt, uint8_t channels, uint32_t ptime_us, double hz)
{
	struct peer_conf c = {codec, clock, pt, channels, ptime_us, hz, hz > 0 ? PEAK : 0, false, NULL};
	struct member *mb = stage_member(stage, &c);

	g_assert_cmpint(leg_set_bus(mb->leg, bus), ==, 0);
	return mb;
}

/* The greatest difference of the mix and the sum of stems, from sample a to b. */
static double worst(const float *gain, uint64_t a, uint64_t b)
{
	double most = 0;

	for (uint64_t i = 2 * a; i < 2 * b; i++) {
		double sum = 0;

		for (unsigned s = 0; s < reel.n_stems; s++)
			sum += (gain ? gain[s] : 1) * (double)reel.stem[s].smp[i];
		most = fmax(most, fabs(sum - (double)reel.mix[i]));
	}
	return most;
}

static double level(const float *smp, uint64_t a, uint64_t b)
{
	g_autofree float *mono = g_new(float, b - a);

	for (uint64_t i = a; i < b; i++)
		mono[i - a] = smp[2 * i];
	return signal_level_db(mono, b - a);
}

static double tone(const float *smp, uint64_t a, uint64_t b, double hz)
{
	g_autofree float *mono = g_new(float, b - a);

	for (uint64_t i = a; i < b; i++)
		mono[i - a] = smp[2 * i];
	return signal_tone_peak(mono, b - a, 48000, hz);
}

static unsigned stem_by(const struct member *mb) { return stem_of(leg_id(mb->leg)); }

/* --- the sum --- */

static const double hz[] = {441.7, 703.3, 1109.1, 1511.9};

static void four(void)
{
	joins("PCMU", 8000, 0, 1, 20000, hz[0]);
	joins("opus", 48000, 96, 1, 20000, hz[1]);
	joins("L16", 48000, 98, 1, 10000, hz[2]);
	joins("G722", 8000, 9, 1, 20000, hz[3]);
}

static void test_sum(void)
{
	open_house(&(struct bus_conf){0}, 1);
	four();
	stage_run(stage, 1000);
	reel_begin(TAP_BYTES);
	run(3000);
	reel_end();
	g_assert_cmpuint(reel.n_stems, ==, 4);
	g_assert_cmpuint(reel.n_jumps + reel.n_lost + reel.n_woke, ==, 0);
	g_assert_cmpuint(reel.n_stereo, ==, 0);
	g_assert_cmpuint(reel.end - reel.first, >, 48000 * 29 / 10);
	g_test_message("mix and sum of stems differ by %.2g", worst(NULL, 0, reel.end - reel.first));
	g_assert_cmpfloat(worst(NULL, 0, reel.end - reel.first), <, TINY);
	for (unsigned i = 0; i < 4; i++) {
		const float *smp = reel.stem[stem_by(stage->member[i])].smp;

		for (unsigned k = 0; k < 4; k++)
			if (k == i)
				g_assert_cmpfloat(fabs(20 * log10(tone(smp, 4800, 96000, hz[k]) / PEAK)), <, 0.7);
			else
				g_assert_cmpfloat(tone(smp, 4800, 96000, hz[k]), <, PEAK / 100);
	}
	close_house();
}

/* Who plays together is recorded apart, in ticks of 64 samples, with a phone among them: nothing is missing. */
static void test_players(void)
{
	open_house(&(struct bus_conf){.music = true}, 1);
	stage->jitter_music_ms = 5;
	stage->step_us = 333;
	joins("L16", 48000, 98, 2, 1334, hz[0]);
	joins("L24", 48000, 99, 2, 1334, hz[1]);
	joins("PCMU", 8000, 0, 1, 20000, hz[2]);
	stage_run(stage, 2000);
	reel_begin(4 * TAP_BYTES);
	run(4000);
	reel_end();
	g_assert_cmpuint(reel.n_stems, ==, 3);
	g_assert_cmpuint(reel.n_jumps + reel.n_lost + reel.n_mono, ==, 0);
	g_assert_cmpuint(reel.n_quanta, ==, 1);
	g_assert_cmpuint(reel.quanta[0], ==, 64);
	g_assert_cmpuint(reel.end - reel.first, >, 48000 * 39 / 10);
	g_assert_cmpfloat(worst(NULL, 0, reel.end - reel.first), <, TINY);
	for (unsigned i = 0; i < 3; i++) {
		const float *smp = reel.stem[stem_by(stage->member[i])].smp;

		for (unsigned k = 0; k < 3; k++)
			if (k == i)
				g_assert_cmpfloat(fabs(20 * log10(tone(smp, 4800, 144000, hz[k]) / PEAK)), <, 0.7);
			else
				g_assert_cmpfloat(tone(smp, 4800, 144000, hz[k]), <, PEAK / 100);
	}
	close_house();
}

/* Gains and places are the room's; a stem has neither. */
static void test_gains(void)
{
	const float gain[] = {0.5f, 2, 1, 0.25f};
	float by_stem[STEMS];
	uint64_t at;

	open_house(&(struct bus_conf){0}, 1);
	four();
	stage_run(stage, 1000);
	reel_begin(TAP_BYTES);
	run(500);
	for (unsigned i = 0; i < 4; i++)
		leg_set_gain(stage->member[i]->leg, gain[i]);
	run(100);
	at = reel.end - reel.first;
	run(1000);
	reel_end();
	for (unsigned i = 0; i < 4; i++)
		by_stem[stem_by(stage->member[i])] = gain[i];
	g_assert_cmpfloat(worst(by_stem, at, reel.end - reel.first), <, TINY);
	g_assert_cmpfloat(worst(NULL, 0, 20000), <, TINY);
	for (unsigned i = 0; i < 4; i++)
		g_assert_cmpfloat(fabs(level(reel.stem[i].smp, 4800, 20000) - level(reel.stem[i].smp, at, at + 40000)), <, 0.1);
	close_house();
}

/* Stereo: a member on the left is in the mix on the left, and in the middle of its stem. */
static void test_places(void)
{
	struct member *left, *ear;
	const float *stem;

	open_house(&(struct bus_conf){.music = true}, 1);
	left = joins("L16", 48000, 98, 1, 5000, hz[0]);
	ear = joins("L16", 48000, 99, 2, 5000, 0);
	g_assert_cmpint(leg_set_pan(left->leg, -1), ==, 0);
	stage_run(stage, 1000);
	reel_begin(TAP_BYTES);
	run(1000);
	reel_end();
	stem = reel.stem[stem_by(left)].smp;
	g_assert_cmpuint(reel.n_mono, ==, 0);
	g_assert_cmpfloat(tone(reel.mix + 1, 4800, 40000, hz[0]), <, PEAK / 1000);
	g_assert_cmpfloat(tone(reel.mix, 4800, 40000, hz[0]), >, PEAK * 0.9);
	g_assert_cmpfloat(fabs(tone(stem + 1, 4800, 40000, hz[0]) / PEAK - 1), <, 0.02);
	g_assert_nonnull(ear);
	close_house();
}

/* --- who comes, goes, is muted --- */

static void test_late(void)
{
	struct member *late;
	uint64_t joined;
	unsigned i;

	open_house(&(struct bus_conf){0}, 1);
	joins("PCMU", 8000, 0, 1, 20000, hz[0]);
	stage_run(stage, 500);
	reel_begin(TAP_BYTES);
	run(700);
	joined = reel.end;
	late = joins("PCMU", 8000, 0, 1, 20000, hz[1]);
	run(1000);
	i = stem_by(late);
	g_assert_cmpuint(reel.stem[i].joined, >=, joined);
	g_assert_cmpuint(reel.stem[i].joined, <=, joined + 2 * 960);
	g_assert_cmpfloat(level(reel.stem[i].smp, 0, joined - reel.first), <, -190);
	stage_remove(stage, late);
	joined = reel.end;
	run(300);
	reel_end();
	g_assert_cmpuint(reel.stem[i].left, >, joined);
	g_assert_cmpuint(reel.stem[i].left, <=, joined + 3 * 960);
	g_assert_cmpfloat(level(reel.stem[i].smp, reel.stem[i].left - reel.first, reel.end - reel.first), <, -190);
	g_assert_cmpfloat(level(reel.stem[i].smp, reel.end - reel.first - 9600, reel.end - reel.first), <, -190);
	g_assert_cmpfloat(worst(NULL, 0, reel.end - reel.first), <, TINY);
	close_house();
}

static void test_mute(void)
{
	uint64_t at[3];
	unsigned i;

	open_house(&(struct bus_conf){0}, 1);
	joins("PCMU", 8000, 0, 1, 20000, hz[0]);
	joins("PCMU", 8000, 0, 1, 20000, hz[1]);
	stage_run(stage, 500);
	reel_begin(TAP_BYTES);
	run(500);
	for (i = 0; i < 3; i++) {
		at[i] = reel.end - reel.first;
		leg_set_mute(stage->member[0]->leg, i % 2 == 0);
		run(500);
	}
	reel_end();
	i = stem_by(stage->member[0]);
	g_assert_cmpuint(reel.stem[i].n_muted, ==, 2);
	g_assert_cmpuint(reel.stem[i].n_told, ==, 4);
	g_assert_cmpuint(reel.stem[i].muted_at - reel.first - at[2], <=, 960);
	g_assert_cmpfloat(level(reel.stem[i].smp, at[0] + 1920, at[1]), <, -190);
	g_assert_cmpfloat(tone(reel.stem[i].smp, at[1] + 1920, at[2], hz[0]), >, PEAK * 0.9);
	g_assert_cmpfloat(level(reel.stem[i].smp, at[2] + 1920, reel.end - reel.first), <, -190);
	g_assert_cmpfloat(worst(NULL, 0, reel.end - reel.first), <, TINY);      /* the fades, too */
	close_house();
}

/* --- what happens to the room --- */

static void move_on(unsigned *where)
{
	*where = (*where + 1) % N_TURNED;
	if (bus->t == stage->m->threads[*where])
		*where = (*where + 1) % N_TURNED;
	g_assert_cmpint(bus_move(bus, stage->m->threads[*where]), ==, 0);
}

/* From thread to thread, and from a quantum to another. */
static void test_moves(void)
{
	struct member *musician = NULL;
	unsigned where = 0;

	open_house(&(struct bus_conf){.music = true}, N_TURNED);
	joins("PCMU", 8000, 0, 1, 20000, hz[0]);
	joins("opus", 48000, 96, 1, 20000, hz[1]);
	stage_run(stage, 500);
	reel_begin(TAP_BYTES);
	for (unsigned i = 0; i < 10; i++) {
		move_on(&where);
		run(100);
		if (i % 3 == 0)
			musician = joins("L16", 48000, 98, 2, 5000, hz[2]);
		run(200);
		if (i % 3 == 2)
			stage_remove(stage, musician);
	}
	run(100);
	reel_end();
	g_assert_cmpuint(reel.n_quanta, >, 1);
	g_assert_cmpuint(reel.n_mono, >, 0);
	g_assert_cmpuint(reel.n_stereo, >, 0);
	g_assert_cmpuint(reel.n_jumps + reel.n_lost + reel.n_woke, ==, 0);
	g_assert_cmpfloat(worst(NULL, 0, reel.end - reel.first), <, TINY);
	close_house();
}

/* A tap that is asked for, or taken away, while the room is between two threads. */
static void test_caught_between(void)
{
	unsigned where = 0;

	open_house(&(struct bus_conf){0}, N_TURNED);
	joins("PCMU", 8000, 0, 1, 20000, hz[0]);
	stage_run(stage, 500);
	move_on(&where);
	reel_begin(TAP_BYTES);
	run(300);
	g_assert_cmpuint(reel.end - reel.first, >=, 48000 * 28 / 100);
	move_on(&where);
	g_assert_cmpint(bus_set_tap(bus, NULL), ==, 0);
	g_assert_cmpint(bus_set_tap(bus, reel.tap), ==, 0);       /* thought better of it, twice */
	g_assert_cmpint(bus_set_tap(bus, NULL), ==, 0);
	run(100);
	g_assert_true(tap_closed(reel.tap));
	g_assert_cmpuint(mem_nrefs(reel.tap), ==, 1);
	/* the room ends with a tap in it, and with one on its way */
	for (unsigned i = 0; i < 2; i++) {
		struct tap *t = NULL;

		g_assert_cmpint(tap_alloc(&t, TAP_BYTES, true), ==, 0);
		if (i)
			move_on(&where);
		g_assert_cmpint(bus_set_tap(bus, t), ==, 0);
		if (!i)
			run(100);
		bus = mem_deref(bus);
		run(100);
		g_assert_true(tap_closed(t));
		g_assert_cmpuint(mem_nrefs(t), ==, 1);
		mem_deref(t);
		g_assert_cmpint(bus_alloc(&bus, stage->m, &(struct bus_conf){0}), ==, 0);
		g_assert_cmpint(leg_set_bus(stage->member[0]->leg, bus), ==, 0);
		run(100);
		where = 0;
	}
	close_house();
}

/* Nobody reads: the ring fills, the room does not care, and what comes after is whole and says so. */
static void test_full(void)
{
	uint64_t lost_from;
	unsigned i;

	open_house(&(struct bus_conf){0}, 1);
	joins("PCMU", 8000, 0, 1, 20000, hz[0]);
	joins("PCMU", 8000, 0, 1, 20000, hz[1]);
	stage_run(stage, 500);
	reel_begin(128 * 1024);
	run(500);
	lost_from = reel.end - reel.first;
	stage_run(stage, 1000);
	leg_set_mute(stage->member[1]->leg, true);        /* this is told in a tick that is lost */
	stage_run(stage, 1000);
	stage_forget(stage);
	run(1000);
	reel_end();
	i = stem_by(stage->member[1]);
	g_assert_cmpuint(reel.n_lost, ==, 1);
	g_assert_cmpuint(reel.n_jumps, ==, 1);
	g_assert_cmpuint(reel.missing, >, 48000 * 3 / 2);
	g_assert_cmpuint(reel.stem[i].n_muted, ==, 1);
	g_assert_cmpuint(reel.stem[i].joined, ==, reel.first + 960);
	g_assert_cmpfloat(worst(NULL, 0, reel.end - reel.first), <, TINY);
	g_assert_cmpfloat(level(reel.mix, lost_from + 96000 + 1920, reel.end - reel.first), >, -30);
	g_assert_cmpfloat(fabs(member_hears_db(stage->member[1], hz[0], PEAK, 500)), <, 0.7);
	close_house();
}

/* Everybody goes, and somebody comes back: that is no gap. */
static void test_empty(void)
{
	open_house(&(struct bus_conf){0}, 1);
	joins("PCMU", 8000, 0, 1, 20000, hz[0]);
	stage_run(stage, 500);
	reel_begin(TAP_BYTES);
	run(500);
	stage_remove(stage, stage->member[0]);
	run(1000);
	joins("PCMU", 8000, 0, 1, 20000, hz[1]);
	run(500);
	reel_end();
	g_assert_cmpuint(reel.n_woke, ==, 1);
	g_assert_cmpuint(reel.n_lost, ==, 0);
	g_assert_cmpuint(reel.missing, >, 40000);
	close_house();
}

/* The engine ends first. */
static void test_engine_gone(void)
{
	open_house(&(struct bus_conf){0}, 1);
	joins("PCMU", 8000, 0, 1, 20000, hz[0]);
	stage_run(stage, 100);
	reel_begin(TAP_BYTES);
	run(100);
	mem_deref(stage->m);
	stage->m = NULL;
	g_assert_true(tap_closed(reel.tap));
	g_assert_cmpint(bus_set_tap(bus, NULL), ==, ENODEV);
	g_assert_cmpuint(leg_id(stage->member[0]->leg), ==, 0);
	while (stage->n)
		stage_remove(stage, stage->member[0]);
	bus = mem_deref(bus);
	stage_free(stage);
	reel_read();
	g_assert_cmpuint(mem_nrefs(reel.tap), ==, 1);
	mem_deref(reel.tap);
	g_free(reel.mix);
	for (unsigned i = 0; i < reel.n_stems; i++)
		g_free(reel.stem[i].smp);
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/tap/sum", test_sum);
	g_test_add_func("/tap/players", test_players);
	g_test_add_func("/tap/gains", test_gains);
	g_test_add_func("/tap/places", test_places);
	g_test_add_func("/tap/late", test_late);
	g_test_add_func("/tap/mute", test_mute);
	g_test_add_func("/tap/moves", test_moves);
	g_test_add_func("/tap/caught-between", test_caught_between);
	g_test_add_func("/tap/full", test_full);
	g_test_add_func("/tap/empty", test_empty);
	g_test_add_func("/tap/engine-gone", test_engine_gone);
	return g_test_run();
}
