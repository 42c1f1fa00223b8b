/* test-config.c - values in, errors with their line out; the pens say what the reader understands. */
#include <errno.h>
#include <glib.h>
#include <re.h>
#include <string.h>
#include "server/config.h"

/* --- what is right --- */

static const struct {
	const char *name, *value;
} good[] = {
	{"sip.listen", "udp:127.0.0.1:5060"},
	{"sip.listen", "udp:127.0.0.1:5060, tcp:[::1]:5060 tls:[::]:5061"},
	{"sip.listen", "UDP:0.0.0.0:0"},
	{"sip.external", "192.0.2.1"},
	{"sip.external", "2001:db8::1"},
	{"sip.domain", "example.org pbx.example.org 192.0.2.1"},
	{"sip.invite-rate", "0"},
	{"sip.max-calls", "1000000"},
	{"sip.early", "ring"},
	{"media.ports", "1024-65535"},
	{"media.codecs", "pcmu opus L16/48000/2"},
	{"media.realtime", "off"},
	{"media.realtime", "TRUE"},
	{"media.srtp", "required"},
	{"media.jitter-music", "auto"},
	{"media.jitter-music", "0"},
	{"media.jitter-music", "100"},
	{"http.listen", ""},
	{"http.listen", "[::1]:80"},
	{"dial.allow", "sip:*@pbx.example, tel:+49*"},
	{"dial.from", "sips:room@example.org"},
	{"gesture.udp-osc", "no"},
	{"log.level", "debug"},
};

static void test_good(void)
{
	struct config *c;
	char *why;

	g_assert_cmpint(config_alloc(&c), ==, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(good); ++i) {
		int err = config_set(c, good[i].name, good[i].value, &why);

		g_test_message("%s = %s: %s", good[i].name, good[i].value, why ? why : "ok");
		g_assert_cmpint(err, ==, 0);
		g_assert_cmpstr(config_str(c, good[i].name), ==, good[i].value);
	}
	mem_deref(c);
}

/* --- what is wrong, and how it is said --- */

static const struct {
	const char *name, *value, *why;       /* a part of what is said */
} bad[] = {
	{"sip.lisen", "x", "unknown setting sip.lisen (did you mean sip.listen?)"},
	{"sip.Listen", "x", "did you mean sip.listen?"},
	{"listen", "x", "did you mean sip.listen?"},
	{"room.auto", "x", "did you mean rooms.auto?"},
	{"mixer.realm", "x", "did you mean auth.realm?"},
	{"zzz.qqqqqqq", "x", "unknown setting zzz.qqqqqqq"},
	{"", "x", "unknown setting"},
	{"sip.listen", "", "at least one address"},
	{"sip.listen", "127.0.0.1:5060", "udp:, tcp: or tls:"},
	{"sip.listen", "ws:127.0.0.1:5060", "udp:, tcp: or tls:"},
	{"sip.listen", "udp:127.0.0.1", "an IP address and a port"},
	{"sip.listen", "udp:127.0.0.1:99999", "an IP address and a port"},
	{"sip.listen", "udp:127.0.0.1:70596", "an IP address and a port"},
	{"sip.listen", "udp:127.0.0.1:5060x", "an IP address and a port"},
	{"sip.listen", "udp:example.org:5060", "an IP address and a port"},
	{"sip.listen", "udp:", "udp:, tcp: or tls:"},
	{"sip.external", "my.host", "an IP address"},
	{"sip.domain", "a b/c", "a host name"},
	{"sip.invite-rate", "-1", "a number, 0..1000000"},
	{"sip.invite-rate", " 1", "a number"},
	{"sip.invite-rate", "1x", "a number"},
	{"sip.invite-rate", "", "a number"},
	{"sip.invite-rate", "4294967297", "a number"},
	{"sip.invite-rate", "99999999999999999999", "a number"},
	{"sip.max-calls", "0", "1..1000000"},
	{"sip.early", "answe", "one of answer|ring"},
	{"sip.early", "answer|ring", "one of"},
	{"sip.early", "", "one of"},
	{"media.ports", "20000", "a range"},
	{"media.ports", "30000-20000", "a range"},
	{"media.ports", "20000-20001", "at least four wide"},
	{"media.ports", "80-20000", "1024..65535"},
	{"media.ports", "20000-70000", "1024..65535"},
	{"media.codecs", "opus G729", "known codecs"},
	{"media.codecs", " ", "at least one codec"},
	{"media.realtime", "maybe", "yes or no"},
	{"media.jitter-music", "101", "a number from 0 to 100"},
	{"media.jitter-music", "0100", "a number from 0 to 100"},
	{"media.jitter-music", "5ms", "a number from 0 to 100"},
	{"media.jitter-music", "", "a number from 0 to 100"},
	{"http.listen", "8080", "an IP address and a port"},
	{"auth.realm", "a\"b", "without quotes"},
	{"dial.allow", "*", "begins with sip:"},
	{"dial.from", "mailto:x@y", "begins with sip:"},
	{"gesture.osc-secret", "seven77", "at least 8"},
	{"gesture.osc-address", "", "an IP address"},
	{"gesture.osc-ports", "57201", "a range of ports"},
	{"gesture.osc-from", "here", "local"},
	{"account.password", "x", "unknown setting account.password"},
};

