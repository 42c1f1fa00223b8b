/*
 * test-oscport.c - the local port: who is heard, who is answered, what is refused.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <glib.h>
#include <re.h>
#include "client/oscport.h"

static const uint8_t ping[] = "/ping\0\0\0,\0\0";         /* with the literal's own NUL 12 octets */
static unsigned n_heard;

static void heard(const uint8_t *osc, size_t len, void *arg)
{
	(void)arg;
	g_assert_cmpmem(osc, len, ping, 12);
	n_heard++;
}

static int program(uint16_t *port)
{
	struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof(own);

	g_assert_cmpint(bind(fd, (struct sockaddr *)&own, sizeof(own)), ==, 0);
	g_assert_cmpint(getsockname(fd, (struct sockaddr *)&own, &len), ==, 0);
	*port = ntohs(own.sin_port);
	return fd;
}

static void sends(int fd, const struct oscport *to, const void *buf, size_t len)
{
	const struct sockaddr_in sin = {.sin_family = AF_INET, .sin_port = htons(oscport_port(to)), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	g_assert_cmpint(sendto(fd, buf, len, 0, (const struct sockaddr *)&sin, sizeof(sin)), ==, (ssize_t)len);
}

static bool gets(int fd)
{
	uint8_t buf[64];

	return recv(fd, buf, sizeof(buf), MSG_DONTWAIT) == 12;
}

/* Who sent last is told; who sends noise is not. */
static void test_learns(void)
{
	static const char big[OSCPORT_DGRAM_MAX + 4];
	const struct oscport_conf conf = {.by_hand = true, .h = heard};
	uint16_t port;
	const int one = program(&port), two = program(&port);
	struct oscport_stats st;
	struct oscport *o;

	n_heard = 0;
	g_assert_cmpint(oscport_alloc(&o, &conf), ==, 0);
	g_assert_cmpint(oscport_send(o, ping, 12), ==, ENOTCONN);
	sends(one, o, ping, 12);
	oscport_read(o);
	g_assert_cmpint(oscport_send(o, ping, 12), ==, 0);
	g_assert_true(gets(one));
	sends(two, o, "noise", 5);
	sends(two, o, big, sizeof(big));
	oscport_read(o);
	g_assert_cmpint(oscport_send(o, ping, 12), ==, 0);
	g_assert_true(gets(one));
	sends(two, o, ping, 12);
	oscport_read(o);
	g_assert_cmpint(oscport_send(o, ping, 12), ==, 0);
	g_assert_true(gets(two));
	g_assert_false(gets(one));
	oscport_stats(o, &st);
	g_assert_cmpuint(st.in, ==, 2);
	g_assert_cmpuint(st.bad, ==, 2);
	g_assert_cmpuint(st.out, ==, 3);
	g_assert_cmpuint(n_heard, ==, 2);
	close(one);
	close(two);
	mem_deref(o);
}

static void test_to(void)
{
	struct oscport_conf conf = {.by_hand = true, .h = heard};
	uint16_t port, other;
	const int one = program(&port), two = program(&other);
	struct oscport *o;
	char to[64];

	for (int i = 0; i < 4; i++) {
		static const char *const form[] = {"127.0.0.1:", "localhost:", ":", ""};

		g_snprintf(to, sizeof(to), "%s%u", form[i], port);
		conf.to = to;
		g_assert_cmpint(oscport_alloc(&o, &conf), ==, 0);
		sends(two, o, ping, 12);
		oscport_read(o);
		g_assert_cmpint(oscport_send(o, ping, 12), ==, 0);
		g_assert_true(gets(one));
		g_assert_false(gets(two));
		mem_deref(o);
	}
	close(one);
	close(two);
}

static void test_refused(void)
{
	static const char *const bad[] = {"127.0.0.1:", "127.0.0.1:0", "127.0.0.1:70000", "somewhere:9000", "::1:9000x", "127.0.0.1:9000 "};
	struct oscport_conf conf = {.by_hand = true, .h = heard};
	struct oscport *o, *second;
	char to[32];

	for (unsigned i = 0; i < G_N_ELEMENTS(bad); i++) {
		conf.to = bad[i];
		g_assert_cmpint(oscport_alloc(&o, &conf), ==, EINVAL);
	}
	conf.to = NULL;
	g_assert_cmpint(oscport_alloc(&o, &conf), ==, 0);
	conf.port = oscport_port(o);
	g_assert_cmpint(oscport_alloc(&second, &conf), ==, EADDRINUSE);
	mem_deref(o);
	g_snprintf(to, sizeof(to), ":%u", conf.port);
	conf.to = to;
	g_assert_cmpint(oscport_alloc(&o, &conf), ==, EINVAL);    /* itself */
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/oscport/learns", test_learns);
	g_test_add_func("/oscport/to", test_to);
	g_test_add_func("/oscport/refused", test_refused);
	return g_test_run();
}
