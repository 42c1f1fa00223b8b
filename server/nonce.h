/*
 * nonce.h - nonces that need no memory until they are used, and the counts of those that are. Private to auth.
 */
#ifndef SERVER_NONCE_H
#define SERVER_NONCE_H

#include <re.h>

struct nonces;

enum { NONCE_LEN = 64 };                  /* hex digits */

int nonces_alloc(struct nonces **np, uint64_t life_ms);
int nonce_make(struct nonces *n, char nonce[NONCE_LEN + 1], uint64_t now_ms);
/* 0: ours, young, and this count was not seen before (it is now). ETIMEDOUT: not ours, too old, or the count was
 * seen. Ask only when the response is right, so that nobody without a password takes room in the table. */
int nonce_use(struct nonces *n, const struct pl *nonce, uint32_t nc, uint64_t now_ms);

#endif
