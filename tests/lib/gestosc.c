/*
 * gestosc.c - the other end of a G2 line.
 */
#include <errno.h>
#include <string.h>
#include "mixer/rtcp.h"
#include "mixer/seal.h"
#include "gestosc.h"

enum { REPORT_US = 700000, FIRST_US = 100000, ROOM = 2048 };

/* A packet as it went, or came. */
struct packet {
	uint16_t seq;
	uint32_t ts;
	size_t len;
	uint8_t payload[ROOM];
};

struct heard {
	struct packet last;
	bool used, gone;
	uint32_t ssrc;
	char name[64];
	struct rtcp_src src;
	struct oscrecv *recv;
	struct gestosc *g;
};

struct gestosc {
	struct gestend *end;
	struct gestnet *net;
	struct sa to, to_rtcp;
	struct oscsend *send;
	struct seal *shut, *open;         /* SRTP: ours, the server's; NULL: none */
	uint32_t ssrc, clock, packets, octets;
	uint8_t pt;
	bool journal, muted, pli;
	struct packet last;               /* that it sent */
	struct { uint32_t ssrc, ehsn; uint64_t at_us; bool gone; } reporter[GESTOSC_SOURCES];
	struct heard heard[GESTOSC_SOURCES];
	struct gestosc_stats stats;
	uint64_t report_us, ahead_us;
	gestosc_h *h;
	void *arg;
};

static struct oscsend_time now_of(const struct gestosc *g, uint64_t us)
{
	return (struct oscsend_time){.us = us, .ts = (uint32_t)(us * g->clock / 1000000)};
}

static void note_handler(const struct oscrecv_note *note, void *arg)
{
	struct heard *h = arg;

	if (note->cause != OSCRECV_LIVE)
		h->g->stats.repaired++;
	if (h->g->h)
		h->g->h(h->g, h->ssrc, h->name, note, h->g->arg);
}

static struct heard *find(struct gestosc *g, uint32_t ssrc)
{
	for (unsigned i = 0; i < GESTOSC_SOURCES; i++) {
		if (g->heard[i].used && g->heard[i].ssrc == ssrc)
			return &g->heard[i];
	}
	return NULL;
}

static struct heard *find_or_make(struct gestosc *g, uint32_t ssrc)
{
	struct heard *h = find(g, ssrc);
	struct oscrecv_cfg cfg = {.clock_rate = g->clock, .late_ms = 40, .journal = g->journal, .seed = 7, .h = note_handler};

	for (unsigned i = 0; i < GESTOSC_SOURCES && !h; i++) {
		if (g->heard[i].used)
			continue;
		h = &g->heard[i];
		*h = (struct heard){.used = true, .ssrc = ssrc, .g = g};
		rtcp_src_init(&h->src, ssrc, g->clock);
		cfg.arg = h;
		if (oscrecv_alloc(&h->recv, &cfg))
			return NULL;
	}
	return h;
}

static void keep(struct packet *p, const struct rtp_pkt *pkt)
{
	p->seq = pkt->seq;
	p->ts  = pkt->ts;
	p->len = pkt->len;
	memcpy(p->payload, pkt->payload, pkt->len);
}

static void send_rtp(struct gestosc *g, uint8_t *buf, size_t len)
{
	struct rtp_pkt pkt;

	if (!rtp_read(&pkt, buf, len))
		keep(&g->last, &pkt);
	g->packets++;
	g->octets += (uint32_t)len - RTP_HDR_LEN;
	if (!g->muted && !(g->shut && seal_rtp_rt(g->shut, buf, &len, len + SEAL_ROOM)))
		gestnet_send(g->end, &g->to, buf, len);
}

int gestosc_play(struct gestosc *g, const uint8_t *osc, size_t len)
{
	const struct oscsend_time now = now_of(g, gestnet_now_us(g->net));
	const struct oscsend_item item = {.osc = osc, .len = len, .ts = now.ts};
	uint8_t buf[ROOM + SEAL_ROOM];
	size_t n = ROOM;
	int err = oscsend_packet_rt(g->send, buf, &n, &item, 1, &now);

	if (!err)
		send_rtp(g, buf, n);
	return err;
}

/* ---- RTCP ---- */

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void send_rtcp(struct gestosc *g, uint8_t *buf, size_t len)
{
	struct sa from = *gestnet_addr(g->end);

	sa_set_port(&from, (uint16_t)(sa_port(&from) + 1));
	if (!g->muted && !(g->shut && seal_rtcp_rt(g->shut, buf, &len, len + SEAL_ROOM)))
		gestnet_send_from(g->end, &from, &g->to_rtcp, buf, len);
}

