/*
 * flow-sip.c - what every request meets before the session layer: the guard, the checks of RFC 3261 8.2, limits, sizes.
 */
#include <stdio.h>
#include <string.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <glib.h>
#include "tests/lib/room.h"
#include "tests/lib/sim.h"
#include "tests/lib/ua.h"

static struct room room;
static struct ua *ann;

static void begin_tp(enum sip_transp tp)
{
	g_assert_cmpint(sim_init(2), ==, 0);
	g_assert_cmpint(room_open(&room, "udp:127.0.0.1:0 tcp:127.0.0.1:0", 1800, 0), ==, 0);
	sim_advance(1);
	g_assert_cmpint(ua_alloc(&ann, tp, tp == SIP_TRANSP_UDP ? &room.udp : &room.tcp), ==, 0);
}

static void end(void)
{
	ann = mem_deref(ann);
	room_close(&room);
	sim_close();
}

struct row {
	const char *what, *method, *hdrs, *body;
	const char *status, *has;
};

/* Answered the same over UDP and TCP. */
static const struct row rows[] = {
	{ "options",      "OPTIONS",  NULL, NULL, "SIP/2.0 200", "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE" },
	{ "known method", "REGISTER", NULL, NULL, "SIP/2.0 405", "Allow: INVITE" },
	{ "no method",    "JUGGLE",   NULL, NULL, "SIP/2.0 405", "Allow: INVITE" },
	{ "case counts",  "invite",   NULL, NULL, "SIP/2.0 405", "Allow: INVITE" },
	{ "require",      "INVITE",   "Require: 100rel, juggling, timer\r\n", OFFER, "SIP/2.0 420", "Unsupported: juggling\r\n" },
	{ "require many", "OPTIONS",  "Require: a\r\nRequire: b\r\n", NULL, "SIP/2.0 420", "Unsupported: a, b\r\n" },
	{ "accept",       "INVITE",   "Accept: text/plain\r\n", OFFER, "SIP/2.0 406", "Accept: application/sdp" },
	{ "accept q=0",   "INVITE",   "Accept: application/sdp;q=0.0\r\n", OFFER, "SIP/2.0 406", "Accept: application/sdp" },
	{ "encoding",     "INVITE",   "Content-Encoding: gzip\r\n", OFFER, "SIP/2.0 415", "Accept-Encoding: identity" },
	{ "max forwards", "OPTIONS",  "Max-Forwards: 7\r\n", NULL, "SIP/2.0 400 Several Max-Forwards", "" },
	{ "two callids",  "OPTIONS",  "Call-ID: another\r\n", NULL, "SIP/2.0 400 Several Call-ID", "" },
	{ "two lengths",  "OPTIONS",  "l: 0\r\n", NULL, "SIP/2.0 400 Several Content-Length", "" },
	{ "two contacts", "INVITE",   "Contact: <sip:other@127.0.0.1>\r\n", OFFER, "SIP/2.0 400 Several Contacts", "" },
	{ "bad contact",  "INVITE",   "m: <sip:a@b>;;;\r\n", OFFER, "SIP/2.0 400 Malformed Contact", "" },
	{ "expires",      "OPTIONS",  "Expires: 99999999999\r\n", NULL, "SIP/2.0 400 Expires", "" },
	{ "bye of nobody", "BYE",     NULL, NULL, "SIP/2.0 481", "" },
	{ "info of nobody", "INFO",   NULL, NULL, "SIP/2.0 481", "" },
	{ "refer, no owner", "REFER", NULL, NULL, "SIP/2.0 405", "Allow: " },
};

static void checks(gconstpointer tp)
{
	begin_tp(GPOINTER_TO_INT(tp));
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_test_message("%s", rows[i].what);
		ua_new_call(ann);
		ua_request(ann, rows[i].method, rows[i].hdrs, rows[i].body);
		ua_expect(ann, rows[i].status);
		if (!ua_has(ann, rows[i].has))
			g_error("%s: \"%s\" is not in %s", rows[i].what, rows[i].has, ann->msg);
		if (!strcmp(rows[i].method, "INVITE"))
			ua_ack_failed(ann);
	}
	ua_expect_none(ann, 35000);
	g_assert_true(room_said(&room, ""));
	end();
}

