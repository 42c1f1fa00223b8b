/*
 * test-xr.c - blocks to bytes and back, bursts of known shape, and the E-model at points one can work out by hand.
 */
#include <errno.h>
#include <glib.h>
#include <math.h>
#include <string.h>

#include "mixer/rtcp.h"
#include "mixer/xr.h"

static const struct xr_voip voip = {.ssrc = 0x01020304, .loss = 5, .discard = 6, .burst_density = 7, .gap_density = 8,
	.burst_ms = 0x090a, .gap_ms = 0x0b0c, .rtt_ms = 0x0d0e, .end_ms = 0x0f10, .signal_dbm = -17, .noise_dbm = -70, .rerl = 19,
	.gmin = 16, .r = 93, .ext_r = 127, .mos_lq = 44, .mos_cq = 41, .rx_config = 0xf0, .jb_ms = 0x1a1b, .jb_max_ms = 0x1c1d,
	.jb_abs_max_ms = 0x1e1f};

static void bytes(void)
{
	static const uint8_t want[] = {0x80, 207, 0, 4, 0, 0, 0, 9, 4, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8};
	static const uint8_t want_voip[] = {0x80, 207, 0, 10, 0, 0, 0, 9, 7, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
		(uint8_t)-17, (uint8_t)-70, 19, 16, 93, 127, 44, 41, 0xf0, 0, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f};
	struct xr_info in = {.ssrc = 9, .rrtr = true, .ntp = 0x0102030405060708ull};
	uint8_t buf[200];

	g_assert_cmpint(xr_write(buf, sizeof(buf), &in), ==, sizeof(want));
	g_assert_cmpmem(buf, sizeof(want), want, sizeof(want));
	in = (struct xr_info){.ssrc = 9, .voip = true, .v = voip};
	g_assert_cmpint(xr_write(buf, sizeof(buf), &in), ==, sizeof(want_voip));
	g_assert_cmpmem(buf, sizeof(want_voip), want_voip, sizeof(want_voip));
	g_assert_cmpint(xr_write(buf, sizeof(want_voip) - 1, &in), ==, -ENOSPC);
	in.n_dlrr = XR_DLRR_MAX + 1;
	g_assert_cmpint(xr_write(buf, sizeof(buf), &in), ==, -EINVAL);
}

/* Behind a receiver report, as it travels; rtcp_read must not mind it. */
static void there_and_back(void)
{
	const struct rtcp_report rr = {.ssrc = 9, .cname = "a@b"};
	struct xr_info in = {.ssrc = 9, .rrtr = true, .ntp = 0xfedcba9876543210ull, .voip = true, .v = voip}, out;
	struct rtcp_info info;
	uint8_t buf[400];
	int n, m;

	for (unsigned dlrr = 0; dlrr <= XR_DLRR_MAX; dlrr++) {
		in.n_dlrr = (uint8_t)dlrr;
		for (unsigned i = 0; i < dlrr; i++)
			in.dlrr[i] = (struct xr_dlrr){i + 1, 0x80000000u + i, i * 65536};
		n = rtcp_write(buf, sizeof(buf), &rr);
		m = xr_write(buf + n, sizeof(buf) - (size_t)n, &in);
		g_assert_cmpint(m, >, 0);
		g_assert_cmpint(rtcp_read(&info, buf, (size_t)(n + m)), ==, 0);
		g_assert_cmpint(xr_read(&out, buf, (size_t)(n + m)), ==, 0);
		g_assert_true(out.ssrc == 9 && out.rrtr && out.ntp == in.ntp && out.voip && out.n_dlrr == dlrr);
		g_assert_true(!memcmp(out.dlrr, in.dlrr, dlrr * sizeof(in.dlrr[0])));
		g_assert_cmpmem(&out.v, sizeof(out.v), &in.v, sizeof(in.v));
	}
	g_assert_cmpint(xr_read(&out, buf, (size_t)n), ==, ENOENT);
}

#define BYTES(...) {__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})

