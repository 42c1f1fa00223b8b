/*
 * test-journal.c - the recovery journal: octets to values and back, what is refused, and the journals a sender's state makes.
 */
#include <errno.h>
#include <string.h>
#include <glib.h>

#include "osc/journal.h"
#include "osc/journal_make.h"

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

/* Written as RFC 6295 would have them: what is read and written again must be the same octets. */
static const char *canonical[] = {
	"80 0100",                                            /* empty */
	"a0 0100 8006 80 05 80 00",                           /* P */
	"a0 0100 8006 80 85 81 82",                           /* P with a bank, reset */
	"a0 0100 8006 40 80 87 50",                           /* C, value */
	"a0 0100 800a 40 82 d4c1 d40a d481",                  /* C, three tools */
	"a0 0100 8006 20 c003 05",                            /* M, pending and no log */
	"a0 0100 800f 20 a00c 8500fe0c220001000204",          /* M, all fields */
	"a0 0100 8008 20 b405 8582 0c",                       /* M, a brief log: U and Z */
	"a0 0100 8005 10 9122",                               /* W */
	"a0 0100 8009 08 82f0 bce4 c050",                     /* N, no bits */
	"a0 0100 8008 08 8177 bec0 08",                       /* N, note and bit */
	"a0 0100 800c 0c 81f0 bc64 81 bc02 bca0",             /* E */
	"a0 0100 8004 02 85",                                 /* T */
	"a0 0100 8006 01 80 bc40",                            /* A */
	"a1 0100 8005 10 9122 8805 10 9122",                  /* two channels */
	"c0 0100 c006 f0 81 82 85",                           /* D */
	"c0 0100 c007 84 a804 0181",                          /* D, F5 with its data */
	"c0 0100 c005 82 c203",                               /* D, F9 */
	"c0 0100 a003 83",                                    /* V */
	"c0 0100 9005 f0 0123",                               /* Q */
	"c0 0100 9006 e8 000102",                             /* Q with TIMETOOLS */
	"c0 0100 880b f2 01234567 01200000",                  /* F */
	"c0 0100 840c cb 01 7f7f040110a0 8c 81",              /* X */
	"c0 0100 8407 9b 8105 01 82",                         /* X with FIRST */
	"e0 0100 a003 83 8005 10 9122",                       /* system and channel */
};

static void round_trip(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(canonical); i++) {
		uint8_t in[64], out[64];
		size_t len = from_hex(in, canonical[i]), n = sizeof(out);
		struct journal j;

		g_test_message("%s", canonical[i]);
		g_assert_cmpint(journal_read(&j, in, len), ==, 0);
		g_assert_cmpint(journal_write(out, &n, &j), ==, 0);
		g_assert_cmpmem(out, n, in, len);
		for (n = 0; n < len; n++) {
			size_t room = n;

			g_assert_cmpint(journal_read(&j, in, n), ==, EBADMSG);
			g_assert_cmpint(journal_read(&j, in, len), ==, 0);
			g_assert_cmpint(journal_write(out, &room, &j), ==, EMSGSIZE);
		}
	}
}

static void refused(void)
{
	static const char *bad[] = {
		"", "80", "8001", "80 0100 00",                   /* too short, too long */
		"a0 0100", "a1 0100 8005 10 9122",                /* channels that are not there */
		"a0 0100 8002 10 9122", "a0 0100 8006 10 9122",   /* LENGTH under its header, past the end */
		"a0 0100 8004 10 9122",                           /* a chapter past LENGTH */
		"a1 0100 8005 10 9122 8005 10 9122",              /* a channel twice */
		"a0 0100 8006 40 ff 87 50",                       /* C says 128 logs */
		"a0 0100 8005 20 8001", "a0 0100 8006 20 8004 05",/* M: LENGTH under its header; half a log */
		"a0 0100 8005 08 82f0",                           /* N: logs that are not there */
		"a0 0100 8005 08 8008",                           /* N: bits that are not there */
		"c0 0100 c001", "c0 0100 c006 f0 81",             /* system LENGTH */
		"c0 0100 c005 84 a801", "c0 0100 c006 84 a804 01",/* F5: LENGTH under its header, no last octet */
		"c0 0100 c004 82 c0",                             /* F9: LENGTH 0 */
		"c0 0100 8402", "c0 0100 8405 8b 01 02",          /* X: empty, no last octet */
		"c0 0100 8407 9b 8181818105",                     /* X: FIRST of five octets */
	};

	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		uint8_t in[64];
		struct journal j;

		g_test_message("%s", bad[i]);
		g_assert_cmpint(journal_read(&j, in, from_hex(in, bad[i])), ==, EBADMSG);
	}
}

