/*
 * jitter.c - jitter buffer: put at arrival, get at playout time.
 *
 *      slots, by seq modulo their number              next: sequence number and timestamp of the sound that is due
 *      [ ][ ][7][8][ ][10][ ][ ]                      head: the oldest packet held, newest: the youngest
 *             ^head        ^newest
 *
 * The reader takes sound at its own steady pace; each answer it gets lasts as long as the sound in it. So the delay does
 * not have to be scheduled: it is made by the first packet given out, and stays until an answer is given that is no
 * packet (it grows) or a packet is passed over (it shrinks). `due_us` measures it: how long ago would the head have
 * been here had it been as fast as the fastest packet of the last seconds? (arrival.c)
 *
 *      nothing held      conceal, but do not yet give up what is due. If it comes after all, it is played and the delay
 *                        has grown, at once and by just what was missing. If its successor comes instead, it was lost,
 *                        and what was concealed stood for it: the delay has not grown.
 *      a hole            younger packets are here: LOST for the time it spans
 *      a pause           timestamps went on, sequence numbers did not: SILENCE until the next packet's time. Here the
 *                        delay becomes what it should be, both ways.
 *      too much delay    leave out a packet, seldom; soon if the reader says that it is quiet
 *      too little        packets came after their time was concealed: insert concealment up to the target
 *
 * A fixed buffer never waits: concealed time has passed. Only if the sender's clock ran away from ours, so that even
 * its fastest packets come late, does it move. Both moves for drift (shrink_rt, stretch_rt) look at excess_us, which a
 * resampler may hold at zero instead.
 *
 * Decided against: scheduling every packet to a wall clock time. The reader's clock is the sound card of this house, and
 * two clocks in one buffer make every threshold a quarrel between them.
 */
#include <errno.h>
#include <string.h>
#include <re.h>
#include "arrival.h"
#include "jitter.h"

enum {
	SLOTS_MAX        = 1024,
	MAX_DROPOUT      = 3000,  /* RFC 3550 A.1 */
	MAX_MISORDER     = 100,
	JUMP_US          = 1000000,   /* timestamps against arrival: more than this is a new count, not a late packet */
	FRAME_MAX_MS     = 120,
	CONCEAL_MAX_MS   = 100,   /* then the sender has paused or gone */
	LATE_RUN         = 4,     /* so many late ones and none in time: our timing is wrong, not theirs */
	SHRINK_SLOW_US   = 500000,
	SHRINK_FAST_US   = 100000,
	SHRINK_FAST_OVER = 60000, /* excess from which on to shrink fast */
	REST_MIN_US      = 2000000,   /* after growing, not to shrink for so long; */
	REST_MAX_US      = 64000000,  /* twice as long each time it grew again soon after having shrunk */
	REGRET_US        = 5000000,
	HELD_PERIOD_US   = 1000000,
};

enum kind { EMPTY = 0, PACKET, SKIPPED };

struct slot {
	enum kind kind;
	uint8_t   pt;
	bool      marker;
	uint16_t  seq;
	size_t    len;
	int64_t   ts;             /* unwrapped */
	uint8_t  *payload;
};

/* The stream as it arrives. */
struct arriving {
	bool     any;
	uint32_t ssrc;
	uint16_t newest;          /* highest sequence number seen */
	uint32_t ts;              /* of the newest packet; and the same unwrapped: */
	int64_t  ts64;
	uint64_t origin_us;
	int64_t  transit_us;
	uint16_t bad_seq;         /* would confirm a jump */
	bool     bad_any;
	uint32_t step;            /* last difference of timestamps between neighbours */
	unsigned late_run;
};

/* The stream as it is given out. */
struct playing {
	bool     begun;           /* next_seq and next_ts mean something */
	bool     idle;            /* nothing came for long: fill up anew before playing */
	bool     paused;          /* the last thing heard of the sender was no sound */
	bool     late;            /* a packet came too late since we last looked at growing */
	bool     silent;          /* the last answer filled a pause */
	bool     quiet, may_learn;
	uint16_t next_seq;
	int64_t  next_ts;
	int64_t  frame_ts;        /* of the packet last given out */
	uint64_t history;         /* bit i: next_seq - 1 - i has been here */
	uint32_t concealed;       /* ticks given out as LOST or WAIT for what may still come */
	uint32_t asked;           /* of the last LOST that offered `next`; 0: the last answer was another */
	uint32_t credit;          /* ticks of the packet last declared lost not yet concealed */
	uint64_t shrunk_us, grown_us, rest_us;
};

