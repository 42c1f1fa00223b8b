/*
 * pace.h - a sender's sound at our pace: when its clock runs away, or its delay may be shorter, it is played a little
 * faster or slower until that is made good.
 *
 * Between decoder and queue, at 48 kHz. pace_packet_rt for each packet that goes into the jitter buffer, pace_frame_rt
 * for each that comes out of it; pace_rt for all sound, pace_zero_rt for silence. One media thread; no allocation.
 */
#ifndef MIXER_PACE_H
#define MIXER_PACE_H

#include "drift.h"
#include "warp.h"

enum { PACE_RATE = 48000, PACE_ROOM = 64 };

struct pace_level {               /* of a frame about to be played */
	int32_t  excess_us;       /* the jitter buffer's figure of that name */
	uint32_t tick_us;         /* of the reader */
	uint32_t queued;          /* samples that it still has */
	bool     music;           /* gently */
	bool     hold;            /* the target is to be kept from below, too: it does not follow what was observed */
	bool     resting;         /* not shorter, now */
};

struct pace_least { int32_t excess_us; uint32_t queued; };

struct pace {
	struct drift drift;
	struct warp warp;
	bool on;                  /* sound passes through the warp */
	bool seen, sure;          /* a second has begun, one has passed */
	bool shorter;             /* the slip that runs makes the delay shorter */
	bool owing;               /* what the warp holds back was not to be had: the first sound makes it good */
	float ppm;
	uint64_t left;            /* of it, 32.32 samples; 0: none */
	uint64_t since_us;
	struct pace_least least, before;  /* of this second and of the last one */
	uint32_t fell_us;         /* what the delay has lost, second by second, in a row of */
	unsigned falls, seconds;  /* and so many were seen since the delay was changed */
};

int  pace_init(struct pace *p);           /* control thread */
void pace_source_rt(struct pace *p);      /* another sender: nothing is known of its clock */
void pace_stop_rt(struct pace *p);        /* the sound ends here, and what is held back with it */
void pace_pause_rt(struct pace *p);       /* the sender pauses: the buffer sets the delay anew when it goes on */
void pace_channels_rt(struct pace *p, uint8_t channels);

void pace_packet_rt(struct pace *p, uint32_t clock, uint32_t ts, uint64_t now_us);
/* true: a slip begins that makes the delay shorter. */
bool pace_frame_rt(struct pace *p, const struct pace_level *l, uint64_t now_us);

static inline bool pace_on(const struct pace *p) { return p->on; }
/* The last slip made the delay longer: what there is now is there for that. */
static inline bool pace_slows(const struct pace *p) { return p->ppm < 0; }
/* A fast clock is known, which slips make good. */
bool pace_fast(const struct pace *p);
/* A slip is to begin: pace_join_rt as soon as the last WARP_KEEP samples that are heard can be had; NULL: silence. */
static inline bool pace_due(const struct pace *p) { return p->left && !p->on; }
void   pace_join_rt(struct pace *p, const float *last, uint8_t channels);
/* Only while it is on. `out` has room for n samples and PACE_ROOM more, if n is less than 8000; both return how many came
 * out. */
size_t pace_rt(struct pace *p, float *out, const float *in, size_t n);
size_t pace_zero_rt(struct pace *p, size_t n);            /* for n of silence, where pace_silent; nothing is written */
bool   pace_silent(const struct pace *p);
size_t pace_need(const struct pace *p, size_t n_out);     /* how much to put in for n_out */

#endif
