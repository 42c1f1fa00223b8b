/*
 * rtpmidi.h - the MIDI command section of an RTP MIDI payload (RFC 6295 section 3), both directions.
 *
 * Pure: no allocation, may be called on any thread. What is read points into the packet.
 */
#ifndef OSC_RTPMIDI_H
#define OSC_RTPMIDI_H

#include "midi.h"

enum { RTPMIDI_LIST_MAX = 4095, RTPMIDI_DELTA_MAX = 0x0fffffff };

struct rtpmidi {
	bool z;                   /* the first command has a delta time */
	bool p;                   /* the source wrote the first channel command without its status octet */
	const uint8_t *list;
	size_t list_len;
	const uint8_t *journal;   /* NULL: none */
	size_t journal_len;
};

/* A walk through the list of a payload that rtpmidi_read() has accepted. */
struct rtpmidi_iter {
	const uint8_t *at, *end;
	bool    delta_next;       /* a delta time stands before the next command */
	uint8_t running;
	uint32_t void_time;       /* at the end: clock units without a command after the last one */
};

/* A MIDI list being written. */
struct rtpmidi_list {
	uint8_t  buf[RTPMIDI_LIST_MAX];
	size_t   len;
	unsigned n;
	bool     z;
	uint8_t  running;
};

/* EBADMSG: a length, a delta time or a command is wrong; nothing of such a packet may be used. The journal is not
 * looked into (journal_read). */
int  rtpmidi_read(struct rtpmidi *m, const uint8_t *buf, size_t len);

void rtpmidi_begin(struct rtpmidi_iter *it, const struct rtpmidi *m);
bool rtpmidi_next(struct rtpmidi_iter *it, struct midi_cmd *cmd);

void rtpmidi_list_init(struct rtpmidi_list *l);

/* Running status is used where it may be. EINVAL: no command; ENOSPC: the list holds room octets at most. */
int  rtpmidi_list_add(struct rtpmidi_list *l, const struct midi_cmd *cmd, size_t room);

/* *len is in: room, out: octets of header and list, after which the journal goes if has_journal. ENOSPC. */
int  rtpmidi_write(uint8_t *buf, size_t *len, const struct rtpmidi_list *l, bool phantom, bool has_journal);

#endif
