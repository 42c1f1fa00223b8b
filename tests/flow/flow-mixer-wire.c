/*
 * flow-mixer-wire.c - redundant audio both ways (RFC 2198), extended reports (RFC 3611), and what is counted of a leg.
 */
#include <glib.h>
#include <math.h>
#include <string.h>
#include <re.h>
#include "tests/lib/signal.h"
#include "tests/lib/sim.h"
#include "tests/lib/stage.h"

#define PEAK 0.25
#define HZ_A 441.7
#define HZ_B 703.3
#define HEARD(mb, hz)  g_assert_cmpfloat(fabs(member_hears_db(mb, hz, PEAK, 500)), <, 0.5)

enum { RED_PT = 99 };

struct kind { const char *codec; uint32_t clock; uint8_t pt; uint32_t ptime_us; };

static const struct kind kinds[] = {
	{"PCMU", 8000, 0, 20000}, {"G722", 8000, 9, 20000}, {"opus", 48000, 96, 20000}, {"PCMA", 8000, 8, 30000},
};

/* a talks, c listens (and may talk). */
struct duo { struct stage *s; struct bus *b; struct member *a, *c; };

static struct member *join(struct duo *d, const struct kind *k, double hz, uint8_t gen)
{
	struct peer_conf pc = {k->codec, k->clock, k->pt, 1, k->ptime_us, hz, hz > 0 ? PEAK : 0, false, NULL};
	struct member *mb = stage_member(d->s, &pc);

	if (gen) {
		peer_redundant(mb->peer, RED_PT, gen);
		peer_desc(mb->peer, &mb->desc);
		member_set(mb);
	}
	g_assert_cmpint(leg_set_bus(mb->leg, d->b), ==, 0);
	return mb;
}

static struct duo duo_new(const struct kind *k, double hz_a, double hz_c, uint8_t gen)
{
	struct bus_conf bc = {.quantum_smp = 0};
	struct duo d = {.s = stage_new(2000)};

	g_assert_cmpint(bus_alloc(&d.b, d.s->m, &bc), ==, 0);
	d.a = join(&d, k, hz_a, gen);
	d.c = join(&d, k, hz_c, gen);
	return d;
}

static void duo_end(struct duo *d)
{
	mem_deref(d->b);
	stage_free(d->s);
}

/* --- redundancy in --- */

struct loss { unsigned pct, every, run; };

/* Frames concealed in 30 s, after two of getting used to it. */
static uint64_t concealed(const struct kind *k, uint8_t gen, const struct loss *loss, struct leg_stats *st)
{
	struct duo d = duo_new(k, HZ_A, 0, gen);
	uint64_t before;

	d.a->peer->drop_pct = loss->pct;
	d.a->peer->drop_every = loss->every;
	d.a->peer->drop_run = loss->run;
	d.a->peer->net_seed = 5;
	stage_run(d.s, 2000);
	before = member_stats(d.a).concealed;
	for (int i = 0; i < 6; i++) {
		stage_run(d.s, 5000);
		stage_forget(d.s);
	}
	*st = member_stats(d.a);
	g_test_message("%s, %u older frames in each: lost %u of %u, %" G_GUINT64_FORMAT " recovered, %" G_GUINT64_FORMAT
		       " concealed, %u ms held", k->codec, gen, d.a->peer->n_dropped, d.a->peer->n_sent, st->recovered,
		       st->concealed - before, st->buffer_ms);
	duo_end(&d);
	return st->concealed - before;
}

/* One in ten is lost at random: with two older frames in each packet hardly any has to be made up. */
static void test_random_loss(const void *arg)
{
	static const struct loss loss = {.pct = 10};
	struct leg_stats st;
	uint64_t without = concealed(arg, 0, &loss, &st), one = concealed(arg, 1, &loss, &st), two;

	two = concealed(arg, 2, &loss, &st);
	g_assert_cmpuint(without, >, 60);
	g_assert_cmpuint(one * 5, <, without);
	g_assert_cmpuint(two * 10, <=, without);
	g_assert_cmpuint(st.recovered, >, 60);
}

