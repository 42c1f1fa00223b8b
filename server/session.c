/*
 * session.c - all sessions of a server, the end of one, and requests inside a dialog.
 *
 *     request ── To tag? ── no ── INVITE ── limits, 422 ── owner's handler ── session_accept_invite
 *                   │
 *                  yes ── find by Call-ID and both tags ── CSeq in order? ── ACK BYE INVITE PRACK UPDATE OPTIONS
 *                                                                            │ others: the owner
 *
 * A session that its owner hangs up while a CANCEL or a 2xx still waits for an answer stays behind as "leaving": it holds
 * a reference to itself, no longer calls the owner, and says BYE when RFC 3261 lets it.
 */
#include <stdlib.h>
#include <string.h>
#include "session_impl.h"

enum { HASH_SIZE = 4096, RETRY_AFTER_S = 10 };

/* --- sent until acknowledged --- */

void again_start(struct again *a, struct mbuf *mb, const struct sip_msg *msg, tmr_h *h, void *arg)
{
	again_stop(a);
	a->mb  = mem_ref(mb);
	a->msg = mem_ref((void *)msg);
	sip_reply_addr(&a->dst, msg, sip_param(&msg->via.params, "rport", NULL));
	a->delay_ms = SIP_T1;
	a->spent_ms = 0;
	tmr_start(&a->tmr, a->delay_ms, h, arg);
}

bool again_next(struct again *a, struct session *s, tmr_h *h, uint32_t max_ms)
{
	a->spent_ms += a->delay_ms;
	if (a->spent_ms >= 64 * SIP_T1)
		return false;
	a->mb->pos = 0;
	(void)sip_send(sips_of(s->ss->sips, a->msg), a->msg->sock, a->msg->tp, &a->dst, a->mb);
	a->delay_ms = a->delay_ms * 2 < max_ms ? a->delay_ms * 2 : max_ms;
	if (a->spent_ms + a->delay_ms > 64 * SIP_T1)
		a->delay_ms = 64 * SIP_T1 - a->spent_ms;
	tmr_start(&a->tmr, a->delay_ms, h, s);
	return true;
}

void again_stop(struct again *a)
{
	tmr_cancel(&a->tmr);
	a->mb  = mem_deref(a->mb);
	a->msg = mem_deref(a->msg);
}

/* --- life --- */

static void unhash(struct session *s)
{
	if (!s->le.list)
		return;
	hash_unlink(&s->le);
	if (!s->ss)
		return;
	s->ss->n--;
	s->ss->ended[s->ss->n_ended++ % ENDED_MAX] = strtoull(s->dlg->ltag, NULL, 16);
}

static void session_destructor(void *arg)
{
	struct session *s = arg;

	session_hangup(s, NULL);
	if (s->leaving)
		return;
	unhash(s);
	timer_stop(s);
	tmr_cancel(&s->tmr_modify);
	again_stop(&s->ok);
	again_stop(&s->rel);
	dreq_forget(s->req);
	dreq_forget(s->upd);
	mem_deref(s->inv);
	mem_deref(s->answer);
	mem_deref(s->early);
	mem_deref(s->offer);
	mem_deref(s->ack);
	mem_deref(s->extra);
	mem_deref(s->remote_uri);
	mem_deref(s->remote_name);
	mem_deref(s->bye_reason);
	mem_deref(s->ring_reason);
	mem_deref(s->dlg);
}

int session_new(struct session **sp, struct sessions *ss, struct dialog *dlg, const struct session_ops *ops, void *arg)
{
	struct session *s = mem_zalloc(sizeof(*s), session_destructor);

	if (!s)
		return ENOMEM;
	s->ss  = ss;
	s->dlg = mem_ref(dlg);
	s->ops = ops;
	s->arg = arg;
	s->rseq = rand_u16();
	s->min_se_s = ss->conf.min_se_s;
	hash_append(ss->ht, hash_joaat_str(dlg->callid), &s->le, s);
	ss->n++;
	*sp = s;
	return 0;
}

void session_learn(struct session *s, const struct sip_msg *msg)
{
	if (sip_msg_hdr(msg, SIP_HDR_ALLOW))
		s->peer_update = sip_msg_names(msg, SIP_HDR_ALLOW, "UPDATE");
}

