/*
 * session_out.c - INVITE, re-INVITE and UPDATE that go.
 *
 *     session_invite ─ INVITE ─┬ 1xx: early dialog, PRACK (session_rel.c)
 *                              ├ 2xx: ACK; of another branch: that dialog wins when none has, else ACK and BYE
 *                              ├ 422: again with the peer's Min-SE;  401, 407: dialog.c
 *                              └ 3xx..6xx, time-out: closed
 *     session_modify ─ re-INVITE, or UPDATE while early; one at a time, 491 waits and tries again
 *
 * libre's client transaction ends with the first 2xx; every later one (a lost ACK, a fork) comes to
 * session_late_response.
 */
#include <string.h>
#include "session_impl.h"

enum { FORKS_MAX = 32 };

static void modify_later(void *arg)
{
	session_modify_kick(arg);
}

/* RFC 3261 14.1: "If the UAC is the owner of the Call-ID of the dialog ID, T has a randomly chosen value between 2.1 and 4
 * seconds in units of 10 ms. ... If the UAC is not the owner ..., between 0 and 2 seconds in units of 10 ms." */
static void back_off(struct session *s)
{
	uint32_t ms = s->out ? 2100 + 10 * (rand_u32() % 191) : 10 * (rand_u32() % 201);

	s->modify_wanted = true;
	tmr_start(&s->tmr_modify, ms, modify_later, s);
}

static int write_invite(struct mbuf *mb, const struct session *s, const struct mbuf *sdp)
{
	int err;

	err  = hdrs_common(mb, s);
	err |= timer_hdrs_request(mb, s);
	err |= hdrs_body(mb, sdp);
	return err;
}

static int request_send(struct session *s, const char *method, const struct mbuf *sdp, sip_resp_h *h)
{
	struct mbuf *mb = mbuf_alloc(1024);
	int err;

	if (!mb)
		return ENOMEM;
	err = write_invite(mb, s, sdp);
	if (!err)
		err = dialog_request(&s->req, s->dlg, method, mb, h, s);
	mem_deref(mb);
	return err;
}

/* --- ACK --- */

static void ack_send(struct session *s, uint32_t cseq, const struct mbuf *answer)
{
	struct mbuf *mb = mbuf_alloc(512);

	if (!mb)
		return;
	(void)hdrs_body(mb, answer);
	mem_deref(s->ack);
	s->ack = mb;
	s->ack_cseq = cseq;
	s->acked = true;
	(void)dialog_ack(s->dlg, cseq, s->ack);
}

/* What a 2xx brings: the answer to our offer, an offer to our offerless INVITE, or nothing new. */
static int take_ok_body(struct session *s, const char **why, const struct sip_msg *msg)
{
	struct pl body;
	bool has = session_body(&body, msg);

	if (s->xchg == XCHG_OURS) {
		/* RFC 3261 13.2.1 wants the answer in the 2xx, whatever a 1xx showed; some gateways leave it out. */
		if (!has && s->early) {
			pl_set_str(&body, s->early);
			has = true;
		}
		return has ? sdp_their_answer(s, why, &body) : EBADMSG;
	}
	if (s->agreed && !s->established)
		return 0;                         /* RFC 3261 13.2.1: repeats of the answer are ignored */
	return has ? sdp_their_offer(s, why, &body) : EBADMSG;
}

static void ack_and_commit(struct session *s, const struct sip_msg *msg)
{
	ack_send(s, msg->cseq.num, s->xchg == XCHG_THEIRS ? s->answer : NULL);
	if (s->xchg == XCHG_THEIRS)
		sdp_commit(s);
}

static void fail_after_ack(struct session *s, int err, const char *why, const struct sip_msg *msg)
{
	session_bye(s, "Reason: SIP;cause=488;text=\"unusable SDP\"\r\n");
	session_close(s, err, 488, why ? why : "unusable SDP", msg);
}

/* --- INVITE --- */

