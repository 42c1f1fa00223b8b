/*
 * xr.h - extended reports (RFC 3611): how good the sound is that arrives, and the round trip of one who only listens.
 *
 * Pure, no allocation; may run on a media thread. Called by leg_xr: xr_read behind rtcp_read, on the same bytes; xr_write
 * behind rtcp_write, to append to the same compound, for a peer whose SDP had a=rtcp-xr; xr_runs_rt for each packet,
 * played or missing; xr_voip_fill once a second and when a report is due.
 */
#ifndef MIXER_XR_H
#define MIXER_XR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { XR_DLRR_MAX = 8, XR_UNKNOWN = 127, XR_GMIN = 16 };

struct xr_dlrr { uint32_t ssrc, lrr, dlrr; };     /* 4.5; the last two like LSR and DLSR of a report block */

struct xr_voip {                  /* 4.7 */
	uint32_t ssrc;
	uint8_t  loss, discard, burst_density, gap_density;      /* of 256 */
	uint16_t burst_ms, gap_ms, rtt_ms, end_ms;
	int8_t   signal_dbm, noise_dbm;           /* dBm0; XR_UNKNOWN, as for the rest of these */
	uint8_t  rerl, gmin, r, ext_r, mos_lq, mos_cq;   /* MOS times ten */
	uint8_t  rx_config;
	uint16_t jb_ms, jb_max_ms, jb_abs_max_ms;
};

struct xr_info {
	uint32_t ssrc;                    /* of the sender */
	bool     rrtr, voip;
	uint64_t ntp;                     /* of rrtr */
	uint8_t  n_dlrr;
	struct xr_dlrr dlrr[XR_DLRR_MAX];
	struct xr_voip v;
};

/* Looks for XR packets in a compound; the first RRTR and the first VoIP block count. ENOENT: none there. EBADMSG: not an
 * RTCP compound, or a block whose length is wrong; blocks of other kinds are stepped over. */
int  xr_read(struct xr_info *info, const uint8_t *buf, size_t len);

/* One XR packet with what `info` has. Bytes, or -ENOSPC; -EINVAL: more dlrr than XR_DLRR_MAX. */
int  xr_write(uint8_t *buf, size_t size, const struct xr_info *info);

/* Round trip from a dlrr about us, in microseconds; -1 when it cannot be told. */
int64_t xr_rtt_us(const struct xr_dlrr *d, uint64_t now_ntp);

/* Bursts and gaps as they happen (4.7.2): a burst is a stretch in which no XR_GMIN packets in a row were good. */
struct xr_runs {
	uint32_t received, lost, discarded;
	uint32_t good;                    /* in a row, up to now */
	uint32_t bad;                     /* in the burst that may be going on */
	uint32_t c11, c13, c14, c22, c23, c33;
};
enum xr_fate { XR_RECEIVED, XR_LOST, XR_DISCARDED };     /* discarded: came, too late to be played */
void xr_runs_rt(struct xr_runs *r, enum xr_fate fate);

struct xr_state {                 /* what else a report needs */
	uint32_t ssrc;                    /* whose sound it is */
	uint32_t packet_us;               /* sound in a packet */
	uint32_t rtt_us;                  /* 0: not known */
	uint32_t jb_ms, jb_max_ms;        /* delay of the jitter buffer now, and its bound */
	bool     jb_adaptive;
	uint8_t  level_dbov;              /* of speech; 127: not known */
	float    ie, bpl;                 /* of the codec, see below */
};
void xr_voip_fill(struct xr_voip *v, const struct xr_runs *r, const struct xr_state *s);

/*
 * The E-model (ITU-T G.107) in its simplest form: everything that is not delay or loss at its default, loss at random.
 *
 *     R   = 93.2 - Id - Ie,eff
 *     Id  = 0.024 d + 0.11 (d - 177.3, if over it)              d: ms from mouth to ear (Cole and Rosenbluth, 2001)
 *     Ie,eff = Ie + (95 - Ie) P / (P + Bpl)                    P: per cent lost or discarded
 *
 * G.113 gives Ie 0 and Bpl 25.1 for G.711 with concealment; for others, where it gives nothing on this scale, the same
 * is used. MOS follows from R by G.107 annex B.
 */
#define XR_IE_G711  0.0f
#define XR_BPL_G711 25.1f
float xr_r_factor(float delay_ms, float loss_percent, float ie, float bpl);      /* 0 .. 93.2 */
float xr_mos(float r);                                                           /* 1 .. 4.5 */

#endif
