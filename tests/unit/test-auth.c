/* Both ends of a digest: our server asked by our client, and by peers who send what they should not. */
#include <errno.h>
#include <glib.h>
#include <string.h>
#include "server/auth.h"
#include "server/digest.h"

enum { T0 = 1000000, LIFE_S = 60 };

static struct auth *a;

static bool look_up(struct auth_account *acc, const struct pl *user, void *arg)
{
	if (pl_strcmp(user, "ann"))
		return false;
	*acc = (struct auth_account){ .user = "ann", .password = "secret", .role = "host" };
	return true;
}

static struct sip_msg *message(const char *start, const char *headers)
{
	struct mbuf *mb = mbuf_alloc(1024);
	struct sip_msg *msg = NULL;

	mbuf_printf(mb, "%s\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:ann@x>;tag=1\r\nTo: <sip:band@x>\r\n"
		    "Call-ID: 1\r\nCSeq: 1 INVITE\r\n%sContent-Length: 0\r\n\r\n", start, headers);
	mb->pos = 0;
	g_assert_cmpint(sip_msg_decode(&msg, mb), ==, 0);
	mem_deref(mb);
	return msg;
}

#define INVITE "INVITE sip:band@example.org SIP/2.0"

static enum auth_verdict check_as(const char *start, const char *headers, bool proxy, uint64_t now, struct auth_account *acc)
{
	struct sip_msg *msg = message(start, headers);
	enum auth_verdict v = auth_check(a, acc, msg, proxy, now);

	mem_deref(msg);
	return v;
}

static enum auth_verdict check(const char *headers, uint64_t now)
{
	struct auth_account acc;

	return check_as(INVITE, headers, false, now, &acc);
}

static void begin(void)
{
	g_assert_cmpint(auth_alloc(&a, "example.org", LIFE_S, look_up, NULL), ==, 0);
}

static void end(void)
{
	a = mem_deref(a);
}

/* A challenge as headers; one of the two only, when `keep` is its algorithm. */
static char *challenge(bool proxy, bool stale, uint64_t now, const char *keep)
{
	char buf[1024];
	struct sip_msg *msg = message(INVITE, "");
	GString *s = g_string_new(NULL);

	g_assert_cmpint(auth_challenge(a, buf, sizeof(buf), msg, proxy, stale, now), ==, 0);
	mem_deref(msg);
	gchar **lines = g_strsplit(buf, "\r\n", -1);
	for (int i = 0; lines[i]; i++)
		if (lines[i][0] && (!keep || strstr(lines[i], keep)))
			g_string_append_printf(s, "%s\r\n", lines[i]);
	g_strfreev(lines);
	return g_string_free(s, FALSE);
}

static int answer(char buf[1024], const char *chall, bool proxy, const char *realm, const char *user, const char *pw, uint32_t *nc)
{
	struct sip_msg *msg = message(proxy ? "SIP/2.0 407 No" : "SIP/2.0 401 No", chall);
	struct auth_cred cred = { .realm = realm, .user = user, .password = pw };
	int err = auth_answer(buf, 1024, msg, "INVITE", "sip:band@example.org", &cred, nc);

	mem_deref(msg);
	return err;
}

static void test_challenge(void)
{
	begin();
	char *c = challenge(false, false, T0, NULL);
	g_assert_true(g_regex_match_simple("^WWW-Authenticate: Digest realm=\"example.org\", nonce=\"([0-9a-f]{64})\", "
		"algorithm=SHA-256, qop=\"auth\"\r\nWWW-Authenticate: Digest realm=\"example.org\", nonce=\"\\1\", algorithm=MD5, "
		"qop=\"auth\"\r\n$", c, 0, 0));
	g_free(c);
	c = challenge(true, true, T0, NULL);
	g_assert_true(g_regex_match_simple("^Proxy-Authenticate: .*, stale=true\r\nProxy-Authenticate: .*, stale=true\r\n$", c, 0, 0));
	g_free(c);
	char small[100];
	struct sip_msg *msg = message(INVITE, "");
	g_assert_cmpint(auth_challenge(a, small, sizeof(small), msg, false, false, T0), ==, EOVERFLOW);
	mem_deref(msg);
	end();
	g_assert_cmpint(auth_alloc(&a, "ex\"ample", LIFE_S, look_up, NULL), ==, EINVAL);
	g_assert_cmpint(auth_alloc(&a, "a\r\nb", LIFE_S, look_up, NULL), ==, EINVAL);
	g_assert_cmpint(auth_alloc(&a, "", LIFE_S, look_up, NULL), ==, EINVAL);
}

