/*
 * keep.h - what of the house outlives a call, and the process: seats for who comes back, and what goes to the store and
 * comes from it. Private to control/.
 */
#ifndef CONTROL_KEEP_H
#define CONTROL_KEEP_H

#include "room.h"
#include "seat.h"

/* The room is as it is now: new, another lock, other settings. One that is not kept any more is taken out of the store. */
void keep_room(struct room *r);
void keep_room_gone(struct room *r);                      /* with its seats and bans */
void keep_ban(const struct room *r, const struct ban *b);
void keep_unban(const struct room *r, const char *uri);

void keep_seat(struct member *m);                         /* it sits, and is as it is now */
void keep_seat_free(struct member *m);                    /* it has left, and may come back: before it is out of its room */
void keep_seat_gone(const struct member *m);              /* it has left for good */
/* Who sits there and has not been heard of for seconds: most likely this caller's lost call. NULL: nobody. */
struct member *keep_ghost_for(const struct room *r, const char *uri);
struct seat keep_seat_of(const struct member *m);         /* as it would leave it now */
const struct seat *keep_seat_for(const struct room *r, const char *uri); /* the seat that a caller has left; NULL: none */

/* All rooms the store has, open and empty, with their bans and seats. What cannot be restored is logged and left out. */
void keep_restore(struct control *c);

#endif
