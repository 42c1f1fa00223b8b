/*
 * test-jitter.c - packets with arrival times in, answers out; then whole simulated networks.
 *
 * A script row is one event: a packet that arrives, or the reader's call. Answers are letters: F with its sequence
 * number, L lost, S silence, W wait. The clock is 8000 unless said: 160 ticks are 20 ms.
 */
#include <errno.h>
#include <glib.h>
#include <math.h>
#include <re.h>
#include <string.h>
#include "mixer/jitter.h"

enum { CLOCK = 8000, FRAME = 160, SSRC = 7 };

static const struct jitter_conf voice = { .clock = CLOCK, .min_ms = 0, .max_ms = 200, .max_payload = 200, .n_slots = 64 };
static const struct jitter_conf music = { .clock = 48000, .min_ms = 5, .max_ms = 40, .fixed = true, .max_payload = 200,
	.n_slots = 32 };

static int put_full(struct jitter *j, uint32_t ssrc, uint16_t seq, uint32_t ts, bool marker, uint64_t now_us)
{
	const uint8_t payload[4] = { 0xab, (uint8_t)(seq >> 8), (uint8_t)seq, 0xcd };
	const struct rtp_pkt p = { .ssrc = ssrc, .seq = seq, .ts = ts, .marker = marker, .payload = payload, .len = 4 };

	return jitter_put_rt(j, &p, now_us);
}

static int put(struct jitter *j, uint16_t seq, uint32_t ts, uint64_t now_us)
{
	return put_full(j, SSRC, seq, ts, false, now_us);
}

/* ---- scripts ---- */

enum op { END, PUT, MARK, SKIP, GET };

struct event {
	enum op op;
	uint32_t ms;              /* when */
	uint16_t seq;             /* PUT, MARK, SKIP; GET: the frame expected */
	uint32_t ts;
	int want;                 /* PUT: errno; GET: letter */
	uint16_t next;            /* GET L: sequence number offered for FEC, 0: none */
};

#define P(ms, seq, ts)         { PUT, ms, seq, ts, 0, 0 }
#define PE(ms, seq, ts, err)   { PUT, ms, seq, ts, err, 0 }
#define F(ms, seq)             { GET, ms, seq, 0, 'F', 0 }
#define G(ms, letter)          { GET, ms, 0, 0, letter, 0 }
#define LN(ms, next)           { GET, ms, 0, 0, 'L', next }

static const struct script {
	const char *name;
	struct event ev[40];
	struct jitter_stats want;         /* the counters that matter; the others must be zero */
} scripts[] = {
	{ "nothing comes", { G(0, 'S'), G(20, 'S'), G(500, 'S') }, { 0 } },
	{ "in order", { P(0, 1, 0), F(5, 1), P(20, 2, 160), F(25, 2), P(40, 3, 320), F(45, 3) }, { .put = 3, .got = 3 } },
	{ "sequence and timestamp wrap", { P(0, 65534, 0xffffff60u), F(5, 65534), P(20, 65535, 0), F(25, 65535), P(40, 0, 160),
		F(45, 0), P(60, 1, 320), F(65, 1) }, { .put = 4, .got = 4 } },
	{ "a duplicate of one held, and of one played", { P(0, 1, 0), PE(1, 1, 0, EALREADY), F(5, 1), PE(6, 1, 0, EALREADY),
		P(20, 2, 160), F(25, 2) }, { .put = 2, .got = 2, .duplicate = 2 } },
	{ "two change places, both in time", { P(0, 1, 0), F(5, 1), P(20, 3, 320), P(21, 2, 160), F(25, 2), F(45, 3) },
		{ .put = 3, .got = 3, .reordered = 1 } },
	{ "one is lost, its successor is here: FEC may help", { P(0, 1, 0), P(0, 2, 160), F(5, 1), P(39, 4, 480), F(25, 2),
		LN(45, 4), P(60, 5, 640), F(65, 4), P(80, 6, 800), F(85, 5) }, { .put = 5, .got = 4, .lost = 1 } },
	{ "one is lost, nothing is here: the delay does not grow", { P(0, 1, 0), F(5, 1), P(20, 2, 160), F(25, 2), G(45, 'L'),
		P(60, 4, 480), F(65, 4), P(80, 5, 640), F(85, 5) }, { .put = 4, .got = 4, .lost = 1 } },
	{ "one comes late, nothing was here: it is played", { P(0, 1, 0), F(5, 1), P(20, 2, 160), F(25, 2), G(45, 'L'),
		P(50, 3, 320), F(65, 3), P(66, 4, 480), F(85, 4) }, { .put = 4, .got = 4 } },
	{ "a second of nothing: conceal 100 ms, then silence, then on", { P(0, 1, 0), F(5, 1), P(20, 2, 160), F(25, 2),
		G(45, 'L'), G(65, 'W'), G(85, 'W'), G(105, 'W'), G(125, 'W'), G(145, 'S'), G(165, 'S'), P(900, 3, 7200),
		F(905, 3), P(920, 4, 7360), F(925, 4) }, { .put = 4, .got = 4 } },
	{ "comes after its successor was played: late", { P(0, 1, 0), F(5, 1), P(20, 2, 160), F(25, 2), P(44, 4, 480),
		LN(45, 4), F(65, 4), PE(66, 3, 320, ETIMEDOUT) }, { .put = 3, .got = 3, .lost = 1, .late = 1, .reordered = 1 } },
	{ "a pause in timestamps only is silence", { P(0, 1, 0), P(1, 2, 160), F(5, 1), F(25, 2), P(30, 3, 480), G(45, 'S'),
		F(65, 3) }, { .put = 3, .got = 3 } },
	{ "what is lost before a marker was silence", { P(0, 1, 0), P(1, 2, 160), F(5, 1), F(25, 2), { MARK, 30, 4, 480, 0, 0 },
		G(45, 'S'), F(65, 4) }, { .put = 3, .got = 3, .lost = 1 } },
	{ "a key press in the same sequence is no loss", { P(0, 1, 0), F(5, 1), { SKIP, 20, 2, 0, 0, 0 }, G(25, 'S'),
		{ SKIP, 40, 3, 0, 0, 0 }, G(45, 'S'), P(60, 4, 480), F(65, 4) }, { .put = 2, .got = 2 } },
	{ "a skipped one between two held", { P(0, 1, 0), P(1, 2, 160), { SKIP, 2, 3, 0, 0, 0 }, P(3, 4, 320), F(5, 1), F(25, 2),
		F(45, 4) }, { .put = 3, .got = 3 } },
	{ "a skipped one sent twice", { P(0, 1, 0), F(5, 1), { SKIP, 20, 2, 0, 0, 0 }, PE(21, 2, 160, EALREADY), P(25, 3, 160),
		F(25, 3) }, { .put = 2, .got = 2, .duplicate = 1 } },
	{ "a stranger's number is not believed", { P(0, 1, 0), F(5, 1), PE(10, 30000, 0, EPROTO), P(20, 2, 160), F(25, 2) },
		{ .put = 2, .got = 2 } },
	{ "two of them are: the sender began anew", { P(0, 1, 0), F(5, 1), PE(10, 30000, 0, EPROTO), P(20, 30001, 160),
		F(25, 30001), P(40, 30002, 320), F(45, 30002) }, { .put = 3, .got = 3, .resets = 1 } },
	{ "a jump of the timestamp", { P(0, 1, 0), F(5, 1), P(20, 2, 900000), F(25, 2), P(40, 3, 900160), F(45, 3) },
		{ .put = 3, .got = 3, .resets = 1 } },
	{ "a jump back of the timestamp", { P(0, 1, 900000), F(5, 1), P(20, 2, 0), F(25, 2), P(40, 3, 160), F(45, 3) },
		{ .put = 3, .got = 3, .resets = 1 } },
	{ "from 20 ms frames to 40 and back", { P(0, 1, 0), F(5, 1), P(20, 2, 160), F(25, 2), G(45, 'L'), P(60, 3, 320),
		F(65, 3), P(100, 4, 640), F(105, 4), P(120, 5, 960), F(145, 5), P(140, 6, 1120), F(165, 6) },
		{ .put = 6, .got = 6 } },
};