/* Two in a row every half second: two older frames bring both back, one brings one of them. */
static void test_burst(void)
{
	static const struct loss loss = {.every = 25, .run = 2};
	struct leg_stats st;
	uint64_t without = concealed(&kinds[0], 0, &loss, &st), one = concealed(&kinds[0], 1, &loss, &st), two;

	two = concealed(&kinds[0], 2, &loss, &st);
	g_assert_cmpuint(without, >=, 110);
	g_assert_cmpuint(one, >=, 50);
	g_assert_cmpuint(one, <=, 65);
	g_assert_cmpuint(two, <=, 2);
	g_assert_cmpuint(st.rx_lost, <=, 6);
}

/* Without loss it costs no delay, and is heard as if it were plain; from packets of both kinds by turns, too. */
static void test_no_loss(void)
{
	struct duo d = duo_new(&kinds[0], HZ_A, 0, 2), e = duo_new(&kinds[0], HZ_A, 0, 0);
	uint64_t discarded;

	stage_run(d.s, 3000);
	stage_run(e.s, 3000);
	HEARD(d.c, HZ_A);
	g_assert_cmpuint(member_stats(d.a).recovered, ==, 0);
	g_assert_cmpuint(member_stats(d.a).concealed, ==, 0);
	g_assert_cmpuint(member_stats(d.a).buffer_ms, ==, member_stats(e.a).buffer_ms);
	discarded = member_stats(d.a).discarded;
	for (int i = 0; i < 100; i++) {
		d.a->peer->red_plain = !d.a->peer->red_plain;
		stage_run(d.s, 20);
	}
	HEARD(d.c, HZ_A);
	g_assert_cmpuint(member_stats(d.a).concealed, ==, 0);
	g_assert_cmpuint(member_stats(d.a).discarded, ==, discarded);
	duo_end(&d);
	duo_end(&e);
}

/* The delay goes back when there is no more loss. */
static void test_delay_goes_back(void)
{
	struct duo d = duo_new(&kinds[0], HZ_A, 0, 2);
	uint32_t lossy = 0;

	d.a->peer->drop_pct = 10;
	for (int i = 0; i < 16; i++) {
		stage_run(d.s, 500);
		lossy = MAX(lossy, member_stats(d.a).heard.end_ms);
	}
	d.a->peer->drop_pct = 0;
	stage_forget(d.s);
	stage_run(d.s, 10000);
	stage_forget(d.s);
	d.a->peer->mute = true;           /* as speech pauses: what is left of it is less than a tick */
	stage_run(d.s, 1000);
	d.a->peer->mute = false;
	stage_run(d.s, 9000);
	g_test_message("%u ms with loss, %u after", lossy, member_stats(d.a).heard.end_ms);
	g_assert_cmpuint(lossy, >=, member_stats(d.a).heard.end_ms + 10);       /* a good part of a packet */
	g_assert_cmpuint(member_stats(d.a).heard.end_ms, <=, 45);
	duo_end(&d);
}

static void raw_red(struct duo *d, const uint8_t *buf, size_t len)
{
	struct peer *p = d->a->peer;

	peer_send_raw_rtp(p, RED_PT, p->ts, buf, len);
	p->ts += 160;
	stage_run(d->s, 20);
}

