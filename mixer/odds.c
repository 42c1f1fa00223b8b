/*
 * odds.c - how often would sound be missing, if a jitter buffer held this much, or that?
 *
 *     span   10 s | 10 s | 10 s | 10 s | 10 s | now        the oldest is forgotten when a new one begins
 *
 * Counted, not computed from a distribution that is assumed: what a player wants to know are the few packets a minute at the
 * far end of it, of which no formula knows. Frames and not time are the measure, so that who pauses keeps its odds.
 */
#include <string.h>
#include "odds.h"

enum { SPAN_US = 10000000, LEAST_US = 2000000, STEPS_LEAST_US = 4000000 };

void odds_clear_rt(struct odds *o)
{
	memset(o, 0, sizeof(*o));
}

void odds_due_rt(struct odds *o, uint32_t n, uint64_t now_us)
{
	if (now_us - o->since_us >= SPAN_US) {
		o->since_us = now_us;
		o->at = (o->at + 1) % ODDS_SPANS;
		memset(&o->span[o->at], 0, sizeof(o->span[o->at]));
	}
	o->span[o->at].due += n;
}

void odds_came_rt(struct odds *o, unsigned late, unsigned steps)
{
	struct odds_span *s = &o->span[o->at];

	s->came++;
	for (unsigned i = 0; i < ODDS_CHOICES; i++)
		s->late[i] += late >> i & 1;
	if (steps <= ODDS_STEPS)
		s->wants[steps]++;
}

int odds_steps(const struct odds *o, uint32_t frame_us, uint32_t a_minute)
{
	uint64_t due = 0, late = 0;
	int steps = ODDS_STEPS;

	for (unsigned i = 0; i < ODDS_SPANS; i++)
		due += o->span[i].due;
	if (due * frame_us < STEPS_LEAST_US)
		return -1;
	for (; steps > 0; steps--) {
		for (unsigned i = 0; i < ODDS_SPANS; i++)
			late += o->span[i].wants[steps];
		if (late > a_minute)
			break;
	}
	return steps;
}

bool odds_minute(const struct odds *o, uint32_t frame_us, float missing[ODDS_CHOICES])
{
	struct odds_span all = {0};

	for (unsigned i = 0; i < ODDS_SPANS; i++) {
		all.due += o->span[i].due;
		all.came += o->span[i].came;
		for (unsigned k = 0; k < ODDS_CHOICES; k++)
			all.late[k] += o->span[i].late[k];
	}
	if (!frame_us || (uint64_t)all.due * frame_us < LEAST_US)
		return false;
	for (unsigned k = 0; k < ODDS_CHOICES; k++) {
		const uint32_t lost = all.due > all.came ? all.due - all.came : 0;

		missing[k] = (float)(lost + all.late[k]) / (float)all.due * 60e6f / (float)frame_us;
	}
	return true;
}
