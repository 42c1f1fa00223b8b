/*
 * speaker.h - who is the loudest speaker of a room, as a stream of changes. Pure, no allocation.
 *
 * Each tick those members that talk give their level (speaker_hear_rt), then speaker_tick_rt says whether the floor has
 * passed to somebody else. The cost is that of those who talk or talked a moment ago, however many sit in the room. A
 * word takes the floor from nobody: a challenger must have been louder for a while; a cough or a door is too short, and
 * steady noise is not `talking`. Who falls silent keeps the floor until somebody else has it.
 *
 * Called by the bus's tick (who.c): speaker_hear_rt behind leg_play_rt for each leg that is heard and whose level says
 * `talking`, speaker_tick_rt once, its event to control by the thread's ring; speaker_leave_rt when a leg leaves the bus
 * or is muted. It drives the roster and /metrics.
 */
#ifndef MIXER_SPEAKER_H
#define MIXER_SPEAKER_H

#include <stdbool.h>
#include <stdint.h>
#include <re.h>

enum { SPEAKER_NONE = 0 };

struct speaker_leg {              /* a part of the leg; lives as long as it is in */
	struct le le;             /* while it talks, and a little longer */
	uint32_t id;              /* any but SPEAKER_NONE */
	float    loud;            /* this tick */
	float    score;
	uint32_t loud_us, lead_us;
	bool     talking;         /* this tick */
};

struct speaker_event {
	uint32_t now, before;     /* ids; SPEAKER_NONE: nobody yet, or the one who had it has left and nobody talks */
};

struct speaker {
	struct list active;
	struct speaker_leg *holder;       /* NULL: nobody, or it has left */
	uint32_t told;            /* whom the last event named */
	uint32_t since_us, min_us;        /* between two events */
};

void speaker_init(struct speaker *s, uint32_t min_event_ms);     /* e.g. 1000: how seldom a picture may switch */
void speaker_join(struct speaker_leg *l, uint32_t id);

/* dbov is that of level_dbov_rt for this tick. */
void speaker_hear_rt(struct speaker *s, struct speaker_leg *l, uint8_t dbov);
bool speaker_tick_rt(struct speaker *s, struct speaker_event *ev, uint32_t tick_us);     /* true: ev is filled */
void speaker_leave_rt(struct speaker *s, struct speaker_leg *l);         /* also one that never talked */

#endif
