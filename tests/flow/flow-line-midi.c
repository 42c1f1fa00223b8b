/*
 * flow-line-midi.c - players of RTP MIDI in a room, through the relay: a note, a chord in a packet, who leaves with a note down, who comes
 * late, hold, other streams after a re-INVITE, what never passes, packets that are lost both ways.
 */
#include <string.h>
#include <glib.h>
#include <re.h>

#include "tests/lib/midipeer.h"

static struct gestnet *net;
static struct ensemble *room;
static struct midipeer anna, ben, cleo, dora;

static void open_room(void)
{
	g_assert_cmpint(gestnet_alloc(&net, NULL, 1), ==, 0);
	g_assert_cmpint(ensemble_get(&room, gestnet_relay(net), "band"), ==, 0);
}

static void close_room(void)
{
	gestnet_run(net, 5);
	room = mem_deref(room);
	gestnet_run(net, 5);
	net = mem_deref(net);
}

static unsigned value_of(struct midipeer *p, unsigned num)
{
	return midi_repair_state(midipeer_hears(p, NULL)->repair)->chan[0].cc[num].value;
}

static void merged(void)
{
	uint64_t before;

	open_room();
	midipeer_join(&anna, net, room, "anna", 1, false);
	midipeer_join(&ben, net, room, "ben", 1, false);
	midipeer_join(&cleo, net, room, "cleo", 1, false);
	gestnet_run(net, 50);
	g_assert_nonnull(midipeer_hears(&ben, NULL));                /* "The first packet is sent at once" */
	midipeer_play(&anna, 0x90, 60, 100);
	gestnet_run(net, 10);
	g_assert_true(midipeer_sounds(&ben, NULL, 0, 60) && midipeer_sounds(&cleo, NULL, 0, 60));
	g_assert_false(midipeer_sounds(&anna, NULL, 0, 60));         /* nobody hears himself */
	g_assert_cmpuint(ben.n_csrc, ==, 1);
	g_assert_cmphex(ben.csrc[0], ==, anna.ssrc);
	g_assert_true(ben.marker);

	before = gestnet_packets(ben.end);
	for (unsigned i = 0; i < 5; i++)
		midipeer_cmd(&anna, &(struct midi_cmd){.status = 0x90, .data = {(uint8_t)(70 + i), 90}, .delta = i * 10});
	midipeer_send(&anna);
	gestnet_run(net, 3);
	g_assert_cmpuint(gestnet_packets(ben.end) - before, <=, 2);       /* one for one, and perhaps a report */
	g_assert_true(midipeer_sounds(&ben, NULL, 0, 74));

	midipeer_play(&cleo, 0x90, 60, 80);
	gestnet_run(net, 10);
	midipeer_play(&anna, 0x80, 60, 64);
	gestnet_run(net, 10);
	g_assert_true(midipeer_sounds(&ben, NULL, 0, 60));           /* cleo has it */
	midipeer_leave(&cleo);
	gestnet_run(net, 10);
	g_assert_false(midipeer_sounds(&ben, NULL, 0, 60));
	midipeer_play(&anna, 0xb0, 64, 127);
	midipeer_leave(&anna);
	gestnet_run(net, 200);
	g_assert_false(midipeer_sounds(&ben, NULL, 0, 74));
	g_assert_cmpuint(value_of(&ben, 64), ==, 0);
	midipeer_leave(&ben);
	close_room();
}

static void apart(void)
{
	open_room();
	midipeer_join(&anna, net, room, "anna", 1, false);
	midipeer_join(&ben, net, room, "ben", 8, false);
	midipeer_join(&cleo, net, room, "cleo", 1, false);
	gestnet_run(net, 20);
	midipeer_play(&anna, 0x90, 60, 100);
	midipeer_play(&cleo, 0xb0, 7, 50);
	gestnet_run(net, 1000);                                   /* until RTCP has said who is who */
	g_assert_true(midipeer_sounds(&ben, "anna", 0, 60));
	g_assert_cmpuint(ben.n_csrc, ==, 0);
	g_assert_cmpuint(midi_repair_state(midipeer_hears(&ben, "cleo")->repair)->chan[0].cc[7].value, ==, 50);
	midipeer_leave(&anna);
	gestnet_run(net, 50);
	g_assert_cmpuint(ben.byes, ==, 1);
	g_assert_null(midipeer_hears(&ben, "anna"));
	midipeer_leave(&ben);
	midipeer_leave(&cleo);
	close_room();
}

