/*
 * room.c - rooms come, fill, empty and go.
 *
 * A room that is not kept is opened by its first call, or beside another one, and ends some time after its last member
 * has left, so that who calls again after a lost connection finds the same room. One opened by command is kept, unless
 * its settings say otherwise: it stays until it is ended by command, over a restart as well.
 */
#include <string.h>
#include <strings.h>
#include "entry.h"
#include "keep.h"
#include "record_priv.h"
#include "section.h"
#include "sound.h"
#include "state.h"

bool control_room_name_valid(const char *name)
{
	static const char chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~+-";
	static const char *const reserved[] = { "echo", "lobby", "conference" };
	size_t n = name ? strnlen(name, ROOM_NAME_MAX + 1) : 0;

	if (n == 0 || n > ROOM_NAME_MAX || strspn(name, chars) != n)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++)
		if (strcasecmp(name, reserved[i]) == 0)
			return false;
	return true;
}

static bool is_name(struct le *le, void *arg)
{
	const struct room *r = le->data;

	return strcasecmp(r->name, arg) == 0;
}

struct room *room_find(const struct control *c, const char *name)
{
	char key[ROOM_NAME_MAX + 1];
	size_t n = name ? strnlen(name, sizeof(key)) : 0;

	if (n == 0 || n > ROOM_NAME_MAX)
		return NULL;
	memcpy(key, name, n + 1);
	struct le *le = hash_lookup(c->room_names, hash_joaat_str_ci(key), is_name, key);
	return le ? le->data : NULL;
}

static bool is_alias(struct le *le, void *arg)
{
	const struct alias *a = le->data;

	return strcasecmp(a->name, arg) == 0;
}

static const struct alias *alias_find(const struct control *c, const char *name)
{
	char key[ALIAS_MAX];
	size_t n = name ? strnlen(name, sizeof(key)) : 0;

	if (n == 0 || n >= ALIAS_MAX)
		return NULL;
	memcpy(key, name, n + 1);
	struct le *le = hash_lookup(c->aliases, hash_joaat_str_ci(key), is_alias, key);
	return le ? le->data : NULL;
}

struct room *room_called(const struct control *c, const char *name)
{
	struct room *r = room_find(c, name);
	const struct alias *a = r ? NULL : alias_find(c, name);

	return a ? a->room : r;
}

static void room_destructor(void *data)
{
	struct room *r = data;

	wheel_cancel(&r->empty);
	wheel_cancel(&r->grace);
	wheel_cancel(&r->clock);
	event_forget(&r->lsnrs);
	list_flush(&r->bans);
	list_flush(&r->sections);
	delays_end(r);
	for (size_t i = 0; i < ARRAY_SIZE(r->alias); i++)
		hash_unlink(&r->alias[i].he);
	hash_unlink(&r->he);
	list_unlink(&r->le);
	mem_deref(r->bus);
	sound_retire(r->alone);
}

bool room_name_is_music(const struct control *c, const char *name)
{
	return c->conf.music_default || strncasecmp(name, "music-", 6) == 0;
}

void room_defaults(const struct control *c, const char *name, struct room_conf *rc)
{
	settings_default(rc);
	rc->music = room_name_is_music(c, name);
	rc->empty_timeout_s = c->conf.empty_timeout_s;
}

static int open_bus(struct room *r, bool music)
{
	struct bus_conf conf = { .music = music };           /* the quantum follows the members */
	struct sound *alone = NULL;
	struct bus *bus;
	int err;

	if (r->c->conf.alone_music && !music && r->c->alone) {
		alone = mem_ref(r->c->alone);
		conf.alone = sound_smp(alone);
		conf.n_alone = sound_len(alone);
	}
	err = bus_alloc(&bus, r->c->mixer, &conf);
	if (err) {
		sound_retire(alone);
		return err;
	}
	mem_deref(r->bus);
	sound_retire(r->alone);
	r->bus = bus;
	r->alone = alone;
	(void)bus_set_beat(bus, &r->beat);        /* ENOMEM: it is silent until the next change */
	record_rebus(r);
	return 0;
}

static void waited_empty(void *arg)
{
	room_end(arg, "empty");
}

/* Its hour has not come, or is not over. */
static bool has_hours(const struct room *r)
{
	return r->phase == SCHEDULE_BEFORE || (r->phase == SCHEDULE_OPEN && r->ends_ms);
}

/* One that has smaller rooms beside it is waited for. */
static void begin_to_wait(struct room *r)
{
	wheel_cancel(&r->empty);
	if (!r->conf.keep && r->n_members == 0 && r->n_children == 0 && !has_hours(r))
		wheel_start(&r->empty, (uint64_t)r->conf.empty_timeout_s * 1000, waited_empty, r);
}

/* --- settings --- */

