/*
 * rtp.h - RTP header to struct and back (RFC 3550), header extensions (RFC 8285), arithmetic on sequence numbers.
 *
 * Pure: no state but what is handed in, no allocation. All functions may be called on a media thread.
 * (libre exports rtp_decode and rtp_encode; ours are rtp_read and rtp_write so that neither shadows the other.)
 */
#ifndef MIXER_RTP_H
#define MIXER_RTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RTP_HDR_LEN = 12, RTP_CSRC_MAX = 15, RTP_MTU = 1500 };
enum { RTP_EXT_HDR_LEN = 4, RTP_EXT_ONE_BYTE = 0xbede };

struct rtp_pkt {
	uint8_t  pt;
	bool     marker;
	uint16_t seq;
	uint32_t ts;
	uint32_t ssrc;
	uint8_t  n_csrc;
	uint32_t csrc[RTP_CSRC_MAX];
	uint16_t ext_profile;             /* RTP_EXT_ONE_BYTE: one-byte elements, 0x100x: two-byte */
	const uint8_t *ext;               /* into the packet; NULL without an extension */
	size_t   ext_len;
	const uint8_t *payload;           /* into the packet, padding taken off */
	size_t   len;
};

/* EBADMSG: not RTP, or its lengths contradict each other. */
int  rtp_read(struct rtp_pkt *pkt, const uint8_t *buf, size_t len);

/* Writes header and extension, not the payload; *len is in: room, out: header length. ENOSPC when it does not fit. */
int  rtp_write_hdr(uint8_t *buf, size_t *len, const struct rtp_pkt *pkt);

/* RFC 5761 section 4: with rtcp-mux, a packet whose second octet is 192..223 is RTCP. */
bool rtp_is_rtcp(const uint8_t *buf, size_t len);

/* One element of an RFC 8285 extension by its id; NULL when it is not there. */
const uint8_t *rtp_ext_find(const struct rtp_pkt *pkt, uint8_t id, size_t *len);

static inline int16_t rtp_seq_diff(uint16_t a, uint16_t b) { return (int16_t)(a - b); }
static inline int32_t rtp_ts_diff(uint32_t a, uint32_t b)  { return (int32_t)(a - b); }

#endif
