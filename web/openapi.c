/*
 * openapi.c - the API described for programs: paths from the table of routes, what is done to rooms and members from the
 * table of verbs. Only the shapes of answers are written down here.
 */
#include <json-glib/json-glib.h>
#include <string.h>
#include "openapi.h"
#include "order.h"
#include "route.h"
#include "web.h"
#include "control/setting.h"

#define S "{\"type\":\"string\"}"
#define I "{\"type\":\"integer\"}"
#define N "{\"type\":\"number\"}"
#define B "{\"type\":\"boolean\"}"
#define REF(name) "{\"$ref\":\"#/components/schemas/" name "\"}"
#define LIST(of) "{\"type\":\"array\",\"items\":" of "}"
#define MS "{\"type\":\"number\",\"nullable\":true}"
#define HALF(parts) "{\"type\":\"object\",\"required\":[\"ms\",\"whole\"],\"properties\":{\"ms\":" N ",\"whole\":" B "," parts "}}"
#define NULLABLE "{\"type\":\"object\",\"nullable\":true}"

static const struct { const char *name, *schema; } schemas[] = {
	{ "error", "{\"type\":\"object\",\"required\":[\"status\",\"error\"],\"properties\":{\"status\":" I ",\"error\":" S "}}" },
	{ "any", "{\"type\":\"object\"}" },
	{ "nothing", "{\"type\":\"object\"}" },
	{ "ok", "{\"type\":\"object\",\"required\":[\"ok\"],\"properties\":{\"ok\":" B "}}" },
	{ "done", "{\"type\":\"object\",\"required\":[\"ok\"],\"properties\":{\"ok\":" B ",\"member\":" I "}}" },
	{ "login", "{\"type\":\"object\",\"required\":[\"token\"],\"properties\":{\"token\":" S "}}" },
	{ "session", "{\"type\":\"object\",\"required\":[\"name\",\"scope\",\"room\"],\"properties\":{\"name\":" S
		     ",\"scope\":{\"type\":\"string\",\"enum\":[\"read\",\"control\",\"admin\"]},"
		     "\"room\":{\"type\":\"string\",\"nullable\":true}}}" },
	{ "status", "{\"type\":\"object\",\"required\":[\"version\",\"ready\",\"draining\",\"realtime\",\"uptime_s\",\"rooms\",\"members\","
		    "\"calls\"],\"properties\":{\"version\":" S ",\"ready\":" B ",\"draining\":" B ",\"realtime\":" B ",\"uptime_s\":" I
		    ",\"rooms\":" I ",\"members\":" I ",\"calls\":" I "}}" },
	{ "verbs", "{\"type\":\"object\",\"required\":[\"verbs\"],\"properties\":{\"verbs\":" LIST(
		   "{\"type\":\"object\",\"required\":[\"verb\",\"of\",\"needs\",\"help\"],\"properties\":{\"verb\":" S ",\"of\":" S
		   ",\"needs\":" LIST(S) ",\"help\":" S "}}") "}}" },
	{ "settings", "{\"type\":\"object\",\"properties\":{\"settings\":" REF("room-settings") "},\"additionalProperties\":false}" },
	{ "room-new", "{\"type\":\"object\",\"required\":[\"room\"],\"properties\":{\"room\":" S
		      ",\"settings\":" REF("room-settings") "},\"additionalProperties\":false}" },
	{ "setting-table", "{\"type\":\"object\",\"required\":[\"settings\"],\"properties\":{\"settings\":" LIST(
			   "{\"type\":\"object\",\"required\":[\"name\",\"type\",\"default\",\"secret\",\"help\"],\"properties\":{\"name\":" S
			   ",\"type\":" S ",\"default\":" S ",\"choices\":" LIST(S) ",\"min\":" I ",\"max\":" I ",\"secret\":" B ",\"help\":" S
			   "}}") "}}" },
	{ "accounts", "{\"type\":\"object\",\"required\":[\"accounts\"],\"properties\":{\"accounts\":" LIST(
		      "{\"type\":\"object\",\"required\":[\"name\",\"role\"],\"properties\":{\"name\":" S ",\"role\":" REF("role") "}}") "}}" },
	{ "bans", "{\"type\":\"object\",\"required\":[\"bans\"],\"properties\":{\"bans\":" LIST(
		  "{\"type\":\"object\",\"required\":[\"uri\",\"at_ms\"],\"properties\":{\"uri\":" S ",\"at_ms\":" I "}}") "}}" },
	{ "calls", "{\"type\":\"object\",\"required\":[\"calls\",\"next\"],\"properties\":{\"calls\":" LIST(REF("call"))
		   ",\"next\":{\"type\":\"integer\",\"nullable\":true}}}" },
	{ "call", "{\"type\":\"object\",\"required\":[\"id\",\"call_id\",\"outgoing\",\"from\",\"to\",\"room\",\"status\",\"why\",\"start_ms\","
		  "\"end_ms\"],\"properties\":{\"id\":" I ",\"call_id\":" S ",\"outgoing\":" B ","
		  "\"from\":" S ",\"to\":" S ",\"room\":" S ",\"status\":" I ",\"why\":" S ",\"start_ms\":" I ",\"end_ms\":" I "}}" },
	{ "recordings", "{\"type\":\"object\",\"required\":[\"recordings\"],\"properties\":{\"recordings\":" LIST(REF("recording")) "}}" },
	{ "recording", "{\"type\":\"object\",\"required\":[\"id\",\"room\",\"state\",\"start_ms\",\"files\"],\"properties\":{\"id\":" S
		       ",\"room\":" S ",\"by\":" S ",\"state\":" S ",\"start_ms\":" I ",\"bytes\":" I ",\"files\":" LIST(
		       "{\"type\":\"object\",\"required\":[\"name\",\"bytes\"],\"properties\":{\"name\":" S ",\"bytes\":" I "}}") "}}" },
	{ "file", "{\"type\":\"string\",\"format\":\"binary\"}" },
	{ "tokens", "{\"type\":\"object\",\"required\":[\"tokens\"],\"properties\":{\"tokens\":" LIST(REF("token")) "}}" },
	{ "token", "{\"type\":\"object\",\"required\":[\"id\",\"name\",\"scope\",\"room\",\"created_ms\",\"expires_ms\"],\"properties\":{"
		   "\"id\":" S ",\"name\":" S ",\"scope\":" S ",\"room\":{\"type\":\"string\",\"nullable\":true},\"created_ms\":" I
		   ",\"expires_ms\":{\"type\":\"integer\",\"nullable\":true},\"token\":" S "}}" },
	{ "token-new", "{\"type\":\"object\",\"required\":[\"name\",\"scopes\"],\"properties\":{\"name\":" S
		       ",\"scopes\":{\"anyOf\":[" S "," LIST(S) "]},\"room\":{\"type\":\"string\",\"nullable\":true},"
		       "\"expires_ms\":{\"type\":\"integer\",\"nullable\":true}},\"additionalProperties\":false}" },
	{ "players", "{\"type\":\"object\",\"required\":[\"players\"],\"properties\":{\"players\":" LIST(
		     "{\"type\":\"object\",\"required\":[\"name\",\"kinds\",\"member\",\"messages_in\",\"messages_out\"],\"properties\":{\"name\":" S
		     ",\"kinds\":" S ",\"member\":{\"type\":\"integer\",\"nullable\":true},\"messages_in\":" I ",\"messages_out\":" I
		     ",\"lost\":" I ",\"repaired\":" I ",\"rtt_us\":{\"type\":\"integer\",\"nullable\":true}}}") "}}" },
	{ "delays", "{\"type\":\"object\",\"required\":[\"room\",\"at_ms\",\"bound_ms\",\"watched\",\"members\",\"delays\"],\"properties\":{"
		    "\"room\":" S ",\"at_ms\":" I ",\"bound_ms\":" I ",\"watched\":" B ",\"delays\":" LIST(LIST("{}")) ",\"members\":" LIST(
		    "{\"type\":\"object\",\"required\":[\"id\",\"name\",\"to_mix\",\"from_mix\"],\"properties\":{\"id\":" I ",\"name\":" S
		    ",\"uri\":" S ",\"to_mix\":" HALF("\"capture_ms\":" MS ",\"frame_ms\":" MS ",\"up_ms\":" MS ",\"buffer_ms\":" MS)
		    ",\"from_mix\":" HALF("\"send_ms\":" MS ",\"down_ms\":" MS ",\"own_buffer_ms\":" MS ",\"playback_ms\":" MS) "}}") "}}" },
	{ "views", "{\"type\":\"object\",\"required\":[\"views\"],\"properties\":{\"views\":" LIST(LIST(N)) "}}" },
	{ "rooms", "{\"type\":\"object\",\"required\":[\"rooms\"],\"properties\":{\"rooms\":" LIST(
		   "{\"type\":\"object\",\"required\":[\"room\",\"title\",\"members\",\"waiting\",\"locked\",\"recording\",\"version\"],"
		   "\"properties\":{\"room\":" S ",\"title\":" S ",\"waiting\":" I ",\"recording\":" S
		   ",\"members\":" I ",\"locked\":" B ",\"muted_all\":" B ",\"profile\":" S ",\"version\":" I ",\"created_ms\":" I
		   ",\"persistent\":" B "}}") "}}" },
	{ "room", "{\"type\":\"object\",\"required\":[\"room\",\"version\",\"created_ms\",\"locked\",\"muted_all\",\"profile\",\"speaker\","
		  "\"members\",\"settings\",\"waiting\",\"recording\"],\"properties\":{\"room\":" S ",\"title\":" S ",\"waiting\":" I
		  ",\"bans\":" I ",\"tempo\":" REF("tempo") ",\"sections\":{\"type\":\"object\",\"additionalProperties\":" N "}" ",\"recording\":" S ",\"persistent\":" B ",\"hours\":" S ",\"settings\":{\"type\":\"object\","
		  "\"additionalProperties\":" S "},\"has_host_pin\":" B ",\"has_guest_pin\":" B ",\"floor\":" NULLABLE
		  ",\"version\":" I ",\"created_ms\":" I ",\"locked\":" B ",\"muted_all\":" B
		  ",\"profile\":" S ",\"speaker\":" NULLABLE ",\"members\":" LIST(REF("member")) "}}" },
	{ "tempo", "{\"type\":\"object\",\"required\":[\"bpm\",\"beats\",\"running\",\"beat\",\"origin\",\"follow\"],\"properties\":{\"bpm\":" N
		   ",\"beats\":" I ",\"running\":" B ",\"beat\":" I ",\"count_in\":" I ",\"origin\":{\"type\":\"integer\",\"nullable\":true},\"follow\":" NULLABLE "}}" },
	{ "member", "{\"type\":\"object\",\"required\":[\"id\",\"uri\",\"name\",\"role\",\"muted\",\"media\"],\"properties\":{\"id\":" I
		    ",\"uri\":" S ",\"name\":" S ",\"role\":" REF("role") ",\"muted\":" B ",\"muted_by_host\":" B ",\"deaf\":" B
		    ",\"hold\":" B ",\"hand\":" B ",\"talking\":" B ",\"dialed_out\":" B ",\"waiting\":{\"type\":\"string\",\"nullable\":true},\"gain_db\":" N ",\"pan\":" N ",\"click\":" B
		    ",\"click_db\":" N ",\"click_sync\":" S ",\"buffer\":" I ",\"redundant\":" B ",\"section\":{\"type\":\"string\",\"nullable\":true},\"controller\":{\"type\":\"string\",\"nullable\":true}"
		    ",\"since_ms\":" I ",\"media\":{\"type\":\"object\",\"required\":[\"keys\"],\"properties\":{"
		    "\"keys\":{\"type\":\"string\",\"enum\":[\"none\",\"sdes\",\"dtls\"]}}}}}" },
	{ "role", "{\"type\":\"string\",\"enum\":[\"listener\",\"speaker\",\"host\"]}" },
	{ "event", "{\"type\":\"object\",\"required\":[\"type\"],\"properties\":{\"number\":" I ",\"room\":" S ",\"version\":" I
		   ",\"type\":" S ",\"at_ms\":" I ",\"detail\":" S ",\"member\":{\"nullable\":true,\"allOf\":[" REF("member") "]},"
		   "\"delay\":{\"type\":\"object\",\"required\":[\"from\",\"to\",\"ms\",\"bound_ms\",\"over\"],\"properties\":{\"from\":" I
		   ",\"to\":" I ",\"ms\":" N ",\"bound_ms\":" I ",\"over\":" B "}}}}" },
};

