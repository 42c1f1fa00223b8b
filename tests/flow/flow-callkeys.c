/*
 * flow-callkeys.c - the keys of a call's sound as ladders: two ends with their offers, legs and associations, and
 * what the line, a stranger and a later description do to them.
 *
 *     anna: offer, callkeys, leg   <---- descriptions as text, datagrams on loopback ---->   ben: the same
 *
 * Each is alone in a room and plays the tone there to the other; how loud it is at the other end is what that leg says.
 */
#include <glib.h>
#include <math.h>
#include <string.h>
#include "server/callkeys.h"
#include "server/offer.h"
#include "tests/lib/signal.h"
#include "tests/lib/sim.h"

enum { STEP_MS = 5, TONE = 4800, SILENCE = 100 /* dB under full scale */ };

struct end {
	struct bus *bus;
	struct leg *leg;
	struct callkeys *keys;
	struct offer *offer;
	struct offer_conf conf;
	unsigned n_ready, n_failed, n_dtls;
	bool deaf;                        /* takes no datagrams of DTLS */
	char why[96];
};

static struct mixer *mixer;
static struct dtlscert *cert[3];
static float tone[TONE];
static struct end anna, ben;
static uint32_t answer_ms;        /* how long an answer is on its way */

/* --- ends --- */

static void ready(void *arg)
{
	((struct end *)arg)->n_ready++;
}

static void failed(const char *why, void *arg)
{
	struct end *e = arg;

	e->n_failed++;
	g_strlcpy(e->why, why, sizeof(e->why));
}

static void leg_handler(const struct leg_event *ev, void *arg)
{
	struct end *e = arg;

	if (ev->type != LEG_EVENT_DTLS)
		return;
	e->n_dtls++;
	if (!e->deaf)
		callkeys_take(e->keys);
}

/* Its description shows the certificate `shown`, its association has `own`. */
static void end_open(struct end *e, struct dtlscert *own, struct dtlscert *shown)
{
	static const struct bus_conf bc = {.quantum_smp = 480, .alone = tone, .n_alone = TONE};
	struct leg_conf lc = {.eventh = leg_handler, .arg = e, .jitter_max_ms = 100};
	struct callkeys_conf kc = {.cert = own, .readyh = ready, .failedh = failed, .arg = e};

	memset(e, 0, sizeof(*e));
	g_assert_cmpint(sa_set_str(&lc.local, "127.0.0.1", 0), ==, 0);
	g_assert_cmpint(bus_alloc(&e->bus, mixer, &bc), ==, 0);
	g_assert_cmpint(leg_alloc(&e->leg, mixer, &lc), ==, 0);
	g_assert_cmpint(leg_set_bus(e->leg, e->bus), ==, 0);
	kc.leg = e->leg;
	g_assert_cmpint(callkeys_alloc(&e->keys, &kc), ==, 0);
	e->conf = (struct offer_conf){.media = *leg_local(e->leg), .codecs = "PCMU", .ptime_us = 20000, .srtp = OFFER_SRTP_REQUIRED,
				      .keying = OFFER_KEYING_DTLS, .dtls_fingerprint = dtlscert_fingerprint(shown)};
}

static void end_offers(struct end *e)
{
	g_assert_cmpint(offer_alloc(&e->offer, &e->conf), ==, 0);
}

static void end_close(struct end *e)
{
	e->keys  = mem_deref(e->keys);
	e->leg   = mem_deref(e->leg);
	e->bus   = mem_deref(e->bus);
	e->offer = mem_deref(e->offer);
}

static void opens(void)
{
	static const struct mixer_conf mc = {.port_min = 30000, .port_max = 33999};

	g_assert_cmpint(sim_init(7), ==, 0);
	g_assert_cmpint(mixer_alloc(&mixer, &mc), ==, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(cert); i++)
		g_assert_cmpint(dtlscert_alloc(&cert[i]), ==, 0);
	signal_sine(tone, TONE, 0, 48000, 440, 0.25);
	end_open(&anna, cert[0], cert[0]);
	end_open(&ben, cert[1], cert[1]);
}

