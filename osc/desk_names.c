/*
 * desk_names.c - how members are called in addresses: by the name of their player, else by their own.
 *
 * An own name gets "-" for what no address may have; where two would be called the same the later one has its number behind its name.
 * A name once told stays, but that a player which comes to a member brings its own.
 */
#include <string.h>
#include "desk_priv.h"

enum { BUCKETS = 64 };

struct known {
	struct le he;             /* desk_room.ids */
	struct le le;             /* desk_room.known */
	uint32_t id;
	bool here;
	unsigned pass;            /* the last in which its player was looked at */
	char name[VIEW_NAME_MAX + 1];
};

struct desk_room {
	struct le le;             /* desk.rooms */
	char room[64];
	struct hash *ids;
	struct list known;
	unsigned pass;
};

/* --- names --- */

static bool plain(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

static void own_name(char name[VIEW_NAME_MAX + 1], const struct snapshot_member *m)
{
	const char *user = strchr(m->uri, ':'), *from = m->name[0] ? m->name : user ? user + 1 : m->uri;
	size_t n = 0;

	for (; from[n] && n < VIEW_NAME_MAX && (m->name[0] || from[n] != '@'); n++)
		name[n] = plain(from[n]) ? from[n] : '-';
	if (!n || name[0] == '_' || name[0] == '.')
		name[0] = '-';
	name[n ? n : 1] = '\0';
}

uint32_t desk_member(const struct desk_room *r, const char *name)
{
	struct le *le;

	LIST_FOREACH(&r->known, le) {
		const struct known *k = le->data;

		if (!strcmp(k->name, name))
			return k->id;
	}
	return 0;
}

static void number(char name[VIEW_NAME_MAX + 1], uint32_t id)
{
	char tail[16];

	(void)re_snprintf(tail, sizeof(tail), "-%u", id);
	name[VIEW_NAME_MAX - strlen(tail)] = '\0';
	strcat(name, tail);
}

/* --- who is known --- */

static bool is_id(struct le *le, void *arg)
{
	return ((struct known *)le->data)->id == *(uint32_t *)arg;
}

static struct known *find(const struct desk_room *r, uint32_t id)
{
	return list_ledata(hash_lookup(r->ids, id, is_id, &id));
}

const char *desk_name(const struct desk_room *r, uint32_t member)
{
	const struct known *k = find(r, member);

	return k ? k->name : "";
}

static void known_destroy(void *arg)
{
	struct known *k = arg;

	hash_unlink(&k->he);
	list_unlink(&k->le);
}

static bool meet(struct desk_room *r, const struct snapshot_member *m)
{
	struct known *k = mem_zalloc(sizeof(*k), known_destroy);

	if (!k)
		return false;
	k->id = m->id;
	own_name(k->name, m);
	if (desk_member(r, k->name))
		number(k->name, m->id);
	hash_append(r->ids, k->id, &k->he, k);
	list_append(&r->known, &k->le, k);
	return true;
}

/* Names of players are unique in their room; who is called so by chance gives way. Of several players the first counts. */
static void player_names(struct desk_room *r, const struct desk *d)
{
	struct le *le;

	r->pass++;
	LIST_FOREACH(&d->relay->players, le) {
		const struct player *p = le->data;
		struct known *k = p->conf.member && p->name[0] ? find(r, p->conf.member) : NULL, *other;

		if (!k || k->pass == r->pass)
			continue;
		k->pass = r->pass;
		if (!strcmp(k->name, p->name))
			continue;
		other = find(r, desk_member(r, p->name));
		if (other)
			number(other->name, other->id);
		memcpy(k->name, p->name, sizeof(k->name));
	}
}

/* --- rooms --- */

static void room_destroy(void *arg)
{
	struct desk_room *r = arg;

	list_unlink(&r->le);
	list_flush(&r->known);
	mem_deref(r->ids);
}

static struct desk_room *room_find(const struct desk *d, const char *name)
{
	struct le *le;

	LIST_FOREACH(&d->rooms, le)
		if (!strcmp(((struct desk_room *)le->data)->room, name))
			return le->data;
	return NULL;
}

static struct desk_room *room_make(struct desk *d, const char *name)
{
	struct desk_room *r = mem_zalloc(sizeof(*r), room_destroy);

	if (!r)
		return NULL;
	if (hash_alloc(&r->ids, BUCKETS))
		return mem_deref(r);
	str_ncpy(r->room, name, sizeof(r->room));
	list_append(&d->rooms, &r->le, r);
	return r;
}

void desk_room_end(struct desk *d, const char *room)
{
	mem_deref(room_find(d, room));
}

struct desk_room *desk_room_sync(struct desk *d, const struct snapshot *s)
{
	struct desk_room *r = room_find(d, s->room);

	if (!r)
		r = room_make(d, s->room);
	for (size_t i = 0; r && i < s->n_members; i++)
		if (!find(r, s->member[i].id) && !meet(r, &s->member[i]))
			return NULL;
	if (r)
		player_names(r, d);
	return r;
}

void desk_room_purge(struct desk_room *r, const struct snapshot *s)
{
	struct le *le, *next;

	for (size_t i = 0; i < s->n_members; i++) {
		struct known *k = find(r, s->member[i].id);

		if (k)
			k->here = true;
	}
	for (le = r->known.head; le; le = next) {
		struct known *k = le->data;

		next = le->next;
		if (!k->here)
			mem_deref(k);
		else
			k->here = false;
	}
}
