/*
 * cn.h - comfort noise: what a CN packet (RFC 3389) describes, or a fill so that silence does not sound like a dead
 * line. A value, no allocation; used by one thread.
 */
#ifndef MIXER_CN_H
#define MIXER_CN_H

#include <stddef.h>
#include <stdint.h>

enum { CN_ORDER_MAX = 16 };       /* coefficients beyond are ignored; 10 to 12 is what peers send */

struct cn {
	uint32_t seed;
	float    rms, target;             /* of the noise; it moves to the target within some 20 ms */
	float    k[CN_ORDER_MAX];         /* reflection coefficients */
	float    cos_k[CN_ORDER_MAX];     /* sqrt(1 - k^2) */
	float    back[CN_ORDER_MAX + 1];  /* the lattice's memory */
	uint8_t  order;
};

/* Silent until a level is set. Two generators with different seeds do not add up in phase. */
void cn_init(struct cn *c, uint32_t seed);

/* Level and spectrum of a CN payload; EBADMSG when there is none, then nothing changes. */
int  cn_parse_rt(struct cn *c, const uint8_t *buf, size_t len);

/* White noise of so many -dBov, 127 being silence; for fills of our own. */
void cn_set_level_rt(struct cn *c, uint8_t dbov);

/* Mono; the spectrum is meant for the rate of the RTP clock of the CN payload. Never over +-1.0. */
void cn_fill_rt(struct cn *c, float *smp, size_t n);

#endif
