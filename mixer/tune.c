/*
 * tune.c - the music that a member hears who is alone in a room: four chords, broken, on something like a soft bell.
 *
 * It is computed, so there is no file to find, no rights to clear and no decoder to run. Each note is three damped
 * partials (y[n] = 2 r cos(w) y[n-1] - r^2 y[n-2]: two multiplications a sample) under a soft beginning, and is added
 * into the loop as into a ring: what sounds beyond the end sounds at the beginning, so the loop has no seam to hide.
 */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <re.h>

#include "mix.h"
#include "tune.h"

enum {
	RATE     = 48000,
	SECONDS  = 16,
	N_SMP    = RATE * SECONDS,
	CHORDS   = 4,
	STEPS    = 8,                     /* notes of a chord, one after the other */
	STEP_SMP = N_SMP / (CHORDS * STEPS),
	NOTE_SMP = RATE * 5 / 2,
	RISE_SMP = RATE / 50,
	FALL_SMP = RATE / 10,
	PARTIALS = 3,
};

#define LEVEL   0.0354f                   /* rms; a sine of -26 dBFS has it */
#define DECAY_S 0.55                      /* time constant of a note */

/* Semitones above C4: C, A minor, F, G, each with its ninth or seventh, up and down. */
static const int8_t score[CHORDS][STEPS] = {
	{-12, 0, 4, 7, 14, 7, 4, 0},
	{-15, -3, 0, 4, 11, 4, 0, -3},
	{-19, -7, -3, 0, 7, 4, 0, -3},
	{-17, -5, -1, 2, 9, 5, 2, -1},
};

struct partial { float c1, c2, y1, y2; };

static void partial_init(struct partial *p, double hz, double amp, double decay_s)
{
	const double w = 2.0 * M_PI * hz / RATE, r = exp(-1.0 / (decay_s * RATE));

	p->c1 = (float)(2.0 * r * cos(w));
	p->c2 = (float)(-r * r);
	p->y1 = 0.0f;
	p->y2 = (float)(-amp * sin(w) / (r * r));       /* so that the next one is amp * sin(w) */
}

static inline float partial_next(struct partial *p)
{
	const float y = p->c1 * p->y1 + p->c2 * p->y2;

	p->y2 = p->y1;
	p->y1 = y;
	return y;
}

static float swell(size_t i)
{
	if (i < RISE_SMP)
		return 0.5f - 0.5f * cosf((float)M_PI * (float)i / RISE_SMP);
	if (i >= NOTE_SMP - FALL_SMP)
		return (float)(NOTE_SMP - i) / FALL_SMP;
	return 1.0f;
}

static void note_add(float *loop, size_t at, int semitone)
{
	const double hz = 261.626 * pow(2.0, semitone / 12.0);
	struct partial p[PARTIALS];

	/* Low strings are louder and ring longer than high ones. */
	partial_init(&p[0], hz, 1.0, DECAY_S * sqrt(261.626 / hz));
	partial_init(&p[1], 2.0 * hz, 0.25, DECAY_S * 0.6);
	partial_init(&p[2], 3.0 * hz, 0.08, DECAY_S * 0.4);

	for (size_t i = 0; i < NOTE_SMP; i++) {
		loop[at] += swell(i) * (partial_next(&p[0]) + partial_next(&p[1]) + partial_next(&p[2]));
		at = at + 1 < N_SMP ? at + 1 : 0;
	}
}

int tune_make(float **smp, size_t *n)
{
	float *loop = mem_zalloc(N_SMP * sizeof(*loop), NULL);
	float gain;

	if (!loop)
		return ENOMEM;

	for (size_t c = 0; c < CHORDS; c++)
		for (size_t s = 0; s < STEPS; s++)
			note_add(loop, (c * STEPS + s) * STEP_SMP, score[c][s]);

	gain = LEVEL / sqrtf(mix_energy(loop, N_SMP));
	mix_ramp(loop, loop, gain, gain, N_SMP);

	*smp = loop;
	*n = N_SMP;
	return 0;
}
