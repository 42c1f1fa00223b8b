/*
 * test-red.c - bytes to blocks and back, which frames fill which hole, and what a lossy network leaves of a talk.
 */
#include <errno.h>
#include <glib.h>
#include <re.h>
#include <string.h>

#include "mixer/jitter.h"
#include "mixer/red.h"

/* ---- bytes ---- */

#define BYTES(...) {__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

static const struct {
	const char *name;
	uint8_t buf[64];
	size_t  len;
	int     err;
	unsigned n;
	struct { uint8_t pt; uint16_t off; size_t len; uint8_t first; } want[RED_BLOCKS_MAX];
} reads[] = {
	{"only its own", BYTES(0, 'a', 'b'), 0, 1, {{0, 0, 2, 'a'}}},
	{"its own is empty", BYTES(5), 0, 1, {{5, 0, 0, 0}}},
	{"RFC 2198 5, its offsets: one older", BYTES(0x80 | 7, 160 >> 6, (160 << 2) & 255, 2, 5, 'x', 'y', 'z'), 0, 2,
		{{7, 160, 2, 'x'}, {5, 0, 1, 'z'}}},
	{"two older", BYTES(0x80, 320 >> 6, (320 << 2) & 255, 1, 0x80, 160 >> 6, (160 << 2) & 255, 1, 0, 'a', 'b', 'c'), 0, 3,
		{{0, 320, 1, 'a'}, {0, 160, 1, 'b'}, {0, 0, 1, 'c'}}},
	{"an empty one and one of offset 0 are none", BYTES(0x80, 1, 0, 0, 0x80, 0, 0, 1, 0, 'x', 'y'), 0, 1, {{0, 0, 1, 'y'}}},
	{"largest offset and length do not fit", BYTES(0xff, 0xff, 0xff, 0xff, 0, 1), EBADMSG, 0, {{0}}},
	{"empty", {0}, 0, EBADMSG, 0, {{0}}},
	{"a header that ends", BYTES(0x80, 0, 4), EBADMSG, 0, {{0}}},
	{"no last header", BYTES(0x80, 0, 4, 0), EBADMSG, 0, {{0}}},
	{"longer than the packet", BYTES(0x80, 1, 0, 2, 0, 1), EBADMSG, 0, {{0}}},
	{"five older: the last three", BYTES(0x80, 5, 0, 1, 0x80, 4, 0, 1, 0x80, 3, 0, 1, 0x80, 2, 0, 1, 0x80, 1, 0, 1, 0, 'a', 'b', 'c', 'd',
		'e', 'f'), 0, 4, {{0, 192, 1, 'c'}, {0, 128, 1, 'd'}, {0, 64, 1, 'e'}, {0, 0, 1, 'f'}}},
};

static void reading(void)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(reads); i++) {
		struct red_block b[RED_BLOCKS_MAX];
		unsigned n = 0;

		g_test_message("%s", reads[i].name);
		g_assert_cmpint(red_read(b, &n, reads[i].buf, reads[i].len), ==, reads[i].err);
		if (reads[i].err)
			continue;
		g_assert_cmpuint(n, ==, reads[i].n);
		for (unsigned k = 0; k < n; k++) {
			g_assert_cmpuint(b[k].pt, ==, reads[i].want[k].pt);
			g_assert_cmpuint(b[k].ts_off, ==, reads[i].want[k].off);
			g_assert_cmpuint(b[k].len, ==, reads[i].want[k].len);
			g_assert_true(!b[k].len || b[k].payload[0] == reads[i].want[k].first);
		}
	}
}

/* Sixteen blocks are read, seventeen are not; whatever their number, no more than four come out. */
static void counting(void)
{
	for (unsigned older = 0; older <= RED_READ_MAX; older++) {
		struct red_block b[RED_BLOCKS_MAX];
		uint8_t buf[200] = {0};
		unsigned n = 0;
		const int err = older < RED_READ_MAX ? 0 : EBADMSG;

		for (unsigned i = 0; i < older; i++)
			memcpy(buf + 4 * i, "\x80\x01\x00\x01", 4);
		g_assert_cmpint(red_read(b, &n, buf, 4 * older + 1 + older + 1), ==, err);
		if (!err)
			g_assert_cmpuint(n, ==, MIN(older + 1, RED_BLOCKS_MAX));
	}
}

