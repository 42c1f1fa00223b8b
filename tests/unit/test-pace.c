/*
 * test-pace.c - a sender whose clock is wrong, a network, a jitter buffer, a reader: an hour of it in seconds; and what is
 * decided, and how it sounds.
 *
 * The reader is what leg_play is: it keeps a queue of sound, fills it from the jitter buffer, and takes a tick's worth.
 * Packets are read at the tick but stamped when they came, as the kernel does it (SO_TIMESTAMPNS).
 */
#include <glib.h>
#include <math.h>
#include <string.h>
#include <re.h>

#include "mixer/jitter.h"
#include "mixer/pace.h"
#include "tests/lib/signal.h"

enum { CLOCK = 8000, RATE = PACE_RATE, HOUR_S = 3600, QUEUE = 8000 };

struct net { uint32_t base_us, jitter_us; unsigned spike_in; uint32_t spike_us; };   /* one of spike_in is so much later */

struct row {
	const char *name;
	double ppm;
	uint32_t frame_us, tick_us;
	struct jitter_conf conf;
	struct net net;
	bool correct;             /* false: the test's own proof that without it there is something to correct */
	double bound_us;          /* of the delay's variation, once settled */
	unsigned silent;          /* the target covers 99 packets of 100: where the other is later, so often in an hour */
};

#define VOICE {.clock = CLOCK, .start_ms = 10, .max_ms = 200, .max_payload = 200, .n_slots = 64, .steered = true}
#define MUSIC {.clock = CLOCK, .min_ms = 5, .max_ms = 40, .fixed = true, .max_payload = 200, .n_slots = 64, .steered = true}
#define FIT {.clock = CLOCK, .start_ms = 5, .max_ms = 40, .fixed = true, .fit = true, .max_payload = 200, .n_slots = 64, .steered = true}
#define ALONE {.clock = CLOCK, .min_ms = 20, .max_ms = 200, .max_payload = 200, .n_slots = 64}
#define MUSIC_ALONE {.clock = CLOCK, .min_ms = 5, .max_ms = 40, .fixed = true, .max_payload = 200, .n_slots = 64}

static const struct row rows[] = {
	{"voice +200", 200, 20000, 10000, VOICE, {30000, 0, 0, 0}, true, 13000, 0},
	{"voice -200", -200, 20000, 10000, VOICE, {30000, 0, 0, 0}, true, 13000, 0},
	{"voice +20", 20, 20000, 20000, VOICE, {30000, 0, 0, 0}, true, 22000, 0},
	{"voice -20", -20, 20000, 20000, VOICE, {30000, 0, 0, 0}, true, 22000, 0},
	{"voice +200, jitter", 200, 20000, 10000, VOICE, {30000, 15000, 0, 0}, true, 16000, 3},
	{"voice -200, jitter", -200, 20000, 10000, VOICE, {30000, 15000, 0, 0}, true, 16000, 3},
	{"voice +50, jitter over the least delay", 50, 20000, 10000, VOICE, {30000, 40000, 0, 0}, true, 20000, 20},
	{"music +200", 200, 5000, 2500, MUSIC, {3000, 1000, 0, 0}, true, 4500, 0},
	{"music -200", -200, 5000, 2500, MUSIC, {3000, 1000, 0, 0}, true, 4500, 0},
	{"music +200, found", 200, 5000, 2500, FIT, {3000, 1000, 0, 0}, true, 4500, 0},
	{"music -200, found", -200, 5000, 2500, FIT, {3000, 1000, 0, 0}, true, 4500, 0},
	{"voice +200, not corrected", 200, 20000, 10000, ALONE, {30000, 0, 0, 0}, false, 0, 0},
	{"music -200, not corrected", -200, 5000, 2500, MUSIC_ALONE, {3000, 1000, 0, 0}, false, 0, 0},
};

static uint32_t rnd(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

struct world {
	const struct row *r;
	struct jitter *j;
	struct pace pace;
	uint32_t seed, k;         /* the next packet */
	double sent_us, due_us;   /* when it was sent, and when it arrives */
	size_t queued;
	unsigned silent;          /* answers that were no packet */
	double lo_us, hi_us, sum_us;      /* delay of the sound */
	unsigned n, slips;
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

		pace_packet_rt(&w->pace, CLOCK, ts, (uint64_t)w->due_us);
		(void)jitter_put_rt(w->j, &p, (uint64_t)w->due_us);
		w->k++;
		send_next(w);
	}
}