static void malformed(void)
{
	static const struct { const char *name; uint8_t buf[48]; size_t len; int err; } row[] = {
		{"empty", {0}, 0, ENOENT},
		{"three bytes", BYTES(0x80, 207, 0), EBADMSG},
		{"no sender", BYTES(0x80, 207, 0, 0), EBADMSG},
		{"no blocks", BYTES(0x80, 207, 0, 1, 0, 0, 0, 9), 0},
		{"version 1", BYTES(0x40, 207, 0, 1, 0, 0, 0, 9), EBADMSG},
		{"longer than the datagram", BYTES(0x80, 207, 0, 2, 0, 0, 0, 9), EBADMSG},
		{"a block longer than the packet", BYTES(0x80, 207, 0, 2, 0, 0, 0, 9, 4, 0, 0, 2), EBADMSG},
		{"a short RRTR", BYTES(0x80, 207, 0, 3, 0, 0, 0, 9, 4, 0, 0, 1, 0, 0, 0, 0), EBADMSG},
		{"a crooked DLRR", BYTES(0x80, 207, 0, 3, 0, 0, 0, 9, 5, 0, 0, 1, 0, 0, 0, 0), EBADMSG},
		{"a short VoIP block", BYTES(0x80, 207, 0, 3, 0, 0, 0, 9, 7, 0, 0, 1, 0, 0, 0, 0), EBADMSG},
		{"an unknown block", BYTES(0x80, 207, 0, 3, 0, 0, 0, 9, 99, 0, 0, 1, 0, 0, 0, 0), 0},
		{"padding", BYTES(0xa0, 207, 0, 2, 0, 0, 0, 9, 0, 0, 0, 4), 0},
		{"more padding than packet", BYTES(0xa0, 207, 0, 2, 0, 0, 0, 9, 0, 0, 0, 12), EBADMSG},
		{"another type only", BYTES(0x80, 201, 0, 1, 0, 0, 0, 9), ENOENT},
	};
	struct xr_info info;

	for (unsigned i = 0; i < G_N_ELEMENTS(row); i++) {
		g_test_message("%s", row[i].name);
		g_assert_cmpint(xr_read(&info, row[i].buf, row[i].len), ==, row[i].err);
	}
}

/* We ask at 100 s, are answered 30 ms later having been held for 10: 20 ms round trip. */
static void round_trip(void)
{
	const uint64_t asked = rtcp_ntp(100000000), now = rtcp_ntp(100030000);
	const struct xr_dlrr d = {1, (uint32_t)(asked >> 16), 65536 / 100}, none = {1, 0, 0};

	g_assert_cmpint(ABS(xr_rtt_us(&d, now) - 20000), <, 50);
	g_assert_cmpint(xr_rtt_us(&none, now), ==, -1);
}

/* A letter is a packet: . came, x lost, d too late. */
static void feed(struct xr_runs *r, const char *s, unsigned times)
{
	while (times--)
		for (const char *c = s; *c; c++)
			xr_runs_rt(r, *c == 'x' ? XR_LOST : *c == 'd' ? XR_DISCARDED : XR_RECEIVED);
}

#define GOOD20 "...................."