/* --- small pens --- */

static void str(JsonBuilder *b, const char *name, const char *value)
{
	json_builder_set_member_name(b, name);
	json_builder_add_string_value(b, value);
}

static void begin(JsonBuilder *b, const char *name)
{
	if (name)
		json_builder_set_member_name(b, name);
	json_builder_begin_object(b);
}

static void end(JsonBuilder *b)
{
	json_builder_end_object(b);
}

static void begin_list(JsonBuilder *b, const char *name)
{
	json_builder_set_member_name(b, name);
	json_builder_begin_array(b);
}

static void raw(JsonBuilder *b, const char *name, const char *json)
{
	json_builder_set_member_name(b, name);
	json_builder_add_value(b, json_from_string(json, NULL));
}

static void ref(JsonBuilder *b, const char *schema)
{
	char *path = g_strconcat("#/components/schemas/", schema, NULL);

	begin(b, "schema");
	str(b, "$ref", path);
	end(b);
	g_free(path);
}

static void content(JsonBuilder *b, const char *type, const char *schema)
{
	begin(b, "content");
	begin(b, type);
	ref(b, schema);
	end(b);
	end(b);
}

/* --- one operation --- */

static void parameter(JsonBuilder *b, const char *name, size_t n, const char *in)
{
	char *text = g_strndup(name, n);

	begin(b, NULL);
	str(b, "name", text);
	str(b, "in", in);
	json_builder_set_member_name(b, "required");
	json_builder_add_boolean_value(b, !strcmp(in, "path"));
	raw(b, "schema", !strcmp(text, "member") ? I : S);
	end(b);
	g_free(text);
}

