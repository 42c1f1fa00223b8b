/*
 * offer_keys.h - the SRTP keys of one line through offers and answers: a=crypto, or by DTLS. A value inside the
 * line's part.
 */
#ifndef SERVER_OFFER_KEYS_H
#define SERVER_OFFER_KEYS_H

#include "offer_dtls.h"
#include "offer_net.h"
#include "sdes.h"
#include "sdesc.h"

struct offer_keys {
	struct leg_key own[SDES_SUITES];  /* ours by suite, see sdes_suite; len 0: not made yet */
	struct leg_key tx, rx;            /* in use; len 0: plain */
	struct { uint32_t tag; uint8_t suite; } line[SDES_SUITES];       /* a=crypto of our description */
	size_t n_line;                    /* 0: none */
	struct offer_dtls dtls;           /* or this way */
};

/* What is known of a line besides. */
struct offer_keys_line {
	const struct offer_conf *conf;
	enum offer_profile profile;
	const struct offer_keys *before;  /* what it had agreed on, or NULL */
};

/* k->own is a copy of the earlier ones. ENOTSUP: not like this, with *why a static text. */
int  offer_keys_answer(struct offer_keys *k, const char **why, const struct offer_keys_line *l, const struct sdesc *d,
		       const struct sdesc_media *m);
/* l->profile is not read: it is what offer_keys_profile says of a first offer, and stays. */
int  offer_keys_offer(struct offer_keys *k, const struct offer_keys_line *l);
enum offer_profile offer_keys_profile(const struct offer_keys_line *l);
/* l->profile: ours. */
int  offer_keys_accept(struct offer_keys *k, const char **why, const struct offer_keys_line *l,
		       const struct offer_keys *offered, const struct sdesc *d, const struct sdesc_media *m);
int  offer_keys_print(struct mbuf *mb, const struct offer_keys *k);
void offer_keys_wipe(struct offer_keys *k);

#endif
