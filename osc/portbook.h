/*
 * portbook.h - which room has which pair of ports: those written down, and others from ranges, the same room the same pair
 * wherever that can be, because people write ports down.
 *
 * Pure but for memory; control thread.
 */
#ifndef OSC_PORTBOOK_H
#define OSC_PORTBOOK_H

#include <stdint.h>

enum { PORTBOOK_MAX = 512, PORTBOOK_ROOM_MAX = 63 };

struct portbook;

/* Words apart by spaces or commas: LOW-HIGH, a range from which rooms take pairs as they open (an even port and the next);
 * ROOM:PORT, that room's, an even port; PORT, one pair. EINVAL: another word, or a pair twice; E2BIG. bp NULL: only looks. */
int  portbook_alloc(struct portbook **bp, const char *text);

/* ENOSPC: all are taken; EALREADY: that room has one. */
int  portbook_take(struct portbook *b, uint16_t *port, const char *room);
/* The rooms that are written down, i from 0 on; NULL: no more. */
const char *portbook_written(const struct portbook *b, unsigned i);
void portbook_give(struct portbook *b, const char *room);

#endif
