/*
 * flow-linekeys.c - lines of gestures whose keys come by DTLS, as ladders: two relays, a network between them, and what
 * it, a stranger and a later description do to the keys.
 *
 *     anna's program > UDP > relay of anna  <---- a line of OSC or MIDI, keys by DTLS ---->  relay of ben > UDP > ben's
 *
 * What one's program plays comes through both relays to the other's program: as OSC all the way, or as MIDI between them.
 */
#include <glib.h>
#include <string.h>
#include "osc/osc.h"
#include "osc/relay.h"
#include "tests/lib/gestnet.h"
#include "tests/lib/sim.h"

enum { SOON_MS = 200, HEARD = 64, FLOOD = 40, GRACE_MS = 420 };

static const struct relay_conf conf = {.port_min = 30000, .port_max = 39999, .rate = 2000, .sysex_max = 256, .leave_keep_ms = 30000,
				       .silence_ms = 60000};

struct side {
	struct relay *relay;
	struct ensemble *band;
	struct dtlscert *cert;
	struct player *line, *local;      /* the other relay behind its line; the program on this one */
	struct gestline desc;
	struct sa bound, local_bound;
	struct gestend *program;
	unsigned n_ready, n_failed;
	char why[96], heard[HEARD][128];
	unsigned n_heard;
	bool lets_go;                     /* of its player, when it is told of keys */
};

static struct gestnet *net;
static struct dtlscert *cert[3];
static struct side anna, ben;

/* --- sides --- */

static void keyed(enum gestline_kind kind, const char *failed, void *arg)
{
	struct side *s = arg;

	(void)kind;
	if (failed)
		g_strlcpy(s->why, failed, sizeof(s->why));
	if (failed)
		s->n_failed++;
	else
		s->n_ready++;
	if (s->lets_go)
		s->line = mem_deref(s->line);
}

static void program_recv(struct gestend *end, const struct sa *from, const uint8_t *buf, size_t len, uint64_t now_us, void *arg)
{
	struct side *s = arg;
	struct osc_iter it;
	struct osc_msg msg;

	(void)end;
	(void)from;
	(void)now_us;
	osc_iter_init(&it, buf, len);
	while (s->n_heard < HEARD && osc_next(&it, &msg))
		g_strlcpy(s->heard[s->n_heard++], msg.addr, sizeof(s->heard[0]));
}

static struct player *player_new(struct side *s, const char *name, enum gestline_kind kind, struct sa *bound)
{
	struct player_conf pc = {.cert = s->cert, .keysh = keyed, .keys_arg = s};
	struct player *p;

	g_strlcpy(pc.wish, name, sizeof(pc.wish));
	g_strlcpy(pc.identity, name, sizeof(pc.identity));
	g_assert_cmpint(sa_set_str(bound, s == &anna ? "198.51.100.1" : "198.51.100.2", 0), ==, 0);
	g_assert_cmpint(player_alloc(&p, s->relay, s->band, &pc), ==, 0);
	g_assert_cmpint(player_port(p, kind, bound, bound), ==, 0);
	return p;
}

static void side_open(struct side *s, struct relay *relay, struct dtlscert *own, enum gestline_kind kind)
{
	struct gestline udp;

	memset(s, 0, sizeof(*s));
	s->relay = relay;
	s->cert  = own;
	g_assert_cmpint(ensemble_get(&s->band, relay, "band"), ==, 0);
	g_assert_cmpint(gestnet_end_add(&s->program, net, program_recv, NULL, s), ==, 0);
	s->line  = player_new(s, "far", kind, &s->bound);
	s->local = player_new(s, "near", GESTLINE_UDP, &s->local_bound);
	gestline_init(&udp, GESTLINE_UDP);
	udp.peer = *gestnet_addr(s->program);
	udp.opened = true;
	g_assert_cmpint(player_set_line(s->local, &udp), ==, 0);
}

static void describe(struct side *s, const struct side *other, enum gestline_kind kind, bool active, struct dtlscert *shown)
{
	gestline_init(&s->desc, kind);
	s->desc.pt = 98;
	s->desc.view = VIEW_FLAT;         /* the other relay takes nothing under /p/ */
	s->desc.peer = other->bound;
	s->desc.rtcp_mux = true;
	s->desc.dtls.on = true;
	s->desc.dtls.active = active;
	g_strlcpy(s->desc.dtls.fingerprint, dtlscert_fingerprint(shown), sizeof(s->desc.dtls.fingerprint));
}

