/*
 * rtcp.c - reports sent and read (RFC 3550).
 *
 *      | SR or RR: ntp, rtp, counts | block .. block | SDES: cname | BYE |         one datagram: a compound
 *
 * Reading checks the whole compound before it believes any of it: lengths must add up to the datagram's, and each
 * packet's own counts must fit inside it. Types that we do not use are stepped over. Receiving statistics are those of
 * the RFC's appendix, so that our reports mean what everybody else's do: A.1 (which numbers belong to the sequence), A.3
 * (lost), A.8 (jitter).
 */
#include <errno.h>
#include <string.h>
#include "rtcp.h"

enum {
	HDR_LEN        = 4,
	SR_LEN         = 24,      /* after the header: ssrc, ntp, rtp, packets, octets */
	RR_LEN         = 4,
	BLOCK_LEN      = 24,
	SDES_CNAME     = 1,
	RTP_SEQ_MOD    = 1 << 16,
	MAX_DROPOUT    = 3000,
	MAX_MISORDER   = 100,
	MIN_SEQUENTIAL = 2,
	RTT_MAX_US     = 60000000,
	RTT_SLACK_US   = 1000,
};

static const uint64_t NTP_UNIX = 2208988800u;     /* seconds from 1900 to 1970 */

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static void put32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

/* ---- reading ---- */

struct part {                     /* one packet of the compound */
	uint8_t count, pt;
	const uint8_t *body;
	size_t len;
};

/* The header at buf; *size is what it takes of the datagram. */
static int read_part(struct part *p, size_t *size, const uint8_t *buf, size_t left)
{
	size_t pad = 0;

	if (left < HDR_LEN || buf[0] >> 6 != 2)
		return EBADMSG;

	/* RFC 3550 6.4.1: "The length of this RTCP packet in 32-bit words minus one, including the header and any
	 * padding." */
	*size = ((size_t)get16(buf + 2) + 1) * 4;
	if (*size > left)
		return EBADMSG;

	if (buf[0] & 0x20) {
		/* 6.4.1: "In a compound RTCP packet, padding is only required on one individual packet [...]" and "MUST only
		 * be added to the last individual packet"; its count "will be a multiple of four". */
		pad = buf[*size - 1];
		if (*size != left || !pad || pad % 4 || pad > *size - HDR_LEN)
			return EBADMSG;
	}

	p->count = buf[0] & 0x1f;
	p->pt    = buf[1];
	p->body  = buf + HDR_LEN;
	p->len   = *size - HDR_LEN - pad;

	/* RFC 5761 4: RTCP packet types are 192 to 223; another one is no RTCP at all. */
	return p->pt >= 192 && p->pt <= 223 ? 0 : EBADMSG;
}

static int32_t get24_signed(const uint8_t *p)
{
	const int32_t v = p[0] << 16 | p[1] << 8 | p[2];

	return v & 0x800000 ? v - 0x1000000 : v;
}

static void read_block(struct rtcp_block *b, const uint8_t *p)
{
	b->ssrc     = get32(p);
	b->fraction = p[4];
	b->lost     = get24_signed(p + 5);
	b->ext_seq  = get32(p + 8);
	b->jitter   = get32(p + 12);
	b->lsr      = get32(p + 16);
	b->dlsr     = get32(p + 20);
}

static int read_report(struct rtcp_info *info, const struct part *p)
{
	const size_t head = p->pt == RTCP_PT_SR ? SR_LEN : RR_LEN;

	/* more may follow the blocks: "profile-specific extensions" */
	if (p->len < head + (size_t)p->count * BLOCK_LEN)
		return EBADMSG;

	if (p->pt == RTCP_PT_SR && !info->sr && get32(p->body) == info->ssrc) {
		info->sr      = true;
		info->ntp     = (uint64_t)get32(p->body + 4) << 32 | get32(p->body + 8);
		info->rtp_ts  = get32(p->body + 12);
		info->packets = get32(p->body + 16);
		info->octets  = get32(p->body + 20);
	}

	for (unsigned i = 0; i < p->count && info->n_blocks < RTCP_BLOCKS_MAX; i++)
		read_block(&info->block[info->n_blocks++], p->body + head + i * BLOCK_LEN);

	return 0;
}

