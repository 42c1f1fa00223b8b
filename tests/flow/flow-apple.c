/*
 * flow-apple.c - AppleMIDI players of a room and what they hear of each other, through a relay and a network that the test turns.
 * A peer is the other side of the same session, sender and receiver; its packets go over links that lose, double and swap them.
 */
#include <glib.h>
#include <string.h>
#include "osc/appleport.h"
#include "tests/lib/mac.h"

enum { QUIET_MS = 3000 };

static struct gestnet *net;
static struct appleports *ports;

/* ---- a house ---- */

static void begin(const char *from, unsigned per_address)
{
	struct appleports_conf conf = {.ports = "band:5004 6000-6003", .from = from, .max = 8, .max_per_address = per_address};

	g_assert_cmpint(sa_set_str(&conf.local, "10.0.0.1", 0), ==, 0);
	g_assert_cmpint(gestnet_alloc(&net, NULL, 7), ==, 0);
	g_assert_cmpint(appleports_alloc(&ports, gestnet_relay(net), NULL, &conf), ==, 0);
	gestnet_run(net, 10);
}

static void enter(struct mac *m, const char *room, const char *name)
{
	struct sa at[2];

	g_assert_cmpint(appleports_bound(ports, room, at), ==, 0);
	mac_begin(m, net, at, name);
}

static struct appleports_stats stats(void)
{
	struct appleports_stats s;

	appleports_stats(ports, &s);
	return s;
}

/* The ports are gone, and nothing was ever sent to an address that nobody has. */
static void closes(void)
{
	ports = mem_deref(ports);
	gestnet_run(net, 20);
	g_assert_cmpuint(gestnet_astray(net), ==, 0);
}

static void finish(void)
{
	g_assert_null(ports);
	net = mem_deref(net);
}

static const struct midi_note *note(const struct midi_state *st, unsigned channel, unsigned key)
{
	return &st->chan[channel].note[key];
}

static unsigned sounding(const struct midi_state *st)
{
	unsigned n = 0;

	for (unsigned c = 0; c < MIDI_CHANNELS; c++)
		for (unsigned k = 0; k < MIDI_KEYS; k++)
			n += note(st, c, k)->count > 0;
	return n;
}

/* ---- ladders ---- */

static void test_ladder(void)
{
	struct player_info list[4];
	struct ensemble *room;
	struct mac anna, bob;

	begin("any", 0);
	enter(&anna, "band", "Anna's iPad");
	enter(&bob, "band", "_bob");
	gestnet_run(net, 3000);
	g_assert_true(anna.opened && bob.opened);
	g_assert_cmpuint(stats().players, ==, 2);
	g_assert_cmpint(ensemble_get(&room, gestnet_relay(net), "BAND"), ==, 0);
	g_assert_cmpuint(ensemble_list(room, list, 4), ==, 2);
	g_assert_cmpstr(list[0].name, ==, "Anna-s-iPad");
	g_assert_cmpstr(list[1].name, ==, "bob");

	mac_play(&anna, 0x90, 60, 100);
	gestnet_run(net, 5);
	g_assert_cmpuint(bob.struck, ==, 1);
	g_assert_cmpuint(anna.struck, ==, 0);
	mac_play(&bob, 0x93, 64, 90);
	mac_play(&bob, 0xb3, 7, 33);
	gestnet_run(net, 5);
	g_assert_cmpuint(anna.struck, ==, 1);
	g_assert_cmpuint(midi_repair_state(anna.repair)->chan[3].cc[7].value, ==, 33);

	/* Anna goes with a key down: nobody else holds it. */
	mac_leave(&anna);
	gestnet_run(net, 20);
	g_assert_cmpuint(bob.released, ==, 1);
	g_assert_cmpuint(sounding(midi_repair_state(bob.repair)), ==, 0);
	g_assert_cmpuint(stats().players, ==, 1);

	/* The server ends: it says so. */
	g_assert_false(bob.closed);
	closes();
	g_assert_true(bob.closed);
	mem_deref(room);
	mac_end(&anna);
	mac_end(&bob);
	finish();
}

