/*
 * leg_recv.c - packets in: from whom, SRTP, what kind, into the jitter buffer.
 *
 * The strict latch. Until a peer is found, a packet counts when it comes from the address in the SDP or, as the peer may
 * sit behind a NAT, from the host that signals; with SRTP from anywhere, if its tag is true. The first that counts fixes
 * the peer. After that a packet from elsewhere is a stranger's: counted, never heard, and it moves nothing. A new address
 * in the SDP begins this anew.
 *
 * Where keys come by DTLS (leg_dtls.c), its datagrams are taken from the peer, or from where one may latch without a tag;
 * until there are keys, nothing else is.
 */
#include <sys/socket.h>
#include <errno.h>
#include <string.h>
#include <time.h>
#include "dtlsring.h"
#include "leg.h"

enum { SOURCE_IDLE_US = 60000, AGE_MAX_US = 50000 };

/* 1: the peer, -1: a stranger, 0: it may be, if SRTP says so. */
static int whose_rt(const struct leg_rt *l, const struct leg_sock *s, const struct sa *from)
{
	const struct leg_desc *d = &l->plan->desc;
	const struct sa *said = s->rtcp && sa_isset(&d->rtcp, SA_ADDR) ? &d->rtcp : &d->rtp;

	if (s->latched)
		return sa_cmp(&s->peer, from, SA_ALL) ? 1 : -1;
	if (sa_cmp(said, from, s->rtcp ? SA_ADDR : SA_ALL))
		return 1;
	if (s->rtcp && l->rtp.latched && sa_cmp(&l->rtp.peer, from, SA_ADDR))
		return 1;
	if (sa_isset(&d->source, SA_ADDR) && sa_cmp(&d->source, from, SA_ADDR))
		return 1;
	return l->plan->seal_rx ? 0 : -1;
}

static void latch_rt(struct leg_rt *l, struct leg_sock *s, const struct sa *from)
{
	struct leg_event ev = {.type = LEG_EVENT_LATCHED, .addr = *from};

	if (s->latched)
		return;
	s->peer = *from;
	s->latched = true;
	if (s->rtcp)
		return;
	atomic_store_explicit(&l->n.latched, true, memory_order_relaxed);
	thread_event_rt(l->t, l, &ev);
}

static void stranger_rt(struct leg_rt *l)
{
	count_up(&l->n.stranger);
	count_up(&l->t->n.stranger);
}

static void bad_rt(struct leg_rt *l)
{
	count_up(&l->n.bad);
	count_up(&l->t->n.bad);
}

/* Packets that carry no sound still have a number: their buffer must not wait for it. */
static void skip_rt(struct leg_rt *l, uint16_t seq)
{
	for (int i = 0; i < l->plan->n_jitter; i++)
		jitter_skip_rt(l->plan->jitter[i], seq);
}

static void key_rt(struct leg_rt *l, const struct rtp_pkt *pkt)
{
	struct leg_event ev = {.type = LEG_EVENT_DTMF};
	int r = dtmf_read_rt(&l->dtmf_rx, &ev.key, pkt->ts, pkt->payload, pkt->len);

	skip_rt(l, pkt->seq);
	if (r == 1)
		thread_event_rt(l->t, l, &ev);
	else if (r < 0)
		bad_rt(l);
}

static void noise_rt(struct leg_rt *l, const struct rtp_pkt *pkt)
{
	skip_rt(l, pkt->seq);
	if (cn_parse_rt(&l->play.cn, pkt->payload, pkt->len))
		bad_rt(l);
	else
		l->play.noisy = true;
}

/* RFC 6464 3: "the magnitude of the audio level [...] in the least significant seven bits". */
static void level_rt(struct leg_rt *l, const struct rtp_pkt *pkt)
{
	const uint8_t id = l->plan->desc.level_rx_ext;
	unsigned i = pkt->seq % LEG_LEVELS;
	const uint8_t *ext;
	size_t len;

	if (!id)
		return;
	ext = rtp_ext_find(pkt, id, &len);
	l->play.dbov[i] = ext && len ? *ext & 0x7f : LEG_NO_LEVEL;
	l->play.dbov_seq[i] = pkt->seq;
}

