/*
 * rate.h - how many a second of one key (an address, a token): token buckets in a table of fixed size. One thread.
 */
#ifndef WEB_RATE_H
#define WEB_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct rate;
struct rate *rate_new(uint32_t per_second, uint32_t burst);        /* per_second 0: no limit; g_free */
bool rate_take(struct rate *r, const char *key, int64_t now_us);   /* false: over the limit */

#endif