static void scheme(void)
{
	begin_tp(SIP_TRANSP_UDP);
	strcpy(ann->to, "http:room");
	ua_request(ann, "OPTIONS", NULL, NULL);
	ua_expect(ann, "SIP/2.0 416");
	ua_new_call(ann);
	strcpy(ann->to, "tel:+4930123456;phone-context=+49");
	ua_request(ann, "INVITE", NULL, OFFER);
	ua_expect(ann, "SIP/2.0 200");
	ua_ack(ann, NULL);
	ua_request(ann, "BYE", NULL, NULL);
	ua_expect(ann, "SIP/2.0 200");
	end();
}

/* --- raw datagrams --- */

static char raw[70000];

/* %V: a Via of this socket with a fresh branch; %n: a fresh number. */
static size_t compose(const char *text)
{
	static unsigned n;
	size_t len = 0;

	n++;
	for (const char *p = text; *p; p++) {
		if (p[0] == '%' && p[1] == 'V')
			len += (size_t)re_snprintf(raw + len, sizeof(raw) - len, "SIP/2.0/%s %J;branch=z9hG4bKraw%u;rport",
						   sip_transp_name(ann->tp), &ann->me, n);
		else if (p[0] == '%' && p[1] == 'n')
			len += (size_t)re_snprintf(raw + len, sizeof(raw) - len, "%u", n);
		else {
			raw[len++] = *p;
			continue;
		}
		p++;
	}
	raw[len] = '\0';
	return len;
}

#define COMMON "From: <sip:a@b>;tag=1\r\nTo: <sip:room@c>\r\nCall-ID: raw%n\r\n"

static const struct { const char *what, *text, *status; } raws[] = {
	{ "fine", "OPTIONS sip:c SIP/2.0\r\nVia: %V\r\n" COMMON "CSeq: 1 OPTIONS\r\n\r\n", "SIP/2.0 200" },
	{ "version", "OPTIONS sip:c SIP/7.0\r\nVia: %V\r\n" COMMON "CSeq: 1 OPTIONS\r\n\r\n", "SIP/2.0 505" },
	{ "mismatch", "OPTIONS sip:c SIP/2.0\r\nVia: %V\r\n" COMMON "CSeq: 1 INVITE\r\n\r\n", "SIP/2.0 400 CSeq method" },
	{ "cseq", "OPTIONS sip:c SIP/2.0\r\nVia: %V\r\n" COMMON "CSeq: 36893488147419103232 OPTIONS\r\n\r\n", "SIP/2.0 400 CSeq number" },
	{ "length", "OPTIONS sip:c SIP/2.0\r\nVia: %V\r\n" COMMON "CSeq: 1 OPTIONS\r\nContent-Length: 9999\r\n\r\nx", "SIP/2.0 400 Content-Length" },
	{ "negative", "OPTIONS sip:c SIP/2.0\r\nVia: %V\r\n" COMMON "CSeq: 1 OPTIONS\r\nContent-Length: -999\r\n\r\n", "SIP/2.0 400 Malformed Content" },
	{ "no from", "OPTIONS sip:c SIP/2.0\r\nVia: %V\r\nTo: <sip:c>\r\nCall-ID: raw%n\r\nCSeq: 1 OPTIONS\r\n\r\n", "SIP/2.0 400 Missing From" },
	{ "no end", "OPTIONS sip:c SIP/2.0\r\nVia: %V\r\n" COMMON "CSeq: 1 OPTIONS\r\n", "SIP/2.0 400 Malformed header" },
	{ "no colon", "OPTIONS sip:c SIP/2.0\r\nVia: %V\r\n" COMMON "what is this\r\nCSeq: 1 OPTIONS\r\n\r\n", "SIP/2.0 400 Malformed header" },
	{ "ipv6", "OPTIONS sip:2001:db8::10 SIP/2.0\r\nVia: %V\r\n" COMMON "CSeq: 1 OPTIONS\r\n\r\n", "SIP/2.0 400 IPv6" },
	{ "angle", "OPTIONS <sip:c> SIP/2.0\r\nVia: %V\r\n" COMMON "CSeq: 1 OPTIONS\r\n\r\n", "SIP/2.0 400 Malformed Request-URI" },
	{ "folds", "OPTIONS sip:c SIP/2.0\r\nVia:\r\n %V\r\nf:\r\n\t<sip:a@b>\r\n ;tag=1\r\nTO :<sip:room@c>\r\ni: raw%n\r\nCSeq:\r\n 0001\r\n OPTIONS\r\n\r\n", "SIP/2.0 200" },
	{ "surplus", "OPTIONS sip:c SIP/2.0\r\nVia: %V\r\n" COMMON "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\nINVITE sip:c SIP/2.0\r\nVia: %V\r\n" COMMON "CSeq: 8 INVITE\r\nContact: <sip:a@b>\r\n\r\n", "SIP/2.0 200" },
	{ "ack", "ACK sip:c SIP/2.0\r\nVia: %V\r\n" COMMON "CSeq: 1 INVITE\r\n\r\n", NULL },
	{ "response", "SIP/2.0 200 OK\r\nVia: %V\r\n" COMMON "CSeq: 1 INVITE\r\n\r\n", NULL },
	{ "bad response", "SIP/2.0 4294967301 better\r\nVia: %V\r\n" COMMON "CSeq: 1 INVITE\r\n\r\n", NULL },
	{ "noise", "hello, is this the conference?\r\n\r\n", NULL },
	{ "keep-alive", "\r\n\r\n", NULL },
};

