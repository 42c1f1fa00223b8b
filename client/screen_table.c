/*
 * screen_table.c - the table of players: who they are, how loud, how far away, and how we hear them.
 *
 * Where columns are few, a letter before the name stands for a role; where there are many, its word stands behind it.
 * The list scrolls so that the chosen one is in view.
 */
#include <stdio.h>
#include <string.h>
#include "screen_priv.h"

enum { PARTS = 5, PART_W = 5, ROLE_W = 10, ROOMY = 120, DELAY_FAR_US = 25000, DELAY_WARN_US = 18000 };

/* Columns where these begin; role, parts 0: not shown. */
struct place { unsigned name, role, flags, bar, bar_end, db, delay, parts, mix, end; };

static struct place places(const struct grid *g)
{
	struct place p = {.name = 2};
	unsigned parts_w = PARTS * PART_W, name_w = g->cols >= ROOMY ? 28 : 16;

	if (g->cols >= SCREEN_WIDE) {
		p.mix = g->cols - 11;
		p.parts = p.mix - 1 - parts_w;
		p.delay = p.parts - 6;
		p.end = g->cols - 1;
	}
	else {
		p.mix = p.end = g->cols - 1;
		p.delay = g->cols > 8 ? g->cols - 8 : 0;
		name_w = 11;
	}
	p.flags = p.name + name_w;
	if (g->cols >= ROOMY) {
		p.role = p.flags;
		p.flags += ROLE_W;
	}
	p.bar = p.flags + 4;
	p.bar_end = p.db = p.delay > 5 ? p.delay - 5 : 0;
	if (p.bar + 4 > p.bar_end) {                      /* neither level nor flags: name and delay */
		p.flags = p.bar = p.bar_end = p.delay;
		p.db = 0;
	}
	return p;
}

static void draw_titles(struct grid *g, const struct band *b, const struct place *p, unsigned y)
{
	static const char *const part[PARTS] = {"cap", "net", "buf", "mix", "play"};
	const unsigned name_end = p->role ? p->role : p->bar;

	grid_putf(g, p->name, y, name_end, GRID_DIM, "%u player%s", b->n, b->n == 1 ? "" : "s");
	grid_put(g, p->bar, y, p->bar_end, GRID_DIM, "level");
	grid_right(g, y, p->delay + 6, GRID_DIM, "delay");
	for (unsigned i = 0; p->parts && i < PARTS; i++)
		grid_right(g, y, p->parts + (i + 1) * PART_W, GRID_DIM, part[i]);
	if (p->parts)
		grid_right(g, y, p->end, GRID_DIM, "my mix");
}

static void draw_flags(struct grid *g, const struct band_member *m, unsigned x, unsigned y)
{
	if (m->speaking)
		grid_put(g, x, y, x + 1, GRID_GOOD, "*");
	if (m->muted)
		grid_put(g, x + 1, y, x + 2, GRID_BAD, "M");
	if (m->hand)
		grid_put(g, x + 2, y, x + 3, GRID_WARN, "H");
}

static void draw_role(struct grid *g, const struct band_member *m, const struct place *p, unsigned y)
{
	if (p->role)
		grid_put(g, p->role, y, p->flags - 1, GRID_DIM, m->role);
	else if (!strcmp(m->role, "host"))
		grid_put(g, p->name - 1, y, p->name, GRID_BOLD, "@");
	else if (!strcmp(m->role, "listener"))
		grid_put(g, p->name - 1, y, p->name, GRID_DIM, "-");
}

/* ">": at least that. */
static void draw_delay(struct grid *g, const struct band_member *m, const struct place *p, unsigned y)
{
	const struct band_path *w = &m->to_me;
	const uint32_t part[PARTS] = {w->capture, w->net_up + w->net_down, w->buffer, w->mix, w->playback};
	char text[16];

	if (!w->total)
		return;
	(void)snprintf(text, sizeof(text), "%s%.1f", m->at_least ? ">" : "", w->total / 1000.0);
	grid_right(g, y, p->delay + 6,
		   w->total > DELAY_FAR_US    ? GRID_BAD
		   : w->total > DELAY_WARN_US ? GRID_WARN
					      : GRID_GOOD,
		   text);
	for (unsigned i = 0; p->parts && i < PARTS; i++) {
		(void)snprintf(text, sizeof(text), "%.*f", part[i] < 100000, part[i] / 1000.0);
		if (part[i])
			grid_right(g, y, p->parts + (i + 1) * PART_W, GRID_DIM, text);
	}
}

