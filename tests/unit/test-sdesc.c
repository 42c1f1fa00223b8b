/*
 * test-sdesc.c - session descriptions read: what is refused, what is forgiven, and what it costs.
 */
#include <glib.h>
#include <string.h>
#include <time.h>
#include "server/sdesc.h"

/* What hostile SDP may cost: 1 ms is promised, and measured on the machine of the authors (0.75 at most); a machine half as
 * fast passes too. Under a sanitizer only that it does not grow without bounds. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { COST_NS = 50000000 };
#else
enum { COST_NS = 2000000 };
#endif

#define HEAD "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"

static const struct { const char *name, *body; int err; size_t n_media; } rows[] = {
	{"whole", HEAD "m=audio 4000 RTP/AVP 0\r\n", 0, 1},
	{"no media", HEAD, 0, 0},
	{"LF only", "v=0\no=- 1 2 IN IP4 192.0.2.1\ns=-\nt=0 0\nm=audio 4000 RTP/AVP 0\n", 0, 1},
	{"no last line end", HEAD "m=audio 4000 RTP/AVP 0", 0, 1},
	{"blank lines", HEAD "\r\nm=audio 4000 RTP/AVP 0\r\n\r\n", 0, 1},
	{"no s, no t", "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\n", 0, 0},
	{"unknown line", HEAD "x=what\r\nm=audio 4000 RTP/AVP 0\r\n", 0, 1},
	{"attributes without a name", HEAD "a=\r\na=:x\r\na=two words\r\n", 0, 0},
	{"session id of 30 digits", "v=0\r\no=- 123456789012345678901234567890 2 IN IP4 192.0.2.1\r\n", 0, 0},
	{"o= with a host name", "v=0\r\no=- 1 2 IN IP4 host.example\r\n", 0, 0},
	{"not RTP, any format", HEAD "m=application 9 DTLS/SCTP webrtc-datachannel\r\n", 0, 1},
	{"highest port", HEAD "m=audio 65535 RTP/AVP 127\r\n", 0, 1},
	{"several ports", HEAD "m=audio 4000/2 RTP/AVP 0\r\n", 0, 1},

	{"empty", "", EBADMSG, 0},
	{"text", "hello\r\n", EBADMSG, 0},
	{"version 1", "v=1\r\no=- 1 2 IN IP4 192.0.2.1\r\n", EBADMSG, 0},
	{"v= not first", "o=- 1 2 IN IP4 192.0.2.1\r\nv=0\r\n", EBADMSG, 0},
	{"v= twice", HEAD "v=0\r\n", EBADMSG, 0},
	{"no o=", "v=0\r\ns=-\r\n", EBADMSG, 0},
	{"o= twice", HEAD "o=- 1 2 IN IP4 192.0.2.1\r\n", EBADMSG, 0},
	{"o= without numbers", "v=0\r\no=- a b IN IP4 192.0.2.1\r\n", EBADMSG, 0},
	{"o= short", "v=0\r\no=- 1 2\r\n", EBADMSG, 0},
	{"negative session id", "v=0\r\no=- -1 2 IN IP4 192.0.2.1\r\n", EBADMSG, 0},
	{"t= of words", HEAD "m=audio 1 RTP/AVP 0\r\n" /* first t= counts */ "t=a b\r\n", 0, 1},
	{"first t= of words", "v=0\r\no=- 1 2 IN IP4 192.0.2.1\r\nt=a b\r\n", EBADMSG, 0},
	{"no equals sign", HEAD "hello\r\n", EBADMSG, 0},
	{"one letter", HEAD "a\r\n", EBADMSG, 0},
	{"CR inside", HEAD "a=x\ry\r\n", EBADMSG, 0},
	{"port 65536", HEAD "m=audio 65536 RTP/AVP 0\r\n", EBADMSG, 0},
	{"port 99999", HEAD "m=audio 99999 RTP/AVP 0\r\n", EBADMSG, 0},
	{"port 18446744073709551617", HEAD "m=audio 18446744073709551617 RTP/AVP 0\r\n", EBADMSG, 0},
	{"negative port", HEAD "m=audio -1 RTP/AVP 0\r\n", EBADMSG, 0},
	{"no ports", HEAD "m=audio 4000/0 RTP/AVP 0\r\n", EBADMSG, 0},
	{"payload type 128", HEAD "m=audio 4000 RTP/AVP 128\r\n", EBADMSG, 0},
	{"payload type 300", HEAD "m=audio 4000 RTP/SAVPF 0 300\r\n", EBADMSG, 0},
	{"payload type in words", HEAD "m=audio 4000 RTP/AVP zero\r\n", EBADMSG, 0},
	{"no formats", HEAD "m=audio 4000 RTP/AVP\r\n", EBADMSG, 0},
	{"no proto", HEAD "m=audio 4000\r\n", EBADMSG, 0},
	{"bytes in proto", HEAD "m=audio 4000 RTP\x80 0\r\n", EBADMSG, 0},
	{"c= short", HEAD "m=audio 4000 RTP/AVP 0\r\nc=IN IP4\r\n", EBADMSG, 0},
};

