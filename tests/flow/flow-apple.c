/*
 * flow-apple.c - AppleMIDI players of a room and what they hear of each other, through a relay and a network that the test turns.
 * A peer is the other side of the same session, sender and receiver; its packets go over links that lose, double and swap them.
 */
#include <glib.h>
#include <string.h>
#include "mixer/rtp.h"
#include "osc/appleport.h"
#include "osc/applesession.h"
#include "osc/midi_repair.h"
#include "osc/midi_sender.h"
#include "tests/lib/gestnet.h"

enum { MTU = 1200, CLOCK_UNIT_US = 100, FEEDBACK_US = 300 * 1000, QUIET_MS = 3000 };

struct mac {
	struct gestend *end;
	struct sa server[2], own[2];
	struct applesession session;
	bool opened, closed, refused;
	struct midi_sender *sender;
	struct midi_repair *repair;
	uint64_t feedback_us;
	uint64_t begun_us;                /* its clock is another than ours */
	unsigned struck, released;
	uint8_t pt;
	bool no_marker, no_journal, no_feedback, crashed;
};

static struct gestnet *net;
static struct appleports *ports;

/* ---- a peer ---- */

static void heard(const struct midi_cmd *cmd, bool repair, void *arg)
{
	struct mac *m = arg;

	m->struck += (cmd->status & 0xf0) == MIDI_NOTE_ON && cmd->data[1];
	m->released += midi_is_note_off(cmd);
}

static void mac_send(struct mac *m, enum applesession_port port, const uint8_t *buf, size_t len)
{
	gestnet_send_from(m->end, &m->own[port], &m->server[port], buf, len);
}

static void mac_say(struct mac *m, enum applesession_port port, const struct applemidi *pkt)
{
	uint8_t buf[APPLEMIDI_PACKET_MAX];
	size_t len = sizeof(buf);

	g_assert_cmpint(applemidi_write(buf, &len, pkt), ==, 0);
	mac_send(m, port, buf, len);
}

static void mac_act(struct mac *m, const struct applesession_out *out)
{
	for (unsigned i = 0; i < out->n; i++)
		mac_say(m, out->send[i].port, &out->send[i].pkt);
	m->opened |= out->opened;
	m->closed |= out->closed;
	m->refused |= out->refused;
	if (out->has_seq && !m->no_feedback)
		midi_sender_report(m->sender, out->seq);
}

static uint64_t mac_clock_us(const struct mac *m, uint64_t now_us)
{
	return now_us - m->begun_us;
}

static void mac_recv(struct gestend *end, const struct sa *from, const uint8_t *buf, size_t len, uint64_t now_us, void *arg)
{
	struct mac *m = arg;
	const enum applesession_port port = sa_cmp(from, &m->server[1], SA_ALL) ? APPLEMIDI_DATA : APPLEMIDI_CONTROL;
	struct applesession_out out;
	struct applemidi pkt;
	struct rtp_pkt rtp;

	if (m->crashed)
		return;
	if (applemidi_is(buf, len)) {
		g_assert_cmpint(applemidi_read(&pkt, buf, len), ==, 0);
		(void)applesession_recv(&m->session, &out, port, &pkt, mac_clock_us(m, now_us));
		mac_act(m, &out);
		return;
	}
	g_assert_cmpint(port, ==, APPLEMIDI_DATA);
	g_assert_cmpint(rtp_read(&rtp, buf, len), ==, 0);
	g_assert_cmpuint(rtp.pt, ==, 97);
	g_assert_cmphex(rtp.ssrc, ==, m->session.peer_ssrc);
	g_assert_cmpint(midi_repair_packet(m->repair, rtp.seq, rtp.ts, rtp.payload, rtp.len), !=, EBADMSG);
	if (m->feedback_us == UINT64_MAX)
		m->feedback_us = now_us + FEEDBACK_US;
}