/* A long hole that is filled too late for the buffer must not make it begin anew. */
static void late(void)
{
	const struct jitter_conf conf = {.clock = 8000, .max_ms = 200, .fixed = true, .max_payload = 200, .n_slots = 64};
	uint8_t buf[64];
	struct rtp_pkt out[RED_BLOCKS_MAX], p = {.ssrc = 1, .payload = buf};
	struct jitter *j = NULL;
	struct jitter_frame f;
	struct jitter_stats s;
	struct red_rx rx = {0};
	uint64_t now_us = 0;
	unsigned n;

	g_assert_cmpint(jitter_alloc(&j, &conf), ==, 0);
	for (unsigned i = 0; i < 60; i++, now_us += 20000) {
		size_t at = 0;

		p.seq = (uint16_t)i;
		p.ts = i * 160;
		for (unsigned g = 4; g > 0; g--) {
			buf[at++] = 0x80;
			buf[at++] = (uint8_t)(g * 160 >> 6);
			buf[at++] = (uint8_t)(g * 160 << 2);
			buf[at++] = 1;
		}
		memcpy(buf + at, "\x00" "abcd" "own", 8);
		p.len = at + 8;
		if (i % 10 < 5) {         /* then five are lost: concealed, given up for the sixth, and only then told of */
			g_assert_cmpint(red_packets_rt(&rx, out, &n, &p), ==, 0);
			for (unsigned k = 0; k < n; k++)
				(void)jitter_put_rt(j, &out[k], now_us);
		}
		(void)jitter_get_rt(j, &f, 160, now_us);
	}
	jitter_stats(j, &s);
	g_assert_cmpuint(s.resets, ==, 0);
	mem_deref(j);
}

static void writing(void)
{
	uint8_t frame[1500], buf[1500];
	struct red_block b[RED_BLOCKS_MAX];
	struct red_tx t;
	unsigned n;
	int len;

	/* one, two, three of a kind: none, one, two older ones; each says when and what it is */
	red_tx_init(&t, 2);
	for (unsigned i = 0; i < 6; i++) {
		const uint32_t ts = 0xffffff00u + i * 160;

		memset(frame, (int)i + 1, sizeof(frame));
		len = red_write_rt(&t, buf, sizeof(buf), 8, ts, frame, 100 + i);
		g_assert_cmpint(len, >, 0);
		g_assert_cmpint(red_read(b, &n, buf, (size_t)len), ==, 0);
		g_assert_cmpuint(n, ==, MIN(i, 2) + 1);
		for (unsigned k = 0; k < n; k++) {
			const unsigned age = n - 1 - k;

			g_assert_cmpuint(b[k].pt, ==, 8);
			g_assert_cmpuint(b[k].ts_off, ==, age * 160);
			g_assert_cmpuint(b[k].len, ==, 100 + i - age);
			g_assert_cmpuint(b[k].payload[0], ==, i + 1 - age);
		}
	}
	/* little room: the oldest is left out first; none: ENOSPC */
	g_assert_cmpint(red_write_rt(&t, buf, 300, 8, 0x1000, frame, 100), ==, 5 + 105 + 100);
	g_assert_cmpint(red_write_rt(&t, buf, 101, 8, 0x1000 + 160, frame, 100), ==, 101);
	g_assert_cmpint(red_write_rt(&t, buf, 100, 8, 0x1000 + 320, frame, 100), ==, -ENOSPC);
	/* a pause longer than fourteen bits, and frames longer than ten, are not told of */
	g_assert_cmpint(red_write_rt(&t, buf, sizeof(buf), 8, 0x1000 + 160 + RED_TS_MAX + 1, frame, 10), ==, 11);
	g_assert_cmpint(red_write_rt(&t, buf, sizeof(buf), 8, 0x9000, frame, RED_LEN_MAX), >, RED_LEN_MAX + 10);
	g_assert_cmpint(red_write_rt(&t, buf, sizeof(buf), 8, 0x9100, frame, RED_LEN_MAX + 1), ==, RED_LEN_MAX + 2);
	g_assert_cmpint(red_write_rt(&t, buf, sizeof(buf), 8, 0x9200, frame, 10), ==, 11);
	/* one generation, when one is wanted */
	red_tx_init(&t, 1);
	for (unsigned i = 0; i < 4; i++)
		len = red_write_rt(&t, buf, sizeof(buf), 8, i * 160, frame, 10);
	g_assert_cmpint(len, ==, 5 + 10 + 10);
}

