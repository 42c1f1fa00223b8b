/*
 * sdes.c - SRTP keys in a=crypto lines.
 *
 *     a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNf...QSV|2^31|1:4 KDR=0
 *              tag suite                 key            life MKI    session parameters
 *
 * Refused, because taking half of it would be worse than none: a Master Key Identifier (packets would carry bytes the
 * media side does not expect), several keys (they need an MKI), and UNENCRYPTED_SRTP, UNENCRYPTED_SRTCP,
 * UNAUTHENTICATED_SRTP, which turn off what the line promises. The lifetime is checked for form and not kept: no call
 * sends 2^31 packets, and shorter ones are a wish about re-keying that the peer can act on itself.
 */
#include <string.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include "sdes.h"

static const struct { const char *name; enum leg_srtp suite; size_t len; } suites[SDES_SUITES] = {
	{"AES_CM_128_HMAC_SHA1_80", LEG_SRTP_AES128_SHA1_80, 16 + 14},
	{"AES_CM_128_HMAC_SHA1_32", LEG_SRTP_AES128_SHA1_32, 16 + 14},
	{"AEAD_AES_128_GCM", LEG_SRTP_AEAD_AES128_GCM, 16 + 12},
};

static int refuse(const char **why, int err, const char *text)
{
	if (why)
		*why = text;
	return err;
}

