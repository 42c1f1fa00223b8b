/*
 * calls.c - call records of the store, as JSON in pages or as CSV. The store is read on this thread, through a connection of
 * its own.
 */
#include <errno.h>
#include <string.h>
#include "api.h"
#include "handlers.h"
#include "house.h"
#include "request.h"
#include "control/cdr.h"
#include "control/store.h"

enum { LIMIT = 100, LIMIT_JSON = 1000, LIMIT_CSV = 10000 };

struct rows {
	JsonBuilder *json;                /* or */
	struct mbuf *csv;
	uint32_t n;
	uint64_t last;
	int err;
};

static bool number(struct request *r, uint64_t *dst, const char *name, uint64_t max)
{
	const char *said = request_query(r, name);
	guint64 value;
	char *why;

	if (!said)
		return true;
	if (g_ascii_string_to_unsigned(said, 10, 0, max, &value, NULL)) {
		*dst = value;
		return true;
	}
	why = g_strdup_printf("%s: a number up to %" G_GUINT64_FORMAT " is wanted", name, max);
	request_error(r, 400, why);
	g_free(why);
	return false;
}

static bool add_row(uint64_t id, const struct store_cdr *c, void *arg)
{
	struct rows *rows = arg;
	const struct cdr_row row = { id, c };

	rows->n++;
	rows->last = id;
	if (rows->json)
		api_put_call(rows->json, id, c);
	else
		rows->err = mbuf_printf(rows->csv, "%H", cdr_csv, &row);
	return !rows->err;
}

static void answer_json(struct request *r, const struct store_cdr_query *q)
{
	struct rows rows = { .json = api_calls_begin() };

	rows.err = store_cdrs(r->house->conf.store, q, add_row, &rows);
	request_json(r, rows.err ? 500 : 200, api_calls_end(rows.json, rows.n == q->limit ? rows.last : 0));
}

static void answer_csv(struct request *r, const struct store_cdr_query *q)
{
	struct rows rows = { .csv = mbuf_alloc(65536) };
	char next[32];
	int err = rows.csv ? mbuf_printf(rows.csv, "%H", cdr_csv_head, NULL) : ENOMEM;

	if (!err)
		err = store_cdrs(r->house->conf.store, q, add_row, &rows);
	if (err || rows.err) {
		request_errno(r, err ? err : rows.err, NULL);
	}
	else {
		if (rows.n == q->limit) {
			g_snprintf(next, sizeof(next), "%" G_GUINT64_FORMAT, rows.last);
			request_header(r, "Tutti-Next", next);
		}
		request_header(r, "Content-Disposition", "attachment; filename=\"calls.csv\"");
		request_text(r, 200, "text/csv; charset=utf-8", g_strndup((const char *)rows.csv->buf, rows.csv->end));
	}
	mem_deref(rows.csv);
}

static bool room_allowed(struct request *r, const char **room)
{
	*room = request_query(r, "room");
	if (!r->who.room[0])
		return true;
	if (*room && g_ascii_strcasecmp(*room, r->who.room)) {
		request_error(r, 403, "this token is good for one room only");
		return false;
	}
	*room = r->who.room;
	return true;
}

void on_calls(struct request *r)
{
	const char *format = request_query(r, "format");
	bool csv = format && !strcmp(format, "csv");
	struct store_cdr_query q = { .limit = LIMIT };
	uint64_t limit = csv ? LIMIT_CSV : LIMIT;

	if (format && !csv && strcmp(format, "json")) {
		request_error(r, 400, "format: json or csv");
		return;
	}
	if (!room_allowed(r, &q.room) || !number(r, &q.from_ms, "from", INT64_MAX) || !number(r, &q.to_ms, "to", INT64_MAX) ||
	    !number(r, &q.before, "before", INT64_MAX) || !number(r, &limit, "limit", csv ? LIMIT_CSV : LIMIT_JSON))
		return;
	q.limit = limit ? (uint32_t)limit : 1;
	if (csv)
		answer_csv(r, &q);
	else
		answer_json(r, &q);
}