static void late_joiner(void)
{
	open_room();
	midipeer_join(&anna, net, room, "anna", 1, false);
	midipeer_play(&anna, 0xb0, 7, 33);
	midipeer_play(&anna, 0xc0, 5, 0);
	midipeer_play(&anna, 0x90, 60, 100);
	gestnet_run(net, 100);
	midipeer_join(&ben, net, room, "ben", 1, false);
	midipeer_join(&cleo, net, room, "cleo", 4, true);
	gestnet_run(net, 20);
	for (unsigned i = 0; i < 2; i++) {
		struct midipeer_stream *s = midipeer_hears(i ? &cleo : &ben, NULL);

		g_assert_nonnull(s);
		g_assert_cmpuint(midi_repair_state(s->repair)->chan[0].cc[7].value, ==, 33);
		g_assert_cmpuint(midi_repair_state(s->repair)->chan[0].program.program, ==, 5);
		g_assert_cmpuint(midi_repair_state(s->repair)->chan[0].note[60].count, ==, 1);
		g_assert_cmpuint(s->sounding[0][60], ==, 0);      /* "so that nothing is struck late" */
	}
	midipeer_play(&anna, 0x80, 60, 64);
	gestnet_run(net, 20);
	g_assert_cmpuint(midi_repair_state(midipeer_hears(&ben, NULL)->repair)->chan[0].note[60].count, ==, 0);
	midipeer_leave(&anna);
	midipeer_leave(&ben);
	midipeer_leave(&cleo);
	close_room();
}

static void hold(void)
{
	open_room();
	midipeer_join(&anna, net, room, "anna", 1, false);
	midipeer_join(&ben, net, room, "ben", 1, false);
	gestnet_run(net, 50);
	midipeer_play(&anna, 0x90, 60, 100);
	gestnet_run(net, 20);
	g_assert_true(midipeer_sounds(&ben, NULL, 0, 60));
	midipeer_set_dir(&ben, LEG_DIR_INACTIVE);
	gestnet_run(net, 100);
	midipeer_play(&anna, 0x80, 60, 64);
	midipeer_play(&anna, 0xb0, 7, 44);
	midipeer_play(&ben, 0x90, 61, 100);                       /* "dropped, counted" */
	gestnet_run(net, 1000);
	g_assert_false(midipeer_sounds(&anna, NULL, 0, 61));
	midipeer_set_dir(&ben, LEG_DIR_BOTH);
	gestnet_run(net, 200);
	g_assert_false(midipeer_sounds(&ben, NULL, 0, 60));
	g_assert_cmpuint(value_of(&ben, 7), ==, 44);
	/* What he played on hold he still holds, and it must not be struck; his next note is heard. */
	g_assert_false(midipeer_sounds(&anna, NULL, 0, 61));
	midipeer_play(&ben, 0x90, 62, 100);
	gestnet_run(net, 20);
	g_assert_true(midipeer_sounds(&anna, NULL, 0, 62));
	midipeer_set_dir(&ben, LEG_DIR_SEND);                     /* he hears and plays no more: it is let go */
	gestnet_run(net, 20);
	g_assert_false(midipeer_sounds(&anna, NULL, 0, 62));
	midipeer_leave(&anna);
	midipeer_leave(&ben);
	close_room();
}

static void other_streams(void)
{
	struct midipeer_stream *s;

	open_room();
	midipeer_join(&anna, net, room, "anna", 1, false);
	midipeer_join(&ben, net, room, "ben", 1, false);
	midipeer_play(&anna, 0xb0, 7, 11);
	gestnet_run(net, 50);
	midipeer_set_dir(&ben, LEG_DIR_BOTH);                     /* "does not disturb the streams" */
	gestnet_run(net, 50);
	g_assert_cmpuint(ben.byes, ==, 0);
	ben.line.sources = 4;
	midipeer_set_dir(&ben, LEG_DIR_BOTH);
	gestnet_run(net, 50);
	g_assert_cmpuint(ben.byes, ==, 1);
	gestnet_run(net, 1000);
	s = midipeer_hears(&ben, "anna");
	g_assert_nonnull(s);
	g_assert_cmpuint(midi_repair_state(s->repair)->chan[0].cc[7].value, ==, 11);
	midipeer_leave(&anna);
	midipeer_leave(&ben);
	close_room();
}

/* System Reset lets go what its source holds; Active Sense is nothing here; SysEx has its limit. */
static void what_passes(void)
{
	static const uint8_t body[300] = {0x7d};
	struct midi_cmd cmd = midi_sysex(body, 256);
	struct relay_stats s;

	open_room();
	midipeer_join(&anna, net, room, "anna", 1, false);
	midipeer_join(&ben, net, room, "ben", 1, false);
	midipeer_join(&cleo, net, room, "cleo", 4, false);
	gestnet_run(net, 20);
	midipeer_play(&anna, 0x90, 60, 100);
	midipeer_play(&anna, MIDI_RESET, 0, 0);
	midipeer_play(&anna, MIDI_SENSE, 0, 0);
	midipeer_cmd(&anna, &cmd);
	midipeer_send(&anna);
	cmd = midi_sysex(body, 257);
	midipeer_cmd(&anna, &cmd);
	midipeer_send(&anna);
	gestnet_run(net, 1000);
	g_assert_false(midipeer_sounds(&ben, NULL, 0, 60) || midipeer_sounds(&cleo, "anna", 0, 60));
	g_assert_cmpuint(midipeer_hears(&ben, NULL)->sysexes, ==, 1);
	g_assert_cmpuint(midipeer_hears(&cleo, "anna")->sysexes, ==, 1);
	relay_stats(gestnet_relay(net), &s);
	g_assert_cmpuint(s.midi_sysex, ==, 2);                       /* by both receivers; a line that ends takes nothing back */
	g_assert_cmpuint(s.midi_absorbed, ==, 2);                    /* of the merged stream: reset and sense */
	midipeer_leave(&anna);
	midipeer_leave(&ben);
	midipeer_leave(&cleo);
	close_room();
}

