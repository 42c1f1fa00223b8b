/*
 * command.c - the verbs as one table: what a face must know of them. Their functions are in verbs.c, so that a
 * program which only speaks of verbs links no mixer.
 */
#include <errno.h>
#include <string.h>
#include "command.h"

#define V(verb, name, args, help) [verb] = { verb, name, args, help }
static const struct verb_info table[VERB_N] = {
	V(VERB_CREATE,   "create",   ARG_ROOM, "open a room, with settings; it stays until it is ended"),
	V(VERB_END,      "end",      ARG_ROOM, "send all members away and close the room; it is kept no longer"),
	V(VERB_JOIN,     "join",     ARG_ROOM | ARG_URI | ARG_ROLE | ARG_FACE, "a new member comes in"),
	V(VERB_LEAVE,    "leave",    ARG_MEMBER, "a member has left by itself"),
	V(VERB_KICK,     "kick",     ARG_MEMBER, "send a member away"),
	V(VERB_MUTE,     "mute",     ARG_MEMBER | ARG_ON, "the others do not hear the member"),
	V(VERB_DEAF,     "deaf",     ARG_MEMBER | ARG_ON, "the member hears nothing"),
	V(VERB_HOLD,     "hold",     ARG_MEMBER | ARG_ON, "the member's phone has put us on hold"),
	V(VERB_GAIN,     "gain",     ARG_MEMBER | ARG_VALUE, "loudness of the member in the mix, -60 to 20 dB"),
	V(VERB_ROLE,     "role",     ARG_MEMBER | ARG_ROLE, "make the member a listener, speaker or host"),
	V(VERB_HAND,     "hand",     ARG_MEMBER | ARG_ON, "raise or lower the member's hand"),
	V(VERB_LOCK,     "lock",     ARG_ROOM | ARG_ON, "nobody new comes in but hosts"),
	V(VERB_MUTE_ALL, "mute-all", ARG_ROOM | ARG_ON, "mute all members but hosts, and those who come later"),
	V(VERB_MOVE,     "move",     ARG_MEMBER | ARG_ROOM, "take the member to another room"),
	V(VERB_DIAL,     "dial",     ARG_ROOM | ARG_URI, "call somebody in"),
	V(VERB_KEY,      "key",      ARG_MEMBER | ARG_TEXT, "the member pressed a key"),
	V(VERB_PAN,      "pan",      ARG_MEMBER | ARG_PAN, "place of the member in the mix, -1 left to 1 right"),
	V(VERB_VIEW,     "view",     ARG_MEMBER | ARG_OTHER | ARG_VALUE | ARG_PAN,
	  "how the member hears another: gain on top, -60 (silence) to 20 dB, and place, or 2 for that for all"),
	V(VERB_CHANGE,     "change",     ARG_ROOM | ARG_SETTINGS, "change settings of the room: all of them or, where one is wrong, none"),
	V(VERB_CLEAR,      "clear",      ARG_ROOM, "send all members away; a room that is kept stays"),
	V(VERB_ADMIT,      "admit",      ARG_MEMBER, "let a waiting member in"),
	V(VERB_REFUSE,     "refuse",     ARG_MEMBER, "send a waiting member away"),
	V(VERB_BAN,        "ban",        ARG_ROOM | ARG_URI, "never let this address in again, and send it away if it is there"),
	V(VERB_UNBAN,      "unban",      ARG_ROOM | ARG_URI, "take back a ban"),
	V(VERB_ASK_UNMUTE, "ask-unmute", ARG_MEMBER, "ask the member to unmute itself, and let it"),
	V(VERB_FLOOR,      "floor",      ARG_MEMBER | ARG_ON, "give the floor to the member, or take it away"),
	V(VERB_BREAKOUT,   "breakout",   ARG_ROOM | ARG_NAME | ARG_MEMBER, "take the member to a smaller room beside this one"),
	V(VERB_RECALL,     "recall",     ARG_ROOM, "bring all back from the smaller rooms"),
	V(VERB_ANNOUNCE,   "announce",   ARG_ROOM | ARG_TEXT, "play a prompt or a file of sound to the room, once"),
	V(VERB_PLAY,       "play",       ARG_ROOM | ARG_ON, "play a file of sound to the room over and over, or end it"),
	V(VERB_COUNT,      "count",      ARG_WHERE, "say how many are in the room, to the member or to all"),
	V(VERB_RECORD,     "record",     ARG_ROOM | ARG_TEXT, "record the room: start, pause, resume or stop"),
	V(VERB_TEMPO,      "tempo",      ARG_ROOM | ARG_VALUE, "the tempo of the room's beat, 20 to 400 a minute, and how many beats make a bar"),
	V(VERB_TRANSPORT,  "transport",  ARG_ROOM | ARG_TEXT, "the room's beat: start, stop or continue; count-in: bars (value) before bar 0 at each start"),
	V(VERB_CLICK,      "click",      ARG_MEMBER | ARG_ON, "the member hears the room's beat, -60 to 20 dB loud"),
	V(VERB_FOLLOW,     "follow",     ARG_WHERE | ARG_ON, "the room's tempo is that of the member's MIDI clock"),
	V(VERB_CONTROLLER, "controller", ARG_MEMBER | ARG_TEXT, "a player of gestures without a call, by its name, acts for the member; empty: none"),
	V(VERB_BUFFER,     "buffer",     ARG_MEMBER | ARG_VALUE, "frames that the member's jitter buffer holds in a room of music, 0 to 3; -1: by itself"),
	V(VERB_RED,        "red",        ARG_MEMBER | ARG_ON, "the member is sent each frame twice, where its end takes that (RFC 2198)"),
	V(VERB_CLICK_SYNC, "click-sync", ARG_MEMBER | ARG_TEXT, "when the member hears the beat: room (with the mix), ear (on the beat), mix (so that it plays into the mix on the beat)"),
	V(VERB_SECTION,    "section",    ARG_MEMBER | ARG_TEXT, "the section the member plays in; empty: none"),
	V(VERB_SECTION_GAIN, "section-gain", ARG_ROOM | ARG_NAME | ARG_VALUE, "loudness of all in a section, on top of their own, -60 (silence) to 20 dB"),
	V(VERB_SECTION_VIEW, "section-view", ARG_MEMBER | ARG_NAME | ARG_VALUE,
	  "how the member hears all of a section, also who joins it later: gain on top, -60 (silence) to 20 dB"),
	V(VERB_LATENCY,  "latency",  ARG_MEMBER | ARG_CAPTURE | ARG_PLAYBACK | ARG_BUFFER,
	  "what the member's end needs for capture, playback and its buffer, in microseconds"),
};
#undef V

