/*
 * sharedclock.h - the server's clock as a client knows it, from exchanges of /tutti/clock (docs/gestures-control.md).
 *
 *     client    t0 ------.                  .-----> t3          offset = ((t1 - t0) + (t2 - t3)) / 2
 *                         \                /                     round trip = (t3 - t0) - (t2 - t1)
 *     server               `---> t1   t2 --'
 *
 * Of the last exchanges the one with the shortest round trip counts; the offset is wrong by half of that at most, whatever the
 * two ways took of it. Two of them far apart tell how fast one clock runs against the other. Pure; no allocation.
 */
#ifndef OSC_SHAREDCLOCK_H
#define OSC_SHAREDCLOCK_H

#include <stdbool.h>
#include <stdint.h>

enum { SHAREDCLOCK_MAX = 64, SHAREDCLOCK_RTT_MAX_US = 2000000 };

struct sharedclock {
	unsigned n, next;
	struct { uint64_t at_us; int64_t off_us; uint32_t rtt_us; } x[SHAREDCLOCK_MAX];   /* at: of the client's clock */
};

struct sharedtime {
	uint64_t server_us, smp;  /* the server's time, and the sample count that all its rooms share */
	uint32_t accuracy_us;     /* how wrong it can be */
	double   drift_ppm;       /* the server's clock against ours; 0: not known yet */
};

void sharedclock_init(struct sharedclock *c);
/* EBADMSG: no such exchange can have been, or it took so long that it tells nothing. */
int  sharedclock_add(struct sharedclock *c, uint64_t t0, uint64_t t1, uint64_t t2, uint64_t t3);
/* What the server's clock shows at this time of ours. EAGAIN: no exchange yet. */
int  sharedclock_at(const struct sharedclock *c, struct sharedtime *t, uint64_t now_us);
/* The shortest way there and back of the last exchanges, not both of the same one, as it is rare that neither waits: over ways that wait up
 * to 5 ms the shortest round trip of 15 is still 1.7 ms too long. 0: there was none. */
uint32_t sharedclock_rtt_us(const struct sharedclock *c);

#endif
