/*
 * ensemble_in.c - a gesture on its way from one player to the others.
 *
 *      line (in) > ensemble_osc_rt > to the server, to one, to all?  > rate > player's state > each other's line (out)
 */
#include <string.h>
#include "ensemble.h"
#include "ensemble_priv.h"
#include "house_rt.h"
#include "mixer/rtcp.h"

/* ---- out to the others ---- */

/* "with two OSC lines and no GALT the first on which the message fits" */
static struct line_rt *where_it_fits(struct player_rt *to, struct line_rt *l, const struct gesture *g)
{
	const size_t len = g->len + (l->desc.view == VIEW_PREFIX ? 4 + VIEW_NAME_MAX : 0);

	if (!g->osc || l->desc.kind == GESTLINE_MIDI || len <= l->desc.takes.max)
		return l;
	for (unsigned i = 0; i < ENSEMBLE_OSC_KINDS; i++) {
		struct line_rt *o = to->line[ensemble_osc_kinds[i]];

		if (ensemble_speaks_rt(o) && len <= o->desc.takes.max)
			return o;
	}
	return l;
}

bool ensemble_to_player_rt(struct player_rt *to, const struct gesture *g, uint64_t now_us)
{
	for (unsigned k = 0; k < GESTLINE_KINDS; k++) {
		struct line_rt *l = to->line[k];

		if (!l || !slots_has(&l->told, g->from->slot))
			continue;
		if ((l->desc.kind == GESTLINE_MIDI) != (g->osc == NULL))
			return false;
		l = where_it_fits(to, l, g);
		l->ops->send_rt(l, g, now_us);
		return true;
	}
	return false;
}

void ensemble_to_all_rt(const struct gesture *g, uint64_t now_us)
{
	struct ensemble_rt *e = g->from->ensemble;

	for (struct le *le = e->players.head; le; le = le->next) {
		if (le->data != g->from)
			(void)ensemble_to_player_rt(le->data, g, now_us);
	}
}

void ensemble_batch_rt(struct player_rt *p)
{
	p->more = true;
}

void ensemble_flush_rt(struct player_rt *p, uint64_t now_us)
{
	p->more = false;
	for (struct le *le = p->ensemble ? p->ensemble->players.head : NULL; le; le = le->next) {
		struct line_rt *l = ((struct player_rt *)le->data)->line[GESTLINE_MIDI];

		if (l && l->player != p && l->ops->flush_rt)
			l->ops->flush_rt(l, now_us);
	}
}

/* ---- in: OSC ---- */

static bool begins(const struct osc_msg *msg, const char *with)
{
	return !strncmp(msg->addr, with, strlen(with));
}

void ensemble_control_rt(struct line_rt *l, const struct osc_msg *msg, uint64_t now_us)
{
	struct player_rt *p = l->player;
	struct gest g;

	gest_read(&g, msg);
	if (!gest_from_party(g.kind))
		return;
	if (g.kind == GEST_REFRESH && l->desc.dir & LEG_DIR_SEND && l->opened) {
		l->ops->refresh_rt(l, now_us);
	} else if (g.kind == GEST_PING && bucket_take_rt(&p->up->bucket, now_us)) {
		g.kind = GEST_PONG;
		g.now = rtcp_ntp(forward_unix_us_rt(p->forward, now_us));
		ensemble_tell_gest_rt(p, &g, now_us);
	}
}

/* false: it says what was known already. */
static bool keep(struct player_rt *p, const struct osc_msg *msg, uint64_t now_us)
{
	struct key *key = osckeys_find_rt(p->keys, msg->addr, msg->addr_len);
	const bool was = key && key->live;

	if (key && key->len == msg->len && !memcmp(osckeys_raw_rt(p->keys, key), msg->raw, msg->len))
		return false;
	if (osckeys_set_rt(&key, p->keys, msg)) {
		ensemble_error_rt(p, GEST_FULL, msg->addr, now_us);
		if (key)
			osckeys_drop_rt(p->keys, key);   /* what it had is not true any more */
		return true;
	}
	key->mark = ++p->set_no;
	if (!was)
		key->last = key->mark;
	return true;
}

bool ensemble_keep_rt(struct player_rt *p, const struct osc_msg *msg, enum osc_kind kind, uint64_t now_us)
{
	uint8_t buf[KIND_OFF_MAX];
	struct osc_msg zero;
	size_t len;

	if (kind == OSC_STATE)
		return keep(p, msg, now_us);
	/* /midi/C/off/N: "the key note/N becomes 0" */
	if (kind_off_key(buf, &len, msg) && !osc_msg_read(&zero, buf, len))
		(void)keep(p, &zero, now_us);
	return true;
}

