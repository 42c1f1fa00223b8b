/*
 * view_rt.c - the sound of private mixes: a place for everybody in the mix, and what a row makes of it for one listener.
 *
 *     sum       place x own of all that are heard
 *     hears     sum - its own place x own  +  (cell - place) x own of each that it hears otherwise
 *
 * So a private mix costs one pass over a tick of each talker that is altered, and who has no row pays nothing. Subtracting
 * is as exact as it is for one's own voice: what is left of a cell of 0 is rounding, 130 dB down. Gains go to where they
 * are told in a tick, but no faster than in 2.5 ms; of who is not heard they jump.
 *
 * A listener whose row alters nobody that is heard hears what all hear, and after a while without such a one it may follow
 * the shared stream again (share.c). Those with equal rows share a stream of their own, and stay with it in the pauses too:
 * to part and to join again costs each of them an encode for seconds.
 */
#include "view_rt.h"

enum { DORMANT_SMP = 5 * CLOCK_RATE };

static bool is_unity(struct view_pair p) { return p.l == 1 && p.r == 1; }

static bool same(struct view_pair a, struct view_pair b) { return a.l == b.l && a.r == b.r; }

static struct view_pair next_of(const struct ramp *l, const struct ramp *r)
{
	return (struct view_pair){ramp_next(l), ramp_next(r)};
}

/* --- dst += src x gains --- */

static void add_still_rt(float *dst, const float *src, struct view_pair g, uint32_t n_smp, uint8_t ch)
{
	if (ch == 1)
		mix_add_gain(dst, src, (g.l + g.r) / 2, n_smp);
	else if (g.l == g.r)
		mix_add_gain(dst, src, g.l, 2 * (size_t)n_smp);
	else
		mix_add_balance(dst, src, g.l, g.r, n_smp);
}

static void add_moving_rt(float *dst, const float *src, struct view_move m, uint32_t n_smp, uint8_t ch)
{
	float l = m.from.l, r = m.from.r, dl = (m.to.l - l) / (float)n_smp, dr = (m.to.r - r) / (float)n_smp;

	if (ch == 1) {
		for (uint32_t i = 0; i < n_smp; i++)
			dst[i] += src[i] * ((l + r) / 2 + (dl + dr) / 2 * (float)i);
		return;
	}
	for (uint32_t i = 0; i < n_smp; i++) {
		dst[2 * i] += src[2 * i] * (l + dl * (float)i);
		dst[2 * i + 1] += src[2 * i + 1] * (r + dr * (float)i);
	}
}

static void add_rt(float *dst, const float *src, struct view_move m, uint32_t n_smp, uint8_t ch)
{
	if (same(m.from, m.to))
		add_still_rt(dst, src, m.from, n_smp, ch);
	else
		add_moving_rt(dst, src, m, n_smp, ch);
}

/* --- a place for everybody --- */

void view_init_rt(struct leg_rt *l)
{
	ramp_set(&l->place.l, 1);
	ramp_set(&l->place.r, 1);
	l->place.want = l->place.now.from = l->place.now.to = (struct view_pair){1, 1};
}

void view_place_rt(struct leg_rt *l, uint32_t n_smp)
{
	struct leg_place *p = &l->place;
	float pan = atomic_load_explicit(&l->pan, memory_order_relaxed);

	if (pan != p->pan) {
		p->pan = pan;
		p->want = view_place(pan);
	}
	ramp_aim(&p->l, p->want.l, n_smp, RAMP_SMP);
	ramp_aim(&p->r, p->want.r, n_smp, RAMP_SMP);
	p->now.from = (struct view_pair){p->l.now, p->r.now};
	p->now.to = next_of(&p->l, &p->r);
	p->l.now = p->now.to.l;
	p->r.now = p->now.to.r;
}

void view_add_rt(float *sum, const struct leg_rt *l, uint32_t n_smp, uint8_t ch)
{
	if (is_unity(l->place.now.from) && is_unity(l->place.now.to))
		mix_add(sum, l->own, (size_t)n_smp * ch);
	else
		add_rt(sum, l->own, l->place.now, n_smp, ch);
}

void view_minus_rt(float *dst, const float *sum, const struct leg_rt *l, uint32_t n_smp, uint8_t ch)
{
	struct view_move m = l->place.now;

	if (is_unity(m.from) && is_unity(m.to)) {
		mix_minus(dst, sum, l->own, (size_t)n_smp * ch);
		return;
	}
	m = (struct view_move){{-m.from.l, -m.from.r}, {-m.to.l, -m.to.r}};
	memcpy(dst, sum, (size_t)n_smp * ch * sizeof(*dst));
	add_rt(dst, l->own, m, n_smp, ch);
}