static void test_rows(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct sdesc *d = NULL;
		const char *why = NULL;
		int err = sdesc_read(&d, &why, rows[i].body, strlen(rows[i].body));

		g_test_message("%s: %s", rows[i].name, err ? why : "read");
		g_assert_cmpint(err, ==, rows[i].err);
		g_assert_true(!err == !why);
		if (err)
			continue;
		g_assert_cmpuint(d->n_media, ==, rows[i].n_media);
		mem_deref(d);
	}
}

static void test_nul(void)
{
	static const char body[] = HEAD "m=audio 4000 RTP/AVP 0\r\na=x\0y\r\n";
	const char *why = NULL;
	struct sdesc *d;

	g_assert_cmpint(sdesc_read(&d, &why, body, sizeof(body) - 1), ==, EBADMSG);
	g_assert_cmpstr(why, ==, "holds a NUL");
}

static struct sdesc *parse(const char *body)
{
	struct sdesc *d = NULL;
	const char *why = "";
	int err = sdesc_read(&d, &why, body, strlen(body));

	g_assert_cmpstr(why, ==, "");
	g_assert_cmpint(err, ==, 0);
	return d;
}

static void test_fields(void)
{
	struct sdesc *d = parse("v=0\r\no=ann 11 22 IN IP6 2001:db8::1\r\ns=x\r\nc=IN IP4 224.2.36.42/127\r\nt=3 4\r\n"
				"a=recvonly\r\nm=audio 4000/2 RTP/AVP 0 97\r\ni=voice\r\nb=AS:64\r\nc=IN IP4 host.example\r\n"
				"a=mid:a\r\na=rtpmap:97 opus/48000/2\r\na=rtpmap:0 PCMX/9000\r\na=x\r\na=mid:b\r\n"
				"m=video 0 RTP/AVP 34 96\r\n");
	const struct sdesc_media *m = &d->media[0];
	const struct sdesc_attr *a;
	struct sdesc_rtpmap map;

	g_assert_cmpuint(d->sess_id, ==, 11);
	g_assert_cmpuint(d->sess_version, ==, 22);
	g_assert_cmpstr(d->user, ==, "ann");
	g_assert_true(d->origin.ip6 && sa_af(&d->origin.sa) == AF_INET6);
	g_assert_cmpint(pl_strcmp(&d->time, "3 4"), ==, 0);
	g_assert_cmpstr(d->conn.addr, ==, "224.2.36.42");
	g_assert_nonnull(sdesc_attr(d, "recvonly"));
	g_assert_null(sdesc_attr(d, "mid"));
	g_assert_cmpuint(m->port, ==, 4000);
	g_assert_cmpuint(m->n_ports, ==, 2);
	g_assert_cmpuint(m->bandwidth_as, ==, 64);
	g_assert_cmpint(pl_strcmp(&m->title, "voice"), ==, 0);
	g_assert_true(m->conn.set && m->conn.inet && sa_af(&m->conn.sa) == AF_UNSPEC);
	a = sdesc_media_attr(m, "mid", NULL);
	g_assert_cmpint(pl_strcmp(&a->value, "a"), ==, 0);
	a = sdesc_media_attr(m, "mid", a);
	g_assert_cmpint(pl_strcmp(&a->value, "b"), ==, 0);
	g_assert_null(sdesc_media_attr(m, "mid", a));
	g_assert_null(sdesc_media_attr(m, "x", NULL)->value.p);
	g_assert_true(sdesc_media_conn(d, m) == &m->conn);
	g_assert_true(sdesc_media_conn(d, &d->media[1]) == &d->conn);

	g_assert_cmpint(sdesc_rtpmap(&map, m, &m->fmt[0]), ==, 0);     /* an own line goes before the static table */
	g_assert_cmpuint(map.clock, ==, 9000);
	g_assert_cmpint(sdesc_rtpmap(&map, m, &m->fmt[1]), ==, 0);
	g_assert_cmpuint(map.channels, ==, 2);
	g_assert_cmpint(pl_strcmp(&map.name, "opus"), ==, 0);
	g_assert_cmpint(sdesc_rtpmap(&map, &d->media[1], &d->media[1].fmt[0]), ==, 0);
	g_assert_cmpuint(map.clock, ==, 90000);
	g_assert_cmpint(sdesc_rtpmap(&map, &d->media[1], &d->media[1].fmt[1]), ==, ENOENT);
	mem_deref(d);
}

