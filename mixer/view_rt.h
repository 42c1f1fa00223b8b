/*
 * view_rt.h - the sound of private mixes (view.h). Media thread only.
 */
#ifndef MIXER_VIEW_RT_H
#define MIXER_VIEW_RT_H

#include "leg.h"

void view_init_rt(struct leg_rt *l);                      /* before it has a thread: in the middle */
void view_swap_rt(struct leg_rt *l, struct view_row *r);  /* another row; the old one goes back to control */

/* Once a tick for each that is heard, when own is there: where in the mix it stands, and so in the sum. */
void view_place_rt(struct leg_rt *l, uint32_t n_smp);
void view_add_rt(float *sum, const struct leg_rt *l, uint32_t n_smp, uint8_t ch);
void view_minus_rt(float *dst, const float *sum, const struct leg_rt *l, uint32_t n_smp, uint8_t ch);    /* but for l */

/* Once a tick for each listener, when bus.heard is there and before anybody shares or hears. */
void view_update_rt(struct bus_rt *b, struct leg_rt *l);
void view_hear_rt(const struct bus_rt *b, const struct leg_rt *l, float *out, uint8_t ch);       /* out: the sum without it */

bool view_steady_rt(const struct leg_rt *l);              /* does it hear in the same way as in the last tick? */
bool view_same_rt(const struct leg_rt *a, const struct leg_rt *b);       /* and both in one? */

#endif
