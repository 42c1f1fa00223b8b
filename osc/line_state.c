/*
 * line_state.c - the state of players, told to a line of OSC: to who has come, to who asks, and over and over where nothing repairs.
 *
 * Telling the state of a player walks over its table of keys, a message for each token, while live messages go on: what is live
 * for a key is newer than what is told afterwards, which then is the same. A key that came alive after the walk began was sent when it
 * did. So the count said at the begin is that of the keys alive at that time; it is short by those deleted meanwhile.
 */
#include <string.h>
#include "line_out.h"
#include "line_out_priv.h"

enum { AGAIN_US = 500000, ASKED_US = 500000, TICK_MESSAGES = 64, REFRESH_STEP_US = 50 };

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

	for (unsigned i = 0; i < from->keys->slots; i++)
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

	while (from && o->at < from->keys->slots) {
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
			line_out_put_rt(o, &it, now_us);
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
	/* asking costs twenty octets, and the state is large: no amplifier */
	if (o->asked_us && now_us - o->asked_us < ASKED_US)
		return;
	o->asked_us = now_us;
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

/* The next key of this round; false: it is over. */
static bool refresh_next(struct line_out *o, struct osc_msg *msg, struct player_rt **from)
{
	for (; o->refresh_slot < ENSEMBLE_PLAYERS; o->refresh_slot++) {
		*from = at_slot(o, o->refresh_slot);
		while (*from && o->refresh_at < (*from)->keys->slots) {
			if (is_told(o, *from, &(*from)->keys->key[o->refresh_at++], msg))
				return true;
		}
		o->refresh_at = 0;
	}
	o->refresh_slot = 0;
	return false;
}

static void refresh(struct line_out *o, uint64_t now_us)
{
	const uint64_t interval = o->refresh_ms * UINT64_C(1000), step = interval / (keys_of_all(o) + 1);
	struct out_item it = {.at_us = now_us};
	struct osc_msg msg;
	unsigned errors;
	uint8_t *buf;

	o->refresh_us = now_us + (step > REFRESH_STEP_US ? step : REFRESH_STEP_US);
	/* what a player says now goes before what it said; and not everything counted is repeated: notes are not */
	if (o->rate->queue.n || !bucket_take_rt(&o->rate->bucket, now_us))
		return;
	if (!refresh_next(o, &msg, &it.from)) {
		if (o->round_us + interval > o->refresh_us)
			o->refresh_us = o->round_us + interval;
		o->round_us = o->refresh_us;
		return;
	}
	it.len = line_out_view_rt(o, &buf, it.from, msg.raw, msg.len, &errors);
	it.osc = buf;
	if (it.len)
		line_out_put_rt(o, &it, now_us);
}

/* ---- time ---- */

void line_out_state_rt(struct line_out *o, uint64_t now_us)
{
	if (slots_any(&o->again) && now_us >= o->again_us) {
		for (unsigned i = 0; i < SLOT_WORDS; i++)
			o->todo.bit[i] |= o->again.bit[i];
		memset(&o->again, 0, sizeof(o->again));
	}
	tell(o, now_us);
	if (!o->full && now_us >= o->refresh_us)
		refresh(o, now_us);
}
