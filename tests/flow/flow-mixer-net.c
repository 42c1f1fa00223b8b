/*
 * flow-mixer-net.c - the network side of a leg: whose packets count, SRTP, time-outs, reports, ports.
 */
#include <sys/socket.h>
#include <dirent.h>
#include <glib.h>
#include <math.h>
#include <string.h>
#include <unistd.h>
#include <re.h>
#include "tests/lib/signal.h"
#include "tests/lib/stage.h"

#define PEAK 0.25
#define HZ_A 441.7
#define HZ_B 703.3
#define HZ_X 1203.1
#define HEARD(mb, hz)  g_assert_cmpfloat(fabs(member_hears_db(mb, hz, PEAK, 500)), <, 0.5)
#define SILENT(mb, hz) g_assert_cmpfloat(member_hears_db(mb, hz, PEAK, 600), <, -60)

struct duo { struct stage *s; struct bus *b; struct member *a, *c; };

static struct duo duo_new(const char *host, uint32_t timeout_ms)
{
	struct bus_conf bc = {.quantum_smp = 480};
	struct peer_conf a = {"PCMA", 8000, 8, 1, 20000, HZ_A, PEAK, false, host};
	struct peer_conf c = {"PCMU", 8000, 0, 1, 20000, HZ_B, PEAK, false, host};
	struct duo d = {.s = stage_new(2000)};

	g_assert_cmpint(bus_alloc(&d.b, d.s->m, &bc), ==, 0);
	d.s->timeout_ms = timeout_ms;
	d.a = stage_member(d.s, &a);
	d.c = stage_member(d.s, &c);
	g_assert_cmpint(leg_set_bus(d.a->leg, d.b), ==, 0);
	g_assert_cmpint(leg_set_bus(d.c->leg, d.b), ==, 0);
	return d;
}

static void duo_end(struct duo *d)
{
	mem_deref(d->b);
	stage_free(d->s);
}

/* One that is no member and sends to a's leg, from another port or host. */
static struct peer *stranger(struct duo *d, const char *host)
{
	struct peer *x = peer_new(&(struct peer_conf){"PCMA", 8000, 8, 1, 20000, HZ_X, PEAK, false, host});

	x->to = d->a->peer->to;
	return x;
}

static void run_with(struct duo *d, struct peer *x, uint32_t ms)
{
	for (uint32_t t = 0; t < ms; t += 2) {
		peer_send(x, d->s->now_us);
		stage_run(d->s, 2);
		peer_receive(x);
	}
}

static bool sa_same(const struct sa *a, const struct sa *b) { return sa_cmp(a, b, SA_ALL); }

/* --- the latch --- */

static void test_latch_sdp(void)
{
	struct duo d = duo_new(NULL, 0);

	stage_run(d.s, 1000);
	g_assert_cmpuint(d.a->n_latched, ==, 1);
	g_assert_true(sa_same(&d.a->latched, &d.a->peer->local));
	g_assert_true(member_stats(d.a).latched);
	duo_end(&d);
}

static void test_stranger(void)
{
	struct duo d = duo_new(NULL, 0);
	struct peer *x = stranger(&d, "127.0.0.2");
	struct mixer_stats ms;

	run_with(&d, x, 500);
	g_assert_cmpuint(member_stats(d.a).rx_stranger, >=, 24);
	g_assert_cmpuint(x->n_packets, ==, 0);
	g_assert_cmpuint(d.a->n_latched, ==, 1);
	run_with(&d, x, 1000);
	HEARD(d.c, HZ_A);
	SILENT(d.c, HZ_X);
	HEARD(d.a, HZ_B);
	mixer_stats(d.s->m, &ms);
	g_assert_cmpuint(ms.rx_stranger, ==, member_stats(d.a).rx_stranger);
	peer_free(x);
	duo_end(&d);
}