static void test_bad(void)
{
	struct config *c;

	g_assert_cmpint(config_alloc(&c), ==, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(bad); ++i) {
		char *why = NULL;
		int err = config_set(c, bad[i].name, bad[i].value, &why);

		g_test_message("%s = %s: %s", bad[i].name, bad[i].value, why ? why : "taken!");
		g_assert_cmpint(err, ==, EINVAL);
		g_assert_nonnull(why);
		g_assert_nonnull(strstr(why, bad[i].why));
		mem_deref(why);
	}
	mem_deref(c);
}

static const struct {
	const char *text, *why;
} bad_files[] = {
	{"[sip]\n\nlisen = x\n", "t:3: unknown setting sip.lisen (did you mean sip.listen?)"},
	{"[sipp]\n", "t:1: unknown section sipp"},
	{"[sip]\nmax-calls = many\n", "t:2: sip.max-calls = many: a number, 1..1000000"},
	{"[sip]\nmax-calls = 1\nmax-calls = 2\n", "t:3: sip.max-calls was already set in line 2"},
	{"[sip]\nmax-calls = 1\n[rooms]\n[sip]\nmax-calls = 2\n", "t:5: sip.max-calls was already set in line 2"},
	{"[sip x]\n", "t:1: section sip has no name: [sip]"},
	{"[account]\n", "t:1: section account needs a name: [account NAME]"},
	{"[account a]\npassword = x\n[account a]\n", "t:3: [account a] was already in line 1"},
	{"[account a]\npasswort = x\n", "t:2: unknown setting account.passwort (did you mean account.password?)"},
	{"[account a]\nrole = king\n", "t:2: account.role = king: one of host|speaker|listener"},
	{"\n[account a]\n", "t:2: [account a] needs a password"},
	{"[trunk a]\nuser = x\n", "t:1: [trunk a] needs a uri"},
	{"[trunk a]\nuri = http://x\n", "t:2: trunk.uri = http://x: begins with sip: or sips:"},
	{"[did 1]\nroom = a b\n", "t:2: did.room = a b: a room name: 1 to 63 of A-Z a-z 0-9 . _ ~ + -"},
	{"[rooms\n", "t:1: closing ] is missing"},
};

static void test_bad_files(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(bad_files); ++i) {
		struct config *c;
		char *why = NULL;

		g_assert_cmpint(config_alloc(&c), ==, 0);
		g_assert_cmpint(config_read_text(c, "t", bad_files[i].text, strlen(bad_files[i].text), &why), ==, EINVAL);
		g_assert_cmpstr(why, ==, bad_files[i].why);
		mem_deref(why);
		mem_deref(c);
	}
}

/* A secret that is wrong is not repeated in a message that goes to a log. */
static void test_secret_not_said(void)
{
	static const char text[] = "[account a]\npassword = \"\"\n[trunk t]\nuri=sip:x\npassword=tops3cret\nregister=x\n";
	struct config *c;
	char *why = NULL;

	g_assert_cmpint(config_alloc(&c), ==, 0);
	g_assert_cmpint(config_read_text(c, "t", text, strlen(text), &why), ==, EINVAL);
	g_assert_cmpstr(why, ==, "t:2: account.password: must not be empty");
	mem_deref(why);
	mem_deref(c);
}

/* --- a whole file --- */

static const char whole[] =
	"[sip]\n"
	"listen = udp:127.0.0.1:5062, tcp:127.0.0.1:5062  # two\n"
	"max-calls = 7\n"
	"[media]\nports = 30000-30019\nrealtime = no\n"
	"[account ann]\npassword = \"s # \\\" t\"\nrole = host\n"
	"[account bob]\npassword = b\n"
	"[trunk work]\nuri = sip:provider.example\nregister = no\nexpires = 600\n"
	"[did +4930123]\nroom = band\n";

static void add_word(const char *word, void *arg)
{
	g_string_append_printf(arg, "%s|", word);
}

