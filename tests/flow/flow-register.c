/*
 * flow-register.c - a trunk and its registrar, as ladders: what we send, when, and what we make of the answers.
 */
#include <stdlib.h>
#include <string.h>
#include <glib.h>
#include "server/auth.h"
#include "server/register.h"
#include "tests/lib/sim.h"
#include "tests/lib/ua.h"

static struct sips *sips;
static struct ua *provider;
static struct trunk *trunk;
static char uri[64], msg[UA_MSG_MAX];

static void begin(void)
{
	struct sips_conf conf = { .listen = "udp:127.0.0.1:0", .software = "Tutti" };
	enum sip_transp tp;
	struct sa addr;

	g_assert_cmpint(sim_init(1), ==, 0);
	g_assert_cmpint(sips_alloc(&sips, &conf), ==, 0);
	g_assert_cmpint(sips_listener(sips, 0, &tp, &addr), ==, 0);
	g_assert_cmpint(ua_alloc(&provider, tp, &addr), ==, 0);
	provider->contact[0] = '\0';
	re_snprintf(uri, sizeof(uri), "sip:%J", &provider->me);
}

static void dial_in(uint32_t expires, uint32_t keepalive, const char *realm)
{
	struct trunk_conf conf = { .name = "work", .uri = uri, .user = "4711", .password = "s3cret", .realm = realm,
				   .expires_s = expires, .keepalive_s = keepalive };

	g_assert_cmpint(trunk_alloc(&trunk, sips, &conf), ==, 0);
}

static void end(void)
{
	trunk = mem_deref(trunk);
	provider = mem_deref(provider);
	sips_close(sips);
	sips = mem_deref(sips);
	sim_close();
}

/* The next request, kept apart: ua->msg is overwritten by the next. */
static const char *gets(const char *method)
{
	g_strlcpy(msg, ua_expect(provider, method), sizeof(msg));
	return msg;
}

static bool has(const char *text)
{
	return strstr(msg, text) != NULL;
}

static void accepts(const char *expires)
{
	char hdrs[600], contact[512];

	ua_header(provider, "Contact", contact, sizeof(contact));
	g_snprintf(hdrs, sizeof(hdrs), "Contact: <sip:4711@203.0.113.9>;expires=7\r\nContact: %s;expires=%s\r\n", contact, expires);
	ua_reply(provider, 200, "OK", hdrs, NULL);
	sim_advance(10);
}

static const char *chall = "WWW-Authenticate: Digest realm=\"provider\", nonce=\"n1\", algorithm=SHA-256, qop=\"auth\"\r\n";

/* How long until the next request comes, in seconds. */
static double next_in(const char *method)
{
	uint64_t t0 = sim_now_ms();
	const char *m = ua_wait(provider, 7200 * 1000);

	g_assert_nonnull(m);
	g_assert_true(g_str_has_prefix(m, method));
	g_strlcpy(msg, m, sizeof(msg));
	return (double)(sim_now_ms() - t0) / 1000;
}

/* REGISTER, 401, REGISTER with credentials, 200; refreshed in time; taken back at the end, with credentials too. */
static void registers(void)
{
	begin();
	dial_in(3600, 0, "provider");
	gets("REGISTER sip:127.0.0.1");
	g_assert_true(has("\r\nTo: <sip:4711@127.0.0.1>\r\n") && has("\r\nExpires: 3600\r\n") && has("CSeq: 1 REGISTER\r\n"));
	g_assert_true(has("\r\nContact: <sip:4711@127.0.0.1:") && has("Max-Forwards: 70\r\n"));
	g_assert_false(has("Authorization"));
	g_assert_false(trunk_up(trunk));
	ua_reply(provider, 401, "Unauthorized", chall, NULL);
	gets("REGISTER ");
	g_assert_true(has("CSeq: 2 REGISTER\r\n") && has("\r\nAuthorization: Digest username=\"4711\", realm=\"provider\", nonce=\"n1\""));
	g_assert_false(has("s3cret"));
	accepts("1000");
	g_assert_true(trunk_up(trunk));
	double s = next_in("REGISTER ");
	g_assert_cmpfloat(s, >=, 799);
	g_assert_cmpfloat(s, <=, 901);
	accepts("1000");
	g_assert_true(trunk_up(trunk));
	trunk_stop(trunk);
	trunk = mem_deref(trunk);
	gets("REGISTER ");
	g_assert_true(has("\r\nExpires: 0\r\n"));
	ua_reply(provider, 401, "Unauthorized", chall, NULL);
	gets("REGISTER ");
	g_assert_true(has("\r\nExpires: 0\r\n") && has("\r\nAuthorization: "));
	ua_reply(provider, 200, "OK", NULL, NULL);
	sim_advance(7200 * 1000);
	g_assert_null(ua_wait(provider, 1000));
	end();
}