static const char *const roles[ROLE_N] = {
	[ROLE_LISTENER] = "listener", [ROLE_SPEAKER] = "speaker", [ROLE_HOST] = "host",
};

const struct verb_info *command_info(enum verb verb)
{
	return (unsigned)verb < VERB_N ? &table[verb] : NULL;
}

const struct verb_info *command_find(const char *name)
{
	for (size_t i = 0; name && i < VERB_N; i++)
		if (strcmp(table[i].name, name) == 0)
			return &table[i];
	return NULL;
}

const char *role_name(enum role role)
{
	return (unsigned)role < ROLE_N ? roles[role] : "?";
}

const char *click_sync_name(enum click_sync sync)
{
	static const char *const names[CLICK_SYNC_N] = {
		[CLICK_ROOM] = "room", [CLICK_EAR] = "ear", [CLICK_MIX] = "mix",
	};

	return (unsigned)sync < CLICK_SYNC_N ? names[sync] : "?";
}

const char *waiting_name(enum waiting waiting)
{
	static const char *const names[WAITING_N] = {
		[WAITING_NO] = "", [WAITING_HOST] = "host", [WAITING_ADMIT] = "admit", [WAITING_START] = "start",
	};

	return (unsigned)waiting < WAITING_N ? names[waiting] : "";
}

int role_parse(enum role *role, const char *name)
{
	for (size_t i = 0; role && name && i < ROLE_N; i++) {
		if (strcmp(roles[i], name) == 0) {
			*role = (enum role)i;
			return 0;
		}
	}
	return EINVAL;
}
