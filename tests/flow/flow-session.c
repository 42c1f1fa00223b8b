/*
 * flow-session.c - sessions as ladders: what a peer sends, what it must get, and what the owner is told in between.
 */
#include <stdlib.h>
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

/* --- answering --- */

static void ack_lost(void)
{
	begin();
	ua_request(ann, "INVITE", NULL, OFFER);
	ua_expect(ann, "SIP/2.0 200");
	uint64_t t0 = sim_now_ms();
	static const uint32_t at[] = { 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500 };

	for (size_t i = 0; i < G_N_ELEMENTS(at); i++) {
		ua_expect(ann, "SIP/2.0 200");
		g_assert_cmpuint(sim_now_ms() - t0, >=, at[i]);
		g_assert_cmpuint(sim_now_ms() - t0, <=, at[i] + 20);
	}
	ua_expect(ann, "BYE ");
	g_assert_true(ua_has(ann, "\r\nReason: SIP;cause=408;text=\"no ACK\"\r\n"));
	g_assert_cmpuint(sim_now_ms() - t0, >=, 32000);
	g_assert_cmpuint(sim_now_ms() - t0, <=, 32020);
	ua_reply(ann, 200, "OK", NULL, NULL);
	g_assert_true(room_said(&room, "offered commit closed:408"));
	end();
}

static void ack_late(void)
{
	begin();
	ua_request(ann, "INVITE", NULL, OFFER);
	ua_expect(ann, "SIP/2.0 200");
	ua_expect(ann, "SIP/2.0 200");
	ann->inv_cseq += 5;                       /* an ACK for another INVITE is not one for this */
	ua_ack(ann, NULL);
	ua_expect(ann, "SIP/2.0 200");
	ann->inv_cseq -= 5;
	ua_ack(ann, NULL);
	ua_ack(ann, NULL);                        /* and again, as a fork would */
	ua_expect_none(ann, 40000);
	g_assert_true(room_said(&room, "offered commit established"));
	end();
}

static void answer_in_ack_missing(void)
{
	begin();
	ua_request(ann, "INVITE", NULL, NULL);
	ua_expect(ann, "SIP/2.0 200");
	ua_ack(ann, NULL);
	ua_expect(ann, "BYE ");
	ua_reply(ann, 200, "OK", NULL, NULL);
	g_assert_true(room_said(&room, "offer rollback closed:488"));
	end();
}

static void cancel(void)
{
	begin();
	room.hold_answer = true;
	room.ring = 180;
	ua_request(ann, "INVITE", NULL, OFFER);
	ua_expect(ann, "SIP/2.0 180");
	ua_cancel(ann);
	ua_expect(ann, "SIP/2.0 200");
	ua_expect(ann, "SIP/2.0 487");
	ua_ack_failed(ann);
	ua_expect_none(ann, 33000);
	g_assert_true(room_said(&room, "offered rollback closed:487"));
	g_assert_cmpuint(sessions_count(room.ss), ==, 0);
	end();
}

static void cancel_nothing(void)
{
	begin();
	strcpy(ann->inv_branch, "z9hG4bKnothing");
	ua_cancel(ann);
	ua_expect(ann, "SIP/2.0 481");
	end();
}

static void bye_early(void)
{
	begin();
	room.hold_answer = true;
	room.ring = 180;
	ua_request(ann, "INVITE", NULL, OFFER);
	ua_expect(ann, "SIP/2.0 180");
	ua_request(ann, "BYE", NULL, NULL);
	ua_expect(ann, "SIP/2.0 200");
	g_assert_true(ua_has(ann, "BYE"));
	ua_expect(ann, "SIP/2.0 487");
	ua_ack_failed(ann);
	g_assert_true(room_said(&room, "offered rollback closed:200"));
	end();
}

static void refused_offer(void)
{
	begin();
	room.offered_err = ENOTSUP;
	ua_request(ann, "INVITE", NULL, OFFER);
	ua_expect(ann, "SIP/2.0 488");
	g_assert_true(ua_has(ann, "Warning: 399 "));
	ua_ack_failed(ann);
	ua_new_call(ann);
	room.offered_err = EBADMSG;
	ua_request(ann, "INVITE", NULL, OFFER);
	ua_expect(ann, "SIP/2.0 400 toy fault");
	ua_ack_failed(ann);
	ua_expect_none(ann, 33000);
	g_assert_true(room_said(&room, "offered! offered!"));
	g_assert_cmpuint(sessions_count(room.ss), ==, 0);
	end();
}

static void hangup_by_room(void)
{
	begin();
	join();
	session_hangup(room.toys[0].s, "Reason: SIP;cause=200;text=\"server stopped\"\r\n");
	room.toys[0].s = mem_deref(room.toys[0].s);
	ua_expect(ann, "BYE ");
	g_assert_true(ua_has(ann, "\r\nReason: SIP;cause=200;text=\"server stopped\"\r\nContent-Length: 0\r\n\r\n"));
	ua_reply(ann, 200, "OK", NULL, NULL);
	ua_expect_none(ann, 33000);
	g_assert_true(room_said(&room, ""));
	g_assert_cmpuint(sessions_count(room.ss), ==, 0);
	end();
}

static void hangup_before_ack(void)
{
	begin();
	ua_request(ann, "INVITE", NULL, OFFER);
	ua_expect(ann, "SIP/2.0 200");
	room.toys[0].s = mem_deref(room.toys[0].s);
	ua_expect(ann, "SIP/2.0 200");            /* no BYE before the ACK */
	ua_ack(ann, NULL);
	ua_expect(ann, "BYE ");
	ua_reply(ann, 200, "OK", NULL, NULL);
	g_assert_cmpuint(sessions_count(room.ss), ==, 0);
	end();
}

static void hangup_while_ringing(void)
{
	begin();
	room.hold_answer = true;
	room.ring = 180;
	ua_request(ann, "INVITE", NULL, OFFER);
	ua_expect(ann, "SIP/2.0 180");
	room.toys[0].s = mem_deref(room.toys[0].s);
	ua_expect(ann, "SIP/2.0 480");
	ua_ack_failed(ann);
	g_assert_true(room_said(&room, "offered"));
	end();
}