static void opens(enum gestline_kind kind, uint32_t seed)
{
	struct relay *other;

	g_assert_cmpint(sim_init(seed), ==, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(cert); i++)
		g_assert_cmpint(dtlscert_alloc(&cert[i]), ==, 0);
	g_assert_cmpint(gestnet_alloc(&net, &conf, seed), ==, 0);
	g_assert_cmpint(gestnet_relay_add(&other, net, &conf, 0, NULL, NULL), ==, 0);
	side_open(&anna, gestnet_relay(net), cert[0], kind);
	side_open(&ben, other, cert[1], kind);
	describe(&anna, &ben, kind, false, cert[1]);
	describe(&ben, &anna, kind, true, cert[0]);
}

static void pass(unsigned ms)
{
	for (unsigned i = 0; i < ms; i++) {
		gestnet_run(net, 1);
		sim_advance(1);
	}
}

static void side_close(struct side *s)
{
	mem_deref(s->line);
	mem_deref(s->local);
	mem_deref(s->band);
	gestline_reset(&s->desc);
	pass(20);
	mem_deref(s->program);
}

static void closes(void)
{
	struct relay *other = ben.relay;

	side_close(&anna);
	side_close(&ben);
	pass(20);
	gestnet_relay_end(net, other);
	net = mem_deref(net);
	for (size_t i = 0; i < G_N_ELEMENTS(cert); i++)
		cert[i] = mem_deref(cert[i]);
	sim_close();
}

static void in_force(struct side *s)
{
	g_assert_cmpint(player_set_line(s->line, &s->desc), ==, 0);
}

static void both_in_force(void)
{
	in_force(&anna);
	in_force(&ben);
}

static void loses(unsigned percent)
{
	const struct gestlink link = {.loss = percent, .delay_us = 1000};

	gestnet_relay_link(net, ben.relay, &link);
}

static struct relay_stats stats(const struct side *s)
{
	struct relay_stats st;

	relay_stats(s->relay, &st);
	return st;
}

/* --- what is played --- */

static void plays(struct side *s, const char *addr, int32_t value)
{
	const struct osc_arg arg = {.tag = 'i', .v.i = value};
	struct osc_writer w;
	uint8_t buf[128];
	size_t len;

	osc_w_init(&w, buf, sizeof(buf));
	osc_w_msg(&w, addr, &arg, 1);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	gestnet_send(s->program, &s->local_bound, buf, len);
}

/* The end of an address is what both ways of writing it share. */
static bool heard(const struct side *s, const char *end)
{
	for (unsigned i = 0; i < s->n_heard; i++)
		if (g_str_has_suffix(s->heard[i], end))
			return true;
	return false;
}

static bool one_hears(struct side *from, struct side *to, int32_t value)
{
	to->n_heard = 0;
	plays(from, "/midi/1/note/60", value);
	plays(from, "/midi/1/cc/7", value);
	pass(SOON_MS);
	return heard(to, "/midi/1/note/60") && heard(to, "/midi/1/cc/7");
}

/* Other values each time: what is so already is not said again. */
static bool both_hear(void)
{
	static int32_t value = 1;

	value = value % 100 + 2;
	return one_hears(&anna, &ben, value) && one_hears(&ben, &anna, value) && one_hears(&anna, &ben, value + 1);
}

static bool have_keys(unsigned within_ms)
{
	for (unsigned t = 0; t < within_ms && !(anna.n_ready && ben.n_ready); t++)
		pass(1);
	pass(GRACE_MS);                   /* then both speak */
	return anna.n_ready && ben.n_ready;
}

/* --- ladders --- */

static const struct { const char *name; enum gestline_kind kind; bool apart; unsigned loss; } ways[] = {
	{"OSC", GESTLINE_OSC, false, 0}, {"MIDI", GESTLINE_MIDI, false, 0}, {"OSC without rtcp-mux", GESTLINE_OSC, true, 0},
	{"MIDI without rtcp-mux", GESTLINE_MIDI, true, 0}, {"one of three is lost", GESTLINE_OSC, false, 33},
	{"MIDI, one of three is lost", GESTLINE_MIDI, false, 33},
};

/* Not a packet before there are keys, notes and faders after it; without rtcp-mux no reports. */
static void test_agree(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(ways); i++) {
		g_test_message("%s", ways[i].name);
		opens(ways[i].kind, (uint32_t)(7 + i));
		anna.desc.rtcp_mux = ben.desc.rtcp_mux = !ways[i].apart;
		loses(ways[i].loss);
		both_in_force();
		g_assert_false(player_has_line(anna.line, ways[i].kind) || player_has_line(ben.line, ways[i].kind));
		plays(&anna, "/midi/1/note/61", 3);
		pass(10);
		g_assert_cmpuint(stats(&anna).tx_packets + stats(&ben).tx_packets, ==, 0);
		g_assert_true(have_keys(ways[i].loss ? 20000 : 300));
		g_assert_true(player_has_line(anna.line, ways[i].kind) && player_has_line(ben.line, ways[i].kind));
		loses(0);
		pass(ways[i].loss ? 2000 : 0);
		g_assert_true(both_hear());
		pass(12000);
		g_assert_true(both_hear());
		g_assert_cmpuint(stats(&anna).auth + stats(&ben).auth + stats(&anna).stranger + stats(&ben).stranger, ==, 0);
		g_assert_cmpuint(stats(&anna).keyed, ==, 1);
		closes();
	}
}

