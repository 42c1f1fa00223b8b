/*
 * limiter.h - the sum held under full scale by turning it down, not by bending it. Pure, no allocation, no delay.
 *
 * One per mix that is heard (a shared one, a private one). Under -1 dBFS nothing is touched, to the bit. Over it the gain
 * goes down before the peak, as far as the block lets it look ahead, stays for 20 ms and comes back slowly; what is left
 * (a peak at the very beginning of a block) goes through mix_limit's knee. After it no sample is over +-1.0, NaN is 0.
 *
 * leg_send calls it on the finished mix of a listener or a group of them, before it is collected.
 */
#ifndef MIXER_LIMITER_H
#define MIXER_LIMITER_H

#include <stddef.h>
#include <stdint.h>

struct limiter {
	float    gain;
	uint32_t hold_smp;        /* until the gain may rise */
};

void limiter_init(struct limiter *l);
/* In place, n_smp at 48 kHz of 1 or 2 interleaved channels, which get the same gain. */
void limiter_rt(struct limiter *l, float *smp, size_t n_smp, uint8_t channels);

#endif
