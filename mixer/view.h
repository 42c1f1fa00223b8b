/*
 * view.h - private mixes: how loud and where one member hears another, the matrix of N x N.
 *
 *     view.c       the matrix itself: cells, and rows made of them. Control thread; knows no leg
 *     leg_view.c   the door's calls, and the way of a row to the media thread and back
 *     view_rt.c    the sound: a place for everybody in the mix, and what a row makes of it for one listener
 *
 * Each leg has one struct view_end; a cell joins two of them and goes with either. Ends are told apart by number and not by
 * address, so that a row on a media thread may name a leg that is gone, elsewhere, or silent: it finds nobody.
 *
 * A listener's row crosses as a whole (struct view_row), made on the control thread and from then on the media thread's
 * until it comes back to be freed. A cell set back to neutral stays in the row until all of its row is neutral and has
 * been heard to be so: only then can it go without a click.
 */
#ifndef MIXER_VIEW_H
#define MIXER_VIEW_H

#include "ramp.h"
#include "thread.h"

enum { VIEW_CELLS_MAX = 65536 };          /* of one engine: 256 x 256, 14 MiB */

struct view_pool { uint64_t last_id, refused; uint32_t n, max; };        /* cells there are, and may be; how often ENOSPC */

struct view_end {
	struct view_pool *pool;
	uint64_t id;
	uint32_t serial, was_serial;      /* of the row made last */
	struct list row, col;             /* struct view_cell: what it hears, by number of the other; who hears it otherwise */
};

/* --- the matrix: control thread --- */

void view_end_init(struct view_end *e, struct view_pool *pool);
void view_end_clear(struct view_end *e);                  /* its row and its column are gone */

/* Changes between begin and the row that tells of them; rollback makes them undone, as far back as begin. */
void view_begin(struct view_end *from);
int  view_set(struct view_end *from, struct view_end *to, float gain, float pan);    /* EINVAL, ENOMEM, ENOSPC (counted) */
void view_set_neutral(struct view_end *from);             /* all of its row */
void view_rollback(struct view_end *from);

/* Neutral where nobody said anything else. */
void view_get(const struct view_end *from, const struct view_end *to, float *gain, float *pan);
void view_forget(struct view_end *from);                  /* cells that are neutral */

/* --- a row --- */

struct view_pair { float l, r; };                         /* gains of the left and the right */
struct view_move { struct view_pair from, to; };          /* ... from the beginning of a tick to its end */

/* Constant power, unity in the middle. In mono it is their mean, as a mono listener hears of a stereo mix. */
struct view_pair view_place(float pan);

enum view_state {
	VIEW_FRESH,               /* begins where everybody hears the other */
	VIEW_SET,                 /* was changed while nobody could hear it */
	VIEW_LIVE,                /* l and r say where it is */
};

struct view_gain {
	uint64_t id;
	float gain, pan;
	struct view_pair side;    /* gain and pan; not used where the pan is everybody's */
	/* media thread */
	enum view_state state;
	bool used;                /* this tick */
	struct ramp l, r;
	struct leg_rt *other;     /* this tick, and what is to be added of it */
	struct view_move more;
	struct view_gain *next;
};

struct view_row {
	struct back back;
	struct leg_rt *leg;       /* whose it is, for who sends it and takes it back */
	uint32_t serial;
	uint32_t n;
	uint64_t hash;            /* of all that is not neutral */
	bool neutral;             /* all is */
	/* media thread */
	bool moving, settled;     /* gains are on their way; a neutral row has arrived */
	uint32_t hint;
	struct view_gain *active; /* whom the listener hears otherwise this tick */
	struct view_gain gain[];  /* by id */
};

/* NULL in *rp: nothing is other than it was at view_begin. */
int  view_row_alloc(struct view_row **rp, struct view_end *from);
bool view_row_equal(const struct view_row *a, const struct view_row *b);        /* do they make the same of everybody? */
/* NULL: it has no cell for it. Quick when asked in the order of numbers. */
struct view_gain *view_row_find_rt(struct view_row *r, uint64_t id);
void view_row_inherit_rt(struct view_row *r, const struct view_row *old);       /* goes on from where the old one is */

#endif
