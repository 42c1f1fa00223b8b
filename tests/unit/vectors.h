/*
 * vectors.h - gesture vectors that lie beside the checkout, one after the other; without them the test is skipped. Include it once.
 */
#ifndef TESTS_VECTORS_H
#define TESTS_VECTORS_H

#include <glib.h>
#include <json-glib/json-glib.h>

typedef void (vector_h)(JsonObject *v, const char *name);

static gchar *path_of(const char *file)
{
	const char *dir = g_getenv("TUTTI_VECTORS"), *src = g_getenv("G_TEST_SRCDIR");

	if (dir)
		return g_build_filename(dir, file, NULL);
	return g_build_filename(src ? src : ".", "..", "..", "..", "shared", "gesture-vectors", file, NULL);
}

static inline void each(const char *file, vector_h *h)
{
	gchar *path = path_of(file);
	JsonParser *parser = json_parser_new();
	GError *err = NULL;
	JsonArray *all;

	if (!g_file_test(path, G_FILE_TEST_EXISTS)) {
		g_test_skip("no gesture vectors beside the checkout (TUTTI_VECTORS names their folder)");
		goto out;
	}
	json_parser_load_from_file(parser, path, &err);
	g_assert_no_error(err);
	all = json_node_get_array(json_parser_get_root(parser));
	g_assert_cmpuint(json_array_get_length(all), >, 0);
	for (guint i = 0; i < json_array_get_length(all); i++) {
		JsonObject *v = json_array_get_object_element(all, i);
		gchar *number = g_strdup_printf("%u", i);
		const char *name = json_object_has_member(v, "name") ? json_object_get_string_member(v, "name") : number;

		g_test_message("%s", name);
		h(v, name);
		g_free(number);
	}
out:
	g_object_unref(parser);
	g_free(path);
}

#endif
