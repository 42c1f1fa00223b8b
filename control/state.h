/*
 * state.h - the state of the whole house behind struct control, and the verbs that change it. Private to control/.
 */
#ifndef CONTROL_STATE_H
#define CONTROL_STATE_H

#include "control.h"
#include "event.h"
#include "keypad.h"
#include "member.h"
#include "room.h"

enum { NAMES_MAX = 200 };         /* spoken names in memory */

struct control {
	struct control_conf conf;         /* alone_file is our own copy */
	struct mixer *mixer;
	struct record *record;    /* NULL: nothing can be recorded */
	struct face dialer;
	control_players_h *playersh;      /* NULL: nobody plays */
	void *players_arg;
	bool draining;
	struct list rooms;
	struct hash *room_names, *members;
	struct hash *aliases;             /* struct alias */
	struct seats *seats;
	uint32_t n_rooms, n_members, last_id;
	uint64_t n_events;                /* the number of the last one */
	uint32_t n_names;                 /* members whose spoken names are in memory */
	uint64_t n_speakers;              /* how often the floor has passed, in all rooms */
	struct sound *alone;
	struct keypad_conf keypad;
	struct spoken *spoken;            /* NULL: nothing is said */
	struct list lsnrs;                /* of all rooms */
	unsigned telling;                 /* an event is being told: nobody may change anything now */
	struct le *next_lsnr;             /* ... and who hears it next */
};

/* One command on its way: what control_run has found out before the verb's function is called. */
struct act {
	struct control *c;
	const struct actor *actor;
	const struct command *cmd;
	struct room *room;                /* verbs that need an existing room, and the member's own */
	struct member *member;            /* verbs that act on a member */
	struct result *res;
	bool self;                        /* the member acts on itself */
};

/* verbs.c: what control_run looks up before (ENOENT when it is not there), and the function. NULL: no such verb. */
enum { VERB_FINDS_ROOM = 1, VERB_FINDS_MEMBER = 2, VERB_FINDS_EITHER = 4 };    /* both: the member must be in the room */
struct verb_run { unsigned finds; int (*run)(struct act *a); };
const struct verb_run *verb_run(enum verb verb);

/* Verbs with files of their own. */
int verb_announce(struct act *a);                 /* verbs_sound.c */
int verb_play(struct act *a);
int verb_count(struct act *a);
int verb_record(struct act *a);                   /* verbs_record.c */
int verb_tempo(struct act *a);                    /* tempo.c */
int verb_transport(struct act *a);
int verb_click(struct act *a);
int verb_follow(struct act *a);
int verb_section(struct act *a);                  /* section.c */
int verb_section_gain(struct act *a);
int verb_section_view(struct act *a);
int verb_click_sync(struct act *a);               /* clicksync.c */

/* clicksync.c: how much sooner it is to hear the beat, as its delays are now; and the most of all in a room, in samples. */
enum { CLICK_AHEAD_MAX_US = 250000 };
void clicks_aim(struct room *r);
uint32_t click_lead(const struct room *r);

/* event.c: one change of r is one event, and this is the only place where a version is counted. */
void event_tell(struct room *r, enum event_type type, const struct member *m, const char *detail);
void event_tell_delay(struct room *r, enum event_type type, const struct event_delay *delay);     /* delay NULL: of all */
void event_forget(struct list *lsnrs);            /* the room or control goes; listeners stay with their owners */
uint64_t unix_ms(void);                           /* now.c */

#endif
