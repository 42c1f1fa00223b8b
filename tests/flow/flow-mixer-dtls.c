/*
 * flow-mixer-dtls.c - two rooms joined by a line whose keys the two legs agree on themselves (RFC 5764); on one clock.
 *
 *     peer 441.7 Hz ))) room 0 > leg a  ~~~ DTLS, then SRTP ~~~  leg b < room 1 ((( peer 703.3 Hz
 *                                        a stranger ^
 */
#include <glib.h>
#include <math.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "mixer/dtlskey.h"
#include "mixer/engine.h"
#include "mixer/leg.h"
#include "mixer/move.h"
#include "tests/lib/signal.h"
#include "tests/lib/sim.h"
#include "tests/lib/stage.h"

#define PEAK 0.25

enum { N_TURNED = 2 };

static const double tone[2] = {441.7, 703.3};

struct side {
	struct leg *leg;
	struct leg_desc desc;
	struct bus *bus;
	struct member *mb;
	struct dtlscert *cert;
	struct dtlskey *key;
	unsigned n_events, n_keys;
	bool deaf;                        /* does not take what its leg has for it */
};

struct line { struct stage *s; struct side side[2]; };

static void on_event(const struct leg_event *ev, void *arg)
{
	struct side *d = arg;
	uint8_t buf[LEG_DTLS_MAX];
	size_t len = sizeof(buf);
	struct sa from;

	if (ev->type != LEG_EVENT_DTLS)
		return;
	d->n_events++;
	for (; !d->deaf && leg_take_dtls(d->leg, buf, &len, &from); len = sizeof(buf))
		if (d->key)
			dtlskey_take(d->key, buf, len, &from);
}

static void on_send(const uint8_t *buf, size_t len, const struct sa *to, void *arg)
{
	struct side *d = arg;

	g_assert_cmpint(leg_send_dtls(d->leg, buf, len, to), ==, 0);
}

static void on_keys(const struct leg_key *tx, const struct leg_key *rx, void *arg)
{
	struct side *d = arg;

	d->n_keys++;
	d->desc.srtp_tx = *tx;
	d->desc.srtp_rx = *rx;
	g_assert_cmpint(leg_set_desc(d->leg, &d->desc), ==, 0);
}

static void on_failed(const char *why, void *arg)
{
	(void)arg;
	g_error("%s", why);
}

static void side_new(struct line *l, int i, const char *codec, uint32_t clock, uint8_t pt)
{
	struct peer_conf pc = {codec, clock, pt, 1, 20000, tone[i], PEAK, false, NULL};
	struct side *d = &l->side[i];
	struct leg_conf lc = {.cname = "line@test", .jitter_min_ms = 20, .jitter_max_ms = 200, .eventh = on_event, .arg = d};
	struct bus_conf bc = {.music = false};

	g_assert_cmpint(bus_alloc(&d->bus, l->s->m, &bc), ==, 0);
	d->mb = stage_member(l->s, &pc);
	g_assert_cmpint(leg_set_bus(d->mb->leg, d->bus), ==, 0);
	g_assert_cmpint(sa_set_str(&lc.local, "127.0.0.1", 0), ==, 0);
	g_assert_cmpint(leg_alloc(&d->leg, l->s->m, &lc), ==, 0);
	g_assert_cmpint(leg_set_bus(d->leg, d->bus), ==, 0);
	g_assert_cmpint(dtlscert_alloc(&d->cert), ==, 0);
	d->desc = d->mb->desc;
	d->desc.dtls = d->desc.rtcp_mux = true;
	sa_init(&d->desc.rtcp, AF_UNSPEC);
}

static struct line *line_new(uint32_t seed, const char *codec, uint32_t clock, uint8_t pt)
{
	struct mixer_conf conf = {.n_turned = N_TURNED, .port_min = 40000, .port_max = 49999};
	struct line *l = g_new0(struct line, 1);

	g_assert_cmpint(sim_init(seed), ==, 0);
	l->s = stage_new(1000);
	l->s->m = mem_deref(l->s->m);
	g_assert_cmpint(mixer_alloc(&l->s->m, &conf), ==, 0);
	for (int i = 0; i < 2; i++)
		side_new(l, i, codec, clock, pt);
	for (int i = 0; i < 2; i++) {
		l->side[i].desc.rtp = *leg_local(l->side[1 - i].leg);
		g_assert_cmpint(leg_set_desc(l->side[i].leg, &l->side[i].desc), ==, 0);
	}
	return l;
}

/* Sound and the loop on one clock. */
static void line_run(struct line *l, uint32_t ms)
{
	for (uint32_t i = 0; i < ms; i++) {
		stage_step(l->s);
		sim_advance(1);
	}
}