/* --- a row --- */

void view_swap_rt(struct leg_rt *l, struct view_row *r)
{
	struct view_row *old = l->view.row;

	if (old) {
		view_row_inherit_rt(r, old);
		thread_back_rt(l->t, &old->back, NOTE_VIEW_DONE, old);
	}
	r->moving = true;
	l->view.row = r;
}

/* Where the cell is going: with the other's place, or to one of its own. */
static struct view_pair wanted_rt(const struct view_gain *g, const struct leg_rt *other)
{
	if (g->pan != LEG_PAN_SAME)
		return g->side;
	return (struct view_pair){g->gain * other->place.now.to.l, g->gain * other->place.now.to.r};
}

static void start_rt(struct view_gain *g, struct view_pair at)
{
	ramp_set(&g->l, at.l);
	ramp_set(&g->r, at.r);
	g->state = VIEW_LIVE;
}

/* One tick of a cell whose other is heard. True: the listener hears it otherwise than all. */
static bool step_rt(struct view_gain *g, struct leg_rt *other, uint32_t n_smp)
{
	const struct view_move *all = &other->place.now;
	struct view_pair to = wanted_rt(g, other), from;

	if (g->state != VIEW_LIVE)
		start_rt(g, g->state == VIEW_SET ? to : all->from);
	ramp_aim(&g->l, to.l, n_smp, RAMP_SMP);
	ramp_aim(&g->r, to.r, n_smp, RAMP_SMP);
	from = (struct view_pair){g->l.now, g->r.now};
	to = next_of(&g->l, &g->r);
	g->l.now = to.l;
	g->r.now = to.r;
	g->used = true;
	g->other = other;
	g->more = (struct view_move){{from.l - all->from.l, from.r - all->from.r}, {to.l - all->to.l, to.r - all->to.r}};
	return !same(from, all->from) || !same(to, all->to);
}

static bool arrived_rt(const struct view_gain *g)
{
	return g->state != VIEW_LIVE || (g->l.now == g->l.to && g->r.now == g->r.to);
}

/* After a change, until all of it is heard: who is not in the sum now gets its new gain at once. */
static void settle_rt(struct view_row *r)
{
	r->moving = false;
	for (uint32_t i = 0; i < r->n; i++) {
		struct view_gain *g = &r->gain[i];

		if (!g->used)
			g->state = VIEW_SET;
		g->used = false;
		r->moving = r->moving || !arrived_rt(g);
	}
}

/* Does its row count at all, for who shares with whom? */
static bool is_on_rt(struct leg_rt *l, uint32_t n_smp)
{
	struct leg_view_rt *v = &l->view;
	bool grouped = l->share.leader && (l->share.leader != l || !list_isempty(&l->share.followers));

	v->idle_smp = v->row->active ? 0 : v->idle_smp + n_smp;
	return v->row->active || (v->on && (grouped || v->idle_smp < DORMANT_SMP));
}

static void turn_rt(struct leg_view_rt *v, bool on)
{
	v->turned = v->turned || v->on != on;
	v->on = on;
}

void view_update_rt(struct bus_rt *b, struct leg_rt *l)
{
	struct leg_view_rt *v = &l->view;
	struct view_row *r = v->row;

	if (r || v->turned)       /* nothing is written for all those who have no row */
		v->turned = r && r->moving;
	if (!r)
		return;
	r->active = NULL;
	r->hint = 0;
	for (struct leg_rt *o = b->heard; o; o = o->next_heard) {
		struct view_gain *g = o == l ? NULL : view_row_find_rt(r, o->view_id);

		if (g && step_rt(g, o, b->quantum)) {
			g->next = r->active;
			r->active = g;
		}
	}
	if (r->moving)
		settle_rt(r);
	if (r->neutral && !r->moving && !r->active) {
		r->settled = true;
		v->row = NULL;
		turn_rt(v, false);
		thread_back_rt(l->t, &r->back, NOTE_VIEW_DONE, r);
		return;
	}
	turn_rt(v, is_on_rt(l, b->quantum));
}

void view_hear_rt(const struct bus_rt *b, const struct leg_rt *l, float *out, uint8_t ch)
{
	if (!l->view.row)
		return;
	for (const struct view_gain *g = l->view.row->active; g; g = g->next)
		add_rt(out, g->other->own, g->more, b->quantum, ch);
}

bool view_steady_rt(const struct leg_rt *l) { return !l->view.turned; }

bool view_same_rt(const struct leg_rt *a, const struct leg_rt *b)
{
	if (!a->view.on || !b->view.on)
		return a->view.on == b->view.on;
	return view_row_equal(a->view.row, b->view.row);
}
