/*
 * web.c - HTTP on libsoup.
 *
 *     web thread:      request -> pause -> post a question           finish: pen -> response -> unpause
 *                                              |                        ^
 *     control thread:                          +-> take the value ------+  (given away; no object is shared)
 *
 * What needs no room (health, the page, a refusal) is answered at once. The API wants a bearer token; health and metrics
 * do not, they listen on loopback unless the operator decides otherwise.
 */
#include <errno.h>
#include <libsoup/soup.h>
#include <string.h>
#include "api.h"
#include "metrics.h"
#include "static.h"
#include "web.h"
#include "control/loop.h"
#include "control/log.h"

struct web {
	struct web_conf conf;
	char *token;
	GMainContext *ctx;
	GMainLoop *loop;
	GThread *thread;
	GSocketService *service;
	SoupServer *server;
};

enum question { ASK_READY, ASK_METRICS, ASK_STATUS, ASK_ROOMS, ASK_ROOM };

/* One request on its way to the control thread and back; owned by whoever has it. */
struct ask {
	struct web *web;
	SoupServerMessage *msg;
	enum question question;
	char room[ROOM_NAME_MAX + 1];
	int err;
	struct web_status status;
	struct snapshot *snapshot;
	struct snapshot_names *names;
};

/* --- responses (web thread) --- */

static void respond(SoupServerMessage *msg, unsigned status, const char *type, char *body)
{
	soup_server_message_set_status(msg, status, NULL);
	soup_message_headers_replace(soup_server_message_get_response_headers(msg), "Cache-Control", "no-store");
	soup_server_message_set_response(msg, type, SOUP_MEMORY_TAKE, body, strlen(body));
}

static void respond_error(SoupServerMessage *msg, unsigned status, const char *message)
{
	respond(msg, status, "application/json", api_error(status, message));
}

static void answer(struct ask *q)
{
	switch (q->question) {

	case ASK_READY:
		respond(q->msg, q->status.ready ? 200 : 503, "text/plain",
			g_strdup(q->status.ready ? "ready\n" : q->status.draining ? "draining\n" : "starting\n"));
		break;

	case ASK_METRICS:
		respond(q->msg, 200, "text/plain; version=0.0.4", metrics_text(&q->status));
		break;

	case ASK_STATUS:
		respond(q->msg, 200, "application/json", api_status(&q->status));
		break;

	case ASK_ROOMS:
		if (q->err)
			respond_error(q->msg, 500, "no memory");
		else
			respond(q->msg, 200, "application/json", api_rooms(q->names));
		break;

	case ASK_ROOM:
		if (q->err)
			respond_error(q->msg, q->err == ENOENT ? 404 : 500, q->err == ENOENT ? "no such room" : "no memory");
		else
			respond(q->msg, 200, "application/json", api_room(q->snapshot));
		break;
	}
}

static gboolean finish(gpointer arg)
{
	struct ask *q = arg;

	answer(q);
	soup_server_message_unpause(q->msg);

	g_object_unref(q->msg);
	mem_deref(q->snapshot);
	mem_deref(q->names);
	g_free(q);

	return G_SOURCE_REMOVE;
}

/* --- the question (control thread) --- */

static void take(void *arg)
{
	struct ask *q = arg;

	switch (q->question) {

	case ASK_READY: case ASK_METRICS: case ASK_STATUS:
		q->web->conf.collect(&q->status, q->web->conf.arg);
		break;

	case ASK_ROOMS:
		q->err = snapshot_rooms(&q->names, q->web->conf.control);
		break;

	case ASK_ROOM:
		q->err = snapshot_take(&q->snapshot, q->web->conf.control, q->room);
		break;
	}

	g_main_context_invoke(q->web->ctx, finish, q);
}

static void ask(struct web *w, SoupServerMessage *msg, enum question question, const char *room)
{
	struct ask *q = g_new0(struct ask, 1);

	q->web = w;
	q->msg = g_object_ref(msg);
	q->question = question;
	if (room)
		g_strlcpy(q->room, room, sizeof(q->room));

	soup_server_message_pause(msg);

	if (loop_post(take, q)) {
		soup_server_message_unpause(msg);
		respond_error(msg, 503, "busy");
		g_object_unref(q->msg);
		g_free(q);
	}
}

/* --- routes (web thread) --- */

static bool read_only(SoupServerMessage *msg)
{
	const char *method = soup_server_message_get_method(msg);

	if (!strcmp(method, "GET") || !strcmp(method, "HEAD"))
		return true;

	soup_message_headers_replace(soup_server_message_get_response_headers(msg), "Allow", "GET, HEAD");
	respond_error(msg, 405, "this version of the API can only be read");

	return false;
}

/* In constant time: how long a wrong token takes tells nothing about the right one. */
static bool same(const char *a, const char *b)
{
	size_t n = strlen(a);
	unsigned diff = n != strlen(b);

	for (size_t i = 0; i < n && b[0]; i++)
		diff |= (unsigned char)a[i] ^ (unsigned char)b[i % strlen(b)];

	return !diff;
}

static bool authorized(const struct web *w, SoupServerMessage *msg)
{
	const char *h = soup_message_headers_get_one(soup_server_message_get_request_headers(msg), "Authorization");

	if (h && w->token[0] && !g_ascii_strncasecmp(h, "Bearer ", 7) && same(h + 7, w->token))
		return true;

	soup_message_headers_replace(soup_server_message_get_response_headers(msg), "WWW-Authenticate", "Bearer");
	respond_error(msg, 401, "a bearer token is needed");

	return false;
}

static void on_page(SoupServer *s, SoupServerMessage *msg, const char *path, GHashTable *query, gpointer arg)
{
	(void)s; (void)query; (void)arg;

	if (!static_find(path))
		respond_error(msg, 404, "nothing here");
	else if (read_only(msg))
		(void)static_answer(msg, path);
}