static void raw_datagrams(void)
{
	begin_tp(SIP_TRANSP_UDP);
	for (size_t i = 0; i < G_N_ELEMENTS(raws); i++) {
		g_test_message("%s", raws[i].what);
		ua_raw(ann, raw, compose(raws[i].text));
		if (!raws[i].status) {
			ua_expect_none(ann, 2000);
			continue;
		}
		ua_expect(ann, raws[i].status);
		g_assert_true(ua_has(ann, "rport=") && ua_has(ann, "received=127.0.0.1"));
		ua_expect_none(ann, 1000);
	}
	end();
}

/* RFC 2543: no branch. Two calls of one client are two calls, on both transports. */
static void no_branch(gconstpointer tp)
{
	char v[128];

	begin_tp(GPOINTER_TO_INT(tp));
	for (int i = 0; i < 3; i++) {
		(void)re_snprintf(v, sizeof(v), "OPTIONS sip:c SIP/2.0\r\nVia: SIP/2.0/%s %J\r\n", sip_transp_name(ann->tp), &ann->me);
		size_t head = strlen(v), rest;

		rest = compose(COMMON "CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n");
		memmove(raw + head, raw, rest + 1);
		memcpy(raw, v, head);
		ua_raw(ann, raw, head + rest);
		ua_expect(ann, "SIP/2.0 200");
		(void)ua_header(ann, "Call-ID", v, sizeof(v));
		g_assert_nonnull(strstr(raw, v));
	}
	end();
}

/* The same branch for another request: not a retransmission. The same request again: one. */
static void branch_reused(void)
{
	char v[64], first[64];

	begin_tp(SIP_TRANSP_UDP);
	ua_request(ann, "OPTIONS", NULL, NULL);
	ua_expect(ann, "SIP/2.0 200");
	(void)ua_header(ann, "To", first, sizeof(first));
	ann->cseq--;
	ua_request(ann, "OPTIONS", NULL, NULL);   /* again: the same answer, with the same tag */
	ua_expect(ann, "SIP/2.0 200");
	g_assert_cmpstr(ua_header(ann, "To", v, sizeof(v)), ==, first);
	ann->cseq--;
	ua_new_call(ann);
	ua_request(ann, "OPTIONS", NULL, NULL);   /* the branch again, another Call-ID */
	ua_expect(ann, "SIP/2.0 200");
	g_assert_cmpstr(ua_header(ann, "Call-ID", v, sizeof(v)), ==, ann->callid);
	end();
}

/* RFC 3261 8.2.2.2: the same request by another path, its first arrival still open: 482. */
static void merged(void)
{
	begin_tp(SIP_TRANSP_UDP);
	room.hold_answer = true;
	room.ring = 180;
	ua_request(ann, "INVITE", NULL, OFFER);
	ua_expect(ann, "SIP/2.0 180");
	ann->rtag[0] = '\0';
	strcpy(ann->via_extra, ".other;rport");
	ann->cseq--;
	ua_request(ann, "INVITE", NULL, OFFER);
	ua_expect(ann, "SIP/2.0 482");
	ua_ack_failed(ann);
	strcpy(ann->via_extra, ".spiral;rport");
	ann->rtag[0] = ann->target[0] = '\0';
	strcat(ann->to, ";x=1");                  /* another Request-URI: a spiral, a call of its own */
	ann->cseq--;
	ua_request(ann, "INVITE", NULL, OFFER);
	ua_expect(ann, "SIP/2.0 180");
	g_assert_cmpuint(sessions_count(room.ss), ==, 2);
	end();
}

