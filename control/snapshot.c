/*
 * snapshot.c - a room copied out, value by value, in one block.
 */
#include <math.h>
#include <string.h>
#include "record_priv.h"
#include "snapshot.h"
#include "section.h"
#include "state.h"

static void copy_member(struct snapshot_member *s, const struct member *m)
{
	s->id = m->id;
	memcpy(s->uri, m->uri, sizeof(s->uri));
	memcpy(s->name, m->name, sizeof(s->name));
	memcpy(s->call_id, m->call_id, sizeof(s->call_id));
	s->role = m->role;
	s->muted = m->self_muted || m->host_muted;
	s->muted_by_host = m->host_muted;
	s->deaf = m->deaf;
	s->hold = m->hold;
	s->hand = m->hand;
	s->talking = m->talking;
	s->dialed_out = m->dialed_out;
	s->waiting = m->waiting;
	s->hand_ms = m->hand ? m->hand_ms : 0;
	s->gain_db = m->gain_db;
	s->pan = m->pan;
	s->click = m->click;
	s->click_db = m->click_db;
	s->click_sync = m->sync;
	s->buffer = m->buffer;
	s->red = m->red == LEG_RED_ALWAYS;
	memcpy(s->section, m->section, sizeof(s->section));
	memcpy(s->controller, m->controller, sizeof(s->controller));
	s->since_ms = m->since_ms;
	if (!m->face.leg)
		return;
	leg_stats(m->face.leg, &s->leg);
	delay_of(&s->delay, &s->leg, &m->end, tmr_jiffies());
}

int event_member(struct snapshot_member *s, const struct event *ev)
{
	if (!s || !ev || !ev->who)
		return ENOENT;
	memset(s, 0, sizeof(*s));
	copy_member(s, ev->who);
	return 0;
}

/* --- settings: an array of pairs and their values, behind the members --- */

struct pens { struct setting *pair; size_t n; char *text; size_t len; };

/* With nowhere to write it only counts. */
static void write_settings(struct pens *p, const struct room_conf *rc)
{
	const struct setting_info *info;
	char text[SETTING_TEXT_MAX];

	for (size_t i = 0; (info = setting_at(i)) != NULL; i++) {
		if (info->secret)
			continue;
		setting_print(rc, info, text, false);
		size_t len = strlen(text) + 1;
		if (p->pair) {
			memcpy(p->text + p->len, text, len);
			p->pair[p->n] = (struct setting){ info->name, p->text + p->len };
		}
		p->n++;
		p->len += len;
	}
}

static struct snapshot *alloc(const struct room *r)
{
	struct pens count = { 0 }, write = { 0 };
	size_t of_members = r->n_members * sizeof(struct snapshot_member);
	struct snapshot *s;

	write_settings(&count, &r->conf);
	s = mem_zalloc(sizeof(*s) + of_members + count.n * sizeof(struct setting) + count.len, NULL);
	if (!s)
		return NULL;
	write.pair = (struct setting *)((char *)(s + 1) + of_members);
	write.text = (char *)(write.pair + count.n);
	write_settings(&write, &r->conf);
	s->settings = write.pair;
	s->n_settings = write.n;
	return s;
}

_Static_assert(sizeof(struct snapshot_member) % _Alignof(struct setting) == 0, "the pairs begin where pointers may stand");

const char *snapshot_setting(const struct snapshot *s, const char *name)
{
	for (size_t i = 0; s && name && i < s->n_settings; i++)
		if (strcmp(s->settings[i].name, name) == 0)
			return s->settings[i].value;
	return NULL;
}

/* --- the room --- */

static void copy_conf(struct snapshot *s, const struct room *r)
{
	const struct room_conf *rc = &r->conf;

	s->music = rc->music;
	s->kept = rc->keep;
	s->hide_numbers = rc->hide_numbers;
	s->has_host_pin = rc->host_pin.rounds != 0;
	s->has_guest_pin = rc->guest_pin.rounds != 0;
	memcpy(s->title, rc->title, sizeof(s->title));
}

static void copy_hours(struct snapshot *s, const struct room *r)
{
	s->hours = r->phase == SCHEDULE_BEFORE ? SNAPSHOT_BEFORE : r->phase == SCHEDULE_OVER ? SNAPSHOT_OVER : SNAPSHOT_OPEN;
	s->starts_ms = r->starts_ms;
	s->ends_ms = r->ends_ms;
}

static void copy_tempo(struct snapshot_tempo *t, const struct room *r)
{
	t->mbpm = r->beat.now.mbpm;
	t->beats = r->beat.now.per_bar;
	t->running = r->beat.running;
	t->origin = r->beat.now.at_smp;
	t->beat = (int64_t)r->beat.now.beat;
	t->count_in = r->count_in;
	t->follow = r->follow;
}

static void copy_sections(struct snapshot *s, const struct room *r)
{
	struct le *le;

	LIST_FOREACH(&r->sections, le) {
		const struct section *from = le->data;
		struct snapshot_section *to = &s->section[s->n_sections];

		if (s->n_sections == ARRAY_SIZE(s->section))
			return;
		memcpy(to->name, from->name, sizeof(to->name));
		to->gain_db = from->gain_db;
		s->n_sections++;
	}
}

