/*
 * test-seal.c - SRTP both ways against libre's own, and what forgers may not do.
 */
#include <glib.h>
#include <string.h>
#include <re.h>
#include "mixer/seal.h"

enum { BUF = 512, HDR = 12, PAYLOAD = 160, SSRC = 0x12345678 };

struct suite {
	const char *name;
	enum leg_srtp suite;
	enum srtp_suite re;
	size_t key_len, tag;
};

static const struct suite suites[] = {
	{"sha1-80", LEG_SRTP_AES128_SHA1_80, SRTP_AES_CM_128_HMAC_SHA1_80, 30, 10},
	{"sha1-32", LEG_SRTP_AES128_SHA1_32, SRTP_AES_CM_128_HMAC_SHA1_32, 30, 4},
	{"gcm", LEG_SRTP_AEAD_AES128_GCM, SRTP_AES_128_GCM, 28, 16},
};

static struct leg_key make_key(const struct suite *su, uint8_t first)
{
	struct leg_key k = {.suite = su->suite, .len = su->key_len};

	for (size_t i = 0; i < k.len; i++)
		k.key[i] = (uint8_t)(first + 7 * i);
	return k;
}

static size_t make_rtp(uint8_t *buf, uint32_t ssrc, uint16_t seq)
{
	memset(buf, 0, BUF);
	buf[0] = 0x80;
	buf[2] = (uint8_t)(seq >> 8);
	buf[3] = (uint8_t)seq;
	for (int i = 0; i < 4; i++)
		buf[8 + i] = (uint8_t)(ssrc >> (24 - 8 * i));
	for (int i = 0; i < PAYLOAD; i++)
		buf[HDR + i] = (uint8_t)(i * 3 + seq);
	return HDR + PAYLOAD;
}

static size_t make_rtcp(uint8_t *buf)
{
	static const uint8_t rr[] = {0x80, 201, 0, 1, 0x12, 0x34, 0x56, 0x78, 0x81, 202, 0, 2, 0x12, 0x34, 0x56, 0x78,
				     1, 2, 'a', 'b', 0, 0, 0, 0};

	memcpy(buf, rr, sizeof(rr));
	return sizeof(rr);
}

static struct seal *make_seal(const struct suite *su, uint8_t first)
{
	struct leg_key k = make_key(su, first);
	struct seal *s = NULL;

	g_assert_cmpint(seal_alloc(&s, &k), ==, 0);
	return s;
}

/* Ours to libre, across two wraps of the sequence number. */
static void test_to_libre(const void *arg)
{
	const struct suite *su = arg;
	struct leg_key k = make_key(su, 1);
	struct seal *s = make_seal(su, 1);
	struct srtp *re = NULL;
	struct mbuf *mb = mbuf_alloc(BUF);
	uint8_t buf[BUF], plain[BUF];

	g_assert_cmpint(srtp_alloc(&re, su->re, k.key, k.len, 0), ==, 0);
	for (uint32_t i = 0; i < 140000; i += 17) {
		size_t len = make_rtp(buf, SSRC, (uint16_t)(30000 + i)), n = len;

		memcpy(plain, buf, len);
		g_assert_cmpint(seal_rtp_rt(s, buf, &n, sizeof(buf)), ==, 0);
		g_assert_cmpuint(n, ==, len + su->tag);
		mbuf_rewind(mb);
		mbuf_write_mem(mb, buf, n);
		mb->pos = 0;
		g_assert_cmpint(srtp_decrypt(re, mb), ==, 0);
		g_assert_cmpmem(mb->buf, mb->end, plain, len);
	}
	mem_deref(mb);
	mem_deref(re);
	mem_deref(s);
}

static void test_from_libre(const void *arg)
{
	const struct suite *su = arg;
	struct leg_key k = make_key(su, 1);
	struct seal *s = make_seal(su, 1);
	struct srtp *re = NULL;
	struct mbuf *mb = mbuf_alloc(BUF);
	uint8_t buf[BUF], plain[BUF];

	g_assert_cmpint(srtp_alloc(&re, su->re, k.key, k.len, 0), ==, 0);
	for (uint32_t i = 0; i < 140000; i += 17) {
		size_t len = make_rtp(plain, SSRC, (uint16_t)(30000 + i)), n;

		mbuf_rewind(mb);
		mbuf_write_mem(mb, plain, len);
		mb->pos = 0;
		g_assert_cmpint(srtp_encrypt(re, mb), ==, 0);
		n = mb->end;
		memcpy(buf, mb->buf, n);
		g_assert_cmpint(seal_open_rtp_rt(s, buf, &n, sizeof(buf)), ==, 0);
		g_assert_cmpmem(buf, n, plain, len);
		n = mb->end;
		memcpy(buf, mb->buf, n);
		g_assert_cmpint(seal_open_rtp_rt(s, buf, &n, sizeof(buf)), ==, EALREADY);
	}
	mem_deref(mb);
	mem_deref(re);
	mem_deref(s);
}

