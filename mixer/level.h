/*
 * level.h - loudness of a frame, and who is speaking. Pure.
 */
#ifndef MIXER_LEVEL_H
#define MIXER_LEVEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* RFC 6464 level: 0 = 0 dBov .. 127 = silence, of n samples. */
uint8_t level_dbov_rt(const float *smp, size_t n);

struct level {                    /* one member's speech detector, with hysteresis */
	float    floor;           /* noise floor, mean square */
	float    smooth;
	uint32_t hang_us;
	bool     talking;
};
void level_init(struct level *l);
/* Returns true when `talking` changed. */
bool level_update_rt(struct level *l, const float *smp, size_t n, uint32_t frame_us);

#endif
