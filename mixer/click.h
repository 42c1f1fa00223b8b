/*
 * click.h - a room's beat in the ear of who asked for it: a short tick over its mix, at the very sample. See beat.h.
 *
 * Control hands each bus its beat by ring (bus_set_beat); the sounds are the thread's, computed when it is made.
 */
#ifndef MIXER_CLICK_H
#define MIXER_CLICK_H

#include "beat.h"

enum { CLICK_SMP = 1440 };        /* 30 ms; shorter than the fastest beat */

struct click_sound { float bar[CLICK_SMP], beat[CLICK_SMP]; };    /* mono; a bar's first beat, and the others */

void click_make(struct click_sound *s);
/* What sounds of the beat in n_smp from pos on, added to dst (mono, not cleared). false: nothing. */
bool click_add_rt(const struct click_sound *s, const struct beat *b, float *dst, uint64_t pos, uint32_t n_smp);

#endif