static uint16_t seq_in(const uint8_t *payload, size_t len)
{
	g_assert_cmpuint(len, ==, 4);
	g_assert_cmphex(payload[0], ==, 0xab);
	return (uint16_t)(payload[1] << 8 | payload[2]);
}

static void run_get(struct jitter *j, const struct event *e)
{
	struct jitter_frame f;
	const char letter = "FLSW"[jitter_get_rt(j, &f, FRAME, e->ms * 1000ull)];

	g_assert_cmpint(letter, ==, e->want);
	if (letter == 'F') {
		g_assert_cmpuint(f.seq, ==, e->seq);
		g_assert_cmpuint(seq_in(f.payload, f.len), ==, e->seq);
	}
	g_assert_cmpuint(f.next ? seq_in(f.next, f.next_len) : 0, ==, e->next);
}

static void test_scripts(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(scripts); i++) {
		const struct script *sc = &scripts[i];
		struct jitter *j = NULL;
		struct jitter_stats s;

		g_test_message("%s", sc->name);
		g_assert_cmpint(jitter_alloc(&j, &voice), ==, 0);
		for (const struct event *e = sc->ev; e->op != END; e++) {
			g_test_message("  %u ms", e->ms);
			if (e->op == GET)
				run_get(j, e);
			else if (e->op == SKIP)
				jitter_skip_rt(j, e->seq);
			else
				g_assert_cmpint(put_full(j, SSRC, e->seq, e->ts, e->op == MARK, e->ms * 1000ull), ==, e->want);
		}
		jitter_stats(j, &s);
		g_assert_cmpuint(s.put, ==, sc->want.put);
		g_assert_cmpuint(s.got, ==, sc->want.got);
		g_assert_cmpuint(s.lost, ==, sc->want.lost);
		g_assert_cmpuint(s.late, ==, sc->want.late);
		g_assert_cmpuint(s.duplicate, ==, sc->want.duplicate);
		g_assert_cmpuint(s.reordered, ==, sc->want.reordered);
		g_assert_cmpuint(s.overflow, ==, sc->want.overflow);
		g_assert_cmpuint(s.resets, ==, sc->want.resets);
		mem_deref(j);
	}
}

/* ---- one thing each ---- */

static struct jitter *make(const struct jitter_conf *conf)
{
	struct jitter *j = NULL;

	g_assert_cmpint(jitter_alloc(&j, conf), ==, 0);
	return j;
}

static void test_conf(void)
{
	static const struct jitter_conf bad[] = {
		{ .clock = 0, .max_ms = 200, .max_payload = 200, .n_slots = 64 },
		{ .clock = 8000, .max_ms = 0, .max_payload = 200, .n_slots = 64 },
		{ .clock = 8000, .min_ms = 201, .max_ms = 200, .max_payload = 200, .n_slots = 64 },
		{ .clock = 8000, .max_ms = 200, .max_payload = 0, .n_slots = 64 },
		{ .clock = 8000, .max_ms = 200, .max_payload = 200, .n_slots = 1 },
		{ .clock = 8000, .max_ms = 200, .max_payload = 200, .n_slots = 5000 },
	};
	struct jitter *j = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		g_assert_cmpint(jitter_alloc(&j, &bad[i]), ==, EINVAL);
	g_assert_null(j);
}

static void test_oversize(void)
{
	struct jitter *j = make(&voice);
	uint8_t big[201] = { 0 };
	struct rtp_pkt p = { .ssrc = SSRC, .seq = 1, .payload = big, .len = sizeof(big) };
	struct jitter_stats s;

	g_assert_cmpint(jitter_put_rt(j, &p, 0), ==, EMSGSIZE);
	p.len = 200;
	g_assert_cmpint(jitter_put_rt(j, &p, 0), ==, 0);
	jitter_stats(j, &s);
	g_assert_cmpuint(s.oversize, ==, 1);
	g_assert_cmpuint(s.put, ==, 1);
	mem_deref(j);
}

