/*
 * delay_watch.c - the delays of a room of music, looked at once a second; for jumps, five times.
 *
 *     members > delay_of > row: has a half of it changed?  > EVENT_DELAYS, at most once a second; at once if it jumped
 *                        > pairs: over the bound, how long? > EVENT_DELAY, over or well again
 *
 * A buffer gets shorter or longer by a frame at once, a millisecond or more, and whoever times something by a delay is wrong by that
 * until it is told. So in between only jumps are looked for, in rooms that are not too large for it.
 *
 * A pair is warned of when it was over the bound three times in a row, and is well when it was 2 ms under it three times in a
 * row, so that one late report says nothing and a pair at the bound does not come and go. Members keep their place in the table
 * as long as they are in, for what is counted of a pair lies at the two places.
 *
 * Timers: only in rooms of music with somebody in.
 */
#include <string.h>
#include "delay_priv.h"
#include "log.h"
#include "state.h"

enum {
	LOOK_MS = 1000,
	JUMP_MS = 150,            /* a fifth of a second, by the wheel, which is up to a tenth late; */
	EARLY_MS = 50,            /* so a second is not missed by a little */
	LOOKS = 3,                /* so often in a row */
	CALM_US = 2000,           /* under the bound */
	NEWS_US = 250,            /* of a half; so 0.5 ms of a pair */
	JUMP_US = 1000, JUMP_ROWS = 16,
	WARNINGS = 16,            /* a second and room; the others follow */
	BUCKETS = 512,            /* of a millisecond, for the median */
};

struct row {
	uint32_t id;              /* 0: free */
	bool     here;
	bool     new_to, new_from;
	struct delay now, told;
};

struct pair { uint8_t looks; bool warned; };      /* how often in a row it was otherwise than `warned` says */

struct delays {
	struct room *room;
	struct wheel_tmr tmr;
	uint64_t look_ms;         /* when it was looked for more than jumps */
	uint32_t n;               /* rows in use */
	bool     full;            /* too many are in: nobody has a row */
	struct row row[DELAY_WATCHED];
	struct pair pair[DELAY_WATCHED][DELAY_WATCHED];
};

static bool member_delay(struct delay *d, const struct member *m, uint64_t now_ms)
{
	struct leg_stats s;

	if (m->waiting || !m->face.leg)
		return false;
	leg_stats(m->face.leg, &s);
	delay_of(d, &s, &m->end, now_ms);
	return true;
}

/* --- rows --- */

static struct row *row_of(struct delays *t, uint32_t id)
{
	for (size_t i = 0; i < DELAY_WATCHED; i++)
		if (t->row[i].id == id)
			return &t->row[i];
	return NULL;
}

static void row_free(struct delays *t, struct row *row)
{
	size_t i = (size_t)(row - t->row);

	memset(row, 0, sizeof(*row));
	memset(t->pair[i], 0, sizeof(t->pair[i]));
	for (size_t k = 0; k < DELAY_WATCHED; k++)
		t->pair[k][i] = (struct pair){ 0 };
	t->n--;
}

static void row_take(struct delays *t, const struct member *m, uint64_t now_ms)
{
	struct row *row = row_of(t, m->id);
	struct delay d;

	if (!member_delay(&d, m, now_ms))
		return;
	if (!row) {
		row = row_of(t, 0);
		if (!row)
			return;           /* never: there are no more members than rows */
		row->id = m->id;
		t->n++;
	}
	row->now = d;
	row->here = true;
}

static void rows_free_gone(struct delays *t)
{
	for (size_t i = 0; i < DELAY_WATCHED; i++)
		if (t->row[i].id && !t->row[i].here)
			row_free(t, &t->row[i]);
}

/* Who has left goes first: the place may be wanted. */
static void rows_free_left(struct delays *t)
{
	const bool any = t->room->n_members <= DELAY_WATCHED;
	struct le *le;

	for (size_t i = 0; i < DELAY_WATCHED; i++)
		t->row[i].here = false;
	for (le = any ? list_head(&t->room->members) : NULL; le; le = le->next) {
		struct row *row = row_of(t, ((const struct member *)le->data)->id);

		if (row)
			row->here = true;
	}
	rows_free_gone(t);
}

/* Nobody, if there are too many. */
static void rows_take(struct delays *t, uint64_t now_ms)
{
	struct le *le;

	rows_free_left(t);
	if (t->room->n_members > DELAY_WATCHED)
		return;
	for (size_t i = 0; i < DELAY_WATCHED; i++)
		t->row[i].here = false;
	LIST_FOREACH(&t->room->members, le)
		row_take(t, le->data, now_ms);
	rows_free_gone(t);                        /* whose sound has gone, or waits again */
}

