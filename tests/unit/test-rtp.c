/*
 * test-rtp.c - bytes in, struct or error out; struct in, bytes out.
 */
#include <errno.h>
#include <glib.h>
#include <string.h>
#include "mixer/rtp.h"

#define HDR "\x00\x01\x00\x00\x00\x02\x12\x34\x56\x78"        /* seq 1, ts 2, ssrc 0x12345678 */
#define ROW(name, s) name, (const uint8_t *)(s), sizeof(s) - 1

static const struct {
	const char *name;
	const uint8_t *in;
	size_t len;
	int err;
	uint8_t pt, n_csrc;
	bool marker;
	size_t ext_len, payload_len;
} read_row[] = {
	{ ROW("empty", ""),                                             .err = EBADMSG },
	{ ROW("eleven bytes", "\x80\x00" "\x00\x01\x00\x00\x00\x02\x12\x34\x56"), .err = EBADMSG },
	{ ROW("plain", "\x80\x08" HDR "abc"),                           0, 8, 0, false, 0, 3 },
	{ ROW("marker", "\x80\x88" HDR "abc"),                          0, 8, 0, true, 0, 3 },
	{ ROW("no payload", "\x80\x00" HDR),                            0, 0, 0, false, 0, 0 },
	{ ROW("version 0", "\x00\x00" HDR "abc"),                       .err = EBADMSG },
	{ ROW("version 1", "\x40\x00" HDR "abc"),                       .err = EBADMSG },
	{ ROW("version 3", "\xc0\x00" HDR "abc"),                       .err = EBADMSG },
	{ ROW("padding 2 of 3", "\xa0\x00" HDR "a\x00\x02"),            0, 0, 0, false, 0, 1 },
	{ ROW("padding all", "\xa0\x00" HDR "\x00\x00\x03"),            0, 0, 0, false, 0, 0 },
	{ ROW("padding 0", "\xa0\x00" HDR "ab\x00"),                    .err = EBADMSG },
	{ ROW("padding too long", "\xa0\x00" HDR "ab\x04"),             .err = EBADMSG },
	{ ROW("padding of nothing", "\xa0\x00" HDR),                    .err = EBADMSG },
	{ ROW("two csrc", "\x82\x00" HDR "aaaabbbbxy"),                 0, 0, 2, false, 0, 2 },
	{ ROW("csrc cut", "\x82\x00" HDR "aaaabbb"),                    .err = EBADMSG },
	{ ROW("csrc 15 cut", "\x8f\x00" HDR "aaaa"),                    .err = EBADMSG },
	{ ROW("extension", "\x90\x00" HDR "\xbe\xde\x00\x01\x10\xaa\x00\x00xyz"), 0, 0, 0, false, 4, 3 },
	{ ROW("extension of none", "\x90\x00" HDR "\xbe\xde\x00\x00xyz"), 0, 0, 0, false, 0, 3 },
	{ ROW("extension cut", "\x90\x00" HDR "\xbe\xde\x00\x02\x10\xaa\x00\x00xyz"), .err = EBADMSG },
	{ ROW("extension huge", "\x90\x00" HDR "\xbe\xde\xff\xff\x10\xaa\x00\x00xyz"), .err = EBADMSG },
	{ ROW("extension header cut", "\x90\x00" HDR "\xbe\xde\x00"),   .err = EBADMSG },
	{ ROW("padding eats extension", "\xb0\x00" HDR "\xbe\xde\x00\x01\x10\xaa\x00\x00xy\x07"), .err = EBADMSG },
	{ ROW("all of it", "\xb1\x88" HDR "cccc\xbe\xde\x00\x01\x10\xaa\x00\x00x\x00\x02"), 0, 8, 1, true, 4, 1 },
};

static void test_read(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(read_row); i++) {
		/* an exact copy on the heap, so that the sanitizer sees a read past the end */
		uint8_t *base = g_malloc(1 + read_row[i].len), *copy = base + 1;
		struct rtp_pkt p;
		int err;

		memcpy(copy, read_row[i].in, read_row[i].len);
		err = rtp_read(&p, copy, read_row[i].len);

		g_test_message("%s", read_row[i].name);
		g_assert_cmpint(err, ==, read_row[i].err);
		if (!err) {
			g_assert_cmpuint(p.pt, ==, read_row[i].pt);
			g_assert_cmpint(p.marker, ==, read_row[i].marker);
			g_assert_cmpuint(p.n_csrc, ==, read_row[i].n_csrc);
			g_assert_cmpuint(p.ext_len, ==, read_row[i].ext_len);
			g_assert_cmpuint(p.len, ==, read_row[i].payload_len);
			g_assert_cmpuint(p.seq, ==, 1);
			g_assert_cmpuint(p.ts, ==, 2);
			g_assert_cmphex(p.ssrc, ==, 0x12345678);
		}
		g_free(base);
	}
	g_assert_cmpint(rtp_read(NULL, NULL, 0), ==, EBADMSG);
}

