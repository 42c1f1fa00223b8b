/*
 * appleport.h - AppleMIDI for Macs, iPads and rtpmidid: a pair of UDP ports for each room, players of its ensemble behind it.
 *
 * Control thread. Rooms that are written down with a port have it from the beginning, open or not; others while they are open.
 */
#ifndef OSC_APPLEPORT_H
#define OSC_APPLEPORT_H

#include <re.h>

struct appleports;
struct dnssd;
struct relay;

struct appleports_conf {
	const char *ports;           /* as portbook.h reads it */
	const char *from;            /* as addrlist.h reads it */
	unsigned max;                /* sessions of one port; 1 to 64 */
	unsigned max_per_address;    /* 0: as many */
	struct sa local;             /* unset: all addresses of the machine, IPv4 and IPv6 */
};

/* dnssd NULL: nobody is told. Both outlive it. EINVAL: a list is wrong. Ports that cannot be opened are logged. */
int  appleports_alloc(struct appleports **ap, struct relay *r, struct dnssd *d, const struct appleports_conf *conf);

/* A room has opened, or closed. */
void appleports_room(struct appleports *a, const char *room, bool open);

/* Where a room's port is: control and data, of IPv4 where it has both. ENOENT: it has none. */
int  appleports_bound(const struct appleports *a, const char *room, struct sa at[2]);

struct appleports_stats { uint64_t malformed, stranger, refused, ignored, sessions; unsigned ports, players; };
void appleports_stats(const struct appleports *a, struct appleports_stats *s);

/* NULL if the lists are right: what settings are checked with. */
const char *appleports_check(const char *ports, const char *from);

#endif
