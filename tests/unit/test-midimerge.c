/*
 * test-midimerge.c - several players, one stream: by table what comes out for what goes in; and players at random, against a model
 * that knows only who holds what.
 */
#include <errno.h>
#include <string.h>
#include <glib.h>
#include <re.h>

#include "osc/midi_leg.h"
#include "osc/midi_merge.h"
#include "tests/lib/rtguard.h"

/* ---- by table ---- */

struct out {
	uint8_t buf[8192];
	size_t  len;
};

static void write_out(const struct midi_cmd *cmd, void *arg)
{
	struct out *o = arg;
	const size_t n = midi_write(o->buf + o->len, sizeof(o->buf) - o->len, cmd);

	g_assert_cmpuint(n, >, 0);
	o->len += n;
}

static size_t unhex(uint8_t *buf, size_t room, const char *hex)
{
	size_t n = 0;
	char *end;

	for (;; hex = end) {
		const unsigned long v = strtoul(hex, &end, 16);

		if (end == hex)
			return n;
		g_assert_cmpuint(n, <, room);
		buf[n++] = (uint8_t)v;
	}
}

/* One command, as on a cable; SysEx segments as RFC 6295 figure 5 has them. */
static struct midi_cmd command(const uint8_t *buf, size_t n)
{
	struct midi_cmd cmd = midi_short(buf[0], n > 1 ? buf[1] : 0, n > 2 ? buf[2] : 0);

	if (buf[0] == 0xf0 || buf[0] == 0xf7) {
		const uint8_t last = buf[n - 1];

		cmd = midi_sysex(buf + 1, n - 2);
		cmd.part = buf[0] == 0xf0 ? (last == 0xf0 ? MIDI_FIRST : MIDI_WHOLE) :
			last == 0xf0 ? MIDI_MIDDLE : last == 0xf4 ? MIDI_CANCEL : MIDI_LAST;
	}
	return cmd;
}

struct step {
	unsigned ms;              /* since the step before */
	char     who;             /* 'a' to 'd': comes with its first command; upper case: leaves */
	const char *in, *out;
};

struct scene {
	const char *name;
	bool spread;
	size_t sysex_max;
	struct step step[14];
};

