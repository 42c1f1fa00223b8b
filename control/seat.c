/*
 * seat.c - the seats that wait for who has left them.
 *
 * A list by age and a hash by room and caller. What is over is swept from the old end whenever something is put, so
 * there is no timer, and what a flood of callers leaves behind has a bound.
 */
#include <string.h>
#include <strings.h>
#include "seat.h"

enum { BUCKETS = 1024 };

struct seats {
	struct list list;                 /* the oldest first */
	struct hash *hash;
	size_t n;
};

struct place { const char *room, *uri; };

static uint32_t place_key(const char *room, const char *uri)
{
	return hash_joaat_str_ci(room) ^ hash_joaat_str(uri);
}

static bool is_place(struct le *le, void *arg)
{
	const struct seat *s = le->data;
	const struct place *p = arg;

	return strcasecmp(s->room, p->room) == 0 && strcmp(s->uri, p->uri) == 0;
}

static struct seat *lookup(const struct seats *s, const char *room, const char *uri)
{
	struct place p = { room, uri };
	struct le *le = hash_lookup(s->hash, place_key(room, uri), is_place, &p);

	return le ? le->data : NULL;
}

static void seat_destructor(void *data)
{
	struct seat *seat = data;

	if (seat->n)
		(*seat->n)--;
	list_unlink(&seat->le);
	hash_unlink(&seat->he);
}

static void seats_destructor(void *data)
{
	struct seats *s = data;

	list_flush(&s->list);
	mem_deref(s->hash);
}

int seats_alloc(struct seats **sp)
{
	struct seats *s = mem_zalloc(sizeof(*s), seats_destructor);
	int err;

	if (!s)
		return ENOMEM;
	err = hash_alloc(&s->hash, BUCKETS);
	if (err)
		mem_deref(s);
	else
		*sp = s;
	return err;
}

static void sweep(struct seats *s, uint64_t now_ms)
{
	struct le *le;

	while ((le = list_head(&s->list)) != NULL) {
		struct seat *seat = le->data;

		if (seat->until_ms > now_ms && s->n < SEATS_MAX)
			return;
		mem_deref(seat);
	}
}

int seat_put(struct seats *s, const struct seat *seat, uint64_t now_ms)
{
	struct seat *made;

	seat_drop(s, seat->room, seat->uri);
	sweep(s, now_ms);
	made = mem_zalloc(sizeof(*made), seat_destructor);
	if (!made)
		return ENOMEM;
	*made = *seat;
	memset(&made->le, 0, sizeof(made->le));
	memset(&made->he, 0, sizeof(made->he));
	made->n = &s->n;
	s->n++;
	list_append(&s->list, &made->le, made);
	hash_append(s->hash, place_key(made->room, made->uri), &made->he, made);
	return 0;
}

const struct seat *seat_find(struct seats *s, const char *room, const char *uri, uint64_t now_ms)
{
	const struct seat *seat = lookup(s, room, uri);

	return seat && seat->until_ms > now_ms ? seat : NULL;
}

void seat_drop(struct seats *s, const char *room, const char *uri)
{
	mem_deref(lookup(s, room, uri));
}

void seats_drop_room(struct seats *s, const char *room)
{
	struct le *le = list_head(&s->list);

	while (le) {
		struct seat *seat = le->data;

		le = le->next;
		if (strcasecmp(seat->room, room) == 0)
			mem_deref(seat);
	}
}

size_t seats_count(const struct seats *s)
{
	return s->n;
}