static void parameters(JsonBuilder *b, const struct route *r)
{
	const char *p = r->path;
	char **word = g_strsplit(r->query ? r->query : "", " ", 0);

	begin_list(b, "parameters");
	while ((p = strchr(p, '{')) != NULL) {
		size_t n = strcspn(++p, "}");

		if (strncmp(p, "verb", n))                /* written out, verb by verb */
			parameter(b, p, n, "path");
	}
	for (char **w = word; *w; w++)
		parameter(b, *w, strlen(*w), "query");
	json_builder_end_array(b);
	g_strfreev(word);
}

static const char *words_of_status(const char *status)
{
	static const struct { const char *status, *words; } table[] = {
		{ "101", "Switching to WebSocket" }, { "200", "As asked" }, { "201", "Made" }, { "204", "Done" },
		{ "206", "A part of it" }, { "304", "Not changed since" },
		{ "400", "It cannot be read: the error says what" }, { "401", "A token is needed, or is not known" },
		{ "403", "Not allowed with this token" }, { "404", "Not there" }, { "406", "Not in such a form" },
		{ "409", "Not as things are" }, { "412", "It has changed meanwhile" }, { "413", "Too large" },
		{ "415", "application/json is wanted" }, { "416", "Beyond its end" }, { "429", "Too often" },
		{ "503", "Not now: full, starting or ending" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(table); i++)
		if (!strcmp(table[i].status, status))
			return table[i].words;
	return "Another refusal";
}

static const char *plain_type(const struct route *r)
{
	if (r->answer && !strcmp(r->answer, "file"))
		return "application/octet-stream";
	return strstr(r->path, "/events") ? "text/event-stream" : !strcmp(r->path, "/") ? "text/html" : "text/plain";
}

static void response(JsonBuilder *b, const struct route *r, const char *status)
{
	bool good = status[0] == '2';

	begin(b, status);
	str(b, "description", words_of_status(status));
	if (good && r->answer)
		content(b, r->flags & ROUTE_BARE ? plain_type(r) : "application/json", r->answer);
	else if (status[0] >= '4' && !(r->flags & ROUTE_BARE))
		content(b, "application/json", "error");
	end(b);
}

static void responses(JsonBuilder *b, const struct route *r)
{
	char *all = g_strconcat(r->status, r->scope ? " 401 403" : "", r->flags & ROUTE_BODY ? " 400 413 415" :
				r->query ? " 400" : "", " 429 default", NULL);
	char **word = g_strsplit(all, " ", 0);

	begin(b, "responses");
	for (char **w = word; *w; w++)
		if (!g_strv_contains((const char *const *)w + 1, *w))
			response(b, r, *w);
	end(b);
	g_strfreev(word);
	g_free(all);
}

static void verb_schema(JsonBuilder *b, const struct verb_info *v)
{
	static const struct { const char *type, *schema; } types[] = {
		{ "boolean", B }, { "number", N }, { "integer", I }, { "string", S }, { "role", REF("role") }, { "id", I },
		{ "object", REF("room-settings") },
	};
	unsigned needs = order_needs(v);
	size_t n;
	const struct order_field *f = order_fields(&n);

	begin(b, "schema");
	str(b, "type", "object");
	if (needs) {
		begin_list(b, "required");
		for (size_t i = 0; i < n; i++)
			if (needs & f[i].arg)
				json_builder_add_string_value(b, f[i].name);
		json_builder_end_array(b);
	}
	begin(b, "properties");
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < G_N_ELEMENTS(types); k++)
			if (!strcmp(f[i].type, types[k].type) && (f[i].arg != ARG_ROOM || v->verb == VERB_MOVE))
				raw(b, f[i].name, types[k].schema);
	end(b);
	json_builder_set_member_name(b, "additionalProperties");
	json_builder_add_boolean_value(b, FALSE);
	end(b);
}

