/*
 * dtlskey.c - one association: whose handshake is it, how long do we wait, the keys.
 *
 *     active    one handshake with the address in the description; if it fails, another a second later
 *     passive   one for each ClientHello, told apart by address and random number; who first comes to an end with the
 *               right certificate is the peer, and the others are forgotten
 *
 * So a ClientHello from elsewhere, or one with a false address, is one more that comes to nothing; software that takes
 * the first for the peer's is silenced by it (CVE-2023-49786). For the same reason nothing that goes wrong ends an
 * association at once: it shortens the time that is left (DOUBT_MS), in which the real peer, if that was not it, still
 * gets through.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <openssl/crypto.h>
#include "dtlshake.h"
#include "fingerprint.h"

enum { HANDS = 8, MTU = 1200, MTU_MIN = 256, GIVE_UP_MS = 30000, DOUBT_MS = 4000, AGAIN_MS = 1000, STALE_MS = 3000,
       DATAGRAM_FIRST = 20, DATAGRAM_LAST = 63 };

struct hand {
	struct dtlskey *d;
	struct dtlshake *shake;           /* NULL: the place is free */
	struct sa addr;
	uint8_t hello[DTLSHAKE_HELLO];
	uint64_t heard_ms;
};

struct dtlskey {
	struct dtlskey_conf conf;
	struct tmr tmr;
	struct hand hands[HANDS];
	struct hand *with;                /* who has the keys */
	uint64_t give_up_ms, again_ms;    /* when */
	const char *why;
	bool busy, failed;
};

bool dtlskey_peer_same(const struct dtlskey_peer *a, const struct dtlskey_peer *b)
{
	if (!a->on || !b->on)
		return a->on == b->on;
	return a->active == b->active && !strcasecmp(a->fingerprint, b->fingerprint) && !strcmp(a->tls_id, b->tls_id);
}

bool dtlskey_fingerprint_ok(const char *text) { return text && fingerprint_ok(text); }

/* Inside our own calls one reference is ours: a handler may have given back the last of the others. */
static bool wanted(const struct dtlskey *d) { return mem_nrefs(d) > 1; }

/* --- one handshake --- */

static void drop(struct hand *h) { h->shake = mem_deref(h->shake); }

static void drop_all(struct dtlskey *d, const struct hand *but)
{
	for (int i = 0; i < HANDS; i++)
		if (&d->hands[i] != but)
			drop(&d->hands[i]);
}

static void send_handler(const uint8_t *buf, size_t len, void *arg)
{
	struct hand *h = arg;

	if (wanted(h->d))
		h->d->conf.sendh(buf, len, &h->addr, h->d->conf.arg);
}

static int hand_begin(struct hand *h, struct dtlskey *d, const struct sa *addr)
{
	struct dtlshake_conf conf = {.ctx = dtlscert_context(d->conf.cert), .fingerprint = d->conf.peer.fingerprint,
				     .active = d->conf.peer.active, .mtu = d->conf.mtu, .sendh = send_handler,
				     .arg = h};

	h->d = d;
	h->addr = *addr;
	h->heard_ms = tmr_jiffies();
	return dtlshake_alloc(&h->shake, &conf);
}

static void doubt(struct dtlskey *d, const char *why)
{
	const uint64_t soon = tmr_jiffies() + DOUBT_MS;

	if (!d->why && d->give_up_ms > soon)
		d->give_up_ms = soon;
	d->why = why;
}

static void have_keys(struct dtlskey *d, struct hand *h)
{
	struct leg_key tx, rx;

	if (dtlshake_keys(h->shake, &tx, &rx)) {
		doubt(d, "no SRTP profile in common");
		drop(h);
		return;
	}
	d->with = h;
	drop_all(d, h);
	tmr_cancel(&d->tmr);
	if (wanted(d))
		d->conf.keysh(&tx, &rx, d->conf.arg);
	OPENSSL_cleanse(&tx, sizeof(tx));
	OPENSSL_cleanse(&rx, sizeof(rx));
}

static void judge(struct dtlskey *d, struct hand *h, enum dtlshake_state state)
{
	const char *why = dtlshake_why(h->shake);

	if (why)
		doubt(d, why);
	if (state == DTLSHAKE_DONE && !d->with)
		have_keys(d, h);
	else if (state == DTLSHAKE_FAILED)
		drop(h);
	d->again_ms = tmr_jiffies() + AGAIN_MS;
}

/* --- time --- */

static void on_time(void *arg);

static void schedule(struct dtlskey *d)
{
	const uint64_t now = tmr_jiffies();
	uint64_t wait = d->give_up_ms > now ? d->give_up_ms - now : 0;
	bool any = false;

	if (d->with || d->failed || !wanted(d))
		return;
	for (int i = 0; i < HANDS; i++) {
		uint32_t ms = d->hands[i].shake ? dtlshake_wait_ms(d->hands[i].shake) : UINT32_MAX;

		any = any || d->hands[i].shake;
		wait = ms < wait ? ms : wait;
	}
	if (d->conf.peer.active && !any) {
		const uint64_t again = d->again_ms > now ? d->again_ms - now : 0;

		wait = again < wait ? again : wait;
	}
	tmr_start(&d->tmr, wait ? wait : 1, on_time, d);
}