/* --- news --- */

static bool differs(uint32_t a, uint32_t b, uint32_t by_us)
{
	return (a > b ? a - b : b - a) > by_us;
}

/* Is anything of it otherwise by more than that? */
static bool row_news(struct row *row, bool other, uint32_t by_us)
{
	row->new_to = row->id && (other || differs(delay_to_mix(&row->now), delay_to_mix(&row->told), by_us));
	row->new_from = row->id && (other || differs(delay_from_mix(&row->now), delay_from_mix(&row->told), by_us));
	return row->new_to || row->new_from;
}

static void tell(struct delays *t)
{
	for (size_t i = 0; i < DELAY_WATCHED; i++) {
		if (t->row[i].new_to || t->row[i].new_from)
			t->row[i].told = t->row[i].now;
	}
	event_tell_delay(t->room, EVENT_DELAYS, NULL);
}

static void tell_news(struct delays *t)
{
	const bool full = t->room->n_members > DELAY_WATCHED;
	bool news = full && !t->full;     /* there is no table any more */

	t->full = full;
	for (size_t i = 0; t->n > 1 && i < DELAY_WATCHED; i++)
		news |= row_news(&t->row[i], t->row[i].now.known != t->row[i].told.known, NEWS_US);
	if (news)
		tell(t);
}

/* Of who has been told of. */
static void tell_jumps(struct delays *t)
{
	bool news = false;

	for (size_t i = 0; t->n > 1 && i < DELAY_WATCHED; i++)
		news |= t->row[i].told.known && row_news(&t->row[i], false, JUMP_US);
	if (news)
		tell(t);
}

/* --- warnings --- */

static void warn(struct delays *t, struct pair *p, const struct row *from, const struct row *to, uint32_t us)
{
	const uint32_t bound_us = t->room->conf.delay_bound_ms * 1000;

	p->warned = !p->warned;
	p->looks = 0;
	if (p->warned)
		log_warning("room.delay", "room=%s from=%u to=%u ms=%.1f bound=%u", t->room->name, from->id, to->id, us / 1000.0,
			    bound_us / 1000);
	else if (bound_us)
		log_info("room.delay", "room=%s from=%u to=%u ms=%.1f what=\"well again\"", t->room->name, from->id, to->id, us / 1000.0);
	event_tell_delay(t->room, EVENT_DELAY, &(struct event_delay){
		.from = from->id, .to = to->id, .us = us, .bound_us = bound_us, .over = p->warned });
}

/* Is it, now, what its warning does not say? */
static bool is_otherwise(const struct pair *p, uint32_t us, uint32_t bound_us)
{
	if (!p->warned)
		return bound_us && us > bound_us;
	return !bound_us || us + CALM_US <= bound_us;
}

/* True: it was told. */
static bool look_at(struct delays *t, size_t from, size_t to)
{
	struct pair *p = &t->pair[from][to];
	uint32_t us = delay_between(&t->row[from].now, &t->row[to].now, NULL);

	if (!is_otherwise(p, us, t->room->conf.delay_bound_ms * 1000)) {
		p->looks = 0;
		return false;
	}
	if (p->looks < LOOKS)
		p->looks++;
	if (p->looks < LOOKS)
		return false;
	warn(t, p, &t->row[from], &t->row[to], us);
	return true;
}

static void look_at_pairs(struct delays *t)
{
	unsigned left = WARNINGS;

	for (size_t i = 0; i < DELAY_WATCHED; i++) {
		for (size_t k = 0; t->row[i].id && k < DELAY_WATCHED && left; k++)
			if (k != i && t->row[k].id && look_at(t, i, k))
				left--;
	}
}

/* --- life --- */

static void look_for_jumps(struct delays *t, uint64_t now_ms)
{
	if (t->n > JUMP_ROWS)
		return;
	rows_take(t, now_ms);
	tell_jumps(t);
}

static void look(void *arg)
{
	struct delays *t = arg;
	const uint64_t now_ms = tmr_jiffies();

	if (!t->room->n_members || !t->room->conf.music) {
		delays_end(t->room);
		return;
	}
	wheel_start(&t->tmr, JUMP_MS, look, t);
	if (now_ms + EARLY_MS < t->look_ms + LOOK_MS) {
		look_for_jumps(t, now_ms);
		return;
	}
	t->look_ms = now_ms;
	rows_take(t, now_ms);
	clicks_aim(t->room);
	tell_news(t);
	look_at_pairs(t);
}

