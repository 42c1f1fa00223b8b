/*
 * test-sdes.c - SRTP keys in a=crypto lines.
 */
#include <glib.h>
#include <string.h>
#include "server/sdes.h"

#define KEY30 "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
#define KEY28 "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw=="

static const struct { const char *value; int err; uint32_t tag; enum leg_srtp suite; } rows[] = {
	{"1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30, 0, 1, LEG_SRTP_AES128_SHA1_80},
	{"2 AES_CM_128_HMAC_SHA1_32 inline:" KEY30 "|2^20", 0, 2, LEG_SRTP_AES128_SHA1_32},
	{"2 AES_CM_128_HMAC_SHA1_32 inline:" KEY30 "|1048576", 0, 2, LEG_SRTP_AES128_SHA1_32},
	{"999999999 AEAD_AES_128_GCM inline:" KEY28, 0, 999999999, LEG_SRTP_AEAD_AES128_GCM},
	{"1 aes_cm_128_hmac_sha1_80 inline:" KEY30, 0, 1, LEG_SRTP_AES128_SHA1_80},
	{"1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 " KDR=0 WSH=128 -FUTURE=1", 0, 1, LEG_SRTP_AES128_SHA1_80},

	{"1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 "|2^20|1:4", ENOTSUP, 0, 0},
	{"1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 "|1:4", ENOTSUP, 0, 0},
	{"1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 "|1:4;inline:" KEY30 "|2:4", ENOTSUP, 0, 0},
	{"1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 ";inline:" KEY30, ENOTSUP, 0, 0},
	{"1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 " UNENCRYPTED_SRTP", ENOTSUP, 0, 0},
	{"1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 " KDR=0 UNENCRYPTED_SRTCP", ENOTSUP, 0, 0},
	{"1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 " UNAUTHENTICATED_SRTP", ENOTSUP, 0, 0},
	{"1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 " KDR=3", ENOTSUP, 0, 0},
	{"1 F8_128_HMAC_SHA1_80 inline:" KEY30, ENOTSUP, 0, 0},
	{"1 AES_256_CM_HMAC_SHA1_80 inline:" KEY30, ENOTSUP, 0, 0},

	{"", EBADMSG, 0, 0},
	{"1 AES_CM_128_HMAC_SHA1_80", EBADMSG, 0, 0},
	{"0123456789 AES_CM_128_HMAC_SHA1_80 inline:" KEY30, 0, 123456789, LEG_SRTP_AES128_SHA1_80},
	{"1000000000 AES_CM_128_HMAC_SHA1_80 inline:" KEY30, EBADMSG, 0, 0},
	{"x AES_CM_128_HMAC_SHA1_80 inline:" KEY30, EBADMSG, 0, 0},
	{"1 AES_CM_128_HMAC_SHA1_80 uri:" KEY30, EBADMSG, 0, 0},
	{"1 AES_CM_128_HMAC_SHA1_80 inline:", EBADMSG, 0, 0},
	{"1 AES_CM_128_HMAC_SHA1_80 inline", EBADMSG, 0, 0},
	{"1 AES_CM_128_HMAC_SHA1_80 inline:" KEY28, EBADMSG, 0, 0},
	{"1 AEAD_AES_128_GCM inline:" KEY30, EBADMSG, 0, 0},
	{"1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 KEY30, EBADMSG, 0, 0},
	{"1 AES_CM_128_HMAC_SHA1_80 inline:!VNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz", EBADMSG, 0, 0},
	{"1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 "|soon", EBADMSG, 0, 0},
	{"1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 "|2^99", EBADMSG, 0, 0},
	{"1 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 "|0", EBADMSG, 0, 0},
};

static void test_read(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		const char *why = NULL;
		struct pl value;
		struct sdes s;
		int err;

		pl_set_str(&value, rows[i].value);
		err = sdes_read(&s, &why, &value);
		g_test_message("%s: %s", rows[i].value, err ? why : "taken");
		g_assert_cmpint(err, ==, rows[i].err);
		if (err) {
			g_assert_nonnull(why);
			g_assert_cmpuint(s.key.len, ==, 0);       /* nothing of a refused key stays */
			continue;
		}
		g_assert_cmpuint(s.tag, ==, rows[i].tag);
		g_assert_cmpint(s.key.suite, ==, rows[i].suite);
		g_assert_cmpuint(s.key.len, ==, sdes_key_len(rows[i].suite));
	}
}

static void test_bytes(void)
{
	struct pl value = PL("1 AEAD_AES_128_GCM inline:" KEY28);
	const char *why;
	struct sdes s;

	g_assert_cmpint(sdes_read(&s, &why, &value), ==, 0);
	for (uint8_t i = 0; i < 28; i++)
		g_assert_cmpuint(s.key.key[i], ==, i);
}

static const struct { const char *text; int err; const char *bytes; size_t len; } base64[] = {
	{"Zm9vYmFy", 0, "foobar", 6}, {"Zm9vYmE=", 0, "fooba", 5}, {"Zm9vYg==", 0, "foob", 4},
	{"+/+/", 0, "\xfb\xff\xbf", 3},
	{"", EBADMSG, NULL, 0}, {"Zm9", EBADMSG, NULL, 0}, {"Zm9v=m9v", EBADMSG, NULL, 0}, {"====", EBADMSG, NULL, 0},
	{"Z===", EBADMSG, NULL, 0}, {"Zm9vYh==", EBADMSG, NULL, 0}, {"Zm9vYmF=", EBADMSG, NULL, 0}, {"Zm 9", EBADMSG, NULL, 0},
	{"Zm9vYmFyZm9v", EBADMSG, NULL, 0},       /* nine bytes into room for eight */
};

static void test_base64(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(base64); i++) {
		struct pl text;
		uint8_t out[8];
		size_t len = sizeof(out);

		g_test_message("%s", base64[i].text);
		pl_set_str(&text, base64[i].text);
		g_assert_cmpint(sdes_base64_read(out, &len, &text), ==, base64[i].err);
		if (!base64[i].err)
			g_assert_cmpmem(out, len, base64[i].bytes, base64[i].len);
	}
}

/* What we print is what we read, for every suite, and no two keys are alike. */
static void test_print(void)
{
	for (size_t i = 0; i < SDES_SUITES; i++) {
		struct mbuf *mb = mbuf_alloc(128);
		struct leg_key key, other;
		const char *why;
		struct sdes s;
		struct pl line;

		g_assert_cmpint(sdes_make(&key, sdes_suite(i)), ==, 0);
		g_assert_cmpint(sdes_make(&other, sdes_suite(i)), ==, 0);
		g_assert_false(sdes_same(&key, &other));
		g_assert_cmpint(sdes_print(mb, 7, &key), ==, 0);
		line.p = (char *)mb->buf + strlen("a=crypto:");
		line.l = mb->end - strlen("a=crypto:") - 2;
		g_assert_cmpint(sdes_read(&s, &why, &line), ==, 0);
		g_assert_cmpuint(s.tag, ==, 7);
		g_assert_true(sdes_same(&s.key, &key));
		sdes_wipe(&key);
		g_assert_false(sdes_same(&key, &key));            /* no key is the same as no key */
		mem_deref(mb);
	}
}

static void test_choose(void)
{
	static const char body[] = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\nc=IN IP4 192.0.2.1\r\nm=audio 4 RTP/SAVP 0\r\n"
		"a=crypto:1 F8_128_HMAC_SHA1_80 inline:" KEY30 "\r\n"
		"a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 "|1:4\r\n"
		"a=crypto:3 AEAD_AES_128_GCM inline:" KEY28 "\r\n"
		"a=crypto:4 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 "\r\n"
		"m=audio 6 RTP/SAVP 0\r\na=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:" KEY30 "|1:4\r\n"
		"m=audio 8 RTP/SAVP 0\r\n";
	const char *why = NULL;
	struct sdesc *d;
	struct sdes s;

	g_assert_cmpint(sdesc_read(&d, &why, body, sizeof(body) - 1), ==, 0);
	g_assert_cmpint(sdes_choose(&s, &why, &d->media[0]), ==, 0);
	g_assert_cmpuint(s.tag, ==, 3);
	g_assert_cmpint(sdes_choose(&s, &why, &d->media[1]), ==, ENOTSUP);
	g_assert_cmpint(sdes_choose(&s, &why, &d->media[2]), ==, ENOENT);
	mem_deref(d);
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/sdes/read", test_read);
	g_test_add_func("/sdes/bytes", test_bytes);
	g_test_add_func("/sdes/base64", test_base64);
	g_test_add_func("/sdes/print", test_print);
	g_test_add_func("/sdes/choose", test_choose);
	return g_test_run();
}
