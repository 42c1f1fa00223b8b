/*
 * wheel.h - timers by the thousand: session, subscription and registration timers. libre keeps one sorted list,
 * where a start among 100,000 later timers costs 165 us; here start and stop are O(1). Resolution 100 ms. Control
 * thread only. Driven by one libre timer, which runs only while a wheel timer is pending.
 */
#ifndef CONTROL_WHEEL_H
#define CONTROL_WHEEL_H

#include <re.h>

struct wheel_tmr {
	struct le le;
	uint64_t due;                     /* in ticks of the wheel */
	void (*h)(void *arg);
	void *arg;
};

void wheel_start(struct wheel_tmr *t, uint64_t delay_ms, void (*h)(void *arg), void *arg);   /* restarts when running */
void wheel_cancel(struct wheel_tmr *t);
bool wheel_running(const struct wheel_tmr *t);
void wheel_close(void);                                   /* at exit: the libre timer is stopped */

#endif
