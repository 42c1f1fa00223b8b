/*
 * houseout.c - what players hear of the house: events as messages under /tutti/, errors, levels.
 *
 * A change of a member or of the room is told as all of its values, in one bundle: who has missed one message has the next.
 * It is told a moment later, from one look at the room, so that a member who joins has its player, and its name, by then; and a
 * thousand changes at once are one look. Levels go out 20 times a second to who wants them; the timer runs only while somebody does.
 */
#include <errno.h>
#include <string.h>
#include "desk_priv.h"
#include "housepen.h"

enum { LEVELS_MS = 50, ODDS_TICKS = 20, ERRORS_A_SECOND = 10 };

/* --- what there is to say --- */

static void put_member(struct housepen *pen, struct player *to, const struct snapshot_member *m, const char *name)
{
	char addr[64];

	housepen_member(addr, name, "mute");
	housepen_i(pen, to, addr, m->muted);
	housepen_member(addr, name, "hand");
	housepen_i(pen, to, addr, m->hand);
	housepen_member(addr, name, "section");
	housepen_s(pen, to, addr, m->section);
	housepen_member(addr, name, "role");
	housepen_s(pen, to, addr, role_name(m->role));
	if (to->conf.member ? to->conf.member != m->id : strcmp(to->name, m->controller) != 0)
		return;
	housepen_s(pen, to, "/tutti/me/name", name);
	housepen_i(pen, to, "/tutti/me/mute", m->muted);
	housepen_i(pen, to, "/tutti/me/deaf", m->deaf);
	housepen_i(pen, to, "/tutti/me/hand", m->hand);
	housepen_f(pen, to, "/tutti/me/gain", m->gain_db);
	housepen_f(pen, to, "/tutti/me/pan", m->pan);
	housepen_i(pen, to, "/tutti/me/click", m->click);
	housepen_f(pen, to, "/tutti/me/click/gain", m->click_db);
	houseout_choices(pen, to, m);
}

static void put_room(struct housepen *pen, struct player *to, const struct desk_room *r, const struct snapshot *s)
{
	housepen_i(pen, to, "/tutti/room/lock", s->locked);
	housepen_i(pen, to, "/tutti/room/mute-all", s->muted_all);
	housepen_i(pen, to, "/tutti/room/record", !strcmp(s->recording, "running"));
	housepen_s(pen, to, "/tutti/room/floor", desk_name(r, s->floor));
	housepen_f(pen, to, "/tutti/tempo", (float)s->tempo.mbpm / 1000);
	housepen_i(pen, to, "/tutti/tempo/bar", s->tempo.beats);
	housepen_i(pen, to, "/tutti/transport", s->tempo.running);
	housepen_i(pen, to, "/tutti/transport/countin", (int32_t)s->tempo.count_in);
	houseout_sections(pen, to, s);
}

void houseout_all(struct desk *d, struct player *p)
{
	struct snapshot_delays *delays = NULL;
	struct desk_room *r = NULL;
	struct snapshot *s = NULL;
	struct housepen pen;

	if (!p->ensemble || snapshot_take(&s, d->control, ensemble_room(p->ensemble)))
		return;
	housepen_begin(&pen);
	r = desk_room_sync(d, s);
	if (r) {
		put_room(&pen, p, r, s);
		housepen_s(&pen, p, "/tutti/room/speaker", desk_name(r, s->speaker));
	}
	for (size_t i = 0; r && i < s->n_members; i++) {
		const char *name = desk_name(r, s->member[i].id);

		if (s->member[i].waiting)
			continue;
		housepen_s(&pen, p, "/tutti/joined", name);
		put_member(&pen, p, &s->member[i], name);
	}
	housepen_end(&pen, p);
	if (r && s->music && !snapshot_delays(&delays, d->control, s->room))
		houseout_delays(p, r, delays, desk_behind(p, s), true);
	mem_deref(delays);
	mem_deref(s);
}

/* --- events --- */

struct news {
	struct le le;
	enum event_type type;
	uint32_t member;
	struct event_delay delay; /* of EVENT_DELAY */
	char room[64];
};

/* A room as it is when its news are told. */
struct look { struct desk_room *r; struct snapshot *s; struct snapshot_delays *delays; };

static struct ensemble *ensemble_of(const struct desk *d, const char *room)
{
	struct le *le;

	LIST_FOREACH(&d->relay->ensembles, le) {
		struct ensemble *e = le->data;

		if (!strcmp(e->room, room))
			return e;
	}
	return NULL;
}

