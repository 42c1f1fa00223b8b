/*
 * test-drift.c - a sender whose clock is wrong, a network, a jitter buffer, a reader: an hour of it in seconds.
 *
 * The reader is what leg_play is: it keeps a queue of sound, fills it from the jitter buffer, and takes a tick's worth.
 * Packets are read at the tick but stamped when they came, as the kernel does it (SO_TIMESTAMPNS).
 */
#include <glib.h>
#include <math.h>
#include <string.h>
#include <re.h>

#include "mixer/drift.h"
#include "mixer/jitter.h"
#include "mixer/warp.h"
#include "tests/lib/signal.h"

enum { CLOCK = 8000, HOUR_S = 3600, QUEUE = 4000 };

struct net { uint32_t base_us, jitter_us; unsigned spike_in; uint32_t spike_us; };   /* one of spike_in is so much later */

struct row {
	const char *name;
	double ppm;
	uint32_t frame_us, tick_us;
	struct jitter_conf conf;
	struct net net;
	bool correct;             /* false: the test's own proof that without it there is something to correct */
	double bound_us;          /* of the delay's variation, once settled */
};

#define VOICE {.clock = CLOCK, .min_ms = 20, .max_ms = 200, .max_payload = 200, .n_slots = 64}
#define MUSIC {.clock = CLOCK, .min_ms = 5, .max_ms = 40, .fixed = true, .max_payload = 200, .n_slots = 64}

static const struct row rows[] = {
	{"voice +200", 200, 20000, 10000, VOICE, {30000, 0, 0, 0}, true, 3000},
	{"voice -200", -200, 20000, 10000, VOICE, {30000, 0, 0, 0}, true, 3000},
	{"voice +200, jitter", 200, 20000, 10000, VOICE, {30000, 15000, 0, 0}, true, 6000},
	{"voice -200, jitter", -200, 20000, 10000, VOICE, {30000, 15000, 0, 0}, true, 6000},
	{"voice +50, jitter over the least delay", 50, 20000, 10000, VOICE, {30000, 40000, 0, 0}, true, 12000},
	{"music +200", 200, 5000, 2500, MUSIC, {3000, 1000, 0, 0}, true, 2000},
	{"music -200", -200, 5000, 2500, MUSIC, {3000, 1000, 0, 0}, true, 2000},
	{"voice +200, not corrected", 200, 20000, 10000, VOICE, {30000, 0, 0, 0}, false, 0},
	{"music -200, not corrected", -200, 5000, 2500, MUSIC, {3000, 1000, 0, 0}, false, 0},
};