static size_t compose(struct gestosc *g, uint8_t *buf, uint64_t now_us)
{
	struct rtcp_block block[RTCP_BLOCKS_MAX];
	struct rtcp_report r = {.ssrc = g->ssrc, .sender = g->packets, .ntp = rtcp_ntp(now_us + g->ahead_us), .rtp_ts = now_of(g, now_us).ts,
		.packets = g->packets, .octets = g->octets, .blocks = block, .cname = "party"};
	int n;

	for (unsigned i = 0; i < GESTOSC_SOURCES && r.n_blocks < RTCP_BLOCKS_MAX; i++) {
		if (g->heard[i].used && !g->heard[i].gone && g->heard[i].src.any)
			rtcp_src_block_rt(&g->heard[i].src, &block[r.n_blocks++], now_us);
	}
	n = rtcp_write(buf, ROOM, &r);
	return n > 0 ? (size_t)n : 0;
}

static void send_pli(struct gestosc *g, const struct heard *h)
{
	uint8_t buf[ROOM + 12 + SEAL_ROOM] = {0};
	const size_t len = compose(g, buf, gestnet_now_us(g->net));

	memset(buf + len, 0, 12);
	buf[len] = 0x81;
	buf[len + 1] = RTCP_PT_PSFB;
	buf[len + 3] = 2;
	put32(buf + len + 4, g->ssrc);
	put32(buf + len + 8, h->ssrc);
	send_rtcp(g, buf, len + 12);
}

