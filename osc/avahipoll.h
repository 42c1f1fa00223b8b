/*
 * avahipoll.h - libre's loop as Avahi's client library wants a loop to be: descriptors and points in time to be called at.
 *
 * For the control thread alone, and nothing else than dnssd.c needs it. What Avahi made through it must be gone when it is let
 * go (mem_deref).
 */
#ifndef OSC_AVAHIPOLL_H
#define OSC_AVAHIPOLL_H

#include <avahi-common/watch.h>

struct avahipoll;

int avahipoll_alloc(struct avahipoll **pp);
const AvahiPoll *avahipoll_api(const struct avahipoll *p);

#endif
