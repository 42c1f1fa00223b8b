/*
 * keys.h - one press is one key, in however many ways a phone tells it: RTP (RFC 4733), INFO, the sound itself. Pure.
 */
#ifndef SERVER_KEYS_H
#define SERVER_KEYS_H

#include <stdbool.h>
#include <stdint.h>

enum keys_way { KEYS_RTP, KEYS_INFO, KEYS_SOUND, KEYS_WAYS };     /* the better first */

struct keys {                     /* all zero to begin with, and when a new description is in force */
	bool heard[KEYS_WAYS];
	char last;                /* the one taken last, */
	enum keys_way way;        /* ... in which way, */
	uint64_t at_ms;           /* ... and when */
};

/* False: it has come before, in another way. */
bool keys_take(struct keys *k, char key, enum keys_way way, uint64_t now_ms);

#endif
