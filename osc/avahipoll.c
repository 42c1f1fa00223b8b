/*
 * avahipoll.c - watches and time-outs of Avahi on libre's descriptors and timers, so that DNS-SD needs no thread of its own.
 *
 *      avahipoll > spot (one descriptor in libre's loop) > watches of that descriptor
 *
 * D-Bus asks for two watches of one socket, one to read and one to write, and libre has one handler for a descriptor: a spot
 * joins them. Avahi's functions may free any watch while one is being told: a spot is told one watch after the other, each time
 * looking for the next from the beginning, and lives until that is over.
 */
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/time.h>
#include <re.h>
#include "avahipoll.h"

struct avahipoll {
	AvahiPoll api;
	struct list spots;
};

struct spot {
	struct le le;
	int fd;
	int flags;                /* what libre watches it for */
	struct list watches;
};

struct AvahiWatch {
	struct le le;
	struct spot *spot;        /* a reference */
	AvahiWatchEvent wanted;
	AvahiWatchEvent pending;  /* happened and not told */
	AvahiWatchEvent happened; /* while it is told */
	AvahiWatchCallback callback;
	void *arg;
};

struct AvahiTimeout {
	struct tmr tmr;
	AvahiTimeoutCallback callback;
	void *arg;
};

/* ---- descriptors ---- */

static short spot_wants(const struct spot *s)
{
	short events = 0;
	struct le *le;

	LIST_FOREACH(&s->watches, le)
		events |= (short)((const struct AvahiWatch *)le->data)->wanted;
	return events;
}

static struct AvahiWatch *next_pending(const struct spot *s)
{
	struct le *le;

	LIST_FOREACH(&s->watches, le) {
		struct AvahiWatch *w = le->data;

		if (w->pending)
			return w;
	}
	return NULL;
}

/* libre does not tell an error from a hang-up: the descriptor itself is asked. */
static void spot_handler(int flags, void *arg)
{
	struct spot *s = mem_ref(arg);
	struct pollfd pfd = {.fd = s->fd, .events = spot_wants(s)};
	struct AvahiWatch *w;
	struct le *le;

	(void)flags;
	if (poll(&pfd, 1, 0) > 0) {
		LIST_FOREACH(&s->watches, le) {
			w = le->data;
			w->pending = (AvahiWatchEvent)(pfd.revents & ((short)w->wanted | POLLERR | POLLHUP));
		}
		while ((w = next_pending(s)) != NULL) {
			w->happened = w->pending;
			w->pending = (AvahiWatchEvent)0;
			w->callback(w, s->fd, w->happened, w->arg);
		}
	}
	mem_deref(s);
}

static int spot_update(struct spot *s)
{
	const short events = spot_wants(s);
	const int flags = (events & POLLIN ? FD_READ : 0) | (events & POLLOUT ? FD_WRITE : 0);

	if (flags == s->flags)
		return 0;
	s->flags = flags;
	return fd_listen(s->fd, flags, spot_handler, s);
}

static void spot_destructor(void *arg)
{
	struct spot *s = arg;

	if (s->flags)
		fd_close(s->fd);
	list_unlink(&s->le);
}

static struct spot *spot_find(struct avahipoll *p, int fd)
{
	struct le *le;
	struct spot *s;

	LIST_FOREACH(&p->spots, le) {
		s = le->data;
		if (s->fd == fd && !list_isempty(&s->watches))
			return mem_ref(s);
	}
	s = mem_zalloc(sizeof(*s), spot_destructor);
	if (!s)
		return NULL;
	s->fd = fd;
	list_append(&p->spots, &s->le, s);
	return s;
}

/* Its descriptor may be closed as soon as this returns: libre lets go of it now, even where the spot is still being told. */
static void watch_destructor(void *arg)
{
	struct AvahiWatch *w = arg;

	list_unlink(&w->le);
	if (w->spot)
		(void)spot_update(w->spot);
	mem_deref(w->spot);
}

static AvahiWatch *watch_new(const AvahiPoll *api, int fd, AvahiWatchEvent event, AvahiWatchCallback callback, void *arg)
{
	struct AvahiWatch *w = mem_zalloc(sizeof(*w), watch_destructor);

	if (!w)
		return NULL;
	w->wanted = event;
	w->callback = callback;
	w->arg = arg;
	w->spot = spot_find(api->userdata, fd);
	if (!w->spot)
		return mem_deref(w);
	list_append(&w->spot->watches, &w->le, w);
	return spot_update(w->spot) ? mem_deref(w) : w;
}

static void watch_update(AvahiWatch *w, AvahiWatchEvent event)
{
	w->wanted = event;
	w->pending = (AvahiWatchEvent)(w->pending & (event | AVAHI_WATCH_ERR | AVAHI_WATCH_HUP));
	(void)spot_update(w->spot);
}

static AvahiWatchEvent watch_get_events(AvahiWatch *w)
{
	return w->happened;
}

static void watch_free(AvahiWatch *w)
{
	mem_deref(w);
}

/* ---- points in time ---- */

static void timeout_handler(void *arg)
{
	struct AvahiTimeout *t = arg;

	t->callback(t, t->arg);
}

/* tv is of the clock on the wall; rounded up, lest Avahi finds that it was called too early and asks again. */
static void timeout_update(AvahiTimeout *t, const struct timeval *tv)
{
	struct timeval now;
	int64_t left_us;

	if (!tv) {
		tmr_cancel(&t->tmr);
		return;
	}
	(void)gettimeofday(&now, NULL);
	left_us = ((int64_t)tv->tv_sec - now.tv_sec) * 1000000 + (tv->tv_usec - now.tv_usec);
	tmr_start(&t->tmr, left_us > 0 ? (uint64_t)(left_us + 999) / 1000 : 0, timeout_handler, t);
}

static void timeout_destructor(void *arg)
{
	struct AvahiTimeout *t = arg;

	tmr_cancel(&t->tmr);
}

static AvahiTimeout *timeout_new(const AvahiPoll *api, const struct timeval *tv, AvahiTimeoutCallback callback, void *arg)
{
	struct AvahiTimeout *t = mem_zalloc(sizeof(*t), timeout_destructor);

	(void)api;
	if (!t)
		return NULL;
	tmr_init(&t->tmr);
	t->callback = callback;
	t->arg = arg;
	timeout_update(t, tv);
	return t;
}

static void timeout_free(AvahiTimeout *t)
{
	mem_deref(t);
}

/* ---- as a whole ---- */

int avahipoll_alloc(struct avahipoll **pp)
{
	struct avahipoll *p;

	if (!pp)
		return EINVAL;
	p = mem_zalloc(sizeof(*p), NULL);
	if (!p)
		return ENOMEM;
	p->api = (AvahiPoll){
		.userdata = p,
		.watch_new = watch_new,
		.watch_update = watch_update,
		.watch_get_events = watch_get_events,
		.watch_free = watch_free,
		.timeout_new = timeout_new,
		.timeout_update = timeout_update,
		.timeout_free = timeout_free,
	};
	*pp = p;
	return 0;
}

const AvahiPoll *avahipoll_api(const struct avahipoll *p)
{
	return &p->api;
}
