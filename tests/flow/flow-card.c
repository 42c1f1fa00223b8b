/*
 * flow-card.c - from one sound card to another: how long it takes, and its parts.
 *
 *     a's card ))) engine > line > server's music room > line > engine ))) b's card
 *
 * A burst of noise goes into a's card at t0 and comes out of b's at t1; the clocks of the two cards and of the server's ticks
 * lie to each other as the seed says. A period is taken before the callback sees it: it is in the delay. What a driver and
 * its hardware add is not.
 */
#include <glib.h>
#include <math.h>
#include <string.h>
#include <re.h>
#include "tests/lib/cards.h"

enum { TRIALS_MAX = 64 };

static const struct peer_conf L16_64 = {.codec = "L16", .clock = 48000, .pt = 96, .channels = 1, .ptime_us = 1333};
static const struct peer_conf OPUS_2_5 = {.codec = "opus", .clock = 48000, .pt = 97, .channels = 2, .ptime_us = 2500};
static const struct peer_conf OPUS_20 = {.codec = "opus", .clock = 48000, .pt = 97, .channels = 1, .ptime_us = 20000};
static const struct peer_conf PCMU_20 = {.codec = "PCMU", .clock = 8000, .pt = 0, .channels = 1, .ptime_us = 20000};
static const struct peer_conf G722_20 = {.codec = "G722", .clock = 8000, .pt = 9, .channels = 1, .ptime_us = 20000};

/* --- how long it takes --- */

struct kind {
	const char *name;
	const struct peer_conf *codec;
	uint32_t period;
	bool direct;
	unsigned trials;
	double median_smp, most_smp;              /* what is promised */
	double spread_ms;                         /* within a second, after the first eight */
};

/* 64 samples in 64 samples: in the worst of all phases a whole period for each of capture, server and playback. Else frames
 * and periods do not fit each other, and what is left over is waited for on both sides; such buffers settle for some seconds. */
static const struct kind kinds[] = {
	{"l16-64/64",          &L16_64,   64,  false, 24, 150, 193, 0.05},
	{"l16-64/128",         &L16_64,   128, false, 8,  330, 380, 1.5},
	{"l16-64/256",         &L16_64,   256, false, 8,  640, 800, 1.5},
	{"opus-2.5/64",        &OPUS_2_5, 64,  false, 8,  660, 720, 1.5},
	{"opus-2.5/128",       &OPUS_2_5, 128, false, 8,  850, 930, 1.5},
	{"opus-2.5/256",       &OPUS_2_5, 256, false, 8,  1200, 1400, 1.5},
	{"l16-64/64/direct",   &L16_64,   64,  true,  24, 118, 129, 0.05},
	{"opus-2.5/64/direct", &OPUS_2_5, 64,  true,  8,  510, 570, 1.5},
};

static struct end_conf end_of(const struct peer_conf *codec, uint32_t period)
{
	return (struct end_conf){.codec = *codec, .period = period, .phase_us = g_test_rand_double() * period / 48e-3};
}

struct pair { struct cards *s; struct end *a, *b; };

static struct pair pair_new(const struct end_conf *a, const struct end_conf *b, bool direct)
{
	struct pair p = {.s = cards_new(!direct, (uint32_t)g_test_rand_int())};

	p.s->now_us += g_test_rand_double() * 100000;
	p.a = cards_end(p.s, a);
	p.b = cards_end(p.s, b);
	if (direct)
		cards_call(p.s, p.a, p.b);
	p.a->sounds = true;
	return p;
}

static int by_value(const void *a, const void *b)
{
	double d = *(const double *)a - *(const double *)b;

	return d < 0 ? -1 : d > 0;
}