static const struct snapshot_member *member_in(const struct snapshot *s, uint32_t id)
{
	for (size_t i = 0; i < s->n_members; i++)
		if (s->member[i].id == id)
			return &s->member[i];
	return NULL;
}

static void tell_delays(struct desk *d, struct player *p, const struct news *n, struct look *l)
{
	if (n->type == EVENT_DELAY)
		houseout_warning(p, l->r, &n->delay, desk_behind(p, l->s));
	else if (l->delays || !snapshot_delays(&l->delays, d->control, l->s->room))
		houseout_delays(p, l->r, l->delays, desk_behind(p, l->s), false);
}

static void tell_one(struct player *p, const struct news *n, const struct desk_room *r, const struct snapshot *s)
{
	const struct snapshot_member *m = member_in(s, n->member);
	const char *name = desk_name(r, n->member);
	struct housepen pen;

	housepen_begin(&pen);
	if (n->type == EVENT_ROOM_CHANGED)
		put_room(&pen, p, r, s);
	else if (n->type == EVENT_SPEAKER)
		housepen_s(&pen, p, "/tutti/room/speaker", desk_name(r, s->speaker));
	else if (n->type == EVENT_MEMBER_LEFT && *name)
		housepen_s(&pen, p, "/tutti/left", name);
	if (n->type == EVENT_MEMBER_JOINED && m)
		housepen_s(&pen, p, "/tutti/joined", name);
	if ((n->type == EVENT_MEMBER_JOINED || n->type == EVENT_MEMBER_CHANGED) && m) {
		put_member(&pen, p, m, name);
		housepen_s(&pen, p, "/tutti/room/floor", desk_name(r, s->floor));
	}
	housepen_end(&pen, p);
}

static bool anybody(const struct ensemble *e)
{
	for (unsigned i = 0; i < ENSEMBLE_PLAYERS; i++)
		if (e->slot[i] && e->slot[i]->desk.listens)
			return true;
	return false;
}

/* All the news of the room that is spoken of first, from one look at it. */
static void tell_room(struct desk *d, const char *room)
{
	const struct ensemble *e = ensemble_of(d, room);
	struct look l = {.r = NULL};
	struct le *le, *next;

	if (e && anybody(e) && !snapshot_take(&l.s, d->control, room))
		l.r = desk_room_sync(d, l.s);
	for (le = d->news.head; le; le = next) {
		struct news *n = le->data;

		next = le->next;
		if (strcmp(n->room, room) != 0)
			continue;
		for (unsigned i = 0; l.r && i < ENSEMBLE_PLAYERS; i++) {
			if (!e->slot[i] || !e->slot[i]->desk.listens)
				continue;
			if (n->type == EVENT_DELAYS || n->type == EVENT_DELAY)
				tell_delays(d, e->slot[i], n, &l);
			else
				tell_one(e->slot[i], n, l.r, l.s);
		}
		list_unlink(&n->le);
		list_append(&d->told, &n->le, n);
	}
	if (l.r)
		desk_room_purge(l.r, l.s);
	mem_deref(l.delays);
	mem_deref(l.s);
}

static void tell_news(void *arg)
{
	struct desk *d = arg;

	while (d->news.head)
		tell_room(d, ((struct news *)d->news.head->data)->room);
	list_flush(&d->told);
	d->n_news = 0;
}

static bool is_told(const struct event *ev)
{
	return ev->type == EVENT_ROOM_CHANGED || ev->type == EVENT_SPEAKER || ev->type == EVENT_MEMBER_JOINED ||
	       ev->type == EVENT_MEMBER_CHANGED || ev->type == EVENT_MEMBER_LEFT || ev->type == EVENT_DELAYS ||
	       ev->type == EVENT_DELAY;
}

/* A change twice is one change: what is told is what is so when it is told. Coming and going keep their order. */
static bool is_waiting(const struct desk *d, const struct event *ev)
{
	struct le *le;

	if (ev->type == EVENT_MEMBER_JOINED || ev->type == EVENT_MEMBER_LEFT || ev->type == EVENT_DELAY)
		return false;
	LIST_FOREACH(&d->news, le) {
		const struct news *n = le->data;

		if (n->type == ev->type && (n->member == ev->member || ev->type == EVENT_SPEAKER) && !strcmp(n->room, ev->room))
			return true;
	}
	return false;
}