/* The 2xx of another branch than the early dialog we followed: that one is the call now. */
static int follow_fork(struct session *s, const struct sip_msg *msg)
{
	struct dialog *dlg;
	int err;

	if (!s->dlg->rtag || !pl_strcmp(&msg->to.tag, s->dlg->rtag))
		return dialog_answered(s->dlg, msg);
	err = dialog_fork(&dlg, s->dlg, msg);
	if (err)
		return err;
	mem_deref(s->dlg);
	s->dlg = dlg;
	s->early = mem_deref(s->early);
	/* What was agreed was agreed with another: offer anew in this dialog. */
	s->modify_wanted = s->agreed;
	return 0;
}

static void invite_ok(struct session *s, const struct sip_msg *msg)
{
	const char *why = NULL;
	int err = follow_fork(s, msg);

	if (err) {
		session_close(s, err, 500, "unusable 2xx", msg);
		return;
	}
	if (s->closed) {
		/* Our CANCEL came too late. */
		ack_send(s, msg->cseq.num, NULL);
		session_bye(s, s->bye_reason);
		session_left(s);
		return;
	}
	err = take_ok_body(s, &why, msg);
	s->early = mem_deref(s->early);
	s->established = true;
	s->told = true;
	ack_and_commit(s, msg);
	if (err) {
		fail_after_ack(s, err, why, msg);
		return;
	}
	timer_as_uac(s, msg);
	timer_arm(s);
	if (s->ops && s->ops->established)
		s->ops->established(msg, s->arg);
	session_modify_kick(s);
}

static void invite_response(int err, const struct sip_msg *msg, void *arg);

static bool invite_again(struct session *s, const struct sip_msg *msg)
{
	return msg->scode == 422 && !s->closed && timer_too_small(s, msg) &&
		!request_send(s, "INVITE", s->offer, invite_response);
}

static void invite_failed(struct session *s, int err, const struct sip_msg *msg)
{
	char reason[128] = "";

	if (s->closed) {
		session_left(s);
		return;
	}
	if (msg)
		(void)pl_strcpy(&msg->reason, reason, sizeof(reason));
	if (msg)
		session_close(s, 0, msg->scode, reason, msg);
	else
		session_close(s, err, err == ETIMEDOUT ? 408 : 503, err == ETIMEDOUT ? "Request Timeout" : strerror(err), NULL);
}

static void keep_early(struct session *s, const struct sip_msg *msg)
{
	struct pl body;

	if (s->xchg != XCHG_OURS || sip_msg_hdr(msg, SIP_HDR_RSEQ) || !s->dlg->rtag || pl_strcmp(&msg->to.tag, s->dlg->rtag) ||
	    !session_body(&body, msg))
		return;
	s->early = mem_deref(s->early);
	(void)pl_strdup(&s->early, &body);
}

static void invite_progress(struct session *s, const struct sip_msg *msg)
{
	if (s->closed || msg->scode == 100)
		return;
	if (pl_isset(&msg->to.tag) && !s->dlg->rtag)
		(void)dialog_answered(s->dlg, msg);
	keep_early(s, msg);
	rel_response(s, msg);
	if (!s->closed && s->ops && s->ops->progress)
		s->ops->progress(msg, s->arg);
}

static void invite_response(int err, const struct sip_msg *msg, void *arg)
{
	struct session *s = mem_ref(arg);

	if (msg && !err)
		session_learn(s, msg);
	s->heard |= msg != NULL;
	if (err || !msg)
		invite_failed(s, err ? err : EPROTO, NULL);
	else if (msg->scode < 200)
		invite_progress(s, msg);
	else if (msg->scode < 300)
		invite_ok(s, msg);
	else if (!invite_again(s, msg))
		invite_failed(s, 0, msg);
	mem_deref(s);
}

static int out_strings(struct session *s, const struct session_out *out)
{
	int err = str_dup(&s->remote_uri, out->uri);

	if (out->extra)
		err |= str_dup(&s->extra, out->extra);
	return err;
}

int session_invite(struct session **sp, struct sessions *ss, const struct session_out *out, const struct session_ops *ops,
		   void *arg)
{
	struct dialog *dlg = NULL;
	struct session *s = NULL;
	int err;

	err = dialog_make(&dlg, ss->sips, out->uri, out->from_uri, out->from_name, out->contact_user, out->isfocus, out->route);
	if (err)
		return err;
	dlg->authh = out->authh;
	dlg->auth_arg = out->auth_arg;
	err = session_new(&s, ss, dlg, ops, arg);
	mem_deref(dlg);
	if (err)
		return err;
	s->out = true;
	*sp = s;
	err = out_strings(s, out);
	if (!err) {
		err = sdp_our_offer(s, &s->offer);
		err = err == ENOENT ? 0 : err;
	}
	if (!err)
		err = request_send(s, "INVITE", s->offer, invite_response);
	if (err) {
		*sp = NULL;
		sdp_rollback(s);
		mem_deref(s);
	}
	return err;
}

