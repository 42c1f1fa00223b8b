/*
 * test-card.c - an engine turned by a card: what the card took and plays, whatever the period; its clock; its thread.
 */
#include <glib.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <re.h>
#include "mixer/card.h"
#include "mixer/cardclock.h"
#include "tests/lib/rtguard.h"

enum { START_US = 1000000000, PERIOD = 64 };

/* --- its clock --- */

struct clock_row {
	const char *what;
	uint32_t n;               /* period */
	const char *late;         /* of each period, in halves of it: 0 to 9; of each '+': one period is left out before it */
	uint64_t lost;            /* in periods, of which this was */
};

static const struct clock_row clock_rows[] = {
	{"in time",                  64, "0000000000000000000000", 0},
	{"late once",                64, "0000500000000900000000", 0},
	{"by less than is noticed",  64, "0101010101110111111100", 0},
	{"late, and made up for",    64, "0000975310000086420000", 0},
	{"four left out",            64, "0000+ + + + 0000000000", 4},
	{"late where one left out",  64, "000+ + + 1010101001010", 3},
	{"twice",                   256, "00+ + + 00000+ + 00000", 5},
	{"one",                     128, "0000+ 0000000000000000000000", 1},
	{"now and then one",         64, "00+ 0000000000000000000+ 0000000000000000000+ 0000000000000000000", 3},
};

/* The system's time of periods that were called so. */
static uint64_t clock_play(struct cardclock *c, const struct clock_row *r, double ppm)
{
	const double period_us = r->n / 48e-3 / (1 + ppm * 1e-6);
	double now_us = START_US + 333;
	uint64_t lost = 0;

	cardclock_init(c, 0);
	for (const char *p = r->late; *p; p++) {
		if (*p == '+' || *p == ' ') {
			now_us += *p == '+' ? period_us : 0;
			continue;
		}
		lost += cardclock_begin_rt(c, r->n, (uint64_t)(now_us + (*p - '0') * period_us / 2));
		c->smp += r->n;
		now_us += period_us;
	}
	return lost;
}

static void clock_rows_test(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(clock_rows); i++)
		for (int ppm = -300; ppm <= 300; ppm += 300) {
			const struct clock_row *r = &clock_rows[i];
			struct cardclock c;

			g_test_message("%s, %d ppm", r->what, ppm);
			g_assert_cmpuint(clock_play(&c, r, ppm), ==, r->lost * r->n);
		}
}

/* Fast or slow by 300 ppm, called up to a third of a period late: the distance is known to a quarter of one. */
static void clock_follows(void)
{
	for (int ppm = -300; ppm <= 300; ppm += 600) {
		const double period_us = PERIOD / 48e-3 / (1 + ppm * 1e-6);
		struct cardclock c;
		uint64_t now_us = 0;
		unsigned i;

		cardclock_init(&c, 0);
		for (i = 0; i < 100000; i++) {
			now_us = (uint64_t)(START_US + i * period_us);
			g_assert_cmpuint(cardclock_begin_rt(&c, PERIOD, now_us + g_test_rand_int_range(0, 400)), ==, 0);
			c.smp += PERIOD;
		}
		g_assert_cmpfloat(fabs((double)(c.off_ns + cardclock_ns(c.smp - PERIOD)) / 1000 - (double)now_us), <, period_us / 4);
	}
}

/* Xruns of some odd length: what is left of each does not add up. */
static void clock_owes(void)
{
	const double period_us = PERIOD / 48e-3;
	double now_us = START_US, gaps_us = 0;
	struct cardclock c;
	uint64_t lost = 0;

	cardclock_init(&c, 0);
	for (unsigned i = 0; i < 10000; i++) {
		if (i % 100 == 50) {
			now_us += 2.4 * period_us;
			gaps_us += 2.4 * period_us;
		}
		lost += cardclock_begin_rt(&c, PERIOD, (uint64_t)now_us);
		c.smp += PERIOD;
		now_us += period_us;
	}
	g_assert_cmpfloat(fabs((double)lost / 48e-3 - gaps_us), <, period_us);
}

/* --- the card --- */

struct rig { struct mixer *m; struct bus *b; struct card *c; double now_us; };

