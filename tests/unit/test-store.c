/*
 * What is put is there again: every kind, in its order, after a restart, after SIGKILL, after a disk that was full. What is
 * no file of ours is refused and left as it was.
 */
#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <pthread.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <re.h>
#include "control/log.h"
#include "control/loop.h"
#include "control/store.h"

enum { NOBODY = 65534 };

static char *dir, *path;
static char said[512];

static void sink(const char *line, void *arg)
{
	if (strstr(line, "store."))
		g_strlcpy(said, line, sizeof(said));
}

static void setup(void)
{
	dir = g_dir_make_tmp("tutti-store-XXXXXX", NULL);
	path = g_build_filename(dir, "tutti.db", NULL);
	said[0] = '\0';
	log_set_sink(sink, NULL);
	g_assert_cmpint(loop_init(), ==, 0);
}

static void teardown(void)
{
	static const char *const tails[] = { "", "-wal", "-shm", "-journal" };

	loop_close();
	log_set_sink(NULL, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(tails); i++) {
		char *name = g_strconcat(path, tails[i], NULL);

		(void)g_unlink(name);
		g_free(name);
	}
	g_assert_cmpint(g_rmdir(dir), ==, 0);
	g_free(path);
	g_free(dir);
}

static struct store *open_store(void)
{
	struct store *s = NULL;
	char *why = NULL;
	int err = store_open(&s, path, &why);

	if (err)
		g_error("store_open: %d %s", err, why);
	return s;
}

/* --- sync --- */

static void on_sync(int err, void *arg)
{
	*(int *)arg = err;
	loop_stop();
}

static int sync_store(struct store *s)
{
	int err = -1;

	g_assert_cmpint(store_sync(s, on_sync, &err), ==, 0);
	g_assert_cmpint(loop_run(NULL), ==, 0);
	g_assert_cmpint(err, !=, -1);
	return err;
}

/* --- what is read, as text --- */

static void room_text(const struct store_room *r, void *arg)
{
	g_string_append_printf(arg, "%s %" G_GUINT64_FORMAT "%s%s", r->name, r->created_ms, r->locked ? " locked" : "",
			       r->muted_all ? " muted" : "");
	for (size_t i = 0; i < r->n_settings; i++)
		g_string_append_printf(arg, " %s=%s", r->settings[i].name, r->settings[i].value);
	g_string_append(arg, "; ");
}

static void ban_text(const struct store_ban *b, void *arg)
{
	g_string_append_printf(arg, "%s %s %" G_GUINT64_FORMAT "; ", b->room, b->uri, b->at_ms);
}

static void seat_text(const struct store_seat *s, void *arg)
{
	g_string_append_printf(arg, "%s %s %s %s %d%d %" G_GUINT64_FORMAT "; ", s->room, s->uri, s->name, role_name(s->role),
			       s->self_muted, s->host_muted, s->until_ms);
}

static void token_text(const struct store_token *t, void *arg)
{
	g_string_append_printf(arg, "%s %s %s %s %s %" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT "; ", t->id, t->name, t->sha256,
			       t->scopes, t->room, t->created_ms, t->expires_ms);
}

static bool cdr_text(uint64_t id, const struct store_cdr *c, void *arg)
{
	g_string_append_printf(arg, "%" G_GUINT64_FORMAT ":%s@%" G_GUINT64_FORMAT "/%s; ", id, c->call_id, c->end_ms, c->why);
	return true;
}

static bool recording_text(const struct store_recording *r, void *arg)
{
	g_string_append_printf(arg, "%s %s %s %s %s %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT " %" G_GUINT64_FORMAT "; ", r->id,
			       r->room, r->dir, r->by, r->state, r->start_ms, r->end_ms, r->bytes);
	return true;
}

/* The text must be `want`. */
#define EXPECT(want, call) \
	do { \
		GString *text_ = g_string_new(NULL); \
		g_assert_cmpint(call, ==, 0); \
		g_assert_cmpstr(text_->str, ==, want); \
		g_string_free(text_, TRUE); \
	} while (0)

#define EXPECT_ROOMS(s, want) EXPECT(want, store_rooms(s, room_text, text_))
#define EXPECT_BANS(s, want) EXPECT(want, store_bans(s, ban_text, text_))
#define EXPECT_SEATS(s, want) EXPECT(want, store_seats(s, seat_text, text_))
#define EXPECT_TOKENS(s, want) EXPECT(want, store_tokens(s, token_text, text_))
#define EXPECT_CDRS(s, want, ...) \
	EXPECT(want, store_cdrs(s, &(struct store_cdr_query){ __VA_ARGS__ }, cdr_text, text_))