/* Nobody reads, packets come: the bound holds, in time and in number, and the youngest are kept. */
static void test_overflow(void)
{
	static const struct { uint16_t n_slots; uint32_t max_ms, holds; } row[] = {
		{ 64, 200, 10 }, { 64, 60, 3 }, { 4, 200, 4 }, { 5, 200, 5 } };

	for (size_t i = 0; i < G_N_ELEMENTS(row); i++) {
		struct jitter_conf conf = voice;
		struct jitter *j;
		struct jitter_stats s;
		struct jitter_frame f;

		conf.n_slots = row[i].n_slots;
		conf.max_ms  = row[i].max_ms;
		j = make(&conf);
		for (uint16_t n = 0; n < 100; n++) {
			g_assert_cmpint(put(j, n, n * FRAME, n * 20000ull), ==, 0);
			jitter_stats(j, &s);
			g_assert_cmpuint(s.depth_ms, <=, row[i].max_ms);
		}
		g_assert_cmpuint(s.overflow, ==, 100 - row[i].holds);
		g_assert_cmpint(jitter_get_rt(j, &f, FRAME, 2000000), ==, JITTER_FRAME);
		g_assert_cmpuint(f.seq, ==, 100 - row[i].holds);
		mem_deref(j);
	}
}

/* Packets of all lengths, some in another order, in a room for a few of them: what is given out is what was put in, and
 * what has no place pushes the oldest out. */
static void test_room(void)
{
	struct jitter_conf conf = voice;
	unsigned n_got = 0;
	struct jitter *j;
	struct jitter_stats s;
	struct jitter_frame f;

	conf.room = 500;
	j = make(&conf);
	for (uint16_t i = 0; i < 4000; i++) {
		const uint16_t n = i ^ (i % 16 >= 8);     /* half of the time neighbours change places */
		uint8_t payload[200];
		const size_t len = 1 + n * 37u % sizeof(payload);
		const struct rtp_pkt p = { .ssrc = SSRC, .seq = n, .ts = n * FRAME, .payload = payload, .len = len };

		memset(payload, n & 0xff, len);
		(void)jitter_put_rt(j, &p, i * 20000ull);
		/* the reader pauses now and then for ten packets, which are more than there is room for */
		if (i % 100 >= 90 || jitter_get_rt(j, &f, FRAME, i * 20000ull + 5000) != JITTER_FRAME)
			continue;
		n_got++;
		g_assert_cmpuint(f.len, ==, 1 + f.seq * 37u % sizeof(payload));
		for (size_t k = 0; k < f.len; k++)
			g_assert_cmpuint(f.payload[k], ==, f.seq & 0xff);
	}
	jitter_stats(j, &s);
	g_assert_cmpuint(n_got, >, 3000);
	g_assert_cmpuint(s.overflow, >, 40);
	g_assert_cmpuint(s.got, ==, n_got);
	mem_deref(j);
}

static void test_new_ssrc(void)
{
	struct jitter *j = make(&voice);
	struct jitter_frame f;
	struct jitter_stats s;

	put(j, 1, 0, 0);
	put(j, 2, 160, 1);
	g_assert_cmpint(put_full(j, SSRC + 1, 2, 777, false, 2), ==, 0);
	g_assert_cmpint(jitter_get_rt(j, &f, FRAME, 5000), ==, JITTER_FRAME);
	g_assert_cmpuint(f.ts, ==, 777);
	jitter_stats(j, &s);
	g_assert_cmpuint(s.resets, ==, 1);
	g_assert_cmpuint(s.depth_ms, ==, 0);
	mem_deref(j);
}

/* A reader of `tick` samples at a time, packets of `frame`, `bunch` of them at once, that come phase_us after its zero: answers that
 * were no packet, of the last second of two; and the last delay after the arrival of the first of a bunch, in samples. */
static unsigned concealed_by_tick(double *delay, uint32_t tick, uint32_t frame, unsigned bunch, double phase_us)
{
	struct jitter_conf conf = music;
	struct jitter *j;
	unsigned lost = 0;
	uint32_t queued = 0, sent = 0;

	conf.min_ms = 0;
	conf.steered = true;
	g_assert_cmpint(jitter_alloc(&j, &conf), ==, 0);
	for (uint32_t at = 0; at < 96000; at += tick) {
		const double now_us = at / 48e-3;

		for (; sent / bunch * bunch * frame / 48e-3 + phase_us <= now_us; sent++)
			put(j, (uint16_t)sent, sent * frame, (uint64_t)(sent / bunch * bunch * frame / 48e-3 + phase_us) + 1000000);
		while (queued < tick) {
			struct jitter_frame f;
			bool got;

			jitter_hold_rt(j, -1, tick, queued);
			got = jitter_get_rt(j, &f, tick - queued, (uint64_t)now_us + 1000000) == JITTER_FRAME;

			lost += !got && at > 48000;
			if (got)
				*delay = at + queued - f.ts - phase_us * 48e-3;
			queued += got ? frame : tick - queued;
			if (got)
				jitter_played_rt(j, frame);
		}
		queued -= tick;
	}
	mem_deref(j);
	return lost;
}

/* Whatever the lengths and phases, a fixed buffer finds its timing: no packet comes too late, and it holds no more than
 * it takes for that and one tick. */
