/*
 * verbs.c - what each verb does. control_run has found the room and the member, and policy has allowed it.
 *
 * Setting what is already so is no change: it answers 0 and tells nothing, so that versions count changes and
 * nothing else.
 */
#include <math.h>
#include "state.h"
#include "text.h"

enum { GAIN_MIN_DB = -60, GAIN_MAX_DB = 20, WHY_MAX = 64 };

static void flag_set(struct member *m, bool *flag, bool on, const char *detail_on, const char *detail_off)
{
	if (*flag == on)
		return;
	*flag = on;
	member_changed(m, on ? detail_on : detail_off);
}

/* Why, in the words of the command or in ours. */
static const char *why(char buf[WHY_MAX], const struct act *a, const char *ours)
{
	if (!a->cmd->text || !a->cmd->text[0])
		return ours;
	text_clean(buf, WHY_MAX, a->cmd->text);
	return buf;
}

static int verb_create(struct act *a)
{
	struct room *r;

	if (!control_room_name_valid(a->cmd->room))
		return EINVAL;
	if (room_find(a->c, a->cmd->room))
		return EEXIST;
	return room_begin(&r, a->c, a->cmd->room, false);
}

static int verb_end(struct act *a)
{
	char buf[WHY_MAX];

	room_end(a->room, why(buf, a, "ended"));
	return 0;
}

/* --- coming and going --- */

/* Nobody brings in a role above its own. The system has none above it. */
static bool may_give(const struct act *a, enum role role)
{
	if (a->actor->kind == ACTOR_SYSTEM)
		return true;
	if (a->actor->kind == ACTOR_ACCOUNT)
		return role <= a->actor->role;
	const struct member *m = member_by_id(a->c, a->actor->member);
	return m && role <= m->role;
}

static int verb_join(struct act *a)
{
	const struct command *cmd = a->cmd;
	struct control *c = a->c;
	struct room *r = NULL;
	struct member *m = NULL;
	int err;

	if (c->draining)
		return ESHUTDOWN;
	if (!may_give(a, cmd->role))
		return EPERM;
	if (c->conf.max_members && c->n_members >= c->conf.max_members)
		return EUSERS;
	err = room_find_or_begin(&r, c, cmd->room);
	if (err)
		return err;
	/* Whom a host has called in is invited: a locked door does not stop him. */
	err = room_admits(r, cmd->role, cmd->face->dialed_out);
	if (err)
		return err;
	err = member_alloc(&m, c, cmd);
	if (err)
		return err;
	err = member_into(m, r);
	if (err) {
		mem_deref(m);
		return err;
	}
	room_add(r, m);
	hash_append(c->members, m->id, &m->he, m);
	c->n_members++;
	if (a->res)
		a->res->member = m->id;
	event_tell(r, EVENT_MEMBER_JOINED, m, m->dialed_out ? "dialed-out" : "");
	return 0;
}

static int verb_leave(struct act *a)
{
	char buf[WHY_MAX];

	member_end(a->member, why(buf, a, "bye"), false);
	return 0;
}

static int verb_kick(struct act *a)
{
	char buf[WHY_MAX];

	member_end(a->member, why(buf, a, "kicked"), true);
	return 0;
}

/* A host may lead its people elsewhere, but a room where others are already does not get a host by another room's choice. */
static enum role role_there(const struct act *a, const struct room *to)
{
	const struct member *m = a->member;

	return a->actor->kind == ACTOR_MEMBER && to->n_members && m->role > m->given ? m->given : m->role;
}

/* The sound moves first: where the new mix refuses it, nothing has changed. Between the two events it is in neither room. */
static int verb_move(struct act *a)
{
	struct member *m = a->member;
	struct room *from = m->room, *to;
	enum role role = m->role;
	int err;

	err = room_find_or_begin(&to, a->c, a->cmd->room);
	if (err || to == from)
		return err;
	err = room_admits(to, role_there(a, to), a->actor->kind != ACTOR_MEMBER);
	if (err)
		return err;
	m->role = role_there(a, to);
	err = member_into(m, to);
	if (err) {
		m->role = role;
		member_apply(m);
		return err;
	}
	room_remove(m);
	room_tell_left(from, m, "moved");
	room_add(to, m);
	event_tell(to, EVENT_MEMBER_JOINED, m, "moved");
	member_changed(m, NULL);          /* it may be in the middle of a word */
	return 0;
}