/* One chunk's items, from behind its SSRC. *used: to the next 32-bit boundary. */
static int read_items(struct rtcp_info *info, uint32_t ssrc, const uint8_t *p, size_t left, size_t *used)
{
	size_t pos = 0;

	while (pos < left && p[pos]) {
		size_t n;

		if (left - pos < 2 || p[pos + 1] > left - pos - 2)
			return EBADMSG;
		n = p[pos + 1];
		if (p[pos] == SDES_CNAME && ssrc == info->ssrc) {
			memcpy(info->cname, p + pos + 2, n);
			info->cname[n] = '\0';
		}
		pos += 2 + n;
	}

	/* RFC 3550 6.5: "The list of items in each chunk MUST be terminated by one or more null octets" */
	if (pos >= left)
		return EBADMSG;

	*used = (pos & ~(size_t)3) + 4;
	return 0;
}

static int read_sdes(struct rtcp_info *info, const struct part *p)
{
	size_t pos = 0;

	for (unsigned i = 0; i < p->count; i++) {
		size_t used;

		if (p->len - pos < 4)
			return EBADMSG;
		if (read_items(info, get32(p->body + pos), p->body + pos + 4, p->len - pos - 4, &used))
			return EBADMSG;
		pos += 4 + used;
	}

	return 0;
}

static int read_bye(struct rtcp_info *info, const struct part *p)
{
	if (p->len < 4u * p->count)
		return EBADMSG;

	/* a mixer may take leave of one it mixed; only the sender's own leave ends the sender */
	for (unsigned i = 0; i < p->count; i++)
		info->bye = info->bye || get32(p->body + 4 * i) == info->ssrc;

	return 0;
}

static int read_body(struct rtcp_info *info, const struct part *p)
{
	switch (p->pt) {
	case RTCP_PT_SR:
	case RTCP_PT_RR:   return read_report(info, p);
	case RTCP_PT_SDES: return read_sdes(info, p);
	case RTCP_PT_BYE:  return read_bye(info, p);
	default:           return 0;
	}
}

/*
 * RFC 3550 A.2 wants SR or RR first. RFC 5506 4.1 allows a packet without them ("reduced-size"), which then begins with
 * whatever it has to say; its sender is in the same four bytes. A padded first packet (A.2: "The padding bit (P) should
 * be zero for the first packet of a compound") is only let through where the first is also the last.
 */
int rtcp_read(struct rtcp_info *info, const uint8_t *buf, size_t len)
{
	size_t pos = 0;

	if (!info || !buf || len < HDR_LEN)
		return EBADMSG;

	memset(info, 0, sizeof(*info));
	while (pos < len) {
		struct part p;
		size_t size;

		if (read_part(&p, &size, buf + pos, len - pos))
			return EBADMSG;
		if (!pos && p.len >= 4)
			info->ssrc = get32(p.body);
		if (read_body(info, &p))
			return EBADMSG;
		pos += size;
	}

	return 0;
}

/* ---- a source being received ---- */

/* A.1 init_seq */
static void init_seq(struct rtcp_src *s, uint16_t seq)
{
	s->base_seq       = seq;
	s->max_seq        = seq;
	s->bad_seq        = RTP_SEQ_MOD + 1;
	s->cycles         = 0;
	s->received       = 0;
	s->received_prior = 0;
	s->expected_prior = 0;
}

/* A.1 update_seq: false for a packet that does not (yet) belong to the source. */
static bool update_seq(struct rtcp_src *s, uint16_t seq)
{
	const uint16_t udelta = (uint16_t)(seq - s->max_seq);

	/* "Source is not valid until MIN_SEQUENTIAL packets with sequential sequence numbers have been received." */
	if (s->probation) {
		if (seq == (uint16_t)(s->max_seq + 1)) {
			s->probation--;
			s->max_seq = seq;
			if (s->probation == 0) {
				init_seq(s, seq);
				s->received++;
				return true;
			}
		}
		else {
			s->probation = MIN_SEQUENTIAL - 1;
			s->max_seq   = seq;
		}
		return false;
	}

	if (udelta < MAX_DROPOUT) {
		/* "in order, with permissible gap" */
		if (seq < s->max_seq)
			s->cycles += RTP_SEQ_MOD;
		s->max_seq = seq;
	}
	else if (udelta <= RTP_SEQ_MOD - MAX_MISORDER) {
		/* "the sequence number made a very large jump" */
		if (seq != s->bad_seq) {
			s->bad_seq = (seq + 1u) & (RTP_SEQ_MOD - 1);
			return false;
		}
		/* "Two sequential packets -- assume that the other side restarted without telling us so just re-sync" */
		init_seq(s, seq);
	}
	/* else: "duplicate or reordered packet" */

	s->received++;
	return true;
}

