/*
 * tutti-load.c - many callers in one process: sets calls up at a rate, talks in both directions, counts, hangs up.
 *
 *      rounds x  [ up: INVITE at --cps ]  [ hold: everybody sends, --hold seconds ]  [ down: BYE at --cps, or vanish ]
 *
 *      load_sip      calls up and down              load_sound    what is said, encoded once at start
 *      load_rtp      packets out and in             load_probe    how late, how loud: worked out when all is over
 *      load_proc     the server's CPU and memory    load_reflect  an echo of known delay, to test the measuring
 *
 * One thread, one epoll. When the generator itself is late, it says so ("late ticks"): figures of such a run are about
 * the generator.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>
#include "load.h"

volatile sig_atomic_t load_interrupted;

static void interrupt(int sig)
{
	(void)sig;
	load_interrupted = 1;
}

uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t now_ms(void)
{
	return now_us() / 1000;
}

uint64_t wall_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t xorshift(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dull;
}

uint32_t random32(void)
{
	static uint64_t state;

	if (!state)
		state = now_us() ^ (uint64_t)getpid() << 32;
	return (uint32_t)(xorshift(&state) >> 32);
}

double dice_throw(uint64_t *dice)
{
	return (double)(xorshift(dice) >> 11) / 9007199254740992.0;
}

static double own_cpu_s(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* ---- the run ---- */

static void phase_set(struct load *l, enum phase phase)
{
	l->phase = phase;
	l->phase_at = now_ms();
	if (phase == PHASE_UP) {
		l->started = l->ended = 0;
		for (uint32_t i = 0; i < l->o.calls; i++)
			l->calls[i].state = CALL_IDLE;
	} else if (phase == PHASE_HOLD) {
		l->st.hold_tx = l->st.hold_rx = 0;
		for (uint32_t i = 0; i < l->o.calls; i++)
			l->calls[i].hold_rx = 0;
		proc_read(&l->hold0, l->o.pid);
		l->own_cpu_s = -own_cpu_s();
	} else {
		l->started = 0;           /* counts the leaving now */
		proc_read(&l->hold1, l->o.pid);
		l->own_cpu_s += own_cpu_s();
	}
}

static uint32_t due(const struct load *l, uint64_t now)
{
	uint64_t n = (now - l->phase_at) * l->o.cps / 1000 + 1;

	return n < l->o.calls ? (uint32_t)n : l->o.calls;
}

static bool all_settled(const struct load *l)
{
	for (uint32_t i = 0; i < l->o.calls; i++) {
		if (l->calls[i].state == CALL_IDLE || l->calls[i].state == CALL_INVITED)
			return false;
	}
	return true;
}

static void silent_count(struct load *l)
{
	if (!l->o.hold_s || l->o.inactive)
		return;                   /* nobody listened */
	for (uint32_t i = 0; i < l->o.calls; i++) {
		if (l->calls[i].state == CALL_UP && !l->calls[i].hold_rx)
			l->st.silent_calls++;
	}
}

/* Returns false when the last round is done. */
static bool run_step(struct load *l, uint64_t now)
{
	switch (l->phase) {
	case PHASE_UP:
		for (uint32_t n = due(l, now); l->started < n; l->started++)
			call_start(l, l->started);
		if (load_interrupted || (l->started == l->o.calls && all_settled(l)))
			phase_set(l, PHASE_HOLD);
		break;
	case PHASE_HOLD:
		if (load_interrupted || now - l->phase_at >= (uint64_t)l->o.hold_s * 1000) {
			silent_count(l);
			phase_set(l, PHASE_DOWN);
		}
		break;
	case PHASE_DOWN:
		for (uint32_t n = due(l, now); l->started < n; l->started++)
			call_leave(l, &l->calls[l->started]);
		for (uint32_t i = 0; i < l->o.calls; i++) {
			enum call_state s = l->calls[i].state;

			if (s == CALL_UP || s == CALL_LEAVING || (s == CALL_INVITED && !load_interrupted))
				return true;
		}
		if (++l->round >= l->o.rounds || load_interrupted)
			return false;
		phase_set(l, PHASE_UP);
		break;
	}
	return true;
}

/* One call of the timer may stand for several slots when the machine was busy: all are sent, and it is told. */
static bool tick_read(struct load *l)
{
	uint64_t n = 0, now = now_us();

	if (read(l->tick, &n, sizeof(n)) != sizeof(n))
		return true;
	rtp_slots(l, now);
	if (now / 1000 - l->resent_at >= 100) {
		l->resent_at = now / 1000;
		for (uint32_t i = 0; i < l->o.calls; i++)
			call_resend(l, &l->calls[i], now / 1000);
	}
	return run_step(l, now / 1000);
}

