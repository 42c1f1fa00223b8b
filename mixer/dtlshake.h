/*
 * dtlshake.h - one DTLS handshake with one address: datagrams in, datagrams out, keys at its end. dtlskey.c has one,
 * or, before it knows who the peer is, several. Control thread.
 */
#ifndef MIXER_DTLSHAKE_H
#define MIXER_DTLSHAKE_H

#include "dtlskey.h"

struct ssl_ctx_st;
struct x509_store_ctx_st;
struct dtlshake;

enum { DTLSHAKE_HELLO = 32 };     /* a client's random number: by it one ClientHello is known from another */

enum dtlshake_state {
	DTLSHAKE_GOES_ON,
	DTLSHAKE_DONE,            /* stays so, whatever comes */
	DTLSHAKE_FAILED,
};

struct dtlshake_conf {
	struct ssl_ctx_st *ctx;
	const char *fingerprint;  /* must outlive it */
	bool active;
	size_t mtu;
	void (*sendh)(const uint8_t *buf, size_t len, void *arg); /* must not end the handshake, or enter it again */
	void *arg;
};

/* Sends nothing yet. ENOMEM. */
int  dtlshake_alloc(struct dtlshake **hp, const struct dtlshake_conf *conf);
enum dtlshake_state dtlshake_begin(struct dtlshake *h);           /* active: the first flight */
enum dtlshake_state dtlshake_take(struct dtlshake *h, const uint8_t *buf, size_t len);
/* How long until the last flight is due once more, and the same sent. UINT32_MAX: nothing is owed. */
uint32_t dtlshake_wait_ms(const struct dtlshake *h);
enum dtlshake_state dtlshake_resend(struct dtlshake *h);

/* When it is done. ENOTSUP: no SRTP profile in common. */
int  dtlshake_keys(const struct dtlshake *h, struct leg_key *tx, struct leg_key *rx);
/* Why it failed; or, while it goes on, what makes one doubt it: nobody has signed that, so it may be a stranger's
 * word. NULL: nothing. */
const char *dtlshake_why(const struct dtlshake *h);

/* The random number of the ClientHello that a datagram begins with; NULL: it does not. */
const uint8_t *dtlshake_hello(const uint8_t *buf, size_t len);

/* For dtlscert.c, whose context asks with it. */
int  dtlshake_check(struct x509_store_ctx_st *store, void *arg);
struct ssl_ctx_st *dtlscert_context(const struct dtlscert *c);

#endif