/* Whole lines and no empty one, which would end the headers. */
static bool header_lines(const char *text)
{
	size_t n = text ? strlen(text) : 0;

	return n > 2 && !strcmp(text + n - 2, "\r\n") && strncmp(text, "\r\n", 2) && !strstr(text, "\r\n\r\n");
}

void session_bye(struct session *s, const char *reason_hdr)
{
	struct mbuf *mb = mbuf_alloc(128);

	if (!mb)
		return;
	if (header_lines(reason_hdr))
		(void)mbuf_write_str(mb, reason_hdr);
	(void)hdrs_body(mb, NULL);
	(void)dialog_request(NULL, s->dlg, "BYE", mb, NULL, NULL);
	mem_deref(mb);
}

static void quiet(struct session *s)
{
	dreq_forget(s->upd);
	timer_stop(s);
	tmr_cancel(&s->tmr_modify);
	again_stop(&s->rel);
	s->modify_wanted = s->answer_wanted = s->ring_wanted = false;
}

static void leave(struct session *s)
{
	s->leaving = true;
	mem_ref(s);
}

void session_left(struct session *s)
{
	if (!s->leaving)
		return;
	s->leaving = false;
	again_stop(&s->ok);
	unhash(s);
	mem_deref(s);
}

/* It is over: nothing more is sent for it but what a transaction still owes. */
void session_close(struct session *s, int err, uint16_t scode, const char *reason, const struct sip_msg *msg)
{
	const struct session_ops *ops = s->ops;

	if (s->closed) {
		session_left(s);
		return;
	}
	s->closed = true;
	quiet(s);
	again_stop(&s->ok);
	sdp_rollback(s);
	if (s->st)
		(void)session_reply(s->ss, &s->st, s->inv, 487, "Request Terminated", NULL);
	if (s->req && s->out && !s->established) {
		dreq_cancel(s->req);
		leave(s);
	}
	else {
		dreq_forget(s->req);
		unhash(s);
	}
	s->ops = NULL;
	if (ops && ops->closed)
		ops->closed(err, scode, reason, msg, s->arg);
}

void session_hangup(struct session *s, const char *reason_hdr)
{
	if (!s)
		return;
	s->ops = NULL;
	if (s->closed || !s->ss)
		return;
	s->closed = true;
	quiet(s);
	s->xchg = XCHG_NONE;
	if (s->st) {
		(void)session_reply(s->ss, &s->st, s->inv, 480, "Temporarily Unavailable", NULL);
		unhash(s);
	}
	else if (s->out && !s->established) {
		if (s->req) {
			dreq_cancel(s->req);
			leave(s);
		}
		else
			unhash(s);
	}
	else if (s->ok.mb) {
		/* RFC 3261 15: "the callee's UA MUST NOT send a BYE on a confirmed dialog until it has received an ACK for
		 * its 2xx response or until the server transaction times out." */
		if (reason_hdr)
			(void)str_dup(&s->bye_reason, reason_hdr);
		leave(s);
	}
	else {
		dreq_forget(s->req);
		if (s->established)
			session_bye(s, reason_hdr);
		unhash(s);
	}
}

/* --- finding --- */

struct key { const struct pl *callid, *ltag, *rtag; };

static bool is_key(struct le *le, void *arg)
{
	const struct session *s = le->data;
	const struct key *k = arg;

	return dialog_is(s->dlg, k->callid, k->ltag, k->rtag);
}

static struct session *find(struct sessions *ss, const struct pl *callid, const struct pl *ltag, const struct pl *rtag)
{
	struct key k = { callid, ltag, rtag };

	return list_ledata(hash_lookup(ss->ht, hash_joaat_pl(callid), is_key, &k));
}

struct session *sessions_find(struct sessions *ss, const struct pl *callid, const struct pl *to_tag, const struct pl *from_tag)
{
	struct session *s;

	if (!ss || !callid || !to_tag)
		return NULL;
	s = find(ss, callid, to_tag, from_tag && from_tag->l ? from_tag : NULL);
	return s && !s->closed ? s : NULL;
}

/* --- Replaces, Join --- */