/* As leg_play does it. */
static void queue(struct world *w, size_t n)
{
	static const float in[QUEUE];
	static float out[QUEUE + PACE_ROOM];

	w->queued += pace_on(&w->pace) ? pace_rt(&w->pace, out, in, n) : n;
	if (pace_due(&w->pace) && w->queued >= WARP_KEEP)
		pace_join_rt(&w->pace, in, 1);
}

static void frame(struct world *w, const struct jitter_frame *f, uint64_t now_us)
{
	const double sent_us = 1e6 + (double)(w->k - (uint16_t)(w->k - f->seq)) * w->r->frame_us / (1.0 + w->r->ppm * 1e-6);
	const double delay = (double)now_us + (double)w->queued * 1e6 / RATE - sent_us + (pace_on(&w->pace) ? 250 : 0);
	struct pace_level l = {.tick_us = w->r->tick_us, .music = w->r->conf.fixed, .hold = w->r->conf.fixed && !w->r->conf.fit,
			       .queued = (uint32_t)w->queued};
	struct jitter_stats s;

	jitter_played_rt(w->j, w->r->frame_us * CLOCK / 1000000);
	jitter_stats(w->j, &s);
	l.excess_us = s.excess_us;
	l.resting = s.resting;
	if (w->r->correct) {
		const bool before = pace_due(&w->pace);

		if (pace_frame_rt(&w->pace, &l, now_us))
			jitter_shrunk_rt(w->j, now_us);
		w->slips += !before && pace_due(&w->pace);
	}
	w->lo_us = MIN(w->lo_us, delay);
	w->hi_us = MAX(w->hi_us, delay);
	w->sum_us += delay;
	w->n++;
}

static void play(struct world *w, uint64_t now_us, size_t tick)
{
	while (w->queued < tick) {
		const size_t need = (pace_need(&w->pace, tick - w->queued) + 5) / 6 * 6;
		struct jitter_frame f;

		if (jitter_get_rt(w->j, &f, (uint32_t)(need / 6), now_us) == JITTER_FRAME) {
			frame(w, &f, now_us);
			queue(w, (size_t)w->r->frame_us * RATE / 1000000);
		} else {
			w->silent++;
			queue(w, need);
		}
	}
	w->queued -= tick;
}

static void run_until(struct world *w, uint64_t *now_us, uint64_t end_us)
{
	w->lo_us = 1e9;
	w->hi_us = -1e9;
	w->sum_us = 0;
	w->silent = w->n = w->slips = 0;
	for (; *now_us < end_us; *now_us += w->r->tick_us) {
		arrive(w, *now_us);
		play(w, *now_us, (size_t)((uint64_t)w->r->tick_us * RATE / 1000000));
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
	g_assert_cmpint(pace_init(&w.pace), ==, 0);
	send_next(&w);

	run_until(&w, &now_us, now_us + 180 * 1000000ull);
	g_test_message("%s: settling: %" PRIu64 " moved, %u not packets, delay %.1f .. %.1f ms", r->name, moved(&w), w.silent,
		w.lo_us / 1e3, w.hi_us / 1e3);
	before = moved(&w);
	run_until(&w, &now_us, now_us + HOUR_S * 1000000ull);
	known = drift_known(&w.pace.drift, &est);
	g_test_message("%s: %" PRIu64 " moved, %u not packets, delay %.1f .. %.1f ms, mean %.1f, clock %+.2f ppm, %u slips", r->name,
		moved(&w) - before, w.silent, w.lo_us / 1e3, w.hi_us / 1e3, w.sum_us / w.n / 1e3, (double)est, w.slips);

	g_assert_true(known);
	g_assert_cmpfloat(fabs((double)est - r->ppm), <, 5.0);
	if (r->correct) {
		g_assert_cmpuint(moved(&w), ==, before);
		g_assert_cmpuint(w.silent, <=, r->silent);
		g_assert_cmpfloat(w.hi_us - w.lo_us, <, r->bound_us);
	} else {
		g_assert_cmpuint(moved(&w) + w.silent, >, before + 20);
	}
	mem_deref(w.j);
}

static void hours(void)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++)
		hour(&rows[i]);
}