/* What is inside must be what was agreed on. */
static void test_refused(void)
{
	static const uint8_t nested[] = {0x80 | 0, 160 >> 6, (160 & 63) << 2, 1, RED_PT, 0x55, 0, 0x55, 0x55};
	static const uint8_t unknown[] = {77, 0x55, 0x55, 0x55};
	static const uint8_t other_clock[] = {96, 0x08, 0x55, 0x55};
	static const uint8_t broken[] = {0x80 | 0, 0, 0};
	static const struct { const char *name; const uint8_t *buf; size_t len; bool bad; } rows[] = {
		{"redundancy in redundancy", nested, sizeof(nested), false},
		{"a number nobody agreed on", unknown, sizeof(unknown), false},
		{"a codec of another clock", other_clock, sizeof(other_clock), false},
		{"no block at all", broken, sizeof(broken), true},
	};
	struct duo d = duo_new(&kinds[0], HZ_A, 0, 2);
	struct leg_codec opus = {.codec = codec_find("opus", 48000), .pt = 96, .param = {.channels = 1, .ptime_us = 20000}};

	d.a->desc.rx[d.a->desc.n_rx++] = opus;
	member_set(d.a);
	stage_run(d.s, 500);
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct leg_stats before = member_stats(d.a), after;

		g_test_message("%s", rows[i].name);
		raw_red(&d, rows[i].buf, rows[i].len);
		after = member_stats(d.a);
		g_assert_cmpuint(after.discarded - before.discarded, ==, !rows[i].bad);
		g_assert_cmpuint(after.rx_bad - before.rx_bad, ==, rows[i].bad);
		g_assert_cmpstr(after.rx_codec, ==, "PCMU");
	}
	stage_forget(d.s);
	stage_run(d.s, 1500);
	HEARD(d.c, HZ_A);
	duo_end(&d);
}

/* A key inside: the packets that said it first are lost. */
static void test_key(void)
{
	static const uint8_t end[4] = {5, 0x8a, 3, 0xc0};
	struct duo d = duo_new(&kinds[0], HZ_A, 0, 1);
	struct peer *p = d.a->peer;
	uint8_t buf[64];
	int n;

	stage_run(d.s, 300);
	n = red_write_rt(&p->red, buf, sizeof(buf), p->key_pt, p->ts, end, sizeof(end));
	g_assert_cmpint(n, >, 0);
	p->seq++;                 /* lost */
	p->ts += 160;
	stage_run(d.s, 40);
	g_assert_cmpstr(d.a->keys, ==, "5");
	duo_end(&d);
}

/* --- redundancy out --- */

/* The peer's report about us. */
static void report(struct member *mb, uint8_t fraction)
{
	struct rtcp_block b = {.ssrc = leg_ssrc(mb->leg), .fraction = fraction};
	struct rtcp_report rep = {.ssrc = mb->peer->ssrc, .blocks = &b, .n_blocks = 1, .cname = "peer@test"};
	uint8_t buf[256];
	int n = rtcp_write(buf, sizeof(buf), &rep);

	g_assert_cmpint(n, >, 0);
	peer_raw(mb->peer, mb->peer->fd_rtcp, buf, (size_t)n);
}

static unsigned red_in(struct duo *d, const struct member *mb, uint32_t ms)
{
	unsigned before = mb->peer->n_red;

	stage_run(d->s, ms);
	return mb->peer->n_red - before;
}

static void test_send(const void *arg)
{
	const struct kind *k = arg;
	struct duo d = duo_new(k, HZ_A, 0, 2);
	const unsigned a_second = 1000000 / k->ptime_us;

	g_assert_cmpuint(red_in(&d, d.c, 1000), ==, 0);
	report(d.c, 2);                                   /* under 1 %: not worth it */
	g_assert_cmpuint(red_in(&d, d.c, 1000), ==, 0);
	report(d.c, 13);                                  /* 5 % */
	g_assert_cmpuint(red_in(&d, d.c, 1000), >=, a_second - 2);
	g_assert_cmpuint(d.c->peer->n_red_old, >=, 2 * (a_second - 2));   /* the first has older frames already */
	g_assert_cmpuint(d.a->peer->n_red, ==, 0);                        /* who lost nothing gets plain packets */
	report(d.c, 1);
	stage_run(d.s, 5000);
	for (int i = 0; i < 2; i++) {
		report(d.c, 0);
		g_assert_cmpuint(red_in(&d, d.c, 5000), >=, 5 * a_second - 2);
	}
	report(d.c, 0);
	stage_run(d.s, 100);
	g_assert_cmpuint(red_in(&d, d.c, 1000), ==, 0);
	g_assert_cmpuint(d.c->peer->n_red_wrong, ==, 0);
	g_assert_cmpuint(d.c->peer->n_bad, ==, 0);
	g_assert_cmpuint(d.c->peer->n_seq_gaps + d.c->peer->n_ts_gaps, ==, 0);
	g_assert_cmpuint(member_stats(d.c).tx_redundant, ==, d.c->peer->n_red);
	HEARD(d.c, HZ_A);
	duo_end(&d);
}

