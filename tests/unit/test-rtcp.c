/*
 * test-rtcp.c - bytes in, struct or error out; the appendix's arithmetic against values worked out by hand.
 */
#include <errno.h>
#include <glib.h>
#include <math.h>
#include <string.h>
#include "mixer/rtcp.h"

#define ROW(name, s) name, (const uint8_t *)(s), sizeof(s) - 1

#define SR      "\x80\xc8\x00\x06" "\x00\x00\x00\x07" "\xe0\x00\x00\x01\x80\x00\x00\x00" "\x00\x00\x01\x00" "\x00\x00\x00\x05" "\x00\x00\x03\x20"
#define SR1     "\x81\xc8\x00\x0c" "\x00\x00\x00\x07" "\xe0\x00\x00\x01\x80\x00\x00\x00" "\x00\x00\x01\x00" "\x00\x00\x00\x05" "\x00\x00\x03\x20" BLOCK
#define BLOCK   "\x00\x00\x00\x09" "\x40\xff\xff\xfe" "\x00\x01\x00\x02" "\x00\x00\x00\x11" "\x12\x34\x56\x78" "\x00\x01\x00\x00"
#define RR      "\x80\xc9\x00\x01" "\x00\x00\x00\x07"
#define RR1     "\x81\xc9\x00\x07" "\x00\x00\x00\x07" BLOCK
#define SDES    "\x81\xca\x00\x03" "\x00\x00\x00\x07" "\x01\x04" "a@b!" "\x00\x00"
#define BYE     "\x81\xcb\x00\x01" "\x00\x00\x00\x07"
#define APP     "\x80\xcc\x00\x02" "\x00\x00\x00\x07" "name"
#define PLI     "\x81\xce\x00\x02" "\x00\x00\x00\x07" "\x00\x00\x00\x09"
#define XR      "\x80\xcf\x00\x01" "\x00\x00\x00\x07"

