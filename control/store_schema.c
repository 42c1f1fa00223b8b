/*
 * store_schema.c - what the file looks like, as a list of steps.
 *
 * The file counts in PRAGMA user_version how many steps it has taken. A step once released is never changed: what is to
 * be otherwise becomes the next one. All steps that are missing are taken in one transaction, so that a process which is
 * killed in between finds the file as it was.
 */
#include <errno.h>
#include "store_priv.h"

enum { APPLICATION_ID = 0x54757474 };             /* "Tutt": PRAGMA application_id, for file(1) and for us */

static const char *const steps[] = {

	/* 1 */
	"CREATE TABLE rooms ("
	" name TEXT NOT NULL COLLATE NOCASE UNIQUE, created_ms INTEGER NOT NULL, locked INTEGER NOT NULL,"
	" muted_all INTEGER NOT NULL);"

	"CREATE TABLE room_settings ("
	" room TEXT NOT NULL COLLATE NOCASE REFERENCES rooms (name) ON DELETE CASCADE, name TEXT NOT NULL,"
	" value TEXT NOT NULL, PRIMARY KEY (room, name)) WITHOUT ROWID;"

	"CREATE TABLE bans ("
	" room TEXT NOT NULL COLLATE NOCASE REFERENCES rooms (name) ON DELETE CASCADE, uri TEXT NOT NULL,"
	" at_ms INTEGER NOT NULL, PRIMARY KEY (room, uri)) WITHOUT ROWID;"

	"CREATE TABLE seats ("
	" room TEXT NOT NULL COLLATE NOCASE REFERENCES rooms (name) ON DELETE CASCADE, uri TEXT NOT NULL,"
	" name TEXT NOT NULL, role TEXT NOT NULL, self_muted INTEGER NOT NULL, host_muted INTEGER NOT NULL,"
	" until_ms INTEGER NOT NULL, PRIMARY KEY (room, uri)) WITHOUT ROWID;"

	"CREATE TABLE tokens ("
	" id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, scopes TEXT NOT NULL, room TEXT NOT NULL,"
	" created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL);"

	/* AUTOINCREMENT: a number is never used again, or who pages through the calls by number would miss some. */
	"CREATE TABLE calls ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, call_id TEXT NOT NULL, from_uri TEXT NOT NULL, from_name TEXT NOT NULL,"
	" to_uri TEXT NOT NULL, room TEXT NOT NULL COLLATE NOCASE, role TEXT NOT NULL, why TEXT NOT NULL, codec TEXT NOT NULL,"
	" outgoing INTEGER NOT NULL, start_ms INTEGER NOT NULL, answer_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL,"
	" status INTEGER NOT NULL, rx_packets INTEGER NOT NULL, tx_packets INTEGER NOT NULL, lost INTEGER NOT NULL,"
	" late INTEGER NOT NULL, concealed INTEGER NOT NULL, jitter_us INTEGER NOT NULL, rtt_us INTEGER NOT NULL,"
	" buffer_ms INTEGER NOT NULL, r_factor REAL NOT NULL, mos REAL NOT NULL);"
	"CREATE INDEX calls_room ON calls (room, id);"
	"CREATE INDEX calls_end ON calls (end_ms);"

	"CREATE TABLE recordings ("
	" id TEXT NOT NULL PRIMARY KEY, room TEXT NOT NULL COLLATE NOCASE, dir TEXT NOT NULL, by TEXT NOT NULL,"
	" state TEXT NOT NULL, start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL, bytes INTEGER NOT NULL);"
	"CREATE INDEX recordings_start ON recordings (start_ms);",

	/* 2: calls that run, and until when this process is known to live. */
	"CREATE TABLE running ("
	" id INTEGER PRIMARY KEY, call_id TEXT NOT NULL, from_uri TEXT NOT NULL, from_name TEXT NOT NULL, to_uri TEXT NOT NULL,"
	" room TEXT NOT NULL, role TEXT NOT NULL, codec TEXT NOT NULL, outgoing INTEGER NOT NULL, start_ms INTEGER NOT NULL,"
	" answer_ms INTEGER NOT NULL, status INTEGER NOT NULL);"
	"CREATE TABLE alive (one INTEGER PRIMARY KEY CHECK (one = 1), at_ms INTEGER NOT NULL);"
	"INSERT INTO alive VALUES (1, 0);",
};

int store_errno(int rc)
{
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_FULL:
		return ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return EBUSY;
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_CANTOPEN:
	case SQLITE_AUTH:
		return EACCES;
	case SQLITE_NOMEM:
		return ENOMEM;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return EBADMSG;
	case SQLITE_CONSTRAINT:
	case SQLITE_TOOBIG:
	case SQLITE_MISMATCH:
		return EINVAL;
	default:
		return EIO;
	}
}

/* The one number a statement gives. */
static int number(sqlite3 *db, int64_t *n, const char *sql)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &st, NULL);

	if (rc == SQLITE_OK && (rc = sqlite3_step(st)) == SQLITE_ROW)
		*n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return store_errno(rc);
}

static int take_steps(sqlite3 *db, int64_t from)
{
	char end[96];
	int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

	for (size_t i = (size_t)from; rc == SQLITE_OK && i < ARRAY_SIZE(steps); i++)
		rc = sqlite3_exec(db, steps[i], NULL, NULL, NULL);
	(void)re_snprintf(end, sizeof(end), "PRAGMA application_id = %d; PRAGMA user_version = %zu; COMMIT", APPLICATION_ID,
			  ARRAY_SIZE(steps));
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(db, end, NULL, NULL, NULL);
	if (rc != SQLITE_OK && !sqlite3_get_autocommit(db))
		(void)sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
	return store_errno(rc);
}

int store_migrate(sqlite3 *db, char **why)
{
	int64_t version = 0, id = 0, tables = 0;
	int err = number(db, &version, "PRAGMA user_version");

	if (!err)
		err = number(db, &id, "PRAGMA application_id");
	if (!err)
		err = number(db, &tables, "SELECT count(*) FROM sqlite_schema");
	if (err)
		return err;

	if (tables && id != APPLICATION_ID) {
		(void)re_sdprintf(why, "it is a database, but not one of Tutti");
		return EBADMSG;
	}
	if (version < 0 || version > (int64_t)ARRAY_SIZE(steps)) {
		(void)re_sdprintf(why, "it has version %lld and this Tutti knows up to %zu; a later Tutti has written it",
				  (long long)version, ARRAY_SIZE(steps));
		return EPROTONOSUPPORT;
	}
	return version < (int64_t)ARRAY_SIZE(steps) ? take_steps(db, version) : 0;
}
