/*
 * jitter_late.c - the reader was late and dropped some of its time: packets whose time that was are passed over.
 *
 * Without this what was not played would wait behind what is, and a thread with too much to do would add delay up to the
 * buffer's bound. What shrinks the delay otherwise is slow on purpose; this is not, as the sound is torn already. But no more
 * goes than was dropped: what a buffer holds over its target beyond that is there because packets came late.
 */
#include <re.h>
#include "jitter_priv.h"

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
