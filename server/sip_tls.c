/*
 * sip_tls.c - who we talk to by TLS: libre 1.1 looks at no certificate, so OpenSSL's context is told what must be in
 * it.
 */
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include "sip_priv.h"

static int tls_index(void)
{
	static int index = -1;

	if (index < 0)
		index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, NULL);
	return index;
}

static int tls_judged(int ok, X509_STORE_CTX *x)
{
	const SSL *ssl = X509_STORE_CTX_get_ex_data(x, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct sips *s = ssl ? SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), tls_index()) : NULL;

	if (!ok && s)
		s->tls_problem = X509_verify_cert_error_string(X509_STORE_CTX_get_error(x));
	return ok;
}

/* RFC 6066 3: a server with many names must know which one is meant; an address is none. */
static void tls_begins(const SSL *ssl, int where, int ret)
{
	const struct sips *s = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), tls_index());
	struct sa sa;

	(void)ret;
	if (where & SSL_CB_HANDSHAKE_START && s && !SSL_is_server(ssl) && sa_set_str(&sa, s->tls_peer, 0))
		SSL_set_tlsext_host_name((SSL *)ssl, s->tls_peer);
}

static int tls_watch_peer(struct sips *s, const struct sips_conf *conf)
{
	SSL_CTX *ctx = tls_openssl_context(s->tls);
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ctx);
	struct sa sa;

	if (conf->tls_ca && *conf->tls_ca ? !SSL_CTX_load_verify_locations(ctx, conf->tls_ca, NULL) : !SSL_CTX_set_default_verify_paths(ctx))
		return ENOENT;
	if (str_dup(&s->tls_peer, conf->tls_peer) || !SSL_CTX_set_ex_data(ctx, tls_index(), s))
		return ENOMEM;
	if (!sa_set_str(&sa, conf->tls_peer, 0) ? !X509_VERIFY_PARAM_set1_ip_asc(param, conf->tls_peer) :
						 !X509_VERIFY_PARAM_set1_host(param, conf->tls_peer, 0))
		return EINVAL;
	SSL_CTX_set_info_callback(ctx, tls_begins);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, tls_judged);
	return 0;
}

int sips_tls_open(struct sips *s, const struct sips_conf *conf)
{
	const char *cert = conf->tls_cert && *conf->tls_cert ? conf->tls_cert : NULL;
	int err;

	if (s->tls)
		return 0;
	if (!cert && !conf->client)
		return ENOENT;
	err = tls_alloc(&s->tls, TLS_METHOD_SSLV23, cert, NULL);
	if (err)
		return err;
	SSL_CTX_set_min_proto_version(tls_openssl_context(s->tls), TLS1_2_VERSION);
	return conf->tls_peer ? tls_watch_peer(s, conf) : 0;
}

const char *sips_tls_problem(const struct sips *s)
{
	return s ? s->tls_problem : NULL;
}
