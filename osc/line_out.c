/*
 * line_out.c - what lines of OSC share on their way out.
 *
 * State that has to wait for a token waits under the name of its source (/p/NAME/..), whatever the view: so keys of two sources
 * are two keys, and it is known whose it is when its time comes. In the flat view they are one.
 */
#include <string.h>
#include "bridge.h"
#include "line_out.h"
#include "line_out_priv.h"

enum { TICK_MESSAGES = 64, HELD_KEYS = 16384, HELD_BYTES = 1024 * 1024 };

int line_out_alloc(struct line_out *o, struct line_rt *l, const struct gestline *desc)
{
	o->line = l;
	o->slot = -1;
	o->refresh_us = UINT64_MAX;
	return oscrate_alloc(&o->rate, desc->takes.rate, HELD_KEYS, HELD_BYTES, rand_u64(), 0);
}

void line_out_end(struct line_out *o)
{
	o->rate = mem_deref(o->rate);
}

/* ---- one packet in the receiver's view ---- */

/* What a player of MIDI says is in the address space of MIDI; who takes no i, or has a map with `in`, gets it in his own words.
 * false: he takes none in which it could be told. */
static bool in_its_words(struct line_out *o, uint8_t *buf, const struct player_rt *from, const uint8_t **osc, size_t *len,
			 unsigned *errors)
{
	const struct gestline *d = &o->line->desc;
	const struct line_rt *midi = from->line[GESTLINE_MIDI];
	const struct bridge_taker to = {.map = d->space ? d->space->map : NULL, .types = d->takes.types, .max = d->takes.max};
	enum bridge_answer answer;
	struct osc_msg msg;
	size_t n = BRIDGE_OSC_MAX;

	*errors = 0;
	if (!midi || !(midi->desc.dir & LEG_DIR_RECV) || osc_is_bundle(*osc, *len) || osc_msg_read(&msg, *osc, *len) ||
	    !bridge_retell_rt(buf, &n, &answer, &to, &msg))
		return true;
	*errors = answer == BRIDGE_TYPE ? 1u << GEST_TYPE : answer == BRIDGE_BIG ? 1u << GEST_TOO_BIG : 0;
	*osc = buf;
	*len = n;
	return n > 0;
}

/* g: the gesture whose time tags stand in it; NULL: there are none.
 * 6.7: "The server MUST translate time tags when it forwards with its own clock [..]; while it does not know that difference it sets the
 * time tag to 1." Without RTP nothing tells the receiver of our clock. */
static size_t view_as(struct line_out *o, uint8_t *buf, enum osc_view view, struct player_rt *from, const uint8_t *osc,
		      size_t len, const struct gesture *g, unsigned *errors)
{
	const struct gestline *d = &o->line->desc;
	const struct views v = {.view = view, .types = d->takes.types, .deep = d->takes.deep, .max = d->takes.max,
		.receiver = o->line->player->name, .source = from->name, .source_id = from->id,
		.owners = from->ensemble ? from->ensemble->owners : NULL,
		.at_once = !g || !g->timed || d->kind != GESTLINE_OSC, .shift = g ? g->shift : 0};
	uint8_t retold[BRIDGE_OSC_MAX];
	size_t n = FORWARD_SCRATCH_SIZE;

	if (!in_its_words(o, retold, from, &osc, &len, errors))
		return 0;
	*errors = views_write_rt(buf, &n, &v, osc, len);
	return n;
}

size_t line_out_view_rt(struct line_out *o, uint8_t **buf, struct player_rt *from, const uint8_t *osc, size_t len, unsigned *errors)
{
	*buf = forward_buf_rt(o->line->forward, SCRATCH_VIEW);
	return view_as(o, *buf, o->line->desc.view, from, osc, len, NULL, errors);
}

void line_out_put_rt(struct line_out *o, const struct out_item *it, uint64_t now_us)
{
	tally_up_rt(&line_count(o->line)->messages_out);
	tally_up_rt(&o->line->player->n.messages_out);
	o->put_rt(o->line, it, now_us);
}

void line_out_tell_rt(struct line_out *o, const uint8_t *osc, size_t len, uint64_t now_us)
{
	const struct out_item it = {.osc = osc, .len = len, .at_us = now_us};

	o->put_rt(o->line, &it, now_us);
}

