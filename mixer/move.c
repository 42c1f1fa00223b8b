/*
 * move.c - a room goes from one media thread to another.
 *
 *     control                      old thread                        new thread
 *     CMD_BUS_LEAVE  ------------> ... the tick it is in ends
 *                                  who fades out has left
 *                                  sockets out of epoll
 *     move_returned  <------------ NOTE_BUS_LEFT
 *     CMD_BUS_ARRIVE ------------------------------------------->    sockets into epoll, next tick
 *     what was wanted of its legs meanwhile ------------------->
 *
 * It leaves right after a tick, so that there is most of a quantum for the way, and packets wait in their sockets. Its
 * sample count goes on: a tick that was due on the way is made up at arrival. So nobody hears it.
 *
 * From the asking to the arrival control tells its legs nothing (leg->moving), as for one leg that moves. A leg that is
 * still fading out of another room to come here would come to an empty place: its thread gives it back by itself, and
 * it waits with control (leg->parked). Nobody can begin to leave meanwhile, so the room's leaving is never put off for long.
 */
#include <sys/epoll.h>
#include <errno.h>
#include "leg.h"
#include "move.h"
#include "tap_rt.h"

enum { CATCH_UP_US = 200000 };

/* --- control --- */

int bus_move(struct bus *b, struct thread *to)
{
	struct cmd c = {.type = CMD_BUS_LEAVE, .bus = b->rt};
	struct le *le;

	if (bus_moving(b) || b->t == to)
		return EALREADY;
	for (le = b->m->legs.head; le; le = le->next) {
		struct leg *l = ((struct leg_rt *)le->data)->ctl;

		if (l && l->bus == b)
			l->moving = true;
	}
	b->rt->to = to;
	return thread_post(b->t, &c, &b->rt->spare_move);
}

/* Nobody's but ours between two threads: all that is in it goes along. */
static void change_home(struct bus_rt *b)
{
	struct le *le;

	for (le = b->legs.head; le; le = le->next) {
		struct leg_rt *l = le->data;

		l->home = b->to;
		l->aboard = true;
		b->t->load--;
		b->to->load++;
	}
	b->t->load--;
	b->to->load++;
	b->t = b->to;
	if (b->ctl)
		b->ctl->t = b->to;
	b->to = NULL;
}

static void tell_tap(struct bus_rt *b)
{
	struct cmd c = {.type = CMD_BUS_TAP, .bus = b, .tap = b->next_tap};

	/* No memory to say so: the recorder finds its tap closed, but the one before goes on. */
	if (b->tap_waits && thread_post(b->t, &c, NULL))
		tap_close(b->next_tap);
	b->next_tap = NULL;
	b->tap_waits = false;
}

void move_returned(struct mixer *m, struct bus_rt *b)
{
	struct cmd c = {.type = CMD_BUS_ARRIVE, .bus = b};
	struct le *le, *next;

	change_home(b);
	thread_post(b->t, &c, &b->spare_move);
	if (b->ctl) {
		bus_say_flush(b->ctl);
		bus_tell_beat(b->ctl);    /* no memory to say so: it goes on as it was */
	}
	for (le = m->legs.head; le; le = next) {
		struct leg_rt *l = le->data;

		next = le->next;
		if (l->aboard)
			leg_arrived(l, b->ctl);
		else if (l->ctl && l->ctl->parked && l->ctl->bus == b->ctl)
			leg_land(l->ctl);
	}
	tell_tap(b);
	m->moves++;
	c.type = CMD_BUS_END;
	if (!b->ctl)
		thread_post(b->t, &c, &b->spare);         /* freed on its way */
}

/* --- media threads --- */

static void watch(const struct thread *t, struct leg_rt *l, int op)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = &l->rtp};

	epoll_ctl(t->rt.epoll, op, l->rtp.fd, &ev);
	ev.data.ptr = &l->rtcp;
	epoll_ctl(t->rt.epoll, op, l->rtcp.fd, &ev);
}

static void turn_away_rt(struct bus_rt *other, const struct bus_rt *b)
{
	struct le *le;

	for (le = other->legs.head; le; le = le->next) {
		struct leg_rt *l = le->data;

		if (l->leaving == LEG_MOVES && l->next_bus == b)
			l->leaving = LEG_DETACHES;
	}
}

void move_ask_rt(struct thread *t, struct bus_rt *b)
{
	struct le *le;

	turn_away_rt(t->rt.limbo, b);
	for (le = t->rt.buses.head; le; le = le->next)
		if (le->data != b)
			turn_away_rt(le->data, b);
	b->departing = true;
	if (list_isempty(&b->legs))
		move_go_rt(b);
}

void move_go_rt(struct bus_rt *b)
{
	struct le *le;

	for (le = b->legs.head; le; le = le->next)
		if (((struct leg_rt *)le->data)->leaving != LEG_STAYS)
			return;
	for (le = b->legs.head; le; le = le->next) {
		struct leg_rt *l = le->data;

		watch(b->t, l, EPOLL_CTL_DEL);
		l->t = NULL;
	}
	list_unlink(&b->le);
	b->departing = false;
	thread_back_rt(b->t, &b->back, NOTE_BUS_LEFT, b);
}

void move_in_rt(struct thread *t, struct bus_rt *b)
{
	struct le *le;

	for (le = b->legs.head; le; le = le->next) {
		struct leg_rt *l = le->data;

		l->t = t;
		watch(t, l, EPOLL_CTL_ADD);
	}
	b->arrived = true;
	b->busy_us = 0;
	list_append(&t->rt.buses, &b->le, b);
}

bool move_arrived_rt(struct bus_rt *b, uint64_t late_us)
{
	bool arrived = b->arrived;

	b->arrived = false;
	return arrived && late_us < CATCH_UP_US;
}