#define EXPECT_RECORDINGS(s, room, want) EXPECT(want, store_recordings(s, room, recording_text, text_))

static void put_room(struct store *s, const char *name, uint64_t created_ms)
{
	struct store_room r = { .created_ms = created_ms };

	g_strlcpy(r.name, name, sizeof(r.name));
	g_assert_cmpint(store_room_put(s, &r), ==, 0);
}

static int try_cdr(struct store *s, const char *call_id, const char *room, uint64_t end_ms, uint64_t running)
{
	struct store_cdr c = { .start_ms = end_ms - 10, .end_ms = end_ms, .status = 200, .running = running };

	g_strlcpy(c.call_id, call_id, sizeof(c.call_id));
	g_strlcpy(c.room, room, sizeof(c.room));
	g_strlcpy(c.why, "bye", sizeof(c.why));
	return store_cdr_put(s, &c);
}

static void put_cdr(struct store *s, const char *call_id, const char *room, uint64_t end_ms)
{
	g_assert_cmpint(try_cdr(s, call_id, room, end_ms, 0), ==, 0);
}

/* --- tests --- */

static void test_rooms(void)
{
	struct setting set[] = { { "title", "The \"band\"; DROP TABLE rooms" }, { "lobby", "yes" } };
	struct store_room r = { .name = "Band", .created_ms = 5, .locked = true, .settings = set, .n_settings = 2 };
	char value[] = "later";
	struct store *s;

	setup();
	s = open_store();
	g_assert_cmpint(store_room_put(s, &r), ==, 0);
	put_room(s, "late", 9);
	put_room(s, "early", 1);
	g_assert_cmpint(sync_store(s), ==, 0);
	EXPECT_ROOMS(s, "early 1; Band 5 locked lobby=yes title=The \"band\"; DROP TABLE rooms; late 9; ");

	/* In place of what was, whatever the case; the caller's text may change at once. */
	strcpy(r.name, "band");
	r.locked = false;
	r.muted_all = true;
	set[0] = (struct setting){ "topic", value };
	r.n_settings = 1;
	g_assert_cmpint(store_room_put(s, &r), ==, 0);
	memset(value, 'x', strlen(value));
	g_assert_cmpint(store_room_del(s, "LATE"), ==, 0);
	g_assert_cmpint(sync_store(s), ==, 0);
	EXPECT_ROOMS(s, "early 1; Band 5 muted topic=later; ");
	mem_deref(s);

	s = open_store();
	EXPECT_ROOMS(s, "early 1; Band 5 muted topic=later; ");
	mem_deref(s);
	teardown();
}

static void test_bans_and_seats(void)
{
	const struct store_ban ban = { .room = "BAND", .uri = "sip:eve@x", .at_ms = 3 };
	struct store_seat seat = { .room = "band", .uri = "sip:ann@x", .name = "Ann \xc3\xa4", .role = ROLE_HOST, .host_muted = true };
	struct store *s;

	setup();
	s = open_store();
	put_room(s, "band", 1);
	put_room(s, "duo", 2);
	g_assert_cmpint(store_ban_put(s, &ban), ==, 0);
	g_assert_cmpint(store_ban_put(s, &(struct store_ban){ .room = "band", .uri = "sip:bob@x", .at_ms = 2 }), ==, 0);
	g_assert_cmpint(store_ban_put(s, &(struct store_ban){ .room = "duo", .uri = "sip:eve@x", .at_ms = 1 }), ==, 0);
	g_assert_cmpint(store_seat_put(s, &seat), ==, 0);
	seat.until_ms = 77;
	seat.self_muted = true;
	g_assert_cmpint(store_seat_put(s, &seat), ==, 0);
	/* The room is changed: what hangs on it stays. */
	put_room(s, "band", 1);
	g_assert_cmpint(sync_store(s), ==, 0);
	EXPECT_BANS(s, "band sip:bob@x 2; BAND sip:eve@x 3; duo sip:eve@x 1; ");
	EXPECT_SEATS(s, "band sip:ann@x Ann \xc3\xa4 host 11 77; ");

	g_assert_cmpint(store_ban_del(s, "band", "sip:bob@x"), ==, 0);
	g_assert_cmpint(sync_store(s), ==, 0);
	EXPECT_BANS(s, "BAND sip:eve@x 3; duo sip:eve@x 1; ");
	g_assert_cmpint(store_seat_put(s, &(struct store_seat){ .room = "duo", .uri = "sip:a@x" }), ==, 0);
	g_assert_cmpint(store_seat_del(s, "duo", "sip:a@x"), ==, 0);
	g_assert_cmpint(store_room_del(s, "band"), ==, 0);
	g_assert_cmpint(sync_store(s), ==, 0);
	EXPECT_BANS(s, "duo sip:eve@x 1; ");
	EXPECT_SEATS(s, "");

	/* One is refused, the others are kept, and who asks is told, once. */
	g_assert_cmpint(store_ban_put(s, &(struct store_ban){ .room = "none", .uri = "sip:a@x" }), ==, 0);
	put_room(s, "trio", 3);
	g_assert_cmpint(sync_store(s), ==, EINVAL);
	g_assert_nonnull(strstr(said, "store.refused"));
	g_assert_cmpint(sync_store(s), ==, 0);
	EXPECT_ROOMS(s, "duo 2; trio 3; ");
	mem_deref(s);
	teardown();
}

