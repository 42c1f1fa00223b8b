/*
 * One recording, fed with blocks as a tap gives them: where on its time everything ends up, what it does when the disk is
 * full, and what is left of it when the process dies.
 */
#include <errno.h>
#include <glib.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <locale.h>
#include <math.h>
#include <signal.h>
#include <sndfile.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include "control/take.h"

enum { Q = 960, MAX_S = 20 };

static char *folder;
static struct take *take;
static uint64_t pos = 123456789;
static uint64_t now_ms;
static float sound[2 * Q];

static struct take_conf conf_of(enum recfile_kind kind)
{
	struct take_conf c = { .id = "20261121-184900-0123456789abcdef", .room = "band", .by = "x", .kind = kind, .stems = true };
	g_autofree char *dir = g_build_filename(folder, "recordings", "one", NULL);

	str_ncpy(c.dir, dir, sizeof(c.dir));
	return c;
}

static int erase(const char *path)
{
	g_autoptr(GDir) d = g_dir_open(path, 0, NULL);
	const char *name;

	while (d && (name = g_dir_read_name(d))) {
		g_autofree char *below = g_build_filename(path, name, NULL);

		erase(below);
	}
	return g_remove(path);
}

static void begin_with(const struct take_conf *c)
{
	for (unsigned i = 0; i < Q; i++)
		sound[i] = 0.25f * sinf((float)i * 2 * (float)M_PI * 10 / Q);
	now_ms = 1000;
	g_assert_cmpint(take_open(&take, c), ==, 0);
}

static void begin(enum recfile_kind kind)
{
	struct take_conf c = conf_of(kind);

	begin_with(&c);
}

static void end(void)
{
	g_autofree char *dir = g_build_filename(folder, "recordings", NULL);

	take = mem_deref(take);
	erase(dir);
}

/* A tick in which those legs are heard; 0 ends the list. */
static int tick(uint8_t why, uint64_t a, uint64_t b)
{
	struct tap_block t = { .kind = TAP_TICK, .channels = 1, .why = why, .n_smp = Q, .pos = pos };
	struct tap_block s = { .kind = TAP_STEM, .channels = 1, .n_smp = Q, .pos = pos, .smp = sound };
	int err = take_block(take, &t);

	for (unsigned i = 0; i < 2 && !err; i++) {
		s.leg = i ? b : a;
		if (s.leg)
			err = take_block(take, &s);
	}
	s.kind = TAP_MIX;
	if (!err && (a || b))
		err = take_block(take, &s);
	pos += Q;
	return err;
}

static int ticks(unsigned n, uint64_t a, uint64_t b)
{
	int err = 0;

	for (unsigned i = 0; i < n && !err; i++) {
		err = tick(0, a, b);
		now_ms += 20;
		if (!err && i % 2)
			err = take_round(take, now_ms, true);
	}
	return err;
}

static void is_there(uint64_t leg, bool muted)
{
	g_assert_cmpint(take_block(take, &(struct tap_block){ .kind = TAP_MEMBER, .leg = leg, .muted = muted }), ==, 0);
}

static void has_left(uint64_t leg)
{
	g_assert_cmpint(take_block(take, &(struct tap_block){ .kind = TAP_LEFT, .leg = leg, .pos = pos }), ==, 0);
}

static void named(uint64_t leg, uint32_t id)
{
	struct take_member mb = { .leg = leg, .id = id, .role = ROLE_SPEAKER };

	g_snprintf(mb.name, sizeof(mb.name), "member %u", id);
	take_member(take, &mb);
}

static JsonNode *manifest(void)
{
	g_autofree char *path = g_build_filename(folder, "recordings", "one", "manifest.json", NULL);
	g_autoptr(JsonParser) p = json_parser_new();

	g_assert_true(json_parser_load_from_file(p, path, NULL));
	return json_parser_steal_root(p);
}

static JsonObject *nth(JsonNode *root, const char *list, unsigned i)
{
	return json_array_get_object_element(json_object_get_array_member(json_node_get_object(root), list), i);
}

static unsigned n_of(JsonNode *root, const char *list)
{
	return json_array_get_length(json_object_get_array_member(json_node_get_object(root), list));
}

static gint64 number(JsonObject *o, const char *name) { return json_object_get_int_member(o, name); }

static const char *text(JsonObject *o, const char *name) { return json_object_get_string_member(o, name); }

