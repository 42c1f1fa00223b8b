/*
 * session_rel.c - reliable provisional responses (RFC 3262), both sides.
 *
 *     we answer:  18x with RSeq ─ again and again ─ PRACK ─ 200 (PRACK);  no PRACK in 64*T1 ─ 504
 *     we call:    18x with RSeq in order ─ PRACK, with the answer when the 18x offered
 *
 * One is under way at a time: "The UAS MUST NOT send a second reliable provisional response until the first is
 * acknowledged" (RFC 3262 3, for the first); a later ring waits its turn, the newest wins.
 */
#include <string.h>
#include "session_impl.h"

static void rel_timeout(void *arg)
{
	struct session *s = arg;

	/* "Retransmissions ... doubling each time"; there is no T2 cap for them. */
	if (again_next(&s->rel, s, rel_timeout, 64 * SIP_T1))
		return;
	/* "If a reliable provisional response is retransmitted for 64*T1 seconds without reception of a corresponding PRACK,
	 * the UAS SHOULD reject the original request with a 5xx response." */
	mem_ref(s);
	again_stop(&s->rel);
	(void)session_reject(s, 504, "PRACK Missing");
	mem_deref(s);
}

/* What a 18x carries: their offer's answer, or our offer when there was none and the 18x is reliable. */
static int ring_sdp(struct session *s, struct mbuf **offer, bool with_sdp, bool reliable)
{
	if (!with_sdp || s->xchg != XCHG_NONE || s->agreed || !reliable)
		return 0;
	return sdp_our_offer(s, offer);
}

static int ring_now(struct session *s, uint16_t scode, const char *reason, bool with_sdp)
{
	struct mbuf *mb = mbuf_alloc(1024), *offer = NULL, *sent = NULL;
	bool reliable = s->peer_rel && scode > 100;
	int err = mb ? 0 : ENOMEM;

	if (!err)
		err = ring_sdp(s, &offer, with_sdp, reliable);
	if (err)
		goto out;
	if (reliable)
		err = mbuf_printf(mb, "Require: 100rel\r\nRSeq: %u\r\n", ++s->rseq);
	err |= hdrs_contact(mb, s, s->inv);
	err |= hdrs_common(mb, s);
	err |= hdrs_body(mb, offer ? offer : with_sdp && s->xchg == XCHG_THEIRS ? s->answer : NULL);
	if (!err)
		err = sips_reply(s->ss->sips, &s->st, &sent, s->inv, true, scode, reason, mb);
	if (err || !reliable)
		goto out;
	again_start(&s->rel, sent, s->inv, rel_timeout, s);
	if (with_sdp && s->xchg == XCHG_THEIRS)
		sdp_commit(s);
out:
	mem_deref(sent);
	mem_deref(offer);
	mem_deref(mb);
	return err;
}

int session_ring(struct session *s, uint16_t scode, const char *reason, bool with_sdp)
{
	if (!s->st || s->closed || scode < 101 || scode > 199)
		return EPROTO;
	if (!s->rel.mb)
		return ring_now(s, scode, reason, with_sdp);
	s->ring_wanted = true;
	s->ring_sdp = with_sdp;
	s->ring_scode = scode;
	s->ring_reason = mem_deref(s->ring_reason);
	return str_dup(&s->ring_reason, reason);
}

static bool rack_matches(const struct session *s, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_RACK);
	struct pl rseq, cseq, method;

	if (!hdr || !s->rel.mb ||
	    re_regex(hdr->val.p, hdr->val.l, "[0-9]+[ \t\r\n]+[0-9]+[ \t\r\n]+[^ \t\r\n]+", &rseq, NULL, &cseq, NULL, &method))
		return false;
	return pl_u32(&rseq) == s->rseq && pl_u32(&cseq) == s->inv->cseq.num && !pl_strcmp(&method, "INVITE");
}

/* An answer goes here only to an offer in the PRACK itself; that to the INVITE's has its own message. */
static int prack_ok(struct session *s, const struct sip_msg *msg, bool offered)
{
	struct mbuf *mb = mbuf_alloc(512);
	int err;

	if (!mb)
		return ENOMEM;
	err = hdrs_body(mb, offered ? s->answer : NULL);
	if (!err)
		err = sips_reply(s->ss->sips, NULL, NULL, msg, false, 200, "OK", mb);
	mem_deref(mb);
	if (!err && offered)
		sdp_commit(s);
	return err;
}

