/*
 * test-osc.c - OSC packets: bytes in, verdict out; what is read is written back; what random builders make is valid.
 */
#include <errno.h>
#include <glib.h>
#include <string.h>

#include "osc/osc.h"

#define BYTES(s) s, sizeof(s) - 1

static const struct {
	const char *name, *buf;
	size_t len;
	int err;
} packets[] = {
	{"message", BYTES("/a\0\0,i\0\0\0\0\0\1"), 0},
	{"no arguments", BYTES("/a\0\0,\0\0\0"), 0},
	{"no tags", BYTES("/abcdef\0"), EBADMSG},
	{"tags without a comma", BYTES("/a\0\0i\0\0\0\0\0\0\1"), EBADMSG},
	{"empty", BYTES(""), EBADMSG},
	{"four octets", BYTES("/a\0\0"), EBADMSG},
	{"not a multiple of four", BYTES("/a\0\0,\0\0\0\0\0"), EBADMSG},
	{"octets after the last argument", BYTES("/a\0\0,i\0\0\0\0\0\1\0\0\0\0"), EBADMSG},
	{"an argument too few", BYTES("/a\0\0,ii\0\0\0\0\1"), EBADMSG},
	{"half of a long one", BYTES("/a\0\0,h\0\0\0\0\0\1"), EBADMSG},
	{"unknown tag", BYTES("/a\0\0,x\0\0\0\0\0\1"), EBADMSG},
	{"address without a slash", BYTES("ab\0\0,\0\0\0"), EBADMSG},
	{"address that is a slash", BYTES("/\0\0\0,\0\0\0"), EBADMSG},
	{"address that ends in one", BYTES("/a/\0,\0\0\0"), EBADMSG},
	{"space in the address", BYTES("/a b\0\0\0\0,\0\0\0"), EBADMSG},
	{"eight bits in the address", BYTES("/\xc3\xa4\0,\0\0\0"), EBADMSG},
	{"hash in the address", BYTES("/a#\0,\0\0\0"), EBADMSG},
	{"comma in the address", BYTES("/a,b\0\0\0\0,\0\0\0"), EBADMSG},
	{"comma in braces", BYTES("/{a,b}\0\0,\0\0\0"), 0},
	{"comma in braces that stay open", BYTES("/{a,bc\0\0,\0\0\0"), EBADMSG},
	{"comma in braces over a slash", BYTES("/{a,/}\0\0,\0\0\0"), EBADMSG},
	{"comma after braces", BYTES("/{a},b\0\0,\0\0\0"), EBADMSG},
	{"two slashes", BYTES("//a\0,\0\0\0"), 0},
	{"address without an end", BYTES("/abcdefg"), EBADMSG},
	{"tags without an end", BYTES("/a\0\0,TTT"), EBADMSG},
	{"padding that is not NUL", BYTES("/a\0x,\0yz"), 0},
	{"string", BYTES("/a\0\0,s\0\0abc\0"), 0},
	{"string without an end", BYTES("/a\0\0,s\0\0abcd"), EBADMSG},
	{"empty blob", BYTES("/a\0\0,b\0\0\0\0\0\0"), 0},
	{"blob", BYTES("/a\0\0,b\0\0\0\0\0\2xy\0\0"), 0},
	{"blob without its padding", BYTES("/a\0\0,b\0\0\0\0\0\5abcd"), EBADMSG},
	{"blob of 2^31", BYTES("/a\0\0,b\0\0\x80\0\0\0abcd"), EBADMSG},
	{"blob of 2^31 - 1", BYTES("/a\0\0,b\0\0\x7f\xff\xff\xff" "abcd"), EBADMSG},
	{"blob of 2^32 - 4", BYTES("/a\0\0,b\0\0\xff\xff\xff\xfc"), EBADMSG},
	{"array", BYTES("/a\0\0,[i]\0\0\0\0\0\0\0\1"), 0},
	{"array that stays open", BYTES("/a\0\0,[i\0\0\0\0\1"), EBADMSG},
	{"array that was not begun", BYTES("/a\0\0,i]\0\0\0\0\1"), EBADMSG},
	{"brackets four deep", BYTES("/a\0\0,[[[[]]]]\0\0\0"), 0},
	{"brackets five deep", BYTES("/a\0\0,[[[[[]]]]]\0"), EBADMSG},
	{"empty bundle", BYTES("#bundle\0\0\0\0\0\0\0\0\1"), 0},
	{"bundle without a time", BYTES("#bundle\0"), EBADMSG},
	{"bundle of another name", BYTES("#bundlf\0\0\0\0\0\0\0\0\1"), EBADMSG},
	{"bundle", BYTES("#bundle\0\0\0\0\0\0\0\0\1\0\0\0\x8/a\0\0,\0\0\0"), 0},
	{"element that is empty", BYTES("#bundle\0\0\0\0\0\0\0\0\1\0\0\0\0"), EBADMSG},
	{"element of four octets", BYTES("#bundle\0\0\0\0\0\0\0\0\1\0\0\0\4/a\0\0"), EBADMSG},
	{"element too long", BYTES("#bundle\0\0\0\0\0\0\0\0\1\0\0\0\xc/a\0\0,\0\0\0"), EBADMSG},
	{"element too short", BYTES("#bundle\0\0\0\0\0\0\0\0\1\0\0\0\x8/a\0\0,i\0\0\0\0\0\1"), EBADMSG},
	{"element of a negative size", BYTES("#bundle\0\0\0\0\0\0\0\0\1\xff\xff\xff\xfc/a\0\0,\0\0\0"), EBADMSG},
	{"octets after an element", BYTES("#bundle\0\0\0\0\0\0\0\0\1\0\0\0\x8/a\0\0,\0\0\0\0\0\0"), EBADMSG},
	{"a good one, then a bad one", BYTES("#bundle\0\0\0\0\0\0\0\0\1\0\0\0\x8/a\0\0,\0\0\0\0\0\0\x8/b\0\0;\0\0\0"), EBADMSG},
};