/* Commands "SEQ:octets", a checkpoint and the number of the packet to come; the journal there must be. */
static const struct { const char *commands; uint32_t checkpoint, next; const char *journal; } made[] = {
	{"", 0x10100, 0x10100, "80 0100"},
	{"100:b00750", 0x10101, 0x10101, "80 0101"},
	{"100:b00750", 0x10100, 0x10102, "a0 0100 8006 40 80 87 50"},
	{"100:b00750", 0x10100, 0x10101, "20 0100 0006 40 00 07 50"},                       /* S = 0 upwards */
	{"100:b00750 100:b00a01 101:b00751", 0x10100, 0x10102, "20 0100 0008 40 01 8a01 0751"}, /* oldest first */
	{"100:b0407f 100:b04000", 0x10100, 0x10105, "a0 0100 8008 40 81 c000 c082"},        /* pedal: value, toggle */
	{"100:b07b00", 0x10100, 0x10105, "a0 0100 8006 40 80 fbc1"},                        /* all notes off: count */
	{"100:b0017f 101:b07900", 0x10100, 0x10105, "a0 0100 8006 40 80 f9c1"},             /* 121 ends modulation */
	{"100:b00001 100:b02002 100:c005", 0x10100, 0x10105, "a0 0100 800b c0 85 81 02 81 8001 a002"},
	{"100:b00001 100:b07900 100:c005", 0x10100, 0x10105, "a0 0100 800b c0 85 81 80 81 8001 f9c1"},
	{"100:903c64", 0x10100, 0x10105, "a0 0100 8007 08 81f0 bce4"},
	{"100:903c64 101:803c40", 0x10100, 0x10105, "a0 0100 8006 08 8077 08"},
	{"100:903c64 101:803c40", 0x10100, 0x10102, "20 0100 0006 08 0077 08"},             /* B = 0 */
	{"100:903c64 101:803c20", 0x10100, 0x10105, "a0 0100 8009 0c 8077 08 80 bca0"},
	{"100:903c64 101:903c64", 0x10100, 0x10105, "a0 0100 800a 0c 81f0 bce4 80 bc02"},
	{"100:903c64 101:b07b00", 0x10100, 0x10105, "a0 0100 8006 40 80 fbc1"},             /* not N-active */
	{"100:e01122", 0x10100, 0x10105, "a0 0100 8005 10 9122"},
	{"100:e01122 101:b07900", 0x10100, 0x10105, "a0 0100 8006 40 80 f9c1"},             /* not C-active */
	{"100:d005", 0x10100, 0x10105, "a0 0100 8004 02 85"},
	{"100:a03c40", 0x10100, 0x10105, "a0 0100 8006 01 80 bc40"},
	{"100:a03c40 100:b07b00", 0x10100, 0x10105, "a0 0100 8009 41 80 fbc1 80 bcc0"},     /* X: before all notes off */
	{"100:b06505", 0x10100, 0x10105, "a0 0100 8006 20 c003 05"},                        /* pending */
	{"100:b06500 100:b06405 100:b0060c", 0x10100, 0x10105, "a0 0100 8008 20 b405 8582 0c"},
	{"100:b06301 100:b06205 100:b00601", 0x10100, 0x10105, "a0 0100 8009 20 a006 8581 82 01"},
	{"100:b0657f 100:b0647f", 0x10100, 0x10105, "a0 0100 8005 20 8002"},                /* the null parameter */
	{"100:b0060c", 0x10100, 0x10105, "a0 0100 8006 40 80 860c"},                        /* general purpose */
	{"100:b06500 100:b06405 100:b06000 100:b06000", 0x10100, 0x10105, "a0 0100 8009 20 b406 8522 0002"},
	{"100:ff", 0x10100, 0x10105, "c0 0100 c004 c0 81"},
	{"100:b00750 101:ff", 0x10100, 0x10105, "c0 0100 c004 c0 81"},                      /* not active */
	{"100:f305", 0x10100, 0x10105, "c0 0100 c004 90 85"},
	{"100:fe 100:fe", 0x10100, 0x10105, "c0 0100 a003 82"},
	{"100:fa", 0x10100, 0x10105, "c0 0100 9003 c0"},                                    /* start: C = 0 */
	{"100:fb", 0x10100, 0x10105, "c0 0100 9005 d0 0000"},                               /* continue: C = 1 */
	{"100:fa 100:f8 100:f8", 0x10100, 0x10105, "c0 0100 9005 f0 0001"},
	{"100:fa 100:fc", 0x10100, 0x10105, "c0 0100 9003 80"},                             /* an example of B.3 */
	{"100:f8", 0x10100, 0x10105, "80 0100"},                                            /* changes nothing */
	{"100:f100 100:f112", 0x10100, 0x10105, "c0 0100 8807 a1 02000000"},
	{"100:f07f7f010101020304f7", 0x10100, 0x10105, "c0 0100 8807 c7 01020304"},
	{"100:f001f7", 0x10100, 0x10105, "c0 0100 8405 af 01 81"},
};

