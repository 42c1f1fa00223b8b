/*
 * test-verdict.c - figures in, words out.
 */
#include <glib.h>
#include <stdlib.h>
#include <string.h>
#include "client/verdict.h"

#define TRIAL(codec_, us, sound, rtt, jitter, loss, concealed) \
	{.codec = codec_, .frame_us = us, .done = true, .chirps = 10, .heard = 10, .sound_us = sound, .sound_min_us = sound, .sound_max_us = sound, \
	 .rtt_us = rtt, .jitter_us = jitter, .loss_pct = loss, .concealed_min = concealed, .buffer_us = us}
#define FAILED(codec_, us) {.codec = codec_, .frame_us = us, .why = "Not Acceptable Here (488)"}

static const struct {
	const char *name;
	struct verdict_trial t[3];
	unsigned n;
	uint32_t card_us;
	int best;
	enum verdict_grade grade;
	uint32_t total_us, reach_us;
	bool holes, shaky;
	const char *words;
} rows[] = {
	{"next door", {TRIAL("L16", 1333, 6000, 200, 50, 0, 0), TRIAL("L16", 2500, 9000, 200, 50, 0, 0)}, 2, 5000, 0, VERDICT_PLAY, 11000, 14100,
		false, false, "up to 14 ms from the server (about 1410 km of line)"},
	{"another town", {TRIAL("L16", 1333, 18000, 12000, 400, 0, 0)}, 1, 5000, 0, VERDICT_PLAY, 23000, 8000, false, false, "up to 8 ms from"},
	{"just too far", {TRIAL("L16", 1333, 40000, 32000, 400, 0, 0)}, 1, 5000, 0, VERDICT_LOOSE, 45000, 0, false, false, "too late to play in time"},
	{"far", {TRIAL("L16", 2500, 90000, 80000, 400, 0, 0)}, 1, 5000, 0, VERDICT_TALK, 95000, 0, false, false, "OK for talking only"},
	{"the other side of the world", {TRIAL("opus", 2500, 320000, 300000, 400, 0, 0)}, 1, 5000, 0, VERDICT_BAD, 325000, 0, false, false, "even talking"},
	{"a way that is not known counts as none", {TRIAL("L16", 1333, 18000, 0, 400, 0, 0)}, 1, 5000, 0, VERDICT_PLAY, 23000, 2000, false, false, "up to 2 ms"},
	{"what one has not learned another has", {TRIAL("L16", 1333, 18000, 0, 400, 0, 0), TRIAL("L16", 2500, 22000, 12000, 400, 0, 0)}, 2, 5000, 0,
		VERDICT_PLAY, 23000, 8000, false, false, "up to 8 ms"},
	{"clean before short", {TRIAL("L16", 1333, 8000, 200, 900, 0.1, 300), TRIAL("L16", 2500, 11000, 200, 900, 0.1, 5)}, 2, 5000, 1, VERDICT_PLAY,
		16000, 9100, false, false, "up to 9 ms"},
	{"no Opus for half a millisecond", {TRIAL("L16", 1333, 8000, 200, 50, 0, 0), TRIAL("opus", 2500, 7600, 200, 50, 0, 0)}, 2, 5000, 0, VERDICT_PLAY,
		13000, 12100, false, false, "up to 12 ms"},
	{"holes", {TRIAL("L16", 2500, 11000, 200, 200, 2.1, 400)}, 1, 5000, 0, VERDICT_PLAY, 16000, 9100, true, false, "loses sound"},
	{"uneven", {TRIAL("L16", 2500, 16000, 200, 5100, 0, 3)}, 1, 5000, 0, VERDICT_PLAY, 21000, 4100, false, true, "come unevenly"},
	{"some are not to be had", {FAILED("L16", 1333), TRIAL("opus", 2500, 14000, 200, 50, 0, 0)}, 2, 5000, 1, VERDICT_PLAY, 19000, 6100, false, false, "6 ms"},
	{"none is to be had", {FAILED("L16", 1333), FAILED("opus", 2500)}, 2, 5000, -1, VERDICT_NONE, 0, 0, false, false, "nothing came back"},
	{"hardly a chirp", {{.codec = "L16", .frame_us = 1333, .done = true, .chirps = 10, .heard = 7, .sound_us = 5000}}, 1, 5000, -1, VERDICT_NONE, 0, 0,
		false, false, "nothing came back"},
	{"none at all", {{.codec = NULL}}, 0, 5000, -1, VERDICT_NONE, 0, 0, false, false, "nothing came back"},
};

static void test_judge(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct verdict v;

		g_test_message("%s", rows[i].name);
		verdict_judge(&v, rows[i].t, rows[i].n, rows[i].card_us);
		g_assert_cmpint(v.best, ==, rows[i].best);
		g_assert_cmpint(v.grade, ==, rows[i].grade);
		g_assert_cmpuint(v.total_us, ==, rows[i].total_us);
		g_assert_cmpuint(v.reach_us, ==, rows[i].reach_us);
		g_assert_true(v.holes == rows[i].holes && v.shaky == rows[i].shaky);
		g_assert_nonnull(strstr(v.words, rows[i].words));
	}
}

static char *printed(void (*h)(FILE *, const struct verdict *, const struct verdict_trial *, unsigned, uint32_t), size_t row)
{
	struct verdict v;
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	verdict_judge(&v, rows[row].t, rows[row].n, rows[row].card_us);
	h(f, &v, rows[row].t, rows[row].n, rows[row].card_us);
	(void)fclose(f);
	return text;
}

static void test_print(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		char *text = printed(verdict_print, i), *json = printed(verdict_json, i);

		g_assert_nonnull(strstr(text, "Verdict: "));
		g_assert_nonnull(strstr(json, rows[i].words));
		g_assert_true(g_str_has_prefix(json, "{\"event\":\"check\",") && strchr(json, '\n') == json + strlen(json) - 1);
		for (char *line = text; line && *line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
			g_assert_cmpuint(strcspn(line, "\n"), <=, 100);
		free(text);
		free(json);
	}
}

/* What a server says goes out as JSON whatever it is. */
static void test_hostile(void)
{
	struct verdict_trial t = {.codec = "L16", .frame_us = 1333, .why = "a \"b\" \\ \x1b[2J \xff\n"};
	struct verdict v;
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	verdict_judge(&v, &t, 1, 0);
	verdict_json(f, &v, &t, 1, 0);
	(void)fclose(f);
	g_assert_nonnull(strstr(text, "a \\\"b\\\" \\\\ \\u001b[2J \\u00ff\\u000a\"}]}\n"));
	free(text);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/verdict/judge", test_judge);
	g_test_add_func("/verdict/print", test_print);
	g_test_add_func("/verdict/hostile", test_hostile);
	return g_test_run();
}