static float *read_sound(const char *name, size_t *n)
{
	g_autofree char *path = g_build_filename(folder, "recordings", "one", name, NULL);
	SF_INFO info = { 0 };
	SNDFILE *sf = sf_open(path, SFM_READ, &info);
	float *smp = g_new0(float, 48000 * MAX_S * 2);

	g_assert_nonnull(sf);
	*n = (size_t)sf_readf_float(sf, smp, 48000 * MAX_S);
	sf_close(sf);
	return smp;
}

static void check_gap(JsonNode *root, unsigned i, gint64 at, gint64 n, const char *why, bool filled)
{
	JsonObject *g = nth(root, "gaps", i);

	g_assert_cmpint(number(g, "at"), ==, at);
	g_assert_cmpint(number(g, "samples"), ==, n);
	g_assert_cmpstr(text(g, "why"), ==, why);
	g_assert_cmpint(json_object_get_boolean_member(g, "filled"), ==, filled);
}

/* --- its time --- */

/* Every kind of gap, in one recording. */
static void test_gaps(void)
{
	g_autofree float *mix = NULL, *stem = NULL;
	size_t n, n_stem;
	JsonNode *root;

	begin(RECFILE_FLAC);
	g_assert_cmpint(tick(0, 0, 0), ==, 0);
	is_there(7, false);
	g_assert_cmpint(ticks(9, 7, 0), ==, 0);           /* 0 .. 9600 */
	pos += 2 * Q;
	g_assert_cmpint(ticks(10, 7, 0), ==, 0);          /* 9600 + 1920 of silence .. 21120 */
	pos += 100 * Q;
	g_assert_cmpint(tick(TAP_WOKE, 7, 0), ==, 0);     /* 21120 .. 22080 */
	pos += 4 * Q;
	g_assert_cmpint(tick(TAP_LOST, 7, 0), ==, 0);     /* 22080 + 3840 .. 26880 */
	take_splice(take);
	pos += 1000 * Q;
	g_assert_cmpint(tick(0, 7, 0), ==, 0);            /* .. 27840 */
	pos += 48000 * 3600;
	g_assert_cmpint(tick(TAP_LOST, 7, 0), ==, 0);     /* .. 28800 */
	g_assert_cmpint(take_finish(take, "finished", ""), ==, 0);
	root = manifest();
	g_assert_cmpint(number(json_node_get_object(root), "samples"), ==, 28800);
	g_assert_cmpuint(n_of(root, "gaps"), ==, 5);
	check_gap(root, 0, 9600, 1920, "late", true);
	check_gap(root, 1, 21120, 96000, "empty", false);
	check_gap(root, 2, 22080, 3840, "full", true);
	check_gap(root, 3, 26880, 960000, "paused", false);
	check_gap(root, 4, 27840, 48000 * 3600, "stalled", false);
	g_assert_cmpint(number(nth(root, "members", 0), "offset"), ==, 960);
	mix = read_sound("mix.flac", &n);
	stem = read_sound("stem-1.flac", &n_stem);
	g_assert_cmpuint(n, ==, 28800);
	g_assert_cmpuint(n_stem, ==, 28800 - 960);
	for (size_t i = 0; i < n; i++) {
		bool silent = i < 960 || (i >= 9600 && i < 11520) || (i >= 22080 && i < 25920);

		g_assert_cmpfloat_with_epsilon(mix[i], silent ? 0 : sound[i % Q], 2e-7f);
		g_assert_true(i < 960 || stem[i - 960] == mix[i]);
	}
	json_node_free(root);
	end();
}

/* Louder than full scale: the mix is turned down, not bent; stems are as they are. */
static void test_loud(void)
{
	g_autofree float *mix = NULL;
	float most = 0;
	size_t n;

	begin(RECFILE_FLAC);
	for (unsigned i = 0; i < Q; i++)
		sound[i] *= 12;
	g_assert_cmpint(ticks(50, 7, 0), ==, 0);
	g_assert_cmpint(take_finish(take, "finished", ""), ==, 0);
	mix = read_sound("mix.flac", &n);
	for (size_t i = 4800; i < n; i++)
		most = fmaxf(most, fabsf(mix[i]));
	g_assert_cmpfloat(most, <, 0.9f);
	g_assert_cmpfloat(most, >, 0.85f);
	end();
}

