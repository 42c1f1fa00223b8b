/*
 * grants.c - tokens are given and taken back. A token is told once, when it is made; what is kept is its hash.
 */
#include <errno.h>
#include <string.h>
#include "api.h"
#include "handlers.h"
#include "house.h"
#include "request.h"
#include "control/store.h"

enum { TOKENS_MAX = 1000 };

struct grant { struct store_token tok; char secret[TOKEN_SECRET + 1]; };

static void grant_free(gpointer arg)
{
	memset(arg, 0, sizeof(struct grant));
	g_free(arg);
}

/* --- read --- */

static void put_one(const struct store_token *tok, void *arg)
{
	api_put_token(arg, tok, NULL);
}

void on_tokens(struct request *r)
{
	JsonBuilder *b = api_tokens_begin();

	tokens_each(r->house->tokens, put_one, b);
	request_json(r, 200, api_list_end(b));
}

/* --- given --- */

static const char *text_of(JsonObject *o, const char *name)
{
	JsonNode *node = json_object_get_member(o, name);

	return node && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING ? json_node_get_string(node) : NULL;
}

static bool wrong(struct request *r, const char *why)
{
	request_error(r, 400, why);
	return false;
}

/* "control", or a list of such words. */
static bool read_scopes(struct request *r, struct store_token *tok)
{
	JsonNode *node = json_object_get_member(r->body, "scopes");
	const char *text = text_of(r->body, "scopes");
	JsonArray *list = node && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
	enum scope scope;

	g_strlcpy(tok->scopes, text ? text : "", sizeof(tok->scopes));
	for (guint i = 0; list && i < json_array_get_length(list) && i < 8; i++) {
		JsonNode *word = json_array_get_element(list, i);
		bool is_text = JSON_NODE_HOLDS_VALUE(word) && json_node_get_value_type(word) == G_TYPE_STRING;

		g_strlcat(tok->scopes, i ? " " : "", sizeof(tok->scopes));
		g_strlcat(tok->scopes, is_text ? json_node_get_string(word) : "?", sizeof(tok->scopes));
	}
	scope = scope_parse(tok->scopes);
	if (scope == SCOPE_NONE)
		return wrong(r, "scopes: read, control or admin is wanted");
	g_strlcpy(tok->scopes, scope_name(scope), sizeof(tok->scopes));
	return scope != SCOPE_ADMIN || !tok->room[0] || wrong(r, "scopes: an administrator of one room there is not");
}

static bool read_expiry(struct request *r, struct store_token *tok)
{
	JsonNode *node = json_object_get_member(r->body, "expires_ms");

	if (!node || JSON_NODE_HOLDS_NULL(node))
		return true;
	if (!JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_INT64 ||
	    json_node_get_int(node) <= (gint64)tok->created_ms)
		return wrong(r, "expires_ms: a time to come is wanted, in milliseconds since 1970");
	tok->expires_ms = (uint64_t)json_node_get_int(node);
	return true;
}

static bool known_names(struct request *r)
{
	static const char *const known[] = { "name", "scopes", "room", "expires_ms", NULL };
	GList *names = json_object_get_members(r->body);
	bool good = true;

	for (GList *l = names; l && good; l = l->next)
		good = g_strv_contains(known, l->data);
	g_list_free(names);
	return good || wrong(r, "name, scopes, room and expires_ms are known, nothing else");
}

static bool read_grant(struct request *r, struct store_token *tok)
{
	const char *name = text_of(r->body, "name"), *room = text_of(r->body, "room");
	JsonNode *node = json_object_get_member(r->body, "room");

	tok->created_ms = (uint64_t)(g_get_real_time() / 1000);
	if (!known_names(r))
		return false;
	if (!name || !*name || strlen(name) >= sizeof(tok->name))
		return wrong(r, "name: 1 to 63 bytes of text, to know it by");
	if (node && !JSON_NODE_HOLDS_NULL(node) && (!room || !control_room_name_valid(room)))
		return wrong(r, "room: the name of a room, or null");
	g_strlcpy(tok->name, name, sizeof(tok->name));
	g_strlcpy(tok->room, room ? room : "", sizeof(tok->room));
	return read_scopes(r, tok) && read_expiry(r, tok);
}

static void take_grant(struct request *r)
{
	struct grant *g = r->data;

	r->err = store_token_put(r->house->conf.store, &g->tok);
	r->changed = !r->err;
}

static void draw_grant(struct request *r)
{
	struct grant *g = r->data;
	JsonBuilder *b;

	if (!r->err)
		r->err = tokens_add(r->house->tokens, &g->tok);
	if (r->err) {
		request_errno(r, r->err, NULL);
		return;
	}
	b = json_builder_new();
	api_put_token(b, &g->tok, g->secret);
	request_json(r, 201, api_text(b));
}

static void count_one(const struct store_token *tok, void *arg)
{
	(void)tok;
	++*(unsigned *)arg;
}

static bool can_keep(struct request *r)
{
	unsigned n = 0;

	tokens_each(r->house->tokens, count_one, &n);
	if (!r->house->conf.store)
		request_error(r, 501, "nothing is kept here");
	else if (n >= TOKENS_MAX)
		request_error(r, 503, "too many tokens");
	else
		return true;
	return false;
}

void on_token_make(struct request *r)
{
	struct grant *g = g_new0(struct grant, 1);

	r->data = g;
	r->free_data = grant_free;
	if (!can_keep(r) || !read_grant(r, &g->tok))
		return;
	if (token_make(g->secret, &g->tok))
		request_error(r, 500, "no randomness");
	else
		request_ask(r, take_grant, draw_grant);
}

/* --- taken back: at once for whoever asks next, then in the file --- */

static void take_revoke(struct request *r)
{
	r->err = store_token_del(r->house->conf.store, r->at.param[0]);
	r->changed = !r->err;
}

static void draw_revoke(struct request *r)
{
	if (r->err)
		request_errno(r, r->err, NULL);
	else
		request_json(r, 200, api_ok(0));
}

void on_token_del(struct request *r)
{
	if (!tokens_del(r->house->tokens, r->at.param[0]))
		request_errno(r, ENOENT, "no such token");
	else
		request_ask(r, take_revoke, draw_revoke);
}
