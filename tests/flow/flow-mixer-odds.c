/*
 * flow-mixer-odds.c - a player chooses how much its jitter buffer holds, and knows before what that costs.
 *
 *     player ))) 64 samples of L16, over a network that holds some packets back and loses others ))) leg: odds, concealed
 *
 * What the odds say before the choice is compared with what is counted after it.
 */
#include <glib.h>
#include <math.h>
#include "tests/lib/stage.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { COUNT_S = 30 };
#else
enum { COUNT_S = 20 };
#endif

enum { STEP_US = 125, LEARN_S = 16, SETTLE_S = 3, LOST_A_MINUTE = 1200 /* 5 % of 400 a second */ };

struct net { const char *name; struct peer_conf player; uint32_t jitter_us; unsigned drop_pct; uint8_t red_gen; };

#define L16_2_5  {"L16", 48000, 96, 2, 2500, 440, 0.25, false, NULL}
#define OPUS_2_5 {"opus", 48000, 96, 2, 2500, 440, 0.25, false, NULL}

static const struct net nets[] = {
	{"quiet", L16_2_5, 0, 0, 0},
	{"shakes", L16_2_5, 4500, 0, 0},
	{"shakes and loses", OPUS_2_5, 2600, 1, 0},
	{"loses 5 %", L16_2_5, 0, 5, 0},
	{"loses 5 % with redundancy", L16_2_5, 0, 5, 1},
};

static void run_s(struct stage *s, unsigned seconds)
{
	for (unsigned i = 0; i < seconds; i++) {
		stage_run(s, 1000);
		stage_forget(s);
	}
}

static double counted_a_minute(struct stage *s, const struct member *mb)
{
	uint64_t before = member_stats(mb).concealed;

	run_s(s, COUNT_S);
	return (double)(member_stats(mb).concealed - before) * 60 / COUNT_S;
}

static void choices(const void *arg)
{
	const struct net *net = arg;
	struct bus_conf conf = {.music = true};
	struct stage *s = stage_new(STEP_US);
	struct member *mb, *other;
	struct leg_stats st;
	struct bus *b = NULL;

	s->jitter_music_fit = true;
	s->jitter_music_ms = 5;
	g_assert_cmpint(bus_alloc(&b, s->m, &conf), ==, 0);
	mb = stage_member(s, &net->player);
	other = stage_member(s, &net->player);
	other->peer->mute = true;
	if (net->red_gen) {
		peer_redundant(mb->peer, 97, net->red_gen);
		peer_desc(mb->peer, &mb->desc);
		member_set(mb);
	}
	mb->peer->jitter_us = net->jitter_us;
	mb->peer->drop_pct = net->drop_pct;
	g_assert_cmpint(leg_set_bus(mb->leg, b), ==, 0);
	g_assert_cmpint(leg_set_bus(other->leg, b), ==, 0);
	g_assert_cmpint(leg_set_buffer(mb->leg, LEG_BUFFER_MAX + 1), ==, EINVAL);
	stage_run(s, 500);
	g_assert_true(member_stats(mb).odds[0] < 0);
	run_s(s, LEARN_S);
	for (int n = LEG_BUFFER_MAX; n >= 0; n--) {
		double said, counted;

		said = (double)member_stats(mb).odds[n];
		g_assert_cmpint(leg_set_buffer(mb->leg, n), ==, 0);
		run_s(s, SETTLE_S);
		counted = counted_a_minute(s, mb);
		st = member_stats(mb);
		g_test_message("%s, %d held: %.1f were said before, %.1f counted; buffer %u ms", net->name, n, said, counted,
			       st.buffer_ms);
		g_assert_cmpfloat(counted, <=, said * 1.5 + 2);
		g_assert_cmpfloat(said, <=, counted * 1.5 + 2);
		/* two in a row, and with nothing held what comes once more comes too late */
		if (net->red_gen)
			g_assert_true(n ? counted <= LOST_A_MINUTE / 8 : counted >= LOST_A_MINUTE / 2);
		g_assert_cmpfloat(fabs((double)st.buffer_ms - n * net->player.ptime_us / 1000.0), <=, 1 + net->player.ptime_us / 1000.0);
	}
	stage_free(s);
	mem_deref(b);
}

/* Who asks for it is sent each frame twice at once; who does not want it, never; in packets that are not cut in pieces. */
static void sent_twice(void)
{
	struct peer_conf pc = {"L16", 48000, 96, 2, 1334, 440, 0.25, false, NULL};
	struct bus_conf conf = {.music = true};
	struct stage *s = stage_new(333);
	struct member *a, *b;
	struct bus *bus = NULL;
	unsigned n;

	g_assert_cmpint(bus_alloc(&bus, s->m, &conf), ==, 0);
	a = stage_member(s, &pc);
	b = stage_member(s, &pc);
	peer_redundant(b->peer, 97, 1);
	peer_desc(b->peer, &b->desc);
	member_set(b);
	g_assert_cmpint(leg_set_bus(a->leg, bus), ==, 0);
	g_assert_cmpint(leg_set_bus(b->leg, bus), ==, 0);
	stage_run(s, 300);
	g_assert_cmpuint(b->peer->n_red, ==, 0);
	leg_set_red(b->leg, LEG_RED_ALWAYS);
	stage_run(s, 300);
	n = b->peer->n_red;
	g_assert_cmpuint(n, >=, 220);
	g_assert_cmpuint(b->peer->n_red_old, >=, n - 1);
	g_assert_cmpuint(b->peer->n_red_wrong, ==, 0);
	leg_set_red(b->leg, LEG_RED_NEVER);
	stage_run(s, 100);
	g_assert_cmpuint(b->peer->n_red, <=, n + 2);
	stage_free(s);
	mem_deref(bus);
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	for (unsigned i = 0; i < G_N_ELEMENTS(nets); i++) {
		g_autofree char *path = g_strdup_printf("/mixer/odds/%s", nets[i].name);

		g_test_add_data_func(path, &nets[i], choices);
	}
	g_test_add_func("/mixer/odds/sent-twice", sent_twice);
	return g_test_run();
}
