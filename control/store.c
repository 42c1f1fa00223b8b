/*
 * store.c - what is put, on its way to the file: a bounded queue and the thread that empties it.
 *
 *     any thread:     put > job > queue                                     (a lock held for a few instructions)
 *     writer thread:  queue > pending > a transaction for as many as are there > synced > eventfd
 *     control loop:   eventfd > the handlers of store_sync
 *
 * What could not be written for a reason outside of it (no room on the disk, another program has locked the file) stays
 * pending and is tried again every second; whoever waits for it is told at once that it is not there. Then the queue
 * grows up to its bound, and puts are refused. At the end there is one last try.
 *
 * The writer also forgets old calls and, while calls run, notes every ten seconds that it is alive.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include "log.h"
#include "loop.h"
#include "store_priv.h"

enum {
	JOBS_MAX = 65536, BYTES_MAX = 128 << 20, BATCH = 1000,
	RETRY_MS = 1000, ALIVE_MS = 10 * 1000, PRUNE_MS = 3600 * 1000, PRUNE_MORE_MS = 50,
};

struct jobs { struct store_job *first, **last; };

struct store {
	char *path;
	struct store_writer *writer;      /* the thread's, once it runs */
	pthread_t thread;
	bool running;
	int event_fd;

	pthread_mutex_t lock;             /* all below */
	pthread_cond_t wake;
	struct jobs queue, synced;
	size_t n_bytes;                   /* of all that is not written yet */
	struct store_stats stats;
	uint32_t keep_days;
	bool keep_changed, closing;
};

/* The writer's own. */
struct work {
	struct store *s;
	struct jobs pending;
	uint64_t retry_at, alive_at, prune_at;    /* 0: now */
	uint32_t keep_days;
	int lost_err;                     /* of jobs refused since somebody was told */
	bool failing;
};

/* --- lists --- */

static void jobs_init(struct jobs *l)
{
	l->first = NULL;
	l->last = &l->first;
}

static void jobs_append(struct jobs *l, struct store_job *j)
{
	j->next = NULL;
	*l->last = j;
	l->last = &j->next;
}

/* All of `from` behind `to`. */
static void jobs_move(struct jobs *to, struct jobs *from)
{
	if (!from->first)
		return;
	*to->last = from->first;
	to->last = from->last;
	jobs_init(from);
}

static struct store_job *jobs_shift(struct jobs *l)
{
	struct store_job *j = l->first;

	l->first = j->next;
	if (!l->first)
		l->last = &l->first;
	return j;
}

static void jobs_free(struct jobs *l)
{
	while (l->first)
		free(jobs_shift(l));
}

/* --- puts --- */

/* `extra` bytes behind the job. */
static struct store_job *job_make(enum store_kind kind, size_t extra)
{
	struct store_job *j = calloc(1, sizeof(*j) + extra);

	if (j) {
		j->kind = kind;
		j->size = sizeof(*j) + extra;
	}
	return j;
}

static int queue_job(struct store *s, struct store_job *j)
{
	bool full;

	pthread_mutex_lock(&s->lock);
	full = s->stats.waiting >= JOBS_MAX || s->n_bytes + j->size > BYTES_MAX;
	if (full) {
		s->stats.errors++;
	} else {
		jobs_append(&s->queue, j);
		s->n_bytes += j->size;
		s->stats.waiting++;
		s->stats.puts += j->kind != STORE_SYNC;
		pthread_cond_signal(&s->wake);
	}
	pthread_mutex_unlock(&s->lock);
	if (!full)
		return 0;
	free(j);
	log_error("store.full", "waiting=%u", (unsigned)JOBS_MAX);
	return EBUSY;
}

static int put(struct store *s, enum store_kind kind, const void *value, size_t size)
{
	struct store_job *j;

	if (!s)
		return 0;
	if (!value)
		return EINVAL;
	j = job_make(kind, 0);
	if (!j)
		return ENOMEM;
	memcpy(&j->u, value, size);
	return queue_job(s, j);
}

static char *append_text(char **at, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = memcpy(*at, text, size);

	*at += size;
	return copy;
}