/* ---- holes ---- */

struct block_in { uint16_t off; uint8_t id; };

static const struct {
	const char *name;
	uint16_t last_seq, seq;
	uint32_t last_ts, ts;
	bool marker;
	struct block_in in[4];
	struct { uint16_t seq; uint32_t ts; uint8_t id; } want[4];      /* before its own */
} holes[] = {
	{"none", 10, 11, 1600, 1760, false, {{160, 1}}, {{0}}},
	{"one, one older", 10, 12, 1600, 1920, false, {{160, 1}}, {{11, 1760, 1}}},
	{"one, two older: the other was here", 10, 12, 1600, 1920, false, {{320, 1}, {160, 2}}, {{11, 1760, 2}}},
	{"two, two older", 10, 13, 1600, 2080, false, {{320, 1}, {160, 2}}, {{11, 1760, 1}, {12, 1920, 2}}},
	{"two, in another order", 10, 13, 1600, 2080, false, {{160, 2}, {320, 1}}, {{11, 1760, 1}, {12, 1920, 2}}},
	{"two, the same twice", 10, 13, 1600, 2080, false, {{160, 2}, {160, 1}}, {{12, 1920, 2}}},
	{"three, one older: the last", 10, 14, 1600, 2240, false, {{160, 1}}, {{13, 2080, 1}}},
	{"three, only the one before last is told of", 10, 14, 1600, 2240, false, {{320, 1}}, {{12, 1920, 1}}},
	{"one lost before a pause", 10, 12, 1600, 9600, true, {{7840, 1}}, {{11, 1760, 1}}},
	{"two lost, a pause between: the last", 10, 13, 1600, 9600, true, {{4000, 1}}, {{12, 5600, 1}}},
	{"over the wrap", 65534, 1, 0xffffff00u, 0xffffff00u + 480, false, {{320, 1}, {160, 2}},
		{{65535, 0xffffff00u + 160, 1}, {0, 0xffffff00u + 320, 2}}},
	{"late, out of order", 10, 8, 1600, 1280, false, {{160, 1}}, {{0}}},
	{"too long a hole", 10, 2000, 1600, 400000, false, {{160, 1}}, {{0}}},
	{"timestamps that run back", 10, 12, 1600, 800, false, {{160, 1}}, {{0}}},
	{"older than the last received", 10, 12, 1600, 1920, false, {{800, 1}}, {{0}}},
};

static size_t put_blocks(uint8_t *buf, const struct block_in *in)
{
	size_t n = 0, at = 0;

	for (; n < 4 && in[n].id; n++) {
		buf[at++] = 0x80;
		buf[at++] = (uint8_t)(in[n].off >> 6);
		buf[at++] = (uint8_t)(in[n].off << 2);
		buf[at++] = 1;
	}
	buf[at++] = 0;
	for (size_t i = 0; i < n; i++)
		buf[at++] = in[i].id;
	buf[at++] = 0xee;
	return at;
}

