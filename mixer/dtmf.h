/*
 * dtmf.h - key presses in RTP (RFC 4733 telephone-event), read and written. Pure state machines, no allocation.
 * (libre's telev works on mbufs and allocates; this one may run on a media thread.)
 */
#ifndef MIXER_DTMF_H
#define MIXER_DTMF_H

#include "rtp.h"

struct dtmf_rx {                  /* all zero to begin with */
	uint32_t ts;              /* of the event last begun, or its last segment */
	int16_t  event;
	bool     ended, any;
};

/* A payload arrived. 1: a key was pressed and *key is one of 0-9 * # A-D (reported once an event, at its first packet);
 * 0: nothing new; -EBADMSG. Lost first or last packets must neither lose nor double a key. */
int  dtmf_read_rt(struct dtmf_rx *rx, char *key, uint32_t ts, const uint8_t *payload, size_t len);

struct dtmf_tx {                  /* all zero to begin with */
	char     queue[32];
	uint8_t  head, n;
	bool     active;
	int16_t  event;           /* being sent while active */
	uint32_t ts, duration;    /* in RTP clock ticks */
	uint8_t  ends;            /* end packets sent, of three */
	uint32_t pause;           /* ticks left between two keys */
};

int  dtmf_tx_push(struct dtmf_tx *tx, char key);     /* ENOSPC, EINVAL */
/* Call once per sent frame of n_ts ticks at RTP time ts. 1: payload (4 bytes), event start `*ts_out` and marker to send
 * in place of sound; 0: nothing to send. Events last 100 ms (rounded up to frames), pauses 60 ms, three end packets. */
int  dtmf_write_rt(struct dtmf_tx *tx, uint8_t payload[4], uint32_t *ts_out, bool *marker, uint32_t ts, uint32_t n_ts,
	uint32_t clock);

char dtmf_key(uint8_t event);                        /* 0 when it is no key */
int  dtmf_event(char key);                           /* -1 when it is no key */

#endif
