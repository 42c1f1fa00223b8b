/*
 * rooms.c - rooms and their members: looked at, made, changed, and every verb there is.
 *
 * Conditions (If-Match, If-None-Match) are judged on the control thread, just before the command: between the two nothing can
 * happen.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "api.h"
#include "handlers.h"
#include "house.h"
#include "request.h"
#include "control/setting.h"

/* --- all rooms --- */

static void take_rooms(struct request *r)
{
	r->err = snapshot_rooms(&r->rooms, r->house->conf.control);
}

static void draw_rooms(struct request *r)
{
	if (r->err)
		request_errno(r, r->err, NULL);
	else
		request_json(r, 200, api_rooms(r->rooms, r->who.room));
}

void on_rooms(struct request *r)
{
	request_ask(r, take_rooms, draw_rooms);
}

/* --- one room --- */

static void etag(char buf[32], uint64_t version)
{
	g_snprintf(buf, 32, "\"%" G_GUINT64_FORMAT "\"", version);
}

/* RFC 9110 8.8.3: a list of tags, or * for any there is. */
static bool names_version(const char *list, uint64_t version)
{
	char tag[32];
	char **part = g_strsplit(list, ",", 64);
	bool found = false;

	etag(tag, version);
	for (char **p = part; *p && !found; p++) {
		const char *s = g_strstrip(*p);

		found = !strcmp(s, "*") || !strcmp(g_str_has_prefix(s, "W/") ? s + 2 : s, tag);
	}
	g_strfreev(part);
	return found;
}

static void take_room(struct request *r)
{
	r->err = snapshot_take(&r->snapshot, r->house->conf.control, r->room);
}

static void draw_room(struct request *r)
{
	const char *have = request_said(r, "If-None-Match");
	char tag[32];

	if (r->err) {
		request_errno(r, r->err, r->err == ENOENT ? "no such room" : NULL);
		return;
	}
	etag(tag, r->snapshot->version);
	request_header(r, "ETag", tag);
	request_header(r, "Cache-Control", "no-cache");
	if (*have && names_version(have, r->snapshot->version))
		request_empty(r, 304);
	else
		request_json(r, 200, api_room(r->snapshot));
}

/* False: answered, there can be no such room. */
static bool room_of_path(struct request *r)
{
	if (strlen(r->at.param[0]) > ROOM_NAME_MAX) {
		request_errno(r, ENOENT, "no such room");
		return false;
	}
	g_strlcpy(r->room, r->at.param[0], sizeof(r->room));
	return true;
}

void on_room(struct request *r)
{
	if (room_of_path(r))
		request_ask(r, take_room, draw_room);
}

static struct actor actor_of(const struct request *r)
{
	return (struct actor){ .kind = ACTOR_ACCOUNT, .role = ROLE_HOST, .name = r->who.name };
}

/* 0, or 412: the room is not as the asker believes. Control thread. */
static unsigned conditions(struct request *r)
{
	struct control *c = r->house->conf.control;
	uint64_t version = control_room_version(c, r->room);

	if (r->if_match && (!version || !names_version(r->if_match, version)))
		return 412;
	return r->if_none && version && names_version(r->if_none, version) ? 412 : 0;
}

/* What `conditions` looks at; libsoup's headers stay on their thread. */
static void ask_if(struct request *r, void (*take)(struct request *r), void (*draw)(struct request *r))
{
	const char *match = request_said(r, "If-Match"), *none = request_said(r, "If-None-Match");

	r->if_match = *match ? g_strdup(match) : NULL;
	r->if_none = *none ? g_strdup(none) : NULL;
	request_ask(r, take, draw);
}

/* --- made and changed --- */

static void run(struct request *r)
{
	struct actor actor = actor_of(r);

	r->err = control_run(r->house->conf.control, &actor, &r->order.cmd, &r->result);
	r->changed = r->changed || !r->err;
	if (r->err && r->result.wrong)
		r->wrong = g_strdup(r->result.wrong);
}

/* Which setting, and what it wants. */
static void refuse(struct request *r)
{
	const struct setting_info *s = r->wrong ? setting_find(r->wrong) : NULL;
	char *name = r->wrong ? g_utf8_make_valid(r->wrong, -1) : NULL, *why = NULL;

	if (s)
		why = g_strdup_printf("%s: %s. %s", name, r->err == EEXIST ? "another room has it" :
				      r->err == EBUSY ? "not while somebody is in" : "not a value of it", s->help);
	else if (name)
		why = g_strdup_printf("%s: no such setting", name);
	request_errno(r, r->err, why);
	g_free(why);
	g_free(name);
}

