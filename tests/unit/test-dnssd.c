/* The loop as Avahi wants it, used as Avahi and D-Bus do; names; a machine without a daemon. */
#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <re.h>
#include "control/log.h"
#include "control/loop.h"
#include "osc/avahipoll.h"
#include "osc/dnssd.h"

static struct user {
	struct avahipoll *poll;
	const AvahiPoll *api;
	int fd[2];
	AvahiWatch *in, *out, *third;
	unsigned reads, writes, thirds, fires;
	AvahiTimeout *timeout;
} user;

static void begin(void)
{
	memset(&user, 0, sizeof(user));
	g_assert_cmpint(loop_init(), ==, 0);
	g_assert_cmpint(avahipoll_alloc(&user.poll), ==, 0);
	user.api = avahipoll_api(user.poll);
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, user.fd), ==, 0);
}

static void end(void)
{
	user.poll = mem_deref(user.poll);
	close(user.fd[0]);
	close(user.fd[1]);
	loop_close();
}

static void read_handler(AvahiWatch *w, int fd, AvahiWatchEvent event, void *arg)
{
	char c;

	g_assert_true(w == user.in && arg == &user && fd == user.fd[0]);
	g_assert_true(event & AVAHI_WATCH_IN);
	g_assert_cmpint(user.api->watch_get_events(w), ==, event);
	g_assert_cmpint(read(fd, &c, 1), ==, 1);
	user.reads++;
	if (c == 'q')
		loop_stop();
}

/* Writable always: it says so once and then wants nothing, as D-Bus does when its queue is empty. */
static void write_handler(AvahiWatch *w, int fd, AvahiWatchEvent event, void *arg)
{
	g_assert_cmpint(event, ==, AVAHI_WATCH_OUT);
	user.writes++;
	user.api->watch_update(w, (AvahiWatchEvent)0);
	g_assert_cmpint(write(user.fd[1], "q", 1), ==, 1);
}

static void test_two_watches_of_one_socket(void)
{
	begin();
	user.in = user.api->watch_new(user.api, user.fd[0], AVAHI_WATCH_IN, read_handler, &user);
	user.out = user.api->watch_new(user.api, user.fd[0], AVAHI_WATCH_OUT, write_handler, &user);
	g_assert_cmpint(loop_run(NULL), ==, 0);
	g_assert_cmpuint(user.reads, ==, 1);
	g_assert_cmpuint(user.writes, ==, 1);

	user.api->watch_update(user.out, AVAHI_WATCH_OUT);
	g_assert_cmpint(loop_run(NULL), ==, 0);
	g_assert_cmpuint(user.reads, ==, 2);
	g_assert_cmpuint(user.writes, ==, 2);

	/* One goes, the other stays. */
	user.api->watch_free(user.out);
	g_assert_cmpint(write(user.fd[1], "q", 1), ==, 1);
	g_assert_cmpint(loop_run(NULL), ==, 0);
	g_assert_cmpuint(user.reads, ==, 3);
	user.api->watch_free(user.in);
	end();
}

/* Whoever is told first frees the others and itself, as D-Bus does when the daemon hangs up, and opens another on the same
 * descriptor. */
static void free_all_handler(AvahiWatch *w, int fd, AvahiWatchEvent event, void *arg)
{
	g_assert_true(event & AVAHI_WATCH_HUP);
	user.thirds++;
	user.api->watch_free(user.in);
	user.api->watch_free(user.out);
	user.api->watch_free(user.third);
	close(user.fd[0]);
	close(user.fd[1]);
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, user.fd), ==, 0);
	g_assert_true(fd == user.fd[0] || fd == user.fd[1]);
	if (fd != user.fd[0]) {
		user.fd[1] = user.fd[0];
		user.fd[0] = fd;
	}
	user.in = user.api->watch_new(user.api, fd, AVAHI_WATCH_IN, read_handler, &user);
	g_assert_cmpint(write(user.fd[1], "q", 1), ==, 1);
}

static void test_freed_while_told(void)
{
	begin();
	user.in = user.api->watch_new(user.api, user.fd[0], AVAHI_WATCH_IN, free_all_handler, &user);
	user.out = user.api->watch_new(user.api, user.fd[0], AVAHI_WATCH_IN, free_all_handler, &user);
	user.third = user.api->watch_new(user.api, user.fd[0], (AvahiWatchEvent)(AVAHI_WATCH_IN | AVAHI_WATCH_HUP), free_all_handler, &user);
	g_assert_cmpint(shutdown(user.fd[1], SHUT_RDWR), ==, 0);
	g_assert_cmpint(loop_run(NULL), ==, 0);
	g_assert_cmpuint(user.thirds, ==, 1);
	g_assert_cmpuint(user.reads, ==, 1);
	user.api->watch_free(user.in);
	end();
}

