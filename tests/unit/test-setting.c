/* The settings of a room: each name there and back, each wrong value refused, PINs never shown. */
#include <errno.h>
#include <glib.h>
#include <string.h>
#include "control/setting_priv.h"

static const char *shown(const struct room_conf *rc, const char *name, bool secrets)
{
	static char text[SETTING_TEXT_MAX];

	setting_print(rc, setting_find(name), text, secrets);
	return text;
}

/* For each row: values that are taken, and as what they are shown; then values that are not. NULL ends a list. */
static const struct { const char *name, *good[8], *shown[8], *bad[10]; } row[] = {
	{ "title", { "Band, Monday", "", "\xc3\x9c" "bung" }, { "Band, Monday", "", "\xc3\x9c" "bung" },
	  { "a\nb", "\xff", "\xe2\x80\xae" "x",
	    "1234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"
	    "1234567890123456789012345678" } },
	{ "aliases", { "100", "100, +4930123, Chor", "a,,b ,", "", "x X x" }, { "100", "100,+4930123,Chor", "a,b", "", "x" },
	  { "a/b", "a\nb", "123456789012345678901234567890123", "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17", "\xc3\xa4" } },
	{ "profile", { "music", "voice" }, { "music", "voice" }, { "", "on", "Music", "voice|music", "mus" } },
	{ "host-pin", { "1234", "123456789012", "" }, { "", "", "" },
	  { "123", "1234567890123", "12a4", " 1234", "1234\n", "pbkdf2-sha256$1$00$00" } },
	{ "guest-pin", { "0000", "" }, { "", "" }, { "abcd", "-123" } },
	{ "max-members", { "0", "100000", "007" }, { "0", "100000", "7" },
	  { "100001", "-1", "", "1.5", "4294967296", "9999999999999999999999", "1 ", "x" } },
	{ "language", { "de", "en-GB", "" }, { "de", "en-GB", "" }, { "12345678901234567" } },
	{ "lobby", { "on", "off", "true", "false", "1", "0", "yes" }, { "on", "off", "on", "off", "on", "off", "on" },
	  { "", "ON", "2", "offon", "off|on" } },
	{ "wait-for-host", { "on" }, { "on" }, { "maybe" } },
	{ "end-with-host", { "on" }, { "on" }, { "maybe" } },
	{ "end-grace", { "0", "86400" }, { "0", "86400" }, { "86401", "-1" } },
	{ "empty-timeout", { "0", "86400" }, { "0", "86400" }, { "86401", "soon" } },
	{ "floor", { "on" }, { "on" }, { "maybe" } },
	{ "mute-on-entry", { "on" }, { "on" }, { "maybe" } },
	{ "tones", { "off" }, { "off" }, { "maybe" } },
	{ "announce-names", { "on" }, { "on" }, { "maybe" } },
	{ "record", { "auto", "manual" }, { "auto", "manual" }, { "on", "" } },
	{ "delay-bound", { "0", "30", "1000" }, { "0", "30", "1000" }, { "1001", "-1", "25.5", "" } },
	{ "hide-numbers", { "on" }, { "on" }, { "maybe" } },
	{ "start", { "2026-11-21T20:00", "2026-11-21 20:00", "2026-11-21T20:00:59", "2026-11-21T20:00Z", "2026-11-21T20:00+01:00",
		     "2028-02-29T23:59:00.5-03:30", "" },
	  { "2026-11-21T20:00", "2026-11-21T20:00", "2026-11-21T20:00", "2026-11-21T21:00", "2026-11-21T20:00",
	    "2028-03-01T04:29", "" },
	  { "2026-11-21", "20:00", "2026-13-01T00:00", "2026-02-29T00:00", "2026-11-21T24:00", "2026-11-21T20:60",
	    "1999-01-01T00:00", "2026-11-21T20:00+1", "2026-11-21T20:00z", "2026-11-21T20:00+15:00" } },
	{ "end", { "2026-11-21T22:00" }, { "2026-11-21T22:00" }, { "tomorrow" } },
	{ "repeat", { "daily", "weekdays", "weekly", "monthly", "none" }, { "daily", "weekdays", "weekly", "monthly", "none" },
	  { "", "yearly", "dail" } },
	{ "early", { "turn-away", "wait" }, { "turn-away", "wait" }, { "on", "" } },
	{ "keep", { "on", "off" }, { "on", "off" }, { "maybe" } },
};

static void test_rows(void)
{
	size_t n = 0;

	for (; setting_at(n); n++)
		g_assert_true(n < G_N_ELEMENTS(row) && strcmp(setting_at(n)->name, row[n].name) == 0);
	g_assert_cmpuint(n, ==, G_N_ELEMENTS(row));
	for (size_t i = 0; i < n; i++) {
		struct room_conf rc, was;

		settings_default(&rc);
		for (size_t k = 0; row[i].good[k]; k++) {
			g_assert_cmpint(setting_parse(&rc, row[i].name, row[i].good[k], false), ==, 0);
			g_assert_cmpstr(shown(&rc, row[i].name, false), ==, row[i].shown[k]);
		}
		was = rc;
		for (size_t k = 0; k < 10 && row[i].bad[k]; k++) {
			if (setting_parse(&rc, row[i].name, row[i].bad[k], false) != EINVAL)
				g_error("%s takes \"%s\"", row[i].name, row[i].bad[k]);
			g_assert_cmpmem(&rc, sizeof(rc), &was, sizeof(was));
		}
	}
}

