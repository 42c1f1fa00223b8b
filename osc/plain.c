/*
 * plain.c - OSC for software without SIP: the ports of rooms, and who knocks.
 *
 * A port's own sockets are read on the control thread, and only for what strangers say: a login, or anything from an address of the
 * list. Each player of UDP has a socket of its own, bound to the same port and connected to it, so that the kernel sorts packets to
 * players and the forward thread reads them as those of any other line (plain_peer.c).
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <re.h>
#include "control/log.h"
#include "plain_priv.h"

enum { DATAGRAMS = 32, BACKLOG = 16, LOGIN_MS = 10000, IDLE_CHECK_MS = 2000, TRIES = 64, PORT_ANY = 49152, PORT_TOP = 65535 };

/* A connection that has not logged in yet. */
struct guest {
	struct le le;
	struct plain_port *port;
	struct oscstream *stream;
	struct sa from;
	struct tmr tmr;
};

/* --- what is told --- */

static void tell_refused(struct plain_port *port, const struct sa *from, const char *transport)
{
	char ip[64];

	port->plain->stats.refused++;
	(void)re_snprintf(ip, sizeof(ip), "%j", from);
	log_security("osc-login", "LOGIN", port->room, ip, sa_port(from), transport);
}

/* --- connections --- */

static void guest_destroy(void *arg)
{
	struct guest *g = arg;

	list_unlink(&g->le);
	tmr_cancel(&g->tmr);
	mem_deref(g->stream);
}

static void guest_late(void *arg)
{
	mem_deref(arg);
}

/* The end of a guest is left to its timer where its stream still speaks. */
static void guest_end(struct guest *g)
{
	tmr_start(&g->tmr, 0, guest_late, g);
}

static void guest_down(int err, void *arg)
{
	(void)err;
	guest_end(arg);
}

/* false: its first gesture is a player's already, and comes again to whoever has the stream then. */
static bool guest_packet(const uint8_t *pkt, size_t len, void *arg)
{
	struct guest *g = arg;
	struct plain_port *port = g->port;
	struct login login;

	switch (login_judge(&login, &port->logins, &g->from, pkt, len, tmr_jiffies())) {

	case LOGIN_IN:
		if (plain_peer_tcp(port, g->stream, &g->from, &login)) {
			guest_end(g);
			return true;
		}
		g->stream = mem_deref(g->stream);
		guest_end(g);
		return login.said;

	case LOGIN_REFUSED:
	case LOGIN_MUTED:
		tell_refused(port, &g->from, "tcp");
		guest_end(g);
		return true;

	default:
		return true;
	}
}

static void guest_add(struct plain_port *port, int fd, const struct sa *from)
{
	struct guest *g = mem_zalloc(sizeof(*g), guest_destroy);
	const struct oscstream_conf conf = {.detect = true, .max = STREAM_MAX, .packet = guest_packet, .down = guest_down, .arg = g};

	if (!g) {
		(void)close(fd);
		return;
	}
	g->port = port;
	g->from = *from;
	tmr_init(&g->tmr);
	if (oscstream_alloc(&g->stream, fd, &conf)) {
		mem_deref(g);
		return;
	}
	list_append(&port->guests, &g->le, g);
	tmr_start(&g->tmr, LOGIN_MS, guest_late, g);
}

static bool may_knock(const struct plain_port *port, const struct sa *from)
{
	return *port->secret || addrlist_has(&port->plain->allow, from);
}

