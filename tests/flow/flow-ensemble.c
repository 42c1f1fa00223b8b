/*
 * flow-ensemble.c - a room of players with OSC and MIDI mixed, at random, through the whole relay over bad links: RTP MIDI merged, apart and
 * with journals for ever, RTP OSC, plain OSC over UDP.
 *
 * They strike notes, press pedals, turn controllers and wheels in their own tongue, come, go and hold; packets of RTP lines are lost, doubled
 * and come in another order both ways (plain UDP has nothing to repair that with: its links are good). After each quiet time
 *   - no note sounds that no player holds, and after all have gone none;
 *   - pedals, controllers, wheels and OSC keys are what was last set by who set them, for each receiver, in its tongue;
 *   - no event came twice.
 * A stroke that was lost until its moment was over need not be heard.
 *
 * All is seeded. TUTTI_PACKETS=1000000 plays longer.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <glib.h>
#include <re.h>

#include "tests/lib/gestosc.h"
#include "tests/lib/midipeer.h"

enum { PLAYERS = 10, CHANNELS = 2, NOTES = 8, FIRST = 60, FADERS = 3, QUIET_MS = 8000, OWN_CC = 20, OWN_CHANNEL = 4, UNSET = -1 };
#ifdef __SANITIZE_ADDRESS__
enum { PACKETS = 100000 };
#else
enum { PACKETS = 300000 };
#endif

enum kind { MERGED, APART, ANCHOR, RTP_OSC, PLAIN, KINDS };

struct party {
	bool     here, held;              /* held: on hold */
	enum kind kind;
	unsigned slot;
	char     name[16];
	/* what it does */
	bool     note[CHANNELS][NOTES], down[CHANNELS];
	int      cc, bend, fader[FADERS];
	int32_t  events;
	/* what it is made of */
	struct midipeer midi;
	struct player *player;
	struct gestline line;
	struct gestosc *rtp;
	struct gestend *end;
	struct sa server;
	GHashTable *heard;                /* PLAIN: address to value */
	GHashTable *seen;                 /* events, once each */
};

static struct gestnet *net;
static struct ensemble *room;
static struct party party[PLAYERS];
static unsigned names;
static uint64_t compared, packets, unplaced;

/* libre's, in the relay's place: its chance is seeded as well. */
static uint64_t chance;

uint64_t rand_u64(void)
{
	chance = chance * 6364136223846793005u + 1442695040888963407u;
	return chance ^ chance >> 29;
}

uint32_t rand_u32(void)
{
	return (uint32_t)(rand_u64() >> 32);
}

uint16_t rand_u16(void)
{
	return (uint16_t)(rand_u64() >> 48);
}

static unsigned draw(unsigned n)
{
	return gestnet_draw(net, n);
}

static bool is_midi(const struct party *p)
{
	return p->kind <= ANCHOR;
}

/* ---- what OSC parties hear ---- */

static void hear(struct party *p, const struct osc_msg *msg)
{
	struct osc_args it;
	struct osc_arg a[2] = {{0}};

	osc_args_init(&it, msg);
	(void)(osc_arg_next(&it, &a[0]) && osc_arg_next(&it, &a[1]));
	if (g_str_has_suffix(msg->addr, "/hit")) {
		g_assert_true(g_hash_table_add(p->seen, g_strdup_printf("%s %d", msg->addr, a[1].v.i)));
	} else if (p->kind == PLAIN && a[0].tag == 'i') {
		g_hash_table_replace(p->heard, g_strdup(msg->addr), GINT_TO_POINTER(a[0].v.i));
	}
}

static void plain_recv(struct gestend *end, const struct sa *from, const uint8_t *buf, size_t len, uint64_t now_us, void *arg)
{
	struct osc_iter it;
	struct osc_msg msg;

	(void)end;
	(void)from;
	(void)now_us;
	g_assert_cmpint(osc_check(buf, len, OSC_MAX_DGRAM), ==, 0);
	osc_iter_init(&it, buf, len);
	while (osc_next(&it, &msg))
		hear(arg, &msg);
}

