/*
 * watcher.h - who subscribes to a room: puts conference-info documents together as RFC 4575 4.4 says, and keeps them for xmllint.
 */
#ifndef TESTS_LIB_WATCHER_H
#define TESTS_LIB_WATCHER_H

#include <glib.h>
#include "control/snapshot.h"

struct watcher {
	uint32_t version;                 /* of the last document; the next has one more */
	bool begun;                       /* a full one has come */
	bool active, locked;
	unsigned count;
	GHashTable *users;                /* entity to struct watcher_user */
	GPtrArray *documents;
};

struct watcher_user {
	char *name, *role;
	GHashTable *endpoints;            /* entity to struct watcher_endpoint */
};

struct watcher_endpoint { char *status, *media, *joined; };

void watcher_open(struct watcher *w);
void watcher_close(struct watcher *w);
/* A document as it came. Fails the test where it is not XML, skips a version, or changes what is not there. */
void watcher_read(struct watcher *w, const char *xml);
/* Is what it has put together the room as it is? Fails the test where not. */
void watcher_compare(const struct watcher *w, const struct snapshot *s);
/* All documents against tests/data/conference-info.rng. */
void watcher_validate(const struct watcher *w);

#endif
