/*
 * wheel.c - one hashed wheel: a timer due at tick t lies in slot t mod N_SLOTS.
 *
 * A start puts it at the end of its slot's list, a stop takes it out: both O(1), however many wait. Each tick looks
 * through one slot; a timer that is due rounds later stays. With 4096 slots of 100 ms a round is almost seven
 * minutes, so that a session timer of half an hour is looked at four times in its life. A hierarchy of wheels would
 * spare these looks and pay with moving timers down; at 100,000 timers it is 25 looks a tick, which nobody will
 * find in a profile.
 *
 * Time is tmr_jiffies(), libre's clock, so whoever turns that clock turns this wheel. After a jump the ticks missed
 * are run one by one: timers fire in the order in which they were due.
 */
#include "wheel.h"

enum { TICK_MS = 100, N_SLOTS = 4096 };

static struct {
	struct list slot[N_SLOTS];
	struct list firing;               /* due now, not yet called: a handler may still cancel one */
	uint64_t tick;                    /* the last one done */
	size_t n;                         /* timers pending, in slots and firing */
	struct tmr tmr;
} wheel;

static void turn(void *arg);

static void arm(void)
{
	uint64_t now = tmr_jiffies(), next = (wheel.tick + 1) * TICK_MS;

	tmr_start(&wheel.tmr, next > now ? next - now : 0, turn, NULL);
}

static void collect(struct list *slot, uint64_t tick)
{
	struct le *le = list_head(slot);

	while (le) {
		struct wheel_tmr *t = le->data;

		le = le->next;
		if (t->due <= tick) {
			list_unlink(&t->le);
			list_append(&wheel.firing, &t->le, t);
		}
	}
}

static void fire(void)
{
	struct le *le;

	while ((le = list_head(&wheel.firing)) != NULL) {
		struct wheel_tmr *t = le->data;

		wheel_cancel(t);
		t->h(t->arg);             /* may free t, start it again, cancel others */
	}
}

static void turn(void *arg)
{
	uint64_t now = tmr_jiffies() / TICK_MS;

	while (wheel.n && wheel.tick < now) {
		wheel.tick++;
		collect(&wheel.slot[wheel.tick % N_SLOTS], wheel.tick);
		fire();
	}
	if (wheel.n)
		arm();
}

void wheel_start(struct wheel_tmr *t, uint64_t delay_ms, void (*h)(void *arg), void *arg)
{
	uint64_t now = tmr_jiffies();

	wheel_cancel(t);
	if (wheel.n == 0)
		wheel.tick = now / TICK_MS;
	t->h = h;
	t->arg = arg;
	t->due = (now + delay_ms + TICK_MS - 1) / TICK_MS;        /* late by up to a tick, never early */
	if (t->due <= wheel.tick)
		t->due = wheel.tick + 1;
	list_append(&wheel.slot[t->due % N_SLOTS], &t->le, t);
	if (wheel.n++ == 0)
		arm();
}

void wheel_cancel(struct wheel_tmr *t)
{
	if (!t || !t->le.list)
		return;
	list_unlink(&t->le);
	if (--wheel.n == 0)
		tmr_cancel(&wheel.tmr);
}

bool wheel_running(const struct wheel_tmr *t)
{
	return t && t->le.list != NULL;
}

void wheel_close(void)
{
	for (size_t i = 0; i < N_SLOTS; i++)
		list_clear(&wheel.slot[i]);
	list_clear(&wheel.firing);
	wheel.n = 0;
	tmr_cancel(&wheel.tmr);
}
