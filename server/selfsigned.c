/*
 * selfsigned.c - with OpenSSL 3 and no configuration file of its own.
 *
 * It names every address the machine has now. A phone that is told to trust it (or a person who compares it) is enough
 * for a local network; for more, sip.tls-cert names a real one.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <re.h>
#include "selfsigned.h"

enum { YEARS = 10, SAN_MAX = 4096 };

static void add_name(char *san, const char *kind, const char *name)
{
	size_t n = strlen(san);

	if (n + strlen(kind) + strlen(name) + 3 < SAN_MAX)
		(void)snprintf(san + n, SAN_MAX - n, "%s%s:%s", n ? "," : "", kind, name);
}

/* OpenSSL reads this as a list in its own syntax: nothing but letters, digits, '-' and '.' may come from the host name. */
static bool plain_name(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n < 64 &&
	       n == strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.");
}

static void alt_names(char *san, const char *host)
{
	struct ifaddrs *list = NULL;
	char buf[INET6_ADDRSTRLEN];

	*san = '\0';
	if (strcmp(host, "localhost"))
		add_name(san, "DNS", host);
	add_name(san, "DNS", "localhost");

	if (getifaddrs(&list))
		return;
	for (const struct ifaddrs *i = list; i; i = i->ifa_next) {
		const void *addr = NULL;

		if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET)
			addr = &((const struct sockaddr_in *)(const void *)i->ifa_addr)->sin_addr;
		else if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET6)
			addr = &((const struct sockaddr_in6 *)(const void *)i->ifa_addr)->sin6_addr;
		if (addr && inet_ntop(i->ifa_addr->sa_family, addr, buf, sizeof(buf)))
			add_name(san, "IP", buf);
	}
	freeifaddrs(list);
}

static bool add_ext(X509 *x, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;
	bool ok;

	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, x, x, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = ext && X509_add_ext(x, ext, -1);
	X509_EXTENSION_free(ext);
	return ok;
}

static bool random_serial(X509 *x)
{
	BIGNUM *bn = BN_new();
	bool ok = bn && BN_rand(bn, 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) &&
		  BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x));

	BN_free(bn);
	return ok;
}

static bool fill(X509 *x, EVP_PKEY *key)
{
	char host[256] = "", san[SAN_MAX];
	X509_NAME *name = X509_get_subject_name(x);

	(void)gethostname(host, sizeof(host) - 1);
	if (!plain_name(host))
		strcpy(host, "localhost");
	alt_names(san, host);

	return X509_set_version(x, X509_VERSION_3) && random_serial(x) &&
	       X509_gmtime_adj(X509_getm_notBefore(x), -3600) &&         /* clocks of phones are often a little late */
	       X509_time_adj_ex(X509_getm_notAfter(x), YEARS * 365 + 2, 0, NULL) &&
	       X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)host, -1, -1, 0) &&
	       X509_set_issuer_name(x, name) && X509_set_pubkey(x, key) &&
	       add_ext(x, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_ext(x, NID_key_usage, "critical,digitalSignature") &&
	       add_ext(x, NID_ext_key_usage, "serverAuth,clientAuth") && add_ext(x, NID_subject_alt_name, san) &&
	       add_ext(x, NID_subject_key_identifier, "hash") && X509_sign(x, key, EVP_sha256());
}

static void wipe(void *arg)
{
	OPENSSL_cleanse(arg, strlen(arg));
}

int selfsigned_pem(char **pem, size_t *len)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	BIO *bio = BIO_new(BIO_s_secmem());
	char *data, *text;
	int err = EPROTO;
	long n;

	if (!key || !x || !bio || !fill(x, key))
		goto out;
	if (!PEM_write_bio_X509(bio, x) || !PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL))
		goto out;

	n = BIO_get_mem_data(bio, &data);
	text = mem_zalloc((size_t)n + 1, wipe);
	if (!text) {
		err = ENOMEM;
		goto out;
	}
	memcpy(text, data, (size_t)n);
	*pem = text;
	*len = (size_t)n;
	err = 0;
 out:
	BIO_free(bio);
	X509_free(x);
	EVP_PKEY_free(key);
	return err;
}
