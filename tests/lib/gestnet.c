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

enum { SOCKETS = 4096, STEP_US = 1000, HEADERS = 28, QUEUE_US = 40000 };

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
	uint64_t packets, octets;
	uint64_t free_us;         /* when its link has sent all there is */
};

/* Where another relay is. */
struct site {
	struct le le;
	struct gestnet *net;
	struct relay *relay;
	struct relay_wire wire;
	struct gestlink link;
	uint64_t ahead_us;
	gestnet_turn_h *turnh;
	void *arg;
};

struct gestnet {
	struct relay *relay;
	struct relay_wire wire;
	uint64_t now_us, seed, astray;
	struct list flights, ends, sites;
	struct site *owner[SOCKETS];      /* NULL: the first relay */
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

/* How long a packet waits for its end's link; UINT64_MAX: too long. */
static uint64_t queued(const struct gestnet *n, struct gestend *end, size_t len)
{
	const uint64_t begins = end->free_us > n->now_us ? end->free_us : n->now_us;

	end->octets += len + HEADERS;
	if (!end->link.octets_s)
		return 0;
	if (begins - n->now_us > QUEUE_US)
		return UINT64_MAX;
	end->free_us = begins + (len + HEADERS) * 1000000 / end->link.octets_s;
	return end->free_us - n->now_us;
}

static void fly(struct gestnet *n, struct gestend *end, int handle, const struct sa *from, const struct gestlink *link,
		const uint8_t *buf, size_t len)
{
	const uint64_t wait_us = end ? queued(n, end, len) : 0;
	struct flight *f;
	struct le *le;

	if (gestnet_draw(n, 100) < link->loss || wait_us == UINT64_MAX)
		return;
	f = mem_zalloc(sizeof(*f) + len, NULL);
	if (!f)
		return;
	f->at_us = n->now_us + wait_us + link->delay_us + (link->jitter_us ? gestnet_draw(n, link->jitter_us) : 0);
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

static void fly_maybe_twice(struct gestnet *n, const struct gestlink *link, struct gestend *to, int handle, const struct sa *from,
			    const uint8_t *buf, size_t len)
{
	fly(n, to, handle, from, link, buf, len);
	if (gestnet_draw(n, 100) < link->twice)
		fly(n, to, handle, from, link, buf, len);
}

/* ---- the relay's wire ---- */

static int socket_open(struct gestnet *n, struct site *owner, int *handle, struct sa *local, bool rtcp)
{
	for (int i = 0; i < SOCKETS; i++) {
		if (n->open[i])
			continue;
		/* RTP on an even port, RTCP on the next */
		n->port = rtcp ? (uint16_t)(n->port + 1) : (uint16_t)((n->port + 2) & ~1u);
		sa_set_port(local, n->port);
		n->open[i] = true;
		n->socket[i] = *local;
		n->owner[i] = owner;
		*handle = i;
		return 0;
	}
	return EADDRINUSE;
}

static int wire_open(int *handle, struct sa *local, enum gestline_kind kind, bool rtcp, void *arg)
{
	(void)kind;
	return socket_open(arg, NULL, handle, local, rtcp);
}

static void wire_close(int handle, void *arg)
{
	((struct gestnet *)arg)->open[handle] = false;
}

/* From one relay to another. false: nobody has that address. */
static bool send_across(struct gestnet *n, const struct site *from, int handle, const struct sa *to, const uint8_t *buf, size_t len)
{
	for (int i = 0; i < SOCKETS; i++) {
		if (!n->open[i] || n->owner[i] == from || !sa_cmp(&n->socket[i], to, SA_ALL))
			continue;
		rtguard_end_rt();
		fly_maybe_twice(n, from ? &from->link : &n->owner[i]->link, NULL, i, &n->socket[handle], buf, len);
		rtguard_begin_rt();
		return true;
	}
	return false;
}

static int site_open(int *handle, struct sa *local, enum gestline_kind kind, bool rtcp, void *arg)
{
	struct site *s = arg;

	(void)kind;
	return socket_open(s->net, s, handle, local, rtcp);
}

static void site_close(int handle, void *arg)
{
	((struct site *)arg)->net->open[handle] = false;
}

static bool send_to_end(struct gestnet *n, int handle, const struct sa *to, const uint8_t *buf, size_t len)
{
	for (struct le *le = n->ends.head; le; le = le->next) {
		struct gestend *end = le->data;

		if (!sa_cmp(&end->addr, to, SA_ADDR) || (sa_port(to) & ~1) != sa_port(&end->addr))
			continue;
		rtguard_end_rt();         /* a network of a test takes memory, a socket does not */
		fly_maybe_twice(n, &end->link, end, -1, &n->socket[handle], buf, len);
		rtguard_begin_rt();
		return true;
	}
	return false;
}

static void site_send(int handle, const struct sa *to, const uint8_t *buf, size_t len, void *arg)
{
	struct site *s = arg;

	if (!send_to_end(s->net, handle, to, buf, len) && !send_across(s->net, s, handle, to, buf, len))
		s->net->astray++;
}

static void wire_send(int handle, const struct sa *to, const uint8_t *buf, size_t len, void *arg)
{
	struct gestnet *n = arg;

	if (!send_to_end(n, handle, to, buf, len) && !send_across(n, NULL, handle, to, buf, len))
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
uint64_t gestnet_octets(const struct gestend *end) { return end->octets; }

void gestnet_send_from(struct gestend *end, const struct sa *from, const struct sa *to, const uint8_t *buf, size_t len)
{
	struct gestnet *n = end->net;

	for (int i = 0; i < SOCKETS; i++) {
		if (n->open[i] && sa_cmp(&n->socket[i], to, SA_ALL)) {
			fly_maybe_twice(n, &end->link, NULL, i, from, buf, len);
			return;
		}
	}
}

void gestnet_send(struct gestend *end, const struct sa *to, const uint8_t *buf, size_t len)
{
	gestnet_send_from(end, &end->addr, to, buf, len);
}

/* ---- other relays ---- */

static void site_destroy(void *arg)
{
	struct site *s = arg;

	mem_deref(s->relay);
	list_unlink(&s->le);
	for (int i = 0; i < SOCKETS; i++) {
		if (s->net->owner[i] == s)
			s->net->open[i] = false;
	}
}

int gestnet_relay_add(struct relay **rp, struct gestnet *n, const struct relay_conf *conf, uint64_t ahead_us, gestnet_turn_h *turnh,
		      void *arg)
{
	struct site *s = mem_zalloc(sizeof(*s), site_destroy);
	struct relay_conf c = *conf;
	int err;

	if (!s)
		return ENOMEM;
	*s = (struct site){.net = n, .wire = {site_open, site_close, site_send, s}, .link = {.delay_us = STEP_US}, .ahead_us = ahead_us,
		.turnh = turnh, .arg = arg};
	list_append(&n->sites, &s->le, s);
	c.wire = &s->wire;
	err = relay_alloc(&s->relay, &c);
	if (err) {
		mem_deref(s);
		return err;
	}
	relay_turn(s->relay, n->now_us + ahead_us);
	*rp = s->relay;
	return 0;
}

static struct site *site_of(const struct gestnet *n, const struct relay *r)
{
	struct le *le;

	for (le = n->sites.head; le && ((struct site *)le->data)->relay != r; le = le->next)
		;
	return list_ledata(le);
}

void gestnet_relay_link(struct gestnet *n, const struct relay *r, const struct gestlink *link)
{
	site_of(n, r)->link = *link;
}

void gestnet_relay_end(struct gestnet *n, const struct relay *r)
{
	mem_deref(site_of(n, r));
}

/* ---- time ---- */

static void land(struct gestnet *n, struct flight *f)
{
	if (f->end) {
		f->end->packets++;
		f->end->recvh(f->end, &f->from, f->bytes, f->len, n->now_us, f->end->arg);
	} else if (n->open[f->handle]) {
		const struct site *s = n->owner[f->handle];

		relay_wire_recv(s ? s->relay : n->relay, f->handle, &f->from, f->bytes, f->len, n->now_us + (s ? s->ahead_us : 0));
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
	for (struct le *le = n->sites.head; le; le = le->next) {
		struct site *s = le->data;

		(void)relay_turn(s->relay, n->now_us + s->ahead_us);
		if (s->turnh)
			s->turnh(n->now_us + s->ahead_us, s->arg);
	}
	for (struct le *le = n->ends.head; le;) {
		struct gestend *end = le->data;

		le = le->next;
		if (end->tickh)
			end->tickh(end, n->now_us, end->arg);
	}
}

void gestnet_step(struct gestnet *n, uint32_t us)
{
	n->now_us += us;
	step(n);
}

void gestnet_run(struct gestnet *n, unsigned ms)
{
	for (unsigned i = 0; i < ms; i++)
		gestnet_step(n, STEP_US);
}

struct relay *gestnet_relay(struct gestnet *n) { return n->relay; }
uint64_t gestnet_now_us(const struct gestnet *n) { return n->now_us; }
uint64_t gestnet_astray(const struct gestnet *n) { return n->astray; }

static void net_destroy(void *arg)
{
	struct gestnet *n = arg;

	list_flush(&n->sites);
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
