/*
 * record.c - recording of rooms, the control half.
 *
 *     start     tap > bus > media thread fills it           > recorder: the thread that empties it (recorder.c)
 *     pause     the bus lets the tap go: what is said from then on is nowhere
 *     resume    another tap, behind the first
 *     stop      as pause; the recorder reads the rest, finishes the files and says so     > store
 *
 * A room that ends stops its recording. The room does not wait for the disk, and the next recording may begin at once.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include "log.h"
#include "manifest.h"
#include "mixer/tap.h"
#include "record_priv.h"
#include "recorder.h"
#include "snapshot.h"
#include "state.h"
#include "store.h"

enum { TAP_VOICE = 4 << 20, TAP_MUSIC = 16 << 20, HOUR_SMP = 3600 * 48000, FILES_MAX = 10000 };

struct record {
	struct control *c;
	struct record_conf conf;          /* dir is our own copy */
	struct recorder *recorder;
	struct event_lsnr *lsnr;
	struct list recordings;           /* struct recording */
	uint32_t n;
	uint64_t n_started, n_failed;
};

struct recording {
	struct le le;
	struct record *record;
	struct room *room;                /* NULL: it is being finished */
	uint64_t number;                  /* the recorder's */
	bool paused;
	unsigned n_taps;                  /* lent to the recorder */
	struct store_recording row;
};

/* --- what is kept --- */

static void put_row(const struct recording *g)
{
	int err = store_recording_put(g->record->c->conf.store, &g->row);

	if (err)
		log_error("record.store", "id=%s error=\"%s\"", g->row.id, strerror(err));
}

static void set_state(struct recording *g, const char *state)
{
	str_ncpy(g->row.state, state, sizeof(g->row.state));
}

/* --- taps --- */

static int begin_tap(struct recording *g)
{
	struct room *r = g->room;
	struct tap *t = NULL;
	int err;

	if (g->n_taps >= RECORDER_TAPS_MAX)
		return EAGAIN;
	err = tap_alloc(&t, r->conf.music ? TAP_MUSIC : TAP_VOICE, g->record->conf.stems);
	if (err)
		return err;
	err = bus_set_tap(r->bus, t);
	if (err) {
		mem_deref(t);
		return err;
	}
	err = recorder_tap(g->record->recorder, g->number, t);
	if (err) {
		(void)bus_set_tap(r->bus, NULL);
		mem_deref(t);
		return err;
	}
	g->n_taps++;
	return 0;
}

/* --- members --- */

static void tell_member(struct recording *g, const struct member *m)
{
	struct take_member tm = {.id = m->id, .role = m->role};

	if (!m->face.leg)
		return;
	tm.leg = leg_id(m->face.leg);
	str_ncpy(tm.uri, m->uri, sizeof(tm.uri));
	str_ncpy(tm.name, m->name, sizeof(tm.name));
	if (recorder_member(g->record->recorder, g->number, &tm))
		log_warning("record.member", "id=%s member=%u hint=\"its stem will have no name\"", g->row.id, m->id);
}

static struct recording *find(const struct record *rec, const char *room)
{
	struct le *le;

	LIST_FOREACH(&rec->recordings, le) {
		struct recording *g = le->data;

		if (g->room && !strcmp(g->room->name, room))
			return g;
	}
	return NULL;
}

/* The room is told of nothing here: it is going, or a listener is being told. */
static void let_go(struct recording *g)
{
	if (!g->paused)
		(void)bus_set_tap(g->room->bus, NULL);
	g->room->recording = NULL;
	g->room = NULL;
}

static void on_event(const struct event *ev, void *arg)
{
	struct record *rec = arg;
	struct recording *g = find(rec, ev->room);

	if (!g)
		return;
	if (ev->type == EVENT_MEMBER_JOINED && ev->who)
		tell_member(g, ev->who);
	else if (ev->type == EVENT_MEMBER_LEFT && ev->who && ev->who->face.leg)
		(void)recorder_left(rec->recorder, g->number, leg_id(ev->who->face.leg));
	else if (ev->type == EVENT_ROOM_ENDED) {
		let_go(g);
		(void)recorder_end(rec->recorder, g->number);
	}
}

