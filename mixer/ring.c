/*
 * ring.c - the only road between two threads: one writer, one reader, no lock.
 *
 *        head (reader's)          tail (writer's)
 *          v                        v
 *      [ . a b c d e f g h i j k l  . . . ]       both only ever count up; the low bits are the place
 *
 * The writer publishes an element by storing `tail` with release order, the reader gives its place back by storing
 * `head` with release order. Each side keeps its own copy of the other's counter and looks at the shared one only when
 * the copy says full or empty, so that in a steady flow the two cores do not pull one cache line to and fro. The two
 * halves stand a cache line apart for the same reason. Decided against: many writers (who needs that has one ring each).
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <re.h>
#include "ring.h"

enum { CACHE_LINE = 64, ELEM_MAX = 1 << 30 };

struct side {
	_Atomic uint32_t pos;     /* elements gone through this side since the start, modulo 2^32 */
	uint32_t other;           /* what the other side's pos was when we last looked */
	char pad[CACHE_LINE];     /* mem_zalloc promises no alignment; a whole line between is enough without it */
};

struct ring {
	uint8_t *buf;
	size_t elem_size;
	uint32_t n_elem;          /* a power of two */
	char pad[CACHE_LINE];
	struct side head;         /* reader */
	struct side tail;         /* writer */
};

static void destructor(void *arg)
{
	struct ring *r = arg;

	mem_deref(r->buf);
}

static uint32_t power_of_two(uint32_t n)
{
	uint32_t p = 1;

	while (p < n)
		p <<= 1;

	return p;
}

int ring_alloc(struct ring **rp, size_t elem_size, uint32_t n_elem)
{
	struct ring *r;

	if (!rp || !elem_size || !n_elem || n_elem > ELEM_MAX)
		return EINVAL;

	n_elem = power_of_two(n_elem);
	if (elem_size > SIZE_MAX / n_elem)
		return EOVERFLOW;

	r = mem_zalloc(sizeof(*r), destructor);
	if (!r)
		return ENOMEM;

	r->buf = mem_zalloc(elem_size * n_elem, NULL);
	if (!r->buf) {
		mem_deref(r);
		return ENOMEM;
	}

	r->elem_size = elem_size;
	r->n_elem    = n_elem;
	atomic_init(&r->head.pos, 0);
	atomic_init(&r->tail.pos, 0);

	*rp = r;
	return 0;
}

static uint8_t *place(const struct ring *r, uint32_t pos)
{
	return r->buf + (size_t)(pos & (r->n_elem - 1)) * r->elem_size;
}

int ring_push(struct ring *r, const void *elem)
{
	const uint32_t tail = atomic_load_explicit(&r->tail.pos, memory_order_relaxed);

	if (tail - r->tail.other == r->n_elem) {
		/* acquire: the reader's copying-out of the place we are about to overwrite must be behind us */
		r->tail.other = atomic_load_explicit(&r->head.pos, memory_order_acquire);
		if (tail - r->tail.other == r->n_elem)
			return ENOSPC;
	}

	memcpy(place(r, tail), elem, r->elem_size);
	atomic_store_explicit(&r->tail.pos, tail + 1, memory_order_release);

	return 0;
}

int ring_pop(struct ring *r, void *elem)
{
	const uint32_t head = atomic_load_explicit(&r->head.pos, memory_order_relaxed);

	if (head == r->head.other) {
		/* acquire: what the writer copied in before it moved its tail must be visible to us */
		r->head.other = atomic_load_explicit(&r->tail.pos, memory_order_acquire);
		if (head == r->head.other)
			return ENOENT;
	}

	memcpy(elem, place(r, head), r->elem_size);
	atomic_store_explicit(&r->head.pos, head + 1, memory_order_release);

	return 0;
}

uint32_t ring_count(const struct ring *r)
{
	/* Head first: read the other way round, the reader could pass the tail we saw and the count would wrap. Between
	 * the two loads it may still look fuller than it can be, hence the bound. */
	const uint32_t head = atomic_load_explicit(&r->head.pos, memory_order_acquire);
	const uint32_t n    = atomic_load_explicit(&r->tail.pos, memory_order_acquire) - head;

	return n < r->n_elem ? n : r->n_elem;
}
