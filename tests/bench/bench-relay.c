/*
 * bench-relay.c - how long a gesture is on its way through the relay, and what it costs, against a bare forwarder of datagrams in
 * the same run.
 *
 *     build/tests/bench/bench-relay [osc|udp] [PLAYERS] [MESSAGES] [SECONDS]
 *
 *     osc      RTP with the payload osc, journals and reports          udp      OSC in plain datagrams
 *
 * PLAYERS play MESSAGES a second in all, one after the other; each hears all others. First through the bare forwarder: a thread
 * that does nothing but recvfrom and sendto, without journals. Then through the relay: real sockets on loopback, its own thread.
 * Each message holds the time it was sent; the kernel's stamp of arrival less that is its transit, so that what the players do
 * with it is not in the figure. The last of PLAYERS - 1 copies is sent when all others have been: that is in the figure. CPU time is that
 * of the one thread that forwards.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <re.h>

#include "osc/relay.h"
#include "relay_players.h"

enum { THREADS_MAX = 64, PORT_MIN = 34000, PORT_MAX = 44000, PRIORITY = 45 };

/* ---- figures ---- */

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double part(double p)
{
	return it.n_us ? it.us[(size_t)(p * (double)(it.n_us - 1))] / 1000 : NAN;
}

static void tell(const char *what, uint64_t cpu_ns)
{
	const uint64_t want = it.sent * (it.n - 1);

	qsort(it.us, it.n_us, sizeof(*it.us), by_size);
	printf("%-10s p50 %.3f  p95 %.3f  p99 %.3f  max %.3f ms; heard %zu of %" PRIu64 " (%.3f %%), %.1f us of CPU for a message, "
	       "%.0f copies a second of one core\n", what, part(.5), part(.95), part(.99), part(1), it.n_us, want,
	       want ? 100.0 * (double)it.n_us / (double)want : 0, it.sent ? (double)cpu_ns / 1000 / (double)it.sent : 0,
	       cpu_ns ? (double)it.n_us * 1e9 / (double)cpu_ns : 0);
	fflush(stdout);
}

/* ---- CPU time of a thread by its number ---- */

static unsigned threads(int *tid)
{
	DIR *d = opendir("/proc/self/task");
	unsigned n = 0;

	need(d != NULL, "/proc/self/task");
	for (struct dirent *e; (e = readdir(d)) && n < THREADS_MAX;) {
		if (e->d_name[0] != '.')
			tid[n++] = atoi(e->d_name);
	}
	closedir(d);
	return n;
}

static int newcomer(const int *before, unsigned n)
{
	int now[THREADS_MAX];
	const unsigned n_now = threads(now);

	for (unsigned i = 0; i < n_now; i++) {
		bool known = false;

		for (unsigned k = 0; k < n; k++)
			known |= before[k] == now[i];
		if (!known)
			return now[i];
	}
	return 0;
}

static uint64_t cpu_ns(int tid)
{
	char path[64];
	uint64_t ns = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/schedstat", tid);
	f = fopen(path, "r");
	if (f) {
		need(fscanf(f, "%" SCNu64, &ns) == 1, path);
		fclose(f);
	}
	return ns;
}

/* ---- the bare forwarder ---- */

static struct { int fd[PLAYERS_MAX], epoll; struct sockaddr_in to[PLAYERS_MAX]; volatile bool stop; } bare;

static void *bare_run(void *arg)
{
	const struct sched_param prio = {.sched_priority = PRIORITY};

	(void)arg;
	pthread_setschedparam(pthread_self(), SCHED_FIFO, &prio);         /* where that is allowed, as the relay */
	while (!bare.stop) {
		struct epoll_event ev[64];
		const int ready = epoll_wait(bare.epoll, ev, 64, 100);

		for (int i = 0; i < ready; i++) {
			const unsigned from = ev[i].data.u32;
			uint8_t buf[BUF];
			ssize_t len;

			while ((len = recvfrom(bare.fd[from], buf, sizeof(buf), MSG_DONTWAIT, NULL, NULL)) > 0) {
				if (it.rtp && buf[1] == RR)
					continue;
				for (unsigned k = 0; k < it.n; k++) {
					if (k != from)
						sendto(bare.fd[k], buf, (size_t)len, 0, (struct sockaddr *)&bare.to[k], sizeof(bare.to[k]));
				}
			}
		}
	}
	return NULL;
}

static void bare_measure(void)
{
	int before[THREADS_MAX], tid;
	pthread_t thread;
	unsigned n;
	uint64_t cpu;

	bare.epoll = epoll_create1(0);
	for (unsigned i = 0; i < it.n; i++) {
		struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		socklen_t len = sizeof(at);

		bare.fd[i] = socket(AF_INET, SOCK_DGRAM, 0);
		need(bare.fd[i] >= 0 && !bind(bare.fd[i], (struct sockaddr *)&at, sizeof(at)), "socket");
		getsockname(bare.fd[i], (struct sockaddr *)&it.end[i].to, &len);
		len = sizeof(at);
		getsockname(it.end[i].fd, (struct sockaddr *)&bare.to[i], &len);
		need(!epoll_ctl(bare.epoll, EPOLL_CTL_ADD, bare.fd[i], &(struct epoll_event){.events = EPOLLIN, .data.u32 = i}), "epoll");
	}
	n = threads(before);
	need(!pthread_create(&thread, NULL, bare_run, NULL), "thread");
	tid = newcomer(before, n);
	cpu = cpu_ns(tid);
	players_run(NULL);
	cpu = cpu_ns(tid) - cpu;
	bare.stop = true;
	pthread_join(thread, NULL);
	for (unsigned i = 0; i < it.n; i++)
		close(bare.fd[i]);
	/* the first second is in the CPU time too */
	tell("bare", cpu * it.seconds * 1000 / (it.seconds * 1000 + WARM_MS));
}

