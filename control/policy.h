/*
 * policy.h - which role may run which verb, on itself and on others: one table.
 */
#ifndef CONTROL_POLICY_H
#define CONTROL_POLICY_H

#include "command.h"

enum right {
	RIGHT_NO,
	RIGHT_ON,                 /* only with on = true: a listener may mute itself, but there is nothing to unmute */
	RIGHT_FREE,               /* both ways, unless a host has muted it */
	RIGHT_YES,
};

/* What the table says. `self`: the actor acts on itself; else on another member or on the room. */
enum right policy_right(enum role role, enum verb verb, bool self);

/* 0 or EPERM. `held`: the member acted on is muted by a host. */
int policy_check(enum role role, enum verb verb, bool self, bool on, bool held);

#endif
