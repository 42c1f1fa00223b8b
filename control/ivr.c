/*
 * ivr.c - asks a caller for a room and a PIN by keypad.
 *
 *     [welcome] > room? > digits # > found? > PIN? > digits # > enter > in
 *                   ^________________| no       ^_________________| wrong
 *                            three tries in all, then goodbye and the end
 *
 *     enter > the room wants its name > "say your name" > listen, three seconds or until # > enter > in
 *
 * A key stops the words. `#` ends a number, and so does a pause of five seconds after it; `*` takes back what was
 * typed. Who types nothing is asked again, which is a try. After two minutes it is over, whatever happens.
 *
 * Whether a PIN may be tried at all is asked before it is, so that who is over the limit learns nothing from the right
 * one.
 */
#include <errno.h>
#include <string.h>
#include "callname.h"
#include "ivr.h"
#include "wheel.h"

enum { FIRST_MS = 700, PAUSE_MS = 5000, NOTHING_MS = 12000, ALL_MS = 120000, GOODBYE_MS = 8000, TRIES = 3, DIGITS_MAX = 32 };

enum state { IVR_ROOM, IVR_PIN, IVR_NAME, IVR_HEAR, IVR_GOODBYE, IVR_OVER };

struct ivr {
	const struct ivr_ops *ops;
	void *arg;
	enum state state;
	char room[64];
	char digits[DIGITS_MAX + 1];
	size_t n;
	bool too_long, asked;
	bool has_pin;                     /* while it says its name: the digits are the PIN that was right */
	unsigned tries;
	const char *why;                  /* it ends */
	struct wheel_tmr tmr, all;
};

static void destructor(void *data)
{
	struct ivr *v = data;

	wheel_cancel(&v->tmr);
	wheel_cancel(&v->all);
	explicit_bzero(v->digits, sizeof(v->digits));
}

static void waited(void *arg);

static void over(struct ivr *v)
{
	v->state = IVR_OVER;
	wheel_cancel(&v->tmr);
	wheel_cancel(&v->all);
}

static void end(struct ivr *v)
{
	const char *why = v->why;

	over(v);
	v->ops->end(why, v->arg);
}

static void forget(struct ivr *v)
{
	explicit_bzero(v->digits, sizeof(v->digits));
	v->n = 0;
	v->too_long = false;
}

/* --- saying --- */

static void goodbye(struct ivr *v, const char *reason, const char *why)
{
	const char *words[] = { reason, "goodbye" };

	forget(v);
	v->state = IVR_GOODBYE;
	v->why = why;
	wheel_start(&v->tmr, GOODBYE_MS, waited, v);      /* in case nobody tells that it was said */
	v->ops->say(reason ? words : words + 1, reason ? 2 : 1, v->arg);
}

static void ask(struct ivr *v, const char *before)
{
	const char *words[3];
	unsigned n = 0;

	forget(v);
	if (before)
		words[n++] = before;
	words[n++] = v->state == IVR_ROOM ? "enter-room" : "enter-pin";
	v->asked = true;
	wheel_start(&v->tmr, NOTHING_MS, waited, v);
	v->ops->say(words, n, v->arg);
}

/* Once more, unless that was the last time. */
static void again(struct ivr *v, const char *reason)
{
	if (++v->tries >= TRIES)
		goodbye(v, reason, "too many tries");
	else
		ask(v, reason);
}

/* --- trying --- */

static const char *refusal(int err)
{
	switch (err) {

	case EPERM:  return "locked-out";
	case EAGAIN: return "not-open";
	case ENOENT: return "no-room";
	case EUSERS:
	case ENOSPC: return "full";
	default:     return "not-admitted";
	}
}

/* The PIN stays where it is until the name has been said. */
static void ask_name(struct ivr *v, const char *pin)
{
	const char *word = "say-name";

	v->has_pin = pin != NULL;
	v->state = IVR_NAME;
	v->asked = true;
	wheel_start(&v->tmr, NOTHING_MS, waited, v);
	v->ops->say(&word, 1, v->arg);
}

static void hear_name(struct ivr *v)
{
	v->state = IVR_HEAR;
	wheel_start(&v->tmr, CALLNAME_MS, waited, v);
	v->ops->hear(true, v->arg);
}

