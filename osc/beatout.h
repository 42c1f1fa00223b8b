/*
 * beatout.h - the beat of a room on its way to its players, in time: /tutti/beat to who listens to the house, timing clock, start
 * and stop to who takes MIDI. Forward thread, but for ensemble_set_beat (relay.h). Private to osc/.
 *
 * MIDI is sent only while no player sends clocks of its own: those are the ones that instruments then follow.
 */
#ifndef OSC_BEATOUT_H
#define OSC_BEATOUT_H

#include "forward.h"
#include "mixer/beat.h"

struct ensemble_rt;

enum { BEATOUT_MASTER_US = 2000000 };     /* a player's clock is gone when none came for so long */

struct beatout {
	struct ensemble_rt *ensemble;
	struct forward *forward;
	struct ticker ticker;
	struct beat beat;
	uint64_t next_smp;        /* the pulses before it have been sent */
	uint32_t run;             /* of this start, at random; 0: there was none */
	uint64_t master_us;       /* when a player's clock was last heard; 0: never */
};

void beatout_end_rt(struct ensemble_rt *e, struct forward *f);
void beatout_master_rt(struct ensemble_rt *e, uint64_t now_us);   /* a player's clock was heard */

#endif
