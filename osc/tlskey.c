/*
 * tlskey.c - the server's certificate for lines of TLS, and fingerprints.
 *
 * Certificates here are as good as the signalling that told their fingerprint: "This allows the use of self-signed
 * certificates" (RFC 8122). So a peer must show one, nobody asks who signed it, and tlskey_is_peer decides.
 */
#include <errno.h>
#include <re.h>
#include <string.h>
#include <strings.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "tlskey.h"

struct tlskey {
	SSL_CTX *ctx;
	char text[TLSKEY_TEXT];
};

/* RFC 8122 knows md5 and sha-1 too: "hash functions [..] that are no longer secure MUST NOT be used". */
static const struct { const char *name; const EVP_MD *(*md)(void); size_t len; } hashes[] = {
	{"sha-256", EVP_sha256, 32},
	{"sha-384", EVP_sha384, 48},
	{"sha-512", EVP_sha512, 64},
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

static int print_digest(char *text, size_t size, const X509 *cert)
{
	uint8_t md[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	size_t n;

	if (!cert || !X509_digest(cert, EVP_sha256(), md, &len))
		return EINVAL;

	n = (size_t)re_snprintf(text, size, "sha-256 ");
	for (unsigned i = 0; i < len; i++)
		n += (size_t)re_snprintf(text + n, size - n, "%s%02X", i ? ":" : "", md[i]);

	return 0;
}

static int key_load(struct tlskey *k, const char *path)
{
	if (SSL_CTX_use_certificate_chain_file(k->ctx, path) != 1)
		return ENOENT;
	if (SSL_CTX_use_PrivateKey_file(k->ctx, path, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(k->ctx) != 1)
		return EINVAL;

	return print_digest(k->text, sizeof(k->text), SSL_CTX_get0_certificate(k->ctx));
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

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "AB:CD:.." of exactly that many octets */
static bool read_hex(uint8_t *md, size_t len, const char *p)
{
	for (size_t i = 0; i < len; i++, p += 3) {
		const int hi = digit(p[0]), lo = hi < 0 ? -1 : digit(p[1]);

		if (lo < 0 || p[2] != (i + 1 < len ? ':' : '\0'))
			return false;
		md[i] = (uint8_t)(hi << 4 | lo);
	}

	return true;
}

/* Which hash, -1: none of ours; and the octets. */
static int text_read(uint8_t *md, const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(hashes); i++) {
		const size_t n = strlen(hashes[i].name);

		if (0 == strncasecmp(text, hashes[i].name, n) && text[n] == ' ')
			return read_hex(md, hashes[i].len, text + n + 1) ? (int)i : -1;
	}

	return -1;
}

bool tlskey_text_ok(const char *text)
{
	uint8_t md[EVP_MAX_MD_SIZE];

	return text && text_read(md, text) >= 0;
}

bool tlskey_is_peer(const struct ssl_st *ssl, const char *text)
{
	uint8_t want[EVP_MAX_MD_SIZE], is[EVP_MAX_MD_SIZE];
	X509 *cert = SSL_get1_peer_certificate(ssl);
	const int h = text_read(want, text);
	unsigned len = 0;
	const bool same = cert && h >= 0 && X509_digest(cert, hashes[h].md(), is, &len) && len == hashes[h].len &&
			  0 == memcmp(want, is, len);

	X509_free(cert);
	return same;
}