void gestosc_pli(struct gestosc *g)
{
	for (unsigned i = 0; i < GESTOSC_SOURCES; i++) {
		if (g->heard[i].used && !g->heard[i].gone)
			send_pli(g, &g->heard[i]);
	}
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* NAME items, which rtcp_read does not tell. */
static void read_names(struct gestosc *g, const uint8_t *buf, size_t len)
{
	for (size_t pos = 0, size; pos + 12 <= len; pos += size) {
		const uint8_t *p = buf + pos;
		struct heard *h;

		size = ((size_t)(p[2] << 8 | p[3]) + 1) * 4;
		if (p[1] != RTCP_PT_SDES || p[8] != 2 || p[9] > 63)
			continue;
		h = find_or_make(g, get32(p + 4));
		if (!h)
			continue;
		memcpy(h->name, p + 10, p[9]);
		h->name[p[9]] = '\0';
	}
}

static void note_reporter(struct gestosc *g, uint32_t ssrc, uint32_t ehsn, bool gone, uint64_t now_us)
{
	for (unsigned i = 0; i < GESTOSC_SOURCES; i++) {
		if (g->reporter[i].at_us && g->reporter[i].ssrc != ssrc)
			continue;
		if (gone && !g->reporter[i].at_us)
			return;
		g->reporter[i].ssrc  = ssrc;
		g->reporter[i].ehsn  = ehsn;
		g->reporter[i].at_us = now_us;
		g->reporter[i].gone  = gone;
		return;
	}
}

/* The state of ours is asked for. */
static void read_plis(struct gestosc *g, const uint8_t *buf, size_t len)
{
	for (size_t pos = 0, size; pos + 12 <= len; pos += size) {
		const uint8_t *p = buf + pos;

		size = ((size_t)(p[2] << 8 | p[3]) + 1) * 4;
		if (!g->pli || p[1] != RTCP_PT_PSFB || (p[0] & 0x1f) != 1 || get32(p + 8) != g->ssrc)
			continue;
		g->stats.asked++;
		oscsend_snapshot_rt(g->send);
	}
}

static void rtcp(struct gestosc *g, const uint8_t *buf, size_t len, uint64_t now_us)
{
	struct rtcp_info info;
	struct heard *h;

	if (rtcp_read(&info, buf, len))
		return;
	g->stats.reports++;
	read_names(g, buf, len);
	h = find(g, info.ssrc);
	if (h && info.sr)
		rtcp_src_sr_rt(&h->src, &info, now_us);
	if (h && info.bye) {
		h->gone = true;
		g->stats.byes++;
	}
	read_plis(g, buf, len);
	if (info.bye) {
		oscsend_bye_rt(g->send, info.ssrc);
		note_reporter(g, info.ssrc, 0, true, now_us);
	}
	for (unsigned i = 0; i < info.n_blocks; i++) {
		if (info.block[i].ssrc != g->ssrc)
			continue;
		oscsend_report_rt(g->send, info.ssrc, info.block[i].ext_seq, now_us);
		note_reporter(g, info.ssrc, info.block[i].ext_seq, false, now_us);
	}
}

/* ---- in ---- */

static bool opened(struct gestosc *g, bool is_rtcp, uint8_t *own, size_t *len)
{
	return !g->open || !(is_rtcp ? seal_open_rtcp_rt(g->open, own, len, ROOM + SEAL_ROOM) :
				       seal_open_rtp_rt(g->open, own, len, ROOM + SEAL_ROOM));
}

static void recv_handler(struct gestend *end, const struct sa *from, const uint8_t *packet, size_t len, uint64_t now_us, void *arg)
{
	struct gestosc *g = arg;
	uint8_t buf[ROOM + SEAL_ROOM];
	struct rtp_pkt pkt;
	struct heard *h;

	(void)end;
	if (len > ROOM)
		return;
	memcpy(buf, packet, len);
	if (!opened(g, sa_port(from) & 1, buf, &len))
		return;
	if (sa_port(from) & 1) {
		rtcp(g, buf, len, now_us);
		return;
	}
	if (rtp_read(&pkt, buf, len) || pkt.pt != g->pt)
		return;
	h = find_or_make(g, pkt.ssrc);
	if (!h)
		return;
	if (!h->src.any && g->report_us > now_us + FIRST_US)
		g->report_us = now_us + FIRST_US;
	g->stats.packets++;
	keep(&h->last, &pkt);
	rtcp_src_packet_rt(&h->src, &pkt, now_us);
	oscrecv_packet_rt(h->recv, &pkt, now_us);
}

static void ask(struct gestosc *g, uint64_t now_us)
{
	static const uint8_t refresh[] = "/_gest/refresh\0\0,\0\0";

	for (unsigned i = 0; i < GESTOSC_SOURCES; i++) {
		struct heard *h = &g->heard[i];

		if (!h->used || h->gone || !oscrecv_refresh_rt(h->recv, now_us))
			continue;
		g->stats.refreshes++;
		if (g->pli)
			send_pli(g, h);
		else
			gestosc_play(g, refresh, sizeof(refresh));
	}
}

static void tick_handler(struct gestend *end, uint64_t now_us, void *arg)
{
	struct gestosc *g = arg;
	const struct oscsend_time now = now_of(g, now_us);
	uint8_t buf[ROOM + SEAL_ROOM];
	size_t len = ROOM;

	(void)end;
	while (oscsend_due_rt(g->send) <= now_us && !oscsend_tick_rt(g->send, buf, &len, &now)) {
		send_rtp(g, buf, len);
		len = ROOM;
	}
	ask(g, now_us);
	if (now_us < g->report_us)
		return;
	g->report_us = now_us + REPORT_US;
	send_rtcp(g, buf, compose(g, buf, now_us));
}

/* ---- life ---- */

static void gestosc_destroy(void *arg)
{
	struct gestosc *g = arg;

	mem_deref(g->end);
	mem_deref(g->send);
	mem_deref(g->shut);
	mem_deref(g->open);
	for (unsigned i = 0; i < GESTOSC_SOURCES; i++)
		mem_deref(g->heard[i].recv);
}

static int begin(struct gestosc *g, struct player *p, struct gestline *l)
{
	const struct oscsend_cfg cfg = {.ssrc = g->ssrc, .seq = (uint16_t)gestnet_draw(g->net, 65536), .pt = l->pt,
		.journal = l->journal, .red = 2, .guard_ms = 1000, .receiver = true, .seed = 5};
	struct sa local;
	int err = gestnet_end_add(&g->end, g->net, recv_handler, tick_handler, g);

	if (err)
		return err;
	sa_set_str(&local, "192.0.2.10", 0);
	l->peer = *gestnet_addr(g->end);
	err = player_port(p, l->kind, &local, &g->to);
	g->to_rtcp = g->to;
	sa_set_port(&g->to_rtcp, (uint16_t)(sa_port(&g->to) + 1));
	if (!err)
		err = oscsend_alloc(&g->send, &cfg);
	if (!err && l->srtp_tx.suite != LEG_SRTP_NONE)
		err = seal_alloc(&g->open, &l->srtp_tx);
	if (!err && l->srtp_rx.suite != LEG_SRTP_NONE)
		err = seal_alloc(&g->shut, &l->srtp_rx);
	return err ? err : player_set_line(p, l);
}

int gestosc_alloc(struct gestosc **gp, struct gestnet *net, struct player *p, struct gestline *l, gestosc_h *h, void *arg)
{
	struct gestosc *g = mem_zalloc(sizeof(*g), gestosc_destroy);
	int err;

	if (!g)
		return ENOMEM;
	g->net = net;
	g->ssrc = gestnet_draw(net, 0xffffffff);
	g->clock = l->rate;
	g->pt = l->pt;
	g->journal = l->journal;
	g->pli = l->pli;
	g->h = h;
	g->arg = arg;
	g->report_us = gestnet_now_us(net) + REPORT_US;
	err = begin(g, p, l);
	if (err) {
		mem_deref(g);
		return err;
	}
	*gp = g;
	return 0;
}

struct gestend *gestosc_end(struct gestosc *g) { return g->end; }
const struct osckeys *gestosc_sent(const struct gestosc *g) { return oscsend_state(g->send); }
void gestosc_mute(struct gestosc *g, bool mute) { g->muted = mute; }
void gestosc_set_clock(struct gestosc *g, uint64_t ahead_us) { g->ahead_us = ahead_us; }
uint32_t gestosc_ssrc(const struct gestosc *g, unsigned i) { return g->heard[i].ssrc; }

const struct key *gestosc_key(struct gestosc *g, const char *addr, struct osc_msg *msg)
{
	for (unsigned i = 0; i < GESTOSC_SOURCES; i++) {
		const struct heard *h = &g->heard[i];
		const struct key *key = h->recv && !h->gone ? osckeys_find_rt(oscrecv_state(h->recv), addr, strlen(addr)) : NULL;

		if (!key || !key->live)
			continue;
		osckeys_msg_rt(msg, oscrecv_state(h->recv), key);
		return key;
	}
	return NULL;
}

unsigned gestosc_sources(const struct gestosc *g)
{
	unsigned n = 0;

	for (unsigned i = 0; i < GESTOSC_SOURCES; i++)
		n += g->heard[i].used && !g->heard[i].gone;
	return n;
}

void gestosc_stats(const struct gestosc *g, struct gestosc_stats *s)
{
	*s = g->stats;
	for (unsigned i = 0; i < GESTOSC_SOURCES; i++) {
		if (g->heard[i].recv)
			s->lost += oscrecv_stats(g->heard[i].recv)->lost;
	}
}

void gestosc_set_ssrc(struct gestosc *g, uint32_t ssrc)
{
	g->ssrc = ssrc;
	oscsend_renumber_rt(g->send, ssrc);
}

bool gestosc_same(const struct gestosc *from, const struct gestosc *to)
{
	for (unsigned i = 0; i < GESTOSC_SOURCES; i++) {
		const struct heard *h = &to->heard[i];

		if (h->used && !h->gone && h->ssrc == from->ssrc)
			return h->last.seq == from->last.seq && h->last.ts == from->last.ts && h->last.len == from->last.len &&
			       !memcmp(h->last.payload, from->last.payload, h->last.len);
	}
	return false;
}

uint32_t gestosc_named(const struct gestosc *g, const char *name)
{
	for (unsigned i = 0; i < GESTOSC_SOURCES; i++) {
		if (g->heard[i].used && !g->heard[i].gone && !strcmp(g->heard[i].name, name))
			return g->heard[i].ssrc;
	}
	return 0;
}

uint32_t gestosc_own_ssrc(const struct gestosc *g) { return g->ssrc; }

bool gestosc_reported(const struct gestosc *g, uint32_t ssrc, uint64_t since_us)
{
	for (unsigned i = 0; i < GESTOSC_SOURCES; i++) {
		if (g->reporter[i].at_us > since_us && g->reporter[i].ssrc == ssrc && !g->reporter[i].gone)
			return true;
	}
	return false;
}

int gestosc_behind(const struct gestosc *g, uint32_t ssrc)
{
	for (unsigned i = 0; i < GESTOSC_SOURCES; i++) {
		if (g->reporter[i].at_us && g->reporter[i].ssrc == ssrc)
			return rtp_seq_diff(g->last.seq, (uint16_t)g->reporter[i].ehsn);
	}
	return -1;
}
