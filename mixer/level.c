/*
 * level.c - loudness of a frame, and who is speaking.
 *
 *     energy of a frame > smoothed > 9 dB above the floor: talking      floor = the lowest smoothed energy of the last
 *                                  > under 6 dB for 400 ms: not               one to two seconds
 *
 * Minimum statistics, because speech always has a dip within a second and noise never has: nothing must be trained, and
 * a member who joins in the middle of a word is heard as talking at once. A classifier of spectra would tell a barking
 * dog from a voice; this one does not try.
 */
#include <math.h>

#include "level.h"
#include "mix.h"

#define FLOOR_MIN  1e-7f          /* -70 dBov: below it is the noise of any codec, not of a room */
#define FLOOR_MAX  3.2e-4f        /* -35 dBov: louder than this is never called noise */
#define RATIO_ON   8.0f           /* 9 dB */
#define RATIO_OFF  4.0f           /* 6 dB */

enum {
	WINDOW_US = 1000000,
	HANG_US   = 400000,
	RISE_US   = 10000,        /* time constants of the smoothing */
	FALL_US   = 30000,
};

/* RFC 6464, 3: "The audio level is expressed in -dBov, with values from 0 to 127 representing 0 to -127 dBov." */
uint8_t level_dbov_rt(const float *smp, size_t n)
{
	const float energy = mix_energy(smp, n);
	float db;

	if (!(energy > 1.9e-13f))         /* -127.2 dBov; NaN too */
		return 127;

	db = -10.0f * log10f(energy) + 0.5f;
	if (db < 0.0f)
		return 0;
	return db > 127.0f ? 127 : (uint8_t)db;
}

void level_init(struct level *l)
{
	*l = (struct level){.floor = FLOOR_MIN, .low = FLOOR_MAX};
}

static void smooth_rt(struct level *l, float energy, uint32_t frame_us)
{
	const uint32_t tau = energy > l->smooth ? RISE_US : FALL_US;

	l->smooth += (energy - l->smooth) * (float)frame_us / (float)(frame_us + tau);
}

static void floor_rt(struct level *l, uint32_t frame_us)
{
	if (l->smooth < l->low)
		l->low = l->smooth > FLOOR_MIN ? l->smooth : FLOOR_MIN;
	if (l->low < l->floor)
		l->floor = l->low;

	l->window_us += frame_us;
	if (l->window_us < WINDOW_US)
		return;

	l->window_us = 0;
	l->floor = l->low;
	l->low = FLOOR_MAX;
}

bool level_update_rt(struct level *l, const float *smp, size_t n, uint32_t frame_us)
{
	const bool was = l->talking;
	float energy = mix_energy(smp, n);

	if (!(energy >= 0.0f && energy < 1e6f))   /* not finite: a broken frame teaches nothing */
		energy = 0.0f;
	if (frame_us > WINDOW_US)
		frame_us = WINDOW_US;

	smooth_rt(l, energy, frame_us);
	floor_rt(l, frame_us);

	if (l->smooth > l->floor * (was ? RATIO_OFF : RATIO_ON)) {
		l->hang_us = HANG_US;
		l->talking = true;
	} else if (l->hang_us > frame_us) {
		l->hang_us -= frame_us;
	} else {
		l->hang_us = 0;
		l->talking = false;
	}

	return was != l->talking;
}
