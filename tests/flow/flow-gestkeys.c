/*
 * flow-gestkeys.c - a call whose sound and gestures both have keys by DTLS, as a ladder: two ends with an offer, a leg and a
 * player each, descriptions as text between them.
 *
 *     anna: offer > callkeys, leg   <---- loopback ---->   ben: the same
 *                 > player, line    <---- a wire   ---->
 *
 * Each is alone in a room and plays the tone there to the other; what is played on the line is told to the other's househ.
 */
#include <glib.h>
#include <math.h>
#include <string.h>
#include "osc/osc.h"
#include "osc/relay.h"
#include "server/callkeys.h"
#include "server/offer.h"
#include "tests/lib/signal.h"
#include "tests/lib/sim.h"

enum { STEP_MS = 5, TONE = 4800, PORT_BASE = 30000, PORTS = 16 };

struct end {
	struct bus *bus;
	struct leg *leg;
	struct callkeys *keys;
	struct offer *offer;
	struct relay *relay;
	struct relay_wire wire;
	struct ensemble *here;
	struct player *player;
	struct dtlscert *gest_cert;       /* what its line shows; its description may say another */
	unsigned n_ready, n_failed, gest_ready, gest_failed, n_heard, in_the_clear;
	char heard[64];
};

static struct mixer *mixer;
static struct dtlscert *cert[3];
static float tone[TONE];
static struct end anna, ben;
static struct { struct end *owner; int handle; } plugs[PORTS];
static unsigned n_plugs, lose_one_of, n_sent;

static uint64_t now_us(void)
{
	return 1000000 + sim_now_ms() * 1000;
}

/* --- the wire of gestures --- */

static int wire_open(int *handle, struct sa *local, enum gestline_kind kind, bool rtcp, void *arg)
{
	(void)kind;
	(void)rtcp;
	g_assert_cmpuint(n_plugs, <, PORTS);
	*handle = (int)n_plugs;
	plugs[n_plugs].owner = arg;
	return sa_set_str(local, "127.0.0.1", (uint16_t)(PORT_BASE + n_plugs++));
}

static void wire_close(int handle, void *arg)
{
	(void)arg;
	plugs[handle].owner = NULL;
}

static bool reads_as_osc(const uint8_t *buf, size_t len)
{
	return g_strstr_len((const char *)buf, (gssize)len, "/fader") || g_strstr_len((const char *)buf, (gssize)len, "/midi");
}

static void wire_send(int handle, const struct sa *to, const uint8_t *buf, size_t len, void *arg)
{
	const unsigned i = sa_port(to) - PORT_BASE;
	struct end *e = arg;
	struct sa from;

	e->in_the_clear += reads_as_osc(buf, len);
	if (lose_one_of && ++n_sent % lose_one_of == 0)
		return;
	(void)sa_set_str(&from, "127.0.0.1", (uint16_t)(PORT_BASE + handle));
	if (i < n_plugs && plugs[i].owner)
		relay_wire_recv(plugs[i].owner->relay, (int)i, &from, buf, len, now_us());
}

/* --- ends --- */

static void ready(void *arg)
{
	((struct end *)arg)->n_ready++;
}

static void failed(const char *why, void *arg)
{
	(void)why;
	((struct end *)arg)->n_failed++;
}

static void gest_keys(enum gestline_kind kind, const char *why, void *arg)
{
	struct end *e = arg;

	(void)kind;
	if (why)
		e->gest_failed++;
	else
		e->gest_ready++;
}

static bool heard(const struct osc_msg *msg, const struct midi_cmd *midi, void *arg)
{
	struct end *e = arg;

	(void)midi;
	if (!msg)
		return true;
	e->n_heard++;
	g_strlcpy(e->heard, msg->addr, sizeof(e->heard));
	return true;
}

static void leg_handler(const struct leg_event *ev, void *arg)
{
	if (ev->type == LEG_EVENT_DTLS)
		callkeys_take(((struct end *)arg)->keys);
}

static int open_line(struct sa *local, char *name, enum gestline_kind kind, const char *wish, void *arg)
{
	struct player_conf pc = {.wish = "far", .identity = "far", .househ = heard, .cert = ((struct end *)arg)->gest_cert, .keysh = gest_keys,
				 .keys_arg = arg, .arg = arg};
	struct end *e = arg;

	(void)wish;
	if (!e->player)
		g_assert_cmpint(player_alloc(&e->player, e->relay, e->here, &pc), ==, 0);
	g_strlcpy(name, "far", VIEW_NAME_MAX + 1);
	(void)sa_set_str(local, "127.0.0.1", 0);
	return player_port(e->player, kind, local, local);
}