void ensemble_count_rt(struct player_rt *p, const struct gesture *g, unsigned n)
{
	tally_add_rt(&forward_count(p->forward)->messages_in, n);
	tally_add_rt(&p->n.messages_in, n);
	if (g->repaired) {
		tally_up_rt(&forward_count(p->forward)->repaired);
		tally_up_rt(&p->n.repaired);
	}
}

static void deliver(struct line_rt *l, const struct osc_msg *msg, enum osc_kind kind, const struct gesture *g, uint64_t now_us)
{
	struct gesture one = *g;

	/* 7.1: "A state message from G3 equal to the stored value is not forwarded." */
	if (!ensemble_keep_rt(g->from, msg, kind, now_us) && l && l->desc.kind == GESTLINE_UDP)
		return;
	one.osc = msg->raw;
	one.len = msg->len;
	ensemble_to_all_rt(&one, now_us);
	ensemble_also_midi_rt(msg, &one, NULL, now_us);
}

static void to_one(struct player_rt *p, const struct osc_msg *msg, const struct gesture *g, uint64_t now_us)
{
	struct gesture one = *g;
	struct player_rt *to = NULL;
	struct osc_writer w;
	struct osc_msg rest;
	const char *name;
	size_t name_len, skip = views_addressee(&name, &name_len, msg->addr, msg->addr_len);

	if (skip && strncmp(msg->addr + skip, "/to/", 4))
		to = ensemble_named_rt(p->ensemble, name, name_len);
	if (!to || to == p) {
		ensemble_error_rt(p, GEST_UNKNOWN, msg->addr, now_us);
		return;
	}
	if (!strncmp(msg->addr + skip, "/p/", 3)) {
		ensemble_error_rt(p, GEST_RESERVED, msg->addr, now_us);
		return;
	}
	osc_w_init(&w, forward_buf_rt(p->forward, SCRATCH_STRIP), FORWARD_SCRATCH_SIZE);
	osc_w_copy(&w, msg, "", skip);
	if (osc_w_end(&w, &one.len))
		return;
	one.osc = w.buf;
	one.event = true;         /* "It is an event even if `/<rest>` would be state." */
	if (!ensemble_to_player_rt(to, &one, now_us) && !osc_msg_read(&rest, one.osc, one.len))
		ensemble_also_midi_rt(&rest, &one, to, now_us);
}

static void one_message(struct line_rt *l, const struct osc_msg *msg, const struct gesture *g, uint64_t now_us)
{
	struct player_rt *p = l->player;
	enum osc_kind kind = g->event ? OSC_EVENT : kind_of(p->kinds, msg);

	if (begins(msg, "/_gest/")) {
		ensemble_control_rt(l, msg, now_us);
		return;
	}
	/* "party sends on a line whose direction forbids it: dropped, counted" */
	if (!(l->desc.dir & LEG_DIR_RECV)) {
		tally_up_rt(&forward_count(p->forward)->direction);
		return;
	}
	ensemble_count_rt(p, g, 1);
	if (begins(msg, "/p/")) {
		ensemble_error_rt(p, GEST_RESERVED, msg->addr, now_us);
		return;
	}
	switch (oscrate_offer_rt(p->up, msg, begins(msg, "/tutti/") ? OSC_EVENT : kind, now_us)) {

	case OSCRATE_SEND: break;
	case OSCRATE_HELD:
		tally_up_rt(&forward_count(p->forward)->coalesced);
		return;
	case OSCRATE_DROPPED:
		ensemble_error_rt(p, GEST_RATE, msg->addr, now_us);
		return;
	}
	if (begins(msg, "/tutti/")) {
		if (!house_rt(l, msg, now_us))
			forward_say_rt(p->forward, p->id, msg->raw, msg->len, false, NULL);
	} else if (begins(msg, "/to/"))
		to_one(p, msg, g, now_us);
	else
		deliver(l, msg, kind, g, now_us);
}