static int verb_dial(struct act *a)
{
	const struct face *d = &a->c->dialer;

	if (a->c->draining)
		return ESHUTDOWN;
	return d->dial ? d->dial(d->arg, a->room->name, a->cmd->uri) : EPERM;
}

/* --- a member's state --- */

/* Muted by itself and muted by a host are two things: a host cannot open the microphone of who closed it himself. */
static int verb_mute(struct act *a)
{
	struct member *m = a->member;

	if (!a->self) {
		flag_set(m, &m->host_muted, a->cmd->on, "muted-by-host", "unmuted-by-host");
		return 0;
	}
	if (!a->cmd->on && m->host_muted) {               /* policy lets only hosts come here */
		m->host_muted = m->self_muted = false;
		member_changed(m, "unmuted");
		return 0;
	}
	flag_set(m, &m->self_muted, a->cmd->on, "muted", "unmuted");
	return 0;
}

static int verb_deaf(struct act *a)
{
	flag_set(a->member, &a->member->deaf, a->cmd->on, "deaf", "undeaf");
	return 0;
}

enum { LOST_GRACE_MS = 10000 };

static void still_lost(void *arg)
{
	member_end(arg, "rtp-timeout", true);
}

/* A phone that holds may send nothing for an hour. Only after it took us back must it be heard of again. */
static int verb_hold(struct act *a)
{
	struct member *m = a->member;

	if (a->cmd->on)
		wheel_cancel(&m->lost_tmr);
	else if (m->hold && m->rtp_lost)
		wheel_start(&m->lost_tmr, LOST_GRACE_MS, still_lost, m);
	flag_set(m, &m->hold, a->cmd->on, "hold", "resume");
	return 0;
}

static int verb_gain(struct act *a)
{
	float db = a->cmd->value;

	if (!(db >= GAIN_MIN_DB && db <= GAIN_MAX_DB))
		return EINVAL;
	if (a->member->gain_db == db)
		return 0;
	a->member->gain_db = db;
	member_changed(a->member, "gain");
	return 0;
}

static int verb_pan(struct act *a)
{
	float pan = a->cmd->pan;

	if (!(pan >= -1 && pan <= 1))
		return EINVAL;
	if (a->member->pan == pan)
		return 0;
	a->member->pan = pan;
	member_changed(a->member, "pan");
	return 0;
}

/* The cells themselves are the leg's: they end when one of the two does, and no list of them is kept twice. */
static int verb_view(struct act *a)
{
	const struct member *m = a->member, *other = member_by_id(a->c, a->cmd->other);
	float db = a->cmd->value, gain = db <= GAIN_MIN_DB ? 0 : powf(10.0f, db / 20.0f);
	float pan = a->cmd->pan == COMMAND_PAN_SAME ? LEG_PAN_SAME : a->cmd->pan, was_gain, was_pan;
	int err;

	if (!(db >= GAIN_MIN_DB && db <= GAIN_MAX_DB) || other == m)
		return EINVAL;
	if (!other || other->room != m->room)
		return ENOENT;
	if (!m->face.leg || !other->face.leg)
		return ENOTSUP;
	leg_view(m->face.leg, other->face.leg, &was_gain, &was_pan);
	err = leg_set_view(m->face.leg, other->face.leg, gain, pan);
	if (!err && (gain != was_gain || pan != was_pan))
		event_tell(m->room, EVENT_MEMBER_CHANGED, m, "view");
	return err;
}

