/*
 * flow-gestend.c - programs and instruments at two ends, and a server between them, over links that lose.
 *
 *     program, instrument ~~ gestend (anna) ~~ relay ~~ link ~~ the server's relay ~~ link ~~ relay ~~ gestend (bob) ~~ program, instrument
 *
 * Programs are real sockets on loopback, which are read once a millisecond of the clock that is turned by hand.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <glib.h>
#include "client/gestend.h"
#include "client/midiwire.h"
#include "mixer/beat.h"
#include "mixer/rtcp.h"
#include "tests/lib/gestnet.h"

enum { MS = 1000, S = 1000000, SEEN = 4096, MIDI_SEEN = 4096 };

struct seen { uint64_t at_us; int value; char addr[48]; };
struct played { uint64_t at_us; uint8_t data[3]; };

struct end {
	const char *name;
	struct relay *relay;
	struct ensemble *ensemble;
	struct player *far, *room;        /* it at the server; the room at it */
	struct gestend *g;
	struct midiwire *wire;
	uint64_t ahead_us;
	int      fd;                      /* the program */
	GHashTable *state;                /* what the program knows: address to value, as text */
	GHashTable *set;                  /* what it has set */
	unsigned n_seen, n_played, n_house;
	struct seen seen[SEEN];
	struct played played[MIDI_SEEN];
	uint8_t  held[16][128];
	uint32_t delay_us, rate;          /* rate: what its relay takes; 0: as a client's does */
	bool     align;
};

static struct gestnet *net;
static struct ensemble *band;
static uint32_t rate = 500;

/* --- the program at an end --- */

