/*
 * ensemble.c - who of a room hears whom, on which line.
 *
 * What a line has been told of is kept as bits (told): whenever something changes (a line, a direction, who meets whom) the
 * bits are compared with what should be, and joins and leaves follow from the difference. A gesture goes where the bit is.
 */
#include <string.h>
#include "ensemble.h"
#include "ensemble_priv.h"
#include "line_port.h"

const enum gestline_kind ensemble_osc_kinds[ENSEMBLE_OSC_KINDS] = {GESTLINE_OSC, GESTLINE_TLS, GESTLINE_TCP, GESTLINE_UDP};

/* ---- who hears whom ---- */

bool ensemble_speaks_rt(const struct line_rt *l)
{
	return l && l->opened && l->desc.dir & LEG_DIR_SEND;
}

/* 8.6: "delivers each foreign gesture on one line only (OSC if it `meets`, else MIDI [..])" */
static struct line_rt *line_for(const struct player_rt *to, const struct player_rt *from)
{
	for (unsigned i = 0; i < ENSEMBLE_OSC_KINDS && slots_has(&to->meets, from->slot); i++) {
		if (ensemble_speaks_rt(to->line[ensemble_osc_kinds[i]]))
			return to->line[ensemble_osc_kinds[i]];
	}
	return ensemble_speaks_rt(to->line[GESTLINE_MIDI]) ? to->line[GESTLINE_MIDI] : NULL;
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

/* May l's player hear `from`? Not itself, direction, section 8.4, and l is the line it hears it on (8.6). */
static bool ensemble_hears_rt(const struct line_rt *l, const struct player_rt *from)
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

void ensemble_enter_rt(struct ensemble_rt *e, struct player_rt *p, unsigned slot)
{
	p->ensemble = e;
	p->slot = slot;
	e->slot[slot] = p;
	list_append(&e->players, &p->le, p);
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

void ensemble_away_rt(struct player_rt *p, uint64_t now_us)
{
	hush(p, now_us);
	p->away = true;
	ensemble_let_go_rt(p, now_us);
	midi_state_init(&p->midi);                /* all it held was released */
}

/* "RTP time-out of 60 s": a player that sends by RTP alone must be heard of at times, its reports count. */
uint64_t ensemble_silent_at_rt(const struct player_rt *p)
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

/* ---- lines come and change ---- */

/* What it declared holds for all its lines; of several the first in order. */
static void declared(struct player_rt *p)
{
	p->kinds = NULL;
	p->map = NULL;
	for (unsigned i = 0; i < ENSEMBLE_OSC_KINDS && !p->kinds; i++) {
		const struct line_rt *l = p->line[ensemble_osc_kinds[i]];

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
		p->ticker = (struct ticker){.due_rt = ensemble_player_due_rt, .tick_rt = ensemble_player_tick_rt, .arg = p};
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
