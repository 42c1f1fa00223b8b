/*
 * flow-mixer-lend.c - one frame for many, sent by many hands: everybody gets every packet, in order, under its own number and key.
 *
 *     a talks )))  > room on one thread >  b, c, d ...        some with SRTP, some with keys to press; half the rest sent by another
 *
 * The order is judged where we let go of a packet: sendto is the test's own. A packet's call has to begin after that of the
 * one before it has ended, with the next number. What comes after that is the kernel's: of two frames that leave at once by two
 * processors (a machine that is late) the second may arrive first, as each processor has a queue. So what arrives must only
 * be all there, and once.
 */
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <dirent.h>
#include <glib.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <re.h>
#include "mixer/engine.h"
#include "tests/lib/signal.h"
#include "tests/lib/peer.h"

enum { N_EARS = 96, THREADS = 3, SECURE_EVERY = 3, ROOM_BYTES = 1 << 20, FRAME_TS = 160 };

#define PEAK 0.25
#define HZ   441.7

/* What was sent to one of them, in the order of the calls. */
struct wire {
	atomic_bool busy;         /* a call has not ended yet */
	bool any;                 /* this and what follows have no lock: the engine's own order has to do (tsan looks) */
	uint16_t seq;
	uint32_t ts;
	uint8_t pt;
	unsigned n, n_order;      /* not the number after the last one's */
	unsigned n_step;          /* sound that is not the frame after the last: twice, or one left out, and no marker says so */
	atomic_uint n_overlap, n_failed;
};

struct ear {
	struct peer *peer;
	struct leg *leg;
	struct leg_desc desc;
	struct wire wire;
	unsigned n_before;        /* packets heard when it was told to forget them */
};

static struct ear ears[N_EARS];
static struct ear *by_port[65536];        /* of their RTP; set before anything is sent to it */

static void wire_note(struct wire *w, const uint8_t *pkt)
{
	uint16_t seq = (uint16_t)(pkt[2] << 8 | pkt[3]);
	uint32_t ts = (uint32_t)pkt[4] << 24 | (uint32_t)pkt[5] << 16 | (uint32_t)pkt[6] << 8 | pkt[7];

	w->n_order += w->any && seq != (uint16_t)(w->seq + 1);
	w->n_step += w->any && !pkt[1] && !w->pt && ts != w->ts + FRAME_TS;      /* PCMU, without a marker */
	w->any = true;
	w->seq = seq;
	w->ts = ts;
	w->pt = pkt[1] & 0x7f;
	w->n++;
}

/* RTP only: what else is sent to that port (RTCP that shares it) has no part in its numbers. */
ssize_t sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *to, socklen_t tolen)
{
	const struct sockaddr_in *in = (const void *)to;
	struct ear *e = to && to->sa_family == AF_INET && !rtp_is_rtcp(buf, len) ? by_port[ntohs(in->sin_port)] : NULL;
	ssize_t n;

	if (!e)
		return syscall(SYS_sendto, fd, buf, len, flags, to, tolen);
	if (atomic_exchange_explicit(&e->wire.busy, true, memory_order_relaxed))
		atomic_fetch_add(&e->wire.n_overlap, 1);
	wire_note(&e->wire, buf);
	n = syscall(SYS_sendto, fd, buf, len, flags, to, tolen);
	if (n < 0)
		atomic_fetch_add(&e->wire.n_failed, 1);
	atomic_store_explicit(&e->wire.busy, false, memory_order_relaxed);
	return n;
}

static void key_init(struct leg_key *k, uint8_t seed)
{
	k->suite = LEG_SRTP_AES128_SHA1_80;
	k->len = 30;
	for (size_t i = 0; i < k->len; i++)
		k->key[i] = (uint8_t)(seed + i * 7);
}

