/*
 * bench-jitter.c - what does the jitter buffer cost in delay, and what in sound, on four kinds of network?
 *
 *     bench-jitter [SEED]      CSV: network, mode, setting ms, delay ms (mean, 95th percentile), concealed %, lost %
 *
 * A minute of 20 ms packets for each row, on a clock turned by hand. Delay is that of the sound given out against the
 * fastest a packet could have come; concealed is the share of time for which there was no packet. "lost" is what the
 * network itself lost: below that no buffer comes. A fixed buffer is measured at many settings, which draws the curve that
 * can be had without adapting; the adaptive one with its usual bounds, one point for each lower bound. "server" is the
 * adaptive one as the server runs it, that begins with the setting and is read by somebody who plays faster or slower
 * (pace.h). "music" and "auto" are frames of 2.5 ms: a fixed buffer, and one that finds its size and begins with the setting.
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
#include "mixer/pace.h"

enum { PACKETS_MAX = 24000, MINUTE_US = 60000000, TICK_US = 2500, CLOCK = 48000, BASE_US = 30000, NEVER = -1, SETTLE_US = 3000000,
       PHONE_US = 20000, MUSIC_US = 2500, RATE = PACE_RATE };

/* A kind of buffer; settings in ms. */
struct mode { const char *name; bool fixed, server, music; const uint32_t *setting; size_t n; };

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
static unsigned arrivals(int64_t *at_us, const struct network *net, uint32_t frame_us, uint64_t seed)
{
	struct dice d = {.state = seed * 2654435761u + 1};
	struct path p = {.last_us = 0};
	unsigned lost = 0;

	for (uint32_t i = 0; i < MINUTE_US / frame_us; i++) {
		double t = (double)i * frame_us, extra = net->extra(&d, &p, t);

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
	const struct mode *mode;
	uint32_t frame_us;
	struct pace pace;
	size_t queued;            /* samples */
	double delay_ms[PACKETS_MAX];
	size_t n;
	int64_t concealed_us, played_us;
};

static void put(struct listener *l, int i, int64_t now_us)
{
	uint8_t payload[160] = {0};
	struct rtp_pkt pkt = {.pt = 0, .seq = (uint16_t)i, .ts = (uint32_t)i * (l->frame_us * (CLOCK / 1000) / 1000), .ssrc = 1,
			      .payload = payload, .len = 160};

	pace_packet_rt(&l->pace, CLOCK, pkt.ts, (uint64_t)now_us);
	(void)jitter_put_rt(l->j, &pkt, (uint64_t)now_us);
}

/* People talk in phrases: a second and a half of sound, a second of quiet. */
static bool is_quiet(const struct listener *l, uint16_t seq) { return seq * l->frame_us / PHONE_US % 125 >= 75; }

static void steer(struct listener *l, int64_t now_us)
{
	struct pace_level level = {.tick_us = TICK_US, .music = l->mode->music, .hold = l->mode->music && l->mode->fixed,
				   .queued = (uint32_t)l->queued};
	struct jitter_stats s;

	jitter_stats(l->j, &s);
	level.excess_us = s.excess_us;
	level.resting = s.resting;
	if (l->mode->server && pace_frame_rt(&l->pace, &level, (uint64_t)now_us))
		jitter_shrunk_rt(l->j, (uint64_t)now_us);
}

static void queue(struct listener *l, size_t n)
{
	static float in[RATE / 10], out[RATE / 10 + PACE_ROOM];

	l->queued += pace_on(&l->pace) ? pace_rt(&l->pace, out, in, n) : n;
	if (pace_due(&l->pace) && l->queued >= WARP_KEEP)
		pace_join_rt(&l->pace, in, 1);
}

static void pull(struct listener *l, int64_t now_us)
{
	size_t n = pace_need(&l->pace, RATE / 1000 * TICK_US / 1000 - l->queued);
	struct jitter_frame f = {.payload = NULL};
	enum jitter_result r;
	double sound_at = (double)now_us + (double)l->queued * 1e6 / RATE;

	jitter_hold_rt(l->j, -1, RATE / 1000 * TICK_US / 1000, (uint32_t)l->queued);
	r = jitter_get_rt(l->j, &f, (uint32_t)n, (uint64_t)now_us);
	if (r == JITTER_FRAME) {
		n = (size_t)l->frame_us * (RATE / 1000) / 1000;
		jitter_played_rt(l->j, (uint32_t)n);
		jitter_quiet_rt(l->j, !l->mode->music && is_quiet(l, f.seq));
		steer(l, now_us);
		if (now_us > SETTLE_US && l->n < PACKETS_MAX)
			l->delay_ms[l->n++] = (sound_at - (double)f.seq * l->frame_us - BASE_US) / 1000;
	} else if (now_us > SETTLE_US) {
		l->concealed_us += (int64_t)(n * 1000000 / RATE);
	}
	l->played_us += now_us > SETTLE_US ? (int64_t)(n * 1000000 / RATE) : 0;
	queue(l, n);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void hear(struct outcome *o, const struct mode *m, const struct jitter_conf *conf, const int64_t *at_us, uint32_t frame_us,
		 unsigned lost)
{
	const size_t tick = RATE / 1000 * TICK_US / 1000;
	static struct listener l;
	uint32_t n_packets = MINUTE_US / frame_us, next = 0;

	memset(&l, 0, sizeof(l));
	l.mode = m;
	l.frame_us = frame_us;
	if (jitter_alloc(&l.j, conf) || pace_init(&l.pace))
		exit(69);
	for (int64_t now = 0; now < MINUTE_US; now += TICK_US) {
		for (; next < n_packets && at_us[next] <= now; next++)
			if (at_us[next] != NEVER)
				put(&l, (int)next, at_us[next]);
		while (now >= BASE_US && l.queued < tick)
			pull(&l, now);
		l.queued -= now >= BASE_US ? tick : 0;
	}
	mem_deref(l.j);
	qsort(l.delay_ms, l.n, sizeof(double), compare);
	memset(o, 0, sizeof(*o));
	for (size_t i = 0; i < l.n; i++)
		o->mean_ms += l.delay_ms[i] / (double)l.n;
	o->p95_ms = l.n ? l.delay_ms[l.n * 95 / 100] : 0;
	o->concealed_pct = 100.0 * (double)l.concealed_us / (double)l.played_us;
	o->lost_pct = 100.0 * lost / n_packets;
}

static void row(const struct network *net, const struct mode *m, uint32_t ms, uint64_t seed)
{
	const uint32_t frame_us = m->music ? MUSIC_US : PHONE_US;
	struct jitter_conf conf = {.clock = CLOCK, .min_ms = ms, .max_ms = m->fixed ? ms + 40 : 300, .fixed = m->fixed || m->music,
				   .steered = m->server, .max_payload = 160, .n_slots = 64};
	static int64_t at_us[PACKETS_MAX];
	unsigned lost = arrivals(at_us, net, frame_us, seed);
	struct outcome o;

	if (m->server && !m->fixed) {
		conf.min_ms = 0;
		conf.start_ms = ms;
		conf.fit = m->music;
	}
	hear(&o, m, &conf, at_us, frame_us, lost);
	printf("%s,%s,%u,%.2f,%.2f,%.3f,%.3f\n", net->name, m->name, ms, o.mean_ms, o.p95_ms, o.concealed_pct, o.lost_pct);
}

int main(int argc, char **argv)
{
	static const uint32_t fixed[] = {0, 5, 10, 20, 30, 40, 60, 80, 120, 160, 200}, adaptive[] = {0, 10, 20, 40, 60}, start[] = {0, 10, 20};
	static const uint32_t music[] = {0, 5, 10, 20}, start_music[] = {0, 5};
	static const struct mode modes[] = {
		{"fixed", true, false, false, fixed, sizeof(fixed) / sizeof(*fixed)},
		{"adaptive", false, false, false, adaptive, sizeof(adaptive) / sizeof(*adaptive)},
		{"server", false, true, false, start, sizeof(start) / sizeof(*start)},
		{"music", true, true, true, music, sizeof(music) / sizeof(*music)},
		{"auto", false, true, true, start_music, sizeof(start_music) / sizeof(*start_music)},
	};
	uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;

	puts("network,mode,setting_ms,delay_ms,delay_p95_ms,concealed_pct,lost_pct");
	for (size_t n = 0; n < sizeof(networks) / sizeof(networks[0]); n++)
		for (size_t m = 0; m < sizeof(modes) / sizeof(modes[0]); m++)
			for (size_t i = 0; i < modes[m].n; i++)
				row(&networks[n], &modes[m], modes[m].setting[i], seed);
	return 0;
}
