/*
 * flow-mixer-churn.c - the engine with real threads: legs come, change, move between threads and go, and
 * rooms move, while sound runs.
 *
 * Meant for the thread sanitizer. What it hears is judged loosely, as time here is the machine's.
 */
#include <sys/mman.h>
#include <dirent.h>
#include <errno.h>
#include <glib.h>
#include <math.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include <re.h>
#include "mixer/engine.h"
#include "mixer/move.h"
#include "tests/lib/signal.h"
#include "tests/lib/stage.h"

enum { N_BUS = 4, N_SLOT = 12, ROUNDS = 250 };

#define PEAK 0.25

static const struct peer_conf confs[] = {
	{"PCMU", 8000, 0, 1, 20000, 441.7, PEAK, false, NULL},
	{"PCMA", 8000, 8, 1, 20000, 703.3, PEAK, false, NULL},
	{"opus", 48000, 96, 1, 20000, 1109.1, PEAK, true, NULL},
	{"L16", 48000, 98, 2, 5000, 1500.7, PEAK, false, NULL},
};

struct slot {
	struct leg *leg;
	struct peer *peer;
	struct leg_desc desc;
	unsigned n_latched, n_events;
	bool dead;
};

static void on_event(const struct leg_event *ev, void *arg)
{
	struct slot *sl = arg;

	g_assert_false(sl->dead);                  /* never called after mem_deref(leg) */
	sl->n_events++;
	sl->n_latched += ev->type == LEG_EVENT_LATCHED;
}

static struct slot *slot_new(struct mixer *m, unsigned kind, uint32_t timeout_ms)
{
	struct slot *sl = g_new0(struct slot, 1);
	struct leg_conf lc = {.cname = "churn", .jitter_min_ms = 20, .jitter_max_ms = 200, .rtp_timeout_ms = timeout_ms,
			      .eventh = on_event, .arg = sl};

	sa_set_str(&lc.local, "127.0.0.1", 0);
	sl->peer = peer_new(&confs[kind % G_N_ELEMENTS(confs)]);
	g_assert_cmpint(leg_alloc(&sl->leg, m, &lc), ==, 0);
	sl->peer->to = *leg_local(sl->leg);
	peer_desc(sl->peer, &sl->desc);
	g_assert_cmpint(leg_set_desc(sl->leg, &sl->desc), ==, 0);
	return sl;
}

static void slot_end(struct slot **slp, GPtrArray *graves)
{
	struct slot *sl = *slp;

	mem_deref(sl->leg);
	peer_free(sl->peer);
	sl->dead = true;
	g_ptr_array_add(graves, sl);
	*slp = NULL;
}

static void turn(struct mixer *m, struct slot **slot, unsigned n, int ms)
{
	struct pollfd pfd = {.fd = mixer_event_fd(m), .events = POLLIN};
	uint64_t now = (uint64_t)g_get_monotonic_time();

	for (unsigned i = 0; i < n; i++) {
		if (!slot[i])
			continue;
		peer_send(slot[i]->peer, now);
		peer_receive(slot[i]->peer);
	}
	if (poll(&pfd, 1, ms) > 0)
		mixer_dispatch(m);
}

static struct bus *make_bus(struct mixer *m, uint32_t quantum, bool music)
{
	struct bus_conf bc = {.quantum_smp = quantum, .music = music};
	struct bus *b = NULL;

	g_assert_cmpint(bus_alloc(&b, m, &bc), ==, 0);
	return b;
}

static void poke(struct slot *sl, struct slot *other, struct bus **bus)
{
	struct leg_stats st;

	switch (g_test_rand_int_range(0, 12)) {

	case 0: case 1: leg_set_bus(sl->leg, bus[g_test_rand_int_range(0, N_BUS)]); break;
	case 2: leg_set_bus(sl->leg, NULL); break;
	case 3: leg_set_mute(sl->leg, g_test_rand_bit()); break;
	case 4: leg_set_deaf(sl->leg, g_test_rand_bit()); break;
	case 5: leg_set_gain(sl->leg, (float)g_test_rand_double_range(0, 2)); break;
	case 6: leg_set_echo(sl->leg, g_test_rand_bit()); break;
	case 7: leg_send_dtmf(sl->leg, "12"); break;
	case 8:
		sl->desc.dir = (uint8_t)g_test_rand_int_range(0, 4);
		g_assert_cmpint(leg_set_desc(sl->leg, &sl->desc), ==, 0);
		break;
	case 9:
		g_assert_cmpint(leg_set_pan(sl->leg, (float)g_test_rand_double_range(-1, 1)), ==, 0);
		break;
	case 10: case 11:
		if (other && other != sl)
			g_assert_cmpint(leg_set_view(sl->leg, other->leg, g_test_rand_bit() ? 1 : 0.5f, LEG_PAN_SAME), ==, 0);
		else
			g_assert_cmpint(leg_clear_views(sl->leg), ==, 0);
		break;
	}
	leg_stats(sl->leg, &st);
}

