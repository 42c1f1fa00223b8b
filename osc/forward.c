/*
 * forward.c - the forward thread's life: wait until a packet comes, a job, or something is due; and again.
 *
 * One epoll descriptor has all sockets and the bell that control rings. The wait is a ppoll of that descriptor, which counts in
 * nanoseconds where epoll_wait counts in milliseconds: beats are due more exactly than that.
 *
 * Sockets are level-triggered and each takes a bounded number of packets a round, so a flood on one of them delays the others by
 * that many packets and not more.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>
#include "mixer/ring.h"
#include "mixer/rtguard.h"
#include "forward.h"

enum { JOBS = 1024, GIVES = 1024, SAYS = 256, EVENTS = 64, STACK = 1024 * 1024, PRIORITY = 45, SCAN_US = 1000, STUCK_US = 10000 };
enum { DGRAM_SIZE = 65536 + 64 };

struct forward {
	/* control thread */
	struct list waiting;      /* struct job_wait */
	pthread_t tid;
	bool threaded, running;
	forward_say_h *sayh;
	void *arg;
	/* both */
	struct ring *jobs, *gives, *says;
	int wake_fd, event_fd;
	_Atomic bool stop, backlog;
	_Atomic uint64_t clock_us;
	struct relay_count n;
	/* forward thread */
	int epoll;
	struct list tickers;
	struct give *first, **last;
	struct epoll_event ev[EVENTS];
	int n_ev, at_ev;
	bool noted, job_done;
	uint64_t scanned_us, due_us, unix_off_us, random;
	uint8_t *scratch[FORWARD_SCRATCHES], *dgram;
};

static uint64_t clock_now_us(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void ring_bell(int fd)
{
	const uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) < 0)
		return;                   /* EAGAIN: it rings already */
}

/* ---- forward side ---- */

void give_back_rt(struct forward *f, struct give *g, void (*done)(void *obj), void *obj)
{
	*g = (struct give){.done = done, .obj = obj};
	*f->last = g;
	f->last = &g->next;
}

static void give_all_rt(struct forward *f)
{
	struct give *g;

	while ((g = f->first)) {
		const struct give copy = *g;

		if (ring_push(f->gives, &copy))
			return;
		f->first = copy.next;             /* once pushed, it is not ours any more */
		if (!f->first)
			f->last = &f->first;
		f->noted = true;
	}
}

bool forward_say_rt(struct forward *f, uint32_t player, const uint8_t *bytes, size_t len, bool midi)
{
	struct forward_said s;

	s.player = player;
	s.len = (uint16_t)(midi ? 0 : len);
	if (len <= sizeof(s.bytes)) {
		memset(s.bytes, 0, 4);
		memcpy(s.bytes, bytes, len);
	}
	if (len > sizeof(s.bytes) || ring_push(f->says, &s)) {
		tally_up_rt(&f->n.house_full);
		return false;
	}
	f->noted = true;
	return true;
}

static void jobs_rt(struct forward *f, uint64_t now_us)
{
	struct job j;

	for (int i = 0; i < JOBS && !ring_pop(f->jobs, &j); i++) {
		j.run_rt(f, j.obj, j.arg, now_us);
		f->job_done = true;
	}
	if (atomic_load_explicit(&f->backlog, memory_order_relaxed))
		f->noted = true;          /* there is room again: let control come and fill it */
}

int watch_add_rt(struct forward *f, struct watch *w, uint32_t events)
{
	struct epoll_event ev = {.events = events, .data.ptr = w};

	if (w->on && w->events == events)
		return 0;
	if (epoll_ctl(f->epoll, w->on ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, w->fd, &ev))
		return errno;
	w->on = true;
	w->events = events;
	return 0;
}

void watch_del_rt(struct forward *f, struct watch *w)
{
	struct epoll_event none = {0};

	if (!w->on)
		return;
	w->on = false;
	epoll_ctl(f->epoll, EPOLL_CTL_DEL, w->fd, &none);
	for (int i = f->at_ev; i < f->n_ev; i++) {       /* it may be gone before its turn in this round */
		if (f->ev[i].data.ptr == w)
			f->ev[i].data.ptr = NULL;
	}
}

static void bell_rt(struct forward *f)
{
	uint64_t rung;

	if (read(f->wake_fd, &rung, sizeof(rung)) < 0)
		return;
}

static int sockets_rt(struct forward *f, uint64_t now_us)
{
	const int n = epoll_wait(f->epoll, f->ev, EVENTS, 0);

	f->n_ev = n > 0 ? n : 0;
	for (f->at_ev = 0; f->at_ev < f->n_ev;) {
		const struct epoll_event *ev = &f->ev[f->at_ev++];
		struct watch *w = ev->data.ptr;

		if (ev->data.ptr == f) {
			bell_rt(f);
			jobs_rt(f, now_us);       /* it rang for these: who looks before the bell is silenced may miss one */
		}
		else if (w)
			w->ready_rt(w, ev->events, now_us);
	}
	f->n_ev = 0;
	return n;
}

