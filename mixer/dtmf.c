/*
 * dtmf.c - key presses in RTP (RFC 4733 telephone-event), read and written.
 *
 *       0                   1                   2                   3
 *      |     event     |E|R| volume    |          duration             |
 *
 *      time   ----------100 ms----------|----60 ms pause---|
 *      sent   M u u u u E E E                                  all with the event's own RTP timestamp
 *
 * RFC 4733 2.2.1: "For events that span multiple RTP packets, the RTP timestamp identifies the beginning of the event,
 * i.e., several RTP packets may carry the same timestamp." So an event is known by its timestamp, and whatever packet of
 * it arrives first reports the key: loss of any but all of them changes nothing. "For long-lasting events that have to be
 * split into segments [...], the timestamp indicates the beginning of the segment": that is one key still.
 */
#include <errno.h>
#include <string.h>
#include "dtmf.h"

enum {
	EVENT_LEN  = 4,
	EVENT_KEYS = 16,
	TONE_MS    = 100,
	PAUSE_MS   = 60,
	VOLUME     = 10,          /* dBm0 below zero */
	N_ENDS     = 3,
	STRAGGLER  = 96000,       /* ticks; further back is no reordering but a new count of timestamps */
};

static const char keys[EVENT_KEYS + 1] = "0123456789*#ABCD";

char dtmf_key(uint8_t event)
{
	return event < EVENT_KEYS ? keys[event] : 0;
}

int dtmf_event(char key)
{
	const char *p;

	if (key >= 'a' && key <= 'd')
		key = (char)(key - 'a' + 'A');
	p = key ? strchr(keys, key) : NULL;

	return p ? (int)(p - keys) : -1;
}

/* ---- reading ---- */

/* A segment is left when its 16 bits of duration are full, and the next one begins where it ended. If this event was not
 * ended and the same begins anew just there, the key is still down. Some leave a segment an update or two early. */
static bool next_segment(const struct dtmf_rx *rx, uint32_t ts, uint8_t event)
{
	enum { FULL = 0xffff, SLACK = 4800 };
	const int32_t after = rtp_ts_diff(ts, rx->ts);

	return event == rx->event && !rx->ended && after >= FULL - SLACK && after <= FULL;
}

int dtmf_read_rt(struct dtmf_rx *rx, char *key, uint32_t ts, const uint8_t *payload, size_t len)
{
	uint8_t event;
	bool end, same, older, segment;

	if (!rx || !key || !payload || len < EVENT_LEN)
		return -EBADMSG;

	event = payload[0];
	end   = payload[1] & 0x80;

	same    = rx->any && ts == rx->ts;
	older   = rx->any && rtp_ts_diff(ts, rx->ts) < 0 && rtp_ts_diff(ts, rx->ts) > -STRAGGLER;
	segment = rx->any && !same && !older && next_segment(rx, ts, event);
	if (older)                        /* a straggler of an event already told */
		return 0;
	if (same) {
		rx->ended = rx->ended || end;
		return 0;
	}

	rx->any   = true;
	rx->ts    = ts;
	rx->event = event;
	rx->ended = end;
	if (segment || !dtmf_key(event))  /* flash, tones, fax: events, but no key */
		return 0;

	*key = dtmf_key(event);
	return 1;
}

/* ---- writing ---- */

int dtmf_tx_push(struct dtmf_tx *tx, char key)
{
	const int event = dtmf_event(key);

	if (!tx || event < 0)
		return EINVAL;
	if (tx->n == sizeof(tx->queue))
		return ENOSPC;

	tx->queue[(tx->head + tx->n) % sizeof(tx->queue)] = dtmf_key((uint8_t)event);
	tx->n++;

	return 0;
}

static bool begin(struct dtmf_tx *tx, uint32_t ts)
{
	if (!tx->n)
		return false;

	tx->active   = true;
	tx->event    = (int16_t)dtmf_event(tx->queue[tx->head]);
	tx->head     = (uint8_t)((tx->head + 1) % sizeof(tx->queue));
	tx->n--;
	tx->ts       = ts;
	tx->duration = 0;
	tx->ends     = 0;

	return true;
}

static void put_event(uint8_t payload[4], const struct dtmf_tx *tx, bool end)
{
	payload[0] = (uint8_t)tx->event;
	payload[1] = (uint8_t)((end ? 0x80 : 0) | VOLUME);
	payload[2] = (uint8_t)(tx->duration >> 8);
	payload[3] = (uint8_t)tx->duration;
}

/* After the last end packet the line is quiet for a while, or two presses of one key would be heard as one. */
static bool pausing(struct dtmf_tx *tx, uint32_t n_ts)
{
	if (!tx->pause)
		return false;

	tx->pause -= n_ts < tx->pause ? n_ts : tx->pause;
	return true;
}

static uint32_t ticks(uint32_t ms, uint32_t clock)
{
	return (uint32_t)((uint64_t)ms * clock / 1000);
}

int dtmf_write_rt(struct dtmf_tx *tx, uint8_t payload[4], uint32_t *ts_out, bool *marker, uint32_t ts, uint32_t n_ts,
	uint32_t clock)
{
	const uint32_t tone = ticks(TONE_MS, clock) < 0xffff ? ticks(TONE_MS, clock) : 0xffff;

	*marker = false;
	if (!tx->active) {
		if (pausing(tx, n_ts) || !begin(tx, ts))
			return 0;
		/* RFC 4733 2.2.2: "The RTP marker bit indicates the beginning of a new event." */
		*marker = true;
	}

	/* RFC 4733 2.5.1.4: "The final packet for each event and for each segment SHOULD be sent a total of three times
	 * at the interval used by the source for updates": the same packet, so the duration stays */
	if (!tx->ends)
		tx->duration += n_ts < 0xffff - tx->duration ? n_ts : 0xffff - tx->duration;
	if (tx->duration >= tone)
		tx->ends++;

	put_event(payload, tx, tx->ends > 0);
	*ts_out = tx->ts;

	if (tx->ends == N_ENDS) {
		tx->active = false;
		tx->pause  = ticks(PAUSE_MS, clock);
	}

	return 1;
}
