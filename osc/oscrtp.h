/*
 * oscrtp.h - the payload of an RTP packet of gestures ("osc"): header, elements, journal entries; to struct and back.
 *
 *      | V |J|P|S|R|R|R|      NUM      |             CHECK             |
 *      NUM x    |  LENGTH (16)  |  DELTA (16)  |  OSC packet                         |
 *      if J     |  LENGTH (16)  |E| BACK (15)  |  if E: AGE (32)  |  OSC message     |   up to the end
 *
 * Pure, no allocation, any thread. Reading copies nothing. What oscrtp_read passes is whole: every packet and message
 * in it is valid OSC and every number within its bounds, so the walks over it cannot fail.
 */
#ifndef OSC_OSCRTP_H
#define OSC_OSCRTP_H

#include "mixer/rtp.h"
#include "osc.h"

enum {
	OSCRTP_HDR_LEN   = 4,
	OSCRTP_ELEM_HDR  = 4,
	OSCRTP_ENTRY_HDR = 4,
	OSCRTP_AGE_LEN   = 4,
	OSCRTP_NUM_MAX   = 255,
	OSCRTP_BACK_FAR  = 32767, /* "earlier than that, or before this stream began" */
	OSCRTP_MTU       = 1200,  /* of a payload, unless configured otherwise */
};

struct oscrtp {
	bool j, p, s;             /* journal; it is partial; snapshot */
	uint8_t  num;
	uint16_t check;
	const uint8_t *elems, *entries, *end;         /* into the packet */
};

struct oscrtp_elem {
	uint16_t delta;
	const uint8_t *osc;
	size_t   len;
};

struct oscrtp_entry {
	bool     event;           /* E */
	uint16_t back;
	uint32_t age;             /* of an event, in clock units */
	const uint8_t *osc;
	size_t   len;
};

/* `max`: the longest OSC packet taken. EBADMSG: malformed, to be dropped whole. */
int  oscrtp_read(struct oscrtp *o, const struct rtp_pkt *pkt, size_t max);

/* Walk from o->elems (num times) and from o->entries (to o->end). */
const uint8_t *oscrtp_elem(struct oscrtp_elem *e, const uint8_t *p);
const uint8_t *oscrtp_entry(struct oscrtp_entry *e, const uint8_t *p);

/* Writes at `p`, which has room for oscrtp_..._size. Gives the octet after it. */
uint8_t *oscrtp_write_hdr(uint8_t *p, const struct oscrtp *o);
uint8_t *oscrtp_write_elem(uint8_t *p, const struct oscrtp_elem *e);
uint8_t *oscrtp_write_entry(uint8_t *p, const struct oscrtp_entry *e);

static inline size_t oscrtp_elem_size(size_t len) { return OSCRTP_ELEM_HDR + len; }
static inline size_t oscrtp_entry_size(size_t len, bool event)
{
	return OSCRTP_ENTRY_HDR + (event ? OSCRTP_AGE_LEN : 0) + len;
}

#endif
