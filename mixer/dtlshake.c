/*
 * dtlshake.c - one DTLS handshake, on OpenSSL.
 *
 *     datagram > its records, one at a time > SSL > records collected to datagrams > sendh
 *
 * Before the keys are there anybody who can write our address on a datagram can speak in it, and DTLS takes a word in
 * the clear for the peer's. So an alert that nobody has signed is not handed to OpenSSL, which would end the handshake
 * by it: it is remembered as a doubt (dtlshake_why), and the real peer, if it is still there, goes on. And we say none,
 * but for the one that a certificate is wrong: a ClientHello under a false address would make us tell the real peer
 * that we do not want it.
 *
 * Decided against libre's dtls: it owns sockets, and its handshakes time on a thread of their own kind. Against
 * BIO_s_mem: it forgets where a datagram ends.
 */
#include <errno.h>
#include <string.h>
#include <sys/time.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/srtp.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include "dtlshake.h"
#include "fingerprint.h"

enum {
	RECORD_HDR = 13,          /* type, version, epoch, sequence, length */
	HELLO_AT = RECORD_HDR + 12 + 2,
	TYPE_CCS = 20, TYPE_ALERT = 21, TYPE_HANDSHAKE = 22, TYPE_DATA = 23,
	CLIENT_HELLO = 1,
	ALERT_FATAL = 2,
	CHANGE = RECORD_HDR + 1,
	TAKEN_MAX = 256 * 1024,   /* bytes of one peer; a handshake is some 3,000 */
	FIRST_WAIT_US = 300000,   /* RFC 6347 4.2.4.1 has 1 s for networks in general; ours is to carry speech */
	LAST_WAIT_US = 3000000,   /* OpenSSL gives up at the 13th time: after 32 s */
	SALT_MAX = 14,
	KEY_LEN = 16,
};

struct dtlshake {
	struct dtlshake_conf conf;
	SSL *ssl;
	BIO_METHOD *method;
	const uint8_t *in;        /* the record that may be read now */
	size_t n_in;
	size_t taken;
	uint8_t change[CHANGE];   /* that the peer now speaks in the new cipher: not looked at yet */
	bool changes;
	enum dtlshake_state state;
	bool wrong;               /* its certificate */
	const char *why;
};

/* --- between SSL and datagrams --- */

static int bio_write(BIO *b, const char *buf, int len)
{
	struct dtlshake *h = BIO_get_data(b);

	BIO_clear_retry_flags(b);
	if (len > 0 && (buf[0] != TYPE_ALERT || h->wrong))
		h->conf.sendh((const uint8_t *)buf, (size_t)len, h->conf.arg);
	return len;
}

static int bio_read(BIO *b, char *buf, int size)
{
	struct dtlshake *h = BIO_get_data(b);
	size_t n = h->n_in;

	BIO_clear_retry_flags(b);
	if (!n || size < 0 || n > (size_t)size) {
		BIO_set_retry_read(b);
		return -1;
	}
	memcpy(buf, h->in, n);
	h->n_in = 0;
	return (int)n;
}

static long bio_ctrl(BIO *b, int cmd, long num, void *ptr)
{
	(void)b;
	(void)num;
	(void)ptr;
	return cmd == BIO_CTRL_FLUSH;
}

static BIO_METHOD *method_new(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "dtlshake");

	if (m && BIO_meth_set_write(m, bio_write) && BIO_meth_set_read(m, bio_read) && BIO_meth_set_ctrl(m, bio_ctrl))
		return m;
	BIO_meth_free(m);
	return NULL;
}

/* --- life --- */

static void shake_destructor(void *arg)
{
	struct dtlshake *h = arg;

	SSL_free(h->ssl);
	BIO_meth_free(h->method);
}

static unsigned int next_wait_us(SSL *ssl, unsigned int before_us)
{
	(void)ssl;
	return !before_us ? FIRST_WAIT_US : before_us >= LAST_WAIT_US / 2 ? LAST_WAIT_US : 2 * before_us;
}

static int shake_init(struct dtlshake *h)
{
	BIO *bio;

	h->method = method_new();
	h->ssl = SSL_new(h->conf.ctx);
	bio = h->method ? BIO_new(h->method) : NULL;
	if (!h->ssl || !bio) {
		BIO_free(bio);
		return ENOMEM;
	}
	BIO_set_data(bio, h);
	BIO_set_init(bio, 1);
	SSL_set_bio(h->ssl, bio, bio);    /* the one reference is now the SSL's */
	if (SSL_set_app_data(h->ssl, h) != 1)
		return ENOMEM;
	SSL_set_mtu(h->ssl, (long)h->conf.mtu);
	DTLS_set_timer_cb(h->ssl, next_wait_us);
	if (h->conf.active)
		SSL_set_connect_state(h->ssl);
	else
		SSL_set_accept_state(h->ssl);
	return 0;
}

