/*
 * noisegate.c - a gentle noise gate.
 *
 *     energy of the frame or smoothed > 9 dB over the floor: open     open: gain up to 1 within 2.5 ms
 *     both                            < 5 dB for hold_ms: closed      closed: down towards -range_db, exponentially
 *
 * The frame's own energy opens it, without smoothing, and the gain rises inside that same frame: the first consonant of
 * a word loses no more than those 2.5 ms, and of them no more than range_db.
 */
#include <math.h>

#include "noisegate.h"
#include "mix.h"

#define RATIO_OPEN  8.0f
#define RATIO_SHUT  3.2f

enum { OPEN_SMP = 120 };          /* 2.5 ms at 48 kHz */

void noisegate_init(struct noisegate *g, const struct noisegate_conf *conf)
{
	static const struct noisegate_conf usual = NOISEGATE_CONF_DEFAULT;

	*g = (struct noisegate){.conf = conf ? *conf : usual, .gain = 1.0f, .open = true};
	g->shut = powf(10.0f, -g->conf.range_db / 20.0f);
	g->hold_us = g->conf.hold_ms * 1000u;
}

static void decide_rt(struct noisegate *g, const struct level *l, float energy, uint32_t frame_us)
{
	const float loud = energy > l->smooth ? energy : l->smooth;

	if (loud > l->floor * (g->open ? RATIO_SHUT : RATIO_OPEN)) {
		g->open = true;
		g->hold_us = g->conf.hold_ms * 1000u;
	} else if (g->hold_us > frame_us) {
		g->hold_us -= frame_us;
	} else {
		g->hold_us = 0;
		g->open = false;
	}
}

/* Up in a straight line, as far as this frame goes. */
static void rise_rt(struct noisegate *g, float *smp, size_t n_smp, uint8_t channels)
{
	const float step = (1.0f - g->shut) / OPEN_SMP;
	size_t n = (size_t)((1.0f - g->gain) / step + 0.999f);
	float to;

	if (n > n_smp)
		n = n_smp;
	to = g->gain + step * (float)n;
	if (to > 0.9999f)
		to = 1.0f;
	mix_ramp(smp, smp, g->gain, to, n * channels);
	g->gain = to;
}

void noisegate_rt(struct noisegate *g, const struct level *l, float *smp, size_t n_smp, uint8_t channels)
{
	const uint32_t frame_us = (uint32_t)(n_smp * 1000 / 48);
	float to;

	decide_rt(g, l, mix_energy(smp, n_smp * channels), frame_us);
	if (g->open) {
		if (g->gain < 1.0f)
			rise_rt(g, smp, n_smp, channels);
		return;
	}

	to = g->gain + (g->shut - g->gain) * (float)frame_us / (float)(g->conf.fade_ms * 1000u + frame_us);
	mix_ramp(smp, smp, g->gain, to, n_smp * channels);
	g->gain = to;
}
