/*
 * offer_line.h - what the offer/answer engine asks of a kind of m-line. Private to offer.c and the kinds.
 *
 * offer.c keeps the lines in order, decides which are on and writes the frame of the description; a kind knows what a
 * line of it says. A `part` is a kind's immutable value for one line (mem_deref frees it); a step makes a new one beside
 * the old, so nothing has to be undone.
 */
#ifndef SERVER_OFFER_LINE_H
#define SERVER_OFFER_LINE_H

#include "format.h"
#include "offer.h"
#include "sdesc.h"

struct offer_groups;

struct offer_ctx {
	const struct offer_conf *conf;
	const struct format_prefs *prefs;
	bool hold;                        /* we do not want to hear the peer now */
	bool other;                       /* this line is in force now, as another kind of gestures */
	const void *sibling;              /* the part of a line of this kind that has been taken already; NULL: none */
	size_t sibling_at;                /* its place */
	const struct offer_groups *groups;        /* of their description; NULL: not asked for */
};

struct offer_kind {
	const char *name;
	unsigned max;                     /* lines of this kind in force at once */
	bool (*mine)(const struct sdesc_media *m);
	/* Their line (port not 0) in, our answer as a part. `before`: the agreed part of this line or NULL. ENOTSUP:
	 * not like this, the line gets port 0; EBADMSG: the whole description is wrong. */
	int  (*answer)(void **part, const char **why, const struct offer_ctx *ctx, const void *before,
		       const struct sdesc *d, const struct sdesc_media *m);
	int  (*offer)(void **part, const struct offer_ctx *ctx, const void *before);
	/* Their answer to the part we offered. */
	int  (*accept)(void **part, const char **why, const struct offer_ctx *ctx, const void *offered,
		       const void *before, const struct sdesc *d, const struct sdesc_media *m);
	int  (*print)(struct mbuf *mb, const struct offer_ctx *ctx, const void *part);       /* m= and what is below */
};

#endif
