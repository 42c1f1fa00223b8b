/*
 * notify.h - the conference event package (RFC 4575, 6665): who subscribes to a room is told who is in it, and every change.
 * The focus owns it. Control thread only.
 */
#ifndef SERVER_NOTIFY_H
#define SERVER_NOTIFY_H

#include <re.h>

struct call;
struct focus;
struct notify;

struct notify_stats {
	uint32_t subscriptions;           /* now */
	uint64_t notifies, failed;        /* NOTIFYs sent; subscriptions lost because one failed */
	uint64_t refused;                 /* SUBSCRIBEs */
};

/* mem_deref ends all subscriptions: terminated, deactivated. */
int  notify_alloc(struct notify **np, struct focus *f);
/* RFC 6665 4.1.3: deactivated says to subscribe again, which by then leads elsewhere. */
void notify_drain(struct notify *n);
void notify_stats(const struct notify *n, struct notify_stats *st);

/* SUBSCRIBE in a call's dialog; always answers. */
void notify_in_dialog(struct notify *n, struct call *c, const struct sip_msg *msg);
/* The call is over and out of its room: what was subscribed in its dialog ends. n may be NULL. */
void notify_call_gone(struct notify *n, const struct call *c);

#endif