static uint32_t rnd(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

struct world {
	const struct row *r;
	struct jitter *j;
	struct drift d;
	struct warp *w;
	uint32_t seed, k;         /* the next packet */
	double sent_us, due_us;   /* when it was sent, and when it arrives */
	size_t queued;
	unsigned silent;          /* answers that were no packet */
	double lo_us, hi_us;      /* delay of the sound */
	float ppm, ppm_lo, ppm_hi;
};

static void send_next(struct world *w)
{
	const struct net *n = &w->r->net;
	double at;

	w->sent_us = 1e6 + w->k * (double)w->r->frame_us / (1.0 + w->r->ppm * 1e-6);
	at = w->sent_us + n->base_us + (n->jitter_us ? rnd(&w->seed) % n->jitter_us : 0);
	if (n->spike_in && rnd(&w->seed) % n->spike_in == 0)
		at += n->spike_us;
	w->due_us = at > w->due_us ? at : w->due_us;      /* in order */
}

static void arrive(struct world *w, uint64_t now_us)
{
	while (w->due_us <= (double)now_us) {
		static const uint8_t payload[4];
		const uint32_t ts = 0xfff00000u + (uint32_t)((uint64_t)w->k * w->r->frame_us * CLOCK / 1000000);
		const struct rtp_pkt p = {.ssrc = 1, .seq = (uint16_t)w->k, .ts = ts, .payload = payload, .len = 4};

		drift_packet_rt(&w->d, ts, (uint64_t)w->due_us);
		(void)jitter_put_rt(w->j, &p, (uint64_t)w->due_us);
		w->k++;
		send_next(w);
	}
}

static void play(struct world *w, uint64_t now_us, size_t tick)
{
	const size_t frame = (size_t)((uint64_t)w->r->frame_us * CLOCK / 1000000);
	static float in[QUEUE], out[QUEUE];
	size_t n;

	while (w->queued < tick) {
		const uint32_t queued_us = (uint32_t)(w->queued * 1000000 / CLOCK);
		struct jitter_frame f;
		struct jitter_stats s;

		n = tick;
		if (jitter_get_rt(w->j, &f, (uint32_t)tick, now_us) == JITTER_FRAME) {
			double delay;

			n = frame;
			jitter_played_rt(w->j, (uint32_t)frame);
			jitter_stats(w->j, &s);
			w->ppm = drift_frame_rt(&w->d, s.excess_us, queued_us, w->r->tick_us, now_us);
			delay = (double)now_us + queued_us - (1e6 + (double)(w->k - (uint16_t)(w->k - f.seq)) * w->r->frame_us /
				(1.0 + w->r->ppm * 1e-6));
			w->lo_us = MIN(w->lo_us, delay);
			w->hi_us = MAX(w->hi_us, delay);
			w->ppm_lo = MIN(w->ppm_lo, w->ppm);
			w->ppm_hi = MAX(w->ppm_hi, w->ppm);
		} else {
			w->silent++;
		}
		w->queued += warp_rt(w->w, out, in, n, w->r->correct ? w->ppm : 0);
	}
	w->queued -= tick;
}

static void run_until(struct world *w, uint64_t *now_us, uint64_t end_us)
{
	w->lo_us = w->ppm_lo = 1e9f;
	w->hi_us = w->ppm_hi = -1e9f;
	w->silent = 0;
	for (; *now_us < end_us; *now_us += w->r->tick_us) {
		arrive(w, *now_us);
		play(w, *now_us, (size_t)((uint64_t)w->r->tick_us * CLOCK / 1000000));
	}
}

static uint64_t moved(const struct world *w)
{
	struct jitter_stats s;

	jitter_stats(w->j, &s);
	return s.dropped_shrink + s.stretched + s.lost + s.overflow + s.resets;
}

static void hour(const struct row *r)
{
	struct world w = {.r = r, .seed = 7};
	uint64_t now_us = 1000000, before;
	float est = 0;
	bool known;

	g_assert_cmpint(jitter_alloc(&w.j, &r->conf), ==, 0);
	g_assert_cmpint(warp_alloc(&w.w, 1), ==, 0);
	drift_init(&w.d, CLOCK);
	send_next(&w);

	run_until(&w, &now_us, now_us + 180 * 1000000ull);
	g_test_message("%s: settling: %" PRIu64 " moved, %u not packets, delay %.1f .. %.1f ms", r->name, moved(&w), w.silent,
		w.lo_us / 1e3, w.hi_us / 1e3);
	before = moved(&w);
	run_until(&w, &now_us, now_us + HOUR_S * 1000000ull);
	known = drift_known(&w.d, &est);
	g_test_message("%s: %" PRIu64 " moved, %u not packets, delay %.1f .. %.1f ms, clock %+.2f ppm, speed %+.1f .. %+.1f",
		r->name, moved(&w) - before, w.silent, w.lo_us / 1e3, w.hi_us / 1e3, (double)est, (double)w.ppm_lo, (double)w.ppm_hi);

	g_assert_true(known);
	g_assert_cmpfloat(fabs((double)est - r->ppm), <, 5.0);
	if (r->correct) {
		g_assert_cmpuint(moved(&w), ==, before);
		g_assert_cmpuint(w.silent, ==, 0);
		g_assert_cmpfloat(w.hi_us - w.lo_us, <, r->bound_us);
	} else {
		g_assert_cmpuint(moved(&w) + w.silent, >, before + 20);
	}
	mem_deref(w.w);
	mem_deref(w.j);
}

static void hours(void)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++)
		hour(&rows[i]);
}

/* Packets every 20 ms from a sender of so many ppm over a network of `base_us` and 5 ms of jitter, for n packets. */
static void packets(struct drift *d, double ppm, unsigned first, unsigned n, double base_us, uint32_t *seed)
{
	for (unsigned k = first; k < first + n; k++)
		drift_packet_rt(d, k * 160, (uint64_t)(1e6 + k * 20000.0 / (1 + ppm * 1e-6) + base_us + rnd(seed) % 5000));
}

