/*
 * flow-mixer.c - members of a room, who hears whom, and how loud: the whole way from socket to socket.
 *
 *     peer a ))) RTP > leg > bus > leg > RTP ))) peer b
 */
#include <glib.h>
#include <malloc.h>
#include <math.h>
#include <string.h>
#include <re.h>
#include "mixer/engine.h"
#include "tests/lib/signal.h"
#include "tests/lib/stage.h"

#define PEAK 0.25
#define HEARD(mb, hz)  g_assert_cmpfloat(fabs(member_hears_db(mb, hz, PEAK, 500)), <, 0.5)
#define SILENT(mb, hz) g_assert_cmpfloat(member_hears_db(mb, hz, PEAK, 600), <, -60)

/* No small ratios: the distortion of G.711 then spreads instead of standing on another's tone. */
#define HZ_A 441.7
#define HZ_B 703.3
#define HZ_C 1109.1

static const struct peer_conf pcmu = {"PCMU", 8000, 0, 1, 20000, HZ_A, PEAK, false, NULL};
static const struct peer_conf pcma = {"PCMA", 8000, 8, 1, 20000, HZ_B, PEAK, false, NULL};

static struct peer_conf with_hz(const char *codec, uint32_t clock, uint8_t pt, uint8_t ch, uint32_t ptime_us, double hz)
{
	return (struct peer_conf){codec, clock, pt, ch, ptime_us, hz, PEAK, false, NULL};
}

static struct bus *make_bus(struct stage *s, uint32_t quantum, bool music)
{
	struct bus_conf conf = {.quantum_smp = quantum, .music = music};
	struct bus *b = NULL;

	g_assert_cmpint(bus_alloc(&b, s->m, &conf), ==, 0);
	return b;
}

static struct member *join(struct stage *s, struct bus *b, const struct peer_conf *conf)
{
	struct member *mb = stage_member(s, conf);

	g_assert_cmpint(leg_set_bus(mb->leg, b), ==, 0);
	return mb;
}

static void end(struct stage *s, struct bus *b)
{
	while (s->n)
		stage_remove(s, s->member[0]);
	mem_deref(b);
	stage_free(s);
}

/* --- three in a room, each codec, each quantum, each ptime --- */

struct trio { const char *name; uint32_t quantum; struct peer_conf conf[3]; };

static const struct trio trios[] = {
	{"g711", 480, {{"PCMU", 8000, 0, 1, 20000, HZ_A, PEAK, 0, 0}, {"PCMA", 8000, 8, 1, 20000, HZ_B, PEAK, 0, 0},
		       {"PCMU", 8000, 0, 1, 20000, HZ_C, PEAK, 0, 0}}},
	{"mixed", 480, {{"PCMU", 8000, 0, 1, 20000, HZ_A, PEAK, 0, 0}, {"opus", 48000, 96, 1, 20000, HZ_B, PEAK, 0, 0},
			{"G722", 8000, 9, 1, 20000, HZ_C, PEAK, 0, 0}}},
	{"l16", 240, {{"L16", 44100, 97, 1, 10000, HZ_A, PEAK, 0, 0}, {"L16", 48000, 98, 1, 10000, HZ_B, PEAK, 0, 0},
		      {"L16", 16000, 99, 1, 20000, HZ_C, PEAK, 0, 0}}},
	{"stereo", 120, {{"opus", 48000, 96, 2, 20000, HZ_A, PEAK, 0, 0}, {"L16", 48000, 98, 2, 5000, HZ_B, PEAK, 0, 0},
			 {"L16", 44100, 97, 2, 10000, HZ_C, PEAK, 0, 0}}},
	{"ptimes", 64, {{"PCMU", 8000, 0, 1, 30000, HZ_A, PEAK, 0, 0}, {"PCMA", 8000, 8, 1, 60000, HZ_B, PEAK, 0, 0},
			{"opus", 48000, 96, 1, 2500, HZ_C, PEAK, 0, 0}}},
	{"ptime-10", 120, {{"PCMU", 8000, 0, 1, 10000, HZ_A, PEAK, 0, 0}, {"L16", 48000, 98, 1, 2500, HZ_B, PEAK, 0, 0},
			   {"opus", 48000, 96, 1, 60000, HZ_C, PEAK, 0, 0}}},
};

