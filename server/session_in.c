/*
 * session_in.c - INVITEs that come.
 *
 *     INVITE ─ session_accept_invite ─ 100 ─┬ session_ring ─ 18x (session_rel.c when the peer can)
 *                                           ├ session_answer ─ 200, again and again until ACK, or BYE after 64*T1
 *                                           ├ session_reject ─ 4xx..6xx
 *                                           └ CANCEL ─ 487
 */
#include <string.h>
#include "control/log.h"
#include "session_impl.h"

enum { RETRY_MAX_S = 10, LIMIT_RETRY_S = 30 };

static void cancel_handler(void *arg)
{
	struct session *s = mem_ref(arg);

	session_close(s, 0, 487, "cancelled", NULL);
	mem_deref(s);
}

/* --- a new INVITE --- */

void session_invite_in(struct sessions *ss, const struct sip_msg *msg)
{
	if (ss->conf.max_sessions && ss->n >= ss->conf.max_sessions) {
		log_info("sip.full", "sessions=%u", ss->n);
		(void)session_reply(ss, NULL, msg, 503, "Service Unavailable", "Retry-After: %u\r\n", LIMIT_RETRY_S);
		return;
	}
	/* RFC 3261 8.1.1.8: "The Contact header field MUST be present and contain exactly one SIP or SIPS URI in any request
	 * that can result in the establishment of a dialog." */
	if (sip_msg_hdr_count(msg, SIP_HDR_CONTACT) != 1) {
		(void)session_reply(ss, NULL, msg, 400, sip_msg_hdr(msg, SIP_HDR_CONTACT) ? "Several Contacts" :
				    "Missing Contact header", NULL);
		return;
	}
	if (timer_check(ss, msg))
		ss->inviteh(msg, ss->arg);
}

static int note_peer(struct session *s, const struct sip_msg *msg, const struct session_in *in)
{
	char *name = NULL;
	int err;

	err = pl_strdup(&s->remote_uri, &msg->from.auri);
	if (pl_isset(&msg->from.dname))
		err |= pl_strdup(&name, &msg->from.dname);
	s->remote_name = name;
	if (in->extra)
		err |= str_dup(&s->extra, in->extra);
	s->inv = mem_ref((void *)msg);
	s->peer_rel = sip_msg_names(msg, SIP_HDR_SUPPORTED, "100rel") || sip_msg_names(msg, SIP_HDR_REQUIRE, "100rel");
	session_learn(s, msg);
	timer_as_uas(s, msg);
	return err;
}

/* Nothing has been said to the owner yet: it gets the error as return value, not by ops->closed. */
static void abandon(struct session *s)
{
	s->ops = NULL;
	s->closed = true;
	sdp_rollback(s);
	if (s->le.list) {
		hash_unlink(&s->le);
		s->ss->n--;
	}
	mem_deref(s);
}

int session_accept_invite(struct session **sp, struct sessions *ss, const struct sip_msg *msg, const struct session_in *in,
			  const struct session_ops *ops, void *arg)
{
	struct dialog *dlg = NULL;
	struct session *s = NULL;
	const char *why = NULL;
	struct pl body;
	int err;

	err = dialog_accept(&dlg, ss->sips, msg, in->contact_user, in->isfocus);
	if (err) {
		(void)session_reply_err(ss, NULL, msg, err, "Malformed Contact header");
		return err;
	}
	err = session_new(&s, ss, dlg, ops, arg);
	mem_deref(dlg);
	if (err)
		return err;
	err = note_peer(s, msg, in);
	if (!err)
		err = sip_strans_alloc(&s->st, dlg->sip, msg, cancel_handler, s);
	if (!err)
		err = sips_reply(ss->sips, &s->st, NULL, msg, false, 100, "Trying", NULL);
	if (!err && session_body(&body, msg)) {
		/* The owner may be asked before it knows the session. */
		*sp = s;
		err = sdp_their_offer(s, &why, &body);
	}
	if (err) {
		*sp = NULL;
		(void)session_reply_err(ss, s->st ? &s->st : NULL, msg, err, why);
		abandon(s);
		return err;
	}
	*sp = s;
	return 0;
}