static void filling(void)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(holes); i++) {
		static const uint8_t plain[2];
		struct rtp_pkt out[RED_BLOCKS_MAX], p = {.pt = 99, .seq = holes[i].last_seq, .ts = holes[i].last_ts, .ssrc = 7,
			.payload = plain, .len = 2};
		struct red_rx r = {0};
		uint8_t buf[64];
		unsigned n, k;

		g_test_message("%s", holes[i].name);
		g_assert_cmpint(red_packets_rt(&r, out, &n, &p), ==, 0);
		g_assert_cmpuint(n, ==, 1);
		p.seq = holes[i].seq;
		p.ts = holes[i].ts;
		p.marker = holes[i].marker;
		p.payload = p.ext = buf;          /* the header speaks of this packet's own frame */
		p.ext_len = 4;
		p.len = put_blocks(buf, holes[i].in);
		g_assert_cmpint(red_packets_rt(&r, out, &n, &p), ==, 0);
		for (k = 0; k < 4 && holes[i].want[k].id; k++) {
			g_assert_cmpuint(k, <, n - 1);
			g_assert_cmpuint(out[k].seq, ==, holes[i].want[k].seq);
			g_assert_cmpuint(out[k].ts, ==, holes[i].want[k].ts);
			g_assert_cmpuint(out[k].payload[0], ==, holes[i].want[k].id);
			g_assert_true(out[k].len == 1 && out[k].pt == 0 && !out[k].marker && !out[k].ext && !out[k].ext_len);
		}
		g_assert_cmpuint(n, ==, k + 1);
		g_assert_true(out[k].ext == buf && out[k].seq == p.seq && out[k].ts == p.ts && out[k].payload[0] == 0xee && out[k].marker == p.marker);
	}
}

/* ---- a lossy network ---- */

static uint32_t rnd(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* Five minutes of 20 ms frames, one packet in ten lost by itself: frames that are missing at the end, per thousand. */
static unsigned missing_per_mille(unsigned gens)
{
	enum { PACKETS = 15000 };
	const struct jitter_conf conf = {.clock = 8000, .min_ms = 20, .max_ms = 200, .max_payload = 200, .n_slots = 64};
	struct jitter_stats s;
	struct jitter *j = NULL;
	struct red_rx rx = {0};
	uint32_t seed = 5;
	struct red_tx tx;
	unsigned right = 0, left = 0;     /* halves of the frame that plays */

	g_assert_cmpint(jitter_alloc(&j, &conf), ==, 0);
	red_tx_init(&tx, (uint8_t)gens);
	for (unsigned i = 0; i < PACKETS; i++) {
		const uint64_t now_us = 1000000 + i * 20000ull;
		const uint8_t frame[4] = {0xaa, (uint8_t)(i >> 8), (uint8_t)i, 0xbb};
		struct rtp_pkt out[RED_BLOCKS_MAX], p = {.seq = (uint16_t)(i + 60000), .ts = i * 160, .ssrc = 1};
		uint8_t buf[200];
		unsigned n = 0;

		p.payload = buf;
		p.len = (size_t)red_write_rt(&tx, buf, sizeof(buf), 0, p.ts, frame, sizeof(frame));
		if (rnd(&seed) % 10) {
			if (gens)
				g_assert_cmpint(red_packets_rt(&rx, out, &n, &p), ==, 0);
			else
				out[n++] = (struct rtp_pkt){.seq = p.seq, .ts = p.ts, .ssrc = 1, .payload = frame, .len = 4};
			for (unsigned k = 0; k < n; k++)
				(void)jitter_put_rt(j, &out[k], now_us);
		}
		for (unsigned half = 0; half < 2; half++) {
			struct jitter_frame f;

			left -= left > 0;
			if (left || jitter_get_rt(j, &f, 80, now_us + half * 10000) != JITTER_FRAME)
				continue;
			jitter_played_rt(j, 160);
			left = 2;
			right++;
			g_assert_cmpuint(f.len, ==, 4);
			g_assert_cmpuint((uint16_t)((f.payload[1] << 8 | f.payload[2]) + 60000), ==, f.seq);
			g_assert_cmpuint((uint16_t)(f.ts / 160 + 60000), ==, f.seq);
		}
	}
	jitter_stats(j, &s);
	g_test_message("%u generations: %u of %u frames heard, %" PRIu64 " lost, target %u ms", gens, right, PACKETS, s.lost, s.target_ms);
	mem_deref(j);
	return (PACKETS - right) * 1000 / PACKETS;
}

static void lossy(void)
{
	g_assert_cmpuint(missing_per_mille(0), >, 80);
	g_assert_cmpuint(missing_per_mille(1), <, 20);
	g_assert_cmpuint(missing_per_mille(2), <, 10);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/red/reading", reading);
	g_test_add_func("/red/counting", counting);
	g_test_add_func("/red/writing", writing);
	g_test_add_func("/red/filling", filling);
	g_test_add_func("/red/late", late);
	g_test_add_func("/red/lossy", lossy);
	return g_test_run();
}
