/* The sessions of one pair of ports, packets carried by hand: who gets in, who does not, and who can harm whom. */
#include <glib.h>
#include <string.h>
#include "osc/applepeers.h"
#include "osc/siphash.h"

enum { SECOND = 1000000, OURS = 0x7077 };

static struct world {
	struct applepeers *t;
	struct applepeers_out out;
	uint64_t now_us;
} w;

/* The list has everybody but eve. */
static bool not_eve(const struct sa *from, void *arg)
{
	struct sa eve;

	g_assert_true(arg == &w);
	g_assert_cmpint(sa_set_str(&eve, "10.0.0.66", 0), ==, 0);
	return !sa_cmp(from, &eve, SA_ADDR);
}

static void begin(unsigned max, unsigned per_address)
{
	const struct applepeers_conf conf = {.ssrc = OURS, .secret = {1, 2}, .name = "band on loft", .max = max,
		.max_per_address = per_address, .allow = not_eve, .arg = &w};

	w = (struct world){.now_us = 1000u * SECOND};
	g_assert_cmpint(applepeers_alloc(&w.t, &conf), ==, 0);
}

static void end(void)
{
	w.t = mem_deref(w.t);
}

/* A peer by hand: its address, its SSRC, its token. */
struct hand {
	const char *ip;
	uint16_t port;
	uint32_t ssrc, token;
};

static struct sa address(const struct hand *h, enum applesession_port port)
{
	struct sa sa;

	g_assert_cmpint(sa_set_str(&sa, h->ip, (uint16_t)(h->port + (port == APPLEMIDI_DATA))), ==, 0);
	return sa;
}

static void say(const struct hand *h, enum applesession_port port, const struct applemidi *pkt)
{
	const struct sa from = address(h, port);
	uint8_t buf[APPLEMIDI_PACKET_MAX];
	size_t len = sizeof(buf);

	g_assert_cmpint(applemidi_write(buf, &len, pkt), ==, 0);
	w.now_us += 1000;
	applepeers_recv(w.t, &w.out, port, &from, buf, len, w.now_us);
	for (unsigned i = 0; i < w.out.n; i++)
		g_assert_true(sa_cmp(&w.out.send[i].to, &from, SA_ALL));          /* nobody else is ever answered */
}

/* What it is answered; 0: nothing. */
static enum applemidi_kind answer(struct applemidi *pkt)
{
	g_assert_cmpuint(w.out.n, <=, 1);
	if (!w.out.n)
		return (enum applemidi_kind)0;
	g_assert_cmpint(applemidi_read(pkt, w.out.send[0].buf, w.out.send[0].len), ==, 0);
	return pkt->kind;
}

static enum applemidi_kind invite(const struct hand *h, enum applesession_port port)
{
	struct applemidi pkt = {.kind = APPLEMIDI_IN, .ssrc = h->ssrc, .token = h->token, .name = "anna"};

	say(h, port, &pkt);
	return answer(&pkt);
}

/* From its first clock packet to the answer of ours; told: what it is to tell back. */
static enum applemidi_kind clock_0(const struct hand *h, uint64_t *told)
{
	struct applemidi pkt = {.kind = APPLEMIDI_CK, .ssrc = h->ssrc, .time = {12345}};
	enum applemidi_kind kind;

	say(h, APPLEMIDI_DATA, &pkt);
	kind = answer(&pkt);
	*told = pkt.time[1];
	return kind;
}

/* The slot of a player, or -1. */
static int clock_2(const struct hand *h, uint64_t told)
{
	const struct applemidi pkt = {.kind = APPLEMIDI_CK, .ssrc = h->ssrc, .count = 2, .time = {12345, told, 12400}};

	say(h, APPLEMIDI_DATA, &pkt);
	return w.out.proven;
}

static int enter(const struct hand *h)
{
	uint64_t told;

	if (invite(h, APPLEMIDI_CONTROL) != APPLEMIDI_OK || invite(h, APPLEMIDI_DATA) != APPLEMIDI_OK)
		return -1;
	g_assert_cmpint(clock_0(h, &told), ==, APPLEMIDI_CK);
	return clock_2(h, told);
}

static void rtp(const struct hand *h, enum applesession_port port, uint32_t ssrc)
{
	uint8_t buf[13] = {0x80, 97, 0, 1, 0, 0, 0, 0, (uint8_t)(ssrc >> 24), (uint8_t)(ssrc >> 16), (uint8_t)(ssrc >> 8), (uint8_t)ssrc};
	const struct sa from = address(h, port);

	applepeers_recv(w.t, &w.out, port, &from, buf, sizeof(buf), w.now_us);
	g_assert_cmpuint(w.out.n, ==, 0);
}

