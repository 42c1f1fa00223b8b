/*
 * ensemble.c - who of a room hears whom on which line, and what comes in from one on its way to the others.
 *
 *      line (in) > ensemble_osc_rt > to the server, to one, to all?  > rate > player's state > each other's line (out)
 *
 * What a line has been told of is kept as bits (told): whenever something changes (a line, a direction, who meets whom) the
 * bits are compared with what should be, and joins and leaves follow from the difference. A gesture goes where the bit is.
 */
#include <string.h>
#include "ensemble.h"
#include "house_rt.h"
#include "line_port.h"
#include "mixer/rtcp.h"

static const enum gestline_kind osc_kinds[] = {GESTLINE_OSC, GESTLINE_TLS, GESTLINE_TCP, GESTLINE_UDP};
enum { OSC_KINDS = sizeof(osc_kinds) / sizeof(osc_kinds[0]) };

/* ---- who hears whom ---- */

static bool speaks(const struct line_rt *l)
{
	return l && l->opened && l->desc.dir & LEG_DIR_SEND;
}

/* 8.6: "delivers each foreign gesture on one line only (OSC if it `meets`, else MIDI [..])" */
static struct line_rt *line_for(const struct player_rt *to, const struct player_rt *from)
{
	for (unsigned i = 0; i < OSC_KINDS && slots_has(&to->meets, from->slot); i++) {
		if (speaks(to->line[osc_kinds[i]]))
			return to->line[osc_kinds[i]];
	}
	return speaks(to->line[GESTLINE_MIDI]) ? to->line[GESTLINE_MIDI] : NULL;
}

/* "A party that leaves (BYE, line at port 0, direction without sending ..)": who has no line to play on is no source. */
static bool plays(const struct player_rt *p)
{
	for (unsigned k = 0; k < GESTLINE_KINDS; k++) {
		if (p->line[k] && p->line[k]->desc.dir & LEG_DIR_RECV)
			return true;
	}
	return false;
}

bool ensemble_hears_rt(const struct line_rt *l, const struct player_rt *from)
{
	return from != l->player && plays(from) && from->ensemble && from->ensemble == l->player->ensemble && !from->away &&
	       line_for(l->player, from) == l;
}

struct player_rt *ensemble_next_rt(const struct line_rt *l, const struct player_rt *after)
{
	struct le *le = after ? after->le.next : l->player->ensemble ? l->player->ensemble->players.head : NULL;

	for (; le; le = le->next) {
		if (ensemble_hears_rt(l, le->data))
			return le->data;
	}
	return NULL;
}

struct player_rt *ensemble_named_rt(const struct ensemble_rt *e, const char *name, size_t len)
{
	for (struct le *le = e->players.head; le; le = le->next) {
		struct player_rt *p = le->data;

		if (strlen(p->name) == len && !memcmp(p->name, name, len))
			return p;
	}
	return NULL;
}

static void settle_pair(struct line_rt *l, struct player_rt *from, uint64_t now_us)
{
	const bool want = ensemble_hears_rt(l, from), is = slots_has(&l->told, from->slot);

	if (want == is || from == l->player)
		return;
	if (want) {
		slots_add(&l->told, from->slot);
		l->ops->join_rt(l, from, now_us);
	} else {
		slots_take(&l->told, from->slot);
		l->ops->leave_rt(l, from, now_us);
	}
}

void ensemble_settle_rt(struct line_rt *l, uint64_t now_us)
{
	struct player_rt *p = l->player;

	/* another line of it may now be the better one, and leaves go before joins */
	for (struct le *le = p->ensemble ? p->ensemble->players.head : NULL; le; le = le->next) {
		struct player_rt *from = le->data;

		for (unsigned k = 0; k < GESTLINE_KINDS; k++) {
			if (p->line[k] && !ensemble_hears_rt(p->line[k], from))
				settle_pair(p->line[k], from, now_us);
		}
		for (unsigned k = 0; k < GESTLINE_KINDS; k++) {
			if (p->line[k])
				settle_pair(p->line[k], from, now_us);
		}
	}
}

/* All that has to do with one player, as hearer and as heard. */
static void settle_player(struct player_rt *p, uint64_t now_us)
{
	for (struct le *le = p->ensemble ? p->ensemble->players.head : NULL; le; le = le->next) {
		struct player_rt *o = le->data;

		for (unsigned k = 0; k < GESTLINE_KINDS; k++) {
			if (o->line[k])
				settle_pair(o->line[k], p, now_us);
			if (p->line[k])
				settle_pair(p->line[k], o, now_us);
		}
	}
}

/* ---- coming and going ---- */

