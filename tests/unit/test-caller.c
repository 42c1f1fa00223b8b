/* A caller known again, and a caller that is not. */
#include <glib.h>
#include <string.h>
#include "control/ban.h"
#include "control/caller.h"

static void test_key(void)
{
	static const struct { const char *uri, *key; bool known; } row[] = {
		{ "sip:Ann@Example.COM", "ann@example.com", true }, { "sips:ann@example.com:5061;transport=tls", "ann@example.com", true },
		{ "sip:ann@example.com?Subject=x", "ann@example.com", true }, { "sip:ann@[2001:DB8::1]:5060", "ann@[2001:db8::1]", true },
		{ "sip:ann@[2001:db8::1]", "ann@[2001:db8::1]", true }, { "tel:+49301234;phone-context=x", "+49301234", true },
		{ "+49301234", "+49301234", true }, { "sip:+4930@trunk:5060", "+4930@trunk", true }, { "12:34", "12:34", true },
		{ "sip:anonymous@anonymous.invalid", "anonymous@anonymous.invalid", false }, { "sip:x@anonymous.invalid", "x@anonymous.invalid", false },
		{ "sip:Anonymous@10.0.0.1", "anonymous@10.0.0.1", false }, { "sip:@host", "@host", false },
		{ "sip:restricted@trunk", "restricted@trunk", false }, { "sip:anonymousse@trunk", "anonymousse@trunk", true },
		{ "", "", false }, { NULL, "", false }, { "sip:", "", false },
	};
	char key[CALLER_KEY_MAX];

	for (size_t i = 0; i < G_N_ELEMENTS(row); i++) {
		caller_key(key, row[i].uri);
		g_assert_cmpstr(key, ==, row[i].key);
		g_assert_cmpint(caller_known(key), ==, row[i].known);
	}
	g_autofree char *longest = g_strnfill(1000, 'a');
	caller_key(key, longest);
	g_assert_cmpuint(strlen(key), ==, CALLER_KEY_MAX - 1);
}

static void test_matches(void)
{
	g_assert_true(caller_matches("ann@host", "ann@host"));
	g_assert_false(caller_matches("ann@host", "ann@host2"));
	g_assert_false(caller_matches("ann@host2", "ann@host"));
	g_assert_true(caller_matches("+4930", "+4930@trunk"));
	g_assert_true(caller_matches("+4930", "+4930"));
	g_assert_false(caller_matches("+4930", "+49301@trunk"));
	g_assert_false(caller_matches("", "ann@host"));
	g_assert_false(caller_matches("", "@host"));
}

static void test_bans(void)
{
	struct list bans = LIST_INIT;
	char uri[32];

	g_assert_cmpint(ban_add(&bans, "+4930", 7), ==, 0);
	g_assert_true(ban_meets(&bans, "+4930@trunk"));
	g_assert_false(ban_meets(&bans, "ann@host"));
	g_assert_nonnull(ban_find(&bans, "+4930"));
	g_assert_null(ban_find(&bans, "+4930@trunk"));
	g_assert_cmpuint(ban_find(&bans, "+4930")->at_ms, ==, 7);
	for (int i = 1; i < BANS_MAX; i++) {
		g_snprintf(uri, sizeof(uri), "a%d@host", i);
		g_assert_cmpint(ban_add(&bans, uri, 0), ==, 0);
	}
	g_assert_cmpint(ban_add(&bans, "more@host", 0), ==, ENOSPC);
	mem_deref(ban_find(&bans, "+4930"));
	g_assert_false(ban_meets(&bans, "+4930@trunk"));
	list_flush(&bans);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/caller/key", test_key);
	g_test_add_func("/caller/matches", test_matches);
	g_test_add_func("/caller/bans", test_bans);
	return g_test_run();
}