/* The line is cut when her last words are due, so that she has keys and he has none until he asks once more. */
static bool one_has_keys(enum gestline_kind kind)
{
	for (unsigned ms = 20; ms < 60; ms++) {
		opens(kind, 11);
		both_in_force();
		pass(ms);
		loses(100);
		pass(10);
		if (anna.n_ready && !ben.n_ready)
			return true;
		closes();
	}
	return false;
}

/* Who has keys first waits with its words until the other hears, though its keys come late: a fader is told then, a note is
 * not struck late, and what is said from then on is heard. */
static void test_too_early(void)
{
	for (unsigned i = 0; i < 2; i++) {
		struct gestline_takes takes;

		g_assert_true(one_has_keys(i ? GESTLINE_MIDI : GESTLINE_OSC));
		loses(0);
		g_assert_true(player_has_line(anna.line, anna.desc.kind) && !player_takes(anna.line, &takes));
		plays(&anna, "/midi/1/note/62", 77);
		plays(&anna, "/midi/1/cc/8", 5);
		pass(10);
		g_assert_false(ben.n_ready);
		pass(GRACE_MS);
		g_assert_true(ben.n_ready && heard(&ben, "/midi/1/cc/8") && !heard(&ben, "/midi/1/note/62"));
		g_assert_true(i || player_takes(anna.line, &takes));
		plays(&anna, "/midi/1/note/63", 77);
		pass(10);
		g_assert_true(heard(&ben, "/midi/1/note/63"));
		closes();
	}
}

/* Another certificate than the one described: the line never is, and that is told once. */
static void test_wrong_certificate(void)
{
	opens(GESTLINE_OSC, 3);
	describe(&anna, &ben, GESTLINE_OSC, false, cert[2]);
	both_in_force();
	pass(60000);
	g_assert_cmpuint(anna.n_failed, ==, 1);
	g_assert_cmpuint(anna.n_ready, ==, 0);
	g_assert_cmpuint(stats(&anna).keyless, ==, 1);
	g_assert_false(both_hear());
	g_assert_false(player_has_line(anna.line, GESTLINE_OSC));
	g_assert_cmpuint(stats(&anna).tx_packets, ==, 0);
	/* What is agreed on next begins anew. */
	ben.n_ready = ben.n_failed = 0;
	describe(&anna, &ben, GESTLINE_OSC, false, cert[1]);
	g_strlcpy(ben.desc.dtls.tls_id, "another-association-0", sizeof(ben.desc.dtls.tls_id));
	both_in_force();
	g_assert_true(have_keys(2000));
	g_assert_true(both_hear());
	closes();
}

static size_t hello(uint8_t buf[64], uint8_t first)
{
	static const uint8_t head[] = {22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0};

	memset(buf, first, 64);
	memcpy(buf, head, sizeof(head));
	buf[0] = first;
	return 64;
}

/* From elsewhere nothing is handed up; from the peer's own address rubbish costs, and spoils nothing. */
static void test_strangers(void)
{
	struct gestend *stranger;
	uint8_t buf[64];
	size_t len;

	opens(GESTLINE_OSC, 4);
	g_assert_cmpint(gestnet_end_add(&stranger, net, program_recv, NULL, &anna), ==, 0);
	in_force(&anna);
	pass(2);
	for (unsigned i = 0; i < FLOOD; i++) {
		len = hello(buf, (uint8_t)(20 + i % 44));
		gestnet_send(stranger, &anna.bound, buf, len);
	}
	pass(5);
	g_assert_cmpuint(stats(&anna).stranger, ==, FLOOD);
	g_assert_cmpuint(stats(&anna).dtls, ==, 0);
	/* One turn takes them all: more than may wait. */
	for (unsigned i = 0; i < FLOOD; i++) {
		len = hello(buf, i % 2 ? 22 : 21);
		gestnet_send_from(stranger, &ben.bound, &anna.bound, buf, len);
	}
	pass(5);
	g_assert_cmpuint(stats(&anna).dtls, ==, FLOOD);
	g_assert_cmpuint(stats(&anna).dtls_dropped, ==, FLOOD - LEG_DTLS_WAITING);
	in_force(&ben);
	g_assert_true(have_keys(3000));
	g_assert_true(both_hear());
	/* With the keys there nothing changes them. */
	for (unsigned i = 0; i < FLOOD; i++) {
		len = hello(buf, 22);
		gestnet_send_from(stranger, &ben.bound, &anna.bound, buf, len);
	}
	pass(5);
	g_assert_true(both_hear());
	g_assert_cmpuint(anna.n_failed + ben.n_failed, ==, 0);
	mem_deref(stranger);
	closes();
}

