/*
 * sharedclock.c - the best of a few exchanges, and the drift between two of the best.
 *
 * Crystals are within 100 ppm of what they should be; so much each second of its age is an exchange worth less, until two
 * exchanges far enough apart tell the drift better than that.
 */
#include <errno.h>
#include <math.h>
#include <string.h>
#include "sharedclock.h"

#define CRYSTAL_PPM 100.0

/* LOOK exchanges within SPAN_US: two crystals drift apart by less than the ways wait by chance. */
enum { LOOK = 8, SPAN_US = 10000000 };

void sharedclock_init(struct sharedclock *c)
{
	memset(c, 0, sizeof(*c));
}

int sharedclock_add(struct sharedclock *c, uint64_t t0, uint64_t t1, uint64_t t2, uint64_t t3)
{
	uint64_t rtt;

	if (t3 < t0 || t2 < t1 || t2 - t1 > t3 - t0)
		return EBADMSG;
	rtt = (t3 - t0) - (t2 - t1);
	if (rtt > SHAREDCLOCK_RTT_MAX_US)
		return EBADMSG;
	c->x[c->next].at_us = t0 + (t3 - t0) / 2;
	c->x[c->next].off_us = ((int64_t)(t1 - t0) + (int64_t)(t2 - t3)) / 2;
	c->x[c->next].rtt_us = (uint32_t)rtt;
	c->next = (c->next + 1) % SHAREDCLOCK_MAX;
	c->n += c->n < SHAREDCLOCK_MAX;
	return 0;
}

static double age_s(const struct sharedclock *c, unsigned i, uint64_t now_us)
{
	return fabs((double)(int64_t)(now_us - c->x[i].at_us)) / 1e6;
}

/* How wrong exchange i can be by now, in microseconds. */
static double wrong_us(const struct sharedclock *c, unsigned i, uint64_t now_us, double ppm)
{
	return c->x[i].rtt_us / 2.0 + 1 + age_s(c, i, now_us) * ppm;
}

static unsigned best(const struct sharedclock *c, uint64_t now_us, double ppm)
{
	unsigned b = 0;

	for (unsigned i = 1; i < c->n; i++)
		if (wrong_us(c, i, now_us, ppm) < wrong_us(c, b, now_us, ppm))
			b = i;
	return b;
}

/* Of all pairs with b the one that tells most exactly. Its uncertainty in ppm; CRYSTAL_PPM: nothing better than that. */
static double drift(const struct sharedclock *c, unsigned b, double *ppm)
{
	double sure = CRYSTAL_PPM;

	*ppm = 0;
	for (unsigned i = 0; i < c->n; i++) {
		double s = (double)(int64_t)(c->x[b].at_us - c->x[i].at_us) / 1e6, u;

		if (fabs(s) < 1)
			continue;
		u = (c->x[i].rtt_us + c->x[b].rtt_us) / 2.0 / fabs(s);
		if (u >= sure)
			continue;
		sure = u;
		*ppm = (double)(c->x[b].off_us - c->x[i].off_us) / s;
	}
	return sure;
}

int sharedclock_at(const struct sharedclock *c, struct sharedtime *t, uint64_t now_us)
{
	double ppm, sure, s, wrong;
	unsigned b;

	if (!c->n)
		return EAGAIN;
	b = best(c, now_us, CRYSTAL_PPM);
	sure = drift(c, b, &ppm);
	b = best(c, now_us, sure);        /* once the drift is known, age counts for less */
	sure = drift(c, b, &ppm);
	s = (double)(int64_t)(now_us - c->x[b].at_us) / 1e6;
	t->server_us = now_us + (uint64_t)(c->x[b].off_us + (int64_t)llrint(s * ppm));
	t->smp = t->server_us / 1000 * 48 + t->server_us % 1000 * 48 / 1000;
	wrong = ceil(wrong_us(c, b, now_us, sure));
	t->accuracy_us = wrong < UINT32_MAX ? (uint32_t)wrong : UINT32_MAX;
	t->drift_ppm = ppm;
	return 0;
}

/* Of up to LOOK exchanges, i the newest: the shortest way there and the shortest way back, of whichever. */
static int64_t ways_us(const struct sharedclock *c, unsigned i, unsigned n)
{
	int64_t up = INT64_MAX, down = INT64_MAX;
	const uint64_t newest = c->x[i].at_us;

	for (unsigned k = 0; k < n && newest - c->x[i].at_us <= SPAN_US; k++, i = (i + SHAREDCLOCK_MAX - 1) % SHAREDCLOCK_MAX) {
		const int64_t half = c->x[i].rtt_us / 2;

		up   = half + c->x[i].off_us < up ? half + c->x[i].off_us : up;
		down = half - c->x[i].off_us < down ? half - c->x[i].off_us : down;
	}
	return up + down;
}

uint32_t sharedclock_rtt_us(const struct sharedclock *c)
{
	int64_t least = INT64_MAX;

	for (unsigned i = 0; i < c->n; i += LOOK) {
		const unsigned n = c->n - i < LOOK ? c->n - i : LOOK;
		const int64_t us = ways_us(c, (c->next + SHAREDCLOCK_MAX - 1 - i) % SHAREDCLOCK_MAX, n);

		least = us < least ? us : least;
	}
	return least > 0 && c->n ? (uint32_t)least : 0;
}
