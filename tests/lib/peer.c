/*
 * peer.c - a phone without SIP.
 */
#include <sys/socket.h>
#include <glib.h>
#include <string.h>
#include <unistd.h>
#include <re.h>
#include "mixer/dtmf.h"
#include "mixer/level.h"
#include "peer.h"
#include "signal.h"

static int bound_socket(struct sa *local, const char *host)
{
	int fd;

	g_assert_cmpint(sa_set_str(local, host, 0), ==, 0);
	fd = socket(sa_af(local), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(bind(fd, &local->u.sa, local->len), ==, 0);
	g_assert_cmpint(getsockname(fd, &local->u.sa, &local->len), ==, 0);
	return fd;
}

static struct codec_param param(const struct peer_conf *c)
{
	return (struct codec_param){.channels = c->channels ? c->channels : 1, .ptime_us = c->ptime_us, .complexity = 5,
				    .dtx = c->dtx, .bitrate = 64000};
}

static void codec_set(struct peer *p, const struct peer_conf *conf)
{
	struct codec_param pa;

	p->conf = *conf;
	if (!p->conf.channels)
		p->conf.channels = 1;
	if (!p->conf.ptime_us)
		p->conf.ptime_us = 20000;
	pa = param(&p->conf);
	p->codec = codec_find(conf->codec, conf->clock);
	g_assert_nonnull(p->codec);
	p->enc = mem_deref(p->enc);
	p->dec = mem_deref(p->dec);
	g_assert_cmpint(p->codec->enc_alloc(&p->enc, p->codec, &pa), ==, 0);
	g_assert_cmpint(p->codec->dec_alloc(&p->dec, p->codec, &pa), ==, 0);
}

struct peer *peer_new(const struct peer_conf *conf)
{
	struct peer *p = g_new0(struct peer, 1);
	const char *host = conf->host ? conf->host : "127.0.0.1";
	struct sa rtcp;

	codec_set(p, conf);
	p->rec = g_new0(float, PEER_REC_MAX);
	p->fd = bound_socket(&p->local, host);
	p->fd_rtcp = bound_socket(&rtcp, host);
	p->ssrc = g_random_int();
	p->seq = (uint16_t)(g_random_int() & 0x7fff);
	p->ts = g_random_int();
	p->key_pt = 101;
	return p;
}

void peer_free(struct peer *p)
{
	close(p->fd);
	close(p->fd_rtcp);
	mem_deref(p->enc);
	mem_deref(p->dec);
	mem_deref(p->seal);
	mem_deref(p->open);
	g_free(p->rec);
	g_free(p);
}

void peer_secure(struct peer *p, const struct leg_key *tx, const struct leg_key *rx)
{
	p->seal = mem_deref(p->seal);
	p->open = mem_deref(p->open);
	g_assert_cmpint(seal_alloc(&p->seal, tx), ==, 0);
	g_assert_cmpint(seal_alloc(&p->open, rx), ==, 0);
}

void peer_redundant(struct peer *p, uint8_t pt, uint8_t gen)
{
	p->red_pt = pt;
	p->red_gen = gen;
	red_tx_init(&p->red, gen);
}

void peer_codec(struct peer *p, const struct peer_conf *conf)
{
	codec_set(p, conf);
	p->n_smp = 0;             /* the tone begins at zero: the change itself makes no click */
	peer_forget(p);
}

void peer_voice(struct peer *p)
{
	struct codec_param pa = param(&p->conf);

	pa.voice = true;
	pa.bitrate = 24000;
	p->enc = mem_deref(p->enc);
	g_assert_cmpint(p->codec->enc_alloc(&p->enc, p->codec, &pa), ==, 0);
}

void peer_forget(struct peer *p)
{
	memset(p->rec, 0, PEER_REC_MAX * sizeof(*p->rec));
	p->n_rec = 0;
	p->any = false;
	p->n_packets = p->n_seq_gaps = p->n_ts_gaps = p->n_markers = p->n_other = p->n_noise = 0;
	p->keys[0] = 0;
}

void peer_desc(const struct peer *p, struct leg_desc *d)
{
	struct sa rtcp = {.len = sizeof(rtcp.u)};

	memset(d, 0, sizeof(*d));
	d->rtp = p->local;
	g_assert_cmpint(getsockname(p->fd_rtcp, &rtcp.u.sa, &rtcp.len), ==, 0);
	d->rtcp = rtcp;
	d->dir = LEG_DIR_BOTH;
	d->tx = (struct leg_codec){.codec = p->codec, .pt = p->conf.pt, .param = param(&p->conf)};
	d->rx[d->n_rx++] = d->tx;
	memset(d->dtmf_rx_pt, 0xff, sizeof(d->dtmf_rx_pt));
	d->dtmf_rx_pt[0] = d->dtmf_tx_pt = p->key_pt;
	d->dtmf_clock = p->codec->clock;
	d->cn_rx_pt = 13;
	d->cn_tx_pt = p->conf.dtx ? 13 : 0xff;
	d->level_rx_ext = p->level_id;
	d->levels_tx_ext = p->levels_id;
	if (!p->red_gen)
		return;
	d->red_rx[d->n_red_rx++] = (struct leg_red_rx){.clock = p->codec->clock, .pt = p->red_pt};
	d->red_tx_pt = p->red_pt;
	d->red_tx_gen = p->red_gen;
}

/* --- out --- */

void peer_raw(struct peer *p, int fd, const void *buf, size_t len)
{
	struct sa to = p->to;

	if (fd == p->fd_rtcp)
		sa_set_port(&to, (uint16_t)(sa_port(&to) + 1));
	if (sendto(fd, buf, len, MSG_NOSIGNAL, &to.u.sa, to.len) < 0)
		g_test_message("sendto: %m");
}

static uint32_t dice(struct peer *p, uint32_t n)
{
	p->net_seed = p->net_seed * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)(p->net_seed >> 8) * n >> 24);
}

