/*
 * store_write.c - the connection that writes: prepared once, a transaction for as many jobs as are there.
 *
 * WAL with synchronous=NORMAL: a commit is a write into the log file, not a wait for the disk. What is committed is the
 * kernel's, so it survives the death of the process; a power cut may cost the last transactions, never the file.
 *
 * A statement that SQLite refuses for what it says (a ban for a room that is not there) is left out and the others are
 * kept. Any other error ends the transaction, and nothing of it is in the file.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include "log.h"
#include "store_priv.h"

enum { BUSY_MS = 2000, PRUNE_AT_ONCE = 1000, TEXT_MAX = 1 << 20 };

enum statement {
	BEGIN, COMMIT, ROLLBACK, ROOM_PUT, SETTINGS_DEL, SETTING_PUT, ROOM_DEL, BAN_PUT, BAN_DEL, SEAT_PUT, SEAT_DEL, TOKEN_PUT,
	TOKEN_DEL, CALL_PUT, CALL_DEL, CDR_PUT, RECORDING_PUT, RECORDING_DEL, ALIVE, PRUNE, STATEMENTS,
};

static const char *const sql[STATEMENTS] = {
	[BEGIN]    = "BEGIN IMMEDIATE",
	[COMMIT]   = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	/* No REPLACE: that deletes first, and bans and seats would go with the row. */
	[ROOM_PUT] = ("INSERT INTO rooms VALUES (?,?,?,?) ON CONFLICT (name) DO UPDATE SET"
		      " created_ms = excluded.created_ms, locked = excluded.locked, muted_all = excluded.muted_all"),
	[SETTINGS_DEL] = "DELETE FROM room_settings WHERE room = ?",
	[SETTING_PUT]  = "INSERT OR REPLACE INTO room_settings VALUES (?,?,?)",
	[ROOM_DEL]  = "DELETE FROM rooms WHERE name = ?",
	[BAN_PUT]   = "INSERT OR REPLACE INTO bans VALUES (?,?,?)",
	[BAN_DEL]   = "DELETE FROM bans WHERE room = ? AND uri = ?",
	[SEAT_PUT]  = "INSERT OR REPLACE INTO seats VALUES (?,?,?,?,?,?,?)",
	[SEAT_DEL]  = "DELETE FROM seats WHERE room = ? AND uri = ?",
	[TOKEN_PUT] = "INSERT OR REPLACE INTO tokens VALUES (?,?,?,?,?,?,?)",
	[TOKEN_DEL] = "DELETE FROM tokens WHERE id = ?",
	[CALL_PUT]  = "INSERT OR REPLACE INTO running VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
	[CALL_DEL]  = "DELETE FROM running WHERE id = ?",
	[CDR_PUT]   = "INSERT INTO calls VALUES (NULL,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
	[RECORDING_PUT] = "INSERT OR REPLACE INTO recordings VALUES (?,?,?,?,?,?,?,?)",
	[RECORDING_DEL] = "DELETE FROM recordings WHERE id = ?",
	[ALIVE] = "UPDATE alive SET at_ms = ? WHERE EXISTS (SELECT 1 FROM running)",
	[PRUNE] = "DELETE FROM calls WHERE id IN (SELECT id FROM calls WHERE end_ms < ? ORDER BY end_ms LIMIT ?)",
};

/* Calls that the process before us did not see end: they end where it was last known to live. */
static const char sweep[] =
	"BEGIN IMMEDIATE;"
	"INSERT INTO calls SELECT NULL, call_id, from_uri, from_name, to_uri, room, role, 'killed', codec, outgoing, start_ms,"
	" answer_ms, max(start_ms, answer_ms, (SELECT at_ms FROM alive)), status, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0"
	" FROM running ORDER BY id;"
	"DELETE FROM running;"
	"COMMIT";

struct store_writer {
	sqlite3 *db;
	sqlite3_stmt *st[STATEMENTS];
	int lock_fd;
};

/* --- statements --- */

struct binder { sqlite3_stmt *st; int n; };

