/*
 * test-offerdtls.c - keys by DTLS in offers and answers: what is taken, who begins, and what is still the same
 * association later.
 *
 * Tables of their lines and ours, from the attributes of direction on; our tls-id is random and shows as "tls-id:*".
 */
#include <glib.h>
#include <string.h>
#include "server/offer.h"

#define PRINT "sha-256 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB:4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF"
#define PRINTB "sha-256 19:E2:1C:3B:4B:9F:81:E6:B8:5C:F4:A5:A8:D8:73:04:BB:05:2F:70:9F:04:A9:0E:05:E9:26:33:E8:70:88:A2"
#define PRINT384 "SHA-384 4a:ad:b9:b1:3f:82:18:3b:54:02:12:df:3e:5d:49:6b:19:e5:7c:ab:4a:ad:b9:b1:3f:82:18:3b:54:02:12:df:19:e5:7c:ab:4a:ad:b9:b1:3f:82:18:3b:54:02:12:df"
#define SHA1 "sha-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB"
#define OURS "sha-256 00:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB:4A:AD:B9:B1:3F:82:18:3B:54:02:12:FF"
#define HEAD "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
#define TLS "m=audio 4000 UDP/TLS/RTP/SAVP 0\r\n"
#define TLSF "m=audio 4000 UDP/TLS/RTP/SAVPF 0\r\n"
#define SAVP "m=audio 4000 RTP/SAVP 0\r\n"
#define AVP "m=audio 4000 RTP/AVP 0\r\n"
#define FP "a=fingerprint:" PRINT "\r\n"
#define FPB "a=fingerprint:" PRINTB "\r\n"
#define FPOURS "a=fingerprint:" OURS "\r\n"
#define ACTPASS "a=setup:actpass\r\n"
#define ACTIVE "a=setup:active\r\n"
#define PASSIVE "a=setup:passive\r\n"
#define ID "a=tls-id:91bbf309c0990a6bec11e38ba2933cee\r\n"
#define IDB "a=tls-id:82bbf309c0990a6bec11e38ba2933cee\r\n"
#define CRYPTO "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n"
#define BADCRYPTO "a=crypto:1 F8_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz\r\n"
#define BROWSER "a=group:BUNDLE 0\r\na=ice-options:trickle\r\na=mid:0\r\n"

enum { OFF = 1, REQUIRED = 2, NO_CERT = 4, OFFERS = 8, SDES = 16, NAT = 32, NEAR = 64 };

static struct offer *make(unsigned flags)
{
	struct offer_conf conf = {
		.codecs = "PCMU", .ptime_us = 20000,
		.srtp = flags & OFF ? OFFER_SRTP_OFF : flags & REQUIRED ? OFFER_SRTP_REQUIRED : OFFER_SRTP_OPTIONAL,
		.keying = flags & SDES ? OFFER_KEYING_SDES : OFFER_KEYING_DTLS, .srtp_offered = flags & OFFERS,
		.dtls_fingerprint = flags & NO_CERT ? NULL : OURS,
	};
	struct offer *o = NULL;

	g_assert_cmpint(sa_set_str(&conf.media, "198.51.100.10", 20000), ==, 0);
	sa_init(&conf.source, AF_UNSPEC);
	if (flags & (NAT | NEAR))
		g_assert_cmpint(sa_set_str(&conf.source, flags & NAT ? "203.0.113.9" : "192.0.2.1", 5060), ==, 0);
	g_assert_cmpint(offer_alloc(&o, &conf), ==, 0);
	return o;
}

static char *text_of(struct mbuf *mb)
{
	char *text = g_strndup((char *)mb->buf, mb->end);

	mem_deref(mb);
	return text;
}

static char *answer_text(struct offer *o, const char *body)
{
	struct mbuf *mb = NULL;
	const char *why = "";
	int err = offer_answer(o, &mb, &why, body, strlen(body));

	g_assert_cmpstr(why, ==, "");
	g_assert_cmpint(err, ==, 0);
	return text_of(mb);
}

static char *offer_text(struct offer *o)
{
	struct mbuf *mb = NULL;

	g_assert_cmpint(offer_make(o, &mb), ==, 0);
	return text_of(mb);
}