/* Frames of this excess for n seconds, 20 ms each; ends where a slip begins. */
static bool run_level(struct pace *p, struct pace_level l, unsigned seconds, uint64_t *now_us)
{
	for (unsigned i = 0; i < seconds * 50 && !pace_due(p); i++, *now_us += 20000)
		(void)pace_frame_rt(p, &l, *now_us);
	return pace_due(p);
}

static const struct choice {
	const char *name;
	struct pace_level l;
	double ppm;               /* of the sender; 0: not known */
	double ms;                /* by which the sound is to be longer; 0: no slip */
} choices[] = {
	{"a wait within a tick", {.tick_us = 20000, .excess_us = 19000}, 0, 0},
	{"more than a tick", {.tick_us = 20000, .excess_us = 21500}, 0, -20},
	{"more than a tick, but it grew just now", {.tick_us = 20000, .excess_us = 21500, .resting = true}, 0, 0},
	{"three ticks and a bit", {.tick_us = 20000, .excess_us = 61500}, 0, -60},
	{"no more than a second's worth at a time", {.tick_us = 20000, .excess_us = 900000}, 0, -160},
	{"a short wait, right clock", {.tick_us = 20000, .excess_us = 100}, 1, 0},
	{"a short wait, clock not known", {.tick_us = 20000, .excess_us = 100}, 0, 0},
	{"a short wait, slow clock", {.tick_us = 20000, .excess_us = 1000}, -200, 20},
	{"not so short a wait, slow clock", {.tick_us = 20000, .excess_us = 5000}, -200, 0},
	{"after the slip, slow clock", {.tick_us = 20000, .excess_us = 22000}, -200, 0},
	{"below a voice's target", {.tick_us = 20000, .excess_us = -8000}, 0, 0},
	{"below the target of fixed music", {.tick_us = 2500, .excess_us = -800, .music = true, .hold = true}, 0, 2.5},
	{"a little below it", {.tick_us = 2500, .excess_us = -500, .music = true, .hold = true}, 0, 0},
	{"music, more than a tick", {.tick_us = 2500, .excess_us = 3000, .music = true}, 0, -2.5},
};

static void decides(void)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(choices); i++) {
		const struct choice *c = &choices[i];
		uint64_t now_us = 1000000;
		struct pace_level l = c->l;
		struct pace p;
		double ms;

		g_test_message("%s", c->name);
		g_assert_cmpint(pace_init(&p), ==, 0);
		for (unsigned k = 0; c->ppm != 0 && k < 2500; k++)
			pace_packet_rt(&p, CLOCK, k * 160, (uint64_t)(1e6 + k * 20000.0 / (1 + c->ppm * 1e-6)));
		l.queued = WARP_DELAY;
		g_assert_cmpint(run_level(&p, l, 5, &now_us), ==, c->ms != 0);
		ms = (double)p.left / 4294967296.0 / 48 * (p.ppm > 0 ? -1 : 1);
		g_assert_cmpfloat(fabs(ms - c->ms), <, 1e-6);
		/* one low second counts for two */
		if (c->ms >= 0)
			continue;
		pace_stop_rt(&p);
		for (unsigned s = 0; s < 20; s++) {
			l.excess_us = s % 2 ? c->l.excess_us : 0;
			g_assert_false(run_level(&p, l, 1, &now_us));
		}
	}
}