/* --- re-INVITE and UPDATE --- */

bool session_busy(const struct session *s)
{
	return s->req || s->st || s->ok.mb || s->rel.mb || s->xchg != XCHG_NONE || !s->dlg->rtag;
}

static bool peer_is_gone(int err, const struct sip_msg *msg)
{
	/* RFC 3261 12.2.1.2: "If the response for a request within a dialog is a 481 or a 408, the UAC SHOULD terminate the
	 * dialog. A UAC SHOULD also terminate a dialog if no response at all is received". */
	return err ? err != ECONNABORTED : msg && (msg->scode == 481 || msg->scode == 408);
}

/* 3xx..6xx or no answer to a re-INVITE or UPDATE: the session stays as it was, or ends. */
static void modify_failed(struct session *s, int err, const struct sip_msg *msg)
{
	sdp_rollback(s);
	if (peer_is_gone(err, msg)) {
		session_bye(s, NULL);
		session_close(s, err ? err : ECONNRESET, msg ? msg->scode : 408, "peer is gone", msg);
		return;
	}
	if (!msg)
		return;
	if (msg->scode == 491 || (msg->scode == 500 && sip_msg_hdr(msg, SIP_HDR_RETRY_AFTER)))
		back_off(s);
	else if (msg->scode == 422 && timer_too_small(s, msg))
		s->modify_wanted = true;
	session_modify_kick(s);
}

static void reinvite_ok(struct session *s, const struct sip_msg *msg)
{
	const char *why = NULL;
	int err = dialog_target(s->dlg, msg);

	if (!err)
		err = take_ok_body(s, &why, msg);
	ack_and_commit(s, msg);
	if (err) {
		fail_after_ack(s, err, why, msg);
		return;
	}
	timer_as_uac(s, msg);
	timer_arm(s);
	session_modify_kick(s);
}

static void reinvite_response(int err, const struct sip_msg *msg, void *arg)
{
	struct session *s = mem_ref(arg);

	if (s->closed || (msg && !err && msg->scode < 200))
		;
	else if (!err && msg && msg->scode < 300)
		reinvite_ok(s, msg);
	else
		modify_failed(s, err, msg);
	mem_deref(s);
}

int session_send_reinvite(struct session *s)
{
	struct mbuf *offer = NULL;
	int err = sdp_our_offer(s, &offer);

	if (!err)
		err = request_send(s, "INVITE", offer, reinvite_response);
	if (err)
		sdp_rollback(s);
	mem_deref(offer);
	return err;
}

static void update_ok(struct session *s, const struct sip_msg *msg)
{
	const char *why = NULL;
	struct pl body;
	int err = dialog_target(s->dlg, msg);

	if (!err && s->xchg == XCHG_OURS)
		err = session_body(&body, msg) ? sdp_their_answer(s, &why, &body) : EBADMSG;
	if (err) {
		fail_after_ack(s, err, why, msg);
		return;
	}
	if (s->established) {
		timer_as_uac(s, msg);
		timer_arm(s);
	}
	session_modify_kick(s);
}

static void update_response(int err, const struct sip_msg *msg, void *arg)
{
	struct session *s = mem_ref(arg);
	bool refused = !err && msg && (msg->scode == 405 || msg->scode == 501);

	if (s->closed || (msg && !err && msg->scode < 200))
		;
	else if (!err && msg && msg->scode < 300)
		update_ok(s, msg);
	else if (refused) {
		/* It said it could and cannot: a re-INVITE refreshes as well. */
		s->peer_update = false;
		sdp_rollback(s);
		s->modify_wanted = true;
		session_modify_kick(s);
	}
	else
		modify_failed(s, err, msg);
	mem_deref(s);
}

