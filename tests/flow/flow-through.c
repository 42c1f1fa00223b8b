/*
 * flow-through.c - T1: streams of RTP OSC that go from one party to another as they came, over links that lose on both sides.
 */
#include <string.h>
#include <glib.h>
#include "tests/lib/gestosc.h"

enum { FADERS = 6, PARTIES = 4, HITS = 20000, ROUNDS = 60, MIXED = 100 };

struct party {
	struct player *player;
	struct gestosc *rtp;
	char     name[16];
	int      fader[FADERS];
	int      hits;
	unsigned live;                    /* messages heard that no journal told */
	uint8_t  seen[PARTIES][HITS];     /* events, by number */
};

static struct gestnet *net;
static struct ensemble *room;
static struct party anna, bob, eva, dan;

static void begin(bool transparent)
{
	const struct relay_conf conf = {.port_min = 30000, .port_max = 39999, .rate = 2000, .sysex_max = 256, .leave_keep_ms = 30000,
		.silence_ms = 60000, .transparent = transparent};

	g_assert_cmpint(gestnet_alloc(&net, &conf, 1), ==, 0);
	g_assert_cmpint(ensemble_get(&room, gestnet_relay(net), "room"), ==, 0);
}

static void ends(void)
{
	struct relay_stats s;

	gestnet_run(net, 5);
	relay_stats(gestnet_relay(net), &s);
	g_assert_cmpuint(s.malformed, ==, 0);
	room = mem_deref(room);
	net = mem_deref(net);
}

/* ---- parties ---- */

static void heard(struct gestosc *g, uint32_t ssrc, const char *name, const struct oscrecv_note *note, void *arg)
{
	struct party *p = arg;
	struct osc_args it;
	struct osc_arg who, no;

	(void)g, (void)ssrc, (void)name;
	p->live += note->cause == OSCRECV_LIVE && strncmp(note->msg->addr, "/_gest/", 7);
	if (!g_str_has_suffix(note->msg->addr, "/hit"))
		return;
	osc_args_init(&it, note->msg);
	g_assert_true(osc_arg_next(&it, &who) && osc_arg_next(&it, &no));
	p->seen[who.v.i][no.v.i]++;
}

static void usual(struct gestline *l)
{
	gestline_init(l, GESTLINE_OSC);
	l->dir = LEG_DIR_BOTH;
	l->pt = 98;
	l->rate = 48000;
	l->pli = true;
	l->takes.deep = true;
	l->view = VIEW_SOURCE;
	l->sources = 8;
	g_strlcpy(l->takes.types, "ifsbTFNIt", sizeof(l->takes.types));
}

static void joins_as(struct party *p, const char *name, struct gestline *l)
{
	struct player_conf c = {.member = 0};

	memset(p, 0, sizeof(*p));
	g_strlcpy(p->name, name, sizeof(p->name));
	g_strlcpy(c.wish, name, sizeof(c.wish));
	g_strlcpy(c.identity, name, sizeof(c.identity));
	g_assert_cmpint(player_alloc(&p->player, gestnet_relay(net), room, &c), ==, 0);
	g_assert_cmpint(gestosc_alloc(&p->rtp, net, p->player, l, heard, p), ==, 0);
	gestnet_run(net, 20);
}

static void joins(struct party *p, const char *name)
{
	struct gestline l;

	usual(&l);
	joins_as(p, name, &l);
}

static void leaves(struct party *p)
{
	p->player = mem_deref(p->player);
	gestnet_run(net, 50);
	p->rtp = mem_deref(p->rtp);
}

static void say(struct party *p, const char *addr, const char *tags, int a, int b)
{
	const struct osc_arg arg[3] = {{.tag = tags[0], .v.i = a}, {.tag = 'i', .v.i = b}, {.tag = 'I'}};
	struct osc_writer w;
	uint8_t buf[256];
	size_t len;

	osc_w_init(&w, buf, sizeof(buf));
	osc_w_msg(&w, addr, arg, strlen(tags));
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	g_assert_cmpint(gestosc_play(p->rtp, buf, len), ==, 0);
}

static void sets(struct party *p, const char *addr, int value)
{
	say(p, addr, "i", value, 0);
	gestnet_run(net, 10);
}

static int value(struct party *p, const char *addr)
{
	struct osc_msg msg;
	struct osc_args it;
	struct osc_arg a;

	if (!gestosc_key(p->rtp, addr, &msg))
		return -1;
	osc_args_init(&it, &msg);
	return osc_arg_next(&it, &a) ? a.v.i : -1;
}