/* The least that was held at a get, over this and the last period: what a fixed buffer has too much of. */
struct least {
	uint64_t since_us;
	uint32_t cur_us, prev_us;
	unsigned periods;
};

struct jitter {
	struct jitter_conf conf;
	struct slot *slot;
	uint8_t *mem;
	uint16_t mask;
	uint16_t held, head, newest;      /* head and newest hold only while held > 0 */
	uint32_t frame;                   /* ticks in a packet, as far as known; 0: not yet */
	struct arriving in;
	struct playing out;
	struct arrival arrival;
	struct least least;
	struct jitter_stats stats;
};

/* ---- arithmetic ---- */

static int64_t us_of(const struct jitter *j, int64_t ticks)
{
	return ticks * 1000000 / (int64_t)j->conf.clock;
}

static int64_t ticks_of_ms(const struct jitter *j, uint32_t ms)
{
	return (int64_t)ms * j->conf.clock / 1000;
}

static struct slot *at(const struct jitter *j, uint16_t seq)
{
	return &j->slot[seq & j->mask];
}

static bool is_kind(const struct jitter *j, uint16_t seq, enum kind kind)
{
	return at(j, seq)->kind == kind && at(j, seq)->seq == seq;
}

static int64_t frame_or(const struct jitter *j, uint32_t n_ts)
{
	return j->frame ? j->frame : n_ts;
}

/* From the begin of the oldest packet held to the end of the youngest. */
static int64_t span_ticks(const struct jitter *j)
{
	int64_t span;

	if (!j->held)
		return 0;

	span = at(j, j->newest)->ts - at(j, j->head)->ts + j->frame;
	return span > 0 ? span : 0;
}

static int64_t target_us(const struct jitter *j)
{
	const int64_t min_us = (int64_t)j->conf.min_ms * 1000;
	const int64_t frame_us = us_of(j, j->frame);
	int64_t us, cap_us;

	if (j->conf.fixed)
		return min_us;

	/* A target that needs more room than there is would be asked for again and again. */
	cap_us = (int64_t)j->conf.max_ms * 1000 - frame_us;
	if (j->frame && cap_us > frame_us * (j->conf.n_slots - 1))
		cap_us = frame_us * (j->conf.n_slots - 1);

	us = j->arrival.spread_us;
	if (us > cap_us)
		us = cap_us;

	return us > min_us ? us : min_us;
}

/* The delay the sound of `ts` has now, over that of the fastest packet. */
static int64_t due_us(const struct jitter *j, int64_t ts, uint64_t now_us)
{
	return (int64_t)(now_us - j->in.origin_us) - j->arrival.base_us - us_of(j, ts);
}

/* ---- making and resetting ---- */

static void destructor(void *arg)
{
	struct jitter *j = arg;

	mem_deref(j->slot);
	mem_deref(j->mem);
}

static bool conf_ok(const struct jitter_conf *c)
{
	return c->clock >= 1000 && c->clock <= 1000000 && c->max_ms && c->max_ms <= 10000 && c->min_ms <= c->max_ms &&
		c->max_payload && c->max_payload <= 65536 && c->n_slots >= 2 && c->n_slots <= SLOTS_MAX;
}

int jitter_alloc(struct jitter **jp, const struct jitter_conf *conf)
{
	struct jitter *j;
	uint32_t n = 1;
	int err = 0;

	if (!jp || !conf || !conf_ok(conf))
		return EINVAL;

	/* a power of two divides 65536, so neighbours stay neighbours where the sequence number wraps */
	while (n < conf->n_slots)
		n <<= 1;

	j = mem_zalloc(sizeof(*j), destructor);
	if (!j)
		return ENOMEM;

	j->conf = *conf;
	j->mask = (uint16_t)(n - 1);
	j->slot = mem_zalloc(n * sizeof(*j->slot), NULL);
	j->mem  = mem_zalloc(n * conf->max_payload, NULL);
	if (!j->slot || !j->mem) {
		err = ENOMEM;
		goto out;
	}

	for (uint32_t i = 0; i < n; i++)
		j->slot[i].payload = j->mem + i * conf->max_payload;
	arrival_init(&j->arrival, conf->max_ms);

 out:
	if (err)
		mem_deref(j);
	else
		*jp = j;

	return err;
}