static void test_tokens(void)
{
	const struct store_token a = { .id = "0011223344556677", .name = "desk", .sha256 = "ab12", .scopes = "read control",
				       .room = "band", .created_ms = 2, .expires_ms = 9 };
	const struct store_token b = { .id = "8899", .created_ms = 1 };
	struct store *s;

	setup();
	s = open_store();
	g_assert_cmpint(store_token_put(s, &a), ==, 0);
	g_assert_cmpint(store_token_put(s, &b), ==, 0);
	g_assert_cmpint(sync_store(s), ==, 0);
	EXPECT_TOKENS(s, "8899     1 0; 0011223344556677 desk ab12 read control band 2 9; ");
	g_assert_cmpint(store_token_del(s, "8899"), ==, 0);
	g_assert_cmpint(sync_store(s), ==, 0);
	EXPECT_TOKENS(s, "0011223344556677 desk ab12 read control band 2 9; ");
	mem_deref(s);
	teardown();
}

static bool first_only(uint64_t id, const struct store_cdr *c, void *arg)
{
	*(struct store_cdr *)arg = *c;
	return false;
}

static void test_cdrs(void)
{
	const struct store_cdr full = {
		.call_id = "c9", .from = "sip:ann@x", .from_name = "Ann, \"A\"", .to = "sip:band@y", .room = "duo", .role = "host",
		.why = "kicked", .codec = "opus", .outgoing = true, .start_ms = 1, .answer_ms = 2, .end_ms = 900, .status = 200,
		.rx_packets = 1ull << 40, .tx_packets = 6, .lost = 7, .late = 8, .concealed = 9, .jitter_us = 4000000000u,
		.rtt_us = 11, .buffer_ms = 12, .r_factor = 91.5f, .mos = 4.25f,
	};
	struct store_cdr got;
	struct store *s;

	setup();
	s = open_store();
	for (unsigned i = 1; i <= 8; i++) {
		char id[8];

		g_snprintf(id, sizeof(id), "c%u", i);
		put_cdr(s, id, i % 2 ? "band" : "duo", i * 100);
	}
	g_assert_cmpint(store_cdr_put(s, &full), ==, 0);
	g_assert_cmpint(sync_store(s), ==, 0);
	g_assert_cmpint(store_cdrs(s, &(struct store_cdr_query){ .limit = 5 }, first_only, &got), ==, 0);
	g_assert_cmpmem(&got, sizeof(got), &full, sizeof(full));

	EXPECT_CDRS(s, "9:c9@900/kicked; 8:c8@800/bye; ", .limit = 2);
	EXPECT_CDRS(s, "7:c7@700/bye; 6:c6@600/bye; ", .limit = 2, .before = 8);
	EXPECT_CDRS(s, "7:c7@700/bye; 5:c5@500/bye; 3:c3@300/bye; 1:c1@100/bye; ", .room = "BAND");
	EXPECT_CDRS(s, "3:c3@300/bye; 2:c2@200/bye; ", .from_ms = 200, .to_ms = 400);
	EXPECT_CDRS(s, "3:c3@300/bye; ", .from_ms = 200, .to_ms = 500, .before = 4, .limit = 7, .room = "band");
	EXPECT_CDRS(s, "", .room = "none");
	mem_deref(s);
	teardown();
}

static void test_recordings(void)
{
	struct store_recording r = { .id = "aa", .room = "band", .dir = "/d", .by = "ann", .state = "running", .start_ms = 1 };
	struct store *s;

	setup();
	s = open_store();
	g_assert_cmpint(store_recording_put(s, &r), ==, 0);
	strcpy(r.state, "finished");
	r.end_ms = 8;
	r.bytes = 123;
	g_assert_cmpint(store_recording_put(s, &r), ==, 0);
	g_assert_cmpint(store_recording_put(s, &(struct store_recording){ .id = "bb", .room = "duo", .start_ms = 3 }), ==, 0);
	g_assert_cmpint(sync_store(s), ==, 0);
	EXPECT_RECORDINGS(s, NULL, "bb duo    3-0 0; aa band /d ann finished 1-8 123; ");
	EXPECT_RECORDINGS(s, "Band", "aa band /d ann finished 1-8 123; ");
	g_assert_cmpint(store_recording_del(s, "bb"), ==, 0);
	g_assert_cmpint(sync_store(s), ==, 0);
	EXPECT_RECORDINGS(s, NULL, "aa band /d ann finished 1-8 123; ");
	mem_deref(s);
	teardown();
}