static bool reported_by(const struct party *from, const struct party *by, unsigned since_ms)
{
	return gestosc_reported(from->rtp, gestosc_own_ssrc(by->rtp), gestnet_now_us(net) - since_ms * UINT64_C(1000));
}

static bool reported_by_server(const struct party *from, unsigned since_ms)
{
	const uint32_t ssrc = gestosc_named(from->rtp, "tutti");

	g_assert_cmpuint(ssrc, !=, 0);
	return gestosc_reported(from->rtp, ssrc, gestnet_now_us(net) - since_ms * UINT64_C(1000));
}

/* ---- one and the other ---- */

/* anna ~~ server ~~ bob: the same packet; bob's reports are anna's, the server has none of its own to say. */
static void test_as_it_came(void)
{
	begin(true);
	joins(&anna, "anna");
	joins(&bob, "bob");
	sets(&anna, "/x", 1);
	g_assert_true(gestosc_same(anna.rtp, bob.rtp));
	g_assert_cmpint(value(&bob, "/x"), ==, 1);
	gestnet_run(net, 3000);
	g_assert_true(gestosc_same(anna.rtp, bob.rtp));           /* guards too */
	g_assert_cmpuint(gestosc_named(bob.rtp, "anna"), ==, gestosc_own_ssrc(anna.rtp));
	g_assert_true(reported_by(&anna, &bob, 2000));
	g_assert_false(reported_by_server(&anna, 3000));
	for (int i = 2; i < 50; i++)
		sets(&anna, "/x", i);
	g_assert_cmpint(value(&bob, "/x"), ==, 49);
	g_assert_cmpuint(bob.live, ==, 49);
	leaves(&anna);
	leaves(&bob);
	ends();
}

static void test_off(void)
{
	begin(false);
	joins(&anna, "anna");
	joins(&bob, "bob");
	sets(&anna, "/x", 1);
	gestnet_run(net, 2000);
	g_assert_cmpint(value(&bob, "/x"), ==, 1);
	g_assert_false(gestosc_same(anna.rtp, bob.rtp));
	g_assert_true(reported_by_server(&anna, 1500));
	g_assert_false(reported_by(&anna, &bob, 1500));
	leaves(&anna);
	leaves(&bob);
	ends();
}

/* anna was alone and the server spoke for nobody: then it says what bob says, for as long as she would wait for it, and no longer. */
static void test_late_comer(void)
{
	struct gestosc_stats s;

	begin(true);
	joins(&anna, "anna");
	for (int i = 0; i < 20; i++)
		sets(&anna, "/x", i);
	sets(&anna, "/y", 7);
	gestnet_run(net, 3000);
	g_assert_true(reported_by_server(&anna, 1500));
	joins(&bob, "bob");
	gestnet_run(net, 500);
	gestosc_stats(anna.rtp, &s);
	g_assert_cmpuint(s.asked, ==, 1);
	g_assert_cmpint(value(&bob, "/x"), ==, 19);
	g_assert_cmpint(value(&bob, "/y"), ==, 7);
	gestnet_run(net, 1500);
	g_assert_true(gestosc_same(anna.rtp, bob.rtp));
	gestnet_run(net, 20000);
	g_assert_true(reported_by_server(&anna, 1500));
	gestnet_run(net, 15000);
	g_assert_false(reported_by_server(&anna, 1500));
	g_assert_true(reported_by(&anna, &bob, 1500));
	leaves(&anna);
	leaves(&bob);
	ends();
}

/* eva takes prefixes: a stream of the server's, which reports for that as one receiver more. */
static void test_mixed(void)
{
	struct gestline l;

	begin(true);
	joins(&anna, "anna");
	joins(&bob, "bob");
	usual(&l);
	l.view = VIEW_PREFIX;
	l.sources = 1;
	joins_as(&eva, "eva", &l);
	sets(&anna, "/x", 5);
	gestnet_run(net, 2000);
	g_assert_true(gestosc_same(anna.rtp, bob.rtp));
	g_assert_cmpint(value(&bob, "/x"), ==, 5);
	g_assert_cmpint(value(&eva, "/p/anna/x"), ==, 5);
	g_assert_true(reported_by_server(&anna, 1500));
	g_assert_true(reported_by(&anna, &bob, 1500));
	g_assert_false(reported_by(&anna, &eva, 2000));
	leaves(&anna);
	leaves(&bob);
	leaves(&eva);
	ends();
}

