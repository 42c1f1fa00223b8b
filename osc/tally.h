/*
 * tally.h - counters with one writer, the forward thread, that any thread may read.
 */
#ifndef OSC_TALLY_H
#define OSC_TALLY_H

#include <stdatomic.h>
#include <stdint.h>

typedef _Atomic uint64_t tally_t;

static inline void tally_add_rt(tally_t *t, uint64_t n)
{
	atomic_store_explicit(t, atomic_load_explicit(t, memory_order_relaxed) + n, memory_order_relaxed);
}
static inline void tally_up_rt(tally_t *t) { tally_add_rt(t, 1); }
static inline void tally_set_rt(tally_t *t, uint64_t n) { atomic_store_explicit(t, n, memory_order_relaxed); }
static inline uint64_t tally_get(const tally_t *t) { return atomic_load_explicit((tally_t *)t, memory_order_relaxed); }

/* Of a relay; what they mean stands at struct relay_stats. */
struct relay_count {
	tally_t rx_packets, tx_packets, messages_in, messages_out;
	tally_t malformed, stranger, auth, direction, rate_dropped, coalesced, type_dropped, owner_dropped, too_big, unmapped,
		repaired, late, unstored, snapshots, loops;
	tally_t house_full;
	tally_t sysex, unplaced, held, clock, absorbed;           /* MIDI: midi_left.h */
	tally_t dtls, dtls_dropped;
};

/* Of a player. */
struct player_count { tally_t messages_in, messages_out, lost, repaired, rtt_us, heard_us; };

#endif
