/*
 * plain_priv.h - what plain.c (ports) and plain_peer.c (who is in) share.
 */
#ifndef OSC_PLAIN_PRIV_H
#define OSC_PLAIN_PRIV_H

#include "duct.h"
#include "login.h"
#include "plain.h"

enum { PLAIN_GUESTS = 16, PLAIN_SECRET_MAX = 128, PLAIN_LISTED = 256 };

struct plain {
	struct plain_conf conf;
	struct addrlist allow;
	char secret[PLAIN_SECRET_MAX];
	struct list ports;
	struct tmr tmr;                   /* who was not heard for long */
	struct plain_stats stats;
};

struct plain_port {
	struct le le;
	struct plain *plain;
	struct ensemble *ensemble;
	char room[128], secret[PLAIN_SECRET_MAX];
	struct sa local;
	int udp, tcp;
	struct logins logins;
	struct list peers, guests;        /* players; connections that have not logged in yet */
};

struct plain_peer {
	struct le le;
	struct plain_port *port;
	struct player *player;
	struct sa from, to;               /* they differ where it wants to hear on another port */
	enum osc_view view;
	char wish[VIEW_NAME_MAX + 1];
	struct oscstream *stream;            /* of TCP */
	struct duct *duct;
	struct tmr tmr;                   /* it leaves as soon as nobody speaks of it */
	uint64_t since_us;                /* when it logged in, by the relay's clock */
	uint64_t answers_ms;              /* since when answers are counted */
	unsigned answers;
};

/* A player of UDP, from this address; what it sent is its first gesture, unless it was a login. */
void plain_peer_udp(struct plain_port *port, const struct sa *from, const struct login *login, const uint8_t *buf, size_t len);
/* A player of TCP, which takes over the stream. ENOSPC: the port has as many as may be. */
int  plain_peer_tcp(struct plain_port *port, struct oscstream *s, const struct sa *from, const struct login *login);
struct plain_peer *plain_peer_find(const struct plain_port *port, const struct sa *from);
/* What comes from the port on which a player wants to hear, as servers of sound answer, is the player's too. false: it is nobody's. */
bool plain_peer_answer(struct plain_port *port, const struct sa *from, const uint8_t *buf, size_t len);
/* Those of UDP who were not heard for too long leave. */
void plain_peers_idle(struct plain_port *port);

#endif
