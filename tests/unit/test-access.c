/*
 * test-access.c - who may come in, who may be dialled, what a number means.
 */
#include <glib.h>
#include <string.h>
#include <unistd.h>
#include "server/access.h"

/* A configuration as its file says it; NULL: all defaults. */
static struct config *config_with(const char *text)
{
	struct config *cfg = NULL;
	char *path = NULL, *why = NULL;
	int fd;

	g_assert_cmpint(config_alloc(&cfg), ==, 0);
	if (!text)
		return cfg;

	fd = g_file_open_tmp("tutti-access-XXXXXX", &path, NULL);
	g_assert_cmpint(fd, >=, 0);
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
	if (config_read_file(cfg, path, &why))
		g_error("%s", why);

	close(fd);
	unlink(path);
	g_free(path);

	return cfg;
}

static struct access *access_with(const struct config *cfg)
{
	struct access *a = NULL;

	g_assert_cmpint(access_alloc(&a, cfg), ==, 0);

	return a;
}

/* An INVITE as it comes off the wire; src is where from. */
static struct sip_msg *invite(const char *from, const char *src)
{
	char *text = g_strdup_printf(
		"INVITE sip:band@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKx\r\n"
		"From: %s;tag=1\r\nTo: <sip:band@127.0.0.1>\r\nCall-ID: a@b\r\nCSeq: 1 INVITE\r\n"
		"Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n", from);
	struct mbuf *mb = mbuf_alloc(2048);
	struct sip_msg *msg = NULL;

	mbuf_write_str(mb, text);
	mb->pos = 0;
	g_assert_cmpint(sip_msg_decode(&msg, mb), ==, 0);
	g_assert_cmpint(sa_set_str(&msg->src, src, 5060), ==, 0);
	mem_deref(mb);
	g_free(text);

	return msg;
}

static void test_glob(void)
{
	static const struct { const char *pattern, *text; bool match; } row[] = {
		{ "sip:ann@example.org", "sip:ann@example.org", true },
		{ "sip:ann@example.org", "SIP:Ann@Example.ORG", true },
		{ "sip:ann@example.org", "sip:ann@example.orgy", false },
		{ "sip:*@example.org", "sip:ann@example.org", true },
		{ "sip:*@example.org", "sip:ann@evil.example", false },
		{ "sip:+4930*@*", "sip:+4930123@trunk", true },
		{ "*", "", true },
		{ "", "", true },
		{ "", "x", false },
		{ "a*b*c", "axxbyyc", true },
		{ "a*b*c", "axxbyy", false },
		{ "**", "anything", true },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(row); i++)
		g_assert_cmpint(access_glob(row[i].pattern, row[i].text), ==, row[i].match);
}

/* A matcher that backtracks without bound would not come back from this. */
static void test_glob_bomb(void)
{
	char text[2001];

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;

	g_assert_false(access_glob("*a*a*a*a*a*a*a*a*a*a*a*a*b", text));
}

static void test_dial_nobody_by_default(void)
{
	struct config *cfg = config_with(NULL);
	struct access *a = access_with(cfg);

	g_assert_false(access_may_dial(a, "sip:ann@example.org"));

	mem_deref(a);
	mem_deref(cfg);
}

static void test_dial_list(void)
{
	static const struct { const char *uri; bool may; } row[] = {
		{ "sip:ann@example.org", true },
		{ "sip:ann@example.org;transport=tcp", true },
		{ "tel:+4930123", true },
		{ "sip:ann@192.0.2.1:5070", true },
		{ "sip:ann@[2001:db8::1]", true },
		{ "sip:ann@example.com", false },
		{ "sip:ann@example.org.example.com", false },
		{ "sip:ann@example.org:5070", false },
		{ "tel:+49301;phone-context=x@example.org", true },
		{ "tel:+900", false },
		/* The right end, and another host. */
		{ "sip:ann@example.com;a=@example.org", false },
		{ "sip:ann@example.com?a=@example.org", false },
		{ "sip:ann@example.com;a=sip:ann@example.org", false },
		{ "sip:ann@example.org;maddr=192.0.2.66", false },
		{ "sip:ann@example.org;x;MAddr=192.0.2.66", false },
		{ "sip:ann@example.org?Route=sip:example.com", false },
		{ "sips:ann@example.org", false },
		{ "example.org", false },
		{ "", false },
	};
	struct config *cfg = config_with("[dial]\nallow = sip:*@example.org, tel:+4930*, sip:*@192.0.2.1:*, sip:*@[2001:db8::1]\n");
	struct access *a = access_with(cfg);

	for (size_t i = 0; i < G_N_ELEMENTS(row); i++) {
		g_test_message("%s", row[i].uri);
		g_assert_cmpint(access_may_dial(a, row[i].uri), ==, row[i].may);
	}

	mem_deref(a);
	mem_deref(cfg);
}

static void check(struct access *a, const char *from, const char *src, bool trunk, enum access_verdict verdict, enum role role)
{
	struct sip_msg *msg = invite(from, src);
	struct access_result res;

	access_check(a, &res, msg, trunk);
	g_assert_cmpint(res.verdict, ==, verdict);
	g_assert_cmpint(res.who.role, ==, role);

	mem_deref(msg);
}

