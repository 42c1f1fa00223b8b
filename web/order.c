/*
 * order.c - JSON to command.
 *
 * What a verb needs (its mask) must be there; any other field of a command may be, for many verbs take more than they need (a
 * kick its reason); what is no field at all is refused, so that a slip of the pen does not go by in silence.
 */
#include <errno.h>
#include <math.h>
#include <string.h>
#include "order.h"

static const struct order_field fields[] = {
	{ "on",       ARG_ON,       "boolean", "on or off" },
	{ "value",    ARG_VALUE,    "number",  "dB, or beats a minute" },
	{ "pan",      ARG_PAN,      "number",  "-1 left to 1 right; 2: as for all" },
	{ "role",     ARG_ROLE,     "role",    "listener, speaker or host" },
	{ "uri",      ARG_URI,      "string",  "an address" },
	{ "name",     ARG_NAME,     "string",  "a name" },
	{ "text",     ARG_TEXT,     "string",  "what the verb is about, or why" },
	{ "other",    ARG_OTHER,    "id",      "another member" },
	{ "beats",    ARG_BEATS,    "integer", "in a bar; 0: as it is" },
	{ "capture_us",  ARG_CAPTURE,  "integer", "from the air until a packet leaves" },
	{ "playback_us", ARG_PLAYBACK, "integer", "from the sound card to the air" },
	{ "buffer_us",   ARG_BUFFER,   "integer", "from a packet's coming to the sound card" },
	{ "rtt_us",      ARG_RTT,      "integer", "to the server and back; 0: not known" },
	{ "room",     ARG_ROOM,     "string",  "where to" },
	{ "settings", ARG_SETTINGS, "object",  "settings of the room by name" },
};

const struct order_field *order_fields(size_t *n)
{
	*n = G_N_ELEMENTS(fields);
	return fields;
}

bool order_offers(const struct verb_info *v, bool of_member)
{
	if (!v || v->args & ARG_FACE)
		return false;
	return v->args & ARG_WHERE || of_member == !!(v->args & ARG_MEMBER);
}

/* Of all verbs only a move names a room that is not the path's. */
unsigned order_needs(const struct verb_info *v)
{
	unsigned path = ARG_MEMBER | ARG_WHERE | (v->verb == VERB_MOVE ? 0 : ARG_ROOM);

	return v->args & ~path;
}

void order_begin(struct order *o)
{
	memset(o, 0, sizeof(*o));
	o->text = g_string_chunk_new(256);
}

void order_clear(struct order *o)
{
	if (o->text)
		g_string_chunk_free(o->text);
	o->text = NULL;
}

static int wrong(char **why, const char *name, const char *what)
{
	char *safe = g_strndup(name, 64), *utf8 = g_utf8_make_valid(safe, -1);

	*why = g_strdup_printf("%s: %s", utf8, what);
	g_free(utf8);
	g_free(safe);
	return EINVAL;
}

/* --- one value --- */

static int read_text(const char **dst, struct order *o, const char *name, JsonNode *node, char **why)
{
	const char *s = JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING ?
			json_node_get_string(node) : NULL;

	if (!s)
		return wrong(why, name, "a string is wanted");
	if (strlen(s) > ORDER_TEXT_MAX)
		return wrong(why, name, "too long");
	*dst = g_string_chunk_insert(o->text, s);
	return 0;
}

static int read_number(double *dst, const char *name, JsonNode *node, char **why)
{
	GType type = JSON_NODE_HOLDS_VALUE(node) ? json_node_get_value_type(node) : G_TYPE_NONE;

	if (type != G_TYPE_INT64 && type != G_TYPE_DOUBLE)
		return wrong(why, name, "a number is wanted");
	*dst = json_node_get_double(node);
	return isfinite(*dst) && fabs(*dst) < 1e9 ? 0 : wrong(why, name, "out of range");
}

static int read_id(uint32_t *dst, const char *name, JsonNode *node, char **why)
{
	gint64 id;

	if (!JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_INT64)
		return wrong(why, name, "the number of a member is wanted");
	id = json_node_get_int(node);
	if (id < 1 || id > UINT32_MAX)
		return wrong(why, name, "out of range");
	*dst = (uint32_t)id;
	return 0;
}

static int read_whole(uint32_t *dst, const char *name, JsonNode *node, char **why)
{
	gint64 n = JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_INT64 ? json_node_get_int(node) : -1;

	if (n < 0 || n > UINT32_MAX)
		return wrong(why, name, "a whole number is wanted");
	*dst = (uint32_t)n;
	return 0;
}

static int read_on(struct order *o, JsonNode *node, char **why)
{
	if (!JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_BOOLEAN)
		return wrong(why, "on", "true or false is wanted");
	o->cmd.on = json_node_get_boolean(node);
	return 0;
}

static int read_role(struct order *o, JsonNode *node, char **why)
{
	const char *s = NULL;
	int err = read_text(&s, o, "role", node, why);

	if (!err && role_parse(&o->cmd.role, s))
		err = wrong(why, "role", "listener, speaker or host is wanted");
	return err;
}

/* --- settings --- */