static void max_forwards_zero(void)
{
	begin_tp(SIP_TRANSP_UDP);
	ua_raw(ann, raw, compose("OPTIONS sip:c SIP/2.0\r\nVia: %V\r\nMax-Forwards: 0\r\n" COMMON "CSeq: 1 OPTIONS\r\n\r\n"));
	ua_expect(ann, "SIP/2.0 200");
	end();
}

/* Bodies far beyond libre's 8 KiB for a datagram. */
static void long_body(gconstpointer tp)
{
	char *body = g_malloc0(60001);

	begin_tp(GPOINTER_TO_INT(tp));
	memset(body, 'v', 60000);
	ua_request(ann, "INVITE", NULL, body);
	ua_expect(ann, "SIP/2.0 200");
	ua_ack(ann, NULL);
	sim_advance(10);
	g_assert_true(room_said(&room, "offered commit established"));
	g_free(body);
	end();
}

static void multipart(void)
{
	static const char body[] = "--b\r\nContent-Type: text/plain\r\nContent-Disposition: render;handling=optional\r\n\r\n"
		"hello\r\n--b\r\nContent-Type: application/sdp\r\n\r\n"
		OFFER "\r\n--b--\r\n";
	static const char none[] = "--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b--\r\n";
	char text[2048];

	begin_tp(SIP_TRANSP_UDP);
	(void)re_snprintf(text, sizeof(text), "INVITE sip:c SIP/2.0\r\nVia: %%V\r\nContact: <sip:a@%J>\r\n%sCSeq: 1 INVITE\r\n"
			  "Content-Type: multipart/mixed;boundary=b\r\nContent-Length: %zu\r\n\r\n%s", &ann->me, COMMON, strlen(body), body);
	ua_raw(ann, raw, compose(text));
	ua_expect(ann, "SIP/2.0 200");
	g_assert_true(ua_has(ann, "answer of the room"));
	(void)re_snprintf(text, sizeof(text), "INVITE sip:c SIP/2.0\r\nVia: %%V\r\nContact: <sip:a@%J>\r\n%sCSeq: 1 INVITE\r\n"
			  "Content-Type: multipart/mixed;boundary=b\r\nContent-Length: %zu\r\n\r\n%s", &ann->me, COMMON, strlen(none), none);
	ua_raw(ann, raw, compose(text));
	while (!g_str_has_prefix(ua_wait(ann, 5000), "SIP/2.0 415"))
		;
	g_assert_true(ua_has(ann, "Accept: application/sdp"));
	end();
}

/* No rport asked for: the answer goes to the port in Via (RFC 3261 18.2.2), from our listening port. */
static void sent_by_port(void)
{
	begin_tp(SIP_TRANSP_UDP);
	struct ua *ben = NULL;

	g_assert_cmpint(ua_alloc(&ben, SIP_TRANSP_UDP, &room.udp), ==, 0);
	int fd = ann->fd;
	ann->fd = ben->fd;                        /* sent from another port than the Via says */
	ann->via_extra[0] = '\0';
	ua_request(ann, "OPTIONS", NULL, NULL);
	ann->fd = fd;
	ua_expect(ann, "SIP/2.0 200");
	ua_expect_none(ben, 100);
	mem_deref(ben);
	end();
}

/* RFC 5118 4.9: an IPv4-mapped address as sent-by keeps its port. */
static void sent_by_mapped(void)
{
	char text[512];

	begin_tp(SIP_TRANSP_UDP);
	(void)re_snprintf(text, sizeof(text), "OPTIONS sip:c SIP/2.0\r\nVia: SIP/2.0/UDP [::ffff:192.0.2.10]:%u;branch=z9hG4bKm\r\n%s",
			  sa_port(&ann->me), "From: <sip:a@b>;tag=1\r\nTo: <sip:c>\r\nCall-ID: m\r\nCSeq: 1 OPTIONS\r\n\r\n");
	ua_raw(ann, text, strlen(text));
	ua_expect(ann, "SIP/2.0 200");
	end();
}