static void check_steady(struct member *mb, unsigned me)
{
	static const double hz[] = {HZ_A, HZ_B, HZ_C};
	struct peer *p = mb->peer;

	g_test_message("%s: %u packets, %.2f %.2f %.2f dB", p->conf.codec, p->n_packets, member_hears_db(mb, hz[0], PEAK, 500),
		       member_hears_db(mb, hz[1], PEAK, 500), member_hears_db(mb, hz[2], PEAK, 500));
	for (unsigned k = 0; k < 3; k++) {
		if (k == me)
			g_assert_cmpfloat(member_hears_db(mb, hz[k], PEAK, 1000), <, -60);
		else
			HEARD(mb, hz[k]);
	}
	g_assert_cmpuint(p->n_seq_gaps, ==, 0);
	g_assert_cmpuint(p->n_ts_gaps, ==, 0);
	g_assert_cmpuint(p->n_bad, ==, 0);
	g_assert_cmpuint(p->n_markers, ==, 1);
	g_assert_cmpfloat(fabs(p->n_packets - 2e6 / p->conf.ptime_us), <=, 2 + 20000.0 / p->conf.ptime_us);
}

static void test_trio(const void *arg)
{
	const struct trio *t = arg;
	struct stage *s = stage_new(1000);
	struct bus *b = make_bus(s, t->quantum, false);
	struct member *mb[3];
	struct leg_stats st;

	for (unsigned i = 0; i < 3; i++)
		mb[i] = join(s, b, &t->conf[i]);
	stage_run(s, 2000);
	for (unsigned i = 0; i < 3; i++) {
		check_steady(mb[i], i);
		leg_stats(mb[i]->leg, &st);
		g_assert_cmpstr(st.rx_codec, ==, t->conf[i].codec);
		g_assert_cmpuint(st.concealed, ==, 0);
		g_assert_cmpuint(st.rx_lost, ==, 0);
		g_assert_true(st.latched);
	}
	end(s, b);
}

/* --- verbs, without a click --- */

/* The sharpest bend in the last ms of what mb hears, in units of the sharpest that a tone at hz has. A gain that moves
 * in 2.5 ms bends by less than 3, a step of a tenth of the tone by more than 10. */
static double bend(struct member *mb, double hz, uint32_t ms)
{
	size_t n = (size_t)ms * mb->peer->codec->srate / 1000;
	g_autofree float *smp = peer_last(mb->peer, n, 0);
	double w = 2 * G_PI * hz / mb->peer->codec->srate, max = 0;

	size_t at = 0;

	for (size_t i = 1; i + 1 < n; i++) {
		double d = fabs(smp[i - 1] - 2.0 * smp[i] + smp[i + 1]);

		if (d > max) {
			max = d;
			at = i;
		}
	}
	g_test_message("sharpest bend %.1f at %.1f ms of %u", max / (PEAK * w * w), at * 1000.0 / mb->peer->codec->srate, ms);
	return max / (PEAK * w * w);
}

#define SMOOTH(mb, hz, ms) g_assert_cmpfloat(bend(mb, hz, ms), <, 4)

struct duo { struct stage *s; struct bus *b; struct member *a, *c; };

static struct duo duo_new(uint32_t quantum)
{
	static const struct peer_conf l16 = {"L16", 48000, 98, 1, 10000, HZ_A, PEAK, false, NULL};
	struct peer_conf other = with_hz("L16", 48000, 98, 1, 10000, HZ_B);
	struct duo d = {.s = stage_new(1000)};

	d.b = make_bus(d.s, quantum, false);
	d.a = join(d.s, d.b, &l16);
	d.c = join(d.s, d.b, &other);
	stage_run(d.s, 1500);
	HEARD(d.a, HZ_B);
	HEARD(d.c, HZ_A);
	return d;
}

static void test_mute(void)
{
	struct duo d = duo_new(120);

	leg_set_mute(d.c->leg, true);
	stage_run(d.s, 700);
	SILENT(d.a, HZ_B);
	HEARD(d.c, HZ_A);
	SMOOTH(d.a, HZ_B, 700);
	leg_set_mute(d.c->leg, false);
	stage_run(d.s, 700);
	HEARD(d.a, HZ_B);
	SMOOTH(d.a, HZ_B, 700);
	end(d.s, d.b);
}

static void test_deaf(void)
{
	struct duo d = duo_new(240);

	leg_set_deaf(d.a->leg, true);
	stage_run(d.s, 700);
	SILENT(d.a, HZ_B);
	HEARD(d.c, HZ_A);
	g_assert_cmpuint(d.a->peer->n_ts_gaps, ==, 0);    /* silence is sent, not nothing */
	leg_set_deaf(d.a->leg, false);
	stage_run(d.s, 700);
	HEARD(d.a, HZ_B);
	SMOOTH(d.a, HZ_B, 1400);
	end(d.s, d.b);
}

