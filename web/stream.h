/*
 * stream.h - events to whoever watches: the last ones are kept as JSON, and each watcher has a place among them.
 */
#ifndef WEB_STREAM_H
#define WEB_STREAM_H

#include <re.h>
#include "control/event.h"
#include "control/snapshot.h"

struct house;
struct stream;
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
int  stream_alloc(struct stream **sp, struct house *h);
void stream_numbers(const struct stream *s, uint32_t *watchers, uint64_t *resyncs);

/* For watch.c. The next event after `after` that this watcher may see, or NULL; *at: up to where was looked. EPIPE in *err:
 * what came next is no longer kept. */
const char *stream_next(const struct stream *s, const char *room, uint64_t *at, int *err);
uint64_t stream_number(const struct stream *s);
void stream_add(struct stream *s, struct watcher *w);
void stream_del(struct stream *s, struct watcher *w);
void stream_levels(struct stream *s);     /* somebody wants levels now */
bool stream_full(const struct stream *s);
void stream_resynced(struct stream *s);

#endif
