/*
 * request.c - what every request meets before its handler, and the way to the control thread and back.
 *
 * In this order: is there such a path, who asks, too often, by the right method, with the right to, with a body that can be
 * read. Under /api nobody learns anything before it has said who it is.
 */
#include <errno.h>
#include <string.h>
#include "api.h"
#include "body.h"
#include "doorman.h"
#include "house.h"
#include "request.h"
#include "handlers.h"
#include "control/log.h"
#include "control/loop.h"

/* Nothing of ours is to be framed, sniffed or run but what we serve (the console). */
static const char policy[] = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self' blob:; "
			     "connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; "
			     "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

static uint64_t unix_now_ms(void)
{
	return (uint64_t)(g_get_real_time() / 1000);
}

/* --- answers --- */

void request_header(struct request *r, const char *name, const char *value)
{
	soup_message_headers_replace(soup_server_message_get_response_headers(r->msg), name, value);
}

const char *request_said(const struct request *r, const char *header)
{
	const char *s = soup_message_headers_get_one(soup_server_message_get_request_headers(r->msg), header);

	return s ? s : "";
}

const char *request_query(const struct request *r, const char *name)
{
	return r->query ? g_hash_table_lookup(r->query, name) : NULL;
}

static void common_headers(struct request *r)
{
	SoupMessageHeaders *h = soup_server_message_get_response_headers(r->msg);

	soup_message_headers_replace(h, "Connection", "close");       /* doorman.c tells why */
	soup_message_headers_replace(h, "X-Content-Type-Options", "nosniff");
	soup_message_headers_replace(h, "Content-Security-Policy", policy);
	soup_message_headers_replace(h, "X-Frame-Options", "DENY");
	soup_message_headers_replace(h, "Referrer-Policy", "no-referrer");
	soup_message_headers_replace(h, "Cross-Origin-Resource-Policy", "same-origin");
	if (!soup_message_headers_get_one(h, "Cache-Control"))
		soup_message_headers_replace(h, "Cache-Control", "no-store");
}

static void set_status(struct request *r, unsigned status)
{
	common_headers(r);
	soup_server_message_set_status(r->msg, status, NULL);
	r->house->count.requests[status / 100 < 6 ? status / 100 : 0]++;
}

void request_text(struct request *r, unsigned status, const char *type, char *text)
{
	set_status(r, status);
	soup_server_message_set_response(r->msg, type, SOUP_MEMORY_TAKE, text, strlen(text));
}

void request_json(struct request *r, unsigned status, char *json)
{
	request_text(r, status, "application/json", json);
}

void request_empty(struct request *r, unsigned status)
{
	set_status(r, status);
}

void request_error(struct request *r, unsigned status, const char *why)
{
	if (status == 503 || status == 429)
		request_header(r, "Retry-After", status == 429 ? "1" : "5");
	request_json(r, status, api_error(status, why));
}

static const struct { int err; unsigned status; const char *why; } words[] = {
	{ ENOENT,    404, "no such room or member" },
	{ EPERM,     403, "not allowed" },
	{ EACCES,    403, "a PIN is needed, or it is wrong" },
	{ EEXIST,    409, "there is one already" },
	{ EINVAL,    400, "an argument is missing or out of range" },
	{ EAGAIN,    409, "not open yet" },
	{ EBUSY,     409, "busy with another" },
	{ EALREADY,  409, "it is so already" },
	{ EUSERS,    503, "too many members" },
	{ ENOSPC,    503, "no room left for more" },
	{ ESHUTDOWN, 503, "the server is about to end" },
	{ EDEADLK,   503, "busy" },
	{ ENOTSUP,   501, "not possible here" },
	{ EPROTONOSUPPORT, 501, "no way there from here" },
	{ ENOMEM,    500, "no memory" },
	{ 0,         500, "it failed" },
};

static size_t word_of(int err)
{
	size_t i = 0;

	while (words[i].err && words[i].err != err)
		i++;
	return i;
}

