/*
 * jitter_get.c - sound out of the jitter buffer: a packet, or what stands for one. How it decides: jitter.c.
 */
#include <string.h>
#include <re.h>
#include "gcd.h"
#include "jitter_priv.h"

enum {
	CONCEAL_MAX_MS   = 100,   /* then the sender has paused or gone */
	SHRINK_SLOW_US   = 500000,
	SHRINK_FAST_US   = 100000,
	SHRINK_FAST_OVER = 60000, /* excess from which on to shrink fast */
	REST_MIN_US      = 2000000,   /* after growing, not to shrink for so long; */
	REST_MAX_US      = 64000000,  /* twice as long each time it grew again soon after having shrunk */
	REGRET_US        = 5000000,
	REGRET_SLOW_US   = 30000000,  /* who shrinks by playing faster takes longer for it */
	SHRINK_MUSIC_OVER = 20000,
	START_MORE_US    = 800,       /* until it is known whether it is slow */
};

static enum jitter_result frame_rt(struct jitter *j, struct jitter_frame *f, uint32_t n_ts, uint64_t now_us)
{
	struct playing *out = &j->out;
	const struct slot *s = at(j, j->head);

	*f = (struct jitter_frame){ .pt = s->pt, .marker = s->marker, .seq = s->seq,
		.ts = j->in.ts + (uint32_t)(s->ts - j->in.ts64), .came_us = s->came_us,
		.payload = s->payload, .len = s->len };

	j->stats.got++;
	out->delay_us = due_us(j, s->ts, now_us) + least_us(j);
	j->stats.excess_us = (int32_t)(out->delay_us - least_us(j) - jitter_target_us(j));
	j->stats.resting   = now_us - out->grown_us < out->rest_us;
	if (out->begun)
		j->stats.lost += jitter_missing(j, out->next_seq, s->seq);
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
	jitter_advance_rt(j, (uint16_t)(s->seq + 1), true);
	jitter_remove_rt(j);
	jitter_bound_rt(j);              /* timestamps that run backwards make a longer span of fewer packets */

	return JITTER_FRAME;
}

/* What this reader's ticks ask for, whenever they meet the frames: so much sooner than it is played does it want one of
 * them. */
static int64_t ticks_need_us(const struct jitter *j)
{
	if (!j->conf.fixed || !j->tick || !j->frame)
		return 0;
	return us_of(j, j->tick - gcd(j->tick, j->frame)) + (j->conf.fit || j->hold >= 0 ? START_MORE_US : 0);
}

/* First, and after a long nothing: wait until the head has the delay it should have. A quarter of an answer less will
 * do, or a reader whose tick shivers would wait for a whole one more. */
static enum jitter_result start_rt(struct jitter *j, struct jitter_frame *f, uint32_t n_ts, uint64_t now_us)
{
	const int64_t target = jitter_target_us(j), floor = jitter_floor_us(j), least = floor < target ? floor : target;
	int64_t enough = target - us_of(j, n_ts) / 4;

	if (!j->held)
		return JITTER_SILENCE;
	if (enough < least)
		enough = least;
	if (due_us(j, at(j, j->head)->ts, now_us) < enough + ticks_need_us(j))
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
	if (j->conf.fixed && !out->untimely)      /* the delay grows, by just this */
		out->next_ts += n_ts;
	j->stats.stretched += out->untimely;
	out->untimely = false;

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
	out->silent = !out->credit && (s->marker || !jitter_missing(j, out->next_seq, s->seq));
	if (out->silent)
		return JITTER_SILENCE;

	while (left > out->credit && out->next_seq != s->seq) {
		if (jitter_missing(j, out->next_seq, (uint16_t)(out->next_seq + 1)))
			j->stats.lost++, out->credit += frame;
		jitter_advance_rt(j, (uint16_t)(out->next_seq + 1), false);
	}
	out->credit -= left < out->credit ? left : out->credit;
	if (out->next_seq == s->seq) {
		offer_next(f, s);
		out->asked = n_ts;
	}

	return JITTER_LOST;
}

/* From which excess on a packet is left out. */
static int64_t enough_to_shrink_us(const struct jitter *j, int64_t frame_us)
{
	if (j->conf.steered) {
		const int64_t loud = frame_us * 3 > SHRINK_MUSIC_OVER ? frame_us * 3 : SHRINK_MUSIC_OVER;
		const int64_t over = j->conf.fixed ? loud : SHRINK_FAST_OVER;

		return frame_us + (j->out.quiet ? frame_us / 8 : over);
	}

	/* a voice may end a little under its target, or what grew by a frame would never shrink by one */
	return j->conf.fixed ? frame_us + frame_us / 16 : frame_us - frame_us / 8;
}

/* The delay that there would be with one packet less, over the target. (Frames and ticks meet in another way then.) */
static int64_t excess_without_us(struct jitter *j, uint64_t now_us)
{
	struct playing *out = &j->out;
	int64_t us;

	need_reader_rt(&j->need, j->conf.clock, j->tick, j->ahead, out->next_ts + j->frame);
	us = due_us(j, at(j, j->head)->ts + j->frame, now_us) - jitter_target_us(j);
	need_reader_rt(&j->need, j->conf.clock, j->tick, j->ahead, out->next_ts);

	return us;
}

