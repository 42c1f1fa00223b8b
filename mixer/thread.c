/*
 * thread.c - a media thread's life: wait for the next tick, commands, sockets, buses, notes; and again.
 *
 * Deadlines are absolute, so lateness never adds up. Without a leg there is no tick: it sleeps until a command comes.
 * Sockets wake nobody; they are looked at (by one epoll_wait) at each tick, when their packets can be used.
 */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "thread.h"
#include "ahead.h"
#include "bus.h"
#include "leg.h"
#include "lend.h"
#include "mix.h"
#include "move.h"
#include "rtguard.h"
#include "tap_rt.h"
#include "view_rt.h"

enum { CMDS = 1024, NOTES = 2048, EVENTS = 256, ROUNDS = 4096, STACK = 1024 * 1024, PRIORITY = 50, LIMBO_QUANTUM = 0,
       BREATH_US = 500, LOAD_US = 1000000 };

uint64_t thread_clock_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

/* Read anew at each turn (it is no system call), as somebody may set the clock, or NTP steer it. */
uint64_t thread_unix_off_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000 - thread_clock_us();
}

static void ring_bell(int fd)
{
	uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) < 0)
		return;           /* EAGAIN: it rings already */
}

/* --- media side --- */

void thread_back_rt(struct thread *t, struct back *b, enum note_type type, void *obj)
{
	b->next = NULL;
	b->type = type;
	b->obj = obj;
	*t->rt.last = b;
	t->rt.last = &b->next;
}

static void give_back_rt(struct thread *t)
{
	struct back *b;

	while ((b = t->rt.first)) {
		struct note n = {.type = b->type, .obj = b->obj};
		struct back *next = b->next;      /* once pushed, it is not ours any more */

		if (ring_push(t->notes, &n))
			return;
		t->rt.first = next;
		if (!next)
			t->rt.last = &t->rt.first;
		t->rt.noted = true;
	}
}

void thread_event_rt(struct thread *t, struct leg_rt *leg, const struct leg_event *ev)
{
	struct note n = {.type = NOTE_EVENT, .leg = leg, .obj = leg->bus, .ev = *ev};

	give_back_rt(t);          /* in order: what came back before this happened is told before */
	if (t->rt.first || ring_push(t->notes, &n))
		count_up(&t->n.ring_full);
	else
		t->rt.noted = true;
}

static void plan_rt(struct thread *t, struct leg_rt *l, struct leg_plan *p, uint64_t now_us)
{
	struct leg_plan *old = l->plan;

	leg_swap_rt(l, p, now_us);
	if (old)
		thread_back_rt(t, &old->back, NOTE_PLAN_DONE, old);
}

/* Who has sent nothing yet has no sound that must fade. In limbo, where ticks are long, its first frames would leave in a
 * bunch, and to who keeps no more than it must they are the measure of all that follow. */
static void leave_rt(struct leg_rt *l, enum leg_leaving how, struct bus_rt *to, uint64_t now_us)
{
	struct bus_rt *now = l->bus;

	if (how == LEG_MOVES && l->leaving == LEG_STAYS && now == (to ? to : l->t->rt.limbo))
		return;
	l->leaving = how;
	l->next_bus = to;
	if (how == LEG_MOVES && now->limbo && !l->send.begun && leg_left_rt(l))
		bus_part_rt(now, l, now_us);
}