static struct dtlskey_peer agree(struct offer *o, const char *body)
{
	struct dtlskey_peer p;

	g_free(answer_text(o, body));
	g_assert_cmpint(offer_dtls(o, true, &p), ==, 0);
	offer_commit(o);
	g_assert_cmpint(offer_dtls(o, false, &p), ==, 0);
	return p;
}

/* The profile, and what is behind the direction. */
static char *said(const char *text)
{
	g_autoptr(GRegex) id = g_regex_new("tls-id:[0-9a-f]{30}", 0, 0, NULL), key = g_regex_new("inline:[A-Za-z0-9+/=]+", 0, 0, NULL);
	const char *m = strstr(text, "m=audio 20000 ") + 14;
	g_autofree char *proto = g_strndup(m, strcspn(m, " ")), *rest = g_strconcat(proto, "\r\n", strstr(text, "a=sendrecv\r\n") + 12, NULL);
	g_autofree char *less = g_regex_replace_literal(id, rest, -1, 0, "tls-id:*", 0, NULL);

	return g_regex_replace_literal(key, less, -1, 0, "inline:*", 0, NULL);
}

static char *our_id(const char *text)
{
	const char *p = strstr(text, "a=tls-id:");

	return p ? g_strndup(p + 9, strcspn(p + 9, "\r")) : g_strdup("");
}

/* --- their offer --- */

#define BY(profile, setup) profile "\r\na=setup:" setup "\r\n" FPOURS

static const struct { const char *name; unsigned flags; const char *offer, *answer; bool dtls, active; } answers[] = {
	{"the usual one", 0, HEAD TLS ACTPASS FP, BY("UDP/TLS/RTP/SAVP", "active"), true, true},
	{"with feedback", 0, HEAD TLSF ACTPASS FP, BY("UDP/TLS/RTP/SAVPF", "active"), true, true},
	{"it begins", 0, HEAD TLS ACTIVE FP, BY("UDP/TLS/RTP/SAVP", "passive"), true, false},
	{"it waits", 0, HEAD TLS PASSIVE FP, BY("UDP/TLS/RTP/SAVP", "active"), true, true},
	{"it does not say", 0, HEAD TLS FP, BY("UDP/TLS/RTP/SAVP", "passive"), true, false},
	{"its signalling is where it is", NEAR, HEAD TLS ACTPASS FP, BY("UDP/TLS/RTP/SAVP", "active"), true, true},
	{"it is behind a NAT", NAT, HEAD TLS ACTPASS FP, BY("UDP/TLS/RTP/SAVP", "passive"), true, false},
	{"behind a NAT, and waits", NAT, HEAD TLS PASSIVE FP, BY("UDP/TLS/RTP/SAVP", "active"), true, true},
	{"for the whole session", 0, HEAD ACTPASS FP TLS, BY("UDP/TLS/RTP/SAVP", "active"), true, true},
	{"the line is stronger than the session", 0, HEAD PASSIVE "a=fingerprint:" SHA1 "\r\n" TLS ACTIVE FP, BY("UDP/TLS/RTP/SAVP", "passive"),
		true, false},
	{"with a key beside", 0, HEAD TLS ACTPASS FP CRYPTO, BY("UDP/TLS/RTP/SAVP", "active"), true, true},
	{"which association", 0, HEAD TLS ACTPASS FP ID, BY("UDP/TLS/RTP/SAVP", "active") "a=tls-id:*\r\n", true, true},
	{"required", REQUIRED, HEAD TLS ACTPASS FP, BY("UDP/TLS/RTP/SAVP", "active"), true, true},
	{"SHA-384", 0, HEAD TLS ACTPASS "a=fingerprint:" PRINT384 "\r\n", BY("UDP/TLS/RTP/SAVP", "active"), true, true},
	{"SHA-1 first", 0, HEAD TLS ACTPASS "a=fingerprint:" SHA1 "\r\n" FP, BY("UDP/TLS/RTP/SAVP", "active"), true, true},
	{"a phone with ICE", 0, HEAD TLS ACTPASS FP "a=ice-ufrag:ETEn\r\na=ice-pwd:OtSK0WpNtpUjkY4+86js7ZQl\r\n",
		BY("UDP/TLS/RTP/SAVP", "active"), true, true},
	{"RTP/SAVP", 0, HEAD SAVP ACTPASS FP, BY("RTP/SAVP", "active"), true, true},
	{"RTP/SAVP with both", 0, HEAD SAVP ACTPASS FP CRYPTO, "RTP/SAVP\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:*\r\n", false, false},
	{"RTP/SAVP with both, no key for us", 0, HEAD SAVP ACTPASS FP BADCRYPTO, BY("RTP/SAVP", "active"), true, true},
	{"OSRTP", 0, HEAD AVP ACTPASS FP, BY("RTP/AVP", "active"), true, true},
	{"OSRTP, required", REQUIRED, HEAD AVP ACTPASS FP, BY("RTP/AVP", "active"), true, true},
	{"OSRTP with both", 0, HEAD AVP ACTPASS FP CRYPTO, "RTP/AVP\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:*\r\n", false, false},
	{"OSRTP, switched off", OFF, HEAD AVP ACTPASS FP, "RTP/AVP\r\n", false, false},
	{"OSRTP, no certificate", NO_CERT, HEAD AVP ACTPASS FP, "RTP/AVP\r\n", false, false},
	{"OSRTP, nothing to check", 0, HEAD AVP ACTPASS "a=fingerprint:" SHA1 "\r\n", "RTP/AVP\r\n", false, false},
	{"OSRTP on hold for the time being", 0, HEAD AVP "a=setup:holdconn\r\n" FP, "RTP/AVP\r\n", false, false},
};