/* A route that becomes 30 ms longer, then 20 shorter: the estimate stays. Not known before half a minute. */
static void routes(void)
{
	uint32_t seed = 3;
	struct drift d;
	float est = 0;

	drift_init(&d, CLOCK);
	packets(&d, 80, 0, 1000, 20000, &seed);
	g_assert_false(drift_known(&d, &est));
	packets(&d, 80, 1000, 5000, 20000, &seed);
	for (unsigned at = 6000; at < 18000; at += 200) {
		packets(&d, 80, at, 200, at < 12000 ? 50000 : 30000, &seed);
		g_assert_true(drift_known(&d, &est));
		g_assert_cmpfloat(fabs((double)est - 80), <, 15.0);
	}
	g_assert_cmpfloat(fabs((double)est - 80), <, 3.0);

	/* a sender that begins anew with other timestamps is the same clock */
	packets(&d, 80, 0x10000000, 1000, 20000, &seed);
	g_assert_true(drift_known(&d, &est));
	g_assert_cmpfloat(fabs((double)est - 80), <, 5.0);
	drift_reset_rt(&d);
	g_assert_false(drift_known(&d, &est));
}

/* Whatever timestamps and delays come: numbers within their bounds. */
static void nonsense(void)
{
	uint32_t seed = 9;
	uint64_t now_us = 0;
	struct drift d;
	float est;

	drift_init(&d, CLOCK);
	for (unsigned i = 0; i < 200000; i++) {
		const int32_t excess = (int32_t)(rnd(&seed) << 9), small = (int32_t)(rnd(&seed) % 100000) - 50000;
		float ppm;

		now_us += rnd(&seed) % (i % 1000 ? 20000 : 20000000);
		drift_packet_rt(&d, i % 3 ? i * 160 : rnd(&seed) << 8, now_us);
		ppm = drift_frame_rt(&d, i & 1 ? excess : small, rnd(&seed), rnd(&seed) % 100000, now_us);
		g_assert_true(ppm >= -DRIFT_PPM_MAX && ppm <= DRIFT_PPM_MAX);
		if (drift_known(&d, &est))
			g_assert_true(est >= -500 && est <= 500);
	}
}

/* What the steering does to a sine: the delay is measured with 2 ms of noise, the speed follows it. In fifths of a second,
 * for the pitch may wander, by some ten millionths, from one to the next. */
static void sound(void)
{
	enum { RATE = 48000, FRAME = 960, WINDOW = 10 };
	static float in[FRAME], out[WINDOW * (FRAME + 10)];
	uint32_t seed = 4;
	struct warp *w = NULL;
	double worst = 200, sum = 0;
	struct drift d;
	size_t n = 0;

	g_assert_cmpint(warp_alloc(&w, 1), ==, 0);
	drift_init(&d, CLOCK);
	for (unsigned k = 0; k < 6000; k++) {
		const uint64_t now_us = 1000000 + k * 20000ull;
		float ppm;

		packets(&d, 150, k, 1, 20000, &seed);
		ppm = drift_frame_rt(&d, (int32_t)(rnd(&seed) % 4000) - 2000, 0, 0, now_us);
		signal_sine(in, FRAME, (size_t)k * FRAME, RATE, 1000.0, 0.5);
		n += warp_rt(w, out + n, in, FRAME, ppm);
		sum += (double)ppm;
		if (k % WINDOW < WINDOW - 1)
			continue;
		if (k > 3000)
			worst = MIN(worst, signal_snr_db(out, n, RATE, 1000.0 * (1 + sum / WINDOW * 1e-6)));
		n = 0;
		sum = 0;
	}
	g_test_message("SNR of a steered sine: %.1f dB at the worst", worst);
	g_assert_cmpfloat(worst, >, 60.0);
	mem_deref(w);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/drift/hours", hours);
	g_test_add_func("/drift/routes", routes);
	g_test_add_func("/drift/nonsense", nonsense);
	g_test_add_func("/drift/sound", sound);
	return g_test_run();
}