/* One command of a table; SysEx only whole. */
static void apply_text(struct midi_state *st, const char *text)
{
	const uint32_t seq = 0x10000 + (uint32_t)g_ascii_strtoull(text, NULL, 16);
	uint8_t o[32];
	const size_t n = from_hex(o, strchr(text, ':') + 1);
	struct midi_cmd cmd = midi_short(o[0], n > 1 ? o[1] : 0, n > 2 ? o[2] : 0);

	if (o[0] == MIDI_SYSEX)
		cmd = midi_sysex(o + 1, n - 2);
	midi_state_apply(st, &cmd, seq, 0);
}

static void makes(void)
{
	struct midi_state *st = g_new(struct midi_state, 1);

	for (size_t i = 0; i < G_N_ELEMENTS(made); i++) {
		const struct journal_when when = {.checkpoint = made[i].checkpoint, .next = made[i].next, .ts = 100, .play = 100};
		char **commands = g_strsplit(made[i].commands, " ", 0);
		uint8_t want[64], got[64];
		size_t n = sizeof(got);

		g_test_message("%s > %s", made[i].commands, made[i].journal);
		midi_state_init(st);
		for (char **c = commands; *c && **c; c++)
			apply_text(st, *c);
		g_assert_cmpint(journal_make(got, &n, st, &when), ==, 0);
		g_assert_cmpmem(got, n, want, from_hex(want, made[i].journal));
		g_strfreev(commands);
	}
	g_free(st);
}

/* A frame that began two frames ago, also over the end of a minute of a drop-frame tape. */
static void two_later(void)
{
	static const struct { uint8_t from[8], to[8]; } table[] = {
		{{0, 0, 0, 0, 0, 0, 0, 0}, {2, 0, 0, 0, 0, 0, 0, 0}},
		{{7, 1, 11, 3, 11, 3, 7, 1}, {1, 0, 0, 0, 0, 0, 0, 0}},          /* 23:59:59:23 at 24 */
		{{13, 1, 11, 3, 0, 0, 0, 4}, {3, 0, 0, 0, 1, 0, 0, 4}},          /* drop frame: 0 and 1 are not */
		{{13, 1, 11, 3, 9, 0, 0, 4}, {1, 0, 0, 0, 10, 0, 0, 4}},         /* but in every tenth minute they are */
	};

	for (size_t i = 0; i < G_N_ELEMENTS(table); i++) {
		uint8_t n[8];

		memcpy(n, table[i].from, 8);
		midi_mtc_two_later(n);
		g_assert_cmpmem(n, 8, table[i].to, 8);
	}
}

/* All that a channel can hold: it does not fit into a LENGTH field, and that is said. */
static void too_much(void)
{
	struct midi_state *st = g_new(struct midi_state, 1);
	const struct journal_when when = {.checkpoint = 0x10000, .next = 0x10002};
	uint8_t buf[4096];
	size_t n = sizeof(buf);

	midi_state_init(st);
	for (unsigned k = 0; k < 128; k++) {
		const struct midi_cmd all[] = {midi_short(0x90, (uint8_t)k, 1), midi_short(0x90, (uint8_t)k, 1),
			midi_short(0xa0, (uint8_t)k, 1), midi_short(0xb0, (uint8_t)(k % 96), 1)};

		for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
			midi_state_apply(st, &all[i], 0x10001, 0);
	}
	g_assert_cmpint(journal_make(buf, &n, st, &when), ==, 0);
	for (unsigned k = 0; k < 64; k++) {
		const struct midi_cmd msb = midi_short(0xb0, 99, (uint8_t)k), lsb = midi_short(0xb0, 98, 1), v = midi_short(0xb0, 6, 1);

		midi_state_apply(st, &msb, 0x10001, 0);
		midi_state_apply(st, &lsb, 0x10001, 0);
		midi_state_apply(st, &v, 0x10001, 0);
	}
	n = sizeof(buf);
	g_assert_cmpint(journal_make(buf, &n, st, &when), ==, EMSGSIZE);
	g_free(st);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/journal/round-trip", round_trip);
	g_test_add_func("/journal/refused", refused);
	g_test_add_func("/journal/makes", makes);
	g_test_add_func("/journal/two-later", two_later);
	g_test_add_func("/journal/too-much", too_much);
	return g_test_run();
}