static const struct {
	const char *name;
	const uint8_t *ext;
	size_t len;
	uint16_t profile;
	uint8_t id;
	int at;                   /* offset of the element's data, -1: not found */
	size_t found_len;
} ext_row[] = {
	{ ROW("one byte", "\x10\xaa\x00\x00"), 0xbede, 1, 1, 1 },
	{ ROW("other id", "\x10\xaa\x00\x00"), 0xbede, 2, -1, 0 },
	{ ROW("second", "\x11\xaa\xbb\x20\xcc\x00\x00\x00"), 0xbede, 2, 4, 1 },
	{ ROW("after padding", "\x00\x00\x22\x01\x02\x03\x00\x00"), 0xbede, 2, 3, 3 },
	{ ROW("sixteen bytes", "\x3f" "0123456789abcdef" "\x00\x00\x00"), 0xbede, 3, 1, 16 },
	{ ROW("runs over", "\x3f\x01\x02\x03"), 0xbede, 3, -1, 0 },
	{ ROW("id 15 ends it", "\xf0\x00\x10\xaa"), 0xbede, 1, -1, 0 },
	{ ROW("id 0 with length ends it", "\x01\x00\x10\xaa"), 0xbede, 1, -1, 0 },
	{ ROW("id 0", "\x00\x00\x00\x00"), 0xbede, 0, -1, 0 },
	{ ROW("id over 15, one byte", "\x10\xaa\x00\x00"), 0xbede, 17, -1, 0 },
	{ ROW("two byte", "\x01\x02\xaa\xbb"), 0x1000, 1, 2, 2 },
	{ ROW("two byte, app bits", "\x01\x02\xaa\xbb"), 0x100f, 1, 2, 2 },
	{ ROW("two byte empty", "\x05\x00\xff\x01\x77\x00\x00\x00"), 0x1000, 5, 2, 0 },
	{ ROW("two byte id 255", "\x05\x00\xff\x01\x77\x00\x00\x00"), 0x1000, 255, 4, 1 },
	{ ROW("two byte runs over", "\x01\x03\xaa\xbb"), 0x1000, 1, -1, 0 },
	{ ROW("two byte header cut", "\x00\x00\x00\x01"), 0x1000, 1, -1, 0 },
	{ ROW("other profile", "\x10\xaa\x00\x00"), 0xabcd, 1, -1, 0 },
	{ ROW("nothing", ""), 0xbede, 1, -1, 0 },
};

static void test_ext(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(ext_row); i++) {
		uint8_t *copy = g_malloc(ext_row[i].len + 1);
		struct rtp_pkt p = { .ext = copy, .ext_len = ext_row[i].len, .ext_profile = ext_row[i].profile };
		size_t len = 999;
		const uint8_t *e;

		memcpy(copy, ext_row[i].ext, ext_row[i].len);
		e = rtp_ext_find(&p, ext_row[i].id, &len);

		g_test_message("%s", ext_row[i].name);
		g_assert_cmpint(e ? (int)(e - copy) : -1, ==, ext_row[i].at);
		if (e)
			g_assert_cmpuint(len, ==, ext_row[i].found_len);
		g_free(copy);
	}
}

static void test_write(void)
{
	static const uint8_t want[] = "\x92\xe0" "\xff\xff\x00\x00\x00\x02\x12\x34\x56\x78" "\x00\x00\x00\x07\x00\x00\x00\x08"
		"\xbe\xde\x00\x01\x10\xaa\x00\x00";
	static const uint8_t ext[] = "\x10\xaa";
	struct rtp_pkt p = { .pt = 96, .marker = true, .seq = 0xffff, .ts = 2, .ssrc = 0x12345678, .n_csrc = 2,
		.csrc = {7, 8}, .ext_profile = 0xbede, .ext = ext, .ext_len = 2 };
	struct rtp_pkt back;
	uint8_t buf[64];
	size_t len;

	for (len = 0; len < sizeof(want) - 1; ) {
		size_t room = len;

		g_assert_cmpint(rtp_write_hdr(buf, &room, &p), ==, ENOSPC);
		len++;
	}
	len = sizeof(buf);
	g_assert_cmpint(rtp_write_hdr(buf, &len, &p), ==, 0);
	g_assert_cmpmem(buf, len, want, sizeof(want) - 1);

	g_assert_cmpint(rtp_read(&back, buf, len), ==, 0);
	g_assert_cmpuint(back.csrc[1], ==, 8);
	g_assert_cmpuint(back.ext_len, ==, 4);

	p.ext_profile = 0xabcd;          /* two bytes of a profile we cannot pad */
	len = sizeof(buf);
	g_assert_cmpint(rtp_write_hdr(buf, &len, &p), ==, EINVAL);
	p.ext = NULL;
	p.pt  = 128;
	g_assert_cmpint(rtp_write_hdr(buf, &len, &p), ==, EINVAL);
	p.pt     = 0;
	p.n_csrc = 16;
	g_assert_cmpint(rtp_write_hdr(buf, &len, &p), ==, EINVAL);
}

static void test_is_rtcp(void)
{
	static const struct { uint8_t b[4]; size_t len; bool rtcp; } row[] = {
		{ {0x80, 200}, 4, true }, { {0x81, 201}, 4, true }, { {0x80, 192}, 4, true }, { {0x80, 223}, 4, true },
		{ {0x80, 191}, 4, false }, { {0x80, 224}, 4, false }, { {0x80, 0}, 4, false }, { {0x80, 0x88}, 4, false },
		{ {0x00, 200}, 4, false }, { {0x80, 200}, 3, false }, { {0x80}, 1, false }, { {0}, 0, false },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(row); i++)
		g_assert_cmpint(rtp_is_rtcp(row[i].b, row[i].len), ==, row[i].rtcp);
}

static void test_wrap(void)
{
	g_assert_cmpint(rtp_seq_diff(1, 0xffff), ==, 2);
	g_assert_cmpint(rtp_seq_diff(0xffff, 1), ==, -2);
	g_assert_cmpint(rtp_seq_diff(5, 5), ==, 0);
	g_assert_cmpint(rtp_ts_diff(100, 0xffffff9c), ==, 200);
	g_assert_cmpint(rtp_ts_diff(0xffffff9c, 100), ==, -200);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/rtp/read", test_read);
	g_test_add_func("/rtp/ext", test_ext);
	g_test_add_func("/rtp/write", test_write);
	g_test_add_func("/rtp/is-rtcp", test_is_rtcp);
	g_test_add_func("/rtp/wrap", test_wrap);
	return g_test_run();
}