/* Nothing older than a pause is sent after it. */
static void test_send_pause(void)
{
	struct duo d = duo_new(&kinds[0], HZ_A, 0, 2);
	unsigned old;

	report(d.c, 50);
	stage_run(d.s, 1000);
	old = d.c->peer->n_red_old;
	g_assert_cmpuint(old, >, 0);
	d.c->desc.dir = LEG_DIR_RECV;
	member_set(d.c);
	stage_run(d.s, 500);
	d.c->desc.dir = LEG_DIR_BOTH;
	member_set(d.c);
	stage_run(d.s, 60);
	stage_forget(d.s);
	stage_run(d.s, 1000);
	g_assert_cmpuint(d.c->peer->n_red_wrong, ==, 0);
	HEARD(d.c, HZ_A);
	duo_end(&d);
}

static uint64_t encodes_in(struct duo *d, uint32_t ms)
{
	struct mixer_stats before, after;

	mixer_stats(d->s->m, &before);
	stage_run(d->s, ms);
	mixer_stats(d->s->m, &after);
	return after.encodes - before.encodes;
}

/* Five who may get redundancy, some of whom do, in one group; one under another number; two who may not: with the talker
 * four encodes. Then the one that leads goes, and one talks: what was sent before is known to whoever takes over. */
static void test_share(const void *arg)
{
	const struct kind *k = arg, other = {k->codec, k->clock, (uint8_t)(k->pt + 100), k->ptime_us};
	struct duo d = duo_new(k, HZ_A, 0, 2);
	const uint64_t a_second = 1000000 / k->ptime_us;
	struct member *mb[8];
	uint64_t n;

	for (unsigned i = 0; i < 8; i++)
		mb[i] = join(&d, i == 4 ? &other : k, 0, i < 5 ? 2 : 0);
	stage_run(d.s, 4500);
	report(mb[1], 50);
	report(mb[3], 50);
	report(mb[4], 50);
	stage_run(d.s, 100);
	n = encodes_in(&d, 2000);
	g_test_message("%s: %" G_GUINT64_FORMAT " encodes in 2 s", k->codec, n);
	g_assert_cmpuint(n, >=, 4 * (2 * a_second - 2));
	g_assert_cmpuint(n, <=, 4 * (2 * a_second + 2));
	stage_remove(d.s, d.c);
	stage_remove(d.s, mb[0]);
	stage_run(d.s, 500);
	mb[1]->peer->conf.hz = HZ_B;
	mb[1]->peer->conf.peak = PEAK;
	report(mb[2], 50);
	stage_run(d.s, 2000);
	for (unsigned i = 1; i < 8; i++) {
		g_assert_cmpuint(mb[i]->peer->n_red > 90000 / (k->ptime_us / 1000 * 50), ==, i <= 4);
		g_assert_cmpuint(mb[i]->peer->n_red_wrong, ==, 0);
		g_assert_cmpuint(mb[i]->peer->n_bad + mb[i]->peer->n_seq_gaps + mb[i]->peer->n_ts_gaps, ==, 0);
		HEARD(mb[i], HZ_A);
	}
	HEARD(mb[2], HZ_B);
	HEARD(mb[7], HZ_B);
	duo_end(&d);
}

/* --- extended reports --- */

static void send_xr(struct member *mb, const struct xr_info *info)
{
	struct rtcp_report rep = {.ssrc = mb->peer->ssrc, .cname = "peer@test"};
	uint8_t buf[512];
	int n = rtcp_write(buf, sizeof(buf), &rep), m = xr_write(buf + n, sizeof(buf) - (size_t)n, info);

	g_assert_cmpint(m, >, 0);
	peer_raw(mb->peer, mb->peer->fd_rtcp, buf, (size_t)n + (size_t)m);
}