static void forget_rt(struct jitter *j)
{
	for (uint32_t i = 0; i <= j->mask; i++)
		j->slot[i].kind = EMPTY;

	j->held  = 0;
	j->frame = 0;
	memset(&j->in, 0, sizeof(j->in));
	memset(&j->out, 0, sizeof(j->out));
	memset(&j->least, 0, sizeof(j->least));
	arrival_clear_rt(&j->arrival);
}

void jitter_reset_rt(struct jitter *j)
{
	if (j)
		forget_rt(j);
}

static void begin_rt(struct jitter *j, const struct rtp_pkt *pkt, uint64_t now_us)
{
	if (j->in.any)
		j->stats.resets++;

	forget_rt(j);
	j->in.any       = true;
	j->in.ssrc      = pkt->ssrc;
	j->in.newest    = pkt->seq;
	j->in.ts        = pkt->ts;
	j->in.origin_us = now_us;
}

/* ---- slots ---- */

static void remove_head_rt(struct jitter *j)
{
	at(j, j->head)->kind = EMPTY;
	if (!--j->held)
		return;

	do
		j->head++;
	while (!is_kind(j, j->head, PACKET));
}

static unsigned n_missing(const struct jitter *j, uint16_t from, uint16_t to)
{
	const uint16_t n = (uint16_t)(to - from);
	unsigned missing = n;

	/* what was skipped lies within one round of the slots before `to` */
	for (unsigned i = 1; i <= n && i <= j->mask; i++)
		missing -= is_kind(j, (uint16_t)(to - i), SKIPPED);

	return missing;
}

/* What is due moves on to `seq`; of the places passed, `here` tells whether the last one had a packet. */
static void advance_rt(struct jitter *j, uint16_t seq, bool here)
{
	struct playing *out = &j->out;
	const uint16_t n = (uint16_t)(seq - out->next_seq);

	for (unsigned i = 0; i < n && i <= j->mask; i++) {
		const uint16_t passed = (uint16_t)(seq - 1 - i);

		if (is_kind(j, passed, SKIPPED))
			at(j, passed)->kind = EMPTY;
	}
	out->history  = n < 64 ? out->history << n : 0;
	out->history |= n && here;
	out->next_seq = seq;
}

/* The head will not be played: what is due begins behind it. */
static void pass_head_rt(struct jitter *j)
{
	const struct slot *s = at(j, j->head);
	const uint16_t seq = s->seq;
	const int64_t ts = s->ts;

	remove_head_rt(j);
	if (!j->out.begun)
		return;

	j->stats.lost += n_missing(j, j->out.next_seq, seq);
	advance_rt(j, (uint16_t)(seq + 1), true);
	j->out.next_ts   = is_kind(j, (uint16_t)(seq + 1), PACKET) ? at(j, (uint16_t)(seq + 1))->ts : ts + j->frame;
	j->out.credit    = 0;
	j->out.may_learn = false;
}

/* The bound that nothing moves: of too much sound the oldest goes. */
static void bound_rt(struct jitter *j)
{
	while (j->held > 1 && span_ticks(j) > ticks_of_ms(j, j->conf.max_ms)) {
		pass_head_rt(j);
		j->stats.overflow++;
	}
}

/* ---- put ---- */

static int64_t unwrap(const struct jitter *j, uint32_t ts)
{
	return j->in.ts64 + rtp_ts_diff(ts, j->in.ts);
}

static bool was_here(const struct jitter *j, uint16_t seq)
{
	const struct playing *out = &j->out;
	uint16_t back;

	if (is_kind(j, seq, PACKET) || is_kind(j, seq, SKIPPED))
		return true;
	if (!out->begun || rtp_seq_diff(seq, out->next_seq) >= 0)
		return false;

	back = (uint16_t)(out->next_seq - 1 - seq);
	return back < 64 && (out->history >> back & 1);
}

/* Timestamp and arrival tell another story than the newest packet's. */
static bool jumped(const struct jitter *j, const struct rtp_pkt *pkt, uint64_t now_us)
{
	const int64_t transit = (int64_t)(now_us - j->in.origin_us) - us_of(j, unwrap(j, pkt->ts));
	const int64_t d = transit - j->in.transit_us;

	return d > JUMP_US || d < -JUMP_US;
}

