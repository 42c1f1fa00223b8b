/*
 * test-rtpmidi.c - the MIDI command section: octets in, commands or EBADMSG out, and back.
 */
#include <errno.h>
#include <string.h>
#include <glib.h>

#include "osc/rtpmidi.h"

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

/* "delta:octets" for each command, "+delta" for time without one; NULL: malformed. */
static const struct { const char *hex, *commands; } row[] = {
	{"", NULL},
	{"00", ""},
	{"80", NULL},
	{"8000", ""},
	{"03 903c64", "0:903c64 "},
	{"8003 903c64", "0:903c64 "},
	{"03 903c", NULL},
	{"02 903c", NULL},
	{"03 903c64 00", NULL},                               /* J=0 and more octets */
	{"43 903c64", NULL},                                  /* J=1 and no journal */
	{"43 903c64 200000", "0:903c64 "},
	{"24 64903c64", "100:903c64 "},
	{"24 00903c64", "0:903c64 "},
	{"25 8000903c64", "0:903c64 "},
	{"26 808000903c64", "0:903c64 "},
	{"27 80808000903c64", "0:903c64 "},
	{"28 8080808000903c64", NULL},
	{"27 ffffff7f903c64", "268435455:903c64 "},
	{"22 8168", "+232"},
	{"05 903c648168", "0:903c64 +232"},
	{"04 903c6481", NULL},
	{"06 903c64 004064", "0:903c64 0:904064 "},           /* running status */
	{"08 903c64 00f8 004064", "0:903c64 0:f8 0:904064 "}, /* real time does not end it */
	{"08 903c64 00f6 004064", NULL},                      /* system common does */
	{"09 903c64 00f0f7 004064", NULL},
	{"02 3c64", NULL},
	{"01 f7", NULL},
	{"04 f00102f7", "0:f00102f7 "},
	{"04 f00102f5", "0:f00102f5 "},                       /* dropped F7 */
	{"04 f00102f0", "0:f00102f0 "},
	{"04 f70102f0", "0:f70102f0 "},
	{"04 f70102f7", "0:f70102f7 "},
	{"02 f7f7", "0:f7f7 "},
	{"02 f7f4", "0:f7f4 "},
	{"03 f701f4", NULL},                                  /* a cancel is empty */
	{"03 f001f4", NULL},
	{"03 f00190", NULL},
	{"03 f00102", NULL},
	{"04 f401 02f7", "0:f40102f7 "},
	{"02 f5f7", "0:f5f7 "},
	{"03 f40102", NULL},
	{"02 c005", "0:c005 "},
	{"02 d005", "0:d005 "},
	{"02 f105", "0:f105 "},
	{"03 f20102", "0:f20102 "},
	{"02 f305", "0:f305 "},
	{"01 ff", "0:ff "},
	{"03 9080 40", NULL},
};

static char *describe(const struct rtpmidi *m)
{
	GString *s = g_string_new(NULL);
	struct rtpmidi_iter it;
	struct midi_cmd cmd;
	uint8_t octets[64];

	rtpmidi_begin(&it, m);
	while (rtpmidi_next(&it, &cmd)) {
		const size_t n = midi_write(octets, sizeof(octets), &cmd);

		g_string_append_printf(s, "%u:", cmd.delta);
		for (size_t i = 0; i < n; i++)
			g_string_append_printf(s, "%02x", octets[i]);
		g_string_append_c(s, ' ');
	}
	if (it.void_time)
		g_string_append_printf(s, "+%u", it.void_time);
	return g_string_free(s, FALSE);
}

static void reads(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(row); i++) {
		uint8_t buf[64];
		const size_t len = from_hex(buf, row[i].hex);
		struct rtpmidi m;
		char *got;

		g_test_message("%s", row[i].hex);
		if (!row[i].commands) {
			g_assert_cmpint(rtpmidi_read(&m, buf, len), ==, EBADMSG);
			continue;
		}
		g_assert_cmpint(rtpmidi_read(&m, buf, len), ==, 0);
		got = describe(&m);
		g_assert_cmpstr(got, ==, row[i].commands);
		g_free(got);
	}
}

static void writes(void)
{
	const struct midi_cmd on = midi_short(0x90, 60, 100);
	struct rtpmidi_list l;
	uint8_t buf[64];
	size_t len = sizeof(buf);

	rtpmidi_list_init(&l);
	g_assert_cmpint(rtpmidi_list_add(&l, &on, 64), ==, 0);
	g_assert_cmpint(rtpmidi_list_add(&l, &on, 64), ==, 0);
	g_assert_cmpint(rtpmidi_list_add(&l, &on, 8), ==, ENOSPC);
	g_assert_cmpint(rtpmidi_write(buf, &len, &l, true, false), ==, 0);
	g_assert_cmpmem(buf, len, "\x16\x90\x3c\x64\x00\x3c\x64", 7);
	len = 6;
	g_assert_cmpint(rtpmidi_write(buf, &len, &l, true, false), ==, ENOSPC);
}