static void begin_active(struct dtlskey *d)
{
	struct hand *h = &d->hands[0];

	if (h->shake || tmr_jiffies() < d->again_ms)
		return;
	d->again_ms = tmr_jiffies() + AGAIN_MS;
	if (!hand_begin(h, d, &d->conf.addr))
		judge(d, h, dtlshake_begin(h->shake));
}

static void resend(struct dtlskey *d)
{
	for (int i = 0; i < HANDS; i++) {
		struct hand *h = &d->hands[i];

		if (h->shake && !dtlshake_wait_ms(h->shake))
			judge(d, h, dtlshake_resend(h->shake));
	}
}

static void give_up(struct dtlskey *d)
{
	d->failed = true;
	drop_all(d, NULL);
	if (wanted(d))
		d->conf.failedh(d->why ? d->why : "no answer", d->conf.arg);
}

static void on_time(void *arg)
{
	struct dtlskey *d = mem_ref(arg);

	d->busy = true;
	if (tmr_jiffies() >= d->give_up_ms) {
		give_up(d);
	} else {
		resend(d);
		if (d->conf.peer.active)
			begin_active(d);
	}
	d->busy = false;
	schedule(d);
	mem_deref(d);
}

/* --- datagrams --- */

/* A free place, or that of whoever has not said a word for a while. */
static struct hand *place(struct dtlskey *d)
{
	struct hand *oldest = &d->hands[0];

	for (int i = 0; i < HANDS; i++) {
		if (!d->hands[i].shake)
			return &d->hands[i];
		if (d->hands[i].heard_ms < oldest->heard_ms)
			oldest = &d->hands[i];
	}
	if (tmr_jiffies() < oldest->heard_ms + STALE_MS)
		return NULL;
	drop(oldest);
	return oldest;
}

static void feed(struct dtlskey *d, struct hand *h, const uint8_t *buf, size_t len)
{
	h->heard_ms = tmr_jiffies();
	judge(d, h, dtlshake_take(h->shake, buf, len));
}

static void greet(struct dtlskey *d, const uint8_t *hello, const uint8_t *buf, size_t len, const struct sa *from)
{
	struct hand *h;

	for (int i = 0; i < HANDS; i++) {
		h = &d->hands[i];
		if (h->shake && sa_cmp(&h->addr, from, SA_ALL) && !memcmp(h->hello, hello, sizeof(h->hello))) {
			feed(d, h, buf, len);
			return;
		}
	}
	h = place(d);
	if (!h || hand_begin(h, d, from))
		return;
	memcpy(h->hello, hello, sizeof(h->hello));
	feed(d, h, buf, len);
}

/* Two handshakes of one address are told apart by nothing but their ClientHello: the rest is said to both, and ends
 * the one it is not for. */
static void take_passive(struct dtlskey *d, const uint8_t *buf, size_t len, const struct sa *from)
{
	const uint8_t *hello = dtlshake_hello(buf, len);

	if (hello) {
		greet(d, hello, buf, len, from);
		return;
	}
	for (int i = 0; i < HANDS && !d->with; i++)
		if (d->hands[i].shake && sa_cmp(&d->hands[i].addr, from, SA_ALL))
			feed(d, &d->hands[i], buf, len);
}

void dtlskey_take(struct dtlskey *d, const uint8_t *buf, size_t len, const struct sa *from)
{
	struct hand *h = d->with;

	/* Called by a handler of its own: that datagram is lost, as datagrams are. */
	if (d->failed || d->busy || !len || buf[0] < DATAGRAM_FIRST || buf[0] > DATAGRAM_LAST)
		return;
	mem_ref(d);
	d->busy = true;
	if (!h && d->conf.peer.active)
		h = &d->hands[0];
	if (h && h->shake && sa_cmp(&h->addr, from, SA_ALL))
		feed(d, h, buf, len);
	else if (!h)
		take_passive(d, buf, len, from);
	d->busy = false;
	schedule(d);
	mem_deref(d);
}

/* --- life --- */

static void dtlskey_destructor(void *arg)
{
	struct dtlskey *d = arg;

	tmr_cancel(&d->tmr);
	drop_all(d, NULL);
	mem_deref(d->conf.cert);
}

int dtlskey_alloc(struct dtlskey **dp, const struct dtlskey_conf *conf)
{
	struct dtlskey *d;

	if (!conf->peer.on || !fingerprint_ok(conf->peer.fingerprint) || (conf->mtu && conf->mtu < MTU_MIN))
		return EINVAL;
	d = mem_zalloc(sizeof(*d), dtlskey_destructor);
	if (!d)
		return ENOMEM;
	d->conf = *conf;
	mem_ref(d->conf.cert);
	if (!d->conf.mtu)
		d->conf.mtu = MTU;
	d->give_up_ms = tmr_jiffies() + (conf->give_up_ms ? conf->give_up_ms : GIVE_UP_MS);
	tmr_start(&d->tmr, 0, on_time, d);
	*dp = d;
	return 0;
}
