/*
 * token.c - tokens by their hash, sessions by the hash of their cookie.
 */
#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/random.h>
#include "token.h"

enum { SESSION_IDLE_MS = 12 * 3600 * 1000 };

struct tokens {
	GHashTable *by_hash;              /* sha256 in hex: struct store_token */
	GPtrArray *list;                  /* the same, oldest first; owns them */
	GHashTable *sessions;             /* sha256 of the cookie: struct session_of */
	char admin[65];
};

struct session_of { struct who who; uint64_t used_ms; };

static void hash_hex(char hex[65], const char *text)
{
	char *s = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);

	g_strlcpy(hex, s, 65);
	g_free(s);
}

static int chance_hex(char *hex, size_t n_bytes)
{
	uint8_t raw[32];

	if (n_bytes > sizeof(raw) || getrandom(raw, n_bytes, 0) != (ssize_t)n_bytes)
		return EIO;
	for (size_t i = 0; i < n_bytes; i++)
		g_snprintf(hex + 2 * i, 3, "%02x", raw[i]);
	return 0;
}

static void destructor(void *arg)
{
	struct tokens *t = arg;

	g_hash_table_destroy(t->by_hash);
	g_hash_table_destroy(t->sessions);
	g_ptr_array_free(t->list, TRUE);
}

int tokens_alloc(struct tokens **tp, const char *admin)
{
	struct tokens *t = mem_zalloc(sizeof(*t), destructor);

	if (!t)
		return ENOMEM;
	t->by_hash = g_hash_table_new(g_str_hash, g_str_equal);
	t->sessions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	t->list = g_ptr_array_new_with_free_func(g_free);
	if (admin && *admin)
		hash_hex(t->admin, admin);
	*tp = t;
	return 0;
}

/* --- tokens --- */

static bool over(const struct store_token *tok, uint64_t now_ms)
{
	return tok->expires_ms && now_ms >= tok->expires_ms;
}

bool tokens_who(struct who *who, struct tokens *t, const char *secret, uint64_t now_ms)
{
	const struct store_token *tok;
	char hex[65];

	memset(who, 0, sizeof(*who));
	hash_hex(hex, secret);
	if (t->admin[0] && !strcmp(hex, t->admin)) {
		who->scope = SCOPE_ADMIN;
		g_strlcpy(who->name, "admin", sizeof(who->name));
		return true;
	}
	tok = g_hash_table_lookup(t->by_hash, hex);
	if (!tok || over(tok, now_ms))
		return false;
	who->scope = scope_parse(tok->scopes);
	g_strlcpy(who->room, tok->room, sizeof(who->room));
	g_strlcpy(who->name, tok->name[0] ? tok->name : tok->id, sizeof(who->name));
	g_strlcpy(who->id, tok->id, sizeof(who->id));
	return who->scope != SCOPE_NONE;
}

static struct store_token *by_id(const struct tokens *t, const char *id)
{
	for (guint i = 0; i < t->list->len; i++) {
		struct store_token *tok = g_ptr_array_index(t->list, i);

		if (!strcmp(tok->id, id))
			return tok;
	}
	return NULL;
}

bool tokens_valid(struct tokens *t, const struct who *who, uint64_t now_ms)
{
	const struct store_token *tok;

	if (!who->id[0])
		return true;
	tok = by_id(t, who->id);
	return tok && !over(tok, now_ms);
}

int token_make(char secret[TOKEN_SECRET + 1], struct store_token *tok)
{
	int err = chance_hex(secret, TOKEN_SECRET / 2);

	if (!err)
		err = chance_hex(tok->id, 8);
	if (!err)
		hash_hex(tok->sha256, secret);
	return err;
}

int tokens_add(struct tokens *t, const struct store_token *tok)
{
	struct store_token *own;

	if (by_id(t, tok->id) || g_hash_table_contains(t->by_hash, tok->sha256))
		return EEXIST;
	own = g_memdup2(tok, sizeof(*tok));
	g_ptr_array_add(t->list, own);
	g_hash_table_insert(t->by_hash, own->sha256, own);
	return 0;
}

static gboolean is_of_token(gpointer key, gpointer value, gpointer id)
{
	const struct session_of *s = value;

	(void)key;
	return !strcmp(s->who.id, id);
}

bool tokens_del(struct tokens *t, const char *id)
{
	struct store_token *tok = *id ? by_id(t, id) : NULL;

	if (!tok)
		return false;
	g_hash_table_foreach_remove(t->sessions, is_of_token, tok->id);
	g_hash_table_remove(t->by_hash, tok->sha256);
	g_ptr_array_remove(t->list, tok);
	return true;
}

void tokens_each(struct tokens *t, void (*h)(const struct store_token *tok, void *arg), void *arg)
{
	for (guint i = 0; i < t->list->len; i++)
		h(g_ptr_array_index(t->list, i), arg);
}

/* --- sessions --- */

static gboolean is_idle(gpointer key, gpointer value, gpointer now_ms)
{
	const struct session_of *s = value;

	(void)key;
	return *(uint64_t *)now_ms >= s->used_ms + SESSION_IDLE_MS;
}

int session_begin(char id[SESSION_ID + 1], struct tokens *t, const struct who *who, uint64_t now_ms)
{
	struct session_of *s;
	char hex[65];

	g_hash_table_foreach_remove(t->sessions, is_idle, &now_ms);
	if (g_hash_table_size(t->sessions) >= SESSIONS_MAX)
		return ENOSPC;
	if (chance_hex(id, SESSION_ID / 2))
		return EIO;
	s = g_new0(struct session_of, 1);
	s->who = *who;
	s->who.cookie = true;
	s->used_ms = now_ms;
	hash_hex(hex, id);
	g_hash_table_insert(t->sessions, g_strdup(hex), s);
	return 0;
}

bool session_who(struct who *who, struct tokens *t, const char *id, uint64_t now_ms)
{
	struct session_of *s;
	char hex[65];

	hash_hex(hex, id);
	s = g_hash_table_lookup(t->sessions, hex);
	if (!s)
		return false;
	if (is_idle(NULL, s, &now_ms) || !tokens_valid(t, &s->who, now_ms)) {
		g_hash_table_remove(t->sessions, hex);
		return false;
	}
	s->used_ms = now_ms;
	*who = s->who;
	return true;
}

void session_end(struct tokens *t, const char *id)
{
	char hex[65];

	hash_hex(hex, id);
	g_hash_table_remove(t->sessions, hex);
}