/* Each of these declares something with which the packets of anna cannot go on as they are. */
static void test_who_not(void)
{
	static const struct { const char *what; uint32_t rate; const char *types; bool old; unsigned red, guard; } rows[] = {
		{"clock", 44100, "ifsbTFNIt", false, 2, 1000},  {"types", 48000, "if", false, 2, 1000},
		{"version", 48000, "ifsbTFNIt", true, 2, 1000}, {"red", 48000, "ifsbTFNIt", false, 4, 1000},
		{"guard", 48000, "ifsbTFNIt", false, 2, 500},   {"no guard", 48000, "ifsbTFNIt", false, 2, 0},
	};

	for (unsigned i = 0; i < G_N_ELEMENTS(rows); i++) {
		struct gestline l;

		begin(true);
		joins(&anna, "anna");
		usual(&l);
		l.rate = rows[i].rate;
		l.takes.deep = !rows[i].old;
		l.takes.red = (uint8_t)rows[i].red;
		l.takes.guard_ms = rows[i].guard;
		g_strlcpy(l.takes.types, rows[i].types, sizeof(l.takes.types));
		joins_as(&bob, "bob", &l);
		sets(&anna, "/x", 5);
		g_assert_cmpint(value(&bob, "/x"), ==, 5);
		g_assert_false(gestosc_same(anna.rtp, bob.rtp));
		leaves(&anna);
		leaves(&bob);
		ends();
	}
}

/* What is for one only is not for all: from then on anna's streams are the server's, and the state goes along. */
static void test_not_for_all(void)
{
	struct gestosc_stats before, s;

	begin(true);
	joins(&anna, "anna");
	joins(&bob, "bob");
	joins(&eva, "eva");
	sets(&anna, "/x", 1);
	g_assert_true(gestosc_same(anna.rtp, bob.rtp));
	gestosc_stats(bob.rtp, &before);
	say(&anna, "/to/bob/secret", "i", 9, 0);
	gestnet_run(net, 10);
	g_assert_false(gestosc_same(anna.rtp, bob.rtp));
	gestosc_stats(bob.rtp, &s);
	g_assert_cmpuint(s.byes, ==, before.byes + 1);
	g_assert_cmpuint(bob.live, ==, 2);
	g_assert_cmpuint(eva.live, ==, 1);
	sets(&anna, "/y", 2);
	g_assert_cmpint(value(&eva, "/x"), ==, 1);
	g_assert_cmpint(value(&eva, "/y"), ==, 2);
	gestnet_run(net, 1500);
	g_assert_true(reported_by_server(&anna, 1200));
	g_assert_false(reported_by(&anna, &bob, 1200));
	leaves(&anna);
	leaves(&bob);
	leaves(&eva);
	ends();
}

/* A type that only eva takes: bob's stream is another from then on, eva's stays. */
static void test_apart(void)
{
	struct gestline l;

	begin(true);
	joins(&anna, "anna");
	joins(&bob, "bob");
	usual(&l);
	g_strlcpy(l.takes.types, "ifsbTFNIth", sizeof(l.takes.types));
	joins_as(&eva, "eva", &l);
	sets(&anna, "/x", 1);
	say(&anna, "/big", "h", 3, 0);            /* 3 of 64 bits */
	gestnet_run(net, 10);
	g_assert_true(gestosc_same(anna.rtp, eva.rtp));
	g_assert_false(gestosc_same(anna.rtp, bob.rtp));
	g_assert_cmpint(value(&bob, "/x"), ==, 1);
	g_assert_cmpint(value(&bob, "/big"), ==, -1);
	g_assert_cmpint(value(&eva, "/big"), ==, 3);
	sets(&anna, "/x", 2);
	g_assert_cmpint(value(&bob, "/x"), ==, 2);
	g_assert_cmpint(value(&eva, "/x"), ==, 2);
	leaves(&anna);
	leaves(&bob);
	leaves(&eva);
	ends();
}

