/*
 * tlskey.c - the server's certificate for lines of TLS, and fingerprints.
 *
 * Certificates here are as good as the signalling that told their fingerprint: "This allows the use of self-signed
 * certificates" (RFC 8122). So a peer must show one, nobody asks who signed it, and tlskey_is_peer decides.
 */
#include <errno.h>
#include <re.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "mixer/fingerprint.h"
#include "tlskey.h"

struct tlskey {
	SSL_CTX *ctx;
	char text[FINGERPRINT_MAX];
};

static void key_destroy(void *arg)
{
	struct tlskey *k = arg;

	SSL_CTX_free(k->ctx);
}

static int any_certificate(int ok, X509_STORE_CTX *store)
{
	(void)ok;
	(void)store;
	return 1;
}

static int key_load(struct tlskey *k, const char *path)
{
	if (SSL_CTX_use_certificate_chain_file(k->ctx, path) != 1)
		return ENOENT;
	if (SSL_CTX_use_PrivateKey_file(k->ctx, path, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(k->ctx) != 1)
		return EINVAL;

	return fingerprint_write(k->text, sizeof(k->text), SSL_CTX_get0_certificate(k->ctx));
}

int tlskey_alloc(struct tlskey **kp, const char *path)
{
	struct tlskey *k = mem_zalloc(sizeof(*k), key_destroy);
	int err;

	if (!k)
		return ENOMEM;

	k->ctx = SSL_CTX_new(TLS_server_method());
	if (!k->ctx) {
		mem_deref(k);
		return ENOMEM;
	}
	/* "under TLS 1.2 or later" */
	(void)SSL_CTX_set_min_proto_version(k->ctx, TLS1_2_VERSION);
	(void)SSL_CTX_set_options(k->ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	(void)SSL_CTX_set_mode(k->ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	(void)SSL_CTX_set_session_cache_mode(k->ctx, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_num_tickets(k->ctx, 0);         /* a resumed session would show no certificate */
	(void)SSL_CTX_set_options(k->ctx, SSL_OP_NO_TICKET);
	SSL_CTX_set_verify(k->ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, any_certificate);
	SSL_CTX_set_verify_depth(k->ctx, 0);

	err = key_load(k, path);
	if (err)
		mem_deref(k);
	else
		*kp = k;
	return err;
}

struct ssl_ctx_st *tlskey_context(const struct tlskey *k)
{
	return k->ctx;
}

const char *tlskey_fingerprint(const struct tlskey *k)
{
	return k->text;
}

bool tlskey_text_ok(const char *text)
{
	return text && fingerprint_ok(text);
}

bool tlskey_is_peer(const struct ssl_st *ssl, const char *text)
{
	X509 *cert = SSL_get1_peer_certificate(ssl);
	const bool same = cert && fingerprint_is(text, cert);

	X509_free(cert);
	return same;
}