static void bursts(void)
{
	const struct xr_state s = {.ssrc = 7, .packet_us = 20000, .jb_ms = 40, .jb_max_ms = 200, .rtt_us = 60000, .jb_adaptive = true,
		.level_dbov = 26, .bpl = XR_BPL_G711};
	struct xr_runs r = {0};
	struct xr_voip v;

	feed(&r, GOOD20, 50);
	xr_voip_fill(&v, &r, &s);
	g_assert_true(!v.loss && !v.discard && !v.burst_density && !v.gap_density && !v.burst_ms && v.gap_ms == 20000);
	g_assert_cmpuint(v.mos_lq, ==, 44);
	g_assert_true(v.end_ms == 60 && v.rtt_ms == 60 && v.jb_ms == 40 && v.jb_max_ms == 200 && v.gmin == 16);
	g_assert_cmpuint(v.r, ==, 91);            /* 93.2 - 0.024 * 90 */
	g_assert_cmpint(v.signal_dbm, ==, -20);
	g_assert_cmpuint(v.noise_dbm, ==, XR_UNKNOWN);
	g_assert_cmpuint(v.rx_config, ==, 0xf0);

	/* one alone in twenty-one: all of it is gap, as dense as that */
	memset(&r, 0, sizeof(r));
	feed(&r, GOOD20 "x", 100);
	xr_voip_fill(&v, &r, &s);
	g_assert_cmpuint(v.loss, ==, 256 / 21);
	g_assert_cmpuint(v.gap_density, ==, 256 / 21);
	g_assert_cmpuint(v.burst_ms, ==, 0);

	/* nor is the first of all a burst because it comes soon */
	memset(&r, 0, sizeof(r));
	feed(&r, "..x", 1);
	feed(&r, GOOD20 "x", 20);
	xr_voip_fill(&v, &r, &s);
	g_assert_true(!v.burst_ms && !v.burst_density && v.gap_density);

	/* bursts of ten packets of which every second is lost, forty good ones between them: 180 and 820 ms */
	memset(&r, 0, sizeof(r));
	feed(&r, GOOD20 GOOD20 "x.x.d.x.x", 200);
	xr_voip_fill(&v, &r, &s);
	g_test_message("burst %u ms of density %u, gap %u ms", v.burst_ms, v.burst_density, v.gap_ms);
	g_assert_cmpint(abs((int)v.burst_ms - 180), <=, 20);
	g_assert_cmpint(abs((int)v.gap_ms - 820), <=, 30);
	g_assert_cmpint(abs((int)v.burst_density - 128), <=, 20);
	g_assert_cmpuint(v.gap_density, ==, 0);
	g_assert_cmpuint(v.discard, ==, 256 / 49);
	g_assert_cmpuint(v.loss, ==, 4 * 256 / 49);

	/* four lost in a row are as dense as can be */
	memset(&r, 0, sizeof(r));
	feed(&r, GOOD20 "xxxx", 200);
	xr_voip_fill(&v, &r, &s);
	g_assert_cmpuint(v.burst_density, ==, 255);
	g_assert_cmpint(abs((int)v.burst_ms - 80), <=, 20);

	/* nothing came at all, and nothing is known */
	memset(&r, 0, sizeof(r));
	xr_voip_fill(&v, &r, &(struct xr_state){.level_dbov = 127});
	g_assert_true(v.r == XR_UNKNOWN && v.mos_lq == XR_UNKNOWN && v.mos_cq == XR_UNKNOWN && v.signal_dbm == XR_UNKNOWN);
	feed(&r, "x", 1000);
	xr_voip_fill(&v, &r, &s);
	g_assert_cmpuint(v.loss, ==, 255);
	g_assert_cmpuint(v.mos_lq, <=, 16);
}

static void emodel(void)
{
	static const struct { float delay, loss, ie, bpl; double r, mos; } row[] = {
		{0, 0, 0, 25.1f, 93.2, 4.41}, {100, 0, 0, 25.1f, 90.8, 4.36}, {150, 0, 0, 25.1f, 89.6, 4.34}, {277.3f, 0, 0, 25.1f, 75.54, 3.85},
		{0, 5, 0, 25.1f, 77.42, 3.94}, {0, 5, 0, 4.3f, 42.12, 2.16}, {0, 2, 11, 19, 74.20, 3.80}, {2000, 50, 0, 4.3f, 0, 1},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(row); i++) {
		const float r = xr_r_factor(row[i].delay, row[i].loss, row[i].ie, row[i].bpl);

		g_assert_cmpfloat(fabs((double)r - row[i].r), <, 0.05);
		g_assert_cmpfloat(fabs((double)xr_mos(r) - row[i].mos), <, 0.05);
	}
	g_assert_true(xr_mos(-5) == 1.0f && xr_mos(NAN) == 1.0f && xr_mos(120) == 4.5f && xr_mos(3) == 1.0f);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/xr/bytes", bytes);
	g_test_add_func("/xr/there-and-back", there_and_back);
	g_test_add_func("/xr/malformed", malformed);
	g_test_add_func("/xr/round-trip", round_trip);
	g_test_add_func("/xr/bursts", bursts);
	g_test_add_func("/xr/emodel", emodel);
	return g_test_run();
}