/* The stranger is first, and the peer comes from where SDP said: the stranger gets nothing. */
static void test_stranger_first(void)
{
	struct duo d = duo_new(NULL, 0);
	struct peer *x = stranger(&d, "127.0.0.2");

	d.a->peer->mute = true;
	run_with(&d, x, 500);
	g_assert_cmpuint(d.a->n_latched, ==, 0);
	d.a->peer->mute = false;
	run_with(&d, x, 1000);
	g_assert_cmpuint(d.a->n_latched, ==, 1);
	g_assert_true(sa_same(&d.a->latched, &d.a->peer->local));
	HEARD(d.c, HZ_A);
	SILENT(d.c, HZ_X);
	peer_free(x);
	duo_end(&d);
}

/* SDP names a private address, packets come from where the signalling comes from. */
static void test_latch_nat(void)
{
	struct duo d = duo_new(NULL, 0);
	struct peer *x = stranger(&d, "127.0.0.2");

	sa_set_str(&d.a->desc.rtp, "10.255.255.1", 4000);
	sa_set_str(&d.a->desc.rtcp, "10.255.255.1", 4001);
	sa_set_str(&d.a->desc.source, "127.0.0.1", 5060);
	member_set(d.a);
	run_with(&d, x, 1500);
	g_assert_cmpuint(d.a->n_latched, ==, 1);
	g_assert_true(sa_same(&d.a->latched, &d.a->peer->local));
	HEARD(d.a, HZ_B);
	HEARD(d.c, HZ_A);
	SILENT(d.c, HZ_X);
	g_assert_cmpuint(x->n_packets, ==, 0);
	peer_free(x);
	duo_end(&d);
}

/* A re-INVITE moves the media: the old address is a stranger from then on. */
static void test_new_address(void)
{
	struct duo d = duo_new(NULL, 0);
	struct peer *y = stranger(&d, "127.0.0.3");

	stage_run(d.s, 500);
	d.a->desc.rtp = y->local;
	member_set(d.a);
	stage_run(d.s, 40);
	peer_forget(d.a->peer);
	run_with(&d, y, 1500);
	g_assert_cmpuint(d.a->n_latched, ==, 2);
	g_assert_true(sa_same(&d.a->latched, &y->local));
	g_assert_cmpuint(d.a->peer->n_packets, ==, 0);
	g_assert_cmpuint(y->n_packets, >, 70);
	HEARD(d.c, HZ_X);
	SILENT(d.c, HZ_A);
	peer_free(y);
	duo_end(&d);
}

static void test_nowhere(void)
{
	struct duo d = duo_new(NULL, 0);

	sa_set_str(&d.a->desc.rtp, "0.0.0.0", 9);
	member_set(d.a);
	stage_run(d.s, 500);
	g_assert_cmpuint(member_stats(d.a).tx_packets, ==, 0);
	duo_end(&d);
}

/* --- SRTP --- */

static struct leg_key key(enum leg_srtp suite, uint8_t first)
{
	struct leg_key k = {.suite = suite, .len = suite == LEG_SRTP_AEAD_AES128_GCM ? 28 : 30};

	for (size_t i = 0; i < k.len; i++)
		k.key[i] = (uint8_t)(first + i * 11);
	return k;
}

static void secure(struct member *mb, enum leg_srtp suite, bool right)
{
	struct leg_key up = key(suite, 1), down = key(suite, 2), wrong = key(suite, 3);

	mb->desc.srtp_rx = up;
	mb->desc.srtp_tx = down;
	peer_secure(mb->peer, right ? &up : &wrong, &down);
	member_set(mb);
}