static void rate(void)
{
	const struct sips_conf conf = { .listen = "udp:127.0.0.1:0", .request_rate = 5 };
	struct sips *sips;
	struct sips_stats st;
	enum sip_transp tp;
	struct sa sa;
	unsigned n200 = 0, n503 = 0;

	g_assert_cmpint(sim_init(3), ==, 0);
	g_assert_cmpint(sips_alloc(&sips, &conf), ==, 0);
	g_assert_cmpint(sips_listener(sips, 0, &tp, &sa), ==, 0);
	g_assert_cmpint(ua_alloc(&ann, tp, &sa), ==, 0);
	for (int i = 0; i < 50; i++) {
		ua_request(ann, "OPTIONS", NULL, NULL);
		g_assert_nonnull(ua_wait(ann, 10));
		n200 += g_str_has_prefix(ann->msg, "SIP/2.0 200");
		n503 += g_str_has_prefix(ann->msg, "SIP/2.0 503") && ua_has(ann, "Retry-After: ");
	}
	g_assert_cmpuint(n200, ==, 20);           /* the burst: four seconds' worth */
	g_assert_cmpuint(n503, ==, 30);
	sim_advance(1000);
	ua_request(ann, "OPTIONS", NULL, NULL);
	ua_expect(ann, "SIP/2.0 200");
	sips_stats(sips, &st);
	g_assert_cmpuint(st.limited, ==, 30);
	g_assert_cmpuint(st.requests, ==, 51);
	ann = mem_deref(ann);
	sips_close(sips);
	mem_deref(sips);
	sim_close();
}

static void conf_words(void)
{
	static const struct { const char *listen; int err; } words[] = {
		{ "udp:127.0.0.1:0", 0 },        { "udp:127.0.0.1:0, tcp:127.0.0.1:0\n", 0 },
		{ "", EINVAL },                  { "udp", EINVAL },
		{ "sctp:127.0.0.1:0", EINVAL },  { "udp:nowhere:0", EINVAL },
		{ "tls:127.0.0.1:0", ENOENT },   { "udp:127.0.0.1:0 udp:127.0.0.1:0", 0 },
	};

	g_assert_cmpint(sim_init(3), ==, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		const struct sips_conf conf = { .listen = words[i].listen };
		struct sips *sips = NULL;

		g_assert_cmpint(sips_alloc(&sips, &conf), ==, words[i].err);
		mem_deref(sips);
	}
	sim_close();
}

/* --- TLS --- */

static void make_cert(const char *path)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *x = X509_new();
	FILE *f = fopen(path, "w");

	g_assert_true(key && x && f);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 86400);
	X509_set_pubkey(x, key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(x));
	g_assert_cmpint(X509_sign(x, key, EVP_sha256()), >, 0);
	g_assert_true(PEM_write_X509(f, x) && PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL));
	fclose(f);
	X509_free(x);
	EVP_PKEY_free(key);
}

static void tls(void)
{
	char *dir = g_dir_make_tmp("flow-sip-XXXXXX", NULL), *path = g_build_filename(dir, "cert.pem", NULL);

	make_cert(path);
	g_assert_cmpint(sim_init(4), ==, 0);
	g_assert_cmpint(room_open_tls(&room, "tls:127.0.0.1:0", path), ==, 0);
	g_assert_cmpint(ua_alloc(&ann, SIP_TRANSP_TLS, &room.tcp), ==, 0);
	ua_request(ann, "INVITE", NULL, OFFER);
	ua_expect(ann, "SIP/2.0 200");
	g_assert_true(ua_has(ann, ";transport=tls>;isfocus"));
	ua_ack(ann, NULL);
	sim_advance(10);
	g_assert_true(room_said(&room, "offered commit established"));
	room.toys[0].s = mem_deref(room.toys[0].s);
	ua_expect(ann, "BYE ");                   /* over the same connection */
	ua_reply(ann, 200, "OK", NULL, NULL);
	ua_new_call(ann);
	memmove(ann->to + 4, ann->to + 3, strlen(ann->to + 3) + 1);
	memcpy(ann->to, "sips", 4);
	ua_request(ann, "INVITE", NULL, OFFER);
	ua_expect(ann, "SIP/2.0 200");
	g_assert_true(ua_has(ann, "Contact: <sips:room@127.0.0.1:"));
	ua_ack(ann, NULL);
	end();
	(void)remove(path);
	(void)remove(dir);
	g_free(path);
	g_free(dir);
}

/* TLS 1.1 is refused. */
static void tls_old(void)
{
	char *dir = g_dir_make_tmp("flow-sip-XXXXXX", NULL), *path = g_build_filename(dir, "cert.pem", NULL);

	make_cert(path);
	g_assert_cmpint(sim_init(4), ==, 0);
	g_assert_cmpint(room_open_tls(&room, "tls:127.0.0.1:0", path), ==, 0);
	ua_tls_max(TLS1_1_VERSION);
	g_assert_cmpint(ua_alloc(&ann, SIP_TRANSP_TLS, &room.tcp), !=, 0);
	ua_tls_max(0);
	end();
	(void)remove(path);
	(void)remove(dir);
	g_free(path);
	g_free(dir);
}

