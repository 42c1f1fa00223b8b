/*
 * test-oscrtp.c - the payload of gestures: the specification's own packets, and what one changed octet makes of them.
 */
#include <errno.h>
#include <glib.h>
#include <re.h>
#include <string.h>

#include "osc/oscrtp.h"

/* /key ,ii 60 100 in packet 1001 with /synth/1/gain ,f 0.75 of packet 1000 in its journal */
static const char second[] =
	"80e203e90000bd601122aabb200103e8001400002f6b6579000000002c6969000000003c00000064001800012f73796e74682f312f6761696e0000002c6600"
	"003f400000";
/* nothing new; two events and one key told again */
static const char guard[] =
	"806203eb0000d2001122aabb200003e800148002000014a02f6b6579000000002c6969000000003c0000006400148001000012c02f6b6579000000002c6969"
	"000000003c00000000001800012f73796e74682f312f6761696e0000002c6600003f000000";

static int read_hex(struct oscrtp *o, struct rtp_pkt *pkt, uint8_t *buf, const char *hex)
{
	const size_t len = strlen(hex) / 2;

	g_assert_cmpint(str_hex(buf, len, hex), ==, 0);
	g_assert_cmpint(rtp_read(pkt, buf, len), ==, 0);
	return oscrtp_read(o, pkt, OSC_MAX_DGRAM);
}

static void examples(void)
{
	struct oscrtp_entry t;
	struct oscrtp_elem e;
	struct rtp_pkt pkt;
	struct osc_msg msg;
	struct oscrtp o;
	const uint8_t *p;
	uint8_t buf[256];

	g_assert_cmpint(read_hex(&o, &pkt, buf, second), ==, 0);
	g_assert_true(o.j && !o.p && !o.s && o.num == 1 && o.check == 1000);
	g_assert_true(oscrtp_elem(&e, o.elems) == o.entries);
	g_assert_cmpint(osc_msg_read(&msg, e.osc, e.len), ==, 0);
	g_assert_cmpstr(msg.addr, ==, "/key");
	g_assert_true(oscrtp_entry(&t, o.entries) == o.end);
	g_assert_true(!t.event && t.back == 1 && t.len == 24);

	g_assert_cmpint(read_hex(&o, &pkt, buf, guard), ==, 0);
	g_assert_true(o.num == 0 && o.entries == o.elems);
	p = oscrtp_entry(&t, o.entries);
	g_assert_true(t.event && t.back == 2 && t.age == 5280);
	p = oscrtp_entry(&t, p);
	g_assert_true(t.event && t.back == 1 && t.age == 4800);
	g_assert_true(oscrtp_entry(&t, p) == o.end && !t.event);
}

static const struct {
	const char *name, *of;
	unsigned at;
	uint8_t octet;
	int err;
} changed[] = {
	{"marker off", second, 1, 0x62, EBADMSG},
	{"marker on", guard, 1, 0xe2, EBADMSG},
	{"another version", second, 12, 0x60, EBADMSG},
	{"reserved bits", second, 12, 0x27, 0},
	{"no journal announced", second, 12, 0x00, EBADMSG},
	{"partial", second, 12, 0x30, 0},
	{"more elements than there are", second, 13, 3, EBADMSG},
	{"CHECK of itself", second, 15, 0xe9, 0},
	{"CHECK after itself", second, 15, 0xea, EBADMSG},
	{"CHECK half the numbers before", second, 14, 0x84, 0},
	{"element past the end", second, 17, 0xfc, EBADMSG},
	{"element of 6", second, 17, 6, EBADMSG},
	{"element of 4", second, 17, 4, EBADMSG},
	{"element that is no OSC", second, 20, 'x', EBADMSG},
	{"entry that is no OSC", second, 44, '#', EBADMSG},
	{"BACK 0", second, 43, 0, EBADMSG},
	{"event without its age", second, 42, 0x80, EBADMSG},
	{"entry past the end", second, 41, 0x1c, EBADMSG},
	{"not oldest first", guard, 19, 1, 0},
	{"younger before older", guard, 47, 3, EBADMSG},
};

static void one_octet(void)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(changed); i++) {
		const size_t len = strlen(changed[i].of) / 2;
		uint8_t *buf = g_malloc(len);
		struct rtp_pkt pkt;
		struct oscrtp o;

		g_test_message("%s", changed[i].name);
		g_assert_cmpint(str_hex(buf, len, changed[i].of), ==, 0);
		buf[changed[i].at] = changed[i].octet;
		g_assert_cmpint(rtp_read(&pkt, buf, len), ==, 0);
		g_assert_cmpint(oscrtp_read(&o, &pkt, OSC_MAX_DGRAM), ==, changed[i].err);
		g_free(buf);
	}
}

/* Cut anywhere, it is malformed; except where an entry or all of them end. */
static void cut(void)
{
	const size_t len = strlen(guard) / 2;
	unsigned whole = 0;

	for (size_t n = RTP_HDR_LEN; n < len; n++) {
		uint8_t all[256], *buf;
		struct rtp_pkt pkt;
		struct oscrtp o;

		g_assert_cmpint(str_hex(all, len, guard), ==, 0);
		buf = g_memdup2(all, n);
		g_assert_cmpint(rtp_read(&pkt, buf, n), ==, 0);
		whole += !oscrtp_read(&o, &pkt, OSC_MAX_DGRAM);
		g_free(buf);
	}
	g_assert_cmpuint(whole, ==, 3);
}

static void longest(void)
{
	struct rtp_pkt pkt;
	struct oscrtp o;
	uint8_t buf[256];

	g_assert_cmpint(read_hex(&o, &pkt, buf, second), ==, 0);
	g_assert_cmpint(oscrtp_read(&o, &pkt, 24), ==, 0);
	g_assert_cmpint(oscrtp_read(&o, &pkt, 20), ==, EBADMSG);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/oscrtp/examples", examples);
	g_test_add_func("/oscrtp/one-octet", one_octet);
	g_test_add_func("/oscrtp/cut", cut);
	g_test_add_func("/oscrtp/longest", longest);
	return g_test_run();
}