/* EALREADY: it is there, or on its way. */
static void move_one(struct mixer *m, struct bus **bus)
{
	struct thread *to = m->threads[g_test_rand_int_range(0, (int)m->n_threads)];
	int err = bus_move(bus[g_test_rand_int_range(0, N_BUS)], to);

	g_assert_true(!err || err == EALREADY);
}

static unsigned descriptors(void)
{
	unsigned n = 0;
	DIR *dir = opendir("/proc/self/fd");

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void wait_empty(struct mixer *m, unsigned want)
{
	for (int i = 0; i < 500 && descriptors() != want; i++)
		turn(m, NULL, 0, 10);
	g_assert_cmpuint(descriptors(), ==, want);
}

static void test_churn(void)
{
	static const uint32_t quanta[N_BUS] = {0, 120, 64, 0};
	struct mixer_conf conf = {.n_threads = 4, .port_min = 30000, .port_max = 39999};
	GPtrArray *graves = g_ptr_array_new_with_free_func(g_free);
	struct slot *slot[N_SLOT] = {NULL};
	struct bus *bus[N_BUS];
	struct mixer *m = NULL;
	struct mixer_stats ms;
	unsigned start;

	g_assert_cmpint(mixer_alloc(&m, &conf), ==, 0);
	g_assert_false(mixer_realtime(m));
	for (unsigned i = 0; i < m->n_threads; i++) {      /* one helps the other, whatever there is */
		atomic_store(&m->threads[i]->lend.from_share, 0);
		atomic_store(&m->threads[i]->lend.least, 1);
	}
	for (int i = 0; i < N_BUS; i++)
		bus[i] = make_bus(m, quanta[i], i == 2);
	start = descriptors();
	for (unsigned r = 0; r < ROUNDS; r++) {
		int i = g_test_rand_int_range(0, N_SLOT);

		if (!slot[i])
			slot[i] = slot_new(m, (unsigned)g_test_rand_int(), 300);
		else if (!g_test_rand_int_range(0, 8))
			slot_end(&slot[i], graves);
		else
			poke(slot[i], slot[g_test_rand_int_range(0, N_SLOT)], bus);
		if (!g_test_rand_int_range(0, 4))
			move_one(m, bus);
		turn(m, slot, N_SLOT, 5);
		mixer_stats(m, &ms);
	}
	for (unsigned i = 0; i < N_SLOT; i++)
		if (slot[i])
			slot_end(&slot[i], graves);
	for (int i = 0; i < N_BUS; i++)
		mem_deref(bus[i]);
	wait_empty(m, start);
	mixer_stats(m, &ms);
	g_test_message("ticks %" G_GUINT64_FORMAT " late %" G_GUINT64_FORMAT " dropped %" G_GUINT64_FORMAT
		       " rx %" G_GUINT64_FORMAT " tx %" G_GUINT64_FORMAT, ms.ticks, ms.late_ticks, ms.dropped_ticks,
		       ms.rx_packets, ms.tx_packets);
	g_assert_cmpuint(ms.legs, ==, 0);
	g_assert_cmpuint(ms.buses, ==, 0);
	g_assert_cmpuint(ms.views, ==, 0);
	g_assert_cmpuint(ms.ring_full, ==, 0);
	g_assert_cmpuint(ms.ticks, >, 100);
	g_assert_cmpuint(ms.rx_packets, >, 100);
	g_assert_cmpuint(ms.tx_packets, >, 100);
	g_assert_cmpuint(ms.moves, >, 10);
	mem_deref(m);
	g_ptr_array_unref(graves);
}

/* In the best 25 ms: these threads run in real time, and on a busy machine sound has holes. */
static double loudest_tone(const float *smp, size_t n, double hz)
{
	double loudest = 0;

	for (size_t i = 0; i + 200 <= n; i += 200)
		loudest = MAX(loudest, signal_tone_peak(smp + i, 200, 8000, hz));
	return loudest;
}

/* Moved back and forth between threads, twice before the first step is done: it ends in the last one and is heard. */
static void test_move_threads(void)
{
	struct mixer_conf conf = {.n_threads = 2, .port_min = 30000, .port_max = 39999};
	GPtrArray *graves = g_ptr_array_new_with_free_func(g_free);
	struct slot *slot[3];
	struct bus *bus[2];
	struct mixer *m = NULL;
	g_autofree float *heard = NULL, *own = NULL;
	double loudest;

	g_assert_cmpint(mixer_alloc(&m, &conf), ==, 0);
	for (int i = 0; i < 2; i++)
		bus[i] = make_bus(m, i ? 240 : 480, i == 1);
	for (unsigned i = 0; i < 3; i++)
		slot[i] = slot_new(m, i, 0);
	leg_set_bus(slot[1]->leg, bus[1]);
	for (int i = 0; i < 20; i++) {
		leg_set_bus(slot[0]->leg, bus[i % 2]);
		leg_send_dtmf(slot[0]->leg, "1");
		slot[0]->desc.dir = LEG_DIR_BOTH;
		leg_set_desc(slot[0]->leg, &slot[0]->desc);
		g_assert_cmpint(leg_set_view(slot[0]->leg, slot[1]->leg, (float)i / 38, LEG_PAN_SAME), ==, 0);
		for (int k = 0; k < i; k++)
			turn(m, slot, 3, 2);
	}
	slot_end(&slot[2], graves);
	peer_forget(slot[1]->peer);
	for (gint64 until = g_get_monotonic_time() + 1500000; g_get_monotonic_time() < until;)
		turn(m, slot, 2, 2);
	heard = peer_last(slot[1]->peer, 4000, 0);
	g_test_message("level %.1f dB", 20 * log10(loudest_tone(heard, 4000, 441.7) / PEAK));
	for (unsigned i = 0; i < 2; i++) {
		struct leg_stats st;

		leg_stats(slot[i]->leg, &st);
		g_test_message("jitter %u us, %u ms held, %" G_GUINT64_FORMAT " concealed", st.jitter_us, st.buffer_ms, st.concealed);
		g_assert_cmpuint(st.jitter_us, >, 0);     /* by the kernel's stamps it is never exactly nothing */
	}
	g_assert_cmpfloat(loudest_tone(heard, 4000, 441.7), >, PEAK / 2);
	/* and hears in its own way, as it was told when it last was under way; keys are sent in between */
	own = peer_last(slot[0]->peer, 8000, 0);
	loudest = loudest_tone(own, 8000, 703.3);
	g_test_message("own mix %.2f", loudest / PEAK);
	g_assert_cmpfloat(fabs(loudest / PEAK - 0.5), <, 0.15);
	g_assert_cmpuint(slot[0]->n_latched, ==, 1);
	/* the engine ends first, with all that is in it */
	mem_deref(m);
	for (unsigned i = 0; i < 2; i++) {
		slot_end(&slot[i], graves);
		mem_deref(bus[i]);
	}
	g_ptr_array_unref(graves);
}

/* Without a leg there is nothing to wake up for. */
static void test_idle(void)
{
	struct mixer_conf conf = {.n_threads = 2, .port_min = 30000, .port_max = 39999};
	struct mixer_stats before, after;
	struct mixer *m = NULL;
	struct bus *b;

	g_assert_cmpint(mixer_alloc(&m, &conf), ==, 0);
	b = make_bus(m, 64, false);
	turn(m, NULL, 0, 50);
	mixer_stats(m, &before);
	turn(m, NULL, 0, 200);
	mixer_stats(m, &after);
	g_assert_cmpuint(after.ticks, ==, before.ticks);
	mem_deref(b);
	mem_deref(m);
}

/* Asked for real time: had or not had, it runs. */
static void test_realtime(void)
{
	struct mixer_conf conf = {.n_threads = 1, .realtime = true, .port_min = 30000, .port_max = 39999};
	GPtrArray *graves = g_ptr_array_new_with_free_func(g_free);
	struct mixer_stats ms;
	struct mixer *m = NULL;
	struct slot *slot;
	struct bus *b;
	uint64_t took_us;
	gint64 begin_us;

	g_assert_cmpint(mixer_alloc(&m, &conf), ==, 0);
	b = make_bus(m, 120, true);
	slot = slot_new(m, 3, 0);
	g_assert_cmpint(leg_set_bus(slot->leg, b), ==, 0);
	begin_us = g_get_monotonic_time();
	for (gint64 until = g_get_monotonic_time() + 500000; g_get_monotonic_time() < until;)
		turn(m, &slot, 1, 2);
	mixer_stats(m, &ms);
	took_us = (uint64_t)(g_get_monotonic_time() - begin_us);
	for (gint64 until = g_get_monotonic_time() + 1200000; g_get_monotonic_time() < until;)
		turn(m, &slot, 1, 2);
	g_test_message("load %.4f, busy %" G_GUINT64_FORMAT " us", mixer_load(m), ms.busy_us);
	g_assert_cmpfloat(mixer_load(m), >, 0);
	g_assert_cmpfloat(mixer_load(m), <, 1.001);
	g_assert_cmpuint(ms.busy_us, >, 0);
	g_assert_cmpuint(ms.busy_us, <, took_us + 20000);
	g_test_message("realtime %d, ticks %" G_GUINT64_FORMAT " late %" G_GUINT64_FORMAT " dropped %" G_GUINT64_FORMAT,
		       mixer_realtime(m), ms.ticks, ms.late_ticks, ms.dropped_ticks);
	/* every 2.5 ms, done or dropped */
	g_assert_cmpuint(ms.ticks + ms.dropped_ticks, >=, 150);
	g_assert_cmpuint(ms.ticks + ms.dropped_ticks, <=, took_us / 2500 * 2);
	slot_end(&slot, graves);
	mem_deref(b);
	mem_deref(m);
	munlockall();
	g_ptr_array_unref(graves);
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/churn/legs", test_churn);
	g_test_add_func("/churn/move", test_move_threads);
	g_test_add_func("/churn/idle", test_idle);
	g_test_add_func("/churn/realtime", test_realtime);
	return g_test_run();
}