/* Leave out packets while the delay is a frame too long; a voice loses one at a time, and none soon after it
 * waited: what came late once may do so again. */
static void shrink_rt(struct jitter *j, uint64_t now_us)
{
	const int64_t frame_us = us_of(j, j->frame), enough_us = j->out.settling ? frame_us : enough_to_shrink_us(j, frame_us);
	int64_t excess = due_us(j, at(j, j->head)->ts, now_us) - jitter_target_us(j);
	const bool soon = excess > SHRINK_FAST_OVER || j->out.quiet;

	if (!frame_us || (j->conf.fixed && !need_known(&j->need)))
		return;
	if (!j->conf.fixed && now_us - j->out.shrunk_us < (soon ? SHRINK_FAST_US : SHRINK_SLOW_US))
		return;
	if (!j->conf.fixed && !soon && now_us - j->out.grown_us < j->out.rest_us)
		return;

	j->out.settling = false;
	while (excess >= enough_us && j->held > 1 && is_kind(j, (uint16_t)(j->head + 1), PACKET) &&
	       (!j->conf.fixed || excess_without_us(j, now_us) >= 0)) {
		jitter_pass_rt(j);
		j->stats.dropped_shrink++;
		j->out.shrunk_us = now_us;
		excess -= frame_us;
		if (!j->conf.fixed)
			break;
	}
}

/* Too little delay, and it was felt? Then not yet. A fixed buffer bears what the net does: only what it itself had
 * wrong counts, and what it was told to hold. */
static bool stretch_rt(struct jitter *j, uint64_t now_us)
{
	const int64_t due = due_us(j, at(j, j->head)->ts, now_us), target = jitter_target_us(j);
	const int64_t frame_us = us_of(j, j->frame);
	const int64_t ran_away = j->hold >= 0 ? frame_us : (target < frame_us ? target : frame_us) / 2;
	const bool bears = j->conf.fixed && !(j->conf.fit && j->hold < 0);
	const bool felt = bears ? j->out.settling || due + ran_away < target : j->out.late;

	if (j->out.untimely || (felt && due < target)) {
		j->out.untimely = false;
		return true;
	}
	j->out.late = false;
	return false;
}

static enum jitter_result insert_rt(struct jitter *j, uint32_t n_ts)
{
	const bool first = !j->out.concealed;

	j->stats.stretched++;
	j->out.concealed += n_ts;

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
static void grown_rt(struct playing *out, uint32_t regret_us, uint64_t now_us)
{
	const bool regret = out->shrunk_us && now_us - out->shrunk_us < regret_us;

	out->rest_us  = regret ? out->rest_us * 2 : out->rest_us / 2;
	out->rest_us  = out->rest_us < REST_MIN_US ? REST_MIN_US : out->rest_us > REST_MAX_US ? REST_MAX_US : out->rest_us;
	out->grown_us = now_us;
}

static enum jitter_result play_rt(struct jitter *j, struct jitter_frame *f, uint32_t n_ts, uint64_t now_us)
{
	struct playing *out = &j->out;
	const struct slot *s = at(j, j->head);
	const int64_t due = due_us(j, s->ts, now_us), target = jitter_target_us(j);
	int64_t gap;

	gap = s->ts - out->next_ts;
	if (out->concealed && gap <= 0)
		grown_rt(out, j->conf.steered ? REGRET_SLOW_US : REGRET_US, now_us);
	settle_concealed_rt(j, gap);
	gap = s->ts - out->next_ts;

	/* too early for the head, unless what is missing before it may as well be what shortens the delay */
	if (gap > 0 && gap * 2 >= n_ts && due < target) {
		out->concealed = 0;
		return fill_rt(j, f, n_ts);
	}
	if (out->silent && due + us_of(j, n_ts) / 2 < target)
		return JITTER_SILENCE;
	if (stretch_rt(j, now_us))
		return insert_rt(j, n_ts);

	shrink_rt(j, now_us);
	return frame_rt(j, f, n_ts, now_us);
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

	if (j->conf.fixed)
		need_reader_rt(&j->need, j->conf.clock, j->tick, j->ahead, j->out.next_ts);
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
	if (!n_ts || n_ts > ticks_of_ms(j, JITTER_FRAME_MAX_MS))
		return;
	if (j->out.asked)
		recovered_rt(j, n_ts);
	if (!j->out.may_learn)
		return;

	j->frame         = n_ts;
	j->out.next_ts   = j->out.frame_ts + n_ts;
	j->out.may_learn = false;
	jitter_bound_rt(j);
}

void jitter_shrunk_rt(struct jitter *j, uint64_t now_us)
{
	j->out.shrunk_us = now_us;
}

void jitter_quiet_rt(struct jitter *j, bool quiet)
{
	j->out.quiet = quiet;
}
