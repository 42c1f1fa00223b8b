/*
 * route.c - the table of routes, and the finding of one.
 *
 * The table is short and walked from top to bottom: a part of a path that is written out stands above one in braces.
 */
#include <glib.h>
#include <string.h>
#include "handlers.h"
#include "route.h"

#define API "/api/v1"
enum { BODY = ROUTE_BODY, HOUSE = ROUTE_HOUSE, BARE = ROUTE_BARE };

static const struct route table[] = {
	{ "GET", "/healthz", SCOPE_NONE, BARE, on_health, NULL, "200", NULL, NULL, "The process lives and its web thread turns." },
	{ "GET", "/readyz", SCOPE_NONE, BARE, on_ready, NULL, "200 503", NULL, NULL,
	  "The control thread answers and calls are taken; 503 while the server starts or drains." },
	{ "GET", "/metrics", SCOPE_NONE, BARE, on_metrics, NULL, "200", NULL, NULL, "Counters as Prometheus text." },

	{ "POST", API "/login", SCOPE_NONE, BODY, on_login, NULL, "200 401 403 503", "login", "session",
	  "A token for a cookie, which a browser then shows by itself." },
	{ "POST", API "/logout", SCOPE_NONE, BODY, on_logout, NULL, "200", "nothing", "ok", "Ends the cookie's session." },
	{ "GET", API "/session", SCOPE_READ, 0, on_session, NULL, "200", NULL, "session", "Who asks, and what it may." },

	{ "GET", API "/status", SCOPE_READ, 0, on_status, NULL, "200", NULL, "status", "The server." },
	{ "GET", API "/openapi.json", SCOPE_READ, 0, on_openapi, NULL, "200", NULL, "any", "This description." },
	{ "GET", API "/verbs", SCOPE_READ, 0, on_verbs, NULL, "200", NULL, "verbs", "What can be done to rooms and members." },

	{ "GET", API "/settings", SCOPE_READ, 0, on_settings, NULL, "200", NULL, "setting-table", "What can be set of a room." },
	{ "GET", API "/accounts", SCOPE_READ, HOUSE, on_accounts, NULL, "200", NULL, "accounts", "Who has an account, and as what." },

	{ "GET", API "/rooms", SCOPE_READ, 0, on_rooms, NULL, "200", NULL, "rooms", "All rooms, in order of creation." },
	{ "GET", API "/rooms/{room}", SCOPE_READ, 0, on_room, NULL, "200 304 404", NULL, "room",
	  "A room and its members; its version is the ETag." },
	{ "POST", API "/rooms", SCOPE_CONTROL, BODY, on_room_create, NULL, "200 201 409 503", "room-new", "room",
	  "Opens a room. Said again with the same settings it is 200 and changes nothing." },
	{ "PUT", API "/rooms/{room}", SCOPE_CONTROL, BODY, on_room_put, NULL, "200 201 409 412 503", "settings", "room",
	  "Opens the room with these settings, or gives it these and no others." },
	{ "PATCH", API "/rooms/{room}", SCOPE_CONTROL, BODY, on_room_patch, NULL, "200 404 409 412", "settings", "room",
	  "Changes settings of the room, all of them or none." },
	{ "DELETE", API "/rooms/{room}", SCOPE_CONTROL, 0, on_room_delete, NULL, "200 404 412", NULL, "ok",
	  "Sends all away and closes the room for good." },
	{ "GET", API "/rooms/{room}/bans", SCOPE_READ, 0, on_bans, NULL, "200 404", NULL, "bans", "Who may not come in." },
	{ "GET", API "/rooms/{room}/players", SCOPE_READ, 0, on_players, NULL, "200 404", NULL, "players",
	  "Who plays gestures in the room, in calls and without, and how it goes." },
	{ "GET", API "/rooms/{room}/views", SCOPE_READ, 0, on_views, NULL, "200 404", NULL, "views",
	  "Who hears whom otherwise than all do: [listener, other, gain in dB, pan]." },
	{ "GET", API "/rooms/{room}/delays", SCOPE_READ, 0, on_delays, NULL, "200 404", NULL, "delays",
	  "How long a sound takes from each member's mouth to each other's ear, and what that is made of." },
	{ "POST", API "/rooms/{room}/{verb}", SCOPE_CONTROL, BODY, on_room_verb, NULL, "200 404 409 412", "verb", "done",
	  "Does something to the room: verb by verb, see /verbs." },
	{ "POST", API "/rooms/{room}/members/{member}/{verb}", SCOPE_CONTROL, BODY, on_member_verb, NULL, "200 404 409 412",
	  "verb", "done", "Does something to a member of the room." },

	{ "GET", API "/calls", SCOPE_READ, 0, on_calls, "room from to before limit format", "200", NULL, "calls",
	  "Calls that are over, the newest first; format=csv for a table." },

	{ "GET", API "/recordings", SCOPE_READ, 0, on_recordings, "room", "200", NULL, "recordings", "What was recorded, the newest first." },
	{ "GET", API "/recordings/{recording}", SCOPE_READ, 0, on_recording, NULL, "200 404", NULL, "recording", "One of them." },
	{ "DELETE", API "/recordings/{recording}", SCOPE_CONTROL, 0, on_recording_del, NULL, "200 404 409", NULL, "ok",
	  "Removes a recording with its files." },
	{ "GET", API "/recordings/{recording}/files/{file}", SCOPE_READ, BARE, on_recording_file, NULL, "200 206 404 416", NULL, "file",
	  "A file of it, or a part (Range)." },

	{ "GET", API "/tokens", SCOPE_ADMIN, 0, on_tokens, NULL, "200", NULL, "tokens", "Tokens that were given; never themselves." },
	{ "POST", API "/tokens", SCOPE_ADMIN, BODY, on_token_make, NULL, "201 501 503", "token-new", "token",
	  "Gives a token; it is told in this answer and never again." },
	{ "DELETE", API "/tokens/{token}", SCOPE_ADMIN, 0, on_token_del, NULL, "200 404", NULL, "ok",
	  "Takes one back, by its id; who came with it is let go." },

	{ "GET", API "/events", SCOPE_READ, BARE, on_events, "room since levels", "200 101 406 503", NULL, "event",
	  "What happens, as it happens: WebSocket, or server-sent events." },

	{ "GET", "/", SCOPE_NONE, BARE, on_page, NULL, "200", NULL, NULL, "The console." },
};