static void rig_open(struct rig *r)
{
	struct mixer_conf mc = {.port_min = 40000, .port_max = 49999};
	struct bus_conf bc = {.music = true};
	struct card_conf cc = {.period_smp = PERIOD, .simulated = true};

	memset(r, 0, sizeof(*r));
	r->now_us = START_US;
	g_assert_cmpint(mixer_alloc(&r->m, &mc), ==, 0);
	g_assert_cmpint(bus_alloc(&r->b, r->m, &bc), ==, 0);
	g_assert_cmpint(card_alloc(&r->c, r->b, &cc), ==, 0);
}

static void rig_close(struct rig *r)
{
	mem_deref(r->c);
	mem_deref(r->b);
	mem_deref(r->m);
}

static void turn(struct rig *r, const float *in, float *out, uint32_t n)
{
	rtguard_begin();
	card_turn_rt(r->c, in, out, n, (uint64_t)r->now_us);
	g_assert_cmpuint(rtguard_end(), ==, 0);
	r->now_us += n / 48e-3;
}

static void fill(float *smp, uint32_t n, float left, float right)
{
	for (uint32_t i = 0; i < n; i++) {
		smp[2 * i] = left;
		smp[2 * i + 1] = right;
	}
}

static void all_are(const float *smp, uint32_t n, float left, float right)
{
	for (uint32_t i = 0; i < n; i++) {
		g_assert_cmpfloat_with_epsilon(smp[2 * i], left, 1e-6);
		g_assert_cmpfloat_with_epsilon(smp[2 * i + 1], right, 1e-6);
	}
}

/* Alone one hears nothing, or oneself as loud as one likes, in the very same period; whatever its length. */
static void hears_self(void)
{
	static const uint32_t periods[] = {64, 16, 33, 120, 256, 441, 960, 1024, 4096, 1};
	static float in[CARD_PERIOD_MAX * 2], out[CARD_PERIOD_MAX * 2];
	struct rig r;

	rig_open(&r);
	for (unsigned k = 0; k < 3; k++) {
		card_set_self(r.c, (float)k * 0.5f);
		for (size_t i = 0; i < G_N_ELEMENTS(periods); i++) {
			fill(in, periods[i], 0.5f, -0.25f);
			for (unsigned j = 0; j < 3; j++)          /* a ramp is over */
				turn(&r, in, out, periods[i] < 64 ? 64 : periods[i]);
			turn(&r, in, out, periods[i]);
			all_are(out, periods[i], (float)k * 0.25f, (float)k * -0.125f);
		}
	}
	rig_close(&r);
}

static void levels_and_gains(void)
{
	float in[PERIOD * 2], out[PERIOD * 2];
	struct card_stats s;
	struct rig r;

	rig_open(&r);
	card_stats(r.c, &s);
	g_assert_cmpuint(s.level_in_dbov, ==, 127);
	card_set_self(r.c, 1);
	card_set_gain(r.c, 0.5f, 0.1f);
	fill(in, PERIOD, 0.2f, 0.2f);
	for (unsigned i = 0; i < 10; i++)
		turn(&r, in, out, PERIOD);
	all_are(out, PERIOD, 0.01f, 0.01f);
	card_stats(r.c, &s);
	g_assert_cmpuint(s.periods, ==, 10);
	card_set_mute(r.c, true);         /* one hears oneself all the same, and sees one's level */
	for (unsigned i = 0; i < 10; i++)
		turn(&r, in, out, PERIOD);
	all_are(out, PERIOD, 0.01f, 0.01f);
	card_stats(r.c, &s);
	g_assert_cmpuint(s.level_in_dbov, ==, 20);
	g_assert_cmpuint(s.level_out_dbov, ==, 40);
	card_set_gain(r.c, NAN, INFINITY);
	for (unsigned i = 0; i < 10; i++)
		turn(&r, in, out, PERIOD);
	all_are(out, PERIOD, 0, 0);
	rig_close(&r);
}

