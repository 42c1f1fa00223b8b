/*
 * midi_left.h - MIDI commands that a receiver has not got, by why; from the line that left them out to the relay's
 * counters.
 */
#ifndef OSC_MIDI_LEFT_H
#define OSC_MIDI_LEFT_H

#include "midi_merge.h"
#include "tally.h"

struct midi_left {
	uint64_t sysex;          /* too long, too slow, cancelled, or so much that no journal can protect it */
	uint64_t unplaced;       /* of players there is no stream for */
	/* and by rule: */
	uint64_t held;           /* another holds the note or the pedal */
	uint64_t clock;          /* another's clock leads */
	uint64_t absorbed;       /* Active Sense, System Reset, undefined commands */
};

/* Adds what a merge has left out. */
void midi_left_of_merge_rt(struct midi_left *left, const struct midi_merge_stats *s);
/* Adds to the relay's counters what is new since the last time: told is what they know of, and then is left. */
void midi_left_tell_rt(struct relay_count *n, struct midi_left *told, const struct midi_left *left);

#endif