/* --- inside a dialog --- */

static void cseq_order(void)
{
	begin();
	join();
	ann->cseq -= 1;
	ua_request(ann, "INFO", NULL, NULL);      /* the same number again */
	ua_expect(ann, "SIP/2.0 500");
	ua_request(ann, "INFO", NULL, NULL);
	ua_expect(ann, "SIP/2.0 200");
	ann->cseq += 100;                         /* gaps are allowed */
	ua_request(ann, "INFO", NULL, NULL);
	ua_expect(ann, "SIP/2.0 200");
	g_assert_true(room_said(&room, "info info"));
	ua_request(ann, "OPTIONS", NULL, NULL);
	ua_expect(ann, "SIP/2.0 200");
	g_assert_true(ua_has(ann, "Allow: ") && ua_has(ann, "Accept: application/sdp"));
	ua_request(ann, "REFER", NULL, NULL);     /* the toy does not do it */
	ua_expect(ann, "SIP/2.0 405");
	end();
}

static void unknown_dialog(void)
{
	static const char *const methods[] = { "BYE", "UPDATE", "INVITE", "PRACK", "INFO", "OPTIONS" };

	begin();
	for (size_t i = 0; i < G_N_ELEMENTS(methods); i++) {
		ua_new_call(ann);
		strcpy(ann->rtag, "nobody");
		ua_request(ann, methods[i], NULL, strcmp(methods[i], "INVITE") ? NULL : OFFER);
		ua_expect(ann, "SIP/2.0 481");
		if (!strcmp(methods[i], "INVITE"))
			ua_ack_failed(ann);
	}
	ua_ack(ann, NULL);
	ua_expect_none(ann, 1000);
	g_assert_true(room_said(&room, ""));
	end();
}

static void reinvite(void)
{
	begin();
	join();
	ua_request(ann, "INVITE", NULL, OFFER);
	ua_expect(ann, "SIP/2.0 200");
	g_assert_true(ua_has(ann, "answer of the room"));
	ua_ack(ann, NULL);
	sim_advance(10);
	g_assert_true(room_said(&room, "offered commit"));
	ua_request(ann, "INVITE", NULL, NULL);
	ua_expect(ann, "SIP/2.0 200");
	g_assert_true(ua_has(ann, "offer 1 of the room"));
	ua_ack(ann, ANSWER);
	sim_advance(10);
	g_assert_true(room_said(&room, "offer answered commit"));
	room.offered_err = ENOTSUP;
	ua_request(ann, "INVITE", NULL, OFFER);   /* refused: the old session holds */
	ua_expect(ann, "SIP/2.0 488");
	ua_ack_failed(ann);
	g_assert_true(room_said(&room, "offered!"));
	ua_request(ann, "BYE", NULL, NULL);
	ua_expect(ann, "SIP/2.0 200");
	g_assert_true(room_said(&room, "closed:200"));
	end();
}

static void reinvite_by_room(void)
{
	begin();
	join();
	g_assert_cmpint(session_modify(room.toys[0].s), ==, 0);
	ua_expect(ann, "INVITE ");
	g_assert_true(ua_has(ann, "offer 1 of the room") && ua_has(ann, ";isfocus"));
	ua_reply(ann, 200, "OK", NULL, ANSWER);
	ua_expect(ann, "ACK ");
	ua_reply(ann, 200, "OK", NULL, ANSWER);   /* not an INVITE's: ignored */
	g_assert_true(room_said(&room, "offer answered commit"));
	g_assert_cmpint(session_modify(room.toys[0].s), ==, 0);
	ua_expect(ann, "INVITE ");
	ua_reply(ann, 488, "Not Acceptable Here", NULL, NULL);
	ua_expect(ann, "ACK ");
	g_assert_true(room_said(&room, "offer rollback"));
	g_assert_true(session_established(room.toys[0].s));
	g_assert_cmpint(session_modify(room.toys[0].s), ==, 0);
	ua_expect(ann, "INVITE ");
	ua_reply(ann, 481, "Gone", NULL, NULL);
	ua_expect(ann, "ACK ");
	ua_expect(ann, "BYE ");
	g_assert_true(room_said(&room, "offer rollback closed:481"));
	end();
}

static void reinvite_ack_lost(void)
{
	begin();
	join();
	g_assert_cmpint(session_modify(room.toys[0].s), ==, 0);
	ua_expect(ann, "INVITE ");
	char invite[UA_MSG_MAX];
	memcpy(invite, ann->req, sizeof(invite));
	ua_reply(ann, 200, "OK", NULL, ANSWER);
	ua_expect(ann, "ACK ");
	memcpy(ann->req, invite, sizeof(invite));
	sim_advance(500);
	ua_reply(ann, 200, "OK", NULL, ANSWER);   /* as if the ACK was lost */
	ua_expect(ann, "ACK ");
	g_assert_true(room_said(&room, "offer answered commit"));
	end();
}

static void glare(void)
{
	begin();
	join();
	g_assert_cmpint(session_modify(room.toys[0].s), ==, 0);
	ua_expect(ann, "INVITE ");
	ua_request(ann, "INVITE", NULL, OFFER);   /* at the same time */
	ua_expect(ann, "SIP/2.0 491");
	ua_ack_failed(ann);
	ua_reply(ann, 491, "Request Pending", NULL, NULL);
	ua_expect(ann, "ACK ");
	uint64_t t0 = sim_now_ms();
	g_assert_true(room_said(&room, "offer rollback"));
	ua_expect(ann, "INVITE ");                /* ann owns the Call-ID: the room waits 0 to 2 s */
	g_assert_cmpuint(sim_now_ms() - t0, <=, 2000);
	ua_reply(ann, 200, "OK", NULL, ANSWER);
	ua_expect(ann, "ACK ");
	g_assert_true(room_said(&room, "offer answered commit"));
	end();
}

