/*
 * line_out_priv.h - between line_out.c (gestures), line_state.c (state) and line_bridge.c (MIDI as OSC).
 */
#ifndef OSC_LINE_OUT_PRIV_H
#define OSC_LINE_OUT_PRIV_H

#include "line_out.h"

void line_out_put_rt(struct line_out *o, const struct out_item *it, uint64_t now_us);
/* What is due of the state: the next messages, and refresh. */
void line_out_state_rt(struct line_out *o, uint64_t now_us);
/* MIDI of a player, as messages. */
void line_out_midi_rt(struct line_out *o, const struct gesture *g, uint64_t now_us);
/* One message of a player that is no bundle. */
void line_out_one_rt(struct line_out *o, const struct gesture *g, const uint8_t *osc, size_t len, uint64_t now_us);

static inline bool slots_any(const struct slots *s)
{
	uint64_t all = 0;

	for (unsigned i = 0; i < SLOT_WORDS; i++)
		all |= s->bit[i];
	return all != 0;
}

#endif