static void command_rt(struct thread *t, struct cmd *c, uint64_t now_us)
{
	switch (c->type) {

	case CMD_BUS_ADD:    list_append(&t->rt.buses, &c->bus->le, c->bus); break;
	case CMD_BUS_END:    bus_end_rt(c->bus); break;
	case CMD_BUS_LEAVE:  move_ask_rt(t, c->bus); break;
	case CMD_BUS_ARRIVE: move_in_rt(t, c->bus); break;
	case CMD_BUS_TAP:    tap_swap_rt(c->bus, c->tap); break;
	case CMD_LEG_ADD:
		leg_attach_rt(c->leg, t);
		bus_join_rt(c->bus ? c->bus : t->rt.limbo, c->leg);
		break;
	case CMD_LEG_MOVE:   leave_rt(c->leg, LEG_MOVES, c->bus, now_us); break;
	case CMD_LEG_DETACH: leave_rt(c->leg, LEG_DETACHES, NULL, now_us); break;
	case CMD_LEG_END:    leave_rt(c->leg, LEG_ENDS, NULL, now_us); break;
	case CMD_LEG_PLAN:   plan_rt(t, c->leg, c->plan, now_us); break;
	case CMD_LEG_DTMF:   leg_dtmf_rt(c->leg, c->keys); break;
	case CMD_LEG_VIEW:   view_swap_rt(c->leg, c->row); break;
	case CMD_LEG_SAY:    say_put_rt(&c->leg->send.say, t, c->say); break;
	case CMD_BUS_SAY:    bus_say_rt(c->bus, c->say); break;
	case CMD_BUS_BEAT:   c->bus->beat = c->beat; break;
	}
}

static void commands_rt(struct thread *t, uint64_t now_us)
{
	struct cmd c;

	for (int i = 0; i < CMDS && !ring_pop(t->cmds, &c); i++)
		command_rt(t, &c, now_us);
	if (atomic_load_explicit(&t->backlog, memory_order_relaxed))
		t->rt.noted = true;       /* there is room again: let control come and fill it */
}

static void ahead_sockets_rt(const struct epoll_event *ev, int i, int n)
{
	if (i + 2 >= n)
		return;
	/* not looked at yet, but nearly always a member's first socket */
	ahead_leg_rt((const struct leg_rt *)(const void *)((const char *)ev[i + 2].data.ptr - offsetof(struct leg_rt, rtp)));
	ahead_plan_rt(((const struct leg_sock *)ev[i + 1].data.ptr)->leg);
}

static void sockets_rt(struct thread *t, uint64_t now_us)
{
	struct epoll_event ev[EVENTS];
	int n, taken, rounds = 0;

	/* Level-triggered: what a leg left in its socket shows again. The rounds bound what a flood can cost. */
	do {
		taken = 0;
		n = epoll_wait(t->rt.epoll, ev, EVENTS, 0);
		for (int i = 0; i < n; i++) {
			struct leg_sock *s = ev[i].data.ptr;

			ahead_sockets_rt(ev, i, n);
			taken += leg_recv_rt(s->leg, s, now_us);
		}
	} while (taken && ++rounds < ROUNDS);
}

void thread_listen_rt(struct thread *t, uint64_t now_us)
{
	rtguard_begin_rt();
	t->rt.turn++;
	sockets_rt(t, now_us);
	rtguard_end_rt();
}

static void bus_timed_rt(struct thread *t, struct bus_rt *b, uint64_t now_us, bool may_drop)
{
	const bool timed = t->running && bus_due_us_rt(b) <= now_us;
	const uint64_t begin = timed ? thread_clock_us() : 0;

	bus_run_rt(b, now_us, may_drop);
	if (timed)
		b->busy_us += thread_clock_us() - begin;
}

void thread_turn_rt(struct thread *t, uint64_t now_us, bool may_drop)
{
	struct le *le;

	rtguard_begin_rt();
	t->rt.turn++;
	commands_rt(t, now_us);
	sockets_rt(t, now_us);
	bus_run_rt(t->rt.limbo, now_us, may_drop);
	for (le = t->rt.buses.head; le;) {
		struct bus_rt *b = le->data;

		le = le->next;
		bus_timed_rt(t, b, now_us, may_drop);
	}
	give_back_rt(t);
	if (t->rt.noted)
		ring_bell(t->event_fd);
	t->rt.noted = false;
	rtguard_end_rt();
}