static struct binder binder(const struct store_writer *w, enum statement id)
{
	return (struct binder){ .st = w->st[id] };
}

static void put_text(struct binder *b, const char *text, size_t size)
{
	(void)sqlite3_bind_text(b->st, ++b->n, text, (int)strnlen(text, size), SQLITE_STATIC);
}

#define put_field(b, field) put_text(b, field, sizeof(field))

static void put_number(struct binder *b, uint64_t n)
{
	(void)sqlite3_bind_int64(b->st, ++b->n, (sqlite3_int64)n);
}

static void put_real(struct binder *b, float f)
{
	(void)sqlite3_bind_double(b->st, ++b->n, (double)f);
}

static int run(struct binder *b)
{
	int rc = sqlite3_step(b->st);

	(void)sqlite3_reset(b->st);
	return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

static int run_plain(struct store_writer *w, enum statement id)
{
	struct binder b = binder(w, id);

	return run(&b);
}

/* DELETE ... WHERE a = ? [AND b = ?] */
static int run_keys(struct store_writer *w, enum statement id, const char *one, size_t one_size, const char *two, size_t two_size)
{
	struct binder b = binder(w, id);

	put_text(&b, one, one_size);
	if (two)
		put_text(&b, two, two_size);
	return run(&b);
}

/* --- jobs --- */

static int room_put(struct store_writer *w, const struct store_room *r)
{
	struct binder b = binder(w, ROOM_PUT);
	int rc;

	put_field(&b, r->name);
	put_number(&b, r->created_ms);
	put_number(&b, r->locked);
	put_number(&b, r->muted_all);
	rc = run(&b);
	if (rc == SQLITE_OK)
		rc = run_keys(w, SETTINGS_DEL, r->name, sizeof(r->name), NULL, 0);
	for (size_t i = 0; rc == SQLITE_OK && i < r->n_settings; i++) {
		b = binder(w, SETTING_PUT);
		put_field(&b, r->name);
		put_text(&b, r->settings[i].name, TEXT_MAX);
		put_text(&b, r->settings[i].value, TEXT_MAX);
		rc = run(&b);
	}
	return rc;
}

static int ban_put(struct store_writer *w, const struct store_ban *ban)
{
	struct binder b = binder(w, BAN_PUT);

	put_field(&b, ban->room);
	put_field(&b, ban->uri);
	put_number(&b, ban->at_ms);
	return run(&b);
}

static int seat_put(struct store_writer *w, const struct store_seat *s)
{
	struct binder b = binder(w, SEAT_PUT);

	put_field(&b, s->room);
	put_field(&b, s->uri);
	put_field(&b, s->name);
	put_text(&b, role_name(s->role), TEXT_MAX);
	put_number(&b, s->self_muted);
	put_number(&b, s->host_muted);
	put_number(&b, s->until_ms);
	return run(&b);
}

static int token_put(struct store_writer *w, const struct store_token *t)
{
	struct binder b = binder(w, TOKEN_PUT);

	put_field(&b, t->id);
	put_field(&b, t->name);
	put_field(&b, t->sha256);
	put_field(&b, t->scopes);
	put_field(&b, t->room);
	put_number(&b, t->created_ms);
	put_number(&b, t->expires_ms);
	return run(&b);
}

static int call_put(struct store_writer *w, const struct store_cdr *c)
{
	struct binder b = binder(w, CALL_PUT);

	put_number(&b, c->running);
	put_field(&b, c->call_id);
	put_field(&b, c->from);
	put_field(&b, c->from_name);
	put_field(&b, c->to);
	put_field(&b, c->room);
	put_field(&b, c->role);
	put_field(&b, c->codec);
	put_number(&b, c->outgoing);
	put_number(&b, c->start_ms);
	put_number(&b, c->answer_ms);
	put_number(&b, c->status);
	return run(&b);
}

static int call_del(struct store_writer *w, uint64_t id)
{
	struct binder b = binder(w, CALL_DEL);

	put_number(&b, id);
	return run(&b);
}

static void put_quality(struct binder *b, const struct store_cdr *c)
{
	put_number(b, c->rx_packets);
	put_number(b, c->tx_packets);
	put_number(b, c->lost);
	put_number(b, c->late);
	put_number(b, c->concealed);
	put_number(b, c->jitter_us);
	put_number(b, c->rtt_us);
	put_number(b, c->buffer_ms);
	put_real(b, c->r_factor);
	put_real(b, c->mos);
}

static int cdr_put(struct store_writer *w, const struct store_cdr *c)
{
	struct binder b = binder(w, CDR_PUT);
	int rc;

	put_field(&b, c->call_id);
	put_field(&b, c->from);
	put_field(&b, c->from_name);
	put_field(&b, c->to);
	put_field(&b, c->room);
	put_field(&b, c->role);
	put_field(&b, c->why);
	put_field(&b, c->codec);
	put_number(&b, c->outgoing);
	put_number(&b, c->start_ms);
	put_number(&b, c->answer_ms);
	put_number(&b, c->end_ms);
	put_number(&b, c->status);
	put_quality(&b, c);
	rc = run(&b);
	return rc == SQLITE_OK && c->running ? call_del(w, c->running) : rc;
}

static int recording_put(struct store_writer *w, const struct store_recording *r)
{
	struct binder b = binder(w, RECORDING_PUT);

	put_field(&b, r->id);
	put_field(&b, r->room);
	put_field(&b, r->dir);
	put_field(&b, r->by);
	put_field(&b, r->state);
	put_number(&b, r->start_ms);
	put_number(&b, r->end_ms);
	put_number(&b, r->bytes);
	return run(&b);
}

#define run_key1(w, id, key) run_keys(w, id, key, sizeof(key), NULL, 0)
#define run_key2(w, id, one, two) run_keys(w, id, one, sizeof(one), two, sizeof(two))

static int apply(struct store_writer *w, const struct store_job *j)
{
	switch (j->kind) {
	case STORE_ROOM_PUT:
		return room_put(w, &j->u.room);
	case STORE_ROOM_DEL:
		return run_key1(w, ROOM_DEL, j->u.room.name);
	case STORE_BAN_PUT:
		return ban_put(w, &j->u.ban);
	case STORE_BAN_DEL:
		return run_key2(w, BAN_DEL, j->u.ban.room, j->u.ban.uri);
	case STORE_SEAT_PUT:
		return seat_put(w, &j->u.seat);
	case STORE_SEAT_DEL:
		return run_key2(w, SEAT_DEL, j->u.seat.room, j->u.seat.uri);
	case STORE_TOKEN_PUT:
		return token_put(w, &j->u.token);
	case STORE_TOKEN_DEL:
		return run_key1(w, TOKEN_DEL, j->u.token.id);
	case STORE_CALL_PUT:
		return call_put(w, &j->u.cdr);
	case STORE_CDR_PUT:
		return cdr_put(w, &j->u.cdr);
	case STORE_RECORDING_PUT:
		return recording_put(w, &j->u.recording);
	case STORE_RECORDING_DEL:
		return run_key1(w, RECORDING_DEL, j->u.recording.id);
	case STORE_SYNC:
		break;
	}
	return SQLITE_OK;
}

/* What is wrong with the job itself, and would be the next time too. */
static bool refused_for_good(int rc)
{
	return store_errno(rc) == EINVAL;
}

static void roll_back(struct store_writer *w)
{
	if (!sqlite3_get_autocommit(w->db))
		(void)run_plain(w, ROLLBACK);
}

int store_write(struct store_writer *w, const struct store_job *first, const struct store_job *end, uint32_t *refused)
{
	int rc = run_plain(w, BEGIN);

	*refused = 0;
	for (const struct store_job *j = first; rc == SQLITE_OK && j != end; j = j->next) {
		rc = apply(w, j);
		if (refused_for_good(rc)) {
			log_error("store.refused", "what=%d error=\"%s\"", (int)j->kind, sqlite3_errmsg(w->db));
			++*refused;
			rc = SQLITE_OK;
		}
	}
	if (rc == SQLITE_OK)
		rc = run_plain(w, COMMIT);
	if (rc != SQLITE_OK)
		roll_back(w);
	return store_errno(rc);
}

int store_alive(struct store_writer *w, uint64_t now_ms)
{
	struct binder b = binder(w, ALIVE);

	put_number(&b, now_ms);
	return store_errno(run(&b));
}

int store_prune(struct store_writer *w, uint64_t before_ms, bool *more)
{
	struct binder b = binder(w, PRUNE);
	int rc;

	put_number(&b, before_ms);
	put_number(&b, PRUNE_AT_ONCE);
	rc = run(&b);
	*more = rc == SQLITE_OK && sqlite3_changes(w->db) == PRUNE_AT_ONCE;
	return store_errno(rc);
}

/* --- open --- */

static void destructor(void *arg)
{
	struct store_writer *w = arg;

	for (size_t i = 0; i < STATEMENTS; i++)
		(void)sqlite3_finalize(w->st[i]);
	(void)sqlite3_close(w->db);
	/* After SQLite's: closing any descriptor of a file lets go of all POSIX locks the process has on it. */
	if (w->lock_fd >= 0)
		(void)close(w->lock_fd);
}

/* The file is made here, so that nobody else could read it for a moment; SQLite gives its log files the same mode. Two
 * servers in one state folder would end each other's calls, so the second one is refused. */
static int lock_file(struct store_writer *w, const char *path, char **why)
{
	struct stat st;

	w->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (w->lock_fd < 0 || fstat(w->lock_fd, &st))
		return errno;
	if (!S_ISREG(st.st_mode)) {
		(void)re_sdprintf(why, "it is not a plain file");
		return EINVAL;
	}
	if ((st.st_mode & 077) && fchmod(w->lock_fd, 0600))
		return errno;
	if (flock(w->lock_fd, LOCK_EX | LOCK_NB)) {
		(void)re_sdprintf(why, "another server has it open");
		return EBUSY;
	}
	return 0;
}

static int settle(struct store_writer *w)
{
	static const char pragmas[] =
		"PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON;"
		"PRAGMA journal_size_limit = 16777216; PRAGMA trusted_schema = OFF";

	return store_errno(sqlite3_exec(w->db, pragmas, NULL, NULL, NULL));
}

static int prepare(struct store_writer *w)
{
	int rc = SQLITE_OK;

	for (size_t i = 0; rc == SQLITE_OK && i < STATEMENTS; i++)
		rc = sqlite3_prepare_v3(w->db, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &w->st[i], NULL);
	return store_errno(rc);
}

static int open_all(struct store_writer *w, const char *path, char **why)
{
	int err = lock_file(w, path, why);

	if (err)
		return err;
	err = store_errno(sqlite3_open_v2(path, &w->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL));
	if (err)
		return err;
	(void)sqlite3_extended_result_codes(w->db, 1);
	(void)sqlite3_busy_timeout(w->db, BUSY_MS);
	/* Before anything is written: a file that is not ours stays as it is. */
	err = store_migrate(w->db, why);
	if (!err)
		err = settle(w);
	if (!err)
		err = prepare(w);
	if (!err)
		err = store_errno(sqlite3_exec(w->db, sweep, NULL, NULL, NULL));
	return err;
}

int store_writer_open(struct store_writer **wp, const char *path, char **why)
{
	struct store_writer *w = mem_zalloc(sizeof(*w), destructor);
	char *what = NULL;
	int err;

	*why = NULL;
	if (!w)
		return ENOMEM;
	w->lock_fd = -1;
	err = open_all(w, path, &what);
	if (err && !what && w->db && sqlite3_errcode(w->db) != SQLITE_OK)
		(void)re_sdprintf(&what, "%s", sqlite3_errmsg(w->db));
	if (err)
		(void)re_sdprintf(why, "%s: %s", path, what ? what : strerror(err));
	mem_deref(what);
	if (err)
		mem_deref(w);
	else
		*wp = w;
	return err;
}
