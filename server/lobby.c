/*
 * lobby.c - a call that is asked by keypad where it wants to go, and for the PIN.
 *
 *     key > ivr > find      alias or name of a room (control), a number of the [did] table, or a room that may be opened
 *                 may_try   rooms.pin-rate of this source address; what was right is given back
 *                 enter     call_enter > join
 *                 hear      callname > call_named: what it said goes with it into the room
 *                 say       prompts > leg_say
 *
 * What was wrong is counted by source, and one line of the log says so, for fail2ban. It is taken before a try and
 * given back after a right one: so a hundred callers of one trunk come in, and a hundred guesses at once do not.
 */
#include <string.h>
#include "lobby.h"
#include "limit.h"
#include "control/callname.h"
#include "control/ivr.h"
#include "control/log.h"
#include "control/spoken.h"

struct lobby {
	struct focus *focus;
	struct call *call;
	struct ivr *ivr;
	struct callname *hearing;         /* its name, just now */
	char room[ROOM_NAME_MAX + 1];     /* whose language it speaks; "": none yet */
};

static void destructor(void *arg)
{
	struct lobby *l = arg;

	mem_deref(l->ivr);
	mem_deref(l->hearing);
}

/* limit.h counts a second; a minute of it is 60 of them. */
static uint64_t minute_clock(void)
{
	return tmr_jiffies() / 60;
}

static const struct sa *source(const struct lobby *l)
{
	return session_peer(call_session(l->call));
}

static void op_say(const char *const *word, unsigned n, void *arg)
{
	struct lobby *l = arg;
	struct prompt_say say = { .word = word, .n = n, .how = LEG_SAY_NOW };
	struct leg *leg = call_leg(l->call);
	int err = n ? spoken_leg(l->focus->control, leg, l->room[0] ? l->room : NULL, &say) : leg_say(leg, NULL, 0, LEG_SAY_NOW);

	if (err)
		log_debug("lobby.silent", "call=%s err=%d", session_callid(call_session(l->call)), err);
}

static bool op_may_try(void *arg)
{
	struct lobby *l = arg;

	if (limit_take(l->focus->tries, source(l), minute_clock()))
		return true;
	call_security(l->call, "pin-rate");
	return false;
}

static bool op_find(char *room, size_t size, const char *digits, void *arg)
{
	struct lobby *l = arg;

	if (!call_find_room(room, size, l->call, digits))
		return false;
	limit_give(l->focus->tries, source(l));
	str_ncpy(l->room, room, sizeof(l->room));
	return true;
}

static bool op_needs_pin(const char *room, void *arg)
{
	struct lobby *l = arg;

	return call_needs_pin(l->call, room);
}

static int op_enter(const char *room, const char *pin, void *arg)
{
	struct lobby *l = arg;
	int err = call_enter(l->call, room, pin);

	if (err != EACCES && err != ENOMSG && pin)
		limit_give(l->focus->tries, source(l));
	return err;
}

/* Without memory for it, it comes in as who said nothing. */
static void op_hear(bool on, void *arg)
{
	struct lobby *l = arg;
	struct sound *name = NULL;
	int err = 0;

	if (on)
		err = callname_alloc(&l->hearing, l->focus->mixer, call_leg(l->call));
	else if (l->hearing)
		err = callname_end(&name, l->hearing);
	if (err && err != ENODATA)
		log_debug("lobby.name", "call=%s err=%d", session_callid(call_session(l->call)), err);
	if (on)
		return;
	l->hearing = mem_deref(l->hearing);
	call_named(l->call, name);
	mem_deref(name);
}

static void op_failed(const char *what, void *arg)
{
	struct lobby *l = arg;

	call_security(l->call, !strcmp(what, "pin") ? "pin-failure" : "room-unknown");
}

static void op_end(const char *why, void *arg)
{
	struct lobby *l = arg;

	call_end(l->call, why);
}

static const struct ivr_ops ops = {
	.say = op_say, .may_try = op_may_try, .find = op_find, .needs_pin = op_needs_pin, .enter = op_enter,
	.hear = op_hear, .failed = op_failed, .end = op_end,
};

void lobby_key(struct lobby *l, char key)
{
	ivr_key(l->ivr, key);
}

void lobby_said(struct lobby *l)
{
	ivr_said(l->ivr);
}

int lobby_alloc(struct lobby **lp, struct focus *f, struct call *c, const char *room)
{
	struct lobby *l = mem_zalloc(sizeof(*l), destructor);
	int err;

	if (!l)
		return ENOMEM;
	l->focus = f;
	l->call = c;
	if (room)
		str_ncpy(l->room, room, sizeof(l->room));
	err = ivr_alloc(&l->ivr, room, &ops, l);
	if (err)
		mem_deref(l);
	else
		*lp = l;
	return err;
}
