/*
 * latency.c - sums of what an end knows of its delay.
 */
#include <errno.h>
#include "latency.h"

enum { LEAST_US = 200, MOST_US = 2000000 };

/* A card that gives more than a frame at once has its end before its time. */
static uint32_t no_less(int64_t us)
{
	return us > 0 ? (uint32_t)us : 0;
}

void latency_of(struct latency *l, uint32_t capture_us, uint32_t playback_us, const struct leg_stats *s, uint32_t rtt_us)
{
	*l = (struct latency){.capture_us = no_less((int64_t)capture_us + s->tx_delay_us), .playback_us = playback_us,
		.buffer_us = no_less(rtt_us ? s->rx_wait_us : s->rx_delay_us), .rtt_us = rtt_us};
}

static bool differs(uint32_t a, uint32_t b)
{
	return (a > b ? a - b : b - a) >= LEAST_US;
}

bool latency_differs(const struct latency *a, const struct latency *b)
{
	return differs(a->capture_us, b->capture_us) || differs(a->playback_us, b->playback_us) || differs(a->buffer_us, b->buffer_us) ||
	       differs(a->rtt_us, b->rtt_us);
}

int latency_read(struct latency *l, const struct osc_msg *msg)
{
	uint32_t v[4];
	struct osc_args it;
	struct osc_arg a;

	osc_args_init(&it, msg);
	for (unsigned i = 0; i < 4; i++) {
		if (!osc_arg_next(&it, &a) || a.tag != 'i' || a.v.i < 0 || a.v.i > MOST_US)
			return EBADMSG;
		v[i] = (uint32_t)a.v.i;
	}
	*l = (struct latency){.capture_us = v[0], .playback_us = v[1], .buffer_us = v[2], .rtt_us = v[3]};
	return 0;
}

void latency_path(struct band_path *p, const struct latency *theirs, const struct latency *ours)
{
	const uint32_t rtt_us = ours->rtt_us ? ours->rtt_us : theirs->rtt_us;

	*p = (struct band_path){.total = 0};
	if (!rtt_us)
		return;
	*p = (struct band_path){.capture = theirs->capture_us, .net_up = rtt_us / 2, .buffer = ours->buffer_us,
		.playback = ours->playback_us};
	p->total = p->capture + p->net_up + p->buffer + p->playback;
}