static void program_reads(struct end *e, uint64_t now_us)
{
	uint8_t buf[2048];
	ssize_t n;

	while ((n = recv(e->fd, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
		struct osc_args it;
		struct osc_arg a = {.tag = 'i'};
		struct osc_msg msg;

		g_assert_cmpint(osc_msg_read(&msg, buf, (size_t)n), ==, 0);
		osc_args_init(&it, &msg);
		(void)osc_arg_next(&it, &a);
		g_hash_table_replace(e->state, g_strdup(msg.addr), GINT_TO_POINTER(a.v.i));
		if (e->n_seen == SEEN)
			continue;
		e->seen[e->n_seen] = (struct seen){.at_us = now_us, .value = a.v.i};
		g_strlcpy(e->seen[e->n_seen++].addr, msg.addr, sizeof(e->seen[0].addr));
	}
}

static void program_sends(struct end *e, const uint8_t *osc, size_t len)
{
	const struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(gestend_osc_port(e->g)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

	g_assert_cmpint(sendto(e->fd, osc, len, 0, (const struct sockaddr *)&to, sizeof(to)), ==, (ssize_t)len);
}

static void program_sets(struct end *e, const char *addr, int value)
{
	const struct osc_arg a = {.tag = 'i', .v.i = value};
	struct osc_writer w;
	uint8_t buf[256];
	size_t len;

	osc_w_init(&w, buf, sizeof(buf));
	osc_w_msg(&w, addr, &a, 1);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	program_sends(e, buf, len);
	g_hash_table_replace(e->set, g_strdup(addr), GINT_TO_POINTER(value));
}

/* --- the instrument --- */

static void instrument_hears(struct end *e, uint64_t now_us)
{
	const struct midiwire_event *ev;

	while ((ev = midiwire_due_rt(e->wire, now_us)) != NULL) {
		const uint8_t ch = ev->data[0] & 0x0f, kind = ev->data[0] & 0xf0;

		if (kind == 0x90 && ev->data[2])
			e->held[ch][ev->data[1]]++;
		else if ((kind == 0x80 || kind == 0x90) && e->held[ch][ev->data[1]])
			e->held[ch][ev->data[1]]--;
		if (e->n_played == MIDI_SEEN)
			continue;
		/* what comes too late is played now */
		e->played[e->n_played].at_us = ev->at_us > now_us - MS ? ev->at_us : now_us;
		memcpy(e->played[e->n_played++].data, ev->data, ev->len < 3 ? ev->len : 3);
	}
}

static void plays(struct end *e, uint8_t status, uint8_t a, uint8_t b)
{
	const uint8_t bytes[] = {status, a, b};

	midiwire_came_rt(e->wire, gestnet_now_us(net) + e->ahead_us, bytes, sizeof(bytes));
}

static unsigned sounding(const struct end *e)
{
	unsigned n = 0;

	for (int c = 0; c < 16; c++)
		for (int k = 0; k < 128; k++)
			n += e->held[c][k];
	return n;
}

static void note_is_held(gpointer addr, gpointer value, gpointer n)
{
	if (strstr(addr, "/note/") && GPOINTER_TO_INT(value))
		++*(unsigned *)n;
}

/* Notes that the program thinks are held. */
static unsigned sounding_osc(const struct end *e)
{
	unsigned n = 0;

	g_hash_table_foreach(e->state, note_is_held, &n);
	return n;
}

/* --- ends --- */

static void turn_handler(uint64_t now_us, void *arg)
{
	struct end *e = arg;

	if (!e->g)
		return;
	gestend_turn(e->g, now_us);
	(void)relay_turn(e->relay, now_us);       /* what it says goes at once */
	program_reads(e, now_us);
	instrument_hears(e, now_us);
}

static void house_handler(const struct osc_msg *msg, void *arg)
{
	(void)msg;
	((struct end *)arg)->n_house++;
}

static uint32_t delay_handler(const char *name, void *arg)
{
	(void)name;
	return ((struct end *)arg)->delay_us;
}

static void line_set(struct player *p, const struct sa *peer)
{
	struct gestline l;

	gestline_init(&l, GESTLINE_OSC);
	l.dir  = LEG_DIR_BOTH;
	l.pt   = 98;
	l.rate = 48000;
	l.party_exec = true;
	l.takes.rate = rate;
	l.peer = *peer;
	g_assert_cmpint(player_set_line(p, &l), ==, 0);
}

static struct player *player_of(struct relay *r, struct ensemble *in, const char *name, player_house_h *h, void *arg, struct sa *bound)
{
	struct player_conf c = {.househ = h, .arg = arg};
	struct player *p;
	struct sa local;

	g_strlcpy(c.wish, name, sizeof(c.wish));
	g_strlcpy(c.identity, name, sizeof(c.identity));
	g_assert_cmpint(player_alloc(&p, r, in, &c), ==, 0);
	sa_set_str(&local, "192.0.2.10", 0);
	g_assert_cmpint(player_port(p, GESTLINE_OSC, &local, bound), ==, 0);
	return p;
}

/* The call: a player at either end of the line. */
static void calls(struct end *e)
{
	struct sa near, far;

	e->far  = player_of(gestnet_relay(net), band, e->name, NULL, NULL, &far);
	e->room = player_of(e->relay, e->ensemble, "room", gestend_heard, e->g, &near);
	line_set(e->far, &near);
	line_set(e->room, &far);
	gestend_set_player(e->g, e->room);
	gestnet_run(net, 100);
}

static void hangs_up(struct end *e)
{
	gestend_set_player(e->g, NULL);
	e->room = mem_deref(e->room);
	e->far  = mem_deref(e->far);
	gestnet_run(net, 50);
}

static void comes(struct end *e, const char *name, uint64_t ahead_us)
{
	const struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	const struct relay_conf rc = {.port_min = 30000, .port_max = 39999, .sysex_max = 256, .silence_ms = 60000, .end = true,
		.rate = e->rate};
	struct gestend_conf gc = {.osc = true, .osc_to = "", .align = e->align, .clock_out = true, .by_hand = true, .househ = house_handler,
		.delay_us = delay_handler, .arg = e};
	static const uint8_t hello[] = "/tutti/ask\0\0,\0\0";

	e->name = name;
	e->ahead_us = ahead_us;
	e->state = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	e->set = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	e->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(bind(e->fd, (const struct sockaddr *)&own, sizeof(own)), ==, 0);
	g_assert_cmpint(midiwire_alloc(&e->wire), ==, 0);
	gc.midi = e->wire;
	g_assert_cmpint(gestend_alloc(&e->g, &gc), ==, 0);
	g_assert_cmpint(gestnet_relay_add(&e->relay, net, &rc, ahead_us, turn_handler, e), ==, 0);
	g_assert_cmpint(ensemble_get(&e->ensemble, e->relay, "end"), ==, 0);
	gestnet_run(net, 2);
	calls(e);
	program_sends(e, hello, sizeof(hello));   /* so it is known */
	gestnet_run(net, 50);
}

static void goes(struct end *e)
{
	if (e->room)
		hangs_up(e);
	e->g = mem_deref(e->g);
	e->wire = mem_deref(e->wire);
	e->ensemble = mem_deref(e->ensemble);
	gestnet_run(net, 2);
	gestnet_relay_end(net, e->relay);
	close(e->fd);
	g_hash_table_destroy(e->state);
	g_hash_table_destroy(e->set);
	memset(e, 0, sizeof(*e));
}

static void begin(uint32_t seed)
{
	const struct relay_conf conf = {.port_min = 30000, .port_max = 39999, .rate = rate, .sysex_max = 256, .leave_keep_ms = 30000,
		.silence_ms = 60000};

	g_assert_cmpint(gestnet_alloc(&net, &conf, seed), ==, 0);
	g_assert_cmpint(ensemble_get(&band, gestnet_relay(net), "band"), ==, 0);
	gestnet_run(net, 2);
}

static void ends(void)
{
	band = mem_deref(band);
	gestnet_run(net, 5);
	net = mem_deref(net);
}

/* Over a minute of reports, so that clocks are known. */
static void link_all(struct end *const *list, unsigned n, const struct gestlink *link)
{
	for (unsigned i = 0; i < n; i++)
		gestnet_relay_link(net, list[i]->relay, link);
}

static struct end anna, bob, carl;

/* --- state --- */

static void same_state(const struct end *from, const struct end *at)
{
	GHashTableIter it;
	gpointer addr, value;

	g_hash_table_iter_init(&it, from->set);
	while (g_hash_table_iter_next(&it, &addr, &value)) {
		char *there = g_strdup_printf("/p/%s%s", from->name, (char *)addr);

		if (GPOINTER_TO_INT(g_hash_table_lookup(at->state, there)) != GPOINTER_TO_INT(value))
			g_error("%s knows %s as %d, it is %d", at->name, there,
				GPOINTER_TO_INT(g_hash_table_lookup(at->state, there)), GPOINTER_TO_INT(value));
		g_free(there);
	}
}

static void fader(struct end *e, unsigned n)
{
	char addr[32];

	g_snprintf(addr, sizeof(addr), "/fader/%u", n);
	program_sets(e, addr, (int)gestnet_draw(net, 1000) + 1);
}

static void test_state(gconstpointer arg)
{
	struct end *const both[] = {&anna, &bob};
	const unsigned loss = GPOINTER_TO_UINT(arg);

	begin(loss + 1);
	comes(&anna, "anna", 5 * S);
	comes(&bob, "bob", 77 * (uint64_t)S);
	link_all(both, 2, &(struct gestlink){.loss = loss, .twice = loss / 6, .delay_us = 8 * MS, .jitter_us = 6 * MS});
	for (int i = 0; i < 2000; i++) {
		if (!gestnet_draw(net, 5))
			fader(&anna, gestnet_draw(net, 30));
		if (!gestnet_draw(net, 9))
			fader(&bob, gestnet_draw(net, 30));
		gestnet_run(net, 5);
	}
	gestnet_run(net, 4000);
	same_state(&anna, &bob);
	same_state(&bob, &anna);
	goes(&bob);
	goes(&anna);
	ends();
}

/* A program's bundle goes on as one; what it may not say, and what is no OSC, is counted. */
static void test_program(void)
{
	static const struct osc_arg one = {.tag = 'i', .v.i = 1};
	struct gestend_stats st;
	struct osc_writer w;
	uint8_t buf[512];
	size_t len;

	begin(1);
	comes(&anna, "anna", 0);
	comes(&bob, "bob", 0);
	osc_w_init(&w, buf, sizeof(buf));
	osc_w_bundle(&w, OSC_NOW);
	osc_w_msg(&w, "/a", &one, 1);
	osc_w_msg(&w, "/b", &one, 1);
	osc_w_bundle_end(&w);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	program_sends(&anna, buf, len);
	program_sets(&anna, "/to/bob/only", 3);
	program_sets(&anna, "/p/bob/lie", 4);
	program_sets(&anna, "/_gest/refresh", 4);
	program_sends(&anna, (const uint8_t *)"noise", 5);
	gestnet_run(net, 50);
	g_assert_cmpint(GPOINTER_TO_INT(g_hash_table_lookup(bob.state, "/p/anna/a")), ==, 1);
	g_assert_cmpint(GPOINTER_TO_INT(g_hash_table_lookup(bob.state, "/p/anna/b")), ==, 1);
	g_assert_cmpint(GPOINTER_TO_INT(g_hash_table_lookup(bob.state, "/p/anna/only")), ==, 3);
	g_assert_false(g_hash_table_contains(bob.state, "/p/anna/p/bob/lie"));
	gestend_stats(anna.g, &st);
	g_assert_cmpuint(st.osc_bad, ==, 3);
	g_assert_cmpint(gestend_sayf(anna.g, "/text", "s", "hello"), ==, 0);
	g_assert_cmpint(gestend_sayf(anna.g, "/text", "x", 1), ==, EINVAL);
	gestnet_run(net, 50);
	g_assert_true(g_hash_table_contains(bob.state, "/p/anna/text"));
	g_assert_cmpuint(bob.n_house, >=, 1);
	goes(&bob);
	goes(&anna);
	ends();
}

/* Who comes back is as it was, in a room that has forgotten it. */
static void test_again(void)
{
	begin(3);
	comes(&anna, "anna", 0);
	for (unsigned i = 0; i < 300; i++) {
		fader(&anna, i);
		gestnet_run(net, 4);
	}
	plays(&anna, 0xb0, 7, 99);
	plays(&anna, 0x90, 60, 99);
	gestnet_run(net, 100);
	hangs_up(&anna);
	g_assert_cmpint(gestend_sayf(anna.g, "/x", "i", 1), ==, ENOTCONN);
	program_sets(&anna, "/fader/0", 5000);    /* while nobody is there */
	gestnet_run(net, 40000);
	comes(&bob, "bob", 0);
	calls(&anna);
	gestnet_run(net, 3000);
	same_state(&anna, &bob);
	g_assert_cmpint(GPOINTER_TO_INT(g_hash_table_lookup(bob.state, "/p/anna/midi/1/cc/7")), ==, 99);
	g_assert_cmpuint(sounding(&bob), ==, 0);
	g_assert_cmpuint(sounding_osc(&bob), ==, 0);
	goes(&anna);
	goes(&bob);
	ends();
}

/* --- notes --- */

static void any_note(struct end *e)
{
	const uint8_t ch = (uint8_t)gestnet_draw(net, 2), key = (uint8_t)(40 + gestnet_draw(net, 24));

	plays(e, (uint8_t)((gestnet_draw(net, 2) ? 0x90 : 0x80) | ch), key, 64);
}

static void no_note(const struct end *e)
{
	g_assert_cmpuint(sounding(e), ==, 0);
	g_assert_cmpuint(sounding_osc(e), ==, 0);
}

/* Somebody goes while notes are held: first who plays, then who hears. With and without alignment. */
static void test_notes(gconstpointer arg)
{
	struct end *const all[] = {&anna, &bob, &carl};
	const unsigned loss = GPOINTER_TO_UINT(arg);

	begin(loss + 7);
	bob.align = true;
	bob.delay_us = 30 * MS;
	comes(&anna, "anna", 0);
	comes(&bob, "bob", 9 * S);
	comes(&carl, "carl", 0);
	link_all(all, 3, &(struct gestlink){.loss = loss, .delay_us = 3 * MS, .jitter_us = 4 * MS});
	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < 1500; i++) {
			if (!gestnet_draw(net, 6))
				any_note(gestnet_draw(net, 2) ? &anna : &carl);
			gestnet_run(net, 2);
		}
		g_assert_cmpuint(sounding(&bob), >, 0);
		if (round % 2) {
			hangs_up(&bob);
			no_note(&bob);
			calls(&bob);
		}
		hangs_up(&anna);
		hangs_up(&carl);
		gestnet_run(net, 4000);
		no_note(&bob);
		calls(&anna);
		calls(&carl);
	}
	goes(&carl);
	goes(&bob);
	goes(&anna);
	ends();
}

/* Two hold one note: it ends with the last. */
static void test_shared_note(void)
{
	begin(5);
	comes(&anna, "anna", 0);
	comes(&bob, "bob", 0);
	comes(&carl, "carl", 0);
	plays(&anna, 0x90, 60, 100);
	plays(&carl, 0x90, 60, 100);
	gestnet_run(net, 50);
	g_assert_cmpuint(sounding(&bob), >, 0);
	hangs_up(&anna);
	g_assert_cmpuint(sounding(&bob), >, 0);
	g_assert_cmpuint(sounding_osc(&bob), ==, 1);
	plays(&carl, 0x80, 60, 64);
	gestnet_run(net, 50);
	no_note(&bob);
	goes(&carl);
	goes(&bob);
	goes(&anna);
	ends();
}

/* --- alignment --- */

static uint64_t seen_at(const struct end *e, const char *addr, int value)
{
	for (unsigned i = 0; i < e->n_seen; i++)
		if (e->seen[i].value == value && !strcmp(e->seen[i].addr, addr))
			return e->seen[i].at_us - e->ahead_us;
	g_error("%s never saw %s %d", e->name, addr, value);
	return 0;
}

static uint64_t played_at(const struct end *e, uint8_t key)
{
	for (unsigned i = 0; i < e->n_played; i++)
		if ((e->played[i].data[0] & 0xf0) == 0x90 && e->played[i].data[1] == key)
			return e->played[i].at_us - e->ahead_us;
	g_error("%s never played %u", e->name, key);
	return 0;
}

/* How far from 30 ms after it was played. */
static unsigned judge(int64_t *worst, int64_t off)
{
	*worst = ABS(off) > *worst ? ABS(off) : *worst;
	return ABS(off) > MS;
}

/* Clocks are 5 and 77 s ahead, the links take 2 to 12 ms, in any order: what anna plays comes out 30 ms later, whatever each packet
 * took. What only a journal tells, as its packet was overtaken, has the time of the packet with the journal. */
static void test_aligned(void)
{
	struct end *const both[] = {&anna, &bob};
	unsigned wrong_osc = 0, wrong_midi = 0;
	struct gestend_stats st;
	int64_t worst = 0;

	begin(11);
	bob.align = true;
	bob.delay_us = 30 * MS;
	comes(&anna, "anna", 5 * S);
	comes(&bob, "bob", 77 * (uint64_t)S);
	link_all(both, 2, &(struct gestlink){.delay_us = 2 * MS, .jitter_us = 10 * MS});
	for (int i = 0; i < 1500; i++) {                  /* reports come about once a second while somebody plays */
		fader(&anna, 99);
		gestnet_run(net, 40);
	}
	bob.n_seen = bob.n_played = 0;
	for (int i = 1; i <= 100; i++) {
		const uint64_t at = gestnet_now_us(net);

		plays(&anna, 0x90, (uint8_t)i, 100);
		program_sets(&anna, "/pad", i);
		turn_handler(at + anna.ahead_us, &anna);
		gestnet_run(net, 50 + gestnet_draw(net, 40));
		wrong_osc  += judge(&worst, (int64_t)(seen_at(&bob, "/p/anna/pad", i) - at) - bob.delay_us);
		wrong_midi += judge(&worst, (int64_t)(played_at(&bob, (uint8_t)i) - at) - bob.delay_us);
		plays(&anna, 0x80, (uint8_t)i, 64);
	}
	gestend_stats(bob.g, &st);
	g_test_message("more than 1 ms off: %u of OSC, %u of MIDI; %" G_GINT64_FORMAT " us at most", wrong_osc, wrong_midi, worst);
	g_assert_cmpuint(wrong_osc, <=, 5);
	g_assert_cmpuint(wrong_midi, <=, 5);
	g_assert_cmpint(worst, <=, 10 * MS);
	g_assert_cmpuint(st.late, <=, 2);
	goes(&bob);
	goes(&anna);
	ends();
}

/* A delay that is too small for the link: at once, and counted. */
static void test_late(void)
{
	struct end *const both[] = {&anna, &bob};
	struct gestend_stats st;

	begin(12);
	bob.align = true;
	bob.delay_us = 5 * MS;
	comes(&anna, "anna", 0);
	comes(&bob, "bob", 0);
	link_all(both, 2, &(struct gestlink){.delay_us = 10 * MS});
	gestnet_run(net, 3000);
	for (int i = 1; i <= 10; i++) {
		program_sets(&anna, "/pad", i);
		gestnet_run(net, 100);
	}
	same_state(&anna, &bob);
	gestend_stats(bob.g, &st);
	g_assert_cmpuint(st.late, ==, 10);
	g_assert_cmpuint(st.late_us, >, 13 * MS);
	g_assert_cmpuint(st.late_us, <, 25 * MS);
	goes(&bob);
	goes(&anna);
	ends();
}

/* --- too much --- */

/* 10,000 a second for three seconds: the server has to drop nothing of it, the last values arrive, the clock is still asked. */
static void test_flood(void)
{
	struct relay_stats before, after;
	struct sharedtime t;
	struct gestend_stats st;
	int n = 0;

	begin(13);
	comes(&anna, "anna", 0);
	comes(&bob, "bob", 0);
	gestnet_run(net, 200);
	relay_stats(gestnet_relay(net), &before);
	for (int ms = 0; ms < 3000; ms++) {
		for (int i = 0; i < 9; i++)
			fader(&anna, (unsigned)(n++ % 100));
		program_sets(&anna, "/hit/*", n);         /* an event */
		gestnet_run(net, 1);
	}
	g_hash_table_remove(anna.set, "/hit/*");
	gestend_stats(anna.g, &st);
	g_assert_cmpuint(st.osc_in, >=, 30000);
	g_assert_cmpuint(st.dropped, >, 1000);
	g_assert_cmpint(sharedclock_at(gestend_clock(anna.g), &t, gestnet_now_us(net)), ==, 0);
	g_assert_cmpuint(gestend_clock(anna.g)->n, >=, 8);
	gestnet_run(net, 2000);
	relay_stats(gestnet_relay(net), &after);
	g_assert_cmpuint(after.rate_dropped, ==, before.rate_dropped);
	g_assert_cmpuint(after.messages_in - before.messages_in, <=, 5 * rate + rate / 4);
	same_state(&anna, &bob);
	goes(&bob);
	goes(&anna);
	ends();
}

/* An end that keeps up with 40 a second: it has the last values all the same, and hears of who leaves. */
static void test_slow_end(void)
{
	struct relay_stats st;

	begin(17);
	bob.rate = 40;
	comes(&anna, "anna", 0);
	comes(&bob, "bob", 0);
	plays(&anna, 0x90, 60, 100);
	for (int i = 0; i < 900; i++) {
		fader(&anna, (unsigned)i % 20);
		gestnet_run(net, 3);
	}
	gestnet_run(net, 3000);
	relay_stats(bob.relay, &st);
	g_assert_cmpuint(st.coalesced, >, 100);
	same_state(&anna, &bob);
	g_assert_cmpuint(sounding(&bob), ==, 1);
	hangs_up(&anna);
	no_note(&bob);
	goes(&bob);
	goes(&anna);
	ends();
}

/* --- time --- */

static void test_clock(void)
{
	struct end *const one[] = {&anna};
	struct sharedtime t;

	begin(14);
	comes(&anna, "anna", 12345 * MS);
	link_all(one, 1, &(struct gestlink){.loss = 10, .delay_us = 4 * MS, .jitter_us = 2 * MS});
	gestnet_run(net, 20000);
	g_assert_cmpint(sharedclock_at(gestend_clock(anna.g), &t, gestnet_now_us(net) + anna.ahead_us), ==, 0);
	g_assert_cmpint(ABS((int64_t)(t.server_us - gestnet_now_us(net))), <=, t.accuracy_us);
	g_assert_cmpuint(t.accuracy_us, <=, 8 * MS);
	goes(&anna);
	ends();
}

static unsigned count(const struct end *e, uint8_t status)
{
	unsigned n = 0;

	for (unsigned i = 0; i < e->n_played; i++)
		n += e->played[i].data[0] == status;
	return n;
}

/* The room's beat comes out as 24 clocks each, as much later as the click is heard. */
static void test_beat(void)
{
	struct end *const one[] = {&anna};
	struct beat b, stop;
	unsigned k = 0;

	begin(15);
	anna.align = true;
	anna.delay_us = 15 * MS;
	comes(&anna, "anna", 5 * S);
	link_all(one, 1, &(struct gestlink){.delay_us = 3 * MS, .jitter_us = 4 * MS});
	gestnet_run(net, 30000);
	beat_init(&b);
	beat_start(&b, mixer_us_smp(gestnet_now_us(net) + 100 * MS));
	g_assert_cmpint(ensemble_set_beat(band, &b), ==, 0);
	gestnet_run(net, 10100);
	g_assert_cmpuint(count(&anna, 0xfa), ==, 1);
	for (unsigned i = 0; i < anna.n_played; i++) {
		const uint64_t want = mixer_smp_us(b.now.at_smp) + anna.delay_us + (uint64_t)k * 500 * MS / 24;
		const int64_t off = (int64_t)(anna.played[i].at_us - anna.ahead_us - want);

		if (anna.played[i].data[0] != 0xf8)
			continue;
		if (ABS(off) > 2 * MS)
			g_error("clock %u is off by %d us", k, (int)off);
		k++;
	}
	g_assert_cmpuint(k, >=, 20 * 24);
	g_assert_cmpuint(k, <=, 20 * 24 + 2);
	stop = b;
	beat_stop(&stop, mixer_us_smp(gestnet_now_us(net)));
	g_assert_cmpint(ensemble_set_beat(band, &stop), ==, 0);
	gestnet_run(net, 4000);                           /* nobody says /tutti/transport here: no news of the beat is enough */
	g_assert_cmpuint(count(&anna, 0xfc), ==, 1);
	goes(&anna);
	ends();
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (unsigned loss = 0; loss <= 30; loss += 15) {
		char *name = g_strdup_printf("/gestend/state/%u", loss);

		g_test_add_data_func(name, GUINT_TO_POINTER(loss), test_state);
		g_free(name);
	}
	g_test_add_func("/gestend/program", test_program);
	g_test_add_func("/gestend/again", test_again);
	g_test_add_data_func("/gestend/notes/0", GUINT_TO_POINTER(0), test_notes);
	g_test_add_data_func("/gestend/notes/30", GUINT_TO_POINTER(30), test_notes);
	g_test_add_func("/gestend/shared-note", test_shared_note);
	g_test_add_func("/gestend/aligned", test_aligned);
	g_test_add_func("/gestend/late", test_late);
	g_test_add_func("/gestend/flood", test_flood);
	g_test_add_func("/gestend/slow-end", test_slow_end);
	g_test_add_func("/gestend/clock", test_clock);
	g_test_add_func("/gestend/beat", test_beat);
	return g_test_run();
}
