/*
 * ban.c - who is not let into a room.
 */
#include <string.h>
#include "ban.h"

struct ban *ban_find(const struct list *bans, const char *uri)
{
	struct le *le;

	LIST_FOREACH(bans, le) {
		struct ban *b = le->data;

		if (strcmp(b->uri, uri) == 0)
			return b;
	}
	return NULL;
}

bool ban_meets(const struct list *bans, const char *key)
{
	struct le *le;

	LIST_FOREACH(bans, le) {
		const struct ban *b = le->data;

		if (caller_matches(b->uri, key))
			return true;
	}
	return false;
}

static void ban_destructor(void *data)
{
	struct ban *b = data;

	list_unlink(&b->le);
}

int ban_add(struct list *bans, const char *uri, uint64_t at_ms)
{
	struct ban *b;

	if (list_count(bans) >= BANS_MAX)
		return ENOSPC;
	b = mem_zalloc(sizeof(*b), ban_destructor);
	if (!b)
		return ENOMEM;
	memcpy(b->uri, uri, strnlen(uri, sizeof(b->uri) - 1));
	b->at_ms = at_ms;
	list_append(bans, &b->le, b);
	return 0;
}
