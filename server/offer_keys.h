/*
 * offer_keys.h - the SRTP keys of one sound line through offers and answers. A value inside the line's part.
 */
#ifndef SERVER_OFFER_KEYS_H
#define SERVER_OFFER_KEYS_H

#include "offer.h"
#include "sdes.h"
#include "sdesc.h"

struct offer_keys {
	struct leg_key own[SDES_SUITES];  /* ours by suite, see sdes_suite; len 0: not made yet */
	struct leg_key tx, rx;            /* in use; len 0: plain */
	struct { uint32_t tag; uint8_t suite; } line[SDES_SUITES];       /* a=crypto of our description */
	size_t n_line;                    /* 0: plain */
};

/* `before` is what the line had agreed on, or NULL; `secure` says that the profile is SAVP. k->own is a copy of the
 * earlier ones. ENOTSUP: not like this, with *why a static text. */
int  offer_keys_answer(struct offer_keys *k, const char **why, enum offer_srtp policy, const struct offer_keys *before,
		       bool secure, const struct sdesc *d, const struct sdesc_media *m);
/* Does our first offer have keys? */
bool offer_keys_wanted(const struct offer_conf *conf);
int  offer_keys_offer(struct offer_keys *k, const struct offer_keys *before);
int  offer_keys_accept(struct offer_keys *k, const char **why, enum offer_srtp policy, const struct offer_keys *offered,
		       const struct offer_keys *before, bool secure, const struct sdesc_media *m);
int  offer_keys_print(struct mbuf *mb, const struct offer_keys *k);
void offer_keys_wipe(struct offer_keys *k);

#endif
