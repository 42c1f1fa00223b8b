/*
 * request.h - one request on its way: who asks, what for, the question to the control thread and the answer.
 *
 *     web thread:      route > who > rate > scope > body > handler > request_ask              draw > answer
 *                                                                       |                      ^
 *     control thread:                                                   +> take (> store_sync) +
 *
 * A handler answers at once with request_json and the like, or asks; whoever has the request owns it. In `take` nothing of
 * libsoup and GLib's loop may be touched, in `draw` nothing of control.
 */
#ifndef WEB_REQUEST_H
#define WEB_REQUEST_H

#include <libsoup/soup.h>
#include "order.h"
#include "route.h"
#include "token.h"
#include "web.h"
#include "control/snapshot.h"

struct house;                     /* house.h */

struct request {
	struct house *house;
	SoupServerMessage *msg;
	struct route_match at;
	struct who who;
	GHashTable *query;                /* or NULL */
	JsonObject *body;                 /* of a route with ROUTE_BODY */
	char path[1024];                  /* decoded */

	/* The question, and what came of it. */
	void (*take)(struct request *r);
	void (*draw)(struct request *r);
	int err, sync_err;
	bool changed;                     /* by take: wait until the store has it */
	unsigned status;                  /* by take: an answer of its own (412, 304); 0: as err says */
	char room[ROOM_NAME_MAX + 1];
	char *if_match, *if_none;         /* conditions, or NULL */
	struct order order;
	struct result result;
	struct snapshot *snapshot;
	struct snapshot_rooms *rooms;
	struct snapshot_views *views;
	struct snapshot_players *players;
	struct snapshot_bans *bans;
	struct snapshot_delays *delays;
	char *wrong;                      /* the setting that was refused, or NULL */
	struct web_status *numbers;       /* g_free */
	void *data;
	GDestroyNotify free_data;
};

void request_ask(struct request *r, void (*take)(struct request *r), void (*draw)(struct request *r));

/* Answers; the request is over and freed (by who called the handler, or after draw). */
void request_text(struct request *r, unsigned status, const char *type, char *text);
void request_json(struct request *r, unsigned status, char *json);
void request_empty(struct request *r, unsigned status);
void request_error(struct request *r, unsigned status, const char *why);
void request_errno(struct request *r, int err, const char *why);  /* why NULL: in words of ours */
void request_header(struct request *r, const char *name, const char *value);
const char *request_said(const struct request *r, const char *header);    /* "" when not */
const char *request_query(const struct request *r, const char *name);     /* NULL when not */

void request_free(struct request *r);     /* only at the end of the house */
bool request_from_here(const struct request *r);                  /* not sent by another site's page */
bool request_refuse_token(struct request *r, const char *why);   /* answers, false */
bool request_cookie(char *value, size_t size, const struct request *r);

/* Takes one over from libsoup: a new request, or NULL when it is already answered. */
void request_begin(struct house *h, SoupServerMessage *msg, GHashTable *query);
void request_early(struct house *h, SoupServerMessage *msg);      /* its headers are here, its body is not */

#endif