static void line_free(struct line *l)
{
	unsigned n = 0;

	for (int i = 0; i < 2; i++) {
		mem_deref(l->side[i].key);
		mem_deref(l->side[i].leg);
		mem_deref(l->side[i].cert);
		mem_deref(l->side[i].bus);
	}
	line_run(l, 100);
	for (unsigned i = 0; i < l->s->n; i++)
		n += l->s->member[i]->leg != NULL;
	g_assert_cmpuint(list_count(&l->s->m->legs), ==, n);
	stage_free(l->s);
	g_free(l);
	sim_close();
}

static void line_key(struct line *l, int i)
{
	struct side *d = &l->side[i];
	struct dtlskey_conf conf = {.peer = {.on = true, .active = i == 0}, .addr = d->desc.rtp, .cert = d->cert, .sendh = on_send,
				    .keysh = on_keys, .failedh = on_failed, .arg = d};

	g_strlcpy(conf.peer.fingerprint, dtlscert_fingerprint(l->side[1 - i].cert), sizeof(conf.peer.fingerprint));
	mem_deref(d->key);
	g_assert_cmpint(dtlskey_alloc(&d->key, &conf), ==, 0);
}

static struct leg_stats stats(const struct side *d)
{
	struct leg_stats st;

	leg_stats(d->leg, &st);
	return st;
}

static void assert_silent(const struct line *l)
{
	for (int i = 0; i < 2; i++) {
		g_assert_cmpuint(stats(&l->side[i]).tx_packets, ==, 0);
		g_assert_cmpuint(stats(&l->side[i]).rx_packets, ==, 0);
	}
}

static void assert_heard(const struct line *l)
{
	for (int i = 0; i < 2; i++) {
		const struct leg_stats st = stats(&l->side[i]);

		g_assert_cmpfloat(fabs(member_hears_db(l->side[i].mb, tone[1 - i], PEAK, 500)), <, 0.5);
		g_assert_cmpuint(st.rx_auth + st.rx_bad, ==, 0);
		g_assert_true(st.latched);
	}
}

/* --- ladders --- */

static void test_agree(void)
{
	struct line *l = line_new(1, "PCMU", 8000, 0);

	line_run(l, 1000);
	assert_silent(l);                 /* they know each other's address, and have no keys yet */
	line_key(l, 1);
	line_key(l, 0);
	line_run(l, 300);
	g_assert_cmpuint(l->side[0].n_keys, ==, 1);
	g_assert_cmpuint(l->side[1].n_keys, ==, 1);
	line_run(l, 2000);
	assert_heard(l);
	g_assert_cmpuint(stats(&l->side[0]).rx_dtls, >, 1);
	g_assert_cmpuint(stats(&l->side[0]).dtls_dropped, ==, 0);
	g_assert_cmpuint(l->side[0].mb->n_bye + l->side[1].mb->n_bye, ==, 0);
	line_free(l);
}

static void test_loss(void)
{
	unsigned n = 0;

	for (uint32_t seed = 1; seed <= 5; seed++) {
		struct line *l = line_new(seed, "opus", 48000, 96);

		sim_loss(30);
		line_key(l, 1);
		line_key(l, 0);
		for (int i = 0; i < 200 && !(l->side[0].n_keys && l->side[1].n_keys); i++)
			line_run(l, 100);
		sim_loss(0);
		line_run(l, 4000);        /* who was unlucky has his next turn within 3 s */
		n += l->side[0].n_keys + l->side[1].n_keys;
		assert_heard(l);
		line_free(l);
	}
	g_assert_cmpuint(n, ==, 10);
}

/* --- who else speaks --- */

static int socket_at(const char *host)
{
	struct sa sa;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	g_assert_cmpint(sa_set_str(&sa, host, 0), ==, 0);
	g_assert_cmpint(bind(fd, &sa.u.sa, sa.len), ==, 0);
	return fd;
}

static void say(int fd, const struct sa *to, uint8_t first, size_t len)
{
	uint8_t buf[LEG_DTLS_MAX + 1];

	memset(buf, 0x55, sizeof(buf));
	buf[0] = first;
	g_assert_cmpint(sendto(fd, buf, len, 0, &to->u.sa, to->len), ==, (ssize_t)len);
}

