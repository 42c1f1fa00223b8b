/*
 * ramp.h - a gain that moves to its new value over one quantum, but no faster than in 2.5 ms, so that nothing clicks.
 */
#ifndef MIXER_RAMP_H
#define MIXER_RAMP_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include "mix.h"

enum { RAMP_SMP = 120 };          /* 2.5 ms at 48 kHz */

struct ramp { float now, to, step; };

static inline void ramp_set(struct ramp *r, float v)
{
	r->now = r->to = v;
	r->step = 0;
}

/* Where to go, in steps of n_smp each; smp is how long the way takes at least. */
static inline void ramp_aim(struct ramp *r, float to, uint32_t n_smp, uint32_t smp)
{
	if (to == r->to)
		return;
	r->to = to;
	r->step = (to - r->now) / (float)(n_smp >= smp ? 1 : (smp + n_smp - 1) / n_smp);
}

/* The value after this step. */
static inline float ramp_next(const struct ramp *r)
{
	float v = r->now + r->step;

	return (r->step >= 0 ? v > r->to - 1e-6f : v < r->to + 1e-6f) ? r->to : v;
}

static inline bool ramp_silent(const struct ramp *r) { return r->now == 0 && r->to == 0; }

/* dst = src * gain over n floats; may be in place. */
static inline void ramp_apply(struct ramp *r, float *dst, const float *src, size_t n)
{
	float next = ramp_next(r);

	if (r->now == 1 && next == 1) {   /* as nearly always */
		if (dst != src)
			memcpy(dst, src, n * sizeof(*dst));
		return;
	}
	mix_ramp(dst, src, r->now, next, n);
	r->now = next;
}

#endif
