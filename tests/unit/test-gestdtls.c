/*
 * test-gestdtls.c - keys by DTLS of lines of gestures in offers and answers: which lines have them, who begins, and that a
 * policy of keys by DTLS leaves no line without keys or with others.
 */
#include <glib.h>
#include <string.h>
#include "server/offer.h"

#define PRINT "sha-256 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB:4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF"
#define PRINTB "sha-256 19:E2:1C:3B:4B:9F:81:E6:B8:5C:F4:A5:A8:D8:73:04:BB:05:2F:70:9F:04:A9:0E:05:E9:26:33:E8:70:88:A2"
#define HEAD "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
#define OSC(proto) "m=application 40010 " proto " 98\r\na=rtpmap:98 osc/48000\r\na=rtcp-mux\r\n"
#define MIDI(proto) "m=audio 40012 " proto " 97\r\na=rtpmap:97 rtp-midi/48000\r\na=rtcp-mux\r\n"
#define KEYS "a=setup:actpass\r\na=fingerprint:" PRINT "\r\n"
#define CRYPTO "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n"
#define TLS "UDP/TLS/RTP/SAVPF"

enum { OPTIONAL, REQUIRED, OFF, NO_CERT = 4 };
enum how { NO_LINE, PLAIN, SDES, DTLS };

static int open_line(struct sa *local, char *name, enum gestline_kind kind, const char *wish, void *arg)
{
	(void)wish;
	(void)arg;
	g_strlcpy(name, "anna", VIEW_NAME_MAX + 1);
	return sa_set_str(local, "198.51.100.10", (uint16_t)(30008 + 2 * kind));
}

static struct offer *make(unsigned policy, enum gestline_kind offered, const char *print)
{
	static const enum offer_srtp srtp[] = {OFFER_SRTP_OPTIONAL, OFFER_SRTP_REQUIRED, OFFER_SRTP_OFF};
	struct offer_conf conf = {
		.codecs = "PCMU", .ptime_us = 20000, .srtp = srtp[policy & 3], .srtp_offered = true, .keying = OFFER_KEYING_DTLS,
		.dtls_fingerprint = policy & NO_CERT ? NULL : print,
		.gest = {.takes = 0x1f, .offers = (uint8_t)(1u << offered), .mtu = 1200, .stream_max = 65536, .rate = 2000,
			 .open = open_line},
	};
	struct offer *o = NULL;

	g_assert_cmpint(sa_set_str(&conf.media, "198.51.100.10", 20000), ==, 0);
	g_assert_cmpint(offer_alloc(&o, &conf), ==, 0);
	return o;
}

static enum how how_of(const struct offer *o, enum gestline_kind kind)
{
	uint8_t mark[OFFER_MARK];
	const struct gestline *l = offer_gestline(o, kind, mark);

	if (!l)
		return NO_LINE;
	g_assert_false(l->dtls.on && l->srtp_tx.len);
	g_assert_cmpint(!l->srtp_tx.len, ==, !l->srtp_rx.len);
	return l->dtls.on ? DTLS : l->srtp_tx.len ? SDES : PLAIN;
}

static char *answer_text(struct offer *o, const char *body)
{
	struct mbuf *mb = NULL;
	const char *why = "";
	char *text;

	g_assert_cmpint(offer_answer(o, &mb, &why, body, strlen(body)), ==, 0);
	text = g_strndup((char *)mb->buf, mb->end);
	mem_deref(mb);
	offer_commit(o);
	return text;
}

/* --- their offer --- */

#define SOUND "m=audio 4000 UDP/TLS/RTP/SAVP 0\r\na=rtcp-mux\r\n" KEYS

static const struct { const char *name, *offer; unsigned policy; enum gestline_kind kind; enum how how; } answers[] = {
	{"OSC by its profile", OSC(TLS) KEYS, OPTIONAL, GESTLINE_OSC, DTLS},
	{"MIDI by its profile", MIDI(TLS) KEYS, OPTIONAL, GESTLINE_MIDI, DTLS},
	{"required", OSC(TLS) KEYS, REQUIRED, GESTLINE_OSC, DTLS},
	{"OSRTP", OSC("RTP/AVP") KEYS, OPTIONAL, GESTLINE_OSC, DTLS},
	{"SAVP with a fingerprint", OSC("RTP/SAVP") KEYS, REQUIRED, GESTLINE_OSC, DTLS},
	{"a=crypto goes first", OSC("RTP/SAVP") KEYS CRYPTO, REQUIRED, GESTLINE_OSC, SDES},
	{"of DTLS, and only a=crypto", OSC(TLS) CRYPTO, OPTIONAL, GESTLINE_OSC, NO_LINE},
	{"of DTLS, and nothing", OSC(TLS), OPTIONAL, GESTLINE_OSC, NO_LINE},
	{"plain", OSC("RTP/AVP"), OPTIONAL, GESTLINE_OSC, PLAIN},
	{"plain, and keys are required", OSC("RTP/AVP"), REQUIRED, GESTLINE_OSC, NO_LINE},
	{"switched off", OSC(TLS) KEYS, OFF, GESTLINE_OSC, NO_LINE},
	{"no certificate of ours", OSC(TLS) KEYS, OPTIONAL | NO_CERT, GESTLINE_OSC, NO_LINE},
	{"a weak hash", OSC(TLS) "a=setup:actpass\r\na=fingerprint:sha-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB\r\n",
		OPTIONAL, GESTLINE_OSC, NO_LINE},
	{"two lines of MIDI as one: the first", "a=group:FID 1 2\r\n" MIDI(TLS) KEYS "a=fmtp:97 musicport=12\r\na=sendonly\r\na=mid:1\r\n"
		"m=audio 40014 " TLS " 97\r\na=rtpmap:97 rtp-midi/48000\r\na=rtcp-mux\r\n" KEYS "a=fmtp:97 musicport=12\r\na=recvonly\r\na=mid:2\r\n",
		OPTIONAL, GESTLINE_MIDI, DTLS},
};

