/*
 * gestend_priv.h - between gestend.c (life, time), gestend_in.c (room to programs) and gestend_out.c (programs to
 * room).
 */
#ifndef CLIENT_GESTEND_PRIV_H
#define CLIENT_GESTEND_PRIV_H

#include "align.h"
#include "clockout.h"
#include "gestend.h"
#include "midimix.h"
#include "osc/bridge.h"
#include "osc/oscrate.h"
#include "oscport.h"
#include "roomclock.h"

/* A message to the room at most: what fits into a packet of ours, less the bundle it stands in. */
enum { GESTEND_MSG_MAX = 1160, GESTEND_SYSEX_MAX = 1100 };

struct gestend {
	struct gestend_conf conf;
	struct player *player;            /* not ours; NULL: none */
	bool     ready;                   /* it has a line on which it is told things */
	uint64_t hand_us;                 /* by_hand: the time */
	uint64_t armed_us, look_us;
	int      timer_fd;
	bool     midi_listened;
	struct oscport *port;
	/* to the room */
	struct osckeys *keys;             /* what programs and instruments here have set */
	struct oscrate *rate;
	uint32_t rate_agreed;
	size_t   max;
	struct midi_state *midi_in;
	uint32_t midi_no;
	/* from the room */
	struct align *align;
	struct midimix *mix;
	struct osckeys *notes;            /* that programs were told of and that sound */
	struct clockout beat;
	struct roomclock clock;
	struct gestend_stats n;
};

uint64_t gestend_now(const struct gestend *g);
void gestend_arm(struct gestend *g);                      /* something may be due sooner */

void gestend_in_hear(struct gestend *g, const struct osc_msg *msg, const struct player_said *said);
void gestend_in_turn(struct gestend *g, uint64_t now_us);
void gestend_in_end(struct gestend *g);                   /* the room is gone: all of its notes end */

void gestend_out_osc(const uint8_t *osc, size_t len, void *arg);          /* oscport_h */
void gestend_out_midi(struct gestend *g);                 /* what the instrument played */
int  gestend_out_tell(struct gestend *g, const uint8_t *osc, size_t len, unsigned messages);
void gestend_out_begin(struct gestend *g,
		       const struct gestline_takes *takes); /* a line is there: all that is set is told */
void gestend_out_turn(struct gestend *g, uint64_t now_us);
uint64_t gestend_out_due(const struct gestend *g);

#endif
