/*
 * flow-mixer-move.c - a room moves to another media thread, and nobody hears it.
 *
 *     a talks )))  > room on thread 0 >  b        turned by hand: the tone has no gap, the numbers no jump
 *                  > room on thread 1 >  b
 */
#include <glib.h>
#include <math.h>
#include <poll.h>
#include <string.h>
#include <re.h>
#include "mixer/engine.h"
#include "mixer/leg.h"
#include "mixer/move.h"
#include "tests/lib/signal.h"
#include "tests/lib/stage.h"

#define PEAK 0.25

enum { N_TURNED = 3 };

struct hall { struct stage *s; struct bus *b[2]; };

static struct bus *hall_bus(struct stage *s, bool music)
{
	struct bus_conf conf = {.music = music};
	struct bus *b = NULL;

	g_assert_cmpint(bus_alloc(&b, s->m, &conf), ==, 0);
	return b;
}

static struct hall hall_new(uint32_t step_us)
{
	struct mixer_conf conf = {.n_turned = N_TURNED, .port_min = 40000, .port_max = 49999};
	struct hall h = {.s = stage_new(step_us)};

	mem_deref(h.s->m);
	h.s->m = NULL;
	g_assert_cmpint(mixer_alloc(&h.s->m, &conf), ==, 0);
	for (int i = 0; i < 2; i++)
		h.b[i] = hall_bus(h.s, false);
	return h;
}

static void hall_end(struct hall *h)
{
	while (h->s->n)
		stage_remove(h->s, h->s->member[0]);
	for (int i = 0; i < 2; i++)
		mem_deref(h->b[i]);
	stage_run(h->s, 100);
	g_assert_true(list_isempty(&h->s->m->legs));
	g_assert_true(list_isempty(&h->s->m->buses));
	for (unsigned i = 0; i < N_TURNED; i++)
		g_assert_cmpuint(h->s->m->threads[i]->load, ==, 0);
	stage_free(h->s);
}

static struct member *hall_join(struct hall *h, int bus, const char *codec, uint32_t clock, uint8_t pt, uint32_t ptime_us,
				double hz)
{
	struct peer_conf c = {codec, clock, pt, 1, ptime_us, hz, hz > 0 ? PEAK : 0, 0, NULL};
	struct member *mb = stage_member(h->s, &c);

	if (bus >= 0)
		g_assert_cmpint(leg_set_bus(mb->leg, h->b[bus]), ==, 0);
	return mb;
}

static unsigned where(const struct hall *h, int bus)
{
	for (unsigned i = 0; i < N_TURNED; i++)
		if (h->b[bus]->t == h->s->m->threads[i])
			return i;
	g_assert_not_reached();
}

static void send_away(struct hall *h, int bus)
{
	unsigned to = (where(h, bus) + 1) % N_TURNED;

	g_assert_cmpint(bus_move(h->b[bus], h->s->m->threads[to]), ==, 0);
	g_assert_cmpint(bus_move(h->b[bus], h->s->m->threads[to]), ==, EALREADY);
}

static uint64_t moves(const struct hall *h)
{
	struct mixer_stats st;

	mixer_stats(h->s->m, &st);
	return st.moves;
}

/* --- nobody hears it --- */

struct kind { const char *name, *codec; uint32_t clock; uint8_t pt; uint32_t ptime_us, step_us; };

static const struct kind kinds[] = {
	{"pcmu", "PCMU", 8000, 0, 20000, 1000},
	{"pcmu-late", "PCMU", 8000, 0, 20000, 20000},     /* the way takes as long as a tick */
	{"opus", "opus", 48000, 96, 20000, 1000},
	{"l16", "L16", 48000, 98, 5000, 500},
	{"l16-late", "L16", 48000, 98, 5000, 5000},
};

static uint64_t missed(const struct member *mb)
{
	struct leg_stats st;

	leg_stats(mb->leg, &st);
	return st.concealed + st.discarded + st.rx_late + st.rx_lost;
}

