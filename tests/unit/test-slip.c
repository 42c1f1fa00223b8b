/*
 * test-slip.c - packets in a stream: whatever the pieces it comes in, whatever comes between.
 */
#include <errno.h>
#include <glib.h>
#include <re.h>
#include <string.h>

#include "osc/osc.h"
#include "osc/slip.h"

#define BYTES(s) s, sizeof(s) - 1

static const struct {
	const char *name;
	enum slip_kind kind;
	const char *stream;
	size_t len;
	unsigned packets;
	int end;                  /* EAGAIN, or EPROTO */
	unsigned bad;
} streams[] = {
	{"one", SLIP_END, BYTES("\xc0/abc,def\xc0"), 1, EAGAIN, 0},
	{"two with one END between", SLIP_END, BYTES("\xc0/abc,def\xc0/abc,def\xc0"), 2, EAGAIN, 0},
	{"empty ones", SLIP_END, BYTES("\xc0\xc0\xc0/abc,def\xc0\xc0"), 1, EAGAIN, 0},
	{"before the first END", SLIP_END, BYTES("/abc,def\xc0/abc,def\xc0"), 1, EAGAIN, 1},
	{"escapes", SLIP_END, BYTES("\xc0\xdb\xdc\xdb\xdd" "abcdef\xc0"), 1, EAGAIN, 0},
	{"a wrong escape", SLIP_END, BYTES("\xc0/ab\xdb" "c,def\xc0/abc,def\xc0"), 1, EAGAIN, 1},
	{"an escape before END", SLIP_END, BYTES("\xc0/abc,def\xdb\xc0/abc,def\xc0"), 1, EAGAIN, 1},
	{"an escape twice", SLIP_END, BYTES("\xc0/abc,def\xdb\xdb\xc0/abc,def\xc0"), 1, EAGAIN, 1},
	{"as long as may be", SLIP_END, BYTES("\xc0" "0123456789abcdef\xc0"), 1, EAGAIN, 0},
	{"too long", SLIP_END, BYTES("\xc0" "0123456789abcdef0123\xc0/abc,def\xc0"), 1, EAGAIN, 1},
	{"too short", SLIP_END, BYTES("\xc0" "0123\xc0/abc,def\xc0"), 1, EAGAIN, 1},
	{"no multiple of four", SLIP_END, BYTES("\xc0" "0123456789\xc0/abc,def\xc0"), 1, EAGAIN, 1},
	{"not at its end", SLIP_END, BYTES("\xc0/abc,def"), 0, EAGAIN, 0},
	{"size", SLIP_SIZE, BYTES("\0\0\0\x8/abc,def"), 1, EAGAIN, 0},
	{"two sizes", SLIP_SIZE, BYTES("\0\0\0\x8/abc,def\0\0\0\x10" "0123456789abcdef"), 2, EAGAIN, 0},
	{"half a size", SLIP_SIZE, BYTES("\0\0\0"), 0, EAGAIN, 0},
	{"size of nothing", SLIP_SIZE, BYTES("\0\0\0\0/abc,def"), 0, EPROTO, 0},
	{"size too small", SLIP_SIZE, BYTES("\0\0\0\4/abc"), 0, EPROTO, 0},
	{"size too big", SLIP_SIZE, BYTES("\0\0\0\x14" "0123456789abcdef0123"), 0, EPROTO, 0},
	{"size no multiple of four", SLIP_SIZE, BYTES("\0\0\0\x9/abc,defg"), 0, EPROTO, 0},
	{"negative size", SLIP_SIZE, BYTES("\xff\xff\xff\xf8/abc,def"), 0, EPROTO, 0},
	{"good, then bad for good", SLIP_SIZE, BYTES("\0\0\0\x8/abc,def\0\0\0\0\0\0\0\x8/abc,def"), 1, EPROTO, 0},
};

static void feed(unsigned i, size_t piece)
{
	const uint8_t *pkt;
	struct slip *s;
	unsigned got = 0;
	size_t pkt_len;
	int err = EAGAIN;

	g_assert_cmpint(slip_alloc(&s, streams[i].kind, 16), ==, 0);
	for (size_t at = 0; at < streams[i].len; at += piece) {
		const size_t n = MIN(piece, streams[i].len - at);
		uint8_t *exact = g_memdup2(streams[i].stream + at, n);
		const uint8_t *p = exact;
		size_t left = n;

		while (!(err = slip_read(s, &pkt, &pkt_len, &p, &left)))
			got++;
		g_free(exact);
	}
	g_assert_cmpint(err, ==, streams[i].end);
	g_assert_cmpuint(got, ==, streams[i].packets);
	g_assert_cmpuint(s->n_bad, ==, streams[i].bad);
	mem_deref(s);
}

static void pieces(void)
{
	for (unsigned i = 0; i < G_N_ELEMENTS(streams); i++) {
		g_test_message("%s", streams[i].name);
		for (size_t piece = 1; piece <= streams[i].len; piece++)
			feed(i, piece);
	}
}

static void there_and_back(void)
{
	GRand *r = g_rand_new_with_seed(3);

	for (int i = 0; i < 4000; i++) {
		const enum slip_kind kind = i % 2 ? SLIP_END : SLIP_SIZE;
		uint8_t pkt[256], out[600];
		const uint8_t *p = out, *got;
		size_t n = 8 + 4 * (size_t)g_rand_int_range(r, 0, 62), len = slip_room(n), small, got_len;
		struct slip *s;

		for (size_t k = 0; k < n; k++)
			pkt[k] = g_rand_boolean(r) ? (uint8_t)g_rand_int(r) : (g_rand_boolean(r) ? 0xc0 : 0xdb);
		g_assert_cmpint(slip_write(out, &len, kind, pkt, n), ==, 0);
		small = len - 1;
		g_assert_cmpint(slip_write(out, &small, kind, pkt, n), ==, ENOSPC);
		g_assert_cmpint(slip_alloc(&s, kind, 256), ==, 0);
		g_assert_cmpint(slip_read(s, &got, &got_len, &p, &len), ==, 0);
		g_assert_cmpmem(got, got_len, pkt, n);
		mem_deref(s);
	}
	g_rand_free(r);
}

static void bounds(void)
{
	uint8_t buf[16] = {0};
	struct slip *s;
	size_t len = sizeof(buf);

	g_assert_cmpint(slip_alloc(&s, SLIP_END, 4), ==, EINVAL);
	g_assert_cmpint(slip_alloc(&s, SLIP_END, OSC_MAX_STREAM + 4), ==, EINVAL);
	g_assert_cmpint(slip_write(buf, &len, SLIP_SIZE, buf, 7), ==, EINVAL);
	g_assert_cmpint(slip_write(buf, &len, SLIP_SIZE, buf, 4), ==, EINVAL);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/slip/pieces", pieces);
	g_test_add_func("/slip/there-and-back", there_and_back);
	g_test_add_func("/slip/bounds", bounds);
	return g_test_run();
}