int dtlshake_alloc(struct dtlshake **hp, const struct dtlshake_conf *conf)
{
	struct dtlshake *h = mem_zalloc(sizeof(*h), shake_destructor);
	int err;

	if (!h)
		return ENOMEM;
	h->conf = *conf;
	err = shake_init(h);
	if (err)
		mem_deref(h);
	else
		*hp = h;
	return err;
}

/* --- the peer's certificate --- */

/* RFC 5763 5: "the certificate presented during the DTLS handshake MUST match the fingerprint exchanged via the
 * signaling path in the SDP"; that is all that is asked of it. */
int dtlshake_check(X509_STORE_CTX *store, void *arg)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct dtlshake *h = SSL_get_app_data(ssl);
	const X509 *cert = X509_STORE_CTX_get0_cert(store);

	(void)arg;
	if (cert && fingerprint_is(h->conf.fingerprint, cert)) {
		X509_STORE_CTX_set_error(store, X509_V_OK);
		return 1;
	}
	h->wrong = true;
	X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
	return 0;
}

/* --- what goes on --- */

static enum dtlshake_state fail(struct dtlshake *h, const char *why)
{
	h->state = DTLSHAKE_FAILED;
	h->why = why;
	return h->state;
}

/* NULL: nothing was said that one could doubt. */
static const char *reason(const struct dtlshake *h)
{
	const int code = ERR_GET_REASON(ERR_peek_last_error());

	if (h->wrong)
		return "the certificate is not the one announced";
	switch (code) {

	case SSL_R_NO_SHARED_CIPHER:
	case SSL_R_UNSUPPORTED_PROTOCOL:
	case SSL_R_NO_PROTOCOLS_AVAILABLE:
		return "no cipher in common";
	case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
		return "no certificate was shown";
	case SSL_R_READ_TIMEOUT_EXPIRED:
		return NULL;
	}
	return code >= SSL_AD_REASON_OFFSET ? "the peer refused" : "the handshake failed";
}

static enum dtlshake_state judge(struct dtlshake *h, int ret)
{
	if (ret == 1) {
		h->state = DTLSHAKE_DONE;
		h->why = NULL;
	} else if (SSL_get_error(h->ssl, ret) == SSL_ERROR_SSL) {
		fail(h, reason(h));       /* all else is that something more must come */
	}
	ERR_clear_error();
	return h->state;
}

static enum dtlshake_state go_on(struct dtlshake *h)
{
	ERR_clear_error();
	return judge(h, SSL_do_handshake(h->ssl));
}

enum dtlshake_state dtlshake_begin(struct dtlshake *h)
{
	return go_on(h);
}

/* Nobody speaks by this association. But a peer to whom our last flight was lost sends its own again, and by
 * reading that SSL sends ours again. What else it says ends nothing. */
static void read_on(struct dtlshake *h)
{
	uint8_t trash[512];

	ERR_clear_error();
	while (SSL_read(h->ssl, trash, sizeof(trash)) > 0)
		;
	ERR_clear_error();
}

static bool in_the_clear(const uint8_t *rec) { return !rec[3] && !rec[4]; }

/* Words in the clear that the peer has no need to say: an alert, and data. */
static bool is_idle_word(struct dtlshake *h, const uint8_t *rec, size_t len)
{
	if (!in_the_clear(rec) || (rec[0] != TYPE_ALERT && rec[0] != TYPE_DATA))
		return false;
	if (rec[0] == TYPE_ALERT && len == RECORD_HDR + 2 && rec[RECORD_HDR] == ALERT_FATAL &&
	    h->state == DTLSHAKE_GOES_ON)
		h->why = "the peer refused";
	return true;
}

static void read_record(struct dtlshake *h, const uint8_t *rec, size_t len)
{
	h->in = rec;
	h->n_in = len;
	if (h->state == DTLSHAKE_DONE)
		read_on(h);
	else
		go_on(h);
	h->n_in = 0;
}

/* A change of ciphers before its time makes OpenSSL deaf for all that follows. So it waits here for that time. It
 * may be a stranger's: it says nothing but that it is time, and what comes next must be in the right cipher. */
static void change_cipher(struct dtlshake *h)
{
	const OSSL_HANDSHAKE_STATE time = h->conf.active ? TLS_ST_CW_FINISHED : TLS_ST_SR_CERT_VRFY;

	if (!h->changes || h->state != DTLSHAKE_GOES_ON || SSL_get_state(h->ssl) != time)
		return;
	h->changes = false;
	read_record(h, h->change, sizeof(h->change));
}

static void take_record(struct dtlshake *h, const uint8_t *rec, size_t len)
{
	if (is_idle_word(h, rec, len))
		return;
	if (rec[0] != TYPE_CCS) {
		read_record(h, rec, len);
	} else if (len == sizeof(h->change)) {
		memcpy(h->change, rec, len);
		h->changes = true;
	}
	change_cipher(h);
}

