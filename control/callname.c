/*
 * callname.c - the name that a caller says when it is asked for.
 *
 *     leg > a bus where nobody else is > tap > read ten times a second > callname_end: without the silence > sound
 *
 * No path of its own for the sound: what a recorder reads of a member is what is wanted here.
 */
#include <errno.h>
#include <math.h>
#include <string.h>
#include "callname.h"
#include "sound.h"
#include "wheel.h"
#include "mixer/tap.h"

enum {
	READ_MS = 100, RATE = 48000, NAME_SMP = RATE / 1000 * CALLNAME_MS, TAP_BYTES = 400000,    /* of a second and more */
	LOOK_SMP = RATE / 100, MARGIN = 5, SHORTEST = 15, FADE_SMP = RATE / 200,          /* margin, shortest: in looks of 10 ms */
};

#define SILENT_RMS 0.005f                 /* -46 dB */

struct callname {
	struct leg *leg;
	struct bus *bus;
	struct tap *tap;
	struct wheel_tmr tmr;
	size_t n;                         /* whole ticks */
	float smp[NAME_SMP];
};

static void destructor(void *data)
{
	struct callname *n = data;

	wheel_cancel(&n->tmr);
	if (n->bus) {
		(void)leg_set_bus(n->leg, NULL);
		(void)bus_set_tap(n->bus, NULL);
	}
	mem_deref(n->bus);
	mem_deref(n->tap);
}

/* --- listening --- */

/* The stem of the tick that was begun last; of stereo the mean. */
static void stem(struct callname *n, const struct tap_block *b)
{
	size_t at = n->n >= b->n_smp ? n->n - b->n_smp : 0;

	for (size_t i = 0; i < b->n_smp && at + i < n->n; i++)
		n->smp[at + i] = b->channels == 2 ? 0.5f * (b->smp[2 * i] + b->smp[2 * i + 1]) : b->smp[i];
}

static void take(struct callname *n)
{
	struct tap_block b;

	while (tap_read(n->tap, &b)) {
		if (b.kind == TAP_TICK && n->n + b.n_smp <= NAME_SMP)
			n->n += b.n_smp;          /* silence, until a stem says otherwise */
		else if (b.kind == TAP_TICK)
			return;
		else if (b.kind == TAP_STEM)
			stem(n, &b);
	}
}

static void again(void *arg)
{
	struct callname *n = arg;

	take(n);
	wheel_start(&n->tmr, READ_MS, again, n);
}

int callname_alloc(struct callname **np, struct mixer *m, struct leg *l)
{
	const struct bus_conf conf = { .quantum_smp = RATE / 100 };
	struct callname *n = mem_zalloc(sizeof(*n), destructor);
	int err;

	if (!n)
		return ENOMEM;
	n->leg = l;
	err = bus_alloc(&n->bus, m, &conf);
	if (!err)
		err = tap_alloc(&n->tap, TAP_BYTES, true);
	if (!err)
		err = bus_set_tap(n->bus, n->tap);
	if (!err)
		err = leg_set_bus(l, n->bus);
	if (err) {
		mem_deref(n);
		return err;
	}
	wheel_start(&n->tmr, READ_MS, again, n);
	*np = n;
	return 0;
}

/* --- what of it is a name --- */

static bool loud(const float *smp)
{
	float sum = 0;

	for (size_t i = 0; i < LOOK_SMP; i++)
		sum += smp[i] * smp[i];
	return sum > SILENT_RMS * SILENT_RMS * LOOK_SMP;
}

/* What was heard (mono, 48 kHz), without the silence before and behind: where it begins, and how long it is. 0: all is silence. */
static size_t callname_trim(const float **begin, const float *smp, size_t n)
{
	size_t first = 0, end = n / LOOK_SMP, last = end;

	while (first < end && !loud(smp + first * LOOK_SMP))
		first++;
	while (last > first && !loud(smp + (last - 1) * LOOK_SMP))
		last--;
	if (last - first < SHORTEST)              /* a click, a cough of the line */
		return 0;
	first = first > MARGIN ? first - MARGIN : 0;
	last = last + MARGIN < end ? last + MARGIN : end;
	*begin = smp + first * LOOK_SMP;
	return (last - first) * LOOK_SMP;
}

static void fade(float *smp, size_t n)
{
	for (size_t i = 0; i < FADE_SMP && i < n; i++) {
		smp[i] *= (float)i / FADE_SMP;
		smp[n - 1 - i] *= (float)i / FADE_SMP;
	}
}

int callname_end(struct sound **sp, struct callname *n)
{
	const float *begin;
	float *smp;
	size_t len;
	int err;

	take(n);
	wheel_cancel(&n->tmr);
	(void)leg_set_bus(n->leg, NULL);
	len = callname_trim(&begin, n->smp, n->n);
	if (!len)
		return ENODATA;
	smp = mem_alloc(len * sizeof(*smp), NULL);
	if (!smp)
		return ENOMEM;
	memcpy(smp, begin, len * sizeof(*smp));
	fade(smp, len);
	err = sound_take(sp, smp, len);
	if (err)
		mem_deref(smp);
	return err;
}