static const struct scene scenes[] = {
	{"the last holder's off", false, 256, {
		{0, 'a', "90 3c 64", "90 3c 64"}, {0, 'b', "90 3c 50", "90 3c 50"}, {0, 'a', "80 3c 40", ""},
		{0, 'b', "80 3c 20", "80 3c 20 80 3c 20"}, {0, 'b', "80 3c 20", "80 3c 20"}}},
	{"velocity 0 is an off", false, 256, {
		{0, 'a', "91 3c 64", "91 3c 64"}, {0, 'b', "91 3c 50", "91 3c 50"}, {0, 'a', "91 3c 00", ""},
		{0, 'b', "91 3c 00", "91 3c 00 91 3c 00"}}},
	{"channels and notes apart", false, 256, {
		{0, 'a', "90 3c 64", "90 3c 64"}, {0, 'b', "91 3c 50", "91 3c 50"}, {0, 'a', "80 3c 40", "80 3c 40"},
		{0, 'b', "81 3c 40", "81 3c 40"}}},
	{"struck twice by one", false, 256, {
		{0, 'a', "90 3c 64", "90 3c 64"}, {0, 'a', "90 3c 65", "90 3c 65"}, {0, 'a', "80 3c 40", "80 3c 40 80 3c 40"}}},
	{"off of who does not hold", false, 256, {
		{0, 'a', "90 3c 64", "90 3c 64"}, {0, 'b', "80 3c 40", ""}, {0, 'a', "80 3c 40", "80 3c 40"}}},
	{"pedals", false, 256, {
		{0, 'a', "b0 40 7f", "b0 40 7f"}, {0, 'b', "b0 40 00", ""}, {0, 'b', "b0 40 50", "b0 40 50"},
		{0, 'a', "b0 40 00", ""}, {0, 'b', "b0 40 3f", "b0 40 3f"}, {0, 'b', "b0 45 7f", "b0 45 7f"},
		{0, 'a', "b0 45 00", ""}, {0, 'b', "b1 45 00", "b1 45 00"}, {0, 'B', "", "b0 45 00"}}},
	{"last writer", false, 256, {
		{0, 'a', "b0 07 10", "b0 07 10"}, {0, 'b', "b0 07 20", "b0 07 20"}, {0, 'a', "e0 00 40", "e0 00 40"},
		{0, 'b', "d0 11", "d0 11"}, {0, 'a', "a0 3c 11", "a0 3c 11"}}},
	{"banks", false, 256, {
		{0, 'a', "b0 00 05", "b0 00 05"}, {0, 'a', "c0 01", "c0 01"}, {0, 'b', "c0 02", "b0 00 00 b0 20 00 c0 02"},
		{0, 'a', "c0 03", "b0 00 05 b0 20 00 c0 03"}, {0, 'a', "c0 04", "c0 04"}, {0, 'b', "b0 20 01", "b0 20 01"},
		{0, 'b', "c0 02", "b0 00 00 b0 20 01 c0 02"}}},
	{"parameter numbers", false, 256, {
		{0, 'a', "b0 65 00", "b0 65 00"}, {0, 'a', "b0 64 01", "b0 64 01"}, {0, 'a', "b0 06 40", "b0 06 40"},
		{0, 'b', "b0 63 02", "b0 63 02"}, {0, 'a', "b0 26 01", "b0 65 00 b0 64 01 b0 26 01"},
		{0, 'b', "b0 62 03", "b0 63 02 b0 62 03"}, {0, 'b', "b0 06 11", "b0 06 11"},
		{0, 'a', "b0 60 00", "b0 65 00 b0 64 01 b0 60 00"}, {0, 'b', "b0 61 00", "b0 63 02 b0 62 03 b0 61 00"},
		{0, 'c', "b0 06 22", "b0 65 7f b0 64 7f b0 06 22"}}},
	{"a mode message between others", false, 256, {
		{0, 'a', "90 3c 64", "90 3c 64"}, {0, 'b', "90 3c 50", "90 3c 50"}, {0, 'b', "90 40 50", "90 40 50"},
		{0, 'b', "b0 7b 00", "80 40 40"}, {0, 'a', "80 3c 40", "80 3c 40 80 3c 40"}, {0, 'a', "90 3c 64", "90 3c 64"},
		{0, 'a', "b0 7b 00", "b0 7b 00"}, {0, 'b', "b0 78 00", "b0 78 00"}}},
	{"reset of controllers", false, 256, {
		{0, 'a', "90 3c 64", "90 3c 64"}, {0, 'b', "b0 40 7f", "b0 40 7f"}, {0, 'b', "b0 79 00", "b0 40 00"},
		{0, 'a', "80 3c 40", "80 3c 40"}, {0, 'b', "b0 40 7f", "b0 40 7f"}, {0, 'a', "b0 79 00", ""},
		{0, 'b', "b0 79 00", "b0 79 00"}}},
	{"whole SysEx", false, 6, {
		{0, 'a', "f0 7d 01 f7", "f0 7d 01 f7"}, {0, 'a', "f0 7d 01 f0", ""}, {0, 'b', "f0 7d 02 f7", "f0 7d 02 f7"},
		{0, 'a', "f7 02 f0", ""}, {500, 'a', "f7 03 f7", "f0 7d 01 02 03 f7"}, {0, 'a', "f7 04 f7", ""},
		{0, 'a', "f0 7d f0", ""}, {0, 'a', "f7 f4", ""}, {0, 'a', "f7 01 f7", ""},
		{0, 'a', "f0 7d f0", ""}, {2001, 'a', "f7 01 f7", ""}, {0, 'b', "f0 1 2 3 4 5 6 7 f7", ""},
		{0, 'a', "f0 1 2 3 4 5 f0", ""}, {0, 'a', "f7 6 7 f7", ""}}},
	{"one leads", false, 256, {
		{0, 'a', "fa", "fa"}, {0, 'b', "fa", ""}, {20, 'a', "f8", "f8"}, {20, 'b', "f8", ""}, {10, 'b', "f2 01 00", ""},
		{0, 'b', "f1 01", ""}, {10, 'a', "fc", "fc"}, {1900, 'b', "fb", ""}, {200, 'b', "fb", "fb"}, {0, 'a', "fa", ""},
		{2001, 'a', "f8", "f8"}, {0, 'A', "", ""}, {0, 'b', "f8", "f8"}, {0, 'b', "f3 05", "f3 05"}}},
	{"what stays here", false, 256, {
		{0, 'a', "fe", ""}, {0, 'a', "90 3c 64", "90 3c 64"}, {0, 'b', "90 3c 64", "90 3c 64"}, {0, 'b', "90 3d 64", "90 3d 64"},
		{0, 'b', "b0 40 7f", "b0 40 7f"}, {0, 'b', "ff", "80 3d 40 b0 40 00"}, {0, 'a', "f9", ""}, {0, 'a', "f6", "f6"},
		{0, 'A', "", "80 3c 40 80 3c 40"}}},
	{"a reset by SysEx", false, 256, {
		{0, 'a', "90 3c 64", "90 3c 64"}, {0, 'b', "90 3c 64", "90 3c 64"}, {0, 'c', "f0 7e 7f 09 01 f7", "f0 7e 7f 09 01 f7"},
		{0, 'a', "80 3c 40", "80 3c 40"}, {0, 'B', "", ""}}},
	{"spread", true, 256, {
		{0, 'a', "95 3c 64", "90 3c 64"}, {0, 'b', "95 3c 64", "91 3c 64"}, {0, 'a', "96 3c 64", "90 3c 64"},
		{0, 'a', "85 3c 40", ""}, {0, 'a', "86 3c 40", "80 3c 40 80 3c 40"}, {0, 'b', "c0 05", "c1 05"},
		{0, 'A', "", ""}, {0, 'c', "9f 3c 64", "90 3c 64"}, {0, 'B', "", "81 3c 40"}}},
};