static void test_both_ends(void)
{
	static const struct { const char *keep, *alg; bool proxy; } row[] = {
		{ NULL, "SHA-256", false }, { "SHA-256", "SHA-256", true }, { "MD5", "MD5", false }, { NULL, "SHA-256", true },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(row); i++) {
		struct auth_account acc = { 0 };
		char buf[1024];
		uint32_t nc = 0;

		begin();
		char *c = challenge(row[i].proxy, false, T0, row[i].keep);
		g_assert_cmpint(answer(buf, c, row[i].proxy, "example.org", "ann", "secret", &nc), ==, 0);
		g_assert_nonnull(strstr(buf, row[i].alg));
		g_assert_cmpint(check_as(INVITE, buf, row[i].proxy, T0 + 1, &acc), ==, AUTH_OK);
		g_assert_cmpstr(acc.user, ==, "ann");
		g_assert_cmpstr(acc.role, ==, "host");
		g_assert_cmpint(check_as(INVITE, buf, !row[i].proxy, T0 + 1, &acc), ==, AUTH_NONE);
		g_assert_cmpint(check_as(INVITE, buf, row[i].proxy, T0 + 2, &acc), ==, AUTH_STALE);       /* replayed */
		g_assert_cmpint(answer(buf, c, row[i].proxy, "example.org", "ann", "secret", &nc), ==, 0);
		g_assert_cmpuint(nc, ==, 2);
		g_assert_cmpint(check_as(INVITE, buf, row[i].proxy, T0 + 3, &acc), ==, AUTH_OK);
		g_assert_cmpint(answer(buf, c, row[i].proxy, "example.org", "ann", "secret", &nc), ==, 0);
		g_assert_cmpint(check_as(INVITE, buf, row[i].proxy, T0 + LIFE_S * 1000 + 1, &acc), ==, AUTH_STALE);
		g_free(c);
		end();
	}
}

static void test_wrong(void)
{
	char buf[1024];
	uint32_t nc = 0;

	begin();
	char *c = challenge(false, false, T0, NULL);
	g_assert_cmpint(check("", T0), ==, AUTH_NONE);
	g_assert_cmpint(check("Authorization: Basic YW5uOnNlY3JldA==\r\n", T0), ==, AUTH_NONE);
	g_assert_cmpint(answer(buf, c, false, "example.org", "ann", "guess", &nc), ==, 0);
	g_assert_cmpint(check(buf, T0), ==, AUTH_WRONG);
	g_assert_cmpint(check(buf, T0 + LIFE_S * 2000), ==, AUTH_WRONG);          /* old and wrong is wrong, not stale */
	g_assert_cmpint(answer(buf, c, false, "example.org", "bob", "nobody has this password", &nc), ==, 0);
	g_assert_cmpint(check(buf, T0), ==, AUTH_WRONG);
	g_free(c);
	/* Right, but for the nonce of another server: stale, so that the phone asks nobody. */
	struct auth *mine = a;
	g_assert_cmpint(auth_alloc(&a, "example.org", LIFE_S, look_up, NULL), ==, 0);
	c = challenge(false, false, T0, NULL);
	mem_deref(a);
	a = mine;
	g_assert_cmpint(answer(buf, c, false, "example.org", "ann", "secret", &nc), ==, 0);
	g_assert_cmpint(check(buf, T0), ==, AUTH_STALE);
	g_free(c);
	end();
}

