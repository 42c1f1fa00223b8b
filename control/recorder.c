/*
 * recorder.c - the thread that records.
 *
 *     control    jobs, in order, under a lock  >    recorder:  jobs; then each take: its taps, until they are empty; sleep 40 ms
 *     control    < news, under the lock; a bell     < a tap is read; a recording has ended
 *
 * It sleeps and looks: nobody on a media thread could wake it. While nothing is recorded it waits for a job.
 *
 * A take that cannot be written ends at once, and with it the reading of its taps: they fill, and the room does not notice.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include "recorder.h"

enum {
	SLEEP_MS = 40, JOBS_MAX = 20000, STACK = 1024 * 1024,
	GREED = 20000,            /* blocks of one take before the next one has its turn */
	LOST_MS = 1000,           /* how long after its end a tap may take to be closed: then its engine is gone */
};

enum job_type { JOB_BEGIN, JOB_TAP, JOB_MEMBER, JOB_LEFT, JOB_PAUSE, JOB_END };

struct job {
	struct le le;
	enum job_type type;
	uint64_t number;
	struct tap *tap;
	uint64_t leg;
	bool on;
	struct take_conf *conf;
	struct take_member *member;
};

struct piece { struct le le; struct recorder_news news; };

struct reel {                     /* a take and the taps that lead into it */
	struct le le;
	uint64_t number;
	struct take *take;
	struct tap *taps[RECORDER_TAPS_MAX];
	unsigned n_taps;
	bool fresh;               /* the first of them has not been read from */
	bool ending, empty;
	uint64_t ending_ms;
};

struct recorder {
	pthread_t tid;
	bool running;
	pthread_mutex_t lock;
	pthread_cond_t wake, done;
	/* under the lock */
	struct list jobs, news;
	unsigned n_jobs;
	uint64_t asked, synced;   /* recorder_sync */
	bool stop;
	/* control thread */
	int fd;
	uint64_t last;
	/* recorder */
	struct list reels;
};

static uint64_t clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* --- news --- */

static void tell(struct recorder *r, const struct recorder_news *news)
{
	struct piece *p = mem_zalloc(sizeof(*p), NULL);
	const uint64_t one = 1;

	if (!p)
		return;
	p->news = *news;
	pthread_mutex_lock(&r->lock);
	list_append(&r->news, &p->le, p);
	pthread_mutex_unlock(&r->lock);
	if (write(r->fd, &one, sizeof(one)) < 0)
		return;           /* it rings already */
}

bool recorder_news(struct recorder *r, struct recorder_news *n)
{
	struct piece *p;
	uint64_t rung;

	pthread_mutex_lock(&r->lock);
	p = list_ledata(list_head(&r->news));
	if (p)
		list_unlink(&p->le);
	else if (read(r->fd, &rung, sizeof(rung)) < 0)
		rung = 0;
	pthread_mutex_unlock(&r->lock);
	if (!p)
		return false;
	*n = p->news;
	mem_deref(p);
	return true;
}

int recorder_fd(const struct recorder *r) { return r->fd; }

/* --- the recorder's thread --- */

static void reel_destructor(void *arg)
{
	struct reel *l = arg;

	list_unlink(&l->le);
	mem_deref(l->take);
}

static struct reel *reel_find(const struct recorder *r, uint64_t number)
{
	struct le *le;

	LIST_FOREACH(&r->reels, le) {
		struct reel *l = le->data;

		if (l->number == number)
			return l;
	}
	return NULL;
}

static void drop_tap(struct recorder *r, struct reel *l)
{
	tell(r, &(struct recorder_news){.what = RECORDER_TAP, .number = l->number, .tap = l->taps[0]});
	l->n_taps--;
	memmove(l->taps, l->taps + 1, l->n_taps * sizeof(*l->taps));
	l->fresh = true;
}

static void reel_over(struct recorder *r, struct reel *l, struct recorder_news *news)
{
	news->number = l->number;
	news->bytes = l->take ? take_bytes(l->take) : 0;
	while (l->n_taps)
		drop_tap(r, l);
	tell(r, news);
	mem_deref(l);
}

static const char *reason(int err)
{
	switch (err) {
	case ENOSPC:
	case EDQUOT:  return "disk full";
	case EFBIG:   return "file too large";
	case ENOTSUP: return "encoder missing";
	case ENOMEM:  return "out of memory";
	default:      return "cannot write";
	}
}

static void reel_fail(struct recorder *r, struct reel *l, int err)
{
	struct recorder_news news = {.what = RECORDER_FAILED, .why = reason(err), .err = err};

	if (err == ETIMEDOUT)
		news = (struct recorder_news){.what = RECORDER_FINISHED, .why = "max-hours"};
	if (l->take)
		(void)take_finish(l->take, err == ETIMEDOUT ? "finished" : "failed", news.why);
	reel_over(r, l, &news);
}

static void reel_finish(struct recorder *r, struct reel *l)
{
	struct recorder_news news = {.what = RECORDER_FINISHED, .why = ""};
	int err = take_finish(l->take, "finished", "");

	if (err)
		news = (struct recorder_news){.what = RECORDER_FAILED, .why = reason(err), .err = err};
	reel_over(r, l, &news);
}

