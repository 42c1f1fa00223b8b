/*
 * need.c - how long before its time must a packet be here, on a network that does nothing to it?
 *
 *     a sender of 120 samples with a card of 64:   |64 |64 |64 |64 |64 |64 |64 |64 |64 |64 |64 |64 |64 |64 |64 |
 *     its packets leave when a tick is over:           |1  |2      |3  |4      |5  |6      |7  |8  |       |1
 *
 * Each packet is a little too late for where its sound belongs, never by the same; and the reader, who takes so much at a time,
 * wants each a little sooner, never by the same. But it is always the same packets: frames and ticks meet in the same way again
 * after some frames (8 of these). What the network does is another each time. So of the packets with the same place in such a
 * row the fastest of the last half to one second tells what that place needs, and the place that needs most what all do.
 *
 * Decided against: the fastest of all packets and a margin for phases (of which nobody knows the sender's tick), and what
 * nearly all packets need (in which there is what the network does).
 */
#include <string.h>
#include "need.h"

enum { PERIOD_US = 500000, PERIOD_MIN = 3 * NEED_PLACES, TIMES_MIN = 3 /* of one the net may have been slow */ };

void need_clear_rt(struct need *n)
{
	memset(n, 0, sizeof(*n));
}

static const struct need_best *best(const struct need *n, unsigned i)
{
	const bool now = n->times[0][i], before = n->times[1][i];

	return now && (!before || n->best[0][i].us < n->best[1][i].us) ? &n->best[0][i] : &n->best[1][i];
}

int64_t need_ahead_us(const struct need *n, int64_t ts)
{
	int64_t place;

	if (!n->tick)
		return 0;
	place = (ts + n->phase) % n->tick;
	return (place < 0 ? place + n->tick : place) * 1000000 / n->clock;
}

static void compute_rt(struct need *n)
{
	n->known = false;
	for (unsigned i = 0; i < NEED_PLACES; i++) {
		const struct need_best *b = best(n, i);
		int64_t us;

		if (n->times[0][i] + n->times[1][i] < TIMES_MIN)
			continue;
		us = b->us + need_ahead_us(n, b->ts);
		if (!n->known || us > n->most_us)
			n->most_us = us;
		n->known = true;
	}
}

/* What packets were like stays, whatever the reader does: so what is needed is true at once when it comes into step anew. */
void need_reader_rt(struct need *n, uint32_t clock, uint32_t tick, uint32_t ahead, int64_t next_ts)
{
	int64_t phase = tick ? ((int64_t)ahead - next_ts) % tick : 0;

	if (phase < 0)
		phase += tick;
	if (phase == n->phase && tick == n->tick)
		return;
	n->clock = clock;
	n->tick  = tick;
	n->phase = phase;
	compute_rt(n);
}

static void begin_period_rt(struct need *n, uint64_t now_us)
{
	memcpy(n->best[1], n->best[0], sizeof(n->best[1]));
	memcpy(n->times[1], n->times[0], sizeof(n->times[1]));
	memset(n->times[0], 0, sizeof(n->times[0]));
	n->n = 0;
	n->since_us = now_us;
}

void need_add_rt(struct need *n, uint64_t no, int64_t ts, int64_t transit_us, uint64_t now_us)
{
	const unsigned i = no % NEED_PLACES;
	bool news = n->n >= PERIOD_MIN && now_us - n->since_us >= PERIOD_US;

	if (news)
		begin_period_rt(n, now_us);
	if (!n->times[0][i] || transit_us < n->best[0][i].us) {
		n->best[0][i] = (struct need_best){transit_us, ts};
		news = true;
	}
	if (n->times[0][i] < TIMES_MIN) {
		n->times[0][i]++;
		news = true;
	}
	n->n++;
	if (news)
		compute_rt(n);
}
