/*
 * test-bridge.c - OSC messages as MIDI commands and back: whatever an instrument says is the same after it has been
 * OSC.
 */
#include <glib.h>
#include <math.h>
#include <re.h>
#include <string.h>

#include "osc/bridge.h"
#include "osc/kind.h"

static const struct bridge_taker all = {.max = OSC_MAX_DGRAM, .sysex_max = MIDI_SYSEX_MAX};

static struct osc_msg message(const char *addr, const struct osc_arg *args, size_t n)
{
	static uint8_t buf[512];
	struct osc_writer w;
	struct osc_msg msg;
	size_t len;

	osc_w_init(&w, buf, sizeof(buf));
	osc_w_msg(&w, addr, args, n);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	g_assert_cmpint(osc_msg_read(&msg, buf, len), ==, 0);
	return msg;
}

/* ---- tables ---- */

#define I(x) {.tag = 'i', .v.i = (x)}
#define F(x) {.tag = 'f', .v.f = (x)}
#define M(a, b, c) {.tag = 'm', .v.m = {0, a, b, c}}
#define B(s) {.tag = 'b', .v.b = {(const uint8_t *)(s), sizeof(s) - 1}}
#define TAG(x) {.tag = (x)}

static const struct {
	const char *addr;
	size_t n;
	struct osc_arg args[4];
	enum bridge_answer answer;
	const char *midi;         /* octets of all commands */
} to_midi[] = {
	{"/midi/1/note/60", 1, {TAG('N')}, BRIDGE_SAID, "803c40"},
	{"/midi/1/cc/7", 1, {TAG('N')}, BRIDGE_SILENT, ""},
	{"/midi/1/note/60", 1, {TAG('T')}, BRIDGE_SAID, "903c7f"},
	{"/midi/1/note/60", 1, {F(0.5f)}, BRIDGE_SAID, "903c40"},
	{"/midi/1/note/60", 1, {F(NAN)}, BRIDGE_SILENT, ""},
	{"/midi/1/note/60", 1, {F(INFINITY)}, BRIDGE_SILENT, ""},
	{"/midi/1/note/60", 1, {{.tag = 's', .v.s = "x"}}, BRIDGE_UNKNOWN, ""},
	{"/midi/1/note/60", 2, {I(1), I(2)}, BRIDGE_UNKNOWN, ""},
	{"/midi/1/note/60", 0, {{0}}, BRIDGE_UNKNOWN, ""},
	{"/midi/1/note/060", 1, {I(1)}, BRIDGE_UNKNOWN, ""},
	{"/midi/01/note/60", 1, {I(1)}, BRIDGE_UNKNOWN, ""},
	{"/midi/17/note/60", 1, {I(1)}, BRIDGE_UNKNOWN, ""},
	{"/midi/1/note/128", 1, {I(1)}, BRIDGE_UNKNOWN, ""},
	{"/midi/1/note/60/x", 1, {I(1)}, BRIDGE_UNKNOWN, ""},
	{"/midi/1/note", 1, {I(1)}, BRIDGE_UNKNOWN, ""},
	{"/midi/1/Note/60", 1, {I(1)}, BRIDGE_UNKNOWN, ""},
	{"/midi/1/start", 0, {{0}}, BRIDGE_UNKNOWN, ""},
	{"/midi/sys/start/1", 0, {{0}}, BRIDGE_UNKNOWN, ""},
	{"/midi/sys/sysex", 1, {B("a")}, BRIDGE_UNKNOWN, ""},
	{"/midi/*/note/60", 1, {I(1)}, BRIDGE_UNKNOWN, ""},
	{"/p/anna/midi/1/note/60", 1, {I(1)}, BRIDGE_UNKNOWN, ""},
	{"/midi/1/bend", 1, {I(16384)}, BRIDGE_SAID, "e07f7f"},
	{"/midi/1/program", 3, {I(5), I(1), I(2)}, BRIDGE_SAID, "b00001b02002c005"},
	{"/midi/1/program", 2, {I(5), I(1)}, BRIDGE_UNKNOWN, ""},
	{"/midi/1/program", 4, {I(5), I(1), I(2), I(3)}, BRIDGE_UNKNOWN, ""},
	{"/midi/1/nrpn/16382", 1, {I(16383)}, BRIDGE_SAID, "b0637fb0627eb0067fb0267fb0657fb0647f"},
	{"/midi/1/mode/123", 1, {I(0)}, BRIDGE_SAID, "b07b00"},
	{"/midi/1/mode/119", 1, {I(0)}, BRIDGE_UNKNOWN, ""},
	{"/midi/sys/song", 1, {I(3)}, BRIDGE_SAID, "f303"},
	{"/midi/sys/tune", 0, {{0}}, BRIDGE_SAID, "f6"},
	{"/midi/sys/stop", 1, {I(1)}, BRIDGE_UNKNOWN, ""},
	{"/midi/sysex", 1, {B("")}, BRIDGE_SAID, "f0f7"},
	{"/midi/sysex", 1, {B("a\x80")}, BRIDGE_UNKNOWN, ""},
	{"/midi/sysex", 1, {I(1)}, BRIDGE_UNKNOWN, ""},
	{"/midi/any/thing", 1, {M(0xc1, 5, 0xff)}, BRIDGE_SAID, "c105"},
	{"/midi/x", 1, {M(0xf8, 0, 0)}, BRIDGE_SAID, "f8"},
	{"/midi/x", 1, {M(0x90, 0x80, 1)}, BRIDGE_UNKNOWN, ""},
	{"/midi/x", 1, {M(0x40, 1, 1)}, BRIDGE_UNKNOWN, ""},
	{"/midi/x", 1, {M(0xf0, 1, 1)}, BRIDGE_UNKNOWN, ""},
	{"/midi/x", 1, {M(0xf7, 1, 1)}, BRIDGE_UNKNOWN, ""},
	{"/midi/x", 1, {M(0xfd, 1, 1)}, BRIDGE_UNKNOWN, ""},
	{"/midi/x", 1, {M(0xfe, 1, 1)}, BRIDGE_SILENT, ""},
	{"/midi/x", 1, {M(0xff, 1, 1)}, BRIDGE_SILENT, ""},
	{"/midi/x", 2, {M(0x90, 1, 1), M(0x90, 1, 1)}, BRIDGE_UNKNOWN, ""},
	{"/x", 1, {M(0x90, 1, 1)}, BRIDGE_UNKNOWN, ""},
};

