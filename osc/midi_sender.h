/*
 * midi_sender.h - one RTP MIDI stream to one receiver: lists and journals of its packets, and when a packet is due.
 *
 * Pure: no socket, no clock. Whoever owns it hands commands in, asks for payloads, and hands in what RTCP reported. The RTP
 * header is the caller's: the sequence number is told, the marker bit is 1 if the list is not empty.
 * Times are microseconds of any clock that does not go back; ts is the stream's RTP clock.
 */
#ifndef OSC_MIDI_SENDER_H
#define OSC_MIDI_SENDER_H

#include "midi_state.h"

/* RFC 6295 C.2.2. Open-loop is not offered: it needs a promise for each command type (docs/rtpmidi.md). */
enum midi_policy {
	MIDI_CLOSED_LOOP,        /* the checkpoint follows what the receiver has reported */
	MIDI_ANCHOR,             /* the checkpoint is the first packet, for ever */
	MIDI_BARE,               /* j_sec=none: no journal, nothing is repaired, no guard packets */
};

struct midi_sender_conf {
	enum midi_policy policy;
	uint16_t seq;            /* of the first packet */
	size_t   max;            /* octets of a payload; 64 at least */
	uint32_t play;           /* RTP clock: for how long a lost NoteOn is worth being struck late */
	uint64_t guard_us;       /* longest silence between two packets; 0: none is bounded */
};

struct midi_sender_stats {
	uint64_t packets, commands;
	uint64_t moved_on;       /* the journal did not fit and the receiver was given up for a while */
	uint64_t forgotten;      /* parameters that left the journal because there were too many */
};

struct midi_sender;

/* from: what the receiver must know at once (a late joiner), NULL: nothing. It is copied, without events and counts. */
int  midi_sender_alloc(struct midi_sender **sp, const struct midi_sender_conf *conf, const struct midi_state *from);

/* A stream begins (of a new SSRC), or goes on after a pause in which nothing was sent: the next packet, due at once, tells all of `from`, with held
 * notes as over (nothing is struck late). If there were packets before, one sequence number is left out, so that the receiver looks, even
 * if it takes a straggler of an SSRC that is used again for the beginning; what it was told before a pause and is not in `from` ends. ts: about now. What was put and not yet sent is forgotten. */
void midi_sender_begin_rt(struct midi_sender *s, const struct midi_state *from, bool goes_on, uint32_t ts);

/* Into the next packet; a segment of a SysEx only after its beginning. EINVAL: no command; ENOSPC: the packet is full, send it first; EAGAIN: so much SysEx is not yet
 * reported that more cannot be protected, wait; EMSGSIZE: a SysEx longer than can ever be protected. */
int  midi_sender_put(struct midi_sender *s, const struct midi_cmd *cmd);

/* The next packet's payload, with whatever was put, or an empty list (a guard packet). *len is in: room, out: length.
 * ENOSPC: less room than conf.max. */
int  midi_sender_packet(uint8_t *buf, size_t *len, uint16_t *seq, bool *marker, struct midi_sender *s, uint32_t ts,
	uint64_t now_us);

/* An RTCP report of the receiver: the highest sequence number it has had. Numbers never sent or long ago are ignored. */
void midi_sender_report(struct midi_sender *s, uint32_t ehsn);

/* From the next packet on all of the state is told again, until a report covers it: after hold. (A new receiver gets a sender
 * of its own.) One sequence number is left out, so that the receiver looks into the journal. */
void midi_sender_renew(struct midi_sender *s);

/* When the next guard packet is due; UINT64_MAX: none is. */
uint64_t midi_sender_due_us(const struct midi_sender *s);

const struct midi_state *midi_sender_state(const struct midi_sender *s);
const struct midi_sender_stats *midi_sender_stats(const struct midi_sender *s);

#endif
