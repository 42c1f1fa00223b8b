/*
 * oscrate.h - how many messages a second, and what waits when there are more.
 *
 * "A token bucket of `rate` per second and a burst of `rate`/4 (at least 16) per receiving leg. Over it, state
 * messages are coalesced per key (the latest value is sent as soon as a token is there), events are dropped."
 *
 * And the refresh of lines without a journal: each key again within an interval, spread evenly.
 * Memory is taken when one is made; _rt functions on one thread at a time.
 */
#ifndef OSC_OSCRATE_H
#define OSC_OSCRATE_H

#include "osckeys.h"
#include "kind.h"

enum { OSCRATE_MAX = 100000, OSCRATE_DEFAULT = 1000, OSCRATE_BURST_MIN = 16 };

struct bucket {
	uint32_t rate;            /* a second */
	uint64_t full, has;       /* in millionths of a message */
	uint64_t last_us;
};

void bucket_init(struct bucket *b, uint32_t rate, uint64_t now_us);
bool bucket_take_rt(struct bucket *b, uint64_t now_us);
/* When there will be one. */
uint64_t bucket_due_rt(struct bucket *b, uint64_t now_us);

enum oscrate_verdict { OSCRATE_SEND, OSCRATE_HELD, OSCRATE_DROPPED };

struct oscrate {
	struct bucket bucket;
	struct osckeys  *held;
	struct osckeys_list queue;
	uint64_t n_held, n_coalesced, n_dropped;
};

/* EINVAL: rate not 1 to OSCRATE_MAX, or bounds of the table as in osckeys_alloc; 0 there: one source's. */
int  oscrate_alloc(struct oscrate **rp, uint32_t rate, unsigned keys_max, size_t bytes_max, uint64_t seed,
		   uint64_t now_us);
/* May this message go now? If not, state is kept until oscrate_next_rt, an event is not (error 6). */
enum oscrate_verdict oscrate_offer_rt(struct oscrate *r, const struct osc_msg *msg, enum osc_kind kind,
				   uint64_t now_us);
/* What was held and may go now, who waited longest first; false: nothing. Valid until the next oscrate_offer_rt. */
bool oscrate_next_rt(struct oscrate *r, struct osc_msg *msg, uint64_t now_us);
/* When to ask for it; UINT64_MAX: nothing is held. */
uint64_t oscrate_due_rt(struct oscrate *r, uint64_t now_us);

#endif