/* Mono in a recording that began in stereo, and the other way round. */
static void test_channels(void)
{
	for (unsigned ch = 1; ch <= 2; ch++) {
		struct tap_block t = { .kind = TAP_TICK, .channels = (uint8_t)ch, .n_smp = Q }, m = { .kind = TAP_MIX, .n_smp = Q };
		g_autofree float *mix = NULL;
		float wide[2 * Q];
		size_t n;

		begin(RECFILE_FLAC);
		for (unsigned i = 0; i < Q; i++) {
			wide[2 * i] = sound[i] * 0.5f;
			wide[2 * i + 1] = sound[i] * -0.25f;
		}
		for (unsigned i = 0; i < 10; i++) {
			t.pos = m.pos = pos + i * Q;
			m.channels = i < 5 ? 1 : 2;
			m.smp = i < 5 ? sound : wide;
			g_assert_cmpint(take_block(take, &t), ==, 0);
			g_assert_cmpint(take_block(take, &m), ==, 0);
		}
		g_assert_cmpint(take_finish(take, "finished", ""), ==, 0);
		mix = read_sound("mix.flac", &n);
		g_assert_cmpuint(n, ==, 10 * Q);
		for (size_t i = 0; i < n; i++)
			for (unsigned c = 0; c < ch; c++) {
				float s = sound[i % Q], is = i < 5 * Q ? s : ch == 1 ? s * 0.125f : c ? s * -0.25f : s * 0.5f;

				g_assert_cmpfloat_with_epsilon(mix[i * ch + c], is, 2e-7f);
			}
		end();
	}
}

/* --- members --- */

/* A name before the first block, after it, and never; a member that comes back is another. */
static void test_members(void)
{
	JsonNode *root;

	begin(RECFILE_OPUS);
	named(1, 11);
	g_assert_cmpint(ticks(1, 0, 0), ==, 0);
	is_there(1, false);
	is_there(2, true);
	g_assert_cmpint(ticks(10, 1, 2), ==, 0);
	named(2, 12);
	is_there(2, false);
	g_assert_cmpint(ticks(10, 1, 3), ==, 0);          /* 3: nobody was told of it */
	take_left(take, 1);
	g_assert_cmpint(ticks(2, 1, 2), ==, 0);           /* its last sound is still on its way */
	has_left(1);
	named(1, 21);
	g_assert_cmpint(ticks(1, 2, 0), ==, 0);
	is_there(1, false);
	g_assert_cmpint(ticks(10, 1, 2), ==, 0);
	take_left(take, 2);                               /* the ring was full: no block tells it */
	g_assert_cmpint(ticks(30, 1, 0), ==, 0);
	g_assert_cmpint(take_finish(take, "finished", ""), ==, 0);
	root = manifest();
	g_assert_cmpuint(n_of(root, "members"), ==, 4);
	g_assert_cmpint(number(nth(root, "members", 0), "id"), ==, 11);
	g_assert_cmpint(number(nth(root, "members", 0), "left"), ==, 23 * Q);
	g_assert_cmpint(number(nth(root, "members", 0), "offset"), ==, Q);
	g_assert_cmpint(number(nth(root, "members", 0), "samples"), ==, 22 * Q);
	g_assert_cmpstr(text(nth(root, "members", 1), "name"), ==, "member 12");
	g_assert_cmpuint(json_array_get_length(json_object_get_array_member(nth(root, "members", 1), "mutes")), ==, 1);
	g_assert_cmpint(number(nth(root, "members", 1), "left"), <=, 36 * Q);
	g_assert_cmpint(number(nth(root, "members", 2), "id"), ==, 0);
	g_assert_cmpint(number(nth(root, "members", 2), "offset"), ==, 11 * Q);
	g_assert_cmpint(number(nth(root, "members", 3), "id"), ==, 21);
	g_assert_cmpint(number(nth(root, "members", 3), "joined"), ==, 23 * Q);
	json_node_free(root);
	end();
}

static void test_too_many(void)
{
	JsonNode *root;

	begin(RECFILE_FLAC);
	for (uint64_t leg = 1; leg <= TAKE_MEMBERS_MAX + 5; leg++) {
		is_there(leg, false);
		if (leg <= TAKE_STEMS_MAX + 3)
			g_assert_cmpint(tick(0, leg, 0), ==, 0);
	}
	g_assert_cmpint(take_finish(take, "finished", ""), ==, 0);
	root = manifest();
	g_assert_cmpuint(n_of(root, "members"), ==, TAKE_MEMBERS_MAX);
	g_assert_true(json_object_has_member(nth(root, "members", TAKE_STEMS_MAX - 1), "offset"));
	g_assert_cmpstr(text(nth(root, "members", TAKE_STEMS_MAX), "no_file"), ==, "too many at once");
	g_assert_cmpstr(text(nth(root, "members", TAKE_STEMS_MAX + 3), "no_file"), ==, "not heard");
	json_node_free(root);
	end();
}

