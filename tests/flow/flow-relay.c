/*
 * flow-relay.c - players of a room and what they hear of each other, through a relay whose clock and network the test turns.
 */
#include <string.h>
#include <glib.h>
#include "osc/gest.h"
#include "tests/lib/gestosc.h"

enum { HEARD = 4096, TEXT = 96 };

/* A party, of plain OSC over UDP or of RTP: it writes down what it gets. */
struct plain {
	struct player *player;
	struct gestend *end;
	struct gestosc *rtp;              /* G2; else UDP */
	struct sa server;
	unsigned n, bundles;
	uint64_t timetag;
	char heard[HEARD][TEXT];          /* "/p/anna/x 1.5" */
};

static struct gestnet *net;
static struct ensemble *room;

static void write_down(char *text, size_t size, const struct osc_msg *msg)
{
	struct osc_args it;
	struct osc_arg a;
	size_t n = (size_t)g_snprintf(text, (gulong)size, "%s", msg->addr);

	osc_args_init(&it, msg);
	while (n < size && osc_arg_next(&it, &a)) {
		switch (a.tag) {

		case 'i': n += (size_t)g_snprintf(text + n, (gulong)(size - n), " %d", a.v.i); break;
		case 'f': n += (size_t)g_snprintf(text + n, (gulong)(size - n), " %g", (double)a.v.f); break;
		case 's': n += (size_t)g_snprintf(text + n, (gulong)(size - n), " %s", a.v.s); break;
		default:  n += (size_t)g_snprintf(text + n, (gulong)(size - n), " %c", a.tag); break;
		}
	}
}

static void plain_recv(struct gestend *end, const struct sa *from, const uint8_t *buf, size_t len, uint64_t now_us, void *arg)
{
	struct plain *p = arg;
	struct osc_iter it;
	struct osc_msg msg;

	(void)end, (void)from, (void)now_us;
	g_assert_cmpint(osc_check(buf, len, OSC_MAX_DGRAM), ==, 0);
	p->bundles += osc_is_bundle(buf, len);
	osc_iter_init(&it, buf, len);
	while (osc_next(&it, &msg)) {
		p->timetag = it.timetag;
		if (p->n < HEARD)
			write_down(p->heard[p->n++], TEXT, &msg);
	}
}

static unsigned times(const struct plain *p, const char *text)
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->n; i++)
		n += !strcmp(p->heard[i], text);
	return n;
}

static void send_bytes(struct plain *p, const uint8_t *buf, size_t len)
{
	if (p->rtp)
		gestosc_play(p->rtp, buf, len);
	else
		gestnet_send(p->end, &p->server, buf, len);
}

static size_t compose(uint8_t *buf, size_t size, const char *addr, const char *tags, va_list ap)
{
	struct osc_arg a[8] = {0};
	struct osc_writer w;
	size_t n = strlen(tags), len = 0;

	for (size_t i = 0; i < n; i++) {
		a[i].tag = tags[i];
		if (tags[i] == 'i')
			a[i].v.i = va_arg(ap, int);
		else if (tags[i] == 'f')
			a[i].v.f = (float)va_arg(ap, double);
		else if (tags[i] == 's')
			a[i].v.s = va_arg(ap, const char *);
	}
	osc_w_init(&w, buf, size);
	osc_w_msg(&w, addr, a, n);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	return len;
}

static void play(struct plain *p, const char *addr, const char *tags, ...)
{
	uint8_t buf[1024];
	size_t len;
	va_list ap;

	va_start(ap, tags);
	len = compose(buf, sizeof(buf), addr, tags, ap);
	va_end(ap);
	send_bytes(p, buf, len);
}

static void udp_line(struct gestline *l, const struct plain *p)
{
	gestline_init(l, GESTLINE_UDP);
	l->dir = LEG_DIR_BOTH;
	l->peer = *gestnet_addr(p->end);
	l->takes.refresh_ms = 0;
}

static void joins(struct plain *p, const char *name, const char *identity)
{
	struct player_conf c = {.member = 0};

	memset(p, 0, sizeof(*p));
	g_strlcpy(c.wish, name, sizeof(c.wish));
	g_strlcpy(c.identity, identity, sizeof(c.identity));
	g_assert_cmpint(player_alloc(&p->player, gestnet_relay(net), room, &c), ==, 0);
}

static void takes_line(struct plain *p, const struct gestline *l)
{
	struct sa local;

	sa_set_str(&local, "192.0.2.10", 0);
	g_assert_cmpint(player_port(p->player, l->kind, &local, &p->server), ==, 0);
	g_assert_cmpint(player_set_line(p->player, l), ==, 0);
}

static void joins_udp(struct plain *p, const char *name)
{
	struct gestline l;

	joins(p, name, name);
	g_assert_cmpint(gestnet_end_add(&p->end, net, plain_recv, NULL, p), ==, 0);
	udp_line(&l, p);
	takes_line(p, &l);
	gestnet_run(net, 2);
}

static void rtp_recv(struct gestosc *g, uint32_t ssrc, const char *name, const struct oscrecv_note *note, void *arg)
{
	struct plain *p = arg;

	(void)g, (void)ssrc, (void)name;
	if (p->n < HEARD)
		write_down(p->heard[p->n++], TEXT, note->msg);
}

static void rtp_line(struct gestline *l)
{
	gestline_init(l, GESTLINE_OSC);
	l->dir = LEG_DIR_BOTH;
	l->pt = 98;
	l->rate = 48000;
	l->pli = true;
	l->takes.deep = true;
	g_strlcpy(l->takes.types, "ifsbTFNIt", sizeof(l->takes.types));
}

