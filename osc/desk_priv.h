/*
 * desk_priv.h - desk.c, which takes orders, desk_names.c, which knows how members are called, and houseout.c, which tells what came
 * of orders. Private to osc/.
 */
#ifndef OSC_DESK_PRIV_H
#define OSC_DESK_PRIV_H

#include "control/control.h"
#include "control/snapshot.h"
#include "desk.h"
#include "relay_priv.h"
#include "surface.h"

enum { DESK_NEWS_MAX = 4096 };

struct desk {
	struct relay *relay;
	struct control *control;
	struct surface surface;
	struct event_lsnr *lsnr;
	struct list rooms;        /* struct desk_room, of those in which somebody listens */
	struct list news;         /* events still to be told: when a member joins its player is not known to be its yet */
	struct list told;         /* ... that was */
	unsigned n_news, n_ticks; /* of levels */
	struct tmr levels, later;
};

/* ---- desk_names.c: a member as gestures call it, from when it is first spoken of until it has left ---- */

struct desk_room;
/* Names for all in it. NULL: no memory. */
struct desk_room *desk_room_sync(struct desk *d, const struct snapshot *s);
void desk_room_purge(struct desk_room *r, const struct snapshot *s);      /* names of those who are not in it any more go */
void desk_room_end(struct desk *d, const char *room);
const char *desk_name(const struct desk_room *r, uint32_t member);        /* "": it has none */
uint32_t desk_member(const struct desk_room *r, const char *name);        /* 0: nobody */

/* Who acts where this player does; 0: nobody. */
uint32_t desk_behind(const struct player *p, const struct snapshot *s);

/* ---- houseout.c ---- */

void houseout_event(const struct event *ev, struct desk *d);
void houseout_all(struct desk *d, struct player *p);      /* all that can be read, to one */
void houseout_error(struct player *p, const char *addr, int err);
void houseout_levels(struct desk *d, struct player *p, bool on);

/* ---- houseout_play.c ---- */

struct housepen;
void houseout_choices(struct housepen *pen, struct player *to, const struct snapshot_member *m);         /* of its own member */
void houseout_odds(struct housepen *pen, struct player *to, const struct snapshot_member *m);
void houseout_sections(struct housepen *pen, struct player *to, const struct snapshot *s);

/* ---- houseout_delay.c: of the one who acts where p does, `me` ---- */

/* all: of everybody, else of those pairs that are otherwise now. Nothing, of a room that is not watched. */
void houseout_delays(struct player *p, const struct desk_room *r, const struct snapshot_delays *s, uint32_t me, bool all);
void houseout_warning(struct player *p, const struct desk_room *r, const struct event_delay *d, uint32_t me);

#endif
