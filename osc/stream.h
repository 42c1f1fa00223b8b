/*
 * stream.h - a connection that carries OSC packets: conn.h with the framing of slip.h. Control thread.
 *
 * Packets are whole, a multiple of four and at most `max` long; whether they are OSC is not asked here.
 */
#ifndef OSC_STREAM_H
#define OSC_STREAM_H

#include "conn.h"
#include "slip.h"

enum { STREAM_MAX = 65536 };              /* the longest packet, either way */

struct stream;

struct stream_conf {
	enum slip_kind framing;
	bool     detect;                  /* the first octet tells the framing: nobody has agreed on one */
	size_t   max;                     /* of a packet taken */
	struct tlskey *tls;               /* as in conn.h */
	const char *fingerprint;
	void (*up)(void *arg);
	/* false: not now. The same comes again after stream_resume, and nothing more is read until then. */
	bool (*packet)(const uint8_t *pkt, size_t len, void *arg);
	void (*drained)(void *arg);
	void (*down)(int err, void *arg);
	void *arg;
};

int  stream_alloc(struct stream **sp, int fd, const struct stream_conf *conf);
/* Somebody else listens from now on. */
void stream_handlers(struct stream *s, const struct stream_conf *conf);
/* EMSGSIZE: longer than STREAM_MAX; else as conn_send. */
int  stream_send(struct stream *s, const uint8_t *pkt, size_t len);
size_t stream_waiting(const struct stream *s);
void stream_resume(struct stream *s);
uint64_t stream_bad(const struct stream *s);      /* frames that held no packet */

/* What the first octet of a stream says of its framing: a size is under 2^24, so it begins with 0; all else is SLIP. */
enum slip_kind stream_guess(uint8_t first);

#endif