/* Twenty moves in two seconds, from each thread to the next. */
static void test_tone(const void *arg)
{
	const struct kind *k = arg;
	struct hall h = hall_new(k->step_us);
	struct member *talker = hall_join(&h, 0, k->codec, k->clock, k->pt, k->ptime_us, 441.7);
	struct member *ear = hall_join(&h, 0, k->codec, k->clock, k->pt, k->ptime_us, 0);
	g_autofree float *smp = NULL;
	size_t n = 2 * talker->peer->codec->srate;
	uint64_t missing;
	double snr, least;

	stage_run(h.s, 4000);
	stage_forget(h.s);
	stage_run(h.s, 2000);
	smp = peer_last(ear->peer, n, 0);
	least = signal_snr_db(smp, n, ear->peer->codec->srate, 441.7);
	g_free(smp);
	stage_forget(h.s);
	missing = missed(talker);
	for (int i = 0; i < 20; i++) {
		send_away(&h, 0);
		stage_run(h.s, 100);
	}
	smp = peer_last(ear->peer, n, 0);
	snr = signal_snr_db(smp, n, ear->peer->codec->srate, 441.7);
	g_test_message("snr %.1f dB while it moves, %.1f dB while it stays", snr, least);
	g_assert_cmpuint(moves(&h), ==, 20);
	g_assert_cmpfloat(snr, >, least - 1);
	g_assert_cmpuint(ear->peer->n_seq_gaps, ==, 0);
	g_assert_cmpuint(ear->peer->n_ts_gaps, ==, 0);
	g_assert_cmpuint(missed(talker), ==, missing);
	hall_end(&h);
}

/* --- what is wanted meanwhile waits --- */

/* A leg comes, one goes, one is told to send keys, one is freed: all while the room is between two threads. */
static void test_meanwhile(void)
{
	struct hall h = hall_new(1000);
	struct member *talker = hall_join(&h, 0, "PCMU", 8000, 0, 20000, 441.7);
	struct member *stays = hall_join(&h, 0, "PCMU", 8000, 0, 20000, 0);
	struct member *goes = hall_join(&h, 0, "PCMU", 8000, 0, 20000, 0);
	struct member *ends = hall_join(&h, 0, "PCMU", 8000, 0, 20000, 0);
	struct member *comes = hall_join(&h, -1, "PCMU", 8000, 0, 20000, 0);
	struct member *other = hall_join(&h, 1, "PCMU", 8000, 0, 20000, 1109.1);

	stage_run(h.s, 1000);
	for (int i = 0; i < 6; i++) {
		bool even = i % 2 == 0;

		send_away(&h, 0);
		if (i % 3)
			stage_step(h.s);
		g_assert_cmpint(leg_set_bus(comes->leg, even ? h.b[0] : NULL), ==, 0);
		g_assert_cmpint(leg_set_bus(goes->leg, even ? h.b[1] : h.b[0]), ==, 0);
		g_assert_cmpint(leg_send_dtmf(stays->leg, "5"), ==, 0);
		member_set(stays);
		stage_run(h.s, 600);
		g_assert_cmpstr(stays->peer->keys, ==, "5");
		stage_forget(h.s);
		stage_run(h.s, 400);
		g_assert_cmpfloat(fabs(member_hears_db(stays, 441.7, PEAK, 300)), <, 0.5);
		g_assert_cmpfloat(fabs(member_hears_db(goes, even ? 1109.1 : 441.7, PEAK, 300)), <, 0.5);
		g_assert_cmpfloat(member_hears_db(goes, even ? 441.7 : 1109.1, PEAK, 300), <, -40);
		if (even)
			g_assert_cmpfloat(fabs(member_hears_db(comes, 441.7, PEAK, 300)), <, 0.5);
		else
			g_assert_cmpfloat(member_hears_db(comes, 441.7, PEAK, 300), <, -40);
	}
	g_assert_cmpuint(moves(&h), ==, 6);
	send_away(&h, 0);
	stage_remove(h.s, ends);
	stage_step(h.s);
	stage_remove(h.s, stays);
	stage_run(h.s, 100);
	g_assert_cmpuint(talker->n_bye + other->n_bye, ==, 0);
	hall_end(&h);
}

/* A leg on its way into the room when the room leaves: it comes after, and is heard there. */
static void test_caught_between(void)
{
	struct hall h = hall_new(1000);
	struct member *ear = hall_join(&h, 0, "PCMU", 8000, 0, 20000, 0);
	struct member *talker = hall_join(&h, 1, "PCMU", 8000, 0, 20000, 441.7);

	stage_run(h.s, 500);
	for (int i = 0; i < 9; i++) {
		/* both on one thread, so that the leg goes straight from room to room */
		while (where(&h, 0) != where(&h, 1)) {
			send_away(&h, 1);
			stage_run(h.s, 100);
		}
		g_assert_cmpint(leg_set_bus(talker->leg, h.b[0]), ==, 0);
		for (int k = 0; k < i * 3; k++)
			stage_step(h.s);
		send_away(&h, 0);
		stage_run(h.s, 400);
		stage_forget(h.s);
		stage_run(h.s, 300);
		g_assert_cmpfloat(fabs(member_hears_db(ear, 441.7, PEAK, 200)), <, 0.5);
		g_assert_cmpint(leg_set_bus(talker->leg, h.b[1]), ==, 0);
		send_away(&h, 1);
		stage_run(h.s, 200);
		stage_forget(h.s);
		stage_run(h.s, 300);
		g_assert_cmpfloat(member_hears_db(ear, 441.7, PEAK, 200), <, -40);
	}
	hall_end(&h);
}

