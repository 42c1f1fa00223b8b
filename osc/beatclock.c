/*
 * beatclock.c - a line through the times of MIDI clocks.
 *
 *     time    .  .  .   .  .     .  .  .        which clock it is: one more than the last, or where one was lost as many more
 *     count   0  1  2   3  4     6  7  8        as the slope says fit into the gap
 *
 * The slope's error is known from how far the clocks lie from the line. When the last beat alone has a slope that differs from that
 * of all by more than both errors together, the tempo has changed, and what was before is forgotten.
 */
#include <math.h>
#include <string.h>
#include "beatclock.h"
#include "mixer/beat.h"

/* Slower than any tempo, twice: the clock stood still. */
enum { STILL_US = 2 * 125000, SURE = 4, LEAST_MBPM = 50, SLOW = 6 };

struct line { double us, error_us; };     /* from one clock to the next, and how sure that is */

/* i = 0: the newest */
static unsigned at(const struct beatclock *c, unsigned i)
{
	return (c->next + BEATCLOCK_MAX - 1 - i) % BEATCLOCK_MAX;
}

/* Through the newest n, n >= 3. */
static struct line line(const struct beatclock *c, unsigned n)
{
	const uint64_t us0 = c->tick[at(c, 0)].us;
	const uint32_t k0 = c->tick[at(c, 0)].k;
	double sk = 0, su = 0, skk = 0, sku = 0, suu = 0, vk, vu, cov, rest;

	for (unsigned i = 0; i < n; i++) {
		double k = -(double)(k0 - c->tick[at(c, i)].k), u = -(double)(us0 - c->tick[at(c, i)].us);

		sk += k;
		su += u;
		skk += k * k;
		sku += k * u;
		suu += u * u;
	}
	vk = skk - sk * sk / n;
	vu = suu - su * su / n;
	cov = sku - sk * su / n;
	rest = vu - cov * cov / vk;
	return (struct line){cov / vk, sqrt((rest > 0 ? rest : 0) / (n - 2) / vk)};
}

static double mbpm_of(double us) { return 60e9 / (us * BEAT_CLOCKS); }

/* No network loses every second one for long: it is half the tempo then. */
static uint32_t steps(struct beatclock *c, uint64_t gap_us)
{
	double n = c->n < BEATCLOCK_MIN ? 1 : (double)gap_us / line(c, c->n).us;

	c->slow = n < 1.75 ? 0 : c->slow + 1;
	if (c->slow > SLOW)
		c->n = c->slow = 0;
	return n < 1.75 || !c->n ? 1 : (uint32_t)(n + 0.5);
}

static void put(struct beatclock *c, uint64_t us)
{
	uint64_t last = c->n ? c->tick[at(c, 0)].us : us;

	if (us < last)
		us = last;                /* clocks that were told late, in one packet */
	if (us - last > STILL_US)
		c->n = 0;
	c->k += c->n ? steps(c, us - last) : 1;
	c->tick[c->next].us = us;
	c->tick[c->next].k = c->k;
	c->next = (c->next + 1) % BEATCLOCK_MAX;
	c->n += c->n < BEATCLOCK_MAX;
}

static struct line judge(struct beatclock *c)
{
	struct line all = line(c, c->n), last;

	if (c->n < 2 * BEATCLOCK_MIN)
		return all;
	last = line(c, BEATCLOCK_MIN);
	if (fabs(last.us - all.us) <= SURE * (last.error_us + all.error_us) + all.us / 1000)
		return all;
	c->n = BEATCLOCK_MIN;
	return last;
}

bool beatclock_tick_rt(struct beatclock *c, uint64_t us, uint32_t *mbpm)
{
	struct line l;
	double now, error;

	put(c, us);
	if (c->n < BEATCLOCK_MIN || (c->mbpm && us < c->told_us + BEATCLOCK_TELL_US))
		return false;
	l = judge(c);
	now = mbpm_of(l.us);
	if (!(now >= BEAT_MBPM_MIN && now <= BEAT_MBPM_MAX))
		return false;
	error = now * l.error_us / l.us;
	if (c->mbpm && fabs(now - c->mbpm) < LEAST_MBPM + error)
		return false;
	c->told_us = us;
	*mbpm = c->mbpm = (uint32_t)lrint(now);
	return true;
}
