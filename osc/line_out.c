/*
 * line_out.c - what lines of OSC share on their way out.
 *
 * State that has to wait for a token waits under the name of its source (/p/NAME/..), whatever the view: so keys of two sources
 * are two keys, and it is known whose it is when its time comes. In the flat view they are one.
 *
 * Telling the state of a player walks over its table of keys, a message for each token, while live messages go on: what is live
 * for a key is newer than what is told afterwards, which then is the same. A key that came alive after the walk began was sent when it
 * did. So the count said at the begin is that of the keys alive at that time; it is short by those deleted meanwhile.
 */
#include <string.h>
#include "bridge.h"
#include "line_out.h"

enum { AGAIN_US = 500000, TICK_MESSAGES = 64, HELD_KEYS = 16384, HELD_BYTES = 1024 * 1024, REFRESH_STEP_US = 50 };

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

static size_t view_as(struct line_out *o, uint8_t *buf, enum osc_view view, struct player_rt *from, const uint8_t *osc,
		      size_t len, unsigned *errors)
{
	const struct gestline *d = &o->line->desc;
	const struct views v = {.view = view, .types = d->takes.types, .deep = d->takes.deep, .max = d->takes.max,
		.receiver = o->line->player->name, .source = from->name, .source_id = from->id,
		.owners = from->ensemble ? from->ensemble->owners : NULL};
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
	return view_as(o, *buf, o->line->desc.view, from, osc, len, errors);
}

static void put(struct line_out *o, const struct out_item *it, uint64_t now_us)
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
	len = view_as(o, buf, VIEW_PREFIX, g->from, original->raw, original->len, &errors);
	if (!len || osc_msg_read(&named, buf, len))
		return OSCRATE_DROPPED;
	return oscrate_offer_rt(o->rate, &named, kind, now_us);
}