/* --- the verb's four --- */

static void recording_destructor(void *arg)
{
	struct recording *g = arg;

	list_unlink(&g->le);
	if (g->record)
		g->record->n--;
}

/* When it began, and what nobody can guess: 2026-11-21 18:49:00 is 20261121-184900. */
static void make_id(char id[33], uint64_t now_ms)
{
	time_t t = (time_t)(now_ms / 1000);
	struct tm tm;

	gmtime_r(&t, &tm);
	(void)re_snprintf(id, 33, "%04d%02d%02d-%02d%02d%02d-%08x%08x", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
			  tm.tm_min, tm.tm_sec, rand_u32(), rand_u32());
}

static int begin_take(struct recording *g)
{
	const struct record_conf *rc = &g->record->conf;
	struct take_conf tc = {
		.kind = rc->flac ? RECFILE_FLAC : RECFILE_OPUS, .stems = rc->stems, .max_smp = (uint64_t)rc->max_hours * HOUR_SMP,
		.min_free = (uint64_t)rc->min_free_mb << 20, .started_ms = g->row.start_ms,
	};

	if (strlen(g->row.dir) >= sizeof(tc.dir))
		return ENAMETOOLONG;
	memcpy(tc.id, g->row.id, sizeof(tc.id));
	memcpy(tc.room, g->row.room, sizeof(tc.room));
	memcpy(tc.by, g->row.by, sizeof(tc.by));
	memcpy(tc.dir, g->row.dir, strlen(g->row.dir) + 1);
	return recorder_begin(g->record->recorder, &g->number, &tc);
}

static int make(struct recording **gp, struct record *rec, struct room *r, const char *by)
{
	struct recording *g = mem_zalloc(sizeof(*g), recording_destructor);
	int n;

	if (!g)
		return ENOMEM;
	g->room = r;
	g->row.start_ms = unix_ms();
	make_id(g->row.id, g->row.start_ms);
	str_ncpy(g->row.room, r->name, sizeof(g->row.room));
	str_ncpy(g->row.by, by, sizeof(g->row.by));
	set_state(g, "running");
	n = re_snprintf(g->row.dir, sizeof(g->row.dir), "%s/%s", rec->conf.dir, g->row.id);
	if (n < 0) {
		mem_deref(g);
		return ENAMETOOLONG;
	}
	g->record = rec;
	rec->n++;
	list_append(&rec->recordings, &g->le, g);
	*gp = g;
	return 0;
}

int record_start(struct room *r, const char *by)
{
	struct record *rec = r->c->record;
	struct recording *g = r->recording;
	struct le *le;
	int err;

	if (!rec)
		return ENOTSUP;
	if (g)
		return g->paused ? EEXIST : 0;
	if (rec->n >= rec->conf.max)
		return ENOSPC;
	err = make(&g, rec, r, by);
	if (err)
		return err;
	err = begin_take(g);
	if (!err)
		err = begin_tap(g);
	if (err) {
		if (g->number)
			(void)recorder_end(rec->recorder, g->number);
		g->room = NULL;
		if (!g->number)
			mem_deref(g);
		return err;
	}
	r->recording = g;
	LIST_FOREACH(&r->members, le)
		tell_member(g, le->data);
	rec->n_started++;
	put_row(g);
	log_info("record.started", "room=%s id=%s", r->name, g->row.id);
	event_tell(r, EVENT_ROOM_CHANGED, NULL, "recording-started");
	return 0;
}

