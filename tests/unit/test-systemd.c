/* test-systemd.c - what arrives at the socket systemd listens on. */
#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "server/systemd.h"

/* A datagram socket in the abstract name space; its name as systemd writes it goes to NOTIFY_SOCKET. */
static int listen_here(void)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	char *name = g_strdup_printf("@tutti-test-%d", (int)getpid());
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	g_assert_cmpint(fd, >=, 0);
	memcpy(un.sun_path + 1, name + 1, strlen(name) - 1);
	g_assert_cmpint(bind(fd, (struct sockaddr *)&un,
			     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))), ==, 0);
	g_setenv("NOTIFY_SOCKET", name, TRUE);
	g_free(name);
	return fd;
}

static void test_notify(void)
{
	char buf[256] = "";
	int fd = listen_here();

	g_assert_cmpint(systemd_notify("READY=1"), ==, 0);
	g_assert_cmpint(recv(fd, buf, sizeof(buf) - 1, 0), ==, 7);
	g_assert_cmpstr(buf, ==, "READY=1");

	memset(buf, 0, sizeof(buf));
	g_assert_cmpint(systemd_notify("RELOADING=1"), ==, 0);
	g_assert_cmpint(recv(fd, buf, sizeof(buf) - 1, 0), >, 0);
	g_assert_true(g_str_has_prefix(buf, "RELOADING=1\nMONOTONIC_USEC="));
	g_assert_cmpuint(g_ascii_strtoull(strrchr(buf, '=') + 1, NULL, 10), >, 0);
	close(fd);
}

/* The control thread must not hang on a manager that hangs. */
static void test_full(void)
{
	int fd = listen_here(), err = 0;

	for (unsigned i = 0; i < 100000 && !err; ++i)
		err = systemd_notify("WATCHDOG=1");
	g_assert_cmpint(err, ==, EAGAIN);
	close(fd);
}

static void test_nobody(void)
{
	g_unsetenv("NOTIFY_SOCKET");
	g_assert_cmpint(systemd_notify("READY=1"), ==, 0);
	g_setenv("NOTIFY_SOCKET", "relative", TRUE);
	g_assert_cmpint(systemd_notify("READY=1"), ==, EINVAL);
	g_setenv("NOTIFY_SOCKET", "/nonexistent/socket", TRUE);
	g_assert_cmpint(systemd_notify("READY=1"), ==, ENOENT);
}

static void test_watchdog(void)
{
	char *pid = g_strdup_printf("%d", (int)getpid());

	g_unsetenv("WATCHDOG_USEC");
	g_assert_cmpuint(systemd_watchdog_us(), ==, 0);
	g_setenv("WATCHDOG_USEC", "30000000", TRUE);
	g_assert_cmpuint(systemd_watchdog_us(), ==, 30000000);
	g_setenv("WATCHDOG_PID", pid, TRUE);
	g_assert_cmpuint(systemd_watchdog_us(), ==, 30000000);
	g_setenv("WATCHDOG_PID", "1", TRUE);
	g_assert_cmpuint(systemd_watchdog_us(), ==, 0);
	g_free(pid);
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/systemd/notify", test_notify);
	g_test_add_func("/systemd/full", test_full);
	g_test_add_func("/systemd/nobody", test_nobody);
	g_test_add_func("/systemd/watchdog", test_watchdog);
	return g_test_run();
}