static void play_step(struct midi_merge *m, const struct step *s, uint64_t now_us, const char *scene)
{
	uint8_t in[64], want[64];
	const size_t n_in = unhex(in, sizeof(in), s->in), n_want = unhex(want, sizeof(want), s->out);
	const uint32_t id = (uint32_t)g_ascii_tolower(s->who);
	struct out o = {.len = 0};

	if (g_ascii_isupper(s->who)) {
		midi_merge_leave_rt(m, id, write_out, &o);
	} else {
		const struct midi_cmd cmd = command(in, n_in);

		if (!midi_merge_has(m, id))
			g_assert_cmpint(midi_merge_join_rt(m, id, NULL, now_us, write_out, &o), ==, 0);
		midi_merge_put_rt(m, id, &cmd, now_us, write_out, &o);
	}
	if (o.len != n_want || memcmp(o.buf, want, n_want))
		g_test_message("%s: %c %s", scene, s->who, s->in);
	g_assert_cmpmem(o.buf, o.len, want, n_want);
}

static void by_table(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(scenes); i++) {
		const struct scene *sc = &scenes[i];
		const struct midi_merge_conf conf = {.sources = 8, .sysex_max = sc->sysex_max, .spread = sc->spread};
		struct midi_merge *m;
		uint64_t now_us = 1000;

		g_assert_cmpint(midi_merge_alloc(&m, &conf), ==, 0);
		for (const struct step *s = sc->step; s < sc->step + G_N_ELEMENTS(sc->step) && s->in; s++) {
			now_us += s->ms * 1000u;
			play_step(m, s, now_us, sc->name);
		}
		mem_deref(m);
	}
}

/* What a receiver must not be sent does not come, and is not what it is thought to know. */
static void a_receiver_without_controllers(void)
{
	struct midi_fmtp f;
	struct midi_subset subset;
	struct midi_merge_conf conf = {.sources = 2, .subset = &subset};
	struct midi_cmd cmd = midi_short(MIDI_CC, 7, 100);
	struct midi_state from;
	struct midi_merge *m;
	struct out o = {.len = 0};

	g_assert_cmpint(midi_fmtp_read(&f, "cm_unused=CMW", 13), ==, 0);
	midi_subset_make(&subset, &f);
	midi_state_init(&from);
	midi_state_apply(&from, &cmd, 1, 0);
	cmd = midi_short(MIDI_BEND, 0, 1);
	midi_state_apply(&from, &cmd, 2, 0);
	cmd = midi_short(MIDI_NOTE_ON, 60, 100);
	midi_state_apply(&from, &cmd, 3, 0);
	g_assert_cmpint(midi_merge_alloc(&m, &conf), ==, 0);
	g_assert_cmpint(midi_merge_seed_rt(m, 1, &from), ==, 0);
	g_assert_cmpint(midi_merge_seed_rt(m, 1, &from), ==, EALREADY);
	g_assert_cmpint(midi_merge_join_rt(m, 2, &from, 0, write_out, &o), ==, 0);
	g_assert_cmpint(midi_merge_join_rt(m, 3, &from, 0, write_out, &o), ==, ENOSPC);
	g_assert_cmpuint(o.len, ==, 0);
	g_assert_cmpuint(midi_merge_state(m)->chan[0].cc[7].seq, ==, 0);
	g_assert_cmpuint(midi_merge_state(m)->chan[0].bend.seq, ==, 0);
	g_assert_cmpuint(midi_merge_state(m)->chan[0].note[60].count, ==, 1);
	cmd = midi_short(MIDI_NOTE_OFF, 60, 64);
	midi_merge_put_rt(m, 2, &cmd, 0, write_out, &o);      /* it was not struck for 2, and 1 holds it */
	g_assert_cmpuint(o.len, ==, 0);
	midi_merge_put_rt(m, 1, &cmd, 0, write_out, &o);
	g_assert_cmpuint(o.len, ==, 3);
	mem_deref(m);
}