int record_pause(struct room *r, bool on)
{
	struct recording *g = r->recording;
	int err;

	if (!g)
		return r->c->record ? ENOENT : ENOTSUP;
	if (g->paused == on)
		return 0;
	err = on ? bus_set_tap(r->bus, NULL) : begin_tap(g);
	if (err)
		return err;
	g->paused = on;
	(void)recorder_pause(g->record->recorder, g->number, on);
	set_state(g, on ? "paused" : "running");
	put_row(g);
	event_tell(r, EVENT_ROOM_CHANGED, NULL, on ? "recording-paused" : "recording-resumed");
	return 0;
}

int record_stop(struct room *r)
{
	struct recording *g = r->recording;

	if (!g)
		return r->c->record ? ENOENT : ENOTSUP;
	let_go(g);
	(void)recorder_end(g->record->recorder, g->number);
	event_tell(r, EVENT_ROOM_CHANGED, NULL, "recording-stopped");
	return 0;
}

void record_rebus(struct room *r)
{
	struct recording *g = r->recording;
	int err;

	if (!g || g->paused)
		return;
	err = begin_tap(g);
	if (!err)
		return;
	log_error("record.failed", "room=%s id=%s error=\"%s\"", r->name, g->row.id, strerror(err));
	(void)record_stop(r);
}

void record_auto(struct room *r)
{
	bool in = r->n_members > r->n_waiting;
	int err;

	if (!r->c->record || r->recorded == in || (in && !r->conf.record_auto))
		return;
	r->recorded = in;
	if (!in) {
		if (r->recording)
			(void)record_stop(r);
		return;
	}
	err = record_start(r, "auto");
	if (err)
		log_warning("record.auto", "room=%s error=\"%s\"", r->name, strerror(err));
}

const char *record_state(const struct room *r)
{
	return !r->recording ? "" : r->recording->paused ? "paused" : "running";
}

/* --- what the recorder says --- */

static struct recording *by_number(const struct record *rec, uint64_t number)
{
	struct le *le;

	LIST_FOREACH(&rec->recordings, le) {
		struct recording *g = le->data;

		if (g->number == number)
			return g;
	}
	return NULL;
}

static void is_over(struct recording *g, const struct recorder_news *n)
{
	bool failed = n->what == RECORDER_FAILED;
	struct room *r = g->room;

	if (r)
		let_go(g);
	set_state(g, failed ? "failed" : "finished");
	g->row.end_ms = unix_ms();
	g->row.bytes = n->bytes;
	put_row(g);
	if (failed) {
		g->record->n_failed++;
		log_error("record.failed", "room=%s id=%s why=\"%s\" error=\"%s\"", g->row.room, g->row.id, n->why, strerror(n->err));
	} else {
		log_info("record.finished", "room=%s id=%s bytes=%llu why=\"%s\"", g->row.room, g->row.id,
			 (unsigned long long)n->bytes, n->why);
	}
	if (r)
		event_tell(r, EVENT_ROOM_CHANGED, NULL, failed ? "recording-failed" : "recording-stopped");
	mem_deref(g);
}

void record_dispatch(struct record *rec)
{
	struct recorder_news n;

	while (recorder_news(rec->recorder, &n)) {
		struct recording *g = by_number(rec, n.number);

		if (n.what == RECORDER_TAP) {
			mem_deref(n.tap);
			if (g)
				g->n_taps--;
		} else if (g) {
			is_over(g, &n);
		}
	}
}

int record_fd(const struct record *r) { return recorder_fd(r->recorder); }

void record_sync(struct record *r) { recorder_sync(r->recorder); }

void record_stats(const struct record *r, struct record_stats *s)
{
	struct le *le;

	*s = (struct record_stats){.started = r->n_started, .failed = r->n_failed};
	LIST_FOREACH(&r->recordings, le)
		s->running += ((const struct recording *)le->data)->room != NULL;
}

/* --- after a crash --- */

