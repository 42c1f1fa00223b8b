/*
 * flow-timetag.c - when to act, said by one player in the time of its own clock and heard by others in the server's.
 */
#include <string.h>
#include <glib.h>
#include "mixer/rtcp.h"
#include "tests/lib/gestosc.h"

enum { HEARD = 256, MS = 1000, S = 1000000 };

#define UNIX UINT64_C(1700000000000000)   /* what the server's wallclock shows when gestnet's clock is 0 */
#define AHEAD (UNIX + 1000 * UINT64_C(1000000))

struct party {
	struct player *player;
	struct gestosc *rtp;              /* or UDP: */
	struct gestend *end;
	struct sa server;
	unsigned n;
	struct { char addr[64]; uint64_t timetag; bool repaired; } heard[HEARD];
};

static struct gestnet *net;
static struct ensemble *room;

static void write_down(struct party *p, const struct osc_msg *msg, uint64_t timetag, bool repaired)
{
	if (p->n == HEARD || !strncmp(msg->addr, "/_gest/", 7))
		return;
	g_strlcpy(p->heard[p->n].addr, msg->addr, sizeof(p->heard[0].addr));
	p->heard[p->n].timetag = timetag;
	p->heard[p->n++].repaired = repaired;
}

static void rtp_recv(struct gestosc *g, uint32_t ssrc, const char *name, const struct oscrecv_note *note, void *arg)
{
	(void)g, (void)ssrc, (void)name;
	write_down(arg, note->msg, note->timetag, note->cause != OSCRECV_LIVE);
}

static void udp_recv(struct gestend *end, const struct sa *from, const uint8_t *buf, size_t len, uint64_t now_us, void *arg)
{
	struct osc_iter it;
	struct osc_msg msg;

	(void)end, (void)from, (void)now_us;
	osc_iter_init(&it, buf, len);
	while (osc_next(&it, &msg))
		write_down(arg, &msg, it.timetag, false);
}

static void joins(struct party *p, const char *name)
{
	struct player_conf c = {.member = 0};

	memset(p, 0, sizeof(*p));
	g_strlcpy(c.wish, name, sizeof(c.wish));
	g_strlcpy(c.identity, name, sizeof(c.identity));
	g_assert_cmpint(player_alloc(&p->player, gestnet_relay(net), room, &c), ==, 0);
}

static void joins_rtp(struct party *p, const char *name, bool exec)
{
	struct gestline l;

	joins(p, name);
	gestline_init(&l, GESTLINE_OSC);
	l.dir  = LEG_DIR_BOTH;
	l.pt   = 98;
	l.rate = 48000;
	l.party_exec = exec;
	g_assert_cmpint(gestosc_alloc(&p->rtp, net, p->player, &l, rtp_recv, p), ==, 0);
	gestosc_set_clock(p->rtp, AHEAD);
	gestnet_run(net, 20);
}

static void joins_udp(struct party *p, const char *name)
{
	static const uint8_t hello[] = "/hello\0\0,\0\0";
	struct gestline l;
	struct sa local;

	joins(p, name);
	g_assert_cmpint(gestnet_end_add(&p->end, net, udp_recv, NULL, p), ==, 0);
	gestline_init(&l, GESTLINE_UDP);
	l.dir  = LEG_DIR_BOTH;
	l.peer = *gestnet_addr(p->end);
	l.takes.refresh_ms = 0;
	sa_set_str(&local, "192.0.2.10", 0);
	g_assert_cmpint(player_port(p->player, l.kind, &local, &p->server), ==, 0);
	g_assert_cmpint(player_set_line(p->player, &l), ==, 0);
	gestnet_run(net, 2);
	gestnet_send(p->end, &p->server, hello, sizeof(hello));
	gestnet_run(net, 20);
}

static void leaves(struct party *p)
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
	gestnet_run(net, 5);
	room = mem_deref(room);
	gestnet_run(net, 5);
	net = mem_deref(net);
}

