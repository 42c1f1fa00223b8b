/*
 * line_dtls.c - datagrams of DTLS on the way of a line's RTP: up to whoever makes keys of them, and down.
 *
 *     forward    socket > line_port > line_dtls_rt > ring, bell        control    h: line_dtls_take
 *                                                                                 line_dtls_send > socket
 *
 * They are told by their first octet, and taken from where the peer is said to be or from the host that signals: a
 * stranger costs a look at his address. What comes while as many wait as may is dropped: who sent it sends it again.
 * The bell is one for all that waits, so that whoever floods the port wakes the control thread once a turn.
 *
 * Only the socket of RTP: RFC 5764 has an association for each pair of ports, so with DTLS we ask for rtcp-mux, and a
 * peer that refuses it gets no reports.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include "mixer/dtlsring.h"
#include "mixer/rtguard.h"
#include "line_dtls.h"

/* Made on the control thread, then the forward thread's but for the ring's other end. */
struct line_ear {
	struct give give;
	struct sa peer, source;
	struct ring *ring;                /* a reference */
};

/* ---- control thread ---- */

static void ear_destroy(void *arg)
{
	struct line_ear *ear = arg;

	mem_deref(ear->ring);
}

static void ear_freed(void *obj)
{
	mem_deref(obj);
}

static void ear_rt(struct forward *f, void *obj, void *arg, uint64_t now_us)
{
	struct line_port *port = obj;
	struct line_ear *old = port->ear;

	(void)now_us;
	port->ear = arg;
	if (port->ear && !port->wire)
		watch_add_rt(f, &port->watch[0], EPOLLIN);
	if (old)
		give_back_rt(f, &old->give, ear_freed, old);
}

static int ear_post(struct line_port *port, struct line_ear *ear)
{
	int err = forward_post(port->forward, &(struct job){ear_rt, port, ear}, NULL);

	if (err)
		mem_deref(ear);
	return err;
}

int line_dtls_open(struct line_port *port, const struct line_dtls_conf *conf)
{
	struct line_ear *ear;
	int err;

	if (port->n != 2)
		return ENOTSUP;
	err = port->dtls ? 0 : dtlsring_alloc(&port->dtls);
	if (err)
		return err;
	ear = mem_zalloc(sizeof(*ear), ear_destroy);
	if (!ear)
		return ENOMEM;
	ear->peer   = conf->peer;
	ear->source = conf->source;
	ear->ring   = mem_ref(port->dtls);
	port->dtlsh = conf->h;
	port->dtls_arg = conf->arg;
	return ear_post(port, ear);
}

void line_dtls_close(struct line_port *port)
{
	if (!port->dtlsh)
		return;
	port->dtlsh = NULL;
	(void)ear_post(port, NULL);       /* without memory for it, what comes is forgotten below */
}

bool line_dtls_take(struct line_port *port, uint8_t *buf, size_t *len, struct sa *from)
{
	return dtlsring_pop(port->dtls, buf, len, from);
}

int line_dtls_send(struct line_port *port, const uint8_t *buf, size_t len, const struct sa *to)
{
	if (!dtlsring_fits(buf, len, to))
		return EINVAL;
	if (port->wire) {
		rtguard_begin_rt();               /* the wire believes that a line sends */
		port->wire->send(port->handle[0], to, buf, len, port->wire->arg);
		rtguard_end_rt();
		return 0;
	}
	if (sendto(port->handle[0], buf, len, MSG_DONTWAIT | MSG_NOSIGNAL, &to->u.sa, to->len) < 0)
		return errno;
	return 0;
}

void line_dtls_freed(struct line_port *port)
{
	mem_deref(port->ear);
	mem_deref(port->dtls);
}

static void rung(void *obj)
{
	struct line_port *port = obj;
	uint8_t none[1];
	size_t len = sizeof(none);
	struct sa from;

	/* not a store, which the look into the ring could pass: what was pushed before it rang is seen below */
	(void)atomic_exchange_explicit(&port->rung, false, memory_order_acq_rel);
	if (port->dtlsh)
		port->dtlsh(port->dtls_arg);
	else
		while (line_dtls_take(port, none, &len, &from))
			;
}

/* ---- forward thread ---- */

static bool may_speak(const struct line_ear *ear, const struct sa *from)
{
	return sa_cmp(&ear->peer, from, SA_ALL) ||
		(sa_isset(&ear->source, SA_ADDR) && sa_cmp(&ear->source, from, SA_ADDR));
}

bool line_dtls_rt(struct line_port *port, unsigned sock, const struct sa *from, const uint8_t *buf, size_t len)
{
	struct relay_count *n = forward_count(port->forward);

	if (!port->ear || sock || !dtlsring_is_dtls_rt(buf, len))
		return false;
	if (!may_speak(port->ear, from)) {
		tally_up_rt(&n->stranger);
		return true;
	}
	tally_up_rt(&n->dtls);
	if (dtlsring_push_rt(port->ear->ring, from, buf, len))
		tally_up_rt(&n->dtls_dropped);
	/* also for one that was dropped: what waits must be taken */
	if (!atomic_exchange_explicit(&port->rung, true, memory_order_acq_rel))
		give_back_rt(port->forward, &port->bell, rung, port);
	return true;
}
