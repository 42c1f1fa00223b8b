/*
 * test-reach.c - what people write, as a URI; which transport; when to try again.
 */
#include <glib.h>
#include <string.h>
#include "client/reach.h"
#include "control/loop.h"

static const struct { const char *text, *uri, *user, *host; uint16_t port; int tp; bool near; } reads[] = {
	{"band@example.com", "sip:band@example.com", "band", "example.com", 0, SIP_TRANSP_NONE, false},
	{"sip:band@example.com", "sip:band@example.com", "band", "example.com", 0, SIP_TRANSP_NONE, false},
	{" <SIP:band@example.com:5070;transport=tcp> ", "sip:band@example.com:5070;transport=tcp", "band", "example.com", 5070, SIP_TRANSP_TCP, false},
	{"sips:band@example.com", "sips:band@example.com", "band", "example.com", 0, SIP_TRANSP_TLS, false},
	{"band@example.com;transport=TLS", "sip:band@example.com;transport=TLS", "band", "example.com", 0, SIP_TRANSP_TLS, false},
	{"band@127.0.0.1", "sip:band@127.0.0.1", "band", "127.0.0.1", 0, SIP_TRANSP_NONE, true},
	{"band@192.168.1.7:5062", "sip:band@192.168.1.7:5062", "band", "192.168.1.7", 5062, SIP_TRANSP_NONE, true},
	{"band@198.51.100.1", "sip:band@198.51.100.1", "band", "198.51.100.1", 0, SIP_TRANSP_NONE, false},
	{"band@localhost:5070", "sip:band@localhost:5070", "band", "localhost", 5070, SIP_TRANSP_NONE, true},
	{"band@[::1]:5070", "sip:band@[::1]:5070", "band", "::1", 5070, SIP_TRANSP_NONE, true},
	{"band@::1", "sip:band@[::1]", "band", "::1", 0, SIP_TRANSP_NONE, true},
	{"sip:band@2001:db8::7", "sip:band@[2001:db8::7]", "band", "2001:db8::7", 0, SIP_TRANSP_NONE, false},
	{"192.168.1.7", "sip:192.168.1.7", "", "192.168.1.7", 0, SIP_TRANSP_NONE, true},
	{"\"band@10.0.0.1\"\n", "sip:band@10.0.0.1", "band", "10.0.0.1", 0, SIP_TRANSP_NONE, true},
};

static void test_read(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(reads); i++) {
		struct reach r;

		g_test_message("%s", reads[i].text);
		g_assert_cmpint(reach_read(&r, reads[i].text), ==, 0);
		g_assert_cmpstr(r.uri, ==, reads[i].uri);
		g_assert_cmpstr(r.user, ==, reads[i].user);
		g_assert_cmpstr(r.host, ==, reads[i].host);
		g_assert_cmpuint(r.port, ==, reads[i].port);
		g_assert_cmpint(r.tp, ==, reads[i].tp);
		g_assert_true(reach_near(&r) == reads[i].near);
	}
}

static void test_no_read(void)
{
	static const char *const texts[] = {"", " ", "sip:", "sip:@", "band@", "sip:band@", "my band@example.com", "band@example.com\r\nTo: x", "tel:+49301234 5",
					    "band@exa<mple.com", "a@b?Replaces=x", "http://example.com", "band@example.com\x01"};
	char *longer = g_strnfill(2 * REACH_MAX, 'a');
	struct reach r;

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_test_message("%s", texts[i]);
		g_assert_cmpint(reach_read(&r, texts[i]), ==, EINVAL);
	}
	g_assert_cmpint(reach_read(&r, longer), ==, EINVAL);
	g_assert_cmpint(reach_read(&r, NULL), ==, EINVAL);
	g_free(longer);
}

/* Far away by TCP, then UDP, and so on; near by UDP; and as was said. */
static void test_transp(void)
{
	static const struct { const char *text; enum sip_transp first, second; const char *uri; } rows[] = {
		{"band@198.51.100.1", SIP_TRANSP_TCP, SIP_TRANSP_UDP, "sip:band@198.51.100.1;transport=tcp"},
		{"band@example.com", SIP_TRANSP_TCP, SIP_TRANSP_UDP, "sip:band@example.com;transport=tcp"},
		{"band@127.0.0.1", SIP_TRANSP_UDP, SIP_TRANSP_UDP, "sip:band@127.0.0.1"},
		{"band@198.51.100.1;transport=udp", SIP_TRANSP_UDP, SIP_TRANSP_UDP, "sip:band@198.51.100.1;transport=udp"},
		{"sips:band@127.0.0.1", SIP_TRANSP_TLS, SIP_TRANSP_TLS, "sips:band@127.0.0.1"},
		{"band@127.0.0.1;transport=tcp", SIP_TRANSP_TCP, SIP_TRANSP_TCP, "sip:band@127.0.0.1;transport=tcp"},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		char uri[REACH_MAX];
		struct reach r;

		g_assert_cmpint(reach_read(&r, rows[i].text), ==, 0);
		g_assert_cmpint(reach_transp(&r, 0), ==, rows[i].first);
		g_assert_cmpint(reach_transp(&r, 1), ==, rows[i].second);
		g_assert_cmpint(reach_uri(uri, sizeof(uri), &r, rows[i].first), ==, 0);
		g_assert_cmpstr(uri, ==, rows[i].uri);
	}
}