/* An attribute nobody could name is passed over, and does not stand in the way of the next. */
static void test_bad_attr(void)
{
	struct sdesc *d = parse(HEAD "a=two words:x\r\na=\r\na=mid:1\r\na=:y\r\na=flag\r\n");

	g_assert_cmpuint(d->n_attr, ==, 2);
	g_assert_cmpint(pl_strcmp(&sdesc_attr(d, "mid")->value, "1"), ==, 0);
	g_assert_null(sdesc_attr(d, "flag")->value.p);
	mem_deref(d);
}

static const struct { const char *line; uint8_t pt; int err; const char *name; uint32_t clock; uint8_t channels; } maps[] = {
	{"a=rtpmap:97 L16/44100/2", 97, 0, "L16", 44100, 2},
	{"a=rtpmap:97  opus/48000/2 ", 97, 0, "opus", 48000, 2},
	{"a=rtpmap:98 L16/44100/2", 97, ENOENT, NULL, 0, 0},
	{"a=rtpmap:97", 97, ENOENT, NULL, 0, 0},
	{"a=rtpmap", 97, ENOENT, NULL, 0, 0},
	{"a=rtpmap:97 L16", 97, ENOENT, NULL, 0, 0},
	{"a=rtpmap:97 /8000", 97, ENOENT, NULL, 0, 0},
	{"a=rtpmap:97 L16/0", 97, ENOENT, NULL, 0, 0},
	{"a=rtpmap:97 L16/99999999999", 97, ENOENT, NULL, 0, 0},
	{"a=rtpmap:97 L16/8000/300", 97, ENOENT, NULL, 0, 0},
	{"a=rtpmap:353 L16/8000", 97, ENOENT, NULL, 0, 0},
	{"a=x", 10, 0, "L16", 44100, 2},
	{"a=x", 13, 0, "CN", 8000, 1},
	{"a=x", 19, ENOENT, NULL, 0, 0},
};

static void test_rtpmap(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(maps); i++) {
		g_autofree char *body = g_strdup_printf("%sm=audio 4000 RTP/AVP %u\r\n%s\r\n", HEAD, maps[i].pt, maps[i].line);
		struct sdesc *d = parse(body);
		struct sdesc_rtpmap map;

		g_test_message("%s", maps[i].line);
		g_assert_cmpint(sdesc_rtpmap(&map, &d->media[0], &d->media[0].fmt[0]), ==, maps[i].err);
		if (!maps[i].err) {
			g_assert_cmpint(pl_strcmp(&map.name, maps[i].name), ==, 0);
			g_assert_cmpuint(map.clock, ==, maps[i].clock);
			g_assert_cmpuint(map.channels, ==, maps[i].channels);
		}
		mem_deref(d);
	}
}

