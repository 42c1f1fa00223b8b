/*
 * latency.c - sums of what an end knows of its delay.
 */
#include "latency.h"

enum { LEAST_US = 200 };

/* A card that gives more than a frame at once has its end before its time. */
static uint32_t no_less(int64_t us)
{
	return us > 0 ? (uint32_t)us : 0;
}

void latency_of(struct latency *l, uint32_t capture_us, uint32_t playback_us, const struct leg_stats *s, uint32_t rtt_us)
{
	*l = (struct latency){.capture_us = no_less((int64_t)capture_us + (rtt_us ? s->tx_wait_us : s->tx_delay_us)),
		.playback_us = playback_us,
		.buffer_us = no_less(rtt_us ? s->rx_wait_us : s->rx_delay_us), .rtt_us = rtt_us};
}

uint32_t latency_live(uint32_t total_us, uint32_t told_us, const struct latency *now)
{
	return no_less((int64_t)total_us - told_us + now->buffer_us + now->playback_us);
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
