/*
 * drift.h - how fast does the sender's clock run, seen from ours, and how fast must its sound be played? Pure.
 *
 * Two things at once. An estimate in ppm from the arrival of packets (the fastest of each four seconds, over two minutes:
 * jitter and loss do not matter to it), and a speed that also steers the delay to where it should be, gently: the
 * resampler (warp.h) that plays at this speed keeps a jitter buffer from ever having to drop or insert.
 *
 * To be called: drift_packet_rt by leg_recv for each RTP packet it puts into the jitter buffer; drift_frame_rt by
 * leg_play for each JITTER_FRAME, whose answer goes to warp_rt with that frame's sound, and the last answer with sound
 * that is concealed. drift_reset_rt where the stream begins anew (another SSRC, a new plan). One media thread.
 */
#ifndef MIXER_DRIFT_H
#define MIXER_DRIFT_H

#include <stdbool.h>
#include <stdint.h>

enum { DRIFT_BLOCKS = 32, DRIFT_PPM_MAX = 1000 };

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

	/* speed */
	uint64_t frame_us;        /* when the last frame was given out */
	float    trim_ppm;        /* what lasts; */
	float    ppm;             /* the speed */
};

void  drift_init(struct drift *d, uint32_t clock);        /* RTP clock of the stream */
void  drift_reset_rt(struct drift *d);
void  drift_packet_rt(struct drift *d, uint32_t ts, uint64_t now_us);

/*
 * A frame is about to be played. `excess_us` is the jitter buffer's figure of that name for it; `queued_us` is the sound
 * that will be played before it (already out of the jitter buffer, decoded); `aim_us` is by how much the two together
 * should exceed the buffer's target: one tick of the reader, and no packet that is as late as the target allows is
 * missed. Returns the speed in ppm: > 0 faster.
 */
float drift_frame_rt(struct drift *d, int32_t excess_us, uint32_t queued_us, uint32_t aim_us, uint64_t now_us);

/* The sender's clock against ours; false: not known yet (half a minute of packets). */
bool  drift_known(const struct drift *d, float *ppm);

#endif