static void update(void)
{
	begin();
	join();
	ua_request(ann, "UPDATE", NULL, OFFER);
	ua_expect(ann, "SIP/2.0 200");
	g_assert_true(ua_has(ann, "answer of the room"));
	g_assert_true(room_said(&room, "offered commit"));
	ua_request(ann, "UPDATE", NULL, NULL);
	ua_expect(ann, "SIP/2.0 200");
	g_assert_true(!ua_has(ann, "application/sdp"));
	room.offered_err = ENOTSUP;
	ua_request(ann, "UPDATE", NULL, OFFER);
	ua_expect(ann, "SIP/2.0 488");
	g_assert_true(room_said(&room, "offered!"));
	g_assert_cmpint(session_modify(room.toys[0].s), ==, 0);
	ua_expect(ann, "INVITE ");
	ua_request(ann, "UPDATE", NULL, OFFER);   /* while our offer is out */
	ua_expect(ann, "SIP/2.0 491");
	ua_reply(ann, 200, "OK", NULL, ANSWER);
	ua_expect(ann, "ACK ");
	end();
}

static void update_early(void)
{
	begin();
	room.hold_answer = true;
	room.ring = 183;
	room.ring_sdp = true;
	ua_request(ann, "INVITE", NULL, OFFER);
	ua_expect(ann, "SIP/2.0 183");
	ua_request(ann, "UPDATE", NULL, OFFER);   /* the answer was not reliable: their offer is still open */
	ua_expect(ann, "SIP/2.0 500");
	g_assert_true(ua_has(ann, "Retry-After: "));
	g_assert_true(room_said(&room, "offered"));
	g_assert_cmpint(session_answer(room.toys[0].s), ==, 0);
	ua_expect(ann, "SIP/2.0 200");
	ua_ack(ann, NULL);
	sim_advance(10);
	g_assert_true(room_said(&room, "commit established"));
	end();
}

/* --- 100rel --- */

static const char *rack(char *buf, size_t size)
{
	char rseq[32];

	(void)re_snprintf(buf, size, "RAck: %s %u INVITE\r\n", ua_header(ann, "RSeq", rseq, sizeof(rseq)), ann->inv_cseq);
	return buf;
}

static void prack(void)
{
	char hdr[64];

	begin();
	room.hold_answer = true;
	room.ring = 183;
	room.ring_sdp = true;
	ua_request(ann, "INVITE", "Supported: 100rel\r\n", OFFER);
	ua_expect(ann, "SIP/2.0 183");
	g_assert_true(ua_has(ann, "Require: 100rel") && ua_has(ann, "answer of the room"));
	ua_expect(ann, "SIP/2.0 183");            /* again after T1 */
	g_assert_cmpint(session_answer(room.toys[0].s), ==, 0);
	ua_request(ann, "PRACK", "RAck: 1 1 INVITE\r\n", NULL);
	ua_expect(ann, "SIP/2.0 481");
	ua_expect(ann, "SIP/2.0 183");            /* the 200 waits for the PRACK */
	ua_request(ann, "PRACK", rack(hdr, sizeof(hdr)), NULL);
	ua_expect(ann, "SIP/2.0 200");
	g_assert_true(ua_has(ann, "PRACK"));
	ua_expect(ann, "SIP/2.0 200");
	g_assert_true(ua_has(ann, " INVITE") && !ua_has(ann, "application/sdp\r\nContent-Length: 2"));
	ua_ack(ann, NULL);
	ua_expect_none(ann, 33000);
	g_assert_true(room_said(&room, "offered commit established"));
	end();
}

static void prack_answers(void)
{
	char hdr[64];

	begin();
	room.hold_answer = true;
	room.ring = 183;
	room.ring_sdp = true;
	ua_request(ann, "INVITE", "Require: 100rel\r\n", NULL);
	ua_expect(ann, "SIP/2.0 183");
	g_assert_true(ua_has(ann, "offer 1 of the room"));
	ua_request(ann, "PRACK", rack(hdr, sizeof(hdr)), ANSWER);
	ua_expect(ann, "SIP/2.0 200");
	g_assert_true(room_said(&room, "offer answered commit"));
	g_assert_cmpint(session_ring(room.toys[0].s, 180, "Ringing", false), ==, 0);
	ua_expect(ann, "SIP/2.0 180");
	ua_request(ann, "PRACK", rack(hdr, sizeof(hdr)), OFFER);      /* a new offer, in a PRACK */
	ua_expect(ann, "SIP/2.0 200");
	g_assert_true(ua_has(ann, "answer of the room"));
	ua_request(ann, "UPDATE", NULL, OFFER);
	ua_expect(ann, "SIP/2.0 200");
	g_assert_true(room_said(&room, "offered commit offered commit"));
	g_assert_cmpint(session_modify(room.toys[0].s), ==, 0);       /* early: UPDATE */
	ua_expect(ann, "UPDATE ");
	ua_request(ann, "UPDATE", NULL, OFFER);   /* theirs crosses ours */
	ua_expect(ann, "SIP/2.0 491");
	ua_reply(ann, 200, "OK", NULL, ANSWER);
	sim_advance(10);
	g_assert_true(room_said(&room, "offer answered commit"));
	g_assert_cmpint(session_answer(room.toys[0].s), ==, 0);
	ua_expect(ann, "SIP/2.0 200");
	ua_ack(ann, NULL);
	sim_advance(10);
	g_assert_true(room_said(&room, "established"));
	end();
}