static void run(struct load *l)
{
	struct epoll_event ev[256];
	bool more = true;

	phase_set(l, PHASE_UP);
	while (more) {
		int n = epoll_wait(l->ep, ev, 256, 1000);

		for (int i = 0; i < n; i++) {
			if (ev[i].data.u64 == 0)
				more = tick_read(l);
			else if (ev[i].data.u64 == 1)
				sip_read(l);
			else
				rtp_read(l, &l->calls[ev[i].data.u64 - 2]);
		}
	}
}

/* Frames of 20 ms are served every millisecond, shorter ones in every slot. */
static int load_open(struct load *l)
{
	long every_ns = l->o.ptime_ms < 10 ? SLOT_US * 1000L : 1000000L;
	struct itimerspec every = {{0, every_ns}, {0, every_ns}};
	struct epoll_event ev = {.events = EPOLLIN, .data.u64 = 0};
	int err = sip_open(l);

	if (err)
		return err;
	l->ep = epoll_create1(EPOLL_CLOEXEC);
	l->tick = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (l->ep < 0 || l->tick < 0 || timerfd_settime(l->tick, 0, &every, NULL) || epoll_ctl(l->ep, EPOLL_CTL_ADD, l->tick, &ev))
		return errno;
	ev.data.u64 = 1;
	return epoll_ctl(l->ep, EPOLL_CTL_ADD, l->sip, &ev) ? errno : 0;
}

/* As many descriptors as allowed; timers to the microsecond; and, if wished, before all others on the processor. */
static void process_set(const struct load *l)
{
	struct sched_param prio = {.sched_priority = 10};
	struct rlimit files;

	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	prctl(PR_SET_TIMERSLACK, 1000);
	if (l->o.realtime && sched_setscheduler(0, SCHED_FIFO, &prio))
		fprintf(stderr, "tutti-load: no real-time priority: %s\n", strerror(errno));
	signal(SIGINT, interrupt);
	signal(SIGTERM, interrupt);
}

static void delays_write(const struct load *l)
{
	FILE *f = *l->o.delays ? fopen(l->o.delays, "w") : NULL;

	if (!*l->o.delays)
		return;
	for (size_t i = 0; f && i < l->found.n_delay; i++)
		fprintf(f, "%.4f\n", l->found.delay_ms[i]);
	if (!f || fclose(f))
		fprintf(stderr, "tutti-load: %s: %s\n", l->o.delays, strerror(errno));
}

static void evaluate(struct load *l)
{
	struct sched_param prio = {0};

	sched_setscheduler(0, SCHED_OTHER, &prio);       /* arithmetic only, it can wait */
	qsort(l->st.setup_ms, l->st.n_setup, sizeof(double), compare_doubles);
	if (l->o.measure == MEASURE_DELAY)
		probe_delays(l);
	if (l->o.measure == MEASURE_LEVELS)
		probe_levels(l);
	delays_write(l);
	if (l->o.json)
		print_json(l);
	else
		print_text(l);
}

static void load_free(struct load *l)
{
	for (uint32_t i = 0; i < l->o.calls; i++) {
		tape_free(l->calls[i].in);
		tape_free(l->calls[i].out);
	}
	sound_free(l);
	free(l->found.delay_ms);
	free(l->calls);
	free(l->st.setup_ms);
}

int main(int argc, char **argv)
{
	static struct load l;
	int err;

	if (options_read(&l.o, argc, argv)) {
		usage(true);
		return EX_USAGE;
	}
	process_set(&l);
	l.calls = calloc(l.o.calls, sizeof(*l.calls));
	l.st.setup_ms = calloc((size_t)l.o.calls * l.o.rounds, sizeof(double));
	err = l.calls && l.st.setup_ms ? sound_make(&l) : ENOMEM;
	if (!err)
		err = load_open(&l);
	if (err) {
		fprintf(stderr, "tutti-load: cannot start: %s\n", strerror(err));
		return EX_UNAVAILABLE;
	}
	l.began_us = now_us();
	l.began_at = l.began_us / 1000;
	l.slot = l.began_us / SLOT_US;
	proc_read(&l.before, l.o.pid);
	run(&l);
	proc_read(&l.after, l.o.pid);
	evaluate(&l);
	load_free(&l);
	return l.st.failed || l.st.silent_calls ? 1 : 0;
}