static void test_answers(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
		struct offer *o = make(answers[i].flags);
		g_autofree char *text = answer_text(o, answers[i].offer), *got = said(text), *again = NULL;
		struct dtlskey_peer p;
		struct leg_desc desc;

		g_test_message("%s", answers[i].name);
		g_assert_cmpstr(got, ==, answers[i].answer);
		offer_commit(o);
		g_assert_cmpint(offer_dtls(o, false, &p) | offer_leg(o, false, &desc), ==, 0);
		g_assert_true(p.on == answers[i].dtls && p.active == answers[i].active && desc.dtls == answers[i].dtls);
		if (p.on)
			g_assert_cmpuint(desc.srtp_tx.len + desc.srtp_rx.len, ==, 0);
		again = answer_text(o, answers[i].offer);
		g_assert_cmpstr(again, ==, text);                 /* byte for byte, tls-id too */
		mem_deref(o);
	}
}

static const struct { const char *name; unsigned flags; const char *offer, *why; } refusals[] = {
	{"no fingerprint", 0, HEAD TLS ACTPASS, "keys by DTLS without a fingerprint"},
	{"no fingerprint but a key", 0, HEAD TLS ACTPASS CRYPTO, "keys by DTLS without a fingerprint"},
	{"SHA-1", 0, HEAD TLS ACTPASS "a=fingerprint:" SHA1 "\r\n", "no fingerprint that we can check"},
	{"half a fingerprint", 0, HEAD TLS ACTPASS "a=fingerprint:sha-256 4A:AD\r\n", "no fingerprint that we can check"},
	{"no text in it", 0, HEAD TLS ACTPASS "a=fingerprint\r\n", "no fingerprint that we can check"},
	{"not hexadecimal", 0, HEAD TLS ACTPASS "a=fingerprint:sha-256 ZA" "\r\n", "no fingerprint that we can check"},
	{"holdconn", 0, HEAD TLS "a=setup:holdconn\r\n" FP, "an a=setup that is not supported"},
	{"no role", 0, HEAD TLS "a=setup:both\r\n" FP, "an a=setup that is not supported"},
	{"no word", 0, HEAD TLS "a=setup\r\n" FP, "an a=setup that is not supported"},
	{"no certificate of ours", NO_CERT, HEAD TLS ACTPASS FP, "keys by DTLS are not supported, only a=crypto"},
	{"RTP/SAVP, no certificate of ours", NO_CERT, HEAD SAVP ACTPASS FP, "keys by DTLS are not supported, only a=crypto"},
	{"RTP/SAVP with SHA-1", 0, HEAD SAVP ACTPASS "a=fingerprint:" SHA1 "\r\n", "no fingerprint that we can check"},
	{"OSRTP with SHA-1, required", REQUIRED, HEAD AVP ACTPASS "a=fingerprint:" SHA1 "\r\n", "no fingerprint that we can check"},
	{"switched off", OFF, HEAD TLS ACTPASS FP, "SRTP is switched off here"},
	{"another kind of datagrams", 0, HEAD "m=audio 4000 UDP/DTLS/RTP/SAVP 0\r\n" ACTPASS FP, "a transport that is not supported"},
	{"a browser", 0, HEAD BROWSER TLSF ACTPASS FP "a=ice-ufrag:ETEn\r\na=ice-pwd:OtSK0WpNtpUjkY4+86js7ZQl\r\n",
		"a browser's call: ICE is not supported"},
	{"a browser that says it in the line", 0, "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
		"m=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:ETEn\r\n"
		"a=ice-pwd:OtSK0WpNtpUjkY4+86js7ZQl\r\na=ice-options:trickle\r\n" FP ACTPASS "a=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\n"
		"a=rtpmap:111 opus/48000/2\r\n", "a browser's call: ICE is not supported"},
};