static void run_until_xr(struct duo *d, struct member *mb)
{
	const unsigned before = mb->peer->n_xr;

	for (unsigned ms = 0; mb->peer->n_xr == before; ms += 2) {
		g_assert_cmpuint(ms, <, 10000);
		stage_run(d->s, 2);
	}
}

/* One packet in twenty is lost: in the report of who asked for it, and in our own figures of both. */
static void test_voice_metrics(void)
{
	struct duo d = duo_new(&kinds[0], HZ_A, HZ_B, 0);
	const struct xr_voip *v = &d.a->peer->xr.v;
	struct leg_quality q;

	d.a->desc.xr_voip = true;
	member_set(d.a);
	stage_run(d.s, 1000);
	d.a->peer->drop_every = 20;
	stage_run(d.s, 10000);
	stage_forget(d.s);
	stage_run(d.s, 10000);
	run_until_xr(&d, d.a);
	q = member_stats(d.a).heard;
	g_test_message("loss %u/256 discard %u/256 burst %u ms gap %u ms R %u MOS %u.%u end %u ms level %d dBm0", v->loss, v->discard,
		       v->burst_ms, v->gap_ms, v->r, v->mos_lq / 10, v->mos_lq % 10, v->end_ms, v->signal_dbm);
	g_assert_true(d.a->peer->xr.voip && !d.a->peer->xr.rrtr && v->ssrc == d.a->peer->ssrc);
	g_assert_cmpint(abs(v->loss - 256 / 20), <=, 1);
	g_assert_cmpuint(v->discard, <=, 1);
	g_assert_cmpint(abs(v->gap_density - 256 / 20), <=, 1);            /* alone each: no burst */
	g_assert_cmpuint(v->burst_density, ==, 0);
	g_assert_cmpuint(v->gap_ms, >, 15000);
	g_assert_cmpint(abs(v->mos_lq - 40), <=, 2);
	g_assert_cmpuint(v->mos_cq, ==, XR_UNKNOWN);                      /* nobody told a round trip yet */
	g_assert_cmpint(abs(v->signal_dbm - (6 - 15)), <=, 1);            /* a sine of 0.25 is -15 dBov */
	g_assert_true(q.known);
	g_assert_cmpint(abs(q.loss - v->loss), <=, 1);                    /* a frame may have come since the report */
	g_assert_cmpint(abs(q.mos_lq - v->mos_lq), <=, 1);
	g_assert_cmpuint(d.c->peer->n_xr, ==, 0);                         /* who did not ask gets none, */
	g_assert_true(member_stats(d.c).heard.known && !member_stats(d.c).heard.loss);  /* and is measured too */
	g_assert_cmpuint(member_stats(d.c).heard.mos_lq, >=, 43);
	duo_end(&d);
}

/* Seven in a row of a hundred are bursts, and what redundancy brings back is not lost. */
static void test_metrics_bursts(void)
{
	struct duo d = duo_new(&kinds[0], HZ_A, HZ_B, 1);
	struct leg_quality q;

	d.a->peer->drop_every = 100;
	d.a->peer->drop_run = 8;
	d.c->peer->drop_every = 20;
	for (int i = 0; i < 4; i++) {
		stage_run(d.s, 10000);
		stage_forget(d.s);
	}
	q = member_stats(d.a).heard;
	g_test_message("loss %u/256 discard %u, bursts %u ms %u/256, gaps %u ms %u/256", q.loss, q.discard, q.burst_ms, q.burst_density,
		       q.gap_ms, q.gap_density);
	g_assert_cmpint(abs(q.loss + q.discard - 256 * 7 / 100), <=, 1);
	g_assert_cmpint(abs(q.burst_ms - 140), <=, 20);
	g_assert_cmpuint(q.burst_density, >=, 250);
	g_assert_cmpint(abs(q.gap_ms - 1860), <=, 150);
	g_assert_cmpuint(member_stats(d.c).heard.loss, ==, 0);
	duo_end(&d);
}