static void request_body(JsonBuilder *b, const struct route *r, const struct verb_info *v)
{
	begin(b, "requestBody");
	begin(b, "content");
	begin(b, "application/json");
	if (v)
		verb_schema(b, v);
	else
		ref(b, r->body);
	end(b);
	end(b);
	end(b);
}

/* "getRoomsRoom", "postRoomsRoomMembersMemberMute": unique, for programs that write programs. */
static void operation_id(JsonBuilder *b, const struct route *r, const char *path)
{
	GString *id = g_string_new(NULL);
	bool up = true;

	for (const char *m = r->method; *m; m++)
		g_string_append_c(id, g_ascii_tolower(*m));
	for (const char *p = g_str_has_prefix(path, "/api/v1") ? path + 7 : path; *p; p++) {
		if (!g_ascii_isalnum(*p))
			up = true;
		else {
			g_string_append_c(id, up ? g_ascii_toupper(*p) : *p);
			up = false;
		}
	}
	str(b, "operationId", id->str);
	g_string_free(id, TRUE);
}

static void operation(JsonBuilder *b, const struct route *r, const char *path, const struct verb_info *v)
{
	char *method = g_ascii_strdown(r->method, -1);

	begin(b, method);
	operation_id(b, r, path);
	str(b, "summary", v ? v->help : r->help);
	str(b, "x-scope", scope_name(r->scope));
	parameters(b, r);
	if (r->flags & ROUTE_BODY)
		request_body(b, r, v);
	responses(b, r);
	if (!r->scope) {
		begin_list(b, "security");
		json_builder_end_array(b);
	}
	end(b);
	g_free(method);
}

