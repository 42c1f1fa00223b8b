/*
 * act.h - what somebody wants to be done, as a value: from a key in the terminal, or from a line of a script.
 *
 *     mute on                mix anna -6            say see you at the bridge
 *
 * Pure.
 */
#ifndef CLIENT_ACT_H
#define CLIENT_ACT_H

#include <stdbool.h>
#include <stddef.h>
#include "band.h"

enum act_kind {
	ACT_MUTE, ACT_DEAF, ACT_HAND, ACT_CLICK, ACT_RECORD, ACT_RED,     /* how: on, off, or the other way round */
	ACT_BEAT,                 /* word: start, stop, continue; "": the other way round */
	ACT_SYNC,                 /* word: room, ear, mix */
	ACT_VOLUME, ACT_GAIN, ACT_SELF,                                   /* value: dB */
	ACT_MIX, ACT_PAN,         /* name; value: dB, or -1 to 1 and 2 for where all hear it */
	ACT_TEMPO, ACT_COUNTIN,   /* value */
	ACT_BUFFER,               /* value: -1 by itself, 0 to 3 */
	ACT_SECTION,              /* word: ours; "": none */
	ACT_SAY,                  /* text */
	ACT_LEAVE,
	ACT_N,
};

enum act_how { ACT_OFF, ACT_ON, ACT_TOGGLE };

struct act {
	enum act_kind kind;
	enum act_how how;
	bool  relative;           /* value is added to what is so now */
	float value;
	char  name[BAND_NAME + 1], word[BAND_NAME + 1];
	char  text[BAND_TEXT + 1];
};

/* 0, or an errno: ENOTCONN nobody is there to hear it, ENOENT no such player. */
typedef int (act_h)(const struct act *a, void *arg);

/* A line. EINVAL: wrong says what it should be. ENODATA: an empty line or a comment. */
int  act_read(struct act *a, const char *line, char *wrong, size_t size);
/* The nth command as it is written, for help and documents; NULL after the last. */
const char *act_usage(size_t n);

#endif
