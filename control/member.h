/*
 * member.h - a member: identity, role, state, and the leg that carries its sound. Private to control/.
 */
#ifndef CONTROL_MEMBER_H
#define CONTROL_MEMBER_H

#include "control.h"
#include "delay.h"
#include "wheel.h"

struct room;

struct member {
	struct le le;             /* room.members */
	struct le he;             /* control.members */
	uint32_t id;
	struct control *c;
	struct room *room;        /* NULL between rooms and when out */
	char uri[256], name[128], call_id[128], transport[8];
	enum role role;
	enum role came;           /* as which its call brought it in, before PINs and hosts made another of it */
	enum role given;          /* the role it came with; the one it has now may be a host's gift, good in this room only */
	bool self_muted, host_muted;      /* both must be off to be heard */
	bool deaf, hold, hand, talking, dialed_out;
	enum waiting waiting;     /* in its room, not in the mix */
	bool admitted;            /* no lobby for it any more */
	uint64_t hand_ms;         /* when it raised its hand */
	bool seated;              /* the store has its seat, as: */
	enum role seat_role;
	bool seat_self_muted, seat_host_muted;
	bool leg_talking;         /* what the leg says; told as talking only while others can hear it */
	bool rtp_lost;            /* silence on the wire while on hold: judged when the hold ends */
	float gain_db, pan;
	bool click;               /* it hears the room's beat, so loud: */
	float click_db;
	enum click_sync sync;     /* when */
	uint32_t click_ahead;     /* so many samples sooner, as it was told to its leg */
	int buffer;               /* frames that its jitter buffer holds, by choice; BUFFER_AUTO */
	enum leg_red_choice red;  /* each frame twice, to it */
	char section[SECTION_MAX + 1];            /* it plays in; "": none */
	struct list sections;     /* struct section: those it hears otherwise than all */
	char controller[CONTROLLER_MAX + 1];      /* a player that acts for it; "": none */
	struct delay_end end;     /* what it says of its end's delays */
	uint64_t since_ms;
	struct face face;         /* said_name: a reference of its own */
	char keys[8];             /* pressed so far, of a code like *6 */
	size_t n_keys;
	bool confirming;          /* it was asked whether it means to end it for all */
	struct wheel_tmr key_tmr, lost_tmr;
};

struct member *member_by_id(const struct control *c, uint32_t id);
int  member_alloc(struct member **mp, struct control *c, const struct command *join);
bool member_heard(const struct member *m);                /* do others hear it, when it speaks */
void member_apply(struct member *m);                      /* its state onto its leg */
/* Its sound into that room's mix, from wherever it was; out of every mix while it waits. */
int  member_into(struct member *m, struct room *r);
bool member_is_muted_there(const struct member *m, const struct room *r); /* a newcomer, by the rules of the room */
int  member_let_in(struct member *m);                     /* it waits no longer; tells JOINED */
void member_changed(struct member *m, const char *detail);        /* apply, tell CHANGED, and TALKING where that follows */
void member_bye(struct member *m, const char *why);       /* its face is told, and it is gone; it is out of its room */
void member_out(struct member *m, const char *why);       /* out of its room, LEFT told; still allocated, bye not yet said */
void member_lost(struct member *m);                       /* ended: nothing has been heard of it; its seat stays free for it */
void member_end(struct member *m, const char *why, bool bye);     /* out, told, bye said, gone */

int  keypad_press(struct member *m, char key);            /* keypad.c */

#endif