/* The settings behind the job: first the pairs, then their texts. */
int store_room_put(struct store *s, const struct store_room *r)
{
	struct store_job *j;
	struct setting *copy;
	size_t extra;
	char *text;

	if (!s)
		return 0;
	if (!r || (r->n_settings && !r->settings))
		return EINVAL;
	extra = r->n_settings * sizeof(*copy);
	for (size_t i = 0; i < r->n_settings; i++)
		extra += strlen(r->settings[i].name) + strlen(r->settings[i].value) + 2;
	j = job_make(STORE_ROOM_PUT, extra);
	if (!j)
		return ENOMEM;

	copy = (struct setting *)(j + 1);
	text = (char *)(copy + r->n_settings);
	for (size_t i = 0; i < r->n_settings; i++) {
		copy[i].name = append_text(&text, r->settings[i].name);
		copy[i].value = append_text(&text, r->settings[i].value);
	}
	j->u.room = *r;
	j->u.room.settings = copy;
	return queue_job(s, j);
}

int store_room_del(struct store *s, const char *name)
{
	struct store_room r = { .created_ms = 0 };

	str_ncpy(r.name, name, sizeof(r.name));
	return put(s, STORE_ROOM_DEL, &r, sizeof(r));
}

int store_ban_put(struct store *s, const struct store_ban *b)
{
	return put(s, STORE_BAN_PUT, b, sizeof(*b));
}

int store_ban_del(struct store *s, const char *room, const char *uri)
{
	struct store_ban b = { .at_ms = 0 };

	str_ncpy(b.room, room, sizeof(b.room));
	str_ncpy(b.uri, uri, sizeof(b.uri));
	return put(s, STORE_BAN_DEL, &b, sizeof(b));
}

int store_seat_put(struct store *s, const struct store_seat *seat)
{
	return put(s, STORE_SEAT_PUT, seat, sizeof(*seat));
}

int store_seat_del(struct store *s, const char *room, const char *uri)
{
	struct store_seat seat = { .until_ms = 0 };

	str_ncpy(seat.room, room, sizeof(seat.room));
	str_ncpy(seat.uri, uri, sizeof(seat.uri));
	return put(s, STORE_SEAT_DEL, &seat, sizeof(seat));
}

int store_token_put(struct store *s, const struct store_token *t)
{
	return put(s, STORE_TOKEN_PUT, t, sizeof(*t));
}

int store_token_del(struct store *s, const char *id)
{
	struct store_token t = { .created_ms = 0 };

	str_ncpy(t.id, id, sizeof(t.id));
	return put(s, STORE_TOKEN_DEL, &t, sizeof(t));
}

int store_cdr_put(struct store *s, const struct store_cdr *c)
{
	return put(s, STORE_CDR_PUT, c, sizeof(*c));
}

int store_call_put(struct store *s, const struct store_cdr *c)
{
	if (c && !c->running)
		return EINVAL;
	return put(s, STORE_CALL_PUT, c, sizeof(*c));
}

int store_recording_put(struct store *s, const struct store_recording *r)
{
	return put(s, STORE_RECORDING_PUT, r, sizeof(*r));
}

int store_recording_del(struct store *s, const char *id)
{
	struct store_recording r = { .bytes = 0 };

	str_ncpy(r.id, id, sizeof(r.id));
	return put(s, STORE_RECORDING_DEL, &r, sizeof(r));
}

/* --- sync --- */

/* Where nothing is kept, nothing has to be waited for; but the handler is not called from inside the question. */
static void nothing_to_sync(void *arg)
{
	struct store_sync *y = arg;

	y->h(0, y->arg);
	free(y);
}

static int sync_nothing(store_sync_h *h, void *arg)
{
	struct store_sync *y = malloc(sizeof(*y));
	int err;

	if (!y)
		return ENOMEM;
	*y = (struct store_sync){ .h = h, .arg = arg };
	err = loop_post(nothing_to_sync, y);
	if (err)
		free(y);
	return err;
}

int store_sync(struct store *s, store_sync_h *h, void *arg)
{
	const struct store_sync y = { .h = h, .arg = arg };

	if (!h)
		return EINVAL;
	return s ? put(s, STORE_SYNC, &y, sizeof(y)) : sync_nothing(h, arg);
}

