/*
 * callgest.h - the gestures of calls: a player for each call that has lines of them. Control thread only.
 *
 *      offer   asks for a port and a name          ->  player_alloc, player_reserve, player_port
 *      session says: the exchange is in force      ->  player_set_line, player_drop_line
 *      control says: it is in the room, or another ->  player_move
 *
 * A player is in the ensemble of its room only while its member is in the room and need not wait: before that its gestures are
 * neither heard nor sent. Mute is of the voice and says nothing about gestures.
 */
#ifndef SERVER_CALLGEST_H
#define SERVER_CALLGEST_H

#include "config.h"
#include "offer.h"
#include "control/control.h"
#include "osc/relay.h"

struct callgests;                 /* of all calls */
struct callgest;                  /* of one */

/* relay is borrowed and must outlive it. */
int  callgests_alloc(struct callgests **gp, const struct config *cfg, struct control *control, struct relay *relay);

struct callgest_conf {
	const char *identity;             /* URI of the peer */
	const char *room;                 /* it wants to go to; "": it is asked */
	struct sa local;                  /* where its sound is */
	struct dtlscert *cert;            /* for keys by DTLS; NULL: none; a reference is held */
	void (*renamed)(void *arg);       /* it is called otherwise now than its description says: another offer is due */
	void *arg;
};
/* g NULL: no gestures here, *cp becomes NULL. */
int  callgest_alloc(struct callgest **cp, struct callgests *g, const struct callgest_conf *conf);
void callgest_offer_conf(struct offer_gest_conf *conf, struct callgest *c);      /* c may be NULL */
/* The agreed state has changed. source: from where its signalling comes. */
void callgest_follow(struct callgest *c, const struct offer *o, const struct sa *source);
void callgest_joined(struct callgest *c, uint32_t member);
/* The call is over: the others hear it leave. Before it leaves its room, so that it may find its state again when it comes back. */
void callgest_end(struct callgest *c);

#endif
