/*
 * line_out_priv.h - between line_out.c (gestures) and line_state.c (state).
 */
#ifndef OSC_LINE_OUT_PRIV_H
#define OSC_LINE_OUT_PRIV_H

#include "line_out.h"

void line_out_put_rt(struct line_out *o, const struct out_item *it, uint64_t now_us);
/* What is due of the state: the next messages, and refresh. */
void line_out_state_rt(struct line_out *o, uint64_t now_us);

static inline bool slots_any(const struct slots *s)
{
	uint64_t all = 0;

	for (unsigned i = 0; i < SLOT_WORDS; i++)
		all |= s->bit[i];
	return all != 0;
}

#endif