/* 0, or EPROTO for a sequence number from nowhere. Begins anew where the stream does. */
static int follow_rt(struct jitter *j, const struct rtp_pkt *pkt, uint64_t now_us)
{
	struct arriving *in = &j->in;
	const int16_t d = rtp_seq_diff(pkt->seq, in->newest);

	if (!in->any || pkt->ssrc != in->ssrc) {
		begin_rt(j, pkt, now_us);
		return 0;
	}

	if (d > MAX_DROPOUT || d < -MAX_MISORDER) {
		/* RFC 3550 A.1: "Two sequential packets -- assume that the other side restarted without telling us" */
		const bool twice = in->bad_any && pkt->seq == in->bad_seq;

		in->bad_any = true;
		in->bad_seq = (uint16_t)(pkt->seq + 1);
		if (!twice)
			return EPROTO;
		begin_rt(j, pkt, now_us);
		return 0;
	}

	in->bad_any = false;
	if (jumped(j, pkt, now_us)) {
		if (d <= 0)               /* an old number begins nothing: a duplicate, or a lie */
			return was_here(j, pkt->seq) ? 0 : EPROTO;
		begin_rt(j, pkt, now_us);
	}

	return 0;
}

/* The length of a frame is the step between neighbours; a pause looks like a long one, so that a longer step must come
 * twice before it is believed. */
static void learn_frame_rt(struct jitter *j, uint32_t step)
{
	if (!step || step > ticks_of_ms(j, FRAME_MAX_MS))
		return;

	if (!j->frame || step < j->frame || step == j->in.step)
		j->frame = step;
	j->in.step = step;
}

static void measure_rt(struct jitter *j, const struct rtp_pkt *pkt, int64_t ts64, uint64_t now_us)
{
	struct arriving *in = &j->in;
	const int64_t transit = (int64_t)(now_us - in->origin_us) - us_of(j, ts64);
	const int16_t d = rtp_seq_diff(pkt->seq, in->newest);

	arrival_add_rt(&j->arrival, transit, now_us);
	if (d < 0) {
		j->stats.reordered++;
		return;
	}
	if (d == 1 && !pkt->marker)
		learn_frame_rt(j, pkt->ts - in->ts);

	in->newest     = pkt->seq;
	in->ts         = pkt->ts;
	in->ts64       = ts64;
	in->transit_us = transit;
}

static bool too_late(const struct jitter *j, uint16_t seq, int64_t ts64)
{
	if (!j->out.begun)
		return false;
	if (rtp_seq_diff(seq, j->out.next_seq) < 0)
		return true;

	/* fixed: its time was concealed, and is not waited for; half a frame of grace for readers of another pace */
	return j->conf.fixed && !j->out.idle && (j->out.next_ts - ts64) * 2 > j->frame;
}

static int refuse_late_rt(struct jitter *j)
{
	j->stats.late++;
	j->in.late_run++;
	j->out.late = true;

	return ETIMEDOUT;
}

static int store_rt(struct jitter *j, const struct rtp_pkt *pkt, int64_t ts64)
{
	struct slot *s = at(j, pkt->seq);

	if (!j->held) {
		j->head = j->newest = pkt->seq;
	}
	else if (rtp_seq_diff(pkt->seq, j->head) < 0) {
		if ((uint16_t)(j->newest - pkt->seq) > j->mask || j->held == j->conf.n_slots) {
			j->stats.overflow++;
			return ENOSPC;
		}
		j->head = pkt->seq;
	}
	else {
		while (j->held && ((uint16_t)(pkt->seq - j->head) > j->mask || j->held == j->conf.n_slots)) {
			pass_head_rt(j);
			j->stats.overflow++;
		}
		if (!j->held)
			j->head = j->newest = pkt->seq;
		else if (rtp_seq_diff(pkt->seq, j->newest) > 0)
			j->newest = pkt->seq;
	}

	j->held++;
	s->kind   = PACKET;
	s->seq    = pkt->seq;
	s->ts     = ts64;
	s->pt     = pkt->pt;
	s->marker = pkt->marker;
	s->len    = pkt->len;
	memcpy(s->payload, pkt->payload, pkt->len);

	return 0;
}

