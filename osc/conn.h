/*
 * conn.h - a connection by TCP, plain or under TLS: octets in, octets out, and how many of those wait. Control thread.
 *
 * Any handler may end the connection (mem_deref) from inside its call. After `down` nothing comes any more.
 */
#ifndef OSC_CONN_H
#define OSC_CONN_H

#include <re.h>

struct conn;
struct tlskey;

enum { CONN_WAIT_MAX = 256 * 1024 };      /* "when 256 KiB wait the connection is closed" */

struct conn_conf {
	struct tlskey *tls;               /* NULL: plain; else it must outlive the connection, and: */
	const char *fingerprint;          /* of the peer's certificate, compared before `up`; copied */
	void (*up)(void *arg);            /* may be NULL */
	/* Once anything was read, all of it. */
	void (*recv)(const uint8_t *buf, size_t len, void *arg);
	void (*drained)(void *arg);       /* nothing waits any more; may be NULL */
	/* ECONNRESET ..; 0: the peer has closed; EPROTO, EACCES: TLS failed, another certificate; ENOBUFS: too much waited;
	 * ETIMEDOUT: no TLS in ten seconds. */
	void (*down)(int err, void *arg);
	void *arg;
};

/* Takes the descriptor of a connected socket, also when it fails. `up` is called later, never from inside. */
int  conn_alloc(struct conn **cp, int fd, const struct conn_conf *conf);
/* ENOTCONN; ENOBUFS: it goes down for that, and `down` has told so. */
int  conn_send(struct conn *c, const uint8_t *buf, size_t len);
size_t conn_waiting(const struct conn *c);
/* Nothing is read until it is set free again; the peer's TCP waits. */
void conn_hold(struct conn *c, bool hold);

#endif