/* What is no number is silence, and gone with its period; what is too loud stays under full scale. */
static void what_is_no_sound(void)
{
	float in[PERIOD * 2], out[PERIOD * 2];
	struct rig r;

	rig_open(&r);
	card_set_self(r.c, 1);
	for (unsigned i = 0; i < 10; i++)
		turn(&r, NULL, out, PERIOD);
	fill(in, PERIOD, 0.5f, 0.5f);
	in[17] = NAN;
	turn(&r, in, out, PERIOD);
	all_are(out, PERIOD, 0, 0);
	in[17] = INFINITY;
	turn(&r, in, out, PERIOD);
	all_are(out, PERIOD, 0, 0);
	in[17] = 0.5f;
	turn(&r, in, out, PERIOD);
	all_are(out, PERIOD, 0.5f, 0.5f);
	fill(in, PERIOD, 9, -9);
	turn(&r, in, out, PERIOD);
	for (unsigned i = 0; i < PERIOD * 2; i++)
		g_assert_cmpfloat(fabsf(out[i]), <=, 1);
	rig_close(&r);
}

/* What the room is told is heard at the card too, though no leg is there. */
static void is_told(void)
{
	static float smp[4800], out[PERIOD * 2];
	struct leg_say say = {.smp = smp, .n = G_N_ELEMENTS(smp), .owner = mem_zalloc(1, NULL), .gain = 1, .under = 1};
	struct rig r;
	float most = 0;

	rig_open(&r);
	for (size_t i = 0; i < G_N_ELEMENTS(smp); i++)
		smp[i] = 0.5f;
	g_assert_cmpint(bus_say(r.b, &say, 1, LEG_SAY_NOW), ==, 0);
	for (unsigned k = 0; k < 20; k++) {
		turn(&r, NULL, out, PERIOD);
		most = fmaxf(most, out[0]);
	}
	g_assert_cmpfloat_with_epsilon(most, 0.5f, 1e-3);
	mixer_dispatch(r.m);
	rig_close(&r);
	mem_deref(say.owner);
}

static void its_time(void)
{
	float out[PERIOD * 2];
	struct card_stats s;
	struct rig r;
	uint64_t smp;

	rig_open(&r);
	for (unsigned i = 0; i < 100; i++)
		turn(&r, NULL, out, PERIOD);
	smp = mixer_smp(r.m);
	g_assert_cmpuint(smp, ==, mixer_us_smp(START_US) + 99 * PERIOD);
	g_assert_cmpfloat(fabs((double)card_smp_us(r.c, smp + PERIOD) - r.now_us), <, 5);
	r.now_us += 20 * PERIOD / 48e-3;          /* an xrun */
	for (unsigned i = 0; i < 10; i++)
		turn(&r, NULL, out, PERIOD);
	card_stats(r.c, &s);
	g_assert_cmpuint(s.xruns, ==, 1);
	g_assert_cmpuint(s.dropped_smp, ==, 20 * PERIOD);
	g_assert_cmpuint(mixer_smp(r.m), ==, smp + (20 + 10) * PERIOD);
	g_assert_cmpfloat(fabs((double)card_smp_us(r.c, mixer_smp(r.m) + PERIOD) - r.now_us), <, 5);
	rig_close(&r);
}

/* Another card after it, on a clock that is behind: the engine's time goes on. And without a card time turns it. */
static void comes_and_goes(void)
{
	struct mixer_conf threads = {.n_threads = 1, .port_min = 40000, .port_max = 49999};
	struct card_conf cc = {.period_smp = PERIOD, .simulated = true};
	struct bus_conf bc = {.music = true};
	float out[PERIOD * 2];
	struct card *other = NULL;
	struct bus *b = NULL;
	struct mixer *m;
	struct rig r;
	uint64_t smp;

	rig_open(&r);
	g_assert_cmpint(card_alloc(&other, r.b, &cc), ==, EALREADY);
	for (unsigned i = 0; i < 100; i++)
		turn(&r, NULL, out, PERIOD);
	smp = mixer_smp(r.m);
	mem_deref(r.c);
	mixer_turn(r.m, (uint64_t)r.now_us);
	g_assert_cmpint(card_alloc(&r.c, r.b, &cc), ==, 0);
	r.now_us -= 500000;
	turn(&r, NULL, out, PERIOD);
	g_assert_cmpuint(mixer_smp(r.m), >=, smp);
	r.c = mem_deref(r.c);
	cc.period_smp = CARD_PERIOD_MAX + 1;
	g_assert_cmpint(card_alloc(&r.c, r.b, &cc), ==, EINVAL);
	rig_close(&r);

	g_assert_cmpint(mixer_alloc(&m, &threads), ==, 0);
	g_assert_cmpint(bus_alloc(&b, m, &bc), ==, 0);
	cc.period_smp = PERIOD;
	g_assert_cmpint(card_alloc(&other, b, &cc), ==, EINVAL);
	mem_deref(b);
	mem_deref(m);
}

