/*
 * midimix.h - what several players of the room play, as one stream for the instrument here. Control thread.
 *
 * A note ends when the last player who holds it lets go, and what a player holds ends when it goes: nothing hangs.
 */
#ifndef CLIENT_MIDIMIX_H
#define CLIENT_MIDIMIX_H

#include <stddef.h>
#include <stdint.h>
#include "osc/osc.h"

struct midimix;
struct midiwire;

enum { MIDIMIX_PLAYERS = 64, MIDIMIX_SYSEX_MAX = 1000 };

int  midimix_alloc(struct midimix **mp, struct midiwire *wire);   /* the wire outlives it */
/* A message of the address space /midi/, without /p/NAME, for that moment. */
void midimix_play(struct midimix *m, const char *name, const struct osc_msg *msg, uint64_t at_us);
void midimix_leave(struct midimix *m, const char *name, uint64_t now_us);         /* NULL: all */
uint64_t midimix_played(const struct midimix *m);

#endif
