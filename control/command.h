/*
 * command.h - the verbs as one table: name, arguments, right needed, function.
 *
 * Whoever acts (a phone key, a REFER, an HTTP call, a click, an OSC message) fills a struct command and hands it to
 * control_run. The table tells each face which fields a verb reads, so that JSON, keypad codes and help come from it.
 */
#ifndef CONTROL_COMMAND_H
#define CONTROL_COMMAND_H

#include <re.h>

enum verb {
	VERB_CREATE,              /* room, settings: open it; it is kept unless they say otherwise */
	VERB_END,                 /* room: all members leave, it closes, and is kept no longer; by a member of it: as CLEAR */
	VERB_JOIN,                /* room, uri, name, role, face, text: its PIN, or NULL: a new member -> result.member; on: if that
				     opens the room, it is one of music */
	VERB_LEAVE,               /* member: left by itself (text: why) */
	VERB_KICK,                /* member: sent away */
	VERB_MUTE,                /* member, on */
	VERB_DEAF,                /* member, on */
	VERB_HOLD,                /* member, on: its phone put us on hold */
	VERB_GAIN,                /* member, value (dB, -60..+20) */
	VERB_ROLE,                /* member, role */
	VERB_HAND,                /* member, on */
	VERB_LOCK,                /* room, on: nobody new but hosts */
	VERB_MUTE_ALL,            /* room, on: every member but hosts */
	VERB_MOVE,                /* member, room, text: into another room, its PIN */
	VERB_DIAL,                /* room, uri: call somebody in */
	VERB_KEY,                 /* member, text: a key was pressed */
	VERB_PAN,                 /* member, pan: its place in everybody's mix */
	VERB_VIEW,                /* member, other, value (dB, -60..+20; -60 is silence), pan: how the one hears the other */
	VERB_CHANGE,              /* room, settings: all of them or none; on: all others go back to their defaults */
	VERB_CLEAR,               /* room: all members leave; one that is kept stays as it is, open and empty */
	VERB_ADMIT,               /* member: it waits, and may come in now */
	VERB_REFUSE,              /* member: it waits, and is sent away */
	VERB_BAN,                 /* room, uri: not this one, from now on; a uri without a host is that name at any host */
	VERB_UNBAN,               /* room, uri */
	VERB_ASK_UNMUTE,          /* member: asked to unmute itself, which it may from now on */
	VERB_FLOOR,               /* member, on: it may speak, others not, where the room has one speaker at a time */
	VERB_BREAKOUT,            /* room, name, member: to a room beside this one, which opens for it */
	VERB_RECALL,              /* room: all who are in rooms beside it come back */
	VERB_ANNOUNCE,            /* room, text: a prompt or a file of sound for all, once */
	VERB_PLAY,                /* room, on, text: a file of sound, over and over; off: no more */
	VERB_COUNT,               /* member or room: says how many are in, to it or to all */
	VERB_RECORD,              /* room, text: "start" "pause" "resume" "stop" */
	VERB_TEMPO,               /* room, value (beats a minute, 20..400; 0: as it is), beats (in a bar; 0: as it is) */
	VERB_TRANSPORT,           /* room, text: "start" "stop" "continue": the room's beat; "count-in": value bars before each start */
	VERB_CLICK,               /* member, on, value (dB): it hears the beat */
	VERB_FOLLOW,              /* member, on: the room's tempo is that of its MIDI clock; or room, off: nobody's */
	VERB_CONTROLLER,          /* member, text: a player without a member that acts for it, by its name; "": none */
	VERB_BUFFER,              /* member, value: frames that its jitter buffer holds, 0..3; -1: by itself */
	VERB_RED,                 /* member, on: it is sent each frame twice (RFC 2198) */
	VERB_CLICK_SYNC,          /* member, text: "room" "ear" "mix": when it hears the beat */
	VERB_SECTION,             /* member, text: the section it plays in; "": none */
	VERB_SECTION_GAIN,        /* room, name, value (dB, -60..+20): of all in that section, on top of their own */
	VERB_SECTION_VIEW,        /* member, name, value (dB): how it hears all of that section, now and later */
	VERB_LATENCY,             /* member, capture_us, playback_us, buffer_us, rtt_us (0: not known): what its end says of itself */
	VERB_N,
};

/* Why a member is in its room but not in the mix yet. */
enum waiting { WAITING_NO, WAITING_HOST, WAITING_ADMIT, WAITING_START, WAITING_N };

enum role { ROLE_LISTENER, ROLE_SPEAKER, ROLE_HOST, ROLE_N };

enum command_arg {                /* which fields of struct command a verb reads */
	ARG_ROOM = 1 << 0, ARG_MEMBER = 1 << 1, ARG_ON = 1 << 2, ARG_VALUE = 1 << 3, ARG_ROLE = 1 << 4,
	ARG_URI = 1 << 5, ARG_NAME = 1 << 6, ARG_TEXT = 1 << 7, ARG_FACE = 1 << 8, ARG_OTHER = 1 << 9, ARG_PAN = 1 << 10,
	ARG_SETTINGS = 1 << 11,
	ARG_WHERE = 1 << 12,      /* a member or a room, one of the two */
	ARG_BEATS = 1 << 13,
	ARG_CAPTURE = 1 << 20, ARG_PLAYBACK = 1 << 21, ARG_BUFFER = 1 << 22, ARG_RTT = 1 << 23,
};

/* When a member hears the beat: as it is in the mix of the room; so much sooner that it is heard on the beat; so much sooner that
 * what is played to it is in the mix on the beat. */
enum click_sync { CLICK_ROOM, CLICK_EAR, CLICK_MIX, CLICK_SYNC_N };

enum { BUFFER_AUTO = -1, SECTION_MAX = 32, COUNT_IN_MAX = 8 };    /* SECTION_MAX: letters of a name */

enum { CONTROLLER_MAX = 32 };     /* a player's name */

struct face;                      /* control.h: how a member is reached */

struct setting { const char *name, *value; };     /* one setting of a room, as text */

#define COMMAND_PAN_SAME 2.0f     /* VERB_VIEW: where all hear the other */

struct command {
	enum verb verb;
	const char *room;
	uint32_t member, other;
	uint32_t beats;
	uint32_t capture_us, playback_us, buffer_us, rtt_us;      /* VERB_LATENCY: see struct delay_end */
	bool on;
	float value, pan;         /* pan: -1 left, 0 in the middle, 1 right */
	enum role role;
	const char *uri;
	const char *name;
	const char *text;
	const struct face *face;
	const struct setting *settings;   /* all or none of them are taken */
	size_t n_settings;
};

struct result {                   /* what a verb gives back beyond 0 or an errno */
	uint32_t member;
	const char *wrong;        /* EINVAL, EEXIST or EBUSY of create and change: the setting that was refused, in a word
	                             of the command's own or of the table; NULL: none */
};

struct verb_info {
	enum verb verb;
	const char *name;         /* "mute-all" */
	unsigned args;            /* ARG_ mask: required */
	const char *help;
};
const struct verb_info *command_info(enum verb verb);
const struct verb_info *command_find(const char *name);
const char *role_name(enum role role);
const char *waiting_name(enum waiting waiting);            /* "host" "admit" "start"; "" */
const char *click_sync_name(enum click_sync sync);         /* "room" "ear" "mix" */
int role_parse(enum role *role, const char *name);

#endif
