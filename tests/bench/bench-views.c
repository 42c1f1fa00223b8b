/*
 * bench-views.c - what a mix of one's own costs: a band in which all talk, each with a row for all the others, against the
 * same band without.
 *
 *     build/tests/bench/bench-views [MEMBERS]           12 when not said, at most 16
 *
 * Thread CPU time of the engine alone, sockets and all, on a clock turned by hand; the best of many short turns, in which the
 * kinds follow each other. The bare codec is one decode and one encode for each member, in the same process.
 */
#include <glib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <re.h>
#include "mixer/mixer.h"
#include "tests/lib/stage.h"

enum { TURNS = 60, TICKS = 24, SETTLE = 10, MEMBERS = 12, KINDS = 3 };

static const char *const kinds[KINDS] = {"no rows", "gains", "gains and places"};

static const struct peer_conf confs[] = {
	{"opus", 48000, 96, 2, 2500, 0, 0.05, false, NULL},
	{"L16", 48000, 98, 2, 2500, 0, 0.05, false, NULL},
	{"L16", 48000, 98, 2, 1333, 0, 0.05, false, NULL},
};

struct band { struct stage *s; struct bus *b; uint32_t smp; uint64_t n_smp; };

static double cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1000;
}

/* One quantum of the band's time; what the engine used of it. */
static double tick(struct band *b)
{
	struct stage *s = b->s;
	double before;

	b->n_smp += b->smp;
	s->now_us = 1000000000 + b->n_smp * 1000 / 48;
	for (unsigned i = 0; i < s->n; i++)
		peer_send(s->member[i]->peer, s->now_us);
	before = cpu_us();
	mixer_turn(s->m, s->now_us);
	before = cpu_us() - before;
	mixer_dispatch(s->m);
	for (unsigned i = 0; i < s->n; i++)
		peer_receive(s->member[i]->peer);
	return before;
}

static struct band band_new(const struct peer_conf *conf, unsigned n)
{
	struct bus_conf bc = {.music = true};
	struct band b = {.s = stage_new(1000), .smp = (conf->ptime_us * 48 + 500) / 1000};

	g_assert_cmpint(bus_alloc(&b.b, b.s->m, &bc), ==, 0);
	for (unsigned i = 0; i < n; i++) {
		struct peer_conf c = *conf;
		struct member *mb;

		c.hz = 200 + 137 * i;
		mb = stage_member(b.s, &c);
		g_assert_cmpint(leg_set_bus(mb->leg, b.b), ==, 0);
	}
	return b;
}

static void band_free(struct band *b)
{
	while (b->s->n)
		stage_remove(b->s, b->s->member[0]);
	mem_deref(b->b);
	stage_free(b->s);
}

/* Every cell is another: the gains of a row, and for the last kind its places. */
static void rows_set(struct band *b, int kind)
{
	unsigned n = b->s->n;

	for (unsigned i = 0; i < n; i++) {
		struct leg_view v[STAGE_MAX];
		size_t k = 0;

		for (unsigned o = 0; o < n && kind; o++)
			if (o != i)
				v[k++] = (struct leg_view){b->s->member[o]->leg, 0.3f + (float)((i + o) % 9) / 10,
							   kind == 1 ? LEG_PAN_SAME : (float)o / (float)n - 0.5f};
		g_assert_cmpint(leg_set_views(b->s->member[i]->leg, v, k), ==, 0);
	}
}

/* Decode and encode, as the engine's plans make them. */
static double codec_us(const struct peer_conf *conf)
{
	const struct codec *c = codec_find(conf->codec, conf->clock);
	struct codec_param pa = {.channels = conf->channels, .ptime_us = conf->ptime_us, .complexity = 5, .bitrate = 64000};
	size_t smp = (conf->ptime_us * 48 + 500) / 1000;
	struct codec_enc *enc = NULL;
	struct codec_dec *dec = NULL;
	double best = INFINITY;
	static float pcm[48000], out[CODEC_SMP_MAX * 2];
	static uint8_t buf[4096];

	g_assert_cmpint(c->enc_alloc(&enc, c, &pa), ==, 0);
	g_assert_cmpint(c->dec_alloc(&dec, c, &pa), ==, 0);
	for (unsigned i = 0; i < G_N_ELEMENTS(pcm); i++)
		pcm[i] = 0.2f * sinf((float)(i / 2) * 0.03f) + 0.1f * sinf((float)(i / 2) * 0.11f);
	for (unsigned turn = 0; turn < TURNS; turn++) {
		double before = cpu_us();

		for (unsigned f = 0; f < TICKS; f++) {
			int n = c->encode_rt(enc, buf, sizeof(buf), pcm + f % 100 * smp * 2, smp);

			if (n <= 0 || c->decode_rt(dec, out, CODEC_SMP_MAX, buf, (size_t)n) != (int)smp)
				abort();
		}
		before = (cpu_us() - before) / TICKS;
		best = MIN(best, before);
	}
	mem_deref(enc);
	mem_deref(dec);
	return best;
}

static void measure(const struct peer_conf *conf, unsigned n)
{
	double best[KINDS], codec = codec_us(conf);
	struct band b = band_new(conf, n);

	for (int k = 0; k < KINDS; k++)
		best[k] = INFINITY;
	for (unsigned turn = 0; turn < TURNS * KINDS; turn++) {
		int k = (int)(turn % KINDS);
		double us = 0;

		rows_set(&b, k);
		for (unsigned i = 0; i < SETTLE; i++)
			tick(&b);
		for (unsigned i = 0; i < TICKS; i++)
			us += tick(&b);
		best[k] = MIN(best[k], us / TICKS);
	}
	printf("%u members, %s stereo, %u samples: bare codec %.2f us a member and tick\n", n, conf->codec, b.smp, codec);
	for (int k = 0; k < KINDS; k++)
		printf("  %-18s %8.1f us a tick, %6.2f a member: rows %+.2f, %.2f x the bare codec\n", kinds[k], best[k], best[k] / n,
		       (best[k] - best[0]) / n, best[k] / n / codec);
	band_free(&b);
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : MEMBERS;

	if (n < 2 || n > STAGE_MAX) {
		fprintf(stderr, "usage: bench-views [MEMBERS]   2 to %d\n", STAGE_MAX);
		return 64;
	}
	for (unsigned i = 0; i < G_N_ELEMENTS(confs); i++)
		measure(&confs[i], (unsigned)n);
	return 0;
}