static void nobody(const struct store_room *r, void *arg)
{
	g_assert_not_reached();
}

/* No store: nothing is kept, and nobody waits for ever. */
static void test_none(void)
{
	setup();
	put_room(NULL, "band", 1);
	put_cdr(NULL, "a", "band", 20);
	store_keep_calls(NULL, 1);
	g_assert_cmpint(store_rooms(NULL, nobody, NULL), ==, 0);
	g_assert_cmpint(sync_store(NULL), ==, 0);
	teardown();
}

/* --- the file --- */

static int64_t ask_number(const char *sql)
{
	sqlite3 *db;
	sqlite3_stmt *st;
	int64_t n;

	g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
	g_assert_cmpint(sqlite3_prepare_v2(db, sql, -1, &st, NULL), ==, SQLITE_OK);
	g_assert_cmpint(sqlite3_step(st), ==, SQLITE_ROW);
	n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	return n;
}

static void file_exec(const char *sql)
{
	sqlite3 *db;

	g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
	g_assert_cmpint(sqlite3_exec(db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
	sqlite3_close(db);
}

static void test_mode(void)
{
	struct stat st;
	char *wal;
	struct store *s;

	setup();
	wal = g_strconcat(path, "-wal", NULL);
	s = open_store();
	put_room(s, "band", 1);
	g_assert_cmpint(sync_store(s), ==, 0);
	g_assert_cmpint(stat(path, &st), ==, 0);
	g_assert_cmpuint(st.st_mode & 0777, ==, 0600);
	g_assert_cmpint(stat(wal, &st), ==, 0);
	g_assert_cmpuint(st.st_mode & 0777, ==, 0600);
	mem_deref(s);

	/* Somebody has opened it to all: it is closed again. */
	g_assert_cmpint(chmod(path, 0644), ==, 0);
	mem_deref(open_store());
	g_assert_cmpint(stat(path, &st), ==, 0);
	g_assert_cmpuint(st.st_mode & 0777, ==, 0600);
	g_free(wal);
	teardown();
}

/* The first version, as it was made by hand: nothing ran in it, and the file was no WAL. */
static const char version_1[] =
	"CREATE TABLE rooms (name TEXT NOT NULL COLLATE NOCASE UNIQUE, created_ms INTEGER NOT NULL, locked INTEGER NOT NULL,"
	" muted_all INTEGER NOT NULL);"
	"CREATE TABLE room_settings (room TEXT NOT NULL COLLATE NOCASE REFERENCES rooms (name) ON DELETE CASCADE,"
	" name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (room, name)) WITHOUT ROWID;"
	"CREATE TABLE bans (room TEXT NOT NULL COLLATE NOCASE REFERENCES rooms (name) ON DELETE CASCADE, uri TEXT NOT NULL,"
	" at_ms INTEGER NOT NULL, PRIMARY KEY (room, uri)) WITHOUT ROWID;"
	"CREATE TABLE seats (room TEXT NOT NULL COLLATE NOCASE REFERENCES rooms (name) ON DELETE CASCADE, uri TEXT NOT NULL,"
	" name TEXT NOT NULL, role TEXT NOT NULL, self_muted INTEGER NOT NULL, host_muted INTEGER NOT NULL,"
	" until_ms INTEGER NOT NULL, PRIMARY KEY (room, uri)) WITHOUT ROWID;"
	"CREATE TABLE tokens (id TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, sha256 TEXT NOT NULL, scopes TEXT NOT NULL,"
	" room TEXT NOT NULL, created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL);"
	"CREATE TABLE calls (id INTEGER PRIMARY KEY AUTOINCREMENT, call_id TEXT NOT NULL, from_uri TEXT NOT NULL,"
	" from_name TEXT NOT NULL, to_uri TEXT NOT NULL, room TEXT NOT NULL COLLATE NOCASE, role TEXT NOT NULL,"
	" why TEXT NOT NULL, codec TEXT NOT NULL, outgoing INTEGER NOT NULL, start_ms INTEGER NOT NULL,"
	" answer_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL, status INTEGER NOT NULL, rx_packets INTEGER NOT NULL,"
	" tx_packets INTEGER NOT NULL, lost INTEGER NOT NULL, late INTEGER NOT NULL, concealed INTEGER NOT NULL,"
	" jitter_us INTEGER NOT NULL, rtt_us INTEGER NOT NULL, buffer_ms INTEGER NOT NULL, r_factor REAL NOT NULL,"
	" mos REAL NOT NULL);"
	"CREATE INDEX calls_room ON calls (room, id);"
	"CREATE INDEX calls_end ON calls (end_ms);"
	"CREATE TABLE recordings (id TEXT NOT NULL PRIMARY KEY, room TEXT NOT NULL COLLATE NOCASE, dir TEXT NOT NULL,"
	" by TEXT NOT NULL, state TEXT NOT NULL, start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL, bytes INTEGER NOT NULL);"
	"CREATE INDEX recordings_start ON recordings (start_ms);"
	"PRAGMA user_version = 1; PRAGMA application_id = 1416983668;"
	"INSERT INTO rooms VALUES ('band', 7, 1, 0); INSERT INTO room_settings VALUES ('band', 'title', 'The band');"
	"INSERT INTO bans VALUES ('band', 'sip:eve@x', 5);";

static void test_migrations(void)
{
	struct store *s;
	int64_t newest;

	setup();
	mem_deref(open_store());
	newest = ask_number("PRAGMA user_version");
	g_assert_cmpint(newest, >, 1);
	g_unlink(path);

	file_exec(version_1);
	s = open_store();
	EXPECT_ROOMS(s, "band 7 locked title=The band; ");
	EXPECT_BANS(s, "band sip:eve@x 5; ");
	g_assert_cmpint(store_call_put(s, &(struct store_cdr){ .running = 3, .call_id = "r", .start_ms = 1 }), ==, 0);
	put_cdr(s, "new", "band", 20);
	g_assert_cmpint(sync_store(s), ==, 0);
	EXPECT_CDRS(s, "1:new@20/bye; ", .limit = 0);
	mem_deref(s);
	g_assert_cmpint(ask_number("PRAGMA user_version"), ==, newest);
	teardown();
}

static void expect_refused(int want, const char *words)
{
	struct store *s = NULL;
	char *why = NULL;

	g_assert_cmpint(store_open(&s, path, &why), ==, want);
	g_assert_null(s);
	g_assert_nonnull(why);
	if (!strstr(why, words) || !strstr(why, path))
		g_error("it says: %s", why);
	mem_deref(why);
}

static void test_later_version(void)
{
	setup();
	mem_deref(open_store());
	file_exec("PRAGMA user_version = 4711");
	expect_refused(EPROTONOSUPPORT, "a later Tutti has written it");
	g_assert_cmpint(ask_number("PRAGMA user_version"), ==, 4711);
	teardown();
}

static void test_not_ours(void)
{
	setup();
	file_exec("CREATE TABLE precious (x); INSERT INTO precious VALUES (1)");
	expect_refused(EBADMSG, "not one of Tutti");
	g_assert_cmpint(ask_number("SELECT count(*) FROM sqlite_schema"), ==, 1);
	g_unlink(path);

	g_assert_true(g_file_set_contents(path, "this is a text, and of more than a hundred bytes, which is what a header of SQLite has, "
					  "so that it will be read as one\n", -1, NULL));
	expect_refused(EBADMSG, "not a database");
	g_unlink(path);

	g_assert_cmpint(g_mkdir(path, 0700), ==, 0);
	expect_refused(EISDIR, "directory");
	g_rmdir(path);

	g_assert_cmpint(symlink("/dev/null", path), ==, 0);
	expect_refused(ELOOP, "");
	teardown();
}

static void test_second_server(void)
{
	struct store *s;

	setup();
	s = open_store();
	expect_refused(EBUSY, "another server");
	mem_deref(s);
	mem_deref(open_store());
	teardown();
}

static void test_unreadable(void)
{
	const bool root = geteuid() == 0;         /* who may read everything, and is somebody else for a moment */

	setup();
	mem_deref(open_store());
	g_assert_cmpint(chmod(path, 0), ==, 0);
	g_assert_cmpint(chmod(dir, 0755), ==, 0);
	g_assert_true(!root || !seteuid(NOBODY));
	expect_refused(EACCES, "denied");
	g_assert_true(!root || !seteuid(0));

	/* It may be read but not written, nor may its folder. */
	g_assert_cmpint(chmod(path, 0444), ==, 0);
	g_assert_cmpint(chmod(dir, 0555), ==, 0);
	g_assert_true(!root || !seteuid(NOBODY));
	expect_refused(EACCES, "denied");
	g_assert_true(!root || !seteuid(0));
	g_assert_cmpint(chmod(dir, 0700), ==, 0);
	teardown();
}

/* --- errors while it runs --- */

static void wait_ms(unsigned ms)
{
	g_usleep(ms * 1000ul);
}

/* Another program holds the file: puts are taken up to a bound, then refused; nothing that was taken is lost. */
static void test_bound(void)
{
	uint32_t taken = 0;
	struct store_stats st;
	struct store *s;
	sqlite3 *other;
	int err = 0;

	setup();
	s = open_store();
	g_assert_cmpint(sync_store(s), ==, 0);
	g_assert_cmpint(sqlite3_open(path, &other), ==, SQLITE_OK);
	sqlite3_busy_timeout(other, 10000);       /* the store may still be closing its own */
	g_assert_cmpint(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), ==, SQLITE_OK);
	while (taken < 1000000 && !(err = try_cdr(s, "x", "band", 20, 0)))
		taken++;
	g_assert_cmpint(err, ==, EBUSY);
	g_assert_cmpuint(taken, >, 10000);
	store_stats(s, &st);
	g_assert_cmpuint(st.puts, ==, taken);
	g_assert_cmpuint(st.waiting, ==, taken);
	g_assert_cmpuint(st.errors, >=, 1);

	g_assert_cmpint(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), ==, SQLITE_OK);
	sqlite3_close(other);
	for (int i = 0; i < 1000 && (store_stats(s, &st), st.waiting); i++)
		wait_ms(10);
	g_assert_cmpint(sync_store(s), ==, 0);
	mem_deref(s);
	g_assert_cmpint(ask_number("SELECT count(*) FROM calls"), ==, taken);
	teardown();
}

