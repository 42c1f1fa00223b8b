/*
 * align.h - what was heard and is to be carried out later, in the order of its times. Pure; control thread.
 *
 * One rule goes before the times: of one player no message overtakes an earlier one of the same address, and no MIDI an
 * earlier MIDI, for what was lost is told again without a time. So the last value stays the last, and a note's end
 * comes after its beginning.
 */
#ifndef CLIENT_ALIGN_H
#define CLIENT_ALIGN_H

#include <re.h>
#include "osc/osc.h"

enum { ALIGN_ITEMS = 1024, ALIGN_BYTES = 256 * 1024 };

enum align_what { ALIGN_OSC, ALIGN_MIDI };        /* for programs; for the instrument */

struct align;

/* What is handed out lives until the next call of align. */
struct align_item {
	struct le le;
	uint64_t at_us, due_us; /* handed out at; its own time, as much later as it was said to be handed out early */
	enum align_what what;
	char     from[36];
	struct osc_msg msg;
	uint8_t  bytes[];
};

int  align_alloc(struct align **ap);
/* To be handed out `early_us` before its time. ENOMEM. */
int align_put(struct align *a, enum align_what what, const char *from, const struct osc_msg *msg, uint64_t due_us,
	      uint32_t early_us);
/* The next whose time has come; where too much waits, the oldest before its time. NULL: none. */
const struct align_item *align_take(struct align *a, uint64_t now_us);
/* Does anything of that player wait, which this message must not overtake? */
bool align_waits(const struct align *a, enum align_what what, const char *from, const struct osc_msg *msg);
uint64_t align_due(const struct align *a);                /* UINT64_MAX: nothing waits */
void align_drop(struct align *a, const char *from);       /* NULL: all */

#endif
