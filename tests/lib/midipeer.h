/*
 * midipeer.h - a party of RTP MIDI on a gestnet: it plays with journals and reports, and repairs what it hears.
 *
 * A stream that is silent for 5 s is over, as its BYE may be lost.
 * Its line is RTP with RTCP on one port. What it hears is kept stream by stream, by SSRC: as its repair knows it, and as an
 * instrument would sound that knows no journals.
 */
#ifndef TESTS_LIB_MIDIPEER_H
#define TESTS_LIB_MIDIPEER_H

#include "gestnet.h"
#include "mixer/rtp.h"
#include "osc/midi_repair.h"
#include "osc/midi_sender.h"

enum { MIDIPEER_STREAMS = 32, MIDIPEER_RATE = 48000, MIDIPEER_PT = 97 };

struct midipeer_stream {
	uint32_t ssrc;            /* 0: nothing of it yet */
	char     name[64];        /* CNAME; "": it has not been told yet. Whose it is: a party without a CNAME is known by its name */
	struct midi_repair *repair;
	uint64_t heard_us;
	uint8_t  sounding[MIDI_CHANNELS][MIDI_KEYS];
	unsigned sysexes, commands;
	unsigned clocks, starts, stops;   /* starts: continues too */
	uint64_t clock_us[2];     /* the first and the last one */
};

struct midipeer {
	struct gestnet *net;
	struct gestend *end;
	struct player *player;
	struct sa server;
	struct gestline line;
	uint32_t ssrc;
	struct midi_sender *tx;
	struct midi_state said;   /* what it has played */
	uint32_t n_said;
	bool     pending;
	uint64_t report_us, hold_us;      /* hold_us: since when nothing may come */
	uint64_t sent, reports, byes;
	uint8_t  n_csrc;          /* of the last packet */
	uint32_t csrc[RTP_CSRC_MAX];
	bool     marker;
	struct midipeer_stream stream[MIDIPEER_STREAMS];
};

/* sources: a=gest-sources. */
void midipeer_join(struct midipeer *p, struct gestnet *net, struct ensemble *room, const char *name, unsigned sources, bool anchor);
void midipeer_set_dir(struct midipeer *p, uint8_t dir);
void midipeer_leave(struct midipeer *p);

void midipeer_cmd(struct midipeer *p, const struct midi_cmd *cmd);       /* sent with the next millisecond, or: */
void midipeer_send(struct midipeer *p);
void midipeer_play(struct midipeer *p, unsigned status, unsigned a, unsigned b);

/* The stream of that party; from NULL: the first one. NULL: there is none. */
struct midipeer_stream *midipeer_hears(struct midipeer *p, const char *from);
bool midipeer_sounds(struct midipeer *p, const char *from, unsigned chan, unsigned note);

#endif