static void take_news(struct desk *d, const struct event *ev)
{
	struct news *n = d->n_news < DESK_NEWS_MAX && !is_waiting(d, ev) ? mem_zalloc(sizeof(*n), NULL) : NULL;

	if (!n)
		return;
	n->type = ev->type;
	n->member = ev->member;
	n->delay = ev->delay;
	str_ncpy(n->room, ev->room, sizeof(n->room));
	list_append(&d->news, &n->le, n);
	d->n_news++;
	if (!tmr_isrunning(&d->later))
		tmr_start(&d->later, 0, tell_news, d);
}

static void take_beat(struct desk *d, struct ensemble *e, const struct event *ev)
{
	struct beat b;

	if (ev->type == EVENT_ROOM_ENDED)         /* its players may stay together for a while */
		beat_init(&b);
	else if (ev->type != EVENT_ROOM_CHANGED || (strcmp(ev->detail, "tempo") && strcmp(ev->detail, "transport")) ||
		 control_beat(d->control, ev->room, &b))
		return;
	(void)ensemble_set_beat(e, &b);
}

void houseout_event(const struct event *ev, struct desk *d)
{
	struct ensemble *e = ensemble_of(d, ev->room);

	if (e)
		take_beat(d, e, ev);
	if (e && is_told(ev) && anybody(e))
		take_news(d, ev);
	if (ev->type == EVENT_ROOM_ENDED)
		desk_room_end(d, ev->room);
}

/* --- errors --- */

static const char *words(int err)
{
	switch (err) {

	case ENOENT:    return "no such address, or nobody of that name";
	case EINVAL:    return "other arguments are wanted";
	case EACCES:    return "it can only be read";
	case EPERM:     return "not allowed";
	case EBUSY:     return "not now: something else decides it";
	case EAGAIN:    return "not now";
	case ENOTSUP:   return "not possible for this member";
	case EALREADY:  return "it is so already";
	default:        return "refused";
	}
}

void houseout_error(struct player *p, const char *addr, int err)
{
	const struct osc_arg args[] = {{.tag = 's', .v.s = addr}, {.tag = 's', .v.s = words(err)}};
	const uint64_t second = forward_clock_us(p->relay->forward) / 1000000;
	uint8_t buf[512];
	struct osc_writer w;
	size_t len;

	if (second != p->desk.second) {
		p->desk.second = second;
		p->desk.errors = 0;
	}
	if (p->desk.errors++ >= ERRORS_A_SECOND)
		return;
	osc_w_init(&w, buf, sizeof(buf));
	osc_w_msg(&w, "/tutti/error", args, 2);
	if (!osc_w_end(&w, &len))
		(void)player_tell(p, buf, len);
}

/* --- levels --- */

struct levels { struct housepen pen; struct player *to; const struct desk_room *r; };

static void put_level(uint32_t member, uint8_t dbov, void *arg)
{
	struct levels *l = arg;
	char addr[64];

	housepen_member(addr, desk_name(l->r, member), "level");
	housepen_f(&l->pen, l->to, addr, -(float)dbov);
}

static void tell_levels(struct desk *d, struct player *p)
{
	struct levels l = {.to = p};
	const struct snapshot_member *own;
	struct snapshot *s = NULL;

	if (!p->ensemble || snapshot_take(&s, d->control, ensemble_room(p->ensemble)))
		return;
	l.r = desk_room_sync(d, s);
	own = member_in(s, desk_behind(p, s));
	if (l.r) {
		housepen_begin(&l.pen);
		(void)control_levels(d->control, s->room, put_level, &l);
		if (own && d->n_ticks % ODDS_TICKS == 0)
			houseout_odds(&l.pen, p, own);
		housepen_end(&l.pen, p);
	}
	mem_deref(s);
}

static void tick(void *arg)
{
	struct desk *d = arg;
	bool any = false;
	struct le *le;

	d->n_ticks++;
	LIST_FOREACH(&d->relay->players, le) {
		struct player *p = le->data;

		any |= p->desk.levels;
		if (p->desk.levels)
			tell_levels(d, p);
	}
	if (any)
		tmr_start(&d->levels, LEVELS_MS, tick, d);
}

void houseout_levels(struct desk *d, struct player *p, bool on)
{
	p->desk.levels = on;
	if (on && !tmr_isrunning(&d->levels))
		tmr_start(&d->levels, LEVELS_MS, tick, d);
}