/* A tone through a slip from its begin to its end: each sample where it belongs, nothing but the pitch moves. */
static void seamless(void)
{
	static const struct { int32_t excess_us; double ppm; uint32_t queued; } row[] = {
		{21500, 0, 0}, {21500, 0, WARP_DELAY}, {1000, -200, 0}, {1000, -200, WARP_DELAY} };
	enum { FRAME = 960, N = 500, HZ = 1000 };
	static float out[(N + 3) * FRAME], frame_in[FRAME];

	for (unsigned i = 0; i < G_N_ELEMENTS(row); i++) {
		struct pace_level l = {.tick_us = 20000, .excess_us = row[i].excess_us, .queued = row[i].queued};
		const size_t lacking = row[i].queued ? 0 : WARP_DELAY;
		uint64_t now_us = 1000000;
		size_t n = 0, want;
		struct pace p;

		g_assert_cmpint(pace_init(&p), ==, 0);
		for (unsigned k = 0; row[i].ppm != 0 && k < 2500; k++)
			pace_packet_rt(&p, CLOCK, k * 160, (uint64_t)(1e6 + k * 20000.0 / (1 + row[i].ppm * 1e-6)));
		g_assert_true(run_level(&p, l, 5, &now_us));
		for (unsigned k = 0; k < N; k++) {
			signal_sine(frame_in, FRAME, (size_t)k * FRAME, RATE, HZ, 0.5);
			if (pace_on(&p)) {
				n += pace_rt(&p, out + n, frame_in, FRAME);
			} else {
				memcpy(out + n, frame_in, sizeof(frame_in));
				n += FRAME;
			}
			if (pace_due(&p))
				pace_join_rt(&p, out + n - WARP_KEEP, 1);
		}
		want = (size_t)N * FRAME + (row[i].excess_us > 20000 ? lacking - FRAME : FRAME + lacking);
		g_test_message("%zu samples of %u", n, N * FRAME);
		g_assert_cmpuint(n, ==, want);
		g_assert_false(pace_on(&p));
		g_assert_cmpuint(signal_clicks(out, n, RATE, 1.5), ==, 0);
		/* after it: the very samples */
		for (size_t k = 0; k < FRAME; k++)
			g_assert_cmpfloat(fabs((double)(out[n - FRAME + k] - frame_in[k])), <, 1e-6);
		g_assert_cmpfloat(signal_phase_jump(out, n, RATE, HZ), <, row[i].ppm < 0 && lacking ? 1.7 : 0.3);
	}
}

/* Silence goes through a slip as sound does, and costs nothing. */
static void zero(void)
{
	struct pace_level l = {.tick_us = 20000, .excess_us = 21500, .queued = WARP_DELAY};
	uint64_t now_us = 1000000;
	struct pace p;
	size_t n = 0;

	g_assert_cmpint(pace_init(&p), ==, 0);
	g_assert_true(run_level(&p, l, 5, &now_us));
	pace_join_rt(&p, NULL, 1);
	g_assert_true(pace_silent(&p));
	for (unsigned k = 0; k < 500; k++)
		n += pace_on(&p) ? pace_zero_rt(&p, 960) : 960;
	g_assert_cmpuint(n, ==, 499 * 960);
	g_assert_false(pace_on(&p));
}

/* Whatever is asked for: what pace_need says gives that much, and no more comes out than there is room for. */
static void nonsense(void)
{
	static float in[2 * QUEUE], out[2 * (QUEUE + PACE_ROOM)];
	uint64_t now_us = 1000000;
	uint32_t seed = 5;
	struct pace p;
	uint8_t ch = 1;

	g_assert_cmpint(pace_init(&p), ==, 0);
	for (unsigned i = 0; i < 100000; i++) {
		struct pace_level l = {.excess_us = (int32_t)(rnd(&seed) << 9) >> (rnd(&seed) % 24), .tick_us = rnd(&seed) % 20001,
				       .queued = rnd(&seed) % 960, .music = i & 1, .hold = i & 2, .resting = !(i & 60)};
		size_t want = rnd(&seed) % 960, need;

		if (i % 50 == 0)
			for (unsigned k = 0; k < 100; k++)
				(void)pace_frame_rt(&p, &l, now_us += 20000);
		pace_packet_rt(&p, CLOCK, rnd(&seed), now_us);
		if (pace_due(&p))
			pace_join_rt(&p, in, ch);
		if (i % 1000 == 0)
			pace_channels_rt(&p, ch = (uint8_t)(3 - ch));
		need = pace_need(&p, want);
		g_assert_cmpuint(need, <, want + 32);
		if (pace_on(&p)) {
			size_t got = rnd(&seed) % 3 && pace_silent(&p) ? pace_zero_rt(&p, need) : pace_rt(&p, out, in, need);

			g_assert_cmpuint(got, <=, need + PACE_ROOM);
			g_assert_cmpuint(got, >=, want);
		}
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/pace/hours", hours);
	g_test_add_func("/pace/decides", decides);
	g_test_add_func("/pace/seamless", seamless);
	g_test_add_func("/pace/zero", zero);
	g_test_add_func("/pace/nonsense", nonsense);
	return g_test_run();
}
