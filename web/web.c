/*
 * web.c - the thread that speaks HTTP: its parts are built, run and taken down here.
 *
 *     doorman  ->  libsoup  ->  request  ->  route  ->  a handler (rooms, login, server, stream ...)
 *
 * What needs no room (health, the page, a refusal) is answered at once, everything else asks the control thread
 * (request.h). The API wants a token; health and metrics do not, they listen on loopback unless the operator decides
 * otherwise.
 */
#include <errno.h>
#include <string.h>
#include "doorman.h"
#include "hook.h"
#include "house.h"
#include "request.h"
#include "feed.h"
#include "control/log.h"

enum { WRONG_TOKENS_S = 1, WRONG_TOKENS_BURST = 30, LAST_TURNS = 1000 };

struct web {
	struct house house;
	char *token, *listen, *socket, *state_dir;
	GMainLoop *loop;
	GThread *thread;
};

static void on_any(SoupServer *s, SoupServerMessage *msg, const char *path, GHashTable *query, gpointer arg)
{
	struct web *w = arg;

	(void)s; (void)path;
	doorman_busy(w->house.doorman, msg);
	request_begin(&w->house, msg, query);
}

static void on_early(SoupServer *s, SoupServerMessage *msg, const char *path, GHashTable *query, gpointer arg)
{
	struct web *w = arg;

	(void)s; (void)path; (void)query;
	request_early(&w->house, msg);
}

/* --- life --- */

static gpointer run(gpointer arg)
{
	struct web *w = arg;

	g_main_context_push_thread_default(w->house.ctx);
	g_main_loop_run(w->loop);
	/* Webhooks are ended where they were sent from, and what they were waiting for is told that it ended. */
	w->house.hooks = mem_deref(w->house.hooks);
	for (int i = 0; i < LAST_TURNS && g_main_context_iteration(w->house.ctx, FALSE); i++)
		;
	g_main_context_pop_thread_default(w->house.ctx);
	return NULL;
}

static gboolean quit(gpointer arg)
{
	g_main_loop_quit(arg);
	return G_SOURCE_REMOVE;
}

/* Questions that nobody will answer any more. */
static void forget_asked(struct house *h)
{
	GList *left = g_hash_table_get_keys(h->asked);

	for (GList *l = left; l; l = l->next)
		request_free(l->data);
	g_list_free(left);
	g_hash_table_destroy(h->asked);
}

/* Listeners, timers and connections belong to the context that is the thread's default while they are made and ended. */
static void destructor(void *arg)
{
	struct web *w = arg;
	struct house *h = &w->house;

	if (w->thread) {
		g_main_context_invoke(h->ctx, quit, w->loop);
		g_thread_join(w->thread);
	}
	g_main_context_push_thread_default(h->ctx);
	forget_asked(h);
	mem_deref(h->stream);
	mem_deref(h->hooks);
	mem_deref(h->doorman);
	if (h->server) {
		soup_server_disconnect(h->server);
		g_object_unref(h->server);
	}
	g_main_context_pop_thread_default(h->ctx);
	mem_deref(h->tokens);
	g_free(h->by_source);
	g_free(h->by_token);
	g_free(h->wrong_tokens);
	g_main_loop_unref(w->loop);
	g_main_context_unref(h->ctx);
	g_free(w->token);
	g_free(w->listen);
	g_free(w->socket);
	g_free(w->state_dir);
}

static int listen_all(struct house *h)
{
	int err = 0;

	if (h->conf.listen[0])
		err = doorman_listen(h->doorman, h->conf.listen);
	if (!err && h->conf.socket[0]) {
		err = doorman_listen_unix(h->doorman, h->conf.socket);
		if (err)
			log_error("web.socket", "path=%s error=\"%s\"", h->conf.socket, strerror(err));
	}
	if (!err)
		doorman_open(h->doorman);
	return err;
}

static void add_token(const struct store_token *tok, void *arg)
{
	(void)tokens_add(arg, tok);
}

static int build(struct web *w)
{
	struct house *h = &w->house;
	int err;

	h->by_source = rate_new(h->conf.rate, 2 * h->conf.rate);
	h->by_token = rate_new(h->conf.rate, 2 * h->conf.rate);
	h->wrong_tokens = rate_new(WRONG_TOKENS_S, WRONG_TOKENS_BURST);
	h->server = soup_server_new("server-header", "tutti", "raw-paths", TRUE, NULL);
	soup_server_add_early_handler(h->server, NULL, on_early, w, NULL);
	soup_server_add_handler(h->server, NULL, on_any, w, NULL);
	err = tokens_alloc(&h->tokens, w->token);
	if (!err && h->conf.store)
		err = store_tokens(h->conf.store, add_token, h->tokens);
	if (!err)
		err = doorman_alloc(&h->doorman, h);
	if (!err)
		err = hooks_alloc(&h->hooks, h);
	if (!err)
		err = feed_alloc(&h->stream, h);
	if (!err)
		hooks_set(h->hooks, h->conf.hooks, h->conf.n_hooks);
	return err ? err : listen_all(h);
}

int web_start(struct web **wp, const struct web_conf *conf)
{
	struct web *w = mem_zalloc(sizeof(*w), destructor);
	int err;

	if (!w)
		return ENOMEM;
	w->house.conf = *conf;
	w->house.ctx = g_main_context_new();
	w->house.asked = g_hash_table_new(NULL, NULL);
	w->house.conf.token = w->token = g_strdup(conf->token);
	w->house.conf.listen = w->listen = g_strdup(conf->listen);
	w->house.conf.state_dir = w->state_dir = g_strdup(conf->state_dir);
	w->house.conf.socket = w->socket = g_strdup(conf->socket);
	w->loop = g_main_loop_new(w->house.ctx, FALSE);

	g_main_context_push_thread_default(w->house.ctx);
	err = build(w);
	g_main_context_pop_thread_default(w->house.ctx);
	if (!err)
		w->thread = g_thread_new("web", run, w);

	if (err)
		mem_deref(w);
	else
		*wp = w;
	return err;
}

/* --- reload --- */

struct new_hooks { struct web *web; size_t n; struct web_hook hook[]; };

static gboolean use_hooks(gpointer arg)
{
	struct new_hooks *h = arg;

	hooks_set(h->web->house.hooks, h->hook, h->n);
	return G_SOURCE_REMOVE;
}

static void free_hooks(gpointer arg)
{
	struct new_hooks *h = arg;

	for (size_t i = 0; i < h->n; i++) {
		g_free((char *)h->hook[i].name);
		g_free((char *)h->hook[i].url);
		g_free((char *)h->hook[i].secret);
		g_free((char *)h->hook[i].events);
	}
	g_free(h);
}

void web_hooks(struct web *w, const struct web_hook *hooks, size_t n)
{
	struct new_hooks *h;

	if (!w)
		return;
	h = g_malloc0(sizeof(*h) + n * sizeof(h->hook[0]));
	h->web = w;
	h->n = n;
	for (size_t i = 0; i < n; i++)
		h->hook[i] = (struct web_hook){ g_strdup(hooks[i].name), g_strdup(hooks[i].url), g_strdup(hooks[i].secret),
						g_strdup(hooks[i].events) };
	g_main_context_invoke_full(w->house.ctx, G_PRIORITY_DEFAULT, use_hooks, h, free_hooks);
}
