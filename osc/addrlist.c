/*
 * addrlist.c - a list of addresses and networks.
 *
 * An IPv4 address that comes mapped into IPv6 is none of an IPv4 network here: listening sockets are of one family.
 */
#include <errno.h>
#include <string.h>
#include <re.h>

#include "addrlist.h"

static const uint8_t *octets(const struct sa *sa, unsigned *bits)
{
	if (sa_af(sa) == AF_INET6) {
		*bits = 128;
		return sa->u.in6.sin6_addr.s6_addr;
	}
	*bits = 32;
	return (const uint8_t *)&sa->u.in.sin_addr.s_addr;
}

static int read_bits(uint8_t *bits, const char *p, size_t len, unsigned max)
{
	unsigned n = 0;

	if (len < 1 || len > 3)
		return EINVAL;
	for (size_t i = 0; i < len; i++) {
		if (p[i] < '0' || p[i] > '9')
			return EINVAL;
		n = n * 10 + (unsigned)(p[i] - '0');
	}
	if (n > max)
		return EINVAL;

	*bits = (uint8_t)n;
	return 0;
}

int addrlist_add(struct addrlist *l, const char *word, size_t len)
{
	const char *slash = memchr(word, '/', len);
	const size_t n = slash ? (size_t)(slash - word) : len;
	char text[64];
	struct sa sa;
	unsigned bits;
	int err;

	if (n == 0 || n >= sizeof(text))
		return EINVAL;
	if (l->n == ADDRLIST_MAX)
		return E2BIG;

	memcpy(text, word, n);
	text[n] = '\0';
	err = sa_set_str(&sa, text, 0);
	if (err)
		return EINVAL;
	(void)octets(&sa, &bits);
	l->entry[l->n].net  = sa;
	l->entry[l->n].bits = (uint8_t)bits;
	if (slash)
		err = read_bits(&l->entry[l->n].bits, slash + 1, len - n - 1, bits);
	if (!err)
		l->n++;

	return err;
}

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	const unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, whole))
		return false;

	return !rest || ((a[whole] ^ b[whole]) & (0xff00 >> rest)) == 0;
}

bool addrlist_has(const struct addrlist *l, const struct sa *addr)
{
	for (unsigned i = 0; i < l->n; i++) {
		unsigned bits;

		if (sa_af(&l->entry[i].net) == sa_af(addr) &&
		    same_bits(octets(&l->entry[i].net, &bits), octets(addr, &bits), l->entry[i].bits))
			return true;
	}

	return false;
}
