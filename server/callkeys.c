/*
 * callkeys.c - the keys of a call's sound.
 *
 *     offer > follow > leg_set_desc, without keys: the leg is silent, and hands up datagrams
 *                 \
 *                  association > readyh, leg_set_desc with keys
 *                   ^       |
 *     leg > take ---+       +---> leg_send_dtls
 *
 * RFC 5763 5: hold, a refresh, another codec or address change nothing about the association while fingerprint and
 * roles are the same; its keys go into each new description. Another peer behind the same call (a transfer by a
 * server between) has another fingerprint: the sound stops until there are new keys.
 *
 * Without a=rtcp-mux each of the two ports would have an association of its own (RFC 5764 3): the one of RTCP is left
 * out, and so are the reports; the leg sees to that.
 */
#include <openssl/crypto.h>
#include "callkeys.h"
#include "offer.h"

/* What we answer and our first words go to different sockets of the peer, and it hears those only when it has read
 * that; lost, they are said again after 300 ms. */
enum { READ_MS = 20 };

struct callkeys {
	struct callkeys_conf conf;
	struct dtlskey *assoc;
	struct dtlskey_peer peer;         /* of the association */
	struct sa addr;                   /* where it was when the association began */
	struct leg_desc desc;             /* what the leg has */
	struct leg_key tx, rx;            /* by DTLS; len 0: not there */
	struct tmr tmr;                   /* the association begins */
};

static void wipe(struct callkeys *k)
{
	OPENSSL_cleanse(&k->tx, sizeof(k->tx));
	OPENSSL_cleanse(&k->rx, sizeof(k->rx));
}

static void destructor(void *arg)
{
	struct callkeys *k = arg;

	tmr_cancel(&k->tmr);
	mem_deref(k->assoc);
	mem_deref(k->conf.cert);
	wipe(k);
	OPENSSL_cleanse(&k->desc, sizeof(k->desc));
}

int callkeys_alloc(struct callkeys **kp, const struct callkeys_conf *conf)
{
	struct callkeys *k = mem_zalloc(sizeof(*k), destructor);

	if (!k)
		return ENOMEM;
	k->conf = *conf;
	mem_ref(k->conf.cert);
	leg_desc_clear(&k->desc);
	*kp = k;
	return 0;
}

/* --- the association --- */

static int describe(struct callkeys *k)
{
	if (k->desc.dtls) {
		k->desc.srtp_tx = k->tx;
		k->desc.srtp_rx = k->rx;
	}
	return leg_set_desc(k->conf.leg, &k->desc);
}

static void send_handler(const uint8_t *buf, size_t len, const struct sa *to, void *arg)
{
	const struct callkeys *k = arg;

	(void)leg_send_dtls(k->conf.leg, buf, len, to);   /* what is lost comes once more */
}

static void failed_handler(const char *why, void *arg)
{
	struct callkeys *k = arg;

	k->assoc = mem_deref(k->assoc);
	k->conf.failedh(why, k->conf.arg);
}

static void keys_handler(const struct leg_key *tx, const struct leg_key *rx, void *arg)
{
	struct callkeys *k = arg;

	k->tx = *tx;
	k->rx = *rx;
	if (describe(k))
		failed_handler("no memory", k);
	else
		k->conf.readyh(k->conf.arg);
}

static int assoc_begin(struct callkeys *k)
{
	const struct dtlskey_conf conf = {
		.peer = k->peer, .addr = k->desc.rtp, .cert = k->conf.cert,
		.sendh = send_handler, .keysh = keys_handler, .failedh = failed_handler, .arg = k,
	};

	k->addr = k->desc.rtp;
	return k->conf.cert ? dtlskey_alloc(&k->assoc, &conf) : EINVAL;
}

static void begin_handler(void *arg)
{
	struct callkeys *k = arg;

	if (assoc_begin(k))
		k->conf.failedh("keys by DTLS cannot be made", k->conf.arg);
}

/* Who begins has to know where to; while the peer holds with 0.0.0.0 nobody does. A handshake at an address that is
 * not the peer's any more begins anew. */
static void assoc_follow(struct callkeys *k)
{
	if (k->assoc && !k->tx.len && k->peer.active && !sa_cmp(&k->addr, &k->desc.rtp, SA_ALL))
		k->assoc = mem_deref(k->assoc);
	if (k->assoc || (k->peer.active && !sa_isset(&k->desc.rtp, SA_ALL)))
		return;
	if (k->peer.active)
		tmr_start(&k->tmr, READ_MS, begin_handler, k);
	else if (assoc_begin(k))
		tmr_start(&k->tmr, 0, begin_handler, k);          /* in vain again, and then it is told */
}

static void assoc_end(struct callkeys *k)
{
	k->assoc = mem_deref(k->assoc);
	wipe(k);
}

int callkeys_follow(struct callkeys *k, const struct offer *o, const struct leg_desc *desc)
{
	struct dtlskey_peer peer;
	int err;

	tmr_cancel(&k->tmr);
	k->desc = *desc;
	if (offer_dtls(o, false, &peer))
		peer.on = false;
	if (!peer.on || !dtlskey_peer_same(&peer, &k->peer))
		assoc_end(k);
	k->peer = peer;
	err = describe(k);
	if (!err && peer.on)
		assoc_follow(k);
	return err;
}

void callkeys_take(struct callkeys *k)
{
	uint8_t buf[LEG_DTLS_MAX];
	size_t len = sizeof(buf);
	struct sa from;

	/* What it says may end the association; then the rest is of nobody. */
	for (; leg_take_dtls(k->conf.leg, buf, &len, &from); len = sizeof(buf))
		if (k->assoc)
			dtlskey_take(k->assoc, buf, len, &from);
}

/* --- asked --- */

bool callkeys_waiting(const struct callkeys *k)
{
	return k && !k->tx.len && (k->assoc || tmr_isrunning(&k->tmr));
}

enum callkeys_how callkeys_how(const struct callkeys *k)
{
	return !k ? CALLKEYS_NONE : k->desc.dtls ? CALLKEYS_DTLS : k->desc.srtp_tx.len ? CALLKEYS_SDES : CALLKEYS_NONE;
}

const char *callkeys_name(enum callkeys_how how)
{
	static const char *const names[] = {"none", "sdes", "dtls"};

	return names[how];
}
