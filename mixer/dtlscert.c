/*
 * dtlscert.c - a key and a certificate for as long as the process runs, and what all our handshakes have in common.
 *
 * The certificate says nothing: "This allows the use of self-signed certificates" (RFC 8122). What it is worth stands
 * in the signalling, as its fingerprint. So it has a random name, and calls of two days are not to be told from each
 * other's by it.
 *
 * RFC 8827 6.5 has the ciphers: "MUST support the TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 cipher suite and the P-256
 * curve". A peer's certificate may be RSA: as its client we take ECDHE_RSA, as its server its signature.
 */
#include <errno.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include "dtlshake.h"
#include "fingerprint.h"

enum { DAY_S = 24 * 3600, VALID_DAYS = 3650, CERT_LIST_MAX = 16384, NAME_BYTES = 8, SERIAL_BITS = 64 };

struct dtlscert {
	SSL_CTX *ctx;
	char print[FINGERPRINT_MAX];
};

static void cert_destructor(void *arg)
{
	struct dtlscert *c = arg;

	SSL_CTX_free(c->ctx);
}

static bool name_it(X509 *x)
{
	X509_NAME *name = X509_get_subject_name(x);
	ASN1_INTEGER *serial = X509_get_serialNumber(x);
	char text[2 * NAME_BYTES + 1];
	uint8_t random[NAME_BYTES];
	BIGNUM *bn = BN_new();
	bool ok;

	ok = bn && RAND_bytes(random, sizeof(random)) == 1 &&
	     BN_rand(bn, SERIAL_BITS, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) && BN_to_ASN1_INTEGER(bn, serial);
	BN_free(bn);
	if (!ok)
		return false;
	for (size_t i = 0; i < sizeof(random); i++)
		re_snprintf(text + 2 * i, sizeof(text) - 2 * i, "%02x", random[i]);
	return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)text, -1, -1, 0) == 1 &&
	       X509_set_issuer_name(x, name) == 1;
}

static X509 *self_signed(EVP_PKEY *key)
{
	X509 *x = X509_new();

	if (x && X509_set_version(x, X509_VERSION_3) && name_it(x) && X509_gmtime_adj(X509_getm_notBefore(x), -DAY_S) &&
	    X509_gmtime_adj(X509_getm_notAfter(x), (long)VALID_DAYS * DAY_S) && X509_set_pubkey(x, key) &&
	    X509_sign(x, key, EVP_sha256()))
		return x;
	X509_free(x);
	return NULL;
}

static int make_certificate(struct dtlscert *c)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = key ? self_signed(key) : NULL;
	int err = EPROTO;

	if (x && SSL_CTX_use_certificate(c->ctx, x) == 1 && SSL_CTX_use_PrivateKey(c->ctx, key) == 1)
		err = fingerprint_write(c->print, sizeof(c->print), x);
	X509_free(x);
	EVP_PKEY_free(key);
	return err;
}

/* No session is ever taken up again, as the second time no certificate would be shown. */
static int set_rules(SSL_CTX *ctx)
{
	/* RFC 5764 4.1.2 and RFC 7714 14.2; ours is the order. Not the other way round: 0 is success here. */
	if (SSL_CTX_set_tlsext_use_srtp(ctx, "SRTP_AEAD_AES_128_GCM:SRTP_AES128_CM_SHA1_80:SRTP_AES128_CM_SHA1_32"))
		return EPROTO;
	if (SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1 ||
	    SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384") != 1)
		return EPROTO;
	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION |
					 SSL_OP_NO_QUERY_MTU | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_max_cert_list(ctx, CERT_LIST_MAX);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, dtlshake_check, NULL);
	return 0;
}

int dtlscert_alloc(struct dtlscert **cp)
{
	struct dtlscert *c = mem_zalloc(sizeof(*c), cert_destructor);
	int err;

	if (!c)
		return ENOMEM;
	c->ctx = SSL_CTX_new(DTLS_method());
	err = c->ctx ? set_rules(c->ctx) : ENOMEM;
	if (!err)
		err = make_certificate(c);
	if (err)
		mem_deref(c);
	else
		*cp = c;
	return err;
}

const char *dtlscert_fingerprint(const struct dtlscert *c) { return c->print; }

struct ssl_ctx_st *dtlscert_context(const struct dtlscert *c) { return c->ctx; }
