/*
 * midi_repair_priv.h - between the files of the repair.
 */
#ifndef OSC_MIDI_REPAIR_PRIV_H
#define OSC_MIDI_REPAIR_PRIV_H

#include "journal.h"
#include "midi_repair.h"

struct midi_repair {
	struct midi_state state;
	midi_command_h *h;
	void    *arg;
	bool     started;
	uint32_t highest;            /* extended */
	uint32_t jumped;             /* the number that would confirm a jump; over 0xffff: none */
	struct midi_repair_stats stats;

	/* while a journal is worked through */
	uint32_t seq, ts;            /* what repairs count as: the packet before this one */
	bool     fresh;              /* nothing was heard before: counts are taken over, their events are long past */
	bool     uncovered;
	unsigned budget;             /* commands that may still be made */
};

/* Carries a repair out and remembers it. */
void repair_do(struct midi_repair *r, const struct midi_cmd *cmd);
void repair_short(struct midi_repair *r, uint8_t status, uint8_t a, uint8_t b);

void repair_system(struct midi_repair *r, const struct journal_system *sys, uint32_t checkpoint);
void repair_channel(struct midi_repair *r, const struct journal_channel *jc);

/* A channel that no journal speaks of: what must not go on sounding. */
void repair_silence(struct midi_repair *r, unsigned chan, const struct journal_channel *jc);

#endif
