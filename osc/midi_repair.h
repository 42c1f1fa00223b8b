/*
 * midi_repair.h - the receiving end of an RTP MIDI stream: what a lost packet said becomes commands.
 *
 * Packets go in, commands come out by a handler: those of the list, and before them those that repair what was lost, so that no
 * note hangs and no controller is stale. Packets that come late or twice are ignored: what they said has been repaired.
 * Pure: no socket, no clock, no allocation after midi_repair_alloc().
 */
#ifndef OSC_MIDI_REPAIR_H
#define OSC_MIDI_REPAIR_H

#include "midi_state.h"

/* A command to carry out now; repair: it came from a journal. The body is valid during the call. */
typedef void (midi_command_h)(const struct midi_cmd *cmd, bool repair, void *arg);

struct midi_repair_stats {
	uint64_t packets;        /* taken */
	uint64_t bad;            /* malformed, dropped as if lost */
	uint64_t late;           /* late or twice, ignored */
	uint64_t lost;           /* numbers that were missing when a later one came */
	uint64_t repairs;        /* commands made from journals */
	uint64_t silent;         /* NoteOns that were not made good because their moment was over */
	uint64_t uncovered;      /* losses the journal did not reach back to */
	uint64_t cut;            /* repairs that were cut short because there were too many commands */
};

struct midi_repair;

int  midi_repair_alloc(struct midi_repair **rp, midi_command_h *h, void *arg);

/* One RTP packet's payload. EBADMSG: malformed; EALREADY: late or twice; EPROTO: far from where the stream was, and dropped
 * unless the next follows it (RFC 3550 A.1). In these cases nothing was carried out. */
int  midi_repair_packet(struct midi_repair *r, uint16_t seq, uint32_t ts, const uint8_t *payload, size_t len);

/* The stream is over: "a receiver MUST ensure that the rendered MIDI performance does not end with indefinite artifacts". */
void midi_repair_end(struct midi_repair *r);

/* What comes next is another stream, of which nothing is known. */
void midi_repair_restart(struct midi_repair *r);

/* The highest extended number, for receiver reports; 0: no packet yet. */
uint32_t midi_repair_highest(const struct midi_repair *r);

const struct midi_state *midi_repair_state(const struct midi_repair *r);
const struct midi_repair_stats *midi_repair_stats(const struct midi_repair *r);

#endif