static void test_open_to(void)
{
	static const struct { const char *open_to; enum access_verdict near, far, trunk; } row[] = {
		{ "local", ACCESS_OK, ACCESS_FORBIDDEN, ACCESS_OK },
		{ "any", ACCESS_OK, ACCESS_OK, ACCESS_OK },
		{ "none", ACCESS_FORBIDDEN, ACCESS_FORBIDDEN, ACCESS_OK },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(row); i++) {
		char *text = g_strdup_printf("[rooms]\nopen-to = %s\n", row[i].open_to);
		struct config *cfg = config_with(text);
		struct access *a = access_with(cfg);

		check(a, "<sip:ann@x>", "127.0.0.1", false, row[i].near, ROLE_SPEAKER);
		check(a, "<sip:ann@x>", "203.0.113.9", false, row[i].far, ROLE_SPEAKER);
		check(a, "<sip:ann@x>", "203.0.113.9", true, row[i].trunk, ROLE_SPEAKER);

		mem_deref(a);
		mem_deref(cfg);
		g_free(text);
	}
}

/* A From that names an account has to be proved, also from the local network. */
/* From elsewhere one may come to a room with a PIN, where open-to says local; and nowhere else, and not under an account's name. */
static void test_outside(void)
{
	static const struct { const char *ini, *from, *src; bool outside; } row[] = {
		{ "[rooms]\nopen-to = local\n", "<sip:ann@x>", "203.0.113.9", true },
		{ "[rooms]\nopen-to = local\n", "<sip:ann@x>", "127.0.0.1", false },
		{ "[rooms]\nopen-to = none\n", "<sip:ann@x>", "203.0.113.9", false },
		{ "[rooms]\nopen-to = any\n", "<sip:ann@x>", "203.0.113.9", false },
		{ "[auth]\nrequired = yes\n", "<sip:ann@x>", "203.0.113.9", false },
		{ "[account ann]\npassword = p\n", "<sip:ann@x>", "203.0.113.9", false },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(row); i++) {
		struct config *cfg = config_with(row[i].ini);
		struct access *a = access_with(cfg);
		struct sip_msg *msg = invite(row[i].from, row[i].src);
		struct access_result res;

		access_check(a, &res, msg, false);
		g_assert_cmpint(res.outside, ==, row[i].outside);
		mem_deref(msg);
		mem_deref(a);
		mem_deref(cfg);
	}
}

static void test_account_name_is_challenged(void)
{
	struct config *cfg = config_with("[account host1]\npassword = secret\nrole = host\n");
	struct access *a = access_with(cfg);
	struct sip_msg *msg = invite("<sip:host1@x>", "127.0.0.1");
	char lines[1024];

	check(a, "<sip:host1@x>", "127.0.0.1", false, ACCESS_CHALLENGE, ROLE_SPEAKER);
	check(a, "<sip:somebody@x>", "127.0.0.1", false, ACCESS_OK, ROLE_SPEAKER);

	g_assert_cmpint(access_challenge(a, lines, sizeof(lines), msg, false), ==, 0);
	g_assert_nonnull(strstr(lines, "WWW-Authenticate: Digest"));
	g_assert_nonnull(strstr(lines, "SHA-256"));

	mem_deref(msg);
	mem_deref(a);
	mem_deref(cfg);
}

static void test_auth_required(void)
{
	struct config *cfg = config_with("[auth]\nrequired = yes\n");
	struct access *a = access_with(cfg);

	check(a, "<sip:somebody@x>", "127.0.0.1", false, ACCESS_CHALLENGE, ROLE_SPEAKER);
	check(a, "<sip:somebody@x>", "127.0.0.1", true, ACCESS_OK, ROLE_SPEAKER);

	mem_deref(a);
	mem_deref(cfg);
}

static void test_did(void)
{
	struct config *cfg = config_with("[did +4930123]\nroom = band\n");
	struct access *a = access_with(cfg);

	g_assert_cmpstr(access_did(a, "+4930123"), ==, "band");
	g_assert_null(access_did(a, "+4930124"));

	mem_deref(a);
	mem_deref(cfg);
}

static void test_domain(void)
{
	struct config *any = config_with(NULL), *one = config_with("[sip]\ndomain = example.org\n");
	struct access *a = access_with(any), *b = access_with(one);
	struct pl ours = PL("Example.org"), other = PL("example.com"), ip = PL("192.0.2.7");

	g_assert_true(access_domain_ours(a, &other));
	g_assert_true(access_domain_ours(b, &ours));
	g_assert_true(access_domain_ours(b, &ip));
	g_assert_false(access_domain_ours(b, &other));
	g_assert_true(access_domain_named(b, &ours));
	g_assert_false(access_domain_named(a, &other));

	mem_deref(a);
	mem_deref(b);
	mem_deref(any);
	mem_deref(one);
}

int main(int argc, char **argv)
{
	int ret;

	g_test_init(&argc, &argv, NULL);
	libre_init();

	g_test_add_func("/access/glob", test_glob);
	g_test_add_func("/access/glob/bomb", test_glob_bomb);
	g_test_add_func("/access/dial/nobody-by-default", test_dial_nobody_by_default);
	g_test_add_func("/access/dial/list", test_dial_list);
	g_test_add_func("/access/open-to", test_open_to);
	g_test_add_func("/access/outside", test_outside);
	g_test_add_func("/access/account-name-is-challenged", test_account_name_is_challenged);
	g_test_add_func("/access/auth-required", test_auth_required);
	g_test_add_func("/access/did", test_did);
	g_test_add_func("/access/domain", test_domain);

	ret = g_test_run();
	libre_close();

	return ret;
}
