/*
 * line_report.c - RTCP of a line of gestures.
 *
 * Section 9: "the first RR within 250 ms of the first packet, then at most 1 s apart. This holds for G2 too." The journals of both ends
 * live from these reports, so the intervals of RFC 3550 are too long. Each stream of ours has a compound of its own; the server's own
 * carries what is said of what comes.
 */
#include <string.h>
#include "line_rtp.h"
#include "line_rtp_priv.h"

enum { FIRST_US = 150000, EACH_US = 800000, MORE_US = 150000, REPORT_MAX = 1024, SDES_NAME = 2, PLI_LEN = 12, FB_PLI = 1 };

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* ---- out ---- */

uint64_t line_rtp_ntp_rt(const struct line_rtp *r, uint64_t now_us)
{
	return rtcp_ntp(forward_unix_us_rt(r->line->forward, now_us));
}

/* "For each SSRC it sends RTCP SDES items CNAME and NAME, NAME being the `gest-name`." */
static size_t write_name(uint8_t *buf, size_t room, uint32_t ssrc, const char *name)
{
	const size_t n = strlen(name), len = (4 + 4 + 2 + n + 1 + 3) & ~(size_t)3;

	if (!n || len > room)
		return 0;
	memset(buf, 0, len);
	buf[0] = 0x81;
	buf[1] = RTCP_PT_SDES;
	buf[3] = (uint8_t)(len / 4 - 1);
	put32(buf + 4, ssrc);
	buf[8] = SDES_NAME;
	buf[9] = (uint8_t)n;
	for (size_t i = 0; i < n; i++)
		buf[10 + i] = (uint8_t)name[i];
	return len;
}

static const char *cname_of(const struct line_rtp *r, const struct line_rtp_out *out)
{
	const char *c = out->from ? out->from->cname : "";

	if (out->through && out->from)
		return out->from->party_cname[0] ? out->from->party_cname : out->from->name;
	return c[0] ? c : r->line->player->cname[0] && !out->from ? r->line->player->cname : out->from ? out->from->name : "tutti";
}

static uint8_t blocks_of(struct line_rtp *r, struct rtcp_block *block, uint64_t now_us)
{
	uint64_t lost = 0;
	uint8_t n = 0;

	for (unsigned i = 0; i < LINE_RTP_INS; i++) {
		struct line_rtp_in *in = &r->in[i];

		if (!in->used || !in->src.any)
			continue;
		rtcp_src_block_rt(&in->src, &block[n], now_us);
		lost += block[n].lost > 0 ? (uint64_t)block[n].lost : 0;
		n += !r->ops->block_rt || r->ops->block_rt(r->line, in, &block[n], now_us);
	}
	tally_set_rt(&r->line->player->n.lost, lost);
	return n;
}

static size_t compose(struct line_rtp *r, struct line_rtp_out *out, uint8_t *buf, uint64_t now_us, bool bye)
{
	struct rtcp_block block[LINE_RTP_INS];
	struct rtcp_report rep = {
		.ssrc = out->ssrc, .cname = cname_of(r, out), .bye = bye,
		.sender = out->packets != 0 && !out->through, .ntp = line_rtp_ntp_rt(r, now_us), .rtp_ts = line_rtp_ts_rt(r, out, now_us),
		.packets = out->packets, .octets = out->octets, .blocks = block,
		.n_blocks = out == &r->out[0] && !bye ? blocks_of(r, block, now_us) : 0};
	const int n = rtcp_write(buf, REPORT_MAX, &rep);

	if (n <= 0)
		return 0;
	/* RFC 3550 6.1: "BYE SHOULD be the last packet sent with a given SSRC" */
	return (size_t)n + (bye ? 0 : write_name(buf + n, REPORT_MAX - (size_t)n, out->ssrc,
						 out->from ? out->from->name : "tutti"));
}

/* Where the party plays on another line than it hears, both are told; pairs have no SRTP. */
static void report_pair(struct line_rt *l, const uint8_t *buf, size_t len)
{
	struct line_sock *s = &l->sock[!l->desc.rtcp_mux];
	const struct sa to = s->to;

	if (!sa_isset(&l->desc.peer_from, SA_ALL))
		return;
	s->to = sa_isset(&l->desc.peer_from_rtcp, SA_ALL) ? l->desc.peer_from_rtcp : l->desc.peer_from;
	if (!l->desc.rtcp_mux && !sa_isset(&l->desc.peer_from_rtcp, SA_ALL))
		sa_set_port(&s->to, (uint16_t)(sa_port(&s->to) + 1));
	line_send_rt(l, !l->desc.rtcp_mux, buf, len);
	s->to = to;
}