/* A peer that sends no sound asks for the time; one to whom we only listen is asked. */
static void test_round_trip(void)
{
	struct duo d = duo_new(&kinds[0], HZ_A, HZ_B, 0);
	struct xr_info ask = {.ssrc = d.c->peer->ssrc, .rrtr = true, .ntp = 0x1122334455667788}, answer = {.ssrc = d.a->peer->ssrc};
	const struct xr_info *got = &d.c->peer->xr;

	stage_run(d.s, 1000);
	send_xr(d.c, &ask);
	stage_run(d.s, 2);
	run_until_xr(&d, d.c);
	g_assert_cmpuint(got->n_dlrr, ==, 1);
	g_assert_cmphex(got->dlrr[0].ssrc, ==, d.c->peer->ssrc);
	g_assert_cmphex(got->dlrr[0].lrr, ==, 0x33445566);
	g_assert_cmpuint(got->dlrr[0].dlrr, >, 0);
	g_assert_cmpuint(got->dlrr[0].dlrr, <, 10 * 65536);
	g_assert_true(!got->rrtr && !got->voip);

	d.a->desc.dir = LEG_DIR_RECV;
	d.a->desc.xr_rtt = true;
	member_set(d.a);
	stage_run(d.s, 15000);
	run_until_xr(&d, d.a);
	g_assert_true(d.a->peer->xr.rrtr);
	answer.n_dlrr = 1;
	answer.dlrr[0] = (struct xr_dlrr){leg_ssrc(d.a->leg), (uint32_t)(d.a->peer->xr.ntp >> 16), 65536 / 20};
	stage_run(d.s, 150);              /* 50 ms were held */
	send_xr(d.a, &answer);
	stage_run(d.s, 20);
	g_test_message("round trip %u us", member_stats(d.a).rtt_us);
	g_assert_cmpint(abs((int)member_stats(d.a).rtt_us - 100000), <, 15000);
	stage_run(d.s, 2000);
	g_assert_cmpint(member_stats(d.a).heard.mos_cq, <, XR_UNKNOWN);          /* now conversation can be judged, too */
	g_assert_cmpint(member_stats(d.a).heard.r, >, 80);
	duo_end(&d);
}

static void test_peers_metrics(void)
{
	struct duo d = duo_new(&kinds[0], HZ_A, HZ_B, 0);
	struct xr_info info = {.ssrc = d.a->peer->ssrc, .voip = true, .v = {.ssrc = 1, .r = 71, .mos_lq = 36, .mos_cq = 35, .loss = 9}};
	struct leg_quality q;

	stage_run(d.s, 500);
	send_xr(d.a, &info);
	stage_run(d.s, 20);
	g_assert_false(member_stats(d.a).peer.known);                            /* that was about somebody else */
	info.v.ssrc = leg_ssrc(d.a->leg);
	send_xr(d.a, &info);
	stage_run(d.s, 20);
	q = member_stats(d.a).peer;
	g_assert_true(q.known && q.r == 71 && q.mos_lq == 36 && q.mos_cq == 35 && q.loss == 9);
	duo_end(&d);
}

/* --- reports and counters --- */

/* Of a source that fell silent a report says nothing; when it is back, it does. The first comes within three seconds. */
static void test_silent_source(void)
{
	struct duo d = duo_new(&kinds[0], HZ_A, HZ_B, 0);
	struct peer *p = d.a->peer;

	stage_run(d.s, 3200);
	g_assert_cmpuint(p->n_rtcp, >=, 1);
	g_assert_cmpuint(p->rtcp.n_blocks, ==, 1);
	p->mute = true;
	stage_run(d.s, 16000);
	g_assert_cmpuint(p->rtcp.n_blocks, ==, 0);
	p->mute = false;
	stage_forget(d.s);
	stage_run(d.s, 10000);
	g_assert_cmpuint(p->rtcp.n_blocks, ==, 1);
	duo_end(&d);
}

