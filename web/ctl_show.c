/*
 * ctl_show.c - answers for people: tables where there are rows, an outline elsewhere. Scripts take --json.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "ctl.h"
#include "ctl_text.h"

enum { COLUMNS_MAX = 12, CELL_MAX = 48 };

/* --- tables --- */

/* What stands in a column: a member of the row, or what a function makes of it. */
struct column {
	const char *title, *key;
	void (*cell)(struct txt *t, const struct json *row);     /* NULL: the member `key` as it is */
	bool right;
};

struct cell { char *p; size_t width; };

static void put_scalar(struct txt *t, const struct json *j)
{
	if (!j || j->type == JSON_NULL)
		return;
	if (j->type == JSON_STRING)
		txt_str(t, j->text);
	else if (j->type == JSON_NUMBER)
		txt_add(t, j->text, strspn(j->text, "-+.eE0123456789"));
	else if (j->type == JSON_TRUE || j->type == JSON_FALSE)
		txt_str(t, j->type == JSON_TRUE ? "yes" : "no");
	else
		txt_printf(t, "(%zu)", json_length(j));
}

/* Cut at CELL_MAX bytes or a little before, between two characters. */
static void cut(struct txt *t)
{
	size_t n = CELL_MAX;

	if (t->n <= CELL_MAX)
		return;
	while (n && ((unsigned char)t->p[n] & 0xc0) == 0x80)
		n--;
	t->n = n;
	txt_str(t, "~");
}

static void make_cell(struct cell *cell, const struct column *c, const struct json *row, bool last)
{
	struct txt raw = { .p = NULL }, clean = { .p = NULL };

	txt_str(&raw, "");
	if (c->cell)
		c->cell(&raw, row);
	else
		put_scalar(&raw, row->type == JSON_OBJECT ? json_get(row, c->key) : row);
	if (!last)
		cut(&raw);
	if (!raw.bad)
		txt_clean(&clean, raw.p, raw.n, &cell->width);
	txt_free(&raw);
	cell->p = clean.p;
}

static void put_line(const struct column *c, const struct cell *cell, const size_t *width, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int pad = (int)(width[i] - cell[i].width);

		if (c[i].right)
			printf("%*s%s", pad, "", cell[i].p ? cell[i].p : "");
		else
			printf("%s%*s", cell[i].p ? cell[i].p : "", i + 1 < n ? pad : 0, "");
		fputs(i + 1 < n ? "  " : "\n", stdout);
	}
}

static void put_head(const struct column *c, const size_t *width, size_t n, bool colour)
{
	if (colour)
		fputs("\033[1m", stdout);
	for (size_t i = 0; i < n; i++)
		printf(c[i].right ? "%*s%s" : "%-*s%s", i + 1 < n || c[i].right ? (int)width[i] : 0, c[i].title, i + 1 < n ? "  " : "");
	fputs(colour ? "\033[0m\n" : "\n", stdout);
}

static void show_table(const struct ctl *ctl, const struct column *c, size_t n, const struct json *list)
{
	size_t rows = json_length(list), width[COLUMNS_MAX], k = 0;
	struct cell *cells = calloc(rows ? rows * n : 1, sizeof(*cells));

	if (!cells)
		return;
	for (size_t i = 0; i < n; i++)
		width[i] = strlen(c[i].title);
	for (const struct json *j = list ? list->child : NULL; j; j = j->next) {
		for (size_t i = 0; i < n; i++, k++) {
			make_cell(&cells[k], &c[i], j, i + 1 == n);
			width[i] = cells[k].width > width[i] ? cells[k].width : width[i];
		}
	}
	put_head(c, width, n, ctl->colour);
	for (k = 0; k < rows * n; k++) {
		if (k % n == 0)
			put_line(c, &cells[k], width, n);
	}
	for (k = 0; k < rows * n; k++)
		free(cells[k].p);
	free(cells);
}

#define SHOW_TABLE(ctl, columns, list) show_table(ctl, columns, sizeof(columns) / sizeof(columns[0]), list)

/* --- cells --- */

static void put_time(struct txt *t, uint64_t ms)
{
	time_t at = (time_t)(ms / 1000);
	char buf[32] = "";
	struct tm tm;

	if (ms && localtime_r(&at, &tm))
		(void)strftime(buf, sizeof(buf), "%Y-%m-%d %H:%M:%S", &tm);
	txt_str(t, buf);
}

static void cell_start(struct txt *t, const struct json *row)
{
	put_time(t, json_whole(row, "start_ms"));
}

static void cell_created(struct txt *t, const struct json *row)
{
	put_time(t, json_whole(row, "created_ms"));
}