/* A late joiner has programs and controllers at once, and no note struck late; what is released later, is no harm. */
static void test_late(void)
{
	struct mac anna, bob;

	begin("any", 0);
	enter(&anna, "band", "anna");
	gestnet_run(net, 2500);
	mac_play(&anna, 0xc0, 12, 0);
	mac_play(&anna, 0xb0, 7, 99);
	mac_play(&anna, 0x90, 60, 100);
	gestnet_run(net, 100);
	enter(&bob, "band", "bob");
	gestnet_run(net, 2500);
	g_assert_cmpuint(midi_repair_state(bob.repair)->chan[0].program.program, ==, 12);
	g_assert_cmpuint(midi_repair_state(bob.repair)->chan[0].cc[7].value, ==, 99);
	g_assert_cmpuint(bob.struck, ==, 0);
	mac_play(&anna, 0x80, 60, 64);
	mac_play(&anna, 0x90, 61, 64);
	gestnet_run(net, 20);
	g_assert_cmpuint(bob.struck, ==, 1);
	closes();
	mac_end(&anna);
	mac_end(&bob);
	finish();
}

static void play_something(struct mac *m)
{
	const uint8_t key = (uint8_t)(60 + gestnet_draw(net, 6)), channel = (uint8_t)gestnet_draw(net, 2);

	switch (gestnet_draw(net, 5)) {
	case 0:  mac_play(m, (uint8_t)(0xb0 | channel), (uint8_t)(7 + gestnet_draw(net, 3)), (uint8_t)gestnet_draw(net, 128)); break;
	case 1:  mac_play(m, (uint8_t)(0xe0 | channel), 0, (uint8_t)gestnet_draw(net, 128)); break;
	case 2:  mac_play(m, (uint8_t)(0xc0 | channel), (uint8_t)gestnet_draw(net, 128), 0); break;
	default:
		if (note(midi_sender_state(m->sender), channel, key)->count)
			mac_play(m, (uint8_t)(0x80 | channel), key, 64);
		else
			mac_play(m, (uint8_t)(0x90 | channel), key, 100);
	}
}

/* What both have heard: one plays alone on these channels, so it must be the same. A note whose stroke was lost and whose moment
 * is over is held and silent on both ends. */
static void compare(const struct midi_state *played, const struct midi_state *got)
{
	for (unsigned c = 0; c < 2; c++) {
		for (unsigned k = 60; k < 66; k++) {
			if (!note(played, c, k)->count)
				g_assert_cmpuint(note(got, c, k)->count, ==, 0);
		}
		for (unsigned k = 7; k < 10; k++)
			g_assert_cmpuint(played->chan[c].cc[k].value, ==, got->chan[c].cc[k].value);
		g_assert_cmpuint(played->chan[c].bend.value, ==, got->chan[c].bend.value);
		g_assert_cmpuint(played->chan[c].program.program, ==, got->chan[c].program.program);
	}
}

static void lossy(bool no_feedback, unsigned loss)
{
	const struct gestlink bad = {.loss = loss, .twice = 5, .delay_us = 2000, .jitter_us = 8000};
	struct mac anna, bob;

	begin("any", 0);
	enter(&anna, "band", "anna");
	enter(&bob, "band", "bob");
	gestnet_link(anna.end, &bad);
	gestnet_link(bob.end, &bad);
	bob.no_feedback = anna.no_feedback = no_feedback;
	for (unsigned i = 0; i < 40 && stats().players < 2; i++)
		gestnet_run(net, 1000);
	g_assert_cmpuint(stats().players, ==, 2);
	/* once each, so that both ends have a value of all */
	for (uint8_t c = 0; c < 2; c++) {
		for (uint8_t k = 7; k < 10; k++)
			mac_play(&anna, 0xb0 | c, k, 1);
		mac_play(&anna, 0xe0 | c, 0, 1);
		mac_play(&anna, 0xc0 | c, 1, 0);
	}
	for (unsigned round = 0; round < 12; round++) {
		for (unsigned i = 0; i < 150; i++) {
			play_something(&anna);
			gestnet_run(net, gestnet_draw(net, 12));
		}
		gestnet_run(net, QUIET_MS);
		compare(midi_sender_state(anna.sender), midi_repair_state(bob.repair));
	}
	g_assert_false(anna.closed || bob.closed);
	g_assert_cmpuint(bob.struck, >, 200);
	mac_leave(&anna);
	for (unsigned i = 0; i < 70 && stats().players == 2; i++)
		gestnet_run(net, 1000);           /* its BY may be lost: then its silence tells */
	gestnet_run(net, QUIET_MS);
	g_assert_cmpuint(sounding(midi_repair_state(bob.repair)), ==, 0);
	closes();
	mac_end(&anna);
	mac_end(&bob);
	finish();
}

