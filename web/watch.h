/*
 * watch.h - one who watches: a WebSocket or a stream of server-sent events, and how far it has been told. Web thread only.
 */
#ifndef WEB_WATCH_H
#define WEB_WATCH_H

#include <re.h>
#include "request.h"
#include "feed.h"

struct watcher;

struct watch_conf { bool ws, levels; char room[64]; bool resume; uint64_t since; };

int  watch_alloc(struct watcher **wp, struct feed *s, struct request *r, const struct watch_conf *conf);
void watch_feed(struct watcher *w);               /* events, as many as it takes now */
void watch_levels(struct watcher *w, const char *room, const char *json); /* if it wants those and keeps up */
const char *watch_room(const struct watcher *w);  /* whose levels it wants; NULL: none */
bool watch_beat(struct watcher *w, int64_t now_us);       /* once a second; false: it is to go */

#endif