/* ---- the relay ---- */

static volatile bool done;

static void look(void *arg)
{
	if (done)
		re_cancel();
	else
		tmr_start(arg, 50, look, arg);
}

static void sa_of(struct sa *sa, int fd)
{
	struct sockaddr_in at;
	socklen_t len = sizeof(at);

	getsockname(fd, (struct sockaddr *)&at, &len);
	need(!sa_set_sa(sa, (struct sockaddr *)&at), "address");
}

static void player_begin(struct player **pp, struct relay *r, struct ensemble *e, unsigned i)
{
	const enum gestline_kind kind = it.rtp ? GESTLINE_OSC : GESTLINE_UDP;
	struct player_conf conf = {.cname = ""};
	struct gestline l;
	struct sa local, bound;

	snprintf(conf.wish, sizeof(conf.wish), "player-%u", i);
	snprintf(conf.identity, sizeof(conf.identity), "sip:player-%u@bench", i);
	snprintf(conf.cname, sizeof(conf.cname), "player-%u@bench", i);
	sa_set_str(&local, "127.0.0.1", 0);
	errno = player_alloc(pp, r, e, &conf);
	need(!errno, "player_alloc");
	errno = player_port(*pp, kind, &local, &bound);
	need(!errno, "player_port");
	gestline_init(&l, kind);
	l.dir = LEG_DIR_SEND | LEG_DIR_RECV;
	sa_of(&l.peer, it.end[i].fd);
	l.peer_rtcp = l.peer;
	l.rtcp_mux  = true;
	l.pt   = PT;
	l.rate = RATE;
	l.takes.rate = 100000;
	str_ncpy(l.takes.types, "ifsbh", sizeof(l.takes.types));
	l.takes.refresh_ms = 0;
	errno = player_set_line(*pp, &l);
	need(!errno, "player_set_line");
	gestline_reset(&l);
	it.end[i].to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(sa_port(&bound)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	it.end[i].hears = false;
}

static void relay_measure(void)
{
	const struct relay_conf conf = {.port_min = PORT_MIN, .port_max = PORT_MAX, .rate = 100000, .any_space = true, .realtime = true,
		.leave_keep_ms = 30000, .silence_ms = 60000};
	static struct player *player[PLAYERS_MAX];
	struct ensemble *e = NULL;
	struct relay *r = NULL;
	int before[THREADS_MAX], tid;
	const unsigned n = threads(before);
	pthread_t thread;
	struct tmr tmr;
	uint64_t cpu;

	errno = relay_alloc(&r, &conf);
	need(!errno, "relay_alloc");
	tid = newcomer(before, n);
	errno = ensemble_get(&e, r, "bench");
	need(!errno, "ensemble_get");
	for (unsigned i = 0; i < it.n; i++)
		player_begin(&player[i], r, e, i);
	cpu = cpu_ns(tid);
	need(!pthread_create(&thread, NULL, players_run, (void *)&done), "thread");
	tmr_init(&tmr);
	tmr_start(&tmr, 50, look, &tmr);
	re_main(NULL);
	pthread_join(thread, NULL);
	cpu = cpu_ns(tid) - cpu;
	for (unsigned i = 0; i < it.n; i++)
		mem_deref(player[i]);
	mem_deref(e);
	mem_deref(r);
	tmr_start(&tmr, 200, look, &tmr); /* what the forward thread gives back is freed on the loop */
	re_main(NULL);
	tell("relay", cpu * it.seconds * 1000 / (it.seconds * 1000 + WARM_MS));
}

int main(int argc, char *argv[])
{
	it.rtp = argc < 2 || !!strcmp(argv[1], "udp");
	it.n   = argc > 2 ? (unsigned)atoi(argv[2]) : 20;
	it.per_second = argc > 3 ? (unsigned)atoi(argv[3]) : 1000;
	it.seconds    = argc > 4 ? (unsigned)atoi(argv[4]) : 10;
	if (it.n < 2 || it.n > PLAYERS_MAX || !it.per_second || it.per_second > 100000 || !it.seconds || it.seconds > 600 ||
	    (argc > 1 && strcmp(argv[1], "udp") && strcmp(argv[1], "osc"))) {
		fprintf(stderr, "usage: bench-relay [osc|udp] [PLAYERS 2-%u] [MESSAGES a second] [SECONDS]\n", PLAYERS_MAX);
		return 2;
	}
	it.max_us = (size_t)it.per_second * (it.seconds + 1) * (it.n - 1);
	it.us = calloc(it.max_us, sizeof(*it.us));
	need(it.us != NULL, "memory");
	need(!libre_init(), "libre");
	players_open();
	printf("%s, %u players, %u messages a second in all, each hears all: %u s each\n", it.rtp ? "RTP osc" : "UDP/OSC", it.n, it.per_second,
	       it.seconds);
	bare_measure();
	relay_measure();
	if (it.late > (uint64_t)it.per_second * it.seconds / 50)
		printf("the players were late with %" PRIu64 " messages\n", it.late);
	libre_close();
	free(it.us);
	return 0;
}