/* Our own server's verdict on our own client's words. */
static bool look_up(struct auth_account *acc, const struct pl *user, void *arg)
{
	*acc = (struct auth_account){ .user = "4711", .password = "s3cret", .role = "host" };
	return !pl_strcmp(user, "4711");
}

static void answer_is_right(void)
{
	struct auth *a;
	struct auth_account acc;
	struct sip_msg *m;
	struct mbuf *mb = mbuf_alloc(4096);
	char hdrs[1024];

	begin();
	g_assert_cmpint(auth_alloc(&a, "provider", 60, look_up, NULL), ==, 0);
	g_assert_cmpint(auth_challenge(a, hdrs, sizeof(hdrs), NULL, false, false, 1), ==, 0);
	dial_in(600, 0, "provider");
	gets("REGISTER ");
	ua_reply(provider, 401, "Unauthorized", hdrs, NULL);
	gets("REGISTER ");
	mbuf_write_str(mb, msg);
	mb->pos = 0;
	g_assert_cmpint(sip_msg_decode(&m, mb), ==, 0);
	g_assert_cmpint(auth_check(a, &acc, m, false, 2), ==, AUTH_OK);
	mem_deref(m);
	mem_deref(mb);
	mem_deref(a);
	accepts("600");
	end();
}

/* Not one word to who asks in another name; nor a second try with a password that was wrong. */
static void keeps_its_secret(gconstpointer realm)
{
	begin();
	dial_in(600, 0, realm);
	gets("REGISTER ");
	ua_reply(provider, 401, "Unauthorized", chall, NULL);
	double s = next_in("REGISTER ");
	g_assert_cmpfloat(s, >=, 14.9);
	g_assert_false(has("Authorization"));
	end();
}

static void wrong_password(void)
{
	begin();
	dial_in(600, 0, "provider");
	gets("REGISTER ");
	for (int i = 0; i < 2; i++) {
		ua_reply(provider, 401, "Unauthorized", chall, NULL);
		gets("REGISTER ");
		g_assert_true(has("Authorization"));
		if (i == 1)
			break;
	}
	ua_reply(provider, 401, "Unauthorized", chall, NULL);     /* three are enough */
	double s = next_in("REGISTER ");
	g_assert_cmpfloat(s, >=, 14.9);
	g_assert_false(trunk_up(trunk));
	end();
}

static void backs_off(void)
{
	begin();
	dial_in(600, 0, "provider");
	gets("REGISTER ");
	double most = 30;
	for (int i = 0; i < 9; i++) {
		ua_reply(provider, 500, "Server \"Error\"", NULL, NULL);
		double s = next_in("REGISTER ");

		g_assert_cmpfloat(s, >=, most / 2 - 0.1);
		g_assert_cmpfloat(s, <=, most + 0.3);
		most = MIN(most * 2, 1800);
	}
	accepts("600");
	g_assert_true(trunk_up(trunk));
	double s = next_in("REGISTER ");
	g_assert_cmpfloat(s, <, 541);
	ua_reply(provider, 503, "Busy", "Retry-After: 300\r\n", NULL);
	sim_advance(10);
	g_assert_false(trunk_up(trunk));
	s = next_in("REGISTER ");
	g_assert_cmpfloat(s, >=, 300 - 0.1);
	g_assert_cmpfloat(s, <=, 301);
	end();
}

