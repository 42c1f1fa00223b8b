/*
 * room.c - rooms come, fill, empty and go.
 *
 * An automatic room is opened by its first call and ends some time after its last member has left, so that who calls
 * again after a lost connection finds the same room. A room opened by command stays until it is ended by command.
 */
#include <string.h>
#include <strings.h>
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

static void room_destructor(void *data)
{
	struct room *r = data;

	wheel_cancel(&r->empty);
	event_forget(&r->lsnrs);
	hash_unlink(&r->he);
	list_unlink(&r->le);
	mem_deref(r->bus);
	sound_retire(r->alone);
}

bool room_name_is_music(const struct control *c, const char *name)
{
	return c->conf.music_default || strncasecmp(name, "music-", 6) == 0;
}

static int open_bus(struct room *r)
{
	struct bus_conf conf = { .music = r->music };        /* the quantum follows the members */

	if (r->c->conf.alone_music && !r->music && r->c->alone) {
		r->alone = mem_ref(r->c->alone);
		conf.alone = sound_smp(r->alone);
		conf.n_alone = sound_len(r->alone);
	}
	return bus_alloc(&r->bus, r->c->mixer, &conf);
}

static void waited_empty(void *arg)
{
	room_end(arg, "empty");
}

static void begin_to_wait(struct room *r)
{
	if (r->automatic && r->n_members == 0)
		wheel_start(&r->empty, (uint64_t)r->c->conf.empty_timeout_s * 1000, waited_empty, r);
}

int room_begin(struct room **rp, struct control *c, const char *name, bool automatic)
{
	struct room *r;
	int err;

	if (c->draining)
		return ESHUTDOWN;
	if (c->conf.max_rooms && c->n_rooms >= c->conf.max_rooms)
		return ENOSPC;
	r = mem_zalloc(sizeof(*r), room_destructor);
	if (!r)
		return ENOMEM;
	r->c = c;
	r->automatic = automatic;
	r->music = room_name_is_music(c, name);
	r->created_ms = unix_ms();
	memcpy(r->name, name, strlen(name) + 1);          /* valid: at most ROOM_NAME_MAX */
	err = open_bus(r);
	if (err) {
		mem_deref(r);
		return err;
	}
	list_append(&c->rooms, &r->le, r);
	hash_append(c->room_names, hash_joaat_str_ci(r->name), &r->he, r);
	c->n_rooms++;
	begin_to_wait(r);
	event_tell(r, EVENT_ROOM_CREATED, NULL, automatic ? "auto" : "");
	*rp = r;
	return 0;
}

int room_find_or_begin(struct room **rp, struct control *c, const char *name)
{
	*rp = room_find(c, name);
	if (*rp)
		return 0;
	if (!c->conf.auto_rooms || !control_room_name_valid(name))
		return ENOENT;
	return room_begin(rp, c, name, true);
}

int room_admits(const struct room *r, enum role role, bool invited)
{
	uint32_t max = r->c->conf.max_members_per_room;

	if (r->locked && role != ROLE_HOST && !invited)
		return EPERM;
	return max && r->n_members >= max ? EUSERS : 0;
}

void room_add(struct room *r, struct member *m)
{
	m->room = r;
	m->since_ms = unix_ms();
	list_append(&r->members, &m->le, m);
	r->n_members++;
	wheel_cancel(&r->empty);
}

void room_remove(struct member *m)
{
	struct room *r = m->room;

	m->talking = false;
	m->room = NULL;
	list_unlink(&m->le);
	r->n_members--;
	begin_to_wait(r);
}

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
	bool spoke = r->speaker == m->id;

	if (spoke)
		r->speaker = 0;
	event_tell(r, EVENT_MEMBER_LEFT, m, why);
	if (spoke)
		event_tell(r, EVENT_SPEAKER, NULL, "");
}

/* First the state is settled and told, then the byes are said: a face may act again from inside its bye. */
void room_end(struct room *r, const char *why)
{
	struct control *c = r->c;
	struct list gone = LIST_INIT;
	struct le *le;

	while ((le = list_head(&r->members)) != NULL) {
		struct member *m = le->data;

		member_out(m, why);
		list_append(&gone, &m->le, m);
	}
	hash_unlink(&r->he);
	list_unlink(&r->le);
	c->n_rooms--;
	event_tell(r, EVENT_ROOM_ENDED, NULL, why);
	mem_deref(r);
	while ((le = list_head(&gone)) != NULL) {
		struct member *m = le->data;

		list_unlink(&m->le);
		if (m->face.bye)
			m->face.bye(m->face.arg, why);
		mem_deref(m);
	}
}
