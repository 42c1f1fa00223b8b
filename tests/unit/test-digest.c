/* The Digest scheme: headers read as RFC 7616 and 7235 say, and the examples of the RFCs computed. */
#include <errno.h>
#include <glib.h>
#include <string.h>
#include "server/digest.h"

static struct pl pl(const char *s)
{
	struct pl p = PL_INIT;

	if (s)
		pl_set_str(&p, s);
	return p;
}

static void test_decode(void)
{
	static const struct { const char *in; int err; const char *user, *realm, *nonce, *qop; } row[] = {
		{ "Digest username=\"ann\", realm=\"r\", nonce=\"n\", qop=auth", 0, "ann", "r", "n", "auth" },
		{ "digest\tUSERNAME = \"ann\" ,realm=\"r\"", 0, "ann", "r", NULL, NULL },
		{ "Digest realm=\"a\\\"b\", ,,nonce=\"\"", 0, NULL, "a\\\"b", "", NULL },
		{ "Digest realm=\"r\",\r\n nonce=\"n\"", 0, NULL, "r", "n", NULL },
		{ "Digest x-new=1, realm=\"r\"", 0, NULL, "r", NULL, NULL },
		{ "Digest", 0, NULL, NULL, NULL, NULL },
		{ "Basic QWxhZGRpbg==", ENOENT, NULL, NULL, NULL, NULL },
		{ "", ENOENT, NULL, NULL, NULL, NULL },
		{ "Digest realm=\"r\", realm=\"r\"", EBADMSG, NULL, NULL, NULL, NULL },
		{ "Digest realm=\"r", EBADMSG, NULL, NULL, NULL, NULL },
		{ "Digest realm=\"r\\", EBADMSG, NULL, NULL, NULL, NULL },
		{ "Digest realm", EBADMSG, NULL, NULL, NULL, NULL },
		{ "Digest realm=", EBADMSG, NULL, NULL, NULL, NULL },
		{ "Digest =\"r\"", EBADMSG, NULL, NULL, NULL, NULL },
		{ "Digest realm=\"r\" nonce=\"n\"", EBADMSG, NULL, NULL, NULL, NULL },
		{ "Digest realm=\"a\x01\"", EBADMSG, NULL, NULL, NULL, NULL },
		{ "Digest realm=\"a\\\r\n\"", EBADMSG, NULL, NULL, NULL, NULL },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(row); i++) {
		struct pl in = pl(row[i].in);
		struct digest_params d;

		g_assert_cmpint(digest_decode(&d, &in), ==, row[i].err);
		if (row[i].err)
			continue;
		const struct pl got[] = { d.username, d.realm, d.nonce, d.qop };
		const char *want[] = { row[i].user, row[i].realm, row[i].nonce, row[i].qop };
		for (int j = 0; j < 4; j++) {
			g_assert_cmpint(got[j].p != NULL, ==, want[j] != NULL);
			if (want[j])
				g_assert_cmpint(pl_strcmp(&got[j], want[j]), ==, 0);
		}
	}
}

static void test_bounds(void)
{
	GString *s = g_string_new("Digest a0=1");
	struct digest_params d;
	struct pl in;

	for (int i = 1; i < 31; i++)
		g_string_append_printf(s, ", a%d=1", i);
	in = pl(s->str);
	g_assert_cmpint(digest_decode(&d, &in), ==, 0);
	g_string_append(s, ", b=1, c=1");
	in = pl(s->str);
	g_assert_cmpint(digest_decode(&d, &in), ==, EBADMSG);
	g_string_assign(s, "Digest nonce=\"");
	for (int i = 0; i < 513; i++)
		g_string_append_c(s, 'n');
	g_string_append_c(s, '"');
	in = pl(s->str);
	g_assert_cmpint(digest_decode(&d, &in), ==, EBADMSG);
	g_string_free(s, TRUE);
}

static void test_tokens(void)
{
	static const struct { const char *list, *token; bool in; } row[] = {
		{ "auth", "auth", true }, { "auth-int,auth", "auth", true }, { "auth-int", "auth", false },
		{ " auth-int , AUTH ", "auth", true }, { "", "auth", false }, { ",,auth", "auth", true }, { "a/b,auth", "auth", false },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(row); i++) {
		struct pl l = pl(row[i].list);
		g_assert_cmpint(digest_token_in(&l, row[i].token), ==, row[i].in);
	}
}

static void test_algorithms(void)
{
	static const struct { const char *name; int err; enum digest_alg alg; } row[] = {
		{ NULL, 0, DIGEST_MD5 }, { "MD5", 0, DIGEST_MD5 }, { "md5", 0, DIGEST_MD5 }, { "SHA-256", 0, DIGEST_SHA256 },
		{ "MD5-sess", ENOTSUP, DIGEST_MD5 }, { "SHA-512-256", ENOTSUP, DIGEST_MD5 }, { "", ENOTSUP, DIGEST_MD5 },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(row); i++) {
		enum digest_alg alg = DIGEST_ALG_N;
		struct pl name = pl(row[i].name);

		g_assert_cmpint(digest_alg(&alg, &name), ==, row[i].err);
		if (!row[i].err)
			g_assert_cmpint(alg, ==, row[i].alg);
	}
}

/* RFC 7616 3.9.1 (both algorithms), RFC 2617 3.5, and the last without qop as RFC 2069 computes it. */
static void test_examples(void)
{
	static const struct { enum digest_alg alg; const char *user, *realm, *pw, *nonce, *nc, *cnonce, *qop, *response; } row[] = {
		{ DIGEST_MD5, "Mufasa", "http-auth@example.org", "Circle of Life", "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
		  "00000001", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "auth", "8ca523f5e9506fed4657c9700eebdbec" },
		{ DIGEST_SHA256, "Mufasa", "http-auth@example.org", "Circle of Life", "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
		  "00000001", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "auth",
		  "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1" },
		{ DIGEST_MD5, "Mufasa", "testrealm@host.com", "Circle Of Life", "dcd98b7102dd2f0e8b11d0f600bfb0c093",
		  "00000001", "0a4f113b", "auth", "6629fae49393a05397450978507c4ef1" },
		{ DIGEST_MD5, "Mufasa", "testrealm@host.com", "Circle Of Life", "dcd98b7102dd2f0e8b11d0f600bfb0c093",
		  NULL, NULL, NULL, "670fd8c2df070c60b045671b8b24ff02" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(row); i++) {
		struct digest_input in = {
			.alg = row[i].alg, .user = pl(row[i].user), .realm = pl(row[i].realm), .password = pl(row[i].pw),
			.method = pl("GET"), .uri = pl("/dir/index.html"), .nonce = pl(row[i].nonce), .nc = pl(row[i].nc),
			.cnonce = pl(row[i].cnonce), .qop = pl(row[i].qop),
		};
		char hex[DIGEST_HEX_MAX];

		g_assert_cmpint(digest_response(hex, &in), ==, 0);
		g_assert_cmpstr(hex, ==, row[i].response);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/digest/decode", test_decode);
	g_test_add_func("/digest/bounds", test_bounds);
	g_test_add_func("/digest/tokens", test_tokens);
	g_test_add_func("/digest/algorithms", test_algorithms);
	g_test_add_func("/digest/examples", test_examples);
	return g_test_run();
}