/* A name that only this machine knows is called by its address, under its name. */
static void test_route(void)
{
	char route[REACH_MAX];
	struct reach r;

	g_assert_cmpint(reach_read(&r, "band@localhost:5070"), ==, 0);
	g_assert_cmpint(reach_route(route, sizeof(route), &r, SIP_TRANSP_UDP), ==, 0);
	g_assert_cmpstr(route, ==, "sip:127.0.0.1:5070;lr");
	g_assert_cmpint(reach_route(route, sizeof(route), &r, SIP_TRANSP_TCP), ==, 0);
	g_assert_cmpstr(route, ==, "sip:127.0.0.1:5070;transport=tcp;lr");
	g_assert_cmpint(reach_read(&r, "sips:band@localhost"), ==, 0);
	g_assert_cmpint(reach_route(route, sizeof(route), &r, SIP_TRANSP_TLS), ==, 0);
	g_assert_cmpstr(route, ==, "sip:127.0.0.1:5061;transport=tls;lr");
	g_assert_cmpint(reach_read(&r, "band@127.0.0.1"), ==, 0);
	g_assert_cmpint(reach_route(route, sizeof(route), &r, SIP_TRANSP_UDP), ==, 0);
	g_assert_cmpstr(route, ==, "");
	g_assert_cmpint(reach_read(&r, "band@example.com"), ==, 0);
	(void)sa_set_str(&r.addr, "198.51.100.1", 0);
	g_assert_cmpint(reach_route(route, sizeof(route), &r, SIP_TRANSP_UDP), ==, 0);
	g_assert_cmpstr(route, ==, "");                   /* name servers know it, and may know of its services too */
}

static void test_again(void)
{
	static const uint32_t wait[] = {0, 1000, 2000, 4000, 8000, 15000, 15000};
	static const struct { uint16_t scode; bool final; } codes[] = {
		{401, true}, {403, true}, {404, true}, {405, false}, {408, false}, {410, true}, {480, false}, {486, true}, {487, false}, {488, true},
		{491, false}, {500, false}, {502, false}, {503, false}, {504, false}, {600, true}, {603, true}, {302, true},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(wait); i++)
		g_assert_cmpuint(reach_wait_ms(i), ==, wait[i]);
	g_assert_cmpuint(reach_wait_ms(UINT32_MAX), ==, 15000);
	for (size_t i = 0; i < G_N_ELEMENTS(codes); i++)
		g_assert_true(reach_is_final(codes[i].scode) == codes[i].final);
}

static void test_source(void)
{
	struct sa src, dst;

	g_assert_cmpint(sa_set_str(&dst, "127.0.0.1", 5060), ==, 0);
	g_assert_cmpint(reach_source(&src, &dst), ==, 0);
	g_assert_true(sa_is_loopback(&src) && !sa_port(&src));
}

/* --- names, on a thread of their own --- */

struct answer { bool come; int err; struct sa addr; };

static void answered(int err, const struct sa *addr, void *arg)
{
	struct answer *a = arg;

	*a = (struct answer){true, err, *addr};
	loop_stop();
}

static void too_late(void *arg)
{
	(void)arg;
	loop_stop();
}

static void test_lookup(void)
{
	struct answer a = {false}, nobody = {false};
	struct reach_lookup *l = NULL, *gone = NULL;
	struct tmr tmr;

	g_assert_cmpint(loop_init(), ==, 0);
	tmr_init(&tmr);
	g_assert_cmpint(reach_lookup(&gone, "localhost", answered, &nobody), ==, 0);
	mem_deref(gone);                                  /* its answer has nobody to go to */
	g_assert_cmpint(reach_lookup(&l, "localhost", answered, &a), ==, 0);
	tmr_start(&tmr, 20000, too_late, NULL);
	g_assert_cmpint(loop_run(NULL), ==, 0);
	g_assert_true(a.come && !nobody.come);
	g_assert_cmpint(a.err, ==, 0);
	g_assert_true(sa_is_loopback(&a.addr));
	tmr_start(&tmr, 50, too_late, NULL);
	g_assert_cmpint(loop_run(NULL), ==, 0);
	tmr_cancel(&tmr);
	mem_deref(l);
	loop_close();
}

static void test_identity(void)
{
	static const struct { const char *user, *name, *host, *want; } rows[] = {
		{NULL, "anna", "band.example", "sip:anna-0000beef@band.example"},
		{"", "Zo\xc3\xab B.", "::1", "sip:ZoB-0000beef@[::1]"},
		{NULL, NULL, "h", "sip:musician-0000beef@h"},
		{NULL, "...", "h", "sip:musician-0000beef@h"},
		{"anna", "bob", "h", "sip:anna@h"},
		{"a b@c", NULL, "2001:db8::7", "sip:a%20b%40c@[2001:db8::7]"},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		char buf[REACH_MAX];

		reach_identity(buf, rows[i].user, rows[i].name, 0xbeef, rows[i].host);
		g_assert_cmpstr(buf, ==, rows[i].want);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/reach/identity", test_identity);
	g_test_add_func("/reach/read", test_read);
	g_test_add_func("/reach/no-read", test_no_read);
	g_test_add_func("/reach/transp", test_transp);
	g_test_add_func("/reach/route", test_route);
	g_test_add_func("/reach/again", test_again);
	g_test_add_func("/reach/source", test_source);
	g_test_add_func("/reach/lookup", test_lookup);
	return g_test_run();
}