static void test_refusals(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++) {
		struct offer *o = make(refusals[i].flags);
		struct mbuf *mb = NULL;
		const char *why = NULL;

		g_test_message("%s", refusals[i].name);
		g_assert_cmpint(offer_answer(o, &mb, &why, refusals[i].offer, strlen(refusals[i].offer)), ==, ENOTSUP);
		g_assert_cmpstr(why, ==, refusals[i].why);
		g_assert_null(mb);
		mem_deref(o);
	}
}

static void test_fingerprints(void)
{
	struct offer *o = make(0);
	struct dtlskey_peer p = agree(o, HEAD TLS ACTPASS "a=fingerprint:" SHA1 "\r\n" FP "a=fingerprint:  " PRINTB " \r\n");
	g_autofree char *many = g_strdup(HEAD TLS ACTPASS);

	g_assert_cmpstr(p.fingerprint, ==, PRINT "," PRINTB);
	mem_deref(o);
	for (int i = 0; i < 20; i++) {
		char *more = g_strconcat(many, FP, NULL);

		g_free(many);
		many = more;
	}
	o = make(0);
	p = agree(o, many);                       /* what has no room is left out whole */
	g_assert_cmpuint(strlen(p.fingerprint) % strlen(PRINT ","), ==, strlen(PRINT));
	mem_deref(o);
}

/* --- their later offers --- */

static const struct { const char *name, *offer; bool same, active; } later[] = {
	{"a refresh", HEAD TLS ACTPASS FP ID, true, true},
	{"hold", HEAD TLS ACTPASS FP ID "a=sendonly\r\n", true, true},
	{"another address", HEAD "m=audio 5000 UDP/TLS/RTP/SAVP 0\r\nc=IN IP4 192.0.2.9\r\n" ACTPASS FP ID, true, true},
	{"the role that it has", HEAD TLS PASSIVE FP ID, true, true},
	{"not which association any more", HEAD TLS ACTPASS FP, true, true},
	{"lower case", HEAD TLS ACTPASS "a=fingerprint:SHA-256 4a:ad:b9:b1:3f:82:18:3b:54:02:12:df:3e:5d:49:6b:19:e5:7c:ab:4a:ad:b9:b1:3f:82:18:3b:54:02:12:df\r\n"
		ID, true, true},
	{"another role", HEAD TLS ACTIVE FP ID, false, false},
	{"another certificate", HEAD TLS ACTPASS FPB ID, false, true},
	{"another association", HEAD TLS ACTPASS FP IDB, false, true},
};

static void test_later(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(later); i++) {
		struct offer *o = make(0);
		g_autofree char *first = answer_text(o, HEAD TLS ACTPASS FP ID), *then = NULL, *id = our_id(first), *id_then = NULL;
		struct dtlskey_peer a, b;

		g_test_message("%s", later[i].name);
		offer_commit(o);
		g_assert_cmpint(offer_dtls(o, false, &a), ==, 0);
		then = answer_text(o, later[i].offer);
		id_then = our_id(then);
		g_assert_cmpuint(strlen(id), ==, 30);
		if (strstr(later[i].offer, "tls-id"))
			g_assert_true(!strcmp(id, id_then) == later[i].same);
		g_assert_cmpint(offer_dtls(o, true, &b), ==, 0);
		g_assert_cmpint(b.active, ==, later[i].active);
		g_assert_true((a.active == b.active && !str_casecmp(a.fingerprint, b.fingerprint) && !strcmp(a.tls_id, b.tls_id)) == later[i].same);
		offer_rollback(o);
		g_assert_cmpint(offer_dtls(o, false, &b), ==, 0);
		g_assert_cmpmem(&a, sizeof(a), &b, sizeof(b));
		mem_deref(o);
	}
}

