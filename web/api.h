/*
 * api.h - snapshot and status to JSON: one pen, used on the web thread. Strings are freed with g_free.
 */
#ifndef WEB_API_H
#define WEB_API_H

#include "stream.h"
#include "token.h"
#include "web.h"
#include "control/snapshot.h"

char *api_status(const struct web_status *st);
char *api_rooms(const struct snapshot_rooms *rooms, const char *only);     /* only "": all */
char *api_room(const struct snapshot *s);
char *api_views(const struct snapshot_views *v);
char *api_event(const struct told *t);
char *api_verbs(void);
char *api_session(const struct who *who);
char *api_ok(uint32_t member);                    /* {"ok":true}, and the member that came of it */
char *api_error(unsigned status, const char *message);

#endif