static void refused(void)
{
	struct midi_merge *m;

	g_assert_cmpint(midi_merge_alloc(&m, &(struct midi_merge_conf){.sources = 0}), ==, EINVAL);
	g_assert_cmpint(midi_merge_alloc(&m, &(struct midi_merge_conf){.sources = MERGE_SOURCES_MAX + 1}), ==, EINVAL);
	g_assert_cmpint(midi_merge_alloc(&m, &(struct midi_merge_conf){.sources = 1, .sysex_max = 4097}), ==, EINVAL);
}

/* Each allocation fails once: nothing is made, and nothing left behind (the address sanitizer's build would tell). */
static void no_memory(void)
{
	static const struct midi_leg_ops ops;
	struct midi_leg_conf conf = {.rate = 48000, .max = 1200, .sysex_max = 256};
	struct midi_leg *l;

	(void)rand_u32();                         /* what the library of chance takes for itself */
	for (conf.sources = 1; conf.sources < 4; conf.sources++)
		for (unsigned nth = 1;; nth++) {
			int err;

			rtguard_fail(nth);
			err = midi_leg_alloc(&l, &conf, &ops, NULL);
			if (!rtguard_fail(0)) {
				g_assert_cmpint(err, ==, 0);
				mem_deref(l);
				break;
			}
			g_assert_cmpint(err, ==, ENOMEM);
		}
}

/* ---- at random ---- */

enum { PLAYERS = 5, CHANNELS = 2, NOTES = 6, FIRST_NOTE = 60, SWITCHES = 6, NUMS = 3 };

struct select { bool pending, open, nrpn; int msb[2], num; };

/* What one player has said of a channel; the instrument at the end is one as well. */
struct part {
	unsigned note[NOTES];
	bool     down[SWITCHES];
	int      bank, program, program_bank;
	struct select select;
};

struct model {
	GRand *rand;
	struct midi_merge *merge;
	bool   here[PLAYERS];
	struct part player[PLAYERS][CHANNELS], far[CHANNELS];
	int    truth[CHANNELS][2][NUMS], told[CHANNELS][2][NUMS];        /* parameters, by who wrote last */
	struct midi_state seen;           /* of all that came out */
	unsigned ons, offs;
	bool   sysex_open;
	uint8_t body[PLAYERS][32];
	size_t body_len[PLAYERS];
	guint  want_sysex, got_sysex;
};

static unsigned upto(struct model *w, unsigned n)
{
	return (unsigned)g_rand_int_range(w->rand, 0, (gint32)n);
}

/* True when it was a data entry for a number. */
static bool select_hear(struct select *s, int num, int value)
{
	switch (num) {
	case 99: case 101:
		s->nrpn = num == 99;
		s->pending = true;
		s->open = false;
		s->msb[s->nrpn] = value;
		return false;
	case 98: case 100:
		s->nrpn = num == 98;
		s->pending = false;
		s->num = s->msb[s->nrpn] << 7 | value;
		s->open = s->num != 0x3fff;
		return false;
	default:
		if (s->pending) {
			s->num = s->msb[s->nrpn] << 7;
			s->open = true;
			s->pending = false;
		}
		return s->open;
	}
}