static void rtp_recv(struct gestosc *g, uint32_t ssrc, const char *name, const struct oscrecv_note *note, void *arg)
{
	(void)g;
	(void)ssrc;
	(void)name;
	if (note->cause != OSCRECV_VOID)
		hear(arg, note->msg);
}

/* What an OSC party has for a key of another. false: nothing. */
static bool key_of(struct party *p, const struct party *from, const char *rest, int *value)
{
	char *addr = g_strdup_printf("/p/%s%s", from->name, rest);
	struct osc_msg msg;
	struct osc_args it;
	struct osc_arg a;
	gpointer v;
	bool there;

	if (p->kind == PLAIN) {
		there = g_hash_table_lookup_extended(p->heard, addr, NULL, &v);
		*value = there ? GPOINTER_TO_INT(v) : 0;
	} else {
		there = gestosc_key(p->rtp, addr, &msg) != NULL;
		*value = 0;
		if (there)
			osc_args_init(&it, &msg);
		if (there && osc_arg_next(&it, &a))
			*value = a.v.i;
	}
	g_free(addr);
	return there;
}

/* ---- playing ---- */

static void say(struct party *p, const char *addr, bool event, int value)
{
	struct osc_arg a[2] = {{.tag = event ? 'I' : 'i', .v.i = value}, {.tag = 'i', .v.i = value}};
	struct osc_writer w;
	uint8_t buf[128];
	size_t len;

	osc_w_init(&w, buf, sizeof(buf));
	osc_w_msg(&w, addr, a, event ? 2 : 1);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	packets++;
	if (p->kind == PLAIN)
		gestnet_send(p->end, &p->server, buf, len);
	else
		g_assert_cmpint(gestosc_play(p->rtp, buf, len), ==, 0);
}

static void sayf(struct party *p, int value, const char *fmt, ...) G_GNUC_PRINTF(3, 4);

static void sayf(struct party *p, int value, const char *fmt, ...)
{
	char addr[64];
	va_list ap;

	va_start(ap, fmt);
	g_vsnprintf(addr, sizeof(addr), fmt, ap);
	va_end(ap);
	say(p, addr, false, value);
}

static void strike(struct party *p, unsigned c, unsigned n, bool on)
{
	p->note[c][n] = on;
	if (is_midi(p))
		midipeer_play(&p->midi, (on ? MIDI_NOTE_ON : MIDI_NOTE_OFF) | c, FIRST + n, on ? 1 + draw(127) : draw(128));
	else
		sayf(p, on ? 1 + (int)draw(127) : 0, "/midi/%u/note/%u", c + 1, FIRST + n);
}

static void control(struct party *p, unsigned c, unsigned num, unsigned value)
{
	if (is_midi(p))
		midipeer_play(&p->midi, MIDI_CC | c, num, value);
	else
		sayf(p, (int)value, "/midi/%u/cc/%u", c + 1, num);
}

static void bend(struct party *p, unsigned value)
{
	p->bend = (int)value;
	if (is_midi(p))
		midipeer_play(&p->midi, MIDI_BEND | (OWN_CHANNEL + p->slot), value & 0x7f, value >> 7);
	else
		sayf(p, (int)value, "/midi/%u/bend", OWN_CHANNEL + p->slot + 1);
}

static void play(struct party *p)
{
	const unsigned c = draw(CHANNELS), n = draw(NOTES), what = draw(100), value = draw(128);

	if (what < 60) {
		strike(p, c, n, !p->note[c][n]);
	} else if (what < 70) {
		p->down[c] = value >= 64;
		control(p, c, CC_SUSTAIN, value);
	} else if (what < 80) {
		p->cc = (int)value;
		control(p, 0, OWN_CC + p->slot, value);
	} else if (what < 85 || is_midi(p)) {
		bend(p, draw(16384));
	} else if (what < 95) {
		p->fader[n % FADERS] = (int)value;
		sayf(p, (int)value, "/fader/%u", n % FADERS);
	} else {
		say(p, "/hit", true, ++p->events);
	}
}