static void test_gain(void)
{
	struct duo d = duo_new(480);

	leg_set_gain(d.c->leg, 0.5f);
	stage_run(d.s, 700);
	g_assert_cmpfloat(fabs(member_hears_db(d.a, HZ_B, PEAK, 500) + 6.02), <, 0.3);
	leg_set_gain(d.c->leg, 2);
	stage_run(d.s, 700);
	g_assert_cmpfloat(fabs(member_hears_db(d.a, HZ_B, PEAK, 500) - 6.02), <, 0.3);
	SMOOTH(d.a, HZ_B, 1400);
	leg_set_gain(d.c->leg, NAN);
	leg_set_gain(d.c->leg, -1);
	stage_run(d.s, 700);
	SILENT(d.a, HZ_B);
	end(d.s, d.b);
}

static void test_join_leave(void)
{
	struct peer_conf third = with_hz("L16", 48000, 98, 1, 10000, HZ_C);
	struct duo d = duo_new(120);
	struct member *c;

	c = join(d.s, d.b, &third);
	stage_run(d.s, 700);
	HEARD(d.a, HZ_C);
	HEARD(c, HZ_A);
	HEARD(c, HZ_B);
	SMOOTH(d.a, HZ_C, 700);
	stage_remove(d.s, c);
	stage_run(d.s, 700);
	SILENT(d.a, HZ_C);
	HEARD(d.a, HZ_B);
	SMOOTH(d.a, HZ_C, 700);
	end(d.s, d.b);
}

static void test_move(void)
{
	struct duo d = duo_new(120);
	struct bus *other = make_bus(d.s, 480, false);
	struct peer_conf third = with_hz("L16", 48000, 98, 1, 10000, HZ_C);
	struct member *c = join(d.s, other, &third);

	stage_run(d.s, 700);
	SILENT(d.a, HZ_C);
	stage_forget(d.s);
	g_assert_cmpint(leg_set_bus(d.a->leg, other), ==, 0);
	stage_run(d.s, 800);
	HEARD(d.a, HZ_C);
	SILENT(d.a, HZ_B);
	HEARD(c, HZ_A);
	SILENT(d.c, HZ_A);
	SMOOTH(d.c, HZ_A, 700);
	SMOOTH(d.a, HZ_C, 700);
	g_assert_cmpuint(d.a->peer->n_ts_gaps, ==, 0);    /* from quantum 120 to 480 and no sample of time lost */
	g_assert_cmpint(leg_set_bus(d.a->leg, NULL), ==, 0);
	stage_run(d.s, 700);
	SILENT(d.a, HZ_C);
	g_assert_cmpuint(d.a->peer->n_ts_gaps, ==, 0);
	g_assert_cmpint(leg_set_bus(d.a->leg, d.b), ==, 0);
	stage_run(d.s, 700);
	HEARD(d.a, HZ_B);
	mem_deref(other);                                  /* c is still in it: put out first */
	stage_run(d.s, 100);
	SILENT(c, HZ_B);
	end(d.s, d.b);
}

static void test_echo(void)
{
	struct stage *s = stage_new(1000);
	struct member *a = stage_member(s, &pcmu);

	leg_set_echo(a->leg, true);
	stage_run(s, 1500);
	HEARD(a, HZ_A);
	leg_set_echo(a->leg, false);
	stage_run(s, 700);
	SILENT(a, HZ_A);
	stage_free(s);
}

static void test_alone(void)
{
	static float loop[48000];
	struct bus_conf conf = {.quantum_smp = 240, .alone = loop, .n_alone = 48000};
	struct stage *s = stage_new(1000);
	struct bus *b = NULL;
	struct member *a, *c;

	signal_sine(loop, 48000, 0, 48000, 300, PEAK);
	g_assert_cmpint(bus_alloc(&b, s->m, &conf), ==, 0);
	a = join(s, b, &(struct peer_conf){"L16", 48000, 98, 1, 10000, HZ_A, PEAK, 0, NULL});
	stage_run(s, 1000);
	HEARD(a, 300);
	SILENT(a, HZ_A);
	c = join(s, b, &pcma);
	stage_run(s, 900);
	SILENT(a, 300);
	SILENT(c, 300);
	HEARD(a, HZ_B);
	SMOOTH(a, HZ_B, 900);
	stage_remove(s, c);
	stage_run(s, 1000);
	HEARD(a, 300);
	end(s, b);
}

/* --- codecs that change, hold --- */