static gchar *octets_of(const struct bridge_cmds *cmds)
{
	GString *s = g_string_new("");

	for (unsigned i = 0; i < cmds->n; i++) {
		uint8_t buf[MIDI_SYSEX_MAX + 2];
		const size_t n = midi_write(buf, sizeof(buf), &cmds->cmd[i]);

		g_assert_true(midi_is_valid(&cmds->cmd[i]));
		for (size_t k = 0; k < n; k++)
			g_string_append_printf(s, "%02x", buf[k]);
	}
	return g_string_free(s, FALSE);
}

static void commands(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(to_midi); i++) {
		const struct osc_msg msg = message(to_midi[i].addr, to_midi[i].args, to_midi[i].n);
		struct bridge_cmds cmds;
		gchar *octets;

		g_test_message("%s ,%s", to_midi[i].addr, msg.tags);
		g_assert_cmpint(bridge_to_midi_rt(&cmds, NULL, &msg, 256), ==, to_midi[i].answer);
		octets = octets_of(&cmds);
		g_assert_cmpstr(octets, ==, to_midi[i].midi);
		g_free(octets);
	}
}

static void too_big(void)
{
	static const uint8_t zeros[300];
	const struct osc_arg a = {.tag = 'b', .v.b = {zeros, 257}};
	const struct osc_msg msg = message("/midi/sysex", &a, 1);
	struct bridge_taker to = all;
	struct midi_state st;
	struct midi_cmd cmd = midi_sysex(zeros, 257);
	struct bridge_cmds cmds;
	uint8_t buf[BRIDGE_OSC_MAX];
	size_t len = sizeof(buf);

	g_assert_cmpint(bridge_to_midi_rt(&cmds, NULL, &msg, 256), ==, BRIDGE_BIG);
	g_assert_cmpint(bridge_to_midi_rt(&cmds, NULL, &msg, 257), ==, BRIDGE_SAID);
	midi_state_init(&st);
	to.sysex_max = 256;
	g_assert_cmpint(bridge_to_osc_rt(buf, &len, &to, &st, &cmd), ==, BRIDGE_BIG);
	g_assert_cmpuint(len, ==, 0);
	to.sysex_max = 257;
	to.max = 200;
	len = sizeof(buf);
	g_assert_cmpint(bridge_to_osc_rt(buf, &len, &to, &st, &cmd), ==, BRIDGE_BIG);
	to.max = 300;
	len = sizeof(buf);
	g_assert_cmpint(bridge_to_osc_rt(buf, &len, &to, &st, &cmd), ==, BRIDGE_SAID);
	len = 40;
	g_assert_cmpint(bridge_to_osc_rt(buf, &len, &to, &st, &cmd), ==, BRIDGE_BIG);
}