/* --- base64 --- */

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int sdes_base64_read(uint8_t *out, size_t *len, const struct pl *text)
{
	size_t n_digits = text->l, n = 0;
	uint32_t bits = 0;

	if (!text->l || text->l % 4)
		return EBADMSG;
	while (text->l - n_digits < 2 && text->p[n_digits - 1] == '=')
		n_digits--;
	if (n_digits * 3 / 4 > *len)
		return EBADMSG;
	for (size_t i = 0; i < n_digits; i++) {
		int digit = base64_digit(text->p[i]);

		if (digit < 0)
			return EBADMSG;
		bits = bits << 6 | (uint32_t)digit;
		if (i % 4)
			out[n++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
	}
	/* RFC 4648 3.5: pad bits "MUST be set to zero by conforming encoders"; then a text has one meaning only. */
	if ((n_digits % 4 == 2 && bits & 15) || (n_digits % 4 == 3 && bits & 3))
		return EBADMSG;
	*len = n;
	return 0;
}

/* --- reading --- */

static int read_suite(struct leg_key *key, size_t *len, const struct pl *name)
{
	for (size_t i = 0; i < SDES_SUITES; i++) {
		if (pl_strcasecmp(name, suites[i].name))
			continue;
		key->suite = suites[i].suite;
		*len = suites[i].len;
		return 0;
	}
	return ENOTSUP;
}

/* Cuts what stands before c off rest. */
static struct pl until(struct pl *rest, char c)
{
	struct pl head = *rest;
	const char *p = pl_strchr(rest, c);

	if (!p) {
		*rest = pl_null;
		return head;
	}
	head.l = (size_t)(p - head.p);
	pl_advance(rest, (ssize_t)head.l + 1);
	return head;
}

/* "2^31" or "1048576" */
static bool is_lifetime(struct pl text)
{
	uint64_t n;

	if (text.l > 2 && !memcmp(text.p, "2^", 2)) {
		pl_advance(&text, 2);
		return sdesc_number(&n, &text, 48);
	}
	return sdesc_number(&n, &text, UINT64_C(1) << 48) && n;
}

/* What may follow the key: a lifetime, an MKI, or both. An MKI is the one with a colon. */
static int read_after_key(const char **why, struct pl rest)
{
	while (rest.l) {
		struct pl part = until(&rest, '|');

		if (pl_strchr(&part, ':'))
			return refuse(why, ENOTSUP, "a=crypto with an MKI is not supported");
		if (!is_lifetime(part))
			return refuse(why, EBADMSG, "a=crypto with a bad lifetime");
	}
	return 0;
}

static int read_key(struct leg_key *key, size_t want, const char **why, struct pl params)
{
	struct pl method, text;
	size_t len = want;

	if (pl_strchr(&params, ';'))
		return refuse(why, ENOTSUP, "a=crypto with several keys is not supported");
	method = until(&params, ':');
	if (pl_strcasecmp(&method, "inline") || !params.l)
		return refuse(why, EBADMSG, "a=crypto without an inline key");
	text = until(&params, '|');
	if (sdes_base64_read(key->key, &len, &text) || len != want)
		return refuse(why, EBADMSG, "a=crypto with a key of the wrong length");
	key->len = len;
	return read_after_key(why, params);
}

/* RFC 4568 6.3.6: WSH is a hint about replay windows. 6.3.7: "If the parameter is ... preceded by a dash ... the session
 * parameter is optional". KDR=0 says what is the default. All others change the stream or are unknown. */
static int read_session_params(const char **why, struct pl rest)
{
	struct pl word;

	while (sdesc_word(&word, &rest)) {
		if (word.p[0] == '-' || !pl_strcasecmp(&word, "KDR=0"))
			continue;
		if (word.l > 4 && !memcmp(word.p, "WSH=", 4))
			continue;
		return refuse(why, ENOTSUP, "a=crypto with a session parameter that is not supported");
	}
	return 0;
}

int sdes_read(struct sdes *s, const char **why, const struct pl *value)
{
	struct pl rest = *value, tag, suite, params;
	uint64_t n;
	size_t len;
	int err;

	memset(s, 0, sizeof(*s));
	if (!sdesc_word(&tag, &rest) || !sdesc_word(&suite, &rest) || !sdesc_word(&params, &rest))
		return refuse(why, EBADMSG, "a=crypto too short");
	/* RFC 4568 9.1: tag = 1*9DIGIT */
	if (!sdesc_number(&n, &tag, 999999999))
		return refuse(why, EBADMSG, "a=crypto with a bad tag");
	s->tag = (uint32_t)n;
	if (read_suite(&s->key, &len, &suite))
		return refuse(why, ENOTSUP, "a=crypto with an unknown suite");
	err = read_key(&s->key, len, why, params);
	if (!err)
		err = read_session_params(why, rest);
	if (err)
		sdes_wipe(&s->key);
	return err;
}

int sdes_choose(struct sdes *s, const char **why, const struct sdesc_media *m)
{
	const struct sdesc_attr *a = NULL;
	int err = ENOENT;

	while ((a = sdesc_media_attr(m, "crypto", a))) {
		err = sdes_read(s, why, &a->value);
		if (!err)
			return 0;
	}
	return err;
}

/* --- ours --- */

int sdes_make(struct leg_key *key, enum leg_srtp suite)
{
	memset(key, 0, sizeof(*key));
	key->len = sdes_key_len(suite);
	key->suite = suite;
	if (RAND_bytes(key->key, (int)key->len) != 1) {
		sdes_wipe(key);
		return EIO;
	}
	return 0;
}

int sdes_print(struct mbuf *mb, uint32_t tag, const struct leg_key *key)
{
	char text[4 * sizeof(key->key) / 3 + 4];
	size_t len = sizeof(text);
	int err = EINVAL;

	for (size_t i = 0; i < SDES_SUITES; i++) {
		if (suites[i].suite != key->suite)
			continue;
		err = base64_encode(key->key, key->len, text, &len);
		if (!err)
			err = mbuf_printf(mb, "a=crypto:%u %s inline:%b\r\n", tag, suites[i].name, text, len);
	}
	OPENSSL_cleanse(text, sizeof(text));
	return err;
}

enum leg_srtp sdes_suite(size_t i)
{
	return suites[i].suite;
}

size_t sdes_key_len(enum leg_srtp suite)
{
	for (size_t i = 0; i < SDES_SUITES; i++)
		if (suites[i].suite == suite)
			return suites[i].len;
	return 0;
}

bool sdes_same(const struct leg_key *a, const struct leg_key *b)
{
	return a->suite == b->suite && a->len == b->len && a->len && !CRYPTO_memcmp(a->key, b->key, a->len);
}

void sdes_wipe(struct leg_key *key)
{
	OPENSSL_cleanse(key, sizeof(*key));
}