static void test_fixed_long_tick(void)
{
	static const struct { uint32_t tick, frame; unsigned bunch; } rows[] = {
		{64, 64, 1}, {128, 64, 1}, {256, 64, 1}, {1024, 64, 1}, {480, 120, 1}, {960, 120, 1}, {64, 64, 4}, {120, 120, 4},
		{64, 120, 1}, {128, 120, 1}, {256, 120, 1}, {64, 240, 1}, {441, 120, 1}, {256, 64, 3}, {441, 64, 1}, {64, 64, 16},
		{441, 64, 5}, {1024, 120, 3},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		for (unsigned k = 0; k < 40; k++) {
			const double phase_us = k / 40.0 * rows[i].tick / 48e-3;
			double delay = 0;

			g_test_message("tick %u, frame %u, %u at once, phase %.0f us", rows[i].tick, rows[i].frame, rows[i].bunch, phase_us);
			g_assert_cmpuint(concealed_by_tick(&delay, rows[i].tick, rows[i].frame, rows[i].bunch, phase_us), ==, 0);
			g_assert_cmpfloat(delay, <=, 2 * rows[i].tick);
		}
}

/* A packet that comes while the reader conceals must not be heard from a fixed buffer; its timing must not slip. */
static void test_fixed_never_waits(void)
{
	struct jitter *j = make(&music);
	struct jitter_frame f;
	uint64_t got = 0;

	/* 2.5 ms frames; every tenth comes 12 ms late */
	for (unsigned n = 0; n < 2000; n++) {
		const uint64_t now = n * 2500ull;

		if (n % 10 != 5)
			put(j, (uint16_t)n, n * 120, now);
		if (n % 10 == 0 && n)
			g_assert_cmpint(put(j, (uint16_t)(n - 5), (n - 5) * 120, now), ==, ETIMEDOUT);
		if (jitter_get_rt(j, &f, 120, now + 100) == JITTER_FRAME) {
			g_assert_cmpint((int)(n - f.seq), >=, 2);
			g_assert_cmpint((int)(n - f.seq), <=, 3);
			got++;
		}
	}
	g_assert_cmpuint(got, >, 1790);
	mem_deref(j);
}

/* A reader that asks for 10 ms hears a lost 20 ms frame as two answers, or as one whole frame recovered by FEC. */
static void test_recovered(void)
{
	for (int fec = 0; fec <= 1; fec++) {
		struct jitter *j = make(&voice);
		struct jitter_frame f;
		struct jitter_stats s;
		uint64_t now = 45000;

		put(j, 1, 0, 0);
		put(j, 2, 160, 20000);
		g_assert_cmpint(jitter_get_rt(j, &f, 80, 5000), ==, JITTER_FRAME);
		g_assert_cmpint(jitter_get_rt(j, &f, 80, 25000), ==, JITTER_FRAME);
		jitter_played_rt(j, FRAME);
		put(j, 4, 480, 40000);
		put(j, 5, 640, 41000);

		g_assert_cmpint(jitter_get_rt(j, &f, 80, now), ==, JITTER_LOST);
		g_assert_cmpuint(seq_in(f.next, f.next_len), ==, 4);
		if (fec) {
			jitter_played_rt(j, FRAME);
			now += 10000;
		}
		else {
			g_assert_cmpint(jitter_get_rt(j, &f, 80, now += 10000), ==, JITTER_LOST);
			g_assert_cmpuint(seq_in(f.next, f.next_len), ==, 4);
		}
		g_assert_cmpint(jitter_get_rt(j, &f, 80, now += 10000), ==, JITTER_FRAME);
		g_assert_cmpuint(f.seq, ==, 4);
		g_assert_cmpint(jitter_get_rt(j, &f, 80, now += 20000), ==, JITTER_FRAME);
		g_assert_cmpuint(f.seq, ==, 5);
		jitter_stats(j, &s);
		g_assert_cmpuint(s.lost, ==, 1);
		mem_deref(j);
	}
}

/* One packet 40 ms late makes the delay grow by 40 ms. It goes back a frame at a time: in silence within half a second,
 * under sound not before two seconds. */
static void test_quiet(void)
{
	for (int quiet = 0; quiet <= 1; quiet++) {
		struct jitter *j = make(&voice);
		struct jitter_stats s;
		unsigned left_out_at = 0;

		for (unsigned n = 0; n < 1000; n++) {
			const uint64_t now = n * 20000ull;
			struct jitter_frame f;

			if (n == 500) {
				for (unsigned k = 498; k < 500; k++)
					put(j, (uint16_t)k, k * FRAME, now);
			}
			if (n < 498 || n >= 500)
				put(j, (uint16_t)n, n * FRAME, now);
			jitter_quiet_rt(j, quiet);
			(void)jitter_get_rt(j, &f, FRAME, now + 5000);
			jitter_stats(j, &s);
			if (s.dropped_shrink == 2 && !left_out_at)
				left_out_at = n;
			if (n == 501 && !quiet)
				g_assert_cmpuint(s.depth_ms, ==, 40);
		}
		g_test_message("both left out at frame %u", left_out_at);
		g_assert_cmpuint(s.depth_ms, ==, 0);
		g_assert_cmpuint(s.lost, ==, 0);
		g_assert_cmpuint(left_out_at, >, quiet ? 500 : 500 + 100);
		g_assert_cmpuint(left_out_at, <, quiet ? 500 + 25 : 500 + 200);
		mem_deref(j);
	}
}

/* A voice with pauses that the sequence does not know (DTX): a second of sound, a second of nothing, through 0 to 30 ms
 * of jitter. No frame is missed, none counts as lost, and each talk spurt begins with the delay the target asks for. */
static void test_talk_spurts(void)
{
	struct jitter *j = make(&voice);
	GRand *r = g_rand_new_with_seed(99);
	uint64_t arrival[50], sent, now = 0, before = 0;
	unsigned heard = 0, seq = 100, silences = 0;
	struct jitter_stats s;

	for (unsigned spurt = 0; spurt < 60; spurt++) {
		unsigned next = 0;
		bool first = true;

		sent = spurt * 2000000ull;
		for (unsigned k = 0; k < 50; k++) {
			arrival[k] = MAX(before, sent + k * 20000 + (uint64_t)g_rand_int_range(r, 0, 30000));
			before     = arrival[k];
		}
		for (; now < sent + 2000000; now += 10000) {
			struct jitter_frame f;
			enum jitter_result what;

			for (; next < 50 && arrival[next] <= now; next++, seq++)
				g_assert_cmpint(put_full(j, SSRC, (uint16_t)seq, spurt * 16000 + next * FRAME, next == 0, arrival[next]), ==, 0);
			if (now % 20000)
				continue;
			what = jitter_get_rt(j, &f, FRAME, now);
			silences += what == JITTER_SILENCE;
			if (what != JITTER_FRAME)
				continue;
			heard++;
			jitter_stats(j, &s);
			if (first && spurt > 5) {
				g_assert_cmpint(s.excess_us, >=, -10000);
				g_assert_cmpint(s.excess_us, <=, 20000);
				g_assert_cmpuint(s.target_ms, <=, 32);
			}
			first = false;
		}
	}
	jitter_stats(j, &s);
	g_assert_cmpuint(heard + s.dropped_shrink, ==, 60 * 50);
	g_assert_cmpuint(s.dropped_shrink, <=, 10);
	g_assert_cmpuint(s.lost, ==, 0);
	g_assert_cmpuint(s.late, ==, 0);
	g_assert_cmpuint(s.resets, ==, 0);
	g_assert_cmpuint(silences, >, 60 * 40);
	g_rand_free(r);
	mem_deref(j);
}

/* ---- what begins safe, what finds its size, what is steered ---- */

/* n packets of frame_us on their way; every `late_in`-th comes late_us later. The reader takes each a millisecond after it
 * was due. Returns the target of then in microseconds. */
static int64_t run_target(struct jitter *j, unsigned *k, unsigned n, uint32_t frame_us, unsigned late_in, uint32_t late_us, uint32_t clock)
{
	const uint32_t ticks = (uint32_t)(((uint64_t)frame_us * clock + 500000) / 1000000);
	struct jitter_stats s;
	struct jitter_frame f;

	for (unsigned end = *k + n; *k < end; (*k)++) {
		const uint64_t sent = (uint64_t)*k * ticks * 1000000 / clock + 100000;

		put(j, (uint16_t)*k, *k * ticks, sent + (late_in && *k % late_in == late_in - 1 ? late_us : 0));
		(void)jitter_get_rt(j, &f, ticks, sent + frame_us - 1);
	}
	jitter_stats(j, &s);
	return s.target_ms;
}

static const struct settle {
	const char *name;
	struct jitter_conf conf;
	uint32_t frame_us;
	unsigned late_in;
	uint32_t late_us;
	int64_t at_first, least, most;    /* ms: in the first four seconds; ten seconds later */
} settles[] = {
	{ "a clean wire: from 10 ms to nothing", { .clock = 8000, .start_ms = 10, .max_ms = 200, .max_payload = 200, .n_slots = 64 },
		20000, 0, 0, 10, 0, 0 },
	{ "not under its lower bound", { .clock = 8000, .start_ms = 10, .min_ms = 4, .max_ms = 200, .max_payload = 200, .n_slots = 64 },
		20000, 0, 0, 10, 4, 4 },
	{ "a phone that now and then sleeps 6 ms too long: every packet counts",
		{ .clock = 8000, .start_ms = 10, .max_ms = 200, .max_payload = 200, .n_slots = 64 }, 20000, 150, 6000, 10, 6, 6 },
	{ "30 ms once in three seconds: no more than the start is kept for that",
		{ .clock = 8000, .start_ms = 10, .max_ms = 200, .max_payload = 200, .n_slots = 64 }, 20000, 150, 30000, 10, 10, 10 },
	{ "30 ms five times a second: they are the network", { .clock = 8000, .start_ms = 10, .max_ms = 200, .max_payload = 200, .n_slots = 64 },
		20000, 10, 30000, 30, 30, 32 },
	{ "music on a clean wire", { .clock = 48000, .start_ms = 5, .max_ms = 200, .fixed = true, .fit = true, .max_payload = 200, .n_slots = 64 },
		2500, 0, 0, 5, 0, 0 },
	{ "music, 3 ms twice a second", { .clock = 48000, .start_ms = 5, .max_ms = 200, .fixed = true, .fit = true,
		.max_payload = 200, .n_slots = 64 }, 2500, 200, 3000, 5, 3, 4 },
	{ "music, 3 ms ten times a minute are borne for ten seconds", { .clock = 48000, .start_ms = 5, .max_ms = 200, .fixed = true, .fit = true,
		.max_payload = 200, .n_slots = 64 }, 2500, 2400, 3000, 5, 0, 0 },
	{ "music, 60 ms now and then: three frames would not save them", { .clock = 48000, .start_ms = 5, .max_ms = 200, .fixed = true, .fit = true,
		.max_payload = 200, .n_slots = 64 }, 2500, 50, 60000, 5, 0, 0 },
	{ "music of 64 samples begins with three of its frames", { .clock = 48000, .start_ms = 5, .max_ms = 200, .fixed = true, .fit = true,
		.max_payload = 200, .n_slots = 64 }, 1333, 0, 0, 4, 0, 1 },
};

static void test_settles(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(settles); i++) {
		const struct settle *t = &settles[i];
		struct jitter *j = make(&t->conf);
		const unsigned second = 1000000 / t->frame_us;
		unsigned k = 0;
		int64_t ms = run_target(j, &k, 3 * second, t->frame_us, t->late_in, t->late_us, t->conf.clock);

		g_test_message("%s: %d ms at first", t->name, (int)ms);
		g_assert_cmpint(ms, ==, t->at_first);
		ms = run_target(j, &k, 11 * second, t->frame_us, t->late_in, t->late_us, t->conf.clock);
		g_test_message("  then %d ms", (int)ms);
		g_assert_cmpint(ms, >=, t->least);
		g_assert_cmpint(ms, <=, t->most);
		mem_deref(j);
	}
}

