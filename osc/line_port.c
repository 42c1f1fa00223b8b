/*
 * line_port.c - the sockets of a line.
 *
 * RTP takes a pair from the range the sound takes its ports from; UDP/OSC one of such a pair, and a listening socket of TCP any
 * port of the range. A packet for which there is no line yet is read and forgotten: the server processes packets only after its
 * answer is sent.
 */
#include <sys/epoll.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "mixer/port.h"
#include "line_port.h"

enum { PACKETS = 16, BACKLOG = 2, TRIES = 64 };

/* ---- control thread ---- */

static void close_handle(const struct line_port *port, int h)
{
	if (h < 0)
		return;
	if (port->wire)
		port->wire->close(h, port->wire->arg);
	else
		close(h);
}

static void line_port_destroy(void *arg)
{
	struct line_port *port = arg;

	list_unlink(&port->le);
	for (unsigned i = 0; i < 2; i++)
		close_handle(port, port->handle[i]);
	mem_deref(port->forward);
}

static int open_wire(struct line_port *port, const struct sa *local)
{
	int err = 0;

	for (unsigned i = 0; i < port->n && !err; i++) {
		port->local[i] = *local;
		err = port->wire->open(&port->handle[i], &port->local[i], port->kind, i == 1, port->wire->arg);
	}
	return err;
}

static int open_datagram(struct line_port *port, const struct relay_conf *conf, const struct sa *local)
{
	int err;

	port->local[0] = *local;
	err = port_pair(port->handle, &port->local[0], conf->port_min, conf->port_max);
	if (err) {
		port->handle[0] = port->handle[1] = -1;
		return err;
	}
	port->local[1] = port->local[0];
	sa_set_port(&port->local[1], (uint16_t)(sa_port(&port->local[0]) + 1));
	if (port->n == 1) {
		close(port->handle[1]);
		port->handle[1] = -1;
	}
	return 0;
}