/* A second ring waits for the first one's PRACK; the newest of those that wait wins. */
static void two_rings(void)
{
	char hdr[64], first[32], second[32];

	begin();
	room.hold_answer = true;
	room.ring = 180;
	ua_request(ann, "INVITE", "Supported: 100rel\r\n", OFFER);
	ua_expect(ann, "SIP/2.0 180");
	(void)ua_header(ann, "RSeq", first, sizeof(first));
	g_assert_cmpint(session_ring(room.toys[0].s, 181, "Forwarded", false), ==, 0);
	g_assert_cmpint(session_ring(room.toys[0].s, 183, "Progress", true), ==, 0);
	ua_expect_none(ann, 400);
	(void)re_snprintf(hdr, sizeof(hdr), "RAck: %s %u INVITE\r\n", first, ann->inv_cseq);
	ua_request(ann, "PRACK", hdr, NULL);
	ua_expect(ann, "SIP/2.0 200");
	g_assert_true(!ua_has(ann, "answer of the room"));            /* that answers the INVITE's offer, not here */
	ua_expect(ann, "SIP/2.0 183");
	g_assert_true(ua_has(ann, "answer of the room"));
	(void)ua_header(ann, "RSeq", second, sizeof(second));
	g_assert_cmpuint(strtoul(second, NULL, 10), ==, strtoul(first, NULL, 10) + 1);
	ua_request(ann, "PRACK", rack(hdr, sizeof(hdr)), NULL);
	ua_expect(ann, "SIP/2.0 200");
	ua_expect_none(ann, 10000);
	g_assert_true(room_said(&room, "offered commit"));
	end();
}

static void prack_never(void)
{
	begin();
	room.hold_answer = true;
	room.ring = 180;
	ua_request(ann, "INVITE", "Supported: 100rel\r\n", OFFER);
	static const uint32_t at[] = { 0, 500, 1500, 3500, 7500, 15500, 31500 };
	uint64_t t0 = sim_now_ms();

	for (size_t i = 0; i < G_N_ELEMENTS(at); i++) {
		ua_expect(ann, "SIP/2.0 180");
		g_assert_cmpuint(sim_now_ms() - t0, >=, at[i]);
		g_assert_cmpuint(sim_now_ms() - t0, <=, at[i] + 20);
	}
	ua_expect(ann, "SIP/2.0 504");
	ua_ack_failed(ann);
	g_assert_true(room_said(&room, "offered rollback closed:504"));
	end();
}

/* --- the room calls --- */

static char ann_uri[128];

static struct toy *call_ann(void)
{
	(void)re_snprintf(ann_uri, sizeof(ann_uri), "sip:ann@%J%s", &ann->me, sip_transp_param(ann->tp));
	struct toy *t = room_call(&room, ann_uri, NULL);

	ua_expect(ann, "INVITE ");
	return t;
}

static void call_out(void)
{
	begin();
	struct toy *t = call_ann();

	g_assert_true(ua_has(ann, "offer 1 of the room") && ua_has(ann, "Supported: 100rel"));
	ua_reply(ann, 180, "Ringing", NULL, NULL);
	ua_reply(ann, 200, "OK", NULL, ANSWER);
	ua_expect(ann, "ACK ");
	g_assert_true(room_said(&room, "offer 180 answered commit established"));
	ann->cseq = 1000;
	ua_request(ann, "UPDATE", NULL, OFFER);
	ua_expect(ann, "SIP/2.0 200");
	t->s = mem_deref(t->s);
	ua_expect(ann, "BYE ");
	ua_reply(ann, 200, "OK", NULL, NULL);
	g_assert_cmpuint(sessions_count(room.ss), ==, 0);
	end();
}

static void call_out_offerless(void)
{
	begin();
	room.offer_err = ENOENT;
	call_ann();
	g_assert_true(!ua_has(ann, "application/sdp"));
	ua_reply(ann, 200, "OK", NULL, OFFER);
	ua_expect(ann, "ACK ");
	g_assert_true(ua_has(ann, "answer of the room"));
	g_assert_true(room_said(&room, "offered commit established"));
	end();
}

/* A gateway that shows its SDP in the 183 and leaves it out of the 200. */
static void call_out_answer_in_183(void)
{
	begin();
	call_ann();
	ua_reply(ann, 183, "Progress", NULL, ANSWER);
	sim_advance(10);
	g_assert_true(room_said(&room, "offer 183"));     /* not reliable: not an answer yet */
	ua_reply(ann, 200, "OK", NULL, NULL);
	ua_expect(ann, "ACK ");
	g_assert_true(room_said(&room, "answered commit established"));
	end();
}

static void call_out_no_answer(void)
{
	begin();
	call_ann();
	ua_reply(ann, 200, "OK", NULL, NULL);
	ua_expect(ann, "ACK ");
	ua_expect(ann, "BYE ");
	g_assert_true(room_said(&room, "offer rollback closed:488"));
	end();
}

static void call_out_reliable(void)
{
	char invite[UA_MSG_MAX];

	begin();
	call_ann();
	memcpy(invite, ann->req, sizeof(invite));
	ua_reply(ann, 183, "Progress", "Require: 100rel\r\nRSeq: 7\r\n", ANSWER);
	ua_expect(ann, "PRACK ");
	g_assert_true(ua_has(ann, "RAck: 7 "));
	ua_reply(ann, 200, "OK", NULL, NULL);
	g_assert_true(room_said(&room, "offer answered commit 183"));
	memcpy(ann->req, invite, sizeof(invite));
	ua_reply(ann, 180, "Ringing", "Require: 100rel\r\nRSeq: 9\r\n", NULL);        /* out of order */
	ua_reply(ann, 183, "Progress", "Require: 100rel\r\nRSeq: 7\r\n", ANSWER);     /* again */
	ua_expect_none(ann, 1000);
	ua_reply(ann, 180, "Ringing", "Require: 100rel\r\nRSeq: 8\r\n", NULL);
	ua_expect(ann, "PRACK ");
	ua_reply(ann, 200, "OK", NULL, NULL);
	memcpy(ann->req, invite, sizeof(invite));
	ua_reply(ann, 200, "OK", NULL, NULL);
	ua_expect(ann, "ACK ");
	g_assert_true(g_str_has_suffix(room.diary, "established"));
	end();
}

