/*
 * plain_peer.c - a player without SIP: its name, its socket, its end.
 *
 * The socket of a UDP player is bound to the room's port beside the port's own and connected to the client. Two sockets of one
 * port need SO_REUSEADDR on all of them; on the port's own it is set for that moment only, since where all have it any program of this
 * machine may bind there too. What came for others between bind and connect is not from the client's address, which the line looks at, too.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <re.h>
#include "control/log.h"
#include "plain_priv.h"

enum { BUFFER = 128 * 1024, ANSWERS_MAX = 1000, SECOND_MS = 1000 };

static const char types[] = "ifsbTFNIt";          /* what OSC 1.1 requires of everybody */

static void peer_destroy(void *arg)
{
	struct plain_peer *peer = arg;

	list_unlink(&peer->le);
	tmr_cancel(&peer->tmr);
	mem_deref(peer->player);
	mem_deref(peer->duct);
	mem_deref(peer->stream);
}

static void leave(void *arg)
{
	struct plain_peer *peer = arg;

	log_info("osc.left", "room=%s player=%s", peer->port->room, player_name(peer->player));
	mem_deref(peer);
}

static void leave_soon(struct plain_peer *peer)
{
	tmr_start(&peer->tmr, 0, leave, peer);
}

/* /tutti/welcome ,ss name room */
static void welcome(const struct plain_peer *peer)
{
	const struct osc_arg args[] = {{'s', .v.s = player_name(peer->player)}, {'s', .v.s = peer->port->room}};
	struct osc_writer w;
	uint8_t buf[256];
	size_t len;

	osc_w_init(&w, buf, sizeof(buf));
	osc_w_msg(&w, "/tutti/welcome", args, ARRAY_SIZE(args));
	if (!osc_w_end(&w, &len))
		(void)player_tell(peer->player, buf, len);
}

static bool house_handler(const struct osc_msg *msg, const struct midi_cmd *midi, void *arg)
{
	struct plain_peer *peer = arg;

	(void)midi;
	if (msg && login_is(msg))
		welcome(peer);            /* the first one may have been lost */
	else if (msg && login_is_bye(msg))
		leave_soon(peer);
	else
		return false;

	return true;
}

/* Its name from what it wishes, and the address tells it again. */
static int peer_alloc(struct plain_peer **pp, struct plain_port *port, const struct sa *from, const struct login *login)
{
	struct player_conf conf = {.househ = house_handler};
	struct plain_peer *peer;
	int err;

	if (list_count(&port->peers) >= port->plain->conf.peers_max) {
		port->plain->stats.full++;
		return ENOSPC;
	}
	peer = mem_zalloc(sizeof(*peer), peer_destroy);
	if (!peer)
		return ENOMEM;

	tmr_init(&peer->tmr);
	peer->port     = port;
	peer->from     = *from;
	peer->to       = *from;
	peer->view     = login->view;
	peer->since_us = relay_clock_us(port->plain->conf.relay);
	str_ncpy(peer->wish, login->name, sizeof(peer->wish));
	str_ncpy(conf.wish, *login->name ? login->name : "osc", sizeof(conf.wish));
	(void)re_snprintf(conf.identity, sizeof(conf.identity), "osc:%s@%j", conf.wish, from);
	(void)re_snprintf(conf.cname, sizeof(conf.cname), "%08x%08x", rand_u32(), rand_u32());
	conf.arg = peer;
	err = player_alloc(&peer->player, port->plain->conf.relay, port->ensemble, &conf);
	if (err) {
		mem_deref(peer);
		return err;
	}
	*pp = peer;
	return 0;
}

static int start_line(struct plain_peer *peer, enum gestline_kind kind, int fd)
{
	struct gestline l;
	int err = player_adopt(peer->player, kind, fd, &peer->port->local);

	if (err)
		return err;

	gestline_init(&l, kind);
	l.dir       = LEG_DIR_SEND | LEG_DIR_RECV;
	l.peer      = peer->to;
	l.peer_from = peer->from;
	l.opened    = true;
	l.view      = peer->view;
	str_ncpy(l.takes.types, types, sizeof(l.takes.types));
	err = player_set_line(peer->player, &l);
	gestline_reset(&l);
	return err;
}

static int peer_in(struct plain_peer *peer, int err, const char *transport)
{
	struct plain_port *port = peer->port;
	char from[64];

	if (err) {
		mem_deref(peer);
		return err;
	}
	list_append(&port->peers, &peer->le, peer);
	port->plain->stats.logins++;
	(void)re_snprintf(from, sizeof(from), "%J", &peer->from);
	log_info("osc.joined", "room=%s player=%s from=%s transport=%s", port->room, player_name(peer->player), from, transport);
	welcome(peer);
	return 0;
}

/* --- UDP --- */

static void set_shared(int fd, int on)
{
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
}

static int bind_beside(int fd, const struct plain_port *port)
{
	int err;

	set_shared(port->udp, 1);
	set_shared(fd, 1);
	err = bind(fd, &port->local.u.sa, port->local.len) < 0 ? errno : 0;
	set_shared(port->udp, 0);
	return err;
}