static void test_codec_change(void)
{
	struct stage *s = stage_new(1000);
	struct bus *b = make_bus(s, 240, false);
	struct member *a = join(s, b, &pcmu);
	struct member *c = join(s, b, &(struct peer_conf){"L16", 48000, 98, 1, 10000, HZ_B, PEAK, 0, NULL});
	struct peer_conf opus = with_hz("opus", 48000, 96, 1, 20000, HZ_A);
	struct leg_desc both;

	stage_run(s, 1000);
	HEARD(c, HZ_A);
	peer_codec(a->peer, &opus);
	peer_desc(a->peer, &both);
	both.rx[both.n_rx++] = a->desc.rx[0];
	a->desc = both;
	member_set(a);
	stage_run(s, 1000);
	HEARD(a, HZ_B);
	HEARD(c, HZ_A);
	g_assert_cmpuint(a->peer->n_bad, ==, 0);
	g_assert_cmpfloat(bend(c, HZ_A, 1000), <, 20);     /* the tone begins anew: 1/w = 17 by itself; a step has 300 */
	g_assert_cmpuint(c->peer->n_ts_gaps, ==, 0);
	/* and back, by payload type alone: the peer may use what was offered */
	peer_codec(a->peer, &pcmu);
	stage_run(s, 1000);
	HEARD(c, HZ_A);
	g_assert_cmpfloat(bend(c, HZ_A, 1000), <, 20);     /* the tone begins anew: 1/w = 17 by itself; a step has 300 */
	end(s, b);
}

static void test_hold(void)
{
	struct duo d = duo_new(240);
	unsigned before;
	uint16_t seq;

	d.a->desc.dir = LEG_DIR_RECV;                      /* a holds: sendonly from there */
	member_set(d.a);
	stage_run(d.s, 100);
	before = d.a->peer->n_packets;
	seq = d.a->peer->last_seq;
	stage_run(d.s, 700);
	g_assert_cmpuint(d.a->peer->n_packets, ==, before);
	HEARD(d.c, HZ_A);
	d.a->desc.dir = LEG_DIR_INACTIVE;
	member_set(d.a);
	stage_run(d.s, 700);
	SILENT(d.c, HZ_A);
	SMOOTH(d.c, HZ_A, 700);
	d.a->desc.dir = LEG_DIR_BOTH;
	member_set(d.a);
	stage_run(d.s, 700);
	HEARD(d.c, HZ_A);
	HEARD(d.a, HZ_B);
	g_assert_cmpuint(d.a->peer->n_seq_gaps, ==, 0);
	g_assert_cmpuint(d.a->peer->n_ts_gaps, ==, 1);     /* the hold is a gap in time ... */
	g_assert_cmpuint(d.a->peer->n_markers, ==, 2);     /* ... and what follows says so */
	g_assert_cmpuint((uint16_t)(d.a->peer->last_seq - seq), >, 30);
	end(d.s, d.b);
}

static void test_stereo(void)
{
	struct stage *s = stage_new(1000);
	struct bus *b = make_bus(s, 120, false);
	struct member *a = join(s, b, &(struct peer_conf){"L16", 48000, 98, 2, 5000, HZ_A, PEAK, 0, NULL});
	struct member *c = join(s, b, &(struct peer_conf){"L16", 48000, 97, 2, 5000, HZ_B, PEAK, 0, NULL});
	struct member *e = join(s, b, &(struct peer_conf){"PCMU", 8000, 0, 1, 20000, HZ_C, PEAK, 0, NULL});
	g_autofree float *right = NULL;

	stage_run(s, 1500);
	HEARD(a, HZ_B);
	right = peer_last(a->peer, 24000, 1);
	g_assert_cmpfloat(signal_tone_peak(right, 24000, 48000, HZ_B), <, PEAK / 1000);   /* left only, as it was sent */
	g_assert_cmpfloat(fabs(20 * log10(signal_tone_peak(right, 24000, 48000, HZ_C) / PEAK)), <, 0.5);
	HEARD(c, HZ_C);
	g_assert_cmpfloat(fabs(member_hears_db(e, HZ_A, PEAK / 2, 500)), <, 0.5);          /* (L+R)/2 */
	end(s, b);
}

/* --- keys, loss, silence --- */

static void test_dtmf(void)
{
	struct duo d = duo_new(240);

	for (uint8_t k = 1; k <= 4; k++) {
		peer_key(d.a->peer, k);
		stage_run(d.s, 200);
	}
	g_assert_cmpstr(d.a->keys, ==, "1234");
	HEARD(d.c, HZ_A);
	g_assert_cmpint(leg_send_dtmf(d.a->leg, "19*#D"), ==, 0);
	g_assert_cmpint(leg_send_dtmf(d.a->leg, "x"), ==, EINVAL);
	stage_run(d.s, 1500);
	g_assert_cmpstr(d.a->peer->keys, ==, "19*#D");
	HEARD(d.a, HZ_B);
	end(d.s, d.b);
}

