/*
 * red.c - redundant audio (RFC 2198).
 *
 *      |1| pt | ts offset | length |1| pt | ts offset | length |0| pt |  frame  |  frame  | this packet's frame |
 *        7        14          10      (one header for each older frame)  bytes of each, in the same order
 *
 * An older frame says when it belongs, not which number its packet had; the jitter buffer wants both. The hole tells: if
 * packets 5 and 8 are here, what lies between their timestamps are 6 and 7. With as many frames as numbers it is certain;
 * with fewer, the hole is divided evenly where that comes out even, else the frames are those right before this packet,
 * because redundancy is of the last packets sent.
 */
#include <errno.h>
#include <string.h>

#include "red.h"

enum {
	HDR_LEN  = 4,
	LAST_LEN = 1,
	HOLE_MAX = 50,            /* packets; after a longer gap the sender was away */
};

/* ---- reading ---- */

/* RFC 2198 3: "F: 1 bit First bit in header indicates whether another header block follows. If 1 further header blocks
 * follow, if 0 this is the last header block." */
static int read_headers(struct red_block *b, unsigned *n, size_t *pos, const uint8_t *buf, size_t len)
{
	unsigned count = 0;
	size_t at = 0;

	for (;;) {
		if (at >= len || count == RED_READ_MAX)
			return EBADMSG;
		b[count] = (struct red_block){.pt = buf[at] & 0x7f};
		if (!(buf[at] & 0x80))
			break;
		if (len - at < HDR_LEN)
			return EBADMSG;
		b[count].ts_off = (uint16_t)(buf[at + 1] << 6 | buf[at + 2] >> 2);
		b[count].len    = (size_t)(buf[at + 2] & 3) << 8 | buf[at + 3];
		count++;
		at += HDR_LEN;
	}

	*n = count + 1;
	*pos = at + LAST_LEN;
	return 0;
}

int red_read(struct red_block *out, unsigned *n, const uint8_t *buf, size_t len)
{
	struct red_block b[RED_READ_MAX];
	unsigned count, kept = 0, skip;
	size_t at;

	if (read_headers(b, &count, &at, buf, len))
		return EBADMSG;

	for (unsigned i = 0; i < count; i++) {
		const bool own = i == count - 1;

		/* "The final header [...] The block length and timestamp are omitted": it has what is left */
		if (own)
			b[i].len = len - at;
		if (b[i].len > len - at)
			return EBADMSG;
		b[i].payload = buf + at;
		at += b[i].len;
		/* an offset of 0 would be another coding of this very frame, which nobody here could use */
		if (own || (b[i].len && b[i].ts_off))
			b[kept++] = b[i];
	}

	/* Three are as many as help; and the jitter buffer begins anew at the fourth late packet in a row. */
	skip = kept > RED_BLOCKS_MAX ? kept - RED_BLOCKS_MAX : 0;
	*n = kept - skip;
	memcpy(out, b + skip, *n * sizeof(*out));
	return 0;
}

static void remember(struct red_rx *r, const struct rtp_pkt *pkt)
{
	*r = (struct red_rx){.any = true, .seq = pkt->seq, .ts = pkt->ts, .ssrc = pkt->ssrc};
}

/* How many packets are missing right before this one; 0 too where that cannot be told. */
static unsigned hole(const struct red_rx *r, const struct rtp_pkt *pkt)
{
	const int16_t ahead = rtp_seq_diff(pkt->seq, r->seq);

	if (!r->any || r->ssrc != pkt->ssrc || ahead < 2 || ahead > HOLE_MAX || rtp_ts_diff(pkt->ts, r->ts) <= 0)
		return 0;
	return (unsigned)ahead - 1;
}

/* Which frames belong into the hole, by age: the oldest first, none twice. */
static unsigned in_hole(uint8_t in[RED_BLOCKS_MAX], const struct red_block *b, unsigned n, uint32_t span)
{
	unsigned count = 0;

	for (unsigned i = 0; i + 1 < n; i++) {
		unsigned at = count;

		if (b[i].ts_off >= span)
			continue;
		while (at > 0 && b[in[at - 1]].ts_off < b[i].ts_off)
			at--;
		if (at > 0 && b[in[at - 1]].ts_off == b[i].ts_off)
			continue;
		memmove(in + at + 1, in + at, count - at);
		in[at] = (uint8_t)i;
		count++;
	}

	return count;
}

/* How many packets before this one was the frame, which is the k-th youngest of its hole (from 1)? */
static unsigned back(const struct red_block *b, unsigned k, uint32_t span, unsigned missing, bool marker)
{
	const uint32_t frame = span / (missing + 1);

	/* a marker says that the time before it was a pause: nothing to divide evenly */
	if (!marker && frame && span % (missing + 1) == 0 && b->ts_off % frame == 0)
		return b->ts_off / frame;
	return k;
}