static void turn(void)
{
	sim_advance(STEP_MS);
	mixer_turn(mixer, 1000000 + sim_now_ms() * 1000);
	mixer_dispatch(mixer);
}

static void pass(uint32_t ms)
{
	for (uint32_t t = 0; t < ms; t += STEP_MS)
		turn();
}

static void closes(void)
{
	end_close(&anna);
	end_close(&ben);
	pass(100);
	mixer = mem_deref(mixer);
	for (size_t i = 0; i < G_N_ELEMENTS(cert); i++)
		cert[i] = mem_deref(cert[i]);
	sim_loss(0);
	sim_close();
}

/* --- descriptions --- */

static void follows(struct end *e)
{
	struct leg_desc desc;

	offer_commit(e->offer);
	g_assert_cmpint(offer_leg(e->offer, false, &desc), ==, 0);
	g_assert_cmpint(callkeys_follow(e->keys, e->offer, &desc), ==, 0);
}

/* Without the line that begins with `cut` in what is offered. */
static void exchange(struct end *from, struct end *to, const char *cut)
{
	struct mbuf *offered = NULL, *answered = NULL;
	const char *why = "";
	char *text, *at;

	g_assert_cmpint(offer_make(from->offer, &offered), ==, 0);
	text = g_strndup((char *)offered->buf, offered->end);
	at = cut ? strstr(text, cut) : NULL;
	if (at)
		memmove(at, strstr(at, "\r\n") + 2, strlen(strstr(at, "\r\n") + 2) + 1);
	g_assert_cmpint(offer_answer(to->offer, &answered, &why, text, strlen(text)), ==, 0);
	follows(to);
	pass(answer_ms);
	g_assert_cmpint(offer_accept(from->offer, &why, answered->buf, answered->end), ==, 0);
	follows(from);
	g_free(text);
	mem_deref(offered);
	mem_deref(answered);
}

/* --- what is heard --- */

static struct leg_stats stats(const struct end *e)
{
	struct leg_stats st;

	leg_stats(e->leg, &st);
	return st;
}

/* The tone of amplitude 0.25 is 15 dB under full scale. */
static void both_hear(void)
{
	pass(500);
	g_assert_cmpfloat(fabs(stats(&anna).level_dbov - 15.0), <, 2);
	g_assert_cmpfloat(fabs(stats(&ben).level_dbov - 15.0), <, 2);
	g_assert_cmpuint(stats(&anna).rx_auth + stats(&ben).rx_auth + stats(&anna).rx_bad + stats(&ben).rx_bad, ==, 0);
}

static bool have_keys(uint32_t within_ms)
{
	for (uint32_t t = 0; t < within_ms && !(anna.n_ready && ben.n_ready); t += STEP_MS)
		turn();
	return anna.n_ready && ben.n_ready;
}

/* --- ladders --- */

static const struct { const char *name; enum offer_srtp srtp; bool nat; const char *cut; unsigned loss; } ways[] = {
	{"by its profile", OFFER_SRTP_REQUIRED, false, NULL, 0},
	{"OSRTP", OFFER_SRTP_OPTIONAL, false, NULL, 0},
	{"who offers begins", OFFER_SRTP_REQUIRED, true, NULL, 0},
	{"without rtcp-mux", OFFER_SRTP_REQUIRED, false, "a=rtcp-mux", 0},
	{"without tls-id", OFFER_SRTP_REQUIRED, false, "a=tls-id:", 0},
	{"one of three is lost", OFFER_SRTP_REQUIRED, false, NULL, 33},
};