/* The words of a right answer, each bent in turn. */
static void test_bent(void)
{
	static const struct { const char *from, *to; enum auth_verdict v; } row[] = {
		{ "qop=auth", "qop=auth-int", AUTH_BAD },
		{ ", qop=auth", "", AUTH_BAD },                           /* RFC 2069 */
		{ "algorithm=SHA-256", "algorithm=SHA-256-sess", AUTH_BAD },
		{ "algorithm=SHA-256", "algorithm=MD5", AUTH_WRONG },
		{ ", algorithm=SHA-256", "", AUTH_WRONG },
		{ "nc=00000001", "nc=1", AUTH_BAD },
		{ "nc=00000001", "nc=00000000", AUTH_BAD },
		{ "nc=00000001", "nc=0000000g", AUTH_BAD },
		{ "nc=00000001", "nc=00000002", AUTH_WRONG },
		{ "username=\"ann\"", "username=\"\"", AUTH_BAD },
		{ "username=\"ann\"", "username=\"Ann\"", AUTH_WRONG },
		{ "username=\"ann\", ", "", AUTH_BAD },
		{ "realm=\"example.org\"", "realm=\"other.org\"", AUTH_NONE },
		{ "realm=\"example.org\", ", "", AUTH_BAD },
		{ "uri=\"sip:band@example.org\"", "uri=\"sip:other@example.org\"", AUTH_BAD },
		{ "uri=\"sip:band@example.org\"", "uri=\"sip:band@example.com\"", AUTH_BAD },
		{ "uri=\"sip:band@example.org\"", "uri=\"sip:band@example.org:5061\"", AUTH_BAD },
		{ "uri=\"sip:band@example.org\"", "uri=\"sips:band@example.org\"", AUTH_BAD },
		{ "uri=\"sip:band@example.org\"", "uri=\"\xff\"", AUTH_BAD },
		{ "uri=\"sip:band@example.org\"", "uri=\"sip:band@EXAMPLE.org;transport=tcp\"", AUTH_WRONG },      /* the same, but not what was hashed */
		{ "response=\"", "response=\"0", AUTH_WRONG },
		{ "response=\"", "response=\"\", x=\"", AUTH_BAD },
		{ "cnonce=\"", "cnonce=\"\", x=\"", AUTH_BAD },
		{ "Digest ", "Digest nonce=\"1\", ", AUTH_BAD },          /* twice */
		{ "Digest ", "Digest realm=, ", AUTH_BAD },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(row); i++) {
		char buf[1024];
		uint32_t nc = 0;

		begin();
		char *c = challenge(false, false, T0, NULL);
		g_assert_cmpint(answer(buf, c, false, "example.org", "ann", "secret", &nc), ==, 0);
		gchar **cut = g_strsplit(buf, row[i].from, 2);
		g_assert_nonnull(cut[0] ? cut[1] : NULL);
		gchar *bent = g_strconcat(cut[0], row[i].to, cut[1], NULL);
		if (check(bent, T0) != row[i].v)
			g_error("row %zu: %d, not %d: %s", i, check(bent, T0), row[i].v, bent);
		g_assert_cmpint(check(buf, T0), ==, AUTH_OK);             /* what was refused has used up nothing */
		g_free(bent);
		g_strfreev(cut);
		g_free(c);
		end();
	}
}

/* An upper-case response, a URI with parameters in the request line, credentials for others before ours. */
static void test_lenient(void)
{
	struct auth_account acc;
	char buf[1024];
	uint32_t nc = 0;

	begin();
	char *c = challenge(false, false, T0, NULL);
	g_assert_cmpint(answer(buf, c, false, "example.org", "ann", "secret", &nc), ==, 0);
	char *r = strstr(buf, "response=\"") + 10;
	for (; *r != '"'; r++)
		*r = g_ascii_toupper(*r);
	g_assert_cmpint(check(buf, T0), ==, AUTH_OK);
	g_assert_cmpint(answer(buf, c, false, "example.org", "ann", "secret", &nc), ==, 0);
	g_assert_cmpint(check_as("INVITE sip:band@Example.ORG;transport=tcp SIP/2.0", buf, false, T0, &acc), ==, AUTH_OK);
	g_assert_cmpint(answer(buf, c, false, "example.org", "ann", "secret", &nc), ==, 0);
	char *two = g_strconcat("Authorization: Digest username=\"x\", realm=\"elsewhere\", nonce=\"1\", uri=\"sip:y\", response=\"0\"\r\n",
				buf, NULL);
	g_assert_cmpint(check(two, T0), ==, AUTH_OK);
	g_free(two);
	g_free(c);
	end();
}