static void send_report(struct line_rtp *r, uint8_t *buf, size_t len)
{
	if (!len || (r->tx && seal_rtcp_rt(r->tx, buf, &len, len + SEAL_ROOM)))
		return;
	line_send_rt(r->line, !r->line->desc.rtcp_mux, buf, len);
	report_pair(r->line, buf, len);
}

static void say(struct line_rtp *r, struct line_rtp_out *out, uint64_t now_us, bool bye)
{
	uint8_t *buf = forward_buf_rt(r->line->forward, SCRATCH_PACKET);

	send_report(r, buf, compose(r, out, buf, now_us, bye));
	out->said = true;
}

void line_rtp_bye_rt(struct line_rtp *r, struct line_rtp_out *out, uint64_t now_us)
{
	say(r, out, now_us, true);
}

static size_t write_pli(uint8_t *p, uint32_t from, uint32_t about)
{
	memset(p, 0, PLI_LEN);
	p[0] = 0x80 | FB_PLI;
	p[1] = RTCP_PT_PSFB;
	p[3] = PLI_LEN / 4 - 1;
	put32(p + 4, from);
	put32(p + 8, about);
	return PLI_LEN;
}

void line_rtp_relay_rt(struct line_rtp *r, const struct rtcp_report *rep, const char *name, uint32_t pli)
{
	uint8_t *buf = forward_buf_rt(r->line->forward, SCRATCH_PACKET);
	const int n = rtcp_write(buf, REPORT_MAX, rep);
	size_t len = n > 0 ? (size_t)n : 0;

	if (len)
		len += write_name(buf + len, REPORT_MAX - len, rep->ssrc, name);
	if (len && pli)
		len += write_pli(buf + len, rep->ssrc, pli);
	send_report(r, buf, len);
}

bool line_rtp_ask_rt(struct line_rtp *r, const struct line_rtp_in *in, uint64_t now_us)
{
	uint8_t *buf = forward_buf_rt(r->line->forward, SCRATCH_PACKET);
	size_t len;

	if (!r->line->desc.pli)
		return false;
	len = compose(r, &r->out[0], buf, now_us, false);
	send_report(r, buf, len + write_pli(buf + len, r->out[0].ssrc, in->ssrc));
	return true;
}

/* ---- in ---- */

/* "one whose SSRC and CNAME are those of another leg's source" */
static void look_for_loop(struct line_rtp *r, struct line_rtp_in *in, const char *cname)
{
	struct player_rt *p = r->line->player;

	if (!cname[0] || !strcmp(in->cname, cname))
		return;
	str_ncpy(in->cname, cname, sizeof(in->cname));
	str_ncpy(p->party_cname, cname, sizeof(p->party_cname));
	for (struct le *le = p->ensemble ? p->ensemble->players.head : NULL; le; le = le->next) {
		const struct player_rt *o = le->data;

		if (o != p && o->ssrc == in->ssrc && !strcmp(o->party_cname, in->cname))
			in->looped = true;
	}
}

/* Gives the round trip; -1: not told. */
static int64_t read_blocks(struct line_rtp *r, const struct rtcp_info *info, uint64_t now_us)
{
	int64_t least = -1;
	int worst = -1;

	for (unsigned i = 0; i < info->n_blocks; i++) {
		struct line_rtp_out *out = line_rtp_out_find_rt(r, info->block[i].ssrc);
		/* of a stream that goes through LSR is of its source's clock */
		const int64_t rtt = out && !out->through ? rtcp_rtt_us(&info->block[i], line_rtp_ntp_rt(r, now_us)) : -1;

		if (!out)
			continue;
		if (rtt >= 0)
			tally_set_rt(&r->line->player->n.rtt_us, (uint64_t)rtt);
		if (rtt >= 0 && (least < 0 || rtt < least))
			least = rtt;
		if (!out->through && info->block[i].fraction > worst)
			worst = info->block[i].fraction;
		if (out->through)
			r->ops->relayed_rt(r->line, out, info->ssrc, &info->block[i], now_us);
		else if (out->packets)
			r->ops->report_rt(r->line, out, info->ssrc, info->block[i].ext_seq, now_us);
	}
	if (worst >= 0 && r->line->desc.kind == GESTLINE_OSC)
		line_twice_report_rt(&r->twice, (uint8_t)worst, now_us);
	return least;
}

