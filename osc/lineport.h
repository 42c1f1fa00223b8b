/*
 * lineport.h - the listening port of one line of TCP/OSC or TCP/TLS/OSC: who may connect, one connection at a time, a duct to
 * the forward thread. Control thread.
 *
 * "One listening port per leg, one connection at a time; a second is closed." Nobody is accepted before lineport_set: "the
 * server processes early packets only after its answer is sent".
 */
#ifndef OSC_LINEPORT_H
#define OSC_LINEPORT_H

#include "duct.h"
#include "gestline.h"
#include "tlskey.h"

struct lineport;

struct lineport_conf {
	struct sa local;                  /* address; its port is not looked at */
	uint16_t port_min, port_max;      /* one of these */
	struct tlskey *tls;               /* NULL: plain TCP */
};

/* *bound: the address to be answered; *fd: the forward thread's end of the duct. EADDRINUSE: no port is free. */
int  lineport_alloc(struct lineport **lp, struct sa *bound, int *fd, const struct lineport_conf *conf);
/* What was agreed on: the peer's address, framing, fingerprint; may come again. EINVAL: no address, or for TLS no fingerprint
 * by sha-256, sha-384 or sha-512. */
int  lineport_set(struct lineport *l, const struct gestline *desc);

struct lineport_stats {
	uint64_t connections, strangers, second, refused;         /* refused: TLS failed, another certificate */
	uint64_t overflowed;                                      /* did not read */
};
void lineport_total(struct lineport_stats *s);    /* of all that there ever were in this process */

#endif
