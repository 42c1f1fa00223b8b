/*
 * jitter_late.c - is a packet too late, and whose fault is it? And the reader was late: it dropped some of its time,
 * and packets whose time that was are passed over.
 *
 * Without the last of these what was not played would wait behind what is, and a thread with too much to do would add
 * delay up to the buffer's bound. What shrinks the delay otherwise is slow on purpose; this is not, as the sound is
 * torn already. But no more goes than was dropped: what a buffer holds over its target beyond that is there because
 * packets came late.
 */
#include <re.h>
#include "jitter_priv.h"

enum {
	LATE_RUN = 4,             /* so many late ones and none in time: our timing is wrong, not theirs */
	LATE_RUN_FIXED = 12,      /* ... where frames and ticks may make some late; */
	LATE_RUN_HELD = 32,       /* ... where the delay was chosen, by somebody who may know what he does */
	LATE_WEIGHT = 20, LATE_SCORE = 100,     /* one in twenty */
	ALIKE_MANY = 2, ALIKE_MANY_HELD = 8,
};

bool jitter_too_late(const struct jitter *j, uint16_t seq, int64_t ts64)
{
	if (!j->out.begun)
		return false;
	if (rtp_seq_diff(seq, j->out.next_seq) < 0)
		return true;

	/* fixed: its time was concealed, and is not waited for; half a frame of grace for readers of another pace */
	return j->conf.fixed && !j->out.idle && (j->out.next_ts - ts64) * 2 > j->frame;
}

/* Do nearly all packets need no more than they must? */
static bool steady(const struct jitter *j, int64_t slack_us)
{
	return j->arrival.base_us + j->arrival.spread_us < least_us(j) + slack_us;
}

/* Is the timing ours to mend? One that was as fast as any is not late by what a steady net did, nor are some that are
 * all late by the same: who reads at ticks sees a slow clock as a whole tick at once. Nor are very many, where nobody
 * chose the delay: frames and ticks may meet in a way that need.c does not see. */
bool jitter_untimely_rt(struct jitter *j, int64_t ts64, uint64_t now_us)
{
	const int64_t us = need_us(j, ts64, now_us), near_us = us_of(j, j->frame) / 8, change_us = us - j->in.late_us;

	if (!j->conf.fixed)
		return false;
	j->in.late_us = us;
	j->in.alike = j->in.late_run > 1 && change_us < near_us && change_us > -near_us ? j->in.alike + 1 : 0;
	if (j->in.alike >= (j->hold < 0 ? ALIKE_MANY : ALIKE_MANY_HELD) ||
	    (us - least_us(j) < near_us && steady(j, 2 * near_us)))
		return true;
	if (j->hold >= 0 || j->conf.fit)
		return false;
	j->in.late_score += LATE_WEIGHT;
	if (j->held || j->in.late_score < LATE_SCORE)
		return false;
	j->in.late_score = 0;
	return true;
}

unsigned jitter_late_max(const struct jitter *j)
{
	return !j->conf.fixed ? LATE_RUN : j->hold < 0 ? LATE_RUN_FIXED : LATE_RUN_HELD;
}

void jitter_catch_up_rt(struct jitter *j, uint32_t n_ts, uint64_t now_us)
{
	const int64_t frame_us = us_of(j, j->frame);
	int64_t excess;

	if (!j->out.begun || j->out.idle || !j->held || !j->frame)
		return;
	j->out.owed += n_ts;
	excess = due_us(j, at(j, j->head)->ts, now_us) - jitter_target_us(j);
	/* the last one held stays: there is more sound in it than in what would stand for it */
	while (j->held > 1 && excess >= frame_us && j->out.owed >= j->frame) {
		jitter_pass_rt(j);
		j->stats.dropped_shrink++;
		j->out.owed -= j->frame;
		excess = due_us(j, at(j, j->head)->ts, now_us) - jitter_target_us(j);
	}
	if (excess < 0 || j->out.owed > j->frame)
		j->out.owed = 0;          /* it waited no longer than it should, or there was nothing to pass over */
}