/* From one way of keys to another and to none. */
static void test_ways(void)
{
	struct offer *o = make(0);
	struct leg_desc d;

	(void)agree(o, HEAD AVP CRYPTO);
	g_assert_true(agree(o, HEAD AVP ACTPASS FP).on);
	g_assert_cmpint(offer_leg(o, false, &d), ==, 0);
	g_assert_true(d.dtls && !d.srtp_tx.len && !d.srtp_rx.len);
	g_assert_false(agree(o, HEAD AVP CRYPTO).on);
	g_assert_cmpint(offer_leg(o, false, &d), ==, 0);
	g_assert_true(!d.dtls && d.srtp_tx.len && d.srtp_rx.len);
	g_assert_false(agree(o, HEAD AVP).on);
	g_assert_cmpint(offer_leg(o, false, &d), ==, 0);
	g_assert_true(!d.dtls && !d.srtp_tx.len);
	mem_deref(o);
}

/* --- our offer --- */

#define OFFERED(profile) profile "\r\na=rtcp-mux\r\na=rtcp-xr:voip-metrics rcvr-rtt=all\r\na=setup:actpass\r\n" FPOURS "a=tls-id:*\r\n"

static void test_our_offers(void)
{
	static const struct { unsigned flags; const char *offer; } offers[] = {
		{REQUIRED, OFFERED("UDP/TLS/RTP/SAVP")}, {OFFERS, OFFERED("RTP/AVP")},
		{0, "RTP/AVP\r\na=rtcp-mux\r\na=rtcp-xr:voip-metrics rcvr-rtt=all\r\n"},
		{OFF | OFFERS, "RTP/AVP\r\na=rtcp-mux\r\na=rtcp-xr:voip-metrics rcvr-rtt=all\r\n"},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(offers); i++) {
		struct offer *o = make(offers[i].flags);
		g_autofree char *text = offer_text(o), *got = said(text);
		struct leg_desc d;

		g_assert_cmpstr(got, ==, offers[i].offer);
		g_assert_cmpint(offer_leg(o, true, &d), ==, 0);
		g_assert_false(d.dtls);                           /* nobody has agreed to anything yet */
		mem_deref(o);
	}
}

static void test_our_sdes(void)
{
	static const struct { unsigned flags; const char *proto; } offers[] = {
		{SDES | REQUIRED, "RTP/SAVP"}, {SDES | OFFERS, "RTP/AVP"}, {NO_CERT | REQUIRED, "RTP/SAVP"}, {NO_CERT | OFFERS, "RTP/AVP"},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(offers); i++) {
		struct offer *o = make(offers[i].flags);
		g_autofree char *text = offer_text(o), *got = said(text);

		g_assert_true(g_str_has_prefix(got, offers[i].proto) && strstr(got, "a=crypto:1 ") && !strstr(got, "fingerprint"));
		mem_deref(o);
	}
}