void ticker_add_rt(struct forward *f, struct ticker *t)
{
	if (!t->le.list)
		list_append(&f->tickers, &t->le, t);
	f->job_done = true;
}

void ticker_del_rt(struct forward *f, struct ticker *t)
{
	(void)f;
	list_unlink(&t->le);
}

static void tickers_rt(struct forward *f, uint64_t now_us)
{
	struct le *le, *next;

	f->due_us = UINT64_MAX;
	for (le = f->tickers.head; le; le = next) {
		struct ticker *t = le->data;
		uint64_t due = t->due_rt(t);

		next = le->next;                  /* a ticker may take itself out, and no other */
		if (due <= now_us) {
			t->tick_rt(t, now_us);
			due = t->le.list ? t->due_rt(t) : UINT64_MAX;
			if (due <= now_us)
				due = now_us + 1;
		}
		if (due < f->due_us)
			f->due_us = due;
	}
	f->scanned_us = now_us;
	f->job_done = false;
}

uint64_t forward_turn_rt(struct forward *f, uint64_t now_us)
{
	int packets;

	rtguard_begin_rt();
	atomic_store_explicit(&f->clock_us, now_us, memory_order_relaxed);
	jobs_rt(f, now_us);
	packets = sockets_rt(f, now_us);
	if (!f->threaded || f->job_done || now_us >= f->due_us || now_us - f->scanned_us >= SCAN_US)
		tickers_rt(f, now_us);
	else if (packets > 0 && f->due_us > f->scanned_us + SCAN_US)
		f->due_us = f->scanned_us + SCAN_US;     /* what came may have made something due */
	give_all_rt(f);
	if (f->noted)
		ring_bell(f->event_fd);
	f->noted = false;
	rtguard_end_rt();
	return f->due_us;
}

static void wait_rt(struct forward *f)
{
	struct pollfd pfd = {.fd = f->epoll, .events = POLLIN};
	const uint64_t now = clock_now_us(CLOCK_MONOTONIC);
	uint64_t left = f->due_us > now ? f->due_us - now : 0;
	struct timespec ts;

	if (left > UINT64_C(3600000000))
		left = UINT64_C(3600000000);
	if (f->first && left > STUCK_US)
		left = STUCK_US;          /* something waits for room in the ring */
	ts = (struct timespec){.tv_sec = (time_t)(left / 1000000), .tv_nsec = (long)(left % 1000000) * 1000};
	if (left && !atomic_load_explicit(&f->stop, memory_order_acquire))
		ppoll(&pfd, 1, &ts, NULL);
}

static void *forward_main(void *arg)
{
	struct forward *f = arg;

	pthread_setname_np(pthread_self(), "forward");
	(void)rtguard_thread_rt(&f->event_fd, 1, f->wake_fd);
	rtguard_begin_rt();
	while (!atomic_load_explicit(&f->stop, memory_order_acquire)) {
		const uint64_t now = clock_now_us(CLOCK_MONOTONIC);

		f->unix_off_us = clock_now_us(CLOCK_REALTIME) - now;
		forward_turn_rt(f, now);
		wait_rt(f);
	}
	rtguard_end_rt();
	return NULL;
}

uint8_t *forward_buf_rt(struct forward *f, unsigned which)
{
	return f->scratch[which % FORWARD_SCRATCHES];
}

uint8_t *forward_dgram_rt(struct forward *f, size_t *size)
{
	*size = DGRAM_SIZE;
	return f->dgram;
}

uint64_t forward_unix_us_rt(const struct forward *f, uint64_t now_us)
{
	return now_us + f->unix_off_us;
}