/* Two frames too much: a reader that steers is left to it under sound, and helped where it is quiet. */
static void test_steered(void)
{
	for (int quiet = 0; quiet <= 1; quiet++) {
		struct jitter_conf conf = voice;
		struct jitter *j;
		struct jitter_stats s;
		struct jitter_frame f;

		conf.steered = true;
		j = make(&conf);
		for (unsigned n = 0; n < 500; n++) {
			put(j, (uint16_t)n, n * FRAME, n * 20000ull);
			jitter_quiet_rt(j, quiet);
			if (n >= 2)
				g_assert_cmpint(jitter_get_rt(j, &f, FRAME, n * 20000ull + 5000), ==, JITTER_FRAME);
		}
		jitter_stats(j, &s);
		g_assert_cmpuint(s.dropped_shrink, ==, quiet ? 2 : 0);
		g_assert_cmpint(s.excess_us, ==, quiet ? 5000 : 45000);
		g_assert_false(s.resting);
		mem_deref(j);
	}
}

/* What grew rests before it is made shorter, and longer when that was a mistake. */
static void test_rests(void)
{
	struct jitter_conf conf = voice;
	unsigned rest[2] = { 0, 0 };
	struct jitter_stats s;
	struct jitter_frame f;
	struct jitter *j;

	conf.steered = true;
	j = make(&conf);
	for (unsigned n = 0; n < 1000; n++) {
		const bool late = n == 300 || n == 600;

		if (!late)
			put(j, (uint16_t)n, n * FRAME, n * 20000ull);
		if (n == 599)
			jitter_shrunk_rt(j, n * 20000ull);
		(void)jitter_get_rt(j, &f, FRAME, n * 20000ull + 5000);
		if (late) {
			put(j, (uint16_t)n, n * FRAME, n * 20000ull + 10000);
			while (jitter_get_rt(j, &f, FRAME, n * 20000ull + 15000) != JITTER_FRAME)
				;
		}
		jitter_stats(j, &s);
		rest[n >= 600] += s.resting;
	}
	g_test_message("rested %u and %u frames", rest[0], rest[1]);
	g_assert_cmpuint(rest[0], >=, 95);
	g_assert_cmpuint(rest[0], <=, 105);
	g_assert_cmpuint(rest[1], >=, 195);
	mem_deref(j);
}