/* ---- a stream of MIDI as text ---- */

struct source {
	struct midi_state st;
	struct bridge_taker to;
	GString *said;            /* "address value .." */
	uint32_t seq;
};

static void source_init(struct source *s, const struct bridge_taker *to)
{
	midi_state_init(&s->st);
	s->to = *to;
	s->said = g_string_new("");
	s->seq = 0;
}

static void tell(struct source *s, const uint8_t *buf, size_t len)
{
	struct osc_args it;
	struct osc_arg a;
	struct osc_msg msg;

	g_assert_cmpint(osc_msg_read(&msg, buf, len), ==, 0);
	g_string_append_printf(s->said, "%s%s", s->said->len ? " " : "", msg.addr);
	osc_args_init(&it, &msg);
	while (osc_arg_next(&it, &a)) {
		if (a.tag == 'i')
			g_string_append_printf(s->said, " %d", a.v.i);
		else if (a.tag == 'f')
			g_string_append_printf(s->said, " %.3f", (double)a.v.f);
		else
			g_string_append_printf(s->said, " b%u", a.v.b.len);
	}
}

static enum bridge_answer play(struct source *s, struct midi_cmd cmd, bool silenced)
{
	uint8_t buf[BRIDGE_OSC_MAX];
	size_t len = sizeof(buf);
	unsigned i = 0;
	const enum bridge_answer answer = bridge_to_osc_rt(buf, &len, &s->to, &s->st, &cmd);

	g_assert_cmpint(answer == BRIDGE_SAID, ==, len > 0);
	if (len)
		tell(s, buf, len);
	while (silenced) {
		len = sizeof(buf);
		bridge_silenced_rt(buf, &len, &s->to, &s->st, &cmd, &i);
		if (!len)
			break;
		tell(s, buf, len);
	}
	midi_state_apply(&s->st, &cmd, ++s->seq, 0);
	return answer;
}

static void heard(struct source *s, const char *what)
{
	g_assert_cmpstr(s->said->str, ==, what);
	g_string_truncate(s->said, 0);
}

static void cc(struct source *s, uint8_t num, uint8_t value)
{
	play(s, midi_short(MIDI_CC | 2, num, value), true);
}

