/*
 * addrlist.h - who may come to a port that knows no accounts: "local", "any", addresses, networks.
 *
 * A value, read on the control thread, then only read; may be asked on any thread.
 */
#ifndef OSC_ADDRLIST_H
#define OSC_ADDRLIST_H

#include <re.h>

enum { ADDRLIST_MAX = 128 };

struct addrlist {
	unsigned n;
	struct addrlist_net { uint8_t len, bits, addr[16]; } net[ADDRLIST_MAX];       /* len: octets of an address, 4 or 16 */
};

/* Words apart by spaces or commas: an address, ADDRESS/BITS, "local" (this machine and the networks it is in, as they are now),
 * "any". EINVAL: another word; E2BIG. "": nobody. */
int  addrlist_read(struct addrlist *l, const char *text);
bool addrlist_has(const struct addrlist *l, const struct sa *addr);

#endif