static void copy_room(struct snapshot *s, const struct room *r)
{
	memcpy(s->room, r->name, sizeof(s->room));
	if (r->parent)
		memcpy(s->parent, r->parent->name, sizeof(s->parent));
	str_ncpy(s->recording, record_state(r), sizeof(s->recording));
	s->version = r->version;
	s->created_ms = r->created_ms;
	s->locked = r->locked;
	s->muted_all = r->muted_all;
	s->speaker = r->speaker;
	s->floor = r->holder;
	s->n_waiting = r->n_waiting;
	s->n_bans = list_count(&r->bans);
	copy_tempo(&s->tempo, r);
	copy_sections(s, r);
	copy_conf(s, r);
	copy_hours(s, r);
}

int snapshot_take(struct snapshot **sp, struct control *c, const char *room)
{
	const struct room *r = c && room ? room_find(c, room) : NULL;
	struct snapshot *s;
	struct le *le;

	if (!sp)
		return EINVAL;
	if (!r)
		return ENOENT;
	s = alloc(r);
	if (!s)
		return ENOMEM;
	copy_room(s, r);
	LIST_FOREACH(&r->members, le)
		copy_member(&s->member[s->n_members++], le->data);
	*sp = s;
	return 0;
}

int snapshot_bans(struct snapshot_bans **bp, struct control *c, const char *room)
{
	const struct room *r = c && room ? room_find(c, room) : NULL;
	struct snapshot_bans *b;
	struct le *le;

	if (!bp)
		return EINVAL;
	if (!r)
		return ENOENT;
	b = mem_zalloc(sizeof(*b) + list_count(&r->bans) * sizeof(b->ban[0]), NULL);
	if (!b)
		return ENOMEM;
	LIST_FOREACH(&r->bans, le) {
		const struct ban *ban = le->data;

		memcpy(b->ban[b->n].uri, ban->uri, sizeof(b->ban[0].uri));
		b->ban[b->n++].at_ms = ban->at_ms;
	}
	*bp = b;
	return 0;
}

static void copy_brief(struct snapshot_brief *b, const struct room *r)
{
	memcpy(b->room, r->name, sizeof(b->room));
	b->version = r->version;
	b->created_ms = r->created_ms;
	b->locked = r->locked;
	b->muted_all = r->muted_all;
	b->music = r->conf.music;
	b->persistent = r->conf.keep;
	b->n_members = r->n_members - r->n_waiting;
	b->n_waiting = r->n_waiting;
	memcpy(b->title, r->conf.title, sizeof(b->title));
	str_ncpy(b->recording, record_state(r), sizeof(b->recording));
}

int snapshot_rooms(struct snapshot_rooms **rp, struct control *c)
{
	struct snapshot_rooms *s;
	struct le *le;

	if (!rp || !c)
		return EINVAL;
	s = mem_zalloc(sizeof(*s) + c->n_rooms * sizeof(s->room[0]), NULL);
	if (!s)
		return ENOMEM;
	LIST_FOREACH(&c->rooms, le)
		copy_brief(&s->room[s->n++], le->data);
	*rp = s;
	return 0;
}

/* --- private mixes --- */

static bool copy_view(struct snapshot_view *v, const struct member *m, const struct member *other)
{
	float gain, pan;

	if (m == other || !m->face.leg || !other->face.leg)
		return false;
	leg_view(m->face.leg, other->face.leg, &gain, &pan);
	if (gain == 1 && pan == LEG_PAN_SAME)
		return false;
	if (v)
		*v = (struct snapshot_view){ m->id, other->id, gain > 0.001f ? 20 * log10f(gain) : -60,
					     pan == LEG_PAN_SAME ? COMMAND_PAN_SAME : pan };
	return true;
}

int control_view(const struct control *c, uint32_t member, uint32_t other, float *gain_db, float *pan)
{
	const struct member *m = member_by_id(c, member), *o = member_by_id(c, other);
	struct snapshot_view v = {.pan = COMMAND_PAN_SAME};

	if (!m || !o || m->room != o->room)
		return ENOENT;
	(void)copy_view(&v, m, o);
	*gain_db = v.gain_db;
	*pan = v.pan;
	return 0;
}

static size_t copy_views(struct snapshot_view *v, const struct room *r)
{
	struct le *a, *b;
	size_t n = 0;

	LIST_FOREACH(&r->members, a) {
		LIST_FOREACH(&r->members, b)
			n += copy_view(v ? &v[n] : NULL, a->data, b->data);
	}
	return n;
}

int snapshot_players(struct snapshot_players **pp, struct control *c, const char *room)
{
	const struct room *r = c && room ? room_find(c, room) : NULL;
	struct snapshot_players *s;

	if (!pp)
		return EINVAL;
	if (!r)
		return ENOENT;
	s = mem_zalloc(sizeof(*s), NULL);
	if (!s)
		return ENOMEM;
	if (c->playersh)
		s->n = c->playersh(s->player, SNAPSHOT_PLAYERS, r->name, c->players_arg);
	*pp = s;
	return 0;
}

int snapshot_views(struct snapshot_views **vp, struct control *c, const char *room)
{
	const struct room *r = c && room ? room_find(c, room) : NULL;
	struct mixer_stats st;
	struct snapshot_views *s;
	size_t n;

	if (!vp)
		return EINVAL;
	if (!r)
		return ENOENT;
	mixer_stats(c->mixer, &st);
	n = st.views ? copy_views(NULL, r) : 0;   /* in most houses nobody hears anybody otherwise */
	s = mem_zalloc(sizeof(*s) + n * sizeof(s->view[0]), NULL);
	if (!s)
		return ENOMEM;
	if (n)
		s->n = copy_views(s->view, r);
	*vp = s;
	return 0;
}