static void too_brief(void)
{
	begin();
	dial_in(60, 0, "provider");
	gets("REGISTER ");
	ua_reply(provider, 423, "Interval Too Brief", "Min-Expires: 1800\r\n", NULL);
	gets("REGISTER ");
	g_assert_true(has("\r\nExpires: 1800\r\n"));
	accepts("1800");
	double s = next_in("REGISTER ");
	g_assert_cmpfloat(s, >=, 1439);
	ua_reply(provider, 423, "Interval Too Brief", "Min-Expires: 1800\r\n", NULL);     /* senseless: no loop */
	s = next_in("REGISTER ");
	g_assert_cmpfloat(s, >=, 14.9);
	ua_reply(provider, 423, "Interval Too Brief", NULL, NULL);
	s = next_in("REGISTER ");
	g_assert_cmpfloat(s, >=, 29.9);
	end();
}

/* Nobody answers; then somebody does. */
static void silence(void)
{
	begin();
	dial_in(600, 0, "provider");
	gets("REGISTER ");
	char first[200];
	g_strlcpy(first, strstr(msg, "CSeq:"), 20);
	for (int i = 0; ; i++) {
		double s = next_in("REGISTER ");
		if (!strstr(msg, first)) {
			g_assert_cmpfloat(s, >=, 14);
			break;
		}
		g_assert_cmpint(i, <, 12);
	}
	accepts("600");
	g_assert_true(trunk_up(trunk));
	end();
}

/* OPTIONS alone: up while somebody answers. */
static void keeps_alive(void)
{
	struct sa other;

	begin();
	dial_in(0, 60, "");
	gets("OPTIONS sip:127.0.0.1");
	g_assert_false(trunk_up(trunk));
	ua_reply(provider, 404, "Not Found", NULL, NULL);         /* somebody is there */
	sim_advance(10);
	g_assert_true(trunk_up(trunk));
	g_assert_true(trunk_is_peer(trunk, &provider->me));
	sa_set_str(&other, "127.0.0.2", 5060);
	g_assert_false(trunk_is_peer(trunk, &other));
	double s = next_in("OPTIONS ");
	g_assert_cmpfloat(s, >=, 53.9);
	g_assert_cmpfloat(s, <=, 66.1);
	ua_reply(provider, 503, "Gone", NULL, NULL);
	sim_advance(10);
	g_assert_false(trunk_up(trunk));
	next_in("OPTIONS ");
	ua_reply(provider, 200, "OK", NULL, NULL);
	sim_advance(10);
	g_assert_true(trunk_up(trunk));
	sim_advance(66000 + 33000);                               /* nobody answers any more */
	g_assert_false(trunk_up(trunk));
	trunk_stop(trunk);
	end();
}

static void registered_and_alive(void)
{
	begin();
	dial_in(600, 30, "provider");
	gets("REGISTER ");
	accepts("600");
	g_assert_false(trunk_up(trunk));                          /* not before it has answered */
	gets("OPTIONS ");
	ua_reply(provider, 200, "OK", NULL, NULL);
	sim_advance(10);
	g_assert_true(trunk_up(trunk));
	end();
}

static void refused(void)
{
	static const char *const bad[] = { "", "provider", "http://x", "sip:", "tel:+49", "sip:a b" };
	struct trunk_conf conf = { .name = "n", .user = "u", .password = "p", .realm = "r", .expires_s = 60 };

	begin();
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		conf.uri = bad[i];
		g_assert_cmpint(trunk_alloc(&trunk, sips, &conf), !=, 0);
		g_assert_null(trunk);
	}
	conf.uri = uri;
	conf.user = "";
	g_assert_cmpint(trunk_alloc(&trunk, sips, &conf), ==, EINVAL);
	g_assert_null(ua_wait(provider, 1000));
	end();
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/register/registers", registers);
	g_test_add_func("/register/answer-is-right", answer_is_right);
	g_test_add_data_func("/register/other-realm", "another", keeps_its_secret);
	g_test_add_data_func("/register/no-realm", "", keeps_its_secret);
	g_test_add_func("/register/wrong-password", wrong_password);
	g_test_add_func("/register/backs-off", backs_off);
	g_test_add_func("/register/too-brief", too_brief);
	g_test_add_func("/register/silence", silence);
	g_test_add_func("/register/keeps-alive", keeps_alive);
	g_test_add_func("/register/registered-and-alive", registered_and_alive);
	g_test_add_func("/register/refused", refused);
	return g_test_run();
}