static void accept_handler(int flags, void *arg)
{
	struct plain_port *port = arg;
	struct sa from;
	int fd;

	(void)flags;
	from.len = sizeof(from.u);
	fd = accept4(port->tcp, &from.u.sa, &from.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;

	if (list_count(&port->guests) < PLAIN_GUESTS && may_knock(port, &from))
		guest_add(port, fd, &from);
	else
		(void)close(fd);
}

/* --- datagrams --- */

static bool says_login(const uint8_t *buf, size_t len)
{
	struct osc_msg msg;

	return !osc_check(buf, len, OSC_MAX_DGRAM) && !osc_is_bundle(buf, len) && !osc_msg_read(&msg, buf, len) && login_is(&msg);
}

static void datagram(struct plain_port *port, const struct sa *from, const uint8_t *buf, size_t len)
{
	struct login login;

	if (plain_peer_find(port, from))
		return;                   /* sent before its own socket was there */
	if (!says_login(buf, len) && plain_peer_answer(port, from, buf, len))
		return;

	switch (login_judge(&login, &port->logins, from, buf, len, tmr_jiffies())) {

	case LOGIN_IN:
		plain_peer_udp(port, from, &login, buf, len);
		break;

	case LOGIN_REFUSED:
	case LOGIN_MUTED:
		tell_refused(port, from, "udp");
		break;

	default:
		break;
	}
}

static void udp_handler(int flags, void *arg)
{
	static uint8_t buf[OSC_MAX_DGRAM + 4];
	struct plain_port *port = arg;

	(void)flags;
	for (unsigned i = 0; i < DATAGRAMS; i++) {
		struct sa from;
		ssize_t n;

		from.len = sizeof(from.u);
		n = recvfrom(port->udp, buf, sizeof(buf), MSG_DONTWAIT, &from.u.sa, &from.len);
		if (n < 0)
			return;
		datagram(port, &from, buf, (size_t)n);
	}
}

/* --- ports --- */

static void drop(int *fd)
{
	if (*fd < 0)
		return;
	fd_close(*fd);
	(void)close(*fd);
	*fd = -1;
}

static void port_destroy(void *arg)
{
	struct plain_port *port = arg;

	list_unlink(&port->le);
	drop(&port->udp);
	drop(&port->tcp);
	list_flush(&port->guests);
	list_flush(&port->peers);
	mem_deref(port->ensemble);
}

static int open_one(int *fdp, const struct sa *local, int type)
{
	const int on = 1, fd = socket(sa_af(local), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err = 0;

	if (fd < 0)
		return errno;
	if (sa_af(local) == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (type == SOCK_STREAM)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, &local->u.sa, local->len) < 0 || (type == SOCK_STREAM && listen(fd, BACKLOG) < 0)) {
		err = errno;
		(void)close(fd);
	}
	else {
		*fdp = fd;
	}
	return err;
}

static int open_both(struct plain_port *port, uint16_t number)
{
	int err;

	sa_set_port(&port->local, number);
	err = open_one(&port->udp, &port->local, SOCK_DGRAM);
	if (err)
		return err;
	err = open_one(&port->tcp, &port->local, SOCK_STREAM);
	if (err) {
		(void)close(port->udp);
		port->udp = -1;
	}
	return err;
}

/* One that is free for both. */
static int open_any(struct plain_port *port)
{
	int err = EADDRINUSE;

	for (unsigned i = 0; i < TRIES && err == EADDRINUSE; i++)
		err = open_both(port, (uint16_t)(PORT_ANY + rand_u16() % (PORT_TOP - PORT_ANY)));

	return err;
}

static struct plain_port *find_port(const struct plain *p, const char *room)
{
	for (struct le *le = p->ports.head; le; le = le->next) {
		struct plain_port *port = le->data;

		if (!str_casecmp(port->room, room))
			return port;
	}

	return NULL;
}

static int port_start(struct plain_port *port, uint16_t number)
{
	int err = ensemble_get(&port->ensemble, port->plain->conf.relay, port->room);

	if (!err)
		err = number ? open_both(port, number) : open_any(port);
	if (!err)
		err = fd_listen(port->udp, FD_READ, udp_handler, port);
	if (!err)
		err = fd_listen(port->tcp, FD_READ, accept_handler, port);
	return err;
}

int plain_open(struct plain *p, const char *room, uint16_t number, const char *secret)
{
	struct plain_port *port;
	int err;

	if (find_port(p, room))
		return 0;

	port = mem_zalloc(sizeof(*port), port_destroy);
	if (!port)
		return ENOMEM;
	port->plain = p;
	port->udp = port->tcp = -1;
	port->local = p->conf.local;
	str_ncpy(port->room, room, sizeof(port->room));
	str_ncpy(port->secret, secret ? secret : p->secret, sizeof(port->secret));
	port->logins.secret = port->secret;
	port->logins.list   = &p->allow;
	err = port_start(port, number);
	if (err) {
		log_error("osc.port", "room=%s error=\"%s\"", port->room, strerror(err));
		mem_deref(port);
		return err;
	}
	list_append(&p->ports, &port->le, port);
	log_info("osc.port", "room=%s port=%u", port->room, sa_port(&port->local));
	return 0;
}

void plain_close(struct plain *p, const char *room)
{
	mem_deref(find_port(p, room));
}

int plain_local(const struct plain *p, const char *room, struct sa *local)
{
	const struct plain_port *port = find_port(p, room);

	if (!port)
		return ENOENT;

	*local = port->local;
	return 0;
}

void plain_stats(const struct plain *p, struct plain_stats *s)
{
	*s = p->stats;
	s->ports = list_count(&p->ports);
	s->peers = 0;
	for (struct le *le = p->ports.head; le; le = le->next)
		s->peers += list_count(&((const struct plain_port *)le->data)->peers);
}

/* --- all --- */

static void idle_check(void *arg)
{
	struct plain *p = arg;

	for (struct le *le = p->ports.head; le; le = le->next)
		plain_peers_idle(le->data);
	tmr_start(&p->tmr, IDLE_CHECK_MS, idle_check, p);
}

static void plain_destroy(void *arg)
{
	struct plain *p = arg;

	tmr_cancel(&p->tmr);
	list_flush(&p->ports);
	memset(p->secret, 0, sizeof(p->secret));
}

int plain_alloc(struct plain **pp, const struct plain_conf *conf)
{
	struct plain *p;

	/* 0.0.0.0 is an address here, and to libre an unset one */
	if (!conf->relay || sa_af(&conf->local) == AF_UNSPEC || conf->peers_max < 1 || conf->peers_max > PLAIN_PEERS_MAX)
		return EINVAL;
	p = mem_zalloc(sizeof(*p), plain_destroy);
	if (!p)
		return ENOMEM;

	p->conf = *conf;
	if (conf->allow)
		p->allow = *conf->allow;
	str_ncpy(p->secret, conf->secret ? conf->secret : "", sizeof(p->secret));
	p->conf.secret = NULL;
	p->conf.allow  = NULL;
	tmr_init(&p->tmr);
	if (conf->idle_s)
		tmr_start(&p->tmr, IDLE_CHECK_MS, idle_check, p);
	*pp = p;
	return 0;
}