/* "An RPN/NRPN transaction yields one message when its data entry changes the value." */
static void params(void)
{
	struct source s;

	source_init(&s, &all);
	cc(&s, 6, 1);
	heard(&s, "/midi/3/cc/6 1");                    /* nothing is selected */
	cc(&s, 101, 0);
	cc(&s, 100, 0);
	heard(&s, "");
	cc(&s, 96, 0);
	heard(&s, "");                                  /* one up from nobody knows what */
	cc(&s, 6, 2);
	heard(&s, "/midi/3/rpn/0 256");
	cc(&s, 38, 0);
	heard(&s, "");
	cc(&s, 38, 44);
	heard(&s, "/midi/3/rpn/0 300");
	cc(&s, 97, 0);
	heard(&s, "/midi/3/rpn/0 299");
	cc(&s, 96, 0);
	cc(&s, 96, 0);
	heard(&s, "/midi/3/rpn/0 300 /midi/3/rpn/0 301");
	cc(&s, 99, 1);
	cc(&s, 6, 127);                                 /* the LSB left out is 0 */
	heard(&s, "/midi/3/nrpn/128 16256");
	cc(&s, 38, 127);
	cc(&s, 96, 0);
	heard(&s, "/midi/3/nrpn/128 16383");            /* no further */
	cc(&s, 96, 0);
	cc(&s, 97, 0);
	cc(&s, 97, 0);
	heard(&s, "");                                  /* but counted, as journals do: 2, 1, 0 too far */
	cc(&s, 97, 0);
	heard(&s, "/midi/3/nrpn/128 16382");
	cc(&s, 101, 127);
	cc(&s, 100, 127);
	cc(&s, 6, 5);
	heard(&s, "/midi/3/cc/6 5");                    /* the null number selects nothing */
	cc(&s, 101, 0);
	cc(&s, 100, 0);
	cc(&s, 6, 2);
	heard(&s, "/midi/3/rpn/0 256");                 /* known from before: 301 */
	cc(&s, 6, 2);
	heard(&s, "");
	g_string_free(s.said, TRUE);
}

static void banks(void)
{
	struct source s;

	source_init(&s, &all);
	play(&s, midi_short(MIDI_PROGRAM | 2, 5, 0), true);
	heard(&s, "/midi/3/program 5");
	cc(&s, 0, 1);
	cc(&s, 32, 2);
	heard(&s, "/midi/3/cc/0 1 /midi/3/cc/32 2");
	play(&s, midi_short(MIDI_PROGRAM | 2, 6, 0), true);
	heard(&s, "/midi/3/program 6 1 2");
	g_string_free(s.said, TRUE);
}

static void pieces(void)
{
	static const uint8_t body[4] = {1, 2, 3, 4};
	struct midi_cmd first = midi_sysex(body, 4), middle = first, last = midi_sysex(body, 0), cancel = last;
	struct source s;

	first.part = MIDI_FIRST;
	middle.part = MIDI_MIDDLE;
	last.part = MIDI_LAST;
	cancel.part = MIDI_CANCEL;
	source_init(&s, &all);
	s.to.sysex_max = 12;
	play(&s, last, true);
	heard(&s, "");
	play(&s, first, true);
	play(&s, midi_short(MIDI_CLOCK, 0, 0), true);
	play(&s, middle, true);
	play(&s, last, true);
	heard(&s, "/midi/sys/clock /midi/sysex b8");
	play(&s, first, true);
	play(&s, cancel, true);
	heard(&s, "");
	play(&s, first, true);
	play(&s, middle, true);
	play(&s, middle, true);
	last.body = body;
	last.len = 1;
	g_assert_cmpint(play(&s, last, true), ==, BRIDGE_BIG);
	g_string_free(s.said, TRUE);
}

static void tags(void)
{
	struct bridge_taker to = all;
	struct source s;

	to.types = "fs";
	source_init(&s, &to);
	play(&s, midi_short(MIDI_BEND, 0, 0x40), true);
	heard(&s, "/midi/1/bend 0.500");
	g_assert_cmpint(play(&s, midi_sysex((const uint8_t *)"a", 1), true), ==, BRIDGE_TYPE);
	g_assert_cmpint(play(&s, midi_short(MIDI_START, 0, 0), true), ==, BRIDGE_SAID);
	s.to.types = "sb";
	g_assert_cmpint(play(&s, midi_short(MIDI_BEND, 0, 0x40), true), ==, BRIDGE_TYPE);
	g_string_free(s.said, TRUE);
}

