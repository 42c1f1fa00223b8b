/*
 * jitter.h - jitter buffer: put at arrival, get at playout time; lost, late, reordered, drifting.
 *
 * One writer, one reader, the same media thread. All memory is taken in jitter_alloc; packets are copied in. Time is
 * handed in (`now_us`, any monotonic origin), so that a test can hold it still. (libre has a jbuf of its own; this is
 * not that one.)
 *
 * Voice (`fixed` false): the target follows the observed distribution of arrival times, grows at once, shrinks in
 * silence or by leaving out one frame, within min_ms..max_ms. Music (`fixed`): the target is min_ms and stays there;
 * what is not there in time is concealed and never waited for.
 * What it holds is over what the ticks and frames of both ends need (need.h).
 * With `fit` a fixed buffer finds its target: as much as would have left five late packets in the last minute, within
 * three frames.
 * jitter_hold_rt makes the target so many frames, at once and until it says otherwise: a player's own choice.
 * With `start_ms` the target begins there; once four seconds are known it covers every packet that is up to so late, and
 * those later than that as above.
 * The buffer never holds more than max_ms (or one packet, if that is longer): of more, the oldest is dropped and counted.
 */
#ifndef MIXER_JITTER_H
#define MIXER_JITTER_H

#include "rtp.h"

struct jitter;

struct jitter_conf {
	uint32_t clock;           /* RTP clock of the stream */
	uint32_t min_ms, max_ms;  /* bounds of the target; max_ms is the hard bound of what is held */
	uint32_t start_ms;        /* up to max_ms; 0: begins at min_ms */
	bool     fixed;
	bool     fit;             /* with fixed */
	bool     steered;         /* the reader plays faster while excess_us is long: leave out packets only where nobody hears
				   * it, or of very much too much */
	size_t   max_payload;     /* longer packets are refused with EMSGSIZE and counted */
	uint16_t n_slots;         /* packets held at most, 2 .. 1024, e.g. 64 */
	size_t   room;            /* for the payloads held, in bytes, at least max_payload; 0: as many as there may be */
};

enum jitter_result {
	JITTER_FRAME,             /* a packet is due: frame points into the buffer until the next call */
	JITTER_LOST,              /* nothing to play for n_ts: conceal; `next` may hold the packet after the lost one */
	JITTER_SILENCE,           /* the sender paused (DTX) or has not begun: play silence or comfort noise */
	JITTER_WAIT,              /* filling up after a start or an underrun: play what JITTER_LOST or SILENCE last said */
};

struct jitter_frame {
	uint8_t  pt;
	bool     marker;
	uint16_t seq;
	uint32_t ts;
	uint64_t came_us;         /* when it was put */
	const uint8_t *payload;
	size_t   len;
	const uint8_t *next;      /* JITTER_LOST: payload of the packet that follows, for in-band FEC; else NULL */
	size_t   next_len;
	uint8_t  next_pt;
};

struct jitter_stats {
	uint64_t put, got;        /* packets taken in, given out */
	uint64_t lost;            /* never came, or came after their time */
	uint64_t late, duplicate, reordered, overflow, oversize, resets;
	uint64_t dropped_shrink;  /* packets left out to make the delay shorter */
	uint64_t stretched;       /* answers that were no packet and made the delay longer */
	uint32_t depth_ms;        /* held now */
	uint32_t target_ms;       /* rounded up */
	uint32_t jitter_us;       /* RFC 3550 interarrival jitter */
	int32_t  excess_us;       /* delay of the last packet given out, over the target */
	bool     resting;         /* it has had to grow not long ago: not to be made shorter yet */
};

int  jitter_alloc(struct jitter **jp, const struct jitter_conf *conf);
void jitter_reset_rt(struct jitter *j);

/* 0, or an errno with its counter up: EMSGSIZE oversize, EALREADY duplicate, ETIMEDOUT late, ENOSPC overflow; EPROTO
 * for a packet far outside the sequence (a second one that follows it is believed, and the buffer begins anew). An empty
 * payload is taken as jitter_skip_rt takes it. */
int  jitter_put_rt(struct jitter *j, const struct rtp_pkt *pkt, uint64_t now_us);

/* A frame that was missing and came once more in a later packet (RFC 2198). That it comes so late says nothing of the net,
 * but as long as some had to be taken from there (the last 5 to 10 seconds), a voice waits for the next one too: the target
 * is what the latest of them took. */
int jitter_put_again_rt(struct jitter *j, const struct rtp_pkt *pkt, uint64_t now_us);

/* A packet with this sequence number came and was used elsewhere (telephone-event, comfort noise): its place is no hole,
 * and while nothing else comes the sender is pausing, not losing. */
void jitter_skip_rt(struct jitter *j, uint16_t seq);

/* Called whenever the reader needs more sound. `n_ts` is how many RTP clock ticks the reader will play for a LOST,
 * SILENCE or WAIT; after FRAME the buffer learns the frame's length from the next packet's timestamp or from
 * jitter_played_rt. Ask for little (one tick of the reader, not one frame): a packet that is late by a millisecond, or
 * the first one after a silence, waits for the end of what was answered, and so long is the delay from then on. */
enum jitter_result jitter_get_rt(struct jitter *j, struct jitter_frame *f, uint32_t n_ts, uint64_t now_us);

/* How many RTP clock ticks the last frame turned out to hold, once it is decoded; or the frame that FEC gave back from
 * the `next` of a LOST, where that is more than was asked for. */
void jitter_played_rt(struct jitter *j, uint32_t n_ts);

/* The reader has made the delay shorter by itself, by playing faster. */
void jitter_shrunk_rt(struct jitter *j, uint64_t now_us);

/* Was the sound last given out as good as silent? Frames are left out there first, where nobody hears it. */
void jitter_quiet_rt(struct jitter *j, bool quiet);

/* The reader has dropped n_ts of its time: so much is passed over, in whole packets, as far as more waits than the target. */
void jitter_catch_up_rt(struct jitter *j, uint32_t n_ts, uint64_t now_us);

void jitter_stats(const struct jitter *j, struct jitter_stats *s);
/* A fixed buffer: its target is `frames` from now on; -1: as configured. A change may leave out packets, once. n_ts: the
 * reader's tick, in which its delay can change; ahead: what it has still to play before what it asks for next. Before each
 * jitter_get_rt. */
void jitter_hold_rt(struct jitter *j, int frames, uint32_t n_ts, uint32_t ahead);
int  jitter_held_at(const struct jitter *j);      /* -1: nothing was chosen */
/* Frames a minute that would be missing, if 0, 1, 2 or 3 frames were held, by what came in the last minute; false: it is
 * not known yet. Of a fixed buffer. */
enum { JITTER_ODDS = 4 };
bool jitter_odds(const struct jitter *j, float missing[JITTER_ODDS]);

/* What was counted so far, as it stands: without the figures that have to be computed. */
const struct jitter_stats *jitter_counted(const struct jitter *j);

#endif