static int ref_read(struct session_ref *ref, const struct pl *val)
{
	struct pl params;
	const char *semi = memchr(val->p, ';', val->l);

	memset(ref, 0, sizeof(*ref));
	if (!semi)
		return EBADMSG;
	ref->callid.p = val->p;
	ref->callid.l = (size_t)(semi - val->p);
	while (ref->callid.l && ref->callid.p[ref->callid.l - 1] == ' ')
		ref->callid.l--;
	params.p = semi + 1;
	params.l = val->l - (size_t)(params.p - val->p);
	if (!ref->callid.l || !sip_param(&params, "to-tag", &ref->to_tag) || !sip_param(&params, "from-tag", &ref->from_tag))
		return EBADMSG;
	ref->early_only = sip_param(&params, "early-only", NULL);
	/* RFC 3891 3: "a tag of zero matches both tags of zero and null" */
	if (!pl_strcmp(&ref->from_tag, "0"))
		ref->from_tag.l = 0;
	return 0;
}

static int ref_header(struct session_ref *ref, const struct sip_msg *msg, enum sip_hdrid id)
{
	const struct sip_hdr *hdr = sip_msg_hdr(msg, id);

	if (!hdr)
		return ENOENT;
	/* RFC 3891 3: "If more than one Replaces header field is present in an INVITE, ... the UAS MUST reject the request
	 * with a 400 Bad Request response." And never both (RFC 3911 4). */
	if (sip_msg_hdr_count(msg, id) > 1 ||
	    (sip_msg_hdr(msg, SIP_HDR_REPLACES) && sip_msg_hdr(msg, SIP_HDR_JOIN)))
		return EBADMSG;
	return ref_read(ref, &hdr->val);
}

int session_replaces(struct session_ref *ref, const struct sip_msg *msg)
{
	return ref_header(ref, msg, SIP_HDR_REPLACES);
}

int session_join(struct session_ref *ref, const struct sip_msg *msg)
{
	return ref_header(ref, msg, SIP_HDR_JOIN);
}

static bool has_ended(const struct sessions *ss, const struct pl *ltag)
{
	char text[20] = "";
	uint64_t tag;

	if (ltag->l != 16 || pl_strcpy(ltag, text, sizeof(text)))
		return false;
	tag = strtoull(text, NULL, 16);
	for (size_t i = 0; tag && i < ENDED_MAX; i++) {
		if (ss->ended[i] == tag)
			return true;
	}
	return false;
}

uint16_t sessions_replaced(struct sessions *ss, struct session **sp, const char **reason, const struct session_ref *ref)
{
	struct session *s = find(ss, &ref->callid, &ref->to_tag, ref->from_tag.l ? &ref->from_tag : NULL);

	*sp = NULL;
	if (!s && !has_ended(ss, &ref->to_tag)) {
		*reason = "Call/Transaction Does Not Exist";
		return 481;
	}
	if (!s || s->closed) {
		/* "If the Replaces header field matches a dialog which has already terminated, the UA SHOULD decline the
		 * request with a 603 Declined response." */
		*reason = "Decline";
		return 603;
	}
	if (s->established && ref->early_only) {
		*reason = "Busy Here";
		return 486;
	}
	/* "If the Replaces header field matches an early dialog that was not initiated by this UA, it returns a 481" */
	if (!s->established && !s->out) {
		*reason = "Call/Transaction Does Not Exist";
		return 481;
	}
	*sp = s;
	return 0;
}

/* --- requests inside a dialog --- */

static void bye_in(struct session *s, const struct sip_msg *msg)
{
	(void)session_reply(s->ss, NULL, msg, 200, "OK", NULL);
	session_close(s, 0, 200, "BYE", msg);
}

static void options_in(struct session *s, const struct sip_msg *msg)
{
	(void)session_reply(s->ss, NULL, msg, 200, "OK", "Allow: %s\r\nAllow-Events: %s\r\nSupported: %s\r\nAccept: %s\r\n", sip_allow,
			    sip_allow_events, sip_supported, sip_accept);
}

static void other_in(struct session *s, const struct sip_msg *msg)
{
	if (s->ops && s->ops->request && s->ops->request(s, msg, s->arg))
		return;
	(void)session_reply(s->ss, NULL, msg, 405, "Method Not Allowed", "Allow: %s\r\n", sip_allow);
}

