/*
 * views.h - how the gestures of one participant look to another: under its name, as they are, or in one space with
 * owners.
 *
 *      prefix    /synth/gain of anna is /p/anna/synth/gain
 *      source    unchanged; the stream says whose it is
 *      flat      unchanged, in one space for all; who has claimed a part of it is the only one to write there
 *
 * Pure, no allocation; tables belong to the caller, one thread at a time.
 */
#ifndef OSC_VIEWS_H
#define OSC_VIEWS_H

#include "osc.h"
#include "pattern.h"

enum osc_view { VIEW_PREFIX, VIEW_SOURCE, VIEW_FLAT };

enum { VIEW_NAME_MAX = 32, OWNERS_MAX = 256 };

/* 1 to 32 of A-Z a-z 0-9 - _ . and neither _ nor . first */
bool views_name_ok(const char *name, size_t len);

/* Parts of the flat space and who may write there. */
struct owners {
	unsigned n;
	struct {
		uint32_t source;
		uint8_t  len;
		char     pattern[PATTERN_MAX + 1];
	} claim[OWNERS_MAX];
};

/* 0: granted, or its own already; EINVAL: not a pattern to claim; EACCES: another holds what overlaps; E2BIG: table
 * full. */
int  owners_claim(struct owners *o, uint32_t source, const char *pattern);
void owners_release(struct owners *o, uint32_t source);
/* May it write there? A pattern may, who owns everything that is owned: the server does not expand it. */
bool owners_may(const struct owners *o, uint32_t source, const char *addr, size_t len);

/* What one receiver takes, and whose messages these are. */
struct views {
	enum osc_view view;
	const char *types;        /* tags it takes; NULL: all */
	bool        deep;         /* version 1.1: it knows "//" */
	size_t      max;          /* longest packet it takes */
	const char *receiver;     /* its name */
	const char *source;       /* the sender's */
	uint32_t    source_id;    /* as in the owners' table */
	const struct owners *owners;  /* flat view; NULL: nothing is claimed */
	bool        at_once;      /* time tags are of a clock the receiver does not know: they become "immediately" */
	uint64_t    shift;        /* else: the receiver's clock less that of the time tags, in 2^-32 s */
};

/*
 * A packet that osc_check has passed, as this receiver gets it: addresses in its view, without the messages it may
 * not or cannot have. *len is in: room, at least as long as v->max; out: octets, 0 when nothing is left. Gives bits
 * `1 << code` of enum gest_error (gest.h): what the sender is to be told. Addresses under /_gest/ are never passed
 * on, those under /to/NAME only to NAME, without that.
 */
unsigned views_write_rt(uint8_t *buf, size_t *len, const struct views *v, const uint8_t *osc, size_t osc_len);

/* "/to/NAME/rest": octets before "/rest", and NAME. 0: not of that form. Whether there is such a NAME is the caller's
 * to know. */
size_t views_addressee(const char **name, size_t *name_len, const char *addr, size_t len);

#endif
