/*
 * leg_say.c - the door's calls for sounds (say.h), and the way of a batch to the media thread and back.
 *
 * While a leg, or a bus, is on its way between two threads its batches wait for it here. All that is not yet back
 * counts: so nobody can queue without bound.
 */
#include <errno.h>
#include <math.h>
#include "engine.h"
#include "leg.h"
#include "move.h"

#define SAY_GAIN_MAX 4.0f

/* --- a batch --- */

static void batch_destructor(void *arg)
{
	struct say_batch *b = arg;

	list_unlink(&b->le);
	for (unsigned i = 0; i < b->n_held; i++)
		mem_deref(b->held[i]);
}

static bool piece_ok(const struct leg_say *p)
{
	return p->smp && p->n && p->gain >= 0 && p->gain <= SAY_GAIN_MAX && p->under >= 0 && p->under <= 1;
}

static int batch_alloc(struct say_batch **bp, const struct leg_say *list, size_t n, enum leg_say_how how)
{
	struct say_batch *b;

	if (!n && how != LEG_SAY_NOW)
		return EINVAL;
	if (n > LEG_SAY_MAX)
		return ENOSPC;
	for (size_t i = 0; i < n; i++)
		if (!piece_ok(&list[i]))
			return EINVAL;
	b = mem_zalloc(sizeof(*b) + n * sizeof(b->piece[0]), batch_destructor);
	if (!b)
		return ENOMEM;
	b->cut = how == LEG_SAY_NOW;
	b->n = b->n_held = (unsigned)n;
	for (size_t i = 0; i < n; i++) {
		b->piece[i] = list[i];
		b->held[i] = mem_ref(list[i].owner);
	}
	*bp = b;
	return 0;
}

/* Until there is a thread to tell. Nobody has heard of what waits already; so it can be cut by freeing it. */
static void wait_here(struct list *waiting, unsigned *n, struct say_batch *b)
{
	struct le *le;

	while (b->cut && (le = waiting->head)) {
		*n -= ((struct say_batch *)le->data)->n_held;
		mem_deref(le->data);
	}
	list_append(waiting, &b->le, b);
}

/* Something new may be queued while as much again fades out. */
static bool too_many(unsigned waiting, size_t n, enum leg_say_how how)
{
	return n && waiting + n > LEG_SAY_MAX * (how == LEG_SAY_NOW ? 2 : 1);
}

/* --- a leg's --- */

static int leg_send_batch(struct leg *l, struct say_batch *b)
{
	struct cmd c = {.type = CMD_LEG_SAY, .leg = l->rt, .say = b};

	return thread_post(l->rt->home, &c, NULL);
}


int leg_say(struct leg *l, const struct leg_say *list, size_t n, enum leg_say_how how)
{
	struct say_batch *b;
	int err;

	if (!l->rt)
		return ENODEV;
	if (too_many(l->n_say, n, how))
		return ENOSPC;
	err = batch_alloc(&b, list, n, how);
	if (err)
		return err;
	b->leg_rt = l->rt;
	b->serial = l->say_serial + 1;
	if (l->moving)
		wait_here(&l->next_say, &l->n_say, b);
	else
		err = leg_send_batch(l, b);
	if (err) {
		mem_deref(b);
		return err;
	}
	l->say_serial++;
	l->n_say += (unsigned)n;
	return 0;
}

void leg_say_flush(struct leg *l)
{
	struct le *le;

	while ((le = l->next_say.head)) {
		struct say_batch *b = le->data;

		list_unlink(le);
		if (leg_send_batch(l, b)) {
			l->n_say -= b->n_held;
			mem_deref(b);
		}
	}
}

/* --- a bus's --- */

static int bus_send_batch(struct bus *bus, struct say_batch *b)
{
	struct cmd c = {.type = CMD_BUS_SAY, .bus = bus->rt, .say = b};

	return thread_post(bus->t, &c, NULL);
}

int bus_say(struct bus *bus, const struct leg_say *list, size_t n, enum leg_say_how how)
{
	struct say_batch *b;
	int err;

	if (!bus->m)
		return ENODEV;
	if (too_many(bus->n_say, n, how))
		return ENOSPC;
	err = batch_alloc(&b, list, n, how);
	if (err)
		return err;
	for (size_t i = 0; i < n; i++)
		b->piece[i].under = 1;
	b->bus_rt = bus->rt;
	b->serial = bus->say_serial + 1;
	if (bus_moving(bus))
		wait_here(&bus->next_say, &bus->n_say, b);
	else
		err = bus_send_batch(bus, b);
	if (err) {
		mem_deref(b);
		return err;
	}
	bus->say_serial++;
	bus->n_say += (unsigned)n;
	return 0;
}

void bus_say_flush(struct bus *bus)
{
	struct le *le;

	while ((le = bus->next_say.head)) {
		struct say_batch *b = le->data;

		list_unlink(le);
		if (bus_send_batch(bus, b)) {
			bus->n_say -= b->n_held;
			mem_deref(b);
		}
	}
}

/* --- back --- */

/* The leg or bus is alive: it comes back itself later, by the same ring or one it went to since. */
void say_done(struct say_batch *b)
{
	struct leg *l = b->leg_rt ? b->leg_rt->ctl : NULL;
	struct bus *bus = b->bus_rt ? b->bus_rt->ctl : NULL;
	bool said = l && b->n && b->finished && b->serial == l->say_serial;

	if (l)
		l->n_say -= b->n_held;
	if (bus)
		bus->n_say -= b->n_held;
	mem_deref(b);
	if (said && l->conf.eventh) {
		struct leg_event ev = {.type = LEG_EVENT_SAID};

		l->conf.eventh(&ev, l->conf.arg);
	}
}

void say_free(struct say *s)
{
	while (s->first) {
		struct say_batch *b = s->first;

		s->first = b->next;
		mem_deref(b);
	}
}