/* Of the record that begins there; 0: rubbish. */
static size_t record_len(const uint8_t *buf, size_t len)
{
	size_t n;

	if (len < RECORD_HDR || buf[0] < TYPE_CCS || buf[0] > TYPE_DATA || buf[1] != 0xfe)
		return 0;
	n = RECORD_HDR + ((size_t)buf[11] << 8 | buf[12]);
	return n <= len ? n : 0;
}

enum dtlshake_state dtlshake_take(struct dtlshake *h, const uint8_t *buf, size_t len)
{
	size_t n;

	h->taken += len;
	if (h->taken > TAKEN_MAX)
		return h->state == DTLSHAKE_DONE ? h->state : fail(h, "too much was said");
	for (; h->state != DTLSHAKE_FAILED && (n = record_len(buf, len)); buf += n, len -= n)
		take_record(h, buf, n);
	return h->state;
}

uint32_t dtlshake_wait_ms(const struct dtlshake *h)
{
	struct timeval tv;

	if (h->state != DTLSHAKE_GOES_ON || DTLSv1_get_timeout(h->ssl, &tv) != 1)
		return UINT32_MAX;
	/* Somebody may have set the clock, which is the one OpenSSL goes by. */
	if (tv.tv_sec >= LAST_WAIT_US / 1000000)
		return LAST_WAIT_US / 1000;
	return (uint32_t)(tv.tv_sec * 1000 + (tv.tv_usec + 999) / 1000);
}

enum dtlshake_state dtlshake_resend(struct dtlshake *h)
{
	ERR_clear_error();
	if (h->state == DTLSHAKE_GOES_ON && DTLSv1_handle_timeout(h->ssl) < 0)
		fail(h, reason(h));
	ERR_clear_error();
	return h->state;
}

/* --- what it is for --- */

static const struct profile { unsigned long id; enum leg_srtp suite; size_t salt; } profiles[] = {
	{SRTP_AEAD_AES_128_GCM, LEG_SRTP_AEAD_AES128_GCM, 12},
	{SRTP_AES128_CM_SHA1_80, LEG_SRTP_AES128_SHA1_80, 14},
	{SRTP_AES128_CM_SHA1_32, LEG_SRTP_AES128_SHA1_32, 14},
};

static const struct profile *agreed(SSL *ssl)
{
	const SRTP_PROTECTION_PROFILE *is = SSL_get_selected_srtp_profile(ssl);

	for (size_t i = 0; is && i < ARRAY_SIZE(profiles); i++)
		if (profiles[i].id == is->id)
			return &profiles[i];
	return NULL;
}

static void cut(struct leg_key *k, const struct profile *p, const uint8_t *key, const uint8_t *salt)
{
	memset(k, 0, sizeof(*k));
	k->suite = p->suite;
	k->len = KEY_LEN + p->salt;
	memcpy(k->key, key, KEY_LEN);
	memcpy(k->key + KEY_LEN, salt, p->salt);
}

/* RFC 5764 4.2: "client_write_SRTP_master_key[..]; server_write_SRTP_master_key[..]; client_write_SRTP_master_salt[..];
 * server_write_SRTP_master_salt[..]". */
int dtlshake_keys(const struct dtlshake *h, struct leg_key *tx, struct leg_key *rx)
{
	static const char label[] = "EXTRACTOR-dtls_srtp";
	const struct profile *p = agreed(h->ssl);
	uint8_t x[2 * (KEY_LEN + SALT_MAX)];
	const uint8_t *salt = x + 2 * KEY_LEN;
	int ok;

	if (!p)
		return ENOTSUP;
	ok = SSL_export_keying_material(h->ssl, x, 2 * (KEY_LEN + p->salt), label, sizeof(label) - 1, NULL, 0, 0);
	if (ok == 1) {
		cut(h->conf.active ? tx : rx, p, x, salt);
		cut(h->conf.active ? rx : tx, p, x + KEY_LEN, salt + p->salt);
	}
	OPENSSL_cleanse(x, sizeof(x));
	ERR_clear_error();
	return ok == 1 ? 0 : EPROTO;
}

const char *dtlshake_why(const struct dtlshake *h) { return h->why; }

const uint8_t *dtlshake_hello(const uint8_t *buf, size_t len)
{
	const size_t n = record_len(buf, len);

	/* The first piece of it, if it comes in several. */
	if (n < HELLO_AT + DTLSHAKE_HELLO || buf[0] != TYPE_HANDSHAKE || !in_the_clear(buf) ||
	    buf[RECORD_HDR] != CLIENT_HELLO || buf[RECORD_HDR + 6] || buf[RECORD_HDR + 7] || buf[RECORD_HDR + 8])
		return NULL;
	return buf + HELLO_AT;
}
