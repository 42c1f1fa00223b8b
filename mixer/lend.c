/*
 * lend.c - one frame for many, by many hands.
 *
 *     thread of the room   encode once,  lay out the list,  ticket ->  take 16, send;  take 16, send; ...  wait for the last
 *     another, woken                                                   take 16, send; ...
 *
 * In a room of thousands nearly all the work is a header, SRTP and sendto for each listener, and one thread has to do it. So
 * it lays out whom the frame is for, and whoever has time takes some of them at once: a listener's sending half belongs
 * to who has taken it, until the round is over. Nothing is handed over for longer than that, so numbers, RTP time and SRTP
 * counters go on wherever the last packet was sent from, and RTCP, description changes and departures need to know nothing.
 *
 * The ticket is one word: which round, how many there are, how many are taken. To take is to add to it by compare and swap; if
 * that succeeds, the round was still the one that was looked at. A helper that never comes costs nothing: the owner takes
 * all. One that was stopped in the middle is waited for, and the processor let go meanwhile, as it may be the one it wants.
 *
 * Why not a ring of payloads to a thread that keeps the listeners: docs/decisions/0051-helping-hands.md
 */
#include <sched.h>
#include <unistd.h>
#include "lend.h"

enum { CHUNK = 16, EACH_HELPS = 4 * CHUNK, SPINS = 200, HELP_SHARE = 700000 };

static uint64_t ticket_new(uint32_t round, size_t n) { return (uint64_t)round << 32 | (uint64_t)n << 16; }

static uint32_t share_of(const struct thread *t) { return atomic_load_explicit(&t->share, memory_order_relaxed); }

/* Some of home's listeners, sent to by the thread that calls. false: there is none left. */
static bool take_rt(struct thread *home, struct thread *by)
{
	struct lend *x = &home->lend;
	uint64_t k = atomic_load_explicit(&x->ticket, memory_order_acquire);
	unsigned first, n;

	do {
		first = k & 0xffff;
		n = (k >> 16 & 0xffff) - first;
		if (!n)
			return false;
		n = n < CHUNK ? n : CHUNK;
	} while (!atomic_compare_exchange_weak_explicit(&x->ticket, &k, k + n, memory_order_acq_rel, memory_order_acquire));
	for (unsigned i = 0; i < n; i++)
		leg_deliver_rt(x->leg[first + i], by, x->len, x->red, x->n48);
	if (by != home)
		count_add(&by->n.lent, n);
	atomic_fetch_add_explicit(&x->done, n, memory_order_release);
	return true;
}

static void wake_rt(const struct thread *t, size_t n)
{
	size_t helpers = n / EACH_HELPS + 1;
	uint64_t one = 1;

	for (unsigned i = 0; i < t->n_crew && helpers; i++) {
		const struct thread *o = t->crew[i];

		if (o == t || share_of(o) > HELP_SHARE)
			continue;
		if (write(o->wake_fd, &one, sizeof(one)) == (ssize_t)sizeof(one))
			helpers--;
	}
}

static void wait_rt(const struct lend *x, unsigned n)
{
	for (unsigned i = 0; atomic_load_explicit(&x->done, memory_order_acquire) < n; i++)
		if (i > SPINS)
			sched_yield();
}

static void round_rt(struct thread *t, unsigned n)
{
	struct lend *x = &t->lend;

	atomic_store_explicit(&x->done, 0, memory_order_relaxed);
	atomic_store_explicit(&x->ticket, ticket_new(++x->round, n), memory_order_release);
	wake_rt(t, n);
	while (take_rt(t, t))
		;
	wait_rt(x, n);
}

static unsigned lay_out_rt(struct lend *x, const struct leg_rt *l, struct le **le)
{
	unsigned n = 0;

	for (; *le && n < LEND_MAX; *le = (*le)->next) {
		struct leg_rt *f = (*le)->data;

		f->send.pos = l->send.pos;
		x->leg[n++] = f;
	}
	return n;
}

bool lend_rt(struct leg_rt *l, int len, size_t red, uint32_t n48)
{
	struct thread *t = l->t;
	struct lend *x = &t->lend;
	struct le *le = l->share.followers.head;
	unsigned n;

	if (!t->running || t->n_crew < 2 || len <= 0 ||
	    share_of(t) < atomic_load_explicit(&x->from_share, memory_order_relaxed))
		return false;
	n = lay_out_rt(x, l, &le);
	if (n < atomic_load_explicit(&x->least, memory_order_relaxed))
		return false;
	x->len = len;
	x->red = red;
	x->n48 = n48;
	for (; n; n = lay_out_rt(x, l, &le))
		round_rt(t, n);
	return true;
}

void lend_help_rt(struct thread *t)
{
	for (unsigned i = 0; i < t->n_crew; i++)
		while (t->crew[i] != t && thread_clock_us() < thread_due_us_rt(t) && take_rt(t->crew[i], t))
			;
}