/* A handler may put, sync again, or free the store. */
static void synced_handler(int flags, void *arg)
{
	struct store *s = mem_ref(arg);
	struct jobs done;
	uint64_t count;

	(void)flags;
	(void)!read(s->event_fd, &count, sizeof(count));
	jobs_init(&done);
	pthread_mutex_lock(&s->lock);
	jobs_move(&done, &s->synced);
	pthread_mutex_unlock(&s->lock);
	while (done.first) {
		struct store_job *j = jobs_shift(&done);

		if (mem_nrefs(s) > 1)
			j->u.sync.h(j->u.sync.err, j->u.sync.arg);
		free(j);
	}
	mem_deref(s);
}

/* --- the writer thread --- */

static uint64_t now_mono_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static uint64_t now_unix_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void wait_until(struct store *s, uint64_t at_ms)
{
	const struct timespec ts = { .tv_sec = (time_t)(at_ms / 1000), .tv_nsec = (long)(at_ms % 1000) * 1000000 };

	(void)pthread_cond_timedwait(&s->wake, &s->lock, &ts);
}

/* When there is something to do even if nobody puts anything. */
static uint64_t next_chore(const struct work *k)
{
	uint64_t at = k->alive_at < k->prune_at ? k->alive_at : k->prune_at;

	return k->failing && k->retry_at < at ? k->retry_at : at;
}

/* Waits for work and takes all there is. False: the store is being closed, and this is the last of it. */
static bool take(struct work *k)
{
	struct store *s = k->s;
	bool closing;

	pthread_mutex_lock(&s->lock);
	while (!s->closing && !s->keep_changed && (!s->queue.first || k->failing) && now_mono_ms() < next_chore(k))
		wait_until(s, next_chore(k));
	jobs_move(&k->pending, &s->queue);
	if (s->keep_changed)
		k->prune_at = 0;
	s->keep_changed = false;
	k->keep_days = s->keep_days;
	closing = s->closing;
	pthread_mutex_unlock(&s->lock);
	return !closing;
}

static struct store_job *batch_end(const struct jobs *l)
{
	struct store_job *j = l->first;

	for (int i = 0; j && i < BATCH; i++)
		j = j->next;
	return j;
}

/* Jobs that are done with: out of the books, and who waited is told. */
static void settle(struct work *k, struct jobs *done, struct jobs *told, int err, uint32_t refused, bool committed)
{
	static const uint64_t one = 1;
	uint32_t n = 0;
	size_t bytes = 0;

	for (const struct store_job *j = done->first; j; j = j->next, n++)
		bytes += j->size;
	for (struct store_job *j = told->first; j; j = j->next, n++) {
		bytes += j->size;
		j->u.sync.err = err;
	}
	pthread_mutex_lock(&k->s->lock);
	k->s->stats.waiting -= n;
	k->s->stats.commits += committed;
	k->s->stats.errors += refused;
	k->s->n_bytes -= bytes;
	if (told->first && write(k->s->event_fd, &one, sizeof(one)) < 0)
		log_error("store.sync", "error=\"%s\"", strerror(errno));
	jobs_move(&k->s->synced, told);
	pthread_mutex_unlock(&k->s->lock);
	jobs_free(done);
}

/* The jobs up to `end` are in the file. */
static void written(struct work *k, const struct store_job *end, uint32_t refused)
{
	struct jobs done, told;
	int err;

	if (refused)
		k->lost_err = EINVAL;
	err = k->lost_err;
	jobs_init(&done);
	jobs_init(&told);
	while (k->pending.first != end) {
		struct store_job *j = jobs_shift(&k->pending);

		jobs_append(j->kind == STORE_SYNC ? &told : &done, j);
	}
	if (told.first)
		k->lost_err = 0;
	settle(k, &done, &told, err, refused, true);
}

/* Nothing that is pending is in the file; it stays pending, but nobody is kept waiting for it. */
static void tell_failed(struct work *k, int err)
{
	struct jobs all, told, none;

	jobs_init(&all);
	jobs_init(&told);
	jobs_init(&none);
	jobs_move(&all, &k->pending);
	while (all.first) {
		struct store_job *j = jobs_shift(&all);

		jobs_append(j->kind == STORE_SYNC ? &told : &k->pending, j);
	}
	settle(k, &none, &told, err, 0, false);
}

