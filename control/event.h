/*
 * event.h - what happened, numbered per room, and who listens. Control thread only.
 *
 * Every change of a room or a member is one event with the room's next version number: no number is skipped, none is
 * used twice. XML, JSON, CDR, metrics and logs are pens for these values.
 */
#ifndef CONTROL_EVENT_H
#define CONTROL_EVENT_H

#include <re.h>

struct member;

enum event_type {
	EVENT_ROOM_CREATED, EVENT_ROOM_CHANGED, EVENT_ROOM_ENDED,
	EVENT_SPEAKER,                    /* member: it has the floor now; 0: nobody has it any more */
	EVENT_DELAYS,                     /* the delays between members are otherwise (snapshot_delays); of a room of music */
	EVENT_DELAY,                      /* delay: one of them is over the room's bound, or well again */
	EVENT_MEMBER_WAITING,             /* it is there but not in the mix; detail: for what ("host" "admit" "start") */
	EVENT_MEMBER_JOINED, EVENT_MEMBER_CHANGED, EVENT_MEMBER_TALKING, EVENT_MEMBER_KEY, EVENT_MEMBER_LEFT,
};

struct event_delay { uint32_t from, to, us, bound_us; bool over; };       /* from whose mouth to whose ear */

struct event {
	enum event_type type;
	uint64_t number;                  /* of all rooms: grows by one with each event, and over a restart (then by a leap) */
	uint64_t version;                 /* of the room, after this change */
	uint64_t at_ms;                   /* unix time */
	const char *room;
	uint32_t member;                  /* 0: the room itself */
	const char *detail;               /* why, for people: "bye", "kicked", "rtp-timeout", a key ... or "" */
	const struct member *who;         /* for event_member */
	struct event_delay delay;         /* of EVENT_DELAY; else 0 */
};

typedef void (event_h)(const struct event *ev, void *arg);

struct control;
struct event_lsnr;
struct snapshot_member;
/* room NULL: all rooms; else the room must be there (ENOENT), and its ROOM_ENDED is the last event told. Freed with
 * mem_deref, also from inside a call and after control has gone. A listener may not change a room from inside the
 * call (control_run answers EDEADLK): it posts. What it reads there, snapshot or question, is the house as of this
 * very version. */
int  event_listen(struct event_lsnr **lp, struct control *c, const char *room, event_h *h, void *arg);
/* The member of the event as it is now, from inside the listener's call: also one that has just left. ENOENT: the room itself. */
int  event_member(struct snapshot_member *s, const struct event *ev);
const char *event_name(enum event_type type);

#endif