static void cell_expires(struct txt *t, const struct json *row)
{
	if (json_whole(row, "expires_ms"))
		put_time(t, json_whole(row, "expires_ms"));
	else
		txt_str(t, "never");
}

static void put_duration(struct txt *t, uint64_t ms)
{
	uint64_t s = (ms + 500) / 1000;

	txt_printf(t, "%llu:%02u:%02u", (unsigned long long)(s / 3600), (unsigned)(s / 60 % 60), (unsigned)(s % 60));
}

static void cell_talk(struct txt *t, const struct json *row)
{
	uint64_t answer = json_whole(row, "answer_ms"), end = json_whole(row, "end_ms");

	if (answer && end >= answer)
		put_duration(t, end - answer);
}

static void cell_length(struct txt *t, const struct json *row)
{
	uint64_t start = json_whole(row, "start_ms"), end = json_whole(row, "end_ms");

	if (end >= start && end)
		put_duration(t, end - start);
}

static void add_word(struct txt *t, const struct json *row, const char *key, const char *word)
{
	if (json_true(row, key))
		txt_printf(t, "%s%s", t->n ? "," : "", word);
}

static void cell_room_state(struct txt *t, const struct json *row)
{
	const char *recording = json_text(row, "recording");

	if (!strcmp(json_text(row, "hours"), "before") || !strcmp(json_text(row, "hours"), "over"))
		txt_str(t, *json_text(row, "hours") == 'b' ? "not-yet" : "over");
	add_word(t, row, "locked", "locked");
	add_word(t, row, "muted_all", "muted");
	if (*recording)
		txt_printf(t, "%srecording%s", t->n ? "," : "", strcmp(recording, "paused") ? "" : "-paused");
	add_word(t, row, "persistent", "kept");
}

static void cell_room_name(struct txt *t, const struct json *row)
{
	put_scalar(t, row->type == JSON_STRING ? row : json_get(row, "room"));
}

static bool waits(const struct json *row)
{
	return *json_text(row, "waiting");        /* what for: "host", "admit", "start" */
}

static void cell_member_state(struct txt *t, const struct json *row)
{
	if (waits(row))
		txt_printf(t, "waiting-for-%s", json_text(row, "waiting"));
	if (json_true(row, "muted"))
		txt_printf(t, "%s%s", t->n ? "," : "", json_true(row, "muted_by_host") ? "muted-by-host" : "muted");
	add_word(t, row, "deaf", "deaf");
	add_word(t, row, "hold", "hold");
	add_word(t, row, "hand", "hand");
	add_word(t, row, "talking", "talking");
}

static void cell_codec(struct txt *t, const struct json *row)
{
	txt_str(t, json_text(json_get(row, "media"), "receive_codec"));
}

static void cell_keys(struct txt *t, const struct json *row)
{
	txt_str(t, json_text(json_get(row, "media"), "keys"));
}

static void cell_lost(struct txt *t, const struct json *row)
{
	const struct json *m = json_get(row, "media");
	double got = json_number(m, "packets_received"), lost = json_number(m, "packets_lost");

	if (got + lost > 0)
		txt_printf(t, "%.1f", 100 * lost / (got + lost));
}

static void cell_round_trip(struct txt *t, const struct json *row)
{
	double us = json_number(json_get(row, "media"), "round_trip_us");

	if (us > 0)
		txt_printf(t, "%.1f", us / 1000);
}

static void cell_buffer(struct txt *t, const struct json *row)
{
	put_scalar(t, json_get(json_get(row, "media"), "buffer_ms"));
}

static void cell_mos(struct txt *t, const struct json *row)
{
	const struct json *q = json_get(json_get(row, "media"), "quality");
	double mos = json_number(q, "mos_conversation");

	if (mos <= 0)
		mos = json_number(q, "mos_listening");
	if (mos > 0)
		txt_printf(t, "%.1f", mos);
}

static void cell_at(struct txt *t, const struct json *row)
{
	put_time(t, json_whole(row, "at_ms"));
}

static void cell_direction(struct txt *t, const struct json *row)
{
	txt_str(t, json_true(row, "outgoing") ? "out" : "in");
}

static void cell_call_mos(struct txt *t, const struct json *row)
{
	if (json_number(row, "mos") > 0)
		txt_printf(t, "%.1f", json_number(row, "mos"));
}

static void cell_where(struct txt *t, const struct json *row)
{
	txt_str(t, *json_text(row, "room") ? json_text(row, "room") : json_text(row, "to"));
}