static const struct {
	const char *name;
	const uint8_t *in;
	size_t len;
	int err;
	bool sr, bye;
	uint8_t n_blocks;
	const char *cname;
} rows[] = {
	{ ROW("nothing", ""),                            .err = EBADMSG },
	{ ROW("three bytes", "\x80\xc9\x00"),            .err = EBADMSG },
	{ ROW("SR SDES", SR SDES),                       0, true, false, 0, "a@b!" },
	{ ROW("SR with a block, SDES, BYE", SR1 SDES BYE), 0, true, true, 1, "a@b!" },
	{ ROW("RR alone", RR),                           0, false, false, 0, "" },
	{ ROW("RR with a block", RR1 SDES),              0, false, false, 1, "a@b!" },
	{ ROW("RR SDES APP XR are stepped over", RR SDES APP XR), 0, false, false, 0, "a@b!" },
	{ ROW("reduced size: feedback alone", PLI),      0, false, false, 0, "" },
	{ ROW("reduced size: SDES alone", SDES),         0, false, false, 0, "a@b!" },
	{ ROW("reduced size: BYE alone", BYE),           0, false, true, 0, "" },
	{ ROW("BYE of none", RR "\x80\xcb\x00\x00"),     0, false, false, 0, "" },
	{ ROW("BYE of another", RR "\x81\xcb\x00\x01\x00\x00\x00\x08"), 0, false, false, 0, "" },
	{ ROW("BYE with a reason", RR "\x81\xcb\x00\x03\x00\x00\x00\x07\x04gone\x00\x00\x00"), 0, false, true, 0, "" },
	{ ROW("BYE counts more than it has", RR "\x82\xcb\x00\x01\x00\x00\x00\x07"), .err = EBADMSG },
	{ ROW("version 1", "\x40\xc9\x00\x01\x00\x00\x00\x07"), .err = EBADMSG },
	{ ROW("version 1 in the second", RR "\x41\xca\x00\x03\x00\x00\x00\x07\x01\x04" "a@b!\x00\x00"), .err = EBADMSG },
	{ ROW("no RTCP type", "\x80\x08\x00\x01\x00\x00\x00\x07"), .err = EBADMSG },
	{ ROW("length beyond the datagram", "\x80\xc9\x00\x02\x00\x00\x00\x07"), .err = EBADMSG },
	{ ROW("bytes behind the last", RR "\x00"),       .err = EBADMSG },
	{ ROW("a word behind the last", RR "\x00\x00\x00\x00"), .err = EBADMSG },
	{ ROW("SR cut", "\x80\xc8\x00\x05" "\x00\x00\x00\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
		.err = EBADMSG },
	{ ROW("RR counts a block it has not", "\x81\xc9\x00\x01\x00\x00\x00\x07"), .err = EBADMSG },
	{ ROW("RR without its SSRC", "\x80\xc9\x00\x00"), .err = EBADMSG },
	{ ROW("RR with a profile's extension", "\x80\xc9\x00\x02\x00\x00\x00\x07\x11\x22\x33\x44"), 0, false, false, 0, "" },
	{ ROW("SDES item runs over", RR "\x81\xca\x00\x02\x00\x00\x00\x07\x01\x40" "ab"), .err = EBADMSG },
	{ ROW("SDES not terminated", RR "\x81\xca\x00\x02\x00\x00\x00\x07\x01\x02" "ab"), .err = EBADMSG },
	{ ROW("SDES counts a chunk it has not", RR "\x82\xca\x00\x03\x00\x00\x00\x07\x01\x04" "a@b!\x00\x00"), .err = EBADMSG },
	{ ROW("SDES two chunks, ours second", RR "\x82\xca\x00\x05\x00\x00\x00\x08\x01\x03" "abc\x00\x00\x00\x00\x00\x00\x07"
		"\x01\x01z\x00"), 0, false, false, 0, "z" },
	{ ROW("SDES chunk of no items", RR "\x81\xca\x00\x02\x00\x00\x00\x07\x00\x00\x00\x00"), 0, false, false, 0, "" },
	{ ROW("padding on the last", RR "\xa1\xcb\x00\x02\x00\x00\x00\x07\x00\x00\x00\x04"), 0, false, true, 0, "" },
	{ ROW("padding not on the last", "\xa0\xc9\x00\x02\x00\x00\x00\x07\x00\x00\x00\x04" BYE), .err = EBADMSG },
	{ ROW("padding 0", RR "\xa1\xcb\x00\x02\x00\x00\x00\x07\x00\x00\x00\x00"), .err = EBADMSG },
	{ ROW("padding 3", RR "\xa1\xcb\x00\x02\x00\x00\x00\x07\x00\x00\x00\x03"), .err = EBADMSG },
	{ ROW("padding eats the header", RR "\xa1\xcb\x00\x02\x00\x00\x00\x07\x00\x00\x00\x0c"), .err = EBADMSG },
	{ ROW("padding eats what is counted", RR "\xa1\xcb\x00\x02\x00\x00\x00\x07\x00\x00\x00\x08"), .err = EBADMSG },
};

static void test_read(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		uint8_t *base = g_malloc(1 + rows[i].len), *copy = base + 1;
		struct rtcp_info info;
		int err;

		memcpy(copy, rows[i].in, rows[i].len);
		g_test_message("%s", rows[i].name);
		err = rtcp_read(&info, copy, rows[i].len);
		g_free(base);

		g_assert_cmpint(err, ==, rows[i].err);
		if (err)
			continue;
		g_assert_cmpuint(info.ssrc, ==, 7);
		g_assert_cmpint(info.sr, ==, rows[i].sr);
		g_assert_cmpint(info.bye, ==, rows[i].bye);
		g_assert_cmpuint(info.n_blocks, ==, rows[i].n_blocks);
		g_assert_cmpstr(info.cname, ==, rows[i].cname);
		if (info.sr) {
			g_assert_cmphex(info.ntp, ==, 0xe000000180000000ull);
			g_assert_cmpuint(info.rtp_ts, ==, 256);
			g_assert_cmpuint(info.packets, ==, 5);
			g_assert_cmpuint(info.octets, ==, 800);
		}
		if (info.n_blocks) {
			g_assert_cmpuint(info.block[0].ssrc, ==, 9);
			g_assert_cmpuint(info.block[0].fraction, ==, 64);
			g_assert_cmpint(info.block[0].lost, ==, -2);
			g_assert_cmphex(info.block[0].ext_seq, ==, 0x10002);
			g_assert_cmpuint(info.block[0].jitter, ==, 17);
			g_assert_cmphex(info.block[0].lsr, ==, 0x12345678);
			g_assert_cmphex(info.block[0].dlsr, ==, 0x10000);
		}
	}
}

/* ---- a source ---- */