static void ear_init(struct ear *e, struct mixer *m, struct bus *b, unsigned i)
{
	const struct peer_conf pc = {"PCMU", 8000, 0, 1, 20000, HZ, i ? 0 : PEAK, false, NULL};
	const int room = ROOM_BYTES;      /* what comes while this process has to wait for a processor */
	struct leg_conf lc = {.cname = "lend", .jitter_min_ms = 60, .jitter_max_ms = 200};

	sa_set_str(&lc.local, "127.0.0.1", 0);
	e->peer = peer_new(&pc);
	e->peer->mute = i != 0;
	setsockopt(e->peer->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	by_port[sa_port(&e->peer->local)] = e;
	g_assert_cmpint(leg_alloc(&e->leg, m, &lc), ==, 0);
	e->peer->to = *leg_local(e->leg);
	peer_desc(e->peer, &e->desc);
	if (i && i % SECURE_EVERY == 0) {
		key_init(&e->desc.srtp_tx, (uint8_t)i);
		key_init(&e->desc.srtp_rx, (uint8_t)(i + 1));
		peer_secure(e->peer, &e->desc.srtp_rx, &e->desc.srtp_tx);
	}
	g_assert_cmpint(leg_set_desc(e->leg, &e->desc), ==, 0);
	g_assert_cmpint(leg_set_bus(e->leg, b), ==, 0);
}

static void run_ms(struct mixer *m, unsigned ms)
{
	for (gint64 end = g_get_monotonic_time() + ms * 1000; g_get_monotonic_time() < end;) {
		struct pollfd pfd = {.fd = mixer_event_fd(m), .events = POLLIN};

		peer_send(ears[0].peer, (uint64_t)g_get_monotonic_time());
		for (unsigned i = 0; i < N_EARS; i++)
			peer_receive(ears[i].peer);
		if (poll(&pfd, 1, 2) > 0)
			mixer_dispatch(m);
	}
}

/* What the media threads have used of a processor, each. */
static void say_shares(const char *when)
{
	g_autoptr(GString) line = g_string_new(when);
	DIR *dir = opendir("/proc/self/task");
	struct dirent *d;

	while ((d = readdir(dir))) {
		g_autofree char *path = g_strdup_printf("/proc/self/task/%s/stat", d->d_name), *text = NULL;
		unsigned long user = 0, sys = 0;

		if (g_file_get_contents(path, &text, NULL, NULL) && strstr(text, "(media)") &&
		    sscanf(strchr(text, ')') + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &sys) == 2)
			g_string_append_printf(line, " %lu ms", (user + sys) * 10);
	}
	closedir(dir);
	g_test_message("%s", line->str);
}

static double tone_of(const struct ear *e)
{
	g_autofree float *smp = peer_last(e->peer, 8000, 0);

	return signal_tone_peak(smp, 8000, 8000, HZ);
}

static void check_wire(const struct ear *e)
{
	const struct wire *w = &e->wire;

	g_assert_cmpuint(w->n_order, ==, 0);
	g_assert_cmpuint(w->n_step, ==, 0);
	g_assert_cmpuint(atomic_load(&w->n_overlap), ==, 0);
	g_assert_cmpuint(atomic_load(&w->n_failed), ==, 0);
	g_assert_cmpuint(e->n_before + e->peer->n_packets, ==, w->n);     /* none lost, none twice */
	g_assert_cmpuint(e->peer->n_bad, ==, 0);
	g_assert_cmpuint(e->peer->n_packets, >, 50);
}

/* Ticks that were dropped are a hole for everybody: then the best of them is what each is held against. */
static void check_ears(bool holes)
{
	unsigned turned = 0;
	double best = 0;

	for (unsigned i = 1; i < N_EARS; i++) {
		peer_receive(ears[i].peer);
		check_wire(&ears[i]);
		turned += ears[i].peer->n_seq_gaps;
		best = MAX(best, tone_of(&ears[i]));
		if (i % 3 == 1 && i / 3 < 10)
			g_assert_cmpstr(ears[i].peer->keys, ==, "7");
	}
	g_test_message("%u times the kernel was not in order; the tone is %.3f of %.3f", turned, best, PEAK);
	g_assert_cmpfloat(best, >, holes ? 0 : PEAK * 0.9);
	for (unsigned i = 1; i < N_EARS; i++)
		g_assert_cmpfloat(tone_of(&ears[i]), >, best / 4);
}

static void test_lend(void)
{
	struct mixer_conf conf = {.n_threads = THREADS, .port_min = 30000, .port_max = 39999};
	const struct bus_conf bc = {0};
	struct mixer_stats before, after;
	struct mixer *m = NULL;
	struct bus *b = NULL;

	g_assert_cmpint(mixer_alloc(&m, &conf), ==, 0);
	for (unsigned i = 0; i < THREADS; i++) {
		atomic_store(&m->threads[i]->lend.least, 8);
		atomic_store(&m->threads[i]->lend.from_share, UINT32_MAX);
	}
	g_assert_cmpint(bus_alloc(&b, m, &bc), ==, 0);
	for (unsigned i = 0; i < N_EARS; i++)
		ear_init(&ears[i], m, b, i);
	run_ms(m, 1000);
	for (unsigned i = 0; i < N_EARS; i++) {
		ears[i].n_before = ears[i].peer->n_packets;
		peer_forget(ears[i].peer);
	}
	say_shares("alone:");
	mixer_stats(m, &before);
	g_assert_cmpuint(before.lent_packets, ==, 0);
	run_ms(m, 1000);
	say_shares("alone, a second more:");
	for (unsigned i = 0; i < THREADS; i++)
		atomic_store(&m->threads[i]->lend.from_share, 0);
	/* meanwhile keys are pressed, and what was agreed is agreed anew: that needs the listener back */
	for (unsigned i = 0; i < 10; i++) {
		leg_send_dtmf(ears[1 + i * 3].leg, "7");
		leg_set_desc(ears[2 + i * 5].leg, &ears[2 + i * 5].desc);
		run_ms(m, 200);
	}
	say_shares("with help, two seconds more:");
	mixer_stats(m, &after);
	g_test_message("%" G_GUINT64_FORMAT " packets, %" G_GUINT64_FORMAT " of them by helpers, %" G_GUINT64_FORMAT " ticks dropped",
		       after.tx_packets - before.tx_packets, after.lent_packets, after.dropped_ticks);
	g_assert_cmpuint(after.lent_packets, >, 0);
	g_assert_cmpuint(after.lent_packets, <, after.tx_packets);
	for (unsigned i = 0; i < N_EARS; i++)
		mem_deref(ears[i].leg);
	mem_deref(b);
	mem_deref(m);             /* its threads have ended: nothing more is sent */
	check_ears(after.dropped_ticks > 0);
	for (unsigned i = 0; i < N_EARS; i++)
		peer_free(ears[i].peer);
}

int main(int argc, char *argv[])
{
	struct rlimit lim;

	g_test_init(&argc, &argv, NULL);
	if (!getrlimit(RLIMIT_NOFILE, &lim)) {
		lim.rlim_cur = lim.rlim_max;
		setrlimit(RLIMIT_NOFILE, &lim);
	}
	g_test_add_func("/lend/room", test_lend);
	return g_test_run();
}
