/*
 * balance.c - rooms spread over the media threads by what they cost, measured.
 *
 * A new room goes to the thread with the least to do, but rooms grow. When a thread has more than 60 % of its core to do and
 * another at least 25 points less, the room moves that leaves the busier of the two with the least; not for less than five
 * points, not because of one second, and never two in five seconds, as what a move changes shows only a second later.
 * A room that is all its thread has to do stays where it is: elsewhere it would cost the same.
 *
 * A room's share is the time of its ticks, measured by its thread, and of the time its thread read sockets as much as it
 * has legs.
 */
#include <errno.h>
#include "balance.h"
#include "engine.h"
#include "leg.h"
#include "move.h"

enum { BUSY = 600000, UNEVEN = 250000, WORTH = 50000, TIMES = 2, REST_MS = 5000, ROOMS_MAX = 1024, LEG_GUESS = 1000 };

int balance_choose(unsigned *to, const uint32_t *share, unsigned n_threads, const struct balance_room *room, size_t n_rooms)
{
	unsigned from = 0;
	uint32_t least;
	int best = -1;

	*to = 0;
	for (unsigned i = 1; i < n_threads; i++) {
		from = share[i] > share[from] ? i : from;
		*to = share[i] < share[*to] ? i : *to;
	}
	if (share[from] <= BUSY || share[from] - share[*to] <= UNEVEN)
		return -1;
	least = share[from] - WORTH;
	for (size_t i = 0; i < n_rooms; i++) {
		uint32_t s = room[i].share < share[from] ? room[i].share : share[from];
		uint32_t left = share[from] - s, there = share[*to] + s, most = left > there ? left : there;

		if (room[i].thread != from || most >= least)
			continue;
		least = most;
		best = (int)i;
	}
	return best;
}

bool balance_ripe(struct balance *b, bool wanted, uint64_t now_ms)
{
	b->wanted = wanted ? b->wanted + 1 : 0;
	if (b->wanted < TIMES || (b->moved_ms && now_ms - b->moved_ms < REST_MS))
		return false;
	b->wanted = 0;
	b->moved_ms = now_ms;
	return true;
}

/* --- the engine's --- */

static uint32_t share_of(const struct thread *t) { return atomic_load_explicit(&t->share, memory_order_relaxed); }

/* Until it is measured a leg counts as about what a phone takes. */
struct thread *mixer_idlest(const struct mixer *m)
{
	struct thread *best = m->threads[0];

	for (unsigned i = 1; i < m->n_threads; i++) {
		struct thread *t = m->threads[i];

		if (share_of(t) + (uint64_t)t->load * LEG_GUESS < share_of(best) + (uint64_t)best->load * LEG_GUESS)
			best = t;
	}
	return best;
}

static unsigned index_of(const struct mixer *m, const struct thread *t)
{
	unsigned i = 0;

	while (i < m->n_threads - 1 && m->threads[i] != t)
		i++;
	return i;
}

/* Of a thread's time what is no room's tick goes to its rooms by their legs. */
static void add_sockets(struct mixer *m, struct balance_room *room, struct bus **bus, size_t n, const uint32_t *share)
{
	unsigned legs[ROOMS_MAX] = {0}, all[THREADS_MAX] = {0};
	uint64_t ticks[THREADS_MAX] = {0};
	struct le *le;

	for (size_t i = 0; i < n; i++)
		ticks[room[i].thread] += room[i].share;
	for (le = m->legs.head; le; le = le->next) {
		const struct leg *l = ((struct leg_rt *)le->data)->ctl;

		for (size_t i = 0; l && i < n; i++)
			if (l->bus == bus[i])
				legs[i]++, all[room[i].thread]++;
	}
	for (size_t i = 0; i < n; i++) {
		unsigned t = room[i].thread;

		if (all[t] && share[t] > ticks[t])
			room[i].share += (uint32_t)((share[t] - ticks[t]) * legs[i] / all[t]);
	}
}

static size_t rooms_of(struct mixer *m, struct balance_room *room, struct bus **bus)
{
	size_t n = 0;
	struct le *le;

	for (le = m->buses.head; le && n < ROOMS_MAX; le = le->next) {
		struct bus_rt *b = le->data;
		uint32_t share = atomic_load_explicit(&b->share, memory_order_relaxed);

		if (!b->ctl || b->to || !share)
			continue;
		bus[n] = b->ctl;
		room[n++] = (struct balance_room){index_of(m, b->t), share};
	}
	return n;
}

void mixer_balance(struct mixer *m, uint64_t now_ms)
{
	struct balance_room room[ROOMS_MAX];
	uint32_t share[THREADS_MAX] = {0};
	struct bus *bus[ROOMS_MAX];
	unsigned to;
	size_t n;
	int i;

	if (m->n_threads < 2)
		return;
	for (unsigned k = 0; k < m->n_threads; k++)
		share[k] = share_of(m->threads[k]);
	n = rooms_of(m, room, bus);
	add_sockets(m, room, bus, n, share);
	i = balance_choose(&to, share, m->n_threads, room, n);
	if (balance_ripe(&m->balance, i >= 0, now_ms))
		bus_move(bus[i], m->threads[to]);
}