static void begin(struct recorder *r, const struct job *j)
{
	struct reel *l = mem_zalloc(sizeof(*l), reel_destructor);
	int err;

	if (!l) {
		tell(r, &(struct recorder_news){.what = RECORDER_FAILED, .number = j->number, .why = reason(ENOMEM), .err = ENOMEM});
		return;
	}
	l->number = j->number;
	l->fresh = true;
	list_append(&r->reels, &l->le, l);
	err = take_open(&l->take, j->conf);
	if (err)
		reel_fail(r, l, err);
}

static void add_tap(struct recorder *r, struct reel *l, const struct job *j)
{
	if (l && l->n_taps < RECORDER_TAPS_MAX)
		l->taps[l->n_taps++] = j->tap;
	else                              /* a recording that has failed meanwhile */
		tell(r, &(struct recorder_news){.what = RECORDER_TAP, .number = j->number, .tap = j->tap});
}

static void run_job(struct recorder *r, const struct job *j)
{
	struct reel *l = reel_find(r, j->number);

	switch (j->type) {
	case JOB_BEGIN: begin(r, j); return;
	case JOB_TAP:   add_tap(r, l, j); return;
	default:        break;
	}
	if (!l)
		return;
	switch (j->type) {
	case JOB_MEMBER: take_member(l->take, j->member); break;
	case JOB_LEFT:   take_left(l->take, j->leg); break;
	case JOB_PAUSE:  take_pause(l->take, j->on); break;
	case JOB_END:
		l->ending = true;
		l->ending_ms = clock_ms();
		break;
	default: break;
	}
}

/* Blocks until the tap is empty, or GREED of them. */
static int read_tap(struct reel *l, struct tap *t, unsigned *n)
{
	struct tap_block b;
	int err = 0;

	if (l->fresh)
		take_splice(l->take);
	l->fresh = false;
	while (!err && *n < GREED && tap_read(t, &b)) {
		err = take_block(l->take, &b);
		++*n;
	}
	return err;
}

static int read_taps(struct recorder *r, struct reel *l)
{
	unsigned n = 0;
	int err = 0;

	l->empty = false;
	while (l->n_taps && !err) {
		bool closed = tap_closed(l->taps[0]);     /* before the last look into it */

		err = read_tap(l, l->taps[0], &n);
		if (n >= GREED)
			return err;
		if (!closed)
			break;
		if (!err)
			drop_tap(r, l);
	}
	l->empty = true;
	return err;
}

static bool at_end(const struct reel *l, uint64_t now_ms)
{
	return l->ending && l->empty && (!l->n_taps || now_ms > l->ending_ms + LOST_MS);
}

static void turn(struct recorder *r)
{
	struct le *le = list_head(&r->reels);

	while (le) {
		uint64_t now_ms = clock_ms();
		struct reel *l = le->data;
		int err = read_taps(r, l);

		le = le->next;
		if (!err)
			err = take_round(l->take, now_ms, l->empty);
		if (err)
			reel_fail(r, l, err);
		else if (at_end(l, now_ms))
			reel_finish(r, l);
	}
}

static bool behind(const struct recorder *r)
{
	struct le *le;

	LIST_FOREACH(&r->reels, le)
		if (!((const struct reel *)le->data)->empty)
			return true;
	return false;
}

static void wait_locked(struct recorder *r)
{
	struct timespec ts;

	if (!list_isempty(&r->jobs) || r->asked != r->synced || behind(r))
		return;
	if (list_isempty(&r->reels)) {
		if (!r->stop)
			pthread_cond_wait(&r->wake, &r->lock);
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &ts);
	ts.tv_nsec += SLEEP_MS * 1000000L;
	ts.tv_sec += ts.tv_nsec / 1000000000L;
	ts.tv_nsec %= 1000000000L;
	(void)pthread_cond_timedwait(&r->wake, &r->lock, &ts);
}

static void job_destructor(void *arg)
{
	struct job *j = arg;

	list_unlink(&j->le);
	mem_deref(j->conf);
	mem_deref(j->member);
}

/* Nobody asks any more: what there is gets its end. */
static void end_all(struct recorder *r)
{
	struct le *le;

	LIST_FOREACH(&r->reels, le) {
		struct reel *l = le->data;

		if (!l->ending)
			l->ending_ms = clock_ms();
		l->ending = true;
	}
}