static void in_dialog(struct session *s, const struct sip_msg *msg)
{
	static const struct { const char *method; void (*h)(struct session *s, const struct sip_msg *msg); } methods[] = {
		{ "INVITE", session_reinvite_in }, { "BYE", bye_in },     { "UPDATE", session_update_in },
		{ "PRACK",  rel_prack_in },        { "OPTIONS", options_in },
	};

	if (!pl_strcmp(&msg->met, "ACK")) {
		session_ack_in(s, msg);
		return;
	}
	if (!dialog_seq(s->dlg, msg)) {
		(void)session_reply(s->ss, NULL, msg, 500, "CSeq Out Of Order", "Retry-After: 1\r\n");
		return;
	}
	if (s->closed) {
		(void)session_reply(s->ss, NULL, msg, pl_strcmp(&msg->met, "BYE") ? 481 : 200,
				    pl_strcmp(&msg->met, "BYE") ? "Call/Transaction Does Not Exist" : "OK", NULL);
		if (!pl_strcmp(&msg->met, "BYE"))
			session_left(s);
		return;
	}
	session_learn(s, msg);
	for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
		if (!pl_strcmp(&msg->met, methods[i].method)) {
			methods[i].h(s, msg);
			return;
		}
	}
	other_in(s, msg);
}

static bool message_handler(const struct sip_msg *msg, void *arg)
{
	struct sessions *ss = arg;
	struct session *s;

	if (!msg->req)
		return session_late_response(ss, msg);
	if (!pl_isset(&msg->to.tag)) {
		if (pl_strcmp(&msg->met, "INVITE"))
			return !pl_strcmp(&msg->met, "ACK");
		session_invite_in(ss, msg);
		return true;
	}
	s = find(ss, &msg->callid, &msg->to.tag, &msg->from.tag);
	if (!s)
		return !pl_strcmp(&msg->met, "ACK");
	/* The owner may let go of it in the middle. */
	mem_ref(s);
	in_dialog(s, msg);
	mem_deref(s);
	return true;
}

/* --- all of them --- */

static void sessions_destructor(void *arg)
{
	struct sessions *ss = arg;
	struct le *le;

	sips_forget(ss->sips, ss);
	for (uint32_t i = 0; ss->ht && i < hash_bsize(ss->ht); i++) {
		while ((le = list_head(hash_list(ss->ht, i))) != NULL) {
			struct session *s = le->data;

			hash_unlink(&s->le);
			dreq_forget(s->req);
			session_left(s);
		}
	}
	mem_deref(ss->ht);
}

int sessions_alloc(struct sessions **sp, struct sips *sips, const struct session_conf *conf, sessions_invite_h *h, void *arg)
{
	struct sessions *ss = mem_zalloc(sizeof(*ss), sessions_destructor);
	int err;

	if (!ss)
		return ENOMEM;
	ss->sips = sips;
	ss->inviteh = h;
	ss->arg = arg;
	sessions_reconf(ss, conf);
	err = hash_alloc(&ss->ht, HASH_SIZE);
	if (!err)
		err = sips_handle(sips, NULL, message_handler, ss);
	if (err)
		mem_deref(ss);
	else
		*sp = ss;
	return err;
}

void sessions_reconf(struct sessions *ss, const struct session_conf *conf)
{
	ss->conf = *conf;
	/* RFC 4028 5: "The Min-SE ... MUST NOT be less than 90 seconds." */
	if (ss->conf.min_se_s < 90)
		ss->conf.min_se_s = 90;
	if (ss->conf.expires_s && ss->conf.expires_s < ss->conf.min_se_s)
		ss->conf.expires_s = ss->conf.min_se_s;
}

uint32_t sessions_count(const struct sessions *ss)
{
	return ss->n;
}

/* --- asked of one --- */

const char *session_callid(const struct session *s)      { return s->dlg->callid; }
const struct sa *session_peer(const struct session *s)   { return &s->dlg->peer; }
enum sip_transp session_transp(const struct session *s)  { return s->dlg->tp; }
const char *session_remote_uri(const struct session *s)  { return s->remote_uri ? s->remote_uri : ""; }
const char *session_remote_name(const struct session *s) { return s->remote_name ? s->remote_name : ""; }
bool session_established(const struct session *s)        { return s->established && !s->closed; }
bool session_outgoing(const struct session *s)           { return s->out; }
bool session_heard(const struct session *s)              { return s->heard; }
struct sip *session_sip(const struct session *s)         { return s->dlg->sip; }
struct dialog *session_dialog(const struct session *s)   { return s->dlg; }