void request_errno(struct request *r, int err, const char *why)
{
	size_t i = word_of(err);

	request_error(r, words[i].status, why && *why ? why : words[i].why);
}

/* --- to the control thread and back --- */

void request_free(struct request *r)
{
	g_hash_table_remove(r->house->asked, r);
	if (r->query)
		g_hash_table_unref(r->query);
	if (r->body)
		json_object_unref(r->body);
	order_clear(&r->order);
	g_free(r->if_match);
	g_free(r->if_none);
	mem_deref(r->snapshot);
	mem_deref(r->rooms);
	mem_deref(r->views);
	mem_deref(r->players);
	mem_deref(r->bans);
	mem_deref(r->delays);
	g_free(r->wrong);
	g_free(r->numbers);
	if (r->free_data)
		r->free_data(r->data);
	g_object_unref(r->msg);
	g_free(r);
}

static gboolean finish(gpointer arg)
{
	struct request *r = arg;

	if (r->sync_err)
		request_error(r, 500, "it is done, but it could not be saved: it may be gone after a restart");
	else
		r->draw(r);
	soup_server_message_unpause(r->msg);
	request_free(r);
	return G_SOURCE_REMOVE;
}

static void synced(int err, void *arg)
{
	struct request *r = arg;

	r->sync_err = err;
	g_main_context_invoke(r->house->ctx, finish, r);
}

static void taken(void *arg)
{
	struct request *r = arg;

	r->take(r);
	/* What is answered with 200 is in the file: it survives whatever happens to the process next. */
	if (!r->changed || !r->house->conf.store || store_sync(r->house->conf.store, synced, r))
		g_main_context_invoke(r->house->ctx, finish, r);
}

void request_ask(struct request *r, void (*take)(struct request *r), void (*draw)(struct request *r))
{
	r->take = take;
	r->draw = draw;
	soup_server_message_pause(r->msg);
	if (loop_post(taken, r)) {
		r->take = NULL;
		soup_server_message_unpause(r->msg);
		request_error(r, 503, "busy");
		return;
	}
	g_hash_table_add(r->house->asked, r);
}

/* --- who asks --- */

/* The key of a source for its rate: an IPv6 host has a /64 to choose from. */
static void source_key(char *key, size_t size, SoupServerMessage *msg)
{
	GSocketAddress *addr = soup_server_message_get_remote_address(msg);
	GInetAddress *inet = addr && G_IS_INET_SOCKET_ADDRESS(addr) ?
			     g_inet_socket_address_get_address(G_INET_SOCKET_ADDRESS(addr)) : NULL;
	const guint8 *b = inet ? g_inet_address_to_bytes(inet) : NULL;

	if (!b)
		g_strlcpy(key, "?", size);
	else if (g_inet_address_get_family(inet) == G_SOCKET_FAMILY_IPV6)
		g_snprintf(key, (gulong)size, "6:%02x%02x%02x%02x%02x%02x%02x%02x", b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]);
	else
		g_snprintf(key, (gulong)size, "4:%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
}

static void tell_guess(struct request *r)
{
	GSocketAddress *addr = soup_server_message_get_remote_address(r->msg);
	GInetSocketAddress *inet = addr && G_IS_INET_SOCKET_ADDRESS(addr) ? G_INET_SOCKET_ADDRESS(addr) : NULL;
	char *ip = inet ? g_inet_address_to_string(g_inet_socket_address_get_address(inet)) : g_strdup("local");

	log_security("auth-failed", "HTTP", "", ip, inet ? g_inet_socket_address_get_port(inet) : 0, "tcp");
	g_free(ip);
}

/* A wrong token costs: a few may be slips, many are guesses, and they are answered later and later. */
bool request_refuse_token(struct request *r, const char *why)
{
	char key[64];

	source_key(key, sizeof(key), r->msg);
	r->house->count.refused_auth++;
	if (!rate_take(r->house->wrong_tokens, key, g_get_monotonic_time())) {
		request_error(r, 429, "too many wrong tokens");
		return false;
	}
	tell_guess(r);
	request_header(r, "WWW-Authenticate", "Bearer realm=\"tutti\", error=\"invalid_token\"");
	request_error(r, 401, why);
	return false;
}

