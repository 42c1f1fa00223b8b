/*
 * store_read.c - questions to the file, each through a connection of its own.
 *
 * A connection is made for the question and closed after it (some 100 us): so any thread may ask, nothing is kept for
 * threads that have ended, and no reader holds back the writer's log for long. WAL: who reads sees the file as of the
 * last commit and waits for nobody.
 */
#include <errno.h>
#include <string.h>
#include "store_priv.h"

enum { BUSY_MS = 2000, SETTINGS_MAX = 256 };

static int reader_open(sqlite3 **dbp, const struct store *s)
{
	int rc = sqlite3_open_v2(s->path, dbp, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(*dbp, BUSY_MS);
	if (rc != SQLITE_OK) {
		(void)sqlite3_close(*dbp);
		*dbp = NULL;
	}
	return store_errno(rc);
}

/* --- columns to fields --- */

struct row { sqlite3_stmt *st; int n; };

static void get_text(struct row *r, char *buf, size_t size)
{
	buf[0] = '\0';
	str_ncpy(buf, (const char *)sqlite3_column_text(r->st, r->n++), size);
}

#define get_field(r, field) get_text(r, field, sizeof(field))

static uint64_t get_number(struct row *r)
{
	return (uint64_t)sqlite3_column_int64(r->st, r->n++);
}

static float get_real(struct row *r)
{
	return (float)sqlite3_column_double(r->st, r->n++);
}

/* `bind` may be NULL; `each` returns false when it has had enough. */
typedef void (bind_h)(sqlite3_stmt *st, const void *arg);
typedef bool (each_h)(struct row *r, void *arg);

static int each_row(sqlite3 *db, const char *sql, bind_h *bind, const void *bind_arg, each_h *each, void *arg)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

	if (rc == SQLITE_OK && bind)
		bind(st, bind_arg);
	while (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW) {
		struct row r = { .st = st };

		rc = each(&r, arg) ? SQLITE_OK : SQLITE_DONE;
	}
	(void)sqlite3_finalize(st);
	return store_errno(rc);
}

static int ask(const struct store *s, const char *sql, bind_h *bind, const void *bind_arg, each_h *each, void *arg)
{
	sqlite3 *db = NULL;
	int err = reader_open(&db, s);

	if (err)
		return err;
	err = each_row(db, sql, bind, bind_arg, each, arg);
	(void)sqlite3_close(db);
	return err;
}

/* --- rooms --- */

struct rooms { sqlite3 *db; store_room_h *h; void *arg; int err; };
struct settings { struct setting list[SETTINGS_MAX]; size_t n; int err; };

static bool setting_row(struct row *r, void *arg)
{
	struct settings *l = arg;
	char *name = NULL, *value = NULL;

	l->err = str_dup(&name, (const char *)sqlite3_column_text(r->st, 0));
	if (!l->err)
		l->err = str_dup(&value, (const char *)sqlite3_column_text(r->st, 1));
	if (!l->err && l->n < SETTINGS_MAX) {
		l->list[l->n++] = (struct setting){ name, value };
		return true;
	}
	mem_deref(name);
	mem_deref(value);
	return false;
}

static void bind_name(sqlite3_stmt *st, const void *name)
{
	(void)sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
}

static bool room_row(struct row *r, void *arg)
{
	struct rooms *ctx = arg;
	struct settings l = { .n = 0 };
	struct store_room room = { .settings = l.list };

	get_field(r, room.name);
	room.created_ms = get_number(r);
	room.locked = get_number(r);
	room.muted_all = get_number(r);
	ctx->err = each_row(ctx->db, "SELECT name, value FROM room_settings WHERE room = ? ORDER BY name", bind_name, room.name,
			    setting_row, &l);
	if (!ctx->err)
		ctx->err = l.err;
	room.n_settings = l.n;
	if (!ctx->err)
		ctx->h(&room, ctx->arg);
	for (size_t i = 0; i < l.n; i++) {
		mem_deref((void *)l.list[i].name);
		mem_deref((void *)l.list[i].value);
	}
	return !ctx->err;
}

/* Rooms and settings are two questions about one state of the file. */
int store_rooms(struct store *s, store_room_h *h, void *arg)
{
	struct rooms ctx = { .h = h, .arg = arg };
	int err;

	if (!s)
		return 0;
	err = reader_open(&ctx.db, s);
	if (err)
		return err;
	err = store_errno(sqlite3_exec(ctx.db, "BEGIN", NULL, NULL, NULL));
	if (!err)
		err = each_row(ctx.db, "SELECT name, created_ms, locked, muted_all FROM rooms ORDER BY created_ms, rowid", NULL, NULL,
			       room_row, &ctx);
	(void)sqlite3_close(ctx.db);
	return err ? err : ctx.err;
}

/* --- bans, seats, tokens --- */

struct bans { store_ban_h *h; void *arg; };

static bool ban_row(struct row *r, void *arg)
{
	const struct bans *ctx = arg;
	struct store_ban b;

	get_field(r, b.room);
	get_field(r, b.uri);
	b.at_ms = get_number(r);
	ctx->h(&b, ctx->arg);
	return true;
}

int store_bans(struct store *s, store_ban_h *h, void *arg)
{
	struct bans ctx = { h, arg };

	return s ? ask(s, "SELECT room, uri, at_ms FROM bans ORDER BY room, at_ms, uri", NULL, NULL, ban_row, &ctx) : 0;
}

struct seats { store_seat_h *h; void *arg; };

