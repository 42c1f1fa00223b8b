/*
 * feed.c - from control's events to those who watch.
 *
 *     control thread:   event -> told ----(a queue under a lock)----> web thread:   JSON -> ring -> watchers, webhooks
 *
 * Numbers of events have no gaps, so an event's place in the ring is its number. Levels are no events: 20 times a second the
 * rooms whose levels somebody watches are asked for them, each once, however many watch.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include "api.h"
#include "handlers.h"
#include "hook.h"
#include "house.h"
#include "request.h"
#include "feed.h"
#include "watch.h"
#include "control/log.h"
#include "control/loop.h"

enum { BEAT_MS = 1000 };

struct levels;
struct kept { uint64_t number; char room[64]; char *json; };

struct feed {
	struct house *house;
	struct event_lsnr *lsnr;          /* control thread */

	pthread_mutex_t lock;             /* of these three; not GLib's, which the thread sanitizer cannot see */
	GQueue told;
	bool lost;

	struct kept ring[STREAM_KEPT];
	uint64_t first, last;             /* numbers of those in the ring; first > last: none */
	GPtrArray *watchers;
	GSource *beat, *levels;
	struct levels *asked;             /* what control is asked for now */
	uint64_t resyncs;
};

/* --- the ring --- */

static struct kept *slot(const struct feed *s, uint64_t number)
{
	return (struct kept *)&s->ring[number % STREAM_KEPT];
}

static void forget(struct feed *s, uint64_t number)
{
	for (size_t i = 0; i < STREAM_KEPT; i++)
		g_clear_pointer(&s->ring[i].json, g_free);
	s->first = number + 1;
	s->last = number;
}

static void keep(struct feed *s, const struct told *t)
{
	struct kept *k = slot(s, t->ev.number);

	if (t->ev.number != s->last + 1)
		forget(s, t->ev.number - 1);
	g_free(k->json);
	k->number = t->ev.number;
	g_strlcpy(k->room, t->room, sizeof(k->room));
	k->json = api_event(t);
	hooks_offer(s->house->hooks, t, k->json);
	s->last = t->ev.number;
	if (s->last - s->first >= STREAM_KEPT)
		s->first = s->last - STREAM_KEPT + 1;
}

const char *feed_next(const struct feed *s, const char *room, uint64_t *at, int *err)
{
	*err = *at + 1 < s->first || *at > s->last ? EPIPE : 0;
	while (!*err && *at < s->last) {
		const struct kept *k = slot(s, ++*at);

		if (!room || !g_ascii_strcasecmp(room, k->room))
			return k->json;
	}
	return NULL;
}

uint64_t feed_number(const struct feed *s)
{
	return s->last;
}

/* --- those who watch --- */

static bool feed_full(const struct feed *s)
{
	return s->watchers->len >= STREAM_WATCHERS;
}

void feed_add(struct feed *s, struct watcher *w)
{
	g_ptr_array_add(s->watchers, w);
}

void feed_del(struct feed *s, struct watcher *w)
{
	g_ptr_array_remove_fast(s->watchers, w);
}

void feed_resynced(struct feed *s)
{
	s->resyncs++;
}

void feed_numbers(const struct feed *s, uint32_t *watchers, uint64_t *resyncs)
{
	*watchers = s->watchers->len;
	*resyncs = s->resyncs;
}

static gboolean beat(gpointer arg)
{
	struct feed *s = arg;
	int64_t now = g_get_monotonic_time();

	for (guint i = s->watchers->len; i > 0; i--) {    /* the last takes the place of one that goes */
		struct watcher *w = g_ptr_array_index(s->watchers, i - 1);

		if (!watch_beat(w, now))
			mem_deref(w);
	}
	return G_SOURCE_CONTINUE;
}

/* --- from control --- */

static gboolean drain(gpointer arg)
{
	struct feed *s = arg;
	GQueue told;
	bool lost;

	pthread_mutex_lock(&s->lock);
	told = s->told;
	lost = s->lost;
	g_queue_init(&s->told);
	s->lost = false;
	pthread_mutex_unlock(&s->lock);
	if (lost)
		log_warning("web.events", "what=\"more at once than can be kept: watchers begin anew\"");
	for (struct told *t; (t = g_queue_pop_head(&told)) != NULL; g_free(t))
		keep(s, t);
	for (guint i = 0; i < s->watchers->len; i++)
		watch_feed(g_ptr_array_index(s->watchers, i));
	return G_SOURCE_REMOVE;
}

