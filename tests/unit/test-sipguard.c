/*
 * test-sipguard.c - raw text in, verdict out; and the answer made from raw text.
 */
#include <string.h>
#include <glib.h>
#include "server/sipguard.h"

#define VIA "Via: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
#define REST "From: <sip:a@b>;tag=1\r\nTo: <sip:c>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n"
#define REQ "OPTIONS sip:c SIP/2.0\r\n"

static const struct { const char *text; enum sipguard_act act; uint16_t scode; const char *reason; } rows[] = {
	{ REQ VIA REST "\r\n",                                      SIPGUARD_PASS,  0, NULL },
	{ REQ VIA REST "Content-Length: 0\r\n\r\n",                 SIPGUARD_PASS,  0, NULL },
	{ REQ VIA REST "Content-Length  :\r\n  0 \r\n\r\n",         SIPGUARD_PASS,  0, NULL },
	{ REQ "v:SIP/2.0/UDP h;branch=1\r\nf:a:b\r\nt:c:d\r\ni:x\r\ncseq:1 OPTIONS\r\n\r\n", SIPGUARD_PASS, 0, NULL },
	{ REQ REST "\r\n",                                          SIPGUARD_REPLY, 400, "Missing Via header" },
	{ REQ VIA "\r\n",                                           SIPGUARD_REPLY, 400, "Missing From header" },
	{ REQ VIA REST "To: <sip:d>\r\n\r\n",                       SIPGUARD_REPLY, 400, "Several To headers" },
	{ REQ VIA REST "Content-Length: 1\r\n\r\n",                 SIPGUARD_REPLY, 400, "Content-Length larger than message" },
	{ REQ VIA REST "Content-Length: 99999999999999999999\r\n\r\n", SIPGUARD_REPLY, 400, "Malformed Content-Length" },
	{ REQ VIA REST "Content-Length: 1x\r\n\r\n",                SIPGUARD_REPLY, 400, "Malformed Content-Length" },
	{ REQ VIA REST "Content-Length:\r\n\r\n",                   SIPGUARD_REPLY, 400, "Malformed Content-Length" },
	{ REQ VIA REST "Max-Forwards: 255\r\n\r\n",                 SIPGUARD_PASS,  0, NULL },
	{ REQ VIA REST "Max-Forwards: 256\r\n\r\n",                 SIPGUARD_REPLY, 400, "Max-Forwards out of range" },
	{ REQ VIA REST "Expires: 4294967295\r\n\r\n",               SIPGUARD_PASS,  0, NULL },
	{ REQ VIA REST "Expires: 4294967296\r\n\r\n",               SIPGUARD_REPLY, 400, "Expires out of range" },
	{ REQ "Via: SIP/2.0/UDP h;;branch=1\r\n" REST "\r\n",       SIPGUARD_REPLY, 400, "Malformed Via header" },
	{ REQ "Via: SIP/2.0/UDP h;branch=1,\r\n" REST "\r\n",       SIPGUARD_REPLY, 400, "Malformed Via header" },
	{ REQ VIA REST "Contact: \"a;;b\" <sip:x;;y>;q=1\r\n\r\n",  SIPGUARD_PASS,  0, NULL },
	{ REQ VIA REST "Contact: \"a <sip:x>\r\n\r\n",              SIPGUARD_REPLY, 400, "Malformed Contact header" },
	{ "OPTIONS sip:c SIP/2.1\r\n" VIA REST "\r\n",              SIPGUARD_REPLY, 505, "Version Not Supported" },
	{ "OPTIONS sip:c sip/2.0\r\n" VIA REST "\r\n",              SIPGUARD_REPLY, 400, "Malformed header" },   /* libre's own */
	{ "OPTIONS  sip:c SIP/2.0\r\n" VIA REST "\r\n",             SIPGUARD_REPLY, 400, "Malformed Request-URI" },
	{ "OPTIONS sip:c SIP/2.0 \r\n" VIA REST "\r\n",             SIPGUARD_REPLY, 400, "Spaces at end of request line" },
	{ "OPTIONS sip:a b SIP/2.0\r\n" VIA REST "\r\n",            SIPGUARD_REPLY, 400, "Malformed Request-URI" },
	{ "OPTIONS sip:c?x=y SIP/2.0\r\n" VIA REST "\r\n",          SIPGUARD_REPLY, 400, "Headers in Request-URI" },
	{ "OPTIONS sip:a?x=y@c SIP/2.0\r\n" VIA REST "\r\n",        SIPGUARD_PASS,  0, NULL },
	{ "OPTIONS sip:[::1]:5060 SIP/2.0\r\n" VIA REST "\r\n",     SIPGUARD_PASS,  0, NULL },
	{ "OPTIONS sip:::1 SIP/2.0\r\n" VIA REST "\r\n",            SIPGUARD_REPLY, 400, "IPv6 address without brackets" },
	{ "OPTIONS sip: SIP/2.0\r\n" VIA REST "\r\n",               SIPGUARD_REPLY, 400, "Request-URI without host" },
	{ "OPTIONS SIP/2.0\r\n" VIA REST "\r\n",                    SIPGUARD_REPLY, 400, "Malformed request line" },
	{ "INVITE sip:c SIP/2.0\r\n" VIA REST "\r\n",               SIPGUARD_REPLY, 400, "CSeq method does not match" },
	{ "ACK sip:c SIP/2.0\r\n" VIA REST "\r\n",                  SIPGUARD_DROP,  0, NULL },
	{ "SIP/2.0 200 OK\r\n" VIA REST "\r\n",                     SIPGUARD_PASS,  0, NULL },
	{ "SIP/2.0 200\r\n" VIA REST "\r\n",                        SIPGUARD_DROP,  0, NULL },
	{ "SIP/2.0 200 \r\n" VIA REST "\r\n",                       SIPGUARD_PASS,  0, NULL },
	{ "SIP/2.0 700 No\r\n" VIA REST "\r\n",                     SIPGUARD_DROP,  0, NULL },
	{ "SIP/2.0 2000 No\r\n" VIA REST "\r\n",                    SIPGUARD_DROP,  0, NULL },
	{ "GET / HTTP/1.1\r\n\r\n",                                 SIPGUARD_DROP,  0, NULL },
	{ "SIP/2.0\r\n",                                            SIPGUARD_DROP,  0, NULL },
	{ "\r\n",                                                   SIPGUARD_DROP,  0, NULL },
	{ "x",                                                      SIPGUARD_DROP,  0, NULL },
};