/* The stacks go first, the sessions after: nothing may touch what is gone. */
static void wrong_order(void)
{
	begin_tp(SIP_TRANSP_UDP);
	ua_request(ann, "INVITE", NULL, OFFER);
	ua_expect(ann, "SIP/2.0 200");
	ua_ack(ann, NULL);
	room.hold_answer = true;
	ua_new_call(ann);
	ua_request(ann, "INVITE", NULL, OFFER);
	sim_advance(10);
	(void)session_modify(room.toys[0].s);
	sips_close(room.sips);
	end();
}

static void replaces(void)
{
	struct session_ref ref;
	struct session *s;
	const char *reason;
	char text[256];
	struct pl callid, to_tag, from_tag;

	begin_tp(SIP_TRANSP_UDP);
	ua_request(ann, "INVITE", NULL, OFFER);
	ua_expect(ann, "SIP/2.0 200");
	ua_ack(ann, NULL);
	sim_advance(10);
	pl_set_str(&callid, ann->callid);
	pl_set_str(&to_tag, ann->rtag);
	pl_set_str(&from_tag, ann->ltag);
	g_assert_true(sessions_find(room.ss, &callid, &to_tag, &from_tag) == room.toys[0].s);
	g_assert_null(sessions_find(room.ss, &callid, &from_tag, &to_tag));

	(void)re_snprintf(text, sizeof(text), "%s;from-tag=%s;to-tag=%s;early-only", ann->callid, ann->ltag, ann->rtag);
	struct mbuf *mb = mbuf_alloc(512);
	struct sip_msg *msg;

	(void)mbuf_printf(mb, "INVITE sip:c SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c>\r\n"
			  "Call-ID: x\r\nCSeq: 1 INVITE\r\nReplaces: %s\r\n\r\n", text);
	mb->pos = 0;
	g_assert_cmpint(sip_msg_decode(&msg, mb), ==, 0);
	g_assert_cmpint(session_join(&ref, msg), ==, ENOENT);
	g_assert_cmpint(session_replaces(&ref, msg), ==, 0);
	g_assert_true(ref.early_only);
	g_assert_cmpuint(sessions_replaced(room.ss, &s, &reason, &ref), ==, 486);
	ref.early_only = false;
	g_assert_cmpuint(sessions_replaced(room.ss, &s, &reason, &ref), ==, 0);
	g_assert_true(s == room.toys[0].s);
	ref.to_tag = from_tag;
	g_assert_cmpuint(sessions_replaced(room.ss, &s, &reason, &ref), ==, 481);
	ref.to_tag = to_tag;
	ua_request(ann, "BYE", NULL, NULL);
	ua_expect(ann, "SIP/2.0 200");
	g_assert_cmpuint(sessions_replaced(room.ss, &s, &reason, &ref), ==, 603);
	mem_deref(msg);
	mem_deref(mb);
	end();
}

int main(int argc, char *argv[])
{
	gpointer udp = GINT_TO_POINTER(SIP_TRANSP_UDP), tcp = GINT_TO_POINTER(SIP_TRANSP_TCP);

	g_test_init(&argc, &argv, NULL);
	g_test_add_data_func("/sip/checks/udp", udp, checks);
	g_test_add_data_func("/sip/checks/tcp", tcp, checks);
	g_test_add_func("/sip/scheme", scheme);
	g_test_add_func("/sip/raw", raw_datagrams);
	g_test_add_data_func("/sip/no-branch/udp", udp, no_branch);
	g_test_add_data_func("/sip/no-branch/tcp", tcp, no_branch);
	g_test_add_func("/sip/branch-reused", branch_reused);
	g_test_add_func("/sip/merged", merged);
	g_test_add_func("/sip/max-forwards-0", max_forwards_zero);
	g_test_add_data_func("/sip/long-body/udp", udp, long_body);
	g_test_add_data_func("/sip/long-body/tcp", tcp, long_body);
	g_test_add_func("/sip/multipart", multipart);
	g_test_add_func("/sip/sent-by-port", sent_by_port);
	g_test_add_func("/sip/sent-by-mapped", sent_by_mapped);
	g_test_add_func("/sip/rate", rate);
	g_test_add_func("/sip/listen", conf_words);
	g_test_add_func("/sip/replaces", replaces);
	g_test_add_func("/sip/tls", tls);
	g_test_add_func("/sip/tls-1.1", tls_old);
	g_test_add_func("/sip/wrong-order", wrong_order);
	return g_test_run();
}