static void call_out_cancelled(void)
{
	begin();
	struct toy *t = call_ann();
	char invite[UA_MSG_MAX];

	memcpy(invite, ann->req, sizeof(invite));
	t->s = mem_deref(t->s);
	ua_expect_none(ann, 400);                 /* no CANCEL before a provisional */
	ua_reply(ann, 180, "Ringing", NULL, NULL);
	ua_expect(ann, "CANCEL ");
	ua_reply(ann, 200, "OK", NULL, NULL);
	memcpy(ann->req, invite, sizeof(invite));
	ua_reply(ann, 200, "OK", NULL, ANSWER);   /* they cross: ACK, then BYE */
	ua_expect(ann, "ACK ");
	ua_expect(ann, "BYE ");
	ua_reply(ann, 200, "OK", NULL, NULL);
	g_assert_cmpuint(sessions_count(room.ss), ==, 0);
	end();
}

static void call_out_fork(void)
{
	char invite[UA_MSG_MAX], first[32];

	begin();
	call_ann();
	memcpy(invite, ann->req, sizeof(invite));
	strcpy(first, ann->ltag);
	ua_reply(ann, 180, "Ringing", NULL, NULL);
	strcpy(ann->ltag, "second");
	ua_reply(ann, 180, "Ringing", NULL, NULL);
	ua_reply(ann, 200, "OK", NULL, ANSWER);   /* the second answers */
	ua_expect(ann, "ACK ");
	g_assert_true(ua_has(ann, "tag=second"));
	memcpy(ann->req, invite, sizeof(invite));
	strcpy(ann->ltag, first);
	ua_reply(ann, 200, "OK", NULL, ANSWER);   /* and so does the first: ACK and BYE */
	ua_expect(ann, "ACK ");
	g_assert_true(ua_has(ann, first));
	ua_expect(ann, "BYE ");
	g_assert_true(ua_has(ann, first));
	ua_reply(ann, 200, "OK", NULL, NULL);
	g_assert_true(session_established(room.toys[0].s));
	end();
}

static void call_out_refused(void)
{
	begin();
	call_ann();
	ua_reply(ann, 486, "Busy Here", NULL, NULL);
	ua_expect(ann, "ACK ");
	g_assert_true(room_said(&room, "offer rollback closed:486"));
	call_ann();
	ua_reply(ann, 407, "Proxy Authentication Required", "Proxy-Authenticate: Digest realm=\"x\", nonce=\"1\"\r\n", NULL);
	ua_expect(ann, "ACK ");
	g_assert_true(room_said(&room, "offer rollback closed:407"));
	end();
}

static void call_out_silence(void)
{
	begin();
	call_ann();
	for (int i = 0; i < 6; i++)
		ua_expect(ann, "INVITE ");
	ua_expect_none(ann, 33000);
	g_assert_true(room_said(&room, "offer rollback closed:408"));
	g_assert_cmpuint(sessions_count(room.ss), ==, 0);
	end();
}

/* A 407 to the BYE of a mere caller gets no credentials and no second BYE. */
static void bye_challenged(void)
{
	begin();
	join();
	room.toys[0].s = mem_deref(room.toys[0].s);
	ua_expect(ann, "BYE ");
	ua_reply(ann, 407, "Proxy Authentication Required",
		 "Proxy-Authenticate: Digest realm=\"trunk.example\", nonce=\"1\", algorithm=MD5\r\n", NULL);
	ua_expect_none(ann, 33000);
	end();
}

#define CHALLENGE "Proxy-Authenticate: Digest realm=\"trunk.example\", nonce=\"1\"\r\n"

static int answer_trunk(char *buf, size_t size, const struct sip_msg *challenge, const char *method, const char *uri, void *arg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(challenge, SIP_HDR_PROXY_AUTHENTICATE);

	(void)arg;
	if (!hdr || !g_strstr_len(hdr->val.p, (gssize)hdr->val.l, "trunk.example"))
		return EPERM;
	return re_snprintf(buf, size, "Proxy-Authorization: secret for %s %s\r\n", method, uri) < 0 ? ENOSPC : 0;
}

static void call_trunk(void)
{
	room.authh = answer_trunk;
	call_ann();
	ua_reply(ann, 407, "Proxy Authentication Required", CHALLENGE, NULL);
	ua_expect(ann, "ACK ");
	ua_expect(ann, "INVITE ");
	g_assert_true(ua_has(ann, "Proxy-Authorization: secret for INVITE sip:ann@"));
	g_assert_true(ua_has(ann, "offer 1 of the room"));
}

static void auth_trunk(void)
{
	begin();
	call_trunk();
	ua_reply(ann, 200, "OK", NULL, ANSWER);
	ua_expect(ann, "ACK ");
	g_assert_true(room_said(&room, "offer answered commit established"));
	room.toys[0].s = mem_deref(room.toys[0].s);
	ua_expect(ann, "BYE ");
	g_assert_true(!ua_has(ann, "secret"));
	ua_reply(ann, 407, "Proxy Authentication Required", CHALLENGE, NULL);
	ua_expect(ann, "BYE ");
	g_assert_true(ua_has(ann, "secret for BYE"));
	ua_reply(ann, 407, "Proxy Authentication Required", CHALLENGE, NULL);
	ua_expect(ann, "BYE ");
	ua_reply(ann, 407, "Proxy Authentication Required", CHALLENGE, NULL);
	ua_expect_none(ann, 33000);               /* it does not go on for ever */
	end();
}

static void auth_wrong_realm(void)
{
	begin();
	room.authh = answer_trunk;
	call_ann();
	ua_reply(ann, 407, "Proxy Authentication Required", "Proxy-Authenticate: Digest realm=\"elsewhere\", nonce=\"1\"\r\n", NULL);
	ua_expect(ann, "ACK ");
	ua_expect_none(ann, 33000);
	g_assert_true(room_said(&room, "offer rollback closed:407"));
	end();
}

