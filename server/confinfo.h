/*
 * confinfo.h - a conference-info document (RFC 4575 4) from a roster: all of it, or what came after a number; and how much of that
 * one message can carry.
 */
#ifndef SERVER_CONFINFO_H
#define SERVER_CONFINFO_H

#include "roster.h"

struct confinfo {
	const char *entity;               /* the conference's URI */
	const char *name;                 /* of the room, for people */
	uint32_t max_users;               /* 0: not said */
	uint32_t version;
	bool full;                        /* state="full": it replaces what the subscriber has */
	uint64_t told;                    /* what comes after this number is written ... */
	uint64_t known;                   /* ... and what the subscriber has as of this one need not be said again. <= told */
	size_t max_bytes;                 /* of the document; one user more than fits is written only where it would be none */
};

/* Appends the document. *told_to: what it tells up to; behind the roster's last number, where more is to come. */
int confinfo_write(struct mbuf *mb, uint64_t *told_to, const struct confinfo *c, const struct roster *r);

extern const char confinfo_type[];        /* application/conference-info+xml */

#endif