/* bob goes: anna hears BYE of who reported. anna begins anew, then goes: eva hears BYE of each stream. */
static void test_going(void)
{
	struct gestosc_stats s;

	begin(true);
	joins(&anna, "anna");
	joins(&bob, "bob");
	joins(&eva, "eva");
	sets(&anna, "/x", 1);
	gestnet_run(net, 1500);
	g_assert_true(reported_by(&anna, &bob, 1200));
	bob.player = mem_deref(bob.player);
	gestnet_run(net, 20);
	g_assert_false(reported_by(&anna, &bob, 1200));
	g_assert_true(reported_by(&anna, &eva, 1200));
	bob.rtp = mem_deref(bob.rtp);
	gestosc_set_ssrc(anna.rtp, 0x12345678);
	sets(&anna, "/x", 2);
	g_assert_true(gestosc_same(anna.rtp, eva.rtp));
	g_assert_cmpint(value(&eva, "/x"), ==, 2);
	gestosc_stats(eva.rtp, &s);
	g_assert_cmpuint(s.byes, >=, 1);
	anna.player = mem_deref(anna.player);
	gestnet_run(net, 50);
	anna.rtp = mem_deref(anna.rtp);
	g_assert_cmpint(value(&eva, "/x"), ==, -1);
	leaves(&eva);
	ends();
}

/* Ten messages a second, a burst of 16: the rest is dropped, and what was last is known all the same. */
static void test_rate(void)
{
	struct relay_stats s;
	struct gestline l;

	begin(true);
	joins(&anna, "anna");
	usual(&l);
	l.takes.rate = 10;
	joins_as(&bob, "bob", &l);
	for (int i = 0; i < 300; i++)
		sets(&anna, i & 1 ? "/x" : "/y", i);
	relay_stats(gestnet_relay(net), &s);
	g_assert_cmpuint(s.rate_dropped, >, 200);
	g_assert_cmpuint(bob.live, <, 60);
	gestnet_run(net, 4000);
	g_assert_true(gestosc_same(anna.rtp, bob.rtp));
	g_assert_cmpint(value(&bob, "/x"), ==, 299);
	g_assert_cmpint(value(&bob, "/y"), ==, 298);
	leaves(&anna);
	leaves(&bob);
	ends();
}

/* Sealed for each leg with its own keys; anna, who has keys, hears of bob in the server's own reports. */
static void test_srtp(void)
{
	struct gestline l;

	begin(true);
	for (int i = 0; i < 2; i++) {
		usual(&l);
		l.srtp_tx = (struct leg_key){.suite = LEG_SRTP_AES128_SHA1_80, .len = 30};
		l.srtp_rx = l.srtp_tx;
		memset(l.srtp_tx.key, 10 + 2 * i, 30);
		memset(l.srtp_rx.key, 11 + 2 * i, 30);
		joins_as(i ? &bob : &anna, i ? "bob" : "anna", &l);
	}
	for (int i = 0; i < 100; i++)
		sets(&anna, "/x", i);
	g_assert_cmpint(value(&bob, "/x"), ==, 99);
	g_assert_true(gestosc_same(anna.rtp, bob.rtp));
	gestnet_run(net, 2000);
	g_assert_true(reported_by_server(&anna, 1500));
	g_assert_false(reported_by(&anna, &bob, 1500));

	/* what bob does not report the server does not either, though it has it */
	gestosc_mute(bob.rtp, true);
	for (int i = 0; i < 100; i++)
		sets(&anna, "/x", i);
	gestnet_run(net, 1500);
	g_assert_true(reported_by_server(&anna, 1500));
	g_assert_cmpint(gestosc_behind(anna.rtp, gestosc_named(anna.rtp, "tutti")), >=, 100);
	gestosc_mute(bob.rtp, false);
	gestnet_run(net, 3000);
	g_assert_cmpint(gestosc_behind(anna.rtp, gestosc_named(anna.rtp, "tutti")), <, 5);
	g_assert_cmpint(gestosc_behind(anna.rtp, gestosc_named(anna.rtp, "tutti")), >=, 0);
	leaves(&anna);
	leaves(&bob);
	ends();
}

/* ---- at random ---- */

static void link_of(struct party *p, unsigned loss)
{
	gestnet_link(gestosc_end(p->rtp), &(struct gestlink){.loss = loss, .twice = loss / 5, .delay_us = 8000, .jitter_us = loss ? 6000 : 0});
}

static void plays(struct party *p, int who)
{
	const unsigned n = gestnet_draw(net, FADERS);
	char addr[24];

	if (!gestnet_draw(net, 4)) {
		g_snprintf(addr, sizeof(addr), "/%s/hit", p->name);
		say(p, addr, "iiI", who, p->hits++);
		return;
	}
	p->fader[n] = (int)gestnet_draw(net, 1000);
	g_snprintf(addr, sizeof(addr), "/%s/%u", p->name, n);
	sets(p, addr, p->fader[n]);
}

