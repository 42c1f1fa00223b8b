/*
 * house.h - what gestures say to the house: the addresses under /tutti/, as one table, and what each becomes.
 *
 *     /tutti/me/mute ,T   > house_read > struct house_order > names found > control_run(the member behind the player)
 *
 * The table and the reader are pure and may be called on any thread. Nothing under /tutti/ is ever forwarded to another player.
 */
#ifndef OSC_HOUSE_H
#define OSC_HOUSE_H

#include "control/command.h"
#include "midi.h"
#include "osc.h"
#include "views.h"

enum house_access { HOUSE_READ = 1, HOUSE_WRITE = 2, HOUSE_BOTH = 3 };       /* as OSCQuery's ACCESS counts them */

struct house_addr {
	const char *address;      /* NAME stands for a player's name or a member's */
	const char *tags;         /* as it is sent by the house, or is best sent to it; a player may send any number for f and i,
	                             and T, F or a number for T */
	enum house_access access;
	const char *text;
	float min, max;           /* of the first argument; both 0: nothing to say */
};

/* In the order of the table; NULL behind the last. */
const struct house_addr *house_addr_at(size_t i);

enum house_what {
	HOUSE_COMMAND,            /* cmd, its member to be found */
	HOUSE_LEVELS,             /* on: the player wants them */
	HOUSE_ASK,                /* what is there now: it is told anew */
	HOUSE_NOTHING,            /* for the forward thread, which has answered already */
};

enum house_whom { HOUSE_ROOM, HOUSE_ME, HOUSE_OTHER };

struct house_order {
	enum house_what what;
	struct command cmd;       /* room, member and other are not filled in; strings are the table's */
	enum house_whom whom;     /* whose state it is: cmd.member */
	char word[VIEW_NAME_MAX + 1];     /* the verb's own argument: cmd.text, or with `section` cmd.name; "" where it has none */
	bool worded, section;
	char name[VIEW_NAME_MAX + 1];     /* HOUSE_OTHER, or whom of a private mix: cmd.other */
	unsigned nth;             /* of a private mix: the n-th other member, from 1; 0: by name */
	bool mix;                 /* cmd is VERB_VIEW of cmd.other; only one of gain and pan is meant: */
	bool mix_pan;
	bool on;
	const char *word_on, *word_off;   /* the verb's, for house_set_flag; NULL: it takes none */
	bool toggle;              /* a key was pressed: on, and cmd, are to be what is not so now */
};

/* 0; ENOENT: no such address; EINVAL: other arguments are wanted, or they are out of range; EACCES: it can only be read. */
int  house_read(struct house_order *o, const struct osc_msg *msg);

/* What a fader at v of 0..1, or a key pressed or let go, asks for at that address. `nth` stands for its NAME, written N: 0 where it
 * has none. EINVAL: it wants something else than that. */
struct house_move { bool key, down; double v; unsigned nth; };
int  house_move(struct house_order *o, const char *addr, const struct house_move *m);
/* Can such a thing move it at all? */
bool house_movable(const char *addr, bool key);
/* The other state of a flag, in words too where the verb has them. */
void house_set_flag(struct house_order *o, bool on);

/* A fader at v of 0..1 as decibels: 0 is silence, 0.75 as it is, 1 is +10 dB, as mixing desks have it. */
float house_fader_db(float v);

#endif
