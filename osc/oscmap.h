/*
 * oscmap.h - a=osc-map lines: which OSC message is which MIDI command, in the words of one party.
 *
 *      out /synth/gain 0:f:0:1 cc:1:7            what it sends, for those who hear MIDI
 *      in  /pad/%n     0:f:0:1 note:10:%n        what it wants to be sent when others play MIDI
 *
 * A map is filled once and then only read. Reading allocates nothing, on any thread.
 */
#ifndef OSC_OSCMAP_H
#define OSC_OSCMAP_H

#include "osc.h"

enum { OSCMAP_MAX = 128, OSCMAP_ARGS_MAX = 100 };

/* What a gesture is about, in both worlds: "targets". */
enum osctarget_kind {
	TARGET_NOTE, TARGET_POLY, TARGET_CC, TARGET_MODE, TARGET_RPN, TARGET_NRPN,      /* channel and number */
	TARGET_PROGRAM, TARGET_PRESSURE, TARGET_BEND,                                   /* channel */
	TARGET_START, TARGET_CONTINUE, TARGET_STOP, TARGET_CLOCK, TARGET_TUNE,          /* neither, and no value */
	TARGET_OFF,                                                                     /* no map has these */
	TARGET_SONG, TARGET_POSITION, TARGET_MTC, TARGET_SYSEX,
	TARGETS,
};

struct osctarget {
	enum osctarget_kind kind;
	uint8_t  channel;         /* 0 to 15 */
	uint16_t num;
};

bool osctarget_has_number(enum osctarget_kind kind);
bool osctarget_has_channel(enum osctarget_kind kind);
bool osctarget_has_value(enum osctarget_kind kind);
/* Its word in addresses and maps. */
const char *osctarget_word(enum osctarget_kind kind);
/* Numbers it may have: 120 to 127 for a mode. */
bool osctarget_number_ok(enum osctarget_kind kind, unsigned num);
/* Largest value: 127 or 16383. */
unsigned osctarget_range(enum osctarget_kind kind);

/* One argument as a number, on that scale. */
struct oscmap_arg {
	uint8_t index;
	char    tag;              /* i f h d */
	double  min, max;
};

/* "MIDI value = floor((x - min) / (max - min) x R + 0.5) clamped", T is max, F is min. EDOM: NaN, infinite; EINVAL:
 * a tag that is no number. */
int  oscmap_value(unsigned *value, const struct oscmap_arg *scale, const struct osc_arg *arg, unsigned range);
/* Back, as an argument with the scale's tag: "x = min + v / R x (max - min), rounded half up for integer tags". */
struct osc_arg oscmap_back(const struct oscmap_arg *scale, unsigned value, unsigned range);

struct oscmap;

/* Empty. ENOMEM */
int  oscmap_alloc(struct oscmap **mp);
/* The value of one line. EBADMSG: not well formed, or it could never be used; E2BIG: a 129th. */
int  oscmap_add(struct oscmap *m, const char *value, size_t len);
unsigned oscmap_count(const struct oscmap *m);

/* Which target a message has by the lines with out and both, and its value. ENOENT: none; EDOM: one, but the value
 * is NaN or infinite; ENODATA: one, whose value is taken away (a lone N). m may be NULL. */
int  oscmap_out(struct osctarget *t, unsigned *value, const struct oscmap *m, const struct osc_msg *msg);

/* The address and arguments by the lines with in and both. addr has OSC_ADDR_MAX + 1 octets, args OSCMAP_ARGS_MAX.
 * ENOENT: none. m may be NULL. */
int  oscmap_in(char *addr, struct osc_arg *args, size_t *n_args, const struct oscmap *m, const struct osctarget *t,
	unsigned value);

#endif