int session_reject(struct session *s, uint16_t scode, const char *reason)
{
	int err;

	if (!s->st || s->closed)
		return EPROTO;
	mem_ref(s);
	if (scode == 488)
		err = session_reply_err(s->ss, &s->st, s->inv, ENOTSUP, reason);
	else
		err = session_reply(s->ss, &s->st, s->inv, scode, reason, scode == 503 ? "Retry-After: 30\r\n" : NULL);
	s->st = NULL;
	session_close(s, 0, scode, reason, NULL);
	mem_deref(s);
	return err;
}

/* --- 2xx --- */

static void ok_timeout(void *arg)
{
	struct session *s = arg;

	if (again_next(&s->ok, s, ok_timeout, SIP_T2))
		return;
	/* RFC 3261 13.3.1.4: "If the server retransmits the 2xx response for 64*T1 seconds without receiving an ACK, the
	 * dialog is confirmed, but the session SHOULD be terminated. This is accomplished with a BYE". */
	mem_ref(s);
	again_stop(&s->ok);
	session_bye(s, s->leaving ? s->bye_reason : "Reason: SIP;cause=408;text=\"no ACK\"\r\n");
	if (s->leaving)
		session_left(s);
	else
		session_close(s, ETIMEDOUT, 408, "no ACK", NULL);
	mem_deref(s);
}

/* The 2xx of an INVITE: with our answer, our offer, or neither when a reliable 1xx carried both. */
static int write_ok(struct mbuf *mb, struct session *s, const struct mbuf *sdp)
{
	int err;

	err  = hdrs_contact(mb, s, s->inv);
	err |= hdrs_common(mb, s);
	err |= timer_hdrs_reply(mb, s);
	err |= hdrs_body(mb, sdp);
	return err;
}

static int session_send_ok(struct session *s)
{
	struct mbuf *mb = mbuf_alloc(1024), *offer = NULL, *sent = NULL;
	bool reinvite = s->established;
	int err = mb ? 0 : ENOMEM;

	if (!err && s->xchg == XCHG_NONE && (reinvite || !s->agreed))
		err = sdp_our_offer(s, &offer);
	if (!err)
		err = write_ok(mb, s, offer ? offer : s->answer);
	if (!err) {
		err = sips_reply(s->ss->sips, &s->st, &sent, s->inv, true, 200, "OK", mb);
		s->st = NULL;
	}
	if (err)
		goto out;
	s->established = true;
	again_start(&s->ok, sent, s->inv, ok_timeout, s);
	if (s->xchg == XCHG_THEIRS)
		sdp_commit(s);
	timer_arm(s);
out:
	mem_deref(sent);
	mem_deref(offer);
	mem_deref(mb);
	return err;
}

int session_answer(struct session *s)
{
	if (!s->st || s->closed)
		return EPROTO;
	/* RFC 3262 3: "the UAS MUST NOT send a 2xx ... until" what it sent reliably with a body is acknowledged. */
	if (s->rel.mb) {
		s->answer_wanted = true;
		return 0;
	}
	return session_send_ok(s);
}

void session_ack_in(struct session *s, const struct sip_msg *msg)
{
	const char *why = NULL;
	struct pl body;
	bool first = !s->told;
	int err = 0;

	if (!s->ok.mb || msg->cseq.num != s->inv->cseq.num)
		return;
	again_stop(&s->ok);
	if (s->leaving) {
		session_bye(s, s->bye_reason);
		session_left(s);
		return;
	}
	if (s->xchg == XCHG_OURS)
		err = session_body(&body, msg) ? sdp_their_answer(s, &why, &body) : EPROTO;
	if (err) {
		session_bye(s, "Reason: SIP;cause=488;text=\"unusable answer\"\r\n");
		session_close(s, err, 488, why ? why : "unusable answer", msg);
		return;
	}
	s->told = true;
	if (first && s->ops && s->ops->established)
		s->ops->established(msg, s->arg);
	session_modify_kick(s);
}

