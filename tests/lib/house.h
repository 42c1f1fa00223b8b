/*
 * house.h - the whole server below main.c in one test: real stacks, sessions, focus, control and mixer, on the simulated
 * clock (sim.h). The mixer has no thread; house_turn turns it.
 */
#ifndef TESTS_LIB_HOUSE_H
#define TESTS_LIB_HOUSE_H

#include "control/control.h"
#include "control/snapshot.h"
#include "server/focus.h"

struct house {
	struct config *cfg;
	struct mixer *mixer;
	struct control *control;
	struct sips *sips;
	struct focus *focus;
	struct sa udp, tcp;
};

/* ini: lines of a configuration file on top of the defaults, may be NULL. */
void house_open(struct house *h, const char *ini);
void house_close(struct house *h);        /* checks that no call, member or leg is left after the loop has settled */
void house_turn(struct house *h);         /* a media tick, and its happenings handed out */

/* A room as it is now; free with mem_deref. NULL: there is none. */
struct snapshot *house_room(struct house *h, const char *room);
unsigned house_members(struct house *h, const char *room);        /* 0 where there is no room */

/* A plain offer of one PCMU line at the given port; dir "sendrecv" and so on. Static buffer. */
const char *house_sdp(uint16_t port, const char *dir);

#endif
