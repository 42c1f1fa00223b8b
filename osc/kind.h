/*
 * kind.h - is an OSC message state or an event?
 *
 * "A state message sets the value of its address: only the last value matters. An event message is an occurrence: it
 * must not be replayed late or twice." Pure; a table of declared spaces is filled once and then only read.
 */
#ifndef OSC_KIND_H
#define OSC_KIND_H

#include "osc.h"
#include "pattern.h"

enum osc_kind { OSC_STATE, OSC_EVENT };

enum { KIND_SPACES_MAX = 64 };

/* What a sender declared of its addresses (a=osc-space with kind=). */
struct kinds {
	unsigned n;
	struct {
		char pattern[PATTERN_MAX + 1];
		uint8_t len;
		enum osc_kind kind;
	} space[KIND_SPACES_MAX];
};

/* E2BIG: a 65th; EINVAL: no pattern that could be matched. Earlier lines win. */
int kinds_add(struct kinds *k, const char *pattern, enum osc_kind kind);

/* `k` may be NULL: nothing declared. An address under /p/NAME is also looked up without that. */
enum osc_kind kind_of(const struct kinds *k, const struct osc_msg *msg);

/* What no declaration can make state: patterns, and what is addressed to the server or to one participant. */
bool kind_never_state(const char *addr, size_t len);

/* /midi/C/note/N, also under /p/NAME: a value that is repeated would strike the note again. */
bool kind_is_note(const char *addr, size_t len);
/* The first argument is a number other than 0. */
bool kind_is_held(const struct osc_msg *msg);

/* /midi/C/off/N is an event by which "the key note/N becomes 0": the message of that key, with its prefix, into KIND_OFF_MAX octets.
 * false: it is no such event. */
enum { KIND_OFF_MAX = OSC_ADDR_MAX + 1 + 4 + 8 };
bool kind_off_key(uint8_t *buf, size_t *len, const struct osc_msg *msg);

/* The address behind /p/NAME; 0: it is not under one. */
size_t kind_prefix(const char *addr, size_t len);

#endif