/* The right realm, but asked by whoever the trunk's Contact leads to. */
static void auth_wrong_peer(void)
{
	struct ua *eve = NULL;

	begin();
	g_assert_cmpint(ua_alloc_at(&eve, SIP_TRANSP_UDP, &room.udp, "127.0.0.2"), ==, 0);
	call_trunk();
	strcpy(ann->contact, eve->contact);
	ua_reply(ann, 200, "OK", NULL, ANSWER);
	ua_expect(eve, "ACK ");
	room.toys[0].s = mem_deref(room.toys[0].s);
	ua_expect(eve, "BYE ");
	ua_reply(eve, 407, "Proxy Authentication Required", CHALLENGE, NULL);
	ua_expect_none(eve, 33000);
	mem_deref(eve);
	end();
}

static void ipv6(void)
{
	g_assert_cmpint(sim_init(1), ==, 0);
	if (room_open(&room, "udp:[::1]:0 tcp:[::1]:0", 1800, 0)) {
		g_test_skip("no IPv6 here");
		sim_close();
		return;
	}
	g_assert_cmpint(ua_alloc(&ann, SIP_TRANSP_UDP, &room.udp), ==, 0);
	ua_request(ann, "INVITE", NULL, OFFER);
	ua_expect(ann, "SIP/2.0 200");
	g_assert_true(ua_has(ann, "Contact: <sip:room@[::1]:"));
	ua_ack(ann, NULL);
	sim_advance(10);
	room.toys[0].s = mem_deref(room.toys[0].s);
	ua_expect(ann, "BYE sip:ua@[::1]:");
	ua_reply(ann, 200, "OK", NULL, NULL);
	end();
}

/* --- session timers --- */

static void timer_peer_refreshes(void)
{
	begin();
	ua_request(ann, "INVITE", "Supported: timer\r\nSession-Expires: 120;refresher=uac\r\n", OFFER);
	ua_expect(ann, "SIP/2.0 200");
	g_assert_true(ua_has(ann, "Session-Expires: 120;refresher=uac") && ua_has(ann, "Require: timer"));
	ua_ack(ann, NULL);
	ua_expect_none(ann, 60000);
	ua_request(ann, "UPDATE", "Supported: timer\r\nSession-Expires: 120;refresher=uac\r\n", NULL);
	ua_expect(ann, "SIP/2.0 200");
	g_assert_true(ua_has(ann, "Session-Expires: 120;refresher=uac"));
	ua_expect_none(ann, 87000);               /* 120 - 32 */
	ua_expect(ann, "BYE ");
	ua_reply(ann, 200, "OK", NULL, NULL);
	g_assert_true(g_str_has_suffix(room.diary, "closed:408"));
	end();
}

static void timer_we_refresh(void)
{
	begin();
	ua_request(ann, "INVITE", "Supported: timer\r\nSession-Expires: 100;refresher=uas\r\n", OFFER);
	ua_expect(ann, "SIP/2.0 200");
	g_assert_true(ua_has(ann, "Session-Expires: 100;refresher=uas"));
	ua_ack(ann, NULL);
	ua_expect_none(ann, 49000);
	ua_expect(ann, "UPDATE ");
	g_assert_true(ua_has(ann, "Session-Expires: 100;refresher=uac"));
	ua_reply(ann, 200, "OK", "Session-Expires: 100;refresher=uac\r\n", NULL);
	ua_expect_none(ann, 49000);
	ua_expect(ann, "UPDATE ");                /* unanswered: the peer is gone */
	while (g_str_has_prefix(ua_wait(ann, 60000), "UPDATE "))
		;
	g_assert_true(g_str_has_prefix(ann->msg, "BYE "));
	g_assert_true(g_str_has_suffix(room.diary, "closed:408"));
	end();
}

static void timer_peer_knows_none(void)
{
	begin();
	strcpy(ann->supported, "Allow: INVITE, ACK, BYE, CANCEL\r\n");
	join();
	ua_expect_none(ann, 899000);
	ua_expect(ann, "INVITE ");                /* no UPDATE: a re-INVITE */
	ua_reply(ann, 200, "OK", NULL, ANSWER);
	ua_expect(ann, "ACK ");
	g_assert_true(room_said(&room, "offer answered commit"));
	end();
}

static void timer_too_short(void)
{
	begin();
	ua_request(ann, "INVITE", "Supported: timer\r\nSession-Expires: 30\r\n", OFFER);
	ua_expect(ann, "SIP/2.0 422");
	g_assert_true(ua_has(ann, "Min-SE: 90"));
	ua_ack_failed(ann);
	g_assert_true(room_said(&room, ""));
	end();
}

static void timer_422_for_us(void)
{
	begin();
	call_ann();
	g_assert_true(ua_has(ann, "Session-Expires: 1800\r\n") && ua_has(ann, "Min-SE: 90\r\n"));
	ua_reply(ann, 422, "Session Interval Too Small", "Min-SE: 3600\r\n", NULL);
	ua_expect(ann, "ACK ");
	ua_expect(ann, "INVITE ");
	g_assert_true(ua_has(ann, "Session-Expires: 3600\r\n") && ua_has(ann, "offer 1 of the room"));
	ua_reply(ann, 200, "OK", "Session-Expires: 3600;refresher=uas\r\n", ANSWER);
	ua_expect(ann, "ACK ");
	ua_expect_none(ann, 3530000);             /* the peer refreshes; we wait for 3600 - 32 s */
	ua_expect(ann, "BYE ");
	end();
}

/* We called and refresh; the peer asked for it. */
static void timer_uac(void)
{
	begin();
	call_ann();
	ua_reply(ann, 200, "OK", "Session-Expires: 90;refresher=uac\r\nRequire: timer\r\n", ANSWER);
	ua_expect(ann, "ACK ");
	ua_expect_none(ann, 44900);
	ua_expect(ann, "UPDATE ");
	g_assert_true(ua_has(ann, "Session-Expires: 90;refresher=uac") && ua_has(ann, "Supported: 100rel, timer"));
	ua_reply(ann, 405, "Method Not Allowed", NULL, NULL);         /* it said it could */
	ua_expect(ann, "INVITE ");
	ua_reply(ann, 200, "OK", "Session-Expires: 90;refresher=uac\r\n", ANSWER);
	ua_expect(ann, "ACK ");
	ua_expect_none(ann, 44900);
	ua_expect(ann, "INVITE ");                /* once refused is enough */
	end();
}