static void hush(struct player_rt *p, uint64_t now_us)
{
	for (struct le *le = p->ensemble ? p->ensemble->players.head : NULL; le; le = le->next) {
		struct player_rt *o = le->data;

		for (unsigned k = 0; k < GESTLINE_KINDS; k++) {
			if (!o->line[k] || !slots_has(&o->line[k]->told, p->slot))
				continue;
			slots_take(&o->line[k]->told, p->slot);
			o->line[k]->ops->leave_rt(o->line[k], p, now_us);
		}
	}
}

void ensemble_enter_rt(struct ensemble_rt *e, struct player_rt *p, unsigned slot, uint64_t now_us)
{
	p->ensemble = e;
	p->slot = slot;
	e->slot[slot] = p;
	list_append(&e->players, &p->le, p);
	settle_player(p, now_us);
}

void ensemble_exit_rt(struct player_rt *p, uint64_t now_us)
{
	struct ensemble_rt *e = p->ensemble;

	if (!e)
		return;
	hush(p, now_us);
	for (unsigned k = 0; k < GESTLINE_KINDS; k++) {
		for (struct le *le = e->players.head; p->line[k] && le; le = le->next) {
			struct player_rt *o = le->data;

			if (!slots_has(&p->line[k]->told, o->slot))
				continue;
			slots_take(&p->line[k]->told, o->slot);
			p->line[k]->ops->leave_rt(p->line[k], o, now_us);
		}
	}
	list_unlink(&p->le);
	e->slot[p->slot] = NULL;
	p->ensemble = NULL;
}

void line_heard_rt(struct line_rt *l, uint64_t now_us)
{
	l->heard_us = now_us;
	tally_set_rt(&l->player->n.heard_us, now_us);
	if (l->player->away) {
		l->player->away = false;
		settle_player(l->player, now_us);
	}
}

static void away(struct player_rt *p, uint64_t now_us)
{
	hush(p, now_us);
	p->away = true;
	ensemble_let_go_rt(p, now_us);
	midi_state_init(&p->midi);                /* all it held was released */
	p->midi_no = 0;
}

/* "RTP time-out of 60 s": a player that sends by RTP alone must be heard of at times, its reports count. */
static uint64_t silent_at(const struct player_rt *p)
{
	static const enum gestline_kind rtp[] = {GESTLINE_MIDI, GESTLINE_OSC};
	uint64_t last = 0;

	for (unsigned k = 0; k < GESTLINE_KINDS; k++) {
		if (p->line[k] && k != rtp[0] && k != rtp[1] && p->line[k]->desc.dir & LEG_DIR_RECV)
			return UINT64_MAX;
	}
	for (unsigned i = 0; i < 2; i++) {
		const struct line_rt *l = p->line[rtp[i]];

		if (l && l->desc.dir & LEG_DIR_RECV && l->heard_us > last)
			last = l->heard_us;
	}
	return last && !p->away && p->silence_ms ? last + p->silence_ms * UINT64_C(1000) : UINT64_MAX;
}

/* ---- out to the others ---- */

/* "with two OSC lines and no GALT the first on which the message fits" */
static struct line_rt *where_it_fits(struct player_rt *to, struct line_rt *l, const struct gesture *g)
{
	const size_t len = g->len + (l->desc.view == VIEW_PREFIX ? 4 + VIEW_NAME_MAX : 0);

