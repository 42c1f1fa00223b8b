/*
 * ahead.h - the cache lines of the members that come next, asked for while this one's packet is read, sent or played.
 *
 *     member      i        i + 1       i + 2
 *                 work     its plan    itself
 *
 * In a large room nothing of a member is in the cache when its turn comes, and what is done with it takes less time than to
 * wait for its twenty lines one by one. Its plan is found in itself: so that a member later.
 * Its jitter buffer as well was measured: so many lines at once are not fetched any sooner.
 */
#ifndef MIXER_AHEAD_H
#define MIXER_AHEAD_H

#include <stddef.h>
#include "leg.h"

enum { AHEAD_LINE = 64 };

static inline void ahead_rt(const void *p, size_t n)
{
	for (size_t i = 0; i < n; i += AHEAD_LINE)
		__builtin_prefetch((const char *)p + i, 1);
}

static inline void ahead_leg_rt(const struct leg_rt *l)
{
	ahead_rt(l, offsetof(struct leg_rt, play.gate.kept));
}

static inline void ahead_plan_rt(const struct leg_rt *l)
{
	if (!l->plan)
		return;
	ahead_rt(l->plan, offsetof(struct leg_plan, rx[1]));
	ahead_rt(&l->plan->desc.rtcp_mux, 2 * AHEAD_LINE);
}

/* For a walk over a bus's members; le is the one whose turn it is. (A member's place in the list is its first field.) */
static inline void ahead_walk_rt(const struct le *le)
{
	const struct le *next = le->next;

	if (next)
		ahead_leg_rt((const struct leg_rt *)(const void *)next);
}

#endif