/* Sixty callers lose their power: the session timer ends them all. */
static void timer_ends_the_dead(void)
{
	begin();
	for (int i = 0; i < 60; i++) {
		ua_new_call(ann);
		ua_request(ann, "INVITE", "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\n", OFFER);
		ua_expect(ann, "SIP/2.0 200");
		ua_ack(ann, NULL);
	}
	sim_advance(100);
	g_assert_cmpuint(sessions_count(room.ss), ==, 60);
	sim_advance(61000);
	g_assert_cmpuint(sessions_count(room.ss), ==, 0);
	end();
}

/* --- routes --- */

static void routes_in(void)
{
	char v[512], expect[128];

	begin();
	struct ua *proxy = NULL;

	g_assert_cmpint(ua_alloc(&proxy, SIP_TRANSP_UDP, &room.udp), ==, 0);
	(void)re_snprintf(v, sizeof(v), "Record-Route: <sip:%J;lr>\r\nRecord-Route: <sip:p2.example;lr>\r\n", &proxy->me);
	ua_request(ann, "INVITE", v, OFFER);
	ua_expect(ann, "SIP/2.0 200");
	g_assert_true(strstr(ann->msg, "Record-Route: <sip:127") < strstr(ann->msg, "Record-Route: <sip:p2"));
	ua_ack(ann, NULL);
	sim_advance(10);
	room.toys[0].s = mem_deref(room.toys[0].s);
	ua_expect(proxy, "BYE sip:ua@");          /* loose: the target is the Request-URI */
	(void)re_snprintf(expect, sizeof(expect), "Route: <sip:%J;lr>\r\nRoute: <sip:p2.example;lr>\r\n", &proxy->me);
	g_assert_true(ua_has(proxy, expect));
	mem_deref(proxy);
	end();
}

static void routes_strict(void)
{
	char v[512], expect[256];

	begin();
	struct ua *proxy = NULL;

	g_assert_cmpint(ua_alloc(&proxy, SIP_TRANSP_UDP, &room.udp), ==, 0);
	(void)re_snprintf(v, sizeof(v), "Record-Route: <sip:strict@%J>, <sip:p2.example;lr>\r\n", &proxy->me);
	ua_request(ann, "INVITE", v, OFFER);
	ua_expect(ann, "SIP/2.0 200");
	ua_ack(ann, NULL);
	sim_advance(10);
	room.toys[0].s = mem_deref(room.toys[0].s);
	ua_expect(proxy, "BYE sip:strict@");
	(void)re_snprintf(expect, sizeof(expect), "Route: <sip:p2.example;lr>\r\nRoute: <sip:ua@%J>\r\n", &ann->me);
	g_assert_true(ua_has(proxy, expect));
	mem_deref(proxy);
	end();
}

static void routes_out(void)
{
	char v[512], expect[128];

	begin();
	call_ann();
	(void)re_snprintf(v, sizeof(v), "Record-Route: <sip:far.example;lr>\r\nRecord-Route: <sip:%J;lr>\r\n", &ann->me);
	ua_reply(ann, 200, "OK", v, ANSWER);
	ua_expect(ann, "ACK ");                   /* reversed for the caller */
	(void)re_snprintf(expect, sizeof(expect), "Route: <sip:%J;lr>\r\nRoute: <sip:far.example;lr>\r\n", &ann->me);
	g_assert_true(ua_has(ann, expect));
	end();
}

/* A phone behind NAT and TCP: nobody can connect to its Contact, but its connection stands. */
static void tcp_reuse(void)
{
	begin_tp(SIP_TRANSP_TCP);
	strcpy(ann->contact, "<sip:ua@192.0.2.7:5060;transport=tcp>");
	join();
	room.toys[0].s = mem_deref(room.toys[0].s);
	ua_expect(ann, "BYE sip:ua@192.0.2.7:5060;transport=tcp");
	ua_reply(ann, 200, "OK", NULL, NULL);
	end();
}

/* A phone behind NAT and UDP: its Contact is private and not where its packets come from. */
static void nat_reuse(void)
{
	begin();
	strcpy(ann->contact, "<sip:ua@10.1.2.3:5060>");
	join();
	room.toys[0].s = mem_deref(room.toys[0].s);
	ua_expect(ann, "BYE sip:ua@10.1.2.3:5060 ");
	ua_reply(ann, 200, "OK", NULL, NULL);
	end();
}

/* The connection is gone by the time of our BYE: the Contact is the other way. */
static void tcp_gone(void)
{
	struct ua *ben = NULL;

	begin_tp(SIP_TRANSP_TCP);
	g_assert_cmpint(ua_alloc(&ben, SIP_TRANSP_UDP, &room.udp), ==, 0);
	(void)re_snprintf(ann->contact, sizeof(ann->contact), "<sip:ua@%J;transport=udp>", &ben->me);
	join();
	struct session *s = room.toys[0].s;

	room.toys[0].s = NULL;
	ann = mem_deref(ann);
	sim_advance(100);
	mem_deref(s);
	ua_expect(ben, "BYE ");
	ua_reply(ben, 200, "OK", NULL, NULL);
	mem_deref(ben);
	end();
}

/* --- limits --- */

static void too_large(void)
{
	begin();
	room.offered_err = E2BIG;
	ua_request(ann, "INVITE", NULL, OFFER);
	ua_expect(ann, "SIP/2.0 513");
	ua_ack_failed(ann);
	end();
}

/* What we send is never cut either. */
static void long_offer(void)
{
	begin();
	room.offer_size = 20000;
	call_ann();
	g_assert_cmpuint(strlen(ua_body(ann)), ==, 20000);
	ua_reply(ann, 486, "Busy Here", NULL, NULL);
	ua_expect(ann, "ACK ");
	end();
}

