/*
 * roomclock.c - a few exchanges in the beginning, so that the clock is known within two seconds; then one a second, for drift and for a way that does not wait.
 */
#include <string.h>
#include "roomclock.h"

enum { QUICK = 8, QUICK_US = 300000, SLOW_US = 1000000 };

void roomclock_init(struct roomclock *c)
{
	*c = (struct roomclock){.next_us = UINT64_MAX};
	sharedclock_init(&c->clock);
}

void roomclock_begin(struct roomclock *c, uint64_t now_us)
{
	roomclock_init(c);
	c->next_us = now_us;
}

bool roomclock_ask(struct roomclock *c, uint8_t buf[ROOMCLOCK_MSG_MAX], size_t *len, uint64_t now_us)
{
	const struct osc_arg a = {.tag = 'h', .v.h = (int64_t)now_us};
	struct osc_writer w;

	if (now_us < c->next_us)
		return false;
	c->next_us = now_us + (c->asked < QUICK ? QUICK_US : SLOW_US);
	c->open[c->asked++ % ROOMCLOCK_OPEN] = a.v.h;
	osc_w_init(&w, buf, ROOMCLOCK_MSG_MAX);
	osc_w_msg(&w, "/tutti/clock", &a, 1);
	return !osc_w_end(&w, len);
}

static bool was_asked(struct roomclock *c, int64_t t0)
{
	for (unsigned i = 0; t0 && i < ROOMCLOCK_OPEN; i++) {
		if (c->open[i] != t0)
			continue;
		c->open[i] = 0;
		return true;
	}
	return false;
}

bool roomclock_hear(struct roomclock *c, const struct osc_msg *msg, uint64_t at_us)
{
	struct osc_arg t[3];
	struct osc_args it;

	if (strcmp(msg->addr, "/tutti/clock/reply") != 0 || strncmp(msg->tags, "hhh", 3) != 0)
		return false;
	osc_args_init(&it, msg);
	for (int i = 0; i < 3; i++)
		if (!osc_arg_next(&it, &t[i]))
			return false;
	if (!was_asked(c, t[0].v.h))
		return false;
	(void)sharedclock_add(&c->clock, (uint64_t)t[0].v.h, (uint64_t)t[1].v.h, (uint64_t)t[2].v.h, at_us);
	return true;
}