static bool no_token(struct request *r)
{
	request_header(r, "WWW-Authenticate", "Bearer realm=\"tutti\"");
	request_error(r, 401, "a bearer token is needed");
	return false;
}

bool request_cookie(char *value, size_t size, const struct request *r)
{
	char **part = g_strsplit(request_said(r, "Cookie"), ";", 64);
	bool found = false;

	for (char **p = part; *p && !found; p++) {
		const char *s = g_strstrip(*p);

		if (g_str_has_prefix(s, "tutti=")) {
			g_strlcpy(value, s + 6, size);
			found = true;
		}
	}
	g_strfreev(part);
	return found;
}

static bool is_json(const struct request *r)
{
	const char *type = request_said(r, "Content-Type");
	size_t n = strcspn(type, "; \t");

	return n == 16 && !g_ascii_strncasecmp(type, "application/json", n);
}

/* Another site's page may make a browser send our cookie; it cannot make it say that it is ours. A form cannot send JSON
 * without asking first, and we answer no such question. */
bool request_from_here(const struct request *r)
{
	const char *origin = request_said(r, "Origin"), *host = request_said(r, "Host"), *at = strstr(origin, "://");

	return !*origin || (at && !g_ascii_strcasecmp(at + 3, host));
}

static bool safe_method(const struct request *r)
{
	const char *m = soup_server_message_get_method(r->msg);

	return !strcmp(m, "GET") || !strcmp(m, "HEAD");
}

static bool by_cookie(struct request *r)
{
	char id[SESSION_ID + 2];

	if (!request_cookie(id, sizeof(id), r))
		return no_token(r);
	if (!session_who(&r->who, r->house->tokens, id, unix_now_ms()))
		return no_token(r);
	if (!request_from_here(r) || (!safe_method(r) && !is_json(r))) {
		request_error(r, 403, "by cookie only from our own pages, and as application/json");
		return false;
	}
	return true;
}

static bool find_who(struct request *r)
{
	const char *h = request_said(r, "Authorization");

	if (*h) {
		if (g_ascii_strncasecmp(h, "Bearer ", 7))
			return request_refuse_token(r, "only bearer tokens are known");
		return tokens_who(&r->who, r->house->tokens, h + 7, unix_now_ms()) || request_refuse_token(r, "this token is not known");
	}
	if (doorman_local(r->house->doorman, r->msg)) {
		r->who = (struct who){ .scope = SCOPE_ADMIN, .local = true, .name = "local" };
		return true;
	}
	return by_cookie(r);
}

/* --- what every request meets --- */

static bool not_too_often(struct request *r)
{
	int64_t now = g_get_monotonic_time();
	char key[64];

	if (doorman_local(r->house->doorman, r->msg))
		return true;
	source_key(key, sizeof(key), r->msg);
	if (rate_take(r->house->by_source, key, now) && rate_take(r->house->by_token, r->who.id, now))
		return true;
	r->house->count.refused_rate++;
	request_error(r, 429, "too many requests");
	return false;
}

/* A token that is bound to a room sees no other one. */
static bool may(struct request *r)
{
	const struct route *route = r->at.route;
	const char *room = strstr(route->path, "/rooms/{room}") ? r->at.param[0] : NULL;

	if (r->who.scope < route->scope) {
		char *why = g_strdup_printf("the scope %s is needed", scope_name(route->scope));

		request_error(r, 403, why);
		g_free(why);
		return false;
	}
	if (r->who.room[0] && ((route->flags & ROUTE_HOUSE) || (room && g_ascii_strcasecmp(room, r->who.room)))) {
		request_error(r, 403, "this token is good for one room only");
		return false;
	}
	return true;
}

