/*
 * addrlist.c - networks as octets and a number of bits. An IPv4 address written in IPv6 (::ffff:a.b.c.d) is that of IPv4.
 */
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include "addrlist.h"

enum { WORD_MAX = 64, V4 = 4, V6 = 16 };

static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

/* Gives how many octets there are; 0: no address. */
static uint8_t octets(uint8_t addr[V6], const struct sockaddr *sa)
{
	const struct in6_addr *six = &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr;

	if (sa->sa_family == AF_INET) {
		memcpy(addr, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, V4);
		return V4;
	}
	if (sa->sa_family != AF_INET6)
		return 0;
	if (!memcmp(six, mapped, sizeof(mapped))) {
		memcpy(addr, (const uint8_t *)six + sizeof(mapped), V4);
		return V4;
	}
	memcpy(addr, six, V6);
	return V6;
}

static int add(struct addrlist *l, const struct addrlist_net *net)
{
	if (l->n == ADDRLIST_MAX)
		return E2BIG;
	l->net[l->n++] = *net;
	return 0;
}

static uint8_t mask_bits(const uint8_t *mask, uint8_t len)
{
	uint8_t n = 0;

	while (n < len * 8 && mask[n / 8] >> (7 - n % 8) & 1)
		n++;
	return n;
}

static int add_interface(struct addrlist *l, const struct ifaddrs *ifa)
{
	struct addrlist_net net = {.len = 0};
	uint8_t mask[V6];

	if (!ifa->ifa_addr || !ifa->ifa_netmask || !(ifa->ifa_flags & IFF_UP))
		return 0;
	net.len = octets(net.addr, ifa->ifa_addr);
	if (!net.len || octets(mask, ifa->ifa_netmask) != net.len)
		return 0;
	net.bits = mask_bits(mask, net.len);
	return add(l, &net);
}

static int add_local(struct addrlist *l)
{
	static const struct addrlist_net own[] = {{V4, 8, {127}}, {V6, 128, {[15] = 1}}};
	struct ifaddrs *list = NULL;
	int err = add(l, &own[0]);

	if (!err)
		err = add(l, &own[1]);
	if (getifaddrs(&list))
		return err;
	for (const struct ifaddrs *i = list; i && !err; i = i->ifa_next)
		err = add_interface(l, i);
	freeifaddrs(list);
	return err;
}

static int add_any(struct addrlist *l)
{
	static const struct addrlist_net all[] = {{V4, 0, {0}}, {V6, 0, {0}}};
	const int err = add(l, &all[0]);

	return err ? err : add(l, &all[1]);
}

static int add_written(struct addrlist *l, char *word)
{
	struct addrlist_net net = {.len = 0};
	char *slash = strchr(word, '/');
	struct pl bits = {.p = NULL};
	struct sa sa;

	if (slash) {
		*slash = '\0';
		pl_set_str(&bits, slash + 1);
		if (!bits.l || bits.l > 3 || strspn(bits.p, "0123456789") != bits.l)
			return EINVAL;
	}
	if (sa_set_str(&sa, word, 0))
		return EINVAL;
	net.len = octets(net.addr, &sa.u.sa);
	net.bits = (uint8_t)(net.len * 8);
	if (slash && pl_u32(&bits) > net.bits)
		return EINVAL;
	if (slash)
		net.bits = (uint8_t)pl_u32(&bits);
	return net.len ? add(l, &net) : EINVAL;
}

int addrlist_read(struct addrlist *l, const char *text)
{
	static const char between[] = " \t,";
	char word[WORD_MAX];
	int err = 0;

	l->n = 0;
	while (!err) {
		size_t n;

		text += strspn(text, between);
		n = strcspn(text, between);
		if (!n)
			break;
		if (n >= sizeof(word))
			return EINVAL;
		memcpy(word, text, n);
		word[n] = '\0';
		text += n;
		if (!strcmp(word, "any"))
			err = add_any(l);
		else
			err = strcmp(word, "local") ? add_written(l, word) : add_local(l);
	}
	return err;
}

static bool same_bits(const uint8_t *a, const uint8_t *b, uint8_t bits)
{
	const uint8_t rest = (uint8_t)(0xff00 >> bits % 8);

	return !memcmp(a, b, bits / 8) && (bits % 8 == 0 || ((a[bits / 8] ^ b[bits / 8]) & rest) == 0);
}

bool addrlist_has(const struct addrlist *l, const struct sa *addr)
{
	uint8_t a[V6];
	const uint8_t len = octets(a, &addr->u.sa);

	for (unsigned i = 0; len && i < l->n; i++) {
		if (l->net[i].len == len && same_bits(a, l->net[i].addr, l->net[i].bits))
			return true;
	}
	return false;
}
