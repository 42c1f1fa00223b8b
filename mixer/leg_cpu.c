/*
 * leg_cpu.c - what a leg costs, roughly: one tick of 17 is measured and counts for all.
 *
 * Asking the time costs 50 ns, four to eight times a tick, and a G.711 leg some 4 us; so every tick would be too dear. 17 has
 * no common factor with the ticks in a frame, so that those with an encode are met as often as they happen. What others
 * took of the core meanwhile is in it too.
 */
#include <time.h>
#include "leg.h"

enum { EVERY = 17 };

static uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

void leg_cpu_begin_rt(struct leg_rt *l)
{
	if (l->cpu.on)
		l->cpu.since_ns = clock_ns();
}

void leg_cpu_end_rt(struct leg_rt *l)
{
	if (l->cpu.on)
		count_add(&l->n.cpu_ns, EVERY * (clock_ns() - l->cpu.since_ns));
}

void leg_cpu_turn_rt(struct leg_rt *l)
{
	l->cpu.turn = (uint8_t)((l->cpu.turn + 1) % EVERY);
	l->cpu.on = !l->cpu.turn;
	leg_cpu_begin_rt(l);
}
