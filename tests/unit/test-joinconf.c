/* test-joinconf.c - flags and lines to settings, or what is wrong with them and where; the pens tell every setting. */
#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>
#include "client/joinconf.h"
#include "client/joinconf_priv.h"

static char *dir;

static char *file_of(const char *name, const char *text, int mode)
{
	char *path = g_build_filename(dir, name, NULL);

	g_assert_true(g_file_set_contents(path, text, -1, NULL));
	g_assert_cmpint(g_chmod(path, mode), ==, 0);
	return path;
}

static const struct { const char *text, *wrong; } files[] = {
	{"", NULL},
	{"# a comment\n\n  name = anna  # who\n", NULL},
	{"name=anna\r\n", NULL},
	{"name = \"anna # b\"  # who\n", NULL},
	{"name = sip:a#b\n", NULL},
	{"ui = no\nloop=on\nanswer = TRUE\n", NULL},
	{"frame = 1.33\nperiod = 64\n", NULL},
	{"name = anna", NULL},
	{"foo = 1\n", "line 1: no such setting: foo"},
	{"\nname\n", "line 2: neither a comment nor key = value"},
	{"= 3\n", "line 1: no such setting: "},
	{"name = \"anna\n", "line 1: name: a quote that does not end, or text behind it"},
	{"name = \"anna\" b\n", "line 1: name: a quote that does not end, or text behind it"},
	{"name = a\x01\n", "line 1: name: wants text without control characters"},
	{"loop = maybe\n", "line 1: loop: wants yes or no"},
	{"inputs = 0\n", "line 1: inputs: wants a whole number from 1 to 8"},
	{"inputs = 1.5\n", "line 1: inputs: wants a whole number from 1 to 8"},
	{"inputs = 0x2\n", "line 1: inputs: wants a whole number from 1 to 8"},
	{"gain = nan\n", "line 1: gain: wants a number from -60 to 20"},
	{"gain =\n", "line 1: gain: wants a number from -60 to 20"},
	{"frame = 7\n", "line 1: frame: wants 1.33, 2.5, 5, 10 or 20, or 0"},
	{"driver = oss\n", "line 1: driver: wants one of auto|jack|alsa|file|tone|null"},
	{"driver = jac\n", "line 1: driver: wants one of auto|jack|alsa|file|tone|null"},
	{"config = x\n", "line 1: no such setting: config"},
	{"midi-driver = alsa\n", "line 1: no such setting: midi-driver"},
};

static void test_files(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
		g_autofree char *path = file_of("conf", files[i].text, 0644);
		char wrong[JOINCONF_WRONG] = "";
		struct joinconf c;
		int err;

		joinconf_init(&c);
		err = joinconf_file(&c, path, wrong, sizeof(wrong));
		g_test_message("%s: %s", files[i].text, wrong);
		g_assert_cmpint(err, ==, files[i].wrong ? EINVAL : 0);
		g_assert_cmpstr(wrong, ==, files[i].wrong ? files[i].wrong : "");
	}
}

static void test_values(void)
{
	g_autofree char *path = file_of("conf", "name = \"anna # b\"  # who\nframe = 2.5\nloop = yes\nui = off\ninputs = 8\nbuffer = 2\n", 0644);
	char wrong[JOINCONF_WRONG];
	struct joinconf c;

	joinconf_init(&c);
	g_assert_true(c.ui);
	g_assert_cmpint(joinconf_file(&c, path, wrong, sizeof(wrong)), ==, 0);
	g_assert_cmpstr(c.name, ==, "anna # b");
	g_assert_cmpfloat(c.frame_ms, ==, 2.5);
	g_assert_true(c.loop && !c.ui);
	g_assert_cmpuint(c.inputs, ==, 8);
	g_assert_cmpstr(c.buffer, ==, "2");
	g_assert_cmpint(joinconf_file(&c, "/nowhere/at/all", wrong, sizeof(wrong)), ==, ENOENT);
	g_assert_cmpint(joinconf_file(&c, dir, wrong, sizeof(wrong)), ==, EISDIR);
}

