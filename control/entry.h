/*
 * entry.h - may it come in, as what, and must it wait? Private to control/.
 */
#ifndef CONTROL_ENTRY_H
#define CONTROL_ENTRY_H

#include "room.h"
#include "seat.h"

struct entry {
	const char *uri, *pin;            /* pin: as typed; "" nothing; NULL: it was not asked */
	enum role role;                   /* as which it comes; then as which it is let in */
	bool moves;                       /* from another room: there is no call of its own that was lost */
	bool can_ask;                     /* it can be asked for its name, and was not yet */
	bool invited;                     /* by a host, or by who may everything: no PIN, lock, lobby or schedule for it */
	const struct seat *seat;          /* which it had left; good until the next seat is put or dropped */
	struct seat lost;                 /* ... or which its lost call still takes */
	struct member *ghost;             /* that call's member, which is to go; NULL: there is none */
	enum waiting waiting;
};

/* 0: it may, and e says how. EPERM banned or locked, EACCES a PIN, EUSERS full, EAGAIN not open, ENOMSG it is to say its name
 * first. Changes nothing. */
int  entry_judge(struct entry *e, struct room *r);
/* Who waits is let in when nothing stops it any more; told when it waits for something else now. */
void entry_review(struct room *r);

#endif
