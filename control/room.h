/*
 * room.h - a room: its settings, its members, its mix, and its count of versions. Private to control/.
 */
#ifndef CONTROL_ROOM_H
#define CONTROL_ROOM_H

#include "ban.h"
#include "control.h"
#include "delay_priv.h"
#include "member.h"
#include "mixer/beat.h"
#include "setting_priv.h"
#include "wheel.h"

struct sound;

struct alias {                    /* a name or number of a room beside its own */
	struct le he;             /* control.aliases */
	const char *name;         /* in its settings */
	struct room *room;
};

struct room {
	struct le le;             /* control.rooms, in order of creation */
	struct le he;             /* control.room_names */
	struct control *c;
	char name[ROOM_NAME_MAX + 1];
	uint64_t version, created_ms;
	struct room_conf conf;    /* changed as a whole: room_reconf */
	struct alias alias[ALIASES_MAX];
	bool locked, muted_all;
	bool kept;                /* the store has it */
	bool clearing;            /* all are on their way out: what follows from one's leaving is of no interest */
	bool hosted;              /* a host is in, or was */
	struct list members;      /* in order of joining; those who wait as well */
	uint32_t n_members, n_waiting;    /* all of them; those of them who wait */
	uint32_t speaker;         /* id of who has the floor by ear; 0: nobody */
	uint32_t holder;          /* id of who was given it (floor.c); 0: nobody */
	struct list lsnrs;        /* struct event_lsnr */
	struct list bans;         /* struct ban, the oldest first */
	struct bus *bus;
	struct beat beat;         /* tempo.c */
	uint32_t count_in;        /* bars before each start */
	struct list sections;     /* struct section: those with a gain */
	uint32_t follow;          /* id of whose MIDI clock sets its tempo; 0: nobody's */
	struct sound *alone;      /* what a lonely member hears; the bus reads it */
	struct delays *delays;    /* delay_watch.c; NULL: nobody watches them */
	struct recording *recording;      /* record.c: of this room, now; NULL: none */
	bool recorded;            /* by itself, since somebody is in (record=auto) */
	struct room *parent;      /* it is a smaller room beside this one (breakout.c) */
	uint32_t n_children;      /* ... and has so many itself */
	struct wheel_tmr empty, grace, clock;
	enum schedule_phase phase;
	uint64_t starts_ms, ends_ms, warned_ms;   /* what its schedule says, and the end that it was warned of */
};

struct room *room_find(const struct control *c, const char *name);
struct room *room_called(const struct control *c, const char *name);      /* by its name or an alias */
bool room_name_is_music(const struct control *c, const char *name);        /* the profile it gets when it is opened */
/* The settings a room of this name has before somebody sets them. */
void room_defaults(const struct control *c, const char *name, struct room_conf *rc);
/* Tells ROOM_CREATED. parent: NULL, or whose smaller room it is. EEXIST: an alias of another. */
int  room_begin(struct room **rp, struct control *c, const char *name, const struct room_conf *rc, struct room *parent);
int  room_find_or_begin(struct room **rp, struct control *c, const char *name, bool music);   /* as rooms.auto says; music: if it opens */
/* Takes all of it or nothing, and tells "settings" once if it is another: EEXIST an alias, EBUSY the profile while somebody is in. */
int  room_reconf(struct room *r, const struct room_conf *rc, const char **wrong);
void room_end(struct room *r, const char *why);           /* members out, byes said, ROOM_ENDED; r is gone */
void room_clear(struct room *r, const char *why);         /* members out, byes said; r is gone but when it is kept */

bool room_full(const struct room *r, enum role role);     /* a host is not stopped by the room's own limit, but by the server's */
void room_add(struct room *r, struct member *m);          /* onto the roster; tells nothing */
void room_remove(struct member *m);                       /* off it; an empty automatic room begins to wait */
bool room_has_host(const struct room *r);
/* Somebody came, left, or has another role: what follows for those who wait, and for the room's end. */
void room_hosts_changed(struct room *r);
struct room *room_root(struct room *r);                   /* itself, or the one it is beside */
bool room_related(struct room *a, struct room *b);        /* of one root */

void room_speaker(struct room *r, uint32_t member);       /* it has the floor, 0: nobody; tells SPEAKER if that is new */
/* Off the roster: tells LEFT, and SPEAKER if it had the floor, which stays behind. */
void room_tell_left(struct room *r, const struct member *m, const char *why);

/* hours.c: what the schedule makes happen. Call when the settings are new. */
void room_hours(struct room *r);

/* floor.c: one speaker at a time */
void floor_begin(struct room *r);
void floor_end(struct room *r);
void floor_give(struct room *r, struct member *m);        /* to m, from whoever has it */
void floor_free(struct room *r);                          /* from whoever has it; where no host is, to the next hand */
void floor_ask(struct member *m);                         /* it raised its hand, which has been told */
bool floor_mutes(const struct room *r, const struct member *m);   /* it may not speak now, because of the floor */

#endif
