/*
 * inband.c - key presses in the sound itself.
 *
 *     697 |  1   2   3   A         a key is one row and one column at once, and nothing else:
 *     770 |  4   5   6   B         blocks of 12.75 ms; eight Goertzel filters over each
 *     852 |  7   8   9   C
 *     941 |  *   0   #   D         three blocks in a row that agree: a key; three without it: it was let go
 *          1209 1336 1477 1633
 *
 * Speech has two strong partials as well, now and then. So what counts is how little there is besides: two thirds of a
 * block's power must be in the two tones (also 1.5 % off their frequency, as Q.24 wants), each must stand 6 dB over the
 * others of its group, they may differ by no more than a line does to them, and from block to block their power must
 * stay. A vowel that holds all that for 38 ms is rare; a finger is slower than that. Decided against the detector of
 * spandsp: it knows only 8 kHz, so L16 and G.722 would have to be resampled for it, and it believes two blocks.
 */
#include <math.h>
#include <string.h>
#include "inband.h"

enum { ROWS = 4, RELEASE = 3 };

#define TAU 6.283185307179586
#define BLOCK_S 0.01275
#define LEAST 1e-5f               /* mean square: -50 dB, both tones together */
#define PURE 0.62f                /* part of a block's power that is in the two tones */
#define OTHERS 4.0f               /* 6 dB: a tone over the others of its group */
/* Q.24 wants 4 to 8 dB, one way and the other, and networks differ. The two lean on each other by 2 dB in so short a block. */
#define TWIST 10.0f               /* 10 dB: between the row and the column */
#define STEADY 2.5f               /* 4 dB: from block to block */

static const float tones[INBAND_TONES] = {697, 770, 852, 941, 1209, 1336, 1477, 1633};
static const char keys[ROWS][ROWS + 1] = {"123A", "456B", "789C", "*0#D"};

void inband_init(struct inband *d, uint32_t srate)
{
	memset(d, 0, sizeof(*d));
	d->srate = srate;
	d->block = (uint32_t)lrint(srate * BLOCK_S);
	for (int i = 0; i < INBAND_TONES; i++)
		d->coeff[i] = (float)(2 * cos(TAU * tones[i] / srate));
}

static void next_block(struct inband *d)
{
	memset(d->s1, 0, sizeof(d->s1));
	memset(d->s2, 0, sizeof(d->s2));
	d->energy = 0;
	d->n = 0;
}

/* Mean square of a tone, were it alone in the block. */
static float power_of(const struct inband *d, int i)
{
	float n = (float)d->block;

	return 2 * (d->s1[i] * d->s1[i] + d->s2[i] * d->s2[i] - d->coeff[i] * d->s1[i] * d->s2[i]) / (n * n);
}

static int strongest(const float p[ROWS])
{
	int best = 0;

	for (int i = 1; i < ROWS; i++)
		if (p[i] > p[best])
			best = i;
	return best;
}

static bool stands_out(const float p[ROWS], int best)
{
	for (int i = 0; i < ROWS; i++)
		if (i != best && p[i] * OTHERS > p[best])
			return false;
	return true;
}

/* The key in a whole block; 0: none. */
static char judge(const struct inband *d, float *power)
{
	const float mean = d->energy / (float)d->block;
	float p[INBAND_TONES];
	int row, col;

	*power = 0;
	if (!(mean > LEAST) || !isfinite(mean))
		return 0;
	for (int i = 0; i < INBAND_TONES; i++)
		p[i] = power_of(d, i);
	row = strongest(p);
	col = strongest(p + ROWS);
	*power = p[row] + p[ROWS + col];
	if (*power < PURE * mean || *power < LEAST || !stands_out(p, row) || !stands_out(p + ROWS, col) ||
	    p[ROWS + col] > p[row] * TWIST || p[row] > p[ROWS + col] * TWIST)
		return 0;
	return keys[row][col];
}

static bool steady(float a, float b) { return a < b * STEADY && b < a * STEADY; }

/* A block has been judged: is that a key now? */
static char count(struct inband *d, char key, float power)
{
	const bool same = key && key == d->seen && steady(power, d->power);

	d->agreed = !key ? 0 : same ? (uint8_t)(d->agreed < INBAND_AGREE ? d->agreed + 1 : INBAND_AGREE) : 1;
	d->seen = key;
	d->power = power;
	d->silent = d->held && key != d->held ? (uint8_t)(d->silent + 1) : 0;
	if (d->silent >= RELEASE)
		d->held = 0;
	if (d->agreed < INBAND_AGREE || key == d->held)
		return 0;
	d->held = key;
	d->silent = 0;
	return key;
}

static void filter(struct inband *d, const float *smp, size_t n)
{
	for (size_t k = 0; k < n; k++) {
		d->energy += smp[k] * smp[k];
		for (int i = 0; i < INBAND_TONES; i++) {
			float s = smp[k] + d->coeff[i] * d->s1[i] - d->s2[i];

			d->s2[i] = d->s1[i];
			d->s1[i] = s;
		}
	}
	d->n += (uint32_t)n;
}

char inband_rt(struct inband *d, const float *smp, size_t n_smp)
{
	char found = 0;

	while (n_smp) {
		size_t n = d->block - d->n < n_smp ? d->block - d->n : n_smp;
		float power;
		char key;

		filter(d, smp, n);
		smp += n;
		n_smp -= n;
		if (d->n < d->block)
			continue;
		key = judge(d, &power);
		next_block(d);
		key = count(d, key, power);
		found = found ? found : key;
	}
	return found;
}
