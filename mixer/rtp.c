/*
 * rtp.c - RTP header to struct and back (RFC 3550), header extensions (RFC 8285).
 *
 *       0                   1                   2                   3
 *      |V=2|P|X|  CC   |M|     PT      |       sequence number         |
 *      |                           timestamp                           |
 *      |                        SSRC, then CC x CSRC                   |
 *      |      profile (if X)           |    length in words            |
 *      |      extension ...  payload ...  padding, its length last (P) |
 *
 * Reading is strict: a packet whose lengths contradict each other is refused whole, since no sender of sound makes one,
 * and half of it would only be noise. An empty payload is fine (keep-alives, padding-only probes).
 */
#include <errno.h>
#include <string.h>
#include "rtp.h"

enum { EXT_TWO_BYTE = 0x1000, EXT_TWO_BYTE_MASK = 0xfff0 };

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t)(v >> 16));
	put16(p + 2, (uint16_t)v);
}

static int read_ext(struct rtp_pkt *pkt, const uint8_t *buf, size_t len)
{
	if (len < RTP_EXT_HDR_LEN)
		return EBADMSG;

	pkt->ext_profile = get16(buf);
	/* RFC 3550 5.3.1: "a 16-bit length field that counts the number of 32-bit words in the extension, excluding the
	 * four-octet extension header (therefore zero is a valid length)" */
	pkt->ext_len = (size_t)get16(buf + 2) * 4;
	pkt->ext     = buf + RTP_EXT_HDR_LEN;

	return pkt->ext_len <= len - RTP_EXT_HDR_LEN ? 0 : EBADMSG;
}

static int take_padding(struct rtp_pkt *pkt)
{
	uint8_t n;

	if (!pkt->len)
		return EBADMSG;

	/* RFC 3550 5.1: "The last octet of the padding contains a count of how many padding octets should be ignored,
	 * including itself." So 0 is a lie. */
	n = pkt->payload[pkt->len - 1];
	if (!n || n > pkt->len)
		return EBADMSG;

	pkt->len -= n;
	return 0;
}

int rtp_read(struct rtp_pkt *pkt, const uint8_t *buf, size_t len)
{
	size_t pos = RTP_HDR_LEN;

	if (!pkt || !buf || len < RTP_HDR_LEN || buf[0] >> 6 != 2)
		return EBADMSG;

	memset(pkt, 0, sizeof(*pkt));
	pkt->n_csrc = buf[0] & 0x0f;
	pkt->marker = buf[1] >> 7;
	pkt->pt     = buf[1] & 0x7f;
	pkt->seq    = get16(buf + 2);
	pkt->ts     = get32(buf + 4);
	pkt->ssrc   = get32(buf + 8);

	if (len - pos < 4u * pkt->n_csrc)
		return EBADMSG;
	for (unsigned i = 0; i < pkt->n_csrc; i++, pos += 4)
		pkt->csrc[i] = get32(buf + pos);

	if (buf[0] & 0x10) {
		if (read_ext(pkt, buf + pos, len - pos))
			return EBADMSG;
		pos += RTP_EXT_HDR_LEN + pkt->ext_len;
	}

	pkt->payload = buf + pos;
	pkt->len     = len - pos;

	return buf[0] & 0x20 ? take_padding(pkt) : 0;
}

static bool one_byte(uint16_t profile)
{
	return profile == RTP_EXT_ONE_BYTE;
}

static bool two_byte(uint16_t profile)
{
	return (profile & EXT_TWO_BYTE_MASK) == EXT_TWO_BYTE;
}

/* RFC 8285 pads its elements with bytes of value 0; of another profile's words we may invent nothing. */
static bool ext_writable(const struct rtp_pkt *pkt)
{
	if (pkt->ext_len > 4 * 0xffff)
		return false;

	return pkt->ext_len % 4 == 0 || one_byte(pkt->ext_profile) || two_byte(pkt->ext_profile);
}