static void on_event(const struct event *ev, void *arg)
{
	struct feed *s = arg;
	struct told *t = g_new0(struct told, 1);
	bool first, full;

	t->ev = *ev;
	t->ev.who = NULL;
	g_strlcpy(t->room, ev->room, sizeof(t->room));
	g_strlcpy(t->detail, ev->detail, sizeof(t->detail));
	t->ev.room = t->room;
	t->ev.detail = t->detail;
	t->has_member = !event_member(&t->member, ev);

	pthread_mutex_lock(&s->lock);
	first = g_queue_is_empty(&s->told);
	full = g_queue_get_length(&s->told) >= STREAM_TOLD_MAX;
	if (full)
		s->lost = true;           /* the gap in the numbers shows it */
	else
		g_queue_push_tail(&s->told, t);
	pthread_mutex_unlock(&s->lock);
	if (full)
		g_free(t);
	if (first)
		g_main_context_invoke(s->house->ctx, drain, s);
}

/* --- levels --- */

struct level_room { char room[64]; bool there; GArray *level; };
struct level_of { uint32_t member; uint8_t dbov; };

struct levels {
	struct feed *stream;
	size_t n;
	struct level_room room[STREAM_WATCHERS];
};

static void levels_free(struct levels *l)
{
	for (size_t i = 0; i < l->n; i++)
		g_array_free(l->room[i].level, TRUE);
	g_free(l);
}

static char *levels_json(const struct level_room *r)
{
	GString *out = g_string_new("{\"type\":\"levels\",\"room\":\"");

	g_string_append_printf(out, "%s\",\"levels\":[", r->room);
	for (guint i = 0; i < r->level->len; i++) {
		const struct level_of *l = &g_array_index(r->level, struct level_of, i);

		g_string_append_printf(out, "%s[%u,%u]", i ? "," : "", l->member, l->dbov);
	}
	return g_string_free(g_string_append(out, "]}"), FALSE);
}

static gboolean levels_tell(gpointer arg)
{
	struct levels *l = arg;
	struct feed *s = l->stream;

	s->asked = NULL;
	for (size_t i = 0; i < l->n; i++) {
		char *json = l->room[i].there ? levels_json(&l->room[i]) : NULL;

		for (guint k = 0; json && k < s->watchers->len; k++)
			watch_levels(g_ptr_array_index(s->watchers, k), l->room[i].room, json);
		g_free(json);
	}
	levels_free(l);
	return G_SOURCE_REMOVE;
}

static void level_add(uint32_t member, uint8_t dbov, void *arg)
{
	struct level_of l = { member, dbov };

	g_array_append_val((GArray *)arg, l);
}

static void levels_take(void *arg)
{
	struct levels *l = arg;

	for (size_t i = 0; i < l->n; i++)
		l->room[i].there = !control_levels(l->stream->house->conf.control, l->room[i].room, level_add, l->room[i].level);
	g_main_context_invoke(l->stream->house->ctx, levels_tell, l);
}

static void levels_want(struct levels *l, const char *room)
{
	for (size_t i = 0; i < l->n; i++)
		if (!g_ascii_strcasecmp(l->room[i].room, room))
			return;
	g_strlcpy(l->room[l->n].room, room, sizeof(l->room[0].room));
	l->room[l->n++].level = g_array_new(FALSE, FALSE, sizeof(struct level_of));
}

static gboolean levels_tick(gpointer arg)
{
	struct feed *s = arg;
	struct levels *l;

	if (s->asked)                      /* control has not yet answered the last one: it has more to do */
		return G_SOURCE_CONTINUE;
	l = g_new0(struct levels, 1);
	l->stream = s;
	for (guint i = 0; i < s->watchers->len && l->n < STREAM_WATCHERS; i++) {
		const char *room = watch_room(g_ptr_array_index(s->watchers, i));

		if (room)
			levels_want(l, room);
	}
	if (!l->n) {
		g_free(l);
		g_clear_pointer(&s->levels, g_source_unref);
		return G_SOURCE_REMOVE;
	}
	s->asked = l;
	if (loop_post(levels_take, l)) {
		s->asked = NULL;
		levels_free(l);
	}
	return G_SOURCE_CONTINUE;
}

