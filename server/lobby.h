/*
 * lobby.h - a call that is asked by keypad where it wants to go, and for the PIN. Control thread only.
 */
#ifndef SERVER_LOBBY_H
#define SERVER_LOBBY_H

#include "call.h"

struct lobby;

/* The call has just been answered. room NULL: asks for one. It ends the call or brings it into its room (call_enter). Freed by
 * the call; from then on it does nothing. */
int  lobby_alloc(struct lobby **lp, struct focus *f, struct call *c, const char *room);
void lobby_key(struct lobby *l, char key);
void lobby_said(struct lobby *l);

#endif