static void test_long_line(void)
{
	g_autofree char *x = g_strnfill(2000, 'x'), *text = g_strdup_printf("\nname = %s\n", x), *path = file_of("conf", text, 0644);
	char wrong[JOINCONF_WRONG];
	struct joinconf c;

	joinconf_init(&c);
	g_assert_cmpint(joinconf_file(&c, path, wrong, sizeof(wrong)), ==, EINVAL);
	g_assert_cmpstr(wrong, ==, "line 2: too long");
}

static const struct { const char *argv; int err; const char *wrong; } flags[] = {
	{"", 0, ""},
	{"sip:band@host", 0, ""},
	{"--driver tone sip:band@host --seconds 3", 0, ""},
	{"--driver=tone --loop --no-ui --ui --no-gestures --loop=no", 0, ""},
	{"--check sip:echo@host", 0, ""},
	{"--devices", 0, ""},
	{"--config x --json", 0, ""},
	{"a b", EINVAL, "b: one room only"},
	{"--foo", EINVAL, "--foo: no such flag; --help tells which there are"},
	{"-x", EINVAL, "-x: no such flag; --help tells which there are"},
	{"--", EINVAL, "--: no such flag; --help tells which there are"},
	{"--no-driver", EINVAL, "--no-driver: no such flag; --help tells which there are"},
	{"--driver", EINVAL, "--driver: wants a value"},
	{"--driver oss", EINVAL, "--driver: wants one of auto|jack|alsa|file|tone|null"},
	{"--loop=perhaps", EINVAL, "--loop: wants yes or no"},
	{"--check=3", EINVAL, "--check: no such flag; --help tells which there are"},
	{"--config", EINVAL, "--config: wants a value"},
	{"--password secret", EINVAL, "--password: everybody on this machine can read flags; use --password-file, TUTTI_JOIN_PASSWORD or the "
		"file of settings"},
};

static int read_argv(struct joinconf *c, const char *words, const char **path, char *wrong)
{
	g_autofree char *all = g_strconcat("tutti-join ", words, NULL);
	g_auto(GStrv) argv = g_strsplit(g_strchomp(all), " ", -1);

	wrong[0] = '\0';
	joinconf_init(c);
	return joinconf_argv(c, (int)g_strv_length(argv), argv, path, wrong, JOINCONF_WRONG);
}

static void test_flags(void)
{
	char wrong[JOINCONF_WRONG];
	struct joinconf c;

	for (size_t i = 0; i < G_N_ELEMENTS(flags); i++) {
		g_test_message("%s", flags[i].argv);
		g_assert_cmpint(read_argv(&c, flags[i].argv, NULL, wrong), ==, flags[i].err);
		g_assert_cmpstr(wrong, ==, flags[i].wrong);
	}
	g_assert_cmpint(read_argv(&c, "--in-file a.wav sip:x@y --no-ui --gain -3.5 --check", NULL, wrong), ==, 0);
	g_assert_cmpstr(c.uri, ==, "sip:x@y");
	g_assert_cmpstr(c.in_file, ==, "a.wav");
	g_assert_cmpfloat(c.gain_db, ==, -3.5);
	g_assert_true(!c.ui && c.check);
}

