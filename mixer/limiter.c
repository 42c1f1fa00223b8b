/*
 * limiter.c - the sum held under full scale by turning it down.
 *
 *     peaks of pieces of 32 samples      |  .2  |  .9  | 2.0  | 1.1  |        a piece needs gain 0.89 / peak, or 1
 *     gain at their borders              1      1     .45    .45    .45       the lesser need of the two that meet there
 *                                                  \_____/
 *
 * The gain is a line from border to border, so within a piece it is nowhere over what the piece needs. A block's first
 * border is where the block before ended, which could not know this one: there a peak may stand over the line, for 0.7 ms,
 * and mix_limit bends it. Holding for 20 ms, longer than half a period of the lowest sound, keeps the gain from swinging
 * with the wave, which is what distortion would be: a steady sine of any frequency meets a steady gain.
 *
 * Decided against: a delay line of 1 to 2 ms before it. It would make those first 0.7 ms cleaner and every musician later.
 */
#include <math.h>

#include "limiter.h"
#include "mix.h"

/* mix_limit bends from 0.890625 on; a little less, so that rounding does not bend what was turned down. */
#define CEILING   0.8906f
#define GAIN_MIN  0.015f          /* -36 dB, 64 talkers at full scale: what is louder is broken, and bent */

enum { LANES = 8, PIECE = 32, HOLD_SMP = 960, RISE_SMP = 9600 };         /* 48 kHz: 0.67, 20 and 200 ms */

void limiter_init(struct limiter *l)
{
	*l = (struct limiter){.gain = 1.0f};
}

/* In lanes, which a compiler makes a vector of, as in mix_energy. NaN is never greater. */
static float peak_rt(const float *smp, size_t n)
{
	float lane[LANES] = {0}, peak = 0.0f;
	size_t i = 0;

	for (; i + LANES <= n; i += LANES)
		for (size_t k = 0; k < LANES; k++) {
			const float a = fabsf(smp[i + k]);

			lane[k] = a > lane[k] ? a : lane[k];
		}
	for (; i < n; i++)
		peak = fabsf(smp[i]) > peak ? fabsf(smp[i]) : peak;
	for (size_t k = 0; k < LANES; k++)
		peak = lane[k] > peak ? lane[k] : peak;

	return peak;
}

static float need_rt(const float *smp, size_t n)
{
	const float peak = peak_rt(smp, n);

	if (peak <= CEILING)
		return 1.0f;
	return CEILING / peak > GAIN_MIN ? CEILING / peak : GAIN_MIN;
}

/* The gain at the border after a piece of n samples; `need` is the lesser of the two that meet there. */
static float border_rt(struct limiter *l, float need, size_t n)
{
	float free;

	if (need <= l->gain) {
		if (need < 1.0f)
			l->hold_smp = HOLD_SMP;
		return need;
	}
	if (l->hold_smp > n) {
		l->hold_smp -= (uint32_t)n;
		return l->gain;
	}
	l->hold_smp = 0;

	free = l->gain + (1.0f - l->gain) * (float)n / RISE_SMP;
	if (free > 0.9999f)
		free = 1.0f;
	return free < need ? free : need;
}

void limiter_rt(struct limiter *l, float *smp, size_t n_smp, uint8_t channels)
{
	const size_t n = n_smp * channels, piece = (size_t)PIECE * channels;
	float need;

	/* nearly always: nothing to do, found out at the price of one look */
	if (l->gain == 1.0f && peak_rt(smp, n) <= CEILING) {
		mix_limit(smp, n);        /* NaN */
		return;
	}

	need = need_rt(smp, n < piece ? n : piece);
	for (size_t at = 0; at < n; at += piece) {
		const size_t len = n - at < piece ? n - at : piece, after = n - at - len;
		const float next = after ? need_rt(smp + at + len, after < piece ? after : piece) : need;
		const float to = border_rt(l, need < next ? need : next, len / channels);

		mix_ramp(smp + at, smp + at, l->gain, to, len);
		l->gain = to;
		need = next;
	}
	mix_limit(smp, n);
}