/* ---- coming, going, hold ---- */

static struct gestend *end_of(struct party *p)
{
	return is_midi(p) ? p->midi.end : p->kind == RTP_OSC ? gestosc_end(p->rtp) : p->end;
}

static void come_osc(struct party *p)
{
	struct player_conf c = {.member = 0};
	struct sa local;

	g_strlcpy(c.wish, p->name, sizeof(c.wish));
	g_strlcpy(c.identity, p->name, sizeof(c.identity));
	p->heard = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	p->seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_assert_cmpint(player_alloc(&p->player, gestnet_relay(net), room, &c), ==, 0);
	gestline_init(&p->line, p->kind == PLAIN ? GESTLINE_UDP : GESTLINE_OSC);
	p->line.dir = LEG_DIR_BOTH;
	p->line.takes.rate = 100000;
	p->line.takes.guard_ms = 100;
	p->line.takes.deep = true;
	g_strlcpy(p->line.takes.types, "ifsbTFNIt", sizeof(p->line.takes.types));
	if (p->kind == RTP_OSC) {
		p->line.pt = 98;
		p->line.rate = 48000;
		g_assert_cmpint(gestosc_alloc(&p->rtp, net, p->player, &p->line, rtp_recv, p), ==, 0);
		return;
	}
	g_assert_cmpint(gestnet_end_add(&p->end, net, plain_recv, NULL, p), ==, 0);
	p->line.peer = *gestnet_addr(p->end);
	sa_set_str(&local, "192.0.2.10", 0);
	g_assert_cmpint(player_port(p->player, GESTLINE_UDP, &local, &p->server), ==, 0);
	g_assert_cmpint(player_set_line(p->player, &p->line), ==, 0);
}

static void come(struct party *p, unsigned slot, enum kind kind, unsigned loss)
{
	const struct gestlink bad = {.loss = loss, .twice = 3, .delay_us = 5000, .jitter_us = 20000};

	memset(p, 0, sizeof(*p));
	p->slot = slot;
	p->kind = kind;
	p->here = true;
	p->cc = p->bend = UNSET;
	for (unsigned i = 0; i < FADERS; i++)
		p->fader[i] = UNSET;
	g_snprintf(p->name, sizeof(p->name), "p%u", ++names);
	if (is_midi(p))
		midipeer_join(&p->midi, net, room, p->name, kind == APART ? PLAYERS + 2 : 1, kind == ANCHOR);
	else
		come_osc(p);
	if (kind != PLAIN)
		gestnet_link(end_of(p), &bad);
	gestnet_run(net, 5);
	if (kind == PLAIN)
		sayf(p, 0, "/midi/1/note/0");                     /* opens it */
}

static void go(struct party *p)
{
	packets += gestnet_packets(end_of(p));
	if (is_midi(p)) {
		packets += p->midi.sent;
		midipeer_leave(&p->midi);
	} else {
		p->player = mem_deref(p->player);
		p->rtp = mem_deref(p->rtp);
		p->end = mem_deref(p->end);
		g_hash_table_destroy(p->heard);
		g_hash_table_destroy(p->seen);
		gestline_reset(&p->line);
	}
	memset(p->note, 0, sizeof(p->note));
	memset(p->down, 0, sizeof(p->down));
	p->here = false;
}

/* Who goes on hold takes the hands off the keys. */
static void let_go(struct party *p)
{
	for (unsigned c = 0; c < CHANNELS; c++) {
		for (unsigned n = 0; n < NOTES; n++)
			if (p->note[c][n])
				strike(p, c, n, false);
		if (p->down[c])
			control(p, c, CC_SUSTAIN, 0);
		p->down[c] = false;
	}
}

static void hold(struct party *p)
{
	if (p->kind == PLAIN)
		return;
	if (!p->held)
		let_go(p);
	p->held = !p->held;
	p->line.dir = p->held ? LEG_DIR_INACTIVE : LEG_DIR_BOTH;
	if (is_midi(p))
		midipeer_set_dir(&p->midi, p->line.dir);
	else
		g_assert_cmpint(player_set_line(p->player, &p->line), ==, 0);
}