/* A file, then flags over it; the password from three places. */
static void test_load(void)
{
	g_autofree char *conf = file_of("join.conf", "name = anna\nuser = ann\ndriver = null\n", 0644);
	g_autofree char *secret = file_of("secret", "from a file\nmore\n", 0600);
	char wrong[JOINCONF_WRONG] = "";
	struct joinconf c;
	char *argv[] = {"tutti-join", "--config", conf, "--driver", "tone", "--password-file", secret};

	g_assert_cmpint(joinconf_load(&c, 5, argv, wrong, sizeof(wrong)), ==, 0);
	g_assert_cmpstr(c.name, ==, "anna");
	g_assert_cmpstr(c.driver, ==, "tone");
	g_assert_cmpstr(c.password, ==, "");
	g_setenv("TUTTI_JOIN_PASSWORD", "from outside", TRUE);
	g_assert_cmpint(joinconf_load(&c, 5, argv, wrong, sizeof(wrong)), ==, 0);
	g_assert_cmpstr(c.password, ==, "from outside");
	g_assert_cmpint(joinconf_load(&c, 7, argv, wrong, sizeof(wrong)), ==, 0);
	g_assert_cmpstr(c.password, ==, "from a file");
	g_unsetenv("TUTTI_JOIN_PASSWORD");
	argv[2] = "/nowhere";
	g_assert_cmpint(joinconf_load(&c, 5, argv, wrong, sizeof(wrong)), ==, ENOENT);
	g_assert_cmpstr(wrong, ==, "/nowhere: No such file or directory");
}

/* The user's own file: where XDG says; none is no mistake. */
static void test_own_file(void)
{
	g_autofree char *own = g_build_filename(dir, "tutti", NULL), *path = g_build_filename(own, "join.conf", NULL);
	char wrong[JOINCONF_WRONG] = "", found[512];
	struct joinconf c;
	char *argv[] = {"tutti-join"};

	g_setenv("XDG_CONFIG_HOME", dir, TRUE);
	g_assert_cmpint(joinconf_load(&c, 1, argv, wrong, sizeof(wrong)), ==, 0);
	g_assert_cmpint(joinconf_path(found, sizeof(found)), ==, 0);
	g_assert_cmpstr(found, ==, path);
	g_assert_cmpint(g_mkdir(own, 0700), ==, 0);
	g_assert_true(g_file_set_contents(path, "nam = anna\n", -1, NULL));
	g_assert_cmpint(joinconf_load(&c, 1, argv, wrong, sizeof(wrong)), ==, EINVAL);
	g_assert_true(g_str_has_suffix(wrong, "/tutti/join.conf: line 1: no such setting: nam"));
	g_unsetenv("XDG_CONFIG_HOME");
}

/* A password in a file that all can read is refused. */
static void test_secret(void)
{
	g_autofree char *open_file = file_of("open", "password = x\n", 0644), *closed = file_of("closed", "password = x\n", 0600);
	char wrong[JOINCONF_WRONG] = "";
	struct joinconf c;

	joinconf_init(&c);
	g_assert_cmpint(joinconf_file(&c, open_file, wrong, sizeof(wrong)), ==, EINVAL);
	g_assert_cmpstr(wrong, ==, "line 1: password: others can read this file; chmod 600 it");
	g_assert_cmpint(joinconf_file(&c, closed, wrong, sizeof(wrong)), ==, 0);
	g_assert_cmpstr(c.password, ==, "x");
}

static char *penned(void (*pen)(FILE *f))
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	pen(f);
	fclose(f);
	return text;
}

static void test_pens(void)
{
	char *help = penned(joinconf_help), *sample = penned(joinconf_sample), *man = penned(joinconf_man);
	g_autofree char *read_back = NULL;
	g_auto(GStrv) lines = NULL;
	size_t n;
	const struct joinconf_row *r = joinconf_rows(&n);
	GString *all = g_string_new(NULL);
	char wrong[JOINCONF_WRONG];
	struct joinconf c, def;

	for (size_t i = 0; i < n; i++) {
		g_autofree char *flag = g_strdup_printf("--%s%s ", !strcmp(r[i].def, "yes") ? "no-" : "", r[i].key);
		g_autofree char *line = g_strdup_printf("\n#%s =", r[i].key);

		g_assert_nonnull(strstr(sample, line));
		if (!r[i].secret && i)
			g_assert_nonnull(strstr(help, flag));
	}
	/* The sample without its # is what stands there anyway. */
	lines = g_strsplit(sample, "\n#", -1);
	for (char **line = lines; *line; line++)
		if (**line != ' ')
			g_string_append_printf(all, "%s\n", *line);
	read_back = file_of("sample", all->str, 0600);
	joinconf_init(&c);
	joinconf_init(&def);
	wrong[0] = '\0';
	g_assert_cmpint(joinconf_file(&c, read_back, wrong, sizeof(wrong)), ==, 0);
	g_assert_cmpint(memcmp(&c, &def, sizeof(c)), ==, 0);
	g_string_free(all, TRUE);
	free(help);
	free(sample);
	free(man);
}

