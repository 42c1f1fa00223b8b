/*
 * duct.h - between a stream on the control thread and a line on the forward thread: a pair of local sockets that keep
 * packets apart (SOCK_SEQPACKET). To the forward thread a line of TCP is so a socket of datagrams that are never lost.
 *
 * Beside packets, which are 8 octets long at least, four marks of four octets come to the forward thread, each in its place
 * among the packets.
 */
#ifndef OSC_DUCT_H
#define OSC_DUCT_H

#include "oscstream.h"

struct duct;

enum duct_mark {
	DUCT_NONE,                /* not a mark: a packet */
	DUCT_UP, DUCT_DOWN,       /* there is a connection, there is none any more */
	DUCT_FULL, DUCT_FREE,     /* the peer does not read: hold back state; it has read all */
};

enum { DUCT_FULL_AT = 32 * 1024 };        /* octets that wait for the peer */

/* The other end, for the forward thread, is *fd; it is closed there, after which the duct is of no more use. */
int  duct_alloc(struct duct **dp, int *fd);
/* From now on this stream's; handlers of the stream are the duct's. Told DUCT_UP. down: the stream has ended, and was let go. */
void duct_attach(struct duct *d, struct oscstream *s, void (*down)(int err, void *arg), void *arg);
/* Lets go of its stream, which ends. */
void duct_detach(struct duct *d);
bool duct_attached(const struct duct *d);

/* Pure: for the forward thread. */
enum duct_mark duct_mark(const uint8_t *buf, size_t len);

#endif