static void verdicts(void)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(packets); i++) {
		uint8_t *exact = g_memdup2(packets[i].buf, packets[i].len ? packets[i].len : 1);

		g_test_message("%s", packets[i].name);
		g_assert_cmpint(osc_check(exact, packets[i].len, OSC_MAX_DGRAM), ==, packets[i].err);
		g_free(exact);
	}
}

static void longest(void)
{
	const uint8_t msg[] = "/a\0\0,i\0\0\0\0\0";
	char addr[300] = "/";
	uint8_t buf[400];
	struct osc_writer w;
	size_t len;

	g_assert_cmpint(osc_check(msg, 12, 12), ==, 0);
	g_assert_cmpint(osc_check(msg, 12, 8), ==, EBADMSG);

	memset(addr + 1, 'x', OSC_ADDR_MAX);
	for (int n = OSC_ADDR_MAX; n <= OSC_ADDR_MAX + 1; n++) {
		addr[n] = '\0';
		osc_w_init(&w, buf, sizeof(buf));
		osc_w_msg(&w, addr, NULL, 0);
		g_assert_cmpint(osc_w_end(&w, &len), ==, n == OSC_ADDR_MAX ? 0 : EINVAL);
		addr[n] = 'x';
	}
}

/* Eight bundles in each other are taken and written, nine are not. */
static void depth(void)
{
	uint8_t buf[400], nine[400];
	struct osc_writer w;
	size_t len;

	osc_w_init(&w, buf, sizeof(buf));
	for (int i = 0; i < OSC_BUNDLE_DEPTH; i++)
		osc_w_bundle(&w, OSC_NOW);
	osc_w_msg(&w, "/deep", NULL, 0);
	for (int i = 0; i < OSC_BUNDLE_DEPTH; i++)
		osc_w_bundle_end(&w);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	g_assert_cmpint(osc_check(buf, len, len), ==, 0);

	memcpy(nine, buf, OSC_BUNDLE_HDR);
	nine[16] = 0;
	nine[17] = 0;
	nine[18] = (uint8_t)(len >> 8);
	nine[19] = (uint8_t)len;
	memcpy(nine + 20, buf, len);
	g_assert_cmpint(osc_check(nine, len + 20, len + 20), ==, EBADMSG);

	osc_w_init(&w, buf, sizeof(buf));
	for (int i = 0; i < OSC_BUNDLE_DEPTH + 1; i++)
		osc_w_bundle(&w, OSC_NOW);
	g_assert_cmpint(osc_w_end(&w, &len), ==, EINVAL);
}

