/*
 * level.h - loudness of a frame, and who is speaking. Pure.
 */
#ifndef MIXER_LEVEL_H
#define MIXER_LEVEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* RFC 6464 level: 0 = 0 dBov .. 127 = silence, of n samples. 0 dBov is a full-scale square wave, so a full-scale sine
 * is 3. No samples, or samples that are not numbers, are silence. */
uint8_t level_dbov_rt(const float *smp, size_t n);

/*
 * One member's speech detector, with hysteresis. It measures against the member's own noise floor, so a fan is not a
 * speaker and a quiet voice in a quiet room is one. It says `talking` within a few frames and keeps saying so for
 * 400 ms after the last sound of speech, so that the pauses between words do not switch it. A steady sound above
 * -26 dBov is talking for as long as it lasts (a held note is no noise); a quieter one becomes the floor in 2 s.
 */
struct level {
	float    floor;           /* noise floor, mean square: the lowest of the last one to two seconds */
	float    low;             /* the lowest in the second that runs now */
	float    smooth;          /* mean square, quick up, slow down */
	uint32_t window_us;       /* of that second, what has passed */
	uint32_t hang_us;         /* left until a pause counts as the end of speech */
	bool     talking;
};
void level_init(struct level *l);
/* Returns true when `talking` changed. n counts floats; frame_us is how long the frame lasts. */
bool level_update_rt(struct level *l, const float *smp, size_t n, uint32_t frame_us);

#endif