/* A file may not grow any more: as a disk that is full. When there is room again, what was put is written. */
static void test_full(void)
{
	struct rlimit old, small;
	struct store_stats st;
	struct store *s;
	unsigned n = 0;
	int err;

	setup();
	g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &old), ==, 0);
	signal(SIGXFSZ, SIG_IGN);
	s = open_store();
	put_cdr(s, "first", "band", 20);
	g_assert_cmpint(sync_store(s), ==, 0);

	small = old;
	small.rlim_cur = 256 * 1024;
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &small), ==, 0);
	do {
		for (unsigned i = 0; i < 500; i++, n++)
			put_cdr(s, "a-call-id-that-takes-some-room-in-the-file", "band", 20);
		err = sync_store(s);
	} while (!err && n < 20000);
	g_assert_cmpint(err, ==, EIO);
	g_assert_nonnull(strstr(said, "store.failed"));
	store_stats(s, &st);
	g_assert_cmpuint(st.errors, >, 0);
	g_assert_cmpuint(st.waiting, >, 0);
	g_assert_cmpint(sync_store(s), !=, 0);

	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &old), ==, 0);
	g_assert_cmpint(sync_store(s), ==, 0);
	g_assert_nonnull(strstr(said, "store.recovered"));
	mem_deref(s);
	g_assert_cmpint(ask_number("SELECT count(*) FROM calls"), ==, n + 1);
	teardown();
}

