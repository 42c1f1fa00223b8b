/*
 * portbook.c - pairs of ports in the order they were written. A room gets: what is written for it; what it had last; what nobody
 * ever had; what has been free for the longest. Names of rooms are the same in small and capital letters.
 */
#include <errno.h>
#include <string.h>
#include <re.h>
#include "portbook.h"

enum { WORD_MAX = PORTBOOK_ROOM_MAX + 8, PORT_LEAST = 1024 };

struct pair {
	uint16_t port;
	bool     fixed, taken;
	uint64_t freed;           /* a count; 0: never had */
	char     room[PORTBOOK_ROOM_MAX + 1];
};

struct portbook {
	unsigned n;
	uint64_t count;
	struct pair pair[PORTBOOK_MAX];
};

/* ---- what is written ---- */

static int add(struct portbook *b, uint32_t port, const char *room)
{
	struct pair *p = &b->pair[b->n];

	if (b->n == PORTBOOK_MAX)
		return E2BIG;
	if (port < PORT_LEAST || port > UINT16_MAX - 1 || port & 1)
		return EINVAL;
	for (unsigned i = 0; i < b->n; i++) {
		if (b->pair[i].port == port || (room && !str_casecmp(b->pair[i].room, room)))
			return EINVAL;
	}
	*p = (struct pair){.port = (uint16_t)port, .fixed = room != NULL};
	if (room)
		str_ncpy(p->room, room, sizeof(p->room));
	b->n++;
	return 0;
}

static bool number(uint32_t *v, const char *p, size_t len)
{
	const struct pl pl = {.p = p, .l = len};

	*v = len && len <= 5 && strspn(p, "0123456789") >= len ? pl_u32(&pl) : UINT32_MAX;
	return *v <= UINT16_MAX;
}

static int add_range(struct portbook *b, uint32_t low, uint32_t high)
{
	int err = 0;

	low += low & 1;
	if (low >= high)
		return EINVAL;
	for (; !err && low < high; low += 2)
		err = add(b, low, NULL);
	return err;
}

static int read_word(struct portbook *b, char *word)
{
	char *colon = strrchr(word, ':'), *dash = strchr(word, '-');
	uint32_t low, high;

	if (colon) {
		*colon = '\0';
		if (colon == word || colon - word > PORTBOOK_ROOM_MAX || !number(&low, colon + 1, strlen(colon + 1)))
			return EINVAL;
		return add(b, low, word);
	}
	if (!dash)
		return number(&low, word, strlen(word)) ? add(b, low, NULL) : EINVAL;
	if (!number(&low, word, (size_t)(dash - word)) || !number(&high, dash + 1, strlen(dash + 1)))
		return EINVAL;
	return add_range(b, low, high);
}

static int read_words(struct portbook *b, const char *text)
{
	static const char between[] = " \t,";
	char word[WORD_MAX + 1];
	int err = 0;

	while (!err) {
		size_t n;

		text += strspn(text, between);
		n = strcspn(text, between);
		if (!n)
			break;
		if (n > WORD_MAX)
			return EINVAL;
		memcpy(word, text, n);
		word[n] = '\0';
		text += n;
		err = read_word(b, word);
	}
	return err;
}

int portbook_alloc(struct portbook **bp, const char *text)
{
	struct portbook *b = mem_zalloc(sizeof(*b), NULL);
	int err;

	if (!b)
		return ENOMEM;
	err = read_words(b, text);
	if (err || !bp)
		mem_deref(b);
	else
		*bp = b;
	return err;
}

/* ---- who has what ---- */

static struct pair *of_room(struct portbook *b, const char *room)
{
	for (unsigned i = 0; i < b->n; i++) {
		if (!str_casecmp(b->pair[i].room, room))
			return &b->pair[i];
	}
	return NULL;
}

static struct pair *longest_free(struct portbook *b)
{
	struct pair *best = NULL;

	for (unsigned i = 0; i < b->n; i++) {
		struct pair *p = &b->pair[i];

		if (!p->fixed && !p->taken && (!best || p->freed < best->freed))
			best = p;
	}
	return best;
}

int portbook_take(struct portbook *b, uint16_t *port, const char *room)
{
	struct pair *p;

	if (!*room || strlen(room) > PORTBOOK_ROOM_MAX)
		return EINVAL;
	p = of_room(b, room);
	if (p && p->taken)
		return EALREADY;
	if (!p) {
		p = longest_free(b);
		if (!p)
			return ENOSPC;
		str_ncpy(p->room, room, sizeof(p->room));
	}
	p->taken = true;
	*port = p->port;
	return 0;
}

void portbook_give(struct portbook *b, const char *room)
{
	struct pair *p = of_room(b, room);

	if (!p || !p->taken)
		return;
	p->taken = false;
	p->freed = ++b->count;
}

const char *portbook_written(const struct portbook *b, unsigned i)
{
	for (unsigned k = 0; k < b->n; k++) {
		if (b->pair[k].fixed && !i--)
			return b->pair[k].room;
	}
	return NULL;
}
