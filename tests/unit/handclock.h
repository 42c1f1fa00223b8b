/*
 * handclock.h - a clock a test turns by hand: this program's tmr_jiffies stands before libre's. Include it once, call
 * clock_open after libre_init.
 */
#ifndef TESTS_HANDCLOCK_H
#define TESTS_HANDCLOCK_H

#include <re.h>

static uint64_t now_ms = 5000000;
static struct tmr clock_far;              /* always last: it leads us to libre's list of timers */

uint64_t tmr_jiffies(void);
uint64_t tmr_jiffies(void)
{
	return now_ms;
}

/* The time of day goes with it (control/now.c); wall_ms is what it was when the clock showed 0. */
static uint64_t wall_ms = 1700000000000;

uint64_t unix_ms(void);
uint64_t unix_ms(void)
{
	return wall_ms + now_ms;
}

static inline void clock_nop(void *arg)
{
}

static inline void clock_open(void)
{
	tmr_init(&clock_far);
	tmr_start(&clock_far, 1000ull * 86400 * 365, clock_nop, NULL);
}

static inline void clock_close(void)
{
	tmr_cancel(&clock_far);
}

/* As the loop would do it: on to each libre timer as it comes due. Returns how often it woke. */
static inline unsigned clock_advance(uint64_t ms)
{
	uint64_t end = now_ms + ms;
	unsigned n = 0;

	for (;;) {
		struct tmr *first = list_head(clock_far.le.list)->data;
		uint64_t left = tmr_get_expire(first);

		if (now_ms + left > end)
			break;
		now_ms += left;
		tmr_poll(clock_far.le.list);
		n++;
	}
	now_ms = end;
	return n;
}

#endif