static void joins_as(struct plain *p, const char *name, struct gestline *l)
{
	joins(p, name, name);
	g_assert_cmpint(gestosc_alloc(&p->rtp, net, p->player, l, rtp_recv, p), ==, 0);
	gestnet_run(net, 20);
}

static void joins_rtp(struct plain *p, const char *name)
{
	struct gestline l;

	rtp_line(&l);
	joins_as(p, name, &l);
}

/* A new description of its line, at the same address. */
static void reoffers(struct plain *p, struct gestline *l)
{
	l->peer = *gestnet_addr(gestosc_end(p->rtp));
	g_assert_cmpint(player_set_line(p->player, l), ==, 0);
	gestnet_run(net, 20);
}

static bool knows(struct plain *p, const char *text)
{
	char addr[TEXT], now[TEXT];
	struct osc_msg msg;

	g_strlcpy(addr, text, sizeof(addr));
	*strchrnul(addr, ' ') = '\0';
	if (!gestosc_key(p->rtp, addr, &msg))
		return false;
	write_down(now, sizeof(now), &msg);
	return !strcmp(now, text);
}

/* Its first datagram, which opens its line. */
static void opens(struct plain *p)
{
	play(p, "/_gest/ping", "i", 7);
	gestnet_run(net, 5);
}

static void leaves(struct plain *p)
{
	p->player = mem_deref(p->player);
	gestnet_run(net, 5);
	p->end = mem_deref(p->end);
	p->rtp = mem_deref(p->rtp);
}

static void begin(void)
{
	g_assert_cmpint(gestnet_alloc(&net, NULL, 1), ==, 0);
	g_assert_cmpint(ensemble_get(&room, gestnet_relay(net), "jam"), ==, 0);
}

static void ends(void)
{
	struct relay_stats s;

	gestnet_run(net, 5);
	relay_stats(gestnet_relay(net), &s);
	g_assert_cmpuint(s.players, ==, 0);
	room = mem_deref(room);
	gestnet_run(net, 5);
	g_assert_cmpuint(gestnet_astray(net), ==, 0);
	net = mem_deref(net);
}

static void test_two_hear_each_other(void)
{
	struct plain anna, bob;

	begin();
	joins_udp(&anna, "anna");
	joins_udp(&bob, "bob");
	opens(&anna);
	opens(&bob);
	g_assert_cmpuint(times(&anna, "/_gest/join bob"), ==, 1);
	g_assert_cmpuint(times(&bob, "/_gest/join anna"), ==, 1);

	play(&anna, "/synth/gain", "f", 0.5);
	play(&bob, "/pad/hit", "i", 3);
	gestnet_run(net, 5);
	g_assert_cmpuint(times(&bob, "/p/anna/synth/gain 0.5"), ==, 1);
	g_assert_cmpuint(times(&anna, "/p/bob/pad/hit 3"), ==, 1);
	g_assert_cmpuint(times(&anna, "/p/anna/synth/gain 0.5"), ==, 0);

	leaves(&bob);
	g_assert_cmpuint(times(&anna, "/_gest/leave bob"), ==, 1);
	leaves(&anna);
	ends();
}

static void test_nothing_before_a_datagram(void)
{
	struct plain anna, bob;

	begin();
	joins_udp(&anna, "anna");
	joins_udp(&bob, "bob");
	opens(&anna);
	play(&anna, "/x", "i", 1);
	gestnet_run(net, 2000);
	g_assert_cmpuint(gestnet_packets(bob.end), ==, 0);
	leaves(&anna);
	leaves(&bob);
	ends();
}

static void test_late_joiner(void)
{
	struct plain anna, bob;

	begin();
	joins_udp(&anna, "anna");
	play(&anna, "/x", "i", 1);
	play(&anna, "/y", "f", 2.5);
	play(&anna, "/x", "i", 3);
	play(&anna, "/key", "I");
	play(&anna, "/z", "i", 3);
	play(&anna, "/z", "N");
	gestnet_run(net, 5);
	joins_udp(&bob, "bob");
	opens(&bob);
	gestnet_run(net, 20);
	g_assert_cmpuint(times(&bob, "/_gest/snapshot/begin anna 2"), ==, 1);
	g_assert_cmpuint(times(&bob, "/p/anna/x 3"), ==, 1);
	g_assert_cmpuint(times(&bob, "/p/anna/x 1"), ==, 0);
	g_assert_cmpuint(times(&bob, "/p/anna/y 2.5"), ==, 1);
	g_assert_cmpuint(times(&bob, "/_gest/snapshot/end anna"), ==, 1);
	g_assert_cmpuint(bob.n, ==, 6);           /* join and pong too */
	gestnet_run(net, 600);
	g_assert_cmpuint(times(&bob, "/p/anna/x 3"), ==, 2);      /* "sent twice, 500 ms apart" */
	gestnet_run(net, 600);
	g_assert_cmpuint(times(&bob, "/p/anna/x 3"), ==, 2);
	leaves(&anna);
	leaves(&bob);
	ends();
}