static void on_health(SoupServer *s, SoupServerMessage *msg, const char *path, GHashTable *query, gpointer arg)
{
	(void)s; (void)path; (void)query; (void)arg;

	if (read_only(msg))
		respond(msg, 200, "text/plain", g_strdup("ok\n"));
}

static void on_ready(SoupServer *s, SoupServerMessage *msg, const char *path, GHashTable *query, gpointer arg)
{
	(void)s; (void)path; (void)query;

	if (read_only(msg))
		ask(arg, msg, ASK_READY, NULL);
}

static void on_metrics(SoupServer *s, SoupServerMessage *msg, const char *path, GHashTable *query, gpointer arg)
{
	(void)s; (void)path; (void)query;

	if (read_only(msg))
		ask(arg, msg, ASK_METRICS, NULL);
}

static void on_api(SoupServer *s, SoupServerMessage *msg, const char *path, GHashTable *query, gpointer arg)
{
	static const char rooms[] = "/api/v1/rooms/";

	(void)s; (void)query;

	if (!authorized(arg, msg) || !read_only(msg))
		return;

	if (!strcmp(path, "/api/v1/status"))
		ask(arg, msg, ASK_STATUS, NULL);
	else if (!strcmp(path, "/api/v1/rooms"))
		ask(arg, msg, ASK_ROOMS, NULL);
	else if (g_str_has_prefix(path, rooms) && path[sizeof(rooms) - 1] && strlen(path) - sizeof(rooms) < ROOM_NAME_MAX)
		ask(arg, msg, ASK_ROOM, path + sizeof(rooms) - 1);
	else if (!strcmp(path, "/api/v1/events"))
		respond_error(msg, 501, "the event stream arrives with a later version");
	else
		respond_error(msg, 404, "nothing here");
}

/* --- life --- */

static gpointer run(gpointer arg)
{
	struct web *w = arg;

	g_main_context_push_thread_default(w->ctx);
	g_main_loop_run(w->loop);
	g_main_context_pop_thread_default(w->ctx);

	return NULL;
}

static gboolean quit(gpointer arg)
{
	g_main_loop_quit(arg);

	return G_SOURCE_REMOVE;
}

static void destructor(void *arg)
{
	struct web *w = arg;

	if (w->thread) {
		g_main_context_invoke(w->ctx, quit, w->loop);
		g_thread_join(w->thread);
	}

	if (w->service) {
		g_socket_service_stop(w->service);
		g_socket_listener_close(G_SOCKET_LISTENER(w->service));
		g_object_unref(w->service);
	}
	if (w->server) {
		soup_server_disconnect(w->server);
		g_object_unref(w->server);
	}
	if (w->loop)
		g_main_loop_unref(w->loop);
	if (w->ctx)
		g_main_context_unref(w->ctx);
	g_free(w->token);
}

static gboolean on_connection(GSocketService *s, GSocketConnection *c, GObject *source, gpointer arg)
{
	GSocketAddress *local = g_socket_connection_get_local_address(c, NULL);
	GSocketAddress *remote = g_socket_connection_get_remote_address(c, NULL);
	struct web *w = arg;

	(void)s; (void)source;

	if (local && remote)
		(void)soup_server_accept_iostream(w->server, G_IO_STREAM(c), local, remote, NULL);

	if (local)
		g_object_unref(local);
	if (remote)
		g_object_unref(remote);

	return TRUE;
}

/* GLib accepts, libsoup serves: libsoup's own listener (3.2) keeps a reference to the socket of every connection it ever
 * accepted, so that each health check would cost memory for ever. */
static int listen_on(struct web *w, const char *text)
{
	GSocketAddress *addr;
	GError *error = NULL;
	struct sa sa;
	char host[64];
	int err = 0;

	if (sa_decode(&sa, text, strlen(text)))
		return EINVAL;

	(void)re_snprintf(host, sizeof(host), "%j", &sa);
	addr = g_inet_socket_address_new_from_string(host, sa_port(&sa));
	if (!addr)
		return EINVAL;

	if (!g_socket_listener_add_address(G_SOCKET_LISTENER(w->service), addr, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP,
					   NULL, NULL, &error)) {
		log_error("web.listen", "address=%s why=\"%s\"", text, error->message);
		g_error_free(error);
		err = EADDRINUSE;
	}

	g_object_unref(addr);

	return err;
}

int web_start(struct web **wp, const struct web_conf *conf)
{
	struct web *w = mem_zalloc(sizeof(*w), destructor);
	int err;

	if (!w)
		return ENOMEM;

	w->conf  = *conf;
	w->token = g_strdup(conf->token);
	w->ctx   = g_main_context_new();
	w->loop  = g_main_loop_new(w->ctx, FALSE);

	/* Listeners belong to the context that is the thread's default while they are made. */
	g_main_context_push_thread_default(w->ctx);
	w->service = g_socket_service_new();
	g_signal_connect(w->service, "incoming", G_CALLBACK(on_connection), w);
	w->server = soup_server_new("server-header", "tutti", NULL);
	soup_server_add_handler(w->server, NULL, on_page, w, NULL);
	soup_server_add_handler(w->server, "/healthz", on_health, w, NULL);
	soup_server_add_handler(w->server, "/readyz", on_ready, w, NULL);
	soup_server_add_handler(w->server, "/metrics", on_metrics, w, NULL);
	soup_server_add_handler(w->server, "/api/v1", on_api, w, NULL);
	err = listen_on(w, conf->listen);
	g_main_context_pop_thread_default(w->ctx);

	if (!err)
		w->thread = g_thread_new("web", run, w);

	if (err)
		mem_deref(w);
	else
		*wp = w;

	return err;
}