static void media_open(struct end *e, struct dtlscert *own)
{
	static const struct bus_conf bc = {.quantum_smp = 480, .alone = tone, .n_alone = TONE};
	struct leg_conf lc = {.eventh = leg_handler, .arg = e, .jitter_max_ms = 100};
	struct callkeys_conf kc = {.cert = own, .readyh = ready, .failedh = failed, .arg = e};

	g_assert_cmpint(sa_set_str(&lc.local, "127.0.0.1", 0), ==, 0);
	g_assert_cmpint(bus_alloc(&e->bus, mixer, &bc), ==, 0);
	g_assert_cmpint(leg_alloc(&e->leg, mixer, &lc), ==, 0);
	g_assert_cmpint(leg_set_bus(e->leg, e->bus), ==, 0);
	kc.leg = e->leg;
	g_assert_cmpint(callkeys_alloc(&e->keys, &kc), ==, 0);
}

static void end_open(struct end *e, struct dtlscert *own, struct dtlscert *of_line)
{
	struct relay_conf rc = {.port_min = PORT_BASE, .port_max = PORT_BASE + PORTS, .leave_keep_ms = 30000, .silence_ms = 60000, .end = true};
	struct offer_conf oc = {
		.codecs = "PCMU", .ptime_us = 20000, .srtp = OFFER_SRTP_REQUIRED, .keying = OFFER_KEYING_DTLS,
		.dtls_fingerprint = dtlscert_fingerprint(own),
		.gest = {.takes = 1u << GESTLINE_OSC, .offers = 1u << GESTLINE_OSC, .mtu = 1200, .stream_max = 65536, .rate = 2000,
			 .open = open_line, .arg = e},
	};

	memset(e, 0, sizeof(*e));
	media_open(e, own);
	e->gest_cert = of_line;
	e->wire = (struct relay_wire){.open = wire_open, .close = wire_close, .send = wire_send, .arg = e};
	rc.wire = &e->wire;
	g_assert_cmpint(relay_alloc(&e->relay, &rc), ==, 0);
	g_assert_cmpint(ensemble_get(&e->here, e->relay, "here"), ==, 0);
	oc.media = *leg_local(e->leg);
	g_assert_cmpint(offer_alloc(&e->offer, &oc), ==, 0);
}

static void end_close(struct end *e)
{
	mem_deref(e->keys);
	mem_deref(e->leg);
	mem_deref(e->bus);
	mem_deref(e->offer);
	mem_deref(e->player);
	mem_deref(e->here);
	(void)relay_turn(e->relay, now_us());
	e->relay = mem_deref(e->relay);
}

static void turn(void)
{
	sim_advance(STEP_MS);
	mixer_turn(mixer, now_us());
	mixer_dispatch(mixer);
	(void)relay_turn(anna.relay, now_us());
	(void)relay_turn(ben.relay, now_us());
}

static void pass(uint32_t ms)
{
	for (uint32_t t = 0; t < ms; t += STEP_MS)
		turn();
}

static void opens(bool right)
{
	static const struct mixer_conf mc = {.port_min = 34000, .port_max = 35999};

	g_assert_cmpint(sim_init(7), ==, 0);
	n_plugs = 0;
	g_assert_cmpint(mixer_alloc(&mixer, &mc), ==, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(cert); i++)
		g_assert_cmpint(dtlscert_alloc(&cert[i]), ==, 0);
	signal_sine(tone, TONE, 0, 48000, 440, 0.25);
	end_open(&anna, cert[0], cert[0]);
	end_open(&ben, cert[1], cert[right ? 1 : 2]);
}

static void closes(void)
{
	end_close(&anna);
	end_close(&ben);
	sim_advance(100);
	for (uint32_t t = 0; t < 100; t += STEP_MS) {
		sim_advance(STEP_MS);
		mixer_turn(mixer, now_us());
		mixer_dispatch(mixer);
	}
	mixer = mem_deref(mixer);
	for (size_t i = 0; i < G_N_ELEMENTS(cert); i++)
		cert[i] = mem_deref(cert[i]);
	sim_loss(0);
	lose_one_of = 0;
	sim_close();
}

/* --- descriptions --- */

