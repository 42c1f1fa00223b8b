/*
 * test-hook.c - a webhook's signature, what it wants, and how long it waits.
 */
#include <glib.h>
#include <string.h>
#include "web/hook.h"

/* HMAC-SHA256 with the key "Jefe" over "1.what do ya want for nothing?", worked out by openssl dgst -hmac. */
static void test_signature(void)
{
	char *a = hook_signature("Jefe", 1, "what do ya want for nothing?"), *b = hook_signature("Jefe", 2, "what do ya want for nothing?");
	char *c = hook_signature("jefe", 1, "what do ya want for nothing?");

	g_assert_cmpstr(a, ==, "t=1,v1=a9049465ce89cfb8e9aac62333abda66f80e3403f51f57f6bae3c3a4485eca38");
	g_assert_cmpstr(strchr(a, ','), !=, strchr(b, ','));
	g_assert_cmpstr(a, !=, c);
	g_free(a);
	g_free(b);
	g_free(c);
}

static void test_wants(void)
{
	static const struct { const char *events, *type; bool wants; } rows[] = {
		{ "", "member-joined", true }, { "", "room-ended", true }, { "", "member-talking", false }, { "", "member-key", false },
		{ "", "speaker", false }, { "*", "member-talking", true }, { "member-joined", "member-joined", true },
		{ "member-joined", "member-left", false }, { "room-ended, member-left", "member-left", true }, { "member", "member-left", false },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		g_assert_cmpint(hook_wants(rows[i].events, rows[i].type), ==, rows[i].wants);
}

static void test_pause(void)
{
	g_assert_cmpuint(hook_pause_ms(0), ==, 1000);
	g_assert_cmpuint(hook_pause_ms(1), ==, 1000);
	g_assert_cmpuint(hook_pause_ms(2), ==, 2000);
	g_assert_cmpuint(hook_pause_ms(7), ==, 64000);
	g_assert_cmpuint(hook_pause_ms(1000), ==, 64000);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/hook/signature", test_signature);
	g_test_add_func("/hook/wants", test_wants);
	g_test_add_func("/hook/pause", test_pause);
	return g_test_run();
}
