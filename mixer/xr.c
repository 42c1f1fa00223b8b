/*
 * xr.c - extended reports (RFC 3611).
 *
 *      | 2|P|..| 207 | words - 1 | ssrc | 4 . 2 | ntp ntp | 5 . 3n | ssrc lrr dlrr .. | 7 . 8 | voice metrics |
 *        header of the packet             block: receiver's time     block: answers to that   block
 */
#include <errno.h>
#include <string.h>

#include "rtcp.h"
#include "xr.h"

enum {
	HDR_LEN  = 4,
	XR_RRTR  = 4,
	XR_DLRR  = 5,
	XR_VOIP  = 7,
	RRTR_LEN = 8,             /* without the block's header */
	DLRR_LEN = 12,            /* each */
	VOIP_LEN = 32,
};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static uint8_t *put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
	return p + 2;
}

static uint8_t *put32(uint8_t *p, uint32_t v)
{
	return put16(put16(p, v >> 16), v);
}

/* ---- reading ---- */

static void read_voip(struct xr_voip *v, const uint8_t *p)
{
	v->ssrc          = get32(p);
	v->loss          = p[4];
	v->discard       = p[5];
	v->burst_density = p[6];
	v->gap_density   = p[7];
	v->burst_ms      = get16(p + 8);
	v->gap_ms        = get16(p + 10);
	v->rtt_ms        = get16(p + 12);
	v->end_ms        = get16(p + 14);
	v->signal_dbm    = (int8_t)p[16];
	v->noise_dbm     = (int8_t)p[17];
	v->rerl          = p[18];
	v->gmin          = p[19];
	v->r             = p[20];
	v->ext_r         = p[21];
	v->mos_lq        = p[22];
	v->mos_cq        = p[23];
	v->rx_config     = p[24];
	v->jb_ms         = get16(p + 26);
	v->jb_max_ms     = get16(p + 28);
	v->jb_abs_max_ms = get16(p + 30);
}

static int read_dlrr(struct xr_info *info, const uint8_t *p, size_t len)
{
	if (len % DLRR_LEN)
		return EBADMSG;

	for (; len && info->n_dlrr < XR_DLRR_MAX; p += DLRR_LEN, len -= DLRR_LEN)
		info->dlrr[info->n_dlrr++] = (struct xr_dlrr){get32(p), get32(p + 4), get32(p + 8)};

	return 0;
}

static int read_block(struct xr_info *info, uint8_t type, const uint8_t *p, size_t len)
{
	switch (type) {

	case XR_RRTR:
		if (len != RRTR_LEN)
			return EBADMSG;
		if (!info->rrtr)
			info->ntp = (uint64_t)get32(p) << 32 | get32(p + 4);
		info->rrtr = true;
		return 0;

	case XR_DLRR:
		return read_dlrr(info, p, len);

	case XR_VOIP:
		if (len != VOIP_LEN)
			return EBADMSG;
		if (!info->voip)
			read_voip(&info->v, p);
		info->voip = true;
		return 0;

	default:                          /* of a kind we do not know: not for us */
		return 0;
	}
}

static int read_packet(struct xr_info *info, const uint8_t *p, size_t len)
{
	if (len < 4)
		return EBADMSG;
	info->ssrc = get32(p);
	p += 4;
	len -= 4;

	while (len) {
		size_t n;

		if (len < HDR_LEN)
			return EBADMSG;
		/* 3: in words, less one; the header is that one */
		n = (size_t)get16(p + 2) * 4;
		if (n > len - HDR_LEN || read_block(info, p[0], p + HDR_LEN, n))
			return EBADMSG;
		p   += HDR_LEN + n;
		len -= HDR_LEN + n;
	}

	return 0;
}

int xr_read(struct xr_info *info, const uint8_t *buf, size_t len)
{
	bool any = false;

	memset(info, 0, sizeof(*info));
	while (len) {
		size_t size, pad = 0;

		if (len < HDR_LEN || buf[0] >> 6 != 2)
			return EBADMSG;
		size = ((size_t)get16(buf + 2) + 1) * 4;
		if (size > len)
			return EBADMSG;
		if (buf[0] & 0x20)
			pad = buf[size - 1];
		if (pad > size - HDR_LEN)
			return EBADMSG;
		if (buf[1] == RTCP_PT_XR) {
			if (read_packet(info, buf + HDR_LEN, size - HDR_LEN - pad))
				return EBADMSG;
			any = true;
		}
		buf += size;
		len -= size;
	}

	return any ? 0 : ENOENT;
}

