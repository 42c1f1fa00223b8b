/*
 * test-login.c - who may play without SIP: secrets, addresses, names and ports, and who guesses.
 */
#include <errno.h>
#include <glib.h>
#include <re.h>
#include <string.h>

#include "osc/login.h"
#include "osc/osc.h"

static struct logins *logins;
static struct addrlist list;

static void set_up(void)
{
	logins = g_new0(struct logins, 1);
	g_assert_cmpint(addrlist_read(&list, "192.0.2.0/24"), ==, 0);
	logins->secret = "a good secret";
	logins->list   = &list;
}

static void tear_down(void)
{
	g_clear_pointer(&logins, g_free);
}

static enum login_verdict judge(struct login *login, const char *from, const uint8_t *pkt, size_t len, uint64_t now_ms)
{
	struct sa sa;
	uint8_t *exact = g_memdup2(pkt, len);
	enum login_verdict v;

	g_assert_cmpint(sa_set_str(&sa, from, 4000), ==, 0);
	v = login_judge(login, logins, &sa, exact, len, now_ms);
	g_free(exact);
	return v;
}

/* /tutti/login with these arguments; port 0: without it. */
static enum login_verdict say(struct login *login, const char *from, const char *secret, const char *name, int port, uint64_t now_ms)
{
	const struct osc_arg args[] = {{'s', .v.s = secret}, {'s', .v.s = name}, {'i', .v.i = port}};
	struct osc_writer w;
	uint8_t buf[512];
	size_t len;

	osc_w_init(&w, buf, sizeof(buf));
	osc_w_msg(&w, "/tutti/login", args, name ? port ? 3 : 2 : 1);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	return judge(login, from, buf, len, now_ms);
}

static void test_secret(void)
{
	struct login in;

	set_up();
	g_assert_cmpint(say(&in, "203.0.113.1", "a good secret", NULL, 0, 0), ==, LOGIN_IN);
	g_assert_true(in.said);
	g_assert_cmpstr(in.name, ==, "");
	g_assert_cmpuint(in.port, ==, 0);
	g_assert_cmpint(say(&in, "203.0.113.1", "a good secret", "anna", 9001, 0), ==, LOGIN_IN);
	g_assert_cmpstr(in.name, ==, "anna");
	g_assert_cmpuint(in.port, ==, 9001);
	/* a name that may be none is treated as absent, one that is only too long is cut */
	g_assert_cmpint(say(&in, "203.0.113.1", "a good secret", "_anna", 0, 0), ==, LOGIN_IN);
	g_assert_cmpstr(in.name, ==, "");
	g_assert_cmpint(say(&in, "203.0.113.1", "a good secret", "a/b", 0, 0), ==, LOGIN_IN);
	g_assert_cmpstr(in.name, ==, "");
	g_assert_cmpint(say(&in, "203.0.113.1", "a good secret", "abcdefghijklmnopqrstuvwxyz0123456789", 0, 0), ==, LOGIN_IN);
	g_assert_cmpstr(in.name, ==, "abcdefghijklmnopqrstuvwxyz012345");
	g_assert_cmpint(say(&in, "203.0.113.1", "a good secret", "anna", 65536, 0), ==, LOGIN_NOTHING);
	g_assert_cmpint(say(&in, "203.0.113.1", "a good secret", "anna", -1, 0), ==, LOGIN_NOTHING);
	g_assert_cmpint(say(&in, "203.0.113.1", "a good secre", NULL, 0, 0), ==, LOGIN_REFUSED);
	g_assert_cmpint(say(&in, "203.0.113.1", "", NULL, 0, 0), ==, LOGIN_REFUSED);

	/* without one, nobody comes in by none */
	logins->secret = "";
	g_assert_cmpint(say(&in, "203.0.113.2", "", NULL, 0, 0), ==, LOGIN_NOTHING);
	logins->secret = NULL;
	g_assert_cmpint(say(&in, "203.0.113.2", "", NULL, 0, 0), ==, LOGIN_NOTHING);
	tear_down();
}

static void test_listed(void)
{
	static const uint8_t gesture[] = "/fader\0\0,f\0\0\0\0\0", bad[] = "/fader\0\0,f\0\0";
	struct login in;

	set_up();
	g_assert_cmpint(judge(&in, "192.0.2.7", gesture, 16, 0), ==, LOGIN_IN);
	g_assert_false(in.said);
	g_assert_cmpint(say(&in, "192.0.2.7", "whatever", "desk", 0, 0), ==, LOGIN_IN);
	g_assert_cmpstr(in.name, ==, "desk");
	g_assert_cmpint(judge(&in, "192.0.2.7", bad, 12, 0), ==, LOGIN_NOTHING);
	g_assert_cmpint(judge(&in, "192.0.3.7", gesture, 16, 0), ==, LOGIN_NOTHING);
	logins->list = NULL;
	g_assert_cmpint(judge(&in, "192.0.2.7", gesture, 16, 0), ==, LOGIN_NOTHING);
	tear_down();
}