/* What a writer cannot do, it says; and nothing is written past its room. */
static void writer_errors(void)
{
	struct osc_arg bad = {.tag = 'x'}, open = {.tag = '['};
	struct osc_writer w;
	uint8_t buf[64];
	size_t len;

	osc_w_init(&w, buf, sizeof(buf));
	osc_w_msg(&w, "/a", &bad, 1);
	g_assert_cmpint(osc_w_end(&w, &len), ==, EINVAL);

	osc_w_init(&w, buf, sizeof(buf));
	osc_w_msg(&w, "/a", &open, 1);
	g_assert_cmpint(osc_w_end(&w, &len), ==, EINVAL);

	osc_w_init(&w, buf, sizeof(buf));
	osc_w_msg(&w, "/a", NULL, 0);
	osc_w_msg(&w, "/b", NULL, 0);             /* a packet is one message or one bundle */
	g_assert_cmpint(osc_w_end(&w, &len), ==, EINVAL);

	osc_w_init(&w, buf, sizeof(buf));
	osc_w_bundle(&w, OSC_NOW);
	g_assert_cmpint(osc_w_end(&w, &len), ==, EINVAL);

	for (size_t room = 0; room < 28; room++) {
		memset(buf, 0xee, sizeof(buf));
		osc_w_init(&w, buf, room);
		osc_w_bundle(&w, OSC_NOW);
		osc_w_msg(&w, "/a", NULL, 0);
		osc_w_bundle_end(&w);
		g_assert_cmpint(osc_w_end(&w, &len), ==, ENOSPC);
		for (size_t i = room; i < sizeof(buf); i++)
			g_assert_cmphex(buf[i], ==, 0xee);
	}
}

/* All tags, each value back as it went. */
static void all_tags(void)
{
	const struct osc_arg args[] = {
		{.tag = 'i', .v.i = -5}, {.tag = 'f', .v.f = 0.75f}, {.tag = 's', .v.s = "hello"}, {.tag = 'b', .v.b = {(const uint8_t *)"xyz", 3}},
		{.tag = 'h', .v.h = INT64_MIN}, {.tag = 't', .v.t = UINT64_MAX}, {.tag = 'd', .v.d = -1e300}, {.tag = 'S', .v.s = ""},
		{.tag = 'c', .v.c = 'A'}, {.tag = 'r', .v.m = {1, 2, 3, 255}}, {.tag = 'm', .v.m = {0, 0x90, 60, 100}}, {.tag = 'T'},
		{.tag = 'F'}, {.tag = 'N'}, {.tag = 'I'}, {.tag = '['}, {.tag = ']'}, {.tag = 'b', .v.b = {NULL, 0}},
	};
	struct osc_writer w;
	struct osc_args it;
	struct osc_arg a;
	struct osc_msg msg;
	uint8_t buf[256];
	size_t len, n = 0;

	osc_w_init(&w, buf, sizeof(buf));
	osc_w_msg(&w, "/all", args, G_N_ELEMENTS(args));
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	g_assert_cmpint(osc_msg_read(&msg, buf, len), ==, 0);
	g_assert_cmpstr(msg.addr, ==, "/all");
	g_assert_cmpstr(msg.tags, ==, "ifsbhtdScrmTFNI[]b");

	osc_args_init(&it, &msg);
	for (; osc_arg_next(&it, &a); n++) {
		g_assert_cmpint(a.tag, ==, args[n].tag);
		switch (a.tag) {
		case 's': case 'S': g_assert_cmpstr(a.v.s, ==, args[n].v.s); break;
		case 'b': g_assert_cmpmem(a.v.b.p, a.v.b.len, args[n].v.b.p, args[n].v.b.len); break;
		case 'h': case 't': g_assert_cmphex(a.v.t, ==, args[n].v.t); break;
		case 'd': g_assert_cmpfloat(a.v.d, ==, args[n].v.d); break;
		default: g_assert_cmphex(a.v.c, ==, args[n].v.c); break;
		}
	}
	g_assert_cmpuint(n, ==, G_N_ELEMENTS(args));
}

static void walk(void)
{
	static const char *const want[] = {"/a", "/b", "/c", "/d"};
	static const uint64_t when[] = {100, 200, OSC_NOW, 100};
	struct osc_writer w;
	struct osc_iter it;
	struct osc_msg msg;
	uint8_t buf[256];
	size_t len, n = 0;

	osc_w_init(&w, buf, sizeof(buf));
	osc_w_bundle(&w, 100);
	osc_w_msg(&w, "/a", NULL, 0);
	osc_w_bundle(&w, 200);
	osc_w_bundle(&w, 300);
	osc_w_bundle_end(&w);
	osc_w_msg(&w, "/b", NULL, 0);
	osc_w_bundle_end(&w);
	osc_w_bundle(&w, OSC_NOW);
	osc_w_msg(&w, "/c", NULL, 0);
	osc_w_bundle_end(&w);
	osc_w_msg(&w, "/d", NULL, 0);
	osc_w_bundle_end(&w);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);

	osc_iter_init(&it, buf, len);
	for (; osc_next(&it, &msg); n++) {
		g_assert_cmpuint(n, <, 4);
		g_assert_cmpstr(msg.addr, ==, want[n]);
		g_assert_cmpuint(it.timetag, ==, when[n]);
	}
	g_assert_cmpuint(n, ==, 4);
}