static void come_or_go(unsigned loss)
{
	struct party *p = &party[draw(PLAYERS)];

	if (!p->here)
		come(p, (unsigned)(p - party), draw(KINDS), draw(3) * loss / 2);
	else if (draw(2))
		hold(p);
	else
		go(p);
}

/* ---- what must hold ---- */

static bool somebody_holds(const struct party *but, unsigned c, unsigned n)
{
	for (unsigned i = 0; i < PLAYERS; i++)
		if (&party[i] != but && party[i].here && party[i].note[c][n])
			return true;
	return false;
}

static void compare_notes(const struct party *p, const struct midipeer_stream *s, const struct party *from)
{
	const struct midi_state *st = midi_repair_state(s->repair);

	for (unsigned c = 0; c < CHANNELS; c++)
		for (unsigned n = 0; n < NOTES; n++) {
			const bool held = from ? from->note[c][n] : somebody_holds(p, c, n);

			g_assert_cmpint(s->sounding[c][FIRST + n] > 0, <=, held);
			g_assert_cmpint(st->chan[c].note[FIRST + n].count > 0, <=, held);
		}
}

static void compare_own(const struct midipeer_stream *s, const struct party *from)
{
	const struct midi_state *st = midi_repair_state(s->repair);

	if (from->cc != UNSET)
		g_assert_cmpint(st->chan[0].cc[OWN_CC + from->slot].value, ==, from->cc);
	if (from->bend != UNSET)
		g_assert_cmpint(st->chan[OWN_CHANNEL + from->slot].bend.value, ==, from->bend);
}

static void compare_merged(struct party *p)
{
	const struct midipeer_stream *s = midipeer_hears(&p->midi, NULL);

	if (!s)
		return;
	compare_notes(p, s, NULL);
	for (unsigned i = 0; i < PLAYERS; i++)
		if (party[i].here && !party[i].held && &party[i] != p)
			compare_own(s, &party[i]);
	for (unsigned c = 0; c < CHANNELS; c++) {
		bool down = false;

		for (unsigned i = 0; i < PLAYERS; i++)
			down |= party[i].here && &party[i] != p && party[i].down[c];
		g_assert_cmpint(midi_repair_state(s->repair)->chan[c].cc[CC_SUSTAIN].on, ==, down);
	}
	compared++;
}

static void compare_apart(struct party *p, const struct party *from)
{
	const struct midipeer_stream *s = midipeer_hears(&p->midi, from->name);

	if (!s) {
		unplaced++;                       /* or its name was lost each time */
		return;
	}
	compare_notes(p, s, from);
	compare_own(s, from);
	for (unsigned c = 0; c < CHANNELS; c++)
		g_assert_cmpint(midi_repair_state(s->repair)->chan[c].cc[CC_SUSTAIN].on, ==, from->down[c]);
	compared++;
}

static void compare_key(struct party *p, const struct party *from, int want, const char *fmt, ...) G_GNUC_PRINTF(4, 5);

static void compare_key(struct party *p, const struct party *from, int want, const char *fmt, ...)
{
	char rest[64];
	va_list ap;
	int value;

	va_start(ap, fmt);
	g_vsnprintf(rest, sizeof(rest), fmt, ap);
	va_end(ap);
	if (want == UNSET)
		return;
	g_assert_true(key_of(p, from, rest, &value));
	g_assert_cmpint(value, ==, want);
}