static void to_path(struct peer *p, const uint8_t *buf, size_t n)
{
	for (unsigned i = 0; (p->jitter_us || p->way_us) && i < PEER_LATE_MAX; i++) {
		struct peer_late *l = &p->late[i];

		if (l->len)
			continue;
		g_assert_cmpuint(n, <=, sizeof(l->buf));
		l->due_us = p->now_us + p->way_us + dice(p, p->jitter_us);
		l->len = n;
		memcpy(l->buf, buf, n);
		return;
	}
	peer_raw(p, p->fd, buf, n);
}

static void late_send(struct peer *p)
{
	for (unsigned i = 0; (p->jitter_us || p->way_us) && i < PEER_LATE_MAX; i++) {
		if (!p->late[i].len || p->late[i].due_us > p->now_us)
			continue;
		peer_raw(p, p->fd, p->late[i].buf, p->late[i].len);
		p->late[i].len = 0;
	}
}

/* Does the net lose this one? */
static bool dropped(struct peer *p)
{
	const unsigned run = p->drop_run ? p->drop_run : 1;

	return (p->drop_every && p->n_sent % p->drop_every < run) || (p->drop_pct && dice(p, 100) < p->drop_pct);
}

static void send_rtp(struct peer *p, uint8_t pt, bool marker, uint32_t ts, const uint8_t *payload, size_t len)
{
	struct rtp_pkt pkt = {.pt = pt, .marker = marker, .seq = p->seq++, .ts = ts, .ssrc = p->ssrc};
	uint8_t buf[4096];
	uint8_t ext[4] = {(uint8_t)(p->level_id << 4), p->level};
	size_t hdr = sizeof(buf), n;

	if (p->level_id) {
		pkt.ext_profile = 0xbede;
		pkt.ext = ext;
		pkt.ext_len = sizeof(ext);
	}
	g_assert_cmpint(rtp_write_hdr(buf, &hdr, &pkt), ==, 0);
	memcpy(buf + hdr, payload, len);
	n = hdr + len;
	if (p->seal)
		g_assert_cmpint(seal_rtp_rt(p->seal, buf, &n, sizeof(buf)), ==, 0);
	p->n_sent++;
	if (dropped(p))
		p->n_dropped++;
	else
		to_path(p, buf, n);
}

void peer_send_raw_rtp(struct peer *p, uint8_t pt, uint32_t ts, const uint8_t *payload, size_t len)
{
	send_rtp(p, pt, false, ts, payload, len);
}