/* 5 and #, 100 ms each, in a second. */
static void pressed(float smp[8000])
{
	const double key[2][2] = {{770, 1336}, {941, 1477}};
	float tone[800];

	memset(smp, 0, 8000 * sizeof(*smp));
	for (int i = 0; i < 4; i++) {
		signal_sine(tone, 800, 0, 8000, key[i / 2][i % 2], 0.2);
		for (int k = 0; k < 800; k++)
			smp[1000 + i / 2 * 3000 + k] += tone[k];
	}
}

/* Keys in the sound are heard of a phone that has no other way, and of no other, or they would be there twice. */
static void test_inband(void)
{
	struct peer_conf phone = with_hz("PCMU", 8000, 0, 1, 20000, HZ_A);
	struct stage *s = stage_new(1000);
	struct bus *b = make_bus(s, 0, false);
	struct member *a = join(s, b, &phone), *c = join(s, b, &phone);
	static float smp[8000];

	pressed(smp);
	a->peer->play = c->peer->play = smp;
	a->peer->n_play = c->peer->n_play = 8000;
	memset(a->desc.dtmf_rx_pt, 0xff, sizeof(a->desc.dtmf_rx_pt));
	member_set(a);
	stage_run(s, 3000);
	g_assert_cmpint(strncmp(a->keys, "5#5#", 4), ==, 0);
	g_assert_cmpuint(strlen(a->keys), <=, 6);
	g_assert_cmpstr(c->keys, ==, "");
	end(s, b);
}

static void test_loss(void)
{
	struct duo d = duo_new(240);
	struct leg_stats st;
	g_autofree float *smp = NULL;

	d.c->peer->drop_every = 20;
	stage_run(d.s, 2000);
	leg_stats(d.c->leg, &st);
	g_test_message("lost %" G_GUINT64_FORMAT " concealed %" G_GUINT64_FORMAT, st.rx_lost, st.concealed);
	g_assert_cmpuint(st.concealed, >=, 4);
	g_assert_cmpuint(st.rx_lost, >=, 4);
	smp = peer_last(d.a->peer, 72000, 0);
	g_assert_cmpuint(signal_gap(smp, 72000, PEAK / 20), <, 48 * 4);          /* no hole of 20 ms */
	g_assert_cmpuint(d.a->peer->n_ts_gaps, ==, 0);
	/* counters outlive the buffers that counted */
	d.c->desc.rx[0].param.channels = 2;
	d.c->desc.rx[0].pt = 99;
	member_set(d.c);
	stage_run(d.s, 100);
	g_assert_cmpuint(member_stats(d.c).rx_lost, >=, st.rx_lost);
	end(d.s, d.b);
}

static void test_sender_stops(void)
{
	struct duo d = duo_new(240);

	d.c->peer->mute = true;                            /* in the middle of a wave */
	stage_run(d.s, 900);
	SILENT(d.a, HZ_B);
	SMOOTH(d.a, HZ_B, 900);
	d.c->peer->mute = false;
	stage_run(d.s, 900);
	HEARD(d.a, HZ_B);
	SMOOTH(d.a, HZ_B, 600);
	end(d.s, d.b);
}

/* Opus with DTX hears silence: almost no packets, and time goes on. */
static void test_dtx(void)
{
	struct stage *s = stage_new(1000);
	struct bus *b = make_bus(s, 480, false);
	struct member *a = join(s, b, &(struct peer_conf){"opus", 48000, 96, 1, 20000, HZ_A, PEAK, true, NULL});
	struct member *c = join(s, b, &pcma);

	c->peer->mute = true;
	stage_run(s, 2000);
	peer_forget(a->peer);
	stage_run(s, 2000);
	g_test_message("%u packets in 2 s of silence", a->peer->n_packets);
	g_assert_cmpuint(a->peer->n_packets, <, 20);
	c->peer->mute = false;
	stage_run(s, 1000);
	HEARD(a, HZ_B);
	g_assert_cmpuint(a->peer->n_seq_gaps, ==, 0);
	g_assert_cmpuint(a->peer->n_markers, >=, 1);
	end(s, b);
}

