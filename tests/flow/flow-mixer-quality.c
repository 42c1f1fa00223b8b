/*
 * flow-mixer-quality.c - what a room does to sound, from every codec to every codec.
 *
 *     talker (codec a) ))) decode > 48 kHz > sum > less own > codec's rate > encode ))) ears, one of each codec
 *
 * A tone is sent and taken out of what is heard: what is left is noise. Every codec makes some, and the two on the way add
 * up; the house may add next to nothing. So a pair's floor is computed from what each codec does alone.
 */
#include <glib.h>
#include <math.h>
#include <string.h>
#include <re.h>
#include "mixer/engine.h"
#include "tests/lib/signal.h"
#include "tests/lib/stage.h"

enum { RUN_MS = 1600, HEAR_MS = 1000 };

#define PEAK     0.25
#define HOUSE_DB 71               /* filters there and back: their images and aliases of a tone up to 3 kHz */

struct kind {
	const char *name;
	struct peer_conf conf;
	double snr_db;            /* of a tone at PEAK through it alone, at least; why: */
};

/* G.711: 8 bits on a logarithmic scale, 37 dB at any level. G.722: 6 bits below 4 kHz, adaptive, 44 at 3 kHz and more below.
 * L16: 86 dB at PEAK, and its rounding. Opus codes what is heard, not the wave: at 64 kbit/s 26 to 41 dB. */
static const struct kind kinds[] = {
	{"PCMU", {"PCMU", 8000, 0, 1, 20000, 0, 0, 0, NULL}, 36.5},
	{"PCMA", {"PCMA", 8000, 8, 1, 20000, 0, 0, 0, NULL}, 36.5},
	{"G722", {"G722", 8000, 9, 1, 20000, 0, 0, 0, NULL}, 43},
	{"L16-8000", {"L16", 8000, 97, 1, 20000, 0, 0, 0, NULL}, 83},
	{"L16-16000", {"L16", 16000, 98, 1, 20000, 0, 0, 0, NULL}, 83},
	{"L16-44100", {"L16", 44100, 99, 1, 10000, 0, 0, 0, NULL}, 83},
	{"L16-48000", {"L16", 48000, 100, 1, 10000, 0, 0, 0, NULL}, 83},
	{"opus", {"opus", 48000, 96, 1, 20000, 0, 0, 0, NULL}, 26},
};

enum { KINDS = G_N_ELEMENTS(kinds) };

/* No small ratios: what G.711 distorts spreads instead of standing on another's tone. */
static const double tones[] = {441.7, 1109.1, 2903.9};

struct house { struct stage *s; struct bus *b; };

static struct house house_open(void)
{
	struct bus_conf conf = {.quantum_smp = 480};
	struct house h = {.s = stage_new(1000)};

	g_assert_cmpint(bus_alloc(&h.b, h.s->m, &conf), ==, 0);
	return h;
}

static void house_close(struct house *h)
{
	while (h->s->n)
		stage_remove(h->s, h->s->member[0]);
	mem_deref(h->b);
	stage_free(h->s);
}

static struct member *join(struct house *h, const struct kind *k, double hz, double peak)
{
	struct peer_conf conf = k->conf;
	struct member *mb;

	conf.hz = hz;
	conf.peak = peak;
	mb = stage_member(h->s, &conf);
	g_assert_cmpint(leg_set_bus(mb->leg, h->b), ==, 0);
	return mb;
}

static double less_noise(double a_db, double b_db)
{
	return -10 * log10(pow(10, -a_db / 10) + pow(10, -b_db / 10));
}