/* Calls come and go: as many as the server sees in a busy minute, and none stays behind. */
static void many_calls(void)
{
	begin();
	for (int i = 0; i < 1000; i++) {
		ua_new_call(ann);
		join();
		ua_request(ann, "BYE", NULL, NULL);
		ua_expect(ann, "SIP/2.0 200");
	}
	g_assert_cmpuint(sessions_count(room.ss), ==, 0);
	end();
}

static void full(void)
{
	g_assert_cmpint(sim_init(1), ==, 0);
	g_assert_cmpint(room_open(&room, "udp:127.0.0.1:0", 1800, 1), ==, 0);
	g_assert_cmpint(ua_alloc(&ann, SIP_TRANSP_UDP, &room.udp), ==, 0);
	join();
	ua_new_call(ann);
	ua_request(ann, "INVITE", NULL, OFFER);
	ua_expect(ann, "SIP/2.0 503");
	g_assert_true(ua_has(ann, "Retry-After: "));
	ua_ack_failed(ann);
	end();
}

/* Sends it again as a client transaction would, until an answer to `method` comes. */
static void insist(const char *method, const char *body)
{
	char v[64], prefix[32];

	(void)re_snprintf(prefix, sizeof(prefix), "SIP/2.0 200");
	for (int i = 0; i < 100; i++) {
		ua_request(ann, method, NULL, body);
		while (ua_wait(ann, 400)) {
			if (g_str_has_prefix(ann->msg, prefix) && g_str_has_suffix(ua_header(ann, "CSeq", v, sizeof(v)), method))
				return;
		}
		ann->cseq--;
	}
	g_error("no answer to %s", method);
}

/* A fifth of all datagrams lost, some doubled, all late: every call comes and goes, and none is left. */
static void bad_network(void)
{
	begin();
	sim_loss(20);
	sim_duplicate(10);
	sim_delay(5, 60);
	for (int i = 0; i < 20; i++) {
		ua_new_call(ann);
		insist("INVITE", OFFER);
		while (!room.toys[i].is_up) {
			ua_ack(ann, NULL);
			(void)ua_wait(ann, 300);
		}
		insist("BYE", NULL);
		g_assert_true(room.toys[i].is_closed);
		g_assert_cmpuint(room.toys[i].closed_scode, ==, 200);
	}
	g_assert_cmpuint(room.n, ==, 20);
	g_assert_cmpuint(sessions_count(room.ss), ==, 0);
	end();
}

int main(int argc, char *argv[])
{
	static const struct { const char *path; void (*h)(void); } tests[] = {
		{ "/session/invite/no-offer", invite_without_offer },
		{ "/session/invite/ack-lost", ack_lost },
		{ "/session/invite/ack-late", ack_late },
		{ "/session/invite/no-answer-in-ack", answer_in_ack_missing },
		{ "/session/cancel/ringing", cancel },
		{ "/session/cancel/nothing", cancel_nothing },
		{ "/session/bye/early", bye_early },
		{ "/session/invite/refused-offer", refused_offer },
		{ "/session/hangup/up", hangup_by_room },
		{ "/session/hangup/before-ack", hangup_before_ack },
		{ "/session/hangup/ringing", hangup_while_ringing },
		{ "/session/dialog/cseq", cseq_order },
		{ "/session/dialog/unknown", unknown_dialog },
		{ "/session/reinvite/peer", reinvite },
		{ "/session/reinvite/room", reinvite_by_room },
		{ "/session/reinvite/ack-lost", reinvite_ack_lost },
		{ "/session/reinvite/glare", glare },
		{ "/session/update/confirmed", update },
		{ "/session/update/early", update_early },
		{ "/session/100rel/prack", prack },
		{ "/session/100rel/answer-in-prack", prack_answers },
		{ "/session/100rel/no-prack", prack_never },
		{ "/session/out/call", call_out },
		{ "/session/out/offerless", call_out_offerless },
		{ "/session/out/answer-in-183", call_out_answer_in_183 },
		{ "/session/out/no-answer", call_out_no_answer },
		{ "/session/out/reliable", call_out_reliable },
		{ "/session/out/cancelled", call_out_cancelled },
		{ "/session/out/fork", call_out_fork },
		{ "/session/out/refused", call_out_refused },
		{ "/session/out/silence", call_out_silence },
		{ "/session/out/bye-challenged", bye_challenged },
		{ "/session/auth/trunk", auth_trunk },
		{ "/session/auth/wrong-realm", auth_wrong_realm },
		{ "/session/auth/wrong-peer", auth_wrong_peer },
		{ "/session/ipv6", ipv6 },
		{ "/session/timer/peer-refreshes", timer_peer_refreshes },
		{ "/session/timer/we-refresh", timer_we_refresh },
		{ "/session/timer/peer-knows-none", timer_peer_knows_none },
		{ "/session/timer/too-short", timer_too_short },
		{ "/session/timer/422-for-us", timer_422_for_us },
		{ "/session/route/in", routes_in },
		{ "/session/route/strict", routes_strict },
		{ "/session/route/out", routes_out },
		{ "/session/route/tcp-reuse", tcp_reuse },
		{ "/session/route/tcp-gone", tcp_gone },
		{ "/session/route/nat-reuse", nat_reuse },
		{ "/session/100rel/two-rings", two_rings },
		{ "/session/timer/uac", timer_uac },
		{ "/session/timer/the-dead", timer_ends_the_dead },
		{ "/session/limit/513", too_large },
		{ "/session/limit/long-offer", long_offer },
		{ "/session/limit/many", many_calls },
		{ "/session/limit/full", full },
		{ "/session/network/bad", bad_network },
	};

	g_test_init(&argc, &argv, NULL);
	g_test_add_data_func("/session/invite/offer/udp", GINT_TO_POINTER(SIP_TRANSP_UDP), invite_with_offer);
	g_test_add_data_func("/session/invite/offer/tcp", GINT_TO_POINTER(SIP_TRANSP_TCP), invite_with_offer);
	for (size_t i = 0; i < G_N_ELEMENTS(tests); i++)
		g_test_add_func(tests[i].path, tests[i].h);
	return g_test_run();
}
