/*
 * api.h - snapshot and status to JSON: one pen, used on the web thread. Strings are freed with g_free.
 */
#ifndef WEB_API_H
#define WEB_API_H

#include "web.h"
#include "control/snapshot.h"

char *api_status(const struct web_status *st);
char *api_rooms(const struct snapshot_names *names);
char *api_room(const struct snapshot *s);
char *api_error(unsigned status, const char *message);

#endif