static void draw_mix(struct grid *g, const struct band_member *m, const struct place *p, unsigned y)
{
	bool same = m->mix_db > -0.05f && m->mix_db < 0.05f;
	char db[12] = "0", pan[12] = "";
	int side = (int)(m->mix_pan * 100 + (m->mix_pan < 0 ? -0.5f : 0.5f));

	if (m->mix_db <= -59.95f)
		strcpy(db, "off");
	else if (!same)
		(void)snprintf(db, sizeof(db), "%+.1f", (double)m->mix_db);
	if (m->mix_pan <= 1)
		(void)snprintf(pan, sizeof(pan), side ? "%c%d" : "%c", side < 0 ? 'L' : side > 0 ? 'R' : 'C',
			       side < 0 ? -side : side);
	grid_right(g, y, p->mix + 5, same ? GRID_DIM : GRID_BOLD, db);
	grid_right(g, y, p->end, GRID_BOLD, pan);
}

static void draw_member(struct grid *g, const struct band_member *m, const struct place *p, unsigned y, bool chosen)
{
	char db[12];

	if (chosen)
		grid_put(g, 0, y, 2, GRID_MARK, g->ascii ? ">" : "▸");
	draw_role(g, m, p, y);
	grid_put(g, p->name, y, (p->role ? p->role : p->flags) - 1,
		 chosen  ? GRID_MARK
		 : m->me ? GRID_BOLD
			 : GRID_PLAIN,
		 m->name);
	if (p->db)
		draw_flags(g, m, p->flags, y);
	if (p->bar < p->bar_end)
		grid_meter(g, p->bar, y, p->bar_end, m->level_db);
	(void)snprintf(db, sizeof(db), "%.0f", (double)m->level_db);
	if (m->level_db > -100 && p->db)
		grid_right(g, y, p->db + 4, GRID_DIM, db);
	if (m->me)
		grid_right(g, y, p->delay + 6, GRID_DIM, "you");
	else
		draw_delay(g, m, p, y);
	if (p->parts && !m->me)
		draw_mix(g, m, p, y);
}

static unsigned chosen_at(const struct band *b, const struct screen_view *v)
{
	for (unsigned i = 0; i < b->n; i++)
		if (!strcmp(b->member[i].name, v->chosen))
			return i;
	return b->n;
}

/* The list stays where it was as far as it can. */
static void scroll(const struct band *b, struct screen_view *v, unsigned rows)
{
	unsigned at = chosen_at(b, v);

	if (v->first + rows > b->n)
		v->first = b->n > rows ? b->n - rows : 0;
	if (at < b->n && at < v->first)
		v->first = at;
	if (at < b->n && at >= v->first + rows)
		v->first = at - rows + 1;
}

void screen_members(struct grid *g, const struct band *b, struct screen_view *v, unsigned y, unsigned end)
{
	const struct place p = places(g);
	unsigned rows = end > y + 1 ? end - y - 1 : 0;

	if (!rows)
		return;
	scroll(b, v, rows);
	draw_titles(g, b, &p, y);
	for (unsigned i = 0; i < rows && v->first + i < b->n; i++)
		draw_member(g, &b->member[v->first + i], &p, y + 1 + i, v->first + i == chosen_at(b, v));
	if (v->first)
		grid_put(g, g->cols - 1, y + 1, g->cols, GRID_DIM, g->ascii ? "^" : "↑");
	if (v->first + rows < b->n)
		grid_put(g, g->cols - 1, end - 1, g->cols, GRID_DIM, g->ascii ? "v" : "↓");
}

void screen_choose(const struct band *b, struct screen_view *v, int step)
{
	unsigned at = chosen_at(b, v), n = b->n;

	if (!n)
		return;
	for (unsigned i = 0; i < n; i++) {                /* oneself is nobody's to turn */
		at = at == n ? step > 0 ? 0 : n - 1 : (at + n + (unsigned)(step > 0 ? 1 : (int)n - 1)) % n;
		if (!b->member[at].me)
			break;
	}
	(void)snprintf(v->chosen, sizeof(v->chosen), "%s", b->member[at].me ? "" : b->member[at].name);
}
