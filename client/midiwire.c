/*
 * midiwire.c - MIDI between a device's thread and the control thread: two rings, a heap and two bells.
 *
 * In: the device pushes, and rings an eventfd that the control thread's loop watches. Out: the control thread says when
 * each event is to sound, and not in the order of these moments (an aligned note waits, a clock
 *      tick does not). The device moves what comes from the ring into a heap of its own, sorted by time and then by
 *      arrival, and takes from its top what is due. When the heap is full the rest waits in the ring, and when that is
 *      full control is told.
 *
 * Decided against: control sorts and pushes just in time (a second timer, and late by its loop); taking back what waits (who leaves lets
 * go of what sounds behind what was played, midimix.c).
 */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <re.h>
#include "mixer/ring.h"
#include "midiwire.h"

enum { N_IN = 256, N_OUT = 256, N_HEAP = 256 };

struct midiwire {
	struct ring *in, *out;
	int in_fd, out_fd;
	_Atomic uint64_t n_in, n_out, dropped_in, dropped_out;      /* one writer each */
	_Atomic uint64_t refused;
	struct midiwire_event came;       /* the device's, being filled */
	struct midiwire_event going;           /* control's, being filled */
	struct {
		struct midiwire_event *slot;   /* N_HEAP, and one that was handed out last */
		uint64_t order[N_HEAP + 1];       /* of each slot: when it came */
		uint16_t heap[N_HEAP + 1];        /* slots, the soonest at 0; behind n, the free ones */
		uint32_t n;
		uint64_t count;
	} rt;
};

static void count_up(_Atomic uint64_t *n)
{
	atomic_fetch_add_explicit(n, 1, memory_order_relaxed);
}

static uint64_t count_of(const _Atomic uint64_t *n)
{
	return atomic_load_explicit(n, memory_order_relaxed);
}

static void bell_rt(int fd)
{
	const uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) < 0)
		return;           /* EAGAIN: it has rung four thousand million million times and nobody listens */
}

static void destructor(void *arg)
{
	struct midiwire *w = arg;

	if (w->in_fd >= 0)
		close(w->in_fd);
	if (w->out_fd >= 0)
		close(w->out_fd);
	mem_deref(w->in);
	mem_deref(w->out);
	mem_deref(w->rt.slot);
}

int midiwire_alloc(struct midiwire **wp)
{
	struct midiwire *w;
	int err;

	if (!wp)
		return EINVAL;
	w = mem_zalloc(sizeof(*w), destructor);
	if (!w)
		return ENOMEM;
	w->out_fd = -1;
	w->in_fd  = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (w->in_fd >= 0)
		w->out_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	err = w->out_fd < 0 ? errno : 0;
	if (err)
		goto out;

	err = ring_alloc(&w->in, sizeof(struct midiwire_event), N_IN);
	if (!err)
		err = ring_alloc(&w->out, sizeof(struct midiwire_event), N_OUT);
	w->rt.slot = mem_zalloc((N_HEAP + 1) * sizeof(*w->rt.slot), NULL);
	if (!err && !w->rt.slot)
		err = ENOMEM;
	for (uint16_t i = 0; i <= N_HEAP; i++)
		w->rt.heap[i] = i;
out:
	if (err)
		mem_deref(w);
	else
		*wp = w;
	return err;
}

int midiwire_fd(const struct midiwire *w)
{
	return w->in_fd;
}

int midiwire_bell_fd(const struct midiwire *w)
{
	return w->out_fd;
}

/* --- the device's thread --- */

void midiwire_came_rt(struct midiwire *w, uint64_t at_us, const uint8_t *data, size_t len)
{
	if (!len || len > MIDIWIRE_MAX) {
		count_up(&w->dropped_in);
		return;
	}
	w->came.at_us = at_us;
	w->came.len = (uint16_t)len;
	memcpy(w->came.data, data, len);
	if (ring_push(w->in, &w->came))
		count_up(&w->dropped_in);
	else
		count_up(&w->n_in);
	bell_rt(w->in_fd);
}

