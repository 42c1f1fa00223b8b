/*
 * test-midirepair.c - a journal after a gap, and the commands it must become; which packets are taken.
 */
#include <errno.h>
#include <string.h>
#include <glib.h>
#include <re.h>

#include "osc/midi_repair.h"

static size_t from_hex(uint8_t *out, const char *hex)
{
	size_t n = 0;

	for (; *hex; hex++)
		if (g_ascii_isxdigit(hex[0]) && g_ascii_isxdigit(hex[1])) {
			out[n++] = (uint8_t)(g_ascii_xdigit_value(hex[0]) << 4 | g_ascii_xdigit_value(hex[1]));
			hex++;
		}
	return n;
}

static void write_down(const struct midi_cmd *cmd, bool repair, void *arg)
{
	GString *s = arg;
	uint8_t octets[1100];
	const size_t n = midi_write(octets, sizeof(octets), cmd);

	g_string_append(s, s->len ? repair ? " !" : " " : repair ? "!" : "");
	for (size_t i = 0; i < n; i++)
		g_string_append_printf(s, "%02x", octets[i]);
}

/* Payloads of the packets 100 and 102: what is heard of the first, and what comes of the second. ! marks repairs. */
static const struct { const char *first, *second, *commands; } row[] = {
	{"03 903c64", "40 80 0064", ""},
	{"03 903c64", "40 a00064 8006 08 8077 08", "!803c40"},                                /* the NoteOff was lost */
	{"03 903c64", "40 a00064 8009 0c 8077 08 80 bca0", "!803c20"},                        /* with its velocity */
	{"03 903c64", "40 a00064 8007 08 81f0 bce4", ""},                                     /* known */
	{"03 f800f8", "40 a00064 8007 08 81f0 bce4", "!903c64"},                              /* struck: Y */
	{"03 f800f8", "40 a00064 8007 08 81f0 bc64", ""},                                     /* its moment is over */
	{"03 903c64", "40 a00064 8007 08 81f0 bce5", "!803c40 !903c65"},                      /* another stroke */
	{"03 903c64", "40 a00064 800a 0c 81f0 bce4 80 bc02", "!903c64"},                      /* held twice */
	{"03 b00750", "40 a00064 8006 40 80 8751", "!b00751"},
	{"03 b00750", "40 a00064 8006 40 80 8750", ""},
	{"03 b0407f", "40 a00064 8008 40 81 c07f c083", "!b04000 !b0407f"},                   /* on, off, on */
	{"03 b0407f", "40 a00064 8006 40 80 c082", "!b04000"},                                /* toggles alone */
	{"03 903c64", "40 a00064 8006 40 80 fbc1", "!b07b00"},                                /* counted */
	{"03 903c64", "40 a00064 8006 40 80 fb81", "!b07b00"},                                /* T the wrong way round */
	{"03 b0017f", "40 a00064 8008 40 81 8140 f9c1", "!b07900"},                           /* what 121 has reset */
	{"02 c005", "40 a00064 8006 80 86 00 00", "!c006"},
	{"02 c005", "40 a00064 8006 80 86 81 02", "!b00001 !b02002 !c006"},
	{"03 e00040", "40 a00064 8005 10 9122", "!e01122"},
	{"02 d005", "40 a00064 8004 02 86", "!d006"},
	{"03 a03c40", "40 a00064 8006 01 80 bc41", "!a03c41"},
	{"03 f800f8", "40 a00064 8008 20 b405 8582 0c", "!f8"},                               /* replaced below */
	{"03 f800f8", "40 a00064 8006 20 c003 05", "!b06505"},                                /* the MSB of a number */
	{"09 b0650000640500060c", "40 a00064 8005 20 8002", "!b0657f !b0647f"},           /* closed */
	{"03 f800f8", "40 c00064 c004 90 85", "!f305"},
	{"03 f800f8", "40 c00064 9003 c0", "!fa"},
	{"01 fa", "40 c00064 9005 f0 0001", "!f8 !f8"},                                       /* two clocks were lost */
	{"01 fa", "40 c00064 9003 80", "!fc"},
	{"03 f800f8", "40 c00064 9005 b0 0007", "!f20100 !fb !f8 !f8 !fc"},                   /* a place in a song */
	{"03 f800f8", "40 c00064 8807 c7 01020304", "!f07f7f010101020304f7"},
	{"03 f800f8", "40 c00064 8807 a1 02000000", "!f100 !f112"},
	{"03 f800f8", "40 c00064 8405 af 01 81", "!f001f7"},
	{"03 f001f7", "40 c00064 8405 af 01 81", ""},
	{"04 f00102f0", "40 c00064 8408 af 01 010203 84", "!f70304f7"},                       /* its end was lost */
	{"04 f00102f0", "40 c00064 8404 a5 01", "!f7f4"},                                     /* cancelled */
	{"03 f800f8", "40 c00064 c004 c0 81", "!ff"},
	{"03 903c64", "01 f8", "!803c40 f8"},                                                 /* no journal: nothing may hang */
	{"03 903c64", "40 800066", "!803c40"},                                                /* one that does not reach back */
};