static void test_lossy(void)
{
	lossy(false, 20);
}

/* Software that never says what it has had. */
static void test_no_feedback(void)
{
	lossy(true, 10);
}

/* M never set, another payload type, no journal, RTP before the session is known: all such programs exist. */
static void test_tolerant(void)
{
	struct mac odd, bob;

	begin("any", 0);
	enter(&odd, "band", "");
	odd.pt = 96;
	odd.no_marker = odd.no_journal = odd.no_feedback = true;
	enter(&bob, "band", "bob");
	gestnet_run(net, 3000);
	mac_play(&odd, 0x90, 60, 100);
	gestnet_run(net, 5);
	g_assert_cmpuint(bob.struck, ==, 1);
	mac_play(&odd, 0x80, 60, 0);
	gestnet_run(net, 5);
	g_assert_cmpuint(bob.released, ==, 1);

	/* It crashes; a minute later nothing of it is left. */
	mac_play(&odd, 0x90, 62, 100);
	gestnet_run(net, 5);
	odd.crashed = true;
	gestnet_run(net, 62000);
	g_assert_cmpuint(stats().players, ==, 1);
	g_assert_cmpuint(bob.released, ==, 2);
	closes();
	mac_end(&odd);
	mac_end(&bob);
	finish();
}

/* ---- with OSC ---- */

struct olga {
	struct player *player;
	struct gestend *end;
	struct sa server;
	bool heard_note;
};

static void olga_recv(struct gestend *end, const struct sa *from, const uint8_t *buf, size_t len, uint64_t now_us, void *arg)
{
	struct olga *o = arg;
	struct osc_iter it;
	struct osc_msg msg;

	osc_iter_init(&it, buf, len);
	while (osc_next(&it, &msg))
		o->heard_note |= !strcmp(msg.addr, "/p/anna/midi/1/note/60");
}

static void olga_says(struct olga *o, const char *addr, int32_t value)
{
	const struct osc_arg arg = {.tag = 'i', .v.i = value};
	struct osc_writer w;
	uint8_t buf[256];
	size_t len;

	osc_w_init(&w, buf, sizeof(buf));
	osc_w_msg(&w, addr, &arg, 1);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	gestnet_send(o->end, &o->server, buf, len);
	gestnet_run(net, 5);
}

static void olga_begin(struct olga *o)
{
	struct player_conf conf = {.wish = "olga", .identity = "olga"};
	struct ensemble *room;
	struct gestline l;
	struct sa local;

	g_assert_cmpint(ensemble_get(&room, gestnet_relay(net), "band"), ==, 0);
	g_assert_cmpint(player_alloc(&o->player, gestnet_relay(net), room, &conf), ==, 0);
	g_assert_cmpint(gestnet_end_add(&o->end, net, olga_recv, NULL, o), ==, 0);
	g_assert_cmpint(sa_set_str(&local, "192.0.2.10", 0), ==, 0);
	g_assert_cmpint(player_port(o->player, GESTLINE_UDP, &local, &o->server), ==, 0);
	gestline_init(&l, GESTLINE_UDP);
	l.dir = LEG_DIR_BOTH;
	l.peer = *gestnet_addr(o->end);
	g_assert_cmpint(player_set_line(o->player, &l), ==, 0);
	gestnet_run(net, 5);
	mem_deref(room);
}

