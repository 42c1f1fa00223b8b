/* test-orders.c - what a script writes, in whatever pieces, as acts; what is wrong, as words. */
#include <errno.h>
#include <glib.h>
#include <re.h>
#include <string.h>
#include <unistd.h>
#include "client/orders.h"
#include "control/loop.h"

static GString *seen;
static struct orders *orders;
static int pipe_fd[2];
static struct tmr guard, step;
static const char *const *pieces;
static int refuse;

static int do_act(const struct act *a, void *arg)
{
	(void)arg;
	g_string_append_printf(seen, "[%d %s%s]", a->kind, a->name, a->text);
	if (a->kind == ACT_LEAVE)
		loop_stop();
	return refuse;
}

static void wrong(const char *why, void *arg)
{
	(void)arg;
	g_string_append_printf(seen, "(%s)", why);
}

static void too_long(void *arg)
{
	(void)arg;
	g_string_append(seen, "TIME");
	loop_stop();
}

static void write_next(void *arg)
{
	(void)arg;
	if (!*pieces)
		return;
	g_assert_cmpint(write(pipe_fd[1], *pieces, strlen(*pieces)), ==, (ssize_t)strlen(*pieces));
	pieces++;
	tmr_start(&step, 2, write_next, NULL);
}

static void run(const char *const list[], int fd)
{
	seen = g_string_new(NULL);
	pieces = list;
	g_assert_cmpint(orders_alloc(&orders, fd, do_act, wrong, NULL, NULL), ==, 0);
	tmr_start(&guard, 10000, too_long, NULL);
	tmr_start(&step, 0, write_next, NULL);
	loop_run(NULL);
	tmr_cancel(&guard);
	tmr_cancel(&step);
	orders = mem_deref(orders);
}

static void check(const char *want)
{
	g_assert_cmpstr(seen->str, ==, want);
	g_string_free(seen, TRUE);
}

static void test_pieces(void)
{
	static const char *const list[] = {"mu", "te on\nmix an", "na -6\r\n\n# no\nju", "mp\nsay a", "b\nleave\n", NULL};

	g_assert_cmpint(pipe(pipe_fd), ==, 0);
	run(list, pipe_fd[0]);
	check("[0 ][11 anna](no such command: jump)[17 ab][18 ]");
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}

/* A line without an end is complained of once, and what follows it is read. */
static void test_long(void)
{
	g_autofree char *x = g_strnfill(5000, 'x');
	const char *const list[] = {x, x, "\nmute on\nleave\n", NULL};

	g_assert_cmpint(pipe(pipe_fd), ==, 0);
	run(list, pipe_fd[0]);
	check("(too long a line)[0 ][18 ]");
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}

static void test_refused(void)
{
	static const char *const list[] = {"mix nobody 3\nleave\n", NULL};

	g_assert_cmpint(pipe(pipe_fd), ==, 0);
	refuse = ENOENT;
	run(list, pipe_fd[0]);
	refuse = 0;
	check("[11 nobody](mix nobody 3: no such player)[18 ](leave: no such player)");
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}

/* A file cannot be waited for, and is read all the same; its end is no order. */
static void test_file(void)
{
	static const char *const none[] = {NULL};
	g_autofree char *path = NULL;
	int fd = g_file_open_tmp("orders-XXXXXX", &path, NULL);

	g_assert_cmpint(write(fd, "mute on\nleave\n", 14), ==, 14);
	g_assert_cmpint(lseek(fd, 0, SEEK_SET), ==, 0);
	run(none, fd);
	check("[0 ][18 ]");
	close(fd);
	unlink(path);
}

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	g_assert_cmpint(loop_init(), ==, 0);
	g_test_add_func("/orders/pieces", test_pieces);
	g_test_add_func("/orders/long", test_long);
	g_test_add_func("/orders/refused", test_refused);
	g_test_add_func("/orders/file", test_file);
	status = g_test_run();
	loop_close();
	return status;
}
