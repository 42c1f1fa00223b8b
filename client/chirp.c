/*
 * chirp.c - a sweep under a Hann window, and a matched filter.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "chirp.h"

enum { RATE = 48000, FROM_HZ = 1000, TO_HZ = 6000, FOUND_MAX = 512, WANDER = 1009 };
#define PEAK 0.3f
/* Of the likeness that is 1 for the chirp itself: codecs leave 0.9 and more of it, noise has 0.15. */
#define LIKE 0.5

static double shape(double i)
{
	const double t = i / RATE, T = (double)CHIRP_SMP / RATE;
	const double turn = 2 * M_PI * (FROM_HZ * t + (TO_HZ - FROM_HZ) * t * t / (2 * T));

	return sin(turn) * (0.5 - 0.5 * cos(2 * M_PI * i / CHIRP_SMP));
}

uint64_t chirp_begin(uint64_t k)
{
	return k * CHIRP_GAP_SMP + k * 389 % WANDER;
}

float chirp_at(uint64_t n)
{
	const uint64_t k = n / CHIRP_GAP_SMP, begin = chirp_begin(k);

	return n >= begin && n < begin + CHIRP_SMP ? PEAK * (float)shape((double)(n - begin)) : 0;
}

/* Likeness of what is heard there with the chirp, whatever its loudness; 0 for silence. */
static double like(const float *heard, const float *ref, double ref_power)
{
	double dot = 0, power = 0;

	for (size_t i = 0; i < CHIRP_SMP; i++) {
		dot   += (double)(heard[i] * ref[i]);
		power += (double)(heard[i] * heard[i]);
	}
	return power > 1e-6 ? dot / sqrt(power * ref_power) : 0;
}

static bool seek(uint32_t *at, const float *heard, const float *ref, double ref_power)
{
	double best = 0;

	for (uint32_t lag = 0; lag < CHIRP_SEEK_SMP; lag++) {
		double l = like(heard + lag, ref, ref_power);

		if (l > best) {
			best = l;
			*at  = lag;
		}
	}
	return best > LIKE;
}

static int smaller(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

void chirp_find(struct chirp_found *f, const float *heard, size_t n)
{
	float ref[CHIRP_SMP];
	uint32_t late[FOUND_MAX];
	double power = 0;

	memset(f, 0, sizeof(*f));
	for (size_t i = 0; i < CHIRP_SMP; i++) {
		ref[i] = (float)shape((double)i);
		power += (double)(ref[i] * ref[i]);
	}
	for (uint64_t k = 0; chirp_begin(k) + CHIRP_SEEK_SMP + CHIRP_SMP <= n && f->heard < FOUND_MAX; k++) {
		f->sent++;
		f->heard += seek(&late[f->heard], heard + chirp_begin(k), ref, power);
	}
	if (!f->heard)
		return;
	qsort(late, f->heard, sizeof(late[0]), smaller);
	f->min_smp    = late[0];
	f->median_smp = late[f->heard / 2];
	f->max_smp    = late[f->heard - 1];
}
