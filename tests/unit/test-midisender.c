/*
 * test-midisender.c - when packets are due, what is refused, and how far back the checkpoint lies.
 */
#include <errno.h>
#include <string.h>
#include <glib.h>
#include <re.h>

#include "osc/midi_repair.h"
#include "osc/midi_sender.h"

static const struct midi_sender_conf closed = {.policy = MIDI_CLOSED_LOOP, .seq = 65535, .max = 1200};
static const struct midi_cmd note = {.status = 0x90, .data = {60, 100}};

/* Sends what was put and returns the checkpoint of its journal. */
static uint16_t send_packet(struct midi_sender *s, uint16_t seq, uint64_t now_ms)
{
	uint8_t buf[1200];
	size_t len = sizeof(buf), list;
	uint16_t got;
	bool marker;

	g_assert_cmpint(midi_sender_packet(buf, &len, &got, &marker, s, (uint32_t)now_ms * 48, now_ms * 1000), ==, 0);
	g_assert_cmpuint(got, ==, seq);
	g_assert_true(buf[0] & 0x40);
	list = buf[0] & 0x0f;
	if (buf[0] & 0x80)
		list = (list << 8 | buf[1]) + 1;                     /* a header of two octets */
	g_assert_cmpint(marker, ==, list > 0);
	return (uint16_t)(buf[list + 2] << 8 | buf[list + 3]);
}

static void checkpoint(void)
{
	struct midi_sender *s;

	g_assert_cmpint(midi_sender_alloc(&s, &closed, NULL), ==, 0);
	midi_sender_report(s, 5);                                  /* of nothing */
	g_assert_cmpint(midi_sender_put(s, &note), ==, 0);
	g_assert_cmpuint(send_packet(s, 65535, 0), ==, 65535);
	g_assert_cmpuint(send_packet(s, 0, 1), ==, 65535);
	g_assert_cmpuint(send_packet(s, 1, 2), ==, 65535);         /* no report: the first packet */
	midi_sender_report(s, 0);
	g_assert_cmpuint(send_packet(s, 2, 3), ==, 1);
	midi_sender_report(s, 7 << 16 | 2);                        /* the receiver counts rounds as it likes */
	g_assert_cmpuint(send_packet(s, 3, 4), ==, 3);
	midi_sender_report(s, 1);                                  /* old */
	midi_sender_report(s, 40000);                              /* never sent */
	g_assert_cmpuint(send_packet(s, 4, 5), ==, 3);
	mem_deref(s);
}

static void anchor(void)
{
	struct midi_sender_conf conf = closed;
	struct midi_sender *s;

	conf.policy = MIDI_ANCHOR;
	g_assert_cmpint(midi_sender_alloc(&s, &conf, NULL), ==, 0);
	g_assert_cmpuint(send_packet(s, 65535, 0), ==, 65535);
	midi_sender_report(s, 65535);
	g_assert_cmpuint(send_packet(s, 0, 0), ==, 65535);
	mem_deref(s);
}

static uint64_t due_ms(const struct midi_sender *s)
{
	return midi_sender_due_us(s) / 1000;
}

static void guards(void)
{
	struct midi_sender_conf conf = closed;
	struct midi_sender *s;

	conf.guard_us = 1000000;
	g_assert_cmpint(midi_sender_alloc(&s, &conf, NULL), ==, 0);
	g_assert_cmpuint(midi_sender_due_us(s), ==, UINT64_MAX);
	g_assert_cmpint(midi_sender_put(s, &note), ==, 0);
	send_packet(s, 65535, 0);
	g_assert_cmpuint(due_ms(s), ==, 100);
	send_packet(s, 0, 100);
	g_assert_cmpuint(due_ms(s), ==, 200);
	send_packet(s, 1, 200);
	g_assert_cmpuint(due_ms(s), ==, 400);
	send_packet(s, 2, 400);
	g_assert_cmpuint(due_ms(s), ==, 800);
	send_packet(s, 3, 800);
	send_packet(s, 4, 1600);
	g_assert_cmpuint(due_ms(s), ==, 2600);                     /* the guard time */
	g_assert_cmpint(midi_sender_put(s, &note), ==, 0);
	send_packet(s, 5, 1700);
	g_assert_cmpuint(due_ms(s), ==, 1800);
	midi_sender_report(s, 5);                                  /* all is known at the other end */
	g_assert_cmpuint(due_ms(s), ==, 2700);
	mem_deref(s);

	g_assert_cmpint(midi_sender_alloc(&s, &closed, NULL), ==, 0);
	g_assert_cmpint(midi_sender_put(s, &note), ==, 0);
	send_packet(s, 65535, 0);
	midi_sender_report(s, 65535);
	g_assert_cmpuint(midi_sender_due_us(s), ==, UINT64_MAX);
	mem_deref(s);
}