int jitter_put_rt(struct jitter *j, const struct rtp_pkt *pkt, uint64_t now_us)
{
	int64_t ts64;
	int err;

	if (!j || !pkt)
		return EINVAL;
	if (pkt->len > j->conf.max_payload) {
		j->stats.oversize++;
		return EMSGSIZE;
	}
	if (!pkt->len) {
		if (j->in.any && pkt->ssrc == j->in.ssrc)
			jitter_skip_rt(j, pkt->seq);
		return 0;
	}

	if (follow_rt(j, pkt, now_us))
		return EPROTO;
	if (was_here(j, pkt->seq)) {
		j->stats.duplicate++;
		return EALREADY;
	}

	ts64 = unwrap(j, pkt->ts);
	measure_rt(j, pkt, ts64, now_us);
	if (too_late(j, pkt->seq, ts64)) {
		if (j->in.late_run + 1 < LATE_RUN || j->held)
			return refuse_late_rt(j);
		begin_rt(j, pkt, now_us);
		ts64 = unwrap(j, pkt->ts);
		measure_rt(j, pkt, ts64, now_us);
	}

	err = store_rt(j, pkt, ts64);
	if (err)
		return err;

	j->stats.put++;
	j->in.late_run = 0;
	j->out.paused  = false;
	bound_rt(j);

	return 0;
}

void jitter_skip_rt(struct jitter *j, uint16_t seq)
{
	struct slot *s;

	if (!j || !j->in.any)
		return;
	if (rtp_seq_diff(seq, j->in.newest) > MAX_DROPOUT || rtp_seq_diff(seq, j->in.newest) < -MAX_MISORDER)
		return;

	if (rtp_seq_diff(seq, j->in.newest) > 0) {
		j->in.newest  = seq;
		j->out.paused = true;
	}

	s = at(j, seq);
	if (j->out.begun && rtp_seq_diff(seq, j->out.next_seq) < 0)
		return;
	if (j->out.begun && seq == j->out.next_seq) {
		advance_rt(j, (uint16_t)(seq + 1), true);
	}
	else if (s->kind != PACKET) {
		s->kind = SKIPPED;
		s->seq  = seq;
	}
}

/* ---- get ---- */

static enum jitter_result frame_rt(struct jitter *j, struct jitter_frame *f, uint32_t n_ts, uint64_t now_us)
{
	struct playing *out = &j->out;
	const struct slot *s = at(j, j->head);

	*f = (struct jitter_frame){ .pt = s->pt, .marker = s->marker, .seq = s->seq,
		.ts = j->in.ts + (uint32_t)(s->ts - j->in.ts64), .payload = s->payload, .len = s->len };

	j->stats.got++;
	j->stats.excess_us = (int32_t)(due_us(j, s->ts, now_us) - target_us(j));
	if (out->begun)
		j->stats.lost += n_missing(j, out->next_seq, s->seq);
	else
		out->next_seq = s->seq;

	out->begun     = true;
	out->idle      = false;
	out->may_learn = true;
	out->silent    = false;
	out->concealed = 0;
	out->credit    = 0;
	out->frame_ts  = s->ts;
	out->next_ts   = s->ts + frame_or(j, n_ts);
	advance_rt(j, (uint16_t)(s->seq + 1), true);
	remove_head_rt(j);
	bound_rt(j);              /* timestamps that run backwards make a longer span of fewer packets */

	return JITTER_FRAME;
}

/* First, and after a long nothing: wait until the head has the delay it should have. A quarter of an answer less will do,
 * or a reader whose tick shivers would wait for a whole one more. */
static enum jitter_result start_rt(struct jitter *j, struct jitter_frame *f, uint32_t n_ts, uint64_t now_us)
{
	const int64_t min_us = (int64_t)j->conf.min_ms * 1000;
	int64_t enough = target_us(j) - us_of(j, n_ts) / 4;

	if (!j->held)
		return JITTER_SILENCE;
	if (enough < min_us)
		enough = min_us;
	if (due_us(j, at(j, j->head)->ts, now_us) < enough)
		return JITTER_WAIT;

	return frame_rt(j, f, n_ts, now_us);
}

static enum jitter_result underrun_rt(struct jitter *j, uint32_t n_ts)
{
	struct playing *out = &j->out;
	const bool first = !out->concealed;

	if (out->paused)
		return JITTER_SILENCE;
	if (out->concealed >= ticks_of_ms(j, CONCEAL_MAX_MS)) {
		out->idle      = true;
		out->concealed = 0;
		return JITTER_SILENCE;
	}