static void send_sound(struct peer *p, bool marker, const uint8_t *payload, size_t len)
{
	uint8_t buf[4000];
	int n;

	if (!p->red_gen || p->red_plain) {
		send_rtp(p, p->conf.pt, marker, p->ts, payload, len);
		return;
	}
	n = red_write_rt(&p->red, buf, sizeof(buf), p->conf.pt, p->ts, payload, len);
	g_assert_cmpint(n, >, 0);
	send_rtp(p, p->red_pt, marker, p->ts, buf, (size_t)n);
}

/* Returns how many samples there were in it. */
static size_t send_frame(struct peer *p)
{
	size_t n = (size_t)p->conf.ptime_us * p->codec->srate / 1000000;
	uint8_t ch = p->conf.channels, buf[3900];
	g_autofree float *mono = g_new(float, n), *smp = g_new(float, n * ch);
	int len;

	signal_sine(mono, n, p->n_smp, p->codec->srate, p->conf.hz, p->conf.peak);
	for (size_t i = 0; i < n && p->play; i++)
		mono[i] = p->play[(p->n_smp + i) % p->n_play];
	for (size_t i = 0; i < n * ch; i++)
		smp[i] = i % ch ? 0 : mono[i / ch];       /* stereo: left only */
	p->level = level_dbov_rt(mono, n);
	len = p->codec->encode_rt(p->enc, buf, sizeof(buf), smp, n);
	g_assert_cmpint(len, >=, 0);
	if (len && !p->mute)
		send_sound(p, p->n_smp == 0, buf, (size_t)len);
	p->n_smp += n;
	p->ts += (uint32_t)((uint64_t)n * p->codec->clock / p->codec->srate);
	return n;
}

void peer_send(struct peer *p, uint64_t now_us)
{
	p->now_us = now_us;
	late_send(p);
	if (!p->next_us)
		p->next_us = now_us;
	while (p->next_us <= now_us) {
		double frame_ns = (double)send_frame(p) * 1e9 / p->codec->srate / (1 + p->ppm * 1e-6);
		uint64_t ns = p->next_ns + (uint64_t)(frame_ns + 0.5);

		p->next_us += ns / 1000;
		p->next_ns = ns % 1000;
	}
}

void peer_key(struct peer *p, uint8_t event)
{
	for (unsigned i = 1; i <= 5; i++) {
		bool end = i >= 3;
		unsigned dur = (end ? 3 : i) * 160;
		uint8_t pl[4] = {event, (uint8_t)(end ? 0x8a : 0x0a), (uint8_t)(dur >> 8), (uint8_t)dur};

		send_rtp(p, p->key_pt, i == 1, p->ts, pl, sizeof(pl));
	}
}

/* --- in --- */

static void hear_key(struct peer *p, const struct rtp_pkt *pkt)
{
	char key = pkt->len == 4 ? dtmf_key(pkt->payload[0]) : 0;
	size_t n = strlen(p->keys);

	if (!key)
		p->n_bad++;
	else if ((!n || pkt->ts != p->key_ts) && n + 1 < sizeof(p->keys))
		p->keys[n] = key, p->keys[n + 1] = 0;
	p->key_ts = pkt->ts;
}

static void hear_sound(struct peer *p, const struct rtp_pkt *pkt)
{
	static float smp[CODEC_SMP_MAX * 2];
	int n = p->codec->decode_rt(p->dec, smp, CODEC_SMP_MAX, pkt->payload, pkt->len);
	uint8_t ch = p->conf.channels;
	uint32_t at, len;

	if (n <= 0) {
		p->n_bad++;
		return;
	}
	if (!p->any)
		p->first_ts = pkt->ts;
	len = (uint32_t)((uint64_t)n * p->codec->clock / p->codec->srate);
	at = (uint32_t)((uint64_t)(pkt->ts - p->first_ts) * p->codec->srate / p->codec->clock);
	p->n_ts_gaps += p->any && pkt->ts != p->last_ts;
	p->last_ts = pkt->ts + len;
	p->any = true;
	if ((at + (size_t)n) * ch > PEER_REC_MAX)
		return;
	memcpy(p->rec + at * ch, smp, (size_t)n * ch * sizeof(*smp));
	p->n_rec = MAX(p->n_rec, at + (size_t)n);
}

static void keep_header(struct peer *p, const struct rtp_pkt *pkt)
{
	p->in = *pkt;
	p->in.payload = NULL;
	if (!pkt->ext)
		return;
	g_assert_cmpuint(pkt->ext_len, <=, sizeof(p->in_ext));
	memcpy(p->in_ext, pkt->ext, pkt->ext_len);
	p->in.ext = p->in_ext;
}