static void test_rtp_two(void)
{
	struct plain anna, bob;
	struct relay_stats s;

	begin();
	joins_rtp(&anna, "anna");
	joins_rtp(&bob, "bob");
	gestnet_run(net, 20);
	g_assert_cmpuint(times(&anna, "/_gest/join bob"), ==, 1);
	g_assert_cmpuint(times(&bob, "/_gest/join anna"), ==, 1);
	play(&anna, "/synth/gain", "f", 0.5);
	play(&bob, "/key", "I");
	gestnet_run(net, 20);
	g_assert_cmpuint(times(&bob, "/p/anna/synth/gain 0.5"), ==, 1);
	g_assert_cmpuint(times(&anna, "/p/bob/key I"), ==, 1);
	g_assert_true(knows(&bob, "/p/anna/synth/gain 0.5"));
	gestnet_run(net, 3000);
	leaves(&bob);
	g_assert_cmpuint(times(&anna, "/_gest/leave bob"), ==, 1);
	relay_stats(gestnet_relay(net), &s);
	g_assert_cmpuint(s.malformed + s.stranger + s.loops, ==, 0);
	leaves(&anna);
	ends();
}

static void test_rtp_late_joiner(void)
{
	struct plain anna, bob, eva;

	begin();
	joins_rtp(&anna, "anna");
	play(&anna, "/x", "i", 1);
	play(&anna, "/y", "i", 2);
	play(&anna, "/x", "N");
	play(&anna, "/midi/1/note/60", "i", 90);
	gestnet_run(net, 50);
	joins_rtp(&bob, "bob");
	gestnet_run(net, 50);
	g_assert_true(knows(&bob, "/p/anna/y 2"));
	g_assert_false(knows(&bob, "/p/anna/x 1"));
	g_assert_cmpuint(times(&bob, "/p/anna/y 2"), ==, 1);
	g_assert_cmpuint(times(&bob, "/p/anna/midi/1/note/60 90"), ==, 0);        /* none is struck late */
	play(&bob, "/b", "i", 4);
	gestnet_run(net, 3000);
	joins_udp(&eva, "eva");
	opens(&eva);
	gestnet_run(net, 50);
	g_assert_cmpuint(times(&eva, "/p/anna/y 2"), ==, 1);
	g_assert_cmpuint(times(&eva, "/p/bob/b 4"), ==, 1);
	g_assert_cmpuint(times(&eva, "/p/anna/midi/1/note/60 90"), ==, 0);
	leaves(&anna);
	gestnet_run(net, 3000);
	g_assert_false(knows(&bob, "/p/anna/y 2"));       /* "its keys are void" */
	leaves(&bob);
	leaves(&eva);
	ends();
}

/* A stream for each, in the source view; with more than it takes, the last come merged. */
static void test_rtp_sources(void)
{
	struct plain anna, bob, eva;
	struct gestline l;

	begin();
	joins_udp(&bob, "bob");
	opens(&bob);
	play(&bob, "/x", "i", 1);
	gestnet_run(net, 10);
	rtp_line(&l);
	l.view = VIEW_SOURCE;
	l.sources = 8;
	joins_as(&anna, "anna", &l);
	joins_rtp(&eva, "eva");
	play(&eva, "/y", "i", 2);
	play(&bob, "/x", "i", 3);
	gestnet_run(net, 1500);
	g_assert_true(knows(&anna, "/x 3"));
	g_assert_true(knows(&anna, "/y 2"));
	g_assert_cmpuint(times(&anna, "/x 1"), ==, 1);
	g_assert_cmpuint(gestosc_sources(anna.rtp), ==, 3);
	leaves(&eva);
	gestnet_run(net, 100);
	g_assert_cmpuint(gestosc_sources(anna.rtp), ==, 2);
	leaves(&anna);
	leaves(&bob);
	ends();
}

/* The streams a party takes are for those who came first; who waited gets one when it is free. */
static void test_rtp_promoted(void)
{
	struct plain anna, bob, eva;
	struct gestline l;

	begin();
	rtp_line(&l);
	l.view = VIEW_SOURCE;
	l.sources = 2;
	joins_as(&anna, "anna", &l);
	joins_rtp(&bob, "bob");
	joins_rtp(&eva, "eva");
	play(&bob, "/x", "i", 1);
	play(&eva, "/y", "i", 2);
	gestnet_run(net, 1500);
	g_assert_true(knows(&anna, "/x 1"));
	g_assert_false(knows(&anna, "/y 2"));     /* "in `source` view not at all" */
	leaves(&bob);
	gestnet_run(net, 1500);
	g_assert_true(knows(&anna, "/y 2"));
	play(&eva, "/y", "i", 3);
	gestnet_run(net, 100);
	g_assert_true(knows(&anna, "/y 3"));
	leaves(&anna);
	leaves(&eva);
	ends();
}

static void test_refresh_asked(void)
{
	struct plain anna, bob;

	begin();
	joins_udp(&anna, "anna");
	opens(&anna);
	joins_udp(&bob, "bob");
	opens(&bob);
	play(&anna, "/x", "i", 1);
	gestnet_run(net, 1000);
	bob.n = 0;
	for (int i = 0; i < 1000; i++) {
		play(&bob, "/_gest/refresh", "");
		gestnet_run(net, 1);
	}
	g_assert_cmpuint(times(&bob, "/p/anna/x 1"), >=, 2);
	g_assert_cmpuint(bob.n, <=, 9);
	leaves(&anna);
	leaves(&bob);
	ends();
}