static int verb_role(struct act *a)
{
	struct member *m = a->member;

	if (!may_give(a, a->cmd->role))
		return EPERM;
	if (m->role == a->cmd->role)
		return 0;
	/* While all but hosts are muted, who becomes a host is freed and who stops being one is not. */
	if (m->room->muted_all && (m->role == ROLE_HOST || a->cmd->role == ROLE_HOST))
		m->host_muted = a->cmd->role != ROLE_HOST;
	m->role = a->cmd->role;
	member_changed(m, role_name(m->role));
	return 0;
}

static int verb_hand(struct act *a)
{
	flag_set(a->member, &a->member->hand, a->cmd->on, "hand-up", "hand-down");
	return 0;
}

static int verb_key(struct act *a)
{
	return a->cmd->text[0] && !a->cmd->text[1] ? keypad_press(a->member, a->cmd->text[0]) : EINVAL;
}

/* --- a room's state --- */

static int verb_lock(struct act *a)
{
	if (a->room->locked == a->cmd->on)
		return 0;
	a->room->locked = a->cmd->on;
	event_tell(a->room, EVENT_ROOM_CHANGED, NULL, a->cmd->on ? "locked" : "unlocked");
	return 0;
}

/* The room remembers it for those who come later; said again, it mutes those whom a host has freed since. */
static int verb_mute_all(struct act *a)
{
	struct room *r = a->room;
	bool on = a->cmd->on;
	struct le *le;

	if (r->muted_all != on) {
		r->muted_all = on;
		event_tell(r, EVENT_ROOM_CHANGED, NULL, on ? "muted-all" : "unmuted-all");
	}
	LIST_FOREACH(&r->members, le) {
		struct member *m = le->data;

		if (!on || m->role != ROLE_HOST)
			flag_set(m, &m->host_muted, on, "muted-by-host", "unmuted-by-host");
	}
	return 0;
}

/* Its turn has not come. */
static int verb_later(struct act *a)
{
	return ENOTSUP;
}

/* --- the table --- */

enum { R = VERB_FINDS_ROOM, M = VERB_FINDS_MEMBER, E = VERB_FINDS_EITHER };

static const struct verb_run table[VERB_N] = {
	[VERB_CREATE]     = { 0, verb_create },
	[VERB_END]        = { R, verb_end },
	[VERB_JOIN]       = { 0, verb_join },
	[VERB_LEAVE]      = { M, verb_leave },
	[VERB_KICK]       = { M, verb_kick },
	[VERB_MUTE]       = { M, verb_mute },
	[VERB_DEAF]       = { M, verb_deaf },
	[VERB_HOLD]       = { M, verb_hold },
	[VERB_GAIN]       = { M, verb_gain },
	[VERB_ROLE]       = { M, verb_role },
	[VERB_HAND]       = { M, verb_hand },
	[VERB_LOCK]       = { R, verb_lock },
	[VERB_MUTE_ALL]   = { R, verb_mute_all },
	[VERB_MOVE]       = { M, verb_move },
	[VERB_DIAL]       = { R, verb_dial },
	[VERB_KEY]        = { M, verb_key },
	[VERB_PAN]        = { M, verb_pan },
	[VERB_VIEW]       = { M, verb_view },
	[VERB_CHANGE]     = { R, verb_later },
	[VERB_CLEAR]      = { R, verb_later },
	[VERB_ADMIT]      = { M, verb_later },
	[VERB_REFUSE]     = { M, verb_later },
	[VERB_BAN]        = { R, verb_later },
	[VERB_UNBAN]      = { R, verb_later },
	[VERB_ASK_UNMUTE] = { M, verb_later },
	[VERB_FLOOR]      = { M, verb_later },
	[VERB_BREAKOUT]   = { R | M, verb_later },
	[VERB_RECALL]     = { R, verb_later },
	[VERB_ANNOUNCE]   = { R, verb_announce },
	[VERB_PLAY]       = { R, verb_play },
	[VERB_COUNT]      = { E, verb_count },
	[VERB_RECORD]     = { R, verb_record },
};

const struct verb_run *verb_run(enum verb verb)
{
	return (unsigned)verb < VERB_N ? &table[verb] : NULL;
}