/* One plays OSC, the other AppleMIDI: each hears the other, who comes late too. */
static void test_osc(void)
{
	struct olga olga = {.heard_note = false};
	struct mac anna;

	begin("any", 0);
	olga_begin(&olga);
	olga_says(&olga, "/midi/3/cc/7", 44);
	olga_says(&olga, "/midi/3/note/70", 90);
	enter(&anna, "band", "anna");
	gestnet_run(net, 2500);
	g_assert_cmpuint(midi_repair_state(anna.repair)->chan[2].cc[7].value, ==, 44);
	g_assert_cmpuint(anna.struck, ==, 0);
	olga_says(&olga, "/midi/3/note/71", 90);
	olga_says(&olga, "/midi/3/cc/7", 45);
	g_assert_cmpuint(anna.struck, ==, 1);
	g_assert_cmpuint(midi_repair_state(anna.repair)->chan[2].cc[7].value, ==, 45);
	mac_play(&anna, 0x90, 60, 100);
	gestnet_run(net, 10);
	g_assert_true(olga.heard_note);

	olga.player = mem_deref(olga.player);
	gestnet_run(net, 10);
	g_assert_cmpuint(sounding(midi_repair_state(anna.repair)), ==, 0);
	closes();
	mem_deref(olga.end);
	mac_end(&anna);
	finish();
}

/* Rooms come and go with their ports; who plays in one is not heard in another. */
static void test_rooms(void)
{
	struct mac anna, carl;
	struct sa at[2];

	begin("any", 0);
	g_assert_cmpint(appleports_bound(ports, "choir", at), ==, ENOENT);
	appleports_room(ports, "choir", true);
	appleports_room(ports, "choir", true);
	appleports_room(ports, "duo", true);
	appleports_room(ports, "trio", true);                             /* no port is left */
	appleports_room(ports, "Band", true);                             /* has one */
	g_assert_cmpuint(stats().ports, ==, 3);
	gestnet_run(net, 10);
	enter(&anna, "band", "anna");
	enter(&carl, "choir", "carl");
	gestnet_run(net, 3000);
	mac_play(&anna, 0x90, 60, 1);
	gestnet_run(net, 10);
	g_assert_cmpuint(carl.struck, ==, 0);

	appleports_room(ports, "choir", false);
	appleports_room(ports, "band", false);                            /* written down: stays */
	gestnet_run(net, 10);
	g_assert_true(carl.closed);
	g_assert_false(anna.closed);
	g_assert_cmpuint(stats().ports, ==, 2);
	closes();
	mac_end(&anna);
	mac_end(&carl);
	finish();
}

static void test_refused(void)
{
	struct mac m[2];

	begin("198.51.100.0/24", 0);
	enter(&m[0], "band", "eve");
	gestnet_run(net, 3000);
	g_assert_true(m[0].refused);
	g_assert_cmpuint(stats().players, ==, 0);
	closes();
	mac_end(&m[0]);
	finish();

	begin("any", 1);
	enter(&m[0], "band", "first");
	gestnet_run(net, 3000);
	enter(&m[1], "band", "second");                               /* from the same address */
	gestnet_run(net, 3000);
	g_assert_true(m[0].opened && m[1].refused);
	g_assert_cmpuint(stats().players, ==, 1);
	mac_leave(&m[0]);
	gestnet_run(net, 10);
	closes();
	mac_end(&m[0]);
	mac_end(&m[1]);
	finish();
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/apple/ladder", test_ladder);
	g_test_add_func("/apple/late joiner", test_late);
	g_test_add_func("/apple/lossy", test_lossy);
	g_test_add_func("/apple/no feedback", test_no_feedback);
	g_test_add_func("/apple/tolerant", test_tolerant);
	g_test_add_func("/apple/osc", test_osc);
	g_test_add_func("/apple/rooms", test_rooms);
	g_test_add_func("/apple/refused", test_refused);
	return g_test_run();
}