/* Links that lose, double and reorder, on both sides: after a quiet time everybody knows what everybody has said. */
static void test_rtp_loss(void)
{
	static const struct gestlink bad = {.loss = 25, .twice = 10, .delay_us = 5000, .jitter_us = 30000};
	struct plain anna, bob, eva;
	char text[TEXT];

	begin();
	joins_rtp(&anna, "anna");
	joins_rtp(&bob, "bob");
	joins_rtp(&eva, "eva");
	gestnet_link(gestosc_end(anna.rtp), &bad);
	gestnet_link(gestosc_end(bob.rtp), &bad);
	for (int i = 0; i < 600; i++) {
		play(&anna, "/a/gain", "i", i);
		play(&bob, i % 2 ? "/b/x" : "/b/y", "i", i);
		if (i % 7 == 0)
			play(&eva, i % 3 ? "/e/x" : "/e/y", "i", i);
		gestnet_run(net, 5);
	}
	gestnet_run(net, 4000);
	for (int i = 0; i < 600; i += 599) {
		g_snprintf(text, sizeof(text), "/p/anna/a/gain %d", 599);
		g_assert_true(knows(&bob, text));
		g_assert_true(knows(&eva, text));
	}
	g_assert_true(knows(&anna, "/p/bob/b/x 599"));
	g_assert_true(knows(&eva, "/p/bob/b/y 598"));
	g_assert_true(knows(&anna, "/p/eva/e/x 595"));
	g_assert_true(knows(&bob, "/p/eva/e/y 588"));
	leaves(&anna);
	leaves(&bob);
	leaves(&eva);
	ends();
}

/* "`a=inactive` or hold pauses delivery; on resume a snapshot is sent." */
static void test_rtp_hold(void)
{
	struct plain anna, bob;
	struct gestline l;

	begin();
	joins_rtp(&anna, "anna");
	joins_rtp(&bob, "bob");
	play(&anna, "/x", "i", 1);
	play(&anna, "/y", "i", 1);
	gestnet_run(net, 1500);
	rtp_line(&l);
	l.dir = LEG_DIR_RECV;
	reoffers(&bob, &l);
	bob.n = 0;
	play(&anna, "/x", "i", 2);
	play(&anna, "/y", "N");
	play(&anna, "/hit", "I");
	gestnet_run(net, 3000);
	g_assert_cmpuint(bob.n, ==, 0);
	play(&bob, "/from/bob", "i", 1);
	gestnet_run(net, 20);
	g_assert_cmpuint(times(&anna, "/p/bob/from/bob 1"), ==, 1);
	l.dir = LEG_DIR_BOTH;
	reoffers(&bob, &l);
	gestnet_run(net, 1500);
	g_assert_true(knows(&bob, "/p/anna/x 2"));
	g_assert_false(knows(&bob, "/p/anna/y 1"));
	g_assert_cmpuint(times(&bob, "/p/anna/hit I"), ==, 0);
	leaves(&anna);
	leaves(&bob);
	ends();
}

/* A refresh of the session changes nothing: "no new SSRC, no snapshot". */
static void test_rtp_again(void)
{
	struct plain anna, bob;
	struct gestline l;
	struct gestosc_stats s;

	begin();
	joins_rtp(&anna, "anna");
	joins_rtp(&bob, "bob");
	play(&anna, "/x", "i", 1);
	gestnet_run(net, 1500);
	rtp_line(&l);
	bob.n = 0;
	for (int i = 0; i < 3; i++)
		reoffers(&bob, &l);
	gestnet_run(net, 1500);
	g_assert_cmpuint(bob.n, ==, 0);
	g_assert_cmpuint(gestosc_sources(bob.rtp), ==, 1);
	play(&anna, "/x", "i", 2);
	gestnet_run(net, 50);
	g_assert_true(knows(&bob, "/p/anna/x 2"));
	gestosc_stats(bob.rtp, &s);
	g_assert_cmpuint(s.lost, ==, 0);
	g_assert_cmpuint(s.byes, ==, 0);
	leaves(&anna);
	leaves(&bob);
	ends();
}

static void test_to_one(void)
{
	struct plain anna, bob, eva;

	begin();
	joins_rtp(&anna, "anna");
	joins_rtp(&bob, "bob");
	joins_udp(&eva, "eva");
	opens(&eva);
	play(&anna, "/to/bob/cue", "i", 5);
	play(&anna, "/to/nobody/cue", "i", 5);
	gestnet_run(net, 100);
	g_assert_cmpuint(times(&bob, "/p/anna/cue 5"), ==, 1);
	gestosc_pli(bob.rtp);
	gestnet_run(net, 200);
	g_assert_false(knows(&bob, "/p/anna/cue 5"));     /* "It is an event even if `/<rest>` would be state": no snapshot has it */
	g_assert_cmpuint(times(&eva, "/p/anna/cue 5"), ==, 0);
	g_assert_cmpuint(times(&anna, "/_gest/error 8 /to/nobody/cue nobody of that name"), ==, 1);
	gestnet_run(net, 1000);
	play(&anna, "/to/bob/to/eva/x", "i", 5);
	play(&anna, "/to/bob", "i", 5);
	gestnet_run(net, 100);
	g_assert_cmpuint(bob.n, ==, 4);                   /* two joins, and the key that is void */
	leaves(&anna);
	leaves(&bob);
	leaves(&eva);
	ends();
}