static void check_pair(const struct kind *from, const struct kind *to, const struct member *ear, double hz)
{
	double srate = ear->peer->codec->srate;
	size_t n = (size_t)srate * HEAR_MS / 1000;
	g_autofree float *smp = peer_last(ear->peer, n, 0);
	double snr = signal_snr_db(smp, n, srate, hz), level = 20 * log10(signal_tone_peak(smp, n, srate, hz) / PEAK);
	double floor = less_noise(less_noise(from->snr_db, to->snr_db), HOUSE_DB), jump = signal_phase_jump(smp, n, srate, hz);
	double may_jump = 0.002 + 4 * pow(10, -floor / 20);       /* by the noise; a frame that is missing, by 0.5 or more */

	g_test_message("%s to %s, %.0f Hz: %+.2f dB, noise %.1f dB down (at least %.1f), phase jumps by %.3f (at most %.3f)",
		       from->name, to->name, hz, level, snr, floor, jump, may_jump);
	g_assert_cmpfloat(fabs(level), <, 0.5);
	g_assert_cmpfloat(snr, >, floor);
	g_assert_cmpfloat(jump, <, may_jump);
	g_assert_cmpuint(signal_gap(smp, n, PEAK / 10), <, (size_t)(srate / hz / 10) + 2);
}

/* One talks, all listen: another of its own kind, too. */
static void test_pairs(gconstpointer data)
{
	const struct kind *from = data;

	for (size_t t = 0; t < G_N_ELEMENTS(tones); t++) {
		struct house h = house_open();
		struct member *talker = join(&h, from, tones[t], PEAK), *ear[KINDS];

		for (size_t i = 0; i < KINDS; i++)
			ear[i] = join(&h, &kinds[i], 0, 0);
		stage_run(h.s, RUN_MS);
		for (size_t i = 0; i < KINDS; i++) {
			check_pair(from, &kinds[i], ear[i], tones[t]);
			g_assert_cmpuint(ear[i]->peer->n_seq_gaps + ear[i]->peer->n_ts_gaps + ear[i]->peer->n_bad, ==, 0);
		}
		g_assert_cmpfloat(member_hears_db(talker, tones[t], PEAK, HEAR_MS), <, -60);
		house_close(&h);
	}
}

/* Two talk: the own voice is not in what one hears of the other. */
static void test_own(void)
{
	for (size_t i = 0; i < KINDS; i++) {
		struct house h = house_open();
		struct member *mb = join(&h, &kinds[i], tones[0], PEAK), *other = join(&h, &kinds[KINDS - 2], tones[1], PEAK);
		double own, db;

		stage_run(h.s, RUN_MS);
		own = member_hears_db(mb, tones[0], PEAK, HEAR_MS);
		db = member_hears_db(mb, tones[1], PEAK, HEAR_MS);
		g_test_message("%s: own voice %.1f dB, the other's %+.2f", kinds[i].name, own, db);
		g_assert_cmpfloat(own, <, -60);
		g_assert_cmpfloat(fabs(db), <, 0.5);
		g_assert_cmpfloat(member_hears_db(other, tones[1], PEAK, HEAR_MS), <, -60);
		house_close(&h);
	}
}

/* --- all talk --- */

enum { ALL = 2 * KINDS, SECOND = 1000 };

/* Whole numbers of Hz, so that a second takes them apart without rest. */
static double hz_of(unsigned i)
{
	static const double hz[ALL] = {307, 449, 587, 743, 907, 1061, 1213, 1381, 1511, 1667, 1811, 1979, 2129, 2287, 2441, 2593};

	return hz[i];
}

static double tone_power(const float *smp, size_t n, double srate, double hz)
{
	double re = 0, im = 0;

	for (size_t i = 0; i < n; i++) {
		re += (double)smp[i] * cos(2 * G_PI * hz * (double)i / srate);
		im += (double)smp[i] * sin(2 * G_PI * hz * (double)i / srate);
	}
	return 2 * (re * re + im * im) / (double)n / (double)n;
}

struct heard { double clipped, own_db, least_db, most_db, rest_db; };

/* In smp, all but the tone of `me`: the tones against `peak`, its own against the mean of theirs, what is no tone against all,
 * and which share of the samples is at full scale. */
static struct heard judge(const float *smp, size_t n, double srate, unsigned me, double peak)
{
	struct heard h = {.least_db = 1e9, .most_db = -1e9};
	double power = 0, tones_power = 0, own = 0;