/* Behind a NAT the peer is not where it says, but where it signals. */
static void test_source(void)
{
	opens(GESTLINE_OSC, 5);
	g_assert_cmpint(sa_set_str(&anna.desc.peer, "192.168.1.5", 5000), ==, 0);
	anna.desc.source = ben.bound;
	sa_set_port(&anna.desc.source, 5060);
	both_in_force();
	g_assert_true(have_keys(500));
	g_assert_true(one_hears(&ben, &anna, 5));         /* by whose tag it is found */
	g_assert_true(both_hear());
	closes();
}

/* Hold, and a description that says the same: the same keys, and no gap. Another association: silence until its keys. To keys in the
 * description, and away. */
static void test_later(void)
{
	opens(GESTLINE_OSC, 6);
	both_in_force();
	g_assert_true(have_keys(500));
	g_assert_true(both_hear());
	anna.desc.dir = LEG_DIR_RECV;
	in_force(&anna);
	pass(5);
	g_assert_false(one_hears(&anna, &ben, 50));
	g_assert_true(one_hears(&ben, &anna, 51));
	anna.desc.dir = LEG_DIR_BOTH;
	in_force(&anna);
	pass(5);
	g_assert_true(both_hear());
	g_assert_cmpuint(anna.n_ready, ==, 1);

	g_strlcpy(anna.desc.dtls.tls_id, "another-association-1", sizeof(anna.desc.dtls.tls_id));
	in_force(&anna);
	g_assert_false(player_has_line(anna.line, GESTLINE_OSC));
	g_assert_false(one_hears(&ben, &anna, 60));
	g_strlcpy(ben.desc.dtls.tls_id, "another-association-2", sizeof(ben.desc.dtls.tls_id));
	in_force(&ben);
	anna.n_ready = ben.n_ready = 0;
	g_assert_true(have_keys(2000));
	g_assert_true(both_hear());

	anna.desc.dtls.on = ben.desc.dtls.on = false;
	anna.desc.srtp_tx = (struct leg_key){.suite = LEG_SRTP_AES128_SHA1_80, .key = "one", .len = 30};
	anna.desc.srtp_rx = (struct leg_key){.suite = LEG_SRTP_AES128_SHA1_80, .key = "two", .len = 30};
	ben.desc.srtp_tx = anna.desc.srtp_rx;
	ben.desc.srtp_rx = anna.desc.srtp_tx;
	both_in_force();
	g_assert_true(both_hear());

	anna.desc.dtls.on = true;
	in_force(&anna);
	player_drop_line(anna.line, GESTLINE_OSC);        /* while it waits */
	pass(3000);
	g_assert_false(player_has_line(anna.line, GESTLINE_OSC));
	g_assert_cmpuint(anna.n_failed, ==, 0);
	closes();
}

/* What is told may make the owner let go of everything. */
static void test_ends_early(void)
{
	for (unsigned i = 0; i < 2; i++) {
		opens(GESTLINE_OSC, 8 + i);
		anna.lets_go = true;
		if (i)
			describe(&anna, &ben, GESTLINE_OSC, false, cert[2]);
		both_in_force();
		pass(10000);
		g_assert_null(anna.line);
		g_assert_cmpuint(anna.n_ready + anna.n_failed, ==, 1);
		closes();
	}
}

static void test_refused(void)
{
	struct gestline udp;

	opens(GESTLINE_OSC, 9);
	gestline_init(&udp, GESTLINE_UDP);
	udp.peer = *gestnet_addr(anna.program);
	udp.dtls = anna.desc.dtls;
	g_assert_cmpint(player_set_line(anna.local, &udp), ==, EINVAL);
	mem_deref(anna.line);
	anna.cert = NULL;
	anna.line = player_new(&anna, "bare", GESTLINE_OSC, &anna.bound);
	g_assert_cmpint(player_set_line(anna.line, &anna.desc), ==, ENOTSUP);
	g_assert_false(player_has_line(anna.line, GESTLINE_OSC));
	closes();
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/linekeys/agree", test_agree);
	g_test_add_func("/linekeys/too-early", test_too_early);
	g_test_add_func("/linekeys/wrong-certificate", test_wrong_certificate);
	g_test_add_func("/linekeys/strangers", test_strangers);
	g_test_add_func("/linekeys/source", test_source);
	g_test_add_func("/linekeys/later", test_later);
	g_test_add_func("/linekeys/ends-early", test_ends_early);
	g_test_add_func("/linekeys/refused", test_refused);
	return g_test_run();
}