/* From another host nothing is taken, before and after; from that which signals, any port, until the peer is known. */
static void test_stranger(void)
{
	struct line *l = line_new(2, "PCMU", 8000, 0);
	const int far = socket_at("127.0.0.2"), near = socket_at("127.0.0.3");
	struct side *b = &l->side[1];
	uint64_t dtls;

	g_assert_cmpint(sa_set_str(&b->desc.source, "127.0.0.3", 5060), ==, 0);
	g_assert_cmpint(leg_set_desc(b->leg, &b->desc), ==, 0);
	line_run(l, 10);
	for (uint8_t first = 20; first < 64; first++)
		say(far, leg_local(b->leg), first, 60);
	line_run(l, 10);
	g_assert_cmpuint(stats(b).rx_stranger, ==, 44);
	g_assert_cmpuint(stats(b).rx_dtls, ==, 0);
	say(near, leg_local(b->leg), 19, 60);     /* none of DTLS */
	say(near, leg_local(b->leg), 64, 60);
	say(near, leg_local(b->leg), 20, 60);
	say(near, leg_local(b->leg), 63, 60);
	line_run(l, 10);
	g_assert_cmpuint(stats(b).rx_dtls, ==, 2);
	g_assert_cmpuint(stats(b).discarded, ==, 2);
	line_key(l, 1);
	line_key(l, 0);
	for (int i = 0; i < 300; i++) {           /* all the while */
		say(far, leg_local(b->leg), 22, 60);
		say(near, leg_local(b->leg), 22, 60);
		line_run(l, 1);
	}
	line_run(l, 2000);
	assert_heard(l);
	dtls = stats(b).rx_dtls;
	say(near, leg_local(b->leg), 22, 60);
	line_run(l, 10);
	g_assert_cmpuint(stats(b).rx_dtls, ==, dtls);
	close(far);
	close(near);
	line_free(l);
}

/* With no keys: no sound, no reports, no BYE; and what comes in the clear is not heard. */
static void test_nothing_in_the_clear(void)
{
	struct line *l = line_new(3, "PCMU", 8000, 0);
	struct member *mb = l->side[0].mb;

	line_run(l, 100);
	g_assert_cmpuint(mb->peer->n_packets, >, 0);
	mb->desc.dtls = true;
	member_set(mb);
	line_run(l, 100);
	peer_forget(mb->peer);
	mb->peer->n_packets = mb->peer->n_rtcp = 0;
	g_assert_cmpint(leg_send_dtmf(mb->leg, "5"), ==, 0);
	line_run(l, 15000);
	g_assert_cmpuint(mb->peer->n_packets + mb->peer->n_rtcp + mb->peer->n_other, ==, 0);
	g_assert_cmpuint(member_stats(mb).rx_packets, <, 12);
	g_assert_cmpuint(member_stats(mb).discarded, >, 600);
	mb->leg = mem_deref(mb->leg);
	line_run(l, 100);
	g_assert_cmpuint(mb->peer->n_packets + mb->peer->n_rtcp + mb->peer->n_rtcp_bye, ==, 0);
	line_free(l);
}

/* The keys are those of one path: without rtcp-mux there are no reports, by whichever end. */
static void test_reports(void)
{
	for (int mux = 0; mux < 2; mux++) {
		struct line *l = line_new(7, "PCMU", 8000, 0);
		uint64_t rtp[2], n[2];

		for (int i = 0; i < 2; i++) {
			l->side[i].desc.rtcp_mux = mux;
			g_assert_cmpint(leg_set_desc(l->side[i].leg, &l->side[i].desc), ==, 0);
		}
		line_key(l, 1);
		line_key(l, 0);
		line_run(l, 20000);
		assert_heard(l);
		for (int i = 0; i < 2; i++) {
			n[i] = stats(&l->side[i]).tx_packets;
			rtp[i] = l->side[i].leg->rt->rep.packets;
		}
		g_assert_cmpint(n[0] > rtp[0], ==, mux);
		g_assert_cmpint(n[1] > rtp[1], ==, mux);
		line_free(l);
	}
}

/* --- the ring --- */

static unsigned take_all(struct side *d, size_t len_expected)
{
	uint8_t buf[LEG_DTLS_MAX];
	size_t len = sizeof(buf);
	struct sa from;
	unsigned n = 0;

	for (; leg_take_dtls(d->leg, buf, &len, &from); len = sizeof(buf), n++) {
		g_assert_cmpuint(len, ==, len_expected);
		g_assert_true(sa_cmp(&from, &d->desc.rtp, SA_ALL));
	}
	return n;
}

