/*
 * hush.c - silence sent as comfort noise.
 *
 *     mix     W O R D . . . . . . . . . . . . . . . ~ ~ ~ ~ W O R D
 *     sent    W O R D . . . . . . . . . CN - - - - - CN - - W O R D
 *                     |-- HANG_US ----|          louder
 *
 * Silent is what lies under -60 dBov: a room without a microphone, or with good ones. RFC 3389 4: "a change in the
 * background noise characteristics" is told at once, when it is 3 dB or more; else a packet a second keeps the path open.
 * One frame over the threshold is sound again, from its first sample. No spectrum is sent: at that level none is heard.
 */
#include <math.h>

#include "hush.h"

enum { HANG_US = 200000, KEEP_US = 1000000, TELL_US = 100000, CHANGE_DB = 3, DBOV_MAX = 127 };

#define SILENT 1e-6f              /* -60 dBov */
#define SMOOTH 0.25f              /* a frame's part in the level */

void hush_init(struct hush *h)
{
	*h = (struct hush){.now = HUSH_SOUND};
}

/* RFC 3389 3.1: "The noise level is expressed in -dBov, with values from 0 to 127 representing 0 to -127 dBov." */
static uint8_t dbov(float energy)
{
	const float db = energy > 0.0f ? -10.0f * log10f(energy) : (float)DBOV_MAX;

	return db >= (float)DBOV_MAX ? DBOV_MAX : db <= 0.0f ? 0 : (uint8_t)lroundf(db);
}

static bool changed(uint8_t a, uint8_t b)
{
	return a > b ? a - b >= CHANGE_DB : b - a >= CHANGE_DB;
}

static bool worth_a_word(const struct hush *h, uint8_t level)
{
	if (h->now == HUSH_SOUND || h->since_us >= KEEP_US)
		return true;
	return h->since_us >= TELL_US && changed(level, h->said);
}

static enum hush_frame silence_rt(struct hush *h, float energy, uint32_t us)
{
	uint8_t level;

	h->energy = h->silent_us ? h->energy + SMOOTH * (energy - h->energy) : energy;
	h->silent_us = h->silent_us < HANG_US ? h->silent_us + us : h->silent_us;
	h->since_us += us;
	if (h->silent_us < HANG_US)
		return HUSH_SOUND;
	level = dbov(h->energy);
	if (!worth_a_word(h, level))
		return HUSH_NOTHING;
	h->said = level;
	h->since_us = 0;
	return HUSH_NOISE;
}

enum hush_frame hush_frame_rt(struct hush *h, float energy, uint32_t us)
{
	if (energy < SILENT) {
		h->now = silence_rt(h, energy, us);
	} else {
		h->silent_us = 0;
		h->now = HUSH_SOUND;
	}
	return h->now;
}