static void test_answers(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
		struct offer *o = make(answers[i].policy, answers[i].kind, PRINTB);
		/* Lines without sound have to have one that is taken; groups stand before lines. */
		const bool sound = answers[i].policy < OFF && !g_str_has_prefix(answers[i].offer, "a=");
		g_autofree char *body = g_strconcat(HEAD, sound ? SOUND : "", answers[i].offer,
						    sound || answers[i].how != NO_LINE ? "" : "m=audio 4000 RTP/AVP 0\r\n", NULL);
		g_autofree char *text = NULL;
		const char *line;

		g_test_message("%s", answers[i].name);
		text = answer_text(o, body);
		g_assert_cmpint(how_of(o, answers[i].kind), ==, answers[i].how);
		line = strstr(text, answers[i].kind == GESTLINE_OSC ? "m=application " : "m=audio 30008 ");
		g_assert_nonnull(line);
		g_assert_true(!strstr(line, "a=fingerprint:" PRINTB) == (answers[i].how != DTLS));
		g_assert_true(!strstr(line, "a=setup:active\r\n") == (answers[i].how != DTLS));
		g_assert_true(!strstr(line, "a=crypto:") == (answers[i].how != SDES));
		mem_deref(o);
	}
}

/* --- our offer --- */

static void refuses(struct offer *o, const char *answer)
{
	const char *why = "";

	if (!offer_accept(o, &why, answer, strlen(answer)))
		offer_commit(o);
	g_test_message("%s", why);
}

/* Two of us: the keys of sound and of gestures come by DTLS, one of the two begins, and a refresh changes nothing. */
static void test_offered(void)
{
	for (unsigned i = 0; i < 4; i++) {
		const enum gestline_kind kind = i & 1 ? GESTLINE_MIDI : GESTLINE_OSC;
		const unsigned policy = i & 2 ? REQUIRED : OPTIONAL;
		struct offer *a = make(policy, kind, PRINT), *b = make(policy, kind, PRINTB);
		uint8_t first[OFFER_MARK], again[OFFER_MARK];

		for (unsigned n = 0; n < 3; n++) {      /* from the second on our offer has one view only */
			struct mbuf *mb = NULL;
			const char *why = "";
			g_autofree char *offered = NULL, *answered = NULL;
			const struct gestline *la, *lb;

			g_assert_cmpint(offer_make(a, &mb), ==, 0);
			offered = g_strndup((char *)mb->buf, mb->end);
			mem_deref(mb);
			g_assert_null(strstr(offered, "a=crypto"));
			g_assert_nonnull(strstr(strstr(offered, kind == GESTLINE_OSC ? "m=application " : "m=audio 30008 "), "a=fingerprint:" PRINT));
			g_assert_true(!strstr(offered, "RTP/AVP") == (policy == REQUIRED));
			answered = answer_text(b, offered);
			g_assert_cmpint(offer_accept(a, &why, answered, strlen(answered)), ==, 0);
			offer_commit(a);
			g_assert_cmpint(how_of(a, kind), ==, DTLS);
			g_assert_cmpint(how_of(b, kind), ==, DTLS);
			la = offer_gestline(a, kind, n > 1 ? again : first);
			lb = offer_gestline(b, kind, n > 1 ? again : first);
			g_assert_true(la->dtls.active != lb->dtls.active);
			g_assert_cmpstr(la->dtls.fingerprint, ==, PRINTB);
			g_assert_cmpstr(lb->dtls.fingerprint, ==, PRINT);
		}
		g_assert_cmpmem(first, sizeof(first), again, sizeof(again));
		mem_deref(a);
		mem_deref(b);
	}
}

/* An answer that would leave our line without keys, or with keys that everybody has read, leaves no line. */
static void test_no_way_round(void)
{
	static const char *const answers_to_us[] = {
		OSC("UDP/TLS/RTP/SAVP"), OSC("UDP/TLS/RTP/SAVP") CRYPTO, OSC("RTP/SAVP") CRYPTO, OSC("RTP/AVP"),
		"m=application 0 UDP/TLS/RTP/SAVP 98\r\n",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(answers_to_us); i++) {
		struct offer *o = make(REQUIRED, GESTLINE_OSC, PRINTB);
		g_autofree char *answer = g_strconcat(HEAD "m=audio 4000 UDP/TLS/RTP/SAVP 0\r\na=rtcp-mux\r\na=setup:active\r\n"
						      "a=fingerprint:" PRINT "\r\n", answers_to_us[i], NULL);
		struct mbuf *mb = NULL;

		g_assert_cmpint(offer_make(o, &mb), ==, 0);
		mem_deref(mb);
		refuses(o, answer);
		g_assert_cmpint(how_of(o, GESTLINE_OSC), ==, NO_LINE);
		mem_deref(o);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/gestdtls/answers", test_answers);
	g_test_add_func("/gestdtls/offered", test_offered);
	g_test_add_func("/gestdtls/no-way-round", test_no_way_round);
	return g_test_run();
}