/* What the receiver wants MIDI to be. */
static void mapped(void)
{
	static const char *const lines[] = {
		"in /pad/%n 0:f:0:1 note:1:%n", "in /pitch/%c 0:f:-1:1 bend:%c", "in /patch 0:i:0:127 program:1",
		"in /go - start",
		"in /tune 0:d:0:16383 rpn:1:0",
	};
	struct bridge_taker to = all;
	struct oscmap *map;
	struct source s;

	g_assert_cmpint(oscmap_alloc(&map), ==, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(lines); i++)
		g_assert_cmpint(oscmap_add(map, lines[i], strlen(lines[i])), ==, 0);
	to.map = map;
	to.types = "if";
	source_init(&s, &to);
	play(&s, midi_short(MIDI_NOTE_ON, 60, 127), true);
	play(&s, midi_short(MIDI_NOTE_OFF, 60, 3), true);       /* a map knows no release velocities */
	heard(&s, "/pad/60 1.000 /pad/60 0.000");
	play(&s, midi_short(MIDI_NOTE_ON | 1, 60, 127), true);
	play(&s, midi_short(MIDI_NOTE_OFF | 1, 60, 3), true);
	heard(&s, "/midi/2/note/60 127 /midi/2/off/60 3");
	play(&s, midi_short(MIDI_BEND | 15, 0, 0x40), true);
	play(&s, midi_short(MIDI_PROGRAM, 7, 0), true);
	play(&s, midi_short(MIDI_START, 0, 0), true);
	play(&s, midi_short(MIDI_STOP, 0, 0), true);
	heard(&s, "/pitch/16 0.000 /patch 7 /go /midi/sys/stop");
	play(&s, midi_short(MIDI_CC, 101, 0), true);
	play(&s, midi_short(MIDI_CC, 100, 0), true);
	g_assert_cmpint(play(&s, midi_short(MIDI_CC, 6, 2), true), ==, BRIDGE_TYPE);
	g_string_free(s.said, TRUE);
	mem_deref(map);
}

/* What ends without being named. */
static void silenced(void)
{
	struct source s;

	source_init(&s, &all);
	play(&s, midi_short(MIDI_NOTE_ON, 60, 1), true);
	play(&s, midi_short(MIDI_NOTE_ON, 72, 1), true);
	play(&s, midi_short(MIDI_NOTE_ON | 1, 72, 1), true);
	play(&s, midi_short(MIDI_NOTE_OFF, 60, 1), true);
	play(&s, midi_short(MIDI_PRESSURE, 9, 0), true);
	g_string_truncate(s.said, 0);
	play(&s, midi_short(MIDI_CC, CC_NOTES_OFF, 0), true);
	heard(&s, "/midi/1/mode/123 0 /midi/1/note/72 0 /midi/1/pressure 0");
	play(&s, midi_short(MIDI_CC | 1, CC_LOCAL, 0), true);
	heard(&s, "/midi/2/mode/122 0");
	g_assert_cmpint(play(&s, midi_short(MIDI_RESET, 0, 0), true), ==, BRIDGE_SILENT);
	heard(&s, "/midi/2/note/72 0");
	play(&s, midi_short(MIDI_CC, CC_SUSTAIN, 127), true);
	play(&s, midi_short(MIDI_CC, CC_EXPRESSION, 1), true);
	play(&s, midi_short(MIDI_CC, 7, 1), true);
	play(&s, midi_short(MIDI_BEND, 1, 1), true);
	play(&s, midi_short(MIDI_POLY, 60, 1), true);
	g_string_truncate(s.said, 0);
	play(&s, midi_short(MIDI_CC, CC_RESET, 0), true);
	heard(&s, "/midi/1/mode/121 0 /midi/1/poly/60 0 /midi/1/cc/11 127 /midi/1/cc/64 0 /midi/1/bend 8192");
	g_string_free(s.said, TRUE);
}

/* ---- there and back ---- */

static bool is_param(const struct midi_cmd *cmd)
{
	return (cmd->status & 0xf0) == MIDI_CC && cmd->data[0] >= CC_NRPN_LSB && cmd->data[0] <= CC_RPN_MSB;
}