static void draw_done(struct request *r)
{
	if (r->status)
		request_error(r, r->status, "the room has changed meanwhile");
	else if (r->err)
		refuse(r);
	else
		request_json(r, 200, api_ok(r->result.member));
}

static void draw_made(struct request *r)
{
	char tag[32];

	if (r->status == 412) {
		request_error(r, 412, "the room has changed meanwhile");
		return;
	}
	if (r->err || !r->snapshot) {
		r->err = r->err ? r->err : ENOENT;
		refuse(r);
		return;
	}
	etag(tag, r->snapshot->version);
	request_header(r, "ETag", tag);
	if (r->status == 201) {
		char *where = g_strconcat("/api/v1/rooms/", r->snapshot->room, NULL);

		request_header(r, "Location", where);
		g_free(where);
	}
	request_json(r, r->status ? r->status : 200, api_room(r->snapshot));
}

/* The room as it is now goes with the answer. */
static void show(struct request *r)
{
	if (!r->err)
		r->err = snapshot_take(&r->snapshot, r->house->conf.control, r->room);
}

/* Lists are the same with blanks and with commas between. */
static bool same_text(const char *a, const char *b)
{
	for (;; a++, b++) {
		bool sep = (*a == ' ' || *a == ',') && (*b == ' ' || *b == ',');

		if (!sep && g_ascii_tolower(*a) != g_ascii_tolower(*b))
			return false;
		if (!*a)
			return true;
	}
}

/* Of a PIN nobody can say what it is: only whether there is one is compared. */
static bool same_setting(const struct snapshot *s, const struct setting *given)
{
	const struct setting_info *info = setting_find(given->name);
	const char *now = snapshot_setting(s, given->name);

	if (info && info->secret)
		return (given->value[0] != '\0') == (strcmp(given->name, "host-pin") ? s->has_guest_pin : s->has_host_pin);
	return now && same_text(now, given->value);
}

/* POST said again: the room as it is, if that is as it was to be. */
static void again(struct request *r)
{
	const struct command *cmd = &r->order.cmd;
	bool same;

	r->err = 0;
	show(r);
	same = !r->err && r->snapshot->kept;
	for (size_t i = 0; same && i < cmd->n_settings; i++)
		same = same_setting(r->snapshot, &cmd->settings[i]);
	if (!r->err && !same)
		r->err = EEXIST;
}

static void take_create(struct request *r)
{
	r->order.cmd.verb = VERB_CREATE;
	run(r);
	r->status = r->err ? 0 : 201;
	if (r->err == EEXIST && !r->wrong && control_room_exists(r->house->conf.control, r->room))
		again(r);
	else
		show(r);
}

static void take_put(struct request *r)
{
	r->status = conditions(r);
	if (r->status)
		return;
	if (!control_room_exists(r->house->conf.control, r->room)) {
		take_create(r);
		return;
	}
	r->order.cmd.verb = VERB_CHANGE;
	r->order.cmd.on = true;                   /* what is not said goes back to its default */
	run(r);
	show(r);
}

static void take_patch(struct request *r)
{
	r->status = conditions(r);
	if (r->status)
		return;
	r->order.cmd.verb = VERB_CHANGE;
	run(r);
	show(r);
}

/* The body is {"settings":{...}}, with the room's name where the path has none. */
static bool read_settings(struct request *r, bool named)
{
	GList *names = json_object_get_members(r->body);
	char *why = NULL;
	JsonNode *node;
	int err = 0;

	order_begin(&r->order);
	r->order.cmd.room = r->room;
	for (GList *l = names; l && !err; l = l->next) {
		if (strcmp(l->data, "settings") && !(named && !strcmp(l->data, "room"))) {
			why = g_strdup("only settings are known, and where the path has no room its name");
			err = EINVAL;
		}
	}
	g_list_free(names);
	node = json_object_get_member(r->body, "settings");
	if (!err && node && !JSON_NODE_HOLDS_OBJECT(node)) {
		why = g_strdup("settings: an object is wanted");
		err = EINVAL;
	}
	if (!err && node)
		err = order_settings(&r->order, json_node_get_object(node), &why);
	if (err)
		request_error(r, 400, why ? why : "the settings cannot be read");
	g_free(why);
	return !err;
}

static bool room_of_body(struct request *r)
{
	JsonNode *node = json_object_get_member(r->body, "room");
	const char *name = node && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING ?
			   json_node_get_string(node) : NULL;

	if (!name || !control_room_name_valid(name)) {
		request_error(r, 400, name ? "room: 1 to 63 of A-Z a-z 0-9 . _ ~ + -, and no reserved name" : "room: is missing");
		return false;
	}
	if (r->who.room[0] && g_ascii_strcasecmp(name, r->who.room)) {
		request_error(r, 403, "this token is good for one room only");
		return false;
	}
	g_strlcpy(r->room, name, sizeof(r->room));
	return true;
}