/* The sender pauses and says how loud its room is (RFC 3389): that is heard, not a hole. */
static void test_comfort_noise(void)
{
	static const uint8_t level = 50;           /* -50 dBov */
	struct stage *s = stage_new(1000);
	struct bus *b = make_bus(s, 240, false);
	struct member *a = join(s, b, &(struct peer_conf){"L16", 48000, 98, 1, 10000, HZ_A, PEAK, 0, NULL});
	struct member *c = join(s, b, &pcma);
	g_autofree float *smp = NULL;

	stage_run(s, 1000);
	c->peer->mute = true;
	peer_send_raw_rtp(c->peer, 13, c->peer->ts, &level, 1);
	stage_run(s, 1000);
	smp = peer_last(a->peer, 24000, 0);
	g_test_message("noise of %.1f dB", signal_level_db(smp, 24000));
	g_assert_cmpfloat(fabs(signal_level_db(smp, 24000) + 50), <, 1);
	c->peer->mute = false;
	stage_run(s, 1000);
	HEARD(a, HZ_B);
	end(s, b);
}

static struct stage *ungated_stage(void)
{
	struct stage *s = stage_new(1000);

	s->ungated = true;        /* the decode gate would leave nothing of a hiss */
	return s;
}

/* We pause, too: two phones that take comfort noise hear how loud the room's hiss is, and after it the first word. */
static void test_comfort_noise_sent(void)
{
	struct stage *s = ungated_stage();
	struct bus *b = make_bus(s, 480, false);
	struct peer_conf deaf = {"PCMU", 8000, 0, 1, 20000, HZ_A, 0, false, NULL}, takes = {"PCMU", 8000, 0, 1, 20000, HZ_A, 0, true, NULL};
	struct member *a[2] = {join(s, b, &takes), join(s, b, &takes)}, *none = join(s, b, &deaf);
	struct member *c = join(s, b, &(struct peer_conf){"L16", 48000, 98, 1, 10000, HZ_B, PEAK, 0, NULL});
	g_autofree float *hiss = g_new(float, 48000);
	uint32_t seed = 3;

	signal_noise(hiss, 48000, &seed, 3.16e-4);         /* -70 dB, a sixth of it under 4 kHz */
	c->peer->play = hiss;
	c->peer->n_play = 48000;
	stage_run(s, 2000);
	stage_forget(s);
	stage_run(s, 4000);
	for (unsigned i = 0; i < 2; i++) {
		g_test_message("%u packets, %u of noise, -%u dBov", a[i]->peer->n_packets, a[i]->peer->n_noise, a[i]->peer->noise_dbov);
		g_assert_cmpuint(a[i]->peer->n_noise, >=, 3);
		g_assert_cmpuint(a[i]->peer->n_noise, <=, 6);
		g_assert_cmpuint(a[i]->peer->n_packets, ==, a[i]->peer->n_noise);
		g_assert_cmpuint(a[i]->peer->noise_dbov, >=, 75);
		g_assert_cmpuint(a[i]->peer->noise_dbov, <=, 81);
		g_assert_cmpuint(a[i]->peer->n_seq_gaps + a[i]->peer->n_bad + a[i]->peer->n_other, ==, 0);
	}
	g_assert_cmpuint(none->peer->n_noise, ==, 0);
	g_assert_cmpuint(none->peer->n_packets, ==, 200);
	stage_forget(s);
	c->peer->play = NULL;
	stage_run(s, 1000);
	for (unsigned i = 0; i < 2; i++) {
		HEARD(a[i], HZ_B);
		g_assert_cmpuint(a[i]->peer->n_markers, ==, 1);
		g_assert_cmpuint(a[i]->peer->n_seq_gaps, ==, 0);
		g_assert_cmpuint(a[i]->peer->n_packets - a[i]->peer->n_noise, >=, 47);
	}
	end(s, b);
}

static void test_talking(void)
{
	struct stage *s = stage_new(1000);
	struct bus *b = make_bus(s, 480, false);
	struct member *a = join(s, b, &pcmu);

	stage_run(s, 700);
	g_assert_true(a->talking);
	a->peer->conf.peak = 0;
	stage_run(s, 2000);
	g_assert_false(a->talking);
	end(s, b);
}