/* `again`: it was missing, and came inside a later packet. */
static void sound_rt(struct leg_rt *l, const struct rtp_pkt *pkt, struct plan_rx *rx, bool again, uint64_t now_us)
{
	struct jitter *j = l->plan->jitter[rx->jitter];
	struct leg_play *p = &l->play;

	p->noisy = false;
	level_rt(l, pkt);
	if (p->jitter < 0) {
		p->jitter = rx->jitter;
	} else if (rx->jitter != p->jitter && p->jitter_next != rx->jitter) {
		jitter_reset_rt(j);       /* another clock: the old buffer is played out first */
		p->jitter_next = rx->jitter;
	}
	if (!again) {
		pace_packet_rt(&p->pace, rx->c.codec->clock, pkt->ts, now_us);
		jitter_put_rt(j, pkt, now_us);
	} else if (!jitter_put_again_rt(j, pkt, now_us)) {
		count_up(&l->n.recovered);
	}
}

static struct plan_rx *find_rx_rt(struct leg_plan *p, uint8_t pt)
{
	for (int i = 0; i < p->n_rx; i++)
		if (p->rx[i].c.pt == pt)
			return &p->rx[i];
	return NULL;
}

/* One source at a time: another takes its place at its second packet in a row, or when the first has been silent. */
static bool leg_source_rt(struct leg_rt *l, const struct rtp_pkt *pkt, uint32_t clock, uint64_t now_us)
{
	struct leg_reports *r = &l->rep;

	if (r->src.any && pkt->ssrc != r->src.ssrc) {
		if (pkt->ssrc != r->rival && now_us < l->last_rx_us + SOURCE_IDLE_US) {
			r->rival = pkt->ssrc;
			return false;
		}
		for (int i = 0; i < l->plan->n_jitter; i++)
			jitter_reset_rt(l->plan->jitter[i]);
		memset(&l->dtmf_rx, 0, sizeof(l->dtmf_rx));
		leg_xr_forget_rt(l);
		pace_source_rt(&l->play.pace);
		l->play.other_source = true;
		r->src.any = false;
	}
	r->rival = pkt->ssrc;
	if (!r->src.any || r->src.clock != clock)
		rtcp_src_init(&r->src, pkt->ssrc, clock);
	rtcp_src_packet_rt(&r->src, pkt, now_us);
	return true;
}

static void alive_rt(struct leg_rt *l, uint64_t now_us)
{
	struct leg_event ev = {.type = LEG_EVENT_RTP_BACK};

	l->last_rx_us = now_us;
	if (l->timed_out)
		thread_event_rt(l->t, l, &ev);
	l->timed_out = false;
}

static bool is_key_rt(const struct leg_desc *d, uint8_t pt)
{
	for (int i = 0; i < LEG_DTMF_MAX; i++)
		if (d->dtmf_rx_pt[i] == pt)
			return true;
	return false;
}

/* What a packet carries, or one of the frames in it. */
static void content_rt(struct leg_rt *l, const struct rtp_pkt *pkt, struct plan_rx *rx, bool again, uint64_t now_us)
{
	const struct leg_desc *d = &l->plan->desc;

	if (is_key_rt(d, pkt->pt))
		key_rt(l, pkt);
	else if (!(d->dir & LEG_DIR_RECV))
		count_up(&l->n.discarded);
	else if (rx)
		sound_rt(l, pkt, rx, again, now_us);
	else if (pkt->pt == d->cn_rx_pt)
		noise_rt(l, pkt);
	else
		count_up(&l->n.discarded);
}

/* RFC 2198: what was lost before it, then its own frame. What is inside must be of a kind that was agreed on, and of the
 * one clock that its timestamps count; so redundancy within redundancy is none. */
static void redundant_rt(struct leg_rt *l, const struct rtp_pkt *pkt, uint32_t clock, uint64_t now_us)
{
	struct rtp_pkt part[RED_BLOCKS_MAX];
	unsigned n = 0;

	if (red_packets_rt(&l->red.rx, part, &n, pkt)) {
		bad_rt(l);
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		struct plan_rx *rx = find_rx_rt(l->plan, part[i].pt);

		if (rx && rx->c.codec->clock != clock)
			count_up(&l->n.discarded);
		else
			content_rt(l, &part[i], rx, i + 1 < n, now_us);
	}
}

static void rtp_rt(struct leg_rt *l, const struct rtp_pkt *pkt, uint64_t now_us)
{
	const struct leg_desc *d = &l->plan->desc;
	const struct leg_red_rx *red = leg_red_find_rt(d, pkt->pt);
	struct plan_rx *rx = find_rx_rt(l->plan, pkt->pt);
	uint32_t clock = red ? red->clock : rx ? rx->c.codec->clock : l->rep.src.any ? l->rep.src.clock : 8000;
	bool known = red || rx || is_key_rt(d, pkt->pt) || pkt->pt == d->cn_rx_pt;

	if (!known || !leg_source_rt(l, pkt, clock, now_us)) {
		count_up(&l->n.discarded);
		return;
	}
	alive_rt(l, now_us);
	if (red) {
		redundant_rt(l, pkt, clock, now_us);
		return;
	}
	if (d->n_red_rx)
		red_plain_rt(&l->red.rx, pkt);
	content_rt(l, pkt, rx, false, now_us);
}

