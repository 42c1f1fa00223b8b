/*
 * token.h - who asks: the administrator's token, those made for programs, and the sessions of browsers. Web thread only.
 *
 * Of a token only the SHA-256 is kept: a token is 256 bits of chance, so nothing slower is needed, and one that is found by
 * its hash gives nothing away by the time it takes.
 */
#ifndef WEB_TOKEN_H
#define WEB_TOKEN_H

#include <stdbool.h>
#include <stdint.h>
#include "route.h"
#include "control/store.h"

struct who {
	enum scope scope;
	bool local;               /* by the unix socket: root, or the user of the server */
	bool cookie;
	char room[64];            /* "": not bound to one */
	char name[64];            /* for log and events: never the token */
	char id[17];              /* of the token; "": the administrator's */
};

enum { TOKEN_SECRET = 64, SESSION_ID = 64, SESSIONS_MAX = 1024 };

struct tokens;
int  tokens_alloc(struct tokens **tp, const char *admin);
bool tokens_who(struct who *who, struct tokens *t, const char *secret, uint64_t now_ms);
bool tokens_valid(struct tokens *t, const struct who *who, uint64_t now_ms);        /* is what it came with still good? */

/* 64 hex digits of chance; id: the first 16 of others. */
int  token_make(char secret[TOKEN_SECRET + 1], struct store_token *tok);
int  tokens_add(struct tokens *t, const struct store_token *tok);
bool tokens_del(struct tokens *t, const char *id);
void tokens_each(struct tokens *t, void (*h)(const struct store_token *tok, void *arg), void *arg);       /* oldest first */

/* A session ends 12 hours after it was last used, with its token, and with the process. */
int  session_begin(char id[SESSION_ID + 1], struct tokens *t, const struct who *who, uint64_t now_ms);
bool session_who(struct who *who, struct tokens *t, const char *id, uint64_t now_ms);
void session_end(struct tokens *t, const char *id);

#endif
