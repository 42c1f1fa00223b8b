/*
 * test-midifmtp.c - the parameters of RTP MIDI: text to value, back, answered, and what they let through.
 */
#include <errno.h>
#include <string.h>
#include <glib.h>

#include "osc/midi_fmtp.h"

/* NULL: refused with err. The order of the answer is that of the table, lists keep theirs. */
static const struct { const char *in, *out; int err; } row[] = {
	{"", "", 0},
	{"j_sec=recj", "j_sec=recj", 0},
	{"J_SEC=none", "j_sec=none", 0},
	{"j_sec=rejournal", "", 0},                                 /* unknown: read, refused by the answer */
	{"j_update=closed-loop; rtp_ptime=0;rtp_maxptime=0 ; guardtime=44100",
		"j_update=closed-loop; guardtime=44100; rtp_ptime=0; rtp_maxptime=0", 0},
	{"tsmode=buffer; linerate=320000; octpos=last; mperiod=44", "tsmode=buffer; octpos=last; linerate=320000; mperiod=44", 0},
	{"cm_unused=ACGHJKNMPTVWXYZ", "cm_unused=ACGHJKNMPTVWXYZ", 0},   /* RFC 6295 C.1 has it so: not in alphabetical order */
	{"cm_unused=ACGHJKMNPTVWXYZ; cm_used=__7F_00-7F_01_01__", "cm_unused=ACGHJKMNPTVWXYZ; cm_used=__7F_00-7F_01_01__", 0},
	{"ch_never=4.11-13N; ch_anchor=P; ch_anchor=C7.64", "ch_never=4.11-13N; ch_anchor=P; ch_anchor=C7.64", 0},
	{"cm_default=X; musicport=12", "musicport=12", 0},
	{"render=synthetic; url=\"http://a.example/x;y\"; multimode=all", "render=synthetic; url=\"http://a.example/x;y\"; multimode=all", 0},
	{"guardtime=0", NULL, EBADMSG}, {"rtp_ptime=00", NULL, EBADMSG}, {"rtp_ptime=4294967296", NULL, EBADMSG},
	{"rtp_ptime=4294967295", "rtp_ptime=4294967295", 0}, {"rtp_ptime=", NULL, EBADMSG}, {"rtp_ptime=1x", NULL, EBADMSG},
	{"tsmode=other", NULL, EBADMSG}, {"j_sec=none; j_sec=recj", NULL, EBADMSG}, {"guardtime=1;guardtime=1", NULL, EBADMSG},
	{"cm_unused=", NULL, EBADMSG}, {"cm_unused=5-3C", NULL, EBADMSG}, {"cm_unused=C7.", NULL, EBADMSG},
	{"cm_unused=__7f__", NULL, EBADMSG}, {"cm_unused=__80__", NULL, EBADMSG}, {"cm_unused=__7F_", NULL, EBADMSG},
	{"cm_unused=c", NULL, EBADMSG}, {"cm_unused=C99999999999", NULL, EBADMSG}, {"render=\x01", NULL, EBADMSG},
};

static void texts(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(row); i++) {
		struct midi_fmtp f, again;
		char out[256], twice[256];
		size_t len = sizeof(out);

		g_test_message("%s", row[i].in);
		g_assert_cmpint(midi_fmtp_read(&f, row[i].in, strlen(row[i].in)), ==, row[i].err);
		if (row[i].err)
			continue;
		g_assert_cmpint(midi_fmtp_write(out, &len, &f), ==, 0);
		g_assert_cmpstr(out, ==, row[i].out);
		g_assert_cmpint(midi_fmtp_read(&again, out, len), ==, 0);
		len = sizeof(twice);
		g_assert_cmpint(midi_fmtp_write(twice, &len, &again), ==, 0);
		g_assert_cmpstr(twice, ==, out);
		if (len)
			g_assert_cmpint(midi_fmtp_write(twice, &len, &again), ==, ENOSPC);
	}
}

