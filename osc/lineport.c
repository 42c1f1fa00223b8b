/*
 * lineport.c - the listening port of one line of TCP/OSC or TCP/TLS/OSC.
 *
 * The server is always the passive side (RFC 4145). The party's address is known from signalling, its port is not: "port 9
 * for the active side". So any port of that address may connect; under TLS the certificate says who it is.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <re.h>

#include "lineport.h"

enum { BACKLOG = 4 };

struct lineport {
	int fd;
	struct tlskey *tls;
	struct duct *duct;
	struct oscstream *shaking;           /* in its TLS handshake, not the party yet */
	bool set, renew;
	struct sa peer;
	enum slip_kind framing;
	char fingerprint[TLSKEY_TEXT];
};

static struct lineport_stats total;       /* ports come and go with lines, and counters must not; control thread */

static void port_destroy(void *arg)
{
	struct lineport *l = arg;

	if (l->fd >= 0) {
		fd_close(l->fd);
		(void)close(l->fd);
	}
	mem_deref(l->shaking);
	mem_deref(l->duct);
	mem_deref(l->tls);
}

static void count_end(struct lineport *l, int err)
{
	if (err == ENOBUFS)
		total.overflowed++;
}

static void gone(int err, void *arg)
{
	count_end(arg, err);
}

static void up_handler(void *arg)
{
	struct lineport *l = arg;
	struct oscstream *s = l->shaking;

	l->shaking = NULL;
	if (duct_attached(l->duct) && !l->renew) {
		total.second++;
		mem_deref(s);
		return;
	}
	l->renew = false;
	total.connections++;
	duct_attach(l->duct, s, gone, l);
	mem_deref(s);
}

/* Not the duct's yet: nothing is handled before `up`, which is called before anything is read. */
static bool early_handler(const uint8_t *pkt, size_t len, void *arg)
{
	(void)pkt;
	(void)len;
	(void)arg;
	return false;
}

static void refused_handler(int err, void *arg)
{
	struct lineport *l = arg;

	if (err == EACCES || err == EPROTO || err == ETIMEDOUT)
		total.refused++;
	l->shaking = mem_deref(l->shaking);
}

static void begin(struct lineport *l, int fd)
{
	const struct oscstream_conf conf = {
		.framing = l->framing, .max = STREAM_MAX, .tls = l->tls, .fingerprint = l->fingerprint,
		.up = up_handler, .packet = early_handler, .down = refused_handler, .arg = l,
	};

	(void)oscstream_alloc(&l->shaking, fd, &conf);
}

static void accept_handler(int flags, void *arg)
{
	struct lineport *l = arg;
	struct sa from;
	int fd;

	(void)flags;
	from.len = sizeof(from.u);
	fd = accept4(l->fd, &from.u.sa, &from.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;

	if (!sa_cmp(&from, &l->peer, SA_ADDR)) {
		total.strangers++;
		(void)close(fd);
	}
	else if (l->shaking || (duct_attached(l->duct) && !l->renew)) {
		total.second++;
		(void)close(fd);
	}
	else {
		begin(l, fd);
	}
}

static int bind_one(struct lineport *l, struct sa *local)
{
	const int on = 1;
	int err = 0;

	l->fd = socket(sa_af(local), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return errno;

	(void)setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(l->fd, &local->u.sa, local->len) < 0 || listen(l->fd, BACKLOG) < 0) {
		err = errno;
		(void)close(l->fd);
		l->fd = -1;
	}
	return err;
}

/* At a random place of the range, as the ports of sound are (mixer/port.c). */
static int bind_any(struct lineport *l, struct sa *bound, const struct lineport_conf *conf)
{
	const uint32_t n = conf->port_max < conf->port_min ? 0 : conf->port_max - conf->port_min + 1u;
	const uint32_t start = n ? rand_u32() % n : 0;

	*bound = conf->local;
	for (uint32_t i = 0; i < n; i++) {
		int err;

		sa_set_port(bound, (uint16_t)(conf->port_min + (start + i) % n));
		err = bind_one(l, bound);
		if (err != EADDRINUSE)
			return err;
	}

	return EADDRINUSE;
}

int lineport_alloc(struct lineport **lp, struct sa *bound, int *fd, const struct lineport_conf *conf)
{
	struct lineport *l = mem_zalloc(sizeof(*l), port_destroy);
	int err;

	if (!l)
		return ENOMEM;

	l->fd  = -1;
	l->tls = mem_ref(conf->tls);
	err = bind_any(l, bound, conf);
	if (!err)
		err = duct_alloc(&l->duct, fd);
	if (err)
		mem_deref(l);
	else
		*lp = l;
	return err;
}

int lineport_set(struct lineport *l, const struct gestline *desc)
{
	if (!sa_isset(&desc->peer, SA_ADDR) || (l->tls && !tlskey_text_ok(desc->fingerprint)))
		return EINVAL;

	l->peer    = desc->peer;
	l->framing = desc->framing == GESTLINE_SIZE ? SLIP_SIZE : SLIP_END;
	l->renew   = desc->renew;
	(void)re_snprintf(l->fingerprint, sizeof(l->fingerprint), "%s", desc->fingerprint);
	if (l->set)
		return 0;

	l->set = true;
	return fd_listen(l->fd, FD_READ, accept_handler, l);
}

void lineport_total(struct lineport_stats *s)
{
	*s = total;
}
