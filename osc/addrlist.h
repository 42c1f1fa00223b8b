/*
 * addrlist.h - a list of addresses and networks: "127.0.0.0/8 ::1 192.168.7.20". Pure.
 */
#ifndef OSC_ADDRLIST_H
#define OSC_ADDRLIST_H

#include <re.h>

enum { ADDRLIST_MAX = 64 };

struct addrlist {
	unsigned n;
	struct { struct sa net; uint8_t bits; } entry[ADDRLIST_MAX];
};

/* One word. EINVAL: not an address, or not so many bits; E2BIG: a 65th. */
int  addrlist_add(struct addrlist *l, const char *word, size_t len);
bool addrlist_has(const struct addrlist *l, const struct sa *addr);

#endif
