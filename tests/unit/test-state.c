/* test-state.c - the state folder: made once with the right modes, found again, refused when others may write. */
#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <re.h>
#include <string.h>
#include "server/state.h"

static char *root;

static unsigned mode_of(const char *path)
{
	GStatBuf st;

	g_assert_cmpint(g_stat(path, &st), ==, 0);
	return st.st_mode & 0777;
}

static void test_first_and_second_start(void)
{
	char *dir = g_build_filename(root, "a", "b", NULL), *token_path = g_build_filename(dir, "admin-token", NULL);
	char *token, *why = NULL;
	struct state *s;

	g_assert_cmpint(state_alloc(&s, dir, &why), ==, 0);
	g_assert_true(state_token_is_new(s));
	g_assert_cmpstr(state_dir(s), ==, dir);
	g_assert_cmpuint(strlen(state_token(s)), ==, 64);
	g_assert_cmpuint(strspn(state_token(s), "0123456789abcdef"), ==, 64);
	g_assert_cmpuint(mode_of(dir), ==, 0700);
	g_assert_cmpuint(mode_of(token_path), ==, 0600);
	token = g_strdup(state_token(s));
	mem_deref(s);

	g_assert_cmpint(state_alloc(&s, dir, &why), ==, 0);
	g_assert_false(state_token_is_new(s));
	g_assert_cmpstr(state_token(s), ==, token);
	mem_deref(s);

	g_free(token);
	g_free(token_path);
	g_free(dir);
}

static void test_two_tokens_differ(void)
{
	char *a = g_build_filename(root, "t1", NULL), *b = g_build_filename(root, "t2", NULL), *why = NULL;
	struct state *s, *t;

	g_assert_cmpint(state_alloc(&s, a, &why), ==, 0);
	g_assert_cmpint(state_alloc(&t, b, &why), ==, 0);
	g_assert_cmpstr(state_token(s), !=, state_token(t));
	mem_deref(s);
	mem_deref(t);
	g_free(a);
	g_free(b);
}

static void test_broken_token(void)
{
	static const char *const broken[] = {"", "abc\n", "not hex not hex not hex not hex not hex not hex not hex not hex ...."};

	for (size_t i = 0; i < G_N_ELEMENTS(broken); ++i) {
		char *dir = g_strdup_printf("%s/broken%zu", root, i), *path = g_build_filename(dir, "admin-token", NULL);
		struct state *s;
		char *why = NULL;

		g_assert_cmpint(g_mkdir(dir, 0700), ==, 0);
		g_assert_true(g_file_set_contents(path, broken[i], -1, NULL));
		g_assert_cmpint(state_alloc(&s, dir, &why), ==, EBADMSG);
		g_assert_nonnull(strstr(why, "64 hex digits"));
		mem_deref(why);
		g_free(path);
		g_free(dir);
	}
}

static void test_open_folder(void)
{
	char *dir = g_build_filename(root, "open", NULL), *why = NULL;
	struct state *s;

	g_assert_cmpint(g_mkdir(dir, 0700), ==, 0);
	g_assert_cmpint(g_chmod(dir, 0777), ==, 0);
	g_assert_cmpint(state_alloc(&s, dir, &why), ==, EPERM);
	g_assert_nonnull(strstr(why, dir));
	mem_deref(why);
	g_free(dir);
}

static void test_where(void)
{
	char *dir = g_build_filename(root, "sysd", NULL), *list = g_strdup_printf("%s:/elsewhere", dir), *why = NULL;
	struct state *s;

	g_setenv("STATE_DIRECTORY", list, TRUE);
	g_assert_cmpint(state_alloc(&s, "", &why), ==, 0);
	g_assert_cmpstr(state_dir(s), ==, dir);
	mem_deref(s);
	g_unsetenv("STATE_DIRECTORY");
	g_free(list);
	g_free(dir);
}

static X509 *load(const char *path)
{
	FILE *f = fopen(path, "r");
	X509 *x;

	g_assert_nonnull(f);
	x = PEM_read_X509(f, NULL, NULL, NULL);
	(void)fclose(f);
	g_assert_nonnull(x);
	return x;
}

static void test_cert(void)
{
	char *dir = g_build_filename(root, "cert", NULL), *why = NULL;
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	const char *path = NULL, *again = NULL;
	struct state *s;
	X509 *x, *y;
	int days, secs;

	g_assert_cmpint(state_alloc(&s, dir, &why), ==, 0);
	g_assert_cmpint(state_cert(s, &path, &why), ==, 0);
	g_assert_cmpuint(mode_of(path), ==, 0600);

	/* One file serves a TLS server, and key and certificate belong together. */
	g_assert_cmpint(SSL_CTX_use_certificate_chain_file(ctx, path), ==, 1);
	g_assert_cmpint(SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM), ==, 1);
	g_assert_cmpint(SSL_CTX_check_private_key(ctx), ==, 1);

	x = load(path);
	g_assert_cmpint(X509_check_host(x, "localhost", 0, 0, NULL), ==, 1);
	g_assert_cmpint(X509_check_ip_asc(x, "127.0.0.1", 0), ==, 1);
	g_assert_cmpint(X509_check_ip_asc(x, "192.0.2.77", 0), ==, 0);
	g_assert_cmpint(X509_get_version(x), ==, 2);
	g_assert_cmpint(X509_check_ca(x), ==, 0);
	g_assert_cmpint(X509_verify(x, X509_get0_pubkey(x)), ==, 1);
	g_assert_cmpint(ASN1_TIME_diff(&days, &secs, NULL, X509_get0_notAfter(x)), ==, 1);
	g_assert_cmpint(days, >, 3640);
	mem_deref(s);

	/* The next start keeps it. */
	g_assert_cmpint(state_alloc(&s, dir, &why), ==, 0);
	g_assert_cmpint(state_cert(s, &again, &why), ==, 0);
	y = load(again);
	g_assert_cmpint(X509_cmp(x, y), ==, 0);
	mem_deref(s);

	X509_free(x);
	X509_free(y);
	SSL_CTX_free(ctx);
	g_free(dir);
}

int main(int argc, char *argv[])
{
	char *rm[] = {"rm", "-rf", NULL, NULL};
	int res;

	g_test_init(&argc, &argv, NULL);
	root = g_dir_make_tmp("tutti-state-XXXXXX", NULL);
	g_assert_nonnull(root);
	g_test_add_func("/state/start", test_first_and_second_start);
	g_test_add_func("/state/tokens-differ", test_two_tokens_differ);
	g_test_add_func("/state/broken-token", test_broken_token);
	g_test_add_func("/state/open-folder", test_open_folder);
	g_test_add_func("/state/where", test_where);
	g_test_add_func("/state/cert", test_cert);
	res = g_test_run();

	rm[2] = root;
	(void)g_spawn_sync(NULL, rm, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
	g_free(root);
	return res;
}