/* A bundle stays one, and its time tag, of a clock nobody else knows, becomes "immediately". */
static void test_bundle(void)
{
	struct plain anna, bob;
	struct osc_arg one = {.tag = 'i', .v.i = 1};
	struct osc_writer w;
	uint8_t buf[256];
	size_t len;

	begin();
	joins_udp(&anna, "anna");
	joins_rtp(&bob, "bob");
	osc_w_init(&w, buf, sizeof(buf));
	osc_w_bundle(&w, 0x123456789);
	osc_w_msg(&w, "/x", &one, 1);
	osc_w_msg(&w, "/y", &one, 1);
	osc_w_bundle_end(&w);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	opens(&anna);
	anna.n = 0;
	gestosc_play(bob.rtp, buf, len);
	gestnet_run(net, 20);
	g_assert_cmpuint(anna.n, ==, 2);
	g_assert_cmpuint(anna.bundles, ==, 1);
	g_assert_cmphex(anna.timetag, ==, OSC_NOW);
	leaves(&anna);
	leaves(&bob);
	ends();
}

static void test_errors(void)
{
	static const uint8_t junk[] = "/a\0\0;bc\0";
	struct plain anna, bob;
	struct gestline l;
	struct relay_stats s;

	begin();
	joins_rtp(&anna, "anna");
	rtp_line(&l);
	l.takes.max = 64;
	g_strlcpy(l.takes.types, "if", sizeof(l.takes.types));
	joins_as(&bob, "bob", &l);
	anna.n = 0;
	play(&anna, "/p/bob/x", "i", 1);
	play(&anna, "/name", "s", "anna");
	play(&anna, "/a/rather/long/address/that/goes/on/and/on/for/more/than/fits", "i", 1);
	play(&anna, "/_gest/join", "s", "x");             /* server-only: ignored */
	play(&anna, "/x", "i", 2);
	gestnet_send(gestosc_end(anna.rtp), gestnet_addr(gestosc_end(anna.rtp)), junk, sizeof(junk));
	gestnet_run(net, 100);
	g_assert_cmpuint(times(&anna, "/_gest/error 4 /p/bob/x reserved address"), ==, 1);
	g_assert_cmpuint(times(&anna, "/_gest/error 3 /name a type that a receiver does not take"), ==, 1);
	g_assert_cmpuint(times(&anna, "/_gest/error 2 /a/rather/long/address/that/goes/on/and/on/for/more/than/fits too big for a receiver"),
			 <=, 1);
	g_assert_true(knows(&bob, "/p/anna/x 2"));
	relay_stats(gestnet_relay(net), &s);
	g_assert_cmpuint(s.type_dropped, ==, 1);
	g_assert_cmpuint(s.too_big, ==, 1);
	for (int i = 0; i < 50; i++)
		play(&anna, "/p/bob/x", "i", 1);
	gestnet_run(net, 100);
	g_assert_cmpuint(times(&anna, "/_gest/error 4 /p/bob/x reserved address"), ==, 1);        /* once a second */
	leaves(&anna);
	leaves(&bob);
	ends();
}

/* Over the rate: the latest value of each key, and events are dropped. */
static void test_rate(void)
{
	struct plain anna, bob;
	struct gestline l;
	struct relay_stats s;

	begin();
	joins_rtp(&anna, "anna");
	rtp_line(&l);
	l.takes.rate = 50;
	joins_as(&bob, "bob", &l);
	gestnet_run(net, 1000);
	for (int i = 0; i < 500; i++) {
		play(&anna, i % 2 ? "/x" : "/y", "i", i);
		if (i % 10 == 0)
			play(&anna, "/hit", "I");
		gestnet_run(net, 1);
	}
	gestnet_run(net, 1000);
	g_assert_true(knows(&bob, "/p/anna/x 499"));
	g_assert_true(knows(&bob, "/p/anna/y 498"));
	g_assert_cmpuint(bob.n, <=, 16 + 50 * 3 / 2 + 10);
	g_assert_cmpuint(times(&anna, "/_gest/error 6 /hit too many messages a second"), ==, 1);
	relay_stats(gestnet_relay(net), &s);
	g_assert_cmpuint(s.coalesced, >, 300);
	g_assert_cmpuint(s.rate_dropped, >, 10);
	leaves(&anna);
	leaves(&bob);
	ends();
}

/* A flood from one does not cost another: the uplink has a rate too. */
static void test_flood(void)
{
	struct plain anna, bob, eva;

	begin();
	joins_rtp(&eva, "eva");
	joins_udp(&anna, "anna");
	joins_rtp(&bob, "bob");
	for (int i = 0; i < 1000; i++) {
		for (int k = 0; k < 20; k++)
			play(&anna, "/hit", "ii", i, k);
		play(&eva, "/gain", "i", i);
		gestnet_run(net, 1);
	}
	gestnet_run(net, 2000);
	g_assert_true(knows(&bob, "/p/eva/gain 999"));
	g_assert_true(knows(&bob, "/p/anna/hit 999 19"));
	g_assert_cmpuint(bob.n, <, 5500);
	leaves(&anna);
	leaves(&bob);
	leaves(&eva);
	ends();
}

static struct gestspace *space(const char *attr, const char *value)
{
	struct gestspace *s;

	g_assert_cmpint(gestspace_alloc(&s), ==, 0);
	g_assert_cmpint(gestspace_attr(s, attr, strlen(attr), value, strlen(value)), ==, 0);
	return s;
}