/* The last reference may go while somebody waits, and in the handler itself. */
static void test_close(void)
{
	gint64 begin, put, written;
	struct store *s;
	int err = -1;

	setup();
	s = open_store();
	begin = g_get_monotonic_time();
	for (unsigned i = 0; i < 5000; i++)
		put_cdr(s, "x", "band", 20);
	put = g_get_monotonic_time();
	g_assert_cmpint(store_sync(s, on_sync, &err), ==, 0);
	mem_deref(s);
	written = g_get_monotonic_time();
	g_test_message("5000 records: handed over in %" G_GINT64_FORMAT " us, in the file after %" G_GINT64_FORMAT " us", put - begin,
		       written - begin);
	g_assert_cmpint(err, ==, -1);
	g_assert_cmpint(ask_number("SELECT count(*) FROM calls"), ==, 5000);
	teardown();
}

static unsigned after_close;

static void close_handler(int err, void *arg)
{
	struct store **sp = arg;

	if (*sp) {
		*sp = mem_deref(*sp);
		loop_stop();
	} else {
		after_close++;
	}
}

static void test_close_in_handler(void)
{
	struct store *s;

	setup();
	s = open_store();
	after_close = 0;
	for (int i = 0; i < 3; i++)
		g_assert_cmpint(store_sync(s, close_handler, &s), ==, 0);
	g_assert_cmpint(loop_run(NULL), ==, 0);
	g_assert_null(s);
	g_assert_cmpuint(after_close, ==, 0);
	teardown();
}

/* --- time --- */

static uint64_t unix_now_ms(void)
{
	return (uint64_t)g_get_real_time() / 1000;
}