static void test_srtp(const void *arg)
{
	enum leg_srtp suite = (enum leg_srtp)GPOINTER_TO_INT(arg);
	struct duo d = duo_new(NULL, 0);

	secure(d.a, suite, true);
	secure(d.c, suite, true);
	stage_run(d.s, 1500);
	HEARD(d.a, HZ_B);
	HEARD(d.c, HZ_A);
	g_assert_cmpuint(d.a->peer->n_bad, ==, 0);
	g_assert_cmpuint(member_stats(d.a).rx_auth, ==, 0);
	/* The same keys again: the contexts go on. */
	member_set(d.a);
	stage_run(d.s, 700);
	HEARD(d.a, HZ_B);
	HEARD(d.c, HZ_A);
	g_assert_cmpuint(d.a->peer->n_bad, ==, 0);
	/* New keys in both directions. */
	for (int i = 0; i < 2; i++) {
		d.a->desc.srtp_rx.key[3] ^= 0x55;
		d.a->desc.srtp_tx.key[5] ^= 0x55;
		peer_secure(d.a->peer, &d.a->desc.srtp_rx, &d.a->desc.srtp_tx);
		member_set(d.a);
		stage_run(d.s, 1000);
		HEARD(d.a, HZ_B);
		HEARD(d.c, HZ_A);
	}
	duo_end(&d);
}

/* With SRTP a peer may come from anywhere, if it has the key. */
static void test_srtp_latch(void)
{
	struct duo d = duo_new(NULL, 0);
	struct peer *x = stranger(&d, "127.0.0.2");

	sa_set_str(&d.a->desc.rtp, "10.255.255.1", 4000);
	secure(d.a, LEG_SRTP_AES128_SHA1_80, true);
	run_with(&d, x, 1000);
	g_assert_cmpuint(d.a->n_latched, ==, 1);
	g_assert_true(sa_same(&d.a->latched, &d.a->peer->local));
	HEARD(d.c, HZ_A);
	peer_free(x);
	duo_end(&d);
}

/* 1000 packets with a wrong key from the true address: half under the true SSRC, all over the sequence numbers. */
static void test_srtp_flood(void)
{
	struct duo d = duo_new(NULL, 0);
	struct leg_key wrong = key(LEG_SRTP_AES128_SHA1_80, 9);
	struct seal *evil = NULL;
	uint8_t buf[512];

	secure(d.a, LEG_SRTP_AES128_SHA1_80, true);
	stage_run(d.s, 1000);
	g_assert_cmpint(seal_alloc(&evil, &wrong), ==, 0);
	for (unsigned i = 0; i < 1000; i++) {
		struct rtp_pkt pkt = {.pt = 8, .seq = (uint16_t)(d.a->peer->seq + i * 7001), .ts = i * 160,
				      .ssrc = i % 2 ? d.a->peer->ssrc : i};
		size_t hdr = sizeof(buf), n;

		rtp_write_hdr(buf, &hdr, &pkt);
		memset(buf + hdr, 0x55, 160);
		n = hdr + 160;
		g_assert_cmpint(seal_rtp_rt(evil, buf, &n, sizeof(buf)), ==, 0);
		peer_raw(d.a->peer, d.a->peer->fd, buf, n);
		stage_run(d.s, i % 5 ? 0 : 2);
	}
	stage_run(d.s, 1000);
	g_assert_cmpuint(member_stats(d.a).rx_auth + member_stats(d.a).rx_bad, ==, 1000);      /* bad: looks like a replay */
	HEARD(d.c, HZ_A);
	HEARD(d.a, HZ_B);
	g_assert_cmpuint(member_stats(d.a).concealed, ==, 0);
	mem_deref(evil);
	duo_end(&d);
}

static void test_srtp_wrong_key(void)
{
	struct duo d = duo_new(NULL, 0);

	secure(d.a, LEG_SRTP_AEAD_AES128_GCM, false);
	stage_run(d.s, 700);
	g_assert_cmpuint(member_stats(d.a).rx_auth, >, 30);
	g_assert_cmpuint(d.a->n_latched, ==, 0);
	SILENT(d.c, HZ_A);
	duo_end(&d);
}

/* --- garbage, floods --- */

