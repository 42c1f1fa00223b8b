/*
 * midi_merge.h - what several players play, as one legal MIDI stream for one receiver in which nothing hangs.
 *
 * Commands of numbered sources go in, those of the merged stream come out by the handler given with each call, at once; nothing is
 * held back but SysEx that is not yet whole. Pure: no clock, no socket, and no allocation after midi_merge_alloc().
 */
#ifndef OSC_MIDI_MERGE_H
#define OSC_MIDI_MERGE_H

#include "midi_fmtp.h"
#include "midi_state.h"

enum { MERGE_SOURCES_MAX = 256 };

struct midi_merge_conf {
	unsigned sources;        /* at once; 1 to MERGE_SOURCES_MAX */
	size_t   sysex_max;      /* longest SysEx passed on, its F0 and F7 not counted; MIDI_SYSEX_MAX at most; 0: none */
	bool     spread;         /* all of the k-th source goes on channel k, modulo 16; else channels stay */
	const struct midi_subset *subset;        /* commands the receiver may be sent; NULL: all. Outlives the merge */
};

struct midi_merge_stats {
	uint64_t in, out;
	uint64_t withheld;       /* another holds the note or the pedal; a mode message that would have ended what others play */
	uint64_t not_master;     /* clocks and the like of who does not lead */
	uint64_t absorbed;       /* Active Sense, System Reset, undefined commands */
	uint64_t sysex_dropped;  /* too long, too slow, cancelled, or without a beginning */
	uint64_t unknown;        /* of a source that has not joined */
};

typedef void (midi_merge_h)(const struct midi_cmd *cmd, void *arg);

struct midi_merge;

int  midi_merge_alloc(struct midi_merge **mp, const struct midi_merge_conf *conf);

/* Another copy of the same subset. */
void midi_merge_subset_rt(struct midi_merge *m, const struct midi_subset *subset);

/* As it was made: no source, nothing said. */
void midi_merge_clear_rt(struct midi_merge *m);

/* Once, before anything came out: a source with what it has said so far. Of two that have set the same thing the newer wins, by the
 * seq of their states. Notes count as held. ENOSPC: no place for it; EALREADY. */
int  midi_merge_seed_rt(struct midi_merge *m, uint32_t id, const struct midi_state *st);

/* A source comes. What it has said so far (may be NULL) is said in the merged stream, but for notes: none is struck late. */
int  midi_merge_join_rt(struct midi_merge *m, uint32_t id, const struct midi_state *st, uint64_t now_us, midi_merge_h *h, void *arg);
bool midi_merge_has(const struct midi_merge *m, uint32_t id);

void midi_merge_put_rt(struct midi_merge *m, uint32_t id, const struct midi_cmd *cmd, uint64_t now_us, midi_merge_h *h, void *arg);

/* It goes: notes that nobody else holds end, pedals that nobody else holds down come up. */
void midi_merge_leave_rt(struct midi_merge *m, uint32_t id, midi_merge_h *h, void *arg);

/* What the merged stream has said. Its seq and ts mean nothing but 0 or not. */
const struct midi_state *midi_merge_state(const struct midi_merge *m);
const struct midi_merge_stats *midi_merge_stats(const struct midi_merge *m);

#endif
