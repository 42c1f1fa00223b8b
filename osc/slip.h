/*
 * slip.h - OSC packets in a stream of octets: SLIP (OSC 1.1) and a size before each packet (OSC 1.0).
 *
 * A struct slip takes what came from a connection, in pieces of any length, and gives whole packets. It owns one
 * buffer as long as the longest packet, made when it is made; nothing is allocated afterwards. Whether a frame holds
 * valid OSC is not asked here, only whether it can: a multiple of four, 8 octets to `max`.
 */
#ifndef OSC_SLIP_H
#define OSC_SLIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum slip_kind { SLIP_END, SLIP_SIZE };

struct slip {
	enum slip_kind kind;
	size_t   max;
	uint8_t *buf;             /* max octets; with SLIP_SIZE the four of the size come first */
	size_t   len;
	bool     begun;           /* an END has come */
	bool     escaped;         /* the last octet was ESC */
	bool     bad;             /* this frame is to be dropped at its END */
	bool     dead;            /* a size was wrong: nothing after it can be trusted */
	uint64_t n_bad;           /* frames dropped, beyond those that were only empty */
};

/* EINVAL: max not from 8 to OSC_MAX_STREAM; ENOMEM */
int  slip_alloc(struct slip **sp, enum slip_kind kind, size_t max);

/*
 * Takes octets from *data until a packet is whole. 0: there is one, valid until the next call, and *data, *len are
 * what is left; EAGAIN: all taken, no packet yet; EPROTO: the connection has to be closed ("a length that is
 * negative, not a multiple of 4, below 8 or above `max` ends the connection").
 */
int  slip_read(struct slip *s, const uint8_t **pkt, size_t *pkt_len, const uint8_t **data, size_t *len);

/* A packet as it goes into the stream; *len is in: room, out: octets. ENOSPC: at most slip_room(len) are needed. */
int  slip_write(uint8_t *buf, size_t *len, enum slip_kind kind, const uint8_t *pkt, size_t pkt_len);

static inline size_t slip_room(size_t pkt_len) { return 2 * pkt_len + 4; }

#endif