static bool is_param(int num)
{
	return num == 6 || (num >= 98 && num <= 101);
}

static void far_control(struct model *w, struct part *p, unsigned chan, int num, int value)
{
	if (num >= 64 && num <= 69) {
		p->down[num - 64] = value >= 64;
	} else if (num == 0) {
		p->bank = value << 7;
	} else if (num == 32) {
		p->bank = (p->bank & ~0x7f) | value;
	} else if (is_param(num)) {
		if (select_hear(&p->select, num, value) && num == 6) {
			g_assert_cmpint(p->select.num, <, NUMS);         /* no number of two halves */
			w->told[chan][p->select.nrpn][p->select.num] = value;
		}
	} else if (num == 121) {
		memset(p->down, 0, 4 * sizeof(p->down[0]));
		p->select = (struct select){.pending = false};
	} else if (num >= 120 && num != 122) {
		memset(p->note, 0, sizeof(p->note));
	}
}

static void far_plays(const struct midi_cmd *cmd, void *arg)
{
	struct model *w = arg;
	const unsigned chan = cmd->status & 0x0f, note = cmd->data[0] - FIRST_NOTE;
	struct part *p = &w->far[chan % CHANNELS];

	g_assert_true(midi_is_valid(cmd));
	g_assert_cmpint(cmd->part, ==, MIDI_WHOLE);
	midi_state_apply(&w->seen, cmd, 1, 0);
	if (cmd->status == MIDI_SYSEX) {
		w->got_sysex = w->got_sysex * 31 + (guint)cmd->len * 131 + cmd->body[cmd->len - 1];
		return;
	}
	if (!midi_is_channel(cmd->status))
		return;
	g_assert_cmpuint(chan, <, CHANNELS);
	if (midi_is_note_off(cmd)) {
		p->note[note] -= p->note[note] > 0;
		w->offs++;
	} else if ((cmd->status & 0xf0) == MIDI_NOTE_ON) {
		p->note[note]++;
		w->ons++;
	} else if ((cmd->status & 0xf0) == MIDI_CC) {
		far_control(w, p, chan, cmd->data[0], cmd->data[1]);
	} else if ((cmd->status & 0xf0) == MIDI_PROGRAM) {
		p->program = cmd->data[0];
		p->program_bank = p->bank;
	}
}

static void put(struct model *w, unsigned who, unsigned status, unsigned a, unsigned b)
{
	const struct midi_cmd cmd = midi_short((uint8_t)status, (uint8_t)a, (uint8_t)b);

	midi_merge_put_rt(w->merge, who, &cmd, 0, far_plays, w);
}

static void play_param(struct model *w, unsigned who, unsigned chan, struct part *p)
{
	static const uint8_t order[] = {101, 100, 99, 98, 6, 6};
	const int num = order[upto(w, sizeof(order))];
	int value = num == 6 ? (int)upto(w, 128) : num & 1 ? 0 : (int)upto(w, NUMS);

	if (num != 6 && upto(w, 10) == 0)
		value = 127;
	if ((num == 100 || num == 98) && p->select.msb[num == 98] == 127)
		value = 127;                          /* what is not 0 or the null number is not compared here */
	if (num == 6 && p->select.pending && p->select.msb[p->select.nrpn])
		return;
	if ((num == 100 || num == 98) && p->select.msb[num == 98] == 0 && value == 127)
		value = 0;
	if (select_hear(&p->select, num, value) && num == 6)
		w->truth[chan][p->select.nrpn][p->select.num] = value;
	put(w, who, MIDI_CC | chan, (unsigned)num, (unsigned)value);
}

static void play_mode(struct model *w, unsigned who, unsigned chan, struct part *p)
{
	const unsigned num = 120 + upto(w, 8);

	if (num == 121) {
		memset(p->down, 0, 4 * sizeof(p->down[0]));
		p->select = (struct select){.pending = false};
	} else if (num != 122) {
		memset(p->note, 0, sizeof(p->note));
	}
	put(w, who, MIDI_CC | chan, num, 0);
}