	for (size_t i = 0; i < n; i++) {
		h.clipped += (fabs((double)smp[i]) > 0.999) / (double)n;
		power += (double)smp[i] * (double)smp[i] / (double)n;
	}
	for (unsigned k = 0; k < ALL; k++) {
		double p = tone_power(smp, n, srate, hz_of(k)), db = 10 * log10(p * 2 / peak / peak + 1e-20);

		if (k == me) {
			own = p;
			continue;
		}
		tones_power += p;
		h.least_db = MIN(h.least_db, db);
		h.most_db = MAX(h.most_db, db);
	}
	h.own_db = 10 * log10(own / (tones_power / (ALL - 1)) + 1e-20);
	h.rest_db = 10 * log10(MAX(power - tones_power, 1e-20) / power);
	return h;
}

static struct heard hear(const struct member *mb, unsigned me, double peak)
{
	double srate = mb->peer->codec->srate;
	size_t n = (size_t)srate * SECOND / 1000;
	g_autofree float *smp = peer_last(mb->peer, n, 0);

	return judge(smp, n, srate, me, peak);
}

static void all_talk(struct heard heard[ALL], double peak)
{
	struct house h = house_open();
	struct member *mb[ALL];

	for (unsigned i = 0; i < ALL; i++)
		mb[i] = join(&h, &kinds[i % KINDS], hz_of(i), peak);
	stage_run(h.s, 3000);
	for (unsigned i = 0; i < ALL; i++) {
		heard[i] = hear(mb[i], i, peak);
		g_test_message("%s: tones %+.2f .. %+.2f dB, own %.1f, no tone %.1f dB, %.2f %% clipped", kinds[i % KINDS].name,
			       heard[i].least_db, heard[i].most_db, heard[i].own_db, heard[i].rest_db, heard[i].clipped * 100);
	}
	house_close(&h);
}

/* Sixteen talk, under full scale together: everybody hears all but itself, as loud as they were. */
static void test_all_soft(void)
{
	struct heard h[ALL];

	all_talk(h, 0.05);
	for (unsigned i = 0; i < ALL; i++) {
		g_assert_cmpfloat(h[i].least_db, >, -0.5);
		g_assert_cmpfloat(h[i].most_db, <, 0.5);
		g_assert_cmpfloat(h[i].own_db, <, -40);         /* Opus' noise is there; without that, see own */
	}
}

/* What is left of fifteen at full scale when nobody turns them down. */
static double clipped_rest_db(void)
{
	g_autofree float *smp = g_new(float, 48000);

	for (size_t i = 0; i < 48000; i++) {
		double sum = 0;

		for (unsigned k = 1; k < ALL; k++)
			sum += sin(2 * G_PI * hz_of(k) * (double)i / 48000 + k);
		smp[i] = (float)CLAMP(sum, -1, 1);
	}
	return judge(smp, 48000, 48000, 0, 1).rest_db;
}

/* Sixteen at full scale, 24 dB too much: turned down alike, not clipped. What a filter makes of a peak at the ceiling may
 * be over it, for a sample or two. */
static void test_all_loud(void)
{
	double clipped = clipped_rest_db();
	struct heard h[ALL];

	all_talk(h, 1.0);
	g_test_message("clipped, no tone would be %.1f dB", clipped);
	for (unsigned i = 0; i < ALL; i++) {
		g_assert_cmpfloat(h[i].clipped, <, 1e-3);
		g_assert_cmpfloat(h[i].most_db - h[i].least_db, <, 2.5);
		g_assert_cmpfloat(h[i].most_db, <, -15);
		g_assert_cmpfloat(h[i].rest_db, <, clipped - 5);
	}
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < KINDS; i++) {
		g_autofree char *path = g_strdup_printf("/quality/from-%s", kinds[i].name);

		g_test_add_data_func(path, &kinds[i], test_pairs);
	}
	g_test_add_func("/quality/own", test_own);
	g_test_add_func("/quality/all-soft", test_all_soft);
	g_test_add_func("/quality/all-loud", test_all_loud);
	return g_test_run();
}
