/*
 * stroke.h - what a key means where: an act, a line that is being typed, a place in the list. Pure.
 */
#ifndef CLIENT_STROKE_H
#define CLIENT_STROKE_H

#include "act.h"
#include "screen.h"

/* A character of Unicode, or one of these. */
enum { STROKE_UP = 0x110000, STROKE_DOWN, STROKE_LEFT, STROKE_RIGHT, STROKE_BACK, STROKE_ENTER, STROKE_ESCAPE };

/* true: *a is to be done. */
bool stroke_take(struct screen_view *v, const struct band *b, uint32_t key, struct act *a);

#endif