static void test_garbage(void)
{
	struct duo d = duo_new(NULL, 0);
	uint8_t buf[3000];

	for (unsigned i = 0; i < 800; i++) {
		size_t n = g_test_rand_int_range(0, i % 10 ? 200 : 3000);

		for (size_t k = 0; k < n; k++)
			buf[k] = (uint8_t)g_test_rand_int();
		if (n && i % 3)
			buf[0] = (uint8_t)(0x80 | (buf[0] & 0x3f));
		peer_raw(d.a->peer, i % 4 ? d.a->peer->fd : d.a->peer->fd_rtcp, buf, n);
		stage_run(d.s, 2);
	}
	g_assert_cmpuint(member_stats(d.a).rx_bad, >, 50);
	stage_run(d.s, 1200);
	HEARD(d.c, HZ_A);
	HEARD(d.a, HZ_B);
	duo_end(&d);
}

/* --- time-outs --- */

static void test_timeout(void)
{
	struct duo d = duo_new(NULL, 1000);

	stage_run(d.s, 1500);
	g_assert_cmpuint(d.a->n_timeout, ==, 0);
	d.a->peer->mute = true;
	stage_run(d.s, 900);
	g_assert_cmpuint(d.a->n_timeout, ==, 0);
	stage_run(d.s, 2200);
	g_assert_cmpuint(d.a->n_timeout, ==, 1);
	g_assert_cmpuint(d.c->n_timeout, ==, 0);
	d.a->peer->mute = false;
	stage_run(d.s, 100);
	g_assert_cmpuint(d.a->n_back, ==, 1);
	/* held: silence is what was agreed */
	d.a->desc.dir = LEG_DIR_SEND;
	member_set(d.a);
	d.a->peer->mute = true;
	stage_run(d.s, 3000);
	g_assert_cmpuint(d.a->n_timeout, ==, 1);
	d.a->desc.dir = LEG_DIR_BOTH;
	member_set(d.a);
	stage_run(d.s, 900);
	g_assert_cmpuint(d.a->n_timeout, ==, 1);
	stage_run(d.s, 300);
	g_assert_cmpuint(d.a->n_timeout, ==, 2);
	duo_end(&d);
}

/* --- RTCP --- */

static void check_report(struct member *mb)
{
	const struct rtcp_info *r = &mb->peer->rtcp;

	g_assert_true(r->sr);
	g_assert_cmpuint(r->ssrc, ==, leg_ssrc(mb->leg));
	g_assert_cmpuint(r->ssrc, ==, mb->peer->ssrc_in);
	g_assert_cmpstr(r->cname, ==, "tutti@test");
	g_assert_cmpuint(r->n_blocks, ==, 1);
	g_assert_cmpuint(r->block[0].ssrc, ==, mb->peer->ssrc);
	g_assert_cmpuint(r->block[0].lost, ==, 0);
	g_assert_cmpuint(r->packets, <=, mb->peer->n_packets);
	g_assert_cmpuint(r->packets + 400, >=, mb->peer->n_packets);
	g_assert_cmpuint(r->octets, ==, r->packets * 160);
	g_assert_cmpint(abs((int32_t)(mb->peer->last_ts - r->rtp_ts)) / 8, <, 8000);
}

static void test_rtcp(void)
{
	struct duo d = duo_new(NULL, 0);
	struct peer *p = d.a->peer;
	struct rtcp_block b = {.fraction = 64, .lost = 7};
	struct rtcp_report rep = {.sender = true, .blocks = &b, .n_blocks = 1, .cname = "peer@test", .packets = 1, .octets = 1};
	unsigned before;
	uint8_t buf[512];
	int n;

	stage_run(d.s, 30000);
	g_test_message("%u reports in 30 s", p->n_rtcp);
	g_assert_cmpuint(p->n_rtcp, >=, 3);
	g_assert_cmpuint(p->n_rtcp, <=, 15);
	g_assert_cmpuint(p->n_sr, ==, p->n_rtcp);
	check_report(d.a);
	check_report(d.c);

	/* A report of theirs about our last SR: 100 ms on the way and back, 50 ms held. */
	before = p->n_rtcp;
	while (p->n_rtcp == before)
		stage_run(d.s, 2);
	b.ssrc = leg_ssrc(d.a->leg);
	b.lsr = (uint32_t)(p->rtcp.ntp >> 16);
	b.dlsr = 65536 / 20;
	rep.ssrc = p->ssrc;
	rep.ntp = 0x1122334455667788;
	stage_run(d.s, 150);
	n = rtcp_write(buf, sizeof(buf), &rep);
	g_assert_cmpint(n, >, 0);
	peer_raw(p, p->fd_rtcp, buf, (size_t)n);
	stage_run(d.s, 20);
	g_test_message("rtt %u us", member_stats(d.a).rtt_us);
	g_assert_cmpint(abs((int)member_stats(d.a).rtt_us - 100000), <, 15000);
	g_assert_cmpuint(member_stats(d.a).peer_fraction_lost, ==, 64);
	before = p->n_rtcp;
	while (p->n_rtcp == before)
		stage_run(d.s, 2);
	g_assert_cmphex(p->rtcp.block[0].lsr, ==, 0x33445566);
	g_assert_cmpuint(p->rtcp.block[0].dlsr, >, 0);

	rep.bye = true;
	n = rtcp_write(buf, sizeof(buf), &rep);
	peer_raw(p, p->fd_rtcp, buf, (size_t)n);
	stage_run(d.s, 20);
	g_assert_cmpuint(d.a->n_bye, ==, 1);
	duo_end(&d);
}