static void mac_flush(struct mac *m, uint64_t now_us)
{
	struct rtp_pkt rtp = {.pt = m->pt, .ts = (uint32_t)(mac_clock_us(m, now_us) / CLOCK_UNIT_US), .ssrc = m->session.conf.ssrc};
	uint8_t buf[RTP_HDR_LEN + MTU];
	size_t hdr = sizeof(buf), len = MTU;

	g_assert_cmpint(midi_sender_packet(buf + RTP_HDR_LEN, &len, &rtp.seq, &rtp.marker, m->sender, rtp.ts, now_us), ==, 0);
	rtp.marker &= !m->no_marker;
	if (m->no_journal) {
		buf[RTP_HDR_LEN] &= (uint8_t)~0x40;
		len = 1u + (buf[RTP_HDR_LEN] & 0x0f);
	}
	g_assert_cmpint(rtp_write_hdr(buf, &hdr, &rtp), ==, 0);
	mac_send(m, APPLEMIDI_DATA, buf, hdr + len);
}

static void mac_tick(struct gestend *end, uint64_t now_us, void *arg)
{
	struct mac *m = arg;
	struct applesession_out out;
	struct applemidi rs;

	if (m->crashed)
		return;
	if (mac_clock_us(m, now_us) >= m->session.due_us) {
		applesession_tick(&m->session, &out, mac_clock_us(m, now_us));
		mac_act(m, &out);
	}
	if (now_us >= m->feedback_us) {
		m->feedback_us = UINT64_MAX;
		rs = applesession_feedback(&m->session, (uint16_t)midi_repair_highest(m->repair));
		if (!m->no_feedback)
			mac_say(m, APPLEMIDI_CONTROL, &rs);
	}
	if (m->opened && !m->closed && now_us >= midi_sender_due_us(m->sender))
		mac_flush(m, now_us);
}

static void play(struct mac *m, uint8_t status, uint8_t a, uint8_t b)
{
	const struct midi_cmd cmd = midi_short(status, a, b);

	g_assert_cmpint(midi_sender_put(m->sender, &cmd), ==, 0);
	mac_flush(m, gestnet_now_us(net));
}

static void mac_begin(struct mac *m, const char *room, const char *name)
{
	struct applesession_conf conf = {.initiator = true, .ssrc = gestnet_draw(net, UINT32_MAX), .token = gestnet_draw(net, UINT32_MAX)};
	const struct midi_sender_conf sender = {.policy = MIDI_CLOSED_LOOP, .seq = (uint16_t)gestnet_draw(net, 65536), .max = MTU,
		.play = 400};

	*m = (struct mac){.pt = 97, .feedback_us = UINT64_MAX, .begun_us = gestnet_draw(net, 1000000)};
	g_assert_cmpint(gestnet_end_add(&m->end, net, mac_recv, mac_tick, m), ==, 0);
	m->own[0] = m->own[1] = *gestnet_addr(m->end);
	sa_set_port(&m->own[1], (uint16_t)(sa_port(&m->own[0]) + 1));
	g_assert_cmpint(appleports_bound(ports, room, m->server), ==, 0);
	str_ncpy(conf.name, name, sizeof(conf.name));
	g_assert_cmpint(midi_sender_alloc(&m->sender, &sender, NULL), ==, 0);
	g_assert_cmpint(midi_repair_alloc(&m->repair, heard, m), ==, 0);
	applesession_open(&m->session, &conf, mac_clock_us(m, gestnet_now_us(net)));
}

static void mac_leave(struct mac *m)
{
	struct applesession_out out;

	applesession_close(&m->session, &out);
	mac_act(m, &out);
}

static void mac_end(struct mac *m)
{
	m->end = mem_deref(m->end);
	m->sender = mem_deref(m->sender);
	m->repair = mem_deref(m->repair);
}

/* ---- a house ---- */