/* "Padding octets that are not NUL are tolerated and MUST be rewritten as NUL" */
static void padding(void)
{
	static const uint8_t dirty[] = "/a\0x,sb\0z\0yy\0\0\0\1qrst", clean[] = "/a\0\0,sb\0z\0\0\0\0\0\0\1q\0\0";
	struct osc_writer w;
	struct osc_msg msg;
	uint8_t buf[64];
	size_t len;

	g_assert_cmpint(osc_msg_read(&msg, dirty, 20), ==, 0);
	osc_w_init(&w, buf, sizeof(buf));
	osc_w_copy(&w, &msg, "", 0);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	g_assert_cmpmem(buf, len, clean, 20);

	osc_w_init(&w, buf, sizeof(buf));
	osc_w_copy(&w, &msg, "/p/anna", 0);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	g_assert_cmpstr((const char *)buf, ==, "/p/anna/a");
}

/* ---- what anybody could build ---- */

static unsigned random_args(GRand *r, struct osc_arg *args, unsigned max)
{
	static const char tags[] = "ifsbhtdScrmTFNI";
	static const uint8_t blob[64] = {1, 2, 3};
	const unsigned n = (unsigned)g_rand_int_range(r, 0, (gint32)max);

	for (unsigned i = 0; i < n; i++) {
		args[i] = (struct osc_arg){.tag = tags[g_rand_int_range(r, 0, 15)], .v.t = (uint64_t)g_rand_int(r) << 32 | g_rand_int(r)};
		if (args[i].tag == 's' || args[i].tag == 'S')
			args[i].v.s = &"a string of some length"[g_rand_int_range(r, 0, 20)];
		if (args[i].tag == 'b')
			args[i].v.b.p = blob, args[i].v.b.len = (uint32_t)g_rand_int_range(r, 0, 64);
	}
	return n;
}

static size_t random_packet(GRand *r, uint8_t *buf, size_t room)
{
	struct osc_arg args[12];
	struct osc_writer w;
	unsigned deep = 0;
	size_t len;

	osc_w_init(&w, buf, room);
	for (int steps = g_rand_int_range(r, 1, 30); steps > 0; steps--) {
		if (deep < OSC_BUNDLE_DEPTH && (!deep || g_rand_double(r) < 0.2))
			osc_w_bundle(&w, g_rand_int(r)), deep++;
		else if (deep > 1 && g_rand_double(r) < 0.2)
			osc_w_bundle_end(&w), deep--;
		else
			osc_w_msg(&w, g_rand_boolean(r) ? "/x/yy" : "/some/long/address", args, random_args(r, args, 12));
	}
	while (deep--)
		osc_w_bundle_end(&w);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	return len;
}

static void copy_message(struct osc_writer *w, const struct osc_msg *msg)
{
	struct osc_arg args[64];
	struct osc_args it;
	unsigned n = 0;

	osc_args_init(&it, msg);
	while (n < 64 && osc_arg_next(&it, &args[n]))
		n++;
	g_assert_cmpuint(n, ==, msg->n_tags);
	osc_w_msg(w, msg->addr, args, n);
}

/* Read to values and written from them: the same octets. */
static void round_trip(void)
{
	GRand *r = g_rand_new_with_seed(4);
	static uint8_t buf[16384], out[16384];

	for (int i = 0; i < 3000; i++) {
		const size_t len = random_packet(r, buf, sizeof(buf));
		struct osc_writer w;
		struct osc_iter it;
		struct osc_msg msg;
		enum osc_step step;
		size_t n;

		g_assert_cmpint(osc_check(buf, len, sizeof(buf)), ==, 0);
		osc_w_init(&w, out, sizeof(out));
		osc_iter_init(&it, buf, len);
		while ((step = osc_step(&it, &msg)) != OSC_END) {
			g_assert_cmpint(step, !=, OSC_BAD);
			if (step == OSC_OPEN)
				osc_w_bundle(&w, it.timetag);
			else if (step == OSC_CLOSE)
				osc_w_bundle_end(&w);
			else
				copy_message(&w, &msg);
		}
		g_assert_cmpint(osc_w_end(&w, &n), ==, 0);
		g_assert_cmpmem(out, n, buf, len);
	}
	g_rand_free(r);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/osc/verdicts", verdicts);
	g_test_add_func("/osc/longest", longest);
	g_test_add_func("/osc/depth", depth);
	g_test_add_func("/osc/writer-errors", writer_errors);
	g_test_add_func("/osc/all-tags", all_tags);
	g_test_add_func("/osc/walk", walk);
	g_test_add_func("/osc/padding", padding);
	g_test_add_func("/osc/round-trip", round_trip);
	return g_test_run();
}