/* Who sends no sound reports as a receiver. */
static void test_rtcp_receiver(void)
{
	struct duo d = duo_new(NULL, 0);

	d.a->desc.dir = LEG_DIR_RECV;
	member_set(d.a);
	stage_run(d.s, 12000);
	g_assert_cmpuint(d.a->peer->n_rtcp, >=, 1);
	g_assert_cmpuint(d.a->peer->n_sr, ==, 0);
	g_assert_cmpuint(d.a->peer->rtcp.n_blocks, ==, 1);
	duo_end(&d);
}

/* The leg's end: BYE to the peer; also when the engine ends. */
static void test_bye(void)
{
	struct duo d = duo_new(NULL, 0);

	stage_run(d.s, 500);
	d.a->leg = mem_deref(d.a->leg);
	stage_run(d.s, 50);
	g_assert_cmpuint(d.a->peer->n_rtcp_bye, ==, 1);
	g_assert_cmpuint(d.c->peer->n_rtcp_bye, ==, 0);
	d.b = mem_deref(d.b);
	d.s->m = mem_deref(d.s->m);
	peer_receive(d.c->peer);
	g_assert_cmpuint(d.c->peer->n_rtcp_bye, ==, 1);
	g_assert_cmpint(leg_set_desc(d.c->leg, &d.c->desc), ==, ENODEV);
	g_assert_cmpint(leg_send_dtmf(d.c->leg, "1"), ==, ENODEV);
	leg_set_mute(d.c->leg, true);
	(void)member_stats(d.c);
	duo_end(&d);
}

static void test_rtcp_mux_srtp(void)
{
	struct duo d = duo_new(NULL, 0);
	struct rtcp_report rep = {.ssrc = d.a->peer->ssrc, .bye = true, .cname = "x"};
	uint8_t buf[512];
	size_t len;
	int n;

	d.a->desc.rtcp_mux = true;
	secure(d.a, LEG_SRTP_AES128_SHA1_32, true);
	stage_run(d.s, 10000);
	g_assert_cmpuint(d.a->peer->n_sr, >=, 1);
	g_assert_cmpuint(d.a->peer->n_bad, ==, 0);
	HEARD(d.c, HZ_A);
	n = rtcp_write(buf, sizeof(buf), &rep);
	peer_raw(d.a->peer, d.a->peer->fd, buf, (size_t)n);        /* unprotected: forged */
	stage_run(d.s, 20);
	g_assert_cmpuint(d.a->n_bye, ==, 0);
	len = (size_t)n;
	g_assert_cmpint(seal_rtcp_rt(d.a->peer->seal, buf, &len, sizeof(buf)), ==, 0);
	peer_raw(d.a->peer, d.a->peer->fd, buf, len);
	stage_run(d.s, 20);
	g_assert_cmpuint(d.a->n_bye, ==, 1);
	duo_end(&d);
}

