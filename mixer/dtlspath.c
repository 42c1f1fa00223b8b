/*
 * dtlspath.c - the keys of one path, as long as it is there.
 *
 * RFC 5763 5: hold, a refresh, another codec or address change nothing about the association while fingerprint and
 * roles are the same; its keys stay. Another peer behind the same call (a transfer by a server between) has another
 * fingerprint: there are no keys until there are new ones.
 */
#include <string.h>
#include "dtlspath.h"

/* What we answer and our first words go to different sockets of the peer, and it hears those only when it has read
 * that; lost, they are said again after 300 ms. */
enum { READ_MS = 20 };

struct dtlspath {
	struct dtlspath_conf conf;
	struct dtlskey *assoc;
	struct dtlskey_peer peer;         /* of the association */
	struct sa now, addr;              /* where it is; where it was when the association began */
	struct leg_key tx, rx;            /* len 0: not there */
	struct tmr tmr;                   /* the association begins */
};

static void assoc_end(struct dtlspath *p)
{
	p->assoc = mem_deref(p->assoc);
	explicit_bzero(&p->tx, sizeof(p->tx));
	explicit_bzero(&p->rx, sizeof(p->rx));
}

static void destructor(void *arg)
{
	struct dtlspath *p = arg;

	tmr_cancel(&p->tmr);
	assoc_end(p);
	mem_deref(p->conf.cert);
}

int dtlspath_alloc(struct dtlspath **pp, const struct dtlspath_conf *conf)
{
	struct dtlspath *p = mem_zalloc(sizeof(*p), destructor);

	if (!p)
		return ENOMEM;
	p->conf = *conf;
	mem_ref(p->conf.cert);
	*pp = p;
	return 0;
}

/* --- the association --- */

static void send_handler(const uint8_t *buf, size_t len, const struct sa *to, void *arg)
{
	const struct dtlspath *p = arg;

	p->conf.sendh(buf, len, to, p->conf.arg);
}

static void failed_handler(const char *why, void *arg)
{
	struct dtlspath *p = arg;

	p->assoc = mem_deref(p->assoc);
	p->conf.failedh(why, p->conf.arg);
}

static void keys_handler(const struct leg_key *tx, const struct leg_key *rx, void *arg)
{
	struct dtlspath *p = arg;

	p->tx = *tx;
	p->rx = *rx;
	p->conf.readyh(p->conf.arg);
}

static int assoc_begin(struct dtlspath *p)
{
	const struct dtlskey_conf conf = {
		.peer = p->peer, .addr = p->now, .cert = p->conf.cert,
		.sendh = send_handler, .keysh = keys_handler, .failedh = failed_handler, .arg = p,
	};

	p->addr = p->now;
	return p->conf.cert ? dtlskey_alloc(&p->assoc, &conf) : EINVAL;
}

static void begin_handler(void *arg)
{
	struct dtlspath *p = arg;

	if (assoc_begin(p))
		p->conf.failedh("keys by DTLS cannot be made", p->conf.arg);
}

/* Who begins has to know where to; while the peer holds with 0.0.0.0 nobody does. A handshake at an address that is
 * not the peer's any more begins anew. */
static void assoc_follow(struct dtlspath *p)
{
	if (p->assoc && !p->tx.len && p->peer.active && !sa_cmp(&p->addr, &p->now, SA_ALL))
		p->assoc = mem_deref(p->assoc);
	if (p->assoc || (p->peer.active && !sa_isset(&p->now, SA_ALL)))
		return;
	if (p->peer.active)
		tmr_start(&p->tmr, READ_MS, begin_handler, p);
	else if (assoc_begin(p))
		tmr_start(&p->tmr, 0, begin_handler, p);          /* in vain again, and then it is told */
}

void dtlspath_follow(struct dtlspath *p, const struct dtlskey_peer *peer, const struct sa *addr)
{
	tmr_cancel(&p->tmr);
	p->now = *addr;
	if (!peer->on || !dtlskey_peer_same(peer, &p->peer))
		assoc_end(p);
	p->peer = *peer;
	if (peer->on)
		assoc_follow(p);
}

void dtlspath_take(struct dtlspath *p, const uint8_t *buf, size_t len, const struct sa *from)
{
	if (p->assoc)
		dtlskey_take(p->assoc, buf, len, from);
}

bool dtlspath_keys(const struct dtlspath *p, struct leg_key *tx, struct leg_key *rx)
{
	if (!p->tx.len)
		return false;
	*tx = p->tx;
	*rx = p->rx;
	return true;
}

bool dtlspath_done(const struct dtlspath *p)
{
	return p->tx.len > 0;
}

bool dtlspath_waiting(const struct dtlspath *p)
{
	return !p->tx.len && (p->assoc || tmr_isrunning(&p->tmr));
}
