/*
 * route.h - what the server answers to, as one table: method, path, who may, function. 405 and its Allow, the OpenAPI
 * document and the tests come from it too. Finding is pure.
 */
#ifndef WEB_ROUTE_H
#define WEB_ROUTE_H

#include <stdbool.h>
#include <stddef.h>

struct request;
typedef void (route_h)(struct request *r);

/* Who may: each level may what those below it may. NONE: anybody. */
enum scope { SCOPE_NONE, SCOPE_READ, SCOPE_CONTROL, SCOPE_ADMIN };

enum { ROUTE_PARAMS = 3, ROUTE_PARAM_MAX = 256 };

enum route_flag {
	ROUTE_BODY  = 1 << 0,     /* takes a JSON object */
	ROUTE_HOUSE = 1 << 1,     /* about the whole house: not for a token that is bound to a room */
	ROUTE_BARE  = 1 << 2,     /* answered with something else than JSON */
};

struct route {
	const char *method, *path;        /* "/api/v1/rooms/{room}": a name in braces is one part, without a slash */
	enum scope scope;
	unsigned flags;
	route_h *h;
	const char *query;                /* what may stand behind the question mark: words, or NULL */
	const char *status;               /* "200 404": statuses of its own, beside those of all */
	const char *body, *answer;        /* names of schemas (openapi.c), or NULL */
	const char *help;
};

const struct route *route_table(size_t *n);

struct route_match {
	const struct route *route;
	char param[ROUTE_PARAMS][ROUTE_PARAM_MAX];        /* in the order of the path */
	char allow[64];                                   /* methods of this path; "": there is none */
};
/* True when there is one; else `allow` tells whether there is the path at all. HEAD is found as GET. */
bool route_find(struct route_match *m, const char *method, const char *path);

/* %41 to A, whole. False: a wrong escape, a byte below 0x20, or not UTF-8. */
bool route_decode(char *dst, size_t size, const char *raw);

const char *scope_name(enum scope s);
/* Words of scopes, from a store or a request; the highest counts. SCOPE_NONE: a word that is none, or no word. */
enum scope scope_parse(const char *words);

#endif