static void test_whole(void)
{
	GString *s = g_string_new(NULL);
	struct config *c;
	uint32_t min, max;
	char *why;

	g_assert_cmpint(config_alloc(&c), ==, 0);
	g_assert_false(config_has_secrets(c));
	g_assert_cmpint(config_read_text(c, "t", whole, strlen(whole), &why), ==, 0);

	config_list(c, "sip.listen", add_word, s);
	g_assert_cmpstr(s->str, ==, "udp:127.0.0.1:5062|tcp:127.0.0.1:5062|");
	g_assert_cmpuint(config_uint(c, "sip.max-calls"), ==, 7);
	g_assert_false(config_bool(c, "media.realtime"));
	g_assert_true(config_bool(c, "rooms.auto"));
	config_range(c, "media.ports", &min, &max);
	g_assert_cmpuint(min, ==, 30000);
	g_assert_cmpuint(max, ==, 30019);

	g_string_truncate(s, 0);
	config_sections(c, "account", add_word, s);
	config_sections(c, "did", add_word, s);
	g_assert_cmpstr(s->str, ==, "ann|bob|+4930123|");
	g_assert_cmpstr(config_sub(c, "account", "ann", "password"), ==, "s # \" t");
	g_assert_cmpstr(config_sub(c, "account", "ann", "role"), ==, "host");
	g_assert_cmpstr(config_sub(c, "account", "bob", "role"), ==, "speaker");
	g_assert_cmpstr(config_sub(c, "account", "nobody", "role"), ==, "speaker");
	g_assert_false(config_sub_bool(c, "trunk", "work", "register"));
	g_assert_cmpuint(config_sub_uint(c, "trunk", "work", "expires"), ==, 600);
	g_assert_cmpuint(config_sub_uint(c, "trunk", "work", "keepalive"), ==, 30);
	g_assert_true(config_has_secrets(c));

	mem_deref(c);
	g_string_free(s, TRUE);
}

static void test_unchanged_on_error(void)
{
	static const char broken[] = "[sip]\nmax-calls = 9\n[account eve]\npassword = x\n[sip]\nmin-se = soon\n";
	GString *s = g_string_new(NULL);
	struct config *c;
	char *why;

	g_assert_cmpint(config_alloc(&c), ==, 0);
	g_assert_cmpint(config_read_text(c, "t", whole, strlen(whole), &why), ==, 0);
	g_assert_cmpint(config_read_text(c, "t", broken, strlen(broken), &why), ==, EINVAL);
	mem_deref(why);
	g_assert_cmpuint(config_uint(c, "sip.max-calls"), ==, 7);
	config_sections(c, "account", add_word, s);
	g_assert_cmpstr(s->str, ==, "ann|bob|");
	mem_deref(c);
	g_string_free(s, TRUE);
}

static void test_no_file(void)
{
	struct config *c;
	char *why;

	g_assert_cmpint(config_alloc(&c), ==, 0);
	g_assert_cmpint(config_read_file(c, "/nonexistent/tutti.conf", &why), ==, ENOENT);
	g_assert_nonnull(strstr(why, "/nonexistent/tutti.conf: "));
	mem_deref(why);
	g_assert_cmpint(config_read_file(c, "/", &why), !=, 0);
	g_assert_nonnull(why);
	mem_deref(why);
	mem_deref(c);
}

static void test_cross_check(void)
{
	struct config *c;
	char *why;

	g_assert_cmpint(config_alloc(&c), ==, 0);
	g_assert_cmpint(config_check(c, &why), ==, 0);
	g_assert_cmpint(config_set(c, "sip.min-se", "2000", &why), ==, 0);
	g_assert_cmpint(config_check(c, &why), ==, EINVAL);
	g_assert_cmpstr(why, ==, "sip.min-se (2000) is above sip.session-expires (1800)");
	mem_deref(why);
	mem_deref(c);
}

static void test_unknown_name_aborts(void)
{
	if (g_test_subprocess()) {
		struct config *c;
		g_assert_cmpint(config_alloc(&c), ==, 0);
		(void)config_str(c, "sip.lisen");
		return;
	}
	g_test_trap_subprocess(NULL, 0, 0);
	g_test_trap_assert_failed();
}

/* --- reload --- */

