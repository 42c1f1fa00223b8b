/*
 * oscrtp.c - the payload of an RTP packet of gestures, to struct and back. Reading is one pass over the packet, which
 * looks at each octet that anybody may later rely on.
 */
#include <errno.h>
#include <string.h>

#include "bytes.h"
#include "oscrtp.h"

enum { BIT_J = 0x20, BIT_P = 0x10, BIT_S = 0x08, BIT_E = 0x8000 };

static bool length_ok(size_t n, size_t left)
{
	return n >= OSC_LEN_MIN && n % 4 == 0 && n <= left;
}

/* "DELTA is the capture time after the RTP timestamp, in clock units; it does not decrease from element to element." */
static int read_elems(struct oscrtp *o, const uint8_t *p, size_t max)
{
	struct oscrtp_elem e;
	uint16_t delta = 0;

	for (unsigned i = 0; i < o->num; i++) {
		const size_t left = (size_t)(o->end - p);

		if (left < OSCRTP_ELEM_HDR || !length_ok(get_be16(p), left - OSCRTP_ELEM_HDR))
			return EBADMSG;
		p = oscrtp_elem(&e, p);
		if (e.delta < delta || osc_check(e.osc, e.len, max))
			return EBADMSG;
		delta = e.delta;
	}

	o->entries = p;
	return 0;
}

/* "Entries are ordered oldest first (BACK never increases)." */
static int read_entries(struct oscrtp *o, size_t max)
{
	const uint8_t *p = o->entries;
	uint16_t back = OSCRTP_BACK_FAR;
	struct oscrtp_entry e;
	struct osc_msg msg;

	while (p < o->end) {
		const size_t left = (size_t)(o->end - p);
		size_t hdr;

		if (left < OSCRTP_ENTRY_HDR)
			return EBADMSG;
		hdr = oscrtp_entry_size(0, get_be16(p + 2) & BIT_E);
		if (left < hdr || !length_ok(get_be16(p), left - hdr))
			return EBADMSG;
		p = oscrtp_entry(&e, p);
		if (!e.back || e.back > back || e.len > max || osc_msg_read(&msg, e.osc, e.len))
			return EBADMSG;
		back = e.back;
	}

	return 0;
}

static bool header_ok(const struct oscrtp *o, const struct rtp_pkt *pkt)
{
	/* "M is 1 if NUM > 0 (6.2), else 0." "P and S need J." */
	if (pkt->marker != (o->num > 0) || (!o->j && (o->p || o->s || o->check)))
		return false;

	/* "A CHECK later than the packet's own number (mod 2^16) makes the packet malformed." */
	return !o->j || rtp_seq_diff(o->check, pkt->seq) <= 0;
}

int oscrtp_read(struct oscrtp *o, const struct rtp_pkt *pkt, size_t max)
{
	const uint8_t *p = pkt->payload;

	if (pkt->len < OSCRTP_HDR_LEN || p[0] >> 6 != 0)
		return EBADMSG;

	o->j = p[0] & BIT_J;
	o->p = p[0] & BIT_P;
	o->s = p[0] & BIT_S;
	o->num   = p[1];
	o->check = get_be16(p + 2);
	o->elems = p + OSCRTP_HDR_LEN;
	o->end   = p + pkt->len;

	if (!header_ok(o, pkt) || read_elems(o, o->elems, max))
		return EBADMSG;
	if (!o->j)
		return o->entries == o->end ? 0 : EBADMSG;

	return read_entries(o, max);
}

const uint8_t *oscrtp_elem(struct oscrtp_elem *e, const uint8_t *p)
{
	e->len   = get_be16(p);
	e->delta = get_be16(p + 2);
	e->osc   = p + OSCRTP_ELEM_HDR;

	return e->osc + e->len;
}

const uint8_t *oscrtp_entry(struct oscrtp_entry *e, const uint8_t *p)
{
	e->len   = get_be16(p);
	e->event = get_be16(p + 2) & BIT_E;
	e->back  = get_be16(p + 2) & (BIT_E - 1);
	p += OSCRTP_ENTRY_HDR;
	e->age = e->event ? get_be32(p) : 0;
	e->osc = p + (e->event ? OSCRTP_AGE_LEN : 0);

	return e->osc + e->len;
}

uint8_t *oscrtp_write_hdr(uint8_t *p, const struct oscrtp *o)
{
	p[0] = (uint8_t)((o->j ? BIT_J : 0) | (o->p ? BIT_P : 0) | (o->s ? BIT_S : 0));
	p[1] = o->num;
	put_be16(p + 2, o->check);

	return p + OSCRTP_HDR_LEN;
}

uint8_t *oscrtp_write_elem(uint8_t *p, const struct oscrtp_elem *e)
{
	put_be16(p, (uint16_t)e->len);
	put_be16(p + 2, e->delta);
	memcpy(p + OSCRTP_ELEM_HDR, e->osc, e->len);

	return p + OSCRTP_ELEM_HDR + e->len;
}

uint8_t *oscrtp_write_entry(uint8_t *p, const struct oscrtp_entry *e)
{
	put_be16(p, (uint16_t)e->len);
	put_be16(p + 2, (uint16_t)((e->event ? BIT_E : 0) | e->back));
	p += OSCRTP_ENTRY_HDR;
	if (e->event) {
		put_be32(p, e->age);
		p += OSCRTP_AGE_LEN;
	}
	memcpy(p, e->osc, e->len);

	return p + e->len;
}
