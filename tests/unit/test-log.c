/* Lines as an operator would read them, and what bytes of a peer may not do to them. */
#include <glib.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "control/log.h"

static GPtrArray *lines;

static void sink(const char *line, void *arg)
{
	g_ptr_array_add(arg, g_strdup(line));
}

static void begin(void)
{
	lines = g_ptr_array_new_with_free_func(g_free);
	log_set_sink(sink, lines);
	log_set_level(LOG_LV_DEBUG);
}

static void end(void)
{
	log_set_sink(NULL, NULL);
	log_set_level(LOG_LV_INFO);
	g_ptr_array_free(lines, TRUE);
}

/* The line after its time stamp. */
static const char *said(guint i)
{
	g_assert_cmpuint(i, <, lines->len);
	const char *line = g_ptr_array_index(lines, i);
	g_assert_true(g_regex_match_simple("^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z ", line, 0, 0));
	return strchr(line, ' ') + 1;
}

static void test_line(void)
{
	begin();
	log_info("call.answered", "room=%s n=%d", "band", 3);
	log_error("x", "%s", "");
	g_assert_cmpstr(said(0), ==, "info call.answered room=band n=3");
	g_assert_cmpstr(said(1), ==, "error x");
	end();
}

static void test_level(void)
{
	enum log_level lv;

	begin();
	log_set_level(LOG_LV_WARNING);
	log_info("a", "%d", 1);
	log_debug("b", "%d", 1);
	log_warning("c", "%d", 1);
	g_assert_cmpuint(lines->len, ==, 1);
	g_assert_cmpstr(said(0), ==, "warning c 1");
	g_assert_cmpint(log_level_parse(&lv, "debug"), ==, 0);
	g_assert_cmpint(lv, ==, LOG_LV_DEBUG);
	g_assert_cmpint(log_level_parse(&lv, "loud"), !=, 0);
	end();
}

static void test_quote(void)
{
	static const struct { const char *in; size_t len, size; const char *out; } row[] = {
		{ "sip:ann@x", 9, 64, "\"sip:ann@x\"" },
		{ "a\"b\\c", 5, 64, "\"a\\\"b\\\\c\"" },
		{ "a\r\nb\0c", 6, 64, "\"a\\x0d\\x0ab\\x00c\"" },
		{ "\x1b[2J", 4, 64, "\"\\x1b[2J\"" },
		{ "Jos\xc3\xa9", 5, 64, "\"Jos\xc3\xa9\"" },
		{ "\xc3", 1, 64, "\"\\xc3\"" },                             /* cut short */
		{ "\xc0\xaf", 2, 64, "\"\\xc0\\xaf\"" },                    /* overlong */
		{ "\xc2\x9b", 2, 64, "\"\\xc2\\x9b\"" },                    /* C1: CSI */
		{ "\xe2\x80\xae" "x", 4, 64, "\"\\xe2\\x80\\xaex\"" },      /* right-to-left override */
		{ "abcdef", 6, 6, "\"abc\"" },
		{ "ab\ncdef", 7, 8, "\"ab\"" },                             /* no half escape */
		{ "abc", 3, 2, "" },
		{ NULL, 5, 8, "\"\"" },
		{ "%s%n%n", 6, 64, "\"%s%n%n\"" },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(row); i++) {
		char buf[64];
		g_assert_cmpstr(log_quote(buf, row[i].size, row[i].in, row[i].len), ==, row[i].out);
	}
}

static void test_one_line(void)
{
	char big[5000];

	begin();
	log_info("t", "name=%s", "a\nfake line\x1b[0m");
	g_assert_cmpstr(said(0), ==, "info t name=a\\x0afake line\\x1b[0m");
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	log_info("t", "%s", big);
	g_assert_cmpuint(strlen(g_ptr_array_index(lines, 1)), <=, 2048);
	end();
}

static guint count(const char *needle)
{
	guint n = 0;

	for (guint i = 0; i < lines->len; i++)
		n += strstr(g_ptr_array_index(lines, i), needle) != NULL;
	return n;
}

/* Whatever is said is either written or counted. */
static void test_limit(void)
{
	guint told = 0;

	begin();
	for (int i = 0; i < 1000; i++)
		log_info("flood.here", "i=%d", i);
	log_info("other.thing", "%s", "passes");
	g_assert_cmpuint(count("other.thing passes"), ==, 1);
	g_assert_cmpuint(count(" flood.here "), >=, 50);
	g_assert_cmpuint(count(" flood.here "), <=, 150);         /* the second may have turned meanwhile */
	g_usleep(1100 * 1000);
	log_info("other.thing", "%s", "later");
	for (guint i = 0; i < lines->len; i++) {
		unsigned n;
		const char *p = strstr(g_ptr_array_index(lines, i), "log.suppressed what=flood.here lines=");
		if (p && sscanf(p, "log.suppressed what=flood.here lines=%u", &n) == 1)
			told += n;
	}
	g_assert_cmpuint(count(" flood.here i=") + told, ==, 1000);
	end();
}

static void test_security(void)
{
	begin();
	log_security("auth-failed", "INVITE", "ann\" from=1.2.3.4", "192.0.2.9", 5060, "udp");
	g_assert_cmpstr(said(0), ==, "warning security action=auth-failed method=INVITE user=\"ann\\\" from=1.2.3.4\" "
				     "from=192.0.2.9 port=5060 transport=udp");
	for (int i = 0; i < 200; i++)
		log_security("auth-failed", "INVITE", "x", "192.0.2.66", 1, "udp");
	log_security("auth-failed", "INVITE", "y", "192.0.2.67", 1, "udp");
	g_assert_cmpuint(count("from=192.0.2.67"), ==, 1);        /* a flood from one hides no other */
	end();
}

static void test_write(void)
{
	int fd[2], saved = dup(2);
	char buf[512];

	g_assert_cmpint(pipe(fd), ==, 0);
	dup2(fd[1], 2);
	log_info("to.stderr", "a=%d", 1);
	dup2(saved, 2);
	ssize_t n = read(fd[0], buf, sizeof(buf) - 1);
	g_assert_cmpint(n, >, 0);
	buf[n] = '\0';
	g_assert_true(g_str_has_suffix(buf, "info to.stderr a=1\n"));
	close(fd[0]);
	close(fd[1]);
	close(saved);
}

static void *shout(void *arg)
{
	for (int i = 0; i < 2000; i++)
		log_info("threads", "i=%d", i);
	return NULL;
}

static void test_threads(void)
{
	pthread_t t[4];

	begin();
	for (int i = 0; i < 4; i++)
		pthread_create(&t[i], NULL, shout, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	for (guint i = 0; i < lines->len; i++)
		said(i);
	end();
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/log/line", test_line);
	g_test_add_func("/log/level", test_level);
	g_test_add_func("/log/quote", test_quote);
	g_test_add_func("/log/one-line", test_one_line);
	g_test_add_func("/log/limit", test_limit);
	g_test_add_func("/log/security", test_security);
	g_test_add_func("/log/write", test_write);
	g_test_add_func("/log/threads", test_threads);
	return g_test_run();
}
