/*
 * api.h - snapshot and status to JSON: one pen, used on the web thread. Strings are freed with g_free.
 */
#ifndef WEB_API_H
#define WEB_API_H

#include <json-glib/json-glib.h>
#include "feed.h"
#include "token.h"
#include "web.h"
#include "control/snapshot.h"
#include "control/store.h"

char *api_status(const struct web_status *st);
char *api_rooms(const struct snapshot_rooms *rooms, const char *only);     /* only "": all */
char *api_room(const struct snapshot *s);
char *api_bans(const struct snapshot_bans *bans);
char *api_players(const struct snapshot_players *p);
char *api_views(const struct snapshot_views *v);
char *api_delays(const struct snapshot_delays *d);
char *api_event(const struct told *t);
char *api_verbs(void);
char *api_settings(void);
char *api_session(const struct who *who);
char *api_ok(uint32_t member);                    /* {"ok":true}, and the member that came of it */

/* Lists that are filled row by row; b is freed by the end. */
JsonBuilder *api_calls_begin(void);
void api_put_call(JsonBuilder *b, uint64_t id, const struct store_cdr *c);
char *api_calls_end(JsonBuilder *b, uint64_t next);       /* next 0: there are no more */
JsonBuilder *api_tokens_begin(void);
void api_put_token(JsonBuilder *b, const struct store_token *tok, const char *secret);    /* secret NULL: is not told */
JsonBuilder *api_accounts_begin(void);
void api_put_account(JsonBuilder *b, const char *name, const char *role);
JsonBuilder *api_recordings_begin(void);
void api_recording_begin(JsonBuilder *b, const struct store_recording *rec);
void api_put_file(JsonBuilder *b, const char *name, uint64_t bytes);
void api_recording_end(JsonBuilder *b);
char *api_list_end(JsonBuilder *b);
char *api_text(JsonBuilder *b);                   /* what stands in b; it is freed */

char *api_error(unsigned status, const char *message);

#endif