static int prack_body(struct session *s, const struct sip_msg *msg, const char **why)
{
	struct pl body;

	if (!session_body(&body, msg))
		return s->xchg == XCHG_OURS ? EBADMSG : 0;
	if (s->xchg == XCHG_OURS)
		return sdp_their_answer(s, why, &body);
	/* RFC 3262 5: a PRACK may carry a new offer only when the first exchange is done. */
	return s->agreed ? sdp_their_offer(s, why, &body) : EBADMSG;
}

void rel_prack_in(struct session *s, const struct sip_msg *msg)
{
	const char *why = NULL;
	bool open = s->xchg == XCHG_THEIRS;
	int err;

	/* "If a PRACK request is received by the UA core that does not match any unacknowledged reliable provisional
	 * response, the UAS MUST respond to the PRACK with a 481 response." */
	if (!rack_matches(s, msg)) {
		(void)session_reply(s->ss, NULL, msg, 481, "Call/Transaction Does Not Exist", NULL);
		return;
	}
	again_stop(&s->rel);
	err = prack_body(s, msg, &why);
	if (err) {
		(void)session_reply_err(s->ss, NULL, msg, err, why ? why : "Missing SDP answer");
		if (!s->agreed)
			(void)session_reject(s, 488, why ? why : "no usable answer");
		return;
	}
	(void)prack_ok(s, msg, !open && s->xchg == XCHG_THEIRS);
	if (s->answer_wanted) {
		s->answer_wanted = s->ring_wanted = false;
		if (session_answer(s))
			(void)session_reject(s, 500, "Server Internal Error");
	}
	else if (s->ring_wanted && s->st) {
		s->ring_wanted = false;
		(void)ring_now(s, s->ring_scode, s->ring_reason, s->ring_sdp);
	}
	else
		session_modify_kick(s);
}

/* --- as the caller --- */

static void prack_send(struct session *s, struct dialog *dlg, uint32_t rseq, const struct sip_msg *msg,
		       const struct mbuf *answer)
{
	struct mbuf *mb = mbuf_alloc(512);

	if (!mb)
		return;
	if (!mbuf_printf(mb, "RAck: %u %u INVITE\r\n", rseq, msg->cseq.num) && !hdrs_body(mb, answer))
		(void)dialog_request(NULL, dlg, "PRACK", mb, NULL, NULL);
	mem_deref(mb);
}

/* A branch of a fork that is not the one we follow: acknowledged, for else its callee would ring into a 504. */
static void prack_fork(struct session *s, uint32_t rseq, const struct sip_msg *msg)
{
	struct dialog *dlg;

	if (dialog_fork(&dlg, s->dlg, msg))
		return;
	prack_send(s, dlg, rseq, msg, NULL);
	mem_deref(dlg);
}

static bool rel_body(struct session *s, const struct sip_msg *msg)
{
	const char *why = NULL;
	struct pl body;

	if (!session_body(&body, msg))
		return true;
	if (s->xchg == XCHG_OURS)
		return !sdp_their_answer(s, &why, &body);
	return s->agreed || !sdp_their_offer(s, &why, &body);
}

void rel_response(struct session *s, const struct sip_msg *msg)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, SIP_HDR_RSEQ);
	uint32_t rseq;

	if (!hdr || !sip_msg_names(msg, SIP_HDR_REQUIRE, "100rel") || !pl_isset(&msg->to.tag))
		return;
	rseq = pl_u32(&hdr->val);
	if (s->dlg->rtag && pl_strcmp(&msg->to.tag, s->dlg->rtag)) {
		prack_fork(s, rseq, msg);
		return;
	}
	/* "If the UAC receives another reliable provisional response to the same request, and its RSeq value is not one
	 * higher than the value of the sequence number, that response MUST NOT be acknowledged with a PRACK". */
	if (s->peer_rseq_set && rseq != s->peer_rseq + 1)
		return;
	s->peer_rseq = rseq;
	s->peer_rseq_set = true;
	if (!rel_body(s, msg)) {
		session_bye(s, NULL);
		session_close(s, EBADMSG, 488, "unusable SDP", msg);
		return;
	}
	prack_send(s, s->dlg, rseq, msg, s->xchg == XCHG_THEIRS ? s->answer : NULL);
	if (s->xchg == XCHG_THEIRS)
		sdp_commit(s);
}