/* --- in a thread of its own --- */

struct player { struct rig *r; _Atomic bool stop; };

static void *play(void *arg)
{
	struct player *p = arg;
	float in[PERIOD * 2], out[PERIOD * 2];
	struct timespec ts;

	fill(in, PERIOD, 0.1f, 0.1f);
	while (!atomic_load(&p->stop)) {
		clock_gettime(CLOCK_MONOTONIC, &ts);
		card_turn_rt(p->r->c, in, out, PERIOD, (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000);
		g_usleep(300);
	}
	return NULL;
}

static void dispatch_until(struct mixer *m, uint32_t n_buses)
{
	struct mixer_stats s;
	struct pollfd pfd = {.fd = mixer_event_fd(m), .events = POLLIN};

	for (unsigned i = 0; i < 10000; i++) {
		poll(&pfd, 1, 1);
		mixer_dispatch(m);
		mixer_stats(m, &s);
		if (s.buses <= n_buses)
			return;
	}
	g_assert_not_reached();
}

/* Control gives and takes while it runs: legs, descriptions, more than the ring holds at once. For tsan. */
static void in_a_thread(void)
{
	struct leg_conf lc = {.cname = "x", .jitter_max_ms = 200};
	struct leg_desc d;
	struct player p = {0};
	struct card_stats cs;
	struct mixer_stats ms;
	pthread_t tid;
	struct rig r;

	rig_open(&r);
	p.r = &r;
	g_assert_cmpint(pthread_create(&tid, NULL, play, &p), ==, 0);
	leg_desc_clear(&d);
	d.dir = LEG_DIR_BOTH;
	d.tx = (struct leg_codec){.codec = codec_find("L16", 48000), .pt = 96, .param = {.channels = 2, .ptime_us = 1333}};
	d.rx[d.n_rx++] = d.tx;
	g_assert_cmpint(sa_set_str(&d.rtp, "127.0.0.1", 9), ==, 0);
	g_assert_cmpint(sa_set_str(&lc.local, "127.0.0.1", 0), ==, 0);
	for (unsigned i = 0; i < 30; i++) {
		struct leg *l = NULL;

		g_assert_cmpint(leg_alloc(&l, r.m, &lc), ==, 0);
		g_assert_cmpint(leg_set_desc(l, &d), ==, 0);
		g_assert_cmpint(leg_set_bus(l, r.b), ==, 0);
		for (unsigned k = 0; k < 100; k++) {
			leg_set_bus(l, k % 2 ? r.b : NULL);
			card_set_self(r.c, (float)(k % 3));
			card_stats(r.c, &cs);
			card_smp_us(r.c, mixer_smp(r.m));
		}
		mem_deref(l);
		mixer_dispatch(r.m);
	}
	dispatch_until(r.m, 1);
	atomic_store(&p.stop, true);
	pthread_join(tid, NULL);
	card_stats(r.c, &cs);
	g_assert_cmpuint(cs.periods, >, 0);
	mixer_stats(r.m, &ms);
	g_assert_cmpuint(ms.legs, ==, 0);
	rig_close(&r);
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/card/clock/rows", clock_rows_test);
	g_test_add_func("/card/clock/follows", clock_follows);
	g_test_add_func("/card/clock/owes", clock_owes);
	g_test_add_func("/card/hears-self", hears_self);
	g_test_add_func("/card/levels-and-gains", levels_and_gains);
	g_test_add_func("/card/no-sound", what_is_no_sound);
	g_test_add_func("/card/told", is_told);
	g_test_add_func("/card/time", its_time);
	g_test_add_func("/card/comes-and-goes", comes_and_goes);
	g_test_add_func("/card/thread", in_a_thread);
	return g_test_run();
}
