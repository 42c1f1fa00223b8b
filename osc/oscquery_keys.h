/*
 * oscquery_keys.h - the live state of all players of a room, copied on the forward thread. Control thread, but for what it posts.
 */
#ifndef OSC_OSCQUERY_KEYS_H
#define OSC_OSCQUERY_KEYS_H

#include "oscquery_tree.h"
#include "relay.h"

struct oscquery_keys;

/* What was found; nodes and their strings live as long as this. */
struct oscquery_found {
	struct oscquery_node *node;
	unsigned n;
	bool cut;                         /* there was more than OSCQUERY_TREE_MAX */
};

typedef void (oscquery_keys_h)(struct oscquery_found *found, void *arg);

/* Player by player, so that the thread is never away for longer than one player's keys; and the addresses of the house. done is
 * called later, once (NULL: no memory), unless the question was dropped before. */
int  oscquery_keys_ask(struct oscquery_keys **kp, struct ensemble *e, oscquery_keys_h *done, void *arg);
/* Ends it, before or after the answer; what was found goes with it. */
void oscquery_keys_drop(struct oscquery_keys *k);

#endif