static int64_t wait_number(struct store *s, const char *sql, int64_t want)
{
	int64_t n = -1;

	for (int i = 0; i < 500 && (n = ask_number(sql)) != want; i++)
		wait_ms(10);
	return n;
}

static void test_keep(void)
{
	const uint64_t now = unix_now_ms(), day = 86400 * 1000;
	struct store *s;

	setup();
	s = open_store();
	for (unsigned i = 0; i < 2500; i++)
		put_cdr(s, "old", "band", now - 91 * day);
	put_cdr(s, "young", "band", now - 89 * day);
	put_cdr(s, "new", "band", now);
	g_assert_cmpint(sync_store(s), ==, 0);
	g_assert_cmpint(ask_number("SELECT count(*) FROM calls"), ==, 2502);
	store_keep_calls(s, 90);
	g_assert_cmpint(wait_number(s, "SELECT count(*) FROM calls", 2), ==, 2);
	/* Numbers are not used again. */
	store_keep_calls(s, 1);
	g_assert_cmpint(wait_number(s, "SELECT count(*) FROM calls", 1), ==, 1);
	put_cdr(s, "next", "band", now);
	g_assert_cmpint(sync_store(s), ==, 0);
	g_assert_cmpint(ask_number("SELECT max(id) FROM calls"), ==, 2503);
	mem_deref(s);
	teardown();
}

/* --- two read while one writes --- */

struct reading { struct store *s; GThread *thread; gint *done; unsigned rounds; };

struct seen { uint64_t last; unsigned n; };

static bool in_order(uint64_t id, const struct store_cdr *c, void *arg)
{
	struct seen *seen = arg;

	g_assert_true(!seen->last || id == seen->last - 1);
	seen->last = id;
	seen->n++;
	return true;
}

static gpointer reader(gpointer arg)
{
	const struct store_cdr_query all = { .limit = 0 };
	struct reading *r = arg;
	unsigned before = 0;

	do {
		struct seen seen = { .n = 0 };

		g_assert_cmpint(store_cdrs(r->s, &all, in_order, &seen), ==, 0);
		g_assert_cmpuint(seen.n, >=, before);
		g_assert_true(!seen.n || seen.last == 1);
		before = seen.n;
		r->rounds++;
	} while (!g_atomic_int_get(r->done));
	return NULL;
}

static void test_threads(void)
{
	struct reading r[2] = { { .rounds = 0 } };
	gint done = 0;
	struct store *s;

	setup();
	s = open_store();
	for (int i = 0; i < 2; i++) {
		r[i] = (struct reading){ .s = s, .done = &done };
		r[i].thread = g_thread_new("reader", reader, &r[i]);
	}
	for (unsigned i = 0; i < 20; i++) {
		for (unsigned k = 0; k < 250; k++)
			put_cdr(s, "x", "band", 20);
		g_assert_cmpint(sync_store(s), ==, 0);
	}
	g_atomic_int_set(&done, 1);
	for (int i = 0; i < 2; i++) {
		g_thread_join(r[i].thread);
		g_assert_cmpuint(r[i].rounds, >, 1);
	}
	mem_deref(s);
	teardown();
}

/* --- SIGKILL --- */

enum { STEP = 37 };

struct child { struct store *s; unsigned put; int fd; };

static void child_more(int err, void *arg);

/* What the parent reads has been in the file before. */
static void child_step(struct child *c)
{
	for (unsigned i = 0; i < STEP; i++, c->put++)
		put_cdr(c->s, "x", "band", 1000 + c->put);
	g_assert_cmpint(store_sync(c->s, child_more, c), ==, 0);
}

static void child_more(int err, void *arg)
{
	struct child *c = arg;

	g_assert_cmpint(err, ==, 0);
	if (write(c->fd, &c->put, sizeof(c->put)) != sizeof(c->put))
		_exit(3);
	child_step(c);
}

static void child_life(int fd)
{
	struct child c = { .fd = fd };

	g_assert_cmpint(loop_init(), ==, 0);
	c.s = open_store();
	g_assert_cmpint(store_call_put(c.s, &(struct store_cdr){ .running = 1, .call_id = "still-on", .room = "band",
								  .start_ms = 1000, .answer_ms = 1100, .status = 200 }), ==, 0);
	child_step(&c);
	(void)loop_run(NULL);
	_exit(4);
}

static unsigned read_until(int fd, unsigned enough)
{
	unsigned n = 0;

	while (n < enough)
		g_assert_cmpint(read(fd, &n, sizeof(n)), ==, sizeof(n));
	return n;
}

static bool last_call(uint64_t id, const struct store_cdr *c, void *arg)
{
	*(struct store_cdr *)arg = *c;
	return false;
}

