/*
 * drift.c - how fast does the sender's clock run?
 *
 *      transit |  .   . .    .                          of each four seconds the fastest packet (x): the network had
 *              | . .x  .  .   . .                       nothing to add to it. The median of the slopes between all pairs
 *              |x        x .   x . .                    of x (Theil and Sen) is the drift; a quarter of them may be
 *              |               x      x                 outliers.
 *              +------------------------> time
 *
 * A route that changes moves all points at once: those before it are forgotten, and the estimate stays what it was until
 * there are enough again. Decided against: to go by the fill of the buffer alone. Jitter moves the fill by more than a
 * minute of drift does.
 */
#include <math.h>
#include <string.h>

#include "drift.h"

enum {
	BLOCK_US   = 4000000,
	BLOCK_MIN  = 20,          /* packets, or the block goes on: DTX sends few */
	POINTS_MIN = 8,
	JUMP_US    = 1000000,     /* another timeline */
	STEP_US    = 4000,        /* from one block to the next no clock drifts so far */
};

#define EST_MAX 500.0f            /* quartz is within 100 ppm */

void drift_init(struct drift *d, uint32_t clock)
{
	memset(d, 0, sizeof(*d));
	d->clock = clock;
}

void drift_reset_rt(struct drift *d)
{
	drift_init(d, d->clock);
}

/* --- estimate --- */

static void swap_rt(float *a, float *b)
{
	const float x = *a;

	*a = *b;
	*b = x;
}

/* The k-th smallest of x (Hoare's find); x is left in another order. */
static float select_rt(float *x, int n, int k)
{
	int lo = 0, hi = n - 1;

	while (lo < hi) {
		const float pivot = x[(lo + hi) / 2];
		int i = lo, j = hi;

		while (i <= j) {
			while (x[i] < pivot)
				i++;
			while (x[j] > pivot)
				j--;
			if (i <= j)
				swap_rt(&x[i++], &x[j--]);
		}
		if (k <= j)
			hi = j;
		else if (k >= i)
			lo = i;
		else
			break;
	}

	return x[k];
}

static void estimate_rt(struct drift *d)
{
	float slope[DRIFT_BLOCKS * (DRIFT_BLOCKS - 1) / 2], ppm;
	int n = 0;

	if (d->n_point < POINTS_MIN)
		return;

	for (unsigned i = 0; i < d->n_point; i++)
		for (unsigned k = i + 1; k < d->n_point; k++) {
			const float ds = d->point[k].s - d->point[i].s;

			/* either order: the ring's oldest may stand behind its newest */
			slope[n++] = fabsf(ds) > 0.1f ? (d->point[k].us - d->point[i].us) / ds : 0.0f;
		}

	/* the sender is fast where its packets come ever earlier against their timestamps */
	ppm = -select_rt(slope, n, n / 2);
	d->est_ppm = ppm > EST_MAX ? EST_MAX : ppm < -EST_MAX ? -EST_MAX : ppm;
	d->known = true;
}

static void point_rt(struct drift *d, uint64_t now_us)
{
	const unsigned last = (d->first + d->n_point + DRIFT_BLOCKS - 1) % DRIFT_BLOCKS;
	const float us = (float)d->min_us;

	/* a point far from the one before is an outlier; if the one after it stands beside it, the route has changed */
	if (d->n_point >= 2) {
		const unsigned before = (last + DRIFT_BLOCKS - 1) % DRIFT_BLOCKS;

		if (fabsf(d->point[last].us - d->point[before].us) > STEP_US && fabsf(us - d->point[last].us) < STEP_US / 2) {
			d->point[0] = d->point[last];
			d->first = 0;
			d->n_point = 1;
		}
	}

	if (d->n_point == DRIFT_BLOCKS)
		d->first = (uint8_t)((d->first + 1) % DRIFT_BLOCKS);
	else
		d->n_point++;
	d->point[(d->first + d->n_point - 1) % DRIFT_BLOCKS].s = (float)((now_us - d->origin_us) / 1000) / 1000.0f;
	d->point[(d->first + d->n_point - 1) % DRIFT_BLOCKS].us = us;
	estimate_rt(d);
}

/* What was known of an older timeline stays a good guess of this clock. */
static void begin_rt(struct drift *d, uint32_t ts, uint64_t now_us)
{
	d->any = true;
	d->ts = ts;
	d->ts64 = d->last_us = 0;
	d->origin_us = d->block_us = now_us;
	d->first = d->n_point = 0;
	d->n = 0;
}

void drift_packet_rt(struct drift *d, uint32_t ts, uint64_t now_us)
{
	int64_t transit, ts64;

	if (!d->any)
		begin_rt(d, ts, now_us);

	ts64 = d->ts64 + (int32_t)(ts - d->ts);
	transit = (int64_t)(now_us - d->origin_us) - ts64 * 1000000 / (int64_t)d->clock;
	if (transit - d->last_us > JUMP_US || transit - d->last_us < -JUMP_US) {
		begin_rt(d, ts, now_us);
		ts64 = transit = 0;
	}
	d->ts = ts;
	d->ts64 = ts64;
	d->last_us = transit;

	if (!d->n || transit < d->min_us)
		d->min_us = transit;
	d->n++;
	if (now_us - d->block_us < BLOCK_US || d->n < BLOCK_MIN)
		return;

	point_rt(d, now_us);
	d->block_us = now_us;
	d->n = 0;
}

bool drift_known(const struct drift *d, float *ppm)
{
	*ppm = d->est_ppm;
	return d->known;
}
