/*
 * gestnet.c - the network between a relay and the ends of tests.
 *
 * Packets on their way stand in one list by the time they arrive. An end of RTP has two addresses, its port and the next; both come
 * to its handler, which is told from where.
 */
#include <errno.h>
#include <string.h>
#include "mixer/rtguard.h"
#include "gestnet.h"

enum { SOCKETS = 4096, STEP_US = 1000 };

struct flight {
	struct le le;
	uint64_t at_us;
	struct gestend *end;      /* to it, */
	int handle;               /* or to the relay */
	struct sa from;
	size_t len;
	uint8_t bytes[];
};

struct gestend {
	struct le le;
	struct gestnet *net;
	struct sa addr;
	struct gestlink link;
	gestend_recv_h *recvh;
	gestend_tick_h *tickh;
	void *arg;
	uint64_t packets;
};

struct gestnet {
	struct relay *relay;
	struct relay_wire wire;
	uint64_t now_us, seed, astray;
	struct list flights, ends;
	struct sa socket[SOCKETS];
	bool open[SOCKETS];
	uint16_t port;
};

/* splitmix64: a seed gives one run. */
uint32_t gestnet_draw(struct gestnet *n, uint32_t below)
{
	uint64_t z = (n->seed += 0x9e3779b97f4a7c15ull);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return below ? (uint32_t)((z ^ (z >> 31)) % below) : 0;
}

static void fly(struct gestnet *n, struct gestend *end, int handle, const struct sa *from, const struct gestlink *link,
		const uint8_t *buf, size_t len)
{
	struct flight *f;
	struct le *le;

	if (gestnet_draw(n, 100) < link->loss)
		return;
	f = mem_zalloc(sizeof(*f) + len, NULL);
	if (!f)
		return;
	f->at_us = n->now_us + link->delay_us + (link->jitter_us ? gestnet_draw(n, link->jitter_us) : 0);
	f->end = end;
	f->handle = handle;
	f->from = *from;
	f->len = len;
	memcpy(f->bytes, buf, len);
	for (le = n->flights.tail; le && ((struct flight *)le->data)->at_us > f->at_us; le = le->prev)
		;
	if (le)
		list_insert_after(&n->flights, le, &f->le, f);
	else
		list_prepend(&n->flights, &f->le, f);
}

static void fly_maybe_twice(struct gestnet *n, struct gestend *end, struct gestend *to, int handle, const struct sa *from,
			    const uint8_t *buf, size_t len)
{
	fly(n, to, handle, from, &end->link, buf, len);
	if (gestnet_draw(n, 100) < end->link.twice)
		fly(n, to, handle, from, &end->link, buf, len);
}

/* ---- the relay's wire ---- */

static int wire_open(int *handle, struct sa *local, enum gestline_kind kind, bool rtcp, void *arg)
{
	struct gestnet *n = arg;

	(void)kind;
	for (int i = 0; i < SOCKETS; i++) {
		if (n->open[i])
			continue;
		/* RTP on an even port, RTCP on the next */
		n->port = rtcp ? (uint16_t)(n->port + 1) : (uint16_t)((n->port + 2) & ~1u);
		sa_set_port(local, n->port);
		n->open[i] = true;
		n->socket[i] = *local;
		*handle = i;
		return 0;
	}
	return EADDRINUSE;
}

static void wire_close(int handle, void *arg)
{
	((struct gestnet *)arg)->open[handle] = false;
}

static void wire_send(int handle, const struct sa *to, const uint8_t *buf, size_t len, void *arg)
{
	struct gestnet *n = arg;

	for (struct le *le = n->ends.head; le; le = le->next) {
		struct gestend *end = le->data;

		if (!sa_cmp(&end->addr, to, SA_ADDR) || (sa_port(to) & ~1) != sa_port(&end->addr))
			continue;
		rtguard_end_rt();         /* a network of a test takes memory, a socket does not */
		fly_maybe_twice(n, end, end, -1, &n->socket[handle], buf, len);
		rtguard_begin_rt();
		return;
	}
	n->astray++;
}

/* ---- ends ---- */

