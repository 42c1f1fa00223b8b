/*
 * The manifest of a recording: valid JSON whatever peers are called, bounded, and closed by the next start after a crash.
 */
#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <sys/stat.h>
#include "control/manifest.h"

static char *folder;

static void fill(struct manifest *m)
{
	manifest_init(m);
	str_ncpy(m->id, "20261121-184900-0123456789abcdef", sizeof(m->id));
	str_ncpy(m->room, "band", sizeof(m->room));
	str_ncpy(m->by, "sip:\"ann\\\"@x", sizeof(m->by));
	m->codec = "flac";
	m->started_ms = 1795289011530;
}

static JsonNode *parsed(const struct manifest *m)
{
	g_autoptr(JsonParser) p = json_parser_new();
	g_autoptr(GError) error = NULL;
	struct mbuf *mb = mbuf_alloc(64);

	g_assert_cmpint(manifest_print(mb, m), ==, 0);
	json_parser_load_from_data(p, (const char *)mb->buf, (gssize)mb->end, &error);
	g_assert_no_error(error);
	mem_deref(mb);
	return json_parser_steal_root(p);
}

static void test_empty(void)
{
	struct manifest m;
	JsonNode *root;
	JsonObject *o;

	fill(&m);
	root = parsed(&m);
	o = json_node_get_object(root);
	g_assert_cmpstr(json_object_get_string_member(o, "state"), ==, "running");
	g_assert_cmpstr(json_object_get_string_member(o, "by"), ==, "sip:\"ann\\\"@x");
	g_assert_true(json_object_get_null_member(o, "ended_ms"));
	g_assert_true(json_object_get_null_member(o, "mix"));
	g_assert_cmpint(json_object_get_int_member(o, "started_ms"), ==, 1795289011530);
	g_assert_cmpuint(json_array_get_length(json_object_get_array_member(o, "members")), ==, 0);
	json_node_free(root);
	manifest_clear(&m);
}

/* Names that would be something else in JSON. */
static void test_names(void)
{
	static const char *const names[] = { "", "\"", "\\", "\\\"", "\"}],\"state\":\"finished\"", "a\tb", "\x01", "\xc3\xa4", "{", "%s%n" };
	struct manifest_member *mb;
	struct manifest m;
	JsonArray *all;
	JsonNode *root;

	fill(&m);
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		g_assert_cmpint(manifest_member_add(&mb, &m, i + 1), ==, 0);
		mb->id = (uint32_t)i;
		str_ncpy(mb->name, names[i], sizeof(mb->name));
		str_ncpy(mb->uri, names[i], sizeof(mb->uri));
	}
	root = parsed(&m);
	all = json_object_get_array_member(json_node_get_object(root), "members");
	g_assert_cmpuint(json_array_get_length(all), ==, G_N_ELEMENTS(names));
	for (unsigned i = 0; i < G_N_ELEMENTS(names); i++) {
		JsonObject *o = json_array_get_object_element(all, i);

		g_assert_cmpint(json_object_get_int_member(o, "id"), ==, i);
		g_assert_cmpstr(json_object_get_string_member(o, "name"), ==, names[i]);
		g_assert_cmpstr(json_object_get_string_member(o, "uri"), ==, names[i]);
	}
	json_node_free(root);
	manifest_clear(&m);
}

static void test_bounds(void)
{
	struct manifest_member *mb;
	struct manifest m;
	JsonNode *root;
	JsonObject *o;

	fill(&m);
	g_assert_cmpint(manifest_member_add(&mb, &m, 1), ==, 0);
	for (unsigned i = 0; i < MANIFEST_MUTES_MAX + 10; i++) {
		g_assert_cmpint(manifest_mute(mb, 2 * i, true), ==, 0);
		g_assert_cmpint(manifest_mute(mb, 2 * i, true), ==, 0);
		g_assert_cmpint(manifest_mute(mb, 2 * i + 1, false), ==, 0);
		g_assert_cmpint(manifest_mute(mb, 2 * i + 1, false), ==, 0);
	}
	for (unsigned i = 0; i < MANIFEST_GAPS_MAX + 7; i++)
		g_assert_cmpint(manifest_gap(&m, &(struct manifest_gap){ i, 1, "late", true }), ==, 0);
	root = parsed(&m);
	o = json_node_get_object(root);
	g_assert_cmpuint(json_array_get_length(json_object_get_array_member(o, "gaps")), ==, MANIFEST_GAPS_MAX);
	g_assert_cmpint(json_object_get_int_member(o, "gaps_more"), ==, 7);
	o = json_array_get_object_element(json_object_get_array_member(o, "members"), 0);
	g_assert_cmpuint(json_array_get_length(json_object_get_array_member(o, "mutes")), ==, MANIFEST_MUTES_MAX);
	g_assert_cmpint(json_object_get_int_member(o, "mutes_more"), ==, 10);
	json_node_free(root);
	manifest_clear(&m);
}

static char *content(const char *name)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);
	char *text = NULL;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	return text;
}

