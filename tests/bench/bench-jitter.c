/*
 * bench-jitter.c - what does the jitter buffer cost in delay, and what in sound, on four kinds of network?
 *
 *     bench-jitter [SEED]      CSV: network, mode, setting ms, delay ms (mean, 95th percentile), concealed %, lost %
 *
 * A minute of 20 ms packets for each row, on a clock turned by hand. Delay is that of the sound given out against the
 * fastest a packet could have come; concealed is the share of time for which there was no packet. "lost" is what the
 * network itself lost: below that no buffer comes. A fixed buffer is measured at many settings, which draws the curve that
 * can be had without adapting; the adaptive one with its usual bounds, one point for each lower bound.
 *
 * The networks are made from a seed, after what is seen in the field:
 *     clean   a wired network: half a millisecond of jitter
 *     wifi    a few milliseconds, and every second or two the air is taken for 30 to 120 ms: then all comes at once
 *     4g      a wandering delay of tens of milliseconds; now and then a handover of 150 to 250 ms
 *     step    the path becomes 60 ms longer after 20 s, and short again after 40 s
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <re.h>
#include "mixer/jitter.h"

enum { PACKETS = 3000, FRAME_US = 20000, TICK_US = 2500, CLOCK = 8000, BASE_US = 30000, NEVER = -1, SETTLE_US = 3000000 };

struct dice { uint64_t state; };

struct path { double until_us, wander_ms; int64_t last_us; };

struct outcome { double mean_ms, p95_ms, concealed_pct, lost_pct; };

static double throw(struct dice *d)
{
	d->state ^= d->state >> 12;
	d->state ^= d->state << 25;
	d->state ^= d->state >> 27;
	return (double)((d->state * 0x2545f4914f6cdd1dull) >> 11) / 9007199254740992.0;
}

static double exponential(struct dice *d, double mean) { return -mean * log(1 - throw(d)); }

static double gauss(struct dice *d)
{
	return sqrt(-2 * log(1 - throw(d))) * cos(2 * M_PI * throw(d));
}

/* ---- networks: extra delay of a packet sent at t, in microseconds; NEVER: lost ---- */

static double clean(struct dice *d, struct path *p, double t)
{
	(void)p;
	(void)t;
	return throw(d) < 0.0005 ? NEVER : throw(d) * 500;
}

static double wifi(struct dice *d, struct path *p, double t)
{
	if (t > p->until_us && throw(d) < 0.015)
		p->until_us = t + 30000 + throw(d) * 90000;
	if (throw(d) < 0.005)
		return NEVER;
	return exponential(d, 2500) + (t < p->until_us ? p->until_us - t : 0);
}

static double mobile(struct dice *d, struct path *p, double t)
{
	if (t > p->until_us && throw(d) < 0.002)
		p->until_us = t + 150000 + throw(d) * 100000;
	p->wander_ms = 0.97 * p->wander_ms + 3 * gauss(d);
	if (throw(d) < 0.003)
		return NEVER;
	return fabs(p->wander_ms) * 1000 + exponential(d, 4000) + (t < p->until_us ? p->until_us - t : 0);
}

static double step(struct dice *d, struct path *p, double t)
{
	(void)p;
	return (throw(d) < 0.001 ? NEVER : throw(d) * 1500 + (t >= 20e6 && t < 40e6 ? 60000 : 0));
}

static const struct network {
	const char *name;
	double (*extra)(struct dice *d, struct path *p, double t);
} networks[] = {{"clean", clean}, {"wifi", wifi}, {"4g", mobile}, {"step", step}};

/* Queues keep order: nobody overtakes. */
static unsigned arrivals(int64_t *at_us, const struct network *net, uint64_t seed)
{
	struct dice d = {.state = seed * 2654435761u + 1};
	struct path p = {.last_us = 0};
	unsigned lost = 0;

	for (int i = 0; i < PACKETS; i++) {
		double t = (double)i * FRAME_US, extra = net->extra(&d, &p, t);

		at_us[i] = extra == NEVER ? NEVER : (int64_t)(t + BASE_US + extra);
		lost += extra == NEVER;
		if (at_us[i] != NEVER && at_us[i] < p.last_us)
			at_us[i] = p.last_us;
		p.last_us = at_us[i] == NEVER ? p.last_us : at_us[i];
	}
	return lost;
}