/* --- its end --- */

static void test_max(void)
{
	struct take_conf c = conf_of(RECFILE_OPUS);
	g_autofree float *mix = NULL;
	size_t n;

	c.max_smp = 48000;
	begin_with(&c);
	g_assert_cmpint(ticks(100, 1, 0), ==, ETIMEDOUT);
	g_assert_cmpint(take_finish(take, "finished", "max-hours"), ==, 0);
	mix = read_sound("mix.opus", &n);
	g_assert_cmpuint(n, ==, 48000);
	end();
}

/* Less is left than must be: it does not begin. */
static void test_min_free(void)
{
	struct take_conf c = conf_of(RECFILE_OPUS);

	c.min_free = UINT64_MAX;
	g_assert_cmpint(take_open(&take, &c), ==, ENOSPC);
	end();
	c.min_free = 1;
	begin_with(&c);
	g_assert_cmpint(ticks(100, 1, 0), ==, 0);
	end();
}

/* In a process of its own: the limit is the process's, and so is death. */
static int in_child(int (*run)(enum recfile_kind kind), enum recfile_kind kind)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(run(kind));
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	return status;
}

static int until_full(enum recfile_kind kind)
{
	const struct rlimit lim = { 20000, 20000 };
	int err;

	signal(SIGXFSZ, SIG_IGN);
	begin(kind);
	setrlimit(RLIMIT_FSIZE, &lim);
	is_there(1, false);
	err = ticks(2000, 1, 0);
	if (err != EFBIG)
		return 1;
	if (take_block(take, &(struct tap_block){ .kind = TAP_MEMBER, .leg = 2 }))
		return 2;
	(void)take_finish(take, "failed", "file too large");
	mem_deref(take);
	return 0;
}

static void test_full(gconstpointer arg)
{
	enum recfile_kind kind = GPOINTER_TO_UINT(arg);
	g_autofree char *name = g_strdup_printf("mix.%s", recfile_suffix(kind));
	g_autofree float *mix = NULL;
	JsonNode *root;
	size_t n;

	g_assert_cmpint(in_child(until_full, kind), ==, 0);
	root = manifest();
	g_assert_cmpstr(text(json_node_get_object(root), "state"), ==, "failed");
	g_assert_cmpstr(text(json_node_get_object(root), "why"), ==, "file too large");
	mix = read_sound(name, &n);
	g_assert_cmpuint(n, >, 4800);                     /* what there is can be played */
	json_node_free(root);
	end();
}

static int until_killed(enum recfile_kind kind)
{
	begin(kind);
	is_there(1, false);
	if (ticks(500, 1, 0))
		return 1;
	return raise(SIGKILL);
}

/* A library must not make the language of whoever started us that of the process: numbers would have commas. */
static void test_locale(void)
{
	begin(RECFILE_OPUS);
	g_assert_cmpint(ticks(5, 1, 0), ==, 0);
	g_assert_cmpstr(setlocale(LC_ALL, NULL), ==, "C");
	end();
}

/* A FLAC file cut anywhere: what is left has a length, and every sample up to there is the one that was written. */
static void test_mended(void)
{
	g_autofree char *path = g_build_filename(folder, "whole.flac", NULL), *cut = g_build_filename(folder, "cut.flac", NULL);
	g_autofree char *all = NULL, *bad = g_build_filename(folder, "bad.flac", NULL);
	enum { N = 48000 };
	static float smp[N];
	struct recfile *f = NULL;
	uint32_t seed = 1;
	unsigned n_good = 0;
	size_t size;

	for (unsigned i = 0; i < N; i++)
		smp[i] = i < N / 2 ? (float)((int32_t)(seed = seed * 1664525 + 1013904223) / 4294967296.0) : 0;
	g_assert_cmpint(recfile_open(&f, path, RECFILE_FLAC, 1), ==, 0);
	g_assert_cmpint(recfile_write(f, smp, N), ==, 0);
	g_assert_cmpint(recfile_flush(f), ==, 0);
	mem_deref(f);                                     /* as a crash leaves it */
	g_assert_true(g_file_get_contents(path, &all, &size, NULL));
	for (unsigned i = 0; i < 200; i++) {
		gsize len = i ? (seed = seed * 1664525 + 1013904223) % size : size;
		SF_INFO info = { 0 };
		float got[N];
		SNDFILE *sf;
		int err;

		g_assert_true(g_file_set_contents(cut, all, (gssize)len, NULL));
		err = recfile_mend(cut);
		if (err) {
			g_assert_true(err == ENODATA || (err == EBADMSG && len < 26));
			continue;
		}
		n_good++;
		sf = sf_open(cut, SFM_READ, &info);
		g_assert_nonnull(sf);
		g_assert_cmpint(info.frames % 4096, ==, 0);
		g_assert_cmpint(info.frames, >, 0);
		g_assert_cmpint(sf_readf_float(sf, got, N), ==, info.frames);
		sf_close(sf);
		for (sf_count_t k = 0; k < info.frames; k++)
			g_assert_cmpfloat_with_epsilon(got[k], smp[k], 2e-7f);
		if (!i)
			g_assert_cmpint(info.frames, ==, 11 * 4096);
		g_assert_cmpint(recfile_mend(cut), ==, EALREADY);
	}
	g_assert_cmpuint(n_good, >, 100);
	g_assert_true(g_file_set_contents(bad, "RIFF and so on, no such thing", -1, NULL));
	g_assert_cmpint(recfile_mend(bad), ==, EBADMSG);
	g_assert_cmpint(recfile_mend("/nonexistent"), ==, ENOENT);
	g_remove(bad);
	g_remove(cut);
	g_remove(path);
}

