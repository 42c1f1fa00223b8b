/*
 * offer_keys.c - the SRTP keys of one sound line through offers and answers.
 *
 * Secure or not: RTP/SAVP needs an a=crypto we can take (a lone a=fingerprint is DTLS, not spoken here yet); RTP/AVP
 * with a=crypto is "best effort" and answered in kind. Our own offers are RTP/SAVP when SRTP is required and RTP/AVP
 * else: an optional key in an RTP/AVP offer confuses more phones than it helps. A caller that mostly calls its like has them
 * there all the same (srtp_offered).
 *
 * Our key stays while theirs stays, so a refresh disturbs nothing. When theirs or the suite changes, ours is made anew:
 * one that has protected packets is not taken up again after the media side may have begun to count from zero.
 */
#include <openssl/crypto.h>
#include "offer_keys.h"

static int refuse(const char **why, int err, const char *text)
{
	*why = text;
	return err;
}

static size_t suite_index(enum leg_srtp suite)
{
	size_t i = 0;

	while (i + 1 < SDES_SUITES && sdes_suite(i) != suite)
		i++;
	return i;
}

static void use(struct offer_keys *k, const struct sdes *theirs)
{
	size_t i = suite_index(theirs->key.suite);

	k->line[0].tag = theirs->tag;
	k->line[0].suite = (uint8_t)i;
	k->n_line = 1;
	k->rx = theirs->key;
	k->tx = k->own[i];
}

/* The key that was in use will not be any more. */
static void retire(struct offer_keys *k, const struct offer_keys *before)
{
	if (before && before->tx.len)
		sdes_wipe(&k->own[suite_index(before->tx.suite)]);
}

static int own_key(struct offer_keys *k, const struct offer_keys *before, const struct leg_key *theirs)
{
	size_t i = suite_index(theirs->suite);

	if (before && !sdes_same(&before->rx, theirs))
		retire(k, before);
	return k->own[i].len ? 0 : sdes_make(&k->own[i], theirs->suite);
}

/* Why there is no key in a line that needs one. */
static int keyless(const char **why, bool secure, const struct sdesc *d, const struct sdesc_media *m)
{
	if (sdesc_media_attr(m, "fingerprint", NULL) || sdesc_attr(d, "fingerprint"))
		return refuse(why, ENOTSUP, "keys by DTLS are not supported, only a=crypto");
	return refuse(why, ENOTSUP, secure ? "RTP/SAVP without a=crypto" : "SRTP is required here");
}

int offer_keys_answer(struct offer_keys *k, const char **why, enum offer_srtp policy, const struct offer_keys *before,
		      bool secure, const struct sdesc *d, const struct sdesc_media *m)
{
	struct sdes theirs;
	int err;

	if (policy == OFFER_SRTP_OFF)
		return secure ? refuse(why, ENOTSUP, "SRTP is switched off here") : 0;
	err = sdes_choose(&theirs, why, m);
	if (err && !secure && policy != OFFER_SRTP_REQUIRED) {
		retire(k, before);
		return 0;
	}
	if (err)
		return err == ENOENT ? keyless(why, secure, d, m) : ENOTSUP;
	err = own_key(k, before, &theirs.key);
	if (!err)
		use(k, &theirs);
	sdes_wipe(&theirs.key);
	return err;
}

bool offer_keys_wanted(const struct offer_conf *conf)
{
	return conf->srtp == OFFER_SRTP_REQUIRED || (conf->srtp == OFFER_SRTP_OPTIONAL && conf->srtp_offered);
}

/* All suites, the one in use first. A suite has the same tag in all our offers. */
int offer_keys_offer(struct offer_keys *k, const struct offer_keys *before)
{
	size_t used = before && before->tx.len ? suite_index(before->tx.suite) : 0;
	int err = 0;

	for (size_t n = 0; n < SDES_SUITES && !err; n++) {
		size_t i = !n ? used : n <= used ? n - 1 : n;

		if (!k->own[i].len)
			err = sdes_make(&k->own[i], sdes_suite(i));
		k->line[n].tag = (uint32_t)i + 1;
		k->line[n].suite = (uint8_t)i;
	}
	k->n_line = SDES_SUITES;
	return err;
}

int offer_keys_accept(struct offer_keys *k, const char **why, enum offer_srtp policy, const struct offer_keys *offered,
		      const struct offer_keys *before, bool secure, const struct sdesc_media *m)
{
	struct sdes theirs;
	int err;

	if (!offered->n_line)
		return 0;
	err = sdes_choose(&theirs, why, m);
	if (err == ENOENT && !secure && policy != OFFER_SRTP_REQUIRED) {
		retire(k, before);
		return 0;
	}
	if (err)
		return refuse(why, ENOTSUP, "the answer has no key we can use");
	/* RFC 4568 5.1.2: the answer carries the tag of the crypto attribute that was accepted. */
	if (theirs.tag != suite_index(theirs.key.suite) + 1) {
		err = refuse(why, EBADMSG, "the answer's a=crypto has a tag that was not offered");
	} else {
		if (before && before->tx.suite != theirs.key.suite)
			retire(k, before);
		use(k, &theirs);
	}
	sdes_wipe(&theirs.key);
	return err;
}

int offer_keys_print(struct mbuf *mb, const struct offer_keys *k)
{
	int err = 0;

	for (size_t i = 0; i < k->n_line; i++)
		err |= sdes_print(mb, k->line[i].tag, &k->own[k->line[i].suite]);
	return err;
}

void offer_keys_wipe(struct offer_keys *k)
{
	OPENSSL_cleanse(k, sizeof(*k));
}
