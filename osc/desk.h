/*
 * desk.h - the house's desk: what gestures under /tutti/, and a MIDI surface, do to the conference; and what they hear of it.
 *
 *     player > relay > desk > control_run(the member behind the player) > event > desk > players who listen
 *
 * Who acts is the member behind the player, with the rights it has, its own or one for whom it was let act (VERB_CONTROLLER), as players of
 * plain OSC and AppleMIDI are; a player without one may ask for the clock and listen. A player
 * listens from its first message to the house on. Control thread; the relay and the control must outlive it. mem_deref ends it.
 */
#ifndef OSC_DESK_H
#define OSC_DESK_H

#include <re.h>

struct desk;
struct control;
struct relay;

/* surface: a map (surface.h), or "" for none. EINVAL: it is none. */
int  desk_alloc(struct desk **dp, struct relay *r, struct control *c, const char *surface);
/* NULL, or what is wrong with a map. */
const char *desk_surface_wrong(const char *surface);

#endif
