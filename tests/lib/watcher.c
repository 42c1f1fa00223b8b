/*
 * watcher.c - a subscriber that puts documents together.
 */
#include <stdlib.h>
#include <string.h>
#include <glib/gstdio.h>
#include "watcher.h"

static void endpoint_free(void *arg)
{
	struct watcher_endpoint *e = arg;

	g_free(e->status);
	g_free(e->media);
	g_free(e->joined);
	g_free(e);
}

static void user_free(void *arg)
{
	struct watcher_user *u = arg;

	g_free(u->name);
	g_free(u->role);
	g_hash_table_unref(u->endpoints);
	g_free(u);
}

void watcher_open(struct watcher *w)
{
	memset(w, 0, sizeof(*w));
	w->users     = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, user_free);
	w->documents = g_ptr_array_new_with_free_func(g_free);
}

void watcher_close(struct watcher *w)
{
	g_hash_table_unref(w->users);
	g_ptr_array_unref(w->documents);
}

/* --- reading --- */

struct reading {
	struct watcher *w;
	struct watcher_user *user;
	struct watcher_endpoint *endpoint;
	bool gone;                        /* inside of what is deleted */
};

static const char *attribute(const char **names, const char **values, const char *name, const char *otherwise)
{
	for (size_t i = 0; names[i]; i++)
		if (!strcmp(names[i], name))
			return values[i];

	return otherwise;
}

static void conference_begins(struct watcher *w, const char **names, const char **values)
{
	uint32_t version = (uint32_t)strtoul(attribute(names, values, "version", "0"), NULL, 10);
	bool full = !strcmp(attribute(names, values, "state", "full"), "full");

	g_assert_cmpuint(version, ==, w->version + 1);
	g_assert_true(full || w->begun);
	w->version = version;
	w->begun   = true;
	if (full)
		g_hash_table_remove_all(w->users);
}

static void user_begins(struct reading *r, const char *entity, const char *state)
{
	struct watcher_user *u;

	if (!strcmp(state, "deleted")) {
		g_hash_table_remove(r->w->users, entity);
		r->gone = true;
		return;
	}
	if (!strcmp(state, "full")) {
		u = g_new0(struct watcher_user, 1);
		u->endpoints = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, endpoint_free);
		g_hash_table_replace(r->w->users, g_strdup(entity), u);
	}
	r->user = g_hash_table_lookup(r->w->users, entity);
	g_assert_nonnull(r->user);
}

static void endpoint_begins(struct reading *r, const char *entity, const char *state)
{
	if (r->gone || !strcmp(state, "deleted")) {
		if (r->user)
			g_hash_table_remove(r->user->endpoints, entity);
		return;
	}
	if (!strcmp(state, "full"))
		g_hash_table_replace(r->user->endpoints, g_strdup(entity), g_new0(struct watcher_endpoint, 1));
	r->endpoint = g_hash_table_lookup(r->user->endpoints, entity);
	g_assert_nonnull(r->endpoint);
}

static void element_begins(GMarkupParseContext *ctx, const char *name, const char **names, const char **values, gpointer arg, GError **err)
{
	struct reading *r = arg;
	const char *entity = attribute(names, values, "entity", ""), *state = attribute(names, values, "state", "full");

	(void)ctx;
	(void)err;
	if (!strcmp(name, "conference-info"))
		conference_begins(r->w, names, values);
	else if (!strcmp(name, "user"))
		user_begins(r, entity, state);
	else if (!strcmp(name, "endpoint"))
		endpoint_begins(r, entity, state);
}

static void element_ends(GMarkupParseContext *ctx, const char *name, gpointer arg, GError **err)
{
	struct reading *r = arg;

	(void)ctx;
	(void)err;
	if (!strcmp(name, "user")) {
		r->user = NULL;
		r->gone = false;
	}
	else if (!strcmp(name, "endpoint")) {
		r->endpoint = NULL;
	}
}

static void set(char **field, const char *text)
{
	g_free(*field);
	*field = g_strdup(text);
}

static void element_text(GMarkupParseContext *ctx, const char *text, gsize len, gpointer arg, GError **err)
{
	const GSList *path = g_markup_parse_context_get_element_stack(ctx);
	const char *name = path->data, *in = path->next ? path->next->data : "";
	struct reading *r = arg;

	(void)len;
	(void)err;
	if (!strcmp(name, "user-count"))
		r->w->count = (unsigned)strtoul(text, NULL, 10);
	else if (!strcmp(name, "active"))
		r->w->active = !strcmp(text, "true");
	else if (!strcmp(name, "locked"))
		r->w->locked = !strcmp(text, "true");
	else if (!strcmp(name, "display-text") && !strcmp(in, "user") && r->user)
		set(&r->user->name, text);
	else if (!strcmp(name, "entry") && !strcmp(in, "roles") && r->user)
		set(&r->user->role, text);
	else if (!strcmp(name, "status") && r->endpoint)
		set(!strcmp(in, "media") ? &r->endpoint->media : &r->endpoint->status, text);
	else if (!strcmp(name, "joining-method") && r->endpoint)
		set(&r->endpoint->joined, text);
}