/* Intervals of 5 s, from half to one and a half, less the 22 % of 6.3.1; two members do not keep step. */
static void test_schedule(void)
{
	struct duo d = duo_new(&kinds[0], HZ_A, HZ_B, 0);
	unsigned n = 0, together = 0, a = 0, c = 0;
	uint64_t last_us = d.s->now_us, begun_us = d.s->now_us;

	for (int s = 0; s < 120; s++) {
		if (s % 10 == 9)
			stage_forget(d.s);
		for (int i = 0; i < 100; i++) {
			stage_run(d.s, 10);
			together += d.a->peer->n_rtcp != a && d.c->peer->n_rtcp != c;
			c = d.c->peer->n_rtcp;
			if (d.a->peer->n_rtcp == a)
				continue;
			a = d.a->peer->n_rtcp;
			if (n++)
				g_assert_cmpuint(d.s->now_us - last_us, >=, 2050000 - 20000);
			g_assert_cmpuint(d.s->now_us - last_us, <=, 6160000 + 20000);
			last_us = d.s->now_us;
		}
	}
	g_test_message("%u reports in %u s, %u with the other's", n, (unsigned)((d.s->now_us - begun_us) / 1000000), together);
	g_assert_cmpuint(n, >=, 120 / 5);
	g_assert_cmpuint(n, <=, 120 / 3);
	g_assert_cmpuint(together, <, 4);
	duo_end(&d);
}

/* --- what a leg costs --- */

/* Each piece of work is a millisecond between two looks at the clock. One tick of 17 is looked at, and counts for all of them;
 * in it the clock is read four to eight times a leg. */
static void test_cpu(void)
{
	struct duo d = duo_new(&kinds[2], HZ_A, HZ_B, 0);
	const uint64_t seen = 9000 / 20 * 2 / 17;                 /* of 450 ticks of two legs */
	uint64_t before[2], sum[2], looks;

	stage_run(d.s, 1000);
	before[0] = member_stats(d.a).cpu_us;
	before[1] = member_stats(d.c).cpu_us;
	sim_tick(1000);
	stage_run(d.s, 9000);
	looks = sim_tick(0);
	sum[0] = member_stats(d.a).cpu_us - before[0];
	sum[1] = member_stats(d.c).cpu_us - before[1];
	g_test_message("%" G_GUINT64_FORMAT " and %" G_GUINT64_FORMAT " us at %" G_GUINT64_FORMAT " looks", sum[0], sum[1],
		       looks);
	g_assert_cmpuint(sum[0] + sum[1], ==, 17 * 1000 * looks / 2);
	g_assert_cmpuint(looks, >=, 4 * (seen - 2));
	g_assert_cmpuint(looks, <=, 8 * (seen + 2));
	g_assert_cmpuint(sum[0], <, 2 * sum[1]);
	g_assert_cmpuint(sum[1], <, 2 * sum[0]);
	duo_end(&d);
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_autofree char *in = g_strdup_printf("/wire/red/random-loss/%s", kinds[i].codec);
		g_autofree char *out = g_strdup_printf("/wire/red/send/%s", kinds[i].codec);
		g_autofree char *share = g_strdup_printf("/wire/red/share/%s", kinds[i].codec);

		g_test_add_data_func(in, &kinds[i], test_random_loss);
		g_test_add_data_func(out, &kinds[i], test_send);
		if (kinds[i].pt < 20)
			g_test_add_data_func(share, &kinds[i], test_share);
	}
	g_test_add_func("/wire/red/burst", test_burst);
	g_test_add_func("/wire/red/no-loss", test_no_loss);
	g_test_add_func("/wire/red/delay-goes-back", test_delay_goes_back);
	g_test_add_func("/wire/red/refused", test_refused);
	g_test_add_func("/wire/red/key", test_key);
	g_test_add_func("/wire/red/send-pause", test_send_pause);
	g_test_add_func("/wire/xr/voice-metrics", test_voice_metrics);
	g_test_add_func("/wire/xr/bursts", test_metrics_bursts);
	g_test_add_func("/wire/xr/round-trip", test_round_trip);
	g_test_add_func("/wire/xr/peers-metrics", test_peers_metrics);
	g_test_add_func("/wire/rtcp/silent-source", test_silent_source);
	g_test_add_func("/wire/rtcp/schedule", test_schedule);
	g_test_add_func("/wire/cpu", test_cpu);
	return g_test_run();
}