/* What receivers have not got is counted by why, and outlives their lines. */
static void left_out(void)
{
	struct relay_stats s;

	open_room();
	midipeer_join(&ben, net, room, "ben", 2, false);             /* takes two streams: those of who joined first */
	midipeer_join(&anna, net, room, "anna", 1, false);
	midipeer_join(&cleo, net, room, "cleo", 1, false);
	midipeer_join(&dora, net, room, "dora", 1, false);
	gestnet_run(net, 20);
	midipeer_play(&anna, 0x90, 60, 100);
	midipeer_play(&cleo, 0x90, 60, 90);
	midipeer_play(&dora, 0xb0, 7, 33);                           /* no stream of ben's */
	midipeer_play(&anna, MIDI_CLOCK, 0, 0);
	midipeer_play(&cleo, MIDI_CLOCK, 0, 0);                      /* dora has anna's */
	midipeer_play(&cleo, 0x80, 60, 64);                          /* dora: anna holds it */
	gestnet_run(net, 50);
	relay_stats(gestnet_relay(net), &s);
	g_assert_cmpuint(s.midi_unplaced, ==, 1);
	g_assert_cmpuint(s.midi_clock, ==, 1);
	g_assert_cmpuint(s.midi_held, ==, 1);
	midipeer_set_dir(&dora, LEG_DIR_RECV);                       /* the line anew: what was told is not told again */
	gestnet_run(net, 50);
	midipeer_leave(&ben);
	midipeer_leave(&anna);
	midipeer_leave(&cleo);
	midipeer_leave(&dora);
	gestnet_run(net, 50);
	relay_stats(gestnet_relay(net), &s);
	g_assert_cmpuint(s.midi_unplaced, ==, 1);
	g_assert_cmpuint(s.midi_clock, ==, 1);
	close_room();
}

/* Notes and a fader, with packets lost in both directions of both links. */
static void lost(void)
{
	static const struct gestlink bad = {.loss = 30, .twice = 5, .delay_us = 5000, .jitter_us = 30000};

	open_room();
	midipeer_join(&anna, net, room, "anna", 1, false);
	midipeer_join(&ben, net, room, "ben", 1, false);
	gestnet_link(anna.end, &bad);
	gestnet_link(ben.end, &bad);
	for (unsigned i = 0; i < 3000; i++) {
		const unsigned note = 40 + gestnet_draw(net, 40);

		midipeer_play(&anna, gestnet_draw(net, 2) ? 0x90 : 0x80, note, 1 + gestnet_draw(net, 127));
		midipeer_play(&anna, 0xb0, 7, gestnet_draw(net, 128));
		gestnet_run(net, 1 + gestnet_draw(net, 20));
		if (i % 300 == 299) {
			gestnet_run(net, 2500);
			g_assert_cmpuint(value_of(&ben, 7), ==, anna.said.chan[0].cc[7].value);
			/* A stroke whose moment is over is not passed on. */
			for (unsigned n = 0; n < 128; n++)
				g_assert_cmpint(midi_repair_state(midipeer_hears(&ben, NULL)->repair)->chan[0].note[n].count > 0, <=,
					anna.said.chan[0].note[n].state == NOTE_ON);
		}
	}
	g_assert_cmpuint(anna.reports, >, 30);
	midipeer_leave(&anna);
	gestnet_run(net, 3000);
	for (unsigned n = 0; n < 128; n++)
		g_assert_false(midipeer_sounds(&ben, NULL, 0, n));
	midipeer_leave(&ben);
	close_room();
}

int main(int argc, char **argv)
{
	int n;

	libre_init();
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/line-midi/merged", merged);
	g_test_add_func("/line-midi/apart", apart);
	g_test_add_func("/line-midi/late-joiner", late_joiner);
	g_test_add_func("/line-midi/hold", hold);
	g_test_add_func("/line-midi/other-streams", other_streams);
	g_test_add_func("/line-midi/what-passes", what_passes);
	g_test_add_func("/line-midi/left-out", left_out);
	g_test_add_func("/line-midi/lost", lost);
	n = g_test_run();
	libre_close();
	return n;
}