static void feed_levels(struct feed *s)
{
	if (s->levels)
		return;
	s->levels = g_timeout_source_new(LEVELS_MS);
	g_source_set_callback(s->levels, levels_tick, s, NULL);
	g_source_attach(s->levels, s->house->ctx);
}

/* --- somebody comes --- */

static bool is_upgrade(const struct request *r)
{
	return !g_ascii_strcasecmp(request_said(r, "Upgrade"), "websocket");
}

static bool read_since(struct request *r, struct watch_conf *conf)
{
	const char *said = request_query(r, "since");
	guint64 since;

	if (!said && request_said(r, "Last-Event-ID")[0])
		said = request_said(r, "Last-Event-ID");
	if (!said)
		return true;
	if (!g_ascii_string_to_unsigned(said, 10, 0, G_MAXINT64, &since, NULL)) {
		request_error(r, 400, "since: the number of an event is wanted");
		return false;
	}
	conf->resume = true;
	conf->since = since;
	return true;
}

static bool read_room(struct request *r, struct watch_conf *conf)
{
	const char *room = request_query(r, "room"), *levels = request_query(r, "levels");

	if (room && r->who.room[0] && g_ascii_strcasecmp(room, r->who.room)) {
		request_error(r, 403, "this token is good for one room only");
		return false;
	}
	if (!room && r->who.room[0])
		room = r->who.room;
	if (room && !control_room_name_valid(room)) {
		request_error(r, 400, "room: not a name of a room");
		return false;
	}
	conf->levels = levels && !strcmp(levels, "1");
	if (levels && (!room || (strcmp(levels, "1") && strcmp(levels, "0")))) {
		request_error(r, 400, "levels: 1 or 0, and of a room");
		return false;
	}
	g_strlcpy(conf->room, room ? room : "", sizeof(conf->room));
	return true;
}

static bool read_way(struct request *r, struct watch_conf *conf)
{
	conf->ws = is_upgrade(r);
	if (strcmp(soup_server_message_get_method(r->msg), "GET") ||
	    (!conf->ws && !strstr(request_said(r, "Accept"), "text/event-stream"))) {
		request_error(r, 406, "a WebSocket, or Accept: text/event-stream, is wanted");
		return false;
	}
	if (conf->ws && !soup_websocket_server_check_handshake(r->msg, NULL, NULL, NULL, NULL)) {
		request_header(r, "Sec-WebSocket-Version", "13");
		request_error(r, 400, "not a WebSocket handshake");
		return false;
	}
	return true;
}

void on_events(struct request *r)
{
	struct feed *s = r->house->stream;
	struct watch_conf conf = { .ws = false };
	struct watcher *w;

	if (!read_way(r, &conf) || !read_room(r, &conf) || !read_since(r, &conf))
		return;
	if (feed_full(s)) {
		request_error(r, 503, "too many watch already");
		return;
	}
	if (watch_alloc(&w, s, r, &conf))
		return;
	if (conf.levels)
		feed_levels(s);
	watch_feed(w);
}

/* --- life --- */

static void destructor(void *arg)
{
	struct feed *s = arg;
	struct told *t;

	mem_deref(s->lsnr);
	if (s->beat)
		g_source_destroy(s->beat);
	g_clear_pointer(&s->beat, g_source_unref);
	if (s->levels)
		g_source_destroy(s->levels);
	g_clear_pointer(&s->levels, g_source_unref);
	while (s->watchers && s->watchers->len)
		mem_deref(g_ptr_array_index(s->watchers, 0));
	g_ptr_array_free(s->watchers, TRUE);
	while ((t = g_queue_pop_head(&s->told)) != NULL)
		g_free(t);
	if (s->asked)
		levels_free(s->asked);
	forget(s, 0);
	pthread_mutex_destroy(&s->lock);
}

int feed_alloc(struct feed **sp, struct house *h)
{
	struct feed *s = mem_zalloc(sizeof(*s), destructor);
	int err;

	if (!s)
		return ENOMEM;
	s->house = h;
	pthread_mutex_init(&s->lock, NULL);
	g_queue_init(&s->told);
	s->watchers = g_ptr_array_new();
	forget(s, control_number(h->conf.control));
	s->beat = g_timeout_source_new(BEAT_MS);
	g_source_set_callback(s->beat, beat, s, NULL);
	g_source_attach(s->beat, h->ctx);
	err = event_listen(&s->lsnr, h->conf.control, NULL, on_event, s);
	if (err)
		mem_deref(s);
	else
		*sp = s;
	return err;
}