uint64_t thread_due_us_rt(const struct thread *t)
{
	uint64_t due = bus_due_us_rt(t->rt.limbo), d;
	struct le *le;

	for (le = t->rt.buses.head; le; le = le->next) {
		d = bus_due_us_rt(le->data);
		due = d < due ? d : due;
	}
	return due;
}

static void wait_rt(struct thread *t)
{
	struct pollfd pfd = {.fd = t->wake_fd, .events = POLLIN};
	uint64_t due = thread_due_us_rt(t), now = thread_clock_us(), rung;
	uint64_t left = due > now ? due - now : 0, dropped = count_get(&t->n.dropped);
	struct timespec ts = {.tv_sec = (time_t)(left / 1000000), .tv_nsec = (long)(left % 1000000) * 1000};

	/* A thread with SCHED_FIFO that cannot keep up would never let go of the core, and control could not thin it out. */
	if (dropped != t->rt.dropped_before && left < BREATH_US)
		ts = (struct timespec){.tv_nsec = BREATH_US * 1000};
	t->rt.dropped_before = dropped;
	if (t->rt.first && left > 10000) {
		ts = (struct timespec){.tv_nsec = 10000000};      /* something waits for room in the ring */
	} else if (due == UINT64_MAX) {
		ts.tv_sec = 3600;
		atomic_store_explicit(&t->share, 0, memory_order_relaxed);
	}
	if (ppoll(&pfd, 1, &ts, NULL) > 0 && read(t->wake_fd, &rung, sizeof(rung)) < 0)
		return;
}

/* Time from waking to waiting, also what others took of it: a thread that is kept from its work is as late as one with
 * too much of it. */
static void load_rt(struct thread *t, uint64_t busy_us, uint64_t now_us)
{
	uint64_t passed = now_us - t->rt.since_us;
	struct le *le;

	t->rt.busy_us += busy_us;
	if (passed < LOAD_US)
		return;
	for (le = t->rt.buses.head; le; le = le->next) {
		struct bus_rt *b = le->data;

		atomic_store_explicit(&b->share, (uint32_t)(b->busy_us * 1000000 / passed), memory_order_relaxed);
		b->busy_us = 0;
	}
	atomic_store_explicit(&t->share, (uint32_t)(t->rt.since_us ? t->rt.busy_us * 1000000 / passed : 0),
			      memory_order_relaxed);
	t->rt.since_us = now_us;
	t->rt.busy_us = 0;
}

void thread_worked_rt(struct thread *t, uint64_t begin_us, uint64_t end_us)
{
	count_add(&t->n.busy_us, end_us - begin_us);
	load_rt(t, end_us - begin_us, end_us);
}

static void guard_rt(const struct thread *t)
{
	int bells[THREADS_MAX + 1] = {t->event_fd};

	for (unsigned i = 0; i < t->n_crew; i++)
		bells[i + 1] = t->crew[i]->wake_fd;
	(void)rtguard_thread_rt(bells, t->n_crew + 1, t->wake_fd);
}

static void *thread_main(void *arg)
{
	struct thread *t = arg;

	pthread_setname_np(pthread_self(), "media");
	mix_flush_denormals(true);
	guard_rt(t);
	rtguard_begin_rt();
	while (!atomic_load_explicit(&t->stop, memory_order_acquire)) {
		uint64_t begin = thread_clock_us();

		t->rt.unix_off_us = thread_unix_off_us();
		thread_turn_rt(t, begin, true);
		lend_help_rt(t);
		thread_worked_rt(t, begin, thread_clock_us());
		wait_rt(t);
	}
	rtguard_end_rt();
	return NULL;
}

/* --- control side --- */

static void thread_destructor(void *arg)
{
	struct thread *t = arg;

	thread_stop(t);
	mem_deref(t->rt.limbo);
	mem_deref(t->cmds);
	mem_deref(t->notes);
	if (t->rt.epoll >= 0)
		close(t->rt.epoll);
	if (t->wake_fd >= 0)
		close(t->wake_fd);
}

