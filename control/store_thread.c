/*
 * store_thread.c - the thread that writes.
 *
 *     queue > pending > a transaction for as many as are there > done with, and who waits is told
 *
 * What could not be written for a reason outside of it (no room on the disk, another program has locked the file) stays
 * pending and is tried again every second; whoever waits for it is told at once that it is not there. Then the queue
 * grows up to its bound, and puts are refused. At the end there is one last try.
 *
 * It also forgets old calls and, while calls run, notes every ten seconds that it is alive.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "log.h"
#include "store_priv.h"

enum { BATCH = 1000, RETRY_MS = 1000, ALIVE_MS = 10 * 1000, PRUNE_MS = 3600 * 1000, PRUNE_MORE_MS = 50 };

/* The writer's own. */
struct work {
	struct store *s;
	struct jobs pending;
	uint64_t retry_at, alive_at, prune_at;    /* 0: now */
	uint32_t keep_days;
	int lost_err;                     /* of jobs refused since somebody was told */
	bool failing;
};

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

void *store_thread(void *arg)
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
