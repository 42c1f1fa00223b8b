/*
 * warp.h - sound a few hundred millionths slower or faster: what takes a sender's clock drift away. Streaming.
 *
 * Any sample rate, 1 or 2 interleaved channels. Flat within 0.1 dB up to 0.40 of the rate (19 kHz at 48), everything it
 * adds at least 70 dB under a sine of up to there. Delay: WARP_DELAY samples. How fast may change with each call: there is
 * no click, for what changes is the speed, never the place.
 *
 * To be called in leg_play_rt's append_rt, on 48 kHz sound between the up-resampler and the queue, with the ppm of
 * drift.h.
 */
#ifndef MIXER_WARP_H
#define MIXER_WARP_H

#include <stddef.h>
#include <stdint.h>

enum { WARP_TAPS = 24, WARP_DELAY = WARP_TAPS / 2, WARP_PPM_MAX = 5000 };

struct warp;

int    warp_alloc(struct warp **wp, uint8_t channels);    /* EINVAL, ENOMEM; control thread, as is mem_deref */
void   warp_reset_rt(struct warp *w);

/* ppm > 0: the sender is fast, fewer samples come out than go in. All of `in` is consumed; out is another array with room
 * for warp_max. Returns samples per channel. */
size_t warp_rt(struct warp *w, float *out, const float *in, size_t n_in, float ppm);
size_t warp_max(size_t n_in);

#endif
