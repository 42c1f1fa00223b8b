/*
 * netbox.c - a network between two namespaces of the kernel, for real programs: holds packets, loses some.
 *
 *     netbox NS_A NS_B DEVICE DELAY_MS JITTER_MS LOSS_PCT SEED
 *
 *     namespace A: DEVICE (tun) ~~ netbox ~~ DEVICE (tun) :namespace B
 *
 * Makes the two devices, says "ready", and carries packets both ways until it is ended: each DELAY late and up to
 * JITTER more, for itself, so that they overtake each other; LOSS per cent never come. It is what tc's netem does, on
 * kernels that have none; what it does worse is that it has to be woken for each packet: how late it was itself it
 * tells at its end (SIGTERM).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { PACKET_MAX = 2000, HELD_MAX = 8192 };

struct packet { uint64_t due_ns; int to; size_t len; uint8_t buf[PACKET_MAX]; };

struct box {
	int fd[2];
	uint64_t delay_ns, jitter_ns;
	uint32_t loss, seed;      /* of a million */
	unsigned n;
	struct packet *held[HELD_MAX], *spare[HELD_MAX];  /* the first by when they are due */
	unsigned n_spare;
	uint64_t carried, lost, overflow, late_most_ns, late_sum_ns;
};

static volatile sig_atomic_t told_to_end;

static void end_h(int sig)
{
	(void)sig;
	told_to_end = 1;
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static uint32_t dice(struct box *b, uint32_t n)
{
	b->seed = b->seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)(b->seed >> 8) * n >> 24);
}

/* --- the two devices --- */

static void fail(const char *what)
{
	fprintf(stderr, "netbox: %s: %s\n", what, strerror(errno));
	exit(69);
}

static int tun_open(const char *ns, const char *device)
{
	struct ifreq req = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", ns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		fail(path);
	close(fd);
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		fail("/dev/net/tun");
	strncpy(req.ifr_name, device, IFNAMSIZ - 1);
	if (ioctl(fd, TUNSETIFF, &req) < 0)
		fail(device);
	return fd;
}

/* --- packets --- */

static void hold(struct box *b, struct packet *p)
{
	unsigned i = b->n++;

	for (; i && b->held[i - 1]->due_ns > p->due_ns; i--)
		b->held[i] = b->held[i - 1];
	b->held[i] = p;
}

static void take(struct box *b, int from)
{
	while (b->n_spare) {
		struct packet *p = b->spare[b->n_spare - 1];
		ssize_t n = read(b->fd[from], p->buf, sizeof(p->buf));

		if (n <= 0)
			return;
		if (dice(b, 1000000) < b->loss) {
			b->lost++;
			continue;
		}
		b->n_spare--;
		p->len = (size_t)n;
		p->to = !from;
		p->due_ns = now_ns() + b->delay_ns + (b->jitter_ns ? (uint64_t)dice(b, 1000) * b->jitter_ns / 1000 : 0);
		hold(b, p);
	}
	b->overflow++;
}

static void give(struct box *b)
{
	uint64_t now = now_ns();
	unsigned n = 0;

	while (n < b->n && b->held[n]->due_ns <= now) {
		struct packet *p = b->held[n++];

		if (write(b->fd[p->to], p->buf, p->len) < 0 && errno != EIO)      /* EIO: the device is not up yet */
			b->overflow++;
		b->carried++;
		b->late_sum_ns += now - p->due_ns;
		if (now - p->due_ns > b->late_most_ns)
			b->late_most_ns = now - p->due_ns;
		b->spare[b->n_spare++] = p;
	}
	b->n -= n;
	memmove(b->held, b->held + n, b->n * sizeof(*b->held));
}

static void wait_for(const struct box *b)
{
	struct pollfd fds[2] = {{.fd = b->fd[0], .events = POLLIN}, {.fd = b->fd[1], .events = POLLIN}};
	uint64_t now = now_ns(), due = b->n ? b->held[0]->due_ns : now + 200000000, rest = due > now ? due - now : 0;
	struct timespec ts = {(time_t)(rest / 1000000000), (long)(rest % 1000000000)};

	ppoll(fds, b->n_spare ? 2 : 0, &ts, NULL);
}

static void realtime(void)
{
	const struct sched_param param = {.sched_priority = 70};

	sched_setscheduler(0, SCHED_FIFO, &param);        /* where allowed */
	mlockall(MCL_CURRENT | MCL_FUTURE);
}

int main(int argc, char **argv)
{
	static struct box b;
	struct sigaction act = {.sa_handler = end_h};

	if (argc != 8) {
		fputs("usage: netbox NS_A NS_B DEVICE DELAY_MS JITTER_MS LOSS_PCT SEED\n", stderr);
		return 64;
	}
	b.fd[0] = tun_open(argv[1], argv[3]);
	b.fd[1] = tun_open(argv[2], argv[3]);
	b.delay_ns = (uint64_t)(1e6 * strtod(argv[4], NULL));
	b.jitter_ns = (uint64_t)(1e6 * strtod(argv[5], NULL));
	b.loss = (uint32_t)(1e4 * strtod(argv[6], NULL));
	b.seed = (uint32_t)strtoul(argv[7], NULL, 10);
	for (b.n_spare = 0; b.n_spare < HELD_MAX; b.n_spare++)
		b.spare[b.n_spare] = calloc(1, sizeof(struct packet));
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	realtime();
	puts("ready");
	fflush(stdout);
	while (!told_to_end) {
		wait_for(&b);
		take(&b, 0);
		take(&b, 1);
		give(&b);
	}
	printf("{\"carried\": %llu, \"lost\": %llu, \"overflow\": %llu, "
	       "\"late_mean_us\": %.0f, \"late_max_us\": %.0f}\n",
	       (unsigned long long)b.carried, (unsigned long long)b.lost, (unsigned long long)b.overflow,
	       b.carried ? (double)b.late_sum_ns / 1e3 / (double)b.carried : 0, (double)b.late_most_ns / 1e3);
	return 0;
}
