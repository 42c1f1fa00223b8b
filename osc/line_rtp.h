/*
 * line_rtp.h - what RTP lines of gestures (G1, G2) share: whose packets are taken, SRTP, streams in and out, reports.
 *
 * T2 of section 10.2: the server is the RTCP peer of each line. A line has streams that come (in, one for each SSRC of the party)
 * and streams that go (out: [0] is the server's own, merged; one more for each participant where the party takes several). What is in
 * the packets is the line's: it is called back.
 *
 * Forward thread, but for line_rtp_alloc and line_rtp_end.
 */
#ifndef OSC_LINE_RTP_H
#define OSC_LINE_RTP_H

#include "mixer/rtcp.h"
#include "mixer/seal.h"
#include "ensemble.h"
#include "line_twice.h"
#include "wallclock.h"

enum { LINE_RTP_INS = 2, LINE_RTP_OUTS = 17, LINE_RTP_OUTS_SRTP = 8 };

struct line_rtp_in {
	bool     used, looped;
	uint32_t ssrc;
	struct rtcp_src src;
	uint64_t heard_us;
	bool     sr;                      /* a sender report has come: */
	uint64_t sr_us;                   /* when */
	uint32_t sr_ts;                   /* and what RTP time it was, */
	uint64_t sr_ntp;                  /* and what the party's clock showed; 0: it has none */
	uint64_t acked_us;                /* when a report of ours told what came of it */
	char     cname[64];
};

struct line_rtp_out {
	bool     used, said;
	uint32_t ssrc, ts_base;
	struct player_rt *from;           /* NULL: merged */
	uint32_t packets, octets, packets_before;
	/* T1 (line_through.c): numbers and times are its source's */
	bool     through;
	uint16_t top;                     /* the highest number that went */
	uint32_t reporter;                /* who reports of it here; 0: nobody so far */
	uint32_t ehsn;                    /* the last it reported */
	uint64_t reported_us, passed_us;  /* when (at first: when it began); when a report last went on to the source */
};

struct line_rtp_ops {
	/* A packet of the party, its type known, its source counted. false: it was not taken, and so counts as lost: what was acknowledged
	 * the party's journal tells no more. */
	bool (*packet_rt)(struct line_rt *l, struct line_rtp_in *in, const struct rtp_pkt *pkt, uint64_t now_us);
	/* Another stream has this place now; what was known of the one before is of no use. */
	void (*source_rt)(struct line_rt *l, struct line_rtp_in *in, uint64_t now_us);
	/* A report block about `out`: from whom, the extended highest sequence number in it. */
	void (*report_rt)(struct line_rt *l, struct line_rtp_out *out, uint32_t reporter, uint32_t ehsn, uint64_t now_us);
	/* The party took leave: of what it sends, and as a reporter. */
	void (*bye_rt)(struct line_rt *l, uint32_t ssrc, uint64_t now_us);
	/* PLI: the state of that stream is wanted; NULL where the line has no use for it. */
	void (*refresh_rt)(struct line_rt *l, struct line_rtp_out *out, uint64_t now_us);
	/* SSRC collision: `out` has another SSRC from now on, and BYE was said for the old. */
	void (*renumber_rt)(struct line_rt *l, struct line_rtp_out *out, uint64_t now_us);
	/* T1; NULL where the line knows none of it. Our own block about what comes is at hand: false: it is not to be told. A sender report of
	 * the party. A block about `out`, which is its source's. Such an `out` ends. */
	bool (*block_rt)(struct line_rt *l, struct line_rtp_in *in, struct rtcp_block *block, uint64_t now_us);
	void (*sender_rt)(struct line_rt *l, const struct line_rtp_in *in, const struct rtcp_info *info, uint64_t now_us);
	void (*relayed_rt)(struct line_rt *l, struct line_rtp_out *out, uint32_t reporter, const struct rtcp_block *block, uint64_t now_us);
	void (*shut_rt)(struct line_rt *l, struct line_rtp_out *out, uint64_t now_us);
};

