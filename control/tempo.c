/*
 * tempo.c - the beat of a room: its tempo, whether it runs, who hears it, and whose MIDI clock it follows.
 *
 * The beat is a function of the sample count that all rooms share (mixer/beat.h). What changes is handed to the room's mix and
 * told as an event, "tempo" or "transport"; the beats themselves are nobody's event, whoever wants them counts.
 */
#include <errno.h>
#include <math.h>
#include <string.h>
#include "state.h"

#define MBPM 1000.0f

enum { GAIN_MIN_DB = -60, GAIN_MAX_DB = 20, START_SMP = 2 * BEAT_LEAD_SMP };

static int take(struct room *r, const struct beat *b, const char *detail)
{
	int err = bus_set_beat(r->bus, b);

	if (err)
		return err;
	r->beat = *b;
	event_tell(r, EVENT_ROOM_CHANGED, NULL, detail);
	return 0;
}

static int set_tempo(struct room *r, uint32_t mbpm, uint8_t per_bar)
{
	struct beat b = r->beat;
	int err;

	if (mbpm == b.now.mbpm && per_bar == b.now.per_bar)
		return 0;
	b.lead_smp = BEAT_LEAD_SMP + click_lead(r);
	err = beat_tempo(&b, mixer_smp(r->c->mixer), mbpm, per_bar);
	return err ? err : take(r, &b, "tempo");
}

int verb_tempo(struct act *a)
{
	float bpm = a->cmd->value;
	uint32_t mbpm = a->room->beat.now.mbpm, per_bar = a->room->beat.now.per_bar;

	if (!(bpm >= 0 && bpm <= BEAT_MBPM_MAX / MBPM) || a->cmd->beats > BEAT_BAR_MAX)
		return EINVAL;
	if (bpm > 0 && a->room->follow)
		return EBUSY;             /* somebody's clock says it */
	if (bpm > 0)
		mbpm = (uint32_t)lrintf(bpm * MBPM);
	if (a->cmd->beats)
		per_bar = a->cmd->beats;
	return set_tempo(a->room, mbpm, (uint8_t)per_bar);
}

static int set_count_in(struct room *r, float bars)
{
	if (!(bars >= 0 && bars <= COUNT_IN_MAX) || bars != floorf(bars))
		return EINVAL;
	if (r->count_in == (uint32_t)bars)
		return 0;
	r->count_in = (uint32_t)bars;
	event_tell(r, EVENT_ROOM_CHANGED, NULL, "count-in");
	return 0;
}

/* It begins a moment from now, so that all who make something of it know in time. */
int verb_transport(struct act *a)
{
	const uint64_t now = mixer_smp(a->c->mixer), begin = now + START_SMP + click_lead(a->room);
	const char *text = a->cmd->text;
	struct beat b = a->room->beat;

	if (!strcmp(text, "count-in"))
		return set_count_in(a->room, a->cmd->value);
	if (!strcmp(text, "start"))
		beat_count_in(&b, begin, (uint8_t)a->room->count_in);
	else if (!strcmp(text, "stop"))
		beat_stop(&b, now);
	else if (strcmp(text, "continue") != 0)
		return EINVAL;
	else if (!b.running)
		beat_continue(&b, begin);
	if (b.running == a->room->beat.running && b.now.at_smp == a->room->beat.now.at_smp)
		return 0;
	return take(a->room, &b, "transport");
}

int verb_click(struct act *a)
{
	struct member *m = a->member;
	float db = a->cmd->value;

	if (!(db >= GAIN_MIN_DB && db <= GAIN_MAX_DB))
		return EINVAL;
	if (m->click == a->cmd->on && (!m->click || m->click_db == db))
		return 0;
	m->click = a->cmd->on;
	if (m->click)
		m->click_db = db;
	member_changed(m, "click");
	return 0;
}

int verb_follow(struct act *a)
{
	const struct member *m = a->member;
	uint32_t follow = a->cmd->on && m ? m->id : 0;

	if (a->cmd->on && (!m || m->waiting))
		return EINVAL;
	if (!a->cmd->on && m && a->room->follow != m->id)
		return 0;
	if (a->room->follow == follow)
		return 0;
	a->room->follow = follow;
	event_tell(a->room, EVENT_ROOM_CHANGED, NULL, "tempo");
	return 0;
}

/* --- the door --- */

int control_beat(const struct control *c, const char *room, struct beat *b)
{
	const struct room *r = room_find(c, room);

	if (!r)
		return ENOENT;
	*b = r->beat;
	return 0;
}

uint32_t control_follows(const struct control *c, const char *room)
{
	const struct room *r = room_find(c, room);

	return r ? r->follow : 0;
}

int control_follow_tempo(struct control *c, uint32_t member, uint32_t mbpm)
{
	const struct member *m = member_by_id(c, member);

	if (!m || !m->room || m->room->follow != member)
		return ENOENT;
	if (c->telling)
		return EDEADLK;
	return set_tempo(m->room, mbpm, m->room->beat.now.per_bar);
}
