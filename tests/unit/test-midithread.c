/*
 * test-midithread.c - the thread of a device that sleeps, with a pipe for a device: what comes is taken, what is due is
 * played and not before, in its order; what cannot be played is counted; a device that goes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>
#include <glib.h>
#include <re.h>
#include "client/midithread.h"

enum { PATIENCE_US = 10000000, KEYS = 128, REFUSED = 99 };

/* Its player writes into one end, and it plays into `played`. */
struct fake {
	struct midiwire *w;
	struct midithread *t;
	int fd[2];
	atomic_uint n;
	struct { uint8_t key; gint64 at_us, due_us; } played[KEYS];
};

static unsigned polls(struct pollfd *fds, void *arg)
{
	fds[0] = (struct pollfd){.fd = ((struct fake *)arg)->fd[0], .events = POLLIN};
	return 1;
}

static bool read_rt(uint64_t now_us, void *arg)
{
	struct fake *f = arg;
	uint8_t note[3];
	ssize_t n;

	while ((n = read(f->fd[0], note, sizeof(note))) == sizeof(note))
		midiwire_came_rt(f->w, now_us, note, sizeof(note));
	return n < 0 && errno == EAGAIN;
}

static bool play_rt(const struct midiwire_event *due, void *arg)
{
	struct fake *f = arg;

	if (due->data[1] == REFUSED)
		return false;
	f->played[f->n].key = due->data[1];
	f->played[f->n].at_us = g_get_monotonic_time();
	f->played[f->n].due_us = (gint64)due->at_us;
	f->n++;
	return true;
}

static const struct midithread_ops ops = {polls, read_rt, play_rt};

static void opens(struct fake *f)
{
	memset(f, 0, sizeof(*f));
	g_assert_cmpint(pipe(f->fd), ==, 0);
	g_assert_cmpint(fcntl(f->fd[0], F_SETFL, O_NONBLOCK), ==, 0);
	g_assert_cmpint(midiwire_alloc(&f->w), ==, 0);
	g_assert_cmpint(midithread_alloc(&f->t, f->w, &ops, f), ==, 0);
}

static void closes(struct fake *f)
{
	mem_deref(f->t);
	g_assert_cmpuint(mem_nrefs(f->w), ==, 1);
	mem_deref(f->w);
	close(f->fd[0]);
	if (f->fd[1] >= 0)
		close(f->fd[1]);
}

static bool has_played(const struct fake *f, unsigned n)
{
	for (gint64 end = g_get_monotonic_time() + PATIENCE_US; f->n < n && g_get_monotonic_time() < end;)
		g_usleep(500);
	return f->n >= n;
}

static void plays(struct fake *f, gint64 at_us, uint8_t key)
{
	const uint8_t note[] = {0x90, key, 100};

	g_assert_cmpint(midiwire_play(f->w, (uint64_t)at_us, note, sizeof(note)), ==, 0);
}

static void test_in(void)
{
	const gint64 before = g_get_monotonic_time();
	struct midiwire_event ev;
	struct fake f;

	opens(&f);
	for (uint8_t i = 0; i < KEYS; i++) {
		const uint8_t note[] = {0x90, i, 1};
		struct pollfd p = {.fd = midiwire_fd(f.w), .events = POLLIN};

		g_assert_cmpint(write(f.fd[1], note, sizeof(note)), ==, sizeof(note));
		g_assert_cmpint(poll(&p, 1, PATIENCE_US / 1000), ==, 1);
		g_assert_true(midiwire_take(f.w, &ev));
		g_assert_cmpmem(ev.data, ev.len, note, sizeof(note));
		g_assert_cmpint((gint64)ev.at_us, >=, before);
		g_assert_cmpint((gint64)ev.at_us, <=, g_get_monotonic_time());
		g_assert_false(midiwire_take(f.w, &ev));
	}
	closes(&f);
}

/* The last is due first. false: it was due before all were said. */
static bool says_all(struct fake *f, gint64 lead_us)
{
	const gint64 first_us = g_get_monotonic_time() + lead_us;

	for (uint8_t i = 0; i < KEYS; i++)
		plays(f, first_us + (KEYS - i) * 500, i == REFUSED ? 0 : i);
	return g_get_monotonic_time() < first_us;
}

/* Said in another order than they are due in; the next is put before those that wait already. */
static void test_out(void)
{
	struct fake f;

	opens(&f);
	for (gint64 lead_us = 50000; !says_all(&f, lead_us); lead_us *= 2) {      /* a machine with much to do */
		closes(&f);
		opens(&f);
	}
	g_assert_true(has_played(&f, KEYS));
	for (unsigned i = 0; i < KEYS; i++) {
		g_assert_cmpint(f.played[i].at_us, >=, f.played[i].due_us);
		g_assert_cmpint(f.played[i].due_us, >=, f.played[i ? i - 1 : 0].due_us);
	}
	closes(&f);
}

static void test_refused(void)
{
	struct midiwire_stats s;
	struct fake f;

	opens(&f);
	plays(&f, 1, REFUSED);
	plays(&f, 2, 60);
	g_assert_true(has_played(&f, 1));
	midiwire_stats(f.w, &s);
	g_assert_cmpuint(s.out, ==, 1);
	g_assert_cmpuint(s.dropped, ==, 1);
	closes(&f);
}

static void test_gone(void)
{
	struct fake f;

	opens(&f);
	g_assert_false(midithread_gone(f.t));
	close(f.fd[1]);
	f.fd[1] = -1;
	for (gint64 end = g_get_monotonic_time() + PATIENCE_US; !midithread_gone(f.t) && g_get_monotonic_time() < end;)
		g_usleep(500);
	g_assert_true(midithread_gone(f.t));
	plays(&f, 1, 60);                 /* nobody plays it */
	closes(&f);
}

/* It ends at once with something to play an hour later. */
static void test_ends(void)
{
	const gint64 now = g_get_monotonic_time();
	struct fake f;

	opens(&f);
	plays(&f, now + G_GINT64_CONSTANT(3600000000), 60);
	closes(&f);
	g_assert_cmpint(g_get_monotonic_time() - now, <, PATIENCE_US);
	g_assert_cmpuint(f.n, ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/midithread/in", test_in);
	g_test_add_func("/midithread/out", test_out);
	g_test_add_func("/midithread/refused", test_refused);
	g_test_add_func("/midithread/gone", test_gone);
	g_test_add_func("/midithread/ends", test_ends);
	return g_test_run();
}
