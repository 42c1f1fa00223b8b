/*
 * view.c - the matrix of private mixes: cells, and rows made of them.
 *
 *                 a     b     c        columns: who is heard
 *     a hears     .    0.5    .        a cell is in two lists, that of its row by the other's number, so that a row
 *     b hears     2     .     0        made of it is sorted, and that of its column, so that it goes when the other goes
 *
 * Only what somebody said is there. A room of 2,000 in which one musician has a mix of its own has that musician's cells.
 */
#include <errno.h>
#include <math.h>
#include <string.h>
#include "view.h"

#define GAIN_MAX 16.0f            /* +24 dB */

struct view_cell {
	struct le row_le, col_le;
	struct view_end *from, *to;
	float gain, pan, was_gain, was_pan;
	bool fresh;               /* since view_begin */
};

static bool neutral(float gain, float pan) { return gain == 1 && pan == LEG_PAN_SAME; }

/* --- ends and cells --- */

void view_end_init(struct view_end *e, struct view_pool *pool)
{
	e->pool = pool;
	e->id = ++pool->last_id;
}

static void cell_destructor(void *arg)
{
	struct view_cell *c = arg;

	list_unlink(&c->row_le);
	list_unlink(&c->col_le);
	c->from->pool->n--;
}

void view_end_clear(struct view_end *e)
{
	list_flush(&e->row);
	list_flush(&e->col);
}

/* The last cell whose number is not above id; most are found or put at the end. */
static struct le *place_of(const struct view_end *from, uint64_t id)
{
	struct le *le = from->row.tail;

	while (le && ((struct view_cell *)le->data)->to->id > id)
		le = le->prev;
	return le;
}

static struct view_cell *cell_find(const struct view_end *from, const struct view_end *to)
{
	struct le *le = place_of(from, to->id);
	struct view_cell *c = le ? le->data : NULL;

	return c && c->to == to ? c : NULL;
}

static int cell_add(struct view_cell **cp, struct view_end *from, struct view_end *to)
{
	struct view_pool *pool = from->pool;
	struct le *after = place_of(from, to->id);
	struct view_cell *c;

	if (pool->n >= pool->max) {
		pool->refused++;
		return ENOSPC;
	}
	c = mem_zalloc(sizeof(*c), cell_destructor);
	if (!c)
		return ENOMEM;
	*c = (struct view_cell){.from = from, .to = to, .gain = 1, .pan = LEG_PAN_SAME, .was_gain = 1, .was_pan = LEG_PAN_SAME,
				.fresh = true};
	if (after)
		list_insert_after(&from->row, after, &c->row_le, c);
	else
		list_prepend(&from->row, &c->row_le, c);
	list_append(&to->col, &c->col_le, c);
	pool->n++;
	*cp = c;
	return 0;
}

/* --- changes --- */

static bool view_ok(float gain, float pan)
{
	/* Written so that NaN is refused. */
	return gain >= 0 && gain <= GAIN_MAX && ((pan >= -1 && pan <= 1) || pan == LEG_PAN_SAME);
}

void view_begin(struct view_end *from)
{
	struct le *le;

	from->was_serial = from->serial;
	for (le = from->row.head; le; le = le->next) {
		struct view_cell *c = le->data;

		c->was_gain = c->gain;
		c->was_pan = c->pan;
		c->fresh = false;
	}
}

int view_set(struct view_end *from, struct view_end *to, float gain, float pan)
{
	struct view_cell *c;
	int err = 0;

	/* Whoever wants to hear itself is asking for an echo. */
	if (from == to || from->pool != to->pool || !view_ok(gain, pan))
		return EINVAL;
	c = cell_find(from, to);
	if (!c && neutral(gain, pan))
		return 0;
	if (!c)
		err = cell_add(&c, from, to);
	if (err)
		return err;
	c->gain = gain;
	c->pan = pan;
	return 0;
}

void view_set_neutral(struct view_end *from)
{
	struct le *le;

	for (le = from->row.head; le; le = le->next) {
		struct view_cell *c = le->data;

		c->gain = 1;
		c->pan = LEG_PAN_SAME;
	}
}

void view_rollback(struct view_end *from)
{
	struct le *le = from->row.head;

	from->serial = from->was_serial;
	while (le) {
		struct view_cell *c = le->data;

		le = le->next;
		c->gain = c->was_gain;
		c->pan = c->was_pan;
		if (c->fresh)
			mem_deref(c);
	}
}

