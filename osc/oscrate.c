/*
 * oscrate.c - how many messages a second. Counted in millionths of a message, so that a microsecond is worth `rate` of
 * them and nothing is lost by rounding.
 */
#include <errno.h>
#include <re.h>

#include "oscrate.h"

enum { ONE = 1000000 };

void bucket_init(struct bucket *b, uint32_t rate, uint64_t now_us)
{
	const uint64_t burst = rate / 4 > OSCRATE_BURST_MIN ? rate / 4 : OSCRATE_BURST_MIN;

	*b = (struct bucket){.rate = rate, .full = burst * ONE, .has = burst * ONE, .last_us = now_us};
}

static void fill(struct bucket *b, uint64_t now_us)
{
	const uint64_t us = now_us > b->last_us ? now_us - b->last_us : 0;
	const uint64_t lacks = b->full - b->has;

	b->has = us > lacks / b->rate ? b->full : b->has + us * b->rate;
	if (us)
		b->last_us = now_us;
}

bool bucket_take_rt(struct bucket *b, uint64_t now_us)
{
	fill(b, now_us);
	if (b->has < ONE)
		return false;

	b->has -= ONE;
	return true;
}

uint64_t bucket_due_rt(struct bucket *b, uint64_t now_us)
{
	fill(b, now_us);

	return b->has >= ONE ? now_us : now_us + (ONE - b->has + b->rate - 1) / b->rate;
}

/* ---- what waits ---- */

static void oscrate_destroy(void *arg)
{
	struct oscrate *r = arg;

	mem_deref(r->held);
}

int oscrate_alloc(struct oscrate **rp, uint32_t rate, unsigned keys_max, size_t bytes_max, uint64_t seed,
		  uint64_t now_us)
{
	struct oscrate *r;
	int err;

	if (!rp || !rate || rate > OSCRATE_MAX)
		return EINVAL;
	r = mem_zalloc(sizeof(*r), oscrate_destroy);
	if (!r)
		return ENOMEM;

	err = osckeys_alloc(&r->held, keys_max ? keys_max : OSCKEYS_SOURCE_MAX,
			    bytes_max ? bytes_max : OSCKEYS_SOURCE_BYTES, seed);
	if (err) {
		mem_deref(r);
		return err;
	}
	osckeys_list_init(&r->queue, 0);
	bucket_init(&r->bucket, rate, now_us);

	*rp = r;
	return 0;
}

static void unhold(struct oscrate *r, struct key *key)
{
	osckeys_take_rt(r->held, &r->queue, key);
	osckeys_drop_rt(r->held, key);
}

static enum oscrate_verdict hold(struct oscrate *r, const struct osc_msg *msg)
{
	struct key *key = osckeys_find_rt(r->held, msg->addr, msg->addr_len);
	const bool was = key != NULL;

	if (osckeys_set_rt(&key, r->held, msg)) {
		if (key)
			unhold(r, key);   /* the older value must not come after this one is lost */
		r->n_dropped++;
		return OSCRATE_DROPPED;
	}
	osckeys_push_rt(r->held, &r->queue, key);
	*(was ? &r->n_coalesced : &r->n_held) += 1;
	return OSCRATE_HELD;
}

enum oscrate_verdict oscrate_offer_rt(struct oscrate *r, const struct osc_msg *msg, enum osc_kind kind, uint64_t now_us)
{
	/* who came first goes first */
	if (kind == OSC_STATE && r->queue.n)
		return hold(r, msg);
	if (bucket_take_rt(&r->bucket, now_us))
		return OSCRATE_SEND;
	if (kind == OSC_STATE)
		return hold(r, msg);

	r->n_dropped++;
	return OSCRATE_DROPPED;
}

bool oscrate_next_rt(struct oscrate *r, struct osc_msg *msg, uint64_t now_us)
{
	struct key *key = osckeys_head(r->held, &r->queue);

	if (!key || !bucket_take_rt(&r->bucket, now_us))
		return false;

	osckeys_msg_rt(msg, r->held, key);
	unhold(r, key);
	return true;
}

uint64_t oscrate_due_rt(struct oscrate *r, uint64_t now_us)
{
	return r->queue.n ? bucket_due_rt(&r->bucket, now_us) : UINT64_MAX;
}