/* Section 8.4: who has nothing to say to another is not heard by it. */
static void test_meets(void)
{
	struct plain anna, bob;
	struct gestline l;

	begin();
	rtp_line(&l);
	l.space = space("osc-schema", "send urn:a");
	joins_as(&anna, "anna", &l);
	mem_deref(l.space);
	l.space = space("osc-schema", "recv urn:b");
	joins_as(&bob, "bob", &l);
	play(&anna, "/x", "i", 1);
	play(&bob, "/y", "i", 1);
	gestnet_run(net, 1200);
	g_assert_cmpuint(bob.n, ==, 0);
	g_assert_true(knows(&anna, "/p/bob/y 1"));
	mem_deref(l.space);
	l.space = space("osc-schema", "recv urn:a");
	reoffers(&bob, &l);
	gestnet_run(net, 1200);
	g_assert_true(knows(&bob, "/p/anna/x 1"));
	mem_deref(l.space);
	leaves(&anna);
	leaves(&bob);
	ends();
}

static void test_flat_owners(void)
{
	struct plain anna, bob;
	struct gestspace *s = space("osc-own", "/lights/*");
	struct gestline l;

	begin();
	rtp_line(&l);
	l.view = VIEW_FLAT;
	joins_as(&anna, "anna", &l);
	joins_as(&bob, "bob", &l);
	play(&anna, "/lights/1", "i", 1);
	play(&bob, "/lights/1", "i", 2);
	gestnet_run(net, 50);
	g_assert_true(knows(&anna, "/lights/1 2"));
	g_assert_cmphex(player_claims(anna.player, s), ==, 1);
	g_assert_cmphex(player_claims(bob.player, s), ==, 0);
	gestnet_run(net, 50);
	g_assert_cmpuint(times(&bob, "/_gest/owner /lights/* anna"), ==, 1);
	play(&bob, "/lights/1", "i", 3);
	play(&bob, "/lights/?", "i", 3);
	play(&anna, "/lights/1", "i", 4);
	gestnet_run(net, 50);
	g_assert_cmpuint(times(&anna, "/lights/1 3"), ==, 0);
	g_assert_cmpuint(times(&anna, "/lights/? 3"), ==, 0);
	g_assert_true(knows(&bob, "/lights/1 4"));
	g_assert_cmpuint(times(&bob, "/_gest/error 5 /lights/1 another owns this address"), ==, 1);
	leaves(&anna);
	gestnet_run(net, 50);
	g_assert_cmpuint(times(&bob, "/_gest/owner /lights/* "), ==, 1);
	mem_deref(s);
	leaves(&bob);
	ends();
}

static void test_names(void)
{
	struct plain p[5];

	begin();
	joins_udp(&p[0], "anna");
	joins(&p[1], "anna", "sip:x@b");
	g_assert_cmpstr(player_name(p[1].player), ==, "anna-2");
	joins(&p[2], "", "sip:_b b%@host");
	g_assert_cmpstr(player_name(p[2].player), ==, "-b-b-");
	joins(&p[3], "bad name", "sip:carl@host;x=y");
	g_assert_cmpstr(player_name(p[3].player), ==, "carl");
	leaves(&p[0]);
	joins(&p[4], "anna", "sip:other@host");
	g_assert_cmpstr(player_name(p[4].player), ==, "anna-3");      /* it was somebody's */
	joins_udp(&p[0], "anna");
	g_assert_cmpstr(player_name(p[0].player), ==, "anna");        /* who is back */
	for (int i = 0; i < 5; i++)
		p[i].player = mem_deref(p[i].player);
	p[0].end = mem_deref(p[0].end);
	ends();
}

static void test_rejoin_and_move(void)
{
	struct plain anna, bob;
	struct ensemble *other;

	begin();
	joins_rtp(&anna, "anna");
	joins_rtp(&bob, "bob");
	play(&anna, "/x", "i", 1);
	play(&anna, "/midi/1/note/60", "i", 99);
	gestnet_run(net, 1200);
	leaves(&anna);
	gestnet_run(net, 1200);
	g_assert_false(knows(&bob, "/p/anna/x 1"));
	joins_rtp(&anna, "anna");
	gestnet_run(net, 1200);
	g_assert_true(knows(&bob, "/p/anna/x 1"));        /* "so that a quick reconnect under the same identity can resume" */
	g_assert_false(knows(&bob, "/p/anna/midi/1/note/60 99"));

	g_assert_cmpint(ensemble_get(&other, gestnet_relay(net), "other"), ==, 0);
	g_assert_cmpint(player_move(anna.player, other), ==, 0);
	mem_deref(other);
	gestnet_run(net, 1200);
	g_assert_false(knows(&bob, "/p/anna/x 1"));
	bob.n = 0;
	play(&anna, "/x", "i", 2);
	gestnet_run(net, 100);
	g_assert_cmpuint(bob.n, ==, 0);
	g_assert_cmpint(player_move(anna.player, room), ==, 0);
	gestnet_run(net, 5);
	play(&anna, "/x", "i", 3);
	gestnet_run(net, 1200);
	g_assert_true(knows(&bob, "/p/anna/x 3"));
	leaves(&anna);
	leaves(&bob);
	ends();
}

/* "RTP time-out of 60 s": it leaves, and comes back with its next packet. */
static void test_silence(void)
{
	struct plain anna, bob;

	begin();
	joins_rtp(&anna, "anna");
	joins_rtp(&bob, "bob");
	play(&anna, "/x", "i", 1);
	gestnet_run(net, 1200);
	gestosc_mute(anna.rtp, true);
	gestnet_run(net, 58000);
	g_assert_cmpuint(times(&bob, "/_gest/leave anna"), ==, 0);
	gestnet_run(net, 5000);
	g_assert_cmpuint(times(&bob, "/_gest/leave anna"), ==, 1);
	g_assert_false(knows(&bob, "/p/anna/x 1"));
	gestosc_mute(anna.rtp, false);
	gestnet_run(net, 3000);
	g_assert_true(knows(&bob, "/p/anna/x 1"));
	leaves(&anna);
	leaves(&bob);
	ends();
}

