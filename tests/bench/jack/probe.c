/*
 * probe.c - the probe is found by correlation, scaled by the energy of what is under it: so the level of the line does
 * not matter, and a place that is only loud is no hit. What a codec or a resampler does to its edges it does on both
 * sides of the peak, so the peak stays.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "probe.h"

#define LIKE_LEAST 0.45         /* noise comes to 0.4 in a quarter of a second; what Opus leaves of it has 0.48 and more */
#define LEVEL_LEAST_DB (-20.0)

void probe_make(float smp[PROBE_SMP])
{
	const double low = 500.0 / 48000, high = 9000.0 / 48000;

	for (unsigned i = 0; i < PROBE_SMP; i++) {
		double x = (i + 0.5) / PROBE_SMP, phase = 2 * M_PI * PROBE_SMP * (low * x + (high - low) * x * x / 2);

		smp[i] = (float)(PROBE_PEAK * sin(phase) * 0.5 * (1 - cos(2 * M_PI * x)));
	}
}

static double energy(const float *smp)
{
	double sum = 0;

	for (unsigned i = 0; i < PROBE_SMP; i++)
		sum += (double)smp[i] * (double)smp[i];
	return sum;
}

static float product(const float *a, const float *b)
{
	float sum = 0;

	for (unsigned i = 0; i < PROBE_SMP; i++)
		sum += a[i] * b[i];
	return sum;
}

/* Where between three places the peak of a parabola through them lies, -0.5 to 0.5. */
static double between(double before, double at, double after)
{
	double bend = before - 2 * at + after;

	return bend < 0 ? fmin(0.5, fmax(-0.5, 0.5 * (before - after) / bend)) : 0;
}

bool probe_find(struct probe_hit *hit, const float *smp, size_t n)
{
	float probe[PROBE_SMP];
	size_t best = 0;
	double most = 0, own;

	probe_make(probe);
	own = energy(probe);
	for (size_t i = 0; i + PROBE_SMP <= n; i++) {
		double c = fabs((double)product(smp + i, probe));

		if (c > most) {
			most = c;
			best = i;
		}
	}
	if (most <= 0 || best == 0 || best + PROBE_SMP + 1 > n)
		return false;
	hit->level_db = 20 * log10(most / own);
	hit->likeness = most / sqrt(own * energy(smp + best));
	hit->at = (double)best + between(fabs((double)product(smp + best - 1, probe)), most,
					 fabs((double)product(smp + best + 1, probe)));
	return hit->likeness >= LIKE_LEAST && hit->level_db >= LEVEL_LEAST_DB;
}

static int by_value(const void *a, const void *b)
{
	double d = *(const double *)a - *(const double *)b;

	return (d > 0) - (d < 0);
}

void probe_figures(struct probe_figures *f, double *v, unsigned n)
{
	memset(f, 0, sizeof(*f));
	if (!n)
		return;
	qsort(v, n, sizeof(*v), by_value);
	f->n = n;
	f->least = v[0];
	f->most = v[n - 1];
	f->p50 = v[n / 2];
	f->p95 = v[n * 95 / 100];
	f->p99 = v[n * 99 / 100];
	for (unsigned i = 0; i < n; i++)
		f->mean += v[i] / n;
}
