/*
 * warp.h - sound a few thousand millionths slower or faster: what takes a sender's clock drift away. Streaming.
 *
 * Any sample rate, 1 or 2 interleaved channels. Flat within 0.1 dB up to 0.40 of the rate (19 kHz at 48), everything it
 * adds at least 70 dB under a sine of up to there. Delay: WARP_DELAY samples. How fast may change with each call: there is
 * no click, for what changes is the speed, never the place.
 *
 * It need not run all the time. warp_join_rt begins in the middle of a sound that went by untouched so far, and
 * warp_part_rt gives back what it holds, where the place is a whole number: the sound goes on by itself, without a seam.
 */
#ifndef MIXER_WARP_H
#define MIXER_WARP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WARP_TAPS = 24, WARP_DELAY = WARP_TAPS / 2, WARP_KEEP = WARP_TAPS - 1, WARP_CH = 2, WARP_PPM_MAX = 5000 };

struct warp {
	uint64_t pos;             /* 32.32: place of the next output in the block to come */
	uint8_t  ch;
	float    hist[WARP_CH][WARP_KEEP];
};

int    warp_init(struct warp *w, uint8_t channels);       /* EINVAL; control thread: the first one makes the table */
void   warp_reset_rt(struct warp *w, uint8_t channels);   /* silence */

/* ppm > 0: the sender is fast, fewer samples come out than go in. All of `in` is consumed; out is another array. Until
 * *left (32.32 samples more or fewer than went in) is used up; then it runs straight. Returns samples per channel. */
size_t warp_slip_rt(struct warp *w, float *out, const float *in, size_t n_in, float ppm, uint64_t *left);
/* The same for silence after silence, of which it only says how much came out. */
size_t warp_skip_rt(struct warp *w, size_t n_in, float ppm, uint64_t *left);
size_t warp_need(const struct warp *w, size_t n_out, float ppm);      /* how many in until n_out come out */

/* `last`: the WARP_KEEP samples that were heard last; NULL: silence. Of what comes next the first WARP_DELAY are held back. */
void   warp_join_rt(struct warp *w, const float *last, uint8_t channels);
size_t warp_part_rt(struct warp *w, float *out);          /* what was held back, up to WARP_DELAY samples */
/* Right after warp_join_rt: as much out as in, which is played so much slower that nothing is held back. n_in > WARP_DELAY. */
size_t warp_stretch_rt(struct warp *w, float *out, const float *in, size_t n_in);
void   warp_channels_rt(struct warp *w, uint8_t channels);        /* from one to two or back */
bool   warp_silent(const struct warp *w);                 /* nothing is in it */

#endif