/* Other forms are no logins, and not counted as wrong ones. */
static void test_forms(void)
{
	static const char *const tags[] = {"", "i", "S", "sss", "ssss", "ssf", "ssii", "ssiss", "b", "[s]"};
	struct login in;

	set_up();
	for (unsigned i = 0; i < 3 * G_N_ELEMENTS(tags); i++) {
		const char *t = tags[i % G_N_ELEMENTS(tags)];
		struct osc_arg args[5] = {{0}};
		struct osc_writer w;
		uint8_t buf[128];
		size_t len;

		for (unsigned k = 0; t[k]; k++) {
			args[k].tag = t[k];
			if (t[k] == 's' || t[k] == 'S')
				args[k].v.s = "a good secret";
			if (t[k] == 'b')
				args[k].v.b.p = (const uint8_t *)"x", args[k].v.b.len = 1;
		}
		osc_w_init(&w, buf, sizeof(buf));
		osc_w_msg(&w, "/tutti/login", args, strlen(t));
		g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
		g_assert_cmpint(judge(&in, "203.0.113.1", buf, len, 0), ==, LOGIN_NOTHING);
	}
	g_assert_cmpint(say(&in, "203.0.113.1", "a good secret", NULL, 0, 0), ==, LOGIN_IN);
	tear_down();
}

/* How it wants to hear the others, with a port and without. */
static void test_view(void)
{
	static const struct {
		const char *tags, *view;
		int port;
		enum login_verdict verdict;
		enum osc_view is;
	} rows[] = {
		{"ss", "", 0, LOGIN_IN, VIEW_PREFIX},
		{"sss", "flat", 0, LOGIN_IN, VIEW_FLAT},
		{"sss", "prefix", 0, LOGIN_IN, VIEW_PREFIX},
		{"sss", "source", 0, LOGIN_NOTHING, VIEW_PREFIX},
		{"sss", "", 0, LOGIN_NOTHING, VIEW_PREFIX},
		{"sss", "flatter", 0, LOGIN_NOTHING, VIEW_PREFIX},
		{"ssi", "", 57110, LOGIN_IN, VIEW_PREFIX},
		{"ssis", "flat", 57110, LOGIN_IN, VIEW_FLAT},
		{"ssis", "prefix", 57110, LOGIN_IN, VIEW_PREFIX},
		{"ssis", "flat", 0, LOGIN_NOTHING, VIEW_PREFIX},
		{"ssis", "fla", 57110, LOGIN_NOTHING, VIEW_PREFIX},
	};

	set_up();
	for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
		const bool port = strchr(rows[i].tags, 'i') != NULL;
		const struct osc_arg args[] = {{'s', .v.s = "a good secret"}, {'s', .v.s = "sc"},
			port ? (struct osc_arg){'i', .v.i = rows[i].port} : (struct osc_arg){'s', .v.s = rows[i].view},
			{'s', .v.s = rows[i].view}};
		struct osc_writer w;
		struct login in;
		uint8_t buf[256];
		size_t len;

		osc_w_init(&w, buf, sizeof(buf));
		osc_w_msg(&w, "/tutti/login", args, strlen(rows[i].tags));
		g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
		g_assert_cmpint(judge(&in, "203.0.113.1", buf, len, 0), ==, rows[i].verdict);
		if (rows[i].verdict != LOGIN_IN)
			continue;
		g_assert_cmpstr(in.name, ==, "sc");
		g_assert_cmpuint(in.port, ==, rows[i].port);
		g_assert_cmpint(in.view, ==, rows[i].is);
	}
	tear_down();
}

static void test_guesses(void)
{
	struct login in;

	set_up();
	for (unsigned i = 1; i < LOGIN_WRONG; i++)
		g_assert_cmpint(say(&in, "203.0.113.1", "wrong", NULL, 0, i), ==, LOGIN_REFUSED);
	g_assert_cmpint(say(&in, "203.0.113.1", "wrong", NULL, 0, 100), ==, LOGIN_MUTED);
	/* for a minute even the right one does not help; others come in */
	g_assert_cmpint(say(&in, "203.0.113.1", "a good secret", NULL, 0, 100 + LOGIN_MUTE_MS - 1), ==, LOGIN_NOTHING);
	g_assert_cmpint(say(&in, "203.0.113.2", "a good secret", NULL, 0, 200), ==, LOGIN_IN);
	g_assert_cmpint(say(&in, "203.0.113.1", "a good secret", NULL, 0, 100 + LOGIN_MUTE_MS), ==, LOGIN_IN);
	/* what was wrong a minute ago is forgotten */
	g_assert_cmpint(say(&in, "203.0.113.1", "wrong", NULL, 0, 200 + LOGIN_MUTE_MS), ==, LOGIN_REFUSED);
	tear_down();
}

/* More guessers than the table has places: nobody who is right is shut out, and those who go on are still caught. */
static void test_many_guessers(void)
{
	struct login in;
	char from[32];

	set_up();
	for (unsigned i = 0; i < 4 * LOGIN_SOURCES; i++) {
		g_snprintf(from, sizeof(from), "10.9.%u.%u", i / 250, i % 250 + 1);
		g_assert_cmpint(say(&in, from, "wrong", NULL, 0, 1000 + i), ==, LOGIN_REFUSED);
	}
	for (unsigned i = 1; i < LOGIN_WRONG - 1; i++)
		g_assert_cmpint(say(&in, from, "wrong", NULL, 0, 3000), ==, LOGIN_REFUSED);
	g_assert_cmpint(say(&in, from, "wrong", NULL, 0, 3000), ==, LOGIN_MUTED);
	g_assert_cmpint(say(&in, "10.8.0.1", "a good secret", NULL, 0, 3000), ==, LOGIN_IN);
	tear_down();
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/login/secret", test_secret);
	g_test_add_func("/login/listed", test_listed);
	g_test_add_func("/login/forms", test_forms);
	g_test_add_func("/login/view", test_view);
	g_test_add_func("/login/guesses", test_guesses);
	g_test_add_func("/login/many-guessers", test_many_guessers);
	return g_test_run();
}