/* --- all of them --- */

static bool is_verbs(const struct route *r)
{
	return g_str_has_suffix(r->path, "/{verb}");
}

static void verb_paths(JsonBuilder *b, const struct route *r)
{
	bool of_member = strstr(r->path, "{member}") != NULL;

	for (unsigned i = 0; i < VERB_N; i++) {
		const struct verb_info *v = command_info((enum verb)i);
		char *path;

		if (!order_offers(v, of_member))
			continue;
		path = g_strdup_printf("%.*s%s", (int)(strlen(r->path) - strlen("{verb}")), r->path, v->name);
		begin(b, path);
		operation(b, r, path, v);
		end(b);
		g_free(path);
	}
}

static bool told_before(const struct route *table, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (!strcmp(table[k].path, table[i].path))
			return true;
	return false;
}

static void paths(JsonBuilder *b)
{
	size_t n;
	const struct route *table = route_table(&n);

	begin(b, "paths");
	for (size_t i = 0; i < n; i++) {
		if (told_before(table, i))
			continue;
		if (is_verbs(&table[i])) {
			verb_paths(b, &table[i]);
			continue;
		}
		begin(b, table[i].path);
		for (size_t k = i; k < n; k++)
			if (!strcmp(table[k].path, table[i].path))
				operation(b, &table[k], table[k].path, NULL);
		end(b);
	}
	end(b);
}

/* Any kind of value that has the text of the setting: order.c tells which. */
static void room_settings(JsonBuilder *b)
{
	begin(b, "room-settings");
	str(b, "type", "object");
	begin(b, "properties");
	for (size_t i = 0; setting_at(i); i++) {
		begin(b, setting_at(i)->name);
		str(b, "description", setting_at(i)->help);
		end(b);
	}
	end(b);
	json_builder_set_member_name(b, "additionalProperties");
	json_builder_add_boolean_value(b, FALSE);
	end(b);
}

static void components(JsonBuilder *b)
{
	begin(b, "components");
	raw(b, "securitySchemes", "{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\"},"
				  "\"cookie\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"tutti\"}}");
	begin(b, "schemas");
	for (size_t i = 0; i < G_N_ELEMENTS(schemas); i++)
		raw(b, schemas[i].name, schemas[i].schema);
	room_settings(b);
	end(b);
	end(b);
}

char *openapi_text(const char *version)
{
	JsonBuilder *b = json_builder_new();
	JsonNode *root;
	char *text;

	begin(b, NULL);
	str(b, "openapi", "3.0.3");
	begin(b, "info");
	str(b, "title", "Tutti");
	str(b, "description", "Rooms of a SIP conference server: who is in, what may be done, what happens.");
	str(b, "version", version);
	raw(b, "license", "{\"name\":\"BSD-3-Clause\"}");
	end(b);
	raw(b, "servers", "[{\"url\":\"/\"}]");
	raw(b, "security", "[{\"bearer\":[]},{\"cookie\":[]}]");
	paths(b);
	components(b);
	end(b);
	root = json_builder_get_root(b);
	text = json_to_string(root, TRUE);
	json_node_unref(root);
	g_object_unref(b);
	return text;
}

int web_openapi(char **text, const char *version)
{
	char *json = openapi_text(version);
	int err = str_dup(text, json);

	g_free(json);
	return err;
}
