/*
 * member.c - a member's state, and how it reaches its leg.
 *
 * Whoever changes a flag calls member_changed: the leg is set from the whole state each time, so no path through
 * the verbs can leave a muted member audible. A member is not heard when it muted itself, when a host muted it,
 * when its phone holds the call (the music of that phone is not for the room), or when it only listens.
 */
#include <math.h>
#include "state.h"
#include "text.h"

static bool is_id(struct le *le, void *arg)
{
	const struct member *m = le->data;

	return m->id == *(uint32_t *)arg;
}

struct member *member_by_id(const struct control *c, uint32_t id)
{
	struct le *le = hash_lookup(c->members, id, is_id, &id);

	return le ? le->data : NULL;
}

static uint32_t next_id(struct control *c)
{
	do
		c->last_id++;
	while (c->last_id == 0 || member_by_id(c, c->last_id));
	return c->last_id;
}

static void member_destructor(void *data)
{
	struct member *m = data;

	wheel_cancel(&m->key_tmr);
	wheel_cancel(&m->lost_tmr);
	hash_unlink(&m->he);
	list_unlink(&m->le);
}

int member_alloc(struct member **mp, struct control *c, const struct command *join)
{
	struct member *m = mem_zalloc(sizeof(*m), member_destructor);

	if (!m)
		return ENOMEM;
	m->c = c;
	m->id = next_id(c);
	m->role = m->given = join->role;
	m->face = *join->face;
	m->face.call_id = NULL;           /* the face's text need not outlive the call; ours is the copy */
	m->dialed_out = join->face->dialed_out;
	text_clean(m->uri, sizeof(m->uri), join->uri);
	text_clean(m->name, sizeof(m->name), join->name);
	text_clean(m->call_id, sizeof(m->call_id), join->face->call_id);
	*mp = m;
	return 0;
}

bool member_heard(const struct member *m)
{
	return !m->self_muted && !m->host_muted && !m->hold && m->role != ROLE_LISTENER;
}

void member_apply(struct member *m)
{
	if (!m->face.leg)
		return;
	leg_set_mute(m->face.leg, !member_heard(m));
	leg_set_deaf(m->face.leg, m->deaf);
	leg_set_gain(m->face.leg, powf(10.0f, m->gain_db / 20.0f));
	(void)leg_set_pan(m->face.leg, m->pan);
}

/* The flags reach the leg before the mix can hear it. A room where all but hosts are muted mutes who comes in. */
int member_into(struct member *m, struct room *r)
{
	bool was = m->host_muted;
	int err;

	if (r->muted_all && m->role != ROLE_HOST)
		m->host_muted = true;
	member_apply(m);
	err = m->face.leg ? leg_set_bus(m->face.leg, r->bus) : 0;
	if (err) {
		m->host_muted = was;
		member_apply(m);
	}
	return err;
}

void member_changed(struct member *m, const char *detail)
{
	bool talking = m->leg_talking && member_heard(m), turned = talking != m->talking;

	member_apply(m);
	if (detail)
		event_tell(m->room, EVENT_MEMBER_CHANGED, m, detail);
	if (turned) {
		m->talking = talking;
		event_tell(m->room, EVENT_MEMBER_TALKING, m, talking ? "on" : "off");
	}
}

void member_out(struct member *m, const char *why)
{
	struct room *r = m->room;

	hash_unlink(&m->he);
	m->c->n_members--;
	wheel_cancel(&m->key_tmr);
	wheel_cancel(&m->lost_tmr);
	if (m->face.leg)
		leg_set_bus(m->face.leg, NULL);
	room_remove(m);
	room_tell_left(r, m, why);
}

void member_end(struct member *m, const char *why, bool bye)
{
	member_out(m, why);
	if (bye && m->face.bye)
		m->face.bye(m->face.arg, why);
	mem_deref(m);
}