static int put(struct midi_repair *r, uint16_t seq, const char *hex)
{
	uint8_t buf[64];

	return midi_repair_packet(r, seq, 0, buf, from_hex(buf, hex));
}

static void repairs(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(row); i++) {
		const char *want = row[i].commands;
		GString *s = g_string_new(NULL);
		struct midi_repair *r;

		if (!strcmp(row[i].second, "40 a00064 8008 20 b405 8582 0c"))
			want = "!b06500 !b06405 !b0060c";
		g_test_message("%s, then %s", row[i].first, row[i].second);
		g_assert_cmpint(midi_repair_alloc(&r, write_down, s), ==, 0);
		g_assert_cmpint(put(r, 100, row[i].first), ==, 0);
		g_string_truncate(s, 0);
		g_assert_cmpint(put(r, 102, row[i].second), ==, 0);
		g_assert_cmpstr(s->str, ==, want);
		/* Said again after the next gap it must be known. */
		g_string_truncate(s, 0);
		if (row[i].second[0] == '4') {
			g_assert_cmpint(put(r, 104, row[i].second), ==, 0);
			g_assert_cmpstr(s->str, ==, "");
		}
		mem_deref(r);
		g_string_free(s, TRUE);
	}
}

/* Late, twice, far away, malformed. */
static void taken(void)
{
	GString *s = g_string_new(NULL);
	struct midi_repair *r;

	g_assert_cmpint(midi_repair_alloc(&r, write_down, s), ==, 0);
	g_assert_cmpint(put(r, 65535, "03 903c64"), ==, 0);
	g_assert_cmpint(put(r, 65535, "03 903d64"), ==, EALREADY);
	g_assert_cmpint(put(r, 65534, "03 903e64"), ==, EALREADY);
	g_assert_cmpint(put(r, 0, "03 903c"), ==, EBADMSG);
	g_assert_cmpint(put(r, 0, "43 903c64 a0"), ==, EBADMSG);
	g_assert_cmpint(put(r, 0, "03 803c40"), ==, 0);
	g_assert_cmpuint(midi_repair_highest(r) & 0xffff, ==, 0);
	g_assert_cmpint(put(r, 1, "03 904064"), ==, 0);
	g_assert_cmpstr(s->str, ==, "903c64 803c40 904064");
	g_string_truncate(s, 0);
	g_assert_cmpint(put(r, 20000, "03 904164"), ==, EPROTO);
	g_assert_cmpint(put(r, 30000, "03 904164"), ==, EPROTO);
	g_assert_cmpint(put(r, 30001, "03 904264"), ==, 0);
	g_assert_cmpstr(s->str, ==, "!804040 904264");
	g_assert_cmpuint(midi_repair_stats(r)->bad, ==, 2);
	g_string_truncate(s, 0);
	midi_repair_end(r);
	g_assert_cmpstr(s->str, ==, "!804240");
	mem_deref(r);
	g_string_free(s, TRUE);
}

static void count_commands(const struct midi_cmd *cmd, bool repair, void *arg)
{
	(*(unsigned *)arg)++;
}

/* A packet of a few octets must not become thousands of commands for ever. */
static void bounded(void)
{
	unsigned n = 0;
	struct midi_repair *r;

	g_assert_cmpint(midi_repair_alloc(&r, count_commands, &n), ==, 0);
	g_assert_cmpint(put(r, 101, "03 903c64"), ==, 0);
	n = 0;
	g_assert_cmpint(put(r, 103, "40 a00064 800a 0c 81f0 bce4 80 bc7f"), ==, 0);        /* held 127 times */
	g_assert_cmpuint(n, <=, 4);
	g_assert_cmpint(put(r, 105, "40 a00064 800a 20 a407 8500 22 3fff"), ==, 0);        /* 16383 steps */
	g_assert_cmpuint(n, <=, 4 + 2 + 128);
	n = 0;
	g_assert_cmpint(put(r, 107, "40 c00064 9005 f7 ffff"), ==, 0);                     /* far in a song */
	g_assert_cmpuint(n, <=, 10);
	mem_deref(r);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/midirepair/repairs", repairs);
	g_test_add_func("/midirepair/taken", taken);
	g_test_add_func("/midirepair/bounded", bounded);
	return g_test_run();
}
