/*
 * beat.c - where beats are, in samples. Products stay under 64 bits for as long as a process lives: whole minutes are counted apart.
 */
#include <errno.h>
#include <string.h>
#include "beat.h"

#define MINUTE UINT64_C(2880000000)       /* 60 s of 48000 samples, in thousandths as the tempo is */

void beat_init(struct beat *b)
{
	memset(b, 0, sizeof(*b));
	b->now.mbpm = BEAT_MBPM;
	b->now.per_bar = BEAT_BAR;
	b->lead_smp = BEAT_LEAD_SMP;
}

/* Samples from a run's first beat to pulse k of it. `per` is pulses a minute, in thousandths. */
static uint64_t pulse_smp(uint64_t k, uint64_t per)
{
	return k / per * MINUTE + k % per * MINUTE / per;
}

/* The first k that is not before d samples. */
static uint64_t pulse_after(uint64_t d, uint64_t per)
{
	return d / MINUTE * per + (d % MINUTE * per + MINUTE - 1) / MINUTE;
}

static void point(struct beat_point *p, const struct beat_run *r, uint64_t k, uint32_t pulses)
{
	uint64_t n = k / pulses, of_bar = r->in_bar + n;

	p->smp = r->at_smp + pulse_smp(k, (uint64_t)r->mbpm * pulses);
	p->beat = r->beat + n;
	p->bar = r->bar + of_bar / r->per_bar;
	p->in_bar = (uint8_t)(of_bar % r->per_bar);
	p->per_bar = r->per_bar;
	p->mbpm = r->mbpm;
	p->pulse = (uint32_t)(k % pulses);
}

static void run_next(struct beat_point *p, const struct beat_run *r, uint64_t smp, uint32_t pulses)
{
	point(p, r, smp <= r->at_smp ? 0 : pulse_after(smp - r->at_smp, (uint64_t)r->mbpm * pulses), pulses);
}

bool beat_next(struct beat_point *p, const struct beat *b, uint64_t smp, uint32_t pulses)
{
	const uint64_t end = b->running ? b->now.at_smp : b->stop_smp;

	if (!pulses)
		return false;
	if (b->before.mbpm && smp < end) {
		run_next(p, &b->before, smp, pulses);
		if (p->smp < end)
			return true;
	}
	if (b->running)
		run_next(p, &b->now, smp, pulses);
	return b->running;
}

void beat_start(struct beat *b, uint64_t at_smp)
{
	b->now.beat = b->now.bar = b->now.in_bar = 0;
	beat_continue(b, at_smp);
}

void beat_count_in(struct beat *b, uint64_t at_smp, uint8_t bars)
{
	beat_start(b, at_smp);
	b->now.bar -= bars;
	b->now.beat -= (uint64_t)bars * b->now.per_bar;
}

void beat_continue(struct beat *b, uint64_t at_smp)
{
	b->now.at_smp = at_smp;
	b->before.mbpm = 0;
	b->running = true;
}

/* What comes next is what it goes on with. */
static void forward_to(struct beat *b, const struct beat_point *p)
{
	b->now.at_smp = p->smp;
	b->now.beat = p->beat;
	b->now.bar = p->bar;
	b->now.in_bar = p->in_bar;
}

void beat_stop(struct beat *b, uint64_t now_smp)
{
	struct beat_point p;

	if (!b->running || !beat_next(&p, b, now_smp, 1))
		return;
	if (now_smp >= b->now.at_smp)
		b->before = b->now;       /* its last beat may still sound */
	forward_to(b, &p);
	b->running = false;
	b->stop_smp = now_smp;
}

int beat_tempo(struct beat *b, uint64_t now_smp, uint32_t mbpm, uint8_t per_bar)
{
	struct beat_point p;

	if (mbpm < BEAT_MBPM_MIN || mbpm > BEAT_MBPM_MAX || !per_bar || per_bar > BEAT_BAR_MAX)
		return EINVAL;
	/* A change that has not begun yet is changed itself; else this one begins with a beat. */
	if (b->running && now_smp >= b->now.at_smp && beat_next(&p, b, now_smp + b->lead_smp, 1)) {
		b->before = b->now;
		forward_to(b, &p);
	}
	if (per_bar != b->now.per_bar && b->now.in_bar) {
		b->now.bar++;
		b->now.in_bar = 0;
	}
	b->now.per_bar = per_bar;
	b->now.mbpm = mbpm;
	return 0;
}