static void verdicts(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct sipguard g;

		sipguard_check(&g, rows[i].text, strlen(rows[i].text), false);
		if (g.act != rows[i].act || (g.act == SIPGUARD_REPLY && (g.scode != rows[i].scode || strcmp(g.reason, rows[i].reason))))
			g_error("row %zu: %d %u %s: %s", i, g.act, g.scode, g.reason ? g.reason : "", rows[i].text);
	}
}

static void surplus(void)
{
	static const char text[] = REQ VIA REST "Content-Length: 3\r\n\r\nabcdef";
	struct sipguard g;

	sipguard_check(&g, text, strlen(text), false);
	g_assert_cmpint(g.act, ==, SIPGUARD_PASS);
	g_assert_cmpuint(g.len, ==, strlen(text) - 3);
}

static void answer(void)
{
	static const char text[] = "OPTIONS sip:c SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=1;rport;x=y\r\nVia: SIP/2.0/UDP far;branch=2\r\n"
		"From: <sip:a@b>\r\n ;tag=1\r\nTo: <sip:c>\r\nTo: <sip:d>\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n\r\n";
	struct mbuf *mb = mbuf_alloc(64);
	struct sipguard g;
	struct sa src;
	char *s;

	sa_set_str(&src, "192.0.2.9", 777);
	sipguard_check(&g, text, strlen(text), false);
	g_assert_cmpint(sipguard_reply(mb, text, strlen(text), &src, &g, "me"), ==, 0);
	s = g_strndup((char *)mb->buf, mb->end);
	g_assert_true(g_str_has_prefix(s, "SIP/2.0 400 Several To headers\r\nVia: SIP/2.0/UDP h;branch=1;rport=777;x=y;received=192.0.2.9\r\n"
			"Via: SIP/2.0/UDP far;branch=2\r\nFrom: <sip:a@b>\r\n ;tag=1\r\nTo: <sip:c>;tag="));
	g_assert_null(strstr(s, "sip:d"));
	g_assert_true(g_str_has_suffix(s, "Call-ID: x\r\nCSeq: 1 OPTIONS\r\nServer: me\r\nContent-Length: 0\r\n\r\n"));
	g_free(s);
	mb->pos = mb->end = 0;
	g_assert_cmpint(sipguard_reply(mb, "OPTIONS x SIP/2.0\r\n\r\n", 21, &src, &g, "me"), ==, EBADMSG);
	mem_deref(mb);
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/sipguard/verdicts", verdicts);
	g_test_add_func("/sipguard/surplus", surplus);
	g_test_add_func("/sipguard/answer", answer);
	return g_test_run();
}