static void cell_megabytes(struct txt *t, const struct json *row)
{
	txt_printf(t, "%.1f", json_number(row, "bytes") / 1e6);
}

/* --- what there is to show --- */

static const struct column member_columns[] = {
	{ "ID", "id", NULL, true }, { "NAME", "name", NULL, false }, { "ADDRESS", "uri", NULL, false }, { "ROLE", "role", NULL, false },
	{ "STATE", NULL, cell_member_state, false }, { "CODEC", NULL, cell_codec, false }, { "KEYS", NULL, cell_keys, false },
	{ "LOST%", NULL, cell_lost, true }, { "RTT ms", NULL, cell_round_trip, true }, { "BUF ms", NULL, cell_buffer, true }, { "MOS", NULL, cell_mos, true },
};

void show_rooms(const struct ctl *c, const struct json *answer)
{
	static const struct column columns[] = {
		{ "ROOM", NULL, cell_room_name, false }, { "MEMBERS", "members", NULL, true }, { "WAITING", "waiting", NULL, true },
		{ "PROFILE", "profile", NULL, false }, { "STATE", NULL, cell_room_state, false }, { "SINCE", NULL, cell_created, false },
		{ "TITLE", "title", NULL, false },
	};
	static const struct column names[] = { { "ROOM", NULL, cell_room_name, false } };
	const struct json *list = json_get(answer, "rooms");

	if (list && list->child && list->child->type == JSON_STRING)
		SHOW_TABLE(c, names, list);
	else
		SHOW_TABLE(c, columns, list);
}

void show_members(const struct ctl *c, const struct json *answer)
{
	SHOW_TABLE(c, member_columns, json_get(answer, "members"));
}

static void put_pair(const char *name, const char *value)
{
	if (!*value)
		return;
	printf("%-9s ", name);
	put_clean(value, strlen(value));
	putchar('\n');
}

static void put_settings(const struct json *settings)
{
	for (const struct json *j = settings ? settings->child : NULL; j; j = j->next) {
		struct txt t = { .p = NULL };

		txt_str(&t, "");
		put_scalar(&t, j);
		if (!t.bad && t.n) {
			fputs("  ", stdout);
			put_clean(j->key, strlen(j->key));
			fputs(" = ", stdout);
			put_clean(t.p, t.n);
			putchar('\n');
		}
		txt_free(&t);
	}
}

static void put_tempo(const struct json *tempo)
{
	const char *follow = json_text(json_get(tempo, "follow"), "name");
	struct txt t = { .p = NULL };

	if (!tempo)
		return;
	txt_printf(&t, "%g a minute, %g in a bar, %s%s%s", json_number(tempo, "bpm"), json_number(tempo, "beats"),
		   json_true(tempo, "running") ? "runs" : "stands", *follow ? ", follows " : "", follow);
	put_pair("beat", t.n ? t.p : "");
	txt_free(&t);
}

void show_room(const struct ctl *c, const struct json *answer)
{
	const struct json *settings = json_get(answer, "settings");
	struct txt state = { .p = NULL }, since = { .p = NULL };

	cell_room_state(&state, answer);
	put_time(&since, json_whole(answer, "created_ms"));
	put_pair("room", json_text(answer, "room"));
	put_pair("title", json_text(answer, "title"));
	put_pair("profile", json_text(answer, "profile"));
	put_pair("since", since.n ? since.p : "");
	put_pair("state", state.n ? state.p : "open");
	put_pair("speaker", json_text(json_get(answer, "speaker"), "name"));
	put_pair("floor", json_text(json_get(answer, "floor"), "name"));
	put_tempo(json_get(answer, "tempo"));
	put_pair("hours", json_text(answer, "hours"));
	put_pair("pins", json_true(answer, "has_host_pin") ? json_true(answer, "has_guest_pin") ? "host, guest" : "host" :
		 json_true(answer, "has_guest_pin") ? "guest" : "");
	if (settings && settings->child) {
		puts("settings");
		put_settings(settings);
	}
	putchar('\n');
	show_members(c, answer);
	txt_free(&state);
	txt_free(&since);
}

void show_recordings(const struct ctl *c, const struct json *answer)
{
	static const struct column columns[] = {
		{ "ID", "id", NULL, false }, { "ROOM", "room", NULL, false }, { "START", NULL, cell_start, false },
		{ "LENGTH", NULL, cell_length, true }, { "MB", NULL, cell_megabytes, true }, { "STATE", "state", NULL, false },
		{ "BY", "by", NULL, false },
	};

	SHOW_TABLE(c, columns, json_get(answer, "recordings"));
}