void watcher_read(struct watcher *w, const char *xml)
{
	static const GMarkupParser parser = { .start_element = element_begins, .end_element = element_ends, .text = element_text };
	struct reading r = { .w = w };
	GMarkupParseContext *ctx = g_markup_parse_context_new(&parser, G_MARKUP_TREAT_CDATA_AS_TEXT, &r, NULL);
	GError *err = NULL;

	if (!g_markup_parse_context_parse(ctx, xml, -1, &err) || !g_markup_parse_context_end_parse(ctx, &err))
		g_error("%s in: %s", err->message, xml);

	g_markup_parse_context_free(ctx);
	g_ptr_array_add(w->documents, g_strdup(xml));
}

/* --- comparing --- */

static const char *status_of(const struct snapshot_member *m)
{
	return m->hold ? "on-hold" : m->muted || m->role == ROLE_LISTENER ? "muted-via-focus" : "connected";
}

static const char *media_of(const struct snapshot_member *m)
{
	bool speaks = !m->muted && m->role != ROLE_LISTENER;

	if (m->hold)
		return "inactive";

	return speaks && !m->deaf ? "sendrecv" : speaks ? "sendonly" : m->deaf ? "inactive" : "recvonly";
}

/* The names are what the tests give: one user with one name and one role, however many phones. */
static void compare_member(const struct watcher *w, const struct snapshot_member *m)
{
	const struct watcher_user *u = g_hash_table_lookup(w->users, m->uri);
	const struct watcher_endpoint *e;
	char *entity;

	g_assert_nonnull(u);
	g_assert_cmpstr(u->name ? u->name : "", ==, m->name);
	g_assert_cmpstr(u->role, ==, role_name(m->role));

	entity = g_strdup_printf("%s;member=%u", m->uri, m->id);
	e = g_hash_table_lookup(u->endpoints, entity);
	g_free(entity);

	g_assert_nonnull(e);
	g_assert_cmpstr(e->status, ==, status_of(m));
	g_assert_cmpstr(e->media, ==, media_of(m));
	g_assert_cmpstr(e->joined, ==, m->dialed_out ? "dialed-out" : "dialed-in");
}

void watcher_compare(const struct watcher *w, const struct snapshot *s)
{
	GHashTableIter it;
	unsigned n = 0;
	gpointer u;

	g_hash_table_iter_init(&it, w->users);
	while (g_hash_table_iter_next(&it, NULL, &u))
		n += g_hash_table_size(((struct watcher_user *)u)->endpoints);

	g_assert_cmpuint(n, ==, s->n_members);
	g_assert_cmpuint(w->count, ==, s->n_members);
	g_assert_true(w->locked == s->locked);
	g_assert_true(w->active);

	for (size_t i = 0; i < s->n_members; i++)
		compare_member(w, &s->member[i]);
}

/* --- the schema --- */

void watcher_validate(const struct watcher *w)
{
	char *schema = g_test_build_filename(G_TEST_DIST, "..", "data", "conference-info.rng", NULL);
	char *dir = g_dir_make_tmp("tutti-confinfo-XXXXXX", NULL), *said = NULL;
	GPtrArray *argv = g_ptr_array_new_with_free_func(g_free);
	int status = 0;

	g_assert_nonnull(dir);
	g_ptr_array_add(argv, g_strdup("xmllint"));
	g_ptr_array_add(argv, g_strdup("--noout"));
	g_ptr_array_add(argv, g_strdup("--relaxng"));
	g_ptr_array_add(argv, g_strdup(schema));
	for (guint i = 0; i < w->documents->len; i++) {
		char *path = g_strdup_printf("%s/%u.xml", dir, i);

		g_assert_true(g_file_set_contents(path, g_ptr_array_index(w->documents, i), -1, NULL));
		g_ptr_array_add(argv, path);
	}
	g_ptr_array_add(argv, NULL);

	if (!g_spawn_sync(NULL, (char **)argv->pdata, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, &said, &status, NULL))
		g_test_message("xmllint is not installed (libxml2-utils): %u documents are not validated", w->documents->len);
	else if (status)
		g_error("%s", said);

	for (guint i = 4; i + 1 < argv->len; i++)
		(void)g_unlink(g_ptr_array_index(argv, i));
	(void)g_rmdir(dir);
	g_ptr_array_unref(argv);
	g_free(said);
	g_free(dir);
	g_free(schema);
}