/* A bundle of one address in another, at two times of that clock; 0: "immediately". */
static void plays(struct party *p, const char *outer, uint64_t outer_us, const char *inner, uint64_t inner_us)
{
	static int value;
	const struct osc_arg a = {.tag = 'i', .v.i = ++value};
	struct osc_writer w;
	uint8_t buf[256];
	size_t len;

	osc_w_init(&w, buf, sizeof(buf));
	osc_w_bundle(&w, outer_us ? rtcp_ntp(outer_us) : OSC_NOW);
	osc_w_msg(&w, outer, &a, 1);
	osc_w_bundle(&w, inner_us ? rtcp_ntp(inner_us) : OSC_NOW);
	osc_w_msg(&w, inner, &a, 1);
	osc_w_bundle_end(&w);
	osc_w_bundle_end(&w);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	g_assert_cmpint(gestosc_play(p->rtp, buf, len), ==, 0);
}

/* How often; *timetag is that of the last. */
static unsigned heard(const struct party *p, const char *addr, uint64_t *timetag)
{
	unsigned n = 0;

	for (unsigned i = 0; i < p->n; i++) {
		if (strcmp(p->heard[i].addr, addr))
			continue;
		*timetag = p->heard[i].timetag;
		n++;
	}
	return n;
}

/* The last time tag that came with it, against a time of the server's wallclock. */
static int64_t wrong_us(const struct party *p, const char *addr, uint64_t server_us)
{
	uint64_t timetag = 0;

	g_assert_cmpuint(heard(p, addr, &timetag), >, 0);
	return (int64_t)(timetag - rtcp_ntp(server_us)) / 4295;
}

static void assert_now(const struct party *p, const char *addr)
{
	uint64_t timetag = 0;

	g_assert_cmpuint(heard(p, addr, &timetag), ==, 1);
	g_assert_cmphex(timetag, ==, OSC_NOW);
}

/* Anna's clock is 1000 s ahead, and her packets take 20 ms. */
static void test_translated(void)
{
	struct party anna, bob, eva;
	uint64_t now;

	begin();
	joins_rtp(&anna, "anna", true);
	gestnet_link(gestosc_end(anna.rtp), &(struct gestlink){.delay_us = 20 * MS});
	joins_rtp(&bob, "bob", true);
	joins_udp(&eva, "eva");

	plays(&anna, "/early", gestnet_now_us(net) + AHEAD + S, "/early/in", gestnet_now_us(net) + AHEAD + S);
	gestnet_run(net, 100);
	assert_now(&bob, "/p/anna/early");                /* no report has come yet */
	assert_now(&bob, "/p/anna/early/in");

	gestnet_run(net, 5000);
	now = gestnet_now_us(net);
	plays(&anna, "/x", now + AHEAD + 500 * MS, "/y", now + AHEAD + 700 * MS);
	plays(&anna, "/at/once", 0, "/past", now + AHEAD - 300 * MS);
	gestnet_run(net, 100);
	g_assert_cmpint(ABS(wrong_us(&bob, "/p/anna/x", now + UNIX + 500 * MS)), <=, MS);
	g_assert_cmpint(ABS(wrong_us(&bob, "/p/anna/y", now + UNIX + 700 * MS)), <=, MS);
	g_assert_cmpint(ABS(wrong_us(&bob, "/p/anna/past", now + UNIX - 300 * MS)), <=, MS);
	assert_now(&bob, "/p/anna/at/once");
	assert_now(&eva, "/p/anna/x");                    /* UDP: nothing tells her of the server's clock */
	assert_now(&eva, "/p/anna/y");

	leaves(&eva);
	leaves(&bob);
	leaves(&anna);
	ends();
}