/* splitmix64, seeded with chance: for numbers that must differ from one stream to the next. */
uint32_t forward_random_rt(struct forward *f)
{
	uint64_t z = (f->random += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (uint32_t)(z >> 32);
}

/* ---- control side ---- */

struct relay_count *forward_count(struct forward *f)
{
	return &f->n;
}

uint64_t forward_clock_us(const struct forward *f)
{
	return f->threaded ? clock_now_us(CLOCK_MONOTONIC) :
			     atomic_load_explicit(&((struct forward *)(uintptr_t)f)->clock_us, memory_order_relaxed);
}

/* Not inlined: gcc 12 with the address sanitizer would think that f may be nothing. */
__attribute__((noinline)) static void flush(struct forward *f)
{
	struct le *le;
	bool any = false;

	while ((le = f->waiting.head)) {
		struct job_wait *w = (struct job_wait *)(void *)le;      /* le is its first member */

		if (ring_push(f->jobs, &w->job))
			break;
		list_unlink(le);
		mem_deref(le->data);
		any = true;
	}
	if (list_isempty(&f->waiting))
		atomic_store_explicit(&f->backlog, false, memory_order_relaxed);
	if (any)
		ring_bell(f->wake_fd);
}

int forward_post(struct forward *f, const struct job *job, struct job_wait *spare)
{
	struct job_wait *w = spare;

	if (list_isempty(&f->waiting) && !ring_push(f->jobs, job)) {
		ring_bell(f->wake_fd);
		return 0;
	}
	if (!w)
		w = mem_zalloc(sizeof(*w), NULL);
	if (!w)
		return ENOMEM;
	w->job = *job;
	list_append(&f->waiting, &w->le, spare ? NULL : w);      /* data: what is to be freed */
	atomic_store_explicit(&f->backlog, true, memory_order_relaxed);
	ring_bell(f->wake_fd);
	return 0;
}

void forward_dispatch(struct forward *f)
{
	struct forward_said said;
	struct give g;

	while (!ring_pop(f->says, &said))
		f->sayh(&said, f->arg);
	while (!ring_pop(f->gives, &g))
		g.done(g.obj);
	flush(f);
}

static void event_handler(int flags, void *arg)
{
	struct forward *f = arg;
	uint64_t rung;

	(void)flags;
	if (read(f->event_fd, &rung, sizeof(rung)) < 0)
		return;
	mem_ref(f);                       /* what comes back may be what kept it */
	forward_dispatch(f);
	mem_deref(f);
}

static void stop(struct forward *f)
{
	if (!f->running)
		return;
	atomic_store_explicit(&f->stop, true, memory_order_release);
	ring_bell(f->wake_fd);
	pthread_join(f->tid, NULL);
	f->running = false;
	fd_close(f->event_fd);
}

/* Jobs that were still to be done give back what they were about. */
static void finish(struct forward *f)
{
	stop(f);
	while (f->jobs && f->gives && f->says && f->dgram && (ring_count(f->jobs) || ring_count(f->gives) || f->first || f->waiting.head)) {
		forward_turn_rt(f, forward_clock_us(f));
		forward_dispatch(f);
	}
}

void forward_close(struct forward *f)
{
	mem_ref(f);
	finish(f);
	mem_deref(f);
}

static void forward_destroy(void *arg)
{
	struct forward *f = arg;

	finish(f);
	mem_deref(f->jobs);
	mem_deref(f->gives);
	mem_deref(f->says);
	for (unsigned i = 0; i < FORWARD_SCRATCHES; i++)
		mem_deref(f->scratch[i]);
	mem_deref(f->dgram);
	if (f->epoll >= 0)
		close(f->epoll);
	if (f->wake_fd >= 0)
		close(f->wake_fd);
	if (f->event_fd >= 0)
		close(f->event_fd);
}

static int alloc_parts(struct forward *f)
{
	int err = ring_alloc(&f->jobs, sizeof(struct job), JOBS);

	if (!err)
		err = ring_alloc(&f->gives, sizeof(struct give), GIVES);
	if (!err)
		err = ring_alloc(&f->says, sizeof(struct forward_said), SAYS);
	for (unsigned i = 0; !err && i < FORWARD_SCRATCHES; i++) {
		f->scratch[i] = mem_alloc(FORWARD_SCRATCH_SIZE, NULL);
		err = f->scratch[i] ? 0 : ENOMEM;
	}
	f->dgram = mem_alloc(DGRAM_SIZE, NULL);
	return err || f->dgram ? err : ENOMEM;
}

static int open_fds(struct forward *f)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = f};

	f->wake_fd  = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	f->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	f->epoll    = epoll_create1(EPOLL_CLOEXEC);
	if (f->wake_fd < 0 || f->event_fd < 0 || f->epoll < 0 || epoll_ctl(f->epoll, EPOLL_CTL_ADD, f->wake_fd, &ev))
		return errno;
	return 0;
}

static int begin(struct forward *f, bool realtime)
{
	struct sched_param prio = {.sched_priority = PRIORITY};
	pthread_attr_t attr;
	int err = EPERM;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	if (realtime) {
		pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
		pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
		pthread_attr_setschedparam(&attr, &prio);
		err = pthread_create(&f->tid, &attr, forward_main, f);
	}
	if (err) {
		pthread_attr_setinheritsched(&attr, PTHREAD_INHERIT_SCHED);
		err = pthread_create(&f->tid, &attr, forward_main, f);
	}
	pthread_attr_destroy(&attr);
	f->running = !err;
	return err;
}

int forward_alloc(struct forward **fp, bool threaded, bool realtime, forward_say_h *sayh, void *arg)
{
	struct forward *f = mem_zalloc(sizeof(*f), forward_destroy);
	int err;

	if (!f)
		return ENOMEM;
	f->epoll = f->wake_fd = f->event_fd = -1;
	f->threaded = threaded;
	f->sayh = sayh;
	f->arg  = arg;
	f->last = &f->first;
	f->due_us = UINT64_MAX;
	f->random = rand_u64();
	f->unix_off_us = threaded ? 0 : UINT64_C(1700000000000000);      /* a clock turned by hand has a wall clock of its own */

	err = open_fds(f);
	if (!err)
		err = alloc_parts(f);
	if (!err && threaded) {
		err = fd_listen(f->event_fd, FD_READ, event_handler, f);
		if (!err)
			err = begin(f, realtime);
		if (err)
			fd_close(f->event_fd);
	}
	if (err) {
		mem_deref(f);
		return err;
	}
	*fp = f;
	return 0;
}