static void say_errors(const struct gesture *g, unsigned errors, uint64_t now_us)
{
	struct osc_iter it;
	struct osc_msg msg;

	osc_iter_init(&it, g->osc, g->len);
	if (!errors || !osc_next(&it, &msg))
		return;
	for (int code = 1; code < GEST_ERRORS; code++) {
		if (errors >> code & 1)
			ensemble_error_rt(g->from, code, msg.addr, now_us);
	}
}

/* ---- rate ---- */

/* While the line is full state waits as if there were no token, and events go on as long as there are some. */
static enum oscrate_verdict hold(struct line_out *o, const struct osc_msg *seen, enum osc_kind kind, uint64_t now_us)
{
	const struct bucket saved = o->rate->bucket;
	enum oscrate_verdict v;

	if (kind == OSC_EVENT)
		return bucket_take_rt(&o->rate->bucket, now_us) ? OSCRATE_SEND : OSCRATE_DROPPED;
	o->rate->bucket.has     = 0;
	o->rate->bucket.last_us = now_us;
	v = oscrate_offer_rt(o->rate, seen, kind, now_us);
	o->rate->bucket = saved;
	return v;
}

void line_out_hold_rt(struct line_out *o, const struct osc_msg *seen, uint64_t now_us)
{
	if (kind_of(NULL, seen) == OSC_STATE)
		(void)hold(o, seen, OSC_STATE, now_us);
}

void line_out_forget_rt(struct line_out *o)
{
	struct key *key;

	while ((key = osckeys_head(o->rate->held, &o->rate->queue)) != NULL)
		osckeys_take_rt(o->rate->held, &o->rate->queue, key);
	osckeys_clear_rt(o->rate->held);
}

/* Held under its source's name. `buf`, its view, is written over. */
static enum oscrate_verdict offer(struct line_out *o, const struct gesture *g, const struct osc_msg *original,
				  const struct osc_msg *seen, uint64_t now_us)
{
	const enum osc_kind kind = g->event ? OSC_EVENT : kind_of(g->from->kinds, original);
	uint8_t *buf = forward_buf_rt(o->line->forward, SCRATCH_VIEW);
	unsigned errors;
	struct osc_msg named;
	size_t len;

	if (o->full)
		return hold(o, seen, kind, now_us);
	if (o->line->desc.view != VIEW_SOURCE || kind == OSC_EVENT)
		return oscrate_offer_rt(o->rate, seen, kind, now_us);
	if (!o->rate->queue.n && bucket_take_rt(&o->rate->bucket, now_us))
		return OSCRATE_SEND;
	len = view_as(o, buf, VIEW_PREFIX, g->from, original->raw, original->len, NULL, &errors);
	if (!len || osc_msg_read(&named, buf, len))
		return OSCRATE_DROPPED;
	return oscrate_offer_rt(o->rate, &named, kind, now_us);
}

static void send_one(struct line_out *o, const struct gesture *g, const uint8_t *osc, size_t len, uint64_t now_us)
{
	struct out_item it = {.from = g->from, .at_us = g->at_us, .ts = g->ts, .clock = g->clock, .event = g->event,
		.exact = g->exact};
	struct osc_msg msg, original;
	unsigned errors;
	uint8_t *buf;

	it.len = line_out_view_rt(o, &buf, g->from, osc, len, &errors);
	it.osc = buf;
	say_errors(g, errors, now_us);
	if (!it.len || osc_msg_read(&msg, buf, it.len) || osc_msg_read(&original, osc, len))
		return;
	switch (offer(o, g, &original, &msg, now_us)) {

	case OSCRATE_SEND:    line_out_put_rt(o, &it, now_us); break;
	case OSCRATE_HELD:    tally_up_rt(&line_count(o->line)->coalesced); break;
	case OSCRATE_DROPPED: ensemble_error_rt(g->from, GEST_RATE, original.addr, now_us); break;
	}
}

static unsigned messages_in(const uint8_t *osc, size_t len)
{
	struct osc_iter it;
	struct osc_msg msg;
	unsigned n = 0;

	osc_iter_init(&it, osc, len);
	while (osc_next(&it, &msg))
		n++;
	return n;
}

