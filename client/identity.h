/*
 * identity.h - what stays ours from one start of the program to the next: a number, so that a room knows us again (same
 * name, same seat), and the section in which we played there.
 *
 * It is kept in a file below the user's state folder, and held as long as the process lives. Several at once on one
 * machine have one each: the first that is free.
 */
#ifndef CLIENT_IDENTITY_H
#define CLIENT_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

/* Never 0. Where nothing can be kept: drawn anew. */
uint32_t identity_take(void);

/* Behind identity_take. "" where nothing is kept of that room; the IDENTITY_ROOMS last ones are. */
enum { IDENTITY_ROOMS = 8 };
void identity_section(char *section, size_t size, const char *room);
void identity_keep_section(const char *room, const char *section);        /* "": none any more */

#endif