/* Two have chosen one number: the server takes another. What comes back from a loop is not taken. */
static void test_collision(void)
{
	struct plain anna, bob;
	struct relay_stats s;
	struct gestosc_stats g;

	begin();
	joins_rtp(&anna, "anna");
	joins_rtp(&bob, "bob");
	play(&bob, "/y", "i", 1);
	gestnet_run(net, 1200);
	gestosc_set_ssrc(anna.rtp, gestosc_ssrc(anna.rtp, 0));
	play(&anna, "/x", "i", 1);
	gestnet_run(net, 3000);
	play(&bob, "/y", "i", 2);
	gestnet_run(net, 3000);
	gestosc_stats(anna.rtp, &g);
	g_assert_cmpuint(g.byes, ==, 1);
	g_assert_cmpuint(gestosc_sources(anna.rtp), ==, 1);
	g_assert_true(knows(&anna, "/p/bob/y 2"));
	g_assert_true(knows(&bob, "/p/anna/x 1"));
	relay_stats(gestnet_relay(net), &s);
	g_assert_cmpuint(s.loops, >, 0);
	leaves(&anna);
	leaves(&bob);
	ends();
}

/* "one whose SSRC and CNAME are those of another leg's source": what anna says comes in at eva's line once more. */
static void test_loop(void)
{
	struct plain anna, eva, bob;
	struct relay_stats s;

	begin();
	joins_rtp(&anna, "anna");
	joins_rtp(&eva, "eva");
	joins_udp(&bob, "bob");
	opens(&bob);
	gestosc_set_ssrc(anna.rtp, 0x1234);
	play(&anna, "/x", "i", 1);
	gestnet_run(net, 2000);
	gestosc_set_ssrc(eva.rtp, 0x1234);
	play(&eva, "/x", "i", 1);
	gestnet_run(net, 2000);
	bob.n = 0;
	play(&anna, "/x", "i", 2);
	play(&eva, "/x", "i", 2);
	gestnet_run(net, 100);
	g_assert_cmpuint(times(&bob, "/p/anna/x 2"), ==, 1);
	g_assert_cmpuint(times(&bob, "/p/eva/x 2"), ==, 0);
	relay_stats(gestnet_relay(net), &s);
	g_assert_cmpuint(s.loops, >, 0);
	gestosc_set_ssrc(eva.rtp, 0x1235);                /* it was none */
	play(&eva, "/x", "i", 3);
	gestnet_run(net, 2000);
	g_assert_cmpuint(times(&bob, "/p/eva/x 3"), ==, 1);
	leaves(&anna);
	leaves(&eva);
	leaves(&bob);
	ends();
}

/* Another address, another type, a listener that plays: counted, never heard. */
static void test_strangers(void)
{
	static const uint8_t hit[] = "/hit\0\0\0\0,I\0\0";
	struct plain anna, bob;
	struct relay_stats s;
	struct gestline l;
	struct sa from;

	begin();
	joins_udp(&anna, "anna");
	opens(&anna);
	joins_rtp(&bob, "bob");
	from = *gestnet_addr(anna.end);
	sa_set_port(&from, 9);
	gestnet_send_from(anna.end, &from, &anna.server, hit, sizeof(hit) - 1);
	sa_set_str(&from, "192.0.2.99", sa_port(gestnet_addr(anna.end)));
	gestnet_send_from(anna.end, &from, &anna.server, hit, sizeof(hit) - 1);
	gestnet_run(net, 50);
	g_assert_cmpuint(times(&bob, "/p/anna/hit I"), ==, 0);
	relay_stats(gestnet_relay(net), &s);
	g_assert_cmpuint(s.stranger, ==, 2);

	rtp_line(&l);
	l.dir = LEG_DIR_SEND;
	reoffers(&bob, &l);
	anna.n = 0;
	play(&bob, "/x", "i", 1);
	play(&bob, "/_gest/ping", "i", 3);                /* "may be sent on a recvonly line" */
	gestnet_run(net, 50);
	g_assert_cmpuint(times(&anna, "/p/bob/x 1"), ==, 0);
	relay_stats(gestnet_relay(net), &s);
	g_assert_cmpuint(s.direction, >=, 1);
	leaves(&anna);
	leaves(&bob);
	ends();
}

/* UDP repeats what nothing repairs. */
static void test_refresh(void)
{
	struct plain anna, bob;
	struct gestline l;

	begin();
	joins_udp(&anna, "anna");
	opens(&anna);
	joins_udp(&bob, "bob");
	udp_line(&l, &bob);
	l.takes.refresh_ms = 200;
	takes_line(&bob, &l);
	opens(&bob);
	play(&anna, "/x", "i", 1);
	play(&anna, "/hit", "I");
	play(&anna, "/midi/1/note/60", "i", 99);
	gestnet_run(net, 50);
	bob.n = 0;
	gestnet_run(net, 2000);
	g_assert_cmpuint(times(&bob, "/p/anna/x 1"), >=, 9);
	g_assert_cmpuint(times(&bob, "/p/anna/x 1"), <=, 13);
	g_assert_cmpuint(times(&bob, "/p/anna/hit I"), ==, 0);
	g_assert_cmpuint(times(&bob, "/p/anna/midi/1/note/60 99"), ==, 0);
	leaves(&anna);
	leaves(&bob);
	ends();
}

