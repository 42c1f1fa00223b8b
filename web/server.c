/*
 * server.c - what is asked about the server itself: does it live, is it ready, its figures, what it can do.
 */
#include <string.h>
#include "api.h"
#include "handlers.h"
#include "hook.h"
#include "house.h"
#include "metrics.h"
#include "openapi.h"
#include "request.h"
#include "feed.h"
#include "static.h"

static void take_numbers(struct request *r)
{
	r->numbers = g_new0(struct web_status, 1);
	r->house->conf.collect(r->numbers, r->house->conf.arg);
}

void on_health(struct request *r)
{
	request_text(r, 200, "text/plain", g_strdup("ok\n"));
}

static void draw_ready(struct request *r)
{
	const struct web_status *st = r->numbers;

	request_text(r, st->ready ? 200 : 503, "text/plain",
		     g_strdup(st->ready ? "ready\n" : st->draining ? "draining\n" : "starting\n"));
}

void on_ready(struct request *r)
{
	request_ask(r, take_numbers, draw_ready);
}

static void count_web(struct metrics_web *w, const struct house *h)
{
	struct hooks_count hooks;

	*w = (struct metrics_web){ .refused_auth = h->count.refused_auth, .refused_rate = h->count.refused_rate, .too_large = h->count.too_big };
	memcpy(w->requests, h->count.requests, sizeof(w->requests));
	feed_numbers(h->stream, &w->watchers, &w->resyncs);
	hooks_count(h->hooks, &hooks);
	w->hook_delivered = hooks.delivered;
	w->hook_failed = hooks.failed;
	w->hook_dead = hooks.dead;
	w->hook_waiting = hooks.waiting;
}

static void draw_metrics(struct request *r)
{
	struct metrics_web w;

	count_web(&w, r->house);
	request_text(r, 200, "text/plain; version=0.0.4; charset=utf-8", metrics_text(r->numbers, &w));
}

void on_metrics(struct request *r)
{
	request_ask(r, take_numbers, draw_metrics);
}

static void draw_status(struct request *r)
{
	request_json(r, 200, api_status(r->numbers));
}

void on_status(struct request *r)
{
	request_ask(r, take_numbers, draw_status);
}

static void draw_openapi(struct request *r)
{
	request_json(r, 200, openapi_text(r->numbers->version));
}

void on_openapi(struct request *r)
{
	request_ask(r, take_numbers, draw_openapi);
}

void on_verbs(struct request *r)
{
	request_json(r, 200, api_verbs());
}

void on_settings(struct request *r)
{
	request_json(r, 200, api_settings());
}

/* --- accounts: those of the configuration, without their passwords --- */

static void add_account(const char *name, const char *role, void *arg)
{
	api_put_account(arg, name, role);
}

static void drop_list(gpointer list)
{
	g_object_unref(list);
}

static void take_accounts(struct request *r)
{
	r->data = api_accounts_begin();
	r->free_data = drop_list;
	r->house->conf.accounts(add_account, r->data, r->house->conf.arg);
}

static void draw_accounts(struct request *r)
{
	r->free_data = NULL;
	request_json(r, 200, api_list_end(r->data));
}

void on_accounts(struct request *r)
{
	request_ask(r, take_accounts, draw_accounts);
}

/* The files of the console; what a page may do is said with all answers (request.c). */
void on_page(struct request *r)
{
	const struct static_file *f = static_find(r->path);
	const char *have = request_said(r, "If-None-Match");

	if (!f) {
		request_error(r, 404, "nothing here");
		return;
	}
	request_header(r, "ETag", f->etag);
	request_header(r, "Cache-Control", "no-cache");
	request_header(r, "Cross-Origin-Opener-Policy", "same-origin");
	if (static_known(f, have))
		request_empty(r, 304);
	else
		request_text(r, 200, f->type, g_strndup(f->data, f->n));
}