static void link_aliases(struct room *r)
{
	for (uint32_t i = 0; i < ALIASES_MAX; i++) {
		struct alias *a = &r->alias[i];

		hash_unlink(&a->he);
		if (i >= r->conf.n_aliases)
			continue;
		a->name = r->conf.alias[i];
		a->room = r;
		hash_append(r->c->aliases, hash_joaat_str_ci(a->name), &a->he, a);
	}
}

/* A name leads to one room. r: whose they are to be, NULL when it is not there yet. */
static bool aliases_free(const struct control *c, const struct room *r, const struct room_conf *rc)
{
	for (uint32_t i = 0; i < rc->n_aliases; i++) {
		const struct room *other = room_called(c, rc->alias[i]);

		if (other && other != r)
			return false;
	}
	return true;
}

/* What a smaller room beside another may not have of its own. */
static const char *wrong_beside(const struct room *r, const struct room_conf *rc)
{
	if (!r->parent)
		return NULL;
	return rc->keep ? "keep" : rc->n_aliases ? "aliases" : rc->schedule.start.year ? "start" : rc->schedule.end.year ? "end" : NULL;
}

static int judge_conf(const struct room *r, const struct room_conf *rc, const char **wrong)
{
	*wrong = settings_wrong(rc);
	if (!*wrong)
		*wrong = wrong_beside(r, rc);
	if (*wrong)
		return EINVAL;
	if (!aliases_free(r->c, r, rc)) {
		*wrong = "aliases";
		return EEXIST;
	}
	if (rc->music != r->conf.music && r->n_members) {
		*wrong = "profile";
		return EBUSY;
	}
	return 0;
}

int room_reconf(struct room *r, const struct room_conf *rc, const char **wrong)
{
	bool had_floor = r->conf.floor;
	int err = judge_conf(r, rc, wrong);

	if (!err && rc->music != r->conf.music)
		err = open_bus(r, rc->music);
	if (err || settings_equal(&r->conf, rc))
		return err;
	r->conf = *rc;
	link_aliases(r);
	event_tell(r, EVENT_ROOM_CHANGED, NULL, "settings");
	keep_room(r);
	if (had_floor && !rc->floor)
		floor_end(r);
	if (!had_floor && rc->floor)
		floor_begin(r);
	room_hours(r);
	room_hosts_changed(r);
	begin_to_wait(r);
	delays_watch(r);
	return 0;
}

/* --- coming --- */

static void link_room(struct room *r)
{
	list_append(&r->c->rooms, &r->le, r);
	hash_append(r->c->room_names, hash_joaat_str_ci(r->name), &r->he, r);
	r->c->n_rooms++;
	if (r->parent)
		r->parent->n_children++;
	link_aliases(r);
}

static const char *how_begun(const struct room *r)
{
	return r->parent ? "breakout" : r->conf.keep ? "" : "auto";
}

int room_begin(struct room **rp, struct control *c, const char *name, const struct room_conf *rc, struct room *parent)
{
	struct room *r;
	int err;

	if (c->draining)
		return ESHUTDOWN;
	if (c->conf.max_rooms && c->n_rooms >= c->conf.max_rooms)
		return ENOSPC;
	if (room_called(c, name) || !aliases_free(c, NULL, rc))
		return EEXIST;
	r = mem_zalloc(sizeof(*r), room_destructor);
	if (!r)
		return ENOMEM;
	r->c = c;
	r->conf = *rc;
	r->parent = parent;
	r->created_ms = unix_ms();
	beat_init(&r->beat);
	memcpy(r->name, name, strlen(name) + 1);          /* valid: at most ROOM_NAME_MAX */
	err = open_bus(r, rc->music);
	if (err) {
		mem_deref(r);
		return err;
	}
	link_room(r);
	event_tell(r, EVENT_ROOM_CREATED, NULL, how_begun(r));
	room_hours(r);
	begin_to_wait(r);
	*rp = r;
	return 0;
}

int room_find_or_begin(struct room **rp, struct control *c, const char *name, bool music)
{
	struct room_conf rc;

	*rp = room_called(c, name);
	if (*rp)
		return 0;
	if (!c->conf.auto_rooms || !control_room_name_valid(name))
		return ENOENT;
	room_defaults(c, name, &rc);
	rc.music |= music;
	return room_begin(rp, c, name, &rc, NULL);
}

bool room_full(const struct room *r, enum role role)
{
	uint32_t max = r->c->conf.max_members_per_room, own = r->conf.max_members;

	return (max && r->n_members >= max) || (own && r->n_members >= own && role != ROLE_HOST);
}

void room_add(struct room *r, struct member *m)
{
	m->room = r;
	m->controller[0] = '\0';          /* a player of that name elsewhere is another; */
	section_forget(m);                /* ... so is a section */
	m->since_ms = unix_ms();
	list_append(&r->members, &m->le, m);
	r->n_members++;
	r->n_waiting += m->waiting != WAITING_NO;
	wheel_cancel(&r->empty);
	delays_watch(r);
}

