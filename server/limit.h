/*
 * limit.h - how many a second from one source address: a token bucket each, in a table of fixed size. O(1), never grows.
 * An IPv6 source is its /64. When a set of the table is full the bucket that was quiet longest makes room.
 */
#ifndef SERVER_LIMIT_H
#define SERVER_LIMIT_H

#include <re.h>

struct limit;

int  limit_alloc(struct limit **lp, uint32_t per_second, uint32_t burst);    /* per_second 0: no limit */
void limit_give(struct limit *l, const struct sa *src);                      /* one that was taken is given back */
bool limit_take(struct limit *l, const struct sa *src, uint64_t now_ms);     /* false: over the limit */

#endif
