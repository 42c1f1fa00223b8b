/*
 * dtlskey.h - SRTP keys agreed on between the two ends themselves (RFC 5763, 5764): one association, of one stream.
 *
 * It sees datagrams and gives datagrams: whoever has the socket hands in what begins with 20 to 63 (RFC 7983), and
 * sends what sendh is given. A certificate is believed when its fingerprint is the one in the peer's description, and
 * only then. Nothing that the network says ends an association that has its keys.
 *
 * Control thread.
 */
#ifndef MIXER_DTLSKEY_H
#define MIXER_DTLSKEY_H

#include <re.h>
#include "mixer.h"

struct dtlskey;
struct dtlscert;

enum { DTLSKEY_PRINT_MAX = 512 };

/* What both descriptions settled. A value. */
struct dtlskey_peer {
	bool on;                          /* keys come by DTLS */
	bool active;                      /* we are the client: a=setup:active in ours, or passive in theirs */
	/* Of the peer's certificate, as a=fingerprint has it: "sha-256 AB:CD..". Several with a comma between: one
	 * of them is enough. */
	char fingerprint[DTLSKEY_PRINT_MAX];
	char tls_id[256];                 /* the peer's (RFC 8842); "": it has none */
};

/* false: another association is due, not only another address. */
bool dtlskey_peer_same(const struct dtlskey_peer *a, const struct dtlskey_peer *b);
/* A fingerprint, or several, of which we can check one: sha-256, sha-384, sha-512. Who is offered others turns the
 * line down. */
bool dtlskey_fingerprint_ok(const char *text);

/* A key and certificate of our own, made for as long as the process runs. EPROTO, ENOMEM. */
int  dtlscert_alloc(struct dtlscert **cp);
const char *dtlscert_fingerprint(const struct dtlscert *c);       /* "sha-256 AB:CD.." */

/* An answer is handed in later, as from a socket: what is handed in by a handler is lost. */
typedef void (dtlskey_send_h)(const uint8_t *buf, size_t len, const struct sa *to, void *arg);
/* The keys are there. A peer that begins a new handshake on the same association changes nothing. */
typedef void (dtlskey_keys_h)(const struct leg_key *tx, const struct leg_key *rx, void *arg);
/* It will never have keys: a certificate that is not the one announced, nothing in common, no answer for so long.
 * `why` is a static text. Nothing else comes after it. */
typedef void (dtlskey_failed_h)(const char *why, void *arg);

struct dtlskey_conf {
	struct dtlskey_peer peer;
	/* Where the peer's description says it is. Who is active speaks with that address only; who is passive answers
	 * to whoever's datagrams are handed in, each at its own address. */
	struct sa addr;
	struct dtlscert *cert;            /* a reference is held */
	size_t   mtu;                     /* of a datagram, 256 or more; 0: 1200 */
	uint32_t give_up_ms;              /* 0: 30000 */
	dtlskey_send_h *sendh;
	dtlskey_keys_h *keysh;
	dtlskey_failed_h *failedh;
	void *arg;
};

/* Who is active begins at once, in the next turn of the loop. Handlers may free it; none is called after the last
 * mem_deref. It is kept while its keys are in use: a peer that has not heard our last words asks for them again.
 * EINVAL: a fingerprint we cannot check. */
int  dtlskey_alloc(struct dtlskey **dp, const struct dtlskey_conf *conf);
void dtlskey_take(struct dtlskey *d, const uint8_t *buf, size_t len, const struct sa *from);

#endif
