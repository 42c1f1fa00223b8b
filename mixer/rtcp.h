/*
 * rtcp.h - reports sent and read (RFC 3550): loss, jitter, round trip. Pure; may run on a media thread.
 * (libre exports rtcp_decode, rtcp_encode, rtcp_stats ...; ours are rtcp_read, rtcp_write and struct rtcp_src.)
 */
#ifndef MIXER_RTCP_H
#define MIXER_RTCP_H

#include "rtp.h"

enum { RTCP_PT_SR = 200, RTCP_PT_RR, RTCP_PT_SDES, RTCP_PT_BYE, RTCP_PT_APP, RTCP_PT_RTPFB, RTCP_PT_PSFB, RTCP_PT_XR };
enum { RTCP_BLOCKS_MAX = 31 };

struct rtcp_block {               /* a report block about one source */
	uint32_t ssrc;
	uint8_t  fraction;        /* of 256 */
	int32_t  lost;            /* cumulative, signed 24 bit */
	uint32_t ext_seq, jitter, lsr, dlsr;
};

struct rtcp_info {                /* what one compound packet said */
	bool     sr, bye;
	uint32_t ssrc;            /* of the sender of the compound */
	uint64_t ntp;             /* SR only */
	uint32_t rtp_ts, packets, octets;
	uint8_t  n_blocks;
	struct rtcp_block block[RTCP_BLOCKS_MAX];
	char     cname[256];      /* zero-terminated, "" when absent */
};

/* EBADMSG unless it is a well formed compound (RFC 3550 A.2) or reduced-size (RFC 5506) packet. Unknown types are skipped. */
int  rtcp_read(struct rtcp_info *info, const uint8_t *buf, size_t len);

/* A source being received (RFC 3550 A.1, A.3, A.8). */
struct rtcp_src {
	uint32_t ssrc, clock;
	uint16_t max_seq;
	uint32_t cycles, base_seq, bad_seq, probation, received, expected_prior, received_prior;
	uint32_t transit;
	double   jitter;          /* RTP clock ticks */
	uint64_t last_sr_ntp;     /* of the source's last SR, and when it came */
	uint64_t last_sr_us;
	bool     any;
};
void rtcp_src_init(struct rtcp_src *s, uint32_t ssrc, uint32_t clock);
void rtcp_src_packet_rt(struct rtcp_src *s, const struct rtp_pkt *pkt, uint64_t now_us);
void rtcp_src_sr_rt(struct rtcp_src *s, const struct rtcp_info *info, uint64_t now_us);
void rtcp_src_block_rt(struct rtcp_src *s, struct rtcp_block *b, uint64_t now_us);   /* fills and starts the next interval */

struct rtcp_report {              /* what we say */
	uint32_t ssrc;
	bool     sender;          /* SR, else RR */
	uint64_t ntp;
	uint32_t rtp_ts, packets, octets;
	const struct rtcp_block *blocks;
	uint8_t  n_blocks;
	const char *cname;
	bool     bye;
};
/* Compound SR/RR + SDES (+ BYE). Bytes written or -ENOSPC. */
int  rtcp_write(uint8_t *buf, size_t size, const struct rtcp_report *r);

/* Round trip from a block about us, in microseconds; -1 when it cannot be told (RFC 3550 6.4.1). */
int64_t rtcp_rtt_us(const struct rtcp_block *b, uint64_t now_ntp);
/* Next report time: 5 s scaled by rnd in 0..1 to 0.5..1.5 and divided by e-1.5 (RFC 3550 6.3.1); half for the first. */
uint32_t rtcp_interval_ms(double rnd, bool first);
uint64_t rtcp_ntp(uint64_t unix_us);

#endif