/* Lists are words; true and false are on and off; null is the default, an empty text. */
static char *setting_text(JsonNode *node)
{
	GString *out;
	JsonArray *a;
	GType type;

	if (JSON_NODE_HOLDS_NULL(node))
		return g_strdup("");
	if (JSON_NODE_HOLDS_ARRAY(node)) {
		a = json_node_get_array(node);
		out = g_string_new(NULL);
		for (guint i = 0; i < json_array_get_length(a); i++) {
			JsonNode *item = json_array_get_element(a, i);
			char *text = JSON_NODE_HOLDS_VALUE(item) ? setting_text(item) : NULL;

			if (!text || strchr(text, ' ')) {
				g_free(text);
				g_string_free(out, TRUE);
				return NULL;
			}
			g_string_append_printf(out, "%s%s", i ? " " : "", text);
			g_free(text);
		}
		return g_string_free(out, FALSE);
	}
	if (!JSON_NODE_HOLDS_VALUE(node))
		return NULL;
	type = json_node_get_value_type(node);
	if (type == G_TYPE_STRING)
		return g_strdup(json_node_get_string(node));
	if (type == G_TYPE_BOOLEAN)
		return g_strdup(json_node_get_boolean(node) ? "on" : "off");
	if (type == G_TYPE_INT64)
		return g_strdup_printf("%" G_GINT64_FORMAT, json_node_get_int(node));
	return NULL;
}

static int read_setting(struct order *o, const char *name, JsonNode *node, char **why)
{
	struct setting *s = &o->setting[o->cmd.n_settings];
	char *text = setting_text(node);
	int err = 0;

	if (!text)
		err = wrong(why, name, "a text, a number, true, false or a list of words is wanted");
	else if (strlen(text) > ORDER_TEXT_MAX || strlen(name) > 64)
		err = wrong(why, name, "too long");
	else if (o->cmd.n_settings >= ORDER_SETTINGS_MAX)
		err = wrong(why, "settings", "too many");
	if (!err) {
		s->name = g_string_chunk_insert(o->text, name);
		s->value = g_string_chunk_insert(o->text, text);
		o->cmd.n_settings++;
	}
	g_free(text);
	return err;
}

int order_settings(struct order *o, JsonObject *settings, char **why)
{
	GList *names = json_object_get_members(settings);
	int err = 0;

	for (GList *l = names; l && !err; l = l->next)
		err = o->cmd.n_settings < ORDER_SETTINGS_MAX ?
		      read_setting(o, l->data, json_object_get_member(settings, l->data), why) :
		      wrong(why, "settings", "too many");
	g_list_free(names);
	o->cmd.settings = o->setting;
	return err;
}

static int read_settings(struct order *o, JsonNode *node, char **why)
{
	return JSON_NODE_HOLDS_OBJECT(node) ? order_settings(o, json_node_get_object(node), why) :
	       wrong(why, "settings", "an object is wanted");
}

/* --- the whole --- */

static int read_real(float *dst, const char *name, JsonNode *node, char **why)
{
	double d = 0;
	int err = read_number(&d, name, node, why);

	*dst = (float)d;
	return err;
}

static int read_field(struct order *o, unsigned arg, const char *name, JsonNode *node, char **why)
{
	switch (arg) {
	case ARG_ON:       return read_on(o, node, why);
	case ARG_VALUE:    return read_real(&o->cmd.value, name, node, why);
	case ARG_PAN:      return read_real(&o->cmd.pan, name, node, why);
	case ARG_ROLE:     return read_role(o, node, why);
	case ARG_URI:      return read_text(&o->cmd.uri, o, name, node, why);
	case ARG_NAME:     return read_text(&o->cmd.name, o, name, node, why);
	case ARG_TEXT:     return read_text(&o->cmd.text, o, name, node, why);
	case ARG_BEATS:    return read_whole(&o->cmd.beats, name, node, why);
	case ARG_CAPTURE:  return read_whole(&o->cmd.capture_us, name, node, why);
	case ARG_PLAYBACK: return read_whole(&o->cmd.playback_us, name, node, why);
	case ARG_BUFFER:   return read_whole(&o->cmd.buffer_us, name, node, why);
	case ARG_RTT:      return read_whole(&o->cmd.rtt_us, name, node, why);
	case ARG_OTHER:    return read_id(&o->cmd.other, name, node, why);
	case ARG_ROOM:     return read_text(&o->cmd.room, o, name, node, why);
	case ARG_SETTINGS: return read_settings(o, node, why);
	}
	return EINVAL;
}

static const struct order_field *field_find(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
		if (!strcmp(fields[i].name, name))
			return &fields[i];
	return NULL;
}

static int read_fields(struct order *o, unsigned *given, JsonObject *body, char **why)
{
	GList *names = json_object_get_members(body);
	int err = 0;

	for (GList *l = names; l && !err; l = l->next) {
		const struct order_field *f = field_find(l->data);

		if (!f)
			err = wrong(why, l->data, "no such argument");
		else
			err = read_field(o, f->arg, f->name, json_object_get_member(body, l->data), why);
		*given |= f ? f->arg : 0;
	}
	g_list_free(names);
	return err;
}

static int need_all(unsigned needed, unsigned given, char **why)
{
	for (size_t i = 0; i < G_N_ELEMENTS(fields); i++)
		if (needed & ~given & fields[i].arg)
			return wrong(why, fields[i].name, "is missing");
	return 0;
}

/* The path names room and member; only where a member is to go stands in the body. */
static int add_path(struct order *o, unsigned given, const struct verb_info *v, const char *room, uint32_t member, char **why)
{
	o->cmd.member = member;
	if (v->verb == VERB_MOVE)
		return 0;
	if (given & ARG_ROOM)
		return wrong(why, "room", "the path names it");
	o->cmd.room = g_string_chunk_insert(o->text, room);
	return 0;
}

int order_read(struct order *o, const struct verb_info *v, const char *path_room, uint32_t path_member, JsonObject *body,
	       char **why)
{
	unsigned given = 0;
	int err;

	order_begin(o);
	*why = NULL;
	o->cmd.verb = v->verb;
	o->cmd.pan = COMMAND_PAN_SAME;
	err = read_fields(o, &given, body, why);
	if (!err)
		err = add_path(o, given, v, path_room, path_member, why);
	return err ? err : need_all(order_needs(v), given, why);
}