static void follows(struct end *e)
{
	uint8_t mark[OFFER_MARK];
	const struct gestline *l;
	struct leg_desc desc;

	offer_commit(e->offer);
	g_assert_cmpint(offer_leg(e->offer, false, &desc), ==, 0);
	g_assert_cmpint(callkeys_follow(e->keys, e->offer, &desc), ==, 0);
	l = offer_gestline(e->offer, GESTLINE_OSC, mark);
	g_assert_nonnull(l);
	g_assert_cmpint(player_set_line(e->player, l), ==, 0);
}

static void exchange(struct end *from, struct end *to)
{
	struct mbuf *offered = NULL, *answered = NULL;
	const char *why = "";

	g_assert_cmpint(offer_make(from->offer, &offered), ==, 0);
	g_assert_null(g_strstr_len((char *)offered->buf, (gssize)offered->end, "a=crypto"));
	g_assert_cmpint(offer_answer(to->offer, &answered, &why, offered->buf, offered->end), ==, 0);
	follows(to);
	g_assert_cmpint(offer_accept(from->offer, &why, answered->buf, answered->end), ==, 0);
	follows(from);
	mem_deref(offered);
	mem_deref(answered);
}

/* --- what is heard --- */

/* The tone of amplitude 0.25 is 15 dB under full scale. */
static bool hears_tone(const struct end *e)
{
	struct leg_stats st;

	leg_stats(e->leg, &st);
	return fabs((double)st.level_dbov - 15) < 2;
}

static bool arrives(struct end *from, struct end *to, const char *addr, int32_t value)
{
	const struct osc_arg arg = {.tag = 'i', .v.i = value};
	struct osc_writer w;
	uint8_t buf[128];
	size_t len;

	to->heard[0] = '\0';
	osc_w_init(&w, buf, sizeof(buf));
	osc_w_msg(&w, addr, &arg, 1);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	g_assert_cmpint(player_tell(from->player, buf, len), ==, 0);
	pass(50);
	return !strcmp(to->heard, addr);
}

static bool all_arrives(void)
{
	return arrives(&anna, &ben, "/midi/1/note/60", 100) && arrives(&anna, &ben, "/fader/1", 3) &&
		arrives(&ben, &anna, "/midi/1/note/64", 90) && arrives(&ben, &anna, "/fader/2", 4);
}

/* --- ladders --- */

static void test_both(void)
{
	static const unsigned losses[] = {0, 3};

	for (size_t i = 0; i < G_N_ELEMENTS(losses); i++) {
		opens(true);
		lose_one_of = losses[i];
		sim_loss(losses[i] ? 33 : 0);
		exchange(&anna, &ben);
		g_assert_false(arrives(&anna, &ben, "/fader/9", 1));
		for (uint32_t t = 0; t < 20000 && !(anna.n_ready && ben.n_ready && anna.gest_ready && ben.gest_ready); t += STEP_MS)
			turn();
		lose_one_of = 0;
		sim_loss(0);
		pass(1000);
		g_assert_true(hears_tone(&anna) && hears_tone(&ben));
		g_assert_true(all_arrives());
		exchange(&ben, &anna);                    /* a refresh, the other way: the same keys */
		pass(100);
		g_assert_true(all_arrives() && hears_tone(&anna) && hears_tone(&ben));
		g_assert_cmpuint(anna.gest_ready + anna.n_ready, ==, 2);
		g_assert_cmpuint(anna.in_the_clear + ben.in_the_clear, ==, 0);
		closes();
	}
}

/* Ben's line shows another certificate than his description says: no gestures, and the sound as before. */
static void test_wrong_line(void)
{
	opens(false);
	exchange(&anna, &ben);
	pass(1000);
	g_assert_true(hears_tone(&anna) && hears_tone(&ben));
	pass(40000);
	g_assert_cmpuint(anna.gest_failed, ==, 1);
	g_assert_cmpuint(anna.gest_ready + ben.gest_ready, ==, 0);
	g_assert_false(arrives(&anna, &ben, "/fader/1", 1) || arrives(&ben, &anna, "/fader/1", 1));
	g_assert_cmpuint(anna.n_heard + ben.n_heard + anna.in_the_clear + ben.in_the_clear, ==, 0);
	g_assert_true(hears_tone(&anna) && hears_tone(&ben));
	g_assert_cmpuint(anna.n_failed + ben.n_failed, ==, 0);
	closes();
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/gestkeys/both", test_both);
	g_test_add_func("/gestkeys/wrong-line", test_wrong_line);
	return g_test_run();
}