static void write_ext(uint8_t *p, const struct rtp_pkt *pkt, size_t padded)
{
	put16(p, pkt->ext_profile);
	put16(p + 2, (uint16_t)(padded / 4));
	if (pkt->ext_len)
		memcpy(p + RTP_EXT_HDR_LEN, pkt->ext, pkt->ext_len);
	memset(p + RTP_EXT_HDR_LEN + pkt->ext_len, 0, padded - pkt->ext_len);
}

int rtp_write_hdr(uint8_t *buf, size_t *len, const struct rtp_pkt *pkt)
{
	size_t padded, need, pos = RTP_HDR_LEN;

	if (!buf || !len || !pkt || pkt->pt > 0x7f || pkt->n_csrc > RTP_CSRC_MAX || (pkt->ext && !ext_writable(pkt)))
		return EINVAL;

	padded = pkt->ext ? (pkt->ext_len + 3) & ~(size_t)3 : 0;
	need   = RTP_HDR_LEN + 4u * pkt->n_csrc + (pkt->ext ? RTP_EXT_HDR_LEN + padded : 0);
	if (*len < need)
		return ENOSPC;

	buf[0] = (uint8_t)(2 << 6 | (pkt->ext ? 0x10 : 0) | pkt->n_csrc);
	buf[1] = (uint8_t)((pkt->marker ? 0x80 : 0) | pkt->pt);
	put16(buf + 2, pkt->seq);
	put32(buf + 4, pkt->ts);
	put32(buf + 8, pkt->ssrc);

	for (unsigned i = 0; i < pkt->n_csrc; i++, pos += 4)
		put32(buf + pos, pkt->csrc[i]);
	if (pkt->ext)
		write_ext(buf + pos, pkt, padded);

	*len = need;
	return 0;
}

bool rtp_is_rtcp(const uint8_t *buf, size_t len)
{
	/* RFC 5761 4: the RTCP packet types 192 to 223 are RTP payload types 64 to 95 with the marker set, which "MUST
	 * NOT be used" by RTP there. */
	return buf && len >= 4 && buf[0] >> 6 == 2 && buf[1] >= 192 && buf[1] <= 223;
}

static const uint8_t *find_one_byte(const uint8_t *p, size_t left, uint8_t id, size_t *len)
{
	while (left) {
		const uint8_t eid = *p >> 4;
		const size_t n = (size_t)(*p & 0x0f) + 1;

		if (*p == 0) {            /* padding */
			p++, left--;
			continue;
		}
		/* RFC 8285 4.2: of ID 15, "its length field MUST be ignored, processing of the entire extension MUST
		 * terminate at that point"; so it is with ID 0 that has a length */
		if (eid == 0 || eid == 15 || n > left - 1)
			return NULL;
		if (eid == id) {
			*len = n;
			return p + 1;
		}
		p    += 1 + n;
		left -= 1 + n;
	}

	return NULL;
}

static const uint8_t *find_two_byte(const uint8_t *p, size_t left, uint8_t id, size_t *len)
{
	while (left) {
		size_t n;

		if (*p == 0) {
			p++, left--;
			continue;
		}
		if (left < 2 || p[1] > left - 2)
			return NULL;
		n = p[1];
		if (*p == id) {
			*len = n;
			return p + 2;
		}
		p    += 2 + n;
		left -= 2 + n;
	}

	return NULL;
}

const uint8_t *rtp_ext_find(const struct rtp_pkt *pkt, uint8_t id, size_t *len)
{
	size_t dummy;

	if (!pkt || !pkt->ext || !id)
		return NULL;
	if (!len)
		len = &dummy;

	if (one_byte(pkt->ext_profile))
		return find_one_byte(pkt->ext, pkt->ext_len, id, len);
	if (two_byte(pkt->ext_profile))
		return find_two_byte(pkt->ext, pkt->ext_len, id, len);

	return NULL;
}
