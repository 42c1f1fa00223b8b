/*
 * watch.c - a watcher's way through the events.
 *
 * It keeps no events: only the number up to which it has been told. It gets the next ones while less than LOW bytes wait for
 * it; one that reads too slowly falls behind, and when what it has not been told is no longer kept it is told to begin
 * anew ("resync"). So the memory it may cost is bounded, however slow it is and however much happens.
 */
#include <errno.h>
#include <string.h>
#include "house.h"
#include "doorman.h"
#include "watch.h"
#include "wire.h"
#include "ws.h"

enum { LOW = 65536, BEAT_S = 20, SILENT_S = 60, STUCK_S = 60 };

struct watcher {
	struct feed *stream;
	struct house *house;
	struct wire *wire;
	struct who who;
	struct watch_conf conf;
	uint64_t at;                      /* told up to here */
	struct ws_reader in;
	int64_t heard_us, beat_us;
	bool ending;
};

/* --- out --- */

static void put_text(struct watcher *w, const char *json, uint64_t number)
{
	size_t n = strlen(json);
	uint8_t head[WS_HEAD_MAX];
	char id[32];

	if (w->conf.ws) {
		wire_put(w->wire, head, ws_head(head, WS_TEXT, n));
		wire_put(w->wire, json, n);
		return;
	}
	if (number)
		wire_put(w->wire, id, (size_t)g_snprintf(id, sizeof(id), "id: %" G_GUINT64_FORMAT "\n", number));
	wire_put(w->wire, "data: ", 6);
	wire_put(w->wire, json, n);
	wire_put(w->wire, "\n\n", 2);
}

static void put_mark(struct watcher *w, const char *type, uint64_t number)
{
	char text[80];

	(void)g_snprintf(text, sizeof(text), "{\"type\":\"%s\",\"number\":%" G_GUINT64_FORMAT "}", type, number);
	put_text(w, text, number);
}

static void put_control(struct watcher *w, enum ws_op op, const uint8_t *payload, size_t n)
{
	uint8_t head[WS_HEAD_MAX];

	wire_put(w->wire, head, ws_head(head, op, n));
	wire_put(w->wire, payload, n);
}

static void resync(struct watcher *w)
{
	w->at = feed_number(w->stream);
	feed_resynced(w->stream);
	put_mark(w, "resync", w->at);
}

/* False: there is no more, or enough waits. */
static bool put_next(struct watcher *w)
{
	const char *room = w->conf.room[0] ? w->conf.room : NULL, *json;
	int err = 0;

	if (w->ending || wire_waiting(w->wire) >= LOW)
		return false;
	json = feed_next(w->stream, room, &w->at, &err);
	if (err)
		resync(w);
	if (json)
		put_text(w, json, w->at);
	return json != NULL;
}

/* What the kernel takes at once makes room for more; what it does not take comes back as drained. */
void watch_feed(struct watcher *w)
{
	bool more;

	do {
		more = false;
		while (put_next(w))
			more = true;
		wire_flush(w->wire);
	} while (more && !wire_waiting(w->wire));
}

const char *watch_room(const struct watcher *w)
{
	return w->conf.levels ? w->conf.room : NULL;
}

/* Levels are of now: who does not keep up gets the next ones. */
void watch_levels(struct watcher *w, const char *room, const char *json)
{
	if (!w->conf.levels || w->ending || g_ascii_strcasecmp(room, w->conf.room) || wire_waiting(w->wire))
		return;
	put_text(w, json, 0);
	wire_flush(w->wire);
}

bool watch_beat(struct watcher *w, int64_t now_us)
{
	if (now_us - wire_moved_us(w->wire) > (int64_t)STUCK_S * G_USEC_PER_SEC)
		return false;
	if (w->conf.ws && now_us - w->heard_us > (int64_t)SILENT_S * G_USEC_PER_SEC)
		return false;
	if (!tokens_valid(w->house->tokens, &w->who, (uint64_t)(g_get_real_time() / 1000)))
		return false;
	if (now_us - w->beat_us < (int64_t)BEAT_S * G_USEC_PER_SEC || wire_waiting(w->wire))
		return true;
	w->beat_us = now_us;
	if (w->conf.ws)
		put_control(w, WS_PING, (const uint8_t *)"tutti", 5);
	else
		wire_put(w->wire, ": still here\n\n", 14);
	wire_flush(w->wire);
	return true;
}