	if (!g->osc || l->desc.kind == GESTLINE_MIDI || len <= l->desc.takes.max)
		return l;
	for (unsigned i = 0; i < OSC_KINDS; i++) {
		struct line_rt *o = to->line[osc_kinds[i]];

		if (speaks(o) && len <= o->desc.takes.max)
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

/* ---- what the house says ---- */

void player_tell_rt(struct player_rt *p, const uint8_t *osc, size_t len, uint64_t now_us)
{
	for (unsigned i = 0; i < OSC_KINDS; i++) {
		struct line_rt *l = p->line[osc_kinds[i]];

		if (!speaks(l))
			continue;
		l->ops->tell_rt(l, osc, len, now_us);
		return;
	}
}

void ensemble_tell_rt(struct ensemble_rt *e, const uint8_t *osc, size_t len, uint64_t now_us)
{
	for (struct le *le = e->players.head; le; le = le->next)
		player_tell_rt(le->data, osc, len, now_us);
}

void ensemble_tell_midi_rt(struct ensemble_rt *e, const struct midi_cmd *cmd, uint64_t now_us)
{
	for (struct le *le = e->players.head; le; le = le->next) {
		struct line_rt *l = ((struct player_rt *)le->data)->line[GESTLINE_MIDI];

		if (speaks(l) && l->ops->tell_midi_rt)
			l->ops->tell_midi_rt(l, cmd, now_us);
	}
}

static void tell_gest(struct player_rt *p, const struct gest *g, uint64_t now_us)
{
	uint8_t *buf = forward_buf_rt(p->forward, SCRATCH_GEST);
	size_t len = FORWARD_SCRATCH_SIZE;

	if (!gest_write(buf, &len, g))
		player_tell_rt(p, buf, len, now_us);
}

static const char *words_of(int code)
{
	static const char *const words[GEST_ERRORS] = {
		[GEST_MALFORMED] = "malformed packet", [GEST_TOO_BIG] = "too big for a receiver",
		[GEST_TYPE] = "a type that a receiver does not take", [GEST_RESERVED] = "reserved address",
		[GEST_OWNER] = "another owns this address", [GEST_RATE] = "too many messages a second",
		[GEST_FULL] = "too many addresses: not kept", [GEST_UNKNOWN] = "nobody of that name",
		[GEST_NO_MIDI] = "this has no meaning in MIDI"};

	return code > 0 && code < GEST_ERRORS && words[code] ? words[code] : "error";
}

static void count_error(struct relay_count *n, int code)
{
	switch (code) {

	case GEST_MALFORMED: tally_up_rt(&n->malformed); break;
	case GEST_TOO_BIG:   tally_up_rt(&n->too_big); break;
	case GEST_TYPE:      tally_up_rt(&n->type_dropped); break;
	case GEST_OWNER:     tally_up_rt(&n->owner_dropped); break;
	case GEST_RATE:      tally_up_rt(&n->rate_dropped); break;
	case GEST_FULL:      tally_up_rt(&n->unstored); break;
	case GEST_NO_MIDI:   tally_up_rt(&n->unmapped); break;
	default: break;
	}
}

void ensemble_error_rt(struct player_rt *p, int code, const char *addr, uint64_t now_us)
{
	const struct gest g = {.kind = GEST_ERROR, .n = code, .name = addr, .text = words_of(code)};

	count_error(forward_count(p->forward), code);
	if (gest_may_say(&p->said, (enum gest_error)code, now_us))
		tell_gest(p, &g, now_us);
}

/* ---- in: OSC ---- */

static bool begins(const struct osc_msg *msg, const char *with)
{
	return !strncmp(msg->addr, with, strlen(with));
}

static void control(struct line_rt *l, const struct osc_msg *msg, uint64_t now_us)
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
		tell_gest(p, &g, now_us);
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

static void count_in(struct player_rt *p, const struct gesture *g, unsigned n)
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
		control(l, msg, now_us);
		return;
	}
	/* "party sends on a line whose direction forbids it: dropped, counted" */
	if (!(l->desc.dir & LEG_DIR_RECV)) {
		tally_up_rt(&forward_count(p->forward)->direction);
		return;
	}
	count_in(p, g, 1);
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
			forward_say_rt(p->forward, p->id, msg->raw, msg->len, false);
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

void ensemble_osc_rt(struct line_rt *l, const struct gesture *g, uint64_t now_us)
{
	struct player_rt *p = l->player;
	struct osc_iter it;
	struct osc_msg msg;
	unsigned n = 0;

	if (!p->ensemble)
		return;
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
	count_in(p, g, n);
	ensemble_to_all_rt(g, now_us);
	osc_iter_init(&it, g->osc, g->len);
	while (osc_next(&it, &msg))
		ensemble_also_midi_rt(&msg, g, NULL, now_us);
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
		forward_say_rt(p->forward, p->id, bytes, sizeof(bytes), true);
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
	count_in(p, g, 1);
	say_midi(p, g->midi);
	house_midi_rt(l, g, now_us);
	ensemble_also_osc_rt(g, now_us);
	midi_state_apply(&p->midi, g->midi, ++p->midi_no, g->ts);
	ensemble_to_all_rt(g, now_us);
}

/* ---- a player's time ---- */

static uint64_t player_due(struct ticker *t)
{
	struct player_rt *p = t->arg;
	const uint64_t rate = oscrate_due_rt(p->up, p->up->bucket.last_us), silent = silent_at(p);

	return rate < silent ? rate : silent;
}

static void player_tick(struct ticker *t, uint64_t now_us)
{
	struct player_rt *p = t->arg;
	const struct gesture g = {.from = p, .at_us = now_us};
	struct osc_msg msg;

	while (p->up->queue.n && oscrate_next_rt(p->up, &msg, now_us)) {
		if (p->ensemble)
			deliver(NULL, &msg, OSC_STATE, &g, now_us);
	}
	if (now_us >= silent_at(p))
		away(p, now_us);
}

/* ---- lines come and change ---- */

/* What it declared holds for all its lines; of several the first in order. */
static void declared(struct player_rt *p)
{
	p->kinds = NULL;
	p->map = NULL;
	for (unsigned i = 0; i < OSC_KINDS && !p->kinds; i++) {
		const struct line_rt *l = p->line[osc_kinds[i]];

		p->kinds = l && l->desc.space ? &l->desc.space->kinds : NULL;
		p->map = l && l->desc.space ? l->desc.space->map : NULL;
	}
}

static uint64_t line_due(struct ticker *t)
{
	struct line_rt *l = t->arg;

	return l->ops->due_rt(l);
}

static void line_tick(struct ticker *t, uint64_t now_us)
{
	struct line_rt *l = t->arg;

	l->ops->tick_rt(l, now_us);
}

static void line_freed(void *obj)
{
	mem_deref(obj);
}

static void line_in(struct player_rt *p, struct line_rt *l, struct line_rt *old, uint64_t now_us)
{
	l->player  = p;
	l->forward = p->forward;
	l->ticker  = (struct ticker){.due_rt = line_due, .tick_rt = line_tick, .arg = l};
	l->opened  = l->desc.kind == GESTLINE_OSC || l->desc.kind == GESTLINE_MIDI;
	l->heard_us = old ? old->heard_us : now_us;
	if (old)
		l->told = old->told;
	l->ops->inherit_rt(l, old, now_us);
	ticker_add_rt(p->forward, &l->ticker);
}

void ensemble_line_rt(struct player_rt *p, enum gestline_kind kind, struct line_rt *l, struct line_port *port, uint64_t now_us)
{
	struct line_rt *old = p->line[kind];

	if (!p->ticker.arg) {
		p->ticker = (struct ticker){.due_rt = player_due, .tick_rt = player_tick, .arg = p};
		ticker_add_rt(p->forward, &p->ticker);
	}
	p->line[kind] = l;
	line_port_set_rt(port, l);
	if (l) {
		line_in(p, l, old, now_us);
		ensemble_settle_rt(l, now_us);
	} else if (old) {
		old->ops->close_rt(old, now_us);
	}
	declared(p);
	settle_player(p, now_us);
	if (old) {
		ticker_del_rt(p->forward, &old->ticker);
		give_back_rt(p->forward, &old->give, line_freed, old);
	}
}

void ensemble_meets_rt(struct player_rt *p, const struct slots *hears, const struct slots *heard, uint64_t now_us)
{
	p->meets = *hears;
	for (struct le *le = p->ensemble ? p->ensemble->players.head : NULL; le; le = le->next) {
		struct player_rt *o = le->data;

		if (slots_has(heard, o->slot))
			slots_add(&o->meets, p->slot);
		else
			slots_take(&o->meets, p->slot);
	}
	settle_player(p, now_us);
}

/* ---- owners of the flat view ---- */

static bool same_claim(const struct owners *a, unsigned i, const struct owners *b)
{
	for (unsigned k = 0; b && k < b->n; k++) {
		if (a->claim[i].source == b->claim[k].source && !strcmp(a->claim[i].pattern, b->claim[k].pattern))
			return true;
	}
	return false;
}

static void tell_flat(struct ensemble_rt *e, const char *pattern, const char *name, uint64_t now_us)
{
	const struct gest g = {.kind = GEST_OWNER_OF, .text = pattern, .name = name};
	uint8_t *buf;
	size_t len = FORWARD_SCRATCH_SIZE;

	for (struct le *le = e->players.head; le; le = le->next) {
		struct player_rt *p = le->data;

		buf = forward_buf_rt(p->forward, SCRATCH_GEST);
		len = FORWARD_SCRATCH_SIZE;
		for (unsigned i = 0; i < OSC_KINDS && !gest_write(buf, &len, &g); i++) {
			struct line_rt *l = p->line[osc_kinds[i]];

			if (speaks(l) && l->desc.view == VIEW_FLAT)
				l->ops->tell_rt(l, buf, len, now_us);
			len = FORWARD_SCRATCH_SIZE;
		}
	}
}

static const char *name_of(const struct ensemble_rt *e, uint32_t id)
{
	for (struct le *le = e->players.head; le; le = le->next) {
		const struct player_rt *p = le->data;

		if (p->id == id)
			return p->name;
	}
	return "";
}

/* "`/_gest/owner` is sent to the flat parties on grant, end and join." */
void ensemble_owners_rt(struct ensemble_rt *e, struct owners *o, uint64_t now_us)
{
	const struct owners *old = e->owners;

	e->owners = o;
	for (unsigned i = 0; old && i < old->n; i++) {
		if (!o || !same_claim(old, i, o))
			tell_flat(e, old->claim[i].pattern, "", now_us);
	}
	for (unsigned i = 0; o && i < o->n; i++) {
		if (!same_claim(o, i, old))
			tell_flat(e, o->claim[i].pattern, name_of(e, o->claim[i].source), now_us);
	}
}
