/*
 * delay_priv.h - the delays of a room, watched. Private to control/.
 */
#ifndef CONTROL_DELAY_PRIV_H
#define CONTROL_DELAY_PRIV_H

#include "delay.h"

struct room;
struct delays;

/* Somebody came, or the settings are new: the table is made once a second from now on, if this is a room of music. */
void delays_watch(struct room *r);
void delays_end(struct room *r);

#endif