/* --- in --- */

static bool on_frame(enum ws_op op, const uint8_t *payload, size_t n, void *arg)
{
	struct watcher *w = arg;

	if (op == WS_PING && wire_waiting(w->wire) < LOW)
		put_control(w, WS_PONG, payload, n);
	if (op == WS_CLOSE) {
		put_control(w, WS_CLOSE, payload, n < 2 ? 0 : 2);
		w->ending = true;
	}
	return !w->ending;
}

static bool on_input(const uint8_t *data, size_t n, void *arg)
{
	static const uint8_t broken[2] = { 1002 >> 8, 1002 & 0xff };
	struct watcher *w = arg;
	int err;

	if (!w->conf.ws || w->ending)
		return !w->ending;                /* nothing is asked of it: thrown away */
	w->heard_us = g_get_monotonic_time();
	err = ws_read(&w->in, data, n, on_frame, w);
	if (err && !w->ending) {
		put_control(w, WS_CLOSE, broken, sizeof(broken));
		w->ending = true;
	}
	if (w->ending)
		wire_end(w->wire);
	else
		wire_flush(w->wire);
	return true;
}

static void on_drained(void *arg)
{
	watch_feed(arg);
}

static void on_gone(void *arg)
{
	mem_deref(arg);
}

static const struct wire_ops ops = { .input = on_input, .drained = on_drained, .gone = on_gone };

/* --- its beginning --- */

static void put_head(struct watcher *w, const char *key)
{
	static const char sse[] =
		"HTTP/1.1 200 OK\r\nServer: tutti\r\nContent-Type: text/event-stream; charset=utf-8\r\nCache-Control: no-store\r\n"
		"X-Content-Type-Options: nosniff\r\nX-Accel-Buffering: no\r\nConnection: close\r\n\r\n";
	GChecksum *sum;
	guint8 sha1[20];
	gsize n = sizeof(sha1);
	char *accept, *text;

	if (!w->conf.ws) {
		wire_put(w->wire, sse, sizeof(sse) - 1);
		return;
	}
	/* RFC 6455 4.2.2: the key with this text behind it, hashed. */
	sum = g_checksum_new(G_CHECKSUM_SHA1);
	g_checksum_update(sum, (const guchar *)key, -1);
	g_checksum_update(sum, (const guchar *)"258EAFA5-E914-47DA-95CA-C5AB0DC85B11", -1);
	g_checksum_get_digest(sum, sha1, &n);
	g_checksum_free(sum);
	accept = g_base64_encode(sha1, n);
	text = g_strdup_printf("HTTP/1.1 101 Switching Protocols\r\nServer: tutti\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
			       "Sec-WebSocket-Accept: %s\r\n\r\n", accept);
	wire_put(w->wire, text, strlen(text));
	g_free(text);
	g_free(accept);
}

static void destructor(void *arg)
{
	struct watcher *w = arg;

	if (w->stream)
		feed_del(w->stream, w);
	mem_deref(w->wire);
}

int watch_alloc(struct watcher **wp, struct feed *s, struct request *r, const struct watch_conf *conf)
{
	struct watcher *w = mem_zalloc(sizeof(*w), destructor);
	char *key;
	GIOStream *io;
	GSocket *socket;
	int err;

	if (!w)
		return ENOMEM;
	key = g_strdup(request_said(r, "Sec-WebSocket-Key"));
	w->house = r->house;
	w->who = r->who;
	w->conf = *conf;
	w->heard_us = w->beat_us = g_get_monotonic_time();
	err = doorman_give(r->house->doorman, r->msg, &io, &socket) ? 0 : ECONNRESET;
	if (!err)
		err = wire_alloc(&w->wire, r->house->ctx, io, socket, &ops, w);
	if (err) {
		mem_deref(w);
		g_free(key);
		return err;
	}
	w->stream = s;
	feed_add(s, w);
	put_head(w, key);
	g_free(key);
	w->at = conf->resume ? conf->since : feed_number(s);
	put_mark(w, "hello", w->at);
	*wp = w;
	return 0;
}
