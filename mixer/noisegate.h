/*
 * noisegate.h - a gentle noise gate for phones: what is between the words becomes softer, never silent. Pure, no allocation.
 *
 * It opens within 2.5 ms when a frame stands 9 dB over the member's own noise floor (level.h), closes when it has been
 * under 5 dB for hold_ms, and then goes down by range_db within a few fade_ms. A word that dies away has the hold and
 * the fade to do so in. Until the floor is known (the first second or two) it stays open.
 *
 * leg_play_rt calls it between loudness_rt and agc_rt, for legs that are phones (8 or 16 kHz codecs), not music.
 */
#ifndef MIXER_NOISEGATE_H
#define MIXER_NOISEGATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "level.h"

struct noisegate_conf {
	float    range_db;        /* how much softer when closed, 0 .. 40 */
	uint16_t hold_ms, fade_ms;
};

#define NOISEGATE_CONF_DEFAULT {.range_db = 12.0f, .hold_ms = 250, .fade_ms = 100}

struct noisegate {
	struct noisegate_conf conf;
	float    shut;            /* gain when closed */
	float    gain;
	uint32_t hold_us;         /* left */
	bool     open;
};

void noisegate_init(struct noisegate *g, const struct noisegate_conf *conf);    /* NULL: the default; open */
/* In place, n_smp at 48 kHz of 1 or 2 interleaved channels; `l` has seen this same frame. */
void noisegate_rt(struct noisegate *g, const struct level *l, float *smp, size_t n_smp, uint8_t channels);

#endif
