/* A nonce may be used while it is young, each count once, and never again when the table has forgotten it. */
#include <errno.h>
#include <glib.h>
#include <string.h>
#include "server/nonce.h"

enum { T0 = 1000000, LIFE = 60000 };

static struct nonces *n;

static int use_at(const char *nonce, uint32_t nc, uint64_t now)
{
	struct pl p;

	pl_set_str(&p, nonce);
	return nonce_use(n, &p, nc, now);
}

static void test_life(void)
{
	char a[NONCE_LEN + 1], b[NONCE_LEN + 1];

	g_assert_cmpint(nonces_alloc(&n, LIFE), ==, 0);
	g_assert_cmpint(nonce_make(n, a, T0), ==, 0);
	g_assert_cmpint(nonce_make(n, b, T0), ==, 0);
	g_assert_cmpstr(a, !=, b);
	g_assert_cmpuint(strlen(a), ==, NONCE_LEN);
	g_assert_cmpint(use_at(a, 1, T0 + LIFE), ==, 0);
	g_assert_cmpint(use_at(b, 1, T0 + LIFE + 1), ==, ETIMEDOUT);
	g_assert_cmpint(use_at(b, 1, T0 - 1), ==, ETIMEDOUT);             /* from the future: not ours */
	n = mem_deref(n);
}

static void test_counts(void)
{
	static const struct { uint32_t nc; int err; } row[] = {
		{ 0, ETIMEDOUT }, { 1, 0 }, { 1, ETIMEDOUT }, { 3, 0 }, { 2, 0 }, { 2, ETIMEDOUT }, { 3, ETIMEDOUT },
		{ 66, 0 }, { 2, ETIMEDOUT }, { 4, 0 }, { 4, ETIMEDOUT }, { 1000, 0 }, { 65, ETIMEDOUT }, { 937, 0 },
		{ 936, ETIMEDOUT }, { 0xffffffff, 0 }, { 0xffffffff, ETIMEDOUT }, { 1, ETIMEDOUT },
	};
	char a[NONCE_LEN + 1];

	g_assert_cmpint(nonces_alloc(&n, LIFE), ==, 0);
	g_assert_cmpint(nonce_make(n, a, T0), ==, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(row); i++)
		g_assert_cmpint(use_at(a, row[i].nc, T0 + i), ==, row[i].err);
	n = mem_deref(n);
}

static void test_foreign(void)
{
	char a[NONCE_LEN + 1];
	struct nonces *other;

	g_assert_cmpint(nonces_alloc(&n, LIFE), ==, 0);
	g_assert_cmpint(nonces_alloc(&other, LIFE), ==, 0);
	g_assert_cmpint(nonce_make(other, a, T0), ==, 0);
	g_assert_cmpint(use_at(a, 1, T0), ==, ETIMEDOUT);                 /* of a server that was restarted */
	g_assert_cmpint(nonce_make(n, a, T0), ==, 0);
	for (size_t i = 0; i < NONCE_LEN; i++) {
		char was = a[i];

		a[i] = was == '0' ? '1' : '0';
		g_assert_cmpint(use_at(a, 1, T0), ==, ETIMEDOUT);
		a[i] = 'G';
		g_assert_cmpint(use_at(a, 1, T0), ==, ETIMEDOUT);
		a[i] = was;
	}
	g_assert_cmpint(use_at("", 1, T0), ==, ETIMEDOUT);
	g_assert_cmpint(use_at("abc", 1, T0), ==, ETIMEDOUT);
	g_assert_cmpint(use_at(a, 1, T0), ==, 0);
	mem_deref(other);
	n = mem_deref(n);
}

enum { MANY = 50000 };

/* Far more than the table holds: some are refused that were good, none passes twice. */
static void test_flood(void)
{
	char (*all)[NONCE_LEN + 1] = g_malloc(MANY * sizeof(*all));
	unsigned ok = 0;

	g_assert_cmpint(nonces_alloc(&n, LIFE), ==, 0);
	for (unsigned i = 0; i < MANY; i++) {
		g_assert_cmpint(nonce_make(n, all[i], T0 + i / 10), ==, 0);
		ok += use_at(all[i], 1, T0 + i / 10) == 0;
	}
	g_assert_cmpuint(ok, >, MANY * 9 / 10);
	for (unsigned i = 0; i < MANY; i++)
		g_assert_cmpint(use_at(all[i], 1, T0 + MANY / 10), ==, ETIMEDOUT);
	n = mem_deref(n);
	g_free(all);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/nonce/life", test_life);
	g_test_add_func("/nonce/counts", test_counts);
	g_test_add_func("/nonce/foreign", test_foreign);
	g_test_add_func("/nonce/flood", test_flood);
	return g_test_run();
}
