/*
 * card_rt.h - what the bus of a card asks of it, in one turn.
 */
#ifndef MIXER_CARD_RT_H
#define MIXER_CARD_RT_H

#include <stdbool.h>
#include <stdint.h>

struct card;
struct bus_rt;

void card_run_rt(struct card *c, struct bus_rt *b, uint64_t now_us);      /* the ticks of this period */
/* Stereo, n_smp: what the card took goes into the sum (true: it may be heard); then what it is to play is taken from there. */
bool card_add_rt(struct card *c, float *sum, uint32_t n_smp);
void card_hear_rt(struct card *c, const float *sum, uint32_t n_smp);

#endif
