/*
 * sim.c - simulated time and loss for whatever runs in the thread of the test.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <re.h>
#include "control/loop.h"
#include "control/wheel.h"
#include "sim.h"

enum { PREFIX_MAX = 64, HELD_MAX = 4096 };

#define EPOCH_US (1700000000ull * 1000000)

struct held {
	struct tmr tmr;
	struct sockaddr_storage to;
	socklen_t tolen;
	int fd;
	size_t len;
	uint8_t bytes[];
};

static struct {
	bool on;
	pthread_t thread;
	uint64_t now_us, end_us;          /* end of the present sim_run_until */
	bool running, met;
	bool (*cond)(void *arg);
	void *arg;
	unsigned settle_ms;
	uint64_t seed;
	unsigned loss, dup;
	uint32_t delay_min, delay_max;
	unsigned drop_n;
	char drop[PREFIX_MAX];
	unsigned n_held;
	uint32_t tick_us;
	uint64_t ticked_us, looks;
} sim;

static bool ours(void)
{
	return sim.on && pthread_equal(sim.thread, pthread_self());
}

/* splitmix64: a seed gives one run. */
static uint32_t draw(uint32_t n)
{
	uint64_t z = (sim.seed += 0x9e3779b97f4a7c15ull);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return n ? (uint32_t)((z ^ (z >> 31)) % n) : 0;
}

/* --- what libre calls instead of the C library --- */

int gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
	struct timespec ts;

	(void)tz;
	if (ours()) {
		tv->tv_sec  = (time_t)((EPOCH_US + sim.now_us) / 1000000);
		tv->tv_usec = (suseconds_t)((EPOCH_US + sim.now_us) % 1000000);
		return 0;
	}
	if (syscall(SYS_clock_gettime, CLOCK_REALTIME, &ts))
		return -1;
	tv->tv_sec  = ts.tv_sec;
	tv->tv_usec = ts.tv_nsec / 1000;
	return 0;
}

int clock_gettime(clockid_t id, struct timespec *ts)
{
	bool wall = id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE;
	bool mono = id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_RAW || id == CLOCK_MONOTONIC_COARSE || id == CLOCK_BOOTTIME;

	if (sim.tick_us && mono) {
		sim.looks++;
		sim.ticked_us += sim.tick_us;
		ts->tv_sec  = (time_t)(sim.ticked_us / 1000000);
		ts->tv_nsec = (long)(sim.ticked_us % 1000000) * 1000;
		return 0;
	}
	if (ours() && (wall || mono)) {
		uint64_t us = EPOCH_US + sim.now_us;

		ts->tv_sec  = (time_t)(us / 1000000);
		ts->tv_nsec = (long)(us % 1000000) * 1000;
		return 0;
	}
	return (int)syscall(SYS_clock_gettime, id, ts);
}

uint64_t sim_tick(uint32_t us)
{
	const uint64_t looks = sim.looks;

	sim.tick_us = us;
	sim.looks = 0;
	return looks;
}

static int real_epoll(int epfd, struct epoll_event *ev, int max, int ms)
{
	return (int)syscall(SYS_epoll_pwait, epfd, ev, max, ms, NULL, 8);
}

static void stop_running(bool met)
{
	sim.met = met;
	sim.running = false;
	re_cancel();
}

int epoll_wait(int epfd, struct epoll_event *ev, int max, int timeout)
{
	uint64_t to;
	int n;

	if (!ours() || !sim.running)
		return real_epoll(epfd, ev, max, timeout);
	if (sim.cond && sim.cond(sim.arg)) {
		stop_running(true);
		return 0;
	}
	n = real_epoll(epfd, ev, max, 0);
	if (!n && sim.settle_ms) {
		n = real_epoll(epfd, ev, max, (int)sim.settle_ms);
		if (!n && sim.cond && sim.cond(sim.arg)) {
			stop_running(true);
			return 0;
		}
	}
	if (n)
		return n;
	to = timeout < 0 ? sim.end_us : sim.now_us + (uint64_t)timeout * 1000;
	if (to >= sim.end_us) {
		sim.now_us = sim.end_us;
		stop_running(false);
		return 0;
	}
	sim.now_us = to;
	return 0;
}