/* Every short command, told to who takes these tags, comes back as itself; with nothing said before it. */
static void each_command(const char *types)
{
	static struct midi_state nothing;
	struct bridge_taker to = all;

	to.types = types;
	midi_state_init(&nothing);
	for (unsigned status = 0x80; status <= 0xff; status++) {
		for (unsigned n = 0; n < 128 * 128; n++) {
			struct midi_cmd cmd = midi_short((uint8_t)status, n & 127, n >> 7);
			uint8_t buf[BRIDGE_OSC_MAX];
			size_t len = sizeof(buf);
			struct bridge_cmds back;
			struct osc_msg msg;

			if (midi_data_len((uint8_t)status) < 0 || (midi_data_len((uint8_t)status) < 1 && n) ||
			    (midi_data_len((uint8_t)status) < 2 && n > 127))
				break;
			if (bridge_to_osc_rt(buf, &len, &to, &nothing, &cmd) == BRIDGE_SILENT) {
				g_assert_true(is_param(&cmd) || status == MIDI_UNDEF_F9 || status == MIDI_UNDEF_FD ||
					status >= MIDI_SENSE);
				continue;
			}
			g_assert_cmpint(osc_msg_read(&msg, buf, len), ==, 0);
			g_assert_cmpint(bridge_to_midi_rt(&back, NULL, &msg, 0), ==, BRIDGE_SAID);
			g_assert_cmpuint(back.n, ==, 1);
			if ((status & 0xf0) == MIDI_NOTE_ON && !cmd.data[1])
				cmd = midi_short((uint8_t)(status & 0x8f), cmd.data[0], 64);
			if (memcmp(cmd.data, back.cmd[0].data, 2) != 0 || back.cmd[0].status != cmd.status)
				g_error("%02x %02x %02x is %s", cmd.status, cmd.data[0], cmd.data[1], msg.addr);
		}
	}
}

static void commands_back(void)
{
	each_command(NULL);
	each_command("f");
}

/* ---- whole performances ---- */

static uint64_t dice = 1;

static unsigned roll(unsigned n)
{
	dice = dice * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(dice >> 33) % n;
}

/* Few channels, notes and controllers, so that they meet each other. */
static struct midi_cmd random_command(void)
{
	static const uint8_t controls[] = {0, 1, 6, 7, 11, 32, 38, 64, 66, 96, 97, 98, 99, 100, 101, 119, 120, 121, 122,
		123, 126};
	const uint8_t ch = (uint8_t)(roll(2) * 15), num = (uint8_t)(roll(4) * 42);
	/* One after the other: in which order a call's arguments are made is the compiler's to choose. */
	const unsigned kind = roll(10), one_in_eight = roll(8), half = roll(2);
	const uint8_t control = controls[roll(sizeof(controls))], select = (uint8_t)(98 + roll(4)), few = (uint8_t)roll(3);
	const uint8_t a = (uint8_t)roll(128), b = (uint8_t)roll(128);

	switch (kind) {
	case 0: case 1: return midi_short(MIDI_NOTE_ON | ch, num, a);
	case 2: return midi_short(MIDI_NOTE_OFF | ch, num, half ? 64 : a);
	case 3: return midi_short(MIDI_POLY | ch, num, a);
	case 4: return midi_short(MIDI_PROGRAM | ch, a, 0);
	case 5: return midi_short(MIDI_PRESSURE | ch, a, 0);
	case 6: return midi_short(MIDI_BEND | ch, a, b);
	case 7: return one_in_eight ? midi_short(MIDI_CC | ch, select, few) : midi_short(MIDI_SONG, a, 0);
	default: return midi_short(MIDI_CC | ch, control, a);
	}
}

static unsigned value_of(const struct midi_param *p)
{
	const int v = (p->has_msb ? p->msb << 7 : 0) + (p->has_lsb ? p->lsb : 0) + (p->has_button ? p->a_button : 0);

	return v < 0 ? 0 : v > 16383 ? 16383 : (unsigned)v;
}

