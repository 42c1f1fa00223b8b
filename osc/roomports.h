/*
 * roomports.h - ports for software that knows no SIP: opened with a room, closed with it, told to the local network. Control
 * thread.
 */
#ifndef OSC_ROOMPORTS_H
#define OSC_ROOMPORTS_H

#include <stdbool.h>
#include <stdint.h>
#include "plain.h"

struct control;
struct relay;
struct roomports;

struct roomports_conf {
	const char *applemidi;       /* ports, as portbook.h reads them; "": none */
	const char *applemidi_from;  /* who may come, as addrlist.h reads it */
	unsigned applemidi_sessions; /* of one room; 1 to 64 */
	bool announce;               /* by DNS-SD */

	const char *osc;             /* ports of UDP and TCP for plain OSC (plain.h); "": none */
	const char *osc_address;     /* where they are */
	const char *osc_from;        /* who needs no secret there */
	const char *osc_secret;      /* "": nobody comes in by one, unless the room has its own: */
	const char *(*osc_room_secret)(const char *room, void *arg);      /* "": it has none; may be NULL */
	void *arg;
	unsigned osc_players;        /* of one room */
	unsigned osc_idle_s;         /* 0: for ever */
	const char *osc_query;       /* ADDRESS:PORT for OSCQuery; "": none. osc_from may ask */
};

/* Both outlive it. *rp is NULL where there is nothing to do. */
int  roomports_alloc(struct roomports **rp, struct control *c, struct relay *r, const struct roomports_conf *conf);

/* p NULL: all zero. Of AppleMIDI, and of plain OSC in `plain`. */
struct roomports_stats {
	uint64_t malformed, stranger;        /* packets; strangers: of no session */
	uint64_t sessions, refused;          /* ever; invitations that were answered with a refusal */
	uint64_t ignored;                    /* packets of who had proven nothing, too many for an answer */
	unsigned players;
	struct plain_stats plain;
};
void roomports_stats(const struct roomports *p, struct roomports_stats *s);

/* NULL: it can be read; else what it should be. Any thread. */
const char *roomports_check_ports(const char *text);
const char *roomports_check_from(const char *text);
const char *roomports_check_osc(const char *text);        /* ports of plain OSC */

#endif
