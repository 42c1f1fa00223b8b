/*
 * tone.c - short sounds that need no words.
 *
 *     came  rising      left  falling      yes  one high      no  two low      your turn  one long      news  three
 *
 * Sines with a weaker octave above, so that they are heard as tones of their own beside any voice, and none of the
 * frequencies of keys (697 to 1633 Hz would be taken for one by a machine that listens).
 */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <re.h>
#include "tone.h"

enum { RATE = 48000, NOTES = 3, EDGE = 480 };

#define PEAK 0.1f
#define TAU 6.283185307179586

struct note { float hz; uint16_t ms; };

static const struct note tones[TONE_N][NOTES] = {
	[TONE_JOIN]  = { { 494, 90 }, { 659, 140 } },
	[TONE_LEAVE] = { { 659, 90 }, { 494, 140 } },
	[TONE_YES]   = { { 659, 150 } },
	[TONE_NO]    = { { 247, 140 }, { 0, 60 }, { 247, 200 } },
	[TONE_ASK]   = { { 440, 350 } },
	[TONE_NEWS]  = { { 440, 90 }, { 554, 90 }, { 440, 140 } },
};

static size_t length(const struct note *n)
{
	return (size_t)n->ms * RATE / 1000;
}

/* 10 ms in and out, as a quarter of a sine. */
static float edge(size_t i, size_t n)
{
	size_t from_end = n - i, near = i < from_end ? i : from_end;

	return near >= EDGE ? 1 : sinf((float)(TAU / 4) * (float)near / EDGE);
}

static void play(float *smp, const struct note *note)
{
	const size_t n = length(note);

	for (size_t i = 0; i < n; i++) {
		double phase = fmod(note->hz * (double)i / RATE, 1.0) * TAU;

		smp[i] = PEAK * edge(i, n) * (float)(0.8 * sin(phase) + 0.2 * sin(2 * phase));
	}
}

int tone_make(struct sound **sp, enum tone tone)
{
	size_t n = 0;
	float *smp;
	int err;

	if ((unsigned)tone >= TONE_N || tone == TONE_NONE)
		return EINVAL;
	for (int i = 0; i < NOTES; i++)
		n += length(&tones[tone][i]);
	smp = mem_zalloc(n * sizeof(*smp), NULL);
	if (!smp)
		return ENOMEM;
	n = 0;
	for (int i = 0; i < NOTES; i++) {
		play(smp + n, &tones[tone][i]);
		n += length(&tones[tone][i]);
	}
	err = sound_take(sp, smp, n);
	if (err)
		mem_deref(smp);
	return err;
}