/* An UPDATE while our own INVITE is still open must not overwrite s->req. */
static int update_send(struct session *s, const struct mbuf *sdp)
{
	struct mbuf *mb;
	int err;

	if (s->established)
		return request_send(s, "UPDATE", sdp, update_response);
	mb = mbuf_alloc(1024);
	if (!mb)
		return ENOMEM;
	err  = hdrs_common(mb, s);
	err |= hdrs_body(mb, sdp);
	if (!err)
		err = dialog_request(&s->upd, s->dlg, "UPDATE", mb, update_response, s);
	mem_deref(mb);
	return err;
}

int session_send_update(struct session *s, bool with_offer)
{
	struct mbuf *offer = NULL;
	int err = with_offer ? sdp_our_offer(s, &offer) : 0;

	if (!err)
		err = update_send(s, offer);
	if (err && with_offer)
		sdp_rollback(s);
	mem_deref(offer);
	return err;
}

static bool early_update_allowed(const struct session *s)
{
	return !s->established && s->agreed && s->peer_update && s->dlg->rtag && !s->rel.mb && !s->upd &&
		s->xchg == XCHG_NONE;
}

void session_modify_kick(struct session *s)
{
	int err = 0;

	if (!s->modify_wanted || s->closed || tmr_isrunning(&s->tmr_modify))
		return;
	if (early_update_allowed(s)) {
		s->modify_wanted = false;
		err = session_send_update(s, true);
	}
	else if (s->established && !session_busy(s)) {
		s->modify_wanted = false;
		err = session_send_reinvite(s);
	}
	if (err)
		session_close(s, err, 500, "cannot offer", NULL);
}

int session_modify(struct session *s)
{
	if (!s || s->closed)
		return EPROTO;
	s->modify_wanted = true;
	session_modify_kick(s);
	return 0;
}

int session_request(struct session *s, const char *method, sip_resp_h *resph, void *arg, const char *fmt, ...)
{
	struct mbuf *mb;
	va_list ap;
	int err;

	if (!s || s->closed || !s->dlg->rtag)
		return EPROTO;
	mb = mbuf_alloc(512);
	if (!mb)
		return ENOMEM;
	va_start(ap, fmt);
	err = fmt ? mbuf_vprintf(mb, fmt, ap) : hdrs_body(mb, NULL);
	va_end(ap);
	if (!err)
		err = dialog_request(NULL, s->dlg, method, mb, resph, arg);
	mem_deref(mb);
	return err;
}

/* --- 2xx that no transaction wanted --- */

struct half { const struct pl *callid, *ltag; };

static bool is_half(struct le *le, void *arg)
{
	const struct session *s = le->data;
	const struct half *h = arg;

	return dialog_is(s->dlg, h->callid, h->ltag, NULL);
}

static void refuse_fork(struct session *s, const struct sip_msg *msg)
{
	struct dialog *dlg;

	/* RFC 3261 13.2.2.4: "... the UAC core MUST generate an ACK for each 2xx" and a BYE for those it does not want. */
	if (dialog_fork(&dlg, s->dlg, msg))
		return;
	dlg->lseq = s->dlg->lseq;
	(void)dialog_ack(dlg, msg->cseq.num, NULL);
	(void)dialog_request(NULL, dlg, "BYE", NULL, NULL, NULL);
	mem_deref(dlg);
}

bool session_late_response(struct sessions *ss, const struct sip_msg *msg)
{
	struct half key = { &msg->callid, &msg->from.tag };
	struct session *s;

	if (msg->scode < 200 || msg->scode > 299 || pl_strcmp(&msg->cseq.met, "INVITE") || !pl_isset(&msg->to.tag))
		return false;
	s = list_ledata(hash_lookup(ss->ht, hash_joaat_pl(&msg->callid), is_half, &key));
	if (!s || !s->acked)
		return false;
	if (s->dlg->rtag && !pl_strcmp(&msg->to.tag, s->dlg->rtag)) {
		if (msg->cseq.num == s->ack_cseq)
			(void)dialog_ack(s->dlg, s->ack_cseq, s->ack);
	}
	else if (s->n_forks < FORKS_MAX) {
		s->n_forks++;
		refuse_fork(s, msg);
	}
	return true;
}
