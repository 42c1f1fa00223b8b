/*
 * plainout.h - the room as lines for people, where there is no terminal to draw on: how the call is, who comes and
 * goes, what is said. Pure: by what has changed since the last look.
 */
#ifndef CLIENT_PLAINOUT_H
#define CLIENT_PLAINOUT_H

#include "band.h"

struct plainout;

typedef void (plainout_h)(const char *line, void *arg);

int  plainout_alloc(struct plainout **pp, plainout_h *h, void *arg);
void plainout_look(struct plainout *p, const struct band *b);

#endif
