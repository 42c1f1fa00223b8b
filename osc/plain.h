/*
 * plain.h - OSC for software without SIP: a port for each room, UDP and TCP of one number. Control thread.
 *
 *      client > /tutti/login ,ss secret name > port > a player of the room, with a socket of its own
 *
 * Nothing is sent to who has not logged in: a port is no reflector. Players of UDP leave by /tutti/logout or when nothing was
 * heard of them for `idle_s`, those of TCP with their connection.
 */
#ifndef OSC_PLAIN_H
#define OSC_PLAIN_H

#include "addrlist.h"
#include "relay.h"

struct plain;

enum { PLAIN_SECRET_MIN = 8, PLAIN_PEERS_MAX = 200 };

struct plain_conf {
	struct relay *relay;              /* borrowed; must outlive it */
	struct sa local;                  /* an address, without port */
	const char *secret;               /* of rooms that have no other; "" or NULL: only by address; copied */
	const struct addrlist *allow;     /* who needs no secret; copied */
	unsigned peers_max;               /* players of one port */
	uint32_t idle_s;                  /* 0: for ever */
};

int  plain_alloc(struct plain **pp, const struct plain_conf *conf);

/* A port for the room; if it has one already, nothing happens. port 0: any. secret NULL: the common one. EADDRINUSE. */
int  plain_open(struct plain *p, const char *room, uint16_t port, const char *secret);
/* Its players leave. */
void plain_close(struct plain *p, const char *room);
int  plain_local(const struct plain *p, const char *room, struct sa *local);      /* ENOENT: it has none */

struct plain_stats {
	unsigned ports, peers;
	uint64_t logins, refused, full, idle;      /* refused: a wrong secret; idle: left because nothing was heard of them */
	uint64_t overflowed;                       /* streams ended because they were not read */
	uint64_t flooded;                          /* answers dropped, too many for their player */
};
void plain_stats(const struct plain *p, struct plain_stats *s);

#endif
