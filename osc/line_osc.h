/*
 * line_osc.h - between line_osc.c (the line, and what goes out) and line_osc_in.c (what comes in). Private to these.
 */
#ifndef OSC_LINE_OSC_H
#define OSC_LINE_OSC_H

#include "line_out.h"
#include "line_rtp.h"
#include "oscrecv.h"
#include "oscsend.h"

/* How the times of one source become times of the stream it goes out on. */
struct osc_times {
	bool     known;
	uint32_t clock, last_in, base;
	int64_t  units;           /* of the source's clock since the first */
};

enum { THROUGH_SSRCS = 16 };

/* T1, as far as a line has to do with it: line_through.c. */
struct line_through {
	bool     on;                      /* gesture.transparent */
	/* as a source */
	bool     opaque;                  /* it said what may not go on as it is: it is not passed on so any more */
	bool     ask;                     /* somebody wants its state: */
	uint32_t asker;                   /* who, 0: in the name of the server */
	uint64_t ask_us;                  /* from then on it may be asked */
	struct bucket up;
	unsigned messages;                /* of the packet at hand */
	/* as a receiver */
	struct slots apart;               /* players from whom something came that this party does not take */
	uint32_t ssrc[THROUGH_SSRCS];     /* with SRTP: of streams that went through, none of which may come again */
	unsigned n_ssrc;
};

struct line_osc {
	struct line_rt l;
	struct line_rtp rtp;
	struct line_out out;
	size_t mtu;
	struct oscsend *send[LINE_RTP_OUTS];      /* of each out */
	struct osc_times times[LINE_RTP_OUTS];
	struct oscrecv *recv[LINE_RTP_INS];       /* of each in */
	uint64_t asked_us;                        /* the party, for our state */
	/* the packet at hand */
	struct line_rtp_in *in;
	bool     newer;                           /* than all before it: its bundles go on whole */
	struct oscrtp payload;
	const uint8_t *whole, *whole_end;         /* the bundle that has gone on */
	uint64_t now_us;
	struct line_through through;
};

int  line_osc_recv_alloc(struct line_osc *o, const struct gestline *desc);
bool line_osc_packet_rt(struct line_rt *l, struct line_rtp_in *in, const struct rtp_pkt *pkt, uint64_t now_us);
void line_osc_source_rt(struct line_rt *l, struct line_rtp_in *in, uint64_t now_us);
/* Asks the party for its state, if what came makes that necessary. */
void line_osc_ask_rt(struct line_osc *o, uint64_t now_us);

/* Tells its source's state in a stream of the server's own, from the beginning. */
void line_osc_tell_anew_rt(struct line_osc *o, struct line_rtp_out *out);

/* ---- line_through.c: T1 ---- */

/* A stream begins: may it be its source's own? Then it is from now on, and the source is asked for its state. */
void line_through_open_rt(struct line_osc *o, struct line_rtp_out *out, uint64_t now_us);
/* A packet came from the party: for whom does it go through? To be called before what is in it goes on, and then with it if it was taken. */
void line_through_before_rt(struct line_osc *o, const struct rtp_pkt *pkt, uint64_t now_us);
void line_through_pass_rt(struct line_osc *o, const struct rtp_pkt *pkt, uint64_t now_us);
/* A gesture for this line: does its packet go through, as a whole? */
bool line_through_has_rt(struct line_osc *o, const struct player_rt *from, uint64_t now_us);
/* same: its streams go on. */
void line_through_inherit_rt(struct line_osc *o, const struct line_osc *old, bool same);
/* To T2, for as long as this line is told of that player. */
void line_through_apart_rt(struct line_osc *o, struct line_rtp_out *out, uint64_t now_us);
void line_through_ask_rt(struct line_osc *o, struct line_rtp_out *out, uint64_t now_us);
uint64_t line_through_due_rt(const struct line_osc *o);
void line_through_tick_rt(struct line_osc *o, uint64_t now_us);
/* RTCP, as in struct line_rtp_ops. */
bool line_through_block_rt(struct line_rt *l, struct line_rtp_in *in, struct rtcp_block *block, uint64_t now_us);
void line_through_sender_rt(struct line_rt *l, const struct line_rtp_in *in, const struct rtcp_info *info, uint64_t now_us);
void line_through_report_rt(struct line_rt *l, struct line_rtp_out *out, uint32_t reporter, const struct rtcp_block *block, uint64_t now_us);
void line_through_shut_rt(struct line_rt *l, struct line_rtp_out *out, uint64_t now_us);
void line_through_bye_rt(struct line_osc *o, uint32_t ssrc, uint64_t now_us);

#endif