/* Somebody sets her clock by an hour; packets come in any order. */
static void test_set(void)
{
	const uint64_t hour = 3600 * UINT64_C(1000000);
	struct party anna, bob;
	uint64_t now;

	begin();
	joins_rtp(&anna, "anna", true);
	gestnet_link(gestosc_end(anna.rtp), &(struct gestlink){.delay_us = 5 * MS, .jitter_us = 8 * MS});
	joins_rtp(&bob, "bob", true);
	gestnet_run(net, 10000);
	now = gestnet_now_us(net);
	plays(&anna, "/before", now + AHEAD, "/in", now + AHEAD);
	gestnet_run(net, 100);
	g_assert_cmpint(ABS(wrong_us(&bob, "/p/anna/before", now + UNIX)), <=, 4 * MS);
	for (int back = 0; back < 2; back++) {
		const uint64_t ahead = back ? AHEAD - hour : AHEAD + hour;

		gestosc_set_clock(anna.rtp, ahead);
		gestnet_run(net, 10000);
		now = gestnet_now_us(net);
		plays(&anna, "/after", now + ahead, "/in", now + ahead);
		gestnet_run(net, 100);
		g_assert_cmpint(ABS(wrong_us(&bob, "/p/anna/after", now + UNIX)), <=, 4 * MS);
	}
	leaves(&bob);
	leaves(&anna);
	ends();
}

/* tt=none: whatever stands there, it is no time. */
static void test_none(void)
{
	struct party anna, bob;

	begin();
	joins_rtp(&anna, "anna", false);
	joins_rtp(&bob, "bob", true);
	gestnet_run(net, 5000);
	plays(&anna, "/x", gestnet_now_us(net) + AHEAD + S, "/y", gestnet_now_us(net) + AHEAD + S);
	gestnet_run(net, 100);
	assert_now(&bob, "/p/anna/x");
	assert_now(&bob, "/p/anna/y");
	leaves(&bob);
	leaves(&anna);
	ends();
}

static uint64_t asked(const struct party *p)
{
	struct gestosc_stats st;

	gestosc_stats(p->rtp, &st);
	return st.refreshes;
}

/* "bundled messages with a future time tag are not journalled before that time": who has got the bundle acts by its tag, who has
 * not asks for the state, and acts at once. */
static void test_lost(void)
{
	struct party anna, bob;
	uint64_t now, before, timetag = 0;

	begin();
	joins_rtp(&anna, "anna", true);
	joins_rtp(&bob, "bob", true);
	gestnet_run(net, 5000);
	now = gestnet_now_us(net);
	before = asked(&bob);
	plays(&anna, "/whole", now + AHEAD + 500 * MS, "/in", now + AHEAD);
	gestnet_run(net, 1500);
	g_assert_cmpuint(heard(&bob, "/p/anna/whole", &timetag), ==, 1);
	g_assert_cmphex(timetag, !=, OSC_NOW);
	g_assert_cmpuint(asked(&bob), ==, before);

	gestnet_link(gestosc_end(bob.rtp), &(struct gestlink){.loss = 100});
	plays(&anna, "/later", gestnet_now_us(net) + AHEAD + 1500 * MS, "/soon", gestnet_now_us(net) + AHEAD);
	gestnet_run(net, 5);
	gestnet_link(gestosc_end(bob.rtp), &(struct gestlink){.loss = 0});
	gestnet_run(net, 3000);
	g_assert_cmpuint(heard(&bob, "/p/anna/soon", &timetag), ==, 1);
	g_assert_cmpuint(heard(&bob, "/p/anna/later", &timetag), ==, 1);
	g_assert_true(bob.heard[bob.n - 1].repaired);
	g_assert_cmpuint(asked(&bob), ==, before + 1);
	leaves(&bob);
	leaves(&anna);
	ends();
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/timetag/translated", test_translated);
	g_test_add_func("/timetag/set", test_set);
	g_test_add_func("/timetag/none", test_none);
	g_test_add_func("/timetag/lost", test_lost);
	return g_test_run();
}
