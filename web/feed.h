/*
 * feed.h - events to whoever watches: the last ones are kept as JSON, and each watcher has a place among them.
 */
#ifndef WEB_FEED_H
#define WEB_FEED_H

#include <re.h>
#include "control/event.h"
#include "control/snapshot.h"

struct house;
struct feed;
struct watcher;
struct who;

enum { STREAM_KEPT = 4096, STREAM_WATCHERS = 256, STREAM_TOLD_MAX = 65536, LEVELS_MS = 50 };

/* An event as a value, with its member. */
struct told {
	struct event ev;                  /* its pointers point into here */
	char room[64], detail[128];
	bool has_member;
	struct snapshot_member member;
};

/* Made on the control thread, before the web thread runs; freed there after it ended. */
int  feed_alloc(struct feed **sp, struct house *h);
void feed_numbers(const struct feed *s, uint32_t *watchers, uint64_t *resyncs);

/* For watch.c. The next event after `after` that this watcher may see, or NULL; *at: up to where was looked. EPIPE in *err:
 * what came next is no longer kept. */
const char *feed_next(const struct feed *s, const char *room, uint64_t *at, int *err);
uint64_t feed_number(const struct feed *s);
void feed_add(struct feed *s, struct watcher *w);
void feed_del(struct feed *s, struct watcher *w);
void feed_resynced(struct feed *s);

#endif
