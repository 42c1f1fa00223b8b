/*
 * line_port.c - the sockets of a line.
 *
 * RTP takes a pair from the range the sound takes its ports from, UDP/OSC one of such a pair. A stream listens on the control thread
 * (lineport.h); here it is a duct's end. A packet for which there is no line yet is read and forgotten: the server processes packets only after its
 * answer is sent.
 */
#include <sys/epoll.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "mixer/port.h"
#include "mixer/rtguard.h"
#include "line_dtls.h"

enum { PACKETS = 16 };

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
	mem_deref(port->lineport);
	line_dtls_freed(port);
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

static bool is_stream(enum gestline_kind kind)
{
	return kind == GESTLINE_TCP || kind == GESTLINE_TLS;
}

static int open_stream(struct line_port *port, const struct relay_conf *conf, struct tlskey *tls, const struct sa *local)
{
	const struct lineport_conf lc = {.local = *local, .port_min = conf->port_min, .port_max = conf->port_max,
					 .tls = port->kind == GESTLINE_TLS ? tls : NULL};

	if (port->kind == GESTLINE_TLS && !tls)
		return ENOTSUP;
	return lineport_alloc(&port->lineport, &port->local[0], &port->handle[0], &lc);
}

static void ready_rt(struct watch *w, uint32_t events, uint64_t now_us);

static struct line_port *new_port(struct forward *f, const struct relay_wire *wire, enum gestline_kind kind)
{
	struct line_port *port = mem_zalloc(sizeof(*port), line_port_destroy);

	if (!port)
		return NULL;
	port->handle[0] = port->handle[1] = -1;
	port->forward = mem_ref(f);
	port->wire    = wire;
	port->kind    = kind;
	port->n       = kind == GESTLINE_MIDI || kind == GESTLINE_OSC ? 2 : 1;
	return port;
}

static void set_watches(struct line_port *port)
{
	for (unsigned i = 0; i < port->n; i++)
		port->watch[i] = (struct watch){.fd = port->handle[i], .ready_rt = ready_rt, .arg = port};
}

int line_port_alloc(struct line_port **pp, struct forward *f, const struct relay_conf *conf, struct tlskey *tls,
		    enum gestline_kind kind, const struct sa *local)
{
	struct line_port *port = new_port(f, conf->wire, kind);
	int err;

	if (!port)
		return ENOMEM;
	err = port->wire ? open_wire(port, local) : is_stream(kind) ? open_stream(port, conf, tls, local) :
							   open_datagram(port, conf, local);
	if (err) {
		mem_deref(port);
		return err;
	}
	set_watches(port);
	*pp = port;
	return 0;
}

int line_port_adopt(struct line_port **pp, struct forward *f, enum gestline_kind kind, int fd, const struct sa *local)
{
	struct line_port *port = new_port(f, NULL, kind);

	if (!port) {
		close(fd);
		return ENOMEM;
	}
	port->handle[0] = fd;
	port->local[0]  = *local;
	set_watches(port);
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
	if (!port)
		return;
	port->dtlsh = NULL;
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

static void take_rt(struct line_port *port, unsigned sock, const struct sa *from, uint8_t *buf, size_t len, uint64_t now_us)
{
	if (!line_dtls_rt(port, sock, from, buf, len) && port->line)
		port->line->ops->recv_rt(port->line, sock, from, buf, len, now_us);
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
	if (!(msg.msg_flags & MSG_TRUNC))
		take_rt(port, sock, &from, buf, (size_t)n, now_us);
	return true;
}

static void ready_rt(struct watch *w, uint32_t events, uint64_t now_us)
{
	struct line_port *port = w->arg;

	(void)events;
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
	rtguard_begin_rt();
	tally_up_rt(&forward_count(port->forward)->rx_packets);
	take_rt(port, sock, from, own, len, now_us);
	rtguard_end_rt();
}

int line_send_rt(struct line_rt *l, unsigned sock, const uint8_t *buf, size_t len)
{
	const struct line_sock *s = &l->sock[sock];
	struct line_port *port = l->port;
	ssize_t n;

	if (!s->open || !sa_isset(&s->to, SA_ALL))
		return ENOTCONN;
	tally_up_rt(&line_count(l)->tx_packets);
	if (port->wire) {
		port->wire->send(s->handle, &s->to, buf, len, port->wire->arg);
		return 0;
	}
	if (is_stream(port->kind))                /* a duct: its other end knows where to */
		n = send(s->handle, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	else
		n = sendto(s->handle, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL, &s->to.u.sa, s->to.len);
	return n < 0 ? errno : 0;         /* lost, as by the network */
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
	/* The keys are those of one path: without a=rtcp-mux there are no reports. */
	if (desc->dtls.on && !desc->rtcp_mux) {
		sa_init(&l->sock[1].to, AF_UNSPEC);
		*lp = l;
		return 0;
	}
	l->sock[1].to = sa_isset(&desc->peer_rtcp, SA_ADDR) ? desc->peer_rtcp : desc->peer;
	if (!sa_isset(&desc->peer_rtcp, SA_ADDR) && sa_isset(&desc->peer, SA_ALL))
		sa_set_port(&l->sock[1].to, (uint16_t)(sa_port(&desc->peer) + 1));
	*lp = l;
	return 0;
}