static void compare_osc(struct party *p, const struct party *from)
{
	char rest[64];
	int value;

	for (unsigned c = 0; c < CHANNELS; c++)
		for (unsigned n = 0; n < NOTES; n++) {
			g_snprintf(rest, sizeof(rest), "/midi/%u/note/%u", c + 1, FIRST + n);
			if (key_of(p, from, rest, &value))
				g_assert_cmpint(value > 0, <=, from->note[c][n]);
		}
	compare_key(p, from, from->cc, "/midi/1/cc/%u", OWN_CC + from->slot);
	compare_key(p, from, from->bend, "/midi/%u/bend", OWN_CHANNEL + from->slot + 1);
	for (unsigned i = 0; i < FADERS; i++)
		compare_key(p, from, from->fader[i], "/fader/%u", i);
	compared++;
}

static void compare(struct party *p)
{
	if (!p->here || p->held)
		return;
	if (p->kind == MERGED || p->kind == ANCHOR)
		compare_merged(p);
	for (unsigned i = 0; i < PLAYERS; i++) {
		/* Who is on hold is no source: what it has set need not be known. */
		if (!party[i].here || party[i].held || &party[i] == p || p->kind == MERGED || p->kind == ANCHOR)
			continue;
		if (p->kind == APART)
			compare_apart(p, &party[i]);
		else
			compare_osc(p, &party[i]);
	}
}

static void quiet(void)
{
	gestnet_run(net, QUIET_MS);
	for (unsigned i = 0; i < PLAYERS; i++)
		compare(&party[i]);
}

/* ---- the course of things ---- */

static void burst(unsigned loss)
{
	for (unsigned i = 0; i < 300; i++) {
		for (unsigned k = draw(4); k; k--) {
			struct party *p = &party[draw(PLAYERS)];

			if (p->here && !p->held)
				play(p);
		}
		gestnet_run(net, 1 + draw(12));
		if (draw(60) == 0)
			come_or_go(loss);
	}
}

static void everybody_goes(void)
{
	for (unsigned i = 1; i < PLAYERS; i++)
		if (party[i].here)
			go(&party[i]);
	gestnet_run(net, QUIET_MS);
	for (unsigned c = 0; c < CHANNELS; c++)
		for (unsigned n = 0; party[0].here && is_midi(&party[0]) && n < NOTES; n++)
			g_assert_false(midipeer_sounds(&party[0].midi, NULL, c, FIRST + n));
	if (party[0].here)
		go(&party[0]);
}

static void season(guint32 seed, unsigned loss, uint64_t until)
{
	const struct relay_conf conf = {.port_min = 30000, .port_max = 39999, .rate = 100000, .sysex_max = 256,
		.leave_keep_ms = 30000, .silence_ms = 60000};

	chance = seed;
	g_assert_cmpint(gestnet_alloc(&net, &conf, seed), ==, 0);
	g_assert_cmpint(ensemble_get(&room, gestnet_relay(net), "band"), ==, 0);
	for (unsigned i = 0; i < PLAYERS - 2; i++)
		come(&party[i], i, i % KINDS, draw(3) * loss / 2);
	for (unsigned n = 0; n < 8 && packets < until; n++) {
		burst(loss);
		quiet();
	}
	everybody_goes();
	gestnet_run(net, 5);
	room = mem_deref(room);
	gestnet_run(net, 5);
	net = mem_deref(net);
}

static void at_random(void)
{
	static const unsigned losses[] = {0, 10, 20, 30};
	const char *env = getenv("TUTTI_PACKETS");
	const uint64_t want = env ? g_ascii_strtoull(env, NULL, 10) : PACKETS;
	const clock_t begin = clock();

	for (guint32 seed = 1; packets < want; seed++)
		season(seed, losses[seed % G_N_ELEMENTS(losses)], want);
	g_assert_cmpuint(compared, >, 300);
	g_assert_cmpuint(unplaced, <, compared / 10);
	g_test_message("%" G_GUINT64_FORMAT " packets in %.1f s, %" G_GUINT64_FORMAT " comparisons, %" G_GUINT64_FORMAT " without a stream",
		packets, (double)(clock() - begin) / CLOCKS_PER_SEC, compared, unplaced);
}

int main(int argc, char **argv)
{
	int n;

	libre_init();
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/ensemble/at-random", at_random);
	n = g_test_run();
	libre_close();
	return n;
}
