/*
 * test-token.c - tokens and sessions: who is let in as what, until when.
 */
#include <errno.h>
#include <glib.h>
#include <string.h>
#include "web/token.h"

static struct store_token make(char secret[TOKEN_SECRET + 1], const char *name, const char *scopes, const char *room, uint64_t expires)
{
	struct store_token tok = { .created_ms = 1, .expires_ms = expires };

	g_strlcpy(tok.name, name, sizeof(tok.name));
	g_strlcpy(tok.scopes, scopes, sizeof(tok.scopes));
	g_strlcpy(tok.room, room, sizeof(tok.room));
	g_assert_cmpint(token_make(secret, &tok), ==, 0);
	return tok;
}

static void test_admin(void)
{
	struct tokens *t;
	struct who who;

	g_assert_cmpint(tokens_alloc(&t, "secret"), ==, 0);
	g_assert_true(tokens_who(&who, t, "secret", 1));
	g_assert_cmpint(who.scope, ==, SCOPE_ADMIN);
	g_assert_cmpstr(who.id, ==, "");
	g_assert_false(tokens_who(&who, t, "secre", 1));
	g_assert_false(tokens_who(&who, t, "", 1));
	g_assert_cmpint(who.scope, ==, SCOPE_NONE);
	mem_deref(t);

	/* Without an administrator's token nothing is one, the empty text neither. */
	g_assert_cmpint(tokens_alloc(&t, ""), ==, 0);
	g_assert_false(tokens_who(&who, t, "", 1));
	mem_deref(t);
}

static void test_tokens(void)
{
	char secret[TOKEN_SECRET + 1], other[TOKEN_SECRET + 1];
	struct store_token a = make(secret, "bot", "control", "band", 1000), b = make(other, "", "nonsense", "", 0);
	struct tokens *t;
	struct who who;

	g_assert_cmpuint(strlen(secret), ==, 64);
	g_assert_cmpuint(strlen(a.id), ==, 16);
	g_assert_cmpstr(a.sha256, !=, b.sha256);
	g_assert_null(strstr(a.sha256, secret));
	g_assert_cmpint(tokens_alloc(&t, "x"), ==, 0);
	g_assert_false(tokens_who(&who, t, secret, 1));
	g_assert_cmpint(tokens_add(t, &a), ==, 0);
	g_assert_cmpint(tokens_add(t, &a), ==, EEXIST);
	g_assert_cmpint(tokens_add(t, &b), ==, 0);
	g_assert_true(tokens_who(&who, t, secret, 999));
	g_assert_cmpint(who.scope, ==, SCOPE_CONTROL);
	g_assert_cmpstr(who.room, ==, "band");
	g_assert_cmpstr(who.name, ==, "bot");
	g_assert_true(tokens_valid(t, &who, 999));
	g_assert_false(tokens_valid(t, &who, 1000));
	g_assert_false(tokens_who(&who, t, secret, 1000));
	g_assert_false(tokens_who(&who, t, other, 1));        /* its scopes say nothing */
	g_assert_true(tokens_del(t, a.id));
	g_assert_false(tokens_del(t, a.id));
	g_assert_false(tokens_del(t, ""));
	g_assert_false(tokens_who(&who, t, secret, 1));
	mem_deref(t);
}

static void test_sessions(void)
{
	static const uint64_t idle = 12 * 3600 * 1000;
	char secret[TOKEN_SECRET + 1], id[SESSION_ID + 1], again[SESSION_ID + 1];
	struct store_token a = make(secret, "bot", "read", "", 0);
	struct tokens *t;
	struct who who, back;

	g_assert_cmpint(tokens_alloc(&t, "x"), ==, 0);
	g_assert_cmpint(tokens_add(t, &a), ==, 0);
	g_assert_true(tokens_who(&who, t, secret, 1));
	g_assert_cmpint(session_begin(id, t, &who, 1), ==, 0);
	g_assert_cmpint(session_begin(again, t, &who, 1), ==, 0);
	g_assert_cmpstr(id, !=, again);
	g_assert_true(session_who(&back, t, id, idle));
	g_assert_true(back.cookie);
	g_assert_cmpint(back.scope, ==, SCOPE_READ);
	g_assert_true(session_who(&back, t, id, 2 * idle - 1));       /* as long as it is used */
	g_assert_false(session_who(&back, t, again, 2 * idle - 1));
	g_assert_false(session_who(&back, t, secret, 2));
	session_end(t, id);
	g_assert_false(session_who(&back, t, id, 2 * idle - 1));

	/* A token that goes takes its sessions along. */
	g_assert_cmpint(session_begin(id, t, &who, 1), ==, 0);
	g_assert_true(tokens_del(t, a.id));
	g_assert_false(session_who(&back, t, id, 2));
	mem_deref(t);
}

static void test_bound(void)
{
	char id[SESSION_ID + 1];
	struct tokens *t;
	struct who who;

	g_assert_cmpint(tokens_alloc(&t, "x"), ==, 0);
	g_assert_true(tokens_who(&who, t, "x", 1));
	for (int i = 0; i < SESSIONS_MAX; i++)
		g_assert_cmpint(session_begin(id, t, &who, 1), ==, 0);
	g_assert_cmpint(session_begin(id, t, &who, 2), ==, ENOSPC);
	g_assert_cmpint(session_begin(id, t, &who, 1 + 12 * 3600 * 1000), ==, 0);
	mem_deref(t);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/token/admin", test_admin);
	g_test_add_func("/token/tokens", test_tokens);
	g_test_add_func("/token/sessions", test_sessions);
	g_test_add_func("/token/bound", test_bound);
	return g_test_run();
}
