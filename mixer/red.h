/*
 * red.h - redundant audio (RFC 2198): each packet carries the frames of the packets before it once more.
 *
 * Pure, no allocation, any thread. What comes out of a packet goes into the jitter buffer as if each frame had come in a
 * packet of its own: the buffer takes what was missing, before any concealment, and waits for the next one that is missing
 * as long as this one took (jitter_put_again_rt).
 *
 * Called by leg_recv where a packet has the red payload type (each of its packets goes on the usual way, its pt looked up
 * again: it may be telephone-event; reports and clocks see only the packet that came), and by leg_red for what we send.
 */
#ifndef MIXER_RED_H
#define MIXER_RED_H

#include "rtp.h"

enum {
	RED_BLOCKS_MAX = 4,       /* taken from a packet: its own frame and three older ones */
	RED_READ_MAX   = 16,      /* blocks a packet may have */
	RED_GEN_MAX    = 2,       /* older frames in a packet we write */
	RED_LEN_MAX    = 1023,    /* of an older frame: ten bits */
	RED_TS_MAX     = 16383,   /* how much older: fourteen bits */
	RED_HDR_MAX    = 4 * RED_GEN_MAX + 1,
};

struct red_block {
	uint8_t  pt;
	uint16_t ts_off;          /* older than the packet by so many ticks; 0: its own frame, the last block */
	const uint8_t *payload;   /* into the packet */
	size_t   len;
};

/* The blocks of a payload, in the order of the packet: oldest first as a rule, its own frame last. Older blocks without
 * a byte in them are left out, and the first ones of more than RED_BLOCKS_MAX. EBADMSG: lengths contradict each other, or
 * more than RED_READ_MAX. */
int  red_read(struct red_block *b, unsigned *n, const uint8_t *buf, size_t len);

/* What was last received, to know which frames are missing. */
struct red_rx {
	bool     any;
	uint16_t seq;
	uint32_t ts, ssrc;
};

/*
 * Of a received packet: those of its older frames that fill the hole before it, oldest first, and its own frame. `out`
 * has room for RED_BLOCKS_MAX; payloads point into the packet. What the hole may be is known from the packet before, so a
 * packet in sequence gives just its own frame. EBADMSG as red_read, and nothing is remembered.
 */
int  red_packets_rt(struct red_rx *r, struct rtp_pkt *out, unsigned *n, const struct rtp_pkt *pkt);
/* A packet of this stream that was not redundant: it, too, is one received. */
void red_plain_rt(struct red_rx *r, const struct rtp_pkt *pkt);

struct red_tx {
	uint8_t  n_gen;           /* how many older frames to send, 1 .. RED_GEN_MAX */
	uint8_t  n, newest;       /* kept */
	struct { uint8_t pt; uint32_t ts; size_t len; uint8_t payload[RED_LEN_MAX]; } gen[RED_GEN_MAX];
};

void red_tx_init(struct red_tx *t, uint8_t n_gen);
/* The payload of the packet that carries this frame, into buf; bytes or -ENOSPC. Older frames that do not fit into `size`,
 * nor into the fields of a block, are left out, the oldest first. Remembers the frame. buf does not overlap it. */
int  red_write_rt(struct red_tx *t, uint8_t *buf, size_t size, uint8_t pt, uint32_t ts, const uint8_t *payload, size_t len);

#endif
