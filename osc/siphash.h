/*
 * siphash.h - SipHash-2-4 of whole words: a number that only who has the key can know. Pure, any thread.
 */
#ifndef OSC_SIPHASH_H
#define OSC_SIPHASH_H

#include <stdint.h>

uint64_t siphash(const uint64_t key[2], const uint64_t *word, unsigned n);

#endif
