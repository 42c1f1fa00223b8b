/*
 * tap.h - a room's sound for who records it: the mix, and what each member puts into it, on the room's sample count.
 *
 * A tap is one ring. It is made on the control thread, the media thread of its bus writes into it, and one other thread
 * reads it (it may sleep for as long as the ring lasts). Full, it takes no more and nobody waits; each tick is in it whole or not
 * at all, so that the mix is always the sum of its stems. Only who has left while it was full is not told.
 *
 * What a tick is in the ring:
 *
 *     TAP_TICK      pos, n_smp; channels: of the bus
 *     TAP_MEMBER    leg, muted: it is in the room from here on, or (not) muted from here on
 *     TAP_LEFT      leg: it is not in the room any more; behind the tick that ends at pos
 *     TAP_STEM      leg, smp: what it puts into the mix. None: it is silent in this tick
 *     TAP_MIX       smp: the sum of all. None: silence
 *
 * A stem is a member's voice after noise gate and automatic gain, if those are on, and before the gain and the place that it
 * was given in the room; muted it is silence. So mix = sum of stem x gain x place,
 * and what the room is told by the house (say.h). Nobody's mix, it is not limited: it may be over full scale.
 */
#ifndef MIXER_TAP_H
#define MIXER_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tap;
struct bus;

enum tap_kind { TAP_TICK, TAP_MEMBER, TAP_LEFT, TAP_STEM, TAP_MIX };

/* TAP_TICK: why `pos` need not be where the tick before ended. */
enum { TAP_WOKE = 1 /* nobody was in the room between the two */, TAP_LOST = 2 /* the ring was full */ };

struct tap_block {
	enum tap_kind kind;
	uint8_t channels, why;
	bool muted;
	uint32_t n_smp;
	uint64_t pos;             /* at 48 kHz, of the room; of its first sample */
	uint64_t leg;             /* leg_id of the member */
	const float *smp;         /* interleaved; good until the next tap_read */
};

/* Control thread. Holds `size` bytes: a mono voice takes 200,000 a second. Referenced by its maker, and by the bus that has
 * it until the media thread has let go. */
int  tap_alloc(struct tap **tp, size_t size, bool stems);

/* What b mixes from now on goes into t, and no more into the one it had, which is closed; NULL: into none. Goes on when the room moves to another thread. */
int  bus_set_tap(struct bus *b, struct tap *t);

/* The reading thread. false: nothing is there. */
bool tap_read(struct tap *t, struct tap_block *b);
bool tap_closed(const struct tap *t);     /* nothing is written any more; what is in it can still be read */

#endif
