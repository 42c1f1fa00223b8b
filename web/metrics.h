/*
 * metrics.h - counters as Prometheus text. No room or member names: their number is the callers' to choose.
 */
#ifndef WEB_METRICS_H
#define WEB_METRICS_H

#include "web.h"

char *metrics_text(const struct web_status *st);          /* freed with g_free */

#endif