static const struct { const char *name; unsigned flags; const char *answer; int err; bool dtls, active; } accepts[] = {
	{"it begins", REQUIRED, HEAD TLS ACTIVE FP, 0, true, false},
	{"it waits", REQUIRED, HEAD TLS PASSIVE FP, 0, true, true},
	{"it does not say", REQUIRED, HEAD TLS FP, 0, true, true},
	{"it says what we say", REQUIRED, HEAD TLS ACTPASS FP, 0, true, true},
	{"for the whole session", REQUIRED, HEAD ACTIVE FP TLS, 0, true, false},
	{"with feedback", REQUIRED, HEAD TLSF ACTIVE FP, 0, true, false},
	{"no fingerprint", REQUIRED, HEAD TLS ACTIVE, ENOTSUP, false, false},
	{"SHA-1", REQUIRED, HEAD TLS ACTIVE "a=fingerprint:" SHA1 "\r\n", ENOTSUP, false, false},
	{"holdconn", REQUIRED, HEAD TLS "a=setup:holdconn\r\n" FP, ENOTSUP, false, false},
	{"a key instead", REQUIRED, HEAD TLS CRYPTO, ENOTSUP, false, false},
	{"another transport", REQUIRED, HEAD AVP ACTIVE FP, ENOTSUP, false, false},
	{"OSRTP", OFFERS, HEAD AVP ACTIVE FP, 0, true, false},
	{"OSRTP with feedback", OFFERS, HEAD "m=audio 4000 RTP/AVPF 0\r\n" ACTIVE FP, 0, true, false},
	{"a phone that knows nothing of it", OFFERS, HEAD AVP, 0, false, false},
	{"OSRTP with SHA-1", OFFERS, HEAD AVP ACTIVE "a=fingerprint:" SHA1 "\r\n", ENOTSUP, false, false},
};

static void test_accepts(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(accepts); i++) {
		struct offer *o = make(accepts[i].flags);
		g_autofree char *text = offer_text(o), *again = NULL, *id = our_id(text), *id_again = NULL;
		const char *why = NULL;
		struct dtlskey_peer p;
		struct leg_desc d;

		g_test_message("%s", accepts[i].name);
		g_assert_cmpint(offer_accept(o, &why, accepts[i].answer, strlen(accepts[i].answer)), ==, accepts[i].err);
		g_assert_true(!why == !accepts[i].err);
		offer_commit(o);
		if (!accepts[i].err) {
			g_assert_cmpint(offer_dtls(o, false, &p) | offer_leg(o, false, &d), ==, 0);
			g_assert_true(p.on == accepts[i].dtls && p.active == accepts[i].active && d.dtls == p.on && !d.srtp_tx.len);
			again = offer_text(o);                    /* the same association, if it has one */
			id_again = our_id(again);
			g_assert_cmpstr(id_again, ==, p.on ? id : "");
			g_assert_true(!p.on == !strstr(again, ACTPASS));
			g_assert_true(offer_leg(o, true, &d) == 0 && d.dtls == p.on);
		}
		mem_deref(o);
	}
}

/* Our offer in a call that came: the roles stay, also where the peer says again what it said as the offerer. */
static void test_our_later_offer(void)
{
	static const struct { const char *first, *answer; bool active; } rows[] = {
		{HEAD TLS ACTPASS FP, HEAD TLS PASSIVE FP, true}, {HEAD TLS ACTPASS FP, HEAD TLS ACTPASS FP, true},
		{HEAD TLS ACTIVE FP, HEAD TLS ACTPASS FP, false}, {HEAD TLS ACTIVE FP, HEAD TLS ACTIVE FP, false},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct offer *o = make(0);
		struct dtlskey_peer a = agree(o, rows[i].first), b;
		g_autofree char *text = offer_text(o), *got = said(text);
		const char *why = NULL;

		g_assert_true(g_str_has_prefix(got, "UDP/TLS/RTP/SAVP\r\n") && strstr(got, ACTPASS FPOURS) && !strstr(got, "tls-id"));
		g_assert_cmpint(offer_accept(o, &why, rows[i].answer, strlen(rows[i].answer)), ==, 0);
		offer_commit(o);
		g_assert_cmpint(offer_dtls(o, false, &b), ==, 0);
		g_assert_cmpmem(&a, sizeof(a), &b, sizeof(b));
		g_assert_cmpint(b.active, ==, rows[i].active);
		mem_deref(o);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/offerdtls/answers", test_answers);
	g_test_add_func("/offerdtls/refusals", test_refusals);
	g_test_add_func("/offerdtls/fingerprints", test_fingerprints);
	g_test_add_func("/offerdtls/later", test_later);
	g_test_add_func("/offerdtls/ways", test_ways);
	g_test_add_func("/offerdtls/our-offers", test_our_offers);
	g_test_add_func("/offerdtls/our-sdes", test_our_sdes);
	g_test_add_func("/offerdtls/accepts", test_accepts);
	g_test_add_func("/offerdtls/our-later-offer", test_our_later_offer);
	return g_test_run();
}
