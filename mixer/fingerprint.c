/*
 * fingerprint.c - certificates by their hash.
 *
 * RFC 8122 5: "hash functions [..] that are no longer secure MUST NOT be used": of what the registry has, md2, md5 and
 * sha-1 are none to us. Names and digits are compared without regard to case, as the grammar there has upper case and
 * half of the world writes lower.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <re.h>
#include "fingerprint.h"

struct hash { const char *name; const EVP_MD *(*md)(void); size_t len; };

static const struct hash hashes[] = {
	{"sha-256", EVP_sha256, 32},
	{"sha-384", EVP_sha384, 48},
	{"sha-512", EVP_sha512, 64},
};

int fingerprint_write(char *text, size_t size, const struct x509_st *cert)
{
	uint8_t md[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	size_t n;

	if (!cert || !X509_digest(cert, EVP_sha256(), md, &len) || size < sizeof("sha-256 ") + 3 * (size_t)len)
		return EINVAL;
	n = (size_t)re_snprintf(text, size, "sha-256 ");
	for (unsigned i = 0; i < len; i++)
		n += (size_t)re_snprintf(text + n, size - n, "%s%02X", i ? ":" : "", md[i]);
	return 0;
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "AB:CD.." of exactly that many octets, and then nothing or a comma. */
static bool read_hex(uint8_t *md, size_t len, const char *p)
{
	for (size_t i = 0; i < len; i++, p += 3) {
		const int hi = digit(p[0]), lo = hi < 0 ? -1 : digit(p[1]);

		if (lo < 0 || (i + 1 < len ? p[2] != ':' : p[2] && p[2] != ','))
			return false;
		md[i] = (uint8_t)(hi << 4 | lo);
	}
	return true;
}

static const struct hash *read_one(uint8_t *md, const char *p)
{
	for (size_t i = 0; i < ARRAY_SIZE(hashes); i++) {
		const size_t n = strlen(hashes[i].name);

		if (!strncasecmp(p, hashes[i].name, n) && p[n] == ' ')
			return read_hex(md, hashes[i].len, p + n + 1) ? &hashes[i] : NULL;
	}
	return NULL;
}

static const char *next_one(const char *p)
{
	p = strchr(p, ',');
	return p ? p + 1 + strspn(p + 1, " ") : NULL;
}

bool fingerprint_ok(const char *text)
{
	uint8_t md[EVP_MAX_MD_SIZE];

	for (const char *p = text; p; p = next_one(p))
		if (read_one(md, p))
			return true;
	return false;
}

bool fingerprint_is(const char *text, const struct x509_st *cert)
{
	uint8_t want[EVP_MAX_MD_SIZE], is[EVP_MAX_MD_SIZE];
	unsigned len;

	for (const char *p = text; p; p = next_one(p)) {
		const struct hash *h = read_one(want, p);

		if (h && X509_digest(cert, h->md(), is, &len) && len == h->len && !memcmp(want, is, len))
			return true;
	}
	return false;
}