static uint64_t bytes_in(const char *dir)
{
	DIR *d = opendir(dir);
	uint64_t bytes = 0;
	unsigned n = 0;
	struct dirent *e;
	struct stat st;

	while (d && (e = readdir(d)) && n++ < FILES_MAX)
		if (!fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode))
			bytes += (uint64_t)st.st_size;
	if (d)
		closedir(d);
	return bytes;
}

/* FLAC files get their length, which nobody could write any more. */
static void mend_files(const char *dir, void *arg)
{
	DIR *d = opendir(dir);
	char path[PATH_MAX];
	unsigned n = 0;
	struct dirent *e;

	while (d && (e = readdir(d)) && n++ < FILES_MAX) {
		const char *dot = strrchr(e->d_name, '.');

		if (dot && !strcmp(dot, ".flac") && re_snprintf(path, sizeof(path), "%s/%s", dir, e->d_name) > 0)
			(void)recfile_mend(path);
	}
	if (d)
		closedir(d);
}

/* The manifest was written once a second. */
static uint64_t last_written_ms(const char *dir)
{
	char path[PATH_MAX];
	struct stat st;

	if (re_snprintf(path, sizeof(path), "%s/manifest.json", dir) < 0 || stat(path, &st))
		return unix_ms();
	return (uint64_t)st.st_mtim.tv_sec * 1000 + (uint64_t)st.st_mtim.tv_nsec / 1000000;
}

static bool cut_row(const struct store_recording *row, void *arg)
{
	struct store_recording cut = *row;
	struct record *rec = arg;

	if (strcmp(row->state, "running") && strcmp(row->state, "paused"))
		return true;
	cut.end_ms = last_written_ms(cut.dir);
	if (!manifest_cut(cut.dir))       /* recording.dir may have been another one */
		mend_files(cut.dir, NULL);
	cut.bytes = bytes_in(cut.dir);
	str_ncpy(cut.state, "cut", sizeof(cut.state));
	(void)store_recording_put(rec->c->conf.store, &cut);
	log_warning("record.cut", "room=%s id=%s hint=\"the server ended while it was recording; all but the last second is there\"",
		    cut.room, cut.id);
	return true;
}

/* --- life --- */

static void finish_all(struct record *rec)
{
	struct le *le;

	LIST_FOREACH(&rec->recordings, le) {
		struct recording *g = le->data;

		if (g->room) {
			let_go(g);
			(void)recorder_end(rec->recorder, g->number);
		}
	}
	recorder_stop(rec->recorder);
	record_dispatch(rec);
}

static void record_destructor(void *arg)
{
	struct record *rec = arg;

	mem_deref(rec->lsnr);
	if (rec->recorder)
		finish_all(rec);
	if (rec->c)
		rec->c->record = NULL;
	list_flush(&rec->recordings);
	mem_deref(rec->recorder);
	mem_deref((void *)rec->conf.dir);
}

int record_reconf(struct record *r, const struct record_conf *conf)
{
	char *dir = NULL;
	int err = conf->dir && *conf->dir ? str_dup(&dir, conf->dir) : EINVAL;

	if (err)
		return err;
	mem_deref((void *)r->conf.dir);
	r->conf = *conf;
	r->conf.dir = dir;
	return 0;
}

int record_alloc(struct record **rp, struct control *c, const struct record_conf *conf)
{
	struct record *rec;
	int err;

	if (!rp || !c || !conf || c->record)
		return EINVAL;
	rec = mem_zalloc(sizeof(*rec), record_destructor);
	if (!rec)
		return ENOMEM;
	err = record_reconf(rec, conf);
	if (!err)
		err = recorder_alloc(&rec->recorder);
	if (!err)
		err = event_listen(&rec->lsnr, c, NULL, on_event, rec);
	if (err) {
		mem_deref(rec);
		return err;
	}
	rec->c = c;
	c->record = rec;
	(void)store_recordings(c->conf.store, NULL, cut_row, rec);
	(void)manifest_cut_all(rec->conf.dir, mend_files, NULL);
	*rp = rec;
	return 0;
}