/* What a phone's leg costs: two codecs to hear, one to send, keys. */
static void test_memory(void)
{
	enum { N = 50 };
	struct mixer_conf mc = {.port_min = 40000, .port_max = 49999};
	struct leg_conf lc = {.jitter_min_ms = 20, .jitter_max_ms = 200};
	struct peer *p = peer_new(&pcmu);
	struct mallinfo2 before, after;
	struct leg *leg[N + 1] = {NULL};
	struct mixer *m = NULL;
	struct leg_desc d;
	double kib;

	peer_desc(p, &d);
	d.rx[d.n_rx++] = (struct leg_codec){codec_find("PCMA", 8000), 8, d.rx[0].param};
	sa_set_str(&lc.local, "127.0.0.1", 0);
	g_assert_cmpint(mixer_alloc(&m, &mc), ==, 0);
	for (unsigned i = 0; i <= N; i++) {
		if (i == 1)               /* what the first one leaves behind is shared: filters, tables */
			before = mallinfo2();
		g_assert_cmpint(leg_alloc(&leg[i], m, &lc), ==, 0);
		g_assert_cmpint(leg_set_desc(leg[i], &d), ==, 0);
		mixer_turn(m, 1000000 + i * 20000);
		mixer_dispatch(m);
	}
	after = mallinfo2();
	kib = (double)((after.uordblks + after.hblkhd) - (before.uordblks + before.hblkhd)) / N / 1024;
	g_test_message("%.1f KiB for a G.711 leg (promised 96)", kib);
	g_assert_cmpfloat(kib, <, 96);
	for (unsigned i = 0; i <= N; i++)
		mem_deref(leg[i]);
	mem_deref(m);
	peer_free(p);
}

/* The tick follows the members, and nobody hears it. */
static void test_quantum(void)
{
	struct peer_conf a = with_hz("L16", 48000, 98, 1, 10000, HZ_A), c = with_hz("L16", 48000, 98, 1, 20000, HZ_B);
	struct peer_conf short_one = with_hz("L16", 48000, 98, 1, 1334, HZ_C), voice = with_hz("PCMU", 8000, 0, 1, 20000, HZ_C);
	struct stage *s = stage_new(250);
	struct bus *b = make_bus(s, 0, true);
	struct member *ma = join(s, b, &c), *mc, *mx;

	stage_run(s, 300);
	g_assert_cmpuint(b->rt->quantum, ==, 960);
	mc = join(s, b, &a);
	stage_run(s, 1000);
	g_assert_cmpuint(b->rt->quantum, ==, 480);
	HEARD(mc, HZ_B);
	stage_forget(s);
	mx = join(s, b, &short_one);
	stage_run(s, 700);
	g_assert_cmpuint(b->rt->quantum, ==, 64);
	HEARD(mx, HZ_A);
	HEARD(ma, HZ_C);
	SMOOTH(ma, HZ_C, 650);
	SMOOTH(mc, HZ_C, 650);
	stage_forget(s);
	stage_remove(s, mx);
	stage_run(s, 700);
	g_assert_cmpuint(b->rt->quantum, ==, 64);          /* tones have no pause: it waits ... */
	stage_run(s, 10000);
	g_assert_cmpuint(b->rt->quantum, ==, 480);         /* ... but not for ever */
	HEARD(ma, HZ_A);
	g_assert_cmpfloat(bend(mc, HZ_B, 10600), <, 8);    /* 10 ms of it had to be made up */
	g_assert_cmpfloat(bend(ma, HZ_A, 10600), <, 8);
	stage_forget(s);
	mx = join(s, b, &voice);
	stage_run(s, 700);
	stage_remove(s, mc);
	stage_remove(s, ma);
	stage_run(s, 100);
	g_assert_cmpuint(b->rt->quantum, ==, 480);
	mx->peer->conf.peak = 0;
	stage_run(s, 300);
	g_assert_cmpuint(b->rt->quantum, ==, 960);         /* in a pause it may be at once */
	end(s, b);
}