/* To hold older frames against, when they come again. */
static void keep(struct peer *p, const struct rtp_pkt *pkt)
{
	const unsigned i = p->n_past++ % G_N_ELEMENTS(p->past);

	p->past[i].ts = pkt->ts;
	p->past[i].len = MIN(pkt->len, sizeof(p->past[i].buf));
	memcpy(p->past[i].buf, pkt->payload, p->past[i].len);
}

static bool known(const struct peer *p, uint32_t ts, const struct red_block *b)
{
	for (unsigned i = 0; i < MIN(p->n_past, G_N_ELEMENTS(p->past)); i++)
		if (p->past[i].ts == ts && p->past[i].len == b->len && !memcmp(p->past[i].buf, b->payload, b->len))
			return b->pt == p->conf.pt;
	return false;
}

/* Its own frame is heard; the others must be what came before. */
static void hear_redundant(struct peer *p, struct rtp_pkt *pkt)
{
	struct red_block b[RED_BLOCKS_MAX];
	unsigned n = 0;

	p->n_red++;
	if (red_read(b, &n, pkt->payload, pkt->len) || b[n - 1].pt != p->conf.pt) {
		p->n_red_wrong++;
		return;
	}
	for (unsigned i = 0; i + 1 < n; i++) {
		bool is = known(p, pkt->ts - b[i].ts_off, &b[i]);

		p->n_red_old += is;
		p->n_red_wrong += !is;
	}
	pkt->payload = b[n - 1].payload;
	pkt->len = b[n - 1].len;
	keep(p, pkt);
	hear_sound(p, pkt);
}

static void hear(struct peer *p, uint8_t *buf, size_t n)
{
	struct rtp_pkt pkt;

	if ((p->open && seal_open_rtp_rt(p->open, buf, &n, 4096)) || rtp_read(&pkt, buf, n)) {
		p->n_bad++;
		return;
	}
	p->n_seq_gaps += p->n_packets && pkt.seq != (uint16_t)(p->last_seq + 1);
	p->last_seq = pkt.seq;
	p->n_packets++;
	p->n_markers += pkt.marker;
	p->ssrc_in = pkt.ssrc;
	if (pkt.pt == p->conf.pt) {
		keep_header(p, &pkt);
		keep(p, &pkt);
		hear_sound(p, &pkt);
	} else if (p->red_gen && pkt.pt == p->red_pt) {
		hear_redundant(p, &pkt);
	} else if (pkt.pt == p->key_pt) {
		hear_key(p, &pkt);
	} else if (pkt.pt == 13 && pkt.len) {
		p->n_noise++;
		p->noise_dbov = pkt.payload[0];
	} else {
		p->n_other++;
	}
}

static void hear_rtcp(struct peer *p, uint8_t *buf, size_t n)
{
	if ((p->open && seal_open_rtcp_rt(p->open, buf, &n, 4096)) || rtcp_read(&p->rtcp, buf, n)) {
		p->n_bad++;
		return;
	}
	p->n_xr += !xr_read(&p->xr, buf, n);
	p->n_rtcp++;
	p->n_sr += p->rtcp.sr;
	p->n_rtcp_bye += p->rtcp.bye;
}

void peer_receive(struct peer *p)
{
	uint8_t buf[4096];
	ssize_t n;

	while ((n = recv(p->fd, buf, sizeof(buf) - SEAL_ROOM, 0)) > 0) {
		if (rtp_is_rtcp(buf, (size_t)n))
			hear_rtcp(p, buf, (size_t)n);
		else
			hear(p, buf, (size_t)n);
	}
	while ((n = recv(p->fd_rtcp, buf, sizeof(buf) - SEAL_ROOM, 0)) > 0)
		hear_rtcp(p, buf, (size_t)n);
}

float *peer_last(const struct peer *p, size_t n, unsigned channel)
{
	uint8_t ch = p->conf.channels;
	float *out = g_new0(float, n);

	g_assert_cmpuint(p->n_rec, >=, n);
	for (size_t i = 0; i < n; i++)
		out[i] = p->rec[(p->n_rec - n + i) * ch + channel];
	return out;
}
