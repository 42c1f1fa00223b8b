/*
 * offer_state.h - what the halves of the offer/answer engine share: states, their lines, and how they are written. Private to offer.c,
 * offer_in.c (their offer) and offer_out.c (ours).
 */
#ifndef SERVER_OFFER_STATE_H
#define SERVER_OFFER_STATE_H

#include "offer.h"
#include "offer_group.h"
#include "offer_line.h"
#include "sdesc.h"

struct offer_line {
	char *type, *proto, *fmts;        /* as offered, to be repeated when the line is off */
	char *mid;                        /* a=mid or NULL */
	const struct offer_kind *kind;    /* of part */
	void *part;                       /* NULL: off */
};

struct offer_state {
	char *time;                       /* t= */
	struct mbuf *body;                /* what we sent, its version in it */
	uint64_t version;
	bool offered;                     /* our offer, not answered yet */
	bool again;                       /* their answer took what it could not: another offer is due */
	struct offer_groups groups;
	size_t n_line;
	struct offer_line line[];
};

struct offer {
	struct offer_conf conf;
	char *codecs, *session_name;      /* conf's strings */
	struct format_prefs prefs;
	uint64_t sess_id;
	uint64_t version;                 /* last one used */
	struct mbuf *last;                /* last body sent, also if it was rolled back since */
	bool claimed;                     /* the peer holds parts of the flat space */
	bool hold;
	struct offer_state *agreed, *pending;
};

int  offer_refuse(const char **why, int err, const char *text);
struct offer_ctx offer_context(const struct offer *o);
/* What a kind must know of the other lines to judge line i. */
struct offer_ctx offer_context_at(const struct offer *o, const struct offer_state *st, size_t i, const struct offer_kind *kind);

int  offer_state_alloc(struct offer_state **sp, size_t n_line);
const struct offer_line *offer_state_line(const struct offer_state *st, size_t i);
/* What a kind had agreed on at this place. */
const void *offer_state_part(const struct offer_state *st, size_t i, const struct offer_kind *kind);
unsigned offer_state_lines_on(const struct offer_state *st, const struct offer_kind *kind);  /* NULL: of any kind */
/* Its body, and the version it has. */
int  offer_state_print(struct offer *o, struct offer_state *st);
int  offer_state_copy_body(struct mbuf **out, const struct offer_state *st);

int  offer_line_read(struct offer_line *l, const struct sdesc_media *m);
void offer_line_repeat(struct offer_line *l, const struct offer_line *from);
const struct offer_kind *offer_line_kind(const struct sdesc_media *m);

#endif