static const struct hand anna = {"10.0.0.1", 5004, 0xa, 77}, bob = {"10.0.0.2", 5004, 0xb, 78}, eve = {"10.0.0.66", 5004, 0xe, 79};

static void test_ladder(void)
{
	const struct applemidi rs = {.kind = APPLEMIDI_RS, .ssrc = 0xa, .seq = 4711};
	const struct applemidi by = {.kind = APPLEMIDI_BY, .ssrc = 0xa, .token = 77};
	struct applemidi pkt;
	uint64_t told;
	int slot;

	begin(4, 0);
	g_assert_cmpint(invite(&anna, APPLEMIDI_CONTROL), ==, APPLEMIDI_OK);
	g_assert_cmpint(answer(&pkt), ==, APPLEMIDI_OK);
	g_assert_cmpstr(pkt.name, ==, "band on loft");
	g_assert_cmphex(pkt.ssrc, ==, OURS);
	g_assert_cmpint(invite(&anna, APPLEMIDI_CONTROL), ==, APPLEMIDI_OK);      /* ours was lost */
	g_assert_cmpint(invite(&anna, APPLEMIDI_DATA), ==, APPLEMIDI_OK);
	rtp(&anna, APPLEMIDI_DATA, 0xa);
	g_assert_cmpint(w.out.rtp, ==, -1);                                        /* not proven yet */
	g_assert_cmpint(clock_0(&anna, &told), ==, APPLEMIDI_CK);
	slot = clock_2(&anna, told);
	g_assert_cmpint(slot, >=, 0);
	g_assert_cmpstr(applepeers_get(w.t, (unsigned)slot)->session.peer_name, ==, "anna");
	g_assert_cmpint(clock_2(&anna, told), ==, -1);                             /* once */

	rtp(&anna, APPLEMIDI_DATA, 0xa);
	g_assert_cmpint(w.out.rtp, ==, slot);
	rtp(&anna, APPLEMIDI_DATA, 0xb);                                           /* another SSRC than the session's */
	g_assert_cmpint(w.out.rtp, ==, -1);
	rtp(&anna, APPLEMIDI_CONTROL, 0xa);
	g_assert_cmpint(w.out.rtp, ==, -1);

	say(&anna, APPLEMIDI_CONTROL, &rs);
	g_assert_cmpint(w.out.reported, ==, slot);
	g_assert_cmpuint(w.out.seq, ==, 4711);
	applepeers_feedback(w.t, &w.out, (unsigned)slot, 99);
	g_assert_cmpint(answer(&pkt), ==, APPLEMIDI_RS);
	g_assert_cmpuint(pkt.seq, ==, 99);

	/* Times in RTP are those of the clock it was shown. */
	g_assert_cmpuint(clock_0(&anna, &told), ==, APPLEMIDI_CK);
	g_assert_cmpuint(applepeer_time(applepeers_get(w.t, (unsigned)slot), w.now_us), ==, (uint32_t)told);

	say(&anna, APPLEMIDI_CONTROL, &by);
	g_assert_cmpint(w.out.closed, ==, slot);
	g_assert_null(applepeers_get(w.t, (unsigned)slot));
	g_assert_cmpuint(applepeers_due_us(w.t), ==, UINT64_MAX);
	end();
}

/* What another's packets do to a session: nothing. */
static void test_forged(void)
{
	const struct hand forger[] = {
		{"10.0.0.9", 5004, 0xa, 77},     /* another address */
		{"10.0.0.1", 6000, 0xa, 77},     /* another port */
		{"10.0.0.1", 5004, 0xf, 77},     /* another SSRC */
		{"10.0.0.1", 5004, 0xa, 78},     /* another token */
	};
	int slot;

	begin(4, 0);
	slot = enter(&anna);
	g_assert_cmpint(slot, >=, 0);
	for (unsigned i = 0; i < G_N_ELEMENTS(forger); i++) {
		const struct applemidi by = {.kind = APPLEMIDI_BY, .ssrc = forger[i].ssrc, .token = forger[i].token};

		for (int port = APPLEMIDI_CONTROL; port <= APPLEMIDI_DATA; port++) {
			say(&forger[i], (enum applesession_port)port, &by);
			g_assert_cmpint(w.out.closed, ==, -1);
			g_assert_cmpuint(w.out.n, ==, 0);
		}
	}
	g_assert_nonnull(applepeers_get(w.t, (unsigned)slot));
	g_assert_cmpuint(applepeers_stats(w.t)->stranger, ==, 8);

	/* Data port: the invitation of the control port has said from which host. */
	g_assert_cmpint(invite(&bob, APPLEMIDI_CONTROL), ==, APPLEMIDI_OK);
	g_assert_cmpint(invite(&(struct hand){"10.0.0.9", 5004, 0xb, 78}, APPLEMIDI_DATA), ==, APPLEMIDI_NO);
	g_assert_cmpint(invite(&(struct hand){"10.0.0.2", 5004, 0xb, 79}, APPLEMIDI_DATA), ==, APPLEMIDI_NO);
	g_assert_cmpint(invite(&bob, APPLEMIDI_DATA), ==, APPLEMIDI_OK);
	g_assert_cmpint(invite(&(struct hand){"10.0.0.2", 7000, 0xb, 78}, APPLEMIDI_DATA), ==, APPLEMIDI_NO);
	end();
}

