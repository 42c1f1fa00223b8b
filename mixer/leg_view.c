/*
 * leg_view.c - the door's calls for private mixes (view.h), and the way of a row to the media thread and back.
 *
 * A change is made in the matrix, then a row of all that the listener hears otherwise is made and sent. If that fails the
 * matrix is as it was. While a leg is on its way between two threads its row waits for it (leg.c).
 */
#include <errno.h>
#include "engine.h"
#include "leg.h"

int leg_set_pan(struct leg *l, float pan)
{
	if (!l->rt)
		return ENODEV;
	if (!(pan >= -1 && pan <= 1))
		return EINVAL;
	atomic_store_explicit(&l->rt->pan, pan, memory_order_relaxed);
	return 0;
}

/* The row is the media thread's if this is 0. */
static int send_row(struct leg *l, struct view_row *row)
{
	struct cmd c = {.type = CMD_LEG_VIEW, .leg = l->rt, .row = row};

	row->leg = l->rt;
	if (!l->moving)
		return thread_post(l->rt->home, &c, NULL);
	mem_deref(l->next_row);
	l->next_row = row;
	return 0;
}

static int send_changes(struct leg *l)
{
	struct view_row *row = NULL;
	int err = view_row_alloc(&row, &l->rt->views);

	if (err || !row)
		return err;
	err = send_row(l, row);
	if (err)
		mem_deref(row);
	return err;
}

static int set_cells(struct leg *l, const struct leg_view *v, size_t n)
{
	int err = 0;

	for (size_t i = 0; i < n && !err; i++)
		err = v[i].other->rt ? view_set(&l->rt->views, &v[i].other->rt->views, v[i].gain, v[i].pan) : ENODEV;
	if (!err)
		err = send_changes(l);
	if (err)
		view_rollback(&l->rt->views);
	return err;
}

int leg_set_view(struct leg *l, struct leg *other, float gain, float pan)
{
	struct leg_view v = {other, gain, pan};

	if (!l->rt)
		return ENODEV;
	view_begin(&l->rt->views);
	return set_cells(l, &v, 1);
}

int leg_set_views(struct leg *l, const struct leg_view *v, size_t n)
{
	if (!l->rt)
		return ENODEV;
	view_begin(&l->rt->views);
	view_set_neutral(&l->rt->views);
	return set_cells(l, v, n);
}

void leg_view(const struct leg *l, const struct leg *other, float *gain, float *pan)
{
	*gain = 1;
	*pan = LEG_PAN_SAME;
	if (l->rt && other->rt)
		view_get(&l->rt->views, &other->rt->views, gain, pan);
}

/* Back from the media thread. The leg is alive: it comes back itself later, by the same ring or one it went to since. */
void leg_view_done(struct view_row *row)
{
	/* All neutral, heard to be so, and nothing newer is on its way: what was kept for the ramps' sake can go. */
	if (row->settled && row->serial == row->leg->views.serial)
		view_forget(&row->leg->views);
	mem_deref(row);
}
