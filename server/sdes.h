/*
 * sdes.h - SRTP keys in a=crypto lines (RFC 4568, RFC 7714): read, choose, make, print.
 *
 * Keys are secrets: nothing here logs them, and whoever holds a struct sdes wipes it with sdes_wipe when done.
 */
#ifndef SERVER_SDES_H
#define SERVER_SDES_H

#include <re.h>
#include "mixer/mixer.h"
#include "sdesc.h"

enum { SDES_SUITES = 3 };                 /* what we speak, in the order of our offers */

struct sdes { uint32_t tag; struct leg_key key; };

/* The value of one a=crypto. EBADMSG malformed; ENOTSUP well-formed but not for us: another suite, an MKI, several keys,
 * session parameters that change what is protected. *why says which, as a static text. */
int  sdes_read(struct sdes *s, const char **why, const struct pl *value);
/* The first line of a medium that we can take, in the peer's order. ENOENT: there is no a=crypto at all; else the error
 * of the last one. */
int  sdes_choose(struct sdes *s, const char **why, const struct sdesc_media *m);
/* A fresh random key. EIO when the system has no randomness. */
int  sdes_make(struct leg_key *key, enum leg_srtp suite);
int  sdes_print(struct mbuf *mb, uint32_t tag, const struct leg_key *key);        /* a whole line with its end */
enum leg_srtp sdes_suite(size_t i);                                               /* i < SDES_SUITES */
size_t sdes_key_len(enum leg_srtp suite);                                         /* master key and salt; 0: unknown */
bool sdes_same(const struct leg_key *a, const struct leg_key *b);                 /* in constant time */
void sdes_wipe(struct leg_key *key);

/* RFC 4648 base64, strict: only the alphabet, padding whole, no stray bits. *len in: room, out: bytes. */
int  sdes_base64_read(uint8_t *out, size_t *len, const struct pl *text);

#endif
