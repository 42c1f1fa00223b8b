/*
 * snapshot.c - a room copied out, value by value, in one block.
 */
#include <math.h>
#include <string.h>
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
	LIST_FOREACH(&r->members, le)
		copy_member(&s->member[s->n_members++], le->data);
	*sp = s;
	return 0;
}

static void copy_brief(struct snapshot_brief *b, const struct room *r)
{
	memcpy(b->room, r->name, sizeof(b->room));
	b->version = r->version;
	b->created_ms = r->created_ms;
	b->locked = r->locked;
	b->muted_all = r->muted_all;
	b->music = r->music;
	b->persistent = !r->automatic;
	b->n_members = r->n_members;
}

int snapshot_rooms(struct snapshot_rooms **rp, struct control *c)
{
	struct snapshot_rooms *s;
	struct le *le;

	if (!rp || !c)
		return EINVAL;
	s = mem_zalloc(sizeof(*s) + c->n_rooms * sizeof(s->room[0]), NULL);
	if (!s)
		return ENOMEM;
	LIST_FOREACH(&c->rooms, le)
		copy_brief(&s->room[s->n++], le->data);
	*rp = s;
	return 0;
}

/* --- private mixes --- */

static bool copy_view(struct snapshot_view *v, const struct member *m, const struct member *other)
{
	float gain, pan;

	if (m == other || !m->face.leg || !other->face.leg)
		return false;
	leg_view(m->face.leg, other->face.leg, &gain, &pan);
	if (gain == 1 && pan == LEG_PAN_SAME)
		return false;
	if (v)
		*v = (struct snapshot_view){ m->id, other->id, gain > 0.001f ? 20 * log10f(gain) : -60,
					     pan == LEG_PAN_SAME ? COMMAND_PAN_SAME : pan };
	return true;
}

static size_t copy_views(struct snapshot_view *v, const struct room *r)
{
	struct le *a, *b;
	size_t n = 0;

	LIST_FOREACH(&r->members, a) {
		LIST_FOREACH(&r->members, b)
			n += copy_view(v ? &v[n] : NULL, a->data, b->data);
	}
	return n;
}

int snapshot_views(struct snapshot_views **vp, struct control *c, const char *room)
{
	const struct room *r = c && room ? room_find(c, room) : NULL;
	struct mixer_stats st;
	struct snapshot_views *s;
	size_t n;

	if (!vp)
		return EINVAL;
	if (!r)
		return ENOENT;
	mixer_stats(c->mixer, &st);
	n = st.views ? copy_views(NULL, r) : 0;   /* in most houses nobody hears anybody otherwise */
	s = mem_zalloc(sizeof(*s) + n * sizeof(s->view[0]), NULL);
	if (!s)
		return ENOMEM;
	if (n)
		s->n = copy_views(s->view, r);
	*vp = s;
	return 0;
}
