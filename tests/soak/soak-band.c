/*
 * soak-band.c - an hour of a band on a clock turned by hand: does anybody hear a click, does anything grow?
 *
 *     singer ))) a tone        card fast by 150 ppm, a quiet line
 *     ear                      card slow by 200 ppm, some jitter: judged
 *     far                      a line that loses one packet in a hundred
 *     the fourth               joins and leaves five times a minute, each time with another card, codec, line; soft
 *
 * All the time: the ear hears the singer's tone without a bend or a turn of its phase, at one delay, through ten
 * comings and goings a minute. After each minute, with the fourth gone: heap, descriptors, delay, and what was dropped
 * are as after the first.
 *
 * BAND_MINUTES=60 for the hour; two minutes otherwise.
 */
#include <dirent.h>
#include <glib.h>
#include <complex.h>
#include <malloc.h>
#include <math.h>
#include <stdlib.h>
#include "tests/lib/gig.h"
#include "tests/lib/signal.h"

enum {
	VISITS = 5, STAY_MS = 6000, AWAY_MS = 6000, SETTLE_MS = 15000,
	MINUTES = 2, MINUTES_MAX = 24 * 60,
	WINDOW = 48000 * 6,
};

/* Both have whole periods in a second, so phases of windows compare. */
#define RULER_HZ 11.0
#define TONE_HZ  443.0
#define RULER    0.1
#define TONE     0.2
#define SOFT     0.01
#define SINGER_PPM 150
#define EAR_PPM    (-200)

struct minute {
	double bend, jump, delay_ms;
	size_t heap;
	unsigned fds;
	uint64_t concealed, xruns, dropped;
};

struct soak {
	struct gig *g;
	struct gig_player *singer, *ear, *far;
	float heard[WINDOW];      /* by the ear, since it was last judged */
	size_t n_heard;
	double heard_us;          /* when the last sample of it was played */
	double sung_us;           /* when the singer's card turned last, and what its sample was then */
	uint64_t sung;
	struct minute min[MINUTES_MAX];
};

static void sing(struct gig_player *p, float *in, uint32_t n, uint64_t smp, void *arg)
{
	struct soak *k = arg;

	k->sung_us = p->next_us;
	k->sung = smp;
	for (uint32_t i = 0; i < n; i++) {
		double t = (double)((smp + i) % 48000) / 48000;

		in[2 * i] = in[2 * i + 1] = (float)(RULER * sin(2 * G_PI * RULER_HZ * t) +
							TONE * sin(2 * G_PI * TONE_HZ * t));
	}
}

/* The fourth: a chord of its own, faded in and out by nobody but the house. */
static void visitor_play(struct gig_player *p, float *in, uint32_t n, uint64_t smp, void *arg)
{
	for (uint32_t i = 0; i < n; i++)
		in[2 * i] = in[2 * i + 1] = (float)(SOFT * sin(2 * G_PI * 1511.3 * (double)(smp + i) / 48000));
}

static void listen_to(struct gig_player *p, const float *out, uint32_t n, uint64_t smp, void *arg)
{
	struct soak *k = arg;

	for (uint32_t i = 0; i < n && k->n_heard < WINDOW; i++)
		k->heard[k->n_heard++] = out[2 * i];
	k->heard_us = p->next_us + n / 0.048;
}

static void soak_open(struct soak *k)
{
	struct gig_player_conf c = {.codec = "L16", .channels = 1, .ptime_us = 1334, .period_smp = 64,
				    .buffer = GIG_BUFFER_FIT, .arg = k,
				    .up = {2000, 200, 0}, .down = {2000, 200, 0}};

	k->g = gig_new(1);
	c.ppm = SINGER_PPM;
	c.take = sing;
	k->singer = gig_join(k->g, &c);
	c.ppm = EAR_PPM;
	c.take = NULL;
	c.play = listen_to;
	k->ear = gig_join(k->g, &c);
	c.ppm = 30;
	c.play = NULL;
	c.red = 1;
	c.up = c.down = (struct gig_net){9000, 3000, 1};
	k->far = gig_join(k->g, &c);
}

/* --- what the ear hears --- */

/* The sharpest bend: a step of x is one of x; the tone, the ruler and the visitor have 0.001. */
static double bend(const float *smp, size_t n)
{
	double most = 0;

	for (size_t i = 1; i + 1 < n; i++)
		most = MAX(most, fabs((double)smp[i - 1] - 2.0 * (double)smp[i] + (double)smp[i + 1]));
	return most;
}

static double phase_of(const float *smp, size_t n)
{
	double complex sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += (double)smp[i] * cexp(-I * 2 * G_PI * RULER_HZ * (double)i / 48000);
	return carg(sum) + G_PI / 2;
}

