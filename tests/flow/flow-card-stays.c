/*
 * flow-card-stays.c - a call between sound cards that lasts: clocks that run away, loss, xruns, another period; and what one
 * hears of it. How long it takes: flow-card.c.
 */
#include <glib.h>
#include <math.h>
#include <string.h>
#include <re.h>
#include "tests/lib/cards.h"
#include "tests/lib/signal.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { PATIENT = false };
#else
enum { PATIENT = true };
#endif

static const struct peer_conf L16_64 = {.codec = "L16", .clock = 48000, .pt = 96, .channels = 1, .ptime_us = 1333};
static const struct peer_conf OPUS_2_5 = {.codec = "opus", .clock = 48000, .pt = 97, .channels = 2, .ptime_us = 2500};

static struct end_conf end_of(const struct peer_conf *codec, uint32_t period)
{
	return (struct end_conf){.codec = *codec, .period = period, .phase_us = g_test_rand_double() * period / 48e-3};
}

struct pair { struct cards *s; struct end *a, *b; };

static struct pair pair_new(const struct end_conf *a, const struct end_conf *b)
{
	struct pair p = {.s = cards_new(true, (uint32_t)g_test_rand_int())};

	p.s->now_us += g_test_rand_double() * 100000;
	p.a = cards_end(p.s, a);
	p.b = cards_end(p.s, b);
	p.a->sounds = true;
	return p;
}

enum { TONE = 960 };              /* of 440 Hz and some: 9 periods */

static float tone[TONE];

static void plays_tone(struct end *e)
{
	for (unsigned i = 0; i < TONE; i++)
		tone[i] = (float)(0.25 * sin(2 * G_PI * 9 * i / TONE));
	e->play = tone;
	e->n_play = TONE;
}

/* The last n of what e played. */
static const float *last(const struct end *e, unsigned n)
{
	static float smp[48000];

	for (unsigned i = 0; i < n; i++)
		smp[i] = e->heard[(e->n - n + i) % CARDS_KEPT];
	return smp;
}

static double hears_db(const struct end *e) { return 20 * log10(signal_tone_peak(last(e, 9600), 9600, 48000, 450) / 0.25 + 1e-10); }

/* Frames that were not played as they were sent, by anybody. */
static uint64_t missing(const struct pair *p)
{
	const struct leg *legs[] = {p->a->leg, p->a->far, p->b->leg, p->b->far};
	uint64_t n = 0;

	for (unsigned i = 0; i < 4; i++) {
		struct leg_stats st = end_stats(legs[i]);

		n += st.concealed + st.discarded + st.rx_late;
	}
	return n;
}

/* Two cards a quarter of a thousandth apart from the server's clock, one fast, one slow: the delay is looked at every ten
 * seconds, and is at the end within a slip of what it was; nothing is made up or left out after the first minute. */
static void test_drift(void)
{
	struct end_conf a = end_of(&L16_64, 64), b = end_of(&L16_64, 64);
	const unsigned minutes = PATIENT ? 10 : 2;
	double least = INFINITY, most = 0, spread;
	uint64_t before = 0;
	struct pair p;

	a.ppm = 200;
	b.ppm = -200;
	p = pair_new(&a, &b);
	for (unsigned i = 0; i < minutes * 6; i++) {
		double ms;

		cards_run(p.s, 10000);
		ms = cards_delay_ms(p.s, p.a, p.b, 1000, &spread);
		if (i == 5)
			before = missing(&p);
		if (i >= 3) {
			least = fmin(least, ms);
			most = fmax(most, ms);
		}
	}
	g_test_message("%u minutes at +200 and -200 ppm: %.2f to %.2f ms, %d frames missing after the first", minutes, least, most,
		       (int)(missing(&p) - before));
	g_assert_cmpfloat(most, <, 6 + 2 * 64 / 48.0);
	g_assert_cmpuint(missing(&p) - before, ==, 0);
	cards_free(p.s);
}

/* One of twenty is lost on both lines: it is made up for, and the delay stays. */
static void test_loss(void)
{
	struct end_conf a = end_of(&L16_64, 64), b = end_of(&L16_64, 64);
	double before, after;
	struct leg_stats st;
	struct pair p;

	a.line.delay_us = b.line.delay_us = 2000;
	p = pair_new(&a, &b);
	cards_run(p.s, 3000);
	before = cards_delay_ms(p.s, p.a, p.b, 1000, NULL);
	p.a->line->conf.loss_pct = p.b->line->conf.loss_pct = 5;
	cards_run(p.s, 30000);
	st = end_stats(p.b->leg);
	g_test_message("5 %% of %u lost: %u concealed", (unsigned)st.rx_packets, (unsigned)st.concealed);
	g_assert_cmpfloat(fabs((double)st.concealed / (22500 * 0.05) - 1), <, 0.25);
	p.a->line->conf.loss_pct = p.b->line->conf.loss_pct = 0;
	cards_run(p.s, 2000);
	after = cards_delay_ms(p.s, p.a, p.b, 1000, NULL);
	g_test_message("before %.3f ms, after %.3f", before, after);
	g_assert_cmpfloat(fabs(after - before), <, 0.05);
	cards_free(p.s);
}