	out->concealed += n_ts;
	if (j->conf.fixed)
		out->next_ts += n_ts;

	return first || j->conf.fixed ? JITTER_LOST : JITTER_WAIT;
}

static void offer_next(struct jitter_frame *f, const struct slot *s)
{
	f->next     = s->payload;
	f->next_len = s->len;
	f->next_pt  = s->pt;
}

/* Sound is missing before the head: n_ts of what it was. */
static enum jitter_result fill_rt(struct jitter *j, struct jitter_frame *f, uint32_t n_ts)
{
	struct playing *out = &j->out;
	const struct slot *s = at(j, j->head);
	const int64_t gap = s->ts - out->next_ts;
	uint32_t frame = (uint32_t)frame_or(j, n_ts), left = n_ts;

	out->next_ts += gap < n_ts ? gap : n_ts;

	/* RFC 3551 4.1: "The first packet of a talkspurt [...] SHOULD be distinguished by setting the marker bit": what was
	 * lost before it was its silence */
	out->silent = !out->credit && (s->marker || !n_missing(j, out->next_seq, s->seq));
	if (out->silent)
		return JITTER_SILENCE;

	while (left > out->credit && out->next_seq != s->seq) {
		if (n_missing(j, out->next_seq, (uint16_t)(out->next_seq + 1)))
			j->stats.lost++, out->credit += frame;
		advance_rt(j, (uint16_t)(out->next_seq + 1), false);
	}
	out->credit -= left < out->credit ? left : out->credit;
	if (out->next_seq == s->seq) {
		offer_next(f, s);
		out->asked = n_ts;
	}

	return JITTER_LOST;
}

static int64_t excess_us(const struct jitter *j, uint64_t now_us)
{
	const uint32_t least = j->least.cur_us < j->least.prev_us ? j->least.cur_us : j->least.prev_us;

	if (!j->conf.fixed)
		return due_us(j, at(j, j->head)->ts, now_us) - target_us(j);

	/* fixed: the fastest packet may belong to an older route, what always lies here does not lie */
	return j->least.periods < 2 ? 0 : (int64_t)least - us_of(j, j->frame) - target_us(j);
}

/* Leave out packets while the delay is a frame too long; a voice loses one at a time, and none soon after it
 * waited: what came late once may do so again. */
static void shrink_rt(struct jitter *j, uint64_t now_us)
{
	const int64_t frame_us = us_of(j, j->frame);
	/* a voice may end a little under its target, or what grew by a frame would never shrink by one */
	const int64_t enough_us = j->conf.fixed ? frame_us + frame_us / 16 : frame_us - frame_us / 8;
	int64_t excess = excess_us(j, now_us);
	const bool soon = excess > SHRINK_FAST_OVER || j->out.quiet;

	if (!frame_us)
		return;
	if (!j->conf.fixed && now_us - j->out.shrunk_us < (soon ? SHRINK_FAST_US : SHRINK_SLOW_US))
		return;
	if (!j->conf.fixed && !soon && now_us - j->out.grown_us < j->out.rest_us)
		return;

	while (excess >= enough_us && j->held > 1 && is_kind(j, (uint16_t)(j->head + 1), PACKET)) {
		pass_head_rt(j);
		j->stats.dropped_shrink++;
		j->out.shrunk_us = now_us;
		excess -= frame_us;
		memset(&j->least, 0, sizeof(j->least));
		if (!j->conf.fixed)
			break;
	}
}

/* Too little delay, and it was felt? Then not yet. A fixed buffer moves only for a clock that ran away. */
static bool stretch_rt(struct jitter *j, uint32_t n_ts, uint64_t now_us)
{
	const int64_t due = due_us(j, at(j, j->head)->ts, now_us), target = target_us(j);

	if (j->conf.fixed)
		return due + (target < us_of(j, j->frame) ? target : us_of(j, j->frame)) / 2 < target;

	if (j->out.late && due < target)
		return true;

	j->out.late = false;
	return false;
}

static enum jitter_result insert_rt(struct jitter *j, uint32_t n_ts)
{
	const bool first = !j->out.concealed;

	j->stats.stretched++;
	j->out.concealed += n_ts;
	memset(&j->least, 0, sizeof(j->least));

	return first ? JITTER_LOST : JITTER_WAIT;
}

