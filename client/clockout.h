/*
 * clockout.h - the room's beat as MIDI clock: start, continue, stop and 24 clocks to a beat, each at its moment.
 * Control thread.
 *
 * A beat is told when it has been; the clocks between it and the next are laid by its tempo, and each beat corrects
 * what follows.
 */
#ifndef CLIENT_CLOCKOUT_H
#define CLIENT_CLOCKOUT_H

#include <stdbool.h>
#include <stdint.h>

struct midiwire;

struct clockout {
	struct midiwire *wire;
	bool     running;         /* a beat is known; */
	bool     begun;           /* and start or continue was played */
	uint8_t  per_bar;
	uint64_t at_us, beat;     /* of the last beat: when it is heard, and which it is */
	uint32_t mbpm;            /* thousandths of a beat a minute */
	uint64_t pulse;           /* the next clock: beat * 24 and so on */
	uint64_t last_us;         /* nothing is played before what was played already */
};

void clockout_init(struct clockout *c, struct midiwire *wire);
void clockout_bar(struct clockout *c, unsigned per_bar);
/* A beat is heard at that time; bar from 0, below 0 while the room counts in. */
void clockout_beat(struct clockout *c, uint64_t at_us, int32_t bar, uint32_t in_bar, uint32_t mbpm, uint64_t now_us);
void clockout_stop(struct clockout *c, uint64_t now_us);
uint64_t clockout_due(const struct clockout *c);          /* UINT64_MAX: nothing */
void clockout_turn(struct clockout *c, uint64_t now_us);

#endif
