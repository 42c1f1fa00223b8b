/*
 * ban.h - who is not let into a room: a list of callers. Private to control/.
 */
#ifndef CONTROL_BAN_H
#define CONTROL_BAN_H

#include <re.h>
#include "caller.h"

enum { BANS_MAX = 256 };

struct ban {
	struct le le;
	char uri[CALLER_KEY_MAX];         /* a caller's key, or a name without a host */
	uint64_t at_ms;
};

struct ban *ban_find(const struct list *bans, const char *uri);           /* this very one */
bool ban_meets(const struct list *bans, const char *key);                 /* is this caller banned? */
int  ban_add(struct list *bans, const char *uri, uint64_t at_ms);         /* ENOSPC: BANS_MAX are there */

#endif