/* Two take turns, and their packets come at opposite times: the tick goes to and fro, and nobody hears it. */
static void test_turns(void)
{
	struct peer_conf ear = with_hz("L16", 48000, 98, 1, 20000, HZ_C);
	struct stage *s = stage_new(500);
	struct bus *b = make_bus(s, 0, false);
	struct member *talker[2], *c;
	unsigned back = 0;
	int64_t before = 0;

	s->jitter_min_ms = 0;
	talker[0] = join(s, b, &pcmu);
	talker[1] = join(s, b, &pcma);
	talker[1]->peer->next_us = s->now_us + 13000;
	c = join(s, b, &ear);
	c->peer->conf.peak = talker[0]->peer->conf.peak = talker[1]->peer->conf.peak = 0;
	stage_run(s, 1000);
	for (unsigned i = 0; i < 12; i++) {
		struct peer *p = talker[i % 2]->peer;
		g_autofree float *smp = NULL;
		uint64_t hidden;

		stage_forget(s);
		p->conf.peak = PEAK;
		stage_run(s, 100);
		hidden = member_stats(talker[i % 2]).concealed;
		stage_run(s, 2900);
		smp = peer_last(c->peer, 48000 * 5 / 2, 0);
		g_test_message("turn %u: %.2f ms ahead, phase jump %.4f, buffer %u ms, %" G_GUINT64_FORMAT " concealed", i,
			       (double)b->rt->shift_us / -1000, signal_phase_jump(smp, 48000 * 5 / 2, 48000, p->conf.hz),
			       member_stats(talker[i % 2]).buffer_ms, member_stats(talker[i % 2]).concealed - hidden);
		HEARD(c, p->conf.hz);
		SMOOTH(c, p->conf.hz, 2500);
		g_assert_cmpfloat(signal_phase_jump(smp, 48000 * 5 / 2, 48000, p->conf.hz), <, 0.02);
		g_assert_cmpuint(c->peer->n_ts_gaps, ==, 0);
		g_assert_cmpuint(member_stats(talker[i % 2]).concealed - hidden, ==, 0);
		g_assert_cmpuint(member_stats(talker[i % 2]).buffer_ms, <=, 20);
		g_assert_cmpint(b->rt->shift_us, >=, -20100);
		p->conf.peak = 0;
		stage_run(s, 900);
		back += b->rt->shift_us > before;
		before = b->rt->shift_us;
	}
	g_assert_cmpuint(back, >=, 1);
	g_test_message("concealed in all: %" G_GUINT64_FORMAT ", %" G_GUINT64_FORMAT, member_stats(talker[0]).concealed,
		       member_stats(talker[1]).concealed);
	g_assert_cmpuint(member_stats(talker[0]).concealed + member_stats(talker[1]).concealed, <=, 3);      /* at the very beginning */
	end(s, b);
}

/* A media thread that was held up for 200 ms drops the ticks it missed, counts them, and time goes on. */
static void test_late(void)
{
	struct duo d = duo_new(480);
	struct mixer_stats before, after;

	mixer_stats(d.s->m, &before);
	d.s->now_us += 200000;
	for (unsigned i = 0; i < d.s->n; i++)
		peer_send(d.s->member[i]->peer, d.s->now_us);
	thread_turn_rt(d.s->m->threads[0], d.s->now_us, true);
	mixer_stats(d.s->m, &after);
	g_assert_cmpuint(after.ticks - before.ticks, ==, 1);
	g_assert_cmpuint(after.dropped_ticks - before.dropped_ticks, ==, 19);
	stage_run(d.s, 1500);
	HEARD(d.a, HZ_B);
	HEARD(d.c, HZ_A);
	g_assert_cmpuint(d.a->peer->n_ts_gaps, <=, 1);
	g_assert_cmpfloat(fabs((double)d.a->peer->n_rec - 48000 * 3.2), <, 48000 * 0.06);     /* no delay stays behind */
	end(d.s, d.b);
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(trios); i++) {
		g_autofree char *path = g_strdup_printf("/mixer/trio/%s", trios[i].name);

		g_test_add_data_func(path, &trios[i], test_trio);
	}
	g_test_add_func("/mixer/mute", test_mute);
	g_test_add_func("/mixer/deaf", test_deaf);
	g_test_add_func("/mixer/gain", test_gain);
	g_test_add_func("/mixer/join-leave", test_join_leave);
	g_test_add_func("/mixer/move", test_move);
	g_test_add_func("/mixer/echo", test_echo);
	g_test_add_func("/mixer/alone", test_alone);
	g_test_add_func("/mixer/codec-change", test_codec_change);
	g_test_add_func("/mixer/hold", test_hold);
	g_test_add_func("/mixer/stereo", test_stereo);
	g_test_add_func("/mixer/dtmf", test_dtmf);
	g_test_add_func("/mixer/inband", test_inband);
	g_test_add_func("/mixer/loss", test_loss);
	g_test_add_func("/mixer/sender-stops", test_sender_stops);
	g_test_add_func("/mixer/dtx", test_dtx);
	g_test_add_func("/mixer/comfort-noise", test_comfort_noise);
	g_test_add_func("/mixer/comfort-noise-sent", test_comfort_noise_sent);
	g_test_add_func("/mixer/late", test_late);
	g_test_add_func("/mixer/talking", test_talking);
	g_test_add_func("/mixer/quantum", test_quantum);
	g_test_add_func("/mixer/memory", test_memory);
	g_test_add_func("/mixer/turns", test_turns);
	return g_test_run();
}