static void send_one(struct line_out *o, const struct gesture *g, const uint8_t *osc, size_t len, uint64_t now_us)
{
	struct out_item it = {.from = g->from, .at_us = g->at_us, .ts = g->ts, .clock = g->clock, .event = g->event};
	struct osc_msg msg, original;
	unsigned errors;
	uint8_t *buf;

	it.len = line_out_view_rt(o, &buf, g->from, osc, len, &errors);
	it.osc = buf;
	say_errors(g, errors, now_us);
	if (!it.len || osc_msg_read(&msg, buf, it.len) || osc_msg_read(&original, osc, len))
		return;
	switch (offer(o, g, &original, &msg, now_us)) {

	case OSCRATE_SEND:    put(o, &it, now_us); break;
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
		it.len = line_out_view_rt(o, &buf, g->from, g->osc, g->len, &errors);
		it.osc = buf;
		say_errors(g, errors, now_us);
		for (unsigned i = 0; it.len && i < n; i++)
			bucket_take_rt(&o->rate->bucket, now_us);
		if (it.len)
			put(o, &it, now_us);
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
	put(o, &it, now_us);
}

/* ---- state ---- */

static struct player_rt *at_slot(const struct line_out *o, unsigned slot)
{
	struct ensemble_rt *e = o->line->player->ensemble;

	return e && slot < ENSEMBLE_PLAYERS && slots_has(&o->line->told, slot) ? e->slot[slot] : NULL;
}

/* 7.1: "Refresh on G3 and snapshots on G3 to G5 omit `/midi/C/note/N` unless its value is 0" */
static bool repeats(const struct osc_msg *msg)
{
	return !kind_is_note(msg->addr, msg->addr_len) || !kind_is_held(msg);
}

/* "A flat snapshot has each key once (last writer)." */
bool line_out_last_writer_rt(const struct line_out *o, const struct player_rt *from, const struct osc_msg *msg, const struct key *key)
{
	struct ensemble_rt *e = o->line->player->ensemble;

	for (struct le *le = o->line->desc.view == VIEW_FLAT ? e->players.head : NULL; le; le = le->next) {
		const struct player_rt *other = le->data;
		const struct key *its = other == from ? NULL : osckeys_find_rt(other->keys, msg->addr, msg->addr_len);

		if (its && its->live && its->mark > key->mark)
			return false;
	}
	return true;
}

static bool is_told(const struct line_out *o, const struct player_rt *from, const struct key *key, struct osc_msg *msg)
{
	if (!key->used || !key->live)
		return false;
	osckeys_msg_rt(msg, from->keys, key);
	return repeats(msg) && line_out_last_writer_rt(o, from, msg, key);
}

static void say_gest(struct line_out *o, const struct gest *g, uint64_t now_us)
{
	uint8_t *buf = forward_buf_rt(o->line->forward, SCRATCH_GEST);
	size_t len = FORWARD_SCRATCH_SIZE;

	if (!gest_write(buf, &len, g))
		line_out_tell_rt(o, buf, len, now_us);
}

static unsigned how_many(const struct line_out *o, const struct player_rt *from)
{
	struct osc_msg msg;
	unsigned n = 0;

	for (unsigned i = 0; i < from->keys->n_max; i++)
		n += is_told(o, from, &from->keys->key[i], &msg);
	return n;
}

static void begin_telling(struct line_out *o, unsigned slot, uint64_t now_us)
{
	struct player_rt *from = at_slot(o, slot);

	slots_take(&o->todo, slot);
	if (!from)
		return;
	o->slot = (int)slot;
	o->at   = 0;
	o->upto = from->set_no;
	if (!o->framed)
		return;
	tally_up_rt(&line_count(o->line)->snapshots);
	say_gest(o, &(struct gest){.kind = GEST_SNAPSHOT_BEGIN, .name = from->name, .n = (int32_t)how_many(o, from)}, now_us);
}

static void end_telling(struct line_out *o, const struct player_rt *from, uint64_t now_us)
{
	if (o->framed && from)
		say_gest(o, &(struct gest){.kind = GEST_SNAPSHOT_END, .name = from->name}, now_us);
	o->slot = -1;
}

/* The next key of whose turn it is; false: it has no more. */
static bool tell_next(struct line_out *o, uint64_t now_us)
{
	struct player_rt *from = at_slot(o, (unsigned)o->slot);
	struct out_item it = {.from = from, .at_us = now_us};
	struct osc_msg msg;
	unsigned errors;
	uint8_t *buf;

	while (from && o->at < from->keys->n_max) {
		const struct key *key = &from->keys->key[o->at];

		if (key->last > o->upto || !is_told(o, from, key, &msg)) {
			o->at++;
			continue;
		}
		if (!bucket_take_rt(&o->rate->bucket, now_us))
			return true;
		o->at++;
		it.len = line_out_view_rt(o, &buf, from, msg.raw, msg.len, &errors);
		it.osc = buf;
		if (it.len)
			put(o, &it, now_us);
		return true;
	}
	end_telling(o, from, now_us);
	return false;
}

static int next_slot(const struct line_out *o)
{
	for (unsigned i = 0; i < ENSEMBLE_PLAYERS; i++) {
		if (slots_has(&o->todo, i))
			return (int)i;
	}
	return -1;
}

static bool any(const struct slots *s)
{
	uint64_t all = 0;

	for (unsigned i = 0; i < SLOT_WORDS; i++)
		all |= s->bit[i];
	return all != 0;
}

static void tell(struct line_out *o, uint64_t now_us)
{
	for (int i = 0; i < TICK_MESSAGES && !o->full; i++) {
		if (o->slot < 0 && next_slot(o) >= 0)
			begin_telling(o, (unsigned)next_slot(o), now_us);
		if (o->slot < 0 && next_slot(o) < 0)
			return;
		if (o->slot >= 0)
			tell_next(o, now_us);
	}
}

void line_out_join_rt(struct line_out *o, struct player_rt *from, bool state, uint64_t now_us)
{
	say_gest(o, &(struct gest){.kind = GEST_JOIN, .name = from->name}, now_us);
	if (!state)
		return;
	slots_add(&o->todo, from->slot);
	if (o->twice) {
		slots_add(&o->again, from->slot);
		o->again_us = now_us + AGAIN_US;
	}
	tell(o, now_us);
}

void line_out_leave_rt(struct line_out *o, struct player_rt *from, uint64_t now_us)
{
	slots_take(&o->todo, from->slot);
	slots_take(&o->again, from->slot);
	if (o->slot == (int)from->slot)
		o->slot = -1;
	if (o->line->opened && o->line->desc.dir & LEG_DIR_SEND)
		say_gest(o, &(struct gest){.kind = GEST_LEAVE, .name = from->name}, now_us);
}

void line_out_refresh_rt(struct line_out *o, uint64_t now_us)
{
	for (unsigned i = 0; i < SLOT_WORDS; i++)
		o->todo.bit[i] |= o->line->told.bit[i];
	tell(o, now_us);
}

/* ---- refresh: "the sender repeats each live state key within each refresh interval, spread evenly" ---- */

static unsigned keys_of_all(const struct line_out *o)
{
	unsigned n = 0;

	for (struct player_rt *p = NULL; (p = ensemble_next_rt(o->line, p)) != NULL;)
		n += p->keys->n;
	return n;
}

static bool refresh_next(struct line_out *o, struct osc_msg *msg, struct player_rt **from)
{
	for (unsigned rounds = 0; rounds <= ENSEMBLE_PLAYERS; rounds++) {
		*from = at_slot(o, o->refresh_slot);
		while (*from && o->refresh_at < (*from)->keys->n_max) {
			if (is_told(o, *from, &(*from)->keys->key[o->refresh_at++], msg))
				return true;
		}
		o->refresh_at = 0;
		o->refresh_slot = (o->refresh_slot + 1) % ENSEMBLE_PLAYERS;
	}
	return false;
}

static void refresh(struct line_out *o, uint64_t now_us)
{
	const uint64_t interval = o->refresh_ms * UINT64_C(1000), step = interval / (keys_of_all(o) + 1);
	struct out_item it = {.at_us = now_us};
	struct osc_msg msg;
	unsigned errors;
	uint8_t *buf;

	o->refresh_us += step > REFRESH_STEP_US ? step : REFRESH_STEP_US;
	if (now_us > o->refresh_us + interval)
		o->refresh_us = now_us;           /* nobody asked for long: what was missed is missed */
	/* what a player says now goes before what it said */
	if (o->rate->queue.n || !refresh_next(o, &msg, &it.from) || !bucket_take_rt(&o->rate->bucket, now_us))
		return;
	it.len = line_out_view_rt(o, &buf, it.from, msg.raw, msg.len, &errors);
	it.osc = buf;
	if (it.len)
		put(o, &it, now_us);
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
	if (o->rate->queue.n || o->slot >= 0 || any(&o->todo))
		due = bucket_due_rt(&o->rate->bucket, o->rate->bucket.last_us);
	if (any(&o->again) && o->again_us < due)
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
	if (any(&o->again) && now_us >= o->again_us) {
		for (unsigned i = 0; i < SLOT_WORDS; i++)
			o->todo.bit[i] |= o->again.bit[i];
		memset(&o->again, 0, sizeof(o->again));
	}
	tell(o, now_us);
	if (!o->full && now_us >= o->refresh_us)
		refresh(o, now_us);
}

void line_out_inherit_rt(struct line_out *o, struct line_out *old, uint64_t now_us)
{
	bucket_init(&o->rate->bucket, o->line->desc.takes.rate, now_us);
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
	o->slot  = old->slot;
	o->at    = old->at;
	o->upto  = old->upto;
}