static void test_srtp(void)
{
	struct end_conf a = end_of(&L16_64, 64), b = end_of(&OPUS_2_5, 64);
	struct pair p;

	a.sdes = b.sdes = true;
	p = pair_new(&a, &b);
	plays_tone(p.a);
	cards_run(p.s, 2000);
	g_assert_cmpfloat(fabs(hears_db(p.b)), <, 0.5);
	g_assert_cmpuint(end_stats(p.b->leg).rx_auth, ==, 0);
	g_assert_cmpuint(end_stats(p.b->leg).rx_bad, ==, 0);
	cards_free(p.s);
}

/* A step, or the end of a ramp that is too steep, bends more than the tone does. */
static bool clicks(const struct end *e)
{
	const double bend = 0.25 * pow(2 * G_PI * 450 / 48000, 2);
	const float *smp = last(e, 9600);
	double most = 0;

	for (unsigned i = 1; i + 1 < 9600; i++)
		most = fmax(most, fabs((double)smp[i - 1] - 2 * (double)smp[i] + (double)smp[i + 1]));
	return most > 4 * bend;
}

/* a is muted, b hears nothing; and no click in between. Neither hears itself, until it wants to. */
static void test_mute(void)
{
	struct end_conf a = end_of(&L16_64, 64), b = end_of(&L16_64, 128);
	struct pair p = pair_new(&a, &b);

	plays_tone(p.a);
	cards_run(p.s, 2000);
	g_assert_cmpfloat(fabs(hears_db(p.b)), <, 0.1);
	g_assert_cmpfloat(hears_db(p.a), <, -80);
	card_set_mute(p.a->c, true);
	cards_run(p.s, 100);
	g_assert_false(clicks(p.b));
	cards_run(p.s, 300);
	g_assert_cmpfloat(hears_db(p.b), <, -80);
	card_set_mute(p.a->c, false);
	card_set_self(p.a->c, 0.5f);
	cards_run(p.s, 100);
	g_assert_false(clicks(p.a) || clicks(p.b));
	cards_run(p.s, 300);
	g_assert_cmpfloat(fabs(hears_db(p.b)), <, 0.1);
	g_assert_cmpfloat(fabs(hears_db(p.a) + 6.02), <, 0.1);
	cards_free(p.s);
}

/* A card that is kept from its work now and then for half a minute: what was not taken in time is gone, and the delay is what it
 * was, both ways. */
static void test_xruns(void)
{
	struct end_conf a = end_of(&L16_64, 64), b = end_of(&L16_64, 64);
	double before[2], after[2];
	struct card_stats st;
	unsigned n = 0;
	struct pair p;

	a.line.delay_us = b.line.delay_us = 1000;
	p = pair_new(&a, &b);
	p.b->sounds = true;
	cards_run(p.s, 3000);
	before[0] = cards_delay_ms(p.s, p.a, p.b, 1000, NULL);
	before[1] = cards_delay_ms(p.s, p.b, p.a, 1000, NULL);
	for (unsigned i = 0; i < 60; i++, n++) {
		end_xrun(p.b, 1 + (uint32_t)g_test_rand_int_range(2, 30));
		cards_run(p.s, 500);
	}
	cards_run(p.s, 3000);
	after[0] = cards_delay_ms(p.s, p.a, p.b, 1000, NULL);
	after[1] = cards_delay_ms(p.s, p.b, p.a, 1000, NULL);
	card_stats(p.b->c, &st);
	g_test_message("%u xruns: a to b %.2f ms, then %.2f; b to a %.2f, then %.2f", n, before[0], after[0], before[1], after[1]);
	g_assert_cmpuint(st.xruns, ==, n);
	for (unsigned i = 0; i < 2; i++)
		g_assert_cmpfloat(after[i], <, before[i] + 64 / 48.0 + 0.1);
	cards_free(p.s);
}

/* The card's period becomes another while it plays. */
static void test_period(void)
{
	static const uint32_t periods[] = {64, 128, 120, 256, 64, 441, 1024, 64};
	struct end_conf a = end_of(&L16_64, 64), b = end_of(&L16_64, 64);
	struct pair p = pair_new(&a, &b);
	double first = 0, ms = 0;

	for (unsigned i = 0; i < G_N_ELEMENTS(periods); i++) {
		p.b->conf.period = periods[i];
		cards_run(p.s, 4000);
		ms = cards_delay_ms(p.s, p.a, p.b, 1000, NULL);
		g_test_message("period %u: %.2f ms", periods[i], ms);
		first = i ? first : ms;
	}
	g_assert_cmpfloat(ms, <, first + 2 * 64 / 48.0);
	cards_free(p.s);
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/card-stays/loss", test_loss);
	g_test_add_func("/card-stays/srtp", test_srtp);
	g_test_add_func("/card-stays/mute", test_mute);
	g_test_add_func("/card-stays/xruns", test_xruns);
	g_test_add_func("/card-stays/period", test_period);
	g_test_add_func("/card-stays/drift", test_drift);
	return g_test_run();
}
