/*
 * handlers.h - the functions of the routes. Private to web/.
 */
#ifndef WEB_HANDLERS_H
#define WEB_HANDLERS_H

#include "route.h"

/* server.c: the server itself */
route_h on_health, on_ready, on_metrics, on_status, on_openapi, on_verbs, on_settings, on_accounts, on_page;
/* login.c: sessions of browsers */
route_h on_login, on_logout, on_session;
/* rooms.c */
route_h on_rooms, on_room, on_room_create, on_room_put, on_room_patch, on_room_delete, on_views, on_players, on_bans, on_delays, on_room_verb, on_member_verb;
/* calls.c, recordings.c */
route_h on_calls, on_recordings, on_recording, on_recording_del, on_recording_file;
/* grants.c: tokens */
route_h on_tokens, on_token_make, on_token_del;
/* stream.c */
route_h on_events;

#endif