/* libsndfile wants FLAC to have a length in its header; the decoder itself does not. */
static size_t decoded(const char *name)
{
	g_autofree char *path = g_build_filename(folder, "recordings", "one", name, NULL), *quoted = g_shell_quote(path);
	g_autofree char *cmd = g_strdup_printf("flac -s -d -c --force-raw-format --endian=little --sign=signed %s", quoted);
	size_t len, all = 0;
	char buf[65536];
	FILE *f = popen(cmd, "r");

	g_assert_nonnull(f);
	while ((len = fread(buf, 1, sizeof(buf), f)) > 0)
		all += len;
	g_assert_cmpint(pclose(f), ==, 0);
	return all / 3;
}

/* Ten seconds, and then none: at most one is missing. */
static void test_killed(gconstpointer arg)
{
	enum recfile_kind kind = GPOINTER_TO_UINT(arg);
	static const char *const names[] = { "mix", "stem-1" };
	int status = in_child(until_killed, kind);
	JsonNode *root;

	g_assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	root = manifest();
	g_assert_cmpstr(text(json_node_get_object(root), "state"), ==, "running");
	g_assert_cmpint(number(json_node_get_object(root), "samples"), >=, 48000 * 9);
	json_node_free(root);
	for (unsigned i = 0; i < 2; i++) {
		g_autofree char *name = g_strdup_printf("%s.%s", names[i], recfile_suffix(kind));
		size_t n = 0;

		if (kind == RECFILE_OPUS)
			g_free(read_sound(name, &n));
		else
			n = decoded(name);
		g_test_message("%s: %.2f of 10 s", name, (double)n / 48000);
		g_assert_cmpuint(n, >=, 48000 * 9);
		g_assert_cmpuint(n, <=, 48000 * 10);
	}
	end();
}

int main(int argc, char *argv[])
{
	int status;

	g_test_init(&argc, &argv, NULL);
	g_setenv("LC_ALL", "C.UTF-8", TRUE);
	recfile_prepare();
	folder = g_dir_make_tmp("tutti-take-XXXXXX", NULL);
	/* first what forks, while there is nothing that would not come along */
	g_test_add_data_func("/take/killed/opus", GUINT_TO_POINTER(RECFILE_OPUS), test_killed);
	g_test_add_data_func("/take/killed/flac", GUINT_TO_POINTER(RECFILE_FLAC), test_killed);
	g_test_add_data_func("/take/full/opus", GUINT_TO_POINTER(RECFILE_OPUS), test_full);
	g_test_add_data_func("/take/full/flac", GUINT_TO_POINTER(RECFILE_FLAC), test_full);
	g_test_add_func("/take/locale", test_locale);
	g_test_add_func("/take/mended", test_mended);
	g_test_add_func("/take/gaps", test_gaps);
	g_test_add_func("/take/loud", test_loud);
	g_test_add_func("/take/channels", test_channels);
	g_test_add_func("/take/members", test_members);
	g_test_add_func("/take/too-many", test_too_many);
	g_test_add_func("/take/max", test_max);
	g_test_add_func("/take/min-free", test_min_free);
	status = g_test_run();
	g_rmdir(folder);
	g_free(folder);
	return status;
}
