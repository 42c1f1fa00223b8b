/*
 * metrics.h - counters as Prometheus text. No room or member names: their number is the callers' to choose.
 */
#ifndef WEB_METRICS_H
#define WEB_METRICS_H

#include "web.h"

/* Of the HTTP face itself: its own thread counts them. */
struct metrics_web {
	uint64_t requests[6];             /* by class of the answer: [2] is 2xx */
	uint64_t refused_auth, refused_rate, too_large;
	uint32_t watchers;
	uint64_t resyncs;
	uint64_t hook_delivered, hook_failed, hook_dead;
	uint32_t hook_waiting;
};

char *metrics_text(const struct web_status *st, const struct metrics_web *w);     /* freed with g_free */

#endif
