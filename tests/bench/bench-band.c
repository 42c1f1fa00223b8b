/*
 * bench-band.c - two players, their cards and lines, and a server on a clock turned by hand: how late does one hear
 * the other, and how much of it is made up, for a choice of buffer and a network?
 *
 *     bench-band KIND BUFFER DELAY_MS JITTER_MS LOSS_PCT RED PPM SECONDS SEED
 *
 * KIND: l16-64, l16-128 (frame and period in samples), l16-64-441 (another period), opus-64 (frames of 2.5 ms, the
 * period). BUFFER: frames, 0 to 3, or auto; of both buffers on the way, the server's for the first player and the second one's own. DELAY, JITTER,
 * LOSS: of each of the two lines, each way. RED: older frames in each packet. The first card runs fast by PPM, the
 * second slow.
 *
 * One line: delay from the first one's port to the second one's (median, p95, in ms, network and all), frames
 * concealed a minute on the way (at the server and at the second player, lost or late), chirps sought and found.
 */
#include <glib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/lib/gig.h"
#include "jack/probe.h"

enum { SETTLE_S = 12, SEEK_SMP = 48000 / 4, PROBES_MAX = 20000 };

struct kind { const char *codec; uint8_t channels; uint32_t ptime_us, period; };

struct band {
	struct gig *gig;
	float probe[PROBE_SMP];
	double at_us[PROBES_MAX]; /* when they left the port */
	uint64_t at_smp[PROBES_MAX];
	unsigned n;
	float *heard;
	size_t n_heard, heard_max;
	double heard_us;          /* of the first sample */
};

/* As in a JACK port: a sample's time is that of its period, and its place there. */
static double sample_us(const struct gig_player *p, uint64_t i)
{
	return p->next_us + (double)i / 0.048 / (1 + p->conf.ppm * 1e-6);
}

static void mouth(struct gig_player *p, float *in, uint32_t n, uint64_t smp, void *arg)
{
	struct band *b = arg;

	if (b->n < PROBES_MAX && (!b->n || smp > b->at_smp[b->n - 1] + 12000 + gig_dice(b->gig, 4800))) {
		uint32_t in_period = gig_dice(b->gig, n);

		b->at_smp[b->n] = smp + in_period;
		b->at_us[b->n++] = sample_us(p, in_period);
	}
	if (!b->n)
		return;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t at = smp + i - b->at_smp[b->n - 1];

		if (smp + i >= b->at_smp[b->n - 1] && at < PROBE_SMP)
			in[2 * i] = in[2 * i + 1] = b->probe[at];
	}
}

static void ear(struct gig_player *p, const float *out, uint32_t n, uint64_t smp, void *arg)
{
	struct band *b = arg;

	if (!b->n_heard)
		b->heard_us = p->next_us;
	for (uint32_t i = 0; i < n && b->n_heard < b->heard_max; i++)
		b->heard[b->n_heard++] = out[2 * i];
}

static unsigned delays(const struct band *b, const struct gig_player *p, double *ms, unsigned first)
{
	double rate = 0.048 * (1 + p->conf.ppm * 1e-6);
	unsigned n = 0;

	for (unsigned i = first; i < b->n; i++) {
		double place = (b->at_us[i] - b->heard_us) * rate;
		struct probe_hit hit;

		if (place < 16 || (size_t)place + SEEK_SMP > b->n_heard)
			continue;
		if (probe_find(&hit, b->heard + (size_t)place - 16, SEEK_SMP))
			ms[n++] = ((double)((size_t)place - 16) + hit.at - place) / rate / 1000;
	}
	return n;
}

struct made_up { uint64_t server, player; };      /* frames */

static struct made_up made_up(const struct gig_player *from, const struct gig_player *to)
{
	struct leg_stats up, down;

	leg_stats(from->far, &up);
	leg_stats(to->leg, &down);
	return (struct made_up){up.concealed, down.concealed};
}

static bool kind_parse(struct kind *k, const char *name)
{
	unsigned frame, period;

	if (sscanf(name, "opus-%u", &period) == 1)
		*k = (struct kind){"opus", 2, 2500, period};
	else if (sscanf(name, "l16-%u-%u", &frame, &period) == 2)
		*k = (struct kind){"L16", 1, (frame * 1000 + 47) / 48, period};
	else if (sscanf(name, "l16-%u", &frame) == 1)
		*k = (struct kind){"L16", 1, (frame * 1000 + 47) / 48, frame};
	else
		return false;
	return k->period && k->period <= CARD_PERIOD_MAX;
}

static void measure(struct band *b, const struct gig_player_conf *one, const struct gig_player_conf *two,
		    unsigned seconds)
{
	struct gig_player *from = gig_join(b->gig, one), *to = gig_join(b->gig, two);
	double *ms = g_new(double, PROBES_MAX);
	struct probe_figures f;
	unsigned first;
	struct made_up before, after;

	b->heard_max = (size_t)(SETTLE_S + seconds + 1) * 48100;
	b->heard = g_new(float, b->heard_max);
	gig_run(b->gig, SETTLE_S * 1000);
	first = b->n;
	before = made_up(from, to);
	gig_run(b->gig, seconds * 1000);
	after = made_up(from, to);
	probe_figures(&f, ms, delays(b, to, ms, first));
	after.server -= before.server;
	after.player -= before.player;
	fprintf(stderr, "made up: %u at the server, %u at the player\n", (unsigned)after.server, (unsigned)after.player);
	printf("%.3f %.3f %.1f %u %u\n", f.p50, f.p95, (double)(after.server + after.player) * 60 / seconds, b->n - first, f.n);
	g_free(b->heard);
	g_free(ms);
}

int main(int argc, char **argv)
{
	struct gig_player_conf conf, other;
	static struct band b;
	struct kind k;

	if (argc != 10 || !kind_parse(&k, argv[1])) {
		fputs("usage: bench-band KIND BUFFER DELAY_MS JITTER_MS LOSS_PCT RED PPM SECONDS SEED\n", stderr);
		return 64;
	}
	conf = (struct gig_player_conf){.codec = k.codec, .channels = k.channels, .ptime_us = k.ptime_us,
					.period_smp = k.period, .ppm = strtod(argv[7], NULL),
					.take = mouth, .arg = &b};
	conf.buffer = strcmp(argv[2], "auto") ? atoi(argv[2]) : GIG_BUFFER_FIT;
	conf.up.delay_us = (uint32_t)(1000 * strtod(argv[3], NULL));
	conf.up.jitter_us = (uint32_t)(1000 * strtod(argv[4], NULL));
	conf.up.loss_pct = strtod(argv[5], NULL);
	conf.red = (uint8_t)atoi(argv[6]);
	conf.down = conf.up;
	other = conf;
	other.take = NULL;
	other.play = ear;
	other.ppm = -conf.ppm;
	b.gig = gig_new((uint32_t)atoi(argv[9]));
	b.gig->exact = true;
	probe_make(b.probe);
	measure(&b, &conf, &other, (unsigned)atoi(argv[8]));
	gig_free(b.gig);
	return 0;
}