/* ---- writing ---- */

static uint8_t *put_head(uint8_t *p, uint8_t type, size_t len)
{
	p[0] = type;
	p[1] = 0;
	return put16(p + 2, (uint32_t)(len / 4));
}

static uint8_t *put_voip(uint8_t *p, const struct xr_voip *v)
{
	p = put32(put_head(p, XR_VOIP, VOIP_LEN), v->ssrc);
	*p++ = v->loss;
	*p++ = v->discard;
	*p++ = v->burst_density;
	*p++ = v->gap_density;
	p = put16(put16(put16(put16(p, v->burst_ms), v->gap_ms), v->rtt_ms), v->end_ms);
	*p++ = (uint8_t)v->signal_dbm;
	*p++ = (uint8_t)v->noise_dbm;
	*p++ = v->rerl;
	*p++ = v->gmin;
	*p++ = v->r;
	*p++ = v->ext_r;
	*p++ = v->mos_lq;
	*p++ = v->mos_cq;
	*p++ = v->rx_config;
	*p++ = 0;
	return put16(put16(put16(p, v->jb_ms), v->jb_max_ms), v->jb_abs_max_ms);
}

int xr_write(uint8_t *buf, size_t size, const struct xr_info *info)
{
	const size_t len = HDR_LEN + 4 + (info->rrtr ? HDR_LEN + RRTR_LEN : 0) +
		(info->n_dlrr ? HDR_LEN + (size_t)info->n_dlrr * DLRR_LEN : 0) + (info->voip ? HDR_LEN + VOIP_LEN : 0);
	uint8_t *p = buf;

	if (info->n_dlrr > XR_DLRR_MAX)
		return -EINVAL;
	if (len > size)
		return -ENOSPC;

	*p++ = 2 << 6;
	*p++ = RTCP_PT_XR;
	p = put32(put16(p, (uint32_t)(len / 4 - 1)), info->ssrc);
	if (info->rrtr)
		p = put32(put32(put_head(p, XR_RRTR, RRTR_LEN), (uint32_t)(info->ntp >> 32)), (uint32_t)info->ntp);
	if (info->n_dlrr)
		p = put_head(p, XR_DLRR, (size_t)info->n_dlrr * DLRR_LEN);
	for (unsigned i = 0; i < info->n_dlrr; i++)
		p = put32(put32(put32(p, info->dlrr[i].ssrc), info->dlrr[i].lrr), info->dlrr[i].dlrr);
	if (info->voip)
		p = put_voip(p, &info->v);

	return (int)(p - buf);
}

int64_t xr_rtt_us(const struct xr_dlrr *d, uint64_t now_ntp)
{
	/* 4.5: last RRTR and delay since are what LSR and DLSR are in a report block */
	const struct rtcp_block b = {.lsr = d->lrr, .dlsr = d->dlrr};

	return rtcp_rtt_us(&b, now_ntp);
}

/* ---- bursts ---- */

/*
 * The RFC counts transitions of a four state model: 1 good in a gap, 4 bad in a gap (alone), 2 good in a burst, 3 bad in a
 * burst. What a bad packet was is known only once the next bad one comes, or stays away for XR_GMIN packets.
 */
void xr_runs_rt(struct xr_runs *r, enum xr_fate fate)
{
	if (fate == XR_RECEIVED) {
		r->received++;
		r->good++;
		return;
	}

	r->lost += fate == XR_LOST;
	r->discarded += fate == XR_DISCARDED;
	/* the first bad one of all is alone as yet, however soon it comes: the RFC's sample code begins with a burst there */
	if (r->good >= XR_GMIN || !r->bad) {
		r->c14 += r->bad == 1;    /* the one before was alone; */
		r->c13 += r->bad > 1;     /* it was a burst, which is over */
		r->bad = 1;
		r->c11 += r->good;
	}
	else {
		r->bad++;
		if (r->good) {
			r->c23++;
			r->c22 += r->good - 1;
		}
		else {
			r->c33++;
		}
	}
	r->good = 0;
}

static uint8_t of_256(double part)
{
	return part <= 0.0 ? 0 : part * 256.0 >= 255.0 ? 255 : (uint8_t)(part * 256.0);
}

static uint16_t ms16(double ms)
{
	return ms <= 0.0 ? 0 : ms >= 65535.0 ? 65535 : (uint16_t)ms;
}