static void refuses(void)
{
	static const uint8_t high[] = {0x80};
	const struct midi_cmd bad[] = {
		midi_short(0x40, 0, 0), midi_short(0xf7, 0, 0), midi_short(0x90, 128, 0), midi_short(0x90, 0, 128),
		midi_sysex(high, 1), {.status = 0xf0, .part = MIDI_FIRST}, {.status = 0x90, .part = MIDI_LAST},
		{.status = 0xf0, .part = MIDI_CANCEL, .body = (const uint8_t *)"\1", .len = 1},
		{.status = 0xf8, .delta = RTPMIDI_DELTA_MAX + 1},
	};
	struct rtpmidi_list l;

	rtpmidi_list_init(&l);
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		g_assert_cmpint(rtpmidi_list_add(&l, &bad[i], 100), ==, EINVAL);
	g_assert_cmpuint(l.len, ==, 0);
}

static struct midi_cmd any_command(uint8_t *body)
{
	static const uint8_t system[] = {0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff};
	struct midi_cmd cmd = {.delta = (uint32_t)g_test_rand_int_range(0, 2) * (uint32_t)g_test_rand_int_range(0, 0x0fffffff)};

	if (g_test_rand_bit())
		cmd.status = (uint8_t)g_test_rand_int_range(0x80, 0xb0);
	else if (g_test_rand_bit())
		cmd.status = system[g_test_rand_int_range(0, sizeof(system))];
	else
		cmd.status = (uint8_t)g_test_rand_int_range(0xc0, 0xf1);
	for (int i = 0; i < midi_data_len(cmd.status); i++)
		cmd.data[i] = (uint8_t)g_test_rand_int_range(0, 128);
	if (midi_data_len(cmd.status) >= 0)
		return cmd;
	cmd.len = (size_t)g_test_rand_int_range(1, 20);
	cmd.body = body;
	for (size_t i = 0; i < cmd.len; i++)
		body[i] = (uint8_t)g_test_rand_int_range(0, 128);
	if (cmd.status == MIDI_SYSEX) {
		cmd.part = (enum midi_part)g_test_rand_int_range(0, 5);
		cmd.dropped = (cmd.part == MIDI_WHOLE || cmd.part == MIDI_LAST) && g_test_rand_bit();
		cmd.len = cmd.part == MIDI_CANCEL ? 0 : cmd.len;
	}
	return cmd;
}

/* What goes in comes out, whatever it is. */
static void round_trip(void)
{
	for (unsigned n = 0; n < 5000; n++) {
		struct midi_cmd in[20], out;
		uint8_t body[20][20], buf[RTPMIDI_LIST_MAX + 2];
		struct rtpmidi_list l;
		struct rtpmidi m;
		struct rtpmidi_iter it;
		size_t len = sizeof(buf);

		rtpmidi_list_init(&l);
		for (unsigned i = 0; i < 20; i++) {
			in[i] = any_command(body[i]);
			g_assert_cmpint(rtpmidi_list_add(&l, &in[i], RTPMIDI_LIST_MAX), ==, 0);
		}
		g_assert_cmpint(rtpmidi_write(buf, &len, &l, n & 1, false), ==, 0);
		g_assert_cmpint(rtpmidi_read(&m, buf, len), ==, 0);
		g_assert_cmpint(m.p, ==, n & 1);
		rtpmidi_begin(&it, &m);
		for (unsigned i = 0; i < 20; i++) {
			g_assert_true(rtpmidi_next(&it, &out));
			g_assert_cmpuint(out.delta, ==, in[i].delta);
			g_assert_cmpuint(out.status, ==, in[i].status);
			g_assert_cmpmem(out.data, 2, in[i].data, 2);
			g_assert_cmpint(out.part, ==, in[i].part);
			g_assert_cmpint(out.dropped, ==, in[i].dropped);
			g_assert_cmpmem(out.body, out.len, in[i].body, in[i].len);
		}
		g_assert_false(rtpmidi_next(&it, &out));
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/rtpmidi/reads", reads);
	g_test_add_func("/rtpmidi/writes", writes);
	g_test_add_func("/rtpmidi/refuses", refuses);
	g_test_add_func("/rtpmidi/round-trip", round_trip);
	return g_test_run();
}
