/*
 * houseout.c - what players hear of the house: events as messages under /tutti/, errors, levels.
 *
 * A change of a member or of the room is told as all of its values, in one bundle: who has missed one message has the next.
 * Levels go out 20 times a second to who wants them; the timer runs only while somebody does.
 */
#include <errno.h>
#include <string.h>
#include "desk_priv.h"

enum { LEVELS_MS = 50, ERRORS_A_SECOND = 10, BUNDLE_MAX = 1000, BUF_MAX = 1400 };

/* --- pens --- */

struct pen { struct osc_writer w; uint8_t buf[BUF_MAX]; };

static void pen_begin(struct pen *p)
{
	osc_w_init(&p->w, p->buf, sizeof(p->buf));
	osc_w_bundle(&p->w, OSC_NOW);
}

static void pen_end(struct pen *p, struct player *to)
{
	size_t len;

	osc_w_bundle_end(&p->w);
	if (!osc_w_end(&p->w, &len) && len > OSC_BUNDLE_HDR)
		(void)player_tell(to, p->buf, len);
	pen_begin(p);
}

/* What would not fit into a datagram any more begins another. */
static void put(struct pen *p, struct player *to, const char *addr, const struct osc_arg *a)
{
	if (p->w.len > BUNDLE_MAX)
		pen_end(p, to);
	osc_w_msg(&p->w, addr, a, 1);
}

static void put_i(struct pen *p, struct player *to, const char *addr, int32_t v)
{
	put(p, to, addr, &(struct osc_arg){.tag = 'i', .v.i = v});
}

static void put_f(struct pen *p, struct player *to, const char *addr, float v)
{
	put(p, to, addr, &(struct osc_arg){.tag = 'f', .v.f = v});
}

static void put_s(struct pen *p, struct player *to, const char *addr, const char *v)
{
	put(p, to, addr, &(struct osc_arg){.tag = 's', .v.s = v});
}

static void member_addr(char addr[64], const char *name, const char *what)
{
	(void)re_snprintf(addr, 64, "/tutti/member/%s/%s", name, what);
}

/* --- what there is to say --- */

static void put_member(struct pen *pen, struct player *to, const struct snapshot_member *m, const char *name)
{
	char addr[64];

	member_addr(addr, name, "mute");
	put_i(pen, to, addr, m->muted);
	member_addr(addr, name, "hand");
	put_i(pen, to, addr, m->hand);
	if (to->conf.member != m->id)
		return;
	put_i(pen, to, "/tutti/me/mute", m->muted);
	put_i(pen, to, "/tutti/me/deaf", m->deaf);
	put_i(pen, to, "/tutti/me/hand", m->hand);
	put_f(pen, to, "/tutti/me/gain", m->gain_db);
	put_f(pen, to, "/tutti/me/pan", m->pan);
	put_i(pen, to, "/tutti/me/click", m->click);
	put_f(pen, to, "/tutti/me/click/gain", m->click_db);
}

static void put_person(struct pen *pen, struct player *to, const struct desk *d, const struct snapshot *s, const char *addr, uint32_t id)
{
	char name[VIEW_NAME_MAX + 1];

	desk_name(name, d, s, id);
	put_s(pen, to, addr, name);
}

static void put_room(struct pen *pen, struct player *to, const struct desk *d, const struct snapshot *s)
{
	put_i(pen, to, "/tutti/room/lock", s->locked);
	put_i(pen, to, "/tutti/room/mute-all", s->muted_all);
	put_i(pen, to, "/tutti/room/record", !strcmp(s->recording, "running"));
	put_person(pen, to, d, s, "/tutti/room/floor", s->floor);
	put_f(pen, to, "/tutti/tempo", (float)s->tempo.mbpm / 1000);
	put_i(pen, to, "/tutti/tempo/bar", s->tempo.beats);
	put_i(pen, to, "/tutti/transport", s->tempo.running);
}

void houseout_all(struct desk *d, struct player *p)
{
	struct snapshot *s = NULL;
	char name[VIEW_NAME_MAX + 1];
	struct pen pen;

	if (!p->ensemble || snapshot_take(&s, d->control, ensemble_room(p->ensemble)))
		return;
	pen_begin(&pen);
	put_room(&pen, p, d, s);
	put_person(&pen, p, d, s, "/tutti/room/speaker", s->speaker);
	for (size_t i = 0; i < s->n_members; i++) {
		if (s->member[i].waiting)
			continue;
		desk_name(name, d, s, s->member[i].id);
		put_s(&pen, p, "/tutti/joined", name);
		put_member(&pen, p, &s->member[i], name);
	}
	pen_end(&pen, p);
	mem_deref(s);
}

/* --- events --- */

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

