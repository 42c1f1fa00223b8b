/*
 * line_midi.h - between the two halves of a line of RTP MIDI (G1): line_midi.c is what goes to the party, line_midi_in.c what comes.
 */
#ifndef OSC_LINE_MIDI_H
#define OSC_LINE_MIDI_H

#include "line_rtp.h"
#include "midi_leg.h"
#include "midi_repair.h"

struct line_midi;

/* One stream of the party. Moves to the line that inherits. */
struct line_midi_in {
	struct line_midi *line;
	struct midi_repair *repair;
	uint32_t ts;                      /* while a packet is worked through: of its commands so far, */
	uint32_t begin_ts;                /* of the packet, */
	uint64_t begin_us, now_us;        /* and when it was played and came */
	bool     live;                    /* something was heard since the stream was new */
};

struct line_midi {
	struct line_rt l;
	struct line_rtp rtp;
	struct midi_leg *leg;
	struct midi_left told;            /* what the counters know of what the leg left out */
	uint64_t now_us;                  /* of the call that runs */
	uint8_t  out_of[MIDI_LEG_STREAMS];        /* which of rtp.out a stream is; LINE_RTP_OUTS: none */
	struct line_midi_in *in[LINE_RTP_INS];
};

int  line_midi_in_alloc(struct line_midi *m);
void line_midi_in_end(struct line_midi *m);
void line_midi_in_inherit_rt(struct line_midi *m, struct line_midi *old, uint64_t now_us);
bool line_midi_in_packet_rt(struct line_rt *l, struct line_rtp_in *in, const struct rtp_pkt *pkt, uint64_t now_us);
void line_midi_in_source_rt(struct line_rt *l, struct line_rtp_in *in, uint64_t now_us);
void line_midi_in_bye_rt(struct line_rt *l, uint32_t ssrc, uint64_t now_us);
void line_midi_in_tick_rt(struct line_midi *m, uint64_t now_us);
void line_midi_in_close_rt(struct line_midi *m, uint64_t now_us);

#endif
