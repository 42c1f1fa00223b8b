/*
 * ring.h - the only road between two threads: one writer, one reader, no lock.
 *
 * A ring carries small values (elements of a fixed size, copied in and out). It never allocates after ring_alloc and
 * never waits: ring_push says ENOSPC when full, ring_pop says ENOENT when empty. Who pushes a pointer gives it away.
 */
#ifndef MIXER_RING_H
#define MIXER_RING_H

#include <stddef.h>
#include <stdint.h>

struct ring;

/* n_elem is rounded up to a power of two. Freed with mem_deref when both threads have let go. */
int    ring_alloc(struct ring **rp, size_t elem_size, uint32_t n_elem);
int    ring_push(struct ring *r, const void *elem);      /* writer only: 0 or ENOSPC */
int    ring_pop(struct ring *r, void *elem);             /* reader only: 0 or ENOENT */
uint32_t ring_count(const struct ring *r);               /* either side; a snapshot */

#endif
