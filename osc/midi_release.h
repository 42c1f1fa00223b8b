/*
 * midi_release.h - a state said as commands: what somebody who goes must not leave behind, and what somebody who comes has set.
 *
 * Pure. The state must not change while it is said.
 */
#ifndef OSC_MIDI_RELEASE_H
#define OSC_MIDI_RELEASE_H

#include "midi_fmtp.h"
#include "midi_state.h"

typedef void (midi_said_h)(const struct midi_cmd *cmd, void *arg);

/* NoteOffs for all notes that sound, as many as NoteOns are open; off for the switches 64 to 69 that are on. */
void midi_release_rt(const struct midi_state *st, midi_said_h *h, void *arg);

/* Programs with their banks, controllers, parameters, wheels and pressures, the song; no notes, no mode messages, no events, and
 * nothing of who leads the clock. Steps of a parameter that were no data entry: 128 at most. */
void midi_retell_rt(const struct midi_state *st, midi_said_h *h, void *arg);

/* Takes out what a receiver must not be sent. */
void midi_limit_rt(struct midi_state *st, const struct midi_subset *subset);

#endif