static struct timeval in_ms(int ms)
{
	struct timeval tv, more = {.tv_usec = ms * 1000};

	gettimeofday(&tv, NULL);
	timeradd(&tv, &more, &tv);
	return tv;
}

static void timeout_handler(AvahiTimeout *t, void *arg)
{
	struct timeval tv = in_ms(1);

	g_assert_true(t == user.timeout && arg == &user);
	if (++user.fires == 3) {
		user.api->timeout_free(t);
		loop_stop();
		return;
	}
	user.api->timeout_update(t, &tv);
}

static void never(AvahiTimeout *t, void *arg)
{
	g_assert_not_reached();
}

static void test_timeouts(void)
{
	const struct timeval past = {.tv_sec = 1};
	AvahiTimeout *idle, *off;

	begin();
	idle = user.api->timeout_new(user.api, NULL, never, NULL);
	off = user.api->timeout_new(user.api, &past, never, NULL);
	user.api->timeout_update(off, NULL);
	user.timeout = user.api->timeout_new(user.api, &past, timeout_handler, &user);
	g_assert_cmpint(loop_run(NULL), ==, 0);
	g_assert_cmpuint(user.fires, ==, 3);
	user.api->timeout_free(idle);
	user.api->timeout_free(off);
	end();
}

static void test_names(void)
{
	static const struct { const char *what, *host, *name; } row[] = {
		{"band", "loft", "band on loft"},
		{"band", "", "band"},
		{"a-room-with-a-name-that-is-as-long-as-a-room-s-name-may-be-and-more", "loft",
			"a-room-with-a-name-that-is-as-long-as-a-room-s-name-may on loft"},
		{"b", "a-host-with-a-name-that-is-as-long-as-a-host-s-name-may-be-and-more",
			"b on a-host-with-a-name-that-is-as-long-as-a-host-s-name-may-be"},
		{"öööööööööööööööööööööööööööööööö", "loft", "ööööööööööööööööööööööööööö on loft"},
	};

	for (size_t i = 0; i < G_N_ELEMENTS(row); i++) {
		char name[DNSSD_NAME_MAX + 1];

		dnssd_name(name, row[i].what, row[i].host);
		g_assert_cmpuint(strlen(name), <=, DNSSD_NAME_MAX);
		g_assert_true(g_utf8_validate(name, -1, NULL));
		g_assert_cmpstr(name, ==, row[i].name);
	}
}

static unsigned absent;

static void sink(const char *line, void *arg)
{
	absent += strstr(line, "dnssd.absent") != NULL;
}

static void stop(void *arg)
{
	loop_stop();
}

/* No D-Bus at all: said once, and nothing else is different. */
static void test_without_a_daemon(void)
{
	const char *const txt[] = {"txtvers=1", NULL};
	struct dnssd_entry *e = NULL, *late = NULL;
	struct dnssd *d = NULL;
	struct tmr tmr;

	g_setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", true);
	log_set_sink(sink, NULL);
	absent = 0;
	g_assert_cmpint(loop_init(), ==, 0);
	g_assert_cmpint(dnssd_alloc(&d), ==, 0);
	g_assert_cmpint(dnssd_register(&e, d, "band", "_apple-midi._udp", 5004, txt), ==, 0);
	g_assert_cmpint(dnssd_register(&late, d, "", "_apple-midi._udp", 5004, NULL), ==, EINVAL);
	g_assert_cmpint(dnssd_register(&late, d, "band", "_apple-midi._udp", 0, NULL), ==, EINVAL);
	tmr_init(&tmr);
	tmr_start(&tmr, 50, stop, NULL);
	g_assert_cmpint(loop_run(NULL), ==, 0);
	g_assert_cmpuint(absent, ==, 1);
	g_assert_cmpint(dnssd_register(&late, d, "choir", "_osc._udp", 9000, NULL), ==, 0);
	mem_deref(late);
	mem_deref(d);
	mem_deref(e);                     /* may outlive it */
	loop_close();
	log_set_sink(NULL, NULL);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/dnssd/two watches of one socket", test_two_watches_of_one_socket);
	g_test_add_func("/dnssd/freed while told", test_freed_while_told);
	g_test_add_func("/dnssd/timeouts", test_timeouts);
	g_test_add_func("/dnssd/names", test_names);
	g_test_add_func("/dnssd/without a daemon", test_without_a_daemon);
	return g_test_run();
}
