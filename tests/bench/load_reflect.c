/*
 * load_reflect.c - the yardstick of the yardstick: an echo of known delay, and the test that measures it.
 *
 * Two ways to be late, because there are two in a mixer. A packet is held for DELAY microseconds; and the sound moves by
 * SHIFT bytes within the stream (a delay line per socket), which a clock on packets alone would never see.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>
#include "load.h"

enum { QUEUE = 65536, SHIFT_MAX = 4096 };

struct held {
	uint64_t due_us;
	uint32_t sock;
	uint16_t len;
	struct sockaddr_in to;
	uint8_t pkt[RTP_HDR + FRAME_MAX];
};

struct line { int fd; uint8_t tail[SHIFT_MAX]; };

struct reflector {
	struct line *line;
	struct held *queue;
	uint32_t head, n, shift, delay_us;
	int ep;
};

static int reflector_open(struct reflector *r, uint16_t port, uint32_t sockets)
{
	r->ep = epoll_create1(0);
	r->line = calloc(sockets, sizeof(*r->line));
	r->queue = malloc(QUEUE * sizeof(*r->queue));
	if (r->ep < 0 || !r->line || !r->queue)
		return ENOMEM;
	for (uint32_t i = 0; i < sockets; i++) {
		struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)(port + i)),
					.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
		struct epoll_event ev = {.events = EPOLLIN, .data.u32 = i};

		r->line[i].fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		if (r->line[i].fd < 0 || bind(r->line[i].fd, (struct sockaddr *)&a, sizeof(a)) ||
		    epoll_ctl(r->ep, EPOLL_CTL_ADD, r->line[i].fd, &ev))
			return errno;
	}
	return 0;
}

/* The payload moves by `shift` bytes; what falls out begins the next packet. */
static void shift(struct line *l, uint8_t *payload, size_t len, size_t by)
{
	uint8_t all[SHIFT_MAX + FRAME_MAX];

	if (!by)
		return;
	memcpy(all, l->tail, by);
	memcpy(all + by, payload, len);
	memcpy(payload, all, len);
	memcpy(l->tail, all + len, by);
}

static void take(struct reflector *r, uint32_t i)
{
	for (;;) {
		struct held *h = &r->queue[(r->head + r->n) % QUEUE];
		socklen_t len = sizeof(h->to);
		ssize_t n = recvfrom(r->line[i].fd, h->pkt, sizeof(h->pkt), MSG_DONTWAIT, (struct sockaddr *)&h->to, &len);

		if (n < RTP_HDR || r->n == QUEUE - 1)
			return;
		shift(&r->line[i], h->pkt + RTP_HDR, (size_t)n - RTP_HDR, r->shift);
		h->len = (uint16_t)n;
		h->sock = i;
		h->due_us = now_us() + r->delay_us;
		r->n++;
	}
}

static void give(struct reflector *r)
{
	while (r->n && r->queue[r->head].due_us <= now_us()) {
		struct held *h = &r->queue[r->head];

		sendto(r->line[h->sock].fd, h->pkt, h->len, MSG_DONTWAIT, (struct sockaddr *)&h->to, sizeof(h->to));
		r->head = (r->head + 1) % QUEUE;
		r->n--;
	}
}

static int patience_ns(const struct reflector *r)
{
	uint64_t now = now_us(), due = r->n ? r->queue[r->head].due_us : now + 100000;

	return due > now ? (int)(due - now) * 1000 : 0;
}

int reflect_run(uint16_t port, uint32_t delay_us, uint32_t shift_bytes, uint32_t sockets)
{
	struct reflector r = {.shift = shift_bytes < SHIFT_MAX ? shift_bytes : SHIFT_MAX, .delay_us = delay_us};
	int err = reflector_open(&r, port, sockets);

	signal(SIGINT, SIG_DFL);
	while (!err) {
		struct epoll_event ev[64];
		struct timespec patience = {.tv_nsec = patience_ns(&r)};
		int n = epoll_pwait2(r.ep, ev, 64, &patience, NULL);

		for (int i = 0; i < n; i++)
			take(&r, ev[i].data.u32);
		give(&r);
	}
	fprintf(stderr, "tutti-load: cannot reflect: %s\n", strerror(err));
	return err;
}

/* ---- self-test ---- */

static const struct row {
	const char *what, *options;
	uint32_t delay_us, shift_bytes;
	double smp_us;                    /* of the shift */
	uint32_t shift_smp;
} rows[] = {
	{"G.711, nothing", "--codec pcmu", 0, 0, 125, 0},
	{"G.711, 5 samples", "--codec pcmu", 0, 5, 125, 5},
	{"G.711, 7.3 ms", "--codec pcma", 7300, 0, 125, 0},
	{"G.711, 4.1 ms and 31 samples", "--codec pcmu", 4100, 31, 125, 31},
	{"G.711, 4.1 ms, jitter and drift", "--codec pcmu --jitter 15 --drift 200", 4100, 0, 125, 0},
	{"L16, 1.333 ms frames, 11 samples", "--codec l16 --ptime 1.333", 0, 22, 1e6 / 48000, 11},
	{"L16 stereo, 2.5 ms frames, 0.9 ms and 1 sample", "--codec l16 --stereo", 900, 4, 1e6 / 48000, 1},
	{"Opus, 2.5 ms frames, 3 ms", "--codec opus --ptime 2.5 --stereo", 3000, 0, 0, 0},
	{"Opus, 20 ms frames, 12 ms", "--codec opus", 12000, 0, 0, 0},
};

static uint16_t port_free(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) || getsockname(fd, (struct sockaddr *)&a, &len))
		a.sin_port = 0;
	if (fd >= 0)
		close(fd);
	return ntohs(a.sin_port);
}

static bool row_measure(double *min_ms, double *p50_ms, const char *program, const char *options, uint16_t port)
{
	char cmd[512], line[16384], *at;
	FILE *f;

	snprintf(cmd, sizeof(cmd), "%s %s --delay --json --calls 1 --hold 3 --raw 127.0.0.1:%u", program, options, port);
	f = popen(cmd, "r");
	at = f && fgets(line, sizeof(line), f) ? strstr(line, "\"delay_ms\":") : NULL;
	if (f)
		pclose(f);
	return at && sscanf(at, "\"delay_ms\":{\"sought\":%*u,\"found\":%*u,\"min\":%lf,\"p50\":%lf", min_ms, p50_ms) == 2;
}

/* A packet waits for a processor on the way, never the other way round: so it is the smallest that must be right. */
static bool row_test(const struct row *r, const char *program)
{
	double want = (r->delay_us + r->shift_smp * r->smp_us) / 1000, min = 0, p50 = 0;
	uint16_t port = port_free();
	bool ok;
	pid_t child = fork();

	if (!child) {
		reflect_run(port, r->delay_us, r->shift_bytes, 1);
		_exit(1);
	}
	usleep(100000);
	ok = row_measure(&min, &p50, program, r->options, port) && min > want - 0.06 && min < want + 0.25;
	kill(child, SIGTERM);
	waitpid(child, NULL, 0);
	printf("%-48s put in %7.3f ms, found %7.3f (median %7.3f)  %s\n", r->what, want, min, p50, ok ? "ok" : "WRONG");
	fflush(stdout);
	return ok;
}

int self_test(const char *program)
{
	int wrong = 0;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		wrong += !row_test(&rows[i], program);
	return wrong;
}