void room_remove(struct member *m)
{
	struct room *r = m->room;

	m->talking = false;
	m->room = NULL;
	list_unlink(&m->le);
	r->n_members--;
	r->n_waiting -= m->waiting != WAITING_NO;
	begin_to_wait(r);
}

/* --- beside each other --- */

struct room *room_root(struct room *r)
{
	return r->parent ? r->parent : r;                 /* smaller rooms have none of their own */
}

bool room_related(struct room *a, struct room *b)
{
	return a && b && room_root(a) == room_root(b);
}

/* --- hosts --- */

bool room_has_host(const struct room *r)
{
	struct le *le;

	LIST_FOREACH(&r->members, le) {
		const struct member *m = le->data;

		if (m->role == ROLE_HOST && !m->waiting)
			return true;
	}
	return false;
}

static void grace_over(void *arg)
{
	room_clear(arg, "host-left");
}

static void host_gone(struct room *r)
{
	r->hosted = false;
	if (r->n_members == 0)
		return;
	wheel_start(&r->grace, (uint64_t)r->conf.end_grace_s * 1000, grace_over, r);
	event_tell(r, EVENT_ROOM_CHANGED, NULL, "host-gone");
}

static void host_back(struct room *r)
{
	wheel_cancel(&r->grace);
	event_tell(r, EVENT_ROOM_CHANGED, NULL, "host-back");
}

void room_hosts_changed(struct room *r)
{
	bool has = (r->conf.wait_for_host || r->conf.end_with_host || r->n_waiting) && room_has_host(r);

	if (r->conf.end_with_host && !has && r->hosted)
		host_gone(r);
	if (r->n_members == 0)
		wheel_cancel(&r->grace);
	if (wheel_running(&r->grace) && (has || !r->conf.end_with_host))
		host_back(r);
	r->hosted = has;
	entry_review(r);
	record_auto(r);
}

/* --- the floor, by ear --- */

void room_speaker(struct room *r, uint32_t member)
{
	if (r->speaker == member)
		return;
	r->speaker = member;
	if (member)
		r->c->n_speakers++;
	event_tell(r, EVENT_SPEAKER, member ? member_by_id(r->c, member) : NULL, "");
}

void room_tell_left(struct room *r, const struct member *m, const char *why)
{
	bool spoke = r->speaker == m->id, held = r->holder == m->id;

	if (spoke)
		r->speaker = 0;
	if (r->follow == m->id)
		r->follow = 0;            /* the beat goes on as it is */
	event_tell(r, EVENT_MEMBER_LEFT, m, why);
	if (spoke)
		event_tell(r, EVENT_SPEAKER, NULL, "");
	if (held)
		floor_free(r);
}

/* --- going --- */

/* First the state is settled and told, then the byes are said: a face may act again from inside its bye. */
static void all_out(struct room *r, const char *why, struct list *gone)
{
	struct le *le;

	r->clearing = true;
	wheel_cancel(&r->grace);
	while ((le = list_head(&r->members)) != NULL) {
		struct member *m = le->data;

		member_out(m, why);
		list_append(gone, &m->le, m);
	}
	r->clearing = r->hosted = false;
}

static void close_room(struct room *r, const char *why, struct list *gone)
{
	all_out(r, why, gone);
	keep_room_gone(r);
	for (size_t i = 0; i < ARRAY_SIZE(r->alias); i++)
		hash_unlink(&r->alias[i].he);
	hash_unlink(&r->he);
	list_unlink(&r->le);
	r->c->n_rooms--;
	event_tell(r, EVENT_ROOM_ENDED, NULL, why);
	if (r->parent) {
		r->parent->n_children--;
		begin_to_wait(r->parent);
	}
	mem_deref(r);
}

static void close_children(struct room *r, const char *why, struct list *gone)
{
	struct le *le = list_head(&r->c->rooms);

	while (le && r->n_children) {
		struct room *child = le->data;

		le = le->next;
		if (child->parent == r)
			close_room(child, why, gone);
	}
}

static void say_byes(struct list *gone, const char *why)
{
	struct le *le;

	while ((le = list_head(gone)) != NULL) {
		list_unlink(le);
		member_bye(le->data, why);
	}
}

void room_end(struct room *r, const char *why)
{
	struct list gone = LIST_INIT;

	close_children(r, why, &gone);
	close_room(r, why, &gone);
	say_byes(&gone, why);
}

void room_clear(struct room *r, const char *why)
{
	struct list gone = LIST_INIT;

	if (!r->conf.keep) {
		room_end(r, why);
		return;
	}
	close_children(r, why, &gone);
	all_out(r, why, &gone);
	record_auto(r);
	say_byes(&gone, why);
}
