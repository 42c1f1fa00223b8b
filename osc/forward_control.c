/*
 * forward_control.c - the forward thread as the control thread has it: made, told, listened to, ended.
 */
#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include "mixer/ring.h"
#include "forward.h"
#include "forward_priv.h"

enum { JOBS = 1024, GIVES = 1024, STACK = 1024 * 1024, PRIORITY = 45 };

uint64_t forward_now_us(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

void forward_ring(int fd)
{
	const uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) < 0)
		return;                   /* EAGAIN: it rings already */
}

struct relay_count *forward_count(struct forward *f)
{
	return &f->n;
}

uint64_t forward_clock_us(const struct forward *f)
{
	return f->threaded ? forward_now_us(CLOCK_MONOTONIC) :
			     atomic_load_explicit(&((struct forward *)(uintptr_t)f)->clock_us, memory_order_relaxed);
}

uint64_t forward_unix_us(const struct forward *f, uint64_t at_us)
{
	return at_us + (f->threaded ? forward_now_us(CLOCK_REALTIME) - forward_now_us(CLOCK_MONOTONIC) : f->unix_off_us);
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
		forward_ring(f->wake_fd);
}

int forward_post(struct forward *f, const struct job *job, struct job_wait *spare)
{
	struct job_wait *w = spare;

	if (list_isempty(&f->waiting) && !ring_push(f->jobs, job)) {
		forward_ring(f->wake_fd);
		return 0;
	}
	if (!w)
		w = mem_zalloc(sizeof(*w), NULL);
	if (!w)
		return ENOMEM;
	w->job = *job;
	list_append(&f->waiting, &w->le, spare ? NULL : w);      /* data: what is to be freed */
	atomic_store_explicit(&f->backlog, true, memory_order_relaxed);
	forward_ring(f->wake_fd);
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
	forward_ring(f->wake_fd);
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
		err = ring_alloc(&f->says, sizeof(struct forward_said), f->n_says);
	for (unsigned i = 0; !err && i < FORWARD_SCRATCHES; i++) {
		f->scratch[i] = mem_alloc(FORWARD_SCRATCH_SIZE, NULL);
		err = f->scratch[i] ? 0 : ENOMEM;
	}
	f->dgram = mem_alloc(FORWARD_DGRAM_SIZE, NULL);
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
		err = pthread_create(&f->tid, &attr, forward_main_rt, f);
	}
	if (err) {
		pthread_attr_setinheritsched(&attr, PTHREAD_INHERIT_SCHED);
		err = pthread_create(&f->tid, &attr, forward_main_rt, f);
	}
	pthread_attr_destroy(&attr);
	f->running = !err;
	return err;
}

int forward_alloc(struct forward **fp, bool threaded, bool realtime, uint32_t says, forward_say_h *sayh, void *arg)
{
	struct forward *f = mem_zalloc(sizeof(*f), forward_destroy);
	int err;

	if (!f)
		return ENOMEM;
	f->epoll = f->wake_fd = f->event_fd = -1;
	f->threaded = threaded;
	f->n_says = says;
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
