/*
 * ensemble_tell.c - what the server says to players: of the house, of errors, of owners.
 */
#include <string.h>
#include "ensemble.h"
#include "ensemble_priv.h"

/* ---- what the house says ---- */

void player_tell_rt(struct player_rt *p, const uint8_t *osc, size_t len, uint64_t now_us)
{
	for (unsigned i = 0; i < ENSEMBLE_OSC_KINDS; i++) {
		struct line_rt *l = p->line[ensemble_osc_kinds[i]];

		if (!ensemble_speaks_rt(l))
			continue;
		l->ops->tell_rt(l, osc, len, now_us);
		return;
	}
}

void ensemble_tell_midi_rt(struct ensemble_rt *e, const struct midi_cmd *cmd, uint64_t now_us)
{
	for (struct le *le = e->players.head; le; le = le->next) {
		struct line_rt *l = ((struct player_rt *)le->data)->line[GESTLINE_MIDI];

		if (ensemble_speaks_rt(l) && l->ops->tell_midi_rt)
			l->ops->tell_midi_rt(l, cmd, now_us);
	}
}

void ensemble_tell_gest_rt(struct player_rt *p, const struct gest *g, uint64_t now_us)
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
		ensemble_tell_gest_rt(p, &g, now_us);
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
		for (unsigned i = 0; i < ENSEMBLE_OSC_KINDS && !gest_write(buf, &len, &g); i++) {
			struct line_rt *l = p->line[ensemble_osc_kinds[i]];

			if (ensemble_speaks_rt(l) && l->desc.view == VIEW_FLAT)
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
