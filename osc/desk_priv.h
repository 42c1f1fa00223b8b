/*
 * desk_priv.h - desk.c, which takes orders, and houseout.c, which tells what came of them. Private to osc/.
 */
#ifndef OSC_DESK_PRIV_H
#define OSC_DESK_PRIV_H

#include "control/control.h"
#include "control/snapshot.h"
#include "desk.h"
#include "relay_priv.h"
#include "surface.h"

struct desk {
	struct relay *relay;
	struct control *control;
	struct surface surface;
	struct event_lsnr *lsnr;
	struct tmr levels;
};

/* A member as gestures call it: by the name of its player, else by its own with what no address may have made "-"; where two would
 * be called the same, the later one with its number behind. */
void desk_name(char name[VIEW_NAME_MAX + 1], const struct desk *d, const struct snapshot *s, uint32_t member);
uint32_t desk_member(const struct desk *d, const struct snapshot *s, const char *name);   /* 0: nobody */

/* houseout.c */
void houseout_event(const struct event *ev, struct desk *d);
void houseout_all(struct desk *d, struct player *p);      /* all that can be read, to one */
void houseout_error(struct player *p, const char *addr, int err);
void houseout_levels(struct desk *d, struct player *p, bool on);

#endif