void rtcp_src_init(struct rtcp_src *s, uint32_t ssrc, uint32_t clock)
{
	memset(s, 0, sizeof(*s));
	s->ssrc  = ssrc;
	s->clock = clock;
}

/* Microseconds to a clock's ticks modulo 2^32, without the overflow that one product of the two would have. */
static uint32_t ticks(uint64_t us, uint32_t clock)
{
	return (uint32_t)(us / 1000000 * clock + us % 1000000 * clock / 1000000);
}

void rtcp_src_packet_rt(struct rtcp_src *s, const struct rtp_pkt *pkt, uint64_t now_us)
{
	const uint32_t transit = ticks(now_us, s->clock) - pkt->ts;
	int32_t d;

	if (!s->any) {
		/* A.1: "When a new source is heard for the first time" */
		init_seq(s, pkt->seq);
		s->max_seq   = (uint16_t)(pkt->seq - 1);
		s->probation = MIN_SEQUENTIAL;
		s->any       = true;
	}
	if (!update_seq(s, pkt->seq))
		return;

	/* A.8: "s->jitter += (1./16.) * ((double)d - s->jitter)". The first packet, of a source or of its restart, has none
	 * before it to be compared with. */
	d = (int32_t)(transit - s->transit);
	s->transit = transit;
	if (s->received > 1)
		s->jitter += (1. / 16.) * ((d < 0 ? -(double)d : (double)d) - s->jitter);
}

void rtcp_src_sr_rt(struct rtcp_src *s, const struct rtcp_info *info, uint64_t now_us)
{
	if (!info->sr || info->ssrc != s->ssrc)
		return;

	s->last_sr_ntp = info->ntp;
	s->last_sr_us  = now_us;
}

static int32_t clamp24(int64_t v)
{
	/* A.3: "Since this signed number is carried in 24 bits, it should be clamped at 0x7fffff for positive loss or
	 * 0x800000 for negative loss rather than wrapping around." */
	return (int32_t)(v > 0x7fffff ? 0x7fffff : v < -0x800000 ? -0x800000 : v);
}

/* A.3, and the interval that begins with this report */
static void fill_loss(struct rtcp_src *s, struct rtcp_block *b)
{
	const uint32_t expected = s->cycles + s->max_seq - s->base_seq + 1;
	const uint32_t expected_interval = expected - s->expected_prior;
	const int64_t lost_interval = (int64_t)expected_interval - (uint32_t)(s->received - s->received_prior);

	b->lost = clamp24((int64_t)expected - s->received);
	s->expected_prior = expected;
	s->received_prior = s->received;

	if (expected_interval == 0 || lost_interval <= 0)
		b->fraction = 0;
	else
		b->fraction = (uint8_t)(lost_interval == expected_interval ? 255 : (lost_interval << 8) / expected_interval);
}

void rtcp_src_block_rt(struct rtcp_src *s, struct rtcp_block *b, uint64_t now_us)
{
	memset(b, 0, sizeof(*b));
	b->ssrc = s->ssrc;
	if (!s->any)
		return;

	if (!s->probation) {
		fill_loss(s, b);
		b->ext_seq = s->cycles + s->max_seq;
		b->jitter  = (uint32_t)s->jitter;
	}
	if (s->last_sr_ntp) {
		/* 6.4.1: "The middle 32 bits out of 64 in the NTP timestamp"; the delay "expressed in units of 1/65536
		 * seconds" */
		b->lsr  = (uint32_t)(s->last_sr_ntp >> 16);
		b->dlsr = ticks(now_us - s->last_sr_us, 65536);
	}
}

/* ---- writing ---- */

static size_t put_hdr(uint8_t *p, uint8_t count, uint8_t pt, size_t len)
{
	p[0] = (uint8_t)(2 << 6 | count);
	p[1] = pt;
	p[2] = (uint8_t)((len / 4 - 1) >> 8);
	p[3] = (uint8_t)(len / 4 - 1);

	return HDR_LEN;
}