/* --- addresses, ports, descriptors --- */

static void test_ipv6(void)
{
	struct duo d = duo_new("::1", 0);

	g_assert_cmpint(sa_af(leg_local(d.a->leg)), ==, AF_INET6);
	stage_run(d.s, 1000);
	HEARD(d.a, HZ_B);
	HEARD(d.c, HZ_A);
	duo_end(&d);
}

enum { PAIRS = 4 };

/* A range of four pairs that nobody else uses at the moment: min is odd, so the first port is the next. */
static struct mixer *small_range(struct leg **l, uint16_t *min)
{
	struct leg_conf lc = {.jitter_max_ms = 200};
	struct mixer *m = NULL;

	sa_set_str(&lc.local, "127.0.0.1", 0);
	for (int tries = 0; tries < 100; tries++) {
		struct mixer_conf conf = {.port_min = (uint16_t)(10001 + 2 * g_random_int_range(0, 10000))};
		int n = 0;

		conf.port_max = (uint16_t)(conf.port_min + 2 * PAIRS);
		g_assert_cmpint(mixer_alloc(&m, &conf), ==, 0);
		while (n < PAIRS && !leg_alloc(&l[n], m, &lc))
			n++;
		*min = conf.port_min;
		if (n == PAIRS)
			return m;
		while (n)
			mem_deref(l[--n]);
		m = mem_deref(m);
	}
	g_assert_not_reached();
}

static void test_ports(void)
{
	struct leg_conf lc = {.jitter_max_ms = 200};
	struct leg *l[PAIRS], *more = NULL;
	bool seen[2 * PAIRS + 1] = {false};
	uint16_t min;
	struct mixer *m = small_range(l, &min);

	for (int i = 0; i < PAIRS; i++) {
		uint16_t port = sa_port(leg_local(l[i]));

		g_assert_cmpuint(port, >, min);
		g_assert_cmpuint(port, <, min + 2 * PAIRS);
		g_assert_cmpuint(port % 2, ==, 0);
		g_assert_false(seen[port - min]);
		seen[port - min] = true;
	}
	sa_set_str(&lc.local, "127.0.0.1", 0);
	g_assert_cmpint(leg_alloc(&more, m, &lc), ==, EADDRINUSE);
	g_assert_null(more);
	mem_deref(l[2]);
	for (uint64_t t = 1; t < 5; t++)
		mixer_turn(m, t * 10000);
	mixer_dispatch(m);
	g_assert_cmpint(leg_alloc(&l[2], m, &lc), ==, 0);          /* its port came back */
	for (int i = 0; i < PAIRS; i++)
		mem_deref(l[i]);
	mem_deref(m);
}

static unsigned descriptors(void)
{
	unsigned n = 0;
	DIR *dir = opendir("/proc/self/fd");

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void test_descriptors(void)
{
	struct stage *s;
	unsigned start = descriptors(), before;
	struct mixer_stats ms;

	s = stage_new(10000);
	before = descriptors();
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 10; i++)
			stage_member(s, &(struct peer_conf){"PCMU", 8000, 0, 1, 20000, HZ_A, PEAK, false, NULL});
		stage_run(s, 20);
		while (s->n)
			stage_remove(s, s->member[0]);
		stage_run(s, 50);
	}
	g_assert_cmpuint(descriptors(), ==, before);
	mixer_stats(s->m, &ms);
	g_assert_cmpuint(ms.legs, ==, 0);
	stage_free(s);
	g_assert_cmpuint(descriptors(), ==, start);
}

/* Far more commands between two turns than the ring holds: none is lost, and they stay in order. */
static void test_many_commands(void)
{
	struct duo d = duo_new(NULL, 0);

	for (int i = 0; i < 3000; i++) {
		d.a->desc.dir = i % 2 ? LEG_DIR_RECV : LEG_DIR_INACTIVE;
		member_set(d.a);
	}
	d.a->desc.dir = LEG_DIR_BOTH;
	member_set(d.a);
	stage_run(d.s, 1500);
	HEARD(d.a, HZ_B);
	HEARD(d.c, HZ_A);
	duo_end(&d);
}