static void failed(struct work *k, int err)
{
	pthread_mutex_lock(&k->s->lock);
	k->s->stats.errors++;
	pthread_mutex_unlock(&k->s->lock);
	if (!k->failing)
		log_error("store.failed", "error=\"%s\" hint=\"kept in memory, tried again every second\"", strerror(err));
	k->failing = true;
	k->retry_at = now_mono_ms() + RETRY_MS;
}

static void recovered(struct work *k)
{
	if (k->failing)
		log_info("store.recovered", "hint=\"what was kept in memory is being written\"");
	k->failing = false;
}

/* One transaction from the front of what is pending. */
static int write_batch(struct work *k)
{
	struct store_job *end = batch_end(&k->pending);
	uint32_t refused = 0;
	int err = store_write(k->s->writer, k->pending.first, end, &refused);

	if (err) {
		failed(k, err);
		tell_failed(k, err);
	} else {
		recovered(k);
		written(k, end, refused);
	}
	return err;
}

static void write_pending(struct work *k)
{
	while (k->pending.first)
		if (write_batch(k))
			return;
}

static void chores(struct work *k)
{
	uint64_t now = now_mono_ms(), keep_ms = (uint64_t)k->keep_days * 86400 * 1000;
	bool more = false;

	if (now >= k->alive_at) {
		(void)store_alive(k->s->writer, now_unix_ms());
		k->alive_at = now + ALIVE_MS;
	}
	if (now >= k->prune_at) {
		if (keep_ms && store_prune(k->s->writer, now_unix_ms() - keep_ms, &more))
			more = false;
		k->prune_at = now + (more ? PRUNE_MORE_MS : PRUNE_MS);
	}
}

static void *writer_thread(void *arg)
{
	struct work k = { .s = arg };
	bool more = true;
	uint32_t n = 0;

	(void)pthread_setname_np(pthread_self(), "store");
	jobs_init(&k.pending);
	while (more) {
		more = take(&k);
		write_pending(&k);
		if (more)
			chores(&k);
	}
	for (const struct store_job *j = k.pending.first; j; j = j->next)
		n++;
	if (n)
		log_error("store.lost", "puts=%u", n);
	jobs_free(&k.pending);
	return NULL;
}

/* --- life --- */

static void destructor(void *arg)
{
	struct store *s = arg;

	if (s->running) {
		pthread_mutex_lock(&s->lock);
		s->closing = true;
		pthread_cond_signal(&s->wake);
		pthread_mutex_unlock(&s->lock);
		(void)pthread_join(s->thread, NULL);
	}
	if (s->event_fd >= 0) {
		fd_close(s->event_fd);
		(void)close(s->event_fd);
	}
	mem_deref(s->writer);
	jobs_free(&s->synced);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	mem_deref(s->path);
}

static void init_lock(struct store *s)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->wake, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&s->lock, NULL);
	jobs_init(&s->queue);
	jobs_init(&s->synced);
}

static int start(struct store *s)
{
	int err;

	s->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->event_fd < 0)
		return errno;
	err = fd_listen(s->event_fd, FD_READ, synced_handler, s);
	if (err)
		return err;
	err = pthread_create(&s->thread, NULL, writer_thread, s);
	s->running = !err;
	return err;
}

int store_open(struct store **sp, const char *path, char **why)
{
	struct store *s = NULL;
	int err;

	if (!sp || !path || !why)
		return EINVAL;
	*why = NULL;
	s = mem_zalloc(sizeof(*s), destructor);
	if (!s)
		return ENOMEM;
	s->event_fd = -1;
	init_lock(s);
	err = str_dup(&s->path, path);
	if (!err)
		err = store_writer_open(&s->writer, path, why);
	if (!err)
		err = start(s);
	if (err && !*why)
		(void)re_sdprintf(why, "%s: %s", path, strerror(err));
	if (err)
		mem_deref(s);
	else
		*sp = s;
	return err;
}

void store_keep_calls(struct store *s, uint32_t days)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->keep_days = days;
	s->keep_changed = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

void store_stats(const struct store *s, struct store_stats *st)
{
	struct store *unlocked = (struct store *)s;       /* the lock is not what is asked for */

	memset(st, 0, sizeof(*st));
	if (!s)
		return;
	pthread_mutex_lock(&unlocked->lock);
	*st = s->stats;
	pthread_mutex_unlock(&unlocked->lock);
}

const char *store_path(const struct store *s)
{
	return s->path;
}