static void same_params(const struct midi_chan *a, const struct midi_chan *b)
{
	for (unsigned i = 0; i < a->n_params; i++) {
		const struct midi_param *p = &a->param[i], *q;

		if (!p->has_msb && !p->has_lsb)
			continue;
		q = midi_param_find(b, p->nrpn, p->num);
		g_assert_nonnull(q);
		g_assert_cmpuint(value_of(p), ==, value_of(q));
	}
}

static bool counts_in_state(unsigned num, bool live)
{
	/* "Bank Select MSB makes the LSB 0" (RFC 6295 A.2): a program says so, and so sets what controller 32 has
	 * been. */
	if (num == CC_BANK_LSB)
		return false;
	/* Modes are events. What a data entry is without a parameter selected, nobody knows of a state. */
	return num < CC_SOUND_OFF && (live || (num != CC_DATA_MSB && num != CC_DATA_LSB && num != CC_INCREMENT &&
		num != CC_DECREMENT));
}

/* live: all that was said was said again; else only the state. */
static void same_state(const struct midi_state *a, const struct midi_state *b, bool live)
{
	for (unsigned ch = 0; ch < MIDI_CHANNELS; ch++) {
		const struct midi_chan *x = &a->chan[ch], *y = &b->chan[ch];

		for (unsigned i = 0; i < MIDI_KEYS; i++) {
			g_assert_cmpint(x->note[i].count > 0, ==, y->note[i].count > 0);
			if (x->note[i].count)
				g_assert_cmpuint(x->note[i].velocity, ==, y->note[i].velocity);
			if (!x->poly[i].x)
				g_assert_cmpuint(x->poly[i].value, ==, y->poly[i].value);
			if (x->cc[i].seq && counts_in_state(i, live))
				g_assert_cmpuint(x->cc[i].value, ==, y->cc[i].value);
			if (live)
				g_assert_cmpuint(x->note[i].count, ==, y->note[i].count);
		}
		g_assert_cmpint(x->program.seq > 0, ==, y->program.seq > 0);
		g_assert_cmpuint(x->program.program, ==, y->program.program);
		if (x->program.b) {
			g_assert_cmpuint(x->program.msb, ==, y->program.msb);
			g_assert_cmpuint(x->program.lsb, ==, y->program.lsb);
		}
		g_assert_cmpuint(x->bend.value, ==, y->bend.value);
		g_assert_cmpuint(x->pressure.value, ==, y->pressure.value);
		same_params(x, y);
	}
	g_assert_cmpuint(a->sys.song.song, ==, b->sys.song.song);
}

static void back_into(struct midi_state *st, const uint8_t *buf, size_t len)
{
	struct bridge_cmds cmds;
	struct osc_msg msg;

	g_assert_cmpint(osc_msg_read(&msg, buf, len), ==, 0);
	g_assert_cmpint(bridge_to_midi_rt(&cmds, NULL, &msg, MIDI_SYSEX_MAX), ==, BRIDGE_SAID);
	for (unsigned i = 0; i < cmds.n; i++)
		midi_state_apply(st, &cmds.cmd[i], 1, 0);
}

static void keep(struct osckeys *keys, const uint8_t *buf, size_t len)
{
	uint8_t off[KIND_OFF_MAX];
	struct osc_msg msg;
	struct key *key;

	g_assert_cmpint(osc_msg_read(&msg, buf, len), ==, 0);
	if (kind_of(NULL, &msg) == OSC_STATE)
		g_assert_cmpint(osckeys_set_rt(&key, keys, &msg), ==, 0);
	else if (kind_off_key(off, &len, &msg))
		keep(keys, off, len);
}

static struct osckeys *new_keys(void)
{
	struct osckeys *keys;

	g_assert_cmpint(osckeys_alloc(&keys, OSCKEYS_SOURCE_MAX, OSCKEYS_SOURCE_BYTES, 7), ==, 0);
	return keys;
}

