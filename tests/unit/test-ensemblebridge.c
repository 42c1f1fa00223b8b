/*
 * test-ensemblebridge.c - one player's gestures as the others of a room get them, whichever of OSC and MIDI they hear:
 * lines that only write down.
 */
#include <glib.h>
#include <re.h>
#include <string.h>

#include "osc/ensemble.h"
#include "osc/oscmap.h"
#include "osc/relay.h"

static struct forward *forward;
static struct ensemble_rt room;

struct fake {
	struct line_rt l;
	struct player_rt p;
	GString *heard;
	bool event;               /* the last one */
};

static void write_osc(GString *s, const struct osc_msg *msg)
{
	struct osc_args it;
	struct osc_arg a;

	g_string_append_printf(s, "%s%s", s->len ? " " : "", msg->addr);
	osc_args_init(&it, msg);
	while (osc_arg_next(&it, &a))
		g_string_append_printf(s, a.tag == 'i' ? " %d" : " ?", a.v.i);
}

static void fake_send(struct line_rt *l, const struct gesture *g, uint64_t now_us)
{
	struct fake *f = (struct fake *)l;
	struct osc_iter it;
	struct osc_msg msg;

	(void)now_us;
	f->event = g->event;
	g_assert_true((g->osc != NULL) == (l->desc.kind != GESTLINE_MIDI));
	g_assert_true((g->midi != NULL) == (g->osc == NULL));
	if (g->midi)
		g_string_append_printf(f->heard, "%s%02x%02x%02x", f->heard->len ? " " : "", g->midi->status,
			g->midi->data[0], g->midi->data[1]);
	osc_iter_init(&it, g->osc, g->len);
	while (g->osc && osc_next(&it, &msg))
		write_osc(f->heard, &msg);
}

static void fake_tell(struct line_rt *l, const uint8_t *osc, size_t len, uint64_t now_us)
{
	struct osc_msg msg;

	(void)now_us;
	g_assert_cmpint(osc_msg_read(&msg, osc, len), ==, 0);
	write_osc(((struct fake *)l)->heard, &msg);
}

static const struct line_ops fake_ops = {.send_rt = fake_send, .tell_rt = fake_tell};

static void enters(struct fake *f, enum gestline_kind kind, unsigned slot, const char *name)
{
	memset(f, 0, sizeof(*f));
	f->heard = g_string_new("");
	f->l.ops = &fake_ops;
	f->l.player = &f->p;
	f->l.opened = true;
	gestline_init(&f->l.desc, kind);
	f->p.forward = f->l.forward = forward;
	f->p.ensemble = &room;
	f->p.slot = slot;
	f->p.id = slot + 1;
	f->p.sysex_max = 8;
	str_ncpy(f->p.name, name, sizeof(f->p.name));
	f->p.line[kind] = &f->l;
	midi_state_init(&f->p.midi);
	g_assert_cmpint(osckeys_alloc(&f->p.keys, OSCKEYS_SOURCE_MAX, OSCKEYS_SOURCE_BYTES, 5), ==, 0);
	g_assert_cmpint(oscrate_alloc(&f->p.up, 1000, 0, 0, 5, 0), ==, 0);
	for (unsigned i = 0; i < 3; i++)
		if (i != slot)
			slots_add(&f->l.told, i);
	room.slot[slot] = &f->p;
	list_append(&room.players, &f->p.le, &f->p);
}

static void goes(struct fake *f)
{
	list_unlink(&f->p.le);
	mem_deref(f->p.keys);
	mem_deref(f->p.up);
	g_string_free(f->heard, TRUE);
}

static struct fake anna, bob, carl;           /* OSC, OSC, MIDI */

static void begin(void)
{
	memset(&room, 0, sizeof(room));
	g_assert_cmpint(forward_alloc(&forward, false, false, FORWARD_SAYS, NULL, NULL), ==, 0);
	enters(&anna, GESTLINE_UDP, 0, "anna");
	enters(&bob, GESTLINE_TCP, 1, "bob");
	enters(&carl, GESTLINE_MIDI, 2, "carl");
}

