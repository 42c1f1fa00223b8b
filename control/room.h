/*
 * room.h - a room: its settings, its members, its mix, and its count of versions. Private to control/.
 */
#ifndef CONTROL_ROOM_H
#define CONTROL_ROOM_H

#include "control.h"
#include "member.h"
#include "wheel.h"

struct sound;

struct room {
	struct le le;             /* control.rooms, in order of creation */
	struct le he;             /* control.room_names */
	struct control *c;
	char name[ROOM_NAME_MAX + 1];
	uint64_t version, created_ms;
	bool automatic;           /* opened by a call: ends when empty */
	bool music, locked, muted_all;
	struct list members;      /* in order of joining */
	uint32_t n_members;
	uint32_t speaker;         /* id of who has the floor; 0: nobody */
	struct list lsnrs;        /* struct event_lsnr */
	struct bus *bus;
	struct sound *alone;      /* what a lonely member hears; the bus reads it */
	struct recording *recording;      /* record.c: of this room, now; NULL: none */
	struct wheel_tmr empty;
};

struct room *room_find(const struct control *c, const char *name);
int  room_begin(struct room **rp, struct control *c, const char *name, bool automatic);        /* tells ROOM_CREATED */
int  room_find_or_begin(struct room **rp, struct control *c, const char *name);               /* as rooms.auto says */
void room_end(struct room *r, const char *why);           /* members out, byes said, ROOM_ENDED; r is gone */

/* May one more come in? EPERM locked, EUSERS full. `invited`: by a host, or by who may everything. */
int  room_admits(const struct room *r, enum role role, bool invited);
void room_add(struct room *r, struct member *m);          /* onto the roster; tells nothing */
void room_remove(struct member *m);                       /* off it; an empty automatic room begins to wait */

void room_speaker(struct room *r, uint32_t member);       /* it has the floor, 0: nobody; tells SPEAKER if that is new */
/* Off the roster: tells LEFT, and SPEAKER if it had the floor, which stays behind. */
void room_tell_left(struct room *r, const struct member *m, const char *why);

/* The profile a room of this name gets when it is opened. */
bool room_name_is_music(const struct control *c, const char *name);

#endif