/* --- an encoder that begins anew --- */

struct anew { const char *name, *codec; uint32_t clock; uint8_t pt; bool ssrc; double most; };

static const struct anew anew[] = {
	{"g722-ssrc", "G722", 8000, 9, true, 1.3}, {"g722-reinvite", "G722", 8000, 9, false, 1.3},
	{"pcma-ssrc", "PCMA", 8000, 8, true, 1.3}, {"opus-ssrc", "opus", 48000, 96, true, 1.3},
	{"opus-reinvite", "opus", 48000, 96, false, 1.5},
};

static double loudest(const struct member *mb, size_t n)
{
	g_autofree float *smp = peer_last(mb->peer, n, 0);
	double most = 0;

	for (size_t i = 0; i < n; i++)
		most = MAX(most, fabs((double)smp[i]));
	return most;
}

/* Of another phone behind the same SBC, or of the same after a re-INVITE that changed nothing: no bang, and it is heard. */
static void test_encoder_anew(gconstpointer data)
{
	const struct anew *an = data;
	struct duo d = duo_new(NULL, 0);
	struct peer_conf conf = {an->codec, an->clock, an->pt, 1, 20000, HZ_A, PEAK / 4, false, NULL};

	peer_codec(d.a->peer, &conf);
	peer_desc(d.a->peer, &d.a->desc);
	member_set(d.a);
	stage_run(d.s, 1000);
	peer_codec(d.a->peer, &conf);
	if (an->ssrc)
		d.a->peer->ssrc++;
	else
		member_set(d.a);
	stage_run(d.s, 1000);
	g_assert_cmpfloat(loudest(d.c, 8000), <, an->most * PEAK / 4);
	g_assert_cmpfloat(fabs(member_hears_db(d.c, HZ_A, PEAK / 4, 500)), <, 0.5);
	duo_end(&d);
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/net/latch/sdp", test_latch_sdp);
	g_test_add_func("/net/latch/stranger", test_stranger);
	g_test_add_func("/net/latch/stranger-first", test_stranger_first);
	g_test_add_func("/net/latch/nat", test_latch_nat);
	g_test_add_func("/net/latch/new-address", test_new_address);
	g_test_add_func("/net/latch/nowhere", test_nowhere);
	g_test_add_data_func("/net/srtp/sha1-80", GINT_TO_POINTER(LEG_SRTP_AES128_SHA1_80), test_srtp);
	g_test_add_data_func("/net/srtp/sha1-32", GINT_TO_POINTER(LEG_SRTP_AES128_SHA1_32), test_srtp);
	g_test_add_data_func("/net/srtp/gcm", GINT_TO_POINTER(LEG_SRTP_AEAD_AES128_GCM), test_srtp);
	g_test_add_func("/net/srtp/latch", test_srtp_latch);
	g_test_add_func("/net/srtp/flood", test_srtp_flood);
	g_test_add_func("/net/srtp/wrong-key", test_srtp_wrong_key);
	g_test_add_func("/net/garbage", test_garbage);
	g_test_add_func("/net/timeout", test_timeout);
	g_test_add_func("/net/rtcp/reports", test_rtcp);
	g_test_add_func("/net/rtcp/receiver", test_rtcp_receiver);
	g_test_add_func("/net/rtcp/bye", test_bye);
	g_test_add_func("/net/rtcp/mux-srtp", test_rtcp_mux_srtp);
	for (size_t i = 0; i < G_N_ELEMENTS(anew); i++) {
		g_autofree char *path = g_strconcat("/net/encoder-anew/", anew[i].name, NULL);

		g_test_add_data_func(path, &anew[i], test_encoder_anew);
	}
	g_test_add_func("/net/ipv6", test_ipv6);
	g_test_add_func("/net/ports", test_ports);
	g_test_add_func("/net/descriptors", test_descriptors);
	g_test_add_func("/net/many-commands", test_many_commands);
	return g_test_run();
}
