/*
 * line_dtls.h - datagrams of DTLS on the way of a line's RTP (RFC 5764): up to whoever makes keys of them, and down.
 */
#ifndef OSC_LINE_DTLS_H
#define OSC_LINE_DTLS_H

#include "line_port.h"

/* Whom the port hears speak of keys. */
struct line_dtls_conf {
	struct sa peer;           /* where the description says it is */
	struct sa source;         /* the host that signals (port ignored); may be unset */
	/* Something waits to be taken. Called from the loop, not after line_port_end. */
	void (*h)(void *arg);
	void *arg;
};

/* ---- control thread ---- */

/* From now on; again: others. ENOTSUP: the port is of no RTP. */
int  line_dtls_open(struct line_port *port, const struct line_dtls_conf *conf);
void line_dtls_close(struct line_port *port);             /* whatever comes is the line's again */
/* *len in: room, out: bytes. false: nothing waits. */
bool line_dtls_take(struct line_port *port, uint8_t *buf, size_t *len, struct sa *from);
int  line_dtls_send(struct line_port *port, const uint8_t *buf, size_t len, const struct sa *to);
void line_dtls_freed(struct line_port *port);             /* line_port.c: the port ends */

/* ---- forward thread ---- */

/* true: it is no packet of the line's. */
bool line_dtls_rt(struct line_port *port, unsigned sock, const struct sa *from, const uint8_t *buf, size_t len);

#endif