/* ---- networks ---- */

/* When packet n, sent at sent_us, arrives; UINT64_MAX when never. */
typedef uint64_t (net_h)(GRand *r, unsigned n, uint64_t sent_us);

enum { N_MAX = 32000 };

enum how {
	TRUE_TIME,                /* arrival as a kernel would stamp it; the reader asks for a tick at a time */
	AT_TICKS,                 /* arrival is when the tick reads the socket */
	AT_TICKS_WHOLE,           /* and the reader conceals a whole frame at a time */
};

struct sim {
	const char *name;
	net_h *net;
	bool fixed;
	unsigned frame_us, seconds;
	enum how how;
	double ppm;               /* of the sender's clock against ours */
	/* bounds: */
	double mean_ms;           /* of the delay in the buffer, whole run */
	double end_ms;            /* of the mean over the last second */
	double lost_pct;          /* came and was not heard, of all that came */
	double conceal_pct;       /* answers that were no frame, less what never came, of all */
};

struct result {
	double delay_ms[N_MAX];   /* time in the buffer of each packet heard, in order of reading; by second below */
	double sum[700];
	unsigned cnt[700];
	unsigned came, heard, gaps, never, answers;
	struct jitter_stats s;
};

/* Arrivals in time order: a packet index list sorted by arrival. */
static const uint64_t *sort_key;

static int by_arrival(const void *a, const void *b)
{
	const uint64_t x = sort_key[*(const unsigned *)a], y = sort_key[*(const unsigned *)b];

	return x < y ? -1 : x > y ? 1 : (int)(*(const unsigned *)a - *(const unsigned *)b);
}

/* The reader ticks every 10 ms and asks whenever what it has is used up, as a leg does. */
static void simulate(struct result *res, const struct sim *sim)
{
	static uint64_t arrival[N_MAX];
	static unsigned order[N_MAX];
	static bool heard[N_MAX];
	struct jitter_conf conf = voice;
	const unsigned n_total = sim->seconds * 1000000u / sim->frame_us;
	const uint32_t frame_ts = sim->frame_us * 8 / 1000;
	const uint32_t tick_us = MIN(sim->frame_us, 10000);
	const uint32_t ask_us = sim->how == AT_TICKS_WHOLE ? sim->frame_us : tick_us;
	GRand *r = g_rand_new_with_seed(20240 + sim->frame_us / 1000);
	struct jitter *j;
	unsigned next = 0;
	int have_us = 0;

	g_assert_cmpuint(n_total, <=, N_MAX);
	memset(res, 0, sizeof(*res));
	memset(heard, 0, sizeof(heard));
	if (sim->fixed) {
		conf.fixed  = true;
		conf.min_ms = sim->frame_us < 10000 ? 5 : 20;
	}
	j = make(&conf);

	for (unsigned n = 0; n < n_total; n++) {
		const uint64_t sent = (uint64_t)(n * (double)sim->frame_us / (1 + sim->ppm * 1e-6)) + 3000;

		arrival[n] = sim->net(r, n, sent);
		order[n]   = n;
		res->never += arrival[n] == UINT64_MAX;
	}
	sort_key = arrival;
	qsort(order, n_total, sizeof(order[0]), by_arrival);

	for (uint64_t now = 0; now < sim->seconds * 1000000ull; now += tick_us) {
		for (; next < n_total && arrival[order[next]] <= now; next++, res->came++)
			put(j, (uint16_t)(order[next] + 65000), order[next] * frame_ts - 5000, sim->how != TRUE_TIME ? now : arrival[order[next]]);

		jitter_stats(j, &res->s);
		g_assert_cmpuint(res->s.depth_ms, <=, conf.max_ms);
		for (have_us -= (int)tick_us; have_us < 0; ) {
			struct jitter_frame f;
			const enum jitter_result what = jitter_get_rt(j, &f, ask_us * 8 / 1000, now);
			unsigned n;

			res->answers++;
			if (what != JITTER_FRAME) {
				res->gaps += ask_us / tick_us;
				have_us += (int)ask_us;
				continue;
			}
			n = (f.ts + 5000) / frame_ts;
			g_assert_cmpuint(f.seq, ==, (uint16_t)(n + 65000));
			g_assert_false(heard[n]);
			heard[n] = true;
			have_us += (int)sim->frame_us;
			jitter_played_rt(j, frame_ts);

			/* measured against the fastest way, not against this packet's own arrival */
			res->delay_ms[res->heard++] = (now - (n * (double)sim->frame_us / (1 + sim->ppm * 1e-6) + 3000)) / 1000.0;
			res->sum[now / 1000000] += res->delay_ms[res->heard - 1];
			res->cnt[now / 1000000]++;
		}
	}
	jitter_stats(j, &res->s);
	g_rand_free(r);
	mem_deref(j);
}

static double mean_of(const struct result *res, unsigned from_s, unsigned to_s)
{
	double sum = 0;
	unsigned cnt = 0;

	for (unsigned i = from_s; i < to_s; i++) {
		sum += res->sum[i];
		cnt += res->cnt[i];
	}
	return cnt ? sum / cnt : 0;
}

static uint64_t net_clean(GRand *r, unsigned n, uint64_t sent)
{
	return sent;
}

static uint64_t net_small(GRand *r, unsigned n, uint64_t sent)
{
	return sent + (uint64_t)g_rand_int_range(r, 0, 2000);
}

static uint64_t net_loss5(GRand *r, unsigned n, uint64_t sent)
{
	return g_rand_double(r) < 0.05 ? UINT64_MAX : sent + (uint64_t)g_rand_int_range(r, 0, 2000);
}