static void test_reload(void)
{
	static const char after[] = "[sip]\nlisten = udp:127.0.0.1:5070\nmax-calls = 8\n"
				    "[media]\nports = 30000-30019\nrealtime = no\n"
				    "[account bob]\npassword = c\nrole = listener\n"
				    "[account cyd]\npassword = d\n"
				    "[trunk work]\nuri = sip:other.example\n"
				    "[trunk new]\nuri = sip:new.example\n";
	GString *s = g_string_new(NULL);
	struct config *c, *next;
	char *why;

	g_assert_cmpint(config_alloc(&c), ==, 0);
	g_assert_cmpint(config_alloc(&next), ==, 0);
	g_assert_cmpint(config_read_text(c, "t", whole, strlen(whole), &why), ==, 0);
	g_assert_cmpint(config_read_text(next, "t", after, strlen(after), &why), ==, 0);

	config_reload(c, next, add_word, s);
	mem_deref(next);

	/* What needs a restart is named and stays; what is live moved over. */
	g_assert_cmpstr(s->str, ==, "sip.listen|");
	g_assert_cmpstr(config_str(c, "sip.listen"), ==, "udp:127.0.0.1:5062, tcp:127.0.0.1:5062");
	g_assert_cmpuint(config_uint(c, "sip.max-calls"), ==, 8);
	g_assert_cmpstr(config_sub(c, "trunk", "work", "uri"), ==, "sip:other.example");

	g_string_truncate(s, 0);
	config_sections(c, "account", add_word, s);
	config_sections(c, "trunk", add_word, s);
	config_sections(c, "did", add_word, s);
	g_assert_cmpstr(s->str, ==, "bob|cyd|work|new|");
	g_assert_cmpstr(config_sub(c, "account", "bob", "role"), ==, "listener");

	mem_deref(c);
	g_string_free(s, TRUE);
}

/* --- the table and its pens --- */

static void test_defaults_pass_their_own_checks(void)
{
	size_t n;
	const struct config_setting *t = config_table(&n);
	struct config *c;

	g_assert_cmpint(config_alloc(&c), ==, 0);
	for (size_t i = 0; i < n; ++i) {
		char *why = NULL;
		int err = config_set(c, t[i].name, t[i].def, &why);

		g_test_message("%s: %s", t[i].name, why ? why : "ok");
		g_assert_cmpint(err, ==, 0);
		g_assert_cmpuint(strlen(t[i].help), >, 10);
		for (size_t j = 0; j < i; ++j)
			g_assert_cmpstr(t[i].name, !=, t[j].name);
	}
	mem_deref(c);
}

static char *printed(void (*print)(FILE *f))
{
	char *buf = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&buf, &len);

	g_assert_nonnull(f);
	print(f);
	g_assert_cmpint(fclose(f), ==, 0);
	return buf;
}

/* The sample as it is changes nothing; with its settings uncommented it says the defaults, all of them. */
static void test_sample(void)
{
	size_t n, said = 0;
	const struct config_setting *t = config_table(&n);
	char *sample = printed(config_print_sample), *why = NULL, **lines;
	GString *open = g_string_new(NULL);
	struct config *c;

	g_assert_cmpint(config_alloc(&c), ==, 0);
	g_assert_cmpint(config_read_text(c, "sample", sample, strlen(sample), &why), ==, 0);

	lines = g_strsplit(sample, "\n", -1);
	for (char **l = lines; *l; ++l) {
		g_assert_cmpuint(strlen(*l), <=, 140);
		if (g_str_has_prefix(*l, "#[account"))
			break;
		if ((*l)[0] == '#' && (*l)[1] != ' ' && (*l)[1] != '\0') {
			++said;
			g_string_append_printf(open, "%s\n", *l + 1);
		}
		else if ((*l)[0] == '[')
			g_string_append_printf(open, "%s\n", *l);
	}
	g_assert_cmpuint(said, ==, n);
	g_assert_cmpint(config_read_text(c, "sample", open->str, open->len, &why), ==, 0);
	for (size_t i = 0; i < n; ++i)
		g_assert_cmpstr(config_str(c, t[i].name), ==, t[i].def);

	g_strfreev(lines);
	g_string_free(open, TRUE);
	free(sample);
	mem_deref(c);
}

static void test_man(void)
{
	size_t n;
	const struct config_setting *t = config_table(&n);
	char *man = printed(config_print_man);

	g_assert_nonnull(strstr(man, ".TH TUTTI.CONF 5"));
	for (size_t i = 0; i < n; ++i) {
		char **parts = g_strsplit(strchr(t[i].name, '.') + 1, "-", -1), *key = g_strjoinv("\\-", parts);
		char *line = g_strdup_printf(".B %s\n", key);

		g_assert_nonnull(strstr(man, line));
		g_free(line);
		g_free(key);
		g_strfreev(parts);
	}
	free(man);
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/config/good", test_good);
	g_test_add_func("/config/bad", test_bad);
	g_test_add_func("/config/bad-files", test_bad_files);
	g_test_add_func("/config/secret-not-said", test_secret_not_said);
	g_test_add_func("/config/whole", test_whole);
	g_test_add_func("/config/unchanged-on-error", test_unchanged_on_error);
	g_test_add_func("/config/no-file", test_no_file);
	g_test_add_func("/config/cross-check", test_cross_check);
	g_test_add_func("/config/unknown-name-aborts", test_unknown_name_aborts);
	g_test_add_func("/config/reload", test_reload);
	g_test_add_func("/config/defaults", test_defaults_pass_their_own_checks);
	g_test_add_func("/config/sample", test_sample);
	g_test_add_func("/config/man", test_man);
	return g_test_run();
}