/* ---- the keys that somebody who joins is told, and what an instrument makes of them ---- */

/* What happens once is not state, whatever a sender declared it to be; notes that are up are no news. */
static bool is_state(const struct midi_cmd *cmd)
{
	if (midi_is_note_off(cmd) || cmd->status == MIDI_SONG)
		return cmd->status == MIDI_SONG;
	return midi_is_channel(cmd->status) && !((cmd->status & 0xf0) == MIDI_CC && cmd->data[0] >= CC_SOUND_OFF);
}

static void apply_all(struct midi_state *st, const struct bridge_cmds *cmds)
{
	for (unsigned i = 0; i < cmds->n; i++)
		if (is_state(&cmds->cmd[i]))
			midi_state_apply(st, &cmds->cmd[i], 5, 0);
}

/* A program that names its bank comes before bank selects that are keys of their own, which may be for the next one;
 * a program that names none comes after them. */
static unsigned turn_of(const struct bridge_cmds *cmds)
{
	if ((cmds->cmd[cmds->n - 1].status & 0xf0) != MIDI_PROGRAM)
		return 1;
	return cmds->n > 1 ? 0 : 2;
}

static void keys_to_midi(struct midi_state *st, const struct osckeys *keys)
{
	for (unsigned turn = 0; turn < 3; turn++) {
		for (unsigned i = 0; i < osckeys_slots(keys); i++) {
			struct bridge_cmds cmds = {.n = 0};
			struct osc_msg msg;

			if (!osckeys_slot_rt(&msg, keys, i) || bridge_to_midi_rt(&cmds, NULL, &msg, 0) != BRIDGE_SAID)
				continue;
			if (turn_of(&cmds) == turn)
				apply_all(st, &cmds);
		}
	}
}

static void performance(const char *types)
{
	struct midi_state *here = g_new(struct midi_state, 1), *there = g_new(struct midi_state, 1),
		*joined = g_new(struct midi_state, 1);
	struct osckeys *keys = new_keys();
	struct bridge_taker to = all;
	uint8_t buf[BRIDGE_OSC_MAX];

	to.types = types;
	midi_state_init(here);
	midi_state_init(there);
	for (uint32_t seq = 1; seq <= 3000; seq++) {
		struct midi_cmd cmd = random_command();
		size_t len = sizeof(buf);
		unsigned i = 0;

		/* A key that is struck twice before it is let go is one key in OSC: there one end is enough. */
		if ((cmd.status & 0xf0) == MIDI_NOTE_ON && here->chan[cmd.status & 15].note[cmd.data[0]].count)
			cmd.data[1] = 0;

		bridge_to_osc_rt(buf, &len, &to, here, &cmd);
		if (len) {
			back_into(there, buf, len);
			keep(keys, buf, len);
		}
		for (;;) {
			len = sizeof(buf);
			bridge_silenced_rt(buf, &len, &to, here, &cmd, &i);
			if (!len)
				break;
			keep(keys, buf, len);
		}
		midi_state_apply(here, &cmd, seq, 0);
		if (seq % 50)
			continue;
		same_state(here, there, true);
		midi_state_init(joined);
		keys_to_midi(joined, keys);
		same_state(here, joined, false);
	}
	mem_deref(keys);
	g_free(here);
	g_free(there);
	g_free(joined);
}

static void performances(void)
{
	for (unsigned i = 0; i < 10; i++) {
		dice = i;
		performance(NULL);
		performance("fsb");
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/bridge/commands", commands);
	g_test_add_func("/bridge/too-big", too_big);
	g_test_add_func("/bridge/params", params);
	g_test_add_func("/bridge/banks", banks);
	g_test_add_func("/bridge/pieces", pieces);
	g_test_add_func("/bridge/tags", tags);
	g_test_add_func("/bridge/mapped", mapped);
	g_test_add_func("/bridge/silenced", silenced);
	g_test_add_func("/bridge/commands-back", commands_back);
	g_test_add_func("/bridge/performances", performances);
	return g_test_run();
}
