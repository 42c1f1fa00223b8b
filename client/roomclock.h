/*
 * roomclock.h - the exchanges of /tutti/clock that tell the other side's time: when to ask, and what an answer says.
 * Pure.
 */
#ifndef CLIENT_ROOMCLOCK_H
#define CLIENT_ROOMCLOCK_H

#include <stddef.h>
#include "osc/osc.h"
#include "osc/sharedclock.h"

enum { ROOMCLOCK_OPEN = 4, ROOMCLOCK_MSG_MAX = 64 };

struct roomclock {
	struct sharedclock clock;
	uint64_t next_us;                         /* when to ask again; UINT64_MAX: nobody is there */
	unsigned asked;
	int64_t open[ROOMCLOCK_OPEN]; /* questions without an answer; 0: none. Answers may come twice: the first counts
				       */
};

void roomclock_init(struct roomclock *c);
/* Somebody is there, and another than before. */
void roomclock_begin(struct roomclock *c, uint64_t now_us);
/* If it is time: the question. false: it is not. */
bool roomclock_ask(struct roomclock *c, uint8_t buf[ROOMCLOCK_MSG_MAX], size_t *len, uint64_t now_us);
/* An answer that came at that time. false: it is none, or none of ours. */
bool roomclock_hear(struct roomclock *c, const struct osc_msg *msg, uint64_t at_us);

#endif