/* What waits is kept through descriptions and from thread to thread; what is too much or too long is counted. */
static void test_ring(void)
{
	struct line *l = line_new(4, "PCMU", 8000, 0);
	struct side *a = &l->side[0], *b = &l->side[1];
	uint8_t buf[LEG_DTLS_MAX] = {22};
	size_t len = 5;
	struct sa from;

	b->deaf = true;
	line_run(l, 10);
	for (int i = 0; i < 20; i++)
		g_assert_cmpint(leg_send_dtls(a->leg, buf, 100, leg_local(b->leg)), ==, 0);
	line_run(l, 30);
	g_assert_cmpuint(stats(b).rx_dtls, ==, 20);
	g_assert_cmpuint(stats(b).dtls_dropped, ==, 20 - LEG_DTLS_WAITING);
	g_assert_cmpuint(b->n_events, ==, 20);
	g_assert_cmpint(leg_set_desc(b->leg, &b->desc), ==, 0);
	line_run(l, 30);
	g_assert_cmpint(bus_move(b->bus, l->s->m->threads[b->bus->t == l->s->m->threads[0]]), ==, 0);
	line_run(l, 100);
	g_assert_cmpuint(take_all(b, 100), ==, LEG_DTLS_WAITING);
	for (int i = 0; i < 5; i++)
		g_assert_cmpint(leg_send_dtls(a->leg, buf, LEG_DTLS_MAX, leg_local(b->leg)), ==, 0);
	line_run(l, 30);
	g_assert_false(leg_take_dtls(b->leg, buf, &len, &from));  /* none has room there */
	g_assert_cmpint(leg_send_dtls(a->leg, buf, 30, leg_local(b->leg)), ==, 0);
	line_run(l, 30);
	g_assert_cmpuint(take_all(b, 30), ==, 1);
	buf[0] = 0x80;
	g_assert_cmpint(leg_send_dtls(a->leg, buf, 100, leg_local(b->leg)), ==, EINVAL);
	buf[0] = 22;
	g_assert_cmpint(leg_send_dtls(a->leg, buf, LEG_DTLS_MAX + 1, leg_local(b->leg)), ==, EINVAL);
	sa_init(&from, AF_INET);
	g_assert_cmpint(leg_send_dtls(a->leg, buf, 100, &from), ==, EINVAL);
	line_free(l);
}

static void test_too_long(void)
{
	struct line *l = line_new(5, "PCMU", 8000, 0);
	const int near = socket_at("127.0.0.3");
	struct side *b = &l->side[1];

	g_assert_cmpint(sa_set_str(&b->desc.source, "127.0.0.3", 5060), ==, 0);
	g_assert_cmpint(leg_set_desc(b->leg, &b->desc), ==, 0);
	line_run(l, 10);
	say(near, leg_local(b->leg), 22, LEG_DTLS_MAX + 1);
	line_run(l, 30);
	g_assert_cmpuint(stats(b).rx_dtls, ==, 1);
	g_assert_cmpuint(stats(b).dtls_dropped, ==, 1);
	close(near);
	line_free(l);
}

/* --- what is heard of it --- */

static float steepest(const float *smp, size_t n)
{
	float max = 0;

	for (size_t i = 1; i < n; i++)
		max = fmaxf(max, fabsf(smp[i] - smp[i - 1]));
	return max;
}

/* Keys come: no step in the sound is higher than the tone's own. Others take their place: nothing is missing. */
static void test_no_click(void)
{
	struct line *l = line_new(6, "L16", 48000, 98);
	const float own = (float)(PEAK * 2 * G_PI * tone[1] / 48000);
	g_autofree float *first = NULL, *later = NULL;
	uint64_t missing, before;
	double snr;

	line_run(l, 1000);
	peer_forget(l->side[0].mb->peer);
	line_key(l, 1);
	line_key(l, 0);
	line_run(l, 1000);
	first = peer_last(l->side[0].mb->peer, 43200, 0);
	g_test_message("the steepest step is %.2f of the tone's own", (double)(steepest(first, 43200) / own));
	g_assert_cmpfloat(steepest(first, 43200), <, 1.1f * own);
	assert_heard(l);
	before = stats(&l->side[0]).rx_packets;
	missing = stats(&l->side[0]).concealed + stats(&l->side[0]).rx_lost;
	line_key(l, 1);                           /* both ends know it by signalling */
	line_key(l, 0);
	line_run(l, 1000);
	g_assert_cmpuint(l->side[0].n_keys, ==, 2);
	g_assert_cmpuint(l->side[1].n_keys, ==, 2);
	later = peer_last(l->side[0].mb->peer, 43200, 0);
	snr = signal_snr_db(later, 43200, 48000, tone[1]);
	g_test_message("other keys: %.1f dB, %u packets", snr, (unsigned)(stats(&l->side[0]).rx_packets - before));
	g_assert_cmpuint(stats(&l->side[0]).concealed + stats(&l->side[0]).rx_lost - missing, <=, 1);
	g_assert_cmpuint(stats(&l->side[0]).rx_auth, <=, 1);
	line_free(l);
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/mixer-dtls/agree", test_agree);
	g_test_add_func("/mixer-dtls/loss", test_loss);
	g_test_add_func("/mixer-dtls/stranger", test_stranger);
	g_test_add_func("/mixer-dtls/nothing-in-the-clear", test_nothing_in_the_clear);
	g_test_add_func("/mixer-dtls/reports", test_reports);
	g_test_add_func("/mixer-dtls/ring", test_ring);
	g_test_add_func("/mixer-dtls/too-long", test_too_long);
	g_test_add_func("/mixer-dtls/no-click", test_no_click);
	return g_test_run();
}
