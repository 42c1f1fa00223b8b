/*
 * subscribe.h - what a SUBSCRIBE asks for: its Event, Expires and Accept as a struct, or the status it is refused with.
 */
#ifndef SERVER_SUBSCRIBE_H
#define SERVER_SUBSCRIBE_H

#include <re.h>

enum { SUBSCRIBE_DEFAULT_S = 3600, SUBSCRIBE_MIN_S = 60, SUBSCRIBE_ID_MAX = 63 };

struct subscribe {
	char id[SUBSCRIBE_ID_MAX + 1];    /* Event: conference;id=...; "" where there is none */
	uint32_t expires_s;               /* 0: once, or the end of it; else SUBSCRIBE_MIN_S .. SUBSCRIBE_DEFAULT_S */
	uint32_t interval_ms;             /* RFC 6446 max-rate as the time between two; 0: not asked for */
};

/* 0; or 400, 406, 423, 489 with *reason. */
uint16_t subscribe_read(struct subscribe *s, const char **reason, const struct sip_msg *msg);

#endif
