/*
 * screen_priv.h - what the two halves of the picture share.
 */
#ifndef CLIENT_SCREEN_PRIV_H
#define CLIENT_SCREEN_PRIV_H

#include "screen.h"

enum { SCREEN_WIDE = 72 };        /* columns: the parts of delays are shown */

/* From row y to the one before end: titles, and as many players as there is room for. */
void screen_members(struct grid *g, const struct band *b, struct screen_view *v, unsigned y, unsigned end);

#endif