/* From the singer's port to the ear's, within a period of the ruler (91 ms). */
static double delay_ms(const struct soak *k)
{
	/* a sample */
	const double sung_ms = 1 / 48.0 / (1 + SINGER_PPM * 1e-6), heard_ms = 1 / 48.0 / (1 + EAR_PPM * 1e-6);
	const double period = 48000 / RULER_HZ * sung_ms;
	double out_ms = k->heard_us / 1000 - 48000 * heard_ms, in_ms;

	in_ms = k->sung_us / 1000 - (double)k->sung * sung_ms;
	in_ms += phase_of(k->heard + k->n_heard - 48000, 48000) / (2 * G_PI) * period;
	return out_ms - in_ms - floor((out_ms - in_ms) / period) * period;
}

static void judge_window(struct soak *k, struct minute *m)
{
	g_assert_cmpuint(k->n_heard, >=, 48000);
	m->bend = MAX(m->bend, bend(k->heard, k->n_heard));
	m->jump = MAX(m->jump, signal_phase_jump(k->heard, k->n_heard, 48000, TONE_HZ));
	m->delay_ms = delay_ms(k);
	k->n_heard = 0;
}

/* --- a minute --- */

static void visit(struct soak *k)
{
	static const struct { const char *codec; uint8_t channels; uint32_t ptime_us; } codecs[] = {
		{"L16", 1, 1334}, {"L16", 2, 2500}, {"opus", 2, 2500}, {"opus", 1, 5000}, {"L24", 1, 1334}};
	static const uint32_t periods[] = {64, 128, 256};
	unsigned c = gig_dice(k->g, G_N_ELEMENTS(codecs));
	struct gig_player_conf conf = {.codec = codecs[c].codec, .channels = codecs[c].channels,
				       .ptime_us = codecs[c].ptime_us,
				       .period_smp = periods[gig_dice(k->g, G_N_ELEMENTS(periods))],
				       .buffer = GIG_BUFFER_FIT,
				       .ppm = (double)gig_dice(k->g, 401) - 200, .take = visitor_play, .arg = k};
	struct gig_player *p;

	conf.up = conf.down = (struct gig_net){gig_dice(k->g, 20000), gig_dice(k->g, 4000), 0};
	p = gig_join(k->g, &conf);
	gig_run(k->g, STAY_MS);
	gig_leave(k->g, p);
}

static unsigned descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static uint64_t made_up(const struct soak *k)
{
	struct leg_stats up, down;

	leg_stats(k->singer->far, &up);
	leg_stats(k->ear->leg, &down);
	return up.concealed + down.concealed;
}

static void minute_run(struct soak *k, struct minute *m)
{
	uint64_t before = made_up(k);
	struct card_stats cs;

	for (unsigned i = 0; i < VISITS; i++) {
		visit(k);
		judge_window(k, m);
		gig_run(k->g, AWAY_MS);
		judge_window(k, m);
	}
	card_stats(k->ear->card, &cs);
	m->concealed = made_up(k) - before;
	m->xruns = cs.xruns;
	m->dropped = cs.dropped_smp;
	m->heap = mallinfo2().uordblks;
	m->fds = descriptors();
}

static unsigned minutes_wanted(void)
{
	const char *env = getenv("BAND_MINUTES");
	unsigned n = env ? (unsigned)strtoul(env, NULL, 10) : MINUTES;

	return CLAMP(n, 2, MINUTES_MAX);
}

static void judge(const struct minute *m, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		g_assert_cmpfloat(m[i].bend, <, 0.015);      /* a frame of the tone left out is 0.05 and more */
		g_assert_cmpfloat(m[i].jump, <, 0.15);
		/* Two cards that drift: it goes to and fro by a frame, 1.33 ms, while that is played away. */
		g_assert_cmpfloat(fabs(m[i].delay_ms - m[0].delay_ms), <, 1.4);
		g_assert_cmpuint(m[i].concealed, ==, 0);
		g_assert_cmpuint(m[i].xruns + m[i].dropped, ==, 0);
		g_assert_cmpuint(m[i].fds, ==, m[0].fds);
	}
	g_assert_cmpuint(m[n - 1].heap, <, m[n > 2 ? 1 : 0].heap + 64 * 1024);
}

static void test_soak(void)
{
	struct soak *k = g_new0(struct soak, 1);
	unsigned n = minutes_wanted();

	soak_open(k);
	gig_run(k->g, SETTLE_MS);
	k->n_heard = 0;
	for (unsigned i = 0; i < n; i++) {
		struct minute *m = &k->min[i];

		minute_run(k, m);
		g_test_message("minute %u: bend %.4f, phase %.3f, delay %.2f ms, %" G_GUINT64_FORMAT
			       " made up, %" G_GUINT64_FORMAT
			       " xruns, heap %zu KiB, %u fds", i + 1, m->bend, m->jump, m->delay_ms, m->concealed,
			       m->xruns, m->heap / 1024, m->fds);
	}
	judge(k->min, n);
	gig_free(k->g);
	g_free(k);
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/soak/band", test_soak);
	return g_test_run();
}