static void test_pli(void)
{
	struct plain anna, bob;
	struct relay_stats s;

	begin();
	joins_rtp(&anna, "anna");
	joins_rtp(&bob, "bob");
	gestnet_run(net, 1000);
	for (int i = 0; i < 100; i++) {
		gestosc_pli(bob.rtp);
		gestnet_run(net, 10);
	}
	relay_stats(gestnet_relay(net), &s);
	g_assert_cmpuint(s.snapshots, >=, 1);
	g_assert_cmpuint(s.snapshots, <=, 4);     /* no amplifier */
	leaves(&anna);
	leaves(&bob);
	ends();
}

static void keys_of(struct gestline *l, uint8_t seed)
{
	l->srtp_tx = (struct leg_key){.suite = LEG_SRTP_AES128_SHA1_80, .len = 30};
	memset(l->srtp_tx.key, seed, 30);
	l->srtp_rx = l->srtp_tx;
	memset(l->srtp_rx.key, seed + 1, 30);
}

/* SRTP: the first packet whose tag is true says where the party is, a forged one nothing. */
static void test_srtp(void)
{
	static uint8_t forged[64] = {0x80, 98, 0, 1};
	struct plain anna, bob;
	struct gestosc_stats heard;
	struct relay_stats s;
	struct gestline l;
	struct sa server, from;

	begin();
	joins_rtp(&bob, "bob");
	rtp_line(&l);
	keys_of(&l, 7);
	l.sources = 4;
	joins_as(&anna, "anna", &l);
	play(&anna, "/x", "i", 1);
	play(&bob, "/y", "i", 1);
	gestnet_run(net, 3000);
	g_assert_true(knows(&bob, "/p/anna/x 1"));
	g_assert_true(knows(&anna, "/p/bob/y 1"));
	gestosc_stats(anna.rtp, &heard);
	g_assert_cmpuint(heard.reports, >, 2);    /* SRTCP too */

	sa_set_str(&l.peer, "192.0.2.77", 4000);
	g_assert_cmpint(player_set_line(anna.player, &l), ==, 0);
	g_assert_cmpint(player_port(anna.player, GESTLINE_OSC, gestnet_addr(gestosc_end(anna.rtp)), &server), ==, 0);
	sa_set_str(&from, "192.0.2.66", 4000);
	gestnet_run(net, 5);
	gestnet_send_from(gestosc_end(anna.rtp), &from, &server, forged, sizeof(forged));
	gestnet_run(net, 5);
	play(&bob, "/y", "i", 2);
	gestnet_run(net, 5);
	g_assert_false(knows(&anna, "/p/bob/y 2"));
	play(&anna, "/x", "i", 2);
	gestnet_run(net, 2000);
	g_assert_true(knows(&bob, "/p/anna/x 2"));
	g_assert_true(knows(&anna, "/p/bob/y 2"));
	relay_stats(gestnet_relay(net), &s);
	g_assert_cmpuint(s.auth, ==, 1);
	play(&bob, "/y", "i", 3);
	gestnet_send_from(gestosc_end(anna.rtp), &from, &server, forged, sizeof(forged));
	gestnet_run(net, 2000);
	g_assert_true(knows(&anna, "/p/bob/y 3"));
	relay_stats(gestnet_relay(net), &s);
	g_assert_cmpuint(s.stranger, >=, 1);
	leaves(&anna);
	leaves(&bob);
	gestnet_run(net, 50);
	room = mem_deref(room);
	gestnet_run(net, 5);
	net = mem_deref(net);
}

int main(int argc, char **argv)
{
	int err;

	g_test_init(&argc, &argv, NULL);
	libre_init();
	g_test_add_func("/relay/two", test_two_hear_each_other);
	g_test_add_func("/relay/opened", test_nothing_before_a_datagram);
	g_test_add_func("/relay/late", test_late_joiner);
	g_test_add_func("/relay/rtp/two", test_rtp_two);
	g_test_add_func("/relay/rtp/late", test_rtp_late_joiner);
	g_test_add_func("/relay/rtp/sources", test_rtp_sources);
	g_test_add_func("/relay/rtp/promoted", test_rtp_promoted);
	g_test_add_func("/relay/asked", test_refresh_asked);
	g_test_add_func("/relay/rtp/loss", test_rtp_loss);
	g_test_add_func("/relay/rtp/hold", test_rtp_hold);
	g_test_add_func("/relay/rtp/again", test_rtp_again);
	g_test_add_func("/relay/to", test_to_one);
	g_test_add_func("/relay/bundle", test_bundle);
	g_test_add_func("/relay/errors", test_errors);
	g_test_add_func("/relay/rate", test_rate);
	g_test_add_func("/relay/flood", test_flood);
	g_test_add_func("/relay/meets", test_meets);
	g_test_add_func("/relay/flat", test_flat_owners);
	g_test_add_func("/relay/names", test_names);
	g_test_add_func("/relay/again", test_rejoin_and_move);
	g_test_add_func("/relay/silence", test_silence);
	g_test_add_func("/relay/collision", test_collision);
	g_test_add_func("/relay/loop", test_loop);
	g_test_add_func("/relay/strangers", test_strangers);
	g_test_add_func("/relay/srtp", test_srtp);
	g_test_add_func("/relay/refresh", test_refresh);
	g_test_add_func("/relay/pli", test_pli);
	err = g_test_run();
	libre_close();
	return err;
}
