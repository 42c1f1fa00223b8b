/*
 * balance.h - which room should go from which media thread to which. Control thread only.
 */
#ifndef MIXER_BALANCE_H
#define MIXER_BALANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct balance_room { unsigned thread; uint32_t share; };        /* where it is, and how much of a core it takes, in millionths */

/* Index of the room whose move evens the threads best, *to: where to. -1: none is worth it. */
int balance_choose(unsigned *to, const uint32_t *share, unsigned n_threads, const struct balance_room *room, size_t n_rooms);

/* Twice wanted in a row, and long enough after the last: may a room move now? */
struct balance { unsigned wanted; uint64_t moved_ms; };
bool balance_ripe(struct balance *b, bool wanted, uint64_t now_ms);

#endif
