/*
 * verbs_member.c - what each verb does to a member's state.
 *
 * Setting what is already so is no change: it answers 0 and tells nothing, so that versions count changes and
 * nothing else.
 */
#include <math.h>
#include "state.h"
#include "verbs.h"

enum { GAIN_MIN_DB = -60, GAIN_MAX_DB = 20 };

void verb_flag(struct member *m, bool *flag, bool on, const char *detail_on, const char *detail_off)
{
	if (*flag == on)
		return;
	*flag = on;
	member_changed(m, on ? detail_on : detail_off);
}

/* Muted by itself and muted by a host are two things: a host cannot open the microphone of who closed it himself. */
int verb_mute(struct act *a)
{
	struct member *m = a->member;

	if (!a->self && !a->cmd->on && floor_mutes(m->room, m)) {
		floor_give(m->room, m);   /* there is one way to be heard in such a room */
		return 0;
	}
	if (!a->self) {
		verb_flag(m, &m->host_muted, a->cmd->on, "muted-by-host", "unmuted-by-host");
		return 0;
	}
	if (!a->cmd->on && m->host_muted) {               /* policy lets only hosts come here */
		m->host_muted = m->self_muted = false;
		member_changed(m, "unmuted");
		return 0;
	}
	verb_flag(m, &m->self_muted, a->cmd->on, "muted", "unmuted");
	return 0;
}

int verb_deaf(struct act *a)
{
	verb_flag(a->member, &a->member->deaf, a->cmd->on, "deaf", "undeaf");
	return 0;
}

enum { LOST_GRACE_MS = 10000 };

static void still_lost(void *arg)
{
	member_lost(arg);
}

/* A phone that holds may send nothing for an hour. Only after it took us back must it be heard of again. */
int verb_hold(struct act *a)
{
	struct member *m = a->member;

	if (a->cmd->on)
		wheel_cancel(&m->lost_tmr);
	else if (m->hold && m->rtp_lost)
		wheel_start(&m->lost_tmr, LOST_GRACE_MS, still_lost, m);
	verb_flag(m, &m->hold, a->cmd->on, "hold", "resume");
	return 0;
}

int verb_gain(struct act *a)
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

int verb_pan(struct act *a)
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
int verb_view(struct act *a)
{
	const struct member *m = a->member, *other = member_by_id(a->c, a->cmd->other);
	float db = a->cmd->value, gain = db <= GAIN_MIN_DB ? 0 : powf(10.0f, db / 20.0f);
	float pan = a->cmd->pan == COMMAND_PAN_SAME ? LEG_PAN_SAME : a->cmd->pan, was_gain, was_pan;
	int err;

	if (!(db >= GAIN_MIN_DB && db <= GAIN_MAX_DB) || other == m || m->waiting)
		return EINVAL;
	if (!other || other->room != m->room || other->waiting)
		return ENOENT;
	if (!m->face.leg || !other->face.leg)
		return ENOTSUP;
	leg_view(m->face.leg, other->face.leg, &was_gain, &was_pan);
	err = leg_set_view(m->face.leg, other->face.leg, gain, pan);
	if (!err && (gain != was_gain || pan != was_pan))
		event_tell(m->room, EVENT_MEMBER_CHANGED, m, "view");
	return err;
}

int verb_buffer(struct act *a)
{
	struct member *m = a->member;
	float n = a->cmd->value;

	if (!(n >= LEG_BUFFER_AUTO && n <= LEG_BUFFER_MAX) || n != floorf(n))
		return EINVAL;
	if (m->buffer == (int)n)
		return 0;
	m->buffer = (int)n;
	member_changed(m, "buffer");
	return 0;
}

int verb_red(struct act *a)
{
	enum leg_red_choice red = a->cmd->on ? LEG_RED_ALWAYS : LEG_RED_NEVER;
	struct member *m = a->member;

	if (m->red == red)
		return 0;
	m->red = red;
	member_changed(m, "red");
	return 0;
}

