/*
 * jitter_put.c - packets into the jitter buffer: follow the stream, measure it, store.
 */
#include <errno.h>
#include <string.h>
#include <re.h>
#include "jitter_priv.h"

enum {
	JUMP_US  = 1000000,       /* timestamps against arrival: more than this is a new count, not a late packet */
	FIT_LATE_A_MINUTE = 5,
	RESCUED_US = 5000000,     /* a period of struct rescued */
};

static void begin_rt(struct jitter *j, const struct rtp_pkt *pkt, uint64_t now_us)
{
	if (j->in.any)
		j->stats.resets++;

	jitter_reset_rt(j);
	j->in.any       = true;
	j->in.ssrc      = pkt->ssrc;
	j->in.newest    = pkt->seq;
	j->in.ts        = pkt->ts;
	j->in.origin_us = now_us;
}

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
		odds_clear_rt(&j->odds);
		begin_rt(j, pkt, now_us);
		return 0;
	}

	if (d > JITTER_DROPOUT || d < -JITTER_MISORDER) {
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
	if (!step || step > ticks_of_ms(j, JITTER_FRAME_MAX_MS))
		return;

	if (!j->frame || step < j->frame || step == j->in.step)
		j->frame = step;
	j->in.step = step;
}

static void rescued_rt(struct jitter *j, int64_t transit_us, uint64_t now_us)
{
	struct rescued *r = &j->rescued;
	/* a voice may end an eighth of a frame under its target (shrink_rt), and then it would be too late again */
	const int64_t late_us = transit_us - j->arrival.base_us + us_of(j, j->frame) / 8 + 1;
	const int64_t max_us = (int64_t)j->conf.max_ms * 1000;

	if (now_us - r->since_us >= RESCUED_US) {
		r->prev_us  = r->cur_us;
		r->cur_us   = 0;
		r->since_us = now_us;
	}
	if (j->in.again && late_us > r->cur_us)
		r->cur_us = (uint32_t)(late_us < max_us ? late_us : max_us);
}

/* The delay that it would have with so many frames held: that of now, or the next that its reader's ticks allow. */
static int64_t due_with(const struct jitter *j, int frames)
{
	const int64_t least = us_of(j, (int64_t)j->frame * frames), tick = jitter_step_us(j);
	int64_t due = j->out.delay_us - least_us(j);

	if (frames == j->hold)
		return due;
	due -= (due - least) / tick * tick;
	return due < least ? due + tick : due;
}

static unsigned steps_of(const struct jitter *j, int64_t later_us)
{
	const int64_t step = us_of(j, j->frame) * JITTER_FIT_FRAMES / ODDS_STEPS;

	if (later_us <= 0 || !step)
		return 0;
	return later_us > ODDS_STEPS * step ? ODDS_STEPS + 1 : (unsigned)((later_us + step - 1) / step);
}

/* What the net did to this packet: with how many frames held would it have come in time? */
static void odds_rt(struct jitter *j, const struct rtp_pkt *pkt, int64_t later_us, uint64_t now_us)
{
	const int16_t ahead = rtp_seq_diff(pkt->seq, j->in.due_seq);
	unsigned late = 0;

	for (int n = 0; n < JITTER_ODDS; n++)
		late |= (unsigned)(later_us > due_with(j, n)) << n;
	if (ahead > 0 || !j->in.due_any) {
		odds_due_rt(&j->odds, j->in.due_any ? (uint32_t)ahead : 1, now_us);
		j->in.due_seq = pkt->seq;
		j->in.due_any = true;
	}
	odds_came_rt(&j->odds, late, steps_of(j, later_us));
	if (j->conf.fit && (late || !(pkt->seq & 63)))
		j->steps = odds_steps(&j->odds, (uint32_t)us_of(j, j->frame), FIT_LATE_A_MINUTE);
}

/* A fixed buffer: what did this packet need, and what do all? */
static void needs_rt(struct jitter *j, const struct rtp_pkt *pkt, int64_t ts64, uint64_t now_us)
{
	const int64_t us = need_us(j, ts64, now_us);

	if (!j->conf.fixed || !j->frame)
		return;
	if (!j->in.again)
		need_add_rt(&j->need, (uint64_t)(ts64 / j->frame), ts64, us - need_ahead_us(&j->need, ts64), now_us);
	if (j->out.begun && need_known(&j->need))
		odds_rt(j, pkt, us - j->need.most_us, now_us);
}

