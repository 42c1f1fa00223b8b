/*
 * dnssd.h - services of this server told to the local network (DNS-SD, RFC 6763), by the machine's Avahi daemon.
 *
 * Control thread. Where no daemon runs everything else works; it is looked for again now and then, and one that comes, goes or
 * starts anew is told everything.
 */
#ifndef OSC_DNSSD_H
#define OSC_DNSSD_H

#include <stddef.h>
#include <stdint.h>

struct dnssd;
struct dnssd_entry;

/* "A service instance name is at most 63 octets" (RFC 6763 4.1.1), and so are our records of text. */
enum { DNSSD_NAME_MAX = 63, DNSSD_TEXT_MAX = 255, DNSSD_TEXTS_MAX = 16, DNSSD_ENTRIES_MAX = 1024 };

int dnssd_alloc(struct dnssd **dp);

/* Known as "WHAT on HOST" until it is let go (mem_deref), with a number behind it where the network has one of that name. type:
 * "_apple-midi._udp"; txt: "key=value", NULL at the end or none. EINVAL: a type or text that cannot be; E2BIG: too many. */
int dnssd_register(struct dnssd_entry **ep, struct dnssd *d, const char *what, const char *type, uint16_t port,
	const char *const *txt);

/* "WHAT on HOST" within DNSSD_NAME_MAX octets: valid UTF-8 in, valid UTF-8 out. */
void dnssd_name(char name[DNSSD_NAME_MAX + 1], const char *what, const char *host);

#endif