static void *thread_main(void *arg)
{
	struct recorder *r = arg;
	struct job *j;

	pthread_setname_np(pthread_self(), "record");
	pthread_mutex_lock(&r->lock);
	while (!r->stop || !list_isempty(&r->reels) || !list_isempty(&r->jobs)) {
		uint64_t sync;

		wait_locked(r);
		while ((j = list_ledata(list_head(&r->jobs)))) {
			list_unlink(&j->le);
			r->n_jobs--;
			pthread_mutex_unlock(&r->lock);
			run_job(r, j);
			mem_deref(j);
			pthread_mutex_lock(&r->lock);
		}
		sync = r->asked;
		if (r->stop)
			end_all(r);
		pthread_mutex_unlock(&r->lock);
		turn(r);
		pthread_mutex_lock(&r->lock);
		if (!behind(r)) {
			r->synced = sync;
			pthread_cond_broadcast(&r->done);
		}
	}
	r->synced = r->asked;
	pthread_cond_broadcast(&r->done);
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

/* --- control thread --- */

static int thread_begin(struct recorder *r)
{
	struct sched_param prio = {.sched_priority = 0};
	pthread_attr_t attr;
	int err;

	if (r->running)
		return 0;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	/* Whatever started us: this one never stands in the way of sound. */
	pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
	pthread_attr_setschedpolicy(&attr, SCHED_OTHER);
	pthread_attr_setschedparam(&attr, &prio);
	err = pthread_create(&r->tid, &attr, thread_main, r);
	pthread_attr_destroy(&attr);
	r->running = !err;
	return err;
}

/* j is ours. */
static int ask(struct recorder *r, struct job *j)
{
	int err = thread_begin(r);

	pthread_mutex_lock(&r->lock);
	if (!err && r->n_jobs >= JOBS_MAX && (j->type == JOB_MEMBER || j->type == JOB_LEFT))
		err = ENOBUFS;
	if (!err) {
		list_append(&r->jobs, &j->le, j);
		r->n_jobs++;
		pthread_cond_signal(&r->wake);
	}
	pthread_mutex_unlock(&r->lock);
	if (err)
		mem_deref(j);
	return err;
}

static struct job *job_new(enum job_type type, uint64_t number)
{
	struct job *j = mem_zalloc(sizeof(*j), job_destructor);

	if (j) {
		j->type = type;
		j->number = number;
	}
	return j;
}

int recorder_begin(struct recorder *r, uint64_t *number, const struct take_conf *conf)
{
	struct job *j = job_new(JOB_BEGIN, r->last + 1);

	if (j)
		j->conf = mem_alloc(sizeof(*conf), NULL);
	if (!j || !j->conf) {
		mem_deref(j);
		return ENOMEM;
	}
	*j->conf = *conf;
	*number = ++r->last;
	return ask(r, j);
}

int recorder_tap(struct recorder *r, uint64_t number, struct tap *t)
{
	struct job *j = job_new(JOB_TAP, number);

	if (!j)
		return ENOMEM;
	j->tap = t;
	return ask(r, j);
}

int recorder_member(struct recorder *r, uint64_t number, const struct take_member *mb)
{
	struct job *j = job_new(JOB_MEMBER, number);

	if (j)
		j->member = mem_alloc(sizeof(*mb), NULL);
	if (!j || !j->member) {
		mem_deref(j);
		return ENOMEM;
	}
	*j->member = *mb;
	return ask(r, j);
}

int recorder_left(struct recorder *r, uint64_t number, uint64_t leg)
{
	struct job *j = job_new(JOB_LEFT, number);

	if (!j)
		return ENOMEM;
	j->leg = leg;
	return ask(r, j);
}

int recorder_pause(struct recorder *r, uint64_t number, bool on)
{
	struct job *j = job_new(JOB_PAUSE, number);

	if (!j)
		return ENOMEM;
	j->on = on;
	return ask(r, j);
}

int recorder_end(struct recorder *r, uint64_t number)
{
	struct job *j = job_new(JOB_END, number);

	return j ? ask(r, j) : ENOMEM;
}

void recorder_sync(struct recorder *r)
{
	uint64_t wanted;

	if (!r->running)
		return;
	pthread_mutex_lock(&r->lock);
	wanted = ++r->asked;
	pthread_cond_signal(&r->wake);
	while (r->synced < wanted)
		pthread_cond_wait(&r->done, &r->lock);
	pthread_mutex_unlock(&r->lock);
}

void recorder_stop(struct recorder *r)
{
	if (!r->running)
		return;
	pthread_mutex_lock(&r->lock);
	r->stop = true;
	pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&r->lock);
	pthread_join(r->tid, NULL);
	r->running = false;
}

static void destructor(void *arg)
{
	struct recorder *r = arg;

	recorder_stop(r);
	list_flush(&r->jobs);
	list_flush(&r->news);
	if (r->fd >= 0)
		close(r->fd);
	pthread_cond_destroy(&r->wake);
	pthread_cond_destroy(&r->done);
	pthread_mutex_destroy(&r->lock);
}

int recorder_alloc(struct recorder **rp)
{
	struct recorder *r = mem_zalloc(sizeof(*r), destructor);
	pthread_condattr_t attr;

	if (!r)
		return ENOMEM;
	pthread_mutex_init(&r->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&r->wake, &attr);
	pthread_cond_init(&r->done, &attr);
	pthread_condattr_destroy(&attr);
	recfile_prepare();
	r->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->fd < 0) {
		mem_deref(r);
		return EMFILE;
	}
	*rp = r;
	return 0;
}
