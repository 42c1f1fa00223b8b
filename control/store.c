/*
 * store.c - what is put, on its way to the file: a bounded queue, and who waits for it.
 *
 *     any thread:     put > job > queue                                     (a lock held for a few instructions)
 *     writer thread:  queue > the file > synced > eventfd                   (store_thread.c)
 *     control loop:   eventfd > the handlers of store_sync
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "log.h"
#include "loop.h"
#include "store_priv.h"

enum { JOBS_MAX = 65536, BYTES_MAX = 128 << 20 };

/* --- lists --- */

void jobs_append(struct jobs *l, struct store_job *j)
{
	j->next = NULL;
	*l->last = j;
	l->last = &j->next;
}

void jobs_move(struct jobs *to, struct jobs *from)
{
	if (!from->first)
		return;
	*to->last = from->first;
	to->last = from->last;
	jobs_init(from);
}

struct store_job *jobs_shift(struct jobs *l)
{
	struct store_job *j = l->first;

	l->first = j->next;
	if (!l->first)
		l->last = &l->first;
	return j;
}

void jobs_free(struct jobs *l)
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
	err = pthread_create(&s->thread, NULL, store_thread, s);
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
