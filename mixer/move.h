/*
 * move.h - a room goes from one media thread to another, with all its legs and without a gap.
 */
#ifndef MIXER_MOVE_H
#define MIXER_MOVE_H

#include "engine.h"

/* Control thread. EALREADY: it is there, or on its way to somewhere. */
int  bus_move(struct bus *b, struct thread *to);
static inline bool bus_moving(const struct bus *b) { return b->rt->to; }
void move_returned(struct mixer *m, struct bus_rt *b);    /* its old thread has let go */

/* Media thread */
void move_ask_rt(struct thread *t, struct bus_rt *b);     /* leave when you can */
void move_go_rt(struct bus_rt *b);                        /* now, if nobody in it is about to leave */
void move_in_rt(struct thread *t, struct bus_rt *b);
bool move_arrived_rt(struct bus_rt *b, uint64_t late_us); /* late because it moved: once, it may catch up */

#endif