/* Of the processor, for a machine that is busy with other things must not fail this. */
static uint64_t cpu_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* All that was confirmed is there; the file is whole; it opens at once; the call that ran is told as cut. */
static void judge(unsigned confirmed)
{
	struct store_cdr c;
	struct store *s;
	char *sql;
	uint64_t begin = cpu_us();

	s = open_store();
	g_test_message("opened in %" G_GUINT64_FORMAT " us of the processor", cpu_us() - begin);
	g_assert_cmpuint(cpu_us() - begin, <, 200 * 1000);
	g_assert_cmpint(store_cdrs(s, &(struct store_cdr_query){ .limit = 1 }, last_call, &c), ==, 0);
	g_assert_cmpstr(c.call_id, ==, "still-on");
	g_assert_cmpstr(c.why, ==, "killed");
	g_assert_cmpuint(c.answer_ms, ==, 1100);
	g_assert_cmpuint(c.end_ms, >=, c.answer_ms);
	g_assert_cmpint(ask_number("SELECT count(*) FROM running"), ==, 0);
	mem_deref(s);

	sql = g_strdup_printf("SELECT count(DISTINCT end_ms) FROM calls WHERE why = 'bye' AND end_ms < %u", 1000 + confirmed);
	g_assert_cmpint(ask_number(sql), ==, confirmed);
	g_assert_cmpint(ask_number("SELECT count(*) - 1 FROM calls"), >=, confirmed);
	g_assert_cmpint(ask_number("SELECT integrity_check = 'ok' FROM pragma_integrity_check"), ==, 1);
	g_free(sql);
}

static void kill_round(unsigned enough)
{
	unsigned confirmed, n;
	int fd[2], status;
	pid_t pid;

	g_assert_cmpint(pipe(fd), ==, 0);
	pid = fork();
	g_assert_cmpint(pid, >=, 0);
	if (pid == 0) {
		close(fd[0]);
		child_life(fd[1]);
	}
	close(fd[1]);
	confirmed = read_until(fd[0], enough);
	g_assert_cmpint(kill(pid, SIGKILL), ==, 0);
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_true(WIFSIGNALED(status));
	while (read(fd[0], &n, sizeof(n)) == sizeof(n))
		confirmed = n;
	close(fd[0]);
	judge(confirmed);
}

static void test_killed(void)
{
	static const unsigned enough[] = { 1, 1000, 5000 };

	for (size_t i = 0; i < G_N_ELEMENTS(enough); i++) {
		setup();
		loop_close();             /* the child makes its own */
		kill_round(enough[i]);
		teardown();
	}
}

/* A call that has ended is no longer one that runs. */
static void test_running(void)
{
	struct store *s;

	setup();
	s = open_store();
	g_assert_cmpint(store_call_put(s, &(struct store_cdr){ .call_id = "x" }), ==, EINVAL);
	for (uint64_t i = 1; i <= 2; i++)
		g_assert_cmpint(store_call_put(s, &(struct store_cdr){ .running = i, .call_id = "same", .start_ms = 5 }), ==, 0);
	g_assert_cmpint(try_cdr(s, "same", "band", 30, 1), ==, 0);
	g_assert_cmpint(sync_store(s), ==, 0);
	EXPECT_CDRS(s, "1:same@30/bye; ", .limit = 0);
	mem_deref(s);
	s = open_store();
	g_assert_cmpint(ask_number("SELECT count(*) FROM calls WHERE why = 'killed'"), ==, 1);
	mem_deref(s);
	s = open_store();
	g_assert_cmpint(ask_number("SELECT count(*) FROM calls"), ==, 2);
	mem_deref(s);
	teardown();
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/store/rooms", test_rooms);
	g_test_add_func("/store/bans-and-seats", test_bans_and_seats);
	g_test_add_func("/store/tokens", test_tokens);
	g_test_add_func("/store/cdrs", test_cdrs);
	g_test_add_func("/store/recordings", test_recordings);
	g_test_add_func("/store/none", test_none);
	g_test_add_func("/store/mode", test_mode);
	g_test_add_func("/store/migrations", test_migrations);
	g_test_add_func("/store/later-version", test_later_version);
	g_test_add_func("/store/not-ours", test_not_ours);
	g_test_add_func("/store/second-server", test_second_server);
	g_test_add_func("/store/unreadable", test_unreadable);
	g_test_add_func("/store/bound", test_bound);
	g_test_add_func("/store/full", test_full);
	g_test_add_func("/store/close", test_close);
	g_test_add_func("/store/close-in-handler", test_close_in_handler);
	g_test_add_func("/store/keep", test_keep);
	g_test_add_func("/store/running", test_running);
	g_test_add_func("/store/threads", test_threads);
	g_test_add_func("/store/killed", test_killed);
	return g_test_run();
}
