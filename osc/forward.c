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
#include <time.h>
#include <unistd.h>
#include "mixer/ring.h"
#include "mixer/rtguard.h"
#include "forward.h"
#include "forward_priv.h"

enum { JOBS_A_TURN = 1024, SCAN_US = 1000, STUCK_US = 10000 };


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

unsigned forward_says_left_rt(const struct forward *f)
{
	const uint32_t n = ring_count(f->says);

	return n < f->n_says ? f->n_says - n : 0;
}

bool forward_say_rt(struct forward *f, uint32_t player, const uint8_t *bytes, size_t len, bool midi, const struct forward_when *when)
{
	struct forward_said s;

	s.when   = when ? *when : (struct forward_when){0};
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

	for (int i = 0; i < JOBS_A_TURN && !ring_pop(f->jobs, &j); i++) {
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
	const int n = epoll_wait(f->epoll, f->ev, FORWARD_EVENTS, 0);

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
		forward_ring(f->event_fd);
	f->noted = false;
	rtguard_end_rt();
	return f->due_us;
}

static void wait_rt(struct forward *f)
{
	struct pollfd pfd = {.fd = f->epoll, .events = POLLIN};
	const uint64_t now = forward_now_us(CLOCK_MONOTONIC);
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

void *forward_main_rt(void *arg)
{
	struct forward *f = arg;

	pthread_setname_np(pthread_self(), "forward");
	(void)rtguard_thread_rt(&f->event_fd, 1, f->wake_fd);
	rtguard_begin_rt();
	while (!atomic_load_explicit(&f->stop, memory_order_acquire)) {
		const uint64_t now = forward_now_us(CLOCK_MONOTONIC);

		f->unix_off_us = forward_now_us(CLOCK_REALTIME) - now;
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
	*size = FORWARD_DGRAM_SIZE;
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
