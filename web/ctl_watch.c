/*
 * ctl_watch.c - what happens, as it happens.
 *
 *     GET /api/v1/events as server-sent events  >  one line for each; below them, on a terminal, the members of the room and
 *     how loud they are
 *
 * When the stream ends it is asked for again from where it was. What is drawn at the bottom is wiped and drawn anew; nothing
 * else of the terminal is touched.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include "ctl.h"
#include "ctl_text.h"

enum { MEMBERS_MAX = 1024, LINE_MAX_ = 1 << 20, TRIES = 30, BAR = 30, SILENCE = 127 };

struct watched { unsigned long id; char name[32]; char state[24]; int level; };

struct watch {
	const struct ctl *c;
	const char *room;
	bool live;                        /* levels at the bottom of a terminal */
	uint64_t number;                  /* of the last event */
	bool began;
	int drawn;                        /* lines at the bottom */
	struct watched member[MEMBERS_MAX];
	size_t n;
};

/* --- members --- */

static struct watched *find(struct watch *w, unsigned long id)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->member[i].id == id)
			return &w->member[i];
	return NULL;
}

static void forget(struct watch *w, unsigned long id)
{
	struct watched *m = find(w, id);

	if (m)
		*m = w->member[--w->n];
}

static void note_member(struct watch *w, const struct json *j)
{
	unsigned long id = (unsigned long)json_whole(j, "id");
	const struct json *waiting = json_get(j, "waiting");
	struct watched *m = find(w, id);
	const char *name = *json_text(j, "name") ? json_text(j, "name") : json_text(j, "uri");

	if (!id || (!m && w->n >= MEMBERS_MAX))
		return;
	if (!m) {
		m = &w->member[w->n++];
		*m = (struct watched){ .id = id, .level = SILENCE };
	}
	(void)snprintf(m->name, sizeof(m->name), "%s", name);
	(void)snprintf(m->state, sizeof(m->state), "%s%s%s",
		       waiting && waiting->type == JSON_STRING && *waiting->text ? "waiting " : "",
		       json_true(j, "muted") ? "muted " : "", json_true(j, "hand") ? "hand" : "");
}

static void note_all(struct watch *w)
{
	struct txt path = { .p = NULL };
	struct json *root = NULL;
	const struct json *list;
	char *text = NULL;

	txt_str(&path, "/api/v1/rooms/");
	txt_url(&path, w->room);
	w->n = 0;
	if (!path.bad && !ctl_get(&root, &text, w->c, path.p, "watch")) {
		list = json_get(root, "members");
		for (const struct json *m = list ? list->child : NULL; m; m = m->next)
			note_member(w, m);
	}
	json_free(root);
	free(text);
	txt_free(&path);
}

static void note_levels(struct watch *w, const struct json *list)
{
	for (const struct json *pair = list ? list->child : NULL; pair; pair = pair->next) {
		const struct json *id = pair->child, *level = id ? id->next : NULL;
		struct watched *m = level && id->type == JSON_NUMBER ? find(w, strtoul(id->text, NULL, 10)) : NULL;

		if (m && level->type == JSON_NUMBER)
			m->level = atoi(level->text);
	}
}

/* --- the bottom of the terminal --- */

static void wipe(struct watch *w)
{
	if (w->drawn)
		printf("\033[%dA\r\033[J", w->drawn);
	w->drawn = 0;
}

/* 0 dBov is all of the bar, -60 nothing. */
static void put_bar(const struct watched *m)
{
	int full = m->level >= 60 || m->level < 0 ? 0 : (60 - m->level) * BAR / 60;

	fputs(m->level <= 6 ? "\033[31m" : m->level <= 18 ? "\033[33m" : "\033[32m", stdout);
	for (int i = 0; i < full; i++)
		putchar('#');
	fputs("\033[2m", stdout);
	for (int i = full; i < BAR; i++)
		putchar('.');
	if (full)
		printf("\033[0m %4d dB", -m->level);
	else
		fputs("\033[0m        ", stdout);
}

static void put_member(const struct watched *m)
{
	struct txt t = { .p = NULL };
	size_t width = 0;

	txt_clean(&t, m->name, strlen(m->name), &width);
	printf("%5lu %s%*s ", m->id, t.p && !t.bad ? t.p : "", width < 31 ? (int)(31 - width) : 0, "");
	put_bar(m);
	printf(" %s\033[K\n", m->state);
	txt_free(&t);
}

