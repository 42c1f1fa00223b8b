/*
 * cardclock.c - how a card's time follows from its periods.
 *
 *     late |            x                     one period came late, the next ones in time: it was only waited for
 *          |   .  .   .    .  .  .
 *          |                  x  x  x  x      late, and they stay so: these periods were left out, and will not come
 *          |                 x                late, and each less by a period: they are made up for, none was left out
 *          |                   x
 *          |                     x  .  .
 *          +-------------------------> periods
 *
 * The card's clock is never exactly the system's. The distance is followed slowly upwards and quickly down: who is late
 * was kept from running, and says nothing of the card.
 *
 * Whole periods are passed over. What is left of a gap is remembered for the next one, so that many small ones never add
 * up to delay.
 */
#include <string.h>
#include "gcd.h"
#include "cardclock.h"

enum { SLOW = 256, QUICK = 16, PATIENCE = 16, FRAMES = 960, SAME = 4 };
#define SECOND_NS 1000000000LL

void cardclock_init(struct cardclock *c, uint64_t smp)
{
	memset(c, 0, sizeof(*c));
	c->smp = smp;
}

static void follow_rt(struct cardclock *c, int64_t late_ns)
{
	c->n_late = 0;
	if (late_ns < -SECOND_NS)
		c->off_ns += late_ns;     /* another clock */
	else
		c->off_ns += late_ns / (late_ns < 0 ? QUICK : SLOW);
}

/* true: they were left out. */
static bool stays_late_rt(struct cardclock *c, int64_t period_ns, int64_t late_ns)
{
	const bool first = !c->n_late || late_ns < c->late_ns - period_ns / 2;

	c->late_ns = late_ns;
	c->least_ns = first || late_ns < c->least_ns ? late_ns : c->least_ns;
	c->n_late = first ? 1 : c->n_late + 1;
	return c->n_late >= (c->least_ns > period_ns * 3 / 2 ? 2 : PATIENCE);
}

static uint64_t pass_rt(struct cardclock *c, uint32_t n)
{
	const int64_t all = c->owed_smp + c->least_ns * 6 / 125000, whole = (all + n / 2) / n * n;

	c->off_ns += c->least_ns - cardclock_ns((uint64_t)whole);
	c->owed_smp = all - whole;
	c->smp += (uint64_t)whole;
	c->n_late = 0;
	return (uint64_t)whole;
}

static void align_rt(struct cardclock *c, uint32_t n)
{
	const uint64_t before = c->smp;

	if (n != c->n) {
		c->n_same = 0;
		c->n = n;
		c->grid = gcd(n, FRAMES);
	}
	if (c->begun && ++c->n_same < SAME)
		return;
	c->smp = (c->smp + c->grid - 1) / c->grid * c->grid;
	c->off_ns -= cardclock_ns(c->smp - before);
}

uint64_t cardclock_begin_rt(struct cardclock *c, uint32_t n, uint64_t now_us)
{
	const int64_t period_ns = cardclock_ns(n);
	int64_t late_ns;

	if (!c->begun) {
		const uint64_t smp = now_us / 1000 * 48 + now_us % 1000 * 48 / 1000;

		c->smp = smp > c->smp ? smp : c->smp;
		align_rt(c, n);
		c->begun = true;
		c->off_ns = (int64_t)now_us * 1000 - cardclock_ns(c->smp);
	}
	align_rt(c, n);
	late_ns = (int64_t)now_us * 1000 - cardclock_ns(c->smp) - c->off_ns;
	if (late_ns * 4 < period_ns * 3) {
		follow_rt(c, late_ns);
		return 0;
	}
	return stays_late_rt(c, period_ns, late_ns) ? pass_rt(c, n) : 0;
}