static int listen_at(struct line_port *port, const struct sa *local)
{
	const int fd = socket(sa_af(local), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
	int err;

	if (fd < 0)
		return errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (sa_af(local) == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	err = bind(fd, &local->u.sa, local->len) || listen(fd, BACKLOG) ? errno : 0;
	if (err)
		close(fd);
	else
		port->handle[0] = fd;
	return err;
}

static int open_stream(struct line_port *port, const struct relay_conf *conf, const struct sa *local)
{
	const uint32_t n = conf->port_max > conf->port_min ? (uint32_t)(conf->port_max - conf->port_min) + 1u : 1u;
	int err = EADDRINUSE;

	port->local[0] = *local;
	for (unsigned i = 0; i < TRIES && err == EADDRINUSE; i++) {
		sa_set_port(&port->local[0], (uint16_t)(conf->port_min + rand_u32() % n));
		err = listen_at(port, &port->local[0]);
	}
	return err;
}

static void ready_rt(struct watch *w, uint32_t events, uint64_t now_us);

int line_port_alloc(struct line_port **pp, struct forward *f, const struct relay_conf *conf, enum gestline_kind kind, const struct sa *local)
{
	struct line_port *port = mem_zalloc(sizeof(*port), line_port_destroy);
	int err;

	if (!port)
		return ENOMEM;
	port->handle[0] = port->handle[1] = -1;
	port->forward = mem_ref(f);
	port->wire    = conf->wire;
	port->kind    = kind;
	port->stream  = kind == GESTLINE_TCP || kind == GESTLINE_TLS;
	port->n       = kind == GESTLINE_MIDI || kind == GESTLINE_OSC ? 2 : 1;

	err = port->wire ? open_wire(port, local) : port->stream ? open_stream(port, conf, local) :
							   open_datagram(port, conf, local);
	if (err) {
		mem_deref(port);
		return err;
	}
	for (unsigned i = 0; i < port->n; i++)
		port->watch[i] = (struct watch){.fd = port->handle[i], .ready_rt = ready_rt, .arg = port};
	*pp = port;
	return 0;
}

static void port_freed(void *obj)
{
	mem_deref(obj);
}

static void end_rt(struct forward *f, void *obj, void *arg, uint64_t now_us)
{
	struct line_port *port = obj;

	(void)arg;
	(void)now_us;
	line_port_set_rt(port, NULL);
	for (unsigned i = 0; i < port->n; i++)
		watch_del_rt(f, &port->watch[i]);
	give_back_rt(f, &port->give, port_freed, port);
}

void line_port_end(struct line_port *port)
{
	if (port)
		forward_post(port->forward, &(struct job){end_rt, port, NULL}, &port->spare);
}

/* ---- forward thread ---- */

void line_port_set_rt(struct line_port *port, struct line_rt *l)
{
	if (!port)
		return;
	port->line = l;
	if (!l)
		return;
	l->port = port;
	for (unsigned i = 0; i < port->n; i++) {
		l->sock[i].handle = port->handle[i];
		l->sock[i].open   = true;
		l->sock[i].local  = port->local[i];
		if (!port->wire)
			watch_add_rt(port->forward, &port->watch[i], EPOLLIN);
	}
}

/* false: nothing more there. */
static bool one_rt(struct line_port *port, unsigned sock, uint64_t now_us)
{
	struct sa from;
	size_t size;
	uint8_t *buf = forward_dgram_rt(port->forward, &size);
	struct iovec iov = {.iov_base = buf, .iov_len = size - LINE_ROOM};
	struct msghdr msg = {.msg_name = &from.u, .msg_namelen = sizeof(from.u), .msg_iov = &iov, .msg_iovlen = 1};
	const ssize_t n = recvmsg(port->handle[sock], &msg, MSG_DONTWAIT);

	if (n < 0)
		return errno != EAGAIN && errno != EWOULDBLOCK;  /* an ICMP error is told once */
	from.len = msg.msg_namelen;
	tally_up_rt(&forward_count(port->forward)->rx_packets);
	if (port->line && !(msg.msg_flags & MSG_TRUNC))
		port->line->ops->recv_rt(port->line, sock, &from, buf, (size_t)n, now_us);
	return true;
}

static void ready_rt(struct watch *w, uint32_t events, uint64_t now_us)
{
	struct line_port *port = w->arg;

	(void)events;
	if (port->stream) {
		if (port->line && port->line->ops->ready_rt)
			port->line->ops->ready_rt(port->line, now_us);
		return;
	}
	for (int i = 0; i < PACKETS && one_rt(port, w == &port->watch[1], now_us); i++)
		;
}

void line_port_wire_rt(struct line_port *port, unsigned sock, const struct sa *from, const uint8_t *buf, size_t len, uint64_t now_us)
{
	size_t size;
	uint8_t *own = forward_dgram_rt(port->forward, &size);

	if (len > size - LINE_ROOM)
		return;
	memcpy(own, buf, len);
	tally_up_rt(&forward_count(port->forward)->rx_packets);
	if (port->line)
		port->line->ops->recv_rt(port->line, sock, from, own, len, now_us);
}

void line_send_rt(struct line_rt *l, unsigned sock, const uint8_t *buf, size_t len)
{
	const struct line_sock *s = &l->sock[sock];
	struct line_port *port = l->port;

	if (!s->open || !sa_isset(&s->to, SA_ALL))
		return;
	tally_up_rt(&line_count(l)->tx_packets);
	if (port->wire)
		port->wire->send(s->handle, &s->to, buf, len, port->wire->arg);
	else if (sendto(s->handle, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL, &s->to.u.sa, s->to.len) < 0)
		return;                   /* lost, as by the network */
}

uint8_t *forward_scratch_rt(struct line_rt *l, unsigned which, size_t *size)
{
	*size = FORWARD_SCRATCH_SIZE;
	return forward_buf_rt(l->forward, which);
}

struct relay_count *line_count(struct line_rt *l)
{
	return forward_count(l->forward);
}

/* ---- of all kinds of line ---- */

static void line_destroy(void *arg)
{
	struct line_rt *l = arg;

	if (l->end)
		l->end(l);
	gestline_reset(&l->desc);
}

int line_alloc(struct line_rt **lp, size_t size, const struct line_ops *ops, const struct gestline *desc, void (*end)(struct line_rt *l))
{
	struct line_rt *l = mem_zalloc(size, line_destroy);

	if (!l)
		return ENOMEM;
	l->ops = ops;
	l->end = end;
	gestline_copy(&l->desc, desc);
	l->sock[0].to = desc->peer;
	l->sock[1].to = sa_isset(&desc->peer_rtcp, SA_ADDR) ? desc->peer_rtcp : desc->peer;
	if (!sa_isset(&desc->peer_rtcp, SA_ADDR) && sa_isset(&desc->peer, SA_ALL))
		sa_set_port(&l->sock[1].to, (uint16_t)(sa_port(&desc->peer) + 1));
	*lp = l;
	return 0;
}
