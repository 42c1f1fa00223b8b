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
};

int  line_osc_recv_alloc(struct line_osc *o, const struct gestline *desc);
bool line_osc_packet_rt(struct line_rt *l, struct line_rtp_in *in, const struct rtp_pkt *pkt, uint64_t now_us);
void line_osc_source_rt(struct line_rt *l, struct line_rtp_in *in, uint64_t now_us);
/* Asks the party for its state, if what came makes that necessary. */
void line_osc_ask_rt(struct line_osc *o, uint64_t now_us);

#endif
