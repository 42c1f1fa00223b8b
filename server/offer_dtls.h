/*
 * offer_dtls.h - keys by DTLS (RFC 5763) through offers and answers: a=fingerprint, a=setup, a=tls-id of one line. A
 * value inside the line's part; it knows no certificate and no packet.
 */
#ifndef SERVER_OFFER_DTLS_H
#define SERVER_OFFER_DTLS_H

#include "mixer/dtlskey.h"
#include "offer.h"
#include "sdesc.h"

enum { OFFER_TLS_ID = 33 };

enum offer_setup { OFFER_SETUP_NONE, OFFER_SETUP_ACTPASS, OFFER_SETUP_ACTIVE, OFFER_SETUP_PASSIVE };

struct offer_dtls {
	struct dtlskey_peer peer;         /* what was settled; on: keys come this way */
	enum offer_setup setup;           /* what our description says; NONE: nothing of DTLS */
	const char *own;                  /* our fingerprint: conf's */
	char     tls_id[OFFER_TLS_ID];    /* of our description (RFC 8842); "": none */
};

/* Does their description speak of it, in this line or for all? */
bool offer_dtls_said(const struct sdesc *d, const struct sdesc_media *m);

/* Their offer, and what we answer. `before` is what the line had agreed on, or NULL: the same fingerprint and role
 * are the same association. ENOTSUP: not like this, with *why a static text. */
int  offer_dtls_answer(struct offer_dtls *k, const char **why, const struct offer_conf *conf,
		       const struct offer_dtls *before, const struct sdesc *d, const struct sdesc_media *m);
void offer_dtls_offer(struct offer_dtls *k, const struct offer_conf *conf, const struct offer_dtls *before);
/* Their answer to what we offered. */
int  offer_dtls_accept(struct offer_dtls *k, const char **why, const struct offer_dtls *offered,
		       const struct offer_dtls *before, const struct sdesc *d, const struct sdesc_media *m);
int  offer_dtls_print(struct mbuf *mb, const struct offer_dtls *k);

/* The value of one a=fingerprint: is it of a hash that proves anything? */
bool offer_dtls_good_print(const struct pl *value);

#endif
