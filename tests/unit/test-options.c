/* test-options.c - a command line in, what it asks for out. */
#include <errno.h>
#include <glib.h>
#include <re.h>
#include <string.h>
#include "server/options.h"

static const struct {
	const char *line;
	int mode;                 /* -1: refused */
	const char *file;
	unsigned n_set;
	const char *why;
} rows[] = {
	{"tutti", OPTIONS_RUN, NULL, 0, NULL},
	{"tutti -f a.conf", OPTIONS_RUN, "a.conf", 0, NULL},
	{"tutti -f a.conf -o a.b=c -o d.e=f", OPTIONS_RUN, "a.conf", 2, NULL},
	{"tutti --file=a.conf --set a.b=", OPTIONS_RUN, "a.conf", 1, NULL},
	{"tutti --check", OPTIONS_CHECK, NULL, 0, NULL},
	{"tutti --check a.conf", OPTIONS_CHECK, "a.conf", 0, NULL},
	{"tutti --check=a.conf", OPTIONS_CHECK, "a.conf", 0, NULL},
	{"tutti --check a.conf -o a.b=c", OPTIONS_CHECK, "a.conf", 1, NULL},
	{"tutti -f a.conf --check", OPTIONS_CHECK, "a.conf", 0, NULL},
	{"tutti --version", OPTIONS_VERSION, NULL, 0, NULL},
	{"tutti --sample-config", OPTIONS_SAMPLE, NULL, 0, NULL},
	{"tutti --man-page", OPTIONS_MAN, NULL, 0, NULL},
	{"tutti --help", OPTIONS_HELP, NULL, 0, NULL},
	{"tutti --wat", -1, NULL, 0, "--wat: unknown option"},
	{"tutti -x", -1, NULL, 0, "-x: unknown option"},
	{"tutti -f", -1, NULL, 0, "-f: a value is missing"},
	{"tutti -o a.b", -1, NULL, 0, "-o a.b: wants SECTION.KEY=VALUE"},
	{"tutti a.conf", -1, NULL, 0, "a.conf: unexpected argument"},
	{"tutti --check a.conf b.conf", -1, NULL, 0, "b.conf: unexpected argument"},
};

static void test_rows(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); ++i) {
		char **argv = g_strsplit(rows[i].line, " ", -1), **copy = g_memdup2(argv, (g_strv_length(argv) + 1) * sizeof(*argv));
		struct options o;
		char *why = NULL;
		int err = options_parse(&o, (int)g_strv_length(argv), argv, &why);

		g_test_message("%s", rows[i].line);
		g_assert_cmpint(err, ==, rows[i].mode < 0 ? EINVAL : 0);
		g_assert_cmpstr(why, ==, rows[i].why);
		if (!err) {
			g_assert_cmpint((int)o.mode, ==, rows[i].mode);
			g_assert_cmpstr(o.file, ==, rows[i].file);
			g_assert_cmpuint(o.n_set, ==, rows[i].n_set);
		}
		mem_deref(why);
		g_free(argv);             /* getopt moves the pointers about; the copy frees the words */
		g_strfreev(copy);
	}
}

static void test_config(void)
{
	struct options o = {.set = {"sip.max-calls=3", "rooms.alone=silence", "sip.max-calls=4"}, .n_set = 3};
	struct config *c;
	char *why;

	g_assert_cmpint(options_config(&c, &o, &why), ==, 0);
	g_assert_cmpuint(config_uint(c, "sip.max-calls"), ==, 4);
	g_assert_cmpstr(config_str(c, "rooms.alone"), ==, "silence");
	mem_deref(c);

	o.set[2] = "sip.max-cals=4";
	g_assert_cmpint(options_config(&c, &o, &why), ==, EINVAL);
	g_assert_cmpstr(why, ==, "-o sip.max-cals: unknown setting sip.max-cals (did you mean sip.max-calls?)");
	mem_deref(why);

	o.set[2] = "sip.min-se=3000";
	g_assert_cmpint(options_config(&c, &o, &why), ==, EINVAL);
	g_assert_nonnull(strstr(why, "sip.min-se (3000) is above"));
	mem_deref(why);

	o.file = "/nonexistent";
	g_assert_cmpint(options_config(&c, &o, &why), ==, ENOENT);
	mem_deref(why);
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/options/rows", test_rows);
	g_test_add_func("/options/config", test_config);
	return g_test_run();
}
