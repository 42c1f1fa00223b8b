/*
 * flow-bridge.c - players of OSC and of RTP MIDI in a room, through the whole relay: each is heard by each in its own
 * tongue; the maps of both sides; who comes late; what cannot be said in MIDI.
 */
#include <string.h>
#include <glib.h>
#include <re.h>

#include "osc/oscmap.h"
#include "tests/lib/midipeer.h"

/* A party of plain OSC over UDP. */
struct plain {
	struct player *player;
	struct gestend *end;
	struct sa server;
	GString *heard;           /* "address value, address value, " */
};

static struct gestnet *net;
static struct ensemble *room;
static struct plain anna;
static struct midipeer bob;

static void plain_recv(struct gestend *end, const struct sa *from, const uint8_t *buf, size_t len, uint64_t now_us,
	void *arg)
{
	struct plain *p = arg;
	struct osc_args args;
	struct osc_iter it;
	struct osc_msg msg;
	struct osc_arg a;

	(void)end, (void)from, (void)now_us;
	osc_iter_init(&it, buf, len);
	while (osc_next(&it, &msg)) {
		g_string_append(p->heard, msg.addr);
		osc_args_init(&args, &msg);
		while (osc_arg_next(&args, &a)) {
			if (a.tag == 'i')
				g_string_append_printf(p->heard, " %d", a.v.i);
			else if (a.tag == 'f')
				g_string_append_printf(p->heard, " %.3f", (double)a.v.f);
			else if (a.tag == 's')
				g_string_append_printf(p->heard, " %s", a.v.s);
		}
		g_string_append(p->heard, ", ");
	}
}

static void play(struct plain *p, const char *addr, float value)
{
	const struct osc_arg a = {.tag = 'f', .v.f = value};
	uint8_t buf[256];
	struct osc_writer w;
	size_t len;

	osc_w_init(&w, buf, sizeof(buf));
	osc_w_msg(&w, addr, &a, 1);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	gestnet_send(p->end, &p->server, buf, len);
	gestnet_run(net, 5);
}

static void heard(struct plain *p, const char *what)
{
	g_assert_cmpstr(p->heard->str, ==, what);
	g_string_truncate(p->heard, 0);
}

static void joins(struct plain *p, const char *name, const char *types, const char *map)
{
	struct player_conf c = {.member = 0};
	struct gestline l;
	struct sa local;

	g_strlcpy(c.wish, name, sizeof(c.wish));
	g_strlcpy(c.identity, name, sizeof(c.identity));
	p->heard = g_string_new("");
	g_assert_cmpint(gestnet_end_add(&p->end, net, plain_recv, NULL, p), ==, 0);
	g_assert_cmpint(player_alloc(&p->player, gestnet_relay(net), room, &c), ==, 0);
	gestline_init(&l, GESTLINE_UDP);
	l.peer = *gestnet_addr(p->end);
	l.takes.refresh_ms = 0;
	g_strlcpy(l.takes.types, types, sizeof(l.takes.types));
	if (map) {
		g_assert_cmpint(gestspace_alloc(&l.space), ==, 0);
		g_assert_cmpint(gestspace_attr(l.space, "osc-map", 7, map, strlen(map)), ==, 0);
		g_assert_cmpuint(oscmap_count(l.space->map), ==, 1);
	}
	sa_set_str(&local, "192.0.2.10", 0);
	g_assert_cmpint(player_port(p->player, l.kind, &local, &p->server), ==, 0);
	g_assert_cmpint(player_set_line(p->player, &l), ==, 0);
	gestline_reset(&l);
	gestnet_run(net, 2);
	play(p, "/hello", 1);                     /* the first datagram opens the line */
}

static void leaves(struct plain *p)
{
	p->player = mem_deref(p->player);
	gestnet_run(net, 5);
	p->end = mem_deref(p->end);
	g_string_free(p->heard, TRUE);
}

static void begin(const char *types, const char *map)
{
	g_assert_cmpint(gestnet_alloc(&net, NULL, 1), ==, 0);
	g_assert_cmpint(ensemble_get(&room, gestnet_relay(net), "band"), ==, 0);
	midipeer_join(&bob, net, room, "bob", 1, false);
	joins(&anna, "anna", types, map);
	gestnet_run(net, 50);
	g_string_truncate(anna.heard, 0);
}

static void end(void)
{
	leaves(&anna);
	midipeer_leave(&bob);
	gestnet_run(net, 10);
	room = mem_deref(room);
	gestnet_run(net, 5);
	net = mem_deref(net);
}

static const struct midi_chan *bobs(unsigned channel)
{
	return &midi_repair_state(midipeer_hears(&bob, NULL)->repair)->chan[channel];
}

