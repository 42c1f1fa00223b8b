/*
 * house_rt.h - messages to the house on the forward thread. Private to osc/.
 */
#ifndef OSC_HOUSE_RT_H
#define OSC_HOUSE_RT_H

#include <stdbool.h>
#include <stdint.h>

struct line_rt;
struct gesture;
struct osc_msg;

/* A message under /tutti/ came in on l, within its rate. true: it is answered, and the control thread need not hear of it. */
bool house_rt(struct line_rt *l, const struct osc_msg *msg, uint64_t now_us);
/* Any MIDI of a player: its clock's tempo is said to the control thread as MIDI_CLOCK, hundredths of a beat a minute in its data,
 * low octet first. */
void house_midi_rt(struct line_rt *l, const struct gesture *g, uint64_t now_us);

#endif