static uint64_t net_loss20(GRand *r, unsigned n, uint64_t sent)
{
	return g_rand_double(r) < 0.20 ? UINT64_MAX : sent + (uint64_t)g_rand_int_range(r, 0, 2000);
}

/* Every 50th overtakes nobody: it comes 30 ms later, after its successor. */
static uint64_t net_reorder(GRand *r, unsigned n, uint64_t sent)
{
	return sent + (n % 50 == 17 ? 30000 : 0);
}

/* The channel is busy about once a second for 20 to 80 ms; what was sent meanwhile comes in one burst. */
static uint64_t net_wifi(GRand *r, unsigned n, uint64_t sent)
{
	static uint64_t busy_until;

	if (!n)
		busy_until = 0;
	if (sent > busy_until && g_rand_double(r) < 0.02)
		busy_until = sent + (uint64_t)g_rand_int_range(r, 20000, 80000);

	return (busy_until > sent ? busy_until : sent) + (uint64_t)g_rand_int_range(r, 0, 3000);
}

/* A slow wave of 0 to 25 ms with grants every 8 ms and retransmissions of 8 ms: 4G as one sees it in a train. */
static uint64_t net_4g(GRand *r, unsigned n, uint64_t sent)
{
	uint64_t t = sent + (uint64_t)(12500 * (1 + sin(sent / 3e6)));

	t += 8000 - t % 8000;
	while (g_rand_double(r) < 0.1)
		t += 8000;

	return g_rand_double(r) < 0.005 ? UINT64_MAX : t;
}

static uint64_t net_step(GRand *r, unsigned n, uint64_t sent)
{
	const bool slow = sent > 20000000 && sent < 40000000;

	return sent + (slow ? 100000 : 0) + (uint64_t)g_rand_int_range(r, 0, 2000);
}

static const struct sim sims[] = {
	/* name                      net           fixed  us     s   ppm    mean  end  lost% conceal% */
	{ "clean 20 ms",             net_clean,    false, 20000, 60,   TRUE_TIME, 0,     10,   10,  0,    0.1 },
	{ "clean 10 ms",             net_clean,    false, 10000, 60,   TRUE_TIME, 0,     10,   10,  0,    0.1 },
	{ "clean 60 ms",             net_clean,    false, 60000, 60,   TRUE_TIME, 0,     10,   10,  0,    0.1 },
	{ "clean 20 ms, at ticks",   net_clean,    false, 20000, 60,   AT_TICKS,   0,     7.1,  7.1, 0,    0.1 },
	{ "clean 2.5 ms, at ticks",  net_clean,    false, 2500, 60,   AT_TICKS,   0,     2.1,  2.1, 0,    0.1 },
	{ "Wi-Fi, at ticks",         net_wifi,     false, 20000, 120,  AT_TICKS,   0,     95,   110, 1,    1.5 },
	{ "slower, at ticks",        net_small,    false, 20000, 600,  AT_TICKS,   -200,  16,   20,  0.02, 0.1 },
	{ "faster, at ticks",        net_small,    false, 20000, 600,  AT_TICKS,   200,   26,   40,  0.05, 0.1 },
	{ "clean, whole frames",     net_clean,    false, 20000, 60,   AT_TICKS_WHOLE, 0, 18, 18, 0, 0.1 },
	{ "5 % lost, whole frames",  net_loss5,    false, 20000, 60,   AT_TICKS_WHOLE, 0, 26, 26, 0, 0.3 },
	{ "Wi-Fi, whole frames",     net_wifi,     false, 20000, 120,  AT_TICKS_WHOLE, 0, 105, 120, 1, 1.5 },
	{ "slower, whole frames",    net_small,    false, 20000, 600,  AT_TICKS_WHOLE, -200, 26, 30, 0.1, 0.2 },
	{ "reordered, whole frames", net_reorder,  false, 20000, 60,   AT_TICKS_WHOLE, 0, 55, 55, 0.4, 0.6 },
	{ "clean 2.5 ms",            net_clean,    false, 2500, 60,   TRUE_TIME, 0,     5,    5,   0,    0.1 },
	{ "2.5 ms, 2 ms of jitter",  net_small,    false, 2500, 60,   TRUE_TIME, 0,     9,    9,   0.1,  0.1 },
	{ "fixed 2.5 ms, clean",     net_clean,    true,  2500, 60,   TRUE_TIME, 0,     8,    8,   0,    0.1 },
	{ "fixed 2.5 ms, 5 % lost",  net_loss5,    true,  2500, 60,   TRUE_TIME, 0,     8,    8,   0,    0.2 },
	{ "fixed 2.5 ms, faster",    net_small,    true,  2500, 60,   TRUE_TIME, 200,   12,   12.5,  0.1,  0.1 },
	{ "fixed 2.5 ms, slower",    net_small,    true,  2500, 60,   TRUE_TIME, -200,  8,    8,   0.1,  0.1 },
	{ "2 ms of jitter",          net_small,    false, 20000, 60,   TRUE_TIME, 0,     12,   12,  0,    0.1 },
	{ "5 % lost",                net_loss5,    false, 20000, 60,   TRUE_TIME, 0,     14,   14,  0,    0.2 },
	{ "20 % lost",               net_loss20,   false, 20000, 60,   TRUE_TIME, 0,     16,   16,  0,    0.4 },
	{ "reordered",               net_reorder,  false, 20000, 60,   TRUE_TIME, 0,     45,   45,  0.2,  0.3 },
	{ "Wi-Fi",                   net_wifi,     false, 20000, 120,  TRUE_TIME, 0,     90,   100, 1,    1.5 },
	{ "4G",                      net_4g,       false, 20000, 120,  TRUE_TIME, 0,     70,   80,  1,    1.5 },
	{ "sender 200 ppm faster",   net_small,    false, 20000, 600,  TRUE_TIME, 200,   24,   40,  0.05, 0.1 },
	{ "sender 200 ppm slower",   net_small,    false, 20000, 600,  TRUE_TIME, -200,  14,   16,  0.02, 0.1 },
	{ "fixed, clean",            net_clean,    true,  20000, 60,   TRUE_TIME, 0,     32,   32,  0,    0.2 },
	{ "fixed, 5 % lost",         net_loss5,    true,  20000, 60,   TRUE_TIME, 0,     32,   32,  0,    0.2 },
	{ "fixed, 200 ppm faster",   net_small,    true,  20000, 600,  TRUE_TIME, 200,   52,   52,  0.05, 0.1 },
	{ "fixed, 200 ppm slower",   net_small,    true,  20000, 600,  TRUE_TIME, -200,  32,   32,  0.05, 0.1 },
};

