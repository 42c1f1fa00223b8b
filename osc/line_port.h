/*
 * line_port.h - the sockets of a line: made on the control thread before the line is agreed on, read on the forward thread.
 */
#ifndef OSC_LINE_PORT_H
#define OSC_LINE_PORT_H

#include "ensemble.h"
#include "lineport.h"

struct line_ear;
struct ring;

struct line_port {
	struct forward *forward;          /* a reference */
	const struct relay_wire *wire;    /* NULL: sockets */
	enum gestline_kind kind;
	unsigned n;
	struct lineport *lineport;        /* of a stream: sock 0 is its duct's end */
	int      handle[2];
	struct sa local[2];
	struct le le;                     /* control: of the relay, to be found by handle */
	struct ring *dtls;                /* line_dtls.c; NULL: nobody ever asked for it */
	void (*dtlsh)(void *arg);         /* control; NULL: nobody does */
	void *dtls_arg;
	_Atomic bool rung;
	/* forward thread */
	struct line_rt *line;
	struct watch watch[2];
	struct line_ear *ear;             /* line_dtls.c; NULL: all that comes is the line's */
	struct give bell;
	struct give give;
	struct job_wait spare;
};

/* RTP has two sockets, an even port and the next; others one. EADDRINUSE: no port is free. */
int  line_port_alloc(struct line_port **pp, struct forward *f, const struct relay_conf *conf, struct tlskey *tls,
		     enum gestline_kind kind, const struct sa *local);
/* A socket, or a duct's end, that is there already; it is closed when this fails, too. */
int  line_port_adopt(struct line_port **pp, struct forward *f, enum gestline_kind kind, int fd, const struct sa *local);
void line_port_end(struct line_port *port);       /* control: when the forward thread has let go it is freed */
/* What a packet is for from now on; NULL: for nobody. */
void line_port_set_rt(struct line_port *port, struct line_rt *l);
void line_port_wire_rt(struct line_port *port, unsigned sock, const struct sa *from, const uint8_t *buf, size_t len, uint64_t now_us);

#endif