/* The room is given up while it moves, with legs in it. */
static void test_freed(void)
{
	struct hall h = hall_new(1000);
	struct member *talker = hall_join(&h, 0, "PCMU", 8000, 0, 20000, 441.7), *ear;

	stage_run(h.s, 500);
	for (int i = 0; i < 30; i += 5) {
		send_away(&h, 0);
		for (int k = 0; k < i; k++)
			stage_step(h.s);
		h.b[0] = mem_deref(h.b[0]);
		stage_run(h.s, 100);
		h.b[0] = hall_bus(h.s, false);
		g_assert_cmpint(leg_set_bus(talker->leg, h.b[0]), ==, 0);
	}
	ear = hall_join(&h, 0, "PCMU", 8000, 0, 20000, 0);
	stage_run(h.s, 600);
	g_assert_cmpfloat(fabs(member_hears_db(ear, 441.7, PEAK, 300)), <, 0.5);
	/* the engine ends while a room is on its way */
	send_away(&h, 0);
	stage_step(h.s);
	mem_deref(h.s->m);
	h.s->m = NULL;
	while (h.s->n)
		stage_remove(h.s, h.s->member[0]);
	for (int i = 0; i < 2; i++)
		mem_deref(h.b[i]);
	stage_free(h.s);
}

/* --- who decides --- */

static void pretend(struct hall *h, unsigned thread, uint32_t share)
{
	atomic_store(&h->s->m->threads[thread]->share, share);
}

/* Two rooms on a thread that has too much to do: one goes to the thread with the least, and no second one right after it. */
static void test_balance(void)
{
	struct hall h = hall_new(1000);

	hall_join(&h, 0, "PCMU", 8000, 0, 20000, 441.7);
	hall_join(&h, 1, "PCMU", 8000, 0, 20000, 441.7);
	stage_run(h.s, 100);
	while (where(&h, 1) != where(&h, 0)) {
		send_away(&h, 1);
		stage_run(h.s, 100);
	}
	while (where(&h, 0)) {
		send_away(&h, 0);
		send_away(&h, 1);
		stage_run(h.s, 100);
	}
	pretend(&h, 0, 900000);
	pretend(&h, 1, 200000);
	pretend(&h, 2, 100000);
	atomic_store(&h.b[0]->rt->share, 400000);
	atomic_store(&h.b[1]->rt->share, 300000);
	mixer_balance(h.s->m, 1000);
	stage_run(h.s, 100);
	g_assert_cmpuint(where(&h, 0), ==, 0);            /* one second is no reason */
	mixer_balance(h.s->m, 2000);
	stage_run(h.s, 100);
	g_assert_cmpuint(where(&h, 0) + where(&h, 1), ==, 2);     /* 900 - 400 or 900 - 500: the sockets are half and half */
	for (unsigned ms = 3000; ms < 7000; ms += 1000) {
		unsigned at = where(&h, 0);

		mixer_balance(h.s->m, ms);
		stage_run(h.s, 100);
		g_assert_cmpuint(where(&h, 0), ==, at);
	}
	hall_end(&h);
}

/* --- in real time --- */