const struct route *route_table(size_t *n)
{
	*n = G_N_ELEMENTS(table);
	return table;
}

/* One part after the other; what stands in braces takes any part that is not empty. */
static bool fits(const char *pattern, const char *path, char param[ROUTE_PARAMS][ROUTE_PARAM_MAX])
{
	size_t n_params = 0;

	while (*pattern == '/' && *path == '/') {
		size_t n = strcspn(++pattern, "/"), m = strcspn(++path, "/");

		if (pattern[0] == '{') {
			if (!m || m >= ROUTE_PARAM_MAX || n_params >= ROUTE_PARAMS)
				return false;
			memcpy(param[n_params], path, m);
			param[n_params++][m] = '\0';
		}
		else if (n != m || memcmp(pattern, path, n)) {
			return false;
		}
		pattern += n;
		path += m;
	}
	return !*pattern && !*path;
}

static void add_allow(struct route_match *m, const char *method)
{
	if (strstr(m->allow, method))
		return;
	if (m->allow[0])
		g_strlcat(m->allow, ", ", sizeof(m->allow));
	g_strlcat(m->allow, !strcmp(method, "GET") ? "GET, HEAD" : method, sizeof(m->allow));
}

bool route_find(struct route_match *m, const char *method, const char *path)
{
	struct route_match found = { .route = NULL };

	memset(m, 0, sizeof(*m));
	if (!strcmp(method, "HEAD"))
		method = "GET";
	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		if (!fits(table[i].path, path, found.param))
			continue;
		add_allow(m, table[i].method);
		if (strcmp(table[i].method, method))
			continue;
		m->route = &table[i];
		memcpy(m->param, found.param, sizeof(m->param));
		return true;
	}
	return false;
}

bool route_decode(char *dst, size_t size, const char *raw)
{
	size_t n = 0;

	for (; *raw; raw++) {
		int c = (unsigned char)*raw;

		if (c == '%') {
			if (!g_ascii_isxdigit(raw[1]) || !g_ascii_isxdigit(raw[2]))
				return false;
			c = g_ascii_xdigit_value(raw[1]) * 16 + g_ascii_xdigit_value(raw[2]);
			raw += 2;
		}
		if (c < 0x20 || c == 0x7f || n + 1 >= size)
			return false;
		dst[n++] = (char)c;
	}
	dst[n] = '\0';
	return g_utf8_validate(dst, -1, NULL);
}

static const char *const scopes[] = {
	[SCOPE_NONE] = "none", [SCOPE_READ] = "read", [SCOPE_CONTROL] = "control", [SCOPE_ADMIN] = "admin",
};

const char *scope_name(enum scope s)
{
	return scopes[s];
}

enum scope scope_parse(const char *words)
{
	char **word = g_strsplit_set(words, " ,", 16);
	enum scope highest = SCOPE_NONE;
	bool good = true;

	for (char **w = word; *w; w++) {
		enum scope s = SCOPE_ADMIN;

		while (s > SCOPE_NONE && strcmp(*w, scopes[s]))
			s--;
		good = good && (s > SCOPE_NONE || !**w);
		highest = s > highest ? s : highest;
	}
	g_strfreev(word);
	return good ? highest : SCOPE_NONE;
}