static void datagram_rt(struct leg_rt *l, struct leg_sock *s, uint8_t *buf, size_t len, const struct sa *from,
			uint64_t now_us)
{
	struct leg_plan *p = l->plan;
	bool rtcp = s->rtcp || (p->desc.rtcp_mux && rtp_is_rtcp(buf, len));
	bool dtls = p->dtls && !s->rtcp && dtlsring_is_dtls_rt(buf, len);
	int whose = whose_rt(l, s, from), err = 0;
	struct rtp_pkt pkt;

	/* No tag says whose a datagram of DTLS is, so "it may be" is not enough. */
	if (whose < 0 || (dtls && !whose)) {
		stranger_rt(l);
		return;
	}
	if (dtls) {
		leg_dtls_rt(l, buf, len, from);
		return;
	}
	if (p->keyless || (p->dtls && s->rtcp)) {
		count_up(&l->n.discarded);
		return;
	}
	if (p->seal_rx)
		err = rtcp ? seal_open_rtcp_rt(p->seal_rx, buf, &len, DGRAM_MAX)
			   : seal_open_rtp_rt(p->seal_rx, buf, &len, DGRAM_MAX);
	if (err == EACCES) {
		count_up(&l->n.auth);
		return;
	}
	if (!err && !rtcp)
		err = rtp_read(&pkt, buf, len);
	if (err) {
		bad_rt(l);
		return;
	}
	count_up(&l->n.rx_packets);
	count_add(&l->n.rx_bytes, len);
	count_up(&l->t->n.rx);
	if (rtcp && !leg_rtcp_rt(l, buf, len, now_us)) {
		bad_rt(l);
		return;
	}
	if (!rtcp || s->rtcp)
		latch_rt(l, s, from);
	if (!rtcp)
		rtp_rt(l, &pkt, now_us);
}

/* When the kernel got it, on our clock: a tick looks at a socket up to a quantum later, which is no jitter of the net. */
static uint64_t arrival_rt(const struct thread *t, struct msghdr *msg, uint64_t now_us)
{
	uint64_t unix_us = now_us + t->rt.unix_off_us, got;
	struct cmsghdr *c = CMSG_FIRSTHDR(msg);
	struct timespec ts;

	if (!t->rt.stamped || !c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
		return now_us;            /* a clock turned by hand knows nothing of the kernel's */
	memcpy(&ts, CMSG_DATA(c), sizeof(ts));
	got = (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
	/* Somebody may set the system's clock: what cannot be is not believed. */
	return got > unix_us || unix_us - got > AGE_MAX_US ? now_us : now_us - (unix_us - got);
}

/* false: nothing more there. */
static bool one_rt(struct leg_rt *l, struct leg_sock *s, uint64_t now_us)
{
	uint8_t *buf = l->t->rt.scratch.dgram;
	union { struct cmsghdr align; uint8_t room[CMSG_SPACE(sizeof(struct timespec))]; } ctl;
	struct iovec iov = {.iov_base = buf, .iov_len = DGRAM_MAX - SEAL_ROOM};
	struct sa from;
	struct msghdr msg = {.msg_name = &from.u, .msg_namelen = sizeof(from.u), .msg_iov = &iov, .msg_iovlen = 1,
			     .msg_control = &ctl, .msg_controllen = sizeof(ctl)};
	ssize_t n = recvmsg(s->fd, &msg, MSG_DONTWAIT);

	if (n < 0)
		return errno == EINTR;
	from.len = msg.msg_namelen;
	if (!l->plan)
		count_up(&l->n.discarded);
	else if (msg.msg_flags & MSG_TRUNC)
		bad_rt(l);
	else
		datagram_rt(l, s, buf, (size_t)n, &from, arrival_rt(l->t, &msg, now_us));
	return true;
}

/* One packet; asking an empty socket for a second costs a sixth of the first. More show in the next round. */
bool leg_recv_rt(struct leg_rt *l, struct leg_sock *s, uint64_t now_us)
{
	bool more;

	if (s->turn != l->t->rt.turn) {
		s->turn = l->t->rt.turn;
		s->left = LEG_BURST;
	}
	if (!s->left)
		return false;
	leg_cpu_begin_rt(l);
	more = one_rt(l, s, now_us);
	leg_cpu_end_rt(l);
	s->left -= more;
	return more;
}
