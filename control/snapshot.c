/*
 * snapshot.c - a room copied out, value by value, in one block.
 */
#include <string.h>
#include "record_priv.h"
#include "snapshot.h"
#include "state.h"

static void copy_member(struct snapshot_member *s, const struct member *m)
{
	s->id = m->id;
	memcpy(s->uri, m->uri, sizeof(s->uri));
	memcpy(s->name, m->name, sizeof(s->name));
	memcpy(s->call_id, m->call_id, sizeof(s->call_id));
	s->role = m->role;
	s->muted = m->self_muted || m->host_muted;
	s->muted_by_host = m->host_muted;
	s->deaf = m->deaf;
	s->hold = m->hold;
	s->hand = m->hand;
	s->talking = m->talking;
	s->dialed_out = m->dialed_out;
	s->gain_db = m->gain_db;
	s->pan = m->pan;
	s->since_ms = m->since_ms;
	if (m->face.leg)
		leg_stats(m->face.leg, &s->leg);
}

int event_member(struct snapshot_member *s, const struct event *ev)
{
	if (!s || !ev || !ev->who)
		return ENOENT;
	memset(s, 0, sizeof(*s));
	copy_member(s, ev->who);
	return 0;
}

int snapshot_take(struct snapshot **sp, struct control *c, const char *room)
{
	const struct room *r = c && room ? room_find(c, room) : NULL;
	struct snapshot *s;
	struct le *le;

	if (!sp)
		return EINVAL;
	if (!r)
		return ENOENT;
	s = mem_zalloc(sizeof(*s) + r->n_members * sizeof(s->member[0]), NULL);
	if (!s)
		return ENOMEM;
	memcpy(s->room, r->name, sizeof(s->room));
	s->version = r->version;
	s->created_ms = r->created_ms;
	s->locked = r->locked;
	s->muted_all = r->muted_all;
	s->music = r->music;
	s->speaker = r->speaker;
	str_ncpy(s->recording, record_state(r), sizeof(s->recording));
	LIST_FOREACH(&r->members, le)
		copy_member(&s->member[s->n_members++], le->data);
	*sp = s;
	return 0;
}

int snapshot_rooms(struct snapshot_names **np, struct control *c)
{
	struct snapshot_names *n;
	struct le *le;

	if (!np || !c)
		return EINVAL;
	n = mem_zalloc(sizeof(*n) + c->n_rooms * sizeof(n->name[0]), NULL);
	if (!n)
		return ENOMEM;
	LIST_FOREACH(&c->rooms, le) {
		const struct room *r = le->data;

		memcpy(n->name[n->n++], r->name, sizeof(n->name[0]));
	}
	*np = n;
	return 0;
}