static bool sooner_rt(const struct midiwire *w, uint16_t a, uint16_t b)
{
	const uint64_t ta = w->rt.slot[a].at_us, tb = w->rt.slot[b].at_us;

	return ta != tb ? ta < tb : w->rt.order[a] < w->rt.order[b];
}

static void swap_rt(struct midiwire *w, uint32_t i, uint32_t k)
{
	const uint16_t slot = w->rt.heap[i];

	w->rt.heap[i] = w->rt.heap[k];
	w->rt.heap[k] = slot;
}

static void sift_up_rt(struct midiwire *w, uint32_t i)
{
	for (; i && sooner_rt(w, w->rt.heap[i], w->rt.heap[(i - 1) / 2]); i = (i - 1) / 2)
		swap_rt(w, i, (i - 1) / 2);
}

static void sift_down_rt(struct midiwire *w)
{
	for (uint32_t i = 0, k; (k = 2 * i + 1) < w->rt.n; i = k) {
		if (k + 1 < w->rt.n && sooner_rt(w, w->rt.heap[k + 1], w->rt.heap[k]))
			k++;
		if (!sooner_rt(w, w->rt.heap[k], w->rt.heap[i]))
			return;
		swap_rt(w, i, k);
	}
}

static void fill_heap_rt(struct midiwire *w)
{
	while (w->rt.n < N_HEAP) {
		const uint16_t slot = w->rt.heap[w->rt.n];

		if (ring_pop(w->out, &w->rt.slot[slot]))
			return;
		w->rt.order[slot] = w->rt.count++;
		sift_up_rt(w, w->rt.n++);
	}
}

/* The top goes to the one place that is never filled, and stays whole there until the next is taken. */
static uint16_t take_top_rt(struct midiwire *w)
{
	const uint16_t slot = w->rt.heap[0];

	swap_rt(w, 0, --w->rt.n);
	sift_down_rt(w);
	swap_rt(w, w->rt.n, N_HEAP);
	return slot;
}

uint64_t midiwire_next_us_rt(struct midiwire *w)
{
	fill_heap_rt(w);
	return w->rt.n ? w->rt.slot[w->rt.heap[0]].at_us : UINT64_MAX;
}

const struct midiwire_event *midiwire_due_rt(struct midiwire *w, uint64_t before_us)
{
	if (midiwire_next_us_rt(w) >= before_us)
		return NULL;
	count_up(&w->n_out);
	return &w->rt.slot[take_top_rt(w)];
}

void midiwire_refused_rt(struct midiwire *w)
{
	count_up(&w->refused);
}

/* --- the control thread --- */

bool midiwire_take(struct midiwire *w, struct midiwire_event *ev)
{
	uint64_t n;

	if (!ring_pop(w->in, ev))
		return true;
	/* Silence the bell, then look once more: what was pushed before that is seen now, what comes later rings anew.
	 * */
	if (read(w->in_fd, &n, sizeof(n)) < 0)
		return false;
	return !ring_pop(w->in, ev);
}

int midiwire_play(struct midiwire *w, uint64_t at_us, const uint8_t *data, size_t len)
{
	int err = !data || !len || len > MIDIWIRE_MAX ? EINVAL : 0;

	if (!err) {
		w->going.at_us = at_us;
		w->going.len = (uint16_t)len;
		memcpy(w->going.data, data, len);
		err = ring_push(w->out, &w->going);
	}
	if (err)
		count_up(&w->dropped_out);
	else
		bell_rt(w->out_fd);
	return err;
}

void midiwire_stats(const struct midiwire *w, struct midiwire_stats *s)
{
	const uint64_t refused = count_of(&w->refused);

	s->in      = count_of(&w->n_in);
	s->out     = count_of(&w->n_out) - refused;
	s->dropped = count_of(&w->dropped_in) + count_of(&w->dropped_out) + refused;
}
