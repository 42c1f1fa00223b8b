/*
 * houseout_delay.c - what players hear of delays: how late each of the others is heard by the one, with the parts of that, and
 * who is further away than the room's bound.
 *
 * A pair is the sum of two halves (control/delay.h), so whose half has changed is told to all, and who hears otherwise is told of all.
 */
#include <string.h>
#include "desk_priv.h"
#include "housepen.h"

/* What the house calls mix is the way from the mix into a packet; the parts of both ends are one number each. */
static void put_pair(struct housepen *pen, struct player *to, const struct delay *a, const struct delay *b, const char *name)
{
	const uint32_t *from = a->us, *at = b->us;
	const uint32_t parts[] = {
		from[DELAY_CAPTURE] + from[DELAY_FRAME], from[DELAY_UP], from[DELAY_BUFFER],
		at[DELAY_SEND], at[DELAY_DOWN], at[DELAY_OWN_BUFFER] + at[DELAY_PLAYBACK],
	};
	struct osc_arg args[ARRAY_SIZE(parts)];
	char addr[HOUSEPEN_ADDR];

	housepen_member(addr, name, "delay");
	housepen_f(pen, to, addr, (float)delay_between(a, b, NULL) / 1000);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		args[i] = (struct osc_arg){.tag = 'f', .v.f = (float)parts[i] / 1000};
	housepen_member(addr, name, "delay/parts");
	housepen_put(pen, to, addr, args, ARRAY_SIZE(args));
}

static const struct snapshot_delay *delay_in(const struct snapshot_delays *s, uint32_t id)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->member[i].id == id)
			return &s->member[i];
	return NULL;
}

void houseout_delays(struct player *p, const struct desk_room *r, const struct snapshot_delays *s, uint32_t me, bool all)
{
	const struct snapshot_delay *own = me ? delay_in(s, me) : NULL;
	struct housepen pen;

	if (!own || !s->watched)
		return;
	housepen_begin(&pen);
	for (size_t i = 0; i < s->n; i++) {
		const struct snapshot_delay *m = &s->member[i];
		const char *name = desk_name(r, m->id);

		if (m != own && *name && (all || m->new_to || own->new_from))
			put_pair(&pen, p, &m->d, &own->d, name);
	}
	housepen_end(&pen, p);
}

void houseout_warning(struct player *p, const struct desk_room *r, const struct event_delay *d, uint32_t me)
{
	const char *name = desk_name(r, me == d->from ? d->to : d->from);
	struct osc_arg args[2] = {{.tag = 's', .v.s = name}, {.tag = 'f', .v.f = d->over ? (float)d->us / 1000 : 0}};
	struct housepen pen;

	if (!me || (me != d->from && me != d->to) || !*name)
		return;
	housepen_begin(&pen);
	housepen_put(&pen, p, "/tutti/warn/delay", args, ARRAY_SIZE(args));
	housepen_end(&pen, p);
}
