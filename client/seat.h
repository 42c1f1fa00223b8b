/*
 * seat.h - all of tutti-join but its faces: sound, gestures and the call, put together; the room as a model, and what
 * can be done in it.
 *
 *     device > card > bus < leg < joincall          band < gestend < player < joincall
 *
 * Control thread. One for a process.
 */
#ifndef CLIENT_SEAT_H
#define CLIENT_SEAT_H

#include "act.h"
#include "band.h"
#include "joinconf.h"

struct seat;

struct seat_conf {
	const struct joinconf *conf;      /* must live as long */
	void (*changed)(void *arg);       /* the band has changed; called often */
	void (*called)(
		void *arg); /* the call has another state: looked at by now, for it may have another in a moment */
	void (*second)(void *arg);        /* its figures are new: once a second */
	void (*ended)(int status, const char *why, void *arg);    /* of sysexits.h; once, and nothing after it */
	void *arg;
};

/* 0, or a status of sysexits.h with wrong. Nothing is called before seat_start. */
int  seat_alloc(struct seat **sp, const struct seat_conf *conf, char *wrong, size_t size);
int  seat_start(struct seat *s);
struct band *seat_band(struct seat *s);
int  seat_act(const struct act *a, void *arg);    /* act_h; arg: the seat */
/* Says good-bye; ended is called within two seconds. */
void seat_leave(struct seat *s);

#endif