static const struct {
	const char *name;
	uint16_t seq[16];         /* a 0 ends it */
	uint32_t received;
	int32_t lost;
	uint8_t fraction;
	uint32_t ext_seq;
} sources[] = {
	/* base is the second of the first two: it ends probation and is the first that counts */
	{ "on probation", {10}, 0, 0, 0, 0 },
	{ "valid", {10, 11}, 1, 0, 0, 11 },
	{ "never two in sequence", {10, 12, 14, 16}, 0, 0, 0, 0 },
	{ "a gap on probation", {10, 12, 13, 14}, 2, 0, 0, 14 },
	{ "one of four lost", {10, 11, 12, 14}, 3, 1, 64, 14 },
	{ "two of five lost", {10, 11, 14, 15}, 3, 2, 102, 15 },
	{ "a duplicate", {10, 11, 12, 12}, 3, -1, 0, 12 },
	{ "change of places", {10, 11, 13, 12, 14}, 4, 0, 0, 14 },
	{ "wrap", {65533, 65534, 65535, 1, 2}, 4, 1, 51, 65536 + 2 },
	{ "one jump is nobody", {10, 11, 12, 30000, 13}, 3, 0, 0, 13 },
	{ "two in sequence after a jump are a restart", {10, 11, 12, 30000, 30001, 30002}, 2, 0, 0, 30002 },
	{ "a permissible gap", {10, 11, 2911}, 2, 2899, 255, 2911 },
};

static void test_source(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(sources); i++) {
		struct rtcp_src s;
		struct rtcp_block b;

		g_test_message("%s", sources[i].name);
		rtcp_src_init(&s, 9, 8000);
		for (const uint16_t *q = sources[i].seq; *q; q++) {
			const struct rtp_pkt p = { .seq = *q };

			rtcp_src_packet_rt(&s, &p, 0);
		}
		rtcp_src_block_rt(&s, &b, 0);
		g_assert_cmpuint(s.received, ==, sources[i].received);
		g_assert_cmpuint(b.ssrc, ==, 9);
		g_assert_cmpint(b.lost, ==, sources[i].lost);
		g_assert_cmpuint(b.fraction, ==, sources[i].fraction);
		g_assert_cmpuint(b.ext_seq, ==, sources[i].ext_seq);
		g_assert_cmpuint(b.lsr, ==, 0);

		/* a second report at once: nothing expected in its interval */
		rtcp_src_block_rt(&s, &b, 0);
		g_assert_cmpuint(b.fraction, ==, 0);
		g_assert_cmpint(b.lost, ==, sources[i].lost);
	}
}

/* Fraction is of the interval, lost is of all. */
static void test_intervals(void)
{
	struct rtcp_src s;
	struct rtcp_block b;
	static const struct { uint16_t from, to, drop; uint8_t fraction; int32_t lost; } row[] = {
		{ 1, 101, 0, 0, 0 },          /* 2 .. 101 count */
		{ 102, 201, 150, 2, 1 },      /* 1 of 100: 256 / 100 */
		{ 202, 209, 205, 32, 2 },     /* 1 of 8 */
		{ 210, 309, 0, 0, 2 },
	};

	rtcp_src_init(&s, 9, 8000);
	for (size_t i = 0; i < G_N_ELEMENTS(row); i++) {
		for (uint16_t q = row[i].from; q <= row[i].to; q++) {
			const struct rtp_pkt p = { .seq = q };

			if (q != row[i].drop)
				rtcp_src_packet_rt(&s, &p, 0);
		}
		rtcp_src_block_rt(&s, &b, 0);
		g_assert_cmpuint(b.fraction, ==, row[i].fraction);
		g_assert_cmpint(b.lost, ==, row[i].lost);
	}
}

/*
 * A.8 by hand, 8 kHz: packets 20 ms apart by timestamp come at 0 (probation), 20, 40, 61, 79 ms. Transits 0, 0, 8, -8
 * ticks from the second on: |d| = 0, 8, 16. J = 0; 8/16 = 0.5; 0.5 + (16 - 0.5)/16 = 1.46875.
 */
static void test_jitter(void)
{
	static const struct { uint64_t us; double jitter; } row[] = { {0, 0}, {20000, 0}, {40000, 0}, {61000, 0.5}, {79000, 1.46875} };
	const uint64_t origins[] = { 0, 1700000000000000ull };      /* clocks that count from boot, and from 1970 */

	for (size_t o = 0; o < G_N_ELEMENTS(origins); o++) {
		struct rtcp_src s;

		rtcp_src_init(&s, 9, 8000);
		for (unsigned i = 0; i < G_N_ELEMENTS(row); i++) {
			const struct rtp_pkt p = { .seq = (uint16_t)(65534 + i), .ts = 0xffffff00u + i * 160 };

			rtcp_src_packet_rt(&s, &p, origins[o] + row[i].us);
			g_assert_cmpfloat_with_epsilon(s.jitter, row[i].jitter, 1e-9);
		}
	}
}