static void play_sysex(struct model *w, unsigned who)
{
	const bool begins = !w->body_len[who];
	uint8_t octet = (uint8_t)upto(w, 128);
	struct midi_cmd cmd = midi_sysex(&octet, 1);

	if (!begins && upto(w, 8) == 0) {
		cmd.part = MIDI_CANCEL;
		cmd.len = 0;
		w->body_len[who] = 0;
	} else {
		cmd.part = begins ? MIDI_FIRST : upto(w, 2) ? MIDI_LAST : MIDI_MIDDLE;
		w->body_len[who]++;
		if (cmd.part == MIDI_LAST) {
			w->want_sysex = w->want_sysex * 31 + (guint)w->body_len[who] * 131 + octet;
			w->body_len[who] = 0;
		}
	}
	midi_merge_put_rt(w->merge, who, &cmd, 0, far_plays, w);
}

static void play_bank(struct model *w, unsigned who, unsigned chan, struct part *p)
{
	const unsigned value = upto(w, 3);

	switch (upto(w, 3)) {
	case 0:
		p->bank = (int)value << 7;
		put(w, who, MIDI_CC | chan, 0, value);
		break;
	case 1:
		p->bank = (p->bank & ~0x7f) | (int)value;
		put(w, who, MIDI_CC | chan, 32, value);
		break;
	default:
		put(w, who, MIDI_PROGRAM | chan, value, 0);
		g_assert_cmpint(w->far[chan].program, ==, value);
		g_assert_cmpint(w->far[chan].program_bank, ==, p->bank);
	}
}

static void come_or_go(struct model *w, unsigned who)
{
	if (w->here[who])
		midi_merge_leave_rt(w->merge, who, far_plays, w);
	else
		g_assert_cmpint(midi_merge_join_rt(w->merge, who, NULL, 0, far_plays, w), ==, 0);
	w->here[who] = !w->here[who];
	memset(w->player[who], 0, sizeof(w->player[who]));
	w->body_len[who] = 0;
}

static void play(struct model *w)
{
	const unsigned who = upto(w, PLAYERS), chan = upto(w, CHANNELS), what = upto(w, 100), i = upto(w, NOTES);
	struct part *p = &w->player[who][chan];
	const unsigned value = upto(w, 128);

	if (!w->here[who] || what == 0) {
		come_or_go(w, who);
	} else if (what < 30) {
		p->note[i] = 1;
		put(w, who, MIDI_NOTE_ON | chan, FIRST_NOTE + i, 1 + upto(w, 127));
	} else if (what < 60) {
		p->note[i] = 0;
		put(w, who, (upto(w, 2) ? MIDI_NOTE_OFF : MIDI_NOTE_ON) | chan, FIRST_NOTE + i, 0);
	} else if (what < 75) {
		p->down[i % SWITCHES] = value >= 64;
		put(w, who, MIDI_CC | chan, 64 + i % SWITCHES, value);
	} else if (what < 85) {
		play_param(w, who, chan, p);
	} else if (what < 90) {
		play_bank(w, who, chan, p);
	} else if (what < 95) {
		play_sysex(w, who);
	} else if (what < 98) {
		play_mode(w, who, chan, p);
	} else if (what == 98) {
		memset(w->player[who], 0, sizeof(w->player[who]));
		w->body_len[who] = 0;
		put(w, who, MIDI_RESET, 0, 0);
	} else {
		put(w, who, MIDI_SENSE, 0, 0);
	}
}

static void compare(const struct model *w)
{
	const struct midi_state *st = midi_merge_state(w->merge);

	for (unsigned c = 0; c < CHANNELS; c++) {
		for (unsigned n = 0; n < NOTES; n++) {
			unsigned held = 0;

			for (unsigned i = 0; i < PLAYERS; i++)
				held += w->player[i][c].note[n];
			g_assert_cmpint(w->far[c].note[n] > 0, ==, held > 0);
			g_assert_cmpuint(st->chan[c].note[FIRST_NOTE + n].count, ==, MIN(127, w->far[c].note[n]));
		}
		for (unsigned k = 0; k < SWITCHES; k++) {
			bool down = false;

			for (unsigned i = 0; i < PLAYERS; i++)
				down |= w->player[i][c].down[k];
			g_assert_cmpint(w->far[c].down[k], ==, down);
			g_assert_cmpint(st->chan[c].cc[64 + k].on, ==, down);
		}
	}
	g_assert_cmpmem(w->truth, sizeof(w->truth), w->told, sizeof(w->told));
	g_assert_cmpuint(w->want_sysex, ==, w->got_sysex);
}