static void draw(struct watch *w)
{
	struct winsize size = { .ws_row = 0 };
	size_t most;

	if (!w->live)
		return;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_row || !size.ws_col)
		size = (struct winsize){ .ws_row = 24, .ws_col = 80 };
	most = size.ws_row > 4 ? size.ws_row - 3u : 1;
	if (size.ws_col < 76) {           /* a line that is broken in two could not be wiped */
		wipe(w);
		return;
	}
	/* Over what stands there, line by line: what is wiped first would flicker. */
	if (w->drawn)
		printf("\033[%dA\r", w->drawn);
	w->drawn = 0;
	for (size_t i = 0; i < w->n && i < most; i++, w->drawn++)
		put_member(&w->member[i]);
	fputs("\033[J", stdout);
	(void)fflush(stdout);
}

/* --- lines --- */

static const char *colour_of(const char *type)
{
	static const struct { const char *type, *colour; } colours[] = {
		{ "member-joined", "\033[32m" }, { "member-left", "\033[31m" }, { "member-waiting", "\033[33m" },
		{ "member-changed", "\033[33m" }, { "member-key", "\033[34m" }, { "member-talking", "\033[2m" },
		{ "speaker", "\033[35m" }, { "delays", "\033[2m" }, { "delay", "\033[1;33m" }, { "room-created", "\033[1;32m" }, { "room-ended", "\033[1;31m" },
	};

	for (size_t i = 0; i < sizeof(colours) / sizeof(colours[0]); i++)
		if (!strcmp(colours[i].type, type))
			return colours[i].colour;
	return "\033[36m";
}

static void clean_word(struct txt *t, const char *format_before, const char *word)
{
	if (!*word)
		return;
	txt_str(t, format_before);
	txt_clean(t, word, strlen(word), NULL);
}

static void put_delay(struct txt *t, const struct json *delay)
{
	if (json_whole(delay, "from"))
		txt_printf(t, ": from %.0f to %.0f %.1f ms, bound %.0f", json_number(delay, "from"), json_number(delay, "to"),
			   json_number(delay, "ms"), json_number(delay, "bound_ms"));
}

static void put_event(struct watch *w, const struct json *ev)
{
	const struct json *m = json_get(ev, "member");
	time_t at = (time_t)(json_whole(ev, "at_ms") / 1000);
	const char *type = json_text(ev, "type");
	struct txt t = { .p = NULL };
	char clock[16] = "";
	struct tm tm;

	if (localtime_r(&at, &tm))
		(void)strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	txt_str(&t, clock);
	clean_word(&t, " ", json_text(ev, "room"));
	txt_str(&t, w->c->colour ? colour_of(type) : "");
	clean_word(&t, " ", type);
	txt_str(&t, w->c->colour ? "\033[0m" : "");
	if (json_whole(m, "id"))
		txt_printf(&t, " %llu", (unsigned long long)json_whole(m, "id"));
	clean_word(&t, " ", json_text(m, "name"));
	clean_word(&t, " ", json_text(m, "uri"));
	clean_word(&t, " ", json_text(ev, "detail"));
	put_delay(&t, json_get(ev, "delay"));
	if (!t.bad)
		puts(t.p);
	txt_free(&t);
}

static void follow(struct watch *w, const struct json *ev)
{
	const struct json *m = json_get(ev, "member");
	const char *type = json_text(ev, "type");

	if (!strcmp(type, "member-left"))
		forget(w, (unsigned long)json_whole(m, "id"));
	else if (!strcmp(type, "room-ended"))
		w->n = 0;
	else
		note_member(w, m);
}

static void on_event(struct watch *w, const struct json *ev)
{
	const char *type = json_text(ev, "type");

	follow(w, ev);
	if (w->live && (!strcmp(type, "member-talking") || !strcmp(type, "speaker") || !strcmp(type, "delays")))
		return;                   /* the bars show it; room delays does */
	wipe(w);
	put_event(w, ev);
	draw(w);
}