static bool seat_row(struct row *r, void *arg)
{
	const struct seats *ctx = arg;
	struct store_seat seat;
	char role[16];

	get_field(r, seat.room);
	get_field(r, seat.uri);
	get_field(r, seat.name);
	get_field(r, role);
	if (role_parse(&seat.role, role))
		seat.role = ROLE_LISTENER;        /* of a later version: the least */
	seat.self_muted = get_number(r);
	seat.host_muted = get_number(r);
	seat.until_ms = get_number(r);
	ctx->h(&seat, ctx->arg);
	return true;
}

int store_seats(struct store *s, store_seat_h *h, void *arg)
{
	struct seats ctx = { h, arg };

	return s ? ask(s, "SELECT room, uri, name, role, self_muted, host_muted, until_ms FROM seats ORDER BY room, uri", NULL, NULL,
		       seat_row, &ctx) : 0;
}

struct tokens { store_token_h *h; void *arg; };

static bool token_row(struct row *r, void *arg)
{
	const struct tokens *ctx = arg;
	struct store_token t;

	get_field(r, t.id);
	get_field(r, t.name);
	get_field(r, t.sha256);
	get_field(r, t.scopes);
	get_field(r, t.room);
	t.created_ms = get_number(r);
	t.expires_ms = get_number(r);
	ctx->h(&t, ctx->arg);
	return true;
}

int store_tokens(struct store *s, store_token_h *h, void *arg)
{
	struct tokens ctx = { h, arg };

	return s ? ask(s, "SELECT id, name, sha256, scopes, room, created_ms, expires_ms FROM tokens ORDER BY created_ms, id", NULL,
		       NULL, token_row, &ctx) : 0;
}

/* --- calls --- */

struct cdrs { store_cdr_h *h; void *arg; };

static bool cdr_row(struct row *r, void *arg)
{
	const struct cdrs *ctx = arg;
	struct store_cdr c = { .running = 0 };
	uint64_t id = get_number(r);

	get_field(r, c.call_id);
	get_field(r, c.from);
	get_field(r, c.from_name);
	get_field(r, c.to);
	get_field(r, c.room);
	get_field(r, c.role);
	get_field(r, c.why);
	get_field(r, c.codec);
	c.outgoing = get_number(r);
	c.start_ms = get_number(r);
	c.answer_ms = get_number(r);
	c.end_ms = get_number(r);
	c.status = (uint32_t)get_number(r);
	c.rx_packets = get_number(r);
	c.tx_packets = get_number(r);
	c.lost = get_number(r);
	c.late = get_number(r);
	c.concealed = get_number(r);
	c.jitter_us = (uint32_t)get_number(r);
	c.rtt_us = (uint32_t)get_number(r);
	c.buffer_ms = (uint32_t)get_number(r);
	c.r_factor = get_real(r);
	c.mos = get_real(r);
	return ctx->h(id, &c, ctx->arg);
}

static void bind_query(sqlite3_stmt *st, const void *arg)
{
	const struct store_cdr_query *q = arg;
	int n = 0;

	if (q->from_ms)
		(void)sqlite3_bind_int64(st, ++n, (sqlite3_int64)q->from_ms);
	if (q->to_ms)
		(void)sqlite3_bind_int64(st, ++n, (sqlite3_int64)q->to_ms);
	if (q->before)
		(void)sqlite3_bind_int64(st, ++n, (sqlite3_int64)q->before);
	if (q->room)
		(void)sqlite3_bind_text(st, ++n, q->room, -1, SQLITE_STATIC);
	(void)sqlite3_bind_int64(st, ++n, q->limit ? (sqlite3_int64)q->limit : -1);
}

/* Only the conditions that are asked for, so that SQLite finds the index that serves them. */
int store_cdrs(struct store *s, const struct store_cdr_query *q, store_cdr_h *h, void *arg)
{
	struct cdrs ctx = { h, arg };
	char sql[640];

	if (!s)
		return 0;
	if (!q)
		return EINVAL;
	(void)re_snprintf(sql, sizeof(sql),
			  "SELECT id, call_id, from_uri, from_name, to_uri, room, role, why, codec, outgoing, start_ms, answer_ms, end_ms,"
			  " status, rx_packets, tx_packets, lost, late, concealed, jitter_us, rtt_us, buffer_ms, r_factor, mos"
			  " FROM calls WHERE 1%s%s%s%s ORDER BY id DESC LIMIT ?",
			  q->from_ms ? " AND end_ms >= ?" : "", q->to_ms ? " AND end_ms < ?" : "", q->before ? " AND id < ?" : "",
			  q->room ? " AND room = ?" : "");
	return ask(s, sql, bind_query, q, cdr_row, &ctx);
}

/* --- recordings --- */

struct recordings { store_recording_h *h; void *arg; };

static bool recording_row(struct row *r, void *arg)
{
	const struct recordings *ctx = arg;
	struct store_recording rec;

	get_field(r, rec.id);
	get_field(r, rec.room);
	get_field(r, rec.dir);
	get_field(r, rec.by);
	get_field(r, rec.state);
	rec.start_ms = get_number(r);
	rec.end_ms = get_number(r);
	rec.bytes = get_number(r);
	return ctx->h(&rec, ctx->arg);
}

int store_recordings(struct store *s, const char *room, store_recording_h *h, void *arg)
{
	struct recordings ctx = { h, arg };

	if (!s)
		return 0;
	return room ? ask(s, "SELECT id, room, dir, by, state, start_ms, end_ms, bytes FROM recordings WHERE room = ?"
			  " ORDER BY start_ms DESC, rowid DESC", bind_name, room, recording_row, &ctx)
		    : ask(s, "SELECT id, room, dir, by, state, start_ms, end_ms, bytes FROM recordings"
			  " ORDER BY start_ms DESC, rowid DESC", NULL, NULL, recording_row, &ctx);
}