static void put_block(uint8_t *p, const struct rtcp_block *b)
{
	put32(p, b->ssrc);
	put32(p + 4, (uint32_t)b->fraction << 24 | ((uint32_t)clamp24(b->lost) & 0xffffff));
	put32(p + 8, b->ext_seq);
	put32(p + 12, b->jitter);
	put32(p + 16, b->lsr);
	put32(p + 20, b->dlsr);
}

static size_t report_len(const struct rtcp_report *r)
{
	return HDR_LEN + (r->sender ? SR_LEN : RR_LEN) + (size_t)r->n_blocks * BLOCK_LEN;
}

static void put_report(uint8_t *p, const struct rtcp_report *r)
{
	p += put_hdr(p, r->n_blocks, r->sender ? RTCP_PT_SR : RTCP_PT_RR, report_len(r));
	put32(p, r->ssrc);
	p += 4;
	if (r->sender) {
		put32(p, (uint32_t)(r->ntp >> 32));
		put32(p + 4, (uint32_t)r->ntp);
		put32(p + 8, r->rtp_ts);
		put32(p + 12, r->packets);
		put32(p + 16, r->octets);
		p += 20;
	}
	for (unsigned i = 0; i < r->n_blocks; i++)
		put_block(p + i * BLOCK_LEN, &r->blocks[i]);
}

static void put_sdes(uint8_t *p, uint32_t ssrc, const char *cname, size_t n, size_t len)
{
	memset(p, 0, len);
	put_hdr(p, 1, RTCP_PT_SDES, len);
	put32(p + 4, ssrc);
	p[8] = SDES_CNAME;
	p[9] = (uint8_t)n;
	memcpy(p + 10, cname, n);
}

int rtcp_write(uint8_t *buf, size_t size, const struct rtcp_report *r)
{
	/* 6.1: "An SDES packet containing a CNAME item MUST be included in each compound RTCP packet" */
	const char *cname = r->cname ? r->cname : "";
	const size_t n = strnlen(cname, 255);
	const size_t sdes_len = (HDR_LEN + 4 + 2 + n + 1 + 3) & ~(size_t)3;
	const size_t bye_len = r->bye ? HDR_LEN + 4 : 0;

	if (r->n_blocks > RTCP_BLOCKS_MAX)
		return -EINVAL;
	if (report_len(r) + sdes_len + bye_len > size)
		return -ENOSPC;

	put_report(buf, r);
	put_sdes(buf + report_len(r), r->ssrc, cname, n, sdes_len);
	if (r->bye) {
		uint8_t *p = buf + report_len(r) + sdes_len;

		put32(p + put_hdr(p, 1, RTCP_PT_BYE, bye_len), r->ssrc);
	}

	return (int)(report_len(r) + sdes_len + bye_len);
}

/* ---- time ---- */

int64_t rtcp_rtt_us(const struct rtcp_block *b, uint64_t now_ntp)
{
	int64_t us;

	/* 6.4.1: of LSR: "If no SR has been received yet, the field is set to zero." */
	if (!b->lsr)
		return -1;

	/* "the round-trip propagation delay as (A - LSR - DLSR)", in units of 1/65536 seconds */
	us = (int64_t)(int32_t)((uint32_t)(now_ntp >> 16) - b->lsr - b->dlsr) * 1000000 / 65536;
	if (us < -RTT_SLACK_US || us > RTT_MAX_US)
		return -1;

	return us < 0 ? 0 : us;
}

uint32_t rtcp_interval_ms(double rnd, bool first)
{
	/* 6.3.1: at first "the constant Tmin is set to 2.5 seconds, else it is set to 5 seconds"; "T is set to a number
	 * uniformly distributed between 0.5 and 1.5 times the deterministic calculated interval"; and "divided by
	 * e-3/2=1.21828 to compensate for the fact that the timer reconsideration algorithm converges to a value of the RTCP
	 * bandwidth below the intended average." */
	return (uint32_t)((first ? 2500. : 5000.) * (0.5 + rnd) / 1.21828);
}

uint64_t rtcp_ntp(uint64_t unix_us)
{
	return (unix_us / 1000000 + NTP_UNIX) << 32 | ((unix_us % 1000000) << 32) / 1000000;
}