static void settle_concealed_rt(struct jitter *j, int64_t gap)
{
	/* What was concealed while nothing was here stood for what turns out to be missing. (A fixed buffer has let that
	 * time pass already.) */
	if (gap > 0 && !j->conf.fixed)
		j->out.next_ts += gap < j->out.concealed ? gap : j->out.concealed;
}

/* The delay has grown. Was it a mistake to have shrunk? */
static void grown_rt(struct playing *out, uint64_t now_us)
{
	const bool regret = out->shrunk_us && now_us - out->shrunk_us < REGRET_US;

	out->rest_us  = regret ? out->rest_us * 2 : out->rest_us / 2;
	out->rest_us  = out->rest_us < REST_MIN_US ? REST_MIN_US : out->rest_us > REST_MAX_US ? REST_MAX_US : out->rest_us;
	out->grown_us = now_us;
}

static enum jitter_result play_rt(struct jitter *j, struct jitter_frame *f, uint32_t n_ts, uint64_t now_us)
{
	struct playing *out = &j->out;
	const struct slot *s = at(j, j->head);
	const int64_t due = due_us(j, s->ts, now_us), target = target_us(j);
	int64_t gap;

	gap = s->ts - out->next_ts;
	if (out->concealed && gap <= 0)
		grown_rt(out, now_us);
	settle_concealed_rt(j, gap);
	gap = s->ts - out->next_ts;

	/* too early for the head, unless what is missing before it may as well be what shortens the delay */
	if (gap > 0 && gap * 2 >= n_ts && due < target) {
		out->concealed = 0;
		return fill_rt(j, f, n_ts);
	}
	if (out->silent && due + us_of(j, n_ts) / 2 < target)
		return JITTER_SILENCE;
	if (stretch_rt(j, n_ts, now_us))
		return insert_rt(j, n_ts);

	shrink_rt(j, now_us);
	return frame_rt(j, f, n_ts, now_us);
}

static void note_held_rt(struct jitter *j, uint64_t now_us)
{
	struct least *l = &j->least;
	const uint32_t us = (uint32_t)us_of(j, span_ticks(j));

	if (!l->since_us || now_us - l->since_us >= HELD_PERIOD_US) {
		l->prev_us  = l->cur_us;
		l->cur_us   = us;
		l->since_us = now_us | 1;
		l->periods += l->periods < 3;
	}
	else if (us < l->cur_us) {
		l->cur_us = us;
	}
}

enum jitter_result jitter_get_rt(struct jitter *j, struct jitter_frame *f, uint32_t n_ts, uint64_t now_us)
{
	memset(f, 0, sizeof(*f));
	j->out.may_learn = false;
	j->out.asked     = 0;
	if (!n_ts || n_ts > j->conf.clock)
		n_ts = j->conf.clock / 100;

	if (!j->out.begun || j->out.idle)
		return start_rt(j, f, n_ts, now_us);

	note_held_rt(j, now_us);
	return j->held ? play_rt(j, f, n_ts, now_us) : underrun_rt(j, n_ts);
}

/* In-band FEC gave back more of the lost frame than was asked for. */
static void recovered_rt(struct jitter *j, uint32_t n_ts)
{
	const uint32_t more = n_ts > j->out.asked ? n_ts - j->out.asked : 0;
	const int64_t gap = j->held ? at(j, j->head)->ts - j->out.next_ts : 0;

	if (gap > 0)
		j->out.next_ts += gap < more ? gap : more;
	j->out.credit -= more < j->out.credit ? more : j->out.credit;
	j->out.asked   = 0;
}

void jitter_played_rt(struct jitter *j, uint32_t n_ts)
{
	if (!n_ts || n_ts > ticks_of_ms(j, FRAME_MAX_MS))
		return;
	if (j->out.asked)
		recovered_rt(j, n_ts);
	if (!j->out.may_learn)
		return;

	j->frame         = n_ts;
	j->out.next_ts   = j->out.frame_ts + n_ts;
	j->out.may_learn = false;
	bound_rt(j);
}

void jitter_quiet_rt(struct jitter *j, bool quiet)
{
	j->out.quiet = quiet;
}

void jitter_stats(const struct jitter *j, struct jitter_stats *s)
{
	*s = j->stats;
	s->depth_ms  = (uint32_t)(span_ticks(j) * 1000 / j->conf.clock);
	s->target_ms = (uint32_t)((target_us(j) + 999) / 1000);
	s->jitter_us = j->arrival.jitter_q4 >> 4;
}
