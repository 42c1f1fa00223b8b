/*
 * seat.h - the seats that wait for who has left them: who, where, as what, until when. Memory only, bounded; time is
 * handed in. Private to control/.
 */
#ifndef CONTROL_SEAT_H
#define CONTROL_SEAT_H

#include <re.h>
#include "caller.h"
#include "command.h"

enum { SEATS_MAX = 10000 };               /* the oldest is given up for the newest */

struct seat {
	struct le le, he;
	char room[64], uri[CALLER_KEY_MAX];       /* uri: a caller's key */
	enum role role;
	bool self_muted, host_muted;
	uint64_t until_ms;
	size_t *n;                        /* whose it is counts it here */
};

struct seats;
int  seats_alloc(struct seats **sp);
int  seat_put(struct seats *s, const struct seat *seat, uint64_t now_ms);        /* new, or in place of what was */
/* NULL: there is none, or its time is over. Good until the next call. */
const struct seat *seat_find(struct seats *s, const char *room, const char *uri, uint64_t now_ms);
void seat_drop(struct seats *s, const char *room, const char *uri);
void seats_drop_room(struct seats *s, const char *room);
size_t seats_count(const struct seats *s);

#endif