/* --- re-INVITE --- */

static bool reinvite_clashes(struct session *s, const struct sip_msg *msg)
{
	/* RFC 3261 14.2: "A UAS that receives a second INVITE before it sends the final response to a first INVITE with a
	 * lower CSeq sequence number on the same dialog MUST return a 500 ... and MUST include a Retry-After header field
	 * with a randomly chosen value of between 0 and 10 seconds." */
	if (s->st || s->xchg == XCHG_THEIRS) {
		(void)session_reply(s->ss, NULL, msg, 500, "Server Internal Error", "Retry-After: %u\r\n",
				    rand_u32() % (RETRY_MAX_S + 1));
		return true;
	}
	/* "A UAS that receives an INVITE on a dialog while an INVITE it had sent on that dialog is in progress MUST return a
	 * 491". An offer of ours in a 2xx without its ACK is such a case (RFC 5407 3.1.4). */
	if (s->req || s->xchg == XCHG_OURS) {
		(void)session_reply(s->ss, NULL, msg, 491, "Request Pending", NULL);
		return true;
	}
	return false;
}

void session_reinvite_in(struct session *s, const struct sip_msg *msg)
{
	struct sip_msg *old = s->inv;
	const char *why = NULL;
	struct pl body;
	int err = 0;

	if (reinvite_clashes(s, msg) || !timer_check(s->ss, msg))
		return;
	if (session_body(&body, msg))
		err = sdp_their_offer(s, &why, &body);
	if (!err)
		err = dialog_target(s->dlg, msg);
	if (!err) {
		s->inv = mem_ref((void *)msg);
		timer_as_uas(s, msg);
		again_stop(&s->ok);               /* a new INVITE says that the ACK was only lost (RFC 5407 3.1.4) */
		err = session_send_ok(s);
		mem_deref(old);
	}
	if (err) {
		sdp_rollback(s);
		(void)session_reply_err(s->ss, NULL, msg, err, why);
	}
}

/* --- UPDATE (RFC 3311) --- */

static int update_ok(struct session *s, const struct sip_msg *msg, bool offer)
{
	struct mbuf *mb = mbuf_alloc(1024);
	int err;

	if (!mb)
		return ENOMEM;
	timer_as_uas(s, msg);
	err  = hdrs_contact(mb, s, msg);
	err |= hdrs_common(mb, s);
	err |= timer_hdrs_reply(mb, s);
	err |= hdrs_body(mb, offer ? s->answer : NULL);
	if (!err)
		err = sips_reply(s->ss->sips, NULL, NULL, msg, false, 200, "OK", mb);
	mem_deref(mb);
	return err;
}

void session_update_in(struct session *s, const struct sip_msg *msg)
{
	const char *why = NULL;
	struct pl body;
	bool offer = session_body(&body, msg);
	int err = 0;

	if (!timer_check(s->ss, msg))
		return;
	/* RFC 3311 5.2: 491 when the UAS has an offer of its own open, 500 with Retry-After when it has not answered
	 * theirs; and until the first exchange is done there is nothing an UPDATE could offer on. */
	if (offer && s->xchg == XCHG_OURS) {
		(void)session_reply(s->ss, NULL, msg, 491, "Request Pending", NULL);
		return;
	}
	if (offer && (s->xchg == XCHG_THEIRS || !s->agreed)) {
		(void)session_reply(s->ss, NULL, msg, 500, "Server Internal Error", "Retry-After: %u\r\n",
				    rand_u32() % (RETRY_MAX_S + 1));
		return;
	}
	if (offer)
		err = sdp_their_offer(s, &why, &body);
	if (!err)
		err = dialog_target(s->dlg, msg);
	if (!err)
		err = update_ok(s, msg, offer);
	if (err) {
		if (offer)
			sdp_rollback(s);
		(void)session_reply_err(s->ss, NULL, msg, err, why);
		return;
	}
	if (offer)
		sdp_commit(s);
	if (s->established)
		timer_arm(s);
}