static void end_destroy(void *arg)
{
	struct gestend *end = arg;
	struct le *le, *next;

	for (le = end->net->flights.head; le; le = next) {
		struct flight *f = le->data;

		next = le->next;
		if (f->end != end)
			continue;
		list_unlink(&f->le);
		mem_deref(f);
	}
	list_unlink(&end->le);
}

int gestnet_end_add(struct gestend **ep, struct gestnet *n, gestend_recv_h *recvh, gestend_tick_h *tickh, void *arg)
{
	struct gestend *end = mem_zalloc(sizeof(*end), end_destroy);

	if (!end)
		return ENOMEM;
	end->net = n;
	end->recvh = recvh;
	end->tickh = tickh;
	end->arg = arg;
	end->link.delay_us = STEP_US;
	n->port = (uint16_t)((n->port + 2) & ~1u);
	sa_set_str(&end->addr, "192.0.2.1", n->port);
	list_append(&n->ends, &end->le, end);
	*ep = end;
	return 0;
}

const struct sa *gestnet_addr(const struct gestend *end) { return &end->addr; }
void gestnet_link(struct gestend *end, const struct gestlink *link) { end->link = *link; }
uint64_t gestnet_packets(const struct gestend *end) { return end->packets; }

void gestnet_send_from(struct gestend *end, const struct sa *from, const struct sa *to, const uint8_t *buf, size_t len)
{
	struct gestnet *n = end->net;

	for (int i = 0; i < SOCKETS; i++) {
		if (n->open[i] && sa_cmp(&n->socket[i], to, SA_ALL)) {
			fly_maybe_twice(n, end, NULL, i, from, buf, len);
			return;
		}
	}
}

void gestnet_send(struct gestend *end, const struct sa *to, const uint8_t *buf, size_t len)
{
	gestnet_send_from(end, &end->addr, to, buf, len);
}

/* ---- time ---- */

static void land(struct gestnet *n, struct flight *f)
{
	if (f->end) {
		f->end->packets++;
		f->end->recvh(f->end, &f->from, f->bytes, f->len, n->now_us, f->end->arg);
	} else if (n->open[f->handle]) {
		relay_wire_recv(n->relay, f->handle, &f->from, f->bytes, f->len, n->now_us);
	}
	mem_deref(f);
}

static void step(struct gestnet *n)
{
	struct flight *f;

	while ((f = list_ledata(n->flights.head)) != NULL && f->at_us <= n->now_us) {
		list_unlink(&f->le);
		land(n, f);
	}
	(void)relay_turn(n->relay, n->now_us);
	for (struct le *le = n->ends.head; le;) {
		struct gestend *end = le->data;

		le = le->next;
		if (end->tickh)
			end->tickh(end, n->now_us, end->arg);
	}
}

void gestnet_run(struct gestnet *n, unsigned ms)
{
	for (unsigned i = 0; i < ms; i++) {
		n->now_us += STEP_US;
		step(n);
	}
}

struct relay *gestnet_relay(struct gestnet *n) { return n->relay; }
uint64_t gestnet_now_us(const struct gestnet *n) { return n->now_us; }
uint64_t gestnet_astray(const struct gestnet *n) { return n->astray; }

static void net_destroy(void *arg)
{
	struct gestnet *n = arg;

	mem_deref(n->relay);
	list_flush(&n->flights);
	list_flush(&n->ends);
}

int gestnet_alloc(struct gestnet **np, const struct relay_conf *conf, uint32_t seed)
{
	const struct relay_conf usual = {.port_min = 30000, .port_max = 39999, .rate = 2000, .sysex_max = 256, .leave_keep_ms = 30000,
		.silence_ms = 60000};
	struct gestnet *n = mem_zalloc(sizeof(*n), net_destroy);
	struct relay_conf c = conf ? *conf : usual;
	int err;

	if (!n)
		return ENOMEM;
	n->seed = seed;
	n->now_us = 1000000;
	n->port = 20000;
	n->wire = (struct relay_wire){wire_open, wire_close, wire_send, n};
	c.wire = &n->wire;
	err = relay_alloc(&n->relay, &c);
	if (err) {
		mem_deref(n);
		return err;
	}
	relay_turn(n->relay, n->now_us);
	*np = n;
	return 0;
}