int red_packets_rt(struct red_rx *r, struct rtp_pkt *out, unsigned *n, const struct rtp_pkt *pkt)
{
	struct red_block b[RED_BLOCKS_MAX] = {0};
	uint8_t in[RED_BLOCKS_MAX] = {0};
	unsigned n_block, missing, n_in = 0, last = 0;

	if (red_read(b, &n_block, pkt->payload, pkt->len))
		return EBADMSG;

	*n = 0;
	missing = hole(r, pkt);
	if (missing)
		n_in = in_hole(in, b, n_block, (uint32_t)rtp_ts_diff(pkt->ts, r->ts));
	for (unsigned i = n_in < missing ? 0 : n_in - missing; i < n_in; i++) {
		const uint32_t span = pkt->ts - r->ts;
		const struct red_block *old = &b[in[i]];
		const unsigned d = n_in == missing ? n_in - i : back(old, n_in - i, span, missing, pkt->marker);

		/* an order that cannot be: two in one place, or the younger before the older */
		if (!d || d > missing || (last && d >= last))
			continue;
		last = d;
		out[*n] = *pkt;
		out[*n].pt      = old->pt;
		out[*n].marker  = false;
		out[*n].ext     = NULL;           /* it speaks of this packet's frame: its level, for one */
		out[*n].ext_len = 0;
		out[*n].n_csrc  = 0;
		out[*n].seq     = (uint16_t)(pkt->seq - d);
		out[*n].ts      = pkt->ts - old->ts_off;
		out[*n].payload = old->payload;
		out[*n].len     = old->len;
		++*n;
	}

	out[*n] = *pkt;
	out[*n].pt      = b[n_block - 1].pt;
	out[*n].payload = b[n_block - 1].payload;
	out[*n].len     = b[n_block - 1].len;
	++*n;
	red_plain_rt(r, pkt);

	return 0;
}

void red_plain_rt(struct red_rx *r, const struct rtp_pkt *pkt)
{
	/* one that comes late leaves the newest as it is; a stream that began anew does not */
	if (r->any && r->ssrc == pkt->ssrc && rtp_seq_diff(pkt->seq, r->seq) <= 0 && rtp_seq_diff(pkt->seq, r->seq) > -HOLE_MAX)
		return;
	remember(r, pkt);
}

/* ---- writing ---- */

void red_tx_init(struct red_tx *t, uint8_t n_gen)
{
	t->n_gen = n_gen < 1 ? 1 : n_gen > RED_GEN_MAX ? RED_GEN_MAX : n_gen;
	t->n = t->newest = 0;
}

static void keep(struct red_tx *t, uint8_t pt, uint32_t ts, const uint8_t *payload, size_t len)
{
	if (len > RED_LEN_MAX) {          /* cannot be said in ten bits: what is older is too old to say as well */
		t->n = 0;
		return;
	}
	t->newest = (uint8_t)((t->newest + 1) % RED_GEN_MAX);
	t->gen[t->newest].pt  = pt;
	t->gen[t->newest].ts  = ts;
	t->gen[t->newest].len = len;
	memcpy(t->gen[t->newest].payload, payload, len);
	if (t->n < RED_GEN_MAX)
		t->n++;
}

static unsigned gen_at(const struct red_tx *t, unsigned age)     /* 0: the youngest kept */
{
	return (t->newest + RED_GEN_MAX - age % RED_GEN_MAX) % RED_GEN_MAX;
}

/* How many of those kept can go along. */
static unsigned fitting(const struct red_tx *t, size_t size, uint32_t ts, size_t len)
{
	size_t need = LAST_LEN + len;
	unsigned n = 0;

	while (n < t->n && n < t->n_gen) {
		const unsigned g = gen_at(t, n);
		const uint32_t off = ts - t->gen[g].ts;

		need += HDR_LEN + t->gen[g].len;
		if (!off || off > RED_TS_MAX || need > size)
			break;
		n++;
	}

	return n;
}

int red_write_rt(struct red_tx *t, uint8_t *buf, size_t size, uint8_t pt, uint32_t ts, const uint8_t *payload, size_t len)
{
	unsigned n;
	size_t at = 0;

	if (LAST_LEN + len > size)
		return -ENOSPC;

	n = fitting(t, size, ts, len);
	for (unsigned i = n; i-- > 0;) {
		const unsigned g = gen_at(t, i);
		const uint32_t off = ts - t->gen[g].ts;

		buf[at++] = (uint8_t)(0x80 | t->gen[g].pt);
		buf[at++] = (uint8_t)(off >> 6);
		buf[at++] = (uint8_t)(off << 2 | t->gen[g].len >> 8);
		buf[at++] = (uint8_t)t->gen[g].len;
	}
	buf[at++] = pt & 0x7f;
	for (unsigned i = n; i-- > 0;) {
		const unsigned g = gen_at(t, i);

		memcpy(buf + at, t->gen[g].payload, t->gen[g].len);
		at += t->gen[g].len;
	}
	memcpy(buf + at, payload, len);
	keep(t, pt, ts, payload, len);

	return (int)(at + len);
}