/* Any text: refused, or shown as what is taken again and means the same. Good values with bytes changed get furthest. */
static void test_any_text(void)
{
	for (int round = 0; round < 50000; round++) {
		size_t i = (size_t)g_test_rand_int_range(0, G_N_ELEMENTS(row)), k = (size_t)g_test_rand_int_range(0, 8);
		struct room_conf rc, again;
		char text[SETTING_TEXT_MAX];

		g_strlcpy(text, row[i].good[k] ? row[i].good[k] : "2026-11-21T20:00+01:00", sizeof(text));
		for (int n = g_test_rand_int_range(0, 4); n && text[0]; n--)
			text[g_test_rand_int_range(0, (gint32)strlen(text))] = (char)g_test_rand_int_range(1, 256);
		if (row[i].name[0] == 'h' || row[i].name[0] == 'g')       /* PINs cost, and have a test of their own */
			continue;
		settings_default(&rc);
		settings_default(&again);
		if (setting_parse(&rc, row[i].name, text, false))
			continue;
		g_assert_cmpint(setting_parse(&again, row[i].name, shown(&rc, row[i].name, false), false), ==, 0);
		g_assert_true(settings_equal(&rc, &again));
	}
}

/* As the store keeps them, all of them, and back. */
static void test_stored(void)
{
	struct room_conf a, b;

	settings_default(&a);
	settings_default(&b);
	g_assert_true(settings_equal(&a, &b));
	for (size_t i = 0; i < G_N_ELEMENTS(row); i++)
		g_assert_cmpint(setting_parse(&a, row[i].name, row[i].good[0], false), ==, 0);
	g_assert_false(settings_equal(&a, &b));
	for (size_t i = 0; setting_at(i); i++) {
		g_autofree char *text = g_strdup(shown(&a, setting_at(i)->name, true));

		g_assert_cmpint(setting_parse(&b, setting_at(i)->name, text, true), ==, 0);
	}
	g_assert_true(settings_equal(&a, &b));
	g_assert_true(pin_is(&b.host_pin, "1234"));
	g_assert_nonnull(strstr(shown(&a, "host-pin", true), "pbkdf2-sha256$"));
	g_assert_null(strstr(shown(&a, "host-pin", true), "1234$"));
}

/* The defaults of the table are values it takes, and a fresh room shows them. */
static void test_defaults(void)
{
	struct room_conf rc;

	settings_default(&rc);
	g_assert_null(settings_wrong(&rc));
	for (size_t i = 0; setting_at(i); i++) {
		const struct setting_info *info = setting_at(i);

		g_assert_cmpstr(shown(&rc, info->name, false), ==, info->def);
		g_assert_true(info->help[0] && info->help[strlen(info->help) - 1] == '.');
		g_assert_cmpint(info->secret, ==, strcmp(info->kind, "pin") == 0);
	}
	g_assert_null(setting_find("colour"));
	g_assert_cmpint(setting_parse(&rc, "colour", "red", false), ==, EINVAL);
	g_assert_cmpint(setting_parse(&rc, NULL, "red", false), ==, EINVAL);
	g_assert_cmpint(setting_parse(&rc, "title", NULL, false), ==, EINVAL);
}

static void test_together(void)
{
	static const struct { const char *start, *end, *repeat, *wrong; } fit[] = {
		{ "", "", "none", NULL }, { "2026-11-21T20:00", "", "none", NULL }, { "", "2026-11-21T20:00", "none", NULL },
		{ "2026-11-21T20:00", "2026-11-21T20:00", "none", "end" }, { "2026-11-21T20:00", "2026-11-20T21:00", "none", "end" },
		{ "2026-11-21T20:00", "", "daily", "repeat" }, { "", "2026-11-21T20:00", "weekly", "repeat" },
		{ "2026-11-21T20:00", "2026-11-22T20:00", "daily", NULL }, { "2026-11-21T20:00", "2026-11-22T20:01", "daily", "end" },
		{ "2026-11-21T20:00", "2026-11-28T20:01", "weekly", "end" }, { "2026-01-31T20:00", "2026-02-28T20:00", "monthly", NULL },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(fit); i++) {
		struct room_conf rc;

		settings_default(&rc);
		setting_parse(&rc, "start", fit[i].start, false);
		setting_parse(&rc, "end", fit[i].end, false);
		setting_parse(&rc, "repeat", fit[i].repeat, false);
		g_assert_cmpstr(settings_wrong(&rc), ==, fit[i].wrong);
	}
}

int main(int argc, char **argv)
{
	g_setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", TRUE);
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/setting/rows", test_rows);
	g_test_add_func("/setting/any-text", test_any_text);
	g_test_add_func("/setting/stored", test_stored);
	g_test_add_func("/setting/defaults", test_defaults);
	g_test_add_func("/setting/together", test_together);
	return g_test_run();
}