static void at_random(void)
{
	static struct model w;
	const struct midi_merge_conf conf = {.sources = PLAYERS, .sysex_max = 256};

	for (guint32 seed = 1; seed <= 40; seed++) {
		memset(&w, 0, sizeof(w));
		w.rand = g_rand_new_with_seed(seed);
		midi_state_init(&w.seen);
		g_assert_cmpint(midi_merge_alloc(&w.merge, &conf), ==, 0);
		for (unsigned i = 0; i < 4000; i++) {
			play(&w);
			compare(&w);
		}
		g_assert_cmpmem(&w.seen, sizeof(w.seen), midi_merge_state(w.merge), sizeof(w.seen));
		for (unsigned i = 0; i < PLAYERS; i++)
			if (w.here[i])
				come_or_go(&w, i);
		compare(&w);
		for (unsigned c = 0; c < CHANNELS; c++)
			for (unsigned n = 0; n < NOTES; n++)
				g_assert_cmpuint(w.far[c].note[n], ==, 0);
		g_assert_cmpuint(w.offs, >, 1000);
		mem_deref(w.merge);
		g_rand_free(w.rand);
	}
}

/* Who comes late is seeded with what players have said: the same as the merged stream has told those who were there. */
static void seeded(void)
{
	enum { MANY = 4 };
	const struct midi_merge_conf conf = {.sources = MANY, .sysex_max = 256};
	GRand *rand = g_rand_new_with_seed(7);
	struct midi_state *player = g_new(struct midi_state, MANY);
	struct midi_merge *old, *late;
	struct out o;

	g_assert_cmpint(midi_merge_alloc(&old, &conf), ==, 0);
	g_assert_cmpint(midi_merge_alloc(&late, &conf), ==, 0);
	for (unsigned i = 0; i < MANY; i++) {
		midi_state_init(&player[i]);
		midi_merge_join_rt(old, i, NULL, 0, write_out, &o);
	}
	for (uint32_t seq = 1; seq < 20000; seq++) {
		static const uint8_t status[] = {MIDI_NOTE_ON, MIDI_NOTE_OFF, MIDI_CC, MIDI_CC, MIDI_BEND, MIDI_PRESSURE, MIDI_POLY};
		const unsigned i = (unsigned)g_rand_int_range(rand, 0, MANY);
		const struct midi_cmd cmd = midi_short(status[g_rand_int_range(rand, 0, sizeof(status))],
			(uint8_t)g_rand_int_range(rand, 60, 72), (uint8_t)g_rand_int_range(rand, 0, 128));

		o.len = 0;
		midi_state_apply(&player[i], &cmd, seq, 0);
		midi_merge_put_rt(old, i, &cmd, 0, write_out, &o);
	}
	for (unsigned i = 0; i < MANY; i++)
		g_assert_cmpint(midi_merge_seed_rt(late, i, &player[i]), ==, 0);
	for (unsigned n = 60; n < 72; n++) {
		const struct midi_chan *a = &midi_merge_state(old)->chan[0], *b = &midi_merge_state(late)->chan[0];

		g_assert_cmpint(a->note[n].count > 0, ==, b->note[n].count > 0);
		g_assert_cmpuint(a->poly[n].value, ==, b->poly[n].value);
		if (n < 64 || n > 69)
			g_assert_cmpuint(a->cc[n].value, ==, b->cc[n].value);
		else
			g_assert_cmpint(a->cc[n].on, ==, b->cc[n].on);
		g_assert_cmpuint(a->bend.value, ==, b->bend.value);
		g_assert_cmpuint(a->pressure.value, ==, b->pressure.value);
	}
	for (unsigned i = 0; i < MANY; i++) {
		o.len = 0;
		midi_merge_leave_rt(late, i, write_out, &o);
	}
	for (unsigned n = 0; n < MIDI_KEYS; n++)
		g_assert_cmpuint(midi_merge_state(late)->chan[0].note[n].count, ==, 0);
	mem_deref(old);
	mem_deref(late);
	g_free(player);
	g_rand_free(rand);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/midimerge/by-table", by_table);
	g_test_add_func("/midimerge/subset", a_receiver_without_controllers);
	g_test_add_func("/midimerge/refused", refused);
	g_test_add_func("/midimerge/no-memory", no_memory);
	g_test_add_func("/midimerge/at-random", at_random);
	g_test_add_func("/midimerge/seeded", seeded);
	return g_test_run();
}
