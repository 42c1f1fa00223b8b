/*
 * agc.c - automatic gain of one voice.
 *
 *     level: talking, smoothed energy > within 12 dB of the top of the last seconds > mean of dB > gain wanted
 *                                                                                     > moves slowly, in dB
 *
 * The mean over loud parts only is the "relative gate" of ITU-R BS.1770 in small: the pauses between words say how fast
 * somebody speaks, not how loud. The gain moves in dB, by a part of what is missing for each moment of speech heard, and
 * not at all within 1 dB of where it should be: a loud and a soft syllable are one voice. The mean is over
 * three seconds of speech; where that of the last half second says something quite different for once, the talker has
 * turned to the microphone or away from it, and the long one begins anew from there.
 *
 * Decided against: a compressor. It would make one talker's syllables equal; this makes talkers equal.
 */
#include <math.h>

#include "agc.h"
#include "mix.h"

#define TOP_GATE   0.063f         /* -12 dB: softer parts of speech are not counted */
#define FLOOR_GATE 4.0f           /* 6 dB over the noise */
#define TOP_FALL   1.4f           /* the top falls by 6 dB a second of speech: ln(10^0.6) */
#define MEAN_DB    1.5f           /* the mean of dB is that much under the mean power that loudness is */
#define TURN_DB    8.0f           /* lately and long ago are two voices */
#define NOISE_DB   -50.0f         /* so loud may noise be made */
#define NOISE_RISE 0.23f          /* it may grow by 1 dB a second: the floor of a second full of speech is no noise */
#define DEAD_DB    1.0f

enum {
	LEARN_US = 3000000,       /* memory of the loudness */
	LATE_US  = 600000,
	FIRST_US = 1500000,       /* of speech, in which all goes four times as fast: somebody has just joined, or turned */
	LEAST_US = 100000,        /* heard before the gain moves at all: a click or a cough is shorter */
	FLOOR_US = 2000000,
	OFF_US   = 100000,
};

void agc_init(struct agc *a, const struct agc_conf *conf)
{
	static const struct agc_conf usual = AGC_CONF_DEFAULT;

	*a = (struct agc){.conf = conf ? *conf : usual, .gain = 1.0f, .on = true};
}

void agc_set(struct agc *a, bool on)
{
	if (a->on == on)
		return;
	a->on = on;
	a->top = 0.0f;
	a->heard_us = 0;
}

/* Is this moment one of those that say how loud the voice is? */
static bool counts_rt(struct agc *a, const struct level *l, uint32_t frame_us)
{
	if (!l->talking || !(l->smooth > l->floor * FLOOR_GATE))
		return false;

	a->top -= a->top * TOP_FALL * 1e-6f * (float)frame_us;
	if (l->smooth > a->top)
		a->top = l->smooth;

	return l->smooth > a->top * TOP_GATE;
}

/* A true mean at first, a fading one later. */
static void mean_rt(float *mean, float x, uint32_t heard_us, uint32_t memory_us, uint32_t frame_us)
{
	*mean += (x - *mean) * (float)frame_us / (float)((heard_us < memory_us ? heard_us : memory_us) + frame_us);
}

static void learn_rt(struct agc *a, float energy, uint32_t frame_us)
{
	const float db = 10.0f * log10f(energy) + MEAN_DB;

	mean_rt(&a->loud_db, db, a->heard_us, LEARN_US, frame_us);
	mean_rt(&a->lately_db, db, a->heard_us, LATE_US, frame_us);
	if (a->heard_us < LEARN_US)
		a->heard_us += frame_us;
	if (fabsf(a->lately_db - a->loud_db) > TURN_DB) {
		a->loud_db  = a->lately_db;
		a->heard_us = LEAST_US;
	}
}

static float wanted_db_rt(const struct agc *a)
{
	float db = a->conf.target_db - a->loud_db, noise_db;

	if (db > a->conf.max_gain_db)
		db = a->conf.max_gain_db;
	if (db < -a->conf.max_cut_db)
		db = -a->conf.max_cut_db;
	if (db <= 0.0f)
		return db;

	noise_db = NOISE_DB - 10.0f * log10f(a->noise);
	if (noise_db < 0.0f)
		noise_db = 0.0f;
	return db < noise_db ? db : noise_db;
}

static void move_rt(struct agc *a, float to_db, uint32_t tau_us, uint32_t frame_us)
{
	a->gain_db += (to_db - a->gain_db) * (float)frame_us / (float)(tau_us + frame_us);
	if (fabsf(a->gain_db) < 0.01f && to_db == 0.0f)
		a->gain_db = 0.0f;
	a->gain = a->gain_db == 0.0f ? 1.0f : expf(a->gain_db * 0.115129255f);        /* 10^(db/20) */
}

/* The detector needs up to two seconds to find its floor. */
static void noise_rt(struct agc *a, const struct level *l, uint32_t frame_us)
{
	a->noise += a->noise * NOISE_RISE * 1e-6f * (float)frame_us;
	if (a->age_us < FLOOR_US)
		a->age_us += frame_us;
	if (a->age_us < FLOOR_US || l->floor < a->noise)
		a->noise = l->floor;
}

static void adapt_rt(struct agc *a, const struct level *l, uint32_t frame_us)
{
	float want, miss;
	uint32_t tau_us;

	noise_rt(a, l, frame_us);
	if (!a->on) {
		if (a->gain != 1.0f)
			move_rt(a, 0.0f, OFF_US, frame_us);
		return;
	}
	if (!counts_rt(a, l, frame_us))
		return;

	learn_rt(a, l->smooth, frame_us);
	if (a->heard_us < LEAST_US)
		return;

	want = wanted_db_rt(a);
	miss = want - a->gain_db;
	if (fabsf(miss) < DEAD_DB)
		return;

	tau_us = (miss < 0.0f ? a->conf.attack_ms : a->conf.release_ms) * 1000u;
	if (a->heard_us < FIRST_US)
		tau_us /= 4;
	move_rt(a, want - copysignf(DEAD_DB * 0.5f, miss), tau_us, frame_us);
}

void agc_rt(struct agc *a, const struct level *l, float *smp, size_t n_smp, uint8_t channels)
{
	const float from = a->gain;

	adapt_rt(a, l, (uint32_t)(n_smp * 1000 / 48));
	if (from == 1.0f && a->gain == 1.0f)
		return;
	mix_ramp(smp, smp, from, a->gain, n_smp * channels);
}
