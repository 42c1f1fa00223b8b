/*
 * test-applesession.c - two ends of an AppleMIDI session, packets carried by hand.
 */
#include <errno.h>
#include <string.h>
#include <glib.h>

#include "osc/applesession.h"

enum { SECOND = 1000000 };

struct pair {
	struct applesession a, b;        /* a invites */
	uint64_t now_us;
	uint64_t ahead_us;               /* b's clock */
	bool opened_a, opened_b;
};

static void carry(struct pair *p, struct applesession *to, const struct applesession_out *out);

static void take(struct pair *p, struct applesession *who, const struct applesession_out *out)
{
	p->opened_a |= who == &p->a && out->opened;
	p->opened_b |= who == &p->b && out->opened;
	carry(p, who == &p->a ? &p->b : &p->a, out);
}

/* Through octets, as on a wire, 2 ms away. */
static void carry(struct pair *p, struct applesession *to, const struct applesession_out *out)
{
	for (unsigned i = 0; i < out->n; i++) {
		uint8_t buf[APPLEMIDI_PACKET_MAX];
		size_t len = sizeof(buf);
		struct applemidi pkt;
		struct applesession_out answer;

		g_assert_cmpint(applemidi_write(buf, &len, &out->send[i].pkt), ==, 0);
		g_assert_cmpint(applemidi_read(&pkt, buf, len), ==, 0);
		p->now_us += 2000;
		applesession_recv(to, &answer, out->send[i].port, &pkt, p->now_us + (to == &p->b ? p->ahead_us : 0));
		take(p, to, &answer);
	}
}

static void begin(struct pair *p)
{
	const struct applesession_conf a = {.initiator = true, .ssrc = 0xa, .token = 77, .name = "anna"};
	const struct applesession_conf b = {.ssrc = 0xb, .name = "bob"};
	struct applesession_out out;

	*p = (struct pair){.now_us = SECOND, .ahead_us = 3 * (uint64_t)SECOND};
	applesession_open(&p->a, &a, p->now_us);
	applesession_open(&p->b, &b, p->now_us + p->ahead_us);
	applesession_tick(&p->a, &out, p->now_us);
	take(p, &p->a, &out);
}

static void opens(void)
{
	struct applesession_out out;
	struct pair p;

	begin(&p);
	g_assert_true(p.opened_a && p.opened_b);
	g_assert_cmpstr(p.a.peer_name, ==, "bob");
	g_assert_cmpstr(p.b.peer_name, ==, "anna");
	g_assert_cmpuint(p.a.peer_ssrc, ==, 0xb);

	applesession_tick(&p.a, &out, p.now_us);
	g_assert_cmpuint(out.n, ==, 1);
	take(&p, &p.a, &out);
	g_assert_true(p.a.has_offset && p.b.has_offset);
	g_assert_cmpint(p.a.offset, ==, 30000);                   /* 3 s in 100 us */
	g_assert_cmpint(p.b.offset, ==, -30000);
	g_assert_cmpuint(p.a.round_trip, ==, 40);

	applesession_close(&p.a, &out);
	g_assert_true(out.closed);
	take(&p, &p.a, &out);
	g_assert_cmpint(p.b.state, ==, APPLE_CLOSED);
}

static void gives_up(void)
{
	const struct applesession_conf conf = {.initiator = true, .ssrc = 1, .token = 2, .name = "a"};
	struct applesession_out out;
	struct applesession s;
	unsigned sent = 0;

	applesession_open(&s, &conf, 0);
	for (uint64_t now = 0; s.state != APPLE_CLOSED && now < 60u * SECOND; now += SECOND) {
		applesession_tick(&s, &out, now);
		sent += out.n;
	}
	g_assert_true(out.closed);
	g_assert_cmpuint(sent, ==, 12);
}

static void falls_silent(void)
{
	struct applesession_out out;
	struct pair p;

	begin(&p);
	applesession_tick(&p.b, &out, p.now_us + p.ahead_us + 59u * SECOND);
	g_assert_false(out.closed);
	applesession_tick(&p.b, &out, p.now_us + p.ahead_us + 61u * SECOND);
	g_assert_true(out.closed);
	g_assert_cmpuint(out.n, ==, 1);
	g_assert_cmpint(out.send[0].pkt.kind, ==, APPLEMIDI_BY);
	for (uint64_t now = p.now_us; p.a.state == APPLE_OPEN && now < 100u * SECOND; now += SECOND)
		applesession_tick(&p.a, &out, now);                  /* its clock packets go unanswered */
	g_assert_cmpint(p.a.state, ==, APPLE_CLOSED);
}

/* What does not belong: it changes nothing. */
static void strangers(void)
{
	const struct applemidi bad[] = {
		{.kind = APPLEMIDI_BY, .ssrc = 0xa, .token = 78}, {.kind = APPLEMIDI_BY, .ssrc = 0xc, .token = 77},
		{.kind = APPLEMIDI_IN, .ssrc = 0xc, .token = 9}, {.kind = APPLEMIDI_OK, .ssrc = 0xa, .token = 77},
		{.kind = APPLEMIDI_CK, .ssrc = 0xc}, {.kind = APPLEMIDI_CK, .ssrc = 0xa, .count = 1},
		{.kind = APPLEMIDI_CK, .ssrc = 0xa, .count = 2, .time = {1, 2, 3}}, {.kind = APPLEMIDI_RS, .ssrc = 0xc, .seq = 9},
	};
	struct applesession_out out;
	struct applesession before;
	struct pair p;

	begin(&p);
	before = p.b;
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_assert_cmpint(applesession_recv(&p.b, &out, APPLEMIDI_DATA, &bad[i], p.now_us), ==, EPROTO);
		g_assert_cmpmem(&p.b, sizeof(p.b), &before, sizeof(before));
		g_assert_cmpint(out.n, ==, bad[i].kind == APPLEMIDI_IN);
	}
	g_assert_cmpint(out.has_seq, ==, 0);
}

static void feedback(void)
{
	struct applesession_out out;
	struct applemidi pkt;
	struct pair p;

	begin(&p);
	pkt = applesession_feedback(&p.a, 4711);
	g_assert_cmpint(applesession_recv(&p.b, &out, APPLEMIDI_CONTROL, &pkt, p.now_us), ==, 0);
	g_assert_true(out.has_seq);
	g_assert_cmpuint(out.seq, ==, 4711);
	pkt = (struct applemidi){.kind = APPLEMIDI_RL, .ssrc = 0xa, .limit = 9600};
	g_assert_cmpint(applesession_recv(&p.b, &out, APPLEMIDI_CONTROL, &pkt, p.now_us), ==, 0);
	g_assert_cmpuint(p.b.limit, ==, 9600);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/applesession/opens", opens);
	g_test_add_func("/applesession/gives-up", gives_up);
	g_test_add_func("/applesession/falls-silent", falls_silent);
	g_test_add_func("/applesession/strangers", strangers);
	g_test_add_func("/applesession/feedback", feedback);
	return g_test_run();
}