static void agree(struct party *const *all)
{
	for (unsigned i = 0; i < PARTIES; i++) {
		for (unsigned k = 0; k < PARTIES * FADERS; k++) {
			const struct party *from = all[k / FADERS];
			char addr[24];

			g_snprintf(addr, sizeof(addr), "/%s/%u", from->name, k % FADERS);
			if (i != k / FADERS && from->fader[k % FADERS] >= 0)
				g_assert_cmpint(value(all[i], addr), ==, from->fader[k % FADERS]);
		}
	}
}

/* On good links, for nothing repairs a BYE. The numbers of its events go on. */
static void bob_comes_again(struct party *const *all)
{
	struct party *before = g_memdup2(&bob, sizeof(bob));

	for (unsigned i = 0; i < PARTIES; i++)
		link_of(all[i], 0);
	gestnet_run(net, 100);
	leaves(&bob);
	joins(&bob, "bob");
	memset(bob.fader, 0xff, sizeof(bob.fader));
	bob.hits = before->hits;
	memcpy(bob.seen, before->seen, sizeof(bob.seen));
	g_free(before);
	gestnet_run(net, 100);
}

/* Four who hear each other as they are, or one of them, dan, in streams of the server's. After each storm a quiet time, and all know the same. */
static void at_random(gconstpointer arg)
{
	const unsigned loss = GPOINTER_TO_UINT(arg) % MIXED, mixed = GPOINTER_TO_UINT(arg) / MIXED;
	struct party *const all[PARTIES] = {&anna, &bob, &eva, &dan};
	static const char *const names[PARTIES] = {"anna", "bob", "eva", "dan"};
	uint64_t twice = 0;

	begin(true);
	for (unsigned i = 0; i < PARTIES; i++) {
		struct gestline l;

		usual(&l);
		l.takes.red = mixed && all[i] == &dan ? 4 : 2;
		joins_as(all[i], names[i], &l);
		memset(all[i]->fader, 0xff, sizeof(all[i]->fader));
	}
	for (unsigned round = 0; round < ROUNDS; round++) {
		if (round % 10 == 9)
			bob_comes_again(all);
		for (unsigned i = 0; i < PARTIES; i++)
			link_of(all[i], loss);
		for (unsigned n = 0; n < 120; n++) {
			const unsigned who = gestnet_draw(net, PARTIES);

			plays(all[who], (int)who);
			gestnet_run(net, gestnet_draw(net, 12));
		}
		for (unsigned i = 0; i < PARTIES; i++)
			link_of(all[i], loss / 3);
		gestnet_run(net, 8000);
		agree(all);
	}
	for (unsigned i = 0; i < PARTIES; i++) {
		for (unsigned k = 0; k < PARTIES * HITS; k++)
			twice += all[i]->seen[k / HITS][k % HITS] > 1;
		/* it was T1 to the end, but for dan */
		for (unsigned k = 0; k < PARTIES; k++) {
			if (i != k)
				g_assert_cmpint(gestosc_named(all[i]->rtp, names[k]) == gestosc_own_ssrc(all[k]->rtp), ==,
						!(mixed && all[i] == &dan));
		}
	}
	g_assert_cmpuint(twice, ==, 0);
	for (unsigned i = 0; i < PARTIES; i++)
		leaves(all[i]);
	ends();
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/through/as-it-came", test_as_it_came);
	g_test_add_func("/through/off", test_off);
	g_test_add_func("/through/late-comer", test_late_comer);
	g_test_add_func("/through/mixed", test_mixed);
	g_test_add_func("/through/who-not", test_who_not);
	g_test_add_func("/through/not-for-all", test_not_for_all);
	g_test_add_func("/through/apart", test_apart);
	g_test_add_func("/through/going", test_going);
	g_test_add_func("/through/rate", test_rate);
	g_test_add_func("/through/srtp", test_srtp);
	g_test_add_data_func("/through/at-random/0", GUINT_TO_POINTER(0), at_random);
	g_test_add_data_func("/through/at-random/10", GUINT_TO_POINTER(10), at_random);
	g_test_add_data_func("/through/at-random/30", GUINT_TO_POINTER(30), at_random);
	g_test_add_data_func("/through/at-random/10-mixed", GUINT_TO_POINTER(10 + MIXED), at_random);
	g_test_add_data_func("/through/at-random/30-mixed", GUINT_TO_POINTER(30 + MIXED), at_random);
	return g_test_run();
}