static void begin(const char *from, unsigned per_address)
{
	struct appleports_conf conf = {.ports = "band:5004 6000-6003", .from = from, .max = 8, .max_per_address = per_address};

	g_assert_cmpint(sa_set_str(&conf.local, "10.0.0.1", 0), ==, 0);
	g_assert_cmpint(gestnet_alloc(&net, NULL, 7), ==, 0);
	g_assert_cmpint(appleports_alloc(&ports, gestnet_relay(net), NULL, &conf), ==, 0);
	gestnet_run(net, 10);
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
	mac_begin(&anna, "band", "Anna's iPad");
	mac_begin(&bob, "band", "_bob");
	gestnet_run(net, 3000);
	g_assert_true(anna.opened && bob.opened);
	g_assert_cmpuint(stats().players, ==, 2);
	g_assert_cmpint(ensemble_get(&room, gestnet_relay(net), "band"), ==, 0);
	g_assert_cmpuint(ensemble_list(room, list, 4), ==, 2);
	g_assert_cmpstr(list[0].name, ==, "Anna-s-iPad");
	g_assert_cmpstr(list[1].name, ==, "bob");

	play(&anna, 0x90, 60, 100);
	gestnet_run(net, 5);
	g_assert_cmpuint(bob.struck, ==, 1);
	g_assert_cmpuint(anna.struck, ==, 0);
	play(&bob, 0x93, 64, 90);
	play(&bob, 0xb3, 7, 33);
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
	mac_begin(&anna, "band", "anna");
	gestnet_run(net, 2500);
	play(&anna, 0xc0, 12, 0);
	play(&anna, 0xb0, 7, 99);
	play(&anna, 0x90, 60, 100);
	gestnet_run(net, 100);
	mac_begin(&bob, "band", "bob");
	gestnet_run(net, 2500);
	g_assert_cmpuint(midi_repair_state(bob.repair)->chan[0].program.program, ==, 12);
	g_assert_cmpuint(midi_repair_state(bob.repair)->chan[0].cc[7].value, ==, 99);
	g_assert_cmpuint(bob.struck, ==, 0);
	play(&anna, 0x80, 60, 64);
	play(&anna, 0x90, 61, 64);
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
	case 0:  play(m, (uint8_t)(0xb0 | channel), (uint8_t)(7 + gestnet_draw(net, 3)), (uint8_t)gestnet_draw(net, 128)); break;
	case 1:  play(m, (uint8_t)(0xe0 | channel), 0, (uint8_t)gestnet_draw(net, 128)); break;
	case 2:  play(m, (uint8_t)(0xc0 | channel), (uint8_t)gestnet_draw(net, 128), 0); break;
	default:
		if (note(midi_sender_state(m->sender), channel, key)->count)
			play(m, (uint8_t)(0x80 | channel), key, 64);
		else
			play(m, (uint8_t)(0x90 | channel), key, 100);
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
	mac_begin(&anna, "band", "anna");
	mac_begin(&bob, "band", "bob");
	gestnet_link(anna.end, &bad);
	gestnet_link(bob.end, &bad);
	bob.no_feedback = anna.no_feedback = no_feedback;
	for (unsigned i = 0; i < 40 && stats().players < 2; i++)
		gestnet_run(net, 1000);
	g_assert_cmpuint(stats().players, ==, 2);
	/* once each, so that both ends have a value of all */
	for (uint8_t c = 0; c < 2; c++) {
		for (uint8_t k = 7; k < 10; k++)
			play(&anna, 0xb0 | c, k, 1);
		play(&anna, 0xe0 | c, 0, 1);
		play(&anna, 0xc0 | c, 1, 0);
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
	mac_begin(&odd, "band", "");
	odd.pt = 96;
	odd.no_marker = odd.no_journal = odd.no_feedback = true;
	mac_begin(&bob, "band", "bob");
	gestnet_run(net, 3000);
	play(&odd, 0x90, 60, 100);
	gestnet_run(net, 5);
	g_assert_cmpuint(bob.struck, ==, 1);
	play(&odd, 0x80, 60, 0);
	gestnet_run(net, 5);
	g_assert_cmpuint(bob.released, ==, 1);

	/* It crashes; a minute later nothing of it is left. */
	play(&odd, 0x90, 62, 100);
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
	appleports_room(ports, "band", true);                             /* has one */
	g_assert_cmpuint(stats().ports, ==, 3);
	gestnet_run(net, 10);
	mac_begin(&anna, "band", "anna");
	mac_begin(&carl, "choir", "carl");
	gestnet_run(net, 3000);
	play(&anna, 0x90, 60, 1);
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
	mac_begin(&m[0], "band", "eve");
	gestnet_run(net, 3000);
	g_assert_true(m[0].refused);
	g_assert_cmpuint(stats().players, ==, 0);
	closes();
	mac_end(&m[0]);
	finish();

	begin("any", 1);
	mac_begin(&m[0], "band", "first");
	gestnet_run(net, 3000);
	mac_begin(&m[1], "band", "second");                               /* from the same address */
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
	g_test_add_func("/apple/rooms", test_rooms);
	g_test_add_func("/apple/refused", test_refused);
	return g_test_run();
}
