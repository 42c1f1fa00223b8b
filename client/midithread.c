/*
 * midithread.c - from a device that sleeps to a midiwire and back.
 *
 * The thread sleeps until one of three: the device has something, control has something (midiwire_bell_fd), or
 * something is due (a timer on CLOCK_MONOTONIC, which is the wire's clock). What comes in gets the moment at which the
 * thread read it.
 */
#include <errno.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <re.h>
#include "device_priv.h"
#include "midithread.h"

enum { FD_STOP = 0, FD_BELL, FD_TIMER, FD_DEVICE };

struct midithread {
	struct midiwire *w;
	const struct midithread_ops *ops;
	void *arg;
	int stop_fd, timer_fd;
	pthread_t tid;
	bool running;
	atomic_bool realtime, gone;
};

/* --- its thread --- */

static void play_rt(struct midithread *t)
{
	const struct midiwire_event *due;
	struct itimerspec when = {.it_value = {0}};
	uint64_t next_us;

	while ((due = midiwire_due_rt(t->w, device_now_us() + 1)))
		if (!t->ops->play_rt(due, t->arg))
			midiwire_refused_rt(t->w);
	next_us = midiwire_next_us_rt(t->w);
	if (next_us != UINT64_MAX) {
		when.it_value.tv_sec = (time_t)(next_us / 1000000);
		when.it_value.tv_nsec = (long)(next_us % 1000000 * 1000) + 1;     /* 0 would stop it */
	}
	timerfd_settime(t->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void silence_bell_rt(int fd)
{
	uint64_t n;

	if (read(fd, &n, sizeof(n)) < 0)
		return;           /* EAGAIN */
}

static void *midi_main(void *arg)
{
	struct midithread *t = arg;
	struct pollfd fds[FD_DEVICE + MIDITHREAD_POLLS] = {
		[FD_STOP]  = {.fd = t->stop_fd, .events = POLLIN},
		[FD_BELL]  = {.fd = midiwire_bell_fd(t->w), .events = POLLIN},
		[FD_TIMER] = {.fd = t->timer_fd, .events = POLLIN},
	};
	const nfds_t n = FD_DEVICE + (nfds_t)t->ops->polls(fds + FD_DEVICE, t->arg);

	while (!(fds[FD_STOP].revents & POLLIN)) {
		if (poll(fds, n, -1) < 0)
			continue;         /* EINTR */
		for (unsigned i = FD_BELL; i <= FD_TIMER; i++)
			if (fds[i].revents)
				silence_bell_rt(fds[i].fd);
		if (!t->ops->read_rt(device_now_us(), t->arg)) {
			t->gone = true;
			break;
		}
		play_rt(t);
	}
	return NULL;
}

/* --- control thread --- */

static void destructor(void *arg)
{
	const uint64_t one = 1;
	struct midithread *t = arg;

	if (t->running && write(t->stop_fd, &one, sizeof(one)) == sizeof(one))
		pthread_join(t->tid, NULL);
	if (t->stop_fd >= 0)
		close(t->stop_fd);
	if (t->timer_fd >= 0)
		close(t->timer_fd);
	mem_deref(t->w);
}

static int start(struct midithread *t)
{
	int err;

	t->stop_fd  = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	t->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (t->stop_fd < 0 || t->timer_fd < 0)
		return errno;
	err = device_thread(&t->tid, &t->realtime, midi_main, t);
	t->running = !err;
	return err;
}

int midithread_alloc(struct midithread **tp, struct midiwire *w, const struct midithread_ops *ops, void *arg)
{
	struct midithread *t;
	int err;

	if (!tp || !w || !ops)
		return EINVAL;
	t = mem_zalloc(sizeof(*t), destructor);
	if (!t)
		return ENOMEM;
	t->stop_fd = t->timer_fd = -1;
	t->w = mem_ref(w);
	t->ops = ops;
	t->arg = arg;
	err = start(t);
	if (err)
		mem_deref(t);
	else
		*tp = t;
	return err;
}

bool midithread_gone(const struct midithread *t)
{
	return t->gone;
}