static void test_agree(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(ways); i++) {
		opens();
		g_test_message("%s", ways[i].name);
		anna.conf.srtp = ways[i].srtp;
		anna.conf.srtp_offered = true;
		if (ways[i].nat)
			g_assert_cmpint(sa_set_str(&ben.conf.source, "192.0.2.1", 5060), ==, 0);
		end_offers(&anna);
		end_offers(&ben);
		sim_loss(ways[i].loss);
		exchange(&anna, &ben, ways[i].cut);
		g_assert_true(callkeys_waiting(anna.keys) && callkeys_waiting(ben.keys));
		g_assert_cmpint(callkeys_how(anna.keys), ==, LEG_KEYS_DTLS);
		pass(STEP_MS);
		g_assert_cmpuint(stats(&anna).tx_packets + stats(&ben).tx_packets, ==, 0);     /* not a packet without keys */
		g_assert_true(have_keys(ways[i].loss ? 20000 : 1200));
		sim_loss(0);
		g_assert_false(callkeys_waiting(anna.keys) || callkeys_waiting(ben.keys));
		both_hear();
		pass(10000);                              /* reports go, or are left out: none is bad */
		both_hear();
		g_assert_true((stats(&anna).rtt_us > 0) == !(ways[i].cut && strstr(ways[i].cut, "mux")));
		closes();
	}
}

/* The answer takes a moment to be read, and the first words of the handshake are not lost to that. */
static void test_soon(void)
{
	opens();
	end_offers(&anna);
	end_offers(&ben);
	answer_ms = 10;
	exchange(&anna, &ben, NULL);
	answer_ms = 0;
	g_assert_true(have_keys(100));
	both_hear();
	closes();
}

/* Hold, resume, refresh from either side: no new association, no gap in what is still sent. */
static void test_later(void)
{
	opens();
	end_offers(&anna);
	end_offers(&ben);
	exchange(&anna, &ben, NULL);
	g_assert_true(have_keys(1200));
	both_hear();
	for (int i = 0; i < 4; i++) {
		struct end *from = i & 1 ? &ben : &anna, *to = i & 1 ? &anna : &ben;

		offer_set_hold(from->offer, true);
		exchange(from, to, NULL);
		pass(1000);
		g_assert_cmpfloat(fabs(stats(to).level_dbov - 15.0), <, 2);            /* who is held still hears */
		offer_set_hold(from->offer, false);
		exchange(from, to, NULL);
		both_hear();
		exchange(to, from, NULL);
		both_hear();
	}
	g_assert_cmpuint(anna.n_ready, ==, 1);
	g_assert_cmpuint(ben.n_ready, ==, 1);
	closes();
}

/* Behind the same call is another one now, with another certificate and address. */
static void test_another_peer(void)
{
	opens();
	end_offers(&anna);
	end_offers(&ben);
	exchange(&anna, &ben, NULL);
	g_assert_true(have_keys(1200));
	both_hear();
	end_close(&ben);
	end_open(&ben, cert[2], cert[2]);
	end_offers(&ben);
	exchange(&anna, &ben, NULL);
	g_assert_true(callkeys_waiting(anna.keys));
	g_assert_true(have_keys(1500));
	for (int i = 0; i < 240 && anna.n_ready < 2; i++)
		turn();
	g_assert_cmpuint(anna.n_ready, ==, 2);
	both_hear();
	closes();
}

/* From keys in the description to DTLS and back. */
static void test_ways(void)
{
	opens();
	anna.conf.srtp = OFFER_SRTP_OPTIONAL;
	anna.conf.srtp_offered = true;
	anna.conf.keying = OFFER_KEYING_SDES;
	end_offers(&anna);
	end_offers(&ben);
	exchange(&anna, &ben, NULL);
	g_assert_cmpint(callkeys_how(anna.keys), ==, LEG_KEYS_SDES);
	g_assert_false(callkeys_waiting(anna.keys));
	both_hear();
	anna.offer = mem_deref(anna.offer);
	anna.conf.keying = OFFER_KEYING_DTLS;
	end_offers(&anna);
	exchange(&anna, &ben, NULL);
	g_assert_true(have_keys(1200));
	g_assert_cmpint(callkeys_how(ben.keys), ==, LEG_KEYS_DTLS);
	both_hear();
	anna.offer = mem_deref(anna.offer);
	anna.conf.keying = OFFER_KEYING_SDES;
	end_offers(&anna);
	exchange(&anna, &ben, NULL);
	g_assert_cmpint(callkeys_how(ben.keys), ==, LEG_KEYS_SDES);
	both_hear();
	closes();
}