static void test_rtcp(const void *arg)
{
	const struct suite *su = arg;
	struct leg_key k = make_key(su, 1);
	struct seal *a = make_seal(su, 1), *b = make_seal(su, 1);
	struct srtp *re = NULL;
	struct mbuf *mb = mbuf_alloc(BUF);
	uint8_t buf[BUF], sealed[BUF], plain[BUF];

	g_assert_cmpint(srtp_alloc(&re, su->re, k.key, k.len, 0), ==, 0);
	for (int i = 0; i < 5; i++) {
		size_t len = make_rtcp(plain), n = len, m;

		memcpy(sealed, plain, len);
		/* "buf, which must be SEAL_ROOM more than *len" */
		g_assert_cmpint(seal_rtcp_rt(a, sealed, &n, len + SEAL_ROOM - 1), ==, ENOSPC);
		g_assert_cmpint(seal_rtcp_rt(a, sealed, &n, len + SEAL_ROOM), ==, 0);
		/* RFC 4568 6.2.2: 80 bits also for SHA1_32, which libre does not do. */
		g_assert_cmpuint(n, ==, len + 4 + (su->tag == 16 ? 16 : 10));
		if (su->tag != 4) {
			mbuf_rewind(mb);
			mbuf_write_mem(mb, sealed, n);
			mb->pos = 0;
			g_assert_cmpint(srtcp_decrypt(re, mb), ==, 0);
			g_assert_cmpmem(mb->buf, mb->end, plain, len);
		}
		memcpy(buf, sealed, n);
		buf[len - 1] ^= 1;
		m = n;
		g_assert_cmpint(seal_open_rtcp_rt(b, buf, &m, sizeof(buf)), ==, EACCES);
		memcpy(buf, sealed, n);
		m = n;
		g_assert_cmpint(seal_open_rtcp_rt(b, buf, &m, sizeof(buf)), ==, 0);
		g_assert_cmpmem(buf, m, plain, len);
		memcpy(buf, sealed, n);
		g_assert_cmpint(seal_open_rtcp_rt(b, buf, &n, sizeof(buf)), ==, EALREADY);
	}
	mem_deref(mb);
	mem_deref(re);
	mem_deref(a);
	mem_deref(b);
}

/* Forged packets of the true source and of a thousand others, all over the numbers: the true one is heard on. */
static void test_forgers(const void *arg)
{
	const struct suite *su = arg;
	struct seal *a = make_seal(su, 1), *evil = make_seal(su, 2), *b = make_seal(su, 1);
	uint8_t buf[BUF];
	uint16_t seq = 65000;

	for (uint32_t i = 0; i < 2000; i++) {
		size_t n = make_rtp(buf, i % 2 ? SSRC : SSRC + i, (uint16_t)(i * 7919));

		g_assert_cmpint(seal_rtp_rt(evil, buf, &n, sizeof(buf)), ==, 0);
		g_assert_cmpint(seal_open_rtp_rt(b, buf, &n, sizeof(buf)), !=, 0);
		n = make_rtp(buf, SSRC, seq++);
		g_assert_cmpint(seal_rtp_rt(a, buf, &n, sizeof(buf)), ==, 0);
		g_assert_cmpint(seal_open_rtp_rt(b, buf, &n, sizeof(buf)), ==, 0);
	}
	mem_deref(a);
	mem_deref(evil);
	mem_deref(b);
}

static void test_short(const void *arg)
{
	const struct suite *su = arg;
	struct seal *s = make_seal(su, 1);
	uint8_t buf[BUF];

	for (size_t len = 0; len < 40; len++) {
		size_t n = len;

		make_rtp(buf, SSRC, 1);
		buf[0] = 0x9f;            /* 15 CSRCs and an extension that are not there */
		g_assert_cmpint(seal_open_rtp_rt(s, buf, &n, sizeof(buf)), ==, EBADMSG);
		n = len;
		g_assert_cmpint(seal_open_rtcp_rt(s, buf, &n, sizeof(buf)), !=, 0);
	}
	mem_deref(s);
}

static void test_bad_key(void)
{
	struct leg_key k = {.suite = LEG_SRTP_AES128_SHA1_80, .len = 28};
	struct seal *s = NULL;

	g_assert_cmpint(seal_alloc(&s, &k), ==, EINVAL);
	k.suite = LEG_SRTP_NONE;
	g_assert_cmpint(seal_alloc(&s, &k), ==, EINVAL);
	g_assert_null(s);
}

int main(int argc, char *argv[])
{
	static const struct { const char *name; GTestDataFunc func; } tests[] = {
		{"to-libre", test_to_libre}, {"from-libre", test_from_libre}, {"rtcp", test_rtcp},
		{"forgers", test_forgers}, {"short", test_short},
	};

	g_test_init(&argc, &argv, NULL);
	for (size_t t = 0; t < G_N_ELEMENTS(tests); t++)
		for (size_t i = 0; i < G_N_ELEMENTS(suites); i++) {
			g_autofree char *path = g_strdup_printf("/seal/%s/%s", tests[t].name, suites[i].name);

			g_test_add_data_func(path, &suites[i], tests[t].func);
		}
	g_test_add_func("/seal/bad-key", test_bad_key);
	return g_test_run();
}