static void measure_rt(struct jitter *j, const struct rtp_pkt *pkt, int64_t ts64, uint64_t now_us)
{
	struct arriving *in = &j->in;
	const int64_t transit = (int64_t)(now_us - in->origin_us) - us_of(j, ts64);
	const int16_t d = rtp_seq_diff(pkt->seq, in->newest);

	/* one that came inside another has no arrival of its own */
	if (!in->again || !arrival_any(&j->arrival))
		arrival_add_rt(&j->arrival, transit, now_us);
	rescued_rt(j, transit, now_us);
	needs_rt(j, pkt, ts64, now_us);
	if (d < 0) {
		j->stats.reordered += !in->again;
		return;
	}
	if (d == 1 && !pkt->marker)
		learn_frame_rt(j, pkt->ts - in->ts);

	in->newest     = pkt->seq;
	in->ts         = pkt->ts;
	in->ts64       = ts64;
	if (!in->again)
		in->transit_us = transit;
}

static int refuse_late_rt(struct jitter *j, int64_t ts64, uint64_t now_us)
{
	j->stats.late++;
	j->in.late_run++;
	j->out.late = true;
	j->out.untimely |= jitter_untimely_rt(j, ts64, now_us);

	return ETIMEDOUT;
}

/* Does anything held lie in these bytes? */
static bool vacant(const struct jitter *j, size_t from, size_t len)
{
	uint16_t seq = j->head;

	if (from + len > j->room)
		return false;
	for (unsigned left = j->held; left; seq++) {
		const struct slot *s = at(j, seq);

		if (!is_kind(j, seq, PACKET))
			continue;
		if (s->payload < j->mem + from + len && j->mem + from < s->payload + s->len)
			return false;
		left--;
	}
	return true;
}

/* Where a payload may lie; NULL: nowhere. The room is for the bytes of the longest delay, not for as many packets of the
 * greatest length; and as long as one packet is held at a time, it is always the same few cache lines. */
static uint8_t *place_rt(struct jitter *j, size_t len)
{
	if (!j->held || !vacant(j, j->end, len))
		j->end = 0;
	if (!vacant(j, j->end, len))
		return NULL;
	j->end += len;
	return j->mem + j->end - len;
}

static int store_rt(struct jitter *j, const struct rtp_pkt *pkt, int64_t ts64, uint64_t now_us)
{
	struct slot *s = at(j, pkt->seq);
	uint8_t *payload;

	while (!(payload = place_rt(j, pkt->len))) {
		j->stats.overflow++;
		if (rtp_seq_diff(pkt->seq, j->head) < 0)
			return ENOSPC;
		jitter_pass_rt(j);
	}
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
			jitter_pass_rt(j);
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
	s->came_us = now_us;
	s->pt     = pkt->pt;
	s->marker = pkt->marker;
	s->len    = pkt->len;
	s->payload = payload;
	memcpy(payload, pkt->payload, pkt->len);

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
	if (jitter_too_late(j, pkt->seq, ts64)) {
		if (j->in.late_run + 1 < jitter_late_max(j) || j->held)
			return refuse_late_rt(j, ts64, now_us);
		begin_rt(j, pkt, now_us);
		ts64 = unwrap(j, pkt->ts);
		measure_rt(j, pkt, ts64, now_us);
	}

	err = store_rt(j, pkt, ts64, now_us);
	if (err)
		return err;

	j->stats.put++;
	j->in.late_run = 0;
	j->in.late_score -= j->in.late_score > 0;
	j->out.paused  = false;
	jitter_bound_rt(j);

	return 0;
}

int jitter_put_again_rt(struct jitter *j, const struct rtp_pkt *pkt, uint64_t now_us)
{
	int err;

	if (!j)
		return EINVAL;
	j->in.again = true;
	err = jitter_put_rt(j, pkt, now_us);
	j->in.again = false;
	return err;
}

void jitter_skip_rt(struct jitter *j, uint16_t seq)
{
	struct slot *s;

	if (!j || !j->in.any)
		return;
	if (rtp_seq_diff(seq, j->in.newest) > JITTER_DROPOUT || rtp_seq_diff(seq, j->in.newest) < -JITTER_MISORDER)
		return;

	if (rtp_seq_diff(seq, j->in.newest) > 0) {
		j->in.newest  = seq;
		j->out.paused = true;
	}

	s = at(j, seq);
	if (j->out.begun && rtp_seq_diff(seq, j->out.next_seq) < 0)
		return;
	if (j->out.begun && seq == j->out.next_seq) {
		jitter_advance_rt(j, (uint16_t)(seq + 1), true);
	}
	else if (s->kind != PACKET) {
		s->kind = SKIPPED;
		s->seq  = seq;
	}
}
