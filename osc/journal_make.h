/*
 * journal_make.h - the recovery journal a packet must carry, made from the state of the stream before it.
 */
#ifndef OSC_JOURNAL_MAKE_H
#define OSC_JOURNAL_MAKE_H

#include "midi_state.h"

struct journal_when {
	uint32_t checkpoint;         /* commands since this packet must be in it */
	uint32_t next;               /* the packet that carries it */
	uint32_t ts, play;           /* RTP clock; a NoteOn not older than play may be struck by whoever recovers it */
};

/* *len is in: room, out: length. EMSGSIZE: it does not fit, or into no LENGTH field. */
int journal_make(uint8_t *buf, size_t *len, const struct midi_state *st, const struct journal_when *when);

/* Octets of a channel (or, part MIDI_CHANNELS, the system) in a journal that held all of its state. */
size_t journal_part_len(const struct midi_state *st, unsigned part);

/* Octets and number of the SysEx logs such a journal would have. */
size_t journal_sysex_len(const struct midi_sysexes *x, uint32_t checkpoint, unsigned *n);

#endif
