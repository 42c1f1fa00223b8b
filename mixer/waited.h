/*
 * waited.h - how long the packet with the shortest way waits for its sound. Over the period that runs and the one before it:
 *
 *     when the soonest is mixed  -  when the soonest came            both less its place in the sender's time
 *
 * Not the longest wait there was: where the reader itself is late now and then, or holds more for a moment, that is a wait
 * which no other packet has, and for a second all who reckon by it would be as late as the one.
 */
#ifndef MIXER_WAITED_H
#define MIXER_WAITED_H

#include <stdbool.h>
#include <stdint.h>

struct waited_least { int64_t came_us, due_us; };

struct waited {
	struct waited_least now, before;
	uint64_t since_us;
	int64_t  line;            /* the sender's time, in ticks of its clock, since the first */
	uint32_t ts;
	bool begun;
};

/* It came, and its first sample is mixed, at these moments. */
static inline void waited_add_rt(struct waited *w, uint32_t ts, uint32_t clock, uint64_t came_us, uint64_t due_us, uint64_t period_us)
{
	const struct waited_least none = {INT64_MAX, INT64_MAX};
	const int64_t since = (int64_t)(due_us - w->since_us), period = (int64_t)period_us;
	int64_t place;

	if (!w->begun || since >= period) {
		w->before = w->begun && since < 2 * period ? w->now : none;
		w->now = none;
		w->since_us = due_us;
	}
	w->line += w->begun ? (int32_t)(ts - w->ts) : 0;
	w->ts = ts;
	w->begun = true;
	place = w->line * 1000000 / clock;
	w->now.came_us = (int64_t)came_us - place < w->now.came_us ? (int64_t)came_us - place : w->now.came_us;
	w->now.due_us = (int64_t)due_us - place < w->now.due_us ? (int64_t)due_us - place : w->now.due_us;
}

/* In us; 0: nothing came. */
static inline int64_t waited_of(const struct waited *w)
{
	const struct waited_least *a = &w->now, *b = w->before.due_us == INT64_MAX ? a : &w->before;

	return (a->due_us < b->due_us ? a->due_us : b->due_us) - (a->came_us < b->came_us ? a->came_us : b->came_us);
}

#endif