static void to_osc(void)
{
	begin("ifsb", NULL);
	midipeer_play(&bob, 0x90, 60, 100);
	midipeer_play(&bob, 0x80, 60, 33);
	gestnet_run(net, 5);
	heard(&anna, "/p/bob/midi/1/note/60 100, /p/bob/midi/1/off/60 33, ");
	midipeer_play(&bob, 0xb0, 101, 0);
	midipeer_play(&bob, 0xb0, 100, 0);
	midipeer_play(&bob, 0xb0, 6, 2);
	midipeer_play(&bob, 0xe1, 0, 64);
	gestnet_run(net, 5);
	heard(&anna, "/p/bob/midi/1/rpn/0 256, /p/bob/midi/2/bend 8192, ");
	midipeer_play(&bob, 0x90, 61, 7);
	midipeer_play(&bob, 0xb0, 123, 0);
	gestnet_run(net, 5);
	heard(&anna, "/p/bob/midi/1/note/61 7, /p/bob/midi/1/mode/123 0, /p/bob/midi/1/note/61 0, ");
	end();
}

/* Who takes no i gets fractions; who has a map gets what he asked for, live and when he comes. */
static void in_own_words(void)
{
	struct plain carl;

	begin("f", "in /knob/%n 0:f:0:10 cc:1:%n");
	midipeer_play(&bob, 0xb0, 7, 127);
	midipeer_play(&bob, 0xb1, 7, 127);
	gestnet_run(net, 5);
	heard(&anna, "/p/bob/knob/7 10.000, /p/bob/midi/2/cc/7 1.000, ");
	joins(&carl, "carl", "if", "in /volume 0:i:0:100 cc:1:7");
	gestnet_run(net, 100);
	g_assert_nonnull(strstr(carl.heard->str, "/p/bob/volume 100, "));
	g_assert_nonnull(strstr(carl.heard->str, "/p/bob/midi/2/cc/7 127, "));
	g_assert_null(strstr(carl.heard->str, "/p/bob/midi/1/cc/7"));
	leaves(&carl);
	end();
}

static void to_midi(void)
{
	begin("ifsb", "out /pad/%n 0:f:0:1 note:10:%n");
	play(&anna, "/pad/36", 0.5f);
	g_assert_true(midipeer_sounds(&bob, NULL, 9, 36));
	g_assert_cmpuint(bobs(9)->note[36].velocity, ==, 64);
	play(&anna, "/pad/36", 1);                /* again, without letting go */
	g_assert_cmpuint(bobs(9)->note[36].velocity, ==, 127);
	play(&anna, "/pad/36", 0);
	g_assert_false(midipeer_sounds(&bob, NULL, 9, 36));
	g_assert_cmpuint(bobs(9)->note[36].count, ==, 0);
	play(&anna, "/midi/3/cc/7", 1);
	g_assert_cmpuint(bobs(2)->cc[7].value, ==, 127);
	play(&anna, "/midi/1/rpn/0", 1);
	g_assert_cmpuint(midi_param_find(bobs(0), false, 0)->msb, ==, 127);
	g_assert_cmpuint(midi_param_find(bobs(0), false, 0)->lsb, ==, 127);
	gestnet_run(net, 1000);
	g_string_truncate(anna.heard, 0);
	play(&anna, "/what/is/this", 1);
	play(&anna, "/and/this", 1);
	gestnet_run(net, 1000);
	play(&anna, "/what/is/this", 2);
	play(&anna, "/and/this", 2);              /* it was too early to say so, the first time */
	heard(&anna,
		"/_gest/error 9 /what/is/this this has no meaning in MIDI, /_gest/error 9 /and/this this has no meaning in MIDI, ");
	end();
}

/* What OSC has set is set for an instrument that comes later, but no note is struck late; and who leaves lets go. */
static void late(void)
{
	struct midipeer carl;

	begin("ifsb", "out /pad/%n 0:f:0:1 note:10:%n");
	play(&anna, "/pad/36", 1);
	play(&anna, "/midi/1/cc/7", 0.5f);
	play(&anna, "/midi/1/program", 1);
	midipeer_join(&carl, net, room, "carl", 1, false);
	gestnet_run(net, 50);
	g_assert_cmpuint(midi_repair_state(midipeer_hears(&carl, NULL)->repair)->chan[0].cc[7].value, ==, 64);
	g_assert_cmpuint(midi_repair_state(midipeer_hears(&carl, NULL)->repair)->chan[0].program.program, ==, 127);
	g_assert_cmpuint(midi_repair_state(midipeer_hears(&carl, NULL)->repair)->chan[9].note[36].count, ==, 1);
	g_assert_false(midipeer_sounds(&carl, NULL, 9, 36));
	g_assert_true(midipeer_sounds(&bob, NULL, 9, 36));
	player_drop_line(anna.player, GESTLINE_UDP);
	leaves(&anna);
	gestnet_run(net, 50);
	g_assert_false(midipeer_sounds(&bob, NULL, 9, 36));
	g_assert_cmpuint(midi_repair_state(midipeer_hears(&carl, NULL)->repair)->chan[9].note[36].count, ==, 0);
	midipeer_leave(&carl);
	joins(&anna, "anna", "ifsb", NULL);
	end();
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/bridge/to-osc", to_osc);
	g_test_add_func("/bridge/in-own-words", in_own_words);
	g_test_add_func("/bridge/to-midi", to_midi);
	g_test_add_func("/bridge/late", late);
	return g_test_run();
}