static ssize_t real_sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *to, socklen_t tolen)
{
	return syscall(SYS_sendto, fd, buf, len, flags, to, tolen);
}

static void held_send(void *arg)
{
	struct held *h = arg;

	(void)real_sendto(h->fd, h->bytes, h->len, 0, (struct sockaddr *)&h->to, h->tolen);
	sim.n_held--;
	free(h);
}

static void hold(int fd, const void *buf, size_t len, const struct sockaddr *to, socklen_t tolen, uint32_t ms)
{
	struct held *h = sim.n_held < HELD_MAX ? calloc(1, sizeof(*h) + len) : NULL;

	if (!h)
		return;
	sim.n_held++;
	h->fd = fd;
	h->len = len;
	h->tolen = tolen;
	memcpy(&h->to, to, tolen);
	memcpy(h->bytes, buf, len);
	tmr_start(&h->tmr, ms, held_send, h);
}

/* A test without simulated time may have one of its own. */
__attribute__((weak))
ssize_t sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *to, socklen_t tolen)
{
	size_t n = strlen(sim.drop);
	unsigned copies;

	if (!ours() || !to || tolen > sizeof(struct sockaddr_storage))
		return real_sendto(fd, buf, len, flags, to, tolen);
	if (sim.drop_n && len >= n && !memcmp(buf, sim.drop, n)) {
		sim.drop_n--;
		return (ssize_t)len;
	}
	if (sim.loss && draw(100) < sim.loss)
		return (ssize_t)len;
	copies = 1 + (sim.dup && draw(100) < sim.dup);
	if (!sim.delay_max && copies == 1)
		return real_sendto(fd, buf, len, flags, to, tolen);
	while (copies--)
		hold(fd, buf, len, to, tolen, sim.delay_min + draw(sim.delay_max - sim.delay_min + 1));
	return (ssize_t)len;
}

/* --- for the test --- */

int sim_init(uint32_t seed)
{
	int err;

	memset(&sim, 0, sizeof(sim));
	sim.seed = seed;
	sim.thread = pthread_self();
	sim.on = true;
	err = loop_init();
	if (!err)
		err = poll_method_set(METHOD_EPOLL);
	return err;
}

void sim_close(void)
{
	sim_loss(0);
	sim_duplicate(0);
	sim_delay(0, 0);
	/* What is still on its way arrives nowhere, but must be freed. */
	if (sim.n_held)
		sim_advance(60000);
	wheel_close();
	loop_close();
	sim.on = false;
}

uint64_t sim_now_ms(void)
{
	return sim.now_us / 1000;
}

bool sim_run_until(bool (*cond)(void *arg), void *arg, uint32_t timeout_ms)
{
	sim.cond = cond;
	sim.arg = arg;
	sim.end_us = sim.now_us + (uint64_t)timeout_ms * 1000;
	sim.met = false;
	sim.running = true;
	(void)re_main(NULL);
	sim.running = false;
	return sim.met;
}

void sim_advance(uint32_t ms)
{
	(void)sim_run_until(NULL, NULL, ms);
}

void sim_loss(unsigned percent)                         { sim.loss = percent; }
void sim_duplicate(unsigned percent)                    { sim.dup = percent; }
void sim_delay(uint32_t min_ms, uint32_t max_ms)        { sim.delay_min = min_ms; sim.delay_max = max_ms; }
void sim_settle(unsigned real_ms)                       { sim.settle_ms = real_ms; }

void sim_drop_next(unsigned n, const char *prefix)
{
	sim.drop_n = n;
	(void)snprintf(sim.drop, sizeof(sim.drop), "%s", prefix);
}