static void on_message(struct watch *w, char *text, size_t len)
{
	struct json *root = NULL;
	const char *type;

	if (w->c->json) {
		put_clean(text, len);
		putchar('\n');
	}
	if (json_parse(&root, text, len))
		return;
	type = json_text(root, "type");
	if (json_whole(root, "number"))
		w->number = json_whole(root, "number");
	if (!strcmp(type, "levels")) {
		note_levels(w, json_get(root, "levels"));
		draw(w);
	} else if (!strcmp(type, "resync")) {
		if (w->live)
			note_all(w);
		wipe(w);
		fputs("tuttictl: events were missed here\n", stderr);
		draw(w);
	} else if (strcmp(type, "hello") && !w->c->json) {
		on_event(w, root);
	}
	json_free(root);
	(void)fflush(stdout);
}

/* --- server-sent events (WHATWG HTML 9.2): lines "data: ...", and an empty one at the end of each --- */

struct sse { struct txt line, data; };

static void on_line(struct watch *w, struct sse *s)
{
	char *p = s->line.p;
	size_t n = s->line.n;

	if (n && p[n - 1] == '\r')
		p[--n] = '\0';
	if (!n) {
		if (s->data.n && !s->data.bad)
			on_message(w, s->data.p, s->data.n);
		s->data.n = 0;
	} else if (!strncmp(p, "data:", 5)) {
		size_t skip = 5 + (p[5] == ' ');

		if (s->data.n)
			txt_str(&s->data, "\n");
		txt_add(&s->data, p + skip, n - skip);
	}
	s->line.n = 0;
}

static int feed(struct watch *w, struct sse *s, const char *buf, size_t n)
{
	while (n) {
		const char *end = memchr(buf, '\n', n);
		size_t len = end ? (size_t)(end - buf) : n;

		txt_add(&s->line, buf, len);
		if (s->line.n > LINE_MAX_ || s->data.n > LINE_MAX_ || s->line.bad)
			return EMSGSIZE;
		if (end)
			on_line(w, s);
		n -= len + !!end;
		buf += len + !!end;
	}
	return 0;
}

static int open_stream(struct http **hp, struct watch *w)
{
	struct http_request rq = { .method = "GET", .accept = "text/event-stream", .endless = true };
	struct txt path = { .p = NULL };
	char sep = '?';
	int status;

	txt_str(&path, "/api/v1/events");
	if (w->room) {
		txt_printf(&path, "%croom=", sep);
		txt_url(&path, w->room);
		sep = '&';
	}
	if (w->live) {
		txt_printf(&path, "%clevels=1", sep);
		sep = '&';
	}
	if (w->number)
		txt_printf(&path, "%csince=%llu", sep, (unsigned long long)w->number);
	rq.path = path.p;
	status = path.bad ? CTL_UNREACHABLE : ctl_open(hp, w->c, &rq, "watch");
	txt_free(&path);
	return status;
}

/* Until the stream ends, which it does when the server does. */
static int stream(struct watch *w)
{
	struct sse s = { .line = { .p = NULL } };
	struct http *h = NULL;
	char buf[16384];
	ssize_t n;
	int status = open_stream(&h, w);

	if (status)
		return status;
	w->began = true;
	if (w->live) {
		note_all(w);
		draw(w);
	}
	while ((n = http_read(h, buf, sizeof(buf))) > 0)
		if (feed(w, &s, buf, (size_t)n))
			break;
	txt_free(&s.line);
	txt_free(&s.data);
	http_close(h);
	wipe(w);
	return CTL_UNREACHABLE;
}

int run_watch(const struct ctl *c, const struct ctl_args *a)
{
	struct watch *w = calloc(1, sizeof(*w));
	int status = CTL_UNREACHABLE;

	if (!w)
		return CTL_UNREACHABLE;
	w->c = c;
	w->room = ctl_arg(a, "ROOM");
	w->live = w->room && isatty(STDOUT_FILENO) && !c->json;
	for (int tries = 0; tries < TRIES; tries++) {
		bool began = w->began;

		w->began = false;
		status = stream(w);
		if (status != CTL_UNREACHABLE || (!w->began && !began && !tries))
			break;
		if (w->began) {
			tries = 0;
			fputs("tuttictl: the server has ended the stream\n", stderr);
		}
		(void)sleep(1);
	}
	free(w);
	return status;
}
