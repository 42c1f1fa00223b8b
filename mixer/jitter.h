/*
 * jitter.h - jitter buffer: put at arrival, get at playout time; lost, late, reordered, drifting.
 *
 * One writer, one reader, the same media thread. All memory is taken in jitter_alloc; packets are copied in. Time is
 * handed in (`now_us`, any monotonic origin), so that a test can hold it still. (libre has a jbuf of its own; this is
 * not that one.)
 *
 * Voice (`fixed` false): the target follows the observed distribution of arrival times, grows at once, shrinks in
 * silence or by leaving out one frame, within min_ms..max_ms. Music (`fixed`): the target is min_ms and stays there.
 * The buffer never holds more than max_ms: what is over that is dropped and counted.
 */
#ifndef MIXER_JITTER_H
#define MIXER_JITTER_H

#include "rtp.h"

struct jitter;

struct jitter_conf {
	uint32_t clock;           /* RTP clock of the stream */
	uint32_t min_ms, max_ms;  /* bounds of the target; max_ms is the hard bound of what is held */
	bool     fixed;
	size_t   max_payload;     /* longer packets are refused with EMSGSIZE and counted */
	uint16_t n_slots;         /* packets held at most, e.g. 64 */
};

enum jitter_result {
	JITTER_FRAME,             /* a packet is due: frame points into the buffer until the next call */
	JITTER_LOST,              /* a packet was due and is not here: conceal; `next` may hold the one after it */
	JITTER_SILENCE,           /* the sender paused (DTX) or has not begun: play silence or comfort noise */
	JITTER_WAIT,              /* filling up after a start or an underrun: play what JITTER_LOST or SILENCE last said */
};

struct jitter_frame {
	uint8_t  pt;
	bool     marker;
	uint16_t seq;
	uint32_t ts;
	const uint8_t *payload;
	size_t   len;
	const uint8_t *next;      /* JITTER_LOST: payload of the packet that follows, for in-band FEC; else NULL */
	size_t   next_len;
	uint8_t  next_pt;
};

struct jitter_stats {
	uint64_t put, got, lost, late, duplicate, reordered, overflow, resets, dropped_shrink;
	uint32_t depth_ms;        /* held now */
	uint32_t target_ms;
	uint32_t jitter_us;       /* RFC 3550 interarrival jitter */
};

int  jitter_alloc(struct jitter **jp, const struct jitter_conf *conf);
void jitter_reset_rt(struct jitter *j);
int  jitter_put_rt(struct jitter *j, const struct rtp_pkt *pkt, uint64_t now_us);   /* 0, or an errno with its counter up */

/* Called whenever the reader needs more sound. `n_ts` is how many RTP clock ticks the reader will play for a LOST,
 * SILENCE or WAIT (one frame); after FRAME the buffer learns the frame's length from the next packet's timestamp or
 * from jitter_played_rt. */
enum jitter_result jitter_get_rt(struct jitter *j, struct jitter_frame *f, uint32_t n_ts, uint64_t now_us);

/* How many RTP clock ticks the last frame turned out to hold, once it is decoded. */
void jitter_played_rt(struct jitter *j, uint32_t n_ts);

void jitter_stats(const struct jitter *j, struct jitter_stats *s);

#endif