/* man/tutti-join.1 and the table in docs/tutti-join.md are what the pens write: tutti-join --man-page > man/tutti-join.1 */
static void test_documents(void)
{
	char *man = penned(joinconf_man), *table = penned(joinconf_table);
	g_autofree char *man_path = g_test_build_filename(G_TEST_DIST, "..", "..", "man", "tutti-join.1", NULL), *man_file = NULL;
	g_autofree char *doc_path = g_test_build_filename(G_TEST_DIST, "..", "..", "docs", "tutti-join.md", NULL), *doc = NULL;

	g_assert_true(g_file_get_contents(man_path, &man_file, NULL, NULL));
	g_assert_true(g_file_get_contents(doc_path, &doc, NULL, NULL));
	if (g_getenv("WRITE_TABLE"))
		g_assert_true(g_file_set_contents(g_getenv("WRITE_TABLE"), table, -1, NULL));
	g_assert_cmpstr(man, ==, man_file);
	g_assert_nonnull(strstr(doc, table));
	free(man);
	free(table);
}

/* The last pair fits in whole. */
static void test_ports(void)
{
	static const struct { const char *text; uint16_t min, max; } rows[] = {
		{"20000-59999", 20000, 59998}, {"20001-20099", 20002, 20098}, {"20000-20098", 20000, 20096},
		{"65526-65535", 65526, 65534}, {"1024-1033", 1024, 1032},
		{"20000", 0, 0}, {"20000-20008", 0, 0}, {"1000-2000", 0, 0}, {"20000-70000", 0, 0}, {"20000-20099x", 0, 0},
		{"20099-20000", 0, 0}, {"", 0, 0}, {"-5-20000", 0, 0},
	};
	char wrong[JOINCONF_WRONG];
	struct joinconf c;

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		uint16_t min, max;
		int err;

		g_test_message("%s", rows[i].text);
		joinconf_init(&c);
		err = joinconf_set(&c, joinconf_find("media-ports", 11), rows[i].text, wrong, sizeof(wrong));
		g_assert_cmpint(err, ==, rows[i].min ? 0 : EINVAL);
		joinconf_ports(&min, &max, &c);
		g_assert_cmpuint(min, ==, err ? 20000 : rows[i].min);
		g_assert_cmpuint(max, ==, err ? 59998 : rows[i].max);
	}
}

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	dir = g_dir_make_tmp("joinconf-XXXXXX", NULL);
	g_test_add_func("/joinconf/files", test_files);
	g_test_add_func("/joinconf/values", test_values);
	g_test_add_func("/joinconf/ports", test_ports);
	g_test_add_func("/joinconf/long-line", test_long_line);
	g_test_add_func("/joinconf/flags", test_flags);
	g_test_add_func("/joinconf/load", test_load);
	g_test_add_func("/joinconf/own-file", test_own_file);
	g_test_add_func("/joinconf/secret", test_secret);
	g_test_add_func("/joinconf/pens", test_pens);
	g_test_add_func("/joinconf/documents", test_documents);
	status = g_test_run();
	for (const char *const *name = (const char *const[]){"conf", "join.conf", "secret", "open", "closed", "sample", "tutti/join.conf", "tutti", NULL};
	     *name; name++) {
		g_autofree char *path = g_build_filename(dir, *name, NULL);

		(void)g_remove(path);
	}
	(void)g_rmdir(dir);
	g_free(dir);
	return status;
}
