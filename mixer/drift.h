/*
 * drift.h - how fast does the sender's clock run, seen from ours? Pure.
 *
 * An estimate in ppm from the arrival of packets (the fastest of each four seconds, over two minutes: jitter and loss do
 * not matter to it). What is done about it: pace.h. One media thread.
 */
#ifndef MIXER_DRIFT_H
#define MIXER_DRIFT_H

#include <stdbool.h>
#include <stdint.h>

enum { DRIFT_BLOCKS = 32 };

struct drift {
	uint32_t clock;

	/* arrivals */
	bool     any;
	uint32_t ts;
	int64_t  ts64;
	uint64_t origin_us;
	uint64_t block_us;        /* when this block began */
	int64_t  last_us;         /* transit of the last packet, and of the fastest one of the block */
	int64_t  min_us;
	uint32_t n;               /* packets in it */
	struct { float s, us; } point[DRIFT_BLOCKS];     /* fastest of each block, the oldest at `first` */
	uint8_t  first, n_point;
	bool     known;
	float    est_ppm;
};

void  drift_init(struct drift *d, uint32_t clock);        /* RTP clock of the stream */
void  drift_reset_rt(struct drift *d);
void  drift_packet_rt(struct drift *d, uint32_t ts, uint64_t now_us);

/* The sender's clock against ours; false: not known yet (half a minute of packets). */
bool  drift_known(const struct drift *d, float *ppm);

#endif
