/*
 * need.c - how long before its time must a packet be here, on a network that does nothing to it?
 *
 *     a sender of 120 samples with a card of 64:   |64 |64 |64 |64 |64 |64 |64 |64 |64 |64 |64 |64 |64 |64 |64 |
 *     its packets leave when a tick is over:           |1  |2      |3  |4      |5  |6      |7  |8  |       |1
 *
 * Each packet is a little too late for where its sound belongs, never by the same; and the reader, who takes so much at
 * a time, wants each a little sooner, never by the same. The latest of them for its reader says what all need. Which of
 * that is the network's?
 *
 * If it does nothing, nothing has to be told apart, whatever the lengths are: all of the last one to two periods count.
 * It can be seen: who sends at ticks is so many ticks after the packet before or one more, so that packets are later
 * than the one before by always the same, or sooner by always the same. For a while after that was not so, none counts.
 *
 * If it does something always, that is another each time, while frames and ticks meet in the same way again after some
 * frames (8 of these). So of the packets with the same place in such a row the fastest tells what that place needs, and
 * the place that needs most what all do. A row is 32 frames: what does not go into it (a card of 441, or of 480 with
 * frames of 64) is seen only on a network that is still for moments. Who counts other places than there are takes some
 * for faster than they are; so the longer answer is the better one.
 *
 * Decided against: the fastest of all packets and a margin for phases (of which nobody knows the sender's tick), and
 * what nearly all packets need (in which there is what the network does).
 */
#include <string.h>
#include "need.h"

enum {
	PERIOD_US = 600000,               /* 64 samples and 441 meet again after 588 ms */
	PERIOD_MIN = 3 * NEED_PLACES,
	TIMES_MIN = 3,                    /* of one the net may have been slow */
	SAME_US = 200,                    /* threads and kernels do as much */
	STILL_US = 50000,
};

void need_clear_rt(struct need *n)
{
	memset(n, 0, sizeof(*n));
}

static int64_t modulo(int64_t a, int64_t b)
{
	const int64_t rest = a % b;

	return rest < 0 ? rest + b : rest;
}

int64_t need_ahead_us(const struct need *n, int64_t ts)
{
	return n->tick ? modulo(ts + n->phase, n->tick) * 1000000 / n->clock : 0;
}

/* ---- the answer ---- */

static void most_rt(struct need *n, const struct need_packet *p)
{
	const int64_t us = p->us + need_ahead_us(n, p->ts);

	if (us > n->most_us)
		n->most_us = us;
}

static const struct need_packet *best(const struct need *n, unsigned i)
{
	const struct need_packet *now = &n->best[0][i], *before = &n->best[1][i];

	return now->any && (!before->any || now->us < before->us) ? now : before;
}

static void compute_rt(struct need *n)
{
	n->known = false;
	n->most_us = INT64_MIN;
	for (unsigned i = 0; i < NEED_PLACES; i++) {
		if (n->times[0][i] + n->times[1][i] < TIMES_MIN)
			continue;
		n->known = true;
		most_rt(n, best(n, i));
	}
	for (unsigned i = 0; n->known && i < NEED_PLACES; i++)
		for (unsigned k = 0; k < 2; k++)
			if (n->worst[k][i].any)
				most_rt(n, &n->worst[k][i]);
}

/* What packets were like stays, whatever the reader does: so what is needed is true at once when it comes into step
 * anew. */
void need_reader_rt(struct need *n, uint32_t clock, uint32_t tick, uint32_t ahead, int64_t next_ts)
{
	const int64_t phase = tick ? modulo((int64_t)ahead - next_ts, tick) : 0;

	if (phase == n->phase && tick == n->tick)
		return;
	if (tick != n->tick)
		memset(n->worst, 0, sizeof(n->worst));
	n->clock = clock;
	n->tick  = tick;
	n->phase = phase;
	compute_rt(n);
}

/* ---- packets ---- */

static void begin_period_rt(struct need *n, uint64_t now_us)
{
	memcpy(n->times[1], n->times[0], sizeof(n->times[1]));
	memcpy(n->best[1], n->best[0], sizeof(n->best[1]));
	memcpy(n->worst[1], n->worst[0], sizeof(n->worst[1]));
	memset(n->times[0], 0, sizeof(n->times[0]));
	memset(n->best[0], 0, sizeof(n->best[0]));
	memset(n->worst[0], 0, sizeof(n->worst[0]));
	n->n = 0;
	n->since_us = now_us;
}

/* true: what is known has changed, as for the next one. */
static bool add_to_best_rt(struct need *n, unsigned i, const struct need_packet *p)
{
	bool news = false;

	if (!n->best[0][i].any || p->us < n->best[0][i].us) {
		n->best[0][i] = *p;
		news = true;
	}
	if (n->times[0][i] < TIMES_MIN) {
		n->times[0][i]++;
		news = true;
	}
	return news;
}

/* Has the network been still for a while, from before the last packet until after it? */
static bool still_rt(struct need_grid *g, uint64_t no, int64_t us, uint64_t now_us)
{
	const int64_t change = us - g->last.us;
	const bool later = change > 0;

	if (!g->last.any)
		g->off_us = now_us;
	if (g->last.any && no == g->no + 1) {
		if (g->known[later] && (change - g->change_us[later] > SAME_US || g->change_us[later] - change > SAME_US))
			g->off_us = now_us;
		g->change_us[later] = change;
		g->known[later] = true;
	}
	return now_us - g->off_us >= STILL_US;
}

static bool add_to_worst_rt(struct need *n, const struct need_packet *p)
{
	struct need_packet *w = &n->worst[0][n->tick ? modulo(p->ts, n->tick) * NEED_PLACES / n->tick : 0];

	if (w->any && p->us + need_ahead_us(n, p->ts) <= w->us + need_ahead_us(n, w->ts))
		return false;
	*w = *p;
	return true;
}

void need_add_rt(struct need *n, uint64_t no, int64_t ts, int64_t transit_us, uint64_t now_us)
{
	const struct need_packet p = {true, transit_us, ts};
	bool news = n->n >= PERIOD_MIN && now_us - n->since_us >= PERIOD_US;

	if (n->grid.last.any && (int64_t)(no - n->grid.no) <= 0) {     /* overtaken: that was the network */
		n->grid.off_us = now_us;
		return;
	}
	if (news)
		begin_period_rt(n, now_us);
	news |= add_to_best_rt(n, no % NEED_PLACES, &p);
	if (still_rt(&n->grid, no, transit_us, now_us))
		news |= add_to_worst_rt(n, &n->grid.last);
	n->grid.last = p;
	n->grid.no = no;
	n->n++;
	if (news)
		compute_rt(n);
}
