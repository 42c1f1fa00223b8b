/*
 * tap_rt.h - the writing end of a tap (tap.h). Media thread only, but for tap_close.
 */
#ifndef MIXER_TAP_RT_H
#define MIXER_TAP_RT_H

#include "leg.h"
#include "tap.h"

void tap_swap_rt(struct bus_rt *b, struct tap *t);        /* another one, or none; the old one goes back to control */
void tap_woke_rt(struct bus_rt *b);                       /* the next tick begins anew after a time without members */

/* Once a tick, if there is a tap: before all others, for each member, and when the sum is there. */
void tap_begin_rt(struct bus_rt *b);
void tap_leg_rt(struct leg_rt *l, uint32_t n_smp, bool silent);  /* before its gain is applied, while n_smp are in its queue */
void tap_end_rt(struct bus_rt *b, bool heard);            /* heard: there is something in the sum */
void tap_left_rt(struct bus_rt *b, const struct leg_rt *l);      /* after the tick */

void tap_close(struct tap *t);            /* control thread: no bus writes into it, nor will; and lets go. NULL: nothing */

#endif
