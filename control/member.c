/*
 * member.c - a member's state, and how it reaches its leg.
 *
 * Whoever changes a flag calls member_changed: the leg is set from the whole state each time, so no path through
 * the verbs can leave a muted member audible. A member is not heard when it muted itself, when a host muted it,
 * when its phone holds the call (the music of that phone is not for the room), or when it only listens.
 */
#include <math.h>
#include "keep.h"
#include "record_priv.h"
#include "section.h"
#include "state.h"
#include "text.h"

#define SILENT_DB -60.0f

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
	if (m->face.said_name)
		m->c->n_names--;
	mem_deref(m->face.said_name);
	list_flush(&m->sections);
}

/* A name is 400 KB at most: of a crowd only so many keep theirs. */
static struct sound *name_kept(struct control *c, struct sound *name)
{
	if (!name || c->n_names >= NAMES_MAX)
		return NULL;
	c->n_names++;
	return mem_ref(name);
}

int member_alloc(struct member **mp, struct control *c, const struct command *join)
{
	struct member *m = mem_zalloc(sizeof(*m), member_destructor);

	if (!m)
		return ENOMEM;
	m->c = c;
	m->id = next_id(c);
	m->role = m->given = m->came = join->role;
	m->buffer = BUFFER_AUTO;
	m->face = *join->face;
	m->face.said_name = name_kept(c, join->face->said_name);
	m->face.call_id = m->face.transport = NULL;           /* the face's text need not outlive the call; ours is the copy */
	m->dialed_out = join->face->dialed_out;
	text_clean(m->uri, sizeof(m->uri), join->uri);
	text_clean(m->name, sizeof(m->name), join->name);
	text_clean(m->call_id, sizeof(m->call_id), join->face->call_id);
	text_clean(m->transport, sizeof(m->transport), join->face->transport);
	*mp = m;
	return 0;
}

bool member_heard(const struct member *m)
{
	return !m->waiting && !m->self_muted && !m->host_muted && !m->hold && m->role != ROLE_LISTENER;
}

/* Its own and its section's. A section at the foot of its fader is silent. */
static float loudness(const struct member *m)
{
	float section_db = m->room ? section_gain_db(&m->room->sections, m->section) : 0;

	return section_db <= SILENT_DB ? 0 : powf(10.0f, (m->gain_db + section_db) / 20.0f);
}

void member_apply(struct member *m)
{
	if (!m->face.leg)
		return;
	leg_set_mute(m->face.leg, !member_heard(m));
	leg_set_deaf(m->face.leg, m->deaf);
	leg_set_gain(m->face.leg, loudness(m));
	(void)leg_set_buffer(m->face.leg, m->buffer);
	leg_set_red(m->face.leg, m->red);
	(void)leg_set_pan(m->face.leg, m->pan);
	leg_set_click(m->face.leg, m->click ? powf(10.0f, m->click_db / 20.0f) : 0);
}

bool member_is_muted_there(const struct member *m, const struct room *r)
{
	return m->role != ROLE_HOST && (r->muted_all || r->conf.floor);
}

/* The flags reach the leg before the mix can hear it. */
int member_into(struct member *m, struct room *r)
{
	member_apply(m);
	return m->face.leg ? leg_set_bus(m->face.leg, m->waiting ? NULL : r->bus) : 0;
}

int member_let_in(struct member *m)
{
	enum waiting was = m->waiting;
	int err;

	m->waiting = WAITING_NO;
	err = member_into(m, m->room);
	if (err) {
		m->waiting = was;
		member_apply(m);
		return err;
	}
	m->admitted = true;
	m->room->n_waiting--;
	m->since_ms = unix_ms();
	event_tell(m->room, EVENT_MEMBER_JOINED, m, "admitted");
	keep_seat(m);
	member_changed(m, NULL);          /* it may be in the middle of a word */
	record_auto(m->room);
	return 0;
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
	if (detail)
		keep_seat(m);
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
	keep_seat_gone(m);
	room_remove(m);
	room_tell_left(r, m, why);
	if (!r->clearing)
		room_hosts_changed(r);
}

void member_bye(struct member *m, const char *why)
{
	if (m->face.bye)
		m->face.bye(m->face.arg, why);
	mem_deref(m);
}

void member_end(struct member *m, const char *why, bool bye)
{
	member_out(m, why);
	if (bye)
		member_bye(m, why);
	else
		mem_deref(m);
}

void member_lost(struct member *m)
{
	keep_seat_free(m);
	member_end(m, "rtp-timeout", true);
}
