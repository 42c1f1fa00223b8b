/*
 * callkeys.c - the keys of a call's sound.
 *
 *     offer > follow > leg_set_desc, without keys: the leg is silent, and hands up datagrams
 *                 \
 *                  dtlspath > readyh, leg_set_desc with keys
 *                   ^       |
 *     leg > take ---+       +---> leg_send_dtls
 *
 * Without a=rtcp-mux each of the two ports would have an association of its own (RFC 5764 3): the one of RTCP is left
 * out, and so are the reports; the leg sees to that.
 */
#include <openssl/crypto.h>
#include "callkeys.h"
#include "mixer/dtlspath.h"
#include "offer.h"

struct callkeys {
	struct callkeys_conf conf;
	struct dtlspath *path;
	struct leg_desc desc;             /* what the leg has */
};

static void destructor(void *arg)
{
	struct callkeys *k = arg;

	mem_deref(k->path);
	OPENSSL_cleanse(&k->desc, sizeof(k->desc));
}

static int describe(struct callkeys *k)
{
	if (k->desc.dtls)
		(void)dtlspath_keys(k->path, &k->desc.srtp_tx, &k->desc.srtp_rx);
	return leg_set_desc(k->conf.leg, &k->desc);
}

/* --- the association --- */

static void send_handler(const uint8_t *buf, size_t len, const struct sa *to, void *arg)
{
	const struct callkeys *k = arg;

	(void)leg_send_dtls(k->conf.leg, buf, len, to);   /* what is lost comes once more */
}

static void failed_handler(const char *why, void *arg)
{
	const struct callkeys *k = arg;

	k->conf.failedh(why, k->conf.arg);
}

static void ready_handler(void *arg)
{
	struct callkeys *k = arg;

	if (describe(k))
		k->conf.failedh("no memory", k->conf.arg);
	else
		k->conf.readyh(k->conf.arg);
}

int callkeys_alloc(struct callkeys **kp, const struct callkeys_conf *conf)
{
	struct callkeys *k = mem_zalloc(sizeof(*k), destructor);
	const struct dtlspath_conf pc = {
		.cert = conf->cert, .sendh = send_handler, .readyh = ready_handler, .failedh = failed_handler, .arg = k,
	};
	int err = k ? dtlspath_alloc(&k->path, &pc) : ENOMEM;

	if (err) {
		mem_deref(k);
		return err;
	}
	k->conf = *conf;
	leg_desc_clear(&k->desc);
	*kp = k;
	return 0;
}

int callkeys_follow(struct callkeys *k, const struct offer *o, const struct leg_desc *desc)
{
	struct dtlskey_peer peer;

	k->desc = *desc;
	if (offer_dtls(o, false, &peer))
		peer.on = false;
	dtlspath_follow(k->path, &peer, &desc->rtp);
	return describe(k);
}

void callkeys_take(struct callkeys *k)
{
	uint8_t buf[LEG_DTLS_MAX];
	size_t len = sizeof(buf);
	struct sa from;

	/* What it says may end the association; then the rest is of nobody. */
	for (; leg_take_dtls(k->conf.leg, buf, &len, &from); len = sizeof(buf))
		dtlspath_take(k->path, buf, len, &from);
}

/* --- asked --- */

bool callkeys_waiting(const struct callkeys *k)
{
	return k && dtlspath_waiting(k->path);
}

enum leg_keys callkeys_how(const struct callkeys *k)
{
	return k ? leg_desc_keys(&k->desc) : LEG_KEYS_NONE;
}
