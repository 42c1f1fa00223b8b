/*
 * oscstream.h - a connection that carries OSC packets: conn.h with the framing of slip.h. Control thread.
 *
 * Packets are whole, a multiple of four and at most `max` long; whether they are OSC is not asked here.
 */
#ifndef OSC_OSCSTREAM_H
#define OSC_OSCSTREAM_H

#include "conn.h"
#include "slip.h"

enum { STREAM_MAX = 65536 };              /* the longest packet, either way */

struct oscstream;

struct oscstream_conf {
	enum slip_kind framing;
	bool     detect;                  /* the first octet tells the framing: nobody has agreed on one */
	size_t   max;                     /* of a packet taken */
	struct tlskey *tls;               /* as in conn.h */
	const char *fingerprint;
	void (*up)(void *arg);
	/* false: not now. The same comes again after oscstream_resume, and nothing more is read until then. */
	bool (*packet)(const uint8_t *pkt, size_t len, void *arg);
	void (*drained)(void *arg);
	void (*down)(int err, void *arg);
	void *arg;
};

int  oscstream_alloc(struct oscstream **sp, int fd, const struct oscstream_conf *conf);
/* Somebody else listens from now on. */
void oscstream_handlers(struct oscstream *s, const struct oscstream_conf *conf);
/* EMSGSIZE: longer than STREAM_MAX; else as conn_send. */
int  oscstream_send(struct oscstream *s, const uint8_t *pkt, size_t len);
size_t oscstream_waiting(const struct oscstream *s);
void oscstream_resume(struct oscstream *s);
/* Frames that held no packet, of all streams that there ever were in this process: streams come and go, and counters must not. */
uint64_t oscstream_bad(void);


#endif