/* Threads of their own: the tone goes on through 15 moves. Time is the machine's, so the numbers and not the sound decide. */
static void test_threads(void)
{
	struct mixer_conf conf = {.n_threads = 2, .port_min = 30000, .port_max = 39999};
	const struct peer_conf pc[] = {{"PCMU", 8000, 0, 1, 20000, 441.7, PEAK, false, NULL}, {"PCMU", 8000, 0, 1, 20000, 0, 0, false, NULL}};
	struct hall h = {.s = stage_new(1000)};
	struct member *mb[2];
	g_autofree float *smp = NULL;
	int n_moves = 0;
	gint64 begin;

	mem_deref(h.s->m);
	h.s->m = NULL;
	g_assert_cmpint(mixer_alloc(&h.s->m, &conf), ==, 0);
	h.b[0] = hall_bus(h.s, false);
	h.s->jitter_min_ms = 60;
	for (int i = 0; i < 2; i++) {
		mb[i] = stage_member(h.s, &pc[i]);
		g_assert_cmpint(leg_set_bus(mb[i]->leg, h.b[0]), ==, 0);
	}
	begin = g_get_monotonic_time();
	for (gint64 now = begin; now < begin + 3000000; now = g_get_monotonic_time()) {
		struct pollfd pfd = {.fd = mixer_event_fd(h.s->m), .events = POLLIN};

		for (int i = 0; i < 2; i++) {
			peer_send(mb[i]->peer, (uint64_t)now);
			peer_receive(mb[i]->peer);
		}
		if (poll(&pfd, 1, 1) > 0)
			mixer_dispatch(h.s->m);
		if (now > begin + 1000000 + n_moves * 100000 && !bus_moving(h.b[0])) {
			if (!n_moves++)
				peer_forget(mb[1]->peer);
			bus_move(h.b[0], h.s->m->threads[h.b[0]->t == h.s->m->threads[0]]);
		}
	}
	smp = peer_last(mb[1]->peer, 12000, 0);
	g_test_message("%d moves, %u packets, %u gaps in time, snr %.1f dB", n_moves, mb[1]->peer->n_packets,
		       mb[1]->peer->n_ts_gaps, signal_snr_db(smp, 12000, 8000, 441.7));
	g_assert_cmpuint(mb[1]->peer->n_seq_gaps, ==, 0);
	g_assert_cmpint(n_moves, >, 5);
	g_assert_cmpfloat(signal_tone_peak(smp, 12000, 8000, 441.7), >, PEAK / 2);
	g_assert_cmpuint(moves(&h), >, 5);
	while (h.s->n)
		stage_remove(h.s, h.s->member[0]);
	mem_deref(h.b[0]);
	stage_free(h.s);
}

/* Told on the way: heard when it has arrived, once, by all and by one alone; and what was being said goes on. */
static void test_told(void)
{
	struct hall h = hall_new(1000);
	float *smp = mem_zalloc(48000 * sizeof(*smp), NULL);
	struct leg_say p = {.smp = smp, .n = 48000, .owner = smp, .gain = 1, .under = 0};
	struct member *a = hall_join(&h, 0, "PCMU", 8000, 0, 20000, 0), *b = hall_join(&h, 0, "PCMU", 8000, 0, 20000, 0);

	signal_sine(smp, 48000, 0, 48000, 1709.3, PEAK);
	stage_run(h.s, 1000);
	send_away(&h, 0);
	g_assert_cmpint(bus_say(h.b[0], &p, 1, LEG_SAY_AFTER), ==, 0);
	g_assert_cmpint(leg_say(a->leg, &p, 1, LEG_SAY_AFTER), ==, 0);
	g_assert_cmpint(leg_say(a->leg, NULL, 0, LEG_SAY_NOW), ==, 0);
	g_assert_cmpuint(mem_nrefs(smp), ==, 2);                  /* what was cut before it left is gone at once */
	stage_run(h.s, 600);
	g_assert_cmpfloat(fabs(member_hears_db(a, 1709.3, PEAK, 300)), <, 0.7);
	send_away(&h, 0);                                         /* in the middle of it */
	stage_run(h.s, 350);
	g_assert_cmpfloat(fabs(member_hears_db(b, 1709.3, PEAK, 200)), <, 0.7);
	stage_run(h.s, 500);
	g_assert_cmpfloat(member_hears_db(b, 1709.3, PEAK, 200), <, -50);
	g_assert_cmpint(leg_say(a->leg, &p, 1, LEG_SAY_AFTER), ==, 0);
	stage_run(h.s, 100);
	g_assert_cmpint(leg_set_bus(a->leg, h.b[1]), ==, 0);      /* to a room that is elsewhere, while it is told something */
	stage_run(h.s, 600);
	g_assert_cmpfloat(fabs(member_hears_db(a, 1709.3, PEAK, 300)), <, 0.7);
	stage_run(h.s, 800);
	g_assert_cmpuint(a->n_said, ==, 1);
	g_assert_cmpuint(mem_nrefs(smp), ==, 1);
	mem_deref(smp);
	hall_end(&h);
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_autofree char *path = g_strdup_printf("/move/tone/%s", kinds[i].name);

		g_test_add_data_func(path, &kinds[i], test_tone);
	}
	g_test_add_func("/move/meanwhile", test_meanwhile);
	g_test_add_func("/move/caught-between", test_caught_between);
	g_test_add_func("/move/freed", test_freed);
	g_test_add_func("/move/balance", test_balance);
	g_test_add_func("/move/threads", test_threads);
	g_test_add_func("/move/told", test_told);
	return g_test_run();
}
