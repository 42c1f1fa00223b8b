/*
 * floor.c - one speaker at a time.
 *
 * Everybody but hosts is muted by the room; who holds the floor is not. A hand is the request. Where a host is in, it
 * decides; where none is, the floor goes to who asks first, or nobody could ever speak.
 */
#include "state.h"

bool floor_mutes(const struct room *r, const struct member *m)
{
	return r->conf.floor && m->role != ROLE_HOST && r->holder != m->id;
}

static void take(struct room *r, struct member *m)
{
	r->holder = 0;
	m->host_muted = m->role != ROLE_HOST;
	member_changed(m, "floor-taken");
}

void floor_give(struct room *r, struct member *m)
{
	struct member *had = r->holder ? member_by_id(r->c, r->holder) : NULL;

	if (had == m)
		return;
	if (had)
		take(r, had);
	r->holder = m->id;
	m->host_muted = m->hand = false;
	member_changed(m, "floor-given");
}

static struct member *first_hand(const struct room *r)
{
	struct member *first = NULL;
	struct le *le;

	LIST_FOREACH(&r->members, le) {
		struct member *m = le->data;

		if (m->hand && !m->waiting && m->role == ROLE_SPEAKER && (!first || m->hand_ms < first->hand_ms))
			first = m;
	}
	return first;
}

void floor_free(struct room *r)
{
	struct member *had = r->holder ? member_by_id(r->c, r->holder) : NULL, *next;

	r->holder = 0;
	if (had && had->room == r)
		take(r, had);
	else
		event_tell(r, EVENT_ROOM_CHANGED, NULL, "floor-free");
	if (r->clearing || !r->conf.floor || room_has_host(r))
		return;
	next = first_hand(r);
	if (next && next != had)
		floor_give(r, next);
}

void floor_ask(struct member *m)
{
	struct room *r = m->room;

	if (r->conf.floor && !m->waiting && m->hand && m->role == ROLE_SPEAKER && !r->holder && !room_has_host(r))
		floor_give(r, m);
}

void floor_begin(struct room *r)
{
	struct le *le;

	r->holder = 0;
	LIST_FOREACH(&r->members, le) {
		struct member *m = le->data;

		if (m->role == ROLE_HOST || m->host_muted)
			continue;
		m->host_muted = true;
		member_changed(m, "muted-by-host");
	}
}

void floor_end(struct room *r)
{
	struct le *le;

	r->holder = 0;
	LIST_FOREACH(&r->members, le) {
		struct member *m = le->data;

		if (!m->host_muted || (r->muted_all && m->role != ROLE_HOST))
			continue;
		m->host_muted = false;
		member_changed(m, "unmuted-by-host");
	}
}