/* The RFC's own example (6.4.1, figure 2): LSR 0xb705:2000, DLSR 5.250 s, back at 0xb710:8000: 6.125 s. */
static void test_rtt(void)
{
	struct rtcp_block b = { .lsr = 0xb7052000, .dlsr = 0x00054000 };

	g_assert_cmpint(rtcp_rtt_us(&b, 0xb44db7108000ull << 16), ==, 6125000);
	b.lsr = 0;
	g_assert_cmpint(rtcp_rtt_us(&b, 0xb44db7108000ull << 16), ==, -1);
	b.lsr = 0xb7108000;               /* one that claims to have waited longer than it could */
	g_assert_cmpint(rtcp_rtt_us(&b, 0xb44db7108000ull << 16), ==, -1);
	b.dlsr = 10;                      /* rounding */
	g_assert_cmpint(rtcp_rtt_us(&b, 0xb44db7108000ull << 16), ==, 0);
	b.lsr -= 61 << 16;
	g_assert_cmpint(rtcp_rtt_us(&b, 0xb44db7108000ull << 16), ==, -1);
}

static void test_lsr(void)
{
	struct rtcp_info info = { .sr = true, .ssrc = 9, .ntp = 0x1122334455667788ull };
	struct rtcp_src s;
	struct rtcp_block b;
	const struct rtp_pkt p = { .seq = 1 };

	rtcp_src_init(&s, 9, 8000);
	rtcp_src_packet_rt(&s, &p, 0);
	rtcp_src_sr_rt(&s, &info, 1000000);
	info.ssrc = 10;
	info.ntp  = 5;
	rtcp_src_sr_rt(&s, &info, 2000000);       /* another's */
	rtcp_src_block_rt(&s, &b, 2500000);
	g_assert_cmphex(b.lsr, ==, 0x33445566);
	g_assert_cmphex(b.dlsr, ==, 0x18000);
}

static void test_write(void)
{
	static const uint8_t want[] = SR1 SDES BYE;
	const struct rtcp_block b = { .ssrc = 9, .fraction = 64, .lost = -2, .ext_seq = 0x10002, .jitter = 17,
		.lsr = 0x12345678, .dlsr = 0x10000 };
	struct rtcp_report r = { .ssrc = 7, .sender = true, .ntp = 0xe000000180000000ull, .rtp_ts = 256, .packets = 5,
		.octets = 800, .blocks = &b, .n_blocks = 1, .cname = "a@b!", .bye = true };
	uint8_t buf[1500];
	char long_name[400];
	int n;

	for (size_t size = 0; size < sizeof(want) - 1; size++)
		g_assert_cmpint(rtcp_write(buf, size, &r), ==, -ENOSPC);
	n = rtcp_write(buf, sizeof(buf), &r);
	g_assert_cmpmem(buf, n, want, sizeof(want) - 1);

	r.n_blocks = 32;
	g_assert_cmpint(rtcp_write(buf, sizeof(buf), &r), ==, -EINVAL);

	/* every length of cname: padded, terminated, read back; over 255 cut */
	memset(long_name, 'x', sizeof(long_name));
	r.n_blocks = 0;
	r.sender   = false;
	r.cname    = long_name;
	for (size_t len = 0; len < sizeof(long_name); len++) {
		struct rtcp_info info;

		long_name[len] = '\0';
		n = rtcp_write(buf, sizeof(buf), &r);
		g_assert_cmpint(n, >, 0);
		g_assert_cmpint(n % 4, ==, 0);
		g_assert_cmpint(rtcp_read(&info, buf, (size_t)n), ==, 0);
		g_assert_cmpuint(strlen(info.cname), ==, MIN(len, 255));
		g_assert_true(info.bye);
		long_name[len] = 'x';
	}
}

static void test_time(void)
{
	g_assert_cmphex(rtcp_ntp(0), ==, 2208988800ull << 32);
	g_assert_cmphex(rtcp_ntp(1500000), ==, (2208988801ull << 32) | 0x80000000u);
	g_assert_cmpuint(rtcp_interval_ms(0.5, false), ==, 4104);
	g_assert_cmpuint(rtcp_interval_ms(0.5, true), ==, 2052);
	g_assert_cmpuint(rtcp_interval_ms(0, false), ==, 2052);
	g_assert_cmpuint(rtcp_interval_ms(1, false), ==, 6156);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/rtcp/read", test_read);
	g_test_add_func("/rtcp/source", test_source);
	g_test_add_func("/rtcp/intervals", test_intervals);
	g_test_add_func("/rtcp/jitter", test_jitter);
	g_test_add_func("/rtcp/rtt", test_rtt);
	g_test_add_func("/rtcp/lsr", test_lsr);
	g_test_add_func("/rtcp/write", test_write);
	g_test_add_func("/rtcp/time", test_time);
	return g_test_run();
}
