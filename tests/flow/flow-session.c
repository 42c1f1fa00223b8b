/*
 * flow-session.c - sessions as ladders: what a peer sends, what it must get, and what the owner is told in between.
 */
#include <string.h>
#include <glib.h>
#include "tests/lib/room.h"
#include "tests/lib/sim.h"
#include "tests/lib/ua.h"

static struct room room;
static struct ua *ann;

static void begin_tp(enum sip_transp tp)
{
	g_assert_cmpint(sim_init(1), ==, 0);
	g_assert_cmpint(room_open(&room, "udp:127.0.0.1:0 tcp:127.0.0.1:0", 1800, 0), ==, 0);
	g_assert_cmpint(ua_alloc(&ann, tp, tp == SIP_TRANSP_UDP ? &room.udp : &room.tcp), ==, 0);
}

static void begin(void)
{
	begin_tp(SIP_TRANSP_UDP);
}

static void end(void)
{
	ann = mem_deref(ann);
	room_close(&room);
	sim_close();
}

static void join(void)
{
	ua_request(ann, "INVITE", NULL, OFFER);
	ua_expect(ann, "SIP/2.0 200");
	ua_ack(ann, NULL);
	sim_advance(10);
	room.diary[0] = '\0';
}

static void invite_with_offer(gconstpointer tp)
{
	begin_tp(GPOINTER_TO_INT(tp));
	ua_request(ann, "INVITE", NULL, OFFER);
	ua_expect(ann, "SIP/2.0 100");
	ua_expect(ann, "SIP/2.0 200");
	g_assert_true(ua_has(ann, "answer of the room"));
	g_assert_true(ua_has(ann, ";isfocus"));
	ua_ack(ann, NULL);
	ua_expect_none(ann, 5000);                /* no 200 again */
	g_assert_true(room_said(&room, "offered commit established"));
	g_assert_cmpuint(sessions_count(room.ss), ==, 1);
	ua_request(ann, "BYE", NULL, NULL);
	ua_expect(ann, "SIP/2.0 200");
	g_assert_true(room_said(&room, "closed:200"));
	g_assert_cmpuint(sessions_count(room.ss), ==, 0);
	end();
}

static void invite_without_offer(void)
{
	begin();
	ua_request(ann, "INVITE", NULL, NULL);
	ua_expect(ann, "SIP/2.0 200");
	g_assert_true(ua_has(ann, "offer 1 of the room"));
	ua_ack(ann, ANSWER);
	sim_advance(10);
	g_assert_true(room_said(&room, "offer answered commit established"));
	ua_request(ann, "BYE", NULL, NULL);
	ua_expect(ann, "SIP/2.0 200");
	end();
}

int main(int argc, char *argv[])
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_data_func("/session/invite/offer/udp", GINT_TO_POINTER(SIP_TRANSP_UDP), invite_with_offer);
	g_test_add_data_func("/session/invite/offer/tcp", GINT_TO_POINTER(SIP_TRANSP_TCP), invite_with_offer);
	g_test_add_func("/session/invite/no-offer", invite_without_offer);
	return g_test_run();
}