static bool read_body(struct request *r)
{
	SoupMessageBody *body = soup_server_message_get_request_body(r->msg);
	GBytes *bytes;
	const char *why;
	gsize n;

	if (!(r->at.route->flags & ROUTE_BODY))
		return true;                              /* what is not asked for is not looked at */
	bytes = soup_message_body_flatten(body);
	(void)g_bytes_get_data(bytes, &n);
	if (n && !is_json(r)) {
		request_error(r, 415, "application/json is wanted");
	}
	else {
		r->body = body_parse(n ? g_bytes_get_data(bytes, NULL) : "", n, &why);
		if (!r->body)
			request_error(r, n > BODY_SIZE_MAX ? 413 : 400, why);
	}
	g_bytes_unref(bytes);
	return r->body != NULL;
}

static bool query_known(struct request *r)
{
	GHashTableIter it;
	gpointer name;
	char **known;
	bool good = true;

	if (!r->query || !g_str_has_prefix(r->path, "/api/"))
		return true;
	known = g_strsplit(r->at.route->query ? r->at.route->query : "", " ", 0);
	g_hash_table_iter_init(&it, r->query);
	while (good && g_hash_table_iter_next(&it, &name, NULL))
		good = g_strv_contains((const char *const *)known, name);
	if (!good)
		request_error(r, 400, "an unknown parameter behind the question mark");
	g_strfreev(known);
	return good;
}

/* Outside /api every path may be a file of the console. */
static void no_route(struct request *r, bool is_api)
{
	if (!is_api && !r->at.allow[0] && safe_method(r)) {
		on_page(r);
	}
	else if (r->at.allow[0] || !is_api) {
		request_header(r, "Allow", r->at.allow[0] ? r->at.allow : "GET, HEAD");
		request_error(r, 405, "not by this method");
	}
	else {
		request_error(r, 404, "nothing here");
	}
}

static void dispatch(struct request *r)
{
	const char *raw = g_uri_get_path(soup_server_message_get_uri(r->msg));
	bool found, is_api;

	raw = raw && *raw ? raw : "/";
	if (!route_decode(r->path, sizeof(r->path), raw)) {
		request_error(r, strlen(raw) >= sizeof(r->path) ? 414 : 400, "this path cannot be read");
		return;
	}
	found = route_find(&r->at, soup_server_message_get_method(r->msg), r->path);
	is_api = g_str_has_prefix(r->path, "/api/");
	if (is_api && !(found && r->at.route->scope == SCOPE_NONE) && !find_who(r))
		return;
	if (!not_too_often(r))
		return;
	if (!found)
		no_route(r, is_api);
	else if (may(r) && query_known(r) && read_body(r))
		r->at.route->h(r);
}

void request_begin(struct house *h, SoupServerMessage *msg, GHashTable *query)
{
	struct request *r = g_new0(struct request, 1);

	r->house = h;
	r->msg = g_object_ref(msg);
	r->query = query ? g_hash_table_ref(query) : NULL;
	dispatch(r);
	if (!r->take)                             /* else the control thread has it, or the answer is drawn and it is gone */
		request_free(r);
}

/* --- bodies that are too large: refused before they are read --- */

static void too_large(struct house *h, SoupServerMessage *msg)
{
	h->count.too_big++;
	doorman_refuse(h->doorman, msg, 413, "the body is larger than 65536 bytes");
}

static void on_chunk(SoupServerMessage *msg, GBytes *chunk, gpointer arg)
{
	(void)chunk;
	if (soup_server_message_get_request_body(msg)->length > BODY_SIZE_MAX)
		too_large(arg, msg);
}

void request_early(struct house *h, SoupServerMessage *msg)
{
	SoupMessageHeaders *headers = soup_server_message_get_request_headers(msg);
	goffset n = soup_message_headers_get_encoding(headers) == SOUP_ENCODING_CONTENT_LENGTH ?
		    soup_message_headers_get_content_length(headers) : 0;

	if (n < 0)                                /* libsoup takes "-1" for a length, and would read for ever */
		doorman_refuse(h->doorman, msg, 400, "a wrong Content-Length");
	else if (n > BODY_SIZE_MAX)
		too_large(h, msg);
	else
		g_signal_connect(msg, "got-chunk", G_CALLBACK(on_chunk), h);
}
