/*
 * subscription.h - one subscriber of a room, and what it is owed (RFC 6665 4.2). Private to notify.c and subscription.c.
 *
 * A subscription frees itself with its last NOTIFY, or when one fails; nobody else holds a reference. Control thread only.
 */
#ifndef SERVER_SUBSCRIPTION_H
#define SERVER_SUBSCRIPTION_H

#include "call.h"
#include "control/wheel.h"
#include "notify.h"
#include "roster.h"
#include "subscribe.h"

struct notify {
	struct focus *focus;
	struct list watches;              /* struct watch; its subscriptions own it */
	struct list subscriptions;        /* all of them, in order of coming */
	struct notify_stats stats;
};

struct watch {                            /* a room that somebody subscribes to */
	struct le le;
	struct notify *notify;
	char room[ROOM_NAME_MAX + 1];
	struct event_lsnr *lsnr;
	struct roster *roster;
	struct list subscriptions;
	struct tmr tmr;                   /* after what happens now has happened */
	bool stale;                       /* something happened since the roster was compared */
	bool over;                        /* the room has ended */
};

struct subscription {
	struct le le, le_all;
	struct watch *watch;
	struct dialog *dlg;
	struct call *call;                /* it came in this call's dialog; NULL: it has one of its own */
	char id[SUBSCRIBE_ID_MAX + 1];
	char entity[512];                 /* the conference's URI, as this subscriber reaches it */
	uint64_t told, known;             /* see confinfo.h */
	uint32_t version;
	uint32_t asked_ms;                /* RFC 6446 max-rate */
	uint64_t until_ms, next_ms;       /* its end; not before then the next NOTIFY */
	struct wheel_tmr expiry, pace;
	struct dreq *req;                 /* the NOTIFY on its way; one at most */
	bool full;                        /* the next document is a full one */
	bool more;                        /* the last one could not hold all */
	bool resting;                     /* it asked us to wait (Retry-After) */
	const char *ending;               /* reason of the last NOTIFY, once it is to end */
};

/* The watch of a room, found or begun, as a reference. ENOENT: no such room. */
int  watch_get(struct watch **wp, struct notify *n, const char *room);

/* Begun, with nothing sent: first the SUBSCRIBE is answered, then subscription_go. */
int  subscription_alloc(struct subscription **sp, struct watch *w, struct dialog *dlg, struct call *call);
/* What a SUBSCRIBE asks, of a new one or of one that is refreshed. */
void subscription_take(struct subscription *s, const struct subscribe *ask);
/* Sends what is owed and may be sent now. It may be gone afterwards. */
void subscription_go(struct subscription *s);
void subscription_end(struct subscription *s, const char *reason);       /* "noresource", "deactivated", "rejected" ... */
/* At once and without waiting for anything; it is gone afterwards. */
void subscription_farewell(struct subscription *s, const char *reason);

#endif