int thread_alloc(struct thread **tp, int event_fd)
{
	struct bus_conf limbo = {.quantum_smp = LIMBO_QUANTUM};
	struct thread *t = mem_zalloc(sizeof(*t), thread_destructor);
	int err;

	if (!t)
		return ENOMEM;
	t->event_fd = event_fd;
	atomic_store_explicit(&t->lend.from_share, LEND_FROM_SHARE, memory_order_relaxed);
	atomic_store_explicit(&t->lend.least, LEND_LEAST, memory_order_relaxed);
	t->rt.last = &t->rt.first;
	t->rt.unix_off_us = thread_unix_off_us();
	click_make(&t->rt.click);
	t->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	t->rt.epoll = epoll_create1(EPOLL_CLOEXEC);
	err = t->wake_fd < 0 || t->rt.epoll < 0 ? errno : 0;
	if (!err)
		err = ring_alloc(&t->cmds, sizeof(struct cmd), CMDS);
	if (!err)
		err = ring_alloc(&t->notes, sizeof(struct note), NOTES);
	if (!err)
		err = bus_rt_alloc(&t->rt.limbo, t, &limbo);
	if (err) {
		mem_deref(t);
		return err;
	}
	t->rt.limbo->limbo = true;
	*tp = t;
	return 0;
}

int thread_start(struct thread *t, bool realtime)
{
	struct sched_param prio = {.sched_priority = PRIORITY};
	pthread_attr_t attr;
	int err = EPERM;

	t->running = t->rt.stamped = true;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	if (realtime) {
		pthread_attr_setinheritsched(&attr, PTHREAD_EXPLICIT_SCHED);
		pthread_attr_setschedpolicy(&attr, SCHED_FIFO);
		pthread_attr_setschedparam(&attr, &prio);
		err = pthread_create(&t->tid, &attr, thread_main, t);
		t->realtime = !err;
	}
	if (err) {
		pthread_attr_setinheritsched(&attr, PTHREAD_INHERIT_SCHED);
		err = pthread_create(&t->tid, &attr, thread_main, t);
	}
	pthread_attr_destroy(&attr);
	if (err)
		t->running = false;
	return err;
}

void thread_stop(struct thread *t)
{
	if (!t->running)
		return;
	atomic_store_explicit(&t->stop, true, memory_order_release);
	ring_bell(t->wake_fd);
	pthread_join(t->tid, NULL);
	t->running = false;
}

static int post_late(struct thread *t, const struct cmd *cmd, struct cmd_wait *spare)
{
	struct cmd_wait *w = spare;

	if (!w)
		w = mem_zalloc(sizeof(*w), NULL);
	if (!w)
		return ENOMEM;
	w->cmd = *cmd;
	list_append(&t->waiting, &w->le, spare ? NULL : w);      /* data: what is to be freed */
	atomic_store_explicit(&t->backlog, true, memory_order_relaxed);
	ring_bell(t->wake_fd);
	return 0;
}

int thread_post(struct thread *t, const struct cmd *cmd, struct cmd_wait *spare)
{
	if (!list_isempty(&t->waiting) || ring_push(t->cmds, cmd))
		return post_late(t, cmd, spare);
	ring_bell(t->wake_fd);
	return 0;
}

void thread_flush(struct thread *t)
{
	struct le *le;
	bool any = false;

	while ((le = t->waiting.head)) {
		struct cmd_wait *w = (struct cmd_wait *)(void *)le;      /* le is its first member */

		if (ring_push(t->cmds, &w->cmd))
			break;
		list_unlink(le);
		mem_deref(le->data);
		any = true;
	}
	if (list_isempty(&t->waiting))
		atomic_store_explicit(&t->backlog, false, memory_order_relaxed);
	if (any)
		ring_bell(t->wake_fd);
}