static void test_delay(const void *arg)
{
	const struct kind *k = arg;
	double smp[TRIALS_MAX], spread;

	for (unsigned i = 0; i < k->trials; i++) {
		struct end_conf a = end_of(k->codec, k->period), b = end_of(k->codec, k->period);
		struct pair p = pair_new(&a, &b, k->direct);

		cards_run(p.s, k->spread_ms < 1 ? 2000 : 9000);
		smp[i] = cards_delay_ms(p.s, p.a, p.b, 700, &spread) * 48;
		g_assert_cmpfloat(spread, <, k->spread_ms);
		cards_free(p.s);
	}
	qsort(smp, k->trials, sizeof(*smp), by_value);
	g_test_message("%s: %u pairs, one way: least %.0f, median %.0f, most %.0f samples (%.2f, %.2f, %.2f ms)", k->name, k->trials,
		       smp[0], smp[k->trials / 2], smp[k->trials - 1], smp[0] / 48, smp[k->trials / 2] / 48, smp[k->trials - 1] / 48);
	g_assert_cmpfloat(smp[k->trials / 2], <=, k->median_smp);
	g_assert_cmpfloat(smp[k->trials - 1], <=, k->most_smp);
}

/* --- the parts --- */

struct parts { const char *name; const struct peer_conf *a, *b; uint32_t period; double delay_ms; };

static const struct parts sums[] = {
	{"l16-64",           &L16_64,   &L16_64,   64,  3},
	{"l16-64/256",       &L16_64,   &L16_64,   256, 3},
	{"opus-2.5",         &OPUS_2_5, &OPUS_2_5, 64,  9},
	{"opus-2.5/480",     &OPUS_2_5, &OPUS_2_5, 480, 9},
	{"opus-20",          &OPUS_20,  &OPUS_20,  128, 9},
	{"pcmu",             &PCMU_20,  &PCMU_20,  128, 5},
	{"g722",             &G722_20,  &G722_20,  128, 5},
	{"l16-64-to-pcmu",   &L16_64,   &PCMU_20,  64,  3},
	{"opus-20-to-l16-64", &OPUS_20, &L16_64,   64,  3},
};

static double sum_ms(const struct end *a, const struct end *b, double lines_ms)
{
	const struct leg_stats up = end_stats(a->leg), in = end_stats(a->far), out = end_stats(b->far), down = end_stats(b->leg);
	const double capture_ms = a->conf.period / 48.0;

	g_test_message("capture %.2f, tx %.2f, rx %.2f, tx %.2f, rx %.2f, lines %.2f ms", capture_ms, up.tx_delay_us / 1e3,
		       in.rx_delay_us / 1e3, out.tx_delay_us / 1e3, down.rx_delay_us / 1e3, lines_ms);
	return capture_ms + lines_ms + (up.tx_delay_us + in.rx_delay_us + out.tx_delay_us + down.rx_delay_us) / 1e3;
}

static void test_sum(const void *arg)
{
	const struct parts *t = arg;
	double worst = 0;

	for (unsigned i = 0; i < 4; i++) {
		struct end_conf a = end_of(t->a, t->period), b = end_of(t->b, t->period);
		double ms, sum;
		struct pair p;

		a.line.delay_us = t->delay_ms * 1000;
		b.line.delay_us = 2 * t->delay_ms * 1000;
		p = pair_new(&a, &b, false);
		cards_run(p.s, 6000);
		ms = cards_delay_ms(p.s, p.a, p.b, 900, NULL);
		sum = sum_ms(p.a, p.b, 3 * t->delay_ms);
		g_test_message("%s: measured %.3f ms, sum of the parts %.3f", t->name, ms, sum);
		worst = fmax(worst, fabs(ms - sum));
		cards_free(p.s);
	}
	g_assert_cmpfloat(worst, <, 0.5);
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_autofree char *path = g_strdup_printf("/card/delay/%s", kinds[i].name);

		g_test_add_data_func(path, &kinds[i], test_delay);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(sums); i++) {
		g_autofree char *path = g_strdup_printf("/card/sum/%s", sums[i].name);

		g_test_add_data_func(path, &sums[i], test_sum);
	}
	return g_test_run();
}