/* Whoever does not get our answers can not tell the time back; and what is told differs from session to session. */
static void test_blind(void)
{
	uint64_t told, other;

	begin(4, 0);
	g_assert_cmpint(invite(&anna, APPLEMIDI_CONTROL), ==, APPLEMIDI_OK);
	g_assert_cmpint(invite(&anna, APPLEMIDI_DATA), ==, APPLEMIDI_OK);
	g_assert_cmpint(clock_0(&anna, &told), ==, APPLEMIDI_CK);
	for (uint64_t guess = 1; guess < 8; guess++)
		g_assert_cmpint(clock_2(&anna, told + guess), ==, -1);
	g_assert_nonnull(applepeers_get(w.t, 0));
	g_assert_cmpint(clock_2(&anna, told + 8), ==, -1);
	g_assert_null(applepeers_get(w.t, 0));
	g_assert_cmpint(clock_2(&anna, told), ==, -1);

	g_assert_cmpint(invite(&anna, APPLEMIDI_CONTROL), ==, APPLEMIDI_OK);
	g_assert_cmpint(invite(&anna, APPLEMIDI_DATA), ==, APPLEMIDI_OK);
	g_assert_cmpint(clock_0(&anna, &other), ==, APPLEMIDI_CK);
	g_assert_true(other - told > SECOND / 10 || told - other > SECOND / 10);  /* 10 s in 100 us */
	end();
}

/* The vectors of its authors: key 00 01 .. 0f, and as many octets 00 01 ... */
static void test_siphash(void)
{
	const uint64_t key[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908}, word[2] = {0x0706050403020100, 0x0f0e0d0c0b0a0908};

	g_assert_cmphex(siphash(key, word, 0), ==, 0x726fdb47dd0e0e31);
	g_assert_cmphex(siphash(key, word, 1), ==, 0x93f5f5799a932462);
	g_assert_cmphex(siphash(key, word, 2), ==, 0x3f2acc7f57c29bdb);
}

static void test_limits(void)
{
	struct hand h = {"10.0.0.3", 5004, 1, 1};

	begin(3, 2);
	g_assert_cmpint(invite(&(struct hand){"10.0.0.1", 6004, OURS, 77}, APPLEMIDI_CONTROL), ==, APPLEMIDI_NO);    /* we */
	for (; h.port < 5008; h.port += 2, h.ssrc++)
		g_assert_cmpint(enter(&h), >=, 0);
	g_assert_cmpint(invite(&h, APPLEMIDI_CONTROL), ==, APPLEMIDI_NO);          /* two of that address */
	g_assert_cmpint(enter(&anna), >=, 0);
	g_assert_cmpint(invite(&bob, APPLEMIDI_CONTROL), ==, APPLEMIDI_NO);        /* three in all */
	g_assert_cmpint(invite(&anna, APPLEMIDI_CONTROL), ==, APPLEMIDI_OK);       /* who is in stays in */
	end();
}

/* The slots of those who have not proven anything are full of forged invitations: they push out one another, and who answers
 * soon still gets in. Nobody is answered more than a hundred times a second. */
static void test_flood(void)
{
	unsigned answered = 0;
	int slot;

	begin(4, 2);
	slot = enter(&anna);
	w.now_us += SECOND;
	for (unsigned i = 0; i < 5000; i++) {
		char ip[16];
		const struct hand h = {ip, 5004, i + 1000, i};

		(void)re_snprintf(ip, sizeof(ip), "10.1.%u.%u", i / 250, 1 + i % 250);
		answered += invite(&h, APPLEMIDI_CONTROL) == APPLEMIDI_OK;
	}
	g_assert_cmpuint(answered, >=, 500);       /* in 5 s, and what stood in the bucket */
	g_assert_cmpuint(answered, <=, 601);
	g_assert_cmpuint(applepeers_stats(w.t)->ignored, ==, 5000 - answered);
	g_assert_cmpuint(applepeers_stats(w.t)->pushed_out, ==, answered - APPLEPEERS_INVITED);
	g_assert_nonnull(applepeers_get(w.t, (unsigned)slot));
	w.now_us += SECOND;
	g_assert_cmpint(enter(&bob), >=, 0);

	/* A packet each for those whose time is up; none of them was a player. */
	w.now_us += 16u * SECOND;
	while (applepeers_tick(w.t, &w.out, w.now_us)) {
		g_assert_cmpint(w.out.closed, ==, -1);
		g_assert_cmpuint(w.out.n, <=, 1);
	}
	g_assert_nonnull(applepeers_get(w.t, (unsigned)slot));
	end();
}

