/*
 * server.c - what is asked about the server itself: does it live, is it ready, its figures, what it can do.
 */
#include "api.h"
#include "handlers.h"
#include "house.h"
#include "metrics.h"
#include "openapi.h"
#include "request.h"
#include "static.h"

static void take_numbers(struct request *r)
{
	r->house->conf.collect(&r->numbers, r->house->conf.arg);
}

void on_health(struct request *r)
{
	request_text(r, 200, "text/plain", g_strdup("ok\n"));
}

static void draw_ready(struct request *r)
{
	const struct web_status *st = &r->numbers;

	request_text(r, st->ready ? 200 : 503, "text/plain",
		     g_strdup(st->ready ? "ready\n" : st->draining ? "draining\n" : "starting\n"));
}

void on_ready(struct request *r)
{
	request_ask(r, take_numbers, draw_ready);
}

static void draw_metrics(struct request *r)
{
	request_text(r, 200, "text/plain; version=0.0.4", metrics_text(&r->numbers));
}

void on_metrics(struct request *r)
{
	request_ask(r, take_numbers, draw_metrics);
}

static void draw_status(struct request *r)
{
	request_json(r, 200, api_status(&r->numbers));
}

void on_status(struct request *r)
{
	request_ask(r, take_numbers, draw_status);
}

static void draw_openapi(struct request *r)
{
	request_json(r, 200, openapi_text(r->numbers.version));
}

void on_openapi(struct request *r)
{
	request_ask(r, take_numbers, draw_openapi);
}

void on_verbs(struct request *r)
{
	request_json(r, 200, api_verbs());
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