static void test_fmtp(void)
{
	struct sdesc *d = parse(HEAD "m=audio 1 RTP/AVP 97 98\r\na=fmtp:97 Stereo=1; cbr=0 ;flag;x= 7\r\na=fmtp:98\r\n");
	struct pl params, value;

	g_assert_cmpint(sdesc_fmtp(&params, &d->media[0], 97), ==, 0);
	g_assert_cmpint(sdesc_fmtp_param(&value, &params, "stereo"), ==, 0);
	g_assert_cmpint(pl_strcmp(&value, "1"), ==, 0);
	g_assert_cmpint(sdesc_fmtp_param(&value, &params, "cbr"), ==, 0);
	g_assert_cmpint(pl_strcmp(&value, "0"), ==, 0);
	g_assert_cmpint(sdesc_fmtp_param(&value, &params, "x"), ==, 0);
	g_assert_cmpint(pl_strcmp(&value, "7"), ==, 0);
	g_assert_cmpint(sdesc_fmtp_param(&value, &params, "flag"), ==, 0);
	g_assert_cmpint(sdesc_fmtp_param(&value, &params, "stere"), ==, ENOENT);
	g_assert_cmpint(sdesc_fmtp(&params, &d->media[0], 98), ==, 0);
	g_assert_cmpint(sdesc_fmtp_param(&value, &params, "x"), ==, ENOENT);
	g_assert_cmpint(sdesc_fmtp(&params, &d->media[0], 99), ==, ENOENT);
	mem_deref(d);
}

static const struct { const char *name, *line; size_t times; int err; } bounds[] = {
	{"64 m-lines", "m=audio 1 RTP/AVP 0\r\n", 64, 0},
	{"65 m-lines", "m=audio 1 RTP/AVP 0\r\n", 65, E2BIG},
	{"3000 m-lines", "m=audio 1 RTP/AVP 0\r\n", 3000, E2BIG},
	{"512 attributes", "a=x\r\n", 512, 0},
	{"513 attributes", "a=x\r\n", 513, E2BIG},
	{"13000 attributes", "a=x\r\n", 13000, E2BIG},
	{"65 formats", "m=audio 1 RTP/AVP" " 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9"
		" 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4\r\n", 1, E2BIG},
	{"70 KB", "b=AS:1234567890\r\n", 4200, E2BIG},
	{"63 KB of unknown lines", "z=x\r\n", 12900, 0},
	{"63 KB of empty lines", "\r\n", 32000, 0},
};

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Under 1 ms of CPU is the promise; 5 ms is what a sanitizer on a busy machine may take. The best of five counts. */
static void test_bounds(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(bounds); i++) {
		GString *body = g_string_new(HEAD);
		uint64_t best = UINT64_MAX;

		for (size_t n = 0; n < bounds[i].times; n++)
			g_string_append(body, bounds[i].line);
		for (int n = 0; n < 5; n++) {
			uint64_t start = cpu_ns();
			struct sdesc *d = NULL;
			const char *why = "";
			int err = sdesc_read(&d, &why, body->str, body->len);

			best = MIN(best, cpu_ns() - start);
			g_assert_cmpint(err, ==, bounds[i].err);
			mem_deref(d);
		}
		g_test_message("%s: %u us", bounds[i].name, (unsigned)(best / 1000));
		g_assert_cmpuint(best, <, COST_NS);
		g_string_free(body, TRUE);
	}
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/sdesc/rows", test_rows);
	g_test_add_func("/sdesc/nul", test_nul);
	g_test_add_func("/sdesc/fields", test_fields);
	g_test_add_func("/sdesc/bad-attr", test_bad_attr);
	g_test_add_func("/sdesc/rtpmap", test_rtpmap);
	g_test_add_func("/sdesc/fmtp", test_fmtp);
	g_test_add_func("/sdesc/bounds", test_bounds);
	return g_test_run();
}