/* Another certificate than the description says: not a sound, and it is told once. */
static void test_wrong_certificate(void)
{
	opens();
	end_close(&ben);
	end_open(&ben, cert[2], cert[1]);
	end_offers(&anna);
	end_offers(&ben);
	exchange(&anna, &ben, NULL);
	pass(40000);
	g_assert_cmpuint(anna.n_failed, ==, 1);
	g_assert_cmpuint(anna.n_ready, ==, 0);
	g_assert_true(anna.why[0]);
	g_assert_false(callkeys_waiting(anna.keys));
	g_assert_cmpuint(stats(&anna).tx_packets, ==, 0);
	g_assert_cmpuint(stats(&anna).level_dbov, >=, SILENCE);
	closes();
}

static void test_silent_peer(void)
{
	opens();
	end_offers(&anna);
	end_offers(&ben);
	ben.deaf = true;
	exchange(&anna, &ben, NULL);
	pass(25000);
	g_assert_cmpuint(anna.n_failed + ben.n_failed, ==, 0);
	pass(10000);
	g_assert_true(anna.n_failed == 1 && ben.n_failed == 1);
	g_assert_cmpuint(stats(&anna).tx_packets + stats(&ben).tx_packets, ==, 0);
	closes();
}

/* No certificate for it: told in the next turn, not from inside. */
static void test_no_certificate(void)
{
	opens();
	end_close(&anna);
	end_open(&anna, NULL, cert[0]);
	end_offers(&anna);
	end_offers(&ben);
	exchange(&anna, &ben, NULL);
	g_assert_cmpuint(anna.n_failed, ==, 0);
	pass(20);
	g_assert_cmpuint(anna.n_failed, ==, 1);
	closes();
}

/* While they agree, somebody else shakes hands with both, from a host of its own. */
static void test_stranger(void)
{
	static const uint8_t hello[] = {22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 1, 0, 0, 0, 0, 0, 0, 0}, alert[] = {
		21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2, 2, 40};
	struct udp_sock *us;
	struct sa local;

	opens();
	g_assert_cmpint(sa_set_str(&local, "127.0.0.2", 0), ==, 0);
	g_assert_cmpint(udp_listen(&us, &local, NULL, NULL), ==, 0);
	end_offers(&anna);
	end_offers(&ben);
	exchange(&anna, &ben, NULL);
	for (int i = 0; i < 400; i++) {
		const bool h = i & 1;
		struct mbuf *mb = mbuf_alloc(64);

		(void)mbuf_write_mem(mb, h ? hello : alert, h ? sizeof(hello) : sizeof(alert));
		mb->pos = 0;
		(void)udp_send(us, leg_local(i & 2 ? anna.leg : ben.leg), mb);
		mem_deref(mb);
		turn();
	}
	g_assert_true(anna.n_ready == 1 && ben.n_ready == 1 && !anna.n_failed && !ben.n_failed);
	g_assert_cmpuint(stats(&anna).rx_stranger, >=, 100);
	mem_deref(us);
	closes();
}

/* Freed in the middle of it. */
static void test_ends_early(void)
{
	for (uint32_t ms = 0; ms <= 60; ms += STEP_MS) {
		opens();
		end_offers(&anna);
		end_offers(&ben);
		exchange(&anna, &ben, NULL);
		pass(ms);
		anna.keys = mem_deref(anna.keys);
		anna.deaf = true;
		pass(100);
		closes();
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/callkeys/agree", test_agree);
	g_test_add_func("/callkeys/soon", test_soon);
	g_test_add_func("/callkeys/later", test_later);
	g_test_add_func("/callkeys/another-peer", test_another_peer);
	g_test_add_func("/callkeys/ways", test_ways);
	g_test_add_func("/callkeys/wrong-certificate", test_wrong_certificate);
	g_test_add_func("/callkeys/silent-peer", test_silent_peer);
	g_test_add_func("/callkeys/no-certificate", test_no_certificate);
	g_test_add_func("/callkeys/stranger", test_stranger);
	g_test_add_func("/callkeys/ends-early", test_ends_early);
	return g_test_run();
}