static int own_socket(int *fdp, const struct plain_port *port, const struct sa *from)
{
	const int size = BUFFER, tos = IPTOS_DSCP_EF;
	const int fd = socket(sa_af(from), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	if (fd < 0)
		return errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	(void)setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos));
	err = bind_beside(fd, port);
	if (!err && connect(fd, &from->u.sa, from->len) < 0)
		err = errno;
	if (err)
		(void)close(fd);
	else
		*fdp = fd;
	return err;
}

/* Who comes again under its name from its address, by another port: a program that was started again. */
static void replace_old(struct plain_port *port, const struct sa *from, const struct login *login)
{
	struct le *le = port->peers.head;

	while (le && *login->name) {
		struct plain_peer *peer = le->data;

		le = le->next;
		if (!peer->stream && sa_cmp(&peer->from, from, SA_ADDR) && !strcmp(peer->wish, login->name))
			leave(peer);
	}
}

void plain_peer_udp(struct plain_port *port, const struct sa *from, const struct login *login, const uint8_t *buf, size_t len)
{
	struct plain_peer *peer;
	int fd = -1, err;

	replace_old(port, from, login);
	err = peer_alloc(&peer, port, from, login);
	if (err)
		return;
	if (login->port)
		sa_set_port(&peer->to, login->port);
	err = own_socket(&fd, port, from);
	if (!err)
		err = start_line(peer, GESTLINE_UDP, fd);

	if (!peer_in(peer, err, "udp") && !login->said)
		(void)player_inject(peer->player, GESTLINE_UDP, from, buf, len);
}

static struct plain_peer *hears_at(const struct plain_port *port, const struct sa *at)
{
	for (struct le *le = port->peers.head; le; le = le->next) {
		struct plain_peer *peer = le->data;

		if (!peer->stream && sa_cmp(&peer->to, at, SA_ALL))
			return peer;
	}

	return NULL;
}

/* Each costs memory until the forward thread has had it, and its source may be forged: so many a second, and no more. */
static bool may_answer(struct plain_peer *peer)
{
	const uint64_t now = tmr_jiffies();

	if (now - peer->answers_ms >= SECOND_MS) {
		peer->answers_ms = now;
		peer->answers    = 0;
	}

	return peer->answers++ < ANSWERS_MAX;
}

bool plain_peer_answer(struct plain_port *port, const struct sa *from, const uint8_t *buf, size_t len)
{
	struct plain_peer *peer = hears_at(port, from);

	if (!peer)
		return false;
	if (may_answer(peer))
		(void)player_inject(peer->player, GESTLINE_UDP, &peer->from, buf, len);
	else
		port->plain->stats.flooded++;

	return true;
}

/* --- TCP --- */

static void gone(int err, void *arg)
{
	struct plain_peer *peer = arg;

	if (err == ENOBUFS)
		peer->port->plain->stats.overflowed++;
	leave_soon(peer);
}

int plain_peer_tcp(struct plain_port *port, struct oscstream *s, const struct sa *from, const struct login *login)
{
	struct plain_peer *peer;
	int fd = -1, err = peer_alloc(&peer, port, from, login);

	if (err)
		return err;
	peer->stream = mem_ref(s);
	err = duct_alloc(&peer->duct, &fd);
	if (!err)
		err = start_line(peer, GESTLINE_TCP, fd);
	if (!err)
		duct_attach(peer->duct, s, gone, peer);

	return peer_in(peer, err, "tcp");
}

/* --- all --- */

/* When something last came of it, by the relay's clock; 0: it is not known there. */
static uint64_t heard_us(const struct player_info *list, unsigned n, const struct plain_peer *peer)
{
	for (unsigned i = 0; i < n; i++)
		if (!strcmp(list[i].name, player_name(peer->player)))
			return list[i].heard_us;

	return 0;
}

void plain_peers_idle(struct plain_port *port)
{
	static struct player_info list[PLAIN_LISTED];     /* of the one control thread */
	const struct plain_conf *c = &port->plain->conf;
	const unsigned n = ensemble_list(port->ensemble, list, ARRAY_SIZE(list));
	const uint64_t now = relay_clock_us(c->relay);
	struct le *le = port->peers.head;

	while (le) {
		struct plain_peer *peer = le->data;
		uint64_t at = heard_us(list, n, peer);

		le = le->next;
		if (at < peer->since_us)
			at = peer->since_us;
		if (peer->stream || now < at + c->idle_s * UINT64_C(1000000))
			continue;
		port->plain->stats.idle++;
		leave(peer);
	}
}

struct plain_peer *plain_peer_find(const struct plain_port *port, const struct sa *from)
{
	for (struct le *le = port->peers.head; le; le = le->next) {
		struct plain_peer *peer = le->data;

		if (!peer->stream && sa_cmp(&peer->from, from, SA_ALL))
			return peer;
	}

	return NULL;
}
