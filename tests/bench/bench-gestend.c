/*
 * bench-gestend.c - how long a gesture takes through two ends that call each other, with real sockets and threads.
 *
 *     control > ring > forward ~~ loopback ~~ forward > ring > control > oscport ~~ a program
 *             tell              |                     hear              out
 *
 *     bench-gestend [MESSAGES]        default 2000, one each 3 ms
 *
 * Prints median and 99th percentile of each part. The control thread is the same for both ends, so it is never busy with the one
 * when the other wants it, as on two machines; forward threads run SCHED_FIFO where that is allowed.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <re.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "client/gestend.h"

enum { EACH_MS = 3, MAX = 100000 };

struct side { struct relay *relay; struct ensemble *ensemble; struct player *player; struct gestend *g; };

static struct side a, b;
static uint64_t said_us, *tell, *hear, *out;
static unsigned n, want = 2000, n_out;
static int program;
static struct tmr tmr;

static uint64_t now_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static bool heard(const struct osc_msg *msg, const struct midi_cmd *midi, void *arg)
{
	const struct side *s = arg;

	if (s == &b && said_us && n < want && !strcmp(msg->addr, "/x")) {
		const uint64_t at = player_said(b.player)->at_us;

		tell[n] = at > said_us ? at - said_us : 0;
		hear[n++] = now_us() - at;
	}
	return gestend_heard(msg, midi, s->g);
}

static void program_handler(int flags, void *arg)
{
	char buf[256];

	(void)flags;
	(void)arg;
	while (recv(program, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		if (!strcmp(buf, "/x") && said_us && n_out < want)
			out[n_out++] = now_us() - said_us;
}

static void say_next(void *arg)
{
	static int value;

	(void)arg;
	if (n >= want) {
		re_cancel();
		return;
	}
	tmr_start(&tmr, EACH_MS, say_next, NULL);
	said_us = now_us();
	if (gestend_sayf(a.g, "/x", "i", value++))
		said_us = 0;
}

static int side_open(struct side *s, const char *to, struct sa *bound)
{
	const struct relay_conf rc = {.port_min = 40000, .port_max = 49000, .realtime = true, .end = true};
	const struct gestend_conf gc = {.osc = to != NULL, .osc_to = to};
	const struct player_conf pc = {.wish = "room", .identity = "room", .househ = heard, .arg = s};
	struct sa local;
	int err = relay_alloc(&s->relay, &rc);

	sa_set_str(&local, "127.0.0.1", 0);
	if (!err)
		err = ensemble_get(&s->ensemble, s->relay, "end");
	if (!err)
		err = gestend_alloc(&s->g, &gc);
	if (!err)
		err = player_alloc(&s->player, s->relay, s->ensemble, &pc);
	return err ? err : player_port(s->player, GESTLINE_OSC, &local, bound);
}

static int line(struct side *s, const struct sa *peer)
{
	struct gestline l;
	int err;

	gestline_init(&l, GESTLINE_OSC);
	l.dir  = LEG_DIR_BOTH;
	l.pt   = 98;
	l.rate = 48000;
	l.party_exec = true;
	l.peer = *peer;
	err = player_set_line(s->player, &l);
	if (!err)
		gestend_set_player(s->g, s->player);
	return err;
}

static int program_open(char to[32])
{
	struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(own);

	program = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (program < 0 || bind(program, (struct sockaddr *)&own, len) || getsockname(program, (struct sockaddr *)&own, &len))
		return errno;
	(void)snprintf(to, 32, "127.0.0.1:%u", ntohs(own.sin_port));
	return fd_listen(program, FD_READ, program_handler, NULL);
}

static int by_size(const void *x, const void *y)
{
	const uint64_t p = *(const uint64_t *)x, q = *(const uint64_t *)y;

	return p < q ? -1 : p > q;
}

static void print(const char *what, uint64_t *list, unsigned count)
{
	qsort(list, count, sizeof(*list), by_size);
	if (count)
		printf("%-44s %6u %6u us\n", what, (unsigned)list[count / 2], (unsigned)list[count * 99 / 100]);
}

static void side_close(struct side *s)
{
	gestend_set_player(s->g, NULL);
	mem_deref(s->player);
	mem_deref(s->g);
	relay_close(s->relay);
	mem_deref(s->ensemble);
	mem_deref(s->relay);
}

int main(int argc, char **argv)
{
	struct sa at_a, at_b;
	char to[32];
	int err;

	if (argc > 1)
		want = (unsigned)atoi(argv[1]) < MAX ? (unsigned)atoi(argv[1]) : MAX;
	tell = calloc(want, sizeof(*tell));
	hear = calloc(want, sizeof(*hear));
	out  = calloc(want, sizeof(*out));
	err = !tell || !hear || !out ? ENOMEM : libre_init();
	if (!err)
		err = program_open(to);
	if (!err)
		err = side_open(&a, NULL, &at_a);
	if (!err)
		err = side_open(&b, to, &at_b);
	if (!err)
		err = line(&a, &at_b);
	if (!err)
		err = line(&b, &at_a);
	if (!err) {
		tmr_start(&tmr, 300, say_next, NULL);
		err = re_main(NULL);
	}
	if (err) {
		fprintf(stderr, "bench-gestend: %s\n", strerror(err));
		return 1;
	}
	printf("%-44s %6s %6s    of %u\n", "", "median", "99 %", n);
	print("said, until the other's forward thread has it", tell, n);
	print("from there to the control thread", hear, n);
	print("said, until a program there has it", out, n_out);
	tmr_cancel(&tmr);
	fd_close(program);
	side_close(&a);
	side_close(&b);
	libre_close();
	return 0;
}