static void test_address_list(void)
{
	begin(4, 0);
	g_assert_cmpint(invite(&eve, APPLEMIDI_CONTROL), ==, APPLEMIDI_NO);
	g_assert_cmpint(invite(&eve, APPLEMIDI_DATA), ==, APPLEMIDI_NO);
	g_assert_cmpuint(applepeers_stats(w.t)->refused, ==, 2);
	g_assert_cmpint(enter(&anna), >=, 0);
	end();
}

/* A program that crashed and is back: with its SSRC at once, with another one when it is proven. */
static void test_again(void)
{
	const struct hand token = {"10.0.0.1", 5004, 0xa, 1077}, ssrc = {"10.0.0.1", 5004, 0xaa, 2077};
	uint64_t told;
	int slot, again;

	begin(4, 1 + 1);
	slot = enter(&anna);
	g_assert_cmpint(invite(&token, APPLEMIDI_CONTROL), ==, APPLEMIDI_OK);
	g_assert_cmpint(w.out.closed, ==, slot);
	g_assert_cmpint(invite(&token, APPLEMIDI_DATA), ==, APPLEMIDI_OK);
	g_assert_cmpint(clock_0(&token, &told), ==, APPLEMIDI_CK);
	again = clock_2(&token, told);
	g_assert_cmpint(again, >=, 0);

	g_assert_cmpint(invite(&ssrc, APPLEMIDI_CONTROL), ==, APPLEMIDI_OK);
	g_assert_cmpint(w.out.closed, ==, -1);
	g_assert_cmpint(invite(&ssrc, APPLEMIDI_DATA), ==, APPLEMIDI_OK);
	g_assert_cmpint(clock_0(&token, &told), ==, APPLEMIDI_CK);                  /* the old one is still there */
	g_assert_cmpint(clock_0(&ssrc, &told), ==, APPLEMIDI_CK);
	g_assert_cmpint(clock_2(&ssrc, told), >=, 0);
	g_assert_cmpint(w.out.closed, ==, again);
	rtp(&token, APPLEMIDI_DATA, 0xa);
	g_assert_cmpint(w.out.rtp, ==, -1);
	end();
}

static void test_silence(void)
{
	struct applemidi pkt;
	int slot;

	begin(4, 0);
	slot = enter(&anna);
	w.now_us += 59u * SECOND;
	while (applepeers_tick(w.t, &w.out, w.now_us))
		g_assert_cmpint(w.out.closed, ==, -1);
	g_assert_cmpuint(applepeers_due_us(w.t), >, w.now_us);
	w.now_us += 2u * SECOND;
	while (applepeers_tick(w.t, &w.out, w.now_us) && w.out.closed < 0)
		g_assert_cmpuint(w.out.n, ==, 0);
	g_assert_cmpint(w.out.closed, ==, slot);
	g_assert_cmpint(answer(&pkt), ==, APPLEMIDI_BY);
	g_assert_cmphex(pkt.token, ==, 77);
	g_assert_false(applepeers_tick(w.t, &w.out, w.now_us));

	slot = enter(&bob);
	applepeers_close(w.t, &w.out, (unsigned)slot);
	g_assert_cmpint(w.out.closed, ==, slot);
	g_assert_cmpint(answer(&pkt), ==, APPLEMIDI_BY);
	applepeers_close(w.t, &w.out, (unsigned)slot);
	g_assert_cmpuint(w.out.n, ==, 0);
	end();
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/applepeers/ladder", test_ladder);
	g_test_add_func("/applepeers/forged", test_forged);
	g_test_add_func("/applepeers/blind", test_blind);
	g_test_add_func("/applepeers/siphash", test_siphash);
	g_test_add_func("/applepeers/limits", test_limits);
	g_test_add_func("/applepeers/flood", test_flood);
	g_test_add_func("/applepeers/address list", test_address_list);
	g_test_add_func("/applepeers/again", test_again);
	g_test_add_func("/applepeers/silence", test_silence);
	return g_test_run();
}