static void test_file(void)
{
	g_autofree char *path = g_build_filename(folder, "manifest.json", NULL), *text = NULL;
	struct manifest m;
	struct stat st;

	fill(&m);
	for (unsigned i = 0; i < 3; i++) {
		m.samples = i;
		g_assert_cmpint(manifest_write(&m, folder), ==, 0);
	}
	g_assert_cmpint(stat(path, &st), ==, 0);
	g_assert_cmpuint(st.st_mode & 0777, ==, 0600);
	text = content("manifest.json");
	g_assert_nonnull(strstr(text, "\"samples\": 2"));
	g_assert_cmpint(g_access(folder, F_OK), ==, 0);
	g_assert_cmpint(manifest_write(&m, "/nonexistent/folder"), ==, ENOENT);
	g_remove(path);
	manifest_clear(&m);
}

static const struct { const char *state; int err; const char *after; } cuts[] = {
	{ "running", 0, "cut" }, { "paused", 0, "cut" }, { "finished", EALREADY, "finished" }, { "failed", EALREADY, "failed" },
	{ "cut", EALREADY, "cut" },
};

static void test_cut(void)
{
	g_autofree char *path = g_build_filename(folder, "manifest.json", NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(cuts); i++) {
		g_autofree char *text = NULL, *is = g_strdup_printf("{\n \"state\": \"%s\",\n \"version\"", cuts[i].after);
		g_autoptr(JsonParser) p = json_parser_new();
		struct manifest_member *mb;
		struct manifest m;

		fill(&m);
		m.state = cuts[i].state;
		g_assert_cmpint(manifest_member_add(&mb, &m, 1), ==, 0);
		str_ncpy(mb->name, "\"state\": \"running\"", sizeof(mb->name));
		g_assert_cmpint(manifest_write(&m, folder), ==, 0);
		g_assert_cmpint(manifest_cut(folder), ==, cuts[i].err);
		text = content("manifest.json");
		g_assert_true(g_str_has_prefix(text, is));
		g_assert_true(json_parser_load_from_data(p, text, -1, NULL));
		g_assert_cmpint(manifest_cut(folder), ==, EALREADY);
		manifest_clear(&m);
	}
	g_remove(path);
	g_assert_cmpint(manifest_cut(folder), ==, ENOENT);
}

static void test_not_ours(void)
{
	static const char *const texts[] = { "", "{", "{\n \"state\": \"", "{\"state\": \"running\"}", "no JSON at all, but long enough to be read" };
	g_autofree char *path = g_build_filename(folder, "manifest.json", NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autofree char *text = NULL;

		g_assert_true(g_file_set_contents(path, texts[i], -1, NULL));
		g_assert_cmpint(manifest_cut(folder), ==, EBADMSG);
		text = content("manifest.json");
		g_assert_cmpstr(text, ==, texts[i]);
	}
	g_remove(path);
	/* a link is not followed, a folder not read */
	g_assert_cmpint(symlink("/etc/passwd", path), ==, 0);
	g_assert_cmpint(manifest_cut(folder), ==, ELOOP);
	g_remove(path);
	g_assert_cmpint(g_mkdir(path, 0700), ==, 0);
	g_assert_cmpint(manifest_cut(folder), !=, 0);
	g_rmdir(path);
}

static void test_cut_all(void)
{
	for (unsigned i = 0; i < 5; i++) {
		g_autofree char *name = g_strdup_printf("r%u", i), *dir = g_build_filename(folder, name, NULL);
		struct manifest m;

		g_assert_cmpint(g_mkdir(dir, 0700), ==, 0);
		fill(&m);
		m.state = i % 2 ? "finished" : "running";
		if (i != 4)
			g_assert_cmpint(manifest_write(&m, dir), ==, 0);
		manifest_clear(&m);
	}
	g_assert_cmpuint(manifest_cut_all(folder, NULL, NULL), ==, 2);
	g_assert_cmpuint(manifest_cut_all(folder, NULL, NULL), ==, 0);
	g_assert_cmpuint(manifest_cut_all("/nonexistent", NULL, NULL), ==, 0);
	for (unsigned i = 0; i < 5; i++) {
		g_autofree char *name = g_strdup_printf("r%u", i), *dir = g_build_filename(folder, name, NULL);
		g_autofree char *file = g_build_filename(dir, "manifest.json", NULL);

		g_remove(file);
		g_assert_cmpint(g_rmdir(dir), ==, 0);
	}
}

int main(int argc, char *argv[])
{
	int status;

	g_test_init(&argc, &argv, NULL);
	folder = g_dir_make_tmp("tutti-manifest-XXXXXX", NULL);
	g_test_add_func("/manifest/empty", test_empty);
	g_test_add_func("/manifest/names", test_names);
	g_test_add_func("/manifest/bounds", test_bounds);
	g_test_add_func("/manifest/file", test_file);
	g_test_add_func("/manifest/cut", test_cut);
	g_test_add_func("/manifest/not-ours", test_not_ours);
	g_test_add_func("/manifest/cut-all", test_cut_all);
	status = g_test_run();
	g_rmdir(folder);
	g_free(folder);
	return status;
}
