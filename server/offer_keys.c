/*
 * offer_keys.c - the SRTP keys of one line through offers and answers.
 *
 *     what the offer says of keys            RTP/AVP            RTP/SAVP           UDP/TLS/RTP/SAVP
 *     a=crypto that we can take              that               that               DTLS
 *     else a=fingerprint                     DTLS (RFC 8643)    DTLS               DTLS
 *     neither                                plain              refused            refused
 *
 * Where SRTP is switched off, all but the first column is refused, and that is plain. A line without a certificate
 * for it has no fingerprints. Our own offers are plain unless SRTP is required, or wished for (srtp_offered): an
 * optional key in an RTP/AVP offer confuses more phones than it helps, but a caller that mostly calls its like has it
 * there all the same. They have one way of keys, not both: who can read a key in a description should not be told
 * that it was for those who could do better.
 *
 * Our a=crypto key stays while theirs stays, so a refresh disturbs nothing. When theirs or the suite changes, ours is
 * made anew: one that has protected packets is not taken up again after the media side may have begun to count from
 * zero.
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

static bool has_dtls(const struct offer_keys_line *l)
{
	return l->conf->dtls_fingerprint;
}

/* --- their offer --- */

static int answer_dtls(struct offer_keys *k, const char **why, const struct offer_keys_line *l, const struct sdesc *d,
		       const struct sdesc_media *m)
{
	const struct offer_dtls *before = l->before ? &l->before->dtls : NULL;
	int err;

	if (!has_dtls(l))
		return refuse(why, ENOTSUP, "keys by DTLS are not supported, only a=crypto");
	err = offer_dtls_answer(&k->dtls, why, l->conf, before, d, m);
	if (!err)
		retire(k, l->before);
	return err;
}

static int answer_crypto(struct offer_keys *k, const struct offer_keys_line *l, struct sdes *theirs)
{
	int err = own_key(k, l->before, &theirs->key);

	if (!err)
		use(k, theirs);
	sdes_wipe(&theirs->key);
	return err;
}

/* There is no key that we can take. */
static int answer_plain(struct offer_keys *k, const char **why, const struct offer_keys_line *l)
{
	if (l->profile == OFFER_SECURE)
		return *why ? ENOTSUP : refuse(why, ENOTSUP, "RTP/SAVP without a=crypto");
	if (l->conf->srtp == OFFER_SRTP_REQUIRED)
		return *why ? ENOTSUP : refuse(why, ENOTSUP, "SRTP is required here");
	retire(k, l->before);
	return 0;
}

int offer_keys_answer(struct offer_keys *k, const char **why, const struct offer_keys_line *l, const struct sdesc *d,
		      const struct sdesc_media *m)
{
	const char *text = NULL;
	struct sdes theirs;
	int err;

	if (l->conf->srtp == OFFER_SRTP_OFF)
		return l->profile == OFFER_PLAIN ? 0 : refuse(why, ENOTSUP, "SRTP is switched off here");
	if (l->profile == OFFER_BY_DTLS)
		return answer_dtls(k, why, l, d, m);
	if (!sdes_choose(&theirs, &text, m))
		return answer_crypto(k, l, &theirs);
	if (offer_dtls_said(d, m) && !answer_dtls(k, &text, l, d, m))
		return 0;
	err = answer_plain(k, &text, l);
	if (err)
		*why = text;
	return err;
}

/* --- our offer --- */

static bool wanted(const struct offer_conf *conf)
{
	return conf->srtp == OFFER_SRTP_REQUIRED || (conf->srtp == OFFER_SRTP_OPTIONAL && conf->srtp_offered);
}

static bool wants_dtls(const struct offer_keys_line *l)
{
	return l->conf->keying == OFFER_KEYING_DTLS && has_dtls(l);
}

/* RFC 8643 3.1: an offer of what is only wished for is RTP/AVP. */
enum offer_profile offer_keys_profile(const struct offer_keys_line *l)
{
	if (l->conf->srtp != OFFER_SRTP_REQUIRED)
		return OFFER_PLAIN;
	return wants_dtls(l) ? OFFER_BY_DTLS : OFFER_SECURE;
}

/* All suites, the one in use first. A suite has the same tag in all our offers. */
static int offer_crypto(struct offer_keys *k, const struct offer_keys *before)
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

int offer_keys_offer(struct offer_keys *k, const struct offer_keys_line *l)
{
	const struct offer_keys *before = l->before;
	bool crypto = before ? before->n_line > 0 : wanted(l->conf) && !wants_dtls(l);
	bool dtls = before ? before->dtls.peer.on : wanted(l->conf) && wants_dtls(l);

	if (dtls)
		offer_dtls_offer(&k->dtls, l->conf, before ? &before->dtls : NULL);
	return crypto ? offer_crypto(k, before) : 0;
}

/* --- their answer --- */

static int accept_crypto(struct offer_keys *k, const char **why, const struct offer_keys *before,
			 const struct sdes *theirs)
{
	/* RFC 4568 5.1.2: the answer carries the tag of the crypto attribute that was accepted. */
	if (theirs->tag != suite_index(theirs->key.suite) + 1)
		return refuse(why, EBADMSG, "the answer's a=crypto has a tag that was not offered");
	if (before && before->tx.suite != theirs->key.suite)
		retire(k, before);
	use(k, theirs);
	return 0;
}

int offer_keys_accept(struct offer_keys *k, const char **why, const struct offer_keys_line *l,
		      const struct offer_keys *offered, const struct sdesc *d, const struct sdesc_media *m)
{
	bool may_be_plain = l->profile == OFFER_PLAIN && l->conf->srtp != OFFER_SRTP_REQUIRED;
	const struct offer_dtls *before = l->before ? &l->before->dtls : NULL;
	struct sdes theirs;
	int err;

	if (offered->dtls.setup != OFFER_SETUP_NONE && may_be_plain && !offer_dtls_said(d, m))
		return 0;
	if (offered->dtls.setup != OFFER_SETUP_NONE)
		return offer_dtls_accept(&k->dtls, why, &offered->dtls, before, d, m);
	if (!offered->n_line)
		return 0;
	err = sdes_choose(&theirs, why, m);
	if (err == ENOENT && may_be_plain) {
		retire(k, l->before);
		return 0;
	}
	if (err)
		return refuse(why, ENOTSUP, "the answer has no key we can use");
	err = accept_crypto(k, why, l->before, &theirs);
	sdes_wipe(&theirs.key);
	return err;
}

int offer_keys_print(struct mbuf *mb, const struct offer_keys *k)
{
	int err = offer_dtls_print(mb, &k->dtls);

	for (size_t i = 0; i < k->n_line; i++)
		err |= sdes_print(mb, k->line[i].tag, &k->own[k->line[i].suite]);
	return err;
}

void offer_keys_wipe(struct offer_keys *k)
{
	OPENSSL_cleanse(k, sizeof(*k));
}