#define CH "WWW-Authenticate: Digest "

/* Which challenges are answered, and how. */
static void test_client(void)
{
	static const struct { const char *chall, *realm; int err; const char *has, *hasnot; } row[] = {
		{ CH "realm=\"p\", nonce=\"1\"\r\n", "p", 0, "algorithm=MD5", "qop" },
		{ CH "realm=\"p\", nonce=\"1\", qop=\"auth\", opaque=\"o\"\r\n", "p", 0, "opaque=\"o\"", NULL },
		{ CH "realm=\"p\", nonce=\"1\", qop=\"auth-int,auth\"\r\n", "p", 0, "qop=auth,", NULL },
		{ CH "realm=\"p\", nonce=\"1\", qop=\"auth-int\"\r\n", "p", EPERM, NULL, NULL },
		{ CH "realm=\"q\", nonce=\"1\"\r\n", "p", EPERM, NULL, NULL },
		{ CH "realm=\"P\", nonce=\"1\"\r\n", "p", EPERM, NULL, NULL },
		{ CH "realm=\"\", nonce=\"1\"\r\n", "", EPERM, NULL, NULL },
		{ CH "realm=\"p\", nonce=\"1\"\r\n", NULL, EPERM, NULL, NULL },
		{ CH "nonce=\"1\"\r\n", "p", EPERM, NULL, NULL },
		{ CH "realm=\"p\"\r\n", "p", EPERM, NULL, NULL },
		{ CH "realm=\"p\", nonce=\"1\", algorithm=SHA-512-256\r\n" CH "realm=\"p\", nonce=\"2\", algorithm=SHA-256\r\n"
		  CH "realm=\"p\", nonce=\"3\", algorithm=MD5\r\n", "p", 0, "nonce=\"2\"", NULL },
		{ CH "realm=\"q\", nonce=\"1\"\r\n" CH "realm=\"p\", nonce=\"2\"\r\n", "p", 0, "nonce=\"2\"", NULL },
		{ "WWW-Authenticate: Basic realm=\"p\"\r\n", "p", EPERM, NULL, NULL },
		{ "", "p", EPERM, NULL, NULL },
		{ "Proxy-Authenticate: Digest realm=\"p\", nonce=\"1\"\r\n", "p", EPERM, NULL, NULL },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(row); i++) {
		char buf[1024] = "";
		uint32_t nc = 0;

		g_assert_cmpint(answer(buf, row[i].chall, false, row[i].realm, "u", "pw", &nc), ==, row[i].err);
		g_assert_cmpuint(nc, ==, row[i].err ? 0 : 1);
		if (row[i].has)
			g_assert_nonnull(strstr(buf, row[i].has));
		if (row[i].hasnot)
			g_assert_null(strstr(buf, row[i].hasnot));
		g_assert_null(strstr(buf, "pw"));
	}
	char buf[1024];
	uint32_t nc = 0;
	g_assert_cmpint(answer(buf, CH "realm=\"p\", nonce=\"1\"\r\n", false, "p", "u\"x", "pw", &nc), ==, EINVAL);
	g_assert_cmpint(answer(buf, CH "realm=\"p\", nonce=\"1\"\r\n", false, "p", "u", NULL, &nc), ==, EINVAL);
	char small[60];
	struct sip_msg *msg = message("SIP/2.0 401 No", CH "realm=\"p\", nonce=\"1\"\r\n");
	struct auth_cred cred = { .realm = "p", .user = "u", .password = "pw" };
	g_assert_cmpint(auth_answer(small, sizeof(small), msg, "INVITE", "sip:x@y", &cred, &nc), ==, EOVERFLOW);
	mem_deref(msg);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/auth/challenge", test_challenge);
	g_test_add_func("/auth/both-ends", test_both_ends);
	g_test_add_func("/auth/wrong", test_wrong);
	g_test_add_func("/auth/bent", test_bent);
	g_test_add_func("/auth/lenient", test_lenient);
	g_test_add_func("/auth/client", test_client);
	return g_test_run();
}
