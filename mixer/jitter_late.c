/*
 * jitter_late.c - the reader was late and dropped some of its time: packets whose time that was are passed over.
 *
 * Without this what was not played would wait behind what is, and a thread with too much to do would add delay up to the
 * buffer's bound. What shrinks the delay otherwise is slow on purpose; this is not, as the sound is torn already.
 */
#include <re.h>
#include "jitter_priv.h"

void jitter_catch_up_rt(struct jitter *j, uint64_t now_us)
{
	const int64_t frame_us = us_of(j, j->frame);

	if (!j->out.begun || j->out.idle || !j->frame)
		return;
	/* the last one held stays: there is more sound in it than in what would stand for it */
	while (j->held > 1 && due_us(j, at(j, j->head)->ts, now_us) - jitter_target_us(j) >= frame_us) {
		jitter_pass_rt(j);
		j->stats.dropped_shrink++;
	}
}
