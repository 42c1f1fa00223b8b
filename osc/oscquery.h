/*
 * oscquery.h - what can be heard and said in a room, by HTTP as JSON: the OSCQuery proposal. Control thread.
 *
 *      GET /                  the rooms                     GET /?HOST_INFO          what this server can
 *      GET /ROOM/ADDRESS      what lies there, all below    GET /ROOM?HOST_INFO      and the room's port for plain OSC
 *      GET /ROOM/ADDRESS?VALUE    one attribute
 *
 * One question a connection. No WebSocket (LISTEN, PATH_CHANGED ..): who wants to follow plays.
 */
#ifndef OSC_OSCQUERY_H
#define OSC_OSCQUERY_H

#include "addrlist.h"

struct oscquery;
struct plain;
struct relay;

struct oscquery_conf {
	struct relay *relay;              /* borrowed; must outlive it */
	struct sa local;
	const struct addrlist *from;      /* who may ask; copied */
	const struct plain *plain;        /* whose ports are told; NULL: there are none */
};

int  oscquery_alloc(struct oscquery **qp, const struct oscquery_conf *conf);
/* Where it listens. */
int  oscquery_local(const struct oscquery *q, struct sa *local);

#endif