/* A bundle goes on as it is where all in it may; else its messages go one by one. Gives how many there are, 0: one by one. */
static unsigned whole_bundle(struct line_rt *l, const struct gesture *g, uint64_t now_us)
{
	struct player_rt *p = l->player;
	struct osc_iter it;
	struct osc_msg msg;
	unsigned n = 0;

	osc_iter_init(&it, g->osc, g->len);
	while (osc_next(&it, &msg)) {
		if (begins(&msg, "/_gest/") || begins(&msg, "/p/") || begins(&msg, "/to/") || begins(&msg, "/tutti/"))
			return 0;
		n++;
	}
	if (!(l->desc.dir & LEG_DIR_RECV) || l->desc.kind == GESTLINE_UDP || g->event || p->up->queue.n)
		return 0;
	bucket_due_rt(&p->up->bucket, now_us);    /* fills it */
	if (p->up->bucket.has < n * UINT64_C(1000000))
		return 0;
	for (unsigned i = 0; i < n; i++)
		bucket_take_rt(&p->up->bucket, now_us);
	return n;
}

static void take_osc(struct line_rt *l, const struct gesture *g, uint64_t now_us)
{
	struct player_rt *p = l->player;
	struct osc_iter it;
	struct osc_msg msg;
	unsigned n = 0;

	if (osc_is_bundle(g->osc, g->len))
		n = whole_bundle(l, g, now_us);
	osc_iter_init(&it, g->osc, g->len);
	while (osc_next(&it, &msg)) {
		if (!n)
			one_message(l, &msg, g, now_us);
		else
			(void)ensemble_keep_rt(p, &msg, kind_of(p->kinds, &msg), now_us);
	}
	if (!n)
		return;
	ensemble_count_rt(p, g, n);
	ensemble_to_all_rt(g, now_us);
	osc_iter_init(&it, g->osc, g->len);
	while (osc_next(&it, &msg))
		ensemble_also_midi_rt(&msg, g, NULL, now_us);
}

void ensemble_osc_rt(struct line_rt *l, const struct gesture *g, uint64_t now_us)
{
	struct player_rt *p = l->player;
	const bool alone = !p->more;              /* else its line knows of more in this packet */

	if (!p->ensemble)
		return;
	if (p->end) {
		ensemble_end_osc_rt(l, g, now_us);
		return;
	}
	if (alone)
		ensemble_batch_rt(p);
	take_osc(l, g, now_us);
	if (alone)
		ensemble_flush_rt(p, now_us);
}

/* ---- in: MIDI ---- */

bool ensemble_admits_rt(struct line_rt *l, uint64_t now_us)
{
	if (bucket_take_rt(&l->player->up_midi, now_us))
		return true;
	tally_up_rt(&forward_count(l->player->forward)->rate_dropped);
	return false;
}

static void say_midi(struct player_rt *p, const struct midi_cmd *cmd)
{
	const uint8_t bytes[3] = {cmd->status, cmd->data[0], cmd->data[1]};

	if (p->surface && cmd->status != MIDI_SYSEX && cmd->status < MIDI_CLOCK)
		forward_say_rt(p->forward, p->id, bytes, sizeof(bytes), true, NULL);
}

void ensemble_midi_rt(struct line_rt *l, const struct gesture *g, uint64_t now_us)
{
	struct player_rt *p = l->player;

	if (!p->ensemble)
		return;
	if (!(l->desc.dir & LEG_DIR_RECV)) {
		tally_up_rt(&forward_count(p->forward)->direction);
		return;
	}
	ensemble_count_rt(p, g, 1);
	say_midi(p, g->midi);
	house_midi_rt(l, g, now_us);
	ensemble_also_osc_rt(g, now_us);
	midi_state_apply(&p->midi, g->midi, ++p->ensemble->midi_no, g->ts);
	ensemble_to_all_rt(g, now_us);
}

/* ---- a player's time ---- */

uint64_t ensemble_player_due_rt(struct ticker *t)
{
	struct player_rt *p = t->arg;
	const uint64_t rate = oscrate_due_rt(p->up, p->up->bucket.last_us), silent = ensemble_silent_at_rt(p);

	return rate < silent ? rate : silent;
}

void ensemble_player_tick_rt(struct ticker *t, uint64_t now_us)
{
	struct player_rt *p = t->arg;
	const struct gesture g = {.from = p, .at_us = now_us};
	struct osc_msg msg;

	while (p->up->queue.n && oscrate_next_rt(p->up, &msg, now_us)) {
		if (p->end)
			ensemble_end_held_rt(p, &msg, now_us);
		else if (p->ensemble)
			deliver(NULL, &msg, OSC_STATE, &g, now_us);
	}
	if (now_us >= ensemble_silent_at_rt(p))
		ensemble_away_rt(p, now_us);
}