void on_room_create(struct request *r)
{
	if (room_of_body(r) && read_settings(r, true))
		request_ask(r, take_create, draw_made);
}

void on_room_put(struct request *r)
{
	if (room_of_path(r) && read_settings(r, false))
		ask_if(r, take_put, draw_made);
}

void on_room_patch(struct request *r)
{
	if (room_of_path(r) && read_settings(r, false))
		ask_if(r, take_patch, draw_made);
}

static void take_delete(struct request *r)
{
	r->status = conditions(r);
	if (!r->status)
		run(r);
}

void on_room_delete(struct request *r)
{
	if (!room_of_path(r))
		return;
	order_begin(&r->order);
	r->order.cmd.verb = VERB_END;
	r->order.cmd.room = r->room;
	ask_if(r, take_delete, draw_done);
}

/* --- private mixes, bans --- */

static void take_views(struct request *r)
{
	r->err = snapshot_views(&r->views, r->house->conf.control, r->room);
}

static void draw_views(struct request *r)
{
	if (r->err)
		request_errno(r, r->err, r->err == ENOENT ? "no such room" : NULL);
	else
		request_json(r, 200, api_views(r->views));
}

void on_views(struct request *r)
{
	if (room_of_path(r))
		request_ask(r, take_views, draw_views);
}

static void take_players(struct request *r)
{
	r->err = snapshot_players(&r->players, r->house->conf.control, r->room);
}

static void draw_players(struct request *r)
{
	if (r->err)
		request_errno(r, r->err, r->err == ENOENT ? "no such room" : NULL);
	else
		request_json(r, 200, api_players(r->players));
}

void on_players(struct request *r)
{
	if (room_of_path(r))
		request_ask(r, take_players, draw_players);
}

static void take_bans(struct request *r)
{
	r->err = snapshot_bans(&r->bans, r->house->conf.control, r->room);
}

static void draw_bans(struct request *r)
{
	if (r->err)
		request_errno(r, r->err, r->err == ENOENT ? "no such room" : NULL);
	else
		request_json(r, 200, api_bans(r->bans));
}

void on_bans(struct request *r)
{
	if (room_of_path(r))
		request_ask(r, take_bans, draw_bans);
}

static void take_delays(struct request *r)
{
	r->err = snapshot_delays(&r->delays, r->house->conf.control, r->room);
}

static void draw_delays(struct request *r)
{
	if (r->err)
		request_errno(r, r->err, r->err == ENOENT ? "no such room" : NULL);
	else
		request_json(r, 200, api_delays(r->delays));
}

void on_delays(struct request *r)
{
	if (room_of_path(r))
		request_ask(r, take_delays, draw_delays);
}

/* --- verbs --- */

static bool member_is_there(struct request *r)
{
	const char *room = control_member_room(r->house->conf.control, r->order.cmd.member);

	return room && !g_ascii_strcasecmp(room, r->room);
}

static void take_verb(struct request *r)
{
	r->status = conditions(r);
	if (r->status)
		return;
	if (r->order.cmd.member && !member_is_there(r)) {
		r->err = ENOENT;
		return;
	}
	run(r);
}

/* A token of one room sends nobody to another one. */
static bool stays_in_room(struct request *r)
{
	const char *to = r->order.cmd.room;

	if (!r->who.room[0] || !to || !g_ascii_strcasecmp(to, r->who.room))
		return true;
	request_error(r, 403, "this token is good for one room only");
	return false;
}

static void run_verb(struct request *r, const char *verb, uint32_t member)
{
	const struct verb_info *v = command_find(verb);
	char *why = NULL;

	if (!order_offers(v, member != 0))
		request_error(r, 404, member ? "no such verb of a member" : "no such verb of a room");
	else if (order_read(&r->order, v, r->room, member, r->body, &why))
		request_error(r, 400, why);
	else if (stays_in_room(r))
		ask_if(r, take_verb, draw_done);
	g_free(why);
}

void on_room_verb(struct request *r)
{
	if (room_of_path(r))
		run_verb(r, r->at.param[1], 0);
}

void on_member_verb(struct request *r)
{
	const char *id = r->at.param[1];
	guint64 member;

	if (!room_of_path(r))
		return;
	if (!g_ascii_string_to_unsigned(id, 10, 1, UINT32_MAX, &member, NULL))
		request_errno(r, ENOENT, "no such member");
	else
		run_verb(r, r->at.param[2], (uint32_t)member);
}
