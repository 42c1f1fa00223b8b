/*
 * doorman.h - connections: listens, lets in, knows who came by the unix socket, and shows out who does not say what it
 * wants. Web thread only.
 */
#ifndef WEB_DOORMAN_H
#define WEB_DOORMAN_H

#include <libsoup/soup.h>
#include <stdbool.h>

struct house;
struct doorman;

enum { DOORMAN_CONNS = 1024, DOORMAN_CONNS_SOURCE = 256, DOORMAN_IDLE_S = 60, DOORMAN_STUCK_S = 120 };

/* Made and freed while the house's context is the thread's default. Connections go to house->server. */
int  doorman_alloc(struct doorman **dp, struct house *h);
int  doorman_listen(struct doorman *d, const char *addr);         /* "127.0.0.1:8080"; EINVAL, EADDRINUSE */
int  doorman_listen_unix(struct doorman *d, const char *path);    /* mode 0660; a dead socket there is replaced */
void doorman_open(struct doorman *d);                      /* once, when it listens at all its addresses: lets them in */

bool doorman_local(const struct doorman *d, SoupServerMessage *msg);      /* root or our own user, by the unix socket */
void doorman_busy(struct doorman *d, SoupServerMessage *msg);     /* its request has come whole: it is ours to answer */

/* Answers what libsoup has not yet read to its end, and closes. */
void doorman_refuse(struct doorman *d, SoupServerMessage *msg, unsigned status, const char *why);
/* The connection for our own use; no more of it is counted or watched here. Both are references. False: it is gone. */
bool doorman_give(struct doorman *d, SoupServerMessage *msg, GIOStream **io, GSocket **socket);

#endif
