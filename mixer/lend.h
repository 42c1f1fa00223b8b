/*
 * lend.h - one frame for many: media threads with little to do help the one that sends it. Media thread only.
 */
#ifndef MIXER_LEND_H
#define MIXER_LEND_H

#include "leg.h"

/* What leader l has just encoded goes to all who follow it, by many hands. false: they are too few, or l's thread has time
 * enough: nothing is sent. When it returns true all is sent, and nobody else touches them any more. `red`: bytes of the same
 * with older frames (leg_red.c). */
bool lend_rt(struct leg_rt *l, int len, size_t red, uint32_t n48);

void lend_help_rt(struct thread *t);      /* takes what others have to send, until there is none or a tick of its own is due */

#endif
