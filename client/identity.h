/*
 * identity.h - a number that stays ours from one start of the program to the next, so that a room knows us again: same
 * name, same seat.
 *
 * It is kept in a file below the user's state folder, and held as long as the process lives. Several at once on one machine
 * have one each: the first that is free.
 */
#ifndef CLIENT_IDENTITY_H
#define CLIENT_IDENTITY_H

#include <stdint.h>

/* Never 0. Where nothing can be kept: drawn anew. */
uint32_t identity_take(void);

#endif
