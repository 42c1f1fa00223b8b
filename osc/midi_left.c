/*
 * midi_left.c - what a receiver of MIDI has not got, told to the relay's counters.
 *
 * Merges and legs are pure and count for themselves; they come and go with lines, and counters must not. So a line
 * tells the difference after each call that may leave something out.
 */
#include "midi_left.h"

void midi_left_of_merge_rt(struct midi_left *left, const struct midi_merge_stats *s)
{
	left->sysex += s->sysex_dropped;
	left->unplaced += s->unknown;
	left->held += s->withheld;
	left->clock += s->not_master;
	left->absorbed += s->absorbed;
}

void midi_left_tell_rt(struct relay_count *n, struct midi_left *told, const struct midi_left *left)
{
	tally_add_rt(&n->sysex, left->sysex - told->sysex);
	tally_add_rt(&n->unplaced, left->unplaced - told->unplaced);
	tally_add_rt(&n->held, left->held - told->held);
	tally_add_rt(&n->clock, left->clock - told->clock);
	tally_add_rt(&n->absorbed, left->absorbed - told->absorbed);
	*told = *left;
}
