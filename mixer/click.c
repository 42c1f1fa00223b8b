/*
 * click.c - the sound of a beat. Two decaying tones, an octave apart, that begin at full height with a sine's zero: so they can be
 * placed to the sample, and are over before the next. Not in the sum: nobody hears it who did not ask, and no recording does.
 */
#include <math.h>
#include "click.h"
#include "mix.h"

#define PEAK 0.5f
#define HZ 1000.0
#define DECAY_SMP 240.0

enum { FADE_SMP = 240 };

static void tone(float *smp, double hz)
{
	for (int i = 0; i < CLICK_SMP; i++) {
		double end = i > CLICK_SMP - FADE_SMP ? (double)(CLICK_SMP - i) / FADE_SMP : 1;

		smp[i] = PEAK * (float)(sin(2 * M_PI * hz * (i + 1) / 48000) * exp(-i / DECAY_SMP) * end);
	}
}

void click_make(struct click_sound *s)
{
	tone(s->bar, 2 * HZ);
	tone(s->beat, HZ);
}

bool click_add_rt(const struct click_sound *s, const struct beat *b, float *dst, uint64_t pos, uint32_t n_smp)
{
	uint64_t from = pos > CLICK_SMP - 1 ? pos - (CLICK_SMP - 1) : 0;
	struct beat_point p;
	bool any = false;

	while (beat_next(&p, b, from, 1) && p.smp < pos + n_smp) {
		uint64_t into = p.smp < pos ? pos - p.smp : 0, at = p.smp > pos ? p.smp - pos : 0;
		uint64_t n = CLICK_SMP - into;

		n = n > n_smp - at ? n_smp - at : n;
		mix_add(dst + at, (p.in_bar ? s->beat : s->bar) + into, n);
		any = true;
		from = p.smp + 1;
	}
	return any;
}