static void fill_bursts(struct xr_voip *v, const struct xr_runs *r, double packet_ms)
{
	const double c31 = r->c13, c32 = r->c23;
	const double all = (double)r->c11 + r->c14 + r->c13 + r->c22 + r->c23 + c31 + c32 + r->c33;
	const double p32 = c31 + c32 + r->c33 > 0.0 ? c32 / (c31 + c32 + r->c33) : 0.0;
	const double p23 = r->c22 + r->c23 ? 1.0 - (double)r->c22 / ((double)r->c22 + r->c23) : 1.0;
	const double gap = (double)r->c11 + r->c14 + r->c13;

	v->gap_density = of_256(r->c11 + r->c14 ? (double)r->c14 / ((double)r->c11 + r->c14) : 0.0);
	v->gap_ms = ms16((r->c13 ? gap / r->c13 : (double)r->received) * packet_ms);
	if (!r->c23 && !r->c33)
		return;
	v->burst_density = of_256(p23 / (p23 + p32));
	v->burst_ms = ms16((all - gap) / (r->c13 ? r->c13 : 1) * packet_ms);
}

static float ratio(uint32_t part, uint64_t all)
{
	return all ? (float)((double)part / (double)all) : 0.0f;
}

void xr_voip_fill(struct xr_voip *v, const struct xr_runs *r, const struct xr_state *s)
{
	const uint64_t all = (uint64_t)r->received + r->lost + r->discarded;
	const float percent = 100.0f * (ratio(r->lost, all) + ratio(r->discarded, all));
	const float end_ms = (float)s->packet_us / 1000.0f + (float)s->jb_ms;

	memset(v, 0, sizeof(*v));
	v->ssrc = s->ssrc;
	v->loss = of_256((double)ratio(r->lost, all));
	v->discard = of_256((double)ratio(r->discarded, all));
	fill_bursts(v, r, s->packet_us / 1000.0);
	v->rtt_ms = ms16(s->rtt_us / 1000.0);
	v->end_ms = ms16((double)end_ms);
	/* a full-scale sine, -3.01 dBov, is +3.14 dBm0 in G.711: the levels are 6 dB apart */
	v->signal_dbm = s->level_dbov < 127 ? (int8_t)(6 - (int)s->level_dbov) : XR_UNKNOWN;
	v->noise_dbm = v->rerl = v->ext_r = XR_UNKNOWN;
	v->gmin = XR_GMIN;
	v->r = v->mos_lq = v->mos_cq = XR_UNKNOWN;
	/* 4.7.6: packet loss concealment 11 (standard) << 6, jitter buffer 11 adaptive, 10 not << 4 */
	v->rx_config = (uint8_t)(3 << 6 | (s->jb_adaptive ? 3 : 2) << 4);
	v->jb_ms = ms16(s->jb_ms);
	v->jb_max_ms = v->jb_abs_max_ms = ms16(s->jb_max_ms);
	if (!all)
		return;

	v->mos_lq = (uint8_t)(xr_mos(xr_r_factor(0.0f, percent, s->ie, s->bpl)) * 10.0f + 0.5f);
	if (!s->rtt_us)                   /* how it is to converse depends on a delay nobody knows */
		return;
	v->r = (uint8_t)(xr_r_factor((float)s->rtt_us / 2000.0f + end_ms, percent, s->ie, s->bpl) + 0.5f);
	v->mos_cq = (uint8_t)(xr_mos(v->r) * 10.0f + 0.5f);
}

/* ---- quality ---- */

float xr_r_factor(float delay_ms, float loss_percent, float ie, float bpl)
{
	const float id = 0.024f * delay_ms + (delay_ms > 177.3f ? 0.11f * (delay_ms - 177.3f) : 0.0f);
	const float ie_eff = ie + (loss_percent > 0.0f ? (95.0f - ie) * loss_percent / (loss_percent + bpl) : 0.0f);
	const float r = 93.2f - id - ie_eff;

	return r > 0.0f ? r : 0.0f;
}

float xr_mos(float r)
{
	/* G.107 B.4: under 0 it is 1, over 100 it is 4.5, between them this */
	const float mos = 1.0f + 0.035f * r + r * (r - 60.0f) * (100.0f - r) * 7e-6f;

	if (!(r > 0.0f) || mos < 1.0f)
		return 1.0f;
	return r > 100.0f ? 4.5f : mos;
}