void view_get(const struct view_end *from, const struct view_end *to, float *gain, float *pan)
{
	const struct view_cell *c = cell_find(from, to);

	*gain = c ? c->gain : 1;
	*pan = c ? c->pan : LEG_PAN_SAME;
}

void view_forget(struct view_end *from)
{
	struct le *le = from->row.head;

	while (le) {
		struct view_cell *c = le->data;

		le = le->next;
		if (neutral(c->gain, c->pan))
			mem_deref(c);
	}
}

/* --- rows --- */

struct view_pair view_place(float pan)
{
	const float root = (float)M_SQRT2;
	float a = (pan + 1) * (float)M_PI_4;

	if (pan == 0)             /* exactly: as nearly all are */
		return (struct view_pair){1, 1};
	return (struct view_pair){pan >= 1 ? 0 : root * cosf(a), pan <= -1 ? 0 : root * sinf(a)};
}

/* FNV-1a. */
static uint64_t hash_add(uint64_t h, const void *p, size_t n)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++)
		h = (h ^ b[i]) * 0x100000001b3;
	return h;
}

static void row_add(struct view_row *r, const struct view_cell *c)
{
	struct view_gain *g = &r->gain[r->n++];

	*g = (struct view_gain){.id = c->to->id, .gain = c->gain, .pan = c->pan, .side = {c->gain, c->gain}};
	if (c->pan != LEG_PAN_SAME) {
		struct view_pair p = view_place(c->pan);

		g->side = (struct view_pair){c->gain * p.l, c->gain * p.r};
	}
	if (neutral(c->gain, c->pan))
		return;
	r->neutral = false;
	r->hash = hash_add(r->hash, &g->id, sizeof(g->id));
	r->hash = hash_add(r->hash, &g->gain, sizeof(g->gain));
	r->hash = hash_add(r->hash, &g->pan, sizeof(g->pan));
}

static bool changed(const struct view_end *from)
{
	struct le *le;

	for (le = from->row.head; le; le = le->next) {
		const struct view_cell *c = le->data;

		if (c->gain != c->was_gain || c->pan != c->was_pan)
			return true;
	}
	return false;
}

int view_row_alloc(struct view_row **rp, struct view_end *from)
{
	struct view_row *r;
	struct le *le;

	*rp = NULL;
	if (!changed(from))
		return 0;
	r = mem_zalloc(sizeof(*r) + list_count(&from->row) * sizeof(r->gain[0]), NULL);
	if (!r)
		return ENOMEM;
	r->serial = ++from->serial;
	r->neutral = true;
	r->hash = 0xcbf29ce484222325;
	for (le = from->row.head; le; le = le->next)
		row_add(r, le->data);
	*rp = r;
	return 0;
}

static uint32_t next_loud(const struct view_row *r, uint32_t i)
{
	while (i < r->n && neutral(r->gain[i].gain, r->gain[i].pan))
		i++;
	return i;
}

bool view_row_equal(const struct view_row *a, const struct view_row *b)
{
	uint32_t i = 0, k = 0;

	if (a->hash != b->hash)
		return false;
	for (;; i++, k++) {
		i = next_loud(a, i);
		k = next_loud(b, k);
		if (i == a->n || k == b->n)
			return i == a->n && k == b->n;
		if (a->gain[i].id != b->gain[k].id || a->gain[i].gain != b->gain[k].gain || a->gain[i].pan != b->gain[k].pan)
			return false;
	}
}

struct view_gain *view_row_find_rt(struct view_row *r, uint64_t id)
{
	uint32_t lo = 0, hi = r->n;

	if (r->hint < r->n && r->gain[r->hint].id == id)
		return &r->gain[r->hint++];
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (r->gain[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == r->n || r->gain[lo].id != id)
		return NULL;
	r->hint = lo + 1;
	return &r->gain[lo];
}

void view_row_inherit_rt(struct view_row *r, const struct view_row *old)
{
	for (uint32_t i = 0, k = 0; i < r->n && k < old->n;) {
		struct view_gain *g = &r->gain[i];
		const struct view_gain *o = &old->gain[k];

		if (g->id == o->id) {
			g->state = o->state;
			g->l = o->l;
			g->r = o->r;
		}
		i += g->id <= o->id;
		k += o->id <= g->id;
	}
}