static void enter(struct ivr *v, const char *pin)
{
	int err = v->ops->enter(v->room, pin, v->arg);

	if (err == ENOMSG && v->state != IVR_HEAR && v->state != IVR_NAME) {
		ask_name(v, pin);
		return;
	}
	forget(v);
	if (!err) {
		over(v);
		return;
	}
	if (err == EACCES && !pin) {              /* it has got a PIN since */
		v->state = IVR_PIN;
		ask(v, NULL);
		return;
	}
	if (err != EACCES) {
		goodbye(v, refusal(err), "room refused");
		return;
	}
	v->state = IVR_PIN;
	v->ops->failed("pin", v->arg);
	again(v, "wrong-pin");
}

/* Said, or not: who would rather not say it comes in without. */
static void named(struct ivr *v)
{
	wheel_cancel(&v->tmr);
	if (v->state == IVR_NAME)
		v->ops->say(NULL, 0, v->arg);
	v->ops->hear(false, v->arg);
	enter(v, v->has_pin ? v->digits : NULL);
}

static bool allowed(struct ivr *v)
{
	if (v->ops->may_try(v->arg))
		return true;
	goodbye(v, "try-later", "too many tries");
	return false;
}

static void room_typed(struct ivr *v)
{
	if (!allowed(v))
		return;
	if (v->too_long || !v->ops->find(v->room, sizeof(v->room), v->digits, v->arg)) {
		v->ops->failed("room", v->arg);
		again(v, "no-room");
		return;
	}
	if (v->ops->needs_pin(v->room, v->arg)) {
		v->state = IVR_PIN;
		ask(v, NULL);
		return;
	}
	enter(v, NULL);
}

static void pin_typed(struct ivr *v)
{
	if (!allowed(v))
		return;
	if (!v->too_long) {
		enter(v, v->digits);
		return;
	}
	v->ops->failed("pin", v->arg);
	again(v, "wrong-pin");
}

/* No digits and a hash is a PIN too: that of a guest where only hosts have one. */
static void typed(struct ivr *v, bool hash)
{
	wheel_cancel(&v->tmr);
	if (!v->n && (v->state == IVR_ROOM || !hash))
		again(v, NULL);
	else if (v->state == IVR_ROOM)
		room_typed(v);
	else
		pin_typed(v);
}

/* --- time and keys --- */

static void waited(void *arg)
{
	struct ivr *v = arg;

	if (v->state == IVR_GOODBYE)
		end(v);
	else if (v->state == IVR_NAME)
		hear_name(v);                     /* nobody told that it was asked */
	else if (v->state == IVR_HEAR)
		named(v);
	else if (!v->asked && v->state == IVR_PIN && !v->ops->needs_pin(v->room, v->arg))
		enter(v, NULL);
	else if (!v->asked)
		ask(v, v->state == IVR_ROOM ? "welcome" : NULL);
	else
		typed(v, false);
}

static void too_late(void *arg)
{
	struct ivr *v = arg;

	if (v->state == IVR_GOODBYE)
		return;
	if (v->state == IVR_HEAR)
		v->ops->hear(false, v->arg);
	goodbye(v, NULL, "no room entered");
}

void ivr_key(struct ivr *v, char key)
{
	if ((v->state == IVR_NAME || v->state == IVR_HEAR) && key == '#')
		named(v);
	if (v->state != IVR_ROOM && v->state != IVR_PIN)
		return;
	if (!v->n && v->asked)
		v->ops->say(NULL, 0, v->arg);
	v->asked = true;                          /* who types at once knows what to type */
	if (key == '#') {
		typed(v, true);
		return;
	}
	wheel_start(&v->tmr, PAUSE_MS, waited, v);
	if (key == '*')
		forget(v);
	else if (v->n == DIGITS_MAX)
		v->too_long = true;
	else if (key >= '0' && key <= '9')
		v->digits[v->n++] = key;
}

void ivr_said(struct ivr *v)
{
	if (v->state == IVR_GOODBYE)
		end(v);
	else if (v->state == IVR_NAME)
		hear_name(v);
	else if (v->state != IVR_HEAR && v->state != IVR_OVER && !v->n)           /* now its time to think begins */
		wheel_start(&v->tmr, NOTHING_MS, waited, v);
}

int ivr_alloc(struct ivr **ip, const char *room, const struct ivr_ops *ops, void *arg)
{
	struct ivr *v = mem_zalloc(sizeof(*v), destructor);

	if (!v)
		return ENOMEM;
	v->ops = ops;
	v->arg = arg;
	v->state = room ? IVR_PIN : IVR_ROOM;
	if (room)
		str_ncpy(v->room, room, sizeof(v->room));
	wheel_start(&v->tmr, FIRST_MS, waited, v);
	wheel_start(&v->all, ALL_MS, too_late, v);
	*ip = v;
	return 0;
}