void show_calls(const struct ctl *c, const struct json *answer)
{
	static const struct column columns[] = {
		{ "ID", "id", NULL, true }, { "START", NULL, cell_start, false }, { "TALK", NULL, cell_talk, true },
		{ "", NULL, cell_direction, false }, { "FROM", "from", NULL, false }, { "WHERE", NULL, cell_where, false },
		{ "STATUS", "status", NULL, true }, { "WHY", "why", NULL, false }, { "CODEC", "codec", NULL, false },
		{ "LOST", "lost", NULL, true }, { "MOS", NULL, cell_call_mos, true },
	};

	SHOW_TABLE(c, columns, json_get(answer, "calls"));
}

void show_tokens(const struct ctl *c, const struct json *answer)
{
	static const struct column columns[] = {
		{ "ID", "id", NULL, false }, { "NAME", "name", NULL, false }, { "SCOPE", "scope", NULL, false },
		{ "ROOM", "room", NULL, false }, { "CREATED", NULL, cell_created, false }, { "EXPIRES", NULL, cell_expires, false },
	};

	SHOW_TABLE(c, columns, json_get(answer, "tokens"));
}

void show_accounts(const struct ctl *c, const struct json *answer)
{
	static const struct column columns[] = { { "NAME", "name", NULL, false }, { "ROLE", "role", NULL, false } };

	SHOW_TABLE(c, columns, json_get(answer, "accounts"));
}

void show_settings(const struct ctl *c, const struct json *answer)
{
	static const struct column columns[] = {
		{ "SETTING", "name", NULL, false }, { "TYPE", "type", NULL, false }, { "DEFAULT", "default", NULL, false },
	};
	const struct json *list = json_get(answer, "settings");

	SHOW_TABLE(c, columns, list);
	for (const struct json *j = list ? list->child : NULL; j; j = j->next) {
		putchar('\n');
		put_clean(json_text(j, "name"), strlen(json_text(j, "name")));
		fputs("\n    ", stdout);
		put_clean(json_text(j, "help"), strlen(json_text(j, "help")));
		putchar('\n');
	}
}

void show_bans(const struct ctl *c, const struct json *answer)
{
	static const struct column columns[] = { { "SINCE", NULL, cell_at, false }, { "ADDRESS", "uri", NULL, false } };

	SHOW_TABLE(c, columns, json_get(answer, "bans"));
}

void show_players(const struct ctl *c, const struct json *answer)
{
	static const struct column columns[] = {
		{ "NAME", "name", NULL, false }, { "LINES", "kinds", NULL, false }, { "MEMBER", "member", NULL, true },
		{ "IN", "messages_in", NULL, true }, { "OUT", "messages_out", NULL, true }, { "LOST", "lost", NULL, true },
		{ "REPAIRED", "repaired", NULL, true }, { "RTT us", "rtt_us", NULL, true },
	};

	SHOW_TABLE(c, columns, json_get(answer, "players"));
}

void show_verbs(const struct ctl *c, const struct json *answer)
{
	static const struct column columns[] = { { "VERB", "verb", NULL, false }, { "", "help", NULL, false } };

	SHOW_TABLE(c, columns, json_get(answer, "verbs"));
}

void show_views(const struct ctl *c, const struct json *answer)
{
	const struct json *list = json_get(answer, "views");

	(void)c;
	puts("LISTENER  HEARS   dB     PAN");
	for (const struct json *row = list ? list->child : NULL; row; row = row->next) {
		double cell[4] = { 0 };
		size_t n = 0;

		for (const struct json *j = row->child; j && n < 4; j = j->next, n++)
			cell[n] = j->type == JSON_NUMBER ? strtod(j->text, NULL) : 0;
		printf("%8.0f  %5.0f  %5.1f  %5.2f\n", cell[0], cell[1], cell[2], cell[3]);
	}
}

/* --- anything else --- */

static void outline(const struct json *list, int depth)
{
	for (const struct json *j = list->child; j; j = j->next) {
		struct txt t = { .p = NULL };

		printf("%*s", depth * 2, "");
		if (j->key)
			put_clean(j->key, strlen(j->key));
		fputs(j->key ? ":" : "-", stdout);
		if (j->type == JSON_OBJECT || j->type == JSON_ARRAY) {
			putchar('\n');
			outline(j, depth + 1);
			continue;
		}
		txt_str(&t, " ");
		put_scalar(&t, j);
		txt_str(&t, "\n");
		if (!t.bad)
			put_clean(t.p, t.n);
		txt_free(&t);
	}
}

void show_outline(const struct ctl *c, const struct json *answer)
{
	(void)c;
	outline(answer, 0);
}