/* A bundle whole where there are tokens for all of it; else message by message, as far as they reach. */
static void send_bundle(struct line_out *o, const struct gesture *g, uint64_t now_us)
{
	struct out_item it = {.from = g->from, .at_us = g->at_us, .ts = g->ts, .clock = g->clock, .event = g->event};
	unsigned errors, n;
	struct osc_msg msg;
	struct osc_iter iter;
	uint8_t *buf;

	bucket_due_rt(&o->rate->bucket, now_us);
	n = messages_in(g->osc, g->len);
	if (!o->full && !o->rate->queue.n && o->rate->bucket.has >= n * UINT64_C(1000000)) {
		buf = forward_buf_rt(o->line->forward, SCRATCH_VIEW);
		it.len = view_as(o, buf, o->line->desc.view, g->from, g->osc, g->len, g, &errors);
		it.osc = buf;
		say_errors(g, errors, now_us);
		for (unsigned i = 0; it.len && i < n; i++)
			bucket_take_rt(&o->rate->bucket, now_us);
		if (it.len)
			line_out_put_rt(o, &it, now_us);
		return;
	}
	osc_iter_init(&iter, g->osc, g->len);
	while (osc_next(&iter, &msg))
		send_one(o, g, msg.raw, msg.len, now_us);
}

void line_out_send_rt(struct line_out *o, const struct gesture *g, uint64_t now_us)
{
	if (osc_is_bundle(g->osc, g->len))
		send_bundle(o, g, now_us);
	else
		send_one(o, g, g->osc, g->len, now_us);
}

/* What waited: the name of its source is in its address, and in the source view it has to go again. */
static void put_held(struct line_out *o, const struct osc_msg *msg, uint64_t now_us)
{
	struct out_item it = {.osc = msg->raw, .len = msg->len, .at_us = now_us};
	const size_t skip = kind_prefix(msg->addr, msg->addr_len);
	struct ensemble_rt *e = o->line->player->ensemble;
	struct osc_writer w;

	if (skip && e && o->line->desc.view != VIEW_FLAT) {
		it.from = ensemble_named_rt(e, msg->addr + 3, skip - 3);
		if (!it.from)
			return;                   /* it has left meanwhile, and its keys are void */
	}
	if (it.from && o->line->desc.view == VIEW_SOURCE) {
		osc_w_init(&w, forward_buf_rt(o->line->forward, SCRATCH_VIEW), FORWARD_SCRATCH_SIZE);
		osc_w_copy(&w, msg, "", skip);
		if (osc_w_end(&w, &it.len))
			return;
		it.osc = w.buf;
	}
	line_out_put_rt(o, &it, now_us);
}

/* ---- time ---- */

static bool talks(const struct line_out *o)
{
	return o->line->opened && !o->full && o->line->desc.dir & LEG_DIR_SEND;
}

uint64_t line_out_due_rt(struct line_out *o)
{
	uint64_t due = UINT64_MAX;

	if (!talks(o))
		return UINT64_MAX;
	if (o->rate->queue.n || o->slot >= 0 || slots_any(&o->todo))
		due = bucket_due_rt(&o->rate->bucket, o->rate->bucket.last_us);
	if (slots_any(&o->again) && o->again_us < due)
		due = o->again_us;
	return o->refresh_us < due ? o->refresh_us : due;
}

void line_out_tick_rt(struct line_out *o, uint64_t now_us)
{
	struct osc_msg msg;

	if (!talks(o))
		return;
	for (int i = 0; i < TICK_MESSAGES && !o->full && o->rate->queue.n && oscrate_next_rt(o->rate, &msg, now_us); i++)
		put_held(o, &msg, now_us);
	line_out_state_rt(o, now_us);
}

void line_out_inherit_rt(struct line_out *o, struct line_out *old, uint64_t now_us)
{
	bucket_init(&o->rate->bucket, o->line->desc.takes.rate, now_us);
	o->round_us = now_us;
	o->refresh_us = o->refresh_ms ? now_us + o->refresh_ms * UINT64_C(1000) : UINT64_MAX;
	if (!old)
		return;
	if (old->line->desc.view == o->line->desc.view) {
		struct oscrate *r = o->rate;

		o->rate = old->rate;
		old->rate = r;
		o->rate->bucket = r->bucket;
	}
	o->todo  = old->todo;
	o->again = old->again;
	o->again_us = old->again_us;
	o->asked_us = old->asked_us;
	o->slot  = old->slot;
	o->at    = old->at;
	o->upto  = old->upto;
}