static void end(void)
{
	goes(&anna);
	goes(&bob);
	goes(&carl);
	forward = mem_deref(forward);
}

static void heard(struct fake *f, const char *what)
{
	g_assert_cmpstr(f->heard->str, ==, what);
	g_string_truncate(f->heard, 0);
}

static size_t compose(uint8_t *buf, size_t room_for, const char *addr, int value)
{
	const struct osc_arg a = {.tag = 'i', .v.i = value};
	struct osc_writer w;
	size_t len;

	osc_w_init(&w, buf, room_for);
	osc_w_msg(&w, addr, &a, 1);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	return len;
}

static void says(struct fake *f, const char *addr, int value)
{
	uint8_t buf[256];
	const struct gesture g = {.from = &f->p, .osc = buf, .len = compose(buf, sizeof(buf), addr, value)};

	ensemble_osc_rt(&f->l, &g, 1000);
}

static void plays(struct fake *f, uint8_t status, uint8_t a, uint8_t b)
{
	const struct midi_cmd cmd = midi_short(status, a, b);
	const struct gesture g = {.from = &f->p, .midi = &cmd};

	ensemble_midi_rt(&f->l, &g, 1000);
}

static int key_of(const struct fake *f, const char *addr)
{
	const struct key *key = osckeys_find_rt(f->p.keys, addr, strlen(addr));
	struct osc_args it;
	struct osc_msg msg;
	struct osc_arg a;

	if (!key || !key->live)
		return -1;
	osckeys_msg_rt(&msg, f->p.keys, key);
	osc_args_init(&it, &msg);
	g_assert_true(osc_arg_next(&it, &a) && a.tag == 'i');
	return a.v.i;
}

static void from_osc(void)
{
	begin();
	says(&anna, "/midi/1/note/60", 100);
	heard(&bob, "/midi/1/note/60 100");
	heard(&carl, "903c64");
	g_assert_cmpuint(anna.p.midi.chan[0].note[60].count, ==, 1);
	says(&anna, "/midi/1/note/60", 101);            /* struck again: one end will be enough */
	heard(&carl, "803c40 903c65");
	says(&anna, "/midi/1/off/60", 3);
	heard(&carl, "803c03");
	g_assert_cmpint(key_of(&anna, "/midi/1/note/60"), ==, 0);
	g_assert_cmpuint(anna.p.midi.chan[0].note[60].count, ==, 0);
	says(&anna, "/midi/1/rpn/0", 256);
	heard(&carl, "b06500 b06400 b00602 b02600 b0657f b0647f");
	g_string_truncate(bob.heard, 0);
	end();
}

static void by_map(void)
{
	struct oscmap *map;

	begin();
	g_assert_cmpint(oscmap_alloc(&map), ==, 0);
	g_assert_cmpint(oscmap_add(map, "out /gain 0:i:0:127 cc:1:7", 26), ==, 0);
	anna.p.map = map;
	says(&anna, "/gain", 64);
	heard(&carl, "b00740");
	heard(&bob, "/gain 64");
	g_assert_cmpint(oscmap_add(map, "out /pad 0:i:0:127 note:1:60", 28), ==, 0);
	says(&anna, "/pad", 5);
	heard(&carl, "903c05");
	heard(&bob, "/pad 5");
	ensemble_let_go_rt(&anna.p, 1000);
	g_assert_cmpint(key_of(&anna, "/midi/1/note/60"), ==, -1);
	says(&bob, "/gain", 64);                        /* it is her map, not his */
	heard(&carl, "");
	heard(&anna, "/gain 64");
	heard(&bob, "/_gest/error 9 ? ?");
	mem_deref(map);
	end();
}