int verb_role(struct act *a)
{
	struct member *m = a->member;
	struct room *r = m->room;

	if (!verb_may_give(a, a->cmd->role))
		return EPERM;
	if (m->role == a->cmd->role)
		return 0;
	if (r->holder == m->id)
		floor_free(r);
	/* While all but hosts are muted, who becomes a host is freed and who stops being one is not. */
	if ((r->muted_all || r->conf.floor) && (m->role == ROLE_HOST || a->cmd->role == ROLE_HOST))
		m->host_muted = a->cmd->role != ROLE_HOST;
	m->role = a->cmd->role;
	member_changed(m, role_name(m->role));
	room_hosts_changed(r);
	return 0;
}

int verb_hand(struct act *a)
{
	struct member *m = a->member;

	if (a->cmd->on && !m->hand)
		m->hand_ms = unix_ms();
	verb_flag(m, &m->hand, a->cmd->on, "hand-up", "hand-down");
	floor_ask(m);
	return 0;
}

/* It may unmute itself from now on, but nobody opens its microphone for it. Asked again, it is told again. */
int verb_ask_unmute(struct act *a)
{
	struct member *m = a->member;

	if (m->waiting || m->role == ROLE_LISTENER)
		return EINVAL;
	if (!m->self_muted && !m->host_muted)
		return 0;
	m->self_muted = true;
	if (floor_mutes(m->room, m))
		floor_give(m->room, m);
	m->host_muted = false;
	member_changed(m, "asked-unmute");
	return 0;
}

static int floor_by_host(struct member *m, bool on)
{
	if (on && m->role == ROLE_LISTENER)
		return EINVAL;
	if (on)
		floor_give(m->room, m);
	else if (m->room->holder == m->id)
		floor_free(m->room);
	return 0;
}

/* Who is no host asks for it, or gives it back. */
static int floor_by_itself(struct member *m, bool on)
{
	bool holds = m->room->holder == m->id;

	if (!on && holds) {
		floor_free(m->room);
		return 0;
	}
	if (holds)
		return 0;
	if (on && !m->hand)
		m->hand_ms = unix_ms();
	verb_flag(m, &m->hand, on, "hand-up", "hand-down");
	floor_ask(m);
	return 0;
}

int verb_floor(struct act *a)
{
	struct member *m = a->member;

	if (!m->room->conf.floor || m->waiting)
		return EINVAL;
	return a->self && m->role != ROLE_HOST ? floor_by_itself(m, a->cmd->on) : floor_by_host(m, a->cmd->on);
}

/* Of letters that a player's name can have. Two members may have the same: the first acts, as always with names. */
int verb_controller(struct act *a)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.";
	const char *name = a->cmd->text;
	struct member *m = a->member;

	if (strlen(name) > CONTROLLER_MAX || name[strspn(name, plain)])
		return EINVAL;
	if (!strcmp(m->controller, name))
		return 0;
	strcpy(m->controller, name);
	member_changed(m, "controller");
	return 0;
}

/* No event: what follows from it is told with the delays of the room. */
int verb_latency(struct act *a)
{
	const struct command *cmd = a->cmd;
	struct delay_end *end = &a->member->end;

	if (cmd->capture_us > DELAY_SAID_MAX_US || cmd->playback_us > DELAY_SAID_MAX_US || cmd->buffer_us > DELAY_SAID_MAX_US ||
	    cmd->rtt_us > DELAY_SAID_MAX_US)
		return EINVAL;
	*end = (struct delay_end){ .told = true, .capture_us = cmd->capture_us, .buffer_us = cmd->buffer_us,
				   .playback_us = cmd->playback_us, .rtt_us = cmd->rtt_us, .rtt_ms = tmr_jiffies() };
	return 0;
}

int verb_key(struct act *a)
{
	return a->cmd->text[0] && !a->cmd->text[1] ? keypad_press(a->member, a->cmd->text[0]) : EINVAL;
}
