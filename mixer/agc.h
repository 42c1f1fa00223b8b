/*
 * agc.h - automatic gain of one voice: every talker about equally loud. Pure, no allocation.
 *
 * It learns while the member speaks (level.h says when) and only from the loud parts of words; in pauses it stands
 * still, so background noise is never drawn up, and it never lifts the noise floor over -50 dBov. Voice legs only: for
 * music it is switched off, and the gain goes back to 1 as smoothly as it goes anywhere.
 *
 * leg_play_rt calls it right after loudness_rt (whose struct level has seen this same frame, before any gain),
 * on what then gets the member's own gain.
 */
#ifndef MIXER_AGC_H
#define MIXER_AGC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "level.h"

struct agc_conf {
	float    target_db;       /* loudness of speech, mean square in dBov: -20 .. -26 is usual */
	float    max_gain_db, max_cut_db;         /* how far it may go up and down, both >= 0 */
	uint16_t attack_ms;       /* time constant of speech when it is too loud */
	uint16_t release_ms;      /* ... and when it is too soft */
};

#define AGC_CONF_DEFAULT {.target_db = -23.0f, .max_gain_db = 20.0f, .max_cut_db = 15.0f, .attack_ms = 150, .release_ms = 2000}

struct agc {
	struct agc_conf conf;
	float    loud_db;         /* of the loud parts of speech, over seconds; and over less than one: */
	float    lately_db;
	float    top;             /* the loudest of the last seconds, mean square */
	float    noise;           /* mean square of what is under the speech, over many seconds */
	uint32_t age_us;          /* until two seconds */
	uint32_t heard_us;        /* of speech learned from; counts no further than it matters */
	float    gain_db, gain;
	bool     on;
};

void agc_init(struct agc *a, const struct agc_conf *conf);       /* NULL: the default; on, gain 1 */
void agc_set(struct agc *a, bool on);                            /* off: what was learned is forgotten */
/* In place, n_smp at 48 kHz of 1 or 2 interleaved channels. */
void agc_rt(struct agc *a, const struct level *l, float *smp, size_t n_smp, uint8_t channels);

#endif
