/*
 * test-identity.c - the number by which a room knows us again.
 */
#include <glib.h>
#include <glib/gstdio.h>
#include <re.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "client/identity.h"

static char *dir;

/* The number that a program gets which starts now; it ends when told to by `go`. */
static uint32_t in_a_child(pid_t *pid, int go[2])
{
	int said[2];
	uint32_t n = 0;

	g_assert_cmpint(pipe(said), ==, 0);
	if (go)
		g_assert_cmpint(pipe(go), ==, 0);
	*pid = fork();
	g_assert_cmpint(*pid, >=, 0);
	if (!*pid) {
		char c;

		n = identity_take();
		if (write(said[1], &n, sizeof(n)) != sizeof(n))
			_exit(1);
		if (go) {
			close(go[1]);
			(void)!read(go[0], &c, 1);
		}
		_exit(0);
	}
	g_assert_cmpint(read(said[0], &n, sizeof(n)), ==, sizeof(n));
	close(said[0]);
	close(said[1]);
	return n;
}

static void ends(pid_t pid, int go[2])
{
	int st;

	if (go) {
		close(go[0]);
		close(go[1]);
	}
	g_assert_cmpint(waitpid(pid, &st, 0), ==, pid);
	g_assert_cmpint(st, ==, 0);
}

static void test_again(void)
{
	pid_t pid;
	uint32_t first = in_a_child(&pid, NULL), second;

	ends(pid, NULL);
	second = in_a_child(&pid, NULL);
	ends(pid, NULL);
	g_assert_cmpuint(first, !=, 0);
	g_assert_cmpuint(second, ==, first);
}

static void test_two_at_once(void)
{
	pid_t a, b, c;
	int go[2];
	uint32_t one = in_a_child(&a, go), two = in_a_child(&b, NULL), three;

	ends(b, NULL);
	g_assert_cmpuint(two, !=, one);
	three = in_a_child(&c, NULL);
	ends(c, NULL);
	g_assert_cmpuint(three, ==, two);
	ends(a, go);
}

/* Rubbish in the file, and nowhere to keep anything. */
static void test_nowhere(void)
{
	g_autofree char *path = g_build_filename(dir, "tutti", "join-1", NULL);
	pid_t pid;
	uint32_t n;

	g_assert_true(g_file_set_contents(path, "no number", -1, NULL));
	n = in_a_child(&pid, NULL);
	ends(pid, NULL);
	g_assert_cmpuint(n, !=, 0);
	g_setenv("XDG_STATE_HOME", "/proc/nowhere", TRUE);
	n = in_a_child(&pid, NULL);
	ends(pid, NULL);
	g_assert_cmpuint(n, !=, 0);
	g_setenv("XDG_STATE_HOME", dir, TRUE);
}

static char *section_in(const char *room)
{
	char s[33];

	identity_section(s, sizeof(s), room);
	return g_strdup(s);
}

#define SECTION(room, want)                                                                                            \
	do {                                                                                                           \
		g_autofree char *got = section_in(room);                                                               \
		if (strcmp(got, want))                                                                                 \
			_exit(__LINE__ % 256);                                                                         \
	} while (0)

/* Exit status 0: what the child expects is so. */
static void child(void (*run)(void))
{
	pid_t pid = fork();

	g_assert_cmpint(pid, >=, 0);
	if (!pid) {
		(void)identity_take();
		run();
		_exit(0);
	}
	ends(pid, NULL);
}

static void keeps(void)
{
	SECTION("band@host", "");
	identity_keep_section("band@host", "brass");
	identity_keep_section("other@host", "first violins");
	identity_keep_section("band@host2", "reeds");
	identity_keep_section("bad room", "x");
	identity_keep_section("band@host", "a\nb");
	SECTION("band@host", "brass");
}

static void finds(void)
{
	SECTION("band@host", "brass");
	SECTION("other@host", "first violins");
	SECTION("band@host2", "reeds");
	SECTION("band", "");
	identity_keep_section("band@host", "");
	SECTION("band@host", "");
	SECTION("band@host2", "reeds");
}

static void many_rooms(void)
{
	char room[32];

	for (int i = 0; i < 2 * IDENTITY_ROOMS; i++) {
		g_snprintf(room, sizeof(room), "r%d@host", i);
		identity_keep_section(room, "s");
	}
	SECTION("r7@host", "");
	SECTION("r8@host", "s");
	SECTION("r15@host", "s");
	SECTION("other@host", "");
}

/* The number stays what it was. */
static void test_sections(void)
{
	pid_t pid;
	uint32_t first = in_a_child(&pid, NULL), last;

	ends(pid, NULL);
	child(keeps);
	child(finds);
	child(many_rooms);
	last = in_a_child(&pid, NULL);
	ends(pid, NULL);
	g_assert_cmpuint(last, ==, first);
}

int main(int argc, char **argv)
{
	int err;

	g_test_init(&argc, &argv, NULL);
	dir = g_dir_make_tmp("tutti-identity-XXXXXX", NULL);
	g_assert_nonnull(dir);
	g_setenv("XDG_STATE_HOME", dir, TRUE);
	g_test_add_func("/identity/again", test_again);
	g_test_add_func("/identity/two-at-once", test_two_at_once);
	g_test_add_func("/identity/nowhere", test_nowhere);
	g_test_add_func("/identity/sections", test_sections);
	err = g_test_run();
	for (int i = 1; i <= 2; i++) {
		g_autofree char *path = g_strdup_printf("%s/tutti/join-%d", dir, i);

		(void)g_unlink(path);
	}
	{
		g_autofree char *sub = g_build_filename(dir, "tutti", NULL);

		(void)g_rmdir(sub);
	}
	(void)g_rmdir(dir);
	g_free(dir);
	return err;
}
