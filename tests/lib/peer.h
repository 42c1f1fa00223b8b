/*
 * peer.h - a phone without SIP, for flow tests: real UDP sockets on loopback, a codec, a tone; on the test's clock.
 *
 * It sends a frame whenever one is due, and writes what it hears into a recording, each frame at the place its timestamp
 * says, so that a lost packet is a hole and a repeated one is seen as such.
 */
#ifndef TESTS_LIB_PEER_H
#define TESTS_LIB_PEER_H

#include "mixer/mixer.h"
#include "mixer/red.h"
#include "mixer/rtcp.h"
#include "mixer/seal.h"
#include "mixer/xr.h"

enum { PEER_REC_MAX = 48000 * 12 * 2, PEER_LATE_MAX = 16 };

struct peer_late { uint64_t due_us; size_t len; uint8_t buf[2048]; };     /* len 0: free */

struct peer_conf {
	const char *codec;
	uint32_t clock;           /* of the rtpmap, to tell L16 from L16 */
	uint8_t pt, channels;
	uint32_t ptime_us;
	double hz, peak;          /* of the tone it sends; peak 0: silence */
	bool dtx;
	const char *host;         /* NULL: 127.0.0.1 */
};

struct peer {
	struct peer_conf conf;
	const struct codec *codec;
	struct codec_enc *enc;
	struct codec_dec *dec;
	int fd, fd_rtcp;
	struct sa local, to;      /* to: the leg's RTP address */
	struct seal *seal, *open;
	uint32_t ssrc;
	uint16_t seq;
	uint32_t ts;
	uint64_t next_us;         /* of the next frame; 0: not begun */
	uint64_t next_ns;         /* ... and the rest of it */
	uint64_t n_smp;           /* of the tone so far */
	double ppm;               /* by which its clock is fast; 0 at first */
	bool mute;                /* sends nothing at all */
	uint8_t level_id;         /* says its level in this header extension (RFC 6464); 0: does not */
	uint8_t level;
	uint8_t levels_id;        /* is told who is in the mix, in this header extension (RFC 6465); 0: is not */
	const float *play;        /* instead of the tone, over and over; mono at the codec's rate */
	size_t n_play;
	/* its path: drops a packet of so many, each time so many in a row (0: one); drops so many in a hundred; holds each
	 * up to so long, and all of them so long */
	unsigned drop_every, drop_run, drop_pct;
	uint32_t jitter_us, way_us, net_seed;
	uint64_t now_us;
	struct peer_late late[PEER_LATE_MAX];
	unsigned n_sent, n_dropped;
	uint8_t key_pt;           /* telephone-event */
	uint8_t red_gen, red_pt;  /* redundant audio (RFC 2198), so many older frames in a packet; 0: no such thing */
	bool red_plain;           /* ... but what it sends now is not */
	struct red_tx red;

	/* heard */
	float *rec;               /* mono or interleaved, at the codec's rate */
	size_t n_rec;             /* samples per channel */
	bool any;
	uint32_t first_ts, last_ts, ssrc_in;
	uint16_t last_seq;
	struct rtp_pkt in;        /* the header of the last packet with sound */
	uint8_t in_ext[64];
	unsigned n_packets, n_seq_gaps, n_ts_gaps, n_markers, n_bad, n_other, n_noise;
	uint8_t noise_dbov;       /* as the last CN packet said */
	char keys[64];
	uint32_t key_ts;
	struct rtcp_info rtcp;    /* the last report, and how many */
	unsigned n_rtcp, n_sr, n_rtcp_bye;
	struct xr_info xr;        /* the last extended report, and how many */
	unsigned n_xr;
	unsigned n_red, n_red_old;        /* redundant packets, older frames in them that are the bytes that came before, */
	unsigned n_red_wrong;             /* ... and others */
	struct { uint32_t ts; size_t len; uint8_t buf[1500]; } past[4];   /* what came */
	unsigned n_past;
};

struct peer *peer_new(const struct peer_conf *conf);
void peer_free(struct peer *p);
void peer_secure(struct peer *p, const struct leg_key *tx, const struct leg_key *rx);
void peer_redundant(struct peer *p, uint8_t pt, uint8_t gen);          /* before peer_desc; the leg may send it so as well */
void peer_codec(struct peer *p, const struct peer_conf *conf);         /* changes to another; the recording starts anew */
void peer_voice(struct peer *p);                          /* Opus: encodes as a phone would, 24 kbit/s, from now on */
void peer_send(struct peer *p, uint64_t now_us);          /* all frames due */
void peer_receive(struct peer *p);                        /* all packets that wait */
void peer_raw(struct peer *p, int fd, const void *buf, size_t len);    /* to the leg, as it is */
void peer_send_raw_rtp(struct peer *p, uint8_t pt, uint32_t ts, const uint8_t *payload, size_t len);
void peer_key(struct peer *p, uint8_t event);             /* a key of 100 ms at once */
void peer_forget(struct peer *p);                         /* the recording starts anew */
void peer_desc(const struct peer *p, struct leg_desc *d);              /* what an SDP of this peer would say */

/* The last n samples (per channel, `channel` of them) of what it heard. Freed with g_free. */
float *peer_last(const struct peer *p, size_t n, unsigned channel);

#endif