static void tell_one(struct desk *d, struct player *p, const struct event *ev, const struct snapshot *s, const struct snapshot_member *m)
{
	char name[VIEW_NAME_MAX + 1] = "";
	struct pen pen;

	pen_begin(&pen);
	if (m)
		desk_name(name, d, s, m->id);
	switch (ev->type) {

	case EVENT_ROOM_CHANGED: put_room(&pen, p, d, s); break;
	case EVENT_SPEAKER:      put_person(&pen, p, d, s, "/tutti/room/speaker", ev->member); break;
	case EVENT_MEMBER_JOINED:
		put_s(&pen, p, "/tutti/joined", name);
		put_member(&pen, p, m, name);
		break;
	case EVENT_MEMBER_CHANGED:
		put_member(&pen, p, m, name);
		put_person(&pen, p, d, s, "/tutti/room/floor", s->floor);
		break;
	case EVENT_MEMBER_LEFT:
		put_s(&pen, p, "/tutti/left", name);
		break;
	default: break;
	}
	pen_end(&pen, p);
}

/* Who has left is not in the snapshot any more: it stands in the last place of one made for the occasion. */
static struct snapshot *with_member(const struct snapshot *s, const struct snapshot_member *m)
{
	struct snapshot *more = mem_zalloc(sizeof(*s) + (s->n_members + 1) * sizeof(*m), NULL);

	if (!more)
		return NULL;
	memcpy(more, s, sizeof(*s) + s->n_members * sizeof(*m));
	more->member[more->n_members++] = *m;
	more->n_settings = 0;             /* they stand behind the members of the other one */
	return more;
}

static void tell_listeners(struct desk *d, struct ensemble *e, const struct event *ev, const struct snapshot *s,
			   const struct snapshot_member *m)
{
	for (unsigned i = 0; i < ENSEMBLE_PLAYERS; i++) {
		struct player *p = e->slot[i];

		if (p && p->desk.listens)
			tell_one(d, p, ev, s, m);
	}
}

static bool anybody(const struct ensemble *e)
{
	for (unsigned i = 0; i < ENSEMBLE_PLAYERS; i++)
		if (e->slot[i] && e->slot[i]->desk.listens)
			return true;
	return false;
}

static bool is_told(const struct event *ev)
{
	return ev->type == EVENT_ROOM_CHANGED || ev->type == EVENT_SPEAKER || ev->type == EVENT_MEMBER_JOINED ||
	       ev->type == EVENT_MEMBER_CHANGED || ev->type == EVENT_MEMBER_LEFT;
}

static void take_beat(struct desk *d, struct ensemble *e, const struct event *ev)
{
	struct beat b;

	if (ev->type == EVENT_ROOM_CHANGED && (!strcmp(ev->detail, "tempo") || !strcmp(ev->detail, "transport")) &&
	    !control_beat(d->control, ev->room, &b))
		(void)ensemble_set_beat(e, &b);
}

void houseout_event(const struct event *ev, struct desk *d)
{
	struct ensemble *e = ensemble_of(d, ev->room);
	struct snapshot *s = NULL, *more = NULL;
	struct snapshot_member m;
	bool of_member;

	if (!e || !is_told(ev))
		return;
	take_beat(d, e, ev);
	if (!anybody(e) || snapshot_take(&s, d->control, ev->room))
		return;
	of_member = !event_member(&m, ev);
	if (of_member && ev->type == EVENT_MEMBER_LEFT)
		more = with_member(s, &m);
	if (ev->type < EVENT_MEMBER_WAITING || of_member)
		tell_listeners(d, e, ev, more ? more : s, of_member ? &m : NULL);
	mem_deref(more);
	mem_deref(s);
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

struct levels { struct pen pen; struct desk *d; struct player *to; const struct snapshot *s; };

static void put_level(uint32_t member, uint8_t dbov, void *arg)
{
	struct levels *l = arg;
	char name[VIEW_NAME_MAX + 1], addr[64];

	desk_name(name, l->d, l->s, member);
	member_addr(addr, name, "level");
	put_f(&l->pen, l->to, addr, -(float)dbov);
}

static bool tell_levels(struct desk *d, struct player *p)
{
	struct levels l = {.d = d, .to = p};
	struct snapshot *s = NULL;

	if (!p->desk.levels)
		return false;
	if (p->ensemble && !snapshot_take(&s, d->control, ensemble_room(p->ensemble))) {
		l.s = s;
		pen_begin(&l.pen);
		(void)control_levels(d->control, s->room, put_level, &l);
		pen_end(&l.pen, p);
		mem_deref(s);
	}
	return true;
}

static void tick(void *arg)
{
	struct desk *d = arg;
	bool any = false;
	struct le *le;

	LIST_FOREACH(&d->relay->players, le)
		any |= tell_levels(d, le->data);
	if (any)
		tmr_start(&d->levels, LEVELS_MS, tick, d);
}

void houseout_levels(struct desk *d, struct player *p, bool on)
{
	p->desk.levels = on;
	if (on && !tmr_isrunning(&d->levels))
		tmr_start(&d->levels, LEVELS_MS, tick, d);
}