/* "error 9 to the source, once per address", and only if anybody would have heard it. */
static void no_midi(void)
{
	begin();
	says(&anna, "/x", 1);
	says(&anna, "/x", 2);
	heard(&anna, "/_gest/error 9 ? ?");
	memset(&anna.p.said, 0, sizeof(anna.p.said));
	says(&anna, "/x", 3);
	heard(&anna, "");
	says(&anna, "/y", 3);
	heard(&anna, "/_gest/error 9 ? ?");
	memset(&anna.p.said, 0, sizeof(anna.p.said));
	slots_take(&carl.l.told, 0);
	says(&anna, "/z", 3);
	heard(&anna, "");
	end();
}

static void bundles_and_one(void)
{
	uint8_t buf[512], one[64];
	struct gesture g = {.from = &anna.p, .osc = buf};
	struct osc_writer w;
	struct osc_msg msg;

	begin();
	osc_w_init(&w, buf, sizeof(buf));
	osc_w_bundle(&w, OSC_NOW);
	g_assert_cmpint(osc_msg_read(&msg, one, compose(one, sizeof(one), "/midi/1/cc/1", 5)), ==, 0);
	osc_w_copy(&w, &msg, "", 0);
	g_assert_cmpint(osc_msg_read(&msg, one, compose(one, sizeof(one), "/midi/1/cc/2", 6)), ==, 0);
	osc_w_copy(&w, &msg, "", 0);
	osc_w_bundle_end(&w);
	g_assert_cmpint(osc_w_end(&w, &g.len), ==, 0);
	bob.l.desc.kind = GESTLINE_TCP;
	anna.l.desc.kind = GESTLINE_OSC;
	ensemble_osc_rt(&anna.l, &g, 1000);
	heard(&bob, "/midi/1/cc/1 5 /midi/1/cc/2 6");
	heard(&carl, "b00105 b00206");
	says(&anna, "/to/carl/midi/1/cc/3", 7);
	heard(&carl, "b00307");
	heard(&bob, "");
	g_assert_cmpuint(anna.p.midi.chan[0].cc[3].seq, ==, 0);       /* an event is nobody's state */
	end();
}

static void from_midi(void)
{
	begin();
	plays(&carl, 0x90, 60, 100);
	heard(&anna, "/midi/1/note/60 100");
	heard(&bob, "/midi/1/note/60 100");
	g_assert_cmpint(key_of(&carl, "/midi/1/note/60"), ==, 100);
	plays(&carl, 0x80, 60, 3);
	heard(&anna, "/midi/1/off/60 3");
	g_assert_cmpint(key_of(&carl, "/midi/1/note/60"), ==, 0);
	plays(&carl, 0xb0, 101, 0);
	plays(&carl, 0xb0, 100, 0);
	plays(&carl, 0xb0, 6, 2);
	plays(&carl, 0xb0, 38, 0);
	heard(&anna, "/midi/1/rpn/0 256");
	plays(&carl, 0xb1, 0, 3);
	plays(&carl, 0xc1, 9, 0);
	heard(&anna, "/midi/2/cc/0 3 /midi/2/program 9 3 0");
	plays(&carl, 0x90, 61, 9);
	plays(&carl, 0xb0, 123, 0);
	heard(&anna, "/midi/1/note/61 9 /midi/1/mode/123 0 /midi/1/note/61 0");
	plays(&carl, 0xb0, 120, 0);
	g_assert_true(anna.event);
	plays(&carl, 0x90, 61, 9);
	g_assert_false(anna.event);
	ensemble_let_go_rt(&carl.p, 1000);
	g_assert_cmpint(key_of(&carl, "/midi/1/note/61"), ==, 0);
	g_assert_cmpint(key_of(&carl, "/midi/2/cc/0"), ==, 3);
	end();
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ensemblebridge/from-osc", from_osc);
	g_test_add_func("/ensemblebridge/by-map", by_map);
	g_test_add_func("/ensemblebridge/no-midi", no_midi);
	g_test_add_func("/ensemblebridge/bundles-and-one", bundles_and_one);
	g_test_add_func("/ensemblebridge/from-midi", from_midi);
	return g_test_run();
}
