/*
 * call.h - one dialog tied to one member: answer, hold, re-INVITE, BYE. Control thread only.
 *
 * A call is owned by the focus's list; it frees itself when its session has closed or its member was sent away.
 */
#ifndef SERVER_CALL_H
#define SERVER_CALL_H

#include "focus.h"

struct call;
struct sound;

struct call_target {
	bool lobby;                       /* sip:lobby@host: asks for the room by keypad */
	bool echo;                        /* sip:echo@host: no room, its own sound back */
	char room[ROOM_NAME_MAX + 1];
	struct access_who who;
	struct call *replaces;            /* RFC 3891: the call whose seat this one takes; may be NULL */
};

/* Answers the INVITE in any case. */
void call_incoming(struct focus *f, const struct sip_msg *msg, const struct call_target *t);

/* Somebody is called into a room. Progress: every provisional and the final status, once final then never again. */
typedef void (call_progress_h)(uint16_t scode, const char *reason, bool final, void *arg);
struct call_dial { const char *room, *uri, *referred_by; call_progress_h *progressh; void *arg; };
int  call_dial(struct call **cp, struct focus *f, const struct call_dial *d);     /* EPERM: not on the allow list */
void call_forget_progress(struct call *c);        /* whoever watched is gone */

struct call *call_by_dialog(struct focus *f, const struct session *s);
uint32_t call_member(const struct call *c);       /* 0: echo, or not yet joined */
struct session *call_session(const struct call *c);
struct leg *call_leg(const struct call *c);
/* For the lobby. The room behind digits: an open one by name or alias, a number of the [did] table, or one that this caller may
 * open. */
bool call_find_room(char *room, size_t size, const struct call *c, const char *digits);
bool call_needs_pin(const struct call *c, const char *room);
int  call_enter(struct call *c, const char *room, const char *pin);      /* joins; errors of control_run */
void call_named(struct call *c, struct sound *name);      /* it was asked for its name; NULL: it said none */
void call_security(const struct call *c, const char *action);            /* the line for fail2ban */
const char *call_room(const struct call *c);      /* NULL: echo */
struct list *call_refers(struct call *c);         /* REFERs of this dialog still under way; flushed with the call */
/* Hang up, leave the room, free. `why` becomes the Reason header's text. */
void call_end(struct call *c, const char *why);

#endif