static const struct { const char *offer, *answer; bool lossless; } answers[] = {
	{"", "", false},
	{"j_sec=none", NULL, false}, {"j_sec=none", "j_sec=none", true}, {"j_sec=x", NULL, true},
	{"j_update=open-loop", NULL, false}, {"j_update=x", NULL, false}, {"j_update=anchor", "j_update=anchor", false},
	{"guardtime=1", "guardtime=240", false}, {"guardtime=999999", "guardtime=240000", false},
	{"mode=CELP-cbr", NULL, false},
	{"streamtype=5; mode=rtp-midi; profile-level-id=12; config=\"\"",
		"streamtype=5; mode=rtp-midi; profile-level-id=12; config=\"\"", false},
	{"render=synthetic; rinit=audio/asc; render=api", "render=synthetic; rinit=audio/asc; render=null", false},
	{"render=synthetic; subrender=odd; render=api; url=\"x\"", "render=null; render=api; url=\"x\"", false},
	{"multimode=all; render=synthetic; render=api; render=unknown", "multimode=all; render=synthetic; render=api; render=null", false},
};

static void answering(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(answers); i++) {
		struct midi_fmtp offer, answer;
		char out[256];
		size_t len = sizeof(out);

		g_test_message("%s", answers[i].offer);
		g_assert_cmpint(midi_fmtp_read(&offer, answers[i].offer, strlen(answers[i].offer)), ==, 0);
		g_assert_cmpint(midi_fmtp_answer(&answer, &offer, 48000, answers[i].lossless), ==, answers[i].answer ? 0 : EPROTO);
		if (!answers[i].answer)
			continue;
		g_assert_cmpint(midi_fmtp_write(out, &len, &answer), ==, 0);
		g_assert_cmpstr(out, ==, answers[i].answer);
	}
}

static const struct { const char *fmtp; struct midi_cmd cmd; bool allowed; } lets[] = {
	{"", {.status = 0x90, .data = {60, 1}}, true}, {"", {.status = 0xf0}, true},
	{"", {.status = 0xf9}, false}, {"", {.status = 0xf4}, false}, {"cm_used=Y", {.status = 0xf9}, true},
	{"cm_unused=N", {.status = 0x8f, .data = {60, 1}}, false}, {"cm_unused=N", {.status = 0xaf}, true},
	{"cm_unused=0-3N60-62", {.status = 0x93, .data = {61, 1}}, false},
	{"cm_unused=0-3N60-62", {.status = 0x94, .data = {61, 1}}, true},
	{"cm_unused=0-3N60-62", {.status = 0x93, .data = {63, 1}}, true},
	{"cm_unused=C; cm_used=C7.64", {.status = 0xb0, .data = {64, 1}}, true},
	{"cm_unused=C; cm_used=C7.64", {.status = 0xb0, .data = {65, 1}}, false},
	{"cm_unused=M", {.status = 0xb0, .data = {101, 1}}, false}, {"cm_unused=M", {.status = 0xb0, .data = {6, 1}}, true},
	{"cm_unused=Q", {.status = 0xf8}, false}, {"cm_unused=Q", {.status = 0xf2}, false}, {"cm_unused=B", {.status = 0xff}, false},
	{"cm_unused=X", {.status = 0xf0}, false}, {"cm_unused=X; cm_used=__7E__", {.status = 0xf0}, true},
};

static void subsets(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(lets); i++) {
		struct midi_fmtp f;
		struct midi_subset s;

		g_test_message("%s %02x", lets[i].fmtp, lets[i].cmd.status);
		g_assert_cmpint(midi_fmtp_read(&f, lets[i].fmtp, strlen(lets[i].fmtp)), ==, 0);
		midi_subset_make(&s, &f);
		g_assert_cmpint(midi_subset_allows(&s, &lets[i].cmd), ==, lets[i].allowed);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/midifmtp/texts", texts);
	g_test_add_func("/midifmtp/answering", answering);
	g_test_add_func("/midifmtp/subsets", subsets);
	return g_test_run();
}
