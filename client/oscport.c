/*
 * oscport.c - a UDP socket for programs on this machine.
 *
 * Who sends is not asked who it is: on loopback it is somebody of this machine. What is heard goes to one address, so
 * that a program that sends once is answered, and no program is told what another listens to. A flood is taken a few
 * packets a turn, so that the rest of the loop goes on; what the kernel has no room for is lost there.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <re.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "osc/osc.h"
#include "oscport.h"

enum { READS_A_TURN = 64, RCVBUF = 512 * 1024 };

struct oscport {
	int fd;
	bool learns, known, listened;
	struct sockaddr_in own, to;
	oscport_h *h;
	void *arg;
	struct oscport_stats n;
	uint8_t buf[OSCPORT_DGRAM_MAX];
};

static void destructor(void *arg)
{
	struct oscport *o = arg;

	if (o->listened)
		fd_close(o->fd);
	if (o->fd >= 0)
		close(o->fd);
}

/* No names but localhost: they would have to be asked for, and that takes its time. */
static int read_to(struct sockaddr_in *to, const char *text)
{
	const char *colon = strrchr(text, ':'), *port = colon ? colon + 1 : text;
	char host[INET_ADDRSTRLEN] = "127.0.0.1", *end;
	const long n = strtol(port, &end, 10);

	if (n < 1 || n > 65535 || *end || end == port || (colon && (size_t)(colon - text) >= sizeof(host)))
		return EINVAL;
	if (colon > text) {
		memcpy(host, text, (size_t)(colon - text));
		host[colon - text] = '\0';
	}
	*to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)n)};
	return inet_pton(AF_INET, strcmp(host, "localhost") ? host : "127.0.0.1", &to->sin_addr) == 1 ? 0 : EINVAL;
}

static int open_socket(struct oscport *o, const struct oscport_conf *conf)
{
	const int room = RCVBUF;
	socklen_t len = sizeof(o->own);

	o->own = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(conf->port),
		.sin_addr.s_addr = htonl(conf->open ? INADDR_ANY : INADDR_LOOPBACK)};
	o->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (o->fd < 0)
		return errno;
	(void)setsockopt(o->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if (bind(o->fd, (struct sockaddr *)&o->own, sizeof(o->own)) ||
	    getsockname(o->fd, (struct sockaddr *)&o->own, &len))
		return errno;
	return 0;
}

static int find_to(struct oscport *o, const char *to)
{
	o->learns = !to || !*to;
	if (o->learns)
		return 0;
	if (read_to(&o->to, to))
		return EINVAL;
	/* What is heard would be played again, for ever. */
	if (o->to.sin_port == o->own.sin_port && (ntohl(o->to.sin_addr.s_addr) >> 24 == 127 || !o->to.sin_addr.s_addr))
		return EINVAL;
	o->known = true;
	return 0;
}

static void read_handler(int flags, void *arg)
{
	(void)flags;
	oscport_read(arg);
}

int oscport_alloc(struct oscport **op, const struct oscport_conf *conf)
{
	struct oscport *o = mem_zalloc(sizeof(*o), destructor);
	int err;

	if (!o)
		return ENOMEM;
	o->h   = conf->h;
	o->arg = conf->arg;
	o->fd  = -1;
	err = open_socket(o, conf);
	if (!err)
		err = find_to(o, conf->to);
	if (!err && !conf->by_hand) {
		err = fd_listen(o->fd, FD_READ, read_handler, o);
		o->listened = !err;
	}
	if (err)
		mem_deref(o);
	else
		*op = o;
	return err;
}

uint16_t oscport_port(const struct oscport *o)
{
	return o ? ntohs(o->own.sin_port) : 0;
}

static bool read_one(struct oscport *o)
{
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	const ssize_t n = recvfrom(o->fd, o->buf, sizeof(o->buf), MSG_TRUNC, (struct sockaddr *)&from, &from_len);

	if (n < 0)
		return errno != EAGAIN &&
		       errno != EWOULDBLOCK; /* ECONNREFUSED: of something we sent; the next may be one to read */
	if ((size_t)n > sizeof(o->buf) || osc_check(o->buf, (size_t)n, sizeof(o->buf))) {
		o->n.bad++;
		return true;
	}
	o->n.in++;
	if (o->learns) {
		o->to = from;
		o->known = true;
	}
	o->h(o->buf, (size_t)n, o->arg);
	return true;
}

void oscport_read(struct oscport *o)
{
	for (int i = 0; i < READS_A_TURN && read_one(o); i++)
		;
}

int oscport_send(struct oscport *o, const uint8_t *osc, size_t len)
{
	if (!o->known)
		return ENOTCONN;
	if (sendto(o->fd, osc, len, 0, (struct sockaddr *)&o->to, sizeof(o->to)) < 0)
		return errno;             /* nobody listens now: UDP */
	o->n.out++;
	return 0;
}

void oscport_stats(const struct oscport *o, struct oscport_stats *s)
{
	*s = o ? o->n : (struct oscport_stats){0};
}