/* PLI (RFC 4585 6.3.1) anywhere in a compound that rtcp_read has found whole. */
static void read_plis(struct line_rtp *r, const uint8_t *buf, size_t len, uint64_t now_us)
{
	size_t size;

	for (size_t pos = 0; pos + PLI_LEN <= len; pos += size) {
		const uint8_t *p = buf + pos;
		struct line_rtp_out *out;

		size = ((size_t)(p[2] << 8 | p[3]) + 1) * 4;
		if (p[1] != RTCP_PT_PSFB || (p[0] & 0x1f) != FB_PLI || !r->line->desc.pli)
			continue;
		out = line_rtp_out_find_rt(r, get32(p + 8));
		if (out && r->ops->refresh_rt)
			r->ops->refresh_rt(r->line, out, now_us);
	}
}

void line_report_read_rt(struct line_rtp *r, const uint8_t *buf, size_t len, uint64_t now_us)
{
	struct line_rtp_in *in;
	struct rtcp_info info;
	int64_t rtt;

	if (rtcp_read(&info, buf, len)) {
		tally_up_rt(&line_count(r->line)->malformed);
		return;
	}
	if (line_rtp_out_find_rt(r, info.ssrc)) {        /* our own come back */
		tally_up_rt(&line_count(r->line)->loops);
		return;
	}
	line_heard_rt(r->line, now_us);
	in = line_rtp_in_find_rt(r, info.ssrc);
	if (in && info.sr) {
		rtcp_src_sr_rt(&in->src, &info, now_us);
		in->sr    = true;
		in->sr_us = now_us;
		in->sr_ts = info.rtp_ts;
		in->sr_ntp = info.ntp;
	}
	if (in)
		look_for_loop(r, in, info.cname);
	if (in && info.sr && r->ops->sender_rt)
		r->ops->sender_rt(r->line, in, &info, now_us);
	rtt = read_blocks(r, &info, now_us);
	/* Against our own clock that is never set; what our wallclock shows is added when it is asked for. */
	if (in && info.sr && !in->looped)
		wallclock_report_rt(&r->wall, info.ntp, rtcp_ntp(now_us), rtt, now_us);
	read_plis(r, buf, len, now_us);
	if (info.bye) {
		r->ops->bye_rt(r->line, info.ssrc, now_us);
		if (in)
			in->used = false;
	}
}

/* ---- time ---- */

bool line_rtp_shift_rt(const struct line_rtp *r, uint64_t *shift, uint64_t now_us)
{
	*shift = r->wall.diff + line_rtp_ntp_rt(r, now_us) - rtcp_ntp(now_us);
	return r->wall.known;
}

void line_report_begin_rt(struct line_rtp *r, uint64_t now_us)
{
	if (r->report_us == UINT64_MAX)
		r->report_us = now_us + FIRST_US;
}

uint64_t line_rtp_due_rt(const struct line_rtp *r)
{
	const uint64_t twice = line_twice_due_rt(&r->twice);

	return r->report_us < twice ? r->report_us : twice;
}

static void repeat(struct line_rtp *r, uint64_t now_us)
{
	const uint8_t *buf;
	size_t len;

	while ((buf = line_twice_next_rt(&r->twice, &len, now_us)) != NULL)
		line_send_rt(r->line, 0, buf, len);
}

void line_rtp_tick_rt(struct line_rtp *r, uint64_t now_us)
{
	repeat(r, now_us);
	if (now_us < r->report_us)
		return;
	r->report_us = now_us + EACH_US + forward_random_rt(r->line->forward) % MORE_US;
	for (unsigned i = 0; i < r->n_out; i++) {
		struct line_rtp_out *out = &r->out[i];

		/* the server's own says what came; the others what they sent, while somebody is there; T1: its source says it */
		if (out->used && !out->through && (!i || (out->packets && out->from)))
			say(r, out, now_us, false);
	}
}

void line_rtp_close_rt(struct line_rtp *r, uint64_t now_us)
{
	for (unsigned i = 0; i < r->n_out; i++) {
		if (r->out[i].used)
			line_rtp_shut_rt(r, &r->out[i], now_us);
	}
	r->report_us = UINT64_MAX;
}