/* ---- a listener ---- */

struct listener {
	struct jitter *j;
	int64_t queued_us;
	double delay_ms[PACKETS];
	size_t n;
	int64_t concealed_us, played_us;
};

static void put(struct listener *l, int i, int64_t now_us)
{
	uint8_t payload[160] = {0};
	struct rtp_pkt pkt = {.pt = 0, .seq = (uint16_t)i, .ts = (uint32_t)i * 160, .ssrc = 1, .payload = payload, .len = 160};

	(void)jitter_put_rt(l->j, &pkt, (uint64_t)now_us);
}

/* People talk in phrases: a second and a half of sound, a second of quiet. */
static bool is_quiet(uint16_t seq) { return seq % 125 >= 75; }

static void pull(struct listener *l, int64_t now_us)
{
	struct jitter_frame f = {.payload = NULL};
	enum jitter_result r = jitter_get_rt(l->j, &f, CLOCK / 1000 * TICK_US / 1000, (uint64_t)now_us);
	int64_t us = r == JITTER_FRAME ? FRAME_US : TICK_US, sound_at = now_us + l->queued_us;

	if (r == JITTER_FRAME) {
		jitter_played_rt(l->j, 160);
		jitter_quiet_rt(l->j, is_quiet(f.seq));
		if (now_us > SETTLE_US && l->n < PACKETS)
			l->delay_ms[l->n++] = (double)(sound_at - (int64_t)f.seq * FRAME_US - BASE_US) / 1000;
	} else if (now_us > SETTLE_US) {
		l->concealed_us += us;
	}
	l->played_us += now_us > SETTLE_US ? us : 0;
	l->queued_us += us;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void hear(struct outcome *o, const struct jitter_conf *conf, const int64_t *at_us, unsigned lost)
{
	static struct listener l;
	int next = 0;

	memset(&l, 0, sizeof(l));
	if (jitter_alloc(&l.j, conf))
		exit(69);
	for (int64_t now = 0; now < (int64_t)PACKETS * FRAME_US; now += TICK_US) {
		for (; next < PACKETS && at_us[next] <= now; next++)
			if (at_us[next] != NEVER)
				put(&l, next, at_us[next]);
		while (now >= BASE_US && l.queued_us < TICK_US)
			pull(&l, now);
		l.queued_us -= now >= BASE_US ? TICK_US : 0;
	}
	mem_deref(l.j);
	qsort(l.delay_ms, l.n, sizeof(double), compare);
	memset(o, 0, sizeof(*o));
	for (size_t i = 0; i < l.n; i++)
		o->mean_ms += l.delay_ms[i] / (double)l.n;
	o->p95_ms = l.n ? l.delay_ms[l.n * 95 / 100] : 0;
	o->concealed_pct = 100.0 * (double)l.concealed_us / (double)l.played_us;
	o->lost_pct = 100.0 * lost / PACKETS;
}

static void row(const struct network *net, bool fixed, uint32_t setting_ms, uint64_t seed)
{
	struct jitter_conf conf = {.clock = CLOCK, .min_ms = setting_ms, .max_ms = fixed ? setting_ms + 40 : 300, .fixed = fixed,
				   .max_payload = 160, .n_slots = 64};
	static int64_t at_us[PACKETS];
	unsigned lost = arrivals(at_us, net, seed);
	struct outcome o;

	hear(&o, &conf, at_us, lost);
	printf("%s,%s,%u,%.2f,%.2f,%.3f,%.3f\n", net->name, fixed ? "fixed" : "adaptive", setting_ms, o.mean_ms, o.p95_ms,
	       o.concealed_pct, o.lost_pct);
}

int main(int argc, char **argv)
{
	static const uint32_t fixed[] = {0, 5, 10, 20, 30, 40, 60, 80, 120, 160, 200}, adaptive[] = {0, 10, 20, 40, 60};
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;

	puts("network,mode,setting_ms,delay_ms,delay_p95_ms,concealed_pct,lost_pct");
	for (size_t n = 0; n < sizeof(networks) / sizeof(networks[0]); n++) {
		for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
			row(&networks[n], true, fixed[i], seed);
		for (size_t i = 0; i < sizeof(adaptive) / sizeof(adaptive[0]); i++)
			row(&networks[n], false, adaptive[i], seed);
	}
	return 0;
}
