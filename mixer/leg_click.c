/*
 * leg_click.c - the beat of its room in one member's ear (click.h): the door's calls, and the sound over its mix.
 *
 * The beat itself is handed to the bus by ring, as a value; it is told again when the bus comes to another thread.
 */
#include <errno.h>
#include <math.h>
#include "engine.h"
#include "leg.h"
#include "move.h"

#define CLICK_GAIN_MAX 10.0f

/* --- control --- */

int bus_tell_beat(struct bus *b)
{
	struct cmd c = {.type = CMD_BUS_BEAT, .bus = b->rt, .beat = b->beat};

	return thread_post(b->t, &c, NULL);
}

int bus_set_beat(struct bus *b, const struct beat *beat)
{
	if (!b->m)
		return ENODEV;
	b->beat = *beat;
	return bus_moving(b) ? 0 : bus_tell_beat(b);
}

void leg_set_click(struct leg *l, float gain)
{
	if (!l->rt || !isfinite(gain))
		return;
	gain = gain < 0 ? 0 : gain > CLICK_GAIN_MAX ? CLICK_GAIN_MAX : gain;
	atomic_store_explicit(&l->rt->click, gain, memory_order_relaxed);
}

void leg_set_click_ahead(struct leg *l, uint32_t n_smp)
{
	n_smp = n_smp > LEG_CLICK_AHEAD_MAX ? LEG_CLICK_AHEAD_MAX : n_smp;
	if (l->rt)
		atomic_store_explicit(&l->rt->click_ahead, n_smp, memory_order_relaxed);
}

/* --- media thread --- */

bool leg_clickless_rt(const struct leg_rt *l)
{
	return ramp_silent(&l->send.click) && atomic_load_explicit(&l->click, memory_order_relaxed) == 0;
}

/* Also when it is deaf for the others. */
void leg_click_rt(struct leg_rt *l, float *mix, uint32_t n_smp, uint8_t channels, uint64_t pos)
{
	const float gain = atomic_load_explicit(&l->click, memory_order_relaxed);
	struct scratch *x = &l->t->rt.scratch;
	struct ramp *r = &l->send.click;
	float *tick = x->pcm;

	ramp_aim(r, l->leaving == LEG_STAYS ? gain : 0, n_smp, RAMP_SMP);
	if (ramp_silent(r)) {
		l->send.click_ahead = atomic_load_explicit(&l->click_ahead, memory_order_relaxed);
		return;
	}
	mix_clear(tick, n_smp);
	if (!click_add_rt(&l->t->rt.click, &l->bus->beat, tick, pos + l->send.click_ahead, n_smp)) {
		l->send.click_ahead = atomic_load_explicit(&l->click_ahead, memory_order_relaxed);
		r->now = ramp_next(r);
		return;
	}
	ramp_apply(r, tick, tick, n_smp);
	if (channels == 2) {
		mix_mono_to_stereo(x->wide, tick, n_smp);
		tick = x->wide;
	}
	mix_add(mix, tick, (size_t)n_smp * channels);
}
