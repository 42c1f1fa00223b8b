/*
 * flow-twice.c - a line whose packets go twice where they are lost, and do not where that makes it worse: links that
 * lose by chance, that are too narrow, that are given too much.
 */
#include <string.h>
#include <glib.h>
#include "tests/lib/gestosc.h"

enum { OFTEN_MS = 5, PART_S = 60 };

struct party { struct player *player; struct gestosc *g; unsigned heard; };

static struct gestnet *net;
static struct ensemble *room;
static struct party anna, bob;

static void on_note(struct gestosc *g, uint32_t ssrc, const char *name, const struct oscrecv_note *note, void *arg)
{
	struct party *p = arg;

	(void)g, (void)ssrc, (void)name, (void)note;
	p->heard++;
}

static void joins(struct party *p, const char *name)
{
	struct player_conf c = {.member = 0};
	struct gestline l;

	memset(p, 0, sizeof(*p));
	g_strlcpy(c.wish, name, sizeof(c.wish));
	g_strlcpy(c.identity, name, sizeof(c.identity));
	g_assert_cmpint(player_alloc(&p->player, gestnet_relay(net), room, &c), ==, 0);
	gestline_init(&l, GESTLINE_OSC);
	l.dir = LEG_DIR_BOTH;
	l.pt = 98;
	l.rate = 48000;
	g_strlcpy(l.takes.types, "ifsbTFNIt", sizeof(l.takes.types));
	g_assert_cmpint(gestosc_alloc(&p->g, net, p->player, &l, on_note, p), ==, 0);
	gestnet_run(net, 20);
}

static void begin(void)
{
	g_assert_cmpint(gestnet_alloc(&net, NULL, 1), ==, 0);
	g_assert_cmpint(ensemble_get(&room, gestnet_relay(net), "jam"), ==, 0);
	joins(&anna, "anna");
	joins(&bob, "bob");
}

static void ends(void)
{
	struct party *const all[] = {&anna, &bob};

	for (unsigned i = 0; i < G_N_ELEMENTS(all); i++) {
		all[i]->player = mem_deref(all[i]->player);
		gestnet_run(net, 5);
		all[i]->g = mem_deref(all[i]->g);
	}
	room = mem_deref(room);
	gestnet_run(net, 5);
	net = mem_deref(net);
}

static void plays(int value)
{
	const struct osc_arg a = {'i', .v.i = value};
	struct osc_writer w;
	uint8_t buf[64];
	size_t len = 0;

	osc_w_init(&w, buf, sizeof(buf));
	osc_w_msg(&w, "/fader", &a, 1);
	g_assert_cmpint(osc_w_end(&w, &len), ==, 0);
	g_assert_cmpint(gestosc_play(anna.g, buf, len), ==, 0);
}

struct sent { double packets, octets; };  /* to bob in a second, by the relay */

/* anna's fader moves `each` times in every OFTEN_MS. */
static struct sent plays_for(unsigned seconds, unsigned each)
{
	struct relay_stats before, after;
	const uint64_t octets = gestnet_octets(gestosc_end(bob.g));
	static int value;

	relay_stats(gestnet_relay(net), &before);
	for (unsigned ms = 0; ms < seconds * 1000; ms += OFTEN_MS) {
		for (unsigned i = 0; i < each; i++)
			plays(value++);
		gestnet_run(net, OFTEN_MS);
	}
	relay_stats(gestnet_relay(net), &after);
	return (struct sent){(double)(after.tx_packets - before.tx_packets) / seconds,
		(double)(gestnet_octets(gestosc_end(bob.g)) - octets) / seconds};
}

static void bobs_link(unsigned loss, double octets_s)
{
	const struct gestlink link = {.loss = loss, .delay_us = 5000, .octets_s = (uint32_t)octets_s};

	gestnet_link(gestosc_end(bob.g), &link);
}

/* 5 % lost by chance: all goes twice, for as long as it is so. */
static void test_by_chance(void)
{
	struct sent once, twice;

	begin();
	once = plays_for(5, 1);
	bobs_link(5, 0);
	plays_for(5, 1);
	twice = plays_for(2 * PART_S, 1);
	g_test_message("%.0f packets a second, then %.0f", once.packets, twice.packets);
	g_assert_cmpfloat(twice.packets, >, 1.9 * once.packets);
	ends();
}

/* A link that is too narrow by a tenth: twice as much helps nobody, and is found out. */
static void test_too_narrow(void)
{
	struct sent once, narrow;

	begin();
	once = plays_for(5, 1);
	bobs_link(0, 0.9 * once.octets);
	narrow = plays_for(PART_S, 1);
	g_test_message("%.0f octets a second, then %.0f", once.octets, narrow.octets);
	g_assert_cmpfloat(narrow.octets, <, 1.3 * once.octets);
	narrow = plays_for(PART_S * 10, 1);               /* and is tried less and less often */
	g_test_message("then %.0f", narrow.octets);
	g_assert_cmpfloat(narrow.octets, <, 1.1 * once.octets);
	ends();
}

/* However much there is on a line, what goes twice is bounded; a share of it still does. */
static void test_too_much(void)
{
	struct sent once, twice;

	begin();
	once = plays_for(5, 8);
	bobs_link(5, 0);
	plays_for(5, 8);
	twice = plays_for(PART_S, 8);
	g_test_message("%.0f octets a second, then %.0f", once.octets, twice.octets);
	g_assert_cmpfloat(once.octets, >, 60000);
	g_assert_cmpfloat(twice.octets - once.octets, >, 16000);
	g_assert_cmpfloat(twice.octets - once.octets, <, 45000);          /* 32,000, and longer journals */
	ends();
}

/* Who reports no more may be gone: all goes once. */
static void test_silent(void)
{
	struct sent once, twice;

	begin();
	once = plays_for(5, 1);
	bobs_link(5, 0);
	twice = plays_for(10, 1);
	g_assert_cmpfloat(twice.packets, >, 1.5 * once.packets);
	gestosc_mute(bob.g, true);
	plays_for(25, 1);
	twice = plays_for(20, 1);
	g_test_message("%.0f packets a second, then %.0f", once.packets, twice.packets);
	g_assert_cmpfloat(twice.packets, <, 1.1 * once.packets);
	ends();
}

int main(int argc, char **argv)
{
	int n;

	libre_init();
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/twice/by-chance", test_by_chance);
	g_test_add_func("/twice/too-narrow", test_too_narrow);
	g_test_add_func("/twice/too-much", test_too_much);
	g_test_add_func("/twice/silent", test_silent);
	n = g_test_run();
	libre_close();
	return n;
}