struct line_rtp {
	struct line_rt *line;
	const struct line_rtp_ops *ops;
	struct seal *tx, *rx;
	struct line_rtp_in in[LINE_RTP_INS];
	struct line_rtp_out out[LINE_RTP_OUTS];
	unsigned n_out;                   /* how many there may be */
	uint64_t report_us;               /* the next; UINT64_MAX: nothing to say yet */
	uint64_t renumbered_us;
	bool     latched;
	struct wallclock wall;            /* the party's, against the clock that now_us is of */
	struct line_twice twice;          /* of lines of OSC */
};

/* outs: the server's own and how many participants beside. EINVAL: a key that does not fit. */
int  line_rtp_alloc(struct line_rtp *r, struct line_rt *l, const struct gestline *desc, const struct line_rtp_ops *ops, unsigned outs);
void line_rtp_end(struct line_rtp *r);
/* Streams, counts and SRTP contexts of a line before, where addresses and keys are the same. out[0] is there afterwards. */
void line_rtp_inherit_rt(struct line_rtp *r, struct line_rtp *old, uint64_t now_us);

void line_rtp_recv_rt(struct line_rtp *r, unsigned sock, const struct sa *from, uint8_t *buf, size_t len, uint64_t now_us);
/* A whole RTP packet of `out`, with SEAL_ROOM behind it. */
void line_rtp_send_rt(struct line_rtp *r, struct line_rtp_out *out, uint8_t *buf, size_t len, uint64_t now_us);

/* A stream of one participant: its SSRC where it has one that is free here. NULL: there are as many as may be. */
struct line_rtp_out *line_rtp_open_rt(struct line_rtp *r, struct player_rt *from, uint64_t now_us);
void line_rtp_shut_rt(struct line_rtp *r, struct line_rtp_out *out, uint64_t now_us);     /* BYE */
struct line_rtp_out *line_rtp_of(struct line_rtp *r, const struct player_rt *from);       /* NULL: it is in the merged one */

/* The same place for a stream with another SSRC (0: any that is free); BYE for the one before, if it was heard of. */
void line_rtp_anew_rt(struct line_rtp *r, struct line_rtp_out *out, uint32_t ssrc, uint64_t now_us);
/* Is this SSRC nobody's on this line but, maybe, of `except`? */
bool line_rtp_free_rt(const struct line_rtp *r, uint32_t ssrc, const struct line_rtp_out *except);
/* RTCP of somebody else in his name: SDES NAME where `name` is not empty; a PLI about `pli` where it is not 0. */
void line_rtp_relay_rt(struct line_rtp *r, const struct rtcp_report *rep, const char *name, uint32_t pli);

/* RTP time of an instant of the server's clock, of this stream; and back: when a packet with that time was captured (10.3: by the
 * source's sender reports if one has come, else now). Once round trips have told how far the party's clock is from ours, that is
 * right however long the report took; before, it is late by that. */
uint32_t line_rtp_ts_rt(const struct line_rtp *r, const struct line_rtp_out *out, uint64_t at_us);
uint64_t line_rtp_captured_rt(const struct line_rtp *r, const struct line_rtp_in *in, uint32_t ts, uint64_t now_us);

/* The server's wallclock, as its sender reports have it; and how far the party's is behind it, in 2^-32 s (false: not known). */
uint64_t line_rtp_ntp_rt(const struct line_rtp *r, uint64_t now_us);
bool line_rtp_shift_rt(const struct line_rtp *r, uint64_t *shift, uint64_t now_us);

/* Asks for the state of a stream: by PLI, if that was agreed on. false: it was not. */
bool line_rtp_ask_rt(struct line_rtp *r, const struct line_rtp_in *in, uint64_t now_us);

uint64_t line_rtp_due_rt(const struct line_rtp *r);
void line_rtp_tick_rt(struct line_rtp *r, uint64_t now_us);
void line_rtp_close_rt(struct line_rtp *r, uint64_t now_us);      /* BYE of all */

#endif