static void delays_destructor(void *data)
{
	struct delays *t = data;

	wheel_cancel(&t->tmr);
}

void delays_watch(struct room *r)
{
	if (r->delays || !r->conf.music || !r->n_members)
		return;
	r->delays = mem_zalloc(sizeof(*r->delays), delays_destructor);
	if (!r->delays)
		return;                   /* the next who comes tries again */
	r->delays->room = r;
	r->delays->look_ms = tmr_jiffies();
	wheel_start(&r->delays->tmr, LOOK_MS, look, r->delays);
}

void delays_end(struct room *r)
{
	r->delays = mem_deref(r->delays);
}

/* --- questions --- */

int control_delay(const struct control *c, uint32_t member, struct delay *d)
{
	const struct member *m = member_by_id(c, member);

	return m && member_delay(d, m, tmr_jiffies()) ? 0 : ENOENT;
}

static void copy_name(struct snapshot_delay *s, const struct member *m)
{
	s->id = m->id;
	memcpy(s->name, m->name, sizeof(s->name));
	memcpy(s->uri, m->uri, sizeof(s->uri));
}

/* What is known of members by their places in the table, by their places in s. */
static void copy_table(struct snapshot_delays *s, struct delays *t)
{
	const struct row *row[DELAY_WATCHED];

	for (size_t i = 0; i < s->n; i++) {
		row[i] = row_of(t, s->member[i].id);
		s->member[i].new_to = row[i] && row[i]->new_to;
		s->member[i].new_from = row[i] && row[i]->new_from;
	}
	for (size_t i = 0; i < s->n; i++) {
		for (size_t k = 0; row[i] && k < s->n; k++)
			if (row[k] && t->pair[row[i] - t->row][row[k] - t->row].warned)
				s->member[i].warned |= 1ULL << k;
	}
}

int snapshot_delays(struct snapshot_delays **dp, struct control *c, const char *room)
{
	const struct room *r = c && room ? room_find(c, room) : NULL;
	const uint64_t now_ms = tmr_jiffies();
	struct snapshot_delays *s;
	struct le *le;

	if (!dp)
		return EINVAL;
	if (!r)
		return ENOENT;
	s = mem_zalloc(sizeof(*s) + r->n_members * sizeof(s->member[0]), NULL);
	if (!s)
		return ENOMEM;
	memcpy(s->room, r->name, sizeof(s->room));
	s->at_ms = unix_ms();
	s->bound_us = r->conf.delay_bound_ms * 1000;
	LIST_FOREACH(&r->members, le) {
		if (member_delay(&s->member[s->n].d, le->data, now_ms))
			copy_name(&s->member[s->n++], le->data);
	}
	if (r->delays && r->n_members <= DELAY_WATCHED) {
		s->watched = true;
		copy_table(s, r->delays);
	}
	*dp = s;
	return 0;
}

_Static_assert((int)DELAY_WATCHED <= 64, "a bit for each");

/* --- figures --- */

struct tally { struct delay_figures *f; uint32_t bucket[BUCKETS]; };

static void count_pair(struct tally *y, const struct delays *t, size_t from, size_t to)
{
	uint32_t us = delay_between(&t->row[from].now, &t->row[to].now, NULL), ms = us / 1000;

	y->f->pairs++;
	y->f->warned += t->pair[from][to].warned;
	if (y->f->max_us < us)
		y->f->max_us = us;
	y->bucket[ms < BUCKETS ? ms : BUCKETS - 1]++;
}

static void count_room(struct tally *y, const struct delays *t)
{
	y->f->rooms++;
	for (size_t i = 0; i < DELAY_WATCHED; i++) {
		for (size_t k = 0; t->row[i].id && k < DELAY_WATCHED; k++)
			if (k != i && t->row[k].id)
				count_pair(y, t, i, k);
	}
}

void control_delay_figures(const struct control *c, struct delay_figures *f)
{
	struct tally y = { .f = f };
	uint32_t ms = 0;
	struct le *le;

	memset(f, 0, sizeof(*f));
	LIST_FOREACH(&c->rooms, le) {
		const struct room *r = le->data;

		if (r->delays)
			count_room(&y, r->delays);
	}
	for (uint32_t n = y.bucket[0]; f->pairs && n <= f->pairs / 2; n += y.bucket[ms])
		ms++;
	f->median_us = ms * 1000;
}