static void test_networks(void)
{
	static struct result res;
	bool ok = true;

	for (size_t i = 0; i < G_N_ELEMENTS(sims); i++) {
		const struct sim *sim = &sims[i];
		double mean, end, lost, conceal;

		simulate(&res, sim);
		mean    = mean_of(&res, 0, sim->seconds);
		end     = mean_of(&res, sim->seconds - 1, sim->seconds);
		lost    = 100.0 * (res.came - res.heard) / res.came;
		/* up to a buffer full of packets may still be inside at the end */
		if (res.came - res.heard <= res.s.depth_ms * 1000 / sim->frame_us)
			lost = 0;
		conceal = 100.0 * (res.gaps - (double)res.never * sim->frame_us / MIN(sim->frame_us, 10000)) / res.answers;

		g_test_message("%-24s mean %5.1f ms, end %5.1f ms, target %3u ms, not heard %5.2f %%, concealed beyond loss "
			"%5.2f %%, late %u, left out %u, stretched %u, resets %u", sim->name, mean, end, res.s.target_ms, lost, conceal,
			(unsigned)res.s.late, (unsigned)res.s.dropped_shrink, (unsigned)res.s.stretched, (unsigned)res.s.resets);
		if (mean > sim->mean_ms || end > sim->end_ms || lost > sim->lost_pct || conceal > sim->conceal_pct ||
		    res.s.resets) {
			g_test_message("%s: out of bounds", sim->name);
			ok = false;
		}
	}
	g_assert_true(ok);
}

/* 100 ms slower after 20 s, fast again after 40 s: sound is back within 150 ms, and 10 s later the delay is what it was. */
static void test_step(void)
{
	static const struct sim sim[] = {
		{ "step", net_step, false, 20000, 60, TRUE_TIME, 0, 0, 0, 0, 0 },
		{ "step, at ticks", net_step, false, 20000, 60, AT_TICKS, 0, 0, 0, 0, 0 } };
	static struct result res;

	for (size_t k = 0; k < G_N_ELEMENTS(sim); k++) {
		simulate(&res, &sim[k]);
		for (unsigned i = 0; i < 60; i++)
			g_test_message("%s, second %2u: %5.1f ms, %u frames", sim[k].name, i, mean_of(&res, i, i + 1), res.cnt[i]);

		g_assert_cmpfloat(mean_of(&res, 10, 20), <, 12);
		g_assert_cmpuint(res.cnt[20], >=, 43);
		g_assert_cmpfloat(mean_of(&res, 21, 40), <, 120);
		g_assert_cmpfloat(mean_of(&res, 50, 60), <, 12);
		g_assert_cmpuint(res.s.resets, ==, 0);
	}
}

/* Frames that came inside later packets: no arrivals of their own, but the voice waits for the next as long as they took;
 * five to ten seconds later, when there were no more, not any longer. */
static void test_again(void)
{
	const uint8_t payload[4] = { 0 };
	struct rtp_pkt p = { .ssrc = SSRC, .payload = payload, .len = sizeof(payload) };
	struct jitter_stats s;
	struct jitter_frame f;
	struct jitter *j = NULL;
	unsigned concealed = 0;

	g_assert_cmpint(jitter_alloc(&j, &voice), ==, 0);
	for (uint32_t i = 0; i < 1000; i++) {
		const bool lost = i < 400 && i % 25 == 24, before = i && i < 401 && i % 25 == 0;

		if (before) {
			p.seq = (uint16_t)(i - 1);
			p.ts  = (i - 1) * FRAME;
			g_assert_cmpint(jitter_put_again_rt(j, &p, i * 20000ull), ==, 0);
			g_assert_cmpint(jitter_put_again_rt(j, &p, i * 20000ull), ==, EALREADY);
		}
		p.seq = (uint16_t)i;
		p.ts  = i * FRAME;
		if (!lost)
			g_assert_cmpint(jitter_put_rt(j, &p, i * 20000ull), ==, 0);
		concealed += jitter_get_rt(j, &f, FRAME, i * 20000ull + 5000) == JITTER_LOST;
		if (i == 450) {
			jitter_stats(j, &s);
			g_assert_cmpuint(s.target_ms, >=, 20);
			g_assert_cmpuint(s.target_ms, <=, 25);
			g_assert_cmpuint(s.jitter_us, ==, 0);
		}
	}
	jitter_stats(j, &s);
	g_assert_cmpuint(concealed, ==, 1);
	g_assert_cmpuint(s.lost + s.late + s.reordered, ==, 0);
	g_assert_cmpuint(s.target_ms, ==, 0);
	g_assert_cmpuint(s.dropped_shrink, ==, 1);
	g_assert_cmpint(jitter_put_again_rt(NULL, &p, 0), ==, EINVAL);
	mem_deref(j);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/jitter/scripts", test_scripts);
	g_test_add_func("/jitter/conf", test_conf);
	g_test_add_func("/jitter/oversize", test_oversize);
	g_test_add_func("/jitter/overflow", test_overflow);
	g_test_add_func("/jitter/room", test_room);
	g_test_add_func("/jitter/new-ssrc", test_new_ssrc);
	g_test_add_func("/jitter/fixed-long-tick", test_fixed_long_tick);
	g_test_add_func("/jitter/fixed-never-waits", test_fixed_never_waits);
	g_test_add_func("/jitter/recovered", test_recovered);
	g_test_add_func("/jitter/again", test_again);
	g_test_add_func("/jitter/quiet", test_quiet);
	g_test_add_func("/jitter/talk-spurts", test_talk_spurts);
	g_test_add_func("/jitter/settles", test_settles);
	g_test_add_func("/jitter/steered", test_steered);
	g_test_add_func("/jitter/rests", test_rests);
	g_test_add_func("/jitter/networks", test_networks);
	g_test_add_func("/jitter/step", test_step);
	return g_test_run();
}