static void sysex(void)
{
	static uint8_t body[1200];
	const struct midi_cmd small = midi_sysex(body, 200), big = midi_sysex(body, 1000), bad = midi_short(0x90, 200, 0);
	uint16_t seq = 65535;
	struct midi_sender *s;
	int err = 0;

	g_assert_cmpint(midi_sender_alloc(&s, &closed, NULL), ==, 0);
	g_assert_cmpint(midi_sender_put(s, &big), ==, EMSGSIZE);
	g_assert_cmpint(midi_sender_put(s, &bad), ==, EINVAL);
	for (unsigned i = 0; i < 10 && !err; i++) {
		err = midi_sender_put(s, &small);
		send_packet(s, seq++, i);
	}
	g_assert_cmpint(err, ==, EAGAIN);
	midi_sender_report(s, (uint16_t)(seq - 1));
	g_assert_cmpint(midi_sender_put(s, &small), ==, 0);
	g_assert_cmpuint(midi_sender_stats(s)->moved_on, ==, 0);
	mem_deref(s);
}

static void full(void)
{
	struct midi_cmd cmd = note;
	struct midi_sender_conf conf = closed;
	struct midi_sender *s;
	int err = 0;

	conf.max = 63;
	g_assert_cmpint(midi_sender_alloc(&s, &conf, NULL), ==, EINVAL);
	conf.max = 64;
	g_assert_cmpint(midi_sender_alloc(&s, &conf, NULL), ==, 0);
	for (unsigned i = 0; !err; i++) {
		cmd.data[0] = i & 0x7f;
		err = midi_sender_put(s, &cmd);
	}
	g_assert_cmpint(err, ==, ENOSPC);
	mem_deref(s);
}

static void count_strikes(const struct midi_cmd *cmd, bool repair, void *arg)
{
	(void)repair;
	*(unsigned *)arg += (cmd->status & 0xf0) == MIDI_NOTE_ON;
}

/* The next packet goes to a receiver. */
static void pass_on(struct midi_sender *s, struct midi_repair *r, uint32_t ts)
{
	uint8_t buf[1200];
	size_t len = sizeof(buf);
	uint16_t seq;
	bool marker;

	g_assert_cmpint(midi_sender_packet(buf, &len, &seq, &marker, s, ts, 0), ==, 0);
	g_assert_cmpint(midi_repair_packet(r, seq, ts, buf, len), ==, 0);
}

/* Whatever clock a held note was struck by, to who comes late it is over; after a pause what was released meanwhile ends. */
static void begins(void)
{
	struct midi_sender_conf conf = closed;
	struct midi_state st;
	struct midi_sender *s;
	struct midi_repair *r;
	unsigned strikes = 0;

	conf.play = 4800;
	midi_state_init(&st);
	midi_state_apply(&st, &note, 1, 1000);
	for (conf.policy = MIDI_CLOSED_LOOP; conf.policy <= MIDI_ANCHOR; conf.policy++) {
		g_assert_cmpint(midi_sender_alloc(&s, &conf, NULL), ==, 0);
		g_assert_cmpint(midi_repair_alloc(&r, count_strikes, &strikes), ==, 0);
		midi_sender_begin_rt(s, &st, false, 1001);
		g_assert_cmpuint(midi_sender_due_us(s), ==, 0);
		pass_on(s, r, 1001);
		g_assert_cmpuint(strikes, ==, 0);
		g_assert_cmpuint(midi_repair_state(r)->chan[0].note[60].count, ==, 1);
		midi_sender_report(s, midi_repair_highest(r));

		midi_state_init(&st);
		midi_sender_begin_rt(s, &st, true, 2000);
		pass_on(s, r, 2000);
		g_assert_cmpuint(midi_repair_state(r)->chan[0].note[60].count, ==, 0);
		midi_state_apply(&st, &note, 1, 1000);

		/* Another stream of the same SSRC, to who has taken a straggler for its beginning. */
		midi_sender_begin_rt(s, &st, false, 3000);
		pass_on(s, r, 3000);
		g_assert_cmpuint(midi_repair_state(r)->chan[0].note[60].count, ==, 1);
		g_assert_cmpuint(strikes, ==, 0);
		mem_deref(s);
		mem_deref(r);
	}
}

/* j_sec=none: commands alone. */
static void bare(void)
{
	struct midi_sender_conf conf = closed;
	struct midi_sender *s;
	uint8_t buf[1200];
	size_t len = sizeof(buf);
	uint16_t seq;
	bool marker;

	conf.policy = MIDI_BARE;
	g_assert_cmpint(midi_sender_alloc(&s, &conf, NULL), ==, 0);
	g_assert_cmpint(midi_sender_put(s, &note), ==, 0);
	g_assert_cmpint(midi_sender_packet(buf, &len, &seq, &marker, s, 0, 0), ==, 0);
	g_assert_cmpmem(buf, len, "\x03\x90\x3c\x64", 4);
	g_assert_cmpuint(midi_sender_due_us(s), ==, UINT64_MAX);
	mem_deref(s);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/midisender/checkpoint", checkpoint);
	g_test_add_func("/midisender/anchor", anchor);
	g_test_add_func("/midisender/guards", guards);
	g_test_add_func("/midisender/sysex", sysex);
	g_test_add_func("/midisender/full", full);
	g_test_add_func("/midisender/begins", begins);
	g_test_add_func("/midisender/bare", bare);
	return g_test_run();
}
